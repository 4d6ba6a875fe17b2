/* The names Sluice puts on objects (DESIGN.md, "Names"). Each is written down here and nowhere
 * else. */
#ifndef SL_CORE_NAMES_H
#define SL_CORE_NAMES_H

#define SL_API_GROUP "sluice.dev"
#define SL_API_VERSION SL_API_GROUP "/v1alpha1"

#define SL_GATE SL_API_GROUP "/traffic-ready"       /* readiness gate and pod condition */
#define SL_FINALIZER_PREFIX "slb." SL_API_GROUP "/" /* + load balancer name */
#define SL_LABEL_POLICY SL_API_GROUP "/traffic-policy"
#define SL_LABEL_ROLLOUT SL_API_GROUP "/rollout"
#define SL_LABEL_BATCH SL_API_GROUP "/batch"
#define SL_LABEL_UPGRADING SL_API_GROUP "/upgrading"
#define SL_LABEL_MANAGED SL_API_GROUP "/managed"        /* on a namespace, "true" */
#define SL_ANNOTATION_HELD SL_API_GROUP "/held"         /* on a workload: the saved originals */
#define SL_ANNOTATION_DRAIN SL_API_GROUP "/drain"       /* on a pod: core/traffic/drain.h */
#define SL_ANNOTATION_UPGRADE SL_API_GROUP "/upgrade"   /* on a pod: core/rolling/upgrade.h */
#define SL_ANNOTATION_HANDOVER SL_API_GROUP "/handover" /* on a ReplicaSet: refused until then */
#define SL_FINALIZER_ROLLOUT SL_API_GROUP "/rollout"    /* on a Rollout whose run is under way */
#define SL_ANNOTATION_FORCE SL_API_GROUP "/force"       /* on a pod, "true" */

#define SL_ANNOTATION_DESIRED "deployment.kubernetes.io/desired-replicas" /* Kubernetes' own, */
#define SL_ANNOTATION_MAX "deployment.kubernetes.io/max-replicas"         /* on a ReplicaSet */
#define SL_ANNOTATION_COST "controller.kubernetes.io/pod-deletion-cost"   /* on a pod */
#define SL_COST_DRAINED "-2147483647" /* ours: the first to go */
#define SL_ANNOTATION_REVISION                                                                     \
    "deployment.kubernetes.io/revision" /* Kubernetes' own: its number                             \
                                         */

/* That only the kubelet sets, on the mirror of a static pod. */
#define SL_ANNOTATION_MIRROR "kubernetes.io/config.mirror"

#define SL_FIELD_MANAGER "sluice" /* of every write of ours */

/* Reasons of the condition SL_GATE: a pod's traffic state (core/traffic/lifecycle.h). */
#define SL_REASON_JOINING "Joining"
#define SL_REASON_IN_SERVICE "InService"
#define SL_REASON_DRAINING "Draining"
#define SL_REASON_DRAINED "Drained"
#define SL_REASON_UPGRADING "Upgrading"

#endif
