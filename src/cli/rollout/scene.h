/* A Rollout, its pods and their ReplicaSets, kept as they are in the cluster by list and watch
 * (kube/cache.h): what `get` draws. One thread. */
#ifndef SL_CLI_ROLLOUT_SCENE_H
#define SL_CLI_ROLLOUT_SCENE_H

#include "cli/rollout/caches.h"
#include "cli/rollout/view.h"

struct sl_scene;

/* Reads the Rollout and its workload, and starts the rest. A workload that is not there is none:
 * what comes later is not looked for. Errors: those of the requests. */
SL_MUST_USE int sl_scene_open(const struct sl_cluster *cluster, const char *name,
                              struct sl_scene **ret_scene, struct sl_err *err);
void sl_scene_close(struct sl_scene *scene); /* NULL is fine */
SL_AUTO_PTR(sl_scene, struct sl_scene, sl_scene_close);

/* What moves it on (caches.h). */
struct sl_caches *sl_scene_caches(struct sl_scene *scene);

/* What there is now; valid until the next wait. NULL rollout: it is gone. */
void sl_scene_view(const struct sl_scene *scene, struct sl_arena *arena, struct sl_view *ret_view);

#endif
