/* What the webhook works by, at first and whenever it changes: its certificate and policies from
 * disk, and policies and hand-overs from the cluster (policy_watch.h).
 *
 * A mounted ConfigMap or Secret changes in several steps, and so does a pair of files that somebody
 * copies: what happened is left alone for SL_INPUTS_SETTLE, then read once. What cannot be read is
 * tried again every 10 seconds and logged once, and what was in force stays in force.
 *
 * With both sources the policies in force are those of the files and those of the cluster, once
 * each of the two was read; changes of the cluster are gathered for SL_INPUTS_GATHER. Where both
 * have a policy of the same kind, namespace and name, the file's is in force and the log says so
 * once. Hand-overs are taken at once.
 *
 * The log warns once a day in the last week of the certificate that is served, and once when it has
 * expired.
 *
 * Threads: the role's loop alone.
 */
#ifndef SL_RUN_WEBHOOK_INPUTS_H
#define SL_RUN_WEBHOOK_INPUTS_H

#include "base/clock.h"
#include "net/tls_store.h"
#include "run/webhook/config.h"
#include "run/webhook/metrics.h"
#include "run/webhook/policy_store.h"
#include "run/webhook/policy_watch.h"

#define SL_INPUTS_SETTLE (100 * SL_NS_PER_MS)
#define SL_INPUTS_GATHER (50 * SL_NS_PER_MS)

/* Reads all policy files of the configuration into a sealed snapshot. Errors: as
 * sl_policy_files_add().
 */
SL_MUST_USE int sl_inputs_read_policies(const struct sl_config *config,
                                        struct sl_snapshot **ret_snapshot, struct sl_err *err);

/* Opens the certificate of the configuration; `now` is seconds since 1970. Errors: as
 * sl_tls_store_open(). */
SL_MUST_USE int sl_inputs_open_certificate(const struct sl_config *config, int64_t now,
                                           struct sl_tls_store **ret_store, struct sl_err *err);

/* Whether every user of the machine can read tls.key. A mounted Secret's is not meant: its mode is
 * the volume's (net/certs.h: sl_certs_check() decides alike). */
bool sl_inputs_key_is_exposed(const struct sl_config *config);

struct sl_inputs;

struct sl_inputs_options { /* all borrowed, and outlive it */
    const struct sl_config *config;
    struct sl_policy_store *policies;
    struct sl_tls_store *tls;
    struct sl_metrics *metrics;
    struct sl_policy_watch *watch; /* NULL: policies come from files alone */
};

/* Begins to watch, and reads the policies for the first time. Policies that are wrong, and paths of
 * policies that are not there, are no error here: the webhook is not ready until they are right.
 * Errors: those of sl_dirwatch_add() for the certificate. */
SL_MUST_USE int sl_inputs_open(const struct sl_inputs_options *options, int64_t now,
                               struct sl_inputs **ret_inputs, struct sl_err *err);
void sl_inputs_close(struct sl_inputs *inputs);
SL_AUTO_PTR(sl_inputs, struct sl_inputs, sl_inputs_close);

int sl_inputs_fd(const struct sl_inputs *inputs); /* readable when something changed on disk */

/* Takes what happened, turns the watch of the cluster, and reads what is due. `now` is
 * sl_clock_mono(), as everywhere here. To be called when the fd is readable, when the watch's wait
 * has ended, and at sl_inputs_due(). */
void sl_inputs_turn(struct sl_inputs *inputs, int64_t now);
int64_t sl_inputs_due(const struct sl_inputs *inputs);

/* The policies are due now, whether they changed or not; a failure is logged even if it was before.
 */
void sl_inputs_want_policies(struct sl_inputs *inputs, int64_t now);

#endif
