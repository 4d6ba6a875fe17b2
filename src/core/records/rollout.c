/* A Rollout's JSON as a record (rollout.h). The spec goes through the one decoder of Rollouts, so
 * that the reconciler and the webhook read the same thing; the status is read by rollout_status.c.
 */
#include "core/records/rollout.h"

#include <stddef.h>

#include "codec/json.h"
#include "core/names.h"
#include "core/records/draft.h"

struct rollout_view {
    struct sl_draft_metadata metadata;
    struct sl_jval status;
};

static const struct sl_jrow rollout_rows[] = {
    {.key = "metadata",
     .at = SL_JROW_NO_VALUE,
     .rows = sl_draft_metadata_rows,
     .base = offsetof(struct rollout_view, metadata)},
    {.key = "status", .at = offsetof(struct rollout_view, status)},
    {0},
};

void sl_rollout_record_free(struct sl_record *record)
{
    struct sl_rollout_record *rollout = (struct sl_rollout_record *)(void *)record;
    if (rollout != NULL) {
        sl_arena_cleanup(&rollout->arena);
        free(rollout);
    }
}

static void read_finalizers(struct sl_jval finalizers, struct sl_rollout_record *rollout)
{
    struct sl_jiter it = sl_jiter(finalizers);
    struct sl_jval element;
    rollout->has_finalizers = finalizers.type == SL_J_ARRAY;
    rollout->finalizer_entry = -1;
    for (int i = 0; rollout->has_finalizers && sl_jiter_next(&it, NULL, &element); i++) {
        if (sl_jval_is(element, SL_STR(SL_FINALIZER_ROLLOUT))) {
            rollout->finalizer_entry = i;
        }
    }
    rollout->has_finalizer = rollout->finalizer_entry >= 0;
}

/* The spec, or the problem with it. */
static void read_spec(struct sl_str json, const struct sl_workload_kinds *kinds,
                      struct sl_rollout_record *rollout)
{
    SL_AUTO(sl_json) struct json_object *object = NULL;
    struct sl_problems problems = SL_PROBLEMS_INIT(&rollout->arena);
    struct sl_rollout spec = {0};
    struct sl_err err = SL_ERR_INIT;
    rollout->problem = "";
    if (sl_json_parse(json, &object, &err) < 0) {
        rollout->problem = sl_arena_cstr(&rollout->arena, sl_str_from(err.msg));
        return;
    }
    sl_rollout_decode(object, kinds, &spec, &problems);
    if (problems.count == 0) {
        rollout->spec = spec;
    } else {
        rollout->problem = sl_draft_problem(&problems, &rollout->arena);
    }
}

int sl_rollout_record_decode(struct sl_str json, const struct sl_workload_kinds *kinds,
                             struct sl_record **ret_record, struct sl_err *err)
{
    struct rollout_view view = {0};
    if (sl_jscan(json, rollout_rows, &view, NULL, err) < 0) {
        return -1;
    }
    struct sl_rollout_record *rollout = calloc(1, sizeof *rollout);
    if (rollout == NULL) {
        abort();
    }
    if (sl_draft_record(&view.metadata, &rollout->arena, &rollout->record, err) < 0) {
        sl_rollout_record_free(&rollout->record);
        return -1;
    }
    read_finalizers(view.metadata.finalizers, rollout);
    read_spec(json, kinds, rollout);
    sl_rollout_status_read(view.status, &rollout->arena, &rollout->status);
    /* An arena does not tell its size; what is kept of the text is at most all of it. */
    rollout->record.bytes = sizeof *rollout + json.n;
    *ret_record = &rollout->record;
    return 0;
}
