/* The table of a pod's traffic states (lifecycle.h), and the plan that is made from it: weights,
 * then the first row that applies, or what else there is to write. */
#include "core/traffic/lifecycle.h"

#include <stdio.h>
#include <string.h>

#include "codec/timestamp.h"
#include "core/names.h"
#include "core/traffic/work.h"

const char *const sl_traffic_state_names[] = {
    [SL_TRAFFIC_NONE] = "",
    [SL_TRAFFIC_JOINING] = SL_REASON_JOINING,
    [SL_TRAFFIC_IN_SERVICE] = SL_REASON_IN_SERVICE,
    [SL_TRAFFIC_DRAINING] = SL_REASON_DRAINING,
    [SL_TRAFFIC_DRAINED] = SL_REASON_DRAINED,
    [SL_TRAFFIC_UPGRADING] = SL_REASON_UPGRADING,
};

const char *const sl_drain_outcome_names[] = {
    [SL_DRAIN_GOES_ON] = "goes-on", [SL_DRAIN_BEGUN] = "begun",         [SL_DRAIN_DONE] = "done",
    [SL_DRAIN_OVERDUE] = "overdue", [SL_DRAIN_CANCELLED] = "cancelled",
};

enum sl_traffic_state sl_traffic_state_of(const struct sl_pod_record *pod)
{
    for (enum sl_traffic_state state = SL_TRAFFIC_JOINING; state < SL_TRAFFIC_STATES; state++) {
        if (strcmp(pod->traffic, sl_traffic_state_names[state]) == 0) {
            return state;
        }
    }
    return SL_TRAFFIC_NONE;
}

/* --- conditions of the rows --- */

static bool is_asked_to_leave(const struct sl_traffic_work *work)
{
    return work->op != SL_DRAIN_NONE;
}

/* A pod that ends and is in no balancer is its kubelet's and its Service's business alone. */
static bool matters(const struct sl_traffic_work *work)
{
    return !sl_traffic_ends(work) || work->in->pod->balancers[0] != '\0';
}

static bool is_in_all_balancers(struct sl_traffic_work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        const struct sl_load_balancer *balancer = &sl_traffic_balancers(work)[i];
        const struct sl_member *member = &work->in->members[i];
        if (!balancer->has_external && (member->state != SL_MEMBER_IN || member->leaving)) {
            work->plan->waits =
                sl_arena_printf(work->arena, "load balancer %.*s does not have it yet%s%s",
                                SL_STR_FMT(balancer->name), member->trouble[0] == '\0' ? "" : ": ",
                                member->trouble);
            return false;
        }
    }
    return true;
}

static bool may_join(struct sl_traffic_work *work)
{
    if (is_asked_to_leave(work)) {
        return false;
    }
    if (!work->in->pod->containers_ready) {
        work->plan->waits = "its containers are not ready";
        return false;
    }
    return true;
}

static bool leaves_early(struct sl_traffic_work *work)
{
    return is_asked_to_leave(work) && matters(work);
}

/* A deletion has happened: what it spends is spent. */
static bool leaves(struct sl_traffic_work *work)
{
    bool begun = sl_traffic_has_begun(work);
    if (!is_asked_to_leave(work) || !matters(work)) {
        return false;
    }
    if (!sl_traffic_ends(work) && !begun && work->in->budget != NULL) {
        work->plan->waits = sl_arena_printf(
            work->arena, "PodDisruptionBudget %s has no room for it", work->in->budget);
        return false;
    }
    return true;
}

static bool is_not_wanted_out(struct sl_traffic_work *work)
{
    return !is_asked_to_leave(work);
}

static bool has_left(struct sl_traffic_work *work)
{
    return matters(work) && sl_traffic_has_left(work);
}

static bool is_overdue(struct sl_traffic_work *work)
{
    sl_traffic_again(work, work->deadline);
    return matters(work) && sl_traffic_is_late(work) &&
           work->in->policy->drain.on_timeout == SL_PROCEED;
}

static bool is_being_upgraded(struct sl_traffic_work *work)
{
    return work->in->pod->upgrade[0] != '\0' && !sl_traffic_ends(work);
}

static bool is_upgraded(struct sl_traffic_work *work)
{
    return work->in->pod->upgrade[0] == '\0' && !sl_traffic_ends(work);
}

/* --- what comes before a row's status; true: nothing, it is there --- */

static bool is_adopted_and_in(struct sl_traffic_work *work)
{
    return sl_traffic_adopt(work) && is_in_all_balancers(work);
}

static bool has_mark_that_stands(struct sl_traffic_work *work)
{
    if (sl_traffic_is_stale(work)) {
        sl_traffic_unmark(work);
        return false;
    }
    return true;
}

/* --- the table --- */

#define IN(state) (1U << SL_TRAFFIC_##state)

static const struct row {
    unsigned from;
    enum sl_traffic_state to;
    const char *name; /* reason of its Event */
    bool (*when)(struct sl_traffic_work *work);
    bool (*before)(struct sl_traffic_work *work); /* NULL: nothing */
    enum sl_drain_outcome outcome;
} rows[] = {
    {IN(NONE) | IN(JOINING), SL_TRAFFIC_IN_SERVICE, "TrafficJoined", may_join, is_adopted_and_in,
     SL_DRAIN_GOES_ON},
    {IN(NONE) | IN(JOINING), SL_TRAFFIC_DRAINING, "TrafficDraining", leaves_early,
     sl_traffic_is_dated, SL_DRAIN_BEGUN},
    {IN(IN_SERVICE), SL_TRAFFIC_DRAINING, "TrafficDraining", leaves, sl_traffic_is_dated,
     SL_DRAIN_BEGUN},
    {IN(DRAINED), SL_TRAFFIC_UPGRADING, "TrafficUpgrading", is_being_upgraded, NULL,
     SL_DRAIN_GOES_ON},
    {IN(DRAINING) | IN(DRAINED), SL_TRAFFIC_JOINING, "TrafficReturned", is_not_wanted_out,
     has_mark_that_stands, SL_DRAIN_CANCELLED},
    {IN(DRAINING), SL_TRAFFIC_DRAINED, "TrafficDrained", has_left, sl_traffic_strip, SL_DRAIN_DONE},
    {IN(DRAINING), SL_TRAFFIC_DRAINED, "DrainOverdue", is_overdue, sl_traffic_strip,
     SL_DRAIN_OVERDUE},
    {IN(UPGRADING), SL_TRAFFIC_JOINING, "TrafficUpgraded", is_upgraded, NULL, SL_DRAIN_GOES_ON},
};

#define ROWS (sizeof rows / sizeof rows[0])

/* Beside the table: no policy matches the pod any more (release()). */
static const struct row released = {.from = IN(NONE) | IN(JOINING) | IN(IN_SERVICE) | IN(DRAINING) |
                                            IN(DRAINED) | IN(UPGRADING),
                                    .to = SL_TRAFFIC_IN_SERVICE,
                                    .name = "TrafficReleased"};

bool sl_traffic_transition(size_t index, unsigned *ret_from, enum sl_traffic_state *ret_to,
                           const char **ret_name)
{
    if (index > ROWS) {
        return false;
    }
    const struct row *row = index == ROWS ? &released : &rows[index];
    *ret_from = row->from;
    *ret_to = row->to;
    *ret_name = row->name;
    return true;
}

static void say(struct sl_traffic_work *work, const struct row *row)
{
    struct sl_traffic_plan *plan = work->plan;
    plan->event = row->name;
    plan->event_warns = row->outcome == SL_DRAIN_OVERDUE;
    plan->note = sl_traffic_note(work, row->to, row->outcome);
    plan->outcome = row->outcome;
    if (row->to == SL_TRAFFIC_DRAINED) {
        plan->drained_in =
            work->since != 0 && work->now > work->since ? work->now - work->since : 0;
        plan->sessions_cut = row->outcome == SL_DRAIN_OVERDUE ? sl_traffic_sessions(work) : 0;
    }
}

/* --- the plan --- */

static int weight_of(const struct sl_traffic_work *work)
{
    const struct sl_pod_record *pod = work->in->pod;
    if (!matters(work)) {
        return SL_WEIGHT_GONE;
    }
    switch (work->state) {
    case SL_TRAFFIC_NONE:
    case SL_TRAFFIC_JOINING:
        if (!is_asked_to_leave(work) && pod->containers_ready &&
            !sl_traffic_lacks_finalizers(work)) {
            return SL_WEIGHT_IN;
        }
        return work->state == SL_TRAFFIC_NONE && !sl_traffic_ends(work) ? SL_WEIGHT_GONE
                                                                        : SL_WEIGHT_OUT;
    case SL_TRAFFIC_IN_SERVICE:
        return !sl_traffic_ends(work) && pod->containers_ready ? SL_WEIGHT_IN : SL_WEIGHT_OUT;
    case SL_TRAFFIC_DRAINING:
    case SL_TRAFFIC_DRAINED:
    case SL_TRAFFIC_UPGRADING:
    case SL_TRAFFIC_STATES:
        break;
    }
    return SL_WEIGHT_OUT;
}

static const struct row *next_row(struct sl_traffic_work *work)
{
    for (size_t i = 0; i < ROWS; i++) {
        if ((rows[i].from & (1U << work->state)) != 0 && rows[i].when(work)) {
            return &rows[i];
        }
    }
    return NULL;
}

static void step(struct sl_traffic_work *work, const struct row *row)
{
    struct sl_traffic_plan *plan = work->plan;
    if (row->before == NULL || row->before(work)) {
        plan->begins = row->to == SL_TRAFFIC_DRAINING && work->state == SL_TRAFFIC_IN_SERVICE;
        sl_traffic_write_status(work, row->to, sl_traffic_message(work, row->to));
        say(work, row);
    } else if (row->to == SL_TRAFFIC_DRAINED && sl_traffic_ends(work) &&
               sl_traffic_takes_the_last(work)) {
        say(work, row); /* nothing is written about it any more */
    }
}

/* What ends and has lost its finalizers is gone with the next word of its kubelet, and nothing is
 * written about it; unless there is none: it is finished, still stops, or its node is lost. */
static void conclude(struct sl_traffic_work *work)
{
    const struct sl_pod_record *pod = work->in->pod;
    bool stays = pod->finished ? pod->record.deleted == 0 : !pod->stopped;
    bool over = sl_traffic_has_left(work) ||
                (sl_traffic_is_late(work) && work->in->policy->drain.on_timeout == SL_PROCEED);
    if (stays && over && work->state == SL_TRAFFIC_DRAINING) {
        sl_traffic_write_status(work, SL_TRAFFIC_DRAINED,
                                sl_traffic_message(work, SL_TRAFFIC_DRAINED));
    }
}

/* What a settled state wants of the objects. */
static void keep(struct sl_traffic_work *work)
{
    const struct sl_pod_record *pod = work->in->pod;
    bool in_service = work->state == SL_TRAFFIC_IN_SERVICE;
    bool is_out = work->state == SL_TRAFFIC_DRAINED || work->state == SL_TRAFFIC_UPGRADING;
    if (is_out && sl_traffic_ends(work)) {
        (void)sl_traffic_strip(work);
        return;
    }
    if (!matters(work)) {
        conclude(work);
        return;
    }
    if (work->state == SL_TRAFFIC_NONE) {
        return;
    }
    if ((is_out || work->state == SL_TRAFFIC_DRAINING) && !sl_traffic_has_end(work)) {
        return;
    }
    if (in_service && sl_traffic_is_stale(work)) {
        sl_traffic_unmark(work);
    } else if (in_service && !pod->finished &&
               (!sl_traffic_adopt(work) || !sl_traffic_is_let_wait(work))) {
        return;
    } else if (pod->traffic_ready != in_service ||
               (strcmp(pod->traffic_message, sl_traffic_message(work, work->state)) != 0 &&
                (in_service || work->plan->overdue))) {
        sl_traffic_write_status(work, work->state, sl_traffic_message(work, work->state));
        if (work->plan->overdue) {
            work->plan->event = "DrainHeld";
            work->plan->event_warns = true;
            work->plan->note =
                sl_arena_printf(work->arena, "%s; it waits because %s",
                                sl_traffic_message(work, work->state), work->plan->waits);
        }
    }
}

/* No policy matches it: it is Ready by its own readiness alone, and nothing of ours keeps it. */
static void release(struct sl_traffic_work *work)
{
    const struct sl_pod_record *pod = work->in->pod;
    bool has_condition = work->state != SL_TRAFFIC_NONE || pod->gate;
    if (!sl_traffic_ends(work) && has_condition && !pod->traffic_ready) {
        sl_traffic_write_status(work, SL_TRAFFIC_IN_SERVICE, "no TrafficPolicy matches it");
        say(work, &released);
    } else {
        sl_traffic_let_go(work);
    }
}

void sl_traffic_plan(const struct sl_traffic_input *input, int64_t now, struct sl_arena *arena,
                     struct sl_traffic_plan *ret_plan)
{
    struct sl_traffic_plan plan = {.again = INT64_MAX, .waits = ""};
    struct sl_traffic_work work = {.in = input, .now = now, .arena = arena, .plan = &plan};
    sl_traffic_survey(&work);
    plan.state = work.state;
    plan.op = work.op;
    for (size_t i = 0; i < SL_MEMBERS_MAX; i++) {
        plan.weights[i] = input->policy == NULL ? SL_WEIGHT_GONE : weight_of(&work);
    }
    if (input->policy == NULL) {
        release(&work);
    } else {
        const struct row *row = next_row(&work);
        plan.overdue = row == NULL && work.state == SL_TRAFFIC_DRAINING && matters(&work) &&
                       sl_traffic_is_late(&work);
        if (row != NULL) {
            step(&work, row);
        } else {
            keep(&work);
        }
    }
    *ret_plan = plan;
}
