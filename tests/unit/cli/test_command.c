/* The exit status where output is lost at the very end, and sentences on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

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

/* What came from a server or from an object must only be read. */
static void what_is_said_does_nothing_to_a_terminal(void **state)
{
    (void)state;
    const struct sl_command command = {.name = "rollout get", .program = "sluice"};
    struct sl_err err = SL_ERR_INIT;
    char said[256];
    int ends[2];
    int before = dup(STDERR_FILENO);
    (void)sl_err_set(&err, SL_ERR_DENIED, "a\033[31mb\nc\r\xff\302\233d \303\244");
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    int status = sl_command_failed(&command, &err, SL_EXIT_NO);
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    ssize_t length = read(ends[0], said, sizeof said - 1);
    assert_true(length > 0);
    said[length] = '\0';
    assert_int_equal(status, SL_EXIT_NO);
    assert_string_equal(said, "sluice rollout get: a?[31mb\n"
                              "sluice rollout get: c???d \303\244\n");
    close(ends[0]);
    close(ends[1]);
    close(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_does_nothing_to_a_terminal),
        cmocka_unit_test(output_that_is_lost_on_closing_changes_the_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
