/* What the commands of all long-running roles have alike: --config, --check-config and
 * --print-config. */
#ifndef SL_CLI_ROLE_H
#define SL_CLI_ROLE_H

#include "cli/command.h"

struct sl_role_values { /* the first member of what the command's options fill */
    const char *config;
    bool check_config, print_config;
};

/* Their rows in a table of options. */
#define SL_ROLE_OPTIONS(check_help)                                                                \
    {.name = "config",                                                                             \
     .letter = 'c',                                                                                \
     .type = SL_O_TEXT,                                                                            \
     .at = offsetof(struct sl_role_values, config),                                                \
     .value = "FILE",                                                                              \
     .help = "the configuration, one YAML file"},                                                  \
        {.name = "check-config",                                                                   \
         .type = SL_O_FLAG,                                                                        \
         .at = offsetof(struct sl_role_values, check_config),                                      \
         .help = (check_help)},                                                                    \
    {                                                                                              \
        .name = "print-config", .type = SL_O_FLAG,                                                 \
        .at = offsetof(struct sl_role_values, print_config),                                       \
        .help = "print every key with its default and meaning, and exit"                           \
    }

/* What the role does with a file; `context` is the command's own. Returns the exit status. */
struct sl_role {
    void (*reference)(struct sl_buf *out);
    int (*run)(const struct sl_command *self, const char *path, bool check_only,
               const void *context);
};

/* Prints the reference, or runs the role with the file. */
int sl_role_run(const struct sl_command *self, const struct sl_role *role,
                const struct sl_role_values *values, const void *context);

#endif
