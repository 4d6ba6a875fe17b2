/* Every key of the reconciler's configuration file, with its rule, default and meaning, and the
 * rules across keys (config.h). Read once at start. */
#include "run/reconciler/config.h"

#include "base/clock.h"
#include "codec/names.h"
#include "run/config_file.h"

#define QPS_MAX 10000

/* What the table decodes into: the configuration, and what becomes part of it after checks. */
struct document {
    struct sl_reconciler_config config;
    struct sl_list workloads; /* of struct sl_config_workload */
};

#define AT(field) .at = offsetof(struct document, field), .present = SL_DECODE_NO_PRESENT
#define GROUP(table) .type = SL_D_OBJECT, .present = SL_DECODE_NO_PRESENT, .rows = table

static const struct sl_decode_row listen_rows[] = {
    SL_CONFIG_HEALTH_ROWS(struct document, config.listen.health_address, config.listen.health_port),
    {0},
};

static const struct sl_decode_row kube_rows[] = {
    {.key = "qps",
     .type = SL_D_INT,
     AT(config.kube.qps),
     .max = QPS_MAX,
     .fallback = "50",
     .doc = "Requests a second to the API server, watches not counted; 0 is no limit."},
    {.key = "burst",
     .type = SL_D_INT,
     AT(config.kube.burst),
     .min = 1,
     .max = QPS_MAX,
     .fallback = "100",
     .doc = "Requests that may be sent at once after a quiet time."},
    {.key = "timeout",
     .type = SL_D_DURATION,
     AT(config.kube.timeout),
     .min = SL_NS_PER_S,
     .max = 300 * SL_NS_PER_S,
     .fallback = "30s",
     .doc = "How long a change may take, tries included, before it is planned again."},
    {0},
};

static const struct sl_decode_row election_rows[] = {
    {.key = "namespace",
     .type = SL_D_STRING,
     AT(config.election.ns),
     .fallback = "sluice-system",
     .check = sl_name_dns_label,
     .doc = "Where the Lease is that replicas elect their leader by (--leader-elect)."},
    {.key = "name",
     .type = SL_D_STRING,
     AT(config.election.name),
     .fallback = "sluice-reconciler",
     .check = sl_name_dns_label,
     .doc = "The name of that Lease."},
    {.key = "leaseDuration",
     .type = SL_D_DURATION,
     AT(config.election.duration),
     .min = SL_NS_PER_S,
     .max = 3600 * SL_NS_PER_S,
     .fallback = "15s",
     .doc = "How long a leader that is silent is waited for before another replica takes over."},
    {.key = "renewDeadline",
     .type = SL_D_DURATION,
     AT(config.election.renew_deadline),
     .min = SL_NS_PER_S / 2,
     .max = 3600 * SL_NS_PER_S,
     .fallback = "10s",
     .doc = "A leader that could not renew the Lease for so long stops, and starts again as a "
            "candidate."},
    {.key = "retryPeriod",
     .type = SL_D_DURATION,
     AT(config.election.retry),
     .min = SL_NS_PER_S / 10,
     .max = 3600 * SL_NS_PER_S,
     .fallback = "2s",
     .doc = "How often the Lease is renewed, or asked for."},
    {0},
};

static const struct sl_decode_row rows[] = {
    {.key = "namespace",
     .type = SL_D_STRING,
     AT(config.ns),
     .check = sl_name_dns_label,
     .doc = "The only namespace that is looked at; without it all of them are. --namespace "
            "overrides it."},
    {.key = "listen", GROUP(listen_rows), .doc = "Where the server for health listens."},
    {.key = "kube", GROUP(kube_rows), .doc = "What the API server may be asked."},
    {.key = "leaderElection", GROUP(election_rows), .doc = "Which of several replicas acts."},
    {.key = "workloads",
     .type = SL_D_LIST,
     AT(workloads),
     .max = SL_CONFIG_WORKLOADS_MAX,
     .rows = sl_config_workload_rows,
     .size = sizeof(struct sl_config_workload),
     .doc = "Kinds of workload besides Deployment, StatefulSet and DaemonSet that have a "
            "partition, as in the webhook's admission.workloads."},
    {.key = "log",
     .type = SL_D_OBJECT,
     AT(config.log_level),
     .rows = sl_config_log_rows,
     .doc = "JSON lines on standard error."},
    {0},
};

/* --- rules across keys --- */

static struct sl_str version_of(struct sl_str api_version)
{
    struct sl_str rest = api_version;
    struct sl_str first = sl_str_cut(&rest, '/');
    return rest.p == NULL ? first : rest;
}

static void check_election(const struct sl_reconciler_config *config, struct sl_problems *problems)
{
    const struct sl_field election = SL_FIELD(NULL, "leaderElection");
    const struct sl_field duration = SL_FIELD(&election, "leaseDuration");
    const struct sl_field deadline = SL_FIELD(&election, "renewDeadline");
    if (config->election.duration <= config->election.renew_deadline) {
        sl_problem_add(problems, &duration,
                       "must be more than leaderElection.renewDeadline, or two replicas could act "
                       "at once");
    }
    /* 1.2: what the jitter of the lease may add (kube/lease.h) */
    if (config->election.renew_deadline * 5 <= config->election.retry * 6) {
        sl_problem_add(problems, &deadline,
                       "must be more than 1.2 times leaderElection.retryPeriod, or one lost "
                       "request ends the leadership");
    }
}

static void finish(void *document_, struct sl_problems *problems)
{
    struct document *document = document_;
    struct sl_reconciler_config *config = &document->config;
    const struct sl_config_workload *written = document->workloads.items;
    const struct sl_field list = SL_FIELD(NULL, "workloads");
    config->workloads = sl_config_workload_kinds(&document->workloads, &list, problems);
    config->workload_versions = sl_arena_zalloc(problems->arena, document->workloads.count,
                                                sizeof *config->workload_versions);
    for (size_t i = 0; i < document->workloads.count; i++) {
        config->workload_versions[i] = version_of(written[i].api_version);
    }
    check_election(config, problems);
}

static const struct sl_config_role role = {.rows = rows, .finish = finish};

static int done(int status, struct document *document, struct sl_reconciler_config *ret_config)
{
    if (status < 0) {
        sl_reconciler_config_cleanup(&document->config);
        return -1;
    }
    *ret_config = document->config;
    return 0;
}

int sl_reconciler_config_parse(const char *name, struct sl_str text,
                               struct sl_reconciler_config *ret_config, struct sl_err *err)
{
    struct document document = {.config = {.log_level = SL_LOG_INFO}};
    return done(sl_config_file_parse(&role, name, text, &document.config.arena, &document, err),
                &document, ret_config);
}

int sl_reconciler_config_load(const char *path, struct sl_reconciler_config *ret_config,
                              struct sl_err *err)
{
    struct document document = {.config = {.log_level = SL_LOG_INFO}};
    return done(sl_config_file_load(&role, path, &document.config.arena, &document, err), &document,
                ret_config);
}

void sl_reconciler_config_cleanup(struct sl_reconciler_config *config)
{
    sl_arena_cleanup(&config->arena);
}

void sl_reconciler_config_reference(struct sl_buf *out)
{
    sl_decode_reference(rows, 0, out);
}
