/* The status of a Rollout, both ways (rollout.h): the words of the state machine, and the members
 * of the object, which manifests/crds/rollouts.yaml declares. Read when a Rollout is decoded,
 * written when the planner changed it. */
#include <inttypes.h>
#include <stddef.h>

#include "codec/timestamp.h"
#include "core/records/draft.h"
#include "core/records/rollout.h"

const char *const sl_phase_names[] = {
    [SL_PHASE_NONE] = "",
    [SL_HEALTHY] = "Healthy",
    [SL_PROGRESSING] = "Progressing",
    [SL_WAITING_FOR_CONFIRMATION] = "WaitingForConfirmation",
    [SL_PAUSED] = "Paused",
    [SL_ROLLING_BACK] = "RollingBack",
    [SL_DEGRADED] = "Degraded",
    [SL_PHASE_FAILED] = "Failed",
    [SL_PHASES] = NULL,
};

static const struct {
    const char *rolling, *batch;
    bool needs_run; /* without one it means nothing */
} words[SL_STATES] = {
    [SL_NEW] = {"", "", false},
    [SL_VERIFYING_SPEC] = {"VerifyingSpec", "", true},
    [SL_INITIALIZING] = {"Initializing", "", true},
    [SL_BATCH_INITIALIZING] = {"RollingInBatches", "BatchInitializing", true},
    [SL_BATCH_IN_ROLLING] = {"RollingInBatches", "BatchInRolling", true},
    [SL_BATCH_VERIFYING] = {"RollingInBatches", "BatchVerifying", true},
    [SL_BATCH_FINALIZING] = {"RollingInBatches", "BatchFinalizing", true},
    [SL_BATCH_READY] = {"RollingInBatches", "BatchReady", true},
    [SL_FINALISING] = {"Finalising", "", false},
    [SL_SUCCEED] = {"RolloutSucceed", "", false},
    [SL_FAILING] = {"RolloutFailing", "", true},
    [SL_FAILED] = {"RolloutFailed", "", true},
    [SL_ABANDONING] = {"RolloutAbandoning", "", true},
    [SL_DELETING] = {"RolloutDeleting", "", false},
};

const char *sl_state_rolling(enum sl_state state)
{
    return words[state].rolling;
}

const char *sl_state_batch(enum sl_state state)
{
    return words[state].batch;
}

/* --- reading --- */

struct status_view {
    struct sl_jval observed_generation, phase, rolling, batch, message;
    struct sl_jval run_id, stable, update, started, plan, progressed, tolerated, failure;
    struct sl_jval current_batch, batches, replicas, updated, updated_ready, conditions;
};

#define AT(field) .at = offsetof(struct status_view, field)

static const struct sl_jrow run_rows[] = {
    {.key = "id", AT(run_id)},
    {.key = "stableRevision", AT(stable)},
    {.key = "updateRevision", AT(update)},
    {.key = "startedAt", AT(started)},
    {.key = "plan", AT(plan)},
    {.key = "progressedAt", AT(progressed)},
    {.key = "tolerated", AT(tolerated)},
    {.key = "failure", AT(failure)},
    {0},
};

static const struct sl_jrow status_rows[] = {
    {.key = "observedGeneration", AT(observed_generation)},
    {.key = "phase", AT(phase)},
    {.key = "rollingState", AT(rolling)},
    {.key = "batchRollingState", AT(batch)},
    {.key = "message", AT(message)},
    {.key = "run", .at = SL_JROW_NO_VALUE, .rows = run_rows},
    {.key = "currentBatch", AT(current_batch)},
    {.key = "batches", AT(batches)},
    {.key = "replicas", AT(replicas)},
    {.key = "updatedReplicas", AT(updated)},
    {.key = "updatedReadyReplicas", AT(updated_ready)},
    {.key = "conditions", AT(conditions)},
    {0},
};

static enum sl_state read_state(struct sl_jval rolling, struct sl_jval batch,
                                struct sl_arena *arena)
{
    struct sl_str rolling_word = sl_jval_str(rolling, arena);
    struct sl_str batch_word = sl_jval_str(batch, arena);
    for (int state = SL_NEW; state < SL_STATES; state++) {
        if (sl_str_is(rolling_word, words[state].rolling) &&
            sl_str_is(batch_word, words[state].batch)) {
            return (enum sl_state)state;
        }
    }
    return SL_NEW;
}

static enum sl_phase read_phase(struct sl_jval value)
{
    for (int phase = SL_HEALTHY; phase < SL_PHASES; phase++) {
        if (sl_jval_is(value, sl_str_from(sl_phase_names[phase]))) {
            return (enum sl_phase)phase;
        }
    }
    return SL_PHASE_NONE;
}

/* Without its run a state is as none. */
static enum sl_state usable_state(const struct sl_rollout_status *status)
{
    return words[status->state].needs_run && status->run.id.n == 0 ? SL_NEW : status->state;
}

/* An empty text is absent, as when it is written. */
static struct sl_str read_text(struct sl_jval value, struct sl_arena *arena)
{
    struct sl_str text = sl_jval_str(value, arena);
    return text.n == 0 ? (struct sl_str){0} : sl_arena_str(arena, text);
}

static void read_run(const struct status_view *view, struct sl_arena *arena, struct sl_run *run)
{
    struct sl_str id = read_text(view->run_id, arena);
    if (id.n == 0) {
        return;
    }
    *run = (struct sl_run){
        .id = id,
        .stable_revision = read_text(view->stable, arena),
        .update_revision = read_text(view->update, arena),
        .plan = read_text(view->plan, arena),
        .failure = read_text(view->failure, arena),
        .started = sl_draft_time(view->started, arena),
        .progressed = sl_draft_time(view->progressed, arena),
        .tolerated = sl_draft_int32(view->tolerated, 0),
    };
}

static void read_batches(struct sl_jval batches, struct sl_arena *arena,
                         struct sl_rollout_status *status)
{
    size_t count = sl_jval_count(batches);
    struct sl_jiter it = sl_jiter(batches);
    struct sl_jval item;
    if (batches.type != SL_J_ARRAY || count == 0 || count > SL_BATCHES_MAX + 1) {
        return;
    }
    status->batches = sl_arena_zalloc(arena, count, sizeof *status->batches);
    while (sl_jiter_next(&it, NULL, &item)) {
        status->batches[status->batch_count++] = (struct sl_batch_status){
            .target = sl_draft_int32(sl_jval_get(item, SL_STR("target")), 0),
            .updated = sl_draft_int32(sl_jval_get(item, SL_STR("updated")), 0),
            .ready = sl_draft_int32(sl_jval_get(item, SL_STR("ready")), 0),
            .started = sl_draft_time(sl_jval_get(item, SL_STR("startedAt")), arena),
            .finished = sl_draft_time(sl_jval_get(item, SL_STR("finishedAt")), arena),
        };
    }
}

static void read_conditions(struct sl_jval conditions, struct sl_arena *arena,
                            struct sl_rollout_status *status)
{
    struct sl_jiter it = sl_jiter(conditions);
    struct sl_jval item;
    while (!it.object && status->condition_count < SL_CONDITIONS_MAX &&
           sl_jiter_next(&it, NULL, &item)) {
        status->conditions[status->condition_count++] = (struct sl_condition){
            .type = read_text(sl_jval_get(item, SL_STR("type")), arena),
            .reason = read_text(sl_jval_get(item, SL_STR("reason")), arena),
            .message = read_text(sl_jval_get(item, SL_STR("message")), arena),
            .status = sl_jval_is(sl_jval_get(item, SL_STR("status")), SL_STR("True")),
            .changed = sl_draft_time(sl_jval_get(item, SL_STR("lastTransitionTime")), arena),
        };
    }
}

/* Whoever may write the status may write anything. A batch that is not there is none that can be
 * gone on with: the run is verified again, and what is updated counts. */
static void mend(struct sl_rollout_status *status)
{
    bool is_in_batch = status->state >= SL_BATCH_INITIALIZING && status->state <= SL_BATCH_READY;
    bool is_rollback =
        status->run.id.n > 0 && sl_str_eq(status->run.stable_revision, status->run.update_revision);
    size_t batches = is_rollback && status->batch_count > 1 ? 1 : status->batch_count;
    if ((size_t)status->current_batch < batches || (!is_in_batch && status->batch_count == 0)) {
        return;
    }
    status->state = is_in_batch ? SL_VERIFYING_SPEC : status->state;
    status->current_batch = 0;
    status->batch_count = 0;
}

void sl_rollout_status_read(struct sl_jval status, struct sl_arena *arena,
                            struct sl_rollout_status *ret_status)
{
    struct status_view view = {0};
    struct sl_rollout_status read = {0};
    if (sl_jval_scan(status, status_rows, &view, NULL) == 0) {
        read.observed_generation = sl_draft_int(view.observed_generation);
        read.state = read_state(view.rolling, view.batch, arena);
        read.phase = read_phase(view.phase);
        read.message = read_text(view.message, arena);
        read.current_batch = sl_draft_int32(view.current_batch, 0);
        read.replicas = sl_draft_int32(view.replicas, 0);
        read.updated = sl_draft_int32(view.updated, 0);
        read.updated_ready = sl_draft_int32(view.updated_ready, 0);
        read_run(&view, arena, &read.run);
        read_batches(view.batches, arena, &read);
        read_conditions(view.conditions, arena, &read);
        read.state = usable_state(&read);
        mend(&read);
    }
    *ret_status = read;
}

/* --- writing --- */

struct writer {
    struct sl_buf *out;
    bool nulls; /* absent members are null */
    bool first; /* no member of the object was written yet */
};

static void begin_member(struct writer *writer, const char *key)
{
    sl_buf_addf(writer->out, "%s\"%s\":", writer->first ? "" : ",", key);
    writer->first = false;
}

static void write_absent(struct writer *writer, const char *key)
{
    if (writer->nulls) {
        begin_member(writer, key);
        sl_buf_adds(writer->out, "null");
    }
}

static void write_number(struct writer *writer, const char *key, int64_t number)
{
    begin_member(writer, key);
    sl_buf_addf(writer->out, "%" PRId64, number);
}

static void write_string(struct writer *writer, const char *key, struct sl_str text)
{
    begin_member(writer, key);
    sl_buf_add_json_string(writer->out, text);
}

static void write_time(struct writer *writer, const char *key, int64_t ns)
{
    char text[SL_TIMESTAMP_SIZE];
    sl_timestamp_write(ns, text);
    write_string(writer, key, sl_str_from(text));
}

static void write_text(struct writer *writer, const char *key, struct sl_str text)
{
    if (text.n == 0) {
        write_absent(writer, key);
        return;
    }
    write_string(writer, key, text);
}

static void write_moment(struct writer *writer, const char *key, int64_t ns)
{
    if (ns == 0) {
        write_absent(writer, key);
        return;
    }
    write_time(writer, key, ns);
}

static void write_run(struct writer *writer, const struct sl_run *run, int32_t current_batch)
{
    if (run->id.n == 0) {
        write_absent(writer, "run");
        write_absent(writer, "currentBatch"); /* a batch of no run */
        return;
    }
    begin_member(writer, "run");
    sl_buf_addc(writer->out, '{');
    struct writer inner = {.out = writer->out, .nulls = writer->nulls, .first = true};
    write_string(&inner, "id", run->id);
    write_text(&inner, "stableRevision", run->stable_revision);
    write_string(&inner, "updateRevision", run->update_revision); /* the CRD requires it */
    write_moment(&inner, "startedAt", run->started);
    write_text(&inner, "plan", run->plan);
    write_moment(&inner, "progressedAt", run->progressed);
    write_number(&inner, "tolerated", run->tolerated);
    write_text(&inner, "failure", run->failure);
    sl_buf_addc(writer->out, '}');
    write_number(writer, "currentBatch", current_batch);
}

/* Elements of a list are replaced whole by a merge patch: nothing in them is ever null. */
static void write_batches(struct writer *writer, const struct sl_rollout_status *status)
{
    if (status->batch_count == 0) {
        write_absent(writer, "batches");
        return;
    }
    begin_member(writer, "batches");
    for (size_t i = 0; i < status->batch_count; i++) {
        const struct sl_batch_status *batch = &status->batches[i];
        struct writer inner = {.out = writer->out, .first = true};
        sl_buf_adds(writer->out, i == 0 ? "[{" : ",{");
        write_number(&inner, "target", batch->target);
        write_number(&inner, "updated", batch->updated);
        write_number(&inner, "ready", batch->ready);
        write_moment(&inner, "startedAt", batch->started);
        write_moment(&inner, "finishedAt", batch->finished);
        sl_buf_addc(writer->out, '}');
    }
    sl_buf_addc(writer->out, ']');
}

static void write_conditions(struct writer *writer, const struct sl_rollout_status *status)
{
    if (status->condition_count == 0) {
        write_absent(writer, "conditions");
        return;
    }
    begin_member(writer, "conditions");
    for (size_t i = 0; i < status->condition_count; i++) {
        const struct sl_condition *condition = &status->conditions[i];
        struct writer inner = {.out = writer->out, .first = true};
        sl_buf_adds(writer->out, i == 0 ? "[{" : ",{");
        write_string(&inner, "type", condition->type);
        write_string(&inner, "status", condition->status ? SL_STR("True") : SL_STR("False"));
        write_time(&inner, "lastTransitionTime", condition->changed);
        write_string(&inner, "reason", condition->reason);
        write_string(&inner, "message", condition->message);
        sl_buf_addc(writer->out, '}');
    }
    sl_buf_addc(writer->out, ']');
}

static void write_status(const struct sl_rollout_status *status, bool nulls, struct sl_buf *out)
{
    struct writer writer = {.out = out, .nulls = nulls, .first = true};
    sl_buf_addc(out, '{');
    if (status->observed_generation == 0) {
        write_absent(&writer, "observedGeneration");
    } else {
        write_number(&writer, "observedGeneration", status->observed_generation);
    }
    write_text(&writer, "phase", sl_str_from(sl_phase_names[status->phase]));
    write_text(&writer, "rollingState", sl_str_from(words[status->state].rolling));
    write_text(&writer, "batchRollingState", sl_str_from(words[status->state].batch));
    write_text(&writer, "message", status->message);
    write_run(&writer, &status->run, status->current_batch);
    write_batches(&writer, status);
    write_number(&writer, "replicas", status->replicas);
    write_number(&writer, "updatedReplicas", status->updated);
    write_number(&writer, "updatedReadyReplicas", status->updated_ready);
    write_conditions(&writer, status);
    sl_buf_addc(out, '}');
}

void sl_rollout_status_write(const struct sl_rollout_status *status, struct sl_buf *out)
{
    write_status(status, false, out);
}

void sl_rollout_status_write_patch(const struct sl_rollout_status *status, struct sl_buf *out)
{
    write_status(status, true, out);
}
