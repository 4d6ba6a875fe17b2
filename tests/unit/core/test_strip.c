/* What an uninstall takes off objects: each write, in its order, and nothing of what is clean. */
#include "core/uninstall/strip.h"

#include "core/names.h"

#include "records_support.h"

#define NOON (INT64_C(1795262400) * INT64_C(1000000000)) /* 2026-11-21T12:00:00Z */

#define HEAD "\"name\":\"web-0\",\"namespace\":\"shop\",\"uid\":\"u\",\"resourceVersion\":\"7\""
#define PRECONDITIONS "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"7\""
#define GATE                                                                                       \
    "\"spec\":{\"readinessGates\":[{\"conditionType\":\"x/y\"},"                                   \
    "{\"conditionType\":\"sluice.dev/traffic-ready\"}]}"
#define CONDITION(status)                                                                          \
    "\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"},"                        \
    "{\"type\":\"sluice.dev/traffic-ready\",\"status\":\"" status "\",\"reason\":\"Draining\"}]}"
#define OPEN_GATE                                                                                  \
    PRECONDITIONS "},\"status\":{\"conditions\":[{\"type\":\"sluice.dev/traffic-ready\","          \
                  "\"status\":\"True\",\"lastTransitionTime\":\"2026-11-21T12:00:00Z\","           \
                  "\"reason\":\"Uninstalled\",\"message\":\"Sluice was uninstalled: nobody takes " \
                  "the pod out of service\"}]}}"
#define MARKS                                                                                      \
    "\"finalizers\":[\"slb.sluice.dev/edge\",\"x/y\",\"slb.sluice.dev/slb\"],"                     \
    "\"labels\":{\"app\":\"web\",\"sluice.dev/traffic-policy\":\"web\","                           \
    "\"sluice.dev/upgrading\":\"true\"},"                                                          \
    "\"annotations\":{\"a\":\"b\",\"sluice.dev/drain\":\"{}\"}"
#define STRIP_MARKS                                                                                \
    PRECONDITIONS                                                                                  \
    ",\"$deleteFromPrimitiveList/finalizers\":[\"slb.sluice.dev/edge\",\"slb.sluice.dev/slb\"],"   \
    "\"labels\":{\"sluice.dev/traffic-policy\":null,\"sluice.dev/upgrading\":null},"               \
    "\"annotations\":{\"sluice.dev/drain\":null}}}"
#define STRIPPED_MARKS                                                                             \
    "finalizer slb.sluice.dev/edge removed, finalizer slb.sluice.dev/slb removed, "                \
    "label sluice.dev/traffic-policy removed, label sluice.dev/upgrading removed, "                \
    "annotation sluice.dev/drain removed"

struct row {
    const char *what;
    sl_strip *strip;
    const char *json;
    bool second;
    const char *subresource, *body, *done; /* body NULL: nothing is written */
};

static const struct row rows[] = {
    {"a gate that is False goes first", sl_strip_pod,
     "{\"metadata\":{" HEAD "," MARKS "}," GATE "," CONDITION("False") "}", false, "status",
     OPEN_GATE, "gate set True"},
    {"a gate whose condition nobody wrote is opened too", sl_strip_pod,
     "{\"metadata\":{" HEAD "}," GATE ",\"status\":{}}", false, "status", OPEN_GATE,
     "gate set True"},
    {"marks go when the gate is True", sl_strip_pod,
     "{\"metadata\":{" HEAD "," MARKS "}," GATE "," CONDITION("True") "}", false, "", STRIP_MARKS,
     STRIPPED_MARKS},
    {"a dry run asks for the second write of an object that is not changed", sl_strip_pod,
     "{\"metadata\":{" HEAD "," MARKS "}," GATE "," CONDITION("False") "}", true, "", STRIP_MARKS,
     STRIPPED_MARKS},
    {"a pod that is being deleted gets no gate", sl_strip_pod,
     "{\"metadata\":{" HEAD ",\"deletionTimestamp\":\"2026-11-21T12:00:00Z\"," MARKS "}," GATE
     "," CONDITION("False") "}",
     false, "", STRIP_MARKS, STRIPPED_MARKS},
    {"a pod without the gate gets no condition", sl_strip_pod,
     "{\"metadata\":{" HEAD
     ",\"annotations\":{\"sluice.dev/upgrade\":\"{}\"}}," CONDITION("False") "}",
     false, "", PRECONDITIONS ",\"annotations\":{\"sluice.dev/upgrade\":null}}}",
     "annotation sluice.dev/upgrade removed"},
    {"a deletion cost goes if it is ours", sl_strip_pod,
     "{\"metadata\":{" HEAD ",\"annotations\":{\"" SL_ANNOTATION_COST "\":\"" SL_COST_DRAINED
     "\"}}}",
     false, "", PRECONDITIONS ",\"annotations\":{\"" SL_ANNOTATION_COST "\":null}}}",
     "annotation " SL_ANNOTATION_COST " removed"},
    {"and stays if it is not", sl_strip_pod,
     "{\"metadata\":{" HEAD ",\"annotations\":{\"" SL_ANNOTATION_COST "\":\"-5\"}}}", false, "",
     NULL, NULL},
    {"a clean pod is left alone", sl_strip_pod,
     "{\"metadata\":{" HEAD ",\"finalizers\":[\"x/y\"],\"labels\":{\"app\":\"web\"}}," GATE
     "," CONDITION("True") "}",
     false, "", NULL, NULL},
    {"so is what has lists of another type", sl_strip_pod,
     "{\"metadata\":{" HEAD ",\"finalizers\":{},\"labels\":[],\"annotations\":null},"
     "\"spec\":{\"readinessGates\":{}},\"status\":{\"conditions\":7}}",
     false, "", NULL, NULL},
    {"a revision loses mark and copy", sl_strip_revision,
     "{\"metadata\":{" HEAD ",\"annotations\":{\"sluice.dev/held\":\"{}\","
     "\"sluice.dev/handover\":\"x\",\"a\":\"b\"}}}",
     false, "",
     PRECONDITIONS ",\"annotations\":{\"sluice.dev/handover\":null,\"sluice.dev/held\":null}}}",
     "annotation sluice.dev/handover removed, annotation sluice.dev/held removed"},
    {"a clean revision is left alone", sl_strip_revision,
     "{\"metadata\":{" HEAD ",\"annotations\":{\"a\":\"b\"}}}", false, "", NULL, NULL},
    {"a Rollout loses its finalizer alone", sl_strip_rollout,
     "{\"metadata\":{" HEAD ",\"finalizers\":[\"x/y\",\"sluice.dev/rollout\"]},\"spec\":{}}", false,
     "",
     "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"u\"},"
     "{\"op\":\"add\",\"path\":\"/metadata/resourceVersion\",\"value\":\"7\"},"
     "{\"op\":\"test\",\"path\":\"/metadata/finalizers/1\",\"value\":\"sluice.dev/rollout\"},"
     "{\"op\":\"remove\",\"path\":\"/metadata/finalizers/1\"}]",
     "finalizer removed"},
    {"a Rollout without it is left alone", sl_strip_rollout,
     "{\"metadata\":{" HEAD ",\"finalizers\":[\"x/y\"]},\"spec\":{}}", false, "", NULL, NULL},
    {"a held workload gets all its values back with one write", sl_strip_workload,
     "{\"metadata\":{" HEAD ",\"annotations\":{\"sluice.dev/held\":"
     "\"{\\\"spec.updateStrategy\\\":{\\\"type\\\":\\\"RollingUpdate\\\"},"
     "\\\"spec.minReadySeconds\\\":null}\"},\"managedFields\":[{\"manager\":\"sluice\"}]},"
     "\"spec\":{\"updateStrategy\":{\"type\":\"OnDelete\"},\"minReadySeconds\":5,"
     "\"template\":{}}}",
     false, "",
     "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"u\"},"
     "{\"op\":\"add\",\"path\":\"/metadata/resourceVersion\",\"value\":\"7\"},"
     "{\"op\":\"add\",\"path\":\"/spec/updateStrategy\",\"value\":{\"type\":\"RollingUpdate\"}},"
     "{\"op\":\"remove\",\"path\":\"/spec/minReadySeconds\"},"
     "{\"op\":\"remove\",\"path\":\"/metadata/annotations/sluice.dev~1held\"}]",
     "updateStrategy, minReadySeconds restored"},
    {"a hold that cannot be read is taken off all the same", sl_strip_workload,
     "{\"metadata\":{" HEAD ",\"annotations\":{\"sluice.dev/held\":\"x\"}},\"spec\":"
     "{\"template\":{}}}",
     false, "",
     "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"u\"},"
     "{\"op\":\"add\",\"path\":\"/metadata/resourceVersion\",\"value\":\"7\"},"
     "{\"op\":\"remove\",\"path\":\"/metadata/annotations/sluice.dev~1held\"}]",
     "hold removed, which had saved nothing"},
    {"then our managedFields go", sl_strip_workload,
     "{\"metadata\":{" HEAD ",\"managedFields\":[{\"manager\":\"kubectl\"},"
     "{\"manager\":\"sluice\"}]},\"spec\":{\"template\":{}}}",
     false, "",
     "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"u\"},"
     "{\"op\":\"add\",\"path\":\"/metadata/resourceVersion\",\"value\":\"7\"},"
     "{\"op\":\"test\",\"path\":\"/metadata/managedFields/1/manager\",\"value\":\"sluice\"},"
     "{\"op\":\"remove\",\"path\":\"/metadata/managedFields/1\"}]",
     "our entry in managedFields removed"},
    {"a workload that was never held is left alone", sl_strip_workload,
     "{\"metadata\":{" HEAD "},\"spec\":{\"template\":{}}}", false, "", NULL, NULL},
};

static void each_object_gets_the_write_that_it_needs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        const struct row *row = &rows[i];
        struct sl_strip_write write;
        struct sl_err err = SL_ERR_INIT;
        const struct sl_strip_input input = {
            .json = sl_str_from(row->json),
            .kind = sl_workload_by_kind(&(struct sl_workload_kinds){0}, SL_STR("apps"),
                                        SL_STR("StatefulSet")),
            .now = NOON,
            .second = row->second,
        };
        if (row->strip(&input, &arena, &write, &err) < 0) {
            fail_msg("%s: %s", row->what, err.msg);
        }
        if ((row->body == NULL) != (write.body.p == NULL)) {
            fail_msg("%s: %.*s", row->what, SL_STR_FMT(write.body));
        }
        if (row->body == NULL) {
            continue;
        }
        print_message("%s\n", row->what);
        assert_string_equal(write.body.p, row->body);
        assert_string_equal(write.done, row->done);
        assert_string_equal(write.subresource, row->subresource);
        assert_string_equal(write.name.p, "web-0");
        assert_string_equal(write.ns.p, "shop");
    }
}

static void a_write_says_whether_a_second_one_may_follow(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_strip_write write;
        const struct sl_strip_input input = {
            .json = sl_str_from(rows[i].json),
            .kind = sl_workload_by_kind(&(struct sl_workload_kinds){0}, SL_STR("apps"),
                                        SL_STR("DaemonSet")),
            .second = rows[i].second,
        };
        assert_int_equal(rows[i].strip(&input, &arena, &write, NULL), 0);
        bool restores = rows[i].done != NULL && (strstr(rows[i].done, "restored") != NULL ||
                                                 strstr(rows[i].done, "hold removed") != NULL);
        bool opens = rows[i].done != NULL && strcmp(rows[i].done, "gate set True") == 0;
        assert_int_equal(write.first, restores || opens);
    }
}

static void what_is_no_object_is_refused(void **state)
{
    (void)state;
    static const char no_end[] = "{\"metadata\":{" HEAD "}";
    static const char *const texts[] = {
        "", "[]", "{}", "{\"metadata\":{\"name\":\"x\"}}", no_end,
    };
    static sl_strip *const strips[] = {sl_strip_pod, sl_strip_revision, sl_strip_rollout,
                                       sl_strip_workload};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] * 4; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_strip_write write;
        struct sl_err err = SL_ERR_INIT;
        const struct sl_strip_input input = {.json = sl_str_from(texts[i / 4])};
        assert_int_equal(strips[i % 4](&input, &arena, &write, &err), -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
    }
}

static void a_pods_balancers_are_read_off_its_finalizers(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const char *names = NULL;
    struct sl_str policy = {0};
    assert_int_equal(sl_strip_balancers(SL_STR("{\"metadata\":{" HEAD "," MARKS "}}"), &arena,
                                        &names, &policy, NULL),
                     0);
    assert_memory_equal(names, "edge\0slb\0", sizeof "edge\0slb\0");
    assert_string_equal(policy.p, "web");
    assert_int_equal(
        sl_strip_balancers(SL_STR("{\"metadata\":{" HEAD "}}"), &arena, &names, &policy, NULL), 0);
    assert_string_equal(names, "");
    assert_int_equal(policy.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_object_gets_the_write_that_it_needs),
        cmocka_unit_test(a_write_says_whether_a_second_one_may_follow),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(a_pods_balancers_are_read_off_its_finalizers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
