/* sluice version: what this binary is. */
#include "cli/command.h"

static const struct sl_option options[] = {{0}};

static int run_version(const struct sl_command *self, const void *values,
                       struct sl_operands operands)
{
    (void)values;
    (void)operands;
    struct sl_err err = SL_ERR_INIT;
    if (sl_command_print(SL_STR("sluice " SL_VERSION "\n"), &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

const struct sl_command sl_cmd_version = {
    .name = "version",
    .operands = "",
    .summary = "Print the version",
    .options = options,
    .run = run_version,
};
