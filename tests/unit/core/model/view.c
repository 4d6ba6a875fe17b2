/* What the reconciler sees of the model: caches that lag, each kind of object by itself, and
 * answers to its own requests that enter them at once. */
#include <string.h>

#include "model.h"

void m_view_refresh(struct m_world *world, bool all)
{
    if (all || m_chance(world, 700)) {
        world->seen.workload = world->is.workload;
    }
    if (all || m_chance(world, 700)) {
        world->seen.rollout = world->is.rollout;
    }
    if (all || m_chance(world, 700)) {
        memcpy(world->seen.revisions, world->is.revisions, sizeof world->is.revisions);
    }
    if (all || m_chance(world, 700)) {
        memcpy(world->seen.pods, world->is.pods, sizeof world->is.pods);
    }
}

void m_view_put(struct m_world *world, const struct sl_record *record)
{
    struct m_objects *is = &world->is;
    struct m_objects *seen = &world->seen;
    if (record == &is->workload.record.record) {
        seen->workload = is->workload;
    } else if (record == &is->rollout.record.record) {
        seen->rollout = is->rollout;
    }
    for (size_t i = 0; i < M_REVISIONS; i++) {
        if (record == &is->revisions[i].record.record) {
            seen->revisions[i] = is->revisions[i];
        }
    }
    for (size_t i = 0; i < M_PODS; i++) {
        if (record == &is->pods[i].record.record) {
            seen->pods[i] = is->pods[i];
        }
    }
}

static const char *spec_text(struct m_world *world, const struct m_workload *workload)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB * 4);
    sl_buf_addf(&text, "{\"selector\":{\"matchLabels\":{\"app\":\"web\"}}");
    if (world->kind != M_DAEMON_SET) {
        sl_buf_addf(&text, ",\"replicas\":%d", workload->record.replicas);
    }
    for (size_t i = 0; i < M_FIELDS; i++) {
        if (workload->fields[i][0] != '\0') {
            sl_buf_addf(&text, ",\"%s\":%s", m_field_names[i], workload->fields[i]);
        }
    }
    sl_buf_adds(&text, "}");
    return sl_arena_cstr(&world->scratch, sl_buf_str(&text));
}

static bool owned(const struct m_objects *seen, const struct m_pod *pod)
{
    const char *owner = pod->record.record.owner_uid;
    if (strcmp(owner, seen->workload.record.record.uid) == 0) {
        return true;
    }
    for (size_t i = 0; i < M_REVISIONS; i++) {
        const struct sl_record *record = &seen->revisions[i].record.record;
        if (seen->revisions[i].used && strcmp(owner, record->uid) == 0) {
            return strcmp(record->owner_uid, seen->workload.record.record.uid) == 0;
        }
    }
    return false;
}

static void add_owned(struct m_world *world, struct sl_roll_input *input)
{
    struct m_objects *seen = &world->seen;
    const struct sl_revision_record **revisions =
        sl_arena_zalloc(&world->scratch, M_REVISIONS, sizeof(const struct sl_revision_record *));
    const struct sl_pod_record **pods =
        sl_arena_zalloc(&world->scratch, M_PODS, sizeof(const struct sl_pod_record *));
    for (size_t i = 0; i < M_REVISIONS; i++) {
        struct m_revision *revision = &seen->revisions[i];
        if (revision->used &&
            strcmp(revision->record.record.owner_uid, seen->workload.record.record.uid) == 0) {
            revisions[input->revision_count++] = &revision->record;
        }
    }
    for (size_t i = 0; i < M_PODS; i++) {
        struct m_pod *pod = &seen->pods[i];
        if (pod->used && owned(seen, pod)) {
            pod->record.containers = &pod->container;
            pods[input->pod_count++] = &pod->record;
        }
    }
    input->revisions = revisions;
    input->pods = pods;
    m_traffic_input(world, input);
}

void m_view_input(struct m_world *world, struct sl_roll_input *ret_input)
{
    static const struct sl_workload_kinds none = {0};
    struct m_objects *seen = &world->seen;
    struct sl_rollout *spec = &seen->rollout.record.spec;
    spec->plan.batches.list.items = seen->rollout.batches;
    *ret_input = (struct sl_roll_input){
        .rollout = &seen->rollout.record,
        .kind = sl_workload_by_kind(&none, spec->workload.group, spec->workload.kind),
    };
    if (seen->workload.used) {
        seen->workload.record.spec = spec_text(world, &seen->workload);
        ret_input->workload = &seen->workload.record;
        add_owned(world, ret_input);
    }
}
