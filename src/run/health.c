/* Liveness, readiness and metrics over HTTP (health.h): two tables, of paths and of checks. */
#include "run/health.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

struct sl_health {
    struct sl_health_sources sources;
    _Atomic int64_t beat;
    atomic_bool stopping;
};

struct sl_health *sl_health_open(const struct sl_health_sources *sources, int64_t now)
{
    struct sl_health *health = calloc(1, sizeof *health);
    if (health == NULL) {
        abort();
    }
    health->sources = *sources;
    atomic_init(&health->beat, now);
    return health;
}

void sl_health_close(struct sl_health *health)
{
    free(health);
}

void sl_health_beat(struct sl_health *health, int64_t now)
{
    atomic_store(&health->beat, now);
}

void sl_health_stopping(struct sl_health *health)
{
    atomic_store(&health->stopping, true);
}

/* --- checks: what is wrong, or NULL --- */

static const char *check_loop(struct sl_health *health)
{
    return sl_clock_mono() - atomic_load(&health->beat) > SL_HEALTH_STALE
               ? "the main loop has not turned for more than 10s"
               : NULL;
}

static const char *check_policies(struct sl_health *health)
{
    return sl_policy_store_loaded(health->sources.policies) == 0
               ? "none were loaded yet; the log says why"
               : NULL;
}

static const char *check_certificate(struct sl_health *health)
{
    struct sl_tls_info info;
    sl_tls_store_info(health->sources.tls, &info);
    if (info.not_after <= sl_clock_wall() / SL_NS_PER_S) {
        return "the one that is served has expired";
    }
    return info.current ? NULL : "the one on disk cannot be served; the log says why";
}

static const char *check_shutdown(struct sl_health *health)
{
    return atomic_load(&health->stopping) ? "the webhook is stopping" : NULL;
}

struct check {
    const char *name;
    const char *(*run)(struct sl_health *health);
};

static const struct check live_checks[] = {{"loop", check_loop}, {NULL, NULL}};
static const struct check ready_checks[] = {
    {"policies", check_policies},
    {"certificate", check_certificate},
    {"shutdown", check_shutdown},
    {NULL, NULL},
};

static void run_checks(struct sl_health *health, const struct check *checks,
                       struct sl_http_response *response)
{
    for (; checks->name != NULL; checks++) {
        const char *wrong = checks->run(health);
        if (wrong != NULL) {
            response->status = 503;
            sl_buf_addf(&response->body, "%s: %s\n", checks->name, wrong);
        }
    }
    if (response->body.len == 0) {
        sl_buf_adds(&response->body, "ok\n");
    }
}

static void write_metrics(struct sl_health *health, struct sl_http_response *response)
{
    const struct sl_health_sources *from = &health->sources;
    SL_AUTO(sl_policies) struct sl_policies *policies = sl_policy_store_acquire(from->policies);
    struct sl_metrics_sample sample = {
        .policies = sl_snapshot_policy_count(sl_policies_snapshot(policies)),
        .rollouts = sl_snapshot_rollout_count(sl_policies_snapshot(policies)),
        .policies_loaded = sl_policy_store_loaded(from->policies),
        .log_lines_dropped = sl_log_dropped(),
    };
    sl_http_server_stats(from->server, &sample.http);
    sl_tls_store_info(from->tls, &sample.tls);
    sl_process_stats(&sample.process);
    response->content_type = SL_METRICS_CONTENT_TYPE;
    sl_metrics_write(from->metrics, &sample, &response->body);
}

static const struct {
    const char *path;
    const struct check *checks; /* NULL: the metrics */
} paths[] = {
    {"/livez", live_checks},
    {"/readyz", ready_checks},
    {"/metrics", NULL},
};

void sl_health_handle(void *health, const struct sl_http_request *request,
                      struct sl_http_response *response)
{
    size_t i = 0;
    while (i < LENGTH(paths) && !sl_str_is(request->path, paths[i].path)) {
        i++;
    }
    if (i == LENGTH(paths)) {
        response->status = 404;
        sl_buf_adds(&response->body, "there is /livez, /readyz and /metrics, and nothing else\n");
    } else if (!sl_str_is(request->method, "GET") && !sl_str_is(request->method, "HEAD")) {
        response->status = 405;
        response->allow = "GET, HEAD";
        sl_buf_adds(&response->body, "only GET and HEAD are answered here\n");
    } else if (paths[i].checks != NULL) {
        run_checks(health, paths[i].checks, response);
    } else {
        write_metrics(health, response);
    }
}
