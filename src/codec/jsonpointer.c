/* JSON Pointers (RFC 6901), written for the builder of patches and followed for their applier. */
#include "codec/jsonpointer.h"

#include <string.h>

#include "codec/jsonpatch.h"

const char *sl_pointer_add(struct sl_arena *arena, const char *base, struct sl_str segment)
{
    size_t base_length = strlen(base);
    char *pointer = sl_arena_alloc(arena, base_length + 1 + 2 * segment.n + 1);
    memcpy(pointer, base, base_length + 1);
    char *end = pointer + base_length;
    *end++ = '/';
    for (size_t i = 0; i < segment.n; i++) {
        char c = segment.p[i];
        if (c == '~' || c == '/') {
            *end++ = '~';
            c = c == '~' ? '0' : '1';
        }
        *end++ = c;
    }
    *end = '\0';
    return pointer;
}

/* Takes the first segment off *rest, which is not empty, and unescapes it. */
static int take_segment(struct sl_arena *arena, struct sl_str *rest, const char **ret_key,
                        struct sl_err *err)
{
    if (rest->p[0] != '/') {
        return sl_err_set(err, SL_ERR_INVALID, "a pointer that is not empty must begin with '/'");
    }
    char *key = sl_arena_alloc(arena, rest->n);
    size_t length = 0;
    size_t i = 1;
    for (; i < rest->n && rest->p[i] != '/'; i++) {
        char c = rest->p[i];
        if (c == '~') {
            char escaped = ++i < rest->n ? rest->p[i] : '\0';
            if (escaped != '0' && escaped != '1') {
                return sl_err_set(err, SL_ERR_INVALID, "'~' must be written ~0, and '/' ~1");
            }
            c = escaped == '0' ? '~' : '/';
        }
        if (c == '\0') {
            return sl_err_set(err, SL_ERR_INVALID, "no key can hold the character U+0000");
        }
        key[length++] = c;
    }
    key[length] = '\0';
    *ret_key = key;
    *rest = (struct sl_str){.p = rest->p + i, .n = rest->n - i};
    return 0;
}

int sl_pointer_index(const char *key, size_t limit, size_t *ret_index, struct sl_err *err)
{
    size_t length = strlen(key);
    if (length == 0 || strspn(key, "0123456789") != length || (key[0] == '0' && length > 1)) {
        return sl_err_set(err, SL_ERR_INVALID, "\"%s\" is not an index of a list", key);
    }
    size_t index = 0;
    for (const char *digit = key; *digit != '\0' && index < limit; digit++) {
        index = index * 10 + (size_t)(*digit - '0'); /* limit is far below what would overflow */
    }
    if (index >= limit) {
        return sl_err_set(err, SL_ERR_NOT_FOUND, "index %s is past the end of the list", key);
    }
    *ret_index = index;
    return 0;
}

int sl_pointer_child(struct json_object *parent, const char *key, struct json_object **ret_child,
                     struct sl_err *err)
{
    if (json_object_is_type(parent, json_type_object)) {
        struct json_object *member = NULL; /* json-c sets it on failure too */
        if (!json_object_object_get_ex(parent, key, &member)) {
            return sl_err_set(err, SL_ERR_NOT_FOUND, "there is no member \"%s\"", key);
        }
        *ret_child = member;
        return 0;
    }
    if (!json_object_is_type(parent, json_type_array)) {
        return sl_err_set(err, SL_ERR_NOT_FOUND, "\"%s\" is in neither an object nor a list", key);
    }
    size_t index = 0;
    if (strcmp(key, "-") == 0) {
        return sl_err_set(err, SL_ERR_NOT_FOUND, "\"-\" is the place after the last element");
    }
    if (sl_pointer_index(key, json_object_array_length(parent), &index, err) != 0) {
        return -1;
    }
    *ret_child = json_object_array_get_idx(parent, index);
    return 0;
}

int sl_pointer_parent(struct json_object *root, struct sl_str pointer, struct sl_arena *arena,
                      struct json_object **ret_parent, const char **ret_key, struct sl_err *err)
{
    struct json_object *parent = root;
    const char *key = "";
    if (take_segment(arena, &pointer, &key, err) != 0) {
        return -1;
    }
    while (pointer.n > 0) {
        if (sl_pointer_child(parent, key, &parent, err) != 0 ||
            take_segment(arena, &pointer, &key, err) != 0) {
            return -1;
        }
    }
    *ret_parent = parent;
    *ret_key = key;
    return 0;
}

int sl_pointer_find(struct json_object *root, struct sl_str pointer, struct sl_arena *arena,
                    struct json_object **ret_value, struct sl_err *err)
{
    if (pointer.n == 0) {
        *ret_value = root;
        return 0;
    }
    struct json_object *parent = NULL;
    const char *key = NULL;
    if (sl_pointer_parent(root, pointer, arena, &parent, &key, err) != 0) {
        return -1;
    }
    return sl_pointer_child(parent, key, ret_value, err);
}

int sl_pointer_get(struct json_object *root, const char *pointer, struct json_object **ret_value,
                   struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    return sl_pointer_find(root, sl_str_from(pointer), &arena, ret_value, err);
}
