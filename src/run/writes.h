/* The requests of the reconciler that change something, while they are under way: what each was
 * for, so that its answer needs nothing that may have changed meanwhile. Used by rolling.c alone.
 *
 * Threads: the client's one.
 */
#ifndef SL_RUN_WRITES_H
#define SL_RUN_WRITES_H

#include "core/rolling/actions.h"
#include "kube/client.h"
#include "run/targets.h"

struct sl_write {
    struct sl_write *next, *previous;
    struct sl_arena arena; /* holds the texts */
    struct sl_target *target;
    uint64_t id;
    int action; /* enum sl_action_kind, or SL_ACTION_STATUS */
    enum sl_call verb;
    struct sl_str group, resource, ns, name;
    const char *uid; /* of the object, ""; a new one has none yet */
    /* of a status */
    const char *event; /* NULL: none */
    bool event_warns;
    const char *note;
    unsigned batches_finished;
};

struct sl_writes {
    struct sl_client *client; /* borrowed */
    int64_t timeout;          /* ns, of a request */
    struct sl_write *first;
    size_t count;
};

/* One more, which keeps its target: of `what` all but the body is copied. Never NULL. The caller
 * may set what is of a status, and sends it; it is the tag of the reply. */
struct sl_write *sl_write_new(struct sl_writes *writes, struct sl_target *target, int action,
                              const struct sl_action_call *what, const char *uid);
void sl_write_send(struct sl_writes *writes, struct sl_write *write,
                   const struct sl_action_call *what, int64_t now);

/* It is answered: releases it, and its target. */
void sl_write_done(struct sl_writes *writes, struct sl_write *write);
/* Cuts all of them. */
void sl_writes_cancel(struct sl_writes *writes);

#endif
