/* Every open connection: its deadline and what its TLS handshake needs (http_private.h has the
 * map).
 *
 * MHD has a timeout for silence only, which a byte a second outlives. Here each connection has an
 * absolute deadline, moved when a request begins, is answered and ends, and the sweep shuts down
 * the sockets that are past theirs; MHD then sees an error and closes. MHD announces the close of a
 * connection before it closes the descriptor (MHD_cleanup_connections), so that the sweep, which
 * holds the set's mutex meanwhile, never shuts down a descriptor that was given to somebody else.
 *
 * A connection is here from when it was accepted. MHD says when it takes one over, but not when it
 * has no memory for it and closes it: the sweep finds those by their descriptor, which is no more
 * what it was.
 */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "net/http_private.h"

#define NO_DEADLINE INT64_MAX
/* Not cut to make room: what the peer sends first may be on its way, or read and not looked at. */
#define YOUNG_NS (100 * SL_NS_PER_MS)

void sl_http_connections_init(struct sl_http_connections *set)
{
    (void)pthread_mutex_init(&set->mutex, NULL);
    set->first = NULL;
    set->last = NULL;
}

void sl_http_connections_destroy(struct sl_http_connections *set)
{
    while (set->first != NULL) { /* MHD stopped before it took them over */
        struct sl_http_connection *connection = set->first;
        set->first = connection->next;
        free(connection);
    }
    (void)pthread_mutex_destroy(&set->mutex);
}

struct sl_http_connection *sl_http_connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void sl_http_connection_arm(struct sl_http_connection *connection, bool idle, int64_t now,
                            int64_t timeout_ns)
{
    atomic_store(&connection->idle, idle);
    atomic_store(&connection->deadline, now + timeout_ns);
}

/* Holding the mutex, as `unlink_from`. */
static void append(struct sl_http_connections *set, struct sl_http_connection *connection)
{
    connection->prev = set->last;
    if (connection->prev != NULL) {
        connection->prev->next = connection;
    } else {
        set->first = connection;
    }
    set->last = connection;
}

static void unlink_from(struct sl_http_connections *set, struct sl_http_connection *connection)
{
    if (connection->prev != NULL) {
        connection->prev->next = connection->next;
    } else {
        set->first = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->prev = connection->prev;
    } else {
        set->last = connection->prev;
    }
}

struct sl_http_connection *sl_http_connections_admit(struct sl_http_server *server, int fd)
{
    struct sl_http_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        abort();
    }
    struct stat socket = {.st_ino = 0};
    (void)fstat(fd, &socket);
    connection->server = server;
    connection->fd = fd;
    connection->device = socket.st_dev;
    connection->inode = socket.st_ino;
    int64_t now = sl_clock_mono();
    sl_http_connection_arm(connection, false, now, server->options.request_timeout_ns);
    atomic_store(&connection->quiet_since, now);
    (void)pthread_mutex_lock(&server->connections.mutex);
    append(&server->connections, connection);
    (void)pthread_mutex_unlock(&server->connections.mutex);
    atomic_fetch_add(&server->open, 1);
    return connection;
}

/* It is out of the set. */
static void forget(struct sl_http_connection *connection)
{
    struct sl_http_server *server = connection->server;
    free(connection);
    if (atomic_fetch_sub(&server->open, 1) >= server->options.max_connections) {
        sl_http_listen_wake(&server->listener);
    }
}

void sl_http_connections_abandon(struct sl_http_connection *connection)
{
    struct sl_http_connections *set = &connection->server->connections;
    (void)pthread_mutex_lock(&set->mutex);
    unlink_from(set, connection);
    (void)pthread_mutex_unlock(&set->mutex);
    forget(connection);
}

/* The one of this descriptor that was accepted last: an earlier one was dropped unannounced. */
static struct sl_http_connection *take_over(struct sl_http_connections *set, int fd)
{
    (void)pthread_mutex_lock(&set->mutex);
    struct sl_http_connection *connection = set->last;
    while (connection->fd != fd) {
        connection = connection->prev;
    }
    connection->started = true;
    (void)pthread_mutex_unlock(&set->mutex);
    return connection;
}

static gnutls_session_t session_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
}

/* From here on the peer may wait: a client that dialled once more than it needed keeps the
 * connection for later. */
static int handshake_finished(gnutls_session_t session, unsigned type, unsigned when,
                              unsigned incoming, const gnutls_datum_t *message)
{
    (void)type;
    (void)when;
    (void)message;
    struct sl_http_connection *connection = sl_http_connection_of(gnutls_session_get_ptr(session));
    if (incoming != 0) {
        sl_http_connection_arm(connection, true, sl_clock_mono(),
                               connection->server->options.idle_timeout_ns);
    }
    return 0;
}

static void prepare_handshake(gnutls_session_t session, const struct sl_tls_store *store)
{
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
                                       handshake_finished);
    if (sl_tls_store_asks_client(store)) {
        /* The credentials trust nobody, so that the list of CA names is empty: the client sends
         * what it has, and a client CA that was reloaded needs no word here. Whether the
         * certificate is good is looked at when the handshake is over. */
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    }
}

static struct sl_http_connection *begin(struct sl_http_server *server, struct MHD_Connection *mhd)
{
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct sl_http_connection *connection = take_over(&server->connections, fd);
    if (server->options.tls != NULL) {
        prepare_handshake(session_of(mhd), server->options.tls);
    }
    return connection;
}

void sl_http_connection_notify(void *server, struct MHD_Connection *mhd, void **context,
                               enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = begin(server, mhd);
        return;
    }
    struct sl_http_connection *connection = *context;
    if (connection->exchange.received != 0) {
        /* MHD says so by itself, but where it has no memory for an error answer. */
        sl_http_request_done(server, mhd, context, MHD_REQUEST_TERMINATED_WITH_ERROR);
    }
    sl_tls_pair_release(connection->pair);
    sl_http_connections_abandon(connection);
    *context = NULL;
}

int sl_http_connection_retrieve(gnutls_session_t session, const gnutls_datum_t *ca_names,
                                int ca_count, const gnutls_pk_algorithm_t *algorithms,
                                int algorithm_count, gnutls_pcert_st **ret_chain,
                                unsigned *ret_length, gnutls_privkey_t *ret_key)
{
    (void)ca_names;
    (void)ca_count;
    (void)algorithms;
    (void)algorithm_count;
    /* MHD makes its connection the session's user pointer (new_connection_prepare_). */
    struct sl_http_connection *connection = sl_http_connection_of(gnutls_session_get_ptr(session));
    if (connection->pair == NULL) { /* not so when GnuTLS asks a second time in one handshake */
        connection->pair = sl_tls_store_acquire(connection->server->options.tls);
    }
    sl_tls_pair_get(connection->pair, ret_chain, ret_length, ret_key);
    return 0;
}

int sl_http_connection_check_client(struct sl_http_connection *connection,
                                    struct MHD_Connection *mhd, struct sl_err *err)
{
    struct sl_tls_store *store = connection->server->options.tls;
    if (store == NULL || connection->allowed) {
        return 0;
    }
    /* The handshake is over: a key that was replaced meanwhile need not outlive it. */
    sl_tls_pair_release(sl_steal(&connection->pair));
    if (sl_tls_store_verify_client(store, session_of(mhd), sl_clock_wall() / SL_NS_PER_S, err) <
        0) {
        return -1;
    }
    connection->allowed = true;
    return 0;
}

/* Of one that MHD has not taken over, with the mutex, so that it will not do so now. */
static bool was_dropped(const struct sl_http_connection *connection)
{
    struct stat now;
    return fstat(connection->fd, &now) < 0 || now.st_dev != connection->device ||
           now.st_ino != connection->inode;
}

/* Counts before the peer can see anything of it. */
static void cut(const struct sl_http_connection *connection, enum sl_http_shed shed)
{
    atomic_fetch_add(&connection->server->sheds[shed], 1);
    (void)shutdown(connection->fd, SHUT_RDWR);
}

static void cut_when_late(struct sl_http_connection *connection, int64_t now)
{
    bool idle = atomic_load(&connection->idle);
    int64_t deadline = atomic_load(&connection->deadline);
    /* The exchange fails when the connection moved on while it was looked at. */
    if (deadline > now ||
        !atomic_compare_exchange_strong(&connection->deadline, &deadline, NO_DEADLINE)) {
        return;
    }
    if (idle) {
        (void)shutdown(connection->fd, SHUT_RDWR);
    } else {
        cut(connection, SL_HTTP_SHED_DEADLINE);
    }
}

void sl_http_connections_sweep(struct sl_http_server *server, int64_t now)
{
    struct sl_http_connections *set = &server->connections;
    (void)pthread_mutex_lock(&set->mutex);
    for (struct sl_http_connection *connection = set->first; connection != NULL;) {
        struct sl_http_connection *next = connection->next;
        if (connection->started) {
            cut_when_late(connection, now);
        } else if (was_dropped(connection)) {
            unlink_from(set, connection);
            forget(connection);
        }
        connection = next;
    }
    (void)pthread_mutex_unlock(&set->mutex);
}

/* Its next request may have come while MHD's thread is busy with another connection. */
static bool has_sent(const struct sl_http_connection *connection)
{
    int unread = 0;
    return ioctl(connection->fd, FIONREAD, &unread) == 0 && unread > 0;
}

/* Holding the mutex. NULL: nobody. The list is in the order of acceptance, so that the first that
 * never asked is the oldest. */
static struct sl_http_connection *least_needed(const struct sl_http_connections *set, int64_t now,
                                               int64_t *ret_since)
{
    struct sl_http_connection *found = NULL;
    int64_t longest = now - YOUNG_NS;
    for (struct sl_http_connection *connection = set->first; connection != NULL;
         connection = connection->next) {
        int64_t since = atomic_load(&connection->quiet_since);
        bool asked = atomic_load(&connection->asked);
        if (!connection->started || since == 0 || since > (asked ? longest : now - YOUNG_NS) ||
            has_sent(connection)) {
            continue;
        }
        found = connection;
        *ret_since = since;
        longest = since;
        if (!asked) {
            break;
        }
    }
    return found;
}

void sl_http_connections_evict(struct sl_http_server *server, int64_t now)
{
    int64_t since = 0;
    (void)pthread_mutex_lock(&server->connections.mutex);
    struct sl_http_connection *connection = least_needed(&server->connections, now, &since);
    /* The exchange fails when a request came in while it was looked at. */
    if (connection != NULL && atomic_compare_exchange_strong(&connection->quiet_since, &since, 0)) {
        atomic_store(&connection->deadline, NO_DEADLINE);
        cut(connection, SL_HTTP_SHED_CONNECTIONS);
    }
    (void)pthread_mutex_unlock(&server->connections.mutex);
}
