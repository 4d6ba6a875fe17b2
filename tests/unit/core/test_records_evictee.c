/* What the webhook keeps of a pod to decide about its eviction. */
#include "core/records/evictee.h"

#include "records_support.h"

#define NOON "2026-11-21T12:00:00.000000Z"
#define LATER "2026-11-21T12:01:00.000000Z"
#define LABELLED "\"labels\":{\"sluice.dev/traffic-policy\":\"web\"}"
#define DRAIN(text) ",\"annotations\":{\"sluice.dev/drain\":\"" text "\"}"
#define POD(metadata, status)                                                                      \
    "{\"metadata\":{\"namespace\":\"shop\",\"name\":\"web-0\",\"uid\":\"u-1\","                    \
    "\"resourceVersion\":\"7\",\"ownerReferences\":[{\"controller\":true,\"uid\":\"u-set\"}]"      \
    "," metadata "},\"status\":{" status "}}"

static const struct {
    const char *name, *json;
    const char *traffic;
    const char *since, *deadline; /* NULL: 0 */
    enum sl_drain_op op;
    bool running;
} rows[] = {
    {.name = "a pod that has just been created",
     .json = POD(LABELLED, "\"phase\":\"Pending\""),
     .traffic = ""},
    {.name = "one in service",
     .json = POD(LABELLED,
                 "\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"reason\":\"X\"},{"
                 "\"type\":\"sluice.dev/traffic-ready\",\"status\":\"True\",\"reason\":"
                 "\"InService\"}]"),
     .traffic = "InService",
     .running = true},
    {.name = "one that is drained for its eviction",
     .json = POD(LABELLED DRAIN("{\\\"op\\\":\\\"evict\\\",\\\"id\\\":\\\"i\\\",\\\"since\\\":\\"
                                "\"" NOON "\\\",\\\"deadline\\\":\\\"" LATER "\\\"}"),
                 "\"phase\":\"Running\""),
     .traffic = "",
     .since = NOON,
     .deadline = LATER,
     .op = SL_DRAIN_EVICT,
     .running = true},
    {.name = "one whose drain waits for its budget",
     .json = POD(LABELLED DRAIN("{\\\"op\\\":\\\"repair\\\"}"), "\"phase\":\"Running\""),
     .traffic = "",
     .op = SL_DRAIN_OTHER,
     .running = true},
    {.name = "an annotation that cannot be read",
     .json = POD(LABELLED DRAIN("later"), "\"phase\":\"Running\""),
     .traffic = "",
     .running = true},
    {.name = "one that has ended", .json = POD(LABELLED, "\"phase\":\"Succeeded\""), .traffic = ""},
    {.name = "conditions of another shape",
     .json = POD(LABELLED, "\"phase\":\"Running\",\"conditions\":{\"type\":"
                           "\"sluice.dev/traffic-ready\"}"),
     .traffic = "",
     .running = true},
};

static int64_t moment_or_none(const char *text)
{
    return text == NULL ? 0 : moment(text);
}

static void a_pod_is_the_little_that_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_record)
        struct sl_record *record = decoded(sl_evictee_record_decode, sl_str_from(rows[i].json));
        const struct sl_evictee_record *evictee = sl_evictee_of(record);
        assert_string_equal(record->name, "web-0");
        assert_string_equal(record->resource_version, "7");
        assert_string_equal(record->owner_uid, ""); /* nobody asks whose it is */
        assert_string_equal(evictee->policy, "web");
        if (evictee->running != rows[i].running || evictee->op != rows[i].op ||
            strcmp(evictee->traffic, rows[i].traffic) != 0 ||
            evictee->since != moment_or_none(rows[i].since) ||
            evictee->deadline != moment_or_none(rows[i].deadline)) {
            fail_msg("%s: %d %d %s", rows[i].name, evictee->running, evictee->op, evictee->traffic);
        }
        assert_true(record->bytes < 300);
    }
}

static void a_pod_that_no_policy_has_is_not_kept(void **state)
{
    (void)state;
    static const char *const pods[] = {
        POD("\"labels\":{\"app\":\"web\"}", "\"phase\":\"Running\""),
        POD("\"labels\":{\"sluice.dev/traffic-policy\":\"\"}", "\"phase\":\"Running\""),
        POD("\"labels\":{\"sluice.dev/"
            "traffic-policy\":\"a-name-that-is-longer-than-any-that-the-api-"
            "server-would-take-for-a-label\"}",
            "\"phase\":\"Running\""),
    };
    for (size_t i = 0; i < sizeof pods / sizeof pods[0]; i++) {
        struct sl_record *record = (struct sl_record *)(void *)&record;
        assert_int_equal(sl_evictee_record_decode(sl_str_from(pods[i]), &record, NULL), 0);
        assert_null(record);
    }
}

static void what_is_no_stored_pod_is_refused(void **state)
{
    (void)state;
    struct sl_err err = SL_ERR_INIT;
    struct sl_record *record = NULL;
    assert_int_equal(
        sl_evictee_record_decode(SL_STR("{\"metadata\":{" LABELLED "}}"), &record, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);
    assert_int_equal(sl_evictee_record_decode(SL_STR("{"), &record, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_is_the_little_that_decides),
        cmocka_unit_test(a_pod_that_no_policy_has_is_not_kept),
        cmocka_unit_test(what_is_no_stored_pod_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
