/* Private to run/balancers: one load balancer of one policy, and what a kind of them has to do.
 *
 *     balancers.c   which balancers there are, which members each is wanted to have, when to turn
 *     balancer.c    one of them: its members, what is said of them
 *     KIND.c        a row: makes what is wanted so, and says what is (haproxy.c, webhook.c,
 * external.c)
 *
 * A kind reads what is wanted from balancer->members whenever its turn comes, compares it with what
 * its balancer has, and says what it found with the functions below. Nothing blocks.
 */
#ifndef SL_RUN_BALANCERS_KIND_H
#define SL_RUN_BALANCERS_KIND_H

#include "base/arena.h"
#include "run/balancers/balancers.h"

/* A member is left to itself this long after it is wanted GONE, sessions or not. */
#define SL_BALANCER_LINGER (60 * SL_NS_PER_S)

struct sl_balancer_member {
    /* what is wanted */
    char *uid;           /* "" of one that was found there, and that no pod stands for */
    char *pod, *address; /* address "": it has none (yet), and must not be added */
    int weight;          /* SL_WEIGHT_… */
    int64_t gone_since;  /* since when it is wanted GONE, sl_clock_mono() */
    /* what is, as sl_balancer_member_is() was told */
    struct sl_member is;
    char *trouble; /* owned text behind is.trouble; NULL */
    /* the kind's */
    char *place;  /* its name there, where the balancer gave it one; NULL; owned */
    bool settled; /* it was found as it is wanted now */
    void *own;    /* whatever else; released by `dropped` */
};

struct sl_balancer {
    const struct sl_balancer_kind *kind;
    char *ns, *policy;
    struct sl_load_balancer spec; /* as it is now; its texts are in the arena */
    size_t index; /* in the policy; SL_BALANCER_LEAVING: the policy has it no more */
    struct sl_balancer_member **members; /* by uid, then pod */
    size_t count;
    bool complete; /* who is not among the members is not wanted there */
    bool idle;     /* the kind's: all is as wanted, as of a look after the last change */
    void *own;     /* the kind's */
    uint64_t *random;
    uint64_t serial; /* of one that was opened later, a greater one */
    struct sl_balancers *set;
    /* balancers.c and balancer.c alone */
    size_t room;
    struct sl_arena arena;
    char *key;
    int64_t settles; /* before that, who it is to have may not have been said yet */
    int64_t leaves;  /* when it is given up at the latest, sl_clock_mono() */
    bool woken;      /* a descriptor of it has something */
    bool answers;
    char *trouble;
    int64_t since;
    uint64_t corrections;
};
#define SL_BALANCER_LEAVING SIZE_MAX

struct sl_balancer_kind {
    const char *name;
    bool (*is)(const struct sl_load_balancer *spec);
    /* Appends what makes it this balancer and no other: as long as that stays, the others of its
     * fields may change while it is open. */
    void (*key)(const struct sl_load_balancer *spec, struct sl_buf *out);
    /* The rest is NULL where there is nothing to do. */
    void (*open)(struct sl_balancer *balancer);
    void (*close)(struct sl_balancer *balancer);
    /* What is wanted of a member, or a field, changed: a look is due. */
    void (*wanted)(struct sl_balancer *balancer, int64_t now);
    void (*dropped)(struct sl_balancer *balancer, struct sl_balancer_member *member);
    /* A descriptor of it has something, or it is due. */
    void (*turn)(struct sl_balancer *balancer, int64_t now, int64_t wall);
    int64_t (*due)(const struct sl_balancer *balancer);
};

extern const struct sl_balancer_kind sl_balancer_external, sl_balancer_haproxy, sl_balancer_webhook;

/* --- for kinds, within their turn --- */

/* A descriptor that wakes it; events 0: not any more (before it is closed). */
void sl_balancer_watch(struct sl_balancer *balancer, int fd, uint32_t events);

/* What was found. `trouble` is copied, NULL or "": none; it is not as wanted because of it. True:
 * it was another before. */
bool sl_balancer_member_is(struct sl_balancer *balancer, struct sl_balancer_member *member,
                           enum sl_member_state state, int64_t sessions, const char *trouble,
                           int64_t wall);
/* One that nobody wants there was found: it becomes a member that is to be GONE. */
struct sl_balancer_member *sl_balancer_stray(struct sl_balancer *balancer, struct sl_str pod,
                                             int64_t now);
/* One that was to be GONE is. */
void sl_balancer_drop(struct sl_balancer *balancer, struct sl_balancer_member *member);
/* Somebody else had changed a member: "weight of shop/web-1 was 50". */
void sl_balancer_corrected(struct sl_balancer *balancer, const char *note);

/* Whether it answers, and does what it is told: `trouble` says why not, NULL or "": it does. */
void sl_balancer_answers(struct sl_balancer *balancer, const char *trouble, int64_t wall);
/* Nothing is known of any member from now on; one that was to be GONE, and lingered, is dropped. */
void sl_balancer_forget_all(struct sl_balancer *balancer, int64_t now, int64_t wall);

/* Whether it lingers no longer: what is left of it may be taken away. */
static inline bool sl_balancer_lingered(const struct sl_balancer_member *member, int64_t now)
{
    return member->weight == SL_WEIGHT_GONE && now - member->gone_since >= SL_BALANCER_LINGER;
}

/* The index-th of all balancers, those that leave too; NULL past the last. */
const struct sl_balancer *sl_balancers_at(const struct sl_balancers *balancers, size_t index);

/* --- between balancers.c and balancer.c --- */

struct sl_balancer *sl_balancer_open(struct sl_balancers *balancers,
                                     const struct sl_balancer_kind *kind, struct sl_str ns,
                                     struct sl_str policy, const struct sl_load_balancer *spec);
void sl_balancer_close(struct sl_balancer *balancer);
void sl_balancer_respec(struct sl_balancer *balancer, const struct sl_load_balancer *spec);
char *sl_balancer_key(const struct sl_balancer_kind *kind, const struct sl_load_balancer *spec);
struct sl_balancer_member *sl_balancer_find(const struct sl_balancer *balancer, const char *uid);
/* True: it was wanted otherwise before. */
bool sl_balancer_want(struct sl_balancer *balancer, const struct sl_member_want *want, int64_t now);
void sl_balancer_want_none(struct sl_balancer *balancer, int64_t now); /* all GONE */

/* Of the set: for balancer.c. */
int sl_balancers_epoll(const struct sl_balancers *balancers);
uint64_t *sl_balancers_random(struct sl_balancers *balancers);
void sl_balancers_tell(struct sl_balancers *balancers,
                       const char *uid); /* `changed`, after the turn */
void sl_balancers_tell_corrected(struct sl_balancers *balancers, const struct sl_balancer *balancer,
                                 const char *note);

#endif
