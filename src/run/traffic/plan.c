/* One pod's turn (traffic.h): what it is planned from, what is wanted of its load balancers, the
 * write that it takes, and what the answer means. */
#include "run/traffic/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define BODY_MAX (256 * SL_KIB) /* of a request: an annotation, a message, 16 finalizers */

/* What the budgets of a namespace are counted from changes with the caches, so not within a turn;
 * what is under way does. */
static const struct sl_budget_view *budgets(struct sl_traffic *traffic, const char *ns)
{
    struct sl_traffic_budgets *of = traffic->budgets;
    while (of != NULL && strcmp(of->ns, ns) != 0) {
        of = of->next;
    }
    if (of == NULL) {
        of = sl_arena_zalloc(&traffic->turn_arena, 1, sizeof *of);
        of->ns = sl_arena_cstr(&traffic->turn_arena, sl_str_from(ns));
        of->next = traffic->budgets;
        sl_fleet_budgets(traffic->options.fleet, ns, &traffic->turn_arena, &of->view);
        traffic->budgets = of;
    }
    sl_writes_leaving(traffic->options.writes, ns, &traffic->turn_arena, &of->view);
    return &of->view;
}

/* The PodDisruptionBudget that has no room for the pod; NULL: there is, or nobody asks. */
static const char *full_budget(struct sl_traffic *traffic, const struct sl_pod_record *pod)
{
    const char *budget = "";
    if (pod->drain[0] == '\0' || sl_traffic_state_of(pod) != SL_TRAFFIC_IN_SERVICE) {
        return NULL;
    }
    int32_t left = sl_budget_left(budgets(traffic, pod->record.ns), pod, &traffic->arena, &budget);
    return left > 0 ? NULL : budget;
}

/* Of an upgrade, its run has to be there still. */
static bool stands(struct sl_traffic *traffic, struct sl_traffic_pod *target,
                   const struct sl_pod_record *pod)
{
    struct sl_drain_mark mark;
    sl_drain_read(pod, &traffic->arena, &mark);
    target->by_run = mark.op == SL_DRAIN_UPGRADE;
    return !target->by_run || sl_fleet_has_run(traffic->options.fleet, pod->record.ns, mark.id);
}

/* Members are a policy's: a pod that has another one now leaves those of the old one. */
static void set_policy(struct sl_traffic *traffic, struct sl_traffic_pod *target, const char *name,
                       int64_t now)
{
    bool same = target->policy == name ||
                (target->policy != NULL && name != NULL && strcmp(target->policy, name) == 0);
    if (same) {
        return;
    }
    if (target->policy != NULL) {
        sl_balancers_forget(traffic->balancers, target->uid, now);
    }
    free(target->policy);
    target->policy = name == NULL ? NULL : strdup(name);
    if (name != NULL && target->policy == NULL) {
        abort();
    }
}

static const struct sl_member *members_of(struct sl_traffic *traffic, const char *uid,
                                          const struct sl_traffic_policy *policy)
{
    size_t count = policy == NULL ? 0 : policy->load_balancers.count;
    struct sl_member *members =
        sl_arena_zalloc(&traffic->arena, count + 1, sizeof(struct sl_member));
    for (size_t i = 0; i < count; i++) {
        sl_balancers_member(traffic->balancers, policy->ns, policy->name, i, uid, &members[i]);
    }
    return members;
}

static void want(struct sl_traffic *traffic, const struct sl_pod_record *pod,
                 const struct sl_traffic_policy *policy, const struct sl_traffic_plan *plan,
                 int64_t now)
{
    size_t count = policy == NULL ? 0 : policy->load_balancers.count;
    for (size_t i = 0; i < count && i < sizeof plan->weights / sizeof plan->weights[0]; i++) {
        const struct sl_member_want member = {
            .uid = pod->record.uid,
            .pod = pod->record.name,
            .address = pod->address,
            .weight = plan->weights[i],
        };
        sl_balancers_want(traffic->balancers, policy->ns, policy->name, i, &member, now);
    }
}

static void send(struct sl_traffic *traffic, struct sl_traffic_pod *target,
                 const struct sl_pod_record *pod, const struct sl_traffic_plan *plan, int64_t now,
                 int64_t wall)
{
    SL_AUTO(sl_action_call)
    struct sl_action_call what = {
        .call = SL_CALL_PATCH,
        .group = SL_STR(""),
        .version = SL_STR("v1"),
        .resource = SL_STR("pods"),
        .subresource = plan->write.status ? "status" : "",
        .ns = sl_str_from(pod->record.ns),
        .name = sl_str_from(pod->record.name),
        .content_type = "application/strategic-merge-patch+json",
        .body = SL_BUF_INIT(BODY_MAX),
    };
    sl_traffic_write_body(pod, &plan->write, wall, &what.body);
    struct sl_write *write = sl_write_new(traffic->options.writes, &traffic->writer, target,
                                          &target->due, &what, pod->record.uid);
    write->action = plan->write.status ? SL_ACTION_TRAFFIC_STATUS : SL_ACTION_TRAFFIC;
    write->begins = plan->begins;
    if (plan->event != NULL) {
        write->event = sl_arena_cstr(&write->arena, sl_str_from(plan->event));
        write->event_warns = plan->event_warns;
        write->note = sl_arena_cstr(&write->arena, sl_str_from(plan->note));
    }
    target->gates_off = plan->write.status && !plan->write.gate && pod->traffic_ready;
    target->outcome = plan->outcome;
    target->drained_in = plan->drained_in;
    target->sessions_cut = plan->sessions_cut;
    sl_write_send(write, &what, now);
}

static void plan_served(struct sl_traffic *traffic, struct sl_traffic_pod *target,
                        const struct sl_pod_record *pod,
                        const struct sl_traffic_policy_record *policy, int64_t now, int64_t wall)
{
    struct sl_traffic_plan plan;
    target->gate_off_since = pod->traffic_ready ? 0 : target->gate_off_since;
    set_policy(traffic, target, policy == NULL ? NULL : policy->record.name, now);
    const struct sl_traffic_input input = {
        .pod = pod,
        .policy = policy == NULL ? NULL : &policy->policy,
        .members = members_of(traffic, pod->record.uid, policy == NULL ? NULL : &policy->policy),
        .budget = policy == NULL ? NULL : full_budget(traffic, pod),
        .stands = stands(traffic, target, pod),
        .gate_off_since = target->gate_off_since,
    };
    sl_traffic_plan(&input, wall, &traffic->arena, &plan);
    target->state = plan.state;
    target->op = plan.op == SL_DRAIN_NONE ? target->op : plan.op;
    target->overdue = plan.overdue;
    sl_traffic_pods_set_waits(traffic->pods, target, input.budget != NULL);
    sl_due_again(&target->due, plan.again, now, wall);
    want(traffic, pod, input.policy, &plan, now);
    if (plan.writes) {
        send(traffic, target, pod, &plan, now, wall);
    }
}

void sl_traffic_plan_pod(struct sl_traffic *traffic, struct sl_traffic_pod *target, int64_t now,
                         int64_t wall)
{
    struct sl_fleet *fleet = traffic->options.fleet;
    const struct sl_pod_record *pod = sl_fleet_pod(fleet, target->ns, target->name, target->uid);
    struct sl_fleet_match match = {.policy = NULL};
    sl_due_begin(&target->due);
    sl_arena_reset(&traffic->arena);
    target->planned = true;
    if (pod != NULL) {
        sl_fleet_match(fleet, pod, &traffic->arena, &match);
    }
    bool ours = pod != NULL && sl_fleet_may_serve(fleet, pod, &traffic->arena) &&
                (match.policy != NULL || match.unsure || sl_pod_is_marked(pod, &traffic->arena));
    if (!ours) { /* any more */
        target->gone = true;
    } else if (!match.unsure || pod->record.deleted != 0) { /* nothing may hold up a deletion */
        plan_served(traffic, target, pod, match.policy, now, wall);
    }
}

/* --- the answer --- */

static void emit(struct sl_traffic *traffic, const struct sl_write *write, const char *reason,
                 bool warns, const char *note, int64_t now, int64_t wall)
{
    const struct sl_traffic_pod *target = write->target;
    const struct sl_pod_record *pod =
        sl_fleet_pod(traffic->options.fleet, target->ns, target->name, target->uid);
    const struct sl_event event = {
        .api_version = "v1",
        .kind = "Pod",
        .ns = target->ns,
        .name = target->name,
        .uid = target->uid,
        .resource_version = pod == NULL ? "" : pod->record.resource_version,
        .warning = warns,
        .reason = reason,
        .action = "Traffic",
        .note = note,
    };
    sl_events_emit(traffic->options.events, &event, now, wall);
}

static void succeeded(struct sl_traffic *traffic, const struct sl_write *write, int64_t now,
                      int64_t wall)
{
    struct sl_traffic_pod *target = write->target;
    struct sl_reconciler_numbers *numbers = traffic->options.numbers;
    numbers->actions[write->action][SL_RESULT_SUCCESS]++;
    sl_log(SL_LOG_DEBUG, "action done", SL_LOG_CSTR("ns", target->ns),
           SL_LOG_CSTR("name", target->name),
           SL_LOG_CSTR("op", sl_reconciler_action_name(write->action)));
    if (target->gates_off) {
        target->gate_off_since = wall;
    }
    if (target->outcome != SL_DRAIN_GOES_ON) {
        /* One that was taken back before this process saw what it was for is as any other. */
        enum sl_drain_op op = target->op == SL_DRAIN_NONE ? SL_DRAIN_OTHER : target->op;
        sl_reconciler_count_drain(numbers, op, target->outcome, target->drained_in);
        numbers->sessions_cut += (uint64_t)target->sessions_cut;
    }
    if (write->event != NULL) {
        sl_log(SL_LOG_INFO, "pod's traffic stepped", SL_LOG_CSTR("ns", target->ns),
               SL_LOG_CSTR("name", target->name), SL_LOG_CSTR("op", write->event),
               SL_LOG_CSTR("message", write->note));
        emit(traffic, write, write->event, write->event_warns, write->note, now, wall);
    }
}

static void failed(struct sl_traffic *traffic, const struct sl_write *write,
                   const struct sl_err *err, int64_t now, int64_t wall)
{
    struct sl_traffic_pod *target = write->target;
    bool conflict = sl_due_is_conflict(err->kind);
    traffic->options.numbers
        ->actions[write->action][conflict ? SL_RESULT_CONFLICT : SL_RESULT_FAILURE]++;
    sl_log(conflict ? SL_LOG_DEBUG : SL_LOG_WARN, "action failed", SL_LOG_CSTR("ns", target->ns),
           SL_LOG_CSTR("name", target->name),
           SL_LOG_CSTR("op", sl_reconciler_action_name(write->action)),
           SL_LOG_CSTR("err", err->msg));
    sl_due_failed(&target->due, err->kind);
    if (err->kind == SL_ERR_DENIED || err->kind == SL_ERR_INVALID) {
        emit(traffic, write, "ActionFailed", true, err->msg, now, wall);
    }
}

void sl_traffic_answered(void *traffic, struct sl_write *write, const struct sl_err *err,
                         int64_t now, int64_t wall)
{
    if (err->kind == SL_ERR_NONE) {
        succeeded(traffic, write, now, wall);
    } else {
        failed(traffic, write, err, now, wall);
    }
}
