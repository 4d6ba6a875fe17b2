/* The reconciler role: one thread and one loop around core's planners, sl_roll_plan() and
 * sl_traffic_plan(). A second thread serves health and metrics and touches nothing of the loop's.
 */
#ifndef SL_RUN_RECONCILER_RECONCILER_H
#define SL_RUN_RECONCILER_RECONCILER_H

#include "run/reconciler/config.h"

struct sl_reconciler_options {
    const struct sl_reconciler_config *config;
    bool leader_elect;
    const char *ns;                   /* overrides the configuration's; NULL: it does not */
    const char *kubeconfig, *context; /* as in kube/config.h */
};

/* Runs until SIGTERM or SIGINT: stops within a second, and gives the Lease up. A second one stops
 * at once; SIGHUP does nothing. Nothing is planned before every cache is synced, and with
 * `leader_elect` nothing is written by a replica that does not hold the Lease, and no load balancer
 * is asked; its caches are kept warm.
 *
 * A leader that loses its Lease drops what is under way and returns 1, to be started again as a
 * candidate: the new leader has what is on the objects, and so must this one, with nothing
 * remembered. An API server that is away ends nothing.
 *
 * Returns the exit status: 0 after a clean stop, 1 when it could not start (the reason is logged)
 * or lost the Lease. */
int sl_reconciler_run(const struct sl_reconciler_options *options);

#endif
