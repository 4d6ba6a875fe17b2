/* The reconciler's numbers, as Prometheus text.
 *
 * The loop counts in a struct of its own and publishes a copy of it; the health server's thread
 * writes the text from the copy that was published last. So nothing that the loop works on is
 * shared. Label values come from fixed sets and from the configuration.
 *
 * Threads: sl_reconciler_metrics_publish() from the loop, the others from any.
 */
#ifndef SL_RUN_RECONCILER_METRICS_H
#define SL_RUN_RECONCILER_METRICS_H

#include "core/rolling/plan.h"
#include "core/traffic/lifecycle.h"
#include "kube/client.h"
#include "run/cache_metrics.h"
#include "run/metrics_text.h"
#include "run/reconciler/fleet.h"

/* What became of an action. A conflict is planned again at once: others write, too. */
enum sl_action_result {
    SL_RESULT_SUCCESS,
    SL_RESULT_CONFLICT,
    SL_RESULT_FAILURE,
    SL_RESULTS,
};
/* Other writes count as actions, too. */
enum {
    SL_ACTION_STATUS = SL_ACTION_KINDS, /* of a Rollout */
    SL_ACTION_TRAFFIC,                  /* a pod's label, finalizers, annotation */
    SL_ACTION_TRAFFIC_STATUS,           /* a pod's condition */
    SL_ACTION_POLICY_STATUS,            /* of a TrafficPolicy */
    SL_ACTIONS,
};
const char *sl_reconciler_action_name(int action);

#define SL_LOOP_BUCKETS 9
#define SL_DRAIN_BUCKETS 9
#define SL_BALANCER_LABELS_MAX 448 /* three names of objects, at most */

struct sl_balancer_numbers {
    char labels[SL_BALANCER_LABELS_MAX]; /* namespace="shop",policy="web",balancer="edge" */
    bool up;
    uint32_t members[SL_MEMBER_STATES];
    uint64_t corrections;
};

struct sl_reconciler_numbers {
    /* counted */
    uint64_t actions[SL_ACTIONS][SL_RESULTS];
    uint64_t batches_finished;
    uint64_t drains[SL_DRAIN_OPS][SL_DRAIN_OUTCOMES];
    uint64_t drain_in_bucket[SL_DRAIN_BUCKETS + 1], drain_ns;
    uint64_t sessions_cut;
    uint64_t loop_in_bucket[SL_LOOP_BUCKETS + 1], loop_ns;
    /* sampled */
    uint64_t rollouts[SL_PHASES];
    size_t dirty;
    bool synced, leader;
    uint64_t traffic_pods[SL_TRAFFIC_STATES], drains_overdue; /* NONE counts as Joining */
    struct sl_balancer_numbers *balancers;                    /* borrowed; published as a copy */
    size_t balancer_count;
    uint64_t events_lost;
    struct sl_client_stats client;
    struct sl_resource_numbers resources[SL_FLEET_RESOURCES_MAX];
    size_t resource_count;
};

/* One turn of the loop took so long. */
void sl_reconciler_count_turn(struct sl_reconciler_numbers *numbers, int64_t ns);
/* A drain began, or ended after so long. */
void sl_reconciler_count_drain(struct sl_reconciler_numbers *numbers, enum sl_drain_op op,
                               enum sl_drain_outcome outcome, int64_t ns);

struct sl_reconciler_metrics;

/* `start` is in seconds since 1970. `lease` is the name of the Lease, borrowed; NULL: there is no
 * election. */
struct sl_reconciler_metrics *sl_reconciler_metrics_open(int64_t start, const char *lease);
void sl_reconciler_metrics_close(struct sl_reconciler_metrics *metrics);
SL_AUTO_PTR(sl_reconciler_metrics, struct sl_reconciler_metrics, sl_reconciler_metrics_close);

void sl_reconciler_metrics_publish(struct sl_reconciler_metrics *metrics,
                                   const struct sl_reconciler_numbers *numbers);
bool sl_reconciler_metrics_synced(struct sl_reconciler_metrics *metrics); /* as last published */
void sl_reconciler_metrics_write(struct sl_reconciler_metrics *metrics, struct sl_buf *out);

#endif
