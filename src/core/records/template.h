/* Inside core/records: a pod template as text. sl_template_id() of revision.h stands on it.
 * Values must have been checked by jscan. Pure functions. */
#ifndef SL_CORE_RECORDS_TEMPLATE_H
#define SL_CORE_RECORDS_TEMPLATE_H

#include "base/buf.h"
#include "codec/jscan.h"

/* Appends a value without the white space between its parts. */
void sl_template_compact(struct sl_jval value, struct sl_buf *out);

/* Appends a template, compact, without "$patch" and the label pod-template-hash: two things that
 * controllers add to the copies that they keep. */
void sl_template_strip(struct sl_jval template, struct sl_buf *out);

/* Appends the canonical form: members sorted by their bytes and without those that are null or
 * empty, which mean the same as absent ones; elements of arrays stay, whatever they are. */
void sl_template_canonical(struct sl_jval value, struct sl_buf *out);

/* The stripped text of a template and its id, both in the arena; "" and "" where there is none.
 * Errors: INVALID, larger than SL_TEMPLATE_MAX. */
SL_MUST_USE int sl_template_read(struct sl_jval template, struct sl_arena *arena,
                                 const char **ret_text, const char **ret_id, struct sl_err *err);

#endif
