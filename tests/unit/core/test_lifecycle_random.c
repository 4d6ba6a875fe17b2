/* The traffic planner under random interleavings, against a small world (traffic/world.h): what
 * must hold after every step, and that all is as it should be once the world is left in peace.
 *
 * Each run is a seed. A failure prints it; SL_SEED=<seed> replays that one, step by step.
 * SL_RUNS=<count> is how many are run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "traffic/world.h"

#ifndef SL_RUNS
#define SL_RUNS 1000
#endif
#define STEPS 200         /* of the random part, at most */
#define PEACE_STEPS 20000 /* until all must be at rest */
#define FAILURES_SHOWN 10

static void random_part(struct t_world *world)
{
    int steps = 20 + t_below(world, STEPS);
    for (int i = 0; i < steps && world->failures == 0; i++) {
        t_nature(world);
        t_trouble(world);
        t_people(world);
        t_rollouts(world);
        t_watch(world, false);
        if (t_chance(world, 700)) {
            t_balancers_turn(world);
        }
        for (int plans = t_below(world, 2 * T_PODS); plans > 0; plans--) {
            (void)t_plan(world, (size_t)t_below(world, T_PODS));
        }
        t_check_step(world);
        world->now += t_below(world, 1500) * SL_NS_PER_MS;
    }
}

/* Every pod that is due, until none is. True: something was written. */
static bool plan_all(struct t_world *world)
{
    bool written = false;
    for (size_t i = 0; i < T_PODS && world->failures == 0; i++) {
        if (world->mind.dirty[i] || world->mind.again[i] <= world->now) {
            written = t_plan(world, i) || written;
        }
    }
    return written;
}

/* From here on the planner is only asked when it should be: something changed, or it said when. */
static void peaceful_part(struct t_world *world)
{
    t_make_peace(world);
    for (int i = 0; world->failures == 0; i++) {
        uint64_t version = world->version;
        t_nature(world);
        t_rollouts(world);
        t_watch(world, true);
        t_balancers_turn(world);
        bool busy = plan_all(world) || world->version != version;
        t_balancers_turn(world);
        t_check_step(world);
        int64_t next = t_next_timer(world);
        for (size_t p = 0; p < T_PODS; p++) {
            busy = busy || world->mind.dirty[p];
            next = world->mind.again[p] < next ? world->mind.again[p] : next;
        }
        if (!busy && next == T_NEVER) {
            break;
        }
        if (i > PEACE_STEPS) {
            t_fail(world, "(7) there is no end");
        }
        world->now = busy || next <= world->now ? world->now + 20 * SL_NS_PER_MS : next;
    }
    if (world->failures == 0) {
        t_check_end(world);
    }
}

static const char *run_seed(uint64_t seed, bool verbose, char *text, size_t size)
{
    struct t_world world;
    t_world_open(&world, seed);
    world.verbose = verbose;
    t_say(&world, "seed %llu: %s, %zu balancers (%d %d %d), budget %d, %s",
          (unsigned long long)seed, world.calm ? "calm" : "wild", world.policy.load_balancers.count,
          world.balancers[0].kind, world.balancers[1].kind, world.balancers[2].kind,
          world.budget.selects ? world.budget.desired_healthy : -1,
          world.policy.drain.on_timeout == SL_HOLD ? "Hold" : "Proceed");
    random_part(&world);
    if (world.failures == 0) {
        peaceful_part(&world);
    }
    const char *broken = NULL;
    if (world.failures > 0) {
        (void)snprintf(text, size, "%s", world.broken);
        broken = text;
    }
    t_world_close(&world);
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
        assert_null(run_seed(strtoull(seed, NULL, 10), true, text, sizeof text));
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
    return cmocka_run_group_tests_name("lifecycle-random", tests, NULL, NULL);
}
