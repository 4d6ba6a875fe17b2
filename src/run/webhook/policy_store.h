/* What is in force: one immutable snapshot of the policies and one of the hand-overs at a time,
 * shared by the request threads.
 *
 * A request takes a reference to both, decides by them, and gives the reference back; the role's
 * loop puts a new snapshot in the place of either. Nobody waits for anybody: a snapshot that was
 * replaced lives until the last request that began with it has ended.
 *
 * Threads: acquire, release and the counts from any; swaps from one. The store's mutex
 * guards the one pointer, is held for two instructions, and no other lock is taken inside it. The
 * count of references is atomic.
 */
#ifndef SL_RUN_WEBHOOK_POLICY_STORE_H
#define SL_RUN_WEBHOOK_POLICY_STORE_H

#include <stdint.h>

#include "core/handovers.h"
#include "core/snapshot.h"

struct sl_policy_store;
struct sl_policies; /* the two snapshots of one moment, with their references */

/* In force are empty snapshots, until the first swap. Closed after the last release. */
struct sl_policy_store *sl_policy_store_open(void);
void sl_policy_store_close(struct sl_policy_store *store);
SL_AUTO_PTR(sl_policy_store, struct sl_policy_store, sl_policy_store_close);

/* Takes over a sealed snapshot and puts it in force. `now` is in seconds since 1970. */
void sl_policy_store_swap(struct sl_policy_store *store, struct sl_snapshot *snapshot, int64_t now);

/* The same of the hand-overs; the policies stay as they are, and so does their date. */
void sl_policy_store_swap_handovers(struct sl_policy_store *store, struct sl_handovers *handovers);

/* When the last swap of the policies was; 0: there was none. */
int64_t sl_policy_store_loaded(struct sl_policy_store *store);

/* Never NULL. Released once, by any thread. */
struct sl_policies *sl_policy_store_acquire(struct sl_policy_store *store);
void sl_policies_release(struct sl_policies *policies);
SL_AUTO_PTR(sl_policies, struct sl_policies, sl_policies_release);

const struct sl_snapshot *sl_policies_snapshot(const struct sl_policies *policies);
const struct sl_handovers *sl_policies_handovers(const struct sl_policies *policies);

#endif
