/* A small world for the test of the traffic planner (core/traffic/lifecycle.h): a few pods of one
 * TrafficPolicy, its load balancers and their clients, a PodDisruptionBudget, kubelets, people, and
 * a reconciler whose caches are old and whose memory is lost. One process, a clock of its own.
 *
 *     people.c       what people, rollouts, and the webhook of evictions do
 *     nature.c       kubelets, balancers, clients, the disruption controller, and what breaks
 *     reconciler.c   plans, tells the balancers, writes
 *     world.c        the pods as JSON, and the API server that patches them
 *     check.c        what must hold whatever happened
 *
 * Times are nanoseconds; the world ends where its arena does. */
#ifndef SL_TESTS_TRAFFIC_WORLD_H
#define SL_TESTS_TRAFFIC_WORLD_H

#include "codec/json.h"
#include "core/traffic/budget.h"
#include "core/traffic/lifecycle.h"

#define T_PODS 4
#define T_BALANCERS 3
#define T_NEVER INT64_MAX
#define T_UNWANTED (-2) /* no plan has said yet what a member is to be */

enum t_kind { T_TELLS, T_SILENT, T_EXTERNAL, T_KINDS };

/* A pod in a load balancer, as it is. */
struct t_member {
    bool present;
    int weight;
    int sessions;
    int64_t out_at; /* since when its weight is 0 */
};

struct t_balancer {
    enum t_kind kind;
    bool up; /* its API answers; it balances all the while */
    struct t_member members[T_PODS];
};

struct t_pod {
    bool used;
    struct json_object *object;         /* as the API server has it */
    const struct sl_pod_record *record; /* the same, decoded */
    /* the kubelet's */
    bool running;
    int64_t kubelet_at; /* when it does the next thing; T_NEVER */
    int64_t stop_at;    /* when the preStop sleep of a deletion is over */
    bool restart;       /* its image was patched */
    /* what really happened */
    int64_t out_at;      /* since when it is not Ready for its Service; 0: it is, or never was */
    int64_t ready_at;    /* since when it is Ready; 0: it is not */
    bool begun;          /* a drain has begun since it last joined */
    bool cut;            /* … and its deadline passed, since it was last in service */
    bool drained_first;  /* it was Drained when its deletion was asked for */
    bool in_peace;       /* … when everybody was there who takes part */
    int64_t first_asked; /* the first eviction that was refused; 0: none was */
};

/* What the reconciler knows; all of it but the seen pods is lost with it. */
struct t_memory {
    const struct sl_pod_record *seen[T_PODS]; /* NULL: no such pod */
    struct sl_budget_record budget;
    struct sl_member known[T_PODS][T_BALANCERS];
    int wanted[T_PODS][T_BALANCERS];
    int64_t gate_off[T_PODS];
    int64_t again[T_PODS];
    bool dirty[T_PODS];
};

struct t_world {
    uint64_t random, seed;
    int64_t now;
    uint64_t version; /* the last resourceVersion */
    unsigned serial;  /* of names */
    struct sl_arena arena;
    struct sl_arena scratch; /* of one plan */
    struct t_pod pods[T_PODS];
    struct t_balancer balancers[T_BALANCERS];
    struct sl_traffic_policy policy;
    struct sl_load_balancer rows[T_BALANCERS];
    bool matches; /* the policy matches the pods */
    bool run_stands;
    struct sl_budget_record budget;
    struct sl_record **records; /* every version of every pod: what is seen may be old */
    size_t record_count;
    struct t_memory mind;
    bool calm;  /* nobody but us and rollouts, evictions, scale-downs takes pods out of service */
    bool peace; /* nothing breaks, and people ask for nothing, any more */
    bool verbose;
    const char *broken; /* the first property that did not hold */
    int failures;
};

/* --- world.c --- */
void t_world_open(struct t_world *world, uint64_t seed);
void t_world_close(struct t_world *world);
int t_below(struct t_world *world, int bound);      /* 0 … bound-1 */
bool t_chance(struct t_world *world, int thousand); /* so many times in a thousand */
void t_say(struct t_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void t_fail(struct t_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void t_pod_new(struct t_world *world, size_t index);
void t_pod_gone(struct t_world *world, size_t index);
void t_pod_delete(struct t_world *world, size_t index); /* gracefully, as an API DELETE */
/* The pod's object was changed: a new version of it. */
void t_touch(struct t_world *world, struct t_pod *pod);
void t_condition(struct t_world *world, struct t_pod *pod, const char *type, bool holds);
bool t_condition_is(const struct t_pod *pod, const char *type);
/* An annotation; NULL removes it. */
void t_annotate(struct t_world *world, struct t_pod *pod, const char *key, const char *text);
bool t_finalizer(const struct t_pod *pod, size_t balancer);
void t_finalizer_set(struct t_world *world, struct t_pod *pod, size_t balancer, bool on);
void t_container(struct t_world *world, struct t_pod *pod, bool running);
const char *t_drain_text(struct t_world *world, const char *op, const char *id, int64_t since,
                         int64_t deadline);
/* A strategic merge patch of a pod; false: a conflict, nothing happened. */
bool t_patch(struct t_world *world, size_t index, struct sl_str body, bool status);

/* --- nature.c --- */
void t_nature(struct t_world *world);  /* a step of each */
void t_trouble(struct t_world *world); /* perhaps something breaks, or is well again */
int64_t t_next_timer(const struct t_world *world);

/* --- people.c --- */
void t_people(struct t_world *world);   /* perhaps somebody does something */
void t_rollouts(struct t_world *world); /* they go on with what they had pods drained for */
void t_make_peace(struct t_world *world);

/* --- reconciler.c --- */
void t_reconciler_new(struct t_world *world);    /* another process takes over */
void t_watch(struct t_world *world, bool all);   /* events come: of all pods, or of some */
void t_see(struct t_world *world, size_t index); /* an answer: the pod as it is now */
/* The budget that has no room for the pod, as far as is known; NULL: none. */
const char *t_budget_of(struct t_world *world, size_t index);
void t_balancers_turn(struct t_world *world);
bool t_plan(struct t_world *world, size_t index); /* true: something was written */

/* --- check.c --- */
/* Why it cannot be said that the pod left traffic; NULL: it has. */
const char *t_serves(const struct t_world *world, size_t index);
void t_check_stop(struct t_world *world, size_t index); /* before its container is stopped */
void t_check_gone(struct t_world *world, size_t index);
void t_check_plan(struct t_world *world, const struct sl_traffic_input *input,
                  const struct sl_traffic_plan *plan);
void t_check_write(struct t_world *world, size_t index, const struct sl_traffic_plan *plan);
void t_check_flip(struct t_world *world, size_t index); /* the gate of the pod was set False */
void t_check_step(struct t_world *world);
void t_check_end(struct t_world *world);

#endif
