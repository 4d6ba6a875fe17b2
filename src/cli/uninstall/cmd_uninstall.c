/* sluice uninstall: takes everything that Sluice left off the objects of a cluster or a namespace,
 * so that the stock controllers and the endpoints go on without it.
 *
 *     guard.c (would anybody put it back?) → walk.c over each part below → leftovers.c (what the
 *     load balancers may still have)
 *
 * docs/uninstall.md says in which order it stands among the other steps.
 */
#include "cli/command.h"
#include "cli/uninstall/guard.h"
#include "cli/uninstall/walk.h"
#include "run/config_file.h"
#include "run/reconciler/config.h"

#define OUTPUT_MAX (4 * SL_MIB)
#define PASSES 3 /* controllers may copy a mark once more that they had read before it went */
#define PARTS_MAX (SL_CONFIG_WORKLOADS_MAX + 7) /* kinds of workload, and what is listed below */

struct uninstall_values {
    struct sl_cluster_values cluster;
    const char *config;
    bool dry_run, force;
};

#define AT(field) .at = offsetof(struct uninstall_values, field)

static const struct sl_option options[] = {
    {.name = "config",
     .letter = 'c',
     .type = SL_O_TEXT,
     AT(config),
     .value = "FILE",
     .help = "the reconciler's configuration: its kinds of\n"
             "workload beside the built-in ones, its Lease"},
    {.name = "dry-run",
     .type = SL_O_FLAG,
     AT(dry_run),
     .help = "say what would be done, and write nothing"},
    {.name = "force",
     .type = SL_O_FLAG,
     AT(force),
     .help = "go on though the webhook or the reconciler is there,\n"
             "which may put back what is taken off"},
    SL_CLUSTER_OPTIONS(offsetof(struct uninstall_values, cluster)),
    {0},
};

/* --- what there is to walk over, in this order --- */

struct parts {
    struct sl_walk_part items[PARTS_MAX];
    size_t count;
};

static void add(struct parts *parts, struct sl_walk_part part)
{
    parts->items[parts->count++] = part;
}

static void add_workload(struct parts *parts, const struct sl_workload_kind *kind,
                         struct sl_str version, struct sl_arena *arena)
{
    add(parts, (struct sl_walk_part){
                   .kind = sl_arena_cstr(arena, sl_arena_str(arena, kind->kind)),
                   .resource = {.group = kind->group, .version = version, .plural = kind->resource},
                   .strip = sl_strip_workload,
                   .workload = kind,
               });
}

/* Workloads before the copies that controllers make of their marks; pods last, when nobody is left
 * to whom they mean anything. */
static void list_parts(const struct sl_reconciler_config *config, struct sl_arena *arena,
                       struct parts *ret_parts)
{
    static const char *const native[] = {"Deployment", "StatefulSet", "DaemonSet"};
    for (size_t i = 0; i < sizeof native / sizeof native[0]; i++) {
        add_workload(
            ret_parts,
            sl_workload_by_kind(&config->workloads, SL_STR("apps"), sl_str_from(native[i])),
            SL_STR("v1"), arena);
    }
    for (size_t i = 0; i < config->workloads.count; i++) {
        add_workload(ret_parts, &config->workloads.items[i], config->workload_versions[i], arena);
    }
    const struct sl_walk_part rest[] = {
        {.kind = "ReplicaSet", .resource = sl_replica_sets, .strip = sl_strip_revision},
        {.kind = "ControllerRevision",
         .resource = sl_controller_revisions,
         .strip = sl_strip_revision},
        {.kind = "Rollout", .resource = sl_rollouts, .strip = sl_strip_rollout},
        {.kind = "Pod", .resource = sl_pods, .strip = sl_strip_pod, .pods = true},
    };
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        add(ret_parts, rest[i]);
    }
}

static int visit_policy(void *ctx, struct sl_str json, struct sl_err *err)
{
    return sl_leftovers_policy(ctx, json, err);
}

/* The policies, while they are still there, tell what the load balancers are. */
static int read_policies(const struct sl_walk *walk, struct sl_err *err)
{
    int result = sl_cluster_list(walk->cluster, &sl_traffic_policies, walk->ns, NULL, visit_policy,
                                 walk->leftovers, err);
    return result < 0 && err->kind != SL_ERR_NOT_FOUND ? -1 : 0;
}

/* Until a pass finds nothing any more. *ret_clean: it did. */
static int walk_all(struct sl_walk *walk, const struct parts *parts, bool *ret_clean,
                    struct sl_err *err)
{
    *ret_clean = false;
    for (int pass = 0; pass < PASSES && !*ret_clean && walk->failed == 0; pass++) {
        walk->found = 0;
        for (size_t i = 0; i < parts->count; i++) {
            if (sl_walk_part(walk, &parts->items[i], err) < 0) {
                return -1;
            }
        }
        *ret_clean = walk->found == 0;
        if (walk->dry_run) {
            break;
        }
    }
    return 0;
}

/* --- the command --- */

static int say_leftovers(const struct sl_leftovers *leftovers, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(OUTPUT_MAX);
    sl_leftovers_write(leftovers, &out);
    return sl_buf_check(&out, "what is left in load balancers", err) < 0 ||
                   (out.len > 0 && sl_command_print(sl_buf_str(&out), err) < 0)
               ? -1
               : 0;
}

static int finish(const struct sl_command *self, const struct sl_walk *walk, bool clean)
{
    struct sl_err err = SL_ERR_INIT;
    if (say_leftovers(walk->leftovers, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    if (walk->failed > 0) {
        (void)sl_err_set(&err, SL_ERR_TRANSIENT, "%zu %s not cleaned: see above, and run it again",
                         walk->failed, walk->failed == 1 ? "object was" : "objects were");
        return sl_command_failed(self, &err, SL_EXIT_NO);
    }
    if (!clean && !walk->dry_run) {
        (void)sl_err_set(&err, SL_ERR_CONFLICT,
                         "somebody puts back what is taken off, %zu objects in the last pass: is "
                         "a webhook or a reconciler still there?",
                         walk->found);
        return sl_command_failed(self, &err, SL_EXIT_NO);
    }
    if (!walk->dry_run &&
        sl_command_print(SL_STR("nothing of Sluice is left on workloads, Rollouts and pods\n"),
                         &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

/* Whether it may go on; what stands in the way is said. */
static bool is_free(const struct sl_command *self, const struct uninstall_values *values,
                    const struct sl_cluster *cluster, const struct sl_reconciler_config *config,
                    int *ret_status)
{
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(OUTPUT_MAX);
    struct sl_err err = SL_ERR_INIT;
    const struct sl_guard_options guard = {
        .ns = values->cluster.ns,
        .lease_ns = config->election.ns,
        .lease = config->election.name,
        .now = sl_clock_wall(),
    };
    if (values->force) {
        return true;
    }
    if (sl_guard(cluster, &guard, &out, &err) < 0) {
        *ret_status = sl_command_failed(self, &err, SL_EXIT_BAD);
        return false;
    }
    if (out.len > 0) {
        (void)sl_err_set(&err, SL_ERR_DENIED, "%.*s%s", SL_STR_FMT(sl_buf_str(&out)),
                         values->dry_run ? "it would be refused for that"
                                         : "nothing was done; --force goes on all the same");
        *ret_status = sl_command_failed(self, &err, SL_EXIT_NO);
    }
    return out.len == 0 || values->dry_run;
}

static int uninstall(const struct sl_command *self, const struct uninstall_values *values,
                     const struct sl_reconciler_config *config)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_cluster) struct sl_cluster cluster = {0};
    SL_AUTO(sl_leftovers) struct sl_leftovers leftovers = {.first = NULL};
    struct sl_err err = SL_ERR_INIT;
    struct parts parts = {.count = 0};
    int status = SL_EXIT_YES;
    bool clean = false;
    if (sl_cluster_open(&values->cluster, &cluster, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    if (!is_free(self, values, &cluster, config, &status)) {
        return status;
    }
    struct sl_walk walk = {
        .cluster = &cluster,
        .command = self,
        .ns = values->cluster.ns,
        .leftovers = &leftovers,
        .dry_run = values->dry_run,
    };
    list_parts(config, &arena, &parts);
    if (read_policies(&walk, &err) < 0 || walk_all(&walk, &parts, &clean, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    int end = finish(self, &walk, clean);
    return end == SL_EXIT_YES ? status : end;
}

static int run_uninstall(const struct sl_command *self, const void *values_,
                         struct sl_operands operands)
{
    const struct uninstall_values *values = values_;
    SL_AUTO(sl_reconciler_config) struct sl_reconciler_config config = {.log_level = 0};
    struct sl_err err = SL_ERR_INIT;
    (void)operands;
    int result = values->config == NULL
                     ? sl_reconciler_config_parse("", SL_STR("{}"), &config, &err)
                     : sl_reconciler_config_load(values->config, &config, &err);
    return result < 0 ? sl_command_failed(self, &err, SL_EXIT_BAD)
                      : uninstall(self, values, &config);
}

const struct sl_command sl_cmd_uninstall = {
    .name = "uninstall",
    .operands = "",
    .summary = "Take everything off the cluster's objects that Sluice left there",
    .details = "\nSets every readiness gate True, takes the finalizers of load balancers and our\n"
               "labels and annotations off pods, gives held workloads their own strategy back,\n"
               "and takes the finalizers off Rollouts. Of all namespaces, or of one (-n). It can\n"
               "be cut off and run again, and ends with 0 when a last look found nothing left.\n"
               "\n"
               "In this order:\n"
               "  1. kubectl delete rollouts.sluice.dev,trafficpolicies.sluice.dev -A --all\n"
               "     The reconciler winds up its runs, and drains and releases every pod in\n"
               "     order: no load balancer keeps one. Wait until no pod has the label\n"
               "     sluice.dev/traffic-policy.\n"
               "  2. kubectl delete mutatingwebhookconfiguration,validatingwebhookconfiguration\n"
               "     sluice-webhook; then the Deployments in sluice-system\n"
               "  3. sluice uninstall\n"
               "  4. the CustomResourceDefinitions, and the namespace sluice-system\n"
               "Without step 1, step 3 says which pods load balancers may still have.\n"
               "\n"
               "Exit status: 0 clean, 1 refused or something is left, 2 bad usage or no answer.\n",
    .options = options,
    .values_size = sizeof(struct uninstall_values),
    .run = run_uninstall,
};
