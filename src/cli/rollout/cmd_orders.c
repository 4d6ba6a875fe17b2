/* sluice rollout confirm, pause, resume, abort, retry and promote: one order each (orders.h), given
 * to the Rollout as it was read and given again where somebody changed it meanwhile. */
#include "cli/rollout/cluster.h"
#include "cli/rollout/orders.h"

#define TRIES 5
#define PATCH_MAX (4 * SL_KIB)
#define BATCHES_MAX 100000

struct order_values {
    struct sl_cluster_values cluster;
    int batch; /* from 1; 0: the current one */
};

static const struct sl_option options[] = {
    SL_CLUSTER_OPTIONS(offsetof(struct order_values, cluster)),
    {0},
};

static const struct sl_option confirm_options[] = {
    {.name = "batch",
     .type = SL_O_INT,
     .at = offsetof(struct order_values, batch),
     .value = "N",
     .min = 1,
     .max = BATCHES_MAX,
     .help = "the batch that must be waiting, from 1 as 'get' counts\n"
             "(default: whichever waits)"},
    SL_CLUSTER_OPTIONS(offsetof(struct order_values, cluster)),
    {0},
};

/* One try: *ret_said as sl_order_write() says it. */
static int give(const struct sl_cluster *cluster, const char *name, enum sl_told told,
                int64_t batch, const char **ret_said, bool *ret_refused, struct sl_err *err)
{
    SL_AUTO(sl_rollout_ref) struct sl_record *record = NULL;
    SL_AUTO(sl_buf) struct sl_buf patch = SL_BUF_INIT(PATCH_MAX);
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    if (sl_cluster_rollout(cluster, name, &record, err) < 0) {
        return -1;
    }
    if (sl_order_write(told, sl_rollout_of(record), batch, &patch, ret_said, err) < 0) {
        *ret_refused = true;
        return -1;
    }
    if (sl_buf_check(&patch, "the patch", err) < 0) {
        return -1;
    }
    if (patch.len == 0) {
        return 0;
    }
    const struct sl_request request = {.verb = SL_PATCH_OBJECT,
                                       .resource = sl_rollouts,
                                       .ns = sl_str_from(cluster->ns),
                                       .name = sl_str_from(name),
                                       .body = sl_buf_str(&patch),
                                       .content_type = "application/merge-patch+json",
                                       .manager = SL_CLI_FIELD_MANAGER};
    return sl_client_call(cluster->client, &request, &reply, err);
}

static int run_order(const struct sl_command *self, const void *values_,
                     struct sl_operands operands, enum sl_told told)
{
    const struct order_values *values = values_;
    const char *name = operands.items[0];
    const char *said = NULL;
    bool refused = false;
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_cluster) struct sl_cluster cluster = {0};
    if (sl_cluster_open(&values->cluster, &cluster, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    int64_t batch = values->batch > 0 ? values->batch - 1 : SL_CURRENT_BATCH;
    int result = -1;
    for (int i = 0; i < TRIES && result < 0; i++) {
        result = give(&cluster, name, told, batch, &said, &refused, &err);
        if (result < 0 && (refused || err.kind != SL_ERR_CONFLICT)) {
            return sl_command_failed(self, &err, refused ? SL_EXIT_NO : SL_EXIT_BAD);
        }
    }
    if (result < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
    sl_buf_addf(&out, "rollout.sluice.dev/%s %s\n", name, said);
    if (sl_command_print(sl_buf_str(&out), &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

static int run_confirm(const struct sl_command *self, const void *values,
                       struct sl_operands operands)
{
    return run_order(self, values, operands, SL_TOLD_CONFIRM);
}

static int run_pause(const struct sl_command *self, const void *values, struct sl_operands operands)
{
    return run_order(self, values, operands, SL_TOLD_PAUSE);
}

static int run_resume(const struct sl_command *self, const void *values,
                      struct sl_operands operands)
{
    return run_order(self, values, operands, SL_TOLD_RESUME);
}

static int run_abort(const struct sl_command *self, const void *values, struct sl_operands operands)
{
    return run_order(self, values, operands, SL_TOLD_ABORT);
}

static int run_retry(const struct sl_command *self, const void *values, struct sl_operands operands)
{
    return run_order(self, values, operands, SL_TOLD_RETRY);
}

static int run_promote(const struct sl_command *self, const void *values,
                       struct sl_operands operands)
{
    return run_order(self, values, operands, SL_TOLD_PROMOTE);
}

#define STATUS                                                                                     \
    "\nExit status: 0 told (or told before), 1 refused: the run is not in a state in\n"            \
    "which this means anything, 2 bad usage or no answer.\n"

const struct sl_command sl_cmd_rollout_confirm = {
    .name = "rollout confirm",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Let the batch after the one that waits begin",
    .details = "\nThe confirmation names the run and the batch as they were read: it never\n"
               "approves a run that began meanwhile.\n" STATUS
               "\nExample: sluice rollout confirm web --batch 1\n",
    .options = confirm_options,
    .values_size = sizeof(struct order_values),
    .run = run_confirm,
};

const struct sl_command sl_cmd_rollout_pause = {
    .name = "rollout pause",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Touch no further pod until 'resume'",
    .details = "\nSets spec.paused. What was begun with a pod is finished.\n" STATUS
               "\nExample: sluice rollout pause web\n",
    .options = options,
    .values_size = sizeof(struct order_values),
    .run = run_pause,
};

const struct sl_command sl_cmd_rollout_resume = {
    .name = "rollout resume",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Go on after 'pause'",
    .details = "\nClears spec.paused.\n" STATUS "\nExample: sluice rollout resume web\n",
    .options = options,
    .values_size = sizeof(struct order_values),
    .run = run_resume,
};

const struct sl_command sl_cmd_rollout_abort = {
    .name = "rollout abort",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Take the pods that moved back to the stable revision",
    .details =
        "\nPuts the stable template back, too; of a run under way, or of one that failed.\n" STATUS
        "\nExample: sluice rollout abort web && sluice rollout wait web\n",
    .options = options,
    .values_size = sizeof(struct order_values),
    .run = run_abort,
};

const struct sl_command sl_cmd_rollout_retry = {
    .name = "rollout retry",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Go on with a run that failed, as a new run",
    .details = STATUS "\nExample: sluice rollout retry web\n",
    .options = options,
    .values_size = sizeof(struct order_values),
    .run = run_retry,
};

const struct sl_command sl_cmd_rollout_promote = {
    .name = "rollout promote",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Roll the rest at once, with no further stop",
    .details = "\nNo batch, pause or confirmation is waited for any more; maxUnavailable still\n"
               "paces it.\n" STATUS "\nExample: sluice rollout promote web\n",
    .options = options,
    .values_size = sizeof(struct order_values),
    .run = run_promote,
};
