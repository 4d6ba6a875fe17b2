/* What must hold in the world (world.h), whatever happened. */
#include "world.h"

#include <string.h>

#include "core/names.h"

static bool is(const struct sl_pod_record *pod, const char *state)
{
    return strcmp(pod->traffic, state) == 0;
}

/* --- out of traffic --- */

const char *t_serves(const struct t_world *world, size_t index)
{
    const struct t_pod *pod = &world->pods[index];
    const struct sl_drain *drain = &world->policy.drain;
    size_t count = world->policy.load_balancers.count;
    bool serves = pod->running && !pod->record->finished;
    int64_t wait = drain->propagation + (count == 0 ? drain->wait : 0);
    if (serves && pod->record->gate && pod->out_at != 0 &&
        world->now < pod->out_at + wait * SL_NS_PER_S) {
        return "proxies do not know it yet";
    }
    for (size_t b = 0; b < count; b++) {
        const struct t_balancer *balancer = &world->balancers[b];
        const struct t_member *member = &balancer->members[index];
        if (balancer->kind == T_EXTERNAL ? t_finalizer(pod, b) : member->weight > 0) {
            return "a load balancer has it";
        }
        if (balancer->kind == T_TELLS && serves && member->sessions > 0) {
            return "it has sessions";
        }
        if (balancer->kind == T_SILENT && serves && member->present &&
            world->now < member->out_at + drain->wait * SL_NS_PER_S) {
            return "it may have sessions";
        }
    }
    return NULL;
}

static bool has_weight(const struct t_world *world, size_t index)
{
    for (size_t b = 0; b < world->policy.load_balancers.count; b++) {
        if (world->balancers[b].kind != T_EXTERNAL &&
            world->balancers[b].members[index].weight > 0) {
            return true;
        }
    }
    return false;
}

/* By an upgrade, or what asked for the drain first: it has left. By a deletion: its weight is 0 by
 * the end of the preStop sleep, if everybody was there who takes part. */
void t_check_stop(struct t_world *world, size_t index)
{
    const struct t_pod *pod = &world->pods[index];
    bool deleted = pod->record->record.deleted != 0;
    const char *serves = t_serves(world, index);
    if (!world->matches || pod->cut) {
        return;
    }
    if (!deleted || pod->drained_first) {
        if (serves != NULL) {
            t_fail(world, "(1) pod %zu is stopped: %s", index, serves);
        }
    } else if (pod->in_peace && has_weight(world, index)) {
        t_fail(world, "(1) pod %zu is stopped with a weight", index);
    }
}

/* The finalizer is the latch. */
void t_check_gone(struct t_world *world, size_t index)
{
    const struct t_pod *pod = &world->pods[index];
    if (world->matches && !pod->cut && has_weight(world, index)) {
        t_fail(world, "(2) pod %zu is gone, a load balancer has it", index);
    }
}

/* --- plans --- */

static bool is_quiet(const struct sl_traffic_plan *plan)
{
    return !plan->writes && plan->event == NULL;
}

/* Nothing to do before `again` while nothing changes; and whoever waits says for what. */
void t_check_plan(struct t_world *world, const struct sl_traffic_input *input,
                  const struct sl_traffic_plan *plan)
{
    struct sl_traffic_plan other;
    if (plan->again <= world->now) {
        t_fail(world, "(5) wants to be asked again in the past");
    }
    for (size_t b = 0; input->policy != NULL && b < input->policy->load_balancers.count; b++) {
        if (input->pod->record.deleted != 0 && plan->weights[b] == SL_WEIGHT_IN) {
            t_fail(world, "(1) a pod that is being deleted is given a weight");
        }
    }
    if (!is_quiet(plan)) {
        return;
    }
    int64_t most =
        plan->again < world->now + 600 * SL_NS_PER_S ? plan->again - world->now : 600 * SL_NS_PER_S;
    int64_t at = world->now + most / 1000 * t_below(world, 1000);
    sl_traffic_plan(input, at, &world->scratch, &other);
    if (!is_quiet(&other)) {
        t_fail(world, "(5) has something to do %.1f s from now and did not say so: %s",
               (double)(at - world->now) / (double)SL_NS_PER_S,
               other.event == NULL ? "-" : other.event);
    }
    bool on_its_way = input->policy != NULL && input->pod->record.deleted == 0 &&
                      !input->pod->finished &&
                      (plan->state == SL_TRAFFIC_NONE || plan->state == SL_TRAFFIC_JOINING ||
                       plan->state == SL_TRAFFIC_DRAINING ||
                       (plan->state == SL_TRAFFIC_IN_SERVICE && plan->op != SL_DRAIN_NONE));
    if (on_its_way && plan->waits[0] == '\0') {
        t_fail(world, "(6) is %s, and waits for nothing", sl_traffic_state_names[plan->state]);
    }
}

static void note(struct t_world *world, struct t_pod *pod, const struct sl_traffic_plan *plan)
{
    enum sl_traffic_state to = plan->write.state;
    if (to == plan->state) {
        return;
    }
    if (to == SL_TRAFFIC_DRAINING) {
        if (pod->begun) {
            t_fail(world, "(3) a drain begins twice");
        }
        pod->begun = true;
    } else if (to == SL_TRAFFIC_JOINING || to == SL_TRAFFIC_IN_SERVICE) {
        pod->begun = false;
        pod->cut = to == SL_TRAFFIC_JOINING && pod->cut;
    }
}

/* The deadline of its drain has passed, and that ends it. */
static bool is_late(struct t_world *world, const struct sl_pod_record *pod)
{
    struct sl_drain_mark mark;
    sl_drain_read(pod, &world->scratch, &mark);
    int64_t deadline = mark.deadline == 0 ? T_NEVER : mark.deadline;
    int64_t latest = pod->delete_asked + world->policy.drain.timeout * SL_NS_PER_S;
    deadline = pod->record.deleted != 0 && latest < deadline ? latest : deadline;
    return world->policy.drain.on_timeout == SL_PROCEED && deadline <= world->now;
}

/* The write was done. */
void t_check_write(struct t_world *world, size_t index, const struct sl_traffic_plan *plan)
{
    struct t_pod *pod = &world->pods[index];
    bool leaves = plan->write.status
                      ? plan->write.state == SL_TRAFFIC_DRAINED && plan->state != SL_TRAFFIC_DRAINED
                      : plan->write.finalizers_off_count > 0 && plan->state == SL_TRAFFIC_DRAINING;
    const char *serves = t_serves(world, index);
    if (plan->write.status) {
        note(world, pod, plan);
    }
    if (!leaves || !world->matches) {
        return;
    }
    if (serves != NULL && !pod->cut && !is_late(world, pod->record)) {
        t_fail(world, "(1) pod %zu is let go: %s", index, serves);
    }
    pod->cut = pod->cut || serves != NULL;
}

/* In a calm world nobody else takes pods out of service, so the budget must hold. A pod that was
 * not Ready when its drain was dated had nothing to spend. */
void t_check_flip(struct t_world *world, size_t index)
{
    struct sl_drain_mark mark;
    int32_t healthy = 0;
    sl_drain_read(world->pods[index].record, &world->scratch, &mark);
    if (mark.since <= world->pods[index].ready_at || !world->calm || !world->budget.selects ||
        !t_condition_is(&world->pods[index], "Ready") ||
        world->pods[index].record->record.deleted != 0) {
        return;
    }
    for (size_t i = 0; i < T_PODS; i++) {
        const struct t_pod *pod = &world->pods[i];
        bool gate = pod->used && (!pod->record->gate || t_condition_is(pod, SL_GATE));
        healthy +=
            gate && i != index && pod->record->record.deleted == 0 && t_condition_is(pod, "Ready")
                ? 1
                : 0;
    }
    if (healthy < world->budget.desired_healthy) {
        t_fail(world, "(4) pod %zu leaves, and %d healthy pods stay; the budget wants %d", index,
               healthy, world->budget.desired_healthy);
    }
}

void t_check_step(struct t_world *world)
{
    for (size_t i = 0; i < T_PODS; i++) {
        const struct t_pod *pod = &world->pods[i];
        for (size_t b = 0; b < world->policy.load_balancers.count; b++) {
            const struct t_member *member = &world->balancers[b].members[i];
            if (pod->used && world->matches && !pod->cut && member->weight > 0 &&
                !t_finalizer(pod, b)) {
                t_fail(world, "(2) lb%zu has pod %zu, which has no finalizer of it", b, i);
            }
        }
    }
}

/* --- the end --- */

static void check_pod(struct t_world *world, size_t index)
{
    const struct t_pod *pod = &world->pods[index];
    const struct sl_pod_record *record = pod->record;
    size_t count = world->matches ? world->policy.load_balancers.count : 0;
    bool conditioned = world->matches || record->gate;
    if (record->record.deleted != 0) {
        t_fail(world, "(7) at the end pod %zu is still there, %s", index, record->traffic);
    }
    if (record->finished) {
        return;
    }
    bool waits = strstr(record->traffic_message, "waits for PodDisruptionBudget") != NULL;
    if ((conditioned && !is(record, SL_REASON_IN_SERVICE)) || !t_condition_is(pod, "Ready") ||
        (record->drain[0] != '\0' && !waits)) {
        t_fail(world, "(7) at the end pod %zu is %s, %s, %s", index, record->traffic,
               t_condition_is(pod, "Ready") ? "ready" : "not ready", record->drain);
    }
    for (size_t b = 0; b < T_BALANCERS; b++) {
        const struct t_member *member = &world->balancers[b].members[index];
        bool wanted = b < count;
        /* After a restart nobody knows a balancer that the policy does not have any more. */
        bool known = wanted || b < world->policy.load_balancers.count;
        if (wanted != t_finalizer(pod, b) ||
            (known && wanted != (member->present && member->weight == SL_WEIGHT_IN))) {
            t_fail(world, "(7) at the end lb%zu %s pod %zu", b, wanted ? "does not have" : "has",
                   index);
        }
    }
}

void t_check_end(struct t_world *world)
{
    for (size_t i = 0; i < T_PODS; i++) {
        if (world->pods[i].used) {
            check_pod(world, i);
            continue;
        }
        for (size_t b = 0; b < T_BALANCERS; b++) {
            if (world->balancers[b].members[i].present) {
                t_fail(world, "(7) at the end lb%zu has a pod that is gone", b);
            }
        }
    }
}
