/* Options of a command from one table, which is also what --help prints.
 *
 * Accepted: -x, -xVALUE, -x VALUE, --name VALUE, --name=VALUE, an unambiguous beginning of a name,
 * options after operands, and "--" before operands (getopt_long). Every table has -h, --help
 * without saying so.
 *
 * Texts that are stored point into argv. Not thread-safe: getopt_long has global state.
 */
#ifndef SL_CLI_OPTIONS_H
#define SL_CLI_OPTIONS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum sl_option_type {
    SL_O_FLAG,  /* bool */
    SL_O_TEXT,  /* const char *; the last one given counts */
    SL_O_TEXTS, /* struct sl_texts: each one given */
    SL_O_WORD,  /* int: index into `words` */
    SL_O_INT,   /* int, min..max */
};

struct sl_texts {
    const char **items; /* in the arena */
    size_t count;
};

/* One option. A table ends with a row whose name is NULL. */
struct sl_option {
    const char *name; /* without dashes */
    char letter;      /* 0: none */
    enum sl_option_type type;
    size_t at;                /* offset in the struct of values */
    const char *value;        /* what --help calls the value: "FILE"; NULL for a FLAG */
    const char *const *words; /* WORD: what may be given, NULL at the end */
    int fallback;             /* WORD, INT: where the option is not given */
    int min, max;             /* INT */
    const char *help;         /* one clause; "\n" continues it on the next line */
};

#define SL_OPTIONS_MAX 24 /* rows of one table, asserted */

struct sl_operands {
    char **items; /* what is left of argv */
    size_t count;
};

/* Fills the struct at `values`, which must be zero, from argv[1..argc); argv is permuted so that
 * operands come last. *ret_help: --help was among the options; then nothing else matters. Errors:
 * INVALID, one sentence that names the option. */
SL_MUST_USE int sl_options_parse(const struct sl_option *rows, int argc, char **argv,
                                 struct sl_arena *arena, void *values,
                                 struct sl_operands *ret_operands, bool *ret_help,
                                 struct sl_err *err);

/* Appends one paragraph a row, for --help. */
void sl_options_help(const struct sl_option *rows, struct sl_buf *out);

#endif
