/* Evictions: what the webhook knows of pods that may be in traffic, how it decided about one of
 * them, and what is to be written onto the pod.
 *
 *     watch events → core/records/evictee → struct sl_evictees (of run/) → core/admission/eviction
 *         → struct sl_drain_order → run/drain_orders → the pod's annotation sluice.dev/drain
 *
 * An Eviction names its pod and says nothing else of it: whose pod it is, and whether it serves,
 * comes from the pods that are watched. Pure types; who owns what is said at each.
 */
#ifndef SL_CORE_EVICTIONS_H
#define SL_CORE_EVICTIONS_H

#include "base/arena.h"
#include "base/clock.h"
#include "core/traffic/drain.h"

/* Evictions of a pod that were told to wait while no dated annotation was seen on it; ns since
 * 1970, 0: none was. */
struct sl_asked {
    int64_t first, last;
};

/* Since when they are, at `now`: this one is the first when nobody has asked for so long. */
#define SL_ASKED_FORGOTTEN (60 * SL_NS_PER_S)
static inline int64_t sl_asked_since(const struct sl_asked *asked, int64_t now)
{
    bool stands = asked->first > 0 && asked->last <= now && now - asked->last < SL_ASKED_FORGOTTEN;
    return stands ? asked->first : now;
}

/* A pod with the label sluice.dev/traffic-policy. Texts live in the arena of the look-up. */
struct sl_evictee {
    struct sl_str uid, resource_version;
    struct sl_str policy;    /* the label's value: a TrafficPolicy of its namespace */
    struct sl_str traffic;   /* reason of the condition sluice.dev/traffic-ready; empty none */
    enum sl_drain_op op;     /* of the annotation sluice.dev/drain; NONE: there is none */
    int64_t since, deadline; /* of the same, ns since 1970; 0: not dated */
    struct sl_asked asked;
    bool running; /* phase Running */
    bool deleted; /* it is being deleted */
};

/* The pods that are known. */
struct sl_evictees {
    /* False: no such pod is known. Any thread. NULL: no pods are known at all. */
    bool (*find)(void *pods, struct sl_str ns, struct sl_str name, struct sl_arena *arena,
                 struct sl_evictee *ret_evictee);
    void *pods;
};

/* How an eviction was decided. */
enum sl_eviction {
    SL_EVICTION_NONE,           /* the review was of something else */
    SL_EVICTION_DRY_RUN,        /* allowed, and nothing was begun */
    SL_EVICTION_NOT_OURS,       /* allowed: nothing of ours keeps the pod */
    SL_EVICTION_OUT_OF_TRAFFIC, /* allowed: no load balancer sends the pod anything */
    SL_EVICTION_OVERDUE,        /* allowed: the deadline of its drain has passed */
    SL_EVICTION_WAITS,          /* denied for now */
    SL_EVICTIONS,
};
extern const char *const sl_eviction_names[]; /* "none", "dry_run", … */

/* What an eviction leaves to be done; everything points into the review or its arena. */
struct sl_drain_order {
    struct sl_str ns, name;
    struct sl_str uid, resource_version; /* preconditions; uid absent: there is nothing to do */
    struct sl_str annotation; /* sluice.dev/drain as it is to be written; absent: the pod has one of
                                 somebody's that is not dated yet, and only that it was asked for is
                                 to be remembered (struct sl_asked) */
};

#endif
