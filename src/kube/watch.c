/* Pages and events (watch.h), read without a tree. */
#include "kube/watch.h"

#include <string.h>

#define KEEP_MAX (256 * SL_KIB) /* memory for lines that is kept from one to the next */

void sl_lines_reset(struct sl_lines *lines)
{
    sl_buf_cleanup(&lines->rest);
}

static void drop_line(struct sl_lines *lines)
{
    if (lines->rest.allocated > KEEP_MAX) {
        sl_buf_cleanup(&lines->rest);
    } else {
        sl_buf_reset(&lines->rest);
    }
}

int sl_lines_feed(struct sl_lines *lines, struct sl_str bytes,
                  int (*take)(void *ctx, struct sl_str line, struct sl_err *err), void *ctx,
                  struct sl_err *err)
{
    while (bytes.n > 0) {
        const char *end = memchr(bytes.p, '\n', bytes.n);
        size_t length = end == NULL ? bytes.n : (size_t)(end - bytes.p);
        struct sl_str line = {.p = bytes.p, .n = length};
        if (end == NULL || lines->rest.len > 0 || length > lines->rest.cap) {
            sl_buf_addstr(&lines->rest, line);
            line = sl_buf_str(&lines->rest);
        }
        if (sl_buf_check(&lines->rest, "a line of the watch", err) != 0) {
            return -1;
        }
        if (end == NULL) {
            return 0;
        }
        if (line.n > 0 && take(ctx, line, err) != 0) {
            return -1;
        }
        drop_line(lines);
        bytes = (struct sl_str){.p = end + 1, .n = bytes.n - length - 1};
    }
    return 0;
}

struct meta_values {
    struct sl_jval ns, name, uid, version;
};

static const struct sl_jrow meta_rows[] = {
    {.key = "namespace", .at = offsetof(struct meta_values, ns)},
    {.key = "name", .at = offsetof(struct meta_values, name)},
    {.key = "uid", .at = offsetof(struct meta_values, uid)},
    {.key = "resourceVersion", .at = offsetof(struct meta_values, version)},
    {0},
};

static const struct sl_jrow object_rows[] = {
    {.key = "metadata", .at = SL_JROW_NO_VALUE, .rows = meta_rows},
    {0},
};

/* The text of a string without a NUL in it; else the absent slice. */
static struct sl_str read_text(struct sl_jval value, struct sl_arena *arena)
{
    struct sl_str text = sl_jval_str(value, arena);
    return text.n > 0 && memchr(text.p, '\0', text.n) != NULL ? (struct sl_str){0} : text;
}

static int read_version(struct sl_jval value, struct sl_arena *arena, struct sl_str *ret_version,
                        struct sl_err *err)
{
    struct sl_str version = read_text(value, arena);
    if (version.n == 0 || version.n > SL_VERSION_MAX) {
        return sl_err_set(err, SL_ERR_INVALID, "the server's answer has no usable %s",
                          "metadata.resourceVersion");
    }
    *ret_version = version;
    return 0;
}

static int read_meta(const struct meta_values *values, struct sl_arena *arena,
                     struct sl_object_meta *ret_meta, struct sl_err *err)
{
    struct sl_object_meta meta = {
        .ns = read_text(values->ns, arena),
        .name = read_text(values->name, arena),
        .uid = read_text(values->uid, arena),
    };
    if (meta.name.n == 0 || meta.uid.n == 0 || (meta.ns.p == NULL && values->ns.type != 0)) {
        return sl_err_set(err, SL_ERR_INVALID, "an object without a usable name, namespace or uid");
    }
    if (read_version(values->version, arena, &meta.version, err) != 0) {
        return -1;
    }
    *ret_meta = meta;
    return 0;
}

int sl_object_meta_scan(struct sl_str json, struct sl_arena *arena, struct sl_object_meta *ret_meta,
                        struct sl_err *err)
{
    struct meta_values values = {0};
    if (sl_jscan(json, object_rows, &values, NULL, err) != 0) {
        return -1;
    }
    return read_meta(&values, arena, ret_meta, err);
}

struct page_values {
    struct sl_jval items, version, continue_with;
};

static const struct sl_jrow list_meta_rows[] = {
    {.key = "resourceVersion", .at = offsetof(struct page_values, version)},
    {.key = "continue", .at = offsetof(struct page_values, continue_with)},
    {0},
};

static const struct sl_jrow page_rows[] = {
    {.key = "metadata", .at = SL_JROW_NO_VALUE, .rows = list_meta_rows},
    {.key = "items", .at = offsetof(struct page_values, items)},
    {0},
};

int sl_list_page_scan(struct sl_str json, struct sl_arena *arena, struct sl_list_page *ret_page,
                      struct sl_err *err)
{
    struct page_values values = {0};
    struct sl_list_page page = {0};
    if (sl_jscan(json, page_rows, &values, NULL, err) != 0 ||
        read_version(values.version, arena, &page.version, err) != 0) {
        return sl_err_wrap(err, "a page of a list");
    }
    if (values.items.type != SL_J_ARRAY && values.items.type != SL_J_NULL) { /* null: Go's empty */
        return sl_err_set(err, SL_ERR_INVALID, "a page of a list: the answer has no items");
    }
    page.continue_with = read_text(values.continue_with, arena);
    page.items = values.items;
    *ret_page = page;
    return 0;
}

struct event_values {
    struct sl_jval type, object, code, message;
    struct meta_values meta;
};

static const struct sl_jrow event_object_rows[] = {
    {.key = "metadata",
     .at = SL_JROW_NO_VALUE,
     .rows = meta_rows,
     .base = offsetof(struct event_values, meta)},
    {.key = "code", .at = offsetof(struct event_values, code)},
    {.key = "message", .at = offsetof(struct event_values, message)},
    {0},
};

static const struct sl_jrow event_rows[] = {
    {.key = "type", .at = offsetof(struct event_values, type)},
    {.key = "object", .at = offsetof(struct event_values, object), .rows = event_object_rows},
    {0},
};

static const struct sl_str type_names[] = {
    [SL_WATCH_ADDED] = SL_STR_INIT("ADDED"),     [SL_WATCH_MODIFIED] = SL_STR_INIT("MODIFIED"),
    [SL_WATCH_DELETED] = SL_STR_INIT("DELETED"), [SL_WATCH_BOOKMARK] = SL_STR_INIT("BOOKMARK"),
    [SL_WATCH_ERROR] = SL_STR_INIT("ERROR"),
};

static int read_type(struct sl_jval value, enum sl_watch_type *ret_type, struct sl_err *err)
{
    for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++) {
        if (sl_jval_is(value, type_names[i])) {
            *ret_type = (enum sl_watch_type)i;
            return 0;
        }
    }
    return sl_err_set(err, SL_ERR_INVALID, "a watch event of the unknown type %.*s",
                      SL_STR_FMT(value.raw));
}

int sl_watch_event_scan(struct sl_str line, struct sl_arena *arena,
                        struct sl_watch_event *ret_event, struct sl_err *err)
{
    struct event_values values = {0};
    struct sl_watch_event event = {0};
    if (sl_jscan(line, event_rows, &values, NULL, err) != 0 ||
        read_type(values.type, &event.type, err) != 0) {
        return -1;
    }
    event.object = values.object.raw;
    if (event.type == SL_WATCH_ERROR) {
        (void)sl_jval_int(values.code, &event.code);
        event.message = sl_jval_str(values.message, arena);
    } else if (event.type == SL_WATCH_BOOKMARK) {
        if (read_version(values.meta.version, arena, &event.meta.version, err) != 0) {
            return -1;
        }
    } else if (read_meta(&values.meta, arena, &event.meta, err) != 0) {
        return -1;
    }
    *ret_event = event;
    return 0;
}
