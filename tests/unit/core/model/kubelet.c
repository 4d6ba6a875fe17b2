/* The kubelets, one timer a pod, and the garbage collector. A pod whose image was changed in place
 * is observed first, then its container is killed and started again. FACTS 8 and 9. */
#include <string.h>

#include "model.h"

#define STARTS_MS 4000 /* at most, until a container is ready */

static void not_ready(struct m_world *world, struct m_pod *pod)
{
    pod->record.containers_ready = false;
    if (pod->record.ready_since != 0 || pod->record.unready_since == 0) {
        pod->record.ready_since = 0;
        pod->record.unready_since = m_second(world);
    }
}

static void later(struct m_world *world, struct m_pod *pod, int most_ms)
{
    pod->kubelet_at = world->now + (1 + m_below(world, most_ms)) * SL_NS_PER_MS;
}

/* Kills what runs, then pulls: an image that cannot be pulled leaves nothing running, and the
 * containerID of what ran before. */
static void start(struct m_world *world, struct m_pod *pod)
{
    not_ready(world, pod);
    if (!world->templates[pod->template].good) {
        pod->running = -1;
        pod->container.running_since = 0;
        pod->container.reason = "ImagePullBackOff";
        pod->kubelet_at = world->now + 10 * SL_NS_PER_S;
    } else {
        pod->running = pod->template;
        pod->container.container_id = m_text(world, "containerd://%u", ++world->serial);
        pod->container.running_since = m_second(world);
        pod->container.reason = "";
        later(world, pod, STARTS_MS);
    }
    m_touch(world, &pod->record.record);
}

/* Finalizers keep the object, not the containers (FACTS 13). */
static void stop(struct m_world *world, struct m_pod *pod)
{
    pod->running = -1;
    pod->record.stopped = true;
    not_ready(world, pod);
    m_touch(world, &pod->record.record);
}

static void turn(struct m_world *world, struct m_pod *pod)
{
    struct sl_pod_record *record = &pod->record;
    pod->kubelet_at = SL_NEVER;
    if (record->record.deleted != 0) {
        stop(world, pod);
    } else if (record->finished) {
        return;
    } else if (record->observed_generation < record->record.generation) {
        record->observed_generation = record->record.generation;
        later(world, pod, 1500);
        m_touch(world, &record->record);
    } else if (pod->running != pod->template || pod->restart) {
        if (pod->restart && pod->running >= 0) {
            m_check_traffic(world, (size_t)(pod - world->is.pods), "restarted");
        }
        pod->restart = false;
        start(world, pod);
    } else if (!record->containers_ready) {
        record->containers_ready = true;
        record->stopped = false;
        (void)m_ready(world, pod);
        m_touch(world, &record->record);
    }
}

bool m_kubelets(struct m_world *world)
{
    uint64_t version = world->version;
    for (size_t i = 0; i < M_PODS; i++) {
        struct m_pod *pod = &world->is.pods[i];
        if (pod->used && pod->kubelet_at <= world->now) {
            turn(world, pod);
        }
        if (pod->used && pod->record.record.deleted != 0 && pod->record.stopped &&
            pod->record.balancers[0] == '\0') {
            m_say(world, "pod %s is gone", pod->record.record.name);
            pod->used = false;
            world->version++;
        } else if (pod->used && !pod->record.finished) {
            (void)m_ready(world, pod);
        }
    }
    return world->version != version;
}

/* What is left of owners that are gone. */
bool m_garbage(struct m_world *world)
{
    uint64_t version = world->version;
    const char *workload =
        world->is.workload.used ? world->is.workload.record.record.uid : "(none)";
    for (size_t i = 0; i < M_REVISIONS; i++) {
        struct m_revision *revision = &world->is.revisions[i];
        if (revision->used && strcmp(revision->record.record.owner_uid, workload) != 0) {
            revision->used = false;
            world->version++;
        }
    }
    for (size_t i = 0; i < M_PODS; i++) {
        struct m_pod *pod = &world->is.pods[i];
        bool owned = !pod->used || strcmp(pod->record.record.owner_uid, workload) == 0;
        for (size_t r = 0; r < M_REVISIONS && !owned; r++) {
            const struct m_revision *revision = &world->is.revisions[r];
            owned = revision->used &&
                    strcmp(pod->record.record.owner_uid, revision->record.record.uid) == 0;
        }
        if (!owned) {
            m_pod_delete(world, pod);
        }
    }
    return world->version != version;
}

bool m_controllers(struct m_world *world, bool all)
{
    static bool (*const workloads[M_KINDS])(struct m_world *) = {m_stateful_set, m_daemon_set,
                                                                 m_deployment};
    bool (*const each[])(struct m_world *) = {m_garbage, workloads[world->kind], m_replica_sets,
                                              m_kubelets};
    size_t first = (size_t)m_below(world, 4);
    bool changed = false;
    for (size_t i = 0; i < 4; i++) {
        if (all || m_chance(world, 500)) {
            changed = each[(first + i) % 4](world) || changed;
        }
    }
    return changed;
}
