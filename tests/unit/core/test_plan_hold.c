/* core/rolling/hold.c: what a run overwrites of a workload is saved first, and all of it is put
 * back before the run is over. */
#include "rolling_world.h"

static const struct sl_action *action_of(const struct world *world, enum sl_action_kind kind)
{
    for (size_t i = 0; i < world->plan.action_count; i++) {
        if (world->plan.actions[i].kind == kind) {
            return &world->plan.actions[i];
        }
    }
    return NULL;
}

static void a_hold_that_is_not_saved_is_saved_before_the_run_begins(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_INITIALIZING);
    world.workload.held = ""; /* and the partition is as the hold has it */
    plan(&world);
    assert_false(world.plan.stepped);
    const struct sl_action *action = action_of(&world, SL_ACT_WORKLOAD);
    assert_non_null(action);
    assert_int_equal(action->field_count, 0);
    assert_true(sl_str_is(action->held, "{\"spec.updateStrategy\":{\"type\":\"RollingUpdate\","
                                        "\"rollingUpdate\":{\"partition\":1000000000}}}"));
    sl_arena_cleanup(&world.arena);
}

static void a_run_is_over_when_nothing_of_it_is_left(void **state)
{
    (void)state;
    static const struct {
        const char *held;
        int64_t mark;
        int managed;
        enum sl_action_kind kind; /* SL_ACTION_KINDS: nothing is left */
    } rows[] = {
        {"{\"spec.updateStrategy\":{\"type\":\"OnDelete\"}}", 7, 2, SL_ACT_REPLICA_SET},
        {"{\"spec.updateStrategy\":{\"type\":\"OnDelete\"}}", 0, 2, SL_ACT_WORKLOAD},
        {"", 0, 2, SL_ACT_DISOWN},
        {"", 0, -1, SL_ACTION_KINDS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        open_world(&world, SL_FINALISING);
        for (int p = 0; p < PODS; p++) {
            set_pod(&world, p, true, true);
        }
        world.workload.held = rows[i].held;
        world.workload.managed_entry = rows[i].managed;
        world.revisions[0].handover = rows[i].mark;
        plan(&world);
        bool over = rows[i].kind == SL_ACTION_KINDS;
        assert_int_equal(world.plan.stepped, over);
        assert_int_equal(world.plan.action_count, over ? 0 : 1);
        assert_true(over || world.plan.actions[0].kind == rows[i].kind);
        if (rows[i].kind == SL_ACT_WORKLOAD) {
            const struct sl_action *action = &world.plan.actions[0];
            assert_true(action->held.p != NULL && action->held.n == 0);
            assert_int_equal(action->field_count, 1);
            assert_true(sl_str_is(action->fields[0].value, "{\"type\":\"OnDelete\"}"));
        }
        sl_arena_cleanup(&world.arena);
    }
}

/* Or its controller would roll all pods back at once. */
static void a_template_comes_back_held_in_the_same_request(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_FAILING);
    world.rollout.spec.on_failure = SL_ON_FAILURE_ROLLBACK;
    world.workload.spec = "{\"updateStrategy\":{\"type\":\"RollingUpdate\"}}";
    plan(&world);
    const struct sl_action *action = action_of(&world, SL_ACT_WORKLOAD);
    assert_non_null(action);
    assert_int_equal(world.plan.action_count, 1);
    assert_true(sl_str_is(action->template, old_template));
    assert_int_equal(action->field_count, 1);
    assert_non_null(strstr(sl_arena_cstr(&world.arena, action->fields[0].value), "1000000000"));
    sl_arena_cleanup(&world.arena);
}

/* Those above the partition are about to be made anew. */
static void the_controllers_pods_are_not_upgraded_in_place(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_BATCH_IN_ROLLING);
    world.rollout.status.current_batch = 2;
    world.rollout.spec.plan.max_unavailable.value = PODS;
    world.workload.spec = "{\"updateStrategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{"
                          "\"partition\":3}}}";
    for (int p = 0; p < PODS; p++) {
        set_pod(&world, p, p == 2, true);
    }
    plan(&world);
    assert_int_equal(count_actions(&world, SL_ACT_POD_UPGRADE), 2);
    for (size_t i = 0; i < world.plan.action_count; i++) {
        assert_true(world.plan.actions[i].target == &world.pods[0].record ||
                    world.plan.actions[i].target == &world.pods[1].record);
    }
    sl_arena_cleanup(&world.arena);
}

/* What its controller was given and has not taken yet is out of service already, for the budget. */
static void a_partition_is_lowered_no_further_than_the_budget(void **state)
{
    (void)state;
    static const struct sl_workload_kind kind = {
        SL_STR_INIT("apps.kruise.io"),
        SL_STR_INIT("CloneSet"),
        SL_STR_INIT("clonesets"),
        {.field = SL_STR_INIT("updateStrategy"),
         .path = SL_STR_INIT("partition"),
         .value = SL_STR_INIT("\"100%\"")},
    };
    static const struct {
        int most;
        const char *partition; /* NULL: as it is, 3 of 5 */
    } rows[] = {{1, NULL}, {2, NULL}, {3, "2"}, {4, "1"}, {5, "0"}, {6, "0"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        open_world(&world, SL_BATCH_IN_ROLLING);
        world.input.kind = &kind;
        world.rollout.status.current_batch = 2;
        world.rollout.spec.plan.max_unavailable.value = rows[i].most;
        world.workload.spec = "{\"updateStrategy\":{\"partition\":3}}";
        for (int p = 0; p < PODS; p++) {
            set_pod(&world, p, false, true);
        }
        plan(&world);
        const struct sl_action *action = action_of(&world, SL_ACT_WORKLOAD);
        if (rows[i].partition == NULL) {
            assert_null(action);
        } else {
            const char *expected =
                sl_arena_printf(&world.arena, "{\"partition\":%s}", rows[i].partition);
            assert_non_null(action);
            assert_true(sl_str_is(action->fields[0].value, expected));
        }
        sl_arena_cleanup(&world.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hold_that_is_not_saved_is_saved_before_the_run_begins),
        cmocka_unit_test(a_run_is_over_when_nothing_of_it_is_left),
        cmocka_unit_test(the_controllers_pods_are_not_upgraded_in_place),
        cmocka_unit_test(a_partition_is_lowered_no_further_than_the_budget),
        cmocka_unit_test(a_template_comes_back_held_in_the_same_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
