/* The configuration file of the webhook role: one YAML document, decoded by one table
 * (config_rows.c), which is also what `sluice webhook --print-config` prints. Unknown keys are
 * refused with line and column.
 *
 * A configuration is built by one thread and then only read, by any. Texts in it end with a NUL
 * that is not counted, and hold no other. */
#ifndef SL_RUN_WEBHOOK_CONFIG_H
#define SL_RUN_WEBHOOK_CONFIG_H

#include "base/log.h"
#include "core/admission/admit.h"

struct sl_config {
    struct sl_arena arena; /* holds every text below */

    struct { /* listen */
        struct sl_str address, health_address;
        int64_t port, health_port; /* 0: a free one, logged at start */
    } listen;
    struct {                                /* tls */
        struct sl_str directory, client_ca; /* client_ca absent: clients are not asked */
        struct sl_list client_names;        /* of struct sl_str; none: any the CA signed */
    } tls;
    struct sl_list policy_paths; /* policies.paths: files and directories, of struct sl_str */
    struct {                     /* policies.kube */
        bool enabled;
        struct sl_str kubeconfig, context; /* absent: as sl_kube_config_load() finds them */
        int64_t qps, burst;                /* qps 0: no limit */
    } kube;
    struct sl_admit_config admission;
    struct {                                   /* limits */
        int64_t max_body, max_in_flight;       /* bytes */
        int64_t max_connections, threads;      /* threads 0: one per CPU of the cgroup's quota */
        int64_t request_timeout, idle_timeout; /* nanoseconds */
    } limits;
    struct {                    /* shutdown */
        int64_t delay, timeout; /* nanoseconds */
    } shutdown;
    int log_level; /* enum sl_log_level */
};

/* The defaults alone: what the CLI's offline commands use without --config. */
SL_MUST_USE int sl_config_default(struct sl_config *ret_config, struct sl_err *err);

/* Reads and checks a file of at most 256 KiB. Relative paths in it are as they are
 * given to the process. Errors: NOT_FOUND, DENIED, INVALID: "FILE: line L, column C: …" for what is
 * no YAML, else "FILE:LINE:COLUMN: path: what is wrong" (all problems, one a line). */
SL_MUST_USE int sl_config_load(const char *path, struct sl_config *ret_config, struct sl_err *err);

/* The same from text; `name` stands for the file in errors. */
SL_MUST_USE int sl_config_parse(const char *name, struct sl_str text, struct sl_config *ret_config,
                                struct sl_err *err);
void sl_config_cleanup(struct sl_config *config);

/* Appends the commented reference of every key with its default. */
void sl_config_reference(struct sl_buf *out);

#endif
