/* A snapshot that includes another: what both hold is found, by one order of names. */
#include "support.h"

#define POLICY(name, label)                                                                        \
    "apiVersion: sluice.dev/v1alpha1\nkind: TrafficPolicy\n"                                       \
    "metadata: {name: " name ", namespace: shop}\nspec: {selector: {matchLabels: {" label          \
    ": ''}}}\n---\n"
#define ROLLOUT(name, of)                                                                          \
    "apiVersion: sluice.dev/v1alpha1\nkind: Rollout\n"                                             \
    "metadata: {name: " name ", namespace: shop}\nspec: {workloadRef: {apiVersion: apps/v1, "      \
    "kind: Deployment, name: " of "}, rolloutPlan: {batchSize: 1}}\n---\n"
#define NAMESPACE(name, managed)                                                                   \
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: " name                                      \
    ", labels: {sluice.dev/managed: '" managed "'}}\n---\n"

static void add(struct sl_snapshot *snapshot, const char *yaml, struct sl_problems *problems)
{
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    assert_int_equal(sl_yaml_parse(sl_str_from(yaml), &docs, NULL), 0);
    for (size_t i = 0; i < sl_yaml_count(docs); i++) {
        sl_snapshot_add(snapshot, sl_yaml_root(docs, i), &config.workloads, problems);
    }
}

static const char *match(const struct sl_snapshot *snapshot, const char *label,
                         const struct sl_traffic_policy **ret_second)
{
    struct sl_label labels[] = {{.key = sl_str_from(label), .value = SL_STR("")}};
    const struct sl_traffic_policy *policy = sl_snapshot_match(
        snapshot, SL_STR("shop"), (struct sl_labels){.items = labels, .count = 1}, ret_second);
    return policy == NULL ? NULL : policy->name.p;
}

static const char *rollout_of(const struct sl_snapshot *snapshot, const char *deployment)
{
    const struct sl_rollout *rollout = sl_snapshot_rollout(
        snapshot, SL_STR("shop"), SL_STR("apps"), SL_STR("Deployment"), sl_str_from(deployment));
    return rollout == NULL ? NULL : rollout->name.p;
}

static void what_both_hold_is_found_also_when_the_included_one_was_closed_first(void **state)
{
    (void)state;
    struct sl_snapshot *files = open_policies(
        POLICY("m", "one") ROLLOUT("m", "web") NAMESPACE("shop", "true") NAMESPACE("old", "true"));
    SL_AUTO(sl_snapshot) struct sl_snapshot *both = sl_snapshot_open();
    struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(both));
    sl_snapshot_include(both, files);
    add(both, POLICY("a", "one") POLICY("z", "two") ROLLOUT("a", "web") ROLLOUT("b", "api"),
        &problems);
    sl_snapshot_add_namespace(both, SL_STR("shop"), true, true);
    assert_int_equal(problems.count, 0);
    sl_snapshot_seal(both);
    sl_snapshot_close(files);

    const struct sl_traffic_policy *second = NULL;
    assert_string_equal(match(both, "one", &second), "a");
    assert_non_null(second);
    assert_true(sl_str_is(second->name, "m"));
    assert_string_equal(match(both, "two", &second), "z");
    assert_true(sl_str_is(sl_snapshot_policy(both, SL_STR("shop"), SL_STR("m"))->name, "m"));
    assert_true(sl_str_is(sl_snapshot_policy(both, SL_STR("shop"), SL_STR("z"))->name, "z"));
    assert_null(sl_snapshot_policy(both, SL_STR("shop"), SL_STR("web")));
    assert_null(sl_snapshot_policy(both, SL_STR("old"), SL_STR("m")));
    assert_string_equal(rollout_of(both, "web"), "a");
    assert_string_equal(rollout_of(both, "api"), "b");
    assert_int_equal(sl_snapshot_policy_count(both), 3);
    assert_int_equal(sl_snapshot_rollout_count(both), 3);
    assert_true(sl_snapshot_namespace(both, SL_STR("shop")).terminating);
    assert_true(sl_snapshot_namespace(both, SL_STR("old")).managed);
    assert_false(sl_snapshot_namespace(both, SL_STR("new")).known);
}

static void a_name_that_is_in_both_is_a_problem_and_the_included_one_stays(void **state)
{
    (void)state;
    struct sl_snapshot *files = open_policies(POLICY("m", "one") ROLLOUT("m", "web"));
    SL_AUTO(sl_snapshot) struct sl_snapshot *both = sl_snapshot_open();
    struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(both));
    sl_snapshot_include(both, files);
    sl_snapshot_close(files);
    add(both, POLICY("m", "two") ROLLOUT("m", "api"), &problems);
    sl_snapshot_seal(both);
    assert_int_equal(problems.count, 2);
    assert_non_null(strstr(problems.items[0].text, "TrafficPolicy shop/m is defined twice"));
    assert_non_null(strstr(problems.items[1].text, "Rollout shop/m is defined twice"));
    const struct sl_traffic_policy *second = NULL;
    assert_string_equal(match(both, "one", &second), "m");
    assert_null(match(both, "two", &second));
    assert_string_equal(rollout_of(both, "web"), "m");
    assert_null(rollout_of(both, "api"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_both_hold_is_found_also_when_the_included_one_was_closed_first),
        cmocka_unit_test(a_name_that_is_in_both_is_a_problem_and_the_included_one_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
