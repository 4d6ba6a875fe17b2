/* JSON Patch: the text that is built, and the applier against RFC 6902 and the cases beyond it. */
#include "codec/jsonpatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/jscan.h"
#include "codec/json.h"

static struct json_object *parse(const char *text)
{
    struct json_object *root = NULL;
    struct sl_err err = SL_ERR_INIT;
    if (sl_json_parse(sl_str_from(text), &root, &err) != 0) {
        fail_msg("%s: %s", text, err.msg);
    }
    return root;
}

static const char *plain(struct json_object *root)
{
    return json_object_to_json_string_ext(root,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

struct apply_row {
    const char *document, *patch;
    const char *result; /* NULL: refused, */
    const char *says;   /* with this sentence */
};

static void check_rows(const struct apply_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        SL_AUTO(sl_json) struct json_object *root = parse(rows[i].document);
        SL_AUTO(sl_json) struct json_object *patch = parse(rows[i].patch);
        SL_AUTO(sl_json) struct json_object *before = parse(rows[i].document);
        SL_AUTO(sl_json) struct json_object *patch_before = parse(rows[i].patch);
        struct json_object *same_root = root;
        struct sl_err err = SL_ERR_INIT;
        int result = sl_patch_apply(patch, &root, &err);
        if ((result == 0) != (rows[i].result != NULL)) {
            fail_msg("%s of %s: %d %s", rows[i].patch, rows[i].document, result, err.msg);
        }
        assert_string_equal(plain(patch), plain(patch_before));
        if (result == 0) {
            SL_AUTO(sl_json) struct json_object *wanted = parse(rows[i].result);
            assert_string_equal(plain(root), plain(wanted));
        } else {
            assert_string_equal(err.msg, rows[i].says);
            assert_int_equal(err.kind, SL_ERR_INVALID);
            assert_ptr_equal(root, same_root);
            assert_string_equal(plain(root), plain(before));
        }
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void the_examples_of_rfc_6902_appendix_a(void **state)
{
    (void)state;
    static const struct apply_row rows[] = {
        /* A.1 Adding an Object Member */
        {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
         "{\"foo\":\"bar\",\"baz\":\"qux\"}", NULL},
        /* A.2 Adding an Array Element */
        {"{\"foo\":[\"bar\",\"baz\"]}", "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
         "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", NULL},
        /* A.3 Removing an Object Member */
        {"{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]",
         "{\"foo\":\"bar\"}", NULL},
        /* A.4 Removing an Array Element */
        {"{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
         "{\"foo\":[\"bar\",\"baz\"]}", NULL},
        /* A.5 Replacing a Value */
        {"{\"baz\":\"qux\",\"foo\":\"bar\"}",
         "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
         "{\"baz\":\"boo\",\"foo\":\"bar\"}", NULL},
        /* A.6 Moving a Value */
        {"{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
         "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
         "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}", NULL},
        /* A.7 Moving an Array Element */
        {"{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}",
         "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
         "{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}", NULL},
        /* A.8 Testing a Value: Success */
        {"{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
         "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},"
         "{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
         "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}", NULL},
        /* A.9 Testing a Value: Error */
        {"{\"baz\":\"qux\"}", "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"bar\"}]", NULL,
         "operation 1 (test /baz): the value there is another one"},
        /* A.10 Adding a Nested Member Object */
        {"{\"foo\":\"bar\"}",
         "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"grandchild\":{}}}]",
         "{\"foo\":\"bar\",\"child\":{\"grandchild\":{}}}", NULL},
        /* A.11 Ignoring Unrecognized Elements */
        {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}]",
         "{\"foo\":\"bar\",\"baz\":\"qux\"}", NULL},
        /* A.12 Adding to a Nonexistent Target */
        {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]", NULL,
         "operation 1 (add /baz/bat): there is no member \"baz\""},
        /* A.14 ~ Escape Ordering */
        {"{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]",
         "{\"/\":9,\"~1\":10}", NULL},
        /* A.15 Comparing Strings and Numbers */
        {"{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":\"10\"}]", NULL,
         "operation 1 (test /~01): the value there is another one"},
        /* A.16 Adding an Array Value */
        {"{\"foo\":[\"bar\"]}",
         "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\",\"def\"]}]",
         "{\"foo\":[\"bar\",[\"abc\",\"def\"]]}", NULL},
    };
    CHECK_ROWS(rows);
}

static void a_patch_with_two_ops_in_one_operation_does_not_parse(void **state)
{
    (void)state;
    /* A.13 Invalid JSON Patch Document */
    static const struct sl_str text =
        SL_STR_INIT("[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"op\":\"remove\"}]");
    struct json_object *patch = NULL;
    assert_int_equal(sl_json_parse(text, &patch, NULL), -1);
}

/* One operation on one document: the case is one line. */
#define OP(op, path, rest) "[{\"op\":\"" op "\",\"path\":\"" path "\"" rest "}]"
#define ADD(path, value) OP("add", path, ",\"value\":" value)
#define REPLACE(path, value) OP("replace", path, ",\"value\":" value)
#define TEST(path, value) OP("test", path, ",\"value\":" value)
#define REMOVE(path) OP("remove", path, "")
#define MOVE(from, path) OP("move", path, ",\"from\":\"" from "\"")
#define COPY(from, path) OP("copy", path, ",\"from\":\"" from "\"")

static void operations_reach_every_kind_of_place(void **state)
{
    (void)state;
    static const struct apply_row rows[] = {
        {"{\"a\":1}", "[]", "{\"a\":1}", NULL},
        /* The whole document. */
        {"{\"a\":1}", ADD("", "[1]"), "[1]", NULL},
        {"{\"a\":1}", ADD("", "null"), "null", NULL},
        {"null", ADD("", "{}"), "{}", NULL},
        {"1", REPLACE("", "2"), "2", NULL},
        {"{\"a\":{\"b\":1}}", COPY("/a", ""), "{\"b\":1}", NULL},
        {"{\"a\":{\"b\":1}}", MOVE("/a", ""), "{\"b\":1}", NULL},
        {"{\"a\":1}", COPY("", "/b"), "{\"a\":1,\"b\":{\"a\":1}}", NULL},
        {"{\"a\":1}", MOVE("", ""), "{\"a\":1}", NULL},
        {"{\"a\":1}", TEST("", "{\"a\":1}"), "{\"a\":1}", NULL},
        {"null", TEST("", "null"), "null", NULL},
        /* Members: replaced in their place, empty and escaped keys. */
        {"{\"a\":1,\"b\":2}", ADD("/a", "3"), "{\"a\":3,\"b\":2}", NULL},
        {"{\"a\":1,\"b\":2}", REPLACE("/a", "3"), "{\"a\":3,\"b\":2}", NULL},
        {"{}", ADD("/", "1"), "{\"\":1}", NULL},
        {"{\"a\":{}}", ADD("/a/", "1"), "{\"a\":{\"\":1}}", NULL},
        {"{}", ADD("/a~1b~0c", "1"), "{\"a/b~c\":1}", NULL},
        {"{}", ADD("/0", "1"), "{\"0\":1}", NULL},
        {"{}", ADD("/-", "1"), "{\"-\":1}", NULL},
        {"{\"01\":1}", REMOVE("/01"), "{}", NULL},
        /* Elements: at the front, in the middle, at the end, in two ways. */
        {"[1,2]", ADD("/0", "0"), "[0,1,2]", NULL},
        {"[1,2]", ADD("/1", "0"), "[1,0,2]", NULL},
        {"[1,2]", ADD("/2", "0"), "[1,2,0]", NULL},
        {"[1,2]", ADD("/-", "0"), "[1,2,0]", NULL},
        {"[]", ADD("/0", "0"), "[0]", NULL},
        {"[1,2]", REPLACE("/1", "0"), "[1,0]", NULL},
        {"[1,2]", REMOVE("/0"), "[2]", NULL},
        {"[1,2,3]", MOVE("/2", "/0"), "[3,1,2]", NULL},
        {"[1,2,3]", MOVE("/0", "/-"), "[2,3,1]", NULL},
        {"[1,2,3]", MOVE("/1", "/1"), "[1,2,3]", NULL},
        {"[[1],2]", COPY("/0", "/0/0"), "[[[1],1],2]", NULL},
        {"[{\"a\":[0,{\"b\":1}]}]", ADD("/0/a/1/c", "2"), "[{\"a\":[0,{\"b\":1,\"c\":2}]}]", NULL},
        {"{\"a\":1,\"ab\":2}", MOVE("/a", "/ab"), "{\"ab\":1}", NULL},
        {"{\"a\":1}", MOVE("/a", "/ab"), "{\"ab\":1}", NULL},
        /* A JSON null is a value like others. */
        {"{\"a\":null}", REMOVE("/a"), "{}", NULL},
        {"{\"a\":null}", TEST("/a", "null"), "{\"a\":null}", NULL},
        {"{\"a\":null}", REPLACE("/a", "1"), "{\"a\":1}", NULL},
        {"{\"a\":1}", REPLACE("/a", "null"), "{\"a\":null}", NULL},
        {"{\"a\":null}", MOVE("/a", "/b"), "{\"b\":null}", NULL},
        {"{\"a\":null}", COPY("/a", "/b"), "{\"a\":null,\"b\":null}", NULL},
        {"[1]", ADD("/0", "null"), "[null,1]", NULL},
        {"[null,1]", REMOVE("/0"), "[1]", NULL},
        /* What is copied or added does not share what is changed later. */
        {"{\"a\":{}}",
         "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"},"
         "{\"op\":\"add\",\"path\":\"/b/x\",\"value\":[]},"
         "{\"op\":\"add\",\"path\":\"/b/x/-\",\"value\":1}]",
         "{\"a\":{},\"b\":{\"x\":[1]}}", NULL},
    };
    CHECK_ROWS(rows);
}

static void a_test_compares_values_not_texts(void **state)
{
    (void)state;
    static const char other[] = "operation 1 (test ): the value there is another one";
    static const struct apply_row rows[] = {
        {"{\"a\":1,\"b\":[{\"c\":null}]}", TEST("", "{\"b\":[{\"c\":null}],\"a\":1}"),
         "{\"a\":1,\"b\":[{\"c\":null}]}", NULL},
        {"1", TEST("", "1.0"), "1", NULL},
        {"1.0", TEST("", "1"), "1.0", NULL},
        {"1.5", TEST("", "15e-1"), "1.5", NULL},
        {"18446744073709551615", TEST("", "18446744073709551615"), "18446744073709551615", NULL},
        {"9223372036854775808", TEST("", "9223372036854775808.0"), "9223372036854775808", NULL},
        {"-9223372036854775808", TEST("", "-9223372036854775808.0"), "-9223372036854775808", NULL},
        {"9223372036854775807", TEST("", "18446744073709551615"), NULL, other},
        {"9007199254740993", TEST("", "9007199254740992.0"), NULL, other},
        {"9223372036854775807", TEST("", "9223372036854775808.0"), NULL, other},
        {"18446744073709551615", TEST("", "18446744073709551616.0"), NULL, other},
        {"-1", TEST("", "-1e300"), NULL, other},
        {"1", TEST("", "2"), NULL, other},
        {"1", TEST("", "1.5"), NULL, other},
        {"1", TEST("", "\"1\""), NULL, other},
        {"1", TEST("", "true"), NULL, other},
        {"true", TEST("", "false"), NULL, other},
        {"null", TEST("", "false"), NULL, other},
        {"{}", TEST("", "null"), NULL, other},
        {"{}", TEST("", "[]"), NULL, other},
        {"\"a\\u0000b\"", TEST("", "\"a\\u0000c\""), NULL, other},
        {"[1,2]", TEST("", "[2,1]"), NULL, other},
        {"[1]", TEST("", "[1,1]"), NULL, other},
        {"{\"a\":1}", TEST("", "{\"b\":1}"), NULL, other},
        {"{\"a\":null}", TEST("", "{\"b\":null}"), NULL, other},
        {"{\"a\":1}", TEST("", "{\"a\":1,\"b\":1}"), NULL, other},
    };
    CHECK_ROWS(rows);
}

static void what_the_rfc_calls_an_error_is_refused(void **state)
{
    (void)state;
    static const struct apply_row rows[] = {
        {"{}", "{}", NULL, "a JSON Patch must be a list of operations"},
        {"{}", "null", NULL, "a JSON Patch must be a list of operations"},
        {"{}", "[1]", NULL, "operation 1: must be an object"},
        {"{}", "[null]", NULL, "operation 1: must be an object"},
        {"{}", "[{\"path\":\"\"}]", NULL, "operation 1: \"op\" must be there and be a string"},
        {"{}", "[{\"op\":1,\"path\":\"\"}]", NULL,
         "operation 1: \"op\" must be there and be a string"},
        {"{}", "[{\"op\":\"remove\"}]", NULL,
         "operation 1: \"path\" must be there and be a string"},
        {"{}", "[{\"op\":\"remove\",\"path\":null}]", NULL,
         "operation 1: \"path\" must be there and be a string"},
        {"{}", OP("spam", "/a", ""), NULL,
         "operation 1 (spam /a): \"op\" must be add, remove, replace, move, copy or test"},
        {"{}", OP("Add", "/a", ",\"value\":1"), NULL,
         "operation 1 (Add /a): \"op\" must be add, remove, replace, move, copy or test"},
        {"{}", OP("add", "/a", ""), NULL, "operation 1 (add /a): \"value\" must be there"},
        {"[1]", OP("replace", "/0", ""), NULL, "operation 1 (replace /0): \"value\" must be there"},
        {"[null]", OP("test", "/0", ""), NULL, "operation 1 (test /0): \"value\" must be there"},
        {"[1]", OP("copy", "/-", ""), NULL,
         "operation 1 (copy /-): \"from\" must be there and be a string"},
        {"[1]", OP("move", "/-", ""), NULL,
         "operation 1 (move /-): \"from\" must be there and be a string"},
        /* Pointers. */
        {"{\"a\":1}", REMOVE("a"), NULL,
         "operation 1 (remove a): a pointer that is not empty must begin with '/'"},
        {"{\"a\":1}", REMOVE("/~2"), NULL,
         "operation 1 (remove /~2): '~' must be written ~0, and '/' ~1"},
        {"{\"a\":1}", REMOVE("/a~"), NULL,
         "operation 1 (remove /a~): '~' must be written ~0, and '/' ~1"},
        {"{\"a\":1}", REMOVE("/a\\u0000"), NULL,
         "operation 1 (remove /a): no key can hold the character U+0000"},
        /* Lists. */
        {"[1]", REMOVE("/1"), NULL, "operation 1 (remove /1): index 1 is past the end of the list"},
        {"[1]", REMOVE("/-"), NULL,
         "operation 1 (remove /-): \"-\" is the place after the last element"},
        {"[1]", ADD("/2", "1"), NULL, "operation 1 (add /2): index 2 is past the end of the list"},
        {"[1]", ADD("/00", "1"), NULL, "operation 1 (add /00): \"00\" is not an index of a list"},
        {"[1,2]", TEST("/01", "2"), NULL,
         "operation 1 (test /01): \"01\" is not an index of a list"},
        {"[1]", ADD("/-1", "1"), NULL, "operation 1 (add /-1): \"-1\" is not an index of a list"},
        {"[1]", ADD("/+0", "1"), NULL, "operation 1 (add /+0): \"+0\" is not an index of a list"},
        {"[1]", ADD("/1e0", "1"), NULL,
         "operation 1 (add /1e0): \"1e0\" is not an index of a list"},
        {"[1]", ADD("/", "1"), NULL, "operation 1 (add /): \"\" is not an index of a list"},
        {"[1]", ADD("/18446744073709551616", "1"), NULL,
         "operation 1 (add /18446744073709551616): index 18446744073709551616 is past the end of "
         "the list"},
        {"[[1]]", ADD("/-/0", "1"), NULL,
         "operation 1 (add /-/0): \"-\" is the place after the last element"},
        /* Places that are not there. */
        {"{}", REMOVE("/a"), NULL, "operation 1 (remove /a): there is no member \"a\""},
        {"{}", REPLACE("/a", "1"), NULL, "operation 1 (replace /a): there is no member \"a\""},
        {"{}", COPY("/a", "/b"), NULL, "operation 1 (copy /b): there is no member \"a\""},
        {"{}", MOVE("/a", "/a"), NULL, "operation 1 (move /a): there is no member \"a\""},
        {"{\"a\":1}", ADD("/a/b", "1"), NULL,
         "operation 1 (add /a/b): \"b\" is in neither an object nor a list"},
        {"{\"a\":null}", ADD("/a/b", "1"), NULL,
         "operation 1 (add /a/b): \"b\" is in neither an object nor a list"},
        {"\"text\"", REMOVE("/0"), NULL,
         "operation 1 (remove /0): \"0\" is in neither an object nor a list"},
        {"{}", REMOVE(""), NULL, "operation 1 (remove ): the whole document cannot be removed"},
        {"{\"a\":1}", MOVE("", "/b"), NULL,
         "operation 1 (move /b): a value cannot be moved into itself"},
        {"{\"a\":{\"b\":{}}}", MOVE("/a", "/a/b/c"), NULL,
         "operation 1 (move /a/b/c): a value cannot be moved into itself"},
        {"[[1],2]", MOVE("/0", "/2"), NULL,
         "operation 1 (move /2): index 2 is past the end of the list"},
    };
    CHECK_ROWS(rows);
}

static void a_failed_patch_changes_nothing(void **state)
{
    (void)state;
    static const struct apply_row rows[] = {
        {"{\"a\":{\"b\":[1,2]}}",
         "[{\"op\":\"remove\",\"path\":\"/a/b/0\"},"
         "{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/c\"},"
         "{\"op\":\"add\",\"path\":\"/c/x\",\"value\":{\"y\":1}},"
         "{\"op\":\"add\",\"path\":\"\",\"value\":[]},"
         "{\"op\":\"test\",\"path\":\"/0\",\"value\":1}]",
         NULL, "operation 5 (test /0): index 0 is past the end of the list"},
        {"[[1],2]",
         "[{\"op\":\"move\",\"from\":\"/0\",\"path\":\"/1\"},{\"op\":\"remove\",\"path\":\"/9\"}]",
         NULL, "operation 2 (remove /9): index 9 is past the end of the list"},
    };
    CHECK_ROWS(rows);
}

static void copies_of_copies_are_bounded(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
    sl_buf_addc(&text, '[');
    for (int i = 0; i < 64; i++) {
        sl_buf_addf(&text, "%s{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/%d\"}",
                    i == 0 ? "" : ",", i);
    }
    sl_buf_addc(&text, ']');
    SL_AUTO(sl_json) struct json_object *patch = parse(text.data);
    SL_AUTO(sl_json) struct json_object *root = parse("{\"a\":[]}");
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_patch_apply(patch, &root, &err), -1);
    assert_non_null(strstr(err.msg, "the patch copies more than 100000 values"));
    assert_string_equal(plain(root), "{\"a\":[]}");
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    SL_AUTO(sl_json) struct json_object *deepen = parse(COPY("", "/0"));
    SL_AUTO(sl_json) struct json_object *root = json_object_new_array();
    for (int depth = 1; depth < SL_JSON_DEPTH; depth++) {
        struct json_object *outer = json_object_new_array();
        assert_int_equal(json_object_array_add(outer, root), 0);
        root = outer;
    }
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_patch_apply(deepen, &root, &err), -1);
    assert_string_equal(err.msg,
                        "operation 1 (copy /0): the document would be nested deeper than 128");

    /* One level less is allowed. */
    struct json_object *inner = json_object_get(json_object_array_get_idx(root, 0));
    json_object_put(root);
    root = inner;
    assert_int_equal(sl_patch_apply(deepen, &root, &err), 0);
    assert_int_equal(json_object_array_length(root), 2);
}

static void values_are_found_by_pointer(void **state)
{
    (void)state;
    SL_AUTO(sl_json)
    struct json_object *root =
        parse("{\"foo\":[\"bar\",null],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
              "\"k\\\"l\":6,\" \":7,\"m~n\":8}");
    /* RFC 6901, 5. */
    const struct {
        const char *pointer, *value;
    } found[] = {
        {"/foo", "[\"bar\",null]"},
        {"/foo/0", "\"bar\""},
        {"/foo/1", "null"},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/i\\j", "5"},
        {"/k\"l", "6"},
        {"/ ", "7"},
        {"/m~0n", "8"},
    };
    struct json_object *value = NULL;
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        assert_int_equal(sl_pointer_get(root, found[i].pointer, &value, NULL), 0);
        assert_string_equal(plain(value), found[i].value);
    }
    assert_int_equal(sl_pointer_get(root, "", &value, NULL), 0);
    assert_ptr_equal(value, root);

    const struct {
        const char *pointer;
        enum sl_err_kind kind;
    } missing[] = {
        {"/x", SL_ERR_NOT_FOUND},       {"/foo/2", SL_ERR_NOT_FOUND}, {"/foo/-", SL_ERR_NOT_FOUND},
        {"/foo/0/x", SL_ERR_NOT_FOUND}, {"/foo/x", SL_ERR_INVALID},   {"foo", SL_ERR_INVALID},
        {"/m~n", SL_ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        struct sl_err err = SL_ERR_INIT;
        assert_int_equal(sl_pointer_get(root, missing[i].pointer, &value, &err), -1);
        assert_int_equal(err.kind, missing[i].kind);
        assert_ptr_equal(value, root); /* untouched */
    }
}

static void segments_are_escaped(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    const struct {
        struct sl_str segment;
        const char *pointer;
    } rows[] = {
        {SL_STR_INIT("app"), "/labels/app"},
        {SL_STR_INIT(""), "/labels/"},
        {SL_STR_INIT("sluice.dev/batch"), "/labels/sluice.dev~1batch"},
        {SL_STR_INIT("~1"), "/labels/~01"},
        {SL_STR_INIT("//~~"), "/labels/~1~1~0~0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(sl_pointer_add(&arena, "/labels", rows[i].segment), rows[i].pointer);
    }
    assert_string_equal(sl_pointer_add(&arena, "", SL_STR("a")), "/a");
}

static void a_patch_is_built_as_text(void **state)
{
    (void)state;
    SL_AUTO(sl_patch) struct sl_patch patch = SL_PATCH_INIT;
    struct sl_str text = SL_STR("x");
    assert_int_equal(sl_patch_finish(&patch, &text, NULL), 0);
    assert_null(text.p); /* nothing changes: no patch */

    sl_patch_add(&patch, "/a", SL_STR("{\"b\":1}"));
    assert_int_equal(sl_patch_finish(&patch, &text, NULL), 0);
    assert_true(sl_str_is(text, "[{\"op\":\"add\",\"path\":\"/a\",\"value\":{\"b\":1}}]"));

    /* Goes on after it was finished, and finishing again gives the same. */
    sl_patch_remove(&patch, "/quote\"backslash\\~1");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sl_patch_finish(&patch, &text, NULL), 0);
        assert_true(sl_str_is(text, "[{\"op\":\"add\",\"path\":\"/a\",\"value\":{\"b\":1}},"
                                    "{\"op\":\"remove\",\"path\":\"/quote\\\"backslash\\\\~1\"}]"));
    }
    assert_int_equal(patch.count, 2);
}

static void what_is_built_applies(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_patch) struct sl_patch patch = SL_PATCH_INIT;
    struct sl_str text = {0};
    struct sl_str key = SL_STR("~/\"\\\n\xc3\xa9");
    sl_patch_add(&patch, sl_pointer_add(&arena, "/labels", key), SL_STR("\"x\""));
    sl_patch_test(&patch, "/list/0", SL_STR("1"));
    sl_patch_add(&patch, "/list/1", SL_STR("2"));
    sl_patch_remove(&patch, "/old");
    assert_int_equal(sl_patch_finish(&patch, &text, NULL), 0);

    SL_AUTO(sl_json) struct json_object *ops = parse(sl_arena_cstr(&arena, text));
    SL_AUTO(sl_json) struct json_object *root = parse("{\"labels\":{},\"list\":[1],\"old\":null}");
    assert_int_equal(sl_patch_apply(ops, &root, NULL), 0);
    assert_string_equal(plain(root),
                        "{\"labels\":{\"~/\\\"\\\\\\n\xc3\xa9\":\"x\"},\"list\":[1,2]}");

    SL_AUTO(sl_json) struct json_object *other = parse("{\"labels\":{},\"list\":[2],\"old\":null}");
    assert_int_equal(sl_patch_apply(ops, &other, NULL), -1); /* the test does not hold */
}

static void a_patch_that_grows_too_large_is_refused(void **state)
{
    (void)state;
    SL_AUTO(sl_patch) struct sl_patch patch = SL_PATCH_INIT;
    struct sl_str text = SL_STR("x");
    struct sl_err err = SL_ERR_INIT;
    char zeros[4096];
    memset(zeros, '0', sizeof zeros);
    for (size_t i = 0; i <= SL_PATCH_MAX / sizeof zeros; i++) {
        sl_patch_add(&patch, "/a", (struct sl_str){zeros, sizeof zeros});
    }
    assert_int_equal(sl_patch_finish(&patch, &text, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);
    assert_string_equal(err.msg, "the patch is larger than 4194304 bytes");
    assert_true(sl_str_is(text, "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_rfc_6902_appendix_a),
        cmocka_unit_test(a_patch_with_two_ops_in_one_operation_does_not_parse),
        cmocka_unit_test(operations_reach_every_kind_of_place),
        cmocka_unit_test(a_test_compares_values_not_texts),
        cmocka_unit_test(what_the_rfc_calls_an_error_is_refused),
        cmocka_unit_test(a_failed_patch_changes_nothing),
        cmocka_unit_test(copies_of_copies_are_bounded),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(values_are_found_by_pointer),
        cmocka_unit_test(segments_are_escaped),
        cmocka_unit_test(a_patch_is_built_as_text),
        cmocka_unit_test(what_is_built_applies),
        cmocka_unit_test(a_patch_that_grows_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
