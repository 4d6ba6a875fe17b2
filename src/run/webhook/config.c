/* The configuration file of the webhook (config.h): what is built from the decoded table
 * (config_rows.c), and the rules that no single key can state. Read once at start, before any
 * thread. */
#include "run/webhook/config.h"

#include "run/webhook/config_rows.h"

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

static void finish(void *document_, struct sl_problems *problems)
{
    struct sl_config_document *document = document_;
    const struct sl_field admission = SL_FIELD(NULL, "admission");
    const struct sl_field list = SL_FIELD(&admission, "workloads");
    document->config.admission.workloads =
        sl_config_workload_kinds(&document->workloads, &list, problems);
    if (document->config.kube.enabled && !document->has_paths) {
        document->config.policy_paths = (struct sl_list){0};
    }
    check_across(&document->config, problems);
}

static const struct sl_config_role role = {.rows = sl_config_rows, .finish = finish};

/* Hands out what was decoded, or releases it. */
static int done(int status, struct sl_config_document *document, struct sl_config *ret_config)
{
    if (status < 0) {
        sl_config_cleanup(&document->config);
        return -1;
    }
    *ret_config = document->config;
    return 0;
}

int sl_config_default(struct sl_config *ret_config, struct sl_err *err)
{
    struct sl_config_document document = {.config = {.log_level = SL_LOG_INFO}};
    return done(sl_config_file_default(&role, &document.config.arena, &document, err), &document,
                ret_config);
}

int sl_config_parse(const char *name, struct sl_str text, struct sl_config *ret_config,
                    struct sl_err *err)
{
    struct sl_config_document document = {.config = {.log_level = SL_LOG_INFO}};
    return done(sl_config_file_parse(&role, name, text, &document.config.arena, &document, err),
                &document, ret_config);
}

int sl_config_load(const char *path, struct sl_config *ret_config, struct sl_err *err)
{
    struct sl_config_document document = {.config = {.log_level = SL_LOG_INFO}};
    return done(sl_config_file_load(&role, path, &document.config.arena, &document, err), &document,
                ret_config);
}

void sl_config_cleanup(struct sl_config *config)
{
    sl_arena_cleanup(&config->arena);
}

void sl_config_reference(struct sl_buf *out)
{
    sl_decode_reference(sl_config_rows, 0, out);
}
