/* The text that metrics of all roles have in common (metrics_text.h). */
#include "run/metrics_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

void sl_metric_number(const struct sl_metric *metric, const void *scrape, struct sl_buf *out)
{
    const double *number = (const void *)((const char *)scrape + metric->number);
    sl_buf_addf(out, "%s %.15g\n", metric->name, *number);
}

void sl_metrics_add(const struct sl_metric *metrics, size_t count, const void *scrape,
                    struct sl_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        sl_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[i].name, metrics[i].help,
                    metrics[i].name, metrics[i].type);
        metrics[i].write(&metrics[i], scrape, out);
    }
}

size_t sl_metrics_bucket(const struct sl_bound *bounds, size_t count, int64_t ns)
{
    size_t bucket = 0;
    while (bucket < count && ns > bounds[bucket].ns) {
        bucket++;
    }
    return bucket;
}

void sl_metrics_add_histogram(struct sl_buf *out, const char *name, const char *labels,
                              const struct sl_bound *bounds, size_t count,
                              const uint64_t *in_bucket, uint64_t sum_ns)
{
    int others = (int)strlen(labels) - (labels[0] != '\0'); /* without the comma */
    const char *open = labels[0] == '\0' ? "" : "{";
    const char *close = labels[0] == '\0' ? "" : "}";
    uint64_t total = 0;
    for (size_t i = 0; i <= count; i++) {
        total += in_bucket[i];
        sl_buf_addf(out, "%s_bucket{%sle=\"%s\"} %" PRIu64 "\n", name, labels,
                    i < count ? bounds[i].le : "+Inf", total);
    }
    sl_buf_addf(out, "%s_sum%s%.*s%s %.9f\n", name, open, others, labels, close,
                (double)sum_ns / (double)SL_NS_PER_S);
    sl_buf_addf(out, "%s_count%s%.*s%s %" PRIu64 "\n", name, open, others, labels, close, total);
}

/* --- what every process has --- */

struct process {
    double resident_bytes, cpu_seconds, start, open_fds, log_lines_dropped;
};

static void write_build_info(const struct sl_metric *metric, const void *scrape, struct sl_buf *out)
{
    (void)scrape;
    sl_buf_addf(out, "%s{version=\"" SL_VERSION "\"} 1\n", metric->name);
}

#define NUMBER(field) SL_METRIC_NUMBER(struct process, field)

static const struct sl_metric process_metrics[] = {
    {"sluice_log_lines_dropped_total", "counter", "Log lines that standard error could not take.",
     NUMBER(log_lines_dropped)},
    {"sluice_build_info", "gauge", "Always 1; the version is a label.", 0, write_build_info},
    {"process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
     NUMBER(resident_bytes)},
    {"process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.",
     NUMBER(cpu_seconds)},
    {"process_start_time_seconds", "gauge", "Start time of the process since the Unix epoch.",
     NUMBER(start)},
    {"process_open_fds", "gauge", "Number of open file descriptors.", NUMBER(open_fds)},
};

void sl_metrics_add_process(const struct sl_process_stats *stats, int64_t start,
                            uint64_t log_lines_dropped, struct sl_buf *out)
{
    const struct process process = {
        .resident_bytes = (double)stats->resident_bytes,
        .cpu_seconds = (double)stats->cpu_ns / (double)SL_NS_PER_S,
        .start = (double)start,
        .open_fds = (double)stats->open_fds,
        .log_lines_dropped = (double)log_lines_dropped,
    };
    sl_metrics_add(process_metrics, LENGTH(process_metrics), &process, out);
}
