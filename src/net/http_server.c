/* The HTTP server's life: libmicrohttpd's daemon and its options (http_private.h has the map).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/http_private.h"

#define THREAD_STACK_BYTES SL_MIB /* the handler runs on it */

/* MHD has a word for every peer that breaks off a handshake: a scan must not flood the log. The
 * words of a start that failed are kept for the error. */
__attribute__((format(printf, 2, 0))) static void hear(void *argument, const char *format,
                                                       va_list args)
{
    struct sl_http_server *server = argument;
    char words[sizeof server->trouble];
    int length = vsnprintf(words, sizeof words, format, args);
    if (length <= 0) {
        return;
    }
    words[strcspn(words, "\n")] = '\0';
    if (!atomic_load(&server->started)) {
        memcpy(server->trouble, words, sizeof words);
    }
    sl_log(SL_LOG_DEBUG, "libmicrohttpd", SL_LOG_CSTR("err", words));
}

static struct MHD_Daemon *start_daemon(struct sl_http_server *server)
{
    const struct sl_http_options *options = &server->options;
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
    char priorities[] = SL_HTTP_TLS_PRIORITIES; /* MHD's options want it not const */
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)sl_http_connection_retrieve},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    /* MHD shares its limit out among its threads, while ours is for all of them: every thread may
     * have all. */
    unsigned limit = options->max_connections * options->threads;
    struct MHD_OptionItem pool[] = {
        {MHD_OPTION_THREAD_POOL_SIZE, options->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(
        flags | (options->tls == NULL ? 0 : MHD_USE_TLS), 0, NULL, NULL, sl_http_request_part,
        server, MHD_OPTION_EXTERNAL_LOGGER, hear, server, MHD_OPTION_CONNECTION_LIMIT, limit,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, SL_HTTP_CONNECTION_MEMORY, MHD_OPTION_THREAD_STACK_SIZE,
        THREAD_STACK_BYTES, MHD_OPTION_NOTIFY_CONNECTION, sl_http_connection_notify, server,
        MHD_OPTION_URI_LOG_CALLBACK, sl_http_request_line, server, MHD_OPTION_NOTIFY_COMPLETED,
        sl_http_request_done, server, MHD_OPTION_ARRAY, options->threads > 1 ? pool : plain,
        MHD_OPTION_ARRAY, options->tls == NULL ? plain : tls, MHD_OPTION_END);
}

static int start_threads(struct sl_http_server *server, struct sl_err *err)
{
    server->daemon = start_daemon(server);
    if (server->daemon == NULL) {
        return sl_err_set(err, SL_ERR_INTERNAL, "cannot start the HTTP server: %s",
                          server->trouble[0] == '\0' ? "out of memory or threads"
                                                     : server->trouble);
    }
    atomic_store(&server->started, true);
    return sl_http_listen_start(server, err);
}

int sl_http_server_start(const struct sl_http_options *options, struct sl_http_server **ret_server,
                         struct sl_err *err)
{
    if (options->threads == 0 || options->max_connections == 0 ||
        options->max_connections > UINT_MAX / options->threads) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "the HTTP server needs at least one thread and one connection");
    }
    SL_AUTO(sl_http_server) struct sl_http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        abort();
    }
    server->options = *options;
    server->options.address = NULL;
    server->listener.fd = -1;
    server->listener.wake = -1;
    sl_http_connections_init(&server->connections);
    if (sl_http_listen_open(&server->listener, options->address, options->port, err) < 0) {
        return -1;
    }
    /* Signals are the role's: threads inherit a mask that takes none. */
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int started = start_threads(server, err);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started < 0) {
        return -1;
    }
    *ret_server = sl_steal(&server);
    return 0;
}

uint16_t sl_http_server_port(const struct sl_http_server *server)
{
    return server->listener.port;
}

void sl_http_server_stats(const struct sl_http_server *server, struct sl_http_stats *ret_stats)
{
    struct sl_http_stats stats = {
        .connections = atomic_load(&server->open),
        .in_flight = atomic_load(&server->in_flight),
        .bytes = atomic_load(&server->bytes),
    };
    for (int i = 0; i < SL_HTTP_SHED_COUNT; i++) {
        stats.sheds[i] = atomic_load(&server->sheds[i]);
    }
    *ret_stats = stats;
}

void sl_http_server_drain(struct sl_http_server *server)
{
    atomic_store(&server->draining, true);
}

void sl_http_server_quiesce(struct sl_http_server *server)
{
    sl_http_listen_close(&server->listener);
}

void sl_http_server_stop(struct sl_http_server *server)
{
    if (server == NULL) {
        return;
    }
    sl_http_listen_close(&server->listener);
    if (server->daemon != NULL) {
        MHD_stop_daemon(server->daemon);
    }
    if (server->listener.wake >= 0) { /* connections that end wake the listener, to the last */
        (void)close(server->listener.wake);
    }
    sl_http_connections_destroy(&server->connections);
    free(server);
}

void sl_http_server_sweep(struct sl_http_server *server, int64_t now)
{
    sl_http_connections_sweep(server, now);
}
