/* The end of a wait (wait_rule.h). */
#include "cli/rollout/wait_rule.h"

enum end {
    GOES_ON,  /* another phase may follow by itself, or by somebody's order */
    IS_OVER,  /* nothing follows but by a new template */
    IS_WRONG, /* nothing follows unless somebody repairs it */
};

static const enum end ends[SL_PHASES] = {
    [SL_PHASE_NONE] = GOES_ON,  [SL_HEALTHY] = IS_OVER,
    [SL_PROGRESSING] = GOES_ON, [SL_WAITING_FOR_CONFIRMATION] = GOES_ON,
    [SL_PAUSED] = GOES_ON,      [SL_ROLLING_BACK] = GOES_ON,
    [SL_DEGRADED] = IS_WRONG,   [SL_PHASE_FAILED] = IS_WRONG,
};

static enum sl_waited in_vain(const struct sl_rollout_record *rollout, const char *what,
                              struct sl_err *ret_why)
{
    const struct sl_rollout_status *status = &rollout->status;
    struct sl_str why = status->run.failure.n > 0 ? status->run.failure : status->message;
    (void)sl_err_set(ret_why, SL_ERR_CONFLICT, "%s %s%s%.*s", rollout->record.name, what,
                     why.n > 0 ? ": " : "", SL_STR_FMT(why));
    return SL_WAITED_IN_VAIN;
}

enum sl_waited sl_wait_look(struct sl_wait *wait, const struct sl_rollout_record *rollout,
                            bool held, struct sl_err *ret_why)
{
    const struct sl_rollout_status *status = &rollout->status;
    const struct sl_run *run = &status->run;
    enum sl_phase phase = status->phase;
    bool back = sl_str_eq(run->stable_revision, run->update_revision);
    if (status->observed_generation < rollout->record.generation || (phase == SL_HEALTHY && held)) {
        return SL_WAITED_NOT_YET; /* what the status says is of before */
    }
    if (phase == wait->wanted) {
        return SL_WAITED_REACHED;
    }
    if (phase == SL_ROLLING_BACK && wait->wanted == SL_HEALTHY &&
        (wait->forward || run->failure.n > 0)) {
        return in_vain(rollout, "is being rolled back", ret_why);
    }
    if (run->id.n > 0 && !back && ends[phase] == GOES_ON) {
        wait->forward = true;
    }
    switch (ends[phase]) {
    case GOES_ON:
        return SL_WAITED_NOT_YET;
    case IS_OVER:
        return in_vain(rollout, "has no run under way: it is Healthy", ret_why);
    case IS_WRONG:
        return in_vain(rollout, phase == SL_DEGRADED ? "is Degraded" : "has Failed", ret_why);
    }
    return SL_WAITED_NOT_YET;
}
