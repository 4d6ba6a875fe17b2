/* dirwatch: what is reported, and what is seen when inotify is silent. */
#include "scratch.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>

#include "net/dirwatch.h"

#define INTERVAL (10 * INT64_C(1000000000))
#define TAG 3U
#define OTHER_TAG 31U
#define BIT(tag) (UINT32_C(1) << (tag))

/* The clock of a test that must not look: the first poll looks, so one is made. */
static struct sl_dirwatch *open_watch(const char *path, unsigned tag)
{
    struct sl_dirwatch *watch = NULL;
    assert_int_equal(sl_dirwatch_open(INTERVAL, &watch, NULL), 0);
    assert_int_equal(sl_dirwatch_add(watch, path, tag, NULL), 0);
    assert_int_equal(sl_dirwatch_poll(watch, 0), 0);
    return watch;
}

static bool is_readable(const struct sl_dirwatch *watch)
{
    struct pollfd waiter = {.fd = sl_dirwatch_fd(watch), .events = POLLIN};
    return poll(&waiter, 1, 0) == 1;
}

static void make_file(const struct scratch *scratch)
{
    scratch_write(scratch, "d/new", "1");
}

static void replace_file(const struct scratch *scratch)
{
    scratch_write(scratch, "d/old", "2");
}

static void rewrite_file(const struct scratch *scratch)
{
    int fd = open(scratch_path(scratch, "d/old"), O_WRONLY);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(close(fd), 0);
}

static void remove_file(const struct scratch *scratch)
{
    assert_int_equal(unlink(scratch_path(scratch, "d/old")), 0);
}

static void move_file_out(const struct scratch *scratch)
{
    scratch_rename(scratch, "d/old", "elsewhere");
}

static void change_mode(const struct scratch *scratch)
{
    assert_int_equal(chmod(scratch_path(scratch, "d/old"), 0644), 0);
}

static void swap_generation(const struct scratch *scratch)
{
    scratch_swap(scratch, "d", "..2");
}

static void remove_directory(const struct scratch *scratch)
{
    scratch_remove(scratch_path(scratch, "d"));
}

static void move_directory(const struct scratch *scratch)
{
    scratch_rename(scratch, "d", "moved");
}

static const struct {
    const char *name;
    void (*change)(const struct scratch *);
} changes[] = {
    {"a new file", make_file},
    {"a replaced file", replace_file},
    {"a file written in place", rewrite_file},
    {"a removed file", remove_file},
    {"a file moved away", move_file_out},
    {"a changed mode", change_mode},
    {"a swapped generation", swap_generation},
    {"a removed directory", remove_directory},
    {"a directory moved away", move_directory},
};

static void make_mount(const struct scratch *scratch)
{
    scratch_mkdir(scratch, "d");
    scratch_mkdir(scratch, "d/..1");
    scratch_mkdir(scratch, "d/..2");
    scratch_link(scratch, "..1", "d/..data");
    scratch_write(scratch, "d/old", "1");
}

static void each_change_makes_the_fd_readable_and_is_reported_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        print_message("%s\n", changes[i].name);
        void *fresh = NULL;
        assert_int_equal(scratch_setup(&fresh), 0);
        make_mount(fresh);
        SL_AUTO(sl_dirwatch)
        struct sl_dirwatch *watch = open_watch(scratch_path(fresh, "d"), TAG);
        assert_false(is_readable(watch));
        changes[i].change(fresh);
        assert_true(is_readable(watch));
        assert_int_equal(sl_dirwatch_poll(watch, 1), BIT(TAG));
        assert_int_equal(sl_dirwatch_poll(watch, 2), 0);
        assert_int_equal(sl_dirwatch_poll(watch, INTERVAL * 2), 0);
        assert_int_equal(scratch_teardown(&fresh), 0);
    }
}

static void reading_a_file_is_no_change(void **state)
{
    const struct scratch *scratch = *state;
    make_mount(scratch);
    SL_AUTO(sl_dirwatch) struct sl_dirwatch *watch = open_watch(scratch_path(scratch, "d"), TAG);
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
    assert_int_equal(sl_file_read(scratch_path(scratch, "d/old"), &text, NULL), 0);
    assert_int_equal(sl_dirwatch_poll(watch, 1), 0);
    assert_int_equal(sl_dirwatch_poll(watch, INTERVAL), 0);
}

static void each_swap_of_the_data_link_is_reported(void **state)
{
    const struct scratch *scratch = *state;
    make_mount(scratch);
    SL_AUTO(sl_dirwatch) struct sl_dirwatch *watch = open_watch(scratch_path(scratch, "d"), TAG);
    scratch_swap(scratch, "d", "..2");
    assert_int_equal(sl_dirwatch_poll(watch, 1), BIT(TAG));
    scratch_swap(scratch, "d", "..1");
    assert_int_equal(sl_dirwatch_poll(watch, 2), BIT(TAG));
    assert_int_equal(sl_dirwatch_poll(watch, 3), 0);
}

static void a_path_of_a_file_watches_its_directory(void **state)
{
    const struct scratch *scratch = *state;
    make_mount(scratch);
    SL_AUTO(sl_dirwatch)
    struct sl_dirwatch *watch = open_watch(scratch_path(scratch, "d/old"), TAG);
    scratch_write(scratch, "d/old", "2");
    assert_int_equal(sl_dirwatch_poll(watch, 1), BIT(TAG));
    assert_int_equal(unlink(scratch_path(scratch, "d/old")), 0);
    assert_int_equal(sl_dirwatch_poll(watch, 2), BIT(TAG));
    scratch_write(scratch, "d/old", "3");
    assert_int_equal(sl_dirwatch_poll(watch, 3), BIT(TAG));
}

static void only_the_tags_of_what_changed_are_reported(void **state)
{
    const struct scratch *scratch = *state;
    scratch_mkdir(scratch, "a");
    scratch_mkdir(scratch, "b");
    SL_AUTO(sl_dirwatch) struct sl_dirwatch *watch = open_watch(scratch_path(scratch, "a"), TAG);
    assert_int_equal(sl_dirwatch_add(watch, scratch_path(scratch, "b"), OTHER_TAG, NULL), 0);
    assert_int_equal(sl_dirwatch_add(watch, scratch_path(scratch, "a"), 0, NULL), 0);
    scratch_write(scratch, "b/f", "");
    assert_int_equal(sl_dirwatch_poll(watch, 1), BIT(OTHER_TAG));
    scratch_write(scratch, "a/f", "");
    assert_int_equal(sl_dirwatch_poll(watch, 2), BIT(TAG) | BIT(0));
    scratch_write(scratch, "a/f", "");
    scratch_write(scratch, "b/f", "");
    assert_int_equal(sl_dirwatch_poll(watch, 3), BIT(TAG) | BIT(0) | BIT(OTHER_TAG));
}

static void a_directory_that_comes_back_is_watched_again(void **state)
{
    const struct scratch *scratch = *state;
    make_mount(scratch);
    SL_AUTO(sl_dirwatch) struct sl_dirwatch *watch = open_watch(scratch_path(scratch, "d"), TAG);
    scratch_remove(scratch_path(scratch, "d"));
    assert_int_equal(sl_dirwatch_poll(watch, 1), BIT(TAG));
    assert_int_equal(sl_dirwatch_poll(watch, 2), 0);
    make_mount(scratch);
    assert_int_equal(sl_dirwatch_poll(watch, 3), BIT(TAG));
    scratch_write(scratch, "d/old", "2");
    assert_true(is_readable(watch));
    assert_int_equal(sl_dirwatch_poll(watch, 4), BIT(TAG));
}

static void a_directory_in_the_place_of_one_moved_away_is_watched_instead(void **state)
{
    const struct scratch *scratch = *state;
    make_mount(scratch);
    SL_AUTO(sl_dirwatch) struct sl_dirwatch *watch = open_watch(scratch_path(scratch, "d"), TAG);
    scratch_rename(scratch, "d", "moved");
    make_mount(scratch);
    assert_int_equal(sl_dirwatch_poll(watch, 1), BIT(TAG));
    assert_int_equal(sl_dirwatch_poll(watch, 2), 0);
    scratch_write(scratch, "moved/old", "2");
    assert_false(is_readable(watch));
    assert_int_equal(sl_dirwatch_poll(watch, 3), 0);
    scratch_write(scratch, "d/old", "2");
    assert_true(is_readable(watch));
    assert_int_equal(sl_dirwatch_poll(watch, 4), BIT(TAG));
}

/* inotify on the directory says nothing about a file that is elsewhere */
static void the_poll_sees_what_inotify_does_not_and_only_when_it_is_due(void **state)
{
    const struct scratch *scratch = *state;
    scratch_mkdir(scratch, "d");
    scratch_write(scratch, "elsewhere", "1");
    scratch_link(scratch, "../elsewhere", "d/link");
    SL_AUTO(sl_dirwatch) struct sl_dirwatch *watch = open_watch(scratch_path(scratch, "d"), TAG);
    scratch_write(scratch, "elsewhere", "2");
    assert_false(is_readable(watch));
    assert_int_equal(sl_dirwatch_poll(watch, INTERVAL - 1), 0);
    assert_int_equal(sl_dirwatch_poll(watch, INTERVAL), BIT(TAG));
    assert_int_equal(sl_dirwatch_poll(watch, INTERVAL * 2), 0);
    assert_int_equal(unlink(scratch_path(scratch, "elsewhere")), 0);
    assert_int_equal(sl_dirwatch_poll(watch, INTERVAL * 3), BIT(TAG));
}

/* A watched path that is itself a link: inotify follows it once, the poll each time. */
static void a_path_that_is_a_link_is_followed_to_its_new_target(void **state)
{
    const struct scratch *scratch = *state;
    scratch_mkdir(scratch, "m");
    scratch_mkdir(scratch, "m/1");
    scratch_mkdir(scratch, "m/2");
    scratch_link(scratch, "1", "m/..data");
    SL_AUTO(sl_dirwatch)
    struct sl_dirwatch *watch = open_watch(scratch_path(scratch, "m/..data"), TAG);
    scratch_swap(scratch, "m", "2");
    assert_int_equal(sl_dirwatch_poll(watch, INTERVAL), BIT(TAG));
    scratch_write(scratch, "m/2/f", "");
    assert_int_equal(sl_dirwatch_poll(watch, INTERVAL + 1), BIT(TAG));
    scratch_write(scratch, "m/1/f", "");
    assert_int_equal(sl_dirwatch_poll(watch, INTERVAL + 2), 0);
}

static void what_cannot_be_watched_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    SL_AUTO(sl_dirwatch) struct sl_dirwatch *watch = NULL;
    assert_int_equal(sl_dirwatch_open(INTERVAL, &watch, NULL), 0);
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_dirwatch_add(watch, scratch_path(scratch, "none"), TAG, &err), -1);
    assert_int_equal(err.kind, SL_ERR_NOT_FOUND);
    assert_int_equal(sl_dirwatch_add(watch, scratch->root, 32, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(sl_dirwatch_add(watch, scratch->root, i % 32, NULL), 0);
    }
    assert_int_equal(sl_dirwatch_add(watch, scratch->root, TAG, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);
    assert_non_null(strstr(err.msg, "64"));
}

static void a_queue_that_overflowed_reports_every_tag(void **state)
{
    const struct scratch *scratch = *state;
    scratch_mkdir(scratch, "busy");
    scratch_mkdir(scratch, "quiet");
    SL_AUTO(sl_dirwatch)
    struct sl_dirwatch *watch = open_watch(scratch_path(scratch, "busy"), TAG);
    assert_int_equal(sl_dirwatch_add(watch, scratch_path(scratch, "quiet"), OTHER_TAG, NULL), 0);
    SL_AUTO(sl_buf) struct sl_buf limit = SL_BUF_INIT(64);
    assert_int_equal(sl_file_read("/proc/sys/fs/inotify/max_queued_events", &limit, NULL), 0);
    long events = strtol(limit.data, NULL, 10);
    if (events > 100000) {
        skip();
    }
    const char *names[] = {scratch_path(scratch, "busy/a"), scratch_path(scratch, "busy/b")};
    scratch_write(scratch, "busy/a", "");
    for (long i = 0; i < events; i++) { /* two different events each: equal ones are merged */
        assert_int_equal(rename(names[i % 2], names[(i + 1) % 2]), 0);
    }
    assert_int_equal(sl_dirwatch_poll(watch, 1), BIT(TAG) | BIT(OTHER_TAG));
    assert_int_equal(sl_dirwatch_poll(watch, 2), 0);
}

static int watch_without_inotify(const struct scratch *scratch)
{
    struct sl_dirwatch *watch = NULL;
    if (sl_dirwatch_open(INTERVAL, &watch, NULL) < 0 ||
        sl_dirwatch_add(watch, scratch_path(scratch, "d"), TAG, NULL) < 0 ||
        sl_dirwatch_poll(watch, 0) != 0) {
        return 1;
    }
    scratch_write(scratch, "d/old", "2");
    bool woken = is_readable(watch);
    uint32_t early = sl_dirwatch_poll(watch, INTERVAL - 1);
    uint32_t due = sl_dirwatch_poll(watch, INTERVAL);
    sl_dirwatch_close(watch);
    return !woken && early == 0 && due == BIT(TAG) ? 0 : 2;
}

/* A user namespace of our own has a limit of its own: nobody else's inotify is touched. */
static void with_no_inotify_left_the_poll_works_alone(void **state)
{
    enum { CANNOT = 77 };
    const struct scratch *scratch = *state;
    make_mount(scratch);
    pid_t child = fork();
    if (child == 0) {
        int limit = unshare(CLONE_NEWUSER) < 0
                        ? -1
                        : open("/proc/sys/user/max_inotify_instances", O_WRONLY);
        bool limited = limit >= 0 && write(limit, "0", 1) == 1;
        _exit(limited ? watch_without_inotify(scratch) : CANNOT);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_makes_the_fd_readable_and_is_reported_once),
        TEST(reading_a_file_is_no_change),
        TEST(each_swap_of_the_data_link_is_reported),
        TEST(a_path_of_a_file_watches_its_directory),
        TEST(only_the_tags_of_what_changed_are_reported),
        TEST(a_directory_that_comes_back_is_watched_again),
        TEST(a_directory_in_the_place_of_one_moved_away_is_watched_instead),
        TEST(the_poll_sees_what_inotify_does_not_and_only_when_it_is_due),
        TEST(a_path_that_is_a_link_is_followed_to_its_new_target),
        TEST(what_cannot_be_watched_is_refused),
        TEST(a_queue_that_overflowed_reports_every_tag),
        TEST(with_no_inotify_left_the_poll_works_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
