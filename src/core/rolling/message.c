/* Phase, message and conditions of a status: what is waited for, since when, and what would unblock
 * it, in a sentence for whoever looks at 3 a.m. (work.h). */
#include "codec/timestamp.h"
#include "core/names.h"
#include "core/rolling/work.h"

/* "StatefulSet shop/web" */
static const char *subject(const struct sl_work *work)
{
    const struct sl_rollout *spec = sl_work_spec(work);
    return sl_arena_printf(work->arena, "%.*s %s/%.*s", SL_STR_FMT(spec->workload.kind),
                           work->in->rollout->record.ns, SL_STR_FMT(spec->workload.name));
}

static const char *since(const struct sl_work *work, int64_t time)
{
    char text[SL_TIMESTAMP_SIZE];
    sl_timestamp_write(time, text);
    return sl_arena_printf(work->arena, "%s", text);
}

/* "batch 1 of 3, 4 of 10 pods updated": people count from 1. Where currentBatch or confirm.batch is
 * meant, which count from 0, it is named. */
static const char *progress(const struct sl_work *work)
{
    const struct sl_rollout_status *status = &work->status;
    if (sl_work_is_rollback(work)) {
        return sl_arena_printf(work->arena, "rolling back to %.*s, %d of %d pods are there",
                               SL_STR_FMT(status->run.stable_revision), work->updated,
                               work->replicas);
    }
    return sl_arena_printf(work->arena, "batch %d of %zu, %d of %d pods updated",
                           status->current_batch + 1, status->batch_count, work->updated,
                           work->replicas);
}

/* The first pod that is waited for, and why; "" none. */
static const char *slow_pod(const struct sl_work *work)
{
    for (size_t i = 0; i < work->pod_count; i++) {
        const struct sl_work_pod *pod = &work->pods[i];
        if (!pod->updated || pod->available) {
            continue;
        }
        const char *why = pod->upgrade.running && !pod->upgrade.done ? pod->upgrade.waits_for : "";
        for (size_t c = 0; c < pod->pod->container_count && why[0] == '\0'; c++) {
            const struct sl_pod_container *container = &pod->pod->containers[c];
            if (container->reason[0] != '\0') {
                why = sl_arena_printf(work->arena, "container %s: %s", container->name,
                                      container->reason);
            }
        }
        return sl_arena_printf(work->arena, "pod %s%s%s", pod->pod->record.name,
                               why[0] == '\0' ? " to be ready" : ": ", why);
    }
    return "";
}

static const char *moving(const struct sl_work *work)
{
    const struct sl_run *run = &work->status.run;
    const char *slow = slow_pod(work);
    const char *pod = slow[0] == '\0' ? sl_drain_waits(work) : slow;
    int64_t deadline = sl_work_spec(work)->plan.progress_deadline * SL_NS_PER_S;
    if (work->in->action_error != NULL) {
        return sl_arena_printf(work->arena, "%s; the API server refuses what comes next: %s",
                               progress(work), work->in->action_error);
    }
    if (pod[0] == '\0' && work->out_of_service > 0) {
        pod = sl_arena_printf(work->arena, "%d %s out of service", work->out_of_service,
                              work->out_of_service == 1 ? "pod that is" : "pods that are");
    }
    return sl_arena_printf(work->arena, "%s; waits for %s since %s, fails at %s", progress(work),
                           pod[0] == '\0' ? "its pods" : pod, since(work, run->progressed),
                           since(work, run->progressed + deadline));
}

static const char *at_gate(const struct sl_work *work)
{
    const struct sl_rollout_status *status = &work->status;
    const struct sl_record *rollout = &work->in->rollout->record;
    const struct sl_batch_status *batch = &status->batches[status->current_batch];
    const char *done = since(work, batch->finished);
    switch (sl_work_gate(work)) {
    case SL_GATE_PAUSED:
        return sl_arena_printf(work->arena, "%s; paused: set spec.paused to false to go on",
                               progress(work));
    case SL_GATE_OWNER:
        return sl_arena_printf(work->arena, "%s; paused: %s; set it to false to go on",
                               progress(work), work->owner_paused);
    case SL_GATE_PARTITION:
        return sl_arena_printf(work->arena,
                               "%s; waits since %s: batchPartition is %lld, raise or remove it to "
                               "go on",
                               progress(work), done, (long long)sl_work_spec(work)->plan.partition);
    case SL_GATE_CONFIRM:
        return sl_arena_printf(work->arena,
                               "%s; waits for confirmation since %s: kubectl sluice confirm %s -n "
                               "%s, or spec.confirm {run: %.*s, batch: %d}",
                               progress(work), done, rollout->name, rollout->ns,
                               SL_STR_FMT(status->run.id), status->current_batch);
    case SL_GATE_WAIT:
        return sl_arena_printf(work->arena, "%s; pauses since %s until %s", progress(work), done,
                               since(work, sl_work_pause_end(work)));
    case SL_GATE_OPEN:
        break;
    }
    return sl_arena_printf(work->arena, "%s; ready since %s", progress(work), done);
}

static const char *failed(const struct sl_work *work)
{
    const struct sl_run *run = &work->status.run;
    if (sl_work_is_rollback(work) && !sl_work_is_held(work)) {
        return sl_arena_printf(work->arena,
                               "rolled back to %.*s after a failure: %.*s; apply a template that "
                               "works",
                               SL_STR_FMT(run->stable_revision), SL_STR_FMT(run->failure));
    }
    return sl_arena_printf(work->arena,
                           "failed: %.*s; apply a template that works, or kubectl sluice retry or "
                           "abort %s -n %s",
                           SL_STR_FMT(run->failure), work->in->rollout->record.name,
                           work->in->rollout->record.ns);
}

const char *sl_work_failure(const struct sl_work *work)
{
    const char *slow = slow_pod(work);
    const char *pod = slow[0] == '\0' ? sl_drain_waits(work) : slow;
    if (work->in->action_error != NULL) {
        pod = work->in->action_error;
    } else if (pod[0] == '\0') {
        pod = sl_arena_printf(work->arena, "%d of %d pods updated, %d out of service",
                              work->updated, work->target, work->out_of_service);
    }
    return sl_arena_printf(work->arena, "batch %d did not progress for %llds: %s",
                           work->status.current_batch + 1,
                           (long long)sl_work_spec(work)->plan.progress_deadline, pod);
}

static const char *unusable(const struct sl_work *work)
{
    const struct sl_roll_input *in = work->in;
    if (in->rollout->problem[0] != '\0') {
        return sl_arena_printf(work->arena, "the Rollout cannot be used: %s", in->rollout->problem);
    }
    if (in->rival != NULL) {
        return sl_arena_printf(work->arena, "Rollout %s rolls %s already; delete one of the two",
                               in->rival, subject(work));
    }
    if (in->kind == NULL) {
        return sl_arena_printf(work->arena,
                               "kind %.*s is not known: describe it under workloads in the "
                               "reconciler's configuration",
                               SL_STR_FMT(sl_work_spec(work)->workload.kind));
    }
    if (in->workload == NULL) {
        return sl_arena_printf(work->arena, "waits for %s, which does not exist", subject(work));
    }
    return NULL;
}

static const char *verifying(const struct sl_work *work)
{
    if (work->problem[0] != '\0') {
        return sl_arena_printf(work->arena,
                               "the plan does not fit %s: %s; change the plan or the "
                               "replicas",
                               subject(work), work->problem);
    }
    if (sl_work_is_paused(work)) {
        return sl_arena_printf(work->arena, "a new revision is held; paused: %s",
                               work->owner_paused != NULL ? work->owner_paused
                                                          : "set spec.paused to false to go on");
    }
    return sl_arena_printf(work->arena, "verifying the plan for %s", subject(work));
}

static const char *idle(const struct sl_work *work)
{
    return sl_arena_printf(work->arena, "%s is at revision %s, %d of %d pods in service",
                           subject(work), work->update_revision,
                           work->replicas - work->out_of_service, work->replicas);
}

static const char *going_back(const struct sl_work *work)
{
    if (!sl_work_can_restore(work)) {
        return sl_arena_printf(work->arena, "cannot go back to %.*s: that revision is gone",
                               SL_STR_FMT(work->status.run.stable_revision));
    }
    return sl_arena_printf(work->arena, "puts the template of %.*s back%s%.*s",
                           SL_STR_FMT(work->status.run.stable_revision),
                           work->status.run.failure.n > 0 ? ", since: " : "",
                           SL_STR_FMT(work->status.run.failure));
}

/* Marks of an upgrade keep its pod out of traffic: the Rollout does not go before them. */
static const char *deleting(const struct sl_work *work)
{
    for (size_t i = 0; i < work->pod_count; i++) {
        const struct sl_work_pod *pod = &work->pods[i];
        if (pod->upgrade.running && sl_drain_is_drained(pod)) {
            return sl_arena_printf(
                work->arena, "the Rollout is being deleted; waits for pod %s: %s",
                pod->pod->record.name, pod->upgrade.done ? "its marks" : pod->upgrade.waits_for);
        }
    }
    return "the Rollout is being deleted";
}

static const char *doing(const struct sl_work *work)
{
    if (work->update_revision[0] == '\0') {
        return sl_arena_printf(work->arena, "waits for the controller of %s to take note of it",
                               subject(work));
    }
    switch (work->status.state) {
    case SL_NEW:
    case SL_SUCCEED:
        return idle(work);
    case SL_VERIFYING_SPEC:
        return verifying(work);
    case SL_INITIALIZING:
        return sl_arena_printf(work->arena, "prepares %s for its first batch", subject(work));
    case SL_BATCH_INITIALIZING:
    case SL_BATCH_IN_ROLLING:
    case SL_BATCH_VERIFYING:
    case SL_BATCH_FINALIZING:
        if (sl_work_is_paused(work)) {
            return sl_arena_printf(work->arena, "%s; paused: %s", progress(work),
                                   work->owner_paused != NULL ? work->owner_paused
                                                              : "set spec.paused to false to go "
                                                                "on");
        }
        return moving(work);
    case SL_BATCH_READY:
        return at_gate(work);
    case SL_FINALISING:
        return sl_arena_printf(work->arena, "puts back what it changed of %s", subject(work));
    case SL_FAILING:
        return sl_work_gives_up(work) ? failed(work) : going_back(work);
    case SL_FAILED:
        return failed(work);
    case SL_ABANDONING:
        return sl_work_ordered(work, SL_ORDER_ABORT)
                   ? going_back(work)
                   : "another revision or plan takes the place of this run";
    case SL_DELETING:
        return deleting(work);
    case SL_STATES:
        break;
    }
    return "";
}

/* What is refused is what is waited for, wherever the run is: moving() has its own words. */
static const char *sentence(const struct sl_work *work)
{
    static const unsigned acting = 1U << SL_INITIALIZING | 1U << SL_FINALISING | 1U << SL_FAILING |
                                   1U << SL_ABANDONING | 1U << SL_DELETING;
    const char *problem = unusable(work);
    const char *text = problem != NULL ? problem : doing(work);
    bool refused = work->in->action_error != NULL && (acting >> work->status.state & 1) != 0;
    return !refused ? text
                    : sl_arena_printf(work->arena, "%s; the API server refuses it: %s", text,
                                      work->in->action_error);
}

static enum sl_phase phase_of(const struct sl_work *work)
{
    enum sl_state state = work->status.state;
    if (unusable(work) != NULL) {
        return SL_DEGRADED;
    }
    if (state == SL_FAILED || state == SL_FAILING) {
        return SL_PHASE_FAILED;
    }
    if (state == SL_SUCCEED || state == SL_NEW) {
        return SL_HEALTHY;
    }
    if (state == SL_VERIFYING_SPEC && work->problem[0] != '\0') {
        return SL_DEGRADED;
    }
    if (sl_work_is_paused(work) && state <= SL_BATCH_READY) {
        return SL_PAUSED;
    }
    if (state == SL_BATCH_READY && work->target < work->replicas) {
        switch (sl_work_gate(work)) {
        case SL_GATE_CONFIRM:
            return SL_WAITING_FOR_CONFIRMATION;
        case SL_GATE_PAUSED:
        case SL_GATE_OWNER:
        case SL_GATE_PARTITION:
        case SL_GATE_WAIT:
            return SL_PAUSED;
        case SL_GATE_OPEN:
            break;
        }
    }
    return sl_work_is_rollback(work) ? SL_ROLLING_BACK : SL_PROGRESSING;
}

/* --- conditions, in the form that generic tools wait for --- */

static void set_condition(struct sl_work *work, size_t index, const char *type, bool holds)
{
    struct sl_rollout_status *status = &work->status;
    const struct sl_rollout_status *before = &work->in->rollout->status;
    struct sl_condition condition = {
        .type = sl_str_from(type),
        .status = holds,
        .reason = sl_str_from(sl_phase_names[status->phase]),
        .message = status->message,
        .changed = work->now,
    };
    for (size_t i = 0; i < before->condition_count; i++) {
        if (sl_str_eq(before->conditions[i].type, condition.type) &&
            before->conditions[i].status == holds) {
            condition.changed = before->conditions[i].changed;
        }
    }
    status->conditions[index] = condition;
    status->condition_count = index + 1;
}

void sl_work_describe(struct sl_work *work)
{
    struct sl_rollout_status *status = &work->status;
    status->phase = phase_of(work);
    status->message = sl_str_from(sentence(work));
    set_condition(work, 0, "Ready", status->phase == SL_HEALTHY);
    set_condition(work, 1, "Progressing",
                  status->phase == SL_PROGRESSING || status->phase == SL_ROLLING_BACK);
    set_condition(work, 2, "Stalled",
                  status->phase == SL_PHASE_FAILED || status->phase == SL_DEGRADED);
}
