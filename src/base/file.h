/* Whole files, with a cap. Any thread. */
#ifndef SL_BASE_FILE_H
#define SL_BASE_FILE_H

#include <limits.h>

#include "base/buf.h"

/* Appends the whole of `path` ("-" is standard input) to `out`, whose cap is the file's.
 * Errors: NOT_FOUND, DENIED, INTERNAL (the system's reason), INVALID (a directory, or too large).
 */
SL_MUST_USE int sl_file_read(const char *path, struct sl_buf *out, struct sl_err *err);

/* The same of a regular file alone, and never blocks: for a loop that must go on whatever somebody
 * puts into a directory. Errors: as above, INVALID (a pipe, a socket, a device). */
SL_MUST_USE int sl_file_read_regular(const char *path, struct sl_buf *out, struct sl_err *err);

/* Writes a file of `mode` bits whole or not at all: a temporary file beside it, flushed, then
 * renamed over `path`. Errors as above. */
SL_MUST_USE int sl_file_write(const char *path, struct sl_str text, unsigned mode,
                              struct sl_err *err);

/* The two steps of sl_file_write(), for files that belong together: a file that is written, but not
 * yet at its place. */
struct sl_file_draft {
    char path[PATH_MAX];
    char temporary[PATH_MAX]; /* empty: there is none */
};
SL_MUST_USE int sl_file_prepare(const char *path, struct sl_str text, unsigned mode,
                                struct sl_file_draft *ret_draft, struct sl_err *err);
/* On failure, too, only the cleanup remains to be done. */
SL_MUST_USE int sl_file_publish(struct sl_file_draft *draft, struct sl_err *err);
void sl_file_draft_cleanup(struct sl_file_draft *draft); /* removes what was not published */

/* `directory`/`name`. Errors: INVALID (too long). */
SL_MUST_USE int sl_file_path(const char *directory, const char *name,
                             char ret_path[static PATH_MAX], struct sl_err *err);

/* close() for SL_AUTO: SL_AUTO(sl_fd) int fd = -1; */
void sl_fd_cleanup(const int *fd);

#endif
