/* Metrics as Prometheus text, for the tables of both roles (metrics.c, reconciler_metrics.c): what
 * comes before every metric's values, and what every process has.
 *
 * Source: Prometheus' text exposition format, version 0.0.4. Pure functions, any thread.
 */
#ifndef SL_RUN_METRICS_TEXT_H
#define SL_RUN_METRICS_TEXT_H

#include "base/buf.h"
#include "run/process_stats.h"

#define SL_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define SL_METRICS_MAX SL_MIB /* bytes of the text */

/* One metric of a table; `scrape` is what the table's functions read. */
struct sl_metric {
    const char *name, *type, *help;
    size_t number; /* offset of a double in the scrape, for sl_metric_number() */
    void (*write)(const struct sl_metric *metric, const void *scrape, struct sl_buf *out);
};
#define SL_METRIC_NUMBER(type, field) offsetof(type, field), sl_metric_number

void sl_metric_number(const struct sl_metric *metric, const void *scrape, struct sl_buf *out);

/* Appends HELP, TYPE and the values of each. */
void sl_metrics_add(const struct sl_metric *metrics, size_t count, const void *scrape,
                    struct sl_buf *out);

/* A histogram's upper bounds. Observations are counted each in one bucket, not cumulatively; the
 * bucket behind the last bound takes what is beyond all. */
struct sl_bound {
    int64_t ns;
    const char *le;
};
size_t sl_metrics_bucket(const struct sl_bound *bounds, size_t count, int64_t ns);
/* `labels` ends with a comma where there are any: "webhook=\"/mutate\",". */
void sl_metrics_add_histogram(struct sl_buf *out, const char *name, const char *labels,
                              const struct sl_bound *bounds, size_t count,
                              const uint64_t *in_bucket, uint64_t sum_ns);

/* Appends the metrics of any process: the log, the build, CPU, memory, files. `start` is in seconds
 * since 1970. */
void sl_metrics_add_process(const struct sl_process_stats *stats, int64_t start,
                            uint64_t log_lines_dropped, struct sl_buf *out);

#endif
