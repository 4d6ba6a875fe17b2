/* Pod UPDATE: an image of a managed pod changes, so its containers are about to restart. The pod is
 * marked, and unless it has left traffic only the reconciler may do that. */
#include "core/admission/mutators.h"
#include "core/admission/pod.h"
#include "core/names.h"

static bool images_differ(const struct sl_containers *old, const struct sl_containers *new)
{
    if (old->count != new->count) {
        return false; /* the API server refuses it */
    }
    for (size_t i = 0; i < old->count; i++) {
        if (!sl_str_eq(old->items[i].image, new->items[i].image)) {
            return true;
        }
    }
    return false;
}

static bool is_managed(const struct sl_pod *pod)
{
    return !sl_pod_is_of_job(pod) &&
           (pod->has_our_gate || sl_labels_get(pod->labels, SL_STR(SL_LABEL_POLICY)).p != NULL);
}

static int refuse(struct sl_admission *work, const struct sl_pod *pod)
{
    struct sl_owner owner = sl_pod_workload(pod);
    const char *instead =
        owner.kind.p == NULL
            ? "Delete the pod and create it with the new image"
            : sl_arena_printf(&work->arena,
                              "Change the pod template of %.*s %.*s instead and let it roll",
                              SL_STR_FMT(owner.kind), SL_STR_FMT(owner.name));
    const char *message =
        sl_arena_printf(&work->arena,
                        "pod %s is in service: a new image restarts its containers and would cut "
                        "the connections it serves. %s, or set the annotation " SL_ANNOTATION_FORCE
                        ": \"true\" on the pod to change it all the same",
                        sl_review_subject(&work->review, &work->arena), instead);
    sl_admission_deny(work, 403, "Forbidden", message);
    sl_admission_cause(work, "FieldValueForbidden", "spec.containers", message);
    return 0;
}

int sl_pod_update(struct sl_admission *work, struct sl_err *err)
{
    (void)err;
    struct sl_decision *decision = &work->decision;
    struct sl_pod pod;
    struct sl_pod old;
    if (!sl_object_there(&work->review.old_object)) {
        decision->why = "the request carries no old object";
        return 0;
    }
    if (!sl_pod_view(&work->review.object, &work->arena, &pod, &decision->why) ||
        !sl_pod_view(&work->review.old_object, &work->arena, &old, &decision->why)) {
        return 0;
    }
    if (!is_managed(&old) && !is_managed(&pod)) {
        decision->why = "the pod is not managed by Sluice";
        return 0;
    }
    if (!images_differ(&old.containers, &pod.containers) &&
        !images_differ(&old.init_containers, &pod.init_containers)) {
        decision->why = "no image changes";
        return 0;
    }
    if (sl_str_is(old.traffic_reason, SL_REASON_IN_SERVICE) && !sl_is_reconciler(work)) {
        struct sl_str force =
            sl_annotation(pod.annotations, SL_STR(SL_ANNOTATION_FORCE), &work->arena);
        if (!sl_str_is(force, "true")) {
            return refuse(work, &pod);
        }
        sl_admission_warn(work,
                          "the pod is in service and its image changes: the connections it serves "
                          "are cut (" SL_ANNOTATION_FORCE " is set)");
    }
    decision->why = "an image changes";
    if (sl_labels_get(pod.labels, SL_STR(SL_LABEL_UPGRADING)).p == NULL) {
        sl_patch_map(work, "/metadata/labels", work->review.object.labels,
                     &(struct sl_map_entry){SL_STR(SL_LABEL_UPGRADING), SL_STR("true")}, 1);
    }
    return 0;
}
