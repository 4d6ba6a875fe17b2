/* The HTTP answer to each kind of request, on one thread and on several. */
#include "log_capture.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "codec/json.h"
#include "codec/timestamp.h"
#include "codec/yaml.h"
#include "core/records/evictee.h"
#include "run/webhook/admission_handler.h"

#define TIMEOUT (10 * SL_NS_PER_S)
#define ANSWER_MAX (64 * SL_KIB)
#define UID "0a1b2c3d-1111-2222-3333-444455556666"

static const char policy[] = "{\"apiVersion\":\"sluice.dev/"
                             "v1alpha1\",\"kind\":\"TrafficPolicy\",\"metadata\":{\"namespace\":"
                             "\"shop\",\"name\":\"web\"},\"spec\":{\"selector\":{}}}";

static const char running_pod[] =
    "{\"metadata\":{\"namespace\":\"shop\",\"name\":\"p\",\"uid\":\"u-p\",\"resourceVersion\":"
    "\"7\","
    "\"labels\":{\"sluice.dev/traffic-policy\":\"web\"}},\"status\":{\"phase\":\"Running\"}}";

#define REVIEW(operation, group, resource, object)                                                 \
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":"   \
    "\"" UID "\",\"kind\":{\"group\":\"" group "\",\"version\":\"v1\",\"kind\":\"Any\"},"          \
    "\"resource\":{\"group\":\"" group "\",\"version\":\"v1\",\"resource\":\"" resource "\"},"     \
    "\"namespace\":\"shop\",\"operation\":\"" operation "\",\"userInfo\":{\"username\":\"alice\"}" \
    ",\"object\":" object ",\"oldObject\":null}}"
#define POD                                                                                        \
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":\"shop\"}" \
    ",\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}"
#define CREATE_POD REVIEW("CREATE", "", "pods", POD)
#define BAD_POLICY                                                                                 \
    REVIEW("CREATE", "sluice.dev", "trafficpolicies",                                              \
           "{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"TrafficPolicy\",\"metadata\":{"     \
           "\"name\":\"x\"},\"spec\":{}}")

#define EVICTION                                                                                   \
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":"   \
    "\"" UID "\",\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},"          \
    "\"subResource\":\"eviction\",\"namespace\":\"shop\",\"name\":\"p\",\"operation\":"            \
    "\"CREATE\",\"object\":{\"kind\":\"Eviction\",\"metadata\":{\"name\":\"p\"}}}}"

struct fixture {
    struct sl_admit_config config;
    struct sl_evictee_set *evictees;
    struct sl_drain_orders *orders;
    struct sl_record *pod; /* of the set */
    struct sl_policy_store *policies;
    struct sl_metrics *metrics;
    struct sl_admission_handler *handler;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->policies = sl_policy_store_open();
    fixture->metrics = sl_metrics_open(&fixture->config.workloads, 0);

    SL_AUTO(sl_json) struct json_object *document = NULL;
    struct sl_snapshot *snapshot = sl_snapshot_open();
    struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(snapshot));
    assert_int_equal(sl_json_parse(sl_str_from(policy), &document, NULL), 0);
    sl_snapshot_add(snapshot, document, &fixture->config.workloads, &problems);
    assert_int_equal(problems.count, 0);
    sl_snapshot_seal(snapshot);
    sl_policy_store_swap(fixture->policies, snapshot, 1);

    fixture->evictees = sl_evictee_set_open();
    assert_int_equal(sl_drain_orders_open(&fixture->orders, NULL), 0);
    assert_int_equal(sl_evictee_record_decode(sl_str_from(running_pod), &fixture->pod, NULL), 0);
    sl_evictee_set_changed(fixture->evictees, NULL, fixture->pod);
    const struct sl_admission_handler_options options = {
        .config = &fixture->config,
        .policies = fixture->policies,
        .metrics = fixture->metrics,
        .request_timeout = TIMEOUT,
        .evictees = fixture->evictees,
        .orders = fixture->orders,
    };
    assert_int_equal(sl_admission_handler_open(&options, &fixture->handler, NULL), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sl_admission_handler_close(fixture->handler);
    sl_drain_orders_close(fixture->orders);
    sl_evictee_set_close(fixture->evictees);
    sl_record_free(fixture->pod);
    sl_metrics_close(fixture->metrics);
    sl_policy_store_close(fixture->policies);
    free(fixture);
    return 0;
}

/* A request that was just received, unless a case says how long ago. */
static struct sl_http_request request_of(const char *method, const char *path, const char *type,
                                         const char *body)
{
    return (struct sl_http_request){
        .method = sl_str_from(method),
        .path = sl_str_from(path),
        .content_type = sl_str_from(type),
        .body = sl_str_from(body),
        .received = sl_clock_mono(),
    };
}

static struct sl_http_response handle(const struct fixture *fixture,
                                      const struct sl_http_request *request)
{
    struct sl_http_response response = {
        .status = 200,
        .content_type = "text/plain; charset=utf-8",
        .body = SL_BUF_INIT(ANSWER_MAX),
    };
    sl_admission_handle(fixture->handler, request, &response);
    return response;
}

struct answer_case {
    const char *name;
    const char *method, *path, *type, *body;
    unsigned status;
    const char *part; /* of the answer */
};

static const struct answer_case cases[] = {
    {"a pod that matches is patched", "POST", "/mutate", "application/json", CREATE_POD, 200,
     "\"allowed\":true,\"patchType\":\"JSONPatch\""},
    {"parameters of the type are allowed", "POST", "/mutate", "application/json; charset=utf-8",
     CREATE_POD, 200, "\"uid\":\"" UID "\""},
    {"the type is in any case", "POST", "/mutate", "Application/JSON ", CREATE_POD, 200, UID},
    {"a policy that is wrong is denied with 200", "POST", "/validate", "application/json",
     BAD_POLICY, 200, "\"allowed\":false"},
    {"/mutate does not validate", "POST", "/mutate", "application/json", BAD_POLICY, 200,
     "\"allowed\":true}"},
    {"/validate does not mutate", "POST", "/validate", "application/json", CREATE_POD, 200,
     "\"allowed\":true}"},
    {"what is no JSON", "POST", "/mutate", "application/json", "{", 400,
     "cannot read the AdmissionReview: "},
    {"an empty body", "POST", "/mutate", "application/json", "", 400,
     "cannot read the AdmissionReview: "},
    {"JSON of another kind", "POST", "/mutate", "application/json", "{\"kind\":\"Pod\"}", 400,
     "kind must be AdmissionReview"},
    {"another type", "POST", "/mutate", "application/yaml", CREATE_POD, 415, "application/json"},
    {"a longer type", "POST", "/mutate", "application/jsonp", CREATE_POD, 415, "application/json"},
    {"no type", "POST", "/mutate", NULL, CREATE_POD, 415, "application/json"},
    {"another method", "GET", "/mutate", "application/json", "", 405, "only POST"},
    {"another path", "POST", "/mutate/", "application/json", CREATE_POD, 404, "/validate"},
    {"the root", "GET", "/", NULL, "", 404, "/mutate"},
};

static void every_kind_of_request_has_its_answer(void **state)
{
    const struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct answer_case *one = &cases[i];
        const struct sl_http_request request =
            request_of(one->method, one->path, one->type, one->body);
        struct sl_http_response response = handle(fixture, &request);
        if (response.status != one->status || strstr(response.body.data, one->part) == NULL) {
            fail_msg("%s: %u %s", one->name, response.status, response.body.data);
        }
        assert_string_equal(response.content_type,
                            one->status == 200 ? "application/json" : "text/plain; charset=utf-8");
        assert_true(one->status == 200 || response.body.len < 2 * SL_KIB);
        assert_string_equal(response.allow == NULL ? "" : response.allow,
                            one->status == 405 ? "POST" : "");
        assert_int_equal(response.retry_after, 0);
        sl_buf_cleanup(&response.body);
    }
}

static const struct {
    const char *timeout; /* of the query */
    int64_t age;         /* nanoseconds since the request was received */
    unsigned status;
} deadlines[] = {
    {NULL, 0, 200},
    {NULL, TIMEOUT - SL_NS_PER_S, 200},
    {NULL, TIMEOUT, 503},
    {"2s", 2 * SL_NS_PER_S, 503},
    {"2s", SL_NS_PER_S, 200},
    {"1h", TIMEOUT, 503},
    {"soon", 5 * SL_NS_PER_S, 200},
    {"-1s", 5 * SL_NS_PER_S, 200},
    {"0s", 5 * SL_NS_PER_S, 200},
    {"", 5 * SL_NS_PER_S, 200},
};

static void who_has_stopped_waiting_gets_no_decision(void **state)
{
    const struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
        struct sl_http_request request =
            request_of("POST", "/mutate", "application/json", CREATE_POD);
        request.timeout = sl_str_from(deadlines[i].timeout);
        request.received -= deadlines[i].age;
        struct sl_http_response response = handle(fixture, &request);
        assert_int_equal(response.status, deadlines[i].status);
        assert_string_equal(response.content_type, deadlines[i].status == 200
                                                       ? "application/json"
                                                       : "text/plain; charset=utf-8");
        sl_buf_cleanup(&response.body);
    }
}

static void an_answer_that_does_not_fit_is_a_fault_of_ours(void **state)
{
    const struct fixture *fixture = *state;
    const struct sl_http_request request =
        request_of("POST", "/mutate", "application/json", CREATE_POD);
    struct sl_http_response response = {.status = 200, .body = SL_BUF_INIT(100)};
    sl_admission_handle(fixture->handler, &request, &response);
    assert_int_equal(response.status, 500);
    assert_string_equal(response.body.data, "the answer is larger than 100 bytes\n");
    sl_buf_cleanup(&response.body);
}

static void answers_are_counted(void **state)
{
    const struct fixture *fixture = *state;
    const struct sl_metrics_sample sample = {.policies = 0};
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct sl_http_request request =
            request_of(cases[i].method, cases[i].path, cases[i].type, cases[i].body);
        struct sl_http_response response = handle(fixture, &request);
        sl_buf_cleanup(&response.body);
    }
    sl_metrics_write(fixture->metrics, &sample, &text);
    static const char *const lines[] = {
        "requests_total{webhook=\"/mutate\",code=\"200\"} 4\n",
        "requests_total{webhook=\"/mutate\",code=\"400\"} 3\n",
        "requests_total{webhook=\"/mutate\",code=\"405\"} 1\n",
        "requests_total{webhook=\"/mutate\",code=\"415\"} 3\n",
        "requests_total{webhook=\"/validate\",code=\"200\"} 2\n",
        "requests_in_flight{webhook=\"/mutate\"} 0\n",
        "{resource=\"pods\",operation=\"CREATE\",outcome=\"patched\"} 3\n",
        "{resource=\"trafficpolicies.sluice.dev\",operation=\"CREATE\",outcome=\"denied\"} 1\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (strstr(text.data, lines[i]) == NULL) {
            fail_msg("no \"%s\" in %s", lines[i], text.data);
        }
    }
}

static void of_bad_requests_one_line_a_second_is_logged(void **state)
{
    struct sl_http_request request = request_of("POST", "/mutate", "application/json", "{");
    static const struct {
        int64_t after;
        const char *line; /* part of it; NULL: there is none */
    } rows[] = {
        {0, "\"leftOut\":0}"},   {1, NULL},
        {SL_NS_PER_S - 1, NULL}, {SL_NS_PER_S, "\"leftOut\":2}"},
        {SL_NS_PER_S + 1, NULL}, {3 * SL_NS_PER_S, "\"leftOut\":1}"},
    };
    int64_t began = request.received;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf log = SL_BUF_INIT(ANSWER_MAX);
        request.received = began + rows[i].after;
        struct log_capture capture;
        log_capture_begin(&capture);
        struct sl_http_response response = handle(*state, &request);
        log_capture_end(&capture, &log);
        assert_int_equal(response.status, 400);
        sl_buf_cleanup(&response.body);
        if (rows[i].line == NULL) {
            assert_int_equal(log.len, 0);
        } else {
            assert_non_null(strstr(log.data, "a request was not understood"));
            assert_non_null(strstr(log.data, rows[i].line));
        }
    }
}

static bool has_order(const struct fixture *fixture)
{
    struct pollfd fd = {.fd = sl_drain_orders_fd(fixture->orders), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

/* Appends what is logged of one eviction, which must be told to wait, to `log`. */
static void evict(const struct fixture *fixture, struct sl_buf *log)
{
    const struct sl_http_request request =
        request_of("POST", "/mutate", "application/json", EVICTION);
    struct log_capture capture;
    log_capture_begin(&capture);
    struct sl_http_response response = handle(fixture, &request);
    log_capture_end(&capture, log);
    assert_int_equal(response.status, 200);
    assert_non_null(strstr(response.body.data, "\"retryAfterSeconds\":5},\"code\":429}"));
    sl_buf_cleanup(&response.body);
}

static void an_eviction_that_waits_has_its_pod_marked_and_remembered(void **state)
{
    const struct fixture *fixture = *state;
    const struct sl_evictees known = sl_evictee_set_known(fixture->evictees);
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf log = SL_BUF_INIT(ANSWER_MAX);
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_METRICS_MAX);
    const struct sl_metrics_sample sample = {.policies = 0};
    struct sl_evictee pod;
    assert_false(has_order(fixture));
    evict(fixture, &log);
    assert_true(has_order(fixture));
    assert_non_null(strstr(log.data, "\"resource\":\"pods/eviction\""));
    assert_true(known.find(known.pods, SL_STR("shop"), SL_STR("p"), &arena, &pod));
    assert_true(pod.asked.first > 0);
    sl_metrics_write(fixture->metrics, &sample, &text);
    assert_non_null(strstr(text.data, "sluice_evictions_total{outcome=\"waits\"} 1\n"));
}

/* Whoever has given up asks again: then it is marked. */
static void an_eviction_that_was_too_late_marks_nothing(void **state)
{
    const struct fixture *fixture = *state;
    struct sl_http_request request = request_of("POST", "/mutate", "application/json", EVICTION);
    request.received -= TIMEOUT;
    struct sl_http_response response = handle(fixture, &request);
    assert_int_equal(response.status, 503);
    assert_false(has_order(fixture));
    sl_buf_cleanup(&response.body);
}

static void an_eviction_that_still_waits_is_not_logged_again(void **state)
{
    struct fixture *fixture = *state;
    SL_AUTO(sl_buf) struct sl_buf log = SL_BUF_INIT(ANSWER_MAX);
    SL_AUTO(sl_buf) struct sl_buf json = SL_BUF_INIT(ANSWER_MAX);
    char since[SL_TIMESTAMP_SIZE];
    char deadline[SL_TIMESTAMP_SIZE];
    int64_t now = sl_clock_wall();
    struct sl_record *before = fixture->pod;
    sl_timestamp_write_micro(now, since);
    sl_timestamp_write_micro(now + 60 * SL_NS_PER_S, deadline);
    sl_buf_addf(
        &json,
        "{\"metadata\":{\"namespace\":\"shop\",\"name\":\"p\",\"uid\":\"u-p\",\"labels\":{"
        "\"sluice.dev/traffic-policy\":\"web\"},\"annotations\":{\"sluice.dev/drain\":\"{"
        "\\\"op\\\":\\\"evict\\\",\\\"since\\\":\\\"%s\\\",\\\"deadline\\\":\\\"%s\\\"}\"}},"
        "\"status\":{\"phase\":\"Running\"}}",
        since, deadline);
    assert_int_equal(sl_evictee_record_decode(sl_buf_str(&json), &fixture->pod, NULL), 0);
    sl_evictee_set_changed(fixture->evictees, before, fixture->pod);
    sl_record_free(before);
    evict(fixture, &log);
    assert_int_equal(log.len, 0);
    assert_false(has_order(fixture));
}

#define THREADS 4
#define ROUNDS 500

static void *ask_again_and_again(void *argument)
{
    const struct fixture *fixture = argument;
    uintptr_t wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        const struct sl_http_request request =
            request_of("POST", "/mutate", "application/json", i % 7 == 0 ? "{" : CREATE_POD);
        struct sl_http_response response = handle(fixture, &request);
        bool right = i % 7 == 0 ? response.status == 400
                                : strstr(response.body.data, "\"patch\":\"") != NULL;
        wrong += right ? 0 : 1;
        sl_buf_cleanup(&response.body);
    }
    return (void *)wrong; // NOLINT(performance-no-int-to-ptr): pthread's way to return a number
}

static void threads_do_not_share_their_working_memory(void **state)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_again_and_again, *state), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_request_has_its_answer),
        TEST(who_has_stopped_waiting_gets_no_decision),
        TEST(an_answer_that_does_not_fit_is_a_fault_of_ours),
        TEST(answers_are_counted),
        TEST(of_bad_requests_one_line_a_second_is_logged),
        TEST(an_eviction_that_waits_has_its_pod_marked_and_remembered),
        TEST(an_eviction_that_was_too_late_marks_nothing),
        TEST(an_eviction_that_still_waits_is_not_logged_again),
        TEST(threads_do_not_share_their_working_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
