/* ControllerRevisions and ReplicaSets as records (revision.h). */
#include "core/records/revision.h"

#include <stddef.h>

#include "core/names.h"
#include "core/records/draft.h"
#include "core/records/template.h"

#define MARK_MAX ((size_t)4096) /* bytes of a label's or an annotation's text */

struct revision_view {
    struct sl_draft_metadata metadata;
    struct sl_jval revision, template;
    struct sl_jval replicas, status_replicas, ready_replicas, observed_generation;
};

#define AT(field) .at = offsetof(struct revision_view, field)
#define METADATA_ROW                                                                               \
    {                                                                                              \
        .key = "metadata", .at = SL_JROW_NO_VALUE, .rows = sl_draft_metadata_rows,                 \
        .base = offsetof(struct revision_view, metadata)                                           \
    }

static const struct sl_jrow data_spec_rows[] = {{.key = "template", AT(template)}, {0}};

static const struct sl_jrow data_rows[] = {
    {.key = "spec", .at = SL_JROW_NO_VALUE, .rows = data_spec_rows},
    {0},
};

static const struct sl_jrow controller_revision_rows[] = {
    METADATA_ROW,
    {.key = "revision", AT(revision)},
    {.key = "data", .at = SL_JROW_NO_VALUE, .rows = data_rows},
    {0},
};

static const struct sl_jrow spec_rows[] = {
    {.key = "replicas", AT(replicas)},
    {.key = "template", AT(template)},
    {0},
};

static const struct sl_jrow status_rows[] = {
    {.key = "replicas", AT(status_replicas)},
    {.key = "readyReplicas", AT(ready_replicas)},
    {.key = "observedGeneration", AT(observed_generation)},
    {0},
};

static const struct sl_jrow replica_set_rows[] = {
    METADATA_ROW,
    {.key = "spec", .at = SL_JROW_NO_VALUE, .rows = spec_rows},
    {.key = "status", .at = SL_JROW_NO_VALUE, .rows = status_rows},
    {0},
};

static const size_t texts[] = {
    SL_DRAFT_RECORD_TEXTS,
    offsetof(struct sl_revision_record, hash),
    offsetof(struct sl_revision_record, template),
    offsetof(struct sl_revision_record, template_id),
};

/* What both kinds have; `hash_label` holds the hash. */
static int read_common(const struct revision_view *view, struct sl_str hash_label,
                       struct sl_arena *arena, struct sl_revision_record *draft, struct sl_err *err)
{
    if (sl_draft_record(&view->metadata, arena, &draft->record, err) < 0) {
        return -1;
    }
    draft->hash =
        sl_arena_cstr(arena, sl_draft_mark(view->metadata.labels, hash_label, MARK_MAX, arena));
    return sl_template_read(view->template, arena, &draft->template, &draft->template_id, err);
}

int sl_controller_revision_decode(struct sl_str json, struct sl_record **ret_record,
                                  struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct revision_view view = {0};
    struct sl_revision_record draft = {0};
    if (sl_jscan(json, controller_revision_rows, &view, NULL, err) < 0 ||
        read_common(&view, SL_STR("controller-revision-hash"), &arena, &draft, err) < 0) {
        return -1;
    }
    draft.revision = sl_draft_int(view.revision);
    *ret_record = sl_draft_seal(&draft, sizeof draft, texts, sizeof texts / sizeof texts[0]);
    return 0;
}

int sl_replica_set_decode(struct sl_str json, struct sl_record **ret_record, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct revision_view view = {0};
    struct sl_revision_record draft = {.replica_set = true};
    if (sl_jscan(json, replica_set_rows, &view, NULL, err) < 0 ||
        read_common(&view, SL_STR("pod-template-hash"), &arena, &draft, err) < 0) {
        return -1;
    }
    struct sl_jval annotations = view.metadata.annotations;
    draft.revision = sl_draft_number(
        sl_draft_mark(annotations, SL_STR(SL_ANNOTATION_REVISION), MARK_MAX, &arena));
    struct sl_str desired =
        sl_draft_mark(annotations, SL_STR(SL_ANNOTATION_DESIRED), MARK_MAX, &arena);
    draft.desired = desired.n == 0 ? -1 : (int32_t)sl_draft_number(desired);
    draft.replicas = sl_draft_int32(view.replicas, 1);
    draft.status_replicas = sl_draft_int32(view.status_replicas, 0);
    draft.ready_replicas = sl_draft_int32(view.ready_replicas, 0);
    draft.observed_generation = sl_draft_int(view.observed_generation);
    draft.handover =
        sl_draft_time(sl_jval_get(annotations, SL_STR(SL_ANNOTATION_HANDOVER)), &arena);
    draft.has_held = sl_jval_get(annotations, SL_STR(SL_ANNOTATION_HELD)).type != SL_J_ABSENT;
    *ret_record = sl_draft_seal(&draft, sizeof draft, texts, sizeof texts / sizeof texts[0]);
    return 0;
}
