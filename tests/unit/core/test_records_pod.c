/* Pods as records: what is kept of an object that a real API server sent, and what becomes of the
 * values that are not as usual. */
#include "core/records/pod.h"

#include <stdio.h>

#include "records_support.h"

static struct sl_record *fixture_pod(const char *name)
{
    SL_AUTO(sl_buf) struct sl_buf file = SL_BUF_INIT(SL_MIB);
    return decoded(sl_pod_record_decode, fixture_item(fixture_body("list-pods", &file), name));
}

static void a_pod_of_a_real_cluster_is_read(void **state)
{
    (void)state;
    SL_AUTO(sl_record) struct sl_record *record = fixture_pod("ratings-1");
    const struct sl_pod_record *pod = sl_pod_of(record);
    assert_string_equal(record->ns, "shop");
    assert_string_equal(record->name, "ratings-1");
    assert_string_equal(record->uid, "6a2945f3-6c4e-4c76-8e73-072b572140bc");
    assert_string_equal(record->resource_version, "2077");
    assert_string_equal(record->owner_uid, "7ef2aedd-0845-43b9-bdc1-d00644e8063d");
    assert_int_equal(record->generation, 2);
    assert_true(record->created == moment("2026-11-21T11:39:18Z"));
    assert_true(record->deleted == 0);
    assert_string_equal(pod->node, "node1");
    assert_string_equal(pod->revision, "ratings-5486cbd678");
    assert_string_equal(pod->template_hash, "");
    assert_string_equal(pod->upgrade, "");
    assert_string_equal(pod->traffic, "");
    assert_string_equal(pod->address, "10.244.0.65");
    assert_string_equal(pod->drain, "");
    assert_string_equal(pod->balancers, "");
    assert_false(pod->gate || pod->traffic_ready || pod->host_network || pod->stopped);
    assert_int_equal(pod->observed_generation, 2);
    assert_true(pod->ready_since == moment("2026-11-21T11:39:19Z"));
    assert_true(pod->unready_since == 0);
    assert_true(pod->containers_ready);
    assert_false(pod->finished);
    assert_int_equal(pod->ordinal, 1);
    assert_int_equal(pod->container_count, 2);
    assert_int_equal(pod->restarts, 1);

    const struct sl_pod_container *container = pod->containers;
    assert_true(container->init);
    assert_string_equal(container->name, "init");
    assert_string_equal(container->image, "registry.local/podinfo:v1");
    container++;
    assert_false(container->init);
    assert_string_equal(container->name, "ratings");
    assert_string_equal(container->image, "registry.local/podinfo:v3");
    assert_string_equal(
        container->container_id,
        "containerd://986f242ffab1783194384466a913f64f8333f3cf9369ceca37eded3d2db1af48");
    assert_true(container->running_since == moment("2026-11-21T11:40:00Z"));
    assert_string_equal(container->reason, "");
}

static void an_ordinary_pod_takes_less_than_a_kibibyte(void **state)
{
    (void)state;
    static const char *const names[] = {"ratings-0", "ratings-1", "ratings-2", "agent-4vshr"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        SL_AUTO(sl_record) struct sl_record *record = fixture_pod(names[i]);
        assert_in_range(record->bytes, sizeof(struct sl_pod_record) + 256, SL_KIB - 1);
    }
}

/* A pod of that name, with more metadata, spec and status. */
static struct sl_record *made_pod(const char *name, const char *metadata, const char *spec,
                                  const char *status)
{
    SL_AUTO(sl_buf) struct sl_buf json = SL_BUF_INIT(SL_MIB);
    sl_buf_addf(&json,
                "{\"metadata\":{\"name\":\"%s\",\"uid\":\"u\"%s},\"spec\":{%s},\"status\":{%s}}",
                name, metadata, spec, status);
    return decoded(sl_pod_record_decode, sl_buf_str(&json));
}

static void the_marks_of_a_pod_are_read(void **state)
{
    (void)state;
    SL_AUTO(sl_record)
    struct sl_record *record = made_pod(
        "web-5d8-x7z2p",
        ",\"deletionTimestamp\":\"2026-11-21T12:00:00Z\","
        "\"labels\":{\"pod-template-hash\":\"5d8\",\"sluice.dev/batch\":\"2\"},"
        "\"annotations\":{\"sluice.dev/upgrade\":\"{\\\"run\\\":\\\"r\\\"}\"},"
        "\"ownerReferences\":[{\"uid\":\"a\"},{\"uid\":\"b\",\"controller\":true}]",
        "",
        "\"phase\":\"Failed\",\"conditions\":["
        "{\"type\":\"sluice.dev/traffic-ready\",\"status\":\"True\",\"reason\":\"InService\"}]");
    const struct sl_pod_record *pod = sl_pod_of(record);
    assert_true(record->deleted == moment("2026-11-21T12:00:00Z"));
    assert_string_equal(record->owner_uid, "b");
    assert_string_equal(pod->template_hash, "5d8");
    assert_string_equal(pod->batch, "2");
    assert_string_equal(pod->upgrade, "{\"run\":\"r\"}");
    assert_string_equal(pod->traffic, "InService");
    assert_true(pod->finished);
    assert_int_equal(pod->ordinal, -1);
    assert_int_equal(pod->container_count, 0);
    assert_null(pod->containers);
}

static void a_pod_whose_grace_period_is_centuries_is_being_deleted(void **state)
{
    (void)state;
    SL_AUTO(sl_record)
    struct sl_record *record = made_pod("web-0",
                                        ",\"deletionTimestamp\":\"2343-10-07T05:46:39Z\","
                                        "\"deletionGracePeriodSeconds\":9999999999",
                                        "", "");
    const int64_t century = INT64_C(100) * 365 * 86400 * 1000000000;
    assert_true(record->deleted > century / 2);
    assert_true(sl_pod_of(record)->delete_asked > century / 2); /* no deadline that has passed */
    assert_true(record->deleted < INT64_MAX - century);         /* waits are added to it */
}

static void the_state_of_its_traffic_is_read(void **state)
{
    (void)state;
    SL_AUTO(sl_record)
    struct sl_record *record = made_pod(
        "p",
        ",\"annotations\":{\"sluice.dev/drain\":\"{\\\"op\\\":\\\"evict\\\"}\"},"
        "\"finalizers\":[\"slb.sluice.dev/edge\",\"sluice.dev/x\",7,\"slb.sluice.dev/\","
        "\"slb.sluice.dev/cloud\",\"slb.sluice.dev/a\\u0000b\"]",
        "\"hostNetwork\":true,\"readinessGates\":[{\"conditionType\":\"other\"},"
        "{\"conditionType\":\"sluice.dev/traffic-ready\"}]",
        "\"podIP\":\"fd00::7\",\"conditions\":["
        "{\"type\":\"sluice.dev/traffic-ready\",\"status\":\"True\",\"reason\":\"InService\","
        "\"message\":\"2 balancers\",\"lastTransitionTime\":\"2026-11-21T12:00:00Z\"}]");
    const struct sl_pod_record *pod = sl_pod_of(record);
    assert_string_equal(pod->drain, "{\"op\":\"evict\"}");
    assert_memory_equal(pod->balancers, "edge\0cloud\0", sizeof "edge\0cloud\0");
    assert_string_equal(pod->address, "fd00::7");
    assert_string_equal(pod->traffic, "InService");
    assert_string_equal(pod->traffic_message, "2 balancers");
    assert_true(pod->traffic_changed == moment("2026-11-21T12:00:00Z"));
    assert_true(pod->traffic_ready && pod->gate && pod->host_network);

    SL_AUTO(sl_record)
    struct sl_record *other = made_pod(
        "p", "", "\"readinessGates\":[{\"conditionType\":\"other\"}],\"hostNetwork\":\"true\"",
        "\"conditions\":[{\"type\":\"sluice.dev/traffic-ready\",\"status\":\"False\"}]");
    pod = sl_pod_of(other);
    assert_string_equal(pod->traffic, "");
    assert_string_equal(pod->traffic_message, "");
    assert_true(pod->traffic_changed == 0);
    assert_false(pod->traffic_ready || pod->gate || pod->host_network);
}

static void labels_are_kept_sorted_and_without_what_cannot_be_one(void **state)
{
    (void)state;
    char metadata[SL_KIB * 8];
    char big[SL_KIB * 5] = {0};
    memset(big, 'x', sizeof big - 1);
    (void)snprintf(metadata, sizeof metadata,
                   ",\"labels\":{\"tier\":\"front\",\"app\":\"web\",\"empty\":\"\","
                   "\"pod-template-hash\":\"5d8\",\"controller-revision-hash\":\"web-1\","
                   "\"\":\"no key\",\"\\u0001\":\"no key "
                   "either\",\"number\":7,\"nul\":\"a\\u0000b\",\"esc\\u0061ped\":\"\\u00e4\","
                   "\"big\":\"%s\"}",
                   big);
    SL_AUTO(sl_record) struct sl_record *record = made_pod("p", metadata, "", "");
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    static const struct sl_label wanted[] = {
        {SL_STR_INIT("app"), SL_STR_INIT("web")},
        {SL_STR_INIT("controller-revision-hash"), SL_STR_INIT("web-1")},
        {SL_STR_INIT("empty"), SL_STR_INIT("")},
        {SL_STR_INIT("escaped"), SL_STR_INIT("ä")},
        {SL_STR_INIT("pod-template-hash"), SL_STR_INIT("5d8")},
        {SL_STR_INIT("tier"), SL_STR_INIT("front")},
    };
    struct sl_labels labels = sl_pod_labels(sl_pod_of(record), &arena);
    assert_int_equal(labels.count, sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < labels.count; i++) {
        assert_true(sl_str_eq(labels.items[i].key, wanted[i].key));
        assert_true(sl_str_eq(labels.items[i].value, wanted[i].value));
    }
    assert_string_equal(sl_pod_of(record)->template_hash, "5d8");
    assert_string_equal(sl_pod_of(record)->revision, "web-1");
    assert_string_equal(sl_pod_of(record)->batch, "");

    SL_AUTO(sl_record) struct sl_record *bare = made_pod("p", "", "", "");
    assert_int_equal(sl_pod_labels(sl_pod_of(bare), &arena).count, 0);
}

static void a_deletion_counts_from_when_it_was_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *metadata, *asked; /* NULL: 0 */
    } rows[] = {
        {"", NULL},
        {",\"deletionGracePeriodSeconds\":30", NULL},
        {",\"deletionTimestamp\":\"2026-11-21T12:00:30Z\",\"deletionGracePeriodSeconds\":30",
         "2026-11-21T12:00:00Z"},
        {",\"deletionTimestamp\":\"2026-11-21T12:00:30Z\",\"deletionGracePeriodSeconds\":0",
         "2026-11-21T12:00:30Z"},
        {",\"deletionTimestamp\":\"2026-11-21T12:00:30Z\"", "2026-11-21T12:00:30Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_record) struct sl_record *record = made_pod("p", rows[i].metadata, "", "");
        assert_true(sl_pod_of(record)->delete_asked ==
                    (rows[i].asked == NULL ? 0 : moment(rows[i].asked)));
    }
}

#define RAN(name, how) "{\"name\":\"" name "\",\"containerID\":\"c\",\"state\":{\"" how "\":{}}}"

static void a_pod_has_stopped_when_what_ran_of_it_runs_no_more(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        bool stopped;
    } rows[] = {
        {"", false},
        {"\"containerStatuses\":[{\"name\":\"a\",\"state\":{\"waiting\":{}}}]", false},
        {"\"containerStatuses\":[" RAN("a", "running") "]", false},
        {"\"containerStatuses\":[" RAN("a", "terminated") "," RAN("b", "running") "]", false},
        {"\"containerStatuses\":[" RAN("a", "terminated") "," RAN("b", "waiting") "]", true},
        {"\"initContainerStatuses\":[" RAN("a", "terminated") "]", false},
        {"\"initContainerStatuses\":[" RAN("s", "running") "],\"containerStatuses\":[" RAN(
             "a", "terminated") "]",
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_record) struct sl_record *record = made_pod("p", "", "", rows[i].status);
        assert_int_equal(sl_pod_of(record)->stopped, rows[i].stopped);
    }
}

static void readiness_counts_from_its_last_transition(void **state)
{
    (void)state;
    const struct {
        const char *condition;
        const char *ready, *unready; /* NULL: 0 */
    } rows[] = {
        {"{\"type\":\"Ready\",\"status\":\"True\",\"lastTransitionTime\":\"2026-11-21T12:00:00Z\"}",
         "2026-11-21T12:00:00Z", NULL},
        {"{\"type\":\"Ready\",\"status\":\"False\","
         "\"lastTransitionTime\":\"2026-11-21T12:00:00Z\"}",
         NULL, "2026-11-21T12:00:00Z"},
        {"{\"type\":\"Ready\",\"status\":\"Unknown\","
         "\"lastTransitionTime\":\"2026-11-21T12:00:00Z\"}",
         NULL, "2026-11-21T12:00:00Z"},
        /* nobody said when: since it was made */
        {"{\"type\":\"Ready\",\"status\":\"True\",\"lastTransitionTime\":null}",
         "2026-11-21T11:00:00Z", NULL},
        {"{\"type\":\"Initialized\",\"status\":\"True\"}", NULL, NULL},
        {"null", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf status = SL_BUF_INIT(SL_KIB);
        sl_buf_addf(&status, "\"conditions\":[%s]", rows[i].condition);
        SL_AUTO(sl_record)
        struct sl_record *record =
            made_pod("p", ",\"creationTimestamp\":\"2026-11-21T11:00:00Z\"", "", status.data);
        const struct sl_pod_record *pod = sl_pod_of(record);
        assert_true(pod->ready_since == (rows[i].ready == NULL ? 0 : moment(rows[i].ready)));
        assert_true(pod->unready_since == (rows[i].unready == NULL ? 0 : moment(rows[i].unready)));
        assert_false(pod->containers_ready);
    }
}

static void a_container_says_why_it_does_not_run(void **state)
{
    (void)state;
    SL_AUTO(sl_record)
    struct sl_record *record = made_pod(
        "p", "",
        "\"initContainers\":[{\"name\":\"a\",\"image\":\"i\"}],"
        "\"containers\":[{\"name\":\"b\"},{\"name\":\"a\"},{\"name\":\"new\"}]",
        "\"containerStatuses\":["
        "{\"name\":\"a\",\"state\":{\"terminated\":{\"reason\":\"Error\"}},\"containerID\":\"c\"},"
        "{\"name\":\"b\",\"state\":{\"waiting\":{\"reason\":\"ImagePullBackOff\"}}},"
        "{\"name\":\"other\",\"containerID\":\"x\"}]");
    const struct sl_pod_container *containers = sl_pod_of(record)->containers;
    assert_int_equal(sl_pod_of(record)->container_count, 4);
    assert_string_equal(containers[0].image, "i");
    assert_string_equal(containers[0].container_id, ""); /* another "a", of the initContainers */
    assert_string_equal(containers[1].reason, "ImagePullBackOff");
    assert_string_equal(containers[1].container_id, "");
    assert_string_equal(containers[2].reason, "Error");
    assert_string_equal(containers[2].container_id, "c");
    assert_true(containers[2].running_since == 0);
    assert_string_equal(containers[3].name, "new");
    assert_string_equal(containers[3].reason, "");
}

static void ordinals_are_those_of_the_stateful_set_controller(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int ordinal;
    } rows[] = {
        {"web-0", 0},           {"web-10", 10},
        {"a-b-3", 3},           {"web", -1},
        {"web-", -1},           {"web-2147483647", INT32_MAX},
        {"web-2147483648", -1}, {"web-1a", -1},
        {"web-:", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_record) struct sl_record *record = made_pod(rows[i].name, "", "", "");
        assert_int_equal(sl_pod_of(record)->ordinal, rows[i].ordinal);
    }
}

static void marks_that_are_too_long_and_containers_beyond_the_cap_are_absent(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf metadata = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_buf) struct sl_buf spec = SL_BUF_INIT(SL_MIB);
    char mark[SL_POD_UPGRADE_MAX + 2] = {0};
    memset(mark, 'x', sizeof mark - 1);
    sl_buf_addf(&metadata,
                ",\"labels\":{\"sluice.dev/batch\":\"%s\"},"
                "\"annotations\":{\"sluice.dev/upgrade\":\"%s\",\"sluice.dev/drain\":\"%s\"}",
                mark + SL_POD_UPGRADE_MAX - 4096, mark + 1,
                mark + SL_POD_UPGRADE_MAX - SL_POD_DRAIN_MAX);
    sl_buf_adds(&spec, "\"containers\":[{}");
    for (int i = 0; i < 300; i++) {
        sl_buf_addf(&spec, ",{\"name\":\"c%d\"}", i);
    }
    sl_buf_adds(&spec, "]");
    SL_AUTO(sl_record) struct sl_record *record = made_pod("p", metadata.data, spec.data, "");
    const struct sl_pod_record *pod = sl_pod_of(record);
    assert_string_equal(pod->batch, "");
    assert_string_equal(pod->upgrade, mark + 1);
    assert_string_equal(pod->drain, "");
    assert_int_equal(pod->container_count, SL_POD_CONTAINERS_MAX);
    assert_string_equal(pod->containers[SL_POD_CONTAINERS_MAX - 1].name, "c248");
}

static void what_is_no_pod_is_refused(void **state)
{
    (void)state;
    refuses_what_is_no_object(sl_pod_record_decode);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_of_a_real_cluster_is_read),
        cmocka_unit_test(an_ordinary_pod_takes_less_than_a_kibibyte),
        cmocka_unit_test(the_marks_of_a_pod_are_read),
        cmocka_unit_test(a_pod_whose_grace_period_is_centuries_is_being_deleted),
        cmocka_unit_test(the_state_of_its_traffic_is_read),
        cmocka_unit_test(labels_are_kept_sorted_and_without_what_cannot_be_one),
        cmocka_unit_test(a_deletion_counts_from_when_it_was_asked_for),
        cmocka_unit_test(a_pod_has_stopped_when_what_ran_of_it_runs_no_more),
        cmocka_unit_test(readiness_counts_from_its_last_transition),
        cmocka_unit_test(a_container_says_why_it_does_not_run),
        cmocka_unit_test(ordinals_are_those_of_the_stateful_set_controller),
        cmocka_unit_test(marks_that_are_too_long_and_containers_beyond_the_cap_are_absent),
        cmocka_unit_test(what_is_no_pod_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
