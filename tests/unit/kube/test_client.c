/* The API client against a server that says precisely what is written here: what is sent, what an
 * answer becomes, what a stream's reader sees, and what happens when there is none. */
#include "client_fixture.h"

static const struct sl_resource pods = {.version = SL_STR_INIT("v1"),
                                        .plural = SL_STR_INIT("pods")};
static const struct sl_resource deployments = {.group = SL_STR_INIT("apps"),
                                               .version = SL_STR_INIT("v1"),
                                               .plural = SL_STR_INIT("deployments")};

static void a_request_is_sent_as_the_api_has_it(void **state)
{
    (void)state;
    static const struct {
        struct sl_request request;
        const char *line, *content_type, *body;
    } rows[] = {
        {{.verb = SL_GET, .ns = SL_STR_INIT("web"), .name = SL_STR_INIT("a/b")},
         "GET /api/v1/namespaces/web/pods/a%2Fb HTTP/1.1\r\n",
         NULL,
         ""},
        {{.verb = SL_LIST, .query = SL_STR_INIT("limit=500&continue=x%3D")},
         "GET /api/v1/pods?limit=500&continue=x%3D HTTP/1.1\r\n",
         NULL,
         ""},
        {{.verb = SL_CREATE_OBJECT,
          .ns = SL_STR_INIT("web"),
          .name = SL_STR_INIT("a"),
          .subresource = SL_STR_INIT("eviction"),
          .body = SL_STR_INIT("{}"),
          .dry_run = true},
         "POST /api/v1/namespaces/web/pods/a/eviction?fieldManager=sluice&dryRun=All HTTP/1.1\r\n",
         "\r\nContent-Type: application/json\r\n",
         "{}"},
        {{.verb = SL_UPDATE_OBJECT,
          .name = SL_STR_INIT("a"),
          .body = SL_STR_INIT("{\"a\":1}"),
          .manager = "kubectl-sluice"},
         "PUT /api/v1/pods/a?fieldManager=kubectl-sluice HTTP/1.1\r\n",
         "\r\nContent-Type: application/json\r\n",
         "{\"a\":1}"},
        {{.verb = SL_PATCH_OBJECT,
          .name = SL_STR_INIT("a"),
          .body = SL_STR_INIT("[]"),
          .content_type = "application/json-patch+json"},
         "PATCH /api/v1/pods/a?fieldManager=sluice HTTP/1.1\r\n",
         "\r\nContent-Type: application/json-patch+json\r\n",
         "[]"},
        {{.verb = SL_DELETE_OBJECT, .name = SL_STR_INIT("a"), .dry_run = true},
         "DELETE /api/v1/pods/a?dryRun=All HTTP/1.1\r\n",
         NULL,
         ""},
        {{.verb = SL_DELETE_OBJECT, .name = SL_STR_INIT("a"), .body = SL_STR_INIT("{}")},
         "DELETE /api/v1/pods/a HTTP/1.1\r\n",
         "\r\nContent-Type: application/json\r\n",
         "{}"},
    };
    static const struct scripted_answer answers[] = {
        {{BODY(2, "ok")}, 0}, {{BODY(2, "ok")}, 0}, {{BODY(2, "ok")}, 0}, {{BODY(2, "ok")}, 0},
        {{BODY(2, "ok")}, 0}, {{BODY(2, "ok")}, 0}, {{BODY(2, "ok")}, 0}};
    struct scripted server;
    struct fixture fixture = {.config.token = "s3cret"};
    scripted_start(&server, answers, sizeof answers / sizeof answers[0]);
    open_client(&fixture, server.port, 0, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_request request = rows[i].request;
        request.resource = pods;
        struct sl_reply reply = ask(fixture.client, &request);
        assert_int_equal(reply.status, 200);
        assert_true(sl_str_is(sl_buf_str(&reply.body), "ok"));
        sl_reply_cleanup(&reply);
        const char *text = scripted_request(&server, i);
        assert_int_equal(strncmp(text, rows[i].line, strlen(rows[i].line)), 0);
        assert_string_equal(strstr(text, "\r\n\r\n") + 4, rows[i].body);
        assert_non_null(strstr(text, "\r\nAuthorization: Bearer s3cret\r\n"));
        assert_non_null(strstr(text, "\r\nUser-Agent: sluice/test\r\n"));
        assert_non_null(strstr(text, "\r\nAccept: application/json\r\n"));
        assert_null(strstr(text, "\r\nExpect:"));
        if (rows[i].content_type == NULL) {
            assert_null(strcasestr(text, "\r\nContent-"));
        } else {
            assert_non_null(strstr(text, rows[i].content_type));
        }
    }
    assert_int_equal(server.connections, 1); /* kept alive */
    sl_client_close(fixture.client);
    scripted_stop(&server);
}

static void a_status_object_is_the_error_of_a_reply(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int status;
        enum sl_err_kind kind;
        const char *msg, *reason;
        int64_t retry_after;
    } rows[] = {
        {"HTTP/1.1 404 Not Found\r\n\r\n"
         "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"code\":404,\"message\":\"pods "
         "\\\"a\\\" not found\"}        ",
         404, SL_ERR_NOT_FOUND, "pods \"a\" not found", "NotFound", 0},
        {"HTTP/1.1 409 Conflict\r\n\r\n"
         "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"there\"}",
         409, SL_ERR_CONFLICT, "there", "AlreadyExists", 0},
        {"HTTP/1.1 429 Too Many\r\n\r\n"
         "{\"kind\":\"Status\",\"message\":\"not now\",\"reason\":\"X\",\"details\":{"
         "\"retryAfterSeconds\":90}}",
         429, SL_ERR_TRANSIENT, "not now", "X", 90 * SL_NS_PER_S},
        {"HTTP/1.1 410 Gone\r\n\r\n"
         "{\"kind\":\"Status\",\"reason\":\"Expired\"}",
         410, SL_ERR_GONE, "Expired", "Expired", 0},
        {"HTTP/1.1 403 Forbidden\r\n\r\nno\nsecond one", 403, SL_ERR_DENIED,
         "the server answered 403: no", "", 0},
        {"HTTP/1.1 503 Away\r\nRetry-After: 60\r\n\r\n", 503, SL_ERR_TRANSIENT,
         "the server answered 503", "", 60 * SL_NS_PER_S},
        {"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", 302, SL_ERR_INTERNAL,
         "the server answered 302", "", 0},
        {"HTTP/1.1 422 Unprocessable Entity\r\n\r\n"
         "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"details\":{},\"code\":422,\"message\":"
         "\"the server rejected our request due to an error in our request\"}",
         422, SL_ERR_CONFLICT, "the server rejected our request due to an error in our request",
         "Invalid", 0},
        {"HTTP/1.1 422 No\r\n\r\n{\"kind\":\"A\"}", 422, SL_ERR_INVALID,
         "the server answered 422: {\"kind\":\"A\"}", "", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sl_request request = {
            .verb = SL_GET, .resource = deployments, .name = SL_STR("a")};
        struct scripted server;
        struct fixture fixture = {0};
        const struct scripted_answer answer = {{rows[i].answer}, THEN_CLOSE};
        scripted_start(&server, &answer, 1);
        open_client(&fixture, server.port, 0, 0);
        struct sl_reply reply = ask(fixture.client, &request);
        assert_int_equal(reply.status, rows[i].status);
        assert_int_equal(reply.err.kind, rows[i].kind);
        assert_string_equal(reply.err.msg, rows[i].msg);
        assert_true(sl_str_is(reply.reason, rows[i].reason) ||
                    (rows[i].reason[0] == '\0' && reply.reason.n == 0));
        assert_int_equal(reply.retry_after, rows[i].retry_after);
        sl_reply_cleanup(&reply);
        sl_client_close(fixture.client);
        scripted_stop(&server);
    }
}

static void a_call_returns_the_answer_or_its_error(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {
        {{BODY(2, "ok")}, 0},
        {{"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"}, 0},
    };
    const struct sl_request request = {.verb = SL_LIST, .resource = pods};
    struct scripted server;
    struct fixture fixture = {0};
    struct sl_reply reply = {0};
    struct sl_err err = SL_ERR_INIT;
    scripted_start(&server, answers, 2);
    open_client(&fixture, server.port, 0, 0);
    assert_int_equal(sl_client_call(fixture.client, &request, &reply, &err), 0);
    assert_true(sl_str_is(sl_buf_str(&reply.body), "ok"));
    sl_reply_cleanup(&reply);
    assert_int_equal(sl_client_call(fixture.client, &request, &reply, &err), -1);
    assert_int_equal(err.kind, SL_ERR_NOT_FOUND);
    assert_string_equal(err.msg, "the server answered 404: no");
    sl_client_close(fixture.client);
    scripted_stop(&server);
}

/* --- streams --- */

struct reader {
    unsigned begun; /* empty pieces: an answer begins with one */
    struct sl_client *client;
    struct sl_buf heard;
    size_t cut_at;   /* says false from so many bytes on; 0: never */
    uint64_t cancel; /* is cancelled with the first bytes; 0: none */
    unsigned ends;
    int status;
    struct sl_err err;
};

static bool hear(void *ctx, struct sl_str bytes)
{
    struct reader *reader = ctx;
    reader->begun += bytes.n == 0 ? 1U : 0U;
    sl_buf_addstr(&reader->heard, bytes);
    if (reader->cancel != 0 && bytes.n > 0) {
        sl_client_cancel(reader->client, reader->cancel);
    }
    return reader->cut_at == 0 || reader->heard.len < reader->cut_at;
}

static void hear_end(void *ctx, const struct sl_reply *reply)
{
    struct reader *reader = ctx;
    reader->ends++;
    reader->status = reply->status;
    reader->err = reply->err;
}

static void turn_until_end(struct reader *reader, int64_t within)
{
    int64_t until = sl_clock_mono() + within;
    sl_client_turn(reader->client, sl_clock_mono());
    while (reader->ends == 0 && sl_clock_mono() < until) {
        sl_client_wait(reader->client, NULL, 0, until);
        sl_client_turn(reader->client, sl_clock_mono());
    }
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void a_stream_is_heard_in_pieces_and_ends_once(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer answer;
        int64_t timeout;
        size_t cut_at;
        const char *heard;
        int status;
        enum sl_err_kind kind;
    } rows[] = {
        {{{CHUNKED, "2\r\nab\r\n", "1\r\n", "c", "\r\n0\r\n\r\n"}, THEN_CLOSE},
         0,
         0,
         "abc",
         200,
         SL_ERR_NONE},
        {{{CHUNKED "2\r\nab\r\n"}, THEN_CLOSE}, 0, 0, "ab", 0, SL_ERR_TRANSIENT},
        {{{CHUNKED "2\r\nab\r\n", "1\r\n"}, THEN_RESET}, 0, 0, "ab", 0, SL_ERR_TRANSIENT},
        {{{CHUNKED "2\r\nab\r\n", "2\r\ncd\r\n"}, THEN_HANG},
         300 * SL_NS_PER_MS,
         0,
         "abcd",
         0,
         SL_ERR_TRANSIENT},
        {{{CHUNKED "2\r\nab\r\n", "2\r\ncd\r\n"}, THEN_HANG}, 0, 3, "abcd", 0, SL_ERR_INTERNAL},
        {{{"HTTP/1.1 410 Gone\r\n\r\n"
           "{\"kind\":\"Status\",\"reason\":\"Expired\"}"},
          THEN_CLOSE},
         0,
         0,
         "",
         410,
         SL_ERR_GONE},
    };
    const struct sl_request request = {.verb = SL_WATCH, .resource = pods};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_request watch = request;
        struct scripted server;
        struct fixture fixture = {0};
        struct reader reader = {.heard = SL_BUF_INIT(SL_KIB), .cut_at = rows[i].cut_at};
        const struct sl_stream stream = {.ctx = &reader, .data = hear, .done = hear_end};
        scripted_start(&server, &rows[i].answer, 1);
        open_client(&fixture, server.port, 0, 0);
        reader.client = fixture.client;
        watch.timeout = rows[i].timeout;
        assert_true(sl_client_stream(fixture.client, &watch, &stream, sl_clock_mono()) != 0);
        turn_until_end(&reader, 10 * SL_NS_PER_S);
        assert_int_equal(reader.ends, 1);
        assert_int_equal(reader.status, rows[i].status);
        assert_int_equal(reader.begun, rows[i].heard[0] == '\0' ? 0 : 1);
        assert_int_equal(reader.err.kind, rows[i].kind);
        assert_true(sl_str_is(sl_buf_str(&reader.heard), rows[i].heard));
        assert_non_null(strstr(scripted_request(&server, 0), "GET /api/v1/pods?watch=true HTTP"));
        sl_buf_cleanup(&reader.heard);
        sl_client_close(fixture.client);
        scripted_stop(&server);
    }
}

static void a_stream_may_cancel_itself_from_within_and_hears_no_end(void **state)
{
    (void)state;
    static const struct scripted_answer answer = {{CHUNKED "2\r\nab\r\n", "2\r\ncd\r\n"},
                                                  THEN_HANG};
    const struct sl_request request = {.verb = SL_WATCH, .resource = pods};
    struct scripted server;
    struct fixture fixture = {0};
    struct reader reader = {.heard = SL_BUF_INIT(SL_KIB)};
    const struct sl_stream stream = {.ctx = &reader, .data = hear, .done = hear_end};
    struct sl_client_stats stats = {0};
    scripted_start(&server, &answer, 1);
    open_client(&fixture, server.port, 0, 0);
    reader.client = fixture.client;
    reader.cancel = sl_client_stream(fixture.client, &request, &stream, sl_clock_mono());
    turn_until_end(&reader, 300 * SL_NS_PER_MS);
    assert_int_equal(reader.ends, 0);
    assert_true(sl_str_is(sl_buf_str(&reader.heard), "ab"));
    sl_client_stats(fixture.client, &stats);
    assert_int_equal(stats.under_way + stats.queued, 0);
    sl_buf_cleanup(&reader.heard);
    sl_client_close(fixture.client);
    scripted_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_sent_as_the_api_has_it),
        cmocka_unit_test(a_status_object_is_the_error_of_a_reply),
        cmocka_unit_test(a_call_returns_the_answer_or_its_error),
        cmocka_unit_test(a_stream_is_heard_in_pieces_and_ends_once),
        cmocka_unit_test(a_stream_may_cancel_itself_from_within_and_hears_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
