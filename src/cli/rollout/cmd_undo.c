/* sluice rollout undo: a former template is the workload's again. Written to the workload itself,
 * as kubectl's own undo does, which refuses a Deployment that is held. */
#include <string.h>

#include "cli/rollout/history.h"

#define TRIES 5
#define PATCH_MAX (2 * SL_MIB)
#define REVISION_MAX 1000000000

struct undo_values {
    struct sl_cluster_values cluster;
    int number; /* 0: the one before */
};

static const struct sl_option options[] = {
    {.name = "to-revision",
     .type = SL_O_INT,
     .at = offsetof(struct undo_values, number),
     .value = "N",
     .min = 0,
     .max = REVISION_MAX,
     .help = "its number, as 'history' shows (default 0: the one\n"
             "before the workload's template)"},
    SL_CLUSTER_OPTIONS(offsetof(struct undo_values, cluster)),
    {0},
};

/* One try. *ret_refused: there is no such revision. Appends what is said. */
static int undo(const struct sl_cluster *cluster, const char *name, int64_t number,
                struct sl_buf *said, bool *ret_refused, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_rollout_ref) struct sl_record *record = NULL;
    SL_AUTO(sl_record) struct sl_record *workload = NULL;
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    SL_AUTO(sl_reply) struct sl_reply written = {0};
    SL_AUTO(sl_history) struct sl_history history = {0};
    SL_AUTO(sl_buf) struct sl_buf patch = SL_BUF_INIT(PATCH_MAX);
    const struct sl_history_item *item = NULL;
    if (sl_cluster_rollout(cluster, name, &record, err) < 0) {
        return -1;
    }
    const struct sl_rollout_record *rollout = sl_rollout_of(record);
    if (sl_cluster_workload(cluster, rollout, &reply, &workload, err) < 0 ||
        sl_history_read(cluster, rollout, workload, sl_buf_str(&reply.body), &history, err) < 0) {
        return -1;
    }
    const char *template_id = sl_workload_of(workload)->template_id;
    if (sl_history_pick(&history, template_id, number, &item, err) < 0) {
        *ret_refused = true;
        return -1;
    }
    const struct sl_revision_record *revision = sl_revision_of(item->record);
    struct sl_resource resource = sl_cluster_resource(rollout, &arena);
    bool same = strcmp(revision->template_id, template_id) == 0;
    sl_buf_addf(said, "%.*s/%s %s revision %lld\n", SL_STR_FMT(resource.plural), workload->name,
                same ? "has already the template of" : "rolled back to",
                (long long)revision->revision);
    if (same) {
        return 0;
    }
    if (sl_history_write(item, workload, sl_buf_str(&reply.body), &patch, err) < 0) {
        return -1;
    }
    const struct sl_request request = {.verb = SL_PATCH_OBJECT,
                                       .resource = resource,
                                       .ns = sl_str_from(cluster->ns),
                                       .name = sl_str_from(workload->name),
                                       .body = sl_buf_str(&patch),
                                       .content_type = "application/json-patch+json",
                                       .manager = SL_CLI_FIELD_MANAGER};
    return sl_client_call(cluster->client, &request, &written, err);
}

static int run_undo(const struct sl_command *self, const void *values_, struct sl_operands operands)
{
    const struct undo_values *values = values_;
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_cluster) struct sl_cluster cluster = {0};
    SL_AUTO(sl_buf) struct sl_buf said = SL_BUF_INIT(4 * SL_KIB);
    if (sl_cluster_open(&values->cluster, &cluster, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    int result = -1;
    bool refused = false;
    for (int i = 0; i < TRIES && result < 0; i++) {
        sl_buf_reset(&said);
        result = undo(&cluster, operands.items[0], values->number, &said, &refused, &err);
        if (result < 0 && err.kind != SL_ERR_CONFLICT) {
            break;
        }
    }
    if (result < 0 || sl_command_print(sl_buf_str(&said), &err) < 0) {
        return sl_command_failed(self, &err, refused ? SL_EXIT_NO : SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

const struct sl_command sl_cmd_rollout_undo = {
    .name = "rollout undo",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Give the workload an earlier template again",
    .details = "\nNAME is the Rollout's. Works while the workload is held, too, where kubectl's\n"
               "own undo does not. Back to the stable revision is a rollback: one batch, with no\n"
               "pauses; another revision is a new run.\n"
               "\nExit status: 0 done, or nothing to do, 1 no such revision, 2 bad usage or no\n"
               "answer.\n"
               "\nExample: sluice rollout undo web --to-revision 3\n",
    .options = options,
    .values_size = sizeof(struct undo_values),
    .run = run_undo,
};
