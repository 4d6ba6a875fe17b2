/* Workloads of any kind as records (workload.h). Which kind it is, is told by the fields alone: the
 * items of a list carry none, and a kind that the configuration describes is only known by name. */
#include "core/records/workload.h"

#include <stddef.h>

#include "core/held.h"
#include "core/names.h"
#include "core/records/draft.h"
#include "core/records/template.h"

#define MARK_MAX ((size_t)4096)                    /* bytes of an annotation's text */
#define HELD_MAX (SL_HELD_MAX * SL_HELD_FIELD_MAX) /* of the saved originals */

struct workload_view {
    struct sl_draft_metadata metadata;
    struct sl_jval spec, template, replicas, first_ordinal;
    struct sl_jval observed_generation, status_replicas, desired, scheduled;
    struct sl_jval current_revision, update_revision;
};

#define AT(field) .at = offsetof(struct workload_view, field)

static const struct sl_jrow ordinals_rows[] = {{.key = "start", AT(first_ordinal)}, {0}};

static const struct sl_jrow spec_rows[] = {
    {.key = "template", AT(template)},
    {.key = "replicas", AT(replicas)},
    {.key = "ordinals", .at = SL_JROW_NO_VALUE, .rows = ordinals_rows},
    {0},
};

static const struct sl_jrow status_rows[] = {
    {.key = "observedGeneration", AT(observed_generation)},
    {.key = "replicas", AT(status_replicas)},
    {.key = "desiredNumberScheduled", AT(desired)}, /* a DaemonSet always has both */
    {.key = "currentNumberScheduled", AT(scheduled)},
    {.key = "currentRevision", AT(current_revision)},
    {.key = "updateRevision", AT(update_revision)},
    {0},
};

static const struct sl_jrow workload_rows[] = {
    {.key = "metadata",
     .at = SL_JROW_NO_VALUE,
     .rows = sl_draft_metadata_rows,
     .base = offsetof(struct workload_view, metadata)},
    {.key = "spec", AT(spec), .rows = spec_rows},
    {.key = "status", .at = SL_JROW_NO_VALUE, .rows = status_rows},
    {0},
};

static const size_t texts[] = {
    SL_DRAFT_RECORD_TEXTS,
    offsetof(struct sl_workload_record, template),
    offsetof(struct sl_workload_record, template_id),
    offsetof(struct sl_workload_record, spec),
    offsetof(struct sl_workload_record, held),
    offsetof(struct sl_workload_record, current_revision),
    offsetof(struct sl_workload_record, update_revision),
};

static int read_spec(struct sl_jval spec, struct sl_arena *arena, const char **ret_text,
                     struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_TEMPLATE_MAX);
    struct sl_jiter it = sl_jiter(spec);
    struct sl_jval key;
    struct sl_jval value;
    const char *separator = "";
    sl_buf_addc(&text, '{');
    while (it.object && sl_jiter_next(&it, &key, &value)) {
        if (sl_jval_is(key, SL_STR("template"))) {
            continue;
        }
        sl_buf_adds(&text, separator);
        sl_buf_addstr(&text, key.raw);
        sl_buf_addc(&text, ':');
        sl_template_compact(value, &text);
        separator = ",";
    }
    sl_buf_addc(&text, '}');
    if (sl_buf_check(&text, "the workload's spec", err) < 0) {
        return -1;
    }
    *ret_text = sl_arena_cstr(arena, sl_buf_str(&text));
    return 0;
}

/* The entry for the object itself: each subresource has one of its own. */
static int find_managed_entry(struct sl_jval managed)
{
    struct sl_jiter it = sl_jiter(managed);
    struct sl_jval entry;
    for (int i = 0; !it.object && sl_jiter_next(&it, NULL, &entry); i++) {
        struct sl_jval subresource = sl_jval_get(entry, SL_STR("subresource"));
        if (sl_jval_is(sl_jval_get(entry, SL_STR("manager")), SL_STR(SL_FIELD_MANAGER)) &&
            (subresource.type != SL_J_STRING || sl_jval_is(subresource, SL_STR("")))) {
            return i;
        }
    }
    return -1;
}

static int read_workload(const struct workload_view *view, struct sl_arena *arena,
                         struct sl_workload_record *draft, struct sl_err *err)
{
    struct sl_jval annotations = view->metadata.annotations;
    bool daemon_set = view->desired.type == SL_J_NUMBER;
    if (sl_draft_record(&view->metadata, arena, &draft->record, err) < 0 ||
        sl_template_read(view->template, arena, &draft->template, &draft->template_id, err) < 0 ||
        read_spec(view->spec, arena, &draft->spec, err) < 0) {
        return -1;
    }
    draft->held = sl_arena_cstr(
        arena, sl_draft_mark(annotations, SL_STR(SL_ANNOTATION_HELD), HELD_MAX, arena));
    draft->observed_generation = sl_draft_int(view->observed_generation);
    draft->replicas =
        daemon_set ? sl_draft_int32(view->desired, 0) : sl_draft_int32(view->replicas, 1);
    draft->status_replicas =
        sl_draft_int32(daemon_set ? view->scheduled : view->status_replicas, 0);
    draft->first_ordinal = sl_draft_int32(view->first_ordinal, 0);
    draft->current_revision = sl_draft_text(view->current_revision, arena);
    draft->update_revision = sl_draft_text(view->update_revision, arena);
    draft->revision = sl_draft_number(
        sl_draft_mark(annotations, SL_STR(SL_ANNOTATION_REVISION), MARK_MAX, arena));
    draft->has_annotations = annotations.type == SL_J_OBJECT;
    draft->managed_entry = find_managed_entry(view->metadata.managed);
    return 0;
}

int sl_workload_record_decode(struct sl_str json, struct sl_record **ret_record, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct workload_view view = {0};
    struct sl_workload_record draft = {0};
    if (sl_jscan(json, workload_rows, &view, NULL, err) < 0 ||
        read_workload(&view, &arena, &draft, err) < 0) {
        return -1;
    }
    *ret_record = sl_draft_seal(&draft, sizeof draft, texts, sizeof texts / sizeof texts[0]);
    return 0;
}
