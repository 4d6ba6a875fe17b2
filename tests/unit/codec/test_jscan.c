/* jscan's checking: which texts are JSON, and where the others go wrong. In the manner of the
 * JSONTestSuite (y: must be accepted, n: must be refused, i: the RFC leaves it open), with the
 * choices that jscan.h makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above before it */
#include <cmocka.h>
#include <dirent.h>
#include <string.h>

#include "base/file.h"
#include "codec/jscan.h"

#define T(literal) SL_STR_INIT(literal)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int check(struct sl_str text)
{
    return sl_jscan(text, NULL, NULL, NULL, NULL);
}

static void expect_all(const struct sl_str *texts, size_t count, int expected)
{
    for (size_t i = 0; i < count; i++) {
        struct sl_err err = SL_ERR_INIT;
        if (sl_jscan(texts[i], NULL, NULL, NULL, &err) != expected) {
            fail_msg("%s: %.*s (%s)", expected == 0 ? "refused" : "accepted", SL_STR_FMT(texts[i]),
                     err.msg);
        }
        assert_int_equal(err.kind, expected == 0 ? SL_ERR_NONE : SL_ERR_INVALID);
    }
}

static void numbers_of_the_rfc_are_accepted(void **state)
{
    static const struct sl_str texts[] = {
        T("0"),    T("-0"),       T("-1"),         T("1.5"),  T("-0.0"),
        T("10"),   T("1E400"),    T("1e+2"),       T("1e-2"), T("0e1"),
        T("0E+1"), T("-1.25E-7"), T("1.000e3"),    T("1e00"), T("123456789012345678901234567890"),
        T("[0]"),  T("[1,2]"),    T("{\"a\":-0}"), T(" 4 "),  T("0.4e00669999999999999999999"),
    };
    (void)state;
    expect_all(texts, COUNT(texts), 0);
}

static void other_numbers_are_refused(void **state)
{
    static const struct sl_str texts[] = {
        T("-"),          T("+1"),        T("01"),           T("-01"),
        T("00"),         T("1."),        T(".5"),           T("-.5"),
        T("1.e1"),       T("1e"),        T("1e+"),          T("1E-"),
        T("1e1.5"),      T("0x10"),      T("1_000"),        T("NaN"),
        T("Infinity"),   T("-Infinity"), T("-NaN"),         T("1 000"),
        T("--1"),        T("1-"),        T("1+1"),          T("0e"),
        T("1.2.3"),      T("1a"),        T("[-]"),          T("[1.]"),
        T("-a"),         T("0.e1"),      T("\xef\xbc\x91"), /* a full-width digit */
        T("{\"a\":01}"), T("[2.e+3]"),   T("1e0x"),         T("1eE2"),
        T("-\x31\x00"),
    };
    (void)state;
    expect_all(texts, COUNT(texts), -1);
}

static void strings_of_the_rfc_are_accepted(void **state)
{
    static const struct sl_str texts[] = {
        T("\"\""),
        T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
        T("\"\\u0000\\u001f\\uABcd\""),
        T("\"\\ud83d\\ude00\""),
        T("\"\\uD800\\uDC00\""),
        T("\"\\uDBFF\\uDFFF\""),
        T("\"\\ufdd0\\uffff\""), /* noncharacters are characters */
        T("\"\\\\u0000\""),      /* a backslash and a word, not an escape */
        T("\"\x7f\""),           /* DEL is no control character of the RFC */
        T("\"\xc2\x80 \xdf\xbf\""),
        T("\"\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf\""),
        T("\"\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\""),
        T("\"\xe2\x80\xa8\xe2\x80\xa9\""), /* line separators need no escape */
        T("\"\xef\xbb\xbf\""),             /* a byte order mark inside is text */
        T("\"a long text that takes more than a word of eight bytes\\\\\""),
        T("\"1234567\\n\""),
        T("\"12345678\xc3\xa9\""),
    };
    (void)state;
    expect_all(texts, COUNT(texts), 0);
}

static void other_strings_are_refused(void **state)
{
    static const struct sl_str texts[] = {
        T("\""),
        T("\"abc"),
        T("\"abc\\"),
        T("\"abc\\\""),
        T("'a'"),
        T("\"\\a\""),
        T("\"\\'\""),
        T("\"\\x41\""),
        T("\"\\0\""),
        T("\"\\U0041\""),
        T("\"\\u\""),
        T("\"\\u00\""),
        T("\"\\u00g0\""),
        T("\"\\u-123\""),
        T("\"\\u+123\""),
        T("\"\\u 123\""),
        T("\"\\u123"),
        T("\"\\\xc3\xa9\""),
        T("\"\\ud800\""),
        T("\"\\ud800x\""),
        T("\"\\ud800\\n\""),
        T("\"\\ud800\\u0041\""),
        T("\"\\ud800\\ud800\""),
        T("\"\\ud800\\udbff\""),
        T("\"\\ud800\\u\""),
        T("\"\\ud800\\udc0\""),
        T("\"\\ud800\\ue000\""),
        T("\"\\udc00\""),
        T("\"\\udc00\\ud800\""),
        T("\"\\udc00\\udc00\""),
        T("\"\\udfff\""),
        T("\"\n\""),
        T("\"\t\""),
        T("\"\x00\""),
        T("\"\x1f\""),
        T("\"1234567\x1f\""),
        T("\"123456789\r\""),
        T("\"\x80\""), /* a continuation with nothing to continue */
        T("\"\xff\""),
        T("\"\xc0\xaf\""), /* "/", overlong in 2, 3 and 4 bytes */
        T("\"\xe0\x80\xaf\""),
        T("\"\xf0\x80\x80\xaf\""),
        T("\"\xc1\xbf\""),
        T("\"\xed\xa0\x80\""), /* surrogates */
        T("\"\xed\xbf\xbf\""),
        T("\"\xf4\x90\x80\x80\""), /* above U+10FFFF */
        T("\"\xf8\x88\x80\x80\x80\""),
        T("\"\xc3\""), /* cut short by the quote */
        T("\"\xe2\x82\""),
        T("\"\xf0\x9f\x98\""),
        T("\"\xe2\x82"), /* cut short by the end */
        T("{\"\xff\":1}"),
        T("{\"\\ud800\":1}"),
        T("{\"a\nb\":1}"),
        T("[\"a\x00b\"]"),
    };
    (void)state;
    expect_all(texts, COUNT(texts), -1);
}

static void every_structure_of_the_rfc_is_accepted(void **state)
{
    static const struct sl_str texts[] = {
        T("{}"),
        T("[]"),
        T("null"),
        T("true"),
        T("false"),
        T(" \t\r\n{ \t\r\n} \t\r\n"),
        T("[ ]"),
        T("[[],[[]],{}]"),
        T("{\"a\" : [ 1 , {\"b\":null} ] , \"c\":true}"),
        T("{\"\":0}"),
        T("{\"a\":1,\"a\":2}"), /* no row names it */
        T("{\"a\\u0000b\":1}"),
        T("[null,true,false]"),
    };
    (void)state;
    expect_all(texts, COUNT(texts), 0);
}

static void every_other_structure_is_refused(void **state)
{
    static const struct sl_str texts[] = {
        {0},
        T(""),
        T(" \n\t "),
        T("\xef\xbb\xbf{}"),
        T("\xfe\xff\x00{\x00}"),
        T("{}\x00"),
        T("\x00"),
        T("[1,]"),
        T("[,1]"),
        T("[1,,2]"),
        T("[,]"),
        T("[1 2]"),
        T("[1;2]"),
        T("[1:2]"),
        T("["),
        T("[1"),
        T("[1,"),
        T("]"),
        T("[]]"),
        T("[}"),
        T("{]"),
        T("{"),
        T("}"),
        T("{}}"),
        T("{\"a\""),
        T("{\"a\":"),
        T("{\"a\":1"),
        T("{\"a\":1,"),
        T("{\"a\":1,}"),
        T("{,\"a\":1}"),
        T("{\"a\" 1}"),
        T("{\"a\":1 \"b\":2}"),
        T("{\"a\",1}"),
        T("{\"a\"}"),
        T("{\"a\":}"),
        T("{\"a\"::1}"),
        T("{:1}"),
        T("{1:1}"),
        T("{a:1}"),
        T("{'a':1}"),
        T("{null:1}"),
        T("{[]:1}"),
        T("{\"a\":1]"),
        T("1 2"),
        T("{}{}"),
        T("[][]"),
        T("\"a\"\"b\""),
        T("nul"),
        T("nulL"),
        T("NULL"),
        T("True"),
        T("truefalse"),
        T("nullnull"),
        T("true1"),
        T("[tru]"),
        T("undefined"),
        T("n"),
        T("[1] // c"),
        T("/* c */ 1"),
        T("# c\n1"),
        T("[1]\f"),
        T("[\v1]"),
        T("[\xc2\xa0]"), /* a no-break space is no white space */
        T("<x/>"),
        T("[*]"),
        T("\\u005b]"),
    };
    (void)state;
    expect_all(texts, COUNT(texts), -1);
}

/* A 1 inside `depth` times what `opens` and `closes` stand for. */
static int check_depth(const char *opens, const char *closes, size_t depth)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
    for (size_t i = 0; i < depth; i++) {
        sl_buf_adds(&text, opens);
    }
    sl_buf_adds(&text, "1");
    for (size_t i = 0; i < depth; i++) {
        sl_buf_adds(&text, closes);
    }
    return check(sl_buf_str(&text));
}

static void nesting_is_accepted_to_the_limit_and_refused_beyond(void **state)
{
    (void)state;
    assert_int_equal(check_depth("[", "]", SL_JSON_DEPTH), 0);
    assert_int_equal(check_depth("[", "]", SL_JSON_DEPTH + 1), -1);
    assert_int_equal(check_depth("{\"a\":", "}", SL_JSON_DEPTH), 0);
    assert_int_equal(check_depth("{\"a\":", "}", SL_JSON_DEPTH + 1), -1);
    assert_int_equal(check_depth("[{\"a\":", "}]", SL_JSON_DEPTH / 2), 0);
    assert_int_equal(check_depth("[{\"a\":", "}]", SL_JSON_DEPTH / 2 + 1), -1);
}

static void a_hundred_thousand_brackets_do_not_exhaust_the_stack(void **state)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
    struct sl_err err = SL_ERR_INIT;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        sl_buf_addc(&text, '[');
    }
    assert_int_equal(sl_jscan(sl_buf_str(&text), NULL, NULL, NULL, &err), -1);
    assert_string_equal(err.msg, "invalid JSON at line 1, column 129: nested too deeply");
}

/* A byte that ends a plain run must be found wherever it stands in a word of eight bytes. */
static void a_bad_byte_is_found_at_every_place_in_a_string(void **state)
{
    static const char bad[] = {'\0', '\n', '\x1f', '\x80', '\xff'};
    (void)state;
    for (size_t length = 1; length < 40; length++) {
        char text[64];
        memset(text, 'x', sizeof text);
        text[0] = '"';
        text[length + 1] = '"';
        struct sl_str all = {.p = text, .n = length + 2};
        assert_int_equal(check(all), 0);
        for (size_t at = 1; at <= length; at++) {
            for (size_t i = 0; i < COUNT(bad); i++) {
                text[at] = bad[i];
                assert_int_equal(check(all), -1);
            }
            text[at] = '"';
            assert_int_equal(check(all), -1);
            text[at] = '~';
            assert_int_equal(check(all), 0);
        }
    }
}

static void errors_say_line_column_and_reason(void **state)
{
    static const struct {
        struct sl_str text;
        const char *message;
    } cases[] = {
        {T(""), "line 1, column 1: unexpected end of the text"},
        {T("\n\n "), "line 3, column 2: unexpected end of the text"},
        {T("{\"a\":1,}"), "line 1, column 8: expected the name of a member, in double quotes"},
        {T("{\n  \"a\": [1,\n 2 3]}"), "line 3, column 4: expected ',' or ']'"},
        {T("{\"a\":1 \"b\":2}"), "line 1, column 8: expected ',' or '}'"},
        {T("{\"a\" 1}"), "line 1, column 6: expected ':'"},
        {T("[\r\n]]"), "line 2, column 2: expected the end of the text"},
        {T("\xef\xbb\xbf{}"), "line 1, column 1: expected a value"},
        {T("[01]"), "line 1, column 2: a number must not begin with a zero"},
        {T("[-x]"), "line 1, column 3: expected a digit"},
        {T("[12x]"), "line 1, column 4: a number ends here"},
        {T("[nulL]"),
         "line 1, column 5: expected a value (true, false and null are the only bare words)"},
        {T("[\"a\nb\"]"), "line 1, column 4: a control character in a string must be escaped"},
        {T("[\"\xc3\xa9\xff\"]"), "line 1, column 5: invalid UTF-8"},
        {T("[\"ab\\qc\"]"), "line 1, column 5: no such escape in JSON"},
        {T("[\"\\u12\"]"), "line 1, column 3: \\u needs four hexadecimal digits"},
        {T("[\"\\ud800\"]"), "line 1, column 3: a surrogate without the other half of its pair"},
        {T("[\n\"abc"), "line 2, column 1: a string without its closing quote"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sl_err err = SL_ERR_INIT;
        assert_int_equal(sl_jscan(cases[i].text, NULL, NULL, NULL, &err), -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        assert_int_equal(strncmp(err.msg, "invalid JSON at ", 16), 0);
        assert_string_equal(err.msg + 16, cases[i].message);
    }
}

/* Each prefix stands at the end of memory of its own, so that a read behind it is seen. */
static void expect_no_prefix_is_accepted(struct sl_str text)
{
    for (size_t n = 0; n < text.n; n++) {
        SL_AUTO(sl_free) char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy + 1, text.p, n);
        if (check((struct sl_str){.p = copy + 1, .n = n}) == 0) {
            fail_msg("accepted %zu of %zu bytes", n, text.n);
        }
    }
}

static void reviews_are_accepted_and_their_prefixes_are_not(void **state)
{
    DIR *directory = opendir(SL_FIXTURES "/admission");
    const struct dirent *entry;
    unsigned files = 0;
    (void)state;
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        SL_AUTO(sl_buf) struct sl_buf path = SL_BUF_INIT(SL_KIB);
        SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
        if (strstr(entry->d_name, ".json") == NULL) {
            continue;
        }
        sl_buf_addf(&path, "%s/admission/%s", SL_FIXTURES, entry->d_name);
        assert_int_equal(sl_file_read(path.data, &text, NULL), 0);
        struct sl_jval root = {0};
        assert_int_equal(sl_jscan(sl_buf_str(&text), NULL, NULL, &root, NULL), 0);
        assert_int_equal(root.type, SL_J_OBJECT);
        if (files < 3) {
            expect_no_prefix_is_accepted(root.raw);
        }
        files++;
    }
    (void)closedir(directory);
    assert_true(files >= 3);
}

static void a_stream_of_texts_is_read_one_by_one(void **state)
{
    static const struct {
        const char *raw;
        enum sl_jtype type;
    } expected[] = {
        {"{\"a\":1}", SL_J_OBJECT}, {"[]", SL_J_ARRAY},  {"\"x\"", SL_J_STRING},
        {"12", SL_J_NUMBER},        {"true", SL_J_BOOL}, {"null", SL_J_NULL},
        {"-1", SL_J_NUMBER},        {"{}", SL_J_OBJECT},
    };
    struct sl_str rest = SL_STR(" {\"a\":1}[]\"x\"12 true\nnull\n-1{}\n \n");
    struct sl_jval value;
    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(sl_jscan_next(&rest, &value, NULL), 0);
        assert_int_equal(value.type, expected[i].type);
        assert_true(sl_str_is(value.raw, expected[i].raw));
    }
    assert_int_equal(sl_jscan_next(&rest, &value, NULL), 0);
    assert_int_equal(value.type, SL_J_ABSENT);
    assert_int_equal(rest.n, 0);
}

static void a_broken_stream_is_an_error_where_it_breaks(void **state)
{
    static const struct sl_str texts[] = {
        T("01"), T("nullnull"), T("1-2"), T("]"), T(","), T("{\"a\":"), T("tru"), T("\xef\xbb\xbf"),
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct sl_str rest = texts[i];
        struct sl_jval value = {.type = SL_J_BOOL};
        assert_int_equal(sl_jscan_next(&rest, &value, NULL), -1);
        assert_ptr_equal(rest.p, texts[i].p);
        assert_int_equal(rest.n, texts[i].n);
        assert_int_equal(value.type, SL_J_BOOL);
    }
}

static void an_empty_stream_is_at_its_end(void **state)
{
    struct sl_str rest = {0};
    struct sl_jval value = {.type = SL_J_BOOL};
    (void)state;
    assert_int_equal(sl_jscan_next(&rest, &value, NULL), 0);
    assert_int_equal(value.type, SL_J_ABSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_the_rfc_are_accepted),
        cmocka_unit_test(other_numbers_are_refused),
        cmocka_unit_test(strings_of_the_rfc_are_accepted),
        cmocka_unit_test(other_strings_are_refused),
        cmocka_unit_test(every_structure_of_the_rfc_is_accepted),
        cmocka_unit_test(every_other_structure_is_refused),
        cmocka_unit_test(nesting_is_accepted_to_the_limit_and_refused_beyond),
        cmocka_unit_test(a_hundred_thousand_brackets_do_not_exhaust_the_stack),
        cmocka_unit_test(a_bad_byte_is_found_at_every_place_in_a_string),
        cmocka_unit_test(errors_say_line_column_and_reason),
        cmocka_unit_test(reviews_are_accepted_and_their_prefixes_are_not),
        cmocka_unit_test(a_stream_of_texts_is_read_one_by_one),
        cmocka_unit_test(a_broken_stream_is_an_error_where_it_breaks),
        cmocka_unit_test(an_empty_stream_is_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
