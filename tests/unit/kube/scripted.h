/* A server that says exactly what a test wrote down, byte by byte, on a thread of its own: what
 * http_server.h would never send. Answers are given in order, one to each request, over as many
 * connections as it takes; one connection at a time. */
#ifndef SL_TESTS_UNIT_KUBE_SCRIPTED_H
#define SL_TESTS_UNIT_KUBE_SCRIPTED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

enum scripted_end {
    THEN_KEEP,  /* the next request on the same connection */
    THEN_CLOSE, /* the connection */
    THEN_RESET, /* the same with a RST */
    THEN_HANG,  /* nothing more, until the client closes or the server is stopped */
};

struct scripted_answer {
    const char *pieces[8]; /* sent one by one, with a little time between them */
    enum scripted_end end;
};

#define SCRIPTED_REQUESTS_MAX 16

struct scripted {
    const struct scripted_answer *answers;
    size_t answers_count;
    int listener;
    int stop[2]; /* a pipe: readable when the server is to stop */
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what is below */
    size_t count, connections;
    struct sl_buf requests[SCRIPTED_REQUESTS_MAX];
};

/* Header and body, or as much as came before the end. False: there was nothing. */
static inline bool scripted_read(int fd, struct sl_buf *out)
{
    size_t need = 0;
    while (need == 0 || out->len < need) {
        char bytes[4096];
        ssize_t count = recv(fd, bytes, sizeof bytes, 0);
        if (count <= 0) {
            return false;
        }
        sl_buf_add(out, bytes, (size_t)count);
        const char *end = strstr(out->data, "\r\n\r\n");
        const char *length = strcasestr(out->data, "\r\nContent-Length: ");
        if (need == 0 && end != NULL) {
            need =
                (size_t)(end - out->data) + 4 +
                (length == NULL ? 0 : strtoul(length + strlen("\r\nContent-Length: "), NULL, 10));
        }
    }
    return true;
}

/* Until the server is stopped, or the peer has gone. */
static inline void scripted_hang(const struct scripted *server, int fd)
{
    struct pollfd fds[] = {{.fd = server->stop[0], .events = POLLIN},
                           {.fd = fd, .events = POLLRDHUP}};
    (void)poll(fds, 2, -1);
}

static inline enum scripted_end scripted_send(const struct scripted *server, int fd,
                                              const struct scripted_answer *answer)
{
    for (size_t i = 0; answer->pieces[i] != NULL; i++) {
        if (i > 0) {
            (void)usleep(20000);
        }
        (void)send(fd, answer->pieces[i], strlen(answer->pieces[i]), MSG_NOSIGNAL);
    }
    if (answer->end == THEN_HANG) {
        scripted_hang(server, fd);
    }
    if (answer->end == THEN_RESET) {
        const struct linger now = {.l_onoff = 1};
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    return answer->end;
}

/* One connection. Returns how many answers are given by now. */
static inline size_t scripted_serve(struct scripted *server, int fd, size_t given)
{
    enum scripted_end end = THEN_KEEP;
    while (end == THEN_KEEP && given < server->answers_count) {
        struct sl_buf request = SL_BUF_INIT(SL_MIB);
        if (!scripted_read(fd, &request)) {
            sl_buf_cleanup(&request);
            break;
        }
        (void)pthread_mutex_lock(&server->mutex);
        server->requests[server->count++] = request;
        (void)pthread_mutex_unlock(&server->mutex);
        end = scripted_send(server, fd, &server->answers[given++]);
    }
    return given;
}

static inline void *scripted_run(void *ctx)
{
    struct scripted *server = ctx;
    size_t given = 0;
    while (given < server->answers_count) {
        SL_AUTO(sl_fd) int fd = accept(server->listener, NULL, NULL);
        if (fd < 0) {
            break;
        }
        (void)pthread_mutex_lock(&server->mutex);
        server->connections++;
        (void)pthread_mutex_unlock(&server->mutex);
        given = scripted_serve(server, fd, given);
    }
    return NULL;
}

/* `answers` outlive the server. */
static inline void scripted_start(struct scripted *server, const struct scripted_answer *answers,
                                  size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    *server = (struct scripted){.answers = answers, .answers_count = count};
    assert_true(count <= SCRIPTED_REQUESTS_MAX);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pipe(server->stop), 0);
    assert_int_equal(pthread_mutex_init(&server->mutex, NULL), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, scripted_run, server), 0);
}

static inline void scripted_stop(struct scripted *server)
{
    (void)shutdown(server->listener, SHUT_RDWR);
    (void)close(server->stop[1]);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->listener);
    (void)close(server->stop[0]);
    (void)pthread_mutex_destroy(&server->mutex);
    for (size_t i = 0; i < server->count; i++) {
        sl_buf_cleanup(&server->requests[i]);
    }
}

static inline size_t scripted_count(struct scripted *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    size_t count = server->count;
    (void)pthread_mutex_unlock(&server->mutex);
    return count;
}

/* The text of a request that was answered, valid until the server is stopped. */
static inline const char *scripted_request(struct scripted *server, size_t index)
{
    (void)pthread_mutex_lock(&server->mutex);
    const char *text = index < server->count ? server->requests[index].data : "";
    (void)pthread_mutex_unlock(&server->mutex);
    return text;
}

#endif
