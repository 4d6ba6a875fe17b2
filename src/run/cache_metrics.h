/* The metrics of watch caches (kube/cache.h), which both roles have. The loop samples them; the
 * health server's thread writes the text from a copy. */
#ifndef SL_RUN_CACHE_METRICS_H
#define SL_RUN_CACHE_METRICS_H

#include "base/buf.h"

struct sl_resource_numbers {
    const char *name; /* "deployments.apps"; lives as long as the metrics are asked */
    double objects, bytes, synced, stale_seconds, events, lists, watches, failures, refused;
};

/* Appends the metrics sluice_cache_*, each with one value a resource. Pure function. */
void sl_metrics_add_caches(const struct sl_resource_numbers *resources, size_t count,
                           struct sl_buf *out);

#endif
