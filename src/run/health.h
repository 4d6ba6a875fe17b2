/* What the kubelet and Prometheus ask, over plain HTTP, of any role:
 *
 *     /livez    200 "ok" as long as the role's loop turns
 *     /readyz   200 "ok", or 503 with a line "check: what is wrong" for each check that fails
 *     /metrics  Prometheus text
 *
 * A role brings its checks and the function that writes its metrics; the loop's sign of life and
 * the end that is near are the same for all.
 *
 * Threads: the handler, and with it the checks and the metrics, run on a server's thread, the other
 * functions on the role's loop; what passes between them is atomic.
 */
#ifndef SL_RUN_HEALTH_H
#define SL_RUN_HEALTH_H

#include "base/clock.h"
#include "net/http_server.h"

#define SL_HEALTH_STALE (10 * SL_NS_PER_S) /* a loop that was not seen for so long is dead */

/* One line of /readyz. `run` returns what is wrong, in text that lives for ever, or NULL. */
struct sl_health_check {
    const char *name;
    const char *(*run)(void *ctx);
};

struct sl_health_options {
    const char *role;                     /* "webhook", for sentences; lives for ever */
    const struct sl_health_check *checks; /* a name of NULL at the end; lives for ever */
    void (*write_metrics)(void *ctx, struct sl_buf *out);
    void *ctx; /* of checks and metrics: borrowed, outlives it */
};
struct sl_health;

/* `now` is sl_clock_mono(): the first sign of life. */
struct sl_health *sl_health_open(const struct sl_health_options *options, int64_t now);
void sl_health_close(struct sl_health *health); /* after the server that asks it; NULL is fine */
SL_AUTO_PTR(sl_health, struct sl_health, sl_health_close);

/* A server for it, with caps that suit probes and scrapes. Errors: as sl_http_server_start(). */
SL_MUST_USE int sl_health_listen(struct sl_health *health, const char *address, int64_t port,
                                 struct sl_http_server **ret_server, struct sl_err *err);
#define SL_HEALTH_THREADS 1
#define SL_HEALTH_CONNECTIONS 64

void sl_health_beat(struct sl_health *health, int64_t now); /* by the loop, each time it turns */
void sl_health_stopping(struct sl_health *health);          /* not ready from now on */

/* An sl_http_handler; `health` is the struct sl_health. */
void sl_health_handle(void *health, const struct sl_http_request *request,
                      struct sl_http_response *response);

#endif
