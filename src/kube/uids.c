/* The uids that came last (uids.h): a uthash set over a ring. */
#include "kube/uids.h"

#include <string.h>
#include <uthash.h>

struct slot {
    char uid[SL_UID_MAX + 1];
    UT_hash_handle hh;
};

struct sl_uids {
    struct slot *set;
    struct slot *ring; /* NULL until the first comes: most caches never see one */
    size_t most, next;
    bool full;
};

struct sl_uids *sl_uids_open(size_t most)
{
    struct sl_uids *uids = calloc(1, sizeof *uids);
    if (uids == NULL) {
        abort();
    }
    uids->most = most;
    return uids;
}

static struct sl_str cut(struct sl_str uid)
{
    if (uid.p == NULL) {
        return SL_STR("");
    }
    return (struct sl_str){.p = uid.p, .n = uid.n < SL_UID_MAX ? uid.n : SL_UID_MAX};
}

/* NOLINTBEGIN(readability-function-size,clang-analyzer-unix.Malloc): what uthash's macros unfold to
 * is long, and the analyzer does not follow its list (2.3.0). */

void sl_uids_clear(struct sl_uids *uids)
{
    HASH_CLEAR(hh, uids->set);
    free(uids->ring);
    uids->ring = NULL;
    uids->next = 0;
    uids->full = false;
}

bool sl_uids_has(const struct sl_uids *uids, struct sl_str uid)
{
    struct slot *found = NULL;
    struct sl_str key = cut(uid);
    HASH_FIND(hh, uids->set, key.p, key.n, found);
    return found != NULL;
}

bool sl_uids_add(struct sl_uids *uids, struct sl_str uid)
{
    struct sl_str key = cut(uid);
    if (sl_uids_has(uids, key)) {
        return false;
    }
    if (uids->ring == NULL) {
        uids->ring = calloc(uids->most, sizeof(struct slot));
        if (uids->ring == NULL) {
            abort();
        }
    }
    struct slot *slot = &uids->ring[uids->next];
    if (uids->full) {
        HASH_DEL(uids->set, slot);
    }
    memcpy(slot->uid, key.p, key.n);
    HASH_ADD_KEYPTR(hh, uids->set, slot->uid, key.n, slot);
    uids->next = (uids->next + 1) % uids->most;
    uids->full = uids->full || uids->next == 0;
    return true;
}

/* NOLINTEND(readability-function-size,clang-analyzer-unix.Malloc) */

void sl_uids_close(struct sl_uids *uids)
{
    if (uids == NULL) {
        return;
    }
    sl_uids_clear(uids);
    free(uids);
}
