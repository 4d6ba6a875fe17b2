/* kube/events.c with series.c: what is sent, when, and what is forgotten. The client is played
 * here: requests are kept until the test answers them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/jscan.h"
#include "kube/events.h"
#include "kube/series.h"

#define S SL_NS_PER_S
#define WALL (INT64_C(1795262400) * S) /* 2026-11-21T12:00:00Z */

/* --- the client's part, in place of client.c --- */

static struct {
    uint64_t sent, answered, cancelled;
    enum sl_verb verb; /* of the last one */
    char path[512];    /* namespace/name */
    char body[8192];
    void *tag;
} wire;

uint64_t sl_client_send(struct sl_client *client, const struct sl_request *request, void *tag,
                        int64_t now)
{
    (void)client;
    (void)now;
    wire.verb = request->verb;
    wire.tag = tag;
    (void)snprintf(wire.path, sizeof wire.path, "%.*s/%.*s", SL_STR_FMT(request->ns),
                   SL_STR_FMT(request->name));
    (void)snprintf(wire.body, sizeof wire.body, "%.*s", SL_STR_FMT(request->body));
    assert_int_equal(sl_jscan(request->body, NULL, NULL, NULL, NULL), 0);
    return ++wire.sent;
}

void sl_client_cancel(struct sl_client *client, uint64_t id)
{
    (void)client;
    assert_in_range(id, wire.answered + 1, wire.sent);
    wire.cancelled++;
}

/* --- events, and a clock --- */

static struct sl_events *events;
static int64_t now;

static int open_events(void **state)
{
    (void)state;
    memset(&wire, 0, sizeof wire);
    now = 5000 * S;
    events = sl_events_open(
        &(struct sl_events_options){.controller = "sluice.dev/reconciler", .instance = "sluice-0"});
    return 0;
}

static int close_events(void **state)
{
    (void)state;
    sl_events_close(events);
    assert_int_equal(wire.cancelled, wire.sent - wire.answered);
    return 0;
}

static struct sl_event event_about(const char *name)
{
    return (struct sl_event){.api_version = "sluice.dev/v1alpha1",
                             .kind = "Rollout",
                             .ns = "shop",
                             .name = name,
                             .uid = "u-1",
                             .resource_version = "7",
                             .reason = "BatchReady",
                             .action = "Roll",
                             .note = "batch 1 of 3 is \"ready\""};
}

static void emit(const struct sl_event *event)
{
    sl_events_emit(events, event, now, WALL + now);
}

/* Lets the time come at which `now` is; returns how many requests were sent. */
static uint64_t turn(void)
{
    uint64_t before = wire.sent;
    sl_events_turn(events, now, WALL + now);
    return wire.sent - before;
}

static void answer(enum sl_err_kind kind)
{
    struct sl_reply reply = {.id = ++wire.answered, .verb = wire.verb, .err = {.kind = kind}};
    sl_events_reply(events, &reply, now);
}

static void an_event_is_written_as_the_api_wants_it(void **state)
{
    (void)state;
    struct sl_event event = event_about("web");
    now = 0;
    emit(&event);
    assert_int_equal(turn(), 1);
    assert_int_equal(wire.verb, SL_CREATE_OBJECT);
    assert_string_equal(wire.path, "shop/");
    assert_ptr_equal(wire.tag, events);
    assert_string_equal(
        wire.body,
        "{\"apiVersion\":\"events.k8s.io/v1\",\"kind\":\"Event\",\"metadata\":{\"namespace\":"
        "\"shop\",\"name\":\"web.18ea0da41e9d8000\"},\"eventTime\":\"2026-11-21T12:00:00.000000Z\","
        "\"type\":\"Normal\",\"reason\":\"BatchReady\",\"action\":\"Roll\","
        "\"note\":\"batch 1 of 3 is \\\"ready\\\"\","
        "\"reportingController\":\"sluice.dev/reconciler\",\"reportingInstance\":\"sluice-0\","
        "\"regarding\":{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"Rollout\","
        "\"namespace\":\"shop\",\"name\":\"web\",\"uid\":\"u-1\",\"resourceVersion\":\"7\"}}");
}

static void texts_are_cut_where_the_api_cuts_them(void **state)
{
    (void)state;
    static char note[1100];
    static char name[254];
    memset(note, 'n', sizeof note - 1);
    note[1023] = '\xc3'; /* a character that would end behind 1024 bytes */
    note[1024] = '\xa9';
    memset(name, 'a', sizeof name - 1);
    struct sl_event event = event_about(name);
    event.note = note;
    event.warning = true;
    event.ns = "";
    emit(&event);
    assert_int_equal(turn(), 1);
    assert_string_equal(wire.path, "default/");
    const char *at = strstr(wire.body, "\"note\":\"");
    assert_non_null(at);
    assert_int_equal(strspn(at + 8, "n"), 1023);
    assert_int_equal(at[8 + 1023], '"');
    at = strstr(wire.body, "\"name\":\"");
    assert_int_equal(strspn(at + 8, "a"), 236);
    assert_int_equal(strcspn(at + 8, "\""), 253);
    assert_non_null(strstr(wire.body, "\"type\":\"Warning\""));
}

static void the_same_again_is_counted_in_the_first(void **state)
{
    (void)state;
    struct sl_event event = event_about("web");
    emit(&event);
    event.note = "another sentence";
    event.resource_version = "8";
    emit(&event); /* before the first was even sent */
    assert_int_equal(turn(), 1);
    answer(SL_ERR_NONE);
    now += 10 * S;
    emit(&event);
    assert_int_equal(turn(), 0);
    assert_int_equal(sl_events_due(events), 5000 * S + 30 * S);
    now = sl_events_due(events);
    assert_int_equal(turn(), 1);
    assert_int_equal(wire.verb, SL_PATCH_OBJECT);
    assert_int_equal(strncmp(wire.path, "shop/web.", 9), 0);
    assert_string_equal(wire.body, "{\"series\":{\"count\":3,\"lastObservedTime\":"
                                   "\"2026-11-21T13:23:30.000000Z\"}}");
    answer(SL_ERR_NONE);
    assert_int_equal(sl_events_due(events), INT64_MAX);
    for (int i = 0; i < 100; i++) { /* however often: one request in 30 s */
        now += S;
        emit(&event);
        if (turn() > 0) {
            answer(SL_ERR_NONE);
        }
    }
    assert_in_range(wire.sent, 5, 6);
}

static void another_event_is_a_first_of_its_own(void **state)
{
    (void)state;
    struct sl_event event = event_about("web");
    emit(&event);
    for (int i = 0; i < 4; i++) {
        struct sl_event other = event;
        other.warning = i == 0;
        other.reason = i == 1 ? "Other" : event.reason;
        other.action = i == 2 ? "Other" : event.action;
        other.uid = i == 3 ? "u-2" : event.uid;
        emit(&other);
    }
    uint64_t sent = turn();
    assert_int_equal(sent, 4); /* at a time */
    assert_int_equal(sl_events_due(events), INT64_MAX);
    answer(SL_ERR_NONE);
    assert_int_equal(turn(), 1);
    now += 360 * S; /* the series is over */
    for (int i = 0; i < 4; i++) {
        answer(SL_ERR_NONE);
    }
    emit(&event);
    assert_int_equal(turn(), 1);
    assert_int_equal(wire.verb, SL_CREATE_OBJECT);
}

static void two_names_are_never_alike(void **state)
{
    (void)state;
    char first[8192];
    struct sl_event event = event_about("web");
    emit(&event);
    assert_int_equal(turn(), 1);
    memcpy(first, wire.body, sizeof first);
    event.reason = "Other";
    emit(&event);
    assert_int_equal(turn(), 1);
    const char *name = strstr(wire.body, "\"name\":\"web.");
    assert_non_null(name);
    assert_memory_not_equal(name, strstr(first, "\"name\":\"web."), 28);
}

static void what_cannot_be_written_is_counted_and_forgotten(void **state)
{
    (void)state;
    struct sl_event event = event_about("web");
    emit(&event);
    assert_int_equal(turn(), 1);
    answer(SL_ERR_TRANSIENT);
    assert_int_equal(sl_events_lost(events), 1);
    assert_int_equal(sl_events_due(events), INT64_MAX);
    emit(&event);
    assert_int_equal(turn(), 1);
    assert_int_equal(wire.verb, SL_CREATE_OBJECT); /* the first was never there */
    answer(SL_ERR_NONE);
    emit(&event);
    now += 30 * S;
    assert_int_equal(turn(), 1);
    assert_int_equal(wire.verb, SL_PATCH_OBJECT);
    answer(SL_ERR_NOT_FOUND); /* its hour has passed */
    assert_int_equal(sl_events_lost(events), 2);
    emit(&event);
    assert_int_equal(turn(), 1);
    assert_int_equal(wire.verb, SL_CREATE_OBJECT);
}

static void at_most_256_wait(void **state)
{
    (void)state;
    char name[32];
    for (unsigned i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "web-%u", i);
        struct sl_event event = event_about(name);
        emit(&event);
    }
    assert_int_equal(sl_events_lost(events), 300 - 256);
    while (turn() > 0) {
        while (wire.answered < wire.sent) {
            answer(SL_ERR_NONE);
        }
    }
    assert_int_equal(wire.sent, 256);
}

static void the_series_of_late_are_bounded(void **state)
{
    (void)state;
    char name[32];
    struct sl_event event = event_about("web");
    emit(&event);
    for (unsigned i = 0; i <= SL_SERIES_MAX; i++) {
        if (turn() > 0) {
            answer(SL_ERR_NONE);
        }
        (void)snprintf(name, sizeof name, "other-%u", i);
        struct sl_event other = event_about(name);
        emit(&other);
    }
    assert_int_equal(turn(), 1);
    answer(SL_ERR_NONE);
    emit(&event); /* forgotten: a first again */
    assert_int_equal(turn(), 1);
    assert_int_equal(wire.verb, SL_CREATE_OBJECT);
    assert_int_equal(sl_events_lost(events), 0);
}

int main(void)
{
#define EVENTS_TEST(name) cmocka_unit_test_setup_teardown(name, open_events, close_events)
    const struct CMUnitTest tests[] = {
        EVENTS_TEST(an_event_is_written_as_the_api_wants_it),
        EVENTS_TEST(texts_are_cut_where_the_api_cuts_them),
        EVENTS_TEST(the_same_again_is_counted_in_the_first),
        EVENTS_TEST(another_event_is_a_first_of_its_own),
        EVENTS_TEST(two_names_are_never_alike),
        EVENTS_TEST(what_cannot_be_written_is_counted_and_forgotten),
        EVENTS_TEST(at_most_256_wait),
        EVENTS_TEST(the_series_of_late_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
