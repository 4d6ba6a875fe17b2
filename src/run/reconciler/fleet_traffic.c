/* Look-ups that traffic needs, from the caches (fleet_traffic.h). */
#include "run/reconciler/fleet_traffic.h"

#include <string.h>

#include "core/names.h"
#include "run/reconciler/fleet_private.h"

/* --- pods --- */

/* The Job controller labels its pods with its Job's uid. */
static bool is_of_job(const struct sl_pod_record *pod, struct sl_arena *arena)
{
    struct sl_labels labels = sl_pod_labels(pod, arena);
    struct sl_str uid = sl_labels_get(labels, SL_STR("batch.kubernetes.io/controller-uid"));
    return pod->record.owner_uid[0] != '\0' && sl_str_is(uid, pod->record.owner_uid);
}

bool sl_fleet_may_serve(const struct sl_fleet *fleet, const struct sl_pod_record *pod,
                        struct sl_arena *arena)
{
    return !pod->host_network && !pod->mirror && strcmp(pod->record.ns, "kube-system") != 0 &&
           !sl_str_is(fleet->own_ns, pod->record.ns) && !is_of_job(pod, arena);
}

bool sl_pod_is_marked(const struct sl_pod_record *pod, struct sl_arena *arena)
{
    return pod->traffic[0] != '\0' || pod->balancers[0] != '\0' || pod->drain[0] != '\0' ||
           sl_labels_get(sl_pod_labels(pod, arena), SL_STR(SL_LABEL_POLICY)).p != NULL;
}

const struct sl_pod_record *sl_fleet_pod(const struct sl_fleet *fleet, const char *ns,
                                         const char *name, const char *uid)
{
    const struct sl_record *record =
        sl_cache_get(fleet->caches[SL_FLEET_PODS].cache, sl_str_from(ns), sl_str_from(name));
    return record == NULL || strcmp(record->uid, uid) != 0 ? NULL : sl_pod_of(record);
}

void sl_fleet_each(const struct sl_fleet *fleet, enum sl_fleet_row row,
                   void (*visit)(void *ctx, const struct sl_record *record), void *ctx)
{
    sl_cache_each(fleet->caches[row].cache, visit, ctx);
}

/* --- policies --- */

static size_t of_namespace(struct sl_fleet *fleet, enum sl_fleet_row row, const char *ns,
                           const struct sl_record *const **ret_records)
{
    struct sl_fleet_cache *cache = &fleet->caches[row];
    return sl_by_namespace_get(&cache->by_namespace, cache->cache, ns, ret_records);
}

bool sl_fleet_has_policies(struct sl_fleet *fleet, const char *ns)
{
    const struct sl_record *const *records = NULL;
    return of_namespace(fleet, SL_FLEET_TRAFFIC_POLICIES, ns, &records) > 0;
}

const struct sl_traffic_policy_record *sl_fleet_policy(const struct sl_fleet *fleet, const char *ns,
                                                       const char *name)
{
    const struct sl_record *record = sl_cache_get(fleet->caches[SL_FLEET_TRAFFIC_POLICIES].cache,
                                                  sl_str_from(ns), sl_str_from(name));
    return record == NULL ? NULL : sl_traffic_policy_of(record);
}

void sl_fleet_match(struct sl_fleet *fleet, const struct sl_pod_record *pod, struct sl_arena *arena,
                    struct sl_fleet_match *ret_match)
{
    const struct sl_record *const *records = NULL;
    size_t count = of_namespace(fleet, SL_FLEET_TRAFFIC_POLICIES, pod->record.ns, &records);
    struct sl_fleet_match match = {.policy = NULL};
    count = count > 0 && sl_fleet_may_serve(fleet, pod, arena) ? count : 0;
    struct sl_labels labels = {.count = 0};
    if (count > 0) {
        labels = sl_pod_labels(pod, arena);
    }
    struct sl_str had = sl_labels_get(labels, SL_STR(SL_LABEL_POLICY));
    for (size_t i = 0; i < count && match.policy == NULL; i++) {
        const struct sl_traffic_policy_record *policy = sl_traffic_policy_of(records[i]);
        if (policy->problem[0] != '\0') {
            match.unsure = match.unsure || sl_str_is(had, policy->record.name);
        } else if (sl_selector_matches(&policy->policy.selector, labels)) {
            match.policy = policy;
        }
    }
    *ret_match = match;
}

/* --- whose drains stand --- */

bool sl_fleet_has_run(struct sl_fleet *fleet, const char *ns, struct sl_str id)
{
    const struct sl_record *const *records = NULL;
    size_t count = of_namespace(fleet, SL_FLEET_ROLLOUTS, ns, &records);
    for (size_t i = 0; i < count; i++) {
        if (id.n > 0 && sl_str_eq(sl_rollout_of(records[i])->status.run.id, id)) {
            return true;
        }
    }
    return false;
}

/* --- budgets --- */

struct counted {
    const char *ns;
    const struct sl_pod_record **pods;
    size_t count;
};

static void add_pod(void *counted_, const struct sl_record *record)
{
    struct counted *counted = counted_;
    if (strcmp(record->ns, counted->ns) != 0) {
        return;
    }
    if (counted->pods != NULL) {
        counted->pods[counted->count] = sl_pod_of(record);
    }
    counted->count++;
}

void sl_fleet_budgets(struct sl_fleet *fleet, const char *ns, struct sl_arena *arena,
                      struct sl_budget_view *ret_view)
{
    const struct sl_record *const *records = NULL;
    struct sl_budget_view view = {
        .budget_count = of_namespace(fleet, SL_FLEET_BUDGETS, ns, &records),
    };
    if (view.budget_count > 0) {
        const struct sl_cache *pods = fleet->caches[SL_FLEET_PODS].cache;
        const struct sl_budget_record **budgets =
            sl_arena_alloc(arena, view.budget_count * sizeof(const struct sl_budget_record *));
        struct counted counted = {.ns = ns};
        for (size_t i = 0; i < view.budget_count; i++) {
            budgets[i] = sl_budget_of(records[i]);
        }
        sl_cache_each(pods, add_pod, &counted);
        counted.pods =
            sl_arena_alloc(arena, (counted.count + 1) * sizeof(const struct sl_pod_record *));
        counted.count = 0;
        sl_cache_each(pods, add_pod, &counted);
        view.left = sl_arena_alloc(arena, view.budget_count * sizeof(int32_t));
        for (size_t i = 0; i < view.budget_count; i++) {
            view.left[i] = SL_BUDGET_UNCOUNTED;
        }
        view.budgets = budgets;
        view.pods = counted.pods;
        view.pod_count = counted.count;
    }
    *ret_view = view;
}

/* --- for the planner of Rollouts --- */

/* Of a pod whose policy cannot be read: it is not touched, since how it leaves is not known. */
static const struct sl_traffic_policy unknown_policy = {.name = SL_STR_INIT(""),
                                                        .drain = {.timeout = 60}};

const struct sl_roll_traffic *sl_fleet_roll_traffic(struct sl_fleet *fleet,
                                                    const struct sl_writes *writes,
                                                    const struct sl_roll_input *input,
                                                    struct sl_arena *arena)
{
    const char *ns = input->rollout->record.ns;
    if (input->pod_count == 0 || !sl_fleet_has_policies(fleet, ns)) {
        return NULL;
    }
    struct sl_roll_traffic *traffic =
        sl_arena_zalloc(arena, input->pod_count, sizeof(struct sl_roll_traffic));
    struct sl_budget_view view;
    sl_fleet_budgets(fleet, ns, arena, &view);
    sl_writes_leaving(writes, ns, arena, &view);
    for (size_t i = 0; i < input->pod_count; i++) {
        struct sl_fleet_match match;
        traffic[i] = (struct sl_roll_traffic){.disruptions = SL_BUDGET_FREE, .budget = ""};
        sl_fleet_match(fleet, input->pods[i], arena, &match);
        if (match.policy != NULL) {
            traffic[i].policy = &match.policy->policy;
            traffic[i].disruptions =
                sl_budget_left(&view, input->pods[i], arena, &traffic[i].budget);
        } else if (match.unsure) {
            traffic[i].policy = &unknown_policy;
            traffic[i].disruptions = 0;
        }
    }
    return traffic;
}
