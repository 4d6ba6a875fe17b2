/* The pods whose evictions the webhook decides about, shared between the cache that follows them
 * (policy_watch.c) and the admission threads.
 *
 * A pod's status changes all the time, so this is no snapshot that is replaced whole: it points to
 * the cache's own records, and one mutex keeps a record from being changed while it is read. Held
 * for one look-up or one change; no other lock is taken inside it.
 *
 * It also remembers since when evictions of a pod are told to wait whose drain has not begun: that
 * is until our annotation is on the pod, and its budget has room. Where the annotation cannot be
 * written, the time of the pod's policy counts from then, so that a node can always be drained.
 */
#ifndef SL_RUN_WEBHOOK_EVICTEES_H
#define SL_RUN_WEBHOOK_EVICTEES_H

#include "core/evictions.h"
#include "core/records/record.h"

struct sl_evictee_set;

struct sl_evictee_set *sl_evictee_set_open(void);
void sl_evictee_set_close(struct sl_evictee_set *set); /* NULL is fine */
SL_AUTO_PTR(sl_evictee_set, struct sl_evictee_set, sl_evictee_set_close);

/* As the cache says so (kube/cache.h: `changed`), with records of core/records/evictee.h. `after`
 * is borrowed until it is the next `before`. One thread. */
void sl_evictee_set_changed(struct sl_evictee_set *set, const struct sl_record *before,
                            const struct sl_record *after);

/* What the decision looks up: its `find`. Any thread. */
struct sl_evictees sl_evictee_set_known(struct sl_evictee_set *set);

/* An eviction of the pod was told to wait, at `now` (ns since 1970). Forgotten when the pod gets a
 * dated annotation. Any thread. */
void sl_evictee_set_asked(struct sl_evictee_set *set, const struct sl_drain_order *order,
                          int64_t now);

#endif
