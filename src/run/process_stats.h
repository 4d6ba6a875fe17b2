/* What the kernel says of this process, for the metrics every Prometheus client library exports.
 * Source: proc(5). Any thread. */
#ifndef SL_RUN_PROCESS_STATS_H
#define SL_RUN_PROCESS_STATS_H

#include <stdint.h>

/* What cannot be read is 0. */
struct sl_process_stats {
    int64_t resident_bytes;
    int64_t cpu_ns; /* user and system, of all threads */
    int64_t open_fds;
};

void sl_process_stats(struct sl_process_stats *ret_stats);

#endif
