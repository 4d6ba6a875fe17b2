/* Rollout: the table of its fields, and the rules that no single field can state (rollout.h). */
#include "core/rollout.h"

#include "codec/names.h"
#include "core/metadata.h"

#define AT(type, field) .at = offsetof(struct type, field), .present = SL_DECODE_NO_PRESENT
#define AT_SELF .at = 0, .present = SL_DECODE_NO_PRESENT
#define PLAN(field) .at = offsetof(struct sl_rollout_plan, field), .present = SL_DECODE_NO_PRESENT

#define BATCHES_MAX 100
#define PODS_MAX 100000
#define PARTITION_MAX INT64_C(1000)
#define DAY_SECONDS INT64_C(86400)

static const char *const update_names[] = {"InPlaceIfPossible", "InPlaceOnly", "Recreate", NULL};
static const char *const strategy_names[] = {"IncreaseFirst", "DecreaseFirst", NULL};
static const char *const upgrade_names[] = {"Batch", "Beta", NULL};
static const char *const on_failure_names[] = {"Pause", "Rollback", NULL};
static const char *const order_names[] = {"Promote", "Retry", "Abort", NULL};
static const char *const deletion_names[] = {"Freeze", "Promote", "Revert", NULL};

static const struct sl_decode_row workload_ref_rows[] = {
    {.key = "apiVersion",
     .type = SL_D_STRING,
     AT(sl_workload_ref, api_version),
     .required = true,
     .check = sl_name_api_version,
     .doc = "The workload's group and version, such as apps/v1."},
    {.key = "kind",
     .type = SL_D_STRING,
     AT(sl_workload_ref, kind),
     .required = true,
     .doc = "Deployment, StatefulSet, DaemonSet, or a kind that the configuration describes."},
    {.key = "name",
     .type = SL_D_STRING,
     AT(sl_workload_ref, name),
     .required = true,
     .check = sl_name_dns_subdomain,
     .doc = "The workload's name, in the Rollout's namespace."},
    {0},
};

static const struct sl_decode_row pause_rows[] = {
    {.key = "duration",
     .type = SL_D_DURATION,
     AT_SELF,
     .required = true,
     .min = 1,
     .max = INT64_MAX,
     .doc = "How long, as 5m30s."},
    {0},
};

static const struct sl_decode_row batch_rows[] = {
    {.key = "replicas",
     .type = SL_D_INTSTR,
     AT(sl_batch, replicas),
     .required = true,
     .min = 1,
     .max = PODS_MAX,
     .doc = "How many pods more than the batch before: a number, or a percentage of the workload's "
            "replicas, rounded up."},
    {.key = "pause",
     .type = SL_D_OBJECT,
     .at = offsetof(struct sl_batch, pause),
     .present = offsetof(struct sl_batch, has_pause),
     .rows = pause_rows,
     .doc = "A wait after the batch."},
    {0},
};

static const struct sl_decode_row plan_rows[] = {
    {.key = "rolloutStrategy",
     .type = SL_D_ENUM,
     .at = offsetof(struct sl_rollout_plan, strategy),
     .present = offsetof(struct sl_rollout_plan, has_strategy),
     .names = strategy_names,
     .doc = "Deployment only: new pods first (the default), or old pods away first."},
    {.key = "rolloutBatches",
     .type = SL_D_LIST,
     PLAN(batches.list),
     .min = 1,
     .max = BATCHES_MAX,
     .rows = batch_rows,
     .size = sizeof(struct sl_batch),
     .doc = "The batches as increments; a percentage in the last one takes the rest."},
    {.key = "batchSize",
     .type = SL_D_INT,
     PLAN(batches.size),
     .min = 1,
     .max = PODS_MAX,
     .doc = "Batches of this many pods each, instead of rolloutBatches."},
    {.key = "upgradeType",
     .type = SL_D_ENUM,
     PLAN(batches.upgrade_type),
     .names = upgrade_names,
     .fallback = "Batch",
     .doc = "Beta puts a batch of one pod first."},
    {.key = "needWaitingForConfirm",
     .type = SL_D_BOOL,
     PLAN(confirm_each),
     .fallback = "false",
     .doc = "Stop after each batch until it is confirmed."},
    {.key = "batchPartition",
     .type = SL_D_INT,
     .at = offsetof(struct sl_rollout_plan, partition),
     .present = offsetof(struct sl_rollout_plan, has_partition),
     .max = PARTITION_MAX,
     .doc = "The last batch that may run, counted from 0; absent: all."},
    {.key = "maxUnavailable",
     .type = SL_D_INTSTR,
     PLAN(max_unavailable),
     .min = 1,
     .max = PODS_MAX,
     .fallback = "25%",
     .doc = "How many pods of a batch may be out of service at once."},
    {.key = "minReadySeconds",
     .type = SL_D_INT,
     PLAN(min_ready),
     .max = DAY_SECONDS,
     .fallback = "0",
     .doc = "How long a pod must be ready before it counts. Seconds."},
    {.key = "progressDeadlineSeconds",
     .type = SL_D_INT,
     PLAN(progress_deadline),
     .min = 1,
     .max = 7 * DAY_SECONDS,
     .fallback = "600",
     .doc = "How long a batch may go without progress before onFailure. Seconds."},
    {0},
};

static const char *check_run(struct sl_str text)
{
    return text.n == 0 ? "must not be empty" : sl_name_label_value(text);
}

static const struct sl_decode_row confirm_rows[] = {
    {.key = "run",
     .type = SL_D_STRING,
     AT(sl_rollout, confirm_run),
     .required = true,
     .check = check_run,
     .doc = "status.run.id of the run that is confirmed."},
    {.key = "batch",
     .type = SL_D_INT,
     AT(sl_rollout, confirm_batch),
     .required = true,
     .max = PARTITION_MAX * BATCHES_MAX,
     .doc = "The batch that was looked at and found good; the one after it may run."},
    {0},
};

static const struct sl_decode_row command_rows[] = {
    {.key = "run",
     .type = SL_D_STRING,
     AT(sl_rollout, order_run),
     .required = true,
     .check = check_run,
     .doc = "status.run.id of the run that it is for."},
    {.key = "do",
     .type = SL_D_ENUM,
     AT(sl_rollout, order),
     .required = true,
     .names = order_names,
     .doc = "Promote: the rest at once, with no further stop. Retry: a run that failed goes on, as "
            "a new run. Abort: the stable template is put back, and the pods that moved with it."},
    {0},
};

const struct sl_decode_row sl_rollout_spec_rows[] = {
    {.key = "workloadRef",
     .type = SL_D_OBJECT,
     AT(sl_rollout, workload),
     .required = true,
     .rows = workload_ref_rows,
     .doc = "The workload that is rolled."},
    {.key = "paused",
     .type = SL_D_BOOL,
     AT(sl_rollout, paused),
     .fallback = "false",
     .doc = "Nothing new is started while true."},
    {.key = "update",
     .type = SL_D_ENUM,
     AT(sl_rollout, update),
     .names = update_names,
     .fallback = "InPlaceIfPossible",
     .doc = "Whether pods keep their identity where only images and template metadata change."},
    {.key = "rolloutPlan",
     .type = SL_D_OBJECT,
     AT(sl_rollout, plan),
     .required = true,
     .rows = plan_rows,
     .doc = "How the pods are divided into batches."},
    {.key = "confirm",
     .type = SL_D_OBJECT,
     .at = 0,
     .present = offsetof(struct sl_rollout, has_confirm),
     .rows = confirm_rows,
     .doc = "The go for the batch after this one."},
    {.key = "command",
     .type = SL_D_OBJECT,
     .at = 0,
     .present = offsetof(struct sl_rollout, has_order),
     .rows = command_rows,
     .doc = "An order to one run; it means nothing to any other."},
    {.key = "onFailure",
     .type = SL_D_ENUM,
     AT(sl_rollout, on_failure),
     .names = on_failure_names,
     .fallback = "Pause",
     .doc = "What a batch that fails does."},
    {.key = "deletionPolicy",
     .type = SL_D_ENUM,
     AT(sl_rollout, deletion_policy),
     .names = deletion_names,
     .fallback = "Freeze",
     .doc = "What a deleted Rollout leaves of a run under way."},
    {0},
};

static void check_plan(const struct sl_rollout *rollout, const struct sl_field *spec,
                       struct sl_problems *problems)
{
    const struct sl_rollout_plan *plan = &rollout->plan;
    struct sl_field at = SL_FIELD(spec, "rolloutPlan");
    sl_batches_check(&plan->batches, &at, problems);

    size_t count = sl_batches_count(&plan->batches);
    if (plan->has_partition && count > 0 && (size_t)plan->partition >= count) {
        struct sl_field partition = SL_FIELD(&at, "batchPartition");
        sl_problem_add(problems, &partition,
                       "must be less than the number of batches, %zu: batches count from 0", count);
    }
    if (plan->progress_deadline > 0 && plan->progress_deadline <= plan->min_ready) {
        struct sl_field deadline = SL_FIELD(&at, "progressDeadlineSeconds");
        sl_problem_add(problems, &deadline, "must be more than minReadySeconds, %lld",
                       (long long)plan->min_ready);
    }
    if (plan->has_strategy && rollout->workload.kind.n > 0 &&
        !sl_str_is(rollout->workload.kind, "Deployment")) {
        struct sl_field strategy = SL_FIELD(&at, "rolloutStrategy");
        sl_problem_add(problems, &strategy, "is for Deployments only; the workload is a %.*s",
                       SL_STR_FMT(rollout->workload.kind));
    }
}

void sl_rollout_decode(struct json_object *object, const struct sl_workload_kinds *kinds,
                       struct sl_rollout *ret_rollout, struct sl_problems *problems)
{
    struct sl_rollout rollout = {0};
    struct sl_metadata metadata = {0};
    bool has_spec = sl_metadata_decode(object, sl_rollout_spec_rows, &metadata, &rollout, problems);
    rollout.ns = metadata.ns;
    rollout.name = metadata.name;
    rollout.workload.group = sl_api_group(rollout.workload.api_version);

    struct sl_field spec = SL_FIELD(NULL, "spec");
    *ret_rollout = rollout;
    if (!has_spec) {
        return; /* that is said already; the rest would only repeat it */
    }
    struct sl_field ref = SL_FIELD(&spec, "workloadRef");
    if (rollout.workload.kind.n > 0 && rollout.workload.api_version.n > 0 &&
        sl_workload_by_kind(kinds, rollout.workload.group, rollout.workload.kind) == NULL) {
        sl_problem_add(problems, &ref,
                       "no %.*s of %.*s is known: only Deployment, StatefulSet and DaemonSet of "
                       "apps/v1, and kinds under admission.workloads in the configuration",
                       SL_STR_FMT(rollout.workload.kind), SL_STR_FMT(rollout.workload.api_version));
    }
    check_plan(&rollout, &spec, problems);
}
