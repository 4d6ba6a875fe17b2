/* Times as Kubernetes writes them: RFC 3339, metav1.Time to the second, metav1.MicroTime to the
 * microsecond. Pure functions. */
#ifndef SL_CODEC_TIMESTAMP_H
#define SL_CODEC_TIMESTAMP_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"

/* Nanoseconds since 1970 of "2026-11-21T12:00:00.123456Z" or with an offset "+01:00"; false for
 * anything else. A leap second is the second before it. Times before 1823 and after 2116 are none:
 * any text may be asked about, and what waits the API knows are added to it must fit. */
SL_MUST_USE bool sl_timestamp_parse(struct sl_str text, int64_t *ret_ns);

#define SL_TIMESTAMP_SIZE 40                                                  /* with the NUL */
void sl_timestamp_write(int64_t ns, char ret_text[static SL_TIMESTAMP_SIZE]); /* …00Z */
void sl_timestamp_write_micro(int64_t ns, char ret_text[static SL_TIMESTAMP_SIZE]); /* ….000000Z */

#endif
