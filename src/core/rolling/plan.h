/* The planner of one Rollout: what is known, and the time → what to do next.
 *
 *     caches → struct sl_roll_input ─sl_roll_plan()→ new status, actions, when to ask again
 *
 * A step of the state machine (table in machine.c) is planned alone: its status is written first,
 * and only a plan made from that status acts on it. So a reconciler that is killed anywhere goes on
 * from what is on the objects. Counters in the status are written beside actions.
 *
 * Actions are values: what is to be done, not how (actions.h writes the requests). Each is
 * idempotent and names the uid and resourceVersion that it was planned from, so that one planned
 * from something old is refused by the API server. All of a plan may run at once, in any order, and
 * any of them may fail: the next plan is made from what is there then.
 *
 * Pure functions: no I/O, no clock, no log. Everything lives in the arena or the records.
 */
#ifndef SL_CORE_ROLLING_PLAN_H
#define SL_CORE_ROLLING_PLAN_H

#include "base/clock.h"
#include "core/records/pod.h"
#include "core/records/rollout.h"
#include "core/records/workload.h"
#include "core/traffic/drain.h"
#include "core/traffic_policy.h"

#define SL_NEVER INT64_MAX

/* What the planner has to know of a pod's traffic, beyond its record. */
struct sl_roll_traffic {
    const struct sl_traffic_policy *policy; /* that matches it: it is drained before it is touched;
                                               NULL: none */
    int32_t disruptions; /* pods like it that may leave now (core/traffic/budget.h) */
    const char *budget;  /* the PodDisruptionBudget that says so; "" none */
};

struct sl_roll_input {
    const struct sl_rollout_record *rollout;
    const char *rival; /* name of another Rollout that rolls the same workload first; NULL: none */
    const struct sl_workload_kind *kind;               /* of spec.workloadRef; NULL: not known */
    const struct sl_workload_record *workload;         /* NULL: not there */
    const struct sl_revision_record *const *revisions; /* whose controller is the workload */
    size_t revision_count;
    const struct sl_pod_record *const *pods; /* whose controller is the workload, or one of its
                                                ReplicaSets; in any order */
    size_t pod_count;
    const struct sl_roll_traffic *traffic; /* of each pod; NULL: no policy matches any */
    /* What the API server says to this Rollout's last action, and since when all of them fail; NULL
     * and 0 where the last one did not. */
    const char *action_error;
    int64_t action_error_since;
};

enum sl_action_kind {
    SL_ACT_FINALIZER,   /* on the Rollout: added or removed (`on`) */
    SL_ACT_WORKLOAD,    /* spec fields, the annotation sluice.dev/held, the template */
    SL_ACT_DISOWN,      /* drop our managedFields entry from the workload */
    SL_ACT_POD_UPGRADE, /* in place */
    SL_ACT_POD_DONE,    /* the marks of an upgrade come off */
    SL_ACT_POD_LABEL,   /* the label sluice.dev/batch, of a pod that was made anew */
    SL_ACT_POD_DELETE,
    SL_ACT_POD_DRAIN,       /* the annotation sluice.dev/drain: written (`on`), or removed */
    SL_ACT_REPLICA_SET_NEW, /* for the workload's template, 0 replicas */
    SL_ACT_REPLICA_SET,     /* its replicas, its annotations of ours */
    SL_ACTION_KINDS,
};
extern const char *const sl_action_names[]; /* "finalizer", … for logs and metrics */

struct sl_action_field { /* one member of a workload's spec */
    struct sl_str path;  /* dotted below spec: "paused", "updateStrategy", "strategy" */
    struct sl_str value; /* JSON text; "null" removes it */
};
#define SL_ACTION_FIELDS_MAX 8

struct sl_action { /* by kind; what a kind does not name is not looked at */
    enum sl_action_kind kind;
    int32_t batch;                  /* POD_UPGRADE, POD_LABEL */
    const struct sl_record *target; /* what it changes; NULL: REPLICA_SET_NEW */
    /* WORKLOAD */
    struct sl_action_field fields[SL_ACTION_FIELDS_MAX];
    size_t field_count;
    struct sl_str held; /* text of the annotation; absent: as it is; empty (p set, n 0): removed */
    struct sl_str template; /* absent: as it is */
    /* POD_UPGRADE; `to` is NULL where the workload's own template is */
    const struct sl_revision_record *from, *to;
    const char *revision; /* value of the revision label: controller-revision-hash, or for a
                             hand-over pod-template-hash */
    /* REPLICA_SET_NEW */
    const char *hash; /* pod-template-hash */
    int64_t revision_number;
    /* REPLICA_SET */
    int64_t handover_until; /* 0: the mark is removed; -1: as it is */
    int32_t replicas;       /* -1: as they are */
    bool drop_held;         /* the annotation sluice.dev/held is removed */
    bool handover;          /* POD_UPGRADE: `to` becomes its owner */
    bool on;                /* FINALIZER: added, else removed; DRAIN */
    /* POD_DRAIN, `on` */
    enum sl_drain_op drain;
    int64_t drain_deadline;
};

struct sl_plan {
    struct sl_rollout_status status;
    bool write_status; /* it differs from what is stored */
    bool stepped;      /* the state machine took a step: no actions until that is stored */
    const char *event; /* reason of the step's Event, CamelCase; NULL: none */
    bool event_warns;
    const struct sl_action *actions;
    size_t action_count;
    int64_t again; /* when to plan again though nothing changed; SL_NEVER */
};

/* Never fails: what is wrong with the input becomes phase and message of the status. */
void sl_roll_plan(const struct sl_roll_input *input, int64_t now, struct sl_arena *arena,
                  struct sl_plan *ret_plan);

/* The rows of the state machine, in their order: from which states (a bit 1 << enum sl_state each),
 * to which, and the reason of the Event. docs/rollouts.md has them as a table, and a test holds
 * both together. False past the last. */
bool sl_roll_transition(size_t index, unsigned *ret_from, enum sl_state *ret_to,
                        const char **ret_event);

#endif
