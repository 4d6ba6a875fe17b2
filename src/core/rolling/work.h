/* Private to rolling: one plan in the making. survey.c counts what is there, machine.c takes the
 * step of the state machine, the driver of the workload's kind (driver.h) turns "so many pods may
 * be at the new revision" into actions, message.c says it in a sentence. */
#ifndef SL_CORE_ROLLING_WORK_H
#define SL_CORE_ROLLING_WORK_H

#include "core/held.h"
#include "core/rolling/plan.h"
#include "core/rolling/upgrade.h"
#include "core/traffic/lifecycle.h"

struct sl_work;

struct sl_work_pod {
    const struct sl_pod_record *pod;
    const char *revision;                  /* its id; "" not known */
    const struct sl_revision_record *from; /* what it runs; NULL: not known any more */
    struct sl_upgrade_state upgrade;
    const struct sl_roll_traffic *traffic; /* NULL: it is touched as it is */
    enum sl_traffic_state state;
    struct sl_drain_mark mark; /* what has it leave traffic */
    bool kept;                 /* it is to stay out of traffic, if this run took it out */
    bool asked;                /* to leave traffic, by this plan */
    const char *obstacle;      /* what keeps it from being upgraded in place; "" nothing */
    bool updated;              /* at the workload's revision */
    bool available;            /* in service: ready for minReadySeconds, and no upgrade under way */
};

/* How one kind of workload is driven. The table of all of them is in drivers.c. */
struct sl_driver {
    const char *name;
    /* The id of the revision that the workload's template is; "" until its controller has said. */
    const char *(*update_revision)(const struct sl_work *work);
    /* The ids of a revision, and of what a pod runs; "" unknown. */
    const char *(*revision_id)(const struct sl_revision_record *revision);
    const char *(*pod_revision)(const struct sl_work *work, const struct sl_pod_record *pod);
    bool in_place; /* pods may be upgraded in place by us; else that is its controller's business */
    /* Initializing: whether the workload is as the first batch wants it; if not, adds what makes it
     * so. Beyond the hold itself, which is everybody's. NULL: it is. */
    bool (*prepare)(struct sl_work *work);
    /* Moves pods until work->target are updated, within sl_work_allowance(); finishes what was
     * begun whatever the allowance. */
    void (*roll)(struct sl_work *work);
    /* BatchFinalizing: whether nothing of the batch is left to be done; if not, adds it. NULL:
     * never. */
    bool (*settle)(struct sl_work *work);
};

struct sl_work {
    const struct sl_roll_input *in;
    int64_t now;
    struct sl_arena *arena;

    /* survey.c */
    const struct sl_driver *driver; /* NULL: no workload, or none that is known */
    struct sl_held held;
    const char *update_revision; /* "" not known (yet) */
    const char *plan_hash;
    int32_t replicas;         /* wanted */
    struct sl_work_pod *pods; /* alive, in the order in which they are to be touched */
    size_t pod_count;
    int32_t updated, updated_available;
    int32_t out_of_service;   /* of the replicas that are wanted */
    const char *obstacle;     /* the first that any outdated pod has; "" none */
    const char *owner_paused; /* "the workload itself is paused …": said by its owner; NULL */
    struct sl_batch_targets targets; /* of a run that begins now; count 0 and problem set: none */
    const char *problem;             /* why the plan does not fit; "" it does */
    int64_t again;                   /* when something known will have changed */
    int32_t asked;                   /* pods that this plan asks to leave traffic */
    const char *budget;              /* the PodDisruptionBudget that has no room; "" all have */

    /* the plan */
    struct sl_rollout_status status; /* the new one */
    int32_t target;                  /* pods that may be at the new revision now */
    bool done;                       /* nothing is left of what the present state has to do */
    bool may_touch;                  /* new pods may be touched; else only what was begun goes on */
    int32_t
        promised; /* pods in service that were given to the stock controller and not taken yet */
    struct sl_action *actions;
    size_t action_count, action_room;
};

void sl_work_survey(struct sl_work *work);

/* --- the run --- */
static inline const struct sl_rollout *sl_work_spec(const struct sl_work *work)
{
    return &work->in->rollout->spec;
}
static inline bool sl_work_is_rollback(const struct sl_work *work)
{
    return work->status.run.id.n > 0 &&
           sl_str_eq(work->status.run.stable_revision, work->status.run.update_revision);
}
bool sl_work_ordered(const struct sl_work *work, enum sl_order order); /* of this run */
bool sl_work_is_paused(const struct sl_work *work); /* by the Rollout or the workload's owner */
/* There is a workload, of a known kind, and it is this Rollout that rolls it. */
bool sl_work_is_usable(const struct sl_work *work);
bool sl_work_is_held(const struct sl_work *work);
bool sl_work_is_gone(const struct sl_work *work); /* the workload, for certain */
const struct sl_revision_record *sl_work_revision(const struct sl_work *work, struct sl_str id);
/* Eight hexadecimal digits that stand for a text: of run ids and plans. */
const char *sl_work_hash(const struct sl_work *work, struct sl_str text);

/* Pods of the current batch that may be out of service at once. */
int32_t sl_work_max_unavailable(const struct sl_work *work);
/* In-service pods that may be touched now; 0 while nothing new may be begun. */
int32_t sl_work_allowance(const struct sl_work *work);

/* --- drains.c: pods leave traffic before they are touched --- */

/* Asks for the pod to be taken out of traffic; whether it is, and may be touched. */
bool sl_drain_ready(struct sl_work *work, struct sl_work_pod *pod, enum sl_drain_op op);
/* Whether its controller has to be told that it is not ready, for it to be the one that goes. */
bool sl_drain_is_drained(const struct sl_work_pod *pod);
/* As many of the pods that the run took out of traffic as it still needs stay out … */
void sl_drain_keep(struct sl_work *work);
/* … and the others return. */
void sl_drain_return(struct sl_work *work);
/* "pod web-3 to leave traffic (Draining)": the first that is waited for; "" none. */
const char *sl_drain_waits(const struct sl_work *work);

/* --- actions (hold.c, work.c) --- */
struct sl_action *sl_work_add(struct sl_work *work, enum sl_action_kind kind,
                              const struct sl_record *target);
/* The current value of a field of the workload's spec; "null". */
struct sl_str sl_work_field(const struct sl_work *work, const char *field);
/* The value at a dotted path in a JSON text; absent. */
struct sl_jval sl_work_at(struct sl_str json, const char *path);
/* Sets fields of the workload's spec where they differ, saving what was there in sluice.dev/held.
 * Returns whether all are as wanted already. */
struct sl_want {
    const char *field;
    struct sl_str value;
};
bool sl_work_set(struct sl_work *work, const struct sl_want *wanted, size_t count);
bool sl_work_hold(struct sl_work *work); /* the field that holds; true: it is held */
bool sl_work_release(
    struct sl_work *work); /* the originals; true: they are back, and we own nothing */
/* Of a workload that is not held: sluice.dev/held off its ReplicaSets. True: none has it. */
bool sl_work_drop_copies(struct sl_work *work);
/* The stable template, with the hold in the same request. False: there is no such revision any
 * more. */
bool sl_work_restore_template(struct sl_work *work);
bool sl_work_can_restore(const struct sl_work *work);
void sl_work_upgrade(struct sl_work *work, const struct sl_work_pod *pod, const char *revision,
                     const struct sl_revision_record *to, bool handover);

/* --- machine.c, message.c --- */
const char *sl_work_step(struct sl_work *work,
                         bool *ret_warns); /* the Event's reason; NULL: no step */
enum sl_gate {
    SL_GATE_OPEN,
    SL_GATE_PAUSED,    /* spec.paused */
    SL_GATE_OWNER,     /* the workload's owner paused it */
    SL_GATE_PARTITION, /* batchPartition */
    SL_GATE_CONFIRM,   /* needWaitingForConfirm */
    SL_GATE_WAIT,      /* the batch's pause */
};
enum sl_gate sl_work_gate(
    const struct sl_work *work); /* what keeps the next batch from beginning */
int64_t sl_work_pause_end(const struct sl_work *work);   /* of the current batch; 0: no pause */
bool sl_work_is_aborting(const struct sl_work *work);    /* the stable template is to come back */
bool sl_work_gives_up(const struct sl_work *work);       /* a failure is not rolled back */
const char *sl_work_failure(const struct sl_work *work); /* why the batch failed */
void sl_work_describe(struct sl_work *work);             /* phase, message, conditions */

/* drivers.c: by kind, and for a Deployment by how its pods can be upgraded. NULL: none. */
const struct sl_driver *sl_driver_of(const struct sl_work *work);
extern const struct sl_driver sl_driver_stateful_set, sl_driver_daemon_set, sl_driver_deployment,
    sl_driver_handover, sl_driver_partition;

#endif
