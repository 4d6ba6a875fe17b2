/* A map from text to pointers, on uthash: the one file that sees uthash's macros is map.c.
 *
 * Keys are copied. Values are released with the `destroy` that the map was opened with when it is
 * closed. Several threads may read a map that nobody changes.
 */
#ifndef SL_BASE_MAP_H
#define SL_BASE_MAP_H

#include "base/cleanup.h"
#include "base/str.h"

struct sl_map;

struct sl_map *sl_map_open(void (*destroy)(void *value));
void sl_map_close(struct sl_map *map); /* NULL is fine */

void *sl_map_get(const struct sl_map *map, struct sl_str key); /* NULL: not there */

/* Adds a key that is not there yet; the value is the map's from now on. */
void sl_map_add(struct sl_map *map, struct sl_str key, void *value);

/* Calls visit() for every value, in the order in which they were added. */
void sl_map_each(const struct sl_map *map, void (*visit)(void *value));

#endif
