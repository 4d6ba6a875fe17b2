/* kube/url.c: what may stand in a path or a query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube/client.h"

static void everything_but_unreserved_characters_is_escaped(void **state)
{
    (void)state;
    static const struct {
        struct sl_str text;
        const char *escaped;
    } rows[] = {
        {SL_STR_INIT("web-0.a_b~C9"), "web-0.a_b~C9"},
        {SL_STR_INIT("app=web,tier in (a, b)"), "app%3Dweb%2Ctier%20in%20%28a%2C%20b%29"},
        {SL_STR_INIT("../a/b?c#d%"), "..%2Fa%2Fb%3Fc%23d%25"},
        {SL_STR_INIT("\xc3\xa9\n"), "%C3%A9%0A"},
        {SL_STR_INIT(""), ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        sl_buf_adds(&out, "");
        sl_url_escape(rows[i].text, &out);
        assert_true(sl_str_is(sl_buf_str(&out), rows[i].escaped) || rows[i].text.n == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_but_unreserved_characters_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
