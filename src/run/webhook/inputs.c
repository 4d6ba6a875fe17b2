/* Policies and certificate (inputs.h): `rows` says what is read, and how often. */
#include "run/webhook/inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/dirwatch.h"
#include "run/webhook/policy_files.h"

#define POLL_INTERVAL (10 * SL_NS_PER_S) /* where inotify is silent */
#define RETRY_AFTER (10 * SL_NS_PER_S)   /* after a failure that a change did not mend */
#define CERTIFICATE_EVERY (60 * SL_NS_PER_S)

#define DAY_SECONDS INT64_C(86400)
#define WARN_BEFORE (7 * DAY_SECONDS) /* of the end of the certificate, in seconds */
#define WARN_EVERY (DAY_SECONDS * SL_NS_PER_S)

enum input { POLICIES, CERTIFICATE, CLUSTER, INPUTS }; /* the first two also tag the watch */

struct sl_inputs {
    struct sl_inputs_options options;
    struct sl_dirwatch *watch;
    size_t watched; /* so many of the policy paths are */
    /* with a watch of the cluster */
    struct sl_snapshot *files;     /* as last read; NULL: never */
    bool listed;                   /* the cluster was */
    char left_out[SL_ERR_MSG_MAX]; /* of the cluster's, as logged last; "": nothing */
    struct {
        int64_t due;
        /* the failure that was logged last; "": none since it worked */
        char logged[SL_ERR_MSG_MAX];
    } states[INPUTS];
    int64_t warn_due; /* when the certificate's end may be warned of again */
    bool told_expired;
};

int sl_inputs_read_policies(const struct sl_config *config, struct sl_snapshot **ret_snapshot,
                            struct sl_err *err)
{
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = sl_snapshot_open();
    const struct sl_str *paths = config->policy_paths.items;
    for (size_t i = 0; i < config->policy_paths.count; i++) {
        if (sl_policy_files_add(snapshot, paths[i].p, &config->admission.workloads, err) < 0) {
            return -1;
        }
    }
    sl_snapshot_seal(snapshot);
    *ret_snapshot = sl_steal(&snapshot);
    return 0;
}

int sl_inputs_open_certificate(const struct sl_config *config, int64_t now,
                               struct sl_tls_store **ret_store, struct sl_err *err)
{
    const struct sl_str *written = config->tls.client_names.items;
    size_t count = config->tls.client_names.count;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const char **names = sl_arena_zalloc(&arena, count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = written[i].p;
    }
    const struct sl_tls_options options = {
        .directory = config->tls.directory.p,
        .client_ca = config->tls.client_ca.p,
        .client_names = count > 0 ? names : NULL,
    };
    return sl_tls_store_open(&options, now, ret_store, err);
}

bool sl_inputs_key_is_exposed(const struct sl_config *config)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const char *directory = config->tls.directory.p;
    struct stat key;
    return stat(sl_arena_printf(&arena, "%s/tls.key", directory), &key) == 0 &&
           (key.st_mode & S_IROTH) != 0 &&
           access(sl_arena_printf(&arena, "%s/..data", directory), F_OK) < 0;
}

static void warn_of_exposed_key(const struct sl_config *config)
{
    if (sl_inputs_key_is_exposed(config)) {
        sl_log(SL_LOG_WARN, "tls.key can be read by every user; chmod 0600 it",
               SL_LOG_TEXT("path", config->tls.directory));
    }
}

/* In the order of the configuration; a path that is not there yet is tried again with the next
 * read. */
static int watch_policies(struct sl_inputs *inputs, struct sl_err *err)
{
    const struct sl_config *config = inputs->options.config;
    const struct sl_str *paths = config->policy_paths.items;
    for (; inputs->watched < config->policy_paths.count; inputs->watched++) {
        if (sl_dirwatch_add(inputs->watch, paths[inputs->watched].p, POLICIES, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static void put_in_force(struct sl_inputs *inputs, struct sl_snapshot *snapshot)
{
    sl_log(SL_LOG_INFO, "policies loaded",
           SL_LOG_INT("trafficPolicies", sl_snapshot_policy_count(snapshot)),
           SL_LOG_INT("rollouts", sl_snapshot_rollout_count(snapshot)));
    sl_policy_store_swap(inputs->options.policies, snapshot, sl_clock_wall() / SL_NS_PER_S);
}

static void tell_left_out(struct sl_inputs *inputs, const struct sl_problems *problems)
{
    SL_AUTO(sl_buf) struct sl_buf said = SL_BUF_INIT(sizeof inputs->left_out - 1);
    sl_problems_write(problems, &said);
    const char *text = said.data == NULL ? "" : said.data;
    if (strcmp(text, inputs->left_out) != 0 && text[0] != '\0') {
        sl_log(SL_LOG_WARN,
               "policies of the cluster are left out: the files have others of their "
               "names",
               SL_LOG_CSTR("err", text));
    }
    (void)snprintf(inputs->left_out, sizeof inputs->left_out, "%s", text);
    sl_metrics_policies_left_out(inputs->options.metrics, problems->count);
}

/* Files and cluster together, once each of them is known. */
static int load_cluster(struct sl_inputs *inputs, struct sl_err *err)
{
    (void)err;
    if (inputs->files == NULL || !inputs->listed) {
        return 0;
    }
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = sl_snapshot_open();
    struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(snapshot));
    sl_snapshot_include(snapshot, inputs->files);
    sl_policy_watch_add(inputs->options.watch, snapshot, &problems);
    sl_snapshot_seal(snapshot);
    tell_left_out(inputs, &problems);
    put_in_force(inputs, sl_steal(&snapshot));
    return 0;
}

static int load_policies(struct sl_inputs *inputs, struct sl_err *err)
{
    struct sl_snapshot *snapshot = NULL;
    /* Watched before it is read: what happens in between is read again */
    int result = watch_policies(inputs, err);
    if (result == 0) {
        result = sl_inputs_read_policies(inputs->options.config, &snapshot, err);
    }
    sl_metrics_policies_read(inputs->options.metrics, result == 0);
    if (result < 0) {
        return -1;
    }
    if (inputs->options.watch == NULL) {
        put_in_force(inputs, snapshot);
        return 0;
    }
    sl_snapshot_close(inputs->files);
    inputs->files = snapshot;
    return load_cluster(inputs, err);
}

static int load_certificate(struct sl_inputs *inputs, struct sl_err *err)
{
    bool changed = false;
    if (sl_tls_store_reload(inputs->options.tls, sl_clock_wall() / SL_NS_PER_S, &changed, err) <
        0) {
        return -1;
    }
    if (changed) {
        struct sl_tls_info info;
        sl_tls_store_info(inputs->options.tls, &info);
        sl_log(SL_LOG_INFO, "certificate loaded", SL_LOG_CSTR("serial", info.serial),
               SL_LOG_INT("notAfter", info.not_after));
        warn_of_exposed_key(inputs->options.config);
    } else if (inputs->states[CERTIFICATE].logged[0] != '\0') {
        sl_log(SL_LOG_INFO, "the certificate on disk is the one that is served again");
    }
    return 0;
}

/* A certificate that nobody renews, as long as there is time to mend it. */
static void warn_of_end(struct sl_inputs *inputs, int64_t now)
{
    struct sl_tls_info info;
    sl_tls_store_info(inputs->options.tls, &info);
    int64_t left = info.not_after - sl_clock_wall() / SL_NS_PER_S;
    if (left <= 0) {
        if (!inputs->told_expired) {
            sl_log(SL_LOG_ERROR, "the certificate that is served has expired",
                   SL_LOG_CSTR("serial", info.serial), SL_LOG_INT("notAfter", info.not_after));
        }
    } else if (left <= WARN_BEFORE && now >= inputs->warn_due) {
        sl_log(SL_LOG_WARN, "the certificate that is served ends soon",
               SL_LOG_CSTR("serial", info.serial), SL_LOG_INT("notAfter", info.not_after),
               SL_LOG_INT("hoursLeft", left / 3600));
        inputs->warn_due = now + WARN_EVERY;
    }
    inputs->told_expired = left <= 0;
}

static const struct {
    int (*load)(struct sl_inputs *inputs, struct sl_err *err);
    int64_t every; /* nanoseconds, whether it changed or not; 0: only when it changed */
    const char *failure;
} rows[INPUTS] = {
    [POLICIES] = {load_policies, 0, "policies cannot be loaded; those before stay in force"},
    [CERTIFICATE] = {load_certificate, CERTIFICATE_EVERY,
                     "the certificate cannot be loaded; the one before is served on"},
    [CLUSTER] = {load_cluster, 0, "policies of the cluster cannot be put in force"},
};

static void load(struct sl_inputs *inputs, enum input input, int64_t now)
{
    struct sl_err err = SL_ERR_INIT;
    char *logged = inputs->states[input].logged;
    if (rows[input].load(inputs, &err) == 0) {
        logged[0] = '\0';
        inputs->states[input].due = rows[input].every == 0 ? INT64_MAX : now + rows[input].every;
        return;
    }
    inputs->states[input].due = now + RETRY_AFTER;
    if (strcmp(logged, err.msg) != 0) {
        sl_log(SL_LOG_ERROR, rows[input].failure, SL_LOG_CSTR("err", err.msg));
        memcpy(logged, err.msg, sizeof err.msg);
    }
}

static int watch_certificate(struct sl_inputs *inputs, struct sl_err *err)
{
    const struct sl_config *config = inputs->options.config;
    if (sl_dirwatch_add(inputs->watch, config->tls.directory.p, CERTIFICATE, err) < 0) {
        return -1;
    }
    return config->tls.client_ca.n == 0
               ? 0
               : sl_dirwatch_add(inputs->watch, config->tls.client_ca.p, CERTIFICATE, err);
}

int sl_inputs_open(const struct sl_inputs_options *options, int64_t now,
                   struct sl_inputs **ret_inputs, struct sl_err *err)
{
    SL_AUTO(sl_inputs) struct sl_inputs *inputs = calloc(1, sizeof *inputs);
    if (inputs == NULL) {
        abort();
    }
    inputs->options = *options;
    if (sl_dirwatch_open(POLL_INTERVAL, &inputs->watch, err) < 0 ||
        watch_certificate(inputs, err) < 0) {
        return -1;
    }
    inputs->states[CERTIFICATE].due = now + CERTIFICATE_EVERY; /* the store has just read it */
    inputs->states[CLUSTER].due = INT64_MAX;                   /* the watch says when */
    inputs->warn_due = now;
    warn_of_exposed_key(options->config);
    warn_of_end(inputs, now);
    load(inputs, POLICIES, now);
    *ret_inputs = sl_steal(&inputs);
    return 0;
}

void sl_inputs_close(struct sl_inputs *inputs)
{
    if (inputs == NULL) {
        return;
    }
    sl_dirwatch_close(inputs->watch);
    sl_snapshot_close(inputs->files);
    free(inputs);
}

int sl_inputs_fd(const struct sl_inputs *inputs)
{
    return sl_dirwatch_fd(inputs->watch);
}

static void want(struct sl_inputs *inputs, enum input input, int64_t due)
{
    /* Never put off: changes without end must not keep the first from being read */
    if (due < inputs->states[input].due) {
        inputs->states[input].due = due;
    }
}

static void turn_watch(struct sl_inputs *inputs, int64_t now)
{
    struct sl_policy_watch *watch = inputs->options.watch;
    sl_policy_watch_turn(watch, now);
    struct sl_handovers *handovers = sl_policy_watch_handovers(watch);
    if (handovers != NULL) {
        sl_policy_store_swap_handovers(inputs->options.policies, handovers);
    }
    if (sl_policy_watch_changed(watch)) {
        want(inputs, CLUSTER, inputs->listed ? now + SL_INPUTS_GATHER : now);
        inputs->listed = true;
    }
}

void sl_inputs_turn(struct sl_inputs *inputs, int64_t now)
{
    if (inputs->options.watch != NULL) {
        turn_watch(inputs, now);
    }
    uint32_t changed = sl_dirwatch_poll(inputs->watch, now);
    for (int i = 0; i < INPUTS; i++) {
        if ((changed & (UINT32_C(1) << i)) != 0) {
            want(inputs, (enum input)i, now + SL_INPUTS_SETTLE);
        }
        if (now >= inputs->states[i].due) {
            load(inputs, (enum input)i, now);
            if (i == CERTIFICATE) {
                warn_of_end(inputs, now);
            }
        }
    }
}

int64_t sl_inputs_due(const struct sl_inputs *inputs)
{
    int64_t due =
        inputs->options.watch == NULL ? INT64_MAX : sl_policy_watch_due(inputs->options.watch);
    for (int i = 0; i < INPUTS; i++) {
        due = inputs->states[i].due < due ? inputs->states[i].due : due;
    }
    return due;
}

void sl_inputs_want_policies(struct sl_inputs *inputs, int64_t now)
{
    inputs->states[POLICIES].due = now;
    inputs->states[POLICIES].logged[0] = '\0';
}
