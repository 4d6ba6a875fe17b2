/* A HAProxy in this thread: the Runtime API on a unix socket, and a backend "web" of a few servers
 * that a test reads and changes. Says as much of each answer as a real one, and keeps to its order:
 * the tests of integration/haproxy.py hold the same balancers against a real one. */
#ifndef SL_TESTS_UNIT_RUN_FAKE_HAPROXY_H
#define SL_TESTS_UNIT_RUN_FAKE_HAPROXY_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

#define FAKE_SERVERS 8

struct fake_server {
    char name[64], address[64];
    int port, admin, weight, sessions, operational;
};

struct fake_haproxy {
    char directory[32], path[64], url[72];
    int listener, client;
    bool interactive;
    int pid;
    struct fake_server servers[FAKE_SERVERS];
    size_t count;
    const char *refusal;  /* the answer to all that is no question; NULL: it is done */
    const char *nonsense; /* sent to whoever connects; NULL: none */
    bool bytewise;        /* answers come in single bytes, one for each turn */
    struct sl_buf in, out, log;
    unsigned connections;
};

static struct fake_server *fake_find(struct fake_haproxy *fake, const char *name)
{
    for (size_t i = 0; i < fake->count; i++) {
        if (strcmp(fake->servers[i].name, name) == 0) {
            return &fake->servers[i];
        }
    }
    return NULL;
}

static struct fake_server *fake_add(struct fake_haproxy *fake, const char *name,
                                    const char *address, int port)
{
    struct fake_server *server = &fake->servers[fake->count++];
    *server = (struct fake_server){.port = port, .admin = 1, .weight = 1};
    (void)snprintf(server->name, sizeof server->name, "%s", name);
    (void)snprintf(server->address, sizeof server->address, "%s", address);
    return server;
}

static void fake_listen(struct fake_haproxy *fake)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", fake->path);
    fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fake->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fake->listener, 8), 0);
}

static void fake_hang_up(struct fake_haproxy *fake)
{
    if (fake->client >= 0) {
        (void)close(fake->client);
    }
    fake->client = -1;
    fake->interactive = false;
    sl_buf_reset(&fake->in);
    sl_buf_reset(&fake->out);
}

static void fake_stop(struct fake_haproxy *fake)
{
    fake_hang_up(fake);
    if (fake->listener >= 0) {
        (void)close(fake->listener);
        (void)unlink(fake->path);
    }
    fake->listener = -1;
    fake->count = 0;
    fake->pid++;
}

static struct fake_haproxy *fake_haproxy_open(void)
{
    struct fake_haproxy *fake = test_calloc(1, sizeof *fake);
    (void)strcpy(fake->directory, "/tmp/sluice-haproxy-XXXXXX");
    assert_non_null(mkdtemp(fake->directory));
    (void)snprintf(fake->path, sizeof fake->path, "%s/api", fake->directory);
    (void)snprintf(fake->url, sizeof fake->url, "unix://%s", fake->path);
    fake->in = fake->out = fake->log = (struct sl_buf)SL_BUF_INIT(SL_MIB);
    fake->client = -1;
    fake->pid = 8;
    fake_listen(fake);
    return fake;
}

static void fake_haproxy_close(struct fake_haproxy *fake)
{
    fake_stop(fake);
    (void)rmdir(fake->directory);
    sl_buf_cleanup(&fake->in);
    sl_buf_cleanup(&fake->out);
    sl_buf_cleanup(&fake->log);
    test_free(fake);
}

/* --- what it answers --- */

static void fake_state(struct fake_haproxy *fake)
{
    sl_buf_adds(&fake->out, "1\n# be_id be_name srv_name srv_addr srv_op_state srv_admin_state "
                            "srv_uweight srv_iweight srv_check_state srv_port\n");
    for (size_t i = 0; i < fake->count; i++) {
        const struct fake_server *server = &fake->servers[i];
        sl_buf_addf(&fake->out, "3 web %s %s %d %d %d 1 6 %d\n", server->name, server->address,
                    server->operational, server->admin, server->weight, server->port);
    }
    sl_buf_addc(&fake->out, '\n');
}

static void fake_stat(struct fake_haproxy *fake)
{
    sl_buf_adds(&fake->out, "# pxname,svname,qcur,scur,check_status,check_desc,last_chk,\n");
    for (size_t i = 0; i < fake->count; i++) {
        sl_buf_addf(&fake->out, "web,%s,0,%d,L4CON,,refused,\n", fake->servers[i].name,
                    fake->servers[i].sessions);
    }
    sl_buf_addc(&fake->out, '\n');
}

static void fake_set_state(struct fake_server *server, const char *state)
{
    server->admin = strcmp(state, "ready") == 0 ? 0 : strcmp(state, "drain") == 0 ? 8 : 1;
    server->operational = server->admin == 1 ? 0 : 2;
}

static void fake_set(struct fake_server *server, char *const *words)
{
    if (strcmp(words[3], "state") == 0) {
        fake_set_state(server, words[4]);
    } else if (strcmp(words[3], "weight") == 0) {
        server->weight = (int)strtol(words[4], NULL, 10);
    } else {
        assert_string_equal(words[3], "addr");
        (void)snprintf(server->address, sizeof server->address, "%s", words[4]);
        server->port = (int)strtol(words[6], NULL, 10);
    }
}

static void fake_delete(struct fake_haproxy *fake, struct fake_server *server)
{
    if (server->admin != 1) {
        sl_buf_adds(&fake->out, "Only servers in maintenance mode can be deleted.\n");
    } else if (server->sessions > 0) {
        sl_buf_adds(&fake->out, "Server still has connections attached to it, cannot remove it.\n");
    } else {
        *server = fake->servers[--fake->count];
        sl_buf_adds(&fake->out, "Server deleted.\n");
    }
}

/* Two words, then web/NAME, and what belongs to it. */
static void fake_do(struct fake_haproxy *fake, char *command)
{
    char *words[16] = {command};
    char *rest = NULL;
    size_t count = 0;
    sl_buf_addf(&fake->log, "%s%s", fake->log.len == 0 ? "" : "; ", command);
    if (fake->refusal != NULL) {
        sl_buf_adds(&fake->out, fake->refusal);
        return;
    }
    for (char *word = strtok_r(command, " ", &rest); word != NULL && count < 16;
         word = strtok_r(NULL, " ", &rest)) {
        words[count++] = word;
    }
    assert_true(count >= 3 && strncmp(words[2], "web/", 4) == 0);
    struct fake_server *server = fake_find(fake, words[2] + 4);
    if (strcmp(words[0], "add") == 0) {
        char *port = strchr(words[3], ':');
        assert_true(server == NULL && port != NULL);
        *port = '\0';
        fake_add(fake, words[2] + 4, words[3], (int)strtol(port + 1, NULL, 10))->weight = 100;
        sl_buf_adds(&fake->out, "New server registered.\n");
    } else if (server == NULL) {
        sl_buf_adds(&fake->out, "No such server.\n");
    } else if (strcmp(words[0], "set") == 0) {
        fake_set(server, words);
    } else if (strcmp(words[0], "del") == 0) {
        fake_delete(fake, server);
    }
}

static void fake_answer(struct fake_haproxy *fake, char *command)
{
    if (strcmp(command, "prompt") == 0) {
        fake->interactive = true;
    } else if (strcmp(command, "show info") == 0) {
        sl_buf_addf(&fake->out, "Name: HAProxy\nPid: %d\nStart_time_sec: 7\n\n", fake->pid);
    } else if (strcmp(command, "show servers state web") == 0) {
        fake_state(fake);
    } else if (strcmp(command, "show stat 3 4 -1") == 0) {
        fake_stat(fake);
    } else {
        fake_do(fake, command);
    }
    sl_buf_adds(&fake->out, fake->interactive ? "\n> " : "\n");
}

/* --- its turn: true if there was something --- */

static bool fake_send(struct fake_haproxy *fake)
{
    size_t count = fake->bytewise && fake->out.len > 0 ? 1 : fake->out.len;
    if (count == 0 || send(fake->client, fake->out.data, count, MSG_NOSIGNAL) < 0) {
        return false;
    }
    memmove(fake->out.data, fake->out.data + count, fake->out.len - count);
    fake->out.len -= count;
    return true;
}

static bool fake_turn(struct fake_haproxy *fake)
{
    char bytes[4096];
    if (fake->client < 0) {
        fake->client = fake->listener < 0 ? -1 : accept4(fake->listener, NULL, NULL, SOCK_NONBLOCK);
        if (fake->client >= 0 && fake->nonsense != NULL) {
            sl_buf_adds(&fake->out, fake->nonsense);
        }
        fake->connections += fake->client >= 0;
    }
    if (fake->client < 0) {
        return false;
    }
    ssize_t n = recv(fake->client, bytes, sizeof bytes, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        fake_hang_up(fake);
        return true;
    }
    sl_buf_add(&fake->in, bytes, n < 0 ? 0 : (size_t)n);
    for (char *end = NULL;
         fake->in.len > 0 && (end = memchr(fake->in.data, '\n', fake->in.len)) != NULL;) {
        *end = '\0';
        if (fake->nonsense == NULL) {
            fake_answer(fake, fake->in.data);
        }
        fake->in.len -= (size_t)(end + 1 - fake->in.data);
        memmove(fake->in.data, end + 1, fake->in.len);
    }
    return fake_send(fake) || n > 0;
}

#endif
