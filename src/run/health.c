/* Liveness, readiness and metrics over HTTP (health.h): a table of paths around what the role
 * brings. */
#include "run/health.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "run/metrics_text.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

#define BODY_MAX (16 * SL_KIB)
#define REQUEST_TIMEOUT (10 * SL_NS_PER_S)
#define IDLE_TIMEOUT (120 * SL_NS_PER_S) /* more than a usual scrape interval */

struct sl_health {
    struct sl_health_options options;
    _Atomic int64_t beat;
    atomic_bool stopping;
};

struct sl_health *sl_health_open(const struct sl_health_options *options, int64_t now)
{
    struct sl_health *health = calloc(1, sizeof *health);
    if (health == NULL) {
        abort();
    }
    health->options = *options;
    atomic_init(&health->beat, now);
    return health;
}

void sl_health_close(struct sl_health *health)
{
    free(health);
}

int sl_health_listen(struct sl_health *health, const char *address, int64_t port,
                     struct sl_http_server **ret_server, struct sl_err *err)
{
    const struct sl_http_options options = {
        .address = address,
        .port = (uint16_t)port,
        .threads = SL_HEALTH_THREADS,
        .max_connections = SL_HEALTH_CONNECTIONS,
        .max_body = BODY_MAX,
        .max_in_flight = SL_HEALTH_CONNECTIONS * BODY_MAX,
        .request_timeout_ns = REQUEST_TIMEOUT,
        .idle_timeout_ns = IDLE_TIMEOUT,
        .handler = sl_health_handle,
        .ctx = health,
    };
    return sl_http_server_start(&options, ret_server, err);
}

void sl_health_beat(struct sl_health *health, int64_t now)
{
    atomic_store(&health->beat, now);
}

void sl_health_stopping(struct sl_health *health)
{
    atomic_store(&health->stopping, true);
}

static void add_problem(struct sl_http_response *response, const char *name, const char *wrong)
{
    response->status = 503;
    sl_buf_addf(&response->body, "%s: %s\n", name, wrong);
}

static void answer_live(struct sl_health *health, struct sl_http_response *response)
{
    if (sl_clock_mono() - atomic_load(&health->beat) > SL_HEALTH_STALE) {
        add_problem(response, "loop", "the main loop has not turned for more than 10s");
        return;
    }
    sl_buf_adds(&response->body, "ok\n");
}

static void answer_ready(struct sl_health *health, struct sl_http_response *response)
{
    for (const struct sl_health_check *check = health->options.checks; check->name != NULL;
         check++) {
        const char *wrong = check->run(health->options.ctx);
        if (wrong != NULL) {
            add_problem(response, check->name, wrong);
        }
    }
    if (atomic_load(&health->stopping)) {
        response->status = 503;
        sl_buf_addf(&response->body, "shutdown: the %s is stopping\n", health->options.role);
    }
    if (response->body.len == 0) {
        sl_buf_adds(&response->body, "ok\n");
    }
}

static void answer_metrics(struct sl_health *health, struct sl_http_response *response)
{
    response->content_type = SL_METRICS_CONTENT_TYPE;
    health->options.write_metrics(health->options.ctx, &response->body);
}

static const struct {
    const char *path;
    void (*answer)(struct sl_health *health, struct sl_http_response *response);
} paths[] = {
    {"/livez", answer_live},
    {"/readyz", answer_ready},
    {"/metrics", answer_metrics},
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
    } else {
        paths[i].answer(health, response);
    }
}
