/* The route table of the admission path (admit.h), the guards that hold for every route, and what
 * the mutators share. */
#include "core/admission/admit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/admission/mutators.h"
#include "core/names.h"

const char *const sl_outcome_names[] = {"allowed", "patched", "denied", NULL};

#define NO_FIELD "<nil>" /* of the whole object: what the API server's field.Path writes */

#define ANY_WORKLOAD NULL /* group and resource are those of a row of workload.h */

static const struct route {
    enum sl_endpoint endpoint;
    enum sl_operation operation;
    const char *group, *resource, *sub_resource;
    sl_mutator *mutate;
    sl_refusal *refuse; /* asked first, whatever is known of the namespace; NULL: nobody is */
} routes[] = {
    {SL_MUTATE, SL_CREATE, "", "pods", "", sl_pod_create, sl_pod_refuse},
    {SL_MUTATE, SL_UPDATE, "", "pods", "", sl_pod_update, NULL},
    {SL_MUTATE, SL_CREATE, "", "pods", "eviction", sl_evict, NULL},
    {SL_MUTATE, SL_CREATE, ANY_WORKLOAD, ANY_WORKLOAD, "", sl_workload_create, NULL},
    {SL_MUTATE, SL_UPDATE, ANY_WORKLOAD, ANY_WORKLOAD, "", sl_workload_update, NULL},
    {SL_VALIDATE, SL_CREATE, SL_API_GROUP, "trafficpolicies", "", sl_validate_traffic_policy, NULL},
    {SL_VALIDATE, SL_UPDATE, SL_API_GROUP, "trafficpolicies", "", sl_validate_traffic_policy, NULL},
    {SL_VALIDATE, SL_CREATE, SL_API_GROUP, "rollouts", "", sl_validate_rollout, NULL},
    {SL_VALIDATE, SL_UPDATE, SL_API_GROUP, "rollouts", "", sl_validate_rollout, NULL},
};

static bool route_matches(const struct route *route, enum sl_endpoint endpoint,
                          const struct sl_review *review, const struct sl_admit_config *config)
{
    if ((route->endpoint & endpoint) == 0 || route->operation != review->operation ||
        !sl_str_eq(review->sub_resource, sl_str_from(route->sub_resource))) {
        return false;
    }
    if (route->resource == ANY_WORKLOAD) {
        return sl_workload_by_resource(&config->workloads, review->group, review->resource) != NULL;
    }
    return sl_str_is(review->group, route->group) && sl_str_is(review->resource, route->resource);
}

static const struct route *find_route(const struct sl_admission *work, enum sl_endpoint endpoint)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (route_matches(&routes[i], endpoint, &work->review, work->config)) {
            return &routes[i];
        }
    }
    return NULL;
}

static bool namespace_ignored(const struct sl_admission *work)
{
    const struct sl_str *ignored = work->config->ignore_namespaces.items;
    for (size_t i = 0; i < work->config->ignore_namespaces.count; i++) {
        if (sl_str_eq(ignored[i], work->review.ns)) {
            return true;
        }
    }
    return false;
}

/* Why an object is none of our business at all; NULL: it is. */
static const char *guard(const struct sl_admission *work)
{
    const struct sl_review *review = &work->review;
    if (!sl_object_there(&review->object)) {
        return "the request carries no object";
    }
    if (review->object.deletion_timestamp.type == SL_J_STRING) {
        return "it is being deleted";
    }
    if (sl_str_eq(review->ns, work->config->own_namespace)) {
        return "it is in Sluice's own namespace";
    }
    if (namespace_ignored(work)) {
        return "its namespace is on the ignore list";
    }
    return NULL;
}

/* Why an object of such a namespace is not changed; NULL: it is. */
static const char *guard_namespace(const struct sl_admission *work)
{
    struct sl_namespace ns = sl_snapshot_namespace(work->known.policies, work->review.ns);
    if (ns.known && ns.terminating) {
        return "its namespace is being deleted";
    }
    if (ns.known && !ns.managed) {
        return "its namespace is not labelled " SL_LABEL_MANAGED ": \"true\"";
    }
    return NULL;
}

static const char *no_route(const struct sl_review *review)
{
    if (review->operation == SL_DELETE) {
        return "a DELETE is never changed";
    }
    if (review->sub_resource.n > 0) {
        return "Sluice does not handle this subresource";
    }
    return "Sluice does not handle this kind or operation";
}

static int decide(struct sl_admission *work, enum sl_endpoint endpoint, struct sl_err *err)
{
    struct sl_decision *decision = &work->decision;
    const struct route *route = find_route(work, endpoint);
    if (route == NULL) {
        decision->why = no_route(&work->review);
        return 0;
    }
    /* policies and rollouts are checked wherever they are: a bad one is bad in any namespace */
    if (route->endpoint == SL_MUTATE && (decision->why = guard(work)) != NULL) {
        return 0;
    }
    if (route->refuse != NULL && route->refuse(work)) {
        return 0;
    }
    if (route->endpoint == SL_MUTATE && (decision->why = guard_namespace(work)) != NULL) {
        return 0;
    }
    if (route->mutate(work, err) < 0 || sl_patch_finish(&work->patch, &decision->patch, err) < 0) {
        err->kind = SL_ERR_INTERNAL; /* a readable request that cannot be answered is our fault */
        return -1;
    }
    if (decision->patch.n > 0) {
        decision->outcome = SL_PATCHED;
    }
    return 0;
}

int sl_admit(struct sl_admission *work, enum sl_endpoint endpoint,
             const struct sl_admit_config *config, const struct sl_known *known, struct sl_str body,
             struct sl_err *err)
{
    sl_admission_reset(work);
    work->config = config;
    work->known = *known;
    if (sl_review_parse(body, &work->arena, &work->review, err) < 0) {
        return -1;
    }
    return decide(work, endpoint, err);
}

void sl_admission_reset(struct sl_admission *work)
{
    sl_arena_reset(&work->arena);
    sl_patch_cleanup(&work->patch);
    work->review = (struct sl_review){0};
    work->decision = (struct sl_decision){.outcome = SL_ALLOWED};
}

void sl_admission_cleanup(struct sl_admission *work)
{
    sl_patch_cleanup(&work->patch);
    sl_arena_cleanup(&work->arena);
}

void sl_admission_warn(struct sl_admission *work, const char *format, ...)
{
    struct sl_decision *decision = &work->decision;
    if (decision->warning_count == SL_WARNINGS_MAX) {
        return;
    }
    char text[SL_WARNING_BYTES + 1];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0) {
        return;
    }
    size_t end = 0;
    for (size_t next = 1; end < strlen(text) && next > 0; end += next) {
        next = sl_utf8_length(text + end, strlen(text) - end); /* 0: a character that was cut */
    }
    decision->warnings[decision->warning_count++] =
        sl_arena_cstr(&work->arena, (struct sl_str){.p = text, .n = end});
}

int sl_admission_deny(struct sl_admission *work, int code, const char *reason, const char *message)
{
    struct sl_decision *decision = &work->decision;
    decision->outcome = SL_DENIED;
    decision->code = code;
    decision->reason = reason;
    decision->message = message;
    decision->kind = work->review.resource;
    decision->name = work->review.name.n > 0 ? work->review.name
                                             : sl_jval_str(work->review.object.name, &work->arena);
    decision->why = message;
    sl_patch_cleanup(&work->patch);
    return 0;
}

void sl_admission_cause(struct sl_admission *work, const char *reason, const char *field,
                        const char *message)
{
    struct sl_decision *decision = &work->decision;
    if (decision->cause_count < sizeof decision->causes / sizeof decision->causes[0]) {
        decision->causes[decision->cause_count++] =
            (struct sl_cause){.reason = reason, .field = field, .message = message};
    }
}

void sl_admission_invalid(struct sl_admission *work, struct sl_str kind, const char *field,
                          const char *message)
{
    work->decision.kind = kind;
    sl_admission_cause(work, "FieldValueInvalid", field[0] == '\0' ? NO_FIELD : field, message);
}

struct sl_str sl_json_quote(struct sl_arena *arena, struct sl_str text)
{
    SL_AUTO(sl_buf) struct sl_buf quoted = SL_BUF_INIT(6 * text.n + 2);
    sl_buf_addc(&quoted, '"');
    sl_buf_add_json(&quoted, text);
    sl_buf_addc(&quoted, '"');
    return sl_arena_str(arena, sl_buf_str(&quoted));
}

void sl_patch_map(struct sl_admission *work, const char *pointer, struct sl_jval map,
                  const struct sl_map_entry *entries, size_t count)
{
    SL_AUTO(sl_buf) struct sl_buf whole = SL_BUF_INIT(SL_PATCH_MAX);
    for (size_t i = 0; i < count; i++) {
        struct sl_str value = sl_json_quote(&work->arena, entries[i].value);
        if (map.type != SL_J_OBJECT) {
            sl_buf_adds(&whole, i == 0 ? "{" : ",");
            sl_buf_addstr(&whole, sl_json_quote(&work->arena, entries[i].key));
            sl_buf_addc(&whole, ':');
            sl_buf_addstr(&whole, value);
        } else if (!sl_jval_is(sl_jval_get(map, entries[i].key), entries[i].value)) {
            sl_patch_add(&work->patch, sl_pointer_add(&work->arena, pointer, entries[i].key),
                         value);
        }
    }
    if (map.type != SL_J_OBJECT && count > 0) {
        sl_buf_addc(&whole, '}');
        sl_patch_add(&work->patch, pointer, sl_buf_str(&whole));
    }
}

bool sl_is_reconciler(const struct sl_admission *work)
{
    return work->config->reconciler_account.n > 0 &&
           sl_str_eq(work->config->reconciler_account, work->review.username);
}
