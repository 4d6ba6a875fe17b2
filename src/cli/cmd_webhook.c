/* sluice webhook: the admission webhook's role (run/webhook/webhook.h) as a command. */
#include <stdio.h>

#include "cli/role.h"
#include "run/webhook/inputs.h"
#include "run/webhook/webhook.h"

static const struct sl_option options[] = {
    SL_ROLE_OPTIONS("check the file, and the policy files, certificate and\n"
                    "kubeconfig it names where they are there, without\n"
                    "asking the API server, and exit: 0 right, 2 not"),
    {0},
};

/* The API server is not asked: a configuration is checked where it cannot be reached, too. */
static int check_cluster(const struct sl_command *self, const struct sl_config *config)
{
    SL_AUTO(sl_buf) struct sl_buf target = SL_BUF_INIT(SL_KIB);
    struct sl_err err = SL_ERR_INIT;
    if (sl_webhook_check_cluster(config, &target, &err) < 0) {
        if (err.kind != SL_ERR_NOT_FOUND) {
            return sl_command_failed(self, &err, SL_EXIT_BAD);
        }
        (void)fprintf(stderr, "sluice webhook: not checked here: %s\n", err.msg);
    } else if (target.len > 0) {
        (void)fprintf(stderr,
                      "sluice webhook: not checked here: the policies of %s, which are watched "
                      "when it runs\n",
                      target.data);
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
    int status = check_cluster(self, config);
    if (status != SL_EXIT_YES) {
        return status;
    }
    if (sl_inputs_key_is_exposed(config)) {
        (void)fprintf(
            stderr,
            "sluice webhook: warning: %s/tls.key can be read by every user; chmod 0600 it\n",
            config->tls.directory.p);
    }
    return SL_EXIT_YES;
}

static int run_file(const struct sl_command *self, const char *path, bool check_only,
                    const void *context)
{
    (void)context;
    SL_AUTO(sl_config) struct sl_config config = {0};
    struct sl_err err = SL_ERR_INIT;
    if (sl_config_load(path, &config, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return check_only ? check_inputs(self, &config) : sl_webhook_run(&config);
}

static int run_webhook(const struct sl_command *self, const void *values,
                       struct sl_operands operands)
{
    static const struct sl_role role = {sl_config_reference, run_file};
    (void)operands;
    return sl_role_run(self, &role, values, NULL);
}

const struct sl_command sl_cmd_webhook = {
    .name = "webhook",
    .operands = "",
    .summary = "Serve admission reviews over HTTPS",
    .details = "\nRuns until SIGTERM, which drains; a second one stops at once. SIGHUP reads the\n"
               "policy files again. The log is one JSON object a line on standard error.\n",
    .options = options,
    .values_size = sizeof(struct sl_role_values),
    .run = run_webhook,
};
