/* Pod eviction: a pod in traffic is taken out of it first, and whoever evicts is told to ask again.
 *
 * 429 with retryAfterSeconds is what `kubectl drain` and client-go repeat by themselves, and the
 * only denial of a webhook that they do (FACTS 12). The budget is not asked: that is the API
 * server's part, once this allows the eviction. Nothing here waits for ever: a drain has a
 * deadline, and one that nobody has dated counts from when its eviction was first asked for. */
#include "base/clock.h"
#include "core/admission/mutators.h"
#include "core/names.h"

#define RETRY_MIN 1 /* seconds */
#define RETRY_MAX 10
/* A drain that is late for so many seconds is asked for a second less often. */
#define LATE_PART 10

/* Bytes of a review's uid that is written down; the API server's has 36. */
#define ID_MAX ((size_t)128)
#define ANNOTATION_MAX ((size_t)1024)

const char *const sl_eviction_names[] = {
    "none", "dry_run", "not_ours", "out_of_traffic", "overdue", "waits", NULL,
};

struct eviction {
    const struct sl_admission *work;
    struct sl_evictee pod; /* valid where known */
    bool known;
    const struct sl_traffic_policy *policy; /* NULL: gone */
    int64_t now;
    int64_t since, deadline; /* of its drain, begun or to be begun; where there is a policy */
    bool dated;              /* they are on the pod */
};

/* --- why an eviction is allowed --- */

static bool is_dry_run(const struct eviction *eviction)
{
    const struct sl_review *review = &eviction->work->review;
    return review->dry_run || sl_jval_count(review->object.delete_dry_run) > 0;
}

static bool is_without_policies(const struct eviction *eviction)
{
    return sl_snapshot_policy_count(eviction->work->known.policies) == 0;
}

static bool is_unwatched(const struct eviction *eviction)
{
    return eviction->work->known.evictees.find == NULL;
}

static bool is_unknown(const struct eviction *eviction)
{
    return !eviction->known;
}

/* The pod was made anew under its name: the API server is about to refuse, or knows more. */
static bool is_of_another(const struct eviction *eviction)
{
    struct sl_jval uid = eviction->work->review.object.delete_uid;
    return uid.type == SL_J_STRING && !sl_jval_is(uid, eviction->pod.uid);
}

static bool is_deleted(const struct eviction *eviction)
{
    return eviction->pod.deleted;
}

static bool runs_not(const struct eviction *eviction)
{
    return !eviction->pod.running;
}

static bool has_no_policy(const struct eviction *eviction)
{
    return eviction->policy == NULL;
}

static bool needs_no_drain(const struct eviction *eviction)
{
    return eviction->policy->evictions == SL_EVICTIONS_ALLOW;
}

static bool has_left(const struct eviction *eviction)
{
    return sl_str_is(eviction->pod.traffic, SL_REASON_DRAINED) ||
           sl_str_is(eviction->pod.traffic, SL_REASON_UPGRADING);
}

static bool is_past(const struct eviction *eviction)
{
    return eviction->now >= eviction->deadline;
}

static bool is_overdue(const struct eviction *eviction)
{
    return is_past(eviction) && eviction->policy->drain.on_timeout == SL_PROCEED;
}

/* Each is asked only where those before it do not hold. */
static const struct {
    bool (*holds)(const struct eviction *eviction);
    enum sl_eviction outcome;
    const char *why;
    const char *warning; /* NULL: none */
} rows[] = {
    {is_dry_run, SL_EVICTION_DRY_RUN, "it is a dry run: no drain is begun", NULL},
    {is_without_policies, SL_EVICTION_NOT_OURS, "there is no TrafficPolicy", NULL},
    {is_unwatched, SL_EVICTION_NOT_OURS, "no pods are known here: that takes policies.kube",
     "the pod is evicted even if it is in traffic: without policies.kube no pods are known"},
    {is_unknown, SL_EVICTION_NOT_OURS, "no TrafficPolicy has the pod", NULL},
    {is_of_another, SL_EVICTION_NOT_OURS, "its precondition is the uid of another pod", NULL},
    {is_deleted, SL_EVICTION_NOT_OURS, "the pod is being deleted", NULL},
    {runs_not, SL_EVICTION_NOT_OURS, "the pod does not run", NULL},
    {has_no_policy, SL_EVICTION_NOT_OURS, "the pod's TrafficPolicy is gone", NULL},
    {needs_no_drain, SL_EVICTION_NOT_OURS, "the pod's TrafficPolicy says evictions: Allow", NULL},
    {has_left, SL_EVICTION_OUT_OF_TRAFFIC, "the pod is out of traffic", NULL},
    {is_overdue, SL_EVICTION_OVERDUE, "the deadline of the pod's drain has passed",
     "the pod is evicted while it may be in traffic: the deadline of its drain has passed"},
};

/* --- what is known --- */

/* A time ahead of our clock is somebody's whose clock is ahead. */
static int64_t not_after(int64_t time, int64_t now)
{
    return time < now ? time : now;
}

static void set_times(struct eviction *eviction)
{
    const struct sl_evictee *pod = &eviction->pod;
    eviction->dated = pod->op != SL_DRAIN_NONE && pod->since > 0 && pod->deadline > 0;
    if (eviction->dated) {
        eviction->since = not_after(pod->since, eviction->now);
        eviction->deadline = pod->deadline;
        return;
    }
    eviction->since = sl_asked_since(&pod->asked, eviction->now);
    eviction->deadline = pod->op == SL_DRAIN_EVICT && pod->deadline > 0
                             ? pod->deadline
                             : eviction->since + eviction->policy->drain.timeout * SL_NS_PER_S;
}

static struct eviction look_up(struct sl_admission *work, struct sl_str name)
{
    const struct sl_evictees *evictees = &work->known.evictees;
    struct eviction eviction = {.work = work, .now = work->known.now};
    if (evictees->find == NULL ||
        !evictees->find(evictees->pods, work->review.ns, name, &work->arena, &eviction.pod)) {
        return eviction;
    }
    eviction.known = true;
    eviction.policy =
        sl_snapshot_policy(work->known.policies, work->review.ns, eviction.pod.policy);
    if (eviction.policy != NULL) {
        set_times(&eviction);
    }
    return eviction;
}

/* --- a denial --- */

static int64_t seconds_up(int64_t ns)
{
    return ns / SL_NS_PER_S + (ns % SL_NS_PER_S > 0 ? 1 : 0);
}

/* First when the drain's own waits are over, then soon, and less and less soon; never later than
 * its deadline. */
static int64_t retry_after(const struct eviction *eviction)
{
    const struct sl_drain *drain = &eviction->policy->drain;
    int64_t now = eviction->now;
    int64_t waited = eviction->since + (drain->propagation + drain->wait) * SL_NS_PER_S;
    int64_t left = waited > now ? waited - now : (now - waited) / LATE_PART;
    if (eviction->deadline > now && eviction->deadline - now < left) {
        left = eviction->deadline - now;
    }
    int64_t seconds = seconds_up(left);
    return seconds < RETRY_MIN ? RETRY_MIN : seconds > RETRY_MAX ? RETRY_MAX : seconds;
}

static const char *const asked_by[SL_DRAIN_OPS] = {
    [SL_DRAIN_NONE] = "",
    [SL_DRAIN_UPGRADE] = ", for an upgrade",
    [SL_DRAIN_DELETE] = ", to be deleted",
    [SL_DRAIN_EVICT] = "",
    [SL_DRAIN_OTHER] = ", asked for by another controller",
};

/* As long as a budget has no room for it: until then the reconciler lets no deadline come near. */
static bool waits_to_begin(const struct eviction *eviction)
{
    return !eviction->dated && eviction->pod.op != SL_DRAIN_NONE &&
           sl_str_is(eviction->pod.traffic, SL_REASON_IN_SERVICE);
}

static const char *message_of(const struct eviction *eviction, struct sl_arena *arena)
{
    const char *subject = sl_review_subject(&eviction->work->review, arena);
    const char *asked = asked_by[eviction->pod.op];
    struct sl_str policy = eviction->policy->name;
    int64_t so_far = eviction->now - eviction->since;
    int64_t at_most =
        eviction->deadline > eviction->since ? eviction->deadline - eviction->since : 0;
    if (is_past(eviction)) {
        return sl_arena_printf(
            arena,
            "pod %s is still in traffic after %lld s (policy %.*s%s): its drain had %lld s, and "
            "onTimeout: Hold keeps it from being evicted; the pod's condition " SL_GATE
            " says what it waits for",
            subject, (long long)(so_far / SL_NS_PER_S), SL_STR_FMT(policy), asked,
            (long long)seconds_up(at_most));
    }
    if (waits_to_begin(eviction)) {
        return sl_arena_printf(arena,
                               "pod %s is to be taken out of traffic (policy %.*s%s): %lld s so "
                               "far; its condition " SL_GATE " says what that waits for",
                               subject, SL_STR_FMT(policy), asked,
                               (long long)(so_far / SL_NS_PER_S));
    }
    return sl_arena_printf(arena,
                           "pod %s is being taken out of traffic (policy %.*s%s): %lld s so far, "
                           "%lld s at most; it may be evicted then",
                           subject, SL_STR_FMT(policy), asked, (long long)(so_far / SL_NS_PER_S),
                           (long long)seconds_up(at_most));
}

/* An annotation that is there stays: whoever wrote it waits for what becomes of it. Ours does not
 * say that the drain has begun: it has not before its PodDisruptionBudget has room
 * (core/traffic/drain.h). Its deadline is for a reconciler that is away; one that is not takes it
 * off before that, so that this is written anew for whoever still asks.
 */
static struct sl_str annotation_of(const struct eviction *eviction, struct sl_arena *arena)
{
    if (eviction->pod.op != SL_DRAIN_NONE) {
        return (struct sl_str){0};
    }
    struct sl_str uid = eviction->work->review.uid;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(ANNOTATION_MAX);
    const struct sl_drain_mark mark = {
        .op = SL_DRAIN_EVICT,
        .id = uid.n > ID_MAX ? (struct sl_str){0} : uid,
        .deadline = eviction->deadline,
    };
    sl_drain_write(&mark, &text);
    return sl_arena_str(arena, sl_buf_str(&text));
}

static int deny(struct sl_admission *work, const struct eviction *eviction, struct sl_str name)
{
    struct sl_decision *decision = &work->decision;
    decision->eviction = SL_EVICTION_WAITS;
    decision->retry_after = retry_after(eviction);
    if (!eviction->dated) {
        decision->drain = (struct sl_drain_order){
            .ns = work->review.ns,
            .name = name,
            .uid = eviction->pod.uid,
            .resource_version = eviction->pod.resource_version,
            .annotation = annotation_of(eviction, &work->arena),
        };
    }
    return sl_admission_deny(work, 429, "TooManyRequests", message_of(eviction, &work->arena));
}

int sl_evict(struct sl_admission *work, struct sl_err *err)
{
    (void)err;
    struct sl_decision *decision = &work->decision;
    struct sl_str name = work->review.name.n > 0
                             ? work->review.name
                             : sl_jval_str(work->review.object.name, &work->arena);
    struct eviction eviction = look_up(work, name);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].holds(&eviction)) {
            decision->eviction = rows[i].outcome;
            decision->why = rows[i].why;
            if (rows[i].warning != NULL) {
                sl_admission_warn(work, "%s", rows[i].warning);
            }
            return 0;
        }
    }
    return deny(work, &eviction, name);
}
