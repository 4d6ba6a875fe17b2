/* The turns of traffic (traffic.h), and which pods are due in them: what changes in the caches is
 * noted while it does, and looked at in the next turn. What a pod's turn does is in plan.c.
 */
#include "run/traffic/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* --- what has changed --- */

static void note_policy(struct sl_traffic *traffic, const struct sl_record *policy)
{
    struct sl_buf *changed = &traffic->policies_changed;
    sl_buf_add(changed, policy->ns, strlen(policy->ns) + 1);
    sl_buf_add(changed, policy->name, strlen(policy->name) + 1);
}

static void pod_changed(struct sl_traffic *traffic, const struct sl_record *before,
                        const struct sl_record *after)
{
    const char *ns = (after != NULL ? after : before)->ns;
    sl_arena_reset(&traffic->arena);
    sl_traffic_pods_budget_changed(traffic->pods, ns);
    if (after == NULL) {
        sl_traffic_pods_gone(traffic->pods, before->uid);
    } else if (sl_traffic_pods_find(traffic->pods, after->uid) != NULL ||
               sl_fleet_has_policies(traffic->options.fleet, ns) ||
               sl_pod_is_marked(sl_pod_of(after), &traffic->arena)) {
        sl_traffic_pods_add(traffic->pods, after);
    }
}

static void rollout_changed(struct sl_traffic *traffic, const struct sl_record *before,
                            const struct sl_record *after)
{
    const struct sl_record *record = after != NULL ? after : before;
    bool same =
        after != NULL && before != NULL &&
        sl_str_eq(sl_rollout_of(before)->status.run.id, sl_rollout_of(after)->status.run.id);
    if (!same) {
        sl_traffic_pods_runs_changed(traffic->pods, record->ns);
    }
}

/* Its status is our own, and no plan reads it. */
static void policy_changed(struct sl_traffic *traffic, const struct sl_record *before,
                           const struct sl_record *after)
{
    bool same = after != NULL && before != NULL && before->generation == after->generation;
    if (!same) {
        note_policy(traffic, after != NULL ? after : before);
    }
}

static void budget_changed(struct sl_traffic *traffic, const struct sl_record *before,
                           const struct sl_record *after)
{
    sl_traffic_pods_budget_changed(traffic->pods, (after != NULL ? after : before)->ns);
}

typedef void change(struct sl_traffic *traffic, const struct sl_record *before,
                    const struct sl_record *after);

static void changed(void *traffic, enum sl_fleet_row row, const struct sl_record *before,
                    const struct sl_record *after)
{
    static change *const changes[] = {
        [SL_FLEET_PODS] = pod_changed,
        [SL_FLEET_TRAFFIC_POLICIES] = policy_changed,
        [SL_FLEET_BUDGETS] = budget_changed,
        [SL_FLEET_ROLLOUTS] = rollout_changed,
    };
    if (row < sizeof changes / sizeof changes[0] && changes[row] != NULL) {
        changes[row](traffic, before, after);
    }
}

static void member_changed(void *traffic_, const char *pod_uid)
{
    struct sl_traffic *traffic = traffic_;
    struct sl_traffic_pod *pod = sl_traffic_pods_find(traffic->pods, pod_uid);
    if (pod != NULL) {
        pod->due.dirty = true;
    }
}

/* --- open and close --- */

static void add_policy(void *traffic, const struct sl_record *policy)
{
    note_policy(traffic, policy);
}

static void add_marked(void *traffic_, const struct sl_record *pod)
{
    struct sl_traffic *traffic = traffic_;
    sl_arena_reset(&traffic->arena);
    if (sl_pod_is_marked(sl_pod_of(pod), &traffic->arena)) {
        sl_traffic_pods_add(traffic->pods, pod);
    }
}

#define CHANGED_MAX (64 * SL_MIB) /* names of policies: of more than any cluster has */

struct sl_traffic *sl_traffic_open(const struct sl_traffic_options *options)
{
    struct sl_traffic *traffic = calloc(1, sizeof *traffic);
    if (traffic == NULL) {
        abort();
    }
    const struct sl_balancers_options balancers = {
        .changed = member_changed,
        .corrected = sl_traffic_corrected,
        .ctx = traffic,
        .seed = options->seed,
    };
    const struct sl_fleet_listener listener = {.changed = changed, .ctx = traffic};
    traffic->options = *options;
    traffic->writer = (struct sl_writer){.answered = sl_traffic_answered, .ctx = traffic};
    traffic->status_writer =
        (struct sl_writer){.answered = sl_traffic_status_answered, .ctx = traffic};
    traffic->pods = sl_traffic_pods_open();
    traffic->balancers = sl_balancers_open(&balancers);
    traffic->policies_changed = (struct sl_buf)SL_BUF_INIT(CHANGED_MAX);
    sl_fleet_each(options->fleet, SL_FLEET_TRAFFIC_POLICIES, add_policy, traffic);
    sl_fleet_each(options->fleet, SL_FLEET_PODS, add_marked, traffic);
    sl_fleet_listen(options->fleet, &listener);
    return traffic;
}

void sl_traffic_close(struct sl_traffic *traffic)
{
    if (traffic == NULL) {
        return;
    }
    sl_fleet_listen(traffic->options.fleet, NULL);
    sl_balancers_close(traffic->balancers);
    sl_traffic_pods_close(traffic->pods);
    sl_buf_cleanup(&traffic->policies_changed);
    sl_arena_cleanup(&traffic->arena);
    sl_arena_cleanup(&traffic->turn_arena);
    free(traffic->balancer_numbers);
    sl_traffic_statuses_cleanup(&traffic->statuses);
    free(traffic);
}

/* --- policies that have changed --- */

struct rescan {
    struct sl_traffic *traffic;
    const char *ns;
};

static void rescan_pod(void *rescan_, const struct sl_record *pod)
{
    const struct rescan *rescan = rescan_;
    if (strcmp(pod->ns, rescan->ns) == 0) {
        sl_traffic_pods_add(rescan->traffic->pods, pod);
    }
}

/* A spec that cannot be read leaves everything as it is: what it would say is not known. */
static void take_policy(struct sl_traffic *traffic, const char *ns, const char *name, int64_t now)
{
    const struct sl_traffic_policy_record *policy =
        sl_fleet_policy(traffic->options.fleet, ns, name);
    struct rescan rescan = {traffic, ns};
    if (policy != NULL && policy->problem[0] != '\0') {
        sl_log(SL_LOG_WARN, "a TrafficPolicy cannot be used; its pods stay as they are",
               SL_LOG_CSTR("ns", ns), SL_LOG_CSTR("name", name),
               SL_LOG_CSTR("err", policy->problem));
    } else {
        sl_balancers_policy(traffic->balancers, sl_str_from(ns), sl_str_from(name),
                            policy == NULL ? NULL : &policy->policy, now);
    }
    sl_fleet_each(traffic->options.fleet, SL_FLEET_PODS, rescan_pod, &rescan);
}

static void take_policies(struct sl_traffic *traffic, int64_t now)
{
    struct sl_buf *changed_ = &traffic->policies_changed;
    for (size_t at = 0; at < changed_->len;) {
        const char *ns = changed_->data + at;
        const char *name = ns + strlen(ns) + 1;
        at += strlen(ns) + 1 + strlen(name) + 1;
        take_policy(traffic, ns, name, now);
    }
    sl_buf_cleanup(changed_);
}

/* --- turns --- */

static int64_t due_of(void *traffic, size_t index)
{
    const struct sl_traffic_pod *pod =
        sl_traffic_pods_at(((const struct sl_traffic *)traffic)->pods, index);
    return pod->gone ? INT64_MAX : sl_due_at(&pod->due);
}

static void plan_at(void *traffic_, size_t index, int64_t now, int64_t wall)
{
    struct sl_traffic *traffic = traffic_;
    sl_traffic_plan_pod(traffic, sl_traffic_pods_at(traffic->pods, index), now, wall);
}

static bool is_full(void *traffic)
{
    return sl_writes_full(((const struct sl_traffic *)traffic)->options.writes);
}

static struct sl_round_of all_of(struct sl_traffic *traffic)
{
    return (struct sl_round_of){
        .count = sl_traffic_pods_count(traffic->pods),
        .due = due_of,
        .plan = plan_at,
        .full = is_full,
        .ctx = traffic,
    };
}

struct sweep {
    struct sl_traffic *traffic;
    int64_t now;
};

static void forget(void *sweep_, const struct sl_traffic_pod *pod)
{
    const struct sweep *sweep = sweep_;
    sl_balancers_forget(sweep->traffic->balancers, pod->uid, sweep->now);
}

/* Before it no balancer loses a member that nobody wants: a pod that was not planned yet may. */
static void complete(struct sl_traffic *traffic)
{
    for (size_t i = 0; i < sl_traffic_pods_count(traffic->pods) && !traffic->complete; i++) {
        if (!sl_traffic_pods_at(traffic->pods, i)->planned) {
            return;
        }
    }
    if (!traffic->complete) {
        traffic->complete = true;
        sl_balancers_complete(traffic->balancers);
    }
}

void sl_traffic_turn(struct sl_traffic *traffic, bool plans, int64_t now, int64_t wall)
{
    struct sweep sweep = {traffic, now};
    traffic->now = now;
    traffic->wall = wall;
    sl_balancers_turn(traffic->balancers, now, wall);
    if (plans) {
        take_policies(traffic, now);
        struct sl_round_of all = all_of(traffic);
        sl_arena_reset(&traffic->turn_arena);
        traffic->budgets = NULL;
        sl_round_turn(&traffic->round, &all, now, wall);
        complete(traffic);
        sl_traffic_status_turn(traffic, now, wall);
    }
    sl_traffic_pods_sweep(traffic->pods, forget, &sweep);
    sl_traffic_report_turn(traffic, now, wall);
}

int64_t sl_traffic_due(struct sl_traffic *traffic, bool plans)
{
    struct sl_round_of all = all_of(traffic);
    int64_t due = sl_balancers_due(traffic->balancers);
    int64_t pods = plans ? sl_round_due(&traffic->round, &all) : INT64_MAX;
    return pods < due ? pods : due;
}

int sl_traffic_fd(const struct sl_traffic *traffic)
{
    return sl_balancers_fd(traffic->balancers);
}
