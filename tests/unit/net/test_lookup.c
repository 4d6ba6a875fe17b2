/* Addresses of hosts: literals at once, names beside the loop. */
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "net/lookup.h"

static void a_literal_is_an_address_at_once_and_a_name_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        int family; /* AF_UNSPEC: a name */
    } rows[] = {
        {"127.0.0.1", AF_INET}, {"[::1]", AF_INET6},      {"::1", AF_INET6},
        {"[]", AF_UNSPEC},      {"localhost", AF_UNSPEC}, {"", AF_UNSPEC},
        {"[::1", AF_UNSPEC},    {"1.2.3.4.5", AF_UNSPEC},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_addresses addresses = {0};
        bool literal = sl_lookup_literal(sl_str_from(rows[i].host), SL_STR("9999"), &addresses);
        assert_int_equal(literal, rows[i].family != AF_UNSPEC);
        assert_int_equal(addresses.count, literal ? 1 : 0);
        assert_int_equal(addresses.items[0].ss_family, rows[i].family);
    }
    struct sl_addresses addresses = {0};
    assert_true(sl_lookup_literal(SL_STR("127.0.0.1"), SL_STR("9999"), &addresses));
    const struct sockaddr_in *at = (const struct sockaddr_in *)(const void *)&addresses.items[0];
    assert_int_equal(ntohs(at->sin_port), 9999);
    assert_false(sl_lookup_literal(SL_STR("127.0.0.1"), SL_STR("http"), &addresses));
}

static struct sl_lookup *look_up(const char *host)
{
    struct sl_lookup *lookup = NULL;
    assert_int_equal(sl_lookup_open(sl_str_from(host), SL_STR("80"), &lookup, NULL), 0);
    return lookup;
}

static void wait_for(const struct sl_lookup *lookup)
{
    struct pollfd fd = {.fd = sl_lookup_fd(lookup), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 60000), 1);
    assert_true(sl_lookup_is_answered(lookup));
}

static void a_name_has_the_addresses_of_its_host(void **state)
{
    (void)state;
    struct addrinfo *found = NULL;
    if (getaddrinfo("localhost", NULL, NULL, &found) != 0) {
        skip(); /* a system without /etc/hosts knows no name */
    }
    freeaddrinfo(found);
    SL_AUTO(sl_lookup) struct sl_lookup *lookup = look_up("localhost");
    struct sl_addresses addresses = {0};
    wait_for(lookup);
    assert_int_equal(sl_lookup_take(lookup, &addresses, NULL), 0);
    assert_true(addresses.count >= 1 && addresses.count <= SL_LOOKUP_ADDRESSES);
}

static void a_name_that_is_none_says_so(void **state)
{
    (void)state;
    SL_AUTO(sl_lookup) struct sl_lookup *lookup = look_up("no-such-host.invalid");
    struct sl_addresses addresses = {.count = 77};
    struct sl_err err = SL_ERR_INIT;
    wait_for(lookup);
    assert_int_equal(sl_lookup_take(lookup, &addresses, &err), -1);
    assert_non_null(strstr(err.msg, "no-such-host.invalid could not be looked up: "));
    assert_int_equal(addresses.count, 77);
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    char host[1000];
    memset(host, 'a', sizeof host);
    struct sl_lookup *lookup = NULL;
    struct sl_err err = SL_ERR_INIT;
    struct sl_str text = {.p = host, .n = sizeof host};
    struct sl_addresses addresses = {0};
    assert_false(sl_lookup_literal(text, SL_STR("80"), &addresses));
    assert_int_equal(sl_lookup_open(text, SL_STR("80"), &lookup, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);
    assert_null(lookup);
}

/* Under the sanitizers: the thread has nothing of what is closed. */
static void who_waits_no_longer_closes_it(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        sl_lookup_close(look_up("localhost"));
    }
    sl_lookup_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_is_an_address_at_once_and_a_name_is_not),
        cmocka_unit_test(a_name_has_the_addresses_of_its_host),
        cmocka_unit_test(a_name_that_is_none_says_so),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(who_waits_no_longer_closes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
