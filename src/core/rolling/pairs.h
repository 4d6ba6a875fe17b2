/* Inside core/rolling: two JSON objects side by side, member by member. Values must have been
 * checked by jscan. Pure functions. */
#ifndef SL_CORE_ROLLING_PAIRS_H
#define SL_CORE_ROLLING_PAIRS_H

#include "base/arena.h"
#include "codec/jscan.h"

struct sl_pair { /* a member that at least one of them has; null is as absent */
    struct sl_str key;
    struct sl_jval from, to;
};

struct sl_pairs {
    struct sl_pair *items; /* sorted by key; in the arena */
    size_t count;
};

/* What is no object has no members. */
struct sl_pairs sl_pairs(struct sl_jval from, struct sl_jval to, struct sl_arena *arena);

bool sl_pair_equal(const struct sl_pair *pair); /* the same JSON, or both absent */

/* A pod template's text. Errors: INVALID, it is no object with a spec. */
SL_MUST_USE int sl_pairs_template(struct sl_str text, struct sl_jval *ret_template,
                                  struct sl_err *err);

#endif
