/* What /readyz and /metrics (health.h) say of the webhook role. */
#ifndef SL_RUN_WEBHOOK_HEALTH_H
#define SL_RUN_WEBHOOK_HEALTH_H

#include "run/health.h"
#include "run/webhook/metrics.h"
#include "run/webhook/policy_store.h"
#include "run/webhook/policy_watch.h"

struct sl_webhook_sources { /* all borrowed */
    struct sl_policy_store *policies;
    struct sl_metrics *metrics;
    struct sl_tls_store *tls;
    struct sl_policy_watch *watch;       /* NULL: policies come from files alone */
    const struct sl_http_server *server; /* the HTTPS one, whose numbers /metrics shows */
};

/* Opens the health of a webhook with these sources, which outlive it. As sl_health_open(). */
struct sl_health *sl_webhook_health_open(struct sl_webhook_sources *sources, int64_t now);

#endif
