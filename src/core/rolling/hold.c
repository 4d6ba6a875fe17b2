/* What a run changes of the workload's spec, and how it is put back: every field that is
 * overwritten is saved in sluice.dev/held first, in the same request (core/held.h). */
#include "core/held_value.h"
#include "core/rolling/work.h"

struct sl_jval sl_work_at(struct sl_str json, const char *path)
{
    struct sl_jval value;
    struct sl_str rest = sl_str_from(path);
    if (sl_jscan(json, NULL, NULL, &value, NULL) < 0) {
        return (struct sl_jval){0};
    }
    while (rest.n > 0) {
        value = sl_jval_get(value, sl_str_cut(&rest, '.'));
    }
    return value;
}

struct sl_str sl_work_field(const struct sl_work *work, const char *field)
{
    struct sl_jval value = sl_work_at(sl_str_from(work->in->workload->spec), field);
    return value.type == SL_J_ABSENT ? SL_STR("null") : value.raw;
}

/* Whether all that `wanted` says is so in `value`: the API server adds defaults of its own. */
static bool contains(struct sl_jval value, struct sl_jval wanted)
{
    if (wanted.type != SL_J_OBJECT) {
        return sl_jscan_equal(value.raw, wanted.raw);
    }
    struct sl_jiter it = sl_jiter(wanted);
    struct sl_jval key;
    struct sl_jval member;
    while (sl_jiter_next(&it, &key, &member)) {
        struct sl_str name = {.p = key.raw.p + 1, .n = key.raw.n - 2}; /* ours: nothing escaped */
        if (!contains(sl_jval_get(value, name), member)) {
            return false;
        }
    }
    return value.type == SL_J_OBJECT;
}

static bool is_as_wanted(struct sl_str current, struct sl_str wanted)
{
    return contains(sl_work_at(current, ""), sl_work_at(wanted, ""));
}

/* All changes of the workload in one plan are one request. */
static struct sl_action *workload_action(struct sl_work *work)
{
    const struct sl_record *workload = &work->in->workload->record;
    for (size_t i = 0; i < work->action_count; i++) {
        if (work->actions[i].kind == SL_ACT_WORKLOAD) {
            return &work->actions[i];
        }
    }
    return sl_work_add(work, SL_ACT_WORKLOAD, workload);
}

static void write_held(struct sl_work *work, struct sl_action *action)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_HELD_MAX * (SL_HELD_FIELD_MAX + SL_KIB));
    sl_held_write(&work->held, &text);
    action->held = sl_arena_str(work->arena, sl_buf_str(&text));
}

static void set_field(struct sl_action *action, struct sl_str field, struct sl_str value)
{
    size_t i = 0;
    while (i < action->field_count && !sl_str_eq(action->fields[i].path, field)) {
        i++;
    }
    if (i < SL_ACTION_FIELDS_MAX) {
        action->fields[i] = (struct sl_action_field){.path = field, .value = value};
        action->field_count += i == action->field_count ? 1 : 0;
    }
}

bool sl_work_set(struct sl_work *work, const struct sl_want *wanted, size_t count)
{
    bool as_wanted = true;
    bool saved = false;
    for (size_t i = 0; i < count; i++) {
        struct sl_str field = sl_str_from(wanted[i].field);
        struct sl_str current = sl_work_field(work, wanted[i].field);
        if (sl_held_get(&work->held, field).p == NULL) {
            saved |= sl_held_add(&work->held, field, sl_held_compact(work->arena, current));
        }
        if (!is_as_wanted(current, wanted[i].value)) {
            set_field(workload_action(work), field, wanted[i].value);
            as_wanted = false;
        }
    }
    if (saved) {
        write_held(work, workload_action(work));
    }
    return as_wanted && !saved;
}

static struct sl_want hold_of(const struct sl_work *work)
{
    const struct sl_hold *hold = &work->in->kind->hold;
    const char *field = sl_arena_cstr(work->arena, hold->field);
    return (struct sl_want){
        .field = field,
        .value = sl_held_hold(work->arena, hold, sl_work_field(work, field)),
    };
}

bool sl_work_hold(struct sl_work *work)
{
    struct sl_want hold = hold_of(work);
    return sl_work_set(work, &hold, 1);
}

/* Where a hand-over ended half-way, its marks would refuse pods to the controller that goes on. */
static bool clear_marks(struct sl_work *work)
{
    bool clear = true;
    for (size_t i = 0; i < work->in->revision_count; i++) {
        const struct sl_revision_record *revision = work->in->revisions[i];
        if (revision->handover != 0) {
            sl_work_add(work, SL_ACT_REPLICA_SET, &revision->record)->handover_until = 0;
            clear = false;
        }
    }
    return clear;
}

/* A copy of a hold that is over is taken for one by whoever gets it back with an undo. The
 * Deployment controller makes none any more once it has seen the Deployment without. */
bool sl_work_drop_copies(struct sl_work *work)
{
    const struct sl_workload_record *workload = work->in->workload;
    if (workload->observed_generation < workload->record.generation) {
        return false;
    }
    bool clean = true;
    for (size_t i = 0; i < work->in->revision_count; i++) {
        const struct sl_revision_record *revision = work->in->revisions[i];
        if (revision->has_held) {
            sl_work_add(work, SL_ACT_REPLICA_SET, &revision->record)->drop_held = true;
            clean = false;
        }
    }
    return clean;
}

bool sl_work_release(struct sl_work *work)
{
    const struct sl_workload_record *workload = work->in->workload;
    if (!clear_marks(work)) {
        return false;
    }
    if (workload->held[0] != '\0') {
        struct sl_action *action = workload_action(work);
        action->held = SL_STR("");
        for (size_t i = 0; i < work->held.count; i++) {
            set_field(action, work->held.items[i].field, work->held.items[i].value);
        }
        return false;
    }
    if (workload->managed_entry >= 0) { /* or a server-side apply of the owner's would conflict */
        (void)sl_work_add(work, SL_ACT_DISOWN, &workload->record);
        return false;
    }
    return sl_work_drop_copies(work);
}

bool sl_work_can_restore(const struct sl_work *work)
{
    return work->driver != NULL && sl_work_revision(work, work->status.run.stable_revision) != NULL;
}

bool sl_work_restore_template(struct sl_work *work)
{
    const struct sl_revision_record *stable =
        work->driver == NULL ? NULL : sl_work_revision(work, work->status.run.stable_revision);
    if (stable == NULL) {
        return false;
    }
    (void)sl_work_hold(work);
    workload_action(work)->template = sl_str_from(stable->template);
    return true;
}
