/* Snapshots swapped under threads that read them: what the sanitizers watch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "codec/json.h"
#include "run/webhook/policy_store.h"

#define READERS 4
#define SWAPS 2000

static const struct sl_workload_kinds no_kinds = {.count = 0};

/* A sealed snapshot of `count` policies, all in the namespace "shop". */
static struct sl_snapshot *snapshot_of(unsigned count)
{
    struct sl_snapshot *snapshot = sl_snapshot_open();
    struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(snapshot));
    for (unsigned i = 0; i < count; i++) {
        SL_AUTO(sl_json) struct json_object *policy = NULL;
        SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
        sl_buf_addf(
            &text,
            "{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"TrafficPolicy\",\"metadata\":"
            "{\"namespace\":\"shop\",\"name\":\"p%u\"},\"spec\":{\"selector\":{}}}",
            i);
        assert_int_equal(sl_json_parse(sl_buf_str(&text), &policy, NULL), 0);
        sl_snapshot_add(snapshot, policy, &no_kinds, &problems);
    }
    assert_int_equal(problems.count, 0);
    sl_snapshot_seal(snapshot);
    return snapshot;
}

static size_t count_in_force(struct sl_policy_store *store)
{
    SL_AUTO(sl_policies) struct sl_policies *policies = sl_policy_store_acquire(store);
    return sl_snapshot_policy_count(sl_policies_snapshot(policies));
}

static void before_the_first_swap_an_empty_snapshot_is_in_force(void **state)
{
    (void)state;
    SL_AUTO(sl_policy_store) struct sl_policy_store *store = sl_policy_store_open();
    assert_int_equal(count_in_force(store), 0);
    assert_int_equal(sl_policy_store_loaded(store), 0);
}

static void a_swap_puts_the_new_snapshot_in_force_and_dates_it(void **state)
{
    (void)state;
    SL_AUTO(sl_policy_store) struct sl_policy_store *store = sl_policy_store_open();
    sl_policy_store_swap(store, snapshot_of(2), 1795262400);
    assert_int_equal(count_in_force(store), 2);
    assert_int_equal(sl_policy_store_loaded(store), 1795262400);
    sl_policy_store_swap(store, snapshot_of(1), 1795262401);
    assert_int_equal(count_in_force(store), 1);
    assert_int_equal(sl_policy_store_loaded(store), 1795262401);
}

static void a_snapshot_lives_as_long_as_somebody_reads_it(void **state)
{
    (void)state;
    SL_AUTO(sl_policy_store) struct sl_policy_store *store = sl_policy_store_open();
    sl_policy_store_swap(store, snapshot_of(3), 1);
    SL_AUTO(sl_policies) struct sl_policies *held = sl_policy_store_acquire(store);
    sl_policy_store_swap(store, snapshot_of(1), 2);
    assert_int_equal(sl_snapshot_policy_count(sl_policies_snapshot(held)), 3);
    assert_int_equal(count_in_force(store), 1);
}

static int64_t until_in_force(struct sl_policy_store *store)
{
    SL_AUTO(sl_policies) struct sl_policies *policies = sl_policy_store_acquire(store);
    return sl_handovers_until(sl_policies_handovers(policies), SL_STR("shop"), SL_STR("web"),
                              SL_STR("u"));
}

static struct sl_handovers *handover_until(int64_t until)
{
    struct sl_handovers *handovers = sl_handovers_open();
    sl_handovers_add(handovers, SL_STR("shop"), SL_STR("web"), SL_STR("u"), until);
    return handovers;
}

static void hand_overs_and_policies_change_each_without_the_other(void **state)
{
    (void)state;
    SL_AUTO(sl_policy_store) struct sl_policy_store *store = sl_policy_store_open();
    assert_int_equal(until_in_force(store), 0);
    sl_policy_store_swap_handovers(store, handover_until(7));
    assert_int_equal(until_in_force(store), 7);
    assert_int_equal(sl_policy_store_loaded(store), 0); /* no policies by that */
    sl_policy_store_swap(store, snapshot_of(2), 1795262400);
    assert_int_equal(until_in_force(store), 7);
    SL_AUTO(sl_policies) struct sl_policies *held = sl_policy_store_acquire(store);
    sl_policy_store_swap_handovers(store, handover_until(8));
    sl_policy_store_swap_handovers(store, sl_handovers_open());
    assert_int_equal(until_in_force(store), 0);
    assert_int_equal(count_in_force(store), 2);
    assert_int_equal(sl_policy_store_loaded(store), 1795262400);
    assert_int_equal(sl_handovers_count(sl_policies_handovers(held)), 1);
}

struct race {
    struct sl_policy_store *store;
    atomic_bool over;
    atomic_size_t odd; /* snapshots of a size that was never put in force */
    atomic_size_t reads;
};

static void *read_on(void *argument)
{
    struct race *race = argument;
    while (!atomic_load(&race->over)) {
        SL_AUTO(sl_policies) struct sl_policies *policies = sl_policy_store_acquire(race->store);
        const struct sl_traffic_policy *second = NULL;
        const struct sl_snapshot *snapshot = sl_policies_snapshot(policies);
        size_t count = sl_snapshot_policy_count(snapshot);
        const struct sl_traffic_policy *first =
            sl_snapshot_match(snapshot, SL_STR("shop"), (struct sl_labels){0}, &second);
        bool whole = (count == 1 && first != NULL && second == NULL) ||
                     (count == 2 && first != NULL && second != NULL);
        bool marked = sl_handovers_count(sl_policies_handovers(policies)) == 1;
        atomic_fetch_add(&race->odd, whole && marked ? 0 : 1);
        atomic_fetch_add(&race->reads, 1);
    }
    return NULL;
}

static void readers_see_whole_snapshots_while_they_are_swapped(void **state)
{
    (void)state;
    SL_AUTO(sl_policy_store) struct sl_policy_store *store = sl_policy_store_open();
    struct race race = {.store = store};
    pthread_t threads[READERS];
    sl_policy_store_swap(store, snapshot_of(1), 1);
    sl_policy_store_swap_handovers(store, handover_until(1));
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &race), 0);
    }
    for (unsigned i = 0; i < SWAPS || atomic_load(&race.reads) == 0; i++) {
        sl_policy_store_swap(store, snapshot_of(1 + i % 2), i);
        sl_policy_store_swap_handovers(store, handover_until(i));
    }
    atomic_store(&race.over, true);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&race.odd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_first_swap_an_empty_snapshot_is_in_force),
        cmocka_unit_test(a_swap_puts_the_new_snapshot_in_force_and_dates_it),
        cmocka_unit_test(a_snapshot_lives_as_long_as_somebody_reads_it),
        cmocka_unit_test(hand_overs_and_policies_change_each_without_the_other),
        cmocka_unit_test(readers_see_whole_snapshots_while_they_are_swapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
