/* Inside JSON Patch (jsonpatch.h, which holds what others need of pointers): following a pointer
 * step by step. Errors: INVALID for a text that is no pointer or no index, NOT_FOUND where nothing
 * is. Nothing that is returned is owned. Source: RFC 6901. Pure functions. */
#ifndef SL_CODEC_JSONPOINTER_H
#define SL_CODEC_JSONPOINTER_H

#include <json-c/json.h>

#include "base/arena.h"
#include "base/err.h"

/* The value at `pointer`; the empty pointer is `root`. The arena takes what is unescaped. */
SL_MUST_USE int sl_pointer_find(struct json_object *root, struct sl_str pointer,
                                struct sl_arena *arena, struct json_object **ret_value,
                                struct sl_err *err);

/* What the last segment of a pointer that is not empty stands in, and that segment. The parent may
 * be anything, the segment need not be in it. */
SL_MUST_USE int sl_pointer_parent(struct json_object *root, struct sl_str pointer,
                                  struct sl_arena *arena, struct json_object **ret_parent,
                                  const char **ret_key, struct sl_err *err);

/* The member or the element `key` of `parent`. */
SL_MUST_USE int sl_pointer_child(struct json_object *parent, const char *key,
                                 struct json_object **ret_child, struct sl_err *err);

/* An index below `limit`: digits, no leading zero. */
SL_MUST_USE int sl_pointer_index(const char *key, size_t limit, size_t *ret_index,
                                 struct sl_err *err);

#endif
