/* Private to run/fleet*.c: the caches, and what is kept beside them. */
#ifndef SL_RUN_RECONCILER_FLEET_PRIVATE_H
#define SL_RUN_RECONCILER_FLEET_PRIVATE_H

#include "run/reconciler/by_namespace.h"
#include "run/reconciler/fleet.h"

/* What a change of an object leads to, for the Rollouts; `cache` is a struct sl_fleet_cache. */
typedef void sl_fleet_changed(void *cache, const struct sl_record *before,
                              const struct sl_record *after);

struct sl_fleet_cache {
    struct sl_fleet *fleet;
    struct sl_resource what;
    struct sl_str kind;       /* of a workload; absent: it is none */
    sl_record_decode *decode; /* NULL: a Rollout's */
    sl_fleet_changed *changed;
    struct sl_cache *cache;
    struct sl_by_namespace by_namespace; /* of those that are looked up so */
    char *name;
};

struct sl_fleet {
    const struct sl_workload_kinds *kinds;
    struct sl_str own_ns;
    struct sl_fleet_cache caches[SL_FLEET_RESOURCES_MAX]; /* by enum sl_fleet_row */
    size_t cache_count;
    struct sl_targets *targets;
    struct sl_fleet_listener listener;
};

#endif
