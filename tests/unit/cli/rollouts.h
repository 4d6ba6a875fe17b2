/* Rollouts made by hand, for the tests of what commands make of them. */
#ifndef SL_TESTS_ROLLOUTS_H
#define SL_TESTS_ROLLOUTS_H

#include "base/clock.h"
#include "core/records/rollout.h"

#define NOW (INT64_C(1800000000) * SL_NS_PER_S)
#define AGO(seconds) (NOW - (int64_t)(seconds)*SL_NS_PER_S)

/* Batch 2 of 3 is under way. */
static inline struct sl_rollout_record rollout_under_way(struct sl_batch_status batches[static 3])
{
    batches[0] = (struct sl_batch_status){
        .target = 1, .updated = 1, .ready = 1, .started = AGO(130), .finished = AGO(105)};
    batches[1] =
        (struct sl_batch_status){.target = 5, .updated = 3, .ready = 2, .started = AGO(100)};
    batches[2] = (struct sl_batch_status){.target = 10, .updated = 3, .ready = 2};
    return (struct sl_rollout_record){
        .record = {.ns = "shop",
                   .name = "web",
                   .uid = "u-1",
                   .resource_version = "77",
                   .owner_uid = "",
                   .generation = 3},
        .spec = {.workload = {.api_version = SL_STR("apps/v1"),
                              .group = SL_STR("apps"),
                              .kind = SL_STR("StatefulSet"),
                              .name = SL_STR("web")}},
        .problem = "",
        .status = {.observed_generation = 3,
                   .state = SL_BATCH_IN_ROLLING,
                   .phase = SL_PROGRESSING,
                   .message = SL_STR("batch 2 of 3: waits for web-7"),
                   .run = {.id = SL_STR("r1"),
                           .stable_revision = SL_STR("web-old"),
                           .update_revision = SL_STR("web-new"),
                           .started = AGO(130),
                           .progressed = AGO(40)},
                   .current_batch = 1,
                   .batches = batches,
                   .batch_count = 3,
                   .replicas = 10,
                   .updated = 3,
                   .updated_ready = 2},
    };
}

#endif
