/* What the two drivers of a Deployment share (work.h): its ReplicaSets. A revision's id is the
 * template's (core/records/revision.h): while a Deployment is paused it has no ReplicaSet for a new
 * template, and so no name for it. */
#ifndef SL_CORE_ROLLING_DEPLOYMENT_H
#define SL_CORE_ROLLING_DEPLOYMENT_H

#include "core/rolling/work.h"

struct sl_replica_sets {
    const struct sl_revision_record *current; /* of the workload's template; NULL: none yet */
    int32_t wanted_new, wanted_old; /* sums of spec.replicas; both together fit an int32_t, too */
    int32_t pods_old;               /* alive, of all others */
};
struct sl_replica_sets sl_deployment_sets(const struct sl_work *work);

/* Whether its own controller rolls it, as far as driver_deployment.c lets it. */
bool sl_deployment_is_released(const struct sl_work *work);

const char *sl_deployment_update_revision(const struct sl_work *work);
const char *sl_deployment_revision_id(const struct sl_revision_record *revision);
const char *sl_deployment_pod_revision(const struct sl_work *work, const struct sl_pod_record *pod);

#endif
