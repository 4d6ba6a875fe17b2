/* Samples and log lines of the reconciler (report.h), apart from its loop. */
#include "run/reconciler/report.h"

#include <string.h>

#include "base/log.h"

static void log_resources(struct sl_report *report, const struct sl_fleet *fleet)
{
    struct sl_fleet_resource resource;
    for (size_t i = 0; sl_fleet_resource(fleet, i, &resource); i++) {
        bool fails = resource.error[0] != '\0';
        if (fails && !report->failing[i]) {
            sl_log(SL_LOG_WARN, "cannot follow the API server",
                   SL_LOG_CSTR("resource", resource.name), SL_LOG_CSTR("err", resource.error));
        } else if (!fails && report->failing[i]) {
            sl_log(SL_LOG_INFO, "follows the API server again",
                   SL_LOG_CSTR("resource", resource.name));
        }
        report->failing[i] = fails;
    }
}

static void count_rollout(void *numbers_, const struct sl_record *record)
{
    struct sl_reconciler_numbers *numbers = numbers_;
    numbers->rollouts[sl_rollout_of(record)->status.phase]++;
}

static void sample(struct sl_reconciler_numbers *numbers, struct sl_fleet *fleet, int64_t now)
{
    struct sl_targets *targets = sl_fleet_targets(fleet);
    struct sl_fleet_resource resource;
    memset(numbers->rollouts, 0, sizeof numbers->rollouts);
    sl_fleet_each_rollout(fleet, count_rollout, numbers);
    numbers->dirty = 0;
    for (size_t i = 0; i < sl_targets_count(targets); i++) {
        numbers->dirty += sl_targets_at(targets, i)->due.dirty;
    }
    for (size_t i = 0; sl_fleet_resource(fleet, i, &resource); i++) {
        int64_t stale = resource.stale_since == 0 ? 0 : now - resource.stale_since;
        numbers->resources[i] = (struct sl_resource_numbers){
            .name = resource.name,
            .objects = (double)resource.stats.objects,
            .bytes = (double)resource.stats.bytes,
            .synced = resource.synced ? 1 : 0,
            .stale_seconds = (double)stale / (double)SL_NS_PER_S,
            .events = (double)resource.stats.events,
            .lists = (double)resource.stats.lists,
            .watches = (double)resource.stats.watches,
            .failures = (double)resource.stats.failures,
            .refused = (double)resource.stats.refused,
        };
        numbers->resource_count = i + 1;
    }
}

void sl_report_turn(struct sl_report *report, struct sl_fleet *fleet,
                    const struct sl_client *client, struct sl_reconciler_metrics *metrics,
                    int64_t now)
{
    if (report->reported != 0 && now - report->reported < SL_REPORT_EVERY) {
        return;
    }
    report->reported = now;
    sample(&report->numbers, fleet, now);
    sl_client_stats(client, &report->numbers.client);
    sl_reconciler_metrics_publish(metrics, &report->numbers);
    log_resources(report, fleet);
}
