/* Documents as reviews: an AdmissionReview is taken as it stands, a manifest is wrapped as the
 * request that an API server would make of it. The second step of `sluice review`. */
#ifndef SL_CLI_REVIEW_INPUT_H
#define SL_CLI_REVIEW_INPUT_H

#include "cli/documents.h"
#include "core/admission/review.h"
#include "core/workload.h"

/* How manifests are wrapped. */
struct sl_wrapping {
    int operation;                         /* enum sl_operation; -1: CREATE, or UPDATE with `old` */
    const struct sl_documents *old;        /* the objects before the UPDATE, or NULL */
    const char *username;                  /* NULL: SL_DEFAULT_USER */
    const struct sl_workload_kinds *kinds; /* whose resource the configuration says */
};
#define SL_DEFAULT_USER "sluice-review"

struct sl_request {
    struct sl_str body;                 /* an AdmissionReview that sl_review_parse() takes */
    struct sl_str ns;                   /* of the request; may be empty */
    const struct sl_document *document; /* what it was made of */
};

/* The AdmissionReview for a document, in `arena`. `number` makes the uid. A manifest without a
 * namespace gets "default", in its tree too. Errors: INVALID "FILE:LINE:COLUMN: …". */
SL_MUST_USE int sl_review_input(const struct sl_document *document,
                                const struct sl_wrapping *wrapping, size_t number,
                                struct sl_arena *arena, struct sl_request *ret_request,
                                struct sl_err *err);

#endif
