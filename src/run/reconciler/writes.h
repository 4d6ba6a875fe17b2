/* The requests of the reconciler that change something, while they are under way: what each was
 * for, so that its answer needs nothing that may have changed meanwhile.
 *
 *     rolling, traffic ─sl_write_new(), send()─▶ client ─▶ sl_writes_reply() ─▶ caches, the writer
 *
 * One list for all writers: what one of them is about to take out of service spends the budget of
 * the others (sl_writes_leaving).
 *
 * Threads: the client's one. `now` is sl_clock_mono(), `wall` sl_clock_wall().
 */
#ifndef SL_RUN_RECONCILER_WRITES_H
#define SL_RUN_RECONCILER_WRITES_H

#include "core/rolling/actions.h"
#include "core/traffic/budget.h"
#include "kube/client.h"
#include "run/reconciler/due.h"
#include "run/reconciler/fleet.h"

/* What waits for the rate limit, at most: the lease is renewed over the same client, and what
 * stands before it must stay less than a renewal can wait. */
#define SL_WRITES_QUEUED_MAX 64

struct sl_write;

/* Who sends: is told of the answer when it is in the caches. err->kind NONE: it was done. */
struct sl_writer {
    void (*answered)(void *ctx, struct sl_write *write, const struct sl_err *err, int64_t now,
                     int64_t wall);
    void *ctx;
};

struct sl_write {
    struct sl_writes *writes; /* that it is in */
    struct sl_write *next, *previous;
    struct sl_arena arena; /* holds the texts */
    const struct sl_writer *writer;
    void *target;       /* the writer's */
    struct sl_due *due; /* of the target */
    uint64_t id;
    int action; /* the writer's: what it is, for its log and its numbers */
    enum sl_call verb;
    struct sl_str group, resource, ns, name;
    const char *uid; /* of the object, ""; a new one has none yet */
    /* set by the writer before it is sent */
    bool begins;       /* it takes a pod out of service */
    const char *event; /* to be said when it was done; NULL: nothing */
    bool event_warns;
    const char *note;
    unsigned batches_finished;
};

struct sl_writes;
struct sl_writes *sl_writes_open(struct sl_client *client, struct sl_fleet *fleet,
                                 int64_t timeout); /* ns, of a request; the others are borrowed */
/* Cuts all of them; before the writers. NULL is fine. */
void sl_writes_close(struct sl_writes *writes);
SL_AUTO_PTR(sl_writes, struct sl_writes, sl_writes_close);

/* One more, which keeps its target: of `what` all but the body is copied. Never NULL. The caller
 * sets what is to be set, and sends it; it is the tag of the reply. */
struct sl_write *sl_write_new(struct sl_writes *writes, const struct sl_writer *writer,
                              void *target, struct sl_due *due, const struct sl_action_call *what,
                              const char *uid);
void sl_write_send(struct sl_write *write, const struct sl_action_call *what, int64_t now);

/* Takes the reply to one of them: one whose tag is nobody else's. */
void sl_writes_reply(const struct sl_reply *reply, int64_t now, int64_t wall);

size_t sl_writes_under_way(const struct sl_writes *writes);
bool sl_writes_full(const struct sl_writes *writes); /* the client has enough to send */

/* Sets `leaving` of the view, whose caches have not changed since it was made: the pods of the
 * namespace that writes under way begin to take out of service. The array lives in the arena, the
 * texts until the next reply. */
void sl_writes_leaving(const struct sl_writes *writes, const char *ns, struct sl_arena *arena,
                       struct sl_budget_view *view);

#endif
