/* The table of drivers (work.h), and what those of the kinds with one controller revision share. */
#include <string.h>

#include "core/rolling/deployment.h"

static const struct {
    const char *group, *kind;
    const struct sl_driver *driver;
} rows[] = {
    {"apps", "StatefulSet", &sl_driver_stateful_set},
    {"apps", "DaemonSet", &sl_driver_daemon_set},
    {"apps", "Deployment", &sl_driver_handover},
};

/* What was begun by making pods anew is ended so, though the last pod that needed it be gone: a
 * hand-over has to begin from a Deployment that is held. */
static const struct sl_driver *deployment_driver(const struct sl_work *work)
{
    bool in_place = work->obstacle[0] == '\0' && !sl_deployment_is_released(work);
    return in_place ? &sl_driver_handover : &sl_driver_deployment;
}

const struct sl_driver *sl_driver_of(const struct sl_work *work)
{
    const struct sl_workload_kind *kind = work->in->kind;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (sl_str_is(kind->group, rows[i].group) && sl_str_is(kind->kind, rows[i].kind)) {
            return rows[i].driver == &sl_driver_handover ? deployment_driver(work) : rows[i].driver;
        }
    }
    return &sl_driver_partition;
}
