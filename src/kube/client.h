/* The API client: requests as values, run concurrently on one libcurl multi handle by one thread.
 *
 *     sl_client_send(client, &request, tag, now)     queued; sent when the rate limit allows
 *     sl_client_turn(client, now)                    moves everything that can move
 *     while (sl_client_take(client, &reply)) …       what is finished, in the order it finished
 *     sl_client_wait(client, fds, n, until)          sleeps until something can move
 *
 * No callback runs while a caller has half-finished work: answers wait until they are taken. HTTP/2
 * where the server offers it (one connection carries all), HTTP/1.1 with keep-alive else; gzip; TLS
 * 1.2 or later with OpenSSL; certificates and keys never touch a file. Every request has a
 * deadline.
 *
 * 429 and 5xx with Retry-After, and connections that were refused or reset before a byte was
 * answered, are tried again within the deadline, five times at most, where the request is
 * idempotent: GET, LIST, DELETE with a uid, PATCH with a resourceVersion (all of ours). Streams and
 * other failures are the caller's. (libcurl itself repeats what it sent on a kept connection that
 * was closed meanwhile, whatever it is.)
 *
 * At most 32 calls are under way at a time; streams are not counted. When a call is late and the
 * server said nothing to anybody for the latter half of its wait, all connections are cut: streams
 * end with TRANSIENT.
 *
 * Source: Kubernetes API conventions; k8s.io/client-go/rest. Threads: one.
 */
#ifndef SL_KUBE_CLIENT_H
#define SL_KUBE_CLIENT_H

#include <poll.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "kube/config.h"

#define SL_CLIENT_BODY_MAX (64 * SL_MIB) /* of one answer */

enum sl_verb {
    SL_GET,
    SL_LIST,
    SL_WATCH,
    SL_CREATE_OBJECT,
    SL_UPDATE_OBJECT,
    SL_PATCH_OBJECT,
    SL_DELETE_OBJECT,
    SL_VERBS
};
extern const char *const sl_verb_names[]; /* as RBAC has them: "get", "list", … */

struct sl_resource {
    struct sl_str group, version, plural; /* "" "v1" "pods"; "apps" "v1" "statefulsets" */
};

/* Everything is copied by sl_client_send(). Absent texts are left out. */
struct sl_request {
    enum sl_verb verb;
    struct sl_resource resource;
    struct sl_str ns;   /* absent: cluster-scoped, or a LIST of all namespaces */
    struct sl_str name; /* absent: LIST, WATCH, CREATE */
    struct sl_str subresource;
    struct sl_str query;      /* besides what verb and dry_run add (watch=true), already escaped:
                                 "limit=500&continue=…" */
    struct sl_str body;       /* JSON */
    const char *content_type; /* NULL: application/json */
    bool dry_run;             /* dryRun=All */
    const char *manager;      /* fieldManager of a write; NULL: SL_FIELD_MANAGER */
    int64_t timeout;          /* ns for all of it, tries included; 0: SL_CLIENT_TIMEOUT */
};
#define SL_CLIENT_TIMEOUT (30 * SL_NS_PER_S)

struct sl_reply {
    uint64_t id; /* as sl_client_send() returned it */
    void *tag;
    enum sl_verb verb;
    int status;           /* HTTP; 0: no answer */
    struct sl_err err;    /* kind NONE: 2xx. Else the Status object's message, with the kind: 404
                             NOT_FOUND, 409 CONFLICT (AlreadyExists too; so is a JSON
                             Patch whose `test` fails), 410 GONE, 401 and 403 DENIED,
                             400 and 422    INVALID, 429, 5xx and no answer TRANSIENT, else INTERNAL */
    struct sl_str reason; /* metav1.StatusReason: "AlreadyExists"; in `body`'s memory */
    int64_t retry_after;  /* ns; 0: not said */
    struct sl_buf body;
};
void sl_reply_cleanup(struct sl_reply *reply);

struct sl_client_options {
    const struct sl_kube_config *config; /* borrowed, outlives the client */
    const char *user_agent;              /* "sluice/0.1.0 reconciler" */
    double qps;                          /* requests a second, watches not counted; 0: no limit */
    unsigned burst;
};
struct sl_client;

SL_MUST_USE int sl_client_open(const struct sl_client_options *options,
                               struct sl_client **ret_client, struct sl_err *err);
void sl_client_close(struct sl_client *client); /* cuts what is under way; NULL is fine */
SL_AUTO_PTR(sl_client, struct sl_client, sl_client_close);

/* `now` is sl_clock_mono() everywhere here. Returns the request's id, never 0. */
uint64_t sl_client_send(struct sl_client *client, const struct sl_request *request, void *tag,
                        int64_t now);
void sl_client_cancel(struct sl_client *client, uint64_t id); /* no reply comes; unknown: nothing */

void sl_client_turn(struct sl_client *client, int64_t now);
bool sl_client_take(struct sl_client *client,
                    struct sl_reply *ret_reply); /* false: none finished */
/* Until something can move, one of `fds` (at most SL_CLIENT_FDS_MAX) is ready (revents set), or
 * `until`. */
#define SL_CLIENT_FDS_MAX 16
void sl_client_wait(struct sl_client *client, struct pollfd *fds, size_t count, int64_t until);

/* One request from beginning to end, for commands: takes turns until it has its own reply. Errors:
 * those of the reply. */
SL_MUST_USE int sl_client_call(struct sl_client *client, const struct sl_request *request,
                               struct sl_reply *ret_reply, struct sl_err *err);

/* A stream (watches, logs): the body in pieces as they arrive, before them an empty one when a 2xx
 * answer has begun. Called from sl_client_turn() alone.
 * `done` comes once, last, with an empty body (an error's text is in reply->err), never after
 * sl_client_cancel(). A stream's timeout is one of silence: between bytes. */
struct sl_stream {
    void *ctx;
    bool (*data)(void *ctx, struct sl_str bytes); /* false: cut it; done comes with INTERNAL */
    void (*done)(void *ctx, const struct sl_reply *reply);
};
uint64_t sl_client_stream(struct sl_client *client, const struct sl_request *request,
                          const struct sl_stream *stream, int64_t now);

/* Appends `text` with everything but unreserved characters as %XX (RFC 3986). */
void sl_url_escape(struct sl_str text, struct sl_buf *out);

/* Requests answered since the start, by verb and status class (0: no answer, 1…5), and queued now.
 */
struct sl_client_stats {
    uint64_t calls[SL_VERBS][6];
    size_t queued, under_way;
};
void sl_client_stats(const struct sl_client *client, struct sl_client_stats *ret_stats);

#endif
