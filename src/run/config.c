/* The configuration file (config.h): what is built from the decoded table (config_rows.c), and the
 * rules that no single key can state. Read once at start, before any thread. */
#include "run/config.h"

#include "base/file.h"
#include "codec/yaml.h"
#include "core/workload.h"
#include "run/config_rows.h"
#include "run/file_problems.h"

/* "spec.updateStrategy.partition": the field updateStrategy, and partition within it. */
static struct sl_hold hold_at(struct sl_str path, struct sl_str value)
{
    struct sl_hold hold = {.path = path, .value = value};
    (void)sl_str_cut(&hold.path, '.');
    hold.field = sl_str_cut(&hold.path, '.');
    return hold;
}

static struct sl_str hold_text(struct sl_arena *arena, struct sl_intstr value)
{
    return sl_str_from(sl_arena_printf(arena, value.percent ? "\"%d%%\"" : "%d", (int)value.value));
}

static void add_workloads(struct sl_config_document *document, struct sl_problems *problems)
{
    struct sl_arena *arena = problems->arena;
    const struct sl_config_workload *written = document->workloads.items;
    struct sl_workload_kind *kinds =
        sl_arena_zalloc(arena, document->workloads.count, sizeof *kinds);
    struct sl_workload_kinds before = {.items = kinds};
    const struct sl_field admission = SL_FIELD(NULL, "admission");
    const struct sl_field list = SL_FIELD(&admission, "workloads");
    for (size_t i = 0; i < document->workloads.count; i++) {
        struct sl_str group = sl_api_group(written[i].api_version);
        if (sl_workload_by_kind(&before, group, written[i].kind) != NULL ||
            sl_workload_by_resource(&before, group, written[i].resource) != NULL) {
            const struct sl_field at = SL_FIELD_AT(&list, i);
            sl_problem_add(problems, &at, "is a kind that is built in or described already");
            continue;
        }
        kinds[before.count++] = (struct sl_workload_kind){
            .group = group,
            .kind = written[i].kind,
            .resource = written[i].resource,
            .hold = hold_at(written[i].partition_path, hold_text(arena, written[i].hold_value)),
        };
    }
    document->config.admission.workloads = before;
}

static void check_across(const struct sl_config *config, struct sl_problems *problems)
{
    const struct sl_field listen = SL_FIELD(NULL, "listen");
    const struct sl_field tls = SL_FIELD(NULL, "tls");
    const struct sl_field limits = SL_FIELD(NULL, "limits");
    const struct sl_field health_port = SL_FIELD(&listen, "healthPort");
    const struct sl_field client_names = SL_FIELD(&tls, "clientNames");
    const struct sl_field in_flight = SL_FIELD(&limits, "maxInFlightBytes");
    if (config->listen.port != 0 && config->listen.port == config->listen.health_port) {
        sl_problem_add(problems, &health_port, "must differ from listen.port");
    }
    if (config->tls.client_names.count > 0 && config->tls.client_ca.n == 0) {
        sl_problem_add(problems, &client_names,
                       "needs tls.clientCA: without it no client is asked for a certificate");
    }
    if (config->limits.max_in_flight < config->limits.max_body) {
        sl_problem_add(problems, &in_flight,
                       "must be at least limits.maxBodyBytes, or the largest request never fits");
    }
}

static void decode(struct json_object *root, struct sl_config_document *document,
                   struct sl_problems *problems)
{
    sl_decode(root, sl_config_rows, document, NULL, problems);
    if (problems->count == 0) { /* a value with a problem is zero: it would give further ones */
        add_workloads(document, problems);
        check_across(&document->config, problems);
    }
}

static int decode_document(const char *name, const struct sl_yaml_docs *docs,
                           struct sl_config_document *document, struct sl_err *err)
{
    struct sl_problems problems = SL_PROBLEMS_INIT(&document->config.arena);
    struct json_object *root =
        docs == NULL || sl_yaml_count(docs) == 0 ? NULL : sl_yaml_root(docs, 0);
    if (docs != NULL && sl_yaml_count(docs) > 1) {
        struct sl_yaml_mark mark = sl_yaml_locate(docs, 1, "");
        return sl_err_set(err, SL_ERR_INVALID, "%s:%u:%u: must be one YAML document", name,
                          mark.line, mark.column);
    }
    decode(root, document, &problems);
    return sl_file_problems(name, root == NULL ? NULL : docs, 0, &problems, err);
}

static int build(const char *name, const struct sl_yaml_docs *docs, struct sl_config *ret_config,
                 struct sl_err *err)
{
    struct sl_config_document document = {.config = {.log_level = SL_LOG_INFO}};
    if (decode_document(name, docs, &document, err) < 0) {
        sl_config_cleanup(&document.config);
        return -1;
    }
    *ret_config = document.config;
    return 0;
}

int sl_config_default(struct sl_config *ret_config, struct sl_err *err)
{
    return build("the defaults", NULL, ret_config, err);
}

int sl_config_parse(const char *name, struct sl_str text, struct sl_config *ret_config,
                    struct sl_err *err)
{
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    if (sl_file_parse(name, text, &docs, err) < 0) {
        return -1;
    }
    return build(name, docs, ret_config, err);
}

int sl_config_load(const char *path, struct sl_config *ret_config, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_CONFIG_MAX);
    if (sl_file_read(path, &text, err) < 0) {
        return -1;
    }
    return sl_config_parse(path, sl_buf_str(&text), ret_config, err);
}

void sl_config_cleanup(struct sl_config *config)
{
    sl_arena_cleanup(&config->arena);
}

void sl_config_reference(struct sl_buf *out)
{
    sl_decode_reference(sl_config_rows, 0, out);
}
