/* Inside core/records: what all decoders share. A decoder fills a draft of its record, whose texts
 * live in an arena, and has it copied into the one piece of memory that is kept.
 *
 *     bytes ─sl_jscan()→ values ─sl_draft_…()→ draft ─sl_draft_seal()→ record
 *
 * Pure functions. */
#ifndef SL_CORE_RECORDS_DRAFT_H
#define SL_CORE_RECORDS_DRAFT_H

#include "codec/jscan.h"
#include "codec/problem.h"
#include "core/records/record.h"

/* What of metadata any decoder reads. */
struct sl_draft_metadata {
    struct sl_jval name, ns, uid, resource_version, generation, created, deleted, grace;
    struct sl_jval labels, annotations, owners, finalizers, managed;
};
extern const struct sl_jrow sl_draft_metadata_rows[];

/* Errors: INVALID: name or uid are not there, so it is no object that is stored. */
SL_MUST_USE int sl_draft_record(const struct sl_draft_metadata *metadata, struct sl_arena *arena,
                                struct sl_record *ret_record, struct sl_err *err);

/* A value as a field of a record; of another type, or out of range, it is absent. */
const char *sl_draft_text(struct sl_jval value, struct sl_arena *arena); /* absent: "" */
int64_t sl_draft_int(struct sl_jval value);                              /* not negative */
int32_t sl_draft_int32(struct sl_jval value, int32_t absent);            /* not negative */
int64_t sl_draft_time(struct sl_jval value, struct sl_arena *arena);

/* A label or an annotation; a text of more than `max` bytes counts as absent. */
struct sl_str sl_draft_mark(struct sl_jval marks, struct sl_str key, size_t max,
                            struct sl_arena *arena);

/* A whole number that is all of a text, as the annotation deployment.kubernetes.io/revision; 0. */
int64_t sl_draft_number(struct sl_str text);

/* What is said about a spec, which has at least one problem: never "". */
const char *sl_draft_problem(const struct sl_problems *problems, struct sl_arena *arena);

/* Copies a draft of `size` bytes, which begins with a struct sl_record, and behind it the texts
 * that its fields at the offsets `texts` point to, into one new piece of memory, and sets `bytes`.
 */
struct sl_record *sl_draft_seal(const void *draft, size_t size, const size_t *texts,
                                size_t text_count);

#define SL_DRAFT_RECORD_TEXTS                                                                      \
    offsetof(struct sl_record, ns), offsetof(struct sl_record, name),                              \
        offsetof(struct sl_record, uid), offsetof(struct sl_record, resource_version),             \
        offsetof(struct sl_record, owner_uid)

#endif
