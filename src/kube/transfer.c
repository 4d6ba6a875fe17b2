/* One attempt of a call on a curl handle (client_private.h): what curl is told, and its callbacks.
 *
 * curl's callbacks run inside curl_multi_perform() alone. They take bytes and note what happened;
 * nothing is decided here.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kube/client_private.h"

#define CONNECT_TIMEOUT_MS 10000L

/* A peer that is gone without a word: noticed within half a minute, idle or not, as client-go does
 * with HTTP/2 pings (30 s and 15 s). */
#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_EVERY_S 5
#define KEEPALIVE_PROBES 3
#define UNACKNOWLEDGED_MS 30000

/* --- the server --- */

static char *copy(const char *text)
{
    char *made = strdup(text);
    if (made == NULL) {
        abort();
    }
    return made;
}

static void append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = sl_curl.slist_append(*list, line);
    if (longer == NULL) {
        abort();
    }
    *list = longer;
}

static void curlu_cleanup(CURLU **url)
{
    sl_curl.url_cleanup(*url);
}

static void curl_text_cleanup(char **text)
{
    sl_curl.free(*text);
}

/* curl takes the name to verify from the URL: so that name goes there, and the connection
 * elsewhere. */
static void rename_server(CURLU *url, const char *server_name, struct sl_endpoint *endpoint)
{
    SL_AUTO(curl_text) char *host = NULL;
    SL_AUTO(curl_text) char *port = NULL;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB * 4);
    (void)sl_curl.url_get(url, CURLUPART_HOST, &host, 0);
    (void)sl_curl.url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    sl_buf_addf(&text, "::%s:%s", host, port);
    append(&endpoint->connect, text.data);
    sl_buf_reset(&text);
    sl_buf_addf(&text, "Host: %s:%s", host, port);
    endpoint->host_header = copy(text.data);
    sl_buf_reset(&text);
    bool is_bare_ipv6 = strchr(server_name, ':') != NULL && server_name[0] != '[';
    sl_buf_addf(&text, is_bare_ipv6 ? "[%s]" : "%s", server_name);
    (void)sl_curl.url_set(url, CURLUPART_HOST, text.data, 0);
}

int sl_endpoint_open(const struct sl_kube_config *config, struct sl_endpoint *ret_endpoint,
                     struct sl_err *err)
{
    SL_AUTO(curlu) CURLU *url = sl_curl.url();
    SL_AUTO(curl_text) char *scheme = NULL;
    SL_AUTO(curl_text) char *base = NULL;
    SL_AUTO(curl_text) char *user = NULL;
    if (sl_curl.url_set(url, CURLUPART_URL, config->server, 0) != CURLUE_OK ||
        sl_curl.url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "the server must be an https:// or http:// URL such as "
                          "https://10.0.0.1:6443");
    }
    if (sl_curl.url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "the server's URL holds a user name: give it as the user's `username`");
    }
    struct sl_endpoint made = {0};
    if (config->server_name != NULL && strcmp(scheme, "https") == 0) {
        rename_server(url, config->server_name, &made);
    }
    if (sl_curl.url_get(url, CURLUPART_URL, &base, 0) != CURLUE_OK) {
        sl_endpoint_cleanup(&made);
        return sl_err_set(err, SL_ERR_INVALID, "the server's name is not one: %s",
                          config->server_name);
    }
    size_t length = strlen(base);
    base[length > 0 && base[length - 1] == '/' ? length - 1 : length] = '\0';
    made.base = copy(base);
    *ret_endpoint = made;
    return 0;
}

void sl_endpoint_cleanup(struct sl_endpoint *endpoint)
{
    free(endpoint->base);
    free(endpoint->host_header);
    sl_curl.slist_free_all(endpoint->connect);
    *endpoint = (struct sl_endpoint){0};
}

/* --- callbacks --- */

static void note_heard(struct sl_call *call)
{
    call->heard = true;
    call->client->heard_at = call->client->now;
    if (call->is_stream) {
        call->deadline = call->client->now + call->timeout;
    }
}

static bool is_open_stream(const struct sl_call *call)
{
    long status = 0;
    (void)sl_curl.easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    return call->is_stream && !call->cancelled && status / 100 == 2;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): curl's signature */
static size_t take_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct sl_call *call = ctx;
    struct sl_str line = {.p = bytes, .n = size * count};
    note_heard(call);
    /* The empty line: of a quiet watch nothing else may come for a minute. */
    if (sl_str_is(line, "\r\n") && is_open_stream(call)) {
        call->cut = !call->stream.data(call->stream.ctx, SL_STR(""));
    }
    return call->cut || call->cancelled ? 0 : line.n;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): curl's signature */
static size_t take_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct sl_call *call = ctx;
    struct sl_str piece = {.p = bytes, .n = size * count};
    note_heard(call);
    if (call->cancelled) {
        return 0;
    }
    if (is_open_stream(call)) {
        call->cut = !call->stream.data(call->stream.ctx, piece);
        return call->cut || call->cancelled ? 0 : piece.n;
    }
    sl_buf_addstr(&call->received, piece);
    return call->received.overflowed ? 0 : piece.n;
}

/* curl 7.88 has no option for the number of probes, nor for bytes that nobody acknowledges. A
 * system that lacks one of them only notices later. */
static int prepare_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS},
    };
    struct sl_client *client = ctx;
    (void)purpose;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                         sizeof options[i].value);
    }
    if (client->sockets_count < SL_CLIENT_SOCKETS_MAX) {
        client->sockets[client->sockets_count++] = fd;
    }
    return CURL_SOCKOPT_OK;
}

static int close_socket(void *ctx, curl_socket_t fd)
{
    struct sl_client *client = ctx;
    for (size_t i = 0; i < client->sockets_count; i++) {
        if (client->sockets[i] == fd) {
            client->sockets[i] = client->sockets[--client->sockets_count];
            break;
        }
    }
    return close(fd);
}

/* curl tells which socket a request is on only when it is answered. Those that are shut down fail
 * with the next turn, and curl closes them. */
void sl_transfer_cut_connections(struct sl_client *client)
{
    for (size_t i = 0; i < client->sockets_count; i++) {
        (void)shutdown(client->sockets[i], SHUT_RDWR);
    }
}

/* --- an attempt --- */

/* Fails without memory, or where libcurl was built without what is asked of it: to go on would be a
 * request with another's method, or trust in whom nobody named. */
static void must(CURLcode code)
{
    if (code != CURLE_OK) {
        abort();
    }
}

/* curl holds copies of short texts, and pointers into the configuration for certificates and key.
 */
static void configure_tls(CURL *easy, const struct sl_kube_config *config)
{
    const struct {
        CURLoption option;
        struct sl_str pem;
    } blobs[] = {
        {CURLOPT_CAINFO_BLOB, config->ca},
        {CURLOPT_SSLCERT_BLOB, config->cert},
        {CURLOPT_SSLKEY_BLOB, config->key},
    };
    for (size_t i = 0; i < sizeof blobs / sizeof blobs[0]; i++) {
        if (blobs[i].pem.n > 0) {
            struct curl_blob blob = {.len = blobs[i].pem.n, .flags = CURL_BLOB_NOCOPY};
            memcpy(&blob.data, &blobs[i].pem.p, sizeof blob.data); /* curl only reads it */
            must(sl_curl.easy_setopt(easy, blobs[i].option, &blob));
        }
    }
    if (config->ca.n > 0) { /* that one alone, not the system's besides */
        must(sl_curl.easy_setopt(easy, CURLOPT_CAPATH, NULL));
    }
    if (config->insecure) {
        must(sl_curl.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L));
        must(sl_curl.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L));
    }
    must(sl_curl.easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
}

/* What is the same for every call of a client. */
static CURL *make_handle(struct sl_client *client)
{
    CURL *easy = sl_curl.easy_init();
    if (easy == NULL) {
        abort();
    }
    configure_tls(easy, client->config);
    must(sl_curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
    must(sl_curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
    must(
        sl_curl.easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L)); /* a proxy's: no answer */
    must(sl_curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
    must(sl_curl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS));
    must(sl_curl.easy_setopt(easy, CURLOPT_PIPEWAIT, 1L));
    must(sl_curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS));
    must(sl_curl.easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip"));
    must(sl_curl.easy_setopt(easy, CURLOPT_USERAGENT, client->user_agent));
    must(sl_curl.easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, prepare_socket));
    must(sl_curl.easy_setopt(easy, CURLOPT_SOCKOPTDATA, client));
    must(sl_curl.easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket));
    must(sl_curl.easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, client));
    must(sl_curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header));
    must(sl_curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body));
    if (client->config->proxy != NULL) {
        must(sl_curl.easy_setopt(easy, CURLOPT_PROXY, client->config->proxy));
    }
    if (client->endpoint.connect != NULL) {
        must(sl_curl.easy_setopt(easy, CURLOPT_CONNECT_TO, client->endpoint.connect));
    }
    return easy;
}

static struct curl_slist *make_headers(const struct sl_call *call)
{
    const struct sl_client *client = call->client;
    const char *const lines[] = {"Accept: application/json", "Expect:", client->credentials.line,
                                 client->endpoint.host_header, call->content_type};
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (lines[i] != NULL) {
            append(&list, lines[i]);
        }
    }
    return list;
}

static void configure_call(struct sl_call *call)
{
    CURL *easy = call->easy;
    SL_AUTO(sl_buf) struct sl_buf url = SL_BUF_INIT(2 * SL_CLIENT_PATH_MAX);
    sl_buf_addf(&url, "%s%s", call->client->endpoint.base, call->path);
    call->headers = make_headers(call);
    call->reason[0] = '\0';
    must(sl_curl.easy_setopt(easy, CURLOPT_URL, url.data));
    must(sl_curl.easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers));
    must(sl_curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, call->reason));
    must(sl_curl.easy_setopt(easy, CURLOPT_PRIVATE, call));
    must(sl_curl.easy_setopt(easy, CURLOPT_HEADERDATA, call));
    must(sl_curl.easy_setopt(easy, CURLOPT_WRITEDATA, call));
    must(sl_curl.easy_setopt(easy, CURLOPT_HTTPGET, 1L));
    if (call->content_type != NULL) { /* a body, and with it curl's POST, renamed */
        must(sl_curl.easy_setopt(easy, CURLOPT_POST, 1L));
        must(sl_curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len));
        must(sl_curl.easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.data));
    }
    must(sl_curl.easy_setopt(easy, CURLOPT_CUSTOMREQUEST, sl_request_methods[call->verb]));
}

int sl_transfer_begin(struct sl_call *call, int64_t now, struct sl_err *err)
{
    struct sl_client *client = call->client;
    if (call->path == NULL) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "the request's path and query are larger than %zu "
                          "bytes",
                          SL_CLIENT_PATH_MAX);
    }
    if (sl_credentials_refresh(&client->credentials, now, err) < 0) {
        return -1;
    }
    call->easy = client->idle_count > 0 ? client->idle[--client->idle_count] : make_handle(client);
    call->started = now;
    call->heard = false;
    call->tries++;
    call->received =
        (struct sl_buf)SL_BUF_INIT(call->is_stream ? SL_CLIENT_ERROR_MAX : SL_CLIENT_BODY_MAX);
    configure_call(call);
    if (sl_curl.multi_add_handle(client->multi, call->easy) != CURLM_OK) {
        abort(); /* out of memory, or a handle that is in use */
    }
    return 0;
}

void sl_transfer_end(struct sl_call *call)
{
    struct sl_client *client = call->client;
    if (call->easy == NULL) {
        return;
    }
    (void)sl_curl.multi_remove_handle(client->multi, call->easy);
    for (struct curl_slist *line = call->headers; line != NULL; line = line->next) {
        explicit_bzero(line->data, strlen(line->data));
    }
    sl_curl.slist_free_all(call->headers);
    call->headers = NULL;
    if (client->idle_count < SL_CLIENT_IDLE_MAX) {
        must(sl_curl.easy_setopt(call->easy, CURLOPT_HTTPHEADER, NULL));
        must(sl_curl.easy_setopt(call->easy, CURLOPT_ERRORBUFFER, NULL));
        must(sl_curl.easy_setopt(call->easy, CURLOPT_POSTFIELDS, NULL));
        client->idle[client->idle_count++] = call->easy;
    } else {
        sl_curl.easy_cleanup(call->easy);
    }
    call->easy = NULL;
    sl_buf_cleanup(&call->received);
}
