/* Traffic of the model: in part of the worlds the pods have a gate and a TrafficPolicy with one
 * load balancer, and the planner of their traffic (core/traffic/lifecycle.h) runs beside the
 * planner of rollouts. What that planner does by itself is tested in tests/unit/core/traffic; here
 * is what both do together. */
#include <string.h>

#include "core/traffic/budget.h"
#include "model.h"

#define BALANCER "edge"

static struct sl_load_balancer balancer = {.name = SL_STR_INIT(BALANCER), .has_haproxy = true};

void m_traffic_open(struct m_world *world)
{
    world->has_traffic = m_chance(world, 500);
    world->balancer_up = true;
    world->policy = (struct sl_traffic_policy){
        .ns = SL_STR("shop"),
        .name = SL_STR("web"),
        .readiness_gate = true,
        .drain = {.wait = m_below(world, 4),
                  .propagation = m_below(world, 3),
                  .timeout = 20 + m_below(world, 40),
                  .on_timeout = m_chance(world, 200) ? SL_HOLD : SL_PROCEED},
        .load_balancers = {.items = &balancer, .count = 1},
    };
    world->budget = (struct sl_budget_record){
        .record = {.ns = "shop", .name = "pdb", .uid = "pdb", .resource_version = "1"},
        .selects = m_chance(world, 400),
    };
    world->budget_room = 1 + m_below(world, 2);
}

/* What the webhook makes of a new pod. */
void m_traffic_admit(const struct m_world *world, struct m_pod *pod)
{
    if (world->has_traffic) {
        pod->record.gate = true;
        pod->record.labels = "app\0web\0" SL_LABEL_POLICY "\0web\0";
        pod->record.balancers = BALANCER "\0";
    }
}

/* The kubelet's: Ready is what the containers and the gate make it. */
bool m_ready(struct m_world *world, struct m_pod *pod)
{
    struct sl_pod_record *record = &pod->record;
    bool ready = record->containers_ready && (!record->gate || record->traffic_ready);
    if (ready == (record->ready_since != 0) && (ready || record->unready_since != 0)) {
        return false;
    }
    record->ready_since = ready ? m_second(world) : 0;
    record->unready_since = ready ? 0 : m_second(world);
    m_touch(world, &record->record);
    return true;
}

/* The disruption controller: as many as the budget's maxUnavailable leaves. */
static void count_disruptions(struct m_world *world)
{
    int32_t healthy = 0;
    for (size_t i = 0; i < M_PODS; i++) {
        const struct m_pod *pod = &world->is.pods[i];
        healthy += m_alive(pod) && pod->record.ready_since != 0 ? 1 : 0;
    }
    int32_t desired = world->is.workload.record.replicas - world->budget_room;
    int32_t left = healthy - desired;
    world->budget.desired_healthy = desired < 0 ? 0 : desired;
    world->budget.disruptions_allowed = left < 0 ? 0 : left;
}

static void view_budget(struct m_world *world, struct sl_budget_view *view)
{
    const struct sl_budget_record **budgets =
        sl_arena_zalloc(&world->scratch, 1, sizeof(const struct sl_budget_record *));
    const struct sl_pod_record **pods =
        sl_arena_zalloc(&world->scratch, M_PODS, sizeof(const struct sl_pod_record *));
    *view = (struct sl_budget_view){.budgets = budgets, .budget_count = 1, .pods = pods};
    budgets[0] = &world->budget;
    for (size_t i = 0; i < M_PODS; i++) {
        if (world->seen.pods[i].used) {
            pods[view->pod_count++] = &world->seen.pods[i].record;
        }
    }
}

void m_traffic_input(struct m_world *world, struct sl_roll_input *input)
{
    struct sl_budget_view view;
    struct sl_roll_traffic *traffic =
        sl_arena_zalloc(&world->scratch, M_PODS, sizeof(struct sl_roll_traffic));
    if (!world->has_traffic) {
        return;
    }
    view_budget(world, &view);
    for (size_t i = 0; i < input->pod_count; i++) {
        traffic[i].policy = &world->policy;
        traffic[i].disruptions =
            sl_budget_left(&view, input->pods[i], &world->scratch, &traffic[i].budget);
    }
    input->traffic = traffic;
}

/* --- the balancer --- */

static void forget(struct m_traffic *traffic, const char *uid)
{
    *traffic = (struct m_traffic){.uid = uid, .known = {.trouble = ""}};
}

void m_traffic_killed(struct m_world *world)
{
    for (size_t i = 0; i < M_PODS; i++) {
        struct m_traffic *traffic = &world->traffic[i];
        struct m_member member = traffic->member;
        forget(traffic, traffic->uid);
        traffic->member = member;
    }
}

static void turn(struct m_world *world, struct m_traffic *traffic)
{
    struct m_member *is = &traffic->member;
    struct sl_member known = {.trouble = "", .sessions = -1};
    bool in = traffic->wanted == SL_WEIGHT_IN;
    if (world->balancer_up && traffic->planned && in != is->in) {
        is->in = in;
    }
    if (world->balancer_up) {
        known.state = is->in ? SL_MEMBER_IN : SL_MEMBER_OUT;
        known.sessions = is->sessions;
    }
    known.out_since = known.state != SL_MEMBER_OUT    ? 0
                      : traffic->known.out_since != 0 ? traffic->known.out_since
                                                      : world->now;
    traffic->known = known;
}

static void clients(struct m_world *world, struct m_traffic *traffic, bool peace)
{
    struct m_member *is = &traffic->member;
    if (is->in && !peace && m_chance(world, 300)) {
        is->sessions = 1 + m_below(world, 2);
    } else if (is->sessions > 0 && m_chance(world, peace ? 500 : 250)) {
        is->sessions--;
    }
}

/* --- the planner of one pod, and its write --- */

static const char *packed(struct m_world *world, const struct sl_traffic_write *write)
{
    bool on = write->finalizers_on_count > 0;
    if (write->finalizers_off_count > 1 || write->finalizers_on_count > 1) {
        m_fail(world, "there is one load balancer");
    }
    return on ? BALANCER "\0" : "\0";
}

static void check_flip(struct m_world *world, const struct m_pod *flipped)
{
    int32_t healthy = 0;
    if (!world->calm || !world->budget.selects || flipped->record.ready_since == 0) {
        return;
    }
    for (size_t i = 0; i < M_PODS; i++) {
        const struct m_pod *pod = &world->is.pods[i];
        healthy += m_alive(pod) && pod != flipped && pod->record.ready_since != 0 &&
                           pod->record.traffic_ready
                       ? 1
                       : 0;
    }
    if (healthy < world->budget.desired_healthy) {
        m_fail(world, "(7) pod %s leaves traffic, %d healthy ones stay, the budget wants %d",
               flipped->record.record.name, healthy, world->budget.desired_healthy);
    }
}

static void store(struct m_world *world, size_t index, const struct sl_traffic_plan *plan)
{
    struct m_pod *pod = &world->is.pods[index];
    const struct sl_traffic_write *write = &plan->write;
    m_say(world, "  traffic of %s: %s %s", pod->record.record.name,
          write->status ? sl_traffic_state_names[write->state] : "metadata",
          plan->event == NULL ? "" : plan->event);
    if (write->status) {
        if (pod->record.traffic_ready && !write->gate) {
            check_flip(world, pod);
            world->traffic[index].gate_off = world->now;
        }
        if (pod->record.traffic_ready != write->gate || pod->record.traffic_changed == 0) {
            pod->record.traffic_changed = m_second(world);
        }
        pod->overdue = plan->outcome == SL_DRAIN_OVERDUE ||
                       (pod->overdue && write->state != SL_TRAFFIC_IN_SERVICE);
        pod->record.traffic = sl_traffic_state_names[write->state];
        pod->record.traffic_ready = write->gate;
        pod->record.traffic_message = m_text(world, "%s", write->message);
    } else {
        if (write->drain.p != NULL) {
            pod->record.drain = sl_arena_cstr(&world->arena, write->drain);
        }
        if (write->cost != SL_COST_AS_IS) {
            pod->record.cost = write->cost == SL_COST_ON ? SL_COST_OURS : SL_COST_NONE;
        }
        if (write->finalizers_on_count + write->finalizers_off_count > 0) {
            pod->record.balancers = packed(world, write);
        }
    }
    m_touch(world, &pod->record.record);
    m_view_put(world, &pod->record.record);
}

static bool stands(const struct m_world *world, const struct sl_pod_record *pod)
{
    struct sl_str run = world->seen.rollout.record.status.run.id;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_drain_mark mark;
    sl_drain_read(pod, &arena, &mark);
    return mark.op != SL_DRAIN_UPGRADE || (world->seen.rollout.used && sl_str_eq(mark.id, run));
}

static int64_t plan_pod(struct m_world *world, size_t index, bool peace)
{
    struct m_traffic *traffic = &world->traffic[index];
    const struct m_pod *seen = &world->seen.pods[index];
    const struct m_pod *is = &world->is.pods[index];
    struct sl_budget_view view;
    struct sl_traffic_plan plan;
    const char *budget = "";
    view_budget(world, &view);
    bool room = sl_budget_left(&view, &seen->record, &world->scratch, &budget) > 0;
    const struct sl_traffic_input input = {
        .pod = &seen->record,
        .policy = &world->policy,
        .members = &traffic->known,
        .budget = room ? NULL : budget,
        .stands = stands(world, &seen->record),
        .gate_off_since = traffic->gate_off,
    };
    sl_traffic_plan(&input, world->now, &world->scratch, &plan);
    traffic->wanted = plan.weights[0];
    traffic->planned = true;
    bool refused =
        !is->used ||
        strcmp(is->record.record.resource_version, seen->record.record.resource_version) != 0 ||
        (!peace && m_chance(world, 40));
    if (plan.writes && !refused) {
        store(world, index, &plan);
    } else if (plan.writes) {
        return world->now + SL_NS_PER_S;
    }
    return plan.again;
}

int64_t m_traffic(struct m_world *world, bool peace)
{
    int64_t again = SL_NEVER;
    if (!world->has_traffic) {
        return again;
    }
    count_disruptions(world);
    for (size_t i = 0; i < M_PODS; i++) {
        struct m_traffic *traffic = &world->traffic[i];
        const struct m_pod *seen = &world->seen.pods[i];
        if (!seen->used) {
            forget(traffic, "");
            continue;
        }
        if (traffic->uid == NULL || strcmp(traffic->uid, seen->record.record.uid) != 0) {
            forget(traffic, seen->record.record.uid);
        }
        clients(world, traffic, peace);
        turn(world, traffic);
        if (peace || m_chance(world, 700)) {
            int64_t when = plan_pod(world, i, peace);
            again = when < again ? when : again;
        }
        turn(world, traffic);
        if (traffic->member.sessions > 0) {
            again = world->now + SL_NS_PER_S < again ? world->now + SL_NS_PER_S : again;
        }
    }
    return again;
}

/* --- what must hold --- */

/* Before its container is stopped, or it is deleted, because we want it so. */
void m_check_traffic(struct m_world *world, size_t index, const char *what)
{
    const struct m_pod *pod = &world->is.pods[index];
    const struct m_traffic *traffic = &world->traffic[index];
    bool out = strcmp(pod->record.traffic, SL_REASON_DRAINED) == 0 ||
               strcmp(pod->record.traffic, SL_REASON_UPGRADING) == 0;
    if (!world->has_traffic || pod->record.finished) {
        return;
    }
    if (!out) {
        m_fail(world, "(8) %s: pod %s is %s", what, pod->record.record.name, pod->record.traffic);
    } else if (!pod->overdue && (traffic->member.in || traffic->member.sessions > 0)) {
        m_fail(world, "(8) %s: pod %s is in the load balancer, %d sessions", what,
               pod->record.record.name, traffic->member.sessions);
    }
}

void m_check_traffic_end(struct m_world *world)
{
    for (size_t i = 0; world->has_traffic && i < M_PODS; i++) {
        const struct m_pod *pod = &world->is.pods[i];
        if (m_alive(pod) && (strcmp(pod->record.traffic, SL_REASON_IN_SERVICE) != 0 ||
                             pod->record.drain[0] != '\0' || !world->traffic[i].member.in)) {
            m_fail(world, "(8) at the end pod %s is %s, %s", pod->record.record.name,
                   pod->record.traffic, pod->record.drain);
        }
    }
}
