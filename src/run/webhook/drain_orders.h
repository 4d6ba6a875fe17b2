/* The annotation sluice.dev/drain onto pods whose eviction waits: from the admission threads, which
 * must not wait for the API server, to the role's loop, which sends the patches.
 *
 *     admission threads ─sl_drain_orders_add()─▶ list, eventfd ─sl_drain_orders_send()─▶ client
 *
 * One pod is under way at most once. Each patch has the pod's uid and resourceVersion for
 * preconditions. One that fails is not tried again: whoever evicts asks again, and by then more is
 * known of the pod. Failures are counted; the log says so once until one succeeds.
 *
 * Threads: add and stats from any, the rest from the client's one. One mutex guards the list and
 * the numbers, is held for one look over the list, and no other lock is taken inside it.
 */
#ifndef SL_RUN_WEBHOOK_DRAIN_ORDERS_H
#define SL_RUN_WEBHOOK_DRAIN_ORDERS_H

#include "core/evictions.h"
#include "kube/client.h"

#define SL_DRAIN_ORDERS_MAX 256 /* under way; more are turned away: they come again */

struct sl_drain_orders;

/* Errors: INTERNAL (no file descriptor is left). */
SL_MUST_USE int sl_drain_orders_open(struct sl_drain_orders **ret_orders, struct sl_err *err);
void sl_drain_orders_close(struct sl_drain_orders *orders); /* NULL is fine */
SL_AUTO_PTR(sl_drain_orders, struct sl_drain_orders, sl_drain_orders_close);

/* Copies the order, unless its pod is under way. */
void sl_drain_orders_add(struct sl_drain_orders *orders, const struct sl_drain_order *order);

/* Readable until the next sl_drain_orders_send() when there is something to send. */
int sl_drain_orders_fd(const struct sl_drain_orders *orders);

/* `now` is sl_clock_mono(). */
void sl_drain_orders_send(struct sl_drain_orders *orders, struct sl_client *client, int64_t now);

/* The reply to one of those; what it says of the pod is known already (kube/cache.h: sl_cache_put).
 */
void sl_drain_orders_reply(struct sl_drain_orders *orders, const struct sl_reply *reply);

struct sl_drain_orders_stats {
    uint64_t done, failed; /* since the start; what was turned away has failed */
};
void sl_drain_orders_stats(struct sl_drain_orders *orders, struct sl_drain_orders_stats *ret_stats);

#endif
