/* A TrafficPolicy as the reconciler keeps it: the spec that is in force, and the status that is
 * stored. Source: sluice.dev/v1alpha1 (core/traffic_policy.h). */
#ifndef SL_CORE_RECORDS_TRAFFIC_POLICY_H
#define SL_CORE_RECORDS_TRAFFIC_POLICY_H

#include "base/arena.h"
#include "core/records/record.h"
#include "core/traffic_policy.h"

struct sl_traffic_policy_record {
    struct sl_record record;
    struct sl_arena arena; /* holds what follows; released with the record */
    struct sl_traffic_policy policy;
    const char *problem;  /* why the spec cannot be used; "" none. It is not read then. */
    struct sl_str status; /* JSON text as it is stored; absent none */
};

/* Errors: INVALID, when not even metadata can be read. Not quite an sl_record_decode: released with
 * sl_traffic_policy_record_free(). */
SL_MUST_USE int sl_traffic_policy_record_decode(struct sl_str json, struct sl_record **ret_record,
                                                struct sl_err *err);
void sl_traffic_policy_record_free(struct sl_record *record);

static inline const struct sl_traffic_policy_record *sl_traffic_policy_of(
    const struct sl_record *record)
{
    return (const struct sl_traffic_policy_record *)(const void *)record;
}

#endif
