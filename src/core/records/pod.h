/* A pod as the reconciler keeps it: under 1 KiB. Source: core/v1 Pod. */
#ifndef SL_CORE_RECORDS_POD_H
#define SL_CORE_RECORDS_POD_H

#include "core/records/record.h"

#define SL_POD_CONTAINERS_MAX 250 /* initContainers and containers of one pod that are kept */

#define SL_POD_UPGRADE_MAX ((size_t)64 * 1024) /* bytes of the annotation sluice.dev/upgrade */

struct sl_pod_container {
    const char *name;
    const char *image;        /* of spec */
    const char *container_id; /* of status: "containerd://…"; "" not started yet */
    int64_t running_since;    /* status.…state.running.startedAt; 0: it does not run */
    const char *reason;       /* why it waits or ended: "ImagePullBackOff"; "" */
    bool init;                /* among the initContainers */
};

struct sl_pod_record {
    struct sl_record record;
    const char *node;          /* spec.nodeName */
    const char *revision;      /* label controller-revision-hash */
    const char *template_hash; /* label pod-template-hash */
    const char *batch;         /* label sluice.dev/batch */
    const char *upgrade; /* annotation sluice.dev/upgrade (core/rolling/upgrade.h), JSON text */
    const char *traffic; /* reason of the condition sluice.dev/traffic-ready; "" none */
    int64_t observed_generation; /* status.observedGeneration; 0: the server has none */
    int64_t ready_since;         /* lastTransitionTime of Ready where it is True; 0: not ready */
    int64_t unready_since;       /* the same where it is False; 0: ready, or never said */
    int32_t ordinal;             /* number behind the last "-" of its name; -1: none */
    int32_t restarts;            /* restartCount of all its containers, for people */
    bool containers_ready;       /* condition ContainersReady */
    bool finished;               /* phase Succeeded or Failed: it will never run again */
    uint8_t container_count;
    struct sl_pod_container *containers;
};

/* An sl_record_decode. Labels with a text over 4 KiB count as absent, and so does the annotation
 * over SL_POD_UPGRADE_MAX. */
int sl_pod_record_decode(struct sl_str json, struct sl_record **ret_record, struct sl_err *err);

static inline const struct sl_pod_record *sl_pod_of(const struct sl_record *record)
{
    return (const struct sl_pod_record *)(const void *)record;
}

#endif
