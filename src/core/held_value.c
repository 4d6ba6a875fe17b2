/* What becomes of the value of a held field (held_value.h): the only place of the admission path
 * that builds trees, of a strategy each, and only while something is held or begins to be. */
#include "core/held_value.h"

#include <string.h>

#include "codec/json.h"

#define VALUE_MAX SL_MIB /* two fields together, escaped at worst */

struct sl_str sl_held_compact(struct sl_arena *arena, struct sl_str text)
{
    SL_AUTO(sl_json) struct json_object *tree = NULL;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(VALUE_MAX);
    if (sl_json_parse(text, &tree, NULL) < 0) {
        return text;
    }
    sl_json_write(tree, &out);
    return out.overflowed ? text : sl_arena_str(arena, sl_buf_str(&out));
}

static struct json_object *member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

static bool is_object(const struct json_object *value)
{
    return json_object_is_type(value, json_type_object);
}

static struct json_object *copy_of(struct json_object *value)
{
    struct json_object *copy = NULL;
    if (value != NULL && json_object_deep_copy(value, &copy, NULL) < 0) {
        abort(); /* nothing but memory can be wrong */
    }
    return copy;
}

static void set_member(struct json_object *object, const char *key, struct json_object *value)
{
    if (value == NULL) {
        json_object_object_del(object, key);
    } else if (json_object_object_add(object, key, value) < 0) {
        abort();
    }
}

/* `saved` with the difference between `was` and `asked` made to it. The caller owns the result.
 * Recursion ends with the nesting that the parser allows. */
static struct json_object *rebase(struct json_object *saved, struct json_object *was,
                                  struct json_object *asked)
{
    if (sl_json_equal(was, asked)) {
        return copy_of(saved);
    }
    if (!is_object(was) || !is_object(asked)) {
        return copy_of(asked);
    }
    struct json_object *result = is_object(saved) ? copy_of(saved) : json_object_new_object();
    json_object_object_foreach(asked, key, value)
    {
        if (!sl_json_equal(member(was, key), value)) {
            set_member(result, key, rebase(member(saved, key), member(was, key), value));
        }
    }
    json_object_object_foreach(was, gone, unused)
    {
        (void)unused;
        if (member(asked, gone) == NULL) {
            json_object_object_del(result, gone);
        }
    }
    return result;
}

/* rollingUpdate belongs to the type RollingUpdate alone: the API server refuses it beside another
 * one, and where it is missing there it makes it. So who changed rollingUpdate has said which type
 * is meant, even where the type itself is the one that the hold has set. */
static void settle_type(struct json_object *strategy, struct json_object *was,
                        struct json_object *asked)
{
    struct json_object *rolling = member(asked, "rollingUpdate");
    if (!is_object(strategy) || !is_object(asked)) {
        return;
    }
    bool new_type = !sl_json_equal(member(was, "type"), member(asked, "type"));
    if (new_type && is_object(rolling)) { /* with all that belongs to it, seen before or not */
        set_member(strategy, "rollingUpdate", copy_of(rolling));
    }
    if (!sl_json_equal(member(was, "rollingUpdate"), rolling)) {
        set_member(strategy, "type",
                   is_object(rolling) ? json_object_new_string("RollingUpdate")
                                      : copy_of(member(asked, "type")));
    }
    struct json_object *type = member(strategy, "type");
    if (json_object_is_type(type, json_type_string) &&
        strcmp(json_object_get_string(type), "RollingUpdate") != 0) {
        json_object_object_del(strategy, "rollingUpdate");
    }
}

struct sl_str sl_held_rebase(struct sl_arena *arena, struct sl_str saved, struct sl_str was,
                             struct sl_str asked)
{
    SL_AUTO(sl_json) struct json_object *saved_tree = NULL;
    SL_AUTO(sl_json) struct json_object *was_tree = NULL;
    SL_AUTO(sl_json) struct json_object *asked_tree = NULL;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(VALUE_MAX);
    if (sl_json_parse(saved, &saved_tree, NULL) < 0 || sl_json_parse(was, &was_tree, NULL) < 0 ||
        sl_json_parse(asked, &asked_tree, NULL) < 0) {
        return asked;
    }
    SL_AUTO(sl_json) struct json_object *result = rebase(saved_tree, was_tree, asked_tree);
    if (!sl_json_equal(was_tree, asked_tree)) {
        settle_type(result, was_tree, asked_tree);
    }
    sl_json_write(result, &out);
    return sl_arena_str(arena, sl_buf_str(&out));
}

struct sl_str sl_held_hold(struct sl_arena *arena, const struct sl_hold *hold, struct sl_str from)
{
    SL_AUTO(sl_json) struct json_object *root = NULL;
    SL_AUTO(sl_json) struct json_object *value = NULL;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(VALUE_MAX);
    if (hold->path.n == 0) {
        return hold->value;
    }
    if (sl_json_parse(hold->value, &value, NULL) < 0) {
        abort(); /* the configuration was checked */
    }
    if (sl_json_parse(from, &root, NULL) < 0 || !is_object(root)) {
        json_object_put(root);
        root = json_object_new_object();
    }
    struct json_object *node = root;
    struct sl_str rest = hold->path;
    for (;;) {
        const char *key = sl_arena_cstr(arena, sl_str_cut(&rest, '.'));
        if (rest.p == NULL) {
            set_member(node, key, sl_steal(&value));
            break;
        }
        if (!is_object(member(node, key))) {
            set_member(node, key, json_object_new_object());
        }
        node = member(node, key);
    }
    sl_json_write(root, &out);
    return sl_arena_str(arena, sl_buf_str(&out));
}
