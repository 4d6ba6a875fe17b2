/* The command table of the binary: finds the row that the first words of the line name, parses the
 * rest by the row's options, and runs it. Under the name kubectl-sluice the binary is a plugin of
 * kubectl: `kubectl sluice get web` is `sluice rollout get web`. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

#define HELP_MAX (64 * SL_KIB)

/* As what the binary was called. */
struct face {
    const char *program; /* as people type it */
    struct sl_str group; /* the group of commands whose name need not be said; empty: none */
};

static const struct face sluice = {.program = "sluice", .group = SL_STR_INIT("")};
static const struct face plugin = {.program = "kubectl sluice", .group = SL_STR_INIT("rollout ")};
static const struct face *face = &sluice; /* set once, by main() */

static const struct sl_option no_options[] = {{0}};

static int run_help(const struct sl_command *self, const void *values, struct sl_operands operands);

static const struct sl_command cmd_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .max_operands = 2,
    .summary = "Print what a command does and its options",
    .options = no_options,
    .run = run_help,
};

static const struct sl_command *const commands[] = {
    &sl_cmd_review,
    &sl_cmd_webhook,
    &sl_cmd_reconciler,
    &sl_cmd_certs_issue,
    &sl_cmd_certs_check,
    &sl_cmd_rollout_get,
    &sl_cmd_rollout_list,
    &sl_cmd_rollout_confirm,
    &sl_cmd_rollout_pause,
    &sl_cmd_rollout_resume,
    &sl_cmd_rollout_promote,
    &sl_cmd_rollout_abort,
    &sl_cmd_rollout_retry,
    &sl_cmd_rollout_undo,
    &sl_cmd_rollout_history,
    &sl_cmd_rollout_plan,
    &sl_cmd_rollout_wait,
    &sl_cmd_rollout_traffic,
    &sl_cmd_uninstall,
    &sl_cmd_version,
    &cmd_help,
    NULL,
};

/* The row's name under the face that the binary has. */
static const char *name_of(const struct sl_command *command)
{
    bool implied = sl_str_starts(sl_str_from(command->name), face->group);
    return command->name + (implied ? face->group.n : 0);
}

/* How many of the words make up the whole name; 0: they do not. */
static size_t words_matched(const char *name, char *const *words, size_t count)
{
    struct sl_str rest = sl_str_from(name);
    size_t matched = 0;
    while (rest.p != NULL) {
        struct sl_str word = sl_str_cut(&rest, ' ');
        if (matched == count || !sl_str_is(word, words[matched])) {
            return 0;
        }
        matched++;
    }
    return matched;
}

static const struct sl_command *find_command(char *const *words, size_t count, size_t *ret_matched)
{
    for (const struct sl_command *const *row = commands; *row != NULL; row++) {
        size_t matched = words_matched(name_of(*row), words, count);
        if (matched == 0 && (*row)->alias != NULL) {
            matched = words_matched((*row)->alias, words, count);
        }
        if (matched > 0) {
            *ret_matched = matched;
            return *row;
        }
    }
    return NULL;
}

/* Whether `word` alone stands for several commands, as "certs" does. */
static bool is_group(const char *word)
{
    size_t length = strlen(word);
    for (const struct sl_command *const *row = commands; *row != NULL; row++) {
        const char *name = name_of(*row);
        if (strncmp(name, word, length) == 0 && name[length] == ' ') {
            return true;
        }
    }
    return false;
}

/* The list of commands: all of them, or those of one group. */
static void add_overview(const char *group, struct sl_buf *out)
{
    size_t length = group == NULL ? 0 : strlen(group);
    sl_buf_addf(out, "Usage: %s %s%sCOMMAND [OPTION]...\n\n", face->program,
                group == NULL ? "" : group, group == NULL ? "" : " ");
    if (group == NULL) {
        sl_buf_adds(out, "Upgrades Kubernetes workloads without dropping a request.\n\n");
    }
    sl_buf_adds(out, "Commands:\n");
    for (const struct sl_command *const *row = commands; *row != NULL; row++) {
        const char *name = name_of(*row);
        if (strncmp(name, group == NULL ? "" : group, length) == 0) {
            sl_buf_addf(out, "  %-17s%s\n", name, (*row)->summary);
        }
    }
    sl_buf_addf(out, "\n'%s COMMAND --help' explains a command; sluice(1) is the manual.\n",
                face->program);
}

static void add_help(const struct sl_command *command, struct sl_buf *out)
{
    sl_buf_addf(out, "Usage: %s %s [OPTION]...%s%s\n\n%s.\n", face->program, name_of(command),
                command->operands[0] == '\0' ? "" : " ", command->operands, command->summary);
    if (command->details != NULL) {
        sl_buf_adds(out, command->details);
    }
    sl_buf_addc(out, '\n');
    sl_options_help(command->options, out);
}

static int print(const struct sl_command *self, const struct sl_buf *text)
{
    struct sl_err err = SL_ERR_INIT;
    if (sl_command_print(sl_buf_str(text), &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

static int run_help(const struct sl_command *self, const void *values, struct sl_operands operands)
{
    (void)values;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(HELP_MAX);
    size_t matched = 0;
    const struct sl_command *command = find_command(operands.items, operands.count, &matched);
    if (operands.count == 0) {
        add_overview(NULL, &text);
    } else if (command != NULL && matched == operands.count) {
        add_help(command, &text);
    } else if (operands.count == 1 && is_group(operands.items[0])) {
        add_overview(operands.items[0], &text);
    } else {
        return sl_command_misused(self, "there is no command '%s%s%s'", operands.items[0],
                                  operands.count > 1 ? " " : "",
                                  operands.count > 1 ? operands.items[1] : "");
    }
    return print(self, &text);
}

/* The row as it was called. */
static struct sl_command called(const struct sl_command *row)
{
    struct sl_command command = *row;
    command.program = face->program;
    command.name = name_of(row);
    return command;
}

static int call(const struct sl_command *row, struct sl_operands operands)
{
    struct sl_command command = called(row);
    return row->run(&command, NULL, operands);
}

/* argv[0] is the command's last word. */
static int run(const struct sl_command *command, int argc, char **argv)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_operands operands = {0};
    struct sl_err err = SL_ERR_INIT;
    bool help = false;
    void *values = sl_arena_zalloc(&arena, 1, command->values_size);
    if (sl_options_parse(command->options, argc, argv, &arena, values, &operands, &help, &err) <
        0) {
        return sl_command_misused(command, "%s", err.msg);
    }
    if (help) {
        SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(HELP_MAX);
        add_help(command, &text);
        return print(command, &text);
    }
    if (operands.count < command->min_operands) {
        return sl_command_misused(command, "%s is missing", command->operands);
    }
    if (operands.count > command->max_operands) {
        return sl_command_misused(command, "there is one word too many: '%s'",
                                  operands.items[command->max_operands]);
    }
    return command->run(command, values, operands);
}

static bool is_help_option(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* No row is named by the line: says so, and where to look. */
static int refuse(char *const *words, size_t count)
{
    const char *program = face->program;
    if (count == 0) {
        (void)fprintf(stderr, "%s: a command is missing\nTry '%s --help'.\n", program, program);
    } else if (!is_group(words[0])) {
        (void)fprintf(stderr, "%s: there is no command '%s'\nTry '%s --help'.\n", program, words[0],
                      program);
    } else if (count == 1) {
        (void)fprintf(stderr, "%s %s: a command is missing\nTry '%s %s --help'.\n", program,
                      words[0], program, words[0]);
    } else {
        (void)fprintf(stderr, "%s: there is no command '%s %s'\nTry '%s %s --help'.\n", program,
                      words[0], words[1], program, words[0]);
    }
    return SL_EXIT_BAD;
}

static int dispatch(int argc, char **argv)
{
    size_t matched = 0;
    char **words = argv + 1;
    size_t count = argc > 1 ? (size_t)argc - 1 : 0;
    const struct sl_command *command = find_command(words, count, &matched);
    if (command != NULL) {
        struct sl_command row = called(command);
        return run(&row, argc - (int)matched, argv + matched);
    }
    if (count > 0 && is_help_option(words[0])) {
        return call(&cmd_help, (struct sl_operands){0});
    }
    if (count == 2 && is_group(words[0]) && is_help_option(words[1])) {
        return call(&cmd_help, (struct sl_operands){.items = words, .count = 1});
    }
    if (count > 0 && strcmp(words[0], "--version") == 0) {
        return call(&sl_cmd_version, (struct sl_operands){0});
    }
    return refuse(words, count);
}

/* What is opened first would take the place of a standard stream that is closed, and be written to.
 * What stands in for it is opened the wrong way round: its use stays an error. */
static void fill_standard_fds(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) < 0) {
            return;
        }
    }
}

/* kubectl finds its plugins by the names of files: kubectl-sluice may be a link to this one. */
static bool is_plugin(const char *path)
{
    return strcmp(basename(path), "kubectl-sluice") == 0;
}

int main(int argc, char **argv)
{
    fill_standard_fds();
    face = argc > 0 && is_plugin(argv[0]) ? &plugin : &sluice;
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error that is said, not a death */
    return sl_command_end(stdout, dispatch(argc, argv));
}
