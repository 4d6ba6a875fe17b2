/* Follows a field path to a line and column: problems are found in values, which know no places,
 * and are shown to people, who want one.
 *
 * Nothing is kept for this: a path is matched step by step against the nodes of the document, or
 * against the text when that was JSON. A key is matched as sl_field_path() writes it, so that the
 * path needs no parsing and no key can mislead it.
 */
#include "codec/yaml_node.h"

#include <stdio.h>
#include <string.h>

/* What is left of a path, and where the part before it stands. */
struct walk {
    const char *rest;
    bool at_root;
    struct sl_yaml_mark mark; /* of YAML */
    const char *byte;         /* of JSON */
};

/* Whether the rest of the path begins with this text and a step ends there. */
static bool take(struct walk *walk, const char *before, struct sl_str text, const char *after)
{
    const char *rest = walk->rest;
    const struct sl_str parts[] = {sl_str_from(before), text, sl_str_from(after)};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strlen(rest) < parts[i].n || memcmp(rest, parts[i].p, parts[i].n) != 0) {
            return false;
        }
        rest += parts[i].n;
    }
    if (*rest != '\0' && *rest != '.' && *rest != '[') {
        return false;
    }
    walk->rest = rest;
    walk->at_root = false;
    return true;
}

static bool take_key(struct walk *walk, struct sl_str key)
{
    bool brackets = key.n == 0;
    for (size_t i = 0; i < key.n && !brackets; i++) {
        brackets = strchr("./[]", key.p[i]) != NULL;
    }
    return brackets ? take(walk, "[", key, "]") : take(walk, walk->at_root ? "" : ".", key, "");
}

static bool take_index(struct walk *walk, size_t index)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%zu", index);
    return take(walk, "[", sl_str_from(text), "]");
}

/* --- YAML --- */

static const struct sl_yaml_node *find_member(const struct sl_yaml_node *mapping,
                                              struct walk *walk);

/* In what a mapping's merge keys bring in; of a list of sources the first one counts. */
static const struct sl_yaml_node *find_merged(const struct sl_yaml_node *mapping, struct walk *walk)
{
    const struct sl_yaml_node *found = NULL;
    for (const struct sl_yaml_node *key = mapping->first; key != NULL; key = key->next->next) {
        if (!sl_yaml_is_merge(key)) {
            continue;
        }
        const struct sl_yaml_node *source = sl_yaml_follow(key->next);
        if (source->kind == SL_YAML_MAPPING) {
            return find_member(source, walk);
        }
        for (source = source->first; source != NULL && found == NULL; source = source->next) {
            found = find_member(sl_yaml_follow(source), walk);
        }
        return found;
    }
    return NULL;
}

/* Recursion: at most SL_JSON_DEPTH merges, which the nodes keep (yaml_node.h). */
static const struct sl_yaml_node *find_member(const struct sl_yaml_node *mapping, struct walk *walk)
{
    for (const struct sl_yaml_node *key = mapping->first; key != NULL; key = key->next->next) {
        char scratch[SL_YAML_KEY_TEXT];
        struct sl_str text;
        if (!sl_yaml_is_merge(key) && sl_yaml_key_text(key, scratch, &text) == NULL &&
            take_key(walk, text)) {
            walk->mark = key->mark;
            return sl_yaml_follow(key->next);
        }
    }
    return find_merged(mapping, walk);
}

static const struct sl_yaml_node *find_element(const struct sl_yaml_node *sequence,
                                               struct walk *walk)
{
    size_t index = 0;
    for (const struct sl_yaml_node *element = sequence->first; element != NULL;
         element = element->next) {
        if (take_index(walk, index++)) {
            walk->mark = element->mark;
            return sl_yaml_follow(element);
        }
    }
    return NULL;
}

static struct sl_yaml_mark locate_node(const struct sl_yaml_node *node, struct walk *walk)
{
    walk->mark = node->mark;
    while (node != NULL && *walk->rest != '\0') {
        switch (node->kind) {
        case SL_YAML_MAPPING:
            node = find_member(node, walk);
            break;
        case SL_YAML_SEQUENCE:
            node = find_element(node, walk);
            break;
        case SL_YAML_SCALAR:
        case SL_YAML_ALIAS:
            node = NULL;
            break;
        }
    }
    return walk->mark;
}

/* --- JSON --- */

static bool step_json(struct sl_jval *value, struct walk *walk)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_jiter it = sl_jiter(*value);
    struct sl_jval key;
    struct sl_jval member;
    for (size_t index = 0; sl_jiter_next(&it, &key, &member); index++) {
        bool object = value->type == SL_J_OBJECT;
        if (object ? take_key(walk, sl_jval_str(key, &arena)) : take_index(walk, index)) {
            walk->byte = object ? key.raw.p : member.raw.p;
            *value = member;
            return true;
        }
    }
    return false;
}

struct sl_yaml_mark sl_yaml_locate(const struct sl_yaml_docs *docs, size_t index,
                                   const char *field_path)
{
    if (index >= docs->count) {
        return (struct sl_yaml_mark){0};
    }
    const struct sl_yaml_doc *doc = &docs->items[index];
    struct walk walk = {.rest = field_path, .at_root = true, .byte = doc->json.raw.p};
    if (doc->node != NULL) {
        return locate_node(doc->node, &walk);
    }
    struct sl_jval value = doc->json;
    while (*walk.rest != '\0' && step_json(&value, &walk)) {
    }
    return sl_yaml_position(docs->text, (size_t)(walk.byte - docs->text.p));
}
