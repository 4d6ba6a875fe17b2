/* The webhook role (webhook.h): starts everything, turns the loop, and ends in phases:
 *
 *     SERVING ──SIGTERM──▶ LINGERING ──delay──▶ DRAINING ──idle, or timeout──▶ STOPPED
 *
 * LINGERING is for the API servers that do not know yet: new connections are taken, and every
 * answer says Connection: close. DRAINING takes none, and waits for the requests that were begun.
 */
#include "run/webhook/webhook.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/file.h"
#include "run/cpus.h"
#include "run/fd_limit.h"
#include "run/process.h"
#include "run/webhook/admission_handler.h"
#include "run/webhook/health.h"
#include "run/webhook/inputs.h"

#define TICK (500 * SL_NS_PER_MS)         /* the servers want to be swept once a second */
#define DRAINING_TICK (20 * SL_NS_PER_MS) /* how exactly the last answer is waited for */
/* A connection that was accepted at the last moment has begun its handshake, but no request yet. */
#define DRAINING_SETTLE SL_NS_PER_S

/* File descriptors besides HTTPS connections: for each thread its epoll and eventfds; and listening
 * sockets, watches, the standard three, and the files of a reload. */
#define FDS_OF_THREAD 4
#define FDS_OTHER 32

enum phase { SERVING, LINGERING, DRAINING, STOPPED };

struct webhook {
    const struct sl_config *config;
    struct sl_policy_store *policies;
    struct sl_metrics *metrics;
    struct sl_tls_store *tls;
    struct sl_policy_watch *watch; /* NULL: policies come from files alone */
    struct sl_inputs *inputs;
    struct sl_admission_handler *handler;
    struct sl_http_server *server;
    struct sl_webhook_sources sources; /* of health */
    struct sl_health *health;
    struct sl_http_server *health_server;
    int signals;
    enum phase phase;
    int64_t phase_since;
    int64_t trimmed;
    bool cut; /* requests were under way when it stopped */
};

/* The servers first: their threads use all the rest. */
static void webhook_cleanup(struct webhook *webhook)
{
    sl_http_server_stop(webhook->health_server);
    sl_http_server_stop(webhook->server);
    sl_health_close(webhook->health);
    sl_admission_handler_close(webhook->handler);
    sl_inputs_close(webhook->inputs);
    sl_policy_watch_close(webhook->watch);
    sl_tls_store_close(webhook->tls);
    sl_metrics_close(webhook->metrics);
    sl_policy_store_close(webhook->policies);
    sl_fd_cleanup(&webhook->signals);
}

static int fit_connections(const struct sl_config *config, unsigned threads,
                           unsigned *ret_connections, struct sl_err *err)
{
    unsigned wanted = (unsigned)config->limits.max_connections;
    unsigned reserve =
        SL_HEALTH_CONNECTIONS + FDS_OF_THREAD * (threads + SL_HEALTH_THREADS) + FDS_OTHER;
    if (sl_fd_limit(wanted, reserve, ret_connections, err) < 0) {
        return -1;
    }
    if (*ret_connections < wanted) {
        sl_log(SL_LOG_WARN, "the limit of open files allows fewer connections than maxConnections",
               SL_LOG_INT("maxConnections", wanted), SL_LOG_INT("connections", *ret_connections));
    }
    return 0;
}

static int start_server(struct webhook *webhook, unsigned threads, struct sl_err *err)
{
    const struct sl_config *config = webhook->config;
    unsigned connections = 0;
    if (fit_connections(config, threads, &connections, err) < 0) {
        return -1;
    }
    const struct sl_http_options options = {
        .address = config->listen.address.p,
        .port = (uint16_t)config->listen.port,
        .threads = threads,
        .max_connections = connections,
        .max_body = (size_t)config->limits.max_body,
        .max_in_flight = (size_t)config->limits.max_in_flight,
        .request_timeout_ns = config->limits.request_timeout,
        .idle_timeout_ns = config->limits.idle_timeout,
        .tls = webhook->tls,
        .handler = sl_admission_handle,
        .ctx = webhook->handler,
    };
    return sl_http_server_start(&options, &webhook->server, err);
}

static int start_health(struct webhook *webhook, struct sl_err *err)
{
    const struct sl_config *config = webhook->config;
    webhook->sources = (struct sl_webhook_sources){
        .policies = webhook->policies,
        .metrics = webhook->metrics,
        .tls = webhook->tls,
        .watch = webhook->watch,
        .server = webhook->server,
    };
    webhook->health = sl_webhook_health_open(&webhook->sources, sl_clock_mono());
    return sl_health_listen(webhook->health, config->listen.health_address.p,
                            config->listen.health_port, &webhook->health_server, err);
}

static int open_inputs(struct webhook *webhook, struct sl_err *err)
{
    const struct sl_config *config = webhook->config;
    int64_t now = sl_clock_wall() / SL_NS_PER_S;
    webhook->policies = sl_policy_store_open();
    webhook->metrics = sl_metrics_open(&config->admission.workloads, now);
    if (sl_inputs_open_certificate(config, now, &webhook->tls, err) < 0) {
        return -1;
    }
    if (config->kube.enabled &&
        sl_policy_watch_open(config, sl_process_random(), &webhook->watch, err) < 0) {
        return -1;
    }
    const struct sl_inputs_options options = {
        .config = config,
        .policies = webhook->policies,
        .tls = webhook->tls,
        .metrics = webhook->metrics,
        .watch = webhook->watch,
    };
    return sl_inputs_open(&options, sl_clock_mono(), &webhook->inputs, err);
}

static int start(struct webhook *webhook, struct sl_err *err)
{
    const struct sl_config *config = webhook->config;
    unsigned threads = config->limits.threads > 0 ? (unsigned)config->limits.threads : sl_cpus();
    sl_process_memory(threads);
    if (open_inputs(webhook, err) < 0) {
        return -1;
    }
    const struct sl_admission_handler_options options = {
        .config = &config->admission,
        .policies = webhook->policies,
        .metrics = webhook->metrics,
        .request_timeout = config->limits.request_timeout,
        .evictees = webhook->watch == NULL ? NULL : sl_policy_watch_evictees(webhook->watch),
        .orders = webhook->watch == NULL ? NULL : sl_policy_watch_orders(webhook->watch),
    };
    if (sl_admission_handler_open(&options, &webhook->handler, err) < 0 ||
        start_server(webhook, threads, err) < 0 || start_health(webhook, err) < 0) {
        return -1;
    }
    sl_process_trim(&webhook->trimmed, 0, sl_clock_mono()); /* what reading files left over */
    sl_log(SL_LOG_INFO, "serving", SL_LOG_TEXT("address", config->listen.address),
           SL_LOG_INT("port", sl_http_server_port(webhook->server)),
           SL_LOG_TEXT("healthAddress", config->listen.health_address),
           SL_LOG_INT("healthPort", sl_http_server_port(webhook->health_server)),
           SL_LOG_INT("threads", threads), SL_LOG_CSTR("version", SL_VERSION));
    return 0;
}

/* --- the end, phase by phase --- */

static void enter(struct webhook *webhook, enum phase phase, int64_t now)
{
    webhook->phase = phase;
    webhook->phase_since = now;
}

static bool is_drained(const struct webhook *webhook, int64_t now)
{
    struct sl_http_stats stats;
    sl_http_server_stats(webhook->server, &stats);
    return stats.connections == 0 ||
           (stats.in_flight == 0 && now - webhook->phase_since >= DRAINING_SETTLE);
}

static void advance(struct webhook *webhook, int64_t now)
{
    const struct sl_config *config = webhook->config;
    int64_t since = now - webhook->phase_since;
    if (webhook->phase == LINGERING && since >= config->shutdown.delay) {
        sl_http_server_quiesce(webhook->server);
        enter(webhook, DRAINING, now);
    } else if (webhook->phase == DRAINING &&
               (is_drained(webhook, now) || since >= config->shutdown.timeout)) {
        enter(webhook, STOPPED, now);
    }
}

static void terminate(struct webhook *webhook, int64_t now)
{
    if (webhook->phase != SERVING) {
        sl_log(SL_LOG_WARN, "stopping at once");
        enter(webhook, STOPPED, now);
        return;
    }
    sl_log(SL_LOG_INFO, "stopping",
           SL_LOG_INT("delayMs", webhook->config->shutdown.delay / SL_NS_PER_MS));
    sl_health_stopping(webhook->health);
    sl_http_server_drain(webhook->server);
    enter(webhook, LINGERING, now);
}

static void take_signals(struct webhook *webhook, int64_t now)
{
    struct signalfd_siginfo info;
    while (read(webhook->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            sl_inputs_want_policies(webhook->inputs, now);
        } else {
            terminate(webhook, now);
        }
    }
}

/* --- the loop --- */

static int64_t wait_for(const struct webhook *webhook, int64_t now)
{
    int64_t wait = webhook->phase == SERVING ? TICK : DRAINING_TICK;
    int64_t due = sl_inputs_due(webhook->inputs);
    if (due <= now) {
        return 0;
    }
    return due - now < wait ? due - now : wait;
}

static void wait_until(struct webhook *webhook, int64_t until)
{
    struct pollfd fds[] = {
        {.fd = webhook->signals, .events = POLLIN},
        {.fd = sl_inputs_fd(webhook->inputs), .events = POLLIN},
        {.fd = -1, .events = POLLIN},
    };
    if (webhook->watch != NULL) {
        fds[2].fd = sl_drain_orders_fd(sl_policy_watch_orders(webhook->watch));
        sl_policy_watch_wait(webhook->watch, fds, 3, until);
        return;
    }
    int64_t wait = until - sl_clock_mono();
    (void)poll(fds, 2, wait <= 0 ? 0 : (int)((wait + SL_NS_PER_MS - 1) / SL_NS_PER_MS));
}

static void loop(struct webhook *webhook)
{
    while (webhook->phase != STOPPED) {
        int64_t now = sl_clock_mono();
        wait_until(webhook, now + wait_for(webhook, now));
        now = sl_clock_mono();
        sl_health_beat(webhook->health, now);
        take_signals(webhook, now);
        sl_inputs_turn(webhook->inputs, now);
        sl_http_server_sweep(webhook->server, now);
        sl_http_server_sweep(webhook->health_server, now);
        advance(webhook, now);
        sl_process_trim(&webhook->trimmed, SL_PROCESS_TRIM_EVERY, now);
    }
    struct sl_http_stats stats;
    sl_http_server_stats(webhook->server, &stats);
    webhook->cut = stats.in_flight > 0;
    sl_log(webhook->cut ? SL_LOG_WARN : SL_LOG_INFO, "stopped",
           SL_LOG_INT("requestsCut", stats.in_flight));
}

int sl_webhook_run(const struct sl_config *config)
{
    struct sl_err err = SL_ERR_INIT;
    sigset_t before;
    int signals = sl_process_signals(&before, &err);
    int status = 1;
    sl_log_set_level((enum sl_log_level)config->log_level);
    if (signals >= 0) {
        SL_AUTO(webhook) struct webhook webhook = {.config = config, .signals = signals};
        if (start(&webhook, &err) == 0) {
            loop(&webhook);
            status = webhook.cut ? 1 : 0;
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

int sl_webhook_check_policies(const struct sl_config *config, struct sl_err *err)
{
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;
    return sl_inputs_read_policies(config, &snapshot, err);
}

int sl_webhook_check_certificate(const struct sl_config *config, struct sl_err *err)
{
    SL_AUTO(sl_tls_store) struct sl_tls_store *tls = NULL;
    return sl_inputs_open_certificate(config, sl_clock_wall() / SL_NS_PER_S, &tls, err);
}

int sl_webhook_check_cluster(const struct sl_config *config, struct sl_buf *out, struct sl_err *err)
{
    return config->kube.enabled ? sl_policy_watch_target(config, out, err) : 0;
}
