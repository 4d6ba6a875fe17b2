/* An action as the request that does it. Source: Kubernetes API conventions; JSON Patch of RFC
 * 6902, strategic merge patch. Pure functions. */
#ifndef SL_CORE_ROLLING_ACTIONS_H
#define SL_CORE_ROLLING_ACTIONS_H

#include "base/buf.h"
#include "core/rolling/plan.h"

enum sl_call { SL_CALL_CREATE, SL_CALL_PATCH, SL_CALL_DELETE };

struct sl_action_call {
    enum sl_call call;
    struct sl_str group, version, resource; /* "apps", "v1", "statefulsets"; core: "" */
    const char *subresource;                /* "" none */
    struct sl_str ns, name;
    const char *content_type; /* application/json-patch+json, …; JSON for CREATE and DELETE */
    struct sl_buf body;
};
void sl_action_call_cleanup(struct sl_action_call *call);

/* Writes an action as its request: preconditions on uid and resourceVersion in every one (a JSON
 * Patch tests /metadata/uid and sets /metadata/resourceVersion, which the API server then demands).
 * Errors: INVALID, an action on objects that are not what they seem. */
SL_MUST_USE int sl_action_write(const struct sl_roll_input *input, const struct sl_action *action,
                                int64_t now, struct sl_action_call *ret_call, struct sl_err *err);

/* The merge patch that stores a status on `rollouts/status`; its resourceVersion is demanded. */
void sl_action_write_status(const struct sl_rollout_record *rollout,
                            const struct sl_rollout_status *status,
                            struct sl_action_call *ret_call);

#endif
