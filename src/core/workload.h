/* The kinds of workload that Sluice holds, as rows: which field keeps the stock controller from
 * rolling.
 *
 * Deployment, StatefulSet and DaemonSet are built in; anything with a partition field is one more
 * row, from the configuration. FACTS 1-5 say why each field holds.
 */
#ifndef SL_CORE_WORKLOAD_H
#define SL_CORE_WORKLOAD_H

#include "base/str.h"

/* A partition above every ordinal. Not INT32_MAX: the StatefulSet controller adds the first ordinal
 * to it, in an int. */
#define SL_HOLD_PARTITION "1000000000"

struct sl_hold {
    struct sl_str field; /* of spec: saved, kept and put back as a whole (held.h) */
    struct sl_str path;  /* dotted, of what holds within the field; empty: the field itself */
    struct sl_str value; /* JSON text that holds */
};

struct sl_workload_kind {
    struct sl_str group, kind, resource;
    struct sl_hold hold;
};

struct sl_workload_kinds { /* those of the configuration; the built-in ones are always there */
    const struct sl_workload_kind *items;
    size_t count;
};

/* By the resource of a request ("apps", "statefulsets"), or by an object's kind ("apps",
 * "StatefulSet"); NULL: not a kind that is held. */
const struct sl_workload_kind *sl_workload_by_resource(const struct sl_workload_kinds *configured,
                                                       struct sl_str group, struct sl_str resource);
const struct sl_workload_kind *sl_workload_by_kind(const struct sl_workload_kinds *configured,
                                                   struct sl_str group, struct sl_str kind);

/* "apps/v1" is of group "apps", "v1" of "". */
struct sl_str sl_api_group(struct sl_str api_version);

#endif
