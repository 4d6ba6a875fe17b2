/* The annotation sluice.dev/drain: what it asks for, how it is written, and when a drain counts as
 * begun. */
#include "core/traffic/drain.h"

#include "records_support.h"

#define SINCE "2026-11-21T12:00:00.123456Z"
#define DEADLINE "2026-11-21T12:01:00.123456Z"

static void an_annotation_is_read_as_far_as_it_can_be(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sl_drain_op op;
        const char *id, *since, *deadline; /* since, deadline NULL: 0 */
    } rows[] = {
        {"", SL_DRAIN_NONE, "", NULL, NULL},
        {"{\"op\":\"upgrade\",\"id\":\"9b7ce009\",\"since\":\"" SINCE "\",\"deadline\":\"" DEADLINE
         "\"}",
         SL_DRAIN_UPGRADE, "9b7ce009", SINCE, DEADLINE},
        {"{\"op\":\"delete\"}", SL_DRAIN_DELETE, "", NULL, NULL},
        {"{\"op\":\"evict\",\"id\":\"u\",\"deadline\":\"" DEADLINE "\"}", SL_DRAIN_EVICT, "u", NULL,
         DEADLINE},
        {"{\"op\":\"move\",\"more\":1}", SL_DRAIN_OTHER, "", NULL, NULL},
        {"{\"op\":\"none\"}", SL_DRAIN_OTHER, "", NULL, NULL}, /* a word like any other */
        {"{\"op\":\"other\"}", SL_DRAIN_OTHER, "", NULL, NULL},
        {"{\"op\":\"\\u0065vict\",\"id\":\"\\u0061\"}", SL_DRAIN_EVICT, "a", NULL, NULL},
        {"{\"op\":\"evict\",\"id\":7,\"since\":\"soon\",\"deadline\":7}", SL_DRAIN_EVICT, "", NULL,
         NULL},
        {"{\"op\":\"evict\",\"since\":\"1960-01-01T00:00:00Z\"}", SL_DRAIN_EVICT, "", NULL, NULL},
        {"{\"op\":\"evict\",\"deadline\":\"2262-04-11T23:47:16.8Z\"}", SL_DRAIN_EVICT, "", NULL,
         NULL}, /* no wait could be added to it */
        {"{\"op\":\"\"}", SL_DRAIN_NONE, "", NULL, NULL},
        {"{\"op\":1,\"id\":\"x\"}", SL_DRAIN_NONE, "", NULL, NULL},
        {"{\"id\":\"x\",\"since\":\"" SINCE "\"}", SL_DRAIN_NONE, "", NULL, NULL},
        {"\"upgrade\"", SL_DRAIN_NONE, "", NULL, NULL},
        {"{\"op\":\"upgrade\"", SL_DRAIN_NONE, "", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_pod_record pod = {.drain = rows[i].text};
        struct sl_drain_mark mark;
        sl_drain_read(&pod, &arena, &mark);
        if (mark.op != rows[i].op || !sl_str_is(mark.id, rows[i].id)) {
            fail_msg("%s: %s, id %.*s", rows[i].text, sl_drain_op_names[mark.op],
                     SL_STR_FMT(mark.id));
        }
        assert_true(mark.since == (rows[i].since == NULL ? 0 : moment(rows[i].since)));
        assert_true(mark.deadline == (rows[i].deadline == NULL ? 0 : moment(rows[i].deadline)));
    }
}

static void it_is_written_with_what_it_has(void **state)
{
    (void)state;
    const struct {
        struct sl_drain_mark mark;
        const char *text;
    } rows[] = {
        {{.op = SL_DRAIN_UPGRADE,
          .id = SL_STR("9b7ce009"),
          .since = moment(SINCE),
          .deadline = moment(DEADLINE)},
         "{\"op\":\"upgrade\",\"id\":\"9b7ce009\",\"since\":\"" SINCE "\",\"deadline\":\"" DEADLINE
         "\"}"},
        {{.op = SL_DRAIN_DELETE, .id = SL_STR("")}, "{\"op\":\"delete\",\"id\":\"\"}"},
        {{.op = SL_DRAIN_EVICT, .id = SL_STR("\"\n"), .since = moment(SINCE)},
         "{\"op\":\"evict\",\"id\":\"\\\"\\n\",\"since\":\"" SINCE "\"}"},
        {{.op = SL_DRAIN_OTHER}, "{\"op\":\"other\",\"id\":\"\"}"},
        {{.op = SL_DRAIN_OTHER, .op_text = SL_STR("move")}, "{\"op\":\"move\",\"id\":\"\"}"},
        {{.op = SL_DRAIN_EVICT, .op_text = SL_STR("move")}, "{\"op\":\"evict\",\"id\":\"\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
        sl_drain_write(&rows[i].mark, &text);
        assert_string_equal(text.data, rows[i].text);
    }
}

static void another_controllers_op_is_dated_without_changing_it(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
    struct sl_pod_record pod = {.drain = "{\"op\":\"move\",\"id\":\"m-1\"}"};
    struct sl_drain_mark mark;
    sl_drain_read(&pod, &arena, &mark);
    mark.since = moment(SINCE);
    sl_drain_write(&mark, &text);
    assert_string_equal(text.data, "{\"op\":\"move\",\"id\":\"m-1\",\"since\":\"" SINCE "\"}");
}

#define DATED                                                                                      \
    "{\"op\":\"upgrade\",\"id\":\"r\",\"since\":\"" SINCE "\",\"deadline\":\"" DEADLINE "\"}"

static void a_drain_has_begun_once_the_pod_may_be_out_of_service(void **state)
{
    (void)state;
    static const struct {
        const char *traffic, *drain;
        bool gate, deleted, begun;
    } rows[] = {
        {.traffic = "InService", .drain = "", .begun = false},
        {.traffic = "InService", .drain = "", .deleted = true, .begun = true},
        {.traffic = "InService", .drain = DATED, .begun = true},
        {.traffic = "InService", .drain = "{\"op\":\"upgrade\",\"id\":\"r\"}", .begun = false},
        {.traffic = "InService",
         .drain = "{\"op\":\"evict\",\"since\":\"" SINCE "\"}",
         .begun = false},
        {.traffic = "InService", .drain = "{\"since\":\"" SINCE "\"}", .begun = false},
        {.traffic = "Joining", .drain = "", .gate = true, .begun = true},
        {.traffic = "Joining", .drain = "", .gate = false, .begun = false},
        {.traffic = "Draining", .drain = "", .begun = true},
        {.traffic = "Drained", .drain = "", .begun = true},
        {.traffic = "Upgrading", .drain = "", .gate = true, .begun = true},
        {.traffic = "", .drain = "", .gate = true, .begun = false}, /* nothing was done yet */
        {.traffic = "", .drain = DATED, .begun = true},
        {.traffic = "SomebodyElse", .drain = "", .begun = false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_pod_record pod = {.record.deleted = rows[i].deleted ? 1 : 0,
                                    .traffic = rows[i].traffic,
                                    .drain = rows[i].drain,
                                    .gate = rows[i].gate};
        if (sl_drain_has_begun(&pod, &arena) != rows[i].begun) {
            fail_msg("row %zu: %s %s", i, rows[i].traffic, rows[i].drain);
        }
    }
}

static void every_op_has_a_name(void **state)
{
    (void)state;
    for (int op = 0; op < SL_DRAIN_OPS; op++) {
        assert_non_null(sl_drain_op_names[op]);
    }
    assert_null(sl_drain_op_names[SL_DRAIN_OPS]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_annotation_is_read_as_far_as_it_can_be),
        cmocka_unit_test(it_is_written_with_what_it_has),
        cmocka_unit_test(another_controllers_op_is_dated_without_changing_it),
        cmocka_unit_test(a_drain_has_begun_once_the_pod_may_be_out_of_service),
        cmocka_unit_test(every_op_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
