/* sluice reconciler: the role that rolls workloads (run/reconciler/reconciler.h) as a command. */
#include "cli/role.h"
#include "codec/names.h"
#include "run/reconciler/reconciler.h"

struct reconciler_values {
    struct sl_role_values role;
    bool leader_elect;
    const char *ns, *kubeconfig, *context;
};

#define AT(field) .at = offsetof(struct reconciler_values, field)

static const struct sl_option options[] = {
    SL_ROLE_OPTIONS("check the file, and exit: 0 right, 2 not"),
    {.name = "leader-elect",
     .type = SL_O_FLAG,
     AT(leader_elect),
     .help = "act only while this replica holds the Lease"},
    {.name = "namespace",
     .letter = 'n',
     .type = SL_O_TEXT,
     AT(ns),
     .value = "NS",
     .help = "look at this namespace alone"},
    {.name = "kubeconfig",
     .type = SL_O_TEXT,
     AT(kubeconfig),
     .value = "FILE",
     .help = "how to reach the cluster; without it $KUBECONFIG,\n"
             "the pod's own account, ~/.kube/config"},
    {.name = "context",
     .type = SL_O_TEXT,
     AT(context),
     .value = "NAME",
     .help = "a context of it, instead of the current one"},
    {0},
};

static int run_file(const struct sl_command *self, const char *path, bool check_only,
                    const void *values_)
{
    const struct reconciler_values *values = values_;
    SL_AUTO(sl_reconciler_config) struct sl_reconciler_config config = {.log_level = 0};
    struct sl_err err = SL_ERR_INIT;
    if (sl_reconciler_config_load(path, &config, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    if (check_only) {
        return SL_EXIT_YES;
    }
    const struct sl_reconciler_options reconciler = {
        .config = &config,
        .leader_elect = values->leader_elect,
        .ns = values->ns,
        .kubeconfig = values->kubeconfig,
        .context = values->context,
    };
    return sl_reconciler_run(&reconciler);
}

static int run_reconciler(const struct sl_command *self, const void *values_,
                          struct sl_operands operands)
{
    static const struct sl_role role = {sl_reconciler_config_reference, run_file};
    (void)operands;
    const struct reconciler_values *values = values_;
    const char *wrong = values->ns == NULL ? NULL : sl_name_dns_label(sl_str_from(values->ns));
    if (wrong != NULL) {
        return sl_command_misused(self, "--namespace %s", wrong);
    }
    return sl_role_run(self, &role, &values->role, values);
}

const struct sl_command sl_cmd_reconciler = {
    .name = "reconciler",
    .operands = "",
    .summary = "Roll workloads batch by batch",
    .details = "\nRuns until SIGTERM, which stops within a second and gives the Lease up; a\n"
               "second one stops at once. The log is one JSON object a line on standard error.\n",
    .options = options,
    .values_size = sizeof(struct reconciler_values),
    .run = run_reconciler,
};
