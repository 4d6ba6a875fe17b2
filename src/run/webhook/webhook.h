/* The webhook role: servers, policy store, certificate, signals and metrics around core's
 * sl_admit(). One loop on the main thread; the servers have their own threads. */
#ifndef SL_RUN_WEBHOOK_WEBHOOK_H
#define SL_RUN_WEBHOOK_WEBHOOK_H

#include "run/webhook/config.h"

/* Runs until SIGTERM or SIGINT (a second one stops at once), SIGHUP reloads the policies. Returns
 * the exit status: 0 after a clean stop, 1 when it could not start (the reason is logged) or had to
 * cut requests. */
int sl_webhook_run(const struct sl_config *config);

/* Whether what the configuration names is right: reads the policies, or the certificate, and serves
 * nothing. Errors: those of sl_policy_files_add() and sl_tls_store_open(); NOT_FOUND is what a
 * machine that will not serve says. */
SL_MUST_USE int sl_webhook_check_policies(const struct sl_config *config, struct sl_err *err);
SL_MUST_USE int sl_webhook_check_certificate(const struct sl_config *config, struct sl_err *err);

/* What policies.kube leads to is not asked anything: appends where that is, as far as it can be
 * known here; nothing where it is not written. Errors: as sl_policy_watch_target(). */
SL_MUST_USE int sl_webhook_check_cluster(const struct sl_config *config, struct sl_buf *out,
                                         struct sl_err *err);

#endif
