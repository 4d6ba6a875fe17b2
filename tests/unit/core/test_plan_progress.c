/* core/rolling: what counts as progress, and when a Rollout is planned again though nothing
 * changed: the two that decide whether a run fails too early, or never. */
#include "rolling_world.h"

#define S SL_NS_PER_S
#define BEFORE (NOW - 100 * S)

static void only_what_moves_counts_as_progress(void **state)
{
    (void)state;
    static const struct {
        int updated, updated_ready, replicas; /* as the status has them; 3, 3 and 5 are there */
        enum sl_phase phase;
        bool paused, progress;
    } rows[] = {
        {3, 3, 5, SL_PROGRESSING, false, false},
        {2, 3, 5, SL_PROGRESSING, false, true},
        {3, 2, 5, SL_PROGRESSING, false, true},
        {4, 4, 5, SL_PROGRESSING, false, false},
        {3, 3, 4, SL_PROGRESSING, false, true},
        {3, 3, 6, SL_PROGRESSING, false, true},
        {3, 3, 5, SL_PAUSED, true, false},
        {3, 3, 5, SL_PAUSED, false, true}, /* nobody waited while it was paused */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        open_world(&world, SL_BATCH_VERIFYING);
        set_pod(&world, 0, false, false); /* keeps the batch from being verified */
        world.rollout.status.updated = rows[i].updated;
        world.rollout.status.updated_ready = rows[i].updated_ready;
        world.rollout.status.replicas = rows[i].replicas;
        world.rollout.status.phase = rows[i].phase;
        world.rollout.status.run.progressed = BEFORE;
        world.rollout.spec.paused = rows[i].paused;
        plan(&world);
        assert_false(world.plan.stepped);
        if ((world.plan.status.run.progressed == NOW) != rows[i].progress) {
            fail_msg("row %zu", i);
        }
        int64_t deadline = world.plan.status.run.progressed + 600 * S;
        assert_true(world.plan.again == (rows[i].paused ? SL_NEVER : deadline));
        sl_arena_cleanup(&world.arena);
    }
}

static void a_pod_counts_from_min_ready_seconds_on_and_is_looked_at_then(void **state)
{
    (void)state;
    static const struct {
        int64_t ready_for; /* seconds; minReadySeconds is 30 */
        int32_t available;
        int64_t again; /* seconds from now; 0: at the deadline */
    } rows[] = {{0, 2, 30}, {29, 2, 1}, {30, 3, 0}, {31, 3, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        open_world(&world, SL_BATCH_VERIFYING);
        set_pod(&world, 0, false, false);
        world.rollout.spec.plan.min_ready = 30;
        world.pods[4].ready_since = NOW - rows[i].ready_for * S;
        plan(&world);
        assert_int_equal(world.plan.status.updated_ready, rows[i].available);
        assert_true(world.plan.again == NOW + (rows[i].again == 0 ? 600 : rows[i].again) * S);
        sl_arena_cleanup(&world.arena);
    }
}

static void a_workload_that_nobody_looks_at_is_said_when_it_takes_long(void **state)
{
    (void)state;
    static const struct {
        int64_t since; /* seconds */
        bool said;
    } rows[] = {{0, false}, {4, false}, {5, true}, {100, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        open_world(&world, SL_BATCH_IN_ROLLING);
        world.workload.record.generation = 3;
        world.rollout.status.run.progressed = NOW - rows[i].since * S;
        plan(&world);
        assert_int_equal(world.plan.write_status, rows[i].said);
        if (rows[i].said) {
            assert_non_null(strstr(world.plan.status.message.p, "to take note of it"));
        } else {
            assert_true(world.plan.again == NOW + (5 - rows[i].since) * S);
        }
        sl_arena_cleanup(&world.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_moves_counts_as_progress),
        cmocka_unit_test(a_pod_counts_from_min_ready_seconds_on_and_is_looked_at_then),
        cmocka_unit_test(a_workload_that_nobody_looks_at_is_said_when_it_takes_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
