/* What happens by itself in the world (world.h): kubelets, external load balancers, clients, the
 * disruption controller, and what breaks. */
#include "world.h"

#include <string.h>

#include "core/names.h"

#define STARTS_MS 4000 /* at most, until a container is ready */

/* --- the kubelet --- */

static void set_ready(struct t_world *world, struct t_pod *pod)
{
    bool gate = !pod->record->gate || t_condition_is(pod, SL_GATE);
    bool ready = pod->running && t_condition_is(pod, "ContainersReady") && gate;
    t_condition(world, pod, "Ready", ready);
}

static void later(struct t_world *world, struct t_pod *pod, int most_ms)
{
    pod->kubelet_at = world->now + (1 + t_below(world, most_ms)) * SL_NS_PER_MS;
}

static void stop(struct t_world *world, size_t index)
{
    struct t_pod *pod = &world->pods[index];
    for (size_t b = 0; b < T_BALANCERS; b++) {
        world->balancers[b].members[index].sessions = 0;
    }
    t_container(world, pod, false);
    t_condition(world, pod, "ContainersReady", false);
    set_ready(world, pod);
}

static void go(struct t_world *world, size_t index)
{
    struct t_pod *pod = &world->pods[index];
    pod->kubelet_at = T_NEVER;
    if (pod->restart) {
        t_say(world, "pod %zu restarts with its new image", index);
        t_check_stop(world, index);
        pod->restart = false;
        stop(world, index);
        later(world, pod, STARTS_MS);
    } else if (!pod->running) {
        t_container(world, pod, true);
        later(world, pod, STARTS_MS);
    } else {
        t_condition(world, pod, "ContainersReady", true);
    }
}

static void kubelet(struct t_world *world, size_t index)
{
    struct t_pod *pod = &world->pods[index];
    bool deleted = pod->record->record.deleted != 0;
    if (deleted && pod->running && pod->stop_at <= world->now) {
        t_say(world, "pod %zu stops", index);
        t_check_stop(world, index);
        stop(world, index);
    } else if (!deleted && !pod->record->finished && pod->kubelet_at <= world->now) {
        go(world, index);
    }
    if (!pod->record->finished) {
        set_ready(world, pod);
    }
    bool ready = t_condition_is(pod, "Ready");
    pod->ready_at = !ready ? 0 : pod->ready_at == 0 ? world->now : pod->ready_at;
    pod->out_at = ready && (!pod->record->gate || t_condition_is(pod, SL_GATE)) ? 0 : pod->out_at;
    deleted = pod->record->record.deleted != 0;
    if (deleted && !pod->running &&
        json_object_array_length(json_object_object_get(
            json_object_object_get(pod->object, "metadata"), "finalizers")) == 0) {
        t_pod_gone(world, index);
    }
}

/* --- a load balancer of somebody else: the seed protocol --- */

static void external(struct t_world *world, size_t b, size_t index)
{
    struct t_member *is = &world->balancers[b].members[index];
    struct t_pod *pod = &world->pods[index];
    if (!pod->used) {
        *is = (struct t_member){0};
        return;
    }
    bool wanted = t_condition_is(pod, SL_GATE) && pod->record->record.deleted == 0 &&
                  world->matches && b < world->policy.load_balancers.count;
    if (wanted) {
        t_finalizer_set(world, pod, b, true);
        *is = (struct t_member){.present = true, .weight = SL_WEIGHT_IN, .sessions = is->sessions};
    } else if (is->weight != SL_WEIGHT_OUT) {
        is->weight = SL_WEIGHT_OUT;
        is->out_at = world->now;
    } else if (is->sessions == 0) {
        *is = (struct t_member){0};
        t_finalizer_set(world, pod, b, false);
    }
}

/* --- clients --- */

static void clients(struct t_world *world, size_t b, size_t index)
{
    struct t_member *is = &world->balancers[b].members[index];
    const struct t_pod *pod = &world->pods[index];
    if (is->present && is->weight == SL_WEIGHT_IN && pod->used && pod->running && !world->peace &&
        t_chance(world, 300)) {
        is->sessions = 1 + t_below(world, 3);
    } else if (is->sessions > 0 && t_chance(world, world->peace ? 500 : 150)) {
        is->sessions--;
    }
}

/* --- the disruption controller --- */

static void disruptions(struct t_world *world)
{
    int32_t healthy = 0;
    for (size_t i = 0; i < T_PODS; i++) {
        const struct t_pod *pod = &world->pods[i];
        healthy +=
            pod->used && pod->record->record.deleted == 0 && t_condition_is(pod, "Ready") ? 1 : 0;
    }
    int32_t left = healthy - world->budget.desired_healthy;
    left = left < 0 ? 0 : left;
    if (world->budget.disruptions_allowed != left) {
        world->budget.disruptions_allowed = left;
        world->version++;
    }
}

void t_nature(struct t_world *world)
{
    for (size_t i = 0; i < T_PODS; i++) {
        if (world->pods[i].used && (world->peace || t_chance(world, 700))) {
            kubelet(world, i);
        }
        for (size_t b = 0; b < T_BALANCERS; b++) {
            if (world->balancers[b].kind == T_EXTERNAL && (world->peace || t_chance(world, 600))) {
                external(world, b, i);
            }
            clients(world, b, i);
        }
    }
    if (world->peace || t_chance(world, 500)) {
        disruptions(world);
    }
}

int64_t t_next_timer(const struct t_world *world)
{
    int64_t next = T_NEVER;
    for (size_t i = 0; i < T_PODS; i++) {
        const struct t_pod *pod = &world->pods[i];
        int64_t at = !pod->used                         ? T_NEVER
                     : pod->record->record.deleted != 0 ? (pod->running ? pod->stop_at : T_NEVER)
                                                        : pod->kubelet_at;
        next = at < next ? at : next;
        for (size_t b = 0; b < T_BALANCERS; b++) {
            if (world->balancers[b].members[i].sessions > 0) {
                next = world->now + SL_NS_PER_S < next ? world->now + SL_NS_PER_S : next;
            }
        }
    }
    return next;
}

/* --- what breaks --- */

static void balancer_fails(struct t_world *world)
{
    struct t_balancer *balancer = &world->balancers[t_below(world, T_BALANCERS)];
    balancer->up = !balancer->up;
    t_say(world, "TROUBLE: lb%zu %s", (size_t)(balancer - world->balancers),
          balancer->up ? "answers" : "does not answer");
}

static void balancer_forgets(struct t_world *world)
{
    struct t_balancer *balancer = &world->balancers[t_below(world, T_BALANCERS)];
    if (balancer->kind != T_EXTERNAL) {
        t_say(world, "TROUBLE: lb%zu forgets all", (size_t)(balancer - world->balancers));
        memset(balancer->members, 0, sizeof balancer->members);
    }
}

static void reconciler_dies(struct t_world *world)
{
    t_say(world, "TROUBLE: killed");
    t_reconciler_new(world);
}

static void container_dies(struct t_world *world)
{
    size_t index = (size_t)t_below(world, T_PODS);
    struct t_pod *pod = &world->pods[index];
    if (world->calm || !pod->used || !pod->running || pod->record->finished) {
        return;
    }
    t_say(world, "TROUBLE: the container of pod %zu dies", index);
    if (pod->out_at == 0 && t_condition_is(pod, "Ready")) {
        pod->out_at = world->now;
    }
    pod->restart = false;
    stop(world, index);
    if (t_chance(world, 300)) {
        json_object_object_add(json_object_object_get(pod->object, "status"), "phase",
                               json_object_new_string("Failed"));
        pod->kubelet_at = T_NEVER;
        t_touch(world, pod);
    } else {
        later(world, pod, STARTS_MS);
    }
}

static void time_passes(struct t_world *world)
{
    world->now += t_below(world, 90) * SL_NS_PER_S;
}

void t_trouble(struct t_world *world)
{
    static void (*const events[])(struct t_world *) = {
        balancer_fails,  balancer_fails, balancer_forgets, reconciler_dies,
        reconciler_dies, container_dies, time_passes,
    };
    if (t_chance(world, 60)) {
        events[t_below(world, sizeof events / sizeof events[0])](world);
    }
}
