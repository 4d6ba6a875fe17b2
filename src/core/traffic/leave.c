/* How a pod leaves traffic (lifecycle.h): what has it leave, until when at most, and whether it has
 * left. All waits are sums of times that are on the objects, or were told by a balancer. */
#include <string.h>

#include "core/traffic/work.h"

/* An eviction, or a scale-down, that was asked for and does not come: its pod returns. */
#define FORGOTTEN (60 * SL_NS_PER_S)

void sl_traffic_again(struct sl_traffic_work *work, int64_t when)
{
    if (when > work->now && when < work->plan->again) {
        work->plan->again = when;
    }
}

bool sl_traffic_has_finalizer(const struct sl_pod_record *pod, struct sl_str balancer)
{
    for (const char *name = pod->balancers; name[0] != '\0'; name += strlen(name) + 1) {
        if (sl_str_is(balancer, name)) {
            return true;
        }
    }
    return false;
}

/* --- what has it leave --- */

static bool is_forgotten(const struct sl_traffic_work *work)
{
    const struct sl_drain_mark *mark = &work->mark;
    return (mark->op == SL_DRAIN_EVICT || mark->op == SL_DRAIN_DELETE) && mark->deadline != 0 &&
           work->state != SL_TRAFFIC_DRAINING && work->now >= mark->deadline + FORGOTTEN;
}

bool sl_traffic_is_stale(const struct sl_traffic_work *work)
{
    return work->mark.op != SL_DRAIN_NONE && (!work->in->stands || is_forgotten(work));
}

static enum sl_drain_op op_of(const struct sl_traffic_work *work)
{
    const struct sl_pod_record *pod = work->in->pod;
    if (pod->record.deleted != 0 || pod->finished) {
        return SL_DRAIN_DELETE;
    }
    return sl_traffic_is_stale(work) ? SL_DRAIN_NONE : work->mark.op;
}

/* One drain has one beginning and one end, whatever else is asked of it: the sooner of both. */
static void date(struct sl_traffic_work *work)
{
    const struct sl_pod_record *pod = work->in->pod;
    int64_t timeout = work->in->policy == NULL ? 0 : work->in->policy->drain.timeout * SL_NS_PER_S;
    bool marked = work->mark.op != SL_DRAIN_NONE && !sl_traffic_is_stale(work);
    work->deadline = marked && work->mark.deadline != 0 ? work->mark.deadline : INT64_MAX;
    work->since = marked ? work->mark.since : 0;
    if (pod->record.deleted != 0) {
        int64_t asked = pod->delete_asked != 0 ? pod->delete_asked : pod->record.deleted;
        int64_t latest = asked + timeout;
        work->deadline = latest < work->deadline ? latest : work->deadline;
        work->since = work->since == 0 || asked < work->since ? asked : work->since;
    }
}

void sl_traffic_survey(struct sl_traffic_work *work)
{
    work->state = sl_traffic_state_of(work->in->pod);
    sl_drain_read(work->in->pod, work->arena, &work->mark);
    work->op = op_of(work);
    work->count = work->in->policy == NULL ? 0 : work->in->policy->load_balancers.count;
    work->count = work->count < SL_MEMBERS_MAX ? work->count : SL_MEMBERS_MAX;
    date(work);
    if (work->mark.deadline != 0 && !sl_traffic_is_stale(work)) {
        sl_traffic_again(work, work->mark.deadline + FORGOTTEN);
    }
}

/* --- whether it has left --- */

int64_t sl_traffic_sessions(const struct sl_traffic_work *work)
{
    int64_t sessions = 0;
    for (size_t i = 0; i < work->count; i++) {
        const struct sl_member *member = &work->in->members[i];
        bool told = !sl_traffic_balancers(work)[i].has_external && member->sessions > 0 &&
                    member->state != SL_MEMBER_ABSENT;
        sessions += told ? member->sessions : 0;
    }
    return sessions;
}

/* Since when whoever goes by Ready was told; what is stored of it is cut to the second. Without
 * its containers a pod was not Ready whatever its gate. With them, a kubelet may have seen the gate
 * True for a moment that we have not: the gate alone counts. */
static int64_t unready_since(const struct sl_traffic_work *work)
{
    const struct sl_pod_record *pod = work->in->pod;
    int64_t stored = pod->traffic_changed + SL_NS_PER_S;
    int64_t gate = work->in->gate_off_since != 0 ? work->in->gate_off_since : stored;
    bool unready = !pod->containers_ready && pod->unready_since != 0;
    int64_t ready = unready ? pod->unready_since + SL_NS_PER_S : INT64_MAX;
    return gate < ready ? gate : ready;
}

/* Nothing tells when proxies have acted on a pod that is not ready, nor what they still have open
 * (FACTS 10): hence waits. */
static bool gate_has_propagated(struct sl_traffic_work *work)
{
    const struct sl_drain *drain = &work->in->policy->drain;
    if (!work->in->pod->gate) {
        return true;
    }
    if (work->in->pod->traffic_ready) { /* somebody set it: it is written again */
        work->plan->waits = "until its readiness gate is False";
        return false;
    }
    int64_t wait = drain->propagation + (work->count == 0 ? drain->wait : 0);
    int64_t until = unready_since(work) + wait * SL_NS_PER_S;
    if (until > work->now) {
        work->plan->waits = "until every proxy knows that it is not ready";
        sl_traffic_again(work, until);
    }
    return until <= work->now;
}

static bool says(struct sl_traffic_work *work, size_t index, const char *what)
{
    work->plan->waits = sl_arena_printf(work->arena, "load balancer %.*s %s",
                                        SL_STR_FMT(sl_traffic_balancers(work)[index].name), what);
    return false;
}

static bool member_has_left(struct sl_traffic_work *work, size_t index, bool serves)
{
    const struct sl_load_balancer *balancer = &sl_traffic_balancers(work)[index];
    const struct sl_member *member = &work->in->members[index];
    if (balancer->has_external) {
        return !sl_traffic_has_finalizer(work->in->pod, balancer->name) ||
               says(work, index, "has not taken its finalizer off");
    }
    switch (member->state) {
    case SL_MEMBER_ABSENT:
        return true;
    case SL_MEMBER_UNKNOWN:
        return says(work, index, "does not answer");
    case SL_MEMBER_IN:
    case SL_MEMBER_STATES:
        return says(work, index, "still sends it requests");
    case SL_MEMBER_OUT:
        break;
    }
    int64_t until = member->out_since + work->in->policy->drain.wait * SL_NS_PER_S;
    if (!serves || member->sessions == 0 || (member->sessions < 0 && until <= work->now)) {
        return true;
    }
    if (member->sessions < 0) {
        sl_traffic_again(work, until);
        return says(work, index, "cannot tell its sessions: they are given waitSeconds");
    }
    return says(
        work, index,
        sl_arena_printf(work->arena, "has %lld sessions left", (long long)member->sessions));
}

bool sl_traffic_has_left(struct sl_traffic_work *work)
{
    const struct sl_pod_record *pod = work->in->pod;
    /* Containers that stop by themselves are started again, at any moment. */
    bool serves = !pod->finished && !(pod->stopped && sl_traffic_is_deleted(work));
    bool left = !serves || gate_has_propagated(work);
    for (size_t i = 0; i < work->count; i++) {
        left = member_has_left(work, i, serves) && left;
    }
    return left;
}
