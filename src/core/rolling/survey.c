/* What is there: classifies the pods and counts them (work.h). The first step of a plan. */
#include <stdlib.h>
#include <string.h>

#include "core/names.h"
#include "core/rolling/work.h"

/* Its kubelet, which makes it not Ready, comes after the gate. */
static bool is_leaving(const struct sl_work_pod *entry)
{
    bool joined = entry->state == SL_TRAFFIC_NONE || entry->state == SL_TRAFFIC_IN_SERVICE;
    return !joined || entry->mark.since != 0 || (entry->pod->gate && !entry->pod->traffic_ready);
}

static bool is_available(struct sl_work *work, const struct sl_work_pod *entry)
{
    const struct sl_pod_record *pod = entry->pod;
    if (pod->ready_since == 0 || is_leaving(entry) ||
        (entry->upgrade.running && !entry->upgrade.done)) {
        return false;
    }
    int64_t from = pod->ready_since + sl_work_spec(work)->plan.min_ready * SL_NS_PER_S;
    if (from > work->now && from < work->again) {
        work->again = from;
    }
    return from <= work->now;
}

/* The controller of a StatefulSet that was scaled down, or begins at another ordinal, is about to
 * delete it: it is none of the replicas, and those that stay are not updated because it is. */
static bool is_condemned(const struct sl_work *work, const struct sl_pod_record *pod)
{
    int32_t first = work->in->workload->first_ordinal;
    return work->driver == &sl_driver_stateful_set &&
           (pod->ordinal < first || pod->ordinal >= (int64_t)first + work->replicas);
}

/* Pods out of service first: touching them costs nothing. Then the highest ordinal, as the stock
 * controllers do; then by name, so that the order is always the same. */
static int compare_pods(const void *left, const void *right)
{
    const struct sl_work_pod *a = left;
    const struct sl_work_pod *b = right;
    if (a->available != b->available) {
        return a->available ? 1 : -1;
    }
    if (a->pod->ordinal != b->pod->ordinal) {
        return a->pod->ordinal > b->pod->ordinal ? -1 : 1;
    }
    return strcmp(a->pod->record.name, b->pod->record.name);
}

static void survey_pods(struct sl_work *work)
{
    const struct sl_roll_input *in = work->in;
    int32_t available = 0;
    work->pods = sl_arena_zalloc(work->arena, in->pod_count, sizeof *work->pods);
    for (size_t i = 0; i < in->pod_count; i++) {
        const struct sl_pod_record *pod = in->pods[i];
        if (pod->finished || pod->record.deleted != 0 || is_condemned(work, pod)) {
            continue;
        }
        struct sl_work_pod *entry = &work->pods[work->pod_count++];
        const char *revision = work->driver->pod_revision(work, pod);
        entry->pod = pod;
        entry->revision = revision;
        entry->from = sl_work_revision(work, sl_str_from(revision));
        entry->updated = revision[0] != '\0' && strcmp(revision, work->update_revision) == 0;
        sl_upgrade_read(pod, work->arena, &entry->upgrade);
        entry->state = sl_traffic_state_of(pod);
        sl_drain_read(pod, work->arena, &entry->mark);
        if (in->traffic != NULL && in->traffic[i].policy != NULL) {
            entry->traffic = &in->traffic[i];
        }
        entry->available = is_available(work, entry);
        available += entry->available ? 1 : 0;
        work->updated += entry->updated ? 1 : 0;
        work->updated_available += entry->updated && entry->available ? 1 : 0;
    }
    qsort(work->pods, work->pod_count, sizeof *work->pods, compare_pods);
    work->out_of_service = available < work->replicas ? work->replicas - available : 0;
}

static const char *obstacle_from(struct sl_work *work, const struct sl_revision_record *from)
{
    struct sl_err err = SL_ERR_INIT;
    const char *field = "";
    if (sl_work_spec(work)->update == SL_RECREATE) {
        return "(spec.update is Recreate)";
    }
    if (from == NULL) {
        return "(the revision that a pod runs is not known any more)";
    }
    if (sl_upgrade_obstacle(sl_str_from(from->template), sl_str_from(work->in->workload->template),
                            work->arena, &field, &err) < 0) {
        return sl_arena_printf(work->arena, "(%s)", err.msg);
    }
    return field;
}

/* Pods of one revision share the answer. */
static void find_obstacles(struct sl_work *work)
{
    const struct sl_work_pod *last = NULL;
    for (size_t i = 0; i < work->pod_count; i++) {
        struct sl_work_pod *pod = &work->pods[i];
        pod->obstacle = "";
        if (pod->updated) {
            continue;
        }
        pod->obstacle = last != NULL && last->from == pod->from ? last->obstacle
                                                                : obstacle_from(work, pod->from);
        last = pod;
        if (work->obstacle[0] == '\0') {
            work->obstacle = pod->obstacle;
        }
    }
}

/* What cuts the pods into batches, as a hash: a plan that differs here is another run. */
static const char *hash_plan(struct sl_work *work)
{
    const struct sl_batches *batches = &sl_work_spec(work)->plan.batches;
    const struct sl_batch *items = batches->list.items;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(64 * SL_KIB);
    sl_buf_addf(&text, "%d,%lld", batches->upgrade_type, (long long)batches->size);
    for (size_t i = 0; i < batches->list.count; i++) {
        sl_buf_addf(&text, ",%d%s", items[i].replicas.value, items[i].replicas.percent ? "%" : "");
    }
    return sl_work_hash(work, sl_buf_str(&text));
}

static void survey_plan(struct sl_work *work)
{
    struct sl_err err = SL_ERR_INIT;
    work->plan_hash = hash_plan(work);
    work->problem = work->in->rollout->problem;
    if (work->problem[0] == '\0' &&
        sl_batches_targets(&sl_work_spec(work)->plan.batches, work->replicas, work->arena,
                           &work->targets, &err) < 0) {
        work->problem = sl_arena_printf(work->arena, "%s", err.msg);
    }
}

/* A Deployment that its owner has paused is not ours to move. What the hold has set is not meant.
 */
static void find_owner_pause(struct sl_work *work)
{
    struct sl_str saved = sl_held_get(&work->held, SL_STR("paused"));
    struct sl_str value = saved.p != NULL ? saved : sl_work_field(work, "paused");
    if (sl_str_is(work->in->kind->kind, "Deployment") && sl_str_is(value, "true")) {
        work->owner_paused = "spec.paused of the Deployment was set by its owner";
    }
}

void sl_work_survey(struct sl_work *work)
{
    const struct sl_workload_record *workload = work->in->workload;
    work->update_revision = "";
    work->budget = "";
    work->obstacle = "";
    work->problem = work->in->rollout->problem;
    work->plan_hash = "";
    if (workload == NULL || work->in->kind == NULL) {
        return;
    }
    sl_held_parse(sl_str_from(workload->held), work->arena, &work->held);
    work->replicas = workload->replicas;
    work->driver = sl_driver_of(work);
    if (workload->observed_generation >= workload->record.generation) {
        work->update_revision = work->driver->update_revision(work);
    }
    survey_pods(work);
    if (work->driver->in_place) {
        find_obstacles(work);
        work->driver = sl_driver_of(work); /* a Deployment's depends on them */
    }
    survey_plan(work);
    find_owner_pause(work);
}
