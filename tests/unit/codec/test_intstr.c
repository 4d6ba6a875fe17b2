/* A number or a percentage: the text, and the pods it stands for. */
#include "codec/intstr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void numbers_and_percentages_are_read(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int32_t value;
        bool percent;
    } rows[] = {
        {"0", 0, false}, {"3", 3, false},   {"007", 7, false},   {"2147483647", INT32_MAX, false},
        {"0%", 0, true}, {"25%", 25, true}, {"150%", 150, true}, {"2147483647%", INT32_MAX, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_intstr value = {.value = -1};
        assert_int_equal(sl_intstr_parse(sl_str_from(rows[i].text), &value, NULL), 0);
        assert_int_equal(value.value, rows[i].value);
        assert_int_equal(value.percent, rows[i].percent);
    }
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    const struct {
        struct sl_str text;
        const char *says;
    } rows[] = {
        {{NULL, 0}, "must be a whole number or a percentage such as \"25%\""},
        {SL_STR_INIT(""), "must be a whole number or a percentage such as \"25%\""},
        {SL_STR_INIT("%"), "must be a whole number or a percentage such as \"25%\""},
        {SL_STR_INIT("-1"), "must be a whole number or a percentage such as \"25%\""},
        {SL_STR_INIT("+1"), "must be a whole number or a percentage such as \"25%\""},
        {SL_STR_INIT(" 1"), "must be a whole number or a percentage such as \"25%\""},
        {SL_STR_INIT("1 "), "must be a whole number or a percentage such as \"25%\""},
        {SL_STR_INIT("1.5"), "must be a whole number or a percentage such as \"25%\""},
        {SL_STR_INIT("1%%"), "must be a whole number or a percentage such as \"25%\""},
        {SL_STR_INIT("0x1"), "must be a whole number or a percentage such as \"25%\""},
        {SL_STR_INIT("1\0"), "must be a whole number or a percentage such as \"25%\""},
        {SL_STR_INIT("2147483648"), "must be at most 2147483647"},
        {SL_STR_INIT("2147483650%"), "must be at most 2147483647"},
        {SL_STR_INIT("99999999999999999999"), "must be at most 2147483647"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_err err = SL_ERR_INIT;
        struct sl_intstr value = {.value = 42, .percent = true};
        assert_int_equal(sl_intstr_parse(rows[i].text, &value, &err), -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        assert_string_equal(err.msg, rows[i].says);
        assert_true(value.value == 42 && value.percent); /* untouched */
    }
}

static void percentages_round_up_or_down(void **state)
{
    (void)state;
    const struct {
        struct sl_intstr value;
        int32_t total, up, down;
    } rows[] = {
        {{3, false}, 10, 3, 3},
        {{30, false}, 10, 30, 30},
        {{0, true}, 10, 0, 0},
        {{50, true}, 5, 3, 2},
        {{25, true}, 10, 3, 2},
        {{1, true}, 1, 1, 0},
        {{99, true}, 1, 1, 0},
        {{100, true}, 7, 7, 7},
        {{50, true}, 0, 0, 0},
        {{100, true}, INT32_MAX, INT32_MAX, INT32_MAX},
        {{101, true}, INT32_MAX, INT32_MAX, INT32_MAX},
        {{INT32_MAX, true}, INT32_MAX, INT32_MAX, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(sl_intstr_of(rows[i].value, rows[i].total, true), rows[i].up);
        assert_int_equal(sl_intstr_of(rows[i].value, rows[i].total, false), rows[i].down);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_percentages_are_read),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(percentages_round_up_or_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
