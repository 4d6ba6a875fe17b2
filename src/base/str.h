/* Slices: text that somebody else owns, with its length, not terminated by a NUL.
 *
 * Ownership: a slice owns nothing; it lives as long as what it points into (a request's body, an
 * arena, a literal). Pure functions, any thread.
 */
#ifndef SL_BASE_STR_H
#define SL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

struct sl_str {
    const char *p; /* NULL: absent */
    size_t n;      /* bytes */
};

/* A slice of a string literal; the one-argument form works in static initialisers too. */
#define SL_STR(literal) ((struct sl_str){.p = "" literal, .n = sizeof(literal) - 1})
#define SL_STR_INIT(literal)                                                                       \
    {                                                                                              \
        .p = "" literal, .n = sizeof(literal) - 1                                                  \
    }

/* For printf's "%.*s". Texts here are capped far below INT_MAX. */
#define SL_STR_FMT(s) (int)(s).n, (s).p == NULL ? "" : (s).p

struct sl_str sl_str_from(const char *text); /* NULL gives the absent slice */
bool sl_str_eq(struct sl_str a, struct sl_str b);
bool sl_str_is(struct sl_str a, const char *text);
bool sl_str_starts(struct sl_str a, struct sl_str prefix);
bool sl_str_ends(struct sl_str a, struct sl_str suffix);
int sl_str_cmp(struct sl_str a, struct sl_str b); /* byte order, as strcmp */

/* Cuts `*rest` at the first `separator`: returns what is before it and leaves what is after it.
 * Without a separator returns all and leaves the absent slice. */
struct sl_str sl_str_cut(struct sl_str *rest, char separator);

/* The bytes (1 to 4) of the UTF-8 sequence that `text` begins with, or 0 when it begins with none
 * (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). n > 0. */
size_t sl_utf8_length(const char *text, size_t n);

#endif
