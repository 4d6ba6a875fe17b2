/* Whole files (file.h). */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP ((size_t)16 * SL_KIB)

void sl_fd_cleanup(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static int read_all(int fd, const char *name, struct sl_buf *out, struct sl_err *err)
{
    char step[READ_STEP];
    for (;;) {
        ssize_t got = read(fd, step, sizeof step);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return sl_err_sys(err, errno, "cannot read %s", name);
        }
        if (got == 0) {
            return sl_buf_check(out, name, err);
        }
        sl_buf_add(out, step, (size_t)got);
        if (sl_buf_check(out, name, err) < 0) {
            return -1;
        }
    }
}

int sl_file_read(const char *path, struct sl_buf *out, struct sl_err *err)
{
    if (strcmp(path, "-") == 0) {
        return read_all(STDIN_FILENO, "standard input", out, err);
    }
    SL_AUTO(sl_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return sl_err_sys(err, errno, "cannot open %s", path);
    }
    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        return sl_err_set(err, SL_ERR_INVALID, "%s is a directory, not a file", path);
    }
    return read_all(fd, path, out, err);
}

int sl_file_read_regular(const char *path, struct sl_buf *out, struct sl_err *err)
{
    /* The open of a pipe that nobody writes to would wait before there is anything to look at */
    SL_AUTO(sl_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return sl_err_sys(err, errno, "cannot open %s", path);
    }
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return sl_err_sys(err, errno, "cannot open %s", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return sl_err_set(err, SL_ERR_INVALID, "%s is not a regular file", path);
    }
    return read_all(fd, path, out, err);
}

static int write_all(int fd, struct sl_str text)
{
    while (text.n > 0) {
        ssize_t put = write(fd, text.p, text.n);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return -1;
        }
        text.p += put;
        text.n -= (size_t)put;
    }
    return fsync(fd);
}

static int path_is_long(const char *path, struct sl_err *err)
{
    return sl_err_set(err, SL_ERR_INVALID, "the path %.64s... is too long", path);
}

int sl_file_path(const char *directory, const char *name, char ret_path[static PATH_MAX],
                 struct sl_err *err)
{
    int length = snprintf(ret_path, PATH_MAX, "%s/%s", directory, name);
    return length < 0 || length >= PATH_MAX ? path_is_long(directory, err) : 0;
}

int sl_file_prepare(const char *path, struct sl_str text, unsigned mode,
                    struct sl_file_draft *ret_draft, struct sl_err *err)
{
    struct sl_file_draft draft;
    int length = snprintf(draft.path, sizeof draft.path, "%s", path);
    int longer = snprintf(draft.temporary, sizeof draft.temporary, "%s.XXXXXX", path);
    if (length < 0 || longer < 0 || (size_t)longer >= sizeof draft.temporary) {
        return path_is_long(path, err);
    }
    SL_AUTO(sl_fd)
    int fd = mkostemp(draft.temporary, O_CLOEXEC); /* made 0600: never readable too early */
    if (fd < 0) {
        return sl_err_sys(err, errno, "cannot create %s", path);
    }
    if (write_all(fd, text) < 0 || fchmod(fd, (mode_t)mode) < 0) {
        int reason = errno;
        (void)unlink(draft.temporary);
        return sl_err_sys(err, reason, "cannot write %s", path);
    }
    *ret_draft = draft;
    return 0;
}

int sl_file_publish(struct sl_file_draft *draft, struct sl_err *err)
{
    if (rename(draft->temporary, draft->path) < 0) {
        return sl_err_sys(err, errno, "cannot write %s", draft->path);
    }
    draft->temporary[0] = '\0';
    return 0;
}

void sl_file_draft_cleanup(struct sl_file_draft *draft)
{
    if (draft->temporary[0] != '\0') {
        (void)unlink(draft->temporary);
        draft->temporary[0] = '\0';
    }
}

int sl_file_write(const char *path, struct sl_str text, unsigned mode, struct sl_err *err)
{
    SL_AUTO(sl_file_draft) struct sl_file_draft draft = {.temporary = ""};
    return sl_file_prepare(path, text, mode, &draft, err) < 0 ? -1 : sl_file_publish(&draft, err);
}
