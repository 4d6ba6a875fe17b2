/* How a rollout has pods leave traffic before it touches them (work.h): by the annotation
 * sluice.dev/drain, whose id is the run's. The lifecycle of each pod (core/traffic/lifecycle.h)
 * does the rest; here it is only asked for, within the budgets, and taken back where it is not
 * needed any more. */
#include <string.h>

#include "core/rolling/work.h"

static bool is_of_run(const struct sl_work *work, const struct sl_work_pod *pod)
{
    return pod->mark.op != SL_DRAIN_NONE && sl_str_eq(pod->mark.id, work->status.run.id);
}

bool sl_drain_is_drained(const struct sl_work_pod *pod)
{
    return pod->state == SL_TRAFFIC_DRAINED || pod->state == SL_TRAFFIC_UPGRADING;
}

static void ask(struct sl_work *work, struct sl_work_pod *pod, enum sl_drain_op op)
{
    struct sl_action *action = sl_work_add(work, SL_ACT_POD_DRAIN, &pod->pod->record);
    action->on = true;
    action->drain = op;
    action->drain_deadline = work->now + pod->traffic->policy->drain.timeout * SL_NS_PER_S;
}

/* What one plan asks for counts against every budget: the pods of a workload mostly have the same.
 */
static bool has_room(struct sl_work *work, const struct sl_work_pod *pod)
{
    if (pod->traffic->disruptions > work->asked) {
        return true;
    }
    if (work->budget[0] == '\0') {
        work->budget = pod->traffic->budget;
    }
    return false;
}

/* What an upgrade before this one took out of traffic is taken over; what somebody else did, an
 * eviction say, is theirs. */
bool sl_drain_ready(struct sl_work *work, struct sl_work_pod *pod, enum sl_drain_op op)
{
    if (pod->traffic == NULL || pod->state == SL_TRAFFIC_UPGRADING) {
        return true;
    }
    bool ours = is_of_run(work, pod);
    bool another = pod->mark.op == SL_DRAIN_UPGRADE && !ours;
    pod->kept = true;
    if (ours && pod->mark.op == op) {
        return pod->state == SL_TRAFFIC_DRAINED;
    }
    bool free = pod->mark.op == SL_DRAIN_NONE || another || ours;
    bool out = pod->mark.since != 0;
    if (free && !pod->asked && (out || has_room(work, pod))) {
        pod->asked = true;
        work->asked += out || pod->pod->ready_since == 0 ? 0 : 1; /* minReadySeconds or not */
        ask(work, pod, op);
    }
    return false;
}

/* --- which of them stay out --- */

static bool may_need_drained(const struct sl_work *work)
{
    if (!sl_work_is_usable(work)) {
        return false; /* nothing is begun, nor finished, by this Rollout */
    }
    switch (work->in->rollout->status.state) {
    case SL_BATCH_IN_ROLLING:
    case SL_BATCH_VERIFYING:
        return !sl_work_is_paused(work);
    case SL_BATCH_FINALIZING:
    case SL_DELETING:
        return true;
    case SL_NEW:
    case SL_SUCCEED:
    case SL_VERIFYING_SPEC:
    case SL_INITIALIZING:
    case SL_BATCH_INITIALIZING:
    case SL_BATCH_READY:
    case SL_FINALISING:
    case SL_FAILING:
    case SL_FAILED:
    case SL_ABANDONING:
    case SL_STATES:
        break;
    }
    return false;
}

void sl_drain_keep(struct sl_work *work)
{
    int32_t old = (int32_t)work->pod_count - work->updated;
    int32_t going = old - (work->replicas - work->target);      /* at the old revision */
    int32_t excess = (int32_t)work->pod_count - work->replicas; /* of a scale-down */
    for (size_t i = 0; may_need_drained(work) && i < work->pod_count; i++) {
        struct sl_work_pod *pod = &work->pods[i];
        int32_t *left = pod->mark.op == SL_DRAIN_DELETE ? &excess : &going;
        if (is_of_run(work, pod) && *left > 0 && (left == &excess || !pod->updated)) {
            pod->kept = true;
            (*left)--;
        }
    }
}

void sl_drain_return(struct sl_work *work)
{
    for (size_t i = 0; i < work->pod_count; i++) {
        const struct sl_work_pod *pod = &work->pods[i];
        bool by_rollouts = pod->mark.op == SL_DRAIN_UPGRADE || pod->mark.op == SL_DRAIN_DELETE;
        if (by_rollouts && is_of_run(work, pod) && !pod->kept && !pod->upgrade.running) {
            sl_work_add(work, SL_ACT_POD_DRAIN, &pod->pod->record)->on = false;
        }
    }
}

const char *sl_drain_waits(const struct sl_work *work)
{
    for (size_t i = 0; i < work->pod_count; i++) {
        const struct sl_work_pod *pod = &work->pods[i];
        if (pod->kept && pod->traffic != NULL && !sl_drain_is_drained(pod) &&
            (work->budget[0] == '\0' || pod->mark.op != SL_DRAIN_NONE)) {
            const char *state = sl_traffic_state_names[pod->state];
            return sl_arena_printf(work->arena, "pod %s to leave traffic%s%s%s",
                                   pod->pod->record.name, state[0] == '\0' ? "" : " (", state,
                                   state[0] == '\0' ? "" : ")");
        }
    }
    return work->budget[0] == '\0'
               ? ""
               : sl_arena_printf(work->arena, "PodDisruptionBudget %s to have room", work->budget);
}
