/* A request as an HTTP method, path and query (client.h). Pure. Source: Kubernetes API concepts,
 * "Standard API terminology" and "Resource URIs". */
#include "codec/jscan.h"
#include "core/names.h"
#include "kube/client_private.h"

const char *const sl_verb_names[] = {"get",    "list",  "watch",  "create",
                                     "update", "patch", "delete", NULL};

const char *const sl_request_methods[] = {"GET", "GET", "GET", "POST", "PUT", "PATCH", "DELETE"};

static void add_segment(struct sl_str text, struct sl_buf *out)
{
    if (text.n > 0) {
        sl_buf_addc(out, '/');
        sl_url_escape(text, out);
    }
}

static void add_parameter(const char *text, char *separator, struct sl_buf *out)
{
    sl_buf_addf(out, "%c%s", *separator, text);
    *separator = '&';
}

void sl_request_path(const struct sl_request *request, struct sl_buf *out)
{
    sl_buf_adds(out, request->resource.group.n == 0 ? "/api" : "/apis");
    add_segment(request->resource.group, out);
    add_segment(request->resource.version, out);
    if (request->ns.n > 0) {
        sl_buf_adds(out, "/namespaces");
        add_segment(request->ns, out);
    }
    add_segment(request->resource.plural, out);
    add_segment(request->name, out);
    add_segment(request->subresource, out);

    bool is_change = request->verb == SL_CREATE_OBJECT || request->verb == SL_UPDATE_OBJECT ||
                     request->verb == SL_PATCH_OBJECT;
    char separator = '?';
    if (request->verb == SL_WATCH) {
        add_parameter("watch=true", &separator, out);
    }
    if (is_change) {
        const char *manager = request->manager == NULL ? SL_FIELD_MANAGER : request->manager;
        add_parameter("fieldManager=", &separator, out);
        sl_url_escape(sl_str_from(manager), out);
    }
    if (request->dry_run) {
        add_parameter("dryRun=All", &separator, out);
    }
    if (request->query.n > 0) {
        sl_buf_addc(out, separator);
        sl_buf_addstr(out, request->query);
    }
}

/* A second DELETE without the uid could take away a successor of the same name. */
static bool names_uid(struct sl_str body)
{
    struct sl_jval uid = {0};
    static const struct sl_jrow uid_rows[] = {{.key = "uid", .at = 0}, {0}};
    static const struct sl_jrow rows[] = {
        {.key = "preconditions", .at = SL_JROW_NO_VALUE, .rows = uid_rows}, {0}};
    return sl_jscan(body, rows, &uid, NULL, NULL) == 0 && uid.type == SL_J_STRING;
}

bool sl_request_repeatable(const struct sl_request *request)
{
    static const bool by_verb[SL_VERBS] = {
        [SL_GET] = true, [SL_LIST] = true, [SL_PATCH_OBJECT] = true};
    return by_verb[request->verb] ||
           (request->verb == SL_DELETE_OBJECT && names_uid(request->body));
}
