/* What the rows of the route table in admit.c call; private to the admission part of `core`.
 *
 * Each takes a review that was read, and either leaves the decision as it is but for `why`, adds
 * operations to work->patch, or denies. Errors: INTERNAL only. */
#ifndef SL_CORE_ADMISSION_MUTATORS_H
#define SL_CORE_ADMISSION_MUTATORS_H

#include "core/admission/admit.h"

typedef int sl_mutator(struct sl_admission *work, struct sl_err *err);

/* Denies what must not be, and says whether it did. */
typedef bool sl_refusal(struct sl_admission *work);

sl_refusal sl_pod_refuse;              /* handover.c */
sl_mutator sl_pod_create;              /* pod_create.c */
sl_mutator sl_pod_update;              /* pod_update.c */
sl_mutator sl_workload_create;         /* hold.c */
sl_mutator sl_workload_update;         /* hold.c */
sl_mutator sl_evict;                   /* eviction.c */
sl_mutator sl_validate_traffic_policy; /* validate.c */
sl_mutator sl_validate_rollout;        /* validate.c */

/* --- for mutators --- */

/* Appends a warning, cut to what the API server passes on. */
void sl_admission_warn(struct sl_admission *work, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Denies; `message` lives as long as the review. Operations in the patch are dropped. Returns 0. */
int sl_admission_deny(struct sl_admission *work, int code, const char *reason, const char *message);

/* Adds one cause to a denial; all texts live as long as the review. A denial as Invalid needs at
 * least one: kubectl shows nothing but the causes. `kind` is the object's; `field` "" is all of it.
 */
void sl_admission_cause(struct sl_admission *work, const char *reason, const char *field,
                        const char *message);
void sl_admission_invalid(struct sl_admission *work, struct sl_str kind, const char *field,
                          const char *message);

/* "add" of members to a string map such as metadata.labels: makes the map when it is not there, and
 * adds nothing that is there with the same value. */
struct sl_map_entry {
    struct sl_str key, value;
};
void sl_patch_map(struct sl_admission *work, const char *pointer, struct sl_jval map,
                  const struct sl_map_entry *entries, size_t count);

/* A JSON string in the arena: "text" with quotes, escaped. */
struct sl_str sl_json_quote(struct sl_arena *arena, struct sl_str text);

bool sl_is_reconciler(const struct sl_admission *work);

#endif
