/* Bytes to struct sl_review (review.h): the first step of the admission path. The tables below are
 * the list of every field that Sluice reads of a request. */
#include "core/admission/review.h"

const char *const sl_operation_names[] = {"CREATE", "UPDATE", "DELETE", "CONNECT", NULL};

#define AT(type, field) .at = offsetof(struct type, field)
#define WITHIN(table) .rows = (table), .base = 0

static const struct sl_jrow metadata_rows[] = {
    {.key = "name", AT(sl_object, name)},
    {.key = "generateName", AT(sl_object, generate_name)},
    {.key = "labels", AT(sl_object, labels)},
    {.key = "annotations", AT(sl_object, annotations)},
    {.key = "ownerReferences", AT(sl_object, owner_references)},
    {.key = "finalizers", AT(sl_object, finalizers)},
    {.key = "deletionTimestamp", AT(sl_object, deletion_timestamp)},
    {0},
};

static const struct sl_jrow spec_rows[] = {
    {.key = "readinessGates", AT(sl_object, readiness_gates)},
    {.key = "containers", AT(sl_object, containers)},
    {.key = "initContainers", AT(sl_object, init_containers)},
    {.key = "hostNetwork", AT(sl_object, host_network)},
    {.key = "terminationGracePeriodSeconds", AT(sl_object, grace_period)},
    {.key = "replicas", AT(sl_object, replicas)},
    {.key = "template", AT(sl_object, template)},
    {0},
};

static const struct sl_jrow status_rows[] = {
    {.key = "conditions", AT(sl_object, conditions)},
    {0},
};

static const struct sl_jrow precondition_rows[] = {
    {.key = "uid", AT(sl_object, delete_uid)},
    {0},
};

static const struct sl_jrow delete_rows[] = {
    {.key = "dryRun", AT(sl_object, delete_dry_run)},
    {.key = "preconditions", .at = SL_JROW_NO_VALUE, WITHIN(precondition_rows)},
    {0},
};

static const struct sl_jrow object_rows[] = {
    {.key = "metadata", AT(sl_object, metadata), WITHIN(metadata_rows)},
    {.key = "spec", AT(sl_object, spec), WITHIN(spec_rows)},
    {.key = "status", .at = SL_JROW_NO_VALUE, WITHIN(status_rows)},
    {.key = "deleteOptions", .at = SL_JROW_NO_VALUE, WITHIN(delete_rows)},
    {0},
};

/* What a request says of itself, before strings are unescaped. */
struct raw_review {
    struct sl_jval api_version, review_kind;
    struct sl_jval request, uid, group, resource, sub_resource, ns, name, username, operation,
        dry_run;
    struct sl_object object, old_object;
};

static const struct sl_jrow resource_rows[] = {
    {.key = "group", AT(raw_review, group)},
    {.key = "resource", AT(raw_review, resource)},
    {0},
};

static const struct sl_jrow user_rows[] = {
    {.key = "username", AT(raw_review, username)},
    {0},
};

static const struct sl_jrow request_rows[] = {
    {.key = "uid", AT(raw_review, uid)},
    {.key = "resource", .at = SL_JROW_NO_VALUE, WITHIN(resource_rows)},
    {.key = "subResource", AT(raw_review, sub_resource)},
    {.key = "namespace", AT(raw_review, ns)},
    {.key = "name", AT(raw_review, name)},
    {.key = "operation", AT(raw_review, operation)},
    {.key = "userInfo", .at = SL_JROW_NO_VALUE, WITHIN(user_rows)},
    {.key = "dryRun", AT(raw_review, dry_run)},
    {.key = "object",
     AT(raw_review, object.self),
     .rows = object_rows,
     .base = offsetof(struct raw_review, object)},
    {.key = "oldObject",
     AT(raw_review, old_object.self),
     .rows = object_rows,
     .base = offsetof(struct raw_review, old_object)},
    {0},
};

static const struct sl_jrow review_rows[] = {
    {.key = "apiVersion", AT(raw_review, api_version)},
    {.key = "kind", AT(raw_review, review_kind)},
    {.key = "request", AT(raw_review, request), WITHIN(request_rows)},
    {0},
};

static int read_operation(struct sl_jval value, enum sl_operation *ret_operation)
{
    for (int i = 0; i < SL_OPERATIONS; i++) {
        if (sl_jval_is(value, sl_str_from(sl_operation_names[i]))) {
            *ret_operation = (enum sl_operation)i;
            return 0;
        }
    }
    return -1;
}

static const char *what_is_wrong(const struct raw_review *raw, struct sl_str api_version)
{
    if (!sl_jval_is(raw->review_kind, SL_STR("AdmissionReview")) ||
        !(sl_str_is(api_version, "admission.k8s.io/v1") ||
          sl_str_is(api_version, "admission.k8s.io/v1beta1"))) {
        return "kind must be AdmissionReview and apiVersion admission.k8s.io/v1";
    }
    if (raw->request.type != SL_J_OBJECT) {
        return "it has no request";
    }
    if (raw->uid.type != SL_J_STRING || raw->uid.raw.n <= 2) {
        return "request.uid must be a text that is not empty";
    }
    return NULL;
}

int sl_review_parse(struct sl_str body, struct sl_arena *arena, struct sl_review *ret_review,
                    struct sl_err *err)
{
    struct raw_review raw = {0};
    if (sl_jscan(body, review_rows, &raw, NULL, err) < 0) {
        return sl_err_wrap(err, "cannot read the AdmissionReview");
    }
    struct sl_review review = {
        .api_version = sl_jval_str(raw.api_version, arena),
        .uid = sl_jval_str(raw.uid, arena),
        .group = sl_jval_str(raw.group, arena),
        .resource = sl_jval_str(raw.resource, arena),
        .sub_resource = sl_jval_str(raw.sub_resource, arena),
        .ns = sl_jval_str(raw.ns, arena),
        .name = sl_jval_str(raw.name, arena),
        .username = sl_jval_str(raw.username, arena),
        .dry_run = sl_jval_true(raw.dry_run),
        .object = raw.object,
        .old_object = raw.old_object,
    };
    const char *wrong = what_is_wrong(&raw, review.api_version);
    if (wrong == NULL && read_operation(raw.operation, &review.operation) < 0) {
        wrong = "request.operation must be CREATE, UPDATE, DELETE or CONNECT";
    }
    if (wrong != NULL) {
        return sl_err_set(err, SL_ERR_INVALID, "cannot read the AdmissionReview: %s", wrong);
    }
    *ret_review = review;
    return 0;
}

bool sl_object_there(const struct sl_object *object)
{
    return object->self.type == SL_J_OBJECT;
}

const char *sl_review_subject(const struct sl_review *review, struct sl_arena *arena)
{
    struct sl_str name = review->name;
    const char *suffix = "";
    if (name.n == 0) {
        name = sl_jval_str(review->object.name, arena);
    }
    if (name.n == 0) {
        name = sl_jval_str(review->object.generate_name, arena);
        suffix = "...";
    }
    return sl_arena_printf(arena, "%.*s%s%.*s%s", SL_STR_FMT(review->ns),
                           review->ns.n == 0 ? "" : "/", SL_STR_FMT(name), suffix);
}
