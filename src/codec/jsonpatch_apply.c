/* The applier of JSON Patch (jsonpatch.h): a function per operation of RFC 6902, in a table, on a
 * deep copy that replaces the document only when all operations succeeded. In json-c a JSON null is
 * NULL, so whether something is there is always asked apart from what it is. */
#include <string.h>

#include "codec/jscan.h"
#include "codec/json.h"
#include "codec/jsonpatch.h"
#include "codec/jsonpointer.h"

/* The document under change. */
struct patched {
    struct json_object *root;
    size_t copied;         /* values that "copy" made so far, against SL_PATCH_COPY_MAX */
    struct sl_arena arena; /* unescaped segments of pointers */
};

static void patched_cleanup(struct patched *patched)
{
    json_object_put(patched->root);
    sl_arena_cleanup(&patched->arena);
}

/* One operation, taken apart; everything belongs to the patch. */
struct operation {
    struct sl_str path, from;
    struct json_object *value;
};

/* --- values --- */

static struct json_object *copy_of(struct json_object *value)
{
    struct json_object *copy = NULL;
    if (value != NULL && json_object_deep_copy(value, &copy, NULL) != 0) {
        abort(); /* no memory: a tree that was parsed can be copied */
    }
    return copy;
}

static void must(int result)
{
    if (result != 0) {
        abort(); /* no memory: json-c fails for no other reason here */
    }
}

/* Counts a value and all that is in it into *count; false: nested deeper than `levels`. */
static bool measure(struct json_object *value, size_t levels, size_t *count)
{
    ++*count;
    bool object = json_object_is_type(value, json_type_object);
    if (!object && !json_object_is_type(value, json_type_array)) {
        return true;
    }
    if (levels == 0) {
        return false;
    }
    if (object) {
        json_object_object_foreach(value, key, member)
        {
            (void)key;
            if (!measure(member, levels - 1, count)) {
                return false;
            }
        }
        return true;
    }
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        if (!measure(json_object_array_get_idx(value, i), levels - 1, count)) {
            return false;
        }
    }
    return true;
}

/* Whether `value` may stand at `path`: nothing may be nested deeper than what can be parsed. */
static int check_depth(struct json_object *value, struct sl_str path, struct sl_err *err)
{
    size_t segments = 0;
    size_t count = 0;
    for (size_t i = 0; i < path.n; i++) {
        segments += path.p[i] == '/';
    }
    if (segments > SL_JSON_DEPTH || !measure(value, SL_JSON_DEPTH - segments, &count)) {
        return sl_err_set(err, SL_ERR_INVALID, "the document would be nested deeper than %d",
                          SL_JSON_DEPTH);
    }
    return 0;
}

/* json-c keeps what does not fit int64 apart: two integers are the same when both readings are. */
static bool is_same_integer(struct json_object *a, struct json_object *b)
{
    return json_object_get_int64(a) == json_object_get_int64(b) &&
           json_object_get_uint64(a) == json_object_get_uint64(b);
}

/* Exact, where converting the integer would round it. */
static bool is_integer_of(struct json_object *integer, double number)
{
    if (number >= -0x1p63 && number < 0x1p63) {
        int64_t whole = (int64_t)number;
        return (double)whole == number && whole == json_object_get_int64(integer);
    }
    return number >= 0x1p63 && number < 0x1p64 &&
           (uint64_t)number == json_object_get_uint64(integer);
}

static bool is_same(struct json_object *a, struct json_object *b);

static bool is_same_object(struct json_object *a, struct json_object *b)
{
    if (json_object_object_length(a) != json_object_object_length(b)) {
        return false;
    }
    json_object_object_foreach(a, key, member)
    {
        struct json_object *other = NULL;
        if (!json_object_object_get_ex(b, key, &other) || !is_same(member, other)) {
            return false;
        }
    }
    return true;
}

static bool is_same_array(struct json_object *a, struct json_object *b)
{
    size_t count = json_object_array_length(a);
    if (count != json_object_array_length(b)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_same(json_object_array_get_idx(a, i), json_object_array_get_idx(b, i))) {
            return false;
        }
    }
    return true;
}

/* Equality of RFC 6902, 4.6: numbers by their value, so 1 is 1.0; sl_json_equal() is stricter. */
static bool is_same(struct json_object *a, struct json_object *b)
{
    enum json_type type = json_object_get_type(a);
    enum json_type other = json_object_get_type(b);
    if (type == json_type_int && other == json_type_double) {
        return is_integer_of(a, json_object_get_double(b));
    }
    if (type == json_type_double && other == json_type_int) {
        return is_integer_of(b, json_object_get_double(a));
    }
    if (type != other) {
        return false;
    }
    switch (type) {
    case json_type_object:
        return is_same_object(a, b);
    case json_type_array:
        return is_same_array(a, b);
    case json_type_int:
        return is_same_integer(a, b);
    case json_type_double:
        return json_object_get_double(a) == json_object_get_double(b);
    case json_type_null:
    case json_type_boolean:
    case json_type_string:
        break;
    }
    return json_object_equal(a, b) != 0;
}

/* --- operations --- */

static void insert(struct json_object *array, size_t index, struct json_object *value)
{
    size_t count = json_object_array_length(array);
    must(json_object_array_add(array, NULL));
    for (size_t i = count; i > index; i--) {
        must(json_object_array_put_idx(array, i,
                                       json_object_get(json_object_array_get_idx(array, i - 1))));
    }
    must(json_object_array_put_idx(array, index, value));
}

/* Adds a value of ours: the document owns it on success, the caller on failure. */
static int add_value(struct patched *patched, struct sl_str path, struct json_object *value,
                     struct sl_err *err)
{
    struct json_object *parent = NULL;
    const char *key = NULL;
    if (check_depth(value, path, err) != 0) {
        return -1;
    }
    if (path.n == 0) {
        json_object_put(patched->root);
        patched->root = value;
        return 0;
    }
    if (sl_pointer_parent(patched->root, path, &patched->arena, &parent, &key, err) != 0) {
        return -1;
    }
    if (json_object_is_type(parent, json_type_object)) {
        must(json_object_object_add(parent, key, value));
        return 0;
    }
    if (!json_object_is_type(parent, json_type_array)) {
        return sl_err_set(err, SL_ERR_NOT_FOUND, "\"%s\" is in neither an object nor a list", key);
    }
    size_t index = json_object_array_length(parent);
    if (strcmp(key, "-") != 0 && sl_pointer_index(key, index + 1, &index, err) != 0) {
        return -1;
    }
    insert(parent, index, value);
    return 0;
}

static int add_copy(struct patched *patched, struct sl_str path, struct json_object *value,
                    struct sl_err *err)
{
    SL_AUTO(sl_json) struct json_object *copy = copy_of(value);
    if (add_value(patched, path, copy, err) != 0) {
        return -1;
    }
    (void)sl_steal(&copy);
    return 0;
}

static int remove_value(struct patched *patched, struct sl_str path, struct sl_err *err)
{
    struct json_object *parent = NULL;
    struct json_object *value = NULL;
    const char *key = NULL;
    if (path.n == 0) {
        return sl_err_set(err, SL_ERR_INVALID, "the whole document cannot be removed");
    }
    if (sl_pointer_parent(patched->root, path, &patched->arena, &parent, &key, err) != 0 ||
        sl_pointer_child(parent, key, &value, err) != 0) {
        return -1;
    }
    if (json_object_is_type(parent, json_type_object)) {
        json_object_object_del(parent, key);
        return 0;
    }
    size_t index = 0;
    if (sl_pointer_index(key, json_object_array_length(parent), &index, err) != 0) {
        return -1;
    }
    must(json_object_array_del_idx(parent, index, 1));
    return 0;
}

static int apply_add(struct patched *patched, const struct operation *op, struct sl_err *err)
{
    return add_copy(patched, op->path, op->value, err);
}

static int apply_remove(struct patched *patched, const struct operation *op, struct sl_err *err)
{
    return remove_value(patched, op->path, err);
}

static int apply_replace(struct patched *patched, const struct operation *op, struct sl_err *err)
{
    struct json_object *parent = NULL;
    struct json_object *old = NULL;
    const char *key = NULL;
    if (op->path.n > 0) {
        if (sl_pointer_parent(patched->root, op->path, &patched->arena, &parent, &key, err) != 0 ||
            sl_pointer_child(parent, key, &old, err) != 0) {
            return -1;
        }
        /* In an object an add replaces, and the member keeps its place. */
        if (json_object_is_type(parent, json_type_array) &&
            remove_value(patched, op->path, err) != 0) {
            return -1;
        }
    }
    return add_copy(patched, op->path, op->value, err);
}

static int apply_move(struct patched *patched, const struct operation *op, struct sl_err *err)
{
    struct json_object *value = NULL;
    if (sl_pointer_find(patched->root, op->from, &patched->arena, &value, err) != 0) {
        return -1;
    }
    if (sl_str_eq(op->from, op->path)) {
        return 0;
    }
    if (sl_str_starts(op->path, op->from) && op->path.p[op->from.n] == '/') {
        return sl_err_set(err, SL_ERR_INVALID, "a value cannot be moved into itself");
    }
    SL_AUTO(sl_json) struct json_object *moved = json_object_get(value);
    if (remove_value(patched, op->from, err) != 0 ||
        add_value(patched, op->path, moved, err) != 0) {
        return -1;
    }
    (void)sl_steal(&moved);
    return 0;
}

static int apply_copy(struct patched *patched, const struct operation *op, struct sl_err *err)
{
    struct json_object *value = NULL;
    if (sl_pointer_find(patched->root, op->from, &patched->arena, &value, err) != 0) {
        return -1;
    }
    (void)measure(value, SL_JSON_DEPTH, &patched->copied); /* its depth is checked where it goes */
    if (patched->copied > SL_PATCH_COPY_MAX) {
        return sl_err_set(err, SL_ERR_INVALID, "the patch copies more than %d values",
                          SL_PATCH_COPY_MAX);
    }
    return add_copy(patched, op->path, value, err);
}

static int apply_test(struct patched *patched, const struct operation *op, struct sl_err *err)
{
    struct json_object *value = NULL;
    if (sl_pointer_find(patched->root, op->path, &patched->arena, &value, err) != 0) {
        return -1;
    }
    if (!is_same(value, op->value)) {
        return sl_err_set(err, SL_ERR_INVALID, "the value there is another one");
    }
    return 0;
}

static const struct operation_type {
    const char *name;
    bool has_value, has_from;
    int (*apply)(struct patched *patched, const struct operation *op, struct sl_err *err);
} operation_types[] = {
    {"add", true, false, apply_add},         {"remove", false, false, apply_remove},
    {"replace", true, false, apply_replace}, {"move", false, true, apply_move},
    {"copy", false, true, apply_copy},       {"test", true, false, apply_test},
};

static int get_text(struct json_object *members, const char *key, struct sl_str *ret_text,
                    struct sl_err *err)
{
    struct json_object *text = NULL;
    if (!json_object_object_get_ex(members, key, &text) ||
        !json_object_is_type(text, json_type_string)) {
        return sl_err_set(err, SL_ERR_INVALID, "\"%s\" must be there and be a string", key);
    }
    *ret_text = (struct sl_str){.p = json_object_get_string(text),
                                .n = (size_t)json_object_get_string_len(text)};
    return 0;
}

static const struct operation_type *find_type(struct sl_str name)
{
    for (size_t i = 0; i < sizeof operation_types / sizeof operation_types[0]; i++) {
        if (sl_str_is(name, operation_types[i].name)) {
            return &operation_types[i];
        }
    }
    return NULL;
}

/* Does what one element of the patch says; *label becomes its name for people. */
static int apply_members(struct patched *patched, struct json_object *members, const char **label,
                         struct sl_err *err)
{
    struct sl_str name = {0};
    struct operation op = {0};
    if (!json_object_is_type(members, json_type_object)) {
        return sl_err_set(err, SL_ERR_INVALID, "must be an object");
    }
    if (get_text(members, "op", &name, err) != 0 || get_text(members, "path", &op.path, err) != 0) {
        return -1;
    }
    *label =
        sl_arena_printf(&patched->arena, " (%.*s %.*s)", SL_STR_FMT(name), SL_STR_FMT(op.path));
    const struct operation_type *type = find_type(name);
    if (type == NULL) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "\"op\" must be add, remove, replace, move, copy or test");
    }
    if (type->has_from && get_text(members, "from", &op.from, err) != 0) {
        return -1;
    }
    if (type->has_value && !json_object_object_get_ex(members, "value", &op.value)) {
        return sl_err_set(err, SL_ERR_INVALID, "\"value\" must be there");
    }
    return type->apply(patched, &op, err);
}

int sl_patch_apply(const struct json_object *patch, struct json_object **root, struct sl_err *err)
{
    if (!json_object_is_type(patch, json_type_array)) {
        return sl_err_set(err, SL_ERR_INVALID, "a JSON Patch must be a list of operations");
    }
    SL_AUTO(patched) struct patched patched = {.root = copy_of(*root)};
    size_t count = json_object_array_length(patch);
    for (size_t i = 0; i < count; i++) {
        const char *label = "";
        if (apply_members(&patched, json_object_array_get_idx(patch, i), &label, err) != 0) {
            if (err != NULL) {
                err->kind = SL_ERR_INVALID; /* whatever failed, it is the patch that is wrong */
            }
            return sl_err_wrap(err, "operation %zu%s", i + 1, label);
        }
    }
    json_object_put(*root);
    *root = sl_steal(&patched.root);
    return 0;
}
