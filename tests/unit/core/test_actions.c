/* Actions as requests: where each goes, with which preconditions, and what it makes of the object.
 */
#include "core/rolling/actions.h"

#include "codec/json.h"
#include "codec/jsonpatch.h"
#include "records_support.h"

#define NOON (INT64_C(1795262400) * SL_NS_PER_S) /* 2026-11-21T12:00:00Z */

static int decode_rollout(struct sl_str json, struct sl_record **ret_record, struct sl_err *err)
{
    static const struct sl_workload_kinds none = {0};
    return sl_rollout_record_decode(json, &none, ret_record, err);
}

/* A Rollout "go" of the workload "web" of that kind, with more in metadata. */
static struct sl_record *rollout_of(const char *kind, const char *metadata)
{
    SL_AUTO(sl_buf) struct sl_buf json = SL_BUF_INIT(SL_MIB);
    sl_buf_addf(
        &json,
        "{\"metadata\":{\"name\":\"go\",\"namespace\":\"shop\",\"uid\":\"ru\","
        "\"resourceVersion\":\"1\"%s},\"spec\":{\"workloadRef\":{\"apiVersion\":\"apps/v1\","
        "\"kind\":\"%s\",\"name\":\"web\"},\"rolloutPlan\":{\"batchSize\":1}},"
        "\"status\":{\"run\":{\"id\":\"r-1\",\"updateRevision\":\"b\"}}}",
        metadata, kind);
    return decoded(decode_rollout, sl_buf_str(&json));
}

/* What every action stands on, released together. */
struct world {
    struct sl_record *rollout, *workload, *pod, *old, *new;
    struct sl_roll_input input;
};

static const char workload_json[] =
    "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"wu\",\"resourceVersion\":"
    "\"2\","
    "\"annotations\":{\"a\":\"b\",\"sluice.dev/held\":\"{}\"},"
    "\"managedFields\":[{\"manager\":\"kubectl\"},{\"manager\":\"sluice\"}]},"
    "\"spec\":{\"replicas\":4,\"minReadySeconds\":3,\"paused\":true,"
    "\"strategy\":{\"type\":\"Recreate\"},\"selector\":{\"matchLabels\":{\"app\":\"web\"},"
    "\"matchExpressions\":[]},\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"},"
    "\"annotations\":{\"x\":\"y\"}},\"spec\":{\"containers\":[{\"name\":\"app\","
    "\"image\":\"i:2\"}]}}}}";

static const char pod_json[] =
    "{\"metadata\":{\"name\":\"web-0\",\"namespace\":\"shop\",\"uid\":\"pu\","
    "\"resourceVersion\":\"3\",\"ownerReferences\":[{\"uid\":\"ou\",\"controller\":true}]},"
    "\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"i:1\"}]},\"status\":{\"conditions\":["
    "{\"type\":\"Ready\",\"status\":\"True\"}]}}";

#define REPLICA_SET(name, uid, rv, image)                                                          \
    "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"shop\",\"uid\":\"" uid                   \
    "\",\"resourceVersion\":\"" rv "\"},\"spec\":{\"template\":{\"metadata\":{},"                  \
    "\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"" image "\"}]}}}}"

static void world_cleanup(struct world *world)
{
    sl_rollout_record_free(world->rollout);
    sl_record_free(world->workload);
    sl_record_free(world->pod);
    sl_record_free(world->old);
    sl_record_free(world->new);
}

static struct world world_of(const char *kind, const char *rollout_metadata, const char *workload)
{
    struct world world = {
        .rollout = rollout_of(kind, rollout_metadata),
        .workload = decoded(sl_workload_record_decode, sl_str_from(workload)),
        .pod = decoded(sl_pod_record_decode, sl_str_from(pod_json)),
        .old = decoded(sl_replica_set_decode, SL_STR(REPLICA_SET("web-old", "ou", "4", "i:1"))),
        .new = decoded(sl_replica_set_decode, SL_STR(REPLICA_SET("web-new", "nu", "5", "i:2"))),
    };
    const struct sl_rollout_record *rollout = sl_rollout_of(world.rollout);
    world.input = (struct sl_roll_input){
        .rollout = rollout,
        .kind =
            sl_workload_by_kind(NULL, rollout->spec.workload.group, rollout->spec.workload.kind),
        .workload = sl_workload_of(world.workload),
    };
    return world;
}

static struct sl_action_call written(const struct world *world, const struct sl_action *action)
{
    struct sl_action_call call = {0};
    struct sl_err err = SL_ERR_INIT;
    if (sl_action_write(&world->input, action, NOON, &call, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return call;
}

static void check_call(const struct sl_action_call *call, enum sl_call kind, const char *path,
                       const char *content_type)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const char *is =
        sl_arena_printf(&arena, "%.*s/%.*s/%.*s/%.*s/%.*s/%s", SL_STR_FMT(call->group),
                        SL_STR_FMT(call->version), SL_STR_FMT(call->ns), SL_STR_FMT(call->resource),
                        SL_STR_FMT(call->name), call->subresource);
    assert_string_equal(is, path);
    assert_string_equal(call->content_type, content_type);
    assert_int_equal(call->call, kind);
}

static void each_action_goes_to_its_own_resource(void **state)
{
    (void)state;
    static const char json_patch[] = "application/json-patch+json";
    static const char merge_patch[] = "application/merge-patch+json";
    static const char strategic[] = "application/strategic-merge-patch+json";
    SL_AUTO(world) struct world world = world_of("Deployment", "", workload_json);
    const struct {
        struct sl_action action;
        enum sl_call call;
        const char *path, *content_type;
    } rows[] = {
        {{.kind = SL_ACT_FINALIZER, .target = world.rollout, .on = true},
         SL_CALL_PATCH,
         "sluice.dev/v1alpha1/shop/rollouts/go/",
         json_patch},
        {{.kind = SL_ACT_WORKLOAD, .target = world.workload},
         SL_CALL_PATCH,
         "apps/v1/shop/deployments/web/",
         json_patch},
        {{.kind = SL_ACT_DISOWN, .target = world.workload},
         SL_CALL_PATCH,
         "apps/v1/shop/deployments/web/",
         json_patch},
        {{.kind = SL_ACT_POD_UPGRADE,
          .target = world.pod,
          .from = sl_revision_of(world.old),
          .revision = "r"},
         SL_CALL_PATCH,
         "/v1/shop/pods/web-0/",
         strategic},
        {{.kind = SL_ACT_POD_DONE, .target = world.pod},
         SL_CALL_PATCH,
         "/v1/shop/pods/web-0/",
         strategic},
        {{.kind = SL_ACT_POD_LABEL, .target = world.pod},
         SL_CALL_PATCH,
         "/v1/shop/pods/web-0/",
         merge_patch},
        {{.kind = SL_ACT_POD_DELETE, .target = world.pod},
         SL_CALL_DELETE,
         "/v1/shop/pods/web-0/",
         "application/json"},
        {{.kind = SL_ACT_POD_DRAIN, .target = world.pod},
         SL_CALL_PATCH,
         "/v1/shop/pods/web-0/",
         merge_patch},
        {{.kind = SL_ACT_REPLICA_SET_NEW, .hash = "h"},
         SL_CALL_CREATE,
         "apps/v1/shop/replicasets//",
         "application/json"},
        {{.kind = SL_ACT_REPLICA_SET, .target = world.new},
         SL_CALL_PATCH,
         "apps/v1/shop/replicasets/web-new/",
         merge_patch},
    };
    assert_int_equal(sizeof rows / sizeof rows[0], SL_ACTION_KINDS);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_action_call) struct sl_action_call call = written(&world, &rows[i].action);
        check_call(&call, rows[i].call, rows[i].path, rows[i].content_type);
        assert_int_equal(sl_jscan(sl_buf_str(&call.body), NULL, NULL, NULL, NULL), 0);
    }
}

static void a_workload_of_another_kind_is_another_resource(void **state)
{
    (void)state;
    const struct {
        const char *kind, *path;
    } rows[] = {{"StatefulSet", "apps/v1/shop/statefulsets/web/"},
                {"DaemonSet", "apps/v1/shop/daemonsets/web/"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(world) struct world world = world_of(rows[i].kind, "", workload_json);
        const struct sl_action action = {.kind = SL_ACT_WORKLOAD, .target = world.workload};
        SL_AUTO(sl_action_call) struct sl_action_call call = written(&world, &action);
        check_call(&call, SL_CALL_PATCH, rows[i].path, "application/json-patch+json");
    }
}

static void check_body(const struct world *world, const struct sl_action *action, const char *body)
{
    SL_AUTO(sl_action_call) struct sl_action_call call = written(world, action);
    assert_string_equal(call.body.data, body);
}

static void requests_on_pods_name_uid_and_resource_version(void **state)
{
    (void)state;
    SL_AUTO(world) struct world world = world_of("StatefulSet", "", workload_json);
    check_body(&world, &(struct sl_action){.kind = SL_ACT_POD_DELETE, .target = world.pod},
               "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\","
               "\"preconditions\":{\"uid\":\"pu\",\"resourceVersion\":\"3\"}}");
    check_body(&world,
               &(struct sl_action){.kind = SL_ACT_POD_LABEL, .target = world.pod, .batch = 2},
               "{\"metadata\":{\"uid\":\"pu\",\"resourceVersion\":\"3\","
               "\"labels\":{\"sluice.dev/batch\":\"2\"}}}");
    check_body(&world, &(struct sl_action){.kind = SL_ACT_POD_DONE, .target = world.pod},
               "{\"metadata\":{\"uid\":\"pu\",\"resourceVersion\":\"3\","
               "\"labels\":{\"sluice.dev/upgrading\":null},"
               "\"annotations\":{\"sluice.dev/upgrade\":null}}}");
}

static void a_pod_is_upgraded_to_the_workloads_template_or_handed_over(void **state)
{
    (void)state;
    SL_AUTO(world) struct world world = world_of("Deployment", "", workload_json);
    struct sl_action action = {
        .kind = SL_ACT_POD_UPGRADE,
        .target = world.pod,
        .from = sl_revision_of(world.old),
        .revision = "web-2",
        .batch = 1,
    };
#define REST                                                                                       \
    "\"sluice.dev/rollout\":\"go\",\"sluice.dev/batch\":\"1\",\"sluice.dev/upgrading\":\"true\""
#define NOTE(revision)                                                                             \
    "\"annotations\":{\"sluice.dev/"                                                               \
    "upgrade\":\"{\\\"run\\\":\\\"r-1\\\",\\\"revision\\\":\\\"" revision                          \
    "\\\",\\\"since\\\":\\\"2026-11-21T12:00:00Z\\\","                                             \
    "\\\"containers\\\":{\\\"app\\\":\\\"\\\"},\\\"images\\\":{\\\"app\\\":\\\"i:1\\\"}}\""
#define IMAGE "\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"i:2\"}]}}"
    check_body(&world, &action,
               "{\"metadata\":{\"uid\":\"pu\",\"resourceVersion\":\"3\","
               "\"labels\":{\"controller-revision-hash\":\"web-2\"," REST
               ",\"app\":\"web\"}," NOTE("web-2") ",\"x\":\"y\"}}," IMAGE);
    action.to = sl_revision_of(world.new);
    action.handover = true;
    action.revision = "new";
    check_body(&world, &action,
               "{\"metadata\":{\"uid\":\"pu\",\"resourceVersion\":\"3\","
               "\"labels\":{\"pod-template-hash\":\"new\"," REST
               "}," NOTE("new") "},"
                                "\"ownerReferences\":[{\"$patch\":\"delete\",\"uid\":\"ou\"},"
                                "{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\","
                                "\"name\":\"web-new\",\"uid\":\"nu\",\"controller\":true,"
                                "\"blockOwnerDeletion\":true}]}," IMAGE);
}

#define SCALED                                                                                     \
    "\"deployment.kubernetes.io/desired-replicas\":\"4\","                                         \
    "\"deployment.kubernetes.io/max-replicas\":\"4\""

static void a_replica_set_gets_replicas_and_mark_or_one_of_them(void **state)
{
    (void)state;
    SL_AUTO(world) struct world world = world_of("Deployment", "", workload_json);
    const struct {
        int64_t until;
        const char *rest;
        int32_t replicas;
        bool drop_held;
    } rows[] = {
        {-1, ",\"annotations\":{" SCALED "}},\"spec\":{\"replicas\":3}}", 3, false},
        {-1, ",\"annotations\":{\"sluice.dev/held\":null}}}", -1, true},
        {0,
         ",\"annotations\":{\"sluice.dev/handover\":null," SCALED "}},"
         "\"spec\":{\"replicas\":0}}",
         0, false},
        {NOON, ",\"annotations\":{\"sluice.dev/handover\":\"2026-11-21T12:00:00Z\"}}}", -1, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(SL_KIB);
        const struct sl_action action = {.kind = SL_ACT_REPLICA_SET,
                                         .target = world.new,
                                         .replicas = rows[i].replicas,
                                         .handover_until = rows[i].until,
                                         .drop_held = rows[i].drop_held};
        sl_buf_addf(&body, "{\"metadata\":{\"uid\":\"nu\",\"resourceVersion\":\"5\"%s",
                    rows[i].rest);
        check_body(&world, &action, body.data);
    }
}

static void a_new_replica_set_is_as_the_deployment_controller_makes_it(void **state)
{
    (void)state;
    SL_AUTO(world) struct world world = world_of("Deployment", "", workload_json);
    check_body(
        &world,
        &(struct sl_action){.kind = SL_ACT_REPLICA_SET_NEW, .hash = "5d8", .revision_number = 7},
        "{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"metadata\":{\"name\":\"web-5d8\","
        "\"namespace\":\"shop\",\"labels\":{\"app\":\"web\",\"pod-template-hash\":\"5d8\"},"
        "\"annotations\":{\"deployment.kubernetes.io/revision\":\"7\","
        "\"deployment.kubernetes.io/desired-replicas\":\"4\","
        "\"deployment.kubernetes.io/max-replicas\":\"4\"},"
        "\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
        "\"name\":\"web\",\"uid\":\"wu\",\"controller\":true,\"blockOwnerDeletion\":true}]},"
        "\"spec\":{\"replicas\":0,\"minReadySeconds\":3,\"selector\":{\"matchExpressions\":[],"
        "\"matchLabels\":{\"app\":\"web\",\"pod-template-hash\":\"5d8\"}},"
        "\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"i:2\"}]},"
        "\"metadata\":{\"annotations\":{\"x\":\"y\"},"
        "\"labels\":{\"app\":\"web\",\"pod-template-hash\":\"5d8\"}}}}}");
}

/* The patch of an action, applied to an object, is that object. */
static void check_applied(const struct world *world, const struct sl_action *action,
                          const char *before, const char *after)
{
    SL_AUTO(sl_action_call) struct sl_action_call call = written(world, action);
    SL_AUTO(sl_json) struct json_object *patch = NULL;
    SL_AUTO(sl_json) struct json_object *object = NULL;
    SL_AUTO(sl_json) struct json_object *wanted = NULL;
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_json_parse(sl_buf_str(&call.body), &patch, NULL), 0);
    assert_int_equal(sl_json_parse(sl_str_from(before), &object, NULL), 0);
    assert_int_equal(sl_json_parse(sl_str_from(after), &wanted, NULL), 0);
    if (sl_patch_apply(patch, &object, &err) < 0) {
        fail_msg("%s: %s", call.body.data, err.msg);
    }
    if (!sl_json_equal(object, wanted)) {
        fail_msg("%s", json_object_to_json_string(object));
    }
    assert_non_null(strstr(call.body.data, "\"op\":\"test\",\"path\":\"/metadata/uid\""));
    assert_non_null(strstr(call.body.data, "\"path\":\"/metadata/resourceVersion\""));
}

#define META "\"metadata\":{\"name\":\"web\",\"uid\":\"wu\",\"resourceVersion\":\"2\""
#define HELD "\"sluice.dev/held\":\"{\\\"spec.paused\\\":null}\""

static void a_workload_is_changed_whatever_it_has_of_it(void **state)
{
    (void)state;
    const struct {
        const char *before, *after;
        struct sl_action action;
    } rows[] = {
        {"{" META "},\"spec\":{\"replicas\":3}}",
         "{" META ",\"annotations\":{" HELD "}},\"spec\":{\"replicas\":3,\"paused\":true}}",
         {.fields = {{SL_STR("paused"), SL_STR("true")}},
          .field_count = 1,
          .held = SL_STR("{\"spec.paused\":null}")}},
        {"{" META ",\"annotations\":{\"a\":\"b\"}},\"spec\":{}}",
         "{" META ",\"annotations\":{\"a\":\"b\"," HELD "}},\"spec\":{}}",
         {.held = SL_STR("{\"spec.paused\":null}")}},
        {"{" META ",\"annotations\":{\"a\":\"b\"," HELD "}},\"spec\":{\"paused\":true,\"x\":1}}",
         "{" META ",\"annotations\":{\"a\":\"b\"}},\"spec\":{\"x\":1}}",
         {.fields = {{SL_STR("paused"), SL_STR("null")}, {SL_STR("strategy"), SL_STR("null")}},
          .field_count = 2,
          .held = {.p = "", .n = 0}}},
        {"{" META "},\"spec\":{}}", "{" META "},\"spec\":{}}", {.held = {.p = "", .n = 0}}},
        /* a part of a field: what it stands in is there, or null, or not there */
        {"{" META "},\"spec\":{\"s\":{\"type\":\"x\",\"r\":{\"partition\":1}},\"n\":null}}",
         "{" META "},\"spec\":{\"s\":{\"type\":\"x\",\"r\":{\"partition\":2}},"
         "\"n\":{\"a\":{\"b\":3}},\"m\":{\"a\":4}}}",
         {.fields = {{SL_STR("s.r.partition"), SL_STR("2")},
                     {SL_STR("n.a.b"), SL_STR("3")},
                     {SL_STR("m.a"), SL_STR("4")},
                     {SL_STR("k.a"), SL_STR("null")},
                     {SL_STR("s.r.other"), SL_STR("null")}},
          .field_count = 5}},
        {"{" META "},\"spec\":{\"template\":{\"a\":1},\"x\":1}}",
         "{" META "},\"spec\":{\"template\":{\"spec\":{}},\"x\":1}}",
         {.template = SL_STR("{\"spec\":{}}")}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(world) struct world world = world_of("Deployment", "", rows[i].before);
        struct sl_action action = rows[i].action;
        action.kind = SL_ACT_WORKLOAD;
        action.target = world.workload;
        check_applied(&world, &action, rows[i].before, rows[i].after);
    }
}

static void disowning_removes_our_entry_and_no_other(void **state)
{
    (void)state;
    static const char before[] = "{" META ",\"managedFields\":[{\"manager\":\"kubectl\"},"
                                 "{\"manager\":\"sluice\"},{\"manager\":\"x\"}]},\"spec\":{}}";
    SL_AUTO(world) struct world world = world_of("Deployment", "", before);
    const struct sl_action action = {.kind = SL_ACT_DISOWN, .target = world.workload};
    check_applied(&world, &action, before,
                  "{" META ",\"managedFields\":[{\"manager\":\"kubectl\"},{\"manager\":\"x\"}]},"
                  "\"spec\":{}}");
}

static void the_finalizers_of_others_stay(void **state)
{
    (void)state;
#define ROLLOUT(finalizers)                                                                        \
    "{\"metadata\":{\"name\":\"go\",\"uid\":\"ru\",\"resourceVersion\":\"1\"" finalizers "}}"
#define LIST(items) ",\"finalizers\":[" items "]"
    const struct {
        const char *metadata, *before, *after;
        bool on;
    } rows[] = {
        {"", ROLLOUT(""), ROLLOUT(LIST("\"sluice.dev/rollout\"")), true},
        {LIST("\"a/b\""), ROLLOUT(LIST("\"a/b\"")), ROLLOUT(LIST("\"a/b\",\"sluice.dev/rollout\"")),
         true},
        {LIST("\"a/b\",\"sluice.dev/rollout\",\"c/d\""),
         ROLLOUT(LIST("\"a/b\",\"sluice.dev/rollout\",\"c/d\"")), ROLLOUT(LIST("\"a/b\",\"c/d\"")),
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(world) struct world world = world_of("Deployment", rows[i].metadata, workload_json);
        const struct sl_action action = {
            .kind = SL_ACT_FINALIZER, .target = world.rollout, .on = rows[i].on};
        check_applied(&world, &action, rows[i].before, rows[i].after);
    }
}

static void an_action_on_what_is_not_there_is_refused(void **state)
{
    (void)state;
    static const char bare[] = "{\"metadata\":{\"name\":\"web\",\"uid\":\"wu\"},\"spec\":{}}";
    SL_AUTO(world) struct world world = world_of("Deployment", "", bare);
    const struct sl_action rows[] = {
        {.kind = SL_ACT_POD_DONE},
        {.kind = SL_ACT_POD_UPGRADE, .target = world.pod, .revision = "r"},
        {.kind = SL_ACT_POD_UPGRADE,
         .target = world.pod,
         .from = sl_revision_of(world.old),
         .handover = true,
         .revision = "r"},
        {.kind = SL_ACT_POD_UPGRADE, /* the workload has no template */
         .target = world.pod,
         .from = sl_revision_of(world.old),
         .revision = "r"},
        {.kind = SL_ACT_REPLICA_SET_NEW, .hash = "h"},
        {.kind = SL_ACT_DISOWN, .target = world.workload},
        {.kind = SL_ACT_FINALIZER, .target = world.rollout, .on = false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_action_call call = {.content_type = "untouched"};
        struct sl_err err = SL_ERR_INIT;
        assert_int_equal(sl_action_write(&world.input, &rows[i], NOON, &call, &err), -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        assert_string_equal(call.content_type, "untouched");
    }
    struct sl_action_call call = {0};
    const struct sl_action action = {.kind = SL_ACT_WORKLOAD, .target = world.workload};
    world.input.workload = NULL;
    assert_int_equal(sl_action_write(&world.input, &action, NOON, &call, NULL), -1);
}

static void a_status_is_written_whole_with_nulls_for_what_is_absent(void **state)
{
    (void)state;
    SL_AUTO(world) struct world world = world_of("Deployment", "", workload_json);
    struct sl_action_call call;
    const struct sl_rollout_status status = {
        .state = SL_SUCCEED, .phase = SL_HEALTHY, .replicas = 4};
    sl_action_write_status(world.input.rollout, &status, &call);
    check_call(&call, SL_CALL_PATCH, "sluice.dev/v1alpha1/shop/rollouts/go/status",
               "application/merge-patch+json");
    assert_string_equal(
        call.body.data,
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"status\":{\"observedGeneration\":null,"
        "\"phase\":\"Healthy\",\"rollingState\":\"RolloutSucceed\",\"batchRollingState\":null,"
        "\"message\":null,\"run\":null,\"currentBatch\":null,\"batches\":null,\"replicas\":4,"
        "\"updatedReplicas\":0,\"updatedReadyReplicas\":0,\"conditions\":null}}");
    sl_action_call_cleanup(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_action_goes_to_its_own_resource),
        cmocka_unit_test(a_workload_of_another_kind_is_another_resource),
        cmocka_unit_test(requests_on_pods_name_uid_and_resource_version),
        cmocka_unit_test(a_pod_is_upgraded_to_the_workloads_template_or_handed_over),
        cmocka_unit_test(a_replica_set_gets_replicas_and_mark_or_one_of_them),
        cmocka_unit_test(a_new_replica_set_is_as_the_deployment_controller_makes_it),
        cmocka_unit_test(a_workload_is_changed_whatever_it_has_of_it),
        cmocka_unit_test(disowning_removes_our_entry_and_no_other),
        cmocka_unit_test(the_finalizers_of_others_stay),
        cmocka_unit_test(an_action_on_what_is_not_there_is_refused),
        cmocka_unit_test(a_status_is_written_whole_with_nulls_for_what_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
