/* The properties of the planner, from what the model knows and not from the planner's own numbers.
 * Only the cut into batches is taken from core/batches.h, which has tests of its own. */
#include <string.h>

#include "core/batches.h"
#include "model.h"

static bool is_at(const struct m_world *world, const struct m_objects *objects,
                  const struct m_pod *pod)
{
    const char *wanted = m_wanted_revision(world, objects);
    return wanted[0] != '\0' && strcmp(m_pod_revision(world, objects, pod), wanted) == 0;
}

/* In service, as far as the reconciler can know: what it has patched itself is not while the
 * container of before still runs, whatever its caches say. */
static bool in_service(const struct m_world *world, size_t index, int64_t min_ready)
{
    const struct m_pod *seen = &world->seen.pods[index];
    const struct m_pod *is = &world->is.pods[index];
    bool same = is->used && strcmp(is->record.record.uid, seen->record.record.uid) == 0;
    if (same && is->record.upgrade[0] != '\0' && is->running != is->template) {
        return false;
    }
    if (same && is->record.drain[0] != '\0') {
        return false; /* it is on its way out of traffic */
    }
    if (same && is->record.record.deleted != 0 && seen->record.record.deleted == 0) {
        return m_available(world, seen, min_ready); /* by somebody else, and not known yet */
    }
    return m_available(world, seen, min_ready) &&
           (seen->record.upgrade[0] == '\0' || seen->running == seen->template);
}

void m_count(const struct m_world *world, const struct m_objects *objects,
             struct m_counts *ret_counts)
{
    int64_t min_ready = world->seen.rollout.record.spec.plan.min_ready;
    struct m_counts counts = {.replicas = objects->workload.record.replicas};
    for (size_t i = 0; i < M_PODS; i++) {
        const struct m_pod *pod = &objects->pods[i];
        bool condemned = world->kind == M_STATEFUL_SET &&
                         pod->record.ordinal >= objects->workload.record.replicas;
        if (!m_alive(pod) || condemned) {
            continue;
        }
        bool updated = is_at(world, objects, pod);
        bool available =
            objects == &world->seen ? in_service(world, i, min_ready) : m_available(world, pod, 0);
        counts.alive++;
        counts.available += available ? 1 : 0;
        counts.updated += updated ? 1 : 0;
        counts.updated_available += updated && available ? 1 : 0;
    }
    *ret_counts = counts;
}

static int32_t out_of_service(const struct m_counts *counts)
{
    return counts->available < counts->replicas ? counts->replicas - counts->available : 0;
}

/* --- what a run may do --- */

static bool is_rollback(const struct sl_rollout_status *status)
{
    return sl_str_eq(status->run.stable_revision, status->run.update_revision);
}

static bool is_promoted(const struct m_world *world, struct sl_str run)
{
    return world->promoted != NULL && sl_str_is(run, world->promoted);
}

/* Whether no batches bind: a rollback, a promotion, a Rollout that is being deleted. */
static bool is_unbound(const struct m_world *world)
{
    const struct sl_rollout_record *rollout = &world->seen.rollout.record;
    return is_rollback(&rollout->status) || is_promoted(world, rollout->status.run.id) ||
           rollout->record.deleted != 0;
}

struct bounds {
    int32_t target, max_unavailable;
};

/* Batches before the current one keep what they had, which was checked when it was stored. */
static struct bounds bounds_of(struct m_world *world)
{
    const struct sl_rollout_record *rollout = &world->seen.rollout.record;
    const struct sl_rollout_status *status = &rollout->status;
    int32_t replicas = world->seen.workload.record.replicas;
    size_t batch = (size_t)status->current_batch;
    struct bounds bounds = {.target = replicas};
    struct sl_batches batches = rollout->spec.plan.batches;
    struct sl_batch_targets targets = {0};
    int32_t targets_before[M_PODS] = {0};
    int32_t before = 0;
    batches.list.items = world->seen.rollout.batches;
    if (!is_rollback(status) && rollout->record.deleted == 0 && batch < status->batch_count) {
        for (size_t i = 0; i < batch; i++) {
            targets_before[i] = status->batches[i].target;
            before = targets_before[i];
        }
        sl_batches_rebase(&batches, replicas, targets_before, batch, &world->scratch, &targets);
        bounds.target = is_promoted(world, status->run.id) ? replicas : targets.items[batch];
    }
    int32_t size = bounds.target > before ? bounds.target - before : 1;
    bounds.max_unavailable = sl_intstr_of(rollout->spec.plan.max_unavailable, size, true);
    bounds.max_unavailable = bounds.max_unavailable < 1 ? 1 : bounds.max_unavailable;
    return bounds;
}

/* Taking so many pods in service out of it, of which `moved` come to be updated in all. */
static void check_budget(struct m_world *world, int32_t taken, int32_t moved, const char *what)
{
    struct m_counts counts;
    struct bounds bounds = bounds_of(world);
    m_count(world, &world->seen, &counts);
    int32_t left = counts.available - taken;
    if (taken > 0 && left < counts.replicas - bounds.max_unavailable - world->tolerated) {
        m_fail(world,
               "(1) %s: %d in service for %d replicas, takes %d; maxUnavailable %d, before %d",
               what, counts.available, counts.replicas, taken, bounds.max_unavailable,
               world->tolerated);
    }
    if (moved > bounds.target && moved > counts.updated) {
        m_fail(world, "(2) %s: %d pods come to be updated, the target of batch %d is %d", what,
               moved, world->seen.rollout.record.status.current_batch, bounds.target);
    }
    if (moved > counts.updated && world->seen.rollout.record.spec.paused && !is_unbound(world)) {
        m_fail(world, "(2) %s while the Rollout is paused", what);
    }
}

/* --- actions --- */

static size_t index_of(const struct m_world *world, const struct sl_action *action)
{
    size_t index = 0;
    while (&world->seen.pods[index].record.record != action->target) {
        index++;
    }
    return index;
}

static void check_pod(struct m_world *world, const struct sl_action *action, const char *what)
{
    size_t index = index_of(world, action);
    const struct m_pod *pod = &world->seen.pods[index];
    const struct sl_rollout_record *rollout = &world->seen.rollout.record;
    struct m_counts counts;
    m_count(world, &world->seen, &counts);
    int32_t missing = world->kind == M_DAEMON_SET && counts.alive < counts.replicas
                          ? counts.replicas - counts.alive
                          : 0; /* they come back updated, whatever we do */
    bool serves = in_service(world, index, rollout->spec.plan.min_ready);
    if (is_at(world, &world->seen, pod)) {
        m_fail(world, "(3) %s: pod %s is updated already", what, action->target->name);
    }
    if (action->kind == SL_ACT_POD_UPGRADE && pod->patched_in != NULL &&
        rollout->record.deleted == 0 && sl_str_is(rollout->status.run.id, pod->patched_in)) {
        m_fail(world, "(3) pod %s is patched a second time in one run", action->target->name);
    }
    m_check_traffic(world, index, what);
    check_budget(world, serves ? 1 : 0,
                 counts.updated + 1 + (action->kind == SL_ACT_POD_DELETE ? missing : 0), what);
}

/* Pods that a StatefulSet's partition gives to its controller. */
static void check_partition(struct m_world *world, const struct m_policy *policy)
{
    const struct m_objects *seen = &world->seen;
    struct m_policy before = m_policy_of(world, seen->workload.fields);
    int64_t min_ready = seen->rollout.record.spec.plan.min_ready;
    int32_t taken = 0;
    struct m_counts counts;
    m_count(world, seen, &counts);
    int32_t moved = counts.updated;
    bool newly = false; /* in service, and given by this */
    bool anew = false;  /* out of service, or not there: it costs nothing */
    bool there[M_PODS] = {false};
    for (size_t i = 0; i < M_PODS; i++) {
        const struct m_pod *pod = &seen->pods[i];
        if (m_alive(pod) && pod->record.ordinal < seen->workload.record.replicas) {
            bool given = pod->record.ordinal >= policy->partition && !is_at(world, seen, pod);
            there[pod->record.ordinal] = true;
            bool by_this = given && pod->record.ordinal < before.partition;
            newly = newly || (by_this && in_service(world, i, min_ready));
            anew = anew || by_this;
            moved += given ? 1 : 0;
            taken += given && in_service(world, i, min_ready) ? 1 : 0;
            if (given && pod->record.ordinal < before.partition && pod->record.ready_since != 0) {
                m_check_traffic(world, i, "partition");
            }
        }
    }
    for (int32_t i = 0; i < seen->workload.record.replicas && i < M_PODS; i++) {
        moved += !there[i] && i >= policy->partition ? 1 : 0;
        anew = anew || (!there[i] && i >= policy->partition && i < before.partition);
    }
    if (newly || anew) {
        check_budget(world, newly ? taken : 0, moved, "partition");
    }
}

/* Pods that a Deployment's controller may make and remove with minReadySeconds out of reach. */
static void check_release(struct m_world *world, const struct m_policy *policy)
{
    const struct m_objects *seen = &world->seen;
    int32_t replicas = seen->workload.record.replicas;
    int32_t surge = sl_intstr_of(policy->max_surge, replicas, true);
    int32_t unavailable = sl_intstr_of(policy->max_unavailable, replicas, false);
    unavailable = unavailable > replicas ? replicas : unavailable;
    struct m_counts counts;
    m_count(world, seen, &counts);
    int32_t old = counts.available - counts.updated_available;
    int32_t least = replicas - unavailable;
    int32_t taken = old > least ? old - least : 0;
    if (world->has_traffic && taken > 0) {
        m_fail(world, "(8) release: %d pods in service may be removed", taken);
    }
    check_budget(world, taken, surge + unavailable, "release");
}

static void check_restored(struct m_world *world, const char *const fields[static M_FIELDS])
{
    const struct m_objects *seen = &world->seen;
    const struct sl_rollout_record *rollout = &seen->rollout.record;
    struct m_counts counts;
    m_count(world, seen, &counts);
    bool promoted =
        rollout->record.deleted != 0 && rollout->spec.deletion_policy == SL_DELETION_PROMOTE;
    bool stuck = rollout->record.deleted != 0; /* with nothing to go back to */
    if (!promoted && !stuck && counts.replicas > 0 && counts.updated < counts.alive) {
        m_fail(world, "(2) released with %d of %d pods updated", counts.updated, counts.alive);
    }
    for (size_t i = 0; i < M_FIELDS; i++) {
        if (strcmp(fields[i], seen->workload.originals[i]) != 0 &&
            !(i == M_PAUSED && strcmp(fields[i], "false") == 0)) {
            m_fail(world, "(4) %s is put back as %s, it was %s", m_field_names[i], fields[i],
                   seen->workload.originals[i]);
        }
    }
}

static void check_workload(struct m_world *world, const struct sl_action *action)
{
    const char *fields[M_FIELDS];
    memcpy(fields, world->seen.workload.fields, sizeof fields);
    for (size_t i = 0; i < action->field_count; i++) {
        for (size_t f = 0; f < M_FIELDS; f++) {
            if (sl_str_is(action->fields[i].path, m_field_names[f])) {
                fields[f] = sl_str_is(action->fields[i].value, "null")
                                ? ""
                                : sl_arena_cstr(&world->scratch, action->fields[i].value);
            }
        }
    }
    struct m_policy policy = m_policy_of(world, fields);
    if (action->held.p != NULL && action->held.n == 0) {
        check_restored(world, fields);
    } else if (world->kind == M_STATEFUL_SET && policy.type == M_ROLLING_UPDATE) {
        check_partition(world, &policy);
    } else if (world->kind == M_DEPLOYMENT && !policy.paused) {
        if (policy.type != M_ROLLING_UPDATE || policy.min_ready < INT32_MAX - 1) {
            m_fail(world, "(1) the Deployment is let go");
        }
        check_release(world, &policy);
    } else if (world->kind == M_DAEMON_SET && policy.type == M_ROLLING_UPDATE) {
        m_fail(world, "(1) the DaemonSet is let go");
    }
}

/* Pods that a ReplicaSet loses when it is lowered: not-ready ones go first. */
static void check_set(struct m_world *world, const struct sl_action *action)
{
    int64_t min_ready = world->seen.rollout.record.spec.plan.min_ready;
    int32_t serve = 0;
    for (size_t i = 0; i < M_PODS; i++) {
        const struct m_pod *pod = &world->seen.pods[i];
        if (m_alive(pod) && strcmp(pod->record.record.owner_uid, action->target->uid) == 0) {
            serve += in_service(world, i, min_ready) ? 1 : 0;
        }
    }
    if (action->replicas >= 0 && serve > action->replicas && world->has_traffic) {
        m_fail(world, "(8) replicaset: %d pods in service, %d may stay", serve, action->replicas);
    }
    if (action->replicas >= 0 && serve > action->replicas) {
        check_budget(world, serve - action->replicas, 0, "replicaset");
    }
}

void m_check_action(struct m_world *world, const struct sl_action *action)
{
    if (action->kind == SL_ACT_POD_UPGRADE || action->kind == SL_ACT_POD_DELETE) {
        check_pod(world, action, sl_action_names[action->kind]);
    } else if (action->kind == SL_ACT_POD_DRAIN && action->on) {
        size_t index = index_of(world, action);
        int64_t min_ready = world->seen.rollout.record.spec.plan.min_ready;
        check_budget(world, in_service(world, index, min_ready) ? 1 : 0, 0, "drain");
    } else if (action->kind == SL_ACT_WORKLOAD) {
        check_workload(world, action);
    } else if (action->kind == SL_ACT_REPLICA_SET) {
        check_set(world, action);
    }
}

/* --- the status --- */

static bool is_confirmed(const struct m_world *world, struct sl_str run, int32_t batch)
{
    for (int i = 0; i < world->confirmed_count; i++) {
        if (sl_str_is(run, world->confirmed[i].run) && world->confirmed[i].batch >= batch) {
            return true;
        }
    }
    return false;
}

/* From one batch to the next: everything that may keep it from that. */
static void check_next(struct m_world *world, const struct sl_rollout_status *before,
                       const struct sl_rollout_status *after)
{
    const struct m_rollout *rollout = &world->seen.rollout;
    const struct sl_rollout_plan *plan = &rollout->record.spec.plan;
    int32_t batch = before->current_batch;
    struct m_counts counts;
    m_count(world, &world->seen, &counts);
    if (after->current_batch != batch + 1) {
        m_fail(world, "(2) from batch %d to batch %d", batch, after->current_batch);
    }
    if (plan->confirm_each && !is_confirmed(world, after->run.id, batch)) {
        m_fail(world, "(2) batch %d was not confirmed", batch);
    }
    if (plan->has_partition && after->current_batch > plan->partition) {
        m_fail(world, "(2) batch %d is past batchPartition", after->current_batch);
    }
    int index = batch - (plan->batches.upgrade_type == SL_UPGRADE_BETA ? 1 : 0);
    if (plan->batches.size == 0 && index >= 0 && index < (int)plan->batches.list.count &&
        rollout->batches[index].has_pause &&
        world->now + SL_NS_PER_S < world->finished_at + rollout->batches[index].pause) {
        m_fail(world, "(2) the pause after batch %d is not over", batch);
    }
    if (counts.updated < bounds_of(world).target) {
        m_fail(world, "(2) batch %d has %d pods updated", batch, counts.updated);
    }
    if (rollout->record.spec.paused) {
        m_fail(world, "(2) the next batch while the Rollout is paused");
    }
}

static void check_targets(struct m_world *world, const struct sl_rollout_status *before,
                          const struct sl_rollout_status *after)
{
    for (size_t i = 0;
         i < before->batch_count && i < after->batch_count && before->replicas == after->replicas;
         i++) {
        if (after->batches[i].target < before->batches[i].target) {
            m_fail(world, "(3) the target of batch %zu goes from %d to %d", i,
                   before->batches[i].target, after->batches[i].target);
        }
    }
}

/* What was out of service before the batch: what the model holds the planner to. */
static void note_tolerated(struct m_world *world, const struct sl_rollout_status *before,
                           const struct sl_rollout_status *after)
{
    struct m_counts counts;
    bool new_run = !sl_str_eq(before->run.id, after->run.id);
    m_count(world, &world->seen, &counts);
    int32_t out = out_of_service(&counts);
    bool first = before->run.id.n == 0 || before->state == SL_SUCCEED || before->state == SL_NEW;
    bool begins = before->state == SL_BATCH_INITIALIZING && after->state == SL_BATCH_IN_ROLLING;
    if ((new_run && first) || (begins && out < world->tolerated)) {
        world->tolerated = out;
    }
    bool in_batch = after->state >= SL_BATCH_IN_ROLLING && after->state <= SL_BATCH_READY;
    if (after->run.tolerated > world->tolerated && in_batch) {
        m_fail(world, "(1) %d pods are tolerated, %d were out of service", after->run.tolerated,
               world->tolerated);
    }
}

/* Called with the status that is about to be stored. */
void m_check_status(struct m_world *world, const struct sl_rollout_status *after)
{
    const struct sl_rollout_status *before = &world->seen.rollout.record.status;
    bool same_run = sl_str_eq(before->run.id, after->run.id);
    note_tolerated(world, before, after);
    if (same_run && after->current_batch > before->current_batch && !is_unbound(world)) {
        check_next(world, before, after);
    }
    if (same_run && !is_unbound(world) && after->state != SL_ABANDONING) {
        check_targets(world, before, after);
    }
    if (after->state == SL_BATCH_READY && before->state != SL_BATCH_READY) {
        world->finished_at = world->now;
    }
}

/* --- a plan --- */

static void note_words(struct m_world *world)
{
    const struct sl_rollout_record *rollout = &world->seen.rollout.record;
    const struct sl_rollout *spec = &rollout->spec;
    if (spec->has_confirm &&
        !is_confirmed(world, spec->confirm_run, (int32_t)spec->confirm_batch) &&
        world->confirmed_count < M_NOTED) {
        world->confirmed[world->confirmed_count].run =
            sl_arena_cstr(&world->arena, spec->confirm_run);
        world->confirmed[world->confirmed_count++].batch = spec->confirm_batch;
    }
    if (spec->has_order && spec->order == SL_ORDER_PROMOTE && spec->order_run.n > 0 &&
        !is_promoted(world, spec->order_run)) {
        world->promoted = sl_arena_cstr(&world->arena, spec->order_run);
    }
}

static bool is_quiet(const struct sl_plan *plan)
{
    return !plan->write_status && !plan->stepped && plan->action_count == 0;
}

static void check_same(struct m_world *world, const struct sl_roll_input *input,
                       const struct sl_plan *plan)
{
    struct sl_plan other;
    sl_roll_plan(input, world->now, &world->scratch, &other);
    if (other.action_count != plan->action_count || other.again != plan->again ||
        !sl_rollout_status_equal(&other.status, &plan->status)) {
        m_fail(world, "(5) the same input gives another plan");
    }
}

/* The same plan again now; and while nothing changes, nothing to do before `again`. */
void m_check_plan(struct m_world *world, const struct sl_roll_input *input,
                  const struct sl_plan *plan)
{
    struct sl_plan other;
    note_words(world);
    if (plan->status.message.n == 0) {
        m_fail(world, "(6) the message is empty");
    }
    if (plan->again <= world->now) {
        m_fail(world, "(5) wants to be asked again in the past");
    }
    if (m_chance(world, 100)) {
        check_same(world, input, plan);
    }
    if (is_quiet(plan)) {
        int64_t most = plan->again - world->now < 3600 * SL_NS_PER_S ? plan->again - world->now
                                                                     : 3600 * SL_NS_PER_S;
        int64_t at = world->now + (int64_t)(m_random(world) % (uint64_t)most);
        sl_roll_plan(input, at, &world->scratch, &other);
        if (!is_quiet(&other)) {
            m_fail(world, "(5) it has something to do %.1f s from now and did not say so: %s",
                   (double)(at - world->now) / (double)SL_NS_PER_S,
                   other.event != NULL      ? other.event
                   : other.action_count > 0 ? sl_action_names[other.actions[0].kind]
                                            : "status");
        }
    }
}

/* --- the world --- */

/* Whatever was planned: with nothing but upgrades happening, so many pods serve at any time. */
void m_check_calm(struct m_world *world)
{
    struct m_counts counts;
    m_count(world, &world->is, &counts);
    int32_t most =
        sl_intstr_of(world->is.rollout.record.spec.plan.max_unavailable, counts.replicas, true);
    most = most < 1 ? 1 : most;
    if (world->calm && world->is.workload.used && counts.available + most < counts.replicas) {
        m_fail(world, "(1) %d of %d pods serve, maxUnavailable is %d", counts.available,
               counts.replicas, most);
    }
}

static void check_pods(struct m_world *world)
{
    int32_t right = 0;
    for (size_t i = 0; i < M_PODS; i++) {
        const struct m_pod *pod = &world->is.pods[i];
        bool runs = pod->used && pod->running == world->is.workload.template &&
                    pod->record.ready_since != 0;
        right += runs ? 1 : 0;
        if (m_alive(pod) && pod->record.upgrade[0] != '\0') {
            m_fail(world, "(4) pod %s is still marked", pod->record.record.name);
        }
    }
    if (right != world->is.workload.record.replicas) {
        m_fail(world, "(4) at the end %d of %d pods run the template", right,
               world->is.workload.record.replicas);
    }
}

static void check_originals(struct m_world *world)
{
    const struct m_workload *workload = &world->is.workload;
    for (size_t i = 0; i < M_FIELDS; i++) {
        bool same = strcmp(workload->fields[i], workload->originals[i]) == 0;
        if (!same && !(i == M_PAUSED && strcmp(workload->fields[i], "false") == 0)) {
            m_fail(world, "(4) at the end %s is %s, it was %s", m_field_names[i],
                   workload->fields[i], workload->originals[i]);
        }
    }
    if (workload->record.held[0] != '\0') {
        m_fail(world, "(4) at the end it is held: %s", workload->record.held);
    }
    for (size_t i = 0; i < M_REVISIONS; i++) {
        const struct sl_revision_record *revision = &world->is.revisions[i].record;
        if (world->is.revisions[i].used && (revision->handover != 0 || revision->has_held)) {
            m_fail(world, "(4) at the end %s has a mark", revision->record.name);
        }
    }
}

void m_check_end(struct m_world *world)
{
    const struct sl_rollout_status *status = &world->is.rollout.record.status;
    if (!world->is.workload.used || !world->is.rollout.used) {
        return;
    }
    if (status->phase == SL_HEALTHY ||
        (status->phase == SL_PHASE_FAILED && world->is.workload.record.held[0] == '\0')) {
        check_pods(world);
        check_originals(world);
        m_check_traffic_end(world);
    } else {
        m_fail(world, "(4) it ends as %s: %.*s", sl_phase_names[status->phase],
               SL_STR_FMT(status->message));
    }
}
