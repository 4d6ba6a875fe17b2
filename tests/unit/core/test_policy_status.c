/* The status of a TrafficPolicy: what it says of which numbers, when it is written again, and that
 * the CRD declares all of it. */
#include "core/traffic/policy_status.h"

#include "crd_schema.h"
#include "records_support.h"

#define S INT64_C(1000000000)
#define NOON (INT64_C(1795262400) * S) /* 2026-11-21T12:00:00Z */

static const struct sl_policy_balancer edge = {
    .name = "edge", .answers = true, .trouble = "", .members = {0, 0, 1, 6}};
static const struct sl_policy_balancer edge_down = {
    .name = "edge", .trouble = "connection refused", .members = {7, 0, 0, 0}};
static const struct sl_policy_balancer edge_new = {.name = "edge", .trouble = ""};
static const struct sl_policy_balancer edge_put_right = {
    .name = "edge", .answers = true, .trouble = "", .corrections = 2};
static const struct sl_policy_balancer slb = {
    .name = "slb", .external = true, .trouble = "", .members = {0, 2, 0, 5}};

static struct sl_str written(const struct sl_policy_counts *counts, struct sl_str stored,
                             int64_t now, struct sl_buf *out)
{
    sl_policy_status_write(counts, stored, now, out);
    assert_int_equal(sl_buf_check(out, "the status", NULL), 0);
    return sl_buf_str(out);
}

static void a_status_has_the_numbers_and_the_balancers(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
    const struct sl_policy_balancer balancers[] = {edge, slb};
    const struct sl_policy_counts counts = {
        .observed_generation = 4,
        .problem = "",
        .pods = {1, 2, 6, 3, 4, 5},
        .balancers = balancers,
        .balancer_count = 2,
    };
    static const char wanted[] =
        "{\"observedGeneration\":4,\"pods\":21,\"joining\":3,\"inService\":6,\"draining\":3,"
        "\"drained\":4,\"upgrading\":5,\"loadBalancers\":["
        "{\"name\":\"edge\",\"healthy\":true,\"message\":\"\","
        "\"members\":{\"in\":6,\"out\":1,\"absent\":0,\"unknown\":0}},"
        "{\"name\":\"slb\",\"healthy\":true,\"message\":\"driven by another controller\","
        "\"members\":{\"in\":5,\"out\":0,\"absent\":2,\"unknown\":0}}],\"conditions\":["
        "{\"type\":\"BalancersHealthy\",\"status\":\"True\",\"observedGeneration\":4,"
        "\"lastTransitionTime\":\"2026-11-21T12:00:00Z\",\"reason\":\"AllAnswer\","
        "\"message\":\"all load balancers do as they are told\"},"
        "{\"type\":\"Ready\",\"status\":\"True\",\"observedGeneration\":4,"
        "\"lastTransitionTime\":\"2026-11-21T12:00:00Z\",\"reason\":\"Ready\","
        "\"message\":\"6 of 21 pods in service\"}]}";
    struct sl_str status = written(&counts, (struct sl_str){0}, NOON, &out);
    assert_string_equal(status.p, wanted);
}

/* The condition of that type: "status reason: message". */
static const char *condition(struct sl_str status, const char *type, struct sl_arena *arena)
{
    struct sl_jval root = {0};
    struct sl_jval item;
    assert_int_equal(sl_jscan(status, NULL, NULL, &root, NULL), 0);
    struct sl_jiter it = sl_jiter(sl_jval_get(root, SL_STR("conditions")));
    while (sl_jiter_next(&it, NULL, &item)) {
        if (sl_jval_is(sl_jval_get(item, SL_STR("type")), sl_str_from(type))) {
            return sl_arena_printf(
                arena, "%.*s %.*s: %.*s",
                SL_STR_FMT(sl_jval_str(sl_jval_get(item, SL_STR("status")), arena)),
                SL_STR_FMT(sl_jval_str(sl_jval_get(item, SL_STR("reason")), arena)),
                SL_STR_FMT(sl_jval_str(sl_jval_get(item, SL_STR("message")), arena)));
        }
    }
    fail_msg("no condition %s", type);
    return "";
}

static void conditions_say_what_is_wrong(void **state)
{
    (void)state;
    const struct sl_policy_balancer two_down[] = {edge_down, slb, edge_down};
    const struct {
        struct sl_policy_counts counts;
        const char *balancers, *ready;
    } rows[] = {
        {{.problem = "", .pods = {[SL_TRAFFIC_IN_SERVICE] = 1}},
         "True NoBalancers: the policy has no load balancers",
         "True Ready: 1 of 1 pods in service"},
        {{.problem = "", .balancers = &edge_new, .balancer_count = 1},
         "Unknown NotAskedYet: 1 of 1 load balancers were not asked yet",
         "Unknown NotAskedYet: 0 of 0 pods in service; 1 of 1 load balancers were not asked yet"},
        {{.problem = "", .balancers = two_down, .balancer_count = 3},
         "False BalancerDown: edge: connection refused; edge: connection refused",
         "False BalancerDown: 0 of 0 pods in service; edge: connection refused; edge: connection "
         "refused"},
        {{.problem = "", .waiting = 1, .balancers = &edge, .balancer_count = 1},
         "True AllAnswer: all load balancers do as they are told",
         "True Ready: 0 of 0 pods in service; 1 waits for a PodDisruptionBudget"},
        {{.problem = "", .held = 2, .waiting = 3, .balancers = &edge, .balancer_count = 1},
         "True AllAnswer: all load balancers do as they are told",
         "False DrainHeld: 0 of 0 pods in service; 3 wait for a PodDisruptionBudget; 2 drains are "
         "past the deadline and held, since onTimeout is Hold"},
        {{.problem = "spec.selector: \"x\" is wrong", .held = 1},
         "True NoBalancers: the policy has no load balancers",
         "False InvalidSpec: spec.selector: \"x\" is wrong"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_str status = written(&rows[i].counts, (struct sl_str){0}, NOON, &out);
        assert_string_equal(condition(status, SL_CONDITION_BALANCERS_HEALTHY, &arena),
                            rows[i].balancers);
        assert_string_equal(condition(status, SL_CONDITION_READY, &arena), rows[i].ready);
    }
}

static void a_balancer_says_what_is_wrong_with_it(void **state)
{
    (void)state;
    const struct {
        const struct sl_policy_balancer *balancer;
        const char *wanted;
    } rows[] = {
        {&edge, "\"healthy\":true,\"message\":\"\""},
        {&edge_down, "\"healthy\":false,\"message\":\"connection refused\""},
        {&edge_new, "\"healthy\":false,\"message\":\"not asked yet\""},
        {&edge_put_right, "\"healthy\":true,\"message\":"
                          "\"2 members were changed by somebody else and put right\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
        const struct sl_policy_counts counts = {
            .problem = "", .balancers = rows[i].balancer, .balancer_count = 1};
        struct sl_str status = written(&counts, (struct sl_str){0}, NOON, &out);
        if (strstr(status.p, rows[i].wanted) == NULL) {
            fail_msg("%zu: %s", i, status.p);
        }
    }
}

static void a_time_is_kept_while_its_status_stays(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf first = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
    SL_AUTO(sl_buf) struct sl_buf same = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
    SL_AUTO(sl_buf) struct sl_buf down = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
    SL_AUTO(sl_buf) struct sl_buf held = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
    struct sl_policy_counts counts = {.problem = "", .balancers = &edge, .balancer_count = 1};
    struct sl_str stored = written(&counts, (struct sl_str){0}, NOON, &first);
    assert_false(sl_policy_status_differs(
        stored, written(&counts, stored, NOON + 60 * S, &same))); /* nothing else has the time */

    counts.held = 1; /* Ready changes, the other one does not */
    struct sl_str after = written(&counts, stored, NOON + 61 * S, &held);
    assert_true(sl_policy_status_differs(stored, after));
    assert_non_null(strstr(after.p, "\"2026-11-21T12:00:00Z\",\"reason\":\"AllAnswer\""));
    assert_non_null(strstr(after.p, "\"2026-11-21T12:01:01Z\",\"reason\":\"DrainHeld\""));

    counts.balancers = &edge_down; /* Ready stays False for another reason */
    after = written(&counts, after, NOON + 62 * S, &down);
    assert_non_null(strstr(after.p, "\"2026-11-21T12:01:02Z\",\"reason\":\"BalancerDown\""));
    assert_non_null(strstr(after.p, "\"2026-11-21T12:01:01Z\",\"reason\":\"DrainHeld\""));
}

static void what_cannot_be_read_of_the_stored_status_is_as_absent(void **state)
{
    (void)state;
    static const char *const stored[] = {
        "",
        "null",
        "[]",
        "{\"conditions\":7}",
        "{\"conditions\":{\"type\":\"Ready\"}}",
        "{\"conditions\":[7,null,{\"type\":7},{\"type\":\"Ready\",\"status\":\"True\"}]}",
        "{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"lastTransitionTime\":\"x\"}]}",
        "{\"conditions\":[{\"type\":\"Ready\",\"type\":\"Ready\"}]}",
    };
    const struct sl_policy_counts counts = {.problem = ""};
    SL_AUTO(sl_buf) struct sl_buf wanted = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
    (void)written(&counts, (struct sl_str){0}, NOON, &wanted);
    for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
        struct sl_str status = written(&counts, sl_str_from(stored[i]), NOON, &out);
        assert_string_equal(status.p, wanted.data);
        assert_true(sl_policy_status_differs(sl_str_from(stored[i]), status));
    }
}

static void the_order_of_members_is_no_difference(void **state)
{
    (void)state;
    assert_false(sl_policy_status_differs(SL_STR("{\"pods\": 1, \"joining\": 2}"),
                                          SL_STR("{\"joining\":2,\"pods\":1}")));
    assert_true(sl_policy_status_differs((struct sl_str){0}, SL_STR("{}")));
}

static void a_patch_demands_the_version_that_was_read(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
    const struct sl_traffic_policy_record policy = {.record = {.resource_version = "17"}};
    sl_policy_status_body(&policy, SL_STR("{\"pods\":1}"), &out);
    assert_string_equal(out.data,
                        "{\"metadata\":{\"resourceVersion\":\"17\"},\"status\":{\"pods\":1}}");
}

static void sixteen_balancers_with_long_sentences_fit(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
    char long_sentence[SL_ERR_MSG_MAX];
    struct sl_policy_balancer balancers[16];
    memset(long_sentence, 'x', sizeof long_sentence - 1);
    long_sentence[sizeof long_sentence - 1] = '\0';
    for (size_t i = 0; i < 16; i++) {
        balancers[i] = edge_down;
        balancers[i].trouble = long_sentence;
    }
    const struct sl_policy_counts counts = {
        .problem = long_sentence, .balancers = balancers, .balancer_count = 16};
    (void)written(&counts, (struct sl_str){0}, NOON, &out);
}

static void the_crd_knows_every_member(void **state)
{
    (void)state;
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = crd_of("trafficpolicies");
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
    SL_AUTO(sl_json) struct json_object *status = NULL;
    const struct sl_policy_balancer balancers[] = {edge, edge_new};
    const struct sl_policy_counts counts = {
        .problem = "", .balancers = balancers, .balancer_count = 2};
    struct sl_str text = written(&counts, (struct sl_str){0}, NOON, &out);
    assert_int_equal(sl_json_parse(text, &status, NULL), 0);
    check_schema(status, crd_status(docs));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_has_the_numbers_and_the_balancers),
        cmocka_unit_test(conditions_say_what_is_wrong),
        cmocka_unit_test(a_balancer_says_what_is_wrong_with_it),
        cmocka_unit_test(a_time_is_kept_while_its_status_stays),
        cmocka_unit_test(what_cannot_be_read_of_the_stored_status_is_as_absent),
        cmocka_unit_test(the_order_of_members_is_no_difference),
        cmocka_unit_test(a_patch_demands_the_version_that_was_read),
        cmocka_unit_test(sixteen_balancers_with_long_sentences_fit),
        cmocka_unit_test(the_crd_knows_every_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
