/* What comes off pods and revisions (strip.h), as patches; workloads and Rollouts are given back by
 * the actions that end a run (core/rolling/actions.h). */
#include "core/uninstall/strip.h"

#include <string.h>

#include "base/buf.h"
#include "codec/jscan.h"
#include "codec/timestamp.h"
#include "core/names.h"

#define BODY_MAX (256 * SL_KIB) /* an object's labels and finalizers are far below */
#define MERGE_PATCH "application/merge-patch+json"
#define STRATEGIC_PATCH "application/strategic-merge-patch+json"

#define REASON "Uninstalled" /* none of ours: whoever comes back begins anew with the pod */

struct view {
    struct sl_jval uid, version, ns, name, deleted, labels, annotations, finalizers;
    struct sl_jval gates, conditions;
};

#define AT(field) .at = offsetof(struct view, field)

static const struct sl_jrow metadata_rows[] = {
    {.key = "uid", AT(uid)},
    {.key = "resourceVersion", AT(version)},
    {.key = "namespace", AT(ns)},
    {.key = "name", AT(name)},
    {.key = "deletionTimestamp", AT(deleted)},
    {.key = "labels", AT(labels)},
    {.key = "annotations", AT(annotations)},
    {.key = "finalizers", AT(finalizers)},
    {0},
};
static const struct sl_jrow spec_rows[] = {
    {.key = "readinessGates", AT(gates)},
    {0},
};
static const struct sl_jrow status_rows[] = {
    {.key = "conditions", AT(conditions)},
    {0},
};
static const struct sl_jrow object_rows[] = {
    {.key = "metadata", .at = SL_JROW_NO_VALUE, .rows = metadata_rows},
    {.key = "spec", .at = SL_JROW_NO_VALUE, .rows = spec_rows},
    {.key = "status", .at = SL_JROW_NO_VALUE, .rows = status_rows},
    {0},
};

static int read_object(struct sl_str json, struct view *ret_view, struct sl_err *err)
{
    if (sl_jscan(json, object_rows, ret_view, NULL, err) < 0) {
        return -1;
    }
    if (ret_view->uid.type != SL_J_STRING || ret_view->version.type != SL_J_STRING ||
        ret_view->name.type != SL_J_STRING) {
        return sl_err_set(err, SL_ERR_INVALID, "the object has no name, uid or resourceVersion");
    }
    return 0;
}

/* --- one write --- */

struct draft {
    struct sl_buf body;
    struct sl_buf done;
    const char *separator; /* before the next clause of `done` */
};

static void draft_cleanup(struct draft *draft)
{
    sl_buf_cleanup(&draft->body);
    sl_buf_cleanup(&draft->done);
}

static void begin(struct draft *draft, const struct view *view)
{
    draft->separator = "";
    sl_buf_adds(&draft->body, "{\"metadata\":{\"uid\":");
    sl_buf_addstr(&draft->body, view->uid.raw);
    sl_buf_adds(&draft->body, ",\"resourceVersion\":");
    sl_buf_addstr(&draft->body, view->version.raw);
}

static void say(struct draft *draft, const char *what, struct sl_str name)
{
    sl_buf_addf(&draft->done, "%s%s %.*s removed", draft->separator, what, SL_STR_FMT(name));
    draft->separator = ", ";
}

static int finish(struct draft *draft, const struct view *view, struct sl_arena *arena,
                  struct sl_strip_write *ret_write, struct sl_err *err)
{
    if (sl_buf_check(&draft->body, "the body of a request", err) < 0) {
        return -1;
    }
    ret_write->ns = sl_arena_str(arena, sl_jval_str(view->ns, arena));
    ret_write->name = sl_arena_str(arena, sl_jval_str(view->name, arena));
    ret_write->body = sl_arena_str(arena, sl_buf_str(&draft->body));
    ret_write->done = sl_arena_cstr(arena, sl_buf_str(&draft->done));
    return 0;
}

/* Appends a null for each of `keys` that is there, in a member of metadata. */
static void remove_marks(struct draft *draft, const char *member, struct sl_jval marks,
                         const char *const *keys)
{
    bool first = true;
    for (; *keys != NULL; keys++) {
        struct sl_str key = sl_str_from(*keys);
        if (sl_jval_get(marks, key).type == SL_J_ABSENT) {
            continue;
        }
        if (first) {
            sl_buf_addf(&draft->body, ",\"%ss\":{", member);
        }
        sl_buf_addf(&draft->body, "%s\"%s\":null", first ? "" : ",", *keys);
        say(draft, member, key);
        first = false;
    }
    sl_buf_adds(&draft->body, first ? "" : "}");
}

/* --- revisions --- */

int sl_strip_revision(const struct sl_strip_input *input, struct sl_arena *arena,
                      struct sl_strip_write *ret_write, struct sl_err *err)
{
    static const char *const annotations[] = {SL_ANNOTATION_HANDOVER, SL_ANNOTATION_HELD, NULL};
    SL_AUTO(draft)
    struct draft draft = {.body = SL_BUF_INIT(BODY_MAX), .done = SL_BUF_INIT(BODY_MAX)};
    struct sl_strip_write write = {.subresource = "", .content_type = MERGE_PATCH};
    struct view view = {0};
    if (read_object(input->json, &view, err) < 0) {
        return -1;
    }
    begin(&draft, &view);
    remove_marks(&draft, "annotation", view.annotations, annotations);
    sl_buf_adds(&draft.body, "}}");
    if (draft.done.len > 0 && finish(&draft, &view, arena, &write, err) < 0) {
        return -1;
    }
    *ret_write = write;
    return 0;
}

/* --- pods --- */

static bool has_gate(const struct view *view)
{
    struct sl_jiter it = sl_jiter(view->gates);
    struct sl_jval item;
    while (!it.object && sl_jiter_next(&it, NULL, &item)) {
        if (sl_jval_is(sl_jval_get(item, SL_STR("conditionType")), SL_STR(SL_GATE))) {
            return true;
        }
    }
    return false;
}

static bool is_in_service(const struct view *view)
{
    struct sl_jiter it = sl_jiter(view->conditions);
    struct sl_jval item;
    while (!it.object && sl_jiter_next(&it, NULL, &item)) {
        if (sl_jval_is(sl_jval_get(item, SL_STR("type")), SL_STR(SL_GATE))) {
            return sl_jval_is(sl_jval_get(item, SL_STR("status")), SL_STR("True"));
        }
    }
    return false;
}

static void open_gate(struct draft *draft, int64_t now)
{
    char date[SL_TIMESTAMP_SIZE];
    sl_timestamp_write(now, date);
    sl_buf_addf(&draft->body,
                "},\"status\":{\"conditions\":[{\"type\":\"" SL_GATE "\",\"status\":\"True\","
                "\"lastTransitionTime\":\"%s\",\"reason\":\"" REASON "\","
                "\"message\":\"Sluice was uninstalled: nobody takes the pod out of service\"}]}}",
                date);
    sl_buf_adds(&draft->done, "gate set True");
}

/* What follows SL_FINALIZER_PREFIX in a finalizer; absent where it is none of ours. */
static struct sl_str balancer_of(struct sl_jval finalizer, struct sl_arena *arena)
{
    struct sl_str text = sl_jval_str(finalizer, arena);
    size_t prefix = sizeof SL_FINALIZER_PREFIX - 1;
    return sl_str_starts(text, SL_STR(SL_FINALIZER_PREFIX))
               ? (struct sl_str){.p = text.p + prefix, .n = text.n - prefix}
               : (struct sl_str){0};
}

static void remove_finalizers(struct draft *draft, const struct view *view, struct sl_arena *arena)
{
    struct sl_jiter it = sl_jiter(view->finalizers);
    struct sl_jval item;
    bool first = true;
    while (!it.object && sl_jiter_next(&it, NULL, &item)) {
        if (balancer_of(item, arena).p != NULL) {
            sl_buf_adds(&draft->body, first ? ",\"$deleteFromPrimitiveList/finalizers\":[" : ",");
            sl_buf_addstr(&draft->body, item.raw);
            say(draft, "finalizer", sl_jval_str(item, arena));
            first = false;
        }
    }
    sl_buf_adds(&draft->body, first ? "" : "]");
}

int sl_strip_pod(const struct sl_strip_input *input, struct sl_arena *arena,
                 struct sl_strip_write *ret_write, struct sl_err *err)
{
    static const char *const labels[] = {SL_LABEL_POLICY, SL_LABEL_ROLLOUT, SL_LABEL_BATCH,
                                         SL_LABEL_UPGRADING, NULL};
    static const char *const annotations[] = {SL_ANNOTATION_COST, SL_ANNOTATION_DRAIN,
                                              SL_ANNOTATION_UPGRADE, NULL};
    SL_AUTO(draft)
    struct draft draft = {.body = SL_BUF_INIT(BODY_MAX), .done = SL_BUF_INIT(BODY_MAX)};
    struct sl_strip_write write = {.subresource = "", .content_type = STRATEGIC_PATCH};
    struct view view = {0};
    if (read_object(input->json, &view, err) < 0) {
        return -1;
    }
    begin(&draft, &view);
    write.first = !input->second && has_gate(&view) && !is_in_service(&view) &&
                  view.deleted.type == SL_J_ABSENT;
    if (write.first) {
        write.subresource = "status";
        open_gate(&draft, input->now);
    } else {
        remove_finalizers(&draft, &view, arena);
        remove_marks(&draft, "label", view.labels, labels);
        bool costs = sl_jval_is(sl_jval_get(view.annotations, SL_STR(SL_ANNOTATION_COST)),
                                SL_STR(SL_COST_DRAINED)); /* else it is not ours */
        remove_marks(&draft, "annotation", view.annotations, costs ? annotations : &annotations[1]);
        sl_buf_adds(&draft.body, "}}");
    }
    if (draft.done.len > 0 && finish(&draft, &view, arena, &write, err) < 0) {
        return -1;
    }
    *ret_write = write;
    return 0;
}

int sl_strip_balancers(struct sl_str pod, struct sl_arena *arena, const char **ret_names,
                       struct sl_str *ret_policy, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf names = SL_BUF_INIT(BODY_MAX);
    struct view view = {0};
    struct sl_jval item;
    if (read_object(pod, &view, err) < 0) {
        return -1;
    }
    struct sl_jiter it = sl_jiter(view.finalizers);
    while (!it.object && sl_jiter_next(&it, NULL, &item)) {
        struct sl_str name = balancer_of(item, arena);
        if (name.n > 0) {
            sl_buf_addstr(&names, name);
            sl_buf_addc(&names, '\0');
        }
    }
    sl_buf_addc(&names, '\0');
    *ret_names = sl_arena_cstr(arena, sl_buf_str(&names));
    *ret_policy =
        sl_arena_str(arena, sl_jval_str(sl_jval_get(view.labels, SL_STR(SL_LABEL_POLICY)), arena));
    return 0;
}
