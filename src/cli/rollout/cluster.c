/* The cluster of a rollout command (cluster.h). */
#include "cli/rollout/cluster.h"

#include "cli/documents.h"
#include "cli/rollout/kinds.h"
#include "codec/jscan.h"
#include "codec/json.h"
#include "codec/names.h"
#include "codec/selector.h"
#include "core/names.h"

#define PAGE "limit=500"
#define QUERY_MAX (64 * SL_KIB)
/* A person waits for the answer; kubectl's own default would be for ever. */
#define TIMEOUT (15 * SL_NS_PER_S)

const struct sl_resource sl_rollouts = {
    .group = SL_STR_INIT(SL_API_GROUP),
    .version = SL_STR_INIT("v1alpha1"),
    .plural = SL_STR_INIT("rollouts"),
};
const struct sl_resource sl_traffic_policies = {
    .group = SL_STR_INIT(SL_API_GROUP),
    .version = SL_STR_INIT("v1alpha1"),
    .plural = SL_STR_INIT("trafficpolicies"),
};
const struct sl_resource sl_pods = {
    .group = SL_STR_INIT(""),
    .version = SL_STR_INIT("v1"),
    .plural = SL_STR_INIT("pods"),
};
const struct sl_resource sl_replica_sets = {
    .group = SL_STR_INIT("apps"),
    .version = SL_STR_INIT("v1"),
    .plural = SL_STR_INIT("replicasets"),
};
const struct sl_resource sl_controller_revisions = {
    .group = SL_STR_INIT("apps"),
    .version = SL_STR_INIT("v1"),
    .plural = SL_STR_INIT("controllerrevisions"),
};

void sl_cluster_cleanup(struct sl_cluster *cluster)
{
    sl_client_close(cluster->client);
    sl_kube_config_cleanup(&cluster->config);
    *cluster = (struct sl_cluster){0};
}

/* A name is a part of the request's path: ".." would ask for another one. */
static int check_name(const char *what, struct sl_str name, const char *(*rule)(struct sl_str),
                      struct sl_err *err)
{
    const char *broken = rule(name);
    return broken == NULL ? 0
                          : sl_err_set(err, SL_ERR_INVALID, "the %s \"%.*s\" %s", what,
                                       SL_STR_FMT(name), broken);
}

int sl_cluster_open(const struct sl_cluster_values *values, struct sl_cluster *ret_cluster,
                    struct sl_err *err)
{
    const struct sl_kube_config_options where = {.kubeconfig = values->kubeconfig,
                                                 .context = values->context};
    if (sl_kube_config_load(&where, &ret_cluster->config, err) < 0) {
        return -1;
    }
    const struct sl_client_options options = {.config = &ret_cluster->config,
                                              .user_agent = "sluice/" SL_VERSION " rollout"};
    ret_cluster->ns = values->ns == NULL ? ret_cluster->config.ns : values->ns;
    if (check_name("namespace", sl_str_from(ret_cluster->ns), sl_name_dns_label, err) < 0) {
        return -1;
    }
    return sl_client_open(&options, &ret_cluster->client, err);
}

int sl_cluster_get(const struct sl_cluster *cluster, const struct sl_resource *resource,
                   struct sl_str name, struct sl_reply *ret_reply, struct sl_err *err)
{
    if (check_name("name", name, sl_name_dns_subdomain, err) < 0) {
        return -1;
    }
    const struct sl_request request = {.verb = SL_GET,
                                       .resource = *resource,
                                       .ns = sl_str_from(cluster->ns),
                                       .name = name,
                                       .timeout = TIMEOUT};
    return sl_client_call(cluster->client, &request, ret_reply, err);
}

/* --- lists --- */

struct page {
    struct sl_jval items, token;
};

static const struct sl_jrow page_metadata_rows[] = {
    {.key = "continue", .at = offsetof(struct page, token)},
    {0},
};
static const struct sl_jrow page_rows[] = {
    {.key = "metadata", .at = SL_JROW_NO_VALUE, .rows = page_metadata_rows},
    {.key = "items", .at = offsetof(struct page, items)},
    {0},
};

/* Passes the objects of one page on, and replaces `token` by what asks for the next. */
static int read_page(struct sl_str body, struct sl_buf *token,
                     int (*visit)(void *ctx, struct sl_str json, struct sl_err *err), void *ctx,
                     struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct page page = {0};
    if (sl_jscan(body, page_rows, &page, NULL, err) < 0) {
        return sl_err_wrap(err, "cannot read the list");
    }
    if (page.items.type != SL_J_ARRAY && page.items.type != SL_J_NULL) {
        return sl_err_set(err, SL_ERR_INVALID, "the server's answer is no list");
    }
    struct sl_jiter it = sl_jiter(page.items);
    struct sl_jval item;
    while (sl_jiter_next(&it, NULL, &item)) {
        if (visit(ctx, item.raw, err) < 0) {
            return -1;
        }
    }
    sl_buf_reset(token);
    sl_buf_addstr(token, sl_jval_str(page.token, &arena));
    return sl_buf_check(token, "the list's continue token", err);
}

static void write_query(const char *selector, const struct sl_buf *token, struct sl_buf *query)
{
    sl_buf_reset(query);
    sl_buf_adds(query, PAGE);
    if (selector != NULL && selector[0] != '\0') {
        sl_buf_adds(query, "&labelSelector=");
        sl_url_escape(sl_str_from(selector), query);
    }
    if (token->len > 0) {
        sl_buf_adds(query, "&continue=");
        sl_url_escape(sl_buf_str(token), query);
    }
}

int sl_cluster_list(const struct sl_cluster *cluster, const struct sl_resource *resource,
                    const char *ns, const char *selector,
                    int (*visit)(void *ctx, struct sl_str json, struct sl_err *err), void *ctx,
                    struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf token = SL_BUF_INIT(QUERY_MAX);
    SL_AUTO(sl_buf) struct sl_buf query = SL_BUF_INIT(4 * QUERY_MAX);
    do {
        SL_AUTO(sl_reply) struct sl_reply reply = {0};
        write_query(selector, &token, &query);
        if (sl_buf_check(&query, "the query", err) < 0) {
            return -1;
        }
        const struct sl_request request = {.verb = SL_LIST,
                                           .resource = *resource,
                                           .ns = sl_str_from(ns),
                                           .query = sl_buf_str(&query),
                                           .timeout = TIMEOUT};
        if (sl_client_call(cluster->client, &request, &reply, err) < 0 ||
            read_page(sl_buf_str(&reply.body), &token, visit, ctx, err) < 0) {
            return -1;
        }
    } while (token.len > 0);
    return 0;
}

/* --- the Rollout and its workload --- */

int sl_cluster_decode(void *ctx, struct sl_str json, struct sl_record **ret_record,
                      struct sl_err *err)
{
    (void)ctx;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_json) struct json_object *object = NULL;
    struct sl_workload_kind own;
    struct sl_workload_kinds kinds = {0};
    if (sl_json_parse(json, &object, NULL) == 0) { /* else the record says what is wrong with it */
        kinds = sl_kinds_of(object, &arena, &own);
    }
    return sl_rollout_record_decode(json, &kinds, ret_record, err);
}

int sl_cluster_rollout(const struct sl_cluster *cluster, const char *name,
                       struct sl_record **ret_record, struct sl_err *err)
{
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    if (sl_cluster_get(cluster, &sl_rollouts, sl_str_from(name), &reply, err) < 0) {
        return -1;
    }
    return sl_cluster_decode(NULL, sl_buf_str(&reply.body), ret_record, err);
}

struct sl_resource sl_cluster_resource(const struct sl_rollout_record *rollout,
                                       struct sl_arena *arena)
{
    const struct sl_workload_ref *ref = &rollout->spec.workload;
    struct sl_str version = ref->api_version;
    if (ref->group.n > 0) {
        (void)sl_str_cut(&version, '/');
    }
    return (struct sl_resource){
        .group = ref->group,
        .version = version,
        .plural = sl_plural(ref->kind, arena),
    };
}

int sl_cluster_workload(const struct sl_cluster *cluster, const struct sl_rollout_record *rollout,
                        struct sl_reply *ret_reply, struct sl_record **ret_record,
                        struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    if (rollout->problem[0] != '\0') {
        return sl_err_set(err, SL_ERR_INVALID, "Rollout %s: %s", rollout->record.name,
                          rollout->problem);
    }
    struct sl_resource resource = sl_cluster_resource(rollout, &arena);
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    if (sl_cluster_get(cluster, &resource, rollout->spec.workload.name, &reply, err) < 0 ||
        sl_workload_record_decode(sl_buf_str(&reply.body), ret_record, err) < 0) {
        return -1;
    }
    *ret_reply = reply;
    reply = (struct sl_reply){0};
    return 0;
}

static const struct sl_jrow selector_spec_rows[] = {
    {.key = "selector", .at = 0},
    {0},
};
static const struct sl_jrow selector_rows[] = {
    {.key = "spec", .at = SL_JROW_NO_VALUE, .rows = selector_spec_rows},
    {0},
};

int sl_cluster_selector(struct sl_str workload, struct sl_arena *arena, const char **ret_selector,
                        struct sl_err *err)
{
    struct sl_jval found = {0};
    SL_AUTO(sl_json) struct json_object *object = NULL;
    if (sl_jscan(workload, selector_rows, &found, NULL, err) < 0) {
        return -1;
    }
    if (found.type != SL_J_OBJECT) {
        *ret_selector = "";
        return 0;
    }
    if (sl_json_parse(found.raw, &object, err) < 0) {
        return -1;
    }
    struct sl_selector selector = {0};
    struct sl_problems problems = SL_PROBLEMS_INIT(arena);
    struct sl_field spec = SL_FIELD(NULL, "spec");
    struct sl_field at = SL_FIELD(&spec, "selector");
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(QUERY_MAX);
    sl_selector_decode(object, &at, &selector, &problems);
    if (problems.count > 0) {
        sl_problems_write(&problems, &text);
        return sl_err_set(err, SL_ERR_INVALID, "the workload's %s", sl_buf_str(&text).p);
    }
    sl_selector_write(&selector, &text);
    *ret_selector = sl_arena_cstr(arena, sl_buf_str(&text));
    return sl_buf_check(&text, "the workload's selector", err);
}
