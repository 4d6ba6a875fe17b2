/* The planner under random interleavings, against a model of Kubernetes (model/model.h): what must
 * hold after every step, and that every run ends once the world is left in peace.
 *
 * Each run is a seed. A failure prints it; SL_SEED=<seed> replays that one, step by step.
 * SL_RUNS=<count> is how many are run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"

#ifndef SL_RUNS
#define SL_RUNS 8000
#endif
#define STEPS 120        /* of the random part, at most */
#define PEACE_PLANS 2000 /* until a run must have ended */
#define FAILURES_SHOWN 10
#define REQUESTS_MAX 64

/* --- the reconciler --- */

/* The requests of one plan in any order: the status is number 0. `count` of them are sent before
 * the process is killed. */
static void send_requests(struct m_world *world, const struct sl_plan *plan, size_t count,
                          int faults)
{
    size_t order[REQUESTS_MAX];
    size_t total = 1 + (plan->stepped ? 0 : plan->action_count);
    for (size_t i = 0; i < total && i < REQUESTS_MAX; i++) {
        size_t at = (size_t)m_below(world, (int)i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (size_t i = 0; i < total && i < count && i < REQUESTS_MAX; i++) {
        if (m_chance(world, faults)) {
            m_say(world, "    a request fails");
        } else if (order[i] > 0) {
            (void)m_api_action(world, &plan->actions[order[i] - 1]);
        } else if (plan->write_status) {
            m_check_status(world, &plan->status);
            if (m_api_status(world, &plan->status)) {
                m_view_put(world, &world->is.rollout.record.record);
            }
        }
    }
}

static void plan_once(struct m_world *world, bool peace, struct sl_plan *ret_plan)
{
    struct sl_roll_input input;
    sl_arena_reset(&world->scratch);
    m_view_input(world, &input);
    sl_roll_plan(&input, world->now, &world->scratch, ret_plan);
    if (ret_plan->stepped || ret_plan->action_count > 0) {
        m_say(world, "plan: %s, %zu actions", ret_plan->event == NULL ? "-" : ret_plan->event,
              ret_plan->stepped ? 0 : ret_plan->action_count);
    }
    m_check_plan(world, &input, ret_plan);
    bool killed = !peace && m_chance(world, 60);
    send_requests(world, ret_plan, killed ? (size_t)m_below(world, 4) : REQUESTS_MAX,
                  peace ? 0 : 30);
    if (killed) {
        m_say(world, "KILLED");
        m_traffic_killed(world);
        m_view_refresh(world, true);
    }
}

/* --- a run --- */

static void random_part(struct m_world *world)
{
    int steps = 1 + m_below(world, STEPS);
    m_user_template(world, 1 + m_below(world, world->template_count - 1));
    for (int i = 0; i < steps && world->failures == 0; i++) {
        struct sl_plan plan;
        m_chaos(world);
        (void)m_controllers(world, false);
        m_view_refresh(world, false);
        if (world->seen.rollout.used && m_chance(world, 700)) {
            plan_once(world, false, &plan);
        }
        (void)m_traffic(world, false);
        m_check_calm(world);
        world->now += m_below(world, 3000) * SL_NS_PER_MS;
    }
}

/* Everything that people can do so that a run may end. */
static void make_peace(struct m_world *world)
{
    struct m_rollout *rollout = &world->is.rollout;
    struct sl_rollout *spec = &rollout->record.spec;
    m_say(world, "PEACE");
    for (int i = 0; i < world->template_count; i++) {
        world->templates[i].good = true;
    }
    world->nodes[0] = true;
    world->balancer_up = true;
    if (!world->is.workload.used) {
        m_workload_new(world, 1, 3);
    }
    if (world->is.workload.record.replicas == 0) {
        m_user_scale(world, 2);
    }
    if (!rollout->used) {
        m_user_rollout(world);
    }
    spec->paused = false;
    spec->plan.has_partition = false;
    if (spec->update == SL_IN_PLACE_ONLY) {
        spec->update = SL_IN_PLACE_IF_POSSIBLE;
    }
    rollout->batches[0].replicas = (struct sl_intstr){.value = 50, .percent = true};
    spec->plan.batches.size = 0;
    spec->plan.batches.upgrade_type = SL_UPGRADE_BATCH;
    spec->plan.batches.list.count = 1;
    rollout->record.record.generation++;
    m_touch(world, &rollout->record.record);
}

/* What a phase asks of its people. True: something was done. */
static bool answer(struct m_world *world, const char **ret_retried)
{
    const struct sl_rollout_status *status = &world->is.rollout.record.status;
    const char *run = m_text(world, "%.*s", SL_STR_FMT(status->run.id));
    const struct sl_rollout *spec = &world->is.rollout.record.spec;
    bool said = spec->has_confirm && sl_str_is(spec->confirm_run, run) &&
                spec->confirm_batch >= status->current_batch;
    if (status->phase == SL_WAITING_FOR_CONFIRMATION && !said) {
        m_user_confirm(world, run, status->current_batch);
        return true;
    }
    if (status->phase == SL_PHASE_FAILED && world->is.workload.record.held[0] != '\0' &&
        (*ret_retried == NULL || strcmp(*ret_retried, run) != 0)) {
        *ret_retried = run;
        m_user_order(world, SL_ORDER_RETRY);
        return true;
    }
    return false;
}

static int64_t next_timer(const struct m_world *world)
{
    int64_t next = SL_NEVER;
    for (size_t i = 0; i < M_PODS; i++) {
        const struct m_pod *pod = &world->is.pods[i];
        next = pod->used && pod->kubelet_at < next ? pod->kubelet_at : next;
    }
    return next;
}

/* The controllers of workloads also wait for minReadySeconds, up to a few seconds. */
#define CONTROLLERS_WAIT (20 * SL_NS_PER_S)

/* From here on the planner is only asked when it should be: something changed, or it said when. */
static void peaceful_part(struct m_world *world)
{
    uint64_t planned = 0;
    int64_t again = 0;
    int64_t rest = 0;
    int plans = 0;
    const char *retried = NULL;
    make_peace(world);
    while (world->failures == 0) {
        struct sl_plan plan;
        bool changed = m_controllers(world, true);
        m_view_refresh(world, true);
        if (world->is.rollout.used && (planned != world->version || again <= world->now)) {
            planned = world->version;
            plan_once(world, true, &plan);
            again = plan.again;
            changed = changed || planned != world->version;
            if (++plans > PEACE_PLANS) {
                m_fail(world, "(4) no end after %d plans: %.*s", plans,
                       SL_STR_FMT(plan.status.message));
            }
        }
        again = world->is.rollout.used ? again : SL_NEVER;
        uint64_t version = world->version;
        int64_t traffic = m_traffic(world, true);
        changed = changed || version != world->version;
        changed = answer(world, &retried) || changed;
        m_check_calm(world);
        int64_t next = next_timer(world);
        next = again < next ? again : next;
        next = traffic < next ? traffic : next;
        rest = changed || rest == 0 ? world->now + CONTROLLERS_WAIT : rest;
        if (next == SL_NEVER && world->now >= rest) {
            break;
        }
        int64_t step = changed || next > world->now + SL_NS_PER_S ? SL_NS_PER_S : next - world->now;
        if (!changed && world->now >= rest && next > world->now) {
            step = next - world->now;
        }
        world->now += step > 0 ? step : SL_NS_PER_MS;
    }
    if (world->failures == 0) {
        m_check_end(world);
    }
}

/* What is there when a replayed run fails. */
static void show(struct m_world *world)
{
    for (size_t i = 0; i < M_REVISIONS; i++) {
        const struct m_revision *revision = &world->is.revisions[i];
        if (revision->used) {
            m_say(world, "revision %s: template %d, wants %d, has %d", revision->record.record.name,
                  revision->template, revision->record.replicas, revision->record.status_replicas);
        }
    }
    for (size_t i = 0; i < M_PODS; i++) {
        const struct m_pod *pod = &world->is.pods[i];
        if (pod->used) {
            m_say(world, "pod %s: template %d, runs %d%s%s, %s %s", pod->record.record.name,
                  pod->template, pod->running, pod->record.ready_since != 0 ? ", ready" : "",
                  m_alive(pod) ? "" : ", not alive", m_pod_revision(world, &world->is, pod),
                  pod->record.upgrade);
        }
    }
}

static const char *run_seed(uint64_t seed, bool verbose, char *text, size_t size)
{
    static struct m_world world; /* too large for a stack */
    m_world_open(&world, seed);
    world.verbose = verbose;
    m_say(&world, "seed %llu: kind %d, %d replicas, %s", (unsigned long long)seed, world.kind,
          world.is.workload.record.replicas, world.calm ? "calm" : "wild");
    random_part(&world);
    if (world.failures == 0) {
        peaceful_part(&world);
    }
    const char *broken = world.failures == 0 ? NULL : text;
    if (broken != NULL) {
        show(&world);
        (void)snprintf(text, size, "kind %d: %s", world.kind, world.broken);
    }
    m_world_close(&world);
    return broken;
}

static void every_property_holds_in_every_run(void **state)
{
    (void)state;
    char text[600];
    const char *seed = getenv("SL_SEED");
    const char *count = getenv("SL_RUNS");
    unsigned long long runs = count != NULL ? strtoull(count, NULL, 10) : SL_RUNS;
    if (seed != NULL) {
        const char *broken = run_seed(strtoull(seed, NULL, 10), true, text, sizeof text);
        assert_null(broken);
        return;
    }
    int failed = 0;
    for (unsigned long long i = 1; i <= runs && failed < FAILURES_SHOWN; i++) {
        if (run_seed(i, false, text, sizeof text) != NULL) {
            print_error("SL_SEED=%llu: %s\n", i, text);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_property_holds_in_every_run),
    };
    return cmocka_run_group_tests_name("rolling-random", tests, NULL, NULL);
}
