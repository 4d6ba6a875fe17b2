/* What the planner is told of a Rollout, and whose Rollout a change concerns, from objects as the
 * API server sends them. */
#include "fake_caches.h"

#include "run/reconciler/fleet.h"

static const struct sl_workload_kind clone_set = {
    .group = SL_STR_INIT("apps.kruise.io"),
    .kind = SL_STR_INIT("CloneSet"),
    .resource = SL_STR_INIT("clonesets"),
    .hold = {.field = SL_STR_INIT("updateStrategy"),
             .path = SL_STR_INIT("partition"),
             .value = SL_STR_INIT("\"100%\"")},
};
static const struct sl_workload_kinds kinds = {.items = &clone_set, .count = 1};
static const struct sl_str versions[] = {SL_STR_INIT("v1alpha1")};

#define OWNED_BY(uid)                                                                              \
    "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"K\",\"name\":\"n\",\"uid\":\"" uid     \
    "\",\"controller\":true}]"
#define META(name, uid, more)                                                                      \
    "{\"metadata\":{\"namespace\":\"shop\",\"name\":\"" name "\",\"uid\":\"" uid                   \
    "\",\"resourceVersion\":\"1\"" more "}"
#define TEMPLATE                                                                                   \
    "{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[{\"name\":\"web\","    \
    "\"image\":\"web:1\"}]}}"
#define ROLLOUT(name, uid, api_version, kind, workload)                                            \
    META(name, uid, "")                                                                            \
    ",\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"Rollout\",\"spec\":{\"workloadRef\":{"     \
    "\"apiVersion\":\"" api_version "\",\"kind\":\"" kind "\",\"name\":\"" workload                \
    "\"},\"rolloutPlan\":{\"batchSize\":1}}}"
#define WORKLOAD(name, uid)                                                                        \
    META(name, uid, "") ",\"spec\":{\"replicas\":2,\"template\":" TEMPLATE "}}"
#define REPLICA_SET(name, uid, owner)                                                              \
    META(name, uid, "," OWNED_BY(owner)) ",\"spec\":{\"replicas\":1,\"template\":" TEMPLATE "}}"
#define REVISION(name, uid, owner)                                                                 \
    META(name, uid, "," OWNED_BY(owner))                                                           \
    ",\"revision\":1,\"data\":{\"spec\":{\"template\":" TEMPLATE "}}}"
#define POD(name, uid, owner)                                                                      \
    META(name, uid, "," OWNED_BY(owner))                                                           \
    ",\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":\"web:1\"}]}}"

#define POLICY(generation)                                                                         \
    META("web", "t", ",\"generation\":" generation)                                                \
    ",\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"web\"}}}}"

struct fixture {
    struct sl_fleet *fleet;
    struct sl_arena arena;
    struct sl_roll_input input;
};

static int setup(void **state)
{
    const struct sl_fleet_options options = {
        .workloads = &kinds, .workload_versions = versions, .ns = SL_STR("shop"), .seed = 1};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->fleet = sl_fleet_open(&options);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sl_fleet_close(fixture->fleet);
    sl_arena_cleanup(&fixture->arena);
    free(fixture);
    return 0;
}

static struct sl_target *target(const struct fixture *fixture, const char *name)
{
    struct sl_targets *targets = sl_fleet_targets(fixture->fleet);
    for (size_t i = 0; i < sl_targets_count(targets); i++) {
        if (strcmp(sl_targets_at(targets, i)->name, name) == 0) {
            return sl_targets_at(targets, i);
        }
    }
    return NULL;
}

/* What the planner is told; nothing is dirty afterwards. */
static const struct sl_roll_input *input(struct fixture *fixture, const char *name)
{
    struct sl_targets *targets = sl_fleet_targets(fixture->fleet);
    assert_true(
        sl_fleet_input(fixture->fleet, target(fixture, name), &fixture->arena, &fixture->input));
    for (size_t i = 0; i < sl_targets_count(targets); i++) {
        sl_targets_at(targets, i)->due.dirty = false;
    }
    return &fixture->input;
}

static void every_resource_is_cached_in_the_namespace_alone(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const names[] = {
        "rollouts.sluice.dev",
        "replicasets.apps",
        "controllerrevisions.apps",
        "pods",
        "trafficpolicies.sluice.dev",
        "poddisruptionbudgets.policy",
        "deployments.apps",
        "statefulsets.apps",
        "daemonsets.apps",
        "clonesets.apps.kruise.io",
    };
    struct sl_fleet_resource resource;
    size_t count = 0;
    for (; sl_fleet_resource(fixture->fleet, count, &resource); count++) {
        assert_string_equal(resource.name, names[count]);
        assert_string_equal(resource.error, "away");
        assert_int_equal(resource.stale_since, 5);
        assert_true(sl_str_is(fakes.caches[count]->options.ns, "shop"));
    }
    assert_int_equal(count, sizeof names / sizeof names[0]);
    assert_true(sl_str_is(fake_cache("clonesets")->options.resource.version, "v1alpha1"));
    assert_int_equal(sl_fleet_due(fixture->fleet), 7);
}

static void it_is_synced_when_every_cache_is(void **state)
{
    const struct fixture *fixture = *state;
    for (size_t i = 0; i < fakes.count; i++) {
        assert_false(sl_fleet_synced(fixture->fleet));
        fakes.caches[i]->synced = true;
    }
    assert_true(sl_fleet_synced(fixture->fleet));
}

static void what_was_not_heard_of_for_long_is_not_acted_on(void **state)
{
    const struct fixture *fixture = *state;
    int64_t since = 5; /* what every cache says */
    assert_true(sl_fleet_is_current(fixture->fleet, since + SL_FLEET_STALE - 1));
    assert_false(sl_fleet_is_current(fixture->fleet, since + SL_FLEET_STALE));
}

static void pods_of_a_stateful_set_are_its_own(void **state)
{
    fake_put("rollouts", ROLLOUT("web", "r", "apps/v1", "StatefulSet", "web"));
    fake_put("statefulsets", WORKLOAD("web", "set"));
    fake_put("statefulsets", WORKLOAD("other", "other"));
    fake_put("controllerrevisions", REVISION("web-1", "c1", "set"));
    fake_put("controllerrevisions", REVISION("web-2", "c2", "set"));
    fake_put("controllerrevisions", REVISION("other-1", "c3", "other"));
    fake_put("pods", POD("web-0", "p0", "set"));
    fake_put("pods", POD("other-0", "p1", "other"));
    const struct sl_roll_input *seen = input(*state, "web");
    assert_string_equal(seen->rollout->record.uid, "r");
    assert_string_equal(seen->workload->record.uid, "set");
    assert_true(sl_str_is(seen->kind->kind, "StatefulSet"));
    assert_null(seen->rival);
    assert_int_equal(seen->revision_count, 2);
    assert_int_equal(seen->pod_count, 1);
    assert_string_equal(seen->pods[0]->record.name, "web-0");
}

static void pods_of_a_deployment_are_those_of_its_replica_sets(void **state)
{
    fake_put("rollouts", ROLLOUT("web", "r", "apps/v1", "Deployment", "web"));
    fake_put("deployments", WORKLOAD("web", "d"));
    fake_put("replicasets", REPLICA_SET("web-a", "a", "d"));
    fake_put("replicasets", REPLICA_SET("web-b", "b", "d"));
    fake_put("replicasets", REPLICA_SET("other-c", "c", "o"));
    fake_put("pods", POD("web-a-1", "p1", "a"));
    fake_put("pods", POD("web-b-1", "p2", "b"));
    fake_put("pods", POD("web-b-2", "p3", "b"));
    fake_put("pods", POD("other-c-1", "p4", "c"));
    fake_put("pods", POD("odd", "p5", "d")); /* no pod of a Deployment's is its own */
    const struct sl_roll_input *seen = input(*state, "web");
    assert_int_equal(seen->revision_count, 2);
    assert_true(seen->revisions[0]->replica_set);
    assert_int_equal(seen->pod_count, 3);
}

static void a_kind_of_the_configuration_is_found_by_its_group(void **state)
{
    fake_put("rollouts", ROLLOUT("web", "r", "apps.kruise.io/v1beta1", "CloneSet", "web"));
    fake_put("clonesets", WORKLOAD("web", "clones"));
    fake_put("pods", POD("web-1", "p1", "clones"));
    const struct sl_roll_input *seen = input(*state, "web");
    assert_ptr_equal(seen->kind, &clone_set);
    assert_string_equal(seen->workload->record.uid, "clones");
    assert_int_equal(seen->pod_count, 1);
}

static void what_is_not_there_is_said_to_be_missing(void **state)
{
    struct fixture *fixture = *state;
    fake_put("rollouts", ROLLOUT("web", "r", "apps/v1", "StatefulSet", "web"));
    fake_put("rollouts", ROLLOUT("job", "r2", "batch/v1", "Job", "web"));
    assert_null(input(fixture, "web")->workload);
    assert_non_null(fixture->input.kind);
    assert_null(input(fixture, "job")->kind);
    assert_string_not_equal(fixture->input.rollout->problem, "");
    fake_put("statefulsets", WORKLOAD("web", "set"));
    assert_true(target(fixture, "web")->due.dirty);
    assert_false(target(fixture, "job")->due.dirty);
    sl_fleet_forget(fixture->fleet, SL_STR("sluice.dev"), SL_STR("rollouts"), SL_STR("shop"),
                    SL_STR("web"), "r");
    assert_false(
        sl_fleet_input(fixture->fleet, target(fixture, "web"), &fixture->arena, &fixture->input));
    sl_fleet_turn(fixture->fleet, 0);
    assert_null(target(fixture, "web"));
}

static void what_is_owned_leads_to_the_rollout_of_the_workload(void **state)
{
    struct fixture *fixture = *state;
    fake_put("rollouts", ROLLOUT("web", "r", "apps/v1", "Deployment", "web"));
    fake_put("deployments", WORKLOAD("web", "d"));
    fake_put("replicasets", REPLICA_SET("web-a", "a", "d"));
    (void)input(fixture, "web");

    fake_put("pods", POD("web-a-1", "p1", "a"));
    assert_true(target(fixture, "web")->due.dirty);
    (void)input(fixture, "web");
    fake_put("pods", POD("other-1", "p2", "c"));
    assert_false(target(fixture, "web")->due.dirty);

    /* a pod before its ReplicaSet: the ReplicaSet brings it */
    fake_put("pods", POD("web-b-1", "p3", "b"));
    assert_false(target(fixture, "web")->due.dirty);
    fake_put("replicasets", REPLICA_SET("web-b", "b", "d"));
    assert_true(target(fixture, "web")->due.dirty);
    assert_int_equal(input(fixture, "web")->pod_count, 2);

    /* a pod that is taken away from it, and one that is gone */
    fake_put("pods", POD("web-a-1", "p1", "elsewhere"));
    assert_true(target(fixture, "web")->due.dirty);
    assert_int_equal(input(fixture, "web")->pod_count, 1);
    sl_fleet_forget(fixture->fleet, SL_STR(""), SL_STR("pods"), SL_STR("shop"), SL_STR("web-b-1"),
                    "p3");
    assert_true(target(fixture, "web")->due.dirty);
    assert_int_equal(input(fixture, "web")->pod_count, 0);
}

/* Both may say that its pods are not to be touched yet. */
static void a_policy_and_a_budget_lead_to_the_rollouts_of_their_namespace(void **state)
{
    struct fixture *fixture = *state;
    fake_put("rollouts", ROLLOUT("web", "r", "apps/v1", "StatefulSet", "web"));
    (void)input(fixture, "web");
    fake_put("trafficpolicies", POLICY("1"));
    assert_true(target(fixture, "web")->due.dirty);
    (void)input(fixture, "web");
    fake_put("trafficpolicies", POLICY("1")); /* its status alone, which is written every second */
    assert_false(target(fixture, "web")->due.dirty);
    fake_put("trafficpolicies", POLICY("2"));
    assert_true(target(fixture, "web")->due.dirty);
    (void)input(fixture, "web");
    fake_put("poddisruptionbudgets", META("few", "b", "") "}");
    assert_true(target(fixture, "web")->due.dirty);
}

static void a_second_rollout_of_the_workload_has_a_rival(void **state)
{
    struct fixture *fixture = *state;
    fake_put("rollouts", ROLLOUT("web", "r", "apps/v1", "StatefulSet", "web"));
    fake_put("rollouts", ROLLOUT("a-web", "r2", "apps/v1", "StatefulSet", "web"));
    assert_null(input(fixture, "a-web")->rival);
    assert_string_equal(input(fixture, "web")->rival, "a-web");
}

static void an_answer_enters_the_cache_of_its_resource(void **state)
{
    struct fixture *fixture = *state;
    const char *pod = POD("web-0", "p0", "set");
    sl_fleet_put(fixture->fleet, SL_STR(""), SL_STR("pods"), sl_str_from(pod));
    assert_int_equal(fake_cache("pods")->count, 1);
    sl_fleet_put(fixture->fleet, SL_STR("batch"), SL_STR("pods"), sl_str_from(pod));
    assert_int_equal(fake_cache("pods")->count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_resource_is_cached_in_the_namespace_alone),
        TEST(it_is_synced_when_every_cache_is),
        TEST(what_was_not_heard_of_for_long_is_not_acted_on),
        TEST(pods_of_a_stateful_set_are_its_own),
        TEST(pods_of_a_deployment_are_those_of_its_replica_sets),
        TEST(a_kind_of_the_configuration_is_found_by_its_group),
        TEST(what_is_not_there_is_said_to_be_missing),
        TEST(what_is_owned_leads_to_the_rollout_of_the_workload),
        TEST(a_policy_and_a_budget_lead_to_the_rollouts_of_their_namespace),
        TEST(a_second_rollout_of_the_workload_has_a_rival),
        TEST(an_answer_enters_the_cache_of_its_resource),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
