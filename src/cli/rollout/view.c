/* The picture of a Rollout (view.h). */
#include "cli/rollout/view.h"

#include <string.h>

#include "cli/table.h"
#include "codec/jscan.h"
#include "codec/timestamp.h"

#define BAR_WIDTH 20
#define LINE_MAX (64 * SL_KIB)

/* --- which pods are the workload's, and at which revision --- */

static const struct sl_revision_record *owner_of(const struct sl_view_input *input, const char *uid)
{
    for (size_t i = 0; i < input->replica_set_count; i++) {
        const struct sl_record *set = input->replica_sets[i];
        if (strcmp(set->uid, uid) == 0 && strcmp(set->owner_uid, input->workload_uid) == 0) {
            return sl_revision_of(set);
        }
    }
    return NULL;
}

/* A Deployment's revisions are told by their templates, other workloads' by a label. */
static bool classify(const struct sl_view_input *input, const struct sl_pod_record *pod,
                     struct sl_view_pod *ret_shown)
{
    const char *owner = pod->record.owner_uid;
    struct sl_str update = input->rollout->status.run.update_revision;
    if (owner[0] == '\0') {
        return false;
    }
    ret_shown->pod = pod;
    if (strcmp(owner, input->workload_uid) == 0) {
        ret_shown->revision = pod->revision;
        ret_shown->updated = update.n > 0 && sl_str_is(update, pod->revision);
        return true;
    }
    const struct sl_revision_record *set = owner_of(input, owner);
    if (set == NULL) {
        return false;
    }
    ret_shown->revision = pod->template_hash;
    ret_shown->updated = update.n > 0 && sl_str_is(update, set->template_id);
    return true;
}

static int compare_pods(const void *a_, const void *b_)
{
    const struct sl_view_pod *a = a_;
    const struct sl_view_pod *b = b_;
    if (a->updated != b->updated) {
        return a->updated ? -1 : 1;
    }
    return strverscmp(a->pod->record.name, b->pod->record.name);
}

void sl_view_make(const struct sl_view_input *input, struct sl_arena *arena,
                  struct sl_view *ret_view)
{
    struct sl_view view = {.rollout = input->rollout, .has_workload = input->workload_uid != NULL};
    struct sl_view_pod *pods = sl_arena_zalloc(arena, input->pod_count + 1, sizeof *pods);
    for (size_t i = 0; view.has_workload && i < input->pod_count; i++) {
        if (classify(input, sl_pod_of(input->pods[i]), &pods[view.pod_count])) {
            view.pod_count++;
        }
    }
    qsort(pods, view.pod_count, sizeof *pods, compare_pods);
    view.pods = pods;
    *ret_view = view;
}

/* --- words --- */

enum sl_style sl_view_phase_style(enum sl_phase phase)
{
    static const enum sl_style styles[SL_PHASES] = {
        [SL_PHASE_NONE] = SL_DIM,   [SL_HEALTHY] = SL_GREEN,
        [SL_PROGRESSING] = SL_BOLD, [SL_WAITING_FOR_CONFIRMATION] = SL_YELLOW,
        [SL_PAUSED] = SL_YELLOW,    [SL_ROLLING_BACK] = SL_YELLOW,
        [SL_DEGRADED] = SL_RED,     [SL_PHASE_FAILED] = SL_RED,
    };
    return styles[phase];
}

static const char *phase_word(enum sl_phase phase)
{
    return phase == SL_PHASE_NONE ? "Unknown" : sl_phase_names[phase];
}

const char *sl_view_batch(const struct sl_rollout_status *status, struct sl_arena *arena)
{
    if (status->run.id.n == 0 || status->batch_count == 0) {
        return "";
    }
    return sl_arena_printf(arena, "%d/%zu", status->current_batch + 1, status->batch_count);
}

static const char *age(int64_t now, int64_t then, struct sl_arena *arena)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
    sl_text_age(&text, now - then);
    return sl_arena_cstr(arena, sl_buf_str(&text));
}

static const char *cstr(struct sl_str text, struct sl_arena *arena)
{
    return sl_arena_cstr(arena, text);
}

/* --- above: what and where --- */

static const char *describe_run(const struct sl_rollout_status *status, int64_t now,
                                struct sl_arena *arena)
{
    const struct sl_run *run = &status->run;
    if (run->id.n == 0) {
        return "none yet";
    }
    const char *began = sl_arena_printf(arena, "%.*s, began %s ago", SL_STR_FMT(run->id),
                                        age(now, run->started, arena));
    if (sl_str_eq(run->stable_revision, run->update_revision)) {
        return sl_arena_printf(arena, "%s: back to %.*s", began, SL_STR_FMT(run->update_revision));
    }
    return sl_arena_printf(arena, "%s: %.*s -> %.*s", began, SL_STR_FMT(run->stable_revision),
                           SL_STR_FMT(run->update_revision));
}

static const char *describe_workload(const struct sl_view *view, struct sl_arena *arena)
{
    const struct sl_workload_ref *ref = &view->rollout->spec.workload;
    const struct sl_rollout_status *status = &view->rollout->status;
    const char *name =
        sl_arena_printf(arena, "%.*s/%.*s", SL_STR_FMT(ref->kind), SL_STR_FMT(ref->name));
    if (view->rollout->problem[0] != '\0') {
        return "not known, since the spec is invalid";
    }
    if (!view->has_workload) {
        return sl_arena_printf(arena, "%s: not there", name);
    }
    return sl_arena_printf(arena, "%s: %d of %d pods updated, %d of them ready", name,
                           status->updated, status->replicas, status->updated_ready);
}

static void add_fact(struct sl_table *table, const char *label, const char *text,
                     enum sl_style style)
{
    sl_table_add(table, label, text);
    sl_table_paint(table, 1, style);
}

static void write_head(const struct sl_view *view, const struct sl_view_style *style,
                       struct sl_arena *arena, struct sl_buf *out)
{
    const struct sl_rollout_record *rollout = view->rollout;
    const struct sl_rollout_status *status = &rollout->status;
    SL_AUTO(sl_table) struct sl_table table = {.columns = 2, .colour = style->colour};
    add_fact(&table,
             "Rollout:", sl_arena_printf(arena, "%s/%s", rollout->record.ns, rollout->record.name),
             SL_BOLD);
    add_fact(&table, "Workload:", describe_workload(view, arena), SL_PLAIN);
    add_fact(&table, "Phase:",
             sl_arena_printf(arena, "%s%s", phase_word(status->phase),
                             rollout->spec.paused ? " (spec.paused is set)" : ""),
             sl_view_phase_style(status->phase));
    add_fact(&table, "Run:", describe_run(status, style->now, arena), SL_PLAIN);
    if (status->message.n > 0) {
        add_fact(&table, "Message:", cstr(status->message, arena), SL_PLAIN);
    }
    if (rollout->problem[0] != '\0') {
        add_fact(&table, "Problem:", rollout->problem, SL_RED);
    }
    if (status->run.failure.n > 0) {
        add_fact(&table, "Failure:", cstr(status->run.failure, arena), SL_RED);
    }
    if (status->phase != SL_HEALTHY && status->run.progressed > 0) {
        add_fact(&table, "Progress:",
                 sl_arena_printf(arena, "nothing moved for %s",
                                 age(style->now, status->run.progressed, arena)),
                 SL_PLAIN);
    }
    sl_table_write(&table, out);
}

/* --- in the middle: batches as bars --- */

/* Of the `all` of a cumulative count, those of one batch, which begins at `before`. */
static int32_t part(int32_t all, int32_t before, int32_t size)
{
    int32_t own = all - before;
    return own < 0 ? 0 : own > size ? size : own;
}

static const char *bar(int32_t size, int32_t updated, int32_t ready, struct sl_arena *arena)
{
    char text[BAR_WIDTH + 3] = "[";
    for (int i = 0; i < BAR_WIDTH; i++) {
        /* pod that this cell stands for */
        int32_t pod = size == 0 ? 0 : (int32_t)((int64_t)i * size / BAR_WIDTH);
        text[i + 1] = pod < ready ? '#' : pod < updated ? '+' : '.';
    }
    text[BAR_WIDTH + 1] = ']';
    return sl_arena_printf(arena, "%s", text);
}

static const char *time_of(const struct sl_batch_status *batch, int64_t now, struct sl_arena *arena)
{
    if (batch->started == 0) {
        return "";
    }
    if (batch->finished == 0) {
        return sl_arena_printf(arena, "since %s", age(now, batch->started, arena));
    }
    return sl_arena_printf(arena, "took %s", age(batch->finished, batch->started, arena));
}

static void write_batches(const struct sl_rollout_status *status, const struct sl_view_style *style,
                          struct sl_arena *arena, struct sl_buf *out)
{
    SL_AUTO(sl_table) struct sl_table table = {.columns = 5, .colour = style->colour};
    sl_table_add(&table, "BATCH", "PODS", "UPDATED", "READY", "TIME");
    int32_t before = 0;
    for (size_t i = 0; i < status->batch_count; i++) {
        const struct sl_batch_status *batch = &status->batches[i];
        int32_t size = batch->target - before;
        int32_t updated = part(batch->updated, before, size);
        int32_t ready = part(batch->ready, before, size);
        sl_table_add(&table, sl_arena_printf(arena, "%zu", i + 1), bar(size, updated, ready, arena),
                     sl_arena_printf(arena, "%d/%d", updated, size),
                     sl_arena_printf(arena, "%d/%d", ready, size),
                     time_of(batch, style->now, arena));
        bool current = (int64_t)i == status->current_batch;
        sl_table_paint(&table, 0, current ? SL_BOLD : SL_PLAIN);
        sl_table_paint(&table, 1,
                       batch->finished > 0  ? SL_GREEN
                       : batch->started > 0 ? SL_YELLOW
                                            : SL_DIM);
        before = batch->target;
    }
    if (status->batch_count > 0) {
        sl_buf_addc(out, '\n');
        sl_table_write(&table, out);
    }
}

/* --- below: the pods --- */

static const char *why_not_ready(const struct sl_pod_record *pod)
{
    for (size_t i = 0; i < pod->container_count; i++) {
        if (pod->containers[i].reason[0] != '\0' && pod->containers[i].running_since == 0) {
            return pod->containers[i].reason;
        }
    }
    return pod->traffic[0] != '\0' ? pod->traffic : "NotReady";
}

/* The annotation's own word (core/rolling/upgrade.h); where it has none, the pod is as old. */
static int64_t upgrading_since(const struct sl_pod_record *pod, struct sl_arena *arena)
{
    static const struct sl_jrow rows[] = {{.key = "since", .at = 0}, {0}};
    struct sl_jval since = {0};
    int64_t ns = 0;
    if (sl_jscan(sl_str_from(pod->upgrade), rows, &since, NULL, NULL) < 0 ||
        !sl_timestamp_parse(sl_jval_str(since, arena), &ns)) {
        return pod->record.created;
    }
    return ns;
}

/* What the pod does or waits for, and since when. */
static const char *state_of(const struct sl_pod_record *pod, int64_t now, struct sl_arena *arena,
                            enum sl_style *ret_style)
{
    *ret_style = SL_YELLOW;
    if (pod->record.deleted > 0) {
        return sl_arena_printf(arena, "Terminating, until %s",
                               pod->record.deleted > now ? age(pod->record.deleted, now, arena)
                                                         : "its finalizers are off");
    }
    if (pod->upgrade[0] != '\0') {
        int64_t since = upgrading_since(pod, arena);
        return sl_arena_printf(arena, "Upgrading for %s%s%s", age(now, since, arena),
                               pod->containers_ready ? "" : ": ",
                               pod->containers_ready ? "" : why_not_ready(pod));
    }
    if (pod->ready_since > 0) {
        *ret_style = SL_GREEN;
        return pod->traffic[0] != '\0' ? pod->traffic : "Ready";
    }
    *ret_style = SL_RED;
    if (pod->finished) {
        return "Finished";
    }
    int64_t since = pod->unready_since > 0 ? pod->unready_since : pod->record.created;
    return sl_arena_printf(arena, "%s for %s", why_not_ready(pod), age(now, since, arena));
}

static void write_pods(const struct sl_view *view, const struct sl_view_style *style,
                       struct sl_arena *arena, struct sl_buf *out)
{
    size_t columns = style->wide ? 8 : 6;
    SL_AUTO(sl_table) struct sl_table table = {.columns = columns, .colour = style->colour};
    sl_table_add(&table, "POD", "REVISION", "READY", "RESTARTS", "AGE",
                 style->wide ? "BATCH" : "STATE", "NODE", "STATE");
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct sl_view_pod *shown = &view->pods[i];
        const struct sl_pod_record *pod = shown->pod;
        enum sl_style colour = SL_PLAIN;
        const char *state = state_of(pod, style->now, arena, &colour);
        sl_table_add(
            &table, pod->record.name,
            sl_arena_printf(arena, "%s%s", shown->revision, shown->updated ? " (new)" : ""),
            pod->ready_since > 0 ? "true" : "false", sl_arena_printf(arena, "%d", pod->restarts),
            age(style->now, pod->record.created, arena), style->wide ? pod->batch : state,
            pod->node, state);
        sl_table_paint(&table, 1, shown->updated ? SL_BOLD : SL_PLAIN);
        sl_table_paint(&table, columns - 1, colour);
    }
    if (view->pod_count > 0) {
        sl_buf_addc(out, '\n');
        sl_table_write(&table, out);
    }
}

void sl_view_write(const struct sl_view *view, const struct sl_view_style *style,
                   struct sl_buf *out)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    write_head(view, style, &arena, out);
    write_batches(&view->rollout->status, style, &arena, out);
    write_pods(view, style, &arena, out);
}

void sl_view_line(const struct sl_rollout_record *rollout, struct sl_buf *out)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const struct sl_rollout_status *status = &rollout->status;
    const char *batch = sl_view_batch(status, &arena);
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(LINE_MAX);
    sl_buf_addf(&text, "%s/%s %s", rollout->record.ns, rollout->record.name,
                phase_word(status->phase));
    if (batch[0] != '\0') {
        sl_buf_addf(&text, " batch %s", batch);
    }
    sl_buf_addf(&text, " updated %d/%d ready %d", status->updated, status->replicas,
                status->updated_ready);
    if (status->message.n > 0) {
        sl_buf_addf(&text, ": %.*s", SL_STR_FMT(status->message));
    }
    sl_text_add(out, sl_buf_str(&text));
}
