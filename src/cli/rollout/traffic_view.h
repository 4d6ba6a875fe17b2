/* What `sluice rollout traffic` shows: policies, the pods of one, or one pod, from records to text.
 * Pure functions; golden tests hold every line. */
#ifndef SL_CLI_ROLLOUT_TRAFFIC_VIEW_H
#define SL_CLI_ROLLOUT_TRAFFIC_VIEW_H

#include "cli/rollout/view.h"
#include "core/records/traffic_policy.h"
#include "core/traffic/lifecycle.h"

/* What there is to be shown. `policy` or `pod` say of which one; neither: of all policies. */
struct sl_traffic_view {
    const struct sl_record **policies; /* struct sl_traffic_policy_record; sorted by the view */
    size_t policy_count;
    const struct sl_record **pods; /* struct sl_pod_record; sorted by the view */
    size_t pod_count;
    const struct sl_traffic_policy_record *policy; /* with a pod: its own; NULL: none */
    const struct sl_pod_record *pod;
    bool all; /* namespaces are shown */
};

/* By namespace and name, as people count. */
void sl_traffic_view_sort(struct sl_traffic_view *view);

/* Appends the picture: a table of policies; a policy, its load balancers and its pods; a pod. */
void sl_traffic_view_write(const struct sl_traffic_view *view, const struct sl_view_style *style,
                           struct sl_buf *out);

/* One line for each object, in their order. Two that are alike say that nothing changed. */
struct sl_traffic_line {
    struct sl_str key;  /* "pod shop/web-0" */
    struct sl_str text; /* "Draining, upgrade r-1, …" */
};
struct sl_traffic_lines {
    struct sl_traffic_line *items; /* in the arena, sorted by key */
    size_t count;
};
void sl_traffic_view_lines(const struct sl_traffic_view *view, struct sl_arena *arena,
                           struct sl_traffic_lines *ret_lines);

/* Appends, each with its end, the lines that `after` has and `before` has not, and "KEY: gone" for
 * each key that it has no more. */
void sl_traffic_view_changes(const struct sl_traffic_lines *before,
                             const struct sl_traffic_lines *after, struct sl_buf *out);

#endif
