/* Tells when something in a set of directories changed, the way mounted ConfigMaps and Secrets
 * change: the kubelet renames a `..data` link, so it is the directory that is watched, never a
 * file.
 *
 * inotify, with a poll of names, sizes, times and link targets as a fallback for file systems where
 * it is silent, and for nodes that have no inotify instance or watch left: there the poll alone
 * works. One thread. A directory that vanishes and comes back is watched again. A change is
 * reported at least once, and so is a change of an unrelated file in the same directory: whoever is
 * told compares contents.
 */
#ifndef SL_NET_DIRWATCH_H
#define SL_NET_DIRWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct sl_dirwatch;

/* `poll_interval_ns`: how often the fallback looks. Errors: INTERNAL (no file descriptor left). */
SL_MUST_USE int sl_dirwatch_open(int64_t poll_interval_ns, struct sl_dirwatch **ret_watch,
                                 struct sl_err *err);
void sl_dirwatch_close(struct sl_dirwatch *watch);
SL_AUTO_PTR(sl_dirwatch, struct sl_dirwatch, sl_dirwatch_close);

/* Watches a directory, or the directory that holds a file; the path is copied. `tag` is what
 * sl_dirwatch_poll() reports; several paths may have the same. At most 64 paths. Errors: NOT_FOUND,
 * DENIED, INVALID (too many, or a tag above 31). */
SL_MUST_USE int sl_dirwatch_add(struct sl_dirwatch *watch, const char *path, unsigned tag,
                                struct sl_err *err);

int sl_dirwatch_fd(const struct sl_dirwatch *watch); /* readable when something happened */

/* Takes what happened (never blocks): a bit set (1 << tag) of what changed since the last call.
 * `now` is sl_clock_mono(). Call it when the fd is readable and at least every poll interval. */
uint32_t sl_dirwatch_poll(struct sl_dirwatch *watch, int64_t now);

#endif
