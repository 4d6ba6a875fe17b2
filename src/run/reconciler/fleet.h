/* What the reconciler knows of the cluster: a cache of each kind that it needs, and the Rollouts as
 * targets, each with what is due for it.
 *
 *     watch events ─caches─▶ an object changed ─owner─▶ its target is dirty
 *     target ─sl_fleet_input()─▶ struct sl_roll_input, for the planner
 *
 * Threads: the client's one.
 */
#ifndef SL_RUN_RECONCILER_FLEET_H
#define SL_RUN_RECONCILER_FLEET_H

#include "core/rolling/plan.h"
#include "kube/cache.h"
#include "run/reconciler/targets.h"

struct sl_fleet_options {
    struct sl_client *client;                  /* borrowed */
    const struct sl_workload_kinds *workloads; /* besides the built-in ones; borrowed */
    const struct sl_str *workload_versions;    /* of the API, one for each of them; borrowed */
    struct sl_str ns;                          /* absent: all */
    struct sl_str own_ns;                      /* where pods are left alone, as in kube-system */
    uint64_t seed;                             /* of the caches' jitter */
};
struct sl_fleet;

struct sl_fleet *sl_fleet_open(const struct sl_fleet_options *options);
void sl_fleet_close(struct sl_fleet *fleet); /* before the client; NULL is fine */
SL_AUTO_PTR(sl_fleet, struct sl_fleet, sl_fleet_close);

/* Who else wants to know what changes in a cache: called as sl_cache_options.changed is. */
enum sl_fleet_row { /* workloads from SL_FLEET_WORKLOADS on */
                    SL_FLEET_ROLLOUTS,
                    SL_FLEET_REPLICA_SETS,
                    SL_FLEET_CONTROLLER_REVISIONS,
                    SL_FLEET_PODS,
                    SL_FLEET_TRAFFIC_POLICIES,
                    SL_FLEET_BUDGETS,
                    SL_FLEET_WORKLOADS,
};
struct sl_fleet_listener {
    void (*changed)(void *ctx, enum sl_fleet_row row, const struct sl_record *before,
                    const struct sl_record *after);
    void *ctx;
};
void sl_fleet_listen(struct sl_fleet *fleet,
                     const struct sl_fleet_listener *listener); /* NULL: nobody, any more */

/* Turns the caches, and drops the targets that are gone. To be called once a turn, after
 * sl_client_turn(). `now` is sl_clock_mono(). */
void sl_fleet_turn(struct sl_fleet *fleet, int64_t now);
int64_t sl_fleet_due(const struct sl_fleet *fleet);
bool sl_fleet_synced(const struct sl_fleet *fleet); /* all caches are */

/* Whether what is known can be acted on: no cache has been without its server for longer than a
 * restart of it takes. One that is, while others are not, would have pods in service that are gone.
 */
#define SL_FLEET_STALE (30 * SL_NS_PER_S)
bool sl_fleet_is_current(const struct sl_fleet *fleet, int64_t now);

/* The Rollouts; the loop clears what it has done for each. Lives as long as the fleet. */
struct sl_targets *sl_fleet_targets(struct sl_fleet *fleet);

/* The Rollout of a target; NULL: it is gone. Valid until the next turn, as all records. */
const struct sl_rollout_record *sl_fleet_rollout(const struct sl_fleet *fleet,
                                                 const struct sl_target *target);

void sl_fleet_each_rollout(const struct sl_fleet *fleet,
                           void (*visit)(void *ctx, const struct sl_record *record), void *ctx);

/* All that the planner wants to know of a target; arrays live in the arena. False: it is gone. */
bool sl_fleet_input(struct sl_fleet *fleet, struct sl_target *target, struct sl_arena *arena,
                    struct sl_roll_input *ret_input);

/* The answers of writes, into the cache of that resource: sl_cache_put(), sl_cache_forget(). */
void sl_fleet_put(struct sl_fleet *fleet, struct sl_str group, struct sl_str resource,
                  struct sl_str json);
void sl_fleet_forget(struct sl_fleet *fleet, struct sl_str group, struct sl_str resource,
                     struct sl_str ns, struct sl_str name, const char *uid);

#define SL_FLEET_RESOURCES_MAX 64

struct sl_fleet_resource {
    const char *name;  /* "deployments.apps", as kubectl says; lives as long as the fleet */
    const char *error; /* why its last list or watch failed; "". Until the next turn. */
    bool synced;
    int64_t stale_since; /* 0: it is watched */
    struct sl_cache_stats stats;
};
/* False past the last. */
bool sl_fleet_resource(const struct sl_fleet *fleet, size_t index,
                       struct sl_fleet_resource *ret_resource);

#endif
