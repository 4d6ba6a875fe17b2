/* The words of the pictures of traffic (traffic_view.h): what a pod, its drain and a policy's
 * status are called. Pure functions; texts live in the arena or the records. */
#ifndef SL_CLI_ROLLOUT_TRAFFIC_WORDS_H
#define SL_CLI_ROLLOUT_TRAFFIC_WORDS_H

#include "cli/text.h"
#include "core/records/traffic_policy.h"
#include "core/traffic/drain.h"
#include "core/traffic/lifecycle.h"

/* --- a pod --- */

const char *sl_traffic_state_word(enum sl_traffic_state state); /* "New" where nothing was done */
enum sl_style sl_traffic_state_style(enum sl_traffic_state state);

/* How long ago, "12s"; "" where it never was (0). */
const char *sl_traffic_age(int64_t now, int64_t then, struct sl_arena *arena);

struct sl_traffic_drain {
    const char *op;   /* "upgrade"; "" nothing has it leave */
    struct sl_str id; /* "" none */
    int64_t since;    /* 0: not begun */
    int64_t deadline; /* INT64_MAX: none */
};
/* What has the pod leave: its deletion before its annotation. `policy` may be NULL. */
void sl_traffic_drain_read(const struct sl_pod_record *pod,
                           const struct sl_traffic_policy_record *policy, struct sl_arena *arena,
                           struct sl_traffic_drain *ret_drain);

/* "in 48s", "12s ago"; "". */
const char *sl_traffic_deadline(const struct sl_traffic_drain *drain, int64_t now,
                                struct sl_arena *arena);

/* Those whose finalizer is on: "edge,slb". */
const char *sl_traffic_balancers(const struct sl_pod_record *pod, struct sl_arena *arena);
/* Those of the policy, and whether their finalizer is on: "edge (finalizer on), slb (off)". */
const char *sl_traffic_balancers_of(const struct sl_pod_record *pod,
                                    const struct sl_traffic_policy_record *policy,
                                    struct sl_arena *arena);

/* What comes next for it, and who has to do it: "load balancers edge to let go of it". */
const char *sl_traffic_waits(const struct sl_pod_record *pod,
                             const struct sl_traffic_policy_record *policy,
                             const struct sl_traffic_drain *drain, struct sl_arena *arena);

/* --- a policy's status --- */

struct sl_traffic_status_balancer {
    const char *name, *message;
    bool healthy;
    int64_t members[SL_MEMBER_STATES];
};

struct sl_traffic_status {
    bool known; /* there is one */
    int64_t pods, states[SL_TRAFFIC_STATES];
    struct sl_traffic_status_balancer balancers[16];
    size_t balancer_count;
    const char *ready, *message; /* of the condition Ready: "True"; "Unknown" where there is none */
};
/* Whatever of the stored text cannot be read is as absent. */
void sl_traffic_status_read(struct sl_str stored, struct sl_arena *arena,
                            struct sl_traffic_status *ret_status);

/* "edge 8/10,slb down,other": members that are in, of how many where any are known. */
const char *sl_traffic_balancers_word(const struct sl_traffic_status *status,
                                      struct sl_arena *arena);
/* "edge: 8 in, 1 out, 1 absent"; with its message. */
const char *sl_traffic_balancer_text(const struct sl_traffic_status_balancer *balancer,
                                     struct sl_arena *arena);
enum sl_style sl_traffic_ready_style(const char *ready);

#endif
