/* The text of the reconciler's /metrics: what was published last, under the right names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "run/reconciler/metrics.h"

static void assert_line(const struct sl_buf *text, const char *line)
{
    SL_AUTO(sl_buf) struct sl_buf whole = SL_BUF_INIT(SL_KIB);
    sl_buf_addf(&whole, "\n%s\n", line);
    if (strstr(text->data, whole.data) == NULL) {
        fail_msg("no line \"%s\" in:%s", line, text->data);
    }
}

static void write_text(struct sl_reconciler_metrics *metrics, struct sl_buf *out)
{
    sl_buf_addc(out, '\n'); /* so that every line follows one */
    sl_reconciler_metrics_write(metrics, out);
    assert_int_equal(sl_buf_check(out, "the metrics", NULL), 0);
}

static void every_number_has_its_line(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "# TYPE sluice_rollouts gauge",
        "sluice_rollouts{phase=\"Unknown\"} 0",
        "sluice_rollouts{phase=\"Progressing\"} 3",
        "sluice_rollouts_dirty 4",
        "sluice_batches_finished_total 5",
        "sluice_actions_total{action=\"status\",result=\"success\"} 6",
        "sluice_actions_total{action=\"status\",result=\"conflict\"} 0",
        "sluice_actions_total{action=\"finalizer\",result=\"failure\"} 7",
        "sluice_cache_objects{resource=\"deployments.apps\"} 8",
        "sluice_cache_bytes{resource=\"deployments.apps\"} 9",
        "sluice_cache_synced{resource=\"deployments.apps\"} 1",
        "sluice_cache_stale_seconds{resource=\"deployments.apps\"} 1.5",
        "sluice_cache_events_total{resource=\"deployments.apps\"} 10",
        "sluice_cache_lists_total{resource=\"deployments.apps\"} 11",
        "sluice_cache_watches_total{resource=\"deployments.apps\"} 12",
        "sluice_cache_failures_total{resource=\"deployments.apps\"} 13",
        "sluice_api_requests_total{verb=\"patch\",code=\"2xx\"} 14",
        "sluice_api_requests_total{verb=\"list\",code=\"none\"} 15",
        "sluice_api_requests_queued 16",
        "sluice_api_requests_in_flight 17",
        "leader_election_master_status{name=\"lease\"} 1",
        "sluice_events_lost_total 18",
        "sluice_traffic_pods{state=\"InService\"} 19",
        "sluice_drains_overdue 20",
        "sluice_sessions_cut_total 21",
        "sluice_actions_total{action=\"pod-traffic-status\",result=\"success\"} 22",
        "process_start_time_seconds 1795262400",
    };
    struct sl_reconciler_numbers numbers = {
        .rollouts = {[SL_PROGRESSING] = 3},
        .dirty = 4,
        .batches_finished = 5,
        .actions = {[SL_ACTION_STATUS] = {[SL_RESULT_SUCCESS] = 6},
                    [SL_ACT_FINALIZER] = {[SL_RESULT_FAILURE] = 7},
                    [SL_ACTION_TRAFFIC_STATUS] = {[SL_RESULT_SUCCESS] = 22}},
        .leader = true,
        .client = {.calls = {[SL_PATCH_OBJECT] = {[2] = 14}, [SL_LIST] = {[0] = 15}},
                   .queued = 16,
                   .under_way = 17},
        .events_lost = 18,
        .traffic_pods = {[SL_TRAFFIC_IN_SERVICE] = 19},
        .drains_overdue = 20,
        .sessions_cut = 21,
        .resources = {{.name = "deployments.apps",
                       .objects = 8,
                       .bytes = 9,
                       .synced = 1,
                       .stale_seconds = 1.5,
                       .events = 10,
                       .lists = 11,
                       .watches = 12,
                       .failures = 13}},
        .resource_count = 1,
    };
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    SL_AUTO(sl_reconciler_metrics)
    struct sl_reconciler_metrics *metrics = sl_reconciler_metrics_open(1795262400, "lease");
    sl_reconciler_metrics_publish(metrics, &numbers);
    numbers.dirty = 99; /* not published */
    write_text(metrics, &text);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_line(&text, lines[i]);
    }
}

static void turns_fall_into_cumulative_buckets(void **state)
{
    (void)state;
    static const int64_t turns[] = {-1, 100000, 100001, 5 * SL_NS_PER_S, 6 * SL_NS_PER_S};
    struct sl_reconciler_numbers numbers = {.dirty = 0};
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    SL_AUTO(sl_reconciler_metrics)
    struct sl_reconciler_metrics *metrics = sl_reconciler_metrics_open(0, NULL);
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        sl_reconciler_count_turn(&numbers, turns[i]);
    }
    sl_reconciler_metrics_publish(metrics, &numbers);
    write_text(metrics, &text);
    assert_line(&text, "sluice_loop_duration_seconds_bucket{le=\"0.0001\"} 2");
    assert_line(&text, "sluice_loop_duration_seconds_bucket{le=\"0.0005\"} 3");
    assert_line(&text, "sluice_loop_duration_seconds_bucket{le=\"5\"} 4");
    assert_line(&text, "sluice_loop_duration_seconds_bucket{le=\"+Inf\"} 5");
    assert_line(&text, "sluice_loop_duration_seconds_sum 11.000200001");
    assert_line(&text, "sluice_loop_duration_seconds_count 5");
}

static void drains_are_counted_by_what_they_were_for_and_timed_at_their_end(void **state)
{
    (void)state;
    struct sl_reconciler_numbers numbers = {.dirty = 0};
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    SL_AUTO(sl_reconciler_metrics)
    struct sl_reconciler_metrics *metrics = sl_reconciler_metrics_open(0, NULL);
    sl_reconciler_count_drain(&numbers, SL_DRAIN_EVICT, SL_DRAIN_BEGUN, 0);
    sl_reconciler_count_drain(&numbers, SL_DRAIN_EVICT, SL_DRAIN_DONE, 3 * SL_NS_PER_S);
    sl_reconciler_count_drain(&numbers, SL_DRAIN_UPGRADE, SL_DRAIN_OVERDUE, 60 * SL_NS_PER_S);
    sl_reconciler_count_drain(&numbers, SL_DRAIN_UPGRADE, SL_DRAIN_CANCELLED, SL_NS_PER_S);
    sl_reconciler_metrics_publish(metrics, &numbers);
    write_text(metrics, &text);
    assert_line(&text, "sluice_drains_total{op=\"evict\",outcome=\"begun\"} 1");
    assert_line(&text, "sluice_drains_total{op=\"evict\",outcome=\"done\"} 1");
    assert_line(&text, "sluice_drains_total{op=\"upgrade\",outcome=\"overdue\"} 1");
    assert_line(&text, "sluice_drains_total{op=\"upgrade\",outcome=\"cancelled\"} 1");
    assert_line(&text, "sluice_drains_total{op=\"delete\",outcome=\"done\"} 0");
    assert_line(&text, "sluice_drain_seconds_bucket{le=\"2\"} 0");
    assert_line(&text, "sluice_drain_seconds_bucket{le=\"5\"} 1");
    assert_line(&text, "sluice_drain_seconds_bucket{le=\"60\"} 2");
    assert_line(&text, "sluice_drain_seconds_count 2");
}

/* The loop goes on with its own: what was published is a copy. */
static void load_balancers_are_published_as_they_were(void **state)
{
    (void)state;
    struct sl_balancer_numbers balancers[2] = {
        {.labels = "balancer=\"a\"", .up = true, .members = {[SL_MEMBER_IN] = 3}, .corrections = 4},
        {.labels = "balancer=\"b\""},
    };
    struct sl_reconciler_numbers numbers = {.balancers = balancers, .balancer_count = 2};
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    SL_AUTO(sl_reconciler_metrics)
    struct sl_reconciler_metrics *metrics = sl_reconciler_metrics_open(0, NULL);
    sl_reconciler_metrics_publish(metrics, &numbers);
    balancers[0].up = false;
    write_text(metrics, &text);
    assert_line(&text, "sluice_balancer_up{balancer=\"a\"} 1");
    assert_line(&text, "sluice_balancer_up{balancer=\"b\"} 0");
    assert_line(&text, "sluice_balancer_members{balancer=\"a\",state=\"in\"} 3");
    assert_line(&text, "sluice_balancer_corrections_total{balancer=\"a\"} 4");
    sl_buf_reset(&text);
    numbers.balancer_count = 0;
    sl_reconciler_metrics_publish(metrics, &numbers);
    write_text(metrics, &text);
    assert_null(strstr(text.data, "sluice_balancer_up{"));
}

static void without_an_election_nobody_is_said_to_lead(void **state)
{
    (void)state;
    const struct sl_reconciler_numbers numbers = {.leader = true};
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    SL_AUTO(sl_reconciler_metrics)
    struct sl_reconciler_metrics *metrics = sl_reconciler_metrics_open(0, NULL);
    sl_reconciler_metrics_publish(metrics, &numbers);
    write_text(metrics, &text);
    assert_null(strstr(text.data, "leader_election_master_status{"));
}

static void it_is_synced_when_that_was_published(void **state)
{
    (void)state;
    const struct sl_reconciler_numbers numbers = {.synced = true};
    SL_AUTO(sl_reconciler_metrics)
    struct sl_reconciler_metrics *metrics = sl_reconciler_metrics_open(0, NULL);
    assert_false(sl_reconciler_metrics_synced(metrics));
    sl_reconciler_metrics_publish(metrics, &numbers);
    assert_true(sl_reconciler_metrics_synced(metrics));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_has_its_line),
        cmocka_unit_test(turns_fall_into_cumulative_buckets),
        cmocka_unit_test(drains_are_counted_by_what_they_were_for_and_timed_at_their_end),
        cmocka_unit_test(load_balancers_are_published_as_they_were),
        cmocka_unit_test(without_an_election_nobody_is_said_to_lead),
        cmocka_unit_test(it_is_synced_when_that_was_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
