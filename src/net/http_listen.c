/* The listen socket and the thread that accepts (http_private.h has the map).
 *
 * MHD could listen by itself, but MHD_quiesce_daemon() of 0.9.75 and a worker that goes to its own
 * epoll set at the same moment remove the listen socket twice, and MHD answers that with abort().
 * A thread of ours ends cleanly, takes first what the kernel has already accepted for us, makes
 * room for connections over the limit (and leaves them in the kernel's queue meanwhile), and
 * spreads them evenly: MHD_add_connection() goes by descriptor.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "net/http_private.h"

#define BACKLOG 4096 /* the kernel lowers it to net.core.somaxconn */
#define REST_MS 100  /* after a failure that is not one connection's, and until there is room */
#define REPORT_NS (60 * SL_NS_PER_S)
#define STACK_BYTES (64 * SL_KIB)

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Returns the family, or -1. */
static int parse_address(const char *text, uint16_t port, union address *ret_address,
                         struct sl_err *err)
{
    union address parsed = {.v6 = {.sin6_port = htons(port)}};
    if (inet_pton(AF_INET6, text, &parsed.v6.sin6_addr) == 1) {
        parsed.v6.sin6_family = AF_INET6;
        *ret_address = parsed;
        return AF_INET6;
    }
    parsed = (union address){.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
    if (inet_pton(AF_INET, text, &parsed.v4.sin_addr) == 1) {
        *ret_address = parsed;
        return AF_INET;
    }
    return sl_err_set(err, SL_ERR_INVALID, "\"%s\" is not an IPv4 or IPv6 address", text);
}

/* Takes a descriptor out of a variable that would close it. */
static int keep(int *fd)
{
    int kept = *fd;
    *fd = -1;
    return kept;
}

static int open_socket(int family, const union address *address)
{
    SL_AUTO(sl_fd)
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    const int on = 1;
    const int off = 0;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) {
        return -1;
    }
    if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0) {
        return -1;
    }
    if (bind(fd, &address->any, sizeof *address) < 0 || listen(fd, BACKLOG) < 0) {
        return -1;
    }
    return keep(&fd);
}

/* "::" is meant as "everywhere", also on a machine whose kernel has no IPv6. */
static int open_somewhere(int family, const union address *address)
{
    int fd = open_socket(family, address);
    if (fd >= 0 || errno != EAFNOSUPPORT || family != AF_INET6 ||
        !IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr)) {
        return fd;
    }
    const union address any = {
        .v4 = {.sin_family = AF_INET, .sin_port = address->v6.sin6_port},
    };
    return open_socket(AF_INET, &any);
}

int sl_http_listen_open(struct sl_http_listener *listener, const char *address, uint16_t port,
                        struct sl_err *err)
{
    union address bound = {.v6 = {.sin6_port = 0}};
    int family = parse_address(address, port, &bound, err);
    if (family < 0) {
        return -1;
    }
    SL_AUTO(sl_fd) int fd = open_somewhere(family, &bound);
    if (fd < 0) {
        return sl_err_sys(err, errno, "cannot listen on %s port %u", address, port);
    }
    socklen_t size = sizeof bound;
    SL_AUTO(sl_fd) int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0 || getsockname(fd, &bound.any, &size) < 0) {
        return sl_err_sys(err, errno, "cannot listen on %s port %u", address, port);
    }
    listener->port = ntohs(bound.any.sa_family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port);
    listener->fd = keep(&fd);
    listener->wake = keep(&wake);
    return 0;
}

void sl_http_listen_wake(struct sl_http_listener *listener)
{
    /* It can only fail when the counter is full, and then the thread wakes anyway. */
    (void)eventfd_write(listener->wake, 1);
}

static bool full(const struct sl_http_server *server)
{
    return atomic_load(&server->open) >= server->options.max_connections;
}

/* Takes everything that waits, up to the limit. Returns 0, or the errno of a system that gives no
 * connections for now (out of descriptors, most of all). */
static int accept_waiting(struct sl_http_server *server)
{
    while (!full(server)) {
        union address peer;
        socklen_t size = sizeof peer;
        int fd = accept4(server->listener.fd, &peer.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            struct sl_http_connection *connection = sl_http_connections_admit(server, fd);
            if (MHD_add_connection(server->daemon, fd, &peer.any, size) != MHD_YES) {
                sl_http_connections_abandon(connection);
            }
            continue;
        }
        if (errno == EAGAIN) {
            return 0;
        }
        if (errno != ECONNABORTED && errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

static bool somebody_waits(const struct sl_http_listener *listener)
{
    struct pollfd fd = {.fd = listener->fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

/* Each connection that is cut wakes the loop when it is gone, so that one goes for each that comes.
 */
static void make_room(struct sl_http_server *server, int64_t *next_report)
{
    int64_t now = sl_clock_mono();
    if (now >= *next_report) {
        *next_report = now + REPORT_NS;
        sl_log(SL_LOG_WARN,
               "all connections are taken: for each new one, one that asks nothing is cut",
               SL_LOG_INT("max_connections", server->options.max_connections));
    }
    sl_http_connections_evict(server, now);
}

static void *accept_loop(void *argument)
{
    struct sl_http_server *server = argument;
    struct sl_http_listener *listener = &server->listener;
    int64_t next_report = INT64_MIN;
    bool failing = false;
    for (;;) {
        bool closing = atomic_load(&listener->closing);
        int failure = accept_waiting(server);
        if (closing) {
            break;
        }
        if (failure != 0 && !failing) {
            sl_log(SL_LOG_WARN, "cannot accept connections for now",
                   SL_LOG_CSTR("err", strerrordesc_np(failure)));
        }
        failing = failure != 0;
        bool crowded = full(server) && somebody_waits(listener);
        if (crowded) {
            make_room(server, &next_report);
        }
        struct pollfd fds[] = {{.fd = listener->wake, .events = POLLIN},
                               {.fd = listener->fd, .events = POLLIN}};
        bool resting = failing || crowded;
        if (poll(fds, resting ? 1 : 2, resting ? REST_MS : -1) > 0) {
            eventfd_t ignored;
            (void)eventfd_read(listener->wake, &ignored);
        }
    }
    (void)close(listener->fd);
    listener->fd = -1;
    return NULL;
}

int sl_http_listen_start(struct sl_http_server *server, struct sl_err *err)
{
    struct sl_http_listener *listener = &server->listener;
    pthread_attr_t attributes;
    int failed = pthread_attr_init(&attributes);
    if (failed == 0) {
        (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
        failed = pthread_create(&listener->thread, &attributes, accept_loop, server);
        (void)pthread_attr_destroy(&attributes);
    }
    if (failed != 0) {
        return sl_err_sys(err, failed, "cannot start the thread that accepts connections");
    }
    (void)pthread_setname_np(listener->thread, "http-accept");
    listener->running = true;
    return 0;
}

void sl_http_listen_close(struct sl_http_listener *listener)
{
    if (listener->running) {
        atomic_store(&listener->closing, true);
        sl_http_listen_wake(listener);
        (void)pthread_join(listener->thread, NULL);
        listener->running = false;
    }
    if (listener->fd >= 0) {
        (void)close(listener->fd);
        listener->fd = -1;
    }
}
