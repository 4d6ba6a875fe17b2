/* The ReplicaSet that a hand-over makes for a Deployment's template (actions.h, FACTS 9). It is
 * what the Deployment controller would have made, so that it takes it for its own in the end.
 * Source: getNewReplicaSet of kubernetes/pkg/controller/deployment/sync.go. */
#include <inttypes.h>

#include "core/names.h"
#include "core/rolling/actions_internal.h"
#include "core/rolling/pairs.h"

#define HASH_LABEL "pod-template-hash"

static const char *const template_labels[] = {"metadata", "labels", NULL};
static const char *const selector_labels[] = {"matchLabels", NULL};

/* Appends an object with the hash among the labels that `path` leads to, made where they are not
 * there. An empty path: the object is the labels. */
static void write_labelled(struct sl_jval object, const char *const *path, const char *hash,
                           struct sl_buf *out)
{
    const char *key = path[0] == NULL ? HASH_LABEL : path[0];
    struct sl_jiter it = sl_jiter(object);
    struct sl_jval name;
    struct sl_jval value;
    sl_buf_addc(out, '{');
    while (it.object && sl_jiter_next(&it, &name, &value)) {
        if (!sl_jval_is(name, sl_str_from(key))) {
            sl_buf_addstr(out, name.raw);
            sl_buf_addc(out, ':');
            sl_buf_addstr(out, value.raw);
            sl_buf_addc(out, ',');
        }
    }
    sl_buf_addf(out, "\"%s\":", key);
    if (path[0] == NULL) {
        sl_buf_add_json_string(out, sl_str_from(hash));
    } else {
        write_labelled(sl_jval_get(object, sl_str_from(key)), path + 1, hash, out);
    }
    sl_buf_addc(out, '}');
}

static void write_metadata(struct sl_action_work *work, struct sl_jval template)
{
    const struct sl_workload_record *workload = work->input->workload;
    struct sl_buf *out = work->body;
    struct sl_jval metadata = sl_jval_get(template, SL_STR("metadata"));
    static const char *const itself[] = {NULL};

    sl_buf_adds(out, "{\"name\":");
    sl_buf_add_json_string(out,
                           sl_str_from(sl_arena_printf(work->arena, "%s-%s", workload->record.name,
                                                       work->action->hash)));
    sl_buf_adds(out, ",\"namespace\":");
    sl_buf_add_json_string(out, sl_str_from(workload->record.ns));
    sl_buf_adds(out, ",\"labels\":");
    write_labelled(sl_jval_get(metadata, SL_STR("labels")), itself, work->action->hash, out);
    sl_buf_addf(out,
                ",\"annotations\":{\"" SL_ANNOTATION_REVISION "\":\"%" PRId64 "\","
                "\"" SL_ANNOTATION_DESIRED "\":\"%" PRId32 "\","
                "\"" SL_ANNOTATION_MAX "\":\"%" PRId32 "\"}",
                work->action->revision_number, workload->replicas, workload->replicas);
    sl_buf_adds(out, ",\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
                     "\"name\":");
    sl_buf_add_json_string(out, sl_str_from(workload->record.name));
    sl_buf_adds(out, ",\"uid\":");
    sl_buf_add_json_string(out, sl_str_from(workload->record.uid));
    sl_buf_adds(out, ",\"controller\":true,\"blockOwnerDeletion\":true}]}");
}

int sl_action_write_replica_set_new(struct sl_action_work *work, struct sl_err *err)
{
    const struct sl_workload_record *workload = work->input->workload;
    const char *hash = work->action->hash;
    struct sl_buf *out = work->body;
    struct sl_jval template;
    struct sl_jval spec;
    int64_t min_ready = 0;
    if (sl_pairs_template(sl_str_from(workload->template), &template, err) < 0 ||
        sl_jscan(sl_str_from(workload->spec), NULL, NULL, &spec, err) < 0) {
        return -1;
    }
    struct sl_jval selector = sl_jval_get(spec, SL_STR("selector"));
    if (selector.type != SL_J_OBJECT) {
        return sl_err_set(err, SL_ERR_INVALID, "the Deployment %s has no selector",
                          workload->record.name);
    }
    (void)sl_jval_int(sl_jval_get(spec, SL_STR("minReadySeconds")), &min_ready);
    sl_buf_adds(out, "{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"metadata\":");
    write_metadata(work, template);
    sl_buf_addf(
        out, ",\"spec\":{\"replicas\":0,\"minReadySeconds\":%" PRId64 ",\"selector\":", min_ready);
    write_labelled(selector, selector_labels, hash, out);
    sl_buf_adds(out, ",\"template\":");
    write_labelled(template, template_labels, hash, out);
    sl_buf_adds(out, "}}");
    return 0;
}
