/* Plans, requests and answers (rolling.h). What is under way, and what it was for, is writes.h's;
 * when a target is due, due.h's. */
#include "run/reconciler/rolling.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/names.h"
#include "core/rolling/actions.h"
#include "run/reconciler/fleet_traffic.h"

#define ACTIONS_AT_ONCE 32 /* of one plan; the next plan has the others */

#define STATUS SL_ACTION_STATUS

struct sl_rolling {
    struct sl_rolling_options options;
    struct sl_targets *targets;
    struct sl_writer writer;
    struct sl_arena arena; /* of one plan */
    struct sl_round round;
};

static void answered(void *rolling, struct sl_write *write, const struct sl_err *err, int64_t now,
                     int64_t wall);

struct sl_rolling *sl_rolling_open(const struct sl_rolling_options *options)
{
    struct sl_rolling *rolling = calloc(1, sizeof *rolling);
    if (rolling == NULL) {
        abort();
    }
    rolling->options = *options;
    rolling->targets = sl_fleet_targets(options->fleet);
    rolling->writer = (struct sl_writer){.answered = answered, .ctx = rolling};
    return rolling;
}

void sl_rolling_close(struct sl_rolling *rolling)
{
    if (rolling == NULL) {
        return;
    }
    sl_arena_cleanup(&rolling->arena);
    free(rolling);
}

/* --- requests --- */

static unsigned batches_finished(const struct sl_rollout_status *before,
                                 const struct sl_rollout_status *after)
{
    bool same_run = sl_str_eq(before->run.id, after->run.id);
    unsigned finished = 0;
    for (size_t i = 0; i < after->batch_count; i++) {
        bool was = same_run && i < before->batch_count && before->batches[i].finished != 0;
        finished += after->batches[i].finished != 0 && !was;
    }
    return finished;
}

static void write_status(struct sl_rolling *rolling, struct sl_target *target,
                         const struct sl_roll_input *input, const struct sl_plan *plan, int64_t now)
{
    SL_AUTO(sl_action_call) struct sl_action_call what = {.subresource = ""};
    sl_action_write_status(input->rollout, &plan->status, &what);
    struct sl_write *write = sl_write_new(rolling->options.writes, &rolling->writer, target,
                                          &target->due, &what, input->rollout->record.uid);
    write->action = STATUS;
    if (plan->event != NULL) {
        write->event = sl_arena_cstr(&write->arena, sl_str_from(plan->event));
        write->event_warns = plan->event_warns;
        write->note = sl_arena_cstr(&write->arena, plan->status.message);
    }
    write->batches_finished = batches_finished(&input->rollout->status, &plan->status);
    sl_write_send(write, &what, now);
}

static void emit(struct sl_rolling *rolling, const struct sl_target *target, const char *reason,
                 bool warns, const char *action, const char *note, int64_t now, int64_t wall)
{
    const struct sl_rollout_record *rollout = sl_fleet_rollout(rolling->options.fleet, target);
    if (rollout == NULL) {
        return;
    }
    const struct sl_event event = {
        .api_version = SL_API_VERSION,
        .kind = "Rollout",
        .ns = target->ns,
        .name = target->name,
        .uid = rollout->record.uid,
        .resource_version = rollout->record.resource_version,
        .warning = warns,
        .reason = reason,
        .action = action,
        .note = note,
    };
    sl_events_emit(rolling->options.events, &event, now, wall);
}

/* What the API server says to the target's actions (NULL: it does them), for the planner. The write
 * of a status is none: what would be said could not be stored. */
static void remember_error(struct sl_target *target, const char *text, int64_t wall)
{
    free(sl_steal(&target->error));
    if (text == NULL) {
        target->error_since = 0;
        return;
    }
    target->error = strdup(text);
    target->error_since = target->error_since == 0 ? wall : target->error_since;
}

/* Says what an action failed of, where a person can do something about it. */
static void failed(struct sl_rolling *rolling, struct sl_target *target, int action,
                   struct sl_str resource, struct sl_str name, const struct sl_err *err,
                   int64_t now, int64_t wall)
{
    /* That a name is taken is nothing that the caches will tell of. */
    enum sl_err_kind kind = err->kind == SL_ERR_CONFLICT && action == SL_ACT_REPLICA_SET_NEW
                                ? SL_ERR_INVALID
                                : err->kind;
    bool conflict = sl_due_is_conflict(kind);
    rolling->options.numbers->actions[action][conflict ? SL_RESULT_CONFLICT : SL_RESULT_FAILURE]++;
    sl_log(conflict ? SL_LOG_DEBUG : SL_LOG_WARN, "action failed", SL_LOG_CSTR("ns", target->ns),
           SL_LOG_CSTR("name", target->name), SL_LOG_CSTR("op", sl_reconciler_action_name(action)),
           SL_LOG_TEXT("resource", resource), SL_LOG_TEXT("object", name),
           SL_LOG_CSTR("err", err->msg));
    sl_due_failed(&target->due, kind);
    if (!conflict && action != STATUS) {
        remember_error(target, err->msg, wall);
    }
    if (kind == SL_ERR_DENIED || kind == SL_ERR_INVALID) {
        emit(rolling, target, "ActionFailed", true, "Roll", err->msg, now, wall);
    }
}

static void act(struct sl_rolling *rolling, struct sl_target *target,
                const struct sl_roll_input *input, const struct sl_action *action, int64_t now,
                int64_t wall)
{
    SL_AUTO(sl_action_call) struct sl_action_call what = {.subresource = ""};
    struct sl_err err = SL_ERR_INIT;
    if (sl_action_write(input, action, wall, &what, &err) < 0) {
        const char *name = action->target == NULL ? target->name : action->target->name;
        failed(rolling, target, (int)action->kind, SL_STR(""), sl_str_from(name), &err, now, wall);
        return;
    }
    const char *uid = action->target == NULL ? "" : action->target->uid;
    struct sl_write *write =
        sl_write_new(rolling->options.writes, &rolling->writer, target, &target->due, &what, uid);
    write->action = (int)action->kind;
    write->begins = action->kind == SL_ACT_POD_DRAIN && action->on;
    sl_write_send(write, &what, now);
}

/* --- planning --- */

static void plan_target(struct sl_rolling *rolling, struct sl_target *target, int64_t now,
                        int64_t wall)
{
    struct sl_roll_input input;
    struct sl_plan plan = {.again = SL_NEVER};
    sl_due_begin(&target->due);
    sl_arena_reset(&rolling->arena);
    if (!sl_fleet_input(rolling->options.fleet, target, &rolling->arena, &input)) {
        return;
    }
    input.traffic = sl_fleet_roll_traffic(rolling->options.fleet, rolling->options.writes, &input,
                                          &rolling->arena);
    sl_roll_plan(&input, wall, &rolling->arena, &plan);
    sl_due_again(&target->due, plan.again, now, wall);
    if (plan.write_status) {
        write_status(rolling, target, &input, &plan, now);
    }
    if (plan.action_count == 0 && !plan.stepped) { /* what was refused is not wanted any more */
        remember_error(target, NULL, wall);
    }
    size_t count = plan.action_count < ACTIONS_AT_ONCE ? plan.action_count : ACTIONS_AT_ONCE;
    for (size_t i = 0; i < count && !plan.stepped; i++) {
        act(rolling, target, &input, &plan.actions[i], now, wall);
    }
    if (target->due.failed != SL_ERR_NONE && target->due.under_way == 0) {
        sl_due_settle(&target->due, now);
    }
}

static int64_t due_of(void *rolling, size_t index)
{
    const struct sl_target *target =
        sl_targets_at(((const struct sl_rolling *)rolling)->targets, index);
    return target->gone ? INT64_MAX : sl_due_at(&target->due);
}

static void plan_at(void *rolling_, size_t index, int64_t now, int64_t wall)
{
    struct sl_rolling *rolling = rolling_;
    plan_target(rolling, sl_targets_at(rolling->targets, index), now, wall);
}

static bool is_full(void *rolling)
{
    return sl_writes_full(((const struct sl_rolling *)rolling)->options.writes);
}

static struct sl_round_of all_of(struct sl_rolling *rolling)
{
    return (struct sl_round_of){
        .count = sl_targets_count(rolling->targets),
        .due = due_of,
        .plan = plan_at,
        .full = is_full,
        .ctx = rolling,
    };
}

void sl_rolling_turn(struct sl_rolling *rolling, int64_t now, int64_t wall)
{
    struct sl_round_of all = all_of(rolling);
    sl_round_turn(&rolling->round, &all, now, wall);
}

int64_t sl_rolling_due(struct sl_rolling *rolling)
{
    struct sl_round_of all = all_of(rolling);
    return sl_round_due(&rolling->round, &all);
}

/* --- answers --- */

static void succeeded(struct sl_rolling *rolling, const struct sl_write *write, int64_t now,
                      int64_t wall)
{
    struct sl_target *target = write->target;
    rolling->options.numbers->actions[write->action][SL_RESULT_SUCCESS]++;
    rolling->options.numbers->batches_finished += write->batches_finished;
    if (write->action != STATUS) {
        remember_error(target, NULL, wall);
    }
    sl_log(SL_LOG_DEBUG, "action done", SL_LOG_CSTR("ns", target->ns),
           SL_LOG_CSTR("name", target->name),
           SL_LOG_CSTR("op", sl_reconciler_action_name(write->action)),
           SL_LOG_TEXT("resource", write->resource), SL_LOG_TEXT("object", write->name));
    if (write->event != NULL) {
        sl_log(SL_LOG_INFO, "rollout stepped", SL_LOG_CSTR("ns", target->ns),
               SL_LOG_CSTR("name", target->name), SL_LOG_CSTR("op", write->event),
               SL_LOG_CSTR("message", write->note));
        emit(rolling, target, write->event, write->event_warns, "Roll", write->note, now, wall);
    }
}

static void answered(void *rolling_, struct sl_write *write, const struct sl_err *err, int64_t now,
                     int64_t wall)
{
    struct sl_rolling *rolling = rolling_;
    if (err->kind == SL_ERR_NONE) {
        succeeded(rolling, write, now, wall);
    } else {
        failed(rolling, write->target, write->action, write->resource, write->name, err, now, wall);
    }
}
