/* Comparing JSON texts without a tree: order, escapes, white space; and bounded work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/jscan.h"

static void texts_are_compared_as_values(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"{\"a\":1,\"b\":[1,2]}", " { \"b\" : [1, 2], \"a\": 1 } ", true},
        {"\"\\u0061\"", "\"a\"", true},
        {"null", " null", true},
        {"18446744073709551615", "18446744073709551615 ", true},
        {"1.0", "1.00", false}, /* as they are written */
        {"[1,2]", "[2,1]", false},
        {"1", "1.0", false},
        {"1", "\"1\"", false},
        {"null", "false", false},
        {"null", "{}", false},
        {"{\"a\":null}", "{}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"\"a\\u0000b\"", "\"a\\u0000c\"", false},
        {"\"a\\u0000b\"", "\"\\u0061\\u0000b\"", true},
        {"18446744073709551615", "-1", false},
        {"[", "[", true}, /* equal bytes */
        {"[", "[ ", false},
        {"[]", "[", false},
        {"{\"a\":1,\"a\":1}", "{\"a\":1}", false},
        {"{\"a\":1,\"a\":2}", "{\"a\":2,\"a\":1}", false},
        {"{\"b\":{\"y\":1,\"x\":[{}]},\"a\":\"\\n\"}",
         "{\"a\":\"\\u000a\",\"b\":{\"x\":[{ }],\"y\":1}}", true},
        {"{\"b\":1,\"a\":1}", "{\"a\":1,\"c\":1}", false},
        {"{\"b\":1,\"a\":1}", "{\"a\":1}", false},
        {"{\"a\":1}", "[1]", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sl_str a = sl_str_from(cases[i].a);
        struct sl_str b = sl_str_from(cases[i].b);
        if (sl_jscan_equal(a, b) != cases[i].equal || sl_jscan_equal(b, a) != cases[i].equal) {
            fail_msg("%s and %s", cases[i].a, cases[i].b);
        }
    }
}

/* {"k0":0,…} in order, or turned round: what may be sorted has a bound. */
static void write_members(struct sl_buf *out, int count, bool backwards)
{
    for (int i = 0; i < count; i++) {
        int key = backwards ? count - 1 - i : i;
        sl_buf_addf(out, "%s\"k%d\":%d", i == 0 ? "{" : ",", key, key);
    }
    sl_buf_addc(out, '}');
}

static void only_so_many_members_are_sorted(void **state)
{
    (void)state;
    static const struct {
        int count;
        bool backwards, equal;
    } rows[] = {{1024, true, true}, {1025, true, false}, {100000, false, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf a = SL_BUF_INIT(4 * SL_MIB);
        SL_AUTO(sl_buf) struct sl_buf b = SL_BUF_INIT(4 * SL_MIB);
        write_members(&a, rows[i].count, false);
        write_members(&b, rows[i].count, rows[i].backwards);
        sl_buf_addc(&b, ' '); /* not the same bytes */
        assert_int_equal(sl_jscan_equal(sl_buf_str(&a), sl_buf_str(&b)), rows[i].equal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_compared_as_values),
        cmocka_unit_test(only_so_many_members_are_sorted),
    };
    return cmocka_run_group_tests_name("jscan equal", tests, NULL, NULL);
}
