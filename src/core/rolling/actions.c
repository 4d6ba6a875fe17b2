/* Actions of a plan as requests (actions.h): the reconciler sends what comes out of here as it is.
 * A table says of each kind where its request goes; the body has a function each. */
#include "core/rolling/actions.h"

#include <inttypes.h>

#include "codec/timestamp.h"
#include "core/names.h"
#include "core/rolling/actions_internal.h"
#include "core/rolling/upgrade.h"

#define JSON "application/json"
#define JSON_PATCH "application/json-patch+json"
#define MERGE_PATCH "application/merge-patch+json"
#define STRATEGIC_PATCH "application/strategic-merge-patch+json"

void sl_action_call_cleanup(struct sl_action_call *call)
{
    sl_buf_cleanup(&call->body);
}

/* "uid":"…","resourceVersion":"…" */
static void add_preconditions(struct sl_buf *out, const struct sl_record *record)
{
    sl_buf_adds(out, "\"uid\":");
    sl_buf_add_json_string(out, sl_str_from(record->uid));
    sl_buf_adds(out, ",\"resourceVersion\":");
    sl_buf_add_json_string(out, sl_str_from(record->resource_version));
}

static struct sl_str json_string(struct sl_arena *arena, const char *text)
{
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_ACTION_BODY_MAX);
    sl_buf_add_json_string(&out, sl_str_from(text));
    return sl_arena_str(arena, sl_buf_str(&out));
}

void sl_action_begin_patch(struct sl_action_work *work, const struct sl_record *record,
                           struct sl_patch *patch)
{
    sl_patch_test(patch, "/metadata/uid", json_string(work->arena, record->uid));
    sl_patch_add(patch, "/metadata/resourceVersion",
                 json_string(work->arena, record->resource_version));
}

int sl_action_end_patch(struct sl_action_work *work, struct sl_patch *patch, struct sl_err *err)
{
    struct sl_str text = {0};
    if (sl_patch_finish(patch, &text, err) < 0) {
        return -1;
    }
    sl_buf_addstr(work->body, text);
    return 0;
}

/* --- the bodies --- */

static int write_finalizer(struct sl_action_work *work, struct sl_err *err)
{
    SL_AUTO(sl_patch) struct sl_patch patch = SL_PATCH_INIT;
    const struct sl_rollout_record *rollout = sl_rollout_of(work->action->target);
    if (work->action->on == rollout->has_finalizer) {
        return sl_err_set(err, SL_ERR_INVALID, "the Rollout %s the finalizer already",
                          work->action->on ? "has" : "lost");
    }
    sl_action_begin_patch(work, &rollout->record, &patch);
    if (!work->action->on) {
        const char *entry =
            sl_arena_printf(work->arena, "/metadata/finalizers/%d", rollout->finalizer_entry);
        sl_patch_test(&patch, entry, SL_STR("\"" SL_FINALIZER_ROLLOUT "\""));
        sl_patch_remove(&patch, entry);
    } else if (rollout->has_finalizers) {
        sl_patch_add(&patch, "/metadata/finalizers/-", SL_STR("\"" SL_FINALIZER_ROLLOUT "\""));
    } else {
        sl_patch_add(&patch, "/metadata/finalizers", SL_STR("[\"" SL_FINALIZER_ROLLOUT "\"]"));
    }
    return sl_action_end_patch(work, &patch, err);
}

static int write_pod_upgrade(struct sl_action_work *work, struct sl_err *err)
{
    const struct sl_roll_input *input = work->input;
    const struct sl_action *action = work->action;
    bool has_to = action->to != NULL || (!action->handover && input->workload != NULL);
    if (action->from == NULL || !has_to) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "pod %s cannot be upgraded: its %s revision is not known",
                          action->target->name, action->from == NULL ? "old" : "new");
    }
    struct sl_upgrade upgrade = {
        .pod = sl_pod_of(action->target),
        .from = sl_str_from(action->from->template),
        .to = sl_str_from(action->to == NULL ? input->workload->template : action->to->template),
        .run = sl_arena_cstr(work->arena, input->rollout->status.run.id),
        .revision = action->revision,
        .label_key = action->handover ? "pod-template-hash" : "controller-revision-hash",
        .label_value = action->revision,
        .rollout = input->rollout->record.name,
        .batch = action->batch,
        .now = work->now,
        .owner_name = action->handover ? action->to->record.name : NULL,
        .owner_uid = action->handover ? action->to->record.uid : NULL,
    };
    return sl_upgrade_write(&upgrade, work->body, err);
}

static int write_pod_done(struct sl_action_work *work, struct sl_err *err)
{
    (void)err;
    sl_upgrade_write_done(sl_pod_of(work->action->target), work->body);
    return 0;
}

static int write_pod_label(struct sl_action_work *work, struct sl_err *err)
{
    (void)err;
    sl_buf_adds(work->body, "{\"metadata\":{");
    add_preconditions(work->body, work->action->target);
    sl_buf_addf(work->body, ",\"labels\":{\"" SL_LABEL_BATCH "\":\"%" PRId32 "\"}}}",
                work->action->batch);
    return 0;
}

static int write_pod_drain(struct sl_action_work *work, struct sl_err *err)
{
    const struct sl_action *action = work->action;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_POD_DRAIN_MAX);
    (void)err;
    sl_buf_adds(work->body, "{\"metadata\":{");
    add_preconditions(work->body, action->target);
    sl_buf_adds(work->body, ",\"annotations\":{\"" SL_ANNOTATION_DRAIN "\":");
    if (action->on) {
        const struct sl_drain_mark mark = {
            .op = action->drain,
            .id = work->input->rollout->status.run.id,
            .since = work->now,
            .deadline = action->drain_deadline,
        };
        sl_drain_write(&mark, &text);
        sl_buf_add_json_string(work->body, sl_buf_str(&text));
    } else {
        sl_buf_adds(work->body, "null");
    }
    sl_buf_adds(work->body, "}}}");
    return 0;
}

static int write_pod_delete(struct sl_action_work *work, struct sl_err *err)
{
    (void)err;
    sl_buf_adds(work->body,
                "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"preconditions\":{");
    add_preconditions(work->body, work->action->target);
    sl_buf_adds(work->body, "}}");
    return 0;
}

/* With its replicas go those of the Deployment: its controller takes another number there for a
 * scaling that is not done yet, and rolls nothing as long as it finds one (isScalingEvent() of
 * kubernetes/pkg/controller/deployment/sync.go). */
static int write_replica_set(struct sl_action_work *work, struct sl_err *err)
{
    const struct sl_action *action = work->action;
    int32_t replicas = work->input->workload->replicas;
    const char *separator = ",\"annotations\":{";
    (void)err;
    sl_buf_adds(work->body, "{\"metadata\":{");
    add_preconditions(work->body, action->target);
    if (action->handover_until >= 0) {
        char until[SL_TIMESTAMP_SIZE];
        sl_timestamp_write(action->handover_until, until);
        sl_buf_addf(work->body, "%s\"" SL_ANNOTATION_HANDOVER "\":", separator);
        if (action->handover_until > 0) {
            sl_buf_addf(work->body, "\"%s\"", until);
        } else {
            sl_buf_adds(work->body, "null");
        }
        separator = ",";
    }
    if (action->drop_held) {
        sl_buf_addf(work->body, "%s\"" SL_ANNOTATION_HELD "\":null", separator);
        separator = ",";
    }
    if (action->replicas >= 0) {
        sl_buf_addf(work->body,
                    "%s\"" SL_ANNOTATION_DESIRED "\":\"%" PRId32 "\","
                    "\"" SL_ANNOTATION_MAX "\":\"%" PRId32 "\"",
                    separator, replicas, replicas);
        separator = ",";
    }
    sl_buf_adds(work->body, separator[1] == '\0' ? "}}" : "}");
    if (action->replicas >= 0) {
        sl_buf_addf(work->body, ",\"spec\":{\"replicas\":%" PRId32 "}", action->replicas);
    }
    sl_buf_addc(work->body, '}');
    return 0;
}

/* --- where requests go --- */

struct resource {
    struct sl_str group, version, name;
};

/* What an action changes; of WORKLOADS the Rollout says which resource they are. */
enum target { ROLLOUTS, WORKLOADS, PODS, REPLICA_SETS };

static const struct resource resources[] = {
    [ROLLOUTS] = {SL_STR_INIT(SL_API_GROUP), SL_STR_INIT("v1alpha1"), SL_STR_INIT("rollouts")},
    [PODS] = {SL_STR_INIT(""), SL_STR_INIT("v1"), SL_STR_INIT("pods")},
    [REPLICA_SETS] = {SL_STR_INIT("apps"), SL_STR_INIT("v1"), SL_STR_INIT("replicasets")},
};

static const struct {
    enum target target;
    enum sl_call call;
    const char *content_type;
    int (*write)(struct sl_action_work *work, struct sl_err *err);
} rows[SL_ACTION_KINDS] = {
    [SL_ACT_FINALIZER] = {ROLLOUTS, SL_CALL_PATCH, JSON_PATCH, write_finalizer},
    [SL_ACT_WORKLOAD] = {WORKLOADS, SL_CALL_PATCH, JSON_PATCH, sl_action_write_workload},
    [SL_ACT_DISOWN] = {WORKLOADS, SL_CALL_PATCH, JSON_PATCH, sl_action_write_disown},
    [SL_ACT_POD_UPGRADE] = {PODS, SL_CALL_PATCH, STRATEGIC_PATCH, write_pod_upgrade},
    [SL_ACT_POD_DONE] = {PODS, SL_CALL_PATCH, STRATEGIC_PATCH, write_pod_done},
    [SL_ACT_POD_LABEL] = {PODS, SL_CALL_PATCH, MERGE_PATCH, write_pod_label},
    [SL_ACT_POD_DELETE] = {PODS, SL_CALL_DELETE, JSON, write_pod_delete},
    [SL_ACT_POD_DRAIN] = {PODS, SL_CALL_PATCH, MERGE_PATCH, write_pod_drain},
    [SL_ACT_REPLICA_SET_NEW] = {REPLICA_SETS, SL_CALL_CREATE, JSON,
                                sl_action_write_replica_set_new},
    [SL_ACT_REPLICA_SET] = {REPLICA_SETS, SL_CALL_PATCH, MERGE_PATCH, write_replica_set},
};

static struct resource resource_of(const struct sl_roll_input *input, enum target target)
{
    if (target != WORKLOADS) {
        return resources[target];
    }
    struct sl_str version = input->rollout->spec.workload.api_version;
    struct sl_str group = sl_str_cut(&version, '/');
    return (struct resource){.group = input->kind->group,
                             .version = version.n == 0 ? group : version,
                             .name = input->kind->resource};
}

int sl_action_write(const struct sl_roll_input *input, const struct sl_action *action, int64_t now,
                    struct sl_action_call *ret_call, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(SL_ACTION_BODY_MAX);
    bool creates = rows[action->kind].call == SL_CALL_CREATE;
    bool of_workload = creates || rows[action->kind].target == WORKLOADS;
    if ((!creates && action->target == NULL) ||
        (of_workload && (input->workload == NULL || input->kind == NULL))) {
        return sl_err_set(err, SL_ERR_INVALID, "an action on an object that is not there");
    }
    struct sl_action_work work = {
        .input = input, .action = action, .now = now, .arena = &arena, .body = &body};
    if (rows[action->kind].write(&work, err) < 0 ||
        sl_buf_check(&body, "the body of a request", err) < 0) {
        return -1;
    }
    struct resource resource = resource_of(input, rows[action->kind].target);
    const struct sl_record *in = creates ? &input->workload->record : action->target;
    *ret_call = (struct sl_action_call){
        .call = rows[action->kind].call,
        .group = resource.group,
        .version = resource.version,
        .resource = resource.name,
        .subresource = "",
        .ns = sl_str_from(in->ns),
        .name = creates ? (struct sl_str){0} : sl_str_from(in->name),
        .content_type = rows[action->kind].content_type,
        .body = body,
    };
    body = (struct sl_buf)SL_BUF_INIT(SL_ACTION_BODY_MAX); /* the caller's now */
    return 0;
}

void sl_action_write_status(const struct sl_rollout_record *rollout,
                            const struct sl_rollout_status *status, struct sl_action_call *ret_call)
{
    *ret_call = (struct sl_action_call){
        .call = SL_CALL_PATCH,
        .group = resources[ROLLOUTS].group,
        .version = resources[ROLLOUTS].version,
        .resource = resources[ROLLOUTS].name,
        .subresource = "status",
        .ns = sl_str_from(rollout->record.ns),
        .name = sl_str_from(rollout->record.name),
        .content_type = MERGE_PATCH,
        .body = SL_BUF_INIT(SL_ACTION_BODY_MAX),
    };
    /* A uid would be ignored here: of metadata, a status request has only its resourceVersion read.
     */
    sl_buf_adds(&ret_call->body, "{\"metadata\":{\"resourceVersion\":");
    sl_buf_add_json_string(&ret_call->body, sl_str_from(rollout->record.resource_version));
    sl_buf_adds(&ret_call->body, "},\"status\":");
    sl_rollout_status_write_patch(status, &ret_call->body);
    sl_buf_addc(&ret_call->body, '}');
}
