/* A Rollout as a record, and its status both ways: what is written is read back as the same, a
 * merge patch of it replaces whatever is stored, and the CRD knows every word and every member. */
#include "core/records/rollout.h"

#include "codec/json.h"
#include "crd_schema.h"
#include "records_support.h"

#define S INT64_C(1000000000)
#define NOON (INT64_C(1795262400) * S) /* 2026-11-21T12:00:00Z */

#define SPEC                                                                                       \
    "\"spec\":{\"workloadRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\","              \
    "\"name\":\"web\"},\"rolloutPlan\":{\"batchSize\":2}}"

static struct sl_record *rollout_of(const char *metadata, const char *rest)
{
    SL_AUTO(sl_buf) struct sl_buf json = SL_BUF_INIT(SL_MIB);
    static const struct sl_workload_kinds none = {0};
    struct sl_err err = SL_ERR_INIT;
    struct sl_record *record = NULL;
    sl_buf_addf(&json,
                "{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"Rollout\","
                "\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u\"%s},%s}",
                metadata, rest);
    if (sl_rollout_record_decode(sl_buf_str(&json), &none, &record, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return record;
}

/* Everything that a status can hold. */
static struct sl_rollout_status full_status(struct sl_batch_status batches[static 2])
{
    batches[0] = (struct sl_batch_status){
        .target = 1, .updated = 1, .ready = 1, .started = NOON, .finished = NOON + 5 * S};
    batches[1] = (struct sl_batch_status){.target = 4, .updated = 2, .started = NOON + 6 * S};
    return (struct sl_rollout_status){
        .observed_generation = 3,
        .state = SL_BATCH_IN_ROLLING,
        .phase = SL_PROGRESSING,
        .message = SL_STR("batch 2 of 2: \"waits\""),
        .run = {.id = SL_STR("r-1"),
                .stable_revision = SL_STR("web-1"),
                .update_revision = SL_STR("web-2"),
                .plan = SL_STR("abc"),
                .failure = SL_STR("too slow"),
                .started = NOON,
                .progressed = NOON + 7 * S,
                .tolerated = 2},
        .current_batch = 1,
        .batches = batches,
        .batch_count = 2,
        .replicas = 4,
        .updated = 3,
        .updated_ready = 2,
        .conditions = {{.type = SL_STR("Progressing"),
                        .reason = SL_STR("BatchStarted"),
                        .message = SL_STR("m"),
                        .status = true,
                        .changed = NOON}},
        .condition_count = 1,
    };
}

static const char full_text[] =
    "{\"observedGeneration\":3,\"phase\":\"Progressing\",\"rollingState\":\"RollingInBatches\","
    "\"batchRollingState\":\"BatchInRolling\",\"message\":\"batch 2 of 2: \\\"waits\\\"\","
    "\"run\":{\"id\":\"r-1\",\"stableRevision\":\"web-1\",\"updateRevision\":\"web-2\","
    "\"startedAt\":\"2026-11-21T12:00:00Z\",\"plan\":\"abc\","
    "\"progressedAt\":\"2026-11-21T12:00:07Z\",\"tolerated\":2,\"failure\":\"too slow\"},"
    "\"currentBatch\":1,\"batches\":["
    "{\"target\":1,\"updated\":1,\"ready\":1,\"startedAt\":\"2026-11-21T12:00:00Z\","
    "\"finishedAt\":\"2026-11-21T12:00:05Z\"},"
    "{\"target\":4,\"updated\":2,\"ready\":0,\"startedAt\":\"2026-11-21T12:00:06Z\"}],"
    "\"replicas\":4,\"updatedReplicas\":3,\"updatedReadyReplicas\":2,\"conditions\":["
    "{\"type\":\"Progressing\",\"status\":\"True\",\"lastTransitionTime\":\"2026-11-21T12:00:00Z\","
    "\"reason\":\"BatchStarted\",\"message\":\"m\"}]}";

static void a_rollout_is_read(void **state)
{
    (void)state;
    struct sl_record *record =
        rollout_of(",\"generation\":2,\"resourceVersion\":\"9\","
                   "\"finalizers\":[\"a/b\",\"sluice.dev/rollout\"]",
                   SPEC ",\"status\":{\"rollingState\":\"Initializing\",\"run\":{\"id\":\"r\"}}");
    const struct sl_rollout_record *rollout = sl_rollout_of(record);
    assert_string_equal(record->ns, "shop");
    assert_string_equal(record->resource_version, "9");
    assert_int_equal(record->generation, 2);
    assert_string_equal(rollout->problem, "");
    assert_true(sl_str_is(rollout->spec.workload.name, "web"));
    assert_int_equal(rollout->spec.plan.batches.size, 2);
    assert_true(rollout->has_finalizer);
    assert_true(rollout->has_finalizers);
    assert_int_equal(rollout->finalizer_entry, 1);
    assert_int_equal(rollout->status.state, SL_INITIALIZING);
    sl_rollout_record_free(record);
}

static void the_finalizers_of_others_are_not_ours(void **state)
{
    (void)state;
    const struct {
        const char *metadata;
        bool any;
    } rows[] = {{"", false},
                {",\"finalizers\":[]", true},
                {",\"finalizers\":null", false},
                {",\"finalizers\":[\"sluice.dev/rollouts\",7]", true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_record *record = rollout_of(rows[i].metadata, SPEC);
        const struct sl_rollout_record *rollout = sl_rollout_of(record);
        assert_false(rollout->has_finalizer);
        assert_int_equal(rollout->has_finalizers, rows[i].any);
        assert_int_equal(rollout->finalizer_entry, -1);
        sl_rollout_record_free(record);
    }
}

static void a_spec_that_cannot_be_used_is_a_problem_and_not_an_error(void **state)
{
    (void)state;
    const struct {
        const char *rest, *says;
    } rows[] = {
        {"\"spec\":{}", "spec.workloadRef: is required"},
        {"\"x\":1", "spec: is required"},
        {"\"spec\":{\"workloadRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Job\",\"name\":\"web\"},"
         "\"rolloutPlan\":{\"batchSize\":2}}",
         "no Job of apps/v1 is known"},
        {"\"spec\":{\"a\":1,\"a\":2}", "occurs twice"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_record *record = rollout_of("", rows[i].rest);
        const struct sl_rollout_record *rollout = sl_rollout_of(record);
        if (strstr(rollout->problem, rows[i].says) == NULL) {
            fail_msg("%s: %s", rows[i].rest, rollout->problem);
        }
        assert_null(rollout->spec.workload.name.p);
        assert_int_equal(rollout->status.state, SL_NEW);
        sl_rollout_record_free(record);
    }
}

static void a_problem_that_is_too_long_to_be_said_is_still_one(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf rest = SL_BUF_INIT(SL_MIB);
    sl_buf_adds(&rest,
                "\"spec\":{\"workloadRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\","
                "\"name\":\"web\"},\"rolloutPlan\":{\"batchSize\":2},\"");
    while (rest.len < 10000) {
        sl_buf_addc(&rest, 'x');
    }
    sl_buf_adds(&rest, "\":1}");
    struct sl_record *record = rollout_of("", rest.data);
    assert_string_equal(sl_rollout_of(record)->problem, "the spec is not valid");
    assert_null(sl_rollout_of(record)->spec.workload.name.p);
    sl_rollout_record_free(record);
}

static int decode(struct sl_str json, struct sl_record **ret_record, struct sl_err *err)
{
    static const struct sl_workload_kinds none = {0};
    return sl_rollout_record_decode(json, &none, ret_record, err);
}

static void what_is_no_rollout_is_refused(void **state)
{
    (void)state;
    refuses_what_is_no_object(decode);
}

static void a_status_is_written_with_all_that_it_holds(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_MIB);
    struct sl_batch_status batches[2];
    struct sl_rollout_status status = full_status(batches);
    sl_rollout_status_write(&status, &out);
    assert_string_equal(out.data, full_text);
    sl_buf_reset(&out);
    status = (struct sl_rollout_status){0};
    sl_rollout_status_write(&status, &out);
    assert_string_equal(out.data,
                        "{\"replicas\":0,\"updatedReplicas\":0,\"updatedReadyReplicas\":0}");
}

static void a_status_is_read_back_as_it_was_written(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf rest = SL_BUF_INIT(SL_MIB);
    struct sl_batch_status batches[2];
    struct sl_rollout_status status = full_status(batches);
    sl_buf_addf(&rest, SPEC ",\"status\":%s", full_text);
    struct sl_record *record = rollout_of("", rest.data);
    const struct sl_rollout_status *read = &sl_rollout_of(record)->status;
    assert_int_equal(read->state, SL_BATCH_IN_ROLLING);
    assert_int_equal(read->batch_count, 2);
    assert_true(read->batches[0].finished == NOON + 5 * S);
    assert_true(read->run.progressed == NOON + 7 * S);
    assert_true(sl_str_is(read->run.failure, "too slow"));
    assert_true(sl_rollout_status_equal(&status, read));
    sl_rollout_record_free(record);
}

static void each_member_makes_a_status_different_but_no_part_of_a_second(void **state)
{
    (void)state;
    struct sl_batch_status batches[2];
    const struct sl_rollout_status status = full_status(batches);
    struct sl_batch_status other_batches[4][2];
    struct sl_rollout_status others[23];
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        others[i] = status;
    }
    others[0].state = SL_BATCH_VERIFYING;
    others[1].phase = SL_PAUSED;
    others[2].message = SL_STR("other");
    others[3].run.id = SL_STR("r-2");
    others[4].run.progressed += S;
    others[5].current_batch = 0;
    others[6].batch_count = 1;
    others[7].updated_ready = 3;
    others[8].conditions[0].status = false;
    others[9].run.tolerated = 0;
    others[10].observed_generation = 4;
    others[11].run.stable_revision = SL_STR("web-0");
    others[12].run.update_revision = SL_STR("web-3");
    others[13].run.plan = SL_STR("");
    others[14].run.failure = SL_STR("");
    others[15].run.started = 0;
    others[16].replicas = 5;
    others[17].updated = 4;
    others[18].conditions[0].message = SL_STR("n");
    for (size_t i = 0; i < 4; i++) {
        memcpy(other_batches[i], batches, sizeof batches);
        others[19 + i].batches = other_batches[i];
    }
    other_batches[0][1].target = 5;
    other_batches[1][1].updated = 1;
    other_batches[2][1].ready = 1;
    other_batches[3][1].finished = NOON + 9 * S;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(sl_rollout_status_equal(&status, &others[i]));
    }
    struct sl_rollout_status later = status;
    later.run.progressed += S - 1;
    assert_true(sl_rollout_status_equal(&status, &later));
}

static void every_state_is_read_back_from_its_two_words(void **state)
{
    (void)state;
    for (int i = SL_NEW; i < SL_STATES; i++) {
        SL_AUTO(sl_buf) struct sl_buf rest = SL_BUF_INIT(SL_KIB);
        sl_buf_addf(&rest,
                    SPEC ",\"status\":{\"rollingState\":\"%s\",\"batchRollingState\":\"%s\","
                         "\"run\":{\"id\":\"r\"},\"batches\":[{\"target\":1}]}",
                    sl_state_rolling((enum sl_state)i), sl_state_batch((enum sl_state)i));
        struct sl_record *record = rollout_of("", rest.data);
        assert_int_equal(sl_rollout_of(record)->status.state, i);
        sl_rollout_record_free(record);
    }
}

/* As somebody may store them: nothing is looked for where it is not. */
static void a_state_without_its_run_or_batch_is_not_believed(void **state)
{
    (void)state;
#define WITH_RUN "\"run\":{\"id\":\"r\"},"
    static const struct {
        const char *rolling, *batch, *rest;
        enum sl_state expected;
    } rows[] = {
        {"VerifyingSpec", "", "", SL_NEW},
        {"RollingInBatches", "BatchReady", "\"run\":\"x\",\"batches\":[{\"target\":1}],", SL_NEW},
        {"RolloutFailing", "", "", SL_NEW},
        {"RolloutFailed", "", "", SL_NEW},
        {"RolloutAbandoning", "", "", SL_NEW},
        {"Finalising", "", "", SL_FINALISING},
        {"RolloutSucceed", "", "", SL_SUCCEED},
        {"RolloutDeleting", "", "", SL_DELETING},
        {"RollingInBatches", "BatchReady", WITH_RUN, SL_VERIFYING_SPEC},
        {"RollingInBatches", "BatchInitializing",
         WITH_RUN "\"batches\":[{\"target\":1}],\"currentBatch\":1,", SL_VERIFYING_SPEC},
        {"RollingInBatches", "BatchFinalizing",
         WITH_RUN "\"batches\":[{\"target\":1}],\"currentBatch\":1000,", SL_VERIFYING_SPEC},
        {"Initializing", "", WITH_RUN "\"currentBatch\":1000,", SL_INITIALIZING},
    };
#undef WITH_RUN
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf rest = SL_BUF_INIT(SL_KIB);
        sl_buf_addf(&rest,
                    SPEC ",\"status\":{%s\"rollingState\":\"%s\",\"batchRollingState\":\"%s\"}",
                    rows[i].rest, rows[i].rolling, rows[i].batch);
        struct sl_record *record = rollout_of("", rest.data);
        assert_int_equal(sl_rollout_of(record)->status.state, rows[i].expected);
        sl_rollout_record_free(record);
    }
}

static void a_stored_status_that_makes_no_sense_is_as_absent(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "null",
        "[]",
        "{\"rollingState\":\"Rolling\",\"phase\":\"Fine\"}",
        "{\"rollingState\":\"RollingInBatches\"}",
        "{\"rollingState\":\"RollingInBatches\",\"batchRollingState\":\"BatchDone\"}",
        "{\"rollingState\":7,\"batches\":{\"a\":1},\"replicas\":\"3\",\"conditions\":{\"a\":{}}}",
        "{\"run\":{\"updateRevision\":\"x\"},\"replicas\":-1,\"updatedReplicas\":2147483648}",
        "{\"run\":[],\"batches\":[],\"observedGeneration\":1.5,\"message\":null}",
        "{\"replicas\":3,\"replicas\":4}",
    };
    const struct sl_rollout_status none = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_jval root;
        struct sl_rollout_status read;
        assert_int_equal(sl_jscan(sl_str_from(texts[i]), NULL, NULL, &root, NULL), 0);
        sl_rollout_status_read(root, &arena, &read);
        if (!sl_rollout_status_equal(&read, &none)) {
            fail_msg("%s", texts[i]);
        }
    }
}

static void a_batch_that_is_not_there_is_not_gone_on_with(void **state)
{
    (void)state;
    static const struct {
        const char *state, *batches, *run;
        int current;
        enum sl_state read;
        size_t batch_count;
    } rows[] = {
        {"BatchReady", "{\"target\":1},{\"target\":2}", "v1", 1, SL_BATCH_READY, 2},
        {"BatchReady", "{\"target\":1},{\"target\":2}", "v1", 2, SL_VERIFYING_SPEC, 0},
        {"BatchInitializing", "", "v1", 0, SL_VERIFYING_SPEC, 0},
        /* a rollback has one batch */
        {"BatchReady", "{\"target\":1},{\"target\":2}", "v2", 0, SL_BATCH_READY, 2},
        {"BatchReady", "{\"target\":1},{\"target\":2}", "v2", 1, SL_VERIFYING_SPEC, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf rest = SL_BUF_INIT(SL_KIB);
        sl_buf_addf(&rest,
                    SPEC ",\"status\":{\"rollingState\":\"RollingInBatches\",\"batchRollingState\":"
                         "\"%s\",\"run\":{\"id\":\"r\",\"stableRevision\":\"%s\","
                         "\"updateRevision\":\"v2\"},\"currentBatch\":%d,\"batches\":[%s]}",
                    rows[i].state, rows[i].run, rows[i].current, rows[i].batches);
        struct sl_record *record = rollout_of("", rest.data);
        const struct sl_rollout_status *read = &sl_rollout_of(record)->status;
        if (read->state != rows[i].read || read->batch_count != rows[i].batch_count) {
            fail_msg("row %zu: state %d, %zu batches", i, read->state, read->batch_count);
        }
        assert_true(read->batch_count == 0 || (size_t)read->current_batch < read->batch_count);
        sl_rollout_record_free(record);
    }
}

/* RFC 7386, on objects alone. */
static void merge(struct json_object *into, struct json_object *patch)
{
    json_object_object_foreach(patch, key, value)
    {
        struct json_object *there = NULL;
        (void)json_object_object_get_ex(into, key, &there);
        if (value == NULL) {
            json_object_object_del(into, key);
        } else if (json_object_is_type(value, json_type_object)) {
            if (!json_object_is_type(there, json_type_object)) {
                there = json_object_new_object();
                json_object_object_add(into, key, there);
            }
            merge(there, value);
        } else {
            json_object_object_add(into, key, json_object_get(value));
        }
    }
}

static void a_merge_patch_leaves_nothing_of_the_status_before(void **state)
{
    (void)state;
    struct sl_batch_status batches[2];
    struct sl_rollout_status statuses[4] = {full_status(batches)};
    statuses[1].state = SL_SUCCEED;
    statuses[2] = (struct sl_rollout_status){.run = {.id = SL_STR("r-2")}, .current_batch = 1};
    for (size_t i = 0; i < 16; i++) {
        SL_AUTO(sl_buf) struct sl_buf before = SL_BUF_INIT(SL_MIB);
        SL_AUTO(sl_buf) struct sl_buf patch = SL_BUF_INIT(SL_MIB);
        SL_AUTO(sl_buf) struct sl_buf after = SL_BUF_INIT(SL_MIB);
        SL_AUTO(sl_json) struct json_object *stored = NULL;
        SL_AUTO(sl_json) struct json_object *change = NULL;
        SL_AUTO(sl_json) struct json_object *wanted = NULL;
        sl_rollout_status_write(&statuses[i / 4], &before);
        sl_rollout_status_write_patch(&statuses[i % 4], &patch);
        sl_rollout_status_write(&statuses[i % 4], &after);
        assert_int_equal(sl_json_parse(sl_buf_str(&before), &stored, NULL), 0);
        assert_int_equal(sl_json_parse(sl_buf_str(&patch), &change, NULL), 0);
        assert_int_equal(sl_json_parse(sl_buf_str(&after), &wanted, NULL), 0);
        merge(stored, change);
        if (!sl_json_equal(stored, wanted)) {
            fail_msg("%zu: %s", i, json_object_to_json_string(stored));
        }
    }
}

static void the_crd_knows_every_member_and_every_word(void **state)
{
    (void)state;
    SL_AUTO(sl_yaml_docs)
    struct sl_yaml_docs *docs = crd_of("rollouts");
    struct json_object *schema = crd_status(docs);
    struct sl_batch_status batches[2];
    struct sl_rollout_status status = full_status(batches);
    for (int i = SL_VERIFYING_SPEC; i < SL_STATES; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_MIB);
        SL_AUTO(sl_json) struct json_object *written = NULL;
        status.state = (enum sl_state)i;
        status.phase = (enum sl_phase)(1 + i % (SL_PHASES - 1));
        sl_rollout_status_write(&status, &out);
        assert_int_equal(sl_json_parse(sl_buf_str(&out), &written, NULL), 0);
        check_schema(written, schema);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rollout_is_read),
        cmocka_unit_test(the_finalizers_of_others_are_not_ours),
        cmocka_unit_test(a_spec_that_cannot_be_used_is_a_problem_and_not_an_error),
        cmocka_unit_test(a_problem_that_is_too_long_to_be_said_is_still_one),
        cmocka_unit_test(what_is_no_rollout_is_refused),
        cmocka_unit_test(a_status_is_written_with_all_that_it_holds),
        cmocka_unit_test(a_status_is_read_back_as_it_was_written),
        cmocka_unit_test(each_member_makes_a_status_different_but_no_part_of_a_second),
        cmocka_unit_test(every_state_is_read_back_from_its_two_words),
        cmocka_unit_test(a_state_without_its_run_or_batch_is_not_believed),
        cmocka_unit_test(a_stored_status_that_makes_no_sense_is_as_absent),
        cmocka_unit_test(a_batch_that_is_not_there_is_not_gone_on_with),
        cmocka_unit_test(a_merge_patch_leaves_nothing_of_the_status_before),
        cmocka_unit_test(the_crd_knows_every_member_and_every_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
