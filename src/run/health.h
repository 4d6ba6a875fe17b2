/* What the kubelet and Prometheus ask, over plain HTTP:
 *
 *     /livez    200 "ok" as long as the role's loop turns
 *     /readyz   200 "ok", or 503 with a line "check: what is wrong" for each check that fails
 *     /metrics  Prometheus text
 *
 * Threads: the handler runs on a server's thread, the other functions on the role's loop; what
 * passes between them is atomic.
 */
#ifndef SL_RUN_HEALTH_H
#define SL_RUN_HEALTH_H

#include "run/metrics.h"
#include "run/policy_store.h"

#define SL_HEALTH_STALE (10 * SL_NS_PER_S) /* a loop that was not seen for so long is dead */

struct sl_health;

struct sl_health_sources { /* all borrowed, and outlive it */
    struct sl_policy_store *policies;
    struct sl_metrics *metrics;
    struct sl_tls_store *tls;
    const struct sl_http_server *server; /* the HTTPS one, whose numbers /metrics shows */
};

/* `now` is sl_clock_mono(): the first sign of life. */
struct sl_health *sl_health_open(const struct sl_health_sources *sources, int64_t now);
void sl_health_close(struct sl_health *health);
SL_AUTO_PTR(sl_health, struct sl_health, sl_health_close);

void sl_health_beat(struct sl_health *health, int64_t now); /* by the loop, each time it turns */
void sl_health_stopping(struct sl_health *health);          /* not ready from now on */

/* An sl_http_handler; `health` is the struct sl_health. */
void sl_health_handle(void *health, const struct sl_http_request *request,
                      struct sl_http_response *response);

#endif
