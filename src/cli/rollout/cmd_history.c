/* sluice rollout history: the revisions of a Rollout's workload, as kubectl numbers them. */
#include "cli/rollout/history.h"
#include "cli/table.h"
#include "cli/terminal.h"

#define OUTPUT_MAX SL_MIB

struct history_values {
    struct sl_cluster_values cluster;
};

static const struct sl_option options[] = {
    SL_CLUSTER_OPTIONS(offsetof(struct history_values, cluster)),
    {0},
};

/* What the revision is to the run. */
static const char *part_of(const struct sl_rollout_status *status,
                           const struct sl_history_item *item)
{
    bool stable = sl_history_is(item, status->run.stable_revision);
    bool update = sl_history_is(item, status->run.update_revision);
    return stable && update ? "stable,update" : stable ? "stable" : update ? "update" : "";
}

static void write_table(const struct sl_history *history, const struct sl_rollout_status *status,
                        struct sl_buf *out)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_table) struct sl_table table = {.columns = 5, .colour = sl_terminal_colour()};
    sl_table_add(&table, "REVISION", "NAME", "RUN", "IMAGES", "CHANGE-CAUSE");
    for (size_t i = 0; i < history->count; i++) {
        const struct sl_history_item *item = &history->items[i];
        sl_table_add(
            &table,
            sl_arena_printf(&arena, "%lld", (long long)sl_revision_of(item->record)->revision),
            item->record->name, part_of(status, item), item->images,
            item->cause[0] == '\0' ? "<none>" : item->cause);
    }
    sl_table_write(&table, out);
}

static int show(const struct sl_cluster *cluster, const char *name, struct sl_err *err)
{
    SL_AUTO(sl_rollout_ref) struct sl_record *record = NULL;
    SL_AUTO(sl_record) struct sl_record *workload = NULL;
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    SL_AUTO(sl_history) struct sl_history history = {0};
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(OUTPUT_MAX);
    if (sl_cluster_rollout(cluster, name, &record, err) < 0 ||
        sl_cluster_workload(cluster, sl_rollout_of(record), &reply, &workload, err) < 0 ||
        sl_history_read(cluster, sl_rollout_of(record), workload, sl_buf_str(&reply.body), &history,
                        err) < 0) {
        return -1;
    }
    write_table(&history, &sl_rollout_of(record)->status, &out);
    return sl_buf_check(&out, "the output", err) < 0 || sl_command_print(sl_buf_str(&out), err) < 0
               ? -1
               : 0;
}

static int run_history(const struct sl_command *self, const void *values_,
                       struct sl_operands operands)
{
    const struct history_values *values = values_;
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_cluster) struct sl_cluster cluster = {0};
    if (sl_cluster_open(&values->cluster, &cluster, &err) < 0 ||
        show(&cluster, operands.items[0], &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

const struct sl_command sl_cmd_rollout_history = {
    .name = "rollout history",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "List the revisions of the workload",
    .details = "\nNAME is the Rollout's. RUN says which revision is stable, and which the run\n"
               "updates to.\n"
               "\nExample: sluice rollout history web\n",
    .options = options,
    .values_size = sizeof(struct history_values),
    .run = run_history,
};
