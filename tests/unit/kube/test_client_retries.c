/* The API client when things go wrong or have to wait: what is tried again and what is not,
 * deadlines, the rate limit, cancelling, sleeping. Where no answer is needed, time is made up. */
#include "client_fixture.h"

#include <poll.h>

#define UID_BODY "{\"preconditions\":{\"uid\":\"u\"}}"
#define RESET_ANSWER                                                                               \
    {                                                                                              \
        {NULL}, THEN_RESET                                                                         \
    }
#define CLOSE_ANSWER                                                                               \
    {                                                                                              \
        {NULL}, THEN_CLOSE                                                                         \
    }
#define LATER(status, seconds)                                                                     \
    {                                                                                              \
        {"HTTP/1.1 " status "\r\nRetry-After: " seconds "\r\nContent-Length: 0\r\n\r\n"},          \
            THEN_KEEP                                                                              \
    }
#define OK_ANSWER                                                                                  \
    {                                                                                              \
        {BODY(2, "ok")}, THEN_KEEP                                                                 \
    }

static const struct sl_resource pods = {.version = SL_STR_INIT("v1"),
                                        .plural = SL_STR_INIT("pods")};

static void what_was_not_done_is_tried_again_where_that_is_safe(void **state)
{
    (void)state;
    static const struct {
        enum sl_verb verb;
        int status;
        struct sl_str body;
        struct scripted_answer answers[6];
        size_t requests;
    } rows[] = {
        {SL_GET, 200, {0}, {RESET_ANSWER, CLOSE_ANSWER, OK_ANSWER}, 3},
        {SL_LIST, 200, {0}, {RESET_ANSWER, OK_ANSWER}, 2},
        {SL_PATCH_OBJECT, 200, SL_STR_INIT("{}"), {LATER("429 Later", "1"), OK_ANSWER}, 2},
        {SL_DELETE_OBJECT, 200, SL_STR_INIT(UID_BODY), {LATER("503 Later", "1"), OK_ANSWER}, 2},
        {SL_DELETE_OBJECT, 0, SL_STR_INIT("{}"), {RESET_ANSWER, OK_ANSWER}, 1},
        {SL_CREATE_OBJECT, 0, SL_STR_INIT("{}"), {RESET_ANSWER, OK_ANSWER}, 1},
        {SL_UPDATE_OBJECT, 429, SL_STR_INIT("{}"), {LATER("429 Later", "1"), OK_ANSWER}, 1},
        /* no word when; beyond the deadline; an answer that was cut; no end of it */
        {SL_GET, 500, {0}, {LATER("500 Broken", "0"), OK_ANSWER}, 1},
        {SL_GET, 429, {0}, {LATER("429 Later", "60"), OK_ANSWER}, 1},
        {SL_GET, 0, {0}, {{{BODY(9, "cut")}, THEN_CLOSE}, OK_ANSWER}, 1},
        {SL_GET,
         0,
         {0},
         {RESET_ANSWER, RESET_ANSWER, RESET_ANSWER, RESET_ANSWER, RESET_ANSWER, OK_ANSWER},
         5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sl_request request = {
            .verb = rows[i].verb, .resource = pods, .name = SL_STR("a"), .body = rows[i].body};
        struct scripted server;
        struct fixture fixture = {0};
        struct sl_client_stats stats = {0};
        scripted_start(&server, rows[i].answers, 6);
        open_client(&fixture, server.port, 0, 0);
        struct sl_reply reply = ask(fixture.client, &request);
        assert_int_equal(reply.status, rows[i].status);
        assert_int_equal(reply.err.kind, rows[i].status == 200 ? SL_ERR_NONE : SL_ERR_TRANSIENT);
        assert_int_equal(scripted_count(&server), rows[i].requests);
        sl_client_stats(fixture.client, &stats);
        assert_int_equal(stats.calls[request.verb][rows[i].status / 100],
                         rows[i].status == 0 ? rows[i].requests : 1);
        sl_reply_cleanup(&reply);
        sl_client_close(fixture.client);
        scripted_stop(&server);
    }
}

static void a_server_that_is_not_there_is_named(void **state)
{
    (void)state;
    const struct sl_request request = {.verb = SL_LIST, .resource = pods};
    struct fixture fixture = {0};
    open_client(&fixture, 1, 0, 0);
    struct sl_reply reply = ask(fixture.client, &request);
    assert_int_equal(reply.status, 0);
    assert_int_equal(reply.err.kind, SL_ERR_TRANSIENT);
    assert_non_null(strstr(reply.err.msg, "http://127.0.0.1:1: "));
    assert_non_null(strstr(reply.err.msg, "onnect"));
    sl_reply_cleanup(&reply);
    sl_client_close(fixture.client);
}

static void a_server_that_is_no_url_is_refused(void **state)
{
    (void)state;
    static const char *const servers[] = {"",           "ftp://a",           "https://",
                                          "http://a b", "https://me:pw@a:1", "file:///etc/passwd"};
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        const struct sl_kube_config config = {.server = servers[i]};
        const struct sl_client_options options = {.config = &config, .user_agent = "x"};
        struct sl_client *client = NULL;
        struct sl_err err = SL_ERR_INIT;
        assert_int_equal(sl_client_open(&options, &client, &err), -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        assert_null(strstr(err.msg, "pw"));
        assert_null(client);
    }
}

static void a_query_that_is_too_long_is_not_cut(void **state)
{
    (void)state;
    static char query[64 * SL_KIB];
    const struct sl_request request = {
        .verb = SL_LIST, .resource = pods, .query = {.p = query, .n = sizeof query}};
    struct fixture fixture = {0};
    memset(query, 'x', sizeof query);
    open_client(&fixture, 1, 0, 0);
    struct sl_reply reply = ask(fixture.client, &request);
    assert_int_equal(reply.err.kind, SL_ERR_INVALID);
    assert_string_equal(reply.err.msg, "the request's path and query are larger than 65536 bytes");
    sl_reply_cleanup(&reply);
    sl_client_close(fixture.client);
}

/* --- made-up time, against a server that never answers --- */

static const struct scripted_answer silence = {{NULL}, THEN_HANG};

static bool ignore_data(void *ctx, struct sl_str bytes)
{
    (void)ctx;
    (void)bytes;
    return true;
}

static void count_end(void *ctx, const struct sl_reply *reply)
{
    (void)reply;
    ++*(unsigned *)ctx;
}

static void expect_stats(const struct sl_client *client, size_t under_way, size_t queued)
{
    struct sl_client_stats stats = {0};
    sl_client_stats(client, &stats);
    assert_int_equal(stats.under_way, under_way);
    assert_int_equal(stats.queued, queued);
}

static void the_rate_limit_holds_everything_but_watches(void **state)
{
    (void)state;
    const struct sl_request list = {.verb = SL_LIST, .resource = pods};
    const struct sl_request watch = {.verb = SL_WATCH, .resource = pods};
    const int64_t start = 1000 * SL_NS_PER_S;
    unsigned ends = 0;
    const struct sl_stream stream = {.ctx = &ends, .data = ignore_data, .done = count_end};
    struct scripted server;
    struct fixture fixture = {0};
    scripted_start(&server, &silence, 1);
    open_client(&fixture, server.port, 2, 3);
    for (unsigned i = 0; i < 8; i++) {
        (void)sl_client_send(fixture.client, &list, NULL, start);
    }
    (void)sl_client_stream(fixture.client, &watch, &stream, start);
    sl_client_turn(fixture.client, start);
    expect_stats(fixture.client, 4, 5); /* the burst, and the watch */
    sl_client_turn(fixture.client, start + SL_NS_PER_S / 2 - 1);
    expect_stats(fixture.client, 4, 5);
    sl_client_turn(fixture.client, start + SL_NS_PER_S / 2);
    expect_stats(fixture.client, 5, 4);
    sl_client_turn(fixture.client, start + 20 * SL_NS_PER_S); /* no more than the burst at once */
    expect_stats(fixture.client, 8, 1);
    sl_client_close(fixture.client);
    scripted_stop(&server);
    assert_int_equal(ends, 0); /* closing tells nobody */
}

static void no_more_than_32_calls_are_under_way(void **state)
{
    (void)state;
    const struct sl_request list = {.verb = SL_LIST, .resource = pods};
    struct scripted server;
    struct fixture fixture = {0};
    uint64_t first = 0;
    scripted_start(&server, &silence, 1);
    open_client(&fixture, server.port, 0, 0);
    for (unsigned i = 0; i < 40; i++) {
        uint64_t id = sl_client_send(fixture.client, &list, NULL, 0);
        first = first == 0 ? id : first;
    }
    sl_client_turn(fixture.client, 0);
    expect_stats(fixture.client, 32, 8);
    sl_client_cancel(fixture.client, first);
    sl_client_turn(fixture.client, 0);
    expect_stats(fixture.client, 32, 7);
    sl_client_close(fixture.client);
    scripted_stop(&server);
}

static void a_deadline_ends_a_call_wherever_it_is(void **state)
{
    (void)state;
    const struct sl_request list = {
        .verb = SL_LIST, .resource = pods, .timeout = 5 * SL_NS_PER_S / 2};
    struct scripted server;
    struct fixture fixture = {0};
    struct sl_reply reply = {0};
    scripted_start(&server, &silence, 1);
    open_client(&fixture, server.port, 0.001, 1); /* the second one is never sent */
    uint64_t first = sl_client_send(fixture.client, &list, NULL, 0);
    uint64_t second = sl_client_send(fixture.client, &list, NULL, 0);
    sl_client_turn(fixture.client, 0);
    sl_client_turn(fixture.client, list.timeout - 1);
    expect_stats(fixture.client, 1, 1);
    assert_false(sl_client_take(fixture.client, &reply));
    sl_client_turn(fixture.client, list.timeout);
    expect_stats(fixture.client, 0, 0);
    assert_true(sl_client_take(fixture.client, &reply));
    assert_true(reply.id == first);
    assert_int_equal(reply.err.kind, SL_ERR_TRANSIENT);
    assert_non_null(strstr(reply.err.msg, ": no answer within 2.5 s"));
    assert_true(sl_client_take(fixture.client, &reply));
    assert_true(reply.id == second);
    assert_non_null(strstr(reply.err.msg, ": not sent, others are waiting too, within 2.5 s"));
    assert_false(sl_client_take(fixture.client, &reply));
    sl_client_close(fixture.client);
    scripted_stop(&server);
}

struct listener {
    size_t bytes;
    unsigned ends;
    struct sl_reply end; /* without its body */
};

static bool listen_to(void *ctx, struct sl_str bytes)
{
    struct listener *listener = ctx;
    listener->bytes += bytes.n;
    return true;
}

static void note_end(void *ctx, const struct sl_reply *reply)
{
    struct listener *listener = ctx;
    listener->ends++;
    listener->end = *reply;
}

/* Turns with one made-up time until the stream has ended, or has been heard beyond `bytes`. */
static void turn_at(struct sl_client *client, const struct listener *listener, size_t bytes,
                    int64_t now)
{
    int64_t until = sl_clock_mono() + 20 * SL_NS_PER_S;
    while (listener->ends == 0 && listener->bytes <= bytes) {
        assert_true(sl_clock_mono() < until);
        sl_client_turn(client, now);
        (void)usleep(1000);
    }
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CHUNK "1\r\nx\r\n"

static void a_call_that_is_late_cuts_the_connections_of_a_silent_server_alone(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer answer;
        bool is_silent;
    } rows[] = {
        {{{CHUNKED CHUNK}, THEN_HANG}, true},
        {{{CHUNKED CHUNK, CHUNK, CHUNK, CHUNK, CHUNK, CHUNK, CHUNK "0\r\n\r\n"}, THEN_CLOSE},
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sl_request watch = {.verb = SL_WATCH, .resource = pods};
        const struct sl_request list = {
            .verb = SL_LIST, .resource = pods, .timeout = 10 * SL_NS_PER_S};
        const int64_t start = 1000 * SL_NS_PER_S;
        struct listener listener = {0};
        const struct sl_stream stream = {.ctx = &listener, .data = listen_to, .done = note_end};
        struct scripted server;
        struct fixture fixture = {0};
        struct sl_reply reply = {0};
        scripted_start(&server, &rows[i].answer, 1);
        open_client(&fixture, server.port, 0, 0);
        (void)sl_client_stream(fixture.client, &watch, &stream, start);
        turn_at(fixture.client, &listener, 0, start);
        (void)sl_client_send(fixture.client, &list, NULL, start); /* waits in the listen queue */
        sl_client_turn(fixture.client, start);
        if (!rows[i].is_silent) {
            turn_at(fixture.client, &listener, listener.bytes, start + 6 * SL_NS_PER_S);
        }
        sl_client_turn(fixture.client, start + list.timeout);
        assert_true(sl_client_take(fixture.client, &reply));
        assert_non_null(strstr(reply.err.msg, "no answer within 10 s"));
        turn_at(fixture.client, &listener, SIZE_MAX, start + list.timeout);
        assert_int_equal(listener.ends, 1);
        assert_int_equal(listener.end.status, rows[i].is_silent ? 0 : 200);
        assert_int_equal(listener.end.err.kind, rows[i].is_silent ? SL_ERR_TRANSIENT : SL_ERR_NONE);
        sl_client_close(fixture.client);
        scripted_stop(&server);
    }
}

static void an_error_without_end_is_not_read_to_its_end(void **state)
{
    (void)state;
    static char text[2 * SL_MIB];
    static struct scripted_answer answer = {{"HTTP/1.1 500 Broken\r\n\r\n", text}, THEN_CLOSE};
    const struct sl_request watch = {.verb = SL_WATCH, .resource = pods};
    struct listener listener = {0};
    const struct sl_stream stream = {.ctx = &listener, .data = listen_to, .done = note_end};
    struct scripted server;
    struct fixture fixture = {0};
    memset(text, 'x', sizeof text - 1);
    scripted_start(&server, &answer, 1);
    open_client(&fixture, server.port, 0, 0);
    (void)sl_client_stream(fixture.client, &watch, &stream, sl_clock_mono());
    turn_at(fixture.client, &listener, 0, sl_clock_mono());
    assert_int_equal(listener.bytes, 0);
    assert_int_equal(listener.end.err.kind, SL_ERR_INTERNAL);
    assert_non_null(strstr(listener.end.err.msg, "the answer is larger than 1048576 bytes"));
    sl_client_close(fixture.client);
    scripted_stop(&server);
}

static void what_is_cancelled_has_no_reply(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {OK_ANSWER, OK_ANSWER};
    const struct sl_request list = {.verb = SL_LIST, .resource = pods};
    struct scripted server;
    struct fixture fixture = {0};
    struct sl_reply reply = {0};
    scripted_start(&server, answers, 2);
    open_client(&fixture, server.port, 0, 0);
    uint64_t waits = sl_client_send(fixture.client, &list, NULL, sl_clock_mono());
    sl_client_cancel(fixture.client, waits);
    uint64_t under_way = sl_client_send(fixture.client, &list, NULL, sl_clock_mono());
    sl_client_turn(fixture.client, sl_clock_mono());
    sl_client_cancel(fixture.client, under_way);
    uint64_t finished = sl_client_send(fixture.client, &list, NULL, sl_clock_mono());
    struct sl_client_stats stats = {0};
    while (stats.calls[SL_LIST][2] == 0) {
        sl_client_turn(fixture.client, sl_clock_mono());
        sl_client_wait(fixture.client, NULL, 0, sl_clock_mono() + SL_NS_PER_S);
        sl_client_stats(fixture.client, &stats);
    }
    sl_client_cancel(fixture.client, finished);
    sl_client_cancel(fixture.client, 12345);
    assert_false(sl_client_take(fixture.client, &reply));
    expect_stats(fixture.client, 0, 0);
    sl_client_close(fixture.client);
    scripted_stop(&server);
}

static void sleeping_ends_when_something_can_move(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {OK_ANSWER};
    const struct sl_request list = {.verb = SL_LIST, .resource = pods};
    struct scripted server;
    struct fixture fixture = {0};
    struct sl_reply reply = {0};
    int ends[2];
    scripted_start(&server, answers, 1);
    open_client(&fixture, server.port, 0, 0);
    assert_int_equal(pipe(ends), 0);
    struct pollfd fds[] = {{.fd = ends[0], .events = POLLIN}};

    int64_t start = sl_clock_mono();
    sl_client_wait(fixture.client, fds, 1, start + 30 * SL_NS_PER_MS);
    assert_true(sl_clock_mono() - start >= 30 * SL_NS_PER_MS);
    assert_int_equal(fds[0].revents, 0);

    int64_t far = start + 60 * SL_NS_PER_S;
    assert_int_equal(write(ends[1], "x", 1), 1);
    sl_client_wait(fixture.client, fds, 1, far);
    assert_int_equal(fds[0].revents, POLLIN);
    (void)close(ends[1]);
    sl_client_wait(fixture.client, fds, 1, far);
    assert_int_equal(fds[0].revents, POLLIN | POLLHUP);

    (void)sl_client_send(fixture.client, &list, NULL, sl_clock_mono());
    struct sl_client_stats stats = {0};
    while (stats.calls[SL_LIST][2] == 0) {
        sl_client_turn(fixture.client, sl_clock_mono());
        sl_client_wait(fixture.client, NULL, 0, far);
        sl_client_stats(fixture.client, &stats);
    }
    sl_client_wait(fixture.client, NULL, 0, far); /* a reply is there to be taken */
    assert_true(sl_client_take(fixture.client, &reply));
    sl_reply_cleanup(&reply);
    assert_true(sl_clock_mono() - start < 20 * SL_NS_PER_S);
    (void)close(ends[0]);
    sl_client_close(fixture.client);
    scripted_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_done_is_tried_again_where_that_is_safe),
        cmocka_unit_test(a_server_that_is_not_there_is_named),
        cmocka_unit_test(a_server_that_is_no_url_is_refused),
        cmocka_unit_test(a_query_that_is_too_long_is_not_cut),
        cmocka_unit_test(the_rate_limit_holds_everything_but_watches),
        cmocka_unit_test(no_more_than_32_calls_are_under_way),
        cmocka_unit_test(a_deadline_ends_a_call_wherever_it_is),
        cmocka_unit_test(a_call_that_is_late_cuts_the_connections_of_a_silent_server_alone),
        cmocka_unit_test(an_error_without_end_is_not_read_to_its_end),
        cmocka_unit_test(what_is_cancelled_has_no_reply),
        cmocka_unit_test(sleeping_ends_when_something_can_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
