/* The answer of an admission review (response.h): the last step of the admission path. */
#include "core/admission/response.h"

#include <inttypes.h>

#include "codec/base64.h"

static void add_text(struct sl_buf *out, const char *before, struct sl_str text)
{
    sl_buf_adds(out, before);
    sl_buf_add_json_string(out, text);
}

/* metav1.StatusDetails. */
static void add_details(const struct sl_review *review, const struct sl_decision *decision,
                        struct sl_buf *out)
{
    add_text(out, ",\"details\":{\"name\":", decision->name);
    add_text(out, ",\"group\":", review->group);
    add_text(out, ",\"kind\":", decision->kind);
    for (size_t i = 0; i < decision->cause_count; i++) {
        const struct sl_cause *cause = &decision->causes[i];
        add_text(out, i == 0 ? ",\"causes\":[{\"reason\":" : ",{\"reason\":",
                 sl_str_from(cause->reason));
        add_text(out, ",\"message\":", sl_str_from(cause->message));
        add_text(out, ",\"field\":", sl_str_from(cause->field));
        sl_buf_addc(out, '}');
    }
    sl_buf_adds(out, decision->cause_count > 0 ? "]" : "");
    if (decision->retry_after > 0) {
        sl_buf_addf(out, ",\"retryAfterSeconds\":%" PRId64, decision->retry_after);
    }
    sl_buf_addc(out, '}');
}

void sl_response_write(const struct sl_review *review, const struct sl_decision *decision,
                       struct sl_buf *out)
{
    add_text(out, "{\"apiVersion\":", review->api_version);
    add_text(out, ",\"kind\":\"AdmissionReview\",\"response\":{\"uid\":", review->uid);
    sl_buf_addf(out, ",\"allowed\":%s", decision->outcome == SL_DENIED ? "false" : "true");
    if (decision->outcome == SL_DENIED) {
        add_text(out, ",\"status\":{\"status\":\"Failure\",\"message\":",
                 sl_str_from(decision->message));
        add_text(out, ",\"reason\":", sl_str_from(decision->reason));
        add_details(review, decision, out);
        sl_buf_addf(out, ",\"code\":%d}", decision->code);
    }
    if (decision->patch.n > 0) {
        sl_buf_adds(out, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
        sl_base64_write(decision->patch, out);
        sl_buf_addc(out, '"');
    }
    for (size_t i = 0; i < decision->warning_count; i++) {
        add_text(out, i == 0 ? ",\"warnings\":[" : ",", sl_str_from(decision->warnings[i]));
    }
    sl_buf_adds(out, decision->warning_count > 0 ? "]}}\n" : "}}\n");
}
