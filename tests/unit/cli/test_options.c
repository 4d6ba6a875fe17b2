/* The option table: what a line is read as, what is refused and how, and that --help names every
 * row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/options.h"

#define WORDS_MAX 12

struct values {
    bool dry;
    const char *old;
    struct sl_texts files;
    int form, days;
};

static const char *const forms[] = {"text", "patch", NULL};

static const struct sl_option rows[] = {
    {.name = "dry-run",
     .letter = 'n',
     .type = SL_O_FLAG,
     .at = offsetof(struct values, dry),
     .help = "change nothing"},
    {.name = "old",
     .type = SL_O_TEXT,
     .at = offsetof(struct values, old),
     .value = "FILE",
     .help = "what was there"},
    {.name = "file",
     .letter = 'f',
     .type = SL_O_TEXTS,
     .at = offsetof(struct values, files),
     .value = "FILE",
     .help = "what is there;\nmay be repeated"},
    {.name = "output",
     .letter = 'o',
     .type = SL_O_WORD,
     .at = offsetof(struct values, form),
     .value = "FORM",
     .words = forms,
     .fallback = -1,
     .help = "text or patch"},
    {.name = "a-name-as-long-as-this-one",
     .type = SL_O_INT,
     .at = offsetof(struct values, days),
     .value = "N",
     .fallback = 365,
     .min = 1,
     .max = 3650,
     .help = "days"},
    {0},
};

struct line {
    struct sl_arena arena;
    char *argv[WORDS_MAX + 1];
    struct values values;
    struct sl_operands operands;
    bool help;
    struct sl_err err;
};

static void line_cleanup(struct line *line)
{
    sl_arena_cleanup(&line->arena);
}

static char *copy(struct line *line, const char *word)
{
    size_t size = strlen(word) + 1;
    return memcpy(sl_arena_alloc(&line->arena, size), word, size);
}

static int parse(struct line *line, const char *const *words)
{
    int argc = 1;
    line->argv[0] = copy(line, "command");
    for (; words[argc - 1] != NULL; argc++) {
        assert_true(argc < WORDS_MAX);
        line->argv[argc] = copy(line, words[argc - 1]);
    }
    return sl_options_parse(rows, argc, line->argv, &line->arena, &line->values, &line->operands,
                            &line->help, &line->err);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void reads_every_spelling_of_an_option(void **state)
{
    (void)state;
    const char *const *const spellings[] = {
        WORDS("-n", "-f", "a", "-fb", "-o", "patch", "--old", "x"),
        WORDS("-nfa", "--file=b", "--output=patch", "--old=x"),
        WORDS("--dry-run", "--file", "a", "-f", "b", "--out=patch", "--old=x"),
    };
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        SL_AUTO(line) struct line line = {0};
        assert_int_equal(parse(&line, spellings[i]), 0);
        assert_true(line.values.dry);
        assert_string_equal(line.values.old, "x");
        assert_int_equal(line.values.files.count, 2);
        assert_string_equal(line.values.files.items[0], "a");
        assert_string_equal(line.values.files.items[1], "b");
        assert_int_equal(line.values.form, 1);
        assert_int_equal(line.operands.count, 0);
    }
}

static void gives_the_fallback_where_nothing_is_said(void **state)
{
    (void)state;
    SL_AUTO(line) struct line line = {0};
    assert_int_equal(parse(&line, (const char *const[]){NULL}), 0);
    assert_false(line.values.dry);
    assert_null(line.values.old);
    assert_int_equal(line.values.files.count, 0);
    assert_int_equal(line.values.form, -1);
    assert_int_equal(line.values.days, 365);
    assert_false(line.help);
}

static void takes_the_last_of_a_text_given_twice(void **state)
{
    (void)state;
    SL_AUTO(line) struct line line = {0};
    assert_int_equal(parse(&line, WORDS("--old", "a", "--old", "b")), 0);
    assert_string_equal(line.values.old, "b");
}

static void leaves_operands_wherever_they_stand(void **state)
{
    (void)state;
    SL_AUTO(line) struct line line = {0};
    assert_int_equal(parse(&line, WORDS("one", "-n", "two", "--", "--old")), 0);
    assert_true(line.values.dry);
    assert_int_equal(line.operands.count, 3);
    assert_string_equal(line.operands.items[0], "one");
    assert_string_equal(line.operands.items[1], "two");
    assert_string_equal(line.operands.items[2], "--old");
}

static void finds_help_in_any_place(void **state)
{
    (void)state;
    const char *const *const lines[] = {WORDS("--help"), WORDS("-h"), WORDS("-n", "one", "--help"),
                                        WORDS("--old", "x", "-h", "--unknown")};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        SL_AUTO(line) struct line line = {0};
        assert_int_equal(parse(&line, lines[i]), 0);
        assert_true(line.help);
    }
}

static void refuses_with_a_sentence_that_names_the_option(void **state)
{
    (void)state;
    const struct {
        const char *const *words;
        const char *sentence;
    } cases[] = {
        {WORDS("--nope"), "there is no option --nope, or it could be several"},
        {WORDS("-n", "-x"), "there is no option -x"},
        {WORDS("--old"), "--old wants a value"},
        {WORDS("-f"), "--file wants a value"},
        {WORDS("--dry-run=yes"), "--dry-run takes no value"},
        {WORDS("--help=yes"), "--help takes no value"},
        {WORDS("-o", "yaml"), "--output must be one of text, patch, not 'yaml'"},
        {WORDS("--a-name=0"),
         "--a-name-as-long-as-this-one must be a number from 1 to 3650, not '0'"},
        {WORDS("--a-name=3651"),
         "--a-name-as-long-as-this-one must be a number from 1 to 3650, not '3651'"},
        {WORDS("--a-name=7d"),
         "--a-name-as-long-as-this-one must be a number from 1 to 3650, not '7d'"},
        {WORDS("--a-name="),
         "--a-name-as-long-as-this-one must be a number from 1 to 3650, not ''"},
        {WORDS("--a-name=99999999999999999999"),
         "--a-name-as-long-as-this-one must be a number from 1 to 3650, not "
         "'99999999999999999999'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SL_AUTO(line) struct line line = {0};
        assert_int_equal(parse(&line, cases[i].words), -1);
        assert_int_equal(line.err.kind, SL_ERR_INVALID);
        assert_string_equal(line.err.msg, cases[i].sentence);
    }
}

static void help_names_every_row_and_keeps_its_columns(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
    sl_options_help(rows, &text);
    assert_string_equal(sl_buf_str(&text).p,
                        "Options:\n"
                        "  -n, --dry-run           change nothing\n"
                        "      --old FILE          what was there\n"
                        "  -f, --file FILE         what is there;\n"
                        "                          may be repeated\n"
                        "  -o, --output FORM       text or patch\n"
                        "      --a-name-as-long-as-this-one N\n"
                        "                          days\n"
                        "  -h, --help              print this help and exit\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_spelling_of_an_option),
        cmocka_unit_test(gives_the_fallback_where_nothing_is_said),
        cmocka_unit_test(takes_the_last_of_a_text_given_twice),
        cmocka_unit_test(leaves_operands_wherever_they_stand),
        cmocka_unit_test(finds_help_in_any_place),
        cmocka_unit_test(refuses_with_a_sentence_that_names_the_option),
        cmocka_unit_test(help_names_every_row_and_keeps_its_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
