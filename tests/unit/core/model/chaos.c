/* Random events of the model: things that people do, and things that happen to pods and nodes. A
 * calm world has only upgrades, and what its reconciler goes through. */
#include "model.h"

void m_pod_dies(struct m_world *world, struct m_pod *pod)
{
    m_say(world, "CHAOS: pod %s", pod->record.record.name);
    if (m_chance(world, 500)) {
        m_pod_delete(world, pod);
        return;
    }
    pod->record.containers_ready = false;
    pod->record.ready_since = 0;
    pod->record.unready_since = m_second(world);
    if (m_chance(world, 400)) {
        pod->record.finished = true; /* evicted by its kubelet */
        pod->running = -1;
    } else { /* its container crashes: started again with what the kubelet knows */
        pod->running =
            pod->record.observed_generation < pod->record.record.generation ? pod->running : -1;
        if (pod->running >= 0) {
            pod->container.container_id = m_text(world, "containerd://%u", ++world->serial);
            pod->container.running_since = m_second(world);
        }
        pod->kubelet_at = world->now + 2 * SL_NS_PER_S;
    }
    m_touch(world, &pod->record.record);
}

static void any_pod_dies(struct m_world *world)
{
    struct m_pod *pod = &world->is.pods[m_below(world, M_PODS)];
    if (m_alive(pod)) {
        m_pod_dies(world, pod);
    }
}

static void node_changes(struct m_world *world)
{
    int node = m_below(world, M_NODES);
    if (world->kind == M_DAEMON_SET) {
        world->nodes[node] = !world->nodes[node];
        m_say(world, "CHAOS: node %d %s", node, world->nodes[node] ? "comes" : "goes");
    }
}

static void template_changes(struct m_world *world)
{
    m_user_template(world, m_below(world, world->template_count));
}

static void rollout_pauses(struct m_world *world)
{
    struct m_rollout *rollout = &world->is.rollout;
    rollout->record.spec.paused = !rollout->record.spec.paused;
    m_say(world, "USER: paused %d", rollout->record.spec.paused);
    rollout->record.record.generation++;
    m_touch(world, &rollout->record.record);
}

static void confirms(struct m_world *world)
{
    const struct sl_rollout_status *status = &world->is.rollout.record.status;
    bool right = m_chance(world, 700);
    m_user_confirm(world, right ? m_text(world, "%.*s", SL_STR_FMT(status->run.id)) : "other",
                   status->current_batch + (m_chance(world, 800) ? 0 : 1));
}

static void orders(struct m_world *world)
{
    m_user_order(world, (enum sl_order)m_below(world, 3));
}

static void partition_moves(struct m_world *world)
{
    struct m_rollout *rollout = &world->is.rollout;
    struct sl_rollout_plan *plan = &rollout->record.spec.plan;
    plan->has_partition = m_chance(world, 500);
    plan->partition = m_below(world, 4);
    m_say(world, "USER: batchPartition %d", plan->has_partition ? (int)plan->partition : -1);
    rollout->record.record.generation++;
    m_touch(world, &rollout->record.record);
}

static void scales(struct m_world *world)
{
    m_user_scale(world, m_below(world, 9));
}

static void rollout_goes(struct m_world *world)
{
    if (world->is.rollout.record.record.deleted == 0) {
        m_user_delete_rollout(world, (enum sl_deletion)m_below(world, 3));
    }
}

static void workload_goes(struct m_world *world)
{
    if (world->is.workload.used) {
        m_user_delete_workload(world);
    }
}

static void balancer_fails(struct m_world *world)
{
    world->balancer_up = !world->balancer_up;
    m_say(world, "CHAOS: the load balancer %s", world->balancer_up ? "answers" : "does not answer");
}

/* The clock jumps: somebody suspended the machine, or nothing happened for long. */
static void time_passes(struct m_world *world)
{
    world->now += m_below(world, 120) * SL_NS_PER_S;
}

static const struct {
    int per_thousand; /* steps */
    bool calm;        /* also in a calm world */
    bool rollout;     /* there must be one */
    void (*happen)(struct m_world *world);
} events[] = {
    {25, true, false, template_changes}, {12, false, false, any_pod_dies},
    {4, false, false, node_changes},     {6, true, true, rollout_pauses},
    {40, true, true, confirms},          {8, true, true, orders},
    {6, true, true, m_user_plan},        {8, true, true, partition_moves},
    {6, false, false, scales},           {2, false, true, rollout_goes},
    {1, false, false, workload_goes},    {10, true, false, time_passes},
    {8, true, false, balancer_fails},
};

void m_chaos(struct m_world *world)
{
    int at = m_below(world, 1000);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        at -= events[i].per_thousand;
        if (at < 0) {
            if ((events[i].calm || !world->calm) &&
                (!events[i].rollout || world->is.rollout.used)) {
                events[i].happen(world);
            }
            break;
        }
    }
    if (!world->is.workload.used && m_chance(world, 200)) {
        m_say(world, "USER: makes the workload again");
        m_workload_new(world, m_below(world, world->template_count), 2 + m_below(world, 7));
    }
    if (!world->is.rollout.used && m_chance(world, 50)) {
        m_user_rollout(world);
    }
}
