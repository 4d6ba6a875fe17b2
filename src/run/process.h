/* What every role asks of the process it is: signals as a file descriptor, and memory that goes
 * back to the system. */
#ifndef SL_RUN_PROCESS_H
#define SL_RUN_PROCESS_H

#include <signal.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"

/* Blocks SIGTERM, SIGINT and SIGHUP, and returns a descriptor from which they are read
 * (signalfd(2)) without waiting; SIGPIPE is blocked too: a peer that is gone is an error of its
 * connection. To be called before threads start. `*ret_before` is what to set again when the role
 * has ended. Errors: INTERNAL. */
SL_MUST_USE int sl_process_signals(sigset_t *ret_before, struct sl_err *err);

/* Memory of a burst must not be paid for until the pod ends: from now on what is large, and what is
 * free at the end of one of `arenas` malloc arenas, goes back at once. */
void sl_process_memory(unsigned arenas);

/* Free pages in the middle of an arena go back too, but not more often than `every` ns: after 1000
 * TLS connections some 48 MB stay resident until then. *last is when it was done last. */
#define SL_PROCESS_TRIM_EVERY (60 * SL_NS_PER_S)
void sl_process_trim(int64_t *last, int64_t every, int64_t now);

/* A number for what must differ between processes, as jitter and identities; no secret. */
uint64_t sl_process_random(void);

#endif
