/* What every record begins with: a Kubernetes object as the caches of the reconciler keep it, in
 * one piece of memory that holds the few fields that are used and nothing else.
 *
 * A record is made from an object's JSON by its decode function, never changed afterwards, and
 * released with sl_record_free(). Texts in it end with a NUL, are never NULL ("" is absent), and
 * live as long as the record. Times are nanoseconds since 1970; 0 is absent. Pure functions.
 */
#ifndef SL_CORE_RECORDS_RECORD_H
#define SL_CORE_RECORDS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

struct sl_record {
    const char *ns, *name, *uid, *resource_version;
    const char *owner_uid;    /* of the controller among the ownerReferences */
    int64_t generation;       /* metadata.generation */
    int64_t created, deleted; /* deletionTimestamp: the object is being deleted */
    size_t bytes;             /* of this record, for metrics */
};

void sl_record_free(struct sl_record *record); /* NULL is fine; of any kind of record */
SL_AUTO_PTR(sl_record, struct sl_record, sl_record_free);

/* Makes a record from the JSON text of one object. Errors: INVALID: no JSON, or no such object. */
typedef int sl_record_decode(struct sl_str json, struct sl_record **ret_record, struct sl_err *err);

#endif
