/* The picture of a Rollout, line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/rollout/view.h"
#include "rollouts.h"

static struct sl_pod_container waiting = {
    .name = "app", .image = "web:2", .container_id = "", .reason = "ImagePullBackOff"};

#define POD(name_, owner_)                                                                         \
    .record = {.ns = "shop",                                                                       \
               .name = (name_),                                                                    \
               .uid = (name_),                                                                     \
               .resource_version = "1",                                                            \
               .owner_uid = (owner_),                                                              \
               .created = AGO(400)},                                                               \
    .node = "node-1", .template_hash = "", .batch = "", .labels = "", .address = "",               \
    .traffic_message = "", .drain = "", .balancers = ""

#define UPGRADE "{\"run\":\"r1\",\"since\":\"2027-01-15T07:59:35Z\"}"

static const struct sl_pod_record pods[] = {
    {POD("web-1", "w-1"), .upgrade = "", .traffic = "", .revision = "web-old",
     .ready_since = AGO(300), .containers_ready = true},
    {POD("web-10", "w-1"), .upgrade = "", .traffic = "", .revision = "web-new",
     .unready_since = AGO(60), .restarts = 4, .container_count = 1, .containers = &waiting},
    {POD("web-8", "w-1"), .upgrade = UPGRADE, .traffic = "Draining", .revision = "web-new",
     .unready_since = AGO(20)},
    {POD("web-9", "w-1"), .upgrade = "", .traffic = "", .revision = "web-new",
     .ready_since = AGO(90), .containers_ready = true},
    {POD("other-0", "w-2"), .upgrade = "", .traffic = "", .revision = "web-new",
     .ready_since = AGO(90)},
    {POD("bare", ""), .upgrade = "", .traffic = "", .revision = "", .ready_since = AGO(90)},
};
#define POD_COUNT (sizeof pods / sizeof pods[0])

static void draw(const struct sl_rollout_record *rollout, const char *uid,
                 const struct sl_view_style *style, struct sl_buf *out)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const struct sl_record *records[POD_COUNT];
    for (size_t i = 0; i < POD_COUNT; i++) {
        records[i] = &pods[i].record;
    }
    const struct sl_view_input input = {
        .rollout = rollout, .workload_uid = uid, .pods = records, .pod_count = POD_COUNT};
    struct sl_view view;
    sl_view_make(&input, &arena, &view);
    sl_view_write(&view, style, out);
}

#define HEAD                                                                                       \
    "Rollout:    shop/web\n"                                                                       \
    "Workload:   StatefulSet/web: 3 of 10 pods updated, 2 of them ready\n"                         \
    "Phase:      Progressing\n"                                                                    \
    "Run:        r1, began 2m10s ago: web-old -> web-new\n"                                        \
    "Message:    batch 2 of 3: waits for web-7\n"                                                  \
    "Progress:   nothing moved for 40s\n"
#define BATCHES                                                                                    \
    "\n"                                                                                           \
    "BATCH   PODS                     UPDATED   READY   TIME\n"                                    \
    "1       [####################]   1/1       1/1     took 25s\n"                                \
    "2       [#####+++++..........]   2/4       1/4     since 100s\n"                              \
    "3       [....................]   0/5       0/5     \n"

static void a_run_under_way(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(64 * SL_KIB);
    struct sl_batch_status batches[3];
    struct sl_rollout_record rollout = rollout_under_way(batches);
    draw(&rollout, "w-1", &(struct sl_view_style){.now = NOW}, &out);
    assert_string_equal(
        sl_buf_str(&out).p, HEAD BATCHES
        "\n"
        "POD      REVISION        READY   RESTARTS   AGE     STATE\n"
        "web-8    web-new (new)   false   0          6m40s   Upgrading for 25s: Draining\n"
        "web-9    web-new (new)   true    0          6m40s   Ready\n"
        "web-10   web-new (new)   false   4          6m40s   ImagePullBackOff for 60s\n"
        "web-1    web-old         true    0          6m40s   Ready\n");
}

static void a_wide_picture_has_nodes(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(64 * SL_KIB);
    struct sl_batch_status batches[3];
    struct sl_rollout_record rollout = rollout_under_way(batches);
    draw(&rollout, "w-1", &(struct sl_view_style){.now = NOW, .wide = true}, &out);
    assert_non_null(
        strstr(sl_buf_str(&out).p,
               "POD      REVISION        READY   RESTARTS   AGE     BATCH   NODE     STATE\n"
               "web-8    web-new (new)   false   0          6m40s           node-1   Upgrading"));
}

static void a_picture_without_a_workload_says_so(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(64 * SL_KIB);
    struct sl_rollout_record rollout = {
        .record = {.ns = "shop", .name = "web"},
        .spec = {.workload = {.kind = SL_STR("DaemonSet"), .name = SL_STR("web")}, .paused = true},
        .problem = "",
    };
    draw(&rollout, NULL, &(struct sl_view_style){.now = NOW}, &out);
    assert_string_equal(sl_buf_str(&out).p, "Rollout:    shop/web\n"
                                            "Workload:   DaemonSet/web: not there\n"
                                            "Phase:      Unknown (spec.paused is set)\n"
                                            "Run:        none yet\n");
}

static void colours_change_nothing_but_colours(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf plain = SL_BUF_INIT(64 * SL_KIB);
    SL_AUTO(sl_buf) struct sl_buf painted = SL_BUF_INIT(64 * SL_KIB);
    SL_AUTO(sl_buf) struct sl_buf stripped = SL_BUF_INIT(64 * SL_KIB);
    struct sl_batch_status batches[3];
    struct sl_rollout_record rollout = rollout_under_way(batches);
    draw(&rollout, "w-1", &(struct sl_view_style){.now = NOW}, &plain);
    draw(&rollout, "w-1", &(struct sl_view_style){.now = NOW, .colour = true}, &painted);
    bool in_sequence = false;
    for (size_t i = 0; i < painted.len; i++) {
        in_sequence = in_sequence || painted.data[i] == '\033';
        if (!in_sequence) {
            sl_buf_addc(&stripped, painted.data[i]);
        }
        in_sequence = in_sequence && painted.data[i] != 'm';
    }
    assert_true(painted.len > plain.len);
    assert_string_equal(sl_buf_str(&stripped).p, sl_buf_str(&plain).p);
}

static void pods_of_a_deployment_are_told_by_the_template_of_their_replica_set(void **state)
{
    (void)state;
    static const struct sl_revision_record sets[] = {
        {.record = {.name = "web-a", .uid = "rs-a", .owner_uid = "w-1"}, .template_id = "t-old"},
        {.record = {.name = "web-b", .uid = "rs-b", .owner_uid = "w-1"}, .template_id = "t-new"},
        {.record = {.name = "api-c", .uid = "rs-c", .owner_uid = "w-2"}, .template_id = "t-new"},
    };
    static const struct sl_pod_record own[] = {
        {.record = {.name = "web-a-x", .owner_uid = "rs-a"}, .revision = "", .template_hash = "a"},
        {.record = {.name = "web-b-x", .owner_uid = "rs-b"}, .revision = "", .template_hash = "b"},
        {.record = {.name = "api-c-x", .owner_uid = "rs-c"}, .revision = "", .template_hash = "c"},
    };
    const struct sl_record *set_records[] = {&sets[0].record, &sets[1].record, &sets[2].record};
    const struct sl_record *pod_records[] = {&own[0].record, &own[1].record, &own[2].record};
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_batch_status batches[3];
    struct sl_rollout_record rollout = rollout_under_way(batches);
    rollout.status.run.update_revision = SL_STR("t-new");
    const struct sl_view_input input = {.rollout = &rollout,
                                        .workload_uid = "w-1",
                                        .replica_sets = set_records,
                                        .replica_set_count = 3,
                                        .pods = pod_records,
                                        .pod_count = 3};
    struct sl_view view;
    sl_view_make(&input, &arena, &view);
    assert_int_equal(view.pod_count, 2);
    assert_string_equal(view.pods[0].pod->record.name, "web-b-x");
    assert_string_equal(view.pods[0].revision, "b");
    assert_true(view.pods[0].updated);
    assert_false(view.pods[1].updated);
}

static void a_line_says_where_the_run_is(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
    struct sl_batch_status batches[3];
    struct sl_rollout_record rollout = rollout_under_way(batches);
    rollout.status.message = SL_STR("two\nlines");
    sl_view_line(&rollout, &out);
    assert_string_equal(sl_buf_str(&out).p,
                        "shop/web Progressing batch 2/3 updated 3/10 ready 2: two?lines");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_under_way),
        cmocka_unit_test(a_wide_picture_has_nodes),
        cmocka_unit_test(a_picture_without_a_workload_says_so),
        cmocka_unit_test(colours_change_nothing_but_colours),
        cmocka_unit_test(pods_of_a_deployment_are_told_by_the_template_of_their_replica_set),
        cmocka_unit_test(a_line_says_where_the_run_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
