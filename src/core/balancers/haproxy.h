/* HAProxy's Runtime API as text: what it answered → what it has, and what it is to be told.
 *
 *     "show servers state", "show stat" → struct sl_haproxy_view ─sl_haproxy_plan()→ commands
 *
 * A pod is a server of one backend. Without a template its server is added and deleted, and its
 * name says whose it is: NAMESPACE:POLICY:POD (no name in Kubernetes has a colon). With the
 * template "web" the servers web1, web2, … of the configuration are slots: one that is in
 * maintenance is free, one that is not belongs to the pod at its address. No other server of the
 * backend is touched.
 *
 * A server that is to go is drained first: weight 0 and state drain, so that nothing new is
 * balanced to it. Clients that stick to it (cookie, stick table) still come. When it is seen
 * without a session it is put into maintenance, which sends these elsewhere, too, and cuts nothing:
 * only then "no sessions" can be relied on. A server is deleted in maintenance and without
 * sessions.
 *
 * Source: HAProxy 2.6 management guide, 9.3 (Unix Socket commands), 9.1 (CSV format), and
 * what 2.6.12 does. Pure functions; everything lives in the arena or in the answers.
 */
#ifndef SL_CORE_BALANCERS_HAPROXY_H
#define SL_CORE_BALANCERS_HAPROXY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/traffic/lifecycle.h"

#define SL_HAPROXY_SERVERS_MAX 100000 /* of one backend */

struct sl_haproxy_server {
    struct sl_str name, address;
    int64_t port, weight, initial_weight;
    int64_t operational; /* srv_op_state: 0 is down */
    int64_t admin;       /* srv_admin_state, bits */
    int64_t checks;      /* srv_check_state, bits */
    int64_t sessions;    /* scur + qcur; -1: not told */
    struct sl_str check; /* what its last check said: "L4CON Connection refused"; absent */
};

struct sl_haproxy_view {
    int64_t backend_id; /* for "show stat", where a frontend may have the same name; 0: no server */
    struct sl_haproxy_server *servers;
    size_t count;
};

/* The answer to "show servers state BACKEND". Errors: NOT_FOUND (no such backend), INVALID (that is
 * no such answer). */
SL_MUST_USE int sl_haproxy_read_state(struct sl_str answer, struct sl_str backend,
                                      struct sl_arena *arena, struct sl_haproxy_view *ret_view,
                                      struct sl_err *err);
/* The answer to "show stat ID 4 -1": sessions and checks, into the view. Errors: INVALID. */
SL_MUST_USE int sl_haproxy_read_stat(struct sl_str answer, struct sl_arena *arena,
                                     struct sl_haproxy_view *view, struct sl_err *err);
/* The answer to "show info" → what tells one process from another, that of a reload too; ""
 * where it does not say. */
const char *sl_haproxy_read_process(struct sl_str answer, struct sl_arena *arena);

struct sl_haproxy_side { /* of the policy */
    struct sl_str ns, policy, backend, server_template;
    int64_t port;
    bool complete; /* who is not wanted is not to be there */
};

struct sl_haproxy_want {
    const char *pod;
    const char *address; /* "": none */
    const char *place;   /* the server that it had at last, NULL */
    int weight;          /* SL_WEIGHT_… */
    bool stray;          /* of no pod: the server at its place is to go */
    bool lingered;       /* to be GONE, and its sessions are waited for no longer */
};

struct sl_haproxy_finding { /* of one want */
    const char *place;      /* its server; NULL none */
    enum sl_member_state state;
    int64_t sessions;
    const char *trouble; /* why it is not as wanted, and no command can help; "" */
    const char *differs; /* what commands put right: "weight 50"; NULL: nothing */
    bool done;           /* as wanted; of one to be GONE: it is */
};

struct sl_haproxy_command {
    const char *text; /* one line, without its end */
    size_t want;      /* whose */
};

struct sl_haproxy_plan {
    struct sl_haproxy_finding *findings; /* one for each want */
    struct sl_haproxy_command *commands;
    size_t command_count;
    const char **strays; /* servers that are ours and nobody wants, when complete */
    size_t stray_count;
    const char *trouble; /* of the whole: the slots do not suffice; "" */
};

void sl_haproxy_plan(const struct sl_haproxy_side *side, const struct sl_haproxy_view *view,
                     const struct sl_haproxy_want *wants, size_t count, struct sl_arena *arena,
                     struct sl_haproxy_plan *ret_plan);

#endif
