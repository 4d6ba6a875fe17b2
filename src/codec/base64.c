/* Base64 (base64.h). */
#include "codec/base64.h"

#include <limits.h>
#include <openssl/evp.h>

void sl_base64_write(struct sl_str bytes, struct sl_buf *out)
{
    size_t length = (bytes.n + 2) / 3 * 4;
    if (bytes.n > INT_MAX) {
        out->overflowed = true;
        return;
    }
    if (sl_buf_reserve(out, length)) { /* with room for the NUL that is written after */
        (void)EVP_EncodeBlock((unsigned char *)out->data + out->len, (const unsigned char *)bytes.p,
                              (int)bytes.n);
        out->len += length;
    }
}
