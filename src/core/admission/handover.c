/* Pod CREATE during a hand-over (core/handovers.h), before anything else is decided about the pod:
 * between the three requests that hand one pod over, both ReplicaSets are a pod short, and each
 * would create one that nobody wants.
 *
 * 403 without Retry-After: client-go would repeat a 429 by itself and create the pod later, while
 * the ReplicaSet controller takes a 403 for a failure and looks again what it lacks (FACTS.md). */
#include "base/clock.h"
#include "core/admission/mutators.h"
#include "core/admission/pod.h"

bool sl_pod_refuse(struct sl_admission *work)
{
    const struct sl_known *known = &work->known;
    if (sl_handovers_count(known->handovers) == 0) {
        return false; /* nearly always: the owner need not be read */
    }
    struct sl_owner owner = sl_controller_of(&work->review.object, &work->arena);
    if (!sl_str_is(owner.kind, "ReplicaSet") || !sl_str_is(owner.group, "apps")) {
        return false;
    }
    int64_t until = sl_handovers_until(known->handovers, work->review.ns, owner.name, owner.uid);
    if (known->now >= until) {
        return false;
    }
    char date[SL_CLOCK_DATE_SIZE];
    sl_clock_date(until / SL_NS_PER_S + (until % SL_NS_PER_S > 0 ? 1 : 0), date);
    const char *message =
        sl_arena_printf(&work->arena,
                        "pods of ReplicaSet %.*s are refused until %s: its Deployment is being "
                        "handed over pod by pod, and this pod would be one too many; the "
                        "ReplicaSet's controller asks again by itself",
                        SL_STR_FMT(owner.name), date);
    sl_admission_deny(work, 403, "Forbidden", message);
    sl_admission_cause(work, "HandoverUnderWay", "metadata.ownerReferences", message);
    return true;
}
