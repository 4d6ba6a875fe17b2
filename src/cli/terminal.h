/* The terminal behind standard output: whether it wants colours, and a picture that is redrawn
 * where it stands. */
#ifndef SL_CLI_TERMINAL_H
#define SL_CLI_TERMINAL_H

#include "base/buf.h"
#include "base/err.h"

/* Standard output is a terminal, and neither NO_COLOR (no-color.org) nor TERM=dumb is against it.
 */
bool sl_terminal_colour(void);

/* Standard output is a terminal that can move its cursor. */
bool sl_terminal_movable(void);

struct sl_terminal_size {
    unsigned rows, columns;
};
struct sl_terminal_size sl_terminal_size(void); /* 24 x 80 where it does not say */

/* A picture on the screen: each one takes the place of the one before, in one write and without
 * clearing anything first, so that nothing flickers. Lines longer than the screen is wide are cut
 * by the terminal, a picture higher than it is by us. All zero is a picture not drawn yet. */
struct sl_screen {
    unsigned lines; /* of the picture that stands there; the cursor is in the line below it */
};

/* Appends what draws `picture` (lines, each with its end) to `out`. Pure. */
void sl_screen_draw(struct sl_screen *screen, struct sl_str picture, unsigned rows,
                    struct sl_buf *out);

/* The terminal has another size: what stands there is no longer where it was. Appends what clears
 * it. */
void sl_screen_resized(struct sl_screen *screen, struct sl_buf *out);

#endif
