/* The builder of JSON Patches (jsonpatch.h), which the admission path and the requests of the
 * reconciler use: no tree, only text. */
#include "codec/jsonpatch.h"

void sl_patch_cleanup(struct sl_patch *patch)
{
    sl_buf_cleanup(&patch->ops);
    patch->count = 0;
}

static void begin_operation(struct sl_patch *patch, const char *op, const char *pointer)
{
    sl_buf_adds(&patch->ops, patch->count == 0 ? "[{\"op\":\"" : ",{\"op\":\"");
    sl_buf_adds(&patch->ops, op);
    sl_buf_adds(&patch->ops, "\",\"path\":\"");
    sl_buf_add_json(&patch->ops, sl_str_from(pointer));
    sl_buf_addc(&patch->ops, '"');
    patch->count++;
}

static void add_with_value(struct sl_patch *patch, const char *op, const char *pointer,
                           struct sl_str value)
{
    begin_operation(patch, op, pointer);
    sl_buf_adds(&patch->ops, ",\"value\":");
    sl_buf_addstr(&patch->ops, value);
    sl_buf_addc(&patch->ops, '}');
}

void sl_patch_add(struct sl_patch *patch, const char *pointer, struct sl_str value)
{
    add_with_value(patch, "add", pointer, value);
}

void sl_patch_test(struct sl_patch *patch, const char *pointer, struct sl_str value)
{
    add_with_value(patch, "test", pointer, value);
}

void sl_patch_remove(struct sl_patch *patch, const char *pointer)
{
    begin_operation(patch, "remove", pointer);
    sl_buf_addc(&patch->ops, '}');
}

int sl_patch_finish(struct sl_patch *patch, struct sl_str *ret_text, struct sl_err *err)
{
    if (patch->count == 0) {
        *ret_text = (struct sl_str){0};
        return 0;
    }
    sl_buf_addc(&patch->ops, ']');
    if (sl_buf_check(&patch->ops, "the patch", err) != 0) {
        return -1;
    }
    *ret_text = sl_buf_str(&patch->ops);
    patch->ops.len--; /* the bracket is not part of the operations: the next one writes over it */
    return 0;
}
