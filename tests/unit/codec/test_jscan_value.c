/* jscan's slices: rows filled by a scan, iterators, and the meaning of single values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above before it */
#include <cmocka.h>
#include <string.h>

#include "codec/jscan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct meta {
    struct sl_jval name, labels;
};

struct pod {
    struct sl_jval kind, metadata;
    struct meta meta;
    struct sl_jval containers;
};

static const struct sl_jrow meta_rows[] = {
    {.key = "name", .at = offsetof(struct meta, name)},
    {.key = "labels", .at = offsetof(struct meta, labels)},
    {0},
};

static const struct sl_jrow spec_rows[] = {
    {.key = "containers", .at = offsetof(struct pod, containers)},
    {0},
};

static const struct sl_jrow pod_rows[] = {
    {.key = "kind", .at = offsetof(struct pod, kind)},
    {.key = "metadata",
     .at = offsetof(struct pod, metadata),
     .rows = meta_rows,
     .base = offsetof(struct pod, meta)},
    {.key = "spec", .at = SL_JROW_NO_VALUE, .rows = spec_rows},
    {0},
};

/* Two objects of the same rows inside one struct, as a review has object and oldObject. */
struct review {
    struct pod now, old;
};

static const struct sl_jrow review_rows[] = {
    {.key = "now", .at = SL_JROW_NO_VALUE, .rows = pod_rows, .base = offsetof(struct review, now)},
    {.key = "old", .at = SL_JROW_NO_VALUE, .rows = pod_rows, .base = offsetof(struct review, old)},
    {0},
};

static struct sl_jval value_of(const char *text)
{
    struct sl_jval root = {0};
    assert_int_equal(sl_jscan(sl_str_from(text), NULL, NULL, &root, NULL), 0);
    return root;
}

static void assert_raw(struct sl_jval value, enum sl_jtype type, const char *raw)
{
    assert_int_equal(value.type, type);
    if (!sl_str_is(value.raw, raw)) {
        fail_msg("%.*s is not %s", SL_STR_FMT(value.raw), raw);
    }
}

static void rows_are_filled_through_nested_tables(void **state)
{
    struct pod pod = {0};
    struct sl_jval root = {0};
    struct sl_str text = SL_STR(" {\"x\":{\"name\":1}, \"kind\" : \"Pod\" ,\"metadata\":"
                                "{\"labels\":{\"name\":\"no\"},\"name\":\"a\\n\"},"
                                "\"spec\":{\"containers\":[ 1 ]}} ");
    (void)state;
    assert_int_equal(sl_jscan(text, pod_rows, &pod, &root, NULL), 0);
    assert_raw(pod.kind, SL_J_STRING, "\"Pod\"");
    assert_false(pod.kind.escaped);
    assert_raw(pod.metadata, SL_J_OBJECT, "{\"labels\":{\"name\":\"no\"},\"name\":\"a\\n\"}");
    assert_raw(pod.meta.labels, SL_J_OBJECT, "{\"name\":\"no\"}");
    assert_raw(pod.meta.name, SL_J_STRING, "\"a\\n\"");
    assert_true(pod.meta.name.escaped);
    assert_raw(pod.containers, SL_J_ARRAY, "[ 1 ]");
    assert_ptr_equal(root.raw.p, text.p + 1);
    assert_int_equal(root.raw.n, text.n - 2);
}

static void offsets_of_nested_tables_add_up(void **state)
{
    struct review review = {0};
    struct sl_str text = SL_STR("{\"old\":{\"metadata\":{\"name\":\"o\"}},"
                                "\"now\":{\"metadata\":{\"name\":\"n\"},\"spec\":"
                                "{\"containers\":[]}}}");
    (void)state;
    assert_int_equal(sl_jscan(text, review_rows, &review, NULL, NULL), 0);
    assert_raw(review.now.meta.name, SL_J_STRING, "\"n\"");
    assert_raw(review.old.meta.name, SL_J_STRING, "\"o\"");
    assert_raw(review.now.containers, SL_J_ARRAY, "[]");
    assert_int_equal(review.old.containers.type, SL_J_ABSENT);
}

static void members_of_another_type_leave_their_rows_absent(void **state)
{
    static const struct {
        const char *text;
        enum sl_jtype metadata;
    } cases[] = {
        {"{\"metadata\":null}", SL_J_NULL},
        {"{\"metadata\":\"name\"}", SL_J_STRING},
        {"{\"metadata\":7}", SL_J_NUMBER},
        {"{\"metadata\":[{\"name\":1}]}", SL_J_ARRAY},
        {"{\"metadata\":false}", SL_J_BOOL},
        {"{\"metadata\":{}}", SL_J_OBJECT},
        {"{}", SL_J_ABSENT},
        {"[{\"metadata\":1}]", SL_J_ABSENT},
        {"\"metadata\"", SL_J_ABSENT},
        {"null", SL_J_ABSENT},
        {"{\"metadata \":1}", SL_J_ABSENT},
        {"{\"metadat\":1,\"\":2}", SL_J_ABSENT},
        {"{\"x\":{\"metadata\":1}}", SL_J_ABSENT},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pod pod = {0};
        assert_int_equal(sl_jscan(sl_str_from(cases[i].text), pod_rows, &pod, NULL, NULL), 0);
        assert_int_equal(pod.metadata.type, cases[i].metadata);
        assert_int_equal(pod.meta.name.type, SL_J_ABSENT);
    }
}

static void escaped_keys_name_rows_by_their_meaning(void **state)
{
    struct pod pod = {0};
    struct sl_str text = SL_STR("{\"\\u006bin\\u0064\":1,\"metadata\\u0000\":2,\"spec\\/\":3,"
                                "\"metadat\\u0061\":{\"n\\u0061me\":4}}");
    (void)state;
    assert_int_equal(sl_jscan(text, pod_rows, &pod, NULL, NULL), 0);
    assert_raw(pod.kind, SL_J_NUMBER, "1");
    assert_raw(pod.meta.name, SL_J_NUMBER, "4");
    assert_int_equal(pod.containers.type, SL_J_ABSENT);
}

static const char *const duplicates[] = {
    "{\"kind\":1,\"kind\":1}",
    "{\"kind\":1,\"a\":{},\"k\\u0069nd\":1}",
    "{\"\\u006bind\":1,\"kin\\u0064\":1}",
    "{\"metadata\":{\"name\":1,\"labels\":2,\"name\":3}}",
    "{\"spec\":{},\"spec\":null}",
    "{\"spec\":{\"containers\":1,\"containers\":2}}",
};

static const char *const no_duplicates[] = {
    "{\"a\":1,\"a\":2}",
    "{\"kind\":{\"kind\":1,\"kind\":2}}", /* no row names anything in there */
    "{\"metadata\":{\"labels\":{\"x\":1,\"x\":2}}}",
    "{\"metadata\":{\"name\":1},\"name\":2,\"spec\":{\"name\":1,\"kind\":2}}",
};

static void a_member_that_a_row_names_occurs_at_most_once(void **state)
{
    struct pod pod = {0};
    struct sl_err err = SL_ERR_INIT;
    (void)state;
    for (size_t i = 0; i < COUNT(duplicates); i++) {
        struct sl_str text = sl_str_from(duplicates[i]);
        assert_int_equal(sl_jscan(text, pod_rows, &pod, NULL, &err), -1);
        assert_int_equal(err.kind, SL_ERR_INVALID);
    }
    for (size_t i = 0; i < COUNT(no_duplicates); i++) {
        struct sl_str text = sl_str_from(no_duplicates[i]);
        assert_int_equal(sl_jscan(text, pod_rows, &pod, NULL, NULL), 0);
    }
    assert_int_equal(sl_jscan(SL_STR("{\"kind\":1,\n \"kind\":1}"), pod_rows, &pod, NULL, &err),
                     -1);
    assert_string_equal(err.msg, "invalid JSON at line 2, column 2: member \"kind\" occurs twice");
}

static void the_rows_of_a_checked_object_are_filled_as_by_the_scan(void **state)
{
    struct sl_jval object = value_of("{ \"kind\" : \"Pod\", \"n\" : [{\"kind\":1}] ,\"metadata\""
                                     ":{\"name\":null,\"labels\":{}}, \"spec\":[{}]}");
    struct pod pod = {0};
    (void)state;
    assert_int_equal(sl_jval_scan(object, pod_rows, &pod, NULL), 0);
    assert_raw(pod.kind, SL_J_STRING, "\"Pod\"");
    assert_raw(pod.metadata, SL_J_OBJECT, "{\"name\":null,\"labels\":{}}");
    assert_raw(pod.meta.name, SL_J_NULL, "null");
    assert_raw(pod.meta.labels, SL_J_OBJECT, "{}");
    assert_int_equal(pod.containers.type, SL_J_ABSENT);
}

static void the_rows_of_a_checked_object_refuse_duplicates(void **state)
{
    struct pod pod = {0};
    struct sl_err err = SL_ERR_INIT;
    (void)state;
    for (size_t i = 0; i < COUNT(duplicates); i++) {
        assert_int_equal(sl_jval_scan(value_of(duplicates[i]), pod_rows, &pod, &err), -1);
    }
    assert_string_equal(err.msg, "invalid JSON: member \"containers\" occurs twice");
    for (size_t i = 0; i < COUNT(no_duplicates); i++) {
        assert_int_equal(sl_jval_scan(value_of(no_duplicates[i]), pod_rows, &pod, NULL), 0);
    }
}

static void the_rows_of_anything_but_an_object_stay_absent(void **state)
{
    static const char *const texts[] = {"[\"kind\",1]", "\"kind\"", "1", "null", "[{\"kind\":1}]"};
    struct pod pod = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_int_equal(sl_jval_scan(value_of(texts[i]), pod_rows, &pod, NULL), 0);
        assert_int_equal(sl_jval_scan((struct sl_jval){0}, pod_rows, &pod, NULL), 0);
        assert_int_equal(pod.kind.type, SL_J_ABSENT);
    }
}

static void an_iterator_walks_members_in_order(void **state)
{
    static const struct {
        const char *key, *raw;
        enum sl_jtype type;
    } expected[] = {
        {"\"a\"", "{\"x\":[\"}\"]}", SL_J_OBJECT}, {"\"b\\\"\"", "[[],\"]\\\"\",{}]", SL_J_ARRAY},
        {"\"\"", "-1.5e3", SL_J_NUMBER},           {"\"c\"", "null", SL_J_NULL},
        {"\"c\"", "\"\\\\\"", SL_J_STRING},        {"\"d\"", "false", SL_J_BOOL},
    };
    struct sl_jval object = value_of("{\"a\" :{\"x\":[\"}\"]}, \"b\\\"\":[[],\"]\\\"\",{}],\n"
                                     "\"\":-1.5e3 ,\"c\":null,\"c\":\"\\\\\",\"d\":false}");
    struct sl_jiter it = sl_jiter(object);
    struct sl_jval key = {0};
    struct sl_jval value = {0};
    (void)state;
    assert_int_equal(sl_jval_count(object), COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(sl_jiter_next(&it, &key, &value));
        assert_raw(key, SL_J_STRING, expected[i].key);
        assert_int_equal(key.escaped, strchr(expected[i].key, '\\') != NULL);
        assert_raw(value, expected[i].type, expected[i].raw);
    }
    assert_false(sl_jiter_next(&it, &key, &value));
    assert_false(sl_jiter_next(&it, &key, &value));
}

static void an_iterator_walks_elements_without_keys(void **state)
{
    struct sl_jval array = value_of("[ 1,[2 , 3],\n{\"a\":4} ,true]");
    static const char *const expected[] = {"1", "[2 , 3]", "{\"a\":4}", "true"};
    struct sl_jiter it = sl_jiter(array);
    struct sl_jval key = {.type = SL_J_BOOL};
    struct sl_jval value = {0};
    (void)state;
    assert_int_equal(sl_jval_count(array), COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(sl_jiter_next(&it, i == 1 ? NULL : &key, &value));
        assert_int_equal(key.type, SL_J_ABSENT);
        assert_true(sl_str_is(value.raw, expected[i]));
    }
    assert_false(sl_jiter_next(&it, NULL, &value));
}

static void an_iterator_over_anything_else_is_at_its_end(void **state)
{
    static const char *const texts[] = {"{}", "[]", "{ }", "[\n]", "\"[1]\"", "1", "null", "true"};
    struct sl_jval value = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct sl_jiter it = sl_jiter(value_of(texts[i]));
        assert_false(sl_jiter_next(&it, NULL, &value));
        assert_int_equal(sl_jval_count(value_of(texts[i])), 0);
    }
    struct sl_jiter it = sl_jiter((struct sl_jval){0});
    assert_false(sl_jiter_next(&it, NULL, &value));
}

/* Such values break the contract; they must be harmless all the same. Each is a copy of exactly its
 * size, so that a read behind it is seen. */
static void values_that_were_never_checked_are_read_within_their_bounds(void **state)
{
    static const char *const texts[] = {
        "{",      "[",        "{\"",  "{\"a",   "{\"a\"", "{\"a\":",  "{\"a\":\"b\\",
        "[[[[",   "[\"\\",    "[}}}", "{]]",    "{a:1}",  "[,,,,",    "{\"a\":,",
        "[1 2 3", "{\"\\u00", "[tru", "[\x01]", "[1,x]",  "{\"a\"1}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t n = strlen(texts[i]);
        SL_AUTO(sl_free) char *copy = malloc(n);
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        assert_non_null(copy);
        memcpy(copy, texts[i], n);
        for (int type = SL_J_ABSENT; type <= SL_J_OBJECT; type++) {
            struct sl_jval value = {
                .raw = {.p = copy, .n = n}, .type = (enum sl_jtype)type, .escaped = true};
            struct pod pod = {0};
            int64_t number = 0;
            assert_true(sl_jval_count(value) <= n);
            assert_int_equal(sl_jval_scan(value, pod_rows, &pod, NULL), 0);
            (void)sl_jval_str(value, &arena);
            assert_false(sl_jval_is(value, SL_STR("never")));
            assert_false(sl_jval_int(value, &number));
            assert_false(sl_jval_true(value));
            assert_int_equal(sl_jval_get(value, SL_STR("never")).type, SL_J_ABSENT);
        }
    }
}

static void a_string_means_its_unescaped_text(void **state)
{
    static const struct {
        const char *raw;
        struct sl_str text;
    } cases[] = {
        {"\"\"", SL_STR_INIT("")},
        {"\"plain\"", SL_STR_INIT("plain")},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", SL_STR_INIT("\"\\/\b\f\n\r\t")},
        {"\"a\\u0000b\"", SL_STR_INIT("a\0b")},
        {"\"\\u0041\\u007f\\u0080\\u07ff\"", SL_STR_INIT("A\x7f\xc2\x80\xdf\xbf")},
        {"\"\\u0800\\uffff\\uD7ff\"", SL_STR_INIT("\xe0\xa0\x80\xef\xbf\xbf\xed\x9f\xbf")},
        {"\"\\ud800\\udc00\"", SL_STR_INIT("\xf0\x90\x80\x80")},
        {"\"\\udbff\\udfff\"", SL_STR_INIT("\xf4\x8f\xbf\xbf")},
        {"\"x\\ud83d\\ude00y\"", SL_STR_INIT("x\xf0\x9f\x98\x80y")},
        {"\"\xc3\xa9\\u00e9\"", SL_STR_INIT("\xc3\xa9\xc3\xa9")},
        {"\"\\\\u0041\"", SL_STR_INIT("\\u0041")},
        {"\"\\\\\\u0041\"", SL_STR_INIT("\\A")},
    };
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sl_jval value = value_of(cases[i].raw);
        struct sl_str text = sl_jval_str(value, &arena);
        assert_non_null(text.p);
        assert_true(sl_str_eq(text, cases[i].text));
        for (size_t j = 0; j < COUNT(cases); j++) {
            assert_int_equal(sl_jval_is(value, cases[j].text), i == j);
        }
        /* Neither a beginning nor more of the text is the text. */
        struct sl_str shorter = {.p = text.p, .n = text.n - 1};
        assert_false(text.n > 0 && sl_jval_is(value, shorter));
    }
    assert_true(sl_jval_is(value_of("\"\""), (struct sl_str){0}));
    assert_false(sl_jval_is(value_of("\"a\\n\""), SL_STR("a\nb")));
}

static void only_escaped_strings_are_copied(void **state)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_jval value = value_of("\"plain\"");
    (void)state;
    assert_ptr_equal(sl_jval_str(value, &arena).p, value.raw.p + 1);
    assert_null(arena.blocks);
}

static void what_is_no_string_has_no_text(void **state)
{
    static const char *const texts[] = {"1", "null", "true", "[\"a\"]", "{\"a\":1}"};
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_null(sl_jval_str(value_of(texts[i]), &arena).p);
        assert_false(sl_jval_is(value_of(texts[i]), sl_str_from(texts[i])));
    }
    assert_null(sl_jval_str((struct sl_jval){0}, &arena).p);
    assert_false(sl_jval_is((struct sl_jval){0}, SL_STR("")));
}

static void whole_numbers_are_read_in_the_range_of_int64(void **state)
{
    static const struct {
        const char *raw;
        bool whole;
        int64_t number;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"7", true, 7},
        {"-42", true, -42},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999999", false, 0},
        {"1.0", false, 0},
        {"1e2", false, 0},
        {"\"1\"", false, 0},
        {"true", false, 0},
        {"null", false, 0},
        {"[1]", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t number = 12345;
        assert_int_equal(sl_jval_int(value_of(cases[i].raw), &number), cases[i].whole);
        assert_true(number == (cases[i].whole ? cases[i].number : 12345));
    }
}

static void only_the_literal_true_is_true(void **state)
{
    static const char *const texts[] = {"false", "null", "1", "\"true\"", "[true]", "{}"};
    (void)state;
    assert_true(sl_jval_true(value_of(" true ")));
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_false(sl_jval_true(value_of(texts[i])));
    }
    assert_false(sl_jval_true((struct sl_jval){0}));
}

static void a_member_is_found_by_the_meaning_of_its_name(void **state)
{
    struct sl_jval object =
        value_of("{\"a\":{\"b\":1},\"b\":2,\"\\u0063\":3,\"b\":4,\"d\\u0000\":5,\"\":6}");
    (void)state;
    assert_raw(sl_jval_get(object, SL_STR("b")), SL_J_NUMBER, "2");
    assert_raw(sl_jval_get(object, SL_STR("c")), SL_J_NUMBER, "3");
    assert_raw(sl_jval_get(object, SL_STR("d\0")), SL_J_NUMBER, "5");
    assert_raw(sl_jval_get(object, SL_STR("")), SL_J_NUMBER, "6");
    assert_int_equal(sl_jval_get(object, SL_STR("d")).type, SL_J_ABSENT);
    assert_int_equal(sl_jval_get(object, SL_STR("\\u0063")).type, SL_J_ABSENT);
    assert_int_equal(sl_jval_get(value_of("[\"a\",1]"), SL_STR("a")).type, SL_J_ABSENT);
    assert_int_equal(sl_jval_get((struct sl_jval){0}, SL_STR("a")).type, SL_J_ABSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_filled_through_nested_tables),
        cmocka_unit_test(offsets_of_nested_tables_add_up),
        cmocka_unit_test(members_of_another_type_leave_their_rows_absent),
        cmocka_unit_test(escaped_keys_name_rows_by_their_meaning),
        cmocka_unit_test(a_member_that_a_row_names_occurs_at_most_once),
        cmocka_unit_test(the_rows_of_a_checked_object_are_filled_as_by_the_scan),
        cmocka_unit_test(the_rows_of_a_checked_object_refuse_duplicates),
        cmocka_unit_test(the_rows_of_anything_but_an_object_stay_absent),
        cmocka_unit_test(an_iterator_walks_members_in_order),
        cmocka_unit_test(an_iterator_walks_elements_without_keys),
        cmocka_unit_test(an_iterator_over_anything_else_is_at_its_end),
        cmocka_unit_test(values_that_were_never_checked_are_read_within_their_bounds),
        cmocka_unit_test(a_string_means_its_unescaped_text),
        cmocka_unit_test(only_escaped_strings_are_copied),
        cmocka_unit_test(what_is_no_string_has_no_text),
        cmocka_unit_test(whole_numbers_are_read_in_the_range_of_int64),
        cmocka_unit_test(only_the_literal_true_is_true),
        cmocka_unit_test(a_member_is_found_by_the_meaning_of_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
