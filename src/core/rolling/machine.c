/* The state machine of a run: one table of every transition (DESIGN.md, "States"). A plan takes at
 * most one step: the first row whose state is the present one and whose condition holds.
 *
 * The rows read like the documentation, and docs/rollouts.md draws them. */
#include "core/rolling/enter.h"
#include "core/rolling/work.h"

/* --- conditions --- */

static bool is_deleted(const struct sl_work *work)
{
    return work->in->rollout->record.deleted != 0;
}

static bool is_known(const struct sl_work *work)
{
    return sl_work_is_usable(work) && work->update_revision[0] != '\0';
}

static bool is_other_run(const struct sl_work *work)
{
    const struct sl_run *run = &work->status.run;
    return is_known(work) &&
           (!sl_str_is(run->update_revision, work->update_revision) ||
            (!sl_str_is(run->plan, work->plan_hash) && !sl_work_is_rollback(work)));
}

static bool is_outdated(const struct sl_work *work)
{
    return is_known(work) && work->updated < (int32_t)work->pod_count;
}

/* A hold says that the template changed, though it be to that of the last run: pods may have gone
 * elsewhere since, of a workload that was made anew, say. */
static bool begins(const struct sl_work *work)
{
    return (is_other_run(work) || sl_work_is_held(work)) && is_outdated(work);
}

/* What is only being put back, without a run, is not taken over by one that has nothing to do. */
static bool is_superseded(const struct sl_work *work)
{
    return is_other_run(work) && (work->status.run.id.n > 0 || is_outdated(work));
}

static bool is_idle(const struct sl_work *work)
{
    return is_known(work) && !begins(work);
}

static bool is_held_for_nothing(const struct sl_work *work)
{
    return is_known(work) && sl_work_is_held(work) && !is_outdated(work);
}

static bool is_retried(const struct sl_work *work)
{
    return is_known(work) && sl_work_ordered(work, SL_ORDER_RETRY);
}

static bool is_aborted(const struct sl_work *work)
{
    return sl_work_ordered(work, SL_ORDER_ABORT) && sl_work_can_restore(work) &&
           !sl_work_is_rollback(work);
}

/* Of a Rollout that cannot be used it is not known which workload it means. */
bool sl_work_is_gone(const struct sl_work *work)
{
    return work->in->workload == NULL && work->in->kind != NULL &&
           work->in->rollout->problem[0] == '\0';
}

static bool is_gone_or_idle(const struct sl_work *work)
{
    return sl_work_is_gone(work) ||
           (is_known(work) && !is_outdated(work) && !sl_work_is_held(work));
}

bool sl_work_is_aborting(const struct sl_work *work)
{
    return sl_work_ordered(work, SL_ORDER_ABORT) && sl_work_can_restore(work) &&
           !sl_str_is(work->status.run.stable_revision, work->update_revision);
}

/* The template that was superseded came back before another run had begun. */
static bool is_set_back(const struct sl_work *work)
{
    return is_known(work) && !sl_work_is_aborting(work);
}

static bool is_not_in_place(const struct sl_work *work)
{
    return sl_work_spec(work)->update == SL_IN_PLACE_ONLY && work->driver->in_place &&
           work->obstacle[0] != '\0';
}

static bool is_paused(const struct sl_work *work)
{
    return sl_work_is_paused(work);
}

static bool is_planned(const struct sl_work *work)
{
    return sl_work_is_usable(work) && work->problem[0] == '\0' && !is_paused(work);
}

static bool is_prepared(const struct sl_work *work)
{
    return is_planned(work) && work->done;
}

static bool has_nothing_to_roll(const struct sl_work *work)
{
    return is_prepared(work) && work->status.batch_count == 0;
}

static bool may_begin(const struct sl_work *work)
{
    return sl_work_is_usable(work) && !is_paused(work);
}

static bool is_updated(const struct sl_work *work)
{
    return sl_work_is_usable(work) && work->updated >= work->target;
}

static bool is_short(const struct sl_work *work)
{
    return sl_work_is_usable(work) && work->updated < work->target;
}

static bool is_verified(const struct sl_work *work)
{
    int32_t tolerated = work->status.run.tolerated;
    return is_updated(work) && work->out_of_service <= tolerated &&
           work->updated - work->updated_available <= tolerated;
}

static bool is_settled(const struct sl_work *work)
{
    return is_verified(work) && work->done;
}

static bool is_last(const struct sl_work *work)
{
    return is_updated(work) && work->target >= work->replicas;
}

static bool may_go_on(const struct sl_work *work)
{
    return is_updated(work) && sl_work_gate(work) == SL_GATE_OPEN;
}

/* Scaled at the last moment: new pods of a held StatefulSet come at the old revision, and those
 * that a paused Deployment has too many are still there. */
static bool is_outdated_again(const struct sl_work *work)
{
    return is_outdated(work) && sl_work_is_held(work) && work->replicas > 0;
}

/* Then it goes on where it was: its batches follow the replicas, and a plan that would not fit so
 * many from the beginning is no reason to stop. */
static bool is_outdated_in_batch(const struct sl_work *work)
{
    return is_outdated_again(work) && work->status.batch_count > 0;
}

static bool is_released(const struct sl_work *work)
{
    return sl_work_is_usable(work) && work->done;
}

static bool is_released_after_failure(const struct sl_work *work)
{
    return is_released(work) && work->status.run.failure.n > 0;
}

/* What we are about to do ourselves is not waited for, unless it is refused again and again. */
static bool is_overdue(const struct sl_work *work)
{
    int64_t deadline = sl_work_spec(work)->plan.progress_deadline * SL_NS_PER_S;
    int64_t refused = work->in->action_error_since;
    bool stuck = work->action_count == 0 && work->now - work->status.run.progressed >= deadline;
    return sl_work_is_usable(work) && !is_paused(work) &&
           (stuck || (refused != 0 && work->now - refused >= deadline));
}

bool sl_work_gives_up(const struct sl_work *work)
{
    return sl_work_spec(work)->on_failure == SL_ON_FAILURE_PAUSE || sl_work_is_rollback(work) ||
           !sl_work_can_restore(work);
}

static bool is_given_up(const struct sl_work *work)
{
    return sl_work_is_usable(work) && sl_work_gives_up(work);
}

/* --- the table --- */

#define BIT(state) (1U << (unsigned)(state))
#define IDLE (BIT(SL_NEW) | BIT(SL_SUCCEED))
#define BATCH                                                                                      \
    (BIT(SL_BATCH_INITIALIZING) | BIT(SL_BATCH_IN_ROLLING) | BIT(SL_BATCH_VERIFYING) |             \
     BIT(SL_BATCH_FINALIZING) | BIT(SL_BATCH_READY))
#define RUNNING (BIT(SL_VERIFYING_SPEC) | BIT(SL_INITIALIZING) | BATCH | BIT(SL_FINALISING))
#define MOVING (BIT(SL_BATCH_IN_ROLLING) | BIT(SL_BATCH_VERIFYING) | BIT(SL_BATCH_FINALIZING))
#define ANY (IDLE | RUNNING | BIT(SL_FAILING) | BIT(SL_FAILED) | BIT(SL_ABANDONING))

static const struct row {
    unsigned from; /* bits of enum sl_state */
    enum sl_state to;
    bool (*when)(const struct sl_work *work);
    void (*enter)(struct sl_work *work); /* NULL: nothing */
    const char *event;                   /* its reason */
    bool warns;
} rows[] = {
    {ANY, SL_DELETING, is_deleted, NULL, "RolloutDeleting", false},

    /* a run begins, or another one takes its place */
    {BIT(SL_NEW), SL_VERIFYING_SPEC, begins, sl_enter_first, "RunStarted", false},
    {BIT(SL_SUCCEED), SL_VERIFYING_SPEC, is_outdated, sl_enter_first, "RunStarted", false},
    {IDLE, SL_FINALISING, is_held_for_nothing, NULL, "NothingToRoll", false},
    {BIT(SL_NEW), SL_SUCCEED, is_idle, NULL, "Observed", false},
    {BIT(SL_FAILED), SL_VERIFYING_SPEC, is_other_run, sl_enter_next, "RunStarted", false},
    {BIT(SL_FAILED), SL_VERIFYING_SPEC, is_retried, sl_enter_retry, "RunRetried", false},
    {BIT(SL_FAILING), SL_VERIFYING_SPEC, is_other_run, sl_enter_rollback, "RunRollingBack", true},
    {RUNNING | BIT(SL_FAILED), SL_ABANDONING, is_aborted, NULL, "RunAborting", true},
    {RUNNING, SL_ABANDONING, is_superseded, NULL, "RunSuperseded", false},
    {RUNNING | BIT(SL_FAILING) | BIT(SL_FAILED), SL_ABANDONING, sl_work_is_gone, NULL,
     "WorkloadGone", true},
    {BIT(SL_ABANDONING), SL_VERIFYING_SPEC, is_other_run, sl_enter_next, "RunStarted", false},
    {BIT(SL_ABANDONING), SL_SUCCEED, is_gone_or_idle, NULL, "RunAbandoned", false},
    {BIT(SL_ABANDONING), SL_VERIFYING_SPEC, is_set_back, sl_enter_next, "RunResumed", false},

    /* its course */
    {BIT(SL_VERIFYING_SPEC), SL_FAILING, is_not_in_place, sl_enter_not_in_place, "UpdateNotInPlace",
     true},
    {BIT(SL_VERIFYING_SPEC), SL_INITIALIZING, is_planned, sl_enter_planned, "PlanVerified", false},
    {BIT(SL_INITIALIZING), SL_FINALISING, has_nothing_to_roll, NULL, "NothingToRoll", false},
    {BIT(SL_INITIALIZING), SL_BATCH_INITIALIZING, is_prepared, NULL, "WorkloadHeld", false},
    {BIT(SL_BATCH_INITIALIZING), SL_BATCH_IN_ROLLING, may_begin, sl_enter_batch, "BatchStarted",
     false},
    {BIT(SL_BATCH_IN_ROLLING), SL_BATCH_VERIFYING, is_updated, NULL, "BatchUpdated", false},
    {BIT(SL_BATCH_VERIFYING), SL_BATCH_IN_ROLLING, is_short, NULL, "BatchShort", false},
    {BIT(SL_BATCH_VERIFYING), SL_BATCH_FINALIZING, is_verified, NULL, "BatchVerified", false},
    {BIT(SL_BATCH_FINALIZING), SL_BATCH_IN_ROLLING, is_short, NULL, "BatchShort", false},
    {BIT(SL_BATCH_FINALIZING), SL_BATCH_READY, is_settled, sl_enter_ready, "BatchReady", false},
    {BIT(SL_BATCH_READY), SL_BATCH_IN_ROLLING, is_short, NULL, "BatchShort", false},
    {BIT(SL_BATCH_READY), SL_FINALISING, is_last, NULL, "BatchesDone", false},
    {BIT(SL_BATCH_READY), SL_BATCH_INITIALIZING, may_go_on, sl_enter_next_batch, "NextBatch",
     false},
    {BIT(SL_FINALISING), SL_BATCH_INITIALIZING, is_outdated_in_batch, NULL, "RunExtended", false},
    {BIT(SL_FINALISING), SL_VERIFYING_SPEC, is_outdated_again, NULL, "RunExtended", false},
    {BIT(SL_FINALISING), SL_FAILED, is_released_after_failure, NULL, "RunRolledBack", true},
    {BIT(SL_FINALISING), SL_SUCCEED, is_released, NULL, "RunSucceeded", false},

    /* when it goes wrong */
    {MOVING, SL_FAILING, is_overdue, sl_enter_failing, "BatchFailed", true},
    {BIT(SL_FAILING), SL_FAILED, is_given_up, NULL, "RunFailed", true},
};

const char *sl_work_step(struct sl_work *work, bool *ret_warns)
{
    unsigned from = BIT(work->status.state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        if ((row->from & from) != 0 && row->when(work)) {
            if (row->enter != NULL) {
                row->enter(work);
            }
            if ((from & MOVING) == 0 && work->out_of_service < work->status.run.tolerated) {
                work->status.run.tolerated = work->out_of_service; /* they are mended */
            }
            work->status.state = row->to;
            work->status.run.progressed = work->now;
            *ret_warns = row->warns;
            return row->event;
        }
    }
    return NULL;
}

bool sl_roll_transition(size_t index, unsigned *ret_from, enum sl_state *ret_to,
                        const char **ret_event)
{
    if (index >= sizeof rows / sizeof rows[0]) {
        return false;
    }
    *ret_from = rows[index].from;
    *ret_to = rows[index].to;
    *ret_event = rows[index].event;
    return true;
}
