/* AdmissionReviews, through the whole of core, against a fixed set of policies. For every body that
 * can be read: the patch applies to the object; the patched object reviewed again gets no patch;
 * the same body gets the same bytes; a DELETE never has a patch; nothing is to be written onto a
 * pod but by an eviction that waits, and never by a dry run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/yaml.h"
#include "core/admission/response.h"
#include "review_mutator.h"

#define ANSWER_MAX (64 * SL_MIB)

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static const struct sl_workload_kind clone_set = {
    .group = SL_STR_INIT("apps.kruise.io"),
    .kind = SL_STR_INIT("CloneSet"),
    .resource = SL_STR_INIT("clonesets"),
    .hold = {SL_STR_INIT("updateStrategy"), SL_STR_INIT("partition"), SL_STR_INIT("\"100%\"")},
};
static struct sl_str ignored[] = {SL_STR_INIT("kube-system")};
static const struct sl_admit_config config = {
    .own_namespace = SL_STR_INIT("sluice-system"),
    .reconciler_account = SL_STR_INIT("system:serviceaccount:sluice-system:sluice-reconciler"),
    .ignore_namespaces = {.items = ignored, .count = 1},
    .workloads = {.items = &clone_set, .count = 1},
};

#define POLICY(name, spec)                                                                         \
    "apiVersion: sluice.dev/v1alpha1\nkind: TrafficPolicy\n"                                       \
    "metadata: {namespace: shop, name: " name "}\nspec: " spec "\n---\n"
#define ROLLOUT(group, kind, name, plan)                                                           \
    "apiVersion: sluice.dev/v1alpha1\nkind: Rollout\n"                                             \
    "metadata: {namespace: shop, name: " name "}\nspec:\n"                                         \
    "  workloadRef: {apiVersion: " group "/v1, kind: " kind ", name: " name "}\n"                  \
    "  rolloutPlan: " plan "\n---\n"

static const char policies_yaml[] = POLICY(
    "a-productpage",
    "{selector: {matchLabels: {app: productpage}}, preStop: {sleepSeconds: 7}, loadBalancers: "
    "[{name: edge, haproxy: {address: 'tcp://10.0.0.2:9999', backend: web, port: 8080}}, "
    "{name: inner, haproxy: {address: 'unix:///run/h', backend: web, port: 8080}}, "
    "{name: slb, external: {}}]}") POLICY("b-all", "{selector: {}, readinessGate: true}")
    POLICY("c-not-ratings",
           "{selector: {matchExpressions: [{key: app, operator: NotIn, values: [ratings]}]}, "
           "readinessGate: false, preStop: {sleepSeconds: 0}}")
        ROLLOUT("apps", "Deployment", "productpage",
                "{rolloutBatches: [{replicas: 1}, {replicas: 50%}]}")
            ROLLOUT("apps", "StatefulSet", "ratings", "{batchSize: 2, upgradeType: Beta}")
                ROLLOUT("apps", "DaemonSet", "agent", "{batchSize: 1}") ROLLOUT(
                    "apps.kruise.io", "CloneSet", "clones",
                    "{batchSize: 1}") "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n";

#define NOW (INT64_C(1795262400) * 1000000000)

/* Pods that may be evicted; which of them one is, the length of its name says. */
#define POD(reason) .policy = SL_STR_INIT("b-all"), .traffic = SL_STR_INIT(reason), .running = true
#define DRAIN(drain_op, began, ends) .op = (drain_op), .since = (began), .deadline = (ends)
static const struct sl_evictee evictees[] = {
    {POD("InService")},
    {POD("InService"), .asked = {NOW - 1, NOW - 1}},
    {POD("Draining"), DRAIN(SL_DRAIN_EVICT, NOW - 1, NOW + 1)},
    {POD("Draining"), DRAIN(SL_DRAIN_UPGRADE, NOW - 2, NOW - 1)},
    {POD("Draining"), DRAIN(SL_DRAIN_OTHER, 0, 0)},
    {POD("InService"), DRAIN(SL_DRAIN_OTHER, INT64_MAX, INT64_MAX)},
    {POD("InService"), DRAIN(SL_DRAIN_DELETE, 1, INT64_MAX)},
    {POD("Drained"), DRAIN(SL_DRAIN_EVICT, NOW, NOW + 1)},
    {POD("InService"), .deleted = true},
    {.policy = SL_STR_INIT("gone"), .running = true},
};

static bool find_pod(void *pods, struct sl_str ns, struct sl_str name, struct sl_arena *arena,
                     struct sl_evictee *ret_evictee)
{
    (void)pods;
    (void)arena;
    if (ns.n == 0 || name.n == 0) {
        return false;
    }
    *ret_evictee = evictees[name.n % (sizeof evictees / sizeof evictees[0])];
    ret_evictee->uid = SL_STR("u-evicted");
    ret_evictee->resource_version = SL_STR("7");
    return true;
}

static struct sl_known known = {.evictees = {.find = find_pod}, .now = NOW};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    struct sl_snapshot *policies = sl_snapshot_open();
    struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(policies));
    if (sl_yaml_parse(sl_str_from(policies_yaml), &docs, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.msg);
        abort();
    }
    for (size_t i = 0; i < sl_yaml_count(docs); i++) {
        sl_snapshot_add(policies, sl_yaml_root(docs, i), &config.workloads, &problems);
    }
    if (problems.count > 0) {
        (void)fprintf(stderr, "%s: %s\n", problems.items[0].path, problems.items[0].text);
        abort();
    }
    sl_snapshot_seal(policies);
    struct sl_handovers *handovers = sl_handovers_open();
    sl_handovers_add(handovers, SL_STR("shop"), SL_STR("handed-5d8"), SL_STR("u-handed"), NOW + 1);
    known.policies = policies;
    known.handovers = handovers;
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size_t mutated = seed % 4 == 0 ? 0 : mutate_review(data, size, max_size, seed);
    return mutated > 0 ? mutated : LLVMFuzzerMutate(data, size, max_size);
}

static void broken(const char *rule, struct sl_str detail)
{
    (void)fprintf(stderr, "%s: %.*s\n", rule, SL_STR_FMT(detail));
    abort();
}

/* Decides, and appends the answer; false when the body cannot be read. */
static bool decide(struct sl_admission *work, struct sl_str body, struct sl_buf *answer)
{
    struct sl_err err = SL_ERR_INIT;
    if (sl_admit(work, SL_ANY_ENDPOINT, &config, &known, body, &err) < 0) {
        if (err.kind != SL_ERR_INVALID) {
            broken("a fault of ours", sl_str_from(err.msg));
        }
        return false;
    }
    sl_response_write(&work->review, &work->decision, answer);
    struct json_object *parsed = NULL;
    if (sl_json_parse(sl_buf_str(answer), &parsed, &err) < 0) {
        broken("the answer is no JSON", sl_str_from(err.msg));
    }
    json_object_put(parsed);
    return true;
}

static void check_same_again(struct sl_str body, const struct sl_buf *answer)
{
    SL_AUTO(sl_admission) struct sl_admission work = SL_ADMISSION_INIT;
    SL_AUTO(sl_buf) struct sl_buf again = SL_BUF_INIT(ANSWER_MAX);
    if (!decide(&work, body, &again) || !sl_str_eq(sl_buf_str(&again), sl_buf_str(answer))) {
        broken("the same body gets another answer", sl_buf_str(&again));
    }
}

static void check_drain(const struct sl_admission *work)
{
    const struct sl_decision *decision = &work->decision;
    struct sl_str text = decision->drain.annotation;
    bool waits = decision->eviction == SL_EVICTION_WAITS;
    bool is_answer = decision->outcome == SL_DENIED && decision->code == 429 &&
                     decision->retry_after >= 1 && decision->retry_after <= 10;
    if (waits && !is_answer) {
        broken("an eviction waits and is not told so", sl_str_from(decision->why));
    }
    if (decision->drain.uid.p != NULL && (!waits || work->review.dry_run)) {
        broken("something is to be written onto a pod", decision->drain.name);
    }
    if (text.p != NULL && (sl_jscan(text, NULL, NULL, NULL, NULL) < 0 ||
                           text.n > SL_POD_DRAIN_MAX || decision->drain.uid.p == NULL)) {
        broken("an annotation that nobody can read", text);
    }
}

static struct json_object *patched_object(struct json_object *request, struct sl_str patch_text)
{
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_json) struct json_object *patch = NULL;
    struct json_object *object = json_object_get(json_object_object_get(request, "object"));
    if (sl_json_parse(patch_text, &patch, &err) < 0 || sl_patch_apply(patch, &object, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.msg);
        broken("the patch does not apply", patch_text);
    }
    return object;
}

static void check_patch(struct sl_str body, struct sl_str patch)
{
    SL_AUTO(sl_json) struct json_object *root = NULL;
    SL_AUTO(sl_admission) struct sl_admission work = SL_ADMISSION_INIT;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(ANSWER_MAX);
    SL_AUTO(sl_buf) struct sl_buf answer = SL_BUF_INIT(ANSWER_MAX);
    if (sl_json_parse(body, &root, NULL) < 0) {
        return; /* what jscan takes and json-c cannot hold: huge integers, keys twice where none
                   reads */
    }
    struct json_object *request = json_object_object_get(root, "request");
    json_object_object_add(request, "object", patched_object(request, patch));
    sl_json_write(root, &text);
    if (!decide(&work, sl_buf_str(&text), &answer)) {
        broken("the patched object cannot be read", sl_buf_str(&text));
    }
    if (work.decision.patch.n > 0) {
        (void)fprintf(stderr, "first: %.*s\n", SL_STR_FMT(patch));
        broken("the patched object gets a patch", work.decision.patch);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_str body = {.p = (const char *)data, .n = size};
    SL_AUTO(sl_admission) struct sl_admission work = SL_ADMISSION_INIT;
    SL_AUTO(sl_buf) struct sl_buf answer = SL_BUF_INIT(ANSWER_MAX);
    if (!decide(&work, body, &answer)) {
        return 0;
    }
    check_same_again(body, &answer);
    check_drain(&work);
    struct sl_str patch = work.decision.patch;
    if (patch.n == 0) {
        return 0;
    }
    if (work.review.operation == SL_DELETE || work.decision.outcome != SL_PATCHED) {
        broken("a patch where there must be none", patch);
    }
    check_patch(body, patch);
    return 0;
}
