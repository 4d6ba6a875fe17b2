/* Private to traffic: one plan in the making. leave.c says whether and until when a pod leaves,
 * lifecycle.c has the table and takes the step, lifecycle_write.c writes it. */
#ifndef SL_CORE_TRAFFIC_WORK_H
#define SL_CORE_TRAFFIC_WORK_H

#include "core/traffic/lifecycle.h"

#define SL_MEMBERS_MAX (sizeof((struct sl_traffic_plan *)0)->weights / sizeof(int))

struct sl_traffic_work {
    const struct sl_traffic_input *in;
    int64_t now;
    struct sl_arena *arena;
    enum sl_traffic_state state;
    struct sl_drain_mark mark;
    enum sl_drain_op op; /* what has it leave */
    size_t count;        /* load balancers of the policy */
    int64_t since;       /* when its drain began; 0: it has not */
    int64_t deadline;    /* INT64_MAX: none */
    struct sl_traffic_plan *plan;
};

static inline const struct sl_load_balancer *sl_traffic_balancers(
    const struct sl_traffic_work *work)
{
    return work->in->policy->load_balancers.items;
}

/* --- leave.c --- */

/* Reads the mark, and what has the pod leave until when. */
void sl_traffic_survey(struct sl_traffic_work *work);
/* Whether nothing stands behind the annotation that is there any more. */
bool sl_traffic_is_stale(const struct sl_traffic_work *work);
/* Whether every balancer, and whoever goes by the gate, sends it nothing any more; if not, says
 * what it waits for, and notes when to look again. */
bool sl_traffic_has_left(struct sl_traffic_work *work);
/* Sessions that it still serves, of balancers that can tell. */
int64_t sl_traffic_sessions(const struct sl_traffic_work *work);
/* The finalizer of a balancer is on the pod. */
bool sl_traffic_has_finalizer(const struct sl_pod_record *pod, struct sl_str balancer);
void sl_traffic_again(struct sl_traffic_work *work, int64_t when);

static inline bool sl_traffic_is_deleted(const struct sl_traffic_work *work)
{
    return work->in->pod->record.deleted != 0;
}

/* It will never serve again. */
static inline bool sl_traffic_ends(const struct sl_traffic_work *work)
{
    return sl_traffic_is_deleted(work) || work->in->pod->finished;
}

static inline bool sl_traffic_is_late(const struct sl_traffic_work *work)
{
    return work->deadline <= work->now;
}

/* --- marks.c: those that return a bool say whether all is as it is to be; if not, they plan the
 * write that makes it so --- */

/* Its label and finalizers, and no finalizer that nobody would ever take off. Nothing can be added
 * to a pod that is being deleted (FACTS 7). */
bool sl_traffic_adopt(struct sl_traffic_work *work);
bool sl_traffic_lacks_finalizers(const struct sl_traffic_work *work);
/* No finalizers but those of external balancers, and the mark by which a ReplicaSet takes it first.
 */
bool sl_traffic_strip(struct sl_traffic_work *work);
/* Whether the planned write takes off every finalizer that the pod has. */
bool sl_traffic_takes_the_last(const struct sl_traffic_work *work);
/* Its drain has a beginning and an end, from the moment on that it spends budget. */
bool sl_traffic_is_dated(struct sl_traffic_work *work);
/* A pod that is out already, and is asked for anew, is not out for ever. */
bool sl_traffic_has_end(struct sl_traffic_work *work);
bool sl_traffic_has_begun(const struct sl_traffic_work *work); /* a moment ago: it is paid for */
/* The deadline of an eviction that waits for its budget is not near. */
bool sl_traffic_is_let_wait(struct sl_traffic_work *work);
void sl_traffic_unmark(struct sl_traffic_work *work); /* the annotation comes off */
void sl_traffic_let_go(struct sl_traffic_work *work); /* all of it comes off */
void sl_traffic_write_status(struct sl_traffic_work *work, enum sl_traffic_state state,
                             const char *message);

/* --- say.c --- */

/* The message of the condition in that state. */
const char *sl_traffic_message(const struct sl_traffic_work *work, enum sl_traffic_state state);
/* The sentence of the Event when it gets there. */
const char *sl_traffic_note(const struct sl_traffic_work *work, enum sl_traffic_state to,
                            enum sl_drain_outcome outcome);

#endif
