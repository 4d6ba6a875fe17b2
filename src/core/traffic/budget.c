/* How many pods PodDisruptionBudgets still let go (budget.h). What a budget has left is said by two
 * counts, and the smaller one counts:
 *
 *     of the pods      healthy, and not leaving, less desiredHealthy: what we have begun is off it
 *                      at once, what others do only as our cache sees it;
 *     of the status    disruptionsAllowed, less the leaving ones that the disruption controller
 *                      still counts as healthy: evictions of others are off it at once.
 */
#include "core/traffic/budget.h"

#include <string.h>

#include "core/traffic/drain.h"

static bool is_leaving(const struct sl_budget_view *view, const struct sl_pod_record *pod,
                       struct sl_arena *arena)
{
    for (size_t i = 0; i < view->leaving_count; i++) {
        if (strcmp(view->leaving[i], pod->record.uid) == 0) {
            return true;
        }
    }
    return sl_drain_has_begun(pod, arena);
}

/* As the disruption controller counts (countHealthyPods). */
static bool is_healthy(const struct sl_pod_record *pod)
{
    return pod->ready_since != 0 && pod->record.deleted == 0;
}

static bool selects(const struct sl_budget_record *budget, struct sl_labels labels)
{
    return budget->selects && sl_selector_matches(&budget->selector, labels);
}

static int32_t count_left(const struct sl_budget_view *view, const struct sl_budget_record *budget)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    int64_t staying = 0;
    int64_t leaving = 0;
    if (budget->observed_generation < budget->record.generation) {
        return 0;
    }
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct sl_pod_record *pod = view->pods[i];
        sl_arena_reset(&arena); /* the pods of a namespace are many */
        if (is_healthy(pod) && selects(budget, sl_pod_labels(pod, &arena))) {
            bool leaves = is_leaving(view, pod, &arena);
            staying += leaves ? 0 : 1;
            leaving += leaves ? 1 : 0;
        }
    }
    int64_t of_pods = staying - budget->desired_healthy;
    int64_t of_status = budget->disruptions_allowed - leaving;
    int64_t left = of_pods < of_status ? of_pods : of_status;
    return left < 0 ? 0 : (int32_t)left; /* at most disruptions_allowed */
}

static int32_t left_of(const struct sl_budget_view *view, size_t index)
{
    if (view->left == NULL) {
        return count_left(view, view->budgets[index]);
    }
    if (view->left[index] == SL_BUDGET_UNCOUNTED) {
        view->left[index] = count_left(view, view->budgets[index]);
    }
    return view->left[index];
}

int32_t sl_budget_left(const struct sl_budget_view *view, const struct sl_pod_record *pod,
                       struct sl_arena *arena, const char **ret_budget)
{
    int32_t least = SL_BUDGET_FREE;
    *ret_budget = "";
    if (!is_healthy(pod) || is_leaving(view, pod, arena)) {
        return SL_BUDGET_FREE;
    }
    struct sl_labels labels = sl_pod_labels(pod, arena);
    for (size_t i = 0; i < view->budget_count; i++) {
        const struct sl_budget_record *budget = view->budgets[i];
        int32_t left = selects(budget, labels) ? left_of(view, i) : SL_BUDGET_FREE;
        if (left < least) {
            least = left;
            *ret_budget = budget->record.name;
        }
    }
    return least;
}
