/* Decisions as text, patches, objects and responses (review_output.h). Names, messages and warnings
 * come from whoever wrote the request: on a terminal their control characters must do nothing. */
#include "cli/review_output.h"

#include "cli/diff.h"
#include "cli/text.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "core/admission/response.h"

const char *const sl_review_forms[] = {"text", "patch", "object", "review", NULL};

/* How a line that explains an outcome begins. */
static const char *const because[SL_OUTCOMES] = {
    [SL_ALLOWED] = "unchanged: ",
    [SL_PATCHED] = "because: ",
    [SL_DENIED] = "denied: ",
};

/* One line, whatever is in `text`. */
static void add_line(struct sl_buf *out, const char *before, const char *text)
{
    sl_buf_adds(out, before);
    sl_text_add(out, sl_str_from(text));
    sl_buf_addc(out, '\n');
}

static void add_warnings(const struct sl_decision *decision, struct sl_buf *out)
{
    for (size_t i = 0; i < decision->warning_count; i++) {
        add_line(out, "warning: ", decision->warnings[i]);
    }
}

static int parse_object(const struct sl_admission *work, struct json_object **ret_object,
                        struct sl_err *err)
{
    if (!sl_object_there(&work->review.object)) {
        *ret_object = NULL;
        return 0;
    }
    if (sl_json_parse(work->review.object.self.raw, ret_object, err) < 0) {
        return sl_err_wrap(err, "cannot show the object");
    }
    return 0;
}

int sl_review_result(const struct sl_admission *work, struct json_object **ret_object,
                     struct sl_err *err)
{
    SL_AUTO(sl_json) struct json_object *object = NULL;
    SL_AUTO(sl_json) struct json_object *patch = NULL;
    if (parse_object(work, &object, err) < 0) {
        return -1;
    }
    if (work->decision.patch.n > 0 && (sl_json_parse(work->decision.patch, &patch, err) < 0 ||
                                       sl_patch_apply(patch, &object, err) < 0)) {
        err->kind = SL_ERR_INTERNAL;
        return sl_err_wrap(err, "the patch is wrong");
    }
    *ret_object = sl_steal(&object);
    return 0;
}

static int add_diff(const struct sl_review_printer *printer, const struct sl_admission *work,
                    struct sl_buf *out, struct sl_err *err)
{
    SL_AUTO(sl_json) struct json_object *before = NULL;
    SL_AUTO(sl_json) struct json_object *after = NULL;
    SL_AUTO(sl_buf) struct sl_buf before_text = SL_BUF_INIT(SL_REVIEW_OUTPUT_MAX);
    SL_AUTO(sl_buf) struct sl_buf after_text = SL_BUF_INIT(SL_REVIEW_OUTPUT_MAX);
    if (parse_object(work, &before, err) < 0 || sl_review_result(work, &after, err) < 0 ||
        sl_yaml_write(before, &before_text, err) < 0 ||
        sl_yaml_write(after, &after_text, err) < 0) {
        return -1;
    }
    sl_diff_yaml(sl_buf_str(&before_text), sl_buf_str(&after_text), printer->colour, out);
    return 0;
}

/* "CREATE pods shop/productpage-6659db94d9-... by system:…: patched" */
static void add_header(const struct sl_admission *work, struct sl_buf *out)
{
    const struct sl_review *review = &work->review;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const char *what =
        sl_arena_printf(&arena, "%s %.*s%s%.*s %s", sl_operation_names[review->operation],
                        SL_STR_FMT(review->resource), review->sub_resource.n == 0 ? "" : "/",
                        SL_STR_FMT(review->sub_resource), sl_review_subject(review, &arena));
    add_line(out, "",
             sl_arena_printf(&arena, "%s by %.*s%s: %s", what, SL_STR_FMT(review->username),
                             review->dry_run ? " (dry run)" : "",
                             sl_outcome_names[work->decision.outcome]));
}

static int print_text(struct sl_review_printer *printer, const struct sl_admission *work,
                      struct sl_buf *out, struct sl_buf *notes, struct sl_err *err)
{
    (void)notes;
    const struct sl_decision *decision = &work->decision;
    if (printer->printed) {
        sl_buf_addc(out, '\n');
    }
    add_header(work, out);
    if (decision->patch.n > 0 && add_diff(printer, work, out, err) < 0) {
        return -1;
    }
    add_warnings(decision, out);
    add_line(out, because[decision->outcome], decision->why);
    printer->printed = true;
    return 0;
}

/* What a denial and warnings say where standard output is for programs. */
static void add_notes(const struct sl_admission *work, struct sl_buf *notes)
{
    add_warnings(&work->decision, notes);
    if (work->decision.outcome == SL_DENIED) {
        add_line(notes, because[SL_DENIED], work->decision.message);
    }
}

static int print_patch(struct sl_review_printer *printer, const struct sl_admission *work,
                       struct sl_buf *out, struct sl_buf *notes, struct sl_err *err)
{
    (void)printer;
    (void)err;
    struct sl_str patch = work->decision.patch;
    sl_buf_addstr(out, patch.n > 0 ? patch : SL_STR("[]"));
    sl_buf_addc(out, '\n');
    add_notes(work, notes);
    return 0;
}

static int print_object(struct sl_review_printer *printer, const struct sl_admission *work,
                        struct sl_buf *out, struct sl_buf *notes, struct sl_err *err)
{
    SL_AUTO(sl_json) struct json_object *object = NULL;
    add_notes(work, notes);
    if (work->decision.outcome == SL_DENIED) {
        return 0;
    }
    if (sl_review_result(work, &object, err) < 0) {
        return -1;
    }
    if (object == NULL) {
        return 0;
    }
    if (printer->printed) {
        sl_buf_adds(out, "---\n");
    }
    printer->printed = true;
    return sl_yaml_write(object, out, err);
}

static int print_review(struct sl_review_printer *printer, const struct sl_admission *work,
                        struct sl_buf *out, struct sl_buf *notes, struct sl_err *err)
{
    (void)printer;
    (void)notes;
    (void)err;
    sl_response_write(&work->review, &work->decision, out);
    return 0;
}

int sl_review_print(struct sl_review_printer *printer, const struct sl_admission *work,
                    struct sl_buf *out, struct sl_buf *notes, struct sl_err *err)
{
    static int (*const forms[])(struct sl_review_printer *, const struct sl_admission *,
                                struct sl_buf *, struct sl_buf *, struct sl_err *) = {
        [SL_FORM_TEXT] = print_text,
        [SL_FORM_PATCH] = print_patch,
        [SL_FORM_OBJECT] = print_object,
        [SL_FORM_REVIEW] = print_review,
    };
    return forms[printer->form](printer, work, out, notes, err);
}
