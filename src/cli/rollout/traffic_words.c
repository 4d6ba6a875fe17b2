/* Words for pods and policies (traffic_words.h). */
#include "cli/rollout/traffic_words.h"

#include <string.h>

#include "codec/jscan.h"
#include "core/traffic/policy_status.h"

/* --- a pod --- */

const char *sl_traffic_state_word(enum sl_traffic_state state)
{
    return state == SL_TRAFFIC_NONE ? "New" : sl_traffic_state_names[state];
}

enum sl_style sl_traffic_state_style(enum sl_traffic_state state)
{
    static const enum sl_style styles[SL_TRAFFIC_STATES] = {
        [SL_TRAFFIC_NONE] = SL_DIM,         [SL_TRAFFIC_JOINING] = SL_BOLD,
        [SL_TRAFFIC_IN_SERVICE] = SL_GREEN, [SL_TRAFFIC_DRAINING] = SL_YELLOW,
        [SL_TRAFFIC_DRAINED] = SL_YELLOW,   [SL_TRAFFIC_UPGRADING] = SL_YELLOW,
    };
    return styles[state];
}

const char *sl_traffic_age(int64_t now, int64_t then, struct sl_arena *arena)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
    if (then == 0) {
        return "";
    }
    sl_text_age(&text, now - then);
    return sl_arena_cstr(arena, sl_buf_str(&text));
}

void sl_traffic_drain_read(const struct sl_pod_record *pod,
                           const struct sl_traffic_policy_record *policy, struct sl_arena *arena,
                           struct sl_traffic_drain *ret_drain)
{
    struct sl_drain_mark mark;
    struct sl_traffic_drain drain = {.op = "", .deadline = INT64_MAX};
    sl_drain_read(pod, arena, &mark);
    if (mark.op != SL_DRAIN_NONE) {
        drain.op = sl_drain_op_names[mark.op];
        drain.id = mark.id;
        drain.since = mark.since;
        drain.deadline = mark.deadline == 0 ? INT64_MAX : mark.deadline;
    }
    if (pod->record.deleted > 0) {
        int64_t asked = pod->delete_asked;
        drain.op = sl_drain_op_names[SL_DRAIN_DELETE];
        drain.since = drain.since == 0 ? asked : drain.since;
        if (policy != NULL && policy->problem[0] == '\0') {
            int64_t deadline = asked + policy->policy.drain.timeout * SL_NS_PER_S;
            drain.deadline = deadline < drain.deadline ? deadline : drain.deadline;
        }
    }
    *ret_drain = drain;
}

const char *sl_traffic_deadline(const struct sl_traffic_drain *drain, int64_t now,
                                struct sl_arena *arena)
{
    if (drain->deadline == INT64_MAX) {
        return "";
    }
    return now <= drain->deadline
               ? sl_arena_printf(arena, "in %s", sl_traffic_age(drain->deadline, now, arena))
               : sl_arena_printf(arena, "%s ago", sl_traffic_age(now, drain->deadline, arena));
}

static bool has_finalizer(const struct sl_pod_record *pod, struct sl_str balancer)
{
    for (const char *at = pod->balancers; at[0] != '\0'; at += strlen(at) + 1) {
        if (sl_str_is(balancer, at)) {
            return true;
        }
    }
    return false;
}

const char *sl_traffic_balancers(const struct sl_pod_record *pod, struct sl_arena *arena)
{
    const char *text = "";
    for (const char *at = pod->balancers; at[0] != '\0'; at += strlen(at) + 1) {
        text = sl_arena_printf(arena, "%s%s%s", text, text[0] == '\0' ? "" : ",", at);
    }
    return text;
}

const char *sl_traffic_balancers_of(const struct sl_pod_record *pod,
                                    const struct sl_traffic_policy_record *policy,
                                    struct sl_arena *arena)
{
    const char *text = "";
    if (policy == NULL || policy->problem[0] != '\0') {
        text = sl_traffic_balancers(pod, arena);
        return text[0] == '\0' ? "none" : text;
    }
    const struct sl_load_balancer *balancers = policy->policy.load_balancers.items;
    for (size_t i = 0; i < policy->policy.load_balancers.count; i++) {
        text = sl_arena_printf(arena, "%s%s%.*s (finalizer %s)", text, i == 0 ? "" : ", ",
                               SL_STR_FMT(balancers[i].name),
                               has_finalizer(pod, balancers[i].name) ? "on" : "off");
    }
    return text[0] == '\0' ? "none" : text;
}

/* --- what it waits for --- */

static const char *to_join(const struct sl_pod_record *pod,
                           const struct sl_traffic_policy_record *policy, struct sl_arena *arena)
{
    const struct sl_load_balancer *balancers = policy->policy.load_balancers.items;
    const char *names = "";
    if (!pod->containers_ready) {
        return "its containers to be ready";
    }
    for (size_t i = 0; i < policy->policy.load_balancers.count; i++) {
        if (!balancers[i].has_external) {
            names = sl_arena_printf(arena, "%s%s%.*s", names, names[0] == '\0' ? "" : ", ",
                                    SL_STR_FMT(balancers[i].name));
        }
    }
    return names[0] == '\0' ? "the reconciler to set its gate"
                            : sl_arena_printf(arena, "%s to have it at weight 100", names);
}

static const char *to_leave(const struct sl_pod_record *pod, struct sl_arena *arena)
{
    const char *names = sl_traffic_balancers(pod, arena);
    return names[0] == '\0' ? "whoever sends it requests to have seen that it is not ready"
                            : sl_arena_printf(arena, "%s to let go of it", names);
}

static const char *when_drained(const struct sl_pod_record *pod,
                                const struct sl_traffic_drain *drain, struct sl_arena *arena)
{
    if (pod->record.deleted > 0) {
        return "its containers to stop";
    }
    if (drain->op[0] == '\0') {
        return "the reconciler to have it return";
    }
    if (strcmp(drain->op, sl_drain_op_names[SL_DRAIN_UPGRADE]) == 0) {
        return sl_arena_printf(arena, "run %.*s to upgrade it", SL_STR_FMT(drain->id));
    }
    if (strcmp(drain->op, sl_drain_op_names[SL_DRAIN_EVICT]) == 0) {
        return "the eviction to be asked for again";
    }
    return "whoever had it drained to go on";
}

const char *sl_traffic_waits(const struct sl_pod_record *pod,
                             const struct sl_traffic_policy_record *policy,
                             const struct sl_traffic_drain *drain, struct sl_arena *arena)
{
    if (policy->problem[0] != '\0') {
        return "its TrafficPolicy to be put right";
    }
    switch (sl_traffic_state_of(pod)) {
    case SL_TRAFFIC_NONE:
    case SL_TRAFFIC_JOINING:
        return to_join(pod, policy, arena);
    case SL_TRAFFIC_IN_SERVICE:
        return drain->op[0] == '\0' ? "nothing" : "its drain to begin";
    case SL_TRAFFIC_DRAINING:
        return to_leave(pod, arena);
    case SL_TRAFFIC_DRAINED:
        return when_drained(pod, drain, arena);
    case SL_TRAFFIC_UPGRADING:
        return "its containers to run as they were changed";
    case SL_TRAFFIC_STATES:
        break;
    }
    return "";
}

/* --- a policy's status --- */

struct status_view {
    struct sl_jval pods, joining, in_service, draining, drained, upgrading, balancers, conditions;
};

#define AT(field) .at = offsetof(struct status_view, field)

static const struct sl_jrow status_rows[] = {
    {.key = "pods", AT(pods)},
    {.key = "joining", AT(joining)},
    {.key = "inService", AT(in_service)},
    {.key = "draining", AT(draining)},
    {.key = "drained", AT(drained)},
    {.key = "upgrading", AT(upgrading)},
    {.key = "loadBalancers", AT(balancers)},
    {.key = "conditions", AT(conditions)},
    {0},
};

static int64_t read_count(struct sl_jval value)
{
    int64_t count = 0;
    return sl_jval_int(value, &count) ? count : 0;
}

static const char *read_text(struct sl_jval object, struct sl_str key, struct sl_arena *arena)
{
    struct sl_str text = sl_jval_str(sl_jval_get(object, key), arena);
    return text.n == 0 ? "" : sl_arena_cstr(arena, text);
}

static void read_balancers(struct sl_jval balancers, struct sl_arena *arena,
                           struct sl_traffic_status *status)
{
    const size_t max = sizeof status->balancers / sizeof status->balancers[0];
    struct sl_jiter it = sl_jiter(balancers);
    struct sl_jval item;
    while (!it.object && status->balancer_count < max && sl_jiter_next(&it, NULL, &item)) {
        struct sl_jval members = sl_jval_get(item, SL_STR("members"));
        status->balancers[status->balancer_count++] = (struct sl_traffic_status_balancer){
            .name = read_text(item, SL_STR("name"), arena),
            .message = read_text(item, SL_STR("message"), arena),
            .healthy = sl_jval_true(sl_jval_get(item, SL_STR("healthy"))),
            .members =
                {
                    [SL_MEMBER_UNKNOWN] = read_count(sl_jval_get(members, SL_STR("unknown"))),
                    [SL_MEMBER_ABSENT] = read_count(sl_jval_get(members, SL_STR("absent"))),
                    [SL_MEMBER_OUT] = read_count(sl_jval_get(members, SL_STR("out"))),
                    [SL_MEMBER_IN] = read_count(sl_jval_get(members, SL_STR("in"))),
                },
        };
    }
}

void sl_traffic_status_read(struct sl_str stored, struct sl_arena *arena,
                            struct sl_traffic_status *ret_status)
{
    struct status_view view = {0};
    struct sl_traffic_status status = {.ready = "Unknown", .message = ""};
    struct sl_jval item;
    if (stored.p == NULL || sl_jscan(stored, status_rows, &view, NULL, NULL) < 0) {
        *ret_status = status;
        return;
    }
    status.known = view.pods.type == SL_J_NUMBER;
    status.pods = read_count(view.pods);
    status.states[SL_TRAFFIC_JOINING] = read_count(view.joining);
    status.states[SL_TRAFFIC_IN_SERVICE] = read_count(view.in_service);
    status.states[SL_TRAFFIC_DRAINING] = read_count(view.draining);
    status.states[SL_TRAFFIC_DRAINED] = read_count(view.drained);
    status.states[SL_TRAFFIC_UPGRADING] = read_count(view.upgrading);
    read_balancers(view.balancers, arena, &status);
    struct sl_jiter it = sl_jiter(view.conditions);
    while (!it.object && sl_jiter_next(&it, NULL, &item)) {
        if (sl_jval_is(sl_jval_get(item, SL_STR("type")), SL_STR(SL_CONDITION_READY))) {
            status.ready = read_text(item, SL_STR("status"), arena);
            status.message = read_text(item, SL_STR("message"), arena);
        }
    }
    *ret_status = status;
}

static int64_t members_of(const struct sl_traffic_status_balancer *balancer)
{
    int64_t sum = 0;
    for (size_t i = 0; i < SL_MEMBER_STATES; i++) {
        sum += balancer->members[i];
    }
    return sum;
}

const char *sl_traffic_balancers_word(const struct sl_traffic_status *status,
                                      struct sl_arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < status->balancer_count; i++) {
        const struct sl_traffic_status_balancer *balancer = &status->balancers[i];
        int64_t members = members_of(balancer);
        text = sl_arena_printf(arena, "%s%s%s", text, i == 0 ? "" : ",", balancer->name);
        if (!balancer->healthy) {
            text = sl_arena_printf(arena, "%s down", text);
        } else if (members > 0) {
            text = sl_arena_printf(arena, "%s %lld/%lld", text,
                                   (long long)balancer->members[SL_MEMBER_IN], (long long)members);
        }
    }
    return text;
}

const char *sl_traffic_balancer_text(const struct sl_traffic_status_balancer *balancer,
                                     struct sl_arena *arena)
{
    static const char *const words[SL_MEMBER_STATES] = {
        [SL_MEMBER_IN] = "in",
        [SL_MEMBER_OUT] = "out",
        [SL_MEMBER_ABSENT] = "absent",
        [SL_MEMBER_UNKNOWN] = "unknown",
    };
    const char *text = sl_arena_printf(arena, "%s:", balancer->name);
    const char *separator = "";
    for (int state = SL_MEMBER_STATES - 1; state >= 0; state--) {
        if (balancer->members[state] > 0) {
            text = sl_arena_printf(arena, "%s%s %lld %s", text, separator,
                                   (long long)balancer->members[state], words[state]);
            separator = ",";
        }
    }
    text = separator[0] == '\0' ? sl_arena_printf(arena, "%s no members", text) : text;
    return balancer->message[0] == '\0' ? text
                                        : sl_arena_printf(arena, "%s; %s", text, balancer->message);
}

enum sl_style sl_traffic_ready_style(const char *ready)
{
    return strcmp(ready, "True") == 0 ? SL_GREEN : strcmp(ready, "False") == 0 ? SL_RED : SL_DIM;
}
