/* The values of a held field (held.h): the one that holds, and the one to put back when somebody
 * changes a field while it is held.
 *
 * Values are JSON texts of at most SL_HELD_FIELD_MAX bytes, "null" where nothing is; results live
 * in the arena. Pure functions.
 */
#ifndef SL_CORE_HELD_VALUE_H
#define SL_CORE_HELD_VALUE_H

#include "base/arena.h"
#include "core/workload.h"

/* On one line, whatever the request looked like. What json-c cannot hold stays as it is. */
struct sl_str sl_held_compact(struct sl_arena *arena, struct sl_str text);

/* The field's value that holds: the row's, or `from` with the row's at its path. */
struct sl_str sl_held_hold(struct sl_arena *arena, const struct sl_hold *hold, struct sl_str from);

/* `saved` with the difference between `was` (the held object's value) and `asked` (what somebody
 * applies to it) made to it. What json-c cannot hold is taken as it was asked for. */
struct sl_str sl_held_rebase(struct sl_arena *arena, struct sl_str saved, struct sl_str was,
                             struct sl_str asked);

#endif
