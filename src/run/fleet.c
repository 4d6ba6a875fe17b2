/* The caches (fleet.h): the table `built_in` says which resources are kept and what a change of one
 * leads to (targets.h); and what the planner is told of one Rollout. */
#include "run/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/names.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

struct resource {
    struct sl_fleet *fleet;
    struct sl_resource what;
    struct sl_str kind; /* of a workload; absent: it is none */
    sl_record_decode *decode;
    struct sl_cache *cache;
    char *name;
};

enum { ROLLOUTS, REPLICA_SETS, CONTROLLER_REVISIONS, PODS, WORKLOADS };

struct sl_fleet {
    const struct sl_workload_kinds *kinds;
    struct resource resources[SL_FLEET_RESOURCES_MAX]; /* workloads from WORKLOADS on */
    size_t resource_count;
    struct sl_targets *targets;
};

/* --- what a change leads to --- */

static void owned_changed(void *resource_, const struct sl_record *before,
                          const struct sl_record *after)
{
    const struct resource *resource = resource_;
    const struct sl_record *const both[] = {before, after};
    for (size_t i = 0; i < LENGTH(both); i++) {
        if (both[i] != NULL) {
            sl_targets_owned_changed(resource->fleet->targets, both[i]->ns, both[i]->owner_uid);
        }
    }
}

static void workload_changed(void *resource_, const struct sl_record *before,
                             const struct sl_record *after)
{
    const struct resource *resource = resource_;
    const struct sl_record *record = after != NULL ? after : before;
    SL_AUTO(sl_free)
    char *key = sl_target_workload(resource->what.group, resource->kind, sl_str_from(record->name));
    sl_targets_workload_changed(resource->fleet->targets, record->ns, key);
}

static void rollout_changed(void *resource_, const struct sl_record *before,
                            const struct sl_record *after)
{
    struct sl_targets *targets = ((const struct resource *)resource_)->fleet->targets;
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

/* --- the resources --- */

static int decode(void *resource_, struct sl_str json, struct sl_record **ret_record,
                  struct sl_err *err)
{
    const struct resource *resource = resource_;
    return resource->decode(json, ret_record, err);
}

static int decode_rollout(void *resource_, struct sl_str json, struct sl_record **ret_record,
                          struct sl_err *err)
{
    const struct resource *resource = resource_;
    return sl_rollout_record_decode(json, resource->fleet->kinds, ret_record, err);
}

#define APPS SL_STR_INIT("apps")
#define V1 SL_STR_INIT("v1")

/* The first four in the order of the enum above. */
static const struct {
    struct sl_resource what;
    struct sl_str kind;
    sl_record_decode *decode; /* NULL: decode_rollout */
    void (*changed)(void *ctx, const struct sl_record *before, const struct sl_record *after);
} built_in[] = {
    {{SL_STR_INIT(SL_API_GROUP), SL_STR_INIT("v1alpha1"), SL_STR_INIT("rollouts")},
     {0},
     NULL,
     rollout_changed},
    {{APPS, V1, SL_STR_INIT("replicasets")}, {0}, sl_replica_set_decode, owned_changed},
    {{APPS, V1, SL_STR_INIT("controllerrevisions")},
     {0},
     sl_controller_revision_decode,
     owned_changed},
    {{SL_STR_INIT(""), V1, SL_STR_INIT("pods")}, {0}, sl_pod_record_decode, owned_changed},
    {{APPS, V1, SL_STR_INIT("deployments")},
     SL_STR_INIT("Deployment"),
     sl_workload_record_decode,
     workload_changed},
    {{APPS, V1, SL_STR_INIT("statefulsets")},
     SL_STR_INIT("StatefulSet"),
     sl_workload_record_decode,
     workload_changed},
    {{APPS, V1, SL_STR_INIT("daemonsets")},
     SL_STR_INIT("DaemonSet"),
     sl_workload_record_decode,
     workload_changed},
};

static struct resource *add_resource(struct sl_fleet *fleet, struct sl_resource what,
                                     struct sl_str kind, sl_record_decode *decode_one)
{
    struct resource *resource = &fleet->resources[fleet->resource_count++];
    *resource = (struct resource){.fleet = fleet, .what = what, .kind = kind, .decode = decode_one};
    if (asprintf(&resource->name, "%.*s%s%.*s", SL_STR_FMT(what.plural),
                 what.group.n > 0 ? "." : "", SL_STR_FMT(what.group)) < 0) {
        abort();
    }
    return resource;
}

static void open_cache(struct resource *resource, const struct sl_fleet_options *options,
                       void (*changed)(void *ctx, const struct sl_record *before,
                                       const struct sl_record *after))
{
    const struct sl_cache_options cache = {
        .client = options->client,
        .resource = resource->what,
        .ns = options->ns,
        .decode = resource->decode == NULL ? decode_rollout : decode,
        .destroy = resource->decode == NULL ? sl_rollout_record_free : sl_record_free,
        .changed = changed,
        .ctx = resource,
        .seed = options->seed + (uint64_t)(resource - resource->fleet->resources),
    };
    resource->cache = sl_cache_open(&cache);
}

struct sl_fleet *sl_fleet_open(const struct sl_fleet_options *options)
{
    struct sl_fleet *fleet = calloc(1, sizeof *fleet);
    if (fleet == NULL || LENGTH(built_in) + options->workloads->count > SL_FLEET_RESOURCES_MAX) {
        abort();
    }
    fleet->kinds = options->workloads;
    fleet->targets = sl_targets_open();
    for (size_t i = 0; i < LENGTH(built_in); i++) {
        struct resource *resource =
            add_resource(fleet, built_in[i].what, built_in[i].kind, built_in[i].decode);
        open_cache(resource, options, built_in[i].changed);
    }
    for (size_t i = 0; i < options->workloads->count; i++) {
        const struct sl_workload_kind *kind = &options->workloads->items[i];
        const struct sl_resource what = {kind->group, options->workload_versions[i],
                                         kind->resource};
        open_cache(add_resource(fleet, what, kind->kind, sl_workload_record_decode), options,
                   workload_changed);
    }
    return fleet;
}

void sl_fleet_close(struct sl_fleet *fleet)
{
    if (fleet == NULL) {
        return;
    }
    for (size_t i = 0; i < fleet->resource_count; i++) {
        sl_cache_close(fleet->resources[i].cache);
        free(fleet->resources[i].name);
    }
    sl_targets_close(fleet->targets);
    free(fleet);
}

void sl_fleet_turn(struct sl_fleet *fleet, int64_t now)
{
    for (size_t i = 0; i < fleet->resource_count; i++) {
        sl_cache_turn(fleet->resources[i].cache, now);
    }
    sl_targets_sweep(fleet->targets);
}

int64_t sl_fleet_due(const struct sl_fleet *fleet)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < fleet->resource_count; i++) {
        int64_t one = sl_cache_due(fleet->resources[i].cache);
        due = one < due ? one : due;
    }
    return due;
}

bool sl_fleet_synced(const struct sl_fleet *fleet)
{
    for (size_t i = 0; i < fleet->resource_count; i++) {
        if (!sl_cache_synced(fleet->resources[i].cache)) {
            return false;
        }
    }
    return true;
}

bool sl_fleet_is_current(const struct sl_fleet *fleet, int64_t now)
{
    for (size_t i = 0; i < fleet->resource_count; i++) {
        int64_t stale = sl_cache_stale_since(fleet->resources[i].cache);
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

/* --- the planner's input --- */

const struct sl_rollout_record *sl_fleet_rollout(const struct sl_fleet *fleet,
                                                 const struct sl_target *target)
{
    const struct sl_record *record = sl_cache_get(
        fleet->resources[ROLLOUTS].cache, sl_str_from(target->ns), sl_str_from(target->name));
    return record == NULL ? NULL : sl_rollout_of(record);
}

void sl_fleet_each_rollout(const struct sl_fleet *fleet,
                           void (*visit)(void *ctx, const struct sl_record *record), void *ctx)
{
    sl_cache_each(fleet->resources[ROLLOUTS].cache, visit, ctx);
}

static const struct resource *resource_of(const struct sl_fleet *fleet,
                                          const struct sl_workload_kind *kind)
{
    for (size_t i = WORKLOADS; i < fleet->resource_count; i++) {
        if (sl_str_eq(fleet->resources[i].what.group, kind->group) &&
            sl_str_eq(fleet->resources[i].kind, kind->kind)) {
            return &fleet->resources[i];
        }
    }
    return NULL;
}

/* Pods in one array, though their owners are several. */
struct pods {
    const struct sl_cache *cache;
    const struct sl_pod_record **items;
    size_t count;
};

static void add_pods(struct pods *pods, const char *owner_uid, struct sl_arena *arena)
{
    const struct sl_record *const *owned = NULL;
    size_t count = sl_cache_owned(pods->cache, owner_uid, &owned);
    const struct sl_pod_record **all =
        sl_arena_alloc(arena, (pods->count + count) * sizeof(const struct sl_pod_record *));
    if (pods->count > 0) {
        memcpy(all, pods->items, pods->count * sizeof(const struct sl_pod_record *));
    }
    for (size_t i = 0; i < count; i++) {
        all[pods->count + i] = sl_pod_of(owned[i]);
    }
    pods->items = all;
    pods->count += count;
}

static void add_owner(struct sl_buf *owners, const char *uid)
{
    sl_buf_add(owners, uid, strlen(uid) + 1);
}

/* Revisions and pods of a workload; *owners gets the uids that lead from them to the target. */
static void add_owned(const struct sl_fleet *fleet, struct sl_roll_input *input,
                      struct sl_arena *arena, struct sl_buf *owners)
{
    bool by_replica_sets =
        sl_str_is(input->kind->group, "apps") && sl_str_is(input->kind->kind, "Deployment");
    const char *uid = input->workload->record.uid;
    const struct sl_record *const *owned = NULL;
    size_t count = sl_cache_owned(
        fleet->resources[by_replica_sets ? REPLICA_SETS : CONTROLLER_REVISIONS].cache, uid, &owned);
    const struct sl_revision_record **revisions =
        sl_arena_alloc(arena, (count + 1) * sizeof(const struct sl_revision_record *));
    struct pods pods = {.cache = fleet->resources[PODS].cache};
    add_owner(owners, uid);
    for (size_t i = 0; i < count; i++) {
        revisions[i] = sl_revision_of(owned[i]);
        if (by_replica_sets) {
            add_pods(&pods, owned[i]->uid, arena);
            add_owner(owners, owned[i]->uid);
        }
    }
    if (!by_replica_sets) {
        add_pods(&pods, uid, arena);
    }
    input->revisions = revisions;
    input->revision_count = count;
    input->pods = pods.items;
    input->pod_count = pods.count;
}

#define OWNERS_MAX SL_MIB /* bytes of uids: 20,000 ReplicaSets */

bool sl_fleet_input(struct sl_fleet *fleet, struct sl_target *target, struct sl_arena *arena,
                    struct sl_roll_input *ret_input)
{
    SL_AUTO(sl_buf) struct sl_buf owners = SL_BUF_INIT(OWNERS_MAX);
    struct sl_roll_input input = {
        .rollout = sl_fleet_rollout(fleet, target),
        .action_error = target->error,
        .action_error_since = target->error_since,
    };
    if (input.rollout == NULL) {
        return false;
    }
    if (target->workload != NULL) {
        const struct sl_workload_ref *ref = &input.rollout->spec.workload;
        const struct resource *resource = NULL;
        input.rival = sl_targets_rival(fleet->targets, target);
        input.kind = sl_workload_by_kind(fleet->kinds, ref->group, ref->kind);
        resource = input.kind == NULL ? NULL : resource_of(fleet, input.kind);
        const struct sl_record *workload =
            resource == NULL ? NULL
                             : sl_cache_get(resource->cache, sl_str_from(target->ns), ref->name);
        if (workload != NULL) {
            input.workload = sl_workload_of(workload);
            add_owned(fleet, &input, arena, &owners);
        }
    }
    sl_target_set_owners(target, &owners);
    *ret_input = input;
    return true;
}

/* --- answers, and numbers --- */

static struct resource *find_resource(struct sl_fleet *fleet, struct sl_str group,
                                      struct sl_str plural)
{
    for (size_t i = 0; i < fleet->resource_count; i++) {
        if (sl_str_eq(fleet->resources[i].what.group, group) &&
            sl_str_eq(fleet->resources[i].what.plural, plural)) {
            return &fleet->resources[i];
        }
    }
    return NULL;
}

void sl_fleet_put(struct sl_fleet *fleet, struct sl_str group, struct sl_str resource,
                  struct sl_str json)
{
    struct resource *found = find_resource(fleet, group, resource);
    if (found != NULL) {
        sl_cache_put(found->cache, json);
    }
}

void sl_fleet_forget(struct sl_fleet *fleet, struct sl_str group, struct sl_str resource,
                     struct sl_str ns, struct sl_str name, const char *uid)
{
    struct resource *found = find_resource(fleet, group, resource);
    if (found != NULL) {
        sl_cache_forget(found->cache, ns, name, uid);
    }
}

bool sl_fleet_resource(const struct sl_fleet *fleet, size_t index,
                       struct sl_fleet_resource *ret_resource)
{
    if (index >= fleet->resource_count) {
        return false;
    }
    const struct resource *resource = &fleet->resources[index];
    *ret_resource = (struct sl_fleet_resource){
        .name = resource->name,
        .error = sl_cache_error(resource->cache),
        .synced = sl_cache_synced(resource->cache),
        .stale_since = sl_cache_stale_since(resource->cache),
    };
    sl_cache_stats(resource->cache, &ret_resource->stats);
    return true;
}
