/* TrafficPolicy and Rollout: every rule refuses with its field path; defaults; look-ups. Bad ones
 * are denied at admission by the same rules. */
#include "support.h"

#define TRAFFIC(spec)                                                                              \
    "kind: TrafficPolicy\napiVersion: sluice.dev/v1alpha1\nmetadata: {name: t}\nspec: " spec
#define ROLLOUT(spec)                                                                              \
    "kind: Rollout\napiVersion: sluice.dev/v1alpha1\nmetadata: {name: r}\nspec: " spec
#define PLAN(plan)                                                                                 \
    ROLLOUT("{workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}, rolloutPlan: " plan \
            "}")
#define BALANCER(balancer) TRAFFIC("{selector: {}, loadBalancers: [" balancer "]}")
#define HAPROXY(fields) BALANCER("{name: a, haproxy: {" fields "}}")
#define WEBHOOK(fields) BALANCER("{name: a, webhook: {" fields "}}")
#define URL(url) WEBHOOK("url: '" url "', port: 80")
#define URL_AT "spec.loadBalancers[0].webhook.url"

static const struct {
    const char *yaml;
    const char *path, *text; /* of one problem; NULL: none at all */
} rows[] = {
    {TRAFFIC("{selector: {}}"), NULL, NULL},
    {HAPROXY("address: 'tcp://10.0.0.2:9999', backend: web, port: 8080"), NULL, NULL},
    {HAPROXY("address: 'tcp://[::1]:9999', backend: web, port: 8080"), NULL, NULL},
    {HAPROXY("address: 'unix:///run/haproxy.sock', backend: web, port: 1"), NULL, NULL},
    {HAPROXY("address: 'tcp://a:1', backend: web, port: 1, serverTemplate: web"), NULL, NULL},
    {URL("http://adapter"), NULL, NULL},
    {URL("https://adapter.lb.svc:8443/members?of=web"), NULL, NULL},
    {URL("http://10.0.0.2?x"), NULL, NULL},
    {URL("http://[fd00::1]/"), NULL, NULL},
    {URL("http://[fd00::1]:8080"), NULL, NULL},
    {PLAN("{batchSize: 4, upgradeType: Beta}"), NULL, NULL},
    {PLAN("{rolloutBatches: [{replicas: 1}, {replicas: 50%, pause: {duration: 5m}}]}"), NULL, NULL},
    {ROLLOUT("{workloadRef: {apiVersion: apps.kruise.io/v1alpha1, kind: CloneSet, name: c}, "
             "rolloutPlan: {batchSize: 1}}"),
     NULL, NULL},

    {"kind: TrafficPolicy\napiVersion: sluice.dev/v1alpha1\nmetadata: {name: Bad_Name}\nspec: "
     "{selector: {}}",
     "metadata.name", "Bad_Name"},
    {"kind: TrafficPolicy\napiVersion: sluice.dev/v1alpha1\nmetadata: {name: "
     "a123456789012345678901234567890123456789012345678901234567890123}\nspec: {selector: {}}",
     "metadata.name", "63"},
    {"kind: TrafficPolicy\napiVersion: sluice.dev/v1alpha1\nmetadata: {}\nspec: {selector: {}}",
     "metadata.name", "required"},
    {"kind: TrafficPolicy\napiVersion: sluice.dev/v1alpha1\nmetadata: {name: t}", "spec",
     "required"},
    {"kind: Pod\napiVersion: v1\nmetadata: {name: t}", "kind", "TrafficPolicy or Rollout"},
    {TRAFFIC("{}"), "spec.selector", "required"},
    {TRAFFIC("{selector: {}, drian: {}}"), "spec.drian", "drain"},
    {TRAFFIC("{selector: {matchLabels: {'a b': c}}}"), "spec.selector.matchLabels", NULL},
    {TRAFFIC("{selector: {matchExpressions: [{key: a, operator: In}]}}"),
     "spec.selector.matchExpressions[0].values", NULL},
    {TRAFFIC("{selector: {}, evictions: Maybe}"), "spec.evictions", "Drain, Allow"},
    {TRAFFIC("{selector: {}, preStop: {sleepSeconds: 3601}}"), "spec.preStop.sleepSeconds", "3600"},
    {TRAFFIC("{selector: {}, preStop: {sleepSeconds: -1}}"), "spec.preStop.sleepSeconds", NULL},
    {TRAFFIC("{selector: {}, drain: {timeoutSeconds: 0}}"), "spec.drain.timeoutSeconds", NULL},
    {TRAFFIC("{selector: {}, drain: {waitSeconds: 50, propagationSeconds: 11}}"), "spec.drain",
     "61"},
    {BALANCER("{name: A_b, external: {}}"), "spec.loadBalancers[0].name", NULL},
    {BALANCER("{name: a}"), "spec.loadBalancers[0]", "exactly one"},
    {BALANCER("{name: a, external: {}, haproxy: {address: 'tcp://a:1', backend: b, port: 1}}"),
     "spec.loadBalancers[0]", "exactly one"},
    {BALANCER("{name: a, external: {}}, {name: a, external: {}}"), "spec.loadBalancers[1].name",
     "loadBalancers[0]"},
    {HAPROXY("address: '10.0.0.2:9999', backend: web, port: 80"),
     "spec.loadBalancers[0].haproxy.address", "tcp://"},
    {HAPROXY("address: 'tcp://h:99999', backend: web, port: 80"),
     "spec.loadBalancers[0].haproxy.address", "tcp://"},
    {HAPROXY("address: 'tcp://:1', backend: web, port: 80"),
     "spec.loadBalancers[0].haproxy.address", "tcp://"},
    {HAPROXY("address: 'tcp://h:1', backend: 'a; shutdown', port: 80"),
     "spec.loadBalancers[0].haproxy.backend", "';'"},
    {HAPROXY("address: 'tcp://h:1', backend: \"a\\x7f\", port: 80"),
     "spec.loadBalancers[0].haproxy.backend", NULL},
    {HAPROXY("address: 'tcp://u@h/p:1', backend: a, port: 80"),
     "spec.loadBalancers[0].haproxy.address", "tcp://"},
    {HAPROXY("address: 'tcp://a:b:1', backend: a, port: 80"),
     "spec.loadBalancers[0].haproxy.address", "tcp://"},
    {HAPROXY("address: 'tcp://[a;b]:1', backend: a, port: 80"),
     "spec.loadBalancers[0].haproxy.address", "tcp://"},
    {TRAFFIC("{selector: {matchLabels: {sluice.dev/rollout: x}}}"), "spec.selector", "sets itself"},
    {HAPROXY("address: 'tcp://h:1', backend: a, port: 70000"), "spec.loadBalancers[0].haproxy.port",
     "65535"},
    {HAPROXY("address: 'tcp://h:1', backend: a"), "spec.loadBalancers[0].haproxy.port", "required"},
    {HAPROXY("address: 'tcp://h:1', backend: a, port: 1, serverTemplate: 'web;'"),
     "spec.loadBalancers[0].haproxy.serverTemplate", "';'"},
    {BALANCER("{name: a, external: {}, webhook: {url: 'http://a', port: 1}}"),
     "spec.loadBalancers[0]", "exactly one of haproxy, external and webhook"},
    {BALANCER("{name: a, external: {}, webhook: {url: 'http://a', port: 1}, "
              "haproxy: {address: 'tcp://a:1', backend: b, port: 1}}"),
     "spec.loadBalancers[0]", "exactly one"},
    {WEBHOOK("url: 'http://a'"), "spec.loadBalancers[0].webhook.port", "required"},
    {WEBHOOK("port: 80"), URL_AT, "required"},
    {WEBHOOK("url: 'http://a', port: 0"), "spec.loadBalancers[0].webhook.port", "65535"},
    {URL(""), URL_AT, "http://HOST"},
    {URL("http://"), URL_AT, "http://HOST"},
    {URL("http:///path"), URL_AT, "http://HOST"},
    {URL("ftp://a"), URL_AT, "http://HOST"},
    {URL("http://user@a/"), URL_AT, "credentials"},
    {URL("http://user:secret@a:80/"), URL_AT, "credentials"},
    {URL("http://a:0/"), URL_AT, "http://HOST"},
    {URL("http://a:"), URL_AT, "http://HOST"},
    {URL("http://fd00::1/"), URL_AT, "http://HOST"},
    {URL("http://a/b c"), URL_AT, "spaces"},
    {URL("http://a/#b"), URL_AT, "'#'"},

    {ROLLOUT("{rolloutPlan: {batchSize: 1}}"), "spec.workloadRef", "required"},
    {ROLLOUT("{workloadRef: {apiVersion: v1, kind: Pod, name: p}, rolloutPlan: {batchSize: 1}}"),
     "spec.workloadRef", "only Deployment, StatefulSet and DaemonSet"},
    {ROLLOUT("{workloadRef: {apiVersion: apps/v1, kind: Deployment, name: A_}, rolloutPlan: "
             "{batchSize: 1}}"),
     "spec.workloadRef.name", NULL},
    {PLAN("{}"), "spec.rolloutPlan", "neither"},
    {PLAN("{batchSize: 1, rolloutBatches: [{replicas: 1}]}"), "spec.rolloutPlan", "both"},
    {PLAN("{batchSize: 0, rolloutBatches: [{replicas: 1}]}"), "spec.rolloutPlan.batchSize", NULL},
    {PLAN("{rolloutBatches: [{replicas: 0}]}"), "spec.rolloutPlan.rolloutBatches[0].replicas",
     NULL},
    {PLAN("{rolloutBatches: [{replicas: 101%}]}"), "spec.rolloutPlan.rolloutBatches[0].replicas",
     NULL},
    {PLAN("{rolloutBatches: [{replicas: 50%}, {replicas: 50%}, {replicas: 1}]}"),
     "spec.rolloutPlan.rolloutBatches", "100%"},
    {PLAN("{rolloutBatches: [{replicas: 1, pause: {}}]}"),
     "spec.rolloutPlan.rolloutBatches[0].pause.duration", "required"},
    {PLAN("{rolloutBatches: [{replicas: 1, pause: {duration: 5}}]}"),
     "spec.rolloutPlan.rolloutBatches[0].pause.duration", NULL},
    {PLAN("{rolloutBatches: [{replicas: 1}, {replicas: 50%}], batchPartition: 2}"),
     "spec.rolloutPlan.batchPartition", "less than the number of batches, 2"},
    {PLAN("{batchSize: 1, maxUnavailable: 0%}"), "spec.rolloutPlan.maxUnavailable", "1%"},
    {ROLLOUT("{workloadRef: {apiVersion: apps/v1/x, kind: Deployment, name: a}, rolloutPlan: "
             "{batchSize: 1}}"),
     "spec.workloadRef.apiVersion", "GROUP/VERSION"},
    {ROLLOUT("{workloadRef: {apiVersion: apps/v1, kind: Deployment, name: a}, rolloutPlan: "
             "{batchSize: 1}, confirm: {run: '', batch: 0}}"),
     "spec.confirm.run", "empty"},
    {PLAN("{batchSize: 1, maxUnavailable: 0}"), "spec.rolloutPlan.maxUnavailable", NULL},
    {PLAN("{batchSize: 1, minReadySeconds: 600}"), "spec.rolloutPlan.progressDeadlineSeconds",
     "more than minReadySeconds"},
    {ROLLOUT("{workloadRef: {apiVersion: apps/v1, kind: DaemonSet, name: d}, rolloutPlan: "
             "{batchSize: 1, rolloutStrategy: DecreaseFirst}}"),
     "spec.rolloutPlan.rolloutStrategy", "Deployments only"},
    {ROLLOUT("{workloadRef: {apiVersion: apps/v1, kind: DaemonSet, name: d}, rolloutPlan: "
             "{batchSize: 1}, confirm: {run: x}}"),
     "spec.confirm.batch", "required"},
};

static struct json_object *parse(const char *yaml, struct sl_yaml_docs **ret_docs)
{
    struct sl_err err = SL_ERR_INIT;
    if (sl_yaml_parse(sl_str_from(yaml), ret_docs, &err) < 0) {
        fail_msg("%s\n%s", err.msg, yaml);
    }
    return sl_yaml_root(*ret_docs, 0);
}

static void every_rule_names_its_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = sl_snapshot_open();
        struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(snapshot));
        sl_snapshot_add(snapshot, parse(rows[i].yaml, &docs), &config.workloads, &problems);
        if (rows[i].path == NULL) {
            if (problems.count > 0) {
                fail_msg("%s\n%s: %s", rows[i].yaml, problems.items[0].path,
                         problems.items[0].text);
            }
            continue;
        }
        if (problems.count != 1 ||
            strncmp(problems.items[0].path, rows[i].path, strlen(rows[i].path)) != 0 ||
            (rows[i].text != NULL && strstr(problems.items[0].text, rows[i].text) == NULL)) {
            fail_msg("%s\n%zu problems, %s: %s", rows[i].yaml, problems.count,
                     problems.items[0].path, problems.items[0].text);
        }
    }
}

/* The same rows, sent to /validate as the JSON that the API server would send. */
static void admission_denies_what_the_files_refuse(void **state)
{
    (void)state;
    SL_AUTO(sl_snapshot) struct sl_snapshot *policies = open_policies("");
    SL_AUTO(sl_admission) struct sl_admission work = SL_ADMISSION_INIT;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
        SL_AUTO(sl_buf) struct sl_buf object = SL_BUF_INIT(SL_MIB);
        SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(SL_MIB);
        sl_json_write(parse(rows[i].yaml, &docs), &object);
        bool rollout = strncmp(rows[i].yaml, "kind: Rollout", strlen("kind: Rollout")) == 0;
        struct review_case row = {.operation = "CREATE",
                                  .group = "sluice.dev",
                                  .resource = rollout ? "rollouts" : "trafficpolicies"};
        write_review(&row, object.data, &body);
        admit(&work, &(struct sl_known){.policies = policies}, &body);
        const struct sl_decision *got = &work.decision;
        bool pod = strstr(rows[i].yaml, "kind: Pod\n") != NULL; /* not routed by kind there */
        if (rows[i].path == NULL) {
            assert_int_equal(got->outcome, SL_ALLOWED);
        } else if (!pod) {
            assert_int_equal(got->outcome, SL_DENIED);
            assert_int_equal(got->code, 422);
            if (strstr(got->message, rows[i].path) == NULL) {
                fail_msg("%s", got->message);
            }
            assert_string_equal(got->causes[0].reason, "FieldValueInvalid");
            const char *field = rows[i].path[0] == '\0' ? "<nil>" : rows[i].path;
            if (strstr(got->causes[0].field, field) == NULL) {
                fail_msg("%s: %s", got->message, got->causes[0].field);
            }
            assert_true(sl_str_is(got->kind, rollout ? "Rollout" : "TrafficPolicy"));
        }
    }
}

static void an_invalid_one_can_still_lose_its_finalizer(void **state)
{
    (void)state;
    static const struct review_case cases[] = {
        {.name = "the spec does not change",
         .operation = "UPDATE",
         .group = "sluice.dev",
         .resource = "rollouts",
         .object = "{\"metadata\":{\"name\":\"r\"},\"spec\":{}}",
         .old = "{\"metadata\":{\"name\":\"r\",\"finalizers\":[\"a/b\"]},\"spec\":{}}",
         .why = "does not change"},
        {.name = "it is being deleted",
         .operation = "UPDATE",
         .group = "sluice.dev",
         .resource = "trafficpolicies",
         .object = "{\"metadata\":{\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"},\"spec\":{}}",
         .old = "{\"metadata\":{\"name\":\"r\"},\"spec\":{\"a\":1}}",
         .why = "being deleted"},
    };
    CHECK_CASES(cases, "");
}

static void a_second_rollout_of_one_workload_is_warned_of(void **state)
{
    (void)state;
    static const struct review_case cases[] = {
        {.name = "second",
         .operation = "CREATE",
         .group = "sluice.dev",
         .resource = "rollouts",
         .object = "{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"Rollout\",\"metadata\":{"
                   "\"name\":\"b\",\"namespace\":\"shop\"},\"spec\":{\"workloadRef\":{"
                   "\"apiVersion\":\"apps/v1\",\"kind\":\"DaemonSet\",\"name\":\"d\"},"
                   "\"rolloutPlan\":{\"batchSize\":1}}}",
         .warning = "Rollout a names the same DaemonSet"},
    };
    CHECK_CASES(cases, "apiVersion: sluice.dev/v1alpha1\nkind: Rollout\nmetadata: {name: a, "
                       "namespace: shop}\nspec: {workloadRef: {apiVersion: apps/v1, kind: "
                       "DaemonSet, name: d}, rolloutPlan: {batchSize: 1}}");
}

static void absent_fields_have_the_documented_defaults(void **state)
{
    (void)state;
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *more = NULL;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    struct sl_traffic_policy policy;
    struct sl_rollout rollout;
    sl_traffic_policy_decode(parse(TRAFFIC("{selector: {}}"), &docs), &policy, &problems);
    sl_rollout_decode(parse(PLAN("{batchSize: 1}"), &more), &config.workloads, &rollout, &problems);
    assert_int_equal(problems.count, 0);
    assert_true(policy.readiness_gate);
    assert_int_equal(policy.pre_stop_sleep, 5);
    assert_int_equal(policy.drain.wait, 3);
    assert_int_equal(policy.drain.propagation, 2);
    assert_int_equal(policy.drain.timeout, 60);
    assert_int_equal(policy.drain.on_timeout, SL_PROCEED);
    assert_int_equal(policy.evictions, SL_EVICTIONS_DRAIN);
    assert_int_equal(rollout.update, SL_IN_PLACE_IF_POSSIBLE);
    assert_int_equal(rollout.plan.strategy, SL_INCREASE_FIRST);
    assert_int_equal(rollout.plan.batches.upgrade_type, SL_UPGRADE_BATCH);
    assert_int_equal(rollout.plan.max_unavailable.value, 25);
    assert_true(rollout.plan.max_unavailable.percent);
    assert_int_equal(rollout.plan.progress_deadline, 600);
    assert_int_equal(rollout.on_failure, SL_ON_FAILURE_PAUSE);
    assert_int_equal(rollout.deletion_policy, SL_DELETION_FREEZE);
    assert_false(rollout.plan.has_partition || rollout.has_confirm || rollout.paused);
}

static void a_name_that_is_there_twice_is_refused(void **state)
{
    (void)state;
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = sl_snapshot_open();
    struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(snapshot));
    struct json_object *policy = parse(TRAFFIC("{selector: {}}"), &docs);
    sl_snapshot_add(snapshot, policy, &config.workloads, &problems);
    assert_int_equal(problems.count, 0);
    sl_snapshot_add(snapshot, policy, &config.workloads, &problems);
    assert_int_equal(problems.count, 1);
    assert_non_null(strstr(problems.items[0].text, "defined twice"));
    assert_int_equal(sl_snapshot_policy_count(snapshot), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_names_its_field),
        cmocka_unit_test(admission_denies_what_the_files_refuse),
        cmocka_unit_test(an_invalid_one_can_still_lose_its_finalizer),
        cmocka_unit_test(a_second_rollout_of_one_workload_is_warned_of),
        cmocka_unit_test(absent_fields_have_the_documented_defaults),
        cmocka_unit_test(a_name_that_is_there_twice_is_refused),
    };
    return cmocka_run_group_tests_name("policies", tests, NULL, NULL);
}
