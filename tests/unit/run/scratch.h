/* A directory for one test. Fails the test when the system does. */
#ifndef SL_TESTS_UNIT_RUN_SCRATCH_H
#define SL_TESTS_UNIT_RUN_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

struct scratch {
    struct sl_arena arena;
    char root[32];
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

static inline int scratch_teardown(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(nftw(scratch->root, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    sl_arena_cleanup(&scratch->arena);
    free(scratch);
    return 0;
}

/* ROOT/relative; lives as long as the test. */
static inline const char *scratch_path(struct scratch *scratch, const char *relative)
{
    return sl_arena_printf(&scratch->arena, "%s/%s", scratch->root, relative);
}

/* Writes a file, and makes the directories it needs. */
static inline const char *scratch_write(struct scratch *scratch, const char *relative,
                                        const char *text)
{
    for (const char *slash = strchr(relative, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)mkdir(sl_arena_printf(&scratch->arena, "%s/%.*s", scratch->root,
                                    (int)(slash - relative), relative),
                    0755);
    }
    const char *path = scratch_path(scratch, relative);
    assert_int_equal(sl_file_write(path, sl_str_from(text), 0600, NULL), 0);
    return path;
}

#endif
