/* The HTTP side of the admission webhook: a request becomes a call of sl_admit(), a decision
 * becomes an answer (DESIGN.md, "The webhook's contract").
 *
 *     200  a decision, whatever it is            405  not POST
 *     400  not an AdmissionReview                415  not application/json
 *     404  neither /mutate nor /validate         500  a fault of ours
 *     503  the caller's deadline has passed
 *
 * All but the 200 are text/plain, one sentence of less than SL_ERR_MSG_MAX bytes: the API server
 * shows the user 2 KiB of a 500 (FACTS 18). Each thread works in memory of its own, kept from
 * request to request. Logs a line for each request at debug, and at info where something was
 * patched or denied, or an eviction found its pod still in traffic; of 400s one line a second,
 * which counts those left out. What an eviction leaves to be done is begun with its answer.
 */
#ifndef SL_RUN_WEBHOOK_ADMISSION_HANDLER_H
#define SL_RUN_WEBHOOK_ADMISSION_HANDLER_H

#include "run/webhook/drain_orders.h"
#include "run/webhook/evictees.h"
#include "run/webhook/metrics.h"
#include "run/webhook/policy_store.h"

struct sl_admission_handler;

struct sl_admission_handler_options { /* all borrowed, and outlive the handler */
    const struct sl_admit_config *config;
    struct sl_policy_store *policies;
    struct sl_metrics *metrics;
    int64_t request_timeout;         /* nanoseconds; the query's `timeout` can only be shorter */
    struct sl_evictee_set *evictees; /* NULL: no pods are known */
    struct sl_drain_orders *orders;  /* NULL where those are */
};

/* Errors: INTERNAL (the system has no thread-specific key left). */
SL_MUST_USE int sl_admission_handler_open(const struct sl_admission_handler_options *options,
                                          struct sl_admission_handler **ret_handler,
                                          struct sl_err *err);
/* After all threads that called it have ended, but for the calling one. */
void sl_admission_handler_close(struct sl_admission_handler *handler);
SL_AUTO_PTR(sl_admission_handler, struct sl_admission_handler, sl_admission_handler_close);

/* An sl_http_handler; `handler` is the struct sl_admission_handler. */
void sl_admission_handle(void *handler, const struct sl_http_request *request,
                         struct sl_http_response *response);

#endif
