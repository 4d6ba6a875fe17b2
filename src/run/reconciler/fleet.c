/* The caches (fleet.h): the table `built_in` says which resources are kept and what a change of one
 * leads to (targets.h). */
#include "run/reconciler/fleet_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/names.h"
#include "core/records/disruption_budget.h"
#include "core/records/traffic_policy.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* --- what a change leads to --- */

static void owned_changed(void *cache_, const struct sl_record *before,
                          const struct sl_record *after)
{
    const struct sl_fleet_cache *cache = cache_;
    const struct sl_record *const both[] = {before, after};
    for (size_t i = 0; i < LENGTH(both); i++) {
        if (both[i] != NULL) {
            sl_targets_owned_changed(cache->fleet->targets, both[i]->ns, both[i]->owner_uid);
        }
    }
}

static void workload_changed(void *cache_, const struct sl_record *before,
                             const struct sl_record *after)
{
    const struct sl_fleet_cache *cache = cache_;
    const struct sl_record *record = after != NULL ? after : before;
    SL_AUTO(sl_free)
    char *key = sl_target_workload(cache->what.group, cache->kind, sl_str_from(record->name));
    sl_targets_workload_changed(cache->fleet->targets, record->ns, key);
}

static void rollout_changed(void *cache_, const struct sl_record *before,
                            const struct sl_record *after)
{
    struct sl_targets *targets = ((const struct sl_fleet_cache *)cache_)->fleet->targets;
    if (after == NULL) {
        sl_targets_rollout_gone(targets, before->ns, before->name);
        return;
    }
    const struct sl_rollout_record *rollout = sl_rollout_of(after);
    const struct sl_workload_ref *ref = &rollout->spec.workload;
    sl_targets_rollout(
        targets, after->ns, after->name,
        rollout->problem[0] != '\0' ? NULL : sl_target_workload(ref->group, ref->kind, ref->name));
}

/* Those of its namespace plan with it. Its status is our own, and no plan reads it. */
static void policy_changed(void *cache_, const struct sl_record *before,
                           const struct sl_record *after)
{
    const struct sl_fleet_cache *cache = cache_;
    const struct sl_record *record = after != NULL ? after : before;
    bool same = after != NULL && before != NULL && before->generation == after->generation;
    if (!same) {
        sl_targets_namespace_changed(cache->fleet->targets, record->ns);
    }
}

static void budget_changed(void *cache_, const struct sl_record *before,
                           const struct sl_record *after)
{
    const struct sl_fleet_cache *cache = cache_;
    sl_targets_namespace_changed(cache->fleet->targets, (after != NULL ? after : before)->ns);
}

/* --- the resources --- */

static int decode(void *cache_, struct sl_str json, struct sl_record **ret_record,
                  struct sl_err *err)
{
    const struct sl_fleet_cache *cache = cache_;
    return cache->decode(json, ret_record, err);
}

static int decode_rollout(void *cache_, struct sl_str json, struct sl_record **ret_record,
                          struct sl_err *err)
{
    const struct sl_fleet_cache *cache = cache_;
    return sl_rollout_record_decode(json, cache->fleet->kinds, ret_record, err);
}

#define APPS SL_STR_INIT("apps")
#define SLUICE SL_STR_INIT(SL_API_GROUP)
#define V1 SL_STR_INIT("v1")
#define V1ALPHA1 SL_STR_INIT("v1alpha1")

struct row {
    struct sl_resource what;
    struct sl_str kind;
    sl_record_decode *decode;                  /* NULL: a Rollout's */
    void (*destroy)(struct sl_record *record); /* NULL: sl_record_free */
    sl_fleet_changed *changed;
};

/* clang-format off */
static const struct row built_in[] = {
    [SL_FLEET_ROLLOUTS] = {{SLUICE, V1ALPHA1, SL_STR_INIT("rollouts")}, {0},
                           NULL, sl_rollout_record_free, rollout_changed},
    [SL_FLEET_REPLICA_SETS] = {{APPS, V1, SL_STR_INIT("replicasets")}, {0},
                               sl_replica_set_decode, NULL, owned_changed},
    [SL_FLEET_CONTROLLER_REVISIONS] = {{APPS, V1, SL_STR_INIT("controllerrevisions")}, {0},
                                       sl_controller_revision_decode, NULL, owned_changed},
    [SL_FLEET_PODS] = {{SL_STR_INIT(""), V1, SL_STR_INIT("pods")}, {0},
                       sl_pod_record_decode, NULL, owned_changed},
    [SL_FLEET_TRAFFIC_POLICIES] = {{SLUICE, V1ALPHA1, SL_STR_INIT("trafficpolicies")}, {0},
                                   sl_traffic_policy_record_decode, sl_traffic_policy_record_free,
                                   policy_changed},
    [SL_FLEET_BUDGETS] = {{SL_STR_INIT("policy"), V1, SL_STR_INIT("poddisruptionbudgets")}, {0},
                          sl_budget_record_decode, sl_budget_record_free, budget_changed},
    [SL_FLEET_WORKLOADS] = {{APPS, V1, SL_STR_INIT("deployments")}, SL_STR_INIT("Deployment"),
                            sl_workload_record_decode, NULL, workload_changed},
    {{APPS, V1, SL_STR_INIT("statefulsets")}, SL_STR_INIT("StatefulSet"),
     sl_workload_record_decode, NULL, workload_changed},
    {{APPS, V1, SL_STR_INIT("daemonsets")}, SL_STR_INIT("DaemonSet"),
     sl_workload_record_decode, NULL, workload_changed},
};
/* clang-format on */

static void changed(void *cache_, const struct sl_record *before, const struct sl_record *after)
{
    struct sl_fleet_cache *cache = cache_;
    const struct sl_fleet_listener *listener = &cache->fleet->listener;
    cache->by_namespace.sorted = false;
    cache->changed(cache, before, after);
    if (listener->changed != NULL) {
        listener->changed(listener->ctx, (enum sl_fleet_row)(cache - cache->fleet->caches), before,
                          after);
    }
}

static void add_cache(struct sl_fleet *fleet, const struct sl_fleet_options *options,
                      const struct row *row)
{
    struct sl_fleet_cache *cache = &fleet->caches[fleet->cache_count++];
    *cache = (struct sl_fleet_cache){
        .fleet = fleet,
        .what = row->what,
        .kind = row->kind,
        .decode = row->decode,
        .changed = row->changed,
    };
    if (asprintf(&cache->name, "%.*s%s%.*s", SL_STR_FMT(row->what.plural),
                 row->what.group.n > 0 ? "." : "", SL_STR_FMT(row->what.group)) < 0) {
        abort();
    }
    const struct sl_cache_options of_cache = {
        .client = options->client,
        .resource = row->what,
        .ns = options->ns,
        .decode = row->decode == NULL ? decode_rollout : decode,
        .destroy = row->destroy,
        .changed = changed,
        .ctx = cache,
        .seed = options->seed + (uint64_t)(cache - fleet->caches),
    };
    cache->cache = sl_cache_open(&of_cache);
}

struct sl_fleet *sl_fleet_open(const struct sl_fleet_options *options)
{
    struct sl_fleet *fleet = calloc(1, sizeof *fleet);
    if (fleet == NULL || LENGTH(built_in) + options->workloads->count > SL_FLEET_RESOURCES_MAX) {
        abort();
    }
    fleet->kinds = options->workloads;
    fleet->own_ns = options->own_ns;
    fleet->targets = sl_targets_open();
    for (size_t i = 0; i < LENGTH(built_in); i++) {
        add_cache(fleet, options, &built_in[i]);
    }
    for (size_t i = 0; i < options->workloads->count; i++) {
        const struct sl_workload_kind *kind = &options->workloads->items[i];
        const struct row row = {{kind->group, options->workload_versions[i], kind->resource},
                                kind->kind,
                                sl_workload_record_decode,
                                NULL,
                                workload_changed};
        add_cache(fleet, options, &row);
    }
    return fleet;
}

void sl_fleet_listen(struct sl_fleet *fleet, const struct sl_fleet_listener *listener)
{
    fleet->listener = listener == NULL ? (struct sl_fleet_listener){.changed = NULL} : *listener;
}

void sl_fleet_close(struct sl_fleet *fleet)
{
    if (fleet == NULL) {
        return;
    }
    for (size_t i = 0; i < fleet->cache_count; i++) {
        sl_cache_close(fleet->caches[i].cache);
        sl_by_namespace_cleanup(&fleet->caches[i].by_namespace);
        free(fleet->caches[i].name);
    }
    sl_targets_close(fleet->targets);
    free(fleet);
}

void sl_fleet_turn(struct sl_fleet *fleet, int64_t now)
{
    for (size_t i = 0; i < fleet->cache_count; i++) {
        sl_cache_turn(fleet->caches[i].cache, now);
    }
    sl_targets_sweep(fleet->targets);
}

int64_t sl_fleet_due(const struct sl_fleet *fleet)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < fleet->cache_count; i++) {
        int64_t one = sl_cache_due(fleet->caches[i].cache);
        due = one < due ? one : due;
    }
    return due;
}

bool sl_fleet_synced(const struct sl_fleet *fleet)
{
    for (size_t i = 0; i < fleet->cache_count; i++) {
        if (!sl_cache_synced(fleet->caches[i].cache)) {
            return false;
        }
    }
    return true;
}

bool sl_fleet_is_current(const struct sl_fleet *fleet, int64_t now)
{
    for (size_t i = 0; i < fleet->cache_count; i++) {
        int64_t stale = sl_cache_stale_since(fleet->caches[i].cache);
        if (stale != 0 && now - stale >= SL_FLEET_STALE) {
            return false;
        }
    }
    return true;
}

struct sl_targets *sl_fleet_targets(struct sl_fleet *fleet)
{
    return fleet->targets;
}

/* --- answers, and numbers --- */

void sl_fleet_each_rollout(const struct sl_fleet *fleet,
                           void (*visit)(void *ctx, const struct sl_record *record), void *ctx)
{
    sl_cache_each(fleet->caches[SL_FLEET_ROLLOUTS].cache, visit, ctx);
}

static struct sl_fleet_cache *find_resource(struct sl_fleet *fleet, struct sl_str group,
                                            struct sl_str plural)
{
    for (size_t i = 0; i < fleet->cache_count; i++) {
        if (sl_str_eq(fleet->caches[i].what.group, group) &&
            sl_str_eq(fleet->caches[i].what.plural, plural)) {
            return &fleet->caches[i];
        }
    }
    return NULL;
}

void sl_fleet_put(struct sl_fleet *fleet, struct sl_str group, struct sl_str resource,
                  struct sl_str json)
{
    struct sl_fleet_cache *found = find_resource(fleet, group, resource);
    if (found != NULL) {
        sl_cache_put(found->cache, json);
    }
}

void sl_fleet_forget(struct sl_fleet *fleet, struct sl_str group, struct sl_str resource,
                     struct sl_str ns, struct sl_str name, const char *uid)
{
    struct sl_fleet_cache *found = find_resource(fleet, group, resource);
    if (found != NULL) {
        sl_cache_forget(found->cache, ns, name, uid);
    }
}

bool sl_fleet_resource(const struct sl_fleet *fleet, size_t index,
                       struct sl_fleet_resource *ret_resource)
{
    if (index >= fleet->cache_count) {
        return false;
    }
    const struct sl_fleet_cache *resource = &fleet->caches[index];
    *ret_resource = (struct sl_fleet_resource){
        .name = resource->name,
        .error = sl_cache_error(resource->cache),
        .synced = sl_cache_synced(resource->cache),
        .stale_since = sl_cache_stale_since(resource->cache),
    };
    sl_cache_stats(resource->cache, &ret_resource->stats);
    return true;
}
