/* Look-ups and budget of a plan in the making, and the actions on pods (work.h). */
#include "core/rolling/work.h"

#include <string.h>

bool sl_work_ordered(const struct sl_work *work, enum sl_order order)
{
    const struct sl_rollout *spec = sl_work_spec(work);
    return spec->has_order && spec->order == (int)order && work->status.run.id.n > 0 &&
           sl_str_eq(spec->order_run, work->status.run.id);
}

bool sl_work_is_paused(const struct sl_work *work)
{
    return sl_work_spec(work)->paused || work->owner_paused != NULL;
}

bool sl_work_is_usable(const struct sl_work *work)
{
    return work->driver != NULL && work->in->rival == NULL && work->in->rollout->problem[0] == '\0';
}

bool sl_work_is_held(const struct sl_work *work)
{
    return work->held.count > 0;
}

const struct sl_revision_record *sl_work_revision(const struct sl_work *work, struct sl_str id)
{
    const struct sl_revision_record *found = NULL;
    for (size_t i = 0; i < work->in->revision_count && id.n > 0; i++) {
        const struct sl_revision_record *revision = work->in->revisions[i];
        if (sl_str_is(id, work->driver->revision_id(revision)) &&
            (found == NULL || revision->revision > found->revision)) {
            found = revision;
        }
    }
    return found;
}

const char *sl_work_hash(const struct sl_work *work, struct sl_str text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < text.n; i++) {
        hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
    }
    return sl_arena_printf(work->arena, "%08x", (unsigned)(hash >> 32) ^ (unsigned)hash);
}

int32_t sl_work_max_unavailable(const struct sl_work *work)
{
    const struct sl_rollout_status *status = &work->status;
    size_t batch = (size_t)status->current_batch;
    int32_t before =
        batch == 0 || batch > status->batch_count ? 0 : status->batches[batch - 1].target;
    int32_t size = work->target > before ? work->target - before : 1;
    int32_t most = sl_intstr_of(sl_work_spec(work)->plan.max_unavailable, size, true);
    return most < 1 ? 1 : most;
}

int32_t sl_work_allowance(const struct sl_work *work)
{
    int32_t ours = work->out_of_service - work->status.run.tolerated;
    int32_t left = sl_work_max_unavailable(work) - (ours > 0 ? ours : 0) - work->promised;
    return work->may_touch && left > 0 ? left : 0;
}

struct sl_action *sl_work_add(struct sl_work *work, enum sl_action_kind kind,
                              const struct sl_record *target)
{
    if (work->action_count == work->action_room) {
        size_t room = work->action_room == 0 ? 8 : work->action_room * 2;
        struct sl_action *actions = sl_arena_zalloc(work->arena, room, sizeof *actions);
        if (work->action_count > 0) {
            memcpy(actions, work->actions, work->action_count * sizeof *actions);
        }
        work->actions = actions;
        work->action_room = room;
    }
    struct sl_action *action = &work->actions[work->action_count++];
    *action =
        (struct sl_action){.kind = kind, .target = target, .replicas = -1, .handover_until = -1};
    return action;
}

void sl_work_upgrade(struct sl_work *work, const struct sl_work_pod *pod, const char *revision,
                     const struct sl_revision_record *to, bool handover)
{
    struct sl_action *action = sl_work_add(work, SL_ACT_POD_UPGRADE, &pod->pod->record);
    action->from = pod->from;
    action->to = to;
    action->revision = revision;
    action->handover = handover;
    action->batch = work->status.current_batch;
}

/* --- what keeps the next batch from beginning --- */

int64_t sl_work_pause_end(const struct sl_work *work)
{
    const struct sl_batches *batches = &sl_work_spec(work)->plan.batches;
    const struct sl_batch *items = batches->list.items;
    size_t current = (size_t)work->status.current_batch;
    size_t first = batches->upgrade_type == SL_UPGRADE_BETA ? 1 : 0;
    if (current < first || current - first >= batches->list.count ||
        !items[current - first].has_pause || current >= work->status.batch_count) {
        return 0;
    }
    return work->status.batches[current].finished + items[current - first].pause;
}

static bool is_confirmed(const struct sl_work *work)
{
    const struct sl_rollout *spec = sl_work_spec(work);
    return !spec->plan.confirm_each ||
           (spec->has_confirm && sl_str_eq(spec->confirm_run, work->status.run.id) &&
            spec->confirm_batch >= work->status.current_batch);
}

enum sl_gate sl_work_gate(const struct sl_work *work)
{
    const struct sl_rollout *spec = sl_work_spec(work);
    if (spec->paused) {
        return SL_GATE_PAUSED;
    }
    if (work->owner_paused != NULL) {
        return SL_GATE_OWNER;
    }
    if (sl_work_is_rollback(work) || sl_work_ordered(work, SL_ORDER_PROMOTE)) {
        return SL_GATE_OPEN;
    }
    if (spec->plan.has_partition && work->status.current_batch >= spec->plan.partition) {
        return SL_GATE_PARTITION;
    }
    if (!is_confirmed(work)) {
        return SL_GATE_CONFIRM;
    }
    return sl_work_pause_end(work) > work->now ? SL_GATE_WAIT : SL_GATE_OPEN;
}
