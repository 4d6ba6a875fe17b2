/* Private to the haproxy row: a look at what HAProxy has.
 *
 *     haproxy.c          the row: when to look, what to ask, what to do with the answers
 *     haproxy_report.c   what is wanted of all members → a plan; the plan → what is said of them
 *     haproxy_share.c    whether another balancer has the same servers
 */
#ifndef SL_RUN_BALANCERS_HAPROXY_LOOK_H
#define SL_RUN_BALANCERS_HAPROXY_LOOK_H

#include "core/balancers/haproxy.h"
#include "run/balancers/kind.h"
#include "run/balancers/runtime_api.h"

enum sl_haproxy_phase { SL_HAPROXY_AT_REST, SL_HAPROXY_ASKED_STATE, SL_HAPROXY_ASKED_SESSIONS };

struct sl_haproxy_look { /* balancer->own */
    struct sl_runtime_api *api;
    enum sl_haproxy_phase phase;
    unsigned step;       /* times that commands were told in this look */
    unsigned failures;   /* looks in a row that came to nothing */
    bool wanted;         /* something else is wanted than when it looked last */
    bool restarted;      /* another process answers than at the last look */
    int64_t again;       /* when to look next */
    int64_t hurried;     /* when something changed last */
    int64_t old_process; /* until when the process before this one may have sessions; 0 */
    char *process;       /* sl_haproxy_read_process() of the last answer; NULL: none yet */
    /* of this look */
    struct sl_arena arena;
    struct sl_haproxy_view view;
    size_t told; /* commands in front of the questions that were asked last */
    struct sl_balancer_member **told_of;
    struct sl_str *replies; /* one for each, after the answer */
};

struct sl_haproxy_round { /* all in the arena of the look */
    struct sl_haproxy_plan plan;
    struct sl_balancer_member **members; /* as the plan counts them */
    size_t count;
};

/* Compares what the view has with what is wanted; what nobody wants becomes a member on the way. */
void sl_haproxy_plan_round(struct sl_balancer *balancer, int64_t now,
                           struct sl_haproxy_round *ret_round);
/* Says of which members somebody else had changed something. */
void sl_haproxy_tell_corrections(struct sl_balancer *balancer,
                                 const struct sl_haproxy_round *round);
/* Says what was found of all members, and whether HAProxy does what it is told. True: all is as
 * wanted. */
bool sl_haproxy_report(struct sl_balancer *balancer, const struct sl_haproxy_round *round,
                       int64_t now, int64_t wall);

enum sl_haproxy_share {
    SL_HAPROXY_ALONE,
    SL_HAPROXY_NOT_KNOWN_YET, /* one that may have them was not asked yet */
    SL_HAPROXY_SHARED,        /* *ret_other has them */
};

/* Of a balancer that leaves: whether one that stays has its servers. Of one that has slots: whether
 * one that was there before has them. The same HAProxy may be written down in many ways (an
 * address, a name, a socket); its process, as it says itself, tells. Without this, a policy whose
 * HAProxy gets another address would drain with one hand what it adds with the other, and two
 * policies would free each other's slots. */
enum sl_haproxy_share sl_haproxy_share_of(const struct sl_balancer *balancer,
                                          const struct sl_balancer **ret_other);

#endif
