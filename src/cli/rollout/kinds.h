/* The kinds of workload that the command line takes a Rollout's word for. The webhook and the
 * reconciler read in their configuration how a kind is held; a command holds nothing, and has no
 * such file: whatever kind a Rollout names is known to it. */
#ifndef SL_CLI_ROLLOUT_KINDS_H
#define SL_CLI_ROLLOUT_KINDS_H

#include <json-c/json.h>

#include "base/arena.h"
#include "core/workload.h"

/* The kinds of one entry, the kind of `rollout`'s spec.workloadRef, kept in *ret_own; none where
 * that says no kind. The resource is the plural of the kind. Texts live in the arena. */
struct sl_workload_kinds sl_kinds_of(struct json_object *rollout, struct sl_arena *arena,
                                     struct sl_workload_kind *ret_own);

#endif
