/* json-c made strict: what is refused beyond jscan, and that nothing is lost on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above before it */
#include <cmocka.h>
#include <string.h>

#include "codec/jscan.h"
#include "codec/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct json_object *parse(const char *text)
{
    struct json_object *root = NULL;
    struct sl_err err = SL_ERR_INIT;
    if (sl_json_parse(sl_str_from(text), &root, &err) != 0) {
        fail_msg("%s: %s", text, err.msg);
    }
    return root;
}

static void a_document_is_rewritten_as_it_was(void **state)
{
    static const char *const texts[] = {
        "null",
        "true",
        "0",
        "-7",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "1.50",
        "1e5",
        "-0.0",
        "1E400", /* infinite as a double, and yet kept */
        "\"a/b\"",
        "\"\\u0000x\\u0000\"",
        "\"\xc3\xa9\xf0\x9f\x98\x80\"",
        "\"\\\"\\\\\\b\\f\\n\\r\\t\\u001f\"",
        "[]",
        "{}",
        "[1,[2,{\"z\":[]}],null]",
        "{\"z\":1,\"a\":2,\"\":{\"z\":3},\"m\":[{\"z\":1},{\"z\":1}]}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        SL_AUTO(sl_json) struct json_object *root = parse(texts[i]);
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        sl_json_write(root, &out);
        assert_string_equal(out.data, texts[i]);
    }
}

static void white_space_around_the_value_is_skipped(void **state)
{
    SL_AUTO(sl_json) struct json_object *root = parse("\n\t 12 \r\n");
    (void)state;
    assert_int_equal(json_object_get_int64(root), 12);
}

static void a_text_is_read_no_further_than_its_length(void **state)
{
    struct json_object *root = NULL;
    (void)state;
    assert_int_equal(sl_json_parse((struct sl_str){.p = "123", .n = 2}, &root, NULL), 0);
    assert_int_equal(json_object_get_int64(root), 12);
    json_object_put(root);
}

static void a_zero_character_in_a_string_survives(void **state)
{
    SL_AUTO(sl_json) struct json_object *root = parse("\"a\\u0000b\"");
    (void)state;
    assert_int_equal(json_object_get_string_len(root), 3);
    assert_memory_equal(json_object_get_string(root), "a\0b", 4);
}

static void what_json_c_would_change_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"{\"a\\u0000b\":1}",
         "line 1, column 2: member \"a\\u0000b\" has the character \\u0000 in its name"},
        {"{\"a\":1,\"a\\u0000\":2}",
         "line 1, column 8: member \"a\\u0000\" has the character \\u0000 in its name"},
        {"{\"a\\u0000\":1,\"a\":2}",
         "line 1, column 2: member \"a\\u0000\" has the character \\u0000 in its name"},
        {"[{\"x\":{\"\\u0000\":1}}]",
         "line 1, column 8: member \"\\u0000\" has the character \\u0000 in its name"},
        {"{\"a\":1,\n\"a\":1}", "line 2, column 1: member \"a\" occurs twice"},
        {"{\"a\":{\"x\":1},\"b\":2,\"a\":{\"y\":[]}}",
         "line 1, column 20: member \"a\" occurs twice"},
        {"{\"a\":[1],\"\\u0061\":1}", "line 1, column 10: member \"\\u0061\" occurs twice"},
        {"[[{\"a\":{\"b\":1,\"c\":2,\"b\":1}}]]", "line 1, column 21: member \"b\" occurs twice"},
        {"{\"\":1,\"\":1}", "line 1, column 7: member \"\" occurs twice"},
        {"[18446744073709551616]", "line 1, column 2: an integer does not fit into 64 bits"},
        {"-9223372036854775809", "line 1, column 1: an integer does not fit into 64 bits"},
        {"{\"a\":{\"b\":99999999999999999999999}}",
         "line 1, column 11: an integer does not fit into 64 bits"},
        {"[1,]", "line 1, column 4: expected a value"},
        {"{'a':1}", "line 1, column 2: expected the name of a member, in double quotes"},
        {"[NaN]", "line 1, column 2: expected a value"},
        {"", "line 1, column 1: unexpected end of the text"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char untouched;
        struct json_object *root = (void *)&untouched;
        struct sl_err err = SL_ERR_INIT;
        assert_int_equal(sl_json_parse(sl_str_from(cases[i].text), &root, &err), -1);
        assert_ptr_equal(root, &untouched);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        assert_int_equal(strncmp(err.msg, "invalid JSON at ", 16), 0);
        assert_string_equal(err.msg + 16, cases[i].message);
    }
}

static void the_same_name_in_different_objects_is_no_duplicate(void **state)
{
    SL_AUTO(sl_json) struct json_object *root = parse("{\"a\":{\"a\":[{\"a\":1},{\"a\":2}]}}");
    (void)state;
    assert_int_equal(json_object_object_length(root), 1);
}

static void nesting_is_parsed_to_jscans_limit(void **state)
{
    (void)state;
    for (size_t depth = SL_JSON_DEPTH; depth <= SL_JSON_DEPTH + 1; depth++) {
        SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
        SL_AUTO(sl_json) struct json_object *root = NULL;
        for (size_t i = 0; i < depth; i++) {
            sl_buf_addc(&text, '[');
        }
        for (size_t i = 0; i < depth; i++) {
            sl_buf_addc(&text, ']');
        }
        assert_int_equal(sl_json_parse(sl_buf_str(&text), &root, NULL),
                         depth == SL_JSON_DEPTH ? 0 : -1);
    }
}

static void trees_are_compared_as_values(void **state)
{
    SL_AUTO(sl_json) struct json_object *a = parse("{\"x\":{\"y\":[1]},\"z\":null}");
    SL_AUTO(sl_json) struct json_object *b = parse("{\"z\":null,\"x\":{\"y\":[1]}}");
    SL_AUTO(sl_json) struct json_object *c = parse("{\"z\":null,\"x\":{\"y\":[1.0]}}");
    (void)state;
    assert_true(sl_json_equal(a, b));
    assert_false(sl_json_equal(a, c));
    assert_false(sl_json_equal(a, NULL));
    assert_true(sl_json_equal(NULL, NULL));
}

static void writing_stops_at_the_cap_of_the_buffer(void **state)
{
    SL_AUTO(sl_json) struct json_object *root = parse("[1,2,3]");
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(6);
    (void)state;
    sl_json_write(root, &out);
    assert_int_equal(sl_buf_check(&out, "it", NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_rewritten_as_it_was),
        cmocka_unit_test(white_space_around_the_value_is_skipped),
        cmocka_unit_test(a_text_is_read_no_further_than_its_length),
        cmocka_unit_test(a_zero_character_in_a_string_survives),
        cmocka_unit_test(what_json_c_would_change_is_refused_with_its_place),
        cmocka_unit_test(the_same_name_in_different_objects_is_no_duplicate),
        cmocka_unit_test(nesting_is_parsed_to_jscans_limit),
        cmocka_unit_test(trees_are_compared_as_values),
        cmocka_unit_test(writing_stops_at_the_cap_of_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
