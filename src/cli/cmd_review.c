/* sluice review: the webhook's decisions, offline.
 *
 *     files → documents.c → review_input.c → sl_admit() as in the server → review_output.c
 *
 * All input is read and checked before the first decision is printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/review_check.h"
#include "cli/review_input.h"
#include "cli/review_output.h"
#include "cli/terminal.h"
#include "codec/json.h"
#include "codec/names.h"
#include "core/names.h"
#include "run/webhook/config.h"
#include "run/webhook/policy_files.h"

struct review_values {
    struct sl_texts policies, files;
    const char *config, *old, *username, *namespace_labels;
    int operation; /* enum sl_operation, -1: not given */
    int form;      /* enum sl_review_form */
    bool check_idempotent;
};

#define AT(field) .at = offsetof(struct review_values, field)

/* What a manifest may be wrapped as: the first words of sl_operation_names. */
static const char *const operations[] = {
    [SL_CREATE] = "CREATE", [SL_UPDATE] = "UPDATE", [SL_DELETE] = "DELETE", NULL};

static const struct sl_option options[] = {
    {.name = "policy",
     .letter = 'p',
     .type = SL_O_TEXTS,
     AT(policies),
     .value = "PATH",
     .help = "a file or directory of TrafficPolicies and Rollouts;\n"
             "may be repeated"},
    {.name = "file",
     .letter = 'f',
     .type = SL_O_TEXTS,
     AT(files),
     .value = "FILE",
     .help = "AdmissionReviews or manifests, YAML or JSON; may be\n"
             "repeated (default -, standard input)"},
    {.name = "config",
     .letter = 'c',
     .type = SL_O_TEXT,
     AT(config),
     .value = "FILE",
     .help = "the webhook's configuration; its admission keys count"},
    {.name = "operation",
     .type = SL_O_WORD,
     AT(operation),
     .value = "OP",
     .words = operations,
     .fallback = -1,
     .help = "of manifests: CREATE, UPDATE or DELETE (default\n"
             "CREATE, or UPDATE with --old)"},
    {.name = "old",
     .type = SL_O_TEXT,
     AT(old),
     .value = "FILE",
     .help = "the objects before the update, found by kind,\n"
             "namespace and name"},
    {.name = "namespace-labels",
     .type = SL_O_TEXT,
     AT(namespace_labels),
     .value = "K=V,...",
     .help = "the labels of the namespaces, to check the opt-in\n"
             "(default: every namespace is managed)"},
    {.name = "user",
     .type = SL_O_TEXT,
     AT(username),
     .value = "NAME",
     .help = "who asks, for manifests (default " SL_DEFAULT_USER ")"},
    {.name = "output",
     .letter = 'o',
     .type = SL_O_WORD,
     AT(form),
     .value = "FORM",
     .words = sl_review_forms,
     .fallback = SL_FORM_TEXT,
     .help = "text: a diff, and why (the default);\n"
             "patch: one JSON Patch a line; object: the result as\n"
             "YAML; review: one AdmissionReview response a line"},
    {.name = "check-idempotent",
     .type = SL_O_FLAG,
     AT(check_idempotent),
     .help = "review each result once more: it must give no patch"},
    {0},
};

/* One run of the command. */
struct run {
    const struct sl_command *self;
    const struct review_values *values;
    struct sl_config config;
    struct sl_documents documents, old;
    struct sl_arena arena;
    struct sl_request *requests;
    size_t count;
    struct sl_snapshot *policies;
    struct sl_admission work;
};

static void run_cleanup(struct run *run)
{
    sl_admission_cleanup(&run->work);
    sl_snapshot_close(run->policies);
    sl_arena_cleanup(&run->arena);
    sl_documents_cleanup(&run->old);
    sl_documents_cleanup(&run->documents);
    sl_config_cleanup(&run->config);
}

/* What is wrong with the options taken together; NULL: nothing. */
static const char *misuse(const struct review_values *values)
{
    if (values->operation == SL_UPDATE && values->old == NULL) {
        return "--operation UPDATE needs --old";
    }
    if (values->operation != -1 && values->operation != SL_UPDATE && values->old != NULL) {
        return "--old is for --operation UPDATE";
    }
    return NULL;
}

static int read_requests(struct run *run, struct sl_err *err)
{
    const struct review_values *values = run->values;
    for (size_t i = 0; i < values->files.count; i++) {
        if (sl_documents_read(&run->documents, values->files.items[i], err) < 0) {
            return -1;
        }
    }
    if (values->files.count == 0 && sl_documents_read(&run->documents, "-", err) < 0) {
        return -1;
    }
    if (values->old != NULL && sl_documents_read(&run->old, values->old, err) < 0) {
        return -1;
    }
    const struct sl_wrapping wrapping = {
        .operation = values->operation,
        .old = values->old == NULL ? NULL : &run->old,
        .username = values->username,
        .kinds = &run->config.admission.workloads,
    };
    run->requests = sl_arena_zalloc(&run->arena, run->documents.count, sizeof *run->requests);
    for (; run->count < run->documents.count; run->count++) {
        if (sl_review_input(&run->documents.items[run->count], &wrapping, run->count + 1,
                            &run->arena, &run->requests[run->count], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static void put(struct json_object *object, const char *key, struct json_object *value)
{
    if (json_object_object_add(object, key, value) < 0) {
        abort();
    }
}

/* "k=v,…" as an object; the empty text has no labels. */
static int parse_labels(const char *text, struct sl_arena *arena, struct json_object *labels,
                        struct sl_err *err)
{
    struct sl_str rest = sl_str_from(text);
    while (rest.n > 0) {
        struct sl_str value = sl_str_cut(&rest, ',');
        struct sl_str key = sl_str_cut(&value, '=');
        const char *rule = value.p == NULL ? "must be followed by =VALUE" : sl_name_qualified(key);
        struct sl_str wrong = key;
        if (rule == NULL && (rule = sl_name_label_value(value)) != NULL) {
            wrong = value;
        }
        if (rule != NULL) {
            return sl_err_set(err, SL_ERR_INVALID, "--namespace-labels: '%.*s' %s",
                              SL_STR_FMT(wrong), rule);
        }
        put(labels, sl_arena_cstr(arena, key), json_object_new_string_len(value.p, (int)value.n));
    }
    return 0;
}

/* The namespaces of all reviews, with the labels that the option says they have. */
static int add_namespaces(struct run *run, struct sl_err *err)
{
    if (run->values->namespace_labels == NULL) {
        return 0;
    }
    SL_AUTO(sl_json) struct json_object *document = json_object_new_object();
    struct json_object *metadata = json_object_new_object();
    struct json_object *labels = json_object_new_object();
    put(document, "apiVersion", json_object_new_string("v1"));
    put(document, "kind", json_object_new_string("Namespace"));
    put(document, "metadata", metadata);
    put(metadata, "labels", labels);
    if (parse_labels(run->values->namespace_labels, &run->arena, labels, err) < 0) {
        return -1;
    }
    struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(run->policies));
    for (size_t i = 0; i < run->count; i++) {
        struct sl_str ns = run->requests[i].ns;
        if (ns.n > 0) {
            put(metadata, "name", json_object_new_string_len(ns.p, (int)ns.n));
            sl_snapshot_add(run->policies, document, &run->config.admission.workloads, &problems);
        }
    }
    return 0;
}

static int read_policies(struct run *run, struct sl_err *err)
{
    const struct sl_texts *paths = &run->values->policies;
    run->policies = sl_snapshot_open();
    for (size_t i = 0; i < paths->count; i++) {
        if (sl_policy_files_add(run->policies, paths->items[i], &run->config.admission.workloads,
                                err) < 0) {
            return -1;
        }
    }
    if (add_namespaces(run, err) < 0) {
        return -1;
    }
    sl_snapshot_seal(run->policies);
    return 0;
}

/* Decides about one request and prints it; *status becomes SL_EXIT_NO for a no. */
static int review(struct run *run, const struct sl_request *request,
                  struct sl_review_printer *printer, int *status, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_REVIEW_OUTPUT_MAX);
    SL_AUTO(sl_buf) struct sl_buf notes = SL_BUF_INIT(SL_MIB);
    const struct sl_known known = {.policies = run->policies};
    if (sl_admit(&run->work, SL_ANY_ENDPOINT, &run->config.admission, &known, request->body, err) <
            0 ||
        sl_review_print(printer, &run->work, &out, &notes, err) < 0 ||
        sl_buf_check(&out, "the output", err) < 0) {
        return sl_document_wrap(request->document, err);
    }
    if (run->work.decision.outcome == SL_DENIED) {
        *status = SL_EXIT_NO;
    }
    if (sl_command_print(sl_buf_str(&out), err) < 0) {
        return -1;
    }
    (void)fwrite(notes.data, 1, notes.len, stderr);
    if (!run->values->check_idempotent) {
        return 0;
    }
    struct sl_err finding = SL_ERR_INIT;
    if (sl_review_check(&run->work, request->body, &finding) < 0) {
        (void)sl_document_wrap(request->document, &finding);
        *status = sl_command_failed(run->self, &finding, SL_EXIT_NO);
    }
    return 0;
}

static int run_review(const struct sl_command *self, const void *values_,
                      struct sl_operands operands)
{
    (void)operands;
    const struct review_values *values = values_;
    const char *wrong = misuse(values);
    if (wrong != NULL) {
        return sl_command_misused(self, "%s", wrong);
    }
    SL_AUTO(run) struct run run = {.self = self, .values = values, .work = SL_ADMISSION_INIT};
    struct sl_err err = SL_ERR_INIT;
    if ((values->config == NULL ? sl_config_default(&run.config, &err)
                                : sl_config_load(values->config, &run.config, &err)) < 0 ||
        read_requests(&run, &err) < 0 || read_policies(&run, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    struct sl_review_printer printer = {.form = (enum sl_review_form)values->form,
                                        .colour = sl_terminal_colour()};
    int status = SL_EXIT_YES;
    for (size_t i = 0; i < run.count; i++) {
        if (review(&run, &run.requests[i], &printer, &status, &err) < 0) {
            return sl_command_failed(self, &err, SL_EXIT_BAD);
        }
    }
    return status;
}

const struct sl_command sl_cmd_review = {
    .name = "review",
    .operands = "",
    .summary = "Show what the webhook would do with objects or reviews",
    .details = "\nReads all input, then prints one answer for each document. A manifest is\n"
               "wrapped as the request that creates it. Exit status: 0 all allowed, 1 something\n"
               "denied (or --check-idempotent failed), 2 bad input or usage.\n",
    .options = options,
    .values_size = sizeof(struct review_values),
    .run = run_review,
};
