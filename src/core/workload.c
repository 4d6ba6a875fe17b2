/* The table of workload kinds (workload.h), read by hold.c and by the validation of a workloadRef.
 */
#include "core/workload.h"

static const struct sl_workload_kind built_in[] = {
    {SL_STR_INIT("apps"),
     SL_STR_INIT("Deployment"),
     SL_STR_INIT("deployments"),
     {.field = SL_STR_INIT("paused"), .value = SL_STR_INIT("true")}},
    {SL_STR_INIT("apps"),
     SL_STR_INIT("StatefulSet"),
     SL_STR_INIT("statefulsets"),
     {.field = SL_STR_INIT("updateStrategy"),
      .value = SL_STR_INIT(
          "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":" SL_HOLD_PARTITION "}}")}},
    {SL_STR_INIT("apps"),
     SL_STR_INIT("DaemonSet"),
     SL_STR_INIT("daemonsets"),
     {.field = SL_STR_INIT("updateStrategy"),
      .path = SL_STR_INIT("type"), /* rollingUpdate stays: when it goes, OnDelete was asked for */
      .value = SL_STR_INIT("\"OnDelete\"")}},
};
static const struct sl_workload_kinds built_in_kinds = {
    .items = built_in,
    .count = sizeof built_in / sizeof built_in[0],
};

static const struct sl_workload_kind *find(const struct sl_workload_kinds *configured,
                                           struct sl_str group, struct sl_str resource,
                                           struct sl_str kind)
{
    const struct sl_workload_kinds *const tables[] = {&built_in_kinds, configured};
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct sl_workload_kind *row = &tables[t]->items[i];
            if (sl_str_eq(row->group, group) &&
                (sl_str_eq(row->resource, resource) || sl_str_eq(row->kind, kind))) {
                return row;
            }
        }
    }
    return NULL;
}

const struct sl_workload_kind *sl_workload_by_resource(const struct sl_workload_kinds *configured,
                                                       struct sl_str group, struct sl_str resource)
{
    return find(configured, group, resource, (struct sl_str){0});
}

const struct sl_workload_kind *sl_workload_by_kind(const struct sl_workload_kinds *configured,
                                                   struct sl_str group, struct sl_str kind)
{
    return find(configured, group, (struct sl_str){0}, kind);
}

struct sl_str sl_api_group(struct sl_str api_version)
{
    struct sl_str rest = api_version;
    struct sl_str group = sl_str_cut(&rest, '/');
    return rest.p == NULL ? (struct sl_str){.p = "", .n = 0} : group;
}
