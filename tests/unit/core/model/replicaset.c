/* The ReplicaSet controller: manageReplicas() and calculateStatus() of pkg/controller/replicaset,
 * and the part of the admission webhook that refuses pods during a hand-over. FACTS 14. */
#include <string.h>

#include "model.h"

#define WEBHOOK_LAG SL_NS_PER_S /* by which the cache of the webhook may be behind */

static bool owns(const struct m_revision *set, const struct m_pod *pod)
{
    return pod->used && strcmp(pod->record.record.owner_uid, set->record.record.uid) == 0;
}

/* The webhook sees a mark of the ReplicaSet a little later than the API server. */
static void see_mark(struct m_world *world, struct m_revision *set)
{
    if (set->handover_seen == set->record.handover) {
        set->handover_stale = 0;
        return;
    }
    if (set->handover_stale == 0) {
        set->handover_stale = world->now;
    }
    if (world->now - set->handover_stale >= WEBHOOK_LAG || m_chance(world, 500)) {
        set->handover_seen = set->record.handover;
        set->handover_stale = 0;
    }
}

/* ActivePodsWithRanks: whether `a` is deleted before `b`. */
static bool goes_first(const struct m_pod *a, const struct m_pod *b)
{
    bool a_runs = a->running >= 0;
    bool b_runs = b->running >= 0;
    if (a_runs != b_runs) {
        return !a_runs; /* Pending before Running */
    }
    if ((a->record.ready_since != 0) != (b->record.ready_since != 0)) {
        return a->record.ready_since == 0;
    }
    if (a->record.cost != b->record.cost) {
        return a->record.cost == SL_COST_OURS; /* pod-deletion-cost */
    }
    if (a->record.ready_since != b->record.ready_since) {
        return a->record.ready_since > b->record.ready_since;
    }
    return a->record.record.created > b->record.record.created;
}

static struct m_pod *first_to_go(struct m_world *world, const struct m_revision *set)
{
    struct m_pod *found = NULL;
    for (size_t i = 0; i < M_PODS; i++) {
        struct m_pod *pod = &world->is.pods[i];
        if (owns(set, pod) && m_alive(pod) && (found == NULL || goes_first(pod, found))) {
            found = pod;
        }
    }
    return found;
}

static void manage(struct m_world *world, struct m_revision *set)
{
    int32_t active = 0;
    for (size_t i = 0; i < M_PODS; i++) {
        active += owns(set, &world->is.pods[i]) && m_alive(&world->is.pods[i]) ? 1 : 0;
    }
    for (; active > set->record.replicas; active--) {
        m_pod_delete(world, first_to_go(world, set));
    }
    if (active < set->record.replicas && set->handover_seen > world->now) {
        m_say(world, "the webhook refuses pods of %s", set->record.record.name);
        return;
    }
    for (; active < set->record.replicas; active++) {
        (void)m_pod_new(world, m_text(world, "%s-%u", set->record.record.name, ++world->serial),
                        set->record.record.uid, set->record.hash, set->template);
    }
}

static bool write_status(struct m_world *world, struct m_revision *set)
{
    int32_t pods = 0;
    int32_t ready = 0;
    int32_t available = 0;
    for (size_t i = 0; i < M_PODS; i++) {
        const struct m_pod *pod = &world->is.pods[i];
        if (owns(set, pod) && m_alive(pod)) {
            pods++;
            ready += pod->record.ready_since != 0 ? 1 : 0;
            available += m_available(world, pod, set->min_ready) ? 1 : 0;
        }
    }
    if (set->record.status_replicas == pods && set->record.ready_replicas == ready &&
        set->available == available &&
        set->record.observed_generation == set->record.record.generation) {
        return false;
    }
    set->record.status_replicas = pods;
    set->record.ready_replicas = ready;
    set->available = available;
    set->record.observed_generation = set->record.record.generation;
    m_touch(world, &set->record.record);
    return true;
}

bool m_replica_sets(struct m_world *world)
{
    uint64_t version = world->version;
    for (size_t i = 0; i < M_REVISIONS; i++) {
        struct m_revision *set = &world->is.revisions[i];
        if (set->used && set->record.replica_set) {
            see_mark(world, set);
            manage(world, set);
            (void)write_status(world, set);
        }
    }
    return world->version != version;
}
