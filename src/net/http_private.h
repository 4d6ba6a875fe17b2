/* What the files of the HTTP server share, and nobody else includes:
 *
 *     http_server.c       options, libmicrohttpd's daemon, start to stop
 *     http_listen.c       the listen socket and the thread that accepts
 *     http_connections.c  every open connection: its deadline, its TLS material
 *     http_request.c      one request: its body within the caps, the handler, the answer
 *
 * libmicrohttpd (MHD below) 0.9.75 or newer. One request at a time lives on a connection, so a
 * request's state is part of its connection's.
 */
#ifndef SL_NET_HTTP_PRIVATE_H
#define SL_NET_HTTP_PRIVATE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "net/http_server.h"
#include "net/tls_store_gnutls.h"

/* TLS 1.2 and 1.3 with ephemeral elliptic-curve keys and authenticated ciphers, nothing else
 * (GnuTLS priority string). The bench's echo server uses the same, so that the two are compared at
 * equal work. */
#define SL_HTTP_TLS_PRIORITIES                                                                     \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:"      \
    "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:-GROUP-ALL:+GROUP-X25519:"        \
    "+GROUP-SECP256R1:+GROUP-SECP384R1:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%SERVER_PRECEDENCE"

/* MHD's memory per connection: request line, headers and the read buffer. Headers of 16 KiB fit,
 * larger ones get MHD's 431. Up to 32 KiB MHD takes it from malloc, above that it maps it for each
 * connection. */
#define SL_HTTP_CONNECTION_MEMORY (32 * SL_KIB)

/* The state of one request, zero between requests. Touched by its connection's thread alone. */
struct sl_http_exchange {
    int64_t received; /* sl_clock_mono() when the request line was complete; 0: no request */
    bool begun;       /* the headers were looked at */
    bool strange_uri; /* with a NUL, where the path that MHD hands out ends, or a space */
    const struct sl_http_refusal *refusal; /* set: the rest of the body is thrown away */
    uint64_t length;  /* of the body as announced, UINT64_MAX when it is not (chunked) */
    uint64_t arrived; /* bytes of the body so far, thrown away or not */
    size_t charged;   /* its part of the server's `bytes` */
    struct sl_buf body;
    char *denial; /* why the client's certificate was refused */
};

struct sl_http_connection {
    struct sl_http_server *server;
    struct sl_http_connection *prev, *next; /* guarded by the set's mutex */
    bool started;                           /* guarded: MHD has announced it */
    int fd;                                 /* MHD's; once started, open as long as this is here */
    dev_t device;                           /* what `fd` was when it was accepted */
    ino_t inode;
    _Atomic int64_t deadline;    /* sl_clock_mono(); the sweep reads it */
    _Atomic int64_t quiet_since; /* its start, or the end of its last request; 0: in a request */
    atomic_bool asked;           /* it has made a request */
    atomic_bool idle;            /* between two requests */
    struct sl_tls_pair *pair;    /* held from the handshake to the first request */
    bool allowed;                /* the client's certificate was looked at */
    struct sl_http_exchange exchange;
};

struct sl_http_connections {
    pthread_mutex_t mutex; /* guards the list, never held during a call into MHD */
    struct sl_http_connection *first, *last; /* in the order in which they were accepted */
};

struct sl_http_listener {
    int fd;   /* -1 once the thread has ended */
    int wake; /* eventfd: a connection ended below the limit, or `closing` was set */
    uint16_t port;
    bool running; /* the thread is to be joined; the role's thread alone reads it */
    atomic_bool closing;
    pthread_t thread;
};

struct sl_http_server {
    struct sl_http_options options; /* `address` is not kept */
    struct MHD_Daemon *daemon;
    struct sl_http_listener listener;
    struct sl_http_connections connections;
    atomic_uint open; /* the length of the set */
    atomic_uint in_flight;
    atomic_size_t bytes;
    _Atomic uint64_t sheds[SL_HTTP_SHED_COUNT];
    atomic_bool draining;
    atomic_bool started;
    char trouble[256]; /* MHD's last words before that */
};

/* http_listen.c */
SL_MUST_USE int sl_http_listen_open(struct sl_http_listener *listener, const char *address,
                                    uint16_t port, struct sl_err *err);
SL_MUST_USE int sl_http_listen_start(struct sl_http_server *server, struct sl_err *err);
void sl_http_listen_wake(struct sl_http_listener *listener); /* any thread */
/* Takes what the kernel has already accepted, closes the socket, ends the thread. Again: nothing.
 */
void sl_http_listen_close(struct sl_http_listener *listener);

/* http_connections.c: the listener's thread admits, MHD's threads serve, the role's thread sweeps
 */
void sl_http_connections_init(struct sl_http_connections *set);
void sl_http_connections_destroy(struct sl_http_connections *set);
/* Counts a connection from before MHD has it, so that nobody in between is missed on shutdown. */
struct sl_http_connection *sl_http_connections_admit(struct sl_http_server *server, int fd);
/* MHD has closed it instead of taking it over. */
void sl_http_connections_abandon(struct sl_http_connection *connection);
void sl_http_connections_sweep(struct sl_http_server *server, int64_t now);
/* Cuts the oldest connection that never made a request, or else the one that has waited longest for
 * its next. Nobody while all are busy, or too young to be judged. */
void sl_http_connections_evict(struct sl_http_server *server, int64_t now);
/* Called by MHD on the connection's thread, as all that follows. */
void sl_http_connection_notify(void *server, struct MHD_Connection *mhd, void **context,
                               enum MHD_ConnectionNotificationCode code);
struct sl_http_connection *sl_http_connection_of(struct MHD_Connection *mhd);
/* The request's next step, or the next request, must come before now + timeout_ns. */
void sl_http_connection_arm(struct sl_http_connection *connection, bool idle, int64_t now,
                            int64_t timeout_ns);
/* Whether the peer may ask at all; once per connection. 0, or -1 with the reason. */
SL_MUST_USE int sl_http_connection_check_client(struct sl_http_connection *connection,
                                                struct MHD_Connection *mhd, struct sl_err *err);
/* The gnutls_certificate_retrieve_function2 of every TLS server here. */
int sl_http_connection_retrieve(gnutls_session_t session, const gnutls_datum_t *ca_names,
                                int ca_count, const gnutls_pk_algorithm_t *algorithms,
                                int algorithm_count, gnutls_pcert_st **ret_chain,
                                unsigned *ret_length, gnutls_privkey_t *ret_key);

/* http_request.c: MHD's callbacks of one request, in the order in which they come */
void *sl_http_request_line(void *server, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result sl_http_request_part(void *server, struct MHD_Connection *mhd, const char *url,
                                     const char *method, const char *version, const char *data,
                                     size_t *size, void **context);
void sl_http_request_done(void *server, struct MHD_Connection *mhd, void **context,
                          enum MHD_RequestTerminationCode how);

#endif
