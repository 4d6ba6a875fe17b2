/* Private to kube: what the client's files share.
 *
 * A call is one request from sl_client_send() to its reply. It waits (for the rate limit, a free
 * place, the end of a backoff), is under way on a curl handle, and may do so several times.
 *
 *     client.c       the lists of calls: send, cancel, turn
 *     client_wait.c  the caller's side: sleeping, taking replies, one call from beginning to end
 *     request.c      a request as method, path and query
 *     transfer.c     one attempt on a curl handle
 *     answer.c       what came back, as a reply
 *     credentials.c  the Authorization header
 */
#ifndef SL_KUBE_CLIENT_PRIVATE_H
#define SL_KUBE_CLIENT_PRIVATE_H

#include <sys/queue.h>
#include <sys/stat.h>

#include "kube/client.h"
#include "kube/curl.h"

#define SL_CLIENT_UNDER_WAY_MAX 32 /* calls at a time, streams not counted */
#define SL_CLIENT_IDLE_MAX 8       /* curl handles kept for the next calls */
#define SL_CLIENT_SOCKETS_MAX 64   /* more than that are cut by their requests' own deadlines */
#define SL_CLIENT_ERROR_MAX SL_MIB /* bytes of an error's body that are read */
#define SL_CLIENT_PATH_MAX (64 * SL_KIB) /* bytes of a path with its query */

struct sl_call {
    TAILQ_ENTRY(sl_call) link;
    struct sl_client *client;
    uint64_t id;
    void *tag;
    enum sl_verb verb;
    bool repeatable; /* sent twice it does what it does once */
    bool is_stream;
    struct sl_stream stream;
    char *path;                /* "/api/v1/pods?limit=500"; NULL: too long */
    char *content_type;        /* header line; NULL: no body */
    struct sl_buf body;        /* of the request */
    int64_t timeout, deadline; /* of a stream, the deadline moves with each byte */
    int64_t not_before;        /* the end of a backoff */
    unsigned tries;            /* attempts begun */

    /* of the attempt under way */
    CURL *easy; /* NULL: it waits */
    struct curl_slist *headers;
    int64_t started;
    bool heard;     /* a byte was answered */
    bool cut;       /* the stream's reader wants no more */
    bool cancelled; /* from within a callback of curl's, where a handle cannot be removed */
    struct sl_buf received;
    char reason[CURL_ERROR_SIZE]; /* curl's sentence */
};
TAILQ_HEAD(sl_calls, sl_call);

/* A reply that nobody took yet, or the end of a stream that was not told yet. */
struct sl_finished {
    TAILQ_ENTRY(sl_finished) link;
    struct sl_stream stream;
    struct sl_reply reply;
};
TAILQ_HEAD(sl_finisheds, sl_finished);

/* The header line "Authorization: …" as it is right now. */
struct sl_credentials {
    const struct sl_kube_config *config; /* borrowed */
    char *line;                          /* secret; NULL: no such header */
    struct stat file;                    /* the token file when it was read */
    bool is_looked_at, is_read;
    int64_t looked_at, read_at; /* when the token's file was asked for, and read */
};

/* The server as curl is told of it. */
struct sl_endpoint {
    char *base;                 /* "https://10.0.0.1:6443", what paths are appended to */
    char *host_header;          /* "Host: …" where `base` names another; NULL: curl's own */
    struct curl_slist *connect; /* where `base` is not what to connect to; NULL: it is */
};

struct sl_client {
    const struct sl_kube_config *config; /* borrowed */
    char *user_agent;
    CURLM *multi;
    struct sl_endpoint endpoint;
    struct sl_credentials credentials;
    CURL *idle[SL_CLIENT_IDLE_MAX];
    size_t idle_count;
    int sockets[SL_CLIENT_SOCKETS_MAX]; /* open */
    size_t sockets_count;

    struct sl_calls waiting, under_way;
    struct sl_finisheds replies, ends; /* of calls, of streams */
    size_t counted_under_way;          /* without streams */
    uint64_t last_id;
    int64_t now;        /* of the turn */
    int64_t heard_at;   /* when the server last sent a byte, whatever for */
    bool is_performing; /* curl's callbacks may be running */

    double qps, burst;
    double tokens; /* requests that may be sent at `tokens_at` */
    int64_t tokens_at;
    struct sl_client_stats stats;
};

/* --- request.c --- */

extern const char *const sl_request_methods[];

/* Appends "/apis/apps/v1/namespaces/web/deployments/a?…". */
void sl_request_path(const struct sl_request *request, struct sl_buf *out);
bool sl_request_repeatable(const struct sl_request *request);

/* --- client.c --- */

/* When a call that waits may next be begun, INT64_MAX: when another one ends. */
int64_t sl_client_begin_at(const struct sl_client *client, const struct sl_call *call);

/* --- transfer.c --- */

SL_MUST_USE int sl_endpoint_open(const struct sl_kube_config *config,
                                 struct sl_endpoint *ret_endpoint, struct sl_err *err);
void sl_endpoint_cleanup(struct sl_endpoint *endpoint);

/* Begins an attempt of a call that waits. Errors: TRANSIENT (the token's file), INVALID. */
SL_MUST_USE int sl_transfer_begin(struct sl_call *call, int64_t now, struct sl_err *err);
/* Ends it, in whatever state it is: the handle is idle again. Not from within curl's callbacks. */
void sl_transfer_end(struct sl_call *call);
/* Cuts every connection to a server that does not answer, with all that is on it. */
void sl_transfer_cut_connections(struct sl_client *client);

/* --- answer.c --- */

/* The reply to an attempt that curl ended with `result`; the body becomes the reply's. */
void sl_answer_read(struct sl_call *call, CURLcode result, struct sl_reply *ret_reply);
/* The reply to a call whose deadline passed. */
void sl_answer_late(const struct sl_call *call, struct sl_reply *ret_reply);
/* When to try again, or 0: the reply is final. */
int64_t sl_answer_retry_at(const struct sl_call *call, CURLcode result,
                           const struct sl_reply *reply, int64_t now);

/* --- credentials.c --- */

/* Brings credentials->line up to date. Errors: TRANSIENT, a token file that was never read. */
SL_MUST_USE int sl_credentials_refresh(struct sl_credentials *credentials, int64_t now,
                                       struct sl_err *err);
void sl_credentials_cleanup(struct sl_credentials *credentials);

#endif
