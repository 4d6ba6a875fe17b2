/* The reconciler role (reconciler.h): turns the loop, and ends in phases:
 *
 *     RUNNING ──SIGTERM──▶ FINISHING ──answered, or late──▶ RELEASING ──answered, or late──▶
 * STOPPED └──the Lease is lost─────────────────────────────────────────────────────────────────▶
 *
 * FINISHING waits for the changes that are under way, RELEASING for the Lease to be given up; each
 * only for so long that the whole takes less than a second. */
#include "run/reconciler/private.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "run/process.h"

#define TICK (500 * SL_NS_PER_MS) /* the health server wants to be swept once a second */
#define FINISHING_MAX (300 * SL_NS_PER_MS)
#define RELEASING_MAX (400 * SL_NS_PER_MS)
#define TRIM_AFTER_CHANGES SL_NS_PER_S

/* --- the end, phase by phase --- */

static void enter(struct sl_reconciler *reconciler, enum sl_reconciler_phase phase, int64_t now)
{
    reconciler->phase = phase;
    reconciler->phase_since = now;
}

static void take_signals(struct sl_reconciler *reconciler, int64_t now)
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
static void release(struct sl_reconciler *reconciler, int64_t now)
{
    sl_writes_close(sl_steal(&reconciler->writes));
    sl_traffic_close(sl_steal(&reconciler->traffic));
    sl_rolling_close(sl_steal(&reconciler->rolling));
    sl_events_close(sl_steal(&reconciler->events));
    bool waits =
        reconciler->lease != NULL && sl_lease_release(reconciler->lease, now, sl_clock_wall());
    enter(reconciler, waits ? RELEASING : STOPPED, now);
}

static void advance(struct sl_reconciler *reconciler, int64_t now)
{
    int64_t since = now - reconciler->phase_since;
    if (reconciler->phase == FINISHING &&
        (sl_writes_under_way(reconciler->writes) == 0 || since >= FINISHING_MAX)) {
        release(reconciler, now);
    } else if (reconciler->phase == RELEASING && since >= RELEASING_MAX) {
        sl_log(SL_LOG_WARN, "the Lease could not be given up in time");
        enter(reconciler, STOPPED, now);
    }
}

/* --- the loop --- */

static void follow(struct sl_reconciler *reconciler)
{
    const char *holder = sl_lease_holder(reconciler->lease);
    if (strncmp(holder, reconciler->holder, sizeof reconciler->holder - 1) != 0) {
        (void)snprintf(reconciler->holder, sizeof reconciler->holder, "%s", holder);
        sl_log(SL_LOG_INFO, "the Lease is held", SL_LOG_CSTR("holder", holder));
    }
}

/* Before anything is sent: a process that was stopped for a while must not go on as if it were
 * not. */
static void check_leader(struct sl_reconciler *reconciler, int64_t now)
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

static void check_synced(struct sl_reconciler *reconciler, int64_t now)
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
static void log_lease(struct sl_reconciler *reconciler, const struct sl_reply *reply)
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

static bool take_reply(struct sl_reconciler *reconciler, int64_t now, int64_t wall)
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
    } else if (reconciler->writes != NULL) {
        sl_writes_reply(&reply, now, wall);
    }
    return true;
}

/* Whether changes may be planned. */
static bool acts(const struct sl_reconciler *reconciler)
{
    return reconciler->phase == RUNNING && reconciler->synced && reconciler->leader;
}

static bool plans(const struct sl_reconciler *reconciler, int64_t now)
{
    return acts(reconciler) && sl_fleet_is_current(reconciler->fleet, now);
}

/* Load balancers are the leader's, from the moment on that it knows which pods there are. */
static void open_traffic(struct sl_reconciler *reconciler)
{
    const struct sl_traffic_options options = {
        .fleet = reconciler->fleet,
        .writes = reconciler->writes,
        .events = reconciler->events,
        .numbers = &reconciler->report.numbers,
        .seed = sl_process_random(),
    };
    reconciler->traffic = sl_traffic_open(&options);
}

static void turn_traffic(struct sl_reconciler *reconciler, int64_t now, int64_t wall)
{
    if (reconciler->traffic == NULL) {
        open_traffic(reconciler);
    }
    sl_traffic_turn(reconciler->traffic, plans(reconciler, now), now, wall);
}

/* What can be sent at once is shared: each is first every other turn. */
static void act(struct sl_reconciler *reconciler, int64_t now, int64_t wall)
{
    bool first = reconciler->traffic_first;
    reconciler->traffic_first = !first;
    if (first) {
        turn_traffic(reconciler, now, wall);
    }
    if (plans(reconciler, now)) {
        sl_rolling_turn(reconciler->rolling, now, wall);
    }
    if (!first) {
        turn_traffic(reconciler, now, wall);
    }
    sl_events_turn(reconciler->events, now, wall);
}

static void turn(struct sl_reconciler *reconciler, int64_t now)
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
    if (acts(reconciler)) {
        act(reconciler, now, wall);
    }
    advance(reconciler, now);
}

static void report(struct sl_reconciler *reconciler, int64_t now)
{
    reconciler->report.numbers.synced = reconciler->synced;
    reconciler->report.numbers.leader = reconciler->leader;
    if (reconciler->traffic != NULL) {
        sl_traffic_sample(reconciler->traffic, &reconciler->report.numbers);
    }
    reconciler->report.numbers.events_lost = sl_events_lost(reconciler->events);
    sl_report_turn(&reconciler->report, reconciler->fleet, reconciler->client, reconciler->metrics,
                   now);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t due(const struct sl_reconciler *reconciler, int64_t now)
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
        until = sooner(until, sl_traffic_due(reconciler->traffic, plans(reconciler, now)));
    }
    return until;
}

/* Changes are sent many at a time, each with buffers of its own. */
static void give_back(struct sl_reconciler *reconciler, int64_t now)
{
    bool changes = reconciler->writes != NULL && sl_writes_under_way(reconciler->writes) > 0;
    reconciler->changed = reconciler->changed || changes;
    if (reconciler->changed && !changes && now - reconciler->trimmed >= TRIM_AFTER_CHANGES) {
        reconciler->changed = false;
        sl_process_trim(&reconciler->trimmed, 0, now);
    } else {
        sl_process_trim(&reconciler->trimmed, SL_PROCESS_TRIM_EVERY, now);
    }
}

/* What traffic has to take is only looked at while it is turned. */
static void wait_for(struct sl_reconciler *reconciler, int64_t now)
{
    struct pollfd fds[2] = {{.fd = reconciler->signals, .events = POLLIN}};
    size_t count = 1;
    if (acts(reconciler) && reconciler->traffic != NULL) {
        fds[count++] = (struct pollfd){.fd = sl_traffic_fd(reconciler->traffic), .events = POLLIN};
    }
    sl_client_wait(reconciler->client, fds, count, due(reconciler, now));
}

static void loop(struct sl_reconciler *reconciler)
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
        if (reconciler->phase != STOPPED) {
            wait_for(reconciler, end);
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
        SL_AUTO(sl_reconciler)
        struct sl_reconciler reconciler = {.options = options, .signals = signals};
        if (sl_reconciler_start(&reconciler, &err) == 0) {
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
