/* Private to run: the reconciler as its start (start.c) makes it and its loop
 * (reconciler.c) turns it. */
#ifndef SL_RUN_RECONCILER_PRIVATE_H
#define SL_RUN_RECONCILER_PRIVATE_H

#include "kube/lease.h"
#include "net/http_server.h"
#include "run/health.h"
#include "run/reconciler/reconciler.h"
#include "run/reconciler/report.h"
#include "run/reconciler/rolling.h"
#include "run/traffic/traffic.h"

#define SL_HOST_MAX 64
#define SL_IDENTITY_MAX 128

enum sl_reconciler_phase { RUNNING, FINISHING, RELEASING, STOPPED };

struct sl_reconciler {
    const struct sl_reconciler_options *options;
    char host[SL_HOST_MAX], identity[SL_IDENTITY_MAX];
    int signals;
    struct sl_kube_config kube;
    struct sl_client *client;
    struct sl_fleet *fleet;
    struct sl_events *events;
    struct sl_lease *lease; /* NULL: without election */
    struct sl_writes *writes;
    struct sl_rolling *rolling;
    struct sl_traffic *traffic; /* NULL: does not lead, or does not know all yet */
    bool traffic_first;         /* in this turn: both send through the same queue */
    struct sl_report report;
    struct sl_reconciler_metrics *metrics;
    struct sl_health *health;
    struct sl_http_server *health_server;
    bool synced, leader;
    bool lease_fails; /* as last logged */
    char holder[SL_IDENTITY_MAX];
    int64_t started, trimmed;
    bool changed; /* changes were sent since memory was given back */
    enum sl_reconciler_phase phase;
    int64_t phase_since;
    bool lost; /* the Lease */
};

/* Errors: what keeps it from starting; what was opened is cleaned up all the same. */
SL_MUST_USE int sl_reconciler_start(struct sl_reconciler *reconciler, struct sl_err *err);
void sl_reconciler_cleanup(struct sl_reconciler *reconciler);

#endif
