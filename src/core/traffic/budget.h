/* How many more pods PodDisruptionBudgets let be taken out of service.
 *
 * A gate set False spends budget as an eviction does (FACTS 11), but nobody counts it before: so it
 * is counted here, from the pods, and the smaller of that and what the disruption controller says
 * counts. What was begun a moment ago, and the controller has not seen, is not spent twice. Source:
 * policy/v1; kubernetes/pkg/controller/disruption. Pure functions. */
#ifndef SL_CORE_TRAFFIC_BUDGET_H
#define SL_CORE_TRAFFIC_BUDGET_H

#include "core/records/disruption_budget.h"
#include "core/records/pod.h"

struct sl_budget_view {
    const struct sl_budget_record *const *budgets; /* of the namespace */
    size_t budget_count;
    const struct sl_pod_record *const *pods; /* of the namespace */
    size_t pod_count;
    const char *const *leaving; /* uids of pods whose drain is being begun: the request is under
                                   way */
    size_t leaving_count;
    int32_t *left; /* of each budget, as counted when it was first asked for; SL_BUDGET_UNCOUNTED
                      before. Whoever changes the view sets it back. NULL: counted anew each time */
};
#define SL_BUDGET_UNCOUNTED (-1)

#define SL_BUDGET_FREE INT32_MAX

/* How many pods like this one may leave now: the least of all budgets that select it, 0 or more;
 * SL_BUDGET_FREE where none does. *ret_budget is the name of the one that says least, "" none. A
 * pod that is not Ready, or has begun already, is free. A budget whose status is behind its spec
 * has none left. */
int32_t sl_budget_left(const struct sl_budget_view *view, const struct sl_pod_record *pod,
                       struct sl_arena *arena, const char **ret_budget);

#endif
