/* Slices to the typed view of a pod (pod.h). Between review.c, which found the slices, and the
 * mutators pod_create.c and pod_update.c. */
#include "core/admission/pod.h"

#include <stdlib.h>

#include "core/names.h"
#include "core/workload.h"

#define DEFAULT_GRACE_PERIOD 30 /* seconds; core/v1 PodSpec */

struct raw_container {
    struct sl_jval name, image, lifecycle, pre_stop, sleep;
};

static const struct sl_jrow sleep_rows[] = {
    {.key = "seconds", .at = offsetof(struct raw_container, sleep)},
    {0},
};
static const struct sl_jrow pre_stop_rows[] = {
    {.key = "sleep", .at = SL_JROW_NO_VALUE, .rows = sleep_rows, .base = 0},
    {0},
};
static const struct sl_jrow lifecycle_rows[] = {
    {.key = "preStop",
     .at = offsetof(struct raw_container, pre_stop),
     .rows = pre_stop_rows,
     .base = 0},
    {0},
};
static const struct sl_jrow container_rows[] = {
    {.key = "name", .at = offsetof(struct raw_container, name)},
    {.key = "image", .at = offsetof(struct raw_container, image)},
    {.key = "lifecycle",
     .at = offsetof(struct raw_container, lifecycle),
     .rows = lifecycle_rows,
     .base = 0},
    {0},
};

struct raw_owner {
    struct sl_jval api_version, kind, name, uid, controller;
};
static const struct sl_jrow owner_rows[] = {
    {.key = "apiVersion", .at = offsetof(struct raw_owner, api_version)},
    {.key = "kind", .at = offsetof(struct raw_owner, kind)},
    {.key = "name", .at = offsetof(struct raw_owner, name)},
    {.key = "uid", .at = offsetof(struct raw_owner, uid)},
    {.key = "controller", .at = offsetof(struct raw_owner, controller)},
    {0},
};

struct raw_condition {
    struct sl_jval type, status, reason;
};
static const struct sl_jrow condition_rows[] = {
    {.key = "type", .at = offsetof(struct raw_condition, type)},
    {.key = "status", .at = offsetof(struct raw_condition, status)},
    {.key = "reason", .at = offsetof(struct raw_condition, reason)},
    {0},
};

/* An optional list or map: absent and null are both fine, any other type is not understood. */
static bool optional(struct sl_jval value, enum sl_jtype type, bool *ret_there)
{
    *ret_there = value.type == type;
    return *ret_there || value.type == SL_J_ABSENT || value.type == SL_J_NULL;
}

static int compare_labels(const void *a, const void *b)
{
    return sl_str_cmp(((const struct sl_label *)a)->key, ((const struct sl_label *)b)->key);
}

static const char *read_labels(struct sl_jval map, struct sl_arena *arena, struct sl_pod *pod)
{
    if (!optional(map, SL_J_OBJECT, &pod->has_labels)) {
        return "metadata.labels is not a map";
    }
    size_t count = sl_jval_count(map);
    struct sl_label *labels = sl_arena_zalloc(arena, count, sizeof *labels);
    struct sl_jiter it = sl_jiter(map);
    struct sl_jval key;
    struct sl_jval value;
    for (size_t i = 0; i < count && sl_jiter_next(&it, &key, &value); i++) {
        if (value.type != SL_J_STRING) {
            return "metadata.labels has a value that is not a string";
        }
        labels[i] = (struct sl_label){sl_jval_str(key, arena), sl_jval_str(value, arena)};
    }
    qsort(labels, count, sizeof *labels, compare_labels);
    for (size_t i = 1; i < count; i++) {
        if (sl_str_eq(labels[i - 1].key, labels[i].key)) {
            return "metadata.labels has a key twice";
        }
    }
    pod->labels = (struct sl_labels){.items = labels, .count = count};
    return NULL;
}

static const char *read_finalizers(struct sl_jval list, struct sl_arena *arena, struct sl_pod *pod)
{
    if (!optional(list, SL_J_ARRAY, &pod->has_finalizers)) {
        return "metadata.finalizers is not a list";
    }
    pod->finalizer_count = sl_jval_count(list);
    pod->finalizers = sl_arena_zalloc(arena, pod->finalizer_count, sizeof *pod->finalizers);
    struct sl_jiter it = sl_jiter(list);
    struct sl_jval value;
    for (size_t i = 0; i < pod->finalizer_count && sl_jiter_next(&it, NULL, &value); i++) {
        pod->finalizers[i] = sl_jval_str(value, arena);
    }
    return NULL;
}

static const char *read_gates(struct sl_jval list, struct sl_pod *pod)
{
    if (!optional(list, SL_J_ARRAY, &pod->has_gates)) {
        return "spec.readinessGates is not a list";
    }
    struct sl_jiter it = sl_jiter(list);
    struct sl_jval gate;
    while (sl_jiter_next(&it, NULL, &gate)) {
        if (sl_jval_is(sl_jval_get(gate, SL_STR("conditionType")), SL_STR(SL_GATE))) {
            pod->has_our_gate = true;
        }
    }
    return NULL;
}

static const char *read_containers(struct sl_jval list, struct sl_arena *arena,
                                   struct sl_containers *ret_containers)
{
    bool there = false;
    if (!optional(list, SL_J_ARRAY, &there)) {
        return "a list of containers is not a list";
    }
    size_t count = sl_jval_count(list);
    struct sl_container *containers = sl_arena_zalloc(arena, count, sizeof *containers);
    struct sl_jiter it = sl_jiter(list);
    struct sl_jval element;
    for (size_t i = 0; i < count && sl_jiter_next(&it, NULL, &element); i++) {
        struct raw_container raw = {0};
        if (element.type != SL_J_OBJECT || sl_jval_scan(element, container_rows, &raw, NULL) < 0) {
            return "a container is not an object";
        }
        struct sl_container *container = &containers[i];
        container->name = sl_jval_str(raw.name, arena);
        container->image = sl_jval_str(raw.image, arena);
        if (!optional(raw.lifecycle, SL_J_OBJECT, &container->has_lifecycle) ||
            !optional(raw.pre_stop, SL_J_OBJECT, &container->has_pre_stop)) {
            return "a container's lifecycle is not an object";
        }
        (void)sl_jval_int(raw.sleep, &container->sleep);
    }
    *ret_containers = (struct sl_containers){.items = containers, .count = count};
    return NULL;
}

static const char *read_grace_period(struct sl_jval value, struct sl_pod *pod)
{
    pod->has_grace_period = sl_jval_int(value, &pod->grace_period);
    if (!pod->has_grace_period) {
        pod->grace_period = DEFAULT_GRACE_PERIOD;
        return value.type == SL_J_ABSENT || value.type == SL_J_NULL
                   ? NULL
                   : "spec.terminationGracePeriodSeconds is not a whole number";
    }
    return NULL;
}

struct sl_owner sl_controller_of(const struct sl_object *object, struct sl_arena *arena)
{
    struct sl_jiter it = sl_jiter(object->owner_references);
    struct sl_jval element;
    while (sl_jiter_next(&it, NULL, &element)) {
        struct raw_owner raw = {0};
        if (sl_jval_scan(element, owner_rows, &raw, NULL) < 0 || !sl_jval_true(raw.controller)) {
            continue;
        }
        return (struct sl_owner){
            .group = sl_api_group(sl_jval_str(raw.api_version, arena)),
            .kind = sl_jval_str(raw.kind, arena),
            .name = sl_jval_str(raw.name, arena),
            .uid = sl_jval_str(raw.uid, arena),
        };
    }
    return (struct sl_owner){0};
}

static void read_conditions(struct sl_jval list, struct sl_arena *arena, struct sl_pod *pod)
{
    struct sl_jiter it = sl_jiter(list);
    struct sl_jval element;
    while (sl_jiter_next(&it, NULL, &element)) {
        struct raw_condition raw = {0};
        if (sl_jval_scan(element, condition_rows, &raw, NULL) == 0 &&
            sl_jval_is(raw.type, SL_STR(SL_GATE)) && sl_jval_is(raw.status, SL_STR("True"))) {
            pod->traffic_reason = sl_jval_str(raw.reason, arena);
        }
    }
}

bool sl_pod_view(const struct sl_object *object, struct sl_arena *arena, struct sl_pod *ret_pod,
                 const char **ret_why)
{
    struct sl_pod pod = {.annotations = object->annotations,
                         .host_network = sl_jval_true(object->host_network)};
    const char *why = NULL;
    if (object->metadata.type != SL_J_OBJECT || object->spec.type != SL_J_OBJECT) {
        why = "metadata or spec is not an object";
    }
    if (why == NULL) {
        why = read_labels(object->labels, arena, &pod);
    }
    if (why == NULL) {
        why = read_finalizers(object->finalizers, arena, &pod);
    }
    if (why == NULL) {
        why = read_gates(object->readiness_gates, &pod);
    }
    if (why == NULL) {
        why = read_containers(object->containers, arena, &pod.containers);
    }
    if (why == NULL) {
        why = read_containers(object->init_containers, arena, &pod.init_containers);
    }
    if (why == NULL) {
        why = read_grace_period(object->grace_period, &pod);
    }
    if (why != NULL) {
        *ret_why = why;
        return false;
    }
    pod.owner = sl_controller_of(object, arena);
    read_conditions(object->conditions, arena, &pod);
    *ret_pod = pod;
    return true;
}

struct sl_str sl_annotation(struct sl_jval annotations, struct sl_str key, struct sl_arena *arena)
{
    return sl_jval_str(sl_jval_get(annotations, key), arena);
}

bool sl_pod_is_of_job(const struct sl_pod *pod)
{
    return sl_str_is(pod->owner.kind, "Job") && sl_str_is(pod->owner.group, "batch");
}

struct sl_owner sl_pod_workload(const struct sl_pod *pod)
{
    struct sl_owner owner = pod->owner;
    if (!sl_str_is(owner.kind, "ReplicaSet") || !sl_str_is(owner.group, "apps")) {
        return owner;
    }
    struct sl_str hash = sl_labels_get(pod->labels, SL_STR("pod-template-hash"));
    if (hash.n > 0 && owner.name.n > hash.n + 1 && sl_str_ends(owner.name, hash) &&
        owner.name.p[owner.name.n - hash.n - 1] == '-') {
        owner.kind = SL_STR("Deployment");
        owner.uid = (struct sl_str){0};
        owner.name.n -= hash.n + 1;
    }
    return owner;
}
