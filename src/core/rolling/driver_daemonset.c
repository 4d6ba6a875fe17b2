/* DaemonSets (work.h; FACTS 4): with OnDelete the stock controller replaces only what is deleted,
 * and counts a pod as updated by the bare hash of the newest ControllerRevision. */
#include <string.h>

#include "core/rolling/work.h"

/* The newest that has the workload's own template: its status may be known before the revision that
 * goes with it is, and an older one must not be taken for it. */
static const char *update_revision(const struct sl_work *work)
{
    const struct sl_revision_record *newest = NULL;
    for (size_t i = 0; i < work->in->revision_count; i++) {
        const struct sl_revision_record *revision = work->in->revisions[i];
        if (strcmp(revision->template_id, work->in->workload->template_id) == 0 &&
            (newest == NULL || revision->revision > newest->revision)) {
            newest = revision;
        }
    }
    return newest == NULL ? "" : newest->hash;
}

static const char *revision_id(const struct sl_revision_record *revision)
{
    return revision->hash;
}

static const char *pod_revision(const struct sl_work *work, const struct sl_pod_record *pod)
{
    (void)work;
    return pod->revision;
}

static void roll(struct sl_work *work)
{
    int32_t moved = work->updated;
    int32_t left = sl_work_allowance(work);
    int32_t missing = work->replicas - (int32_t)work->pod_count;
    moved += missing > 0 ? missing : 0; /* they are made anew, at the new revision */
    for (size_t i = 0; work->may_touch && i < work->pod_count && moved < work->target; i++) {
        struct sl_work_pod *pod = &work->pods[i];
        if (pod->updated || (pod->available && left == 0)) {
            continue;
        }
        moved++;
        left -= pod->available ? 1 : 0;
        if (!sl_drain_ready(work, pod, SL_DRAIN_UPGRADE)) {
            continue;
        }
        if (pod->obstacle[0] == '\0') {
            sl_work_upgrade(work, pod, work->update_revision, NULL, false);
        } else {
            (void)sl_work_add(work, SL_ACT_POD_DELETE, &pod->pod->record);
        }
    }
}

const struct sl_driver sl_driver_daemon_set = {
    .name = "DaemonSet",
    .update_revision = update_revision,
    .revision_id = revision_id,
    .pod_revision = pod_revision,
    .in_place = true,
    .roll = roll,
};
