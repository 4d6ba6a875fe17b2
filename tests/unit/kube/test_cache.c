/* kube/cache.c: what is asked for next, and what becomes of the store. The client is played here:
 * each test answers the one request that the cache has under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/cache.h"
#include "things.h"

/* --- the client's part, in place of client.c --- */

static struct {
    struct sl_stream stream;
    enum sl_verb verb;
    char query[1024];
    int64_t timeout;
    uint64_t id; /* 0: nothing is under way */
    unsigned sent;
} wire;

uint64_t sl_client_stream(struct sl_client *client, const struct sl_request *request,
                          const struct sl_stream *stream, int64_t now)
{
    (void)client;
    (void)now;
    assert_int_equal(wire.id, 0);
    wire.stream = *stream;
    wire.verb = request->verb;
    wire.timeout = request->timeout;
    (void)snprintf(wire.query, sizeof wire.query, "%.*s", SL_STR_FMT(request->query));
    wire.id = ++wire.sent;
    return wire.id;
}

void sl_client_cancel(struct sl_client *client, uint64_t id)
{
    (void)client;
    assert_int_equal(id, wire.id);
    wire.id = 0;
}

static void end_with(enum sl_err_kind kind, int64_t retry_after)
{
    struct sl_reply reply = {.id = wire.id,
                             .verb = wire.verb,
                             .status = kind == SL_ERR_NONE ? 200 : 500,
                             .err = {.kind = kind, .msg = "as the test says"},
                             .retry_after = retry_after};
    wire.id = 0;
    wire.stream.done(wire.stream.ctx, &reply);
}

static void say(const char *text)
{
    if (!wire.stream.data(wire.stream.ctx, sl_str_from(text))) {
        end_with(SL_ERR_INTERNAL, 0);
    }
}

static void answer(const char *text)
{
    say(text);
    end_with(SL_ERR_NONE, 0);
}

/* --- one cache, and a clock --- */

struct fixture {
    struct sl_cache *cache;
    struct sl_buf notes;
    int64_t now;
};

static int decode(void *ctx, struct sl_str json, struct sl_record **ret_record, struct sl_err *err)
{
    return thing_decode(ctx, json, ret_record, err);
}

static void note_change(void *ctx, const struct sl_record *before, const struct sl_record *after)
{
    struct fixture *fixture = ctx;
    thing_note(&fixture->notes, before, after);
}

static int open_cache(void **state)
{
    static struct fixture fixture;
    memset(&wire, 0, sizeof wire);
    fixture = (struct fixture){.notes = SL_BUF_INIT(64 * SL_KIB), .now = 1000 * SL_NS_PER_S};
    sl_buf_adds(&fixture.notes, "");
    fixture.cache = sl_cache_open(&(struct sl_cache_options){
        .resource = {.group = SL_STR(""), .version = SL_STR("v1"), .plural = SL_STR("things")},
        .selector = SL_STR("app in (a,b)"),
        .decode = decode,
        .destroy = thing_free,
        .changed = note_change,
        .ctx = &fixture,
        .seed = 1});
    *state = &fixture;
    return 0;
}

static int close_cache(void **state)
{
    struct fixture *fixture = *state;
    sl_cache_close(fixture->cache);
    assert_int_equal(wire.id, 0); /* it was cancelled */
    sl_buf_cleanup(&fixture->notes);
    return 0;
}

static void turn(struct fixture *fixture)
{
    sl_cache_turn(fixture->cache, fixture->now);
}

/* Lets time pass until the next request is out; returns how long that took, in ms. */
static int64_t wait_for_request(struct fixture *fixture)
{
    int64_t before = fixture->now;
    turn(fixture);
    while (wire.id == 0) {
        int64_t due = sl_cache_due(fixture->cache);
        assert_true(due > fixture->now && due < INT64_MAX);
        fixture->now = due - 1;
        turn(fixture);
        assert_int_equal(wire.id, 0);
        fixture->now = due;
        turn(fixture);
    }
    assert_int_equal(sl_cache_due(fixture->cache), INT64_MAX);
    return (fixture->now - before) / SL_NS_PER_MS;
}

static void expect_changes(struct fixture *fixture, const char *changes)
{
    assert_string_equal(fixture->notes.data, changes);
    sl_buf_reset(&fixture->notes);
}

#define THING(name, version)                                                                       \
    "{\"metadata\":{\"namespace\":\"a\",\"name\":\"" name "\",\"uid\":\"u-" name                   \
    "\",\"resourceVersion\":\"" version "\"},\"owner\":\"o\"}"
#define BAD(name, version)                                                                         \
    "{\"bad\":1,\"metadata\":{\"namespace\":\"a\",\"name\":\"" name "\",\"uid\":\"u-" name         \
    "\",\"resourceVersion\":\"" version "\"}}"
#define PAGE(version, more, items)                                                                 \
    "{\"kind\":\"ThingList\",\"metadata\":{\"resourceVersion\":\"" version                         \
    "\",\"continue\":\"" more "\"},\"items\":[" items "]}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define BOOKMARK(version) EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"" version "\"}}")
#define ERROR(code)                                                                                \
    EVENT("ERROR", "{\"kind\":\"Status\",\"message\":\"as it is\",\"code\":" code "}")

/* Up to the first watch, from version 10 on, with x at version 5. */
static void get_to_watching(struct fixture *fixture)
{
    (void)wait_for_request(fixture);
    answer(PAGE("10", "", THING("x", "5")));
    assert_int_equal(wait_for_request(fixture), 0);
    assert_int_equal(wire.verb, SL_WATCH);
    expect_changes(fixture, "+a/x@5 ");
}

static void a_list_is_asked_for_page_by_page_and_then_watched(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(wait_for_request(fixture), 0);
    assert_int_equal(wire.verb, SL_LIST);
    assert_string_equal(wire.query, "limit=250&labelSelector=app%20in%20%28a%2Cb%29");
    say("{\"metadata\":{\"resourceVersion\":\"10\",\"continue\":\"a b\"},");
    answer("\"items\":[" THING("x", "5") "]}");
    assert_int_equal(sl_cache_due(fixture->cache), 0);
    assert_false(sl_cache_synced(fixture->cache));
    assert_int_equal(wait_for_request(fixture), 0);
    assert_string_equal(wire.query,
                        "limit=250&continue=a%20b&labelSelector=app%20in%20%28a%2Cb%29");
    answer(PAGE("10", "", THING("y", "6")));
    assert_true(sl_cache_synced(fixture->cache));
    assert_int_equal(wait_for_request(fixture), 0);
    assert_int_equal(wire.verb, SL_WATCH);
    static const char before[] = "allowWatchBookmarks=true&timeoutSeconds=";
    char *after = NULL;
    assert_memory_equal(wire.query, before, sizeof before - 1);
    long seconds = strtol(wire.query + sizeof before - 1, &after, 10);
    assert_in_range(seconds, 300, 600);
    assert_string_equal(after, "&resourceVersion=10&labelSelector=app%20in%20%28a%2Cb%29");
    assert_int_equal(wire.timeout, (seconds + 60) * SL_NS_PER_S);
    assert_int_equal(sl_cache_stale_since(fixture->cache), 0);
    expect_changes(fixture, "+a/x@5 +a/y@6 ");

    const struct sl_record *const *records = NULL;
    assert_int_equal(sl_cache_owned(fixture->cache, "o", &records), 2);
    struct sl_cache_stats stats;
    sl_cache_stats(fixture->cache, &stats);
    assert_int_equal(stats.objects, 2);
    assert_int_equal(stats.lists, 1);
    assert_int_equal(stats.watches, 1);
}

static void events_change_the_store_and_where_the_next_watch_begins(void **state)
{
    struct fixture *fixture = *state;
    get_to_watching(fixture);
    say(EVENT("ADDED", THING("y", "11")) "{\"type\":\"MODIFIED\",");
    say("\"object\":" THING("x", "12") "}\n" EVENT("MODIFIED", THING("x", "12")));
    say(EVENT("DELETED", THING("y", "13")) EVENT("MODIFIED", THING("y", "14")));
    expect_changes(fixture, "+a/y@11 ~a/x@5>12 -a/y@11 ");
    say(BOOKMARK("20") "{\"type\":\"ADDED\",\"object\":{\"metad"); /* and is cut there */
    fixture->now += 400 * SL_NS_PER_S;
    end_with(SL_ERR_NONE, 0);
    assert_int_equal(wait_for_request(fixture), 0);
    assert_non_null(strstr(wire.query, "&resourceVersion=20&"));
    answer(EVENT("ADDED", THING("z", "21")));
    expect_changes(fixture, "+a/z@21 ");
}

static void what_is_not_wanted_is_as_if_it_were_not_there(void **state)
{
    struct fixture *fixture = *state;
#define DULL(name, version)                                                                        \
    "{\"dull\":1,\"metadata\":{\"namespace\":\"a\",\"name\":\"" name "\",\"uid\":\"u-" name        \
    "\",\"resourceVersion\":\"" version "\"}}"
    (void)wait_for_request(fixture);
    answer(PAGE("10", "", THING("x", "5") "," DULL("y", "6")));
    assert_int_equal(wait_for_request(fixture), 0);
    expect_changes(fixture, "+a/x@5 ");
    say(EVENT("MODIFIED", DULL("x", "11")) EVENT("MODIFIED", THING("y", "12")));
    expect_changes(fixture, "-a/x@5 +a/y@12 ");
    say(EVENT("MODIFIED", THING("x", "13")) EVENT("DELETED", DULL("y", "14")));
    expect_changes(fixture, "+a/x@13 -a/y@12 ");
    struct sl_cache_stats stats;
    sl_cache_stats(fixture->cache, &stats);
    assert_int_equal(stats.objects, 1);
    assert_int_equal(stats.refused, 0);
    say(EVENT("MODIFIED", BAD("x", "15")) EVENT("MODIFIED", BAD("x", "16")));
    sl_cache_stats(fixture->cache, &stats);
    assert_int_equal(stats.refused, 2);
}

static void watches_that_end_at_once_are_not_started_in_a_circle(void **state)
{
    struct fixture *fixture = *state;
    get_to_watching(fixture);
    answer(BOOKMARK("11")); /* something came: at once, but no more than one a second */
    assert_int_equal(wait_for_request(fixture), 1000);
    int64_t waits[8];
    for (size_t i = 0; i < 8; i++) {
        end_with(SL_ERR_NONE, 0);
        waits[i] = wait_for_request(fixture);
        assert_int_equal(wire.verb, SL_WATCH);
    }
    assert_in_range(waits[0], 400, 800);
    assert_in_range(waits[1], 800, 1600);
    assert_in_range(waits[7], 15000, 30000);
}

static void a_failed_watch_is_resumed_after_a_backoff(void **state)
{
    struct fixture *fixture = *state;
    static const enum sl_err_kind kinds[] = {SL_ERR_TRANSIENT, SL_ERR_DENIED, SL_ERR_TRANSIENT};
    static const int64_t at_least[] = {400, 800, 1600};
    get_to_watching(fixture);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int64_t failed_at = fixture->now;
        end_with(kinds[i], 0);
        assert_in_range(wait_for_request(fixture), at_least[i], 2 * at_least[i]);
        assert_int_equal(wire.verb, SL_WATCH);
        assert_string_equal(sl_cache_error(fixture->cache), "as the test says");
        assert_in_range(sl_cache_stale_since(fixture->cache), 1, failed_at);
    }
    assert_non_null(sl_cache_get(fixture->cache, SL_STR("a"), SL_STR("x")));
    say(""); /* it is open again, and quiet */
    turn(fixture);
    assert_string_equal(sl_cache_error(fixture->cache), "");
    assert_int_equal(sl_cache_stale_since(fixture->cache), 0);
    say(BOOKMARK("15"));
    end_with(SL_ERR_TRANSIENT, 0);
    assert_in_range(wait_for_request(fixture), 400, 800); /* from the beginning */
    end_with(SL_ERR_TRANSIENT, 7 * SL_NS_PER_S);
    assert_int_equal(wait_for_request(fixture), 7000); /* as the server asked */
}

static void what_cannot_be_resumed_is_listed_again(void **state)
{
    struct fixture *fixture = *state;
    static const char *const says[] = {"no JSON\n", EVENT("OTHER", "{}"), "\0"};
    get_to_watching(fixture);
    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
        if (says[i][0] == '\0') {
            end_with(SL_ERR_INVALID, 0); /* HTTP 400 */
        } else {
            say(says[i]);
        }
        assert_true(wait_for_request(fixture) >= 400);
        assert_int_equal(wire.verb, SL_LIST);
        answer(PAGE("10", "", THING("x", "5")));
        assert_int_equal(wait_for_request(fixture), 0);
    }
    expect_changes(fixture, "");
}

static void a_line_without_an_end_is_cut_at_its_cap(void **state)
{
    struct fixture *fixture = *state;
    get_to_watching(fixture);
    static char piece[SL_MIB + 1];
    memset(piece, 'x', SL_MIB);
    for (size_t i = 0; i < SL_WATCH_LINE_MAX / SL_MIB; i++) {
        say(piece);
        assert_int_not_equal(wire.id, 0);
    }
    say("x");
    assert_int_equal(wire.id, 0);
    (void)wait_for_request(fixture);
    assert_int_equal(wire.verb, SL_LIST);
}

static void expired_history_is_listed_again_and_no_delete_is_lost(void **state)
{
    struct fixture *fixture = *state;
    get_to_watching(fixture);
    say(EVENT("ADDED", THING("y", "11")) ERROR("410") EVENT("ADDED", THING("never", "12")));
    assert_int_equal(wait_for_request(fixture), 0);
    assert_int_equal(wire.verb, SL_LIST);
    assert_non_null(strstr(sl_cache_error(fixture->cache), "as it is"));
    answer(PAGE("30", "", THING("y", "11") "," THING("z", "29")));
    expect_changes(fixture, "+a/y@11 +a/z@29 -a/x@5 ");
    assert_int_equal(wait_for_request(fixture), 0);
    assert_non_null(strstr(wire.query, "&resourceVersion=30&"));
    end_with(SL_ERR_GONE, 0); /* again, and nothing came in between */
    assert_true(wait_for_request(fixture) >= 400);
    assert_int_equal(wire.verb, SL_LIST);
}

static void an_error_of_the_watch_is_waited_out(void **state)
{
    struct fixture *fixture = *state;
    get_to_watching(fixture);
    say(ERROR("500"));
    assert_in_range(wait_for_request(fixture), 400, 800);
    assert_int_equal(wire.verb, SL_WATCH);
}

static void an_expired_page_starts_the_list_again(void **state)
{
    struct fixture *fixture = *state;
    (void)wait_for_request(fixture);
    answer(PAGE("10", "more", THING("x", "5") "," THING("old", "6")));
    (void)wait_for_request(fixture);
    end_with(SL_ERR_TRANSIENT, 0); /* another failure asks for the same page again */
    (void)wait_for_request(fixture);
    assert_non_null(strstr(wire.query, "continue=more"));
    end_with(SL_ERR_GONE, 0);
    (void)wait_for_request(fixture);
    assert_null(strstr(wire.query, "continue"));
    answer(PAGE("20", "", THING("x", "5")));
    expect_changes(fixture, "+a/x@5 +a/old@6 -a/old@6 ");
}

static void our_own_writes_are_never_undone(void **state)
{
    struct fixture *fixture = *state;
    get_to_watching(fixture);
    sl_cache_put(fixture->cache, SL_STR(THING("x", "15")));
    say(EVENT("MODIFIED", THING("x", "12")));                 /* older than what we wrote */
    sl_cache_put(fixture->cache, SL_STR(THING("new", "16"))); /* created */
    sl_cache_put(fixture->cache, SL_STR("{\"kind\":\"Status\"}"));
    expect_changes(fixture, "~a/x@5>15 +a/new@16 ");
    say(ERROR("410"));
    (void)wait_for_request(fixture);
    answer(PAGE("14", "more", THING("x", "12"))); /* older than both */
    (void)wait_for_request(fixture);
    sl_cache_put(fixture->cache, SL_STR(THING("newer", "17")));
    answer(PAGE("14", "", ""));
    expect_changes(fixture, "+a/newer@17 ");
}

static void a_late_answer_does_not_bring_back_the_dead(void **state)
{
    struct fixture *fixture = *state;
    get_to_watching(fixture);
    say(BOOKMARK("30"));
    sl_cache_put(fixture->cache, SL_STR(THING("y", "25"))); /* the list did not have it any more */
    sl_cache_forget(fixture->cache, SL_STR("a"), SL_STR("x"), "u-x");
    sl_cache_put(fixture->cache, SL_STR(THING("x", "31")));
    say(EVENT("MODIFIED", THING("x", "32")));
    expect_changes(fixture, "-a/x@5 ");
}

static void an_object_that_cannot_be_read_is_left_out(void **state)
{
    struct fixture *fixture = *state;
    get_to_watching(fixture);
    say(EVENT("ADDED", BAD("y", "11")) EVENT("MODIFIED", BAD("x", "12")));
    expect_changes(fixture, "-a/x@5 ");
    say(EVENT("MODIFIED", THING("x", "13"))); /* it can be read again */
    expect_changes(fixture, "+a/x@13 ");
    assert_int_not_equal(wire.id, 0);
}

static void a_server_that_is_away_leaves_the_cache_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    get_to_watching(fixture);
    end_with(SL_ERR_GONE, 0);
    for (int i = 0; i < 20; i++) {
        assert_true(wait_for_request(fixture) <= 30000);
        end_with(SL_ERR_TRANSIENT, 0);
    }
    assert_true(sl_cache_synced(fixture->cache));
    assert_non_null(sl_cache_get(fixture->cache, SL_STR("a"), SL_STR("x")));
    assert_true(fixture->now - sl_cache_stale_since(fixture->cache) > 200 * SL_NS_PER_S);
    struct sl_cache_stats stats;
    sl_cache_stats(fixture->cache, &stats);
    assert_int_equal(stats.failures, 20); /* the last end is not settled yet */
    expect_changes(fixture, "");
}

int main(void)
{
#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, open_cache, close_cache)
    const struct CMUnitTest tests[] = {
        CACHE_TEST(a_list_is_asked_for_page_by_page_and_then_watched),
        CACHE_TEST(events_change_the_store_and_where_the_next_watch_begins),
        CACHE_TEST(what_is_not_wanted_is_as_if_it_were_not_there),
        CACHE_TEST(watches_that_end_at_once_are_not_started_in_a_circle),
        CACHE_TEST(a_failed_watch_is_resumed_after_a_backoff),
        CACHE_TEST(what_cannot_be_resumed_is_listed_again),
        CACHE_TEST(a_line_without_an_end_is_cut_at_its_cap),
        CACHE_TEST(expired_history_is_listed_again_and_no_delete_is_lost),
        CACHE_TEST(an_error_of_the_watch_is_waited_out),
        CACHE_TEST(an_expired_page_starts_the_list_again),
        CACHE_TEST(our_own_writes_are_never_undone),
        CACHE_TEST(a_late_answer_does_not_bring_back_the_dead),
        CACHE_TEST(an_object_that_cannot_be_read_is_left_out),
        CACHE_TEST(a_server_that_is_away_leaves_the_cache_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
