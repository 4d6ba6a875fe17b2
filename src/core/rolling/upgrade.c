/* An upgrade in place (upgrade.h): the patch that begins it, the patch that ends it, and what of it
 * a pod shows in between. All that must be remembered stands in one annotation of the pod. */
#include "core/rolling/upgrade.h"

#include <inttypes.h>

#include "base/clock.h"
#include "codec/timestamp.h"
#include "core/names.h"
#include "core/rolling/pairs.h"

/* --- the patch --- */

static void add_member(struct sl_buf *out, const char *separator, const char *key, const char *text)
{
    sl_buf_adds(out, separator);
    sl_buf_add_json_string(out, sl_str_from(key));
    sl_buf_addc(out, ':');
    sl_buf_add_json_string(out, sl_str_from(text));
}

static void begin_patch(const struct sl_record *record, struct sl_buf *out)
{
    add_member(out, "{\"metadata\":{", "uid", record->uid);
    add_member(out, ",", "resourceVersion", record->resource_version);
}

/* Whether a key is written by ourselves whatever the templates say. */
static bool is_ours(struct sl_str key, const struct sl_upgrade *upgrade)
{
    return sl_str_is(key, SL_LABEL_ROLLOUT) || sl_str_is(key, SL_LABEL_BATCH) ||
           sl_str_is(key, SL_LABEL_UPGRADING) || sl_str_is(key, SL_ANNOTATION_UPGRADE) ||
           sl_str_is(key, upgrade->label_key);
}

/* Appends what differs between the labels, or the annotations, of two templates. */
static int write_marks(const struct sl_upgrade *upgrade, struct sl_jval from, struct sl_jval to,
                       struct sl_buf *out, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_pairs pairs = sl_pairs(from, to, &arena);
    for (size_t i = 0; i < pairs.count; i++) {
        const struct sl_pair *pair = &pairs.items[i];
        if (is_ours(pair->key, upgrade) || sl_pair_equal(pair)) {
            continue;
        }
        if (pair->to.type != SL_J_STRING && pair->to.type != SL_J_ABSENT) {
            return sl_err_set(err, SL_ERR_INVALID, "%.*s in the pod template is no text",
                              SL_STR_FMT(pair->key));
        }
        sl_buf_addc(out, ',');
        sl_buf_add_json_string(out, pair->key);
        sl_buf_addc(out, ':');
        sl_buf_addstr(out, pair->to.type == SL_J_ABSENT ? SL_STR("null") : pair->to.raw);
    }
    return 0;
}

static struct sl_jval spec_list(struct sl_jval template, const char *key)
{
    return sl_jval_get(sl_jval_get(template, SL_STR("spec")), sl_str_from(key));
}

static struct sl_jval marks_of(struct sl_jval template, const char *key)
{
    return sl_jval_get(sl_jval_get(template, SL_STR("metadata")), sl_str_from(key));
}

/* The image that a template has for a container of a pod; absent: none. */
static struct sl_jval image_in(struct sl_jval template, const struct sl_pod_container *container)
{
    struct sl_jiter it =
        sl_jiter(spec_list(template, container->init ? "initContainers" : "containers"));
    struct sl_jval element;
    while (!it.object && sl_jiter_next(&it, NULL, &element)) {
        if (sl_jval_is(sl_jval_get(element, SL_STR("name")), sl_str_from(container->name))) {
            return sl_jval_get(element, SL_STR("image"));
        }
    }
    return (struct sl_jval){0};
}

/* A container that only the pod has was injected, and is nobody's business here. */
static bool image_changes(struct sl_jval template, const struct sl_pod_container *container)
{
    struct sl_jval image = image_in(template, container);
    return image.type == SL_J_STRING && !sl_jval_is(image, sl_str_from(container->image));
}

static void write_images(const struct sl_pod_record *pod, struct sl_jval to, bool init,
                         struct sl_buf *out, const char **separator)
{
    bool any = false;
    for (size_t i = 0; i < pod->container_count; i++) {
        const struct sl_pod_container *container = &pod->containers[i];
        if (container->init != init || !image_changes(to, container)) {
            continue;
        }
        if (!any) {
            sl_buf_addf(out, "%s\"%s\":[", *separator, init ? "initContainers" : "containers");
            *separator = ",";
        }
        add_member(out, any ? ",{" : "{", "name", container->name);
        sl_buf_adds(out, ",\"image\":");
        sl_buf_addstr(out, image_in(to, container).raw);
        sl_buf_addc(out, '}');
        any = true;
    }
    sl_buf_adds(out, any ? "]" : "");
}

/* What is remembered of the upgrade before this one: absent where there is none. */
struct memory {
    struct sl_jval containers, images;
};
static const struct sl_jrow memory_rows[] = {
    {.key = "containers", .at = offsetof(struct memory, containers)},
    {.key = "images", .at = offsetof(struct memory, images)},
    {0},
};

/* The image that a container runs: what it was given last, unless that has not restarted it yet. */
static struct sl_str running_image(const struct memory *memory,
                                   const struct sl_pod_container *container, struct sl_arena *arena)
{
    struct sl_str name = sl_str_from(container->name);
    bool waits =
        container->container_id[0] != '\0' &&
        sl_jval_is(sl_jval_get(memory->containers, name), sl_str_from(container->container_id));
    struct sl_str image = sl_jval_str(sl_jval_get(memory->images, name), arena);
    return waits && image.p != NULL ? image : sl_str_from(container->image);
}

/* The text of the annotation. A container that is given back what it still runs is not restarted by
 * the kubelet, so that is not waited for. */
static void write_note(const struct sl_upgrade *upgrade, struct sl_jval to, struct sl_buf *out)
{
    char since[SL_TIMESTAMP_SIZE];
    struct memory memory = {0};
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf images = SL_BUF_INIT(SL_POD_UPGRADE_MAX);
    const char *separator = "";
    if (sl_jscan(sl_str_from(upgrade->pod->upgrade), memory_rows, &memory, NULL, NULL) < 0) {
        memory = (struct memory){0}; /* none, or not ours */
    }
    sl_timestamp_write(upgrade->now, since);
    add_member(out, "{", "run", upgrade->run);
    add_member(out, ",", "revision", upgrade->revision);
    add_member(out, ",", "since", since);
    sl_buf_adds(out, ",\"containers\":{");
    for (size_t i = 0; i < upgrade->pod->container_count; i++) {
        const struct sl_pod_container *container = &upgrade->pod->containers[i];
        struct sl_str running = running_image(&memory, container, &arena);
        if (!container->init && image_changes(to, container) &&
            !sl_jval_is(image_in(to, container), running)) {
            add_member(out, separator, container->name, container->container_id);
            add_member(&images, separator, container->name, sl_arena_cstr(&arena, running));
            separator = ",";
        }
    }
    sl_buf_addc(out, '}');
    if (images.len > 0) {
        sl_buf_adds(out, ",\"images\":{");
        sl_buf_addstr(out, sl_buf_str(&images));
        sl_buf_addc(out, '}');
    }
    bool drained = upgrade->pod->drain[0] != '\0' && upgrade->pod->containers_ready;
    bool broken = upgrade->pod->ready_since == 0 && !drained;
    sl_buf_adds(out, broken ? ",\"broken\":true}" : "}");
}

/* A list of owners is merged by uid: the old controller must be named to be removed. */
static void write_owners(const struct sl_upgrade *upgrade, struct sl_buf *out)
{
    const char *old = upgrade->pod->record.owner_uid;
    sl_buf_adds(out, ",\"ownerReferences\":[");
    if (old[0] != '\0' && !sl_str_is(sl_str_from(old), upgrade->owner_uid)) {
        add_member(out, "{\"$patch\":\"delete\",", "uid", old);
        sl_buf_adds(out, "},");
    }
    add_member(out, "{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",", "name",
               upgrade->owner_name);
    add_member(out, ",", "uid", upgrade->owner_uid);
    sl_buf_adds(out, ",\"controller\":true,\"blockOwnerDeletion\":true}]");
}

static int write_labels(const struct sl_upgrade *upgrade, struct sl_jval from, struct sl_jval to,
                        struct sl_buf *out, struct sl_err *err)
{
    add_member(out, ",\"labels\":{", upgrade->label_key, upgrade->label_value);
    add_member(out, ",", SL_LABEL_ROLLOUT, upgrade->rollout);
    sl_buf_addf(out, ",\"" SL_LABEL_BATCH "\":\"%" PRId32 "\"", upgrade->batch);
    add_member(out, ",", SL_LABEL_UPGRADING, "true");
    if (write_marks(upgrade, marks_of(from, "labels"), marks_of(to, "labels"), out, err) < 0) {
        return -1;
    }
    sl_buf_addc(out, '}');
    return 0;
}

static int write_annotations(const struct sl_upgrade *upgrade, struct sl_jval from,
                             struct sl_jval to, struct sl_buf *out, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf note = SL_BUF_INIT(SL_POD_UPGRADE_MAX);
    write_note(upgrade, to, &note);
    if (sl_buf_check(&note, "the annotation " SL_ANNOTATION_UPGRADE, err) < 0) {
        return -1;
    }
    sl_buf_adds(out, ",\"annotations\":{\"" SL_ANNOTATION_UPGRADE "\":");
    sl_buf_add_json_string(out, sl_buf_str(&note));
    if (write_marks(upgrade, marks_of(from, "annotations"), marks_of(to, "annotations"), out, err) <
        0) {
        return -1;
    }
    sl_buf_addc(out, '}');
    return 0;
}

int sl_upgrade_write(const struct sl_upgrade *upgrade, struct sl_buf *out, struct sl_err *err)
{
    struct sl_jval from;
    struct sl_jval to;
    const char *separator = "";
    if (sl_pairs_template(upgrade->from, &from, err) < 0 ||
        sl_pairs_template(upgrade->to, &to, err) < 0) {
        return -1;
    }
    begin_patch(&upgrade->pod->record, out);
    if (write_labels(upgrade, from, to, out, err) < 0 ||
        write_annotations(upgrade, from, to, out, err) < 0) {
        return -1;
    }
    if (upgrade->owner_name != NULL) {
        write_owners(upgrade, out);
    }
    sl_buf_adds(out, "},\"spec\":{");
    write_images(upgrade->pod, to, true, out, &separator);
    write_images(upgrade->pod, to, false, out, &separator);
    sl_buf_adds(out, "}}");
    return sl_buf_check(out, "the patch of a pod", err);
}

void sl_upgrade_write_done(const struct sl_pod_record *pod, struct sl_buf *out)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_drain_mark mark;
    sl_drain_read(pod, &arena, &mark);
    begin_patch(&pod->record, out);
    sl_buf_adds(out, ",\"labels\":{\"" SL_LABEL_UPGRADING
                     "\":null},\"annotations\":{\"" SL_ANNOTATION_UPGRADE "\":null");
    sl_buf_adds(out, mark.op == SL_DRAIN_UPGRADE ? ",\"" SL_ANNOTATION_DRAIN "\":null}}}" : "}}}");
}

/* --- what a pod shows of it --- */

/* `since` is our time and startedAt the node's: a node whose clock is behind by less is believed.
 */
#define CLOCK_SKEW (30 * SL_NS_PER_S)

struct note {
    struct sl_jval run, revision, since, containers, broken;
};

static const struct sl_jrow note_rows[] = {
    {.key = "run", .at = offsetof(struct note, run)},
    {.key = "revision", .at = offsetof(struct note, revision)},
    {.key = "since", .at = offsetof(struct note, since)},
    {.key = "containers", .at = offsetof(struct note, containers)},
    {.key = "broken", .at = offsetof(struct note, broken)},
    {0},
};

/* Why a container that changed is not the new one yet; NULL: it is. */
static const char *container_waits(const struct sl_pod_container *container, struct sl_jval old_id,
                                   int64_t since, struct sl_arena *arena)
{
    bool same = container->container_id[0] == '\0' ||
                sl_jval_is(old_id, sl_str_from(container->container_id));
    if (!same && container->running_since >= since - CLOCK_SKEW) {
        return NULL;
    }
    const char *why = container->reason;
    if (why[0] == '\0') {
        why = same || container->running_since != 0 ? "not restarted yet" : "not running";
    }
    return sl_arena_printf(arena, "container %s: %s", container->name, why);
}

/* A container that the annotation names and the pod does not have cannot be waited for. */
static const char *containers_wait(const struct sl_pod_record *pod, struct sl_jval containers,
                                   int64_t since, struct sl_arena *arena)
{
    for (size_t i = 0; i < pod->container_count; i++) {
        const struct sl_pod_container *container = &pod->containers[i];
        struct sl_jval old_id = sl_jval_get(containers, sl_str_from(container->name));
        const char *waits =
            old_id.type == SL_J_ABSENT ? NULL : container_waits(container, old_id, since, arena);
        if (waits != NULL) {
            return waits;
        }
    }
    return NULL;
}

/* Any container may be what keeps the pod from being ready. */
static const char *readiness_waits(const struct sl_pod_record *pod, struct sl_arena *arena)
{
    for (size_t i = 0; i < pod->container_count; i++) {
        const struct sl_pod_container *container = &pod->containers[i];
        if (container->reason[0] != '\0' && !container->init) {
            return sl_arena_printf(arena, "container %s: %s", container->name, container->reason);
        }
    }
    return "containers that are not ready";
}

static const char *waits_for(const struct sl_pod_record *pod, struct sl_jval containers,
                             int64_t since, struct sl_arena *arena)
{
    if (pod->observed_generation != 0 && pod->observed_generation < pod->record.generation) {
        return "the kubelet, which has not seen the change yet";
    }
    const char *waits = containers_wait(pod, containers, since, arena);
    if (waits != NULL) {
        return waits;
    }
    return pod->containers_ready ? "" : readiness_waits(pod, arena);
}

void sl_upgrade_read(const struct sl_pod_record *pod, struct sl_arena *arena,
                     struct sl_upgrade_state *ret_state)
{
    struct note note = {0};
    int64_t since = 0;
    *ret_state = (struct sl_upgrade_state){.waits_for = ""};
    if (pod->upgrade[0] == '\0' ||
        sl_jscan(sl_str_from(pod->upgrade), note_rows, &note, NULL, NULL) < 0 ||
        note.run.type != SL_J_STRING || note.revision.type != SL_J_STRING ||
        note.containers.type != SL_J_OBJECT ||
        !sl_timestamp_parse(sl_jval_str(note.since, arena), &since)) {
        return; /* not ours: nothing of it is believed */
    }
    const char *waits = waits_for(pod, note.containers, since, arena);
    *ret_state = (struct sl_upgrade_state){
        .running = true,
        .done = waits[0] == '\0',
        .broken = sl_jval_true(note.broken),
        .run = sl_arena_str(arena, sl_jval_str(note.run, arena)),
        .revision = sl_arena_str(arena, sl_jval_str(note.revision, arena)),
        .since = since,
        .waits_for = waits,
    };
}
