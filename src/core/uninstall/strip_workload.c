/* How workloads and Rollouts are let go (strip.h), by the actions that end a run: the saved values
 * go back as core/rolling/hold.c puts them back, but for no plan to be followed any more. */
#include <inttypes.h>

#include "core/held.h"
#include "core/rolling/actions.h"
#include "core/uninstall/strip.h"

/* The action as a write. */
static int write_action(const struct sl_roll_input *input, const struct sl_action *action,
                        struct sl_arena *arena, struct sl_strip_write *write, struct sl_err *err)
{
    struct sl_action_call call = {.body = SL_BUF_INIT(0)};
    if (sl_action_write(input, action, 0, &call, err) < 0) {
        return -1;
    }
    write->ns = sl_arena_str(arena, call.ns);
    write->name = sl_arena_str(arena, call.name);
    write->subresource = call.subresource;
    write->content_type = call.content_type;
    write->body = sl_arena_str(arena, sl_buf_str(&call.body));
    sl_action_call_cleanup(&call);
    return 0;
}

static const char *restore(const struct sl_workload_record *workload, struct sl_arena *arena,
                           struct sl_action *action)
{
    struct sl_held held;
    const char *fields = "";
    sl_held_parse(sl_str_from(workload->held), arena, &held);
    action->kind = SL_ACT_WORKLOAD;
    action->held = SL_STR("");
    for (size_t i = 0; i < held.count && i < SL_ACTION_FIELDS_MAX; i++) {
        action->fields[action->field_count++] =
            (struct sl_action_field){.path = held.items[i].field, .value = held.items[i].value};
        fields = sl_arena_printf(arena, "%s%s%.*s", fields, i == 0 ? "" : ", ",
                                 SL_STR_FMT(held.items[i].field));
    }
    return held.count == 0 ? "hold removed, which had saved nothing"
                           : sl_arena_printf(arena, "%s restored", fields);
}

int sl_strip_workload(const struct sl_strip_input *input, struct sl_arena *arena,
                      struct sl_strip_write *ret_write, struct sl_err *err)
{
    static const struct sl_rollout_record of_none = {.problem = ""};
    SL_AUTO(sl_record) struct sl_record *record = NULL;
    struct sl_strip_write write = {0};
    if (sl_workload_record_decode(input->json, &record, err) < 0) {
        return -1;
    }
    const struct sl_workload_record *workload = sl_workload_of(record);
    const struct sl_roll_input roll = {
        .rollout = &of_none, .kind = input->kind, .workload = workload};
    struct sl_action action = {.target = record};
    write.first = !input->second && workload->held[0] != '\0';
    if (write.first) {
        write.done = restore(workload, arena, &action);
    } else if (workload->managed_entry >= 0) {
        action.kind = SL_ACT_DISOWN;
        write.done = "our entry in managedFields removed";
    }
    if (write.done != NULL && write_action(&roll, &action, arena, &write, err) < 0) {
        return -1;
    }
    *ret_write = write;
    return 0;
}

int sl_strip_rollout(const struct sl_strip_input *input, struct sl_arena *arena,
                     struct sl_strip_write *ret_write, struct sl_err *err)
{
    static const struct sl_workload_kinds no_kinds = {0}; /* its spec does not matter */
    struct sl_strip_write write = {0};
    struct sl_record *record = NULL;
    if (sl_rollout_record_decode(input->json, &no_kinds, &record, err) < 0) {
        return -1;
    }
    const struct sl_rollout_record *rollout = sl_rollout_of(record);
    const struct sl_roll_input roll = {.rollout = rollout};
    const struct sl_action action = {.kind = SL_ACT_FINALIZER, .target = record};
    int result = 0;
    if (rollout->has_finalizer) {
        write.done = "finalizer removed";
        result = write_action(&roll, &action, arena, &write, err);
    }
    sl_rollout_record_free(record);
    if (result == 0) {
        *ret_write = write;
    }
    return result;
}
