/* The cluster that a rollout command talks to, and the objects it reads there: what all of them
 * begin with. One thread. */
#ifndef SL_CLI_ROLLOUT_CLUSTER_H
#define SL_CLI_ROLLOUT_CLUSTER_H

#include "cli/command.h"
#include "core/records/rollout.h"
#include "core/records/workload.h"
#include "kube/client.h"

/* The options that every one of them has. */
struct sl_cluster_values {
    const char *ns, *kubeconfig, *context;
};

/* Their rows, for a struct sl_cluster_values that is `at_` bytes into the struct of values. */
#define SL_CLUSTER_OPTIONS(at_)                                                                    \
    {.name = "namespace",                                                                          \
     .letter = 'n',                                                                                \
     .type = SL_O_TEXT,                                                                            \
     .at = (at_) + offsetof(struct sl_cluster_values, ns),                                         \
     .value = "NS",                                                                                \
     .help = "the namespace (default: that of the context)"},                                      \
        {.name = "kubeconfig",                                                                     \
         .type = SL_O_TEXT,                                                                        \
         .at = (at_) + offsetof(struct sl_cluster_values, kubeconfig),                             \
         .value = "FILE",                                                                          \
         .help = "how to reach the cluster (default: $KUBECONFIG,\n"                               \
                 "in a pod its service account, ~/.kube/config)"},                                 \
    {                                                                                              \
        .name = "context", .type = SL_O_TEXT,                                                      \
        .at = (at_) + offsetof(struct sl_cluster_values, context), .value = "NAME",                \
        .help = "the context of the kubeconfig (default: the current)"                             \
    }

#define SL_CLI_FIELD_MANAGER "kubectl-sluice" /* whose the fields are that a person had set */

struct sl_cluster {
    struct sl_kube_config config;
    struct sl_client *client;
    const char *ns;
};
void sl_cluster_cleanup(struct sl_cluster *cluster);

/* Reads the kubeconfig; nothing is sent yet. Errors: those of sl_kube_config_load() and
 * sl_client_open(). */
SL_MUST_USE int sl_cluster_open(const struct sl_cluster_values *values,
                                struct sl_cluster *ret_cluster, struct sl_err *err);

extern const struct sl_resource sl_rollouts, sl_traffic_policies, sl_pods, sl_replica_sets,
    sl_controller_revisions;

/* One object as the server has it. Errors: those of sl_client_call(). */
SL_MUST_USE int sl_cluster_get(const struct sl_cluster *cluster, const struct sl_resource *resource,
                               struct sl_str name, struct sl_reply *ret_reply, struct sl_err *err);

/* All of a resource, page by page, each object's JSON passed to `visit`, which may stop it with -1.
 * ns NULL: of all namespaces; selector: labels, "" or NULL: whatever they are. */
SL_MUST_USE int sl_cluster_list(const struct sl_cluster *cluster,
                                const struct sl_resource *resource, const char *ns,
                                const char *selector,
                                int (*visit)(void *ctx, struct sl_str json, struct sl_err *err),
                                void *ctx, struct sl_err *err);

/* A Rollout of any kind of workload, as caches want it; `ctx` is not used. Released with
 * sl_rollout_record_free(). Errors: INVALID. */
int sl_cluster_decode(void *ctx, struct sl_str json, struct sl_record **ret_record,
                      struct sl_err *err);

/* The Rollout of that name. */
SL_MUST_USE int sl_cluster_rollout(const struct sl_cluster *cluster, const char *name,
                                   struct sl_record **ret_record, struct sl_err *err);

/* Where the workload of a Rollout is to be found. Texts are the record's, or in the arena. */
struct sl_resource sl_cluster_resource(const struct sl_rollout_record *rollout,
                                       struct sl_arena *arena);

/* Errors: INVALID, where the Rollout's spec names none; those of sl_client_call(). */
SL_MUST_USE int sl_cluster_workload(const struct sl_cluster *cluster,
                                    const struct sl_rollout_record *rollout,
                                    struct sl_reply *ret_reply, struct sl_record **ret_record,
                                    struct sl_err *err);

/* spec.selector of a workload's JSON as a list request takes it, "app in (web)"; "" where it has
 * none. Errors: INVALID. */
SL_MUST_USE int sl_cluster_selector(struct sl_str workload, struct sl_arena *arena,
                                    const char **ret_selector, struct sl_err *err);

/* A struct sl_record * that is a Rollout, for SL_AUTO(sl_rollout_ref). */
SL_AUTO_PTR(sl_rollout_ref, struct sl_record, sl_rollout_record_free);

#endif
