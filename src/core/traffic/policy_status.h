/* The status of a TrafficPolicy: how many of its pods are where, and what its load balancers say,
 * for people and for whoever waits for a condition. manifests/crds/trafficpolicies.yaml declares
 * it. Decisions read none of it but lastTransitionTime. Pure functions.
 *
 *     numbers of the loop ─sl_policy_status_write()→ status ─sl_policy_status_differs()→ a request
 */
#ifndef SL_CORE_TRAFFIC_POLICY_STATUS_H
#define SL_CORE_TRAFFIC_POLICY_STATUS_H

#include "base/buf.h"
#include "core/records/traffic_policy.h"
#include "core/traffic/lifecycle.h"

#define SL_POLICY_STATUS_MAX (256 * SL_KIB) /* bytes of its patch; no status can reach it */

#define SL_CONDITION_BALANCERS_HEALTHY "BalancersHealthy"
#define SL_CONDITION_READY "Ready"

struct sl_policy_balancer {
    const char *name;
    bool external;       /* another controller drives it: nothing is known of it but finalizers */
    bool answers;        /* and does what it is told */
    const char *trouble; /* why not, one sentence; "" it does, or was not asked yet */
    uint32_t members[SL_MEMBER_STATES]; /* that we want there, by state */
    uint64_t corrections;               /* members that somebody else had changed */
};

/* All of it about one policy. Texts are borrowed. */
struct sl_policy_counts {
    int64_t observed_generation;
    const char *problem; /* why the spec cannot be used; "" none. Nothing else counts then. */
    uint32_t pods[SL_TRAFFIC_STATES]; /* matched pods by state; NONE counts as Joining */
    uint32_t held;                    /* drains past their deadline, that onTimeout holds */
    uint32_t waiting;                 /* pods whose drain waits for a PodDisruptionBudget */
    const struct sl_policy_balancer *balancers; /* as in spec.loadBalancers */
    size_t balancer_count;
};

/* Appends the status as a JSON object. Every member is always there, so that it is its own merge
 * patch. `stored` is the status that is stored (absent: none): a condition whose status stays keeps
 * its lastTransitionTime; whatever of it cannot be read is as absent. `now` is sl_clock_wall(). */
void sl_policy_status_write(const struct sl_policy_counts *counts, struct sl_str stored,
                            int64_t now, struct sl_buf *out);

/* Whether `status`, as written above, says anything that `stored` does not. */
bool sl_policy_status_differs(struct sl_str stored, struct sl_str status);

/* Appends the merge patch for trafficpolicies/status; its resourceVersion is demanded. */
void sl_policy_status_body(const struct sl_traffic_policy_record *policy, struct sl_str status,
                           struct sl_buf *out);

#endif
