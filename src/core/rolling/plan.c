/* One plan (plan.h): survey, what the present state has to do, the step of the state machine; then
 * either the new state alone, or the actions of the present one. */
#include "core/rolling/plan.h"

#include <string.h>

#include "core/rolling/work.h"

const char *const sl_action_names[] = {
    [SL_ACT_FINALIZER] = "finalizer",
    [SL_ACT_WORKLOAD] = "workload",
    [SL_ACT_DISOWN] = "disown",
    [SL_ACT_POD_UPGRADE] = "pod-upgrade",
    [SL_ACT_POD_DONE] = "pod-done",
    [SL_ACT_POD_LABEL] = "pod-label",
    [SL_ACT_POD_DELETE] = "pod-delete",
    [SL_ACT_POD_DRAIN] = "pod-drain",
    [SL_ACT_REPLICA_SET_NEW] = "replicaset-new",
    [SL_ACT_REPLICA_SET] = "replicaset",
};

/* --- batches --- */

static bool has_batch(const struct sl_work *work)
{
    const struct sl_rollout_status *status = &work->status;
    return status->current_batch >= 0 && (size_t)status->current_batch < status->batch_count;
}

/* Targets follow the replicas; what was promoted takes all of them. */
static void rebase(struct sl_work *work)
{
    struct sl_rollout_status *status = &work->status;
    size_t current = (size_t)status->current_batch;
    struct sl_batch_targets targets;
    int32_t *before = sl_arena_zalloc(work->arena, current + 1, sizeof *before);
    for (size_t i = 0; i < current; i++) {
        before[i] = status->batches[i].target;
    }
    if (sl_work_is_rollback(work)) {
        targets = (struct sl_batch_targets){.items = before, .count = 1};
        before[0] = work->replicas;
        status->current_batch = 0; /* whatever is stored */
    } else {
        sl_batches_rebase(&sl_work_spec(work)->plan.batches, work->replicas, before, current,
                          work->arena, &targets);
    }
    if (sl_work_ordered(work, SL_ORDER_PROMOTE)) {
        current = (size_t)status->current_batch;
        targets.items[current] = work->replicas;
        targets.count = current + 1;
    }
    struct sl_batch_status *batches = sl_arena_zalloc(work->arena, targets.count, sizeof *batches);
    for (size_t i = 0; i < targets.count; i++) {
        if (i < status->batch_count) {
            batches[i] = status->batches[i];
        }
        batches[i].target = targets.items[i];
    }
    status->batches = batches;
    status->batch_count = targets.count;
}

/* Another plan is another run's, and what a run has brought stays as it was. */
static bool is_own_plan(const struct sl_work *work)
{
    return work->status.state != SL_SUCCEED &&
           (sl_work_is_rollback(work) || sl_str_is(work->status.run.plan, work->plan_hash));
}

static void count(struct sl_work *work)
{
    struct sl_rollout_status *status = &work->status;
    status->replicas = work->replicas;
    status->updated = work->updated;
    status->updated_ready = work->updated_available;
    if (has_batch(work) && status->batches[status->current_batch].started != 0) {
        struct sl_batch_status *batch = &status->batches[status->current_batch];
        batch->updated = work->updated < batch->target ? work->updated : batch->target;
        batch->ready =
            work->updated_available < batch->target ? work->updated_available : batch->target;
    }
}

/* --- what each state has to do --- */

static void initialize(struct sl_work *work)
{
    bool held = sl_work_hold(work);
    bool prepared = work->driver->prepare == NULL || work->driver->prepare(work);
    if (!work->in->rollout->has_finalizer) {
        sl_work_add(work, SL_ACT_FINALIZER, &work->in->rollout->record)->on = true;
    }
    work->done = held && prepared && work->in->rollout->has_finalizer;
}

static void roll(struct sl_work *work)
{
    work->may_touch = work->status.state == SL_BATCH_IN_ROLLING && !sl_work_is_paused(work);
    if (has_batch(work)) {
        work->driver->roll(work);
    }
}

static void settle(struct sl_work *work)
{
    roll(work);
    if (work->action_count == 0) {
        work->done = work->driver->settle == NULL || work->driver->settle(work);
    }
}

static void finalise(struct sl_work *work)
{
    work->done = sl_work_release(work);
}

static void restore(struct sl_work *work)
{
    if (!sl_work_gives_up(work)) {
        (void)sl_work_restore_template(work);
    }
}

static void abandon(struct sl_work *work)
{
    if (sl_work_is_aborting(work)) {
        (void)sl_work_restore_template(work);
    }
}

static void let_go(struct sl_work *work)
{
    if (sl_work_is_held(work)) {
        return;
    }
    if (work->in->workload != NULL) {
        (void)sl_work_drop_copies(work);
    }
    if (work->in->rollout->has_finalizer) {
        (void)sl_work_add(work, SL_ACT_FINALIZER, &work->in->rollout->record);
    }
}

static void stay(struct sl_work *work)
{
    roll(work);   /* nothing new, but nothing is left half-way */
    let_go(work); /* a run that was rolled back holds nothing any more */
}

/* Revert: the stable template first, then all pods at it, then the originals. */
static bool is_reverted(struct sl_work *work)
{
    struct sl_str stable = work->status.run.stable_revision;
    if (!sl_work_can_restore(work)) {
        return true; /* there is nothing to go back to */
    }
    if (!sl_str_is(stable, work->update_revision)) {
        if (work->update_revision[0] != '\0') {
            (void)sl_work_restore_template(work);
        }
        return false;
    }
    work->target = work->replicas;
    work->may_touch = true;
    if ((work->driver->prepare != NULL && !work->driver->prepare(work))) {
        return false;
    }
    work->driver->roll(work);
    int32_t tolerated = work->status.run.tolerated;
    if (work->action_count > 0 || work->updated < work->replicas ||
        work->out_of_service > tolerated ||
        work->updated - work->updated_available > tolerated) { /* beside the old ones, a surge's */
        return false;
    }
    return work->driver->settle == NULL || work->driver->settle(work);
}

/* It is out of traffic, and returns when its marks come off: nobody else takes them off. */
static bool is_out_for_upgrade(const struct sl_work_pod *pod)
{
    return pod->upgrade.running && sl_drain_is_drained(pod);
}

static bool has_out_for_upgrade(const struct sl_work *work)
{
    for (size_t i = 0; i < work->pod_count; i++) {
        if (is_out_for_upgrade(&work->pods[i])) {
            return true;
        }
    }
    return false;
}

static void delete (struct sl_work *work)
{
    int policy = sl_work_spec(work)->deletion_policy;
    bool done = work->driver == NULL || work->in->rival != NULL || !sl_work_is_held(work) ||
                policy == SL_DELETION_FREEZE;
    if (!done && (policy == SL_DELETION_PROMOTE || is_reverted(work))) {
        done = sl_work_release(work);
    }
    if (done && sl_work_is_usable(work) && has_out_for_upgrade(work)) {
        return;
    }
    if (done && work->in->rollout->has_finalizer) {
        (void)sl_work_add(work, SL_ACT_FINALIZER, &work->in->rollout->record);
    }
}

static void (*const duties[SL_STATES])(struct sl_work *work) = {
    [SL_INITIALIZING] = initialize, [SL_BATCH_IN_ROLLING] = roll, [SL_BATCH_VERIFYING] = roll,
    [SL_BATCH_FINALIZING] = settle, [SL_BATCH_READY] = roll,      [SL_FINALISING] = finalise,
    [SL_SUCCEED] = let_go,          [SL_FAILING] = restore,       [SL_FAILED] = stay,
    [SL_ABANDONING] = abandon,      [SL_DELETING] = delete,
};

static bool is_acted_on(const struct sl_work *work, const struct sl_work_pod *pod)
{
    for (size_t i = 0; i < work->action_count; i++) {
        if (work->actions[i].target == &pod->pod->record) {
            return true;
        }
    }
    return false;
}

static int64_t progress_deadline(const struct sl_work *work)
{
    return work->status.run.progressed + sl_work_spec(work)->plan.progress_deadline * SL_NS_PER_S;
}

/* A Rollout that is being deleted does not wait for ever for an upgrade that does not end. One to
 * a revision that is no longer wanted is over, too, unless the pod goes on to the next at once. */
static bool is_upgrade_over(const struct sl_work *work, const struct sl_work_pod *pod)
{
    bool given_up = work->status.state == SL_DELETING && is_out_for_upgrade(pod) &&
                    progress_deadline(work) <= work->now;
    bool ours = pod->updated || (is_out_for_upgrade(pod) && !is_acted_on(work, pod));
    return pod->upgrade.running && ours && (pod->upgrade.done || given_up);
}

/* Marks come off pods whose upgrade is over, and pods that were made anew say their batch. */
static void mark_pods(struct sl_work *work)
{
    bool batches = work->status.state >= SL_BATCH_IN_ROLLING &&
                   work->status.state <= SL_BATCH_READY && has_batch(work);
    for (size_t i = 0; i < work->pod_count; i++) {
        const struct sl_work_pod *pod = &work->pods[i];
        if (is_upgrade_over(work, pod)) {
            (void)sl_work_add(work, SL_ACT_POD_DONE, &pod->pod->record);
        } else if (pod->updated && batches && pod->pod->batch[0] == '\0' && !pod->upgrade.running) {
            sl_work_add(work, SL_ACT_POD_LABEL, &pod->pod->record)->batch =
                work->status.current_batch;
        }
    }
}

/* --- progress --- */

static void note_progress(struct sl_work *work, bool acts)
{
    const struct sl_rollout_status *before = &work->in->rollout->status;
    struct sl_rollout_status *status = &work->status;
    if (acts || status->updated > before->updated ||
        status->updated_ready > before->updated_ready || status->replicas != before->replicas) {
        status->run.progressed = work->now;
    }
}

static void wake_after_pause(struct sl_work *work)
{
    int64_t pause = work->status.state == SL_BATCH_READY ? sl_work_pause_end(work) : 0;
    if (pause > work->now && pause < work->again) {
        work->again = pause;
    }
}

static void wake(struct sl_work *work)
{
    int64_t deadline = progress_deadline(work);
    bool moving = (work->status.state >= SL_BATCH_IN_ROLLING &&
                   work->status.state <= SL_BATCH_FINALIZING && !sl_work_is_paused(work)) ||
                  (work->status.state == SL_DELETING && deadline > work->now);
    wake_after_pause(work);
    if (moving && deadline < work->again) {
        work->again = deadline;
    }
}

/* A workload that its controller has not looked at since it was changed, by us or by somebody else:
 * which revision it is at is not known, so nothing is decided. That takes milliseconds, and is only
 * said when it takes longer. */
#define UNOBSERVED_UNSAID (5 * SL_NS_PER_S)

static bool is_unobserved(const struct sl_work *work)
{
    return work->driver != NULL && work->update_revision[0] == '\0' &&
           work->in->rollout->record.deleted == 0;
}

static void wait_for_controller(struct sl_work *work)
{
    int64_t since = work->in->rollout->status.run.progressed;
    if (since + UNOBSERVED_UNSAID > work->now) {
        work->again = since + UNOBSERVED_UNSAID;
    } else {
        wake_after_pause(work);
        sl_work_describe(work);
    }
}

static void act_and_step(struct sl_work *work, struct sl_plan *plan)
{
    const struct sl_rollout_status *before = &work->in->rollout->status;
    bool usable = sl_work_is_usable(work);
    if (usable && has_batch(work)) {
        if (is_own_plan(work)) {
            rebase(work);
        }
        work->target = work->status.batches[work->status.current_batch].target;
    }
    if (before->phase == SL_PAUSED && before->state < SL_BATCH_READY && !sl_work_is_paused(work)) {
        work->status.run.progressed = work->now; /* nobody waited while it was paused */
    }
    sl_drain_keep(work);
    if (duties[before->state] != NULL && (usable || before->state == SL_DELETING)) {
        duties[before->state](work);
    } else if (before->state == SL_SUCCEED && sl_work_is_gone(work)) {
        let_go(work);
    }
    bool acts = work->action_count > 0 && before->state >= SL_BATCH_IN_ROLLING &&
                before->state <= SL_BATCH_FINALIZING;
    plan->event = sl_work_step(work, &plan->event_warns);
    if (work->driver != NULL) {
        count(work);
    }
    if (plan->event != NULL) {
        work->action_count = 0;
        work->again = SL_NEVER;
        return;
    }
    if (usable) {
        mark_pods(work);
    }
    if (work->driver != NULL) {
        sl_drain_return(work);
    }
    note_progress(work, acts);
    wake(work);
}

void sl_roll_plan(const struct sl_roll_input *input, int64_t now, struct sl_arena *arena,
                  struct sl_plan *ret_plan)
{
    struct sl_work work = {
        .in = input,
        .now = now,
        .arena = arena,
        .again = SL_NEVER,
        .status = input->rollout->status,
    };
    struct sl_plan plan = {0};
    sl_work_survey(&work);
    if (is_unobserved(&work)) {
        wait_for_controller(&work);
    } else {
        work.status.observed_generation = input->rollout->record.generation;
        act_and_step(&work, &plan);
        sl_work_describe(&work);
    }
    plan.status = work.status;
    plan.write_status = !sl_rollout_status_equal(&work.status, &input->rollout->status);
    plan.stepped = plan.event != NULL;
    plan.actions = work.actions;
    plan.action_count = work.action_count;
    plan.again = work.again;
    *ret_plan = plan;
}
