/* The annotation sluice.dev/held as text and as a list of fields (held.h). Used by hold.c, and by
 * whoever restores a workload at the end of a run. */
#include "core/held.h"

#include "core/names.h"

#define FIELD_NAME_MAX 63

/* "spec.updateStrategy" names the field updateStrategy; anything else names none. */
static struct sl_str field_of(struct sl_str path)
{
    struct sl_str rest = path;
    struct sl_str spec = sl_str_cut(&rest, '.');
    if (!sl_str_is(spec, "spec") || rest.n == 0 || rest.n > FIELD_NAME_MAX ||
        sl_str_is(rest, "template")) {
        return (struct sl_str){0};
    }
    for (size_t i = 0; i < rest.n; i++) {
        char lower = (char)(rest.p[i] | 0x20);
        if ((lower < 'a' || lower > 'z') && (rest.p[i] < '0' || rest.p[i] > '9')) {
            return (struct sl_str){0};
        }
    }
    return rest;
}

void sl_held_parse(struct sl_str text, struct sl_arena *arena, struct sl_held *ret_held)
{
    struct sl_held held = {0};
    struct sl_jval root;
    struct sl_jval key;
    struct sl_jval value;
    *ret_held = (struct sl_held){0};
    if (text.n == 0 || sl_jscan(text, NULL, NULL, &root, NULL) < 0 || root.type != SL_J_OBJECT) {
        return;
    }
    struct sl_jiter it = sl_jiter(root);
    while (sl_jiter_next(&it, &key, &value)) {
        struct sl_str field = field_of(sl_jval_str(key, arena));
        if (field.p == NULL || value.raw.n > SL_HELD_FIELD_MAX ||
            sl_held_get(&held, field).p != NULL || !sl_held_add(&held, field, value.raw)) {
            return; /* not ours: nothing of it is believed */
        }
    }
    *ret_held = held;
}

void sl_held_read(struct sl_jval annotations, struct sl_arena *arena, struct sl_held *ret_held)
{
    sl_held_parse(sl_jval_str(sl_jval_get(annotations, SL_STR(SL_ANNOTATION_HELD)), arena), arena,
                  ret_held);
}

struct sl_str sl_held_get(const struct sl_held *held, struct sl_str field)
{
    for (size_t i = 0; i < held->count; i++) {
        if (sl_str_eq(held->items[i].field, field)) {
            return held->items[i].value;
        }
    }
    return (struct sl_str){0};
}

bool sl_held_add(struct sl_held *held, struct sl_str field, struct sl_str value)
{
    if (held->count == SL_HELD_MAX) {
        return false;
    }
    held->items[held->count++] = (struct sl_held_field){.field = field, .value = value};
    return true;
}

void sl_held_write(const struct sl_held *held, struct sl_buf *out)
{
    sl_buf_addc(out, '{');
    for (size_t i = 0; i < held->count; i++) {
        sl_buf_addf(out, "%s\"spec.%.*s\":", i == 0 ? "" : ",", SL_STR_FMT(held->items[i].field));
        sl_buf_addstr(out, held->items[i].value);
    }
    sl_buf_addc(out, '}');
}
