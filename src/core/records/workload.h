/* A workload of any kind that Sluice rolls, as the reconciler keeps it. Source: apps/v1. */
#ifndef SL_CORE_RECORDS_WORKLOAD_H
#define SL_CORE_RECORDS_WORKLOAD_H

#include "core/records/revision.h"

struct sl_workload_record {
    struct sl_record record;
    const char *template; /* spec.template, JSON text, compact */
    const char *template_id;
    const char *spec;            /* the rest of spec, JSON text, compact: without template */
    const char *held;            /* annotation sluice.dev/held (core/held.h); "": not held */
    int64_t observed_generation; /* status */
    int32_t replicas;            /* spec.replicas (1 where absent); of a DaemonSet
                                    status.desiredNumberScheduled */
    int32_t status_replicas;     /* status.replicas, or of a DaemonSet currentNumberScheduled */
    int32_t first_ordinal;       /* spec.ordinals.start */
    const char *current_revision, *update_revision; /* status of a StatefulSet (and CloneSet) */
    int64_t revision;     /* annotation deployment.kubernetes.io/revision */
    bool has_annotations; /* metadata.annotations is there: a JSON Patch can add to it */
    int managed_entry;    /* index of the managedFields entry of the manager "sluice" (not of a
                             subresource); -1: none */
};

/* An sl_record_decode, of any kind: fields that a kind does not have are absent. */
int sl_workload_record_decode(struct sl_str json, struct sl_record **ret_record,
                              struct sl_err *err);

static inline const struct sl_workload_record *sl_workload_of(const struct sl_record *record)
{
    return (const struct sl_workload_record *)(const void *)record;
}

#endif
