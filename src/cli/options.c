/* The option table over getopt_long (options.h): main.c parses every command's line with it. */
#include "cli/options.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>

#define HELP_COLUMN 26         /* where the explanations begin */
#define FIRST_LONG_VALUE 0x100 /* above every letter */

static const struct sl_option help_row = {
    .name = "help", .letter = 'h', .type = SL_O_FLAG, .help = "print this help and exit"};

static size_t count_rows(const struct sl_option *rows)
{
    size_t count = 0;
    while (rows[count].name != NULL) {
        count++;
    }
    assert(count <= SL_OPTIONS_MAX);
    return count;
}

/* The tables that getopt_long wants: row i is FIRST_LONG_VALUE + i, --help the one after the last.
 */
struct getopt_tables {
    struct option longs[SL_OPTIONS_MAX + 2];
    char shorts[2 * SL_OPTIONS_MAX + 8];
};

static void make_tables(const struct sl_option *rows, size_t count, struct getopt_tables *tables)
{
    size_t used = 0;
    tables->shorts[used++] = ':'; /* a missing value is told apart from an unknown option */
    for (size_t i = 0; i <= count; i++) {
        const struct sl_option *row = i < count ? &rows[i] : &help_row;
        int argument = row->type == SL_O_FLAG ? no_argument : required_argument;
        tables->longs[i] = (struct option){
            .name = row->name, .has_arg = argument, .val = FIRST_LONG_VALUE + (int)i};
        if (row->letter != 0) {
            tables->shorts[used++] = row->letter;
            if (argument == required_argument) {
                tables->shorts[used++] = ':';
            }
        }
    }
    tables->longs[count + 1] = (struct option){0};
    tables->shorts[used] = '\0';
}

/* The row that getopt_long's return value or optopt stands for; `count` is --help, beyond: none. */
static size_t row_of(const struct sl_option *rows, size_t count, int code)
{
    if (code >= FIRST_LONG_VALUE) {
        return (size_t)(code - FIRST_LONG_VALUE);
    }
    if (code == help_row.letter) {
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        if (code != 0 && rows[i].letter == code) {
            return i;
        }
    }
    return count + 1;
}

static int store_word(const struct sl_option *row, const char *text, int *ret_index,
                      struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf known = SL_BUF_INIT(SL_KIB);
    for (int i = 0; row->words[i] != NULL; i++) {
        if (strcmp(row->words[i], text) == 0) {
            *ret_index = i;
            return 0;
        }
        sl_buf_addf(&known, "%s%s", i == 0 ? "" : ", ", row->words[i]);
    }
    return sl_err_set(err, SL_ERR_INVALID, "--%s must be one of %s, not '%s'", row->name,
                      sl_buf_str(&known).p, text);
}

static int store_int(const struct sl_option *row, const char *text, int *ret_number,
                     struct sl_err *err)
{
    char *end = NULL;
    long long number = strtoll(text, &end, 10); /* clamps where no int reaches */
    if (end == text || *end != '\0' || number < row->min || number > row->max) {
        return sl_err_set(err, SL_ERR_INVALID, "--%s must be a number from %d to %d, not '%s'",
                          row->name, row->min, row->max, text);
    }
    *ret_number = (int)number;
    return 0;
}

static void store_text(struct sl_texts *texts, const char *text, int argc, struct sl_arena *arena)
{
    if (texts->items == NULL) { /* a line of argc words cannot give more */
        texts->items = sl_arena_zalloc(arena, (size_t)argc, sizeof *texts->items);
    }
    texts->items[texts->count++] = text;
}

static int store(const struct sl_option *row, const char *text, int argc, struct sl_arena *arena,
                 void *values, struct sl_err *err)
{
    void *at = (char *)values + row->at;
    switch (row->type) {
    case SL_O_FLAG:
        *(bool *)at = true;
        return 0;
    case SL_O_TEXT:
        *(const char **)at = text;
        return 0;
    case SL_O_TEXTS:
        store_text(at, text, argc, arena);
        return 0;
    case SL_O_WORD:
        return store_word(row, text, at, err);
    case SL_O_INT:
        return store_int(row, text, at, err);
    }
    return 0;
}

static void store_fallbacks(const struct sl_option *rows, size_t count, void *values)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].type == SL_O_WORD || rows[i].type == SL_O_INT) {
            *(int *)((char *)values + rows[i].at) = rows[i].fallback;
        }
    }
}

/* Why getopt_long stopped at a word of the line. */
static int refuse(const struct sl_option *rows, size_t count, int code, const char *word,
                  struct sl_err *err)
{
    size_t row = row_of(rows, count, optopt);
    const char *name = row < count ? rows[row].name : help_row.name;
    if (code == ':') {
        return sl_err_set(err, SL_ERR_INVALID, "--%s wants a value", name);
    }
    if (row <= count) { /* --flag=value */
        return sl_err_set(err, SL_ERR_INVALID, "--%s takes no value", name);
    }
    if (optopt != 0) {
        return sl_err_set(err, SL_ERR_INVALID, "there is no option -%c", optopt);
    }
    return sl_err_set(err, SL_ERR_INVALID, "there is no option %s, or it could be several", word);
}

int sl_options_parse(const struct sl_option *rows, int argc, char **argv, struct sl_arena *arena,
                     void *values, struct sl_operands *ret_operands, bool *ret_help,
                     struct sl_err *err)
{
    size_t count = count_rows(rows);
    struct getopt_tables tables;
    make_tables(rows, count, &tables);
    store_fallbacks(rows, count, values);
    optind = 0; /* glibc: forget the line before */
    opterr = 0;
    for (;;) {
        int code = getopt_long(argc, argv, tables.shorts, tables.longs, NULL);
        if (code == -1) {
            break;
        }
        if (code == '?' || code == ':') {
            return refuse(rows, count, code, argv[optind - 1], err);
        }
        size_t row = row_of(rows, count, code);
        if (row == count) {
            *ret_help = true;
            return 0;
        }
        if (store(&rows[row], optarg, argc, arena, values, err) < 0) {
            return -1;
        }
    }
    *ret_operands = (struct sl_operands){.items = argv + optind, .count = (size_t)(argc - optind)};
    *ret_help = false;
    return 0;
}

static void add_row(const struct sl_option *row, struct sl_buf *out)
{
    size_t start = out->len;
    if (row->letter == 0) {
        sl_buf_addf(out, "      --%s", row->name);
    } else {
        sl_buf_addf(out, "  -%c, --%s", row->letter, row->name);
    }
    if (row->value != NULL) {
        sl_buf_addf(out, " %s", row->value);
    }
    size_t width = out->len - start;
    if (width + 2 > HELP_COLUMN) {
        sl_buf_addc(out, '\n');
        width = 0;
    }
    struct sl_str rest = sl_str_from(row->help);
    while (rest.p != NULL) {
        struct sl_str line = sl_str_cut(&rest, '\n');
        sl_buf_addf(out, "%*s%.*s\n", (int)(HELP_COLUMN - width), "", SL_STR_FMT(line));
        width = 0;
    }
}

void sl_options_help(const struct sl_option *rows, struct sl_buf *out)
{
    sl_buf_adds(out, "Options:\n");
    for (size_t i = 0; i < count_rows(rows); i++) {
        add_row(&rows[i], out);
    }
    add_row(&help_row, out);
}
