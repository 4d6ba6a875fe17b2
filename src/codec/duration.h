/* Durations as Go and Kubernetes write them: "5m30s", "1.5h", "300ms".
 * Source: Go's time.ParseDuration. Pure functions. */
#ifndef SL_CODEC_DURATION_H
#define SL_CODEC_DURATION_H

#include <stdint.h>

#include "base/buf.h"

/* Nanoseconds; units ns us µs ms s m h, fractions, a sign, "0". INVALID with the rule: no unit, no
 * number, unknown unit, outside int64. */
SL_MUST_USE int sl_duration_parse(struct sl_str text, int64_t *ret_ns, struct sl_err *err);

/* Appends it the short way: "5m30s", "1.5s", "0s"; parsing it gives the same number. */
void sl_duration_write(int64_t ns, struct sl_buf *out);

#endif
