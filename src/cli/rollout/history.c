/* Revisions of a workload (history.h). */
#include "cli/rollout/history.h"

#include <string.h>

#include "codec/jscan.h"

#define CAUSE "kubernetes.io/change-cause"
#define CAUSE_PATH "/metadata/annotations/kubernetes.io~1change-cause"
#define IMAGES_MAX (64 * SL_KIB)

void sl_history_cleanup(struct sl_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        sl_record_free(history->items[i].record);
    }
    free(history->items);
    sl_arena_cleanup(&history->arena);
    *history = (struct sl_history){0};
}

/* --- reading --- */

struct annotated {
    struct sl_jval annotations, cause;
};

static const struct sl_jrow annotation_rows[] = {
    {.key = CAUSE, .at = offsetof(struct annotated, cause)},
    {0},
};
static const struct sl_jrow metadata_rows[] = {
    {.key = "annotations", .at = offsetof(struct annotated, annotations), .rows = annotation_rows},
    {0},
};
static const struct sl_jrow object_rows[] = {
    {.key = "metadata", .at = SL_JROW_NO_VALUE, .rows = metadata_rows},
    {0},
};

static const struct sl_jrow template_spec_rows[] = {
    {.key = "containers", .at = 0},
    {0},
};
static const struct sl_jrow template_rows[] = {
    {.key = "spec", .at = SL_JROW_NO_VALUE, .rows = template_spec_rows},
    {0},
};

static int read_images(struct sl_history *history, const char *template, const char **ret_images,
                       struct sl_err *err)
{
    struct sl_jval containers = {0};
    struct sl_jval container;
    SL_AUTO(sl_buf) struct sl_buf images = SL_BUF_INIT(IMAGES_MAX);
    if (sl_jscan(sl_str_from(template), template_rows, &containers, NULL, err) < 0) {
        return -1;
    }
    struct sl_jiter it = sl_jiter(containers);
    while (sl_jiter_next(&it, NULL, &container)) {
        struct sl_jval image = sl_jval_get(container, SL_STR("image"));
        sl_buf_adds(&images, images.len == 0 ? "" : ",");
        sl_buf_addstr(&images, sl_jval_str(image, &history->arena));
    }
    *ret_images = sl_arena_cstr(&history->arena, sl_buf_str(&images));
    return sl_buf_check(&images, "the list of images", err);
}

/* Keeps the order: the list comes in no order, and is short. */
static void insert(struct sl_history *history, struct sl_history_item item)
{
    struct sl_history_item *items = reallocarray(history->items, history->count + 1, sizeof *items);
    if (items == NULL) {
        abort();
    }
    size_t at = history->count++;
    history->items = items;
    while (at > 0 &&
           sl_revision_of(items[at - 1].record)->revision > sl_revision_of(item.record)->revision) {
        items[at] = items[at - 1];
        at--;
    }
    items[at] = item;
}

int sl_history_add(struct sl_history *history, struct sl_str json, bool replica_set,
                   const char *workload_uid, struct sl_err *err)
{
    SL_AUTO(sl_record) struct sl_record *record = NULL;
    struct annotated annotated = {0};
    struct sl_history_item item = {0};
    sl_record_decode *decode = replica_set ? sl_replica_set_decode : sl_controller_revision_decode;
    if (decode(json, &record, err) < 0) {
        return -1;
    }
    if (strcmp(record->owner_uid, workload_uid) != 0) {
        return 0;
    }
    if (sl_jscan(json, object_rows, &annotated, NULL, err) < 0 ||
        read_images(history, sl_revision_of(record)->template, &item.images, err) < 0) {
        return -1;
    }
    item.cause = sl_arena_cstr(&history->arena, sl_jval_str(annotated.cause, &history->arena));
    item.record = sl_steal(&record);
    insert(history, item);
    return 0;
}

struct visit {
    struct sl_history *history;
    const char *workload_uid;
    bool replica_sets;
};

static int visit(void *ctx, struct sl_str json, struct sl_err *err)
{
    struct visit *visit = ctx;
    return sl_history_add(visit->history, json, visit->replica_sets, visit->workload_uid, err);
}

int sl_history_read(const struct sl_cluster *cluster, const struct sl_rollout_record *rollout,
                    const struct sl_record *workload, struct sl_str json,
                    struct sl_history *history, struct sl_err *err)
{
    const char *selector = "";
    struct visit ctx = {
        .history = history,
        .workload_uid = workload->uid,
        .replica_sets = sl_str_is(rollout->spec.workload.kind, "Deployment"),
    };
    if (sl_cluster_selector(json, &history->arena, &selector, err) < 0) {
        return -1;
    }
    return sl_cluster_list(cluster, ctx.replica_sets ? &sl_replica_sets : &sl_controller_revisions,
                           cluster->ns, selector, visit, &ctx, err);
}

/* --- choosing --- */

int sl_history_pick(const struct sl_history *history, const char *template_id, int64_t number,
                    const struct sl_history_item **ret_item, struct sl_err *err)
{
    for (size_t i = history->count; i-- > 0;) {
        const struct sl_revision_record *revision = sl_revision_of(history->items[i].record);
        bool wanted = number == 0 ? strcmp(revision->template_id, template_id) != 0
                                  : revision->revision == number;
        if (wanted) {
            *ret_item = &history->items[i];
            return 0;
        }
    }
    if (number == 0) {
        return sl_err_set(err, SL_ERR_NOT_FOUND, "there is no earlier revision to go back to");
    }
    return sl_err_set(err, SL_ERR_NOT_FOUND,
                      "there is no revision %lld; 'history' shows which there are",
                      (long long)number);
}

bool sl_history_is(const struct sl_history_item *item, struct sl_str name)
{
    const struct sl_revision_record *revision = sl_revision_of(item->record);
    if (name.n == 0) {
        return false;
    }
    if (revision->replica_set) {
        return sl_str_is(name, revision->template_id);
    }
    return sl_str_is(name, item->record->name) || sl_str_is(name, revision->hash);
}

/* --- writing --- */

static void write_cause(const struct annotated *now, const char *cause, struct sl_buf *out)
{
    bool there = now->annotations.type == SL_J_OBJECT;
    if (cause[0] == '\0') {
        if (now->cause.type != SL_J_ABSENT) {
            sl_buf_adds(out, ",{\"op\":\"remove\",\"path\":\"" CAUSE_PATH "\"}");
        }
        return;
    }
    sl_buf_adds(out, there
                         ? ",{\"op\":\"add\",\"path\":\"" CAUSE_PATH "\",\"value\":\""
                         : ",{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":{\"" CAUSE
                           "\":\"");
    sl_buf_add_json(out, sl_str_from(cause));
    sl_buf_adds(out, there ? "\"}" : "\"}}");
}

int sl_history_write(const struct sl_history_item *item, const struct sl_record *workload,
                     struct sl_str json, struct sl_buf *out, struct sl_err *err)
{
    struct annotated now = {0};
    if (sl_jscan(json, object_rows, &now, NULL, err) < 0) {
        return -1;
    }
    sl_buf_adds(out, "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"");
    sl_buf_add_json(out, sl_str_from(workload->uid));
    sl_buf_adds(out, "\"},{\"op\":\"replace\",\"path\":\"/metadata/resourceVersion\",\"value\":\"");
    sl_buf_add_json(out, sl_str_from(workload->resource_version));
    sl_buf_adds(out, "\"},{\"op\":\"replace\",\"path\":\"/spec/template\",\"value\":");
    sl_buf_adds(out, sl_revision_of(item->record)->template);
    sl_buf_addc(out, '}');
    write_cause(&now, item->cause, out);
    sl_buf_addc(out, ']');
    return sl_buf_check(out, "the patch", err);
}
