/* What the planner is told of one Rollout (fleet.h), from the caches. */
#include <string.h>

#include "run/reconciler/fleet_private.h"

const struct sl_rollout_record *sl_fleet_rollout(const struct sl_fleet *fleet,
                                                 const struct sl_target *target)
{
    const struct sl_record *record = sl_cache_get(
        fleet->caches[SL_FLEET_ROLLOUTS].cache, sl_str_from(target->ns), sl_str_from(target->name));
    return record == NULL ? NULL : sl_rollout_of(record);
}

static const struct sl_fleet_cache *resource_of(const struct sl_fleet *fleet,
                                                const struct sl_workload_kind *kind)
{
    for (size_t i = SL_FLEET_WORKLOADS; i < fleet->cache_count; i++) {
        if (sl_str_eq(fleet->caches[i].what.group, kind->group) &&
            sl_str_eq(fleet->caches[i].kind, kind->kind)) {
            return &fleet->caches[i];
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
        fleet->caches[by_replica_sets ? SL_FLEET_REPLICA_SETS : SL_FLEET_CONTROLLER_REVISIONS]
            .cache,
        uid, &owned);
    const struct sl_revision_record **revisions =
        sl_arena_alloc(arena, (count + 1) * sizeof(const struct sl_revision_record *));
    struct pods pods = {.cache = fleet->caches[SL_FLEET_PODS].cache};
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
        const struct sl_fleet_cache *resource = NULL;
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
