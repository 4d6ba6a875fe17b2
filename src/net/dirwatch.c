/* Watches the directories of mounted ConfigMaps and Secrets (dirwatch.h).
 *
 * inotify says at once that something happened; a fingerprint of each directory, taken every poll
 * interval, catches what inotify does not: network file systems, links to files elsewhere, a
 * directory that was away, and a node whose inotify instances or watches are used up, where the
 * fingerprint does all the work.
 */
#include "net/dirwatch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define PATHS_MAX 64
#define TAGS_MAX 32
#define NOT_WATCHED (-1)

#define EVENTS                                                                                     \
    (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ATTRIB |            \
     IN_DELETE_SELF | IN_MOVE_SELF)

struct directory {
    char *path;
    unsigned tag;
    int watch; /* inotify's, shared by entries of the same directory; or NOT_WATCHED */
    bool changed;
    uint64_t fingerprint;
};

struct sl_dirwatch {
    int fd;
    bool has_inotify; /* else fd is an eventfd that never becomes readable */
    int64_t interval_ns;
    int64_t next_look; /* of the fallback, on the caller's clock */
    struct directory directories[PATHS_MAX];
    size_t count;
};

/* FNV-1a: only has to differ when a directory does, against nobody's will. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t mix_file(uint64_t hash, int directory, const char *name, int flags)
{
    struct stat info;
    if (fstatat(directory, name, &info, flags) < 0) {
        return mix(hash, "gone", 4);
    }
    const int64_t facts[] = {
        (int64_t)info.st_dev,         (int64_t)info.st_ino,          (int64_t)info.st_mode,
        (int64_t)info.st_size,        (int64_t)info.st_mtim.tv_sec,  (int64_t)info.st_mtim.tv_nsec,
        (int64_t)info.st_ctim.tv_sec, (int64_t)info.st_ctim.tv_nsec,
    };
    return mix(hash, facts, sizeof facts);
}

static uint64_t mix_entry(int directory, const char *name)
{
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), name, strlen(name));
    hash = mix_file(hash, directory, name, AT_SYMLINK_NOFOLLOW);
    char target[PATH_MAX];
    ssize_t length = readlinkat(directory, name, target, sizeof target);
    if (length >= 0) {
        hash = mix(hash, target, (size_t)length);
        hash = mix_file(hash, directory, name, 0);
    }
    return hash;
}

/* 0 for a directory that cannot be read. The sum does not depend on the order of the entries. */
static uint64_t take_fingerprint(const char *path)
{
    DIR *stream = opendir(path);
    if (stream == NULL) {
        return 0;
    }
    uint64_t sum = 1;
    for (struct dirent *one = readdir(stream); one != NULL; one = readdir(stream)) {
        if (strcmp(one->d_name, "..") != 0) {
            sum += mix_entry(dirfd(stream), one->d_name);
        }
    }
    (void)closedir(stream);
    return sum;
}

int sl_dirwatch_open(int64_t poll_interval_ns, struct sl_dirwatch **ret_watch, struct sl_err *err)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    bool has_inotify = fd >= 0;
    if (!has_inotify) {
        fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    }
    if (fd < 0) {
        return sl_err_sys(err, errno, "cannot watch files");
    }
    struct sl_dirwatch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        abort();
    }
    watch->fd = fd;
    watch->has_inotify = has_inotify;
    watch->interval_ns = poll_interval_ns;
    watch->next_look = INT64_MIN;
    *ret_watch = watch;
    return 0;
}

void sl_dirwatch_close(struct sl_dirwatch *watch)
{
    if (watch == NULL) {
        return;
    }
    for (size_t i = 0; i < watch->count; i++) {
        free(watch->directories[i].path);
    }
    sl_fd_cleanup(&watch->fd);
    free(watch);
}

static bool is_used(const struct sl_dirwatch *watch, int number)
{
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->directories[i].watch == number) {
            return true;
        }
    }
    return false;
}

/* Watches what is at the path now. Where that is what was watched before, inotify gives the same
 * number and nothing changes; where it is not, the watch stayed with the directory that was moved
 * away and has to be dropped. */
static void arm(struct sl_dirwatch *watch, struct directory *directory)
{
    if (!watch->has_inotify) {
        return;
    }
    int before = directory->watch;
    int number = inotify_add_watch(watch->fd, directory->path, EVENTS | IN_ONLYDIR);
    directory->watch = number >= 0 ? number : NOT_WATCHED;
    if (before != NOT_WATCHED && !is_used(watch, before)) {
        (void)inotify_rm_watch(watch->fd, before);
    }
}

/* The directory of `path`, which is a directory or a file. The caller frees. */
static char *directory_of(const char *path, bool is_directory)
{
    const char *slash = strrchr(path, '/');
    char *name = is_directory    ? strdup(path)
                 : slash == NULL ? strdup(".")
                 : slash == path ? strdup("/")
                                 : strndup(path, (size_t)(slash - path));
    if (name == NULL) {
        abort();
    }
    return name;
}

int sl_dirwatch_add(struct sl_dirwatch *watch, const char *path, unsigned tag, struct sl_err *err)
{
    if (tag >= TAGS_MAX) {
        return sl_err_set(err, SL_ERR_INVALID, "%s: tag %u is not below %d", path, tag, TAGS_MAX);
    }
    if (watch->count == PATHS_MAX) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "%s cannot be watched too: at most %d paths are watched", path,
                          PATHS_MAX);
    }
    struct stat info;
    if (stat(path, &info) < 0) {
        return sl_err_sys(err, errno, "cannot watch %s", path);
    }
    SL_AUTO(sl_free) char *name = directory_of(path, S_ISDIR(info.st_mode));
    SL_AUTO(sl_fd) int readable = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (readable < 0) {
        return sl_err_sys(err, errno, "cannot watch the directory %s", name);
    }
    struct directory *added = &watch->directories[watch->count++];
    *added = (struct directory){.path = sl_steal(&name), .tag = tag, .watch = NOT_WATCHED};
    arm(watch, added); /* before the fingerprint: what happens in between is an event */
    added->fingerprint = take_fingerprint(added->path);
    return 0;
}

int sl_dirwatch_fd(const struct sl_dirwatch *watch)
{
    return watch->fd;
}

static void take_event(struct sl_dirwatch *watch, const struct inotify_event *event)
{
    bool overflowed = (event->mask & IN_Q_OVERFLOW) != 0;
    for (size_t i = 0; i < watch->count; i++) {
        struct directory *one = &watch->directories[i];
        if (overflowed || one->watch == event->wd) {
            one->changed = true;
            one->watch = (event->mask & IN_IGNORED) != 0 ? NOT_WATCHED : one->watch;
        }
    }
}

static void take_events(struct sl_dirwatch *watch)
{
    _Alignas(struct inotify_event) char events[4096];
    for (;;) {
        ssize_t got = read(watch->fd, events, sizeof events);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return;
        }
        for (char *at = events; at < events + got;) {
            const struct inotify_event *event = (const void *)at;
            take_event(watch, event);
            at += sizeof *event + event->len;
        }
    }
}

static void look(struct sl_dirwatch *watch, struct directory *directory)
{
    arm(watch, directory);
    uint64_t fingerprint = take_fingerprint(directory->path);
    directory->changed = directory->changed || fingerprint != directory->fingerprint;
    directory->fingerprint = fingerprint;
}

uint32_t sl_dirwatch_poll(struct sl_dirwatch *watch, int64_t now)
{
    if (watch->has_inotify) {
        take_events(watch);
    }
    bool is_due = now >= watch->next_look;
    if (is_due) {
        watch->next_look = now + watch->interval_ns;
    }
    uint32_t tags = 0;
    for (size_t i = 0; i < watch->count; i++) {
        struct directory *one = &watch->directories[i];
        bool is_lost = watch->has_inotify && one->watch == NOT_WATCHED;
        if (is_due || is_lost || one->changed) {
            look(watch, one); /* after an event too, or the fallback would report it again */
        }
        tags |= one->changed ? UINT32_C(1) << one->tag : 0;
        one->changed = false;
    }
    return tags;
}
