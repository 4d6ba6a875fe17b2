/* How many connections the process may hold at once: a server out of file descriptors answers
 * nobody and cannot read its own certificate again. Source: getrlimit(2). Once, at start. */
#ifndef SL_RUN_FD_LIMIT_H
#define SL_RUN_FD_LIMIT_H

#include "base/cleanup.h"
#include "base/err.h"

/* Raises the soft limit of open files to the hard one where `connections` and `reserve` others need
 * it. *ret_connections: as many of the connections as fit. Errors: INVALID (not even one does). */
SL_MUST_USE int sl_fd_limit(unsigned connections, unsigned reserve, unsigned *ret_connections,
                            struct sl_err *err);

#endif
