/* podinfo: the application that the pods of the development cluster run, a small HTTP/1.1 server.
 *
 *     podinfo [--address IP] [--port N] [--version V] [--graceful]
 *     podinfo --get URL
 *
 * Its defaults come from the environment: POD_IP, PORT, VERSION or else the tag of IMAGE. On
 * SIGTERM it exits at once and cuts its connections, as many applications do: that no request is
 * lost has to come from elsewhere. With --graceful it stops listening, finishes what it has begun,
 * then exits.
 */
#include "podinfo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 64
#define DRAIN_LIMIT 30000 /* milliseconds that --graceful waits for requests under way */

static int64_t milliseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void drop(struct connection *connection)
{
    (void)close(connection->fd); /* which also takes it out of the epoll */
    connection->fd = -1;
}

static void want(struct server *server, struct connection *connection, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    (void)epoll_ctl(server->epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

/* Sends what is due, then answers what else has arrived, until there is nothing left to do now. */
static void work(struct server *server, struct connection *connection, int64_t now)
{
    while (connection->fd >= 0) {
        if (!connection->answering && !podinfo_answer(server, connection, now)) {
            if (server->draining) {
                drop(connection);
            } else {
                want(server, connection, EPOLLIN);
            }
            return;
        }
        if (connection->due > now) {
            want(server, connection, EPOLLRDHUP); /* a client that has left is noticed at once */
            return;
        }
        ssize_t sent = send(connection->fd, connection->out + connection->out_sent,
                            connection->out_len - connection->out_sent, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            want(server, connection, EPOLLOUT);
            return;
        }
        if (sent < 0) {
            drop(connection);
            return;
        }
        connection->out_sent += (size_t)sent;
        if (connection->out_sent < connection->out_len) {
            continue;
        }
        connection->answering = false;
        podinfo_log(connection, now);
        if (server->crash) {
            _exit(3);
        }
        if (connection->last) {
            (void)shutdown(connection->fd, SHUT_WR);
            drop(connection);
        }
    }
}

static void receive(struct server *server, struct connection *connection, int64_t now)
{
    char *to = connection->in + connection->in_len;
    ssize_t got = recv(connection->fd, to, sizeof connection->in - connection->in_len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return;
    }
    if (got <= 0) {
        drop(connection);
        return;
    }
    connection->in_len += (size_t)got;
    work(server, connection, now);
}

static void accept_all(struct server *server)
{
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        struct connection *free_place = NULL;
        for (size_t i = 0; i < MAX_CONNECTIONS && free_place == NULL; i++) {
            if (server->table[i].fd < 0) {
                free_place = &server->table[i];
            }
        }
        if (free_place == NULL) {
            (void)close(fd);
            continue;
        }
        free_place->fd = fd;
        free_place->number = ++server->connections;
        free_place->in_len = 0;
        free_place->skip = 0;
        free_place->answering = false;
        free_place->last = false;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = free_place};
        if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
            drop(free_place);
        }
    }
}

/* Sends the answers whose time has come. Milliseconds until the next is due, -1: none waits. */
static int run_due(struct server *server, int64_t now)
{
    int64_t next = -1;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *connection = &server->table[i];
        if (connection->fd < 0 || !connection->answering || connection->out_sent > 0) {
            continue;
        }
        if (connection->due <= now) {
            work(server, connection, now);
        } else if (next < 0 || connection->due - now < next) {
            next = connection->due - now;
        }
    }
    return (int)next;
}

static bool idle(const struct server *server)
{
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        if (server->table[i].fd >= 0) {
            return false;
        }
    }
    return true;
}

/* No new connection; those that are answering close when they have answered, the others now. What
 * the kernel has accepted for us already is answered too: its clients believe themselves connected.
 */
static void drain(struct server *server, int64_t now)
{
    accept_all(server);
    (void)close(server->listener);
    server->draining = true;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *connection = &server->table[i];
        if (connection->fd >= 0 && !connection->answering) {
            receive(server, connection, now);
        }
        if (connection->fd >= 0 && !connection->answering) {
            drop(connection);
        }
    }
}

static void loop(struct server *server, int signals)
{
    int64_t limit = INT64_MAX;
    for (;;) {
        int64_t now = milliseconds();
        int timeout = run_due(server, now);
        if (server->draining && (idle(server) || now > limit)) {
            return;
        }
        if (server->draining && (timeout < 0 || timeout > 1000)) {
            timeout = 1000;
        }
        struct epoll_event events[EVENTS];
        int count = epoll_wait(server->epoll, events, EVENTS, timeout);
        now = milliseconds();
        for (int i = 0; i < count; i++) {
            void *what = events[i].data.ptr;
            if (what == &server->listener) {
                accept_all(server);
            } else if (what == server) {
                struct signalfd_siginfo info;
                if (read(signals, &info, sizeof info) < 0 || !server->graceful) {
                    return;
                }
                drain(server, now);
                limit = now + DRAIN_LIMIT;
            } else {
                struct connection *connection = what;
                if (connection->fd >= 0 && connection->answering && connection->due > now) {
                    drop(connection); /* only its end can have been reported */
                } else if (connection->fd >= 0 && connection->answering) {
                    work(server, connection, now);
                } else if (connection->fd >= 0) {
                    receive(server, connection, now);
                }
            }
        }
    }
}

static int listen_on(const char *address, const char *port)
{
    char *end = NULL;
    unsigned long number = strtoul(port, &end, 10);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
    if (*port == '\0' || *end != '\0' || number > UINT16_MAX ||
        inet_pton(AF_INET, address, &at.sin_addr) != 1) {
        (void)fprintf(stderr, "podinfo: \"%s\" port \"%s\" is no IPv4 address\n", address, port);
        return -1;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 || listen(fd, SOMAXCONN) < 0) {
        (void)fprintf(stderr, "podinfo: listen on %s:%s: %s\n", address, port, strerror(errno));
        return -1;
    }
    return fd;
}

static int serve(struct server *server, const char *address, const char *port)
{
    sigset_t mask;
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGTERM);
    (void)sigaddset(&mask, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &mask, NULL);
    int signals = signalfd(-1, &mask, SFD_CLOEXEC);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->listener = listen_on(address, port);
    if (server->listener < 0) {
        return 1;
    }
    struct epoll_event on_listener = {.events = EPOLLIN, .data.ptr = &server->listener};
    struct epoll_event on_signal = {.events = EPOLLIN, .data.ptr = server};
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &on_listener) < 0 ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, signals, &on_signal) < 0) {
        (void)fprintf(stderr, "podinfo: epoll: %s\n", strerror(errno));
        return 1;
    }
    loop(server, signals);
    return 0;
}

static const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : otherwise;
}

int main(int argc, char **argv)
{
    static struct server server; /* too large for the stack */
    static const struct option options[] = {
        {"address", required_argument, NULL, 'a'}, {"port", required_argument, NULL, 'p'},
        {"version", required_argument, NULL, 'v'}, {"graceful", no_argument, NULL, 'g'},
        {"get", required_argument, NULL, 'u'},     {NULL, 0, NULL, 0},
    };
    const char *tag = strrchr(environment("IMAGE", ""), ':');
    const char *address = environment("POD_IP", "127.0.0.1");
    const char *port = environment("PORT", "8080");
    server.version = environment("VERSION", tag != NULL ? tag + 1 : "unknown");
    server.pod = environment("HOSTNAME", "");
    for (int option = 0; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'a':
            address = optarg;
            break;
        case 'p':
            port = optarg;
            break;
        case 'v':
            server.version = optarg;
            break;
        case 'g':
            server.graceful = true;
            break;
        case 'u':
            return podinfo_get(optarg);
        default:
            return 2;
        }
    }
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        server.table[i].fd = -1;
    }
    return serve(&server, address, port);
}
