/* Harmless text (text.h). */
#include "cli/text.h"

#include "base/clock.h"

/* Seconds. */
#define SECOND INT64_C(1)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)

/* SGR sequences (ECMA-48). */
static const char *const styles[SL_STYLES] = {
    [SL_PLAIN] = "",         [SL_BOLD] = "\033[1m",    [SL_DIM] = "\033[2m",
    [SL_GREEN] = "\033[32m", [SL_YELLOW] = "\033[33m", [SL_RED] = "\033[31m",
};

/* The bytes of the character that `text` begins with; *ret_shown: it may be shown as it is. */
static size_t next(struct sl_str text, bool *ret_shown)
{
    size_t length = sl_utf8_length(text.p, text.n);
    unsigned char first = (unsigned char)text.p[0];
    bool c1 = length == 2 && first == 0xc2 && (unsigned char)text.p[1] < 0xa0;
    *ret_shown = length > 0 && first >= ' ' && first != 0x7f && !c1;
    return length == 0 ? 1 : length;
}

void sl_text_add(struct sl_buf *out, struct sl_str text)
{
    while (text.n > 0) {
        bool shown = false;
        size_t length = next(text, &shown);
        sl_buf_add(out, shown ? text.p : "?", shown ? length : 1);
        text.p += length;
        text.n -= length;
    }
}

size_t sl_text_width(struct sl_str text)
{
    size_t width = 0;
    while (text.n > 0) {
        bool shown = false;
        size_t length = next(text, &shown);
        text.p += length;
        text.n -= length;
        width++;
    }
    return width;
}

void sl_text_age(struct sl_buf *out, int64_t ns)
{
    static const struct {
        int64_t below, unit, rest_unit; /* seconds; rest_unit 0: whole units alone */
        const char *name, *rest_name;
    } rows[] = {
        {2 * MINUTE, SECOND, 0, "s", ""}, {10 * MINUTE, MINUTE, SECOND, "m", "s"},
        {3 * HOUR, MINUTE, 0, "m", ""},   {8 * HOUR, HOUR, MINUTE, "h", "m"},
        {2 * DAY, HOUR, 0, "h", ""},      {8 * DAY, DAY, HOUR, "d", "h"},
        {2 * YEAR, DAY, 0, "d", ""},      {8 * YEAR, YEAR, DAY, "y", "d"},
        {INT64_MAX, YEAR, 0, "y", ""},
    };
    int64_t seconds = ns < 0 ? 0 : ns / SL_NS_PER_S; /* clocks may differ by some */
    size_t row = 0;
    while (seconds >= rows[row].below) {
        row++;
    }
    sl_buf_addf(out, "%lld%s", (long long)(seconds / rows[row].unit), rows[row].name);
    int64_t rest = rows[row].rest_unit == 0 ? 0 : seconds % rows[row].unit / rows[row].rest_unit;
    if (rest > 0) {
        sl_buf_addf(out, "%lld%s", (long long)rest, rows[row].rest_name);
    }
}

void sl_text_paint(struct sl_buf *out, struct sl_str text, enum sl_style style, bool colour)
{
    bool painted = colour && style != SL_PLAIN;
    sl_buf_adds(out, painted ? styles[style] : "");
    sl_text_add(out, text);
    sl_buf_adds(out, painted ? "\033[0m" : "");
}
