/* The objects behind a picture (scene.h). */
#include "cli/rollout/scene.h"

enum part { ROLLOUTS, PODS, REPLICA_SETS };

struct sl_scene {
    const struct sl_cluster *cluster;
    struct sl_arena arena;
    const char *name;
    const char *workload_uid; /* NULL: there is none, and neither are its parts */
    const char *selector;
    struct sl_caches caches;
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
    scene->caches.cluster = cluster;
    scene->name = name;
    if (find_workload(scene, sl_rollout_of(rollout), err) < 0) {
        sl_scene_close(scene);
        return -1;
    }
    sl_caches_add(&scene->caches, ROLLOUTS, &sl_rollouts, cluster->ns, NULL, decode_rollout,
                  sl_rollout_record_free);
    if (scene->workload_uid != NULL) {
        sl_caches_add(&scene->caches, PODS, &sl_pods, cluster->ns, scene->selector, decode_pod,
                      NULL);
        sl_caches_add(&scene->caches, REPLICA_SETS, &sl_replica_sets, cluster->ns, scene->selector,
                      decode_replica_set, NULL);
    }
    *ret_scene = scene;
    return 0;
}

void sl_scene_close(struct sl_scene *scene)
{
    if (scene == NULL) {
        return;
    }
    sl_caches_close(&scene->caches);
    sl_arena_cleanup(&scene->arena);
    free(scene);
}

struct sl_caches *sl_scene_caches(struct sl_scene *scene)
{
    return &scene->caches;
}

void sl_scene_view(const struct sl_scene *scene, struct sl_arena *arena, struct sl_view *ret_view)
{
    const struct sl_record *rollout = sl_cache_get(
        scene->caches.items[ROLLOUTS], sl_str_from(scene->cluster->ns), sl_str_from(scene->name));
    if (rollout == NULL) {
        *ret_view = (struct sl_view){0};
        return;
    }
    struct sl_view_input input = {
        .rollout = sl_rollout_of(rollout),
        .workload_uid = scene->workload_uid,
    };
    input.pods = sl_caches_records(&scene->caches, PODS, arena, &input.pod_count);
    input.replica_sets =
        sl_caches_records(&scene->caches, REPLICA_SETS, arena, &input.replica_set_count);
    sl_view_make(&input, arena, ret_view);
}
