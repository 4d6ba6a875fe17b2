/* sluice rollout plan: the batches that a Rollout would make, offline.
 *
 *     file → documents.c → sl_rollout_decode() → sl_batches_targets() → a table, or JSON
 */
#include <string.h>

#include "cli/command.h"
#include "cli/documents.h"
#include "cli/rollout/kinds.h"
#include "cli/table.h"
#include "codec/duration.h"
#include "codec/file_problems.h"
#include "core/names.h"
#include "core/rollout.h"

#define OUTPUT_MAX SL_MIB
#define REPLICAS_MAX 100000

enum plan_form { FORM_TEXT, FORM_JSON };
static const char *const forms[] = {[FORM_TEXT] = "text", [FORM_JSON] = "json", NULL};

struct plan_values {
    const char *file;
    int replicas; /* -1: not given */
    int form;     /* enum plan_form */
};

#define AT(field) .at = offsetof(struct plan_values, field)

static const struct sl_option options[] = {
    {.name = "file",
     .letter = 'f',
     .type = SL_O_TEXT,
     AT(file),
     .value = "FILE",
     .help = "the Rollout, YAML or JSON; other objects in the file\n"
             "are passed over (default -, standard input)"},
    {.name = "replicas",
     .type = SL_O_INT,
     AT(replicas),
     .value = "N",
     .fallback = -1,
     .max = REPLICAS_MAX,
     .help = "how many pods the workload has; required"},
    {.name = "output",
     .letter = 'o',
     .type = SL_O_WORD,
     AT(form),
     .value = "FORM",
     .words = forms,
     .fallback = FORM_TEXT,
     .help = "text: a table (the default); json:\n"
             "{\"batches\":[{\"size\":1,\"target\":1},...]}"},
    {0},
};

static bool is_rollout(const struct sl_document *document)
{
    return strcmp(sl_member_text(document->root, "kind"), "Rollout") == 0 &&
           strcmp(sl_member_text(document->root, "apiVersion"), SL_API_VERSION) == 0;
}

/* The Rollout that is meant: the one of that name, or the only one of the file. NULL: the error
 * says why there is none. */
static const struct sl_document *find(const struct sl_documents *documents, const char *file,
                                      const char *name, struct sl_err *err)
{
    const char *place = documents->count > 0 ? documents->items[0].file : file;
    const struct sl_document *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < documents->count; i++) {
        const struct sl_document *document = &documents->items[i];
        const char *called = sl_member_text(sl_member(document->root, "metadata"), "name");
        if (is_rollout(document) &&
            (name == NULL || (called != NULL && strcmp(called, name) == 0))) {
            found = document;
            count++;
        }
    }
    if (count == 0) {
        (void)sl_err_set(err, SL_ERR_INVALID, "%s: there is no Rollout%s%s of " SL_API_VERSION,
                         place, name == NULL ? "" : " ", name == NULL ? "" : name);
    }
    if (count > 1) {
        (void)sl_err_set(err, SL_ERR_INVALID, "%s: there are %zu Rollouts%s%s; %s", place, count,
                         name == NULL ? "" : " called ", name == NULL ? "" : name,
                         name == NULL ? "say the NAME of one" : "put one into a file of its own");
    }
    return count == 1 ? found : NULL;
}

static int decode(const struct sl_document *document, struct sl_arena *arena,
                  struct sl_rollout *ret_rollout, struct sl_err *err)
{
    struct sl_workload_kind own;
    struct sl_workload_kinds kinds = sl_kinds_of(document->root, arena, &own);
    struct sl_problems problems = SL_PROBLEMS_INIT(arena);
    sl_rollout_decode(document->root, &kinds, ret_rollout, &problems);
    return sl_file_problems(document->file, document->docs, document->index, &problems, err);
}

/* What comes after the batch of that index. */
static const char *after(const struct sl_rollout *rollout, size_t index, size_t count,
                         struct sl_arena *arena)
{
    const struct sl_rollout_plan *plan = &rollout->plan;
    size_t beta = plan->batches.upgrade_type == SL_UPGRADE_BETA ? 1 : 0;
    const struct sl_batch *listed =
        plan->batches.size == 0 && index >= beta
            ? &((const struct sl_batch *)plan->batches.list.items)[index - beta]
            : NULL;
    if (plan->has_partition && (int64_t)index > plan->partition) {
        return "does not run";
    }
    if (index + 1 == count) {
        return "done";
    }
    if (plan->has_partition && (int64_t)index == plan->partition) {
        return "stop: batchPartition";
    }
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
    if (listed != NULL && listed->has_pause) {
        sl_buf_adds(&text, "pause of ");
        sl_duration_write(listed->pause, &text);
    }
    if (plan->confirm_each) {
        sl_buf_addf(&text, "%swait for confirmation", text.len > 0 ? ", " : "");
    }
    return text.len == 0 ? "next" : sl_arena_cstr(arena, sl_buf_str(&text));
}

static void write_text(const struct sl_rollout *rollout, const struct sl_batch_targets *targets,
                       struct sl_arena *arena, struct sl_buf *out)
{
    SL_AUTO(sl_table) struct sl_table table = {.columns = 4};
    sl_table_add(&table, "BATCH", "SIZE", "TARGET", "THEN");
    for (size_t i = 0; i < targets->count; i++) {
        int32_t before = i == 0 ? 0 : targets->items[i - 1];
        sl_table_add(&table, sl_arena_printf(arena, "%zu", i + 1),
                     sl_arena_printf(arena, "%d", targets->items[i] - before),
                     sl_arena_printf(arena, "%d", targets->items[i]),
                     after(rollout, i, targets->count, arena));
    }
    sl_table_write(&table, out);
}

static void write_json(const struct sl_batch_targets *targets, struct sl_buf *out)
{
    sl_buf_adds(out, "{\"batches\":[");
    for (size_t i = 0; i < targets->count; i++) {
        int32_t before = i == 0 ? 0 : targets->items[i - 1];
        sl_buf_addf(out, "%s{\"size\":%d,\"target\":%d}", i == 0 ? "" : ",",
                    targets->items[i] - before, targets->items[i]);
    }
    sl_buf_adds(out, "]}\n");
}

static int plan(const struct plan_values *values, const char *name, struct sl_buf *out,
                struct sl_err *err)
{
    const char *file = values->file == NULL ? "-" : values->file;
    SL_AUTO(sl_documents) struct sl_documents documents = {0};
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_rollout rollout = {0};
    struct sl_batch_targets targets = {0};
    if (sl_documents_read(&documents, file, err) < 0) {
        return -1;
    }
    const struct sl_document *document = find(&documents, file, name, err);
    if (document == NULL || decode(document, &arena, &rollout, err) < 0) {
        return -1;
    }
    if (sl_batches_targets(&rollout.plan.batches, values->replicas, &arena, &targets, err) < 0) {
        struct sl_document at = *document;
        at.field = sl_arena_printf(&arena, "%s%sspec.rolloutPlan", document->field,
                                   document->field[0] == '\0' ? "" : ".");
        return sl_document_wrap(&at, err);
    }
    if (values->form == FORM_JSON) {
        write_json(&targets, out);
    } else {
        write_text(&rollout, &targets, &arena, out);
    }
    return sl_buf_check(out, "the output", err);
}

static int run_plan(const struct sl_command *self, const void *values_, struct sl_operands operands)
{
    const struct plan_values *values = values_;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(OUTPUT_MAX);
    struct sl_err err = SL_ERR_INIT;
    if (values->replicas < 0) {
        return sl_command_misused(self, "--replicas is missing");
    }
    const char *name = operands.count > 0 ? operands.items[0] : NULL;
    if (plan(values, name, &out, &err) < 0 || sl_command_print(sl_buf_str(&out), &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

const struct sl_command sl_cmd_rollout_plan = {
    .name = "rollout plan",
    .operands = "[NAME]",
    .max_operands = 1,
    .summary = "Show the batches that a Rollout would make, offline",
    .details = "\nNAME says which Rollout of the file is meant, where it has several.\n"
               "\nExample: sluice rollout plan -f rollout.yaml --replicas 10\n",
    .options = options,
    .values_size = sizeof(struct plan_values),
    .run = run_plan,
};
