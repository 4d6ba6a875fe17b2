/* Private to run: the decode table of the configuration file (config_rows.c), apart from what is
 * checked across its keys (config.c). */
#ifndef SL_RUN_CONFIG_ROWS_H
#define SL_RUN_CONFIG_ROWS_H

#include "run/config.h"

struct sl_config_workload {
    struct sl_str api_version, kind, resource, partition_path;
    struct sl_intstr hold_value;
};

/* What the table decodes into: the configuration, and what becomes part of it after checks. */
struct sl_config_document {
    struct sl_config config;
    struct sl_list workloads; /* of struct sl_config_workload */
};

extern const struct sl_decode_row sl_config_rows[];

#endif
