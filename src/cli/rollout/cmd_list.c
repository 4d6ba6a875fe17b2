/* sluice rollout list: the Rollouts of a namespace, or of all, as a table or as they are. */
#include "cli/rollout/objects.h"
#include "cli/rollout/view.h"
#include "cli/table.h"
#include "cli/terminal.h"

#define OUTPUT_MAX (64 * SL_MIB)

struct list_values {
    struct sl_cluster_values cluster;
    const char *selector;
    int form; /* enum sl_form */
    bool all;
};

#define AT(field) .at = offsetof(struct list_values, field)

static const struct sl_option options[] = {
    {.name = "all-namespaces",
     .letter = 'A',
     .type = SL_O_FLAG,
     AT(all),
     .help = "those of every namespace"},
    {.name = "selector",
     .letter = 'l',
     .type = SL_O_TEXT,
     AT(selector),
     .value = "LABELS",
     .help = "those with these labels: app=web,tier!=test"},
    {.name = "output",
     .letter = 'o',
     .type = SL_O_WORD,
     AT(form),
     .value = "FORM",
     .words = sl_forms,
     .fallback = SL_FORM_TEXT,
     .help = "text: a table (the default); wide: with workloads and\n"
             "runs; json, yaml: the objects; name: one a line"},
    SL_CLUSTER_OPTIONS(offsetof(struct list_values, cluster)),
    {0},
};

struct listing {
    const struct list_values *values;
    struct sl_arena arena; /* of the table's texts */
    struct sl_table table;
    size_t count;
    int64_t now;
};

static void listing_cleanup(struct listing *listing)
{
    sl_table_cleanup(&listing->table);
    sl_arena_cleanup(&listing->arena);
}

/* A row, or the head, whose cells are those of all columns: which are shown depends on options. */
static void add_row(struct listing *listing, const char *const cells[10])
{
    const struct list_values *values = listing->values;
    const bool shown[10] = {values->all, true, values->form == SL_FORM_WIDE, true, true,
                            true,        true, values->form == SL_FORM_WIDE, true, true};
    const char *row[10];
    size_t count = 0;
    for (size_t i = 0; i < 10; i++) {
        if (shown[i]) {
            row[count++] = cells[i];
        }
    }
    listing->table.columns = count;
    sl_table_row(&listing->table, row);
}

static int add(void *ctx, struct sl_str json, struct sl_err *err)
{
    struct listing *listing = ctx;
    SL_AUTO(sl_rollout_ref) struct sl_record *record = NULL;
    if (sl_cluster_decode(NULL, json, &record, err) < 0) {
        return -1;
    }
    struct sl_arena *arena = &listing->arena;
    const struct sl_rollout_record *rollout = sl_rollout_of(record);
    const struct sl_rollout_status *status = &rollout->status;
    SL_AUTO(sl_buf) struct sl_buf age = SL_BUF_INIT(SL_KIB);
    sl_text_age(&age, listing->now - record->created);
    if (listing->count++ == 0) {
        add_row(listing, (const char *const[]){"NAMESPACE", "NAME", "WORKLOAD", "PHASE", "BATCH",
                                               "UPDATED", "READY", "RUN", "MESSAGE", "AGE"});
    }
    add_row(listing,
            (const char *const[]){
                sl_arena_cstr(arena, sl_str_from(record->ns)),
                sl_arena_cstr(arena, sl_str_from(record->name)),
                sl_arena_printf(arena, "%.*s/%.*s", SL_STR_FMT(rollout->spec.workload.kind),
                                SL_STR_FMT(rollout->spec.workload.name)),
                sl_phase_names[status->phase],
                sl_view_batch(status, arena),
                sl_arena_printf(arena, "%d/%d", status->updated, status->replicas),
                sl_arena_printf(arena, "%d", status->updated_ready),
                sl_arena_cstr(arena, status->run.id),
                sl_arena_cstr(arena, status->message),
                sl_arena_cstr(arena, sl_buf_str(&age)),
            });
    size_t phase = listing->values->all ? 2 : 1;
    phase += listing->values->form == SL_FORM_WIDE ? 1 : 0;
    sl_table_paint(&listing->table, phase, sl_view_phase_style(status->phase));
    return 0;
}

static int print_table(const struct list_values *values, const struct sl_cluster *cluster,
                       struct sl_err *err)
{
    SL_AUTO(listing)
    struct listing listing = {
        .values = values,
        .table = {.columns = 1, .colour = sl_terminal_colour()},
        .now = sl_clock_wall(),
    };
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(OUTPUT_MAX);
    if (sl_cluster_list(cluster, &sl_rollouts, values->all ? NULL : cluster->ns, values->selector,
                        add, &listing, err) < 0) {
        return -1;
    }
    sl_table_write(&listing.table, &out);
    if (sl_buf_check(&out, "the output", err) < 0 || sl_command_print(sl_buf_str(&out), err) < 0) {
        return -1;
    }
    if (listing.count == 0) {
        (void)fprintf(stderr, "No Rollouts found%s%s.\n", values->all ? "" : " in namespace ",
                      values->all ? "" : cluster->ns);
    }
    return 0;
}

static int run_list(const struct sl_command *self, const void *values_, struct sl_operands operands)
{
    (void)operands;
    const struct list_values *values = values_;
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_cluster) struct sl_cluster cluster = {0};
    if (sl_cluster_open(&values->cluster, &cluster, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    int result = sl_form_is_picture(values->form)
                     ? print_table(values, &cluster, &err)
                     : sl_objects_print(&cluster, &sl_rollouts, "rollout.sluice.dev",
                                        values->all ? NULL : cluster.ns, values->selector,
                                        (enum sl_form)values->form, &err);
    return result < 0 ? sl_command_failed(self, &err, SL_EXIT_BAD) : SL_EXIT_YES;
}

const struct sl_command sl_cmd_rollout_list = {
    .name = "rollout list",
    .operands = "",
    .summary = "List Rollouts: phase, batch, what they wait for",
    .details = "\nExample: sluice rollout list -A\n",
    .options = options,
    .values_size = sizeof(struct list_values),
    .run = run_list,
};
