/* The webhook's numbers, as Prometheus text.
 *
 * What only the request threads know is counted here, with atomics; what others count already (the
 * HTTP server, the certificate store, the policies) is passed in as a sample when the text is
 * written. Label values come from fixed sets, so that no peer can make the text grow.
 *
 * Source: Prometheus' text exposition format, version 0.0.4. The controller_runtime_* names are
 * those of sigs.k8s.io/controller-runtime, so that dashboards made for Go webhooks show this one.
 *
 * Threads: counting and writing from any; the numbers of one text may be a few requests apart.
 */
#ifndef SL_RUN_WEBHOOK_METRICS_H
#define SL_RUN_WEBHOOK_METRICS_H

#include "core/admission/admit.h"
#include "net/http_server.h"
#include "net/tls_store.h"
#include "run/cache_metrics.h"
#include "run/metrics_text.h"
#include "run/webhook/drain_orders.h"

enum sl_webhook_path { SL_PATH_MUTATE, SL_PATH_VALIDATE, SL_PATHS };
extern const char *const sl_webhook_paths[]; /* "/mutate", "/validate" */

struct sl_metrics;

/* `kinds` are the configured workloads, borrowed; `start` is in seconds since 1970. */
struct sl_metrics *sl_metrics_open(const struct sl_workload_kinds *kinds, int64_t start);
void sl_metrics_close(struct sl_metrics *metrics);
SL_AUTO_PTR(sl_metrics, struct sl_metrics, sl_metrics_close);

/* A request of a webhook begins, and is answered with `status` after `latency` nanoseconds. */
void sl_metrics_begin(struct sl_metrics *metrics, enum sl_webhook_path path);
void sl_metrics_end(struct sl_metrics *metrics, enum sl_webhook_path path, unsigned status,
                    int64_t latency);

void sl_metrics_decided(struct sl_metrics *metrics, const struct sl_review *review,
                        enum sl_outcome outcome);
void sl_metrics_evicted(struct sl_metrics *metrics, enum sl_eviction eviction); /* not NONE */
void sl_metrics_policies_read(struct sl_metrics *metrics, bool ok); /* the first time counts too */
/* So many policies of the cluster are left out, as the files have others of their names. */
void sl_metrics_policies_left_out(struct sl_metrics *metrics, size_t count);

struct sl_metrics_sample {
    struct sl_http_stats http; /* of the HTTPS server */
    struct sl_tls_info tls;
    struct sl_process_stats process;
    size_t policies, rollouts, handovers;
    const struct sl_resource_numbers *resources; /* what is watched of the cluster */
    size_t resource_count;
    struct sl_drain_orders_stats orders;
    int64_t policies_loaded; /* seconds since 1970 */
    uint64_t log_lines_dropped;
};
void sl_metrics_write(struct sl_metrics *metrics, const struct sl_metrics_sample *sample,
                      struct sl_buf *out);

#endif
