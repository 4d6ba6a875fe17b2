/* What the three files of jscan share, and json.c for its errors: jscan.c checks a text and fills
 * rows, jscan_string.c knows strings, jscan_value.c walks values that were checked.
 *
 * All of it takes a position `p` and the `end` of the text, and reads nothing at or behind `end`.
 */
#ifndef SL_CODEC_JSCAN_INTERNAL_H
#define SL_CODEC_JSCAN_INTERNAL_H

#include "codec/jscan.h"

/* Why a text was refused; `at` is the first byte that is wrong. */
struct sl_jfault {
    const char *at;
    const char *why;
    struct sl_str member; /* the member it is about, or absent */
};

/* The enum sl_jtype of a value by its first byte; SL_J_ABSENT where no value begins like that. */
extern const unsigned char sl_jscan_types[256];

static inline enum sl_jtype sl_jscan_type(const char *p, const char *end)
{
    return p < end ? (enum sl_jtype)sl_jscan_types[(unsigned char)*p] : SL_J_ABSENT;
}

static inline const char *sl_jscan_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    return p;
}

/* The slice from `start` to `end`, as a value. */
static inline struct sl_jval sl_jscan_value(const char *start, const char *end, enum sl_jtype type,
                                            bool escaped)
{
    return (struct sl_jval){
        .raw = {.p = start, .n = (size_t)(end - start)}, .type = type, .escaped = escaped};
}

/* Sets the fault and returns NULL. */
const char *sl_jscan_fault(struct sl_jfault *fault, const char *at, const char *why);

/* Makes the fault in `text` an error with line and column; returns -1. */
int sl_jscan_report(const struct sl_jfault *fault, const char *text, struct sl_err *err);

/* The text of a string between its quotes, as it stands; the absent slice of anything else. */
struct sl_str sl_jstring_inside(struct sl_jval value);

/* Checks the string whose opening quote is at `p`. Returns what follows its closing quote, or NULL
 * with the fault. */
const char *sl_jstring_check(const char *p, const char *end, bool *ret_escaped,
                             struct sl_jfault *fault);

/* The same for a string that was checked: only looks for its closing quote. `end` without one. */
const char *sl_jstring_skip(const char *p, const char *end, bool *ret_escaped);

/* What an object's rows want: the table, and what its offsets are added to. */
struct sl_jwanted {
    const struct sl_jrow *rows; /* NULL: nothing */
    char *base;
};

/* The row that names `key` (a string), or NULL. `*seen` has a bit for each row that was met in this
 * object; a row met again is the fault. */
const struct sl_jrow *sl_jscan_row(struct sl_jwanted wanted, struct sl_jval key, uint32_t *seen,
                                   struct sl_jfault *fault);

/* What `row` (NULL: none) wants of the members of its value. */
static inline struct sl_jwanted sl_jscan_wanted(struct sl_jwanted outer, const struct sl_jrow *row)
{
    if (row == NULL || row->rows == NULL) {
        return (struct sl_jwanted){0};
    }
    return (struct sl_jwanted){.rows = row->rows, .base = outer.base + row->base};
}

/* Puts `value` where `row` (NULL: none) wants it. */
static inline void sl_jscan_store(struct sl_jwanted wanted, const struct sl_jrow *row,
                                  struct sl_jval value)
{
    if (row != NULL && row->at != SL_JROW_NO_VALUE) {
        *(struct sl_jval *)(void *)(wanted.base + row->at) = value;
    }
}

#endif
