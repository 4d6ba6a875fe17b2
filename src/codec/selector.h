/* Label selectors, all operators: a set of requirements that are ANDed.
 * Source: metav1.LabelSelector; k8s.io/apimachinery/pkg/labels. Pure functions. */
#ifndef SL_CODEC_SELECTOR_H
#define SL_CODEC_SELECTOR_H

#include <json-c/json.h>

#include "base/arena.h"
#include "codec/problem.h"

#define SL_SELECTOR_MAX 64 /* labels, values of one expression; half as many expressions */

struct sl_label {
    struct sl_str key, value;
};

struct sl_labels {
    const struct sl_label *items; /* sorted by key, keys unique */
    size_t count;
};

enum sl_operator { SL_OP_IN, SL_OP_NOT_IN, SL_OP_EXISTS, SL_OP_DOES_NOT_EXIST };

struct sl_requirement {
    struct sl_str key;
    enum sl_operator op;
    const struct sl_str *values;
    size_t value_count;
};

/* No requirements: matches everything, as in Kubernetes. */
struct sl_selector {
    const struct sl_requirement *requirements;
    size_t count;
};

/* Reads {matchLabels, matchExpressions}. Keys and values are checked (names.h), operators too: In
 * and NotIn want values, Exists and DoesNotExist none. What is wrong goes to `problems`. */
void sl_selector_decode(struct json_object *object, const struct sl_field *at,
                        struct sl_selector *ret_selector, struct sl_problems *problems);

/* NotIn and DoesNotExist hold for a key that is absent. */
bool sl_selector_matches(const struct sl_selector *selector, struct sl_labels labels);

/* Appends it as the query parameter labelSelector takes it (not escaped): "app in (web),!canary".
 */
void sl_selector_write(const struct sl_selector *selector, struct sl_buf *out);

struct sl_str sl_labels_get(struct sl_labels labels, struct sl_str key); /* absent: not there */

#endif
