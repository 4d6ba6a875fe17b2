/* Whether two statuses would be written alike (rollout.h), without writing them: asked once in
 * every plan. */
#include "base/clock.h"
#include "core/records/rollout.h"

/* Times are written to the second. */
static bool same_time(int64_t a, int64_t b)
{
    return a / SL_NS_PER_S == b / SL_NS_PER_S && (a == 0) == (b == 0);
}

/* Absent and empty are written alike. */
static bool same_text(struct sl_str a, struct sl_str b)
{
    return a.n == b.n && (a.n == 0 || sl_str_eq(a, b));
}

static bool same_run(const struct sl_run *a, const struct sl_run *b)
{
    return same_text(a->id, b->id) && same_text(a->stable_revision, b->stable_revision) &&
           same_text(a->update_revision, b->update_revision) && same_text(a->plan, b->plan) &&
           same_text(a->failure, b->failure) && same_time(a->started, b->started) &&
           same_time(a->progressed, b->progressed) && a->tolerated == b->tolerated;
}

static bool same_batches(const struct sl_rollout_status *a, const struct sl_rollout_status *b)
{
    bool same = a->batch_count == b->batch_count && a->current_batch == b->current_batch;
    for (size_t i = 0; same && i < a->batch_count; i++) {
        const struct sl_batch_status *left = &a->batches[i];
        const struct sl_batch_status *right = &b->batches[i];
        same = left->target == right->target && left->updated == right->updated &&
               left->ready == right->ready && same_time(left->started, right->started) &&
               same_time(left->finished, right->finished);
    }
    return same;
}

static bool same_conditions(const struct sl_rollout_status *a, const struct sl_rollout_status *b)
{
    bool same = a->condition_count == b->condition_count;
    for (size_t i = 0; same && i < a->condition_count; i++) {
        const struct sl_condition *left = &a->conditions[i];
        const struct sl_condition *right = &b->conditions[i];
        same = left->status == right->status && same_time(left->changed, right->changed) &&
               same_text(left->type, right->type) && same_text(left->reason, right->reason) &&
               same_text(left->message, right->message);
    }
    return same;
}

bool sl_rollout_status_equal(const struct sl_rollout_status *a, const struct sl_rollout_status *b)
{
    return a->observed_generation == b->observed_generation && a->state == b->state &&
           a->phase == b->phase && same_text(a->message, b->message) &&
           same_run(&a->run, &b->run) && same_batches(a, b) && a->replicas == b->replicas &&
           a->updated == b->updated && a->updated_ready == b->updated_ready &&
           same_conditions(a, b);
}
