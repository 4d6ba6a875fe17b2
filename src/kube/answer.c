/* What came back of an attempt, as a reply (client.h), and whether another one is worth it.
 *
 * Source: Kubernetes API conventions, "Response Status Kind" and "HTTP Status codes"; client-go's
 * rest/with_retry.go.
 */
#include <string.h>

#include "codec/jscan.h"
#include "kube/client_private.h"

#define TRIES_MAX 5
#define FIRST_BACKOFF (50 * SL_NS_PER_MS) /* doubled with each try */
#define TEXT_MAX 512                      /* bytes of a text that is no Status */

static enum sl_err_kind kind_of(int status)
{
    static const struct {
        int status;
        enum sl_err_kind kind;
    } rows[] = {
        {400, SL_ERR_INVALID},   {401, SL_ERR_DENIED},    {403, SL_ERR_DENIED},
        {404, SL_ERR_NOT_FOUND}, {409, SL_ERR_CONFLICT},  {410, SL_ERR_GONE},
        {422, SL_ERR_INVALID},   {429, SL_ERR_TRANSIENT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status) {
            return rows[i].kind;
        }
    }
    return status / 100 == 5 ? SL_ERR_TRANSIENT : SL_ERR_INTERNAL;
}

/* --- metav1.Status --- */

struct status {
    struct sl_jval kind, message, reason, retry_after;
};

static const struct sl_jrow details_rows[] = {
    {.key = "retryAfterSeconds", .at = offsetof(struct status, retry_after)}, {0}};
static const struct sl_jrow status_rows[] = {
    {.key = "kind", .at = offsetof(struct status, kind)},
    {.key = "message", .at = offsetof(struct status, message)},
    {.key = "reason", .at = offsetof(struct status, reason)},
    {.key = "details", .at = SL_JROW_NO_VALUE, .rows = details_rows},
    {0}};

/* All that is said of a JSON Patch whose `test` fails: what it was made from has changed. Of an
 * object that is not valid the message names the field. */
#define PATCH_FAILED "the server rejected our request due to an error in our request"

/* False: the text is no Status. */
static bool read_status(struct sl_str text, struct sl_reply *reply)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct status status = {0};
    int64_t seconds = 0;
    if (sl_jscan(text, status_rows, &status, NULL, NULL) < 0 ||
        !sl_jval_is(status.kind, SL_STR("Status"))) {
        return false;
    }
    struct sl_str message = sl_jval_str(status.message, &arena);
    if (status.reason.type == SL_J_STRING && !status.reason.escaped) {
        reply->reason = sl_jval_str(status.reason, &arena); /* of the text, not of the arena */
    }
    if (message.n == 0) {
        message = reply->reason;
    }
    if (reply->retry_after == 0 && sl_jval_int(status.retry_after, &seconds) && seconds > 0 &&
        seconds < INT32_MAX) {
        reply->retry_after = seconds * SL_NS_PER_S;
    }
    bool lost_race = reply->status == 422 && sl_str_is(message, PATCH_FAILED);
    (void)sl_err_set(&reply->err, lost_race ? SL_ERR_CONFLICT : kind_of(reply->status), "%.*s",
                     SL_STR_FMT(message));
    return message.n > 0;
}

/* The first line of a text for people, which a proxy or a handler wrote. */
static void read_text(struct sl_str text, struct sl_reply *reply)
{
    size_t length = 0;
    while (length < text.n && length < TEXT_MAX && (unsigned char)text.p[length] >= ' ') {
        length++;
    }
    if (length > 0) {
        (void)sl_err_set(&reply->err, kind_of(reply->status), "the server answered %d: %.*s",
                         reply->status, (int)length, text.p);
    } else {
        (void)sl_err_set(&reply->err, kind_of(reply->status), "the server answered %d",
                         reply->status);
    }
}

/* --- no answer --- */

static struct sl_reply empty_reply(const struct sl_call *call)
{
    return (struct sl_reply){
        .id = call->id, .tag = call->tag, .verb = call->verb, .body = SL_BUF_INIT(0)};
}

void sl_answer_late(const struct sl_call *call, struct sl_reply *ret_reply)
{
    struct sl_reply reply = empty_reply(call);
    const char *what = call->is_stream   ? "nothing was heard"
                       : call->tries > 0 ? "no answer"
                                         : "not sent, others are waiting too,";
    (void)sl_err_set(&reply.err, SL_ERR_TRANSIENT, "%s: %s within %.3g s",
                     call->client->config->server, what,
                     (double)call->timeout / (double)SL_NS_PER_S);
    *ret_reply = reply;
}

static void describe_failure(const struct sl_call *call, CURLcode result, struct sl_reply *reply)
{
    const char *reason = call->reason[0] != '\0' ? call->reason : sl_curl.easy_strerror(result);
    const char *server = call->client->config->server;
    if (call->cut) {
        (void)sl_err_set(&reply->err, SL_ERR_INTERNAL, "%s: the stream was cut by its reader",
                         server);
    } else if (call->received.overflowed) {
        (void)sl_err_set(&reply->err, SL_ERR_INTERNAL, "%s: the answer is larger than %zu bytes",
                         server, call->received.cap);
    } else {
        (void)sl_err_set(&reply->err, SL_ERR_TRANSIENT, "%s: %s", server, reason);
    }
}

void sl_answer_read(struct sl_call *call, CURLcode result, struct sl_reply *ret_reply)
{
    struct sl_reply reply = empty_reply(call);
    long status = 0;
    curl_off_t seconds = 0;
    if (result != CURLE_OK) {
        describe_failure(call, result, &reply);
        *ret_reply = reply;
        return;
    }
    (void)sl_curl.easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)sl_curl.easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &seconds);
    reply.status = (int)status;
    if (seconds > 0 && seconds < INT32_MAX) {
        reply.retry_after = seconds * SL_NS_PER_S;
    }
    reply.body = call->received;
    call->received = (struct sl_buf)SL_BUF_INIT(call->received.cap);
    struct sl_str text = sl_buf_str(&reply.body);
    if (status / 100 != 2 && !read_status(text, &reply)) {
        read_text(text, &reply);
    }
    *ret_reply = reply;
}

/* --- again? --- */

/* Nothing was answered, and the server very likely did nothing. */
static bool is_lost_connection(CURLcode result)
{
    static const CURLcode codes[] = {CURLE_COULDNT_CONNECT, CURLE_GOT_NOTHING, CURLE_SEND_ERROR,
                                     CURLE_RECV_ERROR,      CURLE_HTTP2,       CURLE_HTTP2_STREAM};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i] == result) {
            return true;
        }
    }
    return false;
}

int64_t sl_answer_retry_at(const struct sl_call *call, CURLcode result,
                           const struct sl_reply *reply, int64_t now)
{
    int64_t wait = 0;
    if (!call->repeatable || call->is_stream || call->tries >= TRIES_MAX) {
        return 0;
    }
    if (result != CURLE_OK && !call->heard && is_lost_connection(result)) {
        wait = FIRST_BACKOFF << (call->tries - 1);
    } else if (reply->status == 429 || reply->status / 100 == 5) {
        wait = reply->retry_after;
    }
    return wait > 0 && now + wait < call->deadline ? now + wait : 0;
}
