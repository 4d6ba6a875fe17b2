/* The decision about one AdmissionReview: the entry of `core` for the server and for `sluice
 * review`.
 *
 *     bytes → sl_review_parse() → the row of the route table → a mutator or validator → sl_decision
 *
 * Pure: the same body, configuration and known cluster give the same decision, to the byte. No I/O,
 * clock, log: time is part of what is known. Threads: a struct sl_admission belongs to one thread;
 * all that is passed in is only read.
 */
#ifndef SL_CORE_ADMISSION_ADMIT_H
#define SL_CORE_ADMISSION_ADMIT_H

#include "codec/jsonpatch.h"
#include "core/admission/review.h"
#include "core/evictions.h"
#include "core/handovers.h"
#include "core/snapshot.h"

#define SL_WARNINGS_MAX 4
#define SL_WARNING_BYTES 256 /* the API server cuts a longer one */

/* What is known of the cluster at the moment of a review; all borrowed. */
struct sl_known {
    const struct sl_snapshot *policies;
    const struct sl_handovers *handovers; /* NULL: none */
    struct sl_evictees evictees;
    int64_t now; /* nanoseconds since 1970; 0 where no clock counts */
};

/* The part of the configuration that decides. */
struct sl_admit_config {
    struct sl_str own_namespace;      /* never touched: the webhook must not stop its own rescue */
    struct sl_str reconciler_account; /* user name of the reconciler's service account */
    struct sl_list ignore_namespaces; /* of struct sl_str: never touched */
    struct sl_workload_kinds workloads;
};

enum sl_outcome {
    SL_ALLOWED, /* nothing to do; `why` says why */
    SL_PATCHED,
    SL_DENIED,
    SL_OUTCOMES,
};
extern const char *const sl_outcome_names[]; /* "allowed", "patched", "denied" */

/* One reason of a denial: metav1.StatusCause. Some versions of kubectl show these and nothing else.
 */
struct sl_cause {
    const char *reason; /* metav1.CauseType */
    const char *field, *message;
};

struct sl_decision {
    enum sl_outcome outcome;
    int code;            /* HTTP status of a denial */
    const char *reason;  /* metav1.StatusReason of a denial */
    const char *message; /* of a denial: one or more sentences for the user */
    struct sl_str kind;  /* of a denial: what was refused, as metav1.StatusDetails has it: the kind
                            of an Invalid, the resource of anything else */
    struct sl_str name;  /* of a denial: the object's; empty where it is to be generated */
    struct sl_cause causes[SL_PROBLEMS_MAX];
    size_t cause_count;
    int64_t retry_after; /* of a denial: seconds after which to ask again; 0: not said */
    struct sl_str patch; /* JSON Patch text; absent where nothing changes */
    const char *warnings[SL_WARNINGS_MAX];
    size_t warning_count;
    const char *why; /* one clause for people: what was done, or why nothing was */
    enum sl_eviction eviction;
    struct sl_drain_order drain; /* of an eviction that waits: to be done by the caller, whenever */
};

/* Which of the two URLs was called; ANY is both, for the CLI. */
enum sl_endpoint { SL_MUTATE = 1, SL_VALIDATE = 2, SL_ANY_ENDPOINT = 3 };

/* The working memory of one review at a time, reused from review to review. */
struct sl_admission {
    struct sl_arena arena;
    struct sl_patch patch;
    struct sl_review review;
    struct sl_decision decision;
    const struct sl_admit_config *config;
    struct sl_known known;
};
#define SL_ADMISSION_INIT                                                                          \
    {                                                                                              \
        .patch = SL_PATCH_INIT                                                                     \
    }
void sl_admission_cleanup(struct sl_admission *work);

/* Forgets the review and gives back the memory of a large one; work stays usable. */
void sl_admission_reset(struct sl_admission *work);

/* Reads `body` and decides; `known` is copied. work->review and work->decision are valid until the
 * next call or reset and point into `body`. Errors: INVALID (unreadable: HTTP 400), INTERNAL (a
 * fault of ours: HTTP 500). */
SL_MUST_USE int sl_admit(struct sl_admission *work, enum sl_endpoint endpoint,
                         const struct sl_admit_config *config, const struct sl_known *known,
                         struct sl_str body, struct sl_err *err);

#endif
