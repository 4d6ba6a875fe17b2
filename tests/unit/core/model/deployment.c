/* The Deployment controller: one pass of syncDeployment() in pkg/controller/deployment (sync.go,
 * rolling.go, recreate.go, util/deployment_util.go). FACTS 5 and the hand-over. */
#include <string.h>

#include "model.h"

struct sync {
    struct m_world *world;
    struct m_workload *workload;
    struct m_policy policy;
    struct m_revision *all[M_REVISIONS]; /* oldest first */
    size_t count;
    struct m_revision *new; /* the oldest with the template; NULL: none */
};

static int32_t replicas_of(const struct sync *sync)
{
    return sync->workload->record.replicas;
}

static int32_t max_surge(const struct sync *sync)
{
    return sync->policy.type == M_ROLLING_UPDATE
               ? sl_intstr_of(sync->policy.max_surge, replicas_of(sync), true)
               : 0;
}

/* ResolveFenceposts(): when both come to 0, one pod may be unavailable. */
static int32_t max_unavailable(const struct sync *sync)
{
    int32_t value = sl_intstr_of(sync->policy.max_unavailable, replicas_of(sync), false);
    value = value == 0 && max_surge(sync) == 0 ? 1 : value;
    return value > replicas_of(sync) ? replicas_of(sync) : value;
}

static int32_t sum(const struct sync *sync)
{
    int32_t total = 0;
    for (size_t i = 0; i < sync->count; i++) {
        total += sync->all[i]->record.replicas;
    }
    return total;
}

/* scaleReplicaSet(): also notes how many the Deployment wants in all. */
static void scale(struct sync *sync, struct m_revision *set, int32_t replicas)
{
    int32_t most = replicas_of(sync) + max_surge(sync);
    if (set->record.replicas != replicas || set->record.desired != replicas_of(sync) ||
        set->most != most) {
        if (set->record.replicas != replicas) {
            m_say(sync->world, "the Deployment scales %s from %d to %d", set->record.record.name,
                  set->record.replicas, replicas);
            set->record.replicas = replicas;
            set->record.record.generation++;
        }
        set->record.desired = replicas_of(sync);
        set->most = most;
        m_touch(sync->world, &set->record.record);
    }
}

static void scale_if_other(struct sync *sync, struct m_revision *set, int32_t replicas)
{
    if (set->record.replicas != replicas) {
        scale(sync, set, replicas);
    }
}

/* copyDeploymentAnnotationsToReplicaSet(): it adds, and never removes. */
static void copy_annotations(struct sync *sync, struct m_revision *set)
{
    if (sync->workload->record.held[0] != '\0' && !set->record.has_held) {
        set->record.has_held = true;
        m_touch(sync->world, &set->record.record);
    }
}

/* getNewReplicaSet(): brings annotations and minReadySeconds up to date, or makes it. */
static void settle_new(struct sync *sync, bool create)
{
    int64_t highest = 0;
    for (size_t i = 0; i < sync->count; i++) {
        if (sync->all[i] != sync->new && sync->all[i]->record.revision > highest) {
            highest = sync->all[i]->record.revision;
        }
    }
    struct m_revision *set = sync->new;
    if (set != NULL) {
        if (set->record.revision <= highest || set->min_ready != sync->policy.min_ready) {
            set->record.revision =
                set->record.revision <= highest ? highest + 1 : set->record.revision;
            set->min_ready = sync->policy.min_ready;
            m_touch(sync->world, &set->record.record);
        }
    } else if (create) {
        set = sync->new = m_revision_new(sync->world, true, sync->workload->template);
        sync->all[sync->count++] = set;
        set->record.revision = highest + 1;
        set->min_ready = sync->policy.min_ready;
        set->record.desired = replicas_of(sync);
        set->most = replicas_of(sync) + max_surge(sync);
        int32_t room = replicas_of(sync) + max_surge(sync) - sum(sync);
        if (sync->policy.type == M_TYPE_RECREATE) {
            room = replicas_of(sync);
        }
        room = room > replicas_of(sync) ? replicas_of(sync) : room;
        set->record.replicas = room > 0 ? room : 0;
    }
    if (set != NULL) {
        copy_annotations(sync, set);
    }
    if (set != NULL && sync->workload->record.revision != set->record.revision) {
        sync->workload->record.revision = set->record.revision;
        m_touch(sync->world, &sync->workload->record.record);
    }
}

/* GetReplicaSetProportion(), with getReplicaSetFraction(). */
static int32_t proportion(const struct sync *sync, const struct m_revision *set, int32_t to_add,
                          int32_t added)
{
    if (set->record.replicas == 0 || to_add == 0 || to_add == added) {
        return 0;
    }
    int64_t before = set->most > 0 ? set->most : sync->workload->record.status_replicas;
    before = before > 0 ? before : 1;
    int64_t size =
        ((int64_t)set->record.replicas * (replicas_of(sync) + max_surge(sync)) * 2 + before) /
        (before * 2);
    size = replicas_of(sync) == 0 ? 0 : size;
    int32_t share = (int32_t)size - set->record.replicas;
    int32_t allowed = to_add - added;
    return to_add > 0 ? (share < allowed ? share : allowed) : (share > allowed ? share : allowed);
}

static void scale_proportionally(struct sync *sync)
{
    struct m_revision *order[M_REVISIONS];
    size_t count = 0;
    int32_t allowed = replicas_of(sync) > 0 ? replicas_of(sync) + max_surge(sync) : 0;
    int32_t to_add = allowed - sum(sync);
    int32_t added = 0;
    int32_t sizes[M_REVISIONS];
    for (size_t i = 0; i < sync->count; i++) { /* the largest first; then newer, or older */
        struct m_revision *set = sync->all[to_add > 0 ? sync->count - 1 - i : i];
        if (set->record.replicas > 0) {
            size_t at = count++;
            for (; at > 0 && order[at - 1]->record.replicas < set->record.replicas; at--) {
                order[at] = order[at - 1];
            }
            order[at] = set;
        }
    }
    for (size_t i = 0; i < count; i++) {
        int32_t share = proportion(sync, order[i], to_add, added);
        sizes[i] = order[i]->record.replicas + share;
        added += share;
    }
    for (size_t i = 0; i < count; i++) {
        int32_t size = i == 0 ? sizes[i] + to_add - added : sizes[i];
        scale(sync, order[i], size < 0 ? 0 : size);
    }
}

/* scale() of sync.go. */
static void scale_all(struct sync *sync)
{
    struct m_revision *active = NULL;
    struct m_revision *newest = sync->new;
    size_t active_count = 0;
    for (size_t i = 0; i < sync->count; i++) {
        newest = sync->new == NULL ? sync->all[i] : newest;
        if (sync->all[i]->record.replicas > 0) {
            active = sync->all[i];
            active_count++;
        }
    }
    active = active_count == 0 ? newest : active;
    if (active_count <= 1) {
        if (active != NULL) {
            scale_if_other(sync, active, replicas_of(sync));
        }
        return;
    }
    const struct m_revision *new = sync->new;
    if (new != NULL &&new->record.replicas == replicas_of(sync) &&
        new->record.desired == replicas_of(sync) && new->available == replicas_of(sync)) {
        for (size_t i = 0; i < sync->count; i++) {
            if (sync->all[i] != new) {
                scale_if_other(sync, sync->all[i], 0);
            }
        }
    } else if (sync->policy.type == M_ROLLING_UPDATE) {
        scale_proportionally(sync);
    }
}

static bool is_scaling(const struct sync *sync)
{
    for (size_t i = 0; i < sync->count; i++) {
        if (sync->all[i]->record.replicas > 0 && sync->all[i]->record.desired >= 0 &&
            sync->all[i]->record.desired != replicas_of(sync)) {
            return true;
        }
    }
    return false;
}

/* reconcileOldReplicaSets(): first those that are unavailable, then what maxUnavailable allows. */
static void scale_old_down(struct sync *sync)
{
    int32_t least = replicas_of(sync) - max_unavailable(sync);
    int32_t most = sum(sync) - least - (sync->new->record.replicas - sync->new->available);
    if (most <= 0) {
        return;
    }
    int32_t cleaned = 0;
    for (size_t i = 0; i < sync->count && cleaned < most; i++) {
        struct m_revision *set = sync->all[i];
        if (set == sync->new || set->record.replicas <= set->available) {
            continue;
        }
        int32_t step = set->record.replicas - set->available;
        step = step > most - cleaned ? most - cleaned : step;
        cleaned += step;
        scale(sync, set, set->record.replicas - step);
    }
    int32_t left = -least;
    for (size_t i = 0; i < sync->count; i++) {
        left += sync->all[i]->available;
    }
    for (size_t i = 0; i < sync->count && left > 0; i++) {
        struct m_revision *set = sync->all[i];
        int32_t step = set->record.replicas < left ? set->record.replicas : left;
        if (set != sync->new &&step > 0) {
            left -= step;
            scale(sync, set, set->record.replicas - step);
        }
    }
}

/* reconcileNewReplicaSet() with NewRSNewReplicas(). True: it was scaled. */
static bool scale_new(struct sync *sync)
{
    struct m_revision *new = sync->new;
    int32_t size = new->record.replicas;
    if (size == replicas_of(sync)) {
        return false;
    }
    if (size > replicas_of(sync)) {
        scale(sync, new, replicas_of(sync));
        return true;
    }
    int32_t room = replicas_of(sync) + max_surge(sync) - sum(sync);
    room = room > replicas_of(sync) - size ? replicas_of(sync) - size : room;
    if (room > 0) {
        scale(sync, new, size + room);
    }
    return room > 0;
}

static void roll_recreate(struct sync *sync)
{
    bool old_active = false;
    settle_new(sync, false);
    for (size_t i = 0; i < sync->count; i++) {
        if (sync->all[i] != sync->new && sync->all[i]->record.replicas > 0) {
            scale(sync, sync->all[i], 0);
            old_active = true;
        }
    }
    for (size_t i = 0; i < M_PODS; i++) {
        const struct m_pod *pod = &sync->world->is.pods[i];
        if (!pod->used) {
            continue;
        }
        bool new = sync->new !=
                   NULL &&strcmp(pod->record.record.owner_uid, sync->new->record.record.uid) == 0;
        old_active = old_active || (!new && !pod->record.finished);
    }
    if (!old_active) {
        settle_new(sync, true);
        scale_if_other(sync, sync->new, replicas_of(sync));
    }
}

/* cleanupDeployment(): old ReplicaSets beyond revisionHistoryLimit. */
static void clean_up(struct sync *sync)
{
    int32_t over = -sync->workload->history;
    for (size_t i = 0; i < sync->count; i++) {
        over += sync->all[i] != sync->new ? 1 : 0;
    }
    for (size_t i = 0; i < sync->count && over > 0; i++) {
        struct m_revision *set = sync->all[i];
        if (set != sync->new && set->record.replicas == 0 && set->record.status_replicas == 0 &&
            set->record.observed_generation >= set->record.record.generation) {
            m_say(sync->world, "the Deployment forgets %s", set->record.record.name);
            set->used = false;
            sync->world->version++;
            over--;
        }
    }
}

static bool complete(const struct sync *sync)
{
    int32_t old = 0;
    for (size_t i = 0; i < sync->count; i++) {
        old += sync->all[i] != sync->new ? sync->all[i]->record.status_replicas : 0;
    }
    return sync->new != NULL && sync->new->record.status_replicas == replicas_of(sync) &&
           sync->new->available == replicas_of(sync) && old == 0;
}

static void write_status(struct sync *sync)
{
    struct sl_workload_record *record = &sync->workload->record;
    int32_t pods = 0;
    for (size_t i = 0; i < sync->count; i++) {
        pods += sync->all[i]->record.status_replicas;
    }
    if (record->status_replicas != pods ||
        record->observed_generation != record->record.generation) {
        record->status_replicas = pods;
        record->observed_generation = record->record.generation;
        m_touch(sync->world, &record->record);
    }
}

static void find_sets(struct sync *sync)
{
    for (size_t i = 0; i < M_REVISIONS; i++) {
        struct m_revision *set = &sync->world->is.revisions[i];
        if (!set->used ||
            strcmp(set->record.record.owner_uid, sync->workload->record.record.uid) != 0) {
            continue;
        }
        size_t at = sync->count++;
        for (; at > 0 && sync->all[at - 1]->record.record.created > set->record.record.created;
             at--) {
            sync->all[at] = sync->all[at - 1];
        }
        sync->all[at] = set;
    }
    for (size_t i = 0; i < sync->count && sync->new == NULL; i++) {
        sync->new = sync->all[i]->template == sync->workload->template ? sync->all[i] : NULL;
    }
}

bool m_deployment(struct m_world *world)
{
    uint64_t version = world->version;
    struct sync sync = {.world = world, .workload = &world->is.workload};
    if (!sync.workload->used) {
        return false;
    }
    sync.policy = m_policy_of(world, sync.workload->fields);
    find_sets(&sync);
    if (sync.policy.paused || is_scaling(&sync)) {
        settle_new(&sync, false);
        scale_all(&sync);
        if (sync.policy.paused) {
            clean_up(&sync);
        }
    } else if (sync.policy.type == M_TYPE_RECREATE) {
        roll_recreate(&sync);
    } else {
        settle_new(&sync, true);
        if (!scale_new(&sync)) {
            scale_old_down(&sync);
        }
    }
    if (!sync.policy.paused && complete(&sync)) {
        clean_up(&sync);
    }
    write_status(&sync);
    return world->version != version;
}
