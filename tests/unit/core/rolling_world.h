/* A workload in the middle of a run, for the tests of one plan: five pods, three of them updated,
 * unless a test says otherwise. */
#ifndef ROLLING_WORLD_H
#define ROLLING_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/rolling/plan.h"

#define PODS 5
#define NOW (INT64_C(1790000000) * SL_NS_PER_S)
#define LONG_AGO (NOW - 3600 * SL_NS_PER_S)

struct world {
    struct sl_arena arena;
    struct sl_rollout_record rollout;
    struct sl_workload_record workload;
    struct sl_revision_record revisions[2]; /* old, new */
    struct sl_pod_record pods[PODS];
    const struct sl_revision_record *revision_list[2];
    const struct sl_pod_record *pod_list[PODS];
    struct sl_roll_input input;
    struct sl_batch batches[3];
    struct sl_batch_status batch_status[3];
    struct sl_plan plan;
};

static const char old_template[] =
    "{\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"app:1\"}]}}";
static const char new_template[] =
    "{\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"app:2\"}]}}";

static inline struct sl_record record(const char *name, const char *uid, const char *owner)
{
    return (struct sl_record){.ns = "shop",
                              .name = name,
                              .uid = uid,
                              .resource_version = "7",
                              .owner_uid = owner,
                              .generation = 2,
                              .created = LONG_AGO};
}

static inline void set_pod(struct world *world, int ordinal, bool updated, bool ready)
{
    static const char *const names[PODS] = {"web-0", "web-1", "web-2", "web-3", "web-4"};
    struct sl_pod_record *pod = &world->pods[ordinal];
    *pod = (struct sl_pod_record){
        .record = record(names[ordinal], names[ordinal], "w"),
        .node = "node-1",
        .revision = updated ? "web-new" : "web-old",
        .template_hash = "",
        .batch = "0",
        .upgrade = "",
        .labels = "",
        .address = "",
        .traffic = "",
        .traffic_message = "",
        .drain = "",
        .balancers = "",
        .ordinal = ordinal,
        .ready_since = ready ? LONG_AGO : 0,
        .unready_since = ready ? 0 : LONG_AGO,
        .containers_ready = ready,
    };
}

/* In the middle of batch 1 of 1, 2, 2. */
static inline void set_status(struct world *world, enum sl_state state)
{
    static const int32_t targets[] = {1, 3, 5};
    struct sl_rollout_status *status = &world->rollout.status;
    for (size_t i = 0; i < 3; i++) {
        world->batches[i].replicas.value = i == 0 ? 1 : 2;
        world->batch_status[i] = (struct sl_batch_status){
            .target = targets[i], .started = LONG_AGO, .finished = i == 0 ? LONG_AGO : 0};
    }
    world->rollout.spec.plan.batches.list = (struct sl_list){.items = world->batches, .count = 3};
    *status = (struct sl_rollout_status){
        .state = state,
        .phase = SL_PROGRESSING,
        .message = SL_STR(""),
        .run = {.id = SL_STR("run1"),
                .stable_revision = SL_STR("web-old"),
                .update_revision = SL_STR("web-new"),
                .started = LONG_AGO,
                .progressed = NOW},
        .current_batch = 1,
        .batches = world->batch_status,
        .batch_count = 3,
        .replicas = PODS,
        .updated = 3,
        .updated_ready = 3,
    };
}

static inline void plan(struct world *world)
{
    sl_roll_plan(&world->input, NOW, &world->arena, &world->plan);
}

/* The hash of the plan is the planner's own: learn it. */
static inline void adopt_plan(struct world *world)
{
    enum sl_state state = world->rollout.status.state;
    world->rollout.status.state = SL_FAILED;
    plan(world);
    world->rollout.status.run.plan = world->plan.status.run.plan;
    world->rollout.status.state = state;
}

static inline void open_world(struct world *world, enum sl_state state)
{
    *world = (struct world){0};
    world->rollout = (struct sl_rollout_record){
        .record = record("web", "r", ""),
        .has_finalizer = true,
        .spec = {.workload = {.kind = SL_STR("StatefulSet"), .name = SL_STR("web")},
                 .plan = {.max_unavailable = {.value = 1}, .progress_deadline = 600}},
        .problem = "",
    };
    world->workload = (struct sl_workload_record){
        .record = record("web", "w", ""),
        .template = new_template,
        .template_id = "2222222222222222",
        .spec = "{\"updateStrategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":"
                "1000000000}}}",
        .held = "{\"spec.updateStrategy\":{\"type\":\"RollingUpdate\"}}",
        .observed_generation = 2,
        .replicas = PODS,
        .current_revision = "web-old",
        .update_revision = "web-new",
        .managed_entry = -1,
    };
    for (size_t i = 0; i < 2; i++) {
        world->revisions[i] = (struct sl_revision_record){
            .record = record(i == 0 ? "web-old" : "web-new", i == 0 ? "o" : "n", "w"),
            .hash = i == 0 ? "old" : "new",
            .revision = (int64_t)i + 1,
            .template = i == 0 ? old_template : new_template,
            .template_id = i == 0 ? "1111111111111111" : "2222222222222222",
        };
        world->revision_list[i] = &world->revisions[i];
    }
    for (int i = 0; i < PODS; i++) {
        set_pod(world, i, i >= 2, true);
        world->pod_list[i] = &world->pods[i];
    }
    set_status(world, state);
    world->input = (struct sl_roll_input){
        .rollout = &world->rollout,
        .kind = sl_workload_by_kind(&(struct sl_workload_kinds){0}, SL_STR("apps"),
                                    SL_STR("StatefulSet")),
        .workload = &world->workload,
        .revisions = world->revision_list,
        .revision_count = 2,
        .pods = world->pod_list,
        .pod_count = PODS,
    };
    adopt_plan(world);
}

static inline size_t count_actions(const struct world *world, enum sl_action_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < world->plan.action_count; i++) {
        count += world->plan.actions[i].kind == kind ? 1 : 0;
    }
    return count;
}

#endif
