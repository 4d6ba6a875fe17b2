/* What a step of the state machine changes of the status besides the state (enter.h): the rows of
 * machine.c name these functions. */
#include "core/rolling/enter.h"

#include <stdlib.h>
#include <string.h>

static const char *new_id(const struct sl_work *work)
{
    const struct sl_record *workload = &work->in->workload->record;
    const char *text = sl_arena_printf(
        work->arena, "%s,%s,%s,%lld,%.*s", workload->uid, work->update_revision, work->plan_hash,
        (long long)workload->generation, SL_STR_FMT(work->status.run.id));
    return sl_work_hash(work, sl_str_from(text));
}

static bool runs(const struct sl_work *work, struct sl_str revision)
{
    for (size_t i = 0; i < work->pod_count; i++) {
        if (!work->pods[i].updated && sl_str_is(revision, work->pods[i].revision)) {
            return true;
        }
    }
    return false;
}

static int compare_revisions(const void *left, const void *right)
{
    const char *const *a = left;
    const char *const *b = right;
    return strcmp(*a, *b);
}

/* The revision that most outdated pods run; "" none. Sorted, for there may be thousands of pods. */
static const char *most_frequent(const struct sl_work *work)
{
    const char **revisions = sl_arena_alloc(work->arena, (work->pod_count + 1) * sizeof(char *));
    size_t count = 0;
    for (size_t i = 0; i < work->pod_count; i++) {
        if (!work->pods[i].updated) {
            revisions[count++] = work->pods[i].revision;
        }
    }
    qsort(revisions, count, sizeof(char *), compare_revisions);
    const char *found = "";
    size_t most = 0;
    for (size_t first = 0, end = 0; first < count; first = end) {
        while (end < count && strcmp(revisions[end], revisions[first]) == 0) {
            end++;
        }
        if (end - first > most) {
            most = end - first;
            found = revisions[first];
        }
    }
    return found;
}

/* What was there before the first run that is known of: "" where nothing says. */
static struct sl_str oldest_known(const struct sl_work *work)
{
    struct sl_str current = sl_str_from(work->in->workload->current_revision);
    bool says = current.n > 0 && !sl_str_is(current, work->update_revision);
    return says ? current : sl_str_from(most_frequent(work));
}

/* A rollback is one batch; a run that is retried goes on where it was. */
void sl_enter_planned(struct sl_work *work)
{
    struct sl_rollout_status *status = &work->status;
    bool rollback = sl_work_is_rollback(work);
    size_t count = rollback ? (work->replicas > 0 ? 1 : 0) : work->targets.count;
    status->batches = sl_arena_zalloc(work->arena, count, sizeof *status->batches);
    status->batch_count = count;
    for (size_t i = 0; i < count; i++) {
        status->batches[i].target = rollback ? work->replicas : work->targets.items[i];
    }
    if ((size_t)status->current_batch >= count) {
        status->current_batch = 0;
    }
}

static void enter_run(struct sl_work *work, struct sl_str stable, struct sl_str failure)
{
    struct sl_run *run = &work->status.run;
    run->id = sl_str_from(new_id(work));
    run->stable_revision = stable;
    run->update_revision = sl_str_from(work->update_revision);
    run->plan = sl_str_from(work->plan_hash);
    run->failure = failure;
    run->started = work->now;
    work->status.current_batch = 0;
    work->status.batch_count = 0;
}

/* After a run that ended well, or none: what it brought is what is stable, if pods run it. */
void sl_enter_first(struct sl_work *work)
{
    struct sl_str stable = work->status.run.update_revision;
    if (stable.n == 0 || !runs(work, stable)) {
        stable = oldest_known(work);
    }
    enter_run(work, stable, (struct sl_str){0});
    work->status.run.tolerated = work->out_of_service;
}

/* After one that did not: stable is still what was, and what that run broke is not tolerated. */
void sl_enter_next(struct sl_work *work)
{
    enter_run(work, work->status.run.stable_revision, (struct sl_str){0});
}

void sl_enter_rollback(struct sl_work *work)
{
    bool is_rollback = sl_str_is(work->status.run.stable_revision, work->update_revision);
    enter_run(work, work->status.run.stable_revision,
              is_rollback ? work->status.run.failure : (struct sl_str){0});
}

void sl_enter_retry(struct sl_work *work)
{
    int32_t batch = work->status.current_batch;
    enter_run(work, work->status.run.stable_revision, (struct sl_str){0});
    work->status.current_batch = batch;
}

void sl_enter_batch(struct sl_work *work)
{
    work->status.batches[work->status.current_batch].started = work->now;
}

void sl_enter_ready(struct sl_work *work)
{
    work->status.batches[work->status.current_batch].finished = work->now;
}

void sl_enter_next_batch(struct sl_work *work)
{
    work->status.current_batch++;
}

void sl_enter_failing(struct sl_work *work)
{
    work->status.run.failure = sl_str_from(sl_work_failure(work));
}

void sl_enter_not_in_place(struct sl_work *work)
{
    work->status.run.failure = sl_str_from(sl_arena_printf(
        work->arena, "%s cannot be changed in place, and spec.update is InPlaceOnly",
        work->obstacle));
}
