/* sluice webhook: the admission webhook's role (run/webhook.h) as a command. */
#include <stdio.h>

#include "cli/command.h"
#include "run/inputs.h"
#include "run/webhook.h"

#define REFERENCE_MAX (64 * SL_KIB)

struct webhook_values {
    const char *config;
    bool check_config, print_config;
};

#define AT(field) .at = offsetof(struct webhook_values, field)

static const struct sl_option options[] = {
    {.name = "config",
     .letter = 'c',
     .type = SL_O_TEXT,
     AT(config),
     .value = "FILE",
     .help = "the configuration, one YAML file"},
    {.name = "check-config",
     .type = SL_O_FLAG,
     AT(check_config),
     .help = "check the file, and the policies and certificate it\n"
             "names where they are there, and exit: 0 right, 2 not"},
    {.name = "print-config",
     .type = SL_O_FLAG,
     AT(print_config),
     .help = "print every key with its default and meaning, and exit"},
    {0},
};

static int print_config(const struct sl_command *self)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(REFERENCE_MAX);
    struct sl_err err = SL_ERR_INIT;
    sl_config_reference(&text);
    if (sl_buf_check(&text, "the reference", &err) < 0 ||
        sl_command_print(sl_buf_str(&text), &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

/* A configuration is checked before it is deployed, too: where the paths of the pod that will serve
 * are not there, that is said and is no mistake. */
static int check_inputs(const struct sl_command *self, const struct sl_config *config)
{
    static int (*const checks[])(const struct sl_config *config, struct sl_err *err) = {
        sl_webhook_check_policies,
        sl_webhook_check_certificate,
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        struct sl_err err = SL_ERR_INIT;
        if (checks[i](config, &err) == 0) {
            continue;
        }
        if (err.kind != SL_ERR_NOT_FOUND) {
            return sl_command_failed(self, &err, SL_EXIT_BAD);
        }
        (void)fprintf(stderr, "sluice webhook: not checked here: %s\n", err.msg);
    }
    if (sl_inputs_key_is_exposed(config)) {
        (void)fprintf(
            stderr,
            "sluice webhook: warning: %s/tls.key can be read by every user; chmod 0600 it\n",
            config->tls.directory.p);
    }
    return SL_EXIT_YES;
}

static int run_webhook(const struct sl_command *self, const void *values_,
                       struct sl_operands operands)
{
    (void)operands;
    const struct webhook_values *values = values_;
    if (values->print_config) {
        return print_config(self);
    }
    if (values->config == NULL) {
        return sl_command_misused(self, "--config is missing");
    }
    SL_AUTO(sl_config) struct sl_config config = {0};
    struct sl_err err = SL_ERR_INIT;
    if (sl_config_load(values->config, &config, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    if (!values->check_config) {
        return sl_webhook_run(&config);
    }
    return check_inputs(self, &config);
}

const struct sl_command sl_cmd_webhook = {
    .name = "webhook",
    .operands = "",
    .summary = "Serve admission reviews over HTTPS",
    .details = "\nRuns until SIGTERM, which drains; a second one stops at once. SIGHUP reads the\n"
               "policies again. The log is one JSON object a line on standard error.\n",
    .options = options,
    .values_size = sizeof(struct webhook_values),
    .run = run_webhook,
};
