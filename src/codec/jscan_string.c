/* Strings of jscan: checking, skipping, unescaping and comparing them (jscan.h).
 *
 * Nearly all bytes of a Kubernetes object stand inside strings, so the search for the end of a
 * plain run goes eight bytes at a time.
 */
#include <endian.h>
#include <string.h>

#include "codec/jscan.h"
#include "codec/jscan_internal.h"

#define EVERY_BYTE(byte) ((uint64_t)(byte)*UINT64_C(0x0101010101010101))
#define UTF8_MAX 4 /* bytes of one code point */

/* What the byte behind a backslash means; 0: no such escape (\u stands apart). */
static const char escapes[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                  ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* The first byte from `p` on that is not plain: a quote, a backslash, a control character or part
 * of a longer UTF-8 sequence; `end` when there is none. */
static const char *skip_plain(const char *p, const char *end)
{
    while ((size_t)(end - p) >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        word = le64toh(word);
        /* A subtraction sets the top bit of a byte that is below what is subtracted. Its borrow can
         * spoil only bytes behind that one, and the first is the only one that counts. */
        uint64_t stops =
            (word | (word - EVERY_BYTE(0x20)) | ((word ^ EVERY_BYTE('"')) - EVERY_BYTE(1)) |
             ((word ^ EVERY_BYTE('\\')) - EVERY_BYTE(1))) &
            EVERY_BYTE(0x80);
        if (stops != 0) {
            return p + __builtin_ctzll(stops) / 8;
        }
        p += sizeof word;
    }
    while (p < end && is_plain((unsigned char)*p)) {
        p++;
    }
    return p;
}

static bool read_hex4(const char *p, const char *end, uint32_t *ret_code)
{
    uint32_t code = 0;
    if (end - p < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        char lower = (char)(p[i] | 0x20);
        if (p[i] >= '0' && p[i] <= '9') {
            code = code * 16 + (uint32_t)(p[i] - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            code = code * 16 + (uint32_t)(lower - 'a') + 10;
        } else {
            return false;
        }
    }
    *ret_code = code;
    return true;
}

/* Reads the escape whose backslash is at `p`: its code point, and what follows it as the result. */
static const char *read_escape(const char *p, const char *end, uint32_t *ret_code,
                               struct sl_jfault *fault)
{
    uint32_t code = 0;
    uint32_t low = 0;
    if (end - p < 2) {
        return sl_jscan_fault(fault, p, "a string without its closing quote");
    }
    if (p[1] != 'u') {
        *ret_code = (unsigned char)escapes[(unsigned char)p[1]];
        return *ret_code != 0 ? p + 2 : sl_jscan_fault(fault, p, "no such escape in JSON");
    }
    if (!read_hex4(p + 2, end, &code)) {
        return sl_jscan_fault(fault, p, "\\u needs four hexadecimal digits");
    }
    if (code < 0xd800 || code > 0xdfff) {
        *ret_code = code;
        return p + 6;
    }
    if (code > 0xdbff || end - p < 12 || p[6] != '\\' || p[7] != 'u' ||
        !read_hex4(p + 8, end, &low) || low < 0xdc00 || low > 0xdfff) {
        return sl_jscan_fault(fault, p, "a surrogate without the other half of its pair");
    }
    *ret_code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    return p + 12;
}

const char *sl_jstring_check(const char *p, const char *end, bool *ret_escaped,
                             struct sl_jfault *fault)
{
    const char *start = p;
    bool escaped = false;
    uint32_t code = 0;
    p = skip_plain(p + 1, end);
    while (p != NULL && p < end && *p != '"') {
        if (*p == '\\') {
            escaped = true;
            p = read_escape(p, end, &code, fault);
        } else if ((unsigned char)*p < 0x20) {
            return sl_jscan_fault(fault, p, "a control character in a string must be escaped");
        } else {
            size_t length = sl_utf8_length(p, (size_t)(end - p));
            p = length > 0 ? p + length : sl_jscan_fault(fault, p, "invalid UTF-8");
        }
        p = p == NULL ? NULL : skip_plain(p, end);
    }
    if (p == NULL) {
        return NULL;
    }
    if (p == end) {
        return sl_jscan_fault(fault, start, "a string without its closing quote");
    }
    *ret_escaped = escaped;
    return p + 1;
}

const char *sl_jstring_skip(const char *p, const char *end, bool *ret_escaped)
{
    bool escaped = false;
    p = skip_plain(p + 1, end);
    while (p < end && *p != '"') {
        bool backslash = *p == '\\';
        escaped = escaped || backslash;
        p = skip_plain(backslash && end - p > 1 ? p + 2 : p + 1, end);
    }
    *ret_escaped = escaped;
    return p < end ? p + 1 : end;
}

static size_t write_utf8(uint32_t code, char out[UTF8_MAX])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)((0xf00 >> n & 0xff) | code);
    return n;
}

/* Cuts the next piece off the inside of a string: a run without escapes, or what one escape means.
 * False at the end. */
static bool next_piece(struct sl_str *rest, char decoded[UTF8_MAX], struct sl_str *ret_piece)
{
    if (rest->n == 0) {
        return false;
    }
    const char *end = rest->p + rest->n;
    const char *after = NULL;
    if (*rest->p == '\\') {
        uint32_t code = 0;
        struct sl_jfault unused;
        after = read_escape(rest->p, end, &code, &unused);
        if (after == NULL) {
            return false;
        }
        *ret_piece = (struct sl_str){.p = decoded, .n = write_utf8(code, decoded)};
    } else {
        after = memchr(rest->p, '\\', rest->n);
        after = after == NULL ? end : after;
        *ret_piece = (struct sl_str){.p = rest->p, .n = (size_t)(after - rest->p)};
    }
    *rest = (struct sl_str){.p = after, .n = (size_t)(end - after)};
    return true;
}

struct sl_str sl_jstring_inside(struct sl_jval value)
{
    if (value.type != SL_J_STRING || value.raw.n < 2) {
        return (struct sl_str){0};
    }
    return (struct sl_str){.p = value.raw.p + 1, .n = value.raw.n - 2};
}

struct sl_str sl_jval_str(struct sl_jval value, struct sl_arena *arena)
{
    struct sl_str rest = sl_jstring_inside(value);
    struct sl_str piece;
    char decoded[UTF8_MAX];
    if (!value.escaped || rest.n == 0) {
        return rest;
    }
    /* No escape is shorter than what it means. */
    char *text = sl_arena_alloc(arena, rest.n);
    size_t n = 0;
    while (next_piece(&rest, decoded, &piece)) {
        memcpy(text + n, piece.p, piece.n);
        n += piece.n;
    }
    return (struct sl_str){.p = text, .n = n};
}

bool sl_jval_is(struct sl_jval value, struct sl_str text)
{
    struct sl_str rest = sl_jstring_inside(value);
    struct sl_str piece;
    char decoded[UTF8_MAX];
    if (rest.p == NULL) {
        return false;
    }
    if (!value.escaped) {
        return sl_str_eq(rest, text);
    }
    while (next_piece(&rest, decoded, &piece)) {
        if (!sl_str_starts(text, piece)) {
            return false;
        }
        text = (struct sl_str){.p = text.p + piece.n, .n = text.n - piece.n};
    }
    return text.n == 0;
}
