/* Admission requests over HTTP (admission_handler.h); called by the HTTP server's threads. */
#include "run/webhook/admission_handler.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/duration.h"
#include "core/admission/response.h"

#define JSON "application/json"

/* Whoever reaches the port can send bad requests; one line a second tells as much as all. */
#define COMPLAIN_EVERY SL_NS_PER_S

struct sl_admission_handler {
    struct sl_admission_handler_options options;
    pthread_key_t work;           /* each thread's struct sl_admission */
    _Atomic int64_t may_complain; /* when the next line about a bad request may be logged */
    atomic_uint left_out;         /* such lines since the last */
};

static const enum sl_endpoint endpoints[SL_PATHS] = {
    [SL_PATH_MUTATE] = SL_MUTATE,
    [SL_PATH_VALIDATE] = SL_VALIDATE,
};

static void free_work(void *work)
{
    if (work != NULL) {
        sl_admission_cleanup(work);
        free(work);
    }
}

int sl_admission_handler_open(const struct sl_admission_handler_options *options,
                              struct sl_admission_handler **ret_handler, struct sl_err *err)
{
    struct sl_admission_handler *handler = calloc(1, sizeof *handler);
    if (handler == NULL) {
        abort();
    }
    handler->options = *options;
    atomic_init(&handler->may_complain, INT64_MIN);
    int failed = pthread_key_create(&handler->work, free_work);
    if (failed != 0) {
        free(handler);
        return sl_err_sys(err, failed, "cannot make memory for each thread");
    }
    *ret_handler = handler;
    return 0;
}

void sl_admission_handler_close(struct sl_admission_handler *handler)
{
    if (handler == NULL) {
        return;
    }
    free_work(pthread_getspecific(handler->work));
    (void)pthread_key_delete(handler->work);
    free(handler);
}

static struct sl_admission *work_of_thread(struct sl_admission_handler *handler)
{
    struct sl_admission *work = pthread_getspecific(handler->work);
    if (work == NULL) {
        work = malloc(sizeof *work);
        if (work == NULL) {
            abort();
        }
        *work = (struct sl_admission)SL_ADMISSION_INIT;
        if (pthread_setspecific(handler->work, work) != 0) {
            abort();
        }
    }
    return work;
}

static void answer_text(struct sl_http_response *response, unsigned status, const char *sentence)
{
    response->status = status;
    sl_buf_reset(&response->body);
    sl_buf_adds(&response->body, sentence);
    sl_buf_addc(&response->body, '\n');
}

/* RFC 9110, 8.3.1: the type in any case, then white space or parameters. */
static bool is_json(struct sl_str content_type)
{
    const size_t length = sizeof JSON - 1;
    if (content_type.n < length || strncasecmp(content_type.p, JSON, length) != 0) {
        return false;
    }
    while (content_type.n > length && (content_type.p[content_type.n - 1] == ' ' ||
                                       content_type.p[content_type.n - 1] == '\t')) {
        content_type.n--;
    }
    return content_type.n == length || strchr("; \t", content_type.p[length]) != NULL;
}

/* The clock's time after which nobody waits for the answer. A timeout that cannot be read is no
 * reason to refuse: the API server never sends one. */
static int64_t deadline_of(const struct sl_admission_handler *handler,
                           const struct sl_http_request *request)
{
    int64_t timeout = handler->options.request_timeout;
    int64_t asked = 0;
    if (request->timeout.n > 0 && sl_duration_parse(request->timeout, &asked, NULL) == 0 &&
        asked > 0 && asked < timeout) {
        timeout = asked;
    }
    return request->received + timeout;
}

/* An eviction that waits is asked for again and again: it is told when it begins and, where nobody
 * could drain the pod, when it ends. */
static enum sl_log_level log_level(const struct sl_decision *decision)
{
    if (decision->eviction == SL_EVICTION_WAITS) {
        return decision->drain.annotation.p == NULL ? SL_LOG_DEBUG : SL_LOG_INFO;
    }
    bool quiet = decision->outcome == SL_ALLOWED && decision->eviction != SL_EVICTION_OVERDUE;
    return quiet ? SL_LOG_DEBUG : SL_LOG_INFO;
}

/* "pods/eviction", as RBAC has it. */
static struct sl_str resource_of(const struct sl_review *review, struct sl_arena *arena)
{
    return review->sub_resource.n == 0
               ? review->resource
               : sl_str_from(sl_arena_printf(arena, "%.*s/%.*s", SL_STR_FMT(review->resource),
                                             SL_STR_FMT(review->sub_resource)));
}

static void log_decision(struct sl_admission *work, const char *path)
{
    const struct sl_review *review = &work->review;
    const struct sl_decision *decision = &work->decision;
    struct sl_str name = review->name;
    if (name.n == 0) { /* a CREATE with generateName has no name yet */
        name = sl_jval_str(review->object.name, &work->arena);
        name = name.n > 0 ? name : sl_jval_str(review->object.generate_name, &work->arena);
    }
    sl_log(log_level(decision), "admission decided", SL_LOG_CSTR("path", path),
           SL_LOG_TEXT("ns", review->ns), SL_LOG_TEXT("name", name),
           SL_LOG_TEXT("resource", resource_of(review, &work->arena)),
           SL_LOG_TEXT("uid", review->uid),
           SL_LOG_CSTR("op", sl_operation_names[review->operation]),
           SL_LOG_CSTR("outcome", sl_outcome_names[decision->outcome]),
           SL_LOG_CSTR("why", decision->why));
}

static void complain(struct sl_admission_handler *handler, const char *path, int64_t now,
                     const struct sl_err *err)
{
    int64_t next = atomic_load(&handler->may_complain);
    if (now < next ||
        !atomic_compare_exchange_strong(&handler->may_complain, &next, now + COMPLAIN_EVERY)) {
        atomic_fetch_add(&handler->left_out, 1);
        return;
    }
    sl_log(SL_LOG_INFO, "a request was not understood", SL_LOG_CSTR("path", path),
           SL_LOG_CSTR("err", err->msg),
           SL_LOG_INT("leftOut", atomic_exchange(&handler->left_out, 0)));
}

static void answer_error(struct sl_admission_handler *handler, const char *path,
                         const struct sl_http_request *request, struct sl_http_response *response,
                         const struct sl_err *err)
{
    if (err->kind == SL_ERR_INVALID) {
        complain(handler, path, request->received, err);
        answer_text(response, 400, err->msg);
        return;
    }
    sl_log(SL_LOG_ERROR, "a review could not be answered", SL_LOG_CSTR("path", path),
           SL_LOG_CSTR("err", err->msg));
    answer_text(response, 500, err->msg);
}

/* What an eviction leaves to be done. Nobody waits for it: the answer is the same whatever becomes
 * of it. */
static void follow_up(const struct sl_admission_handler_options *options,
                      const struct sl_decision *decision, int64_t now)
{
    if (decision->eviction != SL_EVICTION_NONE) {
        sl_metrics_evicted(options->metrics, decision->eviction);
    }
    if (decision->drain.uid.p == NULL) {
        return;
    }
    sl_evictee_set_asked(options->evictees, &decision->drain, now);
    if (decision->drain.annotation.p != NULL) {
        sl_drain_orders_add(options->orders, &decision->drain);
    }
}

static void review(struct sl_admission_handler *handler, enum sl_webhook_path path,
                   const struct sl_http_request *request, struct sl_http_response *response)
{
    const struct sl_admission_handler_options *options = &handler->options;
    struct sl_admission *work = work_of_thread(handler);
    SL_AUTO(sl_policies) struct sl_policies *policies = sl_policy_store_acquire(options->policies);
    const struct sl_known known = {
        .policies = sl_policies_snapshot(policies),
        .handovers = sl_policies_handovers(policies),
        .evictees = options->evictees == NULL ? (struct sl_evictees){0}
                                              : sl_evictee_set_known(options->evictees),
        .now = sl_clock_wall(),
    };
    struct sl_err err = SL_ERR_INIT;
    if (sl_admit(work, endpoints[path], options->config, &known, request->body, &err) < 0) {
        answer_error(handler, sl_webhook_paths[path], request, response, &err);
        return;
    }
    sl_response_write(&work->review, &work->decision, &response->body);
    if (sl_buf_check(&response->body, "the answer", &err) < 0) {
        err.kind = SL_ERR_INTERNAL;
        answer_error(handler, sl_webhook_paths[path], request, response, &err);
        return;
    }
    if (sl_clock_mono() > deadline_of(handler, request)) {
        /* No Retry-After: whoever asked has given up, and would only ask an overloaded server again
         */
        answer_text(response, 503, "the request's deadline passed before it was decided");
        return;
    }
    response->status = 200;
    response->content_type = JSON;
    sl_metrics_decided(options->metrics, &work->review, work->decision.outcome);
    follow_up(options, &work->decision, known.now);
    log_decision(work, sl_webhook_paths[path]);
}

static void answer_webhook(struct sl_admission_handler *handler, enum sl_webhook_path path,
                           const struct sl_http_request *request, struct sl_http_response *response)
{
    if (!sl_str_is(request->method, "POST")) {
        response->allow = "POST";
        answer_text(response, 405, "only POST is answered here");
    } else if (!is_json(request->content_type)) {
        answer_text(response, 415, "the Content-Type must be " JSON);
    } else {
        review(handler, path, request, response);
    }
}

void sl_admission_handle(void *handler, const struct sl_http_request *request,
                         struct sl_http_response *response)
{
    struct sl_admission_handler *self = handler;
    for (int path = 0; path < SL_PATHS; path++) {
        if (sl_str_is(request->path, sl_webhook_paths[path])) {
            sl_metrics_begin(self->options.metrics, (enum sl_webhook_path)path);
            answer_webhook(self, (enum sl_webhook_path)path, request, response);
            sl_admission_reset(work_of_thread(self)); /* it pointed into this body */
            sl_metrics_end(self->options.metrics, (enum sl_webhook_path)path, response->status,
                           sl_clock_mono() - request->received);
            return;
        }
    }
    answer_text(response, 404, "there is /mutate and /validate, and nothing else");
}
