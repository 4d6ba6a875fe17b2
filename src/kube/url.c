/* Escaping for paths and queries (client.h). */
#include "kube/client.h"

static bool is_unreserved(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

void sl_url_escape(struct sl_str text, struct sl_buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        if (is_unreserved(text.p[i])) {
            sl_buf_addc(out, text.p[i]);
        } else {
            sl_buf_addf(out, "%%%02X", (unsigned char)text.p[i]);
        }
    }
}
