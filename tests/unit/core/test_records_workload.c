/* Workloads and their revisions as records: above all, that one pod template has one id wherever a
 * copy of it stands. */
#include "core/records/workload.h"

#include "core/records/revision.h"
#include "records_support.h"

static void template_id_of(const char *template, char ret_id[static SL_TEMPLATE_ID_SIZE])
{
    struct sl_err err = SL_ERR_INIT;
    if (sl_template_id(sl_str_from(template), ret_id, &err) < 0) {
        fail_msg("%s: %s", template, err.msg);
    }
}

static void a_template_has_one_id_however_it_is_written(void **state)
{
    (void)state;
    static const char plain[] =
        "{\"metadata\":{\"labels\":{\"app\":\"a\"}},\"spec\":{\"x\":[{},null,1]}}";
    static const char *const same[] = {
        "{\"spec\":{\"x\":[{},null,1]},\"metadata\":{\"labels\":{\"app\":\"a\"}}}",
        " { \"metadata\" : {\"labels\":{\"app\":\"\\u0061\"}} ,\n\"spec\":{\"x\": [ {} , null, 1 "
        "]}}",
        "{\"$patch\":\"replace\",\"metadata\":{\"creationTimestamp\":null,"
        "\"labels\":{\"app\":\"a\",\"pod-template-hash\":\"5d8\"}},"
        "\"spec\":{\"x\":[{},null,1],\"securityContext\":{},\"y\":[],\"z\":{\"w\":{\"v\":null}}}}",
    };
    static const char *const others[] = {
        "{\"metadata\":{\"labels\":{\"app\":\"b\"}},\"spec\":{\"x\":[{},null,1]}}",
        "{\"metadata\":{\"labels\":{\"app\":\"a\"}},\"spec\":{\"x\":[{},1,null]}}",
        "{\"metadata\":{\"labels\":{\"app\":\"a\"}},\"spec\":{\"x\":[{},null,1.0]}}",
        "{\"metadata\":{\"labels\":{\"app\":\"a\"}},\"spec\":{\"x\":[{},null,\"1\"]}}",
        "{\"metadata\":{\"labels\":{\"app\":\"a\"}},\"spec\":{\"x\":[null,1]}}",
        "{\"metadata\":{\"annotations\":{\"pod-template-hash\":\"x\"}},\"spec\":{}}",
        "{}",
    };
    char id[SL_TEMPLATE_ID_SIZE];
    char other[SL_TEMPLATE_ID_SIZE];
    template_id_of(plain, id);
    assert_int_equal(strspn(id, "0123456789abcdef"), SL_TEMPLATE_ID_SIZE - 1);
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        template_id_of(same[i], other);
        assert_string_equal(id, other);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        template_id_of(others[i], other);
        assert_string_not_equal(id, other);
    }
}

static void a_template_id_never_changes(void **state)
{
    (void)state;
    /* It is compared with what an older version of the program wrote into a status. The digest of
     * {"spec":{"containers":[{"image":"i:1","name":"a"}]}}. */
    char id[SL_TEMPLATE_ID_SIZE];
    template_id_of("{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i:1\"}]}}", id);
    assert_string_equal(id, "00b966ef30f444f9");
}

static void what_is_no_template_has_no_id(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "null", "[]", "1", "{\"a\":1", "{} {}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char id[SL_TEMPLATE_ID_SIZE] = "untouched";
        struct sl_err err = SL_ERR_INIT;
        assert_int_equal(sl_template_id(sl_str_from(texts[i]), id, &err), -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        assert_string_equal(id, "untouched");
    }
}

static void a_template_that_is_too_large_is_an_error(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(2 * SL_MIB);
    struct sl_err err = SL_ERR_INIT;
    char id[SL_TEMPLATE_ID_SIZE];
    sl_buf_adds(&text, "{\"spec\":\"");
    while (text.len < SL_TEMPLATE_MAX - 2) {
        sl_buf_addc(&text, 'x');
    }
    sl_buf_adds(&text, "\"}");
    assert_int_equal(sl_template_id(sl_buf_str(&text), id, NULL), 0);
    text.len -= 2;
    sl_buf_adds(&text, "x\"}");
    assert_int_equal(sl_template_id(sl_buf_str(&text), id, &err), -1);
    assert_string_equal(err.msg, "the pod template is larger than 1048576 bytes");
}

static void a_stateful_set_of_a_real_cluster_is_read(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf file = SL_BUF_INIT(SL_MIB);
    struct sl_jval body = fixture_body("statefulset-status-mid-rollout", &file);
    SL_AUTO(sl_record)
    struct sl_record *record = decoded(sl_workload_record_decode, body.raw);
    const struct sl_workload_record *workload = sl_workload_of(record);
    assert_string_equal(record->name, "ratings");
    assert_int_equal(record->generation, 4);
    assert_int_equal(workload->observed_generation, 4);
    assert_int_equal(workload->replicas, 3);
    assert_int_equal(workload->status_replicas, 3);
    assert_int_equal(workload->first_ordinal, 0);
    assert_string_equal(workload->current_revision, "ratings-5486cbd678");
    assert_string_equal(workload->update_revision, "ratings-5486cbd678");
    assert_string_equal(workload->held, "");
    assert_true(workload->has_annotations);
    assert_int_equal(workload->managed_entry, -1);
    assert_null(strchr(workload->spec, '\n'));
    assert_null(strstr(workload->spec, "containers"));
    assert_true(sl_jscan_equal(
        sl_str_from(workload->spec),
        SL_STR(
            "{\"replicas\":3,\"selector\":{\"matchLabels\":{\"app\":\"ratings\"}},"
            "\"serviceName\":\"ratings\",\"podManagementPolicy\":\"Parallel\","
            "\"updateStrategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":3}},"
            "\"revisionHistoryLimit\":10,\"persistentVolumeClaimRetentionPolicy\":"
            "{\"whenDeleted\":\"Retain\",\"whenScaled\":\"Retain\"}}")));
}

static void a_revision_has_the_id_of_the_template_that_it_was_made_from(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf file = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_buf) struct sl_buf list = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_record)
    struct sl_record *set = decoded(sl_workload_record_decode,
                                    fixture_body("statefulset-status-mid-rollout", &file).raw);
    struct sl_jval revisions = fixture_body("controllerrevisions", &list);
    SL_AUTO(sl_record)
    struct sl_record *old =
        decoded(sl_controller_revision_decode, fixture_item(revisions, "ratings-85d96c7c9c"));
    SL_AUTO(sl_record)
    struct sl_record *new =
        decoded(sl_controller_revision_decode, fixture_item(revisions, "ratings-5486cbd678"));
    const struct sl_workload_record *workload = sl_workload_of(set);
    /* the set is back at its first template */
    const struct sl_revision_record *same =
        strcmp(sl_revision_of(old)->template_id, workload->template_id) == 0 ? sl_revision_of(old)
                                                                             : sl_revision_of(new);
    assert_string_equal(same->template_id, workload->template_id);
    assert_string_not_equal(sl_revision_of(old)->template_id, sl_revision_of(new)->template_id);
    assert_true(sl_jscan_equal(sl_str_from(same->template), sl_str_from(workload->template)));
    assert_null(strstr(same->template, "$patch"));
}

static void a_daemon_sets_revision_carries_the_bare_hash(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf list = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_record)
    struct sl_record *record =
        decoded(sl_controller_revision_decode,
                fixture_item(fixture_body("controllerrevisions", &list), "agent-58695886ff"));
    const struct sl_revision_record *revision = sl_revision_of(record);
    assert_false(revision->replica_set);
    assert_string_equal(revision->hash, "58695886ff");
    assert_int_equal(revision->revision, 1);
    assert_string_equal(record->owner_uid, "9d55e31b-357a-4eed-9c47-3ed52ab9eaf9");
}

static void a_revision_that_holds_no_template_is_no_error(void **state)
{
    (void)state;
    SL_AUTO(sl_record)
    struct sl_record *record = decoded(
        sl_controller_revision_decode,
        SL_STR("{\"metadata\":{\"name\":\"x\",\"uid\":\"u\"},\"data\":[1],\"revision\":2}"));
    assert_string_equal(sl_revision_of(record)->template, "");
    assert_string_equal(sl_revision_of(record)->template_id, "");
    assert_int_equal(sl_revision_of(record)->revision, 2);
}

static void a_replica_set_is_read(void **state)
{
    (void)state;
    SL_AUTO(sl_record)
    struct sl_record *record = decoded(
        sl_replica_set_decode,
        SL_STR("{\"metadata\":{\"name\":\"web-5d8\",\"uid\":\"u\",\"generation\":3,"
               "\"labels\":{\"pod-template-hash\":\"5d8\"},\"annotations\":{"
               "\"deployment.kubernetes.io/revision\":\"7\","
               "\"sluice.dev/handover\":\"2026-11-21T12:00:05Z\",\"sluice.dev/held\":\"{}\"}},"
               "\"spec\":{\"replicas\":4,\"template\":{\"metadata\":{\"labels\":"
               "{\"pod-template-hash\":\"5d8\",\"app\":\"web\"}}, \"spec\":{}}},"
               "\"status\":{\"replicas\":3,\"readyReplicas\":2,\"observedGeneration\":3}}"));
    const struct sl_revision_record *set = sl_revision_of(record);
    assert_true(set->replica_set);
    assert_string_equal(set->hash, "5d8");
    assert_int_equal(set->revision, 7);
    assert_string_equal(set->template, "{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{}}");
    assert_int_equal(set->replicas, 4);
    assert_int_equal(set->status_replicas, 3);
    assert_int_equal(set->ready_replicas, 2);
    assert_int_equal(set->observed_generation, 3);
    assert_true(set->handover == moment("2026-11-21T12:00:05Z"));
    assert_true(set->has_held);
}

static void marks_of_a_replica_set_that_say_nothing_are_absent(void **state)
{
    (void)state;
    static const char *const numbers[] = {"", "x", "-1", "1x", "+1", "99999999999999999999", " 1"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf json = SL_BUF_INIT(SL_KIB);
        sl_buf_addf(
            &json,
            "{\"metadata\":{\"name\":\"x\",\"uid\":\"u\",\"annotations\":{"
            "\"deployment.kubernetes.io/revision\":\"%s\",\"sluice.dev/handover\":\"%s\"}}}",
            numbers[i], numbers[i]);
        SL_AUTO(sl_record)
        struct sl_record *record = decoded(sl_replica_set_decode, sl_buf_str(&json));
        assert_int_equal(sl_revision_of(record)->revision, 0);
        assert_true(sl_revision_of(record)->handover == 0);
        assert_false(sl_revision_of(record)->has_held);
        assert_int_equal(sl_revision_of(record)->replicas, 1);
    }
}

static void the_pods_that_a_daemon_set_wants_stand_in_its_status(void **state)
{
    (void)state;
    SL_AUTO(sl_record)
    struct sl_record *record =
        decoded(sl_workload_record_decode,
                SL_STR("{\"metadata\":{\"name\":\"agent\",\"uid\":\"u\"},"
                       "\"spec\":{\"updateStrategy\":{\"type\":\"OnDelete\"}},"
                       "\"status\":{\"desiredNumberScheduled\":3,\"currentNumberScheduled\":2}}"));
    const struct sl_workload_record *workload = sl_workload_of(record);
    assert_int_equal(workload->replicas, 3);
    assert_int_equal(workload->status_replicas, 2);
    assert_string_equal(workload->template, "");
    assert_string_equal(workload->spec, "{\"updateStrategy\":{\"type\":\"OnDelete\"}}");
    assert_false(workload->has_annotations);
}

static void what_sluice_put_on_a_workload_is_found(void **state)
{
    (void)state;
    SL_AUTO(sl_record)
    struct sl_record *record =
        decoded(sl_workload_record_decode,
                SL_STR("{\"metadata\":{\"name\":\"web\",\"uid\":\"u\",\"annotations\":{"
                       "\"deployment.kubernetes.io/revision\":\"12\","
                       "\"sluice.dev/held\":\"{\\\"spec.paused\\\":null}\"},"
                       "\"managedFields\":[{\"manager\":\"kubectl\"},"
                       "{\"manager\":\"sluice\",\"subresource\":\"status\"},"
                       "{\"manager\":\"sluice\",\"operation\":\"Update\"}]},"
                       "\"spec\":{\"ordinals\":{\"start\":5}, \"template\" : {\"spec\": {}} }}"));
    const struct sl_workload_record *workload = sl_workload_of(record);
    assert_string_equal(workload->held, "{\"spec.paused\":null}");
    assert_int_equal(workload->revision, 12);
    assert_int_equal(workload->managed_entry, 2);
    assert_int_equal(workload->first_ordinal, 5);
    assert_int_equal(workload->replicas, 1);
    assert_string_equal(workload->template, "{\"spec\":{}}");
    assert_string_equal(workload->spec, "{\"ordinals\":{\"start\":5}}");
}

static void what_is_no_object_is_refused(void **state)
{
    (void)state;
    refuses_what_is_no_object(sl_workload_record_decode);
    refuses_what_is_no_object(sl_controller_revision_decode);
    refuses_what_is_no_object(sl_replica_set_decode);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_has_one_id_however_it_is_written),
        cmocka_unit_test(a_template_id_never_changes),
        cmocka_unit_test(what_is_no_template_has_no_id),
        cmocka_unit_test(a_template_that_is_too_large_is_an_error),
        cmocka_unit_test(a_stateful_set_of_a_real_cluster_is_read),
        cmocka_unit_test(a_revision_has_the_id_of_the_template_that_it_was_made_from),
        cmocka_unit_test(a_daemon_sets_revision_carries_the_bare_hash),
        cmocka_unit_test(a_revision_that_holds_no_template_is_no_error),
        cmocka_unit_test(a_replica_set_is_read),
        cmocka_unit_test(marks_of_a_replica_set_that_say_nothing_are_absent),
        cmocka_unit_test(the_pods_that_a_daemon_set_wants_stand_in_its_status),
        cmocka_unit_test(what_sluice_put_on_a_workload_is_found),
        cmocka_unit_test(what_is_no_object_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
