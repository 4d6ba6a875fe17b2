/* The least that a TLS server on libmicrohttpd can do: reads the body of a POST and sends the same
 * bytes back.
 *
 *     bench-tls-echo PORT CERTIFICATE KEY THREADS
 *
 * hack/bench.sh measures the webhook against it, to tell the price of reviewing a request from that
 * of TLS and HTTP. It has the webhook's TLS priorities and memory for each connection, and none of
 * its caps and deadlines. Listens on 127.0.0.1 and ends on SIGTERM.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "net/http_private.h"

#define MAX_BODY (8 * SL_MIB)

static enum MHD_Result echo(void *ctx, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *data, size_t *size,
                            void **context)
{
    (void)ctx;
    (void)url;
    (void)method;
    (void)version;
    struct sl_buf *body = *context;
    if (body == NULL) {
        body = calloc(1, sizeof *body);
        *context = body;
        if (body == NULL) {
            return MHD_NO;
        }
        body->cap = MAX_BODY;
        return MHD_YES;
    }
    if (*size > 0) {
        sl_buf_add(body, data, *size);
        *size = 0;
        return body->overflowed ? MHD_NO : MHD_YES;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        return MHD_NO;
    }
    *body = (struct sl_buf)SL_BUF_INIT(0); /* its memory is the response's now */
    enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}

static void done(void *ctx, struct MHD_Connection *connection, void **context,
                 enum MHD_RequestTerminationCode how)
{
    (void)ctx;
    (void)connection;
    (void)how;
    if (*context != NULL) {
        sl_buf_cleanup(*context);
        free(*context);
        *context = NULL;
    }
}

static unsigned number(const char *text, unsigned most)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value > most) {
        (void)fprintf(stderr, "bench-tls-echo: \"%s\" is not a number up to %u\n", text, most);
        exit(2);
    }
    return (unsigned)value;
}

static int serve(const char *port, const char *certificate, const char *key, unsigned threads)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)number(port, UINT16_MAX)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    sigset_t end;
    (void)sigemptyset(&end);
    (void)sigaddset(&end, SIGTERM);
    (void)sigaddset(&end, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &end, NULL); /* before there are threads, which inherit it */
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_TLS | MHD_USE_ERROR_LOG, 0, NULL,
        NULL, echo, NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_HTTPS_MEM_CERT, certificate,
        MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_HTTPS_PRIORITIES, SL_HTTP_TLS_PRIORITIES,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, SL_HTTP_CONNECTION_MEMORY, MHD_OPTION_THREAD_POOL_SIZE,
        threads, MHD_OPTION_NOTIFY_COMPLETED, done, NULL, MHD_OPTION_END);
    if (daemon == NULL) {
        (void)fprintf(stderr, "bench-tls-echo: cannot listen on port %s\n", port);
        return 1;
    }
    int signal_number = 0;
    (void)sigwait(&end, &signal_number);
    MHD_stop_daemon(daemon);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        (void)fprintf(stderr, "usage: bench-tls-echo PORT CERTIFICATE KEY THREADS\n");
        return 2;
    }
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_buf) struct sl_buf certificate = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_buf) struct sl_buf key = SL_BUF_INIT(SL_MIB);
    if (sl_file_read(argv[2], &certificate, &err) < 0 || sl_file_read(argv[3], &key, &err) < 0) {
        (void)fprintf(stderr, "bench-tls-echo: %s\n", err.msg);
        return 1;
    }
    return serve(argv[1], certificate.data, key.data, number(argv[4], 64));
}
