/* core/rolling: one plan of what is seldom there: a Rollout that cannot be used, a StatefulSet that
 * does not begin at 0, more replicas than any cluster has. */
#include "rolling_world.h"

/* The text of a field that the plan writes to the workload; "" none. */
static const char *written(struct world *world, const char *field)
{
    for (size_t i = 0; i < world->plan.action_count; i++) {
        const struct sl_action *action = &world->plan.actions[i];
        for (size_t f = 0; action->kind == SL_ACT_WORKLOAD && f < action->field_count; f++) {
            if (sl_str_is(action->fields[f].path, field)) {
                return sl_arena_cstr(&world->arena, action->fields[f].value);
            }
        }
    }
    return "";
}

static void a_rollout_that_cannot_be_used_keeps_its_run(void **state)
{
    (void)state;
    for (int s = SL_VERIFYING_SPEC; s < SL_DELETING; s++) {
        struct world world;
        open_world(&world, (enum sl_state)s);
        world.rollout.spec = (struct sl_rollout){0};
        world.rollout.problem = "spec.rolloutPlan: required";
        world.input.kind = NULL;
        world.input.workload = NULL;
        world.input.pod_count = 0;
        plan(&world);
        assert_false(world.plan.stepped);
        assert_int_equal(world.plan.status.state, s);
        assert_int_equal(world.plan.status.phase, SL_DEGRADED);
        assert_non_null(strstr(world.plan.status.message.p, "rolloutPlan: required"));
        assert_int_equal(world.plan.action_count, 0); /* the finalizer stays, too */
        sl_arena_cleanup(&world.arena);
    }
}

static void a_run_ends_with_its_workload(void **state)
{
    (void)state;
    for (int s = SL_VERIFYING_SPEC; s < SL_DELETING; s++) {
        struct world world;
        open_world(&world, (enum sl_state)s);
        world.input.workload = NULL;
        world.input.pod_count = 0;
        plan(&world);
        assert_int_equal(world.plan.stepped, s != SL_SUCCEED);
        assert_int_equal(world.plan.status.state,
                         s == SL_ABANDONING || s == SL_SUCCEED ? SL_SUCCEED : SL_ABANDONING);
        assert_int_equal(count_actions(&world, SL_ACT_FINALIZER), s == SL_SUCCEED ? 1 : 0);
        sl_arena_cleanup(&world.arena);
    }
}

static void a_partition_counts_from_the_first_ordinal(void **state)
{
    (void)state;
    static const struct {
        enum sl_state state;
        int updated; /* from the top; the batch wants three */
        const char *written;
    } rows[] = {
        {SL_BATCH_IN_ROLLING, 2,
         "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":2}}"},
        {SL_BATCH_FINALIZING, 3,
         "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":2}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        open_world(&world, rows[i].state);
        world.rollout.spec.update = SL_RECREATE;
        world.workload.first_ordinal = 7;
        for (int p = 0; p < PODS; p++) {
            set_pod(&world, p, p >= PODS - rows[i].updated, true);
            world.pods[p].ordinal = p + 7;
        }
        plan(&world);
        assert_string_equal(written(&world, "updateStrategy"), rows[i].written);
        sl_arena_cleanup(&world.arena);
    }
}

static void pods_outside_the_ordinals_are_none_of_the_replicas(void **state)
{
    (void)state;
    static const int ordinals[] = {-1, 1, 5};
    for (size_t i = 0; i < sizeof ordinals / sizeof ordinals[0]; i++) {
        struct world world;
        open_world(&world, SL_BATCH_READY);
        world.workload.first_ordinal = 2;
        world.workload.replicas = 3;
        world.pods[0].ordinal = -1;
        world.pods[1].ordinal = ordinals[i]; /* both are outdated */
        plan(&world);
        assert_string_equal(world.plan.event, "BatchesDone");
        assert_int_equal(world.plan.status.updated, 3);
        sl_arena_cleanup(&world.arena);
    }
}

/* What is missing costs no budget: the partition passes it, up to the batch's target. */
static void missing_replicas_are_made_anew_updated(void **state)
{
    (void)state;
    static const struct {
        int there; /* pods from ordinal 0, none of them updated */
        int replicas, target;
        const char *written;
    } rows[] = {
        {5, 5, 1, "4"},
        {4, 5, 1, "4"},
        {2, 5, 2, "3"},
        {2, 5, 3, "2"},
        {2, 5, 4, "1"},
        {2, 5, 5, "1"},
        {5, 1000000000, 1, "999999999"},
        {0, 1000000000, 1000000000, "0"},
        {1, 1000000000, 1000000000, "0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        open_world(&world, SL_BATCH_IN_ROLLING);
        world.rollout.spec.update = SL_RECREATE;
        world.rollout.status.current_batch = 0;
        world.batches[0].replicas.value = rows[i].target;
        adopt_plan(&world);
        world.workload.replicas = rows[i].replicas;
        world.rollout.status.run.tolerated = rows[i].replicas - rows[i].there;
        world.input.pod_count = (size_t)rows[i].there;
        for (int p = 0; p < PODS; p++) {
            set_pod(&world, p, false, true);
        }
        plan(&world);
        const char *expected = sl_arena_printf(
            &world.arena, "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":%s}}",
            rows[i].written);
        assert_string_equal(written(&world, "updateStrategy"), expected);
        sl_arena_cleanup(&world.arena);
    }
}

/* In time: what counts replicas one by one would sit here for minutes. */
static void two_billion_replicas_are_planned_as_any_others(void **state)
{
    (void)state;
    static const char *const kinds[] = {"StatefulSet", "DaemonSet", "Deployment"};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (int s = SL_NEW; s < SL_DELETING; s++) {
            struct world world;
            open_world(&world, (enum sl_state)s);
            world.input.kind = sl_workload_by_kind(&(struct sl_workload_kinds){0}, SL_STR("apps"),
                                                   sl_str_from(kinds[k]));
            world.workload.replicas = INT32_MAX;
            world.workload.first_ordinal = INT32_MAX;
            world.revisions[0].replicas = INT32_MAX;
            world.revisions[1].replicas = INT32_MAX;
            plan(&world);
            for (size_t a = 0; a < world.plan.action_count; a++) {
                assert_true(world.plan.actions[a].replicas >= -1);
            }
            sl_arena_cleanup(&world.arena);
        }
    }
}

static void what_is_refused_is_said_wherever_the_run_is(void **state)
{
    (void)state;
    static const enum sl_state states[] = {SL_INITIALIZING, SL_FINALISING, SL_FAILING,
                                           SL_ABANDONING, SL_DELETING};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct world world;
        open_world(&world, states[i]);
        bool has_run = states[i] != SL_FINALISING;
        for (int p = 0; p < PODS; p++) {
            set_pod(&world, p, !has_run || p >= 2, true);
        }
        world.rollout.spec.on_failure = SL_ON_FAILURE_ROLLBACK;
        world.rollout.spec.has_order = true;
        world.rollout.spec.order = SL_ORDER_ABORT;
        world.rollout.spec.order_run = states[i] == SL_ABANDONING ? SL_STR("run1") : SL_STR("");
        world.rollout.has_finalizer = states[i] != SL_INITIALIZING;
        world.rollout.record.deleted = states[i] == SL_DELETING ? NOW : 0;
        world.input.action_error = "statefulsets \"web\" is forbidden";
        plan(&world);
        assert_false(world.plan.stepped);
        assert_true(world.plan.action_count > 0);
        if (strstr(world.plan.status.message.p, "refuses it: statefulsets") == NULL) {
            fail_msg("state %d: %s", states[i], world.plan.status.message.p);
        }
        sl_arena_cleanup(&world.arena);
    }
}

/* maxSurge and maxUnavailable of a batch of none would both be 0. */
static void a_deployment_without_replicas_gets_no_strategy_that_is_refused(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_BATCH_FINALIZING);
    world.input.kind =
        sl_workload_by_kind(&(struct sl_workload_kinds){0}, SL_STR("apps"), SL_STR("Deployment"));
    world.workload.spec = "{\"paused\":false,\"minReadySeconds\":2147483646,"
                          "\"progressDeadlineSeconds\":2147483647,\"strategy\":{\"type\":"
                          "\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":1,"
                          "\"maxUnavailable\":0}}}";
    world.workload.replicas = 0;
    world.rollout.status.run.update_revision = SL_STR("2222222222222222");
    world.input.pod_count = 0;
    plan(&world);
    assert_string_equal(written(&world, "strategy"), "");
    assert_string_equal(world.plan.event, "BatchReady");
    sl_arena_cleanup(&world.arena);
}

enum change {
    NOTHING,
    OUTDATED, /* all pods are at the old revision */
    UPDATED,  /* all are at the new one */
    NO_RUN,   /* all are at the new one, and there was no run */
    ROLLBACK, /* the run is one, and is aborted */
    PAUSED,
    BROKEN_OLD,   /* an outdated pod is out of service */
    BROKEN_SPARE, /* an updated one is, beyond the replicas */
    UNOWNED,      /* it has no finalizer */
    RIVAL,
    BROKEN_HEALED, /* what was tolerated is in service */
};

static void make_change(struct world *world, enum change change)
{
    bool all = change == UPDATED || change == NO_RUN;
    for (int p = 0; p < PODS && (all || change == OUTDATED); p++) {
        set_pod(world, p, all, true);
    }
    if (change == NO_RUN) {
        world->rollout.status.run = (struct sl_run){0};
    } else if (change == ROLLBACK) {
        world->rollout.status.current_batch = 0;
        world->rollout.status.batch_count = 1;
        world->rollout.status.run.stable_revision = SL_STR("web-new");
        world->rollout.spec.has_order = true;
        world->rollout.spec.order = SL_ORDER_ABORT;
        world->rollout.spec.order_run = SL_STR("run1");
    } else if (change == BROKEN_OLD) {
        set_pod(world, 0, false, false);
    } else if (change == BROKEN_SPARE) {
        world->input.kind = sl_workload_by_kind(&(struct sl_workload_kinds){0}, SL_STR("apps"),
                                                SL_STR("DaemonSet"));
        world->workload.replicas = PODS - 1;
        set_pod(world, 4, true, false);
        for (int p = 0; p < PODS; p++) {
            world->pods[p].revision = p < 2 ? "old" : "new";
        }
        world->rollout.status.run.update_revision = SL_STR("new");
    }
    world->rollout.spec.paused = change == PAUSED;
    world->rollout.has_finalizer = change != UNOWNED;
    world->input.rival = change == RIVAL ? "other" : NULL;
    world->rollout.status.run.tolerated = change == BROKEN_HEALED ? 3 : 0;
}

/* One plan in each row: what it steps to, "" where it does not. */
static void a_step_is_taken_only_when_all_that_it_needs_is_so(void **state)
{
    (void)state;
    static const struct {
        enum sl_state state;
        enum change change;
        const char *event;
    } rows[] = {
        {SL_SUCCEED, OUTDATED, "RunStarted"},
        {SL_SUCCEED, UPDATED, "NothingToRoll"},
        {SL_NEW, NO_RUN, "NothingToRoll"},
        {SL_FINALISING, NO_RUN, ""},
        {SL_FINALISING, NOTHING, "RunExtended"},
        {SL_BATCH_IN_ROLLING, ROLLBACK, ""},
        {SL_BATCH_IN_ROLLING, NOTHING, "BatchUpdated"},
        {SL_BATCH_IN_ROLLING, RIVAL, ""},
        {SL_INITIALIZING, NOTHING, "WorkloadHeld"},
        {SL_INITIALIZING, PAUSED, ""},
        {SL_INITIALIZING, UNOWNED, ""},
        {SL_BATCH_INITIALIZING, NOTHING, "BatchStarted"},
        {SL_BATCH_VERIFYING, NOTHING, "BatchVerified"},
        {SL_BATCH_VERIFYING, BROKEN_OLD, ""},
        {SL_BATCH_VERIFYING, BROKEN_SPARE, ""},
        {SL_BATCH_VERIFYING, OUTDATED, "BatchShort"},
        {SL_BATCH_READY, NOTHING, "NextBatch"},
        {SL_BATCH_READY, OUTDATED, "BatchShort"},
        {SL_ABANDONING, NOTHING, "RunResumed"},
        {SL_FAILING, NOTHING, "RunFailed"},
        {SL_FAILING, RIVAL, ""},
        {SL_BATCH_INITIALIZING, BROKEN_HEALED, "BatchStarted"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        enum change change = rows[i].change;
        open_world(&world, rows[i].state);
        make_change(&world, change);
        plan(&world);
        const char *event = world.plan.event == NULL ? "" : world.plan.event;
        if (strcmp(event, rows[i].event) != 0) {
            fail_msg("row %zu: %s: %s", i, event, world.plan.status.message.p);
        }
        assert_int_equal(world.plan.status.run.tolerated, 0);
        sl_arena_cleanup(&world.arena);
    }
}

static void a_run_knows_what_was_before_it(void **state)
{
    (void)state;
    static const struct {
        enum sl_state state;
        const char *last, *current, *update; /* revisions: of the last run, and of the workload */
        const char *stable, *failure;
        int broken, tolerated;
    } rows[] = {
        {SL_SUCCEED, "web-old", "web-old", "web-new", "web-old", "", 0, 0},
        {SL_SUCCEED, "web-old", "web-other", "web-new", "web-old", "", 2, 2},
        /* the last run is long past: nobody runs what it brought */
        {SL_SUCCEED, "web-gone", "web-old", "web-new", "web-old", "", 1, 1},
        {SL_SUCCEED, "web-gone", "", "web-new", "web-old", "", 0, 0},
        {SL_FAILING, "web-new", "web-old", "web-old", "web-old", "too slow", 1, 0},
        {SL_FAILING, "web-new", "web-old", "web-newer", "web-old", "", 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        open_world(&world, rows[i].state);
        struct sl_run *run = &world.rollout.status.run;
        for (int p = 0; p < PODS; p++) {
            set_pod(&world, p, false, p >= rows[i].broken);
        }
        world.pods[4].revision = rows[i].state == SL_FAILING ? "web-new" : "web-older";
        run->update_revision = sl_str_from(rows[i].last);
        run->stable_revision = SL_STR("web-old");
        run->failure = SL_STR("too slow");
        world.workload.current_revision = rows[i].current;
        world.workload.update_revision = rows[i].update;
        plan(&world);
        run = &world.plan.status.run;
        assert_int_equal(world.plan.status.state, SL_VERIFYING_SPEC);
        if (!sl_str_is(run->stable_revision, rows[i].stable) ||
            !sl_str_is(run->failure, rows[i].failure)) {
            fail_msg("row %zu: %.*s, %.*s", i, SL_STR_FMT(run->stable_revision),
                     SL_STR_FMT(run->failure));
        }
        assert_int_equal(run->tolerated, rows[i].tolerated);
        assert_true(sl_str_is(run->update_revision, rows[i].update));
        assert_int_equal(world.plan.status.current_batch, 0);
        sl_arena_cleanup(&world.arena);
    }
}

static void pods_that_are_finished_or_being_deleted_do_not_count(void **state)
{
    (void)state;
    for (int deleted = 0; deleted < 2; deleted++) {
        struct world world;
        open_world(&world, SL_BATCH_VERIFYING);
        world.pods[4].finished = deleted == 0;
        world.pods[4].record.deleted = deleted == 1 ? NOW : 0;
        plan(&world);
        assert_int_equal(world.plan.status.updated, 2);
        assert_int_equal(world.plan.status.updated_ready, 2);
        sl_arena_cleanup(&world.arena);
    }
}

static void what_is_promoted_is_one_last_batch(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, SL_BATCH_READY);
    world.rollout.spec.has_order = true;
    world.rollout.spec.order = SL_ORDER_PROMOTE;
    world.rollout.spec.order_run = SL_STR("run1");
    plan(&world);
    assert_string_equal(world.plan.event, "BatchShort");
    assert_int_equal(world.plan.status.batch_count, 2);
    assert_int_equal(world.plan.status.batches[0].target, 1);
    assert_int_equal(world.plan.status.batches[1].target, PODS);
    sl_arena_cleanup(&world.arena);
}

static void a_rollout_that_is_deleted_leaves_what_its_policy_says(void **state)
{
    (void)state;
    static const struct {
        enum sl_deletion policy;
        const char *rival;
        size_t workload, finalizer; /* actions */
    } rows[] = {
        {SL_DELETION_FREEZE, NULL, 0, 1},
        {SL_DELETION_PROMOTE, NULL, 1, 0}, /* the finalizer when that is done */
        {SL_DELETION_REVERT, NULL, 1, 0},
        {SL_DELETION_PROMOTE, "other", 0, 1}, /* it is the rival's to let go */
        {SL_DELETION_REVERT, "other", 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        open_world(&world, SL_DELETING);
        world.rollout.record.deleted = NOW;
        world.rollout.spec.deletion_policy = (int)rows[i].policy;
        world.input.rival = rows[i].rival;
        plan(&world);
        assert_false(world.plan.stepped);
        assert_int_equal(count_actions(&world, SL_ACT_WORKLOAD), rows[i].workload);
        assert_int_equal(count_actions(&world, SL_ACT_FINALIZER), rows[i].finalizer);
        sl_arena_cleanup(&world.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rollout_that_cannot_be_used_keeps_its_run),
        cmocka_unit_test(a_run_ends_with_its_workload),
        cmocka_unit_test(a_partition_counts_from_the_first_ordinal),
        cmocka_unit_test(pods_outside_the_ordinals_are_none_of_the_replicas),
        cmocka_unit_test(missing_replicas_are_made_anew_updated),
        cmocka_unit_test(two_billion_replicas_are_planned_as_any_others),
        cmocka_unit_test(a_step_is_taken_only_when_all_that_it_needs_is_so),
        cmocka_unit_test(a_run_knows_what_was_before_it),
        cmocka_unit_test(pods_that_are_finished_or_being_deleted_do_not_count),
        cmocka_unit_test(what_is_promoted_is_one_last_batch),
        cmocka_unit_test(a_rollout_that_is_deleted_leaves_what_its_policy_says),
        cmocka_unit_test(what_is_refused_is_said_wherever_the_run_is),
        cmocka_unit_test(a_deployment_without_replicas_gets_no_strategy_that_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
