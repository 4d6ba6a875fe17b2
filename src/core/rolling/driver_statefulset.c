/* StatefulSets, and any kind with a partition (work.h; FACTS 1 to 3): the stock controller keeps
 * pods below the partition at the old revision and makes those at or above it anew.
 *
 * In place, pods are upgraded behind the partition's back, and at the end of the batch it is
 * lowered to where all pods above are updated, so that one that is lost comes back updated.
 * Recreate lowers it pod by pod and lets the controller do the rest. A partition kind of the
 * configuration counts the pods that are to stay old, wherever they stand; its own controller
 * decides how they move. */
#include <stdlib.h>
#include <string.h>

#include "core/held_value.h"
#include "core/rolling/work.h"

static const char *update_revision(const struct sl_work *work)
{
    return work->in->workload->update_revision;
}

static const char *revision_id(const struct sl_revision_record *revision)
{
    return revision->record.name;
}

static const char *pod_revision(const struct sl_work *work, const struct sl_pod_record *pod)
{
    (void)work;
    return pod->revision;
}

/* Kruise's pods carry the hash alone, where the status has "<name>-<hash>". */
static const char *partition_pod_revision(const struct sl_work *work,
                                          const struct sl_pod_record *pod)
{
    const char *update = work->update_revision;
    size_t whole = strlen(update);
    size_t length = strlen(pod->revision);
    bool is_its_hash = length > 0 && whole > length && update[whole - length - 1] == '-' &&
                       strcmp(update + whole - length, pod->revision) == 0;
    return is_its_hash ? update : pod->revision;
}

/* How many pods the partition keeps at the old revision: all, where it says more, or nothing that
 * can be read (a percentage is only ever the hold's). It counts from the first ordinal, whichever
 * that is (newVersionedStatefulSetPod of stateful_set_utils.go). */
static int32_t kept_old(const struct sl_work *work)
{
    const struct sl_hold *hold = &work->in->kind->hold;
    bool whole = hold->path.n == 0; /* of a StatefulSet: the strategy is held as a whole */
    const char *field = sl_arena_cstr(work->arena, hold->field);
    const char *path = whole ? "rollingUpdate.partition" : sl_arena_cstr(work->arena, hold->path);
    struct sl_jval value = sl_work_at(sl_work_field(work, field), path);
    int64_t partition = 0;
    if (value.type != SL_J_ABSENT && value.type != SL_J_NULL && !sl_jval_int(value, &partition)) {
        return work->replicas;
    }
    if (partition < 0) {
        return 0;
    }
    return partition > work->replicas ? work->replicas : (int32_t)partition;
}

/* Lowers the partition; never raises it. True: it is as low already. */
static bool keep_old(struct sl_work *work, int32_t count)
{
    const struct sl_hold *hold = &work->in->kind->hold;
    if (count >= kept_old(work)) {
        return true;
    }
    const char *field = sl_arena_cstr(work->arena, hold->field);
    const char *text =
        hold->path.n == 0
            ? sl_arena_printf(work->arena,
                              "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":%d}}",
                              count)
            : sl_arena_printf(work->arena, "%d", count);
    struct sl_hold lowered = {.field = hold->field, .path = hold->path, .value = sl_str_from(text)};
    struct sl_want want = {
        .field = field,
        .value = sl_held_hold(work->arena, &lowered, sl_work_field(work, field)),
    };
    return sl_work_set(work, &want, 1);
}

/* From the first ordinal; every pod that counts is among the replicas. */
static int32_t index_of(const struct sl_work *work, const struct sl_work_pod *pod)
{
    return pod->pod->ordinal - work->in->workload->first_ordinal;
}

static int compare_ordinals(const void *left, const void *right)
{
    const struct sl_work_pod *const *a = left;
    const struct sl_work_pod *const *b = right;
    return ((*a)->pod->ordinal < (*b)->pod->ordinal) - ((*a)->pod->ordinal > (*b)->pod->ordinal);
}

/* The pods from the highest ordinal down. They are walked, never the ordinals: of a StatefulSet
 * that is to have two billion replicas there are few pods. */
static struct sl_work_pod **from_the_top(const struct sl_work *work)
{
    struct sl_work_pod **pods =
        sl_arena_alloc(work->arena, (work->pod_count + 1) * sizeof(struct sl_work_pod *));
    for (size_t i = 0; i < work->pod_count; i++) {
        pods[i] = &work->pods[i];
    }
    qsort(pods, work->pod_count, sizeof(struct sl_work_pod *), compare_ordinals);
    return pods;
}

static bool can_upgrade(const struct sl_work_pod *pod)
{
    return pod->obstacle[0] == '\0';
}

static bool upgrade(struct sl_work *work, struct sl_work_pod *pod)
{
    bool ready = sl_drain_ready(work, pod, SL_DRAIN_UPGRADE);
    if (ready) {
        sl_work_upgrade(work, pod, work->update_revision, NULL, false);
    }
    return ready;
}

/* Outdated pods above the partition are the controller's already, and so are those it is making
 * anew: they will be updated without us. */
struct progress {
    int32_t moved; /* updated, or given to the controller */
    int32_t left;  /* in-service pods that may still be taken */
};

static struct progress progress_of(struct sl_work *work, int32_t kept)
{
    struct progress progress = {.moved = work->replicas - kept};
    work->promised = 0;
    for (size_t i = 0; i < work->pod_count; i++) {
        const struct sl_work_pod *pod = &work->pods[i];
        bool given = index_of(work, pod) >= kept;
        progress.moved += pod->updated && !given ? 1 : 0;
        work->promised += !pod->updated && given && pod->available ? 1 : 0;
    }
    progress.left = sl_work_allowance(work);
    return progress;
}

/* Takes a pod if the budget has room for it: one out of service costs nothing. */
static bool take(struct progress *progress, const struct sl_work *work,
                 const struct sl_work_pod *pod)
{
    if (!work->may_touch || progress->moved >= work->target ||
        (pod->available && progress->left == 0)) {
        return false;
    }
    progress->moved++;
    progress->left -= pod->available ? 1 : 0;
    return true;
}

/* Takes up to `count` replicas that have no pod: they cost nothing, and come back updated. */
static int32_t take_missing(struct progress *progress, const struct sl_work *work, int32_t count)
{
    int32_t room = progress->moved < work->target ? work->target - progress->moved : 0;
    int32_t taken = !work->may_touch ? 0 : count < room ? count : room;
    progress->moved += taken;
    return taken;
}

/* How far the partition may go down from `kept`, past what has to be made anew. Below the first pod
 * that has not left traffic yet, others are asked to leave it, too. */
static int32_t lowest_taken(struct sl_work *work, struct progress *progress, int32_t kept)
{
    struct sl_work_pod **pods = from_the_top(work);
    int32_t lowest = kept;
    int32_t next = kept - 1;
    bool stuck = false;
    for (size_t i = 0; i <= work->pod_count && next >= 0; i++) {
        int32_t index = i < work->pod_count ? index_of(work, pods[i]) : -1;
        if (index > next) {
            continue;
        }
        int32_t taken = take_missing(progress, work, next - index);
        lowest = taken > 0 && !stuck ? next - taken + 1 : lowest;
        if (taken < next - index || index < 0) {
            break;
        }
        if (!pods[i]->updated) {
            if (can_upgrade(pods[i]) || !take(progress, work, pods[i])) {
                break;
            }
            stuck = !sl_drain_ready(work, pods[i], SL_DRAIN_UPGRADE) || stuck;
            if (stuck && pods[i]->mark.op == SL_DRAIN_NONE && !pods[i]->asked) {
                break; /* the budget has no room, and those below, which go later, would use it up
                        */
            }
            lowest = stuck ? lowest : index;
        }
        next = index - 1;
    }
    return lowest;
}

/* A pod that has left traffic is not Ready, and below podManagementPolicy Parallel the controller
 * replaces nothing while any pod is not: so what it was given it is also given to make anew. It
 * must know the partition before, or it makes the old revision. */
static void delete_drained(struct sl_work *work, int32_t kept)
{
    const struct sl_workload_record *workload = work->in->workload;
    if (workload->observed_generation < workload->record.generation) {
        return;
    }
    for (size_t i = 0; i < work->pod_count; i++) {
        struct sl_work_pod *pod = &work->pods[i];
        if (!pod->updated && index_of(work, pod) >= kept && pod->traffic != NULL &&
            pod->obstacle[0] != '\0' && sl_drain_ready(work, pod, SL_DRAIN_UPGRADE)) {
            (void)sl_work_add(work, SL_ACT_POD_DELETE, &pod->pod->record);
        }
    }
}

static void roll_stateful_set(struct sl_work *work)
{
    int32_t kept = kept_old(work);
    struct progress progress = progress_of(work, kept);
    bool in_place = false;
    if (work->may_touch) {
        delete_drained(work, kept);
    }
    for (size_t i = 0; i < work->pod_count; i++) { /* broken ones first, whatever their ordinal */
        struct sl_work_pod *pod = &work->pods[i];
        if (!pod->updated && index_of(work, pod) < kept && can_upgrade(pod) &&
            take(&progress, work, pod)) {
            in_place = upgrade(work, pod) || in_place;
        }
    }
    /* Only what is updated for certain may come to stand above the partition: not what is being
     * patched by this very plan. */
    if (!in_place) {
        (void)keep_old(work, lowest_taken(work, &progress, kept));
    }
}

/* What is updated at the top stays so. */
static bool settle_stateful_set(struct sl_work *work)
{
    struct sl_work_pod **pods = from_the_top(work);
    int32_t kept = kept_old(work);
    for (size_t i = 0; i < work->pod_count; i++) {
        int32_t index = index_of(work, pods[i]);
        if (index < kept && (index != kept - 1 || !pods[i]->updated)) {
            break;
        }
        kept = index < kept ? index : kept;
    }
    return keep_old(work, kept);
}

static void roll_partition(struct sl_work *work)
{
    int32_t kept = kept_old(work);
    int32_t given = work->replicas - kept;
    int32_t moved = given > work->updated ? given : work->updated;
    work->promised = given > work->updated ? given - work->updated : 0;
    int32_t broken = 0;
    for (size_t i = 0; i < work->pod_count; i++) {
        broken += !work->pods[i].updated && !work->pods[i].available ? 1 : 0;
    }
    int32_t step = work->may_touch ? sl_work_allowance(work) + broken : 0;
    int32_t reach = moved + step < work->target ? moved + step : work->target;
    if (work->may_touch && reach > given) {
        (void)keep_old(work, work->replicas - reach);
    }
}

const struct sl_driver sl_driver_stateful_set = {
    .name = "StatefulSet",
    .update_revision = update_revision,
    .revision_id = revision_id,
    .pod_revision = pod_revision,
    .in_place = true,
    .roll = roll_stateful_set,
    .settle = settle_stateful_set,
};

const struct sl_driver sl_driver_partition = {
    .name = "partition",
    .update_revision = update_revision,
    .revision_id = revision_id,
    .pod_revision = partition_pod_revision,
    .roll = roll_partition,
};
