/* What the webhook watches of the cluster: TrafficPolicies, Rollouts, the Namespaces that opted in,
 * the ReplicaSets that are marked for a hand-over, and the pods that TrafficPolicies have.
 *
 *     watch events ─caches─▶ records ─sl_policy_watch_add()─▶ the snapshot of the policies
 *                                    ─sl_policy_watch_handovers()─▶ that of the hand-overs
 *                                    ─▶ run/webhook/evictees.h, which the admission threads look
 * into
 *
 * It has the webhook's one client of the API server, so it sends what evictions leave to be done
 * (drain_orders.h), too.
 *
 * When the API server is away everything stays as it was last known; the log says so once for each
 * resource, and sluice_cache_stale_seconds how long that is. An object that breaks a rule of its
 * kind is left out and logged once.
 *
 * Threads: the role's loop, but for what is said to be for any.
 */
#ifndef SL_RUN_WEBHOOK_POLICY_WATCH_H
#define SL_RUN_WEBHOOK_POLICY_WATCH_H

#include "core/handovers.h"
#include "core/snapshot.h"
#include "kube/client.h"
#include "run/cache_metrics.h"
#include "run/webhook/config.h"
#include "run/webhook/drain_orders.h"
#include "run/webhook/evictees.h"

struct sl_policy_watch;

/* `config` is borrowed, and policies.kube is in it; `seed` is of the jitter. Asks nothing of the
 * API server yet. Errors: those of sl_kube_config_load(), sl_client_open() and
 * sl_drain_orders_open(). */
SL_MUST_USE int sl_policy_watch_open(const struct sl_config *config, uint64_t seed,
                                     struct sl_policy_watch **ret_watch, struct sl_err *err);
void sl_policy_watch_close(struct sl_policy_watch *watch); /* NULL is fine */
SL_AUTO_PTR(sl_policy_watch, struct sl_policy_watch, sl_policy_watch_close);

/* Sleeps until something came from the API server, one of `fds` is ready (sl_client_wait()), or
 * `until`. `now` and `until` are sl_clock_mono() everywhere here. */
void sl_policy_watch_wait(struct sl_policy_watch *watch, struct pollfd *fds, size_t count,
                          int64_t until);
void sl_policy_watch_turn(struct sl_policy_watch *watch, int64_t now);
int64_t sl_policy_watch_due(const struct sl_policy_watch *watch);

/* Whether policies or Namespaces changed since the last call; not before all of them were listed
 * once, and then at once. */
bool sl_policy_watch_changed(struct sl_policy_watch *watch);
/* Adds them to a snapshot that is not sealed. A name that is there already is a problem. */
void sl_policy_watch_add(const struct sl_policy_watch *watch, struct sl_snapshot *snapshot,
                         struct sl_problems *problems);

/* The hand-overs, which are the caller's; NULL: they did not change since the last call. */
struct sl_handovers *sl_policy_watch_handovers(struct sl_policy_watch *watch);

/* The pods, and what is to be done to them: for any thread, as long as the watch is open. */
struct sl_evictee_set *sl_policy_watch_evictees(struct sl_policy_watch *watch);
struct sl_drain_orders *sl_policy_watch_orders(struct sl_policy_watch *watch);

/* For any thread: as of the last turn. */
#define SL_POLICY_WATCH_RESOURCES 5
void sl_policy_watch_numbers(struct sl_policy_watch *watch,
                             struct sl_resource_numbers ret_numbers[SL_POLICY_WATCH_RESOURCES]);
/* What was not listed yet, as a sentence that lives for ever; NULL: all was. */
const char *sl_policy_watch_waits_for(struct sl_policy_watch *watch);

/* Where policies.kube leads to: "https://10.0.0.1:443 (context prod)", appended to `out`. Asks
 * nothing of it. Errors: those of sl_kube_config_load(). */
SL_MUST_USE int sl_policy_watch_target(const struct sl_config *config, struct sl_buf *out,
                                       struct sl_err *err);

#endif
