/* An arena: memory that lives as long as one piece of work (a request, a policy snapshot) and is
 * released in one step.
 *
 * For small things whose number is bounded by an input that is itself capped. Allocation never
 * returns NULL: when the system has no memory the process aborts. Not thread-safe: one arena, one
 * thread at a time. Memory is aligned for any type and NOT zeroed unless said.
 */
#ifndef SL_BASE_ARENA_H
#define SL_BASE_ARENA_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/str.h"

struct sl_arena_block;

/* Not opaque so that an arena can stand on the stack or inside what it serves; fields are private.
 * All zero is a valid empty arena. */
struct sl_arena {
    struct sl_arena_block *blocks; /* newest first */
    size_t used;                   /* of the newest block, bytes */
};

/* Releases everything but one block, so that the next request needs no malloc. */
void sl_arena_reset(struct sl_arena *arena);
void sl_arena_cleanup(struct sl_arena *arena);
void sl_arena_wipe(struct sl_arena *arena); /* the same of an arena that holds secrets */

void *sl_arena_alloc(struct sl_arena *arena, size_t bytes) __attribute__((malloc));
void *sl_arena_zalloc(struct sl_arena *arena, size_t count, size_t size) __attribute__((malloc));

/* Copies, terminated by a NUL. The slice's length does not count the NUL. */
struct sl_str sl_arena_str(struct sl_arena *arena, struct sl_str text);
const char *sl_arena_cstr(struct sl_arena *arena, struct sl_str text);
const char *sl_arena_printf(struct sl_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
