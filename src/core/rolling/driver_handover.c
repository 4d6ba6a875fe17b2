/* Deployments whose pods keep their identity (work.h; FACTS 9, "Hand-over"): paused, strategy
 * Recreate, and a ReplicaSet for the new template that is ours to make. Then for some pods at a
 * time: the new ReplicaSet is raised, the pods are patched and change their owner, the old ones are
 * lowered. In between both want to make pods: they carry a mark by which the webhook refuses those.
 *
 * Where it stands is seen from the objects alone, so it goes on after any interruption:
 *
 *     raised        new ReplicaSet wants more than it has      move pods to it
 *     moved         both want more than replicas together      lower the old ones
 *     at rest       both together want replicas                raise, while there is room
 */
#include <string.h>

#include "core/rolling/deployment.h"

#define MARK (10 * SL_NS_PER_S)   /* how long a mark refuses pods */
#define SEEN (200 * SL_NS_PER_MS) /* how long a webhook's watch may take */
#define RENEW (5 * SL_NS_PER_S)   /* no step begins with less of it left */
#define HASH_SIZE 10              /* characters of the template's id, as pod-template-hash */

static bool prepare(struct sl_work *work)
{
    const struct sl_want wanted[] = {
        {"paused", SL_STR("true")},
        {"strategy", SL_STR("{\"type\":\"Recreate\"}")},
    };
    bool ready = sl_work_set(work, wanted, sizeof wanted / sizeof wanted[0]);
    if (!ready || sl_deployment_sets(work).current != NULL) {
        return ready;
    }
    int64_t newest = work->in->workload->revision;
    for (size_t i = 0; i < work->in->revision_count; i++) {
        int64_t revision = work->in->revisions[i]->revision;
        newest = revision > newest ? revision : newest;
    }
    struct sl_action *action = sl_work_add(work, SL_ACT_REPLICA_SET_NEW, NULL);
    action->hash = sl_arena_printf(work->arena, "%.*s", HASH_SIZE, work->in->workload->template_id);
    action->revision_number = newest + 1;
    return false;
}

static bool takes_part(const struct sl_replica_sets *sets, const struct sl_revision_record *set)
{
    return set == sets->current || set->replicas > 0;
}

/* To the second above, as the mark is written: what is read of it never seems older than it is. */
static int64_t mark_from(int64_t now)
{
    return (now + MARK + SL_NS_PER_S - 1) / SL_NS_PER_S * SL_NS_PER_S;
}

/* Whether every ReplicaSet that takes part is marked, long enough still and for as long that the
 * webhooks, which watch them, know of it. Otherwise marks all of them, so that they stay together.
 */
static bool is_marked(struct sl_work *work, const struct sl_replica_sets *sets)
{
    int64_t first = INT64_MAX;
    int64_t last = 0;
    for (size_t i = 0; i < work->in->revision_count; i++) {
        const struct sl_revision_record *set = work->in->revisions[i];
        if (takes_part(sets, set)) {
            first = set->handover < first ? set->handover : first;
            last = set->handover > last ? set->handover : last;
        }
    }
    int64_t known = last - MARK + SEEN;
    int64_t begin = known > work->now ? known : work->now;
    for (size_t i = 0; i < work->in->revision_count && first < begin + RENEW; i++) {
        const struct sl_revision_record *set = work->in->revisions[i];
        if (takes_part(sets, set)) {
            sl_work_add(work, SL_ACT_REPLICA_SET, &set->record)->handover_until =
                mark_from(work->now);
        }
    }
    if (first >= begin + RENEW && begin > work->now && begin < work->again) {
        work->again = begin;
    }
    return first >= begin + RENEW && begin == work->now;
}

static void scale(struct sl_work *work, const struct sl_revision_record *set, int32_t replicas)
{
    sl_work_add(work, SL_ACT_REPLICA_SET, &set->record)->replicas = replicas;
}

/* Pods that may be touched now, of at most `most` that are to be: broken ones, and as many others
 * as the budget has; those that are in traffic are asked to leave it first. */
static int32_t movable(struct sl_work *work, int32_t most)
{
    int32_t taken = 0;
    int32_t count = 0;
    int32_t left = sl_work_allowance(work);
    for (size_t i = 0; work->may_touch && i < work->pod_count && taken < most; i++) {
        struct sl_work_pod *pod = &work->pods[i];
        if (!pod->updated && (!pod->available || left > 0)) {
            left -= pod->available ? 1 : 0;
            taken++;
            count += sl_drain_ready(work, pod, SL_DRAIN_UPGRADE) ? 1 : 0;
        }
    }
    return count;
}

static void move(struct sl_work *work, const struct sl_replica_sets *sets, int32_t count)
{
    for (size_t i = 0; i < work->pod_count && count > 0; i++) {
        struct sl_work_pod *pod = &work->pods[i];
        if (!pod->updated && (pod->traffic == NULL || sl_drain_is_drained(pod)) &&
            sl_drain_ready(work, pod, SL_DRAIN_UPGRADE)) {
            sl_work_upgrade(work, pod, sets->current->hash, sets->current, true);
            count--;
        }
    }
}

/* Pods in service that may go without a replacement that is in service. */
static int32_t spare(const struct sl_work *work)
{
    int32_t needed = work->replicas - work->status.run.tolerated;
    int32_t available = 0;
    for (size_t i = 0; i < work->pod_count; i++) {
        available += work->pods[i].available ? 1 : 0;
    }
    return (available > needed ? available - needed : 0) + sl_work_allowance(work);
}

/* How far a ReplicaSet may be lowered: pods that it only wants; then, as its controller does, those
 * of it that are out of service; then spare ones. */
static int32_t lowerable(const struct sl_work *work, const struct sl_revision_record *set,
                         bool wanted_alone)
{
    int32_t pods = 0;
    int32_t available = 0;
    for (size_t i = 0; i < work->pod_count; i++) {
        bool its = strcmp(work->pods[i].pod->record.owner_uid, set->record.uid) == 0;
        pods += its ? 1 : 0;
        available += its && work->pods[i].available ? 1 : 0;
    }
    int32_t left = spare(work);
    int32_t stay = wanted_alone ? pods : available > left ? available - left : 0;
    return set->replicas > stay ? set->replicas - stay : 0;
}

/* Of the `count` pods of a ReplicaSet that it removes first, how many may go now. */
static int32_t ready_to_go(struct sl_work *work, const struct sl_revision_record *set,
                           int32_t count)
{
    int32_t ready = 0;
    for (size_t i = 0; i < work->pod_count && count > 0; i++) {
        struct sl_work_pod *pod = &work->pods[i];
        if (strcmp(pod->pod->record.owner_uid, set->record.uid) == 0) {
            ready += sl_drain_ready(work, pod, SL_DRAIN_DELETE) ? 1 : 0;
            count--;
        }
    }
    return ready;
}

/* Lowers the old ReplicaSets by `excess`: those first that want more pods than they have. */
static void lower(struct sl_work *work, const struct sl_replica_sets *sets, int32_t excess)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < work->in->revision_count; i++) {
            const struct sl_revision_record *set = work->in->revisions[i];
            int32_t most = set == sets->current ? 0 : lowerable(work, set, pass == 0);
            int32_t by = most < excess ? most : excess;
            int32_t now = pass == 0 ? by : ready_to_go(work, set, by);
            if (now > 0) {
                scale(work, set, set->replicas - now);
            }
            if (by > 0) {
                return; /* the others in the next plan, which knows what this one has left */
            }
        }
    }
    int32_t beyond = sets->current->replicas - work->replicas;
    int32_t gone = sets->current->replicas - work->updated; /* wanted, and not there */
    int32_t go = beyond > gone ? beyond - (gone > 0 ? gone : 0) : 0;
    if (beyond > 0 && ready_to_go(work, sets->current, go) == go) {
        scale(work, sets->current, work->replicas);
    }
}

/* Somebody wants more replicas: with two active ReplicaSets the stock controller leaves that to us.
 * They come at the old revision, and are moved by the batches. */
static void raise_old(struct sl_work *work, const struct sl_replica_sets *sets, int32_t lacking)
{
    const struct sl_revision_record *largest = NULL;
    for (size_t i = 0; i < work->in->revision_count; i++) {
        const struct sl_revision_record *set = work->in->revisions[i];
        if (set != sets->current && set->replicas > 0 &&
            (largest == NULL || set->replicas > largest->replicas)) {
            largest = set;
        }
    }
    if (largest != NULL) {
        scale(work, largest, largest->replicas + lacking);
    }
}

static int32_t count_active(const struct sl_work *work)
{
    int32_t active = 0;
    for (size_t i = 0; i < work->in->revision_count; i++) {
        active += work->in->revisions[i]->replicas > 0 ? 1 : 0;
    }
    return active;
}

static void roll(struct sl_work *work)
{
    struct sl_replica_sets sets = sl_deployment_sets(work);
    if (sets.current == NULL) {
        return;
    }
    int32_t raised = sets.wanted_new - work->updated;
    int32_t excess = sets.wanted_new + sets.wanted_old - work->replicas;
    if (sets.pods_old > sets.wanted_old) {
        return; /* their controller is about to delete some: which of them is not known */
    }
    if (raised > 0 && excess > 0 && sets.pods_old > 0) {
        int32_t wanted = work->target - work->updated;
        int32_t count = movable(work, raised < wanted ? raised : wanted);
        if (count <= 0) {
            scale(work, sets.current, work->updated); /* not now, after all */
        } else if (is_marked(work, &sets)) {
            move(work, &sets, count);
        }
    } else if (excess > 0) {
        lower(work, &sets, excess);
    } else if (excess < 0 && count_active(work) > 1) {
        raise_old(work, &sets, -excess);
    } else {
        int32_t there = sets.wanted_new > work->updated ? sets.wanted_new : work->updated;
        int32_t count = movable(work, work->target - there);
        if (count > 0 && is_marked(work, &sets)) {
            scale(work, sets.current, sets.wanted_new + count);
        }
    }
}

/* The batch is done when nothing is half-way, and nobody's pods are refused any more. */
static bool settle(struct sl_work *work)
{
    struct sl_replica_sets sets = sl_deployment_sets(work);
    bool settled =
        sets.wanted_new + sets.wanted_old == work->replicas && sets.pods_old <= sets.wanted_old;
    for (size_t i = 0; i < work->in->revision_count && settled; i++) {
        const struct sl_revision_record *set = work->in->revisions[i];
        bool stale = set->replicas > 0 && set->desired >= 0 && set->desired != work->replicas;
        if (set->handover != 0 || stale) { /* its replicas are written with those of all */
            struct sl_action *action = sl_work_add(work, SL_ACT_REPLICA_SET, &set->record);
            action->handover_until = 0;
            action->replicas = stale ? set->replicas : -1;
            settled = false;
        }
    }
    return settled;
}

const struct sl_driver sl_driver_handover = {
    .name = "Deployment in place",
    .update_revision = sl_deployment_update_revision,
    .revision_id = sl_deployment_revision_id,
    .pod_revision = sl_deployment_pod_revision,
    .in_place = true,
    .prepare = prepare,
    .roll = roll,
    .settle = settle,
};
