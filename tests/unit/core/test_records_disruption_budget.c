/* PodDisruptionBudgets as the reconciler keeps them: whom they select, and what their status lets
 * go. */
#include "core/records/disruption_budget.h"

#include "records_support.h"

static struct sl_record *budget_of(const char *spec, const char *status)
{
    SL_AUTO(sl_buf) struct sl_buf json = SL_BUF_INIT(SL_MIB);
    sl_buf_addf(&json,
                "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u\","
                "\"generation\":2},\"spec\":%s,\"status\":%s}",
                spec, status);
    return decoded(sl_budget_record_decode, sl_buf_str(&json));
}

static void its_selector_decides_whom_it_covers(void **state)
{
    (void)state;
    static const struct sl_label web[] = {{SL_STR_INIT("app"), SL_STR_INIT("web")}};
    static const struct {
        const char *spec;
        bool selects, matches;
    } rows[] = {
        {"{\"minAvailable\":1,\"selector\":{\"matchLabels\":{\"app\":\"web\"}}}", true, true},
        {"{\"selector\":{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"NotIn\","
         "\"values\":[\"web\"]}]}}",
         true, false},
        {"{\"selector\":{}}", true, true}, /* policy/v1: all of the namespace */
        {"{}", false, false},              /* policy/v1: none */
        {"{\"selector\":null}", false, false},
        {"{\"selector\":\"app=web\"}", false, false},
        {"{\"selector\":{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"In\"}]}}", false,
         false},
        {"{\"selector\":{\"a\\u0000\":1}}", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_record *record = budget_of(rows[i].spec, "{}");
        const struct sl_budget_record *budget = sl_budget_of(record);
        assert_int_equal(budget->selects, rows[i].selects);
        if (budget->selects) {
            assert_int_equal(sl_selector_matches(&budget->selector,
                                                 (struct sl_labels){.items = web, .count = 1}),
                             rows[i].matches);
        }
        sl_budget_record_free(record);
    }
    sl_budget_record_free(NULL);
}

static void its_status_is_read_and_what_it_lacks_lets_nobody_go(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        int observed, allowed, desired;
    } rows[] = {
        {"{\"observedGeneration\":2,\"disruptionsAllowed\":3,\"desiredHealthy\":7,"
         "\"currentHealthy\":10,\"expectedPods\":10}",
         2, 3, 7},
        {"{}", 0, 0, 0},
        {"null", 0, 0, 0},
        {"{\"disruptionsAllowed\":-1,\"desiredHealthy\":\"7\"}", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_record *record = budget_of("{}", rows[i].status);
        const struct sl_budget_record *budget = sl_budget_of(record);
        assert_string_equal(record->name, "web");
        assert_int_equal(record->generation, 2);
        assert_int_equal(budget->observed_generation, rows[i].observed);
        assert_int_equal(budget->disruptions_allowed, rows[i].allowed);
        assert_int_equal(budget->desired_healthy, rows[i].desired);
        sl_budget_record_free(record);
    }
}

static void what_is_no_budget_is_refused(void **state)
{
    (void)state;
    refuses_what_is_no_object(sl_budget_record_decode);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_selector_decides_whom_it_covers),
        cmocka_unit_test(its_status_is_read_and_what_it_lacks_lets_nobody_go),
        cmocka_unit_test(what_is_no_budget_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
