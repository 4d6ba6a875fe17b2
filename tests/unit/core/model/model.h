/* A model of Kubernetes for the test of the planner (core/rolling/plan.h): one workload and its
 * Rollout, the native controllers, the kubelets and the admission webhook, as plain structs in one
 * process with a clock of its own. Random interleavings run against it by the ten thousand.
 *
 *     user.c, chaos.c          change it
 *     statefulset.c …kubelet.c are the controllers: each call is one pass over what is there
 *     world.c                  the objects, and the reconciler's view of them, which may be old
 *     api.c                    does what the planner's actions ask, as the API server would
 *     traffic.c                gates and a load balancer, in part of the worlds
 *     check.c                  the properties that must hold whatever happened
 *
 * What a controller decides is as in the sources of Kubernetes 1.36 (pkg/controller/…), where it
 * matters to a rollout. One thing is kinder than it: a patch of a pod that is taken back before its
 * kubelet has seen it restarts the container all the same. Left out: scheduling, quotas, collisions
 * of names, everything of a pod that is not its image, its revision and its readiness.
 *
 * Times are nanoseconds. Texts live in the arena of the world, until the world ends, and are never
 * changed: objects are copied as they are. */
#ifndef SL_TESTS_MODEL_H
#define SL_TESTS_MODEL_H

#include <stdio.h>

#include "core/names.h"
#include "core/records/disruption_budget.h"
#include "core/rolling/plan.h"
#include "core/traffic/lifecycle.h"

#define M_PODS 40
#define M_REVISIONS 24
#define M_TEMPLATES 8
#define M_NODES 8
#define M_BATCHES 4
#define M_FIELDS 5
#define M_NOTED 64 /* confirmations and the like that are remembered */

enum m_kind { M_STATEFUL_SET, M_DAEMON_SET, M_DEPLOYMENT, M_KINDS };

struct m_pod {
    bool used;
    struct sl_pod_record record; /* as the API server has it; .containers is set in a view */
    struct sl_pod_container container;
    int template;           /* what its spec has */
    int running;            /* what its container runs; -1: it does not */
    int node;               /* of a DaemonSet */
    int64_t kubelet_at;     /* when its kubelet does the next thing; SL_NEVER */
    bool restart;           /* its image was changed: its container is to be made anew */
    bool overdue;           /* its drain ended at its deadline */
    const char *patched_in; /* the run that changed its image last; NULL: none did */
};

/* Of the pod in the same place: the load balancer, and what the reconciler keeps in memory. */
struct m_member {
    bool in;
    int sessions;
};
struct m_traffic {
    const char *uid;
    struct m_member member;
    struct sl_member known;
    int64_t gate_off;
    int wanted;
    bool planned;
};

struct m_revision {
    bool used;
    struct sl_revision_record record;
    int template;
    int32_t available;      /* status.availableReplicas */
    int32_t most;           /* annotation max-replicas; 0: none */
    int64_t min_ready;      /* spec.minReadySeconds, seconds */
    int64_t handover_seen;  /* the mark as the webhook's cache has it … */
    int64_t handover_stale; /* … which is older than the mark since then; 0: it is not */
};

/* The members of a workload's spec that somebody may hold, by this order. */
enum m_field { M_UPDATE_STRATEGY, M_STRATEGY, M_PAUSED, M_MIN_READY, M_DEADLINE };
extern const char *const m_field_names[M_FIELDS];

struct m_workload {
    bool used;
    struct sl_workload_record record; /* .spec is set in a view */
    int template;
    const char *fields[M_FIELDS];    /* JSON texts; "" absent */
    const char *originals[M_FIELDS]; /* as its owner wants them */
    bool parallel;                   /* podManagementPolicy */
    int32_t history;                 /* revisionHistoryLimit */
    int32_t current_replicas;        /* status of a StatefulSet */
};

struct m_rollout {
    bool used;
    struct sl_rollout_record record; /* .spec.plan.batches.list.items is set in a view */
    struct sl_batch batches[M_BATCHES];
};

struct m_objects {
    struct m_workload workload;
    struct m_rollout rollout;
    struct m_revision revisions[M_REVISIONS];
    struct m_pod pods[M_PODS];
};

/* How a workload's spec says that it is to be rolled, decoded. */
enum m_type { M_ROLLING_UPDATE, M_ON_DELETE, M_TYPE_RECREATE };
struct m_policy {
    enum m_type type;
    bool rolling_update; /* there is such a member */
    int64_t partition;
    struct sl_intstr max_surge, max_unavailable;
    bool paused;
    int64_t min_ready, deadline; /* seconds */
};

struct m_template {
    const char *text, *id;
    int image, env;
    bool good; /* its image can be pulled */
};

struct m_world {
    uint64_t random, seed;
    enum m_kind kind;
    unsigned serial; /* of names, uids, containers */
    int64_t now;
    uint64_t version; /* the last resourceVersion */
    struct sl_arena arena;
    struct sl_arena scratch; /* of one plan */
    struct m_template templates[M_TEMPLATES];
    struct m_objects is;   /* what the API server has */
    struct m_objects seen; /* what the reconciler's caches have */
    const char *broken;    /* the first property that did not hold */
    int failures;          /* how many did not */
    int template_count;
    struct sl_traffic_policy policy;
    struct sl_budget_record budget; /* its status follows at once: test_lifecycle_random.c lags */
    struct m_traffic traffic[M_PODS];
    int32_t budget_room; /* its maxUnavailable */
    bool has_traffic, balancer_up;
    bool nodes[M_NODES];

    /* check.c: what happened */
    struct {
        const char *run;
        int64_t batch;
    } confirmed[M_NOTED];
    const char *promoted; /* the run of which a Promote was seen */
    int64_t finished_at;  /* when the current batch was seen to be finished */
    int confirmed_count;
    int32_t tolerated; /* out of service when the batch began; what a run may count on */

    bool verbose;
    bool calm;   /* nothing but upgrades happens: no pod may be lost */
    bool counts; /* the StatefulSet controller has MaxUnavailableStatefulSet */
};

/* --- world.c --- */
void m_world_open(struct m_world *world, uint64_t seed);
void m_world_close(struct m_world *world);
uint64_t m_random(struct m_world *world);
int m_below(struct m_world *world, int bound);      /* 0 … bound-1 */
bool m_chance(struct m_world *world, int thousand); /* so many times in a thousand */
void m_say(struct m_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void m_fail(struct m_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *m_text(struct m_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int64_t m_second(const struct m_world *world); /* now as metav1.Time has it */
int m_template_new(struct m_world *world, int image, int env, bool good);
int m_template_of(const struct m_world *world, struct sl_str text); /* -1: there is none such */
void m_meta_new(struct m_world *world, struct sl_record *record, const char *name,
                const char *owner_uid);
void m_touch(struct m_world *world, struct sl_record *record); /* it changed */
void m_workload_new(struct m_world *world, int template, int32_t replicas);
struct m_policy m_policy_of(struct m_world *world, const char *const fields[static M_FIELDS]);
struct m_pod *m_pod_new(struct m_world *world, const char *name, const char *owner_uid,
                        const char *revision, int template);
void m_pod_delete(struct m_world *world, struct m_pod *pod); /* gracefully, as an API DELETE */
struct m_revision *m_revision_new(struct m_world *world, bool replica_set, int template);
struct m_revision *m_revision_by_hash(struct m_objects *objects, const char *hash);
bool m_alive(const struct m_pod *pod); /* used, not finished, not being deleted */
/* Ready for so many seconds. */
bool m_available(const struct m_world *world, const struct m_pod *pod, int64_t min_ready);
const char *m_wanted_revision(const struct m_world *world, const struct m_objects *objects);
const char *m_pod_revision(const struct m_world *world, const struct m_objects *objects,
                           const struct m_pod *pod);

/* --- view.c: the reconciler's caches --- */
void m_view_refresh(struct m_world *world, bool all); /* else each kind of object perhaps */
void m_view_put(struct m_world *world, const struct sl_record *record); /* an answer to a request */
void m_view_input(struct m_world *world,
                  struct sl_roll_input *ret_input); /* in the scratch arena */

/* --- the controllers: one pass each; whether they changed something --- */
bool m_stateful_set(struct m_world *world);
bool m_daemon_set(struct m_world *world);
bool m_deployment(struct m_world *world);
bool m_replica_sets(struct m_world *world);
bool m_kubelets(struct m_world *world);
bool m_garbage(struct m_world *world);
bool m_controllers(struct m_world *world, bool all); /* in some order; some of them, or all */

/* --- traffic.c --- */
void m_traffic_open(struct m_world *world);
void m_traffic_admit(const struct m_world *world, struct m_pod *pod);
bool m_ready(struct m_world *world, struct m_pod *pod); /* the kubelet's word; whether it changed */
void m_traffic_input(struct m_world *world, struct sl_roll_input *input);
int64_t m_traffic(struct m_world *world, bool peace); /* plans each pod; when again */
void m_traffic_killed(struct m_world *world);         /* what is in memory is lost */
void m_check_traffic(struct m_world *world, size_t index, const char *what);
void m_check_traffic_end(struct m_world *world);

/* --- user.c: what people do, as the webhook lets them --- */
void m_user_template(struct m_world *world, int template);
void m_user_rollout(struct m_world *world); /* a Rollout with a random plan */
void m_user_plan(struct m_world *world);    /* another plan */
void m_user_confirm(struct m_world *world, const char *run, int64_t batch);
void m_user_order(struct m_world *world, enum sl_order order);
void m_user_scale(struct m_world *world, int32_t replicas);
void m_user_delete_rollout(struct m_world *world, enum sl_deletion policy);
void m_user_delete_workload(struct m_world *world);

/* --- chaos.c --- */
void m_chaos(struct m_world *world); /* perhaps one thing happens */
void m_pod_dies(struct m_world *world, struct m_pod *pod);

/* --- api.c --- */
bool m_api_status(struct m_world *world, const struct sl_rollout_status *status);
bool m_api_action(struct m_world *world, const struct sl_action *action);

/* --- check.c --- */
struct m_counts {
    int32_t replicas, alive, updated, updated_available, available;
};
/* Of the view, without what the reconciler itself has touched since. */
void m_count(const struct m_world *world, const struct m_objects *objects,
             struct m_counts *ret_counts);
void m_check_plan(struct m_world *world, const struct sl_roll_input *input,
                  const struct sl_plan *plan);
void m_check_status(struct m_world *world, const struct sl_rollout_status *after);
void m_check_action(struct m_world *world, const struct sl_action *action); /* before it is done */
void m_check_calm(struct m_world *world);
void m_check_end(struct m_world *world);

#endif
