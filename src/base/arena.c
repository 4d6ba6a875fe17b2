/* The arena (arena.h): a list of malloc'ed blocks, filled from the front. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)4096)

struct sl_arena_block {
    struct sl_arena_block *next;
    size_t size; /* bytes of data[] */
    alignas(max_align_t) char data[];
};

static void free_from(struct sl_arena_block *block)
{
    while (block != NULL) {
        struct sl_arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void sl_arena_reset(struct sl_arena *arena)
{
    struct sl_arena_block *keep = arena->blocks;
    arena->used = 0;
    if (keep == NULL) {
        return;
    }
    free_from(keep->next);
    keep->next = NULL;
    if (keep->size > 4 * BLOCK_BYTES) { /* one huge request must not cost memory for ever */
        free(keep);
        arena->blocks = NULL;
    }
}

void sl_arena_cleanup(struct sl_arena *arena)
{
    free_from(arena->blocks);
    *arena = (struct sl_arena){0};
}

void sl_arena_wipe(struct sl_arena *arena)
{
    for (struct sl_arena_block *block = arena->blocks; block != NULL; block = block->next) {
        explicit_bzero(block->data, block->size);
    }
    sl_arena_cleanup(arena);
}

void *sl_arena_alloc(struct sl_arena *arena, size_t bytes)
{
    const size_t align = alignof(max_align_t);
    if (bytes > SIZE_MAX / 2) {
        abort();
    }
    bytes = (bytes + align - 1) & ~(align - 1);
    struct sl_arena_block *block = arena->blocks;
    if (block == NULL || block->size - arena->used < bytes) {
        size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        block = malloc(sizeof *block + size);
        if (block == NULL) {
            abort();
        }
        block->size = size;
        block->next = arena->blocks;
        arena->blocks = block;
        arena->used = 0;
    }
    void *at = block->data + arena->used;
    arena->used += bytes;
    return at;
}

void *sl_arena_zalloc(struct sl_arena *arena, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        abort();
    }
    void *at = sl_arena_alloc(arena, bytes);
    memset(at, 0, bytes);
    return at;
}

struct sl_str sl_arena_str(struct sl_arena *arena, struct sl_str text)
{
    return (struct sl_str){.p = sl_arena_cstr(arena, text), .n = text.n};
}

const char *sl_arena_cstr(struct sl_arena *arena, struct sl_str text)
{
    char *copy = sl_arena_alloc(arena, text.n + 1);
    if (text.n > 0) {
        memcpy(copy, text.p, text.n);
    }
    copy[text.n] = '\0';
    return copy;
}

const char *sl_arena_printf(struct sl_arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        abort();
    }
    char *text = sl_arena_alloc(arena, (size_t)length + 1);
    (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
