/* What people do to the model: templates, as the webhook holds them (core/admission/hold.c), and
 * Rollouts with random plans. */
#include <string.h>

#include "core/held.h"
#include "core/held_value.h"
#include "model.h"

static const struct sl_workload_kinds no_kinds = {0};
static const char *const kind_texts[M_KINDS] = {"StatefulSet", "DaemonSet", "Deployment"};

static size_t field_index(struct sl_str name)
{
    size_t index = 0;
    while (index + 1 < M_FIELDS && !sl_str_is(name, m_field_names[index])) {
        index++;
    }
    return index;
}

static void set_field(struct m_world *world, struct m_workload *workload, size_t index,
                      struct sl_str value)
{
    workload->fields[index] = sl_str_is(value, "null") ? "" : sl_arena_cstr(&world->arena, value);
}

/* What hold.c does to a new template: the field that holds holds (again), what else is held stays
 * as it is, and what was there before the first of them is saved. */
static void hold(struct m_world *world, struct m_workload *workload)
{
    const struct sl_workload_kind *kind =
        sl_workload_by_kind(&no_kinds, SL_STR("apps"), sl_str_from(kind_texts[world->kind]));
    struct sl_held held = {0};
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB * 4);
    sl_held_parse(sl_str_from(workload->record.held), &world->arena, &held);
    size_t index = field_index(kind->hold.field);
    struct sl_str was = sl_str_from(workload->fields[index]);
    was = was.n == 0 ? SL_STR("null") : was;
    if (sl_held_get(&held, kind->hold.field).p == NULL &&
        !sl_held_add(&held, kind->hold.field, was)) {
        m_fail(world, "the webhook finds no room in the annotation");
    }
    set_field(world, workload, index, sl_held_hold(&world->arena, &kind->hold, was));
    sl_held_write(&held, &text);
    workload->record.held = sl_arena_cstr(&world->arena, sl_buf_str(&text));
}

void m_user_template(struct m_world *world, int template)
{
    struct m_workload *workload = &world->is.workload;
    if (!workload->used || workload->template == template) {
        return;
    }
    m_say(world, "USER: template %d", template);
    workload->template = template;
    workload->record.template = world->templates[template].text;
    workload->record.template_id = world->templates[template].id;
    if (world->is.rollout.used) {
        hold(world, workload);
    }
    workload->record.record.generation++;
    m_touch(world, &workload->record.record);
}

void m_user_scale(struct m_world *world, int32_t replicas)
{
    struct m_workload *workload = &world->is.workload;
    if (!workload->used || world->kind == M_DAEMON_SET || workload->record.replicas == replicas) {
        return;
    }
    m_say(world, "USER: scale to %d", replicas);
    workload->record.replicas = replicas;
    workload->record.record.generation++;
    m_touch(world, &workload->record.record);
}

void m_user_delete_workload(struct m_world *world)
{
    m_say(world, "USER: deletes the workload");
    world->is.workload.used = false;
    world->version++;
}

/* --- the Rollout --- */

static void changed(struct m_world *world)
{
    world->is.rollout.record.record.generation++;
    m_touch(world, &world->is.rollout.record.record);
}

/* Batches that fit the replicas: some pods, some percent, the rest. */
static void random_batches(struct m_world *world, struct m_rollout *rollout)
{
    struct sl_batches *batches = &rollout->record.spec.plan.batches;
    int count = 1 + m_below(world, M_BATCHES - 1);
    memset(rollout->batches, 0, sizeof rollout->batches);
    *batches = (struct sl_batches){.upgrade_type =
                                       m_chance(world, 200) ? SL_UPGRADE_BETA : SL_UPGRADE_BATCH};
    if (m_chance(world, 250)) {
        batches->size = 1 + m_below(world, 4);
        return;
    }
    for (int i = 0; i < count; i++) {
        rollout->batches[i].replicas = (struct sl_intstr){.value = 1};
        if (i == count - 1) {
            rollout->batches[i].replicas = (struct sl_intstr){.value = 50, .percent = true};
        } else if (m_chance(world, 200)) {
            rollout->batches[i].replicas = (struct sl_intstr){.value = 25, .percent = true};
        }
        rollout->batches[i].has_pause = m_chance(world, 200);
        rollout->batches[i].pause = (1 + m_below(world, 20)) * SL_NS_PER_S;
    }
    batches->list.count = (size_t)count;
}

static void random_plan(struct m_world *world, struct m_rollout *rollout)
{
    static const struct sl_intstr most[] = {{.value = 1},
                                            {.value = 2},
                                            {.value = 25, .percent = true},
                                            {.value = 100, .percent = true}};
    struct sl_rollout_plan *plan = &rollout->record.spec.plan;
    random_batches(world, rollout);
    plan->strategy = m_below(world, 2);
    plan->has_strategy = true;
    plan->confirm_each = m_chance(world, 300);
    plan->has_partition = m_chance(world, 200);
    plan->partition = m_below(world, 3);
    plan->max_unavailable = most[m_below(world, 4)];
    plan->min_ready = m_chance(world, 200) ? 1 + m_below(world, 10) : 0;
    plan->progress_deadline = m_chance(world, 500) ? 600 : 60;
}

void m_user_rollout(struct m_world *world)
{
    struct m_rollout *rollout = &world->is.rollout;
    *rollout = (struct m_rollout){.used = true};
    m_meta_new(world, &rollout->record.record, "web", "");
    rollout->record.record.generation = 1;
    rollout->record.problem = "";
    struct sl_rollout *spec = &rollout->record.spec;
    spec->ns = SL_STR("shop");
    spec->name = SL_STR("web");
    spec->workload = (struct sl_workload_ref){
        .api_version = SL_STR("apps/v1"),
        .group = SL_STR("apps"),
        .kind = sl_str_from(kind_texts[world->kind]),
        .name = sl_str_from(world->is.workload.record.record.name),
    };
    spec->update = m_chance(world, 600)   ? SL_IN_PLACE_IF_POSSIBLE
                   : m_chance(world, 800) ? SL_RECREATE
                                          : SL_IN_PLACE_ONLY;
    spec->on_failure = m_chance(world, 300) ? SL_ON_FAILURE_ROLLBACK : SL_ON_FAILURE_PAUSE;
    random_plan(world, rollout);
    m_say(world, "USER: a Rollout: update %d, maxUnavailable %d%s, %s, strategy %d", spec->update,
          spec->plan.max_unavailable.value, spec->plan.max_unavailable.percent ? "%" : "",
          spec->plan.confirm_each ? "confirmed" : "unconfirmed", spec->plan.strategy);
}

void m_user_plan(struct m_world *world)
{
    m_say(world, "USER: another plan");
    random_batches(world, &world->is.rollout);
    changed(world);
}

void m_user_confirm(struct m_world *world, const char *run, int64_t batch)
{
    struct sl_rollout *spec = &world->is.rollout.record.spec;
    m_say(world, "USER: confirms batch %d of run %s", (int)batch, run);
    spec->has_confirm = true;
    spec->confirm_run = sl_str_from(m_text(world, "%s", run));
    spec->confirm_batch = batch;
    changed(world);
}

void m_user_order(struct m_world *world, enum sl_order order)
{
    static const char *const names[] = {"Promote", "Retry", "Abort"};
    struct m_rollout *rollout = &world->is.rollout;
    struct sl_rollout *spec = &rollout->record.spec;
    m_say(world, "USER: %s", names[order]);
    spec->has_order = true;
    spec->order = (int)order;
    spec->order_run = rollout->record.status.run.id;
    changed(world);
}

void m_user_delete_rollout(struct m_world *world, enum sl_deletion policy)
{
    struct m_rollout *rollout = &world->is.rollout;
    m_say(world, "USER: deletes the Rollout, policy %d", (int)policy);
    rollout->record.spec.deletion_policy = (int)policy;
    if (rollout->record.has_finalizer) {
        rollout->record.record.deleted = m_second(world);
        changed(world);
    } else {
        rollout->used = false;
        world->version++;
    }
}
