/* Counting and the text of /metrics (metrics.h): `rows` is the list of all metrics. */
#include "run/webhook/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "core/names.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

const char *const sl_webhook_paths[] = {"/mutate", "/validate", NULL};

/* Upper bounds. An answer takes some 100 µs; the tail is what the API server's timeout meets. */
static const struct sl_bound buckets[] = {
    {50000, "5e-05"},    {100000, "0.0001"},  {250000, "0.00025"}, {500000, "0.0005"},
    {1000000, "0.001"},  {2500000, "0.0025"}, {5000000, "0.005"},  {10000000, "0.01"},
    {25000000, "0.025"}, {50000000, "0.05"},  {100000000, "0.1"},  {250000000, "0.25"},
    {500000000, "0.5"},  {1000000000, "1"},
};

/* The statuses that the handler answers with. */
static const unsigned statuses[] = {200, 400, 405, 415, 500, 503};

/* Resources of the route table besides the configured ones. */
static const struct {
    const char *group, *resource, *sub_resource;
} resources[] = {
    {"", "pods", ""},
    {"", "pods", "eviction"},
    {"apps", "deployments", ""},
    {"apps", "statefulsets", ""},
    {"apps", "daemonsets", ""},
    {SL_API_GROUP, "trafficpolicies", ""},
    {SL_API_GROUP, "rollouts", ""},
};

typedef _Atomic uint64_t counter;
typedef counter decision_counters[SL_OPERATIONS][SL_OUTCOMES];

struct path_numbers {
    counter answered[LENGTH(statuses)];
    counter in_bucket[LENGTH(buckets) + 1]; /* not cumulative; the last is beyond all bounds */
    counter sum_ns;
    atomic_int in_flight;
};

struct sl_metrics {
    const struct sl_workload_kinds *kinds;
    int64_t start;
    struct path_numbers paths[SL_PATHS];
    counter policies_read[2]; /* by success */
    counter policies_left_out;
    counter evictions[SL_EVICTIONS];
    size_t resource_count; /* built in, configured, and "other" as the last */
    decision_counters decisions[];
};

struct sl_metrics *sl_metrics_open(const struct sl_workload_kinds *kinds, int64_t start)
{
    size_t count = LENGTH(resources) + kinds->count + 1;
    struct sl_metrics *metrics = calloc(1, sizeof *metrics + count * sizeof metrics->decisions[0]);
    if (metrics == NULL) {
        abort();
    }
    metrics->kinds = kinds;
    metrics->start = start;
    metrics->resource_count = count;
    return metrics;
}

void sl_metrics_close(struct sl_metrics *metrics)
{
    free(metrics);
}

/* Numbers are independent of one another: no order among them is promised. */
static void count(counter *number, uint64_t add)
{
    atomic_fetch_add_explicit(number, add, memory_order_relaxed);
}

static uint64_t read_counter(counter *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

void sl_metrics_begin(struct sl_metrics *metrics, enum sl_webhook_path path)
{
    atomic_fetch_add(&metrics->paths[path].in_flight, 1);
}

void sl_metrics_end(struct sl_metrics *metrics, enum sl_webhook_path path, unsigned status,
                    int64_t latency)
{
    struct path_numbers *numbers = &metrics->paths[path];
    count(&numbers->in_bucket[sl_metrics_bucket(buckets, LENGTH(buckets), latency)], 1);
    count(&numbers->sum_ns, latency > 0 ? (uint64_t)latency : 0);
    for (size_t i = 0; i < LENGTH(statuses); i++) {
        if (statuses[i] == status) {
            count(&numbers->answered[i], 1);
        }
    }
    atomic_fetch_sub(&numbers->in_flight, 1);
}

static size_t resource_index(const struct sl_metrics *metrics, const struct sl_review *review)
{
    for (size_t i = 0; i < LENGTH(resources); i++) {
        if (sl_str_is(review->group, resources[i].group) &&
            sl_str_is(review->resource, resources[i].resource) &&
            sl_str_is(review->sub_resource, resources[i].sub_resource)) {
            return i;
        }
    }
    for (size_t i = 0; i < metrics->kinds->count; i++) {
        if (sl_str_eq(review->group, metrics->kinds->items[i].group) &&
            sl_str_eq(review->resource, metrics->kinds->items[i].resource)) {
            return LENGTH(resources) + i;
        }
    }
    return metrics->resource_count - 1;
}

void sl_metrics_decided(struct sl_metrics *metrics, const struct sl_review *review,
                        enum sl_outcome outcome)
{
    count(&metrics->decisions[resource_index(metrics, review)][review->operation][outcome], 1);
}

void sl_metrics_evicted(struct sl_metrics *metrics, enum sl_eviction eviction)
{
    count(&metrics->evictions[eviction], 1);
}

void sl_metrics_policies_read(struct sl_metrics *metrics, bool ok)
{
    count(&metrics->policies_read[ok], 1);
}

void sl_metrics_policies_left_out(struct sl_metrics *metrics, size_t count)
{
    atomic_store(&metrics->policies_left_out, count);
}

/* --- the text --- */

/* What one text is written from. The numbers are the metrics that are one each, in the unit in
 * which they are exported. */
struct scrape {
    struct sl_metrics *metrics;
    const struct sl_metrics_sample *sample;
    double connections, body_bytes, certificate_expiry, policies_loaded, left_out, handovers;
};

static void write_requests(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    for (int path = 0; path < SL_PATHS; path++) {
        for (size_t i = 0; i < LENGTH(statuses); i++) {
            sl_buf_addf(out, "%s{webhook=\"%s\",code=\"%u\"} %" PRIu64 "\n", metric->name,
                        sl_webhook_paths[path], statuses[i],
                        read_counter(&scrape->metrics->paths[path].answered[i]));
        }
    }
}

static void write_in_flight(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    for (int path = 0; path < SL_PATHS; path++) {
        sl_buf_addf(out, "%s{webhook=\"%s\"} %d\n", metric->name, sl_webhook_paths[path],
                    atomic_load(&scrape->metrics->paths[path].in_flight));
    }
}

static void write_latency(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    for (int path = 0; path < SL_PATHS; path++) {
        struct path_numbers *numbers = &scrape->metrics->paths[path];
        uint64_t in_bucket[LENGTH(buckets) + 1];
        char labels[32];
        for (size_t i = 0; i <= LENGTH(buckets); i++) {
            in_bucket[i] = read_counter(&numbers->in_bucket[i]);
        }
        (void)snprintf(labels, sizeof labels, "webhook=\"%s\",", sl_webhook_paths[path]);
        sl_metrics_add_histogram(out, metric->name, labels, buckets, LENGTH(buckets), in_bucket,
                                 read_counter(&numbers->sum_ns));
    }
}

/* "deployments.apps", as kubectl names a resource of a group, and "pods/eviction". */
static void add_resource(const struct sl_metrics *metrics, size_t index, struct sl_buf *out)
{
    struct sl_str resource = SL_STR("other");
    struct sl_str group = {0};
    struct sl_str sub_resource = {0};
    if (index < LENGTH(resources)) {
        resource = sl_str_from(resources[index].resource);
        group = sl_str_from(resources[index].group);
        sub_resource = sl_str_from(resources[index].sub_resource);
    } else if (index < metrics->resource_count - 1) {
        resource = metrics->kinds->items[index - LENGTH(resources)].resource;
        group = metrics->kinds->items[index - LENGTH(resources)].group;
    }
    sl_buf_addstr(out, resource);
    sl_buf_adds(out, group.n > 0 ? "." : "");
    sl_buf_addstr(out, group);
    sl_buf_adds(out, sub_resource.n > 0 ? "/" : "");
    sl_buf_addstr(out, sub_resource);
}

/* Of the many combinations, those that were seen. */
static void write_decisions(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    struct sl_metrics *metrics = scrape->metrics;
    for (size_t resource = 0; resource < metrics->resource_count; resource++) {
        for (int operation = 0; operation < SL_OPERATIONS; operation++) {
            for (int outcome = 0; outcome < SL_OUTCOMES; outcome++) {
                uint64_t seen = read_counter(&metrics->decisions[resource][operation][outcome]);
                if (seen == 0) {
                    continue;
                }
                sl_buf_addf(out, "%s{resource=\"", metric->name);
                add_resource(metrics, resource, out);
                sl_buf_addf(out, "\",operation=\"%s\",outcome=\"%s\"} %" PRIu64 "\n",
                            sl_operation_names[operation], sl_outcome_names[outcome], seen);
            }
        }
    }
}

static void write_sheds(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    static const char *const reasons[SL_HTTP_SHED_COUNT] = {
        [SL_HTTP_SHED_BODY] = "body_too_large",
        [SL_HTTP_SHED_IN_FLIGHT] = "bytes_in_flight",
        [SL_HTTP_SHED_DEADLINE] = "deadline",
        [SL_HTTP_SHED_CLIENT_CERT] = "client_certificate",
        [SL_HTTP_SHED_CONNECTIONS] = "connections",
    };
    for (int i = 0; i < SL_HTTP_SHED_COUNT; i++) {
        sl_buf_addf(out, "%s{reason=\"%s\"} %" PRIu64 "\n", metric->name, reasons[i],
                    scrape->sample->http.sheds[i]);
    }
}

static void write_results(const struct sl_metric *metric, uint64_t success, uint64_t failure,
                          struct sl_buf *out)
{
    sl_buf_addf(out, "%s{result=\"success\"} %" PRIu64 "\n", metric->name, success);
    sl_buf_addf(out, "%s{result=\"failure\"} %" PRIu64 "\n", metric->name, failure);
}

static void write_certificate_reloads(const struct sl_metric *metric, const void *scrape_,
                                      struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    write_results(metric, scrape->sample->tls.reloads, scrape->sample->tls.failures, out);
}

static void write_policy_reloads(const struct sl_metric *metric, const void *scrape_,
                                 struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    write_results(metric, read_counter(&scrape->metrics->policies_read[true]),
                  read_counter(&scrape->metrics->policies_read[false]), out);
}

static void write_evictions(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    for (int i = SL_EVICTION_NONE + 1; i < SL_EVICTIONS; i++) {
        sl_buf_addf(out, "%s{outcome=\"%s\"} %" PRIu64 "\n", metric->name, sl_eviction_names[i],
                    read_counter(&scrape->metrics->evictions[i]));
    }
}

static void write_orders(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    write_results(metric, scrape->sample->orders.done, scrape->sample->orders.failed, out);
}

static void write_policies(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    sl_buf_addf(out, "%s{kind=\"TrafficPolicy\"} %zu\n%s{kind=\"Rollout\"} %zu\n", metric->name,
                scrape->sample->policies, metric->name, scrape->sample->rollouts);
}

#define NUMBER(field) SL_METRIC_NUMBER(struct scrape, field)

static const struct sl_metric rows[] = {
    {"controller_runtime_webhook_requests_total", "counter",
     "Admission requests that reached the handler, by webhook and HTTP status; the server's own "
     "413, "
     "503 and 403 are in sluice_http_sheds_total.",
     0, write_requests},
    {"controller_runtime_webhook_requests_in_flight", "gauge",
     "Admission requests being decided, by webhook.", 0, write_in_flight},
    {"controller_runtime_webhook_latency_seconds", "histogram",
     "Time from the request line to the answer of admission requests.", 0, write_latency},
    {"sluice_admission_decisions_total", "counter",
     "Decisions, by resource, operation and outcome.", 0, write_decisions},
    {"sluice_evictions_total", "counter",
     "Evictions of pods in managed namespaces, by outcome; each time that one is told to wait "
     "counts.",
     0, write_evictions},
    {"sluice_eviction_drains_total", "counter",
     "Pods that were marked to be drained because their eviction waits, by result; one that failed "
     "is tried again with the next eviction.",
     0, write_orders},
    {"sluice_http_sheds_total", "counter",
     "Requests that the HTTPS server turned away itself, by reason, with 413, 503, 403 or by "
     "closing; "
     "controller_runtime_webhook_requests_total has none of them.",
     0, write_sheds},
    {"sluice_http_connections", "gauge", "Open HTTPS connections.", NUMBER(connections)},
    {"sluice_http_body_bytes_in_flight", "gauge", "Bytes of the bodies being read or answered.",
     NUMBER(body_bytes)},
    {"sluice_certificate_expiry_timestamp_seconds", "gauge",
     "When the certificate that is served expires, since the Unix epoch.",
     NUMBER(certificate_expiry)},
    {"sluice_certificate_reloads_total", "counter",
     "Certificates taken into service after the first, and reloads that failed.", 0,
     write_certificate_reloads},
    {"sluice_policies", "gauge", "Policies in force, by kind.", 0, write_policies},
    {"sluice_policy_reloads_total", "counter", "Times that the policy files were read, by result.",
     0, write_policy_reloads},
    {"sluice_policies_loaded_timestamp_seconds", "gauge",
     "When the policies in force were read, since the Unix epoch; 0: none were.",
     NUMBER(policies_loaded)},
    {"sluice_policies_left_out", "gauge",
     "Policies of the cluster that are not in force, as a policy file has one of the same name.",
     NUMBER(left_out)},
    {"sluice_handovers", "gauge",
     "ReplicaSets that are marked for a hand-over; past its time a mark refuses nothing.",
     NUMBER(handovers)},
};

void sl_metrics_write(struct sl_metrics *metrics, const struct sl_metrics_sample *sample,
                      struct sl_buf *out)
{
    const struct scrape scrape = {
        .metrics = metrics,
        .sample = sample,
        .connections = sample->http.connections,
        .body_bytes = (double)sample->http.bytes,
        .certificate_expiry = (double)sample->tls.not_after,
        .policies_loaded = (double)sample->policies_loaded,
        .left_out = (double)read_counter(&metrics->policies_left_out),
        .handovers = (double)sample->handovers,
    };
    sl_metrics_add(rows, LENGTH(rows), &scrape, out);
    if (sample->resource_count > 0) {
        sl_metrics_add_caches(sample->resources, sample->resource_count, out);
    }
    sl_metrics_add_process(&sample->process, metrics->start, sample->log_lines_dropped, out);
}
