/* The caches of the webhook (policy_watch.h): the table `rows` says what is watched, what is kept
 * of it, and what a change of it means. */
#include "run/webhook/policy_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "core/names.h"
#include "core/records/evictee.h"
#include "core/records/policy.h"
#include "kube/cache.h"

enum { TRAFFIC_POLICIES, ROLLOUTS, NAMESPACES, REPLICA_SETS, PODS };

struct watched {
    struct sl_policy_watch *watch;
    const struct row *row;
    struct sl_cache *cache;
    bool failing; /* as last logged */
};

struct sl_policy_watch {
    const struct sl_workload_kinds *kinds;
    struct sl_kube_config kube;
    struct sl_client *client;
    struct watched watched[SL_POLICY_WATCH_RESOURCES];
    bool policies_changed, handovers_changed;
    struct sl_evictee_set *evictees;
    struct sl_drain_orders *orders;
    pthread_mutex_t mutex; /* guards `published` */
    struct sl_resource_numbers published[SL_POLICY_WATCH_RESOURCES];
};

struct row {
    const char *name; /* as kubectl says */
    struct sl_resource what;
    struct sl_str selector;
    const char *kind;         /* of a policy */
    sl_record_decode *decode; /* of anything else */
    void (*changed)(void *watched, const struct sl_record *before, const struct sl_record *after);
    const char *waits; /* of /readyz */
};

/* --- what is kept, and what a change means --- */

static int decode(void *watched_, struct sl_str json, struct sl_record **ret_record,
                  struct sl_err *err)
{
    const struct watched *watched = watched_;
    const struct row *row = watched->row;
    return row->decode != NULL
               ? row->decode(json, ret_record, err)
               : sl_policy_record_decode(json, row->kind, watched->watch->kinds, ret_record, err);
}

/* A status is written every second of a rollout, and leads to nothing here. */
static void policy_changed(void *watched, const struct sl_record *before,
                           const struct sl_record *after)
{
    if (before == NULL || after == NULL ||
        strcmp(sl_policy_of(before)->document, sl_policy_of(after)->document) != 0) {
        ((struct watched *)watched)->watch->policies_changed = true;
    }
}

static void namespace_changed(void *watched, const struct sl_record *before,
                              const struct sl_record *after)
{
    if (before == NULL || after == NULL || before->deleted != after->deleted ||
        sl_namespace_of(before)->managed != sl_namespace_of(after)->managed) {
        ((struct watched *)watched)->watch->policies_changed = true;
    }
}

static void handover_changed(void *watched, const struct sl_record *before,
                             const struct sl_record *after)
{
    if (before == NULL || after == NULL ||
        sl_handover_of(before)->until != sl_handover_of(after)->until) {
        ((struct watched *)watched)->watch->handovers_changed = true;
    }
}

static void pod_changed(void *watched, const struct sl_record *before,
                        const struct sl_record *after)
{
    sl_evictee_set_changed(((struct watched *)watched)->watch->evictees, before, after);
}

/* Namespaces that did not opt in are not watched: their reviews do not come (webhooks.yaml), and
 * what is not known counts as opted in, so that the first pod of a new namespace is not missed. */
static const struct row rows[SL_POLICY_WATCH_RESOURCES] = {
    [TRAFFIC_POLICIES] = {"trafficpolicies." SL_API_GROUP,
                          {SL_STR_INIT(SL_API_GROUP), SL_STR_INIT("v1alpha1"),
                           SL_STR_INIT("trafficpolicies")},
                          {0},
                          "TrafficPolicy",
                          NULL,
                          policy_changed,
                          "the TrafficPolicies were not listed yet; the log says why"},
    [ROLLOUTS] = {"rollouts." SL_API_GROUP,
                  {SL_STR_INIT(SL_API_GROUP), SL_STR_INIT("v1alpha1"), SL_STR_INIT("rollouts")},
                  {0},
                  "Rollout",
                  NULL,
                  policy_changed,
                  "the Rollouts were not listed yet; the log says why"},
    [NAMESPACES] = {"namespaces",
                    {SL_STR_INIT(""), SL_STR_INIT("v1"), SL_STR_INIT("namespaces")},
                    SL_STR_INIT(SL_LABEL_MANAGED "=true"),
                    NULL,
                    sl_namespace_record_decode,
                    namespace_changed,
                    "the Namespaces were not listed yet; the log says why"},
    [REPLICA_SETS] = {"replicasets.apps",
                      {SL_STR_INIT("apps"), SL_STR_INIT("v1"), SL_STR_INIT("replicasets")},
                      {0},
                      NULL,
                      sl_handover_record_decode,
                      handover_changed,
                      "the ReplicaSets were not listed yet; the log says why"},
    [PODS] = {"pods",
              {SL_STR_INIT(""), SL_STR_INIT("v1"), SL_STR_INIT("pods")},
              SL_STR_INIT(SL_LABEL_POLICY),
              NULL,
              sl_evictee_record_decode,
              pod_changed,
              "the Pods were not listed yet; the log says why"},
};

/* --- open and close --- */

static int load_kube(const struct sl_config *config, struct sl_kube_config *ret_kube,
                     struct sl_err *err)
{
    const struct sl_kube_config_options options = {.kubeconfig = config->kube.kubeconfig.p,
                                                   .context = config->kube.context.p};
    return sl_kube_config_load(&options, ret_kube, err) < 0 ? sl_err_wrap(err, "policies.kube") : 0;
}

int sl_policy_watch_target(const struct sl_config *config, struct sl_buf *out, struct sl_err *err)
{
    SL_AUTO(sl_kube_config) struct sl_kube_config kube = {0};
    if (load_kube(config, &kube, err) < 0) {
        return -1;
    }
    sl_buf_addf(out, "%s (context %s)", kube.server, kube.context);
    return 0;
}

static void open_caches(struct sl_policy_watch *watch, uint64_t seed)
{
    for (size_t i = 0; i < SL_POLICY_WATCH_RESOURCES; i++) {
        struct watched *watched = &watch->watched[i];
        *watched = (struct watched){.watch = watch, .row = &rows[i]};
        const struct sl_cache_options options = {
            .client = watch->client,
            .resource = rows[i].what,
            .selector = rows[i].selector,
            .decode = decode,
            .changed = rows[i].changed,
            .ctx = watched,
            .seed = seed + i,
        };
        watched->cache = sl_cache_open(&options);
    }
}

int sl_policy_watch_open(const struct sl_config *config, uint64_t seed,
                         struct sl_policy_watch **ret_watch, struct sl_err *err)
{
    SL_AUTO(sl_policy_watch) struct sl_policy_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL || pthread_mutex_init(&watch->mutex, NULL) != 0) {
        abort();
    }
    watch->kinds = &config->admission.workloads;
    watch->policies_changed = true; /* nothing at all is a change, too, from not knowing */
    watch->evictees = sl_evictee_set_open();
    if (load_kube(config, &watch->kube, err) < 0 || sl_drain_orders_open(&watch->orders, err) < 0) {
        return -1;
    }
    const struct sl_client_options options = {
        .config = &watch->kube,
        .user_agent = "sluice/" SL_VERSION " webhook",
        .qps = (double)config->kube.qps,
        .burst = (unsigned)config->kube.burst,
    };
    if (sl_client_open(&options, &watch->client, err) < 0) {
        return sl_err_wrap(err, "policies.kube");
    }
    open_caches(watch, seed);
    *ret_watch = sl_steal(&watch);
    return 0;
}

void sl_policy_watch_close(struct sl_policy_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    for (size_t i = 0; i < SL_POLICY_WATCH_RESOURCES; i++) {
        sl_cache_close(watch->watched[i].cache);
    }
    sl_client_close(watch->client);
    sl_drain_orders_close(watch->orders);
    sl_evictee_set_close(watch->evictees);
    sl_kube_config_cleanup(&watch->kube);
    (void)pthread_mutex_destroy(&watch->mutex);
    free(watch);
}

/* --- turns --- */

void sl_policy_watch_wait(struct sl_policy_watch *watch, struct pollfd *fds, size_t count,
                          int64_t until)
{
    sl_client_wait(watch->client, fds, count, until);
}

static void log_changes(struct watched *watched)
{
    const char *error = sl_cache_error(watched->cache);
    bool fails = error[0] != '\0';
    if (fails && !watched->failing) {
        sl_log(SL_LOG_WARN, "cannot follow the API server; what was known stays in force",
               SL_LOG_CSTR("resource", watched->row->name), SL_LOG_CSTR("err", error));
    } else if (!fails && watched->failing) {
        sl_log(SL_LOG_INFO, "follows the API server again",
               SL_LOG_CSTR("resource", watched->row->name));
    }
    watched->failing = fails;
}

static struct sl_resource_numbers sample(const struct watched *watched, int64_t now)
{
    struct sl_cache_stats stats;
    int64_t stale_since = sl_cache_stale_since(watched->cache);
    sl_cache_stats(watched->cache, &stats);
    return (struct sl_resource_numbers){
        .name = watched->row->name,
        .objects = (double)stats.objects,
        .bytes = (double)stats.bytes,
        .synced = sl_cache_synced(watched->cache) ? 1 : 0,
        .stale_seconds = stale_since == 0 ? 0 : (double)(now - stale_since) / (double)SL_NS_PER_S,
        .events = (double)stats.events,
        .lists = (double)stats.lists,
        .watches = (double)stats.watches,
        .failures = (double)stats.failures,
        .refused = (double)stats.refused,
    };
}

/* The pod first: then nobody orders again what was just done. */
static void take_replies(struct sl_policy_watch *watch)
{
    struct sl_reply reply = {.id = 0};
    while (sl_client_take(watch->client, &reply)) {
        if (reply.err.kind == SL_ERR_NONE) {
            sl_cache_put(watch->watched[PODS].cache, sl_buf_str(&reply.body));
        }
        sl_drain_orders_reply(watch->orders, &reply);
        sl_reply_cleanup(&reply);
    }
}

void sl_policy_watch_turn(struct sl_policy_watch *watch, int64_t now)
{
    struct sl_resource_numbers numbers[SL_POLICY_WATCH_RESOURCES];
    sl_drain_orders_send(watch->orders, watch->client, now);
    sl_client_turn(watch->client, now);
    take_replies(watch);
    for (size_t i = 0; i < SL_POLICY_WATCH_RESOURCES; i++) {
        sl_cache_turn(watch->watched[i].cache, now);
        log_changes(&watch->watched[i]);
        numbers[i] = sample(&watch->watched[i], now);
    }
    (void)pthread_mutex_lock(&watch->mutex);
    memcpy(watch->published, numbers, sizeof numbers);
    (void)pthread_mutex_unlock(&watch->mutex);
}

int64_t sl_policy_watch_due(const struct sl_policy_watch *watch)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < SL_POLICY_WATCH_RESOURCES; i++) {
        int64_t one = sl_cache_due(watch->watched[i].cache);
        due = one < due ? one : due;
    }
    return due;
}

/* --- what is known --- */

bool sl_policy_watch_changed(struct sl_policy_watch *watch)
{
    bool listed = sl_cache_synced(watch->watched[TRAFFIC_POLICIES].cache) &&
                  sl_cache_synced(watch->watched[ROLLOUTS].cache) &&
                  sl_cache_synced(watch->watched[NAMESPACES].cache);
    bool changed = listed && watch->policies_changed;
    watch->policies_changed = watch->policies_changed && !changed;
    return changed;
}

struct addition {
    const struct sl_policy_watch *watch;
    struct sl_snapshot *snapshot;
    struct sl_problems *problems;
};

static void add_policy(void *addition_, const struct sl_record *record)
{
    const struct addition *addition = addition_;
    SL_AUTO(sl_json) struct json_object *object = NULL;
    if (sl_json_parse(sl_str_from(sl_policy_of(record)->document), &object, NULL) < 0) {
        abort(); /* it was parsed when it came in */
    }
    sl_snapshot_add(addition->snapshot, object, addition->watch->kinds, addition->problems);
}

static void add_namespace(void *addition_, const struct sl_record *record)
{
    const struct addition *addition = addition_;
    sl_snapshot_add_namespace(addition->snapshot, sl_str_from(record->name),
                              sl_namespace_of(record)->managed, record->deleted != 0);
}

void sl_policy_watch_add(const struct sl_policy_watch *watch, struct sl_snapshot *snapshot,
                         struct sl_problems *problems)
{
    struct addition addition = {.watch = watch, .snapshot = snapshot, .problems = problems};
    sl_cache_each(watch->watched[TRAFFIC_POLICIES].cache, add_policy, &addition);
    sl_cache_each(watch->watched[ROLLOUTS].cache, add_policy, &addition);
    sl_cache_each(watch->watched[NAMESPACES].cache, add_namespace, &addition);
}

static void add_handover(void *handovers, const struct sl_record *record)
{
    sl_handovers_add(handovers, sl_str_from(record->ns), sl_str_from(record->name),
                     sl_str_from(record->uid), sl_handover_of(record)->until);
}

struct sl_handovers *sl_policy_watch_handovers(struct sl_policy_watch *watch)
{
    if (!watch->handovers_changed) {
        return NULL;
    }
    struct sl_handovers *handovers = sl_handovers_open();
    sl_cache_each(watch->watched[REPLICA_SETS].cache, add_handover, handovers);
    watch->handovers_changed = false;
    return handovers;
}

/* --- for any thread --- */

struct sl_evictee_set *sl_policy_watch_evictees(struct sl_policy_watch *watch)
{
    return watch->evictees;
}

struct sl_drain_orders *sl_policy_watch_orders(struct sl_policy_watch *watch)
{
    return watch->orders;
}

void sl_policy_watch_numbers(struct sl_policy_watch *watch,
                             struct sl_resource_numbers ret_numbers[SL_POLICY_WATCH_RESOURCES])
{
    (void)pthread_mutex_lock(&watch->mutex);
    memcpy(ret_numbers, watch->published, sizeof watch->published);
    (void)pthread_mutex_unlock(&watch->mutex);
}

const char *sl_policy_watch_waits_for(struct sl_policy_watch *watch)
{
    struct sl_resource_numbers numbers[SL_POLICY_WATCH_RESOURCES];
    sl_policy_watch_numbers(watch, numbers);
    for (size_t i = 0; i < SL_POLICY_WATCH_RESOURCES; i++) {
        if (numbers[i].synced == 0) {
            return rows[i].waits;
        }
    }
    return NULL;
}
