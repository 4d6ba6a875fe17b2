/* One Rollout's turn, for all of them: plan, write the status, do the actions, take the answers.
 *
 *     target due ─fleet─▶ input ─sl_roll_plan()─▶ status write ──▶ answer ─▶ caches, Event
 *                                             └─▶ actions ───────▶ answer ─▶ caches, or backoff
 *
 * What failed is logged, counted and planned again as due.h says.
 *
 * Threads: the client's one. `now` is sl_clock_mono(), `wall` sl_clock_wall().
 */
#ifndef SL_RUN_RECONCILER_ROLLING_H
#define SL_RUN_RECONCILER_ROLLING_H

#include "kube/events.h"
#include "run/reconciler/metrics.h"
#include "run/reconciler/writes.h"

struct sl_rolling_options { /* all borrowed, and outlive it */
    struct sl_fleet *fleet;
    struct sl_writes *writes;
    struct sl_events *events;
    struct sl_reconciler_numbers *numbers;
};
struct sl_rolling;

struct sl_rolling *sl_rolling_open(const struct sl_rolling_options *options);
void sl_rolling_close(struct sl_rolling *rolling); /* after its writes; NULL is fine */
SL_AUTO_PTR(sl_rolling, struct sl_rolling, sl_rolling_close);

/* Plans the targets that are due. Only to be called while writes may be made. */
void sl_rolling_turn(struct sl_rolling *rolling, int64_t now, int64_t wall);
int64_t sl_rolling_due(struct sl_rolling *rolling);

#endif
