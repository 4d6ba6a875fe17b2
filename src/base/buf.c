/* The capped buffer (buf.h). */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ALLOCATION ((size_t)256)

void sl_buf_cleanup(struct sl_buf *buf)
{
    free(buf->data);
    *buf = (struct sl_buf)SL_BUF_INIT(buf->cap);
}

void sl_buf_reset(struct sl_buf *buf)
{
    buf->len = 0;
    buf->overflowed = false;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

bool sl_buf_reserve(struct sl_buf *buf, size_t count)
{
    if (buf->overflowed || count > buf->cap - buf->len) {
        buf->overflowed = true;
        return false;
    }
    size_t need = buf->len + count + 1;
    if (need <= buf->allocated) {
        return true;
    }
    size_t size = buf->allocated == 0 ? FIRST_ALLOCATION : buf->allocated;
    while (size < need) {
        size *= 2;
    }
    if (size > buf->cap + 1) {
        size = buf->cap + 1;
    }
    char *data = realloc(buf->data, size);
    if (data == NULL) {
        abort();
    }
    buf->data = data;
    buf->allocated = size;
    return true;
}

void sl_buf_add(struct sl_buf *buf, const void *bytes, size_t count)
{
    if (!sl_buf_reserve(buf, count)) {
        return;
    }
    if (count > 0) {
        memcpy(buf->data + buf->len, bytes, count);
    }
    buf->len += count;
    buf->data[buf->len] = '\0';
}

void sl_buf_addc(struct sl_buf *buf, char byte)
{
    sl_buf_add(buf, &byte, 1);
}

void sl_buf_adds(struct sl_buf *buf, const char *text)
{
    sl_buf_add(buf, text, strlen(text));
}

void sl_buf_addstr(struct sl_buf *buf, struct sl_str text)
{
    sl_buf_add(buf, text.p, text.n);
}

void sl_buf_addf(struct sl_buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        abort();
    }
    if (sl_buf_reserve(buf, (size_t)length)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)length + 1, format, again);
        buf->len += (size_t)length;
    }
    va_end(again);
}

struct sl_str sl_buf_str(const struct sl_buf *buf)
{
    return (struct sl_str){.p = buf->data == NULL ? "" : buf->data, .n = buf->len};
}

int sl_buf_check(const struct sl_buf *buf, const char *what, struct sl_err *err)
{
    if (buf->overflowed) {
        return sl_err_set(err, SL_ERR_INVALID, "%s is larger than %zu bytes", what, buf->cap);
    }
    return 0;
}

void sl_buf_add_json(struct sl_buf *buf, struct sl_str text)
{
    static const char hex[] = "0123456789abcdef";
    size_t done = 0;
    for (size_t i = 0; i < text.n;) {
        unsigned char byte = (unsigned char)text.p[i];
        if (byte >= 0x80) {
            size_t length = sl_utf8_length(text.p + i, text.n - i);
            if (length > 0) {
                i += length;
                continue;
            }
        } else if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f) {
            i++;
            continue;
        }
        sl_buf_add(buf, text.p + done, i - done);
        if (byte >= 0x80) {
            sl_buf_adds(buf, "\\ufffd");
        } else if (byte == '"' || byte == '\\') {
            sl_buf_add(buf, (char[]){'\\', (char)byte}, 2);
        } else if (byte == '\n') {
            sl_buf_adds(buf, "\\n");
        } else if (byte == '\t') {
            sl_buf_adds(buf, "\\t");
        } else {
            sl_buf_add(buf, (char[]){'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]}, 6);
        }
        i++;
        done = i;
    }
    if (done < text.n) { /* never so for the absent slice, which points nowhere */
        sl_buf_add(buf, text.p + done, text.n - done);
    }
}

void sl_buf_add_json_string(struct sl_buf *buf, struct sl_str text)
{
    sl_buf_addc(buf, '"');
    sl_buf_add_json(buf, text);
    sl_buf_addc(buf, '"');
}
