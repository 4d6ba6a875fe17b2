/* An AdmissionReview as it arrives: one jscan pass over the bytes gives every slice that any
 * mutator reads. Nothing is copied but strings with escapes in them.
 *
 * Source: k8s.io/api/admission/v1 (v1beta1 has the same shape and is echoed). Slices point into the
 * body or the arena. Pure functions.
 */
#ifndef SL_CORE_ADMISSION_REVIEW_H
#define SL_CORE_ADMISSION_REVIEW_H

#include "codec/jscan.h"

enum sl_operation {
    SL_CREATE,
    SL_UPDATE,
    SL_DELETE,
    SL_CONNECT,
    SL_OPERATIONS,
};

/* Slices of one object; type SL_J_ABSENT where a field is not there, SL_J_NULL where it is null. */
struct sl_object {
    struct sl_jval self;
    struct sl_jval metadata, name, generate_name, labels, annotations, owner_references, finalizers,
        deletion_timestamp;
    struct sl_jval spec, readiness_gates, containers, init_containers, host_network, grace_period,
        replicas, template;
    struct sl_jval conditions;                 /* status.conditions */
    struct sl_jval delete_dry_run, delete_uid; /* of an Eviction: deleteOptions.dryRun,
                                                  .preconditions .uid */
};

struct sl_review {
    struct sl_str api_version, uid;
    struct sl_str group, resource, sub_resource; /* what was asked for: request.resource */
    struct sl_str ns, name;                      /* name: may be empty on CREATE */
    struct sl_str username;
    enum sl_operation operation;
    bool dry_run;
    struct sl_object object, old_object; /* self absent or null where there is none */
};

extern const char
    *const sl_operation_names[]; /* "CREATE", …, by enum sl_operation; NULL at the end */

/* Errors: INVALID "cannot read the AdmissionReview: …": not JSON, another kind, no request, no uid,
 * an unknown operation. */
SL_MUST_USE int sl_review_parse(struct sl_str body, struct sl_arena *arena,
                                struct sl_review *ret_review, struct sl_err *err);

/* Whether there is an object to look at. */
bool sl_object_there(const struct sl_object *object);

/* "shop/productpage-6659db94d9-…" for people: the object's name, or what it will be generated from.
 */
const char *sl_review_subject(const struct sl_review *review, struct sl_arena *arena);

#endif
