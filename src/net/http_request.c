/* One request: its body within the caps, the handler, the answer (http_private.h has the map).
 *
 * MHD calls in this order, on the connection's thread: sl_http_request_line() when the request line
 * is complete, sl_http_request_part() once with the headers, for each piece of the body, and once
 * at the end, and sl_http_request_done() when the answer is sent or the connection broke.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/http_private.h"

#define FIRST_ROOM (4 * SL_KIB)      /* for a body of unknown length */
#define TRUSTED_LENGTH (64 * SL_KIB) /* an announced length is believed up to here */
#define UNKNOWN_LENGTH UINT64_MAX

#define NO_SHED SL_HTTP_SHED_COUNT

/* What the server answers by itself. */
struct sl_http_refusal {
    const char *text;
    unsigned status;
    unsigned retry_after;
    enum sl_http_shed shed;
    bool closes;
};

static const struct sl_http_refusal too_large = {
    .text = "the request's body is too large",
    .status = MHD_HTTP_CONTENT_TOO_LARGE,
    .shed = SL_HTTP_SHED_BODY,
};
static const struct sl_http_refusal too_many = {
    .text = "too many requests at once, try again",
    .status = MHD_HTTP_SERVICE_UNAVAILABLE,
    .retry_after = 1,
    .shed = SL_HTTP_SHED_IN_FLIGHT,
};
static const struct sl_http_refusal denied = {
    .text = "the client certificate is not allowed",
    .status = MHD_HTTP_FORBIDDEN,
    .shed = SL_HTTP_SHED_CLIENT_CERT,
    .closes = true, /* the peer shall come back with another one */
};
static const struct sl_http_refusal malformed = {
    .text = "the request is malformed: one Host, one Content-Length or Transfer-Encoding: chunked, "
            "no space or NUL in the URI",
    .status = MHD_HTTP_BAD_REQUEST,
    .shed = NO_SHED,
    .closes = true, /* what follows may be a body or another request */
};

/* Adds to the bytes in flight unless that would pass the cap. */
static bool charge(struct sl_http_server *server, struct sl_http_exchange *exchange, size_t count)
{
    size_t before = atomic_load(&server->bytes);
    do {
        if (count > server->options.max_in_flight ||
            before > server->options.max_in_flight - count) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&server->bytes, &before, before + count));
    exchange->charged += count;
    return true;
}

/* An answer is not refused for its size, only counted. */
static void recharge(struct sl_http_server *server, struct sl_http_exchange *exchange, size_t count)
{
    atomic_fetch_add(&server->bytes, count);
    atomic_fetch_sub(&server->bytes, exchange->charged);
    exchange->charged = count;
}

static void drop_body(struct sl_http_server *server, struct sl_http_exchange *exchange)
{
    sl_buf_cleanup(&exchange->body);
    recharge(server, exchange, 0);
}

static void refuse(struct sl_http_server *server, struct sl_http_exchange *exchange,
                   const struct sl_http_refusal *refusal)
{
    drop_body(server, exchange);
    exchange->refusal = refusal;
    if (refusal->shed != NO_SHED) {
        atomic_fetch_add(&server->sheds[refusal->shed], 1);
    }
}

/* Room for `count` more bytes, charged: what a body may need grows with what has arrived. */
static bool make_room(struct sl_http_server *server, struct sl_http_exchange *exchange,
                      size_t count)
{
    size_t need = exchange->body.len + count;
    if (need <= exchange->charged) {
        return true;
    }
    size_t most = server->options.max_body;
    if (exchange->length < most) {
        most = (size_t)exchange->length;
    }
    size_t room = exchange->charged == 0 ? FIRST_ROOM : exchange->charged * 2;
    if (room > most) {
        room = most;
    }
    if (room < need) {
        room = need;
    }
    if (!charge(server, exchange, room - exchange->charged)) {
        return false;
    }
    return sl_buf_reserve(&exchange->body, room - exchange->body.len);
}

static struct sl_str header(struct MHD_Connection *mhd, const char *name)
{
    return sl_str_from(MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name));
}

/* The headers that say where a request ends and whom it is for. */
struct framing {
    unsigned hosts;
    unsigned lengths;
    unsigned encodings;
    bool is_strange;
};

static enum MHD_Result look_at_header(void *framing_, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    (void)kind;
    struct framing *framing = framing_;
    framing->hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
    framing->lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
    if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        framing->encodings++;
        framing->is_strange |= value == NULL || strcasecmp(value, "chunked") != 0;
    }
    framing->is_strange |= strpbrk(name, " \t") != NULL; /* RFC 9112, 5.1 */
    return MHD_YES;
}

/* What a proxy in front of us may have read otherwise than MHD does, and taken for two requests
 * where we see one (RFC 9112, 11.2). MHD has refused a Content-Length that is no number. Its own
 * check for Host is off: of 0.9.75 it sends the head of the refusal twice. */
static bool is_framed_well(struct MHD_Connection *mhd, const char *version)
{
    struct framing framing = {.hosts = 0};
    (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, look_at_header, &framing);
    bool is_addressed =
        framing.hosts == 1 || (framing.hosts == 0 && strcmp(version, MHD_HTTP_VERSION_1_0) == 0);
    return is_addressed && !framing.is_strange && framing.lengths + framing.encodings <= 1;
}

static uint64_t announced_length(struct MHD_Connection *mhd)
{
    if (header(mhd, MHD_HTTP_HEADER_TRANSFER_ENCODING).p != NULL) {
        return UNKNOWN_LENGTH;
    }
    struct sl_str length = header(mhd, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length.p == NULL ? 0 : strtoull(length.p, NULL, 10);
}

/* A body past twice its cap is not read on: MHD closes the connection. */
static bool past_reading(const struct sl_http_server *server, uint64_t bytes)
{
    return bytes / 2 > server->options.max_body;
}

/* Takes the response's body. */
static enum MHD_Result queue(struct sl_http_server *server, struct MHD_Connection *mhd,
                             struct sl_http_response *response, bool close_after)
{
    struct sl_buf *body = &response->body;
    struct MHD_Response *answer =
        MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
    if (answer == NULL) {
        sl_buf_cleanup(body);
        return MHD_NO;
    }
    *body = (struct sl_buf)SL_BUF_INIT(SL_HTTP_ANSWER_MAX); /* its memory is the answer's now */
    char seconds[16];
    (void)snprintf(seconds, sizeof seconds, "%u", response->retry_after);
    const struct {
        const char *name;
        const char *value; /* NULL: not sent */
    } headers[] = {
        {MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type},
        {MHD_HTTP_HEADER_ALLOW, response->allow},
        {MHD_HTTP_HEADER_RETRY_AFTER, response->retry_after > 0 ? seconds : NULL},
        {MHD_HTTP_HEADER_CONNECTION,
         close_after || atomic_load(&server->draining) ? "close" : NULL},
    };
    enum MHD_Result done = MHD_YES;
    for (size_t i = 0; i < sizeof headers / sizeof *headers && done == MHD_YES; i++) {
        if (headers[i].value != NULL) {
            done = MHD_add_response_header(answer, headers[i].name, headers[i].value);
        }
    }
    if (done == MHD_YES) {
        done = MHD_queue_response(mhd, response->status, answer);
    }
    MHD_destroy_response(answer);
    return done;
}

static enum MHD_Result answer_refused(struct sl_http_connection *connection,
                                      struct MHD_Connection *mhd)
{
    struct sl_http_exchange *exchange = &connection->exchange;
    const struct sl_http_refusal *refusal = exchange->refusal;
    struct sl_http_response response = {
        .status = refusal->status,
        .retry_after = refusal->retry_after,
        .content_type = "text/plain; charset=utf-8",
        .body = SL_BUF_INIT(SL_HTTP_ANSWER_MAX),
    };
    sl_buf_adds(&response.body, refusal->text);
    if (exchange->denial != NULL) {
        sl_buf_addf(&response.body, ": %s", exchange->denial);
    }
    sl_buf_addc(&response.body, '\n');
    return queue(connection->server, mhd, &response, refusal->closes);
}

/* The headers are here: decides from them alone what can be decided. */
static enum MHD_Result begin(struct sl_http_connection *connection, struct MHD_Connection *mhd,
                             const char *version)
{
    struct sl_http_server *server = connection->server;
    struct sl_http_exchange *exchange = &connection->exchange;
    exchange->begun = true;
    if (exchange->strange_uri || !is_framed_well(mhd, version)) {
        refuse(server, exchange, &malformed);
        return answer_refused(connection, mhd); /* where its body ends nobody knows */
    }
    exchange->length = announced_length(mhd);
    struct sl_err err = SL_ERR_INIT;
    if (sl_http_connection_check_client(connection, mhd, &err) < 0) {
        exchange->denial = strdup(err.msg);
        refuse(server, exchange, &denied);
    } else if (exchange->length != UNKNOWN_LENGTH && exchange->length > server->options.max_body) {
        refuse(server, exchange, &too_large);
    } else if (exchange->length != UNKNOWN_LENGTH && exchange->length > 0) {
        size_t trusted =
            exchange->length < TRUSTED_LENGTH ? (size_t)exchange->length : TRUSTED_LENGTH;
        if (!make_room(server, exchange, trusted)) {
            refuse(server, exchange, &too_many);
        }
    }
    /* Answered before the body only where the peer waits for that (Expect: 100-continue), or would
     * send too much to be read and thrown away: MHD closes the connection after it. */
    if (exchange->refusal != NULL &&
        (header(mhd, MHD_HTTP_HEADER_EXPECT).p != NULL ||
         (exchange->length != UNKNOWN_LENGTH && past_reading(server, exchange->length)))) {
        return answer_refused(connection, mhd);
    }
    return MHD_YES;
}

static enum MHD_Result take(struct sl_http_connection *connection, const char *data, size_t count)
{
    struct sl_http_server *server = connection->server;
    struct sl_http_exchange *exchange = &connection->exchange;
    exchange->arrived += count;
    if (exchange->refusal == NULL) {
        if (exchange->arrived > server->options.max_body) {
            refuse(server, exchange, &too_large);
        } else if (!make_room(server, exchange, count)) {
            refuse(server, exchange, &too_many);
        } else {
            sl_buf_add(&exchange->body, data, count);
        }
    }
    return past_reading(server, exchange->arrived) ? MHD_NO : MHD_YES;
}

/* The path of a URI in absolute form too, which every server is to accept (RFC 9112, 3.2.2). */
static struct sl_str path_of(const char *url)
{
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i]);
        if (strncasecmp(url, schemes[i], length) == 0) {
            const char *path = strchr(url + length, '/');
            return path == NULL ? SL_STR("/") : sl_str_from(path);
        }
    }
    return sl_str_from(url);
}

static enum MHD_Result finish(struct sl_http_connection *connection, struct MHD_Connection *mhd,
                              const char *url, const char *method)
{
    struct sl_http_server *server = connection->server;
    struct sl_http_exchange *exchange = &connection->exchange;
    sl_http_connection_arm(connection, false, sl_clock_mono(), server->options.request_timeout_ns);
    if (exchange->refusal != NULL) {
        return answer_refused(connection, mhd);
    }
    struct sl_http_request request = {
        .method = sl_str_from(method),
        .path = path_of(url),
        .content_type = header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE),
        .timeout = sl_str_from(MHD_lookup_connection_value(mhd, MHD_GET_ARGUMENT_KIND, "timeout")),
        .body = exchange->body.data == NULL ? SL_STR("") : sl_buf_str(&exchange->body),
        .received = exchange->received,
    };
    struct sl_http_response response = {
        .status = MHD_HTTP_OK,
        .content_type = "text/plain; charset=utf-8",
        .body = SL_BUF_INIT(SL_HTTP_ANSWER_MAX),
    };
    server->options.handler(server->options.ctx, &request, &response);
    sl_buf_cleanup(&exchange->body);
    if (response.body.overflowed) {
        sl_buf_cleanup(&response.body);
        response.status = MHD_HTTP_INTERNAL_SERVER_ERROR;
        response.content_type = "text/plain; charset=utf-8";
        sl_buf_adds(&response.body, "the answer is too large\n");
    }
    recharge(server, exchange, response.body.allocated);
    return queue(server, mhd, &response, false);
}

void *sl_http_request_line(void *server, const char *uri, struct MHD_Connection *mhd)
{
    struct sl_http_server *owner = server;
    struct sl_http_connection *connection = sl_http_connection_of(mhd);
    int64_t now = sl_clock_mono();
    connection->exchange = (struct sl_http_exchange){
        .received = now,
        .strange_uri = uri == NULL || strstr(uri, "%00") != NULL || strchr(uri, ' ') != NULL,
        .body = SL_BUF_INIT(owner->options.max_body),
    };
    atomic_fetch_add(&owner->in_flight, 1);
    atomic_store(&connection->asked, true);
    atomic_store(&connection->quiet_since, 0);
    sl_http_connection_arm(connection, false, now, owner->options.request_timeout_ns);
    return connection;
}

enum MHD_Result sl_http_request_part(void *server, struct MHD_Connection *mhd, const char *url,
                                     const char *method, const char *version, const char *data,
                                     size_t *size, void **context)
{
    (void)server;
    struct sl_http_connection *connection = *context;
    if (!connection->exchange.begun) {
        return begin(connection, mhd, version);
    }
    if (*size > 0) {
        enum MHD_Result taken = take(connection, data, *size);
        *size = 0;
        return taken;
    }
    return finish(connection, mhd, url, method);
}

void sl_http_request_done(void *server, struct MHD_Connection *mhd, void **context,
                          enum MHD_RequestTerminationCode how)
{
    (void)mhd;
    (void)how;
    struct sl_http_server *owner = server;
    struct sl_http_connection *connection = *context;
    drop_body(owner, &connection->exchange);
    free(connection->exchange.denial);
    connection->exchange = (struct sl_http_exchange){.received = 0};
    int64_t now = sl_clock_mono();
    sl_http_connection_arm(connection, true, now, owner->options.idle_timeout_ns);
    atomic_store(&connection->quiet_since, now);
    atomic_fetch_sub(&owner->in_flight, 1);
}
