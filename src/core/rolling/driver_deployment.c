/* Deployments whose pods are made anew (work.h; FACTS 5, 6): no new pod ever becomes available for
 * the stock controller, so it stops exactly where maxSurge and maxUnavailable say: at least
 * replicas − maxUnavailable old pods stay, and new ones fill up to replicas + maxSurge.
 *
 *     DecreaseFirst  maxSurge 0, maxUnavailable M         M new pods may be there
 *     IncreaseFirst  maxSurge step, maxUnavailable M      step more on top of M
 *                    maxSurge 0, maxUnavailable M + step  when they are ready: the old ones go
 */
#include <string.h>

#include "core/rolling/deployment.h"

#define NEVER_AVAILABLE "2147483646" /* seconds; the deadline has to be more */
#define NO_DEADLINE "2147483647"

struct sl_replica_sets sl_deployment_sets(const struct sl_work *work)
{
    struct sl_replica_sets sets = {
        .current = sl_work_revision(work, sl_str_from(work->in->workload->template_id)),
        .pods_old = (int32_t)work->pod_count - work->updated,
    };
    for (size_t i = 0; i < work->in->revision_count; i++) {
        const struct sl_revision_record *set = work->in->revisions[i];
        int32_t room = INT32_MAX - sets.wanted_new - sets.wanted_old;
        *(set == sets.current ? &sets.wanted_new : &sets.wanted_old) +=
            set->replicas < room ? set->replicas : room;
    }
    return sets;
}

const char *sl_deployment_update_revision(const struct sl_work *work)
{
    return work->in->workload->template_id;
}

const char *sl_deployment_revision_id(const struct sl_revision_record *revision)
{
    return revision->template_id;
}

const char *sl_deployment_pod_revision(const struct sl_work *work, const struct sl_pod_record *pod)
{
    for (size_t i = 0; i < work->in->revision_count; i++) {
        const struct sl_revision_record *set = work->in->revisions[i];
        if (strcmp(set->record.uid, pod->record.owner_uid) == 0) {
            return set->template_id;
        }
    }
    return "";
}

struct release {
    bool on;
    int32_t surge, unavailable; /* as they are set */
};

static int32_t number_at(struct sl_str json, const char *path)
{
    int64_t number = 0;
    return sl_jval_int(sl_work_at(json, path), &number) && number >= 0 && number <= INT32_MAX
               ? (int32_t)number
               : 0;
}

bool sl_deployment_is_released(const struct sl_work *work)
{
    return sl_str_is(sl_work_field(work, "minReadySeconds"), NEVER_AVAILABLE) &&
           !sl_str_is(sl_work_field(work, "paused"), "true");
}

/* As it is set by us; while it is not, what is there is what may be. */
static struct release release_of(const struct sl_work *work)
{
    struct sl_str strategy = sl_work_field(work, "strategy");
    struct release release = {
        .on = sl_deployment_is_released(work),
    };
    if (release.on) {
        release.surge = number_at(strategy, "rollingUpdate.maxSurge");
        release.unavailable = number_at(strategy, "rollingUpdate.maxUnavailable");
        if (release.unavailable > work->replicas) {
            release.unavailable = work->replicas;
        }
    } else {
        int32_t old = sl_deployment_sets(work).wanted_old;
        release.unavailable = old < work->replicas ? work->replicas - old : 0;
    }
    return release;
}

static bool set_release(struct sl_work *work, int32_t surge, int32_t unavailable)
{
    const struct sl_want wanted[] = {
        {"paused", SL_STR("false")},
        {"minReadySeconds", SL_STR(NEVER_AVAILABLE)},
        {"progressDeadlineSeconds", SL_STR(NO_DEADLINE)},
        {"strategy", sl_str_from(sl_arena_printf(work->arena,
                                                 "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{"
                                                 "\"maxSurge\":%d,\"maxUnavailable\":%d}}",
                                                 surge, unavailable))},
    };
    return sl_work_set(work, wanted, sizeof wanted / sizeof wanted[0]);
}

static bool increases_first(const struct sl_work *work)
{
    const struct sl_rollout_plan *plan = &sl_work_spec(work)->plan;
    return !plan->has_strategy || plan->strategy == SL_INCREASE_FIRST;
}

static void increase(struct sl_work *work, const struct release *release)
{
    int32_t step = work->target - release->unavailable;
    if (work->may_touch && step > release->surge) {
        (void)set_release(work, step, release->unavailable);
    }
}

/* Whether the stock controller has done what it was last let do, and knows it: it takes the number
 * of available old pods from statuses, and removes too many by one that is a moment old. */
static bool is_at_rest(const struct sl_work *work, const struct sl_replica_sets *sets)
{
    bool rests = true;
    for (size_t i = 0; i < work->in->revision_count; i++) {
        const struct sl_revision_record *set = work->in->revisions[i];
        rests =
            rests && (set == sets->current || (set->status_replicas <= set->replicas &&
                                               set->observed_generation >= set->record.generation));
    }
    return rests;
}

/* Old pods out of service of which the stock controller knows: it goes by the status of their
 * ReplicaSet, and takes pods in service instead of those that are not in it yet. */
static int32_t known_broken(const struct sl_work *work, const struct sl_replica_sets *sets)
{
    int32_t known = 0;
    for (size_t i = 0; i < work->in->revision_count; i++) {
        const struct sl_revision_record *set = work->in->revisions[i];
        int32_t said = set->replicas - set->ready_replicas;
        int32_t broken = 0;
        for (size_t p = 0; p < work->pod_count && set != sets->current; p++) {
            bool its = strcmp(work->pods[p].pod->record.owner_uid, set->record.uid) == 0;
            broken += its && !work->pods[p].available ? 1 : 0;
        }
        broken = broken < said ? broken : said;
        known += broken > 0 ? broken : 0;
    }
    return known;
}

/* Of the first `count` old pods behind those that are given already (they are in the order in which
 * their ReplicaSet removes them: out of service first), how many may go now. */
static int32_t ready_to_go(struct sl_work *work, int32_t given, int32_t count)
{
    int32_t seen = 0;
    int32_t ready = 0;
    for (size_t i = 0; i < work->pod_count && seen < given + count; i++) {
        struct sl_work_pod *pod = &work->pods[i];
        if (!pod->updated && ++seen > given) {
            ready += sl_drain_ready(work, pod, SL_DRAIN_UPGRADE) ? 1 : 0;
        }
    }
    return ready;
}

/* Old pods that are out of service go first and cost nothing; drained ones are such (FACTS 6). */
static void decrease(struct sl_work *work, const struct release *release)
{
    struct sl_replica_sets sets = sl_deployment_sets(work);
    int32_t keep = work->replicas - release->unavailable;
    int32_t broken = known_broken(work, &sets);
    int32_t spare = -work->replicas; /* in service beyond the replicas: free, too */
    for (size_t i = 0; i < work->pod_count; i++) {
        spare += work->pods[i].available ? 1 : 0;
    }
    int32_t going = sets.pods_old > keep ? sets.pods_old - keep : 0;
    int32_t free = broken + (spare > 0 ? spare : 0);
    work->promised = going > free ? going - free : 0;
    int32_t step = sl_work_allowance(work) + (broken > going ? broken - going : 0);
    int32_t left = work->target - release->unavailable;
    int32_t ready = work->may_touch ? ready_to_go(work, going, step < left ? step : left) : 0;
    int32_t reach = release->unavailable + ready;
    reach = reach < work->target ? reach : work->target;
    bool further = reach > release->unavailable || (!release->on && reach > 0);
    if (work->may_touch && further && is_at_rest(work, &sets)) {
        (void)set_release(work, 0, reach);
    }
}

/* Drained old pods, of which the stock controller has to know that they are not ready. */
static int32_t drained(const struct sl_work *work)
{
    int32_t count = 0;
    for (size_t i = 0; i < work->pod_count; i++) {
        const struct sl_work_pod *pod = &work->pods[i];
        count += !pod->updated && pod->traffic != NULL && sl_drain_is_drained(pod) ? 1 : 0;
    }
    return count;
}

/* A run that was given up while it had more pods than replicas leaves them behind. They go as soon
 * as the Deployment is released, whichever they are: so they leave traffic before. */
static bool surplus_has_left(struct sl_work *work, const struct release *release)
{
    struct sl_replica_sets sets = sl_deployment_sets(work);
    int32_t stay = sets.pods_old < sets.wanted_old ? sets.pods_old : sets.wanted_old;
    int32_t surplus = stay - (work->replicas - release->unavailable);
    return surplus <= 0 ||
           (ready_to_go(work, 0, surplus) == surplus && drained(work) <= known_broken(work, &sets));
}

static void roll(struct sl_work *work)
{
    struct release release = release_of(work);
    if (release.on && work->target <= release.unavailable) {
        return; /* so many are there, or coming */
    }
    if (!release.on && work->may_touch && !surplus_has_left(work, &release)) {
        return;
    }
    if (increases_first(work) && work->target > release.unavailable) {
        increase(work, &release);
    } else {
        decrease(work, &release);
    }
}

/* As many of the old pods of the batch go as have left traffic. */
static void replace(struct sl_work *work, const struct release *release)
{
    struct sl_replica_sets sets = sl_deployment_sets(work);
    int32_t go = sets.pods_old - (work->replicas - work->target);
    int32_t keep = work->replicas - release->unavailable;
    int32_t given = sets.pods_old > keep ? sets.pods_old - keep : 0;
    int32_t ready = ready_to_go(work, given, go - given);
    if (drained(work) > known_broken(work, &sets)) {
        return;
    }
    int32_t reach = given + ready >= go ? work->target : release->unavailable + ready;
    if (reach > release->unavailable || release->surge != work->target - reach) {
        (void)set_release(work, work->target - reach, reach);
    }
}

/* The new pods of the batch are ready: the old ones that they replace go. */
static bool settle(struct sl_work *work)
{
    struct release release = release_of(work);
    bool old_go = (release.on && release.surge > 0) || release.unavailable < work->target;
    if (work->updated - work->updated_available > work->status.run.tolerated) {
        return false; /* scaled up meanwhile: those are not ready */
    }
    if (work->target > 0 && old_go) { /* both 0 would be refused */
        replace(work, &release);
        return false;
    }
    return sl_deployment_sets(work).pods_old <= work->replicas - work->target;
}

const struct sl_driver sl_driver_deployment = {
    .name = "Deployment",
    .update_revision = sl_deployment_update_revision,
    .revision_id = sl_deployment_revision_id,
    .pod_revision = sl_deployment_pod_revision,
    .in_place = true,
    .roll = roll,
    .settle = settle,
};
