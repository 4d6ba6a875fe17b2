/* The webhook's checks and metrics (health.h), called on the health server's thread: what
 * they read is shared with the role's loop by the stores themselves. */
#include "run/webhook/health.h"

#include "base/log.h"

static const char *check_policies(void *sources_)
{
    const struct sl_webhook_sources *sources = sources_;
    return sl_policy_store_loaded(sources->policies) == 0 ? "none were loaded yet; the log says why"
                                                          : NULL;
}

static const char *check_cluster(void *sources_)
{
    const struct sl_webhook_sources *sources = sources_;
    return sources->watch == NULL ? NULL : sl_policy_watch_waits_for(sources->watch);
}

static const char *check_certificate(void *sources_)
{
    const struct sl_webhook_sources *sources = sources_;
    struct sl_tls_info info;
    sl_tls_store_info(sources->tls, &info);
    if (info.not_after <= sl_clock_wall() / SL_NS_PER_S) {
        return "the one that is served has expired";
    }
    return info.current ? NULL : "the one on disk cannot be served; the log says why";
}

static const struct sl_health_check checks[] = {
    {"policies", check_policies},
    {"cluster", check_cluster},
    {"certificate", check_certificate},
    {NULL, NULL},
};

static void write_metrics(void *sources_, struct sl_buf *out)
{
    const struct sl_webhook_sources *from = sources_;
    SL_AUTO(sl_policies) struct sl_policies *policies = sl_policy_store_acquire(from->policies);
    struct sl_resource_numbers resources[SL_POLICY_WATCH_RESOURCES];
    struct sl_metrics_sample sample = {
        .policies = sl_snapshot_policy_count(sl_policies_snapshot(policies)),
        .rollouts = sl_snapshot_rollout_count(sl_policies_snapshot(policies)),
        .handovers = sl_handovers_count(sl_policies_handovers(policies)),
        .policies_loaded = sl_policy_store_loaded(from->policies),
        .log_lines_dropped = sl_log_dropped(),
    };
    if (from->watch != NULL) {
        sl_policy_watch_numbers(from->watch, resources);
        sample.resources = resources;
        sample.resource_count = SL_POLICY_WATCH_RESOURCES;
        sl_drain_orders_stats(sl_policy_watch_orders(from->watch), &sample.orders);
    }
    sl_http_server_stats(from->server, &sample.http);
    sl_tls_store_info(from->tls, &sample.tls);
    sl_process_stats(&sample.process);
    sl_metrics_write(from->metrics, &sample, out);
}

struct sl_health *sl_webhook_health_open(struct sl_webhook_sources *sources, int64_t now)
{
    const struct sl_health_options options = {
        .role = "webhook",
        .checks = checks,
        .write_metrics = write_metrics,
        .ctx = sources,
    };
    return sl_health_open(&options, now);
}
