/* Text of others on our output, ages, columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/table.h"

static void control_characters_and_broken_utf8_are_question_marks(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
        size_t width;
    } rows[] = {
        {"plain", "plain", 5},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", 4},
        {"a\033[2Jb\nc\x7f", "a?[2Jb?c?", 9},
        {"\xc2\x9b"
         "31m",
         "?31m", 4}, /* CSI as one C1 character */
        {"\xff\xc3", "??", 2},
        {"", "", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        sl_buf_adds(&out, "");
        sl_text_add(&out, sl_str_from(rows[i].text));
        assert_true(sl_str_is(sl_buf_str(&out), rows[i].shown));
        assert_int_equal(sl_text_width(sl_str_from(rows[i].text)), rows[i].width);
    }
}

static void ages_read_as_kubectl_writes_them(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {-5, "0s"},         {0, "0s"},        {119, "119s"},
        {120, "2m"},        {200, "3m20s"},   {599, "9m59s"},
        {600, "10m"},       {10799, "179m"},  {10800, "3h"},
        {12060, "3h21m"},   {28800, "8h"},    {172799, "47h"},
        {172800, "2d"},     {180000, "2d2h"}, {691200, "8d"},
        {63071999, "729d"}, {63072000, "2y"}, {63072000 + 86400 * 3, "2y3d"},
        {315360000, "10y"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        sl_text_age(&out, rows[i].seconds * SL_NS_PER_S);
        assert_string_equal(sl_buf_str(&out).p, rows[i].text);
    }
}

static void columns_are_as_wide_as_their_longest_cell(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
    SL_AUTO(sl_table) struct sl_table table = {.columns = 3};
    sl_table_add(&table, "NAME", "N", "MESSAGE");
    sl_table_add(&table,
                 "gr\xc3\xbc\xc3\x9f"
                 "e",
                 "10", "a\nb");
    sl_table_add(&table, "x", "", "");
    sl_table_write(&table, &out);
    assert_string_equal(sl_buf_str(&out).p, "NAME    N    MESSAGE\n"
                                            "gr\xc3\xbc\xc3\x9f"
                                            "e   10   a?b\n"
                                            "x            \n");
}

static void colour_surrounds_a_cell_and_not_its_padding(void **state)
{
    (void)state;
    for (int colour = 0; colour < 2; colour++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        SL_AUTO(sl_table) struct sl_table table = {.columns = 2, .colour = colour != 0};
        sl_table_add(&table, "long", "x");
        sl_table_add(&table, "a", "b");
        sl_table_paint(&table, 0, SL_RED);
        sl_table_write(&table, &out);
        assert_string_equal(sl_buf_str(&out).p, colour ? "long   x\n\033[31ma\033[0m      b\n"
                                                       : "long   x\na      b\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_and_broken_utf8_are_question_marks),
        cmocka_unit_test(ages_read_as_kubectl_writes_them),
        cmocka_unit_test(columns_are_as_wide_as_their_longest_cell),
        cmocka_unit_test(colour_surrounds_a_cell_and_not_its_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
