/* What the parts of podinfo share: a server is one thread, one epoll and a fixed table of
 * connections.
 *
 * podinfo.c moves bytes and time, podinfo_request.c turns a request into an answer, podinfo_get.c
 * is the client. Everything is capped by the constants below; nothing is allocated after the start.
 */
#ifndef PODINFO_H
#define PODINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_CONNECTIONS 1024
#define MAX_REQUEST 8192  /* bytes of a request's head */
#define MAX_RESPONSE 2048 /* bytes of an answer, head and body */
#define MAX_BODY 65536    /* bytes of a request's body, which is read and dropped */
#define MAX_DELAY 600000  /* milliseconds that a request can ask to be delayed */
#define MAX_PATH 256      /* bytes of a path that are looked at and logged */

enum failing { FAILING_HEALTHZ, FAILING_READYZ, FAILING_COUNT };

/* How long a health check fails on demand: until a time, and for a number of answers. */
struct failure {
    int64_t until; /* milliseconds of the monotonic clock */
    unsigned times;
};

struct connection {
    int fd;          /* -1: this place of the table is free */
    unsigned number; /* counts the connections from 1, for the log */
    char in[MAX_REQUEST];
    size_t in_len;
    size_t skip; /* bytes of a request's body still to be read and dropped */
    char out[MAX_RESPONSE];
    size_t out_len;
    size_t out_sent;
    char path[MAX_PATH]; /* of the request being answered */
    int status;
    int64_t began;  /* milliseconds: when its head was complete */
    int64_t due;    /* milliseconds: when its answer may be sent */
    bool answering; /* an answer is in `out`, waiting for its time or for the socket */
    bool last;      /* the connection closes after this answer */
};

struct server {
    const char *version;
    const char *pod;
    bool graceful;
    bool draining;
    bool crash; /* exit with status 3 once the answer that says so is sent */
    int epoll;
    int listener;
    unsigned connections; /* accepted so far */
    unsigned long requests;
    struct failure failing[FAILING_COUNT];
    struct connection table[MAX_CONNECTIONS];
};

/* Takes the next request out of `in`, if it is whole, and puts its answer into `out`. False when
 * there is nothing to answer yet. `now` is in milliseconds of the monotonic clock. */
bool podinfo_answer(struct server *server, struct connection *connection, int64_t now);

/* Writes the log line of the answer that has just been sent. */
void podinfo_log(const struct connection *connection, int64_t now);

/* GET `url` and its body to stdout: the exit status, 0 for a code below 400. */
int podinfo_get(const char *url);

#endif
