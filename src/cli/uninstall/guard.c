/* What stands in the way of an uninstall (guard.h). Of one namespace its label decides: without it
 * the webhook is not asked, and the reconciler does nothing where no object of ours is. */
#include "cli/uninstall/guard.h"

#include "codec/jscan.h"
#include "codec/timestamp.h"
#include "core/names.h"

#define TIMEOUT (15 * SL_NS_PER_S)

static const struct sl_resource webhooks = {
    .group = SL_STR_INIT("admissionregistration.k8s.io"),
    .version = SL_STR_INIT("v1"),
    .plural = SL_STR_INIT("mutatingwebhookconfigurations"),
};
static const struct sl_resource leases = {
    .group = SL_STR_INIT("coordination.k8s.io"),
    .version = SL_STR_INIT("v1"),
    .plural = SL_STR_INIT("leases"),
};
static const struct sl_resource namespaces = {
    .group = SL_STR_INIT(""),
    .version = SL_STR_INIT("v1"),
    .plural = SL_STR_INIT("namespaces"),
};

/* --- what objects say --- */

struct object_view {
    struct sl_jval name, labels, webhooks, holder, duration, renewed;
};

#define AT(field) .at = offsetof(struct object_view, field)

static const struct sl_jrow metadata_rows[] = {
    {.key = "name", AT(name)},
    {.key = "labels", AT(labels)},
    {0},
};
static const struct sl_jrow spec_rows[] = {
    {.key = "holderIdentity", AT(holder)},
    {.key = "leaseDurationSeconds", AT(duration)},
    {.key = "renewTime", AT(renewed)},
    {0},
};
static const struct sl_jrow object_rows[] = {
    {.key = "metadata", .at = SL_JROW_NO_VALUE, .rows = metadata_rows},
    {.key = "spec", .at = SL_JROW_NO_VALUE, .rows = spec_rows},
    {.key = "webhooks", AT(webhooks)},
    {0},
};

/* By the names of its webhooks, whatever it is called itself. */
int sl_guard_webhook(struct sl_str json, struct sl_buf *out, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct object_view view = {0};
    struct sl_jval item;
    if (sl_jscan(json, object_rows, &view, NULL, err) < 0) {
        return -1;
    }
    struct sl_jiter it = sl_jiter(view.webhooks);
    while (!it.object && sl_jiter_next(&it, NULL, &item)) {
        struct sl_str name = sl_jval_str(sl_jval_get(item, SL_STR("name")), &arena);
        if (sl_str_ends(name, SL_STR("." SL_API_GROUP))) {
            struct sl_str configuration = sl_jval_str(view.name, &arena);
            sl_buf_addf(out,
                        "the webhook is still installed: kubectl delete "
                        "mutatingwebhookconfiguration %.*s\n",
                        SL_STR_FMT(configuration));
            return 0;
        }
    }
    return 0;
}

int sl_guard_lease(struct sl_str json, int64_t now, struct sl_arena *arena, const char **ret_holder,
                   struct sl_err *err)
{
    struct object_view view = {0};
    int64_t seconds = 0;
    int64_t renewed = 0;
    if (sl_jscan(json, object_rows, &view, NULL, err) < 0) {
        return -1;
    }
    struct sl_str holder = sl_jval_str(view.holder, arena);
    bool held = holder.n > 0 && sl_jval_int(view.duration, &seconds) && seconds > 0 &&
                seconds < INT32_MAX &&
                sl_timestamp_parse(sl_jval_str(view.renewed, arena), &renewed) &&
                now < renewed + seconds * SL_NS_PER_S;
    *ret_holder = held ? sl_arena_cstr(arena, sl_arena_str(arena, holder)) : "";
    return 0;
}

/* --- what the cluster has --- */

static int visit_webhook(void *ctx, struct sl_str json, struct sl_err *err)
{
    return sl_guard_webhook(json, ctx, err);
}

static int check_webhooks(const struct sl_cluster *cluster, struct sl_buf *out, struct sl_err *err)
{
    return sl_cluster_list(cluster, &webhooks, NULL, NULL, visit_webhook, out, err) < 0
               ? sl_err_wrap(err, "cannot see whether the webhook is installed")
               : 0;
}

/* An object that need not be there. */
static int get(const struct sl_cluster *cluster, const struct sl_resource *resource,
               struct sl_str ns, struct sl_str name, struct sl_reply *ret_reply, bool *ret_found,
               struct sl_err *err)
{
    const struct sl_request request = {
        .verb = SL_GET, .resource = *resource, .ns = ns, .name = name, .timeout = TIMEOUT};
    int result = sl_client_call(cluster->client, &request, ret_reply, err);
    *ret_found = result == 0;
    return result < 0 && err->kind != SL_ERR_NOT_FOUND ? -1 : 0;
}

/* *ret_holder: who holds the Lease; "" nobody. */
static int check_lease(const struct sl_cluster *cluster, const struct sl_guard_options *options,
                       struct sl_arena *arena, const char **ret_holder, struct sl_err *err)
{
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    bool found = false;
    *ret_holder = "";
    if (get(cluster, &leases, options->lease_ns, options->lease, &reply, &found, err) < 0) {
        return sl_err_wrap(err, "cannot see whether a reconciler runs");
    }
    return found ? sl_guard_lease(sl_buf_str(&reply.body), options->now, arena, ret_holder, err)
                 : 0;
}

static int check_label(const struct sl_cluster *cluster, const char *ns, struct sl_buf *out,
                       struct sl_err *err)
{
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    struct object_view view = {0};
    bool found = false;
    if (get(cluster, &namespaces, (struct sl_str){0}, sl_str_from(ns), &reply, &found, err) < 0) {
        return -1;
    }
    if (!found) {
        return sl_err_set(err, SL_ERR_NOT_FOUND, "there is no namespace %s", ns);
    }
    if (sl_jscan(sl_buf_str(&reply.body), object_rows, &view, NULL, err) < 0) {
        return -1;
    }
    if (sl_jval_is(sl_jval_get(view.labels, SL_STR(SL_LABEL_MANAGED)), SL_STR("true"))) {
        sl_buf_addf(out,
                    "the webhook still looks after the namespace: kubectl label namespace "
                    "%s " SL_LABEL_MANAGED "-\n",
                    ns);
    }
    return 0;
}

struct count {
    size_t count;
};

static int visit_any(void *ctx, struct sl_str json, struct sl_err *err)
{
    struct count *count = ctx;
    (void)json;
    (void)err;
    count->count++;
    return 0;
}

/* Objects of ours that a reconciler would go on with. */
static int check_objects(const struct sl_cluster *cluster, const char *ns, struct sl_buf *out,
                         struct sl_err *err)
{
    const struct sl_resource *const resources[] = {&sl_traffic_policies, &sl_rollouts};
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
        struct count found = {0};
        if (sl_cluster_list(cluster, resources[i], ns, NULL, visit_any, &found, err) < 0 &&
            err->kind != SL_ERR_NOT_FOUND) {
            return -1;
        }
        if (found.count > 0) {
            sl_buf_addf(out,
                        "the reconciler goes on with %zu %.*s of the namespace: kubectl delete "
                        "%.*s.%.*s --all -n %s, and wait until it has let go of the pods\n",
                        found.count, SL_STR_FMT(resources[i]->plural),
                        SL_STR_FMT(resources[i]->plural), SL_STR_FMT(resources[i]->group), ns);
        }
    }
    return 0;
}

int sl_guard(const struct sl_cluster *cluster, const struct sl_guard_options *options,
             struct sl_buf *out, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const char *holder = "";
    if (options->ns == NULL ? check_webhooks(cluster, out, err) < 0
                            : check_label(cluster, options->ns, out, err) < 0) {
        return -1;
    }
    if (check_lease(cluster, options, &arena, &holder, err) < 0) {
        return -1;
    }
    if (holder[0] == '\0') {
        return 0;
    }
    if (options->ns != NULL) {
        return check_objects(cluster, options->ns, out, err);
    }
    sl_buf_addf(out,
                "the reconciler %s holds the Lease %.*s: kubectl -n %.*s scale deployment "
                "sluice-reconciler --replicas=0\n",
                holder, SL_STR_FMT(options->lease), SL_STR_FMT(options->lease_ns));
    return 0;
}
