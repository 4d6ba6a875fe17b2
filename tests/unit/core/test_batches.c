/* Batch arithmetic: the examples of the design, its rules, and properties over many plans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/batches.h"

#define N(count)                                                                                   \
    {                                                                                              \
        .replicas = {.value = (count) }                                                            \
    }
#define P(percentage)                                                                              \
    {                                                                                              \
        .replicas = {.value = (percentage), .percent = true }                                      \
    }
#define MOST 6

static const struct {
    const char *name;
    struct sl_batch list[MOST];
    int64_t size;
    int upgrade_type;
    int32_t replicas;
    int32_t want[MOST]; /* cumulative targets, 0 after the last */
    const char *error;  /* part of the sentence; NULL: no error */
} plans[] = {
    {"1, 50%, 50% of 5", {N(1), P(50), P(50)}, 0, 0, 5, {1, 4, 5}, NULL},
    {"four at a time with a beta of 10", {N(0)}, 4, SL_UPGRADE_BETA, 10, {1, 5, 9, 10}, NULL},
    {"four at a time of 10", {N(0)}, 4, 0, 10, {4, 8, 10}, NULL},
    {"four at a time of 3", {N(0)}, 4, 0, 3, {3}, NULL},
    {"a beta of one replica is all", {N(0)}, 4, SL_UPGRADE_BETA, 1, {1}, NULL},
    {"no replicas, no batches", {N(1), P(50)}, 0, 0, 0, {0}, NULL},
    {"one batch of everything", {P(100)}, 0, 0, 7, {7}, NULL},
    {"a small last percentage still takes the rest", {N(1), P(1)}, 0, 0, 7, {1, 7}, NULL},
    {"integers that are exact", {N(1), N(2)}, 0, 0, 3, {1, 3}, NULL},
    {"a beta before listed batches", {P(50), P(50)}, 0, SL_UPGRADE_BETA, 10, {1, 6, 10}, NULL},
    {"integers that are too few", {N(1), N(2)}, 0, 0, 5, {0}, "sum to 3, the workload has 5"},
    {"integers that are too many", {N(1), N(9)}, 0, 0, 5, {0}, "sum to 10, the workload has 5"},
    {"nothing left for the last", {N(3), P(50)}, 0, 0, 3, {0}, "already take all 3"},
    {"rounded up leaves nothing", {P(60), P(30), P(10)}, 0, 0, 2, {0}, "already take all 2"},
};

static struct sl_batches plan_of(size_t index, struct sl_batch *copy)
{
    struct sl_batches batches = {.size = plans[index].size,
                                 .upgrade_type = plans[index].upgrade_type};
    memcpy(copy, plans[index].list, sizeof plans[index].list);
    while (batches.list.count < MOST && copy[batches.list.count].replicas.value > 0) {
        batches.list.count++;
    }
    batches.list.items = copy;
    return batches;
}

static void plans_give_the_targets_of_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_batch copy[MOST];
        struct sl_batches batches = plan_of(i, copy);
        struct sl_batch_targets targets = {0};
        struct sl_err err = SL_ERR_INIT;
        int rc = sl_batches_targets(&batches, plans[i].replicas, &arena, &targets, &err);
        if (plans[i].error != NULL) {
            if (rc == 0 || strstr(err.msg, plans[i].error) == NULL) {
                fail_msg("%s: \"%s\"", plans[i].name, err.msg);
            }
            continue;
        }
        if (rc != 0) {
            fail_msg("%s: %s", plans[i].name, err.msg);
        }
        for (size_t b = 0; b < MOST; b++) {
            int32_t got = b < targets.count ? targets.items[b] : 0;
            if (got != plans[i].want[b]) {
                fail_msg("%s: batch %zu is %d, not %d", plans[i].name, b, got, plans[i].want[b]);
            }
        }
    }
}

static void targets_rise_to_the_replicas_for_any_size(void **state)
{
    (void)state;
    for (int32_t replicas = 1; replicas <= 60; replicas++) {
        for (int64_t size = 1; size <= 12; size++) {
            for (int type = SL_UPGRADE_BATCH; type <= SL_UPGRADE_BETA; type++) {
                SL_AUTO(sl_arena) struct sl_arena arena = {0};
                struct sl_batches batches = {.size = size, .upgrade_type = type};
                struct sl_batch_targets targets = {0};
                int32_t before = 0;
                assert_int_equal(sl_batches_targets(&batches, replicas, &arena, &targets, NULL), 0);
                for (size_t b = 0; b < targets.count; b++) {
                    assert_true(targets.items[b] > before);
                    assert_true(targets.items[b] - before <= size);
                    before = targets.items[b];
                }
                assert_int_equal(before, replicas);
            }
        }
    }
}

static void rules_without_replicas_are_checked(void **state)
{
    (void)state;
    static const struct {
        struct sl_batch list[MOST];
        int64_t size;
        const char *want; /* NULL: no problem */
    } rows[] = {
        {{N(1), P(50)}, 0, NULL},   {{N(0)}, 3, NULL},       {{P(60), P(60)}, 0, NULL},
        {{N(0)}, 0, "has neither"}, {{N(1)}, 3, "has both"}, {{P(60), P(40), P(10)}, 0, "are 100%"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_batch copy[MOST];
        struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
        struct sl_batches batches = {.size = rows[i].size, .list = {.items = copy}};
        memcpy(copy, rows[i].list, sizeof rows[i].list);
        while (copy[batches.list.count].replicas.value > 0) {
            batches.list.count++;
        }
        sl_batches_check(&batches, NULL, &problems);
        assert_int_equal(problems.count, rows[i].want == NULL ? 0 : 1);
        if (rows[i].want != NULL) {
            assert_non_null(strstr(problems.items[0].text, rows[i].want));
        }
    }
}

/* A stored status may have one batch more than a plan can. */
static void the_current_batch_is_there_whatever_was_stored(void **state)
{
    (void)state;
    static const int32_t before[SL_BATCHES_MAX + 1];
    const struct sl_batches batches = {.size = 1};
    for (size_t current = SL_BATCHES_MAX - 1; current <= SL_BATCHES_MAX + 1; current++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_batch_targets targets;
        sl_batches_rebase(&batches, 5, before, current, &arena, &targets);
        assert_int_equal(targets.count, current + 1);
        assert_int_equal(targets.items[current], 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_give_the_targets_of_the_table),
        cmocka_unit_test(targets_rise_to_the_replicas_for_any_size),
        cmocka_unit_test(the_current_batch_is_there_whatever_was_stored),
        cmocka_unit_test(rules_without_replicas_are_checked),
    };
    return cmocka_run_group_tests_name("batches", tests, NULL, NULL);
}
