/* What stands in the way of an uninstall, and what it says of load balancers at its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/uninstall/guard.h"
#include "cli/uninstall/leftovers.h"

#define NOON (INT64_C(1795262400) * SL_NS_PER_S) /* 2026-11-21T12:00:00Z */

static void a_webhook_is_ours_by_the_names_in_it(void **state)
{
    (void)state;
    static const struct {
        const char *json, *wanted;
    } rows[] = {
        {"{\"metadata\":{\"name\":\"mine\"},\"webhooks\":[{\"name\":\"a.example.org\"},"
         "{\"name\":\"pod-create.sluice.dev\"},{\"name\":\"pod-update.sluice.dev\"}]}",
         "the webhook is still installed: kubectl delete mutatingwebhookconfiguration mine\n"},
        {"{\"metadata\":{\"name\":\"sluice-webhook\"},\"webhooks\":[{\"name\":\"a.example.org\"}]}",
         ""},
        {"{\"metadata\":{\"name\":\"x\"},\"webhooks\":[{\"name\":\"notsluice.dev\"}]}", ""},
        {"{\"metadata\":{\"name\":\"x\"}}", ""},
        {"{\"metadata\":{\"name\":\"x\"},\"webhooks\":{\"name\":\"a.sluice.dev\"}}", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        assert_int_equal(sl_guard_webhook(sl_str_from(rows[i].json), &out, NULL), 0);
        assert_true(sl_str_is(sl_buf_str(&out), rows[i].wanted) ||
                    (out.len == 0 && rows[i].wanted[0] == '\0'));
    }
}

static void a_lease_is_held_until_its_duration_has_passed(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *holder;
    } rows[] = {
        {"\"holderIdentity\":\"a\",\"leaseDurationSeconds\":15,"
         "\"renewTime\":\"2026-11-21T11:59:46.000000Z\"",
         "a"},
        {"\"holderIdentity\":\"a\",\"leaseDurationSeconds\":15,"
         "\"renewTime\":\"2026-11-21T11:59:45.000000Z\"",
         ""},
        {"\"holderIdentity\":\"\",\"leaseDurationSeconds\":1,"
         "\"renewTime\":\"2026-11-21T12:00:00.000000Z\"",
         ""}, /* given up */
        {"\"holderIdentity\":\"a\",\"leaseDurationSeconds\":15", ""},
        {"\"holderIdentity\":\"a\",\"leaseDurationSeconds\":-9223372036854775808,"
         "\"renewTime\":\"2026-11-21T12:00:00.000000Z\"",
         ""},
        {"\"holderIdentity\":\"a\",\"renewTime\":\"2026-11-21T12:00:00.000000Z\"", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        const char *holder = NULL;
        const char *json = sl_arena_printf(&arena, "{\"spec\":{%s}}", rows[i].spec);
        assert_int_equal(sl_guard_lease(sl_str_from(json), NOON, &arena, &holder, NULL), 0);
        assert_string_equal(holder, rows[i].holder);
    }
}

static void what_is_no_json_is_said(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_leftovers) struct sl_leftovers leftovers = {.first = NULL};
    struct sl_err err = SL_ERR_INIT;
    const char *holder = NULL;
    assert_int_equal(sl_guard_webhook(SL_STR("{"), &out, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);
    assert_int_equal(sl_guard_lease(SL_STR("{"), NOON, &arena, &holder, &err), -1);
    assert_int_equal(sl_leftovers_policy(&leftovers, SL_STR("{"), &err), -1);
}

static void policy(struct sl_leftovers *leftovers, const char *name, const char *balancers)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const char *json = sl_arena_printf(
        &arena,
        "{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"TrafficPolicy\",\"metadata\":{\"name\":"
        "\"%s\",\"namespace\":\"shop\"},\"spec\":{\"selector\":{},\"loadBalancers\":[%s]}}",
        name, balancers);
    assert_int_equal(sl_leftovers_policy(leftovers, sl_str_from(json), NULL), 0);
}

static void each_kind_of_balancer_has_its_remedy(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_leftovers) struct sl_leftovers leftovers = {.first = NULL};
    struct sl_str shop = SL_STR("shop");
    struct sl_str web = SL_STR("web");
    policy(&leftovers, "web",
           "{\"name\":\"edge\",\"haproxy\":{\"address\":\"tcp://10.0.0.2:9999\","
           "\"backend\":\"be\",\"port\":80}},"
           "{\"name\":\"slots\",\"haproxy\":{\"address\":\"tcp://10.0.0.3:9999\","
           "\"backend\":\"be\",\"port\":80,\"serverTemplate\":\"w\"}},"
           "{\"name\":\"slb\",\"external\":{}},"
           "{\"name\":\"cloud\",\"webhook\":{\"url\":\"http://adapter/\",\"port\":80}}");
    policy(&leftovers, "broken", "{\"name\":\"edge\"}");
    sl_leftovers_pod(&leftovers, shop, web, SL_STR("web-0"), "edge\0slots\0slb\0cloud\0");
    sl_leftovers_pod(&leftovers, shop, web, SL_STR("web-1"), "edge\0");
    sl_leftovers_pod(&leftovers, shop, SL_STR("broken"), SL_STR("b-0"), "edge\0");
    sl_leftovers_pod(&leftovers, shop, (struct sl_str){0}, SL_STR("c-0"), "old\0");
    sl_leftovers_pod(&leftovers, shop, web, SL_STR("web-2"), "");
    sl_leftovers_write(&leftovers, &out);
    assert_string_equal(
        out.data,
        "load balancer edge of TrafficPolicy shop/web may still have 2 pods: web-0 web-1\n"
        "  HAProxy at tcp://10.0.0.2:9999: 'set server be/shop:web:POD state maint', then 'del "
        "server' of the same\n"
        "load balancer slots of TrafficPolicy shop/web may still have 1 pod: web-0\n"
        "  HAProxy at tcp://10.0.0.3:9999: 'show servers state be' has their addresses; 'set "
        "server be/wN state maint' frees a slot\n"
        "load balancer slb of TrafficPolicy shop/web may still have 1 pod: web-0\n"
        "  another controller drives it: see that it still runs, or clean up there\n"
        "load balancer cloud of TrafficPolicy shop/web may still have 1 pod: web-0\n"
        "  the adapter at http://adapter/ was not told\n"
        "load balancer edge of TrafficPolicy shop/broken may still have 1 pod: b-0\n"
        "  no TrafficPolicy describes it any more: look at it yourself\n"
        "load balancer old of TrafficPolicy shop/(not known) may still have 1 pod: c-0\n"
        "  no TrafficPolicy describes it any more: look at it yourself\n");
}

static void nothing_of_an_address_commands_the_terminal(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_leftovers) struct sl_leftovers leftovers = {.first = NULL};
    policy(&leftovers, "web",
           "{\"name\":\"cloud\",\"webhook\":{\"url\":\"http://adapter/\\u009b2J\",\"port\":80}}");
    sl_leftovers_pod(&leftovers, SL_STR("shop"), SL_STR("web"), SL_STR("web-0"), "cloud\0");
    sl_leftovers_write(&leftovers, &out);
    assert_non_null(strstr(out.data, "  the adapter at http://adapter/?2J was not told\n"));
}

static void many_pods_are_counted_and_some_named(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_leftovers) struct sl_leftovers leftovers = {.first = NULL};
    for (int i = 0; i < 21; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "p-%d", i);
        sl_leftovers_pod(&leftovers, SL_STR("shop"), SL_STR("web"), sl_str_from(name), "edge\0");
    }
    sl_leftovers_write(&leftovers, &out);
    assert_non_null(strstr(out.data, "may still have 21 pods: p-0 p-1 "));
    assert_non_null(strstr(out.data, " p-19 …\n"));
}

static void nothing_left_is_nothing_said(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
    SL_AUTO(sl_leftovers) struct sl_leftovers leftovers = {.first = NULL};
    policy(&leftovers, "web", "{\"name\":\"slb\",\"external\":{}}");
    sl_leftovers_write(&leftovers, &out);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_webhook_is_ours_by_the_names_in_it),
        cmocka_unit_test(a_lease_is_held_until_its_duration_has_passed),
        cmocka_unit_test(what_is_no_json_is_said),
        cmocka_unit_test(each_kind_of_balancer_has_its_remedy),
        cmocka_unit_test(nothing_of_an_address_commands_the_terminal),
        cmocka_unit_test(many_pods_are_counted_and_some_named),
        cmocka_unit_test(nothing_left_is_nothing_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
