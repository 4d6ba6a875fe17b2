/* POSTs over libcurl's multi_socket interface (post.h): curl says which descriptors it waits for
 * and until when, and moves when it is told that its time has come. */
#include "run/balancers/post.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "kube/curl.h"

#define SOCKETS_MAX 64 /* that curl may have open: for each post some addresses and a resolver */
#define CONNECTIONS_KEPT 4L
#define LOW_SPEED_S 3600L

struct sl_posts {
    struct sl_posts_options options;
    CURLM *multi;
    struct curl_slist *headers; /* of every request */
    struct pollfd sockets[SOCKETS_MAX];
    size_t socket_count;
    int64_t now;
    int64_t due; /* curl's timer */
};

struct sl_post {
    struct sl_posts *posts;
    void *tag;
    CURL *easy;
    struct sl_buf body, answer;
    char reason[CURL_ERROR_SIZE]; /* curl's sentence */
};

/* Fails without memory, or where libcurl was built without what is asked of it. */
static void must(CURLcode code)
{
    if (code != CURLE_OK) {
        abort();
    }
}

/* --- what curl calls --- */

static int note_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    static const struct {
        short polled;
        uint32_t watched;
    } events[] = {
        [CURL_POLL_NONE] = {0, 0},
        [CURL_POLL_IN] = {POLLIN, EPOLLIN},
        [CURL_POLL_OUT] = {POLLOUT, EPOLLOUT},
        [CURL_POLL_INOUT] = {POLLIN | POLLOUT, EPOLLIN | EPOLLOUT},
        [CURL_POLL_REMOVE] = {0, 0},
    };
    struct sl_posts *posts = ctx;
    size_t at = 0;
    (void)easy;
    (void)socket_ctx;
    while (at < posts->socket_count && posts->sockets[at].fd != fd) {
        at++;
    }
    if (what == CURL_POLL_REMOVE && at < posts->socket_count) {
        posts->sockets[at] = posts->sockets[--posts->socket_count];
    } else if (what != CURL_POLL_REMOVE && at < SOCKETS_MAX) { /* else it ends by its timeout */
        posts->sockets[at] = (struct pollfd){.fd = fd, .events = events[what].polled};
        posts->socket_count += at == posts->socket_count ? 1 : 0;
    }
    posts->options.watch(posts->options.ctx, fd, events[what].watched);
    return 0;
}

static int note_timer(CURLM *multi, long milliseconds, void *ctx)
{
    struct sl_posts *posts = ctx;
    (void)multi;
    posts->due = milliseconds < 0 ? INT64_MAX : posts->now + milliseconds * SL_NS_PER_MS;
    return 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): curl's signature */
static size_t take_answer(char *bytes, size_t size, size_t count, void *ctx)
{
    struct sl_post *post = ctx;
    sl_buf_add(&post->answer, bytes, size * count);
    return post->answer.overflowed ? 0 : size * count;
}

/* --- open and close --- */

int sl_posts_open(const struct sl_posts_options *options, struct sl_posts **ret_posts,
                  struct sl_err *err)
{
    static const char *const lines[] = {"Content-Type: application/json",
                                        "Accept: application/json", "Expect:"};
    if (sl_curl_load(err) < 0) {
        return -1;
    }
    struct sl_posts *posts = calloc(1, sizeof *posts);
    if (posts == NULL) {
        abort();
    }
    posts->options = *options;
    posts->due = INT64_MAX;
    posts->multi = sl_curl.multi_init();
    if (posts->multi == NULL) {
        abort();
    }
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct curl_slist *longer = sl_curl.slist_append(posts->headers, lines[i]);
        if (longer == NULL) {
            abort();
        }
        posts->headers = longer;
    }
    (void)sl_curl.multi_setopt(posts->multi, CURLMOPT_SOCKETFUNCTION, note_socket);
    (void)sl_curl.multi_setopt(posts->multi, CURLMOPT_SOCKETDATA, posts);
    (void)sl_curl.multi_setopt(posts->multi, CURLMOPT_TIMERFUNCTION, note_timer);
    (void)sl_curl.multi_setopt(posts->multi, CURLMOPT_TIMERDATA, posts);
    (void)sl_curl.multi_setopt(posts->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    *ret_posts = posts;
    return 0;
}

void sl_posts_close(struct sl_posts *posts)
{
    if (posts != NULL) {
        (void)sl_curl.multi_cleanup(posts->multi);
        sl_curl.slist_free_all(posts->headers);
        free(posts);
    }
}

/* --- one of them --- */

static void configure(struct sl_post *post, const char *url)
{
    struct sl_posts *posts = post->posts;
    CURL *easy = post->easy;
    must(sl_curl.easy_setopt(easy, CURLOPT_URL, url));
    must(sl_curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
    must(sl_curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
    must(sl_curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
    must(sl_curl.easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
    must(sl_curl.easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                             (long)(posts->options.timeout / SL_NS_PER_MS)));
    /* curl loses a timeout when bytes come in the last millisecond before it: the check of the
     * speed has it look again every second. */
    must(sl_curl.easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L));
    must(sl_curl.easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_S));
    must(sl_curl.easy_setopt(easy, CURLOPT_USERAGENT, "sluice"));
    must(sl_curl.easy_setopt(easy, CURLOPT_HTTPHEADER, posts->headers));
    must(sl_curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, post->reason));
    must(sl_curl.easy_setopt(easy, CURLOPT_PRIVATE, post));
    must(sl_curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer));
    must(sl_curl.easy_setopt(easy, CURLOPT_WRITEDATA, post));
    must(sl_curl.easy_setopt(easy, CURLOPT_POST, 1L));
    must(sl_curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.len));
    must(sl_curl.easy_setopt(easy, CURLOPT_POSTFIELDS, post->body.data));
}

struct sl_post *sl_post_send(struct sl_posts *posts, const char *url, struct sl_str body, void *tag,
                             int64_t now)
{
    struct sl_post *post = calloc(1, sizeof *post);
    if (post == NULL) {
        abort();
    }
    *post = (struct sl_post){
        .posts = posts,
        .tag = tag,
        .easy = sl_curl.easy_init(),
        .body = SL_BUF_INIT(body.n),
        .answer = SL_BUF_INIT(SL_POST_ANSWER_MAX),
    };
    sl_buf_addstr(&post->body, body);
    if (post->easy == NULL) {
        abort();
    }
    configure(post, url);
    posts->now = now;
    if (sl_curl.multi_add_handle(posts->multi, post->easy) != CURLM_OK) {
        abort(); /* out of memory */
    }
    return post;
}

void sl_post_cancel(struct sl_post *post)
{
    if (post != NULL) {
        (void)sl_curl.multi_remove_handle(post->posts->multi, post->easy);
        sl_curl.easy_cleanup(post->easy);
        sl_buf_cleanup(&post->body);
        sl_buf_cleanup(&post->answer);
        free(post);
    }
}

/* --- turns --- */

/* epoll told that one of the descriptors is ready, not which. */
static void move_ready(struct sl_posts *posts)
{
    struct pollfd fds[SOCKETS_MAX];
    nfds_t count = posts->socket_count;
    int running = 0;
    for (nfds_t i = 0; i < count; i++) {
        fds[i] = posts->sockets[i];
    }
    if (poll(fds, count, 0) <= 0) {
        return;
    }
    for (nfds_t i = 0; i < count; i++) {
        int ready = ((fds[i].revents & POLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                    ((fds[i].revents & POLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                    ((fds[i].revents & (POLLERR | POLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
        if (ready != 0) {
            (void)sl_curl.multi_socket_action(posts->multi, fds[i].fd, ready, &running);
        }
    }
}

void sl_posts_turn(struct sl_posts *posts, int64_t now)
{
    int running = 0;
    posts->now = now;
    move_ready(posts);
    if (posts->due <= now) {
        posts->due = INT64_MAX; /* told anew, even where it came too early for curl's own clock */
        (void)sl_curl.multi_socket_action(posts->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

bool sl_posts_take(struct sl_posts *posts, struct sl_post_reply *ret_reply)
{
    int left = 0;
    struct sl_post *post = NULL;
    CURLMsg *message = sl_curl.multi_info_read(posts->multi, &left);
    if (message == NULL) {
        return false;
    }
    long status = 0;
    CURLcode result = message->data.result; /* the message goes with the handle */
    (void)sl_curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &post);
    (void)sl_curl.easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    *ret_reply = (struct sl_post_reply){.tag = post->tag, .status = (int)status};
    if (post->answer.overflowed) {
        (void)sl_err_set(&ret_reply->err, SL_ERR_TRANSIENT, "the answer is larger than %zu bytes",
                         SL_POST_ANSWER_MAX);
    } else if (result != CURLE_OK) {
        ret_reply->status = 0;
        (void)sl_err_set(&ret_reply->err, SL_ERR_TRANSIENT, "%s",
                         post->reason[0] == '\0' ? sl_curl.easy_strerror(result) : post->reason);
    }
    ret_reply->body = post->answer;
    post->answer = (struct sl_buf)SL_BUF_INIT(0);
    sl_post_cancel(post);
    return true;
}

int64_t sl_posts_due(const struct sl_posts *posts)
{
    return posts->due;
}
