/* Workload CREATE and UPDATE: holding a changed template, keeping the hold, and giving the
 * originals back to a manifest that was saved while held. */
#include "support.h"

static const char policies[] =
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: Rollout\n"
    "metadata: {name: r-web, namespace: shop}\n"
    "spec:\n"
    "  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n"
    "  rolloutPlan: {rolloutBatches: [{replicas: 1}, {replicas: 2}]}\n"
    "---\n"
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: Rollout\n"
    "metadata: {name: r-db, namespace: shop}\n"
    "spec:\n"
    "  workloadRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}\n"
    "  rolloutPlan: {batchSize: 1}\n"
    "---\n"
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: Rollout\n"
    "metadata: {name: r-agent, namespace: shop}\n"
    "spec:\n"
    "  workloadRef: {apiVersion: apps/v1, kind: DaemonSet, name: agent}\n"
    "  rolloutPlan: {batchSize: 1}\n"
    "---\n"
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: Rollout\n"
    "metadata: {name: r-clone, namespace: shop}\n"
    "spec:\n"
    "  workloadRef: {apiVersion: apps.kruise.io/v1alpha1, kind: CloneSet, name: clone}\n"
    "  rolloutPlan: {batchSize: 1}\n";

#define ON(op, res) .operation = (op), .group = "apps", .resource = (res)
#define DEPLOYMENT ON("UPDATE", "deployments")
#define STATEFUL_SET ON("UPDATE", "statefulsets")
#define DAEMON_SET ON("UPDATE", "daemonsets")
#define CLONE_SET .operation = "UPDATE", .group = "apps.kruise.io", .resource = "clonesets"

/* name, annotations (with a leading comma, or nothing), image, further members of spec */
#define WORKLOAD(name, annotations, image, spec)                                                   \
    "{\"metadata\":{\"name\":\"" name "\"" annotations "},\"spec\":{\"template\":{\"spec\":{"      \
    "\"containers\":[{\"image\":\"" image "\"}]}}" spec "}}"
#define NINE_FIELDS                                                                                \
    "{\\\"spec.a\\\":1,\\\"spec.b\\\":1,\\\"spec.c\\\":1,\\\"spec.d\\\":1,\\\"spec.e\\\":1,"       \
    "\\\"spec.f\\\":1,\\\"spec.g\\\":1,\\\"spec.h\\\":1,\\\"spec.i\\\":1}"
#define HELD(text) ",\"annotations\":{\"sluice.dev/held\":\"" text "\"}"

#define ANNOTATIONS(text)                                                                          \
    "{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":{\"sluice.dev/held\":\"" text    \
    "\"}}"
#define ANNOTATION(text)                                                                           \
    "{\"op\":\"add\",\"path\":\"/metadata/annotations/sluice.dev~1held\",\"value\":\"" text "\"}"
#define ADD(path, value) "{\"op\":\"add\",\"path\":\"" path "\",\"value\":" value "}"
#define REMOVE(path) "{\"op\":\"remove\",\"path\":\"" path "\"}"

#define PAUSED(text) "{\\\"spec.paused\\\":" text "}"
#define STRATEGY(text) "{\\\"spec.updateStrategy\\\":" text "}"
#define FIELD "/spec/updateStrategy"
#define HOLDING "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":1000000000}}"
#define SETS(strategy) ",\"updateStrategy\":" strategy

static const struct review_case cases[] = {
    /* begin */
    {.name = "a Deployment is held paused; that nothing was there is saved",
     DEPLOYMENT,
     .object = WORKLOAD("web", "", "i:2", ""),
     .old = WORKLOAD("web", "", "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ADD("/spec/paused", "true") "," ANNOTATIONS(PAUSED("null")) "]",
     .why = "Rollout r-web rolls it"},
    {.name = "a Deployment that its owner paused is saved as paused",
     DEPLOYMENT,
     .object = WORKLOAD("web", "", "i:2", ",\"paused\":true"),
     .old = WORKLOAD("web", "", "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ANNOTATIONS(PAUSED("true")) "]"},
    {.name = "a StatefulSet is held by a partition above every ordinal; its strategy "
             "is saved whole",
     STATEFUL_SET,
     .object = WORKLOAD("db", ",\"annotations\":{}", "i:2",
                        SETS("{\"type\":\"RollingUpdate\", \"rollingUpdate\":{\"partition\":0}}")),
     .old = WORKLOAD("db", "", "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ADD(FIELD, HOLDING) "," ANNOTATION(
         STRATEGY("{\\\"type\\\":\\\"RollingUpdate\\\",\\\"rollingUpdate\\\":{"
                  "\\\"partition\\\":0}}")) "]"},
    {.name = "a StatefulSet with OnDelete is held by the partition too",
     STATEFUL_SET,
     .object = WORKLOAD("db", "", "i:2", SETS("{\"type\":\"OnDelete\"}")),
     .old = WORKLOAD("db", "", "i:1", ""),
     .want = SL_PATCHED,
     .patch =
         "[" ADD(FIELD, HOLDING) "," ANNOTATIONS(STRATEGY("{\\\"type\\\":\\\"OnDelete\\\"}")) "]"},
    {.name = "a strategy that is null is saved as nothing",
     STATEFUL_SET,
     .object = WORKLOAD("db", "", "i:2", SETS("null")),
     .old = WORKLOAD("db", "", "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ADD(FIELD, HOLDING) "," ANNOTATIONS(STRATEGY("null")) "]"},
    {.name = "a DaemonSet is held OnDelete",
     DAEMON_SET,
     .object = WORKLOAD("agent", "", "i:2", SETS("{\"type\":\"RollingUpdate\"}")),
     .old = WORKLOAD("agent", "", "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ADD(FIELD, "{\"type\":\"OnDelete\"}") "," ANNOTATIONS(
         STRATEGY("{\\\"type\\\":\\\"RollingUpdate\\\"}")) "]"},
    {.name = "a kind of the configuration is held by its partition, beside what else "
             "is there",
     CLONE_SET,
     .object = WORKLOAD("clone", "", "i:2", SETS("{\"maxUnavailable\":2}")),
     .old = WORKLOAD("clone", "", "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ADD(FIELD, "{\"maxUnavailable\":2,\"partition\":\"100%\"}") "," ANNOTATIONS(
         STRATEGY("{\\\"maxUnavailable\\\":2}")) "]"},
    {.name = "a kind of the configuration whose strategy is missing: it is made",
     CLONE_SET,
     .object = WORKLOAD("clone", "", "i:2", ""),
     .old = WORKLOAD("clone", "", "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ADD(FIELD, "{\"partition\":\"100%\"}") "," ANNOTATIONS(STRATEGY("null")) "]"},
    {.name = "a plan that does not fit the replicas is held all the same, with a warning",
     DEPLOYMENT,
     .object = WORKLOAD("web", "", "i:2", ",\"replicas\":5"),
     .old = WORKLOAD("web", "", "i:1", ",\"replicas\":5"),
     .want = SL_PATCHED,
     .patch = "[" ADD("/spec/paused", "true") "," ANNOTATIONS(PAUSED("null")) "]",
     .warning = "the batches sum to 3, the workload has 5 replicas"},
    {.name = "any number of replicas costs the same",
     STATEFUL_SET,
     .object = WORKLOAD("db", "", "i:2", ",\"replicas\":2147483647"),
     .old = WORKLOAD("db", "", "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ADD(FIELD, HOLDING) "," ANNOTATIONS(STRATEGY("null")) "]",
     .warning = "would be cut into 2147483647 batches"},
    {.name = "an annotation that is not ours is replaced",
     DEPLOYMENT,
     .object = WORKLOAD("web", HELD("nonsense"), "i:2", ""),
     .old = WORKLOAD("web", "", "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ADD("/spec/paused", "true") "," ANNOTATION(PAUSED("null")) "]"},
    {.name = "an annotation that was there before without a hold is not believed",
     DEPLOYMENT,
     .object = WORKLOAD("web", HELD(PAUSED("\\\"banana\\\"")), "i:2", ",\"paused\":false"),
     .old = WORKLOAD("web", "", "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ADD("/spec/paused", "true") "," ANNOTATION(PAUSED("false")) "]"},
    {.name = "an empty annotation is no hold",
     DEPLOYMENT,
     .object = WORKLOAD("web", HELD("{}"), "i:2", ""),
     .old = WORKLOAD("web", HELD("{}"), "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ADD("/spec/paused", "true") "," ANNOTATION(PAUSED("null")) "]"},
    {.name = "the template is never held",
     DEPLOYMENT,
     .object = WORKLOAD("web", HELD("{\\\"spec.template\\\":null}"), "i:2", ""),
     .old = WORKLOAD("web", HELD("{\\\"spec.template\\\":null}"), "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ADD("/spec/paused", "true") "," ANNOTATION(PAUSED("null")) "]"},
    {.name = "more fields than Sluice ever holds are not ours",
     DEPLOYMENT,
     .object = WORKLOAD("web", HELD(NINE_FIELDS), "i:2", ""),
     .old = WORKLOAD("web", HELD(NINE_FIELDS), "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" ADD("/spec/paused", "true") "," ANNOTATION(PAUSED("null")) "]"},
    /* nothing to hold */
    {.name = "the same template written otherwise is the same template",
     DEPLOYMENT,
     .object = "{\"metadata\":{\"name\":\"web\"},\"spec\":{\"template\":{\"b\":1,\"a\":"
               "\"x\"}}}",
     .old = "{\"metadata\":{\"name\":\"web\"},\"spec\":{\"template\":{\"a\":"
            "\"\\u0078\", \"b\":1}}}",
     .why = "does not change"},
    {.name = "a change of anything but the template passes",
     DEPLOYMENT,
     .object = WORKLOAD("web", "", "i:1", ",\"replicas\":9,\"paused\":true"),
     .old = WORKLOAD("web", "", "i:1", ",\"replicas\":3"),
     .why = "does not change"},
    {.name = "a workload that no Rollout names passes",
     DEPLOYMENT,
     .object = WORKLOAD("other", "", "i:2", ""),
     .old = WORKLOAD("other", "", "i:1", ""),
     .why = "no Rollout names it"},
    {.name = "a Rollout of another kind does not name it",
     DEPLOYMENT,
     .object = WORKLOAD("db", "", "i:2", ""),
     .old = WORKLOAD("db", "", "i:1", ""),
     .why = "no Rollout names it"},
    {.name = "the reconciler's account passes untouched",
     DEPLOYMENT,
     .user = RECONCILER,
     .object = WORKLOAD("web", "", "i:2", ""),
     .old = WORKLOAD("web", HELD(PAUSED("null")), "i:1", ",\"paused\":true"),
     .why = "the reconciler changes it"},
    {.name = "the scale subresource passes",
     DEPLOYMENT,
     .sub_resource = "scale",
     .object = WORKLOAD("web", "", "i:2", ""),
     .old = WORKLOAD("web", "", "i:1", ""),
     .why = "subresource"},
    {.name = "a spec that is no object is left alone",
     DEPLOYMENT,
     .object = "{\"metadata\":{\"name\":\"web\"},\"spec\":7}",
     .old = WORKLOAD("web", "", "i:1", ""),
     .why = "not an object"},
    /* keep */
    {.name = "held: nobody unpauses it; what they set is for the end of the run",
     DEPLOYMENT,
     .object = WORKLOAD("web", HELD(PAUSED("true")), "i:1", ",\"paused\":false"),
     .old = WORKLOAD("web", HELD(PAUSED("true")), "i:1", ",\"paused\":true"),
     .want = SL_PATCHED,
     .patch = "[" ADD("/spec/paused", "true") "," ANNOTATION(PAUSED("false")) "]",
     .why = "holds it already",
     .warning = "spec.paused is held"},
    {.name = "held: the old manifest put again keeps the hold and the annotation, and "
             "says so",
     DEPLOYMENT,
     .object = WORKLOAD("web", "", "i:1", ""),
     .old = WORKLOAD("web", HELD(PAUSED("null")), "i:1", ",\"paused\":true"),
     .want = SL_PATCHED,
     .patch = "[" ADD("/spec/paused", "true") "," ANNOTATIONS(PAUSED("null")) "]",
     .warning = "spec.paused is held"},
    {.name = "held: an update that leaves the held fields alone is left alone",
     DEPLOYMENT,
     .object = WORKLOAD("web", HELD(PAUSED("null")), "i:2", ",\"paused\":true,\"replicas\":3"),
     .old = WORKLOAD("web", HELD(PAUSED("null")), "i:2", ",\"paused\":true"),
     .why = "holds it already"},
    {.name = "released in part, a new template is held again from the start",
     STATEFUL_SET,
     .object = WORKLOAD("db", HELD(STRATEGY("{\\\"type\\\":\\\"OnDelete\\\"}")), "i:3",
                        SETS("{\"type\":\"RollingUpdate\",\"rollingUpdate\":{"
                             "\"partition\":2}}")),
     .old = WORKLOAD("db", HELD(STRATEGY("{\\\"type\\\":\\\"OnDelete\\\"}")), "i:2",
                     SETS("{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":2}"
                          "}")),
     .want = SL_PATCHED,
     .patch = "[" ADD(FIELD, HOLDING) "]",
     .why = "Rollout r-db rolls it"},
    {.name = "a workload that the reconciler holds by other fields is paused again for "
             "a new template",
     DEPLOYMENT,
     .object = WORKLOAD("web", HELD("{\\\"spec.minReadySeconds\\\":7}"), "i:3",
                        ",\"minReadySeconds\":2147483646"),
     .old = WORKLOAD("web", HELD("{\\\"spec.minReadySeconds\\\":7}"), "i:2",
                     ",\"minReadySeconds\":2147483646"),
     .want = SL_PATCHED,
     .patch = "[" ADD("/spec/paused", "true") "," ANNOTATION(
         "{\\\"spec.minReadySeconds\\\":7,\\\"spec.paused\\\":null}") "]"},
    {.name = "held: one key of a strategy that is set changes one key of the original",
     STATEFUL_SET,
     .object = WORKLOAD(
         "db",
         HELD(STRATEGY(
             "{\\\"type\\\":\\\"RollingUpdate\\\",\\\"rollingUpdate\\\":{\\\"partition\\\":0}}")),
         "i:2",
         SETS("{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":"
              "1000000000,\"maxUnavailable\":3}}")),
     .old = WORKLOAD(
         "db",
         HELD(STRATEGY(
             "{\\\"type\\\":\\\"RollingUpdate\\\",\\\"rollingUpdate\\\":{\\\"partition\\\":0}}")),
         "i:2", SETS(HOLDING)),
     .want = SL_PATCHED,
     .patch = "[" ADD(FIELD, HOLDING) "," ANNOTATION(
         STRATEGY("{\\\"type\\\":\\\"RollingUpdate\\\",\\\"rollingUpdate\\\":{\\\"partition\\\":0,"
                  "\\\"maxUnavailable\\\":3}}")) "]",
     .warning = "spec.updateStrategy is held"},
    {.name = "held: another type takes rollingUpdate out of the original",
     STATEFUL_SET,
     .object = WORKLOAD(
         "db",
         HELD(STRATEGY(
             "{\\\"type\\\":\\\"RollingUpdate\\\",\\\"rollingUpdate\\\":{\\\"partition\\\":0}}")),
         "i:2",
         SETS("{\"type\":\"OnDelete\",\"rollingUpdate\":{\"partition\":"
              "1000000000}}")),
     .old = WORKLOAD(
         "db",
         HELD(STRATEGY(
             "{\\\"type\\\":\\\"RollingUpdate\\\",\\\"rollingUpdate\\\":{\\\"partition\\\":0}}")),
         "i:2", SETS(HOLDING)),
     .want = SL_PATCHED,
     .patch =
         "[" ADD(FIELD, HOLDING) "," ANNOTATION(STRATEGY("{\\\"type\\\":\\\"OnDelete\\\"}")) "]",
     .warning = "spec.updateStrategy is held"},
    {.name = "held: rollingUpdate set again brings its type back",
     STATEFUL_SET,
     .object = WORKLOAD("db", HELD(STRATEGY("{\\\"type\\\":\\\"OnDelete\\\"}")), "i:2",
                        SETS("{\"type\":\"RollingUpdate\",\"rollingUpdate\":{"
                             "\"partition\":1}}")),
     .old = WORKLOAD("db", HELD(STRATEGY("{\\\"type\\\":\\\"OnDelete\\\"}")), "i:2", SETS(HOLDING)),
     .want = SL_PATCHED,
     .patch = "[" ADD(FIELD, HOLDING) "," ANNOTATION(
         STRATEGY("{\\\"type\\\":\\\"RollingUpdate\\\",\\\"rollingUpdate\\\":{"
                  "\\\"partition\\\":1}}")) "]",
     .warning = "spec.updateStrategy is held"},
    {.name = "held: a DaemonSet whose rollingUpdate goes was asked to be OnDelete",
     DAEMON_SET,
     .object = WORKLOAD("agent", HELD(STRATEGY("{\\\"type\\\":\\\"RollingUpdate\\\"}")), "i:2",
                        SETS("{\"type\":\"OnDelete\"}")),
     .old = WORKLOAD("agent", HELD(STRATEGY("{\\\"type\\\":\\\"RollingUpdate\\\"}")), "i:2",
                     SETS("{\"type\":\"OnDelete\",\"rollingUpdate\":{\"maxSurge\":1}}")),
     .want = SL_PATCHED,
     .patch = "[" ADD(FIELD, "{\"type\":\"OnDelete\",\"rollingUpdate\":{\"maxSurge\":1}"
                             "}") "," ANNOTATION(STRATEGY("{\\\"type\\\":\\\"OnDelete\\\"}")) "]",
     .warning = "spec.updateStrategy is held"},
    {.name = "held: a DaemonSet's own type comes back with all that belongs to it",
     DAEMON_SET,
     .object = WORKLOAD("agent", HELD(STRATEGY("{\\\"type\\\":\\\"OnDelete\\\"}")), "i:2",
                        SETS("{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":1}}")),
     .old = WORKLOAD("agent", HELD(STRATEGY("{\\\"type\\\":\\\"OnDelete\\\"}")), "i:2",
                     SETS("{\"type\":\"OnDelete\",\"rollingUpdate\":{\"maxSurge\":1}}")),
     .want = SL_PATCHED,
     .patch =
         "[" ADD(FIELD, "{\"type\":\"OnDelete\",\"rollingUpdate\":{\"maxSurge\":1}}") "," ANNOTATION(
             STRATEGY("{\\\"type\\\":\\\"RollingUpdate\\\",\\\"rollingUpdate\\\":{\\\"maxSurge\\\":"
                      "1}}")) "]",
     .warning = "spec.updateStrategy is held"},
    {.name = "held: a DaemonSet whose rollingUpdate changes keeps its own type",
     DAEMON_SET,
     .object = WORKLOAD("agent", HELD(STRATEGY("{\\\"type\\\":\\\"RollingUpdate\\\"}")), "i:2",
                        SETS("{\"type\":\"OnDelete\",\"rollingUpdate\":{\"maxSurge\":2}}")),
     .old = WORKLOAD("agent", HELD(STRATEGY("{\\\"type\\\":\\\"RollingUpdate\\\"}")), "i:2",
                     SETS("{\"type\":\"OnDelete\",\"rollingUpdate\":{\"maxSurge\":1}}")),
     .want = SL_PATCHED,
     .patch = "[" ADD(
         FIELD,
         "{\"type\":\"OnDelete\",\"rollingUpdate\":{\"maxSurge\":1}"
         "}") "," ANNOTATION(STRATEGY("{\\\"type\\\":\\\"RollingUpdate\\\",\\\"rollingUpdate\\\":{"
                                      "\\\"maxSurge\\\":2}}")) "]",
     .warning = "spec.updateStrategy is held"},
    {.name = "held: a field taken away is put back, and the original is nothing",
     STATEFUL_SET,
     .object = WORKLOAD("db", HELD(STRATEGY("{\\\"type\\\":\\\"OnDelete\\\"}")), "i:2", ""),
     .old = WORKLOAD("db", HELD(STRATEGY("{\\\"type\\\":\\\"OnDelete\\\"}")), "i:2", SETS(HOLDING)),
     .want = SL_PATCHED,
     .patch = "[" ADD(FIELD, HOLDING) "," ANNOTATION(STRATEGY("null")) "]",
     .warning = "spec.updateStrategy is held"},
    {.name = "held: a field that the hold took away is taken away again",
     DEPLOYMENT,
     .object = WORKLOAD("web", HELD("{\\\"spec.revisionHistoryLimit\\\":1}"), "i:2",
                        ",\"revisionHistoryLimit\":3"),
     .old = WORKLOAD("web", HELD("{\\\"spec.revisionHistoryLimit\\\":1}"), "i:2", ""),
     .want = SL_PATCHED,
     .patch = "[" REMOVE("/spec/revisionHistoryLimit") "," ANNOTATION(
         "{\\\"spec.revisionHistoryLimit\\\":3}") "]",
     .warning = "spec.revisionHistoryLimit is held"},
    {.name = "held: the originals may be edited in the annotation",
     DEPLOYMENT,
     .object = WORKLOAD("web", HELD(PAUSED("true")), "i:1", ",\"paused\":true"),
     .old = WORKLOAD("web", HELD(PAUSED("null")), "i:1", ",\"paused\":true"),
     .why = "holds it already"},
    {.name = "held: but fields that are not held cannot be smuggled in",
     DEPLOYMENT,
     .object = WORKLOAD("web", HELD("{\\\"spec.paused\\\":null,\\\"spec.replicas\\\":0}"), "i:1",
                        ",\"paused\":true"),
     .old = WORKLOAD("web", HELD(PAUSED("null")), "i:1", ",\"paused\":true"),
     .want = SL_PATCHED,
     .patch = "[" ANNOTATION(PAUSED("null")) "]"},
    {.name = "no longer named by a Rollout: the hold is nobody's business",
     DEPLOYMENT,
     .object = WORKLOAD("gone", "", "i:1", ""),
     .old = WORKLOAD("gone", HELD(PAUSED("null")), "i:1", ",\"paused\":true"),
     .why = "no Rollout names it"},
    /* restore */
    {.name = "a new workload is not held",
     ON("CREATE", "deployments"),
     .object = WORKLOAD("web", "", "i:1", ""),
     .why = "nothing to roll"},
    {.name = "a manifest that was saved while held gets its own values back",
     ON("CREATE", "statefulsets"),
     .object =
         WORKLOAD("db", HELD(STRATEGY("{\\\"type\\\":\\\"OnDelete\\\"}")), "i:1", SETS(HOLDING)),
     .want = SL_PATCHED,
     .patch = "[" ADD(FIELD, "{\"type\":\"OnDelete\"}") "," REMOVE(
         "/metadata/annotations/sluice.dev~1held") "]",
     .warning = "saved while its workload was held"},
    {.name = "what was not there before the hold is taken away again",
     ON("CREATE", "deployments"),
     .object = WORKLOAD("web", HELD(PAUSED("null")), "i:1", ",\"paused\":true"),
     .want = SL_PATCHED,
     .patch = "[" REMOVE("/spec/paused") "," REMOVE("/metadata/annotations/sluice.dev~1held") "]",
     .warning = "saved while its workload was held"},
    {.name = "applied to a workload that is not held, such a manifest gets its own "
             "values back too",
     DEPLOYMENT,
     .object = WORKLOAD("web", HELD(PAUSED("null")), "i:1", ",\"paused\":true"),
     .old = WORKLOAD("web", "", "i:1", ""),
     .want = SL_PATCHED,
     .patch = "[" REMOVE("/spec/paused") "," REMOVE("/metadata/annotations/sluice.dev~1held") "]",
     .warning = "saved while its workload was held"},
};

static void each_workload_is_answered_as_the_table_says(void **state)
{
    (void)state;
    CHECK_CASES(cases, policies);
}

static void a_strategy_that_cannot_be_saved_is_refused(void **state)
{
    (void)state;
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = open_policies(policies);
    SL_AUTO(sl_admission) struct sl_admission work = SL_ADMISSION_INIT;
    SL_AUTO(sl_buf) struct sl_buf object = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(2 * SL_MIB);
    const struct review_case row = {STATEFUL_SET, .old = WORKLOAD("db", "", "i:1", "")};
    sl_buf_adds(&object,
                "{\"metadata\":{\"name\":\"db\"},\"spec\":{\"updateStrategy\":{\"type\":\"");
    while (object.len < 100 * SL_KIB) {
        sl_buf_adds(&object, "\\\"");
    }
    sl_buf_adds(&object, "\"},\"template\":{}}}");
    write_review(&row, object.data, &body);
    admit(&work, &(struct sl_known){.policies = snapshot}, &body);
    assert_int_equal(work.decision.outcome, SL_DENIED);
    assert_int_equal(work.decision.patch.n, 0);
    assert_non_null(strstr(work.decision.message, "spec.updateStrategy of StatefulSet"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_workload_is_answered_as_the_table_says),
        cmocka_unit_test(a_strategy_that_cannot_be_saved_is_refused),
    };
    return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
