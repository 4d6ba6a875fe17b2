/* Workload CREATE and UPDATE: the hold (DESIGN.md, "Driving native workloads"). A changed pod
 * template of a workload that a Rollout names is let in, but with the one field set that keeps the
 * stock controller from rolling it; the reconciler releases it in batches. What was there is saved
 * in sluice.dev/held (held.h) and, while the hold lasts, what people apply goes in there too.
 *
 * For each held field there are three values: the old object's (`was`), the new one's as it was
 * asked for (`asked`), and the saved one. What somebody changed is the difference of the first two,
 * and that difference is made to the third: a kubectl that knows only one key of a strategy changes
 * one key of the original. */
#include "core/admission/mutators.h"
#include "core/admission/pod.h"
#include "core/held.h"
#include "core/held_value.h"
#include "core/names.h"

#define NOTHING SL_STR("null")

/* One workload under review. */
struct hold {
    struct sl_admission *work;
    const struct sl_workload_kind *kind;
    struct sl_jval spec, old_spec;
    struct sl_held before;  /* of the old object: what is held */
    struct sl_held present; /* of the new object: what the annotation says already */
    struct sl_held saved;   /* what it is to say */
    bool new_template;
};

/* null and nothing are the same thing to the API server. */
static struct sl_str text_of(struct sl_jval spec, struct sl_str field)
{
    struct sl_jval value = sl_jval_get(spec, field);
    return value.type == SL_J_ABSENT ? NOTHING : value.raw;
}

static bool too_large(struct sl_str text)
{
    return text.n > SL_HELD_FIELD_MAX;
}

static int refuse_size(const struct hold *hold, struct sl_str field)
{
    struct sl_admission *work = hold->work;
    struct sl_arena *arena = &work->arena;
    const char *path = sl_arena_printf(arena, "spec.%.*s", SL_STR_FMT(field));
    const char *problem =
        sl_arena_printf(arena,
                        "is larger than %zu bytes: it cannot be saved "
                        "in " SL_ANNOTATION_HELD " while a Rollout rolls the workload",
                        SL_HELD_FIELD_MAX);
    const char *message =
        sl_arena_printf(arena, "%s of %.*s %s %s", path, SL_STR_FMT(hold->kind->kind),
                        sl_review_subject(&work->review, arena), problem);
    sl_admission_deny(work, 422, "Invalid", message);
    sl_admission_invalid(work, hold->kind->kind, path, problem);
    return 0;
}

static void set_field(struct sl_admission *work, struct sl_str field, struct sl_str value)
{
    const char *pointer = sl_pointer_add(&work->arena, "/spec", field);
    if (sl_str_eq(value, NOTHING)) {
        sl_patch_remove(&work->patch, pointer);
    } else {
        sl_patch_add(&work->patch, pointer, value);
    }
}

/* Settles one field: what it is to be, and what is saved of it. False: it is denied. */
static bool settle(struct hold *hold, struct sl_str field)
{
    struct sl_admission *work = hold->work;
    struct sl_arena *arena = &work->arena;
    struct sl_str asked = text_of(hold->spec, field);
    struct sl_str was = text_of(hold->old_spec, field);
    struct sl_str before = sl_held_get(&hold->before, field);
    struct sl_str present = sl_held_get(&hold->present, field);
    bool holds =
        sl_str_eq(field, hold->kind->hold.field) && (hold->new_template || before.p == NULL);
    if (too_large(asked) || too_large(was)) {
        (void)refuse_size(hold, field);
        return false;
    }
    struct sl_str kept =
        holds ? sl_held_hold(arena, &hold->kind->hold, before.p == NULL ? asked : was)
              : sl_held_compact(arena, was);
    bool as_kept = sl_jscan_equal(asked, kept);
    struct sl_str saved;
    if (present.p != NULL && as_kept) {
        saved = present; /* asked about a second time; or somebody edits the originals */
    } else if (before.p != NULL) {
        saved = sl_held_rebase(arena, present.p != NULL ? present : before, was, asked);
    } else {
        saved = sl_held_compact(arena, asked);
    }
    if (too_large(saved)) {
        (void)refuse_size(hold, field);
        return false;
    }
    if (!as_kept) {
        set_field(work, field, kept);
    }
    if (before.p != NULL && !as_kept && !sl_jscan_equal(asked, was)) {
        sl_admission_warn(work,
                          "spec.%.*s is held while a Rollout rolls this workload; what you set "
                          "is put in force when that ends",
                          SL_STR_FMT(field));
    }
    return sl_held_add(&hold->saved, field, saved);
}

static int write_annotation(struct hold *hold, struct sl_err *err)
{
    struct sl_admission *work = hold->work;
    struct sl_jval annotations = work->review.object.annotations;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_HELD_MAX * (SL_HELD_FIELD_MAX + SL_KIB));
    sl_held_write(&hold->saved, &text);
    if (sl_buf_check(&text, SL_ANNOTATION_HELD, err) < 0) {
        return -1;
    }
    struct sl_str current = sl_annotation(annotations, SL_STR(SL_ANNOTATION_HELD), &work->arena);
    if (current.p == NULL || !sl_jscan_equal(current, sl_buf_str(&text))) {
        sl_patch_map(work, "/metadata/annotations", annotations,
                     &(struct sl_map_entry){SL_STR(SL_ANNOTATION_HELD), sl_buf_str(&text)}, 1);
    }
    return 0;
}

/* All fields that are held, and the one that must be from now on. */
static int keep(struct hold *hold, struct sl_err *err)
{
    bool room = true;
    for (size_t i = 0; room && i < hold->before.count; i++) {
        room = settle(hold, hold->before.items[i].field);
    }
    struct sl_str field = hold->kind->hold.field;
    if (room && hold->new_template && sl_held_get(&hold->before, field).p == NULL) {
        room = settle(hold, field);
    }
    if (hold->work->decision.outcome == SL_DENIED) {
        return 0;
    }
    if (!room) {
        return sl_err_set(err, SL_ERR_INTERNAL, SL_ANNOTATION_HELD " has too many fields");
    }
    return write_annotation(hold, err);
}

/* Puts the saved values back into a manifest that was saved while a hold was on (a backup, say):
 * nobody would ever release it. */
static void restore(struct hold *hold)
{
    struct sl_admission *work = hold->work;
    for (size_t i = 0; i < hold->present.count; i++) {
        const struct sl_held_field *held = &hold->present.items[i];
        struct sl_str asked = text_of(hold->spec, held->field);
        struct sl_str value = sl_held_compact(&work->arena, held->value);
        if (!sl_jscan_equal(asked, value)) {
            set_field(work, held->field, value);
        }
    }
    sl_patch_remove(&work->patch, sl_pointer_add(&work->arena, "/metadata/annotations",
                                                 SL_STR(SL_ANNOTATION_HELD)));
    sl_admission_warn(
        work,
        "this manifest was saved while its workload was held: the values in " SL_ANNOTATION_HELD
        " are put back");
    work->decision.why = "it was saved while it was held";
}

static void warn_of_plan(struct sl_admission *work, const struct sl_rollout *rollout)
{
    int64_t replicas = 0;
    struct sl_batch_targets targets;
    struct sl_err err = SL_ERR_INIT;
    if (sl_jval_int(work->review.object.replicas, &replicas) && replicas >= 0 &&
        replicas <= INT32_MAX &&
        sl_batches_targets(&rollout->plan.batches, (int32_t)replicas, &work->arena, &targets,
                           &err) < 0) {
        sl_admission_warn(work, "held, but Rollout %.*s cannot roll it: %s",
                          SL_STR_FMT(rollout->name), err.msg);
    }
}

static const struct sl_rollout *find_rollout(const struct hold *hold)
{
    const struct sl_review *review = &hold->work->review;
    struct sl_str name =
        review->name.n > 0 ? review->name : sl_jval_str(review->object.name, &hold->work->arena);
    return sl_snapshot_rollout(hold->work->known.policies, review->ns, hold->kind->group,
                               hold->kind->kind, name);
}

/* False, with `why`: it is not to be touched. */
static bool open_hold(struct sl_admission *work, struct hold *ret_hold)
{
    const struct sl_review *review = &work->review;
    if (review->object.metadata.type != SL_J_OBJECT || review->object.spec.type != SL_J_OBJECT) {
        work->decision.why = "metadata or spec is not an object";
        return false;
    }
    if (sl_is_reconciler(work)) {
        work->decision.why = "the reconciler changes it";
        return false;
    }
    *ret_hold = (struct hold){
        .work = work,
        .kind = sl_workload_by_resource(&work->config->workloads, review->group, review->resource),
        .spec = review->object.spec,
        .old_spec = review->old_object.spec,
        .new_template =
            !sl_jscan_equal(review->object.template.raw, review->old_object.template.raw),
    };
    sl_held_read(review->old_object.annotations, &work->arena, &ret_hold->before);
    sl_held_read(review->object.annotations, &work->arena, &ret_hold->present);
    return true;
}

int sl_workload_update(struct sl_admission *work, struct sl_err *err)
{
    struct hold hold;
    struct sl_decision *decision = &work->decision;
    if (!open_hold(work, &hold)) {
        return 0;
    }
    if (!sl_object_there(&work->review.old_object)) {
        decision->why = "the request carries no old object";
        return 0;
    }
    const struct sl_rollout *rollout = find_rollout(&hold);
    if (rollout == NULL) {
        decision->why = "no Rollout names it";
        return 0;
    }
    if (!hold.new_template && hold.before.count == 0) {
        if (hold.present.count > 0) {
            restore(&hold);
        } else {
            decision->why = "its pod template does not change";
        }
        return 0;
    }
    decision->why =
        sl_arena_printf(&work->arena,
                        hold.new_template ? "its pod template changes and Rollout %.*s rolls it"
                                          : "Rollout %.*s holds it already",
                        SL_STR_FMT(rollout->name));
    if (hold.new_template) {
        warn_of_plan(work, rollout);
    }
    return keep(&hold, err);
}

/* A new workload has no pods to protect: nothing is held. */
int sl_workload_create(struct sl_admission *work, struct sl_err *err)
{
    (void)err;
    struct hold hold;
    if (!open_hold(work, &hold)) {
        return 0;
    }
    if (hold.present.count == 0) {
        work->decision.why = "a new workload has nothing to roll";
    } else {
        restore(&hold);
    }
    return 0;
}
