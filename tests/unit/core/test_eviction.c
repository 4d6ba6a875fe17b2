/* Evictions: every row of the rule, what is to be written onto the pod, and when to ask again. */
#include "support.h"

#define SECOND INT64_C(1000000000)
#define NOON (INT64_C(1795262400) * SECOND) /* 2026-11-21T12:00:00Z */

static const char policies[] =
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: TrafficPolicy\n"
    "metadata: {name: web, namespace: shop}\n"
    "spec:\n"
    "  selector: {matchLabels: {app: web}}\n"
    "  drain: {propagationSeconds: 2, waitSeconds: 3, timeoutSeconds: 60}\n"
    "---\n"
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: TrafficPolicy\n"
    "metadata: {name: holds, namespace: shop}\n"
    "spec:\n"
    "  selector: {matchLabels: {app: holds}}\n"
    "  drain: {propagationSeconds: 2, waitSeconds: 3, timeoutSeconds: 60,\n"
    "    onTimeout: Hold}\n"
    "---\n"
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: TrafficPolicy\n"
    "metadata: {name: free, namespace: shop}\n"
    "spec: {selector: {matchLabels: {app: free}}, evictions: Allow}\n"
    "---\n"
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: TrafficPolicy\n"
    "metadata: {name: web, namespace: unmanaged}\n"
    "spec: {selector: {}}\n"
    "---\n"
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: TrafficPolicy\n"
    "metadata: {name: web, namespace: sluice-system}\n"
    "spec: {selector: {}}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Namespace\n"
    "metadata: {name: unmanaged}\n";

/* A review, the one pod that is known, and all that is expected. */
struct eviction_case {
    const char *name;       /* the behaviour */
    const char *ns;         /* NULL: "shop" */
    const char *of;         /* the pod that is evicted; NULL: the one that is known, web-0 */
    const char *options;    /* deleteOptions; NULL: none */
    struct sl_evictee pod;  /* policy absent: "web"; the uid is u-0, and its version 7 */
    int64_t now;            /* 0: NOON */
    const char *why;        /* part of it */
    const char *annotation; /* of the order; NULL: nothing is written */
    int64_t retry_after;
    enum sl_eviction want;
    bool dry_run;   /* of the request */
    bool remembers; /* that it was asked for */
    bool warns;
};

#define IN_SERVICE .running = true, .traffic = SL_STR_INIT("InService")
#define DRAINING .running = true, .traffic = SL_STR_INIT("Draining")
#define MARK(op_, since_, deadline_) .op = (op_), .since = (since_), .deadline = (deadline_)
#define EVICTED(since_) MARK(SL_DRAIN_EVICT, (since_), (since_) + 60 * SECOND)

static struct eviction_case rows[] = {
    {.name = "a pod in service is to be drained, and whoever evicts waits",
     .pod = {IN_SERVICE},
     .want = SL_EVICTION_WAITS,
     .why = "pod shop/web-0 is being taken out of traffic (policy web): 0 s so far, 60 s at most; "
            "it may be evicted then",
     .annotation = "{\"op\":\"evict\",\"id\":\"u-1\","
                   "\"deadline\":\"2026-11-21T12:01:00.000000Z\"}",
     .remembers = true,
     .retry_after = 5},
    {.name = "so is one that has not joined yet: nobody knows which balancer has it already",
     .pod = {.running = true},
     .want = SL_EVICTION_WAITS,
     .annotation = "{\"op\":\"evict\",\"id\":\"u-1\","
                   "\"deadline\":\"2026-11-21T12:01:00.000000Z\"}",
     .remembers = true,
     .retry_after = 5},
    {.name = "while it drains, the waits that are left are waited for, and nothing is written",
     .pod = {DRAINING, EVICTED(NOON)},
     .now = NOON + 3 * SECOND + 1,
     .want = SL_EVICTION_WAITS,
     .why = "(policy web): 3 s so far, 60 s at most",
     .retry_after = 2},
    {.name = "when they are over, it is asked for soon",
     .pod = {DRAINING, EVICTED(NOON)},
     .now = NOON + 5 * SECOND,
     .want = SL_EVICTION_WAITS,
     .retry_after = 1},
    {.name = "and less often the longer it takes",
     .pod = {DRAINING, EVICTED(NOON)},
     .now = NOON + 45 * SECOND,
     .want = SL_EVICTION_WAITS,
     .retry_after = 4},
    {.name = "but never after its deadline",
     .pod = {DRAINING, EVICTED(NOON)},
     .now = NOON + 59 * SECOND,
     .want = SL_EVICTION_WAITS,
     .retry_after = 1},
    {.name = "nor after ten seconds",
     .pod = {DRAINING, MARK(SL_DRAIN_EVICT, NOON, NOON + 3600 * SECOND)},
     .now = NOON + 1800 * SECOND,
     .want = SL_EVICTION_WAITS,
     .why = "1800 s so far, 3600 s at most",
     .retry_after = 10},
    {.name = "a drain that is dated ahead of our clock has just begun",
     .pod = {DRAINING, EVICTED(NOON + 5 * SECOND)},
     .want = SL_EVICTION_WAITS,
     .why = "0 s so far, 65 s at most",
     .retry_after = 5},
    {.name = "a drained pod may be evicted",
     .pod = {.running = true, .traffic = SL_STR_INIT("Drained"), EVICTED(NOON)},
     .now = NOON + 6 * SECOND,
     .want = SL_EVICTION_OUT_OF_TRAFFIC,
     .why = "out of traffic"},
    {.name = "so may one that is being upgraded",
     .pod = {.running = true,
             .traffic = SL_STR_INIT("Upgrading"),
             MARK(SL_DRAIN_UPGRADE, NOON, NOON + 60 * SECOND)},
     .want = SL_EVICTION_OUT_OF_TRAFFIC},
    {.name = "a drain for something else is waited for, and its annotation stays",
     .pod = {DRAINING, MARK(SL_DRAIN_UPGRADE, NOON, NOON + 60 * SECOND)},
     .want = SL_EVICTION_WAITS,
     .why = "(policy web, for an upgrade)",
     .retry_after = 5},
    {.name = "a deadline that another one has named for a drain that has not begun is not the end",
     .pod = {IN_SERVICE, MARK(SL_DRAIN_UPGRADE, 0, NOON - SECOND)},
     .want = SL_EVICTION_WAITS,
     .why = "for an upgrade): 0 s so far",
     .remembers = true,
     .retry_after = 5},
    {.name = "somebody else's too",
     .pod = {DRAINING, MARK(SL_DRAIN_OTHER, NOON, NOON + 60 * SECOND)},
     .want = SL_EVICTION_WAITS,
     .why = "asked for by another controller",
     .retry_after = 5},
    {.name = "one that is not dated yet counts from when its eviction was asked for",
     .pod = {IN_SERVICE, MARK(SL_DRAIN_OTHER, 0, 0)},
     .want = SL_EVICTION_WAITS,
     .why = "pod shop/web-0 is to be taken out of traffic (policy web, asked for by another "
            "controller): 0 s so far; its condition sluice.dev/traffic-ready says what that waits",
     .remembers = true,
     .retry_after = 5},
    {.name = "and so it goes on",
     .pod = {IN_SERVICE, MARK(SL_DRAIN_UPGRADE, 0, 0),
             .asked = {NOON - 10 * SECOND, NOON - 4 * SECOND}},
     .want = SL_EVICTION_WAITS,
     .why = "10 s so far; its condition",
     .remembers = true,
     .retry_after = 1},
    {.name = "half a date is none",
     .pod = {IN_SERVICE, MARK(SL_DRAIN_OTHER, NOON - 90 * SECOND, 0)},
     .want = SL_EVICTION_WAITS,
     .why = "0 s so far; its condition",
     .remembers = true,
     .retry_after = 5},
    {.name = "an annotation that nobody could write for so long holds no pod either",
     .pod = {IN_SERVICE, .asked = {NOON - 60 * SECOND, NOON - SECOND}},
     .want = SL_EVICTION_OVERDUE,
     .why = "deadline",
     .warns = true},
    {.name = "a mark that is tried again has the first time",
     .pod = {IN_SERVICE, .asked = {NOON - 20 * SECOND, NOON - SECOND}},
     .want = SL_EVICTION_WAITS,
     .annotation = "{\"op\":\"evict\",\"id\":\"u-1\","
                   "\"deadline\":\"2026-11-21T12:00:40.000000Z\"}",
     .remembers = true,
     .retry_after = 2},
    {.name = "what waits for its budget has the deadline that a reconciler moves",
     .pod = {IN_SERVICE, MARK(SL_DRAIN_EVICT, 0, NOON + 40 * SECOND),
             .asked = {NOON - 70 * SECOND, NOON - 4 * SECOND}},
     .want = SL_EVICTION_WAITS,
     .why = "70 s so far; its condition",
     .remembers = true,
     .retry_after = 7},
    {.name = "and is let go when none does",
     .pod = {IN_SERVICE, MARK(SL_DRAIN_EVICT, 0, NOON)},
     .want = SL_EVICTION_OVERDUE,
     .why = "deadline",
     .warns = true},
    {.name = "whoever has not asked for a minute has given up: it begins anew",
     .pod = {IN_SERVICE, .asked = {NOON - 300 * SECOND, NOON - 60 * SECOND}},
     .want = SL_EVICTION_WAITS,
     .why = "0 s so far",
     .annotation = "{\"op\":\"evict\",\"id\":\"u-1\","
                   "\"deadline\":\"2026-11-21T12:01:00.000000Z\"}",
     .remembers = true,
     .retry_after = 5},
    {.name = "past its deadline a pod may be evicted, drained or not",
     .pod = {DRAINING, EVICTED(NOON)},
     .now = NOON + 60 * SECOND,
     .want = SL_EVICTION_OVERDUE,
     .why = "deadline",
     .warns = true},
    {.name = "the same where nobody has begun: no reconciler is alive",
     .pod = {IN_SERVICE, EVICTED(NOON)},
     .now = NOON + 61 * SECOND,
     .want = SL_EVICTION_OVERDUE,
     .warns = true},
    {.name = "and of a drain for something else",
     .pod = {DRAINING, MARK(SL_DRAIN_UPGRADE, NOON, NOON + 30 * SECOND)},
     .now = NOON + 30 * SECOND,
     .want = SL_EVICTION_OVERDUE,
     .warns = true},
    {.name = "onTimeout: Hold keeps it, and says so",
     .pod = {DRAINING, EVICTED(NOON), .policy = SL_STR_INIT("holds")},
     .now = NOON + 100 * SECOND,
     .want = SL_EVICTION_WAITS,
     .why =
         "pod shop/web-0 is still in traffic after 100 s (policy holds): its drain had 60 s, and "
         "onTimeout: Hold keeps it from being evicted",
     .retry_after = 10},
    {.name = "but not a drained one",
     .pod = {.running = true,
             .traffic = SL_STR_INIT("Drained"),
             EVICTED(NOON),
             .policy = SL_STR_INIT("holds")},
     .now = NOON + 100 * SECOND,
     .want = SL_EVICTION_OUT_OF_TRAFFIC},
    {.name = "evictions: Allow",
     .pod = {IN_SERVICE, .policy = SL_STR_INIT("free")},
     .want = SL_EVICTION_NOT_OURS,
     .why = "evictions: Allow"},
    {.name = "a policy that is gone keeps nothing",
     .pod = {IN_SERVICE, .policy = SL_STR_INIT("gone")},
     .want = SL_EVICTION_NOT_OURS,
     .why = "TrafficPolicy is gone"},
    {.name = "nor does one of another namespace",
     .ns = "bare",
     .pod = {IN_SERVICE},
     .want = SL_EVICTION_NOT_OURS,
     .why = "TrafficPolicy is gone"},
    {.name = "a pod that does not run, or no more, serves nothing",
     .pod = {.traffic = SL_STR_INIT("InService")},
     .want = SL_EVICTION_NOT_OURS,
     .why = "does not run"},
    {.name = "a pod that is being deleted goes anyway",
     .pod = {IN_SERVICE, .deleted = true},
     .want = SL_EVICTION_NOT_OURS,
     .why = "being deleted"},
    {.name = "a pod that is not known is nobody's",
     .of = "other-0",
     .pod = {IN_SERVICE},
     .want = SL_EVICTION_NOT_OURS,
     .why = "no TrafficPolicy has the pod"},
    {.name = "the precondition is the pod that is known",
     .options = "{\"preconditions\":{\"uid\":\"u-0\"}}",
     .pod = {DRAINING, EVICTED(NOON)},
     .want = SL_EVICTION_WAITS,
     .retry_after = 5},
    {.name = "the precondition is one that had its name before: the API server refuses it",
     .options = "{\"preconditions\":{\"uid\":\"u-older\"}}",
     .pod = {IN_SERVICE},
     .want = SL_EVICTION_NOT_OURS,
     .why = "another pod"},
    {.name = "a dry run of the request begins nothing",
     .dry_run = true,
     .pod = {IN_SERVICE},
     .want = SL_EVICTION_DRY_RUN,
     .why = "dry run"},
    {.name = "nor does one of the body, which the request does not tell",
     .options = "{\"dryRun\":[\"All\"]}",
     .pod = {IN_SERVICE},
     .want = SL_EVICTION_DRY_RUN},
    {.name = "an empty list is no dry run",
     .options = "{\"dryRun\":[],\"gracePeriodSeconds\":30}",
     .pod = {DRAINING, EVICTED(NOON)},
     .want = SL_EVICTION_WAITS,
     .retry_after = 5},
    {.name = "deleteOptions of another shape say nothing",
     .options = "[{\"dryRun\":[\"All\"]}]",
     .pod = {DRAINING, EVICTED(NOON)},
     .want = SL_EVICTION_WAITS,
     .retry_after = 5},
    {.name = "a namespace that did not opt in is left alone",
     .ns = "unmanaged",
     .pod = {IN_SERVICE},
     .want = SL_EVICTION_NONE,
     .why = "not labelled"},
    {.name = "so is our own",
     .ns = "sluice-system",
     .pod = {IN_SERVICE},
     .want = SL_EVICTION_NONE,
     .why = "own namespace"},
    {.name = "and one of the ignore list",
     .ns = "kube-system",
     .pod = {IN_SERVICE},
     .want = SL_EVICTION_NONE,
     .why = "ignore list"},
};

/* The pod of a row is web-0, in whatever namespace. */
static bool find_pod(void *row_, struct sl_str ns, struct sl_str name, struct sl_arena *arena,
                     struct sl_evictee *ret_evictee)
{
    const struct eviction_case *row = row_;
    (void)ns;
    (void)arena;
    if (!sl_str_is(name, "web-0")) {
        return false;
    }
    *ret_evictee = row->pod;
    ret_evictee->uid = SL_STR("u-0");
    ret_evictee->resource_version = SL_STR("7");
    if (row->pod.policy.p == NULL) {
        ret_evictee->policy = SL_STR("web");
    }
    return true;
}

static void write_eviction(const struct eviction_case *row, struct sl_buf *out)
{
    const char *ns = row->ns == NULL ? "shop" : row->ns;
    const char *name = row->of == NULL ? "web-0" : row->of;
    sl_buf_addf(out,
                "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\","
                "\"request\":{\"uid\":\"u-1\",\"resource\":{\"group\":\"\",\"version\":\"v1\","
                "\"resource\":\"pods\"},\"subResource\":\"eviction\",\"namespace\":\"%s\","
                "\"name\":\"%s\",\"operation\":\"CREATE\",\"dryRun\":%s,\"object\":{\"kind\":"
                "\"Eviction\",\"apiVersion\":\"policy/v1\",\"metadata\":{\"name\":\"%s\","
                "\"namespace\":\"%s\"}%s%s},\"oldObject\":null}}",
                ns, name, row->dry_run ? "true" : "false", name, ns,
                row->options == NULL ? "" : ",\"deleteOptions\":",
                row->options == NULL ? "" : row->options);
}

static void check_order(const struct eviction_case *row, const struct sl_drain_order *order)
{
    struct sl_str annotation = sl_str_from(row->annotation);
    bool remembers = order->uid.p != NULL;
    if (remembers != row->remembers || !sl_str_eq(order->annotation, annotation)) {
        fail_msg("%s: got %.*s", row->name, SL_STR_FMT(order->annotation));
    }
    if (remembers) {
        assert_true(sl_str_is(order->ns, "shop"));
        assert_true(sl_str_is(order->name, "web-0"));
        assert_true(sl_str_is(order->uid, "u-0"));
        assert_true(sl_str_is(order->resource_version, "7"));
    }
}

static void check_row(struct eviction_case *row, const struct sl_snapshot *snapshot)
{
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_admission) struct sl_admission work = SL_ADMISSION_INIT;
    const struct sl_known known = {
        .policies = snapshot,
        .evictees = {.find = find_pod, .pods = row},
        .now = row->now == 0 ? NOON : row->now,
    };
    write_eviction(row, &body);
    admit(&work, &known, &body);
    const struct sl_decision *got = &work.decision;
    bool denied = row->want == SL_EVICTION_WAITS;
    if (got->eviction != row->want || got->outcome != (denied ? SL_DENIED : SL_ALLOWED) ||
        (row->why != NULL && strstr(got->why, row->why) == NULL)) {
        fail_msg("%s: %s, %s: %s", row->name, sl_outcome_names[got->outcome],
                 sl_eviction_names[got->eviction], got->why);
    }
    if (got->retry_after != row->retry_after || got->warning_count != (row->warns ? 1 : 0)) {
        fail_msg("%s: again after %lld s, %zu warnings", row->name, (long long)got->retry_after,
                 got->warning_count);
    }
    assert_int_equal(got->code, denied ? 429 : 0);
    assert_int_equal(got->patch.n, 0);
    check_order(row, &got->drain);
}

static void an_eviction_waits_until_its_pod_is_out_of_traffic(void **state)
{
    (void)state;
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = open_policies(policies);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(&rows[i], snapshot);
    }
}

static void the_answer_is_what_clients_repeat_by_themselves(void **state)
{
    (void)state;
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = open_policies(policies);
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_buf) struct sl_buf answer = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_admission) struct sl_admission work = SL_ADMISSION_INIT;
    struct eviction_case row = {.pod = {IN_SERVICE}};
    const struct sl_known known = {
        .policies = snapshot,
        .evictees = {.find = find_pod, .pods = &row},
        .now = NOON,
    };
    write_eviction(&row, &body);
    admit(&work, &known, &body);
    sl_response_write(&work.review, &work.decision, &answer);
    assert_string_equal(
        answer.data,
        "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{"
        "\"uid\":\"u-1\",\"allowed\":false,\"status\":{\"status\":\"Failure\",\"message\":\"pod "
        "shop/web-0 is being taken out of traffic (policy web): 0 s so far, 60 s at most; it may "
        "be "
        "evicted then\",\"reason\":\"TooManyRequests\",\"details\":{\"name\":\"web-0\",\"group\":"
        "\"\",\"kind\":\"pods\",\"retryAfterSeconds\":5},\"code\":429}}}\n");
}

static const struct review_case unknown[] = {
    {.name = "without policies an eviction is nobody's business",
     .operation = "CREATE",
     .resource = "pods",
     .sub_resource = "eviction",
     .group = "",
     .object = "{\"metadata\":{\"name\":\"web-0\"}}",
     .want = SL_ALLOWED,
     .why = "there is no TrafficPolicy"},
};

static const struct review_case unwatched[] = {
    {.name = "where no pods are known, one goes with a warning",
     .operation = "CREATE",
     .resource = "pods",
     .sub_resource = "eviction",
     .group = "",
     .object = "{\"metadata\":{\"name\":\"web-0\"}}",
     .want = SL_ALLOWED,
     .why = "no pods are known",
     .warning = "policies.kube"},
    {.name = "the subresource has that name exactly",
     .operation = "CREATE",
     .resource = "pods",
     .sub_resource = "evictions",
     .group = "",
     .object = "{\"metadata\":{\"name\":\"web-0\"}}",
     .want = SL_ALLOWED,
     .why = "does not handle this subresource"},
    {.name = "and so has the resource",
     .operation = "CREATE",
     .resource = "deployments",
     .sub_resource = "eviction",
     .group = "apps",
     .object = "{\"metadata\":{\"name\":\"web-0\"}}",
     .want = SL_ALLOWED,
     .why = "does not handle this subresource"},
};

static void without_pods_an_eviction_is_allowed(void **state)
{
    (void)state;
    CHECK_CASES(unknown, "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n");
    CHECK_CASES(unwatched, policies);
}

/* Whatever the API server calls a review goes into an annotation of limited size. */
static void a_review_with_an_endless_uid_marks_the_pod_without_it(void **state)
{
    (void)state;
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = open_policies(policies);
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_admission) struct sl_admission work = SL_ADMISSION_INIT;
    struct eviction_case row = {.pod = {IN_SERVICE}};
    const struct sl_known known = {
        .policies = snapshot,
        .evictees = {.find = find_pod, .pods = &row},
        .now = NOON,
    };
    sl_buf_addf(&body,
                "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{"
                "\"uid\":\"%0*d\",\"resource\":{\"group\":\"\",\"resource\":\"pods\"},"
                "\"subResource\":\"eviction\",\"namespace\":\"shop\",\"operation\":\"CREATE\","
                "\"object\":{\"metadata\":{\"name\":\"web-0\"}}}}",
                5000, 1);
    admit(&work, &known, &body);
    assert_int_equal(work.decision.eviction, SL_EVICTION_WAITS);
    assert_true(sl_str_starts(work.decision.drain.annotation,
                              SL_STR("{\"op\":\"evict\",\"id\":\"\",\"deadline\":")));
    assert_true(sl_str_is(work.decision.drain.name, "web-0")); /* of the object: no request.name */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_eviction_waits_until_its_pod_is_out_of_traffic),
        cmocka_unit_test(the_answer_is_what_clients_repeat_by_themselves),
        cmocka_unit_test(without_pods_an_eviction_is_allowed),
        cmocka_unit_test(a_review_with_an_endless_uid_marks_the_pod_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
