/* core/rolling: what one plan decides, of situations that a random walk seldom meets or would not
 * notice. tests/unit/core/test_rolling_random.c walks. */
#include "rolling_world.h"

static void nothing_is_decided_before_the_controller_has_seen_the_workload(void **state)
{
    (void)state;
    for (int s = SL_VERIFYING_SPEC; s < SL_DELETING; s++) {
        struct world world;
        open_world(&world, (enum sl_state)s);
        world.workload.record.generation = 3;
        plan(&world);
        assert_false(world.plan.stepped);
        assert_int_equal(world.plan.action_count, 0);
        assert_int_equal(world.plan.status.state, s);
        assert_int_equal(world.plan.status.updated, 3); /* as it was, not 0 */
        sl_arena_cleanup(&world.arena);
    }
}

static void a_daemon_set_is_not_let_go_before_its_new_revision_is_known(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_SUCCEED);
    world.input.kind =
        sl_workload_by_kind(&(struct sl_workload_kinds){0}, SL_STR("apps"), SL_STR("DaemonSet"));
    world.input.revision_count = 1; /* the cache has the old one alone, which all pods run */
    for (int i = 0; i < PODS; i++) {
        world.pods[i].revision = "old";
    }
    plan(&world);
    assert_false(world.plan.stepped);
    assert_int_equal(world.plan.action_count, 0);
    sl_arena_cleanup(&world.arena);
}

/* The controller counts from spec.ordinals.start on. */
static void the_partition_is_a_count_and_no_ordinal(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_BATCH_FINALIZING);
    world.workload.first_ordinal = 5;
    for (int i = 0; i < PODS; i++) {
        world.pods[i].ordinal = 5 + i;
    }
    plan(&world);
    assert_int_equal(count_actions(&world, SL_ACT_WORKLOAD), 1);
    struct sl_str strategy = world.plan.actions[0].fields[0].value;
    struct sl_str partition = SL_STR("\"partition\":2}");
    assert_non_null(memmem(strategy.p, strategy.n, partition.p, partition.n));
    sl_arena_cleanup(&world.arena);
}

static void a_run_that_is_extended_goes_on_where_it_was(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_FINALISING);
    world.workload.replicas = 3; /* which the first two batches take already: as a new plan, no */
    plan(&world);
    assert_string_equal(world.plan.event, "RunExtended");
    assert_int_equal(world.plan.status.state, SL_BATCH_INITIALIZING);
    assert_int_equal(world.plan.status.current_batch, 1);
    assert_int_equal(world.plan.status.batches[1].target, 3);
    sl_arena_cleanup(&world.arena);
}

static void a_run_whose_past_nobody_knows_is_no_rollback(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_NEW);
    world.rollout.status.run = (struct sl_run){0};
    world.workload.current_revision = "";
    world.input.revision_count = 0;
    for (int i = 0; i < PODS; i++) {
        set_pod(&world, i, false, true);
        world.pods[i].revision = "";
    }
    plan(&world);
    assert_string_equal(world.plan.event, "RunStarted");
    assert_int_equal(world.plan.status.run.stable_revision.n, 0);
    sl_arena_cleanup(&world.arena);
}

static void what_a_failed_run_broke_is_not_tolerated_by_the_next(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_FAILED);
    set_pod(&world, 4, true, false); /* by the failed run */
    world.workload.update_revision = "web-newer";
    plan(&world);
    assert_string_equal(world.plan.event, "RunStarted");
    assert_int_equal(world.plan.status.run.tolerated, 0);

    sl_arena_cleanup(&world.arena);
    open_world(&world, SL_FAILED);
    set_pod(&world, 4, true, false);
    world.rollout.spec.has_order = true;
    world.rollout.spec.order_run = SL_STR("run1");
    world.rollout.spec.order = SL_ORDER_RETRY;
    plan(&world);
    assert_string_equal(world.plan.event, "RunRetried");
    assert_int_equal(world.plan.status.run.tolerated, 0);
    assert_int_equal(world.plan.status.current_batch, 1);
    sl_arena_cleanup(&world.arena);
}

static void a_failed_run_keeps_the_rollout_as_long_as_it_holds_the_workload(void **state)
{
    (void)state;
    for (int held = 0; held < 2; held++) {
        struct world world;
        open_world(&world, SL_FAILED);
        world.rollout.status.run.failure = SL_STR("batch 0 did not progress");
        if (held == 0) { /* it was rolled back */
            world.workload.held = "";
            world.workload.spec = "{\"updateStrategy\":{\"type\":\"RollingUpdate\"}}";
            world.rollout.status.run.stable_revision = world.rollout.status.run.update_revision;
            for (int p = 0; p < PODS; p++) {
                set_pod(&world, p, true, true);
            }
        }
        plan(&world);
        assert_false(world.plan.stepped);
        assert_int_equal(count_actions(&world, SL_ACT_FINALIZER), held == 0 ? 1 : 0);
        sl_arena_cleanup(&world.arena);
    }
}

static void each_gate_keeps_the_next_batch_and_says_what_opens_it(void **state)
{
    (void)state;
    enum { PAUSED, PARTITION, CONFIRM, OLD_CONFIRM, WAIT, OPEN, CONFIRMED, PROMOTED, GATES };
    static const struct {
        enum sl_phase phase;
        const char *says; /* NULL: the next batch begins */
    } rows[GATES] = {
        [PAUSED] = {SL_PAUSED, "set spec.paused to false"},
        [PARTITION] = {SL_PAUSED, "batchPartition is 1, raise or remove it"},
        [CONFIRM] = {SL_WAITING_FOR_CONFIRMATION, "kubectl sluice confirm web -n shop"},
        [OLD_CONFIRM] = {SL_WAITING_FOR_CONFIRMATION, "spec.confirm {run: run1, batch: 1}"},
        [WAIT] = {SL_PAUSED, "pauses since"},
        [OPEN] = {SL_PROGRESSING, NULL},
        [CONFIRMED] = {SL_PROGRESSING, NULL},
        [PROMOTED] = {SL_PROGRESSING, NULL},
    };
    for (int gate = 0; gate < GATES; gate++) {
        struct world world;
        open_world(&world, SL_BATCH_READY);
        struct sl_rollout *spec = &world.rollout.spec;
        world.batch_status[1].finished = NOW;
        spec->paused = gate == PAUSED;
        spec->plan.has_partition = gate == PARTITION || gate == PROMOTED;
        spec->plan.partition = 1;
        spec->plan.confirm_each = gate == CONFIRM || gate == OLD_CONFIRM || gate == CONFIRMED;
        spec->has_confirm = gate == OLD_CONFIRM || gate == CONFIRMED;
        spec->confirm_run = gate == CONFIRMED ? SL_STR("run1") : SL_STR("run0");
        spec->confirm_batch = 1;
        spec->has_order = gate == PROMOTED;
        spec->order_run = SL_STR("run1");
        spec->order = SL_ORDER_PROMOTE;
        world.batches[1].has_pause = gate == WAIT;
        world.batches[1].pause = 60 * SL_NS_PER_S;
        plan(&world);
        assert_int_equal(world.plan.stepped, rows[gate].says == NULL);
        assert_int_equal(world.plan.status.phase, rows[gate].phase);
        if (rows[gate].says != NULL) {
            assert_non_null(strstr(world.plan.status.message.p, rows[gate].says));
            assert_int_equal(world.plan.action_count, 0);
        }
        if (gate == WAIT) {
            assert_int_equal(world.plan.again, NOW + 60 * SL_NS_PER_S);
        }
        sl_arena_cleanup(&world.arena);
    }
}

static void the_budget_counts_what_the_run_took_and_not_what_was_broken(void **state)
{
    (void)state;
    static const struct {
        int most, broken_old, broken_new, tolerated;
        size_t upgrades;
    } rows[] = {
        {0, 0, 0, 0, 1},                  /* none would be never */
        {1, 0, 0, 0, 1},                  /* one of the two that the batch still wants */
        {2, 0, 0, 0, 2}, {9, 0, 0, 0, 2}, /* never past the target */
        {1, 0, 1, 0, 0},                  /* one that was upgraded is not back yet */
        {1, 0, 1, 1, 1},                  /* it was broken before */
        {1, 1, 0, 0, 1}, /* a broken one costs nothing, but leaves no room for another */
        {1, 1, 0, 1, 2}, /* it does, where it was broken before */
        {2, 0, 1, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        open_world(&world, SL_BATCH_IN_ROLLING);
        for (int p = 0; p < PODS; p++) { /* one updated, the batch wants three */
            set_pod(&world, p, p == 4, true);
        }
        if (rows[i].broken_new > 0) {
            set_pod(&world, 4, true, false);
        }
        if (rows[i].broken_old > 0) {
            set_pod(&world, 0, false, false);
        }
        world.rollout.spec.plan.max_unavailable.value = rows[i].most;
        world.rollout.status.run.tolerated = rows[i].tolerated;
        plan(&world);
        if (count_actions(&world, SL_ACT_POD_UPGRADE) != rows[i].upgrades) {
            fail_msg("row %zu: %zu upgrades", i, count_actions(&world, SL_ACT_POD_UPGRADE));
        }
        sl_arena_cleanup(&world.arena);
    }
}

static void what_was_broken_before_is_upgraded_first(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_BATCH_IN_ROLLING);
    for (int p = 0; p < PODS; p++) {
        set_pod(&world, p, p == 4, p != 1);
    }
    world.rollout.status.run.tolerated = 1;
    plan(&world);
    assert_ptr_equal(world.plan.actions[0].target, &world.pods[1].record);
    assert_ptr_equal(world.plan.actions[1].target, &world.pods[3].record);
    sl_arena_cleanup(&world.arena);
}

static void a_run_fails_when_nothing_moves_but_not_while_it_is_paused(void **state)
{
    (void)state;
    for (int paused = 0; paused < 2; paused++) {
        struct world world;
        open_world(&world, SL_BATCH_VERIFYING);
        set_pod(&world, 4, true, false);
        world.rollout.spec.paused = paused == 1;
        world.rollout.status.run.progressed = NOW - 600 * SL_NS_PER_S;
        plan(&world);
        assert_int_equal(world.plan.stepped, paused == 0);
        assert_int_equal(world.plan.status.state, paused == 0 ? SL_FAILING : SL_BATCH_VERIFYING);
        if (paused == 0) {
            assert_non_null(strstr(world.plan.status.run.failure.p, "web-4"));
        }
        sl_arena_cleanup(&world.arena);
    }
}

static void a_reconciler_that_was_away_does_its_part_before_it_gives_up(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_BATCH_IN_ROLLING);
    set_pod(&world, 2, false, true); /* two updated, three wanted, none of them on its way */
    world.rollout.status.run.progressed = LONG_AGO;
    plan(&world);
    assert_false(world.plan.stepped);
    assert_int_equal(count_actions(&world, SL_ACT_POD_UPGRADE), 1);
    assert_true(world.plan.status.run.progressed == NOW);
    sl_arena_cleanup(&world.arena);
}

static void an_action_that_is_refused_for_too_long_fails_the_run(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_BATCH_IN_ROLLING);
    set_pod(&world, 2, false, true);
    world.input.action_error = "pods \"web-2\" is forbidden";
    world.input.action_error_since = NOW - 599 * SL_NS_PER_S;
    plan(&world);
    assert_false(world.plan.stepped);
    assert_non_null(strstr(world.plan.status.message.p, "is forbidden"));
    world.input.action_error_since = NOW - 600 * SL_NS_PER_S;
    plan(&world);
    assert_int_equal(world.plan.status.state, SL_FAILING);
    sl_arena_cleanup(&world.arena);
}

static void a_step_is_stored_before_anything_is_done(void **state)
{
    (void)state;
    for (int s = SL_VERIFYING_SPEC; s < SL_DELETING; s++) {
        struct world world;
        open_world(&world, (enum sl_state)s);
        plan(&world);
        assert_true(!world.plan.stepped || world.plan.action_count == 0);
        assert_int_equal(world.plan.stepped, world.plan.status.state != (enum sl_state)s);
        assert_true(world.plan.status.message.n > 0);
        sl_arena_cleanup(&world.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_decided_before_the_controller_has_seen_the_workload),
        cmocka_unit_test(a_daemon_set_is_not_let_go_before_its_new_revision_is_known),
        cmocka_unit_test(the_partition_is_a_count_and_no_ordinal),
        cmocka_unit_test(a_run_that_is_extended_goes_on_where_it_was),
        cmocka_unit_test(a_run_whose_past_nobody_knows_is_no_rollback),
        cmocka_unit_test(what_a_failed_run_broke_is_not_tolerated_by_the_next),
        cmocka_unit_test(a_failed_run_keeps_the_rollout_as_long_as_it_holds_the_workload),
        cmocka_unit_test(each_gate_keeps_the_next_batch_and_says_what_opens_it),
        cmocka_unit_test(the_budget_counts_what_the_run_took_and_not_what_was_broken),
        cmocka_unit_test(what_was_broken_before_is_upgraded_first),
        cmocka_unit_test(a_run_fails_when_nothing_moves_but_not_while_it_is_paused),
        cmocka_unit_test(a_reconciler_that_was_away_does_its_part_before_it_gives_up),
        cmocka_unit_test(an_action_that_is_refused_for_too_long_fails_the_run),
        cmocka_unit_test(a_step_is_stored_before_anything_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
