/* A balancer behind somebody's adapter: each change of a member is posted to its URL, the same
 * again and again until it answers that it is done.
 *
 *     POST url
 *     {"pod":"web-1","namespace":"shop","address":"10.0.0.7","port":8080,"weight":0,
 *      "operation":"leave"}
 *
 *     200 {"done":true,"sessions":3,"message":"…"}
 *
 * join and leave set the weight, remove ends the membership of one that left. Whatever is not 2xx
 * with "done": true is asked for again, 200 ms later at first, 5 s later in the end. One that left
 * is asked after once a second while it has sessions. What is in is posted once a minute, so that
 * an adapter that forgot learns it again. A member has one request at a time, so that none
 * overtakes another; nothing can be told of members that this process was never told of.
 */
#include "run/balancers/kind.h"

#include <stdlib.h>
#include <string.h>

#include "codec/jscan.h"
#include "kube/backoff.h"
#include "run/balancers/post.h"

#define REQUEST_TIMEOUT (10 * SL_NS_PER_S)
#define RETRY_FIRST (200 * SL_NS_PER_MS)
#define RETRY_MOST (5 * SL_NS_PER_S)
#define SESSIONS_EVERY SL_NS_PER_S
#define ASSERT_EVERY (60 * SL_NS_PER_S)
#define BODY_MAX (4 * SL_KIB)
#define SESSIONS_MAX INT32_MAX
#define MESSAGE_MAX ((size_t)256) /* bytes of an answer's message that are repeated */

enum operation { JOIN, LEAVE, REMOVE };
static const char *const operation_names[] = {"join", "leave", "remove"};

struct webhook {            /* balancer->own */
    struct sl_posts *posts; /* NULL: libcurl cannot be used */
    struct sl_err failure;  /* why not */
    int64_t port;           /* as the members were told of it */
    int64_t due;
    size_t under_way;
};

struct progress {             /* member->own */
    enum operation operation; /* that was posted last */
    bool done;                /* it was answered so */
    bool failed;              /* there was no proper answer */
    unsigned tries;           /* since it was last done */
    int64_t next;             /* when to post again; INT64_MAX: never */
    struct sl_buf body;       /* of the last post */
    struct sl_post *post;     /* under way; NULL: none */
};

static bool is_webhook(const struct sl_load_balancer *spec)
{
    return spec->has_webhook;
}

static void add_key(const struct sl_load_balancer *spec, struct sl_buf *out)
{
    sl_buf_addstr(out, spec->webhook.url);
}

/* --- open and close --- */

static void watch(void *ctx, int fd, uint32_t events)
{
    sl_balancer_watch(ctx, fd, events);
}

static void webhook_open(struct sl_balancer *balancer)
{
    const struct sl_posts_options options = {
        .watch = watch, .ctx = balancer, .timeout = REQUEST_TIMEOUT};
    struct webhook *webhook = calloc(1, sizeof *webhook);
    if (webhook == NULL) {
        abort();
    }
    webhook->port = balancer->spec.webhook.port;
    if (sl_posts_open(&options, &webhook->posts, &webhook->failure) < 0) {
        webhook->posts = NULL; /* said with the first turn */
    }
    balancer->own = webhook;
}

static void webhook_dropped(struct sl_balancer *balancer, struct sl_balancer_member *member)
{
    struct webhook *webhook = balancer->own;
    struct progress *progress = member->own;
    if (progress != NULL) {
        webhook->under_way -= progress->post == NULL ? 0 : 1;
        sl_post_cancel(progress->post);
        sl_buf_cleanup(&progress->body);
        free(progress);
        member->own = NULL;
    }
}

static void webhook_close(struct sl_balancer *balancer)
{
    struct webhook *webhook = balancer->own;
    for (size_t i = 0; i < balancer->count; i++) {
        webhook_dropped(balancer, balancer->members[i]);
    }
    sl_posts_close(webhook->posts);
    free(webhook);
    balancer->own = NULL;
}

static void webhook_wanted(struct sl_balancer *balancer, int64_t now)
{
    struct webhook *webhook = balancer->own;
    webhook->due = now < webhook->due ? now : webhook->due;
    if (webhook->port != balancer->spec.webhook.port) {
        webhook->port = balancer->spec.webhook.port;
        for (size_t i = 0; i < balancer->count; i++) {
            balancer->members[i]->settled = false;
        }
    }
}

/* --- what is to be posted --- */

static enum operation operation_of(const struct sl_balancer_member *member, int64_t now)
{
    if (member->weight != SL_WEIGHT_GONE) {
        return member->weight == SL_WEIGHT_OUT ? LEAVE : JOIN;
    }
    bool left = member->is.state == SL_MEMBER_OUT && member->is.sessions <= 0;
    return left || sl_balancer_lingered(member, now) ? REMOVE : LEAVE;
}

static void write_body(const struct sl_balancer *balancer, const struct sl_balancer_member *member,
                       enum operation operation, struct sl_buf *out)
{
    sl_buf_adds(out, "{\"pod\":");
    sl_buf_add_json_string(out, sl_str_from(member->pod));
    sl_buf_adds(out, ",\"namespace\":");
    sl_buf_add_json_string(out, sl_str_from(balancer->ns));
    sl_buf_adds(out, ",\"address\":");
    sl_buf_add_json_string(out, sl_str_from(member->address));
    sl_buf_addf(out, ",\"port\":%lld,\"weight\":%d,\"operation\":\"%s\"}",
                (long long)balancer->spec.webhook.port,
                operation == JOIN ? SL_WEIGHT_IN : SL_WEIGHT_OUT, operation_names[operation]);
}

/* When its next post is to begin. */
static int64_t next_of(const struct sl_balancer_member *member, int64_t now)
{
    const struct progress *progress = member->own;
    if (progress == NULL) { /* without an address it never became a member */
        return member->address[0] == '\0' ? INT64_MAX : now;
    }
    if (progress->post != NULL) {
        return INT64_MAX;
    }
    bool changed =
        progress->operation != operation_of(member, now) || (progress->done && !member->settled);
    return changed ? now : progress->next;
}

static void begin(struct sl_balancer *balancer, struct sl_balancer_member *member, int64_t now,
                  int64_t wall)
{
    struct webhook *webhook = balancer->own;
    struct progress *progress = member->own;
    if (progress == NULL) {
        progress = calloc(1, sizeof *progress);
        if (progress == NULL) {
            abort();
        }
        progress->body = (struct sl_buf)SL_BUF_INIT(BODY_MAX);
        member->own = progress;
    }
    enum operation operation = operation_of(member, now);
    if (operation != progress->operation) {
        progress->tries = 0;
    }
    if (operation == JOIN && member->is.state == SL_MEMBER_OUT) { /* from now on it may be in */
        sl_balancer_member_is(balancer, member, SL_MEMBER_UNKNOWN, -1, NULL, wall);
    }
    progress->operation = operation;
    sl_buf_reset(&progress->body);
    write_body(balancer, member, operation, &progress->body);
    progress->post = sl_post_send(webhook->posts, balancer->spec.webhook.url.p,
                                  sl_buf_str(&progress->body), member, now);
    webhook->under_way++;
}

/* Who leaves goes first: a pod waits for it. */
static void begin_due(struct sl_balancer *balancer, int64_t now, int64_t wall)
{
    const struct webhook *webhook = balancer->own;
    for (int joining = 0; joining < 2; joining++) {
        for (size_t i = 0; i < balancer->count && webhook->under_way < SL_POSTS_MAX; i++) {
            struct sl_balancer_member *member = balancer->members[i];
            if ((member->weight == SL_WEIGHT_IN) == (joining == 1) && next_of(member, now) <= now) {
                begin(balancer, member, now, wall);
            }
        }
    }
}

/* --- what is answered --- */

struct answer {
    struct sl_jval done, sessions, message;
};

static const struct sl_jrow answer_rows[] = {
    {.key = "done", .at = offsetof(struct answer, done)},
    {.key = "sessions", .at = offsetof(struct answer, sessions)},
    {.key = "message", .at = offsetof(struct answer, message)},
    {0},
};

/* The first MESSAGE_MAX bytes, or some less: no character is cut. */
static struct sl_str shortened(struct sl_str text)
{
    size_t n = 0;
    while (n < text.n) {
        size_t length = sl_utf8_length(text.p + n, text.n - n);
        length = length == 0 ? 1 : length;
        if (n + length > MESSAGE_MAX) {
            break;
        }
        n += length;
    }
    return (struct sl_str){.p = text.p, .n = n};
}

/* What keeps it from being done, in the arena; "" it is. */
static const char *trouble_of(const struct sl_post_reply *reply, struct sl_arena *arena,
                              struct answer *ret_answer, bool *ret_failed)
{
    bool read = sl_jscan(sl_buf_str(&reply->body), answer_rows, ret_answer, NULL, NULL) == 0;
    struct sl_str message = shortened(sl_jval_str(ret_answer->message, arena));
    const char *colon = message.n == 0 ? "" : ": ";
    *ret_failed = true;
    if (reply->err.kind != SL_ERR_NONE) {
        return sl_arena_printf(arena, "its webhook does not answer: %s", reply->err.msg);
    }
    if (reply->status / 100 != 2) {
        return sl_arena_printf(arena, "its webhook answers %d%s%.*s", reply->status, colon,
                               SL_STR_FMT(message));
    }
    if (!read || ret_answer->done.type != SL_J_BOOL) {
        return "its webhook answers something else than {\"done\": true} or {\"done\": false}";
    }
    *ret_failed = false;
    if (!sl_jval_true(ret_answer->done)) {
        return sl_arena_printf(arena, "its webhook is not done yet%s%.*s", colon,
                               SL_STR_FMT(message));
    }
    return "";
}

/* One that fails for one member answers the others: it is well when it fails for none. */
static void tell_health(struct sl_balancer *balancer, const char *trouble, int64_t wall)
{
    for (size_t i = 0; i < balancer->count && trouble[0] == '\0'; i++) {
        const struct progress *other = balancer->members[i]->own;
        if (other != NULL && other->failed) {
            return;
        }
    }
    sl_balancer_answers(balancer, trouble, wall);
}

/* It is as it was posted. */
static void take_done(struct sl_balancer *balancer, struct sl_balancer_member *member,
                      int64_t sessions, int64_t now, int64_t wall)
{
    struct progress *progress = member->own;
    progress->tries = 0;
    member->settled = true;
    if (progress->operation == REMOVE) {
        sl_balancer_drop(balancer, member);
        return;
    }
    bool joined = progress->operation == JOIN;
    progress->next = joined ? now + ASSERT_EVERY : sessions > 0 ? now + SESSIONS_EVERY : INT64_MAX;
    sl_balancer_member_is(balancer, member, joined ? SL_MEMBER_IN : SL_MEMBER_OUT, sessions, NULL,
                          wall);
}

/* It is not: posted again, later. One that is on its way out is still in, and one that is being
 * removed out; of any other, nothing is known. */
static void take_undone(struct sl_balancer *balancer, struct sl_balancer_member *member,
                        int64_t sessions, const char *trouble, int64_t now, int64_t wall)
{
    struct progress *progress = member->own;
    bool leaves = !progress->failed && progress->operation == LEAVE;
    progress->tries++;
    progress->next = now + sl_backoff(progress->tries, RETRY_FIRST, RETRY_MOST, balancer->random);
    member->settled = false;
    enum sl_member_state state = member->is.state;
    if (progress->operation != REMOVE && !(leaves && state == SL_MEMBER_IN)) {
        state = SL_MEMBER_UNKNOWN; /* one that had left, too: its adapter takes that back */
    }
    sl_balancer_member_is(balancer, member, state, sessions, trouble, wall);
}

static void take_reply(struct sl_balancer *balancer, struct sl_post_reply *reply, int64_t now,
                       int64_t wall)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf wanted = SL_BUF_INIT(BODY_MAX);
    struct webhook *webhook = balancer->own;
    struct sl_balancer_member *member = reply->tag;
    struct progress *progress = member->own;
    struct answer answer = {0};
    int64_t sessions = -1;
    const char *trouble = trouble_of(reply, &arena, &answer, &progress->failed);
    progress->post = NULL;
    webhook->under_way--;
    progress->done = trouble[0] == '\0';
    tell_health(balancer, progress->failed ? trouble : "", wall);
    write_body(balancer, member, operation_of(member, now), &wanted);
    if (!sl_jval_int(answer.sessions, &sessions) || sessions < 0) {
        sessions = -1;
    } else if (sessions > SESSIONS_MAX) { /* those of all pods are added up */
        sessions = SESSIONS_MAX;
    }
    if (!sl_str_eq(sl_buf_str(&wanted), sl_buf_str(&progress->body))) {
        /* Something else is wanted meanwhile: neither is it as it was, nor as it is to be. */
        member->settled = false;
        progress->next = now;
        sl_balancer_member_is(balancer, member, SL_MEMBER_UNKNOWN, -1, NULL, wall);
    } else if (progress->done) {
        take_done(balancer, member, sessions, now, wall);
    } else {
        take_undone(balancer, member, sessions, trouble, now, wall);
    }
}

/* --- turns --- */

/* Who has no address was never told of. */
static void settle_nobodies(struct sl_balancer *balancer, int64_t wall)
{
    for (size_t i = balancer->count; i-- > 0;) {
        struct sl_balancer_member *member = balancer->members[i];
        if (member->own != NULL || member->address[0] != '\0') {
            continue;
        }
        if (member->weight == SL_WEIGHT_GONE) {
            sl_balancer_drop(balancer, member);
        } else {
            member->settled = true;
            sl_balancer_member_is(balancer, member, SL_MEMBER_ABSENT, -1, NULL, wall);
        }
    }
}

static void webhook_turn(struct sl_balancer *balancer, int64_t now, int64_t wall)
{
    struct webhook *webhook = balancer->own;
    struct sl_post_reply reply;
    webhook->due = INT64_MAX;
    if (webhook->posts == NULL) {
        sl_balancer_answers(balancer, webhook->failure.msg, wall);
        return;
    }
    sl_posts_turn(webhook->posts, now);
    while (sl_posts_take(webhook->posts, &reply)) {
        take_reply(balancer, &reply, now, wall);
        sl_buf_cleanup(&reply.body);
    }
    settle_nobodies(balancer, wall);
    begin_due(balancer, now, wall);
    balancer->idle = true;
    for (size_t i = 0; i < balancer->count; i++) {
        int64_t next = next_of(balancer->members[i], now);
        webhook->due = next < webhook->due ? next : webhook->due;
        balancer->idle = balancer->idle && balancer->members[i]->settled;
    }
}

/* With all places taken, what is due waits for a reply: that one wakes. */
static int64_t webhook_due(const struct sl_balancer *balancer)
{
    const struct webhook *webhook = balancer->own;
    int64_t its = webhook->posts == NULL ? INT64_MAX : sl_posts_due(webhook->posts);
    int64_t due = webhook->under_way < SL_POSTS_MAX ? webhook->due : INT64_MAX;
    return its < due ? its : due;
}

const struct sl_balancer_kind sl_balancer_webhook = {
    .name = "webhook",
    .is = is_webhook,
    .key = add_key,
    .open = webhook_open,
    .close = webhook_close,
    .wanted = webhook_wanted,
    .dropped = webhook_dropped,
    .turn = webhook_turn,
    .due = webhook_due,
};
