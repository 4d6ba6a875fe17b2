/* Documents to AdmissionReviews (review_input.h). The requests look as an API server's do, so that
 * what is decided about a manifest here is what the webhook decides. */
#include "cli/review_input.h"

#include <stdio.h>
#include <string.h>

#include "codec/json.h"

/* Kinds that live in no namespace, and those whose resource is not what the rule makes of them. Any
 * other kind is in a namespace and has the rule's plural. */
static const struct kind {
    const char *group, *kind, *resource; /* resource NULL: the rule's; with a subresource it is one
                                            of the core group, whatever the kind's */
    bool cluster;
} kinds[] = {
    {"", "Endpoints", "endpoints", false},
    {"", "Namespace", NULL, true},
    {"", "Node", NULL, true},
    {"", "PersistentVolume", NULL, true},
    {"admissionregistration.k8s.io", "MutatingWebhookConfiguration", NULL, true},
    {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration", NULL, true},
    {"apiextensions.k8s.io", "CustomResourceDefinition", NULL, true},
    {"apiregistration.k8s.io", "APIService", NULL, true},
    {"networking.k8s.io", "IngressClass", NULL, true},
    {"policy", "Eviction", "pods/eviction", false},
    {"rbac.authorization.k8s.io", "ClusterRole", NULL, true},
    {"rbac.authorization.k8s.io", "ClusterRoleBinding", NULL, true},
    {"scheduling.k8s.io", "PriorityClass", NULL, true},
    {"storage.k8s.io", "StorageClass", NULL, true},
};

/* What an object is and which one. */
struct identity {
    struct sl_str group, version;
    const char *kind, *ns, *name; /* ns "": in none; name NULL: to be generated */
    struct sl_str resource_group, resource_version, resource, sub_resource;
};

#define NO_IDENTITY                                                                                \
    {                                                                                              \
        .kind = "", .ns = ""                                                                       \
    }

static void find_resource(struct identity *identity, const struct sl_workload_kinds *configured,
                          struct sl_arena *arena, bool *ret_cluster)
{
    const struct sl_workload_kind *workload =
        sl_workload_by_kind(configured, identity->group, sl_str_from(identity->kind));
    identity->resource_group = identity->group;
    identity->resource_version = identity->version;
    if (workload != NULL) {
        identity->resource = workload->resource;
        *ret_cluster = false;
        return;
    }
    const struct kind *row = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (sl_str_is(identity->group, kinds[i].group) &&
            strcmp(identity->kind, kinds[i].kind) == 0) {
            row = &kinds[i];
        }
    }
    identity->resource = row != NULL && row->resource != NULL
                             ? sl_str_from(row->resource)
                             : sl_plural(sl_str_from(identity->kind), arena);
    *ret_cluster = row != NULL && row->cluster;
    identity->sub_resource = identity->resource;
    identity->resource = sl_str_cut(&identity->sub_resource, '/');
    if (identity->sub_resource.n > 0) {
        identity->resource_group = SL_STR("");
        identity->resource_version = SL_STR("v1");
    }
}

static void put(struct json_object *object, const char *key, struct json_object *value)
{
    if (json_object_object_add(object, key, value) < 0) {
        abort();
    }
}

static struct json_object *text(struct sl_str value)
{
    return json_object_new_string_len(value.p == NULL ? "" : value.p, (int)value.n);
}

/* Also writes the namespace into an object that has none, as an API server does. */
static int identify(const struct sl_document *document, const struct sl_workload_kinds *configured,
                    struct sl_arena *arena, struct identity *ret_identity, struct sl_err *err)
{
    struct json_object *metadata = sl_member(document->root, "metadata");
    struct identity identity = {
        .kind = sl_member_text(document->root, "kind"),
        .ns = sl_member_text(metadata, "namespace"),
        .name = sl_member_text(metadata, "name"),
    };
    if (identity.name == NULL && sl_member_text(metadata, "generateName") == NULL) {
        (void)sl_err_set(err, SL_ERR_INVALID, "metadata.name is missing");
        return sl_document_wrap(document, err);
    }
    struct sl_str rest = sl_str_from(sl_member_text(document->root, "apiVersion"));
    identity.group = sl_str_cut(&rest, '/');
    identity.version = rest;
    if (rest.p == NULL) { /* "v1" has no group */
        identity.version = identity.group;
        identity.group = SL_STR("");
    }
    bool cluster = false;
    find_resource(&identity, configured, arena, &cluster);
    if (cluster) {
        identity.ns = "";
    } else if (identity.ns == NULL) {
        identity.ns = "default";
        put(metadata, "namespace", text(SL_STR("default")));
    }
    *ret_identity = identity;
    return 0;
}

static bool same_object(const struct identity *a, const struct identity *b)
{
    return sl_str_eq(a->group, b->group) && strcmp(a->kind, b->kind) == 0 &&
           strcmp(a->ns, b->ns) == 0 && a->name != NULL && b->name != NULL &&
           strcmp(a->name, b->name) == 0;
}

static int find_old(const struct sl_document *document, const struct identity *identity,
                    const struct sl_wrapping *wrapping, struct sl_arena *arena,
                    struct json_object **ret_old, struct sl_err *err)
{
    for (size_t i = 0; i < wrapping->old->count; i++) {
        struct identity other = NO_IDENTITY;
        if (identify(&wrapping->old->items[i], wrapping->kinds, arena, &other, err) < 0) {
            return -1;
        }
        if (same_object(identity, &other)) {
            *ret_old = wrapping->old->items[i].root;
            return 0;
        }
    }
    (void)sl_err_set(err, SL_ERR_INVALID, "--old has no %s %s%s%s", identity->kind, identity->ns,
                     identity->ns[0] == '\0' ? "" : "/",
                     identity->name == NULL ? "without a name" : identity->name);
    return sl_document_wrap(document, err);
}

static struct json_object *group_version(struct sl_str group, struct sl_str version,
                                         const char *key, struct sl_str value)
{
    struct json_object *object = json_object_new_object();
    put(object, "group", text(group));
    put(object, "version", text(version));
    put(object, key, text(value));
    return object;
}

static struct json_object *kind_of(const struct identity *identity)
{
    return group_version(identity->group, identity->version, "kind", sl_str_from(identity->kind));
}

static struct json_object *resource_of(const struct identity *identity)
{
    return group_version(identity->resource_group, identity->resource_version, "resource",
                         identity->resource);
}

static struct json_object *make_request(const struct identity *identity, const char *operation,
                                        const char *username, size_t number)
{
    char uid[64];
    (void)snprintf(uid, sizeof uid, "00000000-0000-4000-8000-%012zu", number);
    struct json_object *user = json_object_new_object();
    put(user, "username", text(sl_str_from(username)));
    struct json_object *request = json_object_new_object();
    put(request, "uid", text(sl_str_from(uid)));
    put(request, "kind", kind_of(identity));
    put(request, "resource", resource_of(identity));
    put(request, "requestKind", kind_of(identity));
    put(request, "requestResource", resource_of(identity));
    if (identity->sub_resource.n > 0) {
        put(request, "subResource", text(identity->sub_resource));
        put(request, "requestSubResource", text(identity->sub_resource));
    }
    if (identity->name != NULL) {
        put(request, "name", text(sl_str_from(identity->name)));
    }
    if (identity->ns[0] != '\0') {
        put(request, "namespace", text(sl_str_from(identity->ns)));
    }
    put(request, "operation", text(sl_str_from(operation)));
    put(request, "userInfo", user);
    return request;
}

static int wrap(const struct sl_document *document, const struct sl_wrapping *wrapping,
                size_t number, struct sl_arena *arena, struct sl_str *ret_body, struct sl_err *err)
{
    struct identity identity = NO_IDENTITY;
    struct json_object *old = NULL;
    if (identify(document, wrapping->kinds, arena, &identity, err) < 0 ||
        (wrapping->old != NULL && find_old(document, &identity, wrapping, arena, &old, err) < 0)) {
        return -1;
    }
    int operation = wrapping->operation;
    if (operation < 0) {
        operation = old != NULL ? SL_UPDATE : SL_CREATE;
    }
    bool gone = operation == SL_DELETE; /* a DELETE has only an old object */
    SL_AUTO(sl_json) struct json_object *review = json_object_new_object();
    struct json_object *request =
        make_request(&identity, sl_operation_names[operation],
                     wrapping->username == NULL ? SL_DEFAULT_USER : wrapping->username, number);
    put(request, "object", gone ? NULL : json_object_get(document->root));
    put(request, "oldObject", json_object_get(gone ? document->root : old));
    put(request, "dryRun", json_object_new_boolean(0));
    put(review, "kind", text(SL_STR("AdmissionReview")));
    put(review, "apiVersion", text(SL_STR("admission.k8s.io/v1")));
    put(review, "request", request);
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(2 * SL_DOCUMENT_FILE_MAX);
    sl_json_write(review, &body);
    if (sl_buf_check(&body, "an AdmissionReview", err) < 0) {
        return -1;
    }
    *ret_body = sl_arena_str(arena, sl_buf_str(&body));
    return 0;
}

static int take(const struct sl_document *document, const struct sl_wrapping *wrapping,
                struct sl_arena *arena, struct sl_str *ret_body, struct sl_err *err)
{
    if (wrapping->operation >= 0 || wrapping->old != NULL || wrapping->username != NULL) {
        (void)sl_err_set(err, SL_ERR_INVALID,
                         "--operation, --old and --user are for manifests; an AdmissionReview says "
                         "all three itself");
        return sl_document_wrap(document, err);
    }
    if (document->json.p != NULL) { /* byte for byte, as the server gets it */
        *ret_body = document->json;
        return 0;
    }
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(2 * SL_DOCUMENT_FILE_MAX);
    sl_json_write(document->root, &body);
    if (sl_buf_check(&body, "an AdmissionReview", err) < 0) {
        return -1;
    }
    *ret_body = sl_arena_str(arena, sl_buf_str(&body));
    return 0;
}

int sl_review_input(const struct sl_document *document, const struct sl_wrapping *wrapping,
                    size_t number, struct sl_arena *arena, struct sl_request *ret_request,
                    struct sl_err *err)
{
    bool is_review = strcmp(sl_member_text(document->root, "kind"), "AdmissionReview") == 0;
    struct sl_str body = {0};
    struct sl_review review = {0};
    if ((is_review ? take(document, wrapping, arena, &body, err)
                   : wrap(document, wrapping, number, arena, &body, err)) < 0) {
        return -1;
    }
    if (sl_review_parse(body, arena, &review, err) < 0) {
        return sl_document_wrap(document, err);
    }
    *ret_request = (struct sl_request){.body = body, .ns = review.ns, .document = document};
    return 0;
}
