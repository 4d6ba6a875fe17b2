/* Two objects side by side (pairs.h). Members are sorted rather than looked up one by one: a pod
 * template may have thousands of annotations. Used by upgrade_obstacle.c and upgrade.c. */
#include "core/rolling/pairs.h"

#include <stdlib.h>

static void take_members(struct sl_jval object, bool from, struct sl_arena *arena,
                         struct sl_pairs *pairs)
{
    struct sl_jiter it = sl_jiter(object);
    struct sl_jval key;
    struct sl_jval value;
    while (it.object && sl_jiter_next(&it, &key, &value)) {
        if (value.type == SL_J_NULL) {
            continue;
        }
        struct sl_pair *pair = &pairs->items[pairs->count++];
        pair->key = sl_jval_str(key, arena);
        *(from ? &pair->from : &pair->to) = value;
    }
}

/* Of one key, that of `from` comes first. */
static int compare_pairs(const void *a, const void *b)
{
    const struct sl_pair *left = a;
    const struct sl_pair *right = b;
    int order = sl_str_cmp(left->key, right->key);
    if (order != 0) {
        return order;
    }
    return (left->from.type == SL_J_ABSENT) - (right->from.type == SL_J_ABSENT);
}

struct sl_pairs sl_pairs(struct sl_jval from, struct sl_jval to, struct sl_arena *arena)
{
    size_t room = sl_jval_count(from) + sl_jval_count(to);
    struct sl_pairs pairs = {.items = sl_arena_zalloc(arena, room, sizeof *pairs.items)};
    take_members(from, true, arena, &pairs);
    take_members(to, false, arena, &pairs);
    if (pairs.count == 0) {
        return pairs;
    }
    qsort(pairs.items, pairs.count, sizeof *pairs.items, compare_pairs);
    size_t kept = 0;
    for (size_t i = 1; i < pairs.count; i++) {
        struct sl_pair *last = &pairs.items[kept];
        if (sl_str_eq(last->key, pairs.items[i].key)) {
            last->to = pairs.items[i].to;
        } else {
            pairs.items[++kept] = pairs.items[i];
        }
    }
    pairs.count = kept + 1;
    return pairs;
}

bool sl_pair_equal(const struct sl_pair *pair)
{
    return pair->from.type == pair->to.type && sl_jscan_equal(pair->from.raw, pair->to.raw);
}

int sl_pairs_template(struct sl_str text, struct sl_jval *ret_template, struct sl_err *err)
{
    struct sl_jval root;
    if (sl_jscan(text, NULL, NULL, &root, err) < 0) {
        return sl_err_wrap(err, "the pod template");
    }
    if (sl_jval_get(root, SL_STR("spec")).type != SL_J_OBJECT) {
        return sl_err_set(err, SL_ERR_INVALID, "the pod template has no spec");
    }
    *ret_template = root;
    return 0;
}
