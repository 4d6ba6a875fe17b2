/* A pod as the reconciler keeps it: under 1 KiB. Source: core/v1 Pod. */
#ifndef SL_CORE_RECORDS_POD_H
#define SL_CORE_RECORDS_POD_H

#include "base/arena.h"
#include "codec/selector.h"
#include "core/records/record.h"

#define SL_POD_CONTAINERS_MAX 250 /* initContainers and containers of one pod that are kept */

#define SL_POD_UPGRADE_MAX ((size_t)64 * 1024) /* bytes of the annotation sluice.dev/upgrade */
#define SL_POD_DRAIN_MAX ((size_t)4096)        /* bytes of the annotation sluice.dev/drain */

struct sl_pod_container {
    const char *name;
    const char *image;        /* of spec */
    const char *container_id; /* of status: "containerd://…"; "" not started yet */
    int64_t running_since;    /* status.…state.running.startedAt; 0: it does not run */
    const char *reason;       /* why it waits or ended: "ImagePullBackOff"; "" */
    bool init;                /* among the initContainers */
};

/* The annotation controller.kubernetes.io/pod-deletion-cost: whose it is. */
enum sl_pod_cost { SL_COST_NONE, SL_COST_OURS, SL_COST_THEIRS };

struct sl_pod_record {
    struct sl_record record;
    const char *node;          /* spec.nodeName */
    const char *revision;      /* label controller-revision-hash */
    const char *template_hash; /* label pod-template-hash */
    const char *batch;         /* label sluice.dev/batch */
    const char *upgrade; /* annotation sluice.dev/upgrade (core/rolling/upgrade.h), JSON text */
    const char *labels;  /* all of them, packed: key NUL value NUL … NUL (packed.h). Read with
                            sl_pod_labels(); the three above point into it. */
    const char *address; /* status.podIP */
    const char *traffic; /* reason of the condition sluice.dev/traffic-ready; "" none */
    const char *traffic_message;
    const char *drain;           /* annotation sluice.dev/drain (core/traffic/drain.h), JSON text */
    const char *balancers;       /* names behind slb.sluice.dev/ of its finalizers, each with its
                                    NUL, and a further NUL at the end */
    int64_t traffic_changed;     /* lastTransitionTime of that condition; 0 none */
    int64_t delete_asked;        /* deletionTimestamp less deletionGracePeriodSeconds; 0 */
    int64_t observed_generation; /* status.observedGeneration; 0: the server has none */
    int64_t ready_since;         /* lastTransitionTime of Ready where it is True; 0: not ready */
    int64_t unready_since;       /* the same where it is False; 0: ready, or never said */
    int32_t ordinal;             /* number behind the last "-" of its name; -1: none */
    int32_t restarts;            /* restartCount of all its containers, for people */
    bool containers_ready;       /* condition ContainersReady */
    bool gate;                   /* spec.readinessGates has sluice.dev/traffic-ready */
    bool traffic_ready;          /* that condition is True */
    bool host_network;
    bool mirror;   /* of a static pod: its kubelet's, whatever we write onto it */
    bool stopped;  /* it ran, and no container of it runs (any more, or just now) */
    bool finished; /* phase Succeeded or Failed: it will never run again */
    uint8_t cost;  /* enum sl_pod_cost */
    uint8_t container_count;
    struct sl_pod_container *containers;
};

/* An sl_record_decode. Labels with a text over 4 KiB count as absent, and so do annotations that
 * are over SL_POD_UPGRADE_MAX, or SL_POD_DRAIN_MAX. */
int sl_pod_record_decode(struct sl_str json, struct sl_record **ret_record, struct sl_err *err);

/* Its labels as they are looked up and matched; the array lives in the arena, texts in the record.
 */
struct sl_labels sl_pod_labels(const struct sl_pod_record *pod, struct sl_arena *arena);

static inline const struct sl_pod_record *sl_pod_of(const struct sl_record *record)
{
    return (const struct sl_pod_record *)(const void *)record;
}

#endif
