/* Revisions of a workload: which there are, which one is meant, and the patch that returns to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/rollout/history.h"

#define TEMPLATE(image)                                                                            \
    "{\"metadata\":{\"labels\":{\"app\":\"web\",\"pod-template-hash\":\"h\"}},\"spec\":{"          \
    "\"containers\":[{\"name\":\"a\",\"image\":\"" image                                           \
    "\"},{\"name\":\"b\",\"image\":\"p:1\"}]}}"

#define REPLICA_SET(name, owner, revision, cause, image)                                           \
    "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"shop\",\"uid\":\"u-" name "\","          \
    "\"resourceVersion\":\"1\",\"annotations\":{\"deployment.kubernetes.io/revision\":\"" revision \
    "\"" cause "},\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","       \
    "\"name\":\"web\",\"uid\":\"" owner "\",\"controller\":true}]},"                               \
    "\"spec\":{\"replicas\":1,\"template\":" TEMPLATE(image) "}}"

#define CAUSE ",\"kubernetes.io/change-cause\":\"try \\\"2\\\"\""

static const char *const sets[] = {
    REPLICA_SET("web-c", "w-1", "10", "", "web:3"),
    REPLICA_SET("web-a", "w-1", "2", CAUSE, "web:2"),
    REPLICA_SET("other", "w-2", "4", "", "web:4"),
    REPLICA_SET("web-b", "w-1", "1", "", "web:1"),
};

static void read_all(struct sl_history *history)
{
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        assert_int_equal(sl_history_add(history, sl_str_from(sets[i]), true, "w-1", NULL), 0);
    }
}

static void revisions_of_the_workload_stand_in_the_order_of_their_numbers(void **state)
{
    (void)state;
    SL_AUTO(sl_history) struct sl_history history = {0};
    read_all(&history);
    assert_int_equal(history.count, 3);
    assert_string_equal(history.items[0].record->name, "web-b");
    assert_string_equal(history.items[1].record->name, "web-a");
    assert_string_equal(history.items[2].record->name, "web-c");
    assert_string_equal(history.items[1].images, "web:2,p:1");
    assert_string_equal(history.items[1].cause, "try \"2\"");
    assert_string_equal(history.items[2].cause, "");
}

static void the_one_before_is_the_newest_that_differs_from_the_template(void **state)
{
    (void)state;
    SL_AUTO(sl_history) struct sl_history history = {0};
    read_all(&history);
    const struct sl_history_item *item = NULL;
    struct sl_err err = SL_ERR_INIT;
    char id[SL_TEMPLATE_ID_SIZE];
    static const struct {
        const char *template;
        int64_t number;
        const char *name; /* NULL: none */
    } cases[] = {
        {TEMPLATE("web:3"), 0, "web-a"}, {TEMPLATE("web:2"), 0, "web-c"},
        {TEMPLATE("web:9"), 0, "web-c"}, /* held: there is no ReplicaSet of it yet */
        {TEMPLATE("web:3"), 1, "web-b"}, {TEMPLATE("web:3"), 10, "web-c"},
        {TEMPLATE("web:3"), 4, NULL}, /* another workload's */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(sl_template_id(sl_str_from(cases[i].template), id, NULL), 0);
        int result = sl_history_pick(&history, id, cases[i].number, &item, &err);
        assert_int_equal(result, cases[i].name == NULL ? -1 : 0);
        if (cases[i].name != NULL) {
            assert_string_equal(item->record->name, cases[i].name);
            continue;
        }
        assert_int_equal(err.kind, SL_ERR_NOT_FOUND);
        assert_string_equal(err.msg, "there is no revision 4; 'history' shows which there are");
    }
}

static void revisions_are_meant_by_what_a_status_calls_them(void **state)
{
    (void)state;
    SL_AUTO(sl_history) struct sl_history history = {0};
    read_all(&history);
    const struct sl_revision_record *set = sl_revision_of(history.items[0].record);
    assert_true(sl_history_is(&history.items[0], sl_str_from(set->template_id)));
    assert_false(sl_history_is(&history.items[1], sl_str_from(set->template_id)));
    assert_false(sl_history_is(&history.items[0], SL_STR("")));

    struct sl_revision_record revision = {.record = {.name = "web-5d8"}, .hash = "5d8"};
    struct sl_history_item item = {.record = &revision.record};
    assert_true(sl_history_is(&item, SL_STR("web-5d8"))); /* a StatefulSet's */
    assert_true(sl_history_is(&item, SL_STR("5d8")));     /* a DaemonSet's */
    assert_false(sl_history_is(&item, SL_STR("web")));
}

#define BEFORE                                                                                     \
    "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"w-1\"},"                             \
    "{\"op\":\"replace\",\"path\":\"/metadata/resourceVersion\",\"value\":\"77\"},"                \
    "{\"op\":\"replace\",\"path\":\"/spec/template\",\"value\":"

static void the_patch_brings_template_and_cause_of_the_revision(void **state)
{
    (void)state;
    SL_AUTO(sl_history) struct sl_history history = {0};
    read_all(&history);
    const struct sl_record workload = {.name = "web", .uid = "w-1", .resource_version = "77"};
    static const struct {
        size_t item;
        const char *workload, *after;
    } cases[] = {
        {0, "{\"metadata\":{}}", "}]"},
        {0, "{\"metadata\":{\"annotations\":{\"kubernetes.io/change-cause\":\"x\"}}}",
         "},{\"op\":\"remove\",\"path\":\"/metadata/annotations/kubernetes.io~1change-cause\"}]"},
        {1, "{\"metadata\":{\"annotations\":{}}}",
         "},{\"op\":\"add\",\"path\":\"/metadata/annotations/kubernetes.io~1change-cause\","
         "\"value\":\"try \\\"2\\\"\"}]"},
        {1, "{\"metadata\":{}}",
         "},{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":"
         "{\"kubernetes.io/change-cause\":\"try \\\"2\\\"\"}}]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(64 * SL_KIB);
        const struct sl_history_item *item = &history.items[cases[i].item];
        assert_int_equal(
            sl_history_write(item, &workload, sl_str_from(cases[i].workload), &out, NULL), 0);
        assert_true(sl_str_starts(sl_buf_str(&out), SL_STR(BEFORE)));
        assert_true(sl_str_ends(sl_buf_str(&out), sl_str_from(cases[i].after)));
        assert_null(strstr(out.data, "pod-template-hash"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revisions_of_the_workload_stand_in_the_order_of_their_numbers),
        cmocka_unit_test(the_one_before_is_the_newest_that_differs_from_the_template),
        cmocka_unit_test(revisions_are_meant_by_what_a_status_calls_them),
        cmocka_unit_test(the_patch_brings_template_and_cause_of_the_revision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
