/* The DaemonSet controller: manage() and rollingUpdate() of pkg/controller/daemon, without surge.
 * FACTS 4. */
#include <string.h>

#include "model.h"

/* constructHistory(): as a StatefulSet's, but pods carry the bare hash. */
static struct m_revision *current_revision(struct m_world *world)
{
    int64_t highest = 0;
    struct m_revision *found = NULL;
    for (size_t i = 0; i < M_REVISIONS; i++) {
        struct m_revision *revision = &world->is.revisions[i];
        if (revision->used) {
            highest = revision->record.revision > highest ? revision->record.revision : highest;
            found = revision->template == world->is.workload.template ? revision : found;
        }
    }
    if (found == NULL) {
        found = m_revision_new(world, false, world->is.workload.template);
        found->record.revision = highest + 1;
    } else if (found->record.revision < highest) {
        found->record.revision = highest + 1;
        m_touch(world, &found->record.record);
    }
    return found;
}

static struct m_pod *pod_on(struct m_world *world, int node)
{
    struct m_pod *found = NULL;
    for (size_t i = 0; i < M_PODS; i++) {
        struct m_pod *pod = &world->is.pods[i];
        if (pod->used && pod->node == node &&
            (found == NULL || found->record.record.deleted != 0)) {
            found = pod;
        }
    }
    return found;
}

/* One pod on each node that is there; a failed one is deleted and made anew. */
static void manage(struct m_world *world, const struct m_revision *revision)
{
    for (int node = 0; node < M_NODES; node++) {
        struct m_pod *pod = pod_on(world, node);
        if (world->nodes[node] && pod == NULL) {
            pod = m_pod_new(
                world,
                m_text(world, "%s-x%u", world->is.workload.record.record.name, ++world->serial),
                world->is.workload.record.record.uid, revision->record.hash, revision->template);
            pod->node = node;
            pod->record.node = m_text(world, "node%d", node);
        } else if (pod != NULL && pod->record.record.deleted == 0 &&
                   (!world->nodes[node] || pod->record.finished)) {
            m_pod_delete(world, pod);
        }
    }
}

/* Outdated pods that are unavailable go at once; others while fewer than maxUnavailable are. */
static void roll(struct m_world *world, const struct m_policy *policy,
                 const struct m_revision *revision)
{
    int32_t left = sl_intstr_of(policy->max_unavailable, world->is.workload.record.replicas, true);
    for (int node = 0; node < M_NODES; node++) {
        const struct m_pod *pod = world->nodes[node] ? pod_on(world, node) : NULL;
        bool missing =
            world->nodes[node] && (pod == NULL || !m_available(world, pod, policy->min_ready));
        bool goes = missing && pod != NULL && m_alive(pod) &&
                    strcmp(pod->record.revision, revision->record.hash) != 0;
        left -= missing && !goes ? 1 : 0;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (int node = 0; node < M_NODES; node++) {
            struct m_pod *pod = world->nodes[node] ? pod_on(world, node) : NULL;
            if (pod == NULL || !m_alive(pod) ||
                strcmp(pod->record.revision, revision->record.hash) == 0) {
                continue;
            }
            bool available = m_available(world, pod, policy->min_ready);
            if ((pass == 0 && !available) || (pass == 1 && available && left > 0)) {
                m_pod_delete(world, pod);
                left--;
            }
        }
    }
}

bool m_daemon_set(struct m_world *world)
{
    uint64_t version = world->version;
    struct sl_workload_record *record = &world->is.workload.record;
    if (!world->is.workload.used) {
        return false;
    }
    struct m_policy policy = m_policy_of(world, world->is.workload.fields);
    const struct m_revision *revision = current_revision(world);
    int32_t nodes = 0;
    for (int node = 0; node < M_NODES; node++) {
        nodes += world->nodes[node] ? 1 : 0;
    }
    manage(world, revision);
    if (policy.type == M_ROLLING_UPDATE) {
        roll(world, &policy, revision);
    }
    if (record->replicas != nodes || record->observed_generation != record->record.generation) {
        record->replicas = record->status_replicas = nodes;
        record->observed_generation = record->record.generation;
        m_touch(world, &record->record);
    }
    return world->version != version;
}
