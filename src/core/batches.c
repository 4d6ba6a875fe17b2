/* Batch arithmetic (batches.h). */
#include "core/batches.h"

static bool is_beta(const struct sl_batches *batches)
{
    return batches->upgrade_type == SL_UPGRADE_BETA;
}

static struct sl_batch batch_at(const struct sl_batches *batches, size_t index)
{
    return ((const struct sl_batch *)batches->list.items)[index];
}

size_t sl_batches_count(const struct sl_batches *batches)
{
    return batches->size > 0 ? 0 : batches->list.count + (is_beta(batches) ? 1 : 0);
}

void sl_batches_check(const struct sl_batches *batches, const struct sl_field *plan,
                      struct sl_problems *problems)
{
    struct sl_field list = SL_FIELD(plan, "rolloutBatches");
    bool both = batches->list.count > 0 && batches->size > 0;
    if (both || (batches->list.count == 0 && batches->size == 0)) {
        sl_problem_add(problems, plan, "must have either rolloutBatches or batchSize, has %s",
                       both ? "both" : "neither");
        return;
    }
    int64_t percents = 0;
    for (size_t i = 0; i < batches->list.count; i++) {
        struct sl_intstr value = batch_at(batches, i).replicas;
        if (value.percent && i + 1 < batches->list.count) {
            percents += value.value;
        }
    }
    if (percents >= 100) {
        sl_problem_add(problems, &list,
                       "all batches but the last must be less than 100%% together, are %lld%%",
                       (long long)percents);
    }
}

static void equal_batches(const struct sl_batches *batches, int32_t replicas,
                          struct sl_batch_targets *targets)
{
    int64_t reached = 0;
    while (reached < replicas) {
        int64_t step = is_beta(batches) && targets->count == 0 ? 1 : batches->size;
        reached = reached + step > replicas ? replicas : reached + step;
        targets->items[targets->count++] = (int32_t)reached;
    }
}

static int listed_batches(const struct sl_batches *batches, int32_t replicas,
                          struct sl_batch_targets *targets, struct sl_err *err)
{
    int64_t reached = 0;
    if (is_beta(batches)) {
        reached = 1;
        targets->items[targets->count++] = 1;
    }
    for (size_t i = 0; i < batches->list.count; i++) {
        struct sl_intstr step = batch_at(batches, i).replicas;
        bool last = i + 1 == batches->list.count;
        if (reached >= replicas) {
            return sl_err_set(err, SL_ERR_INVALID,
                              "rolloutBatches[%zu]: the batches before it already take all %d "
                              "replicas; all but the last must sum to less",
                              i, replicas);
        }
        int64_t next = reached + sl_intstr_of(step, replicas, true);
        if (last && step.percent) {
            next = replicas;
        }
        if (last && next != replicas) {
            return sl_err_set(err, SL_ERR_INVALID,
                              "rolloutBatches[%zu].replicas: the batches sum to %lld, the workload "
                              "has %d replicas; make the last batch a percentage to take the rest",
                              i, (long long)next, replicas);
        }
        reached = next;
        targets->items[targets->count++] = (int32_t)(next > replicas ? replicas : next);
    }
    return 0;
}

int sl_batches_targets(const struct sl_batches *batches, int32_t replicas, struct sl_arena *arena,
                       struct sl_batch_targets *ret_targets, struct sl_err *err)
{
    struct sl_batch_targets targets = {0};
    int64_t most = batches->size > 0
                       ? (replicas + batches->size - 1) / batches->size + (is_beta(batches) ? 1 : 0)
                       : (int64_t)sl_batches_count(batches);
    if (most > SL_BATCHES_MAX) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "batchSize: %d replicas would be cut into %lld batches; at most %d are "
                          "rolled, make them larger",
                          replicas, (long long)most, SL_BATCHES_MAX);
    }
    targets.items = sl_arena_zalloc(arena, (size_t)most, sizeof *targets.items);
    if (replicas > 0 && batches->size > 0) {
        equal_batches(batches, replicas, &targets);
    } else if (replicas > 0 && listed_batches(batches, replicas, &targets, err) < 0) {
        return -1;
    }
    *ret_targets = targets;
    return 0;
}

/* What batch `index` adds, where nothing is checked. */
static int64_t step_of(const struct sl_batches *batches, size_t index, int32_t replicas)
{
    size_t first = is_beta(batches) ? 1 : 0;
    if (index < first) {
        return 1;
    }
    if (batches->size > 0) {
        return batches->size;
    }
    bool last = index - first + 1 >= batches->list.count;
    return last ? replicas
                : sl_intstr_of(batch_at(batches, index - first).replicas, replicas, true);
}

void sl_batches_rebase(const struct sl_batches *batches, int32_t replicas, const int32_t *before,
                       size_t current, struct sl_arena *arena, struct sl_batch_targets *ret_targets)
{
    size_t most = current + 1;
    size_t listed = sl_batches_count(batches);
    if (batches->size > 0) {
        most += (size_t)((replicas + batches->size - 1) / batches->size) + 1;
    }
    most = most > listed ? most : listed;
    most = most < SL_BATCHES_MAX ? most : SL_BATCHES_MAX;
    most = most > current ? most : current + 1;
    struct sl_batch_targets targets = {.items = sl_arena_zalloc(arena, most, sizeof(int32_t))};
    int64_t reached = 0;
    while (targets.count < most && (targets.count <= current || reached < replicas ||
                                    (batches->size == 0 && targets.count < listed))) {
        size_t i = targets.count;
        int64_t next = i < current ? before[i] : reached + step_of(batches, i, replicas);
        bool last = i + 1 == most;
        reached = next > replicas || last ? replicas : next;
        targets.items[targets.count++] = (int32_t)reached;
    }
    *ret_targets = targets;
}
