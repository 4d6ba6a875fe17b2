/* A balancer behind an adapter: what the adapter is told in which order, and what becomes of a
 * member for everything that it may answer. */
#include "../kube/scripted.h"

#include "run/balancers/balancers.h"

#define ANSWER(status, body) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body
#define OK(body)                                                                                   \
    {                                                                                              \
        {ANSWER("200 OK", body)}, THEN_CLOSE                                                       \
    }
#define DONE OK("{\"done\":true}")

#define BODY(weight, operation)                                                                    \
    "{\"pod\":\"web-1\",\"namespace\":\"shop\",\"address\":\"10.0.0.7\",\"port\":8080,"            \
    "\"weight\":" weight ",\"operation\":\"" operation "\"}"
#define JOIN BODY("100", "join")
#define LEAVE BODY("0", "leave")
#define REMOVE BODY("0", "remove")

struct world {
    struct scripted server;
    struct sl_balancers *balancers;
    struct sl_load_balancer spec;
    struct sl_traffic_policy policy;
    char url[64];
    int64_t ahead; /* how far the test has put the clock on */
    unsigned changes;
};

static int64_t now_of(const struct world *world)
{
    return sl_clock_mono() + world->ahead;
}

static void changed(void *ctx, const char *uid)
{
    struct world *world = ctx;
    assert_string_equal(uid, "uid-1");
    world->changes++;
}

static void set_policy(struct world *world, const struct sl_traffic_policy *policy)
{
    sl_balancers_policy(world->balancers, SL_STR("shop"), SL_STR("web"), policy, now_of(world));
}

static void open_world(struct world *world, const struct scripted_answer *answers, size_t count)
{
    *world = (struct world){0};
    scripted_start(&world->server, answers, count);
    (void)snprintf(world->url, sizeof world->url, "http://127.0.0.1:%u/", world->server.port);
    world->spec =
        (struct sl_load_balancer){.name = SL_STR("cloud"),
                                  .has_webhook = true,
                                  .webhook = {.url = sl_str_from(world->url), .port = 8080}};
    world->policy.load_balancers = (struct sl_list){.items = &world->spec, .count = 1};
    world->balancers =
        sl_balancers_open(&(struct sl_balancers_options){.changed = changed, .ctx = world});
    set_policy(world, &world->policy);
    sl_balancers_complete(world->balancers);
}

static void close_world(struct world *world)
{
    sl_balancers_close(world->balancers);
    scripted_stop(&world->server);
}

static void want(struct world *world, const char *address, int weight)
{
    const struct sl_member_want member = {
        .uid = "uid-1", .pod = "web-1", .address = address, .weight = weight};
    sl_balancers_want(world->balancers, SL_STR("shop"), SL_STR("web"), 0, &member, now_of(world));
}

static struct sl_member member_of(const struct world *world)
{
    struct sl_member member;
    sl_balancers_member(world->balancers, SL_STR("shop"), SL_STR("web"), 0, "uid-1", &member);
    return member;
}

/* Sleeps as the reconciler does, `most` at the longest, and takes a turn. */
static void turn(struct world *world, int64_t most)
{
    struct pollfd fd = {.fd = sl_balancers_fd(world->balancers), .events = POLLIN};
    int64_t left = sl_balancers_due(world->balancers) - now_of(world);
    left = left < most ? left : most;
    (void)poll(&fd, 1, left <= 0 ? 0 : (int)(left / SL_NS_PER_MS) + 1);
    sl_balancers_turn(world->balancers, now_of(world), sl_clock_wall() + world->ahead);
}

/* Until that many requests were answered, and their answers taken. */
static void turns_until(struct world *world, size_t requests, enum sl_member_state state)
{
    int64_t until = sl_clock_mono() + 20 * SL_NS_PER_S;
    while (scripted_count(&world->server) < requests || member_of(world).state != state) {
        assert_true(sl_clock_mono() < until);
        turn(world, SL_NS_PER_S);
    }
}

/* Nothing more is sent, now or ever, as far as it says itself. */
static void expect_quiet(struct world *world, size_t requests)
{
    for (int i = 0; i < 5; i++) {
        turn(world, 20 * SL_NS_PER_MS);
    }
    assert_int_equal(scripted_count(&world->server), requests);
    assert_true(sl_balancers_due(world->balancers) > now_of(world) + SL_NS_PER_S);
}

static void expect_body(struct world *world, size_t index, const char *body)
{
    const char *request = scripted_request(&world->server, index);
    const char *got = strstr(request, "\r\n\r\n");
    assert_non_null(got);
    assert_string_equal(got + 4, body);
}

static void a_pod_joins_leaves_and_is_removed(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {DONE, DONE, DONE};
    struct world world;
    open_world(&world, answers, 3);
    want(&world, "10.0.0.7", SL_WEIGHT_IN);
    assert_int_equal(member_of(&world).state, SL_MEMBER_UNKNOWN);
    turns_until(&world, 1, SL_MEMBER_IN);
    assert_true(world.changes > 0);
    want(&world, "10.0.0.7", SL_WEIGHT_OUT);
    turns_until(&world, 2, SL_MEMBER_OUT);
    assert_true(member_of(&world).sessions == -1 && member_of(&world).out_since > 0);
    expect_quiet(&world, 2);
    want(&world, "10.0.0.7", SL_WEIGHT_GONE);
    turns_until(&world, 3, SL_MEMBER_UNKNOWN);
    expect_quiet(&world, 3);
    expect_body(&world, 0, JOIN);
    expect_body(&world, 1, LEAVE);
    expect_body(&world, 2, REMOVE);
    close_world(&world);
}

static void what_is_not_done_is_asked_for_again(void **state)
{
    (void)state;
    static char large[70000];
    (void)snprintf(large, sizeof large, ANSWER("200 OK", "%*s"), 66000, "x");
    const struct {
        struct scripted_answer answer;
        const char *trouble;
        bool answers; /* it is healthy: it says itself that it is not done */
    } rows[] = {
        {OK("{\"done\":false}"), "its webhook is not done yet", true},
        {OK("{\"done\":false,\"message\":\"2 of 3 zones\"}"),
         "its webhook is not done yet: 2 of 3 zones", true},
        {{{ANSWER("503 Busy", "")}, THEN_CLOSE}, "its webhook answers 503", false},
        {{{ANSWER("403 No", "{\"done\":true,\"message\":\"who are you\"}")}, THEN_CLOSE},
         "its webhook answers 403: who are you",
         false},
        {{{ANSWER("307 Away", "")}, THEN_CLOSE}, "its webhook answers 307", false},
        {OK("yes"), "its webhook answers something else", false},
        {OK("{}"), "its webhook answers something else", false},
        {OK("{\"done\":\"true\"}"), "its webhook answers something else", false},
        {OK("[true]"), "its webhook answers something else", false},
        {{{large}, THEN_CLOSE}, "larger than 65536 bytes", false},
        {{{""}, THEN_RESET}, "its webhook does not answer: ", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct scripted_answer answers[] = {rows[i].answer, DONE};
        struct sl_balancer_health health;
        struct world world;
        open_world(&world, answers, 2);
        want(&world, "10.0.0.7", SL_WEIGHT_IN);
        while (member_of(&world).trouble[0] == '\0') {
            turn(&world, SL_NS_PER_S);
        }
        assert_int_equal(member_of(&world).state, SL_MEMBER_UNKNOWN);
        if (strstr(member_of(&world).trouble, rows[i].trouble) == NULL) {
            fail_msg("row %zu: %s", i, member_of(&world).trouble);
        }
        assert_true(sl_balancers_health(world.balancers, 0, &health));
        assert_string_equal(health.kind, "webhook");
        assert_int_equal(health.answers, rows[i].answers);
        assert_true(rows[i].answers || strcmp(health.trouble, member_of(&world).trouble) == 0);
        assert_true(sl_balancers_due(world.balancers) <= now_of(&world) + 200 * SL_NS_PER_MS);
        turns_until(&world, 2, SL_MEMBER_IN);
        assert_string_equal(member_of(&world).trouble, "");
        assert_true(sl_balancers_health(world.balancers, 0, &health) && health.answers);
        expect_body(&world, 0, JOIN);
        expect_body(&world, 1, JOIN);
        close_world(&world);
    }
}

static void one_that_was_leaving_is_not_in_before_it_has_joined_again(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {
        DONE,
        OK("{\"done\":false}"), /* it may have taken it out of some of its places already */
        DONE,
    };
    struct world world;
    open_world(&world, answers, 3);
    want(&world, "10.0.0.7", SL_WEIGHT_IN);
    turns_until(&world, 1, SL_MEMBER_IN);
    assert_false(member_of(&world).leaving);
    want(&world, "10.0.0.7", SL_WEIGHT_OUT);
    turns_until(&world, 2, SL_MEMBER_IN);
    assert_true(member_of(&world).leaving);
    want(&world, "10.0.0.7", SL_WEIGHT_IN);
    assert_int_equal(member_of(&world).state, SL_MEMBER_UNKNOWN);
    turns_until(&world, 3, SL_MEMBER_IN);
    assert_false(member_of(&world).leaving);
    expect_body(&world, 2, JOIN);
    close_world(&world);
}

static void sessions_are_asked_after_until_none_is_left(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {
        DONE,
        OK("{\"done\":false,\"sessions\":9}"), /* it has not taken it out yet */
        OK("{\"done\":true,\"sessions\":2}"),
        OK("{\"done\":true,\"sessions\":0}"),
        DONE,
    };
    struct world world;
    open_world(&world, answers, 5);
    want(&world, "10.0.0.7", SL_WEIGHT_IN);
    turns_until(&world, 1, SL_MEMBER_IN);
    want(&world, "10.0.0.7", SL_WEIGHT_OUT);
    while (member_of(&world).sessions != 9) {
        turn(&world, SL_NS_PER_S);
    }
    assert_int_equal(member_of(&world).state, SL_MEMBER_IN);
    turns_until(&world, 3, SL_MEMBER_OUT);
    assert_int_equal(member_of(&world).sessions, 2);
    want(&world, "10.0.0.7", SL_WEIGHT_GONE); /* not removed before they have ended */
    turn(&world, 0);
    assert_int_equal(scripted_count(&world.server), 3);
    world.ahead += SL_NS_PER_S;
    turns_until(&world, 5, SL_MEMBER_UNKNOWN);
    expect_body(&world, 3, LEAVE);
    expect_body(&world, 4, REMOVE);
    close_world(&world);
}

static void sessions_that_nothing_can_have_can_still_be_added_up(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {
        OK("{\"done\":true,\"sessions\":9223372036854775807}")};
    struct world world;
    open_world(&world, answers, 1);
    want(&world, "10.0.0.7", SL_WEIGHT_OUT);
    turns_until(&world, 1, SL_MEMBER_OUT);
    assert_int_equal(member_of(&world).sessions, INT32_MAX);
    close_world(&world);
}

static void a_removal_that_fails_is_tried_again_later_and_again(void **state)
{
    (void)state;
    static const struct scripted_answer failed = {{ANSWER("500 No", "")}, THEN_CLOSE};
    const struct scripted_answer answers[] = {DONE, failed, failed, DONE};
    struct world world;
    open_world(&world, answers, 4);
    want(&world, "10.0.0.7", SL_WEIGHT_OUT);
    turns_until(&world, 1, SL_MEMBER_OUT);
    want(&world, "10.0.0.7", SL_WEIGHT_GONE);
    int64_t began = sl_clock_mono();
    turns_until(&world, 4, SL_MEMBER_UNKNOWN);
    assert_true(sl_clock_mono() - began >= (100 + 200) * SL_NS_PER_MS);
    for (size_t i = 1; i < 4; i++) {
        expect_body(&world, i, REMOVE);
    }
    close_world(&world);
}

static void who_is_to_be_gone_is_removed_after_a_minute_with_its_sessions(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {OK("{\"done\":true,\"sessions\":2}"), DONE};
    struct world world;
    open_world(&world, answers, 2);
    want(&world, "10.0.0.7", SL_WEIGHT_OUT);
    turns_until(&world, 1, SL_MEMBER_OUT);
    sl_balancers_forget(world.balancers, "uid-1", now_of(&world));
    world.ahead += 61 * SL_NS_PER_S;
    turns_until(&world, 2, SL_MEMBER_UNKNOWN);
    expect_body(&world, 1, REMOVE);
    close_world(&world);
}

static void an_adapter_that_forgot_learns_again_within_a_minute(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {DONE, OK("{\"done\":false}"), DONE};
    struct world world;
    open_world(&world, answers, 3);
    want(&world, "10.0.0.7", SL_WEIGHT_IN);
    turns_until(&world, 1, SL_MEMBER_IN);
    world.ahead += 59 * SL_NS_PER_S;
    turn(&world, 0);
    assert_int_equal(scripted_count(&world.server), 1);
    world.ahead += 2 * SL_NS_PER_S;
    turns_until(&world, 2, SL_MEMBER_UNKNOWN);
    turns_until(&world, 3, SL_MEMBER_IN);
    expect_body(&world, 2, JOIN);
    close_world(&world);
}

static void a_request_never_overtakes_another_of_the_same_pod(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {
        {{ANSWER("200 OK", ""), "{\"done\"", ":true}"}, THEN_CLOSE}, DONE};
    struct world world;
    open_world(&world, answers, 2);
    want(&world, "10.0.0.7", SL_WEIGHT_IN);
    turn(&world, 0); /* it is under way */
    want(&world, "10.0.0.7", SL_WEIGHT_OUT);
    while (scripted_count(&world.server) < 2) {
        turn(&world, SL_NS_PER_S);
        assert_int_not_equal(member_of(&world).state, SL_MEMBER_IN);
    }
    turns_until(&world, 2, SL_MEMBER_OUT);
    expect_body(&world, 0, JOIN);
    expect_body(&world, 1, LEAVE);
    close_world(&world);
}

/* One that is to return may be in as soon as it is asked for: nobody may count on its being out. */
static void who_returns_is_out_no_longer(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {DONE, OK("{\"done\":false}"), DONE};
    struct world world;
    open_world(&world, answers, 3);
    want(&world, "10.0.0.7", SL_WEIGHT_OUT);
    turns_until(&world, 1, SL_MEMBER_OUT);
    want(&world, "10.0.0.7", SL_WEIGHT_IN);
    turn(&world, 0);
    assert_int_equal(member_of(&world).state, SL_MEMBER_UNKNOWN);
    want(&world, "10.0.0.7", SL_WEIGHT_OUT);
    assert_int_equal(member_of(&world).state, SL_MEMBER_UNKNOWN);
    turns_until(&world, 3, SL_MEMBER_OUT);
    expect_body(&world, 1, JOIN);
    expect_body(&world, 2, LEAVE);
    close_world(&world);
}

static void a_pod_without_an_address_is_not_told_of(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {DONE};
    struct world world;
    open_world(&world, answers, 1);
    want(&world, "", SL_WEIGHT_IN);
    turns_until(&world, 0, SL_MEMBER_ABSENT);
    expect_quiet(&world, 0);
    want(&world, "10.0.0.7", SL_WEIGHT_IN);
    turns_until(&world, 1, SL_MEMBER_IN);
    expect_body(&world, 0, JOIN);
    close_world(&world);
}

static void another_port_is_told(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {DONE, DONE};
    struct world world;
    open_world(&world, answers, 2);
    want(&world, "10.0.0.7", SL_WEIGHT_IN);
    turns_until(&world, 1, SL_MEMBER_IN);
    world.spec.webhook.port = 9090;
    set_policy(&world, &world.policy);
    turns_until(&world, 2, SL_MEMBER_IN);
    assert_non_null(strstr(scripted_request(&world.server, 1), "\"port\":9090,\"weight\":100"));
    close_world(&world);
}

static void a_policy_that_goes_takes_its_members_out(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {DONE, DONE, DONE};
    struct sl_balancer_health health;
    struct world world;
    open_world(&world, answers, 3);
    want(&world, "10.0.0.7", SL_WEIGHT_IN);
    turns_until(&world, 1, SL_MEMBER_IN);
    set_policy(&world, NULL);
    assert_false(sl_balancers_health(world.balancers, 0, &health));
    turns_until(&world, 3, SL_MEMBER_UNKNOWN);
    expect_body(&world, 1, LEAVE);
    expect_body(&world, 2, REMOVE);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_joins_leaves_and_is_removed),
        cmocka_unit_test(what_is_not_done_is_asked_for_again),
        cmocka_unit_test(one_that_was_leaving_is_not_in_before_it_has_joined_again),
        cmocka_unit_test(sessions_are_asked_after_until_none_is_left),
        cmocka_unit_test(sessions_that_nothing_can_have_can_still_be_added_up),
        cmocka_unit_test(a_removal_that_fails_is_tried_again_later_and_again),
        cmocka_unit_test(who_is_to_be_gone_is_removed_after_a_minute_with_its_sessions),
        cmocka_unit_test(an_adapter_that_forgot_learns_again_within_a_minute),
        cmocka_unit_test(a_request_never_overtakes_another_of_the_same_pod),
        cmocka_unit_test(who_returns_is_out_no_longer),
        cmocka_unit_test(a_pod_without_an_address_is_not_told_of),
        cmocka_unit_test(another_port_is_told),
        cmocka_unit_test(a_policy_that_goes_takes_its_members_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
