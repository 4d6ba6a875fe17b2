/* Every key of the webhook's configuration file, with its rule, default and meaning: the one place
 * where a key is written down (config_rows.h). Rules across keys are in config.c, groups that the
 * reconciler has too in config_file.c. */
#include "run/webhook/config_rows.h"

#include "base/clock.h"
#include "codec/names.h"

#define AT(field) .at = offsetof(struct sl_config_document, field), .present = SL_DECODE_NO_PRESENT
#define GROUP(table) .type = SL_D_OBJECT, .present = SL_DECODE_NO_PRESENT, .rows = table

#define PATHS_MAX 32
#define NAMES_MAX 256
#define THREADS_MAX 256
#define CONNECTIONS_MAX 100000
#define QPS_MAX 10000

/* More than the API server keeps an idle connection: k8s.io/apimachinery's SetTransportDefaults. */
#define IDLE_MIN (91 * SL_NS_PER_S)

static const char *check_policy_path(struct sl_str text)
{
    /* what is not there a second time cannot be read again when it changes */
    return sl_str_is(text, "-") ? "must be a file or directory, not standard input"
                                : sl_config_check_text(text);
}

static const struct sl_decode_row listen_rows[] = {
    {.key = "address",
     .type = SL_D_STRING,
     AT(config.listen.address),
     .fallback = "0.0.0.0",
     .check = sl_config_check_address,
     .doc = "Where /mutate and /validate are served over HTTPS; \"::\" is IPv6 and IPv4."},
    {.key = "port",
     .type = SL_D_INT,
     AT(config.listen.port),
     .max = SL_CONFIG_PORT_MAX,
     .fallback = "9443",
     .doc = "The port of it; 0 takes a free one, which is logged at start."},
    SL_CONFIG_HEALTH_ROWS(struct sl_config_document, config.listen.health_address,
                          config.listen.health_port),
    {0},
};

static const struct sl_decode_row tls_rows[] = {
    {.key = "directory",
     .type = SL_D_STRING,
     AT(config.tls.directory),
     .fallback = "/etc/sluice/tls",
     .check = sl_config_check_text,
     .doc = "Holds tls.crt and tls.key; they are loaded again when they change."},
    {.key = "clientCA",
     .type = SL_D_STRING,
     AT(config.tls.client_ca),
     .check = sl_config_check_text,
     .doc =
         "A file of PEM certificates: only clients with a certificate of these CAs are answered. "
         "Without it clients are not asked for one."},
    {.key = "clientNames",
     .type = SL_D_STRINGS,
     AT(config.tls.client_names),
     .max = NAMES_MAX,
     .check = sl_config_check_text,
     .doc = "Common or DNS names of client certificates that are allowed; without any, all that "
            "clientCA signed."},
    {0},
};

static const struct sl_decode_row kube_rows[] = {
    {.key = "kubeconfig",
     .type = SL_D_STRING,
     AT(config.kube.kubeconfig),
     .check = sl_config_check_text,
     .doc = "A kubeconfig file; without it $KUBECONFIG, the pod's service account, or "
            "~/.kube/config."},
    {.key = "context",
     .type = SL_D_STRING,
     AT(config.kube.context),
     .check = sl_config_check_text,
     .doc = "The context of that kubeconfig; without it its current-context."},
    {.key = "qps",
     .type = SL_D_INT,
     AT(config.kube.qps),
     .max = QPS_MAX,
     .fallback = "20",
     .doc = "Requests a second to the API server, watches not counted; 0 is no limit."},
    {.key = "burst",
     .type = SL_D_INT,
     AT(config.kube.burst),
     .min = 1,
     .max = QPS_MAX,
     .fallback = "40",
     .doc = "Requests that may be sent at once after a quiet time."},
    {0},
};

static const struct sl_decode_row policies_rows[] = {
    {.key = "paths",
     .type = SL_D_STRINGS,
     .at = offsetof(struct sl_config_document, config.policy_paths),
     .present = offsetof(struct sl_config_document, has_paths),
     .max = PATHS_MAX,
     .fallback = "[\"/etc/sluice/policies\"]",
     .check = check_policy_path,
     .doc =
         "Files and directories of TrafficPolicies, Rollouts and Namespaces; they are read again "
         "when they change. Where policies.kube is written, the default is none."},
    {.key = "kube",
     .type = SL_D_OBJECT,
     .present = offsetof(struct sl_config_document, config.kube.enabled),
     .rows = kube_rows,
     .doc = "Written, if only as {}: TrafficPolicies, Rollouts and Namespaces of the cluster are "
            "watched, besides those of policies.paths, ReplicaSets for hand-overs, and pods for "
            "their evictions. A policy "
            "that is in both by kind, namespace and name: the file's counts, and the log says so. "
            "Of a Namespace the cluster's word counts."},
    {0},
};

static const struct sl_decode_row admission_rows[] = {
    {.key = "namespace",
     .type = SL_D_STRING,
     AT(config.admission.own_namespace),
     .fallback = "sluice-system",
     .check = sl_name_dns_label,
     .doc = "Sluice's own namespace, in which nothing is ever touched."},
    {.key = "ignoreNamespaces",
     .type = SL_D_STRINGS,
     AT(config.admission.ignore_namespaces),
     .max = NAMES_MAX,
     .fallback = "[\"kube-system\", \"kube-node-lease\", \"kube-public\"]",
     .check = sl_name_dns_label,
     .doc = "Further namespaces in which nothing is ever touched."},
    {.key = "reconcilerAccount",
     .type = SL_D_STRING,
     AT(config.admission.reconciler_account),
     .fallback = "system:serviceaccount:sluice-system:sluice-reconciler",
     .check = sl_config_check_text,
     .doc = "User name of the reconciler, whose changes of held workloads pass."},
    {.key = "workloads",
     .type = SL_D_LIST,
     AT(workloads),
     .max = SL_CONFIG_WORKLOADS_MAX,
     .rows = sl_config_workload_rows,
     .size = sizeof(struct sl_config_workload),
     .doc =
         "Kinds of workload besides Deployment, StatefulSet and DaemonSet that have a partition."},
    {0},
};

static const struct sl_decode_row limits_rows[] = {
    {.key = "maxBodyBytes",
     .type = SL_D_INT,
     AT(config.limits.max_body),
     .min = SL_KIB,
     .max = 64 * SL_MIB,
     .fallback = "8388608",
     .doc = "A larger request is answered with 413. The API server sends at most two objects of "
            "some 3 MiB each."},
    {.key = "maxInFlightBytes",
     .type = SL_D_INT,
     AT(config.limits.max_in_flight),
     .min = SL_KIB,
     .max = 4096 * SL_MIB,
     .fallback = "67108864",
     .doc = "Bytes of all requests being read or answered; further ones get 503 and Retry-After."},
    {.key = "maxConnections",
     .type = SL_D_INT,
     AT(config.limits.max_connections),
     .min = 1,
     .max = CONNECTIONS_MAX,
     .fallback = "1000",
     .doc = "Open connections; further ones wait until one is closed."},
    {.key = "threads",
     .type = SL_D_INT,
     AT(config.limits.threads),
     .max = THREADS_MAX,
     .fallback = "0",
     .doc = "Threads that answer; 0 is one for each CPU that the cgroup's quota allows."},
    {.key = "requestTimeout",
     .type = SL_D_DURATION,
     AT(config.limits.request_timeout),
     .min = 100 * SL_NS_PER_MS,
     .max = 60 * SL_NS_PER_S,
     .fallback = "10s",
     .doc = "A request that takes longer is cut, however steadily its bytes arrive."},
    {.key = "idleTimeout",
     .type = SL_D_DURATION,
     AT(config.limits.idle_timeout),
     .min = IDLE_MIN,
     .max = 3600 * SL_NS_PER_S,
     .fallback = "2m0s",
     .doc = "A connection without a request is closed after this long. More than the 90s that the "
            "API server keeps one, so that it is the API server that closes and never meets a "
            "connection that was just closed."},
    {0},
};

static const struct sl_decode_row shutdown_rows[] = {
    {.key = "delay",
     .type = SL_D_DURATION,
     AT(config.shutdown.delay),
     .max = 300 * SL_NS_PER_S,
     .fallback = "5s",
     .doc = "How long after SIGTERM connections are still accepted: until every API server knows "
            "that this pod is not ready."},
    {.key = "timeout",
     .type = SL_D_DURATION,
     AT(config.shutdown.timeout),
     .max = 300 * SL_NS_PER_S,
     .fallback = "20s",
     .doc = "How long after that requests under way may take. Together the two must be less than "
            "the pod's terminationGracePeriodSeconds."},
    {0},
};

const struct sl_decode_row sl_config_rows[] = {
    {.key = "listen", GROUP(listen_rows), .doc = "Where the servers listen."},
    {.key = "tls", GROUP(tls_rows), .doc = "The serving certificate, and who may call."},
    {.key = "policies", GROUP(policies_rows), .doc = "Where policies come from."},
    {.key = "admission", GROUP(admission_rows), .doc = "What is decided, and for whom."},
    {.key = "limits", GROUP(limits_rows), .doc = "What peers may cost."},
    {.key = "shutdown", GROUP(shutdown_rows), .doc = "How SIGTERM ends the webhook."},
    {.key = "log",
     .type = SL_D_OBJECT,
     AT(config.log_level),
     .rows = sl_config_log_rows,
     .doc = "JSON lines on standard error."},
    {0},
};
