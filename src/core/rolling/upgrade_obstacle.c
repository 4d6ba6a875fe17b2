/* Whether a pod can go from one template to another in place (upgrade.h): the two are walked side
 * by side, and a table says what may differ. The planner asks before it decides how a batch is
 * rolled. Source: FACTS 7, core/v1 ValidatePodUpdate. */
#include "core/rolling/pairs.h"
#include "core/rolling/upgrade.h"

enum rule_kind {
    MAY_DIFFER,
    INSIDE,     /* by the rules of its members */
    BUT_ONE,    /* may differ, but for one member */
    CONTAINERS, /* a list by name, each by the rules of its members */
};

/* What no rule names must be the same. A table ends with a row without a key. */
struct rule {
    const char *key;
    enum rule_kind kind;
    const struct rule *inside;
    const char *member;
};

static const struct rule container_rules[] = {{.key = "image", .kind = MAY_DIFFER}, {0}};

static const struct rule metadata_rules[] = {
    {.key = "labels", .kind = MAY_DIFFER},
    /* `kubectl rollout restart` asks for containers that are started anew */
    {.key = "annotations", .kind = BUT_ONE, .member = "kubectl.kubernetes.io/restartedAt"},
    {0},
};

static const struct rule spec_rules[] = {
    {.key = "containers", .kind = CONTAINERS, .inside = container_rules},
    {.key = "initContainers", .kind = CONTAINERS, .inside = container_rules},
    {0},
};

static const struct rule template_rules[] = {
    {.key = "metadata", .kind = INSIDE, .inside = metadata_rules},
    {.key = "spec", .kind = INSIDE, .inside = spec_rules},
    {0},
};

/* NULL: what differs is no obstacle. `path` is that of both values. */
static const char *obstacle_inside(struct sl_jval from, struct sl_jval to, const char *path,
                                   const struct rule *rules, struct sl_arena *arena);

static const char *obstacle_in_containers(struct sl_jval from, struct sl_jval to, const char *path,
                                          const struct rule *rules, struct sl_arena *arena)
{
    struct sl_jiter left = sl_jiter(from);
    struct sl_jiter right = sl_jiter(to);
    struct sl_jval old;
    struct sl_jval new;
    bool more = sl_jiter_next(&left, NULL, &old);
    while (more == sl_jiter_next(&right, NULL, &new)) {
        if (!more) {
            return NULL;
        }
        struct sl_str name = sl_jval_str(sl_jval_get(old, SL_STR("name")), arena);
        if (name.n == 0 || !sl_jval_is(sl_jval_get(new, SL_STR("name")), name)) {
            return path;
        }
        const char *inner = sl_arena_printf(arena, "%s[%.*s]", path, SL_STR_FMT(name));
        const char *obstacle = obstacle_inside(old, new, inner, rules, arena);
        if (obstacle != NULL) {
            return obstacle;
        }
        more = sl_jiter_next(&left, NULL, &old);
    }
    return path;
}

static const struct rule *find_rule(const struct rule *rules, struct sl_str key)
{
    for (; rules->key != NULL; rules++) {
        if (sl_str_is(key, rules->key)) {
            return rules;
        }
    }
    return NULL;
}

static const char *obstacle_in_pair(const struct sl_pair *pair, const char *path,
                                    const struct rule *rules, struct sl_arena *arena)
{
    const struct rule *rule = find_rule(rules, pair->key);
    const char *inner =
        sl_arena_printf(arena, "%s%s%.*s", path, path[0] == '\0' ? "" : ".", SL_STR_FMT(pair->key));
    if (rule == NULL) {
        return sl_pair_equal(pair) ? NULL : inner;
    }
    switch (rule->kind) {
    case INSIDE:
        return obstacle_inside(pair->from, pair->to, inner, rule->inside, arena);
    case BUT_ONE:
        return sl_pair_equal(&(struct sl_pair){
                   .from = sl_jval_get(pair->from, sl_str_from(rule->member)),
                   .to = sl_jval_get(pair->to, sl_str_from(rule->member)),
               })
                   ? NULL
                   : sl_arena_printf(arena, "%s[%s]", inner, rule->member);
    case CONTAINERS:
        return obstacle_in_containers(pair->from, pair->to, inner, rule->inside, arena);
    case MAY_DIFFER:
        break;
    }
    return NULL;
}

static const char *obstacle_inside(struct sl_jval from, struct sl_jval to, const char *path,
                                   const struct rule *rules, struct sl_arena *arena)
{
    struct sl_pairs pairs = sl_pairs(from, to, arena);
    const char *obstacle = NULL;
    for (size_t i = 0; i < pairs.count && obstacle == NULL; i++) {
        obstacle = obstacle_in_pair(&pairs.items[i], path, rules, arena);
    }
    return obstacle;
}

int sl_upgrade_obstacle(struct sl_str from, struct sl_str to, struct sl_arena *arena,
                        const char **ret_field, struct sl_err *err)
{
    struct sl_jval old;
    struct sl_jval new;
    if (sl_pairs_template(from, &old, err) < 0 || sl_pairs_template(to, &new, err) < 0) {
        return -1;
    }
    const char *obstacle = obstacle_inside(old, new, "", template_rules, arena);
    *ret_field = obstacle == NULL ? "" : obstacle;
    return 0;
}
