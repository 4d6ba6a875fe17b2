/* The error object (err.h). Used by every layer; does no I/O and allocates nothing. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sl_err_set(struct sl_err *err, enum sl_err_kind kind, const char *format, ...)
{
    if (err == NULL) {
        return -1;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->msg, sizeof err->msg, format, args);
    va_end(args);
    err->kind = kind;
    return -1;
}

int sl_err_sys(struct sl_err *err, int errnum, const char *format, ...)
{
    if (err == NULL) {
        return -1;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->msg, sizeof err->msg, format, args);
    va_end(args);

    char reason[128];
    size_t used = strlen(err->msg);
    (void)snprintf(err->msg + used, sizeof err->msg - used, ": %s",
                   strerror_r(errnum, reason, sizeof reason));
    err->kind = errnum == ENOENT                      ? SL_ERR_NOT_FOUND
                : errnum == EACCES || errnum == EPERM ? SL_ERR_DENIED
                                                      : SL_ERR_INTERNAL;
    return -1;
}

int sl_err_wrap(struct sl_err *err, const char *format, ...)
{
    if (err == NULL) {
        return -1;
    }
    char inner[SL_ERR_MSG_MAX];
    memcpy(inner, err->msg, sizeof inner);

    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->msg, sizeof err->msg, format, args);
    va_end(args);

    size_t used = strlen(err->msg);
    (void)snprintf(err->msg + used, sizeof err->msg - used, ": %s", inner);
    return -1;
}
