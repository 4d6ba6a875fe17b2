/* A directory for one test, and what a kubelet does in it. Fails the test when the system does. */
#ifndef SL_TESTS_UNIT_NET_SCRATCH_H
#define SL_TESTS_UNIT_NET_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define SCRATCH_PATH_MAX 512

struct scratch {
    char root[SCRATCH_PATH_MAX];
};

static inline int scratch_setup(void **state)
{
    struct scratch *scratch = calloc(1, sizeof *scratch);
    assert_non_null(scratch);
    (void)snprintf(scratch->root, sizeof scratch->root, "/tmp/sluice-test.XXXXXX");
    assert_non_null(mkdtemp(scratch->root));
    *state = scratch;
    return 0;
}

static inline int scratch_remove_one(const char *path, const struct stat *info, int type,
                                     struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void scratch_remove(const char *path)
{
    assert_int_equal(nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline int scratch_teardown(void **state)
{
    struct scratch *scratch = *state;
    scratch_remove(scratch->root);
    free(scratch);
    return 0;
}

/* root/relative, in one of four buffers that are used in turn */
static inline const char *scratch_path(const struct scratch *scratch, const char *relative)
{
    static _Thread_local char paths[4][SCRATCH_PATH_MAX * 2];
    static _Thread_local unsigned turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", scratch->root, relative);
    return path;
}

static inline const char *scratch_mkdir(const struct scratch *scratch, const char *relative)
{
    const char *path = scratch_path(scratch, relative);
    assert_int_equal(mkdir(path, 0755), 0);
    return path;
}

static inline void scratch_write(const struct scratch *scratch, const char *relative,
                                 const char *text)
{
    assert_int_equal(sl_file_write(scratch_path(scratch, relative), sl_str_from(text), 0600, NULL),
                     0);
}

static inline void scratch_link(const struct scratch *scratch, const char *target,
                                const char *relative)
{
    assert_int_equal(symlink(target, scratch_path(scratch, relative)), 0);
}

static inline void scratch_rename(const struct scratch *scratch, const char *from, const char *to)
{
    assert_int_equal(rename(scratch_path(scratch, from), scratch_path(scratch, to)), 0);
}

/* As the kubelet's atomic writer: a link beside `mount`/..data, renamed over it. `generation` is
 * the name of a directory in `mount`. */
static inline void scratch_swap(const struct scratch *scratch, const char *mount,
                                const char *generation)
{
    char fresh[SCRATCH_PATH_MAX];
    char data[SCRATCH_PATH_MAX];
    (void)snprintf(fresh, sizeof fresh, "%s/..data_tmp", mount);
    (void)snprintf(data, sizeof data, "%s/..data", mount);
    scratch_link(scratch, generation, fresh);
    scratch_rename(scratch, fresh, data);
}

#endif
