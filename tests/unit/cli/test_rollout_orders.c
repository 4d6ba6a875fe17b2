/* What an order becomes, and when it means nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/rollout/orders.h"
#include "rollouts.h"

#define PATCH(spec) "{\"metadata\":{\"resourceVersion\":\"77\"},\"spec\":{" spec "}}"

static const struct {
    enum sl_told told;
    enum sl_state state;
    enum sl_phase phase;
    int64_t batch;
    const char *patch; /* NULL: refused with `said` */
    const char *said;
} cases[] = {
    {SL_TOLD_CONFIRM, SL_BATCH_READY, SL_WAITING_FOR_CONFIRMATION, SL_CURRENT_BATCH,
     PATCH("\"confirm\":{\"run\":\"r1\",\"batch\":1}"), "confirmed"},
    {SL_TOLD_CONFIRM, SL_BATCH_READY, SL_WAITING_FOR_CONFIRMATION, 1,
     PATCH("\"confirm\":{\"run\":\"r1\",\"batch\":1}"), "confirmed"},
    {SL_TOLD_CONFIRM, SL_BATCH_READY, SL_WAITING_FOR_CONFIRMATION, 0, NULL,
     "web waits for the confirmation of batch 2, not 1"},
    {SL_TOLD_CONFIRM, SL_BATCH_IN_ROLLING, SL_PROGRESSING, SL_CURRENT_BATCH, NULL,
     "web does not wait for a confirmation: it is Progressing"},
    {SL_TOLD_CONFIRM, SL_SUCCEED, SL_HEALTHY, SL_CURRENT_BATCH, NULL,
     "web has no run under way: it is Healthy"},
    {SL_TOLD_PAUSE, SL_BATCH_IN_ROLLING, SL_PROGRESSING, SL_CURRENT_BATCH, PATCH("\"paused\":true"),
     "paused"},
    {SL_TOLD_PAUSE, SL_SUCCEED, SL_HEALTHY, SL_CURRENT_BATCH, PATCH("\"paused\":true"), "paused"},
    {SL_TOLD_RESUME, SL_SUCCEED, SL_HEALTHY, SL_CURRENT_BATCH, "", "not paused: nothing to resume"},
    {SL_TOLD_ABORT, SL_BATCH_IN_ROLLING, SL_PROGRESSING, SL_CURRENT_BATCH,
     PATCH("\"command\":{\"run\":\"r1\",\"do\":\"Abort\"}"), "told to go back"},
    {SL_TOLD_ABORT, SL_FAILED, SL_PHASE_FAILED, SL_CURRENT_BATCH,
     PATCH("\"command\":{\"run\":\"r1\",\"do\":\"Abort\"}"), "told to go back"},
    {SL_TOLD_ABORT, SL_SUCCEED, SL_HEALTHY, SL_CURRENT_BATCH, NULL,
     "web has no run under way: it is Healthy"},
    {SL_TOLD_ABORT, SL_NEW, SL_PHASE_NONE, SL_CURRENT_BATCH, NULL, "web has no run under way"},
    {SL_TOLD_RETRY, SL_FAILED, SL_PHASE_FAILED, SL_CURRENT_BATCH,
     PATCH("\"command\":{\"run\":\"r1\",\"do\":\"Retry\"}"), "told to try again"},
    {SL_TOLD_RETRY, SL_BATCH_IN_ROLLING, SL_PROGRESSING, SL_CURRENT_BATCH, NULL,
     "web has no run that failed: it is Progressing"},
    {SL_TOLD_PROMOTE, SL_BATCH_READY, SL_WAITING_FOR_CONFIRMATION, SL_CURRENT_BATCH,
     PATCH("\"command\":{\"run\":\"r1\",\"do\":\"Promote\"}"), "promoted"},
    {SL_TOLD_PROMOTE, SL_FAILED, SL_PHASE_FAILED, SL_CURRENT_BATCH, NULL,
     "web has no run under way: it is Failed"},
};

static void an_order_is_a_patch_or_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf patch = SL_BUF_INIT(SL_KIB);
        struct sl_batch_status batches[3];
        struct sl_rollout_record rollout = rollout_under_way(batches);
        struct sl_err err = SL_ERR_INIT;
        const char *said = NULL;
        rollout.status.state = cases[i].state;
        rollout.status.phase = cases[i].phase;
        int result = sl_order_write(cases[i].told, &rollout, cases[i].batch, &patch, &said, &err);
        if (cases[i].patch == NULL) {
            assert_int_equal(result, -1);
            assert_int_equal(err.kind, SL_ERR_CONFLICT);
            assert_string_equal(err.msg, cases[i].said);
            assert_int_equal(patch.len, 0);
            continue;
        }
        assert_int_equal(result, 0);
        assert_string_equal(said, cases[i].said);
        assert_true(sl_str_is(sl_buf_str(&patch), cases[i].patch));
    }
}

/* Gives the order once more, as the spec stands then. */
static const char *said_again(enum sl_told told, struct sl_rollout_record *rollout)
{
    SL_AUTO(sl_buf) struct sl_buf patch = SL_BUF_INIT(SL_KIB);
    const char *said = NULL;
    assert_int_equal(sl_order_write(told, rollout, SL_CURRENT_BATCH, &patch, &said, NULL), 0);
    return patch.len == 0 ? said : "";
}

static void an_order_that_stands_is_not_given_again(void **state)
{
    (void)state;
    struct sl_batch_status batches[3];
    struct sl_rollout_record rollout = rollout_under_way(batches);
    rollout.spec.paused = true;
    assert_string_equal(said_again(SL_TOLD_PAUSE, &rollout), "paused already");
    assert_string_equal(said_again(SL_TOLD_RESUME, &rollout), "");

    rollout.spec.has_order = true;
    rollout.spec.order = SL_ORDER_PROMOTE;
    rollout.spec.order_run = SL_STR("r1");
    assert_string_equal(said_again(SL_TOLD_PROMOTE, &rollout), "promoted already");
    assert_string_equal(said_again(SL_TOLD_ABORT, &rollout), "");
    rollout.spec.order_run = SL_STR("r0"); /* of another run: it means nothing to this one */
    assert_string_equal(said_again(SL_TOLD_PROMOTE, &rollout), "");

    rollout.status.phase = SL_WAITING_FOR_CONFIRMATION;
    rollout.spec.has_confirm = true;
    rollout.spec.confirm_run = SL_STR("r1");
    rollout.spec.confirm_batch = 0;
    assert_string_equal(said_again(SL_TOLD_CONFIRM, &rollout), "");
    rollout.spec.confirm_batch = 1;
    assert_string_equal(said_again(SL_TOLD_CONFIRM, &rollout), "confirmed already");
}

static void a_run_that_goes_back_is_not_aborted(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf patch = SL_BUF_INIT(SL_KIB);
    struct sl_batch_status batches[3];
    struct sl_rollout_record rollout = rollout_under_way(batches);
    struct sl_err err = SL_ERR_INIT;
    const char *said = NULL;
    rollout.status.phase = SL_ROLLING_BACK;
    rollout.status.run.update_revision = rollout.status.run.stable_revision;
    assert_int_equal(sl_order_write(SL_TOLD_ABORT, &rollout, SL_CURRENT_BATCH, &patch, &said, &err),
                     -1);
    assert_string_equal(err.msg, "web goes back to its stable revision already");
}

static void a_spec_that_cannot_be_read_takes_no_orders(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf patch = SL_BUF_INIT(SL_KIB);
    struct sl_batch_status batches[3];
    struct sl_rollout_record rollout = rollout_under_way(batches);
    struct sl_err err = SL_ERR_INIT;
    const char *said = NULL;
    rollout.problem = "spec.update: unknown word";
    assert_int_equal(sl_order_write(SL_TOLD_PAUSE, &rollout, SL_CURRENT_BATCH, &patch, &said, &err),
                     -1);
    assert_string_equal(err.msg, "the spec of web is invalid: spec.update: unknown word");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_a_patch_or_a_sentence),
        cmocka_unit_test(an_order_that_stands_is_not_given_again),
        cmocka_unit_test(a_run_that_goes_back_is_not_aborted),
        cmocka_unit_test(a_spec_that_cannot_be_read_takes_no_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
