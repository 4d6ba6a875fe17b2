/* What traffic says of itself (traffic.h): numbers for the metrics, and what happens to load
 * balancers, as Events about their TrafficPolicy and in the log. */
#include "run/traffic/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/names.h"

#define CHECK_EVERY (200 * SL_NS_PER_MS)
/* One that does not answer for as long is down: what begins, or reconnects, does sooner. */
#define DOWN_AFTER (2 * SL_NS_PER_S)

static void emit(struct sl_traffic *traffic, const char *ns, const char *name, const char *reason,
                 bool warns, const char *note, int64_t now, int64_t wall)
{
    const struct sl_traffic_policy_record *policy =
        sl_fleet_policy(traffic->options.fleet, ns, name);
    sl_log(warns ? SL_LOG_WARN : SL_LOG_INFO, "load balancer", SL_LOG_CSTR("ns", ns),
           SL_LOG_CSTR("name", name), SL_LOG_CSTR("op", reason), SL_LOG_CSTR("message", note));
    if (policy == NULL) {
        return;
    }
    const struct sl_event event = {
        .api_version = SL_API_VERSION,
        .kind = "TrafficPolicy",
        .ns = ns,
        .name = name,
        .uid = policy->record.uid,
        .resource_version = policy->record.resource_version,
        .warning = warns,
        .reason = reason,
        .action = "Balance",
        .note = note,
    };
    sl_events_emit(traffic->options.events, &event, now, wall);
}

void sl_traffic_corrected(void *traffic_, const char *ns, const char *policy, const char *note)
{
    struct sl_traffic *traffic = traffic_;
    emit(traffic, ns, policy, "MemberCorrected", true, note, traffic->now, traffic->wall);
}

/* --- load balancers that come and go --- */

static bool lies_between(int64_t time, int64_t after, int64_t until)
{
    return time > after && time <= until;
}

static void check(struct sl_traffic *traffic, const struct sl_balancer_health *health, int64_t now,
                  int64_t wall)
{
    int64_t before = traffic->checked;
    char note[512];
    bool at_start = health->since < traffic->opened + DOWN_AFTER; /* nobody missed it */
    if (health->answers && !at_start && lies_between(health->since, before, wall)) {
        (void)snprintf(note, sizeof note, "load balancer %s answers", health->name);
        emit(traffic, health->ns, health->policy, "BalancerUp", false, note, now, wall);
    } else if (!health->answers && lies_between(health->since + DOWN_AFTER, before, wall)) {
        (void)snprintf(note, sizeof note, "load balancer %s: %s", health->name, health->trouble);
        emit(traffic, health->ns, health->policy, "BalancerDown", true, note, now, wall);
    }
}

void sl_traffic_report_turn(struct sl_traffic *traffic, int64_t now, int64_t wall)
{
    struct sl_balancer_health health;
    if (wall >= traffic->checked && wall - traffic->checked < CHECK_EVERY) {
        return;
    }
    traffic->opened = traffic->opened == 0 ? wall : traffic->opened;
    for (size_t i = 0; sl_balancers_health(traffic->balancers, i, &health); i++) {
        if (strcmp(health.kind, "external") != 0) {
            check(traffic, &health, now, wall);
        }
    }
    traffic->checked = wall;
}

/* --- numbers --- */

static size_t sample_balancers(struct sl_traffic *traffic)
{
    struct sl_balancer_health health;
    size_t count = 0;
    for (size_t i = 0; sl_balancers_health(traffic->balancers, i, &health); i++) {
        if (strcmp(health.kind, "external") == 0) {
            continue; /* nothing is known of it */
        }
        if (count == traffic->balancer_room) {
            traffic->balancer_room = count == 0 ? 4 : 2 * count;
            traffic->balancer_numbers =
                reallocarray(traffic->balancer_numbers, traffic->balancer_room,
                             sizeof(struct sl_balancer_numbers));
            if (traffic->balancer_numbers == NULL) {
                abort();
            }
        }
        struct sl_balancer_numbers *numbers = &traffic->balancer_numbers[count++];
        (void)snprintf(numbers->labels, sizeof numbers->labels,
                       "namespace=\"%s\",policy=\"%s\",balancer=\"%s\"", health.ns, health.policy,
                       health.name);
        numbers->up = health.answers;
        numbers->corrections = health.corrections;
        memcpy(numbers->members, health.members, sizeof numbers->members);
    }
    return count;
}

void sl_traffic_sample(struct sl_traffic *traffic, struct sl_reconciler_numbers *numbers)
{
    memset(numbers->traffic_pods, 0, sizeof numbers->traffic_pods);
    numbers->drains_overdue = 0;
    for (size_t i = 0; i < sl_traffic_pods_count(traffic->pods); i++) {
        const struct sl_traffic_pod *pod = sl_traffic_pods_at(traffic->pods, i);
        enum sl_traffic_state state =
            pod->state == SL_TRAFFIC_NONE ? SL_TRAFFIC_JOINING : pod->state;
        numbers->traffic_pods[state] += pod->policy != NULL && !pod->gone;
        numbers->drains_overdue += pod->overdue && !pod->gone;
    }
    numbers->balancer_count = sample_balancers(traffic);
    numbers->balancers = traffic->balancer_numbers;
}
