/* What commands say and where (command.h). */
#include "cli/command.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cli/text.h"

int sl_command_misused(const struct sl_command *self, const char *format, ...)
{
    struct sl_err err = SL_ERR_INIT;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err.msg, sizeof err.msg, format, args);
    va_end(args);
    int status = sl_command_failed(self, &err, SL_EXIT_BAD);
    (void)fprintf(stderr, "Try '%s %s --help'.\n", self->program, self->name);
    return status;
}

int sl_command_failed(const struct sl_command *self, const struct sl_err *err, int status)
{
    struct sl_str rest = sl_str_from(err->msg);
    while (rest.p != NULL) {
        SL_AUTO(sl_buf) struct sl_buf line = SL_BUF_INIT(sizeof err->msg);
        sl_text_add(&line, sl_str_cut(&rest, '\n'));
        (void)fprintf(stderr, "%s %s: %.*s\n", self->program, self->name,
                      SL_STR_FMT(sl_buf_str(&line)));
    }
    return status;
}

int sl_command_end(FILE *output, int status)
{
    bool was_said = ferror(output) != 0;
    if (fclose(output) == 0) {
        return status;
    }
    if (!was_said) {
        (void)fprintf(stderr, "sluice: cannot write to standard output: %s\n", strerror(errno));
    }
    return SL_EXIT_BAD;
}

int sl_command_print(struct sl_str text, struct sl_err *err)
{
    if (fwrite(text.p, 1, text.n, stdout) != text.n || fflush(stdout) != 0) {
        return sl_err_sys(err, errno, "cannot write to standard output");
    }
    return 0;
}
