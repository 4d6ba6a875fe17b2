/* Every key of the configuration file, with its rule, default and meaning: the one place where a
 * key is written down (config_rows.h). Rules across keys are in config.c. */
#include "run/config_rows.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "codec/names.h"

#define AT(field) .at = offsetof(struct sl_config_document, field), .present = SL_DECODE_NO_PRESENT
#define AT_WORKLOAD(field)                                                                         \
    .at = offsetof(struct sl_config_workload, field), .present = SL_DECODE_NO_PRESENT
#define GROUP(table) .type = SL_D_OBJECT, .present = SL_DECODE_NO_PRESENT, .rows = table

#define PORT_MAX 65535
#define PATHS_MAX 32
#define NAMES_MAX 256
#define WORKLOADS_MAX 32
#define THREADS_MAX 256
#define CONNECTIONS_MAX 100000

/* More than the API server keeps an idle connection: k8s.io/apimachinery's SetTransportDefaults. */
#define IDLE_MIN (91 * SL_NS_PER_S)

static const char *check_text(struct sl_str text)
{
    return text.n == 0 || memchr(text.p, '\0', text.n) != NULL
               ? "must be text that is not empty and holds no NUL"
               : NULL;
}

static const char *check_policy_path(struct sl_str text)
{
    /* what is not there a second time cannot be read again when it changes */
    return sl_str_is(text, "-") ? "must be a file or directory, not standard input"
                                : check_text(text);
}

static const char *check_address(struct sl_str text)
{
    char copy[INET6_ADDRSTRLEN];
    char parsed[sizeof(struct in6_addr)];
    if (text.n < sizeof copy) {
        memcpy(copy, text.p, text.n);
        copy[text.n] = '\0';
        if (inet_pton(AF_INET, copy, parsed) == 1 || inet_pton(AF_INET6, copy, parsed) == 1) {
            return NULL;
        }
    }
    return "must be an IPv4 or IPv6 address, such as 0.0.0.0 or ::";
}

static bool is_word(struct sl_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char lower = (char)(text.p[i] | 0x20);
        if (!(lower >= 'a' && lower <= 'z') && !(text.p[i] >= '0' && text.p[i] <= '9')) {
            return false;
        }
    }
    return text.n > 0;
}

static const char *check_kind(struct sl_str text)
{
    return is_word(text) && text.p[0] >= 'A' && text.p[0] <= 'Z'
               ? NULL
               : "must be a kind, such as CloneSet";
}

static const char *check_partition_path(struct sl_str text)
{
    static const char rule[] = "must be a dotted path below spec but not in spec.template, such as "
                               "spec.updateStrategy.partition";
    struct sl_str rest = text;
    if (!sl_str_is(sl_str_cut(&rest, '.'), "spec") || rest.p == NULL ||
        sl_str_is(rest, "template") || sl_str_starts(rest, SL_STR("template."))) {
        return rule;
    }
    while (rest.p != NULL) {
        if (!is_word(sl_str_cut(&rest, '.'))) {
            return rule;
        }
    }
    return NULL;
}

static const char *const level_names[] = {"debug", "info", "warn", "error", NULL};

static const struct sl_decode_row listen_rows[] = {
    {.key = "address",
     .type = SL_D_STRING,
     AT(config.listen.address),
     .fallback = "0.0.0.0",
     .check = check_address,
     .doc = "Where /mutate and /validate are served over HTTPS; \"::\" is IPv6 and IPv4."},
    {.key = "port",
     .type = SL_D_INT,
     AT(config.listen.port),
     .max = PORT_MAX,
     .fallback = "9443",
     .doc = "The port of it; 0 takes a free one, which is logged at start."},
    {.key = "healthAddress",
     .type = SL_D_STRING,
     AT(config.listen.health_address),
     .fallback = "0.0.0.0",
     .check = check_address,
     .doc = "Where /livez, /readyz and /metrics are served over plain HTTP."},
    {.key = "healthPort",
     .type = SL_D_INT,
     AT(config.listen.health_port),
     .max = PORT_MAX,
     .fallback = "8081",
     .doc = "The port of it; 0 takes a free one, which is logged at start."},
    {0},
};

static const struct sl_decode_row tls_rows[] = {
    {.key = "directory",
     .type = SL_D_STRING,
     AT(config.tls.directory),
     .fallback = "/etc/sluice/tls",
     .check = check_text,
     .doc = "Holds tls.crt and tls.key; they are loaded again when they change."},
    {.key = "clientCA",
     .type = SL_D_STRING,
     AT(config.tls.client_ca),
     .check = check_text,
     .doc =
         "A file of PEM certificates: only clients with a certificate of these CAs are answered. "
         "Without it clients are not asked for one."},
    {.key = "clientNames",
     .type = SL_D_STRINGS,
     AT(config.tls.client_names),
     .max = NAMES_MAX,
     .check = check_text,
     .doc = "Common or DNS names of client certificates that are allowed; without any, all that "
            "clientCA signed."},
    {0},
};

static const struct sl_decode_row policies_rows[] = {
    {.key = "paths",
     .type = SL_D_STRINGS,
     AT(config.policy_paths),
     .max = PATHS_MAX,
     .fallback = "[\"/etc/sluice/policies\"]",
     .check = check_policy_path,
     .doc =
         "Files and directories of TrafficPolicies, Rollouts and Namespaces; they are read again "
         "when they change."},
    {0},
};

static const struct sl_decode_row workload_rows[] = {
    {.key = "apiVersion",
     .type = SL_D_STRING,
     AT_WORKLOAD(api_version),
     .required = true,
     .check = sl_name_api_version,
     .doc = "Group and version of the kind; any version of the group is handled."},
    {.key = "kind",
     .type = SL_D_STRING,
     AT_WORKLOAD(kind),
     .required = true,
     .check = check_kind,
     .doc = "The kind, as a Rollout's workloadRef names it."},
    {.key = "resource",
     .type = SL_D_STRING,
     AT_WORKLOAD(resource),
     .required = true,
     .check = sl_name_dns_label,
     .doc = "The plural in the API's URLs, such as clonesets."},
    {.key = "partitionPath",
     .type = SL_D_STRING,
     AT_WORKLOAD(partition_path),
     .required = true,
     .check = check_partition_path,
     .doc = "The field that keeps pods at the old revision, as a dotted path below spec."},
    {.key = "holdValue",
     .type = SL_D_INTSTR,
     AT_WORKLOAD(hold_value),
     .min = 1,
     .max = INT32_MAX,
     .fallback = SL_HOLD_PARTITION,
     .doc = "The value of that field at which no pod moves on."},
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
     .check = check_text,
     .doc = "User name of the reconciler, whose changes of held workloads pass."},
    {.key = "workloads",
     .type = SL_D_LIST,
     AT(workloads),
     .max = WORKLOADS_MAX,
     .rows = workload_rows,
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

static const struct sl_decode_row log_rows[] = {
    {.key = "level",
     .type = SL_D_ENUM,
     AT(config.log_level),
     .fallback = "info",
     .names = level_names,
     .doc = "Lines below this level are not written; debug has one line for each request."},
    {0},
};

const struct sl_decode_row sl_config_rows[] = {
    {.key = "listen", GROUP(listen_rows), .doc = "Where the servers listen."},
    {.key = "tls", GROUP(tls_rows), .doc = "The serving certificate, and who may call."},
    {.key = "policies", GROUP(policies_rows), .doc = "Where policies come from."},
    {.key = "admission", GROUP(admission_rows), .doc = "What is decided, and for whom."},
    {.key = "limits", GROUP(limits_rows), .doc = "What peers may cost."},
    {.key = "shutdown", GROUP(shutdown_rows), .doc = "How SIGTERM ends the webhook."},
    {.key = "log", GROUP(log_rows), .doc = "JSON lines on standard error."},
    {0},
};
