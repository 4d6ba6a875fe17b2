/* podinfo --get URL: the least of an HTTP client, for exec probes and for tests without curl. */
#include "podinfo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define GET_TIMEOUT 10 /* seconds for each read and write */
#define MAX_URL 1024

/* "http://IPv4[:port][/path]", taken apart in place. */
static bool split(char *url, char **ret_host, unsigned short *ret_port, const char **ret_path)
{
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    char *host = url + sizeof scheme - 1;
    char *slash = strchr(host, '/');
    *ret_path = "";
    if (slash != NULL) {
        *slash = '\0';
        *ret_path = slash + 1;
    }
    char *colon = strchr(host, ':');
    unsigned long port = 80;
    if (colon != NULL) {
        char *end = NULL;
        *colon = '\0';
        port = strtoul(colon + 1, &end, 10);
        if (*end != '\0' || port == 0 || port > UINT16_MAX) {
            return false;
        }
    }
    *ret_host = host;
    *ret_port = (unsigned short)port;
    return true;
}

/* The answer's body goes to stdout as it comes; its code is returned, -1 for what is no answer. */
static int read_answer(int fd)
{
    char answer[MAX_RESPONSE + 1];
    size_t length = 0;
    for (ssize_t got = 1; got > 0 && length < MAX_RESPONSE; length += (size_t)got) {
        got = recv(fd, answer + length, MAX_RESPONSE - length, 0);
        if (got < 0) {
            return -1;
        }
    }
    answer[length] = '\0';
    const char *body = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, "HTTP/1.", 7) != 0 || body == NULL) {
        return -1;
    }
    (void)fputs(body + 4, stdout);
    return (int)strtol(answer + 9, NULL, 10);
}

int podinfo_get(const char *url)
{
    char copy[MAX_URL];
    char *host = NULL;
    const char *path = NULL;
    struct sockaddr_in to = {.sin_family = AF_INET};
    if (snprintf(copy, sizeof copy, "%s", url) >= (int)sizeof copy ||
        !split(copy, &host, &to.sin_port, &path) || inet_pton(AF_INET, host, &to.sin_addr) != 1) {
        (void)fprintf(stderr, "podinfo: \"%s\" is not http://IPv4[:port][/path]\n", url);
        return 2;
    }
    to.sin_port = htons(to.sin_port);
    const struct timeval timeout = {.tv_sec = GET_TIMEOUT};
    char request[MAX_URL + 128];
    int size = snprintf(request, sizeof request,
                        "GET /%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int code = -1;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0 &&
        connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
        send(fd, request, (size_t)size, MSG_NOSIGNAL) == size) {
        code = read_answer(fd);
    }
    if (code < 0) {
        (void)fprintf(stderr, "podinfo: %s: %s\n", url, errno != 0 ? strerror(errno) : "no answer");
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return code >= 200 && code < 400 ? 0 : 1;
}
