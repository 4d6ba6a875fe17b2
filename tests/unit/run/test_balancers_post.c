/* POSTs that nobody waits for: what is sent, what comes of every sort of answer and of none, and
 * that a thread is woken for it by descriptors and times alone. */
#include "../kube/scripted.h"
#include "scratch.h"

#include <sys/epoll.h>

#include "net/certs.h"
#include "net/http_server.h"
#include "net/tls_store.h"
#include "run/balancers/post.h"

struct waiting {
    struct sl_posts *posts;
    int epoll;
};

static void watch(void *ctx, int fd, uint32_t events)
{
    const struct waiting *waiting = ctx;
    struct epoll_event event = {.events = events};
    if (events == 0) {
        (void)epoll_ctl(waiting->epoll, EPOLL_CTL_DEL, fd, NULL);
    } else if (epoll_ctl(waiting->epoll, EPOLL_CTL_MOD, fd, &event) != 0) {
        assert_int_equal(epoll_ctl(waiting->epoll, EPOLL_CTL_ADD, fd, &event), 0);
    }
}

static void open_posts(struct waiting *waiting, int64_t timeout)
{
    const struct sl_posts_options options = {.watch = watch, .ctx = waiting, .timeout = timeout};
    waiting->epoll = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(sl_posts_open(&options, &waiting->posts, NULL), 0);
}

static void close_posts(struct waiting *waiting)
{
    sl_posts_close(waiting->posts);
    (void)close(waiting->epoll);
}

/* Sleeps as the reconciler does: a post that forgot to say what wakes it would never come back. */
static void take(struct waiting *waiting, struct sl_post_reply *ret_reply)
{
    int64_t until = sl_clock_mono() + 20 * SL_NS_PER_S;
    while (!sl_posts_take(waiting->posts, ret_reply)) {
        struct epoll_event event;
        int64_t now = sl_clock_mono();
        int64_t due = sl_posts_due(waiting->posts);
        int64_t left = (due < until ? due : until) - now;
        assert_true(now < until);
        (void)epoll_wait(waiting->epoll, &event, 1, left <= 0 ? 0 : (int)(left / SL_NS_PER_MS) + 1);
        sl_posts_turn(waiting->posts, sl_clock_mono());
    }
}

static const char *url_of(uint16_t port)
{
    static char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/members?of=web", port);
    return url;
}

static void a_body_is_posted_as_json_and_the_answer_comes_back(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {
        {{"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\n", "ye", "s!"}, THEN_KEEP},
        {{"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"}, THEN_CLOSE},
    };
    struct waiting waiting;
    struct scripted server;
    struct sl_post_reply reply;
    int tags[2];
    open_posts(&waiting, 10 * SL_NS_PER_S);
    scripted_start(&server, answers, 2);
    for (int i = 0; i < 2; i++) {
        (void)sl_post_send(waiting.posts, url_of(server.port), SL_STR("{\"a\":1}"), &tags[i],
                           sl_clock_mono());
        take(&waiting, &reply);
        assert_ptr_equal(reply.tag, &tags[i]);
        assert_int_equal(reply.err.kind, SL_ERR_NONE);
        assert_int_equal(reply.status, i == 0 ? 202 : 500);
        assert_string_equal(reply.body.data, i == 0 ? "yes!" : "no");
        sl_buf_cleanup(&reply.body);
        const char *request = scripted_request(&server, (size_t)i);
        assert_non_null(strstr(request, "POST /members?of=web HTTP/1.1\r\n"));
        assert_non_null(strstr(request, "\r\nContent-Type: application/json\r\n"));
        assert_non_null(strstr(request, "\r\n\r\n{\"a\":1}"));
    }
    assert_int_equal(server.connections, 1);
    close_posts(&waiting);
    scripted_stop(&server);
}

static void what_is_no_answer_says_why(void **state)
{
    (void)state;
    static char large[SL_POST_ANSWER_MAX + 100];
    (void)snprintf(large, sizeof large, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%*s",
                   (int)SL_POST_ANSWER_MAX + 1, "x");
    const struct {
        struct scripted_answer answer;
        const char *says;
        int64_t timeout;
    } rows[] = {
        {{{large}, THEN_CLOSE}, "larger than 65536 bytes", 10 * SL_NS_PER_S},
        {{{""}, THEN_HANG}, "timed out", 200 * SL_NS_PER_MS},
        {{{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "half"}, THEN_HANG},
         "timed out",
         200 * SL_NS_PER_MS},
        {{{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"}, THEN_CLOSE}, "", 10 * SL_NS_PER_S},
        {{{""}, THEN_RESET}, "", 10 * SL_NS_PER_S},
        {{{"SSH-2.0\r\n"}, THEN_CLOSE}, "", 10 * SL_NS_PER_S},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct waiting waiting;
        struct scripted server;
        struct sl_post_reply reply;
        open_posts(&waiting, rows[i].timeout);
        scripted_start(&server, &rows[i].answer, 1);
        (void)sl_post_send(waiting.posts, url_of(server.port), SL_STR("{}"), NULL, sl_clock_mono());
        int64_t began = sl_clock_mono();
        take(&waiting, &reply);
        assert_true(sl_clock_mono() - began < 9 * SL_NS_PER_S);
        assert_int_equal(reply.err.kind, SL_ERR_TRANSIENT);
        if (reply.err.msg[0] == '\0' || strstr(reply.err.msg, rows[i].says) == NULL) {
            fail_msg("row %zu: %s", i, reply.err.msg);
        }
        sl_buf_cleanup(&reply.body);
        close_posts(&waiting);
        scripted_stop(&server);
    }
}

static void a_redirect_is_an_answer_like_any_other(void **state)
{
    (void)state;
    static const struct scripted_answer answer = {
        {"HTTP/1.1 307 Away\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"}, THEN_CLOSE};
    struct waiting waiting;
    struct scripted server;
    struct sl_post_reply reply;
    open_posts(&waiting, 10 * SL_NS_PER_S);
    scripted_start(&server, &answer, 1);
    (void)sl_post_send(waiting.posts, url_of(server.port), SL_STR("{}"), NULL, sl_clock_mono());
    take(&waiting, &reply);
    assert_int_equal(reply.status, 307);
    assert_int_equal(scripted_count(&server), 1);
    sl_buf_cleanup(&reply.body);
    close_posts(&waiting);
    scripted_stop(&server);
}

static void several_are_under_way_at_once_and_any_can_be_cancelled(void **state)
{
    (void)state;
    static const struct scripted_answer answer = {{""}, THEN_HANG};
    struct waiting waiting;
    struct scripted server;
    struct sl_post_reply reply;
    int refused = 0;
    open_posts(&waiting, 10 * SL_NS_PER_S);
    scripted_start(&server, &answer, 1);
    struct sl_post *hangs =
        sl_post_send(waiting.posts, url_of(server.port), SL_STR("{}"), NULL, sl_clock_mono());
    struct sl_post *waits =
        sl_post_send(waiting.posts, url_of(server.port), SL_STR("{}"), NULL, sl_clock_mono());
    (void)sl_post_send(waiting.posts, "http://127.0.0.1:1/", SL_STR("{}"), &refused,
                       sl_clock_mono());
    take(&waiting, &reply); /* nobody listens on port 1: it does not wait for the others */
    assert_ptr_equal(reply.tag, &refused);
    assert_int_equal(reply.err.kind, SL_ERR_TRANSIENT);
    sl_buf_cleanup(&reply.body);
    sl_post_cancel(hangs);
    sl_post_cancel(waits);
    sl_post_cancel(NULL);
    sl_posts_turn(waiting.posts, sl_clock_mono());
    assert_false(sl_posts_take(waiting.posts, &reply));
    assert_true(sl_posts_due(waiting.posts) == INT64_MAX);
    close_posts(&waiting);
    scripted_stop(&server);
}

static void greet(void *ctx, const struct sl_http_request *request,
                  struct sl_http_response *response)
{
    (void)request;
    *(bool *)ctx = true;
    sl_buf_adds(&response->body, "{\"done\":true}");
}

/* Its certificate is of an authority that this system does not know. */
static void a_server_that_nobody_vouches_for_hears_nothing(void **state)
{
    static const char *const names[] = {"localhost"};
    struct scratch *scratch = *state;
    struct sl_tls_store *store = NULL;
    struct sl_http_server *server = NULL;
    struct waiting waiting;
    struct sl_post_reply reply;
    bool heard = false;
    char url[64];
    int64_t now = sl_clock_wall() / SL_NS_PER_S;
    assert_int_equal(sl_certs_issue(names, 1, scratch_path(scratch, "server"), 1, now, NULL), 0);
    const struct sl_tls_options tls = {.directory = scratch_path(scratch, "server")};
    assert_int_equal(sl_tls_store_open(&tls, now, &store, NULL), 0);
    const struct sl_http_options options = {
        .address = "127.0.0.1",
        .threads = 1,
        .max_connections = 16,
        .max_body = SL_KIB,
        .max_in_flight = SL_KIB,
        .request_timeout_ns = 10 * SL_NS_PER_S,
        .idle_timeout_ns = 100 * SL_NS_PER_S,
        .tls = store,
        .handler = greet,
        .ctx = &heard,
    };
    assert_int_equal(sl_http_server_start(&options, &server, NULL), 0);
    (void)snprintf(url, sizeof url, "https://localhost:%u/", sl_http_server_port(server));
    open_posts(&waiting, 10 * SL_NS_PER_S);
    (void)sl_post_send(waiting.posts, url, SL_STR("{}"), NULL, sl_clock_mono());
    take(&waiting, &reply);
    assert_int_equal(reply.status, 0);
    assert_non_null(strstr(reply.err.msg, "certificate"));
    sl_buf_cleanup(&reply.body);
    close_posts(&waiting);
    sl_http_server_stop(server);
    sl_tls_store_close(store);
    assert_false(heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_posted_as_json_and_the_answer_comes_back),
        cmocka_unit_test(what_is_no_answer_says_why),
        cmocka_unit_test(a_redirect_is_an_answer_like_any_other),
        cmocka_unit_test(several_are_under_way_at_once_and_any_can_be_cancelled),
        cmocka_unit_test_setup_teardown(a_server_that_nobody_vouches_for_hears_nothing,
                                        scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
