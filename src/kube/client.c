/* The lists of calls (client.h): what waits, what is under way, what is finished.
 *
 * Everything is decided here and in answer.c, between curl's runs: a turn lets curl move bytes,
 * then takes what ended, then what is too late, then begins what may begin.
 */
#include <stdlib.h>
#include <string.h>

#include "kube/client_private.h"

#define CONNECTIONS_MAX 16L /* kept open; HTTP/2 needs one */
#define STREAMS_MAX 250L    /* of one HTTP/2 connection, where the server allows as many */

static void *allocate(size_t size)
{
    void *made = calloc(1, size);
    if (made == NULL) {
        abort();
    }
    return made;
}

static char *copy(struct sl_str text)
{
    char *made = allocate(text.n + 1);
    memcpy(made, text.p, text.n);
    return made;
}

/* --- open and close --- */

int sl_client_open(const struct sl_client_options *options, struct sl_client **ret_client,
                   struct sl_err *err)
{
    struct sl_endpoint endpoint = {0};
    if (sl_curl_load(err) < 0 || sl_endpoint_open(options->config, &endpoint, err) < 0) {
        return -1;
    }
    struct sl_client *client = allocate(sizeof *client);
    *client = (struct sl_client){
        .config = options->config,
        .user_agent = copy(sl_str_from(options->user_agent)),
        .multi = sl_curl.multi_init(),
        .endpoint = endpoint,
        .credentials = {.config = options->config},
        .waiting = TAILQ_HEAD_INITIALIZER(client->waiting),
        .under_way = TAILQ_HEAD_INITIALIZER(client->under_way),
        .replies = TAILQ_HEAD_INITIALIZER(client->replies),
        .ends = TAILQ_HEAD_INITIALIZER(client->ends),
        .qps = options->qps,
        .burst = options->burst == 0 ? 1 : options->burst,
        .tokens = options->burst == 0 ? 1 : options->burst,
    };
    if (client->multi == NULL) {
        abort();
    }
    (void)sl_curl.multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
    (void)sl_curl.multi_setopt(client->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_MAX);
    *ret_client = client;
    return 0;
}

static void free_call(struct sl_call *call)
{
    sl_transfer_end(call);
    free(call->path);
    free(call->content_type);
    sl_buf_cleanup(&call->body);
    free(call);
}

static void free_calls(struct sl_calls *calls)
{
    struct sl_call *call = NULL;
    while ((call = TAILQ_FIRST(calls)) != NULL) {
        TAILQ_REMOVE(calls, call, link);
        free_call(call);
    }
}

static struct sl_finished *take_first(struct sl_finisheds *list)
{
    struct sl_finished *first = TAILQ_FIRST(list);
    if (first != NULL) {
        TAILQ_REMOVE(list, first, link);
    }
    return first;
}

static void free_finished(struct sl_finished *finished)
{
    sl_reply_cleanup(&finished->reply);
    free(finished);
}

static void free_all_finished(struct sl_finisheds *list)
{
    struct sl_finished *finished = NULL;
    while ((finished = take_first(list)) != NULL) {
        free_finished(finished);
    }
}

void sl_client_close(struct sl_client *client)
{
    if (client == NULL) {
        return;
    }
    free_calls(&client->waiting);
    free_calls(&client->under_way);
    free_all_finished(&client->replies);
    free_all_finished(&client->ends);
    while (client->idle_count > 0) {
        sl_curl.easy_cleanup(client->idle[--client->idle_count]);
    }
    (void)sl_curl.multi_cleanup(client->multi);
    sl_endpoint_cleanup(&client->endpoint);
    sl_credentials_cleanup(&client->credentials);
    free(client->user_agent);
    free(client);
}

/* --- send and cancel --- */

static struct sl_call *add_call(struct sl_client *client, const struct sl_request *request,
                                int64_t now)
{
    SL_AUTO(sl_buf) struct sl_buf path = SL_BUF_INIT(SL_CLIENT_PATH_MAX);
    struct sl_call *call = allocate(sizeof *call);
    sl_request_path(request, &path);
    call->client = client;
    call->id = ++client->last_id;
    call->verb = request->verb;
    call->repeatable = sl_request_repeatable(request);
    call->path = path.overflowed ? NULL : copy(sl_buf_str(&path));
    call->timeout = request->timeout == 0 ? SL_CLIENT_TIMEOUT : request->timeout;
    call->deadline = now + call->timeout;
    if (request->body.n > 0) {
        SL_AUTO(sl_buf) struct sl_buf line = SL_BUF_INIT(SL_KIB);
        sl_buf_addf(&line, "Content-Type: %s",
                    request->content_type == NULL ? "application/json" : request->content_type);
        call->content_type = copy(sl_buf_str(&line));
        call->body = (struct sl_buf)SL_BUF_INIT(request->body.n);
        sl_buf_addstr(&call->body, request->body);
    }
    TAILQ_INSERT_TAIL(&client->waiting, call, link);
    return call;
}

uint64_t sl_client_send(struct sl_client *client, const struct sl_request *request, void *tag,
                        int64_t now)
{
    struct sl_call *call = add_call(client, request, now);
    call->tag = tag;
    return call->id;
}

uint64_t sl_client_stream(struct sl_client *client, const struct sl_request *request,
                          const struct sl_stream *stream, int64_t now)
{
    struct sl_call *call = add_call(client, request, now);
    call->is_stream = true;
    call->stream = *stream;
    return call->id;
}

static void take_from_under_way(struct sl_call *call)
{
    TAILQ_REMOVE(&call->client->under_way, call, link);
    call->client->counted_under_way -= call->is_stream ? 0 : 1;
}

static struct sl_call *find_call(const struct sl_calls *calls, uint64_t id)
{
    struct sl_call *call = NULL;
    TAILQ_FOREACH(call, calls, link)
    {
        if (call->id == id) {
            break;
        }
    }
    return call;
}

static void forget_finished(struct sl_finisheds *list, uint64_t id)
{
    struct sl_finished *finished = NULL;
    TAILQ_FOREACH(finished, list, link)
    {
        if (finished->reply.id == id) {
            TAILQ_REMOVE(list, finished, link);
            free_finished(finished);
            return;
        }
    }
}

void sl_client_cancel(struct sl_client *client, uint64_t id)
{
    struct sl_call *call = find_call(&client->waiting, id);
    if (call != NULL) {
        TAILQ_REMOVE(&client->waiting, call, link);
        free_call(call);
        return;
    }
    call = find_call(&client->under_way, id);
    if (call != NULL && client->is_performing) {
        call->cancelled = true;
    } else if (call != NULL) {
        take_from_under_way(call);
        free_call(call);
    } else {
        forget_finished(&client->replies, id);
        forget_finished(&client->ends, id);
    }
}

/* --- what ends --- */

static void finish(struct sl_call *call, const struct sl_reply *reply)
{
    struct sl_client *client = call->client;
    struct sl_finished *finished = allocate(sizeof *finished);
    finished->stream = call->stream;
    finished->reply = *reply;
    if (call->is_stream) {
        TAILQ_INSERT_TAIL(&client->ends, finished, link);
    } else {
        TAILQ_INSERT_TAIL(&client->replies, finished, link);
    }
    free_call(call);
}

static void count_answer(struct sl_client *client, const struct sl_call *call, int status)
{
    int class = status / 100;
    client->stats.calls[call->verb][class >= 1 && class <= 5 ? class : 0]++;
}

/* curl is done with an attempt: the reply, or another attempt. */
static void end_attempt(struct sl_call *call, CURLcode result)
{
    struct sl_client *client = call->client;
    struct sl_reply reply = {0};
    take_from_under_way(call);
    if (call->cancelled) {
        free_call(call);
        return;
    }
    sl_answer_read(call, result, &reply);
    count_answer(client, call, reply.status);
    int64_t again_at = sl_answer_retry_at(call, result, &reply, client->now);
    if (again_at == 0) {
        finish(call, &reply);
        return;
    }
    sl_reply_cleanup(&reply);
    sl_transfer_end(call);
    call->not_before = again_at;
    TAILQ_INSERT_TAIL(&client->waiting, call, link);
}

static void take_ended(struct sl_client *client)
{
    int left = 0;
    CURLMsg *message = NULL;
    while ((message = sl_curl.multi_info_read(client->multi, &left)) != NULL) {
        struct sl_call *call = NULL;
        CURLcode result = message->data.result; /* the message goes with the handle */
        (void)sl_curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        end_attempt(call, result);
    }
}

/* A server that said nothing at all for the latter half of the wait is one that does not answer,
 * and not a request that takes long: over HTTP/2 all that comes next would wait on the same
 * connection. */
static bool is_silent(const struct sl_client *client, const struct sl_call *call)
{
    return !call->heard && client->heard_at <= call->started + (client->now - call->started) / 2;
}

static void end_late(struct sl_call *call)
{
    struct sl_client *client = call->client;
    struct sl_reply reply = {0};
    if (call->easy != NULL) {
        if (is_silent(client, call)) {
            sl_transfer_cut_connections(client);
        }
        take_from_under_way(call);
        count_answer(client, call, 0);
    } else {
        TAILQ_REMOVE(&client->waiting, call, link);
    }
    sl_answer_late(call, &reply);
    finish(call, &reply);
}

static void take_late(struct sl_client *client)
{
    struct sl_calls *const lists[] = {&client->under_way, &client->waiting};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct sl_call *next = NULL;
        for (struct sl_call *call = TAILQ_FIRST(lists[i]); call != NULL; call = next) {
            next = TAILQ_NEXT(call, link);
            if (call->cancelled) {
                take_from_under_way(call);
                free_call(call);
            } else if (call->deadline <= client->now) {
                end_late(call);
            }
        }
    }
}

/* --- what begins --- */

static bool is_counted(const struct sl_client *client, const struct sl_call *call)
{
    return client->qps > 0 && call->verb != SL_WATCH;
}

static double tokens_at(const struct sl_client *client, int64_t now)
{
    double tokens =
        client->tokens + (double)(now - client->tokens_at) / (double)SL_NS_PER_S * client->qps;
    return tokens > client->burst ? client->burst : tokens;
}

int64_t sl_client_begin_at(const struct sl_client *client, const struct sl_call *call)
{
    int64_t at = call->not_before;
    if (!call->is_stream && client->counted_under_way >= SL_CLIENT_UNDER_WAY_MAX) {
        return INT64_MAX;
    }
    if (is_counted(client, call) && client->tokens < 1) {
        double seconds = (1 - client->tokens) / client->qps;
        int64_t filled = client->tokens_at + (int64_t)(seconds * (double)SL_NS_PER_S) + 1;
        at = filled > at ? filled : at;
    }
    return at;
}

static void begin(struct sl_call *call)
{
    struct sl_client *client = call->client;
    struct sl_err err = SL_ERR_INIT;
    TAILQ_REMOVE(&client->waiting, call, link);
    if (sl_transfer_begin(call, client->now, &err) < 0) {
        struct sl_reply reply = {
            .id = call->id, .tag = call->tag, .verb = call->verb, .body = SL_BUF_INIT(0)};
        reply.err = err;
        finish(call, &reply);
        return;
    }
    client->tokens -= is_counted(client, call) ? 1 : 0;
    client->counted_under_way += call->is_stream ? 0 : 1;
    TAILQ_INSERT_TAIL(&client->under_way, call, link);
}

static void begin_due(struct sl_client *client)
{
    struct sl_call *next = NULL;
    client->tokens = tokens_at(client, client->now);
    client->tokens_at = client->now;
    for (struct sl_call *call = TAILQ_FIRST(&client->waiting); call != NULL; call = next) {
        next = TAILQ_NEXT(call, link);
        if (sl_client_begin_at(client, call) <= client->now) {
            begin(call);
        }
    }
}

/* --- the turn --- */

void sl_client_turn(struct sl_client *client, int64_t now)
{
    int running = 0;
    client->now = now;
    begin_due(client);
    client->is_performing = true;
    (void)sl_curl.multi_perform(client->multi, &running);
    client->is_performing = false;
    take_ended(client);
    take_late(client);
    begin_due(client);

    struct sl_finished *end = NULL;
    while ((end = take_first(&client->ends)) != NULL) { /* done() may cancel others, or stream */
        end->stream.done(end->stream.ctx, &end->reply);
        free_finished(end);
    }
}
