/* Base64 (RFC 4648, with padding). Pure. */
#ifndef SL_CODEC_BASE64_H
#define SL_CODEC_BASE64_H

#include "base/buf.h"

void sl_base64_write(struct sl_str bytes, struct sl_buf *out);

/* Appends what `text` stands for. Line breaks in it are skipped, as in Go. False: it is not base64,
 * or too large for `out`, which may then hold a part. */
SL_MUST_USE bool sl_base64_read(struct sl_str text, struct sl_buf *out);

#endif
