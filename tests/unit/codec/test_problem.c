/* Problems: field paths as Kubernetes writes them, quoting, and the cap. */
#include "codec/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void field_paths_read_as_in_kubernetes(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_field spec = SL_FIELD(NULL, "spec");
    struct sl_field batches = SL_FIELD(&spec, "rolloutBatches");
    struct sl_field second = SL_FIELD_AT(&batches, 1);
    struct sl_field replicas = SL_FIELD(&second, "replicas");
    struct sl_field nested = SL_FIELD_AT(&second, 0);
    struct sl_field root_element = SL_FIELD_AT(NULL, 3);
    struct sl_field dotted = SL_FIELD(&spec, "sluice.dev/held");
    struct sl_field slash = SL_FIELD(&spec, "a/b");
    struct sl_field under_dotted = SL_FIELD(&dotted, "op");
    struct sl_field empty = SL_FIELD(&spec, "");
    const struct {
        const struct sl_field *at;
        const char *path;
    } rows[] = {
        {NULL, ""},
        {&spec, "spec"},
        {&second, "spec.rolloutBatches[1]"},
        {&replicas, "spec.rolloutBatches[1].replicas"},
        {&nested, "spec.rolloutBatches[1][0]"},
        {&root_element, "[3]"},
        {&dotted, "spec[sluice.dev/held]"},
        {&slash, "spec[a/b]"},
        {&under_dotted, "spec[sluice.dev/held].op"},
        {&empty, "spec[]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(sl_field_path(&arena, rows[i].at), rows[i].path);
    }
}

static void problems_are_written_in_one_line(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    sl_problems_write(&problems, &out);
    assert_int_equal(out.len, 0);

    struct sl_field port = SL_FIELD(NULL, "port");
    sl_problem_add(&problems, NULL, "must be %s", "an object");
    sl_problem_add(&problems, &port, "is required");
    sl_problems_write(&problems, &out);
    assert_string_equal(out.data, "must be an object; port: is required");
}

static void problems_beyond_the_cap_are_counted(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_MIB);
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    for (int i = 0; i < SL_PROBLEMS_MAX + 3; i++) {
        sl_problem_add(&problems, NULL, "problem %d", i);
    }
    assert_int_equal(problems.count, SL_PROBLEMS_MAX + 3);
    sl_problems_write(&problems, &out);
    assert_non_null(strstr(out.data, "problem 31 (and 3 more)"));
    assert_null(strstr(out.data, "problem 32"));
}

static void long_texts_are_formatted_whole(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    sl_problem_add(&problems, NULL, "%05000d", 7);
    assert_int_equal(strlen(problems.items[0].text), 5000);
}

static void the_documents_own_text_is_quoted_and_cut(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    const struct {
        struct sl_str text;
        const char *quoted;
    } rows[] = {
        {SL_STR_INIT("Hold"), "\"Hold\""},
        {SL_STR_INIT(""), "\"\""},
        {SL_STR_INIT("a\"b\x1b[0m\n"), "\"a\\\"b\\u001b[0m\\n\""},
        {SL_STR_INIT("\xff"), "\"\\ufffd\""},
        {SL_STR_INIT("0123456789012345678901234567890123456789012345678901234567890123"),
         "\"0123456789012345678901234567890123456789012345678901234567890123\""},
        {SL_STR_INIT("01234567890123456789012345678901234567890123456789012345678901234"),
         "\"0123456789012345678901234567890123456789012345678901234567890123…\""},
        {SL_STR_INIT("012345678901234567890123456789012345678901234567890123456789012é"),
         "\"012345678901234567890123456789012345678901234567890123456789012…\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(sl_problem_quote(&problems, rows[i].text), rows[i].quoted);
    }
    /* Nothing but escapes, as long as it can get. */
    char controls[200];
    memset(controls, 1, sizeof controls);
    const char *quoted = sl_problem_quote(&problems, (struct sl_str){controls, sizeof controls});
    assert_int_equal(strlen(quoted), strlen("\"…\"") + 384 /* 64 of \u0001 */);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(field_paths_read_as_in_kubernetes),
        cmocka_unit_test(problems_are_written_in_one_line),
        cmocka_unit_test(problems_beyond_the_cap_are_counted),
        cmocka_unit_test(long_texts_are_formatted_whole),
        cmocka_unit_test(the_documents_own_text_is_quoted_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
