/* TrafficPolicies as the reconciler keeps them: the spec that is in force, or what is wrong with
 * it, and the status that is stored. */
#include "core/records/traffic_policy.h"

#include "records_support.h"

static struct sl_record *policy_of(const char *spec, const char *more)
{
    SL_AUTO(sl_buf) struct sl_buf json = SL_BUF_INIT(SL_MIB);
    sl_buf_addf(&json,
                "{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"TrafficPolicy\",\"metadata\":{"
                "\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u\",\"generation\":3},"
                "\"spec\":%s%s}",
                spec, more);
    return decoded(sl_traffic_policy_record_decode, sl_buf_str(&json));
}

static void what_is_in_force_is_kept(void **state)
{
    (void)state;
    struct sl_record *record = policy_of(
        "{\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"drain\":{\"timeoutSeconds\":90},"
        "\"loadBalancers\":["
        "{\"name\":\"edge\",\"haproxy\":{\"address\":\"tcp://10.0.0.2:9999\",\"backend\":\"b\","
        "\"port\":8080,\"serverTemplate\":\"web\"}},"
        "{\"name\":\"cloud\",\"webhook\":{\"url\":\"https://adapter/\",\"port\":8081}}]}",
        ",\"status\":{\"observedGeneration\":2}");
    const struct sl_traffic_policy_record *policy = sl_traffic_policy_of(record);
    const struct sl_load_balancer *balancers = policy->policy.load_balancers.items;
    assert_string_equal(record->name, "web");
    assert_int_equal(record->generation, 3);
    assert_string_equal(policy->problem, "");
    assert_true(sl_str_is(policy->policy.ns, "shop"));
    assert_true(sl_str_is(policy->policy.name, "web"));
    assert_true(sl_str_is(policy->status, "{\"observedGeneration\":2}"));
    assert_int_equal(policy->policy.selector.count, 1);
    assert_int_equal(policy->policy.drain.timeout, 90);
    assert_int_equal(policy->policy.drain.wait, 3);
    assert_int_equal(policy->policy.load_balancers.count, 2);
    assert_true(balancers[0].has_haproxy && !balancers[0].has_webhook);
    assert_true(sl_str_is(balancers[0].haproxy.server_template, "web"));
    assert_true(balancers[1].has_webhook && !balancers[1].has_external);
    assert_true(sl_str_is(balancers[1].webhook.url, "https://adapter/"));
    assert_int_equal(balancers[1].webhook.port, 8081);
    sl_traffic_policy_record_free(record);
}

static void a_spec_that_cannot_be_used_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *says;
    } rows[] = {
        {"{}", "spec.selector: is required"},
        {"null", "spec"},
        {"{\"selector\":{},\"loadBalancers\":[{\"name\":\"a\"}]}", "exactly one of haproxy"},
        {"{\"selector\":{},\"a\\u0000\":1}", "\\u0000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_record *record = policy_of(rows[i].spec, ",\"status\":{}");
        const struct sl_traffic_policy_record *policy = sl_traffic_policy_of(record);
        if (strstr(policy->problem, rows[i].says) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", policy->problem, rows[i].says);
        }
        assert_int_equal(policy->policy.load_balancers.count, 0);
        assert_true(sl_str_is(policy->status, "{}")); /* what there is of it to be compared with */
        sl_traffic_policy_record_free(record);
    }
}

static void a_status_that_is_no_object_is_absent(void **state)
{
    (void)state;
    static const char *const rows[] = {"", ",\"status\":null", ",\"status\":[1]"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_record *record = policy_of("{\"selector\":{}}", rows[i]);
        assert_null(sl_traffic_policy_of(record)->status.p);
        assert_string_equal(sl_traffic_policy_of(record)->problem, "");
        sl_traffic_policy_record_free(record);
    }
    sl_traffic_policy_record_free(NULL);
}

static void what_is_no_policy_is_refused(void **state)
{
    (void)state;
    refuses_what_is_no_object(sl_traffic_policy_record_decode);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_force_is_kept),
        cmocka_unit_test(a_spec_that_cannot_be_used_says_why),
        cmocka_unit_test(a_status_that_is_no_object_is_absent),
        cmocka_unit_test(what_is_no_policy_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
