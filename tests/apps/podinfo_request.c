/* From the bytes of a request to the bytes of its answer: the routes of podinfo are the table here.
 *
 *     GET /                    the version, the pod and how many requests it has served
 *     GET /?sleep=MS /sleep/MS the same, later
 *     GET /healthz /readyz     200, or 503 while told to fail
 *     GET /status/CODE         that status
 *     GET /crash               answers, then exits with status 3
 *     POST /fail?path=healthz|readyz&for=SECONDS, or times=N instead of for
 *
 * What is not understood of HTTP/1.1 (RFC 9112) closes the connection: no body is needed by any
 * route, so one is dropped, up to a cap, and chunked bodies are refused.
 */
#include "podinfo.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

struct request {
    const char *method;
    char *path;
    char *query; /* "" where there is none */
};

/* Sets the status of an answer and, for one that has to wait, when it is due. */
typedef void handler(struct server *server, struct connection *connection,
                     const struct request *request, int64_t now);

/* A parameter's digits as a number, at most `most`; `otherwise` where it is absent. */
static unsigned parameter(const char *query, const char *name, unsigned most, unsigned otherwise)
{
    size_t length = strlen(name);
    for (const char *at = query; at != NULL; at = strchr(at, '&')) {
        at += *at == '&';
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            unsigned long value = strtoul(at + length + 1, NULL, 10);
            return value > most ? most : (unsigned)value;
        }
    }
    return otherwise;
}

/* The digits at the end of a path. */
static unsigned after_slash(const char *path, unsigned most)
{
    unsigned long value = strtoul(strrchr(path, '/') + 1, NULL, 10);
    return value > most ? most : (unsigned)value;
}

static void on_root(struct server *server, struct connection *connection,
                    const struct request *request, int64_t now)
{
    (void)server;
    connection->due = now + parameter(request->query, "sleep", MAX_DELAY, 0);
}

static void on_sleep(struct server *server, struct connection *connection,
                     const struct request *request, int64_t now)
{
    (void)server;
    connection->due = now + after_slash(request->path, MAX_DELAY);
}

static void on_status(struct server *server, struct connection *connection,
                      const struct request *request, int64_t now)
{
    (void)server;
    (void)now;
    unsigned code = after_slash(request->path, 1000);
    connection->status = code >= 200 && code <= 599 ? (int)code : 400;
}

static void on_crash(struct server *server, struct connection *connection,
                     const struct request *request, int64_t now)
{
    (void)connection;
    (void)request;
    (void)now;
    server->crash = true;
}

static void check(struct connection *connection, struct failure *failure, int64_t now)
{
    if (failure->times > 0) {
        failure->times--;
    } else if (now >= failure->until) {
        return;
    }
    connection->status = 503;
}

static void on_healthz(struct server *server, struct connection *connection,
                       const struct request *request, int64_t now)
{
    (void)request;
    check(connection, &server->failing[FAILING_HEALTHZ], now);
}

static void on_readyz(struct server *server, struct connection *connection,
                      const struct request *request, int64_t now)
{
    (void)request;
    check(connection, &server->failing[FAILING_READYZ], now);
}

static void on_fail(struct server *server, struct connection *connection,
                    const struct request *request, int64_t now)
{
    static const char *const names[FAILING_COUNT] = {"path=healthz", "path=readyz"};
    if (strcmp(request->method, "POST") != 0) {
        connection->status = 405;
        return;
    }
    connection->status = 400;
    for (size_t i = 0; i < FAILING_COUNT; i++) {
        if (strstr(request->query, names[i]) != NULL) {
            server->failing[i].until =
                now + (int64_t)parameter(request->query, "for", MAX_DELAY / 1000, 0) * 1000;
            server->failing[i].times = parameter(request->query, "times", MAX_BODY, 0);
            connection->status = 200;
        }
    }
}

static const struct route {
    const char *path;
    bool prefix;
    handler *handle;
} routes[] = {
    {"/", false, on_root},         {"/sleep/", true, on_sleep},   {"/healthz", false, on_healthz},
    {"/readyz", false, on_readyz}, {"/status/", true, on_status}, {"/crash", false, on_crash},
    {"/fail", false, on_fail},
};

static void dispatch(struct server *server, struct connection *connection,
                     const struct request *request, int64_t now)
{
    connection->status = 404;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const struct route *route = &routes[i];
        bool fits = route->prefix ? strncmp(request->path, route->path, strlen(route->path)) == 0
                                  : strcmp(request->path, route->path) == 0;
        if (fits) {
            connection->status = 200;
            route->handle(server, connection, request, now);
            return;
        }
    }
}

/* The value of a header in a head whose lines end in CRLF, NULL where it is absent. */
static const char *header(const char *head, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            return line + length + 1 + strspn(line + length + 1, " \t");
        }
    }
    return NULL;
}

/* Method, path and query of the request line; the head is changed in place. False: malformed. */
static bool parse(char *head, struct request *request, bool *ret_http_1_0)
{
    char *end = strstr(head, "\r\n");
    char *path = strchr(head, ' ');
    char *version = path != NULL ? strchr(path + 1, ' ') : NULL;
    if (version == NULL || version > end || path[1] != '/' ||
        strncmp(version + 1, "HTTP/1.", 7) != 0) {
        return false;
    }
    *ret_http_1_0 = version[8] == '0';
    *path = '\0';
    *version = '\0';
    request->method = head;
    request->path = path + 1;
    request->query = strchr(request->path, '?');
    if (request->query != NULL) {
        *request->query++ = '\0';
    } else {
        request->query = version; /* the empty string that ends the path */
    }
    return true;
}

/* Interprets one head: what is to be skipped after it, whether the connection ends, the answer. */
static void read_head(struct server *server, struct connection *connection, char *head, int64_t now)
{
    const char *closing = header(head, "Connection");
    const char *length = header(head, "Content-Length");
    unsigned long body = length != NULL ? strtoul(length, NULL, 10) : 0;
    bool http_1_0 = false;
    struct request request;
    bool chunked = header(head, "Transfer-Encoding") != NULL;
    bool keep = closing != NULL && strncasecmp(closing, "keep-alive", 10) == 0;
    bool close_asked = closing != NULL && strncasecmp(closing, "close", 5) == 0;
    if (!parse(head, &request, &http_1_0)) {
        connection->status = 400;
        connection->last = true;
        (void)strcpy(connection->path, "?");
        return;
    }
    (void)snprintf(connection->path, sizeof connection->path, "%s", request.path);
    connection->last = close_asked || (http_1_0 && !keep) || server->draining;
    if (chunked || body > MAX_BODY) {
        connection->status = chunked ? 501 : 413;
        connection->last = true;
        return;
    }
    connection->skip = body;
    dispatch(server, connection, &request, now);
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {413, "Content Too Large"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].status == status) {
            return reasons[i].text;
        }
    }
    return "Status";
}

static void write_answer(struct server *server, struct connection *connection)
{
    char body[512];
    int length = snprintf(body, sizeof body,
                          "{\"version\":\"%.100s\",\"pod\":\"%.253s\",\"requests\":%lu}\n",
                          server->version, server->pod, ++server->requests);
    bool empty = connection->status == 204 || connection->status == 304; /* never have a body */
    int size = snprintf(connection->out, sizeof connection->out,
                        "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nConnection: %s\r\n",
                        connection->status, reason(connection->status),
                        connection->last ? "close" : "keep-alive");
    size_t at = (size_t)size;
    if (empty) {
        size = snprintf(connection->out + at, sizeof connection->out - at, "\r\n");
    } else {
        size = snprintf(connection->out + at, sizeof connection->out - at,
                        "Content-Length: %d\r\n\r\n%s", length, body);
    }
    connection->out_len = at + (size_t)size;
    connection->out_sent = 0;
    connection->answering = true;
}

static void consume(struct connection *connection, size_t count)
{
    connection->in_len -= count;
    memmove(connection->in, connection->in + count, connection->in_len);
}

bool podinfo_answer(struct server *server, struct connection *connection, int64_t now)
{
    size_t dropped = connection->skip < connection->in_len ? connection->skip : connection->in_len;
    consume(connection, dropped);
    connection->skip -= dropped;
    char *end = memmem(connection->in, connection->in_len, "\r\n\r\n", 4);
    if (end == NULL && connection->in_len < sizeof connection->in) {
        return false;
    }
    connection->began = now;
    connection->due = now;
    if (end == NULL || memchr(connection->in, '\0', (size_t)(end - connection->in)) != NULL) {
        connection->status = end == NULL ? 431 : 400;
        connection->last = true;
        (void)strcpy(connection->path, "?");
        connection->in_len = 0;
    } else {
        char head[MAX_REQUEST];
        size_t length = (size_t)(end - connection->in) + 2; /* with the CRLF of its last line */
        memcpy(head, connection->in, length);
        head[length] = '\0';
        consume(connection, length + 2);
        read_head(server, connection, head, now);
    }
    write_answer(server, connection);
    return true;
}

void podinfo_log(const struct connection *connection, int64_t now)
{
    char path[sizeof connection->path];
    size_t length = 0;
    for (; connection->path[length] != '\0';
         length++) { /* nothing that JSON would have to escape */
        char byte = connection->path[length];
        bool plain = isascii((unsigned char)byte) && isprint((unsigned char)byte);
        path[length] = plain && byte != '"' && byte != '\\' ? byte : '?';
    }
    path[length] = '\0';
    struct timespec clock;
    struct tm calendar;
    char moment[32];
    (void)clock_gettime(CLOCK_REALTIME, &clock);
    (void)gmtime_r(&clock.tv_sec, &calendar);
    (void)strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%S", &calendar);
    char line[MAX_PATH + 256];
    int size =
        snprintf(line, sizeof line,
                 "{\"time\":\"%s.%03dZ\",\"path\":\"%s\",\"status\":%d,\"milliseconds\":%lld,"
                 "\"connection\":%u}\n",
                 moment, (int)(clock.tv_nsec / 1000000), path, connection->status,
                 (long long)(now - connection->began), connection->number);
    if (write(STDOUT_FILENO, line, (size_t)size) < 0) {
        _exit(1); /* a server whose log cannot be trusted is of no use to a test */
    }
}
