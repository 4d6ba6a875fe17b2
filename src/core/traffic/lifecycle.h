/* The planner of one pod's traffic: what is known, and the time → what its load balancers are to
 * do, and one write at most.
 *
 *     caches, balancers → struct sl_traffic_input ─sl_traffic_plan()→ weights, a write, when again
 *
 * The state is the reason of the pod's condition sluice.dev/traffic-ready, so that any replica goes
 * on from there; what asks for it to leave is the annotation sluice.dev/drain or its deletion; that
 * a balancer of ours may have it, the finalizer slb.sluice.dev/<balancer> says. The table of
 * transitions is in lifecycle.c, docs/traffic.md, and tests/model/lifecycle.pml.
 *
 *     Joining → InService → Draining → Drained → (Upgrading) → Joining
 *
 * Every plan is idempotent, and made anew after its write was answered. Pure functions: no I/O, no
 * clock, no log. Everything lives in the arena or the records.
 */
#ifndef SL_CORE_TRAFFIC_LIFECYCLE_H
#define SL_CORE_TRAFFIC_LIFECYCLE_H

#include "base/clock.h"
#include "core/records/pod.h"
#include "core/traffic/drain.h"
#include "core/traffic_policy.h"

#define SL_WEIGHT_IN 100
#define SL_WEIGHT_OUT 0
#define SL_WEIGHT_GONE (-1) /* it is to be no member at all */

enum sl_traffic_state {
    SL_TRAFFIC_NONE, /* no condition, or a reason that is none of ours: nothing was done yet */
    SL_TRAFFIC_JOINING,
    SL_TRAFFIC_IN_SERVICE,
    SL_TRAFFIC_DRAINING,
    SL_TRAFFIC_DRAINED,
    SL_TRAFFIC_UPGRADING,
    SL_TRAFFIC_STATES,
};
extern const char *const sl_traffic_state_names[]; /* the reasons; "" of NONE */
enum sl_traffic_state sl_traffic_state_of(const struct sl_pod_record *pod);

/* What a load balancer says of the pod. */
enum sl_member_state {
    SL_MEMBER_UNKNOWN, /* it does not answer, or was not asked yet */
    SL_MEMBER_ABSENT,  /* it does not have it */
    SL_MEMBER_OUT,     /* it sends it nothing new */
    SL_MEMBER_IN,      /* it sends it requests */
    SL_MEMBER_STATES,
};

struct sl_member {
    enum sl_member_state state;
    int64_t sessions;    /* that the pod still serves for it; -1: it cannot tell */
    int64_t out_since;   /* since when it is OUT, ns since 1970; 0: it is not */
    const char *trouble; /* why it is not as wanted, one clause for people; "" nothing */
    bool leaving;        /* it was asked to let it go: if it is IN, then not for long */
};

struct sl_traffic_input {
    const struct sl_pod_record *pod;
    const struct sl_traffic_policy *policy; /* that matches it; NULL: none */
    const struct sl_member *members; /* one for each of policy->load_balancers; of one that is
                                        external, whatever: its finalizer tells */
    const char *budget; /* name of the PodDisruptionBudget that has no room for it; NULL: none */
    bool stands; /* whoever is behind the annotation is still there: of an upgrade, its run */
    int64_t gate_off_since; /* exactly when we set the gate False; 0: not known */
};

struct sl_traffic_write {
    bool status; /* the condition; else metadata */
    /* status */
    bool gate;
    enum sl_traffic_state state;
    const char *message;
    /* metadata */
    struct sl_str drain; /* text of the annotation; absent: as it is; empty (p set, n 0): removed */
    enum { SL_COST_AS_IS, SL_COST_ON, SL_COST_OFF } cost; /* SL_ANNOTATION_COST */
    const char *policy; /* value of the label sluice.dev/traffic-policy; NULL: as it is; "":
                           removed */
    const char *const *finalizers_on, *const *finalizers_off; /* names of balancers */
    size_t finalizers_on_count, finalizers_off_count;
};

enum sl_drain_outcome {
    SL_DRAIN_GOES_ON,
    SL_DRAIN_BEGUN,
    SL_DRAIN_DONE,      /* every balancer said so */
    SL_DRAIN_OVERDUE,   /* its deadline passed, and onTimeout is Proceed */
    SL_DRAIN_CANCELLED, /* whoever asked for it took it back */
    SL_DRAIN_OUTCOMES,
};
extern const char *const sl_drain_outcome_names[];

struct sl_traffic_plan {
    enum sl_traffic_state state; /* as it is stored */
    enum sl_drain_op op;         /* what has it leave; NONE */
    int weights[16];             /* SL_WEIGHT_…, one for each of policy->load_balancers */
    struct sl_traffic_write write;
    bool writes;      /* `write` is to be sent: with preconditions on uid and version */
    bool begins;      /* it takes a pod out of service: it spends budget from now on */
    bool overdue;     /* its deadline has passed, and it is held */
    bool event_warns; /* as `event` */
    /* to be said and counted when the write was done */
    enum sl_drain_outcome outcome;
    const char *event;    /* reason of an Event about the pod, CamelCase; NULL: none */
    const char *note;     /* its sentence */
    int64_t drained_in;   /* ns since its drain began, of an outcome that ends it */
    int64_t sessions_cut; /* that are still served at its end */
    const char *waits;    /* what it waits for, one clause for people; "" nothing */
    int64_t again;        /* when to plan again though nothing changed; INT64_MAX: never */
};

/* Never fails. A pod of which nothing is to be said (no policy, no mark of ours) gives a plan that
 * writes nothing. `now` is sl_clock_wall(). */
void sl_traffic_plan(const struct sl_traffic_input *input, int64_t now, struct sl_arena *arena,
                     struct sl_traffic_plan *ret_plan);

/* The rows of the table, in their order: from which states (a bit 1 << enum sl_traffic_state each),
 * to which, and the row's name. docs/traffic.md and the Promela model have the same; tests hold
 * them together. False past the last. */
bool sl_traffic_transition(size_t index, unsigned *ret_from, enum sl_traffic_state *ret_to,
                           const char **ret_name);

/* Appends the body of the write as one strategic merge patch, for pods or, where `write->status`,
 * for pods/status; uid and resourceVersion are its preconditions. */
void sl_traffic_write_body(const struct sl_pod_record *pod, const struct sl_traffic_write *write,
                           int64_t now, struct sl_buf *out);

#endif
