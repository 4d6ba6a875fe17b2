/* What `sluice review` prints of one review, in the four forms of -o. The last step of the command.
 */
#ifndef SL_CLI_REVIEW_OUTPUT_H
#define SL_CLI_REVIEW_OUTPUT_H

#include <json-c/json.h>

#include "core/admission/admit.h"

enum sl_review_form { SL_FORM_TEXT, SL_FORM_PATCH, SL_FORM_OBJECT, SL_FORM_REVIEW };
extern const char
    *const sl_review_forms[]; /* the words of -o, by enum sl_review_form; NULL at the end */

#define SL_REVIEW_OUTPUT_MAX (256 * SL_MIB) /* bytes of one review */

struct sl_review_printer {
    enum sl_review_form form;
    bool colour;
    bool printed; /* something was: the next review is separated from it */
};

/* Appends what goes to standard output and what goes to standard error. Errors: INVALID (the object
 * cannot be shown), INTERNAL (the patch does not apply). */
SL_MUST_USE int sl_review_print(struct sl_review_printer *printer, const struct sl_admission *work,
                                struct sl_buf *out, struct sl_buf *notes, struct sl_err *err);

/* The reviewed object with the patch applied; NULL where the request carries no object. The caller
 * owns it. */
SL_MUST_USE int sl_review_result(const struct sl_admission *work, struct json_object **ret_object,
                                 struct sl_err *err);

#endif
