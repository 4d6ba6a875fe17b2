/* The caller's side (client.h): sleeping until the client can move, taking replies, one call from
 * beginning to end, numbers. Here alone the client reads the clock. */
#include <limits.h>
#include <stdlib.h>

#include "kube/client_private.h"

/* When the client has something to do of its own, whatever curl waits for. */
static int64_t next_move(const struct sl_client *client)
{
    const struct sl_call *call = NULL;
    int64_t at = TAILQ_EMPTY(&client->ends) ? INT64_MAX : 0;
    TAILQ_FOREACH(call, &client->under_way, link)
    {
        at = call->deadline < at ? call->deadline : at;
    }
    TAILQ_FOREACH(call, &client->waiting, link)
    {
        int64_t begin_at = sl_client_begin_at(client, call);
        at = call->deadline < at ? call->deadline : at;
        at = begin_at < at ? begin_at : at;
    }
    return at;
}

/* Rounded up: a sleep that ends too early is one turn for nothing. */
static int sleep_ms(int64_t until, int64_t now)
{
    int64_t left = until <= now ? 0 : (until - now - 1) / SL_NS_PER_MS + 1;
    return left > INT_MAX ? INT_MAX : (int)left;
}

static void sleep_until(struct sl_client *client, struct curl_waitfd *extra, unsigned count,
                        int64_t until)
{
    int64_t next = next_move(client);
    (void)sl_curl.multi_poll(client->multi, extra, count,
                             sleep_ms(next < until ? next : until, sl_clock_mono()), NULL);
}

void sl_client_wait(struct sl_client *client, struct pollfd *fds, size_t count, int64_t until)
{
    struct curl_waitfd extra[SL_CLIENT_FDS_MAX];
    unsigned used = 0;
    for (; used < count && used < SL_CLIENT_FDS_MAX; used++) { /* curl's bits are poll's */
        extra[used] = (struct curl_waitfd){.fd = fds[used].fd, .events = fds[used].events};
    }
    sleep_until(client, extra, used, TAILQ_EMPTY(&client->replies) ? until : 0);
    if (count > 0) {
        (void)poll(fds, (nfds_t)count, 0); /* curl does not tell of POLLHUP and POLLERR */
    }
}

static void take_finished(struct sl_client *client, struct sl_finished *finished,
                          struct sl_reply *ret_reply)
{
    TAILQ_REMOVE(&client->replies, finished, link);
    *ret_reply = finished->reply;
    free(finished);
}

bool sl_client_take(struct sl_client *client, struct sl_reply *ret_reply)
{
    struct sl_finished *finished = TAILQ_FIRST(&client->replies);
    if (finished == NULL) {
        return false;
    }
    take_finished(client, finished, ret_reply);
    return true;
}

void sl_reply_cleanup(struct sl_reply *reply)
{
    sl_buf_cleanup(&reply->body);
    reply->reason = (struct sl_str){0};
}

static bool take_reply(struct sl_client *client, uint64_t id, struct sl_reply *ret_reply)
{
    struct sl_finished *finished = NULL;
    TAILQ_FOREACH(finished, &client->replies, link)
    {
        if (finished->reply.id == id) {
            take_finished(client, finished, ret_reply);
            return true;
        }
    }
    return false;
}

int sl_client_call(struct sl_client *client, const struct sl_request *request,
                   struct sl_reply *ret_reply, struct sl_err *err)
{
    struct sl_reply reply = {0};
    uint64_t id = sl_client_send(client, request, NULL, sl_clock_mono());
    sl_client_turn(client, sl_clock_mono());
    while (!take_reply(client, id, &reply)) {
        sleep_until(client, NULL, 0, INT64_MAX);
        sl_client_turn(client, sl_clock_mono());
    }
    if (reply.err.kind != SL_ERR_NONE) {
        (void)sl_err_set(err, reply.err.kind, "%s", reply.err.msg);
        sl_reply_cleanup(&reply);
        return -1;
    }
    *ret_reply = reply;
    return 0;
}

void sl_client_stats(const struct sl_client *client, struct sl_client_stats *ret_stats)
{
    const struct sl_call *call = NULL;
    *ret_stats = client->stats;
    TAILQ_FOREACH(call, &client->waiting, link)
    {
        ret_stats->queued++;
    }
    TAILQ_FOREACH(call, &client->under_way, link)
    {
        ret_stats->under_way++;
    }
}
