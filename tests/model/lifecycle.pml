/* The lifecycle of a pod in traffic, for spin: a reconciler, a load balancer with its clients, a
 * kubelet, people and rollouts, and time, in every order of their steps.
 *
 * The rules are those of core/traffic/lifecycle.h and docs/traffic.md; the EDGE rows are the table
 * of both, and a test holds the three together. check_lifecycle.sh verifies it: the assertions here,
 * that whatever comes to rest is at its end, and the two formulas below. With -DBREAK=<rule> one
 * rule is not kept, and spin must find what goes wrong then.
 *
 * One pod, one load balancer of ours that tells its sessions. Left out, or put more simply:
 *   - Time has no numbers. "The proxies have acted", "the deadline has passed", "the preStop sleep
 *     is over" come at any moment after they may. A preStop sleep is longer than a reconciler needs
 *     that lives, and whose balancer answers; nothing else is assumed about how long things take.
 *   - One reconciler leads at a time. What a killed one had sent has arrived, or never does. The one
 *     that takes over reads the pods first; what it knows later may be old.
 *   - The condition and the finalizer are written by the reconciler alone, so it knows them. What
 *     others write (annotations, deletion, image, readiness) it sees some time later.
 *   - Kills, outages and restarts of the balancer, and what people begin, are finite in number.
 *   - A run that is gone is an annotation that is taken back. Other balancers than this one,
 *     containers that crash, members that somebody else changes, forced deletions, and eviction by
 *     a webhook whose cache is old are left out (a random test has most of them:
 *     tests/unit/core/test_lifecycle_random.c). */

/* The rules that can be broken. */
#define WAIT_FOR_ANSWER 1   /* a balancer that does not answer has not said that the pod is out */
#define WAIT_FOR_SESSIONS 2 /* one that has sessions of it left has not lost it */
#define WAIT_FOR_PROXIES 3  /* a pod has not left before the gate was False for a while */
#define PRECONDITION 4      /* a write is refused if the pod changed since it was planned */
#define DELETION_AT_ONCE 5  /* a deletion takes the weight at once, and asks for no budget */
#define FINALIZER_FIRST 6   /* no weight before the finalizer is on */
#define ONE_DRAIN 7         /* a deletion goes on with the drain that it finds */
#define UPGRADE_FIRST 8     /* a pod whose image was patched does not return before it is done */
#define HOLD 9              /* onTimeout Hold: a deadline that has passed changes nothing */
#define PROCEED 10          /* onTimeout Proceed: a deadline that has passed ends the drain */
#define TAKEN_BACK 11       /* a drain that is taken back ends */
#define WANTED_NOT_SENT 12  /* a balancer that forgot a member is told again */
#define FORGOTTEN 13        /* an eviction that never comes does not keep the pod out for ever */
#define DATED 14            /* who asks anew for a pod that is out already gets a deadline, too */

#ifndef BREAK
#define BREAK 0
#endif
#define KEEPS(rule) (BREAK != rule)
#ifndef PROCEEDS
#define PROCEEDS 1 /* spec.drain.onTimeout: Proceed; 0: Hold */
#endif
#ifndef ASKS
#define ASKS 2
#endif
#ifndef TROUBLES
#define TROUBLES 1
#endif

/* The states (None: there is no condition yet), and the rows of the table by name. */
mtype = {None, Joining, InService, Draining, Drained, Upgrading}
mtype = {TrafficJoined, TrafficDraining, TrafficUpgrading, TrafficReturned, TrafficDrained}
mtype = {DrainOverdue, TrafficUpgraded, TrafficReleased}
#define EDGES \
    EDGE(None, InService, TrafficJoined) \
    EDGE(Joining, InService, TrafficJoined) \
    EDGE(None, Draining, TrafficDraining) \
    EDGE(Joining, Draining, TrafficDraining) \
    EDGE(InService, Draining, TrafficDraining) \
    EDGE(Drained, Upgrading, TrafficUpgrading) \
    EDGE(Draining, Joining, TrafficReturned) \
    EDGE(Drained, Joining, TrafficReturned) \
    EDGE(Draining, Drained, TrafficDrained) \
    EDGE(Draining, Drained, DrainOverdue) \
    EDGE(Upgrading, Joining, TrafficUpgraded) \
    EDGE(None, InService, TrafficReleased) \
    EDGE(Joining, InService, TrafficReleased) \
    EDGE(InService, InService, TrafficReleased) \
    EDGE(Draining, InService, TrafficReleased) \
    EDGE(Drained, InService, TrafficReleased) \
    EDGE(Upgrading, InService, TrafficReleased)

mtype = {Nothing, FinalizerOn, FinalizerOff, Date, Unmark} /* the other writes */
mtype = {Unknown, Absent, Serving, Out, In} /* what a balancer says; Serving: out, with sessions */
mtype = {Upgrade, Evict, Delete}            /* what the annotation asks for */

/* --- the pod, as the API server has it --- */
mtype state = None;     /* reason of the condition, which is True if it is InService */
mtype asked = Nothing;  /* annotation sluice.dev/drain */
bool dated;             /* ... has `since` and `deadline` */
bool upgrade;           /* annotation sluice.dev/upgrade */
bool finalizer, deleting, gone;
bool policy = true;     /* a TrafficPolicy matches it */
bool running, ready;    /* its container */
bool patched;           /* its image was changed, and the container not restarted since */

/* --- the load balancer --- */
bool up = true;         /* its API answers; it balances all the while */
bool lost;              /* ... and never will again */
bool member, weight;    /* weight 100, else 0 */
byte sessions;          /* 0 none, 1 one that ends, 2 one that its client never ends */

/* --- the reconciler --- */
bool killed;
bool news = true;       /* something has happened that has it plan again */
bool stale = true;      /* its cache is behind the pod ... */
bool seen_deleting;     /* ... which in it is being deleted */
mtype known = Unknown;  /* what the balancer says */
mtype row = Nothing;    /* the write that is under way: a row of the table, or another ... */
bool refused;           /* ... planned from the pod as it is no more */
bool waited = true;     /* by its clock, propagationSeconds have passed since the gate was False */
bool sent;              /* it has told the balancer to take the pod */

/* --- time, people, trouble --- */
bool proxies_know = true; /* nobody sends requests by way of Ready any more */
bool late;                /* the deadline has passed */
bool forgotten;           /* ... a minute ago */
bool slept;               /* the preStop sleep is over */
bool quiet;               /* people begin nothing more */
byte asks = ASKS;         /* that are still to come */
byte troubles = TROUBLES; /* kills, outages, restarts of the balancer */

/* --- what the properties remember --- */
bool begun;         /* a drain has begun, and the pod is not back since */
bool cut;           /* the deadline of a drain has passed, and the pod was not InService since */
bool drained_first; /* it was Drained when its deletion was asked for */
bool disturbed;     /* since then, the reconciler or the balancer was down for a while */

#define LEAVES (deleting || asked != Nothing)
#define WANTED \
    (policy && ready && !(seen_deleting && KEEPS(DELETION_AT_ONCE)) && \
     (state == InService || \
      ((state == Joining || state == None) && asked == Nothing && \
       (finalizer || !KEEPS(FINALIZER_FIRST)))))
#define LEFT \
    ((known == Absent || known == Out || (known == Unknown && !KEEPS(WAIT_FOR_ANSWER)) || \
      (known == Serving && !KEEPS(WAIT_FOR_SESSIONS))) && \
     (waited || (deleting && !running) || !KEEPS(WAIT_FOR_PROXIES)))
#define IS_OVERDUE (late && (PROCEEDS -> KEEPS(PROCEED) : !KEEPS(HOLD)))
#define IS_IDLE (!stale && !news && row == Nothing && !killed)

inline changed() /* the pod, by somebody else than the reconciler */
{
    stale = true;
    refused = row != Nothing && KEEPS(PRECONDITION)
}

inline asks_nothing()
{
    asked = Nothing;
    dated = false;
    late = late && deleting;
    forgotten = false
}

/* --- the reconciler: what the balancer says, the weight, one write --- */

inline look()
{
    if
    :: !up -> known = Unknown
    :: up && !member -> known = Absent
    :: up && member && weight -> known = In
    :: up && member && !weight -> known = (sessions > 0 -> Serving : Out)
    fi
}

inline push()
{
    if
    :: up && gone && member -> member = false; weight = false; news = true
    :: up && !gone && WANTED && !weight && !(sent && !KEEPS(WANTED_NOT_SENT)) ->
        member = true; weight = true; sent = !KEEPS(WANTED_NOT_SENT); news = true
    :: up && !gone && !WANTED && weight -> weight = false; sent = false; news = true
    :: else
    fi
}

inline plan_released()
{
    if
    :: !deleting && state != InService -> row = TrafficReleased
    :: (deleting || state == InService) && finalizer -> row = FinalizerOff
    :: (deleting || state == InService) && !finalizer && asked != Nothing -> row = Unmark
    :: else
    fi
}

inline plan_leave()
{
    if
    :: deleting && state == Drained && !KEEPS(ONE_DRAIN) -> row = TrafficDraining
    :: deleting && !finalizer && !(state == Drained && !KEEPS(ONE_DRAIN))
       /* nothing of ours is left to be done */
    :: !deleting && !dated && state != Upgrading && KEEPS(DATED) -> row = Date
    :: (dated || deleting) && (!deleting || finalizer) &&
       (state == None || state == Joining || state == InService) ->
        row = TrafficDraining
    :: (dated || !KEEPS(DATED) || deleting) && (!deleting || finalizer) &&
       state == Draining && (LEFT || IS_OVERDUE) ->
        row = (finalizer -> FinalizerOff : (LEFT -> TrafficDrained : DrainOverdue))
    :: deleting && finalizer && (state == Drained || state == Upgrading) -> row = FinalizerOff
    :: else
    fi
}

inline plan_stay()
{
    if
    :: (state == None || state == Joining) && ready && !finalizer -> row = FinalizerOn
    :: (state == None || state == Joining) && ready && finalizer && known == In ->
        row = TrafficJoined
    :: (state == Draining || state == Drained) && KEEPS(TAKEN_BACK) -> row = TrafficReturned
    :: else
    fi
}

inline plan()
{
    if
    :: gone || stale /* whatever is planned from that is refused */
    :: !gone && !stale && !policy -> plan_released()
    :: !gone && !stale && policy && state == Drained && upgrade && !deleting &&
       (asked != Nothing || KEEPS(UPGRADE_FIRST)) ->
        row = TrafficUpgrading
    :: !gone && !stale && policy && state == Upgrading && !upgrade && !deleting ->
        row = TrafficUpgraded
    :: !gone && !stale && policy && state != Draining && forgotten && !deleting &&
       KEEPS(FORGOTTEN) ->
        row = Unmark
    :: else ->
        if
        :: !gone && !stale && policy && LEAVES -> plan_leave()
        :: !gone && !stale && policy && !LEAVES -> plan_stay()
        fi
    fi
}

inline write_metadata()
{
    if
    :: row == FinalizerOn -> finalizer = !deleting /* FACTS 7 */
    :: row == FinalizerOff -> finalizer = false
    :: row == Date -> dated = true
    :: row == Unmark -> asks_nothing()
    fi
}

#define EDGE(from, to, name) :: state == from && row == name -> state = to;
inline write_status()
{
    assert(row != TrafficDraining || !begun); /* a drain never begins twice */
    if
    EDGES
    :: else -> assert(false) /* the table has no such transition */
    fi;
    if
    :: state == Draining -> begun = true; cut = cut || late
    :: state == InService -> proxies_know = false; waited = false; begun = false; cut = false
    :: state == Joining -> begun = false
    :: else
    fi
}

#define IS_METADATA (row == FinalizerOn || row == FinalizerOff || row == Date || row == Unmark)

active proctype Reconciler()
{
end:
    do
    :: d_step { !killed && news && row == Nothing -> news = false; look(); push(); plan();
            known = Unknown }
    :: d_step { !killed && news && row == Nothing && !stale && policy && !dated && LEAVES &&
            state == InService && !(deleting && KEEPS(DELETION_AT_ONCE)) ->
            news = false; look(); push(); known = Unknown } /* the budget has no room */
    :: d_step { !killed && row != Nothing ->
            news = true;
            if
            :: gone || refused
            :: !gone && !refused && IS_METADATA -> write_metadata()
            :: else -> write_status()
            fi;
            row = Nothing; refused = false }
    :: d_step { killed -> /* another one takes over */
            killed = false; row = Nothing; refused = false; sent = false; news = true; waited = false;
            stale = false; seen_deleting = deleting }
    od
}

/* --- the kubelet --- */

/* What all of this is about. */
inline stop(out_of_traffic)
{
    if
    :: out_of_traffic ->
        assert(!policy || (cut && PROCEEDS) || (!weight && sessions == 0 && proxies_know))
    :: else -> assert(!policy || disturbed || !weight)
    fi;
    running = false;
    ready = false;
    sessions = 0;
    changed()
}

active proctype Kubelet()
{
end:
    do
    :: d_step { !running && !deleting -> running = true; patched = false; changed() }
    :: d_step { running && !ready && !patched && !deleting -> ready = true; changed() }
    :: d_step { running && patched && !deleting -> stop(true) }
    :: d_step { running && deleting && slept -> stop(drained_first) }
    :: d_step { deleting && !running && !finalizer && !gone ->
            assert(!policy || cut || !weight); /* the finalizer is the latch */
            gone = true; changed() }
    od
}

/* --- people, rollouts, the webhook of evictions --- */

inline ask(what, is_dated)
{
    asks--;
    asked = what;
    dated = is_dated;
    changed()
}

inline delete(is_drained)
{
    deleting = true;
    drained_first = is_drained;
    disturbed = killed || !up;
    asks = 0;
    changed()
}

#define MAY_ASK (!quiet && asks > 0 && asked == Nothing && policy && !deleting)

active proctype People()
{
end:
    do
    :: d_step { MAY_ASK -> ask(Upgrade, true) }
    :: d_step { MAY_ASK -> ask(Evict, false) }
    :: d_step { MAY_ASK -> ask(Delete, false) }
    :: d_step { !quiet && asked != Nothing && !deleting -> asks_nothing(); changed() }
    :: d_step { state == Drained && asked == Upgrade && policy && !upgrade && !deleting ->
            upgrade = true; patched = true; changed() }
    :: d_step { upgrade && !patched && ready && !deleting ->
            upgrade = false;
            if
            :: asked == Upgrade -> asks_nothing()
            :: else
            fi;
            changed() }
    :: d_step { !quiet && !deleting -> delete(state == Drained || state == Upgrading) }
    :: d_step { !quiet && policy && !deleting -> policy = false; changed() }
    :: d_step { !quiet -> quiet = true }
    od
}

/* --- the load balancer's clients --- */

active proctype Clients()
{
end:
    do
    :: d_step { weight && ready && sessions == 0 -> sessions = 1; news = true }
    :: d_step { weight && ready && sessions == 0 -> sessions = 2; news = true }
    :: d_step { sessions == 1 -> sessions = 0; news = true }
    od
}

/* --- time --- */

active proctype Time()
{
end:
    do
    :: d_step { stale && !killed -> stale = false; seen_deleting = deleting; news = true }
    :: d_step { state != InService && !proxies_know -> proxies_know = true }
    :: d_step { proxies_know && !waited && !killed && state == Draining ->
            waited = true; news = true }
    :: d_step { (dated || deleting) && !late -> late = true; cut = cut || begun; news = true }
    :: d_step { late && !forgotten && !deleting && (asked == Evict || asked == Delete) ->
            forgotten = true; news = true }
    :: d_step { deleting && !slept && (disturbed || IS_IDLE) -> slept = true }
    od
}

/* --- what goes wrong --- */

inline trouble()
{
    troubles--;
    disturbed = deleting
}

active proctype Trouble()
{
end:
    do
    :: d_step { troubles > 0 && !killed -> trouble(); killed = true }
    :: d_step { troubles > 0 && up -> trouble(); up = false }
    :: d_step { !up && !lost -> up = true; news = true }
    :: d_step { !up && !lost && PROCEEDS -> lost = true }
    :: d_step { troubles > 0 && member ->
            troubles--; member = false; weight = false; sessions = 0; news = true }
    od
}

/* --- the end --- */

/* Nothing moves any more: the pod is gone from everywhere, or serves, or is held as it was asked;
 * with a balancer that is lost, as far as it gets. */
#ifndef LIVENESS
active proctype Rest()
{
    timeout ->
    assert((gone && !finalizer && (!member || lost)) ||
           (!deleting && (state == InService || (lost && (state == None || state == Joining)))) ||
           (!PROCEEDS && sessions == 2 && state == Draining))
}
#endif

ltl finalizer_comes_off { [] (deleting -> <> !finalizer) }
ltl drain_taken_back_returns {
    [] (((state == Draining || state == Drained) && !LEAVES && !upgrade && policy) ->
        <> (state == InService || LEAVES || upgrade || !policy || lost))
}
