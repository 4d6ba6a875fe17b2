/* A PodDisruptionBudget as the reconciler keeps it. Source: policy/v1. */
#ifndef SL_CORE_RECORDS_DISRUPTION_BUDGET_H
#define SL_CORE_RECORDS_DISRUPTION_BUDGET_H

#include "base/arena.h"
#include "codec/selector.h"
#include "core/records/record.h"

struct sl_budget_record {
    struct sl_record record;
    struct sl_arena arena; /* holds what follows; released with the record */
    struct sl_selector selector;
    bool selects;                /* spec.selector is there and readable: null selects nothing */
    int64_t observed_generation; /* of status */
    int32_t disruptions_allowed, desired_healthy;
};

/* Errors: INVALID, when not even metadata can be read. Not quite an sl_record_decode: released with
 * sl_budget_record_free(). */
SL_MUST_USE int sl_budget_record_decode(struct sl_str json, struct sl_record **ret_record,
                                        struct sl_err *err);
void sl_budget_record_free(struct sl_record *record);

static inline const struct sl_budget_record *sl_budget_of(const struct sl_record *record)
{
    return (const struct sl_budget_record *)(const void *)record;
}

#endif
