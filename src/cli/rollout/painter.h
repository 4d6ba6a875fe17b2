/* How what is watched comes to standard output: pictures, redrawn in place on a terminal, or a line
 * for each change. One thread. */
#ifndef SL_CLI_ROLLOUT_PAINTER_H
#define SL_CLI_ROLLOUT_PAINTER_H

#include "cli/rollout/caches.h"
#include "cli/rollout/view.h"
#include "cli/terminal.h"

#define SL_PICTURE_MAX (8 * SL_MIB)

/* Not opaque so that it can stand on the stack. */
struct sl_painter {
    struct sl_view_style style;
    bool lines; /* a line per change, instead of pictures */
    bool in_place;
    struct sl_screen screen;
    struct sl_terminal_size size;
};

/* For standard output as it is. */
struct sl_painter sl_painter_open(bool watch, bool wide);

/* Prints a picture; in place, with why nothing is read any more below it ("": nothing). Errors:
 * those of sl_command_print(). */
SL_MUST_USE int sl_painter_picture(struct sl_painter *painter, const struct sl_buf *picture,
                                   const char *wrong, struct sl_err *err);

/* Prints one line with the time before it. */
SL_MUST_USE int sl_painter_line(const struct sl_painter *painter, struct sl_str line,
                                struct sl_err *err);

/* Waits until there is something to paint again. Errors: standard output is not read any more. */
SL_MUST_USE int sl_painter_wait(const struct sl_painter *painter, struct sl_caches *caches,
                                struct sl_err *err);

#endif
