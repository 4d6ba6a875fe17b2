/* Whether anything would put back what `sluice uninstall` takes off: the webhook, a reconciler.
 * One thread. */
#ifndef SL_CLI_UNINSTALL_GUARD_H
#define SL_CLI_UNINSTALL_GUARD_H

#include "cli/rollout/cluster.h"

struct sl_guard_options {
    const char *ns;                /* the only one; NULL: all */
    struct sl_str lease_ns, lease; /* the reconciler's */
    int64_t now;                   /* sl_clock_wall() */
};

/* Appends a line for each thing that stands in the way: what it is and what to do. Errors: those of
 * the requests. */
SL_MUST_USE int sl_guard(const struct sl_cluster *cluster, const struct sl_guard_options *options,
                         struct sl_buf *out, struct sl_err *err);

/* Appends such a line where the JSON is a MutatingWebhookConfiguration of ours. Errors: INVALID. */
SL_MUST_USE int sl_guard_webhook(struct sl_str json, struct sl_buf *out, struct sl_err *err);

/* Whether somebody holds the Lease that the JSON is; texts live in the arena. Errors: INVALID. */
SL_MUST_USE int sl_guard_lease(struct sl_str json, int64_t now, struct sl_arena *arena,
                               const char **ret_holder, struct sl_err *err);

#endif
