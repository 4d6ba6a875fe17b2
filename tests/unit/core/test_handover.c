/* A hand-over: whose pods are refused, until when, and that it comes before everything else. */
#include "core/handovers.h"
#include "support.h"

#define NOON (INT64_C(1795262400) * 1000000000) /* 2026-11-21T12:00:00Z */
#define SECOND INT64_C(1000000000)

static const char policies[] =
    "apiVersion: sluice.dev/v1alpha1\n"
    "kind: TrafficPolicy\n"
    "metadata: {name: web, namespace: shop}\n"
    "spec: {selector: {matchLabels: {app: web}}, readinessGate: false, preStop: {sleepSeconds: "
    "0}}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Namespace\n"
    "metadata: {name: unmanaged}\n";

#define POD .operation = "CREATE", .group = "", .resource = "pods"
#define OWNER(kind, group, name, uid, controller)                                                  \
    "{\"metadata\":{\"labels\":{\"app\":\"web\"},\"ownerReferences\":[{\"apiVersion\":\"" group    \
    "\",\"kind\":\"" kind "\",\"name\":\"" name "\",\"uid\":\"" uid                                \
    "\",\"controller\":" controller "}]},\"spec\":{\"containers\":[]}}"
#define OF_WEB OWNER("ReplicaSet", "apps/v1", "web-5d8", "u-web", "true")
#define LABEL                                                                                      \
    "[{\"op\":\"add\",\"path\":\"/metadata/labels/"                                                \
    "sluice.dev~1traffic-policy\",\"value\":\"web\"}]"
#define REFUSED "pods of ReplicaSet web-5d8 are refused until 2026-11-21T12:00:10Z"

/* web-5d8 is marked until ten seconds past noon, in every namespace that a row below needs. */
static struct sl_handovers *marked(void)
{
    static const char *const namespaces[] = {"shop", "bare", "unmanaged", "kube-system",
                                             "sluice-system"};
    static const char *const uids[] = {"u-web", "u-bare", "u-unmanaged", "u-kube", "u-sluice"};
    struct sl_handovers *handovers = sl_handovers_open();
    for (size_t i = 0; i < sizeof uids / sizeof uids[0]; i++) {
        sl_handovers_add(handovers, sl_str_from(namespaces[i]), SL_STR("web-5d8"),
                         sl_str_from(uids[i]), NOON + 10 * SECOND);
    }
    return handovers;
}

static const struct review_case during[] = {
    {.name = "a pod of a marked ReplicaSet is refused",
     POD,
     .object = OF_WEB,
     .want = SL_DENIED,
     .why = REFUSED},
    {.name = "without any TrafficPolicy too",
     POD,
     .ns = "bare",
     .object = OWNER("ReplicaSet", "apps/v1", "web-5d8", "u-bare", "true"),
     .want = SL_DENIED,
     .why = REFUSED},
    {.name = "and where the namespace's label was not seen yet",
     POD,
     .ns = "unmanaged",
     .object = OWNER("ReplicaSet", "apps/v1", "web-5d8", "u-unmanaged", "true"),
     .want = SL_DENIED,
     .why = REFUSED},
    {.name = "a pod whose labels are not understood is refused all the same",
     POD,
     .object = "{\"metadata\":{\"labels\":[],\"ownerReferences\":[{\"apiVersion\":\"apps/v1\","
               "\"kind\":\"ReplicaSet\",\"name\":\"web-5d8\",\"uid\":\"u-web\",\"controller\":true}"
               "]}}",
     .want = SL_DENIED,
     .why = REFUSED},
    {.name = "in a namespace that is never touched nothing is refused",
     POD,
     .ns = "kube-system",
     .object = OWNER("ReplicaSet", "apps/v1", "web-5d8", "u-kube", "true"),
     .why = "ignore list"},
    {.name = "nor in our own: the webhook must not stop its own rescue",
     POD,
     .ns = "sluice-system",
     .object = OWNER("ReplicaSet", "apps/v1", "web-5d8", "u-sluice", "true"),
     .why = "own namespace"},
    {.name = "another ReplicaSet is not meant",
     POD,
     .object = OWNER("ReplicaSet", "apps/v1", "web-77f", "u-other", "true"),
     .want = SL_PATCHED,
     .patch = LABEL},
    {.name = "nor one of the same name with another uid",
     POD,
     .object = OWNER("ReplicaSet", "apps/v1", "web-5d8", "u-new", "true"),
     .want = SL_PATCHED,
     .patch = LABEL},
    {.name = "nor one of another namespace",
     POD,
     .object = OWNER("ReplicaSet", "apps/v1", "web-5d8", "u-bare", "true"),
     .want = SL_PATCHED,
     .patch = LABEL},
    {.name = "nor one of another name, whatever uid is claimed",
     POD,
     .object = OWNER("ReplicaSet", "apps/v1", "web-77f", "u-web", "true"),
     .want = SL_PATCHED,
     .patch = LABEL},
    {.name = "nor another group's ReplicaSet",
     POD,
     .object = OWNER("ReplicaSet", "x.dev/v1", "web-5d8", "u-web", "true"),
     .want = SL_PATCHED,
     .patch = LABEL},
    {.name = "an owner that is not the controller does not count",
     POD,
     .object = OWNER("ReplicaSet", "apps/v1", "web-5d8", "u-web", "false"),
     .want = SL_PATCHED,
     .patch = LABEL},
    {.name = "a bare pod is nobody's",
     POD,
     .object = "{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{}}",
     .want = SL_PATCHED,
     .patch = LABEL},
    {.name = "an UPDATE of such a pod passes: that is how it is handed over",
     .operation = "UPDATE",
     .group = "",
     .resource = "pods",
     .object = OF_WEB,
     .old = OF_WEB},
    {.name = "so does the DELETE",
     .operation = "DELETE",
     .group = "",
     .resource = "pods",
     .old = OF_WEB,
     .why = "DELETE"},
};

static const struct review_case after[] = {
    {.name = "past the time nothing is refused",
     POD,
     .object = OF_WEB,
     .want = SL_PATCHED,
     .patch = LABEL},
};

static void check(const struct review_case *rows, size_t count, struct sl_handovers *handovers,
                  int64_t now)
{
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = open_policies(policies);
    const struct sl_known known = {.policies = snapshot, .handovers = handovers, .now = now};
    for (size_t i = 0; i < count; i++) {
        check_case(&rows[i], &known);
    }
}

static void pods_are_refused_until_the_time_has_come(void **state)
{
    (void)state;
    SL_AUTO(sl_handovers) struct sl_handovers *handovers = marked();
    check(during, sizeof during / sizeof during[0], handovers, NOON);
    check(during, 1, handovers, NOON + 10 * SECOND - 1);
    check(after, 1, handovers, NOON + 10 * SECOND);
    check(after, 1, NULL, NOON);
}

static void a_renewed_mark_takes_the_place_of_the_one_before(void **state)
{
    (void)state;
    SL_AUTO(sl_handovers) struct sl_handovers *handovers = marked();
    size_t count = sl_handovers_count(handovers);
    sl_handovers_add(handovers, SL_STR("shop"), SL_STR("web-5d8"), SL_STR("u-web"), NOON);
    assert_int_equal(sl_handovers_count(handovers), count);
    check(after, 1, handovers, NOON);
}

static void a_refusal_is_forbidden_and_says_what_when_and_why(void **state)
{
    (void)state;
    SL_AUTO(sl_handovers) struct sl_handovers *handovers = sl_handovers_open();
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = open_policies(policies);
    SL_AUTO(sl_admission) struct sl_admission work = SL_ADMISSION_INIT;
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(SL_MIB);
    /* a fraction of a second is rounded up: past the time that is said nothing is refused */
    sl_handovers_add(handovers, SL_STR("shop"), SL_STR("web-5d8"), SL_STR("u-web"), NOON + 1);
    write_review(&during[0], during[0].object, &body);
    admit(&work, &(struct sl_known){.policies = snapshot, .handovers = handovers, .now = NOON},
          &body);
    const struct sl_decision *got = &work.decision;
    assert_int_equal(got->outcome, SL_DENIED);
    assert_int_equal(got->code, 403);
    assert_string_equal(got->reason, "Forbidden");
    assert_non_null(strstr(got->message, "until 2026-11-21T12:00:01Z: its Deployment is being"));
    assert_int_equal(got->patch.n, 0);
    assert_true(sl_str_is(got->kind, "pods"));
    assert_int_equal(got->cause_count, 1);
    assert_string_equal(got->causes[0].reason, "HandoverUnderWay");
    assert_string_equal(got->causes[0].field, "metadata.ownerReferences");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods_are_refused_until_the_time_has_come),
        cmocka_unit_test(a_renewed_mark_takes_the_place_of_the_one_before),
        cmocka_unit_test(a_refusal_is_forbidden_and_says_what_when_and_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
