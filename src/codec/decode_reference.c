/* The reference of a document, printed from the table that decodes it (decode.h). What stands there
 * without a '#' in front is what an empty document means; keys without a default, and what is
 * absent unless it is written, are commented out. The whole is YAML that decodes without a problem.
 */
#include <inttypes.h>
#include <string.h>

#include "codec/decode.h"
#include "codec/decode_scalar.h"
#include "codec/duration.h"

#define INDENT 2U
#define LINE_MAX_BYTES 90U /* comments are wrapped before it */

/* Where lines begin. */
struct margin {
    unsigned indent;     /* columns */
    bool commented;      /* every line is a comment: */
    unsigned comment_at; /* the column of its '#' */
};

static void print_range(const struct sl_decode_row *row, struct sl_buf *out);
static void print_names(const struct sl_decode_row *row, struct sl_buf *out);
static void print_durations(const struct sl_decode_row *row, struct sl_buf *out);
static void print_pods(const struct sl_decode_row *row, struct sl_buf *out);
static void print_elements(const struct sl_decode_row *row, struct sl_buf *out);

static const struct printer {
    const char *placeholder; /* what stands for a value that has no default */
    void (*rule)(const struct sl_decode_row *row, struct sl_buf *out); /* NULL: no rule to tell */
} printers[] = {
    [SL_D_STRING] = {"<string>", NULL},
    [SL_D_BOOL] = {"<true or false>", NULL},
    [SL_D_INT] = {"<number>", print_range},
    [SL_D_ENUM] = {"<word>", print_names},
    [SL_D_DURATION] = {"<duration>", print_durations},
    [SL_D_INTSTR] = {"<number or percentage>", print_pods},
    [SL_D_SELECTOR] = {"<label selector>", NULL},
    [SL_D_OBJECT] = {NULL, NULL},
    [SL_D_LIST] = {NULL, print_elements},
    [SL_D_STRINGS] = {"[<string>, …]", print_elements},
    [SL_D_ANY] = {"<any>", NULL},
    [SL_D_SKIP] = {"<any>", NULL},
};

static void print_range(const struct sl_decode_row *row, struct sl_buf *out)
{
    if (!sl_decode_has_rule(row)) {
        return;
    }
    if (row->max == INT64_MAX) {
        sl_buf_addf(out, "at least %" PRId64, row->min);
    } else {
        sl_buf_addf(out, "%" PRId64 " to %" PRId64, row->min, row->max);
    }
}

static void print_names(const struct sl_decode_row *row, struct sl_buf *out)
{
    for (size_t i = 0; row->names[i] != NULL; i++) {
        sl_buf_addf(out, "%s%s", i == 0 ? "one of " : ", ", row->names[i]);
    }
}

static void print_durations(const struct sl_decode_row *row, struct sl_buf *out)
{
    if (!sl_decode_has_rule(row)) {
        return;
    }
    bool open = row->max == INT64_MAX;
    sl_buf_adds(out, open ? "at least " : "");
    sl_duration_write(row->min, out);
    if (!open) {
        sl_buf_adds(out, " to ");
        sl_duration_write(row->max, out);
    }
}

static void print_pods(const struct sl_decode_row *row, struct sl_buf *out)
{
    print_range(row, out);
    sl_buf_adds(out, sl_decode_has_rule(row) ? ", or 0% to 100%" : "a number, or 0% to 100%");
}

static void print_elements(const struct sl_decode_row *row, struct sl_buf *out)
{
    print_range(row, out);
    if (sl_decode_has_rule(row)) {
        sl_buf_adds(out, row->min == 1 && row->max == INT64_MAX ? " element" : " elements");
    }
}

static void begin_line(struct margin margin, struct sl_buf *out)
{
    unsigned before = margin.commented ? margin.comment_at : margin.indent;
    sl_buf_addf(out, "%*s", (int)before, "");
    if (margin.commented) {
        sl_buf_addf(out, "#%*s", (int)(margin.indent - margin.comment_at), "");
    }
}

static void print_wrapped(struct sl_str text, struct margin margin, struct sl_buf *out)
{
    size_t column = 0; /* no line was begun yet */
    while (text.n > 0) {
        struct sl_str word = sl_str_cut(&text, ' ');
        if (column == 0 || column + 1 + word.n > LINE_MAX_BYTES) {
            sl_buf_adds(out, column == 0 ? "" : "\n");
            begin_line(margin, out);
            sl_buf_addc(out, '#');
            column = margin.indent + 1;
        }
        sl_buf_addc(out, ' ');
        sl_buf_addstr(out, word);
        column += 1 + word.n;
    }
    sl_buf_addc(out, '\n');
}

/* "How long a pod waits. Seconds, 0 to 3600. Required." */
static void print_doc(const struct sl_decode_row *row, struct margin margin, struct sl_buf *out)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB * 4);
    SL_AUTO(sl_buf) struct sl_buf rule = SL_BUF_INIT(SL_KIB);
    sl_buf_adds(&text, row->doc);
    if (printers[row->type].rule != NULL) {
        printers[row->type].rule(row, &rule);
    }
    if (rule.len > 0) {
        bool ended = sl_str_ends(sl_buf_str(&text), SL_STR("."));
        if (ended && rule.data[0] >= 'a' && rule.data[0] <= 'z') {
            rule.data[0] = (char)(rule.data[0] - 'a' + 'A');
        }
        sl_buf_addf(&text, "%s%s", ended ? " " : ", ", rule.data);
    }
    if (!sl_str_ends(sl_buf_str(&text), SL_STR("."))) {
        sl_buf_addc(&text, '.');
    }
    if (row->required) {
        sl_buf_adds(&text, " Required.");
    }
    print_wrapped(sl_buf_str(&text), margin, out);
}

static void print_value(const struct sl_decode_row *row, struct sl_buf *out)
{
    if (row->fallback == NULL) {
        sl_buf_adds(out, printers[row->type].placeholder);
    } else if (row->type == SL_D_STRING) { /* quoted: it may look like another type */
        sl_buf_addc(out, '"');
        sl_buf_add_json(out, sl_str_from(row->fallback));
        sl_buf_addc(out, '"');
    } else {
        sl_buf_adds(out, row->fallback);
    }
}

static bool is_written_out(const struct sl_decode_row *row)
{
    if (row->type == SL_D_OBJECT) { /* where presence counts, it is not there by itself */
        return row->present == SL_DECODE_NO_PRESENT;
    }
    return row->fallback != NULL;
}

static void print_rows(const struct sl_decode_row *rows, struct margin margin, struct sl_buf *out)
{
    for (const struct sl_decode_row *row = rows; row->key != NULL; row++) {
        print_doc(row, margin, out);
        struct margin line = margin;
        if (!line.commented && !is_written_out(row)) {
            line.commented = true;
            line.comment_at = line.indent;
        }
        begin_line(line, out);
        sl_buf_addf(out, "%s:", row->key);
        if (row->rows == NULL) {
            sl_buf_addc(out, ' ');
            print_value(row, out);
        }
        sl_buf_addc(out, '\n');
        line.indent += INDENT;
        if (row->type == SL_D_LIST) {
            begin_line(line, out);
            sl_buf_adds(out, "-\n");
            line.indent += INDENT;
        }
        if (row->rows != NULL) {
            print_rows(row->rows, line, out);
        }
    }
}

void sl_decode_reference(const struct sl_decode_row *rows, unsigned indent, struct sl_buf *out)
{
    print_rows(rows, (struct margin){.indent = indent}, out);
}
