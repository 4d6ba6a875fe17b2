/* When a target is due (due.h): shared by rolling.c and traffic.c. */
#include "run/reconciler/due.h"

#include "base/clock.h"

#define BACKOFF_FIRST SL_NS_PER_S
#define BACKOFF_MAX (30 * SL_NS_PER_S)
#define CONFLICT_WAIT SL_NS_PER_S
/* A plan names a time of the wall clock: one that is set meanwhile is noticed after so long. */
#define AGAIN_MAX (60 * SL_NS_PER_S)
#define PLANS_AT_ONCE 64 /* in one turn */

int64_t sl_due_at(const struct sl_due *due)
{
    if (due->under_way > 0) {
        return INT64_MAX;
    }
    int64_t at = due->dirty ? 0 : due->again;
    return at < due->not_before ? due->not_before : at;
}

void sl_due_begin(struct sl_due *due)
{
    due->dirty = false;
    due->again = INT64_MAX;
}

void sl_due_again(struct sl_due *due, int64_t at, int64_t now, int64_t wall)
{
    if (at != INT64_MAX) {
        int64_t wait = at > wall ? at - wall : 0;
        due->again = now + (wait < AGAIN_MAX ? wait : AGAIN_MAX);
    }
}

void sl_due_failed(struct sl_due *due, enum sl_err_kind kind)
{
    if (!sl_due_is_conflict(kind) || due->failed == SL_ERR_NONE) {
        due->failed = kind;
    }
}

static int64_t backoff(unsigned failures)
{
    int64_t wait = BACKOFF_FIRST;
    for (unsigned i = 1; i < failures && wait < BACKOFF_MAX; i++) {
        wait *= 2;
    }
    return wait < BACKOFF_MAX ? wait : BACKOFF_MAX;
}

void sl_due_settle(struct sl_due *due, int64_t now)
{
    switch (due->failed) {
    case SL_ERR_NONE:
        due->failures = 0;
        due->dirty = true;
        break;
    case SL_ERR_CONFLICT:
    case SL_ERR_NOT_FOUND:
        due->again = now + CONFLICT_WAIT < due->again ? now + CONFLICT_WAIT : due->again;
        break;
    case SL_ERR_INVALID:
    case SL_ERR_GONE:
    case SL_ERR_DENIED:
    case SL_ERR_TRANSIENT:
    case SL_ERR_INTERNAL:
        due->failures++;
        due->not_before = now + backoff(due->failures);
        due->dirty = true;
        break;
    }
    due->failed = SL_ERR_NONE;
}

/* --- rounds --- */

void sl_round_turn(struct sl_round *round, const struct sl_round_of *of, int64_t now, int64_t wall)
{
    size_t first = round->cursor;
    size_t planned = 0;
    round->full = false;
    for (size_t i = 0; i < of->count && planned < PLANS_AT_ONCE && !round->full; i++) {
        size_t index = (first + i) % of->count;
        if (of->due(of->ctx, index) > now) {
            continue;
        }
        round->full = of->full(of->ctx);
        if (!round->full) {
            of->plan(of->ctx, index, now, wall);
            planned++;
            round->cursor = index + 1;
        }
    }
}

int64_t sl_round_due(const struct sl_round *round, const struct sl_round_of *of)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < of->count && !round->full; i++) {
        int64_t one = of->due(of->ctx, i);
        due = one < due ? one : due;
    }
    return due;
}
