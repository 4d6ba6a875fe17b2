/* The policies in force: one immutable snapshot at a time, shared by the request threads.
 *
 * A request takes a reference, decides by that snapshot, and gives the reference back; the role's
 * loop puts a new snapshot in its place. Nobody waits for anybody: a snapshot that was replaced
 * lives until the last request that began with it has ended.
 *
 * Threads: acquire, release and the counts from any; swap from one at a time. The store's mutex
 * guards the one pointer, is held for two instructions, and no other lock is taken inside it. The
 * count of references is atomic.
 */
#ifndef SL_RUN_POLICY_STORE_H
#define SL_RUN_POLICY_STORE_H

#include <stdint.h>

#include "core/snapshot.h"

struct sl_policy_store;
struct sl_policies; /* a snapshot with its references */

/* In force is an empty snapshot, until the first swap. Closed after the last release. */
struct sl_policy_store *sl_policy_store_open(void);
void sl_policy_store_close(struct sl_policy_store *store);
SL_AUTO_PTR(sl_policy_store, struct sl_policy_store, sl_policy_store_close);

/* Takes over a sealed snapshot and puts it in force. `now` is in seconds since 1970. */
void sl_policy_store_swap(struct sl_policy_store *store, struct sl_snapshot *snapshot, int64_t now);

/* When the last swap was; 0: there was none. */
int64_t sl_policy_store_loaded(struct sl_policy_store *store);

/* Never NULL. Released once, by any thread. */
struct sl_policies *sl_policy_store_acquire(struct sl_policy_store *store);
void sl_policies_release(struct sl_policies *policies);
SL_AUTO_PTR(sl_policies, struct sl_policies, sl_policies_release);

const struct sl_snapshot *sl_policies_snapshot(const struct sl_policies *policies);

#endif
