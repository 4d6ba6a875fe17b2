/* The load balancers of all TrafficPolicies: what each is wanted to have, made so, and what it
 * says.
 *
 *     sl_balancers_policy()   a policy came, changed, went: its balancers with it
 *     sl_balancers_want()     a pod's member is to have that weight
 *     sl_balancers_turn()     asks, compares, puts right; `changed` where an answer is another one
 *     sl_balancers_member()   what is known of a member
 *
 * A balancer is a row of a table by kind (haproxy, external, webhook), and is driven by what is
 * wanted, never by what was sent: one that was restarted and forgot everything gets its members
 * back, one that somebody else changed is put right. Nothing is taken out of a balancer that this
 * process does not want there before sl_balancers_complete(): until then it does not know all pods;
 * of a policy that comes later, for 10 s.
 *
 * Nothing here blocks. Threads: one, that of the reconciler's loop.
 */
#ifndef SL_RUN_BALANCERS_BALANCERS_H
#define SL_RUN_BALANCERS_BALANCERS_H

#include "core/traffic/lifecycle.h"

struct sl_balancers_options {
    /* What a member's state says is another now (never from within want or policy). */
    void (*changed)(void *ctx, const char *pod_uid);
    /* Somebody else changed a member, and it was put back: for an Event about the policy. */
    void (*corrected)(void *ctx, const char *ns, const char *policy, const char *note);
    void *ctx;
    uint64_t seed; /* of the jitter of retries */
};
struct sl_balancers;

struct sl_balancers *sl_balancers_open(const struct sl_balancers_options *options);
void sl_balancers_close(
    struct sl_balancers *balancers); /* leaves members as they are; NULL is fine */
SL_AUTO_PTR(sl_balancers, struct sl_balancers, sl_balancers_close);

/* The balancers of a policy, as it is now; `policy` NULL: it is gone. What it has no more is
 * drained of our members and given up, after a minute at the latest. `policy` is copied from. */
void sl_balancers_policy(struct sl_balancers *balancers, struct sl_str ns, struct sl_str name,
                         const struct sl_traffic_policy *policy, int64_t now);

struct sl_member_want {
    const char *uid, *pod; /* the pod's; copied */
    const char *address;   /* its IP; "" none yet: it is no member */
    int weight;            /* SL_WEIGHT_… */
};
/* Of the index-th balancer of that policy. No-op where it is wanted so already. With SL_WEIGHT_GONE
 * it is taken out when its sessions have ended, or after a minute; it is forgotten then. */
void sl_balancers_want(struct sl_balancers *balancers, struct sl_str ns, struct sl_str policy,
                       size_t index, const struct sl_member_want *want, int64_t now);
/* All pods were planned once. Also: of a pod that is not there any more, all its members are to be
 * GONE. */
void sl_balancers_complete(struct sl_balancers *balancers);
void sl_balancers_forget(struct sl_balancers *balancers, const char *uid, int64_t now);

/* What is known of a member; UNKNOWN where nothing is, and of one that was wanted in and is not any
 * more, until it was looked at again. Texts live until the next turn. */
void sl_balancers_member(const struct sl_balancers *balancers, struct sl_str ns,
                         struct sl_str policy, size_t index, const char *uid,
                         struct sl_member *ret_member);

struct sl_balancer_health {
    const char *ns, *policy, *name, *kind; /* kind: "haproxy" */
    bool answers;                          /* and does what it is told */
    const char *trouble;                   /* why not, one sentence; "" it does */
    int64_t since;                         /* of `answers` as it is, ns since 1970 */
    uint32_t members[SL_MEMBER_STATES];    /* that we want there, by state */
    int64_t sessions;                      /* of those that are OUT; -1: it cannot tell */
    uint64_t corrections;                  /* members that somebody else had changed */
};
/* False past the last. */
bool sl_balancers_health(const struct sl_balancers *balancers, size_t index,
                         struct sl_balancer_health *ret_health);

/* One descriptor for poll(): readable when sl_balancers_turn() has something to take. */
int sl_balancers_fd(const struct sl_balancers *balancers);
/* `now` is sl_clock_mono(), `wall` sl_clock_wall(). */
void sl_balancers_turn(struct sl_balancers *balancers, int64_t now, int64_t wall);
int64_t sl_balancers_due(const struct sl_balancers *balancers); /* sl_clock_mono(); INT64_MAX */

#endif
