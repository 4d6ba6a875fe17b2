/* A decision as the AdmissionReview that answers it. Source: k8s.io/api/admission/v1. Pure. */
#ifndef SL_CORE_ADMISSION_RESPONSE_H
#define SL_CORE_ADMISSION_RESPONSE_H

#include "core/admission/admit.h"

/* Appends one line of JSON: apiVersion and uid echoed; allowed; status of a denial with its
 * details; patchType and patch (base64) only together; warnings. */
void sl_response_write(const struct sl_review *review, const struct sl_decision *decision,
                       struct sl_buf *out);

#endif
