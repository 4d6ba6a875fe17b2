/* What TrafficPolicy and Rollout have in common: the object around their spec. */
#ifndef SL_CORE_METADATA_H
#define SL_CORE_METADATA_H

#include "codec/decode.h"

struct sl_metadata {
    struct sl_str ns, name; /* ns: "default" where there is none, as kubectl does; name may be empty
                               when it is still to be generated */
};

/* Decodes a whole object: names of its metadata are checked and copied into the arena of
 * `problems`; its spec is decoded by `spec_rows` into the zeroed struct at `ret_spec`; keys beside
 * apiVersion, kind, metadata, spec and status are problems. Returns whether there is a spec at all.
 */
bool sl_metadata_decode(struct json_object *object, const struct sl_decode_row *spec_rows,
                        struct sl_metadata *ret_metadata, void *ret_spec,
                        struct sl_problems *problems);

#endif
