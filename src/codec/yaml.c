/* Builds JSON trees from the nodes of a YAML text (yaml.h); a text of JSON goes to codec/json.h.
 *
 * kubectl takes a text for JSON when it begins with '{'. So does this, and with '[': broken JSON
 * often is some YAML ({"a": 1,} or {'a': 010}), and would be accepted as something that nobody
 * meant.
 */
#include "codec/yaml.h"

#include <string.h>

#include "codec/json.h"
#include "codec/yaml_node.h"

/* json-c gives NULL for no memory, which would be a JSON null in the tree. */
static struct json_object *checked(struct json_object *value)
{
    if (value == NULL) {
        abort();
    }
    return value;
}

static void put_member(struct json_object *object, const char *key, struct json_object *value)
{
    if (json_object_object_add(object, key, value) != 0) {
        abort();
    }
}

/* --- nodes to values --- */

static int build(const struct sl_yaml_node *node, struct json_object **ret_value,
                 struct sl_err *err);

static int build_scalar(const struct sl_yaml_node *node, struct json_object **ret_value,
                        struct sl_err *err)
{
    char text[SL_YAML_FLOAT_TEXT];
    struct sl_yaml_scalar value = sl_yaml_node_value(node);
    switch (value.type) {
    case SL_YAML_NULL:
        *ret_value = NULL;
        return 0;
    case SL_YAML_BOOL:
        *ret_value = checked(json_object_new_boolean(value.boolean));
        return 0;
    case SL_YAML_INT:
        *ret_value = checked(json_object_new_int64(value.integer));
        return 0;
    case SL_YAML_UINT:
        *ret_value = checked(json_object_new_uint64(value.natural));
        return 0;
    case SL_YAML_FLOAT:
        sl_yaml_float_text(value.real, text);
        *ret_value = checked(json_object_new_double_s(value.real, text));
        return 0;
    case SL_YAML_STRING:
        *ret_value = checked(json_object_new_string_len(node->text.p, (int)node->text.n));
        return 0;
    case SL_YAML_REFUSED:
        break;
    }
    return sl_yaml_fail(err, node->mark, "\"%.64s\" %s", node->text.p, value.refusal);
}

static int build_sequence(const struct sl_yaml_node *node, struct json_object **ret_value,
                          struct sl_err *err)
{
    SL_AUTO(sl_json) struct json_object *array = checked(json_object_new_array());
    for (const struct sl_yaml_node *element = node->first; element != NULL;
         element = element->next) {
        struct json_object *value = NULL;
        if (build(element, &value, err) != 0) {
            return -1;
        }
        if (json_object_array_add(array, value) != 0) {
            abort();
        }
    }
    *ret_value = sl_steal(&array);
    return 0;
}

/* A mapping while it is built. */
struct members {
    struct json_object *object;
    struct json_object *merged; /* its keys: those that only a merge has set; NULL: no merge yet */
};

static void members_cleanup(const struct members *members)
{
    json_object_put(members->object);
    json_object_put(members->merged);
}

static int refuse_twice(const struct sl_yaml_node *mapping, const struct sl_yaml_node *again,
                        struct sl_str text, struct sl_err *err)
{
    const struct sl_yaml_node *key = mapping->first;
    for (; key != again; key = key->next->next) {
        char scratch[SL_YAML_KEY_TEXT];
        struct sl_str other;
        if (sl_yaml_key_text(key, scratch, &other) == NULL && sl_str_eq(text, other)) {
            break;
        }
    }
    return sl_yaml_fail(err, again->mark, "the key \"%.64s\" is on line %u already; remove one",
                        text.p, key->mark.line);
}

static int add_member(const struct sl_yaml_node *mapping, const struct sl_yaml_node *key,
                      struct members *members, struct sl_err *err)
{
    char scratch[SL_YAML_KEY_TEXT];
    struct sl_str text;
    const char *refusal = sl_yaml_key_text(key, scratch, &text);
    if (refusal != NULL) {
        return sl_yaml_fail(err, key->mark, "%s", refusal);
    }
    if (json_object_object_get_ex(members->object, text.p, NULL)) {
        if (!json_object_object_get_ex(members->merged, text.p, NULL)) {
            return refuse_twice(mapping, key, text, err);
        }
        json_object_object_del(members->merged, text.p);
    }
    struct json_object *value = NULL;
    if (build(key->next, &value, err) != 0) {
        return -1;
    }
    put_member(members->object, text.p, value);
    return 0;
}

/* go-yaml lets a merge overwrite the keys above it, though YAML says that a mapping's own keys win:
 * where the two differ, nobody can tell what was meant. */
static int merge_mapping(const struct sl_yaml_node *source, struct members *members,
                         struct sl_yaml_mark mark, struct sl_err *err)
{
    SL_AUTO(sl_json) struct json_object *from = NULL;
    if (build(source, &from, err) != 0) {
        return -1;
    }
    struct lh_entry *entry = NULL;
    lh_foreach(json_object_get_object(from), entry)
    {
        const char *name = lh_entry_k(entry);
        if (json_object_object_get_ex(members->merged, name, NULL)) {
            continue; /* of a list of mappings the first one counts */
        }
        if (json_object_object_get_ex(members->object, name, NULL)) {
            return sl_yaml_fail(err, mark,
                                "this merge would overwrite the key \"%.64s\" above it in "
                                "Kubernetes; put << first",
                                name);
        }
        put_member(members->object, name, json_object_get(lh_entry_v(entry)));
        put_member(members->merged, name, NULL);
    }
    return 0;
}

static int merge(const struct sl_yaml_node *key, struct members *members, struct sl_err *err)
{
    if (members->merged != NULL) {
        return sl_yaml_fail(err, key->mark,
                            "there is a merge (<<) above in this mapping; make it one with a list: "
                            "<<: [*a, *b]");
    }
    members->merged = checked(json_object_new_object());
    const struct sl_yaml_node *value = sl_yaml_follow(key->next);
    bool listed = value->kind == SL_YAML_SEQUENCE;
    const struct sl_yaml_node *source = listed ? value->first : key->next;
    while (source != NULL) {
        const struct sl_yaml_node *mapping = sl_yaml_follow(source);
        if (mapping->kind != SL_YAML_MAPPING) {
            return sl_yaml_fail(err, source->mark,
                                "a merge (<<) takes a mapping or a list of mappings");
        }
        if (merge_mapping(mapping, members, key->mark, err) != 0) {
            return -1;
        }
        source = listed ? source->next : NULL;
    }
    return 0;
}

static int build_mapping(const struct sl_yaml_node *node, struct json_object **ret_value,
                         struct sl_err *err)
{
    SL_AUTO(members) struct members members = {.object = checked(json_object_new_object())};
    for (const struct sl_yaml_node *key = node->first; key != NULL; key = key->next->next) {
        int rc = sl_yaml_is_merge(key) ? merge(key, &members, err)
                                       : add_member(node, key, &members, err);
        if (rc != 0) {
            return -1;
        }
    }
    *ret_value = sl_steal(&members.object);
    return 0;
}

/* Recursion: at most SL_JSON_DEPTH, which the nodes keep (yaml_node.h). */
static int build(const struct sl_yaml_node *node, struct json_object **ret_value,
                 struct sl_err *err)
{
    node = sl_yaml_follow(node);
    switch (node->kind) {
    case SL_YAML_SEQUENCE:
        return build_sequence(node, ret_value, err);
    case SL_YAML_MAPPING:
        return build_mapping(node, ret_value, err);
    case SL_YAML_SCALAR:
    case SL_YAML_ALIAS: /* none is left */
        break;
    }
    return build_scalar(node, ret_value, err);
}

/* --- texts --- */

static void add_doc(struct sl_yaml_docs *docs, struct sl_yaml_doc doc)
{
    if (docs->count == docs->allocated) {
        size_t allocated = docs->allocated == 0 ? 4 : docs->allocated * 2;
        struct sl_yaml_doc *items = reallocarray(docs->items, allocated, sizeof *items);
        if (items == NULL) {
            abort();
        }
        docs->items = items;
        docs->allocated = allocated;
    }
    docs->items[docs->count++] = doc;
}

static int parse_yaml(struct sl_yaml_docs *docs, struct sl_err *err)
{
    SL_AUTO(sl_yaml_composer) struct sl_yaml_composer composer = {0};
    if (sl_yaml_composer_init(&composer, docs->text, &docs->arena, err) != 0) {
        return -1;
    }
    for (;;) {
        struct sl_yaml_doc doc = {0};
        if (sl_yaml_compose(&composer, &doc.node, err) != 0) {
            return -1;
        }
        if (doc.node == NULL) {
            return 0;
        }
        if (build(doc.node, &doc.root, err) != 0) {
            return -1;
        }
        if (doc.root != NULL) {
            add_doc(docs, doc);
        }
    }
}

static struct sl_str skip_space(struct sl_str text)
{
    while (text.n > 0 && strchr(" \t\r\n", text.p[0]) != NULL && text.p[0] != '\0') {
        text.p++;
        text.n--;
    }
    return text;
}

/* A line "---" between JSON texts, as people put it there. */
static struct sl_str skip_separator(struct sl_str text)
{
    struct sl_str rest = skip_space(text);
    if (!sl_str_starts(rest, SL_STR("---"))) {
        return text;
    }
    rest.p += 3;
    rest.n -= 3;
    return rest;
}

/* The scanner counts lines from where it began: once more, with blanks for what was before. */
static int json_error(const struct sl_yaml_docs *docs, struct sl_str failed, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf blanked = SL_BUF_INIT(docs->text.n);
    for (const char *p = docs->text.p; p < failed.p; p++) {
        sl_buf_addc(&blanked, *p == '\n' ? '\n' : ' ');
    }
    sl_buf_addstr(&blanked, failed);
    struct sl_err cause = SL_ERR_INIT;
    struct sl_jval value = {0};
    struct sl_str rest = sl_buf_str(&blanked);
    if (sl_jscan_next(&rest, &value, &cause) == 0) {
        struct sl_str first = {.p = blanked.data, .n = blanked.len - rest.n};
        SL_AUTO(sl_json) struct json_object *root = NULL;
        if (sl_json_parse(first, &root, &cause) == 0) {
            return sl_err_set(err, SL_ERR_INTERNAL, "JSON was refused, and then was not");
        }
    }
    return sl_err_set(err, cause.kind,
                      "%s; text that begins with { or [ is read as JSON, put --- before it to have "
                      "it read as YAML",
                      cause.msg);
}

static int parse_json(struct sl_yaml_docs *docs, struct sl_err *err)
{
    struct sl_str rest = docs->text;
    for (;;) {
        struct sl_str before = rest;
        struct sl_yaml_doc doc = {0};
        if (sl_jscan_next(&rest, &doc.json, NULL) != 0) {
            return json_error(docs, before, err);
        }
        if (doc.json.type == SL_J_ABSENT) {
            return 0;
        }
        if (sl_json_parse(doc.json.raw, &doc.root, NULL) != 0) {
            return json_error(docs, before, err);
        }
        if (doc.root != NULL) {
            add_doc(docs, doc);
        }
        rest = skip_separator(rest);
    }
}

int sl_yaml_parse(struct sl_str text, struct sl_yaml_docs **ret_docs, struct sl_err *err)
{
    const struct sl_str byte_order_mark = SL_STR("\xef\xbb\xbf");
    if (sl_str_starts(text, byte_order_mark)) {
        text.p += byte_order_mark.n;
        text.n -= byte_order_mark.n;
    }
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = calloc(1, sizeof *docs);
    if (docs == NULL) {
        abort();
    }
    docs->text = sl_arena_str(&docs->arena, text);
    struct sl_str start = skip_space(text);
    bool json = start.n > 0 && (start.p[0] == '{' || start.p[0] == '[');
    if ((json ? parse_json(docs, err) : parse_yaml(docs, err)) != 0) {
        return -1;
    }
    *ret_docs = sl_steal(&docs);
    return 0;
}

void sl_yaml_docs_free(struct sl_yaml_docs *docs)
{
    if (docs == NULL) {
        return;
    }
    for (size_t i = 0; i < docs->count; i++) {
        json_object_put(docs->items[i].root);
    }
    free(docs->items);
    sl_arena_cleanup(&docs->arena);
    free(docs);
}

size_t sl_yaml_count(const struct sl_yaml_docs *docs)
{
    return docs->count;
}

struct json_object *sl_yaml_root(const struct sl_yaml_docs *docs, size_t index)
{
    return index < docs->count ? docs->items[index].root : NULL;
}

struct sl_str sl_yaml_json(const struct sl_yaml_docs *docs, size_t index)
{
    return index < docs->count ? docs->items[index].json.raw : (struct sl_str){0};
}
