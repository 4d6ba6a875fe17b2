/* A pod's JSON as a record (pod.h). Ten thousand of them are decoded when the reconciler starts, so
 * this is one pass, and as a rule one allocation beside the record's own. */
#include "core/records/pod.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "core/names.h"
#include "core/records/draft.h"
#include "core/records/packed.h"

struct pod_view {
    struct sl_draft_metadata metadata;
    struct sl_jval node, gates, host_network, init_containers, containers;
    struct sl_jval phase, address, observed_generation, conditions, init_statuses, statuses;
};

#define AT(field) .at = offsetof(struct pod_view, field)

static const struct sl_jrow spec_rows[] = {
    {.key = "nodeName", AT(node)},
    {.key = "readinessGates", AT(gates)},
    {.key = "hostNetwork", AT(host_network)},
    {.key = "initContainers", AT(init_containers)},
    {.key = "containers", AT(containers)},
    {0},
};

static const struct sl_jrow status_rows[] = {
    {.key = "phase", AT(phase)},
    {.key = "podIP", AT(address)},
    {.key = "observedGeneration", AT(observed_generation)},
    {.key = "conditions", AT(conditions)},
    {.key = "initContainerStatuses", AT(init_statuses)},
    {.key = "containerStatuses", AT(statuses)},
    {0},
};

static const struct sl_jrow pod_rows[] = {
    {.key = "metadata",
     .at = SL_JROW_NO_VALUE,
     .rows = sl_draft_metadata_rows,
     .base = offsetof(struct pod_view, metadata)},
    {.key = "spec", .at = SL_JROW_NO_VALUE, .rows = spec_rows},
    {.key = "status", .at = SL_JROW_NO_VALUE, .rows = status_rows},
    {0},
};

struct condition_view {
    struct sl_jval type, status, reason, message, changed;
};

static const struct sl_jrow condition_rows[] = {
    {.key = "type", .at = offsetof(struct condition_view, type)},
    {.key = "status", .at = offsetof(struct condition_view, status)},
    {.key = "reason", .at = offsetof(struct condition_view, reason)},
    {.key = "message", .at = offsetof(struct condition_view, message)},
    {.key = "lastTransitionTime", .at = offsetof(struct condition_view, changed)},
    {0},
};

struct container_view { /* of spec and of status */
    struct sl_jval name, image, container_id, restarts, running, started, waits, ended;
};

static const struct sl_jrow running_rows[] = {
    {.key = "startedAt", .at = offsetof(struct container_view, started)},
    {0},
};

static const struct sl_jrow waiting_rows[] = {
    {.key = "reason", .at = offsetof(struct container_view, waits)},
    {0},
};

static const struct sl_jrow terminated_rows[] = {
    {.key = "reason", .at = offsetof(struct container_view, ended)},
    {0},
};

static const struct sl_jrow state_rows[] = {
    {.key = "running", .at = offsetof(struct container_view, running), .rows = running_rows},
    {.key = "waiting", .at = SL_JROW_NO_VALUE, .rows = waiting_rows},
    {.key = "terminated", .at = SL_JROW_NO_VALUE, .rows = terminated_rows},
    {0},
};

static const struct sl_jrow container_rows[] = {
    {.key = "name", .at = offsetof(struct container_view, name)},
    {.key = "image", .at = offsetof(struct container_view, image)},
    {.key = "containerID", .at = offsetof(struct container_view, container_id)},
    {.key = "restartCount", .at = offsetof(struct container_view, restarts)},
    {.key = "state", .at = SL_JROW_NO_VALUE, .rows = state_rows},
    {0},
};

/* Where pods keep texts; those of the containers follow. What is packed is copied with the draft.
 */
static const size_t pod_texts[] = {
    SL_DRAFT_RECORD_TEXTS,
    offsetof(struct sl_pod_record, node),
    offsetof(struct sl_pod_record, upgrade),
    offsetof(struct sl_pod_record, address),
    offsetof(struct sl_pod_record, traffic),
    offsetof(struct sl_pod_record, traffic_message),
    offsetof(struct sl_pod_record, drain),
};

static const size_t container_texts[] = {
    offsetof(struct sl_pod_container, name),
    offsetof(struct sl_pod_container, image),
    offsetof(struct sl_pod_container, container_id),
    offsetof(struct sl_pod_container, reason),
};

#define POD_TEXTS (sizeof pod_texts / sizeof pod_texts[0])
#define CONTAINER_TEXTS (sizeof container_texts / sizeof container_texts[0])

/* The number that a StatefulSet gave the pod, as its controller reads it out of the name. */
static int32_t ordinal_of(const char *name)
{
    const char *dash = strrchr(name, '-');
    int64_t number = 0;
    if (dash == NULL || dash[1] == '\0') {
        return -1;
    }
    for (const char *p = dash + 1; *p != '\0'; p++) {
        number = number * 10 + (*p - '0');
        if (*p < '0' || *p > '9' || number > INT32_MAX) {
            return -1;
        }
    }
    return (int32_t)number;
}

static void read_condition(const struct condition_view *view, struct sl_arena *arena,
                           struct sl_pod_record *pod)
{
    bool holds = sl_jval_is(view->status, SL_STR("True"));
    if (sl_jval_is(view->type, SL_STR("Ready"))) {
        int64_t since = sl_draft_time(view->changed, arena);
        if (since == 0) { /* nobody said when: 0 would say that it is not so */
            since = pod->record.created == 0 ? 1 : pod->record.created;
        }
        pod->ready_since = holds ? since : 0;
        pod->unready_since = holds ? 0 : since;
    } else if (sl_jval_is(view->type, SL_STR("ContainersReady"))) {
        pod->containers_ready = holds;
    } else if (sl_jval_is(view->type, SL_STR(SL_GATE))) {
        pod->traffic = sl_draft_text(view->reason, arena);
        pod->traffic_message = sl_draft_text(view->message, arena);
        pod->traffic_changed = sl_draft_time(view->changed, arena);
        pod->traffic_ready = holds;
    }
}

static int read_conditions(struct sl_jval conditions, struct sl_arena *arena,
                           struct sl_pod_record *pod, struct sl_err *err)
{
    struct sl_jiter it = sl_jiter(conditions);
    struct sl_jval element;
    while (!it.object && sl_jiter_next(&it, NULL, &element)) {
        struct condition_view view = {0};
        if (sl_jval_scan(element, condition_rows, &view, err) < 0) {
            return -1;
        }
        read_condition(&view, arena, pod);
    }
    return 0;
}

/* Adds the containers of a list in spec to those that the pod has; there is room for all. */
static int read_containers(struct sl_jval list, bool init, struct sl_arena *arena,
                           struct sl_pod_record *pod, struct sl_err *err)
{
    struct sl_jiter it = sl_jiter(list);
    struct sl_jval element;
    while (!it.object && pod->container_count < SL_POD_CONTAINERS_MAX &&
           sl_jiter_next(&it, NULL, &element)) {
        struct container_view view = {0};
        if (sl_jval_scan(element, container_rows, &view, err) < 0) {
            return -1;
        }
        pod->containers[pod->container_count++] = (struct sl_pod_container){
            .name = sl_draft_text(view.name, arena),
            .image = sl_draft_text(view.image, arena),
            .container_id = "",
            .reason = "",
            .init = init,
        };
    }
    return 0;
}

static void read_status(const struct container_view *view, bool init, struct sl_arena *arena,
                        struct sl_pod_record *pod)
{
    for (size_t i = 0; i < pod->container_count; i++) {
        struct sl_pod_container *container = &pod->containers[i];
        if (container->init == init && sl_jval_is(view->name, sl_str_from(container->name))) {
            int64_t restarts = pod->restarts + sl_draft_int(view->restarts);
            pod->restarts = restarts > INT32_MAX ? INT32_MAX : (int32_t)restarts;
            container->container_id = sl_draft_text(view->container_id, arena);
            container->running_since = sl_draft_time(view->started, arena);
            container->reason =
                sl_draft_text(view->waits.type == SL_J_STRING ? view->waits : view->ended, arena);
            return;
        }
    }
}

/* What the containers of a pod have come to, those beyond the cap included. */
struct life {
    bool ran;  /* one that is no initContainer was started */
    bool runs; /* any does */
};

static int read_statuses(struct sl_jval list, bool init, struct sl_arena *arena,
                         struct sl_pod_record *pod, struct life *life, struct sl_err *err)
{
    struct sl_jiter it = sl_jiter(list);
    struct sl_jval element;
    while (!it.object && sl_jiter_next(&it, NULL, &element)) {
        struct container_view view = {0};
        if (sl_jval_scan(element, container_rows, &view, err) < 0) {
            return -1;
        }
        read_status(&view, init, arena, pod);
        life->ran = life->ran || (!init && sl_draft_text(view.container_id, arena)[0] != '\0');
        life->runs = life->runs || view.running.type == SL_J_OBJECT;
    }
    return 0;
}

static bool has_gate(struct sl_jval gates)
{
    struct sl_jiter it = sl_jiter(gates);
    struct sl_jval element;
    while (!it.object && sl_jiter_next(&it, NULL, &element)) {
        if (sl_jval_is(sl_jval_get(element, SL_STR("conditionType")), SL_STR(SL_GATE))) {
            return true;
        }
    }
    return false;
}

static const char *mark(struct sl_jval marks, struct sl_str key, size_t max, struct sl_arena *arena)
{
    struct sl_str text = sl_draft_mark(marks, key, max, arena);
    return text.n == 0 ? "" : sl_arena_cstr(arena, text);
}

static enum sl_pod_cost cost_of(struct sl_jval annotations)
{
    struct sl_jval cost = sl_jval_get(annotations, SL_STR(SL_ANNOTATION_COST));
    return cost.type == SL_J_ABSENT                    ? SL_COST_NONE
           : sl_jval_is(cost, SL_STR(SL_COST_DRAINED)) ? SL_COST_OURS
                                                       : SL_COST_THEIRS;
}

/* deletionTimestamp is when it is to be gone: its grace period after somebody asked. */
static int64_t delete_asked(struct sl_jval grace_seconds, int64_t deleted)
{
    int64_t grace = sl_draft_int32(grace_seconds, 0);
    int64_t asked = deleted - grace * SL_NS_PER_S;
    return deleted == 0 ? 0 : asked > 0 ? asked : 1;
}

static int read_pod(const struct pod_view *view, struct sl_arena *arena, struct sl_pod_record *pod,
                    struct sl_err *err)
{
    struct sl_jval annotations = view->metadata.annotations;
    struct life life = {0};
    if (sl_draft_record(&view->metadata, arena, &pod->record, err) < 0) {
        return -1;
    }
    pod->node = sl_draft_text(view->node, arena);
    pod->upgrade = mark(annotations, SL_STR(SL_ANNOTATION_UPGRADE), SL_POD_UPGRADE_MAX, arena);
    pod->drain = mark(annotations, SL_STR(SL_ANNOTATION_DRAIN), SL_POD_DRAIN_MAX, arena);
    pod->cost = (uint8_t)cost_of(annotations);
    pod->mirror = sl_jval_get(annotations, SL_STR(SL_ANNOTATION_MIRROR)).type != SL_J_ABSENT;
    pod->address = sl_draft_text(view->address, arena);
    pod->traffic = pod->traffic_message = "";
    pod->delete_asked = delete_asked(view->metadata.grace, pod->record.deleted);
    pod->gate = has_gate(view->gates);
    pod->host_network = sl_jval_true(view->host_network);
    pod->observed_generation = sl_draft_int(view->observed_generation);
    pod->ordinal = ordinal_of(pod->record.name);
    pod->finished =
        sl_jval_is(view->phase, SL_STR("Succeeded")) || sl_jval_is(view->phase, SL_STR("Failed"));
    if (read_conditions(view->conditions, arena, pod, err) < 0 ||
        read_containers(view->init_containers, true, arena, pod, err) < 0 ||
        read_containers(view->containers, false, arena, pod, err) < 0 ||
        read_statuses(view->init_statuses, true, arena, pod, &life, err) < 0 ||
        read_statuses(view->statuses, false, arena, pod, &life, err) < 0) {
        return -1;
    }
    pod->stopped = life.ran && !life.runs;
    return 0;
}

/* The record with its containers behind it, then what is packed, then the texts of both. */
static struct sl_record *seal(const struct sl_pod_record *pod, struct sl_packed labels,
                              struct sl_packed balancers, struct sl_arena *arena)
{
    size_t count = pod->container_count;
    size_t packed_at = sizeof *pod + count * sizeof(struct sl_pod_container);
    char *draft = sl_arena_alloc(arena, packed_at + labels.size + balancers.size);
    size_t *texts = sl_arena_alloc(arena, (POD_TEXTS + count * CONTAINER_TEXTS) * sizeof *texts);
    memcpy(draft, pod, packed_at);
    memcpy(draft + packed_at, labels.bytes, labels.size);
    memcpy(draft + packed_at + labels.size, balancers.bytes, balancers.size);
    memcpy(texts, pod_texts, sizeof pod_texts);
    for (size_t i = 0; i < count * CONTAINER_TEXTS; i++) {
        texts[POD_TEXTS + i] = sizeof *pod + i / CONTAINER_TEXTS * sizeof(struct sl_pod_container) +
                               container_texts[i % CONTAINER_TEXTS];
    }
    struct sl_record *record = sl_draft_seal(draft, packed_at + labels.size + balancers.size, texts,
                                             POD_TEXTS + count * CONTAINER_TEXTS);
    struct sl_pod_record *sealed = (struct sl_pod_record *)(void *)record;
    const char *packed = (const char *)record + packed_at;
    sealed->containers = count == 0 ? NULL : (struct sl_pod_container *)(void *)(sealed + 1);
    sealed->labels = labels.size == 0 ? "" : packed;
    sealed->balancers = balancers.size == 0 ? "" : packed + labels.size;
    sealed->revision = sl_packed_label(sealed->labels, "controller-revision-hash");
    sealed->template_hash = sl_packed_label(sealed->labels, "pod-template-hash");
    sealed->batch = sl_packed_label(sealed->labels, SL_LABEL_BATCH);
    return record;
}

int sl_pod_record_decode(struct sl_str json, struct sl_record **ret_record, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct pod_view view = {0};
    if (sl_jscan(json, pod_rows, &view, NULL, err) < 0) {
        return -1;
    }
    size_t containers = sl_jval_count(view.init_containers) + sl_jval_count(view.containers);
    containers = containers < SL_POD_CONTAINERS_MAX ? containers : SL_POD_CONTAINERS_MAX;
    struct sl_pod_record *pod =
        sl_arena_zalloc(&arena, 1, sizeof *pod + containers * sizeof(struct sl_pod_container));
    pod->containers = (struct sl_pod_container *)(void *)(pod + 1);
    if (read_pod(&view, &arena, pod, err) < 0) {
        return -1;
    }
    *ret_record = seal(pod, sl_pack_labels(view.metadata.labels, &arena),
                       sl_pack_balancers(view.metadata.finalizers, &arena), &arena);
    return 0;
}
