/* What the files of actions share: actions.c has the table and what is small, actions_workload.c
 * the JSON Patches of a workload, actions_replica_set.c the object of a new ReplicaSet. */
#ifndef SL_CORE_ROLLING_ACTIONS_INTERNAL_H
#define SL_CORE_ROLLING_ACTIONS_INTERNAL_H

#include "codec/jsonpatch.h"
#include "core/rolling/actions.h"

#define SL_ACTION_BODY_MAX SL_PATCH_MAX /* bytes of the body of any request */

/* One action on its way to a request. */
struct sl_action_work {
    const struct sl_roll_input *input;
    const struct sl_action *action;
    int64_t now;
    struct sl_arena *arena;
    struct sl_buf *body;
};

/* Appends a string of JSON. */

/* Begins a JSON Patch with the preconditions on a record, and appends the finished one to the body.
 */
void sl_action_begin_patch(struct sl_action_work *work, const struct sl_record *record,
                           struct sl_patch *patch);
SL_MUST_USE int sl_action_end_patch(struct sl_action_work *work, struct sl_patch *patch,
                                    struct sl_err *err);

/* The kinds that have a file of their own. */
SL_MUST_USE int sl_action_write_workload(struct sl_action_work *work, struct sl_err *err);
SL_MUST_USE int sl_action_write_disown(struct sl_action_work *work, struct sl_err *err);
SL_MUST_USE int sl_action_write_replica_set_new(struct sl_action_work *work, struct sl_err *err);

#endif
