/* Pods as targets of traffic, each with what is due for it, and what a change of another object
 * means for them. Sorted by uid: a pod that has the name of an earlier one is another target.
 *
 * There is one for each pod that a TrafficPolicy matches or that carries a mark of ours. Which pods
 * these are only a look at the caches tells: what may be one becomes a target, and is dropped when
 * it turns out to be none.
 *
 * Threads: one.
 */
#ifndef SL_RUN_TRAFFIC_PODS_H
#define SL_RUN_TRAFFIC_PODS_H

#include "core/traffic/lifecycle.h"
#include "run/reconciler/due.h"

struct sl_traffic_pod {
    /* this module's own */
    char *ns, *name, *uid;
    bool gone; /* there is no such pod any more */
    /* both set it dirty, the loop does the rest (traffic.c) */
    struct sl_due due;
    /* the loop's own: of the last plan */
    char *policy; /* name of that which it was planned with; NULL: none */
    enum sl_traffic_state state;
    enum sl_drain_op op;    /* what had it leave, last */
    bool planned;           /* once, at least */
    bool waits;             /* for a PodDisruptionBudget */
    bool by_run;            /* a run asked for its drain */
    bool overdue;           /* its drain is, and is held */
    int64_t gate_off_since; /* exactly, when we set the gate False; 0: not known. sl_clock_wall() */
    /* of the write under way */
    bool gates_off; /* it sets the gate False */
    enum sl_drain_outcome outcome;
    int64_t drained_in, sessions_cut;
};

struct sl_traffic_pods;
struct sl_traffic_pods *sl_traffic_pods_open(void);
void sl_traffic_pods_close(struct sl_traffic_pods *pods); /* NULL is fine */

size_t sl_traffic_pods_count(const struct sl_traffic_pods *pods);
struct sl_traffic_pod *sl_traffic_pods_at(const struct sl_traffic_pods *pods, size_t index);
struct sl_traffic_pod *sl_traffic_pods_find(const struct sl_traffic_pods *pods,
                                            const char *uid); /* NULL: not one of them */

/* The pod may be one, and has changed or is new. */
void sl_traffic_pods_add(struct sl_traffic_pods *pods, const struct sl_record *pod);
void sl_traffic_pods_gone(struct sl_traffic_pods *pods, const char *uid);

/* What a budget of the namespace is counted from has changed; its runs are others. */
void sl_traffic_pods_budget_changed(struct sl_traffic_pods *pods, const char *ns);
void sl_traffic_pods_runs_changed(struct sl_traffic_pods *pods, const char *ns);
void sl_traffic_pods_set_waits(struct sl_traffic_pods *pods, struct sl_traffic_pod *pod,
                               bool waits); /* for a budget */

/* Releases those that are gone and have no requests under way; `forget` is told of each. */
void sl_traffic_pods_sweep(struct sl_traffic_pods *pods,
                           void (*forget)(void *ctx, const struct sl_traffic_pod *pod), void *ctx);

#endif
