/* The configuration file: any text is a configuration that keeps its rules, or is refused with a
 * sentence. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/webhook/config.h"

static void check_text(struct sl_str text)
{
    if (text.p != NULL && (text.p[text.n] != '\0' || strlen(text.p) != text.n)) {
        abort(); /* paths and names go to the system as C strings */
    }
}

static void check_texts(struct sl_list list)
{
    const struct sl_str *items = list.items;
    for (size_t i = 0; i < list.count; i++) {
        check_text(items[i]);
    }
}

static void check_rules(const struct sl_config *config)
{
    check_text(config->listen.address);
    check_text(config->listen.health_address);
    check_text(config->tls.directory);
    check_text(config->tls.client_ca);
    check_texts(config->tls.client_names);
    check_texts(config->policy_paths);
    check_texts(config->admission.ignore_namespaces);
    if (config->limits.idle_timeout <= 90 * SL_NS_PER_S ||
        config->limits.max_in_flight < config->limits.max_body ||
        config->limits.max_connections < 1 || config->listen.port < 0 ||
        config->listen.port > UINT16_MAX) {
        abort();
    }
    for (size_t i = 0; i < config->admission.workloads.count; i++) {
        const struct sl_workload_kind *kind = &config->admission.workloads.items[i];
        if (kind->hold.field.n == 0 || kind->hold.value.n == 0) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SL_AUTO(sl_config) struct sl_config config = {.log_level = 0};
    struct sl_err err = SL_ERR_INIT;
    struct sl_str text = {.p = (const char *)data, .n = size};
    if (sl_config_parse("config.yaml", text, &config, &err) < 0) {
        if (err.kind != SL_ERR_INVALID || strncmp(err.msg, "config.yaml:", 12) != 0) {
            abort();
        }
        return 0;
    }
    check_rules(&config);
    return 0;
}
