/* Any bytes into every decoder of records. What is decoded must hold together: its template has the
 * id that the record says, its status is read back as it was written, an upgrade of it in place is
 * a patch that parses, and so is every request of the actions on it. */
#include <stdint.h>
#include <string.h>

#include "codec/jscan.h"
#include "core/records/evictee.h"
#include "core/records/revision.h"
#include "core/records/traffic_policy.h"
#include "core/rolling/actions.h"
#include "core/rolling/upgrade.h"
#include "core/traffic/budget.h"
#include "core/traffic/drain.h"

#define CHECK(truth)                                                                               \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            __builtin_trap();                                                                      \
        }                                                                                          \
    } while (0)

static const struct sl_workload_kinds no_kinds = {0};

/* A Rollout to act for, whatever the input is. */
static const char rollout_text[] =
    "{\"metadata\":{\"name\":\"go\",\"namespace\":\"shop\",\"uid\":\"u\"},\"spec\":{"
    "\"workloadRef\":"
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"web\"},"
    "\"rolloutPlan\":{\"batchSize\":1}}}";

static void check_record(const struct sl_record *record)
{
    CHECK(record->name[0] != '\0' && record->uid[0] != '\0');
    CHECK(strlen(record->ns) + strlen(record->resource_version) + strlen(record->owner_uid) <
          record->bytes);
}

static void check_template(const char *template, const char *id)
{
    char again[SL_TEMPLATE_ID_SIZE];
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const char *field = NULL;
    if (template[0] == '\0') {
        CHECK(id[0] == '\0');
        return;
    }
    CHECK(sl_template_id(sl_str_from(template), again, NULL) == 0 && strcmp(again, id) == 0);
    struct sl_str text = sl_str_from(template);
    (void)sl_upgrade_obstacle(text, text, &arena, &field, NULL);
}

/* A request that can be written must be JSON. */
static void check_action(const struct sl_roll_input *input, const struct sl_action *action)
{
    SL_AUTO(sl_action_call) struct sl_action_call call = {0};
    if (sl_action_write(input, action, 0, &call, NULL) == 0) {
        CHECK(sl_jscan(sl_buf_str(&call.body), NULL, NULL, NULL, NULL) == 0);
    }
}

/* What a mark says is what is read back from its text. */
static void check_drain(const struct sl_pod_record *pod, struct sl_arena *arena)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(64 * SL_KIB);
    struct sl_pod_record written = *pod;
    struct sl_drain_mark mark;
    struct sl_drain_mark again;
    sl_drain_read(pod, arena, &mark);
    if (mark.op == SL_DRAIN_NONE) {
        return;
    }
    sl_drain_write(&mark, &text);
    CHECK(sl_jscan(sl_buf_str(&text), NULL, NULL, NULL, NULL) == 0);
    written.drain = text.data;
    sl_drain_read(&written, arena, &again);
    CHECK(again.op == mark.op && sl_str_eq(again.id, mark.id) && again.since == mark.since &&
          again.deadline == mark.deadline);
}

static void check_labels(const struct sl_pod_record *pod, struct sl_arena *arena)
{
    struct sl_labels labels = sl_pod_labels(pod, arena);
    for (size_t i = 0; i < labels.count; i++) {
        CHECK(labels.items[i].key.n > 0);
        CHECK(i == 0 || sl_str_cmp(labels.items[i - 1].key, labels.items[i].key) < 0);
    }
}

static void fuzz_pod(struct sl_str json, const struct sl_rollout_record *rollout)
{
    SL_AUTO(sl_record) struct sl_record *record = NULL;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_roll_input input = {.rollout = rollout};
    struct sl_upgrade_state upgrade;
    if (sl_pod_record_decode(json, &record, NULL) < 0) {
        return;
    }
    const struct sl_pod_record *pod = sl_pod_of(record);
    check_record(record);
    CHECK(pod->container_count <= SL_POD_CONTAINERS_MAX &&
          (pod->ready_since == 0 || pod->unready_since == 0));
    CHECK((pod->delete_asked == 0) == (record->deleted == 0));
    check_labels(pod, &arena);
    check_drain(pod, &arena);
    sl_upgrade_read(pod, &arena, &upgrade);
    CHECK(upgrade.running || !upgrade.done);
    CHECK((upgrade.waits_for[0] == '\0') == (upgrade.done || !upgrade.running));
    for (int kind = SL_ACT_POD_DONE; kind <= SL_ACT_POD_DELETE; kind++) {
        check_action(&input,
                     &(struct sl_action){.kind = (enum sl_action_kind)kind, .target = record});
    }
}

/* The webhook and the reconciler read the same of a pod. */
static void fuzz_evictee(struct sl_str json)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_record) struct sl_record *record = NULL;
    SL_AUTO(sl_record) struct sl_record *other = NULL;
    struct sl_drain_mark mark;
    if (sl_evictee_record_decode(json, &record, NULL) < 0 || record == NULL) {
        return;
    }
    const struct sl_evictee_record *evictee = sl_evictee_of(record);
    check_record(record);
    CHECK(evictee->policy[0] != '\0');
    if (sl_pod_record_decode(json, &other, NULL) < 0) {
        return;
    }
    sl_drain_read(sl_pod_of(other), &arena, &mark);
    CHECK(evictee->op == mark.op && evictee->since == mark.since &&
          evictee->deadline == mark.deadline);
    CHECK(strcmp(evictee->traffic, sl_pod_of(other)->traffic) == 0);
    CHECK(!evictee->running || !sl_pod_of(other)->finished);
}

static void fuzz_revision(struct sl_str json, sl_record_decode *decode)
{
    SL_AUTO(sl_record) struct sl_record *record = NULL;
    if (decode(json, &record, NULL) < 0) {
        return;
    }
    check_record(record);
    check_template(sl_revision_of(record)->template, sl_revision_of(record)->template_id);
}

static void fuzz_workload(struct sl_str json, const struct sl_rollout_record *rollout)
{
    SL_AUTO(sl_record) struct sl_record *record = NULL;
    SL_AUTO(sl_record) struct sl_record *pod = NULL;
    SL_AUTO(sl_record) struct sl_record *revision = NULL;
    static const char pod_text[] = "{\"metadata\":{\"name\":\"p\",\"uid\":\"u\"},\"spec\":{"
                                   "\"containers\":[{\"name\":\"app\",\"image\":\"i:1\"}]}}";
    if (sl_workload_record_decode(json, &record, NULL) < 0 ||
        sl_pod_record_decode(sl_str_from(pod_text), &pod, NULL) < 0 ||
        sl_replica_set_decode(json, &revision, NULL) < 0) {
        return;
    }
    const struct sl_workload_record *workload = sl_workload_of(record);
    struct sl_roll_input input = {
        .rollout = rollout,
        .workload = workload,
        .kind = sl_workload_by_kind(NULL, SL_STR("apps"), SL_STR("Deployment"))};
    check_record(record);
    check_template(workload->template, workload->template_id);
    CHECK(sl_jscan(sl_str_from(workload->spec), NULL, NULL, NULL, NULL) == 0);
    const struct sl_action actions[] = {
        {.kind = SL_ACT_WORKLOAD,
         .target = record,
         .fields = {{SL_STR("paused"), SL_STR("true")},
                    {SL_STR("updateStrategy.rollingUpdate.partition"), SL_STR("1")},
                    {SL_STR("strategy"), SL_STR("null")}},
         .field_count = 3,
         .held = SL_STR("{}"),
         .template = sl_str_from(workload->template[0] == '\0' ? NULL : workload->template)},
        {.kind = SL_ACT_DISOWN, .target = record},
        {.kind = SL_ACT_POD_UPGRADE,
         .target = pod,
         .from = sl_revision_of(revision),
         .revision = "r"},
        {.kind = SL_ACT_REPLICA_SET_NEW, .hash = "h"},
        {.kind = SL_ACT_REPLICA_SET, .target = revision, .replicas = 1},
    };
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        check_action(&input, &actions[i]);
    }
}

static void fuzz_rollout(struct sl_str json)
{
    struct sl_record *record = NULL;
    if (sl_rollout_record_decode(json, &no_kinds, &record, NULL) < 0) {
        return;
    }
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(4 * SL_MIB);
    SL_AUTO(sl_action_call) struct sl_action_call call = {0};
    const struct sl_rollout_record *rollout = sl_rollout_of(record);
    struct sl_roll_input input = {.rollout = rollout};
    struct sl_rollout_status again;
    struct sl_jval root;
    check_record(record);
    sl_rollout_status_write(&rollout->status, &text);
    CHECK(sl_jscan(sl_buf_str(&text), NULL, NULL, &root, NULL) == 0);
    sl_rollout_status_read(root, &arena, &again);
    CHECK(text.len > SL_MIB || sl_rollout_status_equal(&rollout->status, &again));
    sl_action_write_status(rollout, &again, &call);
    CHECK(sl_jscan(sl_buf_str(&call.body), NULL, NULL, NULL, NULL) == 0);
    for (int on = 0; on < 2; on++) {
        check_action(
            &input, &(struct sl_action){.kind = SL_ACT_FINALIZER, .target = record, .on = on == 1});
    }
    sl_rollout_record_free(record);
}

static void fuzz_traffic_policy(struct sl_str json)
{
    struct sl_record *record = NULL;
    if (sl_traffic_policy_record_decode(json, &record, NULL) < 0) {
        return;
    }
    const struct sl_traffic_policy_record *policy = sl_traffic_policy_of(record);
    check_record(record);
    CHECK(policy->status.p == NULL || sl_jscan(policy->status, NULL, NULL, NULL, NULL) == 0);
    CHECK(policy->problem[0] == '\0' || policy->policy.load_balancers.count == 0);
    sl_traffic_policy_record_free(record);
}

static void fuzz_budget(struct sl_str json)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_record *record = NULL;
    const char *name = NULL;
    if (sl_budget_record_decode(json, &record, NULL) < 0) {
        return;
    }
    const struct sl_budget_record *budget = sl_budget_of(record);
    const struct sl_pod_record pod = {.record.uid = "u",
                                      .labels = "app\0web\0",
                                      .traffic = "InService",
                                      .drain = "",
                                      .ready_since = 1};
    const struct sl_pod_record *pods = &pod;
    const struct sl_budget_view view = {
        .budgets = &budget, .budget_count = 1, .pods = &pods, .pod_count = 1};
    check_record(record);
    int32_t left = sl_budget_left(&view, &pod, &arena, &name);
    CHECK(left == SL_BUDGET_FREE || (left >= 0 && left <= budget->disruptions_allowed));
    sl_budget_record_free(record);
}

/* Two texts, one on each line, as templates. */
static void fuzz_obstacle(struct sl_str text)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_str rest = text;
    struct sl_str from = sl_str_cut(&rest, '\n');
    const char *there = NULL;
    const char *back = NULL;
    if (sl_upgrade_obstacle(from, rest, &arena, &there, NULL) == 0) {
        CHECK(sl_upgrade_obstacle(rest, from, &arena, &back, NULL) == 0);
        CHECK((there[0] == '\0') == (back[0] == '\0'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_str json = {.p = (const char *)data, .n = size};
    struct sl_record *rollout = NULL;
    CHECK(sl_rollout_record_decode(sl_str_from(rollout_text), &no_kinds, &rollout, NULL) == 0);
    fuzz_pod(json, sl_rollout_of(rollout));
    fuzz_evictee(json);
    fuzz_revision(json, sl_controller_revision_decode);
    fuzz_revision(json, sl_replica_set_decode);
    fuzz_workload(json, sl_rollout_of(rollout));
    fuzz_rollout(json);
    fuzz_traffic_policy(json);
    fuzz_budget(json);
    fuzz_obstacle(json);
    sl_rollout_record_free(rollout);
    return 0;
}
