/* The proof behind `sluice review --check-idempotent`: the same bytes give the same answer, and the
 * patched object reviewed again gives no patch (the API server may ask twice about one request). */
#ifndef SL_CLI_REVIEW_CHECK_H
#define SL_CLI_REVIEW_CHECK_H

#include "core/admission/admit.h"

/* `work` holds the decision about `body` and is used for the further ones: its decision is gone
 * after. Errors: INTERNAL, what is not as it should be. */
SL_MUST_USE int sl_review_check(struct sl_admission *work, struct sl_str body, struct sl_err *err);

#endif
