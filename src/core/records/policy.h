/* What the webhook keeps of the objects that it watches: of each, the little that it decides by.
 *
 * Not the records of the reconciler (rollout.h, revision.h), which needs much more of the same
 * objects. Pure functions.
 */
#ifndef SL_CORE_RECORDS_POLICY_H
#define SL_CORE_RECORDS_POLICY_H

#include "core/records/record.h"
#include "core/workload.h"

/* A TrafficPolicy or a Rollout. */
struct sl_policy_record {
    struct sl_record record;
    const char *document; /* what sl_snapshot_add() reads: apiVersion, kind, names and spec as JSON.
                             The same text: nothing changed but status and metadata. */
};

/* `kind` is that of the object. Errors: INVALID, also when the object breaks a rule of its kind
 * (sl_snapshot_add()): all problems in one sentence. */
SL_MUST_USE int sl_policy_record_decode(struct sl_str json, const char *kind,
                                        const struct sl_workload_kinds *kinds,
                                        struct sl_record **ret_record, struct sl_err *err);

/* A Namespace. That it is being deleted, record.deleted says. */
struct sl_namespace_record {
    struct sl_record record;
    bool managed; /* label sluice.dev/managed: "true" */
};
int sl_namespace_record_decode(struct sl_str json, struct sl_record **ret_record,
                               struct sl_err *err);

/* A ReplicaSet with the annotation sluice.dev/handover (core/handovers.h); of any other one
 * *ret_record is NULL. */
struct sl_handover_record {
    struct sl_record record;
    int64_t until; /* nanoseconds since 1970 */
};
/* Errors: INVALID, also when the annotation is no time. */
int sl_handover_record_decode(struct sl_str json, struct sl_record **ret_record,
                              struct sl_err *err);

static inline const struct sl_policy_record *sl_policy_of(const struct sl_record *record)
{
    return (const struct sl_policy_record *)(const void *)record;
}
static inline const struct sl_namespace_record *sl_namespace_of(const struct sl_record *record)
{
    return (const struct sl_namespace_record *)(const void *)record;
}
static inline const struct sl_handover_record *sl_handover_of(const struct sl_record *record)
{
    return (const struct sl_handover_record *)(const void *)record;
}

#endif
