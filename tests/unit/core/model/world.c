/* The objects of the model (model.h): made, changed and found. What every other file of it uses. */
#include "model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "codec/jscan.h"

#define START (INT64_C(1795262400) * SL_NS_PER_S) /* 2026-11-21T12:00:00Z */

const char *const m_field_names[M_FIELDS] = {
    [M_UPDATE_STRATEGY] = "updateStrategy",
    [M_STRATEGY] = "strategy",
    [M_PAUSED] = "paused",
    [M_MIN_READY] = "minReadySeconds",
    [M_DEADLINE] = "progressDeadlineSeconds",
};

uint64_t m_random(struct m_world *world) /* splitmix64 */
{
    uint64_t z = world->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int m_below(struct m_world *world, int bound)
{
    return (int)(m_random(world) % (uint64_t)bound);
}

bool m_chance(struct m_world *world, int thousand)
{
    return m_below(world, 1000) < thousand;
}

void m_say(struct m_world *world, const char *format, ...)
{
    if (world->verbose) {
        va_list args;
        va_start(args, format);
        (void)fprintf(stderr, "%8.1f  ", (double)(world->now - START) / (double)SL_NS_PER_S);
        (void)vfprintf(stderr, format, args);
        (void)fputc('\n', stderr);
        va_end(args);
    }
}

void m_fail(struct m_world *world, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    m_say(world, "BROKEN: %s", text);
    if (world->failures++ == 0) {
        world->broken = m_text(world, "%s", text);
    }
}

const char *m_text(struct m_world *world, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return sl_arena_cstr(&world->arena, sl_str_from(text));
}

int64_t m_second(const struct m_world *world)
{
    return world->now / SL_NS_PER_S * SL_NS_PER_S;
}

int m_template_new(struct m_world *world, int image, int env, bool good)
{
    int index = world->template_count++;
    const char *text =
        m_text(world,
               "{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[{\"env\":"
               "[{\"name\":\"E\",\"value\":\"%d\"}],\"image\":\"r/app:%d\",\"name\":\"app\"}]}}",
               env, image);
    world->templates[index] =
        (struct m_template){.text = text,
                            .id = m_text(world, "%04d%04d00000000", image, env),
                            .image = image,
                            .env = env,
                            .good = good};
    return index;
}

int m_template_of(const struct m_world *world, struct sl_str text)
{
    for (int i = 0; i < world->template_count; i++) {
        if (sl_jscan_equal(text, sl_str_from(world->templates[i].text))) {
            return i;
        }
    }
    return -1;
}

void m_meta_new(struct m_world *world, struct sl_record *record, const char *name,
                const char *owner_uid)
{
    *record = (struct sl_record){.ns = "shop",
                                 .name = name,
                                 .uid = m_text(world, "uid-%u", ++world->serial),
                                 .owner_uid = owner_uid,
                                 .created = m_second(world)};
    m_touch(world, record);
}

void m_touch(struct m_world *world, struct sl_record *record)
{
    record->resource_version = m_text(world, "%" PRIu64, ++world->version);
}

/* --- the workload --- */

static const char *const kind_names[M_KINDS] = {"web-sts", "web-ds", "web"};

void m_workload_new(struct m_world *world, int template, int32_t replicas)
{
    struct m_workload *workload = &world->is.workload;
    bool parallel = workload->parallel;
    int32_t history = workload->history;
    const char *originals[M_FIELDS];
    memcpy(originals, workload->originals, sizeof originals);
    *workload = (struct m_workload){
        .used = true, .template = template, .parallel = parallel, .history = history};
    memcpy(workload->originals, originals, sizeof originals);
    memcpy(workload->fields, originals, sizeof originals);
    m_meta_new(world, &workload->record.record, kind_names[world->kind], "");
    workload->record.record.generation = 1;
    workload->record.template = world->templates[template].text;
    workload->record.template_id = world->templates[template].id;
    workload->record.held = "";
    workload->record.current_revision = workload->record.update_revision = "";
    workload->record.replicas = world->kind == M_DAEMON_SET ? 0 : replicas;
    workload->record.managed_entry = -1;
}

struct policy_values {
    struct sl_jval type, rolling, partition, surge, unavailable;
};
static const struct sl_jrow rolling_rows[] = {
    {.key = "partition", .at = offsetof(struct policy_values, partition)},
    {.key = "maxSurge", .at = offsetof(struct policy_values, surge)},
    {.key = "maxUnavailable", .at = offsetof(struct policy_values, unavailable)},
    {0}};
static const struct sl_jrow policy_rows[] = {
    {.key = "type", .at = offsetof(struct policy_values, type)},
    {.key = "rollingUpdate", .at = offsetof(struct policy_values, rolling), .rows = rolling_rows},
    {0}};

static struct sl_intstr intstr_of(struct m_world *world, struct sl_jval value,
                                  struct sl_intstr fallback)
{
    struct sl_str text = value.type == SL_J_STRING ? sl_jval_str(value, &world->arena) : value.raw;
    struct sl_intstr result = fallback;
    if (value.type != SL_J_ABSENT && sl_intstr_parse(text, &result, NULL) < 0) {
        m_fail(world, "the API server refuses %.*s as a number of pods", SL_STR_FMT(value.raw));
    }
    return result;
}

static int64_t number_of(const char *text, int64_t fallback)
{
    return text[0] == '\0' ? fallback : strtoll(text, NULL, 10);
}

/* With the defaults of the API server (pkg/apis/apps/v1/defaults.go). */
struct m_policy m_policy_of(struct m_world *world, const char *const fields[static M_FIELDS])
{
    struct policy_values values = {0};
    bool deployment = world->kind == M_DEPLOYMENT;
    const char *text = fields[deployment ? M_STRATEGY : M_UPDATE_STRATEGY];
    struct sl_intstr quarter = {.value = 25, .percent = true};
    struct sl_intstr one = {.value = 1};
    if (text[0] != '\0' && sl_jscan(sl_str_from(text), policy_rows, &values, NULL, NULL) < 0) {
        m_fail(world, "the API server cannot read %s", text);
    }
    struct m_policy policy = {
        .type = sl_jval_is(values.type, SL_STR("OnDelete"))   ? M_ON_DELETE
                : sl_jval_is(values.type, SL_STR("Recreate")) ? M_TYPE_RECREATE
                                                              : M_ROLLING_UPDATE,
        .rolling_update = values.rolling.type == SL_J_OBJECT,
        .paused = strcmp(fields[M_PAUSED], "true") == 0,
        .max_surge =
            intstr_of(world, values.surge, deployment ? quarter : (struct sl_intstr){.value = 0}),
        .max_unavailable = intstr_of(world, values.unavailable, deployment ? quarter : one),
        .min_ready = number_of(fields[M_MIN_READY], 0),
        .deadline = number_of(fields[M_DEADLINE], 600),
    };
    (void)sl_jval_int(values.partition, &policy.partition);
    return policy;
}

/* --- pods --- */

struct m_pod *m_pod_new(struct m_world *world, const char *name, const char *owner_uid,
                        const char *revision, int template)
{
    for (size_t i = 0; i < M_PODS; i++) {
        if (world->is.pods[i].used && strcmp(world->is.pods[i].record.record.name, name) == 0) {
            return NULL; /* AlreadyExists: its predecessor is not quite gone */
        }
    }
    for (size_t i = 0; i < M_PODS; i++) {
        struct m_pod *pod = &world->is.pods[i];
        if (pod->used) {
            continue;
        }
        const char *dash = strrchr(name, '-');
        *pod = (struct m_pod){.used = true, .template = template, .running = -1};
        m_meta_new(world, &pod->record.record, name, owner_uid);
        pod->record.record.generation = pod->record.observed_generation = 1;
        pod->record.node = "";
        pod->record.revision = world->kind == M_DEPLOYMENT ? "" : revision;
        pod->record.template_hash = world->kind == M_DEPLOYMENT ? revision : "";
        pod->record.batch = pod->record.upgrade = pod->record.traffic = "";
        pod->record.labels = pod->record.address = pod->record.traffic_message = "";
        pod->record.drain = pod->record.balancers = "";
        m_traffic_admit(world, pod);
        pod->record.unready_since = m_second(world);
        pod->record.ordinal =
            world->kind == M_STATEFUL_SET ? (int32_t)strtol(dash + 1, NULL, 10) : -1;
        pod->record.container_count = 1;
        pod->container.name = "app";
        pod->container.image = m_text(world, "r/app:%d", world->templates[template].image);
        pod->container.container_id = pod->container.reason = "";
        pod->kubelet_at = world->now + m_below(world, 2000) * SL_NS_PER_MS;
        m_say(world, "pod %s created, template %d", name, template);
        return pod;
    }
    m_fail(world, "more than %d pods", M_PODS);
    return NULL;
}

void m_pod_delete(struct m_world *world, struct m_pod *pod)
{
    if (pod->record.record.deleted == 0) {
        pod->record.record.deleted = m_second(world);
        pod->record.delete_asked = m_second(world);
        pod->record.record.generation++;
        pod->kubelet_at = world->now + m_below(world, 3000) * SL_NS_PER_MS;
        m_touch(world, &pod->record.record);
        m_say(world, "pod %s is being deleted (%s)", pod->record.record.name,
              pod->record.ready_since != 0 ? "it was ready" : "it was not ready");
    }
}

bool m_alive(const struct m_pod *pod)
{
    return pod->used && !pod->record.finished && pod->record.record.deleted == 0;
}

bool m_available(const struct m_world *world, const struct m_pod *pod, int64_t min_ready)
{
    return m_alive(pod) && pod->record.ready_since != 0 &&
           pod->record.ready_since + min_ready * SL_NS_PER_S <= world->now;
}

/* --- revisions --- */

struct m_revision *m_revision_new(struct m_world *world, bool replica_set, int template)
{
    const struct m_workload *workload = &world->is.workload;
    for (size_t i = 0; i < M_REVISIONS; i++) {
        struct m_revision *revision = &world->is.revisions[i];
        if (revision->used) {
            continue;
        }
        const char *hash = m_text(world, "h%d", template);
        *revision = (struct m_revision){.used = true, .template = template, .record.desired = -1};
        m_meta_new(world, &revision->record.record,
                   m_text(world, "%s-%s", workload->record.record.name, hash),
                   workload->record.record.uid);
        revision->record.record.generation = 1;
        revision->record.replica_set = replica_set;
        revision->record.hash = hash;
        revision->record.template = world->templates[template].text;
        revision->record.template_id = world->templates[template].id;
        return revision;
    }
    m_fail(world, "more than %d revisions", M_REVISIONS);
    return NULL;
}

struct m_revision *m_revision_by_hash(struct m_objects *objects, const char *hash)
{
    for (size_t i = 0; i < M_REVISIONS; i++) {
        struct m_revision *revision = &objects->revisions[i];
        if (revision->used && strcmp(revision->record.hash, hash) == 0) {
            return revision;
        }
    }
    return NULL;
}

/* What DESIGN.md's planner calls a revision, found without the planner. */
const char *m_wanted_revision(const struct m_world *world, const struct m_objects *objects)
{
    const struct m_workload *workload = &objects->workload;
    const struct m_revision *newest = NULL;
    if (world->kind == M_STATEFUL_SET) {
        return workload->record.update_revision;
    }
    if (world->kind == M_DEPLOYMENT) {
        return workload->record.template_id;
    }
    for (size_t i = 0; i < M_REVISIONS; i++) {
        const struct m_revision *revision = &objects->revisions[i];
        if (revision->used && revision->template == workload->template &&
            (newest == NULL || revision->record.revision > newest->record.revision)) {
            newest = revision;
        }
    }
    return newest == NULL ? "" : newest->record.hash;
}

const char *m_pod_revision(const struct m_world *world, const struct m_objects *objects,
                           const struct m_pod *pod)
{
    if (world->kind != M_DEPLOYMENT) {
        return pod->record.revision;
    }
    for (size_t i = 0; i < M_REVISIONS; i++) {
        const struct m_revision *revision = &objects->revisions[i];
        if (revision->used &&
            strcmp(revision->record.record.uid, pod->record.record.owner_uid) == 0) {
            return revision->record.template_id;
        }
    }
    return "";
}

/* --- a world --- */

static const char *original_strategy(struct m_world *world)
{
    static const char *const choices[M_KINDS][4] = {
        {"{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":0}}",
         "{\"type\":\"OnDelete\"}",
         "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":0,\"maxUnavailable\":1}}",
         "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":0}}"},
        {"{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":1}}",
         "{\"type\":\"OnDelete\"}",
         "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":2}}",
         "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":1}}"},
        {"{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":\"25%\","
         "\"maxUnavailable\":\"25%\"}}",
         "{\"type\":\"Recreate\"}",
         "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":1,\"maxUnavailable\":0}}",
         "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":2}}"},
    };
    return choices[world->kind][m_below(world, 4)];
}

static void first_templates(struct m_world *world)
{
    for (int i = 0; i < 5; i++) {
        bool good = i == 0 || world->calm || !m_chance(world, 200);
        (void)m_template_new(world, i + 1, i > 0 && m_chance(world, 250) ? 1 : 0, good);
    }
}

/* A workload that runs its first template with every pod ready, before anything happens. */
void m_world_open(struct m_world *world, uint64_t seed)
{
    *world = (struct m_world){.random = seed, .seed = seed, .now = START};
    world->kind = (enum m_kind)m_below(world, M_KINDS);
    world->calm = m_chance(world, 300);
    world->counts = m_chance(world, 300);
    first_templates(world);
    m_traffic_open(world);
    struct m_workload *workload = &world->is.workload;
    for (size_t i = 0; i < M_FIELDS; i++) {
        workload->originals[i] = "";
    }
    workload->originals[world->kind == M_DEPLOYMENT ? M_STRATEGY : M_UPDATE_STRATEGY] =
        original_strategy(world);
    if (world->kind == M_DEPLOYMENT) {
        workload->originals[M_DEADLINE] = m_chance(world, 500) ? "600" : "60";
    }
    if (m_chance(world, 200)) {
        workload->originals[M_MIN_READY] = "3";
    }
    workload->parallel = m_chance(world, 400);
    workload->history = m_chance(world, 700) ? 10 : m_below(world, 2);
    int size = 2 + m_below(world, 7);
    for (int i = 0; i < size && i < M_NODES; i++) {
        world->nodes[i] = true;
    }
    m_workload_new(world, 0, size);
    for (int quiet = 0; quiet < 10; quiet++) {
        quiet = m_controllers(world, true) ? 0 : quiet;
        m_view_refresh(world, true);
        (void)m_traffic(world, true);
        world->now += SL_NS_PER_S;
    }
    m_user_rollout(world);
    m_view_refresh(world, true);
}

void m_world_close(struct m_world *world)
{
    sl_arena_cleanup(&world->arena);
    sl_arena_cleanup(&world->scratch);
}
