/* A cache of one resource: paged list, then a watch that keeps it true, as client-go's Reflector
 * and Store do.
 *
 * List: pages of 500; a page that is too old (410) starts the list again; what a relist no longer
 * has counts as deleted. Watch: allowWatchBookmarks, resumed from the last resourceVersion that was
 * seen; lines are framed incrementally, at most SL_WATCH_LINE_MAX bytes each; an ERROR of 410 lists
 * again; silence for a minute beyond the server's own timeout starts it again. Failures wait 0.8 s
 * doubled up to 30 s, half of it random. A server that is away leaves the cache as it was.
 *
 * Objects that we wrote enter from the answer (sl_cache_put), so that nothing is planned from
 * something older than our own write: an event with a resourceVersion not above the one held for
 * the same uid is dropped, and so are late events of a uid that is known to be deleted.
 *
 * Records (core/records) are owned by the cache and live until the next sl_client_turn() or
 * sl_cache_put() that changes them. Threads: the client's one.
 */
#ifndef SL_KUBE_CACHE_H
#define SL_KUBE_CACHE_H

#include "core/records/record.h"
#include "kube/client.h"

#define SL_WATCH_LINE_MAX (8 * SL_MIB)

struct sl_cache_options {
    struct sl_client *client; /* borrowed */
    struct sl_resource resource;
    struct sl_str ns;       /* absent: all namespaces */
    struct sl_str selector; /* labelSelector, not escaped; absent: all */
    /* One of an object's JSON; `ctx` is passed on. Objects that it refuses are logged once and left
     * out. One for which it leaves *ret_record NULL is not wanted: as if it were not there. */
    int (*decode)(void *ctx, struct sl_str json, struct sl_record **ret_record, struct sl_err *err);
    void (*destroy)(struct sl_record *record); /* NULL: sl_record_free */
    /* Something changed: `before` NULL: it is new, `after` NULL: it is gone. Called while the cache
     * is being changed: take note, and do not call the cache. NULL: not wanted. */
    void (*changed)(void *ctx, const struct sl_record *before, const struct sl_record *after);
    void *ctx;
    uint64_t seed; /* of the jitter */
};
struct sl_cache;

struct sl_cache *sl_cache_open(const struct sl_cache_options *options);
void sl_cache_close(struct sl_cache *cache); /* before its client; NULL is fine */
SL_AUTO_PTR(sl_cache, struct sl_cache, sl_cache_close);

/* Starts what is due (a list, a watch after its backoff). To be called once a turn, after
 * sl_client_turn(). `now` is sl_clock_mono(). */
void sl_cache_turn(struct sl_cache *cache, int64_t now);
int64_t sl_cache_due(const struct sl_cache *cache); /* INT64_MAX: nothing is */

bool sl_cache_synced(const struct sl_cache *cache); /* a first list was complete; stays true */
/* Since when nothing was heard of the server: 0 while the watch is open. sl_clock_mono(). */
int64_t sl_cache_stale_since(const struct sl_cache *cache);
/* Why the last list or watch failed; "" it did not. Valid until the next turn. */
const char *sl_cache_error(const struct sl_cache *cache);

const struct sl_record *sl_cache_get(const struct sl_cache *cache, struct sl_str ns,
                                     struct sl_str name); /* NULL: not there */
/* Those whose controller has that uid, in no order: returns how many there are and points
 * *ret_records (in the cache, valid as records are) to them. */
size_t sl_cache_owned(const struct sl_cache *cache, const char *owner_uid,
                      const struct sl_record *const **ret_records);
void sl_cache_each(const struct sl_cache *cache,
                   void (*visit)(void *ctx, const struct sl_record *record), void *ctx);

/* The answer of a write of ours: the object as it is now. */
void sl_cache_put(struct sl_cache *cache, struct sl_str json);
/* The answer of a DELETE that took the object away at once, or a 404 for it. */
void sl_cache_forget(struct sl_cache *cache, struct sl_str ns, struct sl_str name, const char *uid);

struct sl_cache_stats {
    size_t objects, bytes;
    uint64_t events, lists, watches, failures; /* since the start */
    uint64_t refused; /* versions of objects that could not be read, since the start */
};
void sl_cache_stats(const struct sl_cache *cache, struct sl_cache_stats *ret_stats);

#endif
