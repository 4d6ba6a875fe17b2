/* Inside core/records: the labels and the finalizers of a pod, packed into one text each, so that a
 * record needs no array for them.
 *
 *     labels     key NUL value NUL … NUL, sorted by key, as "app\0web\0tier\0front\0"; a key that
 *                most pods have is one control character (packed.c)
 *     balancers  name NUL … NUL, in their order, as "edge\0slb\0"
 *
 * An empty key, or name, is the end; no such thing can be stored. Pure functions. */
#ifndef SL_CORE_RECORDS_PACKED_H
#define SL_CORE_RECORDS_PACKED_H

#include "codec/jscan.h"

#define SL_PACKED_TEXT_MAX                                                                         \
    ((size_t)4096) /* bytes of a key, a value or a name; longer: left out                          \
                    */

struct sl_packed {
    const char *bytes; /* in the arena */
    size_t size;       /* with the NUL at the end; 0: there is nothing, bytes is "" */
};

/* What cannot be a label is left out: no text, with a NUL in it, a key that begins with a control
 * character, or came before. */
struct sl_packed sl_pack_labels(struct sl_jval labels, struct sl_arena *arena);
/* Of finalizers, those of load balancers: what is behind SL_FINALIZER_PREFIX. */
struct sl_packed sl_pack_balancers(struct sl_jval finalizers, struct sl_arena *arena);

/* The value of a label in what is packed; "" where it is not there. */
const char *sl_packed_label(const char *labels, const char *key);

#endif
