/* sluice rollout wait: until a Rollout reaches a phase, for pipelines (wait_rule.h). */
#include <string.h>
#include <unistd.h>

#include "cli/rollout/cluster.h"
#include "cli/rollout/wait_rule.h"
#include "codec/duration.h"
#include "kube/cache.h"

#define LOOK_AGAIN SL_NS_PER_S /* at the workload, which is not watched */

struct wait_values {
    struct sl_cluster_values cluster;
    const char *timeout;
    int wanted; /* index into the phases: enum sl_phase - 1 */
};

/* Of enum sl_phase, those that may be waited for. */
static const char *const wanted_names[] = {"Healthy", "Progressing", "WaitingForConfirmation",
                                           "Paused",  "RollingBack", "Degraded",
                                           "Failed",  NULL};

#define AT(field) .at = offsetof(struct wait_values, field)

static const struct sl_option options[] = {
    {.name = "for",
     .type = SL_O_WORD,
     AT(wanted),
     .value = "PHASE",
     .words = wanted_names,
     .fallback = SL_HEALTHY - 1,
     .help = "Healthy (the default), Progressing, Paused,\n"
             "WaitingForConfirmation, RollingBack, Degraded, Failed"},
    {.name = "timeout",
     .type = SL_O_TEXT,
     AT(timeout),
     .value = "DURATION",
     .help = "how long at most, as 10m (default: no limit)"},
    SL_CLUSTER_OPTIONS(offsetof(struct wait_values, cluster)),
    {0},
};

static int decode(void *ctx, struct sl_str json, struct sl_record **ret_record, struct sl_err *err)
{
    return sl_cluster_decode(ctx, json, ret_record, err);
}

/* Whether the workload waits to be rolled. */
static int is_held(const struct sl_cluster *cluster, const struct sl_rollout_record *rollout,
                   bool *ret_held, struct sl_err *err)
{
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    SL_AUTO(sl_record) struct sl_record *workload = NULL;
    if (sl_cluster_workload(cluster, rollout, &reply, &workload, err) < 0) {
        if (err->kind == SL_ERR_NOT_FOUND) {
            *ret_held = false;
            return 0;
        }
        return err->kind == SL_ERR_TRANSIENT ? 0 : -1; /* asked again */
    }
    *ret_held = sl_workload_of(workload)->held[0] != '\0';
    return 0;
}

struct watched {
    const struct sl_cluster *cluster;
    const struct sl_record *first; /* as it was read before: it is looked at in any case */
    const struct sl_cache *cache;
    const char *name;
};

/* As it is now; valid until the next request, whose wait may replace it. NULL: it is gone. */
static const struct sl_record *current(const struct watched *watched)
{
    return sl_cache_synced(watched->cache)
               ? sl_cache_get(watched->cache, sl_str_from(watched->cluster->ns),
                              sl_str_from(watched->name))
               : watched->first;
}

/* What came of it; -1: there is no answer. */
static int look(const struct watched *watched, struct sl_wait *wait, enum sl_waited *ret_waited,
                struct sl_err *err)
{
    const struct sl_record *record = current(watched);
    bool held = true;
    if (record != NULL && sl_rollout_of(record)->status.phase == SL_HEALTHY &&
        is_held(watched->cluster, sl_rollout_of(record), &held, err) < 0) {
        return -1;
    }
    record = current(watched);
    if (record == NULL) {
        (void)sl_err_set(err, SL_ERR_NOT_FOUND, "the Rollout %s was deleted", watched->name);
        *ret_waited = SL_WAITED_IN_VAIN;
        return 0;
    }
    *ret_waited = sl_wait_look(wait, sl_rollout_of(record), held, err);
    return 0;
}

static void say_timeout(const struct sl_record *record, const char *wrong, const char *name,
                        struct sl_err *err)
{
    if (wrong[0] != '\0') {
        (void)sl_err_set(err, SL_ERR_TRANSIENT, "timed out waiting for %s: %s", name, wrong);
        return;
    }
    const struct sl_rollout_status *status = &sl_rollout_of(record)->status;
    (void)sl_err_set(err, SL_ERR_TRANSIENT, "timed out waiting for %s: it is %s%s%.*s", name,
                     status->phase == SL_PHASE_NONE ? "not looked at yet"
                                                    : sl_phase_names[status->phase],
                     status->message.n > 0 ? ": " : "", SL_STR_FMT(status->message));
}

static int wait_for(const struct sl_cluster *cluster, const struct sl_record *first,
                    const char *name, struct sl_wait *wait, int64_t deadline,
                    enum sl_waited *ret_waited, struct sl_err *err)
{
    const struct sl_cache_options cache_options = {
        .client = cluster->client,
        .resource = sl_rollouts,
        .ns = sl_str_from(cluster->ns),
        .decode = decode,
        .destroy = sl_rollout_record_free,
        .seed = (uint64_t)sl_clock_mono() ^ (uint64_t)getpid(),
    };
    SL_AUTO(sl_cache) struct sl_cache *cache = sl_cache_open(&cache_options);
    const struct watched watched = {
        .cluster = cluster, .first = first, .cache = cache, .name = name};
    for (;;) {
        int64_t now = sl_clock_mono();
        sl_client_turn(cluster->client, now);
        sl_cache_turn(cache, now);
        if (look(&watched, wait, ret_waited, err) < 0 || *ret_waited != SL_WAITED_NOT_YET) {
            return *ret_waited == SL_WAITED_NOT_YET ? -1 : 0;
        }
        if (now >= deadline) {
            say_timeout(current(&watched), sl_cache_error(cache), name, err);
            *ret_waited = SL_WAITED_IN_VAIN;
            return 0;
        }
        int64_t wake = now + LOOK_AGAIN < deadline ? now + LOOK_AGAIN : deadline;
        int64_t due = sl_cache_due(cache);
        sl_client_wait(cluster->client, NULL, 0, due < wake ? due : wake);
    }
}

static int run_wait(const struct sl_command *self, const void *values_, struct sl_operands operands)
{
    const struct wait_values *values = values_;
    const char *name = operands.items[0];
    struct sl_err err = SL_ERR_INIT;
    int64_t timeout = INT64_MAX;
    if (values->timeout != NULL &&
        (sl_duration_parse(sl_str_from(values->timeout), &timeout, &err) < 0 || timeout < 0)) {
        return sl_command_misused(self, "--timeout must be a duration such as 10m, not '%s'",
                                  values->timeout);
    }
    int64_t now = sl_clock_mono();
    int64_t deadline = timeout > INT64_MAX - now ? INT64_MAX : now + timeout;
    struct sl_wait wait = {.wanted = (enum sl_phase)(values->wanted + 1)};
    enum sl_waited waited = SL_WAITED_NOT_YET;
    SL_AUTO(sl_cluster) struct sl_cluster cluster = {0};
    SL_AUTO(sl_rollout_ref) struct sl_record *first = NULL;
    if (sl_cluster_open(&values->cluster, &cluster, &err) < 0 ||
        sl_cluster_rollout(&cluster, name, &first, &err) < 0 || /* says so where there is none */
        wait_for(&cluster, first, name, &wait, deadline, &waited, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    if (waited == SL_WAITED_IN_VAIN) {
        return sl_command_failed(self, &err, SL_EXIT_NO);
    }
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
    sl_buf_addf(&out, "rollout.sluice.dev/%s is %s\n", name, sl_phase_names[wait.wanted]);
    if (sl_command_print(sl_buf_str(&out), &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

const struct sl_command sl_cmd_rollout_wait = {
    .name = "rollout wait",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Wait until a Rollout reaches a phase",
    .details = "\nHealthy counts when the workload is not held any more: called right after the\n"
               "change of a template, it waits for the run that follows. It ends in vain when\n"
               "the Rollout has failed, is Degraded, rolls back, or is done without having\n"
               "reached the phase.\n"
               "\nExit status: 0 reached, 1 in vain, deleted, or timed out, 2 bad usage or no\n"
               "answer.\n"
               "\nExample: sluice rollout wait web --timeout 10m\n",
    .options = options,
    .values_size = sizeof(struct wait_values),
    .run = run_wait,
};
