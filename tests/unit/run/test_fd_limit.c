/* Connections within the limit of open files. The hard limit only ever sinks: the order counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "run/fd_limit.h"

static void set_limits(rlim_t soft, rlim_t hard)
{
    const struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static rlim_t soft_limit(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur;
}

static void the_soft_limit_is_raised_only_when_it_is_too_low(void **state)
{
    (void)state;
    unsigned connections = 0;
    set_limits(100, 300);
    assert_int_equal(sl_fd_limit(60, 40, &connections, NULL), 0);
    assert_int_equal(connections, 60);
    assert_int_equal(soft_limit(), 100);
    assert_int_equal(sl_fd_limit(61, 40, &connections, NULL), 0);
    assert_int_equal(connections, 61);
    assert_int_equal(soft_limit(), 300);
}

static void what_does_not_fit_is_left_out(void **state)
{
    (void)state;
    unsigned connections = 0;
    set_limits(100, 200);
    assert_int_equal(sl_fd_limit(1000, 40, &connections, NULL), 0);
    assert_int_equal(connections, 160);
}

static void without_room_for_one_it_is_an_error(void **state)
{
    (void)state;
    unsigned connections = 7;
    struct sl_err err = SL_ERR_INIT;
    set_limits(50, 50);
    assert_int_equal(sl_fd_limit(10, 49, &connections, NULL), 0);
    assert_int_equal(connections, 1);
    assert_int_equal(sl_fd_limit(10, 50, &connections, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);
    assert_non_null(strstr(err.msg, "the limit of open files is 50, and 50 are needed"));
    assert_int_equal(connections, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_soft_limit_is_raised_only_when_it_is_too_low),
        cmocka_unit_test(what_does_not_fit_is_left_out),
        cmocka_unit_test(without_room_for_one_it_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
