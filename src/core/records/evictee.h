/* A pod as the webhook keeps it to decide about its eviction: some 300 bytes. Source: core/v1 Pod.
 */
#ifndef SL_CORE_RECORDS_EVICTEE_H
#define SL_CORE_RECORDS_EVICTEE_H

#include "core/records/record.h"
#include "core/traffic/drain.h"

struct sl_evictee_record {
    struct sl_record record; /* owner_uid is not kept */
    const char *policy;      /* label sluice.dev/traffic-policy */
    const char *traffic;     /* reason of the condition sluice.dev/traffic-ready */
    int64_t since, deadline; /* of the annotation sluice.dev/drain; 0: not dated */
    enum sl_drain_op op;     /* of the same; NONE: there is none that can be read */
    bool running;            /* phase Running */
};

/* An sl_record_decode. Of a pod without the label *ret_record is NULL. */
int sl_evictee_record_decode(struct sl_str json, struct sl_record **ret_record, struct sl_err *err);

static inline const struct sl_evictee_record *sl_evictee_of(const struct sl_record *record)
{
    return (const struct sl_evictee_record *)(const void *)record;
}

#endif
