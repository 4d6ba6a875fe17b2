/* A Rollout, its pods and their ReplicaSets, kept as they are in the cluster by list and watch
 * (kube/cache.h): what `get` draws. One thread. */
#ifndef SL_CLI_ROLLOUT_SCENE_H
#define SL_CLI_ROLLOUT_SCENE_H

#include "cli/rollout/cluster.h"
#include "cli/rollout/view.h"

struct sl_scene;

/* Reads the Rollout and its workload, and starts the rest. A workload that is not there is none:
 * what comes later is not looked for. Errors: those of the requests. */
SL_MUST_USE int sl_scene_open(const struct sl_cluster *cluster, const char *name,
                              struct sl_scene **ret_scene, struct sl_err *err);
void sl_scene_close(struct sl_scene *scene); /* NULL is fine */
SL_AUTO_PTR(sl_scene, struct sl_scene, sl_scene_close);

/* Moves on what can be moved, until something changed, but no sooner than `soonest`, or until
 * `until`. sl_clock_mono(). False, at once: nobody reads standard output any more. */
bool sl_scene_wait(struct sl_scene *scene, int64_t soonest, int64_t until);

bool sl_scene_synced(const struct sl_scene *scene); /* everything was read once */
bool sl_scene_take_change(struct sl_scene *scene);  /* something changed since this was asked */
const char *sl_scene_error(const struct sl_scene *scene); /* why a read failed last; "" */

/* What there is now; valid until the next wait. NULL rollout: it is gone. */
void sl_scene_view(const struct sl_scene *scene, struct sl_arena *arena, struct sl_view *ret_view);

#endif
