/* Pod CREATE: what is injected, what is left alone, and that both stay so when asked again. */
#include "support.h"

static const char policies[] =
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: TrafficPolicy\n"
    "metadata: {name: web, namespace: shop}\n"
    "spec:\n"
    "  selector: {matchLabels: {app: web}}\n"
    "  loadBalancers:\n"
    "  - {name: edge, haproxy: {address: 'tcp://127.0.0.1:9999', backend: web, port: 80}}\n"
    "  - {name: slb, external: {}}\n"
    "---\n"
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: TrafficPolicy\n"
    "metadata: {name: plain, namespace: shop}\n"
    "spec: {selector: {matchLabels: {app: plain}}, readinessGate: false, preStop: {sleepSeconds: "
    "0}}\n"
    "---\n"
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: TrafficPolicy\n"
    "metadata: {name: zoo, namespace: shop}\n"
    "spec: {selector: {matchExpressions: [{key: tier, operator: Exists}]}, readinessGate: false, "
    "preStop: {sleepSeconds: 0}}\n"
    "---\n"
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: Rollout\n"
    "metadata: {name: web-rollout, namespace: shop}\n"
    "spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}, rolloutPlan: "
    "{batchSize: "
    "1}}\n"
    "---\n"
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: Rollout\n"
    "metadata: {name: z-two, namespace: shop}\n"
    "spec: {workloadRef: {apiVersion: apps/v1, kind: StatefulSet, name: two}, rolloutPlan: "
    "{batchSize: 1}}\n"
    "---\n"
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: Rollout\n"
    "metadata: {name: a-two, namespace: shop}\n"
    "spec: {workloadRef: {apiVersion: apps/v1, kind: StatefulSet, name: two}, rolloutPlan: "
    "{batchSize: 1}}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Namespace\n"
    "metadata: {name: unmanaged, labels: {sluice.dev/managed: 'false'}}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Namespace\n"
    "metadata: {name: closing, deletionTimestamp: '2026-01-01T00:00:00Z', labels: "
    "{sluice.dev/managed: 'true'}}\n";

#define POD .operation = "CREATE", .group = "", .resource = "pods"
#define WEB "\"metadata\":{\"name\":\"p\",\"labels\":{\"app\":\"web\"}}"
#define SPEC "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}"
#define OWNED(kind, group, name)                                                                   \
    "\"ownerReferences\":[{\"apiVersion\":\"" group "\",\"kind\":\"" kind "\",\"name\":\"" name    \
    "\",\"uid\":\"1\",\"controller\":true}]"

#define LABEL                                                                                      \
    "{\"op\":\"add\",\"path\":\"/metadata/labels/sluice.dev~1traffic-policy\",\"value\":\"web\"}"
#define FINALIZERS                                                                                 \
    "{\"op\":\"add\",\"path\":\"/metadata/finalizers\",\"value\":[\"slb.sluice.dev/edge\"]}"
#define GATES                                                                                      \
    "{\"op\":\"add\",\"path\":\"/spec/readinessGates\",\"value\":[{\"conditionType\":"             \
    "\"sluice.dev/traffic-ready\"}]}"
#define LIFECYCLE(index)                                                                           \
    "{\"op\":\"add\",\"path\":\"/spec/containers/" index                                           \
    "/lifecycle\",\"value\":{\"preStop\":{\"sleep\":{\"seconds\":5}}}}"
#define GRACE(seconds)                                                                             \
    "{\"op\":\"add\",\"path\":\"/spec/terminationGracePeriodSeconds\",\"value\":" seconds "}"

static const struct review_case cases[] = {
    {.name =
         "a matched pod gets label, finalizer of our balancer only, gate, preStop and time for it",
     POD,
     .object = "{" WEB "," SPEC "}",
     .want = SL_PATCHED,
     .patch = "[" LABEL "," FINALIZERS "," GATES "," LIFECYCLE("0") "," GRACE("35") "]",
     .why = "TrafficPolicy web"},
    {.name =
         "lists and maps that are there are added to, and the grace period that is there is raised",
     POD,
     .object = "{\"metadata\":{\"finalizers\":[\"a/b\"],\"labels\":{\"app\":\"web\"}},\"spec\":{"
               "\"readinessGates\":[{\"conditionType\":\"x/y\"}],"
               "\"terminationGracePeriodSeconds\":7,\"containers\":[{\"lifecycle\":{\"postStart\":"
               "{}}},{\"lifecycle\":{\"preStop\":{\"exec\":{}}}},{\"lifecycle\":null}]}}",
     .want = SL_PATCHED,
     .patch = "[" LABEL
              ",{\"op\":\"add\",\"path\":\"/metadata/finalizers/-\",\"value\":\"slb.sluice.dev/"
              "edge\"},{\"op\":\"add\",\"path\":\"/spec/readinessGates/-\",\"value\":{"
              "\"conditionType\":\"sluice.dev/traffic-ready\"}},{\"op\":\"add\",\"path\":\"/spec/"
              "containers/0/lifecycle/preStop\",\"value\":{\"sleep\":{\"seconds\":5}}}," LIFECYCLE(
                  "2") "," GRACE("12") "]"},
    {.name = "null lists and maps count as not there",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"tier\":\"\"},\"finalizers\":null},\"spec\":{"
               "\"readinessGates\":null,\"containers\":[]}}",
     .want = SL_PATCHED,
     .patch = "[{\"op\":\"add\",\"path\":\"/metadata/labels/"
              "sluice.dev~1traffic-policy\",\"value\":\"zoo\"}]"},
    {.name = "what is there already is not added twice",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"web\",\"sluice.dev/traffic-policy\":\"web\"},"
               "\"finalizers\":[\"slb.sluice.dev/edge\"]},\"spec\":{\"readinessGates\":[{"
               "\"conditionType\":\"sluice.dev/traffic-ready\"}],\"containers\":[{\"lifecycle\":{"
               "\"preStop\":{\"sleep\":{\"seconds\":1}}}}]}}",
     .want = SL_ALLOWED,
     .why = "nothing is missing"},
    {.name = "no container without a preStop: the grace period stays",
     POD,
     .object = "{" WEB ",\"spec\":{\"containers\":[{\"lifecycle\":{\"preStop\":{\"exec\":{}}}}]}}",
     .want = SL_PATCHED,
     .patch = "[" LABEL "," FINALIZERS "," GATES "]"},
    {.name = "asked again, with a container that another webhook added: the grace period stays",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"web\",\"sluice.dev/traffic-policy\":\"web\"},"
               "\"finalizers\":[\"slb.sluice.dev/edge\"]},\"spec\":{\"readinessGates\":[{"
               "\"conditionType\":\"sluice.dev/traffic-ready\"}],\"terminationGracePeriodSeconds\":"
               "35,\"containers\":[{\"lifecycle\":{\"preStop\":{\"sleep\":{\"seconds\":5}}}},{}]}}",
     .want = SL_PATCHED,
     .patch = "[" LIFECYCLE("1") "]"},
    {.name = "a sleep of the pod's own leaves the other containers the time they had",
     POD,
     .object = "{" WEB ",\"spec\":{\"containers\":[{\"lifecycle\":{\"preStop\":{\"sleep\":{"
               "\"seconds\":5}}}},{}]}}",
     .want = SL_PATCHED,
     .patch = "[" LABEL "," FINALIZERS "," GATES "," LIFECYCLE("1") "," GRACE("35") "]"},
    {.name = "a policy label of another policy is replaced",
     POD,
     .object =
         "{\"metadata\":{\"labels\":{\"app\":\"plain\",\"sluice.dev/traffic-policy\":\"old\"}}"
         "," SPEC "}",
     .want = SL_PATCHED,
     .patch = "[{\"op\":\"add\",\"path\":\"/metadata/labels/"
              "sluice.dev~1traffic-policy\",\"value\":\"plain\"}]"},
    {.name = "a ReplicaSet's pod is traced to its Deployment and labelled with the Rollout",
     POD,
     .object =
         "{\"metadata\":{\"generateName\":\"web-5d-\",\"labels\":{\"app\":\"plain\","
         "\"pod-template-hash\":\"5d\"}," OWNED("ReplicaSet", "apps/v1", "web-5d") "}," SPEC "}",
     .want = SL_PATCHED,
     .patch = "[{\"op\":\"add\",\"path\":\"/metadata/labels/sluice.dev~1traffic-policy\",\"value\":"
              "\"plain\"},{\"op\":\"add\",\"path\":\"/metadata/labels/"
              "sluice.dev~1rollout\",\"value\":\"web-rollout\"}]"},
    {.name = "a ReplicaSet whose name does not end in the hash belongs to no Deployment",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"plain\",\"pod-template-hash\":\"5d\"}," OWNED(
         "ReplicaSet", "apps/v1", "webx5d") "}," SPEC "}",
     .want = SL_PATCHED,
     .patch = "[{\"op\":\"add\",\"path\":\"/metadata/labels/"
              "sluice.dev~1traffic-policy\",\"value\":\"plain\"}]"},
    {.name = "of two Rollouts that name the owner, the first by name counts",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"plain\"}," OWNED("StatefulSet", "apps/v1",
                                                                      "two") "}," SPEC "}",
     .want = SL_PATCHED,
     .patch = "[{\"op\":\"add\",\"path\":\"/metadata/labels/sluice.dev~1traffic-policy\",\"value\":"
              "\"plain\"},{\"op\":\"add\",\"path\":\"/metadata/labels/"
              "sluice.dev~1rollout\",\"value\":\"a-two\"}]"},
    {.name = "an owner that is not the controller does not count",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"plain\"},\"ownerReferences\":[{\"apiVersion\":"
               "\"apps/v1\",\"kind\":\"StatefulSet\",\"name\":\"two\"}]}," SPEC "}",
     .want = SL_PATCHED,
     .patch = "[{\"op\":\"add\",\"path\":\"/metadata/labels/"
              "sluice.dev~1traffic-policy\",\"value\":\"plain\"}]"},
    {.name = "a Job of another API group is no Job",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"plain\"}," OWNED("Job", "x.dev/v1",
                                                                      "j") "}," SPEC "}",
     .want = SL_PATCHED,
     .patch = "[{\"op\":\"add\",\"path\":\"/metadata/labels/"
              "sluice.dev~1traffic-policy\",\"value\":\"plain\"}]"},
    {.name = "a negative grace period counts as the second that the kubelet makes of it",
     POD,
     .object = "{" WEB ",\"spec\":{\"terminationGracePeriodSeconds\":-9,\"containers\":[{}]}}",
     .want = SL_PATCHED,
     .patch = "[" LABEL "," FINALIZERS "," GATES "," LIFECYCLE("0") "," GRACE("6") "]"},
    {.name = "a grace period that cannot be raised: no sleep that it would not cover",
     POD,
     .object = "{" WEB ",\"spec\":{\"terminationGracePeriodSeconds\":9223372036854775807,"
               "\"containers\":[{}]}}",
     .want = SL_PATCHED,
     .patch = "[" LABEL "," FINALIZERS "," GATES "]"},
    {.name = "a grace period that is no whole number is not understood and left alone",
     POD,
     .object = "{" WEB ",\"spec\":{\"terminationGracePeriodSeconds\":1.5,\"containers\":[{}]}}",
     .why = "not a whole number"},
    {.name = "a pod that the kubelet read from a file is left alone",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"web\"},\"annotations\":{\"kubernetes.io/"
               "config.source\":\"file\"}}," SPEC "}",
     .why = "static pod"},
    {.name = "two policies match: the first by name is applied, and a warning names both",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"plain\",\"tier\":\"x\"}}," SPEC "}",
     .want = SL_PATCHED,
     .patch = "[{\"op\":\"add\",\"path\":\"/metadata/labels/"
              "sluice.dev~1traffic-policy\",\"value\":\"plain\"}]",
     .warning = "TrafficPolicies plain and zoo both match"},
    {.name = "a label key with an escape in it is the same key",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"\\u0061pp\":\"pl\\u0061in\"}}," SPEC "}",
     .want = SL_PATCHED,
     .patch = "[{\"op\":\"add\",\"path\":\"/metadata/labels/"
              "sluice.dev~1traffic-policy\",\"value\":\"plain\"}]"},
    {.name = "a Rollout that names the workload gives its label without a TrafficPolicy",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"other\"}," OWNED("StatefulSet", "apps/v1",
                                                                      "two") "}," SPEC "}",
     .want = SL_PATCHED,
     .patch = "[{\"op\":\"add\",\"path\":\"/metadata/labels/"
              "sluice.dev~1rollout\",\"value\":\"a-two\"}]",
     .why = "Rollout a-two names its workload"},
    {.name = "a pod without labels gets the map with the Rollout's label",
     POD,
     .object = "{\"metadata\":{" OWNED("StatefulSet", "apps/v1", "two") "}," SPEC "}",
     .want = SL_PATCHED,
     .patch = "[{\"op\":\"add\",\"path\":\"/metadata/"
              "labels\",\"value\":{\"sluice.dev/rollout\":\"a-two\"}}]"},
    {.name = "hostNetwork keeps the TrafficPolicy away, not the Rollout",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"web\"}," OWNED(
         "StatefulSet", "apps/v1", "two") "},\"spec\":{\"hostNetwork\":true,\"containers\":[]}}",
     .want = SL_PATCHED,
     .patch = "[{\"op\":\"add\",\"path\":\"/metadata/labels/"
              "sluice.dev~1rollout\",\"value\":\"a-two\"}]",
     .warning = "hostNetwork"},
    {.name = "the label of the Rollout is there already",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"sluice.dev/rollout\":\"a-two\"}," OWNED(
         "StatefulSet", "apps/v1", "two") "}," SPEC "}",
     .why = "nothing is missing"},
    {.name = "no policy matches",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"other\"}}," SPEC "}",
     .why = "no TrafficPolicy"},
    {.name = "policies of another namespace do not count",
     POD,
     .ns = "other",
     .object = "{" WEB "," SPEC "}",
     .why = "no TrafficPolicy"},
    {.name = "a Job's pod is left alone",
     POD,
     .object =
         "{\"metadata\":{\"labels\":{\"app\":\"web\"}," OWNED("Job", "batch/v1", "j") "}," SPEC "}",
     .why = "Job"},
    {.name = "a mirror pod is left alone",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"web\"},\"annotations\":{\"kubernetes.io/"
               "config.mirror\":\"x\"}}," SPEC "}",
     .why = "static pod"},
    {.name = "a pod that its node owns is left alone",
     POD,
     .object =
         "{\"metadata\":{\"labels\":{\"app\":\"web\"}," OWNED("Node", "v1", "n") "}," SPEC "}",
     .why = "static pod"},
    {.name = "a hostNetwork pod is left alone with a warning",
     POD,
     .object = "{" WEB ",\"spec\":{\"hostNetwork\":true,\"containers\":[]}}",
     .why = "hostNetwork",
     .warning = "hostNetwork"},
    {.name = "a hostNetwork pod that no policy matches gives no warning",
     POD,
     .object = "{\"metadata\":{},\"spec\":{\"hostNetwork\":true,\"containers\":[]}}",
     .why = "no TrafficPolicy"},
    {.name = "namespaces on the ignore list are left alone",
     POD,
     .ns = "kube-system",
     .object = "{" WEB "," SPEC "}",
     .why = "ignore list"},
    {.name = "our own namespace is left alone",
     POD,
     .ns = "sluice-system",
     .object = "{" WEB "," SPEC "}",
     .why = "own namespace"},
    {.name = "a namespace that is known not to be managed is left alone",
     POD,
     .ns = "unmanaged",
     .object = "{" WEB "," SPEC "}",
     .why = "not labelled"},
    {.name = "a namespace that is being deleted is left alone",
     POD,
     .ns = "closing",
     .object = "{" WEB "," SPEC "}",
     .why = "being deleted"},
    {.name = "a pod that is being deleted is left alone",
     POD,
     .object = "{\"metadata\":{\"deletionTimestamp\":\"2026-01-01T00:00:00Z\",\"labels\":{\"app\":"
               "\"web\"}}," SPEC "}",
     .why = "being deleted"},
    {.name = "a subresource is left alone",
     POD,
     .sub_resource = "binding",
     .object = "{" WEB "," SPEC "}",
     .why = "subresource"},
    {.name = "a DELETE is never changed",
     .operation = "DELETE",
     .group = "",
     .resource = "pods",
     .old = "{" WEB "," SPEC "}",
     .why = "DELETE"},
    {.name = "labels that are no map are not understood and left alone",
     POD,
     .object = "{\"metadata\":{\"labels\":[\"app\"]}," SPEC "}",
     .why = "not a map"},
    {.name = "a label that is no string is not understood and left alone",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":1}}," SPEC "}",
     .why = "not a string"},
    {.name = "a label that is there twice is not understood and left alone",
     POD,
     .object =
         "{\"metadata\":{\"labels\":{\"app\":\"web\",\"b\":\"\",\"a\\u0070p\":\"x\"}}," SPEC "}",
     .why = "twice"},
    {.name = "a container that is no object is not understood and left alone",
     POD,
     .object = "{" WEB ",\"spec\":{\"containers\":[1]}}",
     .why = "container"},
    {.name = "a pod without a spec is not understood and left alone",
     POD,
     .object = "{" WEB "}",
     .why = "spec"},
};

static void each_pod_is_answered_as_the_table_says(void **state)
{
    (void)state;
    CHECK_CASES(cases, policies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pod_is_answered_as_the_table_says),
    };
    return cmocka_run_group_tests_name("pod create", tests, NULL, NULL);
}
