/* One Rollout's turn: what is sent when, and what its answers lead to. The planner, the client and
 * the caches are the test's own. */
#include "fake_caches.h"

#include "core/rolling/actions.h"
#include "run/reconciler/rolling.h"

#define MS SL_NS_PER_MS
#define S SL_NS_PER_S
#define WALL (INT64_C(1795262400) * SL_NS_PER_S)
#define SENT_MAX 64

/* --- the planner: returns what the test wants --- */

static struct {
    struct sl_plan plan;
    struct sl_action actions[40];
    unsigned plans;
    bool cannot_write;
    const char *action_error; /* as it was told last */
    int64_t action_error_since;
} planner;

const char *const sl_action_names[] = {"finalizer",      "workload",   "disown",     "pod-upgrade",
                                       "pod-done",       "pod-label",  "pod-delete", "pod-drain",
                                       "replicaset-new", "replicaset", NULL};

void sl_roll_plan(const struct sl_roll_input *input, int64_t now, struct sl_arena *arena,
                  struct sl_plan *ret_plan)
{
    (void)arena;
    (void)now;
    planner.plans++;
    planner.action_error = input->action_error;
    planner.action_error_since = input->action_error_since;
    *ret_plan = planner.plan;
    for (size_t i = 0; i < planner.plan.action_count; i++) {
        planner.actions[i].target = &input->rollout->record;
    }
    ret_plan->actions = planner.actions;
}

static void describe(const struct sl_record *target, enum sl_call call, const char *subresource,
                     struct sl_action_call *ret_call)
{
    *ret_call = (struct sl_action_call){
        .call = call,
        .group = SL_STR("sluice.dev"),
        .version = SL_STR("v1alpha1"),
        .resource = SL_STR("rollouts"),
        .subresource = subresource,
        .ns = sl_str_from(target->ns),
        .name = sl_str_from(target->name),
        .content_type = "application/json-patch+json",
        .body = SL_BUF_INIT(SL_KIB),
    };
    sl_buf_adds(&ret_call->body, "[]");
}

int sl_action_write(const struct sl_roll_input *input, const struct sl_action *action, int64_t now,
                    struct sl_action_call *ret_call, struct sl_err *err)
{
    (void)input;
    assert_int_equal(now, WALL);
    if (planner.cannot_write) {
        return sl_err_set(err, SL_ERR_INVALID, "not what it seems");
    }
    describe(action->target, action->kind == SL_ACT_POD_DELETE ? SL_CALL_DELETE : SL_CALL_PATCH, "",
             ret_call);
    return 0;
}

void sl_action_write_status(const struct sl_rollout_record *rollout,
                            const struct sl_rollout_status *status, struct sl_action_call *ret_call)
{
    (void)status;
    describe(&rollout->record, SL_CALL_PATCH, "status", ret_call);
}

void sl_action_call_cleanup(struct sl_action_call *call)
{
    sl_buf_cleanup(&call->body);
}

/* --- the client and the events: what was given to them --- */

static struct {
    void *tag;
    enum sl_verb verb;
    bool status;
    bool cancelled;
} sent[SENT_MAX];
static size_t sent_count;
static size_t queued;

uint64_t sl_client_send(struct sl_client *client, const struct sl_request *request, void *tag,
                        int64_t now)
{
    (void)client;
    (void)now;
    assert_true(sent_count < SENT_MAX);
    assert_int_equal(request->timeout, 30 * S);
    sent[sent_count].verb = request->verb;
    sent[sent_count].status = request->subresource.n > 0;
    sent[sent_count].tag = tag;
    sent[sent_count].cancelled = false;
    return ++sent_count;
}

void sl_client_cancel(struct sl_client *client, uint64_t id)
{
    (void)client;
    sent[id - 1].cancelled = true;
}

void sl_client_stats(const struct sl_client *client, struct sl_client_stats *ret_stats)
{
    (void)client;
    *ret_stats = (struct sl_client_stats){.queued = queued};
}

static struct {
    unsigned count;
    bool warning;
    char reason[64], note[256];
} emitted;

void sl_events_emit(struct sl_events *events, const struct sl_event *event, int64_t now,
                    int64_t wall)
{
    (void)events;
    (void)now;
    (void)wall;
    emitted.count++;
    emitted.warning = event->warning;
    (void)snprintf(emitted.reason, sizeof emitted.reason, "%s", event->reason);
    (void)snprintf(emitted.note, sizeof emitted.note, "%s", event->note);
    assert_string_equal(event->uid, "r");
}

/* --- the fixture: one Rollout, which is due --- */

#define ROLLOUT(version)                                                                           \
    "{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"Rollout\",\"metadata\":{\"namespace\":"    \
    "\"shop\",\"name\":\"web\",\"uid\":\"r\",\"resourceVersion\":\"" version                       \
    "\"},\"spec\":{\"workloadRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\",\"name\":" \
    "\"web\"},\"rolloutPlan\":{\"batchSize\":1}}}"

struct fixture {
    struct sl_fleet *fleet;
    struct sl_reconciler_numbers numbers;
    struct sl_writes *writes;
    struct sl_rolling *rolling;
};

static int setup(void **state)
{
    static const struct sl_workload_kinds no_kinds = {.count = 0};
    const struct sl_fleet_options fleet = {.workloads = &no_kinds};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    memset(&planner, 0, sizeof planner);
    memset(&emitted, 0, sizeof emitted);
    sent_count = 0;
    queued = 0;
    fakes.forgotten = 0;
    planner.plan.again = SL_NEVER;
    fixture->fleet = sl_fleet_open(&fleet);
    fixture->writes = sl_writes_open(NULL, fixture->fleet, 30 * S);
    const struct sl_rolling_options options = {
        .fleet = fixture->fleet, .writes = fixture->writes, .numbers = &fixture->numbers};
    fixture->rolling = sl_rolling_open(&options);
    fake_put("rollouts", ROLLOUT("1"));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sl_writes_close(fixture->writes);
    sl_rolling_close(fixture->rolling);
    sl_fleet_close(fixture->fleet);
    free(fixture);
    return 0;
}

static void turn(struct fixture *fixture, int64_t now)
{
    sl_rolling_turn(fixture->rolling, now, WALL);
}

/* The answer to what was sent as the index-th. */
static int64_t answered_later; /* than WALL */

static void answer_for(size_t index, enum sl_err_kind kind, const char *reason, const char *text,
                       int64_t now)
{
    struct sl_reply reply = {.tag = sent[index].tag,
                             .verb = sent[index].verb,
                             .reason = sl_str_from(reason),
                             .body = SL_BUF_INIT(SL_KIB)};
    if (kind == SL_ERR_NONE) {
        sl_buf_adds(&reply.body, text);
    } else {
        (void)sl_err_set(&reply.err, kind, "%s", text);
    }
    sl_writes_reply(&reply, now, WALL + answered_later);
    sl_buf_cleanup(&reply.body);
}

static void answer(size_t index, enum sl_err_kind kind, const char *text, int64_t now)
{
    answer_for(index, kind, "", text, now);
}

static void want_actions(enum sl_action_kind kind, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        planner.actions[i].kind = kind;
    }
    planner.plan.action_count = count;
}

static void a_step_is_stored_alone_and_said_when_it_is(void **state)
{
    struct fixture *fixture = *state;
    want_actions(SL_ACT_WORKLOAD, 2);
    planner.plan.write_status = true;
    planner.plan.stepped = true;
    planner.plan.event = "BatchStarted";
    planner.plan.status.message = SL_STR("batch 0 of 3");
    turn(fixture, 0);
    assert_int_equal(sent_count, 1);
    assert_true(sent[0].status);
    assert_int_equal(emitted.count, 0);
    answer(0, SL_ERR_NONE, ROLLOUT("2"), 1);
    assert_int_equal(emitted.count, 1);
    assert_string_equal(emitted.reason, "BatchStarted");
    assert_string_equal(emitted.note, "batch 0 of 3");
    assert_false(emitted.warning);
    assert_int_equal(fixture->numbers.actions[SL_ACTION_STATUS][SL_RESULT_SUCCESS], 1);
}

static void a_step_that_was_not_stored_is_not_said(void **state)
{
    struct fixture *fixture = *state;
    planner.plan.write_status = true;
    planner.plan.stepped = true;
    planner.plan.event = "BatchStarted";
    planner.plan.status.message = SL_STR("batch 0 of 3");
    turn(fixture, 0);
    answer(0, SL_ERR_CONFLICT, "changed meanwhile", 1);
    assert_int_equal(emitted.count, 0);
    assert_int_equal(fixture->numbers.actions[SL_ACTION_STATUS][SL_RESULT_CONFLICT], 1);
}

static void it_is_not_planned_again_while_a_request_is_under_way(void **state)
{
    struct fixture *fixture = *state;
    want_actions(SL_ACT_POD_UPGRADE, 2);
    planner.plan.write_status = true;
    turn(fixture, 0);
    assert_int_equal(sent_count, 3); /* the status, and both actions beside it */
    assert_int_equal(sl_writes_under_way(fixture->writes), 3);
    fake_put("rollouts", ROLLOUT("2"));
    turn(fixture, 1);
    answer(0, SL_ERR_NONE, ROLLOUT("3"), 2);
    answer(1, SL_ERR_NONE, ROLLOUT("4"), 2);
    turn(fixture, 3);
    assert_int_equal(planner.plans, 1);
    assert_int_equal(sl_rolling_due(fixture->rolling), INT64_MAX);
    answer(2, SL_ERR_NONE, ROLLOUT("5"), 4);
    assert_int_equal(sl_rolling_due(fixture->rolling), 0);
    want_actions(SL_ACT_POD_UPGRADE, 0);
    planner.plan.write_status = false;
    turn(fixture, 5);
    turn(fixture, 6);
    assert_int_equal(planner.plans, 2); /* nothing to do, nothing has changed: not again */
    assert_int_equal(fixture->numbers.actions[SL_ACT_POD_UPGRADE][SL_RESULT_SUCCESS], 2);
}

static void failures_wait_longer_and_longer_up_to_half_a_minute(void **state)
{
    struct fixture *fixture = *state;
    static const int64_t waits[] = {1, 2, 4, 8, 16, 30, 30};
    int64_t now = 0;
    want_actions(SL_ACT_WORKLOAD, 1);
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        turn(fixture, now);
        assert_int_equal(sent_count, i + 1);
        answer(i, SL_ERR_TRANSIENT, "away", now);
        fake_put("rollouts", ROLLOUT("9")); /* what changes meanwhile does not hasten it */
        assert_int_equal(sl_rolling_due(fixture->rolling), now + waits[i] * S);
        turn(fixture, now + waits[i] * S - 1);
        now += waits[i] * S;
    }
    turn(fixture, now);
    answer(sent_count - 1, SL_ERR_NONE, ROLLOUT("9"), now);
    turn(fixture, now);
    answer(sent_count - 1, SL_ERR_TRANSIENT, "away", now);
    assert_int_equal(sl_rolling_due(fixture->rolling), now + 1 * S);
    assert_int_equal(emitted.count, 0); /* nobody can do anything about it */
}

static void a_conflict_is_planned_again_when_the_caches_move_or_after_a_second(void **state)
{
    struct fixture *fixture = *state;
    want_actions(SL_ACT_WORKLOAD, 1);
    turn(fixture, 0);
    answer(0, SL_ERR_CONFLICT, "changed meanwhile", 10 * MS);
    assert_int_equal(sl_rolling_due(fixture->rolling), 10 * MS + S);
    turn(fixture, S);
    assert_int_equal(planner.plans, 1);
    fake_put("rollouts", ROLLOUT("2"));
    turn(fixture, S);
    assert_int_equal(planner.plans, 2);
    answer(1, SL_ERR_CONFLICT, "changed meanwhile", S);
    turn(fixture, 2 * S);
    assert_int_equal(planner.plans, 3);
}

static void what_is_refused_is_said_to_people_and_to_the_planner(void **state)
{
    struct fixture *fixture = *state;
    want_actions(SL_ACT_WORKLOAD, 1);
    turn(fixture, 0);
    assert_null(planner.action_error);
    answer(0, SL_ERR_DENIED, "a policy forbids it", 0);
    assert_int_equal(emitted.count, 1);
    assert_true(emitted.warning);
    assert_string_equal(emitted.note, "a policy forbids it");
    turn(fixture, S);
    assert_string_equal(planner.action_error, "a policy forbids it");
    assert_int_equal(planner.action_error_since, WALL);
    answer(1, SL_ERR_NONE, ROLLOUT("2"), S);
    turn(fixture, S);
    assert_null(planner.action_error);
    assert_int_equal(planner.action_error_since, 0);
    assert_int_equal(fixture->numbers.actions[SL_ACT_WORKLOAD][SL_RESULT_FAILURE], 1);
}

static void an_action_that_cannot_be_written_waits_too(void **state)
{
    struct fixture *fixture = *state;
    want_actions(SL_ACT_WORKLOAD, 1);
    planner.cannot_write = true;
    turn(fixture, 0);
    assert_int_equal(sent_count, 0);
    assert_int_equal(sl_rolling_due(fixture->rolling), 1 * S);
    assert_int_equal(fixture->numbers.actions[SL_ACT_WORKLOAD][SL_RESULT_FAILURE], 1);
}

static void what_is_gone_leaves_the_cache(void **state)
{
    struct fixture *fixture = *state;
    want_actions(SL_ACT_POD_DELETE, 1);
    turn(fixture, 0);
    answer(0, SL_ERR_NONE, ROLLOUT("2"), 0); /* it is being deleted, and still there */
    assert_int_equal(fakes.forgotten, 0);
    turn(fixture, 0);
    answer(1, SL_ERR_NONE, "{\"kind\":\"Status\",\"status\":\"Success\"}", 0);
    assert_int_equal(fakes.forgotten, 1);
    fake_put("rollouts", ROLLOUT("3"));
    turn(fixture, 0);
    answer_for(2, SL_ERR_NOT_FOUND, "NotFound", "no such pod", 0);
    assert_int_equal(fakes.forgotten, 2);
}

/* What is forgotten is never taken in again: that has to be certain. */
static void a_path_that_is_not_served_takes_nothing_out_of_the_cache(void **state)
{
    struct fixture *fixture = *state;
    planner.plan.write_status = true;
    turn(fixture, 0);
    answer(0, SL_ERR_NOT_FOUND, "the server answered 404: 404 page not found", 0);
    assert_int_equal(fakes.forgotten, 0);
    assert_int_equal(sl_rolling_due(fixture->rolling), 1 * S);
}

/* From the first refusal on, until one is done or none is wanted: the planner's deadline runs. */
static void a_refusal_counts_from_the_first_until_nothing_is_wanted(void **state)
{
    struct fixture *fixture = *state;
    want_actions(SL_ACT_WORKLOAD, 1);
    turn(fixture, 0);
    answer(0, SL_ERR_DENIED, "no", 0);
    turn(fixture, 1 * S);
    answered_later = 5 * S;
    answer(1, SL_ERR_DENIED, "still no", 1 * S);
    answered_later = 0;
    turn(fixture, 3 * S);
    assert_string_equal(planner.action_error, "still no");
    assert_int_equal(planner.action_error_since, WALL);
    answer(2, SL_ERR_CONFLICT, "not the newest", 3 * S);
    want_actions(SL_ACT_WORKLOAD, 0);
    turn(fixture, 10 * S);
    turn(fixture, 10 * S);
    sl_targets_dirty_all(sl_fleet_targets(fixture->fleet));
    turn(fixture, 10 * S);
    assert_null(planner.action_error);
    assert_int_equal(planner.action_error_since, 0);
}

/* The worst of a plan's answers decides, whichever comes last, and all of them count as one. */
static void the_answers_of_a_plan_are_one_failure(void **state)
{
    struct fixture *fixture = *state;
    static const enum sl_err_kind last[] = {SL_ERR_CONFLICT, SL_ERR_NONE};
    static const int64_t due[] = {1 * S, 3 * S};
    want_actions(SL_ACT_WORKLOAD, 2);
    for (size_t i = 0; i < 2; i++) {
        int64_t now = i == 0 ? 0 : due[i - 1];
        turn(fixture, now);
        assert_int_equal(sent_count, 2 * (i + 1));
        answer(2 * i, SL_ERR_DENIED, "no", now);
        answer(2 * i + 1, last[i], ROLLOUT("2"), now);
        assert_int_equal(sl_rolling_due(fixture->rolling), due[i]);
    }
}

static void a_name_that_is_taken_is_said_and_not_tried_at_once(void **state)
{
    struct fixture *fixture = *state;
    want_actions(SL_ACT_REPLICA_SET_NEW, 1);
    turn(fixture, 0);
    answer_for(0, SL_ERR_CONFLICT, "AlreadyExists", "replicasets \"web-1\" exists", 0);
    assert_int_equal(fixture->numbers.actions[SL_ACT_REPLICA_SET_NEW][SL_RESULT_FAILURE], 1);
    turn(fixture, 1 * S);
    answer_for(1, SL_ERR_CONFLICT, "AlreadyExists", "replicasets \"web-1\" exists", 1 * S);
    assert_int_equal(sl_rolling_due(fixture->rolling), 3 * S); /* twice as long */
}

static void it_is_planned_again_when_the_plan_says(void **state)
{
    struct fixture *fixture = *state;
    planner.plan.again = WALL + 5 * S;
    turn(fixture, 2 * S);
    assert_int_equal(sl_rolling_due(fixture->rolling), 7 * S);
    turn(fixture, 7 * S - 1);
    assert_int_equal(planner.plans, 1);
    planner.plan.again = WALL - 1; /* past */
    turn(fixture, 7 * S);
    assert_int_equal(sl_rolling_due(fixture->rolling), 7 * S);
    planner.plan.again = WALL + 3600 * S; /* the clock may be set meanwhile */
    turn(fixture, 8 * S);
    assert_int_equal(sl_rolling_due(fixture->rolling), 68 * S);
}

static void a_large_plan_is_done_in_portions(void **state)
{
    struct fixture *fixture = *state;
    want_actions(SL_ACT_POD_UPGRADE, 40);
    turn(fixture, 0);
    assert_int_equal(sent_count, 32);
}

static void a_full_queue_is_let_run_empty_first(void **state)
{
    struct fixture *fixture = *state;
    queued = 64;
    turn(fixture, 0);
    assert_int_equal(planner.plans, 0);
    assert_int_equal(sl_rolling_due(fixture->rolling), INT64_MAX); /* the client turns the loop */
    queued = 63;
    turn(fixture, 0);
    assert_int_equal(planner.plans, 1);
}

static void finished_batches_are_counted_when_they_are_stored(void **state)
{
    struct fixture *fixture = *state;
    struct sl_batch_status batches[] = {{.finished = 1}, {.finished = 2}, {.finished = 0}};
    planner.plan.write_status = true;
    planner.plan.status.run.id = SL_STR("run");
    planner.plan.status.batches = batches;
    planner.plan.status.batch_count = 3;
    turn(fixture, 0);
    assert_int_equal(fixture->numbers.batches_finished, 0);
    answer(0, SL_ERR_NONE, ROLLOUT("2"), 0);
    assert_int_equal(fixture->numbers.batches_finished, 2);
}

/* What else leaves must not spend the same budget. */
static void a_drain_that_is_under_way_counts_as_leaving(void **state)
{
    struct fixture *fixture = *state;
    struct sl_arena arena = {0};
    struct sl_budget_view view = {.leaving_count = 0};
    want_actions(SL_ACT_POD_DRAIN, 2);
    planner.actions[0].on = true; /* the other takes one back */
    turn(fixture, 0);
    sl_writes_leaving(fixture->writes, "office", &arena, &view);
    assert_int_equal(view.leaving_count, 0);
    sl_writes_leaving(fixture->writes, "shop", &arena, &view);
    assert_int_equal(view.leaving_count, 1);
    assert_string_equal(view.leaving[0], "r");
    answer(0, SL_ERR_NONE, ROLLOUT("2"), 0);
    answer(1, SL_ERR_NONE, ROLLOUT("3"), 0);
    sl_writes_leaving(fixture->writes, "shop", &arena, &view);
    assert_int_equal(view.leaving_count, 0);
    sl_arena_cleanup(&arena);
}

static void what_is_under_way_is_cut_at_the_end(void **state)
{
    struct fixture *fixture = *state;
    want_actions(SL_ACT_POD_UPGRADE, 2);
    turn(fixture, 0);
    answer(0, SL_ERR_NONE, ROLLOUT("2"), 0);
    sl_writes_close(sl_steal(&fixture->writes));
    assert_false(sent[0].cancelled);
    assert_true(sent[1].cancelled);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_step_is_stored_alone_and_said_when_it_is),
        TEST(a_step_that_was_not_stored_is_not_said),
        TEST(it_is_not_planned_again_while_a_request_is_under_way),
        TEST(failures_wait_longer_and_longer_up_to_half_a_minute),
        TEST(a_conflict_is_planned_again_when_the_caches_move_or_after_a_second),
        TEST(what_is_refused_is_said_to_people_and_to_the_planner),
        TEST(an_action_that_cannot_be_written_waits_too),
        TEST(what_is_gone_leaves_the_cache),
        TEST(a_path_that_is_not_served_takes_nothing_out_of_the_cache),
        TEST(a_refusal_counts_from_the_first_until_nothing_is_wanted),
        TEST(the_answers_of_a_plan_are_one_failure),
        TEST(a_name_that_is_taken_is_said_and_not_tried_at_once),
        TEST(it_is_planned_again_when_the_plan_says),
        TEST(a_large_plan_is_done_in_portions),
        TEST(a_full_queue_is_let_run_empty_first),
        TEST(finished_batches_are_counted_when_they_are_stored),
        TEST(a_drain_that_is_under_way_counts_as_leaving),
        TEST(what_is_under_way_is_cut_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
