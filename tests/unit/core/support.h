/* What the admission tests of `core` share: policies from YAML text, and a table row that is one
 * review with all that is expected of its answer. Every row is also checked for the properties that
 * hold for any review: the patch applies, its result gives no patch, the same bytes give the same
 * answer. */
#ifndef SL_TESTS_CORE_SUPPORT_H
#define SL_TESTS_CORE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"
#include "codec/yaml.h"
#include "core/admission/admit.h"
#include "core/admission/response.h"

#define RECONCILER "system:serviceaccount:sluice-system:sluice-reconciler"

struct review_case {
    const char *name; /* the behaviour */
    const char *operation, *group, *resource, *sub_resource;
    const char *ns;       /* NULL: "shop" */
    const char *user;     /* NULL: "alice" */
    const char *object;   /* JSON; NULL: null */
    const char *old;      /* JSON; NULL: null */
    enum sl_outcome want; /* outcome */
    const char *patch;    /* the exact JSON Patch; NULL: none */
    const char *why;      /* part of `why` or of the denial's message; NULL: not looked at */
    const char *warning;  /* part of the only warning; NULL: there must be none */
};

static const struct sl_workload_kind clone_set = {
    SL_STR_INIT("apps.kruise.io"),
    SL_STR_INIT("CloneSet"),
    SL_STR_INIT("clonesets"),
    {SL_STR_INIT("updateStrategy"), SL_STR_INIT("partition"), SL_STR_INIT("\"100%\"")},
};
static struct sl_str ignored[] = {SL_STR_INIT("kube-system")};
static const struct sl_admit_config config = {
    .own_namespace = SL_STR_INIT("sluice-system"),
    .reconciler_account = SL_STR_INIT(RECONCILER),
    .ignore_namespaces = {.items = ignored, .count = 1},
    .workloads = {.items = &clone_set, .count = 1},
};

static inline struct sl_snapshot *open_policies(const char *yaml)
{
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    struct sl_snapshot *snapshot = sl_snapshot_open();
    struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(snapshot));
    if (sl_yaml_parse(sl_str_from(yaml), &docs, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    for (size_t i = 0; i < sl_yaml_count(docs); i++) {
        sl_snapshot_add(snapshot, sl_yaml_root(docs, i), &config.workloads, &problems);
    }
    if (problems.count > 0) {
        fail_msg("%s: %s", problems.items[0].path, problems.items[0].text);
    }
    sl_snapshot_seal(snapshot);
    return snapshot;
}

static void write_review(const struct review_case *row, const char *object, struct sl_buf *out)
{
    sl_buf_addf(out,
                "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\","
                "\"request\":{\"uid\":\"u-1\",\"resource\":{\"group\":\"%s\",\"version\":\"v1\","
                "\"resource\":\"%s\"},\"subResource\":\"%s\",\"namespace\":\"%s\","
                "\"operation\":\"%s\",\"userInfo\":{\"username\":\"%s\"},\"dryRun\":false,",
                row->group, row->resource, row->sub_resource == NULL ? "" : row->sub_resource,
                row->ns == NULL ? "shop" : row->ns, row->operation,
                row->user == NULL ? "alice" : row->user);
    sl_buf_addf(out, "\"object\":%s,\"oldObject\":%s}}", object == NULL ? "null" : object,
                row->old == NULL ? "null" : row->old);
}

static void admit(struct sl_admission *work, const struct sl_known *known,
                  const struct sl_buf *body)
{
    struct sl_err err = SL_ERR_INIT;
    if (sl_admit(work, SL_ANY_ENDPOINT, &config, known, sl_buf_str(body), &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

/* Applies the patch and reviews the result: there must be nothing left to do. */
static void check_idempotent(const struct review_case *row, const struct sl_known *known,
                             struct sl_str patch_text)
{
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_json) struct json_object *patch = NULL;
    SL_AUTO(sl_json) struct json_object *object = NULL;
    if (sl_json_parse(patch_text, &patch, &err) < 0 ||
        sl_json_parse(sl_str_from(row->object), &object, &err) < 0 ||
        sl_patch_apply(patch, &object, &err) < 0) {
        fail_msg("%s: %s: %.*s", row->name, err.msg, SL_STR_FMT(patch_text));
    }
    SL_AUTO(sl_buf) struct sl_buf patched = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_admission) struct sl_admission again = SL_ADMISSION_INIT;
    sl_json_write(object, &patched);
    write_review(row, patched.data, &body);
    admit(&again, known, &body);
    if (again.decision.patch.n > 0 || again.decision.outcome == SL_DENIED) {
        fail_msg("%s: reviewing the result patches again: %.*s", row->name,
                 SL_STR_FMT(again.decision.patch));
    }
}

static inline void check_case(const struct review_case *row, const struct sl_known *known)
{
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_buf) struct sl_buf first = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_buf) struct sl_buf second = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_admission) struct sl_admission work = SL_ADMISSION_INIT;
    write_review(row, row->object, &body);
    admit(&work, known, &body);
    sl_response_write(&work.review, &work.decision, &first);
    admit(&work, known, &body);
    sl_response_write(&work.review, &work.decision, &second);
    assert_string_equal(first.data, second.data);

    const struct sl_decision *got = &work.decision;
    struct sl_str patch = sl_str_from(row->patch == NULL ? "" : row->patch);
    if (got->outcome != row->want || !sl_str_eq(got->patch, patch)) {
        fail_msg("%s: %s, why %s\n  got  %.*s\n  want %.*s", row->name,
                 sl_outcome_names[got->outcome], got->why, SL_STR_FMT(got->patch),
                 SL_STR_FMT(patch));
    }
    if (row->why != NULL && (got->why == NULL || strstr(got->why, row->why) == NULL)) {
        fail_msg("%s: why is \"%s\", not \"%s\"", row->name, got->why, row->why);
    }
    if (got->warning_count != (row->warning == NULL ? 0 : 1) ||
        (row->warning != NULL && strstr(got->warnings[0], row->warning) == NULL)) {
        fail_msg("%s: %zu warnings, \"%s\"", row->name, got->warning_count,
                 got->warning_count > 0 ? got->warnings[0] : "");
    }
    if (got->patch.n > 0) {
        check_idempotent(row, known, got->patch);
    }
}

#define CHECK_CASES(rows, yaml)                                                                    \
    do {                                                                                           \
        struct sl_snapshot *checked = open_policies(yaml);                                         \
        const struct sl_known known_ = {.policies = checked};                                      \
        for (size_t row_ = 0; row_ < sizeof(rows) / sizeof(rows)[0]; row_++) {                     \
            check_case(&(rows)[row_], &known_);                                                    \
        }                                                                                          \
        sl_snapshot_close(checked);                                                                \
    } while (0)

#endif
