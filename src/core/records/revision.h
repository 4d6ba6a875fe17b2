/* A revision of a workload: a ControllerRevision of a StatefulSet or DaemonSet, or a ReplicaSet of
 * a Deployment. Both are "a pod template under a name". Source: apps/v1. */
#ifndef SL_CORE_RECORDS_REVISION_H
#define SL_CORE_RECORDS_REVISION_H

#include "core/records/record.h"

#define SL_TEMPLATE_MAX                                                                            \
    ((size_t)1024 * 1024) /* bytes of a pod template; a larger one is an error */

/* What a pod template is the same by: of its canonical JSON (members sorted, null and empty members
 * as absent) without the label pod-template-hash and without "$patch". 16 hex digits of SHA-256. */
#define SL_TEMPLATE_ID_SIZE 17 /* with the NUL */
SL_MUST_USE int sl_template_id(struct sl_str template, char ret_id[static SL_TEMPLATE_ID_SIZE],
                               struct sl_err *err);

struct sl_revision_record {
    struct sl_record record;
    bool replica_set; /* a ReplicaSet; else a ControllerRevision */
    const char *hash; /* label controller-revision-hash, or pod-template-hash */
    int64_t revision; /* .revision, or the annotation deployment.kubernetes.io/revision; 0 none */
    const char *template; /* JSON text of {metadata, spec}, compact; without pod-template-hash and
                             "$patch" */
    const char *template_id;
    /* of a ReplicaSet alone */
    int32_t replicas; /* spec.replicas */
    int32_t status_replicas, ready_replicas;
    int32_t desired; /* annotation deployment.kubernetes.io/desired-replicas; -1: none */
    int64_t observed_generation;
    int64_t handover; /* annotation sluice.dev/handover: pods that it creates are refused until
                         then; 0: there is none */
    bool has_held;    /* annotation sluice.dev/held: the Deployment controller copies those of its
                         Deployment, and `kubectl rollout undo` copies them back */
};

/* sl_record_decode functions. */
int sl_controller_revision_decode(struct sl_str json, struct sl_record **ret_record,
                                  struct sl_err *err);
int sl_replica_set_decode(struct sl_str json, struct sl_record **ret_record, struct sl_err *err);

static inline const struct sl_revision_record *sl_revision_of(const struct sl_record *record)
{
    return (const struct sl_revision_record *)(const void *)record;
}

#endif
