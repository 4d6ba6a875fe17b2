/* Validation of our own kinds at admission: the rules are those of traffic_policy.c and rollout.c,
 * which the policy files and the CLI use too. */
#include "codec/json.h"
#include "core/admission/mutators.h"

#define OBJECT_MAX ((size_t)512 * SL_KIB) /* a tree of it takes thirty times as much */

typedef void decode_fn(struct sl_admission *work, struct json_object *object,
                       struct sl_problems *problems);

static void decode_policy(struct sl_admission *work, struct json_object *object,
                          struct sl_problems *problems)
{
    (void)work;
    struct sl_traffic_policy policy;
    sl_traffic_policy_decode(object, &policy, problems);
}

static void decode_rollout(struct sl_admission *work, struct json_object *object,
                           struct sl_problems *problems)
{
    struct sl_rollout rollout = {0};
    sl_rollout_decode(object, &work->config->workloads, &rollout, problems);
    const struct sl_rollout *other =
        sl_snapshot_rollout(work->known.policies, work->review.ns, rollout.workload.group,
                            rollout.workload.kind, rollout.workload.name);
    if (problems->count == 0 && other != NULL && !sl_str_eq(other->name, rollout.name)) {
        sl_admission_warn(work,
                          "Rollout %.*s names the same %.*s: of the two, the one whose name sorts "
                          "first rolls it",
                          SL_STR_FMT(other->name), SL_STR_FMT(rollout.workload.kind));
    }
}

static int validate(struct sl_admission *work, const char *kind, decode_fn *decode)
{
    const struct sl_review *review = &work->review;
    struct sl_decision *decision = &work->decision;
    if (!sl_object_there(&review->object) ||
        review->object.deletion_timestamp.type == SL_J_STRING) {
        decision->why = "it is being deleted";
        return 0;
    }
    if (review->object.spec.type != SL_J_ABSENT &&
        sl_str_eq(review->object.spec.raw, review->old_object.spec.raw)) {
        decision->why = "its spec does not change"; /* a finalizer must always come off */
        return 0;
    }
    SL_AUTO(sl_json) struct json_object *object = NULL;
    struct sl_err unreadable = SL_ERR_INIT;
    struct sl_problems problems = SL_PROBLEMS_INIT(&work->arena);
    if (review->object.self.raw.n > OBJECT_MAX) {
        sl_problem_add(&problems, NULL, "it is larger than %zu bytes", OBJECT_MAX);
    } else if (sl_json_parse(review->object.self.raw, &object, &unreadable) < 0) {
        sl_problem_add(&problems, NULL, "%s", unreadable.msg);
    } else {
        decode(work, object, &problems);
    }
    if (problems.count == 0) {
        decision->why = "it is valid";
        return 0;
    }
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
    sl_problems_write(&problems, &text);
    sl_admission_deny(work, 422, "Invalid",
                      sl_arena_printf(&work->arena, "%s %s is invalid: %s", kind,
                                      sl_review_subject(review, &work->arena),
                                      sl_buf_str(&text).p));
    for (size_t i = 0; i < problems.count && i < SL_PROBLEMS_MAX; i++) {
        sl_admission_invalid(work, sl_str_from(kind), problems.items[i].path,
                             problems.items[i].text);
    }
    return 0;
}

int sl_validate_traffic_policy(struct sl_admission *work, struct sl_err *err)
{
    (void)err;
    return validate(work, "TrafficPolicy", decode_policy);
}

int sl_validate_rollout(struct sl_admission *work, struct sl_err *err)
{
    (void)err;
    return validate(work, "Rollout", decode_rollout);
}
