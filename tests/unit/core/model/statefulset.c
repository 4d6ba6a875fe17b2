/* The StatefulSet controller: one pass of updateStatefulSet() in
 * pkg/controller/statefulset/stateful_set_control.go. FACTS 1-3. */
#include <string.h>

#include "model.h"

struct set {
    struct m_world *world;
    struct m_workload *workload;
    struct m_policy policy;
    struct m_pod *replicas[M_PODS]; /* by ordinal; NULL: there is none */
    struct m_revision *current, *update;
};

static struct m_revision *revision_named(struct m_world *world, const char *name)
{
    for (size_t i = 0; i < M_REVISIONS; i++) {
        struct m_revision *revision = &world->is.revisions[i];
        if (revision->used && strcmp(revision->record.record.name, name) == 0) {
            return revision;
        }
    }
    return NULL;
}

/* getStatefulSetRevisions(): a template that was there before gets its old revision back, with the
 * highest number. */
static void find_revisions(struct set *set)
{
    struct m_world *world = set->world;
    int64_t highest = 0;
    set->update = NULL;
    for (size_t i = 0; i < M_REVISIONS; i++) {
        struct m_revision *revision = &world->is.revisions[i];
        if (revision->used) {
            highest = revision->record.revision > highest ? revision->record.revision : highest;
            set->update = revision->template == set->workload->template ? revision : set->update;
        }
    }
    if (set->update == NULL) {
        set->update = m_revision_new(world, false, set->workload->template);
        set->update->record.revision = highest + 1;
    } else if (set->update->record.revision < highest) {
        set->update->record.revision = highest + 1;
        m_touch(world, &set->update->record.record);
    }
    set->current = revision_named(world, set->workload->record.current_revision);
    if (set->current == NULL) {
        set->current = set->update;
    }
}

static bool running_and_ready(const struct m_pod *pod)
{
    return m_alive(pod) && pod->record.ready_since != 0;
}

/* newVersionedStatefulSetPod() with isCurrentRevisionNeeded(). */
static void create(struct set *set, int32_t ordinal)
{
    bool current = false;
    if (set->policy.type == M_ROLLING_UPDATE) {
        current = set->policy.rolling_update ? ordinal < set->policy.partition
                                             : ordinal < set->workload->current_replicas;
    }
    const struct m_revision *revision = current ? set->current : set->update;
    (void)m_pod_new(
        set->world, m_text(set->world, "%s-%d", set->workload->record.record.name, (int)ordinal),
        set->workload->record.record.uid, revision->record.record.name, revision->template);
}

/* processReplica() of each, in order. True: this pass ends here. */
static bool process_replicas(struct set *set)
{
    bool monotonic = !set->workload->parallel;
    for (int32_t i = 0; i < set->workload->record.replicas; i++) {
        struct m_pod *pod = set->replicas[i];
        if (pod == NULL) {
            create(set, i);
            if (monotonic) {
                return true;
            }
        } else if (pod->record.finished && pod->record.record.deleted == 0) {
            m_pod_delete(set->world, pod);
            return true;
        } else if (monotonic && (!running_and_ready(pod) ||
                                 !m_available(set->world, pod, set->policy.min_ready))) {
            return true;
        }
    }
    return false;
}

static bool process_condemned(struct set *set)
{
    bool monotonic = !set->workload->parallel;
    for (int32_t i = M_PODS - 1; i >= set->workload->record.replicas; i--) {
        struct m_pod *pod = set->replicas[i];
        if (pod == NULL) {
            continue;
        }
        if (pod->record.record.deleted != 0) {
            if (monotonic) {
                return true;
            }
            continue;
        }
        m_pod_delete(set->world, pod);
        if (monotonic) {
            return true;
        }
    }
    return false;
}

static bool outdated(const struct set *set, const struct m_pod *pod)
{
    return strcmp(pod->record.revision, set->update->record.record.name) != 0;
}

/* With the feature MaxUnavailableStatefulSet: whatever is unavailable, anywhere, is counted. */
static void roll_counting(struct set *set)
{
    int32_t left = sl_intstr_of(set->policy.max_unavailable, set->workload->record.replicas, false);
    left = left < 1 ? 1 : left;
    for (int32_t i = 0; i < set->workload->record.replicas; i++) {
        bool fine = set->replicas[i] != NULL &&
                    m_available(set->world, set->replicas[i], set->policy.min_ready);
        left -= fine ? 0 : 1;
    }
    for (int32_t i = set->workload->record.replicas - 1; i >= set->policy.partition && left > 0;
         i--) {
        struct m_pod *pod = set->replicas[i];
        if (pod != NULL && outdated(set, pod) && pod->record.record.deleted == 0) {
            m_pod_delete(set->world, pod);
            left--;
        }
    }
}

static void roll_one(struct set *set)
{
    for (int32_t i = set->workload->record.replicas - 1; i >= set->policy.partition; i--) {
        struct m_pod *pod = set->replicas[i];
        if (pod != NULL && outdated(set, pod) && pod->record.record.deleted == 0) {
            m_pod_delete(set->world, pod);
            return;
        }
        if (pod == NULL || !running_and_ready(pod)) {
            return; /* waits for what is unhealthy at or above the partition */
        }
    }
}

/* updateStatus() and completeRollingUpdate(). */
static void write_status(struct set *set)
{
    struct sl_workload_record *record = &set->workload->record;
    int32_t created = 0;
    int32_t ready = 0;
    int32_t updated = 0;
    int32_t current = 0;
    for (size_t i = 0; i < M_PODS; i++) {
        const struct m_pod *pod = set->replicas[i];
        if (pod == NULL) {
            continue;
        }
        created++;
        ready += running_and_ready(pod) ? 1 : 0;
        updated += m_alive(pod) && !outdated(set, pod) ? 1 : 0;
        current +=
            m_alive(pod) && strcmp(pod->record.revision, set->current->record.record.name) == 0 ? 1
                                                                                                : 0;
    }
    if (set->policy.type == M_ROLLING_UPDATE && updated == record->replicas &&
        ready == record->replicas && created == record->replicas) {
        set->current = set->update;
        current = updated;
    }
    struct sl_workload_record old = *record;
    record->current_revision = set->current->record.record.name;
    record->update_revision = set->update->record.record.name;
    record->status_replicas = created;
    record->observed_generation = record->record.generation;
    set->workload->current_replicas = current;
    if (strcmp(old.current_revision, record->current_revision) != 0 ||
        strcmp(old.update_revision, record->update_revision) != 0 ||
        old.status_replicas != created || old.observed_generation != record->observed_generation) {
        m_touch(set->world, &record->record);
    }
}

bool m_stateful_set(struct m_world *world)
{
    uint64_t version = world->version;
    struct set set = {.world = world, .workload = &world->is.workload};
    if (!set.workload->used) {
        return false;
    }
    set.policy = m_policy_of(world, set.workload->fields);
    for (size_t i = 0; i < M_PODS; i++) {
        struct m_pod *pod = &world->is.pods[i];
        if (pod->used &&
            strcmp(pod->record.record.owner_uid, set.workload->record.record.uid) == 0) {
            set.replicas[pod->record.ordinal] = pod;
        }
    }
    find_revisions(&set);
    if (!process_replicas(&set) && !process_condemned(&set) &&
        set.policy.type == M_ROLLING_UPDATE) {
        if (world->counts) {
            roll_counting(&set);
        } else {
            roll_one(&set);
        }
    }
    write_status(&set);
    return world->version != version;
}
