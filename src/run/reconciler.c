/* The reconciler role (reconciler.h): starts everything, turns the loop, and ends in phases:
 *
 *     RUNNING ──SIGTERM──▶ FINISHING ──answered, or late──▶ RELEASING ──answered, or late──▶
 * STOPPED └──the Lease is lost─────────────────────────────────────────────────────────────────▶
 *
 * FINISHING waits for the changes that are under way, RELEASING for the Lease to be given up; each
 * only for so long that the whole takes less than a second. */
#include "run/reconciler.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/file.h"
#include "kube/lease.h"
#include "run/health.h"
#include "run/process.h"
#include "run/reconciler_report.h"
#include "run/rolling.h"

#define TICK (500 * SL_NS_PER_MS) /* the health server wants to be swept once a second */
#define FINISHING_MAX (300 * SL_NS_PER_MS)
#define RELEASING_MAX (400 * SL_NS_PER_MS)
#define ARENAS 2 /* of malloc: one for each thread */
#define TRIM_AFTER_CHANGES SL_NS_PER_S
#define HOST_MAX 64
#define IDENTITY_MAX 128

enum phase { RUNNING, FINISHING, RELEASING, STOPPED };

struct reconciler {
    const struct sl_reconciler_options *options;
    char host[HOST_MAX], identity[IDENTITY_MAX];
    int signals;
    struct sl_kube_config kube;
    struct sl_client *client;
    struct sl_fleet *fleet;
    struct sl_events *events;
    struct sl_lease *lease; /* NULL: without election */
    struct sl_rolling *rolling;
    struct sl_report report;
    struct sl_reconciler_metrics *metrics;
    struct sl_health *health;
    struct sl_http_server *health_server;
    bool synced, leader;
    bool lease_fails; /* as last logged */
    char holder[IDENTITY_MAX];
    int64_t started, trimmed;
    bool changed; /* changes were sent since memory was given back */
    enum phase phase;
    int64_t phase_since;
    bool lost; /* the Lease */
};

/* The server first: its thread reads the metrics. The client last: all others send through it. */
static void reconciler_cleanup(struct reconciler *reconciler)
{
    sl_http_server_stop(reconciler->health_server);
    sl_health_close(reconciler->health);
    sl_reconciler_metrics_close(reconciler->metrics);
    sl_rolling_close(reconciler->rolling);
    sl_lease_close(reconciler->lease);
    sl_events_close(reconciler->events);
    sl_fleet_close(reconciler->fleet);
    sl_client_close(reconciler->client);
    sl_kube_config_cleanup(&reconciler->kube);
    sl_fd_cleanup(&reconciler->signals);
}

/* --- start --- */

static void name_itself(struct reconciler *reconciler)
{
    if (gethostname(reconciler->host, sizeof reconciler->host - 1) < 0) {
        (void)snprintf(reconciler->host, sizeof reconciler->host, "unknown");
    }
    (void)snprintf(reconciler->identity, sizeof reconciler->identity, "%s_%016" PRIx64,
                   reconciler->host, sl_process_random());
}

static const char *check_caches(void *metrics)
{
    return sl_reconciler_metrics_synced(metrics)
               ? NULL
               : "not all objects were listed yet; sluice_cache_synced and the log say which";
}

static void write_metrics(void *metrics, struct sl_buf *out)
{
    sl_reconciler_metrics_write(metrics, out);
}

static int start_health(struct reconciler *reconciler, struct sl_err *err)
{
    static const struct sl_health_check checks[] = {{"caches", check_caches}, {NULL, NULL}};
    const struct sl_reconciler_config *config = reconciler->options->config;
    reconciler->metrics = sl_reconciler_metrics_open(
        sl_clock_wall() / SL_NS_PER_S, reconciler->lease == NULL ? NULL : config->election.name.p);
    const struct sl_health_options options = {
        .role = "reconciler",
        .checks = checks,
        .write_metrics = write_metrics,
        .ctx = reconciler->metrics,
    };
    reconciler->health = sl_health_open(&options, sl_clock_mono());
    return sl_health_listen(reconciler->health, config->listen.health_address.p,
                            config->listen.health_port, &reconciler->health_server, err);
}

static int open_client(struct reconciler *reconciler, struct sl_err *err)
{
    const struct sl_reconciler_options *options = reconciler->options;
    const struct sl_kube_config_options kube = {.kubeconfig = options->kubeconfig,
                                                .context = options->context};
    if (sl_kube_config_load(&kube, &reconciler->kube, err) < 0) {
        return -1;
    }
    const struct sl_client_options client = {
        .config = &reconciler->kube,
        .user_agent = "sluice/" SL_VERSION " reconciler",
        .qps = (double)options->config->kube.qps,
        .burst = (unsigned)options->config->kube.burst,
    };
    return sl_client_open(&client, &reconciler->client, err);
}

static void open_lease(struct reconciler *reconciler)
{
    const struct sl_reconciler_config *config = reconciler->options->config;
    const struct sl_lease_options options = {
        .client = reconciler->client,
        .ns = config->election.ns.p,
        .name = config->election.name.p,
        .identity = reconciler->identity,
        .duration = config->election.duration,
        .renew_deadline = config->election.renew_deadline,
        .retry = config->election.retry,
        .seed = sl_process_random(),
    };
    reconciler->lease = sl_lease_open(&options);
}

static void open_all(struct reconciler *reconciler)
{
    const struct sl_reconciler_options *options = reconciler->options;
    const struct sl_reconciler_config *config = options->config;
    const struct sl_fleet_options fleet = {
        .client = reconciler->client,
        .workloads = &config->workloads,
        .workload_versions = config->workload_versions,
        .ns = options->ns == NULL ? config->ns : sl_str_from(options->ns),
        .seed = sl_process_random(),
    };
    const struct sl_events_options events = {
        .client = reconciler->client,
        .controller = "sluice.dev/reconciler",
        .instance = reconciler->host,
    };
    reconciler->fleet = sl_fleet_open(&fleet);
    reconciler->events = sl_events_open(&events);
    const struct sl_rolling_options rolling = {
        .fleet = reconciler->fleet,
        .client = reconciler->client,
        .events = reconciler->events,
        .numbers = &reconciler->report.numbers,
        .timeout = config->kube.timeout,
    };
    reconciler->rolling = sl_rolling_open(&rolling);
    if (options->leader_elect) {
        open_lease(reconciler);
    }
}

static int start(struct reconciler *reconciler, struct sl_err *err)
{
    const struct sl_reconciler_config *config = reconciler->options->config;
    sl_process_memory(ARENAS);
    name_itself(reconciler);
    if (open_client(reconciler, err) < 0) {
        return -1;
    }
    open_all(reconciler);
    if (start_health(reconciler, err) < 0) {
        return -1;
    }
    reconciler->started = sl_clock_mono();
    reconciler->trimmed = reconciler->started;
    sl_log(SL_LOG_INFO, "started", SL_LOG_CSTR("server", reconciler->kube.server),
           SL_LOG_CSTR("identity", reconciler->identity),
           SL_LOG_TEXT("healthAddress", config->listen.health_address),
           SL_LOG_INT("healthPort", sl_http_server_port(reconciler->health_server)),
           SL_LOG_CSTR("version", SL_VERSION));
    return 0;
}

/* --- the end, phase by phase --- */

static void enter(struct reconciler *reconciler, enum phase phase, int64_t now)
{
    reconciler->phase = phase;
    reconciler->phase_since = now;
}

static void take_signals(struct reconciler *reconciler, int64_t now)
{
    struct signalfd_siginfo info;
    while (read(reconciler->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            continue;
        }
        sl_health_stopping(reconciler->health);
        sl_log(SL_LOG_INFO, "stopping");
        enter(reconciler, reconciler->phase == RUNNING ? FINISHING : STOPPED, now);
    }
}

/* What is not answered by now is cut, so that nothing stands before the Lease in the queue: every
 * change names what it was planned from, and does no harm when it arrives late. */
static void release(struct reconciler *reconciler, int64_t now)
{
    sl_rolling_close(sl_steal(&reconciler->rolling));
    sl_events_close(sl_steal(&reconciler->events));
    bool waits =
        reconciler->lease != NULL && sl_lease_release(reconciler->lease, now, sl_clock_wall());
    enter(reconciler, waits ? RELEASING : STOPPED, now);
}

static void advance(struct reconciler *reconciler, int64_t now)
{
    int64_t since = now - reconciler->phase_since;
    if (reconciler->phase == FINISHING &&
        (sl_rolling_under_way(reconciler->rolling) == 0 || since >= FINISHING_MAX)) {
        release(reconciler, now);
    } else if (reconciler->phase == RELEASING && since >= RELEASING_MAX) {
        sl_log(SL_LOG_WARN, "the Lease could not be given up in time");
        enter(reconciler, STOPPED, now);
    }
}

/* --- the loop --- */

static void follow(struct reconciler *reconciler)
{
    const char *holder = sl_lease_holder(reconciler->lease);
    if (strncmp(holder, reconciler->holder, sizeof reconciler->holder - 1) != 0) {
        (void)snprintf(reconciler->holder, sizeof reconciler->holder, "%s", holder);
        sl_log(SL_LOG_INFO, "the Lease is held", SL_LOG_CSTR("holder", holder));
    }
}

/* Before anything is sent: a process that was stopped for a while must not go on as if it were
 * not. */
static void check_leader(struct reconciler *reconciler, int64_t now)
{
    bool leads = reconciler->lease == NULL || sl_lease_held(reconciler->lease, now);
    if (reconciler->lease != NULL) {
        follow(reconciler);
    }
    if (leads && !reconciler->leader) {
        if (reconciler->lease != NULL) {
            sl_log(SL_LOG_INFO, "leading");
        }
        sl_targets_dirty_all(sl_fleet_targets(reconciler->fleet));
    } else if (!leads && reconciler->leader && reconciler->phase == RUNNING) {
        sl_log(SL_LOG_ERROR, "lost the Lease; stopping, to start again as a candidate",
               SL_LOG_CSTR("holder", sl_lease_holder(reconciler->lease)));
        reconciler->lost = true;
        enter(reconciler, STOPPED, now);
    }
    reconciler->leader = leads;
}

static void check_synced(struct reconciler *reconciler, int64_t now)
{
    if (!reconciler->synced && sl_fleet_synced(reconciler->fleet)) {
        reconciler->synced = true;
        reconciler->report.reported = 0; /* ready at once */
        sl_process_trim(&reconciler->trimmed, 0, now);
        sl_log(SL_LOG_INFO, "synced",
               SL_LOG_INT("rollouts", sl_targets_count(sl_fleet_targets(reconciler->fleet))),
               SL_LOG_INT("ms", (now - reconciler->started) / SL_NS_PER_MS));
    }
}

/* Somebody who came first, and a Lease that nobody has made yet, are no failures. */
static void log_lease(struct reconciler *reconciler, const struct sl_reply *reply)
{
    enum sl_err_kind kind = reply->err.kind;
    bool fails = kind != SL_ERR_NONE && kind != SL_ERR_CONFLICT && kind != SL_ERR_NOT_FOUND;
    if (fails && !reconciler->lease_fails) {
        sl_log(SL_LOG_WARN, "cannot use the Lease", SL_LOG_CSTR("err", reply->err.msg));
    } else if (!fails && reconciler->lease_fails) {
        sl_log(SL_LOG_INFO, "uses the Lease again");
    }
    reconciler->lease_fails = fails;
}

static bool take_reply(struct reconciler *reconciler, int64_t now, int64_t wall)
{
    SL_AUTO(sl_reply) struct sl_reply reply = {.id = 0};
    if (!sl_client_take(reconciler->client, &reply)) {
        return false;
    }
    if (reply.tag == reconciler->lease) {
        log_lease(reconciler, &reply);
        sl_lease_reply(reconciler->lease, &reply, now);
        if (reconciler->phase == RELEASING && !sl_lease_release(reconciler->lease, now, wall)) {
            enter(reconciler, STOPPED, now);
        }
    } else if (reply.tag == reconciler->events) {
        sl_events_reply(reconciler->events, &reply, now);
    } else if (reconciler->rolling != NULL) {
        sl_rolling_reply(reconciler->rolling, &reply, now, wall);
    }
    return true;
}

/* Whether changes may be planned. */
static bool acts(const struct reconciler *reconciler)
{
    return reconciler->phase == RUNNING && reconciler->synced && reconciler->leader;
}

static bool plans(const struct reconciler *reconciler, int64_t now)
{
    return acts(reconciler) && sl_fleet_is_current(reconciler->fleet, now);
}

static void turn(struct reconciler *reconciler, int64_t now)
{
    int64_t wall = sl_clock_wall();
    sl_client_turn(reconciler->client, now);
    sl_fleet_turn(reconciler->fleet, now);
    while (take_reply(reconciler, now, wall)) {
    }
    if (reconciler->phase == RUNNING) {
        if (reconciler->lease != NULL) {
            sl_lease_turn(reconciler->lease, now, wall);
        }
        check_leader(reconciler, now);
        check_synced(reconciler, now);
    }
    if (plans(reconciler, now)) {
        sl_rolling_turn(reconciler->rolling, now, wall);
    }
    if (acts(reconciler)) {
        sl_events_turn(reconciler->events, now, wall);
    }
    advance(reconciler, now);
}

static void report(struct reconciler *reconciler, int64_t now)
{
    reconciler->report.numbers.synced = reconciler->synced;
    reconciler->report.numbers.leader = reconciler->leader;
    reconciler->report.numbers.events_lost = sl_events_lost(reconciler->events);
    sl_report_turn(&reconciler->report, reconciler->fleet, reconciler->client, reconciler->metrics,
                   now);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t due(const struct reconciler *reconciler, int64_t now)
{
    int64_t until = sooner(now + TICK, sl_fleet_due(reconciler->fleet));
    if (reconciler->phase != RUNNING) {
        int64_t most = reconciler->phase == FINISHING ? FINISHING_MAX : RELEASING_MAX;
        return sooner(until, reconciler->phase_since + most);
    }
    if (reconciler->lease != NULL) {
        until = sooner(until, sl_lease_due(reconciler->lease));
    }
    if (plans(reconciler, now)) {
        until = sooner(until, sl_rolling_due(reconciler->rolling));
    }
    if (acts(reconciler)) {
        until = sooner(until, sl_events_due(reconciler->events));
    }
    return until;
}

/* Changes are sent many at a time, each with buffers of its own. */
static void give_back(struct reconciler *reconciler, int64_t now)
{
    bool changes = reconciler->rolling != NULL && sl_rolling_under_way(reconciler->rolling) > 0;
    reconciler->changed = reconciler->changed || changes;
    if (reconciler->changed && !changes && now - reconciler->trimmed >= TRIM_AFTER_CHANGES) {
        reconciler->changed = false;
        sl_process_trim(&reconciler->trimmed, 0, now);
    } else {
        sl_process_trim(&reconciler->trimmed, SL_PROCESS_TRIM_EVERY, now);
    }
}

static void loop(struct reconciler *reconciler)
{
    while (reconciler->phase != STOPPED) {
        int64_t now = sl_clock_mono();
        sl_health_beat(reconciler->health, now);
        take_signals(reconciler, now);
        check_leader(reconciler, now);
        if (reconciler->phase == STOPPED) {
            break;
        }
        turn(reconciler, now);
        sl_http_server_sweep(reconciler->health_server, now);
        give_back(reconciler, now);
        int64_t end = sl_clock_mono();
        sl_reconciler_count_turn(&reconciler->report.numbers, end - now);
        if (reconciler->phase == RUNNING) {
            report(reconciler, end);
        }
        struct pollfd fds[] = {{.fd = reconciler->signals, .events = POLLIN}};
        if (reconciler->phase != STOPPED) {
            sl_client_wait(reconciler->client, fds, 1, due(reconciler, end));
        }
    }
    sl_log(SL_LOG_INFO, "stopped");
}

int sl_reconciler_run(const struct sl_reconciler_options *options)
{
    struct sl_err err = SL_ERR_INIT;
    sigset_t before;
    int signals = sl_process_signals(&before, &err);
    int status = 1;
    sl_log_set_level((enum sl_log_level)options->config->log_level);
    if (signals >= 0) {
        SL_AUTO(reconciler) struct reconciler reconciler = {.options = options, .signals = signals};
        if (start(&reconciler, &err) == 0) {
            loop(&reconciler);
            status = reconciler.lost ? 1 : 0;
        }
    }
    if (err.kind != SL_ERR_NONE) {
        sl_log(SL_LOG_ERROR, "cannot start", SL_LOG_CSTR("err", err.msg));
    }
    if (signals >= 0) {
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return status;
}
