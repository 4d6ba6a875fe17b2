/* What the kubelet is told: by each check alone, and by all of them. */
#include "scratch.h"

#include "base/clock.h"
#include "net/certs.h"
#include "run/webhook/health.h"

#define DAYS 1
#define DAY_SECONDS INT64_C(86400)

struct fixture {
    struct scratch *scratch;
    struct sl_http_server *server;
    struct sl_webhook_sources sources;
    struct sl_health *health;
    int64_t beat; /* sl_clock_mono() of the first sign of life */
};

static void never_asked(void *ctx, const struct sl_http_request *request,
                        struct sl_http_response *response)
{
    (void)ctx;
    (void)request;
    response->status = 500;
}

static int64_t now_seconds(void)
{
    return sl_clock_wall() / SL_NS_PER_S;
}

static void put_policies_in_force(struct sl_policy_store *policies)
{
    struct sl_snapshot *snapshot = sl_snapshot_open();
    sl_snapshot_seal(snapshot);
    sl_policy_store_swap(policies, snapshot, now_seconds());
}

/* Everything is in order. */
static int setup(void **state)
{
    static const struct sl_workload_kinds no_kinds = {.count = 0};
    static const char *const names[] = {"localhost"};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    (void)scratch_setup((void **)&fixture->scratch);
    const char *directory = scratch_path(fixture->scratch, "tls");
    const struct sl_tls_options tls = {.directory = directory};
    const struct sl_http_options options = {
        .address = "127.0.0.1",
        .threads = 1,
        .max_connections = 1,
        .max_body = 1,
        .max_in_flight = 1,
        .request_timeout_ns = SL_NS_PER_S,
        .idle_timeout_ns = SL_NS_PER_S,
        .handler = never_asked,
    };
    assert_int_equal(sl_certs_issue(names, 1, directory, DAYS, now_seconds(), NULL), 0);
    assert_int_equal(sl_tls_store_open(&tls, now_seconds(), &fixture->sources.tls, NULL), 0);
    assert_int_equal(sl_http_server_start(&options, &fixture->server, NULL), 0);
    fixture->sources.server = fixture->server;
    fixture->sources.metrics = sl_metrics_open(&no_kinds, now_seconds());
    fixture->sources.policies = sl_policy_store_open();
    put_policies_in_force(fixture->sources.policies);
    fixture->beat = sl_clock_mono();
    fixture->health = sl_webhook_health_open(&fixture->sources, fixture->beat);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sl_health_close(fixture->health);
    sl_http_server_stop(fixture->server);
    sl_policy_store_close(fixture->sources.policies);
    sl_metrics_close(fixture->sources.metrics);
    sl_tls_store_close(fixture->sources.tls);
    (void)scratch_teardown((void **)&fixture->scratch);
    free(fixture);
    return 0;
}

static void assert_answer(struct fixture *fixture, const char *method, const char *path,
                          unsigned status, const char *text)
{
    const struct sl_http_request request = {
        .method = sl_str_from(method),
        .path = sl_str_from(path),
    };
    struct sl_http_response response = {.status = 200, .body = SL_BUF_INIT(SL_METRICS_MAX)};
    sl_health_handle(fixture->health, &request, &response);
    assert_string_equal(response.body.data, text);
    assert_int_equal(response.status, status);
    assert_string_equal(response.allow == NULL ? "" : response.allow,
                        status == 405 ? "GET, HEAD" : "");
    sl_buf_cleanup(&response.body);
}

static void all_in_order_is_live_and_ready(void **state)
{
    assert_answer(*state, "GET", "/livez", 200, "ok\n");
    assert_answer(*state, "GET", "/readyz", 200, "ok\n");
    assert_answer(*state, "HEAD", "/readyz", 200, "ok\n");
}

static void a_loop_that_stands_still_is_not_live(void **state)
{
    struct fixture *fixture = *state;
    sl_health_beat(fixture->health, fixture->beat - SL_HEALTH_STALE - SL_NS_PER_S);
    assert_answer(*state, "GET", "/livez", 503,
                  "loop: the main loop has not turned for more than 10s\n");
    assert_answer(*state, "GET", "/readyz", 200, "ok\n");
    sl_health_beat(fixture->health, sl_clock_mono());
    assert_answer(*state, "GET", "/livez", 200, "ok\n");
}

static void a_certificate_on_disk_that_cannot_be_served_is_not_ready(void **state)
{
    struct fixture *fixture = *state;
    bool changed = false;
    (void)scratch_write(fixture->scratch, "tls/tls.crt", "nonsense");
    assert_int_equal(sl_tls_store_reload(fixture->sources.tls, now_seconds(), &changed, NULL), -1);
    assert_answer(*state, "GET", "/readyz", 503,
                  "certificate: the one on disk cannot be served; the log says why\n");
}

static void a_certificate_that_has_expired_is_not_ready(void **state)
{
    static const char *const names[] = {"localhost"};
    struct fixture *fixture = *state;
    const char *directory = scratch_path(fixture->scratch, "old");
    const struct sl_tls_options tls = {.directory = directory};
    int64_t then = now_seconds() - DAY_SECONDS * 2 * DAYS;
    assert_int_equal(sl_certs_issue(names, 1, directory, DAYS, then, NULL), 0);
    sl_health_close(sl_steal(&fixture->health));
    sl_tls_store_close(sl_steal(&fixture->sources.tls));
    assert_int_equal(sl_tls_store_open(&tls, then, &fixture->sources.tls, NULL), 0);
    fixture->health = sl_webhook_health_open(&fixture->sources, fixture->beat);
    assert_answer(*state, "GET", "/readyz", 503,
                  "certificate: the one that is served has expired\n");
}

static void every_check_that_fails_has_a_line(void **state)
{
    struct fixture *fixture = *state;
    sl_health_close(sl_steal(&fixture->health));
    sl_policy_store_close(sl_steal(&fixture->sources.policies));
    fixture->sources.policies = sl_policy_store_open();
    fixture->health = sl_webhook_health_open(&fixture->sources, fixture->beat);
    sl_health_stopping(fixture->health);
    assert_answer(*state, "GET", "/readyz", 503,
                  "policies: none were loaded yet; the log says why\n"
                  "shutdown: the webhook is stopping\n");
    assert_answer(*state, "GET", "/livez", 200, "ok\n");
}

static void other_paths_and_methods_are_refused(void **state)
{
    assert_answer(*state, "POST", "/readyz", 405, "only GET and HEAD are answered here\n");
    assert_answer(*state, "POST", "/metrics", 405, "only GET and HEAD are answered here\n");
    assert_answer(*state, "GET", "/healthz", 404,
                  "there is /livez, /readyz and /metrics, and nothing else\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_in_order_is_live_and_ready),
        TEST(a_loop_that_stands_still_is_not_live),
        TEST(a_certificate_on_disk_that_cannot_be_served_is_not_ready),
        TEST(a_certificate_that_has_expired_is_not_ready),
        TEST(every_check_that_fails_has_a_line),
        TEST(other_paths_and_methods_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
