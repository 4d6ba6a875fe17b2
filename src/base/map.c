/* The map (map.h). */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct entry {
    char *key;
    void *value;
    UT_hash_handle hh;
};

struct sl_map {
    struct entry *entries; /* the first that was added */
    void (*destroy)(void *value);
};

struct sl_map *sl_map_open(void (*destroy)(void *value))
{
    struct sl_map *map = calloc(1, sizeof *map);
    if (map == NULL) {
        abort();
    }
    map->destroy = destroy;
    return map;
}

/* NOLINTBEGIN(readability-function-size,clang-analyzer-unix.Malloc): what uthash's macros unfold to
 * is long, and the analyzer does not follow its list (2.3.0). */

void sl_map_close(struct sl_map *map)
{
    if (map == NULL) {
        return;
    }
    struct entry *entry = map->entries;
    HASH_CLEAR(hh, map->entries); /* the table alone; the entries keep their links */
    while (entry != NULL) {
        struct entry *next = entry->hh.next;
        map->destroy(entry->value);
        free(entry->key);
        free(entry);
        entry = next;
    }
    free(map);
}

void *sl_map_get(const struct sl_map *map, struct sl_str key)
{
    struct entry *entry = NULL;
    const char *text =
        key.p == NULL ? "" : key.p; /* memcmp() takes no NULL, not even for nothing */
    HASH_FIND(hh, map->entries, text, key.n, entry);
    return entry == NULL ? NULL : entry->value;
}

void sl_map_add(struct sl_map *map, struct sl_str key, void *value)
{
    struct entry *entry = calloc(1, sizeof *entry);
    char *copy = malloc(key.n + 1);
    if (entry == NULL || copy == NULL) {
        abort();
    }
    if (key.n > 0) {
        memcpy(copy, key.p, key.n);
    }
    copy[key.n] = '\0';
    entry->key = copy;
    entry->value = value;
    HASH_ADD_KEYPTR(hh, map->entries, entry->key, key.n, entry);
}

void sl_map_each(const struct sl_map *map, void (*visit)(void *value))
{
    for (struct entry *entry = map->entries; entry != NULL; entry = entry->hh.next) {
        visit(entry->value);
    }
}

/* NOLINTEND(readability-function-size,clang-analyzer-unix.Malloc) */
