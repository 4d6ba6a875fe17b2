/* The exit status where output is lost at the very end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "cli/command.h"

static int close_well(void *cookie)
{
    (void)cookie;
    return 0;
}

/* As a network file system whose quota is used up. */
static int close_badly(void *cookie)
{
    (void)cookie;
    errno = EDQUOT;
    return -1;
}

static FILE *stream(int (*close)(void *cookie))
{
    FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.close = close});
    assert_non_null(stream);
    return stream;
}

static void output_that_is_lost_on_closing_changes_the_status(void **state)
{
    (void)state;
    for (int status = SL_EXIT_YES; status <= SL_EXIT_BAD; status++) {
        assert_int_equal(sl_command_end(stream(close_well), status), status);
        assert_int_equal(sl_command_end(stream(close_badly), status), SL_EXIT_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_that_is_lost_on_closing_changes_the_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
