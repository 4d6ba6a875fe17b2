/* A command as a row: its name, options and operands, and the function that does it. main.c holds
 * the table of all rows, parses the line by it and prints --help from it.
 *
 * Exit status of every command: SL_EXIT_*. Results go to standard output, sentences about what is
 * wrong to standard error as "sluice COMMAND: sentence".
 */
#ifndef SL_CLI_COMMAND_H
#define SL_CLI_COMMAND_H

#include <stdio.h>

#include "cli/options.h"

#define SL_EXIT_YES 0 /* done; allowed; in order */
#define SL_EXIT_NO                                                                                 \
    1 /* the command works and its answer is no: denied, a certificate that is not valid */
#define SL_EXIT_BAD 2 /* bad usage or input, or a fault below us: there is no answer */

struct sl_command {
    const char *name;     /* "review", "certs issue" */
    const char *alias;    /* a name that it has as well; NULL: none */
    const char *program;  /* "sluice" or "kubectl sluice": set by main.c in what run() is given */
    const char *operands; /* as --help shows them: "DIR"; "" where none are taken */
    size_t min_operands, max_operands;
    const char *summary; /* one line */
    const char *details; /* further lines of --help, or NULL */
    const struct sl_option *options;
    size_t values_size; /* of the struct that `options` fill */
    /* Returns the exit status. `values` and `operands` live until it returns. */
    int (*run)(const struct sl_command *self, const void *values, struct sl_operands operands);
};

extern const struct sl_command sl_cmd_review, sl_cmd_webhook, sl_cmd_reconciler, sl_cmd_certs_issue,
    sl_cmd_certs_check, sl_cmd_uninstall, sl_cmd_version;
extern const struct sl_command sl_cmd_rollout_get, sl_cmd_rollout_list, sl_cmd_rollout_confirm,
    sl_cmd_rollout_pause, sl_cmd_rollout_resume, sl_cmd_rollout_promote, sl_cmd_rollout_abort,
    sl_cmd_rollout_retry, sl_cmd_rollout_undo, sl_cmd_rollout_history, sl_cmd_rollout_plan,
    sl_cmd_rollout_wait, sl_cmd_rollout_traffic;

/* Prints the sentence and a hint at --help; returns SL_EXIT_BAD. */
int sl_command_misused(const struct sl_command *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints the sentence, each of its lines as one of its own; returns `status`. */
int sl_command_failed(const struct sl_command *self, const struct sl_err *err, int status);

/* Writes to standard output and flushes, so that a full disk or a closed pipe is known at once.
 * Errors: INTERNAL. */
SL_MUST_USE int sl_command_print(struct sl_str text, struct sl_err *err);

/* Closes standard output and returns the exit status: `status`, or SL_EXIT_BAD where what was
 * written is lost only now, as on a network file system. What failed before was said before. */
SL_MUST_USE int sl_command_end(FILE *output, int status);

#endif
