/* The traffic of pods from objects to requests: what is due when, what is sent, and what its answer
 * leads to. The planner is the real one; caches, client, Events and load balancers are the test's.
 */
#include "fake_pods.h"

#include "fake_balancers.h"

#include "run/reconciler/fleet_traffic.h"
#include "run/traffic/traffic.h"

#define MS SL_NS_PER_MS
#define S SL_NS_PER_S
#define WALL (INT64_C(1795262400) * SL_NS_PER_S) /* 2026-11-21T12:00:00Z */
#define SENT_MAX 128

/* --- the client and the events: what was given to them --- */

static struct {
    void *tag;
    char resource[32], name[32], subresource[16], body[2048];
    bool answered;
} sent[SENT_MAX];
static size_t sent_count;
static size_t queued;

uint64_t sl_client_send(struct sl_client *client, const struct sl_request *request, void *tag,
                        int64_t now)
{
    (void)client;
    (void)now;
    assert_true(sent_count < SENT_MAX);
    assert_int_equal(request->verb, SL_PATCH_OBJECT);
    sent[sent_count].tag = tag;
    sent[sent_count].answered = false;
    (void)snprintf(sent[sent_count].resource, sizeof sent[0].resource, "%.*s",
                   SL_STR_FMT(request->resource.plural));
    (void)snprintf(sent[sent_count].name, sizeof sent[0].name, "%.*s", SL_STR_FMT(request->name));
    (void)snprintf(sent[sent_count].subresource, sizeof sent[0].subresource, "%.*s",
                   SL_STR_FMT(request->subresource));
    (void)snprintf(sent[sent_count].body, sizeof sent[0].body, "%.*s", SL_STR_FMT(request->body));
    return ++sent_count;
}

void sl_client_cancel(struct sl_client *client, uint64_t id)
{
    (void)client;
    sent[id - 1].answered = true;
}

void sl_client_stats(const struct sl_client *client, struct sl_client_stats *ret_stats)
{
    (void)client;
    *ret_stats = (struct sl_client_stats){.queued = queued};
}

static char emitted[512]; /* "TrafficJoined/web-0 …" */

void sl_events_emit(struct sl_events *events, const struct sl_event *event, int64_t now,
                    int64_t wall)
{
    (void)events;
    (void)now;
    (void)wall;
    size_t used = strlen(emitted);
    (void)snprintf(emitted + used, sizeof emitted - used, "%s/%s%s ", event->reason, event->name,
                   event->warning ? "!" : "");
}

/* --- the fixture --- */

#define POLICY_OF(generation, name, app, more)                                                     \
    "{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"TrafficPolicy\",\"metadata\":{"            \
    "\"namespace\":\"shop\",\"name\":\"" name "\",\"uid\":\"t-" name                               \
    "\",\"generation\":" generation ",\"resourceVersion\":\"" generation                           \
    "\"},\"spec\":{\"selector\":{\"matchLabels\":"                                                 \
    "{\"app\":\"" app "\"}},\"drain\":{\"waitSeconds\":3,\"propagationSeconds\":2,"                \
    "\"timeoutSeconds\":60}" more "}}"
#define GATE_ONLY POLICY_OF("1", "web", "web", "")
#define EDGE                                                                                       \
    ",\"loadBalancers\":[{\"name\":\"edge\",\"haproxy\":{\"address\":\"tcp://10.0.0.2:9999\","     \
    "\"backend\":\"web\",\"port\":8080}}]"
#define BEHIND_EDGE POLICY_OF("1", "web", "web", EDGE)
#define BUDGET(allowed, desired)                                                                   \
    "{\"metadata\":{\"namespace\":\"shop\",\"name\":\"few\",\"uid\":\"b\",\"generation\":1,"       \
    "\"resourceVersion\":\"1\"},\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"web\"}}},"      \
    "\"status\":{\"observedGeneration\":1,\"disruptionsAllowed\":" allowed                         \
    ",\"desiredHealthy\":" desired "}}"
#define ROLLOUT(version, run)                                                                      \
    "{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"Rollout\",\"metadata\":{\"namespace\":"    \
    "\"shop\",\"name\":\"web\",\"uid\":\"r\",\"resourceVersion\":\"" version                       \
    "\"},\"spec\":{\"workloadRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\",\"name\":" \
    "\"web\"},\"rolloutPlan\":{\"batchSize\":1}},\"status\":{\"rollingState\":"                    \
    "\"RollingInBatches\",\"batchRollingState\":\"BatchInRolling\",\"currentBatch\":0,"            \
    "\"run\":{\"id\":\"" run "\"},\"batches\":[{\"target\":1}]}}"

struct fixture {
    struct sl_fleet *fleet;
    struct sl_writes *writes;
    struct sl_traffic *traffic; /* NULL: does not lead */
    struct sl_reconciler_numbers numbers;
    int64_t now; /* since WALL, and of the other clock */
};

static void lead(struct fixture *fixture)
{
    const struct sl_traffic_options options = {
        .fleet = fixture->fleet, .writes = fixture->writes, .numbers = &fixture->numbers};
    fixture->traffic = sl_traffic_open(&options);
}

/* As a kill -9 and a new process that finds the same objects: what is remembered is lost. */
static void restart(struct fixture *fixture)
{
    sl_writes_close(sl_steal(&fixture->writes));
    sl_traffic_close(sl_steal(&fixture->traffic));
    fixture->writes = sl_writes_open(NULL, fixture->fleet, 30 * S);
    lead(fixture);
}

static int setup(void **state)
{
    static const struct sl_workload_kinds no_kinds = {.count = 0};
    const struct sl_fleet_options fleet = {.workloads = &no_kinds, .own_ns = SL_STR("sluice")};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    memset(&fake_balancers, 0, sizeof fake_balancers);
    fake_pod_count = sent_count = queued = 0;
    emitted[0] = '\0';
    fixture->now = S;
    fixture->fleet = sl_fleet_open(&fleet);
    fixture->writes = sl_writes_open(NULL, fixture->fleet, 30 * S);
    lead(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sl_writes_close(fixture->writes);
    sl_traffic_close(fixture->traffic);
    sl_fleet_close(fixture->fleet);
    free(fixture);
    return 0;
}

static void turn(struct fixture *fixture)
{
    sl_traffic_turn(fixture->traffic, true, fixture->now, WALL + fixture->now);
}

static void answer_with(struct fixture *fixture, size_t index, enum sl_err_kind kind,
                        const char *reason)
{
    struct sl_reply reply = {
        .tag = sent[index].tag, .reason = sl_str_from(reason), .body = SL_BUF_INIT(16 * SL_KIB)};
    sent[index].answered = true;
    if (kind != SL_ERR_NONE) {
        (void)sl_err_set(&reply.err, kind, "no");
    } else if (strcmp(sent[index].resource, "pods") == 0) {
        struct fake_pod *pod = fake_pod(sent[index].name);
        fake_pod_patch(pod, sl_str_from(sent[index].body));
        fake_pod_json(pod, &reply.body);
    } else {
        sl_buf_adds(&reply.body, BEHIND_EDGE);
    }
    sl_writes_reply(&reply, fixture->now, WALL + fixture->now);
    sl_buf_cleanup(&reply.body);
}

static void answer(struct fixture *fixture, size_t index)
{
    answer_with(fixture, index, SL_ERR_NONE, "");
}

/* How many writes of pods are under way; *ret_last is one of them. */
static size_t pod_writes(size_t *ret_last)
{
    size_t count = 0;
    for (size_t i = 0; i < sent_count; i++) {
        if (!sent[i].answered && strcmp(sent[i].resource, "pods") == 0) {
            count++;
            *ret_last = i;
        }
    }
    return count;
}

/* Turns and answers until nothing is sent any more. */
static void settle(struct fixture *fixture)
{
    size_t last = 0;
    turn(fixture);
    for (int rounds = 0; pod_writes(&last) > 0; rounds++) {
        assert_true(rounds < 100);
        answer(fixture, last);
        turn(fixture);
    }
}

static void settle_at(struct fixture *fixture, int64_t now)
{
    fixture->now = now;
    settle(fixture);
}

static void assert_state(const char *name, const char *reason, bool gate)
{
    assert_string_equal(fake_pod(name)->reason, reason);
    assert_int_equal(fake_pod(name)->gate, gate);
}

static void ask(const char *name, const char *drain)
{
    struct fake_pod *pod = fake_pod(name);
    (void)snprintf(pod->drain, sizeof pod->drain, "%s", drain);
    fake_pod_put(pod);
}
#define ANYBODY "{\"op\":\"other\",\"id\":\"x\"}"

/* --- which pods there are --- */

static void pods_without_a_policy_or_a_mark_cost_nothing(void **state)
{
    struct fixture *fixture = *state;
    fake_pod_put(fake_pod("web-0"));
    turn(fixture);
    assert_int_equal(sl_traffic_due(fixture->traffic, true), INT64_MAX);
    fake_put("trafficpolicies", POLICY_OF("1", "api", "api", ""));
    settle(fixture); /* it is looked at once, and then no more */
    assert_int_equal(sl_traffic_due(fixture->traffic, true), INT64_MAX);
    sl_traffic_sample(fixture->traffic, &fixture->numbers);
    assert_int_equal(fixture->numbers.traffic_pods[SL_TRAFFIC_JOINING], 0);
    assert_string_equal(fake_pod("web-0")->reason, "");
}

/* Not even those that are marked. */
static void some_pods_never_serve_whatever_matches_them(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name, *ns, *annotations, *spec;
    } cases[] = {
        {"host", "shop", "", ",\"hostNetwork\":true"},
        {"mirror", "shop", "\"kubernetes.io/config.mirror\":\"x\"", ""},
        {"system", "kube-system", "", ""},
        {"own", "sluice", "", ""},
    };
    size_t none = 0;
    fake_put("trafficpolicies", GATE_ONLY);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_pod *pod = fake_pod(cases[i].name);
        (void)snprintf(pod->ns, sizeof pod->ns, "%s", cases[i].ns);
        pod->finalizer = true;
        pod->annotations = cases[i].annotations;
        pod->more_spec = cases[i].spec;
        fake_pod_put(pod);
    }
    turn(fixture);
    assert_int_equal(pod_writes(&none), 0);
    assert_int_equal(sl_traffic_due(fixture->traffic, true), INT64_MAX);
}

static void a_pod_of_a_job_never_serves(void **state)
{
    struct fixture *fixture = *state;
    struct sl_arena arena = {0};
    SL_AUTO(sl_record) struct sl_record *record = NULL;
    static const char json[] =
        "{\"metadata\":{\"namespace\":\"shop\",\"name\":\"j\",\"uid\":\"j\",\"labels\":"
        "{\"app\":\"web\",\"batch.kubernetes.io/controller-uid\":\"job\"},\"ownerReferences\":"
        "[{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"name\":\"j\",\"uid\":\"job\","
        "\"controller\":true}]},\"spec\":{}}";
    assert_int_equal(sl_pod_record_decode(sl_str_from(json), &record, NULL), 0);
    assert_false(sl_fleet_may_serve(fixture->fleet, sl_pod_of(record), &arena));
    sl_arena_cleanup(&arena);
}

static void of_several_policies_the_first_by_name_counts(void **state)
{
    struct fixture *fixture = *state;
    fake_put("trafficpolicies", GATE_ONLY);
    fake_put("trafficpolicies", POLICY_OF("1", "also", "web", ""));
    fake_pod_put(fake_pod("web-0"));
    settle(fixture);
    assert_string_equal(fake_pod("web-0")->policy, "also");
}

/* Members are a policy's: those of the old one are given up before there are new ones. */
static void a_pod_that_gets_another_policy_leaves_the_load_balancers_of_the_old_one(void **state)
{
    struct fixture *fixture = *state;
    fake_put("trafficpolicies", BEHIND_EDGE);
    fake_pod_put(fake_pod("web-0"));
    settle(fixture);
    assert_int_equal(fake_member("uid-web-0")->forgets, 0);
    fake_put("trafficpolicies", POLICY_OF("1", "also", "web", EDGE));
    settle(fixture);
    assert_int_equal(fake_member("uid-web-0")->forgets, 1);
    assert_int_equal(fake_member("uid-web-0")->weight, SL_WEIGHT_IN);
    assert_string_equal(fake_pod("web-0")->policy, "also");
}

/* --- joining --- */

static void a_pod_joins_when_its_containers_are_ready(void **state)
{
    struct fixture *fixture = *state;
    struct fake_pod *pod = fake_pod("web-0");
    fake_put("trafficpolicies", GATE_ONLY);
    pod->unready = true;
    fake_pod_put(pod);
    settle(fixture);
    assert_string_equal(pod->reason, "");
    pod->unready = false;
    fake_pod_put(pod);
    settle(fixture);
    assert_state("web-0", "InService", true);
    assert_string_equal(pod->policy, "web");
    assert_string_equal(emitted, "TrafficJoined/web-0 ");
    size_t before = sent_count;
    settle(fixture);
    assert_int_equal(sent_count, before); /* nothing that changes nothing */
}

static void it_joins_when_its_load_balancer_has_it(void **state)
{
    struct fixture *fixture = *state;
    fake_put("trafficpolicies", BEHIND_EDGE);
    fake_pod_put(fake_pod("web-0"));
    turn(fixture);
    assert_int_equal(fake_member("uid-web-0")->weight, SL_WEIGHT_GONE); /* its latch comes first */
    settle(fixture);
    assert_true(fake_pod("web-0")->finalizer);
    assert_int_equal(fake_member("uid-web-0")->weight, SL_WEIGHT_IN);
    assert_string_equal(fake_pod("web-0")->reason, "");
    fake_says("uid-web-0", SL_MEMBER_IN, 0);
    settle(fixture);
    assert_state("web-0", "InService", true);
}

/* --- draining --- */

static void in_service(struct fixture *fixture, const char *policy, size_t pods)
{
    char name[32];
    char uid[40];
    fake_put("trafficpolicies", policy);
    for (size_t i = 0; i < pods; i++) {
        (void)snprintf(name, sizeof name, "web-%zu", i);
        (void)snprintf(uid, sizeof uid, "uid-%s", name);
        fake_pod_put(fake_pod(name));
        fake_says(uid, SL_MEMBER_IN, 0);
    }
    settle(fixture);
    for (size_t i = 0; i < pods; i++) {
        assert_state(fake_pods[i].name, "InService", true);
    }
    emitted[0] = '\0';
}

static void a_drain_ends_when_the_gate_has_propagated_and_no_session_is_left(void **state)
{
    struct fixture *fixture = *state;
    in_service(fixture, BEHIND_EDGE, 1);
    ask("web-0", ANYBODY);
    settle_at(fixture, 10 * S);
    assert_state("web-0", "Draining", false);
    assert_non_null(strstr(fake_pod("web-0")->drain, "\"since\":\"2026-11-21T12:00:10"));
    assert_int_equal(fake_member("uid-web-0")->weight, SL_WEIGHT_OUT);
    fake_says("uid-web-0", SL_MEMBER_OUT, 2);
    settle_at(fixture, 15 * S);
    assert_state("web-0", "Draining", false);
    fake_says("uid-web-0", SL_MEMBER_OUT, 0);
    settle(fixture);
    assert_state("web-0", "Drained", false);
    assert_false(fake_pod("web-0")->finalizer);
    assert_string_equal(emitted, "TrafficDraining/web-0 TrafficDrained/web-0 ");
    assert_int_equal(fixture->numbers.drains[SL_DRAIN_OTHER][SL_DRAIN_BEGUN], 1);
    assert_int_equal(fixture->numbers.drains[SL_DRAIN_OTHER][SL_DRAIN_DONE], 1);
    assert_int_equal(fixture->numbers.drain_ns, 5 * S);
}

/* Exactly: what is stored is cut to the second, and would cost up to one more. */
static void waits_run_from_the_answer_that_set_the_gate_false(void **state)
{
    struct fixture *fixture = *state;
    size_t last = 0;
    in_service(fixture, GATE_ONLY, 1);
    ask("web-0", ANYBODY);
    fixture->now = 10 * S + 300 * MS;
    turn(fixture); /* dates it */
    assert_int_equal(pod_writes(&last), 1);
    answer(fixture, last);
    turn(fixture);
    assert_int_equal(pod_writes(&last), 1);
    assert_string_equal(sent[last].subresource, "status");
    fixture->now = 10 * S + 350 * MS;
    answer(fixture, last);
    turn(fixture);
    assert_int_equal(sl_traffic_due(fixture->traffic, true), 15 * S + 350 * MS);
    settle_at(fixture, 15 * S + 349 * MS);
    assert_state("web-0", "Draining", false);
    settle_at(fixture, 15 * S + 350 * MS);
    assert_state("web-0", "Drained", false);
}

static void who_asked_can_take_it_back(void **state)
{
    struct fixture *fixture = *state;
    in_service(fixture, GATE_ONLY, 1);
    ask("web-0", ANYBODY);
    settle_at(fixture, 10 * S);
    assert_state("web-0", "Draining", false);
    ask("web-0", "");
    settle_at(fixture, 11 * S);
    assert_state("web-0", "InService", true);
    assert_int_equal(fixture->numbers.drains[SL_DRAIN_OTHER][SL_DRAIN_CANCELLED], 1);
}

static void a_deleted_pod_leaves_at_once_and_its_latch_is_taken_off(void **state)
{
    struct fixture *fixture = *state;
    struct fake_pod *pod = fake_pod("web-0");
    in_service(fixture, BEHIND_EDGE, 1);
    pod->deleted = true;
    fake_pod_put(pod);
    settle_at(fixture, 10 * S);
    assert_int_equal(fake_member("uid-web-0")->weight, SL_WEIGHT_OUT);
    assert_true(pod->finalizer);
    fake_says("uid-web-0", SL_MEMBER_OUT, 0);
    settle_at(fixture, 20 * S);
    assert_false(pod->finalizer);
    sl_fleet_forget(fixture->fleet, SL_STR(""), SL_STR("pods"), SL_STR("shop"), SL_STR("web-0"),
                    "uid-web-0");
    settle(fixture);
    assert_true(fake_member("uid-web-0")->forgotten);
    assert_int_equal(fixture->numbers.drains[SL_DRAIN_DELETE][SL_DRAIN_DONE], 1);
}

static void a_run_that_is_gone_wants_no_pod_out(void **state)
{
    struct fixture *fixture = *state;
    fake_put("rollouts", ROLLOUT("1", "one"));
    in_service(fixture, GATE_ONLY, 1);
    ask("web-0", "{\"op\":\"upgrade\",\"id\":\"one\"}");
    settle_at(fixture, 10 * S);
    assert_state("web-0", "Draining", false);
    fake_put("rollouts", ROLLOUT("2", "one")); /* another version of the same run */
    settle(fixture);
    assert_state("web-0", "Draining", false);
    fake_put("rollouts", ROLLOUT("3", "two"));
    settle(fixture);
    assert_state("web-0", "InService", true);
    assert_string_equal(fake_pod("web-0")->drain, "");
}

/* --- budgets --- */

static size_t draining(size_t pods)
{
    size_t count = 0;
    for (size_t i = 0; i < pods; i++) {
        count += strcmp(fake_pods[i].reason, "InService") != 0;
    }
    return count;
}

static void pods_of_one_turn_do_not_spend_the_same_budget(void **state)
{
    struct fixture *fixture = *state;
    size_t last = 0;
    in_service(fixture, GATE_ONLY, 4);
    fake_put("poddisruptionbudgets", BUDGET("1", "3"));
    for (size_t i = 0; i < 4; i++) {
        ask(fake_pods[i].name, ANYBODY);
    }
    fixture->now = 10 * S;
    turn(fixture);
    unsigned dated = 0;
    for (size_t i = 0; i < sent_count; i++) {
        dated += !sent[i].answered && strstr(sent[i].body, "\\\"since\\\"") != NULL;
    }
    assert_int_equal(dated, 1);
    assert_int_equal(pod_writes(&last), 4); /* the others say what they wait for */
    settle(fixture);
    assert_int_equal(draining(4), 1);
}

static void a_pod_that_waits_goes_on_when_the_budget_has_room(void **state)
{
    struct fixture *fixture = *state;
    in_service(fixture, GATE_ONLY, 2);
    fake_put("poddisruptionbudgets", BUDGET("0", "2"));
    ask("web-0", ANYBODY);
    settle_at(fixture, 10 * S);
    assert_state("web-0", "InService", true);
    assert_non_null(strstr(fake_pod("web-0")->message, "few"));
    settle_at(fixture, 20 * S);
    fake_put("poddisruptionbudgets", BUDGET("1", "1"));
    settle(fixture);
    assert_state("web-0", "Draining", false);
    assert_non_null(strstr(fake_pod("web-0")->drain, "\"since\":\"2026-11-21T12:00:20"));
}

static void ignore(void *ctx, struct sl_write *write, const struct sl_err *err, int64_t now,
                   int64_t wall)
{
    (void)ctx;
    (void)write;
    (void)err;
    (void)now;
    (void)wall;
}

/* A Rollout asks for drains, too: what it has under way is spent. */
static void a_drain_that_a_rollout_begins_spends_the_budget(void **state)
{
    struct fixture *fixture = *state;
    static const struct sl_writer rollout = {.answered = ignore};
    struct sl_due due = SL_DUE_INIT;
    in_service(fixture, GATE_ONLY, 2);
    fake_put("poddisruptionbudgets", BUDGET("1", "1"));
    struct sl_action_call what = {.call = SL_CALL_PATCH,
                                  .group = SL_STR(""),
                                  .version = SL_STR("v1"),
                                  .resource = SL_STR("pods"),
                                  .subresource = "",
                                  .ns = SL_STR("shop"),
                                  .name = SL_STR("web-1")};
    struct sl_write *write =
        sl_write_new(fixture->writes, &rollout, NULL, &due, &what, "uid-web-1");
    write->begins = true;
    sl_write_send(write, &what, 0);
    size_t of_rollout = sent_count - 1;
    ask("web-0", ANYBODY);
    turn(fixture);
    assert_string_equal(sent[sent_count - 1].subresource, "status"); /* says that it waits */
    answer(fixture, sent_count - 1);
    answer_with(fixture, of_rollout, SL_ERR_CONFLICT, "Conflict");
    ask("web-0", ANYBODY);
    settle(fixture);
    assert_state("web-0", "Draining", false);
}

static void the_planner_of_a_rollout_is_told_of_policies_and_budgets(void **state)
{
    struct fixture *fixture = *state;
    struct sl_arena arena = {0};
    const struct sl_rollout_record rollout = {.record = {.ns = "shop"}};
    fake_pod_put(fake_pod("web-0"));
    fake_pod("other")->app = "other";
    fake_pod_put(fake_pod("other"));
    const struct sl_pod_record *const pods[] = {
        sl_fleet_pod(fixture->fleet, "shop", "other", "uid-other"),
        sl_fleet_pod(fixture->fleet, "shop", "web-0", "uid-web-0"),
    };
    struct sl_roll_input input = {.rollout = &rollout, .pods = pods, .pod_count = 2};
    assert_null(sl_fleet_roll_traffic(fixture->fleet, fixture->writes, &input, &arena));
    in_service(fixture, GATE_ONLY, 1);
    fake_put("poddisruptionbudgets", BUDGET("1", "0"));
    const struct sl_pod_record *const later[] = {
        pods[0], sl_fleet_pod(fixture->fleet, "shop", "web-0", "uid-web-0")};
    input.pods = later;
    const struct sl_roll_traffic *traffic =
        sl_fleet_roll_traffic(fixture->fleet, fixture->writes, &input, &arena);
    assert_null(traffic[0].policy);
    assert_true(sl_str_is(traffic[1].policy->name, "web"));
    assert_int_equal(traffic[1].disruptions, 1);
    assert_string_equal(traffic[1].budget, "few");
    sl_arena_cleanup(&arena);
}

static void a_rollout_touches_no_pod_whose_policy_cannot_be_read(void **state)
{
    struct fixture *fixture = *state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    size_t last = 0;
    const struct sl_rollout_record rollout = {.record = {.ns = "shop"}};
    in_service(fixture, GATE_ONLY, 1);
    fake_put("trafficpolicies",
             POLICY_OF("2", "web", "web", ",\"loadBalancers\":[{\"name\":\"x\"}]"));
    turn(fixture);
    assert_int_equal(pod_writes(&last), 0);
    const struct sl_pod_record *const pods[] = {
        sl_fleet_pod(fixture->fleet, "shop", "web-0", "uid-web-0")};
    struct sl_roll_input input = {.rollout = &rollout, .pods = pods, .pod_count = 1};
    const struct sl_roll_traffic *traffic =
        sl_fleet_roll_traffic(fixture->fleet, fixture->writes, &input, &arena);
    assert_non_null(traffic[0].policy); /* it is not touched while it is in traffic */
    assert_int_equal(traffic[0].disruptions, 0);
}

/* --- what goes wrong --- */

static void a_conflict_is_planned_again_when_the_caches_move_or_after_a_second(void **state)
{
    struct fixture *fixture = *state;
    size_t last = 0;
    fake_put("trafficpolicies", GATE_ONLY);
    fake_pod_put(fake_pod("web-0"));
    turn(fixture);
    assert_int_equal(pod_writes(&last), 1);
    answer_with(fixture, last, SL_ERR_CONFLICT, "Conflict");
    turn(fixture);
    assert_int_equal(pod_writes(&last), 0);
    assert_int_equal(sl_traffic_due(fixture->traffic, true), fixture->now + S);
    fake_pod_put(fake_pod("web-0"));
    turn(fixture);
    assert_int_equal(pod_writes(&last), 1);
    answer_with(fixture, last, SL_ERR_CONFLICT, "Conflict");
    settle_at(fixture, fixture->now + S);
    assert_state("web-0", "InService", true);
    assert_int_equal(fixture->numbers.actions[SL_ACTION_TRAFFIC][SL_RESULT_CONFLICT], 2);
}

static void what_is_refused_is_said_and_waits_longer_and_longer(void **state)
{
    struct fixture *fixture = *state;
    size_t last = 0;
    fake_put("trafficpolicies", GATE_ONLY);
    fake_pod_put(fake_pod("web-0"));
    turn(fixture);
    assert_int_equal(pod_writes(&last), 1);
    answer_with(fixture, last, SL_ERR_DENIED, "Forbidden");
    assert_string_equal(emitted, "ActionFailed/web-0! ");
    fake_pod_put(fake_pod("web-0")); /* what changes meanwhile does not hasten it */
    assert_int_equal(sl_traffic_due(fixture->traffic, true), fixture->now + S);
    fixture->now += S;
    turn(fixture);
    assert_int_equal(pod_writes(&last), 1);
    answer_with(fixture, last, SL_ERR_TRANSIENT, "");
    assert_int_equal(sl_traffic_due(fixture->traffic, true), fixture->now + 2 * S);
}

static void a_pod_that_vanished_leaves_its_load_balancers(void **state)
{
    struct fixture *fixture = *state;
    size_t last = 0;
    in_service(fixture, BEHIND_EDGE, 1);
    ask("web-0", ANYBODY);
    turn(fixture);
    assert_int_equal(pod_writes(&last), 1);
    sl_fleet_forget(fixture->fleet, SL_STR(""), SL_STR("pods"), SL_STR("shop"), SL_STR("web-0"),
                    "uid-web-0");
    turn(fixture);
    assert_false(fake_member("uid-web-0")->forgotten); /* its request is not answered yet */
    answer_with(fixture, last, SL_ERR_NOT_FOUND, "NotFound");
    turn(fixture);
    assert_true(fake_member("uid-web-0")->forgotten);
    assert_int_equal(sl_traffic_due(fixture->traffic, true), INT64_MAX);
}

static void a_policy_that_is_deleted_lets_its_pods_go(void **state)
{
    struct fixture *fixture = *state;
    in_service(fixture, BEHIND_EDGE, 2);
    ask("web-1", ANYBODY);
    settle_at(fixture, 10 * S);
    assert_state("web-1", "Draining", false);
    sl_fleet_forget(fixture->fleet, SL_STR("sluice.dev"), SL_STR("trafficpolicies"), SL_STR("shop"),
                    SL_STR("web"), "t-web");
    settle(fixture);
    assert_int_equal(fake_balancers.policies_gone, 1);
    for (size_t i = 0; i < 2; i++) {
        assert_state(fake_pods[i].name, "InService", true);
        assert_false(fake_pods[i].finalizer);
        assert_string_equal(fake_pods[i].policy, "");
        assert_string_equal(fake_pods[i].drain, "");
    }
    assert_true(fake_member("uid-web-0")->forgotten);
}

static void a_policy_that_cannot_be_read_leaves_everything_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    in_service(fixture, BEHIND_EDGE, 1);
    size_t before = sent_count;
    fake_put("trafficpolicies",
             POLICY_OF("2", "web", "web", ",\"loadBalancers\":[{\"name\":\"edge\"}]"));
    ask("web-0", ANYBODY);
    turn(fixture);
    for (size_t i = before; i < sent_count; i++) {
        assert_string_equal(sent[i].resource, "trafficpolicies"); /* its status says so */
    }
    assert_int_equal(fake_member("uid-web-0")->weight, SL_WEIGHT_IN);
    fake_put("trafficpolicies", POLICY_OF("3", "web", "web", EDGE));
    settle(fixture);
    assert_state("web-0", "Draining", false);
}

static void nothing_holds_up_a_deletion_not_even_a_policy_that_cannot_be_read(void **state)
{
    struct fixture *fixture = *state;
    struct fake_pod *pod = fake_pod("web-0");
    in_service(fixture, BEHIND_EDGE, 1);
    fake_put("trafficpolicies",
             POLICY_OF("2", "web", "web", ",\"loadBalancers\":[{\"name\":\"edge\"}]"));
    pod->deleted = true;
    fake_pod_put(pod);
    settle(fixture);
    assert_false(pod->finalizer);
    assert_true(fake_member("uid-web-0")->forgotten);
}

#define BEGUN_AT_30                                                                                \
    "{\"op\":\"other\",\"id\":\"x\",\"since\":\"2026-11-21T12:00:30Z\","                           \
    "\"deadline\":\"2026-11-21T12:01:30Z\"}"

/* The answer to the second is lost: what is remembered of the first says nothing of it. */
static void the_wait_of_one_drain_is_not_counted_from_the_one_before(void **state)
{
    struct fixture *fixture = *state;
    struct fake_pod *pod = fake_pod("web-0");
    in_service(fixture, BEHIND_EDGE, 1);
    ask("web-0", ANYBODY);
    settle_at(fixture, 10 * S);
    assert_state("web-0", "Draining", false);
    ask("web-0", "");
    fake_says("uid-web-0", SL_MEMBER_IN, 0);
    settle_at(fixture, 20 * S);
    assert_state("web-0", "InService", true);
    (void)snprintf(pod->reason, sizeof pod->reason, "Draining");
    (void)snprintf(pod->changed, sizeof pod->changed, "2026-11-21T12:00:30Z");
    pod->gate = false;
    fake_says("uid-web-0", SL_MEMBER_OUT, 0);
    ask("web-0", BEGUN_AT_30);
    settle_at(fixture, 32 * S);
    assert_state("web-0", "Draining", false);
    settle_at(fixture, 34 * S);
    assert_state("web-0", "Drained", false);
}

static void a_full_queue_is_let_run_empty_first(void **state)
{
    struct fixture *fixture = *state;
    fake_put("trafficpolicies", GATE_ONLY);
    fake_pod_put(fake_pod("web-0"));
    queued = SL_WRITES_QUEUED_MAX;
    turn(fixture);
    assert_int_equal(sent_count, 0);
    assert_false(fake_balancers.complete);
    assert_int_equal(sl_traffic_due(fixture->traffic, true), INT64_MAX); /* the client turns it */
    queued = 0;
    settle(fixture);
    assert_state("web-0", "InService", true);
    assert_true(fake_balancers.complete);
}

/* --- who leads --- */

static void nothing_is_planned_while_writes_may_not_be_made(void **state)
{
    struct fixture *fixture = *state;
    fake_put("trafficpolicies", GATE_ONLY);
    fake_pod_put(fake_pod("web-0"));
    sl_traffic_turn(fixture->traffic, false, fixture->now, WALL + fixture->now);
    assert_int_equal(sent_count, 0);
    assert_int_equal(sl_traffic_due(fixture->traffic, false), INT64_MAX);
}

static void who_leads_no_longer_drives_and_writes_nothing(void **state)
{
    struct fixture *fixture = *state;
    size_t last = 0;
    in_service(fixture, BEHIND_EDGE, 1);
    ask("web-0", ANYBODY);
    turn(fixture);
    assert_int_equal(pod_writes(&last), 1);
    sl_writes_close(sl_steal(&fixture->writes));
    sl_traffic_close(sl_steal(&fixture->traffic));
    assert_true(sent[last].answered); /* cut */
    assert_false(fake_balancers.open);
    fake_pod_put(fake_pod("web-0")); /* nobody listens */
}

/* Its policy went meanwhile. */
static void what_was_marked_when_nobody_led_is_let_go(void **state)
{
    struct fixture *fixture = *state;
    in_service(fixture, BEHIND_EDGE, 1);
    sl_writes_close(sl_steal(&fixture->writes));
    sl_traffic_close(sl_steal(&fixture->traffic));
    sl_fleet_forget(fixture->fleet, SL_STR("sluice.dev"), SL_STR("trafficpolicies"), SL_STR("shop"),
                    SL_STR("web"), "t-web");
    restart(fixture);
    settle(fixture);
    assert_false(fake_pod("web-0")->finalizer);
    assert_string_equal(fake_pod("web-0")->policy, "");
}

static void load_balancers_are_complete_when_every_pod_was_planned_once(void **state)
{
    struct fixture *fixture = *state;
    in_service(fixture, BEHIND_EDGE, 2);
    restart(fixture);
    assert_false(fake_balancers.complete);
    turn(fixture);
    assert_true(fake_balancers.complete);
    assert_int_equal(fake_balancers.policies, 1);
    assert_int_equal(fake_member("uid-web-0")->weight, SL_WEIGHT_IN);
    assert_int_equal(fake_member("uid-web-1")->weight, SL_WEIGHT_IN);
}

/* Killed before each of the requests of a drain in turn, and after each: the next process goes on
 * from the objects, and gets to the same end. */
static void a_drain_goes_on_from_the_objects_wherever_it_was_cut(void **state)
{
    struct fixture *fixture = *state;
    for (size_t cut = 0; cut < 8; cut++) {
        size_t last = 0;
        int64_t gate_off = 0;
        int64_t drained = 0;
        if (cut > 0) {
            (void)teardown(state);
            (void)setup(state);
            fixture = *state;
        }
        in_service(fixture, BEHIND_EDGE, 1);
        ask("web-0", ANYBODY);
        fixture->now = 10 * S;
        for (size_t step = 0; step < 12; step++) {
            if (step == cut) {
                restart(fixture);
            }
            turn(fixture);
            bool out = fake_member("uid-web-0")->weight == SL_WEIGHT_OUT;
            fake_says("uid-web-0", out ? SL_MEMBER_OUT : SL_MEMBER_IN, 0);
            if (pod_writes(&last) > 0 && (step + 1 != cut || cut % 2 == 0)) {
                answer(fixture, last);
            }
            const struct fake_pod *pod = fake_pod("web-0");
            gate_off = gate_off == 0 && !pod->gate ? fixture->now : gate_off;
            drained = drained == 0 && strcmp(pod->reason, "Drained") == 0 ? fixture->now : drained;
            fixture->now += S;
        }
        assert_state("web-0", "Drained", false);
        assert_false(fake_pod("web-0")->finalizer);
        assert_true(drained - gate_off >= 2 * S); /* propagationSeconds */
    }
}

/* --- what is said --- */

static void a_load_balancer_that_goes_and_comes_is_said_of_its_policy(void **state)
{
    struct fixture *fixture = *state;
    in_service(fixture, BEHIND_EDGE, 1);
    fake_balancers.health = (struct sl_balancer_health){.ns = "shop",
                                                        .policy = "web",
                                                        .name = "edge",
                                                        .kind = "haproxy",
                                                        .answers = true,
                                                        .trouble = "connection refused",
                                                        .since = WALL + 2 * S};
    settle_at(fixture, 2 * S);
    assert_string_equal(emitted, ""); /* nobody missed it */
    fake_balancers.health.answers = false;
    fake_balancers.health.since = WALL + 10 * S;
    settle_at(fixture, 11 * S);
    assert_string_equal(emitted, ""); /* it may be a restart */
    settle_at(fixture, 13 * S);
    assert_string_equal(emitted, "BalancerDown/web! ");
    fake_balancers.health.answers = true;
    fake_balancers.health.since = WALL + 15 * S;
    settle_at(fixture, 16 * S);
    settle_at(fixture, 17 * S);
    fake_balancers.options.corrected(fake_balancers.options.ctx, "shop", "web", "put web-0 back");
    assert_string_equal(emitted, "BalancerDown/web! BalancerUp/web MemberCorrected/web! ");
    sl_traffic_sample(fixture->traffic, &fixture->numbers);
    assert_int_equal(fixture->numbers.balancer_count, 1);
    assert_string_equal(fixture->numbers.balancers[0].labels,
                        "namespace=\"shop\",policy=\"web\",balancer=\"edge\"");
    assert_int_equal(fixture->numbers.traffic_pods[SL_TRAFFIC_IN_SERVICE], 1);
}

static size_t status_writes(void)
{
    size_t count = 0;
    for (size_t i = 0; i < sent_count; i++) {
        count += strcmp(sent[i].resource, "trafficpolicies") == 0;
    }
    return count;
}

static void the_status_of_a_policy_is_written_once_a_second_at_most(void **state)
{
    struct fixture *fixture = *state;
    in_service(fixture, BEHIND_EDGE, 1);
    assert_int_equal(status_writes(), 1);
    size_t first = 0;
    while (strcmp(sent[first].resource, "trafficpolicies") != 0) {
        first++;
    }
    assert_string_equal(sent[first].subresource, "status");
    answer(fixture, first);
    settle_at(fixture, fixture->now + S - 1);
    assert_int_equal(status_writes(), 1);
    settle_at(fixture, fixture->now + 1);
    assert_int_equal(status_writes(), 2);
    assert_non_null(strstr(sent[sent_count - 1].body, "\"inService\":1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pods_without_a_policy_or_a_mark_cost_nothing),
        TEST(some_pods_never_serve_whatever_matches_them),
        TEST(a_pod_of_a_job_never_serves),
        TEST(of_several_policies_the_first_by_name_counts),
        TEST(a_pod_that_gets_another_policy_leaves_the_load_balancers_of_the_old_one),
        TEST(a_pod_joins_when_its_containers_are_ready),
        TEST(it_joins_when_its_load_balancer_has_it),
        TEST(a_drain_ends_when_the_gate_has_propagated_and_no_session_is_left),
        TEST(waits_run_from_the_answer_that_set_the_gate_false),
        TEST(who_asked_can_take_it_back),
        TEST(a_deleted_pod_leaves_at_once_and_its_latch_is_taken_off),
        TEST(a_run_that_is_gone_wants_no_pod_out),
        TEST(pods_of_one_turn_do_not_spend_the_same_budget),
        TEST(a_pod_that_waits_goes_on_when_the_budget_has_room),
        TEST(a_drain_that_a_rollout_begins_spends_the_budget),
        TEST(a_rollout_touches_no_pod_whose_policy_cannot_be_read),
        TEST(the_planner_of_a_rollout_is_told_of_policies_and_budgets),
        TEST(a_conflict_is_planned_again_when_the_caches_move_or_after_a_second),
        TEST(what_is_refused_is_said_and_waits_longer_and_longer),
        TEST(a_pod_that_vanished_leaves_its_load_balancers),
        TEST(a_policy_that_is_deleted_lets_its_pods_go),
        TEST(a_policy_that_cannot_be_read_leaves_everything_as_it_is),
        TEST(nothing_holds_up_a_deletion_not_even_a_policy_that_cannot_be_read),
        TEST(the_wait_of_one_drain_is_not_counted_from_the_one_before),
        TEST(a_full_queue_is_let_run_empty_first),
        TEST(nothing_is_planned_while_writes_may_not_be_made),
        TEST(who_leads_no_longer_drives_and_writes_nothing),
        TEST(what_was_marked_when_nobody_led_is_let_go),
        TEST(load_balancers_are_complete_when_every_pod_was_planned_once),
        TEST(a_drain_goes_on_from_the_objects_wherever_it_was_cut),
        TEST(a_load_balancer_that_goes_and_comes_is_said_of_its_policy),
        TEST(the_status_of_a_policy_is_written_once_a_second_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
