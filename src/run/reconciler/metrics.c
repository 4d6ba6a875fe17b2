/* The text of the reconciler's /metrics (metrics.h): `rows` is the list of all metrics.
 */
#include "run/reconciler/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* Upper bounds of a turn of the loop. A plan takes some 100 µs; what is above a second is near to a
 * lease that is not renewed. */
static const struct sl_bound bounds[SL_LOOP_BUCKETS] = {
    {100000, "0.0001"}, {500000, "0.0005"}, {1000000, "0.001"},
    {5000000, "0.005"}, {10000000, "0.01"}, {50000000, "0.05"},
    {100000000, "0.1"}, {1000000000, "1"},  {5000000000, "5"},
};

/* Of a drain: from a gate that propagates to a timeout of minutes. */
static const struct sl_bound drain_bounds[SL_DRAIN_BUCKETS] = {
    {1 * SL_NS_PER_S, "1"},   {2 * SL_NS_PER_S, "2"},     {5 * SL_NS_PER_S, "5"},
    {10 * SL_NS_PER_S, "10"}, {20 * SL_NS_PER_S, "20"},   {30 * SL_NS_PER_S, "30"},
    {60 * SL_NS_PER_S, "60"}, {120 * SL_NS_PER_S, "120"}, {600 * SL_NS_PER_S, "600"},
};

struct sl_reconciler_metrics {
    int64_t start;
    const char *lease;
    pthread_mutex_t mutex; /* guards `published` */
    struct sl_reconciler_numbers published;
};

/* A copy of all of it, balancers too, in place of what `to` has. */
static void copy_numbers(struct sl_reconciler_numbers *to, const struct sl_reconciler_numbers *from)
{
    struct sl_balancer_numbers *balancers = to->balancers;
    *to = *from;
    to->balancers = NULL;
    if (from->balancer_count > 0) {
        to->balancers = reallocarray(balancers, from->balancer_count, sizeof *balancers);
        balancers = NULL;
        if (to->balancers == NULL) {
            abort();
        }
        memcpy(to->balancers, from->balancers, from->balancer_count * sizeof *balancers);
    }
    free(balancers);
}

void sl_reconciler_count_turn(struct sl_reconciler_numbers *numbers, int64_t ns)
{
    numbers->loop_in_bucket[sl_metrics_bucket(bounds, LENGTH(bounds), ns)]++;
    numbers->loop_ns += ns > 0 ? (uint64_t)ns : 0;
}

void sl_reconciler_count_drain(struct sl_reconciler_numbers *numbers, enum sl_drain_op op,
                               enum sl_drain_outcome outcome, int64_t ns)
{
    numbers->drains[op][outcome]++;
    if (outcome == SL_DRAIN_DONE || outcome == SL_DRAIN_OVERDUE) {
        numbers->drain_in_bucket[sl_metrics_bucket(drain_bounds, LENGTH(drain_bounds), ns)]++;
        numbers->drain_ns += ns > 0 ? (uint64_t)ns : 0;
    }
}

const char *sl_reconciler_action_name(int action)
{
    static const char *const others[] = {"status", "pod-traffic", "pod-traffic-status",
                                         "policy-status"};
    return action < SL_ACTION_KINDS ? sl_action_names[action] : others[action - SL_ACTION_KINDS];
}

struct sl_reconciler_metrics *sl_reconciler_metrics_open(int64_t start, const char *lease)
{
    struct sl_reconciler_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics == NULL) {
        abort();
    }
    metrics->start = start;
    metrics->lease = lease;
    (void)pthread_mutex_init(&metrics->mutex, NULL);
    return metrics;
}

void sl_reconciler_metrics_close(struct sl_reconciler_metrics *metrics)
{
    if (metrics != NULL) {
        (void)pthread_mutex_destroy(&metrics->mutex);
        free(metrics->published.balancers);
        free(metrics);
    }
}

void sl_reconciler_metrics_publish(struct sl_reconciler_metrics *metrics,
                                   const struct sl_reconciler_numbers *numbers)
{
    (void)pthread_mutex_lock(&metrics->mutex);
    copy_numbers(&metrics->published, numbers);
    (void)pthread_mutex_unlock(&metrics->mutex);
}

bool sl_reconciler_metrics_synced(struct sl_reconciler_metrics *metrics)
{
    (void)pthread_mutex_lock(&metrics->mutex);
    bool synced = metrics->published.synced;
    (void)pthread_mutex_unlock(&metrics->mutex);
    return synced;
}

/* --- the text --- */

struct scrape {
    struct sl_reconciler_numbers numbers;
    const char *lease;
    double batches_finished, dirty, queued, under_way, events_lost, overdue, sessions_cut;
};

static void write_rollouts(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    for (int phase = 0; phase < SL_PHASES; phase++) {
        sl_buf_addf(out, "%s{phase=\"%s\"} %" PRIu64 "\n", metric->name,
                    phase == SL_PHASE_NONE ? "Unknown" : sl_phase_names[phase],
                    scrape->numbers.rollouts[phase]);
    }
}

static void write_actions(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    static const char *const results[SL_RESULTS] = {
        [SL_RESULT_SUCCESS] = "success",
        [SL_RESULT_CONFLICT] = "conflict",
        [SL_RESULT_FAILURE] = "failure",
    };
    const struct scrape *scrape = scrape_;
    for (int action = 0; action < SL_ACTIONS; action++) {
        for (int result = 0; result < SL_RESULTS; result++) {
            sl_buf_addf(out, "%s{action=\"%s\",result=\"%s\"} %" PRIu64 "\n", metric->name,
                        sl_reconciler_action_name(action), results[result],
                        scrape->numbers.actions[action][result]);
        }
    }
}

static void write_loop(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    sl_metrics_add_histogram(out, metric->name, "", bounds, LENGTH(bounds),
                             scrape->numbers.loop_in_bucket, scrape->numbers.loop_ns);
}

static void write_requests(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    static const char *const codes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    const struct scrape *scrape = scrape_;
    for (int verb = 0; verb < SL_VERBS; verb++) {
        for (size_t code = 0; code < LENGTH(codes); code++) {
            uint64_t seen = scrape->numbers.client.calls[verb][code];
            if (seen > 0) { /* of the many combinations, those that were seen */
                sl_buf_addf(out, "%s{verb=\"%s\",code=\"%s\"} %" PRIu64 "\n", metric->name,
                            sl_verb_names[verb], codes[code], seen);
            }
        }
    }
}

static void write_leader(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    if (scrape->lease != NULL) {
        sl_buf_addf(out, "%s{name=\"%s\"} %d\n", metric->name, scrape->lease,
                    scrape->numbers.leader);
    }
}

static void write_traffic_pods(const struct sl_metric *metric, const void *scrape_,
                               struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    for (int state = SL_TRAFFIC_JOINING; state < SL_TRAFFIC_STATES; state++) {
        sl_buf_addf(out, "%s{state=\"%s\"} %" PRIu64 "\n", metric->name,
                    sl_traffic_state_names[state], scrape->numbers.traffic_pods[state]);
    }
}

static void write_drains(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    for (int op = SL_DRAIN_UPGRADE; op < SL_DRAIN_OPS; op++) {
        for (int outcome = SL_DRAIN_BEGUN; outcome < SL_DRAIN_OUTCOMES; outcome++) {
            sl_buf_addf(out, "%s{op=\"%s\",outcome=\"%s\"} %" PRIu64 "\n", metric->name,
                        sl_drain_op_names[op], sl_drain_outcome_names[outcome],
                        scrape->numbers.drains[op][outcome]);
        }
    }
}

static void write_drain_time(const struct sl_metric *metric, const void *scrape_,
                             struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    sl_metrics_add_histogram(out, metric->name, "", drain_bounds, LENGTH(drain_bounds),
                             scrape->numbers.drain_in_bucket, scrape->numbers.drain_ns);
}

static void write_balancers_up(const struct sl_metric *metric, const void *scrape_,
                               struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    for (size_t i = 0; i < scrape->numbers.balancer_count; i++) {
        const struct sl_balancer_numbers *balancer = &scrape->numbers.balancers[i];
        sl_buf_addf(out, "%s{%s} %d\n", metric->name, balancer->labels, balancer->up);
    }
}

static void write_members(const struct sl_metric *metric, const void *scrape_, struct sl_buf *out)
{
    static const char *const states[SL_MEMBER_STATES] = {
        [SL_MEMBER_UNKNOWN] = "unknown",
        [SL_MEMBER_ABSENT] = "absent",
        [SL_MEMBER_OUT] = "out",
        [SL_MEMBER_IN] = "in",
    };
    const struct scrape *scrape = scrape_;
    for (size_t i = 0; i < scrape->numbers.balancer_count; i++) {
        const struct sl_balancer_numbers *balancer = &scrape->numbers.balancers[i];
        for (int state = 0; state < SL_MEMBER_STATES; state++) {
            sl_buf_addf(out, "%s{%s,state=\"%s\"} %" PRIu32 "\n", metric->name, balancer->labels,
                        states[state], balancer->members[state]);
        }
    }
}

static void write_corrections(const struct sl_metric *metric, const void *scrape_,
                              struct sl_buf *out)
{
    const struct scrape *scrape = scrape_;
    for (size_t i = 0; i < scrape->numbers.balancer_count; i++) {
        const struct sl_balancer_numbers *balancer = &scrape->numbers.balancers[i];
        sl_buf_addf(out, "%s{%s} %" PRIu64 "\n", metric->name, balancer->labels,
                    balancer->corrections);
    }
}

#define NUMBER(field) SL_METRIC_NUMBER(struct scrape, field)

static const struct sl_metric rows[] = {
    {"sluice_rollouts", "gauge", "Rollouts, by phase.", 0, write_rollouts},
    {"sluice_rollouts_dirty", "gauge", "Rollouts that wait to be planned.", NUMBER(dirty)},
    {"sluice_batches_finished_total", "counter", "Batches that were finished.",
     NUMBER(batches_finished)},
    {"sluice_actions_total", "counter", "Changes that were asked of the API server, by result.", 0,
     write_actions},
    {"sluice_traffic_pods", "gauge", "Pods that a TrafficPolicy matches, by traffic state.", 0,
     write_traffic_pods},
    {"sluice_drains_total", "counter",
     "Drains of pods, by what asked for them and what became of them.", 0, write_drains},
    {"sluice_drain_seconds", "histogram", "Time from the beginning of a drain to its end.", 0,
     write_drain_time},
    {"sluice_drains_overdue", "gauge", "Drains past their deadline that onTimeout: Hold keeps.",
     NUMBER(overdue)},
    {"sluice_sessions_cut_total", "counter",
     "Sessions that were still served when a drain ended at its deadline.", NUMBER(sessions_cut)},
    {"sluice_balancer_up", "gauge", "1: the load balancer answers, and does what it is told.", 0,
     write_balancers_up},
    {"sluice_balancer_members", "gauge",
     "Members that a load balancer is to have, by what it says of them.", 0, write_members},
    {"sluice_balancer_corrections_total", "counter",
     "Members that somebody else had changed, and that were put back.", 0, write_corrections},
    {"sluice_loop_duration_seconds", "histogram", "Time that a turn of the loop worked.", 0,
     write_loop},
    {"sluice_api_requests_total", "counter",
     "Requests to the API server, by verb and status; none: it did not answer.", 0, write_requests},
    {"sluice_api_requests_queued", "gauge", "Requests that wait for kube.qps.", NUMBER(queued)},
    {"sluice_api_requests_in_flight", "gauge", "Requests that wait for their answer.",
     NUMBER(under_way)},
    {"leader_election_master_status", "gauge",
     "1: this replica acts. Missing without --leader-elect.", 0, write_leader},
    {"sluice_events_lost_total", "counter", "Events that could not be written.",
     NUMBER(events_lost)},
};

void sl_reconciler_metrics_write(struct sl_reconciler_metrics *metrics, struct sl_buf *out)
{
    struct sl_process_stats process;
    struct scrape scrape = {.lease = metrics->lease};
    (void)pthread_mutex_lock(&metrics->mutex);
    copy_numbers(&scrape.numbers, &metrics->published);
    (void)pthread_mutex_unlock(&metrics->mutex);
    scrape.batches_finished = (double)scrape.numbers.batches_finished;
    scrape.dirty = (double)scrape.numbers.dirty;
    scrape.queued = (double)scrape.numbers.client.queued;
    scrape.under_way = (double)scrape.numbers.client.under_way;
    scrape.events_lost = (double)scrape.numbers.events_lost;
    scrape.overdue = (double)scrape.numbers.drains_overdue;
    scrape.sessions_cut = (double)scrape.numbers.sessions_cut;
    sl_metrics_add(rows, LENGTH(rows), &scrape, out);
    sl_metrics_add_caches(scrape.numbers.resources, scrape.numbers.resource_count, out);
    sl_process_stats(&process);
    sl_metrics_add_process(&process, metrics->start, sl_log_dropped(), out);
    free(scrape.numbers.balancers);
}
