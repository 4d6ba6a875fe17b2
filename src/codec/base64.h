/* Base64 (RFC 4648, with padding), on OpenSSL. Pure. */
#ifndef SL_CODEC_BASE64_H
#define SL_CODEC_BASE64_H

#include "base/buf.h"

void sl_base64_write(struct sl_str bytes, struct sl_buf *out);

#endif
