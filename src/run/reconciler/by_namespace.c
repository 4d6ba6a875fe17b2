/* A sorted array of borrowed records (by_namespace.h). */
#include "run/reconciler/by_namespace.h"

#include <stdlib.h>
#include <string.h>

void sl_by_namespace_cleanup(struct sl_by_namespace *index)
{
    free(index->items);
    *index = (struct sl_by_namespace){.items = NULL};
}

static void add(void *index_, const struct sl_record *record)
{
    struct sl_by_namespace *index = index_;
    if (index->count == index->room) {
        index->room = index->room == 0 ? 16 : 2 * index->room;
        index->items = reallocarray(index->items, index->room, sizeof(const struct sl_record *));
        if (index->items == NULL) {
            abort();
        }
    }
    index->items[index->count++] = record;
}

static int compare(const void *a_, const void *b_)
{
    const struct sl_record *const *a = a_;
    const struct sl_record *const *b = b_;
    int order = strcmp((*a)->ns, (*b)->ns);
    return order != 0 ? order : strcmp((*a)->name, (*b)->name);
}

/* The index of the first that is not in a namespace before `ns`. */
static size_t lower_bound(const struct sl_by_namespace *index, const char *ns)
{
    size_t low = 0;
    size_t high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(index->items[middle]->ns, ns) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t sl_by_namespace_get(struct sl_by_namespace *index, const struct sl_cache *cache,
                           const char *ns, const struct sl_record *const **ret_records)
{
    if (!index->sorted) {
        index->count = 0;
        sl_cache_each(cache, add, index);
        if (index->count > 0) {
            qsort(index->items, index->count, sizeof(const struct sl_record *), compare);
        }
        index->sorted = true;
    }
    size_t first = lower_bound(index, ns);
    size_t end = first;
    while (end < index->count && strcmp(index->items[end]->ns, ns) == 0) {
        end++;
    }
    *ret_records = index->items == NULL ? NULL : index->items + first;
    return end - first;
}
