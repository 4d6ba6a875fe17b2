/* The pictures of traffic, line by line, and what a change says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/rollout/traffic_view.h"
#include "rollouts.h"

#define POD(name_)                                                                                 \
    .record = {.ns = "shop",                                                                       \
               .name = (name_),                                                                    \
               .uid = (name_),                                                                     \
               .resource_version = "1",                                                            \
               .owner_uid = "",                                                                    \
               .created = AGO(400)},                                                               \
    .node = "node-1", .address = "10.1.0.7", .labels = "", .gate = true

#define UPGRADE                                                                                    \
    "{\"op\":\"upgrade\",\"id\":\"r-1\",\"since\":\"2027-01-15T07:59:48Z\","                       \
    "\"deadline\":\"2027-01-15T08:00:48Z\"}"
#define EVICTION                                                                                   \
    "{\"op\":\"evict\",\"id\":\"9ab\",\"since\":\"2027-01-15T07:58:48Z\","                         \
    "\"deadline\":\"2027-01-15T07:59:48Z\"}"

static const struct sl_pod_record pods[] = {
    {POD("web-10"), .traffic = "Draining", .traffic_message = "an upgrade takes it out",
     .traffic_changed = AGO(12), .drain = UPGRADE, .balancers = "edge\0"},
    {POD("web-0"), .traffic = "InService", .traffic_message = "", .traffic_changed = AGO(390),
     .drain = "", .balancers = "edge\0slb\0", .traffic_ready = true},
    {POD("web-2"), .traffic = "Draining", .traffic_message = "it is late", .drain = EVICTION,
     .traffic_changed = AGO(72), .balancers = "\0"},
    {POD("web-3"), .traffic = "", .traffic_message = "", .drain = "", .balancers = "\0"},
};
#define POD_COUNT (sizeof pods / sizeof pods[0])

#define STATUS                                                                                     \
    "{\"pods\":4,\"joining\":1,\"inService\":1,\"draining\":2,\"drained\":0,\"upgrading\":0,"      \
    "\"loadBalancers\":[{\"name\":\"edge\",\"healthy\":false,\"message\":\"connection refused\","  \
    "\"members\":{\"in\":2,\"out\":1,\"absent\":1,\"unknown\":0}},"                                \
    "{\"name\":\"slb\",\"healthy\":true,\"message\":\"\",\"members\":{}}],"                        \
    "\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\",\"message\":\"edge is down\"}]}"

static struct sl_load_balancer balancers[] = {
    {.name = SL_STR_INIT("edge"), .has_haproxy = true},
    {.name = SL_STR_INIT("slb"), .has_external = true},
};

static struct sl_traffic_policy_record policy_of(const char *name, const char *status)
{
    return (struct sl_traffic_policy_record){
        .record = {.ns = "shop", .name = name, .created = AGO(3000)},
        .policy = {.load_balancers = {.items = balancers, .count = 2}, .drain = {.timeout = 30}},
        .problem = "",
        .status = sl_str_from(status),
    };
}

/* Everything that can be looked at; what is looked at is for each test to say. */
struct world {
    struct sl_traffic_policy_record policies[2];
    const struct sl_record *policy_records[2];
    const struct sl_record *pod_records[POD_COUNT];
    struct sl_traffic_view view;
};

static void make(struct world *world)
{
    world->policies[0] = policy_of("web", STATUS);
    world->policies[1] = policy_of("api", NULL);
    for (size_t i = 0; i < 2; i++) {
        world->policy_records[i] = &world->policies[i].record;
    }
    for (size_t i = 0; i < POD_COUNT; i++) {
        world->pod_records[i] = &pods[i].record;
    }
    world->view = (struct sl_traffic_view){
        .policies = world->policy_records,
        .policy_count = 2,
        .pods = world->pod_records,
        .pod_count = POD_COUNT,
    };
    sl_traffic_view_sort(&world->view);
}

static void draws(const struct sl_traffic_view *view, bool wide, const char *wanted)
{
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(64 * SL_KIB);
    sl_traffic_view_write(view, &(struct sl_view_style){.now = NOW, .wide = wide}, &out);
    assert_string_equal(out.data, wanted);
}

static void policies_have_the_numbers_of_their_status(void **state)
{
    (void)state;
    struct world world;
    make(&world);
    world.view.pod_count = 0;
    draws(&world.view, false,
          "NAME   PODS   JOINING   IN-SERVICE   DRAINING   DRAINED   UPGRADING   BALANCERS       "
          "READY     AGE\n"
          "api                                                                                   "
          "Unknown   50m\n"
          "web    4      1         1            2          0         0           edge down,slb   "
          "False     50m\n");
    world.view.all = true;
    draws(&world.view, true,
          "NAMESPACE   NAME   PODS   JOINING   IN-SERVICE   DRAINING   DRAINED   UPGRADING   "
          "BALANCERS       READY     AGE   MESSAGE\n"
          "shop        api                                                                         "
          "          Unknown   50m   \n"
          "shop        web    4      1         1            2          0         0           edge "
          "down,slb   False     50m   edge is down\n");
}

static void no_policies_are_no_picture(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(64 * SL_KIB);
    const struct sl_traffic_view view = {.policy_count = 0};
    sl_traffic_view_write(&view, &(struct sl_view_style){.now = NOW}, &out);
    assert_int_equal(out.len, 0);
}

#define POLICY_HEAD                                                                                \
    "Policy:      shop/web\n"                                                                      \
    "Pods:        4: 1 New, 1 InService, 2 Draining\n"                                             \
    "Balancers:   edge: 2 in, 1 out, 1 absent; connection refused\n"                               \
    "             slb: no members\n"                                                               \
    "Ready:       False: edge is down\n"

static void a_policy_shows_its_pods(void **state)
{
    (void)state;
    struct world world;
    make(&world);
    world.view.policy = &world.policies[0];
    draws(
        &world.view, false,
        POLICY_HEAD
        "\n"
        "POD      STATE       SINCE   OP        DEADLINE   BALANCERS   MESSAGE\n"
        "web-0    InService   6m30s                        edge,slb    \n"
        "web-2    Draining    72s     evict     12s ago                it is late\n"
        "web-3    New                                                  \n"
        "web-10   Draining    12s     upgrade   in 48s     edge        an upgrade takes it out\n");
    draws(&world.view, true,
          POLICY_HEAD
          "\n"
          "POD      STATE       SINCE   OP        DEADLINE   BALANCERS   ADDRESS    NODE     "
          "MESSAGE\n"
          "web-0    InService   6m30s                        edge,slb    10.1.0.7   node-1   \n"
          "web-2    Draining    72s     evict     12s ago                10.1.0.7   node-1   "
          "it is late\n"
          "web-3    New                                                  10.1.0.7   node-1   \n"
          "web-10   Draining    12s     upgrade   in 48s     edge        10.1.0.7   node-1   "
          "an upgrade takes it out\n");
}

static void a_policy_that_nobody_has_seen_says_so(void **state)
{
    (void)state;
    struct world world;
    make(&world);
    world.policies[1].problem = "spec.selector: wrong";
    world.view.policy = &world.policies[1];
    world.view.pod_count = 0;
    draws(&world.view, false,
          "Policy:    shop/api\n"
          "Pods:      0\n"
          "Problem:   spec.selector: wrong\n"
          "Ready:     not known: no reconciler has seen the policy yet\n");
}

static void a_pod_says_what_has_it_leave(void **state)
{
    (void)state;
    struct world world;
    make(&world);
    world.view.policy = &world.policies[0];
    world.view.pod = &pods[0];
    draws(&world.view, true,
          "Pod:         shop/web-10\n"
          "Policy:      web\n"
          "State:       Draining for 12s\n"
          "Gate:        False\n"
          "Drain:       upgrade r-1, began 12s ago, deadline in 48s\n"
          "Balancers:   edge (finalizer on), slb (finalizer off)\n"
          "Message:     an upgrade takes it out\n"
          "Waits for:   edge to let go of it\n"
          "Address:     10.1.0.7\n"
          "Node:        node-1\n");
    world.view.policy = NULL;
    world.view.pod = &pods[1];
    draws(&world.view, false,
          "Pod:         shop/web-0\n"
          "Policy:      none\n"
          "State:       InService for 6m30s\n"
          "Gate:        True\n"
          "Balancers:   edge,slb\n");
}

static void a_deleted_pod_has_the_sooner_deadline(void **state)
{
    (void)state;
    struct world world;
    make(&world);
    struct sl_pod_record pod = pods[0]; /* its annotation's deadline is in 48 s */
    pod.record.deleted = NOW + 25 * SL_NS_PER_S;
    pod.delete_asked = AGO(5); /* and timeoutSeconds are 30 */
    pod.gate = false;
    world.view.policy = &world.policies[0];
    world.view.pod = &pod;
    draws(&world.view, false,
          "Pod:         shop/web-10\n"
          "Policy:      web\n"
          "State:       Draining for 12s\n"
          "Gate:        none: it was created without\n"
          "Drain:       delete r-1, began 12s ago, deadline in 25s\n"
          "Balancers:   edge (finalizer on), slb (finalizer off)\n"
          "Message:     an upgrade takes it out\n"
          "Waits for:   edge to let go of it\n");
}

static void every_state_says_what_it_waits_for(void **state)
{
    (void)state;
    static const struct {
        const char *traffic, *drain, *balancers, *wanted;
        bool containers_ready, deleted;
    } rows[] = {
        {"", "", "\0", "its containers to be ready", false, false},
        {"Joining", "", "\0", "edge to have it at weight 100", true, false},
        {"InService", "", "edge\0", "nothing", true, false},
        {"InService", "{\"op\":\"upgrade\",\"id\":\"r\"}", "edge\0", "its drain to begin", true,
         false},
        {"Draining", UPGRADE, "edge\0slb\0", "edge,slb to let go of it", true, false},
        {"Draining", UPGRADE, "\0", "whoever sends it requests to have seen that it is not ready",
         true, false},
        {"Drained", UPGRADE, "\0", "run r-1 to upgrade it", true, false},
        {"Drained", EVICTION, "\0", "the eviction to be asked for again", true, false},
        {"Drained", "{\"op\":\"delete\"}", "\0", "whoever had it drained to go on", true, false},
        {"Drained", "", "\0", "the reconciler to have it return", true, false},
        {"Drained", "", "\0", "its containers to stop", true, true},
        {"Upgrading", UPGRADE, "\0", "its containers to run as they were changed", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(64 * SL_KIB);
        SL_AUTO(sl_buf) struct sl_buf wanted = SL_BUF_INIT(64 * SL_KIB);
        struct world world;
        make(&world);
        struct sl_pod_record pod = pods[3];
        pod.traffic = rows[i].traffic;
        pod.drain = rows[i].drain;
        pod.balancers = rows[i].balancers;
        pod.containers_ready = rows[i].containers_ready;
        pod.record.deleted = rows[i].deleted ? NOW : 0;
        world.view.policy = &world.policies[0];
        world.view.pod = &pod;
        sl_traffic_view_write(&world.view, &(struct sl_view_style){.now = NOW}, &out);
        sl_buf_addf(&wanted, "Waits for:   %s\n", rows[i].wanted);
        if (strstr(out.data, wanted.data) == NULL) {
            fail_msg("%zu: %s", i, out.data);
        }
    }
}

static void texts_of_others_do_nothing_on_a_terminal(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(64 * SL_KIB);
    struct world world;
    make(&world);
    struct sl_pod_record pod = pods[0];
    pod.traffic_message = "\033[2J";
    world.view.pod = &pod;
    sl_traffic_view_write(&world.view, &(struct sl_view_style){.now = NOW}, &out);
    assert_null(strchr(out.data, '\033'));
}

static void a_change_says_what_is_another_and_what_is_gone(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf first = SL_BUF_INIT(64 * SL_KIB);
    SL_AUTO(sl_buf) struct sl_buf same = SL_BUF_INIT(64 * SL_KIB);
    SL_AUTO(sl_buf) struct sl_buf second = SL_BUF_INIT(64 * SL_KIB);
    struct sl_traffic_lines before;
    struct sl_traffic_lines after;
    struct world world;
    make(&world);
    world.view.policy = &world.policies[0]; /* others are not said */
    sl_traffic_view_lines(&world.view, &arena, &before);
    sl_traffic_view_changes(&(struct sl_traffic_lines){0}, &before, &first);
    assert_string_equal(
        first.data,
        "pod shop/web-0: InService, balancers edge,slb\n"
        "pod shop/web-10: Draining, upgrade r-1, balancers edge: an upgrade takes it out\n"
        "pod shop/web-2: Draining, evict 9ab: it is late\n"
        "pod shop/web-3: New\n"
        "trafficpolicy shop/web: pods 4, joining 1, in service 1, draining 2, drained 0, upgrading "
        "0; edge down,slb; ready False: edge is down\n");
    sl_traffic_view_changes(&before, &before, &same);
    assert_int_equal(same.len, 0);

    struct sl_pod_record joined = pods[3];
    joined.traffic = "Joining";
    const struct sl_record *left[] = {&pods[1].record, &joined.record};
    world.view.pods = left;
    world.view.pod_count = 2;
    sl_traffic_view_lines(&world.view, &arena, &after);
    sl_traffic_view_changes(&before, &after, &second);
    assert_string_equal(second.data, "pod shop/web-10: gone\n"
                                     "pod shop/web-2: gone\n"
                                     "pod shop/web-3: Joining\n");
}

static void one_pod_is_one_line(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_traffic_lines lines;
    struct world world;
    make(&world);
    world.view.pod = &pods[3];
    sl_traffic_view_lines(&world.view, &arena, &lines);
    assert_int_equal(lines.count, 1);
    assert_true(sl_str_is(lines.items[0].key, "pod shop/web-3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_have_the_numbers_of_their_status),
        cmocka_unit_test(no_policies_are_no_picture),
        cmocka_unit_test(a_policy_shows_its_pods),
        cmocka_unit_test(a_policy_that_nobody_has_seen_says_so),
        cmocka_unit_test(a_pod_says_what_has_it_leave),
        cmocka_unit_test(a_deleted_pod_has_the_sooner_deadline),
        cmocka_unit_test(every_state_says_what_it_waits_for),
        cmocka_unit_test(texts_of_others_do_nothing_on_a_terminal),
        cmocka_unit_test(a_change_says_what_is_another_and_what_is_gone),
        cmocka_unit_test(one_pod_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
