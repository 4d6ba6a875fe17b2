/* Private to run: what the reconciler says of itself, in its log and its metrics, now and then. */
#ifndef SL_RUN_RECONCILER_REPORT_H
#define SL_RUN_RECONCILER_REPORT_H

#include "run/reconciler/metrics.h"

#define SL_REPORT_EVERY (200 * SL_NS_PER_MS)

struct sl_report {
    struct sl_reconciler_numbers numbers; /* the loop counts in it */
    int64_t reported;                     /* when last; 0: at once */
    bool failing[SL_FLEET_RESOURCES_MAX]; /* as last logged, by resource */
};

/* Samples what nobody counts, publishes all numbers, and logs each resource whose cache has ceased
 * or begun again to follow the API server. Not before SL_REPORT_EVERY has passed. */
void sl_report_turn(struct sl_report *report, struct sl_fleet *fleet,
                    const struct sl_client *client, struct sl_reconciler_metrics *metrics,
                    int64_t now);

#endif
