/* The records of one cache in the order of their namespace and name, for caches that are small and
 * looked up by namespace often: policies, budgets. Borrows the records; sorted anew at the first
 * question after a change. Threads: one. */
#ifndef SL_RUN_RECONCILER_BY_NAMESPACE_H
#define SL_RUN_RECONCILER_BY_NAMESPACE_H

#include "kube/cache.h"

struct sl_by_namespace { /* all zero is an empty one */
    const struct sl_record **items;
    size_t count, room;
    bool sorted; /* false: the cache has changed since */
};
void sl_by_namespace_cleanup(struct sl_by_namespace *index);

/* Those of a namespace, by name: returns how many there are, and points *ret_records to them, valid
 * until the cache changes. */
size_t sl_by_namespace_get(struct sl_by_namespace *index, const struct sl_cache *cache,
                           const char *ns, const struct sl_record *const **ret_records);

#endif
