/* Whether two JSON texts mean the same, without a tree (jscan.h): members in any order.
 *
 * The API server writes members in one order, so objects are first compared side by side. Only
 * where that fails are members sorted, and only so many: a hostile text must not buy memory with
 * its size.
 */
#include <stdlib.h>

#include "codec/jscan.h"

#define SORTED_MEMBERS 1024 /* more, in another order: different */

struct member {
    struct sl_str key; /* unescaped */
    struct sl_jval value;
};

static bool equal(struct sl_jval a, struct sl_jval b, struct sl_arena *arena);

static bool equal_strings(struct sl_jval a, struct sl_jval b, struct sl_arena *arena)
{
    if (!a.escaped && !b.escaped) {
        return sl_str_eq(a.raw, b.raw);
    }
    return sl_str_eq(sl_jval_str(a, arena), sl_jval_str(b, arena));
}

/* Keys alone: values are compared once, when it is known which belong together. */
static bool same_keys(struct sl_jval a, struct sl_jval b, struct sl_arena *arena)
{
    struct sl_jiter left = sl_jiter(a);
    struct sl_jiter right = sl_jiter(b);
    struct sl_jval keys[2];
    struct sl_jval value;
    bool more = sl_jiter_next(&left, &keys[0], &value);
    while (more == sl_jiter_next(&right, &keys[1], &value)) {
        if (!more) {
            return true;
        }
        if (!equal_strings(keys[0], keys[1], arena)) {
            return false;
        }
        more = sl_jiter_next(&left, &keys[0], &value);
    }
    return false;
}

static bool equal_in_order(struct sl_jval a, struct sl_jval b, struct sl_arena *arena)
{
    struct sl_jiter left = sl_jiter(a);
    struct sl_jiter right = sl_jiter(b);
    struct sl_jval values[2];
    bool more = sl_jiter_next(&left, NULL, &values[0]);
    while (more == sl_jiter_next(&right, NULL, &values[1])) {
        if (!more) {
            return true;
        }
        if (!equal(values[0], values[1], arena)) {
            return false;
        }
        more = sl_jiter_next(&left, NULL, &values[0]);
    }
    return false;
}

static int compare_members(const void *a, const void *b)
{
    return sl_str_cmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static struct member *sorted(struct sl_jval object, size_t count, struct sl_arena *arena)
{
    struct member *members = sl_arena_zalloc(arena, count, sizeof *members);
    struct sl_jiter it = sl_jiter(object);
    struct sl_jval key;
    for (size_t i = 0; i < count && sl_jiter_next(&it, &key, &members[i].value); i++) {
        members[i].key = sl_jval_str(key, arena);
    }
    qsort(members, count, sizeof *members, compare_members);
    return members;
}

/* A key that occurs twice has no one meaning: different from everything. */
static bool equal_sorted(struct sl_jval a, struct sl_jval b, struct sl_arena *arena)
{
    size_t count = sl_jval_count(a);
    if (count > SORTED_MEMBERS || count != sl_jval_count(b)) {
        return false;
    }
    const struct member *left = sorted(a, count, arena);
    const struct member *right = sorted(b, count, arena);
    for (size_t i = 0; i < count; i++) {
        if (!sl_str_eq(left[i].key, right[i].key) ||
            (i > 0 && sl_str_eq(left[i - 1].key, left[i].key)) ||
            !equal(left[i].value, right[i].value, arena)) {
            return false;
        }
    }
    return true;
}

static bool equal(struct sl_jval a, struct sl_jval b, struct sl_arena *arena)
{
    if (a.type != b.type) {
        return false;
    }
    switch (a.type) {
    case SL_J_STRING:
        return equal_strings(a, b, arena);
    case SL_J_ARRAY:
        return equal_in_order(a, b, arena);
    case SL_J_OBJECT:
        return same_keys(a, b, arena) ? equal_in_order(a, b, arena) : equal_sorted(a, b, arena);
    case SL_J_ABSENT:
    case SL_J_NULL:
    case SL_J_BOOL:
    case SL_J_NUMBER:
        break;
    }
    return sl_str_eq(a.raw, b.raw);
}

bool sl_jscan_equal(struct sl_str a, struct sl_str b)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_jval left;
    struct sl_jval right;
    if (sl_str_eq(a, b)) {
        return true;
    }
    return sl_jscan(a, NULL, NULL, &left, NULL) == 0 &&
           sl_jscan(b, NULL, NULL, &right, NULL) == 0 && equal(left, right, &arena);
}
