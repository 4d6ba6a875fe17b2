/* Private to rolling: what a step changes besides the state. machine.c calls them, of the row that
 * it takes, before the new state is set. */
#ifndef SL_CORE_ROLLING_ENTER_H
#define SL_CORE_ROLLING_ENTER_H

#include "core/rolling/work.h"

/* A run begins: after one that ended well, or none; after one that did not; as the way back from
 * one that failed; as the one that failed, once more, at its batch. */
void sl_enter_first(struct sl_work *work);
void sl_enter_next(struct sl_work *work);
void sl_enter_rollback(struct sl_work *work);
void sl_enter_retry(struct sl_work *work);

void sl_enter_planned(struct sl_work *work); /* the batches */
void sl_enter_batch(struct sl_work *work);
void sl_enter_ready(struct sl_work *work);
void sl_enter_next_batch(struct sl_work *work);

/* Why the run fails. */
void sl_enter_failing(struct sl_work *work);
void sl_enter_not_in_place(struct sl_work *work);

#endif
