/* Name lookups beside the loop (lookup.h). */
#include "net/lookup.h"

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define HOST_MAX 256
#define PORT_MAX 8

struct question {
    char host[HOST_MAX], port[PORT_MAX];
    int flags; /* of getaddrinfo() */
};

struct answer {
    int code; /* of getaddrinfo() */
    struct sl_addresses addresses;
};

struct job { /* the thread's */
    struct question question;
    int fd;
};

struct sl_lookup {
    int fd;
    char host[HOST_MAX];
};

/* False: too long to be one. */
static bool to_text(struct sl_str from, char *to, size_t size)
{
    if (from.n >= size) {
        return false;
    }
    memcpy(to, from.p, from.n);
    to[from.n] = '\0';
    return true;
}

static bool ask_for(struct sl_str host, struct sl_str port, int flags, struct question *ret)
{
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        host = (struct sl_str){.p = host.p + 1, .n = host.n - 2};
    }
    memset(ret, 0, sizeof *ret);
    ret->flags = flags;
    return to_text(host, ret->host, sizeof ret->host) && to_text(port, ret->port, sizeof ret->port);
}

static void resolve(const struct question *question, struct answer *ret_answer)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = question->flags | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    memset(ret_answer, 0, sizeof *ret_answer);
    ret_answer->code = getaddrinfo(question->host, question->port, &hints, &found);
    struct sl_addresses *addresses = &ret_answer->addresses;
    for (struct addrinfo *at = found; at != NULL && addresses->count < SL_LOOKUP_ADDRESSES;
         at = at->ai_next) {
        memcpy(&addresses->items[addresses->count++], at->ai_addr, at->ai_addrlen);
    }
    if (found != NULL) {
        freeaddrinfo(found);
    }
}

bool sl_lookup_literal(struct sl_str host, struct sl_str port, struct sl_addresses *ret_addresses)
{
    struct question question;
    struct answer answer;
    if (!ask_for(host, port, AI_NUMERICHOST, &question)) {
        return false;
    }
    resolve(&question, &answer);
    if (answer.code != 0) {
        return false;
    }
    *ret_addresses = answer.addresses;
    return true;
}

static void *work(void *job_)
{
    struct job *job = job_;
    struct answer answer;
    resolve(&job->question, &answer);
    (void)send(job->fd, &answer, sizeof answer, MSG_NOSIGNAL); /* nobody may wait any more */
    (void)close(job->fd);
    free(job);
    return NULL;
}

static bool start_detached(struct job *job)
{
    pthread_attr_t attributes;
    pthread_t thread;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    bool started = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
                   pthread_create(&thread, &attributes, work, job) == 0;
    (void)pthread_attr_destroy(&attributes);
    return started;
}

/* The descriptor is the thread's from now on; closed if there is none. */
static bool start(const struct question *question, int fd)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        abort();
    }
    *job = (struct job){.question = *question, .fd = fd};
    if (start_detached(job)) {
        return true;
    }
    (void)close(fd);
    free(job);
    return false;
}

static struct sl_lookup *lookup_new(const struct question *question, int fd)
{
    struct sl_lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL) {
        abort();
    }
    lookup->fd = fd;
    memcpy(lookup->host, question->host, sizeof lookup->host);
    return lookup;
}

int sl_lookup_open(struct sl_str host, struct sl_str port, struct sl_lookup **ret_lookup,
                   struct sl_err *err)
{
    struct question question;
    int pair[2] = {-1, -1};
    if (!ask_for(host, port, 0, &question)) {
        return sl_err_set(err, SL_ERR_INVALID, "%.*s is too long for a name", SL_STR_FMT(host));
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return sl_err_set(err, SL_ERR_TRANSIENT, "cannot look up %s: no descriptor is left",
                          question.host);
    }
    if (!start(&question, pair[1])) {
        (void)close(pair[0]);
        return sl_err_set(err, SL_ERR_TRANSIENT, "cannot look up %s: no thread can be started",
                          question.host);
    }
    *ret_lookup = lookup_new(&question, pair[0]);
    return 0;
}

void sl_lookup_close(struct sl_lookup *lookup)
{
    if (lookup != NULL) {
        sl_fd_cleanup(&lookup->fd);
        free(lookup);
    }
}

int sl_lookup_fd(const struct sl_lookup *lookup)
{
    return lookup->fd;
}

bool sl_lookup_is_answered(const struct sl_lookup *lookup)
{
    struct pollfd fd = {.fd = lookup->fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

int sl_lookup_take(struct sl_lookup *lookup, struct sl_addresses *ret_addresses, struct sl_err *err)
{
    struct answer answer;
    if (recv(lookup->fd, &answer, sizeof answer, MSG_DONTWAIT) != (ssize_t)sizeof answer) {
        return sl_err_set(err, SL_ERR_TRANSIENT, "%s could not be looked up", lookup->host);
    }
    if (answer.code != 0) {
        bool none = answer.code == EAI_NONAME;
        return sl_err_set(err, none ? SL_ERR_NOT_FOUND : SL_ERR_TRANSIENT,
                          "%s could not be looked up: %s", lookup->host, gai_strerror(answer.code));
    }
    *ret_addresses = answer.addresses;
    return 0;
}
