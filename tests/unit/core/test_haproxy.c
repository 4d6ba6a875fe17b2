/* What HAProxy says it has, and what it is told then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/balancers/haproxy.h"

#define STATE_HEADER                                                                               \
    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight "        \
    "srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health "   \
    "srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord "  \
    "srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n"
#define STAT_HEADER "# pxname,svname,qcur,qmax,scur,smax,status,check_status,check_desc,last_chk,\n"

struct fixture {
    struct sl_arena arena;
    struct sl_buf state, stat;
    struct sl_haproxy_view view;
};

static int setup(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof *fixture);
    fixture->state = (struct sl_buf)SL_BUF_INIT(SL_MIB);
    fixture->stat = (struct sl_buf)SL_BUF_INIT(SL_MIB);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sl_arena_cleanup(&fixture->arena);
    sl_buf_cleanup(&fixture->state);
    sl_buf_cleanup(&fixture->stat);
    test_free(fixture);
    return 0;
}

/* A server: "name address port op admin weight initial checks sessions"; several behind each
 * other, with ", " in between. */
static void servers(struct fixture *fixture, const char *text)
{
    sl_buf_reset(&fixture->state);
    sl_buf_reset(&fixture->stat);
    sl_buf_adds(&fixture->state, STATE_HEADER);
    sl_buf_adds(&fixture->stat, STAT_HEADER);
    while (text[0] != '\0') {
        char name[64] = "";
        char address[64] = "";
        int port = 0;
        int operational = 0;
        int admin = 0;
        int weight = 0;
        int initial = 0;
        int checks = 0;
        int sessions = 0;
        int length = 0;
        /* NOLINTNEXTLINE(cert-err34-c): of this file's own texts, and the count is looked at */
        assert_int_equal(sscanf(text, "%63s %63s %d %d %d %d %d %d %d%n", name, address, &port,
                                &operational, &admin, &weight, &initial, &checks, &sessions,
                                &length),
                         9);
        sl_buf_addf(&fixture->state,
                    "3 web 1 %s %s %d %d %d %d 5 6 3 4 %d 0 0 0 - %d - 0 0 - - 0\n", name, address,
                    operational, admin, weight, initial, checks, port);
        sl_buf_addf(&fixture->stat, "web,%s,0,0,%d,9,UP,L4CON,\"Layer4, \"\"down\"\"\",refused,\n",
                    name, sessions);
        text += length;
        text += strspn(text, ", ");
    }
    struct sl_str backend = SL_STR("web");
    assert_int_equal(sl_haproxy_read_state(sl_buf_str(&fixture->state), backend, &fixture->arena,
                                           &fixture->view, NULL),
                     0);
    assert_int_equal(
        sl_haproxy_read_stat(sl_buf_str(&fixture->stat), &fixture->arena, &fixture->view, NULL), 0);
}

static const char *commands_of(struct fixture *fixture, const struct sl_haproxy_plan *plan)
{
    const char *all = "";
    for (size_t i = 0; i < plan->command_count; i++) {
        all = sl_arena_printf(&fixture->arena, "%s%s%s", all, i == 0 ? "" : "; ",
                              plan->commands[i].text);
    }
    return all;
}

struct row {
    const char *what;
    const char *servers;
    struct sl_haproxy_want want;
    const char *commands;
    const char *differs; /* NULL: nothing */
    const char *trouble;
    int64_t sessions;
    enum sl_member_state state;
    bool done;
};

#define WANT(address_, weight_)                                                                    \
    {                                                                                              \
        .pod = "a", .address = (address_), .weight = (weight_)                                     \
    }
#define GONE(lingered_)                                                                            \
    {                                                                                              \
        .pod = "a", .address = "10.0.0.1", .weight = SL_WEIGHT_GONE, .lingered = (lingered_)       \
    }
#define S "web/shop:web:a"

static const struct row dynamic_rows[] = {
    {"one that is not there is added", "", WANT("10.0.0.1", 100),
     "add server " S " 10.0.0.1:80 check inter 1s fastinter 200ms weight 100; enable health " S
     "; set server " S " state ready",
     "no server", "", 0, SL_MEMBER_ABSENT, false},
    {"an IPv6 address stands in brackets", "", WANT("fd00::1", 100),
     "add server " S " [fd00::1]:80 check inter 1s fastinter 200ms weight 100; enable health " S
     "; set server " S " state ready",
     "no server", "", 0, SL_MEMBER_ABSENT, false},
    {"one without an address is not added", "", WANT("", 100), "", NULL, "", 0, SL_MEMBER_ABSENT,
     true},
    {"one that is as wanted is left alone", "shop:web:a 10.0.0.1 80 2 0 100 100 6 3",
     WANT("10.0.0.1", 100), "", NULL, "", 3, SL_MEMBER_IN, true},
    {"an IPv6 address has many texts", "shop:web:a fd00::1 80 2 0 100 100 6 3",
     WANT("fd00:0::1", 100), "", NULL, "", 3, SL_MEMBER_IN, true},
    {"one whose weight still grows is in", "shop:web:a 10.0.0.1 80 1 0 100 100 6 0",
     WANT("10.0.0.1", 100), "", NULL, "", 0, SL_MEMBER_IN, true},
    {"one in maintenance is made ready last", "shop:web:a 10.0.0.2 80 0 1 0 100 6 0",
     WANT("10.0.0.1", 100),
     "set server " S " weight 100%; set server " S " addr 10.0.0.1 port 80; set server " S
     " state ready",
     "address 10.0.0.2 port 80", "", -1, SL_MEMBER_ABSENT, false},
    {"another weight is put right", "shop:web:a 10.0.0.1 80 2 0 50 1 6 2", WANT("10.0.0.1", 100),
     "set server " S " weight 100", "weight 50", "", 2, SL_MEMBER_IN, false},
    {"one that is drained is made ready", "shop:web:a 10.0.0.1 80 2 8 100 100 6 2",
     WANT("10.0.0.1", 100), "set server " S " state ready", "state drain", "", 2, SL_MEMBER_OUT,
     false},
    {"checks that are not made are started", "shop:web:a 10.0.0.1 80 2 0 100 100 2 2",
     WANT("10.0.0.1", 100), "enable health " S, NULL, "", 2, SL_MEMBER_IN, false},
    {"one whose checks fail is out, and no command helps", "shop:web:a 10.0.0.1 80 0 0 100 100 6 0",
     WANT("10.0.0.1", 100), "", NULL, "HAProxy's checks of it fail: L4CON refused", 0,
     SL_MEMBER_OUT, false},
    {"one that HAProxy keeps out is not fought for", "shop:web:a 10.0.0.1 80 0 2 100 100 6 0",
     WANT("10.0.0.1", 100), "", NULL,
     "HAProxy itself keeps its server in maintenance: it tracks another server, or waits for a "
     "name "
     "to resolve",
     0, SL_MEMBER_OUT, false},

    {"one that is not there need not be drained", "", WANT("10.0.0.1", 0), "", NULL, "", 0,
     SL_MEMBER_ABSENT, true},
    {"one that serves is drained", "shop:web:a 10.0.0.1 80 2 0 100 100 6 3", WANT("10.0.0.1", 0),
     "set server " S " weight 0%; set server " S " state drain", "state ready", "", 3, SL_MEMBER_IN,
     false},
    {"one that is drained is waited for", "shop:web:a 10.0.0.1 80 2 8 0 100 6 3",
     WANT("10.0.0.1", 0), "", NULL, "", 3, SL_MEMBER_OUT, false},
    {"one that is drained and has no session is known to have none in maintenance alone",
     "shop:web:a 10.0.0.1 80 2 8 0 100 6 0", WANT("10.0.0.1", 0), "set server " S " state maint",
     NULL, "", -1, SL_MEMBER_OUT, false},
    {"one of which nothing is told may have sessions", "shop:web:a 10.0.0.1 80 2 8 0 100 6 -1",
     WANT("10.0.0.1", 0), "", NULL, "", -1, SL_MEMBER_OUT, false},
    {"a session that came in between is waited for", "shop:web:a 10.0.0.1 80 0 1 0 100 6 1",
     WANT("10.0.0.1", 0), "", NULL, "", 1, SL_MEMBER_OUT, false},
    {"one in maintenance without a session is out", "shop:web:a 10.0.0.1 80 0 1 0 100 6 0",
     WANT("10.0.0.1", 0), "", NULL, "", 0, SL_MEMBER_OUT, true},
    {"one that lost its address is taken out", "shop:web:a 10.0.0.1 80 2 0 100 100 6 0",
     WANT("", 100), "set server " S " weight 0%; set server " S " state drain", "state ready", "",
     0, SL_MEMBER_IN, false},

    {"one that is to be gone is drained first", "shop:web:a 10.0.0.1 80 2 0 100 100 6 3",
     GONE(false), "set server " S " weight 0%; set server " S " state drain", "state ready", "", 3,
     SL_MEMBER_IN, false},
    {"it is deleted in maintenance", "shop:web:a 10.0.0.1 80 0 1 0 100 6 0", GONE(false),
     "del server " S, NULL, "", 0, SL_MEMBER_OUT, false},
    {"and not while it has a session", "shop:web:a 10.0.0.1 80 0 1 0 100 6 1", GONE(false), "",
     NULL, "", 1, SL_MEMBER_OUT, false},
    {"unless it lingered", "shop:web:a 10.0.0.1 80 0 1 0 100 6 1", GONE(true), "del server " S,
     NULL, "", 1, SL_MEMBER_OUT, false},
    {"one that lingered goes to maintenance at once", "shop:web:a 10.0.0.1 80 2 0 100 100 6 1",
     GONE(true), "set server " S " state maint", NULL, "", 1, SL_MEMBER_IN, false},
    {"one that is gone is", "shop:web:b 10.0.0.1 80 2 0 100 100 6 1", GONE(false), "", NULL, "", 0,
     SL_MEMBER_ABSENT, true},
};

#define IN_SLOT(address_, weight_, place_)                                                         \
    {                                                                                              \
        .pod = "a", .address = (address_), .weight = (weight_), .place = (place_)                  \
    }
#define TEMPLATE "web1 127.0.0.1 1 0 5 1 100 14 0, web2 127.0.0.1 1 0 5 1 100 14 0"

static const struct row slot_rows[] = {
    {"a free slot is taken", TEMPLATE, WANT("10.0.0.1", 100),
     "set server web/web1 weight 100%; set server web/web1 addr 10.0.0.1 port 80; set server "
     "web/web1 state ready",
     "address 127.0.0.1 port 1", "", -1, SL_MEMBER_ABSENT, false},
    {"after a restart of HAProxy the one that it had", TEMPLATE, IN_SLOT("10.0.0.1", 100, "web2"),
     "set server web/web2 weight 100%; set server web/web2 addr 10.0.0.1 port 80; set server "
     "web/web2 state ready",
     "address 127.0.0.1 port 1", "", -1, SL_MEMBER_ABSENT, false},
    {"after a restart of Sluice the one at its address",
     "web1 127.0.0.1 1 0 5 1 100 14 0, web2 10.0.0.1 80 2 4 100 100 6 2", WANT("10.0.0.1", 100), "",
     NULL, "", 2, SL_MEMBER_IN, true},
    {"the one at its address that serves, of two",
     "web1 10.0.0.1 80 0 5 1 100 14 0, web2 10.0.0.1 80 2 4 100 100 6 2", WANT("10.0.0.1", 100), "",
     NULL, "", 2, SL_MEMBER_IN, true},
    {"one with sessions is not free",
     "web1 127.0.0.1 1 0 5 1 100 14 1, web2 127.0.0.1 1 0 5 100 100 14 0", WANT("10.0.0.1", 100),
     "set server web/web2 addr 10.0.0.1 port 80; set server web/web2 state ready",
     "address 127.0.0.1 port 1", "", -1, SL_MEMBER_ABSENT, false},
    {"one that serves is not free, nor is what only begins like one",
     "web1 10.0.0.9 80 2 0 100 100 6 0, web 127.0.0.1 1 0 5 1 1 14 0, web1x 127.0.0.1 1 0 5 1 1 14 "
     "0",
     WANT("10.0.0.1", 100), "", NULL,
     "all 1 servers of the template \"web\" in backend \"web\" are taken: raise its count in "
     "HAProxy's configuration",
     0, SL_MEMBER_ABSENT, false},
    {"a backend without the template", "other 127.0.0.1 1 0 5 1 1 14 0", WANT("10.0.0.1", 100), "",
     NULL,
     "backend \"web\" has no server \"web1\": give it \"server-template web COUNT …\" in "
     "HAProxy's configuration",
     0, SL_MEMBER_ABSENT, false},
    {"one that leaves has the slot at its address", "web1 10.0.0.1 80 2 0 100 100 6 1",
     WANT("10.0.0.1", 0), "set server web/web1 weight 0%; set server web/web1 state drain",
     "state ready", "", 1, SL_MEMBER_IN, false},
    {"one that leaves does not have what it had before", "web1 10.0.0.9 80 2 0 100 100 6 1",
     IN_SLOT("10.0.0.1", 0, "web1"), "", NULL, "", 0, SL_MEMBER_ABSENT, true},
    {"checks of a slot are the configuration's", "web1 10.0.0.1 80 2 0 100 100 2 1",
     WANT("10.0.0.1", 100), "", NULL, "", 1, SL_MEMBER_IN, true},
    {"a slot is freed by maintenance", "web1 10.0.0.1 80 2 8 0 100 6 0", GONE(false),
     "set server web/web1 state maint", NULL, "", -1, SL_MEMBER_OUT, false},
    {"and is free then", "web1 10.0.0.1 80 0 1 0 100 6 0", GONE(false), "", NULL, "", 0,
     SL_MEMBER_OUT, true},
};

static void check_row(struct fixture *fixture, const struct row *row, const char *template)
{
    const struct sl_haproxy_side side = {
        .ns = SL_STR("shop"),
        .policy = SL_STR("web"),
        .backend = SL_STR("web"),
        .server_template = sl_str_from(template),
        .port = 80,
    };
    struct sl_haproxy_plan plan;
    servers(fixture, row->servers);
    sl_haproxy_plan(&side, &fixture->view, &row->want, 1, &fixture->arena, &plan);
    const struct sl_haproxy_finding *finding = &plan.findings[0];
    print_message("         %s\n", row->what);
    assert_string_equal(commands_of(fixture, &plan), row->commands);
    assert_int_equal(finding->state, row->state);
    assert_int_equal(finding->sessions, row->sessions);
    assert_int_equal(finding->done, row->done);
    assert_string_equal(finding->differs == NULL ? "-" : finding->differs,
                        row->differs == NULL ? "-" : row->differs);
    assert_string_equal(finding->trouble, row->trouble);
}

static void members_with_servers_of_their_own(void **state)
{
    for (size_t i = 0; i < sizeof dynamic_rows / sizeof dynamic_rows[0]; i++) {
        check_row(*state, &dynamic_rows[i], "");
    }
}

static void members_in_slots(void **state)
{
    for (size_t i = 0; i < sizeof slot_rows / sizeof slot_rows[0]; i++) {
        check_row(*state, &slot_rows[i], "web");
    }
}

static void a_server_is_not_in_before_its_first_check(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *check;
        int checks; /* srv_check_state */
        enum sl_member_state state;
    } rows[] = {
        {"INI", 6, SL_MEMBER_UNKNOWN}, {"* INI", 7, SL_MEMBER_UNKNOWN}, {"L7OK", 6, SL_MEMBER_IN},
        {"* L7OK", 7, SL_MEMBER_IN},   {"INI", 2, SL_MEMBER_IN}, /* a slot may have none */
    };
    const struct sl_haproxy_side side = {.ns = SL_STR("shop"),
                                         .policy = SL_STR("web"),
                                         .backend = SL_STR("web"),
                                         .server_template = SL_STR("web"),
                                         .port = 80};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_haproxy_server server = {.name = SL_STR("web1"),
                                           .address = SL_STR("10.0.0.1"),
                                           .port = 80,
                                           .operational = 2,
                                           .weight = 100,
                                           .initial_weight = 100,
                                           .checks = rows[i].checks,
                                           .check = sl_str_from(rows[i].check)};
        const struct sl_haproxy_view view = {.servers = &server, .count = 1};
        struct sl_haproxy_want in = WANT("10.0.0.1", SL_WEIGHT_IN);
        struct sl_haproxy_want out = WANT("10.0.0.1", SL_WEIGHT_OUT);
        struct sl_haproxy_plan plan;
        sl_haproxy_plan(&side, &view, &in, 1, &fixture->arena, &plan);
        assert_int_equal(plan.findings[0].state, rows[i].state);
        assert_true(plan.findings[0].done == (rows[i].state == SL_MEMBER_IN));
        assert_int_equal(plan.command_count, 0);
        sl_haproxy_plan(&side, &view, &out, 1, &fixture->arena, &plan);
        assert_int_equal(plan.findings[0].state, SL_MEMBER_IN); /* it sends it requests */
    }
}

static void a_pod_that_came_again_has_the_server_of_its_name(void **state)
{
    struct fixture *fixture = *state;
    const struct sl_haproxy_side side = {.ns = SL_STR("shop"),
                                         .policy = SL_STR("web"),
                                         .backend = SL_STR("web"),
                                         .port = 80,
                                         .complete = true};
    const struct sl_haproxy_want wants[] = {GONE(false), WANT("10.0.0.2", 100)};
    struct sl_haproxy_plan plan;
    servers(fixture, "shop:web:a 10.0.0.1 80 0 1 0 100 6 0");
    sl_haproxy_plan(&side, &fixture->view, wants, 2, &fixture->arena, &plan);
    assert_true(plan.findings[0].done);
    assert_string_equal(commands_of(fixture, &plan),
                        "set server " S " weight 100%; set server " S
                        " addr 10.0.0.2 port 80; set server " S " state ready");
    assert_int_equal(plan.commands[0].want, 1);
    assert_int_equal(plan.stray_count, 0);
}

static void only_what_is_the_policys_is_a_stray(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *template, *strays;
        bool complete;
    } rows[] = {
        {"", "shop:web:old shop:web:rest ", true},
        {"", "", false},
        {"web", "web2 ", true},
        {"none", "", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sl_haproxy_side side = {.ns = SL_STR("shop"),
                                             .policy = SL_STR("web"),
                                             .backend = SL_STR("web"),
                                             .server_template = sl_str_from(rows[i].template),
                                             .port = 80,
                                             .complete = rows[i].complete};
        struct sl_haproxy_plan plan;
        servers(fixture,
                "shop:web:old 10.0.0.9 80 2 0 100 100 6 0, shop:web2:x 10.0.0.8 80 2 0 1 1 "
                "6 0, shop:web:x;quit 10.0.0.8 80 2 0 1 1 6 0, shop:web: 10.0.0.8 80 2 0 1 1 6 0, "
                "office:web:x 10.0.0.8 80 2 0 1 1 6 "
                "0, shop:web:rest 10.0.0.5 80 0 1 1 1 6 0, web1 10.0.0.7 80 0 5 1 1 6 0, web2 "
                "10.0.0.6 80 2 0 1 1 6 0");
        sl_haproxy_plan(&side, &fixture->view, NULL, 0, &fixture->arena, &plan);
        const char *strays = "";
        for (size_t k = 0; k < plan.stray_count; k++) {
            strays = sl_arena_printf(&fixture->arena, "%s%s ", strays, plan.strays[k]);
        }
        assert_string_equal(strays, rows[i].strays);
        assert_string_equal(commands_of(fixture, &plan), "");
    }
}

static void a_stray_goes_by_its_place(void **state)
{
    struct fixture *fixture = *state;
    const struct sl_haproxy_want want = {
        .pod = "web2", .address = "", .place = "web2", .weight = SL_WEIGHT_GONE, .stray = true};
    const struct sl_haproxy_side side = {.ns = SL_STR("shop"),
                                         .policy = SL_STR("web"),
                                         .backend = SL_STR("web"),
                                         .server_template = SL_STR("web"),
                                         .port = 80,
                                         .complete = true};
    struct sl_haproxy_plan plan;
    servers(fixture, "web1 10.0.0.7 80 0 5 1 1 6 0, web2 10.0.0.6 80 2 0 1 1 6 0");
    sl_haproxy_plan(&side, &fixture->view, &want, 1, &fixture->arena, &plan);
    assert_string_equal(commands_of(fixture, &plan),
                        "set server web/web2 weight 0%; set server web/web2 state drain");
    assert_int_equal(plan.stray_count, 0);
}

static void answers_that_are_none_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *answer;
        enum sl_err_kind kind;
        const char *says;
    } rows[] = {
        {"Can't find backend.\n", SL_ERR_NOT_FOUND, "it has no backend \"web\""},
        {"", SL_ERR_INVALID, "\"show servers state\" is answered with \"\""},
        {"Permission denied\n", SL_ERR_INVALID,
         "\"show servers state\" is answered with \"Permission denied\""},
        {"HTTP/1.1 400 Bad Request\r\n", SL_ERR_INVALID,
         "\"show servers state\" is answered with \"HTTP/1.1 400 Bad Request\""},
        {"1\n# be_id be_name srv_id\n", SL_ERR_INVALID,
         "\"show servers state\" is answered with \"1\""},
        {STATE_HEADER "3 web 1 a 10.0.0.1 2\n", SL_ERR_INVALID,
         "\"show servers state\" is answered with \"3 web 1 a 10.0.0.1 2\""},
        {STATE_HEADER "3 web 1 a 10.0.0.1 x 0 1 1 5 6 3 4 6 0 0 0 - 80 - 0 0 - - 0\n",
         SL_ERR_INVALID,
         "\"show servers state\" is answered with \"3 web 1 a 10.0.0.1 x 0 1 1 5 6 3 4 6 0 0 0 - "
         "80 "
         "- 0 0 - - 0\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_err err = SL_ERR_INIT;
        struct sl_haproxy_view view = {.backend_id = 77};
        assert_int_equal(sl_haproxy_read_state(sl_str_from(rows[i].answer), SL_STR("web"),
                                               &fixture->arena, &view, &err),
                         -1);
        assert_int_equal(err.kind, rows[i].kind);
        assert_string_equal(err.msg, rows[i].says);
        assert_int_equal(view.backend_id, 77);
    }
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(
        sl_haproxy_read_stat(SL_STR("No such proxy.\n"), &fixture->arena, &fixture->view, &err),
        -1);
    assert_string_equal(err.msg, "\"show stat\" is answered with \"No such proxy.\"");
}

static void servers_of_another_backend_are_not_looked_at(void **state)
{
    struct fixture *fixture = *state;
    static const char answer[] =
        STATE_HEADER "3 web 1 a 10.0.0.1 2 0 1 1 5 6 3 4 6 0 0 0 - 80 - 0 0 - - 0\n"
                     "4 other 1 b 10.0.0.1 2 0 1 1 5 6 3 4 6 0 0 0 - 80 - 0 0 - - 0\n\n";
    assert_int_equal(sl_haproxy_read_state(sl_str_from(answer), SL_STR("web"), &fixture->arena,
                                           &fixture->view, NULL),
                     0);
    assert_int_equal(fixture->view.count, 1);
    assert_int_equal(fixture->view.backend_id, 3);
    assert_int_equal(fixture->view.servers[0].sessions, -1);
}

static void sessions_are_those_that_are_served_and_those_that_wait(void **state)
{
    struct fixture *fixture = *state;
    servers(fixture, "a 10.0.0.1 80 2 0 1 1 6 0, b 10.0.0.1 80 2 0 1 1 6 0");
    assert_int_equal(sl_haproxy_read_stat(SL_STR(STAT_HEADER "web,b,2,0,3,0,UP,L7OK,fine,,\n"
                                                             "web,gone,1,0,1,0,UP,,,,\n"
                                                             "web,a,,,x\n"),
                                          &fixture->arena, &fixture->view, NULL),
                     0);
    assert_int_equal(fixture->view.servers[0].sessions, 0);
    assert_int_equal(fixture->view.servers[1].sessions, 5);
    assert_true(sl_str_is(fixture->view.servers[1].check, "L7OK fine"));
}

static void one_process_is_told_from_another(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *info, *process;
    } rows[] = {
        {"Name: HAProxy\nPid: 8\nUptime: 0d\nnode: vm\nStart_time_sec: 1795298722\n\n",
         "vm/8/1795298722"},
        {"Name: HAProxy\nPid: 8\n", "/8/"}, /* before 2.5 */
        {"Permission denied\n", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(sl_haproxy_read_process(sl_str_from(rows[i].info), &fixture->arena),
                            rows[i].process);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(members_with_servers_of_their_own, setup, teardown),
        cmocka_unit_test_setup_teardown(members_in_slots, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_is_not_in_before_its_first_check, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pod_that_came_again_has_the_server_of_its_name, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_what_is_the_policys_is_a_stray, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stray_goes_by_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_that_are_none_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(servers_of_another_backend_are_not_looked_at, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(sessions_are_those_that_are_served_and_those_that_wait,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(one_process_is_told_from_another, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
