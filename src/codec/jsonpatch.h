/* JSON Patch (RFC 6902) and JSON Pointer (RFC 6901): a builder, and an applier on json-c trees.
 *
 * The builder writes text into a buffer: the admission path builds no tree. The applier is for
 * tests and the CLI; it is strict: an operation that the RFC calls an error fails the whole patch.
 */
#ifndef SL_CODEC_JSONPATCH_H
#define SL_CODEC_JSONPATCH_H

#include <json-c/json.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define SL_PATCH_MAX ((size_t)4 * SL_MIB) /* bytes of one patch */
#define SL_PATCH_COPY_MAX 100000 /* values that the "copy" operations of one patch may make */

/* A patch under construction. All zero is not valid: SL_PATCH_INIT. */
struct sl_patch {
    struct sl_buf ops; /* "[{…},{…}" without the last bracket */
    size_t count;
};
#define SL_PATCH_INIT                                                                              \
    {                                                                                              \
        .ops = SL_BUF_INIT(SL_PATCH_MAX)                                                           \
    }
void sl_patch_cleanup(struct sl_patch *patch);

/* `base` with one more segment, "~" and "/" escaped: sl_pointer_add(a, "/metadata/labels", key). */
const char *sl_pointer_add(struct sl_arena *arena, const char *base, struct sl_str segment);

/* Appends one operation. `pointer` is already escaped; `value` is JSON text. "add" also replaces a
 * member that is there (RFC 6902, 4.1). */
void sl_patch_add(struct sl_patch *patch, const char *pointer, struct sl_str value);
void sl_patch_test(struct sl_patch *patch, const char *pointer, struct sl_str value);
void sl_patch_remove(struct sl_patch *patch, const char *pointer);

/* The finished array: the absent slice when there are no operations. Valid until the patch is
 * changed or released. Errors: INVALID when it grew over SL_PATCH_MAX. */
SL_MUST_USE int sl_patch_finish(struct sl_patch *patch, struct sl_str *ret_text,
                                struct sl_err *err);

/* Applies `patch` (an array) to *root, all operations of RFC 6902. On failure *root is as before;
 * on success it is a new tree and the old one is released. Also refused: copies past
 * SL_PATCH_COPY_MAX, nesting past SL_JSON_DEPTH (jscan.h), removing the whole document. Errors:
 * INVALID "operation N (op path): …", N from 1. */
SL_MUST_USE int sl_patch_apply(const struct json_object *patch, struct json_object **root,
                               struct sl_err *err);

/* The value a pointer names, not owned; NOT_FOUND where nothing is there. */
SL_MUST_USE int sl_pointer_get(struct json_object *root, const char *pointer,
                               struct json_object **ret_value, struct sl_err *err);

#endif
