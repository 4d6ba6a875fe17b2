/* Orders (orders.h): each a row of one table, which says when it means something. */
#include "cli/rollout/orders.h"

struct row {
    /* Why not, as an error. */
    int (*check)(const struct sl_rollout_record *rollout, int64_t batch, struct sl_err *err);
    bool (*given)(const struct sl_rollout_record *rollout); /* it was, and still stands */
    void (*write)(const struct sl_rollout_record *rollout,
                  struct sl_buf *out); /* members of spec */
    const char *said, *said_already;
};

static const char *name_of(const struct sl_rollout_record *rollout)
{
    return rollout->record.name;
}

static bool is_back(const struct sl_run *run)
{
    return sl_str_eq(run->stable_revision, run->update_revision);
}

static bool under_way(const struct sl_rollout_status *status)
{
    return status->run.id.n > 0 && status->state >= SL_INITIALIZING &&
           status->state <= SL_FINALISING;
}

static int refuse_idle(const struct sl_rollout_record *rollout, struct sl_err *err)
{
    const struct sl_rollout_status *status = &rollout->status;
    return sl_err_set(err, SL_ERR_CONFLICT, "%s has no run under way%s%s", name_of(rollout),
                      status->phase == SL_PHASE_NONE ? "" : ": it is ",
                      sl_phase_names[status->phase]);
}

/* --- confirm --- */

static int check_confirm(const struct sl_rollout_record *rollout, int64_t batch, struct sl_err *err)
{
    const struct sl_rollout_status *status = &rollout->status;
    if (status->phase != SL_WAITING_FOR_CONFIRMATION) {
        return under_way(status) ? sl_err_set(err, SL_ERR_CONFLICT,
                                              "%s does not wait for a confirmation: it is %s",
                                              name_of(rollout), sl_phase_names[status->phase])
                                 : refuse_idle(rollout, err);
    }
    if (batch != SL_CURRENT_BATCH && batch != status->current_batch) {
        return sl_err_set(err, SL_ERR_CONFLICT,
                          "%s waits for the confirmation of batch %d, not %lld", name_of(rollout),
                          status->current_batch + 1, (long long)batch + 1);
    }
    return 0;
}

static bool was_confirmed(const struct sl_rollout_record *rollout)
{
    return rollout->spec.has_confirm &&
           sl_str_eq(rollout->spec.confirm_run, rollout->status.run.id) &&
           rollout->spec.confirm_batch == rollout->status.current_batch;
}

static void write_confirm(const struct sl_rollout_record *rollout, struct sl_buf *out)
{
    sl_buf_adds(out, "\"confirm\":{\"run\":\"");
    sl_buf_add_json(out, rollout->status.run.id);
    sl_buf_addf(out, "\",\"batch\":%d}", rollout->status.current_batch);
}

/* --- pause, resume --- */

static int check_nothing(const struct sl_rollout_record *rollout, int64_t batch, struct sl_err *err)
{
    (void)rollout;
    (void)batch;
    (void)err;
    return 0;
}

static bool is_paused(const struct sl_rollout_record *rollout)
{
    return rollout->spec.paused;
}

static bool is_not_paused(const struct sl_rollout_record *rollout)
{
    return !rollout->spec.paused;
}

static void write_paused(const struct sl_rollout_record *rollout, struct sl_buf *out)
{
    (void)rollout;
    sl_buf_adds(out, "\"paused\":true");
}

static void write_resumed(const struct sl_rollout_record *rollout, struct sl_buf *out)
{
    (void)rollout;
    sl_buf_adds(out, "\"paused\":false");
}

/* --- abort, retry, promote --- */

static bool was_ordered(const struct sl_rollout_record *rollout, enum sl_order order)
{
    const struct sl_rollout *spec = &rollout->spec;
    return spec->has_order && spec->order == (int)order &&
           sl_str_eq(spec->order_run, rollout->status.run.id);
}

static void write_order(const struct sl_rollout_record *rollout, const char *word,
                        struct sl_buf *out)
{
    sl_buf_adds(out, "\"command\":{\"run\":\"");
    sl_buf_add_json(out, rollout->status.run.id);
    sl_buf_addf(out, "\",\"do\":\"%s\"}", word);
}

static int check_abort(const struct sl_rollout_record *rollout, int64_t batch, struct sl_err *err)
{
    (void)batch;
    const struct sl_rollout_status *status = &rollout->status;
    if (!under_way(status) && status->state != SL_FAILING && status->state != SL_FAILED) {
        return refuse_idle(rollout, err);
    }
    if (is_back(&status->run)) {
        return sl_err_set(err, SL_ERR_CONFLICT, "%s goes back to its stable revision already",
                          name_of(rollout));
    }
    return 0;
}

static bool was_aborted(const struct sl_rollout_record *rollout)
{
    return was_ordered(rollout, SL_ORDER_ABORT);
}

static void write_abort(const struct sl_rollout_record *rollout, struct sl_buf *out)
{
    write_order(rollout, "Abort", out);
}

static int check_retry(const struct sl_rollout_record *rollout, int64_t batch, struct sl_err *err)
{
    (void)batch;
    if (rollout->status.run.id.n == 0 || rollout->status.state != SL_FAILED) {
        return sl_err_set(err, SL_ERR_CONFLICT, "%s has no run that failed%s%s", name_of(rollout),
                          rollout->status.phase == SL_PHASE_NONE ? "" : ": it is ",
                          sl_phase_names[rollout->status.phase]);
    }
    return 0;
}

static bool was_retried(const struct sl_rollout_record *rollout)
{
    return was_ordered(rollout, SL_ORDER_RETRY);
}

static void write_retry(const struct sl_rollout_record *rollout, struct sl_buf *out)
{
    write_order(rollout, "Retry", out);
}

static int check_promote(const struct sl_rollout_record *rollout, int64_t batch, struct sl_err *err)
{
    (void)batch;
    return under_way(&rollout->status) ? 0 : refuse_idle(rollout, err);
}

static bool was_promoted(const struct sl_rollout_record *rollout)
{
    return was_ordered(rollout, SL_ORDER_PROMOTE);
}

static void write_promote(const struct sl_rollout_record *rollout, struct sl_buf *out)
{
    write_order(rollout, "Promote", out);
}

static const struct row rows[SL_TOLDS] = {
    [SL_TOLD_CONFIRM] = {check_confirm, was_confirmed, write_confirm, "confirmed",
                         "confirmed already"},
    [SL_TOLD_PAUSE] = {check_nothing, is_paused, write_paused, "paused", "paused already"},
    [SL_TOLD_RESUME] = {check_nothing, is_not_paused, write_resumed, "resumed",
                        "not paused: nothing to resume"},
    [SL_TOLD_ABORT] = {check_abort, was_aborted, write_abort, "told to go back",
                       "told to go back already"},
    [SL_TOLD_RETRY] = {check_retry, was_retried, write_retry, "told to try again",
                       "told to try again already"},
    [SL_TOLD_PROMOTE] = {check_promote, was_promoted, write_promote, "promoted",
                         "promoted already"},
};

int sl_order_write(enum sl_told told, const struct sl_rollout_record *rollout, int64_t batch,
                   struct sl_buf *patch, const char **ret_said, struct sl_err *err)
{
    const struct row *row = &rows[told];
    if (rollout->problem[0] != '\0') { /* what it says now is not known */
        return sl_err_set(err, SL_ERR_CONFLICT, "the spec of %s is invalid: %s", name_of(rollout),
                          rollout->problem);
    }
    if (row->check(rollout, batch, err) < 0) {
        return -1;
    }
    if (row->given(rollout)) {
        *ret_said = row->said_already;
        return 0;
    }
    sl_buf_adds(patch, "{\"metadata\":{\"resourceVersion\":\"");
    sl_buf_add_json(patch, sl_str_from(rollout->record.resource_version));
    sl_buf_adds(patch, "\"},\"spec\":{");
    row->write(rollout, patch);
    sl_buf_adds(patch, "}}");
    *ret_said = row->said;
    return 0;
}
