/* The Rollouts as targets of the reconciler, each with what is due for it, and what a change of
 * another object means for them.
 *
 * A pod, a ReplicaSet or a ControllerRevision leads to a target by the uid of its controller: when
 * a target is looked at, it remembers the uids of its workload and of that one's ReplicaSets. What
 * has an owner that no target knows yet is not lost: the event that makes the owner known dirties
 * the target, and what is planned then sees all that the caches hold.
 *
 * Targets are sorted by namespace and name. Of several that name the same workload the first rolls
 * it, and is the rival of the others.
 *
 * Threads: one.
 */
#ifndef SL_RUN_RECONCILER_TARGETS_H
#define SL_RUN_RECONCILER_TARGETS_H

#include "base/buf.h"
#include "core/records/record.h"
#include "run/reconciler/due.h"

/* A Rollout, and what the loop has to do for it. */
struct sl_target {
    /* this module's own */
    char *ns, *name;
    char *workload; /* "apps/StatefulSet/web", NULL: its spec says none */
    char *owners;   /* uids, each with its NUL, and a further NUL at the end; NULL: none */
    bool gone;      /* there is no such Rollout any more */
    /* both set it dirty, the loop does the rest (rolling.c) */
    struct sl_due due;
    /* the loop's own */
    char *error;         /* what the API server says to its actions; NULL: nothing */
    int64_t error_since; /* sl_clock_wall(); 0 */
};

struct sl_targets;
struct sl_targets *sl_targets_open(void);
void sl_targets_close(struct sl_targets *targets); /* NULL is fine */
SL_AUTO_PTR(sl_targets, struct sl_targets, sl_targets_close);

size_t sl_targets_count(const struct sl_targets *targets);
struct sl_target *sl_targets_at(const struct sl_targets *targets, size_t index);
void sl_targets_dirty_all(struct sl_targets *targets);

/* What a workload is known by: "apps/StatefulSet/web". The caller frees it. */
char *sl_target_workload(struct sl_str group, struct sl_str kind, struct sl_str name);

/* A Rollout is there, new or changed; `workload` NULL: its spec names none that can be rolled. The
 * text is the target's from now on. */
void sl_targets_rollout(struct sl_targets *targets, const char *ns, const char *name,
                        char *workload);
void sl_targets_rollout_gone(struct sl_targets *targets, const char *ns, const char *name);
/* Something changed: the workload itself, or what has a controller. */
void sl_targets_workload_changed(struct sl_targets *targets, const char *ns, const char *workload);
void sl_targets_namespace_changed(struct sl_targets *targets, const char *ns); /* for all of it */
void sl_targets_owned_changed(struct sl_targets *targets, const char *ns, const char *owner_uid);

/* Whose changes are this target's: uids, each with its NUL. Replaces what was said before. */
void sl_target_set_owners(struct sl_target *target, struct sl_buf *uids);

/* The name of the one that rolls the same workload instead; NULL: this one does. */
const char *sl_targets_rival(const struct sl_targets *targets, const struct sl_target *target);

/* Releases those that are gone and have no requests under way. */
void sl_targets_sweep(struct sl_targets *targets);

#endif
