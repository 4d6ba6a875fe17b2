/* The pods of the world (world.h) as JSON, and the API server that patches them. */
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/timestamp.h"
#include "core/names.h"

#define START (INT64_C(1795262400) * SL_NS_PER_S) /* 2026-11-21T12:00:00Z */

static uint64_t t_random(struct t_world *world) /* splitmix64 */
{
    uint64_t z = world->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int t_below(struct t_world *world, int bound)
{
    return (int)(t_random(world) % (uint64_t)bound);
}

bool t_chance(struct t_world *world, int thousand)
{
    return t_below(world, 1000) < thousand;
}

void t_say(struct t_world *world, const char *format, ...)
{
    if (world->verbose) {
        va_list args;
        va_start(args, format);
        (void)fprintf(stderr, "%8.3f  ", (double)(world->now - START) / (double)SL_NS_PER_S);
        (void)vfprintf(stderr, format, args);
        (void)fputc('\n', stderr);
        va_end(args);
    }
}

void t_fail(struct t_world *world, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    t_say(world, "BROKEN: %s", text);
    if (world->failures++ == 0) {
        world->broken = sl_arena_cstr(&world->arena, sl_str_from(text));
    }
}

/* --- JSON --- */

static struct json_object *member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

static struct json_object *made(struct json_object *object, const char *key)
{
    struct json_object *value = member(object, key);
    if (value == NULL) {
        value = json_object_new_object();
        json_object_object_add(object, key, value);
    }
    return value;
}

static void set_text(struct json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, json_object_new_string(text));
}

static void set_time(struct json_object *object, const char *key, int64_t time)
{
    char text[SL_TIMESTAMP_SIZE];
    sl_timestamp_write(time, text);
    set_text(object, key, text);
}

static size_t index_of(struct json_object *list, const char *text)
{
    size_t i = 0;
    while (i < json_object_array_length(list) &&
           strcmp(json_object_get_string(json_object_array_get_idx(list, i)), text) != 0) {
        i++;
    }
    return i;
}

/* Until the world ends. */
static void keep(struct t_world *world, struct sl_record *record)
{
    if (world->record_count % 256 == 0) {
        size_t bytes = (world->record_count + 256) * sizeof(struct sl_record *);
        struct sl_record **records = realloc(world->records, bytes);
        if (records == NULL) {
            abort();
        }
        world->records = records;
    }
    world->records[world->record_count++] = record;
}

void t_touch(struct t_world *world, struct t_pod *pod)
{
    char version[32];
    struct sl_record *record = NULL;
    (void)snprintf(version, sizeof version, "%" PRIu64, ++world->version);
    set_text(member(pod->object, "metadata"), "resourceVersion", version);
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
    struct sl_err err = SL_ERR_INIT;
    sl_json_write(pod->object, &text);
    if (sl_pod_record_decode(sl_buf_str(&text), &record, &err) < 0) {
        t_fail(world, "no pod: %s", err.msg);
        return;
    }
    keep(world, record);
    pod->record = sl_pod_of(record);
}

static struct json_object *condition_of(const struct t_pod *pod, const char *type)
{
    struct json_object *list = member(member(pod->object, "status"), "conditions");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *condition = json_object_array_get_idx(list, i);
        if (strcmp(json_object_get_string(member(condition, "type")), type) == 0) {
            return condition;
        }
    }
    return NULL;
}

bool t_condition_is(const struct t_pod *pod, const char *type)
{
    struct json_object *condition = condition_of(pod, type);
    return condition != NULL &&
           strcmp(json_object_get_string(member(condition, "status")), "True") == 0;
}

void t_condition(struct t_world *world, struct t_pod *pod, const char *type, bool holds)
{
    struct json_object *condition = condition_of(pod, type);
    if (condition != NULL && t_condition_is(pod, type) == holds) {
        return;
    }
    if (condition == NULL) {
        condition = json_object_new_object();
        set_text(condition, "type", type);
        json_object_array_add(member(member(pod->object, "status"), "conditions"), condition);
    }
    set_text(condition, "status", holds ? "True" : "False");
    set_time(condition, "lastTransitionTime", world->now);
    t_touch(world, pod);
}

void t_annotate(struct t_world *world, struct t_pod *pod, const char *key, const char *text)
{
    struct json_object *annotations = member(member(pod->object, "metadata"), "annotations");
    if (text == NULL) {
        json_object_object_del(annotations, key);
    } else {
        set_text(annotations, key, text);
    }
    t_touch(world, pod);
}

static const char *const finalizer_names[T_BALANCERS] = {
    SL_FINALIZER_PREFIX "lb0", SL_FINALIZER_PREFIX "lb1", SL_FINALIZER_PREFIX "lb2"};

static struct json_object *finalizers_of(const struct t_pod *pod)
{
    return member(member(pod->object, "metadata"), "finalizers");
}

bool t_finalizer(const struct t_pod *pod, size_t balancer)
{
    struct json_object *list = finalizers_of(pod);
    return index_of(list, finalizer_names[balancer]) < json_object_array_length(list);
}

void t_finalizer_set(struct t_world *world, struct t_pod *pod, size_t balancer, bool on)
{
    struct json_object *list = finalizers_of(pod);
    if (on == t_finalizer(pod, balancer)) {
        return;
    }
    if (on) {
        json_object_array_add(list, json_object_new_string(finalizer_names[balancer]));
    } else {
        json_object_array_del_idx(list, index_of(list, finalizer_names[balancer]), 1);
    }
    t_touch(world, pod);
}

void t_container(struct t_world *world, struct t_pod *pod, bool running)
{
    struct json_object *status = json_object_new_object();
    struct json_object *list = json_object_new_array();
    struct json_object *state = made(made(status, "state"), running ? "running" : "terminated");
    char id[32];
    (void)snprintf(id, sizeof id, "containerd://%u", world->serial++);
    set_text(status, "name", "app");
    set_text(status, "containerID", id);
    set_time(state, running ? "startedAt" : "finishedAt", world->now);
    json_object_array_add(list, status);
    json_object_object_add(member(pod->object, "status"), "containerStatuses", list);
    pod->running = running;
    t_touch(world, pod);
}

const char *t_drain_text(struct t_world *world, const char *op, const char *id, int64_t since,
                         int64_t deadline)
{
    char times[2][SL_TIMESTAMP_SIZE];
    sl_timestamp_write_micro(since, times[0]);
    sl_timestamp_write_micro(deadline, times[1]);
    return sl_arena_printf(&world->arena, "{\"op\":\"%s\",\"id\":\"%s\"%s%s%s%s%s%s}", op, id,
                           since == 0 ? "" : ",\"since\":\"", since == 0 ? "" : times[0],
                           since == 0 ? "" : "\"", deadline == 0 ? "" : ",\"deadline\":\"",
                           deadline == 0 ? "" : times[1], deadline == 0 ? "" : "\"");
}

/* --- pods --- */

/* As the webhook lets it in; sometimes the webhook is down. */
void t_pod_new(struct t_world *world, size_t index)
{
    struct t_pod *pod = &world->pods[index];
    bool admitted = world->matches && !t_chance(world, 100);
    char name[32];
    (void)snprintf(name, sizeof name, "web-%u", world->serial++);
    *pod = (struct t_pod){.used = true,
                          .object = json_object_new_object(),
                          .kubelet_at = world->now + t_below(world, 3000) * SL_NS_PER_MS,
                          .stop_at = T_NEVER};
    struct json_object *metadata = made(pod->object, "metadata");
    set_text(metadata, "name", name);
    set_text(metadata, "namespace", "shop");
    set_text(metadata, "uid", name);
    set_time(metadata, "creationTimestamp", world->now);
    set_text(made(metadata, "labels"), "app", "web");
    (void)made(metadata, "annotations");
    json_object_object_add(metadata, "finalizers", json_object_new_array());
    struct json_object *gates = json_object_new_array();
    if (admitted && world->policy.readiness_gate) {
        struct json_object *gate = json_object_new_object();
        set_text(gate, "conditionType", SL_GATE);
        json_object_array_add(gates, gate);
    }
    json_object_object_add(made(pod->object, "spec"), "readinessGates", gates);
    struct json_object *container = json_object_new_object();
    struct json_object *containers = json_object_new_array();
    set_text(container, "name", "app");
    json_object_array_add(containers, container);
    json_object_object_add(member(pod->object, "spec"), "containers", containers);
    set_text(made(pod->object, "status"), "phase", "Running");
    set_text(member(pod->object, "status"), "podIP", "10.0.0.1");
    json_object_object_add(member(pod->object, "status"), "conditions", json_object_new_array());
    if (admitted) {
        set_text(member(metadata, "labels"), SL_LABEL_POLICY, "web");
    }
    for (size_t i = 0; admitted && i < world->policy.load_balancers.count && i < T_BALANCERS; i++) {
        if (world->balancers[i].kind != T_EXTERNAL) {
            json_object_array_add(finalizers_of(pod), json_object_new_string(finalizer_names[i]));
        }
    }
    t_say(world, "pod %s created%s", name, admitted ? "" : ", unseen by the webhook");
    t_touch(world, pod);
}

void t_pod_gone(struct t_world *world, size_t index)
{
    struct t_pod *pod = &world->pods[index];
    t_say(world, "pod %s is gone", pod->record->record.name);
    t_check_gone(world, index);
    json_object_put(pod->object);
    *pod = (struct t_pod){.kubelet_at = T_NEVER, .stop_at = T_NEVER};
    world->version++;
}

void t_pod_delete(struct t_world *world, size_t index)
{
    struct t_pod *pod = &world->pods[index];
    struct json_object *metadata = member(pod->object, "metadata");
    if (pod->record->record.deleted != 0) {
        return;
    }
    t_say(world, "pod %s is being deleted", pod->record->record.name);
    pod->drained_first = strcmp(pod->record->traffic, SL_REASON_DRAINED) == 0 ||
                         strcmp(pod->record->traffic, SL_REASON_UPGRADING) == 0;
    pod->in_peace = world->peace;
    set_time(metadata, "deletionTimestamp", world->now + 30 * SL_NS_PER_S);
    json_object_object_add(metadata, "deletionGracePeriodSeconds", json_object_new_int(30));
    pod->stop_at = world->now + world->policy.pre_stop_sleep * SL_NS_PER_S;
    t_touch(world, pod);
}

/* --- the API server --- */

static void merge_conditions(struct json_object *list, struct json_object *patch)
{
    for (size_t i = 0; i < json_object_array_length(patch); i++) {
        struct json_object *from = json_object_array_get_idx(patch, i);
        struct json_object *into = NULL;
        for (size_t j = 0; j < json_object_array_length(list); j++) {
            struct json_object *condition = json_object_array_get_idx(list, j);
            into =
                sl_json_equal(member(condition, "type"), member(from, "type")) ? condition : into;
        }
        if (into == NULL) {
            into = json_object_new_object();
            json_object_array_add(list, into);
        }
        json_object_object_foreach(from, key, value)
        {
            json_object_object_add(into, key, json_object_get(value));
        }
    }
}

static void merge_finalizers(struct json_object *list, struct json_object *patch, bool on)
{
    for (size_t i = 0; i < json_object_array_length(patch); i++) {
        struct json_object *text = json_object_array_get_idx(patch, i);
        size_t at = index_of(list, json_object_get_string(text));
        bool there = at < json_object_array_length(list);
        if (on && !there) {
            json_object_array_add(list, json_object_get(text));
        } else if (!on && there) {
            json_object_array_del_idx(list, at, 1);
        }
    }
}

static void merge(struct t_world *world, struct json_object *into, struct json_object *patch)
{
    json_object_object_foreach(patch, key, value)
    {
        if (strcmp(key, "$deleteFromPrimitiveList/finalizers") == 0) {
            merge_finalizers(member(into, "finalizers"), value, false);
        } else if (strcmp(key, "finalizers") == 0) {
            merge_finalizers(member(into, key), value, true);
        } else if (strcmp(key, "conditions") == 0) {
            merge_conditions(member(into, key), value);
        } else if (value == NULL) {
            json_object_object_del(into, key);
        } else if (json_object_is_type(value, json_type_object)) {
            merge(world, made(into, key), value);
        } else {
            json_object_object_add(into, key, json_object_get(value));
        }
    }
}

bool t_patch(struct t_world *world, size_t index, struct sl_str body, bool status)
{
    struct t_pod *pod = &world->pods[index];
    SL_AUTO(sl_json) struct json_object *patch = NULL;
    SL_AUTO(sl_json) struct json_object *before = NULL;
    if (sl_json_parse(body, &patch, NULL) < 0) {
        t_fail(world, "no JSON: %.*s", SL_STR_FMT(body));
        return false;
    }
    struct json_object *metadata = member(patch, "metadata");
    struct json_object *is = member(pod->object, "metadata");
    if (member(metadata, "uid") == NULL || member(metadata, "resourceVersion") == NULL) {
        t_fail(world, "a write without preconditions: %.*s", SL_STR_FMT(body));
        return false;
    }
    if (!sl_json_equal(member(metadata, "uid"), member(is, "uid")) ||
        !sl_json_equal(member(metadata, "resourceVersion"), member(is, "resourceVersion"))) {
        return false;
    }
    if (status ? json_object_object_length(metadata) > 2 : member(patch, "status") != NULL) {
        t_fail(world, "two writes in one: %.*s", SL_STR_FMT(body));
    }
    if (member(metadata, "finalizers") != NULL && member(is, "deletionTimestamp") != NULL) {
        t_fail(world, "the API server refuses a finalizer of a pod that is being deleted");
    }
    (void)json_object_deep_copy(pod->object, &before, NULL);
    merge(world, pod->object, patch);
    if (sl_json_equal(before, pod->object)) {
        t_fail(world, "a write that changes nothing: %.*s", SL_STR_FMT(body));
    }
    t_touch(world, pod);
    return true;
}

/* --- a world --- */

static void random_policy(struct t_world *world)
{
    static const char *const names[T_BALANCERS] = {"lb0", "lb1", "lb2"};
    for (size_t i = 0; i < T_BALANCERS; i++) {
        enum t_kind kind = (enum t_kind)t_below(world, T_KINDS);
        world->balancers[i] = (struct t_balancer){.kind = kind, .up = true};
        world->rows[i] = (struct sl_load_balancer){.name = sl_str_from(names[i]),
                                                   .has_haproxy = kind == T_TELLS,
                                                   .has_webhook = kind == T_SILENT,
                                                   .has_external = kind == T_EXTERNAL};
    }
    world->policy = (struct sl_traffic_policy){
        .ns = SL_STR("shop"),
        .name = SL_STR("web"),
        .readiness_gate = t_chance(world, 900),
        .pre_stop_sleep = 10,
        .drain = {.wait = t_below(world, 6),
                  .propagation = t_below(world, 4),
                  .timeout = 10 + t_below(world, 40),
                  .on_timeout = t_chance(world, 250) ? SL_HOLD : SL_PROCEED},
        .load_balancers = {.items = world->rows, .count = (size_t)t_below(world, T_BALANCERS + 1)},
    };
}

void t_world_open(struct t_world *world, uint64_t seed)
{
    *world = (struct t_world){.random = seed, .seed = seed, .now = START};
    world->calm = t_chance(world, 400);
    world->matches = world->run_stands = true;
    random_policy(world);
    world->budget = (struct sl_budget_record){
        .record = {.ns = "shop", .name = "web", .uid = "pdb", .resource_version = "1"},
        .selects = t_chance(world, 700),
        .desired_healthy = 1 + t_below(world, T_PODS),
    };
    for (size_t i = 0; i < T_PODS; i++) {
        t_pod_new(world, i);
    }
    t_reconciler_new(world);
}

void t_world_close(struct t_world *world)
{
    for (size_t i = 0; i < T_PODS; i++) {
        json_object_put(world->pods[i].object);
    }
    for (size_t i = 0; i < world->record_count; i++) {
        sl_record_free(world->records[i]);
    }
    free(world->records);
    sl_arena_cleanup(&world->arena);
    sl_arena_cleanup(&world->scratch);
}
