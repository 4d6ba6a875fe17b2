/* What a person may tell a run to do, as changes of the Rollout's spec (core/rollout.h: confirm,
 * paused, command). Pure: from the Rollout as it was read to a patch, or to why there is none. */
#ifndef SL_CLI_ROLLOUT_ORDERS_H
#define SL_CLI_ROLLOUT_ORDERS_H

#include "base/buf.h"
#include "core/records/rollout.h"

enum sl_told { /* a row of the table in orders.c each */
               SL_TOLD_CONFIRM,
               SL_TOLD_PAUSE,
               SL_TOLD_RESUME,
               SL_TOLD_ABORT,
               SL_TOLD_RETRY,
               SL_TOLD_PROMOTE,
               SL_TOLDS,
};

#define SL_CURRENT_BATCH (-1)

/* Appends the merge patch that carries the order out; nothing where it was given before. It demands
 * the resourceVersion that was read. `batch`, for CONFIRM: the index that must be the one that
 * waits, or SL_CURRENT_BATCH. *ret_said: how that is reported, "confirmed", "paused already".
 * Errors: CONFLICT, one sentence: the run is not in a state in which the order means anything. */
SL_MUST_USE int sl_order_write(enum sl_told told, const struct sl_rollout_record *rollout,
                               int64_t batch, struct sl_buf *patch, const char **ret_said,
                               struct sl_err *err);

#endif
