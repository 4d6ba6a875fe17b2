/* A growing buffer with a cap, for text whose size depends on input.
 *
 * Each buffer is made with the most bytes it may ever hold. An append that would pass the cap
 * changes nothing but sets `overflowed`, and from then on every append is ignored: the writer
 * appends freely and asks once at the end with sl_buf_check(). The text is always terminated by a
 * NUL that is not counted. Memory that the system does not have aborts. Not thread-safe.
 */
#ifndef SL_BASE_BUF_H
#define SL_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

#define SL_KIB ((size_t)1024)
#define SL_MIB ((size_t)1024 * 1024)

struct sl_buf {
    char *data; /* NULL while nothing was added */
    size_t len; /* bytes used */
    size_t allocated;
    size_t cap; /* most bytes it may hold */
    bool overflowed;
};

#define SL_BUF_INIT(max_bytes)                                                                     \
    {                                                                                              \
        .cap = (max_bytes)                                                                         \
    }

void sl_buf_cleanup(struct sl_buf *buf); /* releases; the buffer is empty and usable again */
void sl_buf_reset(struct sl_buf *buf);   /* empties, keeps the memory */

void sl_buf_add(struct sl_buf *buf, const void *bytes, size_t count);
void sl_buf_addc(struct sl_buf *buf, char byte);
void sl_buf_adds(struct sl_buf *buf, const char *text);
void sl_buf_addstr(struct sl_buf *buf, struct sl_str text);
void sl_buf_addf(struct sl_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for `count` more bytes at once; false (and overflowed) past the cap. */
bool sl_buf_reserve(struct sl_buf *buf, size_t count);

struct sl_str sl_buf_str(const struct sl_buf *buf); /* valid until the next append */

/* 0, or -1 with INVALID "<what> is larger than <cap> bytes". */
SL_MUST_USE int sl_buf_check(const struct sl_buf *buf, const char *what, struct sl_err *err);

/* Appends `text` as the inside of a JSON string (no quotes): escapes quotes, backslashes, control
 * characters; every byte of invalid UTF-8 becomes U+FFFD, so that the result is always valid. */
void sl_buf_add_json(struct sl_buf *buf, struct sl_str text);
/* The whole JSON string, with its quotes. */
void sl_buf_add_json_string(struct sl_buf *buf, struct sl_str text);

#endif
