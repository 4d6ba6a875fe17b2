/* One Rollout's turn, for all of them: plan, write the status, do the actions, take the answers.
 *
 *     target due ─fleet─▶ input ─sl_roll_plan()─▶ status write ──▶ answer ─▶ caches, Event
 *                                             └─▶ actions ───────▶ answer ─▶ caches, or backoff
 *
 * While a request of a target is under way it is not planned again. What failed is logged, counted
 * and planned again: after a conflict, or where the object is gone, as soon as the caches have
 * moved and after a second at the latest; else after 1 s, doubled up to 30 s.
 *
 * Threads: the client's one. `now` is sl_clock_mono(), `wall` sl_clock_wall().
 */
#ifndef SL_RUN_ROLLING_H
#define SL_RUN_ROLLING_H

#include "kube/events.h"
#include "run/fleet.h"
#include "run/reconciler_metrics.h"

struct sl_rolling_options { /* all borrowed, and outlive it */
    struct sl_fleet *fleet;
    struct sl_client *client;
    struct sl_events *events;
    struct sl_reconciler_numbers *numbers;
    int64_t timeout; /* ns, of a request */
};
struct sl_rolling;

struct sl_rolling *sl_rolling_open(const struct sl_rolling_options *options);
void sl_rolling_close(struct sl_rolling *rolling); /* cuts what is under way; NULL is fine */
SL_AUTO_PTR(sl_rolling, struct sl_rolling, sl_rolling_close);

/* Plans the targets that are due. Only to be called while writes may be made. */
void sl_rolling_turn(struct sl_rolling *rolling, int64_t now, int64_t wall);
/* Takes a reply to a request of its own: one whose tag is nobody else's. */
void sl_rolling_reply(struct sl_rolling *rolling, const struct sl_reply *reply, int64_t now,
                      int64_t wall);
int64_t sl_rolling_due(const struct sl_rolling *rolling);
size_t sl_rolling_under_way(const struct sl_rolling *rolling);

#endif
