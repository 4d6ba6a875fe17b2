/* The metrics of caches (cache_metrics.h): `rows` is the list of them. */
#include "run/cache_metrics.h"

#include "run/metrics_text.h"

struct scrape {
    const struct sl_resource_numbers *resources;
    size_t count;
};

/* A metric that each resource has one value of. */
static void write_by_resource(const struct sl_metric *metric, const void *scrape_,
                              struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    for (size_t i = 0; i < scrape->count; i++) {
        const struct sl_resource_numbers *resource = &scrape->resources[i];
        const double *number = (const void *)((const char *)resource + metric->number);
        sl_buf_addf(out, "%s{resource=\"%s\"} %.15g\n", metric->name, resource->name, *number);
    }
}

#define BY_RESOURCE(field) offsetof(struct sl_resource_numbers, field), write_by_resource

static const struct sl_metric rows[] = {
    {"sluice_cache_objects", "gauge", "Objects that are cached, by resource.",
     BY_RESOURCE(objects)},
    {"sluice_cache_bytes", "gauge", "Memory of those objects, by resource.", BY_RESOURCE(bytes)},
    {"sluice_cache_synced", "gauge", "1: all objects of the resource were listed once.",
     BY_RESOURCE(synced)},
    {"sluice_cache_stale_seconds", "gauge",
     "Time since the API server was heard of the resource; 0 while it is watched.",
     BY_RESOURCE(stale_seconds)},
    {"sluice_cache_events_total", "counter", "Watch events, by resource.", BY_RESOURCE(events)},
    {"sluice_cache_lists_total", "counter", "Lists that were begun, by resource.",
     BY_RESOURCE(lists)},
    {"sluice_cache_watches_total", "counter", "Watches that were begun, by resource.",
     BY_RESOURCE(watches)},
    {"sluice_cache_failures_total", "counter", "Lists and watches that failed, by resource.",
     BY_RESOURCE(failures)},
    {"sluice_cache_refused_total", "counter",
     "Versions of objects that cannot be read and are left out, by resource.",
     BY_RESOURCE(refused)},
};

void sl_metrics_add_caches(const struct sl_resource_numbers *resources, size_t count,
                           struct sl_buf *out)
{
    const struct scrape scrape = {.resources = resources, .count = count};
    sl_metrics_add(rows, sizeof rows / sizeof rows[0], &scrape, out);
}
