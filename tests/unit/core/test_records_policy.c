/* What the webhook keeps of the objects that it watches: enough to decide by, and nothing that
 * would make a change of a status look like one of a policy. */
#include "core/records/policy.h"

#include "core/snapshot.h"
#include "records_support.h"

static const struct sl_workload_kinds no_kinds = {.count = 0};

#define SPEC                                                                                       \
    "{\"workloadRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"web\"},"      \
    "\"rolloutPlan\":{\"batchSize\":1}}"
#define OBJECT(version, more, spec)                                                                \
    "{\"metadata\":{\"namespace\":\"shop\",\"name\":\"web\",\"uid\":\"u-1\",\"resourceVersion\":"  \
    "\"" version "\"" more "},\"spec\":" spec ",\"status\":{\"phase\":\"Healthy" version "\"}}"

static struct sl_record *decode_rollout(const char *json)
{
    struct sl_err err = SL_ERR_INIT;
    struct sl_record *record = NULL;
    if (sl_policy_record_decode(sl_str_from(json), "Rollout", &no_kinds, &record, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return record;
}

static void a_policy_is_what_a_snapshot_takes(void **state)
{
    (void)state;
    SL_AUTO(sl_record)
    struct sl_record *record = decode_rollout(OBJECT("7", ",\"labels\":{\"a\":\"b\"}", SPEC));
    assert_string_equal(record->ns, "shop");
    assert_string_equal(record->name, "web");
    assert_string_equal(record->uid, "u-1");
    assert_string_equal(record->resource_version, "7");
    assert_string_equal(
        sl_policy_of(record)->document,
        "{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"Rollout\",\"metadata\":{"
        "\"namespace\":\"shop\",\"name\":\"web\"},\"spec\":" SPEC "}");
}

static void status_and_metadata_do_not_change_it(void **state)
{
    (void)state;
    SL_AUTO(sl_record) struct sl_record *before = decode_rollout(OBJECT("7", "", SPEC));
    SL_AUTO(sl_record)
    struct sl_record *after =
        decode_rollout(OBJECT("8", ",\"finalizers\":[\"a/b\"],\"managedFields\":[{}]", SPEC));
    assert_string_equal(sl_policy_of(before)->document, sl_policy_of(after)->document);
}

static void what_breaks_a_rule_is_refused_with_all_its_problems(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *json, *want;
    } rows[] = {
        {"TrafficPolicy", OBJECT("7", "", "{\"preStop\":{\"sleepSeconds\":-1}}"),
         "spec.selector: is required"},
        {"TrafficPolicy", OBJECT("7", "", "{\"preStop\":{\"sleepSeconds\":-1}}"),
         "spec.preStop.sleepSeconds: must be between"},
        {"Rollout", OBJECT("7", "", "{}"), "spec.workloadRef"},
        {"Rollout", OBJECT("7", "", "null"), "spec"},
        {"Rollout", "{\"metadata\":{\"name\":\"web\"}}", "metadata.uid"},
        {"Rollout", "[]", "metadata.name"},
        {"Rollout", "{", "invalid JSON"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_err err = SL_ERR_INIT;
        struct sl_record *record = NULL;
        assert_int_equal(sl_policy_record_decode(sl_str_from(rows[i].json), rows[i].kind, &no_kinds,
                                                 &record, &err),
                         -1);
        assert_null(record);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        if (strstr(err.msg, rows[i].want) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", err.msg, rows[i].want);
        }
    }
}

#define NAMED(more)                                                                                \
    "{\"metadata\":{\"name\":\"shop\",\"uid\":\"u-1\",\"resourceVersion\":\"7\"" more "}}"

static void a_namespace_is_managed_by_its_label_and_may_be_on_its_way_out(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        bool managed, deleted;
    } rows[] = {
        {NAMED(""), false, false},
        {NAMED(",\"labels\":{\"sluice.dev/managed\":\"true\"}"), true, false},
        {NAMED(",\"labels\":{\"sluice.dev/managed\":\"yes\"}"), false, false},
        {NAMED(",\"deletionTimestamp\":\"2026-11-21T12:00:00Z\",\"labels\":{\"sluice.dev/managed\":"
               "\"true\"}"),
         true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_record) struct sl_record *record = NULL;
        assert_int_equal(sl_namespace_record_decode(sl_str_from(rows[i].json), &record, NULL), 0);
        assert_string_equal(record->name, "shop");
        assert_int_equal(sl_namespace_of(record)->managed, rows[i].managed);
        assert_int_equal(record->deleted != 0, rows[i].deleted);
    }
}

#define MARK(value) NAMED(",\"annotations\":{\"sluice.dev/handover\":" value "}")

static void of_replica_sets_the_marked_ones_alone_are_kept(void **state)
{
    (void)state;
    SL_AUTO(sl_record) struct sl_record *marked = NULL;
    SL_AUTO(sl_record) struct sl_record *plain = NULL;
    assert_int_equal(
        sl_handover_record_decode(SL_STR(MARK("\"2026-11-21T12:00:00.5Z\"")), &marked, NULL), 0);
    assert_int_equal(sl_handover_of(marked)->until, INT64_C(1795262400500000000));
    assert_int_equal(sl_handover_record_decode(SL_STR(NAMED("")), &plain, NULL), 0);
    assert_null(plain);
    static const char *const wrong[] = {MARK("\"soon\""), MARK("\"\""), MARK("null"), MARK("1")};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sl_err err = SL_ERR_INIT;
        assert_int_equal(sl_handover_record_decode(sl_str_from(wrong[i]), &plain, &err), -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        assert_non_null(strstr(err.msg, "sluice.dev/handover must be a time"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_is_what_a_snapshot_takes),
        cmocka_unit_test(status_and_metadata_do_not_change_it),
        cmocka_unit_test(what_breaks_a_rule_is_refused_with_all_its_problems),
        cmocka_unit_test(a_namespace_is_managed_by_its_label_and_may_be_on_its_way_out),
        cmocka_unit_test(of_replica_sets_the_marked_ones_alone_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
