/* jscan: reads JSON in one pass without building a tree.
 *
 * A static table of rows says which members of nested objects are wanted; one pass over the text
 * checks all of it and stores a slice of each wanted value. Everything else is checked and skipped.
 * Used for whatever arrives at the webhook; documents of our own (configuration, patches) use
 * codec/json.h.
 *
 *     struct meta { struct sl_jval name, labels; };
 *     struct pod { struct sl_jval self; struct meta meta; };
 *     static const struct sl_jrow meta_rows[] = {
 *         {.key = "name", .at = offsetof(struct meta, name)},
 *         {.key = "labels", .at = offsetof(struct meta, labels)},
 *         {0}};
 *     static const struct sl_jrow pod_rows[] = {
 *         {.key = "metadata", .at = SL_JROW_NO_VALUE, .rows = meta_rows,
 *          .base = offsetof(struct pod, meta)},
 *         {0}};
 *
 * Strictness (RFC 8259): exactly one value with white space around it; no BOM, no comments, no
 * trailing commas, no leading zeros; UTF-8 without overlong forms or surrogates; escapes checked,
 * \u surrogates only in pairs; control characters refused in strings. Beyond the RFC, as it allows:
 * nesting deeper than SL_JSON_DEPTH is refused, and so is a member that occurs twice in an object
 * in which a row names it (keys are compared unescaped).
 *
 * Pure functions, any thread. Slices point into the text and live as long as it does.
 */
#ifndef SL_CODEC_JSCAN_H
#define SL_CODEC_JSCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define SL_JSON_DEPTH 128 /* arrays and objects inside one another, the outermost included */

enum sl_jtype {
    SL_J_ABSENT = 0,
    SL_J_NULL,
    SL_J_BOOL,
    SL_J_NUMBER,
    SL_J_STRING,
    SL_J_ARRAY,
    SL_J_OBJECT,
};

/* One value: the slice of its text, without white space around it, strings with their quotes. */
struct sl_jval {
    struct sl_str raw;
    enum sl_jtype type;
    bool escaped; /* a string with a backslash in it: its raw text is not its meaning */
};

#define SL_JROW_NO_VALUE ((size_t)-1)
#define SL_JROWS_MAX 32 /* rows of one object */

/* One wanted member of an object. A table ends with a row whose key is NULL. */
struct sl_jrow {
    const char *key;
    size_t at;                  /* offset of the struct sl_jval to set, or SL_JROW_NO_VALUE */
    const struct sl_jrow *rows; /* wanted members of this member when it is an object, or NULL */
    size_t base;                /* what offsets in `rows` are added to, from this row's own base */
};

/* Checks all of `text` and fills the values that `rows` name in the struct at `out` (NULL rows:
 * only checks). What is not in the text stays as it was: zero `out` first, type SL_J_ABSENT. When
 * `rows` is not NULL and the text is no object: everything stays absent; *ret_root (NULL: not
 * wanted) is the outermost value. On failure `out` may be filled in part. Errors: INVALID "invalid
 * JSON at line L, column C: …" (columns in bytes, from 1). */
SL_MUST_USE int sl_jscan(struct sl_str text, const struct sl_jrow *rows, void *out,
                         struct sl_jval *ret_root, struct sl_err *err);

/* Reads past the first value of a stream of JSON texts: on success *rest is what follows it.
 * At the end of the input (nothing but white space left) *ret_value is absent. A number or a word
 * ends at the next space, bracket, comma or quote. Errors as above, lines counted from *rest. */
SL_MUST_USE int sl_jscan_next(struct sl_str *rest, struct sl_jval *ret_value, struct sl_err *err);

/* Whether two texts are the same JSON value: equal bytes are; else members may stand in any order
 * and strings be escaped in any way, while numbers are compared as they are written (1 and 1.0
 * differ). What is no JSON, and an object with a key twice or too many members in another order, is
 * different. */
bool sl_jscan_equal(struct sl_str a, struct sl_str b);

/* --- values that sl_jscan() has checked --- */

/* Walks the members of an object or the elements of an array, of a value that was checked. Over
 * anything else it is at its end at once.
 *
 *     struct sl_jiter it = sl_jiter(labels);
 *     while (sl_jiter_next(&it, &key, &value)) { … }
 */
struct sl_jiter {
    struct sl_str rest;
    bool object;
};
struct sl_jiter sl_jiter(struct sl_jval container);

/* False at the end, outputs untouched. *ret_key (NULL: not wanted) is absent for an element. */
bool sl_jiter_next(struct sl_jiter *it, struct sl_jval *ret_key, struct sl_jval *ret_value);

/* The rows of one object that was checked (an element of an array, say), as sl_jscan() fills them.
 * Errors: INVALID 'invalid JSON: member "…" occurs twice'. */
SL_MUST_USE int sl_jval_scan(struct sl_jval object, const struct sl_jrow *rows, void *out,
                             struct sl_err *err);

size_t sl_jval_count(struct sl_jval container); /* members or elements; 0 for anything else */

/* The meaning of a string: a slice of the input where nothing is escaped, else unescaped into the
 * arena. Not a string: the absent slice. */
struct sl_str sl_jval_str(struct sl_jval value, struct sl_arena *arena);

/* Whether a string means exactly `text`; false for anything but a string. */
bool sl_jval_is(struct sl_jval value, struct sl_str text);

/* A number that is a whole number in int64's range, written without fraction or exponent. */
bool sl_jval_int(struct sl_jval value, int64_t *ret_number);

bool sl_jval_true(struct sl_jval value); /* the literal true, nothing else */

/* The first member of that name of an object that was checked; absent when there is none. */
struct sl_jval sl_jval_get(struct sl_jval object, struct sl_str key);

#endif
