/* The balancers of policies: what they are told, when, and what is known of their members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_haproxy.h"
#include "run/balancers/balancers.h"

#define MS SL_NS_PER_MS
#define S SL_NS_PER_S
#define WALL (1000 * S) /* wall clock less the other */

struct fixture {
    struct fake_haproxy *fake;
    struct sl_balancers *balancers;
    int64_t now;
    struct sl_buf changed, corrected;
};

static void note_changed(void *fixture_, const char *uid)
{
    struct fixture *fixture = fixture_;
    sl_buf_addf(&fixture->changed, "%s ", uid);
}

static void note_corrected(void *fixture_, const char *ns, const char *policy, const char *note)
{
    struct fixture *fixture = fixture_;
    sl_buf_addf(&fixture->corrected, "%s/%s: %s", ns, policy, note);
}

static int setup(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof *fixture);
    fixture->fake = fake_haproxy_open();
    fixture->changed = fixture->corrected = (struct sl_buf)SL_BUF_INIT(SL_MIB);
    fixture->now = 10 * S;
    const struct sl_balancers_options options = {
        .changed = note_changed, .corrected = note_corrected, .ctx = fixture, .seed = 7};
    fixture->balancers = sl_balancers_open(&options);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sl_balancers_close(fixture->balancers);
    fake_haproxy_close(fixture->fake);
    sl_buf_cleanup(&fixture->changed);
    sl_buf_cleanup(&fixture->corrected);
    test_free(fixture);
    return 0;
}

static void turn(struct fixture *fixture)
{
    sl_balancers_turn(fixture->balancers, fixture->now, fixture->now + WALL);
}

/* As long as one of both has something to do at this time. */
static void settle(struct fixture *fixture)
{
    for (int idle = 0; idle < 3;) {
        turn(fixture);
        bool worked = fake_turn(fixture->fake);
        idle = worked || sl_balancers_due(fixture->balancers) <= fixture->now ? 0 : idle + 1;
    }
}

/* Passes the time, as a loop does. */
static void pass(struct fixture *fixture, int64_t ns)
{
    int64_t end = fixture->now + ns;
    for (;;) {
        int64_t due = sl_balancers_due(fixture->balancers);
        fixture->now = due < end ? (due > fixture->now ? due : fixture->now) : end;
        settle(fixture);
        if (fixture->now >= end) {
            return;
        }
    }
}

static void apply_policy(struct fixture *fixture, const char *name,
                         struct sl_load_balancer *balancers, size_t count)
{
    const struct sl_traffic_policy policy = {
        .load_balancers = {.items = balancers, .count = count}};
    sl_balancers_policy(fixture->balancers, SL_STR("shop"), sl_str_from(name), &policy,
                        fixture->now);
}

static struct sl_load_balancer haproxy(const struct fixture *fixture, const char *template)
{
    return (struct sl_load_balancer){
        .name = SL_STR("edge"),
        .has_haproxy = true,
        .haproxy = {.address = sl_str_from(fixture->fake->url),
                    .backend = SL_STR("web"),
                    .server_template = sl_str_from(template),
                    .port = 80},
    };
}

static void use_haproxy(struct fixture *fixture, const char *template)
{
    struct sl_load_balancer balancer = haproxy(fixture, template);
    apply_policy(fixture, "web", &balancer, 1);
}

static void want(struct fixture *fixture, const char *pod, const char *address, int weight)
{
    const struct sl_member_want want = {
        .uid = pod, .pod = pod, .address = address, .weight = weight};
    sl_balancers_want(fixture->balancers, SL_STR("shop"), SL_STR("web"), 0, &want, fixture->now);
}

static struct sl_member member(const struct fixture *fixture, const char *pod)
{
    struct sl_member is;
    sl_balancers_member(fixture->balancers, SL_STR("shop"), SL_STR("web"), 0, pod, &is);
    return is;
}

static struct sl_balancer_health health(const struct fixture *fixture, size_t index)
{
    struct sl_balancer_health is;
    assert_true(sl_balancers_health(fixture->balancers, index, &is));
    return is;
}

static int64_t until_due(const struct fixture *fixture)
{
    return sl_balancers_due(fixture->balancers) - fixture->now;
}

/* What was told since, and what was changed. */
static void assert_told(struct fixture *fixture, const char *commands)
{
    assert_string_equal(fixture->fake->log.len == 0 ? "" : fixture->fake->log.data, commands);
    sl_buf_reset(&fixture->fake->log);
}

static void assert_changed(struct fixture *fixture, const char *uids)
{
    assert_string_equal(fixture->changed.len == 0 ? "" : fixture->changed.data, uids);
    sl_buf_reset(&fixture->changed);
}

#define A "web/shop:web:a"
#define ADD_A                                                                                      \
    "add server " A " 10.0.0.1:80 check inter 1s fastinter 200ms weight 100; enable health " A     \
    "; set server " A " state ready"

static void join(struct fixture *fixture)
{
    use_haproxy(fixture, "");
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_IN);
    settle(fixture);
    assert_told(fixture, ADD_A);
    assert_changed(fixture, "a ");
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_IN);
}

static void a_member_joins_in_one_look_and_is_looked_at_every_second(void **state)
{
    struct fixture *fixture = *state;
    use_haproxy(fixture, "");
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_IN);
    assert_int_equal(until_due(fixture), 0);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_UNKNOWN);
    assert_changed(fixture, "");
    settle(fixture);
    assert_told(fixture, ADD_A);
    assert_changed(fixture, "a ");
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_IN);
    assert_int_equal(fixture->fake->connections, 1);
    assert_int_equal(until_due(fixture), S);
    pass(fixture, 5 * S);
    assert_told(fixture, "");
    assert_changed(fixture, "");
    assert_int_equal(fixture->fake->connections, 6);
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_IN);
    assert_int_equal(until_due(fixture), S);
}

static void a_drain_is_looked_at_ten_times_a_second_until_the_sessions_ended(void **state)
{
    struct fixture *fixture = *state;
    join(fixture);
    fixture->fake->servers[0].sessions = 2;
    pass(fixture, S);
    assert_changed(fixture, ""); /* how busy it is is nobody's business */
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_OUT);
    settle(fixture);
    assert_told(fixture, "set server " A " weight 0%; set server " A " state drain");
    assert_changed(fixture, "a ");
    struct sl_member is = member(fixture, "a");
    int64_t out_since = fixture->now + WALL;
    assert_int_equal(is.state, SL_MEMBER_OUT);
    assert_int_equal(is.sessions, 2);
    assert_int_equal(is.out_since, out_since);
    assert_int_equal(until_due(fixture), 100 * MS);
    fixture->fake->servers[0].sessions = 1;
    pass(fixture, 100 * MS);
    assert_changed(fixture, "a ");
    assert_int_equal(health(fixture, 0).sessions, 1);
    fixture->fake->servers[0].sessions = 0;
    pass(fixture, 100 * MS);
    assert_told(fixture, "set server " A " state maint");
    is = member(fixture, "a");
    assert_int_equal(is.sessions, 0);
    assert_int_equal(is.out_since, out_since);
    assert_int_equal(until_due(fixture), S);
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_IN);
    settle(fixture);
    assert_told(fixture, "set server " A " weight 100; set server " A " state ready");
    assert_int_equal(member(fixture, "a").out_since, 0);
    assert_string_equal(fixture->corrected.len == 0 ? "" : fixture->corrected.data, "");
}

static void one_that_was_told_to_serve_is_not_believed_to_be_out_still(void **state)
{
    struct fixture *fixture = *state;
    join(fixture);
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_OUT);
    settle(fixture);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_OUT);
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_IN); /* and may be, before that was answered */
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_OUT);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_UNKNOWN);
    assert_int_equal(member(fixture, "a").sessions, -1);
    settle(fixture);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_OUT);
    assert_int_equal(member(fixture, "a").sessions, 0);
}

static void who_is_forgotten_goes_when_its_sessions_ended(void **state)
{
    struct fixture *fixture = *state;
    join(fixture);
    fixture->fake->servers[0].sessions = 1;
    sl_balancers_forget(fixture->balancers, "a", fixture->now);
    settle(fixture);
    assert_told(fixture, "set server " A " weight 0%; set server " A " state drain");
    pass(fixture, 30 * S);
    assert_told(fixture, "");
    fixture->fake->servers[0].sessions = 0;
    pass(fixture, S);
    assert_told(fixture, "set server " A " state maint; del server " A);
    assert_int_equal(fixture->fake->count, 0);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_UNKNOWN);
    assert_int_equal(health(fixture, 0).members[SL_MEMBER_OUT], 0);
}

static void who_is_forgotten_is_out_of_the_way_after_a_minute(void **state)
{
    struct fixture *fixture = *state;
    join(fixture);
    fixture->fake->servers[0].sessions = 1;
    sl_balancers_forget(fixture->balancers, "a", fixture->now);
    pass(fixture, 59 * S);
    sl_buf_reset(&fixture->fake->log);
    assert_int_equal(fixture->fake->servers[0].admin, 8);
    pass(fixture, 2 * S);
    assert_int_equal(fixture->fake->servers[0].admin, 1);
    assert_true(health(fixture, 0).answers); /* a server that cannot be deleted yet is no trouble */
    fixture->fake->servers[0].sessions = 0;
    pass(fixture, S);
    assert_int_equal(fixture->fake->count, 0);
}

static void a_pod_that_is_forgotten_while_nothing_answers_is_so_after_a_minute(void **state)
{
    struct fixture *fixture = *state;
    join(fixture);
    fake_stop(fixture->fake);
    pass(fixture, S);
    sl_balancers_forget(fixture->balancers, "a", fixture->now);
    assert_int_equal(health(fixture, 0).members[SL_MEMBER_UNKNOWN], 1);
    pass(fixture, 62 * S);
    assert_int_equal(health(fixture, 0).members[SL_MEMBER_UNKNOWN], 0);
}

static void one_that_does_not_answer_knows_nothing_and_is_tried_again_soon(void **state)
{
    struct fixture *fixture = *state;
    join(fixture);
    fake_stop(fixture->fake);
    pass(fixture, S);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_UNKNOWN);
    assert_changed(fixture, "a ");
    assert_true(health(fixture, 0).answers); /* one failure is a restart, perhaps */
    pass(fixture, S);
    assert_false(health(fixture, 0).answers);
    assert_int_equal(health(fixture, 0).members[SL_MEMBER_UNKNOWN], 1);
    assert_non_null(strstr(health(fixture, 0).trouble, "cannot connect to unix:///tmp/"));
    int64_t since = health(fixture, 0).since;
    pass(fixture, 30 * S);
    assert_int_equal(health(fixture, 0).since, since);
    assert_true(until_due(fixture) <= S);
    fake_listen(fixture->fake);
    pass(fixture, S);
    assert_told(fixture, ADD_A);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_IN);
    assert_true(health(fixture, 0).answers);
    assert_true(health(fixture, 0).since > since);
    assert_int_equal(health(fixture, 0).corrections, 0);
}

static void what_somebody_else_changed_is_put_back_and_counted(void **state)
{
    struct fixture *fixture = *state;
    join(fixture);
    fixture->fake->servers[0].weight = 3;
    pass(fixture, S);
    assert_told(fixture, "set server " A " weight 100");
    assert_string_equal(fixture->corrected.data,
                        "shop/web: Server of pod a in backend web of edge had been changed by "
                        "somebody else (weight 3), and was put back");
    assert_int_equal(health(fixture, 0).corrections, 1);
    sl_buf_reset(&fixture->corrected);
    fixture->fake->count = 0; /* deleted; a process that was restarted is another */
    pass(fixture, S);
    assert_told(fixture, ADD_A);
    assert_non_null(strstr(fixture->corrected.data, "(no server)"));
    fixture->fake->count = 0;
    fixture->fake->pid++;
    pass(fixture, S);
    assert_told(fixture, ADD_A);
    assert_int_equal(health(fixture, 0).corrections, 2);
}

static void sessions_of_a_process_that_was_replaced_are_not_known(void **state)
{
    struct fixture *fixture = *state;
    join(fixture);
    fixture->fake->pid++;
    pass(fixture, S);
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_OUT);
    settle(fixture);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_OUT);
    assert_int_equal(member(fixture, "a").sessions, -1);
    fixture->fake->pid++;
    fixture->fake->count = 0;
    pass(fixture, S);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_OUT);
    assert_int_equal(member(fixture, "a").sessions, -1);
    pass(fixture, 61 * S);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_ABSENT);
}

static void what_is_refused_is_trouble(void **state)
{
    struct fixture *fixture = *state;
    fixture->fake->refusal = "Permission denied\n";
    use_haproxy(fixture, "");
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_IN);
    settle(fixture);
    assert_false(health(fixture, 0).answers);
    assert_string_equal(health(fixture, 0).trouble, "HAProxy says: Permission denied");
    assert_string_equal(member(fixture, "a").trouble, "HAProxy says: Permission denied");
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_ABSENT);
    fixture->fake->refusal = NULL;
    pass(fixture, S);
    assert_true(health(fixture, 0).answers);
    assert_string_equal(member(fixture, "a").trouble, "");
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_IN);
}

static void strays_go_when_all_pods_are_known(void **state)
{
    struct fixture *fixture = *state;
    fake_add(fixture->fake, "shop:web:old", "10.0.0.9", 80)->admin = 0;
    fake_add(fixture->fake, "static", "10.0.0.8", 80)->admin = 0;
    join(fixture);
    pass(fixture, 5 * S);
    assert_told(fixture, "");
    sl_balancers_complete(fixture->balancers);
    pass(fixture, S);
    assert_told(fixture, "set server web/shop:web:old weight 0%; set server web/shop:web:old state "
                         "drain; set server web/shop:web:old state maint; del server "
                         "web/shop:web:old");
    assert_changed(fixture, "");
    assert_int_equal(fixture->fake->count, 2);
    pass(fixture, 5 * S);
    assert_told(fixture, "");
}

/* Its pods are still being planned, one after the other. */
static void a_policy_that_comes_later_has_time_to_say_what_it_wants(void **state)
{
    struct fixture *fixture = *state;
    sl_balancers_complete(fixture->balancers);
    fake_add(fixture->fake, "shop:web:a", "10.0.0.1", 80)->admin = 0;
    fake_add(fixture->fake, "shop:web:old", "10.0.0.9", 80)->admin = 0;
    fixture->fake->servers[0].weight = 100;
    fixture->fake->servers[0].operational = 2;
    use_haproxy(fixture, "");
    pass(fixture, 5 * S);
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_IN);
    pass(fixture, 4 * S);
    assert_told(fixture, "");
    pass(fixture, 3 * S);
    assert_int_equal(fixture->fake->count, 1);
    assert_int_equal(fixture->fake->servers[0].admin, 0);
}

static void a_slot_is_kept_and_given_to_the_next(void **state)
{
    struct fixture *fixture = *state;
    fake_add(fixture->fake, "web1", "127.0.0.1", 1);
    use_haproxy(fixture, "web");
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_IN);
    want(fixture, "b", "10.0.0.2", SL_WEIGHT_IN);
    settle(fixture);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_IN);
    assert_int_equal(member(fixture, "b").state, SL_MEMBER_ABSENT);
    assert_false(health(fixture, 0).answers);
    assert_non_null(strstr(health(fixture, 0).trouble, "are taken"));
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_OUT); /* for an upgrade: its slot stays its own */
    pass(fixture, 5 * S);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_OUT);
    assert_int_equal(member(fixture, "b").state, SL_MEMBER_ABSENT);
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_GONE);
    pass(fixture, S);
    assert_int_equal(member(fixture, "b").state, SL_MEMBER_IN);
    assert_string_equal(fixture->fake->servers[0].address, "10.0.0.2");
    assert_true(health(fixture, 0).answers);
}

static void a_balancer_that_the_policy_has_no_more_is_emptied_and_given_up(void **state)
{
    struct fixture *fixture = *state;
    sl_balancers_complete(fixture->balancers);
    join(fixture);
    sl_balancers_policy(fixture->balancers, SL_STR("shop"), SL_STR("web"), NULL, fixture->now);
    struct sl_balancer_health none;
    assert_false(sl_balancers_health(fixture->balancers, 0, &none));
    pass(fixture, S);
    assert_int_equal(fixture->fake->count, 0);
    pass(fixture, 10 * S);
    assert_true(sl_balancers_due(fixture->balancers) == INT64_MAX);
}

static void one_that_does_not_answer_is_given_up_after_a_minute(void **state)
{
    struct fixture *fixture = *state;
    sl_balancers_complete(fixture->balancers);
    join(fixture);
    fake_stop(fixture->fake);
    sl_balancers_policy(fixture->balancers, SL_STR("shop"), SL_STR("web"), NULL, fixture->now);
    pass(fixture, 59 * S);
    assert_true(sl_balancers_due(fixture->balancers) < INT64_MAX);
    pass(fixture, 2 * S);
    assert_true(sl_balancers_due(fixture->balancers) == INT64_MAX);
}

static void a_policy_that_changes_keeps_the_balancers_that_stay(void **state)
{
    struct fixture *fixture = *state;
    join(fixture);
    struct sl_load_balancer balancers[] = {
        {.name = SL_STR("slb"), .has_external = true},
        haproxy(fixture, ""),
    };
    apply_policy(fixture, "web", balancers, 2);
    struct sl_member is;
    sl_balancers_member(fixture->balancers, SL_STR("shop"), SL_STR("web"), 1, "a", &is);
    assert_int_equal(is.state, SL_MEMBER_IN);
    assert_string_equal(health(fixture, 0).name, "slb");
    assert_string_equal(health(fixture, 0).kind, "external");
    assert_true(health(fixture, 0).answers);
    assert_int_equal(health(fixture, 0).sessions, -1);
    assert_string_equal(health(fixture, 1).kind, "haproxy");
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_IN); /* of the external one */
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_UNKNOWN);
    balancers[0] = haproxy(fixture, "");
    balancers[0].haproxy.port = 8080;
    apply_policy(fixture, "web", balancers, 1);
    pass(fixture, S);
    assert_told(fixture, "set server " A " addr 10.0.0.1 port 8080");
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_IN);
}

static void policies_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    join(fixture);
    struct sl_load_balancer slb = {.name = SL_STR("slb"), .has_external = true};
    apply_policy(fixture, "a", &slb, 1);
    apply_policy(fixture, "z", &slb, 1);
    assert_string_equal(health(fixture, 0).policy, "a");
    assert_string_equal(health(fixture, 1).policy, "web");
    assert_string_equal(health(fixture, 2).policy, "z");
    struct sl_member is;
    sl_balancers_member(fixture->balancers, SL_STR("shop"), SL_STR("web"), 1, "a", &is);
    assert_int_equal(is.state, SL_MEMBER_UNKNOWN);
    sl_balancers_policy(fixture->balancers, SL_STR("shop"), SL_STR("a"), NULL, fixture->now);
    turn(fixture);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_IN);
}

/* By another address, as when a policy is edited from IP address to name. */
static void the_same_haproxy_at_another_address_keeps_its_servers(void **state)
{
    struct fixture *fixture = *state;
    char other[96];
    (void)snprintf(other, sizeof other, "unix://%s/../%s/api", fixture->fake->directory,
                   fixture->fake->directory + strlen("/tmp/"));
    sl_balancers_complete(fixture->balancers);
    join(fixture);
    struct sl_load_balancer balancer = haproxy(fixture, "");
    balancer.haproxy.address = sl_str_from(other);
    apply_policy(fixture, "web", &balancer, 1);
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_IN);
    pass(fixture, 5 * S);
    assert_told(fixture, "");
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_IN);
    assert_string_equal(fixture->corrected.len == 0 ? "" : fixture->corrected.data, "");
    struct sl_balancer_health second;
    assert_false(sl_balancers_health(fixture->balancers, 1, &second));
}

static void two_policies_do_not_have_the_same_slots(void **state)
{
    struct fixture *fixture = *state;
    fake_add(fixture->fake, "web1", "127.0.0.1", 1);
    sl_balancers_complete(fixture->balancers);
    use_haproxy(fixture, "web");
    struct sl_load_balancer balancer = haproxy(fixture, "web");
    apply_policy(fixture, "api", &balancer, 1);
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_IN);
    pass(fixture, 5 * S);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_IN);
    assert_true(health(fixture, 1).answers);
    assert_false(health(fixture, 0).answers); /* the one that came later */
    assert_string_equal(health(fixture, 0).trouble,
                        "the servers of the template \"web\" in backend \"web\" are those of "
                        "TrafficPolicy shop/web already: give each policy a template of its own");
    sl_buf_reset(&fixture->fake->log);
    sl_balancers_policy(fixture->balancers, SL_STR("shop"), SL_STR("api"), NULL, fixture->now);
    pass(fixture, 5 * S);
    assert_told(fixture, "");
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_IN);
}

static void answers_in_single_bytes_are_read(void **state)
{
    struct fixture *fixture = *state;
    fixture->fake->bytewise = true;
    join(fixture);
}

static void nonsense_and_silence_are_trouble(void **state)
{
    static const struct {
        const char *sent, *trouble;
    } rows[] = {
        {"", "does not answer within 2 s"},
        {"SSH-2.0-OpenSSH_9.2p1\r\n", "does not answer within 2 s"},
        {"\n> a\n> b\n> ", "\"show servers state\" is answered with \"b\""},
    };
    struct fixture *fixture = *state;
    use_haproxy(fixture, "");
    want(fixture, "a", "10.0.0.1", SL_WEIGHT_IN);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fixture->fake->nonsense = rows[i].sent;
        pass(fixture, 12 * S);
        assert_false(health(fixture, 0).answers);
        assert_non_null(strstr(health(fixture, 0).trouble, rows[i].trouble));
        assert_int_equal(member(fixture, "a").state, SL_MEMBER_UNKNOWN);
    }
    fixture->fake->nonsense = NULL;
    pass(fixture, 4 * S);
    assert_int_equal(member(fixture, "a").state, SL_MEMBER_IN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_member_joins_in_one_look_and_is_looked_at_every_second),
        TEST(a_drain_is_looked_at_ten_times_a_second_until_the_sessions_ended),
        TEST(one_that_was_told_to_serve_is_not_believed_to_be_out_still),
        TEST(who_is_forgotten_goes_when_its_sessions_ended),
        TEST(who_is_forgotten_is_out_of_the_way_after_a_minute),
        TEST(a_pod_that_is_forgotten_while_nothing_answers_is_so_after_a_minute),
        TEST(one_that_does_not_answer_knows_nothing_and_is_tried_again_soon),
        TEST(what_somebody_else_changed_is_put_back_and_counted),
        TEST(sessions_of_a_process_that_was_replaced_are_not_known),
        TEST(what_is_refused_is_trouble),
        TEST(strays_go_when_all_pods_are_known),
        TEST(a_policy_that_comes_later_has_time_to_say_what_it_wants),
        TEST(a_slot_is_kept_and_given_to_the_next),
        TEST(a_balancer_that_the_policy_has_no_more_is_emptied_and_given_up),
        TEST(one_that_does_not_answer_is_given_up_after_a_minute),
        TEST(a_policy_that_changes_keeps_the_balancers_that_stay),
        TEST(policies_are_told_apart),
        TEST(the_same_haproxy_at_another_address_keeps_its_servers),
        TEST(two_policies_do_not_have_the_same_slots),
        TEST(answers_in_single_bytes_are_read),
        TEST(nonsense_and_silence_are_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
