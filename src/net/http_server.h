/* An HTTP/1.1 server, plain or TLS, on libmicrohttpd: epoll, a fixed number of threads, every cap
 * that untrusted peers need.
 *
 * The server reads a whole request into memory within its caps, calls the handler on one of its
 * threads, and sends what the handler wrote. It answers by itself, as text/plain: 413 over
 * `max_body`, 503 with Retry-After: 1 when the bytes of all bodies in flight would pass
 * `max_in_flight`, 403 for a client certificate that is not allowed, 400 for a request whose end or
 * path two readers may see differently. What is no HTTP, or has more than 16 KiB of headers, gets
 * libmicrohttpd's own 4xx. A peer that is still sending when an answer is already decided is read
 * on (and thrown away) up to twice the cap, so that it sees the answer and not a reset; one that
 * waits for `100 Continue` is answered at once.
 *
 * Deadlines are absolute, not per byte. `request_timeout_ns` bounds each of: the TLS handshake
 * (plain: from connect to the first request line), a request from its request line to the last byte
 * of its body, and the sending of its answer. `idle_timeout_ns` (longer than the API server's 90 s,
 * so that the client is always the one to close) bounds the wait for a request line. What is past
 * its deadline is cut by sl_http_server_sweep().
 *
 * At `max_connections` a new connection takes the place of one that asks nothing: the oldest that
 * never made a request, or else the one that has waited longest for its next. While all are busy,
 * new ones wait in the listen queue.
 *
 * Threads: the handler runs on several threads at once. All functions here may be called from one
 * other thread (the role's loop).
 */
#ifndef SL_NET_HTTP_SERVER_H
#define SL_NET_HTTP_SERVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct sl_tls_store; /* tls_store.h */

/* Why a request or a connection was turned away by the server itself. */
enum sl_http_shed {
    SL_HTTP_SHED_BODY,        /* 413 */
    SL_HTTP_SHED_IN_FLIGHT,   /* 503 */
    SL_HTTP_SHED_DEADLINE,    /* cut, too slow */
    SL_HTTP_SHED_CLIENT_CERT, /* 403, no client certificate that is allowed */
    SL_HTTP_SHED_CONNECTIONS, /* cut while it asked nothing, to let another one in */
    SL_HTTP_SHED_COUNT,
};

struct sl_http_request {
    struct sl_str method;       /* "POST" */
    struct sl_str path;         /* "/mutate", without the query */
    struct sl_str content_type; /* absent when there is no such header */
    struct sl_str timeout;      /* the query's `timeout` ("10s"), absent when there is none */
    struct sl_str body;         /* valid during the call */
    int64_t received;           /* sl_clock_mono() when the request line was complete */
};

struct sl_http_response {
    unsigned status;          /* 200 unless the handler sets it */
    const char *content_type; /* lives for ever; "text/plain; charset=utf-8" unless set */
    const char *allow;        /* Allow header of a 405, lives for ever, or NULL */
    unsigned retry_after;     /* seconds; 0: no such header */
    struct sl_buf body;       /* the handler appends, up to its cap; the server releases */
};
#define SL_HTTP_ANSWER_MAX (SL_MIB * 16) /* cap of a response's body */

/* Called for each complete request, on several threads at once. */
typedef void sl_http_handler(void *ctx, const struct sl_http_request *request,
                             struct sl_http_response *response);

struct sl_http_options {
    const char *address;        /* "127.0.0.1", "0.0.0.0", "::" (IPv4 too) */
    uint16_t port;              /* 0: a free one, see sl_http_server_port() */
    unsigned threads;           /* at least 1 */
    unsigned max_connections;   /* see above */
    size_t max_body;            /* bytes of one body */
    size_t max_in_flight;       /* bytes of all bodies being read or answered */
    int64_t request_timeout_ns; /* see above */
    int64_t idle_timeout_ns;
    struct sl_tls_store *tls; /* NULL: plain HTTP. Must outlive the server. */
    sl_http_handler *handler;
    void *ctx;
};

struct sl_http_stats {
    unsigned connections; /* open now */
    unsigned in_flight;   /* requests being read or answered now */
    size_t bytes;         /* bodies in flight */
    uint64_t sheds[SL_HTTP_SHED_COUNT];
};

struct sl_http_server;

/* Binds, listens and starts the threads. Errors: INVALID (bad address), DENIED, INTERNAL (in use,
 * with the address and port in the sentence). */
SL_MUST_USE int sl_http_server_start(const struct sl_http_options *options,
                                     struct sl_http_server **ret_server, struct sl_err *err);
uint16_t sl_http_server_port(const struct sl_http_server *server);
void sl_http_server_stats(const struct sl_http_server *server, struct sl_http_stats *ret_stats);

/* From now on every answer carries `Connection: close`; accepting goes on. */
void sl_http_server_drain(struct sl_http_server *server);
/* Stops accepting and closes the port: connections that the kernel has already accepted are taken
 * over first (up to max_connections), so that only a client caught between its SYN and this call is
 * refused. All connections are served on, and stats.connections misses none of them. A second call
 * does nothing. */
void sl_http_server_quiesce(struct sl_http_server *server);
/* Closes everything at once and joins the threads. NULL is fine. */
void sl_http_server_stop(struct sl_http_server *server);
SL_AUTO_PTR(sl_http_server, struct sl_http_server, sl_http_server_stop);

/* To be called at least once a second with sl_clock_mono(): cuts what is past its deadline. */
void sl_http_server_sweep(struct sl_http_server *server, int64_t now);

#endif
