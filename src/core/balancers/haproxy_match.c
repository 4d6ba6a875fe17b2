/* Which server of a backend is which pod's (haproxy.h). By name where servers are added; of slots
 * by their address, since that is all that is left after a restart of this process, and by what the
 * pod had before, since that is all that is left after a restart of HAProxy. */
#include "core/balancers/haproxy_match.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/map.h"

const char *sl_haproxy_name(const struct sl_haproxy_side *side, const char *pod,
                            struct sl_arena *arena)
{
    return sl_arena_printf(arena, "%.*s:%.*s:%s", SL_STR_FMT(side->ns), SL_STR_FMT(side->policy),
                           pod);
}

static bool is_slot(const struct sl_haproxy_side *side, struct sl_str name)
{
    if (!sl_str_starts(name, side->server_template) || name.n == side->server_template.n) {
        return false;
    }
    for (size_t i = side->server_template.n; i < name.n; i++) {
        if (name.p[i] < '0' || name.p[i] > '9') {
            return false;
        }
    }
    return true;
}

/* Of the characters that HAProxy itself allows: nothing that could end a word or a command. */
static bool is_name(struct sl_str name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '\0' || strchr(allowed, name.p[i]) == NULL) {
            return false;
        }
    }
    return name.n > 0;
}

bool sl_haproxy_is_ours(const struct sl_haproxy_side *side, struct sl_str name)
{
    if (side->server_template.n > 0) {
        return is_slot(side, name);
    }
    struct sl_str ns = sl_str_cut(&name, ':');
    struct sl_str policy = sl_str_cut(&name, ':');
    return is_name(name) && sl_str_eq(ns, side->ns) && sl_str_eq(policy, side->policy);
}

/* An IPv6 address has many texts. */
static bool same_address(struct sl_str a, const char *b)
{
    if (sl_str_is(a, b)) {
        return true;
    }
    char text[INET6_ADDRSTRLEN] = "";
    struct in6_addr of_a = {0};
    struct in6_addr of_b = {0};
    if (a.n >= sizeof text) {
        return false;
    }
    memcpy(text, a.p, a.n);
    return inet_pton(AF_INET6, text, &of_a) == 1 && inet_pton(AF_INET6, b, &of_b) == 1 &&
           memcmp(&of_a, &of_b, sizeof of_a) == 0;
}

bool sl_haproxy_is_at(const struct sl_haproxy_server *server, const char *address, int64_t port)
{
    return server->port == port && address[0] != '\0' && same_address(server->address, address);
}

/* --- the passes: each gives servers that nobody has to wants that have none --- */

struct pass {
    const struct sl_haproxy_side *side;
    const struct sl_haproxy_view *view;
    struct sl_map *by_name; /* of servers that are ours */
    struct sl_arena *arena;
};

typedef bool fits(const struct pass *pass, const struct sl_haproxy_want *want,
                  const struct sl_haproxy_server *server);

static struct sl_haproxy_server *find_by_name(const struct pass *pass,
                                              const struct sl_haproxy_want *want)
{
    bool slots = pass->side->server_template.n > 0;
    const char *name =
        want->stray || slots ? want->place : sl_haproxy_name(pass->side, want->pod, pass->arena);
    return name == NULL ? NULL : sl_map_get(pass->by_name, sl_str_from(name));
}

static bool fits_at_work(const struct pass *pass, const struct sl_haproxy_want *want,
                         const struct sl_haproxy_server *server)
{
    return !want->stray && !sl_haproxy_in_maintenance(server) &&
           sl_haproxy_is_at(server, want->address, pass->side->port);
}

/* Its address may be somebody else's by now: a pod that leaves is not there, then. */
static bool fits_by_place(const struct pass *pass, const struct sl_haproxy_want *want,
                          const struct sl_haproxy_server *server)
{
    return (want->stray || want->weight == SL_WEIGHT_IN ||
            sl_haproxy_is_at(server, want->address, pass->side->port)) &&
           find_by_name(pass, want) == server;
}

static bool fits_resting(const struct pass *pass, const struct sl_haproxy_want *want,
                         const struct sl_haproxy_server *server)
{
    return !want->stray && sl_haproxy_is_at(server, want->address, pass->side->port);
}

static bool fits_free(const struct pass *pass, const struct sl_haproxy_want *want,
                      const struct sl_haproxy_server *server)
{
    (void)pass;
    return want->weight == SL_WEIGHT_IN && want->address[0] != '\0' &&
           sl_haproxy_in_maintenance(server) && server->sessions <= 0;
}

static void run_pass(const struct pass *pass, fits *fit, const struct sl_haproxy_want *wants,
                     size_t count, struct sl_haproxy_matched *matched)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < pass->view->count && matched->of[i] == NULL; at++) {
            const struct sl_haproxy_server *server = &pass->view->servers[at];
            if (!matched->taken[at] && sl_haproxy_is_ours(pass->side, server->name) &&
                fit(pass, &wants[i], server)) {
                matched->of[i] = server;
                matched->taken[at] = true;
            }
        }
    }
}

static void match_slots(const struct pass *pass, const struct sl_haproxy_want *wants, size_t count,
                        struct sl_haproxy_matched *matched)
{
    static fits *const passes[] = {fits_at_work, fits_by_place, fits_resting, fits_free};
    for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++) {
        run_pass(pass, passes[i], wants, count, matched);
    }
}

/* A pod that came again with the name of one that leaves has its server. */
static void match_names(const struct pass *pass, const struct sl_haproxy_want *wants, size_t count,
                        struct sl_haproxy_matched *matched)
{
    for (int leaving = 0; leaving < 2; leaving++) {
        for (size_t i = 0; i < count; i++) {
            if ((wants[i].weight == SL_WEIGHT_GONE) != (leaving == 1)) {
                continue;
            }
            const struct sl_haproxy_server *server = find_by_name(pass, &wants[i]);
            if (server != NULL && !matched->taken[server - pass->view->servers]) {
                matched->of[i] = server;
                matched->taken[server - pass->view->servers] = true;
            }
        }
    }
}

static void keep(void *server)
{
    (void)server; /* the view's */
}

void sl_haproxy_match(const struct sl_haproxy_side *side, const struct sl_haproxy_view *view,
                      const struct sl_haproxy_want *wants, size_t count, struct sl_arena *arena,
                      struct sl_haproxy_matched *ret_matched)
{
    struct pass pass = {.side = side, .view = view, .arena = arena, .by_name = sl_map_open(keep)};
    *ret_matched = (struct sl_haproxy_matched){
        .of = sl_arena_zalloc(arena, count + 1, sizeof(struct sl_haproxy_server *)),
        .taken = sl_arena_zalloc(arena, view->count + 1, sizeof(bool)),
    };
    for (size_t i = 0; i < view->count; i++) {
        struct sl_haproxy_server *server = &view->servers[i];
        if (sl_haproxy_is_ours(side, server->name) &&
            sl_map_get(pass.by_name, server->name) == NULL) {
            sl_map_add(pass.by_name, server->name, server);
            ret_matched->slots++;
        }
    }
    bool slots = side->server_template.n > 0;
    (slots ? match_slots : match_names)(&pass, wants, count, ret_matched);
    sl_map_close(pass.by_name);
}
