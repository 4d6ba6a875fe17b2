/* What the caches (fleet.h) know of traffic: which TrafficPolicy a pod has, what the
 * PodDisruptionBudgets of its namespace are counted from, and whose drains stand.
 *
 * Records are valid until a cache changes. Threads: the client's one.
 */
#ifndef SL_RUN_RECONCILER_FLEET_TRAFFIC_H
#define SL_RUN_RECONCILER_FLEET_TRAFFIC_H

#include "core/records/traffic_policy.h"
#include "core/traffic/budget.h"
#include "run/reconciler/writes.h"

/* Whether pods like it ever are in a load balancer of ours: not those of Jobs, of the host's
 * network, of static pods, of kube-system and of our own namespace. */
bool sl_fleet_may_serve(const struct sl_fleet *fleet, const struct sl_pod_record *pod,
                        struct sl_arena *arena);
/* Whether it carries anything of ours: its condition, label, finalizer or annotation. */
bool sl_pod_is_marked(const struct sl_pod_record *pod, struct sl_arena *arena);

struct sl_fleet_match {
    const struct sl_traffic_policy_record *policy; /* of those that match, the first by name; NULL:
                                                      none, or it never serves */
    bool unsure; /* the policy that it had cannot be read: what it would say is not known */
};
void sl_fleet_match(struct sl_fleet *fleet, const struct sl_pod_record *pod, struct sl_arena *arena,
                    struct sl_fleet_match *ret_match);
bool sl_fleet_has_policies(struct sl_fleet *fleet, const char *ns);
/* NULL: not there. */
const struct sl_traffic_policy_record *sl_fleet_policy(const struct sl_fleet *fleet, const char *ns,
                                                       const char *name);
/* NULL: not there, or another pod has its name. */
const struct sl_pod_record *sl_fleet_pod(const struct sl_fleet *fleet, const char *ns,
                                         const char *name, const char *uid);
/* Of PODS or TRAFFIC_POLICIES. */
void sl_fleet_each(const struct sl_fleet *fleet, enum sl_fleet_row row,
                   void (*visit)(void *ctx, const struct sl_record *record), void *ctx);

/* Whether a Rollout of the namespace has that run. */
bool sl_fleet_has_run(struct sl_fleet *fleet, const char *ns, struct sl_str id);

/* What budgets of a namespace are counted from, but for what is `leaving`
 * (run/reconciler/writes.h). Arrays live in the arena, or the caches. */
void sl_fleet_budgets(struct sl_fleet *fleet, const char *ns, struct sl_arena *arena,
                      struct sl_budget_view *ret_view);

/* What the planner of a Rollout has to know of each of its pods; NULL where the namespace has no
 * policy. */
const struct sl_roll_traffic *sl_fleet_roll_traffic(struct sl_fleet *fleet,
                                                    const struct sl_writes *writes,
                                                    const struct sl_roll_input *input,
                                                    struct sl_arena *arena);

#endif
