/* The configuration file: its defaults, its rules, and where it says that something is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "run/webhook/config.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static void parse(const char *text, struct sl_config *ret_config)
{
    struct sl_err err = SL_ERR_INIT;
    if (sl_config_parse("c.yaml", sl_str_from(text), ret_config, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static void assert_text(struct sl_str text, const char *want)
{
    assert_non_null(text.p);
    assert_string_equal(text.p, want); /* the NUL is part of the contract */
    assert_int_equal(text.n, strlen(want));
}

static void assert_texts(struct sl_list list, const char *const *want, size_t count)
{
    const struct sl_str *items = list.items;
    assert_int_equal(list.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_text(items[i], want[i]);
    }
}

static void assert_is_default(const struct sl_config *config)
{
    static const char *const policies[] = {"/etc/sluice/policies"};
    static const char *const ignored[] = {"kube-system", "kube-node-lease", "kube-public"};
    assert_text(config->listen.address, "0.0.0.0");
    assert_text(config->listen.health_address, "0.0.0.0");
    assert_int_equal(config->listen.port, 9443);
    assert_int_equal(config->listen.health_port, 8081);
    assert_text(config->tls.directory, "/etc/sluice/tls");
    assert_null(config->tls.client_ca.p);
    assert_int_equal(config->tls.client_names.count, 0);
    assert_texts(config->policy_paths, policies, LENGTH(policies));
    assert_text(config->admission.own_namespace, "sluice-system");
    assert_texts(config->admission.ignore_namespaces, ignored, LENGTH(ignored));
    assert_text(config->admission.reconciler_account,
                "system:serviceaccount:sluice-system:sluice-reconciler");
    assert_int_equal(config->admission.workloads.count, 0);
    assert_int_equal(config->limits.max_body, 8 * SL_MIB);
    assert_int_equal(config->limits.max_in_flight, 64 * SL_MIB);
    assert_int_equal(config->limits.max_connections, 1000);
    assert_false(config->kube.enabled);
    assert_int_equal(config->limits.threads, 0);
    assert_int_equal(config->limits.request_timeout, 10 * SL_NS_PER_S);
    assert_int_equal(config->limits.idle_timeout, 120 * SL_NS_PER_S);
    assert_int_equal(config->shutdown.delay, 5 * SL_NS_PER_S);
    assert_int_equal(config->shutdown.timeout, 20 * SL_NS_PER_S);
    assert_int_equal(config->log_level, SL_LOG_INFO);
}

static void without_a_file_the_defaults_hold(void **state)
{
    (void)state;
    SL_AUTO(sl_config) struct sl_config config = {.log_level = 0};
    assert_int_equal(sl_config_default(&config, NULL), 0);
    assert_is_default(&config);
}

static void an_empty_file_means_the_defaults(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# nothing\n", "{}", "listen:\nlimits: {}\n"};
    for (size_t i = 0; i < LENGTH(texts); i++) {
        SL_AUTO(sl_config) struct sl_config config = {.log_level = 0};
        parse(texts[i], &config);
        assert_is_default(&config);
    }
}

static void the_reference_is_a_file_that_means_the_defaults(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_config) struct sl_config config = {.log_level = 0};
    sl_config_reference(&text);
    assert_non_null(strstr(text.data, "ignoreNamespaces: [\"kube-system\""));
    assert_non_null(strstr(text.data, "partitionPath:"));
    parse(text.data, &config);
    assert_is_default(&config);
}

static void the_cluster_takes_the_place_of_the_default_path(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool kube;
        size_t paths;
    } rows[] = {
        {"policies: {}\n", false, 1},
        {"policies: {kube: null}\n", false, 1},
        {"policies: {kube: {}}\n", true, 0},
        {"policies: {kube: {}, paths: [/etc/sluice/policies]}\n", true, 1},
        {"policies: {kube: {}, paths: []}\n", true, 0},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        SL_AUTO(sl_config) struct sl_config config = {.log_level = 0};
        parse(rows[i].text, &config);
        assert_int_equal(config.kube.enabled, rows[i].kube);
        assert_int_equal(config.policy_paths.count, rows[i].paths);
        if (rows[i].kube) {
            assert_null(config.kube.kubeconfig.p);
            assert_int_equal(config.kube.qps, 20);
            assert_int_equal(config.kube.burst, 40);
        }
    }
}

static void every_key_that_is_written_is_used(void **state)
{
    (void)state;
    static const char *const names[] = {"kube-apiserver", "api.example"};
    static const char *const paths[] = {"policies", "more.yaml"};
    SL_AUTO(sl_config) struct sl_config config = {.log_level = 0};
    parse("listen: {address: '::', port: 0, healthAddress: 127.0.0.1, healthPort: 0}\n"
          "tls: {directory: certs, clientCA: ca.pem, clientNames: [kube-apiserver, api.example]}\n"
          "policies: {paths: [policies, more.yaml],\n"
          "           kube: {kubeconfig: k.yaml, context: prod, qps: 0, burst: 7}}\n"
          "admission: {namespace: own, ignoreNamespaces: [], reconcilerAccount: me}\n"
          "limits: {maxBodyBytes: 2048, maxInFlightBytes: 4096, maxConnections: 2, threads: 3,\n"
          "         requestTimeout: 500ms, idleTimeout: 1m31s}\n"
          "shutdown: {delay: 0s, timeout: 1m}\n"
          "log: {level: debug}\n",
          &config);
    assert_text(config.listen.address, "::");
    assert_text(config.listen.health_address, "127.0.0.1");
    assert_int_equal(config.listen.port, 0);
    assert_int_equal(config.listen.health_port, 0);
    assert_text(config.tls.directory, "certs");
    assert_text(config.tls.client_ca, "ca.pem");
    assert_texts(config.tls.client_names, names, LENGTH(names));
    assert_texts(config.policy_paths, paths, LENGTH(paths));
    assert_true(config.kube.enabled);
    assert_text(config.kube.kubeconfig, "k.yaml");
    assert_text(config.kube.context, "prod");
    assert_int_equal(config.kube.qps, 0);
    assert_int_equal(config.kube.burst, 7);
    assert_text(config.admission.own_namespace, "own");
    assert_int_equal(config.admission.ignore_namespaces.count, 0);
    assert_text(config.admission.reconciler_account, "me");
    assert_int_equal(config.limits.max_body, 2048);
    assert_int_equal(config.limits.max_in_flight, 4096);
    assert_int_equal(config.limits.max_connections, 2);
    assert_int_equal(config.limits.threads, 3);
    assert_int_equal(config.limits.request_timeout, 500 * SL_NS_PER_MS);
    assert_int_equal(config.limits.idle_timeout, 91 * SL_NS_PER_S);
    assert_int_equal(config.shutdown.delay, 0);
    assert_int_equal(config.shutdown.timeout, 60 * SL_NS_PER_S);
    assert_int_equal(config.log_level, SL_LOG_DEBUG);
}

#define CLONE_SET                                                                                  \
    "apiVersion: apps.kruise.io/v1alpha1, kind: CloneSet, resource: clonesets, "                   \
    "partitionPath: spec.updateStrategy.partition"

static void a_partition_path_becomes_a_pointer_and_a_hold_value_json(void **state)
{
    (void)state;
    SL_AUTO(sl_config) struct sl_config config = {.log_level = 0};
    parse("admission:\n"
          "  workloads:\n"
          "  - {" CLONE_SET ", holdValue: 100%}\n"
          "  - {apiVersion: v1, kind: Thing, resource: things, partitionPath: spec.p}\n",
          &config);
    const struct sl_workload_kinds *kinds = &config.admission.workloads;
    assert_int_equal(kinds->count, 2);
    const struct sl_workload_kind *clone_set =
        sl_workload_by_resource(kinds, SL_STR("apps.kruise.io"), SL_STR("clonesets"));
    assert_ptr_equal(clone_set, &kinds->items[0]);
    assert_text(clone_set->kind, "CloneSet");
    assert_true(sl_str_is(clone_set->hold.field, "updateStrategy"));
    assert_true(sl_str_is(clone_set->hold.path, "partition"));
    assert_text(clone_set->hold.value, "\"100%\"");
    assert_int_equal(kinds->items[1].group.n, 0);
    assert_true(sl_str_is(kinds->items[1].hold.field, "p"));
    assert_int_equal(kinds->items[1].hold.path.n, 0);
    assert_text(kinds->items[1].hold.value, SL_HOLD_PARTITION);
}

static const struct {
    const char *text, *want; /* part of the error */
} bad_files[] = {
    {"listen:\n  prot: 1\n", "c.yaml:2:3: listen.prot: unknown key; did you mean \"port\"?"},
    {"nothing: 1\n", "c.yaml:1:1: nothing: unknown key"},
    {"- a\n", "c.yaml:1:1: must be an object"},
    {"listen: {port: 70000}\n", "c.yaml:1:10: listen.port: must be between 0 and 65535"},
    {"listen: {port: 8081}\n", "listen.healthPort: must differ from listen.port"},
    {"listen: {address: localhost}\n", "c.yaml:1:10: listen.address: must be an IPv4 or IPv6"},
    {"listen: {address: 1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20}\n",
     "listen.address: must be an IPv4 or IPv6"},
    {"tls: {directory: ''}\n", "tls.directory: must be text that is not empty"},
    {"tls: {directory: \"a\\0b\"}\n", "tls.directory: must be text that is not empty"},
    {"tls: {clientNames: [a]}\n", "c.yaml:1:7: tls.clientNames: needs tls.clientCA"},
    {"policies: {paths: ['-']}\n", "c.yaml:1:20: policies.paths[0]: must be a file or directory"},
    {"policies: {kube: {kubeconfig: ''}}\n",
     "policies.kube.kubeconfig: must be text that is not empty"},
    {"policies: {kube: {burst: 0}}\n", "policies.kube.burst: must be between 1 and 10000"},
    {"admission: {namespace: Bad_Name}\n", "admission.namespace: must consist of lower case"},
    {"admission: {ignoreNamespaces: [ok, '']}\n", "admission.ignoreNamespaces[1]"},
    {"admission: {workloads: [{kind: CloneSet}]}\n",
     "admission.workloads[0].apiVersion: is required"},
    {"admission: {workloads: [{" CLONE_SET "}, {" CLONE_SET "}]}\n",
     "admission.workloads[1]: is a kind that is built in or described already"},
    {"admission: {workloads: [{apiVersion: apps/v1, kind: Deployment, resource: deployments, "
     "partitionPath: spec.x}]}\n",
     "admission.workloads[0]: is a kind that is built in"},
    {"admission: {workloads: [{apiVersion: a/b/c, kind: a, resource: A, partitionPath: x}]}\n",
     "admission.workloads[0].apiVersion: must be GROUP/VERSION"},
    {"admission: {workloads: [{apiVersion: a/v1, kind: a, resource: a, partitionPath: spec.x}]}\n",
     "admission.workloads[0].kind: must be a kind"},
    {"admission: {workloads: [{apiVersion: a/v1, kind: A, resource: a, partitionPath: "
     "spec.template.x}]}\n",
     "partitionPath: must be a dotted path below spec"},
    {"admission: {workloads: [{apiVersion: a/v1, kind: A, resource: a, partitionPath: spec..x}]}\n",
     "partitionPath: must be a dotted path below spec"},
    {"admission: {workloads: [{apiVersion: a/v1, kind: A, resource: a, partitionPath: spec}]}\n",
     "partitionPath: must be a dotted path below spec"},
    {"admission: {workloads: [{" CLONE_SET ", holdValue: 0%}]}\n",
     "admission.workloads[0].holdValue: must be between 1% and 100%"},
    {"admission: {workloads: [{" CLONE_SET ", holdValue: 0}]}\n",
     "admission.workloads[0].holdValue: must be between 1 and 2147483647"},
    {"limits: {idleTimeout: 90s}\n",
     "c.yaml:1:10: limits.idleTimeout: must be between 1m31s and 1h"},
    {"limits: {maxInFlightBytes: 8388607}\n",
     "c.yaml:1:10: limits.maxInFlightBytes: must be at least limits.maxBodyBytes"},
    {"limits: {requestTimeout: 10}\n", "limits.requestTimeout: "},
    {"limits: {requestTimeout: 99ms}\n", "limits.requestTimeout: must be between 100ms and 1m"},
    {"limits: {requestTimeout: 60.001s}\n", "limits.requestTimeout: must be between 100ms and 1m"},
    {"{\"log\": 1,\n}", "c.yaml:2:1: "},
    {"log: {level: loud}\n", "log.level: "},
    {"log: {level: info}\n---\nlog: {level: info}\n", "must be one YAML document"},
    {"log: [\n", "c.yaml:2:1: "},
    {"log: {level: info, level: info}\n", "c.yaml:1:20: the key \"level\""},
};

static void a_wrong_file_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(bad_files); i++) {
        struct sl_config config = {.log_level = 42};
        struct sl_err err = SL_ERR_INIT;
        assert_int_equal(sl_config_parse("c.yaml", sl_str_from(bad_files[i].text), &config, &err),
                         -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        if (strstr(err.msg, bad_files[i].want) == NULL) {
            fail_msg("%s gives \"%s\", not \"%s\"", bad_files[i].text, err.msg, bad_files[i].want);
        }
        assert_int_equal(config.log_level, 42);
    }
}

static void all_problems_are_reported_one_a_line(void **state)
{
    (void)state;
    struct sl_config config;
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(
        sl_config_parse("c.yaml", SL_STR("listen: {port: -1}\nlog: {level: x}\n"), &config, &err),
        -1);
    const char *second = strchr(err.msg, '\n');
    assert_non_null(second);
    assert_int_equal(strncmp(err.msg, "c.yaml:1:10: listen.port", 24), 0);
    assert_int_equal(strncmp(second + 1, "c.yaml:2:7: log.level", 21), 0);
    assert_null(strchr(second + 1, '\n'));
}

static void more_problems_than_fit_are_counted(void **state)
{
    (void)state;
    struct sl_config config;
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
    for (int i = 0; i < 100; i++) {
        sl_buf_addf(&text, "unknownKeyOfThisFile%d: 1\n", i);
    }
    assert_int_equal(sl_config_parse("c.yaml", sl_buf_str(&text), &config, &err), -1);
    size_t lines = 1;
    for (const char *at = err.msg; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    char tail[32];
    (void)snprintf(tail, sizeof tail, "\n(and %zu more)", 100 - (lines - 1));
    assert_true(strlen(err.msg) < SL_ERR_MSG_MAX - 1);
    assert_true(sl_str_ends(sl_str_from(err.msg), sl_str_from(tail)));
}

static void a_file_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct sl_config config;
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_config_load("/nowhere/sluice.yaml", &config, &err), -1);
    assert_int_equal(err.kind, SL_ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "/nowhere/sluice.yaml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_the_defaults_hold),
        cmocka_unit_test(an_empty_file_means_the_defaults),
        cmocka_unit_test(the_reference_is_a_file_that_means_the_defaults),
        cmocka_unit_test(the_cluster_takes_the_place_of_the_default_path),
        cmocka_unit_test(every_key_that_is_written_is_used),
        cmocka_unit_test(a_partition_path_becomes_a_pointer_and_a_hold_value_json),
        cmocka_unit_test(a_wrong_file_is_refused_with_its_place),
        cmocka_unit_test(all_problems_are_reported_one_a_line),
        cmocka_unit_test(more_problems_than_fit_are_counted),
        cmocka_unit_test(a_file_that_is_not_there_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
