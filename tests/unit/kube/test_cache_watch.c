/* kube/watch.c: streams into lines, lines into events, pages into lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kube/watch.h"

/* Lines as text, each in brackets. */
static int note_line(void *ctx, struct sl_str line, struct sl_err *err)
{
    struct sl_buf *notes = ctx;
    if (sl_str_is(line, "stop")) {
        return sl_err_set(err, SL_ERR_GONE, "stopped");
    }
    sl_buf_addf(notes, "[%.*s]", SL_STR_FMT(line));
    return 0;
}

static void lines_come_out_alike_however_the_stream_is_cut(void **state)
{
    (void)state;
    static const struct sl_str text = SL_STR_INIT("{\"a\":1}\n\n{\"b\":22}\nx\nnot ended");
    for (size_t first = 0; first <= text.n; first++) {
        for (size_t second = first; second <= text.n; second++) {
            SL_AUTO(sl_buf) struct sl_buf notes = SL_BUF_INIT(SL_KIB);
            struct sl_lines lines = {.rest = SL_BUF_INIT(16)};
            const size_t cuts[] = {0, first, second, text.n};
            for (size_t i = 0; i < 3; i++) {
                struct sl_str piece = {.p = text.p + cuts[i], .n = cuts[i + 1] - cuts[i]};
                assert_int_equal(sl_lines_feed(&lines, piece, note_line, &notes, NULL), 0);
            }
            assert_string_equal(notes.data, "[{\"a\":1}][{\"b\":22}][x]");
            assert_true(sl_str_is(sl_buf_str(&lines.rest), "not ended"));
            sl_lines_reset(&lines);
        }
    }
}

static void a_line_over_the_cap_is_an_error_ended_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *pieces[3];
        bool fits;
    } rows[] = {
        {{"12345678\n"}, true},       {{"1234", "5678", "\n"}, true}, {{"123456789\n"}, false},
        {{"1\n123456789\n"}, false},  {{"123456789"}, false},         {{"12345", "6789"}, false},
        {{"12345", "6789\n"}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf notes = SL_BUF_INIT(SL_KIB);
        struct sl_lines lines = {.rest = SL_BUF_INIT(8)};
        struct sl_err err = SL_ERR_INIT;
        int result = 0;
        for (size_t k = 0; k < 3 && rows[i].pieces[k] != NULL && result == 0; k++) {
            result = sl_lines_feed(&lines, sl_str_from(rows[i].pieces[k]), note_line, &notes, &err);
        }
        assert_int_equal(result, rows[i].fits ? 0 : -1);
        assert_int_equal(err.kind, rows[i].fits ? SL_ERR_NONE : SL_ERR_INVALID);
        sl_lines_reset(&lines);
    }
}

static void the_reader_can_stop(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf notes = SL_BUF_INIT(SL_KIB);
    struct sl_lines lines = {.rest = SL_BUF_INIT(64)};
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_lines_feed(&lines, SL_STR("one\nstop\nthree\n"), note_line, &notes, &err),
                     -1);
    assert_int_equal(err.kind, SL_ERR_GONE);
    assert_string_equal(notes.data, "[one]");
    sl_lines_reset(&lines);
}

#define META                                                                                       \
    "\"metadata\":{\"name\":\"x\",\"namespace\":\"a\",\"uid\":\"u\",\"resourceVersion\":\"5\"}"

static void events_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int type; /* -1: refused */
    } rows[] = {
        {"{\"type\":\"ADDED\",\"object\":{" META "}}", SL_WATCH_ADDED},
        {"{\"object\":{\"kind\":\"Pod\"," META "},\"type\":\"MODIFIED\"}", SL_WATCH_MODIFIED},
        {"{\"type\":\"DELETED\",\"object\":{" META "}}", SL_WATCH_DELETED},
        {"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}",
         SL_WATCH_BOOKMARK},
        {"{\"type\":\"ERROR\",\"object\":{\"code\":410,\"message\":\"too old\"}}", SL_WATCH_ERROR},
        {"{\"type\":\"ERROR\",\"object\":\"?\"}", SL_WATCH_ERROR},
        {"{\"type\":\"OTHER\",\"object\":{" META "}}", -1},
        {"{\"object\":{" META "}}", -1},
        {"{\"type\":\"ADDED\"}", -1},
        {"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\",\"uid\":\"u\"}}}", -1},
        {"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\",\"uid\":\"u\","
         "\"resourceVersion\":5}}}",
         -1},
        {"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\\u0000\",\"uid\":\"u\","
         "\"resourceVersion\":\"5\"}}}",
         -1},
        {"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\",\"namespace\":7,"
         "\"uid\":\"u\",\"resourceVersion\":\"5\"}}}",
         -1},
        {"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{}}}", -1},
        {"{\"type\":\"ADDED\",\"object\":{" META "}", -1},
        {"[]", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_watch_event event = {0};
        struct sl_err err = SL_ERR_INIT;
        int result = sl_watch_event_scan(sl_str_from(rows[i].line), &arena, &event, &err);
        assert_int_equal(result, rows[i].type < 0 ? -1 : 0);
        assert_int_equal(err.kind, rows[i].type < 0 ? SL_ERR_INVALID : SL_ERR_NONE);
        if (result == 0) {
            assert_int_equal(event.type, rows[i].type);
        }
    }
}

static void an_event_gives_its_object_and_what_names_it(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_watch_event event;
    assert_int_equal(sl_watch_event_scan(SL_STR("{\"type\":\"ADDED\",\"object\": {" META "} }"),
                                         &arena, &event, NULL),
                     0);
    assert_true(sl_str_is(event.object, "{" META "}"));
    assert_true(sl_str_is(event.meta.ns, "a") && sl_str_is(event.meta.name, "x") &&
                sl_str_is(event.meta.uid, "u") && sl_str_is(event.meta.version, "5"));
    assert_int_equal(
        sl_watch_event_scan(SL_STR("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\","
                                   "\"metadata\":{},\"message\":\"too old\",\"code\":410}}"),
                            &arena, &event, NULL),
        0);
    assert_int_equal(event.code, 410);
    assert_true(sl_str_is(event.message, "too old"));
}

static void pages_say_whether_there_are_more(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        const char *continue_with;
        size_t items;
    } rows[] = {
        {"{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{},{}]}", 0, "", 2},
        {"{\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"\"},\"items\":null}", 0, "", 0},
        {"{\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"a\\u003d\"},\"items\":[{}]}", 0,
         "a=", 1},
        {"{\"metadata\":{},\"items\":[]}", -1, NULL, 0},
        {"{\"items\":[]}", -1, NULL, 0},
        {"{\"metadata\":{\"resourceVersion\":\"7\"}}", -1, NULL, 0}, /* one object, say */
        {"{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":{}}", -1, NULL, 0},
        {"{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{}", -1, NULL, 0},
        {"", -1, NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_list_page page = {0};
        assert_int_equal(sl_list_page_scan(sl_str_from(rows[i].text), &arena, &page, NULL),
                         rows[i].result);
        if (rows[i].result == 0) {
            assert_true(sl_str_is(page.version, "7"));
            assert_true(sl_str_is(page.continue_with, rows[i].continue_with));
            assert_int_equal(sl_jval_count(page.items), rows[i].items);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_out_alike_however_the_stream_is_cut),
        cmocka_unit_test(a_line_over_the_cap_is_an_error_ended_or_not),
        cmocka_unit_test(the_reader_can_stop),
        cmocka_unit_test(events_are_told_apart),
        cmocka_unit_test(an_event_gives_its_object_and_what_names_it),
        cmocka_unit_test(pages_say_whether_there_are_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
