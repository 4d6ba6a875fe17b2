/* Rollout (sluice.dev/v1alpha1): how a workload's pods reach a new revision. The decode table in
 * rollout.c is the reference of its fields. */
#ifndef SL_CORE_ROLLOUT_H
#define SL_CORE_ROLLOUT_H

#include "codec/decode.h"
#include "core/batches.h"
#include "core/workload.h"

enum sl_update { SL_IN_PLACE_IF_POSSIBLE, SL_IN_PLACE_ONLY, SL_RECREATE };
enum sl_rollout_strategy { SL_INCREASE_FIRST, SL_DECREASE_FIRST };
enum sl_on_failure { SL_ON_FAILURE_PAUSE, SL_ON_FAILURE_ROLLBACK };
enum sl_order { SL_ORDER_PROMOTE, SL_ORDER_RETRY, SL_ORDER_ABORT };
enum sl_deletion { SL_DELETION_FREEZE, SL_DELETION_PROMOTE, SL_DELETION_REVERT };

struct sl_workload_ref {
    struct sl_str api_version, group, kind, name;
};

struct sl_rollout_plan {
    int strategy; /* enum sl_rollout_strategy */
    bool has_strategy;
    struct sl_batches batches;
    bool confirm_each; /* needWaitingForConfirm */
    bool has_partition;
    int64_t partition; /* the last batch that may run */
    struct sl_intstr max_unavailable;
    int64_t min_ready, progress_deadline; /* seconds */
};

struct sl_rollout {
    struct sl_str ns, name;
    struct sl_workload_ref workload;
    bool paused;
    int update; /* enum sl_update */
    struct sl_rollout_plan plan;
    bool has_confirm;
    struct sl_str confirm_run;
    int64_t confirm_batch;
    bool has_order; /* spec.command */
    struct sl_str order_run;
    int order;           /* enum sl_order */
    int on_failure;      /* enum sl_on_failure */
    int deletion_policy; /* enum sl_deletion */
};

/* The fields of its spec. */
extern const struct sl_decode_row sl_rollout_spec_rows[];

/* As sl_traffic_policy_decode(). A workloadRef of a kind that is neither built in nor in `kinds` is
 * a problem: nothing would ever roll it. */
void sl_rollout_decode(struct json_object *object, const struct sl_workload_kinds *kinds,
                       struct sl_rollout *ret_rollout, struct sl_problems *problems);

#endif
