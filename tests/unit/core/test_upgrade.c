/* Upgrades in place: what stands in the way of one, the patch that begins it, and when it is done.
 */
#include "core/rolling/upgrade.h"

#include "records_support.h"

#define TEMPLATE(metadata, spec) "{\"metadata\":{" metadata "},\"spec\":{" spec "}}"
#define APP "\"containers\":[{\"name\":\"app\",\"image\":\"i:1\",\"env\":[{\"name\":\"A\"}]}]"

static void only_images_labels_and_annotations_may_differ(void **state)
{
    (void)state;
    const struct {
        const char *from, *to, *field;
    } rows[] = {
        {TEMPLATE("", APP), TEMPLATE("", APP), ""},
        {TEMPLATE("", APP),
         TEMPLATE(
             "\"labels\":{\"a\":\"b\"},\"annotations\":{\"c\":\"d\"}",
             "\"containers\":[{\"image\":\"i:2\",\"env\":[{\"name\":\"A\"}],\"name\":\"app\"}]"),
         ""},
        {TEMPLATE("\"creationTimestamp\":null,\"labels\":{\"a\":\"b\"}", APP),
         "{\"spec\":{" APP "}}", ""},
        {TEMPLATE("", APP ",\"initContainers\":[{\"name\":\"init\",\"image\":\"i:1\"}]"),
         TEMPLATE("", APP ",\"initContainers\":[{\"name\":\"init\",\"image\":\"i:2\"}]"), ""},
        {TEMPLATE("", APP),
         TEMPLATE("", "\"containers\":[{\"name\":\"app\",\"image\":\"i:2\","
                      "\"env\":[{\"name\":\"B\"}]}]"),
         "spec.containers[app].env"},
        {TEMPLATE("", APP),
         TEMPLATE("", "\"containers\":[{\"name\":\"app\",\"image\":\"i:1\","
                      "\"env\":[{\"name\":\"A\"}],\"args\":[]}]"),
         "spec.containers[app].args"},
        {TEMPLATE("", APP), TEMPLATE("", "\"containers\":[{\"name\":\"web\",\"image\":\"i:1\"}]"),
         "spec.containers"},
        {TEMPLATE("", "\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]"),
         TEMPLATE("", "\"containers\":[{\"name\":\"b\"},{\"name\":\"a\"}]"), "spec.containers"},
        {TEMPLATE("", "\"containers\":[{\"name\":\"a\"}]"),
         TEMPLATE("", "\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]"), "spec.containers"},
        {TEMPLATE("", "\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]"),
         TEMPLATE("", "\"containers\":[{\"name\":\"a\"}]"), "spec.containers"},
        {TEMPLATE("", APP), TEMPLATE("", APP ",\"initContainers\":[{\"name\":\"init\"}]"),
         "spec.initContainers"},
        {TEMPLATE("", "\"initContainers\":[{\"name\":\"init\",\"restartPolicy\":\"Always\"}]"),
         TEMPLATE("", "\"initContainers\":[{\"name\":\"init\"}]"),
         "spec.initContainers[init].restartPolicy"},
        {TEMPLATE("", APP ",\"hostNetwork\":true"), TEMPLATE("", APP), "spec.hostNetwork"},
        {TEMPLATE("", APP ",\"terminationGracePeriodSeconds\":30"),
         TEMPLATE("", APP ",\"terminationGracePeriodSeconds\":31"),
         "spec.terminationGracePeriodSeconds"},
        {TEMPLATE("\"annotations\":{\"a\":\"b\"}", APP), TEMPLATE("", APP), ""},
        {TEMPLATE("", APP),
         TEMPLATE("\"annotations\":{\"kubectl.kubernetes.io/restartedAt\":\"now\"}", APP),
         "metadata.annotations[kubectl.kubernetes.io/restartedAt]"},
        {TEMPLATE("\"annotations\":{\"kubectl.kubernetes.io/restartedAt\":\"now\"}", APP),
         TEMPLATE("\"annotations\":{\"kubectl.kubernetes.io/restartedAt\":\"now\",\"a\":\"b\"}",
                  APP),
         ""},
        {TEMPLATE("\"finalizers\":[\"a/b\"]", APP), TEMPLATE("", APP), "metadata.finalizers"},
        {TEMPLATE("", APP), "{\"spec\":{" APP "},\"other\":1}", "other"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_err err = SL_ERR_INIT;
        const char *field = NULL;
        if (sl_upgrade_obstacle(sl_str_from(rows[i].from), sl_str_from(rows[i].to), &arena, &field,
                                &err) < 0) {
            fail_msg("%zu: %s", i, err.msg);
        }
        if (strcmp(field, rows[i].field) != 0) {
            fail_msg("%zu: \"%s\" and not \"%s\"", i, field, rows[i].field);
        }
    }
}

static void what_is_no_template_cannot_be_compared(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "null", "{}", "{\"spec\":[]}", "{\"spec\":{}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_err err = SL_ERR_INIT;
        const char *field = "untouched";
        assert_int_equal(sl_upgrade_obstacle(SL_STR("{\"spec\":{}}"), sl_str_from(texts[i]), &arena,
                                             &field, &err),
                         -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        assert_string_equal(field, "untouched");
    }
}

/* A pod "web-0" with an app, an init container and one that somebody injected. */
static struct sl_record *pod_with(const char *metadata, const char *status)
{
    SL_AUTO(sl_buf) struct sl_buf json = SL_BUF_INIT(SL_MIB);
    sl_buf_addf(&json,
                "{\"metadata\":{\"name\":\"web-0\",\"uid\":\"u\",\"resourceVersion\":\"7\","
                "\"generation\":2,\"ownerReferences\":[{\"uid\":\"old\",\"controller\":true}]%s},"
                "\"spec\":{\"initContainers\":[{\"name\":\"init\",\"image\":\"i:1\"}],"
                "\"containers\":[{\"name\":\"proxy\",\"image\":\"p:1\"},"
                "{\"name\":\"app\",\"image\":\"i:1\"}]},\"status\":{%s}}",
                metadata, status);
    return decoded(sl_pod_record_decode, sl_buf_str(&json));
}

#define READY "{\"type\":\"Ready\",\"status\":\"True\"}"
#define CONTAINERS_READY "{\"type\":\"ContainersReady\",\"status\":\"True\"}"

static struct sl_upgrade upgrade_of(const struct sl_record *pod, const char *from, const char *to)
{
    return (struct sl_upgrade){
        .pod = sl_pod_of(pod),
        .from = sl_str_from(from),
        .to = sl_str_from(to),
        .run = "r-1",
        .revision = "web-2",
        .label_key = "controller-revision-hash",
        .label_value = "web-2",
        .rollout = "web",
        .batch = 1,
        .now = moment("2026-11-21T12:00:00.9Z"),
    };
}

static void check_patch(const struct sl_upgrade *upgrade, const char *metadata, const char *spec)
{
    SL_AUTO(sl_buf) struct sl_buf patch = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_buf) struct sl_buf wanted = SL_BUF_INIT(SL_MIB);
    struct sl_err err = SL_ERR_INIT;
    if (sl_upgrade_write(upgrade, &patch, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    sl_buf_addf(&wanted,
                "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"7\",%s},\"spec\":{%s}}",
                metadata, spec);
    assert_string_equal(patch.data, wanted.data);
}

#define OUR_LABELS                                                                                 \
    "\"labels\":{\"controller-revision-hash\":\"web-2\",\"sluice.dev/rollout\":\"web\","           \
    "\"sluice.dev/batch\":\"1\",\"sluice.dev/upgrading\":\"true\""
#define IMAGES ",\\\"images\\\":{\\\"app\\\":\\\"i:1\\\"}"
#define NOTE(containers, end)                                                                      \
    "\"annotations\":{\"sluice.dev/upgrade\":\"{\\\"run\\\":\\\"r-1\\\","                          \
    "\\\"revision\\\":\\\"web-2\\\",\\\"since\\\":\\\"2026-11-21T12:00:00Z\\\","                   \
    "\\\"containers\\\":{" containers "}" end "}\""

static void a_patch_changes_the_image_and_says_what_was_there(void **state)
{
    (void)state;
    SL_AUTO(sl_record)
    struct sl_record *pod = pod_with(
        "", "\"conditions\":[" READY "],"
            "\"containerStatuses\":[{\"name\":\"app\",\"containerID\":\"containerd://a\"}]");
    struct sl_upgrade upgrade =
        upgrade_of(pod, TEMPLATE("", APP),
                   TEMPLATE("", "\"containers\":[{\"name\":\"app\",\"image\":\"i:2\"}]"));
    check_patch(&upgrade, OUR_LABELS "}," NOTE("\\\"app\\\":\\\"containerd://a\\\"", IMAGES) "}",
                "\"containers\":[{\"name\":\"app\",\"image\":\"i:2\"}]");
}

static void a_patch_carries_only_the_marks_that_differ_between_the_templates(void **state)
{
    (void)state;
    SL_AUTO(sl_record) struct sl_record *pod = pod_with("", "\"conditions\":[" READY "]");
    struct sl_upgrade upgrade = upgrade_of(
        pod,
        TEMPLATE("\"labels\":{\"same\":\"x\",\"gone\":\"x\",\"new\":\"old\"},"
                 "\"annotations\":{\"a/b\":\"1\"}",
                 ""),
        TEMPLATE("\"labels\":{\"new\":\"n\\\"w\",\"same\":\"x\",\"sluice.dev/batch\":\"9\","
                 "\"controller-revision-hash\":\"9\"},\"annotations\":{\"c\":\"\"}",
                 "\"containers\":[{\"name\":\"app\",\"image\":\"i:1\"}]"));
    check_patch(&upgrade,
                OUR_LABELS
                ",\"gone\":null,\"new\":\"n\\\"w\"}," NOTE("", "") ",\"a/b\":null,\"c\":\"\"}",
                "");
}

static void images_are_compared_with_those_of_the_pod_itself(void **state)
{
    (void)state;
    SL_AUTO(sl_record) struct sl_record *pod = pod_with("", "");
    /* the templates agree, but the pod was never moved; it is not ready either */
    const char *template =
        TEMPLATE("", "\"initContainers\":[{\"name\":\"init\",\"image\":\"i:3\"}],"
                     "\"containers\":[{\"name\":\"app\",\"image\":\"i:3\"},"
                     "{\"name\":\"missing\",\"image\":\"m:1\"}]");
    struct sl_upgrade upgrade = upgrade_of(pod, template, template);
    check_patch(&upgrade,
                OUR_LABELS "}," NOTE("\\\"app\\\":\\\"\\\"", IMAGES ",\\\"broken\\\":true") "}",
                "\"initContainers\":[{\"name\":\"init\",\"image\":\"i:3\"}],"
                "\"containers\":[{\"name\":\"app\",\"image\":\"i:3\"}]");
}

/* It is not ready because it was drained, or all the same. */
static void a_drained_pod_is_broken_if_its_containers_are_not_ready(void **state)
{
    (void)state;
    for (int ready = 0; ready < 2; ready++) {
        SL_AUTO(sl_buf) struct sl_buf patch = SL_BUF_INIT(SL_MIB);
        SL_AUTO(sl_record)
        struct sl_record *pod = pod_with(",\"annotations\":{\"sluice.dev/drain\":\"{}\"}",
                                         ready == 1 ? "\"conditions\":[" CONTAINERS_READY "]" : "");
        struct sl_upgrade upgrade = upgrade_of(pod, TEMPLATE("", APP), TEMPLATE("", APP));
        assert_int_equal(sl_upgrade_write(&upgrade, &patch, NULL), 0);
        assert_int_equal(strstr(patch.data, "broken") == NULL, ready == 1);
    }
}

static void a_hand_over_replaces_the_controller(void **state)
{
    (void)state;
    SL_AUTO(sl_record) struct sl_record *pod = pod_with("", "\"conditions\":[" READY "]");
    struct sl_upgrade upgrade = upgrade_of(pod, TEMPLATE("", APP), TEMPLATE("", APP));
    upgrade.owner_name = "web-5d8";
    upgrade.owner_uid = "new";
    check_patch(&upgrade,
                OUR_LABELS
                "}," NOTE("", "") "},"
                                  "\"ownerReferences\":[{\"$patch\":\"delete\",\"uid\":\"old\"},"
                                  "{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\","
                                  "\"name\":\"web-5d8\",\"uid\":\"new\",\"controller\":true,"
                                  "\"blockOwnerDeletion\":true}]",
                "");
    upgrade.owner_uid = "old"; /* already there: it must not be removed */
    check_patch(&upgrade,
                OUR_LABELS
                "}," NOTE("", "") "},"
                                  "\"ownerReferences\":[{\"apiVersion\":\"apps/v1\","
                                  "\"kind\":\"ReplicaSet\",\"name\":\"web-5d8\",\"uid\":\"old\","
                                  "\"controller\":true,\"blockOwnerDeletion\":true}]",
                "");
}

static void a_template_that_cannot_be_read_gives_no_patch(void **state)
{
    (void)state;
    SL_AUTO(sl_record) struct sl_record *pod = pod_with("", "");
    static const char *const bad[] = {"", "[]", TEMPLATE("\"labels\":{\"a\":1}", APP),
                                      TEMPLATE("\"annotations\":{\"a\":{}}", APP)};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_MIB);
        struct sl_err err = SL_ERR_INIT;
        struct sl_upgrade upgrade = upgrade_of(pod, TEMPLATE("", APP), bad[i]);
        assert_int_equal(sl_upgrade_write(&upgrade, &out, &err), -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
    }
    SL_AUTO(sl_buf) struct sl_buf small = SL_BUF_INIT(100);
    struct sl_upgrade upgrade = upgrade_of(pod, TEMPLATE("", APP), TEMPLATE("", APP));
    assert_int_equal(sl_upgrade_write(&upgrade, &small, NULL), -1);
}

/* Patched to i:2 and taken back to i:1 before the kubelet saw the first: it restarts nothing. */
static void what_a_container_still_runs_is_not_waited_for(void **state)
{
    (void)state;
    static const struct {
        const char *id, *to;
        const char *note; /* beyond revision and since */
    } rows[] = {
        {"containerd://a", "i:1", "\\\"containers\\\":{}"},
        {"containerd://b", "i:1",
         "\\\"containers\\\":{\\\"app\\\":\\\"containerd://b\\\"},"
         "\\\"images\\\":{\\\"app\\\":\\\"i:2\\\"}"},
        {"containerd://a", "i:3",
         "\\\"containers\\\":{\\\"app\\\":\\\"containerd://a\\\"},"
         "\\\"images\\\":{\\\"app\\\":\\\"i:1\\\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf json = SL_BUF_INIT(SL_MIB);
        SL_AUTO(sl_buf) struct sl_buf to = SL_BUF_INIT(SL_MIB);
        SL_AUTO(sl_buf) struct sl_buf patch = SL_BUF_INIT(SL_MIB);
        sl_buf_addf(
            &json,
            "{\"metadata\":{\"name\":\"web-0\",\"uid\":\"u\",\"annotations\":{"
            "\"sluice.dev/upgrade\":\"{\\\"containers\\\":{\\\"app\\\":"
            "\\\"containerd://a\\\"},\\\"images\\\":{\\\"app\\\":\\\"i:1\\\"}}\"}},"
            "\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"i:2\"}]},"
            "\"status\":{\"containerStatuses\":[{\"name\":\"app\",\"containerID\":\"%s\"}]}}",
            rows[i].id);
        sl_buf_addf(&to, "{\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"%s\"}]}}",
                    rows[i].to);
        SL_AUTO(sl_record)
        struct sl_record *pod = decoded(sl_pod_record_decode, sl_buf_str(&json));
        struct sl_upgrade upgrade =
            upgrade_of(pod, "{\"spec\":{\"containers\":[{\"name\":\"app\"}]}}", to.data);
        assert_int_equal(sl_upgrade_write(&upgrade, &patch, NULL), 0);
        if (strstr(patch.data, rows[i].note) == NULL) {
            fail_msg("%zu: %s", i, patch.data);
        }
    }
}

static void the_last_patch_takes_the_marks_off(void **state)
{
    (void)state;
    SL_AUTO(sl_record) struct sl_record *pod = pod_with("", "");
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_MIB);
    sl_upgrade_write_done(sl_pod_of(pod), &out);
    assert_string_equal(out.data, "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"7\","
                                  "\"labels\":{\"sluice.dev/upgrading\":null},"
                                  "\"annotations\":{\"sluice.dev/upgrade\":null}}}");
}

#define UPGRADE(containers)                                                                        \
    ",\"annotations\":{\"sluice.dev/upgrade\":\"{\\\"run\\\":\\\"r-1\\\",\\\"revision\\\":"        \
    "\\\"web-2\\\",\\\"since\\\":\\\"2026-11-21T12:00:00Z\\\",\\\"containers\\\":{" containers     \
    "}}\"}"
#define APP_CHANGES UPGRADE("\\\"app\\\":\\\"containerd://old\\\"")
#define APP_STATUS(id, state)                                                                      \
    "\"containerStatuses\":[{\"name\":\"app\",\"containerID\":\"" id "\",\"state\":{" state "}}]"
#define RUNS(since) "\"running\":{\"startedAt\":\"" since "\"}"
#define SEEN "\"observedGeneration\":2,\"conditions\":[" CONTAINERS_READY "],"

static void an_upgrade_is_done_when_the_new_container_runs_and_all_are_ready(void **state)
{
    (void)state;
    const struct {
        const char *metadata, *status;
        const char *waits_for; /* "" done */
    } rows[] = {
        {APP_CHANGES, SEEN APP_STATUS("containerd://new", RUNS("2026-11-21T12:00:01Z")), ""},
        {APP_CHANGES, SEEN APP_STATUS("containerd://new", RUNS("2026-11-21T12:00:00Z")), ""},
        /* an API server before 1.34 has no observedGeneration */
        {APP_CHANGES,
         "\"conditions\":[" CONTAINERS_READY
         "]," APP_STATUS("containerd://new", RUNS("2026-11-21T12:00:01Z")),
         ""},
        {APP_CHANGES,
         "\"observedGeneration\":1,\"conditions\":[" CONTAINERS_READY
         "]," APP_STATUS("containerd://new", RUNS("2026-11-21T12:00:01Z")),
         "the kubelet, which has not seen the change yet"},
        {APP_CHANGES, SEEN APP_STATUS("containerd://old", RUNS("2026-11-21T12:00:01Z")),
         "container app: not restarted yet"},
        /* by a node's clock that is behind */
        {APP_CHANGES, SEEN APP_STATUS("containerd://new", RUNS("2026-11-21T11:59:30Z")), ""},
        /* it restarted by itself before the patch */
        {APP_CHANGES, SEEN APP_STATUS("containerd://new", RUNS("2026-11-21T11:59:29Z")),
         "container app: not restarted yet"},
        {APP_CHANGES, SEEN APP_STATUS("containerd://new", ""), "container app: not running"},
        {APP_CHANGES, SEEN, "container app: not restarted yet"},
        {APP_CHANGES,
         SEEN APP_STATUS("containerd://old", "\"waiting\":{\"reason\":\"ImagePullBackOff\"}"),
         "container app: ImagePullBackOff"},
        {APP_CHANGES,
         "\"observedGeneration\":2," APP_STATUS("containerd://new", RUNS("2026-11-21T12:00:01Z")),
         "containers that are not ready"},
        {UPGRADE(""),
         "\"containerStatuses\":[{\"name\":\"proxy\",\"state\":{\"waiting\":"
         "{\"reason\":\"CrashLoopBackOff\"}}}]",
         "container proxy: CrashLoopBackOff"},
        /* only labels, or an initContainer: nothing restarts */
        {UPGRADE(""), SEEN APP_STATUS("containerd://old", RUNS("2026-11-21T11:00:00Z")), ""},
        {UPGRADE("\\\"elsewhere\\\":\\\"containerd://x\\\""),
         SEEN APP_STATUS("containerd://old", RUNS("2026-11-21T11:00:00Z")), ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        SL_AUTO(sl_buf) struct sl_buf status = SL_BUF_INIT(SL_MIB);
        sl_buf_adds(&status, rows[i].status);
        if (status.data[status.len - 1] == ',') {
            status.data[--status.len] = '\0';
        }
        SL_AUTO(sl_record) struct sl_record *pod = pod_with(rows[i].metadata, status.data);
        struct sl_upgrade_state read;
        sl_upgrade_read(sl_pod_of(pod), &arena, &read);
        assert_true(read.running);
        assert_false(read.broken);
        assert_true(sl_str_is(read.run, "r-1"));
        assert_true(sl_str_is(read.revision, "web-2"));
        assert_true(read.since == moment("2026-11-21T12:00:00Z"));
        if (strcmp(read.waits_for, rows[i].waits_for) != 0) {
            fail_msg("%zu: %s", i, read.waits_for);
        }
        assert_int_equal(read.done, rows[i].waits_for[0] == '\0');
    }
}

static void a_note_that_was_written_is_read_back(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf patch = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_record) struct sl_record *before = pod_with("", "");
    struct sl_upgrade upgrade = upgrade_of(before, TEMPLATE("", APP), TEMPLATE("", APP));
    upgrade.run = "r\"\\1";
    assert_int_equal(sl_upgrade_write(&upgrade, &patch, NULL), 0);
    struct sl_jval root;
    assert_int_equal(sl_jscan(sl_buf_str(&patch), NULL, NULL, &root, NULL), 0);
    struct sl_jval annotations =
        sl_jval_get(sl_jval_get(root, SL_STR("metadata")), SL_STR("annotations"));
    const char *metadata =
        sl_arena_printf(&arena, ",\"annotations\":%.*s", SL_STR_FMT(annotations.raw));
    SL_AUTO(sl_record) struct sl_record *pod = pod_with(metadata, "");
    struct sl_upgrade_state read;
    sl_upgrade_read(sl_pod_of(pod), &arena, &read);
    assert_true(read.running);
    assert_true(read.broken);
    assert_false(read.done);
    assert_true(sl_str_is(read.run, "r\"\\1"));
}

static void an_annotation_that_is_not_ours_is_no_upgrade(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "x",
        "{\\\"run\\\":\\\"r\\\",\\\"revision\\\":\\\"v\\\",\\\"containers\\\":{}}",
        "{\\\"run\\\":\\\"r\\\",\\\"revision\\\":\\\"v\\\",\\\"containers\\\":[],"
        "\\\"since\\\":\\\"2026-11-21T12:00:00Z\\\"}",
        "{\\\"run\\\":1,\\\"revision\\\":\\\"v\\\",\\\"containers\\\":{},"
        "\\\"since\\\":\\\"2026-11-21T12:00:00Z\\\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_upgrade_state read;
        const char *metadata =
            sl_arena_printf(&arena, ",\"annotations\":{\"sluice.dev/upgrade\":\"%s\"}", texts[i]);
        SL_AUTO(sl_record) struct sl_record *pod = pod_with(metadata, "");
        sl_upgrade_read(sl_pod_of(pod), &arena, &read);
        assert_false(read.running);
        assert_false(read.done);
        assert_string_equal(read.waits_for, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_images_labels_and_annotations_may_differ),
        cmocka_unit_test(what_is_no_template_cannot_be_compared),
        cmocka_unit_test(a_patch_changes_the_image_and_says_what_was_there),
        cmocka_unit_test(a_patch_carries_only_the_marks_that_differ_between_the_templates),
        cmocka_unit_test(images_are_compared_with_those_of_the_pod_itself),
        cmocka_unit_test(a_drained_pod_is_broken_if_its_containers_are_not_ready),
        cmocka_unit_test(a_hand_over_replaces_the_controller),
        cmocka_unit_test(a_template_that_cannot_be_read_gives_no_patch),
        cmocka_unit_test(what_a_container_still_runs_is_not_waited_for),
        cmocka_unit_test(the_last_patch_takes_the_marks_off),
        cmocka_unit_test(an_upgrade_is_done_when_the_new_container_runs_and_all_are_ready),
        cmocka_unit_test(a_note_that_was_written_is_read_back),
        cmocka_unit_test(an_annotation_that_is_not_ours_is_no_upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
