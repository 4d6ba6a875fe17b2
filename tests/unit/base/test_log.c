/* The log, read back from what stands in for standard error. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"

#define ENOUGH 5000 /* lines that no pipe holds */

struct stage {
    int stderr_before;
    uint64_t dropped_before;
};

static int setup(void **state)
{
    static struct stage stage;
    stage.stderr_before = dup(STDERR_FILENO);
    stage.dropped_before = sl_log_dropped();
    (void)alarm(60); /* a log that waits for its reader never comes back */
    *state = &stage;
    return stage.stderr_before < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    const struct stage *stage = *state;
    (void)alarm(0);
    return dup2(stage->stderr_before, STDERR_FILENO) < 0 || close(stage->stderr_before) < 0 ? -1
                                                                                            : 0;
}

/* Returns the end to read from. */
static int become_pipe(int flags)
{
    int ends[2];
    assert_return_code(pipe2(ends, flags | O_CLOEXEC), errno);
    assert_return_code(dup2(ends[1], STDERR_FILENO), errno);
    (void)close(ends[1]);
    return ends[0];
}

/* What is there now, as text. */
static struct sl_buf drain(int fd)
{
    struct sl_buf text = SL_BUF_INIT(16 * SL_MIB);
    char step[4096];
    assert_return_code(fcntl(fd, F_SETFL, O_NONBLOCK), errno);
    for (ssize_t got = 0; (got = read(fd, step, sizeof step)) > 0;) {
        sl_buf_add(&text, step, (size_t)got);
    }
    return text;
}

/* The lines of `text`, each of which must be whole; `ret_told` adds up what they say was dropped.
 */
static uint64_t count_lines(struct sl_str text, uint64_t *ret_told)
{
    static const char says[] = "could not take them\",\"count\":";
    uint64_t count = 0;
    while (text.n > 0) {
        struct sl_str line = sl_str_cut(&text, '\n');
        assert_true(line.n > 20);
        assert_memory_equal(line.p, "{\"ts\":\"", 7);
        assert_int_equal(line.p[line.n - 1], '}');
        const char *told = memmem(line.p, line.n, says, sizeof says - 1);
        if (told != NULL) {
            *ret_told += strtoull(told + sizeof says - 1, NULL, 10);
        } else {
            count++;
        }
    }
    return count;
}

static void a_line_is_one_json_object(void **state)
{
    (void)state;
    int fd = become_pipe(0);
    sl_log(SL_LOG_DEBUG, "below the level");
    sl_log(SL_LOG_WARN, "a \"b\"", SL_LOG_CSTR("path", "x\ny"), SL_LOG_INT("count", -3),
           SL_LOG_CSTR("err", NULL));
    SL_AUTO(sl_buf) struct sl_buf text = drain(fd);
    assert_non_null(text.data);
    assert_non_null(strstr(text.data,
                           "Z\",\"level\":\"warn\",\"msg\":\"a \\\"b\\\"\",\"path\":\"x\\ny"
                           "\",\"count\":-3,\"err\":\"\"}\n"));
    uint64_t told = 0;
    assert_int_equal(count_lines(sl_buf_str(&text), &told), 1);
    (void)close(fd);
}

static void a_field_that_would_make_a_line_too_long_for_a_pipe_is_left_out(void **state)
{
    (void)state;
    int fd = become_pipe(0);
    static char long_text[4000];
    memset(long_text, 'x', sizeof long_text - 1);
    for (size_t cut = 0; cut < 200; cut++) { /* around the longest that fits */
        sl_log(SL_LOG_INFO, "m", SL_LOG_CSTR("long", long_text + cut), SL_LOG_INT("last", 7));
        SL_AUTO(sl_buf) struct sl_buf text = drain(fd);
        uint64_t told = 0;
        assert_int_equal(count_lines(sl_buf_str(&text), &told), 1);
        assert_true(text.len <= 4096);
    }
    sl_log(SL_LOG_INFO, "m", SL_LOG_CSTR("a", long_text), SL_LOG_CSTR("b", long_text),
           SL_LOG_INT("last", 7));
    SL_AUTO(sl_buf) struct sl_buf text = drain(fd);
    assert_non_null(strstr(text.data, ",\"a\":\"xxx"));
    assert_null(strstr(text.data, ",\"b\":"));
    assert_non_null(strstr(text.data, ",\"last\":7}\n"));
    (void)close(fd);
}

static void nobody_waits_for_a_pipe_that_is_not_read(void **state)
{
    const struct stage *stage = *state;
    static const int flags[] = {0, O_NONBLOCK};
    uint64_t dropped_before = stage->dropped_before;
    for (size_t i = 0; i < 2; i++) {
        int fd = become_pipe(flags[i]);
        for (int line = 0; line < ENOUGH; line++) {
            sl_log(SL_LOG_INFO, "a line of some length, as they are", SL_LOG_INT("count", line));
        }
        SL_AUTO(sl_buf) struct sl_buf before = drain(fd);
        uint64_t told = 0;
        uint64_t written = count_lines(sl_buf_str(&before), &told);
        uint64_t lost = sl_log_dropped() - dropped_before;
        assert_int_equal(told, 0);
        assert_true(written > 0);
        assert_int_equal(written + lost, ENOUGH);

        sl_log(SL_LOG_INFO, "read again");
        sl_log(SL_LOG_INFO, "and again");
        SL_AUTO(sl_buf) struct sl_buf after = drain(fd);
        assert_int_equal(count_lines(sl_buf_str(&after), &told), 2);
        assert_int_equal(told, lost);
        dropped_before = sl_log_dropped();
        (void)close(fd);
    }
}

static void a_pipe_that_nobody_will_read_again_kills_nobody(void **state)
{
    const struct stage *stage = *state;
    (void)close(become_pipe(0));
    sl_log(SL_LOG_INFO, "into the void");
    assert_int_equal(sl_log_dropped() - stage->dropped_before, 1);
    int fd = become_pipe(0);
    sl_log(SL_LOG_INFO, "somebody listens again");
    SL_AUTO(sl_buf) struct sl_buf text = drain(fd);
    uint64_t told = 0;
    assert_int_equal(count_lines(sl_buf_str(&text), &told), 1);
    assert_int_equal(told, 1);
    (void)close(fd);
}

/* A file that may not grow stands for a file system that is full. */
static void a_line_cut_short_does_not_spoil_the_next(void **state)
{
    const struct stage *stage = *state;
    int fd = memfd_create("log", MFD_CLOEXEC);
    assert_return_code(fd, errno);
    assert_return_code(dup2(fd, STDERR_FILENO), errno);
    struct rlimit before;
    assert_return_code(getrlimit(RLIMIT_FSIZE, &before), errno);
    (void)signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {.rlim_cur = 30, .rlim_max = before.rlim_max};
    assert_return_code(setrlimit(RLIMIT_FSIZE, &small), errno);
    sl_log(SL_LOG_INFO, "cut");
    sl_log(SL_LOG_INFO, "lost");
    assert_return_code(setrlimit(RLIMIT_FSIZE, &before), errno);
    (void)signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(sl_log_dropped() - stage->dropped_before, 2);
    sl_log(SL_LOG_INFO, "whole");

    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    SL_AUTO(sl_buf) struct sl_buf text = drain(fd);
    struct sl_str rest = sl_buf_str(&text);
    assert_int_equal(sl_str_cut(&rest, '\n').n, 30);
    uint64_t told = 0;
    assert_int_equal(count_lines(rest, &told), 1);
    assert_int_equal(told, 2);
    (void)close(fd);
}

static void *log_much(void *argument)
{
    for (int line = 0; line < ENOUGH; line++) {
        sl_log(SL_LOG_INFO, "a line of some length, as they are", SL_LOG_INT("count", line));
    }
    return argument;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    const struct stage *stage = *state;
    int fd = become_pipe(0);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_much, NULL), 0);
    }
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(16 * SL_MIB);
    for (int i = 0; i < 50; i++) { /* a reader that is at times too slow */
        char step[4096];
        ssize_t got = read(fd, step, sizeof step);
        assert_true(got > 0);
        sl_buf_add(&text, step, (size_t)got);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    SL_AUTO(sl_buf) struct sl_buf tail = drain(fd);
    sl_buf_addstr(&text, sl_buf_str(&tail));
    uint64_t told = 0;
    uint64_t written = count_lines(sl_buf_str(&text), &told);
    uint64_t lost = sl_log_dropped() - stage->dropped_before;
    assert_int_equal(written + lost, 4 * ENOUGH);
    assert_true(lost > 0);
    (void)close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_one_json_object),
        TEST(a_field_that_would_make_a_line_too_long_for_a_pipe_is_left_out),
        TEST(nobody_waits_for_a_pipe_that_is_not_read),
        TEST(a_pipe_that_nobody_will_read_again_kills_nobody),
        TEST(a_line_cut_short_does_not_spoil_the_next),
        TEST(lines_of_several_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
