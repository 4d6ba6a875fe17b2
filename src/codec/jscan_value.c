/* Values that jscan has checked: walking them and reading numbers and booleans (jscan.h).
 *
 * Nothing is checked a second time, which makes these faster than the scan. A value that was never
 * checked gives wrong answers, but no read outside its slice and no endless walk.
 */
#include "codec/jscan.h"
#include "codec/jscan_internal.h"

static const char *skip_container(const char *p, const char *end)
{
    size_t open = 0;
    bool escaped;
    while (p < end) {
        if (*p == '"') {
            p = sl_jstring_skip(p, end, &escaped);
            continue;
        }
        if (*p == '{' || *p == '[') {
            open++;
        } else if (*p == '}' || *p == ']') {
            open--;
            if (open == 0) {
                return p + 1;
            }
        }
        p++;
    }
    return end;
}

static const char *skip_word(const char *p, const char *end)
{
    while (p < end && *p != ',' && *p != '}' && *p != ']' && (unsigned char)*p > ' ') {
        p++;
    }
    return p;
}

static struct sl_jval skip_value(const char *p, const char *end)
{
    enum sl_jtype type = sl_jscan_type(p, end);
    const char *after = p;
    bool escaped = false;
    switch (type) {
    case SL_J_OBJECT:
    case SL_J_ARRAY:
        after = skip_container(p, end);
        break;
    case SL_J_STRING:
        after = sl_jstring_skip(p, end, &escaped);
        break;
    case SL_J_NUMBER:
    case SL_J_BOOL:
    case SL_J_NULL:
        after = skip_word(p, end);
        break;
    case SL_J_ABSENT:
        break;
    }
    return sl_jscan_value(p, after, type, escaped);
}

struct sl_jiter sl_jiter(struct sl_jval container)
{
    bool object = container.type == SL_J_OBJECT;
    if ((!object && container.type != SL_J_ARRAY) || container.raw.n < 2) {
        return (struct sl_jiter){0};
    }
    return (struct sl_jiter){.rest = {.p = container.raw.p + 1, .n = container.raw.n - 2},
                             .object = object};
}

bool sl_jiter_next(struct sl_jiter *it, struct sl_jval *ret_key, struct sl_jval *ret_value)
{
    struct sl_jval key = {0};
    if (it->rest.n == 0) {
        return false;
    }
    const char *end = it->rest.p + it->rest.n;
    const char *p = sl_jscan_space(it->rest.p, end);
    if (p < end && *p == ',') {
        p = sl_jscan_space(p + 1, end);
    }
    if (it->object) {
        if (sl_jscan_type(p, end) != SL_J_STRING) {
            return false;
        }
        key = skip_value(p, end);
        p = sl_jscan_space(p + key.raw.n, end);
        p = p < end && *p == ':' ? sl_jscan_space(p + 1, end) : end;
    }
    struct sl_jval value = skip_value(p, end);
    if (value.type == SL_J_ABSENT) {
        return false;
    }
    p += value.raw.n;
    it->rest = (struct sl_str){.p = p, .n = (size_t)(end - p)};
    if (ret_key != NULL) {
        *ret_key = key;
    }
    *ret_value = value;
    return true;
}

static bool fill_rows(struct sl_jval object, struct sl_jwanted wanted, struct sl_jfault *fault)
{
    struct sl_jiter it = sl_jiter(object);
    struct sl_jval key;
    struct sl_jval value;
    uint32_t seen = 0;
    while (it.object && sl_jiter_next(&it, &key, &value)) {
        const struct sl_jrow *row = key.raw.n < 2 ? NULL : sl_jscan_row(wanted, key, &seen, fault);
        struct sl_jwanted inner = sl_jscan_wanted(wanted, row);
        if (fault->why != NULL || (inner.rows != NULL && !fill_rows(value, inner, fault))) {
            return false;
        }
        sl_jscan_store(wanted, row, value);
    }
    return true;
}

int sl_jval_scan(struct sl_jval object, const struct sl_jrow *rows, void *out, struct sl_err *err)
{
    struct sl_jfault fault = {0};
    if (!fill_rows(object, (struct sl_jwanted){.rows = rows, .base = out}, &fault)) {
        return sl_err_set(err, SL_ERR_INVALID, "invalid JSON: member \"%.*s\" %s",
                          SL_STR_FMT(fault.member), fault.why);
    }
    return 0;
}

size_t sl_jval_count(struct sl_jval container)
{
    struct sl_jiter it = sl_jiter(container);
    struct sl_jval value;
    size_t count = 0;
    while (sl_jiter_next(&it, NULL, &value)) {
        count++;
    }
    return count;
}

bool sl_jval_int(struct sl_jval value, int64_t *ret_number)
{
    bool negative = value.raw.n > 0 && value.raw.p[0] == '-';
    int64_t number = 0;
    if (value.type != SL_J_NUMBER) {
        return false;
    }
    for (size_t i = negative ? 1 : 0; i < value.raw.n; i++) {
        int digit = value.raw.p[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, negative ? -digit : digit, &number)) {
            return false;
        }
    }
    *ret_number = number;
    return true;
}

bool sl_jval_true(struct sl_jval value)
{
    return value.type == SL_J_BOOL && sl_str_eq(value.raw, SL_STR("true"));
}

struct sl_jval sl_jval_get(struct sl_jval object, struct sl_str key)
{
    struct sl_jiter it = sl_jiter(object);
    struct sl_jval name;
    struct sl_jval value;
    while (it.object && sl_jiter_next(&it, &name, &value)) {
        if (sl_jval_is(name, key)) {
            return value;
        }
    }
    return (struct sl_jval){0};
}
