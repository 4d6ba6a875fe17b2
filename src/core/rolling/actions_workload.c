/* The JSON Patches of a workload (actions.h): its fields, its annotation, its template in one
 * request, and the removal of our entry among its managedFields. They are right by construction:
 * the record says what is there, and the resourceVersion that it still is. */
#include "core/names.h"
#include "core/rolling/actions_internal.h"

/* `value` inside the objects that `path` names: "a.b" and 1 give {"a":{"b":1}}. */
static struct sl_str wrap(struct sl_arena *arena, struct sl_str path, struct sl_str value)
{
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_ACTION_BODY_MAX);
    size_t depth = 0;
    while (path.p != NULL) {
        sl_buf_addc(&out, '{');
        sl_buf_add_json_string(&out, sl_str_cut(&path, '.'));
        sl_buf_addc(&out, ':');
        depth++;
    }
    sl_buf_addstr(&out, value);
    for (; depth > 0; depth--) {
        sl_buf_addc(&out, '}');
    }
    return sl_arena_str(arena, sl_buf_str(&out));
}

/* Sets or removes one member of spec. Where what it stands in is not there, that is made as well.
 */
static void write_field(struct sl_action_work *work, struct sl_jval spec,
                        const struct sl_action_field *field, struct sl_patch *patch)
{
    struct sl_str rest = field->path;
    const char *pointer = "/spec";
    struct sl_jval value = spec;
    while (rest.p != NULL && value.type == SL_J_OBJECT) {
        struct sl_str segment = sl_str_cut(&rest, '.');
        pointer = sl_pointer_add(work->arena, pointer, segment);
        value = sl_jval_get(value, segment);
    }
    if (!sl_str_is(field->value, "null")) {
        sl_patch_add(patch, pointer, wrap(work->arena, rest, field->value));
    } else if (rest.p == NULL && value.type != SL_J_ABSENT) {
        sl_patch_remove(patch, pointer);
    }
}

static void write_held(struct sl_action_work *work, const struct sl_workload_record *workload,
                       struct sl_patch *patch)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_ACTION_BODY_MAX);
    struct sl_str held = work->action->held;
    const char *pointer =
        sl_pointer_add(work->arena, "/metadata/annotations", SL_STR(SL_ANNOTATION_HELD));
    if (held.p == NULL) {
        return;
    }
    if (held.n == 0) {
        if (workload->held[0] != '\0') {
            sl_patch_remove(patch, pointer);
        }
        return;
    }
    sl_buf_adds(&text, workload->has_annotations ? "" : "{\"" SL_ANNOTATION_HELD "\":");
    sl_buf_add_json_string(&text, held);
    sl_buf_adds(&text, workload->has_annotations ? "" : "}");
    sl_patch_add(patch, workload->has_annotations ? pointer : "/metadata/annotations",
                 sl_buf_str(&text));
}

int sl_action_write_workload(struct sl_action_work *work, struct sl_err *err)
{
    SL_AUTO(sl_patch) struct sl_patch patch = SL_PATCH_INIT;
    const struct sl_workload_record *workload = sl_workload_of(work->action->target);
    struct sl_jval spec = {0};
    if (sl_jscan(sl_str_from(workload->spec), NULL, NULL, &spec, err) < 0) {
        return -1;
    }
    sl_action_begin_patch(work, &workload->record, &patch);
    for (size_t i = 0; i < work->action->field_count; i++) {
        write_field(work, spec, &work->action->fields[i], &patch);
    }
    write_held(work, workload, &patch);
    if (work->action->template.p != NULL) {
        sl_patch_add(&patch, "/spec/template", work->action->template);
    }
    return sl_action_end_patch(work, &patch, err);
}

int sl_action_write_disown(struct sl_action_work *work, struct sl_err *err)
{
    SL_AUTO(sl_patch) struct sl_patch patch = SL_PATCH_INIT;
    const struct sl_workload_record *workload = sl_workload_of(work->action->target);
    if (workload->managed_entry < 0) {
        return sl_err_set(err, SL_ERR_INVALID, "%s has no fields of ours", workload->record.name);
    }
    const char *entry =
        sl_arena_printf(work->arena, "/metadata/managedFields/%d", workload->managed_entry);
    sl_action_begin_patch(work, &workload->record, &patch);
    sl_patch_test(&patch, sl_pointer_add(work->arena, entry, SL_STR("manager")),
                  SL_STR("\"" SL_FIELD_MANAGER "\""));
    sl_patch_remove(&patch, entry);
    return sl_action_end_patch(work, &patch, err);
}
