/* When one of the loop's targets (a Rollout, a pod) is to be planned: because something changed,
 * because its plan says so, and not before its backoff has passed.
 *
 * While a request of a target is under way it is not planned again. What failed is planned again:
 * after a conflict, or where the object is gone, as soon as the caches have moved and after a
 * second at the latest; else after 1 s, doubled up to 30 s.
 *
 * Times are sl_clock_mono() where nothing else is said. Pure functions.
 */
#ifndef SL_RUN_RECONCILER_DUE_H
#define SL_RUN_RECONCILER_DUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* All zero is one that is due when something changes, if `again` is INT64_MAX (SL_DUE_INIT). */
struct sl_due {
    int64_t again;           /* plan it then, though nothing changed; INT64_MAX: never */
    int64_t not_before;      /* a failure's backoff */
    size_t under_way;        /* requests; while there are any, the target is kept */
    unsigned failures;       /* in a row */
    enum sl_err_kind failed; /* of the requests of the last plan, the worst; NONE */
    bool dirty;              /* something that its plan is made from has changed */
};
#define SL_DUE_INIT                                                                                \
    {                                                                                              \
        .again = INT64_MAX                                                                         \
    }

/* When it is to be planned; INT64_MAX: not before something happens. */
int64_t sl_due_at(const struct sl_due *due);

/* It is being planned: what made it due is done with. */
void sl_due_begin(struct sl_due *due);
/* The plan wants to be asked again at that time of the wall clock; INT64_MAX: it does not. */
void sl_due_again(struct sl_due *due, int64_t at, int64_t now, int64_t wall);
/* A request of the plan failed so, or could not be sent. */
void sl_due_failed(struct sl_due *due, enum sl_err_kind kind);
/* All requests of the plan are answered. */
void sl_due_settle(struct sl_due *due, int64_t now);

/* Many targets in turns: a few of those that are due are planned in one turn of the loop, and the
 * next one goes on behind them, so that each has its turn. */
struct sl_round_of {
    size_t count;
    int64_t (*due)(void *ctx, size_t index); /* as sl_due_at() */
    void (*plan)(void *ctx, size_t index, int64_t now, int64_t wall);
    bool (*full)(void *ctx); /* there is enough to send: plan nothing more */
    void *ctx;
};
struct sl_round {
    size_t cursor; /* the target that is looked at first */
    bool full;     /* targets are due, but there is enough to send: that will turn the loop */
};
void sl_round_turn(struct sl_round *round, const struct sl_round_of *of, int64_t now, int64_t wall);
int64_t sl_round_due(const struct sl_round *round, const struct sl_round_of *of);

/* An error that is no failure: others write, too. */
static inline bool sl_due_is_conflict(enum sl_err_kind kind)
{
    return kind == SL_ERR_CONFLICT || kind == SL_ERR_NOT_FOUND;
}

#endif
