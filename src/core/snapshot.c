/* The policy snapshot (snapshot.h): one map of namespaces, each with its sorted policies. */
#include "core/snapshot.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "core/names.h"

struct bucket {          /* one namespace */
    struct bucket *next; /* of the snapshot's, in no order */
    struct sl_str ns;
    struct sl_namespace info;
    struct sl_traffic_policy *policies;
    size_t policy_count;
    struct sl_rollout *rollouts;
    size_t rollout_count;
};

struct sl_snapshot {
    atomic_uint references; /* whoever opened it, and those that include it */
    struct sl_snapshot *included;
    struct sl_arena arena;
    struct sl_map *buckets; /* by namespace */
    struct bucket *first;
    struct sl_map *names; /* "Rollout shop/web" of all that was added; values mean nothing */
    size_t policies, rollouts;
};

static void free_bucket(void *value)
{
    struct bucket *bucket = value;
    free(bucket->policies);
    free(bucket->rollouts);
    free(bucket);
}

static void free_nothing(void *value)
{
    (void)value;
}

struct sl_snapshot *sl_snapshot_open(void)
{
    struct sl_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL) {
        abort();
    }
    atomic_init(&snapshot->references, 1);
    snapshot->buckets = sl_map_open(free_bucket);
    snapshot->names = sl_map_open(free_nothing);
    return snapshot;
}

void sl_snapshot_close(struct sl_snapshot *snapshot)
{
    if (snapshot == NULL || atomic_fetch_sub(&snapshot->references, 1) != 1) {
        return;
    }
    if (snapshot->included != NULL) {
        sl_snapshot_close(snapshot->included);
    }
    sl_map_close(snapshot->buckets);
    sl_map_close(snapshot->names);
    sl_arena_cleanup(&snapshot->arena);
    free(snapshot);
}

struct sl_arena *sl_snapshot_arena(struct sl_snapshot *snapshot)
{
    return &snapshot->arena;
}

static const struct bucket *find(const struct sl_snapshot *snapshot, struct sl_str ns)
{
    return sl_map_get(snapshot->buckets, ns);
}

static struct bucket *find_or_make(struct sl_snapshot *snapshot, struct sl_str ns)
{
    struct bucket *bucket = sl_map_get(snapshot->buckets, ns);
    if (bucket == NULL) {
        bucket = calloc(1, sizeof *bucket);
        if (bucket == NULL) {
            abort();
        }
        bucket->ns = sl_arena_str(&snapshot->arena, ns);
        bucket->next = snapshot->first;
        snapshot->first = bucket;
        sl_map_add(snapshot->buckets, ns, bucket);
    }
    return bucket;
}

/* Room for one more: the array doubles whenever its count is a power of two. */
static void *grow(void *items, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0) {
        return items;
    }
    void *bigger = reallocarray(items, count == 0 ? 1 : 2 * count, size);
    if (bigger == NULL) {
        abort();
    }
    return bigger;
}

static const char *name_key(struct sl_snapshot *snapshot, const char *kind, struct sl_str ns,
                            struct sl_str name)
{
    return sl_arena_printf(&snapshot->arena, "%s %.*s/%.*s", kind, SL_STR_FMT(ns),
                           SL_STR_FMT(name));
}

/* Whether an object may be added: it has no problem, and is not there yet. */
static bool admit(struct sl_snapshot *snapshot, const char *kind, struct sl_str ns,
                  struct sl_str name, size_t problems_before, struct sl_problems *problems)
{
    if (problems->count > problems_before) {
        return false;
    }
    const char *key = name_key(snapshot, kind, ns, name);
    if (sl_map_get(snapshot->names, sl_str_from(key)) != NULL) {
        sl_problem_add(problems, NULL, "%s is defined twice; remove one", key);
        return false;
    }
    sl_map_add(snapshot->names, sl_str_from(key), snapshot);
    return true;
}

static void put_policy(struct sl_snapshot *snapshot, const struct sl_traffic_policy *policy)
{
    struct bucket *bucket = find_or_make(snapshot, policy->ns);
    bucket->policies = grow(bucket->policies, bucket->policy_count, sizeof *policy);
    bucket->policies[bucket->policy_count++] = *policy;
    snapshot->policies++;
}

static void put_rollout(struct sl_snapshot *snapshot, const struct sl_rollout *rollout)
{
    struct bucket *bucket = find_or_make(snapshot, rollout->ns);
    bucket->rollouts = grow(bucket->rollouts, bucket->rollout_count, sizeof *rollout);
    bucket->rollouts[bucket->rollout_count++] = *rollout;
    snapshot->rollouts++;
}

static void add_policy(struct sl_snapshot *snapshot, struct json_object *document,
                       const struct sl_workload_kinds *kinds, struct sl_problems *problems)
{
    (void)kinds;
    struct sl_traffic_policy policy = {0};
    size_t before = problems->count;
    sl_traffic_policy_decode(document, &policy, problems);
    if (admit(snapshot, "TrafficPolicy", policy.ns, policy.name, before, problems)) {
        put_policy(snapshot, &policy);
    }
}

static void add_rollout(struct sl_snapshot *snapshot, struct json_object *document,
                        const struct sl_workload_kinds *kinds, struct sl_problems *problems)
{
    struct sl_rollout rollout = {0};
    size_t before = problems->count;
    sl_rollout_decode(document, kinds, &rollout, problems);
    if (admit(snapshot, "Rollout", rollout.ns, rollout.name, before, problems)) {
        put_rollout(snapshot, &rollout);
    }
}

static struct json_object *member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

static bool is_text(struct json_object *value, const char *text)
{
    return json_object_is_type(value, json_type_string) &&
           strcmp(json_object_get_string(value), text) == 0;
}

static void add_namespace(struct sl_snapshot *snapshot, struct json_object *document,
                          const struct sl_workload_kinds *kinds, struct sl_problems *problems)
{
    (void)kinds;
    struct json_object *metadata = member(document, "metadata");
    struct json_object *name = member(metadata, "name");
    if (!json_object_is_type(name, json_type_string)) {
        struct sl_field at = SL_FIELD(NULL, "metadata");
        struct sl_field key = SL_FIELD(&at, "name");
        sl_problem_add(problems, &key, "is required");
        return;
    }
    sl_snapshot_add_namespace(snapshot, sl_str_from(json_object_get_string(name)),
                              is_text(member(member(metadata, "labels"), SL_LABEL_MANAGED), "true"),
                              member(metadata, "deletionTimestamp") != NULL);
}

void sl_snapshot_add_namespace(struct sl_snapshot *snapshot, struct sl_str name, bool managed,
                               bool terminating)
{
    find_or_make(snapshot, name)->info =
        (struct sl_namespace){.known = true, .managed = managed, .terminating = terminating};
}

static void add_list(struct sl_snapshot *snapshot, struct json_object *document,
                     const struct sl_workload_kinds *kinds, struct sl_problems *problems)
{
    struct json_object *items = member(document, "items");
    size_t count =
        json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(items, i);
        if (is_text(member(item, "kind"), "List")) {
            sl_problem_add(problems, NULL, "a List must not hold another List");
            return;
        }
        sl_snapshot_add(snapshot, item, kinds, problems);
    }
}

static const struct {
    const char *api_version, *kind;
    void (*add)(struct sl_snapshot *snapshot, struct json_object *document,
                const struct sl_workload_kinds *kinds, struct sl_problems *problems);
} kind_rows[] = {
    {SL_API_VERSION, "TrafficPolicy", add_policy},
    {SL_API_VERSION, "Rollout", add_rollout},
    {"v1", "Namespace", add_namespace},
    {"v1", "List", add_list},
};

void sl_snapshot_add(struct sl_snapshot *snapshot, struct json_object *document,
                     const struct sl_workload_kinds *kinds, struct sl_problems *problems)
{
    struct json_object *api_version = member(document, "apiVersion");
    struct json_object *kind = member(document, "kind");
    for (size_t i = 0; i < sizeof kind_rows / sizeof kind_rows[0]; i++) {
        if (is_text(api_version, kind_rows[i].api_version) && is_text(kind, kind_rows[i].kind)) {
            kind_rows[i].add(snapshot, document, kinds, problems);
            return;
        }
    }
    struct sl_field at = SL_FIELD(NULL, "kind");
    sl_problem_add(problems, &at,
                   "must be TrafficPolicy or Rollout of " SL_API_VERSION
                   ", or Namespace or List of v1");
}

static void include_name(struct sl_snapshot *snapshot, const char *kind, struct sl_str ns,
                         struct sl_str name)
{
    sl_map_add(snapshot->names, sl_str_from(name_key(snapshot, kind, ns, name)), snapshot);
}

void sl_snapshot_include(struct sl_snapshot *snapshot, struct sl_snapshot *sealed)
{
    atomic_fetch_add(&sealed->references, 1);
    snapshot->included = sealed;
    for (const struct bucket *bucket = sealed->first; bucket != NULL; bucket = bucket->next) {
        find_or_make(snapshot, bucket->ns)->info = bucket->info;
        for (size_t i = 0; i < bucket->policy_count; i++) {
            put_policy(snapshot, &bucket->policies[i]);
            include_name(snapshot, "TrafficPolicy", bucket->ns, bucket->policies[i].name);
        }
        for (size_t i = 0; i < bucket->rollout_count; i++) {
            put_rollout(snapshot, &bucket->rollouts[i]);
            include_name(snapshot, "Rollout", bucket->ns, bucket->rollouts[i].name);
        }
    }
}

static int compare_policies(const void *a, const void *b)
{
    return sl_str_cmp(((const struct sl_traffic_policy *)a)->name,
                      ((const struct sl_traffic_policy *)b)->name);
}

static int compare_rollouts(const void *a, const void *b)
{
    return sl_str_cmp(((const struct sl_rollout *)a)->name, ((const struct sl_rollout *)b)->name);
}

static void sort_bucket(void *value)
{
    struct bucket *bucket = value;
    if (bucket->policy_count > 0) {
        qsort(bucket->policies, bucket->policy_count, sizeof *bucket->policies, compare_policies);
    }
    if (bucket->rollout_count > 0) {
        qsort(bucket->rollouts, bucket->rollout_count, sizeof *bucket->rollouts, compare_rollouts);
    }
}

void sl_snapshot_seal(struct sl_snapshot *snapshot)
{
    sl_map_each(snapshot->buckets, sort_bucket);
    sl_map_close(sl_steal(&snapshot->names)); /* nothing is added any more */
}

size_t sl_snapshot_policy_count(const struct sl_snapshot *snapshot)
{
    return snapshot->policies;
}

size_t sl_snapshot_rollout_count(const struct sl_snapshot *snapshot)
{
    return snapshot->rollouts;
}

struct sl_namespace sl_snapshot_namespace(const struct sl_snapshot *snapshot, struct sl_str ns)
{
    const struct bucket *bucket = find(snapshot, ns);
    return bucket == NULL ? (struct sl_namespace){0} : bucket->info;
}

const struct sl_traffic_policy *sl_snapshot_match(const struct sl_snapshot *snapshot,
                                                  struct sl_str ns, struct sl_labels labels,
                                                  const struct sl_traffic_policy **ret_second)
{
    const struct bucket *bucket = find(snapshot, ns);
    const struct sl_traffic_policy *first = NULL;
    *ret_second = NULL;
    for (size_t i = 0; bucket != NULL && i < bucket->policy_count; i++) {
        if (!sl_selector_matches(&bucket->policies[i].selector, labels)) {
            continue;
        }
        if (first != NULL) {
            *ret_second = &bucket->policies[i];
            break;
        }
        first = &bucket->policies[i];
    }
    return first;
}

const struct sl_traffic_policy *sl_snapshot_policy(const struct sl_snapshot *snapshot,
                                                   struct sl_str ns, struct sl_str name)
{
    const struct bucket *bucket = find(snapshot, ns);
    for (size_t i = 0; bucket != NULL && i < bucket->policy_count; i++) {
        if (sl_str_eq(bucket->policies[i].name, name)) {
            return &bucket->policies[i];
        }
    }
    return NULL;
}

const struct sl_rollout *sl_snapshot_rollout(const struct sl_snapshot *snapshot, struct sl_str ns,
                                             struct sl_str group, struct sl_str kind,
                                             struct sl_str name)
{
    const struct bucket *bucket = find(snapshot, ns);
    for (size_t i = 0; bucket != NULL && i < bucket->rollout_count; i++) {
        const struct sl_workload_ref *ref = &bucket->rollouts[i].workload;
        if (sl_str_eq(ref->group, group) && sl_str_eq(ref->kind, kind) &&
            sl_str_eq(ref->name, name)) {
            return &bucket->rollouts[i];
        }
    }
    return NULL;
}
