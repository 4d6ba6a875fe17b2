/* What HAProxy is to be told (haproxy.h): of each member, what it is and what is wanted, and the
 * commands that lie in between. Every step is told by what is seen, so that a step that was lost is
 * told again, and one that somebody else took is not. */
#include "core/balancers/haproxy.h"

#include <stdio.h>
#include <string.h>

#include "core/balancers/haproxy_match.h"

#define CHECKS_CONFIGURED 0x2
#define CHECKS_ENABLED 0x4
#define COMMANDS_MAX 4 /* of one member at a time */

struct member {
    const struct sl_haproxy_side *side;
    const struct sl_haproxy_want *want;
    const struct sl_haproxy_server *server;
    struct sl_haproxy_finding *finding;
    struct sl_haproxy_plan *plan;
    struct sl_arena *arena;
    size_t index;
};

/* --- commands --- */

static void tell(const struct member *member, const char *before, const char *after)
{
    struct sl_haproxy_plan *plan = member->plan;
    plan->commands[plan->command_count++] = (struct sl_haproxy_command){
        .text = sl_arena_printf(member->arena, "%s %.*s/%s%s", before,
                                SL_STR_FMT(member->side->backend), member->finding->place, after),
        .want = member->index,
    };
}

/* A dynamic server inherits nothing of default-server: what it has is said here. Its checks are of
 * the kind that the backend has (option httpchk), and have to be started; the first comes after a
 * fastinter, since a pod waits for it. */
static void add(struct member *member)
{
    const struct sl_haproxy_want *want = member->want;
    bool ipv6 = strchr(want->address, ':') != NULL;
    const char *options = sl_arena_printf(member->arena,
                                          " %s%s%s:%lld check inter 1s "
                                          "fastinter 200ms weight %d",
                                          ipv6 ? "[" : "", want->address, ipv6 ? "]" : "",
                                          (long long)member->side->port, want->weight);
    tell(member, "add server", options);
    tell(member, "enable health", "");
    tell(member, "set server", " state ready");
}

/* --- what is seen --- */

/* Nothing new is balanced to it, though clients that stick to it may come. */
static bool is_drained(const struct sl_haproxy_server *server)
{
    return (server->admin & (SL_HAPROXY_DRAIN | SL_HAPROXY_MAINT)) != 0;
}

static bool serves(const struct sl_haproxy_server *server)
{
    bool up = server->operational == 1 || server->operational == 2; /* 1: its weight still grows */
    return up && !is_drained(server) && server->weight > 0;
}

/* HAProxy has a server up until its first check says otherwise: whatever came with a new version
 * would join, and the next pod leave. */
static bool is_unchecked(const struct sl_haproxy_server *server)
{
    return (server->checks & CHECKS_ENABLED) != 0 &&
           (sl_str_starts(server->check, SL_STR("INI")) ||
            sl_str_starts(server->check, SL_STR("* INI")));
}

static const char *admin_name(const struct sl_haproxy_server *server)
{
    return sl_haproxy_in_maintenance(server)         ? "state maint"
           : (server->admin & SL_HAPROXY_DRAIN) != 0 ? "state drain"
                                                     : "state ready";
}

/* --- what is wanted: IN --- */

/* A static algorithm (balance source, static-rr) takes percentages of what is configured alone. */
static const char *weight_of(const struct member *member)
{
    bool configured = member->server->initial_weight == member->want->weight;
    return configured ? " weight 100%"
                      : sl_arena_printf(member->arena, " weight %d", member->want->weight);
}

static const char *why_out(const struct member *member)
{
    const struct sl_haproxy_server *server = member->server;
    if ((server->admin & (SL_HAPROXY_MAINT | SL_HAPROXY_DRAIN) & ~SL_HAPROXY_OURS) != 0) {
        return "HAProxy itself keeps its server in maintenance: it tracks another server, or waits "
               "for a name to resolve";
    }
    if (server->check.n == 0) {
        return "HAProxy says that its server is down";
    }
    return sl_arena_printf(member->arena, "HAProxy's checks of it fail: %.*s",
                           SL_STR_FMT(server->check));
}

static void plan_present(struct member *member)
{
    const struct sl_haproxy_server *server = member->server;
    const struct sl_haproxy_want *want = member->want;
    struct sl_haproxy_finding *finding = member->finding;
    size_t before = member->plan->command_count;
    if ((server->admin & SL_HAPROXY_OURS) != 0) {
        finding->differs = admin_name(server);
    }
    if (server->weight != want->weight) {
        finding->differs = sl_arena_printf(member->arena, "weight %lld", (long long)server->weight);
        tell(member, "set server", weight_of(member));
    }
    if (!sl_haproxy_is_at(server, want->address, member->side->port)) {
        finding->differs = sl_arena_printf(member->arena, "address %.*s port %lld",
                                           SL_STR_FMT(server->address), (long long)server->port);
        tell(member, "set server",
             sl_arena_printf(member->arena, " addr %s port %lld", want->address,
                             (long long)member->side->port));
        finding->state = SL_MEMBER_ABSENT; /* whatever is there, it is not this pod */
        finding->sessions = -1;
    }
    if (member->side->server_template.n == 0 &&
        (server->checks & (CHECKS_CONFIGURED | CHECKS_ENABLED)) == CHECKS_CONFIGURED) {
        tell(member, "enable health", "");
    }
    if ((server->admin & SL_HAPROXY_OURS) != 0) { /* last: it serves from here on */
        tell(member, "set server", " state ready");
    }
    bool told = member->plan->command_count > before;
    finding->done = !told && serves(server) && !is_unchecked(server);
    if (!told && !serves(server)) {
        finding->trouble = why_out(member);
    } else if (!told && !finding->done) {
        finding->state = SL_MEMBER_UNKNOWN;
        finding->trouble = "HAProxy has not checked it yet";
    }
}

static const char *no_slot(const struct member *member, size_t slots)
{
    const struct sl_haproxy_side *side = member->side;
    if (slots == 0) {
        return sl_arena_printf(
            member->arena,
            "backend \"%.*s\" has no server \"%.*s1\": give it \"server-template "
            "%.*s COUNT …\" in HAProxy's configuration",
            SL_STR_FMT(side->backend), SL_STR_FMT(side->server_template),
            SL_STR_FMT(side->server_template));
    }
    return sl_arena_printf(
        member->arena,
        "all %zu servers of the template \"%.*s\" in backend \"%.*s\" are taken: "
        "raise its count in HAProxy's configuration",
        slots, SL_STR_FMT(side->server_template), SL_STR_FMT(side->backend));
}

static void plan_in(struct member *member, size_t slots)
{
    if (member->server != NULL) {
        plan_present(member);
    } else if (member->side->server_template.n > 0) {
        member->finding->trouble = no_slot(member, slots);
        member->plan->trouble = member->finding->trouble;
    } else {
        member->finding->place = sl_haproxy_name(member->side, member->want->pod, member->arena);
        member->finding->differs = "no server";
        add(member);
    }
}

/* --- what is wanted: OUT, or GONE --- */

static void plan_resting(struct member *member)
{
    bool unused = member->server->sessions == 0;
    if (member->want->weight != SL_WEIGHT_GONE) {
        member->finding->done = unused;
    } else if (member->side->server_template.n > 0) {
        member->finding->done = unused || member->want->lingered;
    } else if (unused || member->want->lingered) {
        tell(member, "del server", ""); /* refused while anything is connected: told again */
    }
}

static void plan_out(struct member *member)
{
    const struct sl_haproxy_server *server = member->server;
    if (server == NULL) {
        member->finding->done = true;
    } else if (sl_haproxy_in_maintenance(server)) {
        plan_resting(member);
    } else if (!is_drained(server) && !member->want->lingered) {
        member->finding->differs = admin_name(server);
        tell(member, "set server", " weight 0%");
        tell(member, "set server", " state drain");
    } else {
        if (server->sessions == 0 || member->want->lingered) {
            tell(member, "set server", " state maint");
        }
        /* Who sticks to it may come still: it is not known yet to have ended. */
        member->finding->sessions = server->sessions > 0 ? server->sessions : -1;
    }
}

/* --- all of them --- */

static void find(struct member *member)
{
    struct sl_haproxy_finding *finding = member->finding;
    const struct sl_haproxy_server *server = member->server;
    *finding = (struct sl_haproxy_finding){
        .state = SL_MEMBER_ABSENT,
        .sessions = server == NULL ? 0 : server->sessions,
        .trouble = "",
    };
    if (server != NULL) {
        finding->place = sl_arena_cstr(member->arena, server->name);
        finding->state = serves(server) ? SL_MEMBER_IN : SL_MEMBER_OUT;
    }
}

static void find_strays(const struct sl_haproxy_side *side, const struct sl_haproxy_view *view,
                        const struct sl_haproxy_matched *matched, struct sl_arena *arena,
                        struct sl_haproxy_plan *plan)
{
    plan->strays = sl_arena_zalloc(arena, view->count + 1, sizeof(char *));
    for (size_t i = 0; side->complete && i < view->count; i++) {
        const struct sl_haproxy_server *server = &view->servers[i];
        bool is_free = side->server_template.n > 0 && sl_haproxy_in_maintenance(server);
        if (!matched->taken[i] && !is_free && sl_haproxy_is_ours(side, server->name)) {
            plan->strays[plan->stray_count++] = sl_arena_cstr(arena, server->name);
        }
    }
}

void sl_haproxy_plan(const struct sl_haproxy_side *side, const struct sl_haproxy_view *view,
                     const struct sl_haproxy_want *wants, size_t count, struct sl_arena *arena,
                     struct sl_haproxy_plan *ret_plan)
{
    struct sl_haproxy_plan plan = {
        .findings = sl_arena_zalloc(arena, count + 1, sizeof(struct sl_haproxy_finding)),
        .commands =
            sl_arena_zalloc(arena, count * COMMANDS_MAX + 1, sizeof(struct sl_haproxy_command)),
        .trouble = "",
    };
    struct sl_haproxy_matched matched = {0};
    sl_haproxy_match(side, view, wants, count, arena, &matched);
    for (size_t i = 0; i < count; i++) {
        struct member member = {
            .side = side,
            .want = &wants[i],
            .server = matched.of[i],
            .finding = &plan.findings[i],
            .plan = &plan,
            .arena = arena,
            .index = i,
        };
        find(&member);
        if (wants[i].weight == SL_WEIGHT_IN && wants[i].address[0] != '\0') {
            plan_in(&member, matched.slots);
        } else {
            plan_out(&member);
        }
    }
    find_strays(side, view, &matched, arena, &plan);
    *ret_plan = plan;
}
