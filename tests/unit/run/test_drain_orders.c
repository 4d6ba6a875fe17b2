/* Pods that are marked because their eviction waits: the request of each, that each is under way
 * once, and what is said of failures. The client is a list of what was sent. */
#include "log_capture.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "run/webhook/drain_orders.h"

#define NOW SL_NS_PER_S
#define SENT_MAX 512

static struct {
    void *tags[SENT_MAX];
    size_t count;
    char path[128], body[512]; /* of the last */
} sent;

uint64_t sl_client_send(struct sl_client *client, const struct sl_request *request, void *tag,
                        int64_t now)
{
    assert_null(client);
    assert_int_equal(now, NOW);
    assert_true(sent.count < SENT_MAX);
    assert_int_equal(request->verb, SL_PATCH_OBJECT);
    assert_true(request->timeout > 0 && request->timeout <= 10 * SL_NS_PER_S);
    (void)snprintf(sent.path, sizeof sent.path, "%.*s %.*s/%.*s as %s",
                   SL_STR_FMT(request->resource.plural), SL_STR_FMT(request->ns),
                   SL_STR_FMT(request->name), request->content_type);
    (void)snprintf(sent.body, sizeof sent.body, "%.*s", SL_STR_FMT(request->body));
    sent.tags[sent.count++] = tag;
    return sent.count;
}

static int setup(void **state)
{
    struct sl_drain_orders *orders = NULL;
    assert_int_equal(sl_drain_orders_open(&orders, NULL), 0);
    memset(&sent, 0, sizeof sent);
    *state = orders;
    return 0;
}

static int teardown(void **state)
{
    sl_drain_orders_close(*state);
    return 0;
}

/* An order whose texts are gone as soon as it was added. */
static void add(struct sl_drain_orders *orders, unsigned number)
{
    char uid[16];
    (void)snprintf(uid, sizeof uid, "u-%u", number);
    const struct sl_drain_order order = {
        .ns = SL_STR("shop"),
        .name = SL_STR("web-0"),
        .uid = sl_str_from(uid),
        .resource_version = SL_STR("7"),
        .annotation = SL_STR("{\"op\":\"evict\"}"),
    };
    sl_drain_orders_add(orders, &order);
    memset(uid, 'x', sizeof uid);
}

static void send_all(struct sl_drain_orders *orders)
{
    sl_drain_orders_send(orders, NULL, NOW);
}

static bool wakes(const struct sl_drain_orders *orders)
{
    struct pollfd fd = {.fd = sl_drain_orders_fd(orders), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

/* The answer to what was sent as number `index`; appends what is logged of it. */
static void answer(struct sl_drain_orders *orders, size_t index, enum sl_err_kind kind,
                   struct sl_buf *log)
{
    struct sl_reply reply = {.tag = sent.tags[index]};
    struct log_capture capture;
    if (kind != SL_ERR_NONE) {
        (void)sl_err_set(&reply.err, kind, "no");
    }
    log_capture_begin(&capture);
    sl_drain_orders_reply(orders, &reply);
    log_capture_end(&capture, log);
}

static void a_pod_gets_its_annotation_if_it_is_still_the_same(void **state)
{
    assert_false(wakes(*state));
    add(*state, 1);
    assert_true(wakes(*state));
    send_all(*state);
    assert_false(wakes(*state));
    assert_int_equal(sent.count, 1);
    assert_string_equal(sent.path, "pods shop/web-0 as application/merge-patch+json");
    assert_string_equal(sent.body,
                        "{\"metadata\":{\"uid\":\"u-1\",\"resourceVersion\":\"7\",\"annotations\":{"
                        "\"sluice.dev/drain\":\"{\\\"op\\\":\\\"evict\\\"}\"}}}");
    send_all(*state);
    assert_int_equal(sent.count, 1); /* once */
}

static void a_pod_that_is_under_way_is_not_sent_again(void **state)
{
    SL_AUTO(sl_buf) struct sl_buf log = SL_BUF_INIT(SL_MIB);
    struct sl_drain_orders_stats stats;
    add(*state, 1);
    add(*state, 1);
    send_all(*state);
    add(*state, 1);
    assert_false(wakes(*state));
    add(*state, 2);
    send_all(*state);
    assert_int_equal(sent.count, 2);
    answer(*state, 0, SL_ERR_NONE, &log);
    add(*state, 1);
    send_all(*state);
    assert_int_equal(sent.count, 3);
    sl_drain_orders_stats(*state, &stats);
    assert_int_equal(stats.done, 1);
    assert_int_equal(stats.failed, 0);
}

static void failures_are_counted_and_said_once(void **state)
{
    static const struct {
        enum sl_err_kind kind;
        const char *line; /* part of it; NULL: nothing is said */
    } rows[] = {
        {SL_ERR_CONFLICT, NULL}, /* the pod changed meanwhile */
        {SL_ERR_NOT_FOUND, NULL},
        {SL_ERR_DENIED, "cannot have a pod drained that is to be evicted"},
        {SL_ERR_TRANSIENT, NULL},
        {SL_ERR_CONFLICT, NULL},
        {SL_ERR_DENIED, NULL},
        {SL_ERR_NONE, "can have pods drained again"},
        {SL_ERR_NONE, NULL},
        {SL_ERR_TRANSIENT, "cannot have a pod drained that is to be evicted"},
    };
    struct sl_drain_orders_stats stats;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf log = SL_BUF_INIT(SL_MIB);
        add(*state, 1);
        send_all(*state);
        answer(*state, i, rows[i].kind, &log);
        bool said = rows[i].line != NULL && log.len > 0 && strstr(log.data, rows[i].line) != NULL;
        if (said != (log.len > 0) || (rows[i].line != NULL && !said)) {
            fail_msg("row %zu: %s", i, log.len == 0 ? "nothing" : log.data);
        }
    }
    sl_drain_orders_stats(*state, &stats);
    assert_int_equal(stats.done, 2);
    assert_int_equal(stats.failed, 7);
}

static void more_than_fit_are_turned_away_and_counted(void **state)
{
    SL_AUTO(sl_buf) struct sl_buf log = SL_BUF_INIT(SL_MIB);
    struct sl_drain_orders_stats stats;
    for (unsigned i = 0; i < SL_DRAIN_ORDERS_MAX + 3; i++) {
        add(*state, i);
    }
    send_all(*state);
    assert_int_equal(sent.count, SL_DRAIN_ORDERS_MAX);
    sl_drain_orders_stats(*state, &stats);
    assert_int_equal(stats.failed, 3);
    answer(*state, 17, SL_ERR_NONE, &log);
    add(*state, SL_DRAIN_ORDERS_MAX);
    send_all(*state);
    assert_int_equal(sent.count, SL_DRAIN_ORDERS_MAX + 1);
}

#define THREADS 4
#define ROUNDS 40

static struct sl_drain_orders *shared;

static void *order_on(void *first)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        add(shared, *(unsigned *)first + i);
    }
    return NULL;
}

static void threads_order_while_the_loop_sends_and_takes_answers(void **state)
{
    struct sl_drain_orders_stats stats = {.done = 0};
    pthread_t threads[THREADS];
    unsigned firsts[THREADS];
    size_t answered = 0;
    shared = *state;
    for (unsigned i = 0; i < THREADS; i++) {
        firsts[i] = i * ROUNDS;
        assert_int_equal(pthread_create(&threads[i], NULL, order_on, &firsts[i]), 0);
    }
    while (stats.done < (uint64_t)THREADS * ROUNDS) {
        send_all(*state);
        for (; answered < sent.count; answered++) {
            struct sl_reply reply = {.tag = sent.tags[answered]};
            sl_drain_orders_reply(*state, &reply);
        }
        sl_drain_orders_stats(*state, &stats);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(sent.count, THREADS * ROUNDS);
    assert_int_equal(stats.failed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pod_gets_its_annotation_if_it_is_still_the_same),
        TEST(a_pod_that_is_under_way_is_not_sent_again),
        TEST(failures_are_counted_and_said_once),
        TEST(more_than_fit_are_turned_away_and_counted),
        TEST(threads_order_while_the_loop_sends_and_takes_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
