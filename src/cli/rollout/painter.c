/* Pictures and lines on standard output (painter.h). */
#include "cli/rollout/painter.h"

#define DRAW_AGAIN SL_NS_PER_S            /* ages grow */
#define DRAW_SOONEST (100 * SL_NS_PER_MS) /* what changes faster nobody can read */
#define LINES_AGAIN (3600 * SL_NS_PER_S)  /* nothing grows in a line */

struct sl_painter sl_painter_open(bool watch, bool wide)
{
    bool in_place = watch && sl_terminal_movable();
    return (struct sl_painter){
        .style = {.colour = sl_terminal_colour(), .wide = wide},
        .lines = watch && !in_place,
        .in_place = in_place,
    };
}

int sl_painter_picture(struct sl_painter *painter, const struct sl_buf *picture, const char *wrong,
                       struct sl_err *err)
{
    if (!painter->in_place) {
        return sl_command_print(sl_buf_str(picture), err);
    }
    SL_AUTO(sl_buf) struct sl_buf whole = SL_BUF_INIT(SL_PICTURE_MAX);
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(2 * SL_PICTURE_MAX);
    sl_buf_addstr(&whole, sl_buf_str(picture));
    if (wrong[0] != '\0') {
        sl_buf_adds(&whole, "\nNo answer, trying again: ");
        sl_text_paint(&whole, sl_str_from(wrong), SL_RED, painter->style.colour);
        sl_buf_addc(&whole, '\n');
    }
    struct sl_terminal_size size = sl_terminal_size();
    if (painter->screen.lines > 0 &&
        (size.rows != painter->size.rows || size.columns != painter->size.columns)) {
        sl_screen_resized(&painter->screen, &out);
    }
    painter->size = size;
    sl_screen_draw(&painter->screen, sl_buf_str(&whole), size.rows, &out);
    return sl_command_print(sl_buf_str(&out), err);
}

int sl_painter_line(const struct sl_painter *painter, struct sl_str line, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_PICTURE_MAX);
    char date[SL_CLOCK_DATE_SIZE];
    sl_clock_date(painter->style.now / SL_NS_PER_S, date);
    sl_buf_addf(&out, "%s %.*s\n", date, SL_STR_FMT(line));
    return sl_command_print(sl_buf_str(&out), err);
}

int sl_painter_wait(const struct sl_painter *painter, struct sl_caches *caches, struct sl_err *err)
{
    int64_t now = sl_clock_mono();
    int64_t soonest = painter->in_place ? now + DRAW_SOONEST : now;
    int64_t until = now + (painter->in_place ? DRAW_AGAIN : LINES_AGAIN);
    return sl_caches_wait(caches, soonest, until) ? 0 : sl_caches_unread(err);
}
