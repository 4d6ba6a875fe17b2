/* What a plan writes onto a pod (lifecycle.h): the label, the finalizers, the annotation, the
 * condition. One write at a time: each function either finds all as it is to be, or plans one. */
#include <string.h>

#include "core/names.h"
#include "core/traffic/work.h"

/* A request that waited longer than this for the budget gets its whole timeout from now on; so does
 * one that is farther ahead of our clock, which nobody has dated who runs on it. */
#define REDATE (2 * SL_NS_PER_S)

/* Names of the policy's own balancers whose finalizer the pod lacks (`on`), or has. */
static size_t own_finalizers(const struct sl_traffic_work *work, bool on, const char ***ret_names)
{
    const char **names = sl_arena_alloc(work->arena, (work->count + 1) * sizeof(const char *));
    size_t count = 0;
    for (size_t i = 0; i < work->count; i++) {
        const struct sl_load_balancer *balancer = &sl_traffic_balancers(work)[i];
        if (!balancer->has_external &&
            sl_traffic_has_finalizer(work->in->pod, balancer->name) != on) {
            names[count++] = sl_arena_cstr(work->arena, balancer->name);
        }
    }
    *ret_names = names;
    return count;
}

/* Names of finalizers whose balancer the policy does not have (any more). */
static size_t stray_finalizers(const struct sl_traffic_work *work, const char ***ret_names)
{
    const char *packed = work->in->pod->balancers;
    size_t most = 0;
    for (const char *name = packed; name[0] != '\0'; name += strlen(name) + 1) {
        most++;
    }
    const char **names = sl_arena_alloc(work->arena, (most + 1) * sizeof(const char *));
    size_t count = 0;
    for (const char *name = packed; name[0] != '\0'; name += strlen(name) + 1) {
        bool known = false;
        for (size_t i = 0; i < work->count; i++) {
            known = known || sl_str_is(sl_traffic_balancers(work)[i].name, name);
        }
        if (!known) {
            names[count++] = name;
        }
    }
    *ret_names = names;
    return count;
}

static bool has_label(const struct sl_traffic_work *work)
{
    struct sl_labels labels = sl_pod_labels(work->in->pod, work->arena);
    return sl_str_eq(sl_labels_get(labels, SL_STR(SL_LABEL_POLICY)), work->in->policy->name);
}

/* --- writes --- */

static struct sl_traffic_write *write_metadata(struct sl_traffic_work *work)
{
    work->plan->writes = true;
    work->plan->write = (struct sl_traffic_write){0};
    return &work->plan->write;
}

void sl_traffic_write_status(struct sl_traffic_work *work, enum sl_traffic_state state,
                             const char *message)
{
    work->plan->writes = true;
    work->plan->write = (struct sl_traffic_write){
        .status = true,
        .gate = state == SL_TRAFFIC_IN_SERVICE,
        .state = state,
        .message = message,
    };
}

/* Label, finalizers, and no finalizer that nobody will ever take off; true: they are as they are to
 * be. Nothing can be added to a pod that is being deleted (FACTS 7). */
bool sl_traffic_adopt(struct sl_traffic_work *work)
{
    const char **on = NULL;
    const char **off = NULL;
    size_t lacking = own_finalizers(work, true, &on);
    size_t stray = stray_finalizers(work, &off);
    bool labelled = has_label(work);
    bool costs = work->in->pod->cost == SL_COST_OURS;
    if (lacking == 0 && stray == 0 && labelled && !costs) {
        return true;
    }
    struct sl_traffic_write *write = write_metadata(work);
    write->cost = costs ? SL_COST_OFF : SL_COST_AS_IS;
    write->policy = labelled ? NULL : sl_arena_cstr(work->arena, work->in->policy->name);
    write->finalizers_on = on;
    write->finalizers_on_count = lacking;
    write->finalizers_off = off;
    write->finalizers_off_count = stray;
    return false;
}

/* A rollout has its ReplicaSet remove it, which takes pods that are not Ready first and does not
 * tell one that is out of traffic from one that is on its way: it goes by this (FACTS 14). */
static bool wants_cost(const struct sl_traffic_work *work)
{
    const struct sl_pod_record *pod = work->in->pod;
    bool by_rollout = work->mark.op == SL_DRAIN_UPGRADE || work->mark.op == SL_DRAIN_DELETE;
    return by_rollout && !sl_traffic_ends(work) && pod->template_hash[0] != '\0' &&
           pod->cost == SL_COST_NONE;
}

/* All finalizers but those of external balancers; true: they are off. */
bool sl_traffic_strip(struct sl_traffic_work *work)
{
    const char **own = NULL;
    const char **stray = NULL;
    size_t own_count = own_finalizers(work, false, &own);
    size_t stray_count = stray_finalizers(work, &stray);
    size_t count = own_count + stray_count;
    bool costs = wants_cost(work);
    if (count > 0 || costs) {
        const char **off = sl_arena_alloc(work->arena, (count + 1) * sizeof(const char *));
        memcpy(off, own, own_count * sizeof(const char *));
        memcpy(off + own_count, stray, stray_count * sizeof(const char *));
        struct sl_traffic_write *write = write_metadata(work);
        write->finalizers_off = off;
        write->finalizers_off_count = count;
        write->cost = costs ? SL_COST_ON : SL_COST_AS_IS;
    }
    return count == 0 && !costs;
}

void sl_traffic_unmark(struct sl_traffic_work *work)
{
    write_metadata(work)->drain = SL_STR("");
}

bool sl_traffic_has_begun(const struct sl_traffic_work *work)
{
    int64_t ago = work->now - work->mark.since;
    return work->mark.since != 0 && ago <= REDATE && ago >= -REDATE;
}

/* The mark that is there, with all of its time left; `since` 0: it has not begun. */
static void redate(struct sl_traffic_work *work, int64_t since)
{
    struct sl_drain_mark mark = work->mark;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(2 * SL_POD_DRAIN_MAX);
    mark.since = since;
    mark.deadline = work->now + work->in->policy->drain.timeout * SL_NS_PER_S;
    sl_drain_write(&mark, &text);
    write_metadata(work)->drain = sl_arena_str(work->arena, sl_buf_str(&text));
}

bool sl_traffic_has_end(struct sl_traffic_work *work)
{
    const struct sl_drain_mark *mark = &work->mark;
    if (sl_traffic_ends(work) || mark->op == SL_DRAIN_NONE ||
        (mark->since != 0 && mark->deadline != 0)) {
        return true;
    }
    redate(work, work->now);
    return false;
}

/* A drain has a beginning and an end from the moment on that it spends budget; true: it has. */
bool sl_traffic_is_dated(struct sl_traffic_work *work)
{
    const struct sl_drain_mark *mark = &work->mark;
    bool dated = mark->since != 0 && mark->deadline != 0;
    if (sl_traffic_ends(work) || (dated && sl_traffic_has_begun(work))) {
        return true;
    }
    if (dated && work->state == SL_TRAFFIC_IN_SERVICE && mark->op != SL_DRAIN_UPGRADE) {
        redate(work, 0); /* the budgets counted it as begun: they are asked again when it is not */
        return false;
    }
    redate(work, work->now);
    work->plan->begins = work->state == SL_TRAFFIC_IN_SERVICE;
    return false;
}

/* The webhook lets an eviction go at its deadline, since there may be no reconciler: there is one,
 * and the pod only waits for its budget. Whoever still wants the eviction has it written again,
 * with all of its time; one that nobody wants any more does not wait for ever. */
bool sl_traffic_is_let_wait(struct sl_traffic_work *work)
{
    const struct sl_drain_mark *mark = &work->mark;
    int64_t half = work->in->policy->drain.timeout * SL_NS_PER_S / 2;
    if (work->op != SL_DRAIN_EVICT || work->in->budget == NULL || mark->deadline == 0) {
        return true;
    }
    if (mark->deadline - work->now > half) {
        sl_traffic_again(work, mark->deadline - half);
        return true;
    }
    sl_traffic_unmark(work);
    return false;
}

/* The write takes off every finalizer that the pod has. */
bool sl_traffic_takes_the_last(const struct sl_traffic_work *work)
{
    size_t count = 0;
    for (const char *name = work->in->pod->balancers; name[0] != '\0'; name += strlen(name) + 1) {
        count++;
    }
    return work->plan->write.finalizers_off_count == count;
}

bool sl_traffic_lacks_finalizers(const struct sl_traffic_work *work)
{
    const char **lacking = NULL;
    return own_finalizers(work, true, &lacking) > 0;
}

void sl_traffic_let_go(struct sl_traffic_work *work)
{
    const struct sl_pod_record *pod = work->in->pod;
    const char **off = NULL;
    size_t count = stray_finalizers(work, &off);
    bool labelled =
        sl_labels_get(sl_pod_labels(pod, work->arena), SL_STR(SL_LABEL_POLICY)).p != NULL;
    bool costs = pod->cost == SL_COST_OURS;
    if (count > 0 || labelled || costs || pod->drain[0] != '\0') {
        struct sl_traffic_write *write = write_metadata(work);
        write->finalizers_off = off;
        write->finalizers_off_count = count;
        write->policy = labelled ? "" : NULL;
        write->cost = costs ? SL_COST_OFF : SL_COST_AS_IS;
        write->drain = pod->drain[0] == '\0' ? (struct sl_str){0} : SL_STR("");
    }
}
