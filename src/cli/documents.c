/* Files to documents (documents.h): review_input.c makes reviews of them. */
#include "cli/documents.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "codec/file_problems.h"

void sl_documents_cleanup(struct sl_documents *documents)
{
    for (size_t i = 0; i < documents->file_count; i++) {
        sl_yaml_docs_free(documents->files[i]);
    }
    free(documents->files);
    free(documents->items);
    sl_arena_cleanup(&documents->arena);
    *documents = (struct sl_documents){0};
}

struct json_object *sl_member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

const char *sl_member_text(struct json_object *object, const char *key)
{
    struct json_object *value = sl_member(object, key);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

struct sl_str sl_plural(struct sl_str kind, struct sl_arena *arena)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(kind.n + 4);
    for (size_t i = 0; i < kind.n; i++) {
        char c = kind.p[i];
        sl_buf_addc(&text, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
    if (sl_str_ends(sl_buf_str(&text), SL_STR("s"))) {
        sl_buf_adds(&text, "es");
    } else if (sl_str_ends(sl_buf_str(&text), SL_STR("y"))) {
        text.len--;
        sl_buf_adds(&text, "ies");
    } else {
        sl_buf_addc(&text, 's');
    }
    return sl_arena_str(arena, sl_buf_str(&text));
}

static const char *file_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

int sl_document_wrap(const struct sl_document *document, struct sl_err *err)
{
    struct sl_yaml_mark mark = sl_yaml_locate(document->docs, document->index, document->field);
    return sl_err_wrap(err, "%s:%u:%u", document->file, mark.line, mark.column);
}

static void append(struct sl_documents *set, struct sl_document document)
{
    struct sl_document *items = reallocarray(set->items, set->count + 1, sizeof *items);
    if (items == NULL) {
        abort();
    }
    set->items = items;
    set->items[set->count++] = document;
}

static bool is_list(struct json_object *root)
{
    return strcmp(sl_member_text(root, "kind"), "List") == 0 &&
           strcmp(sl_member_text(root, "apiVersion"), "v1") == 0;
}

/* Adds a document, or the items of a List. Recursion: at most SL_JSON_DEPTH, as the tree. */
static int add(struct sl_documents *set, struct sl_document document, struct sl_err *err)
{
    struct json_object *root = document.root;
    if (!json_object_is_type(root, json_type_object) || sl_member_text(root, "kind") == NULL ||
        sl_member_text(root, "apiVersion") == NULL) {
        (void)sl_err_set(err, SL_ERR_INVALID,
                         "a document must be a Kubernetes object with apiVersion and kind");
        return sl_document_wrap(&document, err);
    }
    if (!is_list(root)) {
        append(set, document);
        return 0;
    }
    struct json_object *items = sl_member(root, "items");
    if (!json_object_is_type(items, json_type_array)) {
        (void)sl_err_set(err, SL_ERR_INVALID, "items of a List must be a list");
        return sl_document_wrap(&document, err);
    }
    const char *dot = document.field[0] == '\0' ? "" : ".";
    for (size_t i = 0; i < json_object_array_length(items); i++) {
        struct sl_document item = document;
        item.root = json_object_array_get_idx(items, i);
        item.json = (struct sl_str){0};
        item.field = sl_arena_printf(&set->arena, "%s%sitems[%zu]", document.field, dot, i);
        if (add(set, item, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int sl_documents_read(struct sl_documents *documents, const char *path, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_DOCUMENT_FILE_MAX);
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    if (sl_file_read(path, &text, err) < 0 ||
        sl_file_parse(file_name(path), sl_buf_str(&text), &docs, err) < 0) {
        return -1;
    }
    struct sl_yaml_docs **files =
        reallocarray(documents->files, documents->file_count + 1, sizeof(struct sl_yaml_docs *));
    if (files == NULL) {
        abort();
    }
    documents->files = files;
    documents->files[documents->file_count++] = docs;
    struct sl_document document = {.file = file_name(path), .docs = sl_steal(&docs), .field = ""};
    for (; document.index < sl_yaml_count(document.docs); document.index++) {
        document.root = sl_yaml_root(document.docs, document.index);
        document.json = sl_yaml_json(document.docs, document.index);
        if (add(documents, document, err) < 0) {
            return -1;
        }
    }
    return 0;
}
