/* The policies that are in force: an immutable snapshot of TrafficPolicies, Rollouts and what is
 * known of namespaces, looked up by namespace.
 *
 * Built by one thread (open, add…, seal), then read by any number; who owns it is
 * run/webhook/policy_store.h's business.
 */
#ifndef SL_CORE_SNAPSHOT_H
#define SL_CORE_SNAPSHOT_H

#include "core/rollout.h"
#include "core/traffic_policy.h"

struct sl_snapshot;

/* What is known of one namespace. The webhook configuration's namespaceSelector keeps the reviews
 * of other namespaces away; a Namespace that is in the snapshot is checked here as well. */
struct sl_namespace {
    bool known;       /* a Namespace object was added */
    bool managed;     /* it carries sluice.dev/managed: "true" */
    bool terminating; /* it is being deleted */
};

struct sl_snapshot *sl_snapshot_open(void);
/* Of one that another includes, the memory stays until that one is closed. Any thread. */
void sl_snapshot_close(struct sl_snapshot *snapshot);
SL_AUTO_PTR(sl_snapshot, struct sl_snapshot, sl_snapshot_close);

/* Where texts of the snapshot live: for problems that are reported while it is built. */
struct sl_arena *sl_snapshot_arena(struct sl_snapshot *snapshot);

/* Adds a TrafficPolicy, Rollout, Namespace, or a List of them; the document is copied from. What is
 * wrong (also another kind, or a name that is there already) goes to `problems`. */
void sl_snapshot_add(struct sl_snapshot *snapshot, struct json_object *document,
                     const struct sl_workload_kinds *kinds, struct sl_problems *problems);

/* Adds all that another snapshot holds, which is sealed, to one to which nothing was added yet.
 * Nothing is decoded again: the memory of `sealed` is shared. */
void sl_snapshot_include(struct sl_snapshot *snapshot, struct sl_snapshot *sealed);

/* What is known of a namespace; takes the place of what was. */
void sl_snapshot_add_namespace(struct sl_snapshot *snapshot, struct sl_str name, bool managed,
                               bool terminating);

/* Sorts by name; to be called once, before the first look-up. */
void sl_snapshot_seal(struct sl_snapshot *snapshot);

size_t sl_snapshot_policy_count(const struct sl_snapshot *snapshot);
size_t sl_snapshot_rollout_count(const struct sl_snapshot *snapshot);

struct sl_namespace sl_snapshot_namespace(const struct sl_snapshot *snapshot, struct sl_str ns);

/* The TrafficPolicy for a pod's labels: of those that match, the one whose name sorts first.
 * *ret_second is the next one that matches too, or NULL. NULL: none matches. */
const struct sl_traffic_policy *sl_snapshot_match(const struct sl_snapshot *snapshot,
                                                  struct sl_str ns, struct sl_labels labels,
                                                  const struct sl_traffic_policy **ret_second);

/* The TrafficPolicy of that name; NULL: there is none. */
const struct sl_traffic_policy *sl_snapshot_policy(const struct sl_snapshot *snapshot,
                                                   struct sl_str ns, struct sl_str name);

/* The Rollout that names a workload; of several the one whose name sorts first. */
const struct sl_rollout *sl_snapshot_rollout(const struct sl_snapshot *snapshot, struct sl_str ns,
                                             struct sl_str group, struct sl_str kind,
                                             struct sl_str name);

#endif
