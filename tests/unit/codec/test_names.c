/* Names: accepted and refused as by k8s.io/apimachinery/pkg/util/validation. */
#include "codec/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define SIXTY_THREE SIXTY "klm"
#define SIXTY_FOUR SIXTY "klmn"
#define TWO_FIFTY_THREE SIXTY SIXTY SIXTY SIXTY TEN "klm"

enum { LABEL = 1, SUBDOMAIN = 2, QUALIFIED = 4, VALUE = 8, OBJECT_AS_LABEL = 16 };

static const struct {
    int bit;
    const char *(*check)(struct sl_str name);
} checks[] = {
    {LABEL, sl_name_dns_label},
    {SUBDOMAIN, sl_name_dns_subdomain},
    {QUALIFIED, sl_name_qualified},
    {VALUE, sl_name_label_value},
    {OBJECT_AS_LABEL, sl_name_object_as_label},
};

#define ALL (LABEL | SUBDOMAIN | QUALIFIED | VALUE | OBJECT_AS_LABEL)
#define DOTTED (SUBDOMAIN | QUALIFIED | VALUE | OBJECT_AS_LABEL)

static void each_kind_of_name_takes_what_kubernetes_takes(void **state)
{
    (void)state;
    const struct {
        struct sl_str name;
        int good_for;
    } rows[] = {
        {SL_STR_INIT("a"), ALL},
        {SL_STR_INIT("0"), ALL},
        {SL_STR_INIT("web-1"), ALL},
        {SL_STR_INIT("a--b"), ALL},
        {SL_STR_INIT("a.b"), DOTTED},
        {SL_STR_INIT("a.b-c.d"), DOTTED},
        {SL_STR_INIT(SIXTY_THREE), ALL},
        {SL_STR_INIT(SIXTY_FOUR), SUBDOMAIN},
        {SL_STR_INIT(SIXTY_FOUR ".a"), SUBDOMAIN},
        {SL_STR_INIT(TWO_FIFTY_THREE), SUBDOMAIN},
        {SL_STR_INIT(TWO_FIFTY_THREE "x"), 0},
        {SL_STR_INIT(""), VALUE},
        {{NULL, 0}, VALUE},
        {SL_STR_INIT("-a"), 0},
        {SL_STR_INIT("a-"), 0},
        {SL_STR_INIT("."), 0},
        {SL_STR_INIT(".a"), 0},
        {SL_STR_INIT("a."), 0},
        {SL_STR_INIT("a..b"), QUALIFIED | VALUE},
        {SL_STR_INIT("a.-b"), QUALIFIED | VALUE},
        {SL_STR_INIT("a-.b"), QUALIFIED | VALUE},
        {SL_STR_INIT("A"), QUALIFIED | VALUE},
        {SL_STR_INIT("a_b"), QUALIFIED | VALUE},
        {SL_STR_INIT("_a"), 0},
        {SL_STR_INIT("a_"), 0},
        {SL_STR_INIT("a b"), 0},
        {SL_STR_INIT("a\n"), 0},
        {SL_STR_INIT("a\0b"), 0},
        {SL_STR_INIT("\xc3\xa9"), 0},
        {SL_STR_INIT("example.com/name"), QUALIFIED},
        {SL_STR_INIT("example.com/Name_1.x"), QUALIFIED},
        {SL_STR_INIT("Example.com/name"), 0},
        {SL_STR_INIT("/name"), 0},
        {SL_STR_INIT("example.com/"), 0},
        {SL_STR_INIT("/"), 0},
        {SL_STR_INIT("a/b/c"), 0},
        {SL_STR_INIT("a//b"), 0},
        {SL_STR_INIT(TWO_FIFTY_THREE "/" SIXTY_THREE), QUALIFIED},
        {SL_STR_INIT(TWO_FIFTY_THREE "x/a"), 0},
        {SL_STR_INIT("a/" SIXTY_FOUR), 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t j = 0; j < sizeof checks / sizeof checks[0]; j++) {
            const char *broken = checks[j].check(rows[i].name);
            if ((broken == NULL) != ((rows[i].good_for & checks[j].bit) != 0)) {
                fail_msg("check %d of \"%.*s\": %s", checks[j].bit, SL_STR_FMT(rows[i].name),
                         broken == NULL ? "accepted" : broken);
            }
        }
    }
}

static void a_broken_rule_is_a_clause(void **state)
{
    (void)state;
    const struct sl_str too_long = SL_STR_INIT(TWO_FIFTY_THREE "x");
    for (size_t j = 0; j < sizeof checks / sizeof checks[0]; j++) {
        assert_memory_equal(checks[j].check(SL_STR("-")), "must ", strlen("must "));
        assert_non_null(strstr(checks[j].check(too_long), "no more than"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_name_takes_what_kubernetes_takes),
        cmocka_unit_test(a_broken_rule_is_a_clause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
