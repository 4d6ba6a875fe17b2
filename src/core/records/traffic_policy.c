/* A TrafficPolicy's JSON as a record (traffic_policy.h). Its spec goes through the one decoder of
 * TrafficPolicies, so that the reconciler and the webhook read the same thing. */
#include "core/records/traffic_policy.h"

#include <stddef.h>

#include "codec/json.h"
#include "core/records/draft.h"

struct policy_view {
    struct sl_draft_metadata metadata;
    struct sl_jval status;
};

static const struct sl_jrow policy_rows[] = {
    {.key = "metadata",
     .at = SL_JROW_NO_VALUE,
     .rows = sl_draft_metadata_rows,
     .base = offsetof(struct policy_view, metadata)},
    {.key = "status", .at = offsetof(struct policy_view, status)},
    {0},
};

void sl_traffic_policy_record_free(struct sl_record *record)
{
    struct sl_traffic_policy_record *policy = (struct sl_traffic_policy_record *)(void *)record;
    if (policy != NULL) {
        sl_arena_cleanup(&policy->arena);
        free(policy);
    }
}

/* The spec, or the problem with it. */
static void read_spec(struct sl_str json, struct sl_traffic_policy_record *record)
{
    SL_AUTO(sl_json) struct json_object *object = NULL;
    struct sl_problems problems = SL_PROBLEMS_INIT(&record->arena);
    struct sl_traffic_policy policy = {0};
    struct sl_err err = SL_ERR_INIT;
    record->problem = "";
    if (sl_json_parse(json, &object, &err) < 0) {
        record->problem = sl_arena_cstr(&record->arena, sl_str_from(err.msg));
        return;
    }
    sl_traffic_policy_decode(object, &policy, &problems);
    if (problems.count == 0) {
        record->policy = policy;
    } else {
        record->problem = sl_draft_problem(&problems, &record->arena);
    }
}

int sl_traffic_policy_record_decode(struct sl_str json, struct sl_record **ret_record,
                                    struct sl_err *err)
{
    struct policy_view view = {0};
    if (sl_jscan(json, policy_rows, &view, NULL, err) < 0) {
        return -1;
    }
    struct sl_traffic_policy_record *policy = calloc(1, sizeof *policy);
    if (policy == NULL) {
        abort();
    }
    if (sl_draft_record(&view.metadata, &policy->arena, &policy->record, err) < 0) {
        sl_traffic_policy_record_free(&policy->record);
        return -1;
    }
    read_spec(json, policy);
    if (view.status.type == SL_J_OBJECT) {
        policy->status = sl_arena_str(&policy->arena, view.status.raw);
    }
    /* An arena does not tell its size; what is kept of the text is at most all of it. */
    policy->record.bytes = sizeof *policy + json.n;
    *ret_record = &policy->record;
    return 0;
}
