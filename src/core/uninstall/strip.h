/* What Sluice left on an object, and the next write that takes some of it off: what `sluice
 * uninstall` does to a cluster, one write at a time.
 *
 *     the object's JSON ─sl_strip_…()→ a write ─the API server→ the object's JSON ─…→ no write
 *
 * Planned from the object alone, so that whoever is cut off goes on by beginning again, and what is
 * clean is not written to. Pure functions; texts live in the arena.
 */
#ifndef SL_CORE_UNINSTALL_STRIP_H
#define SL_CORE_UNINSTALL_STRIP_H

#include "base/arena.h"
#include "base/err.h"
#include "core/workload.h"

struct sl_strip_input {
    struct sl_str json;                  /* the object */
    const struct sl_workload_kind *kind; /* of a workload; NULL for anything else */
    int64_t now;                         /* sl_clock_wall() */
    bool second; /* as if the first of two writes had been made: for a dry run */
};

struct sl_strip_write {
    struct sl_str ns, name;
    const char *subresource; /* "" none */
    const char *content_type;
    struct sl_str body; /* absent: there is nothing to do. Preconditions on uid and
                           resourceVersion are in it. */
    const char *done;   /* what it does, one clause in the past: "gate set True" */
    bool first;         /* of two: the second is planned from what comes of it */
};

/* Errors: INVALID: it is no such object. */
typedef int sl_strip(const struct sl_strip_input *input, struct sl_arena *arena,
                     struct sl_strip_write *ret_write, struct sl_err *err);

/* A held workload gets its own values back, in one write with the annotation that saved them, and
 * then loses our entry among its managedFields. A template that is not rolled out yet rolls from
 * then on as its own strategy says. */
sl_strip sl_strip_workload;

/* A ReplicaSet or ControllerRevision: the mark of a hand-over, the copy of a hold. */
sl_strip sl_strip_revision;

/* A Rollout loses the finalizer that keeps it until its run is wound up. */
sl_strip sl_strip_rollout;

/* A pod: the gate True first, so that it is Ready again, where it has the gate and is not being
 * deleted; then the finalizers of its load balancers, and labels and annotations that would say
 * that somebody drives it. */
sl_strip sl_strip_pod;

/* Names of the load balancers whose finalizers are on a pod, each followed by a NUL, and a further
 * NUL at the end; *ret_policy is its label sluice.dev/traffic-policy. Errors: INVALID. */
SL_MUST_USE int sl_strip_balancers(struct sl_str pod, struct sl_arena *arena,
                                   const char **ret_names, struct sl_str *ret_policy,
                                   struct sl_err *err);

#endif
