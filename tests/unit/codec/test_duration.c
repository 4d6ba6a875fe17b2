/* Durations: read as Go's time.ParseDuration reads them, written so that they read back. */
#include "codec/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define US INT64_C(1000)
#define MS (1000 * US)
#define S (1000 * MS)
#define MIN (60 * S)
#define H (60 * MIN)

static void durations_are_read_as_go_reads_them(void **state)
{
    (void)state;
    /* The table of Go's own test, and the edges of int64. */
    const struct {
        const char *text;
        int64_t ns;
    } rows[] = {
        {"0", 0},
        {"-0", 0},
        {"+0", 0},
        {"5s", 5 * S},
        {"30s", 30 * S},
        {"1478s", 1478 * S},
        {"-5s", -5 * S},
        {"+5s", 5 * S},
        {"0s", 0},
        {"5.0s", 5 * S},
        {"5.6s", 5 * S + 600 * MS},
        {"5.s", 5 * S},
        {".5s", 500 * MS},
        {"1.0s", 1 * S},
        {"1.00s", 1 * S},
        {"1.004s", 1 * S + 4 * MS},
        {"1.0040s", 1 * S + 4 * MS},
        {"100.00100s", 100 * S + 1 * MS},
        {"10ns", 10},
        {"11us", 11 * US},
        {"12\xc2\xb5s", 12 * US},
        {"12\xce\xbcs", 12 * US},
        {"13ms", 13 * MS},
        {"14s", 14 * S},
        {"15m", 15 * MIN},
        {"16h", 16 * H},
        {"3h30m", 3 * H + 30 * MIN},
        {"10.5s4m", 4 * MIN + 10 * S + 500 * MS},
        {"-2m3.4s", -(2 * MIN + 3 * S + 400 * MS)},
        {"1h2m3s4ms5us6ns", 1 * H + 2 * MIN + 3 * S + 4 * MS + 5 * US + 6},
        {"39h9m14.425s", 39 * H + 9 * MIN + 14 * S + 425 * MS},
        {"52763797000ns", 52763797000},
        {"0.3333333333333333333h", 20 * MIN},
        {"9007199254740993ns", (INT64_C(1) << 53) + 1},
        {"9223372036854775807ns", INT64_MAX},
        {"9223372036854775.807us", INT64_MAX},
        {"9223372036s854ms775us807ns", INT64_MAX},
        {"-9223372036854775808ns", INT64_MIN},
        {"-9223372036854775.808us", INT64_MIN},
        {"-9223372036s854ms775us808ns", INT64_MIN},
        {"-2562047h47m16.854775808s", INT64_MIN},
        {"0.100000000000000000000h", 6 * MIN},
        {"0.830103483285477580700h", 49 * MIN + 48 * S + 372539827},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ns = -1;
        struct sl_err err = SL_ERR_INIT;
        if (sl_duration_parse(sl_str_from(rows[i].text), &ns, &err) != 0 || ns != rows[i].ns) {
            fail_msg("%s: %lld, %s", rows[i].text, (long long)ns, err.msg);
        }
    }
}

static void texts_that_go_refuses_are_refused_with_the_rule(void **state)
{
    (void)state;
    static const char number[] = "a number is missing";
    static const char unit[] = "a number needs a unit";
    static const char units[] = "units are ns, us, ms, s, m and h";
    static const char range[] = "at most 2562047h47m16.854775807s";
    const struct {
        struct sl_str text;
        const char *says;
    } rows[] = {
        {SL_STR_INIT(""), number},
        {SL_STR_INIT("-"), number},
        {SL_STR_INIT("+"), number},
        {SL_STR_INIT("s"), number},
        {SL_STR_INIT("."), number},
        {SL_STR_INIT("-."), number},
        {SL_STR_INIT(".s"), number},
        {SL_STR_INIT("+.s"), number},
        {SL_STR_INIT(" 1s"), number},
        {SL_STR_INIT("--1s"), number},
        {SL_STR_INIT("3"), unit},
        {SL_STR_INIT("00"), unit},
        {SL_STR_INIT("1h5"), unit},
        {SL_STR_INIT("1..5s"), unit},
        {SL_STR_INIT("1d"), units},
        {SL_STR_INIT("1S"), units},
        {SL_STR_INIT("1 s"), units},
        {SL_STR_INIT("1s "), units},
        {SL_STR_INIT("1h-"), units},
        {SL_STR_INIT("1h-5m"), units},
        {SL_STR_INIT("1s\0"), units},
        {SL_STR_INIT("1\x85\x85"), units},
        {SL_STR_INIT("9223372036854775810ns"), range},
        {SL_STR_INIT("9223372036854775808ns"), range},
        {SL_STR_INIT("-9223372036854775809ns"), range},
        {SL_STR_INIT("9223372036854776us"), range},
        {SL_STR_INIT("3000000h"), range},
        {SL_STR_INIT("9223372036854775.808us"), range},
        {SL_STR_INIT("9223372036854ms775us808ns"), range},
        {SL_STR_INIT("-2562047h47m16.854775809s"), range},
        {SL_STR_INIT("99999999999999999999s"), range},
        /* A sum that wraps around to nothing. */
        {SL_STR_INIT("9223372036854775808ns9223372036854775808ns"), range},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ns = 42;
        struct sl_err err = SL_ERR_INIT;
        assert_int_equal(sl_duration_parse(rows[i].text, &ns, &err), -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        if (strstr(err.msg, rows[i].says) == NULL) {
            fail_msg("\"%.*s\": %s", SL_STR_FMT(rows[i].text), err.msg);
        }
        assert_int_equal(ns, 42);
    }
}

static void durations_are_written_the_short_way_and_read_back(void **state)
{
    (void)state;
    const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        {0, "0s"},
        {1, "1ns"},
        {999, "999ns"},
        {1 * US, "1us"},
        {1100, "1.1us"},
        {2 * MS, "2ms"},
        {2 * MS + 200 * US, "2.2ms"},
        {300 * MS, "300ms"},
        {1 * S + 500 * MS, "1.5s"},
        {1 * S + 1, "1.000000001s"},
        {5 * MIN, "5m"},
        {5 * MIN + 30 * S, "5m30s"},
        {5 * MIN + 1 * MS, "5m0.001s"},
        {1 * H, "1h"},
        {1 * H + 1 * S, "1h1s"},
        {90 * MIN, "1h30m"},
        {-90 * S, "-1m30s"},
        {-1, "-1ns"},
        {INT64_MAX, "2562047h47m16.854775807s"},
        {INT64_MIN, "-2562047h47m16.854775808s"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        int64_t again = -1;
        sl_duration_write(rows[i].ns, &out);
        assert_string_equal(out.data, rows[i].text);
        assert_int_equal(sl_duration_parse(sl_buf_str(&out), &again, NULL), 0);
        assert_true(again == rows[i].ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_as_go_reads_them),
        cmocka_unit_test(texts_that_go_refuses_are_refused_with_the_rule),
        cmocka_unit_test(durations_are_written_the_short_way_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
