/* The events of late (series.h): uthash in the order in which they were last seen. There are few,
 * and events are rare: what is due is found by looking at all. */
#include "kube/series.h"

#include <string.h>
#include <uthash.h>

struct entry {
    struct sl_series_one one;
    char *key;
    UT_hash_handle hh;
};

struct sl_series {
    struct entry *entries; /* the one that was seen longest ago */
};

static struct entry *entry_of(struct sl_series_one *one)
{
    return (struct entry *)(void *)one; /* its first member */
}

struct sl_series *sl_series_open(void)
{
    struct sl_series *series = calloc(1, sizeof *series);
    if (series == NULL) {
        abort();
    }
    return series;
}

static void free_entry(struct entry *entry)
{
    free(entry->one.ns);
    free(entry->one.name);
    free(entry->one.body);
    free(entry->key);
    free(entry);
}

/* NOLINTBEGIN(readability-function-size,clang-analyzer-unix.Malloc): what uthash's macros unfold to
 * is long, and the analyzer does not follow its list (2.3.0). */

void sl_series_close(struct sl_series *series)
{
    if (series == NULL) {
        return;
    }
    struct entry *entry = series->entries;
    HASH_CLEAR(hh, series->entries); /* the table alone; the entries keep their links */
    while (entry != NULL) {
        struct entry *next = entry->hh.next;
        free_entry(entry);
        entry = next;
    }
    free(series);
}

static struct entry *find(const struct sl_series *series, struct sl_str key)
{
    struct entry *entry = NULL;
    HASH_FIND(hh, series->entries, key.p, key.n, entry);
    return entry;
}

static void append(struct sl_series *series, struct entry *entry, size_t length)
{
    HASH_ADD_KEYPTR(hh, series->entries, entry->key, length, entry);
}

static void take_out(struct sl_series *series, struct entry *entry)
{
    HASH_DEL(series->entries, entry);
}

static size_t count(const struct sl_series *series)
{
    return HASH_COUNT(series->entries);
}

/* NOLINTEND(readability-function-size,clang-analyzer-unix.Malloc) */

void sl_series_remove(struct sl_series *series, struct sl_series_one *one)
{
    take_out(series, entry_of(one));
    free_entry(entry_of(one));
}

struct sl_series_one *sl_series_again(struct sl_series *series, struct sl_str key, int64_t now)
{
    struct entry *entry = find(series, key);
    if (entry == NULL || (entry->one.request == 0 && now - entry->one.seen >= SL_SERIES_NS)) {
        return NULL;
    }
    take_out(series, entry);
    append(series, entry, key.n);
    return &entry->one;
}

static struct entry *oldest(const struct sl_series *series)
{
    struct entry *entry = series->entries;
    while (entry != NULL && entry->one.request != 0) {
        entry = entry->hh.next;
    }
    return entry;
}

struct sl_series_one *sl_series_add(struct sl_series *series, struct sl_str key, bool *ret_lost)
{
    struct entry *old = find(series, key);
    if (old == NULL && count(series) >= SL_SERIES_MAX) {
        old = oldest(series);
    }
    *ret_lost = old != NULL && old->one.body != NULL;
    if (old != NULL) {
        sl_series_remove(series, &old->one);
    }
    struct entry *entry = calloc(1, sizeof *entry);
    char *copy = malloc(key.n + 1);
    if (entry == NULL || copy == NULL) {
        abort();
    }
    memcpy(copy, key.p, key.n);
    entry->key = copy;
    append(series, entry, key.n);
    return &entry->one;
}

size_t sl_series_waiting(const struct sl_series *series)
{
    size_t waiting = 0;
    for (const struct entry *entry = series->entries; entry != NULL; entry = entry->hh.next) {
        waiting += entry->one.body != NULL;
    }
    return waiting;
}

struct sl_series_one *sl_series_next(const struct sl_series *series, int64_t *ret_at)
{
    struct entry *first = NULL;
    int64_t first_at = INT64_MAX;
    for (struct entry *entry = series->entries; entry != NULL; entry = entry->hh.next) {
        const struct sl_series_one *one = &entry->one;
        int64_t at = one->requested + (one->body == NULL ? SL_SERIES_PACE : 0);
        bool has_news = one->request == 0 && (one->body != NULL || one->count > one->told);
        if (has_news && at < first_at) {
            first = entry;
            first_at = at;
        }
    }
    if (first == NULL) {
        return NULL;
    }
    *ret_at = first_at;
    return &first->one;
}

struct sl_series_one *sl_series_under_way(const struct sl_series *series, uint64_t request)
{
    for (struct entry *entry = series->entries; entry != NULL; entry = entry->hh.next) {
        if (request == 0 ? entry->one.request != 0 : entry->one.request == request) {
            return &entry->one;
        }
    }
    return NULL;
}
