/* Private to run: the configuration file of a role, which is one YAML document and one decode
 * table. What every role does alike is here: reading, problems with their place, and the groups of
 * keys that several tables have (config_file.c). */
#ifndef SL_RUN_CONFIG_FILE_H
#define SL_RUN_CONFIG_FILE_H

#include "codec/decode.h"
#include "codec/intstr.h"
#include "core/workload.h"

#define SL_CONFIG_MAX (256 * SL_KIB) /* bytes of a file */

struct sl_config_role {
    const struct sl_decode_row *rows;
    /* What no single key can state. Called when every key by itself is right: a value with a
     * problem is zero, and would give further ones. */
    void (*finish)(void *document, struct sl_problems *problems);
};

/* Decodes `text` into the zeroed struct at `document`, which the role's table describes; texts live
 * in the arena. `name` stands for the file in errors. Errors:
 * INVALID "FILE:LINE:COLUMN: path: what is wrong", all problems, one a line. */
SL_MUST_USE int sl_config_file_parse(const struct sl_config_role *role, const char *name,
                                     struct sl_str text, struct sl_arena *arena, void *document,
                                     struct sl_err *err);
SL_MUST_USE int sl_config_file_default(const struct sl_config_role *role, struct sl_arena *arena,
                                       void *document, struct sl_err *err);
/* The same of a file. Errors: NOT_FOUND, DENIED, INTERNAL besides. */
SL_MUST_USE int sl_config_file_load(const struct sl_config_role *role, const char *path,
                                    struct sl_arena *arena, void *document, struct sl_err *err);

/* --- checks and groups of keys that several roles have --- */

const char *sl_config_check_text(struct sl_str text);    /* not empty, no NUL */
const char *sl_config_check_address(struct sl_str text); /* IPv4 or IPv6 */

#define SL_CONFIG_PORT_MAX 65535

/* The rows of listen.healthAddress and listen.healthPort in a table for `document`. */
#define SL_CONFIG_HEALTH_ROWS(document, address_field, port_field)                                 \
    {.key = "healthAddress",                                                                       \
     .type = SL_D_STRING,                                                                          \
     .at = offsetof(document, address_field),                                                      \
     .present = SL_DECODE_NO_PRESENT,                                                              \
     .fallback = "0.0.0.0",                                                                        \
     .check = sl_config_check_address,                                                             \
     .doc = "Where /livez, /readyz and /metrics are served over plain HTTP."},                     \
    {                                                                                              \
        .key = "healthPort", .type = SL_D_INT, .at = offsetof(document, port_field),               \
        .present = SL_DECODE_NO_PRESENT, .max = SL_CONFIG_PORT_MAX, .fallback = "8081",            \
        .doc = "The port of it; 0 takes a free one, which is logged at start."                     \
    }

/* The group `log`, of an int: enum sl_log_level. */
extern const struct sl_decode_row sl_config_log_rows[];

/* An element of `workloads`: a kind besides the built-in ones. */
struct sl_config_workload {
    struct sl_str api_version, kind, resource, partition_path;
    struct sl_intstr hold_value;
};
extern const struct sl_decode_row sl_config_workload_rows[];
#define SL_CONFIG_WORKLOADS_MAX 32

/* Makes kinds of the elements of the list at `at`; one that is there twice is a problem. */
struct sl_workload_kinds sl_config_workload_kinds(const struct sl_list *written,
                                                  const struct sl_field *at,
                                                  struct sl_problems *problems);

#endif
