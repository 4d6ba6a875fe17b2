/* --check-idempotent finds what it looks for, and nothing where all is well. */
#include "cli/review_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"

#define POD(name)                                                                                  \
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{"           \
    "\"uid\":\"1\",\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},"                 \
    "\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},"                      \
    "\"namespace\":\"shop\",\"operation\":\"CREATE\",\"userInfo\":{\"username\":\"u\"},"           \
    "\"object\":{\"metadata\":{\"name\":\"" name "\",\"labels\":{\"app\":\"" name "\"}},"          \
    "\"spec\":{\"containers\":[{\"name\":\"c\"}]}}}}"

static const char policy[] =
    "{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"TrafficPolicy\","
    "\"metadata\":{\"name\":\"p\",\"namespace\":\"shop\"},"
    "\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"preStop\":{\"sleepSeconds\":5}}}";

static struct sl_snapshot *snapshot_of_policy(void)
{
    const struct sl_workload_kinds kinds = {0};
    SL_AUTO(sl_json) struct json_object *document = NULL;
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = sl_snapshot_open();
    struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(snapshot));
    assert_int_equal(sl_json_parse(sl_str_from(policy), &document, NULL), 0);
    sl_snapshot_add(snapshot, document, &kinds, &problems);
    assert_int_equal(problems.count, 0);
    sl_snapshot_seal(snapshot);
    return sl_steal(&snapshot);
}

/* Decides about `decided`, then checks as if that had been the decision about `body`. */
static int check(const char *decided, const char *body, enum sl_outcome outcome, struct sl_err *err)
{
    const struct sl_admit_config config = {0};
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = snapshot_of_policy();
    SL_AUTO(sl_admission) struct sl_admission work = SL_ADMISSION_INIT;
    assert_int_equal(sl_admit(&work, SL_ANY_ENDPOINT, &config,
                              &(struct sl_known){.policies = snapshot}, sl_str_from(decided), err),
                     0);
    assert_int_equal(work.decision.outcome, outcome);
    return sl_review_check(&work, sl_str_from(body), err);
}

static void what_is_stable_passes(void **state)
{
    (void)state;
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(check(POD("web"), POD("web"), SL_PATCHED, &err), 0);
    assert_int_equal(check(POD("other"), POD("other"), SL_ALLOWED, &err), 0);
}

static void another_answer_is_found(void **state)
{
    (void)state;
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(check(POD("other"), POD("web"), SL_ALLOWED, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INTERNAL);
    assert_non_null(strstr(err.msg, "the same review gave another answer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stable_passes),
        cmocka_unit_test(another_answer_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
