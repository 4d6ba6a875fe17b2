/* Reviews again what was reviewed (review_check.h). */
#include "cli/review_check.h"

#include "cli/review_output.h"
#include "codec/json.h"
#include "core/admission/response.h"

static int answer(struct sl_admission *work, struct sl_str body, struct sl_buf *out,
                  struct sl_err *err)
{
    if (sl_admit(work, SL_ANY_ENDPOINT, work->config, &work->known, body, err) < 0) {
        return -1;
    }
    sl_response_write(&work->review, &work->decision, out);
    return sl_buf_check(out, "the answer", err);
}

/* `body` with the object replaced by what the patch makes of it. */
static int patched_body(const struct sl_admission *work, struct sl_str body, struct sl_buf *out,
                        struct sl_err *err)
{
    struct sl_str object = work->review.object.self.raw; /* a slice of the body */
    SL_AUTO(sl_json) struct json_object *result = NULL;
    if (sl_review_result(work, &result, err) < 0) {
        return -1;
    }
    const char *after = object.p + object.n;
    sl_buf_add(out, body.p, (size_t)(object.p - body.p));
    sl_json_write(result, out);
    sl_buf_add(out, after, (size_t)(body.p + body.n - after));
    return sl_buf_check(out, "the patched review", err);
}

int sl_review_check(struct sl_admission *work, struct sl_str body, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf first = SL_BUF_INIT(SL_REVIEW_OUTPUT_MAX);
    SL_AUTO(sl_buf) struct sl_buf second = SL_BUF_INIT(SL_REVIEW_OUTPUT_MAX);
    SL_AUTO(sl_buf) struct sl_buf patched = SL_BUF_INIT(SL_REVIEW_OUTPUT_MAX);
    sl_response_write(&work->review, &work->decision, &first);
    if (sl_buf_check(&first, "the answer", err) < 0 || answer(work, body, &second, err) < 0) {
        return -1;
    }
    if (!sl_str_eq(sl_buf_str(&first), sl_buf_str(&second))) {
        return sl_err_set(err, SL_ERR_INTERNAL,
                          "not deterministic: the same review gave another answer");
    }
    if (work->decision.outcome != SL_PATCHED) {
        return 0;
    }
    sl_buf_reset(&second);
    if (patched_body(work, body, &patched, err) < 0 ||
        answer(work, sl_buf_str(&patched), &second, err) < 0) {
        return -1;
    }
    if (work->decision.outcome == SL_ALLOWED) {
        return 0;
    }
    bool denied = work->decision.outcome == SL_DENIED;
    return sl_err_set(
        err, SL_ERR_INTERNAL, "not idempotent: the patched object reviewed again %s %.*s",
        denied ? "is denied:" : "gives the patch",
        SL_STR_FMT(denied ? sl_str_from(work->decision.message) : work->decision.patch));
}
