/* The annotation sluice.dev/held: the fields of a workload's spec that Sluice overwrote, with the
 * values they had, so that whoever ends the run can put them back.
 *
 *     {"spec.updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":0}}}
 *
 * A field is always one that stands directly in spec, and is saved and put back as a whole: a part
 * of a strategy would be refused beside another type. null: the field was not there. The pod
 * template is never held.
 *
 * Pure functions; texts live in the arena or the review.
 */
#ifndef SL_CORE_HELD_H
#define SL_CORE_HELD_H

#include "base/buf.h"
#include "codec/jscan.h"

#define SL_HELD_MAX 8                   /* fields */
#define SL_HELD_FIELD_MAX (64 * SL_KIB) /* bytes of one value; all annotations may have 256 KiB */

struct sl_held_field {
    struct sl_str field; /* "updateStrategy" */
    struct sl_str value; /* JSON text */
};

struct sl_held {
    struct sl_held_field items[SL_HELD_MAX];
    size_t count;
};

/* Reads the annotation. No fields where it is not there, or not as described above. */
void sl_held_read(struct sl_jval annotations, struct sl_arena *arena, struct sl_held *ret_held);

/* The same from the annotation's own text, which the fields point into. */
void sl_held_parse(struct sl_str text, struct sl_arena *arena, struct sl_held *ret_held);

/* The saved value; the absent slice for a field that is not held. */
struct sl_str sl_held_get(const struct sl_held *held, struct sl_str field);

/* Saves a field that is not held yet. False: there are SL_HELD_MAX already. */
SL_MUST_USE bool sl_held_add(struct sl_held *held, struct sl_str field, struct sl_str value);

/* Appends the annotation's text. */
void sl_held_write(const struct sl_held *held, struct sl_buf *out);

#endif
