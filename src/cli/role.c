/* The options that all roles have (role.h). */
#include "cli/role.h"

#define REFERENCE_MAX (64 * SL_KIB)

static int print_config(const struct sl_command *self, const struct sl_role *role)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(REFERENCE_MAX);
    struct sl_err err = SL_ERR_INIT;
    role->reference(&text);
    if (sl_buf_check(&text, "the reference", &err) < 0 ||
        sl_command_print(sl_buf_str(&text), &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

int sl_role_run(const struct sl_command *self, const struct sl_role *role,
                const struct sl_role_values *values, const void *context)
{
    if (values->print_config) {
        return print_config(self, role);
    }
    if (values->config == NULL) {
        return sl_command_misused(self, "--config is missing");
    }
    return role->run(self, values->config, values->check_config, context);
}
