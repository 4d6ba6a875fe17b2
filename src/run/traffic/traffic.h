/* The traffic of all pods: plan, drive the load balancers, write, take the answers.
 *
 *     pod due ─fleet, balancers─▶ input ─sl_traffic_plan()─▶ weights ─▶ balancers ─▶ due again
 *                                                         └▶ one write ─▶ answer ─▶ caches, Event
 *
 * It exists while this process leads and has every cache: what leads no longer drives no balancer.
 * Nothing is remembered that is not on the objects or in a balancer, but for exact times (a gate
 * set False, a member out): a process that takes over waits longer, never shorter.
 *
 * Threads: the client's one. `now` is sl_clock_mono(), `wall` sl_clock_wall().
 */
#ifndef SL_RUN_TRAFFIC_TRAFFIC_H
#define SL_RUN_TRAFFIC_TRAFFIC_H

#include "kube/events.h"
#include "run/reconciler/metrics.h"
#include "run/reconciler/writes.h"

struct sl_traffic_options { /* all borrowed, and outlive it */
    struct sl_fleet *fleet; /* it listens to it */
    struct sl_writes *writes;
    struct sl_events *events;
    struct sl_reconciler_numbers *numbers;
    uint64_t seed; /* of the balancers' jitter */
};
struct sl_traffic;

struct sl_traffic *sl_traffic_open(const struct sl_traffic_options *options);
void sl_traffic_close(struct sl_traffic *traffic); /* after its writes; NULL is fine */
SL_AUTO_PTR(sl_traffic, struct sl_traffic, sl_traffic_close);

/* Turns the load balancers and, where `plans` (writes may be made), plans the pods that are due. */
void sl_traffic_turn(struct sl_traffic *traffic, bool plans, int64_t now, int64_t wall);
int64_t sl_traffic_due(struct sl_traffic *traffic, bool plans);
int sl_traffic_fd(const struct sl_traffic *traffic); /* readable: a turn has something to take */

/* Counts what nobody counts: pods by state, what balancers say. Those live until the next call. */
void sl_traffic_sample(struct sl_traffic *traffic, struct sl_reconciler_numbers *numbers);

#endif
