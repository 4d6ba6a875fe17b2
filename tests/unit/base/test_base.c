/* The base layer: slices, arenas, capped buffers, files, errors. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/map.h"

static void a_buffer_never_grows_over_its_cap(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf buf = SL_BUF_INIT(10);
    struct sl_err err = SL_ERR_INIT;
    sl_buf_adds(&buf, "12345");
    sl_buf_addf(&buf, "%d", 67890);
    assert_string_equal(buf.data, "1234567890");
    assert_int_equal(sl_buf_check(&buf, "the text", &err), 0);
    sl_buf_addc(&buf, 'x');
    sl_buf_adds(&buf, "");
    assert_string_equal(buf.data, "1234567890");
    assert_int_equal(sl_buf_check(&buf, "the text", &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);
    assert_string_equal(err.msg, "the text is larger than 10 bytes");
    sl_buf_reset(&buf);
    sl_buf_adds(&buf, "again");
    assert_string_equal(buf.data, "again");
}

static void json_escapes_are_valid_for_any_bytes(void **state)
{
    (void)state;
    static const struct {
        struct sl_str in;
        const char *out;
    } rows[] = {
        {SL_STR_INIT("plain /~ text"), "plain /~ text"},
        {SL_STR_INIT("\"\\\n\t\x01\x7f"), "\\\"\\\\\\n\\t\\u0001\\u007f"},
        {SL_STR_INIT("a\0b"), "a\\u0000b"},
        {SL_STR_INIT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
         "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {SL_STR_INIT("\xff"), "\\ufffd"},
        {SL_STR_INIT("\xc3"), "\\ufffd"},
        {SL_STR_INIT("\xc0\x80"), "\\ufffd\\ufffd"},
        {SL_STR_INIT("\xed\xa0\x80x"), "\\ufffd\\ufffd\\ufffdx"},
        {SL_STR_INIT("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd"},
        {SL_STR_INIT(""), ""},
        {{NULL, 0}, ""}, /* the absent slice: no arithmetic on its pointer */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf buf = SL_BUF_INIT(1000);
        sl_buf_add_json_string(&buf, rows[i].in);
        assert_int_equal(buf.data[0], '"');
        assert_int_equal(buf.data[buf.len - 1], '"');
        assert_int_equal(buf.len, strlen(rows[i].out) + 2);
        assert_memory_equal(buf.data + 1, rows[i].out, buf.len - 2);
    }
}

static void slices_are_cut_and_compared_by_bytes(void **state)
{
    (void)state;
    struct sl_str rest = SL_STR("a//b");
    assert_true(sl_str_is(sl_str_cut(&rest, '/'), "a"));
    assert_true(sl_str_is(sl_str_cut(&rest, '/'), ""));
    assert_true(sl_str_is(sl_str_cut(&rest, '/'), "b"));
    assert_null(rest.p);
    assert_true(sl_str_cmp(SL_STR("a"), SL_STR("ab")) < 0);
    assert_true(sl_str_cmp(SL_STR("b"), SL_STR("ab")) > 0);
    assert_true(sl_str_cmp(SL_STR("a\x80"), SL_STR("a\x7f")) > 0);
    assert_int_equal(sl_str_cmp((struct sl_str){0}, SL_STR("")), 0);
    assert_true(sl_str_starts(SL_STR("abc"), SL_STR("ab")));
    assert_false(sl_str_starts(SL_STR("a"), SL_STR("ab")));
    assert_true(sl_str_ends(SL_STR("abc"), SL_STR("bc")));
    assert_false(sl_str_ends(SL_STR("c"), SL_STR("bc")));
}

static void an_arena_gives_aligned_memory_of_any_size(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 20000; size = size * 2 + 1) {
            char *at = sl_arena_alloc(&arena, size);
            assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
            memset(at, 0xab, size);
        }
        const char *text = sl_arena_printf(&arena, "%s-%d", "x", 7);
        assert_string_equal(text, "x-7");
        struct sl_str copy = sl_arena_str(&arena, SL_STR("copy"));
        assert_string_equal(copy.p, "copy");
        sl_arena_reset(&arena);
    }
}

static void an_error_keeps_its_kind_and_gains_context(void **state)
{
    (void)state;
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_err_set(&err, SL_ERR_NOT_FOUND, "no %s", "x"), -1);
    assert_int_equal(sl_err_wrap(&err, "reading %d", 3), -1);
    assert_string_equal(err.msg, "reading 3: no x");
    assert_int_equal(err.kind, SL_ERR_NOT_FOUND);
    assert_int_equal(sl_err_set(NULL, SL_ERR_INVALID, "nobody listens"), -1);
    for (int i = 0; i < 300; i++) {
        (void)sl_err_wrap(&err, "a rather long context");
    }
    assert_int_equal(strlen(err.msg), SL_ERR_MSG_MAX - 1);
}

static void a_file_is_written_whole_with_its_mode_and_read_within_the_cap(void **state)
{
    (void)state;
    char directory[] = "/tmp/sluice-test-XXXXXX";
    char path[64];
    struct sl_err err = SL_ERR_INIT;
    struct stat info;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/file", directory);

    assert_int_equal(sl_file_write(path, SL_STR("first"), 0600, &err), 0);
    assert_int_equal(sl_file_write(path, SL_STR("second"), 0644, &err), 0);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0644);
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(6);
    assert_int_equal(sl_file_read(path, &text, &err), 0);
    assert_string_equal(text.data, "second");
    SL_AUTO(sl_buf) struct sl_buf small = SL_BUF_INIT(5);
    assert_int_equal(sl_file_read(path, &small, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);
    assert_int_equal(unlink(path), 0);

    assert_int_equal(sl_file_read(path, &text, &err), -1);
    assert_int_equal(err.kind, SL_ERR_NOT_FOUND);
    assert_int_equal(sl_file_read(directory, &text, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);
    assert_int_equal(sl_file_write("/proc/none/file", SL_STR("x"), 0600, &err), -1);
    assert_int_equal(rmdir(directory), 0); /* a failed write leaves nothing behind */
}

static char visited[8];

static void note(void *value)
{
    strncat(visited, value, 1);
}

static void a_map_finds_what_was_added_and_keeps_its_order(void **state)
{
    (void)state;
    struct sl_map *map = sl_map_open(free);
    assert_null(sl_map_get(map, SL_STR("a")));
    sl_map_add(map, SL_STR("b"), strdup("B"));
    sl_map_add(map, SL_STR(""), strdup("E"));
    sl_map_add(map, SL_STR("a\0b"), strdup("A"));
    assert_string_equal(sl_map_get(map, SL_STR("b")), "B");
    assert_string_equal(sl_map_get(map, SL_STR("")), "E");
    assert_string_equal(sl_map_get(map, SL_STR("a\0b")), "A");
    assert_null(sl_map_get(map, SL_STR("a")));
    assert_string_equal(sl_map_get(map, (struct sl_str){0}), "E");
    sl_map_each(map, note);
    assert_string_equal(visited, "BEA");
    sl_map_close(map);
    sl_map_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_never_grows_over_its_cap),
        cmocka_unit_test(json_escapes_are_valid_for_any_bytes),
        cmocka_unit_test(slices_are_cut_and_compared_by_bytes),
        cmocka_unit_test(an_arena_gives_aligned_memory_of_any_size),
        cmocka_unit_test(a_map_finds_what_was_added_and_keeps_its_order),
        cmocka_unit_test(an_error_keeps_its_kind_and_gains_context),
        cmocka_unit_test(a_file_is_written_whole_with_its_mode_and_read_within_the_cap),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
