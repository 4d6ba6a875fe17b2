/* The HTTP server over real sockets on the loopback, without TLS. Time is a parameter of the sweep:
 * nothing here waits for a timeout to pass. */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/http_private.h"

#define MAX_BODY (20 * SL_KIB)
#define MAX_IN_FLIGHT (32 * SL_KIB)
#define REQUEST_TIMEOUT (10 * SL_NS_PER_S)
#define IDLE_TIMEOUT (120 * SL_NS_PER_S)

/* In place of the system's: the next connections turn out to be aborted by their peers. */
static atomic_int aborted;

int accept4(int fd, struct sockaddr *addr, socklen_t *addr_len, int flags)
{
    if (atomic_load(&aborted) > 0) {
        atomic_fetch_sub(&aborted, 1);
        errno = ECONNABORTED;
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, addr, addr_len, flags);
}

static void keep(void *buffer)
{
    (void)buffer;
}

/* In place of libmicrohttpd's, which calls it too: there is no memory for an answer. */
static atomic_bool answerless;

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer,
                                                     enum MHD_ResponseMemoryMode mode)
{
    if (atomic_load(&answerless)) {
        return NULL;
    }
    return MHD_create_response_from_buffer_with_free_callback(
        size, buffer, mode == MHD_RESPMEM_MUST_FREE ? free : keep);
}

/* Answers with what it was asked, and to GET /large with more than socket buffers hold. */
static void echo(void *ctx, const struct sl_http_request *request,
                 struct sl_http_response *response)
{
    (void)ctx;
    if (sl_str_is(request->path, "/large")) {
        assert_true(sl_buf_reserve(&response->body, SL_HTTP_ANSWER_MAX));
        memset(response->body.data, 'x', SL_HTTP_ANSWER_MAX);
        response->body.len = SL_HTTP_ANSWER_MAX;
        return;
    }
    if (sl_str_is(request->path, "/too-large")) {
        (void)sl_buf_reserve(&response->body, SL_HTTP_ANSWER_MAX + 1);
        return;
    }
    if (sl_str_is(request->path, "/refuse")) {
        response->status = 405;
        response->allow = "POST";
        response->retry_after = 7;
        response->content_type = "application/json";
        return;
    }
    sl_buf_addf(&response->body,
                "%.*s %.*s type=%.*s timeout=%.*s body=%zu:", SL_STR_FMT(request->method),
                SL_STR_FMT(request->path), SL_STR_FMT(request->content_type),
                SL_STR_FMT(request->timeout), request->body.n);
    sl_buf_addstr(&response->body, request->body);
}

static struct sl_http_server *start(unsigned max_connections)
{
    const struct sl_http_options options = {
        .address = "127.0.0.1",
        .threads = 2,
        .max_connections = max_connections,
        .max_body = MAX_BODY,
        .max_in_flight = MAX_IN_FLIGHT,
        .request_timeout_ns = REQUEST_TIMEOUT,
        .idle_timeout_ns = IDLE_TIMEOUT,
        .handler = echo,
    };
    struct sl_http_server *server = NULL;
    struct sl_err err = SL_ERR_INIT;
    if (sl_http_server_start(&options, &server, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return server;
}

static int setup(void **state)
{
    *state = start(64);
    return 0;
}

static int teardown(void **state)
{
    sl_http_server_stop(*state);
    return 0;
}

static int try_dial(const struct sl_http_server *server)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    const struct timeval patience = {.tv_sec = 20};
    const int small = 4096;
    assert_return_code(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), errno);
    assert_return_code(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), errno);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(sl_http_server_port(server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static int dial(const struct sl_http_server *server)
{
    int fd = try_dial(server);
    assert_true(fd >= 0);
    return fd;
}

/* Stops early, and says so, when the server closes. */
static bool transmit(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent < 0) {
            assert_true(errno == EPIPE || errno == ECONNRESET);
            return false;
        }
        bytes += sent;
        count -= (size_t)sent;
    }
    return true;
}

static void say(int fd, const char *text)
{
    assert_true(transmit(fd, text, strlen(text)));
}

static void say_n(int fd, char byte, size_t count)
{
    char *bytes = malloc(count);
    assert_non_null(bytes);
    memset(bytes, byte, count);
    (void)transmit(fd, bytes, count);
    free(bytes);
}

struct answer {
    unsigned status; /* 0: the connection ended instead */
    char head[4096];
    struct sl_buf body;
};

static bool read_head(int fd, struct answer *answer)
{
    size_t n = 0;
    answer->head[0] = '\0';
    while (n < sizeof answer->head - 1 && strstr(answer->head, "\r\n\r\n") == NULL) {
        ssize_t got = recv(fd, answer->head + n, 1, 0);
        assert_true(got >= 0 || errno == ECONNRESET);
        if (got <= 0) {
            return false;
        }
        answer->head[++n] = '\0';
    }
    static const char version[] = "HTTP/1.1 ";
    assert_memory_equal(answer->head, version, sizeof version - 1);
    answer->status = (unsigned)strtoul(answer->head + sizeof version - 1, NULL, 10);
    return true;
}

/* One answer with its body; `bodiless` for HEAD and 100. */
static struct answer listen_to(int fd, bool bodiless)
{
    struct answer answer = {.body = SL_BUF_INIT(SL_MIB)};
    if (!read_head(fd, &answer)) {
        answer.status = 0;
        return answer;
    }
    const char *length = strcasestr(answer.head, "content-length: ");
    size_t left = length == NULL || bodiless ? 0 : strtoul(length + 16, NULL, 10);
    char step[4096];
    while (left > 0) {
        ssize_t got = recv(fd, step, left < sizeof step ? left : sizeof step, 0);
        assert_true(got > 0);
        sl_buf_add(&answer.body, step, (size_t)got);
        left -= (size_t)got;
    }
    sl_buf_addc(&answer.body, '\0');
    return answer;
}

static void expect_end(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
}

static struct sl_http_stats stats_of(const struct sl_http_server *server)
{
    struct sl_http_stats stats;
    sl_http_server_stats(server, &stats);
    return stats;
}

/* The server's threads need a moment; the test fails by its last comparison when they need too
 * long. */
static void await(const struct sl_http_server *server, unsigned connections, unsigned in_flight,
                  size_t bytes)
{
    struct sl_http_stats stats = stats_of(server);
    for (int i = 0; i < 20000 && (stats.connections != connections ||
                                  stats.in_flight != in_flight || stats.bytes != bytes);
         i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = SL_NS_PER_MS}, NULL);
        stats = stats_of(server);
    }
    assert_int_equal(stats.connections, connections);
    assert_int_equal(stats.in_flight, in_flight);
    assert_int_equal(stats.bytes, bytes);
}

static void sweep_after(struct sl_http_server *server, int64_t ns)
{
    sl_http_server_sweep(server, sl_clock_mono() + ns);
}

/* Sweeps until nobody is left, since a connection is counted a moment before it has its deadline.
 * Each is to be cut, and counted, once all the same. */
static void cut_all(struct sl_http_server *server, int64_t ns)
{
    for (int i = 0; i < 20000 && stats_of(server).connections > 0; i++) {
        sweep_after(server, ns);
        (void)nanosleep(&(struct timespec){.tv_nsec = SL_NS_PER_MS}, NULL);
    }
    await(server, 0, 0, 0);
}

struct exchange {
    const char *name;
    const char *head; /* what is sent first */
    size_t fill;      /* then this many bytes 'x' */
    const char *tail; /* and this */
    const char *with; /* a header of the answer */
    const char *body; /* its text */
    unsigned status;  /* 0: the connection ends without an answer */
    bool ends;        /* the server closes after it */
};

#define OVER "the request's body is too large\n"
#define MALFORMED                                                                                  \
    "the request is malformed: one Host, one Content-Length or Transfer-Encoding: chunked, "       \
    "no space or NUL in the URI\n"

static const struct exchange exchanges[] = {
    {"GET", "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 0, "",
     "Content-Type: text/plain; charset=utf-8\r\n", "GET /metrics type= timeout= body=0:", 200,
     false},
    {"HEAD", "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n", 0, "", "Content-Length: 30\r\n", "", 200,
     false},
    {"POST",
     "POST /m?timeout=10s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
     "2\r\n\r\n{}",
     0, "", NULL, "POST /m type=application/json timeout=10s body=2:{}", 200, false},
    {"escaped path and a second argument",
     "POST /a%20b?x=1&timeout=3s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 0, "", NULL,
     "POST /a b type= timeout=3s body=0:", 200, false},
    {"chunked, with a trailer",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
     "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX: y\r\n\r\n",
     0, "", NULL, "POST / type= timeout= body=5:abcde", 200, false},
    {"absolute form", "GET https://sluice.svc:443/a%20b?timeout=3s HTTP/1.1\r\nHost: a\r\n\r\n", 0,
     "", NULL, "GET /a b type= timeout=3s body=0:", 200, false},
    {"absolute form without a path", "GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n", 0, "", NULL,
     "GET / type= timeout= body=0:", 200, false},
    {"HTTP/1.0 needs no Host", "GET /x HTTP/1.0\r\n\r\n", 0, "", NULL,
     "GET /x type= timeout= body=0:", 200, true},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", 0, "", "Connection: close\r\n", MALFORMED, 400, true},
    {"space in the URI", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 0, "", "Connection: close\r\n",
     MALFORMED, 400, true},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 0, "", NULL, MALFORMED, 400,
     true},
    {"two Content-Lengths",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\n{}", 0, "",
     "Connection: close\r\n", MALFORMED, 400, true},
    {"Content-Length and Transfer-Encoding",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n",
     0, "", "Connection: close\r\n", MALFORMED, 400, true},
    {"Transfer-Encoding twice",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
     "\r\n0\r\n\r\n",
     0, "", "Connection: close\r\n", MALFORMED, 400, true},
    {"unknown Transfer-Encoding",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, "",
     "Connection: close\r\n", MALFORMED, 400, true},
    {"space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n\r\n{}", 0, "",
     NULL, MALFORMED, 400, true},
    {"NUL in the path", "GET /metrics%00x HTTP/1.1\r\nHost: a\r\n\r\n", 0, "",
     "Connection: close\r\n", MALFORMED, 400, true},
    {"status and Allow of the handler", "GET /refuse HTTP/1.1\r\nHost: a\r\n\r\n", 0, "",
     "Allow: POST\r\n", "", 405, false},
    {"Retry-After of the handler", "GET /refuse HTTP/1.1\r\nHost: a\r\n\r\n", 0, "",
     "Retry-After: 7\r\n", "", 405, false},
    {"an answer over its cap", "GET /too-large HTTP/1.1\r\nHost: a\r\n\r\n", 0, "", NULL,
     "the answer is too large\n", 500, false},
    {"Connection: close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 0, "",
     "Connection: close\r\n", "GET / type= timeout= body=0:", 200, true},
    {"no HTTP", "\x16\x03\x01 hello\r\n\r\n", 0, "", NULL, NULL, 400, true},
    /* libmicrohttpd 0.9.75 sends the head of this answer twice */
    {"Content-Length that is no number", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
     0, "", NULL, NULL, 400, false},
    {"chunk size that is no number",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, "", NULL, NULL,
     400, true},
    {"16 KiB of headers", "GET / HTTP/1.1\r\nHost: a\r\nX: ", 16 * SL_KIB, "\r\n\r\n", NULL,
     "GET / type= timeout= body=0:", 200, false},
    {"headers larger than the memory of a connection",
     "GET / HTTP/1.1\r\nHost: a\r\nX: ", SL_HTTP_CONNECTION_MEMORY, "", NULL, NULL, 431, true},
    {"announced body of exactly the cap",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20480\r\n\r\n", MAX_BODY, "", NULL, NULL, 200,
     false},
    {"announced body over the cap is read, then answered",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20481\r\n\r\n", MAX_BODY + 1, "", NULL, OVER,
     413, false},
    {"announced body over twice the cap is answered at once",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n", 0, "", "Connection: close\r\n",
     OVER, 413, true},
    {"chunked body of exactly the cap",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5000\r\n", MAX_BODY,
     "\r\n0\r\n\r\n", NULL, NULL, 200, false},
    {"chunked body over the cap is read, then answered",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5001\r\n", MAX_BODY + 1,
     "\r\n0\r\n\r\n", NULL, OVER, 413, false},
    {"chunked body over twice the cap is cut",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n", 2 * MAX_BODY + 2,
     "", NULL, NULL, 0, true},
    {"expectation that cannot be met",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20481\r\nExpect: 100-continue\r\n\r\n", 0, "",
     NULL, OVER, 413, true},
};

static void exchanges_are_answered(void **state)
{
    struct sl_http_server *server = *state;
    for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++) {
        const struct exchange *row = &exchanges[i];
        print_message("  %s\n", row->name);
        int fd = dial(server);
        say(fd, row->head);
        say_n(fd, 'x', row->fill);
        (void)transmit(fd, row->tail, strlen(row->tail));
        struct answer answer = listen_to(fd, strncmp(row->head, "HEAD", 4) == 0);
        assert_int_equal(answer.status, row->status);
        if (row->with != NULL && strstr(answer.head, row->with) == NULL) {
            fail_msg("no %s in %s", row->with, answer.head);
        }
        if (row->body != NULL) {
            assert_string_equal(answer.body.data, row->body);
        }
        sl_buf_cleanup(&answer.body);
        if (row->ends) {
            expect_end(fd);
        }
        (void)close(fd);
        await(server, 0, 0, 0);
    }
}

static void a_connection_serves_many_requests(void **state)
{
    struct sl_http_server *server = *state;
    int fd = dial(server);
    for (int i = 0; i < 3; i++) {
        say(fd, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        struct answer first = listen_to(fd, false);
        struct answer second = listen_to(fd, false);
        assert_string_equal(first.body.data, "POST /a type= timeout= body=3:abc");
        assert_string_equal(second.body.data, "POST /b type= timeout= body=0:");
        sl_buf_cleanup(&first.body);
        sl_buf_cleanup(&second.body);
    }
    await(server, 1, 0, 0);
    (void)close(fd);
    await(server, 0, 0, 0);
}

static void expect_continue_is_granted_to_a_body_within_the_caps(void **state)
{
    int fd = dial(*state);
    say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    struct answer answer = listen_to(fd, true);
    assert_int_equal(answer.status, 100);
    sl_buf_cleanup(&answer.body);
    say(fd, "ok");
    answer = listen_to(fd, false);
    assert_string_equal(answer.body.data, "POST / type= timeout= body=2:ok");
    sl_buf_cleanup(&answer.body);
    (void)close(fd);
}

static void bodies_over_the_shared_cap_are_refused_until_there_is_room(void **state)
{
    struct sl_http_server *server = *state;
    int holder = dial(server);
    say(holder, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n");
    await(server, 1, 1, 20000);
    static const char *const heads[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n",
    };
    static const char *const tails[] = {"", "\r\n0\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        int fd = dial(server);
        say(fd, heads[i]);
        say_n(fd, 'x', 20000);
        say(fd, tails[i]);
        struct answer answer = listen_to(fd, false);
        assert_int_equal(answer.status, 503);
        assert_non_null(strstr(answer.head, "Retry-After: 1\r\n"));
        sl_buf_cleanup(&answer.body);
        (void)close(fd);
        await(server, 1, 1, 20000);
    }
    assert_int_equal(stats_of(server).sheds[SL_HTTP_SHED_IN_FLIGHT], 2);
    say_n(holder, 'x', 20000);
    struct answer answer = listen_to(holder, false);
    assert_int_equal(answer.status, 200);
    sl_buf_cleanup(&answer.body);
    await(server, 1, 0, 0);
    (void)close(holder);
}

static void a_client_that_goes_away_leaves_nothing_behind(void **state)
{
    struct sl_http_server *server = *state;
    int fd = dial(server);
    say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\nabc");
    await(server, 1, 1, 20000);
    (void)close(fd);
    await(server, 0, 0, 0);
}

/* What a slow or silent peer has sent so far, what the server makes of it, and how long it may
 * last. */
static const struct slow {
    const char *name;
    const char *sent;
    unsigned in_flight;
    size_t bytes;
} slow[] = {
    {"connects and says nothing", "", 0, 0},
    {"in the request line", "POST / HT", 0, 0},
    {"in the headers", "POST / HTTP/1.1\r\nHost: a\r\nContent-", 1, 0},
    {"in an announced body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234", 1, 9},
    {"in a chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n1234", 1,
     4096},
    {"in a body thrown away", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20481\r\n\r\n1234", 1,
     0},
};

static void slow_peers_are_cut_at_the_deadline_whatever_they_send(void **state)
{
    struct sl_http_server *server = *state;
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        print_message("  %s\n", slow[i].name);
        int fd = dial(server);
        say(fd, slow[i].sent);
        await(server, 1, slow[i].in_flight, slow[i].bytes);
        sweep_after(server, REQUEST_TIMEOUT - 5 * SL_NS_PER_S);
        await(server, 1, slow[i].in_flight, slow[i].bytes);
        assert_int_equal(stats_of(server).sheds[SL_HTTP_SHED_DEADLINE], i);
        cut_all(server, REQUEST_TIMEOUT);
        expect_end(fd);
        (void)close(fd);
        assert_int_equal(stats_of(server).sheds[SL_HTTP_SHED_DEADLINE], i + 1);
    }
}

static void a_peer_that_does_not_read_its_answer_is_cut(void **state)
{
    struct sl_http_server *server = *state;
    int fd = dial(server);
    say(fd, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    await(server, 1, 1, SL_HTTP_ANSWER_MAX + 1);
    sweep_after(server, REQUEST_TIMEOUT - 5 * SL_NS_PER_S);
    assert_int_equal(stats_of(server).in_flight, 1);
    cut_all(server, REQUEST_TIMEOUT);
    assert_int_equal(stats_of(server).sheds[SL_HTTP_SHED_DEADLINE], 1);
    (void)close(fd);
}

static void an_idle_connection_is_cut_later_and_is_no_fault(void **state)
{
    struct sl_http_server *server = *state;
    int fd = dial(server);
    say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    struct answer answer = listen_to(fd, false);
    sl_buf_cleanup(&answer.body);
    await(server, 1, 0, 0);
    sweep_after(server, IDLE_TIMEOUT - 5 * SL_NS_PER_S);
    say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    answer = listen_to(fd, false);
    assert_int_equal(answer.status, 200);
    sl_buf_cleanup(&answer.body);
    await(server, 1, 0, 0);
    cut_all(server, IDLE_TIMEOUT);
    expect_end(fd);
    assert_int_equal(stats_of(server).sheds[SL_HTTP_SHED_DEADLINE], 0);
    (void)close(fd);
}

static void draining_closes_after_each_answer_and_accepts_on(void **state)
{
    struct sl_http_server *server = *state;
    int before = dial(server);
    await(server, 1, 0, 0);
    sl_http_server_drain(server);
    int after = dial(server);
    const int fds[] = {before, after};
    for (size_t i = 0; i < 2; i++) {
        say(fds[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        struct answer answer = listen_to(fds[i], false);
        assert_int_equal(answer.status, 200);
        assert_non_null(strstr(answer.head, "Connection: close\r\n"));
        sl_buf_cleanup(&answer.body);
        expect_end(fds[i]);
        (void)close(fds[i]);
    }
    await(server, 0, 0, 0);
}

static void quiescing_takes_who_waits_refuses_new_ones_and_serves_on(void **state)
{
    struct sl_http_server *server = *state;
    int fds[20];
    for (size_t i = 0; i < 20; i++) {
        fds[i] = dial(server);
    }
    sl_http_server_quiesce(server);
    assert_int_equal(stats_of(server).connections, 20);
    sl_http_server_quiesce(server);
    assert_int_equal(try_dial(server), -1);
    for (size_t i = 0; i < 20; i++) {
        say(fds[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        struct answer answer = listen_to(fds[i], false);
        assert_int_equal(answer.status, 200);
        sl_buf_cleanup(&answer.body);
        (void)close(fds[i]);
    }
    await(server, 0, 0, 0);
}

static void connections_over_the_limit_wait_for_their_turn(void **state)
{
    (void)state;
    struct sl_http_server *server = start(2);
    int fds[6];
    for (size_t i = 0; i < 6; i++) {
        fds[i] = dial(server); /* the kernel accepts them all */
        say(fds[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for (size_t i = 0; i < 6; i++) {
        struct answer answer = listen_to(fds[i], false);
        assert_int_equal(answer.status, 200);
        assert_true(stats_of(server).connections <= 2);
        sl_buf_cleanup(&answer.body);
        (void)close(fds[i]);
    }
    await(server, 0, 0, 0);
    sl_http_server_stop(server);
}

/* One request on a connection of its own; the caller closes it. */
static int ask(const struct sl_http_server *server)
{
    int fd = dial(server);
    say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    struct answer answer = listen_to(fd, false);
    assert_int_equal(answer.status, 200);
    sl_buf_cleanup(&answer.body);
    return fd;
}

static bool is_open(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void silent_connections_below_the_limit_are_left_alone(void **state)
{
    (void)state;
    struct sl_http_server *server = start(3);
    const int fds[] = {dial(server), dial(server), ask(server)};
    await(server, 3, 0, 0);
    (void)nanosleep(&(struct timespec){.tv_nsec = 300 * SL_NS_PER_MS}, NULL);
    for (size_t i = 0; i < 3; i++) {
        assert_true(is_open(fds[i]));
        (void)close(fds[i]);
    }
    assert_int_equal(stats_of(server).sheds[SL_HTTP_SHED_CONNECTIONS], 0);
    sl_http_server_stop(server);
}

static void at_the_limit_who_never_asked_goes_first_and_then_who_waits_longest(void **state)
{
    (void)state;
    struct sl_http_server *server = start(4);
    int old = ask(server);
    int recent = ask(server);
    int silent_first = dial(server);
    await(server, 3, 0, 0);
    int silent_last = dial(server);
    await(server, 4, 0, 0);
    const int victims[] = {silent_first, silent_last, recent, old};
    int fresh[3];
    for (size_t i = 0; i < 3; i++) {
        if (i == 2) { /* the order is not that of acceptance, but that of the last request */
            say(old, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            struct answer answer = listen_to(old, false);
            assert_int_equal(answer.status, 200);
            sl_buf_cleanup(&answer.body);
        }
        fresh[i] = ask(server);
        expect_end(victims[i]);
        for (size_t j = i + 1; j < 4; j++) {
            assert_true(is_open(victims[j]));
        }
        assert_int_equal(stats_of(server).sheds[SL_HTTP_SHED_CONNECTIONS], i + 1);
        assert_true(stats_of(server).connections <= 4);
        (void)close(victims[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        (void)close(fresh[i]);
    }
    (void)close(old);
    await(server, 0, 0, 0);
    sl_http_server_stop(server);
}

static void a_crowd_of_silent_connections_delays_nobody_for_long(void **state)
{
    (void)state;
    struct sl_http_server *server = start(32);
    int fds[100];
    for (size_t i = 0; i < 100; i++) {
        fds[i] = dial(server);
    }
    int64_t before = sl_clock_mono();
    int fd = ask(server);
    assert_true(sl_clock_mono() - before < 5 * SL_NS_PER_S); /* some 300 ms, on a machine at rest */
    assert_int_equal(stats_of(server).sheds[SL_HTTP_SHED_CONNECTIONS], 100 + 1 - 32);
    (void)close(fd);
    for (size_t i = 0; i < 100; i++) {
        (void)close(fds[i]);
    }
    await(server, 0, 0, 0);
    sl_http_server_stop(server);
}

static void at_the_limit_a_request_under_way_is_never_cut(void **state)
{
    (void)state;
    struct sl_http_server *server = start(2);
    int fds[3];
    for (size_t i = 0; i < 3; i++) {
        fds[i] = dial(server);
        say(fds[i], "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1");
    }
    await(server, 2, 2, 4);
    (void)nanosleep(&(struct timespec){.tv_nsec = 500 * SL_NS_PER_MS}, NULL);
    await(server, 2, 2, 4);
    assert_int_equal(stats_of(server).sheds[SL_HTTP_SHED_CONNECTIONS], 0);
    for (size_t i = 0; i < 3; i++) {
        say(fds[i], "2");
        struct answer answer = listen_to(fds[i], false);
        assert_int_equal(answer.status, 200);
        sl_buf_cleanup(&answer.body);
    }
    for (size_t i = 0; i < 3; i++) {
        (void)close(fds[i]);
    }
    await(server, 0, 0, 0);
    sl_http_server_stop(server);
}

/* libmicrohttpd closes without a word what it has no memory for. */
static void a_connection_that_was_dropped_before_its_start_is_not_counted_for_ever(void **state)
{
    struct sl_http_server *server = *state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(fd, errno);
    (void)sl_http_connections_admit(server, fd);
    sweep_after(server, 2 * IDLE_TIMEOUT);
    assert_int_equal(stats_of(server).connections, 1); /* it may still come */
    (void)close(fd);
    assert_int_equal(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd); /* another one */
    sweep_after(server, 0);
    assert_int_equal(stats_of(server).connections, 0);
    (void)sl_http_connections_admit(server, fd);
    (void)close(fd);
    sweep_after(server, 0);
    assert_int_equal(stats_of(server).connections, 0);
}

static void connections_that_were_aborted_are_no_trouble(void **state)
{
    int before = dup(STDERR_FILENO);
    int log = memfd_create("log", MFD_CLOEXEC);
    assert_true(before >= 0 && log >= 0);
    assert_return_code(dup2(log, STDERR_FILENO), errno);
    atomic_store(&aborted, 3);
    (void)close(ask(*state));
    assert_return_code(dup2(before, STDERR_FILENO), errno);
    assert_int_equal(atomic_load(&aborted), 0);
    assert_int_equal(lseek(log, 0, SEEK_END), 0); /* not "cannot accept", and a rest after it */
    (void)close(before);
    (void)close(log);
}

/* libmicrohttpd ends the connection without a word about the request. */
static void a_request_that_ends_for_lack_of_memory_leaves_nothing_behind(void **state)
{
    struct sl_http_server *server = *state;
    int fd = dial(server);
    say(fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    await(server, 1, 1, 4096);
    atomic_store(&answerless, true);
    say(fd, "zz\r\n");
    expect_end(fd);
    await(server, 0, 0, 0);
    atomic_store(&answerless, false);
    (void)close(fd);
}

static void running_out_of_descriptors_only_delays(void **state)
{
    struct sl_http_server *server = *state;
    int first = dial(server);
    await(server, 1, 0, 0);
    struct rlimit before;
    assert_return_code(getrlimit(RLIMIT_NOFILE, &before), errno);
    int last = dup(first); /* the highest descriptor there is: all below are taken */
    struct rlimit none_left = before;
    none_left.rlim_cur = (rlim_t)last + 1;
    (void)close(last);
    assert_return_code(setrlimit(RLIMIT_NOFILE, &none_left), errno);
    int fd = dial(server); /* takes the last one */
    say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await(server, 1, 0, 0);
    assert_return_code(setrlimit(RLIMIT_NOFILE, &before), errno);
    struct answer answer = listen_to(fd, false);
    assert_int_equal(answer.status, 200);
    sl_buf_cleanup(&answer.body);
    (void)close(fd);
    (void)close(first);
}

static void stopping_closes_what_is_open(void **state)
{
    (void)state;
    struct sl_http_server *server = start(8);
    int idle = dial(server);
    int busy = dial(server);
    say(busy, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\nabc");
    await(server, 2, 1, 20000);
    sl_http_server_stop(server);
    expect_end(idle);
    expect_end(busy);
    (void)close(idle);
    (void)close(busy);
    sl_http_server_stop(NULL);
}

static void *client_loop(void *argument)
{
    const struct sl_http_server *server = argument;
    int fd = dial(server);
    bool good = true;
    for (int i = 0; i < 100 && good; i++) {
        char request[512];
        char body[65];
        memset(body, 'a' + i % 26, sizeof body);
        body[64 - i % 32] = '\0';
        (void)snprintf(request, sizeof request,
                       "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s", i,
                       strlen(body), body);
        (void)transmit(fd, request, strlen(request));
        struct answer answer = listen_to(fd, false);
        good = answer.status == 200 && strstr(answer.body.data, body) != NULL;
        sl_buf_cleanup(&answer.body);
    }
    (void)close(fd);
    return good ? argument : NULL;
}

static void concurrent_clients_get_their_own_answers(void **state)
{
    struct sl_http_server *server = *state;
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, client_loop, server), 0);
    }
    for (int i = 0; i < 50; i++) {
        sweep_after(server, 0); /* from another thread, as the role does */
    }
    for (size_t i = 0; i < 8; i++) {
        void *good = NULL;
        assert_int_equal(pthread_join(threads[i], &good), 0);
        assert_non_null(good);
    }
    await(server, 0, 0, 0);
}

static void a_start_that_fails_says_why(void **state)
{
    const struct sl_http_server *running = *state;
    const struct {
        const char *address;
        unsigned threads;
        enum sl_err_kind kind;
        const char *says;
    } rows[] = {
        {"localhost", 2, SL_ERR_INVALID, "\"localhost\" is not an IPv4 or IPv6 address"},
        {"127.0.0.1", 0, SL_ERR_INVALID, "at least one thread"},
        {"127.0.0.1", 2, SL_ERR_INTERNAL, "cannot listen on 127.0.0.1 port "},
        {"192.0.2.1", 2, SL_ERR_INTERNAL, "cannot listen on 192.0.2.1 port "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct sl_http_options options = {
            .address = rows[i].address,
            .port = sl_http_server_port(running),
            .threads = rows[i].threads,
            .max_connections = 1,
            .handler = echo,
        };
        struct sl_http_server *server = NULL;
        struct sl_err err = SL_ERR_INIT;
        assert_int_equal(sl_http_server_start(&options, &server, &err), -1);
        assert_null(server);
        assert_int_equal(err.kind, rows[i].kind);
        assert_non_null(strstr(err.msg, rows[i].says));
    }
}

static void one_thread_and_every_address_work_too(void **state)
{
    (void)state;
    const struct sl_http_options options = {
        .address = "::",
        .threads = 1,
        .max_connections = 4,
        .max_body = MAX_BODY,
        .max_in_flight = MAX_IN_FLIGHT,
        .request_timeout_ns = REQUEST_TIMEOUT,
        .idle_timeout_ns = IDLE_TIMEOUT,
        .handler = echo,
    };
    struct sl_http_server *server = NULL;
    assert_int_equal(sl_http_server_start(&options, &server, NULL), 0);
    int fd = dial(server); /* over IPv4 */
    say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    struct answer answer = listen_to(fd, false);
    assert_int_equal(answer.status, 200);
    sl_buf_cleanup(&answer.body);
    (void)close(fd);
    sl_http_server_stop(server);
}

static void tls_offers_ephemeral_keys_and_authenticated_ciphers_alone(void **state)
{
    (void)state;
    gnutls_priority_t priorities;
    assert_int_equal(gnutls_priority_init(&priorities, SL_HTTP_TLS_PRIORITIES, NULL), 0);
    const unsigned *versions = NULL;
    assert_int_equal(gnutls_priority_protocol_list(priorities, &versions), 2);
    assert_int_equal(versions[0], GNUTLS_TLS1_3);
    assert_int_equal(versions[1], GNUTLS_TLS1_2);
    unsigned suites = 0;
    unsigned index = 0;
    for (unsigned i = 0;; i++) {
        int found = gnutls_priority_get_cipher_suite_index(priorities, i, &index);
        if (found == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            break;
        }
        if (found != 0) {
            continue; /* a combination that does not exist */
        }
        gnutls_kx_algorithm_t exchange = GNUTLS_KX_UNKNOWN;
        gnutls_mac_algorithm_t mac = GNUTLS_MAC_UNKNOWN;
        gnutls_protocol_t version = GNUTLS_VERSION_UNKNOWN;
        assert_non_null(gnutls_cipher_suite_info(index, NULL, &exchange, NULL, &mac, &version));
        assert_int_equal(mac, GNUTLS_MAC_AEAD);
        assert_true(version == GNUTLS_TLS1_3 || exchange == GNUTLS_KX_ECDHE_ECDSA ||
                    exchange == GNUTLS_KX_ECDHE_RSA);
        suites++;
    }
    assert_int_equal(suites, 9);
    gnutls_priority_deinit(priorities);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(exchanges_are_answered),
        WITH_SERVER(a_connection_serves_many_requests),
        WITH_SERVER(expect_continue_is_granted_to_a_body_within_the_caps),
        WITH_SERVER(bodies_over_the_shared_cap_are_refused_until_there_is_room),
        WITH_SERVER(a_client_that_goes_away_leaves_nothing_behind),
        WITH_SERVER(slow_peers_are_cut_at_the_deadline_whatever_they_send),
        WITH_SERVER(a_peer_that_does_not_read_its_answer_is_cut),
        WITH_SERVER(an_idle_connection_is_cut_later_and_is_no_fault),
        WITH_SERVER(draining_closes_after_each_answer_and_accepts_on),
        WITH_SERVER(quiescing_takes_who_waits_refuses_new_ones_and_serves_on),
        WITH_SERVER(concurrent_clients_get_their_own_answers),
        WITH_SERVER(connections_that_were_aborted_are_no_trouble),
        WITH_SERVER(a_request_that_ends_for_lack_of_memory_leaves_nothing_behind),
        WITH_SERVER(running_out_of_descriptors_only_delays),
        WITH_SERVER(a_start_that_fails_says_why),
        WITH_SERVER(a_connection_that_was_dropped_before_its_start_is_not_counted_for_ever),
        cmocka_unit_test(connections_over_the_limit_wait_for_their_turn),
        cmocka_unit_test(silent_connections_below_the_limit_are_left_alone),
        cmocka_unit_test(at_the_limit_who_never_asked_goes_first_and_then_who_waits_longest),
        cmocka_unit_test(a_crowd_of_silent_connections_delays_nobody_for_long),
        cmocka_unit_test(at_the_limit_a_request_under_way_is_never_cut),
        cmocka_unit_test(stopping_closes_what_is_open),
        cmocka_unit_test(one_thread_and_every_address_work_too),
        cmocka_unit_test(tls_offers_ephemeral_keys_and_authenticated_ciphers_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
