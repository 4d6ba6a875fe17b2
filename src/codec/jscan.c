/* The scanner itself (jscan.h): one pass that checks a text and fills rows on its way.
 *
 * The first thing that touches a request's body, and the main cost of a review. Every scan_…()
 * takes the position where its construct begins and returns the position behind it, or NULL with
 * the fault set; the position stays in a register that way. It recurses once per nested container,
 * which SL_JSON_DEPTH bounds.
 */
#include "codec/jscan.h"

#include <assert.h>

#include "codec/jscan_internal.h"

struct scan {
    const char *end;
    struct sl_jfault fault;
};

const unsigned char sl_jscan_types[256] = {
    ['n'] = SL_J_NULL,   ['t'] = SL_J_BOOL,   ['f'] = SL_J_BOOL,   ['"'] = SL_J_STRING,
    ['['] = SL_J_ARRAY,  ['{'] = SL_J_OBJECT, ['-'] = SL_J_NUMBER, ['0'] = SL_J_NUMBER,
    ['1'] = SL_J_NUMBER, ['2'] = SL_J_NUMBER, ['3'] = SL_J_NUMBER, ['4'] = SL_J_NUMBER,
    ['5'] = SL_J_NUMBER, ['6'] = SL_J_NUMBER, ['7'] = SL_J_NUMBER, ['8'] = SL_J_NUMBER,
    ['9'] = SL_J_NUMBER,
};

static const char *scan_value(struct scan *s, const char *p, unsigned depth,
                              struct sl_jwanted wanted, struct sl_jval *ret_value);

const char *sl_jscan_fault(struct sl_jfault *fault, const char *at, const char *why)
{
    fault->at = at;
    fault->why = why;
    return NULL;
}

/* Lines are counted only here: a text that is right never pays for them. */
int sl_jscan_report(const struct sl_jfault *fault, const char *text, struct sl_err *err)
{
    size_t line = 1;
    const char *line_start = text;
    for (const char *p = text; p < fault->at; p++) {
        if (*p == '\n') {
            line++;
            line_start = p + 1;
        }
    }
    size_t column = (size_t)(fault->at - line_start) + 1;
    if (fault->member.p != NULL) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "invalid JSON at line %zu, column %zu: member \"%.*s\" %s", line, column,
                          SL_STR_FMT(fault->member), fault->why);
    }
    return sl_err_set(err, SL_ERR_INVALID, "invalid JSON at line %zu, column %zu: %s", line, column,
                      fault->why);
}

/* Where the text ends is more to the point than what was expected there. */
static const char *refuse(struct scan *s, const char *at, const char *why)
{
    return sl_jscan_fault(&s->fault, at, at == s->end ? "unexpected end of the text" : why);
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Without this, a stream of texts would read "01" as two numbers and "nullnull" as two nulls. */
static const char *end_of_word(struct scan *s, const char *p, const char *why)
{
    if (p < s->end) {
        char lower = (char)(*p | 0x20);
        if (is_digit(*p) || (lower >= 'a' && lower <= 'z') || *p == '.' || *p == '+' || *p == '-') {
            return refuse(s, p, why);
        }
    }
    return p;
}

static const char *scan_literal(struct scan *s, const char *p, struct sl_str word)
{
    static const char why[] = "expected a value (true, false and null are the only bare words)";
    size_t left = (size_t)(s->end - p);
    for (size_t i = 1; i < word.n; i++) {
        if (i == left || p[i] != word.p[i]) {
            return refuse(s, p + i, why);
        }
    }
    return end_of_word(s, p + word.n, why);
}

static const char *scan_digits(struct scan *s, const char *p)
{
    const char *first = p;
    while (p < s->end && is_digit(*p)) {
        p++;
    }
    return p == first ? refuse(s, p, "expected a digit") : p;
}

static const char *scan_number(struct scan *s, const char *p)
{
    const char *first = *p == '-' ? p + 1 : p;
    p = scan_digits(s, first);
    if (p == NULL) {
        return NULL;
    }
    if (*first == '0' && p - first > 1) {
        return refuse(s, first, "a number must not begin with a zero");
    }
    if (p < s->end && *p == '.') {
        p = scan_digits(s, p + 1);
        if (p == NULL) {
            return NULL;
        }
    }
    if (p < s->end && (*p == 'e' || *p == 'E')) {
        p++;
        p = scan_digits(s, p < s->end && (*p == '+' || *p == '-') ? p + 1 : p);
        if (p == NULL) {
            return NULL;
        }
    }
    return end_of_word(s, p, "a number ends here");
}

/* The first byte settles most comparisons without a call. */
static bool is_named(struct sl_jval key, const char *name)
{
    if (key.escaped) {
        return sl_jval_is(key, sl_str_from(name));
    }
    struct sl_str text = sl_jstring_inside(key);
    return (text.n == 0 || *text.p == *name) && sl_str_is(text, name);
}

const struct sl_jrow *sl_jscan_row(struct sl_jwanted wanted, struct sl_jval key, uint32_t *seen,
                                   struct sl_jfault *fault)
{
    for (unsigned i = 0; wanted.rows[i].key != NULL; i++) {
        assert(i < SL_JROWS_MAX);
        const struct sl_jrow *row = &wanted.rows[i];
        if (!is_named(key, row->key)) {
            continue;
        }
        if ((*seen >> i & 1) != 0) {
            (void)sl_jscan_fault(fault, key.raw.p, "occurs twice");
            fault->member = sl_str_from(row->key);
            return NULL;
        }
        *seen |= (uint32_t)1 << i;
        return row;
    }
    return NULL;
}

static const char *scan_member(struct scan *s, const char *p, unsigned depth,
                               struct sl_jwanted wanted, uint32_t *seen)
{
    const char *key = p;
    bool escaped = false;
    if (p == s->end || *p != '"') {
        return refuse(s, p, "expected the name of a member, in double quotes");
    }
    p = sl_jstring_check(p, s->end, &escaped, &s->fault);
    if (p == NULL) {
        return NULL;
    }
    const struct sl_jrow *row = NULL;
    if (wanted.rows != NULL) {
        row = sl_jscan_row(wanted, sl_jscan_value(key, p, SL_J_STRING, escaped), seen, &s->fault);
        if (s->fault.why != NULL) {
            return NULL;
        }
    }
    p = sl_jscan_space(p, s->end);
    if (p == s->end || *p != ':') {
        return refuse(s, p, "expected ':'");
    }
    struct sl_jval value;
    p = scan_value(s, sl_jscan_space(p + 1, s->end), depth, sl_jscan_wanted(wanted, row), &value);
    if (p != NULL) {
        sl_jscan_store(wanted, row, value);
    }
    return p;
}

static const char *scan_object(struct scan *s, const char *p, unsigned depth,
                               struct sl_jwanted wanted)
{
    uint32_t seen = 0;
    p = sl_jscan_space(p + 1, s->end);
    if (p < s->end && *p == '}') {
        return p + 1;
    }
    while (true) {
        p = scan_member(s, p, depth, wanted, &seen);
        if (p == NULL) {
            return NULL;
        }
        p = sl_jscan_space(p, s->end);
        if (p < s->end && *p == '}') {
            return p + 1;
        }
        if (p == s->end || *p != ',') {
            return refuse(s, p, "expected ',' or '}'");
        }
        p = sl_jscan_space(p + 1, s->end);
    }
}

static const char *scan_array(struct scan *s, const char *p, unsigned depth)
{
    struct sl_jval element;
    p = sl_jscan_space(p + 1, s->end);
    if (p < s->end && *p == ']') {
        return p + 1;
    }
    while (true) {
        p = scan_value(s, p, depth, (struct sl_jwanted){0}, &element);
        if (p == NULL) {
            return NULL;
        }
        p = sl_jscan_space(p, s->end);
        if (p < s->end && *p == ']') {
            return p + 1;
        }
        if (p == s->end || *p != ',') {
            return refuse(s, p, "expected ',' or ']'");
        }
        p = sl_jscan_space(p + 1, s->end);
    }
}

/* `depth` is how many containers are around the value. */
static const char *scan_value(struct scan *s, const char *p, unsigned depth,
                              struct sl_jwanted wanted, struct sl_jval *ret_value)
{
    enum sl_jtype type = sl_jscan_type(p, s->end);
    const char *start = p;
    bool escaped = false;
    if ((type == SL_J_OBJECT || type == SL_J_ARRAY) && depth == SL_JSON_DEPTH) {
        return refuse(s, p, "nested too deeply");
    }
    switch (type) {
    case SL_J_STRING:
        p = sl_jstring_check(p, s->end, &escaped, &s->fault);
        break;
    case SL_J_OBJECT:
        p = scan_object(s, p, depth + 1, wanted);
        break;
    case SL_J_ARRAY:
        p = scan_array(s, p, depth + 1);
        break;
    case SL_J_NUMBER:
        p = scan_number(s, p);
        break;
    case SL_J_BOOL:
        p = scan_literal(s, p, *p == 't' ? SL_STR("true") : SL_STR("false"));
        break;
    case SL_J_NULL:
        p = scan_literal(s, p, SL_STR("null"));
        break;
    case SL_J_ABSENT:
        return refuse(s, p, "expected a value");
    }
    if (p != NULL) {
        *ret_value = sl_jscan_value(start, p, type, escaped);
    }
    return p;
}

int sl_jscan(struct sl_str text, const struct sl_jrow *rows, void *out, struct sl_jval *ret_root,
             struct sl_err *err)
{
    const char *start = text.p == NULL ? "" : text.p;
    struct scan s = {.end = start + text.n};
    struct sl_jval root;
    const char *p = scan_value(&s, sl_jscan_space(start, s.end), 0,
                               (struct sl_jwanted){.rows = rows, .base = out}, &root);
    if (p != NULL) {
        p = sl_jscan_space(p, s.end);
        if (p != s.end) {
            p = refuse(&s, p, "expected the end of the text");
        }
    }
    if (p == NULL) {
        return sl_jscan_report(&s.fault, start, err);
    }
    if (ret_root != NULL) {
        *ret_root = root;
    }
    return 0;
}

int sl_jscan_next(struct sl_str *rest, struct sl_jval *ret_value, struct sl_err *err)
{
    const char *start = rest->p == NULL ? "" : rest->p;
    struct scan s = {.end = start + rest->n};
    struct sl_jval value = {0};
    const char *p = sl_jscan_space(start, s.end);
    if (p != s.end) {
        p = scan_value(&s, p, 0, (struct sl_jwanted){0}, &value);
    }
    if (p == NULL) {
        return sl_jscan_report(&s.fault, start, err);
    }
    *rest = (struct sl_str){.p = p, .n = (size_t)(s.end - p)};
    *ret_value = value;
    return 0;
}
