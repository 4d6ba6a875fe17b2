/* AdmissionReviews in and out: what is read, what is refused as unreadable, and the exact answer.
 */
#include "core/admission/mutators.h"
#include "support.h"

#define REVIEW(request)                                                                            \
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{" request   \
    "}}"

static void an_unreadable_review_is_invalid_and_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *body, *why;
    } rows[] = {
        {"", "line 1"},
        {"{", "line 1"},
        {"[]", "kind must be AdmissionReview"},
        {"null", "kind must be AdmissionReview"},
        {"{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v2\"}",
         "apiVersion admission.k8s.io/v1"},
        {"{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}", "kind must be AdmissionReview"},
        {"{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\"}", "no request"},
        {REVIEW("\"operation\":\"CREATE\""), "uid"},
        {REVIEW("\"uid\":\"\",\"operation\":\"CREATE\""), "uid"},
        {REVIEW("\"uid\":7,\"operation\":\"CREATE\""), "uid"},
        {REVIEW("\"uid\":\"u\",\"operation\":\"create\""), "operation"},
        {REVIEW("\"uid\":\"u\",\"uid\":\"v\",\"operation\":\"CREATE\""), "uid"},
        {REVIEW("\"uid\":\"u\",\"operation\":\"CREATE\"") "x", "column"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_review review;
        struct sl_err err = SL_ERR_INIT;
        int rc = sl_review_parse(sl_str_from(rows[i].body), &arena, &review, &err);
        if (rc != -1 || err.kind != SL_ERR_INVALID || strstr(err.msg, rows[i].why) == NULL) {
            fail_msg("%s: %s", rows[i].body, err.msg);
        }
    }
}

static void a_review_is_read_field_by_field(void **state)
{
    (void)state;
    static const char body[] = REVIEW(
        "\"uid\":\"u\\u0031\",\"kind\":{\"group\":\"apps\",\"version\":\"v1\",\"kind\":"
        "\"Deployment\"},"
        "\"resource\":{\"group\":\"apps\",\"version\":\"v1\",\"resource\":\"deployments\"},"
        "\"subResource\":\"scale\",\"namespace\":\"n\",\"name\":\"x\",\"operation\":\"UPDATE\","
        "\"userInfo\":{\"username\":\"me\",\"groups\":[]},\"dryRun\":true,"
        "\"object\":{\"metadata\":{\"labels\":{}},\"spec\":{\"replicas\":3}},\"oldObject\":null");
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_review review;
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_review_parse(sl_str_from(body), &arena, &review, &err), 0);
    assert_true(sl_str_is(review.uid, "u1"));
    assert_true(sl_str_is(review.group, "apps"));
    assert_true(sl_str_is(review.resource, "deployments"));
    assert_true(sl_str_is(review.sub_resource, "scale"));
    assert_true(sl_str_is(review.ns, "n"));
    assert_true(sl_str_is(review.username, "me"));
    assert_int_equal(review.operation, SL_UPDATE);
    assert_true(review.dry_run);
    assert_true(sl_object_there(&review.object));
    assert_false(sl_object_there(&review.old_object));
    assert_true(sl_str_is(review.object.replicas.raw, "3"));
    assert_int_equal(review.object.labels.type, SL_J_OBJECT);
    assert_string_equal(sl_review_subject(&review, &arena), "n/x");
}

static void the_answer_is_exact(void **state)
{
    (void)state;
    static const struct sl_review review = {.api_version = SL_STR_INIT("admission.k8s.io/v1beta1"),
                                            .uid = SL_STR_INIT("a\"b"),
                                            .group = SL_STR_INIT("g.dev")};
    static const struct {
        struct sl_decision decision;
        const char *want;
    } rows[] = {
        {{.outcome = SL_ALLOWED}, "\"allowed\":true}}\n"},
        {{.outcome = SL_PATCHED,
          .patch = SL_STR_INIT("[1]"),
          .warnings = {"w\n", "x"},
          .warning_count = 2},
         "\"allowed\":true,\"patchType\":\"JSONPatch\",\"patch\":\"WzFd\",\"warnings\":[\"w\\n\","
         "\"x\"]}}\n"},
        {{.outcome = SL_DENIED,
          .code = 403,
          .reason = "Forbidden",
          .message = "no",
          .kind = SL_STR_INIT("pods")},
         "\"allowed\":false,\"status\":{\"status\":\"Failure\",\"message\":\"no\",\"reason\":"
         "\"Forbidden\",\"details\":{\"name\":\"\",\"group\":\"g.dev\",\"kind\":\"pods\"},"
         "\"code\":403}}}\n"},
        {{.outcome = SL_DENIED,
          .code = 422,
          .reason = "Invalid",
          .message = "no",
          .kind = SL_STR_INIT("Rollout"),
          .name = SL_STR_INIT("web"),
          .causes = {{"FieldValueInvalid", "spec.a", "is \"x\""}, {"R", "<nil>", "m"}},
          .cause_count = 2},
         "\"allowed\":false,\"status\":{\"status\":\"Failure\",\"message\":\"no\",\"reason\":"
         "\"Invalid\",\"details\":{\"name\":\"web\",\"group\":\"g.dev\",\"kind\":\"Rollout\","
         "\"causes\":[{\"reason\":\"FieldValueInvalid\",\"message\":\"is \\\"x\\\"\",\"field\":"
         "\"spec.a\"},{\"reason\":\"R\",\"message\":\"m\",\"field\":\"<nil>\"}]},\"code\":422}}}"
         "\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        SL_AUTO(sl_buf) struct sl_buf want = SL_BUF_INIT(SL_KIB);
        sl_response_write(&review, &rows[i].decision, &out);
        sl_buf_adds(&want, "{\"apiVersion\":\"admission.k8s.io/v1beta1\",\"kind\":"
                           "\"AdmissionReview\",\"response\":{\"uid\":\"a\\\"b\",");
        sl_buf_adds(&want, rows[i].want);
        assert_string_equal(out.data, want.data);
    }
}

static void warnings_are_cut_between_characters_and_counted(void **state)
{
    (void)state;
    static const struct {
        size_t ascii;
        const char *tail;
        size_t want; /* bytes */
    } rows[] = {
        {10, "x", 11},
        {SL_WARNING_BYTES - 1, "x", SL_WARNING_BYTES},
        {SL_WARNING_BYTES - 3, "\xe2\x82\xac", SL_WARNING_BYTES},
        {SL_WARNING_BYTES - 2, "\xe2\x82\xac", SL_WARNING_BYTES - 2},
        {SL_WARNING_BYTES - 1, "\xe2\x82\xac", SL_WARNING_BYTES - 1},
    };
    SL_AUTO(sl_admission) struct sl_admission work = SL_ADMISSION_INIT;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[SL_WARNING_BYTES + 1];
        memset(text, 'a', sizeof text);
        text[rows[i].ascii] = '\0';
        sl_admission_reset(&work);
        sl_admission_warn(&work, "%s%s", text, rows[i].tail);
        assert_int_equal(strlen(work.decision.warnings[0]), rows[i].want);
    }
    for (int i = 0; i < 2 * SL_WARNINGS_MAX; i++) {
        sl_admission_warn(&work, "again");
    }
    assert_int_equal(work.decision.warning_count, SL_WARNINGS_MAX);
}

static void nobody_is_the_reconciler_where_none_is_configured(void **state)
{
    (void)state;
    static const struct sl_admit_config none = {0};
    struct sl_admission work = {.config = &none};
    assert_false(sl_is_reconciler(&work));
    work.config = &config;
    assert_false(sl_is_reconciler(&work));
    work.review.username = SL_STR(RECONCILER);
    assert_true(sl_is_reconciler(&work));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unreadable_review_is_invalid_and_says_why),
        cmocka_unit_test(a_review_is_read_field_by_field),
        cmocka_unit_test(the_answer_is_exact),
        cmocka_unit_test(warnings_are_cut_between_characters_and_counted),
        cmocka_unit_test(nobody_is_the_reconciler_where_none_is_configured),
    };
    return cmocka_run_group_tests_name("review", tests, NULL, NULL);
}
