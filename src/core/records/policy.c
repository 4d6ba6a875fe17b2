/* TrafficPolicies, Rollouts, Namespaces and marked ReplicaSets as records of the webhook
 * (policy.h). */
#include "core/records/policy.h"

#include <stddef.h>

#include "codec/json.h"
#include "codec/timestamp.h"
#include "core/names.h"
#include "core/records/draft.h"
#include "core/snapshot.h"

#define PROBLEMS_BYTES ((size_t)SL_ERR_MSG_MAX)

struct view {
    struct sl_draft_metadata metadata;
    struct sl_jval spec;
};

static const struct sl_jrow rows[] = {
    {.key = "metadata",
     .at = SL_JROW_NO_VALUE,
     .rows = sl_draft_metadata_rows,
     .base = offsetof(struct view, metadata)},
    {.key = "spec", .at = offsetof(struct view, spec)},
    {0},
};

static const size_t policy_texts[] = {
    SL_DRAFT_RECORD_TEXTS,
    offsetof(struct sl_policy_record, document),
};
static const size_t record_texts[] = {SL_DRAFT_RECORD_TEXTS};

#define SEAL(draft, texts)                                                                         \
    sl_draft_seal(&(draft), sizeof(draft), texts, sizeof(texts) / sizeof(texts)[0])

static int read_view(struct sl_str json, struct sl_arena *arena, struct view *ret_view,
                     struct sl_record *ret_record, struct sl_err *err)
{
    return sl_jscan(json, rows, ret_view, NULL, err) < 0
               ? -1
               : sl_draft_record(&ret_view->metadata, arena, ret_record, err);
}

/* The rules of the kind, by the one decoder that files and admission use too. */
static int check(const char *document, const struct sl_workload_kinds *kinds, struct sl_err *err)
{
    SL_AUTO(sl_json) struct json_object *object = NULL;
    SL_AUTO(sl_snapshot) struct sl_snapshot *alone = sl_snapshot_open();
    struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(alone));
    if (sl_json_parse(sl_str_from(document), &object, err) < 0) {
        return -1;
    }
    sl_snapshot_add(alone, object, kinds, &problems);
    if (problems.count == 0) {
        return 0;
    }
    SL_AUTO(sl_buf) struct sl_buf said = SL_BUF_INIT(PROBLEMS_BYTES);
    sl_problems_write(&problems, &said);
    return sl_err_set(err, SL_ERR_INVALID, "%s", said.data);
}

int sl_policy_record_decode(struct sl_str json, const char *kind,
                            const struct sl_workload_kinds *kinds, struct sl_record **ret_record,
                            struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct view view = {0};
    struct sl_policy_record draft = {0};
    if (read_view(json, &arena, &view, &draft.record, err) < 0) {
        return -1;
    }
    struct sl_str none = SL_STR("null");
    draft.document = sl_arena_printf(
        &arena,
        "{\"apiVersion\":\"" SL_API_VERSION "\",\"kind\":\"%s\",\"metadata\":{\"namespace\":%.*s,"
        "\"name\":%.*s},\"spec\":%.*s}",
        kind, SL_STR_FMT(view.metadata.ns.raw.n > 0 ? view.metadata.ns.raw : none),
        SL_STR_FMT(view.metadata.name.raw), SL_STR_FMT(view.spec.raw.n > 0 ? view.spec.raw : none));
    if (check(draft.document, kinds, err) < 0) {
        return -1;
    }
    *ret_record = SEAL(draft, policy_texts);
    return 0;
}

int sl_namespace_record_decode(struct sl_str json, struct sl_record **ret_record,
                               struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct view view = {0};
    struct sl_namespace_record draft = {0};
    if (read_view(json, &arena, &view, &draft.record, err) < 0) {
        return -1;
    }
    draft.managed =
        sl_jval_is(sl_jval_get(view.metadata.labels, SL_STR(SL_LABEL_MANAGED)), SL_STR("true"));
    *ret_record = SEAL(draft, record_texts);
    return 0;
}

int sl_handover_record_decode(struct sl_str json, struct sl_record **ret_record, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct view view = {0};
    struct sl_handover_record draft = {0};
    if (read_view(json, &arena, &view, &draft.record, err) < 0) {
        return -1;
    }
    struct sl_jval mark = sl_jval_get(view.metadata.annotations, SL_STR(SL_ANNOTATION_HANDOVER));
    if (mark.type == SL_J_ABSENT) {
        *ret_record = NULL;
        return 0;
    }
    if (!sl_timestamp_parse(sl_jval_str(mark, &arena), &draft.until)) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "the annotation " SL_ANNOTATION_HANDOVER
                          " must be a time such as 2026-11-21T12:00:00Z");
    }
    *ret_record = SEAL(draft, record_texts);
    return 0;
}
