/* Pods shared with the admission threads: what is known of them, for how long it is remembered that
 * they are to be evicted, and records that are replaced under their readers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "core/records/evictee.h"
#include "run/webhook/evictees.h"

#define NOON (INT64_C(1795262400) * SL_NS_PER_S)
#define UNDATED "{\\\"op\\\":\\\"repair\\\"}"
#define DATED                                                                                      \
    "{\\\"op\\\":\\\"evict\\\",\\\"since\\\":\\\"2026-11-21T12:00:00Z\\\",\\\"deadline\\\":\\\""   \
    "2026-11-21T12:01:00Z\\\"}"

static struct sl_record *pod(const char *ns, const char *name, const char *uid, const char *traffic,
                             const char *drain)
{
    char json[1024];
    struct sl_record *record = NULL;
    int length = snprintf(
        json, sizeof json,
        "{\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s\",\"uid\":\"%s\",\"resourceVersion\":"
        "\"%s\",\"labels\":{\"sluice.dev/traffic-policy\":\"web\"},\"annotations\":{"
        "\"sluice.dev/drain\":\"%s\"}},\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":"
        "\"sluice.dev/traffic-ready\",\"reason\":\"%s\"}]}}",
        ns, name, uid, uid, drain, traffic);
    assert_true(length > 0 && (size_t)length < sizeof json);
    assert_int_equal(sl_evictee_record_decode(sl_str_from(json), &record, NULL), 0);
    return record;
}

/* One look; false: it is not known. */
static bool find(struct sl_evictee_set *set, const char *ns, const char *name,
                 struct sl_arena *arena, struct sl_evictee *ret_evictee)
{
    const struct sl_evictees known = sl_evictee_set_known(set);
    return known.find(known.pods, sl_str_from(ns), sl_str_from(name), arena, ret_evictee);
}

static void pods_are_found_by_namespace_and_name_as_they_were_last(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_evictee_set) struct sl_evictee_set *set = sl_evictee_set_open();
    SL_AUTO(sl_record) struct sl_record *first = pod("shop", "web-0", "u-1", "InService", "");
    SL_AUTO(sl_record) struct sl_record *second = pod("shop", "web-0", "u-1", "Draining", DATED);
    SL_AUTO(sl_record) struct sl_record *other = pod("market", "web-0", "u-2", "Joining", "");
    struct sl_evictee found;
    assert_false(find(set, "shop", "web-0", &arena, &found));
    sl_evictee_set_changed(set, NULL, first);
    sl_evictee_set_changed(set, NULL, other);
    assert_true(find(set, "shop", "web-0", &arena, &found));
    assert_true(sl_str_is(found.uid, "u-1") && sl_str_is(found.resource_version, "u-1"));
    assert_true(sl_str_is(found.traffic, "InService") && sl_str_is(found.policy, "web"));
    assert_true(found.running && !found.deleted && found.op == SL_DRAIN_NONE);
    sl_evictee_set_changed(set, first, second);
    assert_true(find(set, "shop", "web-0", &arena, &found));
    assert_true(sl_str_is(found.traffic, "Draining") && found.op == SL_DRAIN_EVICT);
    assert_true(found.since == NOON && found.deadline == NOON + 60 * SL_NS_PER_S);
    sl_evictee_set_changed(set, second, NULL);
    assert_false(find(set, "shop", "web-0", &arena, &found));
    assert_false(find(set, "shop", "web", &arena, &found));
    assert_true(find(set, "market", "web-0", &arena, &found));
    assert_true(sl_str_is(found.uid, "u-2"));
}

static struct sl_drain_order order_of(const char *uid)
{
    return (struct sl_drain_order){
        .ns = SL_STR("shop"), .name = SL_STR("web-0"), .uid = sl_str_from(uid)};
}

/* Since when, as a look at NOON + `seconds` would have it; 0: nothing is remembered. */
static int64_t asked_since(struct sl_evictee_set *set, int64_t seconds)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_evictee found;
    int64_t now = NOON + seconds * SL_NS_PER_S;
    assert_true(find(set, "shop", "web-0", &arena, &found));
    return found.asked.first == 0 ? 0 : (sl_asked_since(&found.asked, now) - NOON) / SL_NS_PER_S;
}

static void ask(struct sl_evictee_set *set, const char *uid, int64_t seconds)
{
    const struct sl_drain_order order = order_of(uid);
    sl_evictee_set_asked(set, &order, NOON + seconds * SL_NS_PER_S);
}

static void the_first_time_counts_as_long_as_somebody_asks_again(void **state)
{
    (void)state;
    SL_AUTO(sl_evictee_set) struct sl_evictee_set *set = sl_evictee_set_open();
    SL_AUTO(sl_record) struct sl_record *first = pod("shop", "web-0", "u-1", "InService", "");
    SL_AUTO(sl_record) struct sl_record *second = pod("shop", "web-0", "u-1", "InService", UNDATED);
    ask(set, "u-1", 0); /* of a pod that is not known: nothing happens */
    sl_evictee_set_changed(set, NULL, first);
    assert_int_equal(asked_since(set, 1), 0);
    ask(set, "u-other", 1);
    assert_int_equal(asked_since(set, 2), 0);
    ask(set, "u-1", 5);
    ask(set, "u-1", 50);
    assert_int_equal(asked_since(set, 60), 5);
    sl_evictee_set_changed(set, first, second); /* a status, or a mark that is not dated */
    ask(set, "u-1", 100);
    assert_int_equal(asked_since(set, 101), 5);
    assert_int_equal(asked_since(set, 160), 160); /* given up meanwhile: it would begin anew */
    ask(set, "u-1", 170);
    assert_int_equal(asked_since(set, 171), 170);
    ask(set, "u-1", 120); /* the clock was set back */
    assert_int_equal(asked_since(set, 121), 120);
}

static void a_dated_mark_takes_its_place(void **state)
{
    (void)state;
    SL_AUTO(sl_evictee_set) struct sl_evictee_set *set = sl_evictee_set_open();
    SL_AUTO(sl_record) struct sl_record *plain = pod("shop", "web-0", "u-1", "InService", "");
    SL_AUTO(sl_record) struct sl_record *dated = pod("shop", "web-0", "u-1", "InService", DATED);
    SL_AUTO(sl_record) struct sl_record *anew = pod("shop", "web-0", "u-2", "InService", "");
    sl_evictee_set_changed(set, NULL, plain);
    ask(set, "u-1", 5);
    sl_evictee_set_changed(set, plain, dated);
    assert_int_equal(asked_since(set, 6), 0);
    ask(set, "u-1", 7); /* it was decided before the mark was seen */
    assert_int_equal(asked_since(set, 8), 0);
    sl_evictee_set_changed(set, dated, plain);
    assert_int_equal(asked_since(set, 9), 0);
    ask(set, "u-1", 10);
    sl_evictee_set_changed(set, plain, NULL);
    sl_evictee_set_changed(set, NULL, anew);
    assert_int_equal(asked_since(set, 11), 0); /* another pod */
}

static void a_mark_that_is_taken_off_lets_its_time_begin_anew(void **state)
{
    (void)state;
    SL_AUTO(sl_evictee_set) struct sl_evictee_set *set = sl_evictee_set_open();
    SL_AUTO(sl_record) struct sl_record *plain = pod("shop", "web-0", "u-1", "InService", "");
    SL_AUTO(sl_record)
    struct sl_record *marked =
        pod("shop", "web-0", "u-1", "InService", "{\\\"op\\\":\\\"evict\\\"}");
    sl_evictee_set_changed(set, NULL, plain);
    ask(set, "u-1", 5);
    sl_evictee_set_changed(set, plain, marked);
    ask(set, "u-1", 30);
    assert_int_equal(asked_since(set, 31), 5);
    sl_evictee_set_changed(set, marked, plain);
    assert_int_equal(asked_since(set, 32), 0);
    ask(set, "u-1", 35);
    assert_int_equal(asked_since(set, 36), 35);
}

#define READERS 4
#define PODS 16
#define CHANGES 3000

struct race {
    struct sl_evictee_set *set;
    atomic_bool over;
    atomic_size_t odd, reads;
};

/* Of every version of a pod, name, uid and version belong together. */
static void *read_on(void *argument)
{
    struct race *race = argument;
    for (unsigned i = 0; !atomic_load(&race->over); i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_evictee found;
        char name[16];
        (void)snprintf(name, sizeof name, "web-%u", i % PODS);
        if (find(race->set, "shop", name, &arena, &found)) {
            const struct sl_drain_order order = order_of("u-1");
            bool whole = sl_str_eq(found.uid, found.resource_version) &&
                         (sl_str_is(found.traffic, "InService") ? found.op == SL_DRAIN_NONE
                                                                : found.op == SL_DRAIN_EVICT);
            atomic_fetch_add(&race->odd, whole ? 0 : 1);
            sl_evictee_set_asked(race->set, &order, (int64_t)i + 1);
        }
        atomic_fetch_add(&race->reads, 1);
    }
    return NULL;
}

/* The next thing that happens to a pod: it is created, changes, goes. */
static void change(struct sl_evictee_set *set, struct sl_record **held, unsigned pod_number,
                   unsigned round)
{
    char name[16];
    char uid[16];
    (void)snprintf(name, sizeof name, "web-%u", pod_number);
    (void)snprintf(uid, sizeof uid, "u-%u", round % 7);
    struct sl_record *before = *held;
    struct sl_record *after = NULL;
    if (before == NULL || round % 3 != 0) {
        bool drains = round % 2 == 0;
        after = pod("shop", name, uid, drains ? "Draining" : "InService", drains ? DATED : "");
    }
    sl_evictee_set_changed(set, before, after);
    sl_record_free(before);
    *held = after;
}

static void readers_see_whole_pods_while_they_change(void **state)
{
    (void)state;
    SL_AUTO(sl_evictee_set) struct sl_evictee_set *set = sl_evictee_set_open();
    struct race race = {.set = set};
    struct sl_record *held[PODS] = {NULL};
    pthread_t threads[READERS];
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &race), 0);
    }
    for (unsigned i = 0; i < CHANGES || atomic_load(&race.reads) == 0; i++) {
        change(set, &held[i % PODS], i % PODS, i / PODS);
    }
    atomic_store(&race.over, true);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&race.odd), 0);
    for (int i = 0; i < PODS; i++) {
        sl_record_free(held[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods_are_found_by_namespace_and_name_as_they_were_last),
        cmocka_unit_test(the_first_time_counts_as_long_as_somebody_asks_again),
        cmocka_unit_test(a_dated_mark_takes_its_place),
        cmocka_unit_test(a_mark_that_is_taken_off_lets_its_time_begin_anew),
        cmocka_unit_test(readers_see_whole_pods_while_they_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
