/* The status of each TrafficPolicy (core/traffic/policy_status.h): counted once a second, and
 * written where it says anything that the stored one does not. */
#include "run/traffic/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/names.h"
#include "core/traffic/policy_status.h"

#define EVERY SL_NS_PER_S
/* In one second, of all policies: they share kube.qps with what pods wait for. */
#define WRITES_AT_ONCE 10

/* A policy, as the target of its status. */
struct sl_traffic_status {
    char *ns, *name;
    struct sl_due due;
    bool seen; /* in this count: there is such a policy */
    uint32_t pods[SL_TRAFFIC_STATES], held, waiting;
};

/* --- the policies --- */

static int compare(const struct sl_traffic_status *status, const char *ns, const char *name)
{
    int order = strcmp(status->ns, ns);
    return order != 0 ? order : strcmp(status->name, name);
}

/* The index of the first that is not before ns/name. */
static size_t lower_bound(const struct sl_traffic_statuses *statuses, const char *ns,
                          const char *name)
{
    size_t low = 0;
    size_t high = statuses->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(statuses->items[middle], ns, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct sl_traffic_status *find(const struct sl_traffic_statuses *statuses, const char *ns,
                                      const char *name)
{
    size_t at = lower_bound(statuses, ns, name);
    bool found = at < statuses->count && compare(statuses->items[at], ns, name) == 0;
    return found ? statuses->items[at] : NULL;
}

static struct sl_traffic_status *insert(struct sl_traffic_statuses *statuses, const char *ns,
                                        const char *name)
{
    size_t at = lower_bound(statuses, ns, name);
    struct sl_traffic_status *status = calloc(1, sizeof *status);
    if (statuses->count == statuses->room) {
        statuses->room = statuses->room == 0 ? 16 : 2 * statuses->room;
        statuses->items =
            reallocarray(statuses->items, statuses->room, sizeof(struct sl_traffic_status *));
    }
    if (status == NULL || statuses->items == NULL) {
        abort();
    }
    status->ns = strdup(ns);
    status->name = strdup(name);
    if (status->ns == NULL || status->name == NULL) {
        abort();
    }
    status->due = (struct sl_due)SL_DUE_INIT;
    memmove(&statuses->items[at + 1], &statuses->items[at],
            (statuses->count - at) * sizeof(struct sl_traffic_status *));
    statuses->items[at] = status;
    statuses->count++;
    return status;
}

static void status_free(struct sl_traffic_status *status)
{
    free(status->ns);
    free(status->name);
    free(status);
}

void sl_traffic_statuses_cleanup(struct sl_traffic_statuses *statuses)
{
    for (size_t i = 0; i < statuses->count; i++) {
        status_free(statuses->items[i]);
    }
    free(statuses->items);
}

/* --- counts --- */

static void see(void *traffic_, const struct sl_record *policy)
{
    struct sl_traffic *traffic = traffic_;
    struct sl_traffic_status *status = find(&traffic->statuses, policy->ns, policy->name);
    if (status == NULL) {
        status = insert(&traffic->statuses, policy->ns, policy->name);
    }
    status->seen = true;
}

static void count_pods(struct sl_traffic *traffic)
{
    for (size_t i = 0; i < sl_traffic_pods_count(traffic->pods); i++) {
        const struct sl_traffic_pod *pod = sl_traffic_pods_at(traffic->pods, i);
        struct sl_traffic_status *status = pod->policy == NULL || pod->gone
                                               ? NULL
                                               : find(&traffic->statuses, pod->ns, pod->policy);
        if (status != NULL) {
            status->pods[pod->state]++;
            status->held += pod->overdue;
            status->waiting += pod->waits;
        }
    }
}

static void count(struct sl_traffic *traffic)
{
    struct sl_traffic_statuses *statuses = &traffic->statuses;
    size_t kept = 0;
    for (size_t i = 0; i < statuses->count; i++) {
        struct sl_traffic_status *status = statuses->items[i];
        status->seen = false;
        memset(status->pods, 0, sizeof status->pods);
        status->held = status->waiting = 0;
    }
    sl_fleet_each(traffic->options.fleet, SL_FLEET_TRAFFIC_POLICIES, see, traffic);
    for (size_t i = 0; i < statuses->count; i++) {
        struct sl_traffic_status *status = statuses->items[i];
        if (!status->seen && status->due.under_way == 0) {
            status_free(status);
        } else {
            statuses->items[kept++] = status;
        }
    }
    statuses->count = kept;
    count_pods(traffic);
}

/* What all load balancers say, until the next turn. */
struct said {
    struct sl_balancer_health *items;
    size_t count;
};

static void listen_to_balancers(struct sl_traffic *traffic, struct sl_arena *arena,
                                struct said *ret_said)
{
    struct sl_balancer_health health;
    size_t count = 0;
    while (sl_balancers_health(traffic->balancers, count, &health)) {
        count++;
    }
    ret_said->items = sl_arena_zalloc(arena, count + 1, sizeof(struct sl_balancer_health));
    ret_said->count = count;
    for (size_t i = 0; i < count; i++) {
        (void)sl_balancers_health(traffic->balancers, i, &ret_said->items[i]);
    }
}

/* Of a policy, in the order of its spec. */
static const struct sl_policy_balancer *balancers_of(const struct sl_traffic_policy_record *policy,
                                                     const struct said *said,
                                                     struct sl_arena *arena)
{
    size_t size = policy->policy.load_balancers.count;
    const struct sl_load_balancer *specs = policy->policy.load_balancers.items;
    struct sl_policy_balancer *balancers =
        sl_arena_zalloc(arena, size + 1, sizeof(struct sl_policy_balancer));
    for (size_t i = 0; i < size; i++) {
        balancers[i] = (struct sl_policy_balancer){
            .name = sl_arena_cstr(arena, specs[i].name),
            .external = specs[i].has_external,
            .trouble = "",
        };
    }
    for (size_t at = 0; at < said->count && size > 0; at++) {
        const struct sl_balancer_health *health = &said->items[at];
        bool its = strcmp(health->ns, policy->record.ns) == 0 &&
                   strcmp(health->policy, policy->record.name) == 0;
        for (size_t i = 0; its && i < size; i++) {
            if (sl_str_is(specs[i].name, health->name)) {
                balancers[i].answers = health->answers;
                balancers[i].trouble = health->trouble;
                balancers[i].corrections = health->corrections;
                memcpy(balancers[i].members, health->members, sizeof balancers[i].members);
            }
        }
    }
    return balancers;
}

/* --- the write --- */

static void send(struct sl_traffic *traffic, struct sl_traffic_status *target,
                 const struct sl_traffic_policy_record *policy, struct sl_str status, int64_t now)
{
    SL_AUTO(sl_action_call)
    struct sl_action_call what = {
        .call = SL_CALL_PATCH,
        .group = SL_STR(SL_API_GROUP),
        .version = SL_STR("v1alpha1"),
        .resource = SL_STR("trafficpolicies"),
        .subresource = "status",
        .ns = sl_str_from(policy->record.ns),
        .name = sl_str_from(policy->record.name),
        .content_type = "application/merge-patch+json",
        .body = SL_BUF_INIT(SL_POLICY_STATUS_MAX),
    };
    sl_policy_status_body(policy, status, &what.body);
    struct sl_write *write = sl_write_new(traffic->options.writes, &traffic->status_writer, target,
                                          &target->due, &what, policy->record.uid);
    write->action = SL_ACTION_POLICY_STATUS;
    sl_write_send(write, &what, now);
}

/* Whether there was anything to write. */
static bool plan(struct sl_traffic *traffic, struct sl_traffic_status *target,
                 const struct said *said, int64_t now, int64_t wall)
{
    const struct sl_traffic_policy_record *policy =
        sl_fleet_policy(traffic->options.fleet, target->ns, target->name);
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_POLICY_STATUS_MAX);
    if (policy == NULL || policy->record.deleted != 0) {
        return false;
    }
    sl_arena_reset(&traffic->arena);
    bool usable = policy->problem[0] == '\0';
    struct sl_policy_counts counts = {
        .observed_generation = policy->record.generation,
        .problem = policy->problem,
        .held = target->held,
        .waiting = target->waiting,
        .balancers = usable ? balancers_of(policy, said, &traffic->arena) : NULL,
        .balancer_count = usable ? policy->policy.load_balancers.count : 0,
    };
    memcpy(counts.pods, target->pods, sizeof counts.pods);
    sl_policy_status_write(&counts, policy->status, wall, &text);
    bool differs = sl_policy_status_differs(policy->status, sl_buf_str(&text));
    if (differs) {
        send(traffic, target, policy, sl_buf_str(&text), now);
    }
    return differs;
}

void sl_traffic_status_turn(struct sl_traffic *traffic, int64_t now, int64_t wall)
{
    struct sl_traffic_statuses *statuses = &traffic->statuses;
    size_t written = 0;
    struct said said;
    if (statuses->written != 0 && now - statuses->written < EVERY) {
        return;
    }
    statuses->written = now;
    count(traffic);
    listen_to_balancers(traffic, &traffic->turn_arena, &said);
    size_t first = statuses->cursor;
    for (size_t i = 0; i < statuses->count && written < WRITES_AT_ONCE &&
                       !sl_writes_full(traffic->options.writes);
         i++) {
        struct sl_traffic_status *target = statuses->items[(first + i) % statuses->count];
        target->due.dirty = true;
        if (sl_due_at(&target->due) <= now) {
            sl_due_begin(&target->due);
            written += plan(traffic, target, &said, now, wall);
        }
        statuses->cursor = first + i + 1;
    }
}

void sl_traffic_status_answered(void *traffic_, struct sl_write *write, const struct sl_err *err,
                                int64_t now, int64_t wall)
{
    const struct sl_traffic *traffic = traffic_;
    struct sl_traffic_status *target = write->target;
    bool conflict = sl_due_is_conflict(err->kind);
    (void)now;
    (void)wall;
    traffic->options.numbers
        ->actions[SL_ACTION_POLICY_STATUS][err->kind == SL_ERR_NONE ? SL_RESULT_SUCCESS
                                           : conflict               ? SL_RESULT_CONFLICT
                                                                    : SL_RESULT_FAILURE]++;
    if (err->kind == SL_ERR_NONE) {
        return;
    }
    sl_due_failed(&target->due, err->kind);
    sl_log(conflict ? SL_LOG_DEBUG : SL_LOG_WARN, "action failed", SL_LOG_CSTR("ns", target->ns),
           SL_LOG_CSTR("name", target->name),
           SL_LOG_CSTR("op", sl_reconciler_action_name(SL_ACTION_POLICY_STATUS)),
           SL_LOG_CSTR("err", err->msg));
}
