/* The haproxy row: a look at what HAProxy has, the commands that make it what is wanted, and a look
 * at what came of them (kind.h; the decisions are those of core/balancers/haproxy.h).
 *
 *     at rest → ask for the state → for sessions and checks → plan ─commands→ ask for the state → …
 *                                                                 └nothing to tell→ at rest
 *
 * A look is due at once when something else is wanted, ten times a second while something is on its
 * way, and once a second otherwise: that is how soon a HAProxy that was restarted, or a server that
 * somebody else changed, is put right. Each look is a connection of its own. */
#include <stdlib.h>
#include <string.h>

#include "kube/backoff.h"
#include "run/balancers/haproxy_look.h"

#define LOOK_SOON (100 * SL_NS_PER_MS)
#define LOOK_LATER (1 * SL_NS_PER_S)
#define HURRY (30 * SL_NS_PER_S) /* how long after the last change looks are SOON */
#define OLD_PROCESS                                                                                \
    (60 * SL_NS_PER_S)   /* how long one that was replaced may go on with sessions                 \
                          */
#define STEPS_MAX 5      /* times that commands are told in one look */
#define QUIET_FAILURES 2 /* before it is said not to answer */

static bool is_haproxy(const struct sl_load_balancer *spec)
{
    return spec->has_haproxy;
}

/* Its port may change: the servers get another address, then. */
static void add_key(const struct sl_load_balancer *spec, struct sl_buf *out)
{
    sl_buf_addf(out, "%.*s %.*s %.*s", SL_STR_FMT(spec->haproxy.address),
                SL_STR_FMT(spec->haproxy.backend), SL_STR_FMT(spec->haproxy.server_template));
}

static void watch(void *balancer, int fd, uint32_t events)
{
    sl_balancer_watch(balancer, fd, events);
}

static void open_haproxy(struct sl_balancer *balancer)
{
    struct sl_haproxy_look *look = calloc(1, sizeof *look);
    if (look == NULL) {
        abort();
    }
    look->api = sl_runtime_api_open(watch, balancer);
    balancer->own = look;
}

static void close_haproxy(struct sl_balancer *balancer)
{
    struct sl_haproxy_look *look = balancer->own;
    sl_runtime_api_close(look->api);
    sl_arena_cleanup(&look->arena);
    free(look->process);
    free(look);
}

static void wanted(struct sl_balancer *balancer, int64_t now)
{
    struct sl_haproxy_look *look = balancer->own;
    look->wanted = true;
    look->hurried = now;
    if (look->failures == 0) {
        look->again = now;
    }
}

static int64_t due(const struct sl_balancer *balancer)
{
    const struct sl_haproxy_look *look = balancer->own;
    return look->phase == SL_HAPROXY_AT_REST ? look->again : sl_runtime_api_due(look->api);
}

/* --- asking --- */

static const char *about(struct sl_balancer *balancer, const char *question)
{
    struct sl_haproxy_look *look = balancer->own;
    return sl_arena_printf(&look->arena, "%s %.*s", question,
                           SL_STR_FMT(balancer->spec.haproxy.backend));
}

static void ask(struct sl_balancer *balancer, const char *const *commands, size_t count,
                enum sl_haproxy_phase phase, int64_t now)
{
    struct sl_haproxy_look *look = balancer->own;
    sl_runtime_api_ask(look->api, balancer->spec.haproxy.address, commands, count, now);
    look->phase = phase;
}

static void begin(struct sl_balancer *balancer, int64_t now)
{
    struct sl_haproxy_look *look = balancer->own;
    sl_arena_reset(&look->arena);
    look->step = 0;
    look->told = 0;
    look->wanted = look->restarted = false;
    const char *const questions[] = {"show info", about(balancer, "show servers state")};
    ask(balancer, questions, 2, SL_HAPROXY_ASKED_STATE, now);
}

static void tell(struct sl_balancer *balancer, const struct sl_haproxy_round *round, int64_t now)
{
    struct sl_haproxy_look *look = balancer->own;
    size_t count = round->plan.command_count;
    const char **commands = sl_arena_zalloc(&look->arena, count + 2, sizeof(char *));
    look->told_of = sl_arena_zalloc(&look->arena, count, sizeof(struct sl_balancer_member *));
    look->replies = sl_arena_zalloc(&look->arena, count, sizeof(struct sl_str));
    for (size_t i = 0; i < count; i++) {
        commands[i] = round->plan.commands[i].text;
        look->told_of[i] = round->members[round->plan.commands[i].want];
    }
    commands[count] = "show info";
    commands[count + 1] = about(balancer, "show servers state");
    look->told = count;
    look->step++;
    ask(balancer, commands, count + 2, SL_HAPROXY_ASKED_STATE, now);
}

/* --- the end of a look --- */

static void rest(struct sl_balancer *balancer, int64_t again)
{
    struct sl_haproxy_look *look = balancer->own;
    sl_runtime_api_hang_up(look->api);
    look->phase = SL_HAPROXY_AT_REST;
    look->again = again;
}

static void fail(struct sl_balancer *balancer, const char *why, int64_t now, int64_t wall)
{
    struct sl_haproxy_look *look = balancer->own;
    look->failures++;
    rest(balancer, now + sl_backoff(look->failures, LOOK_SOON, LOOK_LATER, balancer->random));
    balancer->idle = false;
    if (look->failures >= QUIET_FAILURES) {
        sl_balancer_answers(balancer, why, wall);
    }
    sl_balancer_forget_all(balancer, now, wall);
}

/* --- planning --- */

static void end_look(struct sl_balancer *balancer, const struct sl_haproxy_round *round,
                     int64_t now, int64_t wall)
{
    struct sl_haproxy_look *look = balancer->own;
    bool done = sl_haproxy_report(balancer, round, now, wall);
    look->failures = 0;
    balancer->idle = done && !look->wanted && balancer->complete;
    bool soon = !done && now - look->hurried < HURRY;
    rest(balancer, look->wanted ? now : now + (soon ? LOOK_SOON : LOOK_LATER));
}

static void plan(struct sl_balancer *balancer, int64_t now, int64_t wall)
{
    struct sl_haproxy_look *look = balancer->own;
    struct sl_haproxy_round round = {0};
    sl_haproxy_plan_round(balancer, now, &round);
    if (look->step == 0) { /* what differs later is what HAProxy did with the commands */
        sl_haproxy_tell_corrections(balancer, &round);
    }
    if (round.plan.command_count > 0 && look->step < STEPS_MAX) {
        tell(balancer, &round, now);
    } else {
        end_look(balancer, &round, now, wall);
    }
}

/* --- taking answers --- */

static void take_replies(struct sl_haproxy_look *look)
{
    for (size_t i = 0; i < look->told; i++) {
        struct sl_str reply = sl_runtime_api_answer(look->api, i);
        look->replies[i] = sl_arena_str(&look->arena, sl_str_cut(&reply, '\n'));
    }
}

static void take_process(struct sl_balancer *balancer, int64_t now)
{
    struct sl_haproxy_look *look = balancer->own;
    struct sl_str answer = sl_runtime_api_answer(look->api, look->told);
    const char *process = sl_haproxy_read_process(answer, &look->arena);
    if (process[0] == '\0' || (look->process != NULL && strcmp(process, look->process) == 0)) {
        return;
    }
    if (look->process != NULL) {
        look->restarted = true;
        look->old_process = now + OLD_PROCESS;
    }
    free(look->process);
    look->process = strdup(process);
}

/* A copy: the buffer of the answers is used again. */
static struct sl_str answer_copy(struct sl_haproxy_look *look, size_t index)
{
    return sl_arena_str(&look->arena, sl_runtime_api_answer(look->api, index));
}

/* --- others that have the same servers --- */

/* Of one that leaves: whoever stays has its servers, and does with them what is wanted. */
static void leave_all(struct sl_balancer *balancer, int64_t now)
{
    while (balancer->count > 0) {
        sl_balancer_drop(balancer, balancer->members[balancer->count - 1]);
    }
    balancer->idle = true;
    rest(balancer, now + LOOK_LATER);
}

/* 0: it has its servers to itself; 1: there is nothing to do now. Errors: CONFLICT. */
static int yield(struct sl_balancer *balancer, int64_t now, struct sl_err *err)
{
    const struct sl_balancer *other = NULL;
    enum sl_haproxy_share share = sl_haproxy_share_of(balancer, &other);
    if (share == SL_HAPROXY_ALONE) {
        return 0;
    }
    if (share == SL_HAPROXY_NOT_KNOWN_YET) {
        rest(balancer, now + LOOK_SOON);
        return 1;
    }
    if (balancer->index == SL_BALANCER_LEAVING) {
        leave_all(balancer, now);
        return 1;
    }
    return sl_err_set(err, SL_ERR_CONFLICT,
                      "the servers of the template \"%.*s\" in backend \"%.*s\" are those of "
                      "TrafficPolicy %s/%s already: give each policy a template of its own",
                      SL_STR_FMT(balancer->spec.haproxy.server_template),
                      SL_STR_FMT(balancer->spec.haproxy.backend), other->ns, other->policy);
}

static int take_state(struct sl_balancer *balancer, int64_t now, int64_t wall, struct sl_err *err)
{
    struct sl_haproxy_look *look = balancer->own;
    take_replies(look);
    take_process(balancer, now);
    int yields = yield(balancer, now, err);
    if (yields != 0) {
        return yields < 0 ? -1 : 0;
    }
    if (sl_haproxy_read_state(answer_copy(look, look->told + 1), balancer->spec.haproxy.backend,
                              &look->arena, &look->view, err) != 0) {
        return -1;
    }
    if (look->view.backend_id == 0) {
        plan(balancer, now, wall); /* it has no server, of which anything could be told */
        return 0;
    }
    const char *const question[] = {
        sl_arena_printf(&look->arena, "show stat %lld 4 -1", (long long)look->view.backend_id)};
    ask(balancer, question, 1, SL_HAPROXY_ASKED_SESSIONS, now);
    return 0;
}

static int take_sessions(struct sl_balancer *balancer, int64_t now, int64_t wall,
                         struct sl_err *err)
{
    struct sl_haproxy_look *look = balancer->own;
    if (sl_haproxy_read_stat(answer_copy(look, 0), &look->arena, &look->view, err) != 0) {
        return -1;
    }
    plan(balancer, now, wall);
    return 0;
}

static void turn(struct sl_balancer *balancer, int64_t now, int64_t wall)
{
    struct sl_haproxy_look *look = balancer->own;
    if (look->phase == SL_HAPROXY_AT_REST && now >= look->again) {
        begin(balancer, now);
    }
    while (look->phase != SL_HAPROXY_AT_REST) {
        struct sl_err err = SL_ERR_INIT;
        enum sl_runtime_api_state state = sl_runtime_api_turn(look->api, now, &err);
        if (state == SL_RUNTIME_API_WAITS) {
            return;
        }
        int taken = state == SL_RUNTIME_API_FAILED ? -1
                    : look->phase == SL_HAPROXY_ASKED_STATE
                        ? take_state(balancer, now, wall, &err)
                        : take_sessions(balancer, now, wall, &err);
        if (taken != 0) {
            fail(balancer, err.msg, now, wall);
        }
    }
}

const struct sl_balancer_kind sl_balancer_haproxy = {
    .name = "haproxy",
    .is = is_haproxy,
    .key = add_key,
    .open = open_haproxy,
    .close = close_haproxy,
    .wanted = wanted,
    .turn = turn,
    .due = due,
};
