/* The text of /metrics: well formed whatever was counted, and right about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>

#include "run/webhook/metrics.h"

static const struct sl_workload_kind clone_set = {
    .group = SL_STR_INIT("apps.kruise.io"),
    .kind = SL_STR_INIT("CloneSet"),
    .resource = SL_STR_INIT("clonesets"),
};
static const struct sl_workload_kinds kinds = {.items = &clone_set, .count = 1};

static int setup(void **state)
{
    *state = sl_metrics_open(&kinds, 1795262400);
    return 0;
}

static int teardown(void **state)
{
    sl_metrics_close(*state);
    return 0;
}

static void write_text(struct sl_metrics *metrics, const struct sl_metrics_sample *sample,
                       struct sl_buf *out)
{
    sl_buf_addc(out, '\n'); /* so that every line follows one */
    sl_metrics_write(metrics, sample, out);
    assert_int_equal(sl_buf_check(out, "the metrics", NULL), 0);
}

static void assert_line(const struct sl_buf *text, const char *line)
{
    SL_AUTO(sl_buf) struct sl_buf whole = SL_BUF_INIT(SL_KIB);
    sl_buf_addf(&whole, "\n%s\n", line);
    if (strstr(text->data, whole.data) == NULL) {
        fail_msg("no line \"%s\" in:%s", line, text->data);
    }
}

static void every_name_has_help_and_type_before_its_values(void **state)
{
    static const char *const names[] = {
        "controller_runtime_webhook_requests_total",
        "controller_runtime_webhook_requests_in_flight",
        "controller_runtime_webhook_latency_seconds",
        "sluice_admission_decisions_total",
        "sluice_evictions_total",
        "sluice_eviction_drains_total",
        "sluice_http_sheds_total",
        "sluice_http_connections",
        "sluice_http_body_bytes_in_flight",
        "sluice_certificate_expiry_timestamp_seconds",
        "sluice_certificate_reloads_total",
        "sluice_policies",
        "sluice_policy_reloads_total",
        "sluice_policies_loaded_timestamp_seconds",
        "sluice_log_lines_dropped_total",
        "sluice_build_info",
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
        "process_start_time_seconds",
        "process_open_fds",
    };
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    const struct sl_metrics_sample sample = {.policies = 0};
    write_text(*state, &sample, &text);
    const char *at = text.data;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char help[128];
        char type[128];
        (void)snprintf(help, sizeof help, "\n# HELP %s ", names[i]);
        (void)snprintf(type, sizeof type, "\n# TYPE %s ", names[i]);
        at = strstr(at, help);
        assert_non_null(at);
        assert_ptr_equal(strstr(at, type), strchr(at + 1, '\n'));
    }
}

static void requests_are_counted_by_webhook_and_status(void **state)
{
    static const unsigned statuses[] = {200, 200, 400, 405, 415, 500, 503};
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    const struct sl_metrics_sample sample = {.policies = 0};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        sl_metrics_begin(*state, SL_PATH_MUTATE);
        sl_metrics_end(*state, SL_PATH_MUTATE, statuses[i], 1);
    }
    sl_metrics_begin(*state, SL_PATH_VALIDATE);
    write_text(*state, &sample, &text);
    assert_line(&text,
                "controller_runtime_webhook_requests_total{webhook=\"/mutate\",code=\"200\"} 2");
    assert_line(&text,
                "controller_runtime_webhook_requests_total{webhook=\"/mutate\",code=\"503\"} 1");
    assert_line(&text,
                "controller_runtime_webhook_requests_total{webhook=\"/validate\",code=\"200\"} 0");
    assert_line(&text, "controller_runtime_webhook_requests_in_flight{webhook=\"/mutate\"} 0");
    assert_line(&text, "controller_runtime_webhook_requests_in_flight{webhook=\"/validate\"} 1");
}

#define BUCKET(le, count)                                                                          \
    "controller_runtime_webhook_latency_seconds_bucket{webhook=\"/mutate\",le=\"" le "\"} " count

static void latencies_fall_into_cumulative_buckets(void **state)
{
    static const int64_t latencies[] = {-1, 50000, 50001, 900000, 1000000000, 1000000001};
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    const struct sl_metrics_sample sample = {.policies = 0};
    for (size_t i = 0; i < sizeof latencies / sizeof latencies[0]; i++) {
        sl_metrics_begin(*state, SL_PATH_MUTATE);
        sl_metrics_end(*state, SL_PATH_MUTATE, 200, latencies[i]);
    }
    write_text(*state, &sample, &text);
    assert_line(&text, BUCKET("5e-05", "2"));
    assert_line(&text, BUCKET("0.0001", "3"));
    assert_line(&text, BUCKET("0.0005", "3"));
    assert_line(&text, BUCKET("0.001", "4"));
    assert_line(&text, BUCKET("0.5", "4"));
    assert_line(&text, BUCKET("1", "5"));
    assert_line(&text, BUCKET("+Inf", "6"));
    assert_line(&text,
                "controller_runtime_webhook_latency_seconds_sum{webhook=\"/mutate\"} 2.001000002");
    assert_line(&text, "controller_runtime_webhook_latency_seconds_count{webhook=\"/mutate\"} 6");
}

static void decisions_are_counted_by_a_resource_of_a_fixed_set(void **state)
{
    static const struct {
        struct sl_str group, resource, sub_resource;
        enum sl_operation operation;
        enum sl_outcome outcome;
    } decided[] = {
        {SL_STR_INIT(""), SL_STR_INIT("pods"), {0}, SL_CREATE, SL_PATCHED},
        {SL_STR_INIT(""), SL_STR_INIT("pods"), {0}, SL_CREATE, SL_PATCHED},
        {SL_STR_INIT(""), SL_STR_INIT("pods"), SL_STR_INIT("eviction"), SL_CREATE, SL_DENIED},
        {SL_STR_INIT(""), SL_STR_INIT("pods"), SL_STR_INIT("evil"), SL_CREATE, SL_DENIED},
        {SL_STR_INIT("apps"), SL_STR_INIT("deployments"), {0}, SL_UPDATE, SL_PATCHED},
        {SL_STR_INIT("apps.kruise.io"), SL_STR_INIT("clonesets"), {0}, SL_UPDATE, SL_ALLOWED},
        {SL_STR_INIT("sluice.dev"), SL_STR_INIT("rollouts"), {0}, SL_CREATE, SL_DENIED},
        {SL_STR_INIT("evil"), SL_STR_INIT("a\"b\n"), {0}, SL_CONNECT, SL_ALLOWED},
        {SL_STR_INIT(""), SL_STR_INIT("deployments"), {0}, SL_DELETE, SL_ALLOWED},
    };
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    const struct sl_metrics_sample sample = {.policies = 0};
    for (size_t i = 0; i < sizeof decided / sizeof decided[0]; i++) {
        const struct sl_review review = {
            .group = decided[i].group,
            .resource = decided[i].resource,
            .sub_resource = decided[i].sub_resource,
            .operation = decided[i].operation,
        };
        sl_metrics_decided(*state, &review, decided[i].outcome);
    }
    write_text(*state, &sample, &text);
#define DECISIONS(resource, operation, outcome, count)                                             \
    "sluice_admission_decisions_total{resource=\"" resource "\",operation=\"" operation            \
    "\",outcome=\"" outcome "\"} " count
    assert_line(&text, DECISIONS("pods", "CREATE", "patched", "2"));
    assert_line(&text, DECISIONS("pods/eviction", "CREATE", "denied", "1"));
    assert_line(&text, DECISIONS("other", "CREATE", "denied", "1"));
    assert_line(&text, DECISIONS("deployments.apps", "UPDATE", "patched", "1"));
    assert_line(&text, DECISIONS("clonesets.apps.kruise.io", "UPDATE", "allowed", "1"));
    assert_line(&text, DECISIONS("rollouts.sluice.dev", "CREATE", "denied", "1"));
    assert_line(&text, DECISIONS("other", "CONNECT", "allowed", "1"));
    assert_line(&text, DECISIONS("other", "DELETE", "allowed", "1"));
    assert_null(strstr(text.data, "evil"));
}

static void evictions_are_counted_by_how_they_were_decided(void **state)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    const struct sl_metrics_sample sample = {.orders = {.done = 3, .failed = 1}};
    sl_metrics_evicted(*state, SL_EVICTION_WAITS);
    sl_metrics_evicted(*state, SL_EVICTION_WAITS);
    sl_metrics_evicted(*state, SL_EVICTION_OUT_OF_TRAFFIC);
    write_text(*state, &sample, &text);
    assert_line(&text, "sluice_evictions_total{outcome=\"waits\"} 2");
    assert_line(&text, "sluice_evictions_total{outcome=\"out_of_traffic\"} 1");
    assert_line(&text, "sluice_evictions_total{outcome=\"overdue\"} 0");
    assert_null(strstr(text.data, "outcome=\"none\""));
    assert_line(&text, "sluice_eviction_drains_total{result=\"success\"} 3");
    assert_line(&text, "sluice_eviction_drains_total{result=\"failure\"} 1");
}

static void what_others_count_is_shown(void **state)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    const struct sl_resource_numbers resources[] = {
        {.name = "rollouts.sluice.dev", .objects = 4, .synced = 1, .refused = 2},
        {.name = "namespaces", .stale_seconds = 1.5},
    };
    const struct sl_metrics_sample sample = {
        .handovers = 8,
        .resources = resources,
        .resource_count = 2,
        .http = {.connections = 7, .bytes = 4096, .sheds = {1, 2, 3, 4, 5}},
        .tls = {.not_after = 1826798400, .reloads = 5, .failures = 6},
        .process = {.resident_bytes = 8388608, .cpu_ns = 1234500000, .open_fds = 12},
        .policies = 3,
        .rollouts = 2,
        .policies_loaded = 1795262401,
        .log_lines_dropped = 9,
    };
    sl_metrics_policies_read(*state, true);
    sl_metrics_policies_read(*state, true);
    sl_metrics_policies_read(*state, false);
    sl_metrics_policies_left_out(*state, 1);
    write_text(*state, &sample, &text);
    static const char *const lines[] = {
        "sluice_http_connections 7",
        "sluice_http_body_bytes_in_flight 4096",
        "sluice_http_sheds_total{reason=\"body_too_large\"} 1",
        "sluice_http_sheds_total{reason=\"bytes_in_flight\"} 2",
        "sluice_http_sheds_total{reason=\"deadline\"} 3",
        "sluice_http_sheds_total{reason=\"client_certificate\"} 4",
        "sluice_http_sheds_total{reason=\"connections\"} 5",
        "sluice_certificate_expiry_timestamp_seconds 1826798400",
        "sluice_certificate_reloads_total{result=\"success\"} 5",
        "sluice_certificate_reloads_total{result=\"failure\"} 6",
        "sluice_policies{kind=\"TrafficPolicy\"} 3",
        "sluice_policies{kind=\"Rollout\"} 2",
        "sluice_policy_reloads_total{result=\"success\"} 2",
        "sluice_policy_reloads_total{result=\"failure\"} 1",
        "sluice_policies_loaded_timestamp_seconds 1795262401",
        "sluice_policies_left_out 1",
        "sluice_handovers 8",
        "sluice_cache_objects{resource=\"rollouts.sluice.dev\"} 4",
        "sluice_cache_synced{resource=\"rollouts.sluice.dev\"} 1",
        "sluice_cache_refused_total{resource=\"rollouts.sluice.dev\"} 2",
        "sluice_cache_stale_seconds{resource=\"namespaces\"} 1.5",
        "sluice_log_lines_dropped_total 9",
        "process_resident_memory_bytes 8388608",
        "process_cpu_seconds_total 1.2345",
        "process_start_time_seconds 1795262400",
        "process_open_fds 12",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_line(&text, lines[i]);
    }
    assert_line(&text, "sluice_build_info{version=\"" SL_VERSION "\"} 1");
}

static void the_process_knows_what_it_uses(void **state)
{
    (void)state;
    struct sl_process_stats stats;
    sl_process_stats(&stats);
    assert_true(stats.resident_bytes > (int64_t)(100 * SL_KIB));
    assert_true(stats.cpu_ns > 0);
    int64_t open_fds = 0;
    for (int fd = 0; fd < 1024; fd++) {
        open_fds += fcntl(fd, F_GETFD) >= 0;
    }
    assert_int_equal(stats.open_fds, open_fds);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_name_has_help_and_type_before_its_values),
        TEST(requests_are_counted_by_webhook_and_status),
        TEST(latencies_fall_into_cumulative_buckets),
        TEST(decisions_are_counted_by_a_resource_of_a_fixed_set),
        TEST(evictions_are_counted_by_how_they_were_decided),
        TEST(what_others_count_is_shown),
        TEST(the_process_knows_what_it_uses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
