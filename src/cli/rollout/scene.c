/* The objects behind a picture (scene.h). */
#include "cli/rollout/scene.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "kube/cache.h"

enum part { ROLLOUTS, PODS, REPLICA_SETS, PARTS };

struct sl_scene {
    const struct sl_cluster *cluster;
    struct sl_arena arena;
    const char *name;
    const char *workload_uid; /* NULL: there is none, and neither are its parts */
    const char *selector;
    struct sl_cache *caches[PARTS];
    bool changed;
};

static int decode_rollout(void *ctx, struct sl_str json, struct sl_record **ret_record,
                          struct sl_err *err)
{
    return sl_cluster_decode(ctx, json, ret_record, err);
}

static int decode_pod(void *ctx, struct sl_str json, struct sl_record **ret_record,
                      struct sl_err *err)
{
    (void)ctx;
    return sl_pod_record_decode(json, ret_record, err);
}

static int decode_replica_set(void *ctx, struct sl_str json, struct sl_record **ret_record,
                              struct sl_err *err)
{
    (void)ctx;
    return sl_replica_set_decode(json, ret_record, err);
}

static void note_change(void *ctx, const struct sl_record *before, const struct sl_record *after)
{
    struct sl_scene *scene = ctx;
    (void)before;
    (void)after;
    scene->changed = true;
}

static void open_cache(struct sl_scene *scene, enum part part, const struct sl_resource *resource,
                       int (*decode)(void *, struct sl_str, struct sl_record **, struct sl_err *),
                       void (*destroy)(struct sl_record *))
{
    const struct sl_cache_options options = {
        .client = scene->cluster->client,
        .resource = *resource,
        .ns = sl_str_from(scene->cluster->ns),
        .selector = part == ROLLOUTS ? (struct sl_str){0} : sl_str_from(scene->selector),
        .decode = decode,
        .destroy = destroy,
        .changed = note_change,
        .ctx = scene,
        .seed = (uint64_t)sl_clock_mono() ^ (uint64_t)getpid(),
    };
    scene->caches[part] = sl_cache_open(&options);
}

static int find_workload(struct sl_scene *scene, const struct sl_rollout_record *rollout,
                         struct sl_err *err)
{
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    SL_AUTO(sl_record) struct sl_record *workload = NULL;
    if (rollout->problem[0] != '\0') {
        return 0; /* the picture says so */
    }
    if (sl_cluster_workload(scene->cluster, rollout, &reply, &workload, err) < 0) {
        return err->kind == SL_ERR_NOT_FOUND ? 0 : -1;
    }
    scene->workload_uid = sl_arena_cstr(&scene->arena, sl_str_from(workload->uid));
    return sl_cluster_selector(sl_buf_str(&reply.body), &scene->arena, &scene->selector, err);
}

int sl_scene_open(const struct sl_cluster *cluster, const char *name, struct sl_scene **ret_scene,
                  struct sl_err *err)
{
    SL_AUTO(sl_rollout_ref) struct sl_record *rollout = NULL;
    if (sl_cluster_rollout(cluster, name, &rollout, err) < 0) {
        return -1;
    }
    struct sl_scene *scene = calloc(1, sizeof *scene);
    if (scene == NULL) {
        abort();
    }
    scene->cluster = cluster;
    scene->name = name;
    if (find_workload(scene, sl_rollout_of(rollout), err) < 0) {
        sl_scene_close(scene);
        return -1;
    }
    open_cache(scene, ROLLOUTS, &sl_rollouts, decode_rollout, sl_rollout_record_free);
    if (scene->workload_uid != NULL) {
        open_cache(scene, PODS, &sl_pods, decode_pod, NULL);
        open_cache(scene, REPLICA_SETS, &sl_replica_sets, decode_replica_set, NULL);
    }
    *ret_scene = scene;
    return 0;
}

void sl_scene_close(struct sl_scene *scene)
{
    if (scene == NULL) {
        return;
    }
    for (size_t i = 0; i < PARTS; i++) {
        sl_cache_close(scene->caches[i]);
    }
    sl_arena_cleanup(&scene->arena);
    free(scene);
}

bool sl_scene_wait(struct sl_scene *scene, int64_t soonest, int64_t until)
{
    struct pollfd output = {.fd = STDOUT_FILENO}; /* POLLERR and POLLHUP need not be asked for */
    struct sl_client *client = scene->cluster->client;
    for (;;) {
        int64_t now = sl_clock_mono();
        int64_t wake = INT64_MAX;
        sl_client_turn(client, now);
        for (size_t i = 0; i < PARTS; i++) {
            if (scene->caches[i] != NULL) {
                sl_cache_turn(scene->caches[i], now);
                int64_t due = sl_cache_due(scene->caches[i]);
                wake = due < wake ? due : wake;
            }
        }
        int64_t end = scene->changed ? soonest : until;
        if (now >= end) {
            return true;
        }
        sl_client_wait(client, &output, 1, end < wake ? end : wake);
        if (output.revents != 0) {
            return false;
        }
    }
}

bool sl_scene_synced(const struct sl_scene *scene)
{
    for (size_t i = 0; i < PARTS; i++) {
        if (scene->caches[i] != NULL && !sl_cache_synced(scene->caches[i])) {
            return false;
        }
    }
    return true;
}

bool sl_scene_take_change(struct sl_scene *scene)
{
    bool changed = scene->changed;
    scene->changed = false;
    return changed;
}

const char *sl_scene_error(const struct sl_scene *scene)
{
    for (size_t i = 0; i < PARTS; i++) {
        const char *error = scene->caches[i] == NULL ? "" : sl_cache_error(scene->caches[i]);
        if (error[0] != '\0') {
            return error;
        }
    }
    return "";
}

/* --- all records of a cache as an array --- */

struct gathered {
    const struct sl_record **items;
    size_t count, room;
};

static void gather_one(void *ctx, const struct sl_record *record)
{
    struct gathered *gathered = ctx;
    if (gathered->count < gathered->room) {
        gathered->items[gathered->count++] = record;
    }
}

static struct gathered gather(const struct sl_cache *cache, struct sl_arena *arena)
{
    struct gathered gathered = {0};
    if (cache == NULL) {
        return gathered;
    }
    struct sl_cache_stats stats;
    sl_cache_stats(cache, &stats);
    gathered.room = stats.objects;
    gathered.items = sl_arena_zalloc(arena, gathered.room + 1, sizeof(struct sl_record *));
    sl_cache_each(cache, gather_one, &gathered);
    return gathered;
}

void sl_scene_view(const struct sl_scene *scene, struct sl_arena *arena, struct sl_view *ret_view)
{
    const struct sl_record *rollout = sl_cache_get(
        scene->caches[ROLLOUTS], sl_str_from(scene->cluster->ns), sl_str_from(scene->name));
    if (rollout == NULL) {
        *ret_view = (struct sl_view){0};
        return;
    }
    struct gathered pods = gather(scene->caches[PODS], arena);
    struct gathered sets = gather(scene->caches[REPLICA_SETS], arena);
    const struct sl_view_input input = {
        .rollout = sl_rollout_of(rollout),
        .workload_uid = scene->workload_uid,
        .replica_sets = sets.items,
        .replica_set_count = sets.count,
        .pods = pods.items,
        .pod_count = pods.count,
    };
    sl_view_make(&input, arena, ret_view);
}
