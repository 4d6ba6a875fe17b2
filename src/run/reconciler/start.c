/* How the reconciler starts, and what is left of it at the end: everything that its loop turns, but
 * for traffic, which begins when this replica leads (reconciler.c). */
#include "run/reconciler/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "run/process.h"

#define ARENAS 2 /* of malloc: one for each thread */

/* The server first: its thread reads the metrics. The client last: all others send through it. */
void sl_reconciler_cleanup(struct sl_reconciler *reconciler)
{
    sl_http_server_stop(reconciler->health_server);
    sl_health_close(reconciler->health);
    sl_reconciler_metrics_close(reconciler->metrics);
    sl_writes_close(reconciler->writes);
    sl_traffic_close(reconciler->traffic);
    sl_rolling_close(reconciler->rolling);
    sl_lease_close(reconciler->lease);
    sl_events_close(reconciler->events);
    sl_fleet_close(reconciler->fleet);
    sl_client_close(reconciler->client);
    sl_kube_config_cleanup(&reconciler->kube);
    sl_fd_cleanup(&reconciler->signals);
}

static void name_itself(struct sl_reconciler *reconciler)
{
    if (gethostname(reconciler->host, sizeof reconciler->host - 1) < 0) {
        (void)snprintf(reconciler->host, sizeof reconciler->host, "unknown");
    }
    (void)snprintf(reconciler->identity, sizeof reconciler->identity, "%s_%016" PRIx64,
                   reconciler->host, sl_process_random());
}

static const char *check_caches(void *metrics)
{
    return sl_reconciler_metrics_synced(metrics)
               ? NULL
               : "not all objects were listed yet; sluice_cache_synced and the log say which";
}

static void write_metrics(void *metrics, struct sl_buf *out)
{
    sl_reconciler_metrics_write(metrics, out);
}

static int start_health(struct sl_reconciler *reconciler, struct sl_err *err)
{
    static const struct sl_health_check checks[] = {{"caches", check_caches}, {NULL, NULL}};
    const struct sl_reconciler_config *config = reconciler->options->config;
    reconciler->metrics = sl_reconciler_metrics_open(
        sl_clock_wall() / SL_NS_PER_S, reconciler->lease == NULL ? NULL : config->election.name.p);
    const struct sl_health_options options = {
        .role = "reconciler",
        .checks = checks,
        .write_metrics = write_metrics,
        .ctx = reconciler->metrics,
    };
    reconciler->health = sl_health_open(&options, sl_clock_mono());
    return sl_health_listen(reconciler->health, config->listen.health_address.p,
                            config->listen.health_port, &reconciler->health_server, err);
}

static int open_client(struct sl_reconciler *reconciler, struct sl_err *err)
{
    const struct sl_reconciler_options *options = reconciler->options;
    const struct sl_kube_config_options kube = {.kubeconfig = options->kubeconfig,
                                                .context = options->context};
    if (sl_kube_config_load(&kube, &reconciler->kube, err) < 0) {
        return -1;
    }
    const struct sl_client_options client = {
        .config = &reconciler->kube,
        .user_agent = "sluice/" SL_VERSION " reconciler",
        .qps = (double)options->config->kube.qps,
        .burst = (unsigned)options->config->kube.burst,
    };
    return sl_client_open(&client, &reconciler->client, err);
}

static void open_lease(struct sl_reconciler *reconciler)
{
    const struct sl_reconciler_config *config = reconciler->options->config;
    const struct sl_lease_options options = {
        .client = reconciler->client,
        .ns = config->election.ns.p,
        .name = config->election.name.p,
        .identity = reconciler->identity,
        .duration = config->election.duration,
        .renew_deadline = config->election.renew_deadline,
        .retry = config->election.retry,
        .seed = sl_process_random(),
    };
    reconciler->lease = sl_lease_open(&options);
}

static void open_all(struct sl_reconciler *reconciler)
{
    const struct sl_reconciler_options *options = reconciler->options;
    const struct sl_reconciler_config *config = options->config;
    const struct sl_fleet_options fleet = {
        .client = reconciler->client,
        .workloads = &config->workloads,
        .workload_versions = config->workload_versions,
        .ns = options->ns == NULL ? config->ns : sl_str_from(options->ns),
        .own_ns = config->election.ns,
        .seed = sl_process_random(),
    };
    const struct sl_events_options events = {
        .client = reconciler->client,
        .controller = "sluice.dev/reconciler",
        .instance = reconciler->host,
    };
    reconciler->fleet = sl_fleet_open(&fleet);
    reconciler->events = sl_events_open(&events);
    reconciler->writes =
        sl_writes_open(reconciler->client, reconciler->fleet, config->kube.timeout);
    const struct sl_rolling_options rolling = {
        .fleet = reconciler->fleet,
        .writes = reconciler->writes,
        .events = reconciler->events,
        .numbers = &reconciler->report.numbers,
    };
    reconciler->rolling = sl_rolling_open(&rolling);
    if (options->leader_elect) {
        open_lease(reconciler);
    }
}

int sl_reconciler_start(struct sl_reconciler *reconciler, struct sl_err *err)
{
    const struct sl_reconciler_config *config = reconciler->options->config;
    sl_process_memory(ARENAS);
    name_itself(reconciler);
    if (open_client(reconciler, err) < 0) {
        return -1;
    }
    open_all(reconciler);
    if (start_health(reconciler, err) < 0) {
        return -1;
    }
    reconciler->started = sl_clock_mono();
    reconciler->trimmed = reconciler->started;
    sl_log(SL_LOG_INFO, "started", SL_LOG_CSTR("server", reconciler->kube.server),
           SL_LOG_CSTR("identity", reconciler->identity),
           SL_LOG_TEXT("healthAddress", config->listen.health_address),
           SL_LOG_INT("healthPort", sl_http_server_port(reconciler->health_server)),
           SL_LOG_CSTR("version", SL_VERSION));
    return 0;
}
