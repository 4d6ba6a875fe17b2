/* The revisions of a workload, and which of them `undo` returns to. Source: kubectl rollout history
 * and undo, whose numbers these are. Pure but for sl_history_read(). */
#ifndef SL_CLI_ROLLOUT_HISTORY_H
#define SL_CLI_ROLLOUT_HISTORY_H

#include "cli/rollout/cluster.h"
#include "core/records/revision.h"

struct sl_history_item {
    struct sl_record *record; /* struct sl_revision_record, owned */
    const char *images;       /* of its containers, "web:1,proxy:2" */
    const char *cause;        /* annotation kubernetes.io/change-cause; "" */
};

struct sl_history { /* all zero is a valid empty one */
    struct sl_arena arena;
    struct sl_history_item *items; /* by revision number, the oldest first */
    size_t count;
};
void sl_history_cleanup(struct sl_history *history);

/* Adds a revision (ReplicaSet or ControllerRevision, as JSON) where the workload is its controller.
 * Errors: INVALID. */
SL_MUST_USE int sl_history_add(struct sl_history *history, struct sl_str json, bool replica_set,
                               const char *workload_uid, struct sl_err *err);

/* All of a workload. `json` is its own. Errors: those of the requests. */
SL_MUST_USE int sl_history_read(const struct sl_cluster *cluster,
                                const struct sl_rollout_record *rollout,
                                const struct sl_record *workload, struct sl_str json,
                                struct sl_history *history, struct sl_err *err);

/* The revision with that number, or with 0 the newest that is not what the workload's template is
 * now: a held Deployment has no revision of its newest template yet. Errors: NOT_FOUND. */
SL_MUST_USE int sl_history_pick(const struct sl_history *history, const char *template_id,
                                int64_t number, const struct sl_history_item **ret_item,
                                struct sl_err *err);

/* Whether a status means this revision by `name` (core/rolling/plan.h: what revisions are told
 * by). */
bool sl_history_is(const struct sl_history_item *item, struct sl_str name);

/* Appends the JSON Patch that gives the workload (`json`) the template and the change-cause of a
 * revision, on the condition that it is as it was read. Errors: INVALID. */
SL_MUST_USE int sl_history_write(const struct sl_history_item *item,
                                 const struct sl_record *workload, struct sl_str json,
                                 struct sl_buf *out, struct sl_err *err);

#endif
