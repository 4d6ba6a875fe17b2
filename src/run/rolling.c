/* Plans, requests and answers (rolling.h). What is under way, and what it was for, is writes.h's.
 */
#include "run/rolling.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "codec/jscan.h"
#include "core/names.h"
#include "core/rolling/actions.h"
#include "run/writes.h"

/* The lease is renewed over the same client: what waits for the rate limit must stay less than a
 * renewal can wait. */
#define QUEUE_MAX 64
#define ACTIONS_AT_ONCE 32 /* of one plan; the next plan has the others */
#define PLANS_AT_ONCE 64   /* in one turn */

#define BACKOFF_FIRST SL_NS_PER_S
#define BACKOFF_MAX (30 * SL_NS_PER_S)
#define CONFLICT_WAIT SL_NS_PER_S
/* A plan names a time of the wall clock: one that is set meanwhile is noticed after so long. */
#define AGAIN_MAX (60 * SL_NS_PER_S)

#define STATUS SL_ACTION_STATUS

struct sl_rolling {
    struct sl_rolling_options options;
    struct sl_targets *targets;
    struct sl_writes writes; /* under way */
    struct sl_arena arena;   /* of one plan */
    size_t cursor;           /* the target that is looked at first, so that each has its turn */
    bool full;               /* targets are due, but the client has enough to send */
};

struct sl_rolling *sl_rolling_open(const struct sl_rolling_options *options)
{
    struct sl_rolling *rolling = calloc(1, sizeof *rolling);
    if (rolling == NULL) {
        abort();
    }
    rolling->options = *options;
    rolling->targets = sl_fleet_targets(options->fleet);
    rolling->writes = (struct sl_writes){.client = options->client, .timeout = options->timeout};
    return rolling;
}

void sl_rolling_close(struct sl_rolling *rolling)
{
    if (rolling == NULL) {
        return;
    }
    sl_writes_cancel(&rolling->writes);
    sl_arena_cleanup(&rolling->arena);
    free(rolling);
}

size_t sl_rolling_under_way(const struct sl_rolling *rolling)
{
    return rolling->writes.count;
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
    struct sl_write *write =
        sl_write_new(&rolling->writes, target, STATUS, &what, input->rollout->record.uid);
    if (plan->event != NULL) {
        write->event = sl_arena_cstr(&write->arena, sl_str_from(plan->event));
        write->event_warns = plan->event_warns;
        write->note = sl_arena_cstr(&write->arena, plan->status.message);
    }
    write->batches_finished = batches_finished(&input->rollout->status, &plan->status);
    sl_write_send(&rolling->writes, write, &what, now);
}

static const char *action_name(int action)
{
    return action == STATUS ? "status" : sl_action_names[action];
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
    bool conflict = kind == SL_ERR_CONFLICT || kind == SL_ERR_NOT_FOUND;
    rolling->options.numbers->actions[action][conflict ? SL_RESULT_CONFLICT : SL_RESULT_FAILURE]++;
    sl_log(conflict ? SL_LOG_DEBUG : SL_LOG_WARN, "action failed", SL_LOG_CSTR("ns", target->ns),
           SL_LOG_CSTR("name", target->name), SL_LOG_CSTR("op", action_name(action)),
           SL_LOG_TEXT("resource", resource), SL_LOG_TEXT("object", name),
           SL_LOG_CSTR("err", err->msg));
    if (!conflict || target->failed == SL_ERR_NONE) {
        target->failed = kind;
    }
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
    struct sl_write *write = sl_write_new(&rolling->writes, target, (int)action->kind, &what, uid);
    sl_write_send(&rolling->writes, write, &what, now);
}

/* --- after the requests of a plan --- */

static int64_t backoff(unsigned failures)
{
    int64_t wait = BACKOFF_FIRST;
    for (unsigned i = 1; i < failures && wait < BACKOFF_MAX; i++) {
        wait *= 2;
    }
    return wait < BACKOFF_MAX ? wait : BACKOFF_MAX;
}

/* All of a plan's requests are answered. */
static void settle(struct sl_target *target, int64_t now)
{
    switch (target->failed) {
    case SL_ERR_NONE:
        target->failures = 0;
        target->dirty = true;
        break;
    case SL_ERR_CONFLICT:
    case SL_ERR_NOT_FOUND:
        target->again = now + CONFLICT_WAIT < target->again ? now + CONFLICT_WAIT : target->again;
        break;
    case SL_ERR_INVALID:
    case SL_ERR_GONE:
    case SL_ERR_DENIED:
    case SL_ERR_TRANSIENT:
    case SL_ERR_INTERNAL:
        target->failures++;
        target->not_before = now + backoff(target->failures);
        target->dirty = true;
        break;
    }
    target->failed = SL_ERR_NONE;
}

/* --- planning --- */

static void plan_target(struct sl_rolling *rolling, struct sl_target *target, int64_t now,
                        int64_t wall)
{
    struct sl_roll_input input;
    struct sl_plan plan = {.again = SL_NEVER};
    target->dirty = false;
    target->again = SL_NEVER;
    sl_arena_reset(&rolling->arena);
    if (!sl_fleet_input(rolling->options.fleet, target, &rolling->arena, &input)) {
        return;
    }
    sl_roll_plan(&input, wall, &rolling->arena, &plan);
    if (plan.again != SL_NEVER) {
        int64_t wait = plan.again > wall ? plan.again - wall : 0;
        target->again = now + (wait < AGAIN_MAX ? wait : AGAIN_MAX);
    }
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
    if (target->failed != SL_ERR_NONE && target->under_way == 0) {
        settle(target, now);
    }
}

/* When a target is to be planned; INT64_MAX: not before something happens. */
static int64_t due_of(const struct sl_target *target)
{
    if (target->gone || target->under_way > 0) {
        return INT64_MAX;
    }
    int64_t due = target->dirty ? 0 : target->again;
    return due < target->not_before ? target->not_before : due;
}

void sl_rolling_turn(struct sl_rolling *rolling, int64_t now, int64_t wall)
{
    size_t count = sl_targets_count(rolling->targets);
    size_t planned = 0;
    rolling->full = false;
    for (size_t i = 0; i < count && planned < PLANS_AT_ONCE && !rolling->full; i++) {
        size_t index = (rolling->cursor + i) % count;
        struct sl_target *target = sl_targets_at(rolling->targets, index);
        if (due_of(target) > now) {
            continue;
        }
        struct sl_client_stats stats;
        sl_client_stats(rolling->options.client, &stats);
        rolling->full = stats.queued >= QUEUE_MAX;
        if (!rolling->full) {
            plan_target(rolling, target, now, wall);
            planned++;
            rolling->cursor = index + 1;
        }
    }
}

/* While the client has enough to send it is the client that turns the loop. */
int64_t sl_rolling_due(const struct sl_rolling *rolling)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < sl_targets_count(rolling->targets) && !rolling->full; i++) {
        int64_t one = due_of(sl_targets_at(rolling->targets, i));
        due = one < due ? one : due;
    }
    return due;
}

/* --- answers --- */

struct kind_view {
    struct sl_jval kind;
};
static const struct sl_jrow kind_rows[] = {
    {.key = "kind", .at = offsetof(struct kind_view, kind)},
    {0},
};

/* A DELETE is answered with the object while it is still there, and with a Status when it is gone.
 */
static bool is_status(struct sl_str body)
{
    struct kind_view view = {.kind = {.type = SL_J_ABSENT}};
    return sl_jscan(body, kind_rows, &view, NULL, NULL) == 0 &&
           sl_str_is(view.kind.raw, "\"Status\"");
}

static void succeeded(struct sl_rolling *rolling, const struct sl_write *write,
                      const struct sl_reply *reply, int64_t now, int64_t wall)
{
    struct sl_str body = sl_buf_str(&reply->body);
    rolling->options.numbers->actions[write->action][SL_RESULT_SUCCESS]++;
    rolling->options.numbers->batches_finished += write->batches_finished;
    if (write->action != STATUS) {
        remember_error(write->target, NULL, wall);
    }
    if (write->verb == SL_CALL_DELETE && is_status(body)) {
        sl_fleet_forget(rolling->options.fleet, write->group, write->resource, write->ns,
                        write->name, write->uid);
    } else {
        sl_fleet_put(rolling->options.fleet, write->group, write->resource, body);
    }
    sl_log(SL_LOG_DEBUG, "action done", SL_LOG_CSTR("ns", write->target->ns),
           SL_LOG_CSTR("name", write->target->name), SL_LOG_CSTR("op", action_name(write->action)),
           SL_LOG_TEXT("resource", write->resource), SL_LOG_TEXT("object", write->name));
    if (write->event != NULL) {
        sl_log(SL_LOG_INFO, "rollout stepped", SL_LOG_CSTR("ns", write->target->ns),
               SL_LOG_CSTR("name", write->target->name), SL_LOG_CSTR("op", write->event),
               SL_LOG_CSTR("message", write->note));
        emit(rolling, write->target, write->event, write->event_warns, "Roll", write->note, now,
             wall);
    }
}

void sl_rolling_reply(struct sl_rolling *rolling, const struct sl_reply *reply, int64_t now,
                      int64_t wall)
{
    struct sl_write *write = reply->tag;
    struct sl_target *target = write->target;
    if (reply->err.kind == SL_ERR_NONE) {
        succeeded(rolling, write, reply, now, wall);
    } else {
        /* A path that the API server does not serve, just now or at all, says nothing of it. */
        if (write->verb != SL_CALL_CREATE && sl_str_is(reply->reason, "NotFound")) {
            sl_fleet_forget(rolling->options.fleet, write->group, write->resource, write->ns,
                            write->name, write->uid);
        }
        failed(rolling, target, write->action, write->resource, write->name, &reply->err, now,
               wall);
    }
    sl_write_done(&rolling->writes, write);
    if (target->under_way == 0) {
        settle(target, now);
    }
}
