/* When a wait ends, and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/rollout/wait_rule.h"
#include "rollouts.h"

static const struct {
    enum sl_phase wanted, phase;
    bool held;
    enum sl_waited waited;
    const char *why;
} cases[] = {
    {SL_HEALTHY, SL_HEALTHY, false, SL_WAITED_REACHED, ""},
    {SL_HEALTHY, SL_HEALTHY, true, SL_WAITED_NOT_YET, ""}, /* a run is about to begin */
    {SL_HEALTHY, SL_PHASE_NONE, false, SL_WAITED_NOT_YET, ""},
    {SL_HEALTHY, SL_PROGRESSING, true, SL_WAITED_NOT_YET, ""},
    {SL_HEALTHY, SL_WAITING_FOR_CONFIRMATION, true, SL_WAITED_NOT_YET, ""},
    {SL_HEALTHY, SL_PAUSED, true, SL_WAITED_NOT_YET, ""},
    {SL_HEALTHY, SL_ROLLING_BACK, true, SL_WAITED_NOT_YET, ""}, /* undone before we came */
    {SL_HEALTHY, SL_DEGRADED, true, SL_WAITED_IN_VAIN, "web is Degraded: m"},
    {SL_HEALTHY, SL_PHASE_FAILED, true, SL_WAITED_IN_VAIN, "web has Failed: m"},
    {SL_WAITING_FOR_CONFIRMATION, SL_WAITING_FOR_CONFIRMATION, true, SL_WAITED_REACHED, ""},
    {SL_WAITING_FOR_CONFIRMATION, SL_PROGRESSING, true, SL_WAITED_NOT_YET, ""},
    {SL_WAITING_FOR_CONFIRMATION, SL_HEALTHY, true, SL_WAITED_NOT_YET, ""},
    {SL_WAITING_FOR_CONFIRMATION, SL_HEALTHY, false, SL_WAITED_IN_VAIN,
     "web has no run under way: it is Healthy: m"},
    {SL_WAITING_FOR_CONFIRMATION, SL_PHASE_FAILED, true, SL_WAITED_IN_VAIN, "web has Failed: m"},
    {SL_PHASE_FAILED, SL_PHASE_FAILED, true, SL_WAITED_REACHED, ""},
    {SL_PHASE_FAILED, SL_ROLLING_BACK, true, SL_WAITED_NOT_YET, ""},
    {SL_DEGRADED, SL_PHASE_FAILED, true, SL_WAITED_IN_VAIN, "web has Failed: m"},
};

static void every_phase_ends_a_wait_or_goes_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sl_batch_status batches[3];
        struct sl_rollout_record rollout = rollout_under_way(batches);
        struct sl_wait wait = {.wanted = cases[i].wanted};
        struct sl_err why = SL_ERR_INIT;
        rollout.status.phase = cases[i].phase;
        rollout.status.message = SL_STR("m");
        assert_int_equal(sl_wait_look(&wait, &rollout, cases[i].held, &why), cases[i].waited);
        assert_string_equal(why.msg, cases[i].why);
    }
}

static void a_status_of_an_older_spec_says_nothing(void **state)
{
    (void)state;
    struct sl_batch_status batches[3];
    struct sl_rollout_record rollout = rollout_under_way(batches);
    struct sl_wait wait = {.wanted = SL_HEALTHY};
    struct sl_err why = SL_ERR_INIT;
    rollout.status.phase = SL_PHASE_FAILED;
    rollout.status.observed_generation = 2; /* a retry was just ordered */
    assert_int_equal(sl_wait_look(&wait, &rollout, true, &why), SL_WAITED_NOT_YET);
    rollout.status.observed_generation = 3;
    assert_int_equal(sl_wait_look(&wait, &rollout, true, &why), SL_WAITED_IN_VAIN);
}

static void a_run_that_was_seen_and_goes_back_was_waited_for_in_vain(void **state)
{
    (void)state;
    struct sl_batch_status batches[3];
    struct sl_rollout_record rollout = rollout_under_way(batches);
    struct sl_wait wait = {.wanted = SL_HEALTHY};
    struct sl_err why = SL_ERR_INIT;
    assert_int_equal(sl_wait_look(&wait, &rollout, true, &why), SL_WAITED_NOT_YET);
    rollout.status.phase = SL_ROLLING_BACK;
    rollout.status.run.update_revision = rollout.status.run.stable_revision;
    assert_int_equal(sl_wait_look(&wait, &rollout, true, &why), SL_WAITED_IN_VAIN);
    assert_string_equal(why.msg, "web is being rolled back: batch 2 of 3: waits for web-7");
}

static void a_rollback_of_a_failure_was_waited_for_in_vain(void **state)
{
    (void)state;
    struct sl_batch_status batches[3];
    struct sl_rollout_record rollout = rollout_under_way(batches);
    struct sl_wait wait = {.wanted = SL_HEALTHY};
    struct sl_err why = SL_ERR_INIT;
    rollout.status.phase = SL_ROLLING_BACK;
    rollout.status.run.failure = SL_STR("web-7 was not ready in time");
    assert_int_equal(sl_wait_look(&wait, &rollout, true, &why), SL_WAITED_IN_VAIN);
    assert_string_equal(why.msg, "web is being rolled back: web-7 was not ready in time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_phase_ends_a_wait_or_goes_on),
        cmocka_unit_test(a_status_of_an_older_spec_says_nothing),
        cmocka_unit_test(a_run_that_was_seen_and_goes_back_was_waited_for_in_vain),
        cmocka_unit_test(a_rollback_of_a_failure_was_waited_for_in_vain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
