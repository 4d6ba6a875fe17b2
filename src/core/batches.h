/* Batch arithmetic: how a rollout plan cuts a number of replicas into batches (DESIGN.md, "Batch
 * arithmetic"). Pure functions.
 */
#ifndef SL_CORE_BATCHES_H
#define SL_CORE_BATCHES_H

#include "base/arena.h"
#include "codec/decode.h"
#include "codec/intstr.h"

struct sl_batch {
    struct sl_intstr replicas; /* an increment; a percentage is of all replicas, rounded up */
    bool has_pause;
    int64_t pause; /* nanoseconds to wait after the batch */
};

enum sl_upgrade_type { SL_UPGRADE_BATCH, SL_UPGRADE_BETA }; /* Beta: a one-pod batch comes first */

struct sl_batches {
    struct sl_list list; /* rolloutBatches: of struct sl_batch, or: */
    int64_t size;        /* batchSize; 0: rolloutBatches are used */
    int upgrade_type;    /* enum sl_upgrade_type */
};

#define SL_BATCHES_MAX 1000 /* of one run; they all stand in the status */

struct sl_batch_targets {
    int32_t *items; /* cumulative, never decreasing, the last is the replicas; in the arena */
    size_t count;
};

/* What can be said of a plan without knowing the replicas: rules of which no number of replicas
 * would satisfy the breach. */
void sl_batches_check(const struct sl_batches *batches, const struct sl_field *plan,
                      struct sl_problems *problems);

/* The number of batches where it does not depend on the replicas (rolloutBatches); 0 for batchSize.
 */
size_t sl_batches_count(const struct sl_batches *batches);

/* The cumulative targets for `replicas`; none for 0 replicas. Errors: INVALID, naming the batch and
 * the rule: all but the last must sum to less than the replicas; an integer last batch must make
 * the sum exact (a percent last batch takes the rest); and a run has at most SL_BATCHES_MAX. */
SL_MUST_USE int sl_batches_targets(const struct sl_batches *batches, int32_t replicas,
                                   struct sl_arena *arena, struct sl_batch_targets *ret_targets,
                                   struct sl_err *err);

/* The targets of a run under way whose replicas are now `replicas`: batches before `current` keep
 * what they had (`before`, as many as `current`), the others are computed as above, but no rule is
 * checked: the last batch takes the rest, and a batch may turn out empty. At least current + 1. */
void sl_batches_rebase(const struct sl_batches *batches, int32_t replicas, const int32_t *before,
                       size_t current, struct sl_arena *arena,
                       struct sl_batch_targets *ret_targets);

#endif
