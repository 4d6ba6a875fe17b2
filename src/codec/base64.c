/* Base64 (base64.h). */
#include "codec/base64.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdint.h>

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

/* 0 to 63, or -1 */
static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool sl_base64_read(struct sl_str text, struct sl_buf *out)
{
    uint32_t bits = 0;
    unsigned digits = 0;
    unsigned padding = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n' || text.p[i] == '\r') {
            continue;
        }
        int digit = digit_of(text.p[i]);
        if (text.p[i] == '=') {
            padding++;
        } else if (digit < 0 || padding > 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)(digit < 0 ? 0 : digit);
        if (++digits == 4 && padding <= 2) {
            const char bytes[] = {(char)(bits >> 16 & 255), (char)(bits >> 8 & 255),
                                  (char)(bits & 255)};
            sl_buf_add(out, bytes, 3 - padding);
            bits = 0;
            digits = 0;
        }
    }
    return digits == 0 && !out->overflowed;
}
