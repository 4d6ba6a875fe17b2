/* Upgrading a pod in place: what differs between two templates, whether the API server lets a pod
 * change like that, the request that does it, and how one knows that it was done.
 *
 * The annotation sluice.dev/upgrade is on a pod from the patch to the end of the done-test:
 *
 *     {"run":"…","revision":"web-5d8","since":"2026-11-21T12:00:00Z",
 *      "containers":{"app":"containerd://old"},"images":{"app":"shop/app:1"},"broken":true}
 *
 * `containers` has those whose image changes, with the containerID that they had, `images` what
 * that one ran. `broken`: the pod was out of service, and not because we drained it, when it was
 * touched. The label sluice.dev/upgrading is on it as long.
 *
 * Done (FACTS 8, 9): status.observedGeneration has reached metadata.generation where the server has
 * both, each changed container has another containerID and runs since `since` or later (by the
 * node's clock, which may be 30 s behind; an initContainer that changed need not run again), and
 * ContainersReady. Pure functions.
 */
#ifndef SL_CORE_ROLLING_UPGRADE_H
#define SL_CORE_ROLLING_UPGRADE_H

#include "base/arena.h"
#include "base/buf.h"
#include "core/records/pod.h"
#include "core/traffic/drain.h"

/* Why one template cannot be reached from the other in place: the first field that stands in the
 * way, as a path in the pod template ("spec.containers[app].env"); "" when it can be. Only images
 * of containers and initContainers, and labels and annotations of metadata, may differ, but for the
 * annotation of `kubectl rollout restart`. Lives in the arena. Errors: INVALID, a template that is
 * no template. */
SL_MUST_USE int sl_upgrade_obstacle(struct sl_str from, struct sl_str to, struct sl_arena *arena,
                                    const char **ret_field, struct sl_err *err);

struct sl_upgrade {
    const struct sl_pod_record *pod;
    struct sl_str from, to;              /* pod templates, between which there is no obstacle */
    const char *run, *revision;          /* for the annotation */
    const char *label_key, *label_value; /* controller-revision-hash or pod-template-hash, new */
    const char *rollout;                 /* name, for the label sluice.dev/rollout */
    int32_t batch;                       /* for the label sluice.dev/batch */
    int64_t now;
    /* hand-over to another owner (a ReplicaSet): NULL name keeps the owners */
    const char *owner_name, *owner_uid;
};

/* Appends the body of one strategic merge patch: uid and resourceVersion as preconditions, labels
 * and annotations of the template that differ, the revision label, our labels and annotation, and
 * the images that differ (of the pod itself from `to`). Errors: INVALID. */
SL_MUST_USE int sl_upgrade_write(const struct sl_upgrade *upgrade, struct sl_buf *out,
                                 struct sl_err *err);

/* Appends the strategic merge patch that takes label and annotation off again, and with them the
 * annotation sluice.dev/drain that was there for the upgrade. */
void sl_upgrade_write_done(const struct sl_pod_record *pod, struct sl_buf *out);

struct sl_upgrade_state {
    bool running; /* the annotation is there and readable */
    bool done;    /* the done-test holds */
    bool broken;
    struct sl_str run, revision;
    int64_t since;
    const char *waits_for; /* one clause: "container app: ImagePullBackOff"; "" when done */
};
void sl_upgrade_read(const struct sl_pod_record *pod, struct sl_arena *arena,
                     struct sl_upgrade_state *ret_state);

#endif
