/* The connection to HAProxy's Runtime API (runtime_api.h): looking up → connecting → talking. */
#include "run/balancers/runtime_api.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "net/lookup.h"

#define EXCHANGE_TIMEOUT (2 * SL_NS_PER_S)
#define LOOKUP_TIMEOUT (15 * SL_NS_PER_S)
#define ANSWERS_MAX (16 * SL_MIB)
#define QUESTIONS_MAX (16 * SL_MIB)
#define READ_SIZE (64 * SL_KIB)
#define END "\n> "

enum state { AT_REST, LOOKING_UP, CONNECTING, TALKING };

struct sl_runtime_api {
    sl_runtime_api_watch *watch;
    void *ctx;
    enum state state;
    int fd;       /* the connection, -1 */
    bool greets;  /* the first answer is that to the greeting */
    bool greeted; /* on this connection */
    struct sl_lookup *lookup;
    struct sl_addresses addresses; /* of a name, until one fails */
    size_t next_address;
    char *address;
    int64_t deadline;
    struct sl_buf out, in;
    size_t sent;
    size_t asked; /* answers that are to come, with that to the greeting */
    size_t *ends; /* where each that came ends in `in`, its END included */
    size_t answered, ends_room, scanned;
};

struct sl_runtime_api *sl_runtime_api_open(sl_runtime_api_watch *watch, void *ctx)
{
    struct sl_runtime_api *api = calloc(1, sizeof *api);
    if (api == NULL) {
        abort();
    }
    api->watch = watch;
    api->ctx = ctx;
    api->fd = -1;
    api->out = (struct sl_buf)SL_BUF_INIT(QUESTIONS_MAX);
    api->in = (struct sl_buf)SL_BUF_INIT(ANSWERS_MAX);
    return api;
}

static void end_lookup(struct sl_runtime_api *api)
{
    if (api->lookup != NULL) {
        api->watch(api->ctx, sl_lookup_fd(api->lookup), 0);
        sl_lookup_close(api->lookup);
        api->lookup = NULL;
    }
}

void sl_runtime_api_hang_up(struct sl_runtime_api *api)
{
    end_lookup(api);
    if (api->fd >= 0) {
        api->watch(api->ctx, api->fd, 0);
        sl_fd_cleanup(&api->fd);
    }
    api->fd = -1;
    api->greeted = false;
    api->state = AT_REST;
}

void sl_runtime_api_close(struct sl_runtime_api *api)
{
    if (api == NULL) {
        return;
    }
    sl_runtime_api_hang_up(api);
    sl_buf_cleanup(&api->out);
    sl_buf_cleanup(&api->in);
    free(api->ends);
    free(api->address);
    free(api);
}

int64_t sl_runtime_api_due(const struct sl_runtime_api *api)
{
    return api->state == AT_REST ? INT64_MAX : api->deadline;
}

/* --- connecting --- */

/* What is in front of the last colon, and what is behind it. */
static void split(struct sl_str address, struct sl_str *ret_host, struct sl_str *ret_port)
{
    const char *colon = memrchr(address.p, ':', address.n);
    size_t host = colon == NULL ? address.n : (size_t)(colon - address.p);
    *ret_host = (struct sl_str){.p = address.p, .n = host};
    *ret_port = colon == NULL ? SL_STR("") : sl_str_from(colon + 1);
}

static int dial(struct sl_runtime_api *api, const struct sockaddr *to, socklen_t size,
                struct sl_err *err)
{
    api->fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (api->fd < 0) {
        return sl_err_sys(err, errno, "no socket for %s", api->address);
    }
    if (connect(api->fd, to, size) != 0 && errno != EINPROGRESS) {
        return sl_err_sys(err, errno, "cannot connect to %s", api->address);
    }
    api->state = CONNECTING;
    api->watch(api->ctx, api->fd, EPOLLIN | EPOLLOUT);
    return 0;
}

static int dial_unix(struct sl_runtime_api *api, const char *path, struct sl_err *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof to.sun_path) {
        return sl_err_set(err, SL_ERR_INVALID, "the path of %s is longer than %zu bytes",
                          api->address, sizeof to.sun_path - 1);
    }
    memcpy(to.sun_path, path, strlen(path) + 1);
    return dial(api, (const struct sockaddr *)&to, sizeof to, err);
}

/* One after the other, where a name has several: it is the same HAProxy by IPv4 and IPv6. */
static int dial_next(struct sl_runtime_api *api, struct sl_err *err)
{
    const struct sockaddr_storage *to =
        &api->addresses.items[api->next_address++ % api->addresses.count];
    return dial(api, (const struct sockaddr *)to,
                to->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6),
                err);
}

static int dial_tcp(struct sl_runtime_api *api, struct sl_str address, int64_t now,
                    struct sl_err *err)
{
    struct sl_str host = {0};
    struct sl_str port = {0};
    split(address, &host, &port);
    if (api->addresses.count > 0 || sl_lookup_literal(host, port, &api->addresses)) {
        return dial_next(api, err);
    }
    if (sl_lookup_open(host, port, &api->lookup, err) != 0) {
        return -1;
    }
    api->state = LOOKING_UP;
    api->deadline = now + LOOKUP_TIMEOUT;
    api->watch(api->ctx, sl_lookup_fd(api->lookup), EPOLLIN);
    return 0;
}

static int connect_to(struct sl_runtime_api *api, int64_t now, struct sl_err *err)
{
    const struct sl_str tcp = SL_STR("tcp://");
    struct sl_str address = sl_str_from(api->address);
    if (!sl_str_starts(address, tcp)) {
        return dial_unix(api, api->address + strlen("unix://"), err);
    }
    address = (struct sl_str){.p = address.p + tcp.n, .n = address.n - tcp.n};
    return dial_tcp(api, address, now, err);
}

/* --- asking --- */

static void set_address(struct sl_runtime_api *api, struct sl_str address)
{
    if (api->address != NULL && sl_str_is(address, api->address)) {
        return;
    }
    sl_runtime_api_hang_up(api);
    free(api->address);
    api->address = strndup(address.p, address.n);
    if (api->address == NULL) {
        abort();
    }
    api->addresses.count = 0;
}

void sl_runtime_api_ask(struct sl_runtime_api *api, struct sl_str address,
                        const char *const *commands, size_t count, int64_t now)
{
    set_address(api, address);
    sl_buf_reset(&api->out);
    sl_buf_reset(&api->in);
    api->sent = api->scanned = api->answered = 0;
    api->greets = !api->greeted;
    api->asked = count + api->greets;
    if (api->asked > api->ends_room) {
        api->ends_room = api->asked;
        api->ends = reallocarray(api->ends, api->ends_room, sizeof *api->ends);
        if (api->ends == NULL) {
            abort();
        }
    }
    if (api->greets) {
        sl_buf_adds(&api->out, "prompt\n");
    }
    for (size_t i = 0; i < count; i++) {
        sl_buf_adds(&api->out, commands[i]);
        sl_buf_addc(&api->out, '\n');
    }
    api->deadline = now + EXCHANGE_TIMEOUT;
    api->state = api->fd >= 0 ? TALKING : CONNECTING; /* as soon as it is its turn */
}

/* --- talking --- */

static int write_some(struct sl_runtime_api *api, struct sl_err *err)
{
    while (api->sent < api->out.len) {
        ssize_t n =
            send(api->fd, api->out.data + api->sent, api->out.len - api->sent, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return 0;
        }
        if (n < 0) {
            return sl_err_sys(err, errno, "%s does not take commands", api->address);
        }
        api->sent += (size_t)n;
    }
    api->watch(api->ctx, api->fd, EPOLLIN);
    return 0;
}

/* Finds the ends of answers in what came; one may have been cut in two. */
static void scan(struct sl_runtime_api *api)
{
    const size_t length = sizeof END - 1;
    while (api->answered < api->asked) {
        const char *end =
            api->in.len <= api->scanned
                ? NULL
                : memmem(api->in.data + api->scanned, api->in.len - api->scanned, END, length);
        if (end == NULL) {
            size_t again = api->in.len < length ? 0 : api->in.len - (length - 1);
            api->scanned = again > api->scanned ? again : api->scanned;
            return;
        }
        api->scanned = (size_t)(end - api->in.data) + length;
        api->ends[api->answered++] = api->scanned;
    }
}

static int read_some(struct sl_runtime_api *api, struct sl_err *err)
{
    for (;;) {
        if (!sl_buf_reserve(&api->in, READ_SIZE)) {
            return sl_err_set(err, SL_ERR_INVALID, "%s answers with more than %zu bytes",
                              api->address, ANSWERS_MAX);
        }
        ssize_t n = recv(api->fd, api->in.data + api->in.len, READ_SIZE, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        if (n < 0) {
            return sl_err_sys(err, errno, "the connection to %s broke", api->address);
        }
        api->in.len += (size_t)n;
        scan(api);
        if (n == 0 && api->answered < api->asked) {
            return sl_err_set(err, SL_ERR_TRANSIENT,
                              "%s closed the connection: it was stopped, or is no Runtime API",
                              api->address);
        }
        if (api->answered == api->asked) {
            break;
        }
    }
    return 0;
}

static int has_connected(struct sl_runtime_api *api, struct sl_err *err)
{
    int problem = 0;
    socklen_t size = sizeof problem;
    (void)getsockopt(api->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
    if (problem != 0) {
        return sl_err_sys(err, problem, "cannot connect to %s", api->address);
    }
    struct sockaddr_storage peer;
    size = sizeof peer;
    if (getpeername(api->fd, (struct sockaddr *)&peer, &size) == 0) {
        api->state = TALKING;
    }
    return 0;
}

static int take_addresses(struct sl_runtime_api *api, int64_t now, struct sl_err *err)
{
    if (sl_lookup_take(api->lookup, &api->addresses, err) != 0) {
        return -1;
    }
    end_lookup(api);
    api->deadline = now + EXCHANGE_TIMEOUT;
    return dial_next(api, err);
}

static int go_on(struct sl_runtime_api *api, int64_t now, struct sl_err *err)
{
    if (api->state == LOOKING_UP) {
        return sl_lookup_is_answered(api->lookup) ? take_addresses(api, now, err) : 0;
    }
    if (api->fd < 0) {
        return connect_to(api, now, err);
    }
    if (api->state == CONNECTING && has_connected(api, err) != 0) {
        return -1;
    }
    if (api->state == TALKING && write_some(api, err) != 0) {
        return -1;
    }
    return api->state == TALKING ? read_some(api, err) : 0;
}

enum sl_runtime_api_state sl_runtime_api_turn(struct sl_runtime_api *api, int64_t now,
                                              struct sl_err *err)
{
    int failed = go_on(api, now, err);
    if (failed == 0 && api->state == TALKING && api->answered == api->asked) {
        api->state = AT_REST;
        api->greeted = true;
        return SL_RUNTIME_API_ANSWERED;
    }
    if (failed == 0 && now >= api->deadline) {
        failed = sl_err_set(err, SL_ERR_TRANSIENT, "%s does not answer within %d s", api->address,
                            (int)(EXCHANGE_TIMEOUT / SL_NS_PER_S));
    }
    if (failed == 0) {
        return SL_RUNTIME_API_WAITS;
    }
    if (api->next_address >= api->addresses.count) {
        api->addresses.count = api->next_address = 0; /* it may have moved */
    }
    sl_runtime_api_hang_up(api);
    return SL_RUNTIME_API_FAILED;
}

struct sl_str sl_runtime_api_answer(const struct sl_runtime_api *api, size_t index)
{
    size_t at = index + api->greets;
    size_t start = at == 0 ? 0 : api->ends[at - 1];
    size_t end = api->ends[at] - (sizeof END - 1);
    while (end > start && api->in.data[end - 1] == '\n') {
        end--;
    }
    return (struct sl_str){.p = api->in.data + start, .n = end - start};
}
