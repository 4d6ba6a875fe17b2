/* POSTs of JSON to URLs, several at once, by one thread that never waits for them.
 *
 *     sl_post_send(posts, url, body, tag, now)   begun at once
 *     options.watch(ctx, fd, events)             what to poll for them …
 *     sl_posts_due(posts)                        … and when to turn at the latest
 *     sl_posts_turn(posts, now)                  moves everything that can move
 *     while (sl_posts_take(posts, &reply)) …     what is finished
 *
 * HTTP/1.1 or 2, connections are kept; redirects are not followed. TLS 1.2 or later, certificates
 * verified with the system's authorities. Nothing is sent again. Source: RFC 9110; libcurl's
 * multi_socket interface. Threads: one. */
#ifndef SL_RUN_BALANCERS_POST_H
#define SL_RUN_BALANCERS_POST_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define SL_POSTS_MAX 8                   /* under way at once; the caller keeps to it */
#define SL_POST_ANSWER_MAX (64 * SL_KIB) /* bytes of an answer */

struct sl_posts;
struct sl_post;

struct sl_posts_options {
    /* A descriptor that is to wake the thread, for these epoll events; 0: not any more. Called from
     * within send, turn, cancel and close. */
    void (*watch)(void *ctx, int fd, uint32_t events);
    void *ctx;
    int64_t timeout; /* ns for one of them, from beginning to end */
};

/* Errors: INTERNAL, where libcurl cannot be used (kube/curl.h). */
SL_MUST_USE int sl_posts_open(const struct sl_posts_options *options, struct sl_posts **ret_posts,
                              struct sl_err *err);
void sl_posts_close(struct sl_posts *posts); /* no post may be under way; NULL is fine */

/* `now` is sl_clock_mono(). Both texts are copied. */
struct sl_post *sl_post_send(struct sl_posts *posts, const char *url, struct sl_str body, void *tag,
                             int64_t now);
/* No reply comes; whether it was received, nobody knows. NULL is fine. */
void sl_post_cancel(struct sl_post *post);

struct sl_post_reply {
    void *tag;
    int status;         /* HTTP; 0: no answer */
    struct sl_err err;  /* TRANSIENT: no answer, or one that is too large */
    struct sl_buf body; /* the caller's */
};

void sl_posts_turn(struct sl_posts *posts, int64_t now);
bool sl_posts_take(struct sl_posts *posts, struct sl_post_reply *ret_reply); /* false: none left */
int64_t sl_posts_due(const struct sl_posts *posts);                          /* INT64_MAX: never */

#endif
