/* codec/base64.c: both ways, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64.h"

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    static const struct {
        struct sl_str bytes;
        const char *text;
    } rows[] = {
        {SL_STR_INIT("f"), "Zg=="},          {SL_STR_INIT("fo"), "Zm8="},
        {SL_STR_INIT("foo"), "Zm9v"},        {SL_STR_INIT("foobar"), "Zm9vYmFy"},
        {SL_STR_INIT("\xfb\xff\0"), "+/8A"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
        SL_AUTO(sl_buf) struct sl_buf bytes = SL_BUF_INIT(SL_KIB);
        sl_base64_write(rows[i].bytes, &text);
        assert_string_equal(text.data, rows[i].text);
        assert_true(sl_base64_read(sl_buf_str(&text), &bytes));
        assert_true(sl_str_eq(sl_buf_str(&bytes), rows[i].bytes));
    }
}

static void line_breaks_are_skipped_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes; /* 0: refused */
    } rows[] = {
        {"Zm\r\n9v\nYmFy\n", 6}, {"Zm 9v", 0}, {"Zm9", 0},   {"Z===", 0},   {"====", 0},
        {"Zg==Zg==", 0},         {"Zg=", 0},   {"Zg=v", 0},  {"Zm9v=", 0},  {"Zm9-", 0},
        {"Zm9\xff", 0},          {"=", 0},     {"Zg===", 0}, {"Zm9vYg", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf bytes = SL_BUF_INIT(SL_KIB);
        bool is_read = sl_base64_read(sl_str_from(rows[i].text), &bytes);
        assert_int_equal(is_read, rows[i].bytes > 0);
        assert_true(!is_read || bytes.len == rows[i].bytes);
    }
}

static void a_text_beyond_the_cap_is_refused(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf bytes = SL_BUF_INIT(5);
    assert_false(sl_base64_read(SL_STR("Zm9vYmFy"), &bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(line_breaks_are_skipped_and_nothing_else),
        cmocka_unit_test(a_text_beyond_the_cap_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
