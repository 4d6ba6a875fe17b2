/* What is logged between two calls: standard error goes to a file for as long. Not for tests whose
 * threads outlive the capture. */
#ifndef SL_TESTS_UNIT_RUN_LOG_CAPTURE_H
#define SL_TESTS_UNIT_RUN_LOG_CAPTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

struct log_capture {
    int standard_error, file;
};

static inline void log_capture_begin(struct log_capture *capture)
{
    capture->standard_error = dup(STDERR_FILENO);
    capture->file = memfd_create("log", MFD_CLOEXEC);
    assert_true(capture->standard_error >= 0 && capture->file >= 0);
    assert_int_equal(dup2(capture->file, STDERR_FILENO), STDERR_FILENO);
}

/* Appends what was logged. */
static inline void log_capture_end(struct log_capture *capture, struct sl_buf *out)
{
    char step[4096];
    off_t at = 0;
    assert_int_equal(dup2(capture->standard_error, STDERR_FILENO), STDERR_FILENO);
    for (;;) {
        ssize_t got = pread(capture->file, step, sizeof step, at);
        assert_true(got >= 0);
        if (got == 0) {
            break;
        }
        sl_buf_add(out, step, (size_t)got);
        at += got;
    }
    (void)close(capture->standard_error);
    (void)close(capture->file);
}

#endif
