/* A rollout has pods leave traffic before it touches them: whom it asks, how many, and what becomes
 * of those that it does not need any more. */
#include "rolling_world.h"

#include "core/names.h"

static struct sl_roll_traffic traffic[PODS];
static const struct sl_traffic_policy policy = {.name = SL_STR_INIT("web"),
                                                .drain = {.timeout = 60}};

/* web-0 and web-1 are outdated; the batch wants one more of them at the new revision. */
static void open_managed(struct world *world, enum sl_state state)
{
    open_world(world, state);
    world->rollout.status.updated = 3;
    world->rollout.status.current_batch = 2;
    world->rollout.status.batches[1].finished = LONG_AGO;
    world->rollout.spec.plan.max_unavailable = (struct sl_intstr){.value = 2};
    for (size_t i = 0; i < PODS; i++) {
        traffic[i] =
            (struct sl_roll_traffic){.policy = &policy, .disruptions = INT32_MAX, .budget = ""};
        world->pods[i].traffic = SL_REASON_IN_SERVICE;
        world->pods[i].traffic_ready = true;
        world->pods[i].gate = true;
    }
    world->input.traffic = traffic;
}

static void leave(struct world *world, int pod, const char *state, const char *drain)
{
    world->pods[pod].traffic = state;
    world->pods[pod].traffic_ready = strcmp(state, SL_REASON_IN_SERVICE) == 0;
    world->pods[pod].drain = drain;
}

#define OF_RUN                                                                                     \
    "{\"op\":\"upgrade\",\"id\":\"run1\",\"since\":\"2026-09-21T14:13:19Z\","                      \
    "\"deadline\":\"2026-09-21T14:14:19Z\"}"
#define OF_OTHER_RUN                                                                               \
    "{\"op\":\"upgrade\",\"id\":\"run0\",\"since\":\"2026-09-21T14:13:19Z\","                      \
    "\"deadline\":\"2026-09-21T14:14:19Z\"}"
#define TO_BE_DELETED                                                                              \
    "{\"op\":\"delete\",\"id\":\"run1\",\"since\":\"2026-09-21T14:13:19Z\","                       \
    "\"deadline\":\"2026-09-21T14:14:19Z\"}"
#define OF_EVICTION                                                                                \
    "{\"op\":\"evict\",\"id\":\"e\",\"since\":\"2026-09-21T14:13:19Z\","                           \
    "\"deadline\":\"2026-09-21T14:14:19Z\"}"

static size_t count_drains(const struct world *world, bool on)
{
    size_t count = 0;
    for (size_t i = 0; i < world->plan.action_count; i++) {
        const struct sl_action *action = &world->plan.actions[i];
        count += action->kind == SL_ACT_POD_DRAIN && action->on == on ? 1 : 0;
    }
    return count;
}

static void a_pod_is_asked_to_leave_and_patched_when_it_has(void **state)
{
    (void)state;
    struct world world;
    static const struct {
        const char *state, *drain; /* of web-1 */
        size_t asked, upgraded;    /* of web-0 and web-1 */
    } rows[] = {
        {SL_REASON_IN_SERVICE, "", 2, 0},
        {SL_REASON_IN_SERVICE, OF_RUN, 1, 0},
        {SL_REASON_DRAINING, OF_RUN, 1, 0},
        {SL_REASON_DRAINED, OF_RUN, 1, 1},
        {SL_REASON_DRAINED, OF_OTHER_RUN, 2, 0}, /* taken over first */
        {SL_REASON_DRAINED, TO_BE_DELETED, 2, 0},
        {SL_REASON_DRAINED, OF_EVICTION, 1, 0}, /* somebody else's */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_managed(&world, SL_BATCH_IN_ROLLING);
        leave(&world, 1, rows[i].state, rows[i].drain);
        plan(&world);
        if (count_drains(&world, true) != rows[i].asked ||
            count_actions(&world, SL_ACT_POD_UPGRADE) != rows[i].upgraded ||
            count_drains(&world, false) != 0) {
            fail_msg("%s %s: asks %zu, upgrades %zu, returns %zu", rows[i].state, rows[i].drain,
                     count_drains(&world, true), count_actions(&world, SL_ACT_POD_UPGRADE),
                     count_drains(&world, false));
        }
        sl_arena_cleanup(&world.arena);
    }
}

static void no_more_are_asked_than_max_unavailable_and_the_budgets_let(void **state)
{
    (void)state;
    struct world world;
    static const struct {
        int32_t max_unavailable, disruptions;
        size_t asked;
        const char *message;
    } rows[] = {
        {2, INT32_MAX, 2, ""},
        {1, INT32_MAX, 1, ""},
        {2, 2, 2, ""},
        {2, 1, 1, ""},
        {2, 0, 0, "waits for PodDisruptionBudget few to have room"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_managed(&world, SL_BATCH_IN_ROLLING);
        world.rollout.spec.plan.max_unavailable.value = rows[i].max_unavailable;
        for (size_t p = 0; p < PODS; p++) {
            traffic[p].disruptions = rows[i].disruptions;
            traffic[p].budget = "few";
        }
        plan(&world);
        assert_int_equal(count_drains(&world, true), rows[i].asked);
        assert_non_null(strstr(world.plan.status.message.p, rows[i].message));
        sl_arena_cleanup(&world.arena);
    }
}

static void a_pod_that_leaves_counts_as_out_of_service(void **state)
{
    (void)state;
    struct world world;
    open_managed(&world, SL_BATCH_IN_ROLLING);
    world.rollout.spec.plan.max_unavailable.value = 1;
    leave(&world, 1, SL_REASON_IN_SERVICE, OF_RUN); /* its gate is about to flip: it is Ready yet */
    plan(&world);
    assert_int_equal(count_drains(&world, true), 0);
    sl_arena_cleanup(&world.arena);
    open_managed(&world, SL_BATCH_IN_ROLLING);
    world.rollout.spec.plan.max_unavailable.value = 1;
    leave(&world, 3, SL_REASON_IN_SERVICE, OF_EVICTION); /* one that the run has done with, too */
    plan(&world);
    assert_int_equal(count_drains(&world, true), 0);
    sl_arena_cleanup(&world.arena);
}

static void what_a_run_does_not_need_any_more_returns(void **state)
{
    (void)state;
    struct world world;
    static const struct {
        enum sl_state state;
        bool paused, updated, upgrading;
        const char *drain;
        size_t returned;
    } rows[] = {
        {SL_BATCH_IN_ROLLING, .drain = OF_RUN},
        {SL_BATCH_IN_ROLLING, .drain = OF_RUN, .paused = true, .returned = 1},
        {SL_BATCH_IN_ROLLING, .drain = OF_EVICTION, .paused = true},
        {SL_FAILED, .drain = OF_RUN, .returned = 1},
        {SL_BATCH_IN_ROLLING, .drain = OF_RUN, .updated = true, .returned = 1},
        {SL_BATCH_IN_ROLLING, .drain = OF_RUN, .updated = true, .upgrading = true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_managed(&world, rows[i].state);
        world.rollout.spec.paused = rows[i].paused;
        leave(&world, 1, SL_REASON_DRAINED, rows[i].drain);
        if (rows[i].updated) {
            world.pods[1].revision = "web-new";
        }
        if (rows[i].upgrading) {
            world.pods[1].upgrade = "{\"run\":\"run1\",\"revision\":\"web-new\",\"since\":"
                                    "\"2026-09-21T14:13:19Z\",\"containers\":{}}";
            world.pods[1].containers_ready = false;
        }
        plan(&world);
        if (count_drains(&world, false) != rows[i].returned) {
            fail_msg("row %zu: %zu return", i, count_drains(&world, false));
        }
        sl_arena_cleanup(&world.arena);
    }
}

#define UPGRADED                                                                                   \
    "{\"run\":\"run1\",\"revision\":\"web-new\",\"since\":\"2026-09-21T14:13:19Z\","               \
    "\"containers\":{}}"

/* web-1 is out of traffic, and was patched. */
static void upgrade(struct world *world, const char *revision, bool done)
{
    leave(world, 1, SL_REASON_UPGRADING, OF_RUN);
    world->pods[1].revision = revision;
    world->pods[1].upgrade = UPGRADED;
    world->pods[1].containers_ready = done;
}

static void a_deleted_rollout_goes_when_no_pod_is_left_out_of_traffic(void **state)
{
    (void)state;
    struct world world;
    static const struct {
        size_t ends; /* upgrades */
        bool upgrading, done, outdated, late;
        bool finalizer; /* comes off */
    } rows[] = {
        {.finalizer = true},
        {.upgrading = true},
        {.upgrading = true, .done = true, .ends = 1},
        {.upgrading = true, .done = true, .outdated = true, .ends = 1},
        {.upgrading = true, .late = true, .ends = 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_managed(&world, SL_DELETING);
        world.rollout.record.deleted = NOW;
        if (rows[i].upgrading) {
            upgrade(&world, rows[i].outdated ? "web-old" : "web-new", rows[i].done);
        }
        world.rollout.status.run.progressed = rows[i].late ? LONG_AGO : NOW;
        world.rollout.status.updated = rows[i].outdated || !rows[i].upgrading ? 3 : 4;
        plan(&world);
        if (count_actions(&world, SL_ACT_POD_DONE) != rows[i].ends ||
            count_actions(&world, SL_ACT_FINALIZER) != (rows[i].finalizer ? 1 : 0)) {
            fail_msg("row %zu: %zu end, %zu finalizers", i, count_actions(&world, SL_ACT_POD_DONE),
                     count_actions(&world, SL_ACT_FINALIZER));
        }
        assert_true(rows[i].late || rows[i].finalizer || world.plan.again > NOW);
        assert_int_equal(strstr(world.plan.status.message.p, "waits for pod web-1") != NULL,
                         rows[i].upgrading);
        sl_arena_cleanup(&world.arena);
    }
}

static void a_pod_upgraded_to_what_is_outdated_returns_unless_it_goes_on_at_once(void **state)
{
    (void)state;
    struct world world;
    for (int paused = 0; paused < 2; paused++) {
        open_managed(&world, SL_BATCH_IN_ROLLING);
        world.rollout.spec.paused = paused == 1;
        upgrade(&world, "web-old", true);
        plan(&world);
        assert_int_equal(count_actions(&world, SL_ACT_POD_UPGRADE), paused == 1 ? 0 : 1);
        assert_int_equal(count_actions(&world, SL_ACT_POD_DONE), paused == 1 ? 1 : 0);
        sl_arena_cleanup(&world.arena);
    }
}

static void what_another_rollout_rolls_now_or_an_invalid_one_has_taken_out_returns(void **state)
{
    (void)state;
    struct world world;
    for (int rival = 0; rival < 2; rival++) {
        open_managed(&world, SL_BATCH_IN_ROLLING);
        world.input.rival = rival == 1 ? "other" : NULL;
        world.rollout.problem = rival == 1 ? "" : "spec.rolloutPlan is wrong";
        leave(&world, 1, SL_REASON_DRAINED, OF_RUN);
        plan(&world);
        assert_int_equal(count_drains(&world, false), 1);
        sl_arena_cleanup(&world.arena);
    }
}

static void pods_made_anew_leave_traffic_side_by_side(void **state)
{
    (void)state;
    struct world world;
    open_managed(&world, SL_BATCH_IN_ROLLING);
    world.rollout.spec.update = SL_RECREATE;
    plan(&world);
    assert_int_equal(count_drains(&world, true), 2);
    assert_int_equal(count_actions(&world, SL_ACT_WORKLOAD), 0);
    leave(&world, 0, SL_REASON_DRAINED, OF_RUN); /* the lower one first: the partition waits */
    leave(&world, 1, SL_REASON_DRAINING, OF_RUN);
    plan(&world);
    assert_int_equal(count_actions(&world, SL_ACT_WORKLOAD), 0);
    leave(&world, 1, SL_REASON_DRAINED, OF_RUN);
    plan(&world);
    assert_int_equal(count_actions(&world, SL_ACT_WORKLOAD), 1);
    sl_arena_cleanup(&world.arena);
}

/* The partition takes what is missing below it along, and would take the pod above that, too. */
static void a_missing_pod_does_not_hurry_the_one_above_it(void **state)
{
    (void)state;
    struct world world;
    open_managed(&world, SL_BATCH_IN_ROLLING);
    world.rollout.spec.update = SL_RECREATE;
    world.input.pods = &world.pod_list[1]; /* web-0 is not there */
    world.input.pod_count = PODS - 1;
    leave(&world, 1, SL_REASON_DRAINING, OF_RUN);
    plan(&world);
    assert_int_equal(count_actions(&world, SL_ACT_WORKLOAD), 0);
    leave(&world, 1, SL_REASON_DRAINED, OF_RUN);
    plan(&world);
    assert_int_equal(count_actions(&world, SL_ACT_WORKLOAD), 1);
    sl_arena_cleanup(&world.arena);
}

/* A controller that goes in order replaces nothing while a pod is not Ready, and a drained one is
 * not. */
static void what_has_left_and_was_given_to_the_controller_is_deleted(void **state)
{
    (void)state;
    struct world world;
    static const struct {
        const char *state;
        int64_t observed; /* generation of the workload, of 2 */
        bool in_place;
        size_t deleted;
    } rows[] = {
        {SL_REASON_DRAINED, 2, false, 1},
        {SL_REASON_DRAINED, 1, false, 0}, /* it would be made anew at the old revision */
        {SL_REASON_DRAINING, 2, false, 0},
        {SL_REASON_DRAINED, 2, true, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_managed(&world, SL_BATCH_IN_ROLLING);
        world.rollout.spec.update = rows[i].in_place ? SL_IN_PLACE_IF_POSSIBLE : SL_RECREATE;
        world.workload.spec = "{\"updateStrategy\":{\"type\":\"RollingUpdate\","
                              "\"rollingUpdate\":{\"partition\":1}}}";
        world.workload.observed_generation = rows[i].observed;
        leave(&world, 1, rows[i].state, OF_RUN);
        plan(&world);
        if (count_actions(&world, SL_ACT_POD_DELETE) != rows[i].deleted) {
            fail_msg("row %zu: deletes %zu", i, count_actions(&world, SL_ACT_POD_DELETE));
        }
        sl_arena_cleanup(&world.arena);
    }
}

static void a_ready_pod_spends_budget_before_min_ready_seconds(void **state)
{
    (void)state;
    struct world world;
    open_managed(&world, SL_BATCH_IN_ROLLING);
    world.rollout.spec.plan.min_ready = 10;
    world.pods[1].ready_since = NOW - 5 * SL_NS_PER_S;
    for (size_t p = 0; p < PODS; p++) {
        traffic[p].disruptions = 1;
    }
    plan(&world);
    assert_int_equal(count_drains(&world, true), 1);
    sl_arena_cleanup(&world.arena);
}

/* The lower one is not Ready and would cost nothing, but goes after the one that has no room. */
static void no_lower_pod_is_drained_before_the_next_to_go(void **state)
{
    (void)state;
    struct world world;
    open_managed(&world, SL_BATCH_IN_ROLLING);
    world.rollout.spec.update = SL_RECREATE;
    world.pods[0].ready_since = 0;
    world.pods[0].unready_since = LONG_AGO;
    leave(&world, 0, SL_REASON_JOINING, "");
    traffic[1].disruptions = 0;
    traffic[1].budget = "few";
    plan(&world);
    assert_int_equal(count_drains(&world, true), 0);
    sl_arena_cleanup(&world.arena);
}

static void an_upgrade_that_another_run_took_the_place_of_is_ended(void **state)
{
    (void)state;
    struct world world;
    for (int in_place = 0; in_place < 2; in_place++) {
        open_managed(&world, SL_BATCH_IN_ROLLING);
        world.rollout.spec.update = in_place == 1 ? SL_IN_PLACE_IF_POSSIBLE : SL_RECREATE;
        leave(&world, 1, SL_REASON_UPGRADING, OF_OTHER_RUN);
        world.pods[1].ready_since = 0;
        world.pods[1].unready_since = LONG_AGO;
        world.pods[1].upgrade = "{\"run\":\"run0\",\"revision\":\"web-other\",\"since\":"
                                "\"2026-09-21T12:13:19Z\",\"containers\":{}}";
        plan(&world);
        assert_int_equal(count_actions(&world, SL_ACT_POD_DONE), 1 - in_place);
        assert_int_equal(count_actions(&world, SL_ACT_POD_UPGRADE), in_place);
        sl_arena_cleanup(&world.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_is_asked_to_leave_and_patched_when_it_has),
        cmocka_unit_test(no_more_are_asked_than_max_unavailable_and_the_budgets_let),
        cmocka_unit_test(a_pod_that_leaves_counts_as_out_of_service),
        cmocka_unit_test(what_a_run_does_not_need_any_more_returns),
        cmocka_unit_test(a_deleted_rollout_goes_when_no_pod_is_left_out_of_traffic),
        cmocka_unit_test(a_pod_upgraded_to_what_is_outdated_returns_unless_it_goes_on_at_once),
        cmocka_unit_test(what_another_rollout_rolls_now_or_an_invalid_one_has_taken_out_returns),
        cmocka_unit_test(pods_made_anew_leave_traffic_side_by_side),
        cmocka_unit_test(a_missing_pod_does_not_hurry_the_one_above_it),
        cmocka_unit_test(what_has_left_and_was_given_to_the_controller_is_deleted),
        cmocka_unit_test(no_lower_pod_is_drained_before_the_next_to_go),
        cmocka_unit_test(an_upgrade_that_another_run_took_the_place_of_is_ended),
        cmocka_unit_test(a_ready_pod_spends_budget_before_min_ready_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
