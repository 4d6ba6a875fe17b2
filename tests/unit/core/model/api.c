/* What the API server does with a plan's requests: the status, and each action, under the
 * preconditions that core/rolling/actions.h writes into them. False: refused, nothing happened. A
 * request that no API server would take is a fault of the planner. */
#include <inttypes.h>
#include <string.h>

#include "model.h"

/* --- the status --- */

static struct sl_str copy(struct m_world *world, struct sl_str text)
{
    return text.p == NULL ? text : sl_arena_str(&world->arena, text);
}

static int64_t to_second(int64_t time)
{
    return time / SL_NS_PER_S * SL_NS_PER_S;
}

/* As it comes back from the API server: times to the second. */
static void store_status(struct m_world *world, const struct sl_rollout_status *status)
{
    struct sl_rollout_status *stored = &world->is.rollout.record.status;
    *stored = *status;
    stored->message = copy(world, status->message);
    stored->run.id = copy(world, status->run.id);
    stored->run.stable_revision = copy(world, status->run.stable_revision);
    stored->run.update_revision = copy(world, status->run.update_revision);
    stored->run.plan = copy(world, status->run.plan);
    stored->run.failure = copy(world, status->run.failure);
    stored->run.started = to_second(status->run.started);
    stored->run.progressed = to_second(status->run.progressed);
    stored->batches = sl_arena_zalloc(&world->arena, status->batch_count, sizeof *stored->batches);
    for (size_t i = 0; i < status->batch_count; i++) {
        stored->batches[i] = status->batches[i];
        stored->batches[i].started = to_second(status->batches[i].started);
        stored->batches[i].finished = to_second(status->batches[i].finished);
    }
    for (size_t i = 0; i < status->condition_count; i++) {
        struct sl_condition *condition = &stored->conditions[i];
        condition->type = copy(world, condition->type);
        condition->reason = copy(world, condition->reason);
        condition->message = copy(world, condition->message);
        condition->changed = to_second(condition->changed);
    }
}

static bool is_same(const struct sl_record *is, const struct sl_record *seen)
{
    return strcmp(is->uid, seen->uid) == 0 &&
           strcmp(is->resource_version, seen->resource_version) == 0;
}

bool m_api_status(struct m_world *world, const struct sl_rollout_status *status)
{
    struct sl_record *rollout = &world->is.rollout.record.record;
    if (!world->is.rollout.used || !is_same(rollout, &world->seen.rollout.record.record)) {
        return false;
    }
    m_say(world, "    status: %s %s/%s batch %d: %.*s", sl_phase_names[status->phase],
          sl_state_rolling(status->state), sl_state_batch(status->state), status->current_batch,
          SL_STR_FMT(status->message));
    store_status(world, status);
    m_touch(world, rollout);
    return true;
}

/* --- the workload --- */

static bool is_zero(struct sl_intstr value)
{
    return value.value == 0;
}

/* ValidateDeploymentSpec(), ValidateStatefulSetSpec(): what is refused with 422. */
static const char *invalid(struct m_world *world, const char *const fields[static M_FIELDS])
{
    struct m_policy policy = m_policy_of(world, fields);
    if (policy.type != M_ROLLING_UPDATE && policy.rolling_update && world->kind != M_DAEMON_SET) {
        return "rollingUpdate beside another type";
    }
    if (world->kind != M_DEPLOYMENT) {
        return NULL;
    }
    if (policy.type == M_ROLLING_UPDATE && is_zero(policy.max_surge) &&
        is_zero(policy.max_unavailable)) {
        return "maxSurge and maxUnavailable are both 0";
    }
    return policy.deadline <= policy.min_ready ? "the deadline is not above minReadySeconds" : NULL;
}

static bool change_template(struct m_world *world, struct sl_str text)
{
    struct m_workload *workload = &world->is.workload;
    int template = m_template_of(world, text);
    if (template <0) {
        m_fail(world, "the planner writes a template of its own: %.*s", SL_STR_FMT(text));
        return false;
    }
    bool changed = workload->template != template;
    workload->template = template;
    workload->record.template = world->templates[template].text;
    workload->record.template_id = world->templates[template].id;
    return changed;
}

static void change_fields(struct m_world *world, const struct sl_action *action,
                          const char *fields[static M_FIELDS])
{
    for (size_t i = 0; i < action->field_count; i++) {
        size_t index = 0;
        while (index < M_FIELDS && !sl_str_is(action->fields[i].path, m_field_names[index])) {
            index++;
        }
        if (index == M_FIELDS) {
            m_fail(world, "the planner writes spec.%.*s", SL_STR_FMT(action->fields[i].path));
            return;
        }
        m_say(world, "        %s: %.*s", m_field_names[index], SL_STR_FMT(action->fields[i].value));
        fields[index] = sl_str_is(action->fields[i].value, "null")
                            ? ""
                            : sl_arena_cstr(&world->arena, action->fields[i].value);
    }
    if (world->kind == M_DEPLOYMENT && fields[M_DEADLINE][0] == '\0') {
        fields[M_DEADLINE] = "600";
    }
}

static bool do_workload(struct m_world *world, const struct sl_action *action)
{
    struct m_workload *workload = &world->is.workload;
    const char *fields[M_FIELDS];
    memcpy(fields, workload->fields, sizeof fields);
    change_fields(world, action, fields);
    const char *why = invalid(world, fields);
    if (why != NULL) {
        m_fail(world, "the API server refuses a workload: %s", why);
        return false;
    }
    bool changed = memcmp(fields, workload->fields, sizeof fields) != 0;
    memcpy(workload->fields, fields, sizeof fields);
    if (action->template.p != NULL) {
        changed = change_template(world, action->template) || changed;
    }
    if (action->held.p != NULL) {
        workload->record.held = sl_arena_cstr(&world->arena, action->held);
    }
    workload->record.managed_entry = 0;
    workload->record.record.generation += changed ? 1 : 0;
    m_touch(world, &workload->record.record);
    return true;
}

static bool do_disown(struct m_world *world, const struct sl_action *action)
{
    (void)action;
    world->is.workload.record.managed_entry = -1;
    m_touch(world, &world->is.workload.record.record);
    return true;
}

static bool do_finalizer(struct m_world *world, const struct sl_action *action)
{
    struct m_rollout *rollout = &world->is.rollout;
    if (action->on && rollout->record.record.deleted != 0) {
        m_fail(world, "no finalizer can be added to what is being deleted");
        return false;
    }
    rollout->record.has_finalizer = action->on;
    m_touch(world, &rollout->record.record);
    rollout->used = action->on || rollout->record.record.deleted == 0;
    return true;
}

/* --- pods --- */

static struct m_pod *pod_of(struct m_world *world, const struct sl_action *action)
{
    for (size_t i = 0; i < M_PODS; i++) {
        struct m_pod *pod = &world->is.pods[i];
        if (pod->used && strcmp(pod->record.record.name, action->target->name) == 0) {
            return pod;
        }
    }
    return NULL;
}

/* ValidatePodUpdate(): nothing but the image may change. */
static bool do_upgrade(struct m_world *world, const struct sl_action *action)
{
    struct m_pod *pod = pod_of(world, action);
    int to = action->to != NULL ? m_template_of(world, sl_str_from(action->to->template))
                                : world->seen.workload.template;
    const struct sl_rollout *spec = &world->seen.rollout.record.spec;
    char since[SL_CLOCK_DATE_SIZE];
    if (pod == NULL || (action->handover && action->to == NULL)) {
        return false;
    }
    if (world->templates[to].env != world->templates[pod->template].env) {
        m_fail(world, "the API server refuses to change the env of pod %s",
               pod->record.record.name);
        return false;
    }
    sl_clock_date(world->now / SL_NS_PER_S, since);
    pod->record.upgrade = m_text(
        world, "{\"run\":\"%.*s\",\"revision\":\"%s\",\"since\":\"%s\",\"containers\":{%s%s%s}%s}",
        SL_STR_FMT(world->seen.rollout.record.status.run.id), action->revision, since,
        to == pod->template ? "" : "\"app\":\"",
        to == pod->template ? "" : pod->container.container_id, to == pod->template ? "" : "\"",
        m_available(world, pod, spec->plan.min_ready) || pod->record.drain[0] != '\0'
            ? ""
            : ",\"broken\":true");
    if (action->handover) {
        pod->record.record.owner_uid = action->to->record.uid;
        pod->record.template_hash = m_text(world, "%s", action->revision);
    } else {
        pod->record.revision = m_text(world, "%s", action->revision);
    }
    pod->record.batch = m_text(world, "%d", action->batch);
    pod->record.record.generation += to == pod->template ? 0 : 1;
    pod->container.image = m_text(world, "r/app:%d", world->templates[to].image);
    pod->restart = pod->restart || to != pod->template;
    pod->template = to;
    pod->patched_in = m_text(world, "%.*s", SL_STR_FMT(world->seen.rollout.record.status.run.id));
    pod->kubelet_at = world->now + (1 + m_below(world, 2000)) * SL_NS_PER_MS;
    m_touch(world, &pod->record.record);
    return true;
}

static bool do_done(struct m_world *world, const struct sl_action *action)
{
    struct m_pod *pod = pod_of(world, action);
    pod->record.upgrade = "";
    if (strstr(pod->record.drain, "\"op\":\"upgrade\"") != NULL) {
        pod->record.drain = "";
    }
    m_touch(world, &pod->record.record);
    return true;
}

static bool do_label(struct m_world *world, const struct sl_action *action)
{
    struct m_pod *pod = pod_of(world, action);
    pod->record.batch = m_text(world, "%d", action->batch);
    m_touch(world, &pod->record.record);
    return true;
}

static bool do_drain(struct m_world *world, const struct sl_action *action)
{
    struct m_pod *pod = pod_of(world, action);
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_POD_DRAIN_MAX);
    const struct sl_drain_mark mark = {
        .op = action->drain,
        .id = world->seen.rollout.record.status.run.id,
        .since = world->now,
        .deadline = action->drain_deadline,
    };
    if (action->on) {
        sl_drain_write(&mark, &text);
    }
    pod->record.drain = sl_arena_cstr(&world->arena, sl_buf_str(&text));
    m_touch(world, &pod->record.record);
    return true;
}

static bool do_delete(struct m_world *world, const struct sl_action *action)
{
    m_pod_delete(world, pod_of(world, action));
    return true;
}

/* --- ReplicaSets --- */

static bool do_new_set(struct m_world *world, const struct sl_action *action)
{
    const char *name =
        m_text(world, "%s-%s", world->seen.workload.record.record.name, action->hash);
    for (size_t i = 0; i < M_REVISIONS; i++) {
        const struct m_revision *revision = &world->is.revisions[i];
        if (revision->used && strcmp(revision->record.record.name, name) == 0) {
            return false; /* AlreadyExists */
        }
    }
    struct m_revision *set = m_revision_new(world, true, world->seen.workload.template);
    if (set == NULL) {
        return false;
    }
    set->record.record.name = name;
    set->record.record.owner_uid = world->seen.workload.record.record.uid;
    set->record.hash = m_text(world, "%s", action->hash);
    set->record.revision = action->revision_number;
    set->record.desired = set->most = world->seen.workload.record.replicas;
    return true;
}

static bool do_set(struct m_world *world, const struct sl_action *action)
{
    for (size_t i = 0; i < M_REVISIONS; i++) {
        struct m_revision *set = &world->is.revisions[i];
        if (!set->used || strcmp(set->record.record.uid, action->target->uid) != 0) {
            continue;
        }
        if (action->replicas >= 0) {
            set->record.desired = set->most = world->seen.workload.record.replicas;
        }
        if (action->replicas >= 0 && set->record.replicas != action->replicas) {
            set->record.replicas = action->replicas;
            set->record.record.generation++;
        }
        if (action->handover_until >= 0) {
            set->record.handover = to_second(action->handover_until);
        }
        set->record.has_held = set->record.has_held && !action->drop_held;
        m_touch(world, &set->record.record);
        return true;
    }
    return false;
}

/* --- any action --- */

static bool (*const doers[SL_ACTION_KINDS])(struct m_world *, const struct sl_action *) = {
    [SL_ACT_FINALIZER] = do_finalizer, [SL_ACT_WORKLOAD] = do_workload,
    [SL_ACT_DISOWN] = do_disown,       [SL_ACT_POD_UPGRADE] = do_upgrade,
    [SL_ACT_POD_DONE] = do_done,       [SL_ACT_POD_LABEL] = do_label,
    [SL_ACT_POD_DELETE] = do_delete,   [SL_ACT_REPLICA_SET_NEW] = do_new_set,
    [SL_ACT_REPLICA_SET] = do_set,     [SL_ACT_POD_DRAIN] = do_drain,
};

/* What an action is about, as the API server has it now; NULL: it is not there. */
static const struct sl_record *current(struct m_world *world, const struct sl_action *action)
{
    struct m_objects *is = &world->is;
    if (action->kind == SL_ACT_FINALIZER) {
        return is->rollout.used ? &is->rollout.record.record : NULL;
    }
    if (action->kind == SL_ACT_WORKLOAD || action->kind == SL_ACT_DISOWN) {
        return is->workload.used ? &is->workload.record.record : NULL;
    }
    if (action->kind == SL_ACT_REPLICA_SET) {
        for (size_t i = 0; i < M_REVISIONS; i++) {
            const struct sl_record *record = &is->revisions[i].record.record;
            if (is->revisions[i].used && strcmp(record->uid, action->target->uid) == 0) {
                return record;
            }
        }
        return NULL;
    }
    const struct m_pod *pod = pod_of(world, action);
    return pod == NULL ? NULL : &pod->record.record;
}

bool m_api_action(struct m_world *world, const struct sl_action *action)
{
    const struct sl_record *target = NULL;
    if (action->kind != SL_ACT_REPLICA_SET_NEW) {
        target = current(world, action);
        if (target == NULL || !is_same(target, action->target)) {
            m_say(world, "    %s %s: refused", sl_action_names[action->kind], action->target->name);
            return false;
        }
    }
    m_say(world, "    %s %s", sl_action_names[action->kind], target == NULL ? "" : target->name);
    m_check_action(world, action);
    if (!doers[action->kind](world, action)) {
        return false;
    }
    if (target != NULL) {
        m_view_put(world, target);
    }
    return true;
}
