/* People of the world (world.h), and what acts for them: rollouts, scale-downs, evictions with the
 * webhook's answer, other controllers. */
#include "world.h"

#include <string.h>

#include "core/names.h"

#define RUN "run1"

static bool is_asked(const struct t_pod *pod)
{
    return pod->record->drain[0] != '\0';
}

static bool is_out(const struct t_pod *pod)
{
    return strcmp(pod->record->traffic, SL_REASON_DRAINED) == 0 ||
           strcmp(pod->record->traffic, SL_REASON_UPGRADING) == 0;
}

static int64_t timeout(const struct t_world *world)
{
    return world->policy.drain.timeout * SL_NS_PER_S;
}

/* --- what they do with a pod that is alive --- */

/* The rollout planner is in the same process: it knows the same, has counted the budget, and so
 * dates what it asks for. */
static void rollout_asks(struct t_world *world, size_t index)
{
    struct t_pod *pod = &world->pods[index];
    if (is_asked(pod) || !world->run_stands || world->mind.seen[index] != pod->record ||
        t_budget_of(world, index) != NULL) {
        return;
    }
    t_say(world, "ROLLOUT: wants pod %zu", index);
    t_annotate(world, pod, SL_ANNOTATION_DRAIN,
               t_drain_text(world, "upgrade", RUN, world->now, world->now + timeout(world)));
    t_see(world, index);
}

static void other_asks(struct t_world *world, size_t index)
{
    struct t_pod *pod = &world->pods[index];
    if (!is_asked(pod)) {
        bool scale_down = t_chance(world, 500);
        t_say(world, "USER: wants pod %zu out (%s)", index, scale_down ? "delete" : "backup");
        t_annotate(world, pod, SL_ANNOTATION_DRAIN,
                   t_drain_text(world, scale_down ? "delete" : "backup", "x", 0, 0));
    }
}

static void takes_back(struct t_world *world, size_t index)
{
    struct t_pod *pod = &world->pods[index];
    if (is_asked(pod)) {
        t_say(world, "USER: takes the drain of pod %zu back", index);
        t_annotate(world, pod, SL_ANNOTATION_DRAIN, NULL);
        if (t_chance(world, 300)) {
            other_asks(world, index);
        }
    }
}

static bool is_overdue(const struct t_world *world, const struct t_pod *pod)
{
    return world->policy.drain.on_timeout == SL_PROCEED && pod->first_asked != 0 &&
           world->now >= pod->first_asked + timeout(world) && !world->calm;
}

/* pods/eviction: the webhook, then the API server's own count. */
static void evicts(struct t_world *world, size_t index)
{
    struct t_pod *pod = &world->pods[index];
    bool spends = world->budget.selects && t_condition_is(pod, "Ready");
    if (world->matches && !is_out(pod) && !pod->record->finished && !is_overdue(world, pod)) {
        if (!is_asked(pod)) {
            t_say(world, "WEBHOOK: has pod %zu drained", index);
            t_annotate(world, pod, SL_ANNOTATION_DRAIN,
                       t_drain_text(world, "evict", "review", 0, world->now + timeout(world)));
        }
        pod->first_asked = pod->first_asked == 0 ? world->now : pod->first_asked;
    } else if (!spends || world->budget.disruptions_allowed > 0) {
        world->budget.disruptions_allowed -= spends ? 1 : 0;
        t_say(world, "USER: evicts pod %zu", index);
        t_pod_delete(world, index);
    }
}

static void deletes(struct t_world *world, size_t index)
{
    if (!world->calm || is_out(&world->pods[index])) {
        t_pod_delete(world, index);
    }
}

/* Somebody writes the pod, of whom we know nothing. */
static void touches(struct t_world *world, size_t index)
{
    t_annotate(world, &world->pods[index], "example.com/note", t_chance(world, 500) ? "a" : "b");
}

/* --- what they do with the rest --- */

static void policy_changes(struct t_world *world)
{
    if (t_chance(world, 400)) {
        world->matches = !world->matches;
        t_say(world, "USER: the policy %s", world->matches ? "matches" : "matches no more");
    } else {
        world->policy.load_balancers.count = (size_t)t_below(world, T_BALANCERS + 1);
        t_say(world, "USER: %zu load balancers", world->policy.load_balancers.count);
    }
    for (size_t i = 0; i < T_PODS; i++) {
        world->pods[i].cut = world->pods[i].used; /* nothing that was promised before is so now */
        world->mind.dirty[i] = true;
    }
}

static void run_ends(struct t_world *world)
{
    world->run_stands = !world->run_stands;
    t_say(world, "ROLLOUT: the run is %s", world->run_stands ? "there" : "gone");
    memset(world->mind.dirty, true, sizeof world->mind.dirty);
}

/* A name is not used again while a balancer still knows it. */
static bool is_free(const struct t_world *world, size_t index)
{
    bool free = !world->pods[index].used;
    for (size_t b = 0; b < T_BALANCERS; b++) {
        free = free && !world->balancers[b].members[index].present;
    }
    return free && world->mind.seen[index] == NULL;
}

void t_people(struct t_world *world)
{
    static void (*const of_pods[])(struct t_world *, size_t) = {
        rollout_asks, rollout_asks, other_asks, takes_back, evicts,
        evicts,       evicts,       deletes,    touches,
    };
    size_t index = (size_t)t_below(world, T_PODS);
    struct t_pod *pod = &world->pods[index];
    if (is_free(world, index) && t_chance(world, 500)) {
        t_pod_new(world, index);
    } else if (pod->used && pod->record->record.deleted == 0 && t_chance(world, 250)) {
        of_pods[t_below(world, sizeof of_pods / sizeof of_pods[0])](world, index);
    }
    if (!world->calm && t_chance(world, 8)) {
        policy_changes(world);
    }
    if (t_chance(world, 8)) {
        run_ends(world);
    }
}

void t_rollouts(struct t_world *world)
{
    for (size_t i = 0; i < T_PODS; i++) {
        struct t_pod *pod = &world->pods[i];
        bool alive = pod->used && pod->record->record.deleted == 0 && !pod->record->finished;
        if (!alive || (!world->peace && t_chance(world, 500))) {
            continue;
        }
        bool ours = strstr(pod->record->drain, "\"op\":\"upgrade\"") != NULL;
        if (pod->record->upgrade[0] != '\0' && !pod->restart &&
            t_condition_is(pod, "ContainersReady")) {
            t_say(world, "ROLLOUT: pod %zu is upgraded", i);
            t_annotate(world, pod, SL_ANNOTATION_UPGRADE, NULL);
            if (ours) {
                t_annotate(world, pod, SL_ANNOTATION_DRAIN, NULL);
            }
        } else if (ours && world->run_stands && pod->record->upgrade[0] == '\0' && pod->running &&
                   strcmp(pod->record->traffic, SL_REASON_DRAINED) == 0) {
            t_say(world, "ROLLOUT: patches pod %zu", i);
            pod->restart = true;
            pod->kubelet_at = world->now + t_below(world, 1500) * SL_NS_PER_MS;
            t_annotate(world, pod, SL_ANNOTATION_UPGRADE, "{}");
        }
    }
}

void t_make_peace(struct t_world *world)
{
    t_say(world, "PEACE");
    world->peace = true;
    for (size_t b = 0; b < T_BALANCERS; b++) {
        world->balancers[b].up = true;
    }
    for (size_t i = 0; i < T_PODS; i++) {
        struct t_pod *pod = &world->pods[i];
        if (pod->used && strstr(pod->record->drain, "\"op\":\"backup\"") != NULL) {
            t_annotate(world, pod, SL_ANNOTATION_DRAIN, NULL);
        }
        if (pod->used && t_chance(world, 300)) {
            world->calm = false;
            t_pod_delete(world, i);
        }
    }
    memset(world->mind.dirty, true, sizeof world->mind.dirty);
}
