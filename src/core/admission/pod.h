/* A pod as the mutators see it: the few fields they read, typed. Never a JSON tree.
 *
 * "has_" says that a list or map is there, so that a patch knows whether to add to it or to make
 * it: null and absent are both "not there". Everything points into the review or its arena.
 */
#ifndef SL_CORE_ADMISSION_POD_H
#define SL_CORE_ADMISSION_POD_H

#include "codec/selector.h"
#include "core/admission/review.h"

struct sl_container {
    struct sl_str name, image;
    bool has_lifecycle, has_pre_stop;
    int64_t sleep; /* of lifecycle.preStop.sleep, seconds; 0: it is no sleep */
};

struct sl_containers {
    struct sl_container *items;
    size_t count;
};

/* The controller among the ownerReferences; kind is absent when there is none. */
struct sl_owner {
    struct sl_str group, kind, name, uid;
};

struct sl_pod {
    struct sl_labels labels;
    bool has_labels;
    struct sl_jval annotations;
    struct sl_str *finalizers;
    size_t finalizer_count;
    bool has_finalizers;
    bool has_gates, has_our_gate;
    struct sl_containers containers, init_containers;
    bool host_network;
    bool has_grace_period;
    int64_t grace_period; /* seconds; Kubernetes' default of 30 where it is not there */
    struct sl_owner owner;
    struct sl_str traffic_reason; /* of the condition sluice.dev/traffic-ready when it is True */
};

/* Reads the view. False when the object is not shaped like a pod that the API server would take:
 * then it is left alone, and *ret_why says what was not understood. */
SL_MUST_USE bool sl_pod_view(const struct sl_object *object, struct sl_arena *arena,
                             struct sl_pod *ret_pod, const char **ret_why);

/* The same controller of an object that need not be shaped like a pod otherwise. */
struct sl_owner sl_controller_of(const struct sl_object *object, struct sl_arena *arena);

/* The text of an annotation; the absent slice where there is none. */
struct sl_str sl_annotation(struct sl_jval annotations, struct sl_str key, struct sl_arena *arena);

/* Whether a Job made it: it runs to its end and serves no traffic. */
bool sl_pod_is_of_job(const struct sl_pod *pod);

/* The workload that a pod belongs to: its controller, or for a ReplicaSet's pod the Deployment,
 * which is the ReplicaSet's name without the pod-template-hash (and has no uid here). Kind absent:
 * a bare pod. */
struct sl_owner sl_pod_workload(const struct sl_pod *pod);

#endif
