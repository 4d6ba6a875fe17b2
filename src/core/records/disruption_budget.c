/* A PodDisruptionBudget's JSON as a record (disruption_budget.h). */
#include "core/records/disruption_budget.h"

#include <stddef.h>

#include "codec/json.h"
#include "core/records/draft.h"

struct budget_view {
    struct sl_draft_metadata metadata;
    struct sl_jval selector, observed_generation, allowed, desired;
};

#define AT(field) .at = offsetof(struct budget_view, field)

static const struct sl_jrow spec_rows[] = {
    {.key = "selector", AT(selector)},
    {0},
};

static const struct sl_jrow status_rows[] = {
    {.key = "observedGeneration", AT(observed_generation)},
    {.key = "disruptionsAllowed", AT(allowed)},
    {.key = "desiredHealthy", AT(desired)},
    {0},
};

static const struct sl_jrow budget_rows[] = {
    {.key = "metadata",
     .at = SL_JROW_NO_VALUE,
     .rows = sl_draft_metadata_rows,
     .base = offsetof(struct budget_view, metadata)},
    {.key = "spec", .at = SL_JROW_NO_VALUE, .rows = spec_rows},
    {.key = "status", .at = SL_JROW_NO_VALUE, .rows = status_rows},
    {0},
};

void sl_budget_record_free(struct sl_record *record)
{
    struct sl_budget_record *budget = (struct sl_budget_record *)(void *)record;
    if (budget != NULL) {
        sl_arena_cleanup(&budget->arena);
        free(budget);
    }
}

static void read_selector(struct sl_jval value, struct sl_budget_record *budget)
{
    SL_AUTO(sl_json) struct json_object *object = NULL;
    struct sl_problems problems = SL_PROBLEMS_INIT(&budget->arena);
    struct sl_field at = SL_FIELD(NULL, "selector");
    if (value.type == SL_J_OBJECT && sl_json_parse(value.raw, &object, NULL) == 0) {
        sl_selector_decode(object, &at, &budget->selector, &problems);
        budget->selects = problems.count == 0;
    }
}

int sl_budget_record_decode(struct sl_str json, struct sl_record **ret_record, struct sl_err *err)
{
    struct budget_view view = {0};
    if (sl_jscan(json, budget_rows, &view, NULL, err) < 0) {
        return -1;
    }
    struct sl_budget_record *budget = calloc(1, sizeof *budget);
    if (budget == NULL) {
        abort();
    }
    if (sl_draft_record(&view.metadata, &budget->arena, &budget->record, err) < 0) {
        sl_budget_record_free(&budget->record);
        return -1;
    }
    read_selector(view.selector, budget);
    budget->observed_generation = sl_draft_int(view.observed_generation);
    budget->disruptions_allowed = sl_draft_int32(view.allowed, 0);
    budget->desired_healthy = sl_draft_int32(view.desired, 0);
    /* An arena does not tell its size; what is kept of the text is at most all of it. */
    budget->record.bytes = sizeof *budget + json.n;
    *ret_record = &budget->record;
    return 0;
}
