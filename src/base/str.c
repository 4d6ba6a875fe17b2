/* Slices (str.h). */
#include "base/str.h"

#include <string.h>

struct sl_str sl_str_from(const char *text)
{
    return (struct sl_str){.p = text, .n = text == NULL ? 0 : strlen(text)};
}

bool sl_str_eq(struct sl_str a, struct sl_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool sl_str_is(struct sl_str a, const char *text)
{
    return sl_str_eq(a, sl_str_from(text));
}

bool sl_str_starts(struct sl_str a, struct sl_str prefix)
{
    return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

bool sl_str_ends(struct sl_str a, struct sl_str suffix)
{
    return a.n >= suffix.n &&
           (suffix.n == 0 || memcmp(a.p + a.n - suffix.n, suffix.p, suffix.n) == 0);
}

int sl_str_cmp(struct sl_str a, struct sl_str b)
{
    size_t common = a.n < b.n ? a.n : b.n;
    int order = common == 0 ? 0 : memcmp(a.p, b.p, common);
    if (order != 0) {
        return order;
    }
    return (a.n > b.n) - (a.n < b.n);
}

struct sl_str sl_str_cut(struct sl_str *rest, char separator)
{
    struct sl_str head = *rest;
    const char *at = rest->n == 0 ? NULL : memchr(rest->p, separator, rest->n);
    if (at == NULL) {
        *rest = (struct sl_str){0};
        return head;
    }
    head.n = (size_t)(at - rest->p);
    *rest = (struct sl_str){.p = at + 1, .n = rest->n - head.n - 1};
    return head;
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t sl_utf8_length(const char *text, size_t n)
{
    unsigned char b[4] = {0}; /* zero is no continuation byte: a short text fails by itself */
    for (size_t i = 0; i < n && i < sizeof b; i++) {
        b[i] = (unsigned char)text[i];
    }
    if (b[0] < 0x80) {
        return 1;
    }
    if (b[0] >= 0xc2 && b[0] <= 0xdf) {
        return is_continuation(b[1]) ? 2 : 0;
    }
    if (b[0] >= 0xe0 && b[0] <= 0xef) {
        unsigned char low = b[0] == 0xe0 ? 0xa0 : 0x80;
        unsigned char high = b[0] == 0xed ? 0x9f : 0xbf;
        return b[1] >= low && b[1] <= high && is_continuation(b[2]) ? 3 : 0;
    }
    if (b[0] >= 0xf0 && b[0] <= 0xf4) {
        unsigned char low = b[0] == 0xf0 ? 0x90 : 0x80;
        unsigned char high = b[0] == 0xf4 ? 0x8f : 0xbf;
        return b[1] >= low && b[1] <= high && is_continuation(b[2]) && is_continuation(b[3]) ? 4
                                                                                             : 0;
    }
    return 0;
}
