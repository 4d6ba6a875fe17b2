/* Terminals (terminal.h). The sequences are those of ECMA-48 and DEC's private modes, which every
 * terminal of today reads. */
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CURSOR_UP "\033[%uA"
#define CLEAR_LINE_REST "\033[K"
#define CLEAR_BELOW "\033[J"
#define CLEAR_ALL "\033[H\033[2J"
/* Auto-wrap is off and the cursor is hidden for no longer than a picture is drawn: however the
 * process ends, the terminal is as it was. */
#define BEGIN "\033[?25l\033[?7l\r"
#define END "\033[?7h\033[?25h"

bool sl_terminal_movable(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) == 1 && (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

bool sl_terminal_colour(void)
{
    const char *no_colour = getenv("NO_COLOR"); /* any value but the empty one */
    return sl_terminal_movable() && (no_colour == NULL || no_colour[0] == '\0');
}

struct sl_terminal_size sl_terminal_size(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0) {
        return (struct sl_terminal_size){.rows = 24, .columns = 80};
    }
    return (struct sl_terminal_size){.rows = size.ws_row, .columns = size.ws_col};
}

static unsigned count_lines(struct sl_str picture)
{
    unsigned lines = 0;
    for (size_t i = 0; i < picture.n; i++) {
        lines += picture.p[i] == '\n' ? 1 : 0;
    }
    return lines;
}

void sl_screen_draw(struct sl_screen *screen, struct sl_str picture, unsigned rows,
                    struct sl_buf *out)
{
    unsigned lines = count_lines(picture);
    unsigned room = rows > 2 ? rows - 1 : 1; /* the cursor stands in a line of its own */
    unsigned shown = lines > room ? room - 1 : lines;
    sl_buf_adds(out, BEGIN);
    if (screen->lines > 0) {
        sl_buf_addf(out, CURSOR_UP, screen->lines);
    }
    for (unsigned i = 0; i < shown; i++) {
        sl_buf_addstr(out, sl_str_cut(&picture, '\n'));
        sl_buf_adds(out, CLEAR_LINE_REST "\n");
    }
    if (shown < lines) {
        sl_buf_addf(out, "... %u more lines" CLEAR_LINE_REST "\n", lines - shown);
        shown++;
    }
    sl_buf_adds(out, CLEAR_BELOW END);
    screen->lines = shown;
}

void sl_screen_resized(struct sl_screen *screen, struct sl_buf *out)
{
    sl_buf_adds(out, CLEAR_ALL);
    screen->lines = 0;
}
