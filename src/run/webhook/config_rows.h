/* Private to run: the decode table of the webhook's configuration file (config_rows.c), apart from
 * what is checked across its keys (config.c). */
#ifndef SL_RUN_WEBHOOK_CONFIG_ROWS_H
#define SL_RUN_WEBHOOK_CONFIG_ROWS_H

#include "run/config_file.h"
#include "run/webhook/config.h"

/* What the table decodes into: the configuration, and what becomes part of it after checks. */
struct sl_config_document {
    struct sl_config config;
    struct sl_list workloads; /* of struct sl_config_workload */
    bool has_paths;           /* policies.paths is written */
};

extern const struct sl_decode_row sl_config_rows[];

#endif
