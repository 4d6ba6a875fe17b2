/* What is said of a plan (lifecycle.h): the condition's message, and the sentence of an Event. */
#include "codec/timestamp.h"
#include "core/traffic/work.h"

static const char *time_text(const struct sl_traffic_work *work, int64_t time)
{
    char text[SL_TIMESTAMP_SIZE];
    sl_timestamp_write(time, text);
    return sl_arena_printf(work->arena, "%s", text);
}

static const char *drain_message(const struct sl_traffic_work *work)
{
    const char *op = sl_drain_op_names[work->op];
    const char *until = work->deadline == INT64_MAX
                            ? ""
                            : sl_arena_printf(work->arena, ", until %s at the latest",
                                              time_text(work, work->deadline));
    return work->since == 0 ? sl_arena_printf(work->arena, "leaves traffic (%s)%s", op, until)
                            : sl_arena_printf(work->arena, "leaves traffic (%s) since %s%s", op,
                                              time_text(work, work->since), until);
}

const char *sl_traffic_message(const struct sl_traffic_work *work, enum sl_traffic_state state)
{
    bool hold = work->state == SL_TRAFFIC_DRAINING && sl_traffic_is_late(work);
    switch (state) {
    case SL_TRAFFIC_IN_SERVICE:
        return work->op != SL_DRAIN_NONE && work->in->budget != NULL
                   ? sl_arena_printf(work->arena,
                                     "is to leave traffic (%s): waits for PodDisruptionBudget %s",
                                     sl_drain_op_names[work->op], work->in->budget)
                   : "";
    case SL_TRAFFIC_DRAINING:
        return hold ? sl_arena_printf(work->arena, "%s: held, since onTimeout is Hold",
                                      drain_message(work))
                    : drain_message(work);
    case SL_TRAFFIC_DRAINED:
        return sl_arena_printf(work->arena, "out of traffic (%s)", sl_drain_op_names[work->op]);
    case SL_TRAFFIC_NONE:
    case SL_TRAFFIC_JOINING:
    case SL_TRAFFIC_UPGRADING:
    case SL_TRAFFIC_STATES:
        break;
    }
    return "";
}

const char *sl_traffic_note(const struct sl_traffic_work *work, enum sl_traffic_state to,
                            enum sl_drain_outcome outcome)
{
    if (outcome == SL_DRAIN_OVERDUE) {
        const char *waits = work->plan->waits;
        return sl_arena_printf(
            work->arena, "its drain (%s) took longer than %lld s and goes on without: %s%s",
            sl_drain_op_names[work->op], (long long)work->in->policy->drain.timeout,
            waits[0] == '\0' ? "it was about to end" : waits,
            sl_traffic_sessions(work) > 0 ? "; its sessions are cut" : "");
    }
    const char *message = sl_traffic_message(work, to);
    return message[0] != '\0' ? message
                              : sl_arena_printf(work->arena, "is %s", sl_traffic_state_names[to]);
}
