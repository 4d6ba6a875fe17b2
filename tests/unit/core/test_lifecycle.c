/* One plan of a pod's traffic: for each state, what is known of the pod and its balancer, and what
 * comes of it. Random walks are in test_lifecycle_random.c. */
#include "core/traffic/lifecycle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/names.h"

#define NOW (INT64_C(1790000000) * SL_NS_PER_S)
#define AGO(seconds) (NOW - (seconds)*SL_NS_PER_S)

#define EVICT "{\"op\":\"evict\",\"id\":\"e\",\"deadline\":\"2026-09-21T14:14:00Z\"}"
#define UNDATED "{\"op\":\"backup\",\"id\":\"e\"}"
#define BEGUN                                                                                      \
    "{\"op\":\"evict\",\"id\":\"e\",\"since\":\"2026-09-21T14:13:19Z\",\"deadline\":"              \
    "\"2026-09-21T14:14:19Z\"}"
#define LATE                                                                                       \
    "{\"op\":\"evict\",\"id\":\"e\",\"since\":\"2026-09-21T14:12:00Z\",\"deadline\":"              \
    "\"2026-09-21T14:13:00Z\"}"
#define FROM_TOMORROW                                                                              \
    "{\"op\":\"evict\",\"id\":\"e\",\"since\":\"2026-09-22T14:13:19Z\",\"deadline\":"              \
    "\"2026-09-22T14:14:19Z\"}"
#define ASKED "{\"op\":\"evict\",\"id\":\"e\",\"deadline\":\"2026-09-21T14:14:10Z\"}"
#define ASKED_LONG_AGO "{\"op\":\"evict\",\"id\":\"e\",\"deadline\":\"2026-09-21T14:13:40Z\"}"
#define FORGOTTEN                                                                                  \
    "{\"op\":\"evict\",\"id\":\"e\",\"since\":\"2026-09-21T14:10:00Z\",\"deadline\":"              \
    "\"2026-09-21T14:11:00Z\"}"
#define BEGUN_ONCE                                                                                 \
    "{\"op\":\"evict\",\"id\":\"e\",\"since\":\"2026-09-21T14:13:10Z\",\"deadline\":"              \
    "\"2026-09-21T14:14:10Z\"}"
#define UPGRADE                                                                                    \
    "{\"op\":\"upgrade\",\"id\":\"run1\",\"since\":\"2026-09-21T14:13:19Z\","                      \
    "\"deadline\":\"2026-09-21T14:14:19Z\"}"

#define ON "edge\0"
#define OFF "\0"
#define LABELLED SL_LABEL_POLICY "\0web\0"

enum what { NOTHING, STATUS, DRAIN_SET, DRAIN_UNDATED, DRAIN_OFF, FINALIZERS_ON, FINALIZERS_OFF };
static const char *const what_names[] = {"nothing",       "status",        "drain set",
                                         "drain undated", "drain removed", "finalizers on",
                                         "finalizers off"};

struct row {
    const char *name;
    const char *traffic, *drain, *balancers;
    int64_t sessions;
    enum sl_member_state member;
    int out_for;                                  /* seconds since the member went out */
    const char *budget, *upgrade, *template_hash; /* NULL: none */
    enum sl_pod_cost cost;
    bool unready, deleted, finished, stopped, gone, hold, no_policy, leaving;
    /* what comes of it */
    int weight;
    enum what writes;
    enum sl_traffic_state to;
    enum sl_drain_outcome outcome;
};

static enum what written(const struct sl_traffic_plan *plan)
{
    if (!plan->writes) {
        return NOTHING;
    }
    if (plan->write.status) {
        return STATUS;
    }
    if (plan->write.drain.p != NULL) {
        const char *text = plan->write.drain.p;
        bool dated = plan->write.drain.n > 0 && strstr(text, "\"since\"") != NULL;
        return plan->write.drain.n == 0 ? DRAIN_OFF : dated ? DRAIN_SET : DRAIN_UNDATED;
    }
    return plan->write.finalizers_on_count > 0 ? FINALIZERS_ON : FINALIZERS_OFF;
}

static void plan_row(const struct row *row, struct sl_arena *arena, struct sl_traffic_plan *plan)
{
    static struct sl_load_balancer edge = {.name = SL_STR_INIT("edge"), .has_haproxy = true};
    const struct sl_traffic_policy policy = {
        .name = SL_STR("web"),
        .readiness_gate = true,
        .drain = {.wait = 3,
                  .propagation = 2,
                  .timeout = 60,
                  .on_timeout = row->hold ? SL_HOLD : SL_PROCEED},
        .load_balancers = {.items = &edge, .count = 1},
    };
    bool ready = strcmp(row->traffic, SL_REASON_IN_SERVICE) == 0;
    const struct sl_pod_record pod = {
        .record = {.ns = "shop",
                   .name = "web-0",
                   .uid = "u",
                   .resource_version = "7",
                   .owner_uid = "",
                   .deleted = row->deleted ? NOW : 0},
        .delete_asked = row->deleted ? AGO(10) : 0,
        .traffic = row->traffic,
        .template_hash = row->template_hash == NULL ? "" : row->template_hash,
        .cost = (uint8_t)row->cost,
        .traffic_message = "",
        .traffic_changed = AGO(30),
        .traffic_ready = ready,
        .labels = row->no_policy && row->balancers[0] == '\0' ? "\0" : LABELLED,
        .drain = row->drain == NULL ? "" : row->drain,
        .upgrade = row->upgrade == NULL ? "" : row->upgrade,
        .balancers = row->balancers,
        .containers_ready = !row->unready,
        .gate = true,
        .finished = row->finished,
        .stopped = row->stopped,
    };
    const struct sl_member member = {.state = row->member,
                                     .sessions = row->sessions,
                                     .out_since = AGO(row->out_for),
                                     .trouble = "",
                                     .leaving = row->leaving};
    const struct sl_traffic_input input = {.pod = &pod,
                                           .policy = row->no_policy ? NULL : &policy,
                                           .members = &member,
                                           .budget = row->budget,
                                           .stands = !row->gone};
    sl_traffic_plan(&input, NOW, arena, plan);
}

#define JOINING .traffic = SL_REASON_JOINING
#define IN_SERVICE .traffic = SL_REASON_IN_SERVICE
#define DRAINING .traffic = SL_REASON_DRAINING
#define DRAINED .traffic = SL_REASON_DRAINED
#define UPGRADING .traffic = SL_REASON_UPGRADING
#define IS_IN .member = SL_MEMBER_IN
#define IS_OUT .member = SL_MEMBER_OUT
#define IS_UNKNOWN .member = SL_MEMBER_UNKNOWN
#define IS_ABSENT .member = SL_MEMBER_ABSENT

static const struct row rows[] = {
    {"a new pod waits for its containers", .traffic = "", .balancers = ON, IS_ABSENT,
     .unready = true, .weight = SL_WEIGHT_GONE},
    {"its containers are ready: it is registered", .traffic = "", .balancers = ON, IS_ABSENT,
     .weight = SL_WEIGHT_IN},
    {"one that the webhook has not seen gets its finalizers first", .traffic = "", .balancers = OFF,
     IS_ABSENT, .weight = SL_WEIGHT_GONE, .writes = FINALIZERS_ON},
    {"the balancer has it: it joins", .traffic = "", .balancers = ON, IS_IN, .weight = SL_WEIGHT_IN,
     .writes = STATUS, .to = SL_TRAFFIC_IN_SERVICE},
    {"one that was on its way out is not in because it still was", JOINING, .balancers = ON, IS_IN,
     .leaving = true, .weight = SL_WEIGHT_IN},
    {"a balancer that does not answer keeps it out", JOINING, .balancers = ON, IS_UNKNOWN,
     .weight = SL_WEIGHT_IN},
    {"one that is asked to leave before it joined spends no budget", JOINING, .drain = EVICT,
     .balancers = ON, IS_ABSENT, .budget = "b", .weight = SL_WEIGHT_OUT, .writes = DRAIN_SET},
    {"and leaves", JOINING, .drain = BEGUN, .balancers = ON, IS_ABSENT, .weight = SL_WEIGHT_OUT,
     .writes = STATUS, .to = SL_TRAFFIC_DRAINING, .outcome = SL_DRAIN_BEGUN},

    {"in service, nothing is written", IN_SERVICE, .balancers = ON, IS_IN, .weight = SL_WEIGHT_IN},
    {"its balancer forgot it: that is the balancer's business", IN_SERVICE, .balancers = ON,
     IS_ABSENT, .weight = SL_WEIGHT_IN},
    {"containers that are not ready get no requests", IN_SERVICE, .balancers = ON, IS_IN,
     .unready = true, .weight = SL_WEIGHT_OUT},
    {"a balancer that is new to the policy gets its finalizer", IN_SERVICE, .balancers = OFF,
     IS_ABSENT, .weight = SL_WEIGHT_IN, .writes = FINALIZERS_ON},
    {"an eviction is dated when it begins", IN_SERVICE, .drain = EVICT, .balancers = ON, IS_IN,
     .weight = SL_WEIGHT_IN, .writes = DRAIN_SET},
    {"and begins", IN_SERVICE, .drain = BEGUN, .balancers = ON, IS_IN, .weight = SL_WEIGHT_IN,
     .writes = STATUS, .to = SL_TRAFFIC_DRAINING, .outcome = SL_DRAIN_BEGUN},
    {"without room in the budget it says what it waits for", IN_SERVICE, .drain = EVICT,
     .balancers = ON, IS_IN, .budget = "b", .weight = SL_WEIGHT_IN, .writes = STATUS,
     .to = SL_TRAFFIC_IN_SERVICE},
    {"while it waits for room its deadline does not come", IN_SERVICE, .drain = ASKED_LONG_AGO,
     .balancers = ON, IS_IN, .budget = "b", .weight = SL_WEIGHT_IN, .writes = DRAIN_OFF},
    {"it is taken off when half of its time is gone", IN_SERVICE, .drain = ASKED, .balancers = ON,
     IS_IN, .budget = "b", .weight = SL_WEIGHT_IN, .writes = STATUS, .to = SL_TRAFFIC_IN_SERVICE},
    {"one whose date has not come waits for room again", IN_SERVICE, .drain = FROM_TOMORROW,
     .balancers = ON, IS_IN, .budget = "b", .weight = SL_WEIGHT_IN, .writes = STATUS,
     .to = SL_TRAFFIC_IN_SERVICE},
    {"and loses its date, since its budget counts it as begun", IN_SERVICE, .drain = FROM_TOMORROW,
     .balancers = ON, IS_IN, .weight = SL_WEIGHT_IN, .writes = DRAIN_UNDATED},
    {"as one whose date is old does", IN_SERVICE, .drain = LATE, .balancers = ON, IS_IN,
     .weight = SL_WEIGHT_IN, .writes = DRAIN_UNDATED},
    {"one whose date is old waits for room again", IN_SERVICE, .drain = LATE, .balancers = ON,
     IS_IN, .budget = "b", .weight = SL_WEIGHT_IN, .writes = DRAIN_OFF},
    {"what is asked anew of a pod that is out gets an end, too", DRAINED, .drain = UNDATED,
     .balancers = OFF, .member = SL_MEMBER_OUT, .writes = DRAIN_SET},
    {"a container that stops by itself comes back", DRAINING, .drain = BEGUN, .balancers = ON,
     IS_OUT, .sessions = 3, .stopped = true},
    {"one that was forgotten is taken off", IN_SERVICE, .drain = FORGOTTEN, .balancers = ON, IS_IN,
     .weight = SL_WEIGHT_IN, .writes = DRAIN_OFF},
    {"one whose run is gone, too", IN_SERVICE, .drain = UPGRADE, .balancers = ON, IS_IN,
     .gone = true, .weight = SL_WEIGHT_IN, .writes = DRAIN_OFF},
    {"a deletion waits for no budget", IN_SERVICE, .balancers = ON, IS_IN, .deleted = true,
     .budget = "b", .weight = SL_WEIGHT_OUT, .writes = STATUS, .to = SL_TRAFFIC_DRAINING,
     .outcome = SL_DRAIN_BEGUN},
    {"a deleted pod without finalizers is its kubelet's", IN_SERVICE, .balancers = OFF, IS_ABSENT,
     .deleted = true, .weight = SL_WEIGHT_GONE},
    {"a finished pod leaves", IN_SERVICE, .balancers = ON, IS_IN, .finished = true, .unready = true,
     .weight = SL_WEIGHT_OUT, .writes = STATUS, .to = SL_TRAFFIC_DRAINING,
     .outcome = SL_DRAIN_BEGUN},

    {"requests may still come", DRAINING, .drain = BEGUN, .balancers = ON, IS_IN,
     .weight = SL_WEIGHT_OUT},
    {"sessions are waited for", DRAINING, .drain = BEGUN, .balancers = ON, IS_OUT, .sessions = 2,
     .out_for = 20, .weight = SL_WEIGHT_OUT},
    {"sessions that nobody can tell are given waitSeconds", DRAINING, .drain = BEGUN,
     .balancers = ON, IS_OUT, .sessions = -1, .out_for = 2, .weight = SL_WEIGHT_OUT},
    {"and no more", DRAINING, .drain = BEGUN, .balancers = ON, IS_OUT, .sessions = -1, .out_for = 3,
     .weight = SL_WEIGHT_OUT, .writes = FINALIZERS_OFF},
    {"the last session ended: the finalizers first", DRAINING, .drain = BEGUN, .balancers = ON,
     IS_OUT, .weight = SL_WEIGHT_OUT, .writes = FINALIZERS_OFF},
    {"then it is drained", DRAINING, .drain = BEGUN, .balancers = OFF, IS_OUT,
     .weight = SL_WEIGHT_OUT, .writes = STATUS, .to = SL_TRAFFIC_DRAINED, .outcome = SL_DRAIN_DONE},
    {"a balancer that does not have it is not waited for", DRAINING, .drain = BEGUN,
     .balancers = OFF, IS_ABSENT, .weight = SL_WEIGHT_OUT, .writes = STATUS,
     .to = SL_TRAFFIC_DRAINED, .outcome = SL_DRAIN_DONE},
    {"one that does not answer is", DRAINING, .drain = BEGUN, .balancers = ON, IS_UNKNOWN,
     .weight = SL_WEIGHT_OUT},
    {"until the deadline", DRAINING, .drain = LATE, .balancers = OFF, IS_UNKNOWN,
     .weight = SL_WEIGHT_OUT, .writes = STATUS, .to = SL_TRAFFIC_DRAINED,
     .outcome = SL_DRAIN_OVERDUE},
    {"with Hold it is held, and says so", DRAINING, .drain = LATE, .balancers = ON, IS_OUT,
     .sessions = 1, .hold = true, .weight = SL_WEIGHT_OUT, .writes = STATUS,
     .to = SL_TRAFFIC_DRAINING},
    {"taken back: it returns", DRAINING, .balancers = ON, IS_OUT, .weight = SL_WEIGHT_OUT,
     .writes = STATUS, .to = SL_TRAFFIC_JOINING, .outcome = SL_DRAIN_CANCELLED},
    {"a deleted pod's finalizers are the last that is seen of it", DRAINING, .balancers = ON,
     IS_OUT, .deleted = true, .weight = SL_WEIGHT_OUT, .writes = FINALIZERS_OFF,
     .outcome = SL_DRAIN_DONE},
    {"containers that have stopped have no sessions", DRAINING, .balancers = ON, IS_OUT,
     .sessions = 3, .deleted = true, .stopped = true, .weight = SL_WEIGHT_OUT,
     .writes = FINALIZERS_OFF, .outcome = SL_DRAIN_DONE},

    {"while it stops, its state is not left behind", DRAINING, .balancers = OFF, IS_ABSENT,
     .deleted = true, .weight = SL_WEIGHT_GONE, .writes = STATUS, .to = SL_TRAFFIC_DRAINED},
    {"nor that of a finished pod, which stays", DRAINING, .balancers = OFF, IS_ABSENT,
     .finished = true, .unready = true, .weight = SL_WEIGHT_GONE, .writes = STATUS,
     .to = SL_TRAFFIC_DRAINED},
    {"what has stopped is gone at once", DRAINING, .balancers = OFF, IS_ABSENT, .deleted = true,
     .stopped = true, .weight = SL_WEIGHT_GONE},
    {"before that it is not said to be out", DRAINING, .balancers = OFF, IS_UNKNOWN,
     .deleted = true, .weight = SL_WEIGHT_GONE},

    {"drained, nothing is written", DRAINED, .drain = BEGUN, .balancers = OFF, IS_OUT,
     .weight = SL_WEIGHT_OUT},
    {"an eviction that does not come is forgotten", DRAINED, .drain = FORGOTTEN, .balancers = OFF,
     IS_OUT, .weight = SL_WEIGHT_OUT, .writes = DRAIN_OFF},
    {"its run is gone: the annotation goes first", DRAINED, .drain = UPGRADE, .balancers = OFF,
     IS_OUT, .gone = true, .weight = SL_WEIGHT_OUT, .writes = DRAIN_OFF},
    {"its images were changed", DRAINED, .drain = UPGRADE, .balancers = OFF, IS_OUT,
     .upgrade = "{}", .weight = SL_WEIGHT_OUT, .writes = STATUS, .to = SL_TRAFFIC_UPGRADING},
    {"deleted, it is no member any more", DRAINED, .drain = BEGUN, .balancers = OFF, IS_OUT,
     .deleted = true, .weight = SL_WEIGHT_GONE},
    {"deleted with a finalizer that came late", DRAINED, .drain = BEGUN, .balancers = ON, IS_OUT,
     .deleted = true, .weight = SL_WEIGHT_OUT, .writes = FINALIZERS_OFF},

    {"a drain that began a while ago, and was not stepped, asks the budgets anew", IN_SERVICE,
     .drain = BEGUN_ONCE, .balancers = ON, IS_IN, .weight = SL_WEIGHT_IN, .writes = DRAIN_UNDATED},
    {"what has begun a moment ago is paid for", IN_SERVICE, .drain = BEGUN, .balancers = ON, IS_IN,
     .budget = "b", .weight = SL_WEIGHT_IN, .writes = STATUS, .to = SL_TRAFFIC_DRAINING,
     .outcome = SL_DRAIN_BEGUN},
    {"what is asked anew in mid-drain gets an end", DRAINING, .drain = UNDATED, .balancers = ON,
     IS_IN, .weight = SL_WEIGHT_OUT, .writes = DRAIN_SET},
    {"an eviction that is still being drained for is not forgotten", DRAINING, .drain = FORGOTTEN,
     .balancers = ON, IS_OUT, .sessions = 1, .hold = true, .weight = SL_WEIGHT_OUT,
     .writes = STATUS, .to = SL_TRAFFIC_DRAINING},
    {"of two deadlines the sooner counts", DRAINING, .drain = LATE, .balancers = ON, IS_OUT,
     .sessions = 1, .deleted = true, .weight = SL_WEIGHT_OUT, .writes = FINALIZERS_OFF,
     .outcome = SL_DRAIN_OVERDUE},
    {"deleted before it was anywhere", JOINING, .balancers = OFF, IS_ABSENT, .deleted = true,
     .weight = SL_WEIGHT_GONE},
    {"deleted when its image was patched", DRAINED, .drain = UPGRADE, .balancers = ON, IS_OUT,
     .upgrade = "{}", .deleted = true, .weight = SL_WEIGHT_OUT, .writes = FINALIZERS_OFF},

    {"an upgrade goes on", UPGRADING, .drain = UPGRADE, .balancers = OFF, IS_OUT, .upgrade = "{}",
     .unready = true, .weight = SL_WEIGHT_OUT},
    {"and is done", UPGRADING, .balancers = OFF, IS_OUT, .weight = SL_WEIGHT_OUT, .writes = STATUS,
     .to = SL_TRAFFIC_JOINING},
    {"deleted in the middle of it", UPGRADING, .balancers = OFF, IS_OUT, .deleted = true,
     .weight = SL_WEIGHT_GONE},

    {"no policy any more: the gate first", DRAINED, .drain = BEGUN, .balancers = ON, IS_OUT,
     .no_policy = true, .weight = SL_WEIGHT_GONE, .writes = STATUS, .to = SL_TRAFFIC_IN_SERVICE},
    {"then all that is ours", IN_SERVICE, .balancers = ON, .no_policy = true,
     .weight = SL_WEIGHT_GONE, .writes = FINALIZERS_OFF},
    {"then nothing", IN_SERVICE, .balancers = OFF, .no_policy = true, .weight = SL_WEIGHT_GONE},
    {"a deleted pod gets no gate, but loses its finalizers", DRAINING, .balancers = ON,
     .no_policy = true, .deleted = true, .weight = SL_WEIGHT_GONE, .writes = FINALIZERS_OFF},
};

static void each_state_goes_on_by_what_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_traffic_plan plan;
        plan_row(&rows[i], &arena, &plan);
        enum what writes = written(&plan);
        if (plan.weights[0] != rows[i].weight || writes != rows[i].writes ||
            (writes == STATUS && plan.write.state != rows[i].to) ||
            plan.outcome != rows[i].outcome) {
            fail_msg("%s: weight %d, writes %s, to %s, outcome %s", rows[i].name, plan.weights[0],
                     what_names[writes], sl_traffic_state_names[plan.write.state],
                     sl_drain_outcome_names[plan.outcome]);
        }
        if (writes == STATUS) {
            assert_int_equal(plan.write.gate, rows[i].to == SL_TRAFFIC_IN_SERVICE);
        }
    }
}

static void a_held_drain_says_what_it_waits_for(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_traffic_plan plan;
    plan_row(&(struct row){DRAINING, .drain = LATE, .balancers = ON, IS_OUT, .sessions = 1,
                           .hold = true},
             &arena, &plan);
    assert_true(plan.overdue && plan.event_warns);
    assert_string_equal(plan.event, "DrainHeld");
    assert_non_null(strstr(plan.note, "load balancer edge has 1 sessions left"));
    assert_non_null(strstr(plan.write.message, "onTimeout is Hold"));
}

static void an_overdue_drain_counts_what_it_cuts(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_traffic_plan plan;
    plan_row(&(struct row){DRAINING, .drain = LATE, .balancers = OFF, IS_OUT, .sessions = 4},
             &arena, &plan);
    assert_int_equal(plan.sessions_cut, 4);
    assert_true(plan.drained_in == 80 * SL_NS_PER_S);
    assert_true(plan.event_warns);
    assert_non_null(strstr(plan.note, "has 4 sessions left"));
}

static void a_drain_without_balancers_is_a_matter_of_time(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const struct sl_traffic_policy policy = {.name = SL_STR("web"),
                                             .drain = {.wait = 3, .propagation = 2, .timeout = 60}};
    struct sl_pod_record pod = {
        .record =
            {.ns = "shop", .name = "web-0", .uid = "u", .resource_version = "7", .owner_uid = ""},
        .traffic = SL_REASON_DRAINING,
        .traffic_message = "",
        .traffic_changed = AGO(5),
        .labels = LABELLED,
        .drain = BEGUN,
        .upgrade = "",
        .balancers = OFF,
        .gate = true,
    };
    struct sl_traffic_input input = {.pod = &pod, .policy = &policy, .stands = true};
    struct sl_traffic_plan plan;
    sl_traffic_plan(&input, NOW, &arena, &plan); /* the stored time is cut to the second */
    assert_false(plan.writes);
    assert_true(plan.again == NOW + SL_NS_PER_S);
    input.gate_off_since = AGO(5);
    sl_traffic_plan(&input, NOW, &arena, &plan);
    assert_int_equal(plan.write.state, SL_TRAFFIC_DRAINED);
    input.gate_off_since = AGO(1);
    pod.unready_since = AGO(30); /* of its kubelet, which saw the gate True after that, perhaps */
    pod.containers_ready = true;
    sl_traffic_plan(&input, NOW, &arena, &plan);
    assert_false(plan.writes);
    pod.containers_ready = false; /* nobody has sent it anything for long */
    sl_traffic_plan(&input, NOW, &arena, &plan);
    assert_int_equal(plan.write.state, SL_TRAFFIC_DRAINED);
    pod.traffic_ready = true; /* somebody set its gate True in the middle of its drain */
    sl_traffic_plan(&input, NOW, &arena, &plan);
    assert_true(plan.write.status && !plan.write.gate);
    assert_int_equal(plan.write.state, SL_TRAFFIC_DRAINING);
    pod.traffic_ready = false;
    pod.gate = false; /* created before Sluice: nobody goes by it */
    input.gate_off_since = NOW;
    sl_traffic_plan(&input, NOW, &arena, &plan);
    assert_int_equal(plan.write.state, SL_TRAFFIC_DRAINED);
}

static void a_write_is_one_strategic_merge_patch(void **state)
{
    (void)state;
    static const char *const on[] = {"a", "b"};
    static const char *const off[] = {"c"};
    const struct sl_pod_record pod = {.record = {.uid = "u", .resource_version = "7"},
                                      .traffic_changed = AGO(30),
                                      .traffic_ready = true};
    static const struct {
        struct sl_traffic_write write;
        const char *body;
    } cases[] = {
        {{.status = true, .state = SL_TRAFFIC_DRAINING, .message = "\"so\""},
         "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"7\"},\"status\":{\"conditions\":[{"
         "\"type\":\"sluice.dev/traffic-ready\",\"status\":\"False\",\"reason\":\"Draining\","
         "\"message\":\"\\\"so\\\"\",\"lastTransitionTime\":\"2026-09-21T14:13:20Z\"}]}}"},
        {{.status = true, .gate = true, .state = SL_TRAFFIC_IN_SERVICE, .message = ""},
         "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"7\"},\"status\":{\"conditions\":[{"
         "\"type\":\"sluice.dev/traffic-ready\",\"status\":\"True\",\"reason\":\"InService\","
         "\"message\":\"\",\"lastTransitionTime\":\"2026-09-21T14:12:50Z\"}]}}"},
        {{.policy = "web",
          .finalizers_on = on,
          .finalizers_on_count = 2,
          .finalizers_off = off,
          .finalizers_off_count = 1},
         "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"7\",\"labels\":{"
         "\"sluice.dev/traffic-policy\":\"web\"},\"finalizers\":[\"slb.sluice.dev/a\","
         "\"slb.sluice.dev/b\"],\"$deleteFromPrimitiveList/finalizers\":[\"slb.sluice.dev/c\"]}}"},
        {{.policy = "", .drain = SL_STR_INIT("")},
         "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"7\",\"labels\":{"
         "\"sluice.dev/traffic-policy\":null},\"annotations\":{\"sluice.dev/drain\":null}}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(4 * SL_KIB);
        sl_traffic_write_body(&pod, &cases[i].write, NOW, &body);
        assert_string_equal(body.data, cases[i].body);
    }
}

/* A ReplicaSet takes pods that are not Ready first, and does not tell which of them has left. */
static void a_replica_set_is_told_which_pod_has_left_for_a_rollout(void **state)
{
    (void)state;
    static const struct {
        const char *traffic, *drain, *balancers, *hash;
        enum sl_pod_cost cost;
        const char *body; /* of its annotations; NULL: no metadata is written */
    } cases[] = {
        {SL_REASON_DRAINING, UPGRADE, ON, "h", SL_COST_NONE, "\"-2147483647\""},
        {SL_REASON_DRAINING, UPGRADE, OFF, "h", SL_COST_NONE, "\"-2147483647\""},
        {SL_REASON_DRAINING, UPGRADE, OFF, "h", SL_COST_OURS, NULL},
        {SL_REASON_DRAINING, UPGRADE, OFF, "h", SL_COST_THEIRS, NULL},
        {SL_REASON_DRAINING, UPGRADE, OFF, "", SL_COST_NONE, NULL}, /* no ReplicaSet's */
        {SL_REASON_DRAINING, BEGUN, OFF, "h", SL_COST_NONE, NULL},  /* an eviction names its pod */
        {SL_REASON_JOINING, "", OFF, "h", SL_COST_OURS, "null"},
        {SL_REASON_IN_SERVICE, "", ON, "h", SL_COST_OURS, "null"},
        {SL_REASON_IN_SERVICE, "", ON, "h", SL_COST_THEIRS, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(4 * SL_KIB);
        struct row row = {.traffic = cases[i].traffic,
                          .drain = cases[i].drain,
                          .balancers = cases[i].balancers,
                          .template_hash = cases[i].hash,
                          .cost = cases[i].cost,
                          .member = strcmp(cases[i].traffic, SL_REASON_DRAINING) == 0
                                        ? SL_MEMBER_OUT
                                        : SL_MEMBER_IN};
        struct sl_traffic_plan plan;
        const struct sl_pod_record pod = {.record = {.uid = "u", .resource_version = "7"}};
        plan_row(&row, &arena, &plan);
        if (cases[i].body == NULL) {
            assert_int_equal(plan.write.cost, SL_COST_AS_IS);
            continue;
        }
        assert_true(plan.writes && !plan.write.status);
        sl_traffic_write_body(&pod, &plan.write, NOW, &body);
        const char *written_cost = strstr(body.data, "{\"" SL_ANNOTATION_COST "\":");
        assert_non_null(written_cost);
        assert_non_null(strstr(written_cost, cases[i].body));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_goes_on_by_what_is_known),
        cmocka_unit_test(a_held_drain_says_what_it_waits_for),
        cmocka_unit_test(an_overdue_drain_counts_what_it_cuts),
        cmocka_unit_test(a_drain_without_balancers_is_a_matter_of_time),
        cmocka_unit_test(a_replica_set_is_told_which_pod_has_left_for_a_rollout),
        cmocka_unit_test(a_write_is_one_strategic_merge_patch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
