/* The caches (kube/cache.h) behind a picture, turned together: what `get` and `traffic` look at.
 * One thread. */
#ifndef SL_CLI_ROLLOUT_CACHES_H
#define SL_CLI_ROLLOUT_CACHES_H

#include "cli/rollout/cluster.h"
#include "kube/cache.h"

#define SL_CACHES_MAX 3

/* Not opaque so that it can stand in what it serves; zero but `cluster` is empty. It must not move
 * once a cache was added. */
struct sl_caches {
    const struct sl_cluster *cluster;      /* borrowed */
    struct sl_cache *items[SL_CACHES_MAX]; /* NULL: none */
    bool changed;                          /* something did since this was set false */
};
void sl_caches_close(struct sl_caches *caches);

typedef int sl_caches_decode(void *ctx, struct sl_str json, struct sl_record **ret_record,
                             struct sl_err *err);

/* Opens the index-th. ns NULL: all namespaces. `destroy` NULL: sl_record_free(). */
void sl_caches_add(struct sl_caches *caches, size_t index, const struct sl_resource *resource,
                   const char *ns, const char *selector, sl_caches_decode *decode,
                   void (*destroy)(struct sl_record *record));

/* Moves on what can be moved, until something changed, but no sooner than `soonest`, or until
 * `until`. sl_clock_mono(). False, at once: nobody reads standard output any more. */
bool sl_caches_wait(struct sl_caches *caches, int64_t soonest, int64_t until);

/* Until all was read for the first time. Errors: TRANSIENT; as a write to standard output would
 * say. */
SL_MUST_USE int sl_caches_settle(struct sl_caches *caches, struct sl_err *err);

/* What a write would say, which may never come: standard output is not read any more. */
int sl_caches_unread(struct sl_err *err);

const char *sl_caches_error(const struct sl_caches *caches); /* why a read failed last; "" */

/* All records of the index-th, in no order, as an array in the arena. */
const struct sl_record **sl_caches_records(const struct sl_caches *caches, size_t index,
                                           struct sl_arena *arena, size_t *ret_count);

#endif
