/* The reconciler of the world (world.h): what it knows, and what it does with a plan. As run/ does
 * it: one write of a pod at a time, answers enter the cache at once, balancers are told what is
 * wanted and asked what there is. */
#include "world.h"

#include <string.h>

/* Nothing is known of a member of that name: it is to go. */
static void forget(struct t_world *world, size_t index)
{
    for (size_t b = 0; b < T_BALANCERS; b++) {
        world->mind.wanted[index][b] = SL_WEIGHT_GONE;
        world->mind.known[index][b] = (struct sl_member){.trouble = ""};
    }
    world->mind.gate_off[index] = 0;
    world->mind.again[index] = T_NEVER;
}

void t_reconciler_new(struct t_world *world)
{
    world->mind = (struct t_memory){0};
    for (size_t i = 0; i < T_PODS; i++) {
        for (size_t b = 0; b < T_BALANCERS; b++) {
            world->mind.wanted[i][b] = T_UNWANTED;
            world->mind.known[i][b] = (struct sl_member){.trouble = ""};
        }
        world->mind.again[i] = T_NEVER;
        if (!world->pods[i].used) {
            forget(world, i);
        }
    }
    t_watch(world, true);
}

void t_see(struct t_world *world, size_t index)
{
    struct t_memory *mind = &world->mind;
    const struct t_pod *pod = &world->pods[index];
    const struct sl_pod_record *was = mind->seen[index];
    if (was == pod->record) {
        return;
    }
    if (was != NULL && (!pod->used || strcmp(was->record.uid, pod->record->record.uid) != 0)) {
        forget(world, index);
    }
    mind->seen[index] = pod->record;
    /* Whoever waits for the budget is planned again, too. */
    for (size_t i = 0; i < T_PODS; i++) {
        mind->dirty[i] = true;
    }
}

void t_watch(struct t_world *world, bool all)
{
    for (size_t i = 0; i < T_PODS; i++) {
        if (all || t_chance(world, 600)) {
            t_see(world, i);
        }
    }
    int32_t known = world->mind.budget.disruptions_allowed;
    if (all || t_chance(world, 600)) {
        world->mind.budget = world->budget;
    }
    if (world->mind.budget.disruptions_allowed != known) {
        memset(world->mind.dirty, true, sizeof world->mind.dirty);
    }
}

/* --- balancers --- */

static void make_so(struct t_world *world, size_t index, size_t b)
{
    struct t_member *is = &world->balancers[b].members[index];
    int wanted = world->mind.wanted[index][b];
    if (wanted == SL_WEIGHT_IN && (!is->present || is->weight != SL_WEIGHT_IN)) {
        t_say(world, "lb%zu takes pod %zu", b, index);
        is->present = true;
        is->weight = SL_WEIGHT_IN;
    } else if (wanted != SL_WEIGHT_IN && wanted != T_UNWANTED && is->present &&
               is->weight != SL_WEIGHT_OUT) {
        t_say(world, "lb%zu drains pod %zu, %d sessions", b, index, is->sessions);
        is->weight = SL_WEIGHT_OUT;
        is->out_at = world->now;
    } else if (wanted == SL_WEIGHT_GONE && is->present && is->sessions == 0) {
        *is = (struct t_member){0};
    }
}

static void ask(struct t_world *world, size_t index, size_t b)
{
    const struct t_balancer *balancer = &world->balancers[b];
    const struct t_member *is = &balancer->members[index];
    struct sl_member *known = &world->mind.known[index][b];
    struct sl_member now = {.state = SL_MEMBER_UNKNOWN, .sessions = -1, .trouble = ""};
    if (balancer->up) {
        now.state = !is->present                 ? SL_MEMBER_ABSENT
                    : is->weight == SL_WEIGHT_IN ? SL_MEMBER_IN
                                                 : SL_MEMBER_OUT;
        now.sessions = balancer->kind == T_TELLS ? is->sessions : -1;
    }
    now.out_since = now.state != SL_MEMBER_OUT ? 0
                    : known->out_since != 0    ? known->out_since
                                               : world->now;
    if (now.state != known->state || now.sessions != known->sessions) {
        world->mind.dirty[index] = true;
    }
    *known = now;
}

void t_balancers_turn(struct t_world *world)
{
    for (size_t b = 0; b < T_BALANCERS; b++) {
        for (size_t i = 0; i < T_PODS && world->balancers[b].kind != T_EXTERNAL; i++) {
            if (b >= world->policy.load_balancers.count && world->mind.wanted[i][b] != T_UNWANTED) {
                world->mind.wanted[i][b] = SL_WEIGHT_GONE; /* the policy has it no more */
            }
            if (world->balancers[b].up) {
                make_so(world, i, b);
            }
            ask(world, i, b);
        }
    }
}

/* --- a plan --- */

const char *t_budget_of(struct t_world *world, size_t index)
{
    const struct t_memory *mind = &world->mind;
    const struct sl_budget_record *budget = &mind->budget;
    const struct sl_pod_record *pods[T_PODS];
    const char *name = "";
    size_t count = 0;
    for (size_t i = 0; i < T_PODS; i++) {
        if (mind->seen[i] != NULL) {
            pods[count++] = mind->seen[i];
        }
    }
    const struct sl_budget_view view = {
        .budgets = &budget, .budget_count = 1, .pods = pods, .pod_count = count};
    return sl_budget_left(&view, mind->seen[index], &world->scratch, &name) > 0 ? NULL : name;
}

static bool stands(const struct t_world *world, const struct sl_pod_record *pod)
{
    return strstr(pod->drain, "\"op\":\"upgrade\"") == NULL || world->run_stands;
}

static bool write(struct t_world *world, size_t index, const struct sl_traffic_plan *plan)
{
    struct t_memory *mind = &world->mind;
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(SL_MIB);
    const struct sl_pod_record *seen = mind->seen[index];
    sl_traffic_write_body(seen, &plan->write, world->now, &body);
    if (!world->pods[index].used || (!world->peace && t_chance(world, 40)) ||
        !t_patch(world, index, sl_buf_str(&body), plan->write.status)) {
        t_say(world, "  pod %zu: refused", index);
        mind->again[index] = world->now + SL_NS_PER_S;
        return true;
    }
    t_say(world, "  pod %zu: %s %.*s", index, plan->event == NULL ? "-" : plan->event,
          SL_STR_FMT(sl_buf_str(&body)));
    t_check_write(world, index, plan);
    if (plan->write.status && !plan->write.gate && seen->traffic_ready) {
        t_check_flip(world, index);
        mind->gate_off[index] = world->now;
        if (t_condition_is(&world->pods[index], "Ready")) {
            world->pods[index].out_at = world->now; /* else it is not sent anything anyway */
        }
    } else if (plan->write.status && plan->write.gate) {
        mind->gate_off[index] = 0;
    }
    bool answered = world->peace || !t_chance(world, 20);
    if (answered) {
        t_see(world, index);
    } else {
        t_say(world, "KILLED before the answer");
        t_reconciler_new(world);
    }
    return true;
}

bool t_plan(struct t_world *world, size_t index)
{
    struct t_memory *mind = &world->mind;
    struct sl_traffic_plan plan;
    mind->dirty[index] = false;
    mind->again[index] = T_NEVER;
    if (mind->seen[index] == NULL) {
        return false;
    }
    sl_arena_reset(&world->scratch);
    const struct sl_traffic_input input = {
        .pod = mind->seen[index],
        .policy = world->matches ? &world->policy : NULL,
        .members = mind->known[index],
        .budget = t_budget_of(world, index),
        .stands = stands(world, mind->seen[index]),
        .gate_off_since = mind->gate_off[index],
    };
    sl_traffic_plan(&input, world->now, &world->scratch, &plan);
    t_check_plan(world, &input, &plan);
    for (size_t b = 0;
         b < world->policy.load_balancers.count || (!world->matches && b < T_BALANCERS); b++) {
        mind->wanted[index][b] = plan.weights[b];
    }
    mind->again[index] = plan.again;
    return plan.writes && write(world, index, &plan);
}
