/* When files are read again, what is logged of it, and that it is logged once. Time is passed in:
 * nothing here waits. */
#include "scratch.h"

#include "log_capture.h"
#include "net/certs.h"
#include "run/webhook/inputs.h"

#define T0 (1000 * SL_NS_PER_S)
#define RETRY (10 * SL_NS_PER_S)
#define MINUTE (60 * SL_NS_PER_S)
#define DAY_SECONDS INT64_C(86400)
#define DAY (DAY_SECONDS * SL_NS_PER_S)

#define POLICY                                                                                     \
    "apiVersion: sluice.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {namespace: shop, name: a}\n" \
    "spec: {selector: {}}\n"
#define BAD_POLICIES "policies cannot be loaded; those before stay in force"
#define BAD_CERTIFICATE "the certificate cannot be loaded; the one before is served on"
#define ENDS_SOON "the certificate that is served ends soon"
#define EXPIRED "the certificate that is served has expired"
#define EXPOSED "tls.key can be read by every user"

struct fixture {
    struct scratch *scratch;
    struct sl_config config;
    struct sl_inputs_options options;
    struct sl_inputs *inputs;
    struct sl_buf log; /* of the last step */
};

static int64_t now_seconds(void)
{
    return sl_clock_wall() / SL_NS_PER_S;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->log = (struct sl_buf)SL_BUF_INIT(SL_MIB);
    (void)scratch_setup((void **)&fixture->scratch);
    (void)scratch_write(fixture->scratch, "policies/a.yaml", POLICY);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sl_inputs_close(fixture->inputs);
    sl_tls_store_close(fixture->options.tls);
    sl_metrics_close(fixture->options.metrics);
    sl_policy_store_close(fixture->options.policies);
    sl_config_cleanup(&fixture->config);
    sl_buf_cleanup(&fixture->log);
    (void)scratch_teardown((void **)&fixture->scratch);
    free(fixture);
    return 0;
}

static void issue(struct fixture *fixture, const char *relative, unsigned days, int64_t at)
{
    static const char *const names[] = {"localhost"};
    const char *directory = scratch_path(fixture->scratch, relative);
    assert_int_equal(sl_certs_issue(names, 1, directory, days, at, NULL), 0);
}

/* Opens everything at T0, over a certificate that was issued at `at` seconds. */
static void open_inputs(struct fixture *fixture, const char *more_tls, int64_t at)
{
    struct sl_err err = SL_ERR_INIT;
    const char *root = fixture->scratch->root;
    const char *text = sl_arena_printf(
        &fixture->scratch->arena, "tls: {directory: %s/tls%s}\npolicies: {paths: [%s/policies]}\n",
        root, more_tls, root);
    struct sl_inputs_options *options = &fixture->options;
    assert_int_equal(sl_config_parse("c", sl_str_from(text), &fixture->config, &err), 0);
    options->config = &fixture->config;
    options->policies = sl_policy_store_open();
    options->metrics = sl_metrics_open(&fixture->config.admission.workloads, at);
    assert_int_equal(sl_inputs_open_certificate(&fixture->config, at, &options->tls, &err), 0);
    struct log_capture capture;
    log_capture_begin(&capture);
    int result = sl_inputs_open(options, T0, &fixture->inputs, &err);
    log_capture_end(&capture, &fixture->log);
    assert_int_equal(result, 0);
}

static void open_usual(struct fixture *fixture)
{
    issue(fixture, "tls", 30, now_seconds());
    open_inputs(fixture, "", now_seconds());
}

static void turn(struct fixture *fixture, int64_t now)
{
    struct log_capture capture;
    sl_buf_reset(&fixture->log);
    log_capture_begin(&capture);
    sl_inputs_turn(fixture->inputs, now);
    log_capture_end(&capture, &fixture->log);
}

/* What changed on disk is noticed, and read once it has settled. */
static void take_change(struct fixture *fixture, int64_t now)
{
    turn(fixture, now);
    assert_int_equal(fixture->log.len, 0);
    turn(fixture, now + SL_INPUTS_SETTLE);
}

static void assert_logged(const struct fixture *fixture, const char *message, size_t times)
{
    size_t found = 0;
    const char *at = fixture->log.data == NULL ? "" : fixture->log.data;
    for (; fixture->log.len > 0 && (at = strstr(at, message)) != NULL; at++) {
        found++;
    }
    if (found != times) {
        fail_msg("\"%s\" was logged %zu times, not %zu", message, found, times);
    }
}

static void policies_that_are_not_there_yet_are_taken_when_they_are(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(
        rename(scratch_path(fixture->scratch, "policies"), scratch_path(fixture->scratch, "away")),
        0);
    open_usual(fixture);
    assert_logged(fixture, BAD_POLICIES, 1);
    assert_int_equal(
        rename(scratch_path(fixture->scratch, "away"), scratch_path(fixture->scratch, "policies")),
        0);
    turn(fixture, T0 + RETRY - 1);
    assert_int_equal(sl_policy_store_loaded(fixture->options.policies), 0);
    turn(fixture, T0 + RETRY);
    assert_logged(fixture, "policies loaded", 1);
    assert_true(sl_policy_store_loaded(fixture->options.policies) > 0);
    (void)scratch_write(fixture->scratch, "policies/a.yaml", ""); /* watched from now on */
    take_change(fixture, T0 + RETRY + 1);
    assert_logged(fixture, "\"trafficPolicies\":0", 1);
}

static void a_failure_is_logged_once_until_it_is_mended_or_asked_for(void **state)
{
    struct fixture *fixture = *state;
    open_usual(fixture);
    assert_logged(fixture, "policies loaded", 1);
    (void)scratch_write(fixture->scratch, "policies/a.yaml", "a: [");
    take_change(fixture, T0);
    assert_logged(fixture, BAD_POLICIES, 1);
    turn(fixture, T0 + RETRY + SL_INPUTS_SETTLE);
    assert_int_equal(fixture->log.len, 0);
    sl_inputs_want_policies(fixture->inputs, T0 + RETRY + SL_INPUTS_SETTLE);
    turn(fixture, T0 + RETRY + SL_INPUTS_SETTLE);
    assert_logged(fixture, BAD_POLICIES, 1);
    (void)scratch_write(fixture->scratch, "policies/a.yaml", POLICY);
    take_change(fixture, T0 + RETRY + 2 * SL_INPUTS_SETTLE);
    assert_logged(fixture, "policies loaded", 1);
    (void)scratch_write(fixture->scratch, "policies/a.yaml", "a: [");
    take_change(fixture, T0 + RETRY + 4 * SL_INPUTS_SETTLE);
    assert_logged(fixture, BAD_POLICIES, 1);
}

static void the_certificate_is_read_every_minute(void **state)
{
    struct fixture *fixture = *state;
    open_usual(fixture);
    assert_int_equal(sl_inputs_due(fixture->inputs), T0 + MINUTE);
    turn(fixture, T0 + MINUTE);
    assert_int_equal(sl_inputs_due(fixture->inputs), T0 + 2 * MINUTE);
    assert_int_equal(fixture->log.len, 0);
}

static void a_certificate_that_is_mended_is_said(void **state)
{
    struct fixture *fixture = *state;
    open_usual(fixture);
    const char *path = scratch_path(fixture->scratch, "tls/tls.crt");
    SL_AUTO(sl_buf) struct sl_buf good = SL_BUF_INIT(SL_MIB);
    assert_int_equal(sl_file_read(path, &good, NULL), 0);
    (void)scratch_write(fixture->scratch, "tls/tls.crt", "nonsense");
    take_change(fixture, T0);
    assert_logged(fixture, BAD_CERTIFICATE, 1);
    turn(fixture, T0 + SL_INPUTS_SETTLE + RETRY);
    assert_int_equal(fixture->log.len, 0);
    (void)scratch_write(fixture->scratch, "tls/tls.crt", good.data);
    take_change(fixture, T0 + SL_INPUTS_SETTLE + RETRY);
    assert_logged(fixture, "the certificate on disk is the one that is served again", 1);
    turn(fixture, T0 + 10 * MINUTE);
    assert_int_equal(fixture->log.len, 0);
}

static void the_client_ca_is_watched(void **state)
{
    struct fixture *fixture = *state;
    issue(fixture, "tls", 30, now_seconds());
    issue(fixture, "clients", 30, now_seconds());
    const char *more = sl_arena_printf(&fixture->scratch->arena, ", clientCA: %s/clients/ca.crt",
                                       fixture->scratch->root);
    open_inputs(fixture, more, now_seconds());
    (void)scratch_write(fixture->scratch, "clients/ca.crt", "nonsense");
    take_change(fixture, T0);
    assert_logged(fixture, BAD_CERTIFICATE, 1);
}

static void the_last_week_of_a_certificate_is_warned_of_once_a_day(void **state)
{
    struct fixture *fixture = *state;
    issue(fixture, "tls", 3, now_seconds());
    open_inputs(fixture, "", now_seconds());
    assert_logged(fixture, ENDS_SOON, 1);
    turn(fixture, T0 + MINUTE);
    turn(fixture, T0 + DAY - 1);
    assert_logged(fixture, ENDS_SOON, 0);
    turn(fixture, T0 + DAY + MINUTE);
    assert_logged(fixture, ENDS_SOON, 1);
    issue(fixture, "tls", 30, now_seconds());
    take_change(fixture, T0 + DAY + MINUTE + 1);
    assert_logged(fixture, "certificate loaded", 1);
    turn(fixture, T0 + 3 * DAY);
    assert_logged(fixture, ENDS_SOON, 0);
}

static void a_certificate_that_expired_is_said_once(void **state)
{
    struct fixture *fixture = *state;
    int64_t then = now_seconds() - 2 * DAY_SECONDS;
    issue(fixture, "tls", 1, then);
    open_inputs(fixture, "", then);
    assert_logged(fixture, EXPIRED, 1);
    assert_logged(fixture, ENDS_SOON, 0);
    turn(fixture, T0 + MINUTE);
    assert_logged(fixture, EXPIRED, 0);
}

static void a_key_that_everybody_can_read_is_said(void **state)
{
    struct fixture *fixture = *state;
    issue(fixture, "tls", 30, now_seconds());
    assert_int_equal(chmod(scratch_path(fixture->scratch, "tls/tls.key"), 0644), 0);
    open_inputs(fixture, "", now_seconds());
    assert_logged(fixture, EXPOSED, 1);
    assert_true(sl_inputs_key_is_exposed(&fixture->config));
    assert_int_equal(symlink(".", scratch_path(fixture->scratch, "tls/..data")), 0);
    assert_false(sl_inputs_key_is_exposed(&fixture->config));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(policies_that_are_not_there_yet_are_taken_when_they_are),
        TEST(a_failure_is_logged_once_until_it_is_mended_or_asked_for),
        TEST(the_certificate_is_read_every_minute),
        TEST(a_certificate_that_is_mended_is_said),
        TEST(the_client_ca_is_watched),
        TEST(the_last_week_of_a_certificate_is_warned_of_once_a_day),
        TEST(a_certificate_that_expired_is_said_once),
        TEST(a_key_that_everybody_can_read_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
