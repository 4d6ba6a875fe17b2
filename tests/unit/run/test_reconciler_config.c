/* The reconciler's configuration file: its defaults, its rules, and where it says what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "run/reconciler/config.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static void parse(const char *text, struct sl_reconciler_config *ret_config)
{
    struct sl_err err = SL_ERR_INIT;
    if (sl_reconciler_config_parse("c.yaml", sl_str_from(text), ret_config, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static void assert_is_default(const struct sl_reconciler_config *config)
{
    assert_null(config->ns.p);
    assert_string_equal(config->listen.health_address.p, "0.0.0.0");
    assert_int_equal(config->listen.health_port, 8081);
    assert_int_equal(config->kube.qps, 50);
    assert_int_equal(config->kube.burst, 100);
    assert_int_equal(config->kube.timeout, 30 * SL_NS_PER_S);
    assert_string_equal(config->election.ns.p, "sluice-system");
    assert_string_equal(config->election.name.p, "sluice-reconciler");
    assert_int_equal(config->election.duration, 15 * SL_NS_PER_S);
    assert_int_equal(config->election.renew_deadline, 10 * SL_NS_PER_S);
    assert_int_equal(config->election.retry, 2 * SL_NS_PER_S);
    assert_int_equal(config->workloads.count, 0);
    assert_int_equal(config->log_level, SL_LOG_INFO);
}

static void an_empty_file_and_the_reference_mean_the_defaults(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf reference = SL_BUF_INIT(SL_MIB);
    sl_reconciler_config_reference(&reference);
    const char *const texts[] = {"", "# nothing\n", "{}", "kube:\n", reference.data};
    for (size_t i = 0; i < LENGTH(texts); i++) {
        SL_AUTO(sl_reconciler_config) struct sl_reconciler_config config = {.log_level = 0};
        parse(texts[i], &config);
        assert_is_default(&config);
    }
}

static void every_key_that_is_written_is_used(void **state)
{
    (void)state;
    SL_AUTO(sl_reconciler_config) struct sl_reconciler_config config = {.log_level = 0};
    parse("namespace: shop\n"
          "listen: {healthAddress: '::1', healthPort: 0}\n"
          "kube: {qps: 0, burst: 7, timeout: 5s}\n"
          "leaderElection: {namespace: own, name: lease, leaseDuration: 3s, renewDeadline: 2s,\n"
          "                 retryPeriod: 500ms}\n"
          "workloads:\n"
          "- {apiVersion: apps.kruise.io/v1alpha1, kind: CloneSet, resource: clonesets,\n"
          "   partitionPath: spec.updateStrategy.partition, holdValue: 100%}\n"
          "log: {level: debug}\n",
          &config);
    assert_string_equal(config.ns.p, "shop");
    assert_string_equal(config.listen.health_address.p, "::1");
    assert_int_equal(config.listen.health_port, 0);
    assert_int_equal(config.kube.qps, 0);
    assert_int_equal(config.kube.burst, 7);
    assert_int_equal(config.kube.timeout, 5 * SL_NS_PER_S);
    assert_string_equal(config.election.ns.p, "own");
    assert_string_equal(config.election.name.p, "lease");
    assert_int_equal(config.election.duration, 3 * SL_NS_PER_S);
    assert_int_equal(config.election.renew_deadline, 2 * SL_NS_PER_S);
    assert_int_equal(config.election.retry, SL_NS_PER_S / 2);
    assert_int_equal(config.workloads.count, 1);
    assert_true(sl_str_is(config.workloads.items[0].group, "apps.kruise.io"));
    assert_true(sl_str_is(config.workload_versions[0], "v1alpha1"));
    assert_true(sl_str_is(config.workloads.items[0].resource, "clonesets"));
    assert_true(sl_str_is(config.workloads.items[0].hold.path, "partition"));
    assert_true(sl_str_is(config.workloads.items[0].hold.value, "\"100%\""));
    assert_int_equal(config.log_level, SL_LOG_DEBUG);
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"kube: {qsp: 1}", "c.yaml:1:8: kube.qsp: unknown key; did you mean \"qps\"?"},
        {"tls: {}", "c.yaml:1:1: tls: unknown key"},
        {"namespace: Shop", "c.yaml:1:1: namespace: must"},
        {"kube:\n  burst: 0\n", "c.yaml:2:3: kube.burst: must be"},
        {"listen: {healthAddress: here}", "listen.healthAddress: must be an IPv4 or IPv6 address"},
        {"leaderElection: {leaseDuration: 10s}",
         "c.yaml:1:18: leaderElection.leaseDuration: must be more than "
         "leaderElection.renewDeadline"},
        {"leaderElection: {renewDeadline: 2400ms}",
         "c.yaml:1:18: leaderElection.renewDeadline: must be more than 1.2 times"},
        {"workloads:\n- {apiVersion: apps/v1, kind: Deployment, resource: x, partitionPath: "
         "spec.p}\n",
         "workloads[0]: is a kind that is built in or described already"},
        {"{}\n---\n{}\n", "must be one YAML document"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct sl_reconciler_config config;
        struct sl_err err = SL_ERR_INIT;
        assert_int_equal(
            sl_reconciler_config_parse("c.yaml", sl_str_from(cases[i].text), &config, &err), -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        if (strstr(err.msg, cases[i].want) == NULL) {
            fail_msg("%s: %s", cases[i].text, err.msg);
        }
    }
}

static void a_file_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct sl_reconciler_config config;
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_reconciler_config_load("/no/such/file", &config, &err), -1);
    assert_int_equal(err.kind, SL_ERR_NOT_FOUND);
}

static void the_manifest_is_a_configuration(void **state)
{
    (void)state;
    SL_AUTO(sl_reconciler_config) struct sl_reconciler_config config = {.log_level = 0};
    struct sl_err err = SL_ERR_INIT;
    if (sl_reconciler_config_load(SL_MANIFESTS "/config/reconciler.yaml", &config, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_is_default(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_and_the_reference_mean_the_defaults),
        cmocka_unit_test(every_key_that_is_written_is_used),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(a_file_that_is_not_there_is_not_found),
        cmocka_unit_test(the_manifest_is_a_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
