/* A pod's JSON as a record of the webhook (evictee.h). One pass, and of ten thousand pods as little
 * memory as can be: the reconciler's record (pod.h) has what else there is to know of a pod. */
#include "core/records/evictee.h"

#include <stddef.h>

#include "core/names.h"
#include "core/records/draft.h"

#define LABEL_MAX ((size_t)63) /* bytes; the API server takes no longer one */

struct view {
    struct sl_draft_metadata metadata;
    struct sl_jval phase, conditions;
};

static const struct sl_jrow status_rows[] = {
    {.key = "phase", .at = offsetof(struct view, phase)},
    {.key = "conditions", .at = offsetof(struct view, conditions)},
    {0},
};

static const struct sl_jrow rows[] = {
    {.key = "metadata",
     .at = SL_JROW_NO_VALUE,
     .rows = sl_draft_metadata_rows,
     .base = offsetof(struct view, metadata)},
    {.key = "status", .at = SL_JROW_NO_VALUE, .rows = status_rows},
    {0},
};

static const size_t texts[] = {
    SL_DRAFT_RECORD_TEXTS,
    offsetof(struct sl_evictee_record, policy),
    offsetof(struct sl_evictee_record, traffic),
};

static const char *traffic_of(struct sl_jval conditions, struct sl_arena *arena)
{
    struct sl_jiter it = sl_jiter(conditions);
    struct sl_jval element;
    const char *reason = "";
    while (!it.object && sl_jiter_next(&it, NULL, &element)) {
        if (sl_jval_is(sl_jval_get(element, SL_STR("type")), SL_STR(SL_GATE))) {
            reason = sl_draft_text(sl_jval_get(element, SL_STR("reason")), arena);
        }
    }
    return reason;
}

static void read_mark(struct sl_jval annotations, struct sl_arena *arena,
                      struct sl_evictee_record *draft)
{
    struct sl_str text =
        sl_draft_mark(annotations, SL_STR(SL_ANNOTATION_DRAIN), SL_POD_DRAIN_MAX, arena);
    struct sl_drain_mark mark;
    const struct sl_pod_record carrier = {.drain = text.n == 0 ? "" : sl_arena_cstr(arena, text)};
    sl_drain_read(&carrier, arena, &mark);
    draft->op = mark.op;
    draft->since = mark.since;
    draft->deadline = mark.deadline;
}

int sl_evictee_record_decode(struct sl_str json, struct sl_record **ret_record, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct view view = {0};
    struct sl_evictee_record draft = {.running = false};
    if (sl_jscan(json, rows, &view, NULL, err) < 0 ||
        sl_draft_record(&view.metadata, &arena, &draft.record, err) < 0) {
        return -1;
    }
    struct sl_str policy =
        sl_draft_mark(view.metadata.labels, SL_STR(SL_LABEL_POLICY), LABEL_MAX, &arena);
    if (policy.n == 0) {
        *ret_record = NULL;
        return 0;
    }
    draft.record.owner_uid = "";
    draft.policy = sl_arena_cstr(&arena, policy);
    draft.traffic = traffic_of(view.conditions, &arena);
    draft.running = sl_jval_is(view.phase, SL_STR("Running"));
    read_mark(view.metadata.annotations, &arena, &draft);
    *ret_record = sl_draft_seal(&draft, sizeof draft, texts, sizeof texts / sizeof texts[0]);
    return 0;
}
