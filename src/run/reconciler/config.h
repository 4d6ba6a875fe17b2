/* The configuration file of the reconciler role: one YAML document, decoded by the table in
 * config.c, which is also what `sluice reconciler --print-config` prints.
 *
 * Built by one thread and then only read. Texts in it end with a NUL that is not counted, and hold
 * no other. */
#ifndef SL_RUN_RECONCILER_CONFIG_H
#define SL_RUN_RECONCILER_CONFIG_H

#include "base/log.h"
#include "codec/decode.h"
#include "core/workload.h"

struct sl_reconciler_config {
    struct sl_arena arena; /* holds every text below */

    struct sl_str ns; /* namespace: the only one; absent: all */
    struct {          /* listen */
        struct sl_str health_address;
        int64_t health_port; /* 0: a free one, logged at start */
    } listen;
    struct {                /* kube */
        int64_t qps, burst; /* qps 0: no limit */
        int64_t timeout;    /* nanoseconds */
    } kube;
    struct { /* leaderElection */
        struct sl_str ns, name;
        int64_t duration, renew_deadline, retry; /* nanoseconds */
    } election;
    struct sl_workload_kinds workloads; /* besides the built-in ones */
    struct sl_str *workload_versions;   /* of the API, one for each of them */
    int log_level;                      /* enum sl_log_level */
};

/* As sl_config_load() and sl_config_parse() (run/webhook/config.h). */
SL_MUST_USE int sl_reconciler_config_load(const char *path, struct sl_reconciler_config *ret_config,
                                          struct sl_err *err);
SL_MUST_USE int sl_reconciler_config_parse(const char *name, struct sl_str text,
                                           struct sl_reconciler_config *ret_config,
                                           struct sl_err *err);
void sl_reconciler_config_cleanup(struct sl_reconciler_config *config);

/* Appends the commented reference of every key with its default. */
void sl_reconciler_config_reference(struct sl_buf *out);

#endif
