/* Times as Kubernetes writes them: read with any fraction and offset, written in two forms. */
#include "codec/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S INT64_C(1000000000)

static void times_are_read_with_fraction_and_offset(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t ns;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999999999Z", -1},
        {"2026-11-21T12:00:00Z", 1795262400 * S},
        {"2026-11-21T12:00:00.123456Z", 1795262400 * S + 123456000},
        {"2026-11-21T12:00:00.1Z", 1795262400 * S + 100000000},
        {"2026-11-21T12:00:00.1234567899Z", 1795262400 * S + 123456789},
        {"2026-11-21T13:00:00+01:00", 1795262400 * S},
        {"2026-11-21T06:30:00-05:30", 1795262400 * S},
        {"2026-11-21T12:00:00-00:00", 1795262400 * S},
        {"2000-02-29T00:00:00Z", 951782400 * S},
        {"2024-02-29T23:59:59Z", 1709251199 * S},
        {"2016-12-31T23:59:60Z", 1483228799 * S}, /* a leap second */
        {"2116-02-20T23:53:38.427387903Z", INT64_MAX / 2},
        {"1823-11-12T00:06:21.572612097Z", -(INT64_MAX / 2)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ns = 42;
        if (!sl_timestamp_parse(sl_str_from(rows[i].text), &ns) || ns != rows[i].ns) {
            fail_msg("%s: %lld", rows[i].text, (long long)ns);
        }
    }
}

static void anything_else_is_no_time(void **state)
{
    (void)state;
    static const struct sl_str rows[] = {
        {NULL, 0},
        SL_STR_INIT(""),
        SL_STR_INIT("2026-11-21"),
        SL_STR_INIT("2026-11-21T12:00:00"),
        SL_STR_INIT("2026-11-21T12:00Z"),
        SL_STR_INIT("2026-11-21 12:00:00Z"),
        SL_STR_INIT("2026-11-21t12:00:00z"),
        SL_STR_INIT("2026-11-21T12:00:00Z "),
        SL_STR_INIT(" 2026-11-21T12:00:00Z"),
        SL_STR_INIT("2026-11-21T12:00:00ZZ"),
        SL_STR_INIT("2026-11-21T12:00:00.Z"),
        SL_STR_INIT("2026-11-21T12:00:00,5Z"),
        SL_STR_INIT("2026-11-21T12:00:00+0100"),
        SL_STR_INIT("2026-11-21T12:00:00+24:00"),
        SL_STR_INIT("2026-11-21T12:00:00+01:60"),
        SL_STR_INIT("2026-00-21T12:00:00Z"),
        SL_STR_INIT("2026-13-21T12:00:00Z"),
        SL_STR_INIT("2026-11-00T12:00:00Z"),
        SL_STR_INIT("2026-11-31T12:00:00Z"),
        SL_STR_INIT("2026-02-29T12:00:00Z"),
        SL_STR_INIT("1900-02-29T12:00:00Z"),
        SL_STR_INIT("2026-11-21T24:00:00Z"),
        SL_STR_INIT("2026-11-21T12:60:00Z"),
        SL_STR_INIT("2026-11-21T12:00:61Z"),
        SL_STR_INIT("+026-11-21T12:00:00Z"),
        SL_STR_INIT("12026-11-21T12:00:00Z"),
        SL_STR_INIT("2026-11-21T12:00:00Z\0"),
        SL_STR_INIT("0000-01-01T00:00:00Z"), /* does not fit into 64 bits */
        SL_STR_INIT("9999-12-31T23:59:59Z"),
        SL_STR_INIT("2116-02-20T23:53:38.427387904Z"), /* nothing could be added to it */
        SL_STR_INIT("1823-11-12T00:06:21.572612096Z"),
        SL_STR_INIT("2262-04-11T23:47:16.854775807Z"),
        SL_STR_INIT("2262-04-11T23:47:16.854775808Z"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ns = 42;
        if (sl_timestamp_parse(rows[i], &ns) || ns != 42) {
            fail_msg("\"%.*s\": %lld", SL_STR_FMT(rows[i]), (long long)ns);
        }
    }
}

static void times_are_written_to_the_second_and_to_the_microsecond(void **state)
{
    (void)state;
    const struct {
        int64_t ns;
        const char *second, *micro;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"},
        {1795262400 * S, "2026-11-21T12:00:00Z", "2026-11-21T12:00:00.000000Z"},
        {1795262400 * S + 123456789, "2026-11-21T12:00:00Z", "2026-11-21T12:00:00.123456Z"},
        {1795262400 * S - 1, "2026-11-21T11:59:59Z", "2026-11-21T11:59:59.999999Z"},
        {-1, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999999Z"},
        {INT64_MAX, "2262-04-11T23:47:16Z", "2262-04-11T23:47:16.854775Z"},
        {INT64_MIN, "1677-09-21T00:12:43Z", "1677-09-21T00:12:43.145224Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[SL_TIMESTAMP_SIZE];
        sl_timestamp_write(rows[i].ns, text);
        assert_string_equal(text, rows[i].second);
        sl_timestamp_write_micro(rows[i].ns, text);
        assert_string_equal(text, rows[i].micro);
    }
}

static void every_day_is_the_day_that_the_library_says(void **state)
{
    (void)state;
    for (int64_t day = -53375; day < 53376; day++) {
        char text[SL_TIMESTAMP_SIZE];
        int64_t ns = 0;
        sl_timestamp_write(day * 86400 * S, text);
        if (!sl_timestamp_parse(sl_str_from(text), &ns) || ns != day * 86400 * S) {
            fail_msg("%s: %lld", text, (long long)ns);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_with_fraction_and_offset),
        cmocka_unit_test(anything_else_is_no_time),
        cmocka_unit_test(times_are_written_to_the_second_and_to_the_microsecond),
        cmocka_unit_test(every_day_is_the_day_that_the_library_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
