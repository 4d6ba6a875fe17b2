/* The uids that came last, at most a fixed number: what was deleted lately, so that a late event
 * does not bring it back. One thread. */
#ifndef SL_KUBE_UIDS_H
#define SL_KUBE_UIDS_H

#include "base/cleanup.h"
#include "base/str.h"

/* Longer ones are cut here: the API server's have 36 bytes. */
#define SL_UID_MAX 39

struct sl_uids;

struct sl_uids *sl_uids_open(size_t most);
void sl_uids_close(struct sl_uids *uids); /* NULL is fine */

/* False: it was there already. Past the most, the oldest is forgotten. */
bool sl_uids_add(struct sl_uids *uids, struct sl_str uid);
bool sl_uids_has(const struct sl_uids *uids, struct sl_str uid);
void sl_uids_clear(struct sl_uids *uids);

#endif
