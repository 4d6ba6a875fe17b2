/* YAML as Kubernetes reads it: what texts mean, what is refused and where, and that what is written
 * reads back as the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "codec/jscan.h"
#include "codec/json.h"
#include "codec/problem.h"
#include "codec/yaml.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* All documents of a text as JSON, one a line. */
static void to_json(const char *text, struct sl_buf *json)
{
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    struct sl_err err = SL_ERR_INIT;
    if (sl_yaml_parse(sl_str_from(text), &docs, &err) != 0) {
        fail_msg("%s\nis refused: %s", text, err.msg);
    }
    for (size_t i = 0; i < sl_yaml_count(docs); i++) {
        sl_buf_adds(json, i == 0 ? "" : "\n");
        sl_json_write(sl_yaml_root(docs, i), json);
    }
}

struct reading {
    const char *yaml;
    const char *json;
};

static void check_readings(const struct reading *readings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        SL_AUTO(sl_buf) struct sl_buf json = SL_BUF_INIT(SL_MIB);
        to_json(readings[i].yaml, &json);
        if (strcmp(json.len == 0 ? "" : json.data, readings[i].json) != 0) {
            fail_msg("%s\nis %s\nnot %s", readings[i].yaml, json.data, readings[i].json);
        }
    }
}

static void an_unquoted_scalar_has_the_type_that_kubernetes_gives_it(void **state)
{
    (void)state;
    /* The elements of a flow list: each is what go-yaml v2's resolve() makes of it. */
    static const struct reading scalars[] = {
        {"- [~, null, Null, NULL, nUll, ]", "[[null,null,null,null,\"nUll\"]]"},
        {"- [true, True, TRUE, tRue]", "[[true,true,true,\"tRue\"]]"},
        {"- [false, False, FALSE]", "[[false,false,false]]"},
        {"- [y, Y, yes, Yes, YES, yEs]", "[[true,true,true,true,true,\"yEs\"]]"},
        {"- [n, N, no, No, NO, nO]", "[[false,false,false,false,false,\"nO\"]]"},
        {"- [on, On, ON, off, Off, OFF]", "[[true,true,true,false,false,false]]"},
        {"- [0, 5, -5, +5, -0]", "[[0,5,-5,5,0]]"},
        {"- [0x1F, -0x1f, 0o17, 017, 0b101, -0b1]", "[[31,-31,15,15,5,-1]]"},
        {"- [0777, 08, 0_8, 1_000, _1, 1_]", "[[511,8,8,1000,\"_1\",1]]"},
        {"- [0x, 0b, 0o8, 0b2, 0xg, 1x]", "[[\"0x\",\"0b\",\"0o8\",\"0b2\",\"0xg\",\"1x\"]]"},
        {"- [9223372036854775807, 9223372036854775808]",
         "[[9223372036854775807,9223372036854775808]]"},
        {"- [-9223372036854775808, 18446744073709551615]",
         "[[-9223372036854775808,18446744073709551615]]"},
        {"- [0x10000000000000000]", "[[\"0x10000000000000000\"]]"},
        {"- [1.5, -1.5, .5, 5., 1e3, 1E-2, 08.5]", "[[1.5,-1.5,0.5,5.0,1000.0,0.01,8.5]]"},
        {"- [0.1, 1e300, 1.0]", "[[0.1,1e+300,1.0]]"},
        {"- [., e3, .e3, 1e, 1e+, +, -a, ._5]",
         "[[\".\",\"e3\",\".e3\",\"1e\",\"1e+\",\"+\",\"-a\",\"._5\"]]"},
        {"- [12e4567, 0x1p3, 1.2.3, 10.0.0.1]", "[[\"12e4567\",\"0x1p3\",\"1.2.3\",\"10.0.0.1\"]]"},
        {"- [1:30, 190:20:30, 2001-12-14, 2001-12-14T21:59:43Z]",
         "[[\"1:30\",\"190:20:30\",\"2001-12-14\",\"2001-12-14T21:59:43Z\"]]"},
        {"- [inf, nan, infinity]", "[[\"inf\",\"nan\",\"infinity\"]]"},
        {"- [\"on\", 'on', \"1\", '~', \"\", '']", "[[\"on\",\"on\",\"1\",\"~\",\"\",\"\"]]"},
        {"a: |\n  on\nb: >\n  1\n", "{\"a\":\"on\\n\",\"b\":\"1\\n\"}"},
        {"a:\nb: \n", "{\"a\":null,\"b\":null}"},
        {"- [=, <<]", "[[\"=\",\"<<\"]]"},
    };
    check_readings(scalars, COUNT(scalars));
}

static void a_tag_sets_the_type(void **state)
{
    (void)state;
    static const struct reading tagged[] = {
        {"- [!!str 5, !!str on, !!str ~, !!str , !!str 'x']", "[[\"5\",\"on\",\"~\",\"\",\"x\"]]"},
        {"- [!!int 5, !!int \"0x10\", !!int 18446744073709551615]",
         "[[5,16,18446744073709551615]]"},
        {"- [!!float 5, !!float 1.5, !!bool yes, !!bool 'off', !!null '', !!null ~]",
         "[[5.0,1.5,true,false,null,null]]"},
        {"- !!map {a: !!seq [1]}", "[{\"a\":[1]}]"},
        {"- !<tag:yaml.org,2002:str> 5", "[\"5\"]"},
        {"%TAG !k! tag:yaml.org,2002:\n--- !k!str 5", "\"5\""},
    };
    check_readings(tagged, COUNT(tagged));
}

static void keys_are_text_integers_or_bools(void **state)
{
    (void)state;
    static const struct reading keys[] = {
        {"1: a\n0x10: b\n-5: c\n", "{\"1\":\"a\",\"16\":\"b\",\"-5\":\"c\"}"},
        {"on: a\n\"on\": b\nno: c\n", "{\"true\":\"a\",\"on\":\"b\",\"false\":\"c\"}"},
        {"? a\n: b\n? !!str 1.5\n: c\n", "{\"a\":\"b\",\"1.5\":\"c\"}"},
        {"- &k name\n- *k : a\n", "[\"name\",{\"name\":\"a\"}]"},
        {"\"\": a\n'a b': c\n", "{\"\":\"a\",\"a b\":\"c\"}"},
    };
    check_readings(keys, COUNT(keys));
}

static void anchors_and_merges_are_expanded(void **state)
{
    (void)state;
    static const struct reading anchored[] = {
        {"a: &x {b: 1}\nc: *x\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}"},
        {"- &x 1\n- &x 2\n- *x\n", "[1,2,2]"},
        {"- &x {a: 1, b: 2}\n- <<: *x\n  b: 3\n", "[{\"a\":1,\"b\":2},{\"a\":1,\"b\":3}]"},
        {"- &x {a: 1, b: 2}\n- {<<: [*x, {a: 3, c: 4}], d: 5}\n",
         "[{\"a\":1,\"b\":2},{\"a\":1,\"b\":2,\"c\":4,\"d\":5}]"},
        {"- &x {a: 1}\n- &y {<<: *x, b: 2}\n- {c: 3, <<: *y}\n",
         "[{\"a\":1},{\"a\":1,\"b\":2},{\"c\":3,\"a\":1,\"b\":2}]"},
        {"- &x {a: 1}\n- !!merge <<: *x\n", "[{\"a\":1},{\"a\":1}]"},
        {"\"<<\": {a: 1}\n", "{\"<<\":{\"a\":1}}"},
        {"<<: []\na: 1\n", "{\"a\":1}"},
    };
    check_readings(anchored, COUNT(anchored));
}

static void a_text_may_have_several_documents(void **state)
{
    (void)state;
    static const struct reading texts[] = {
        {"", ""},
        {"# nothing\n", ""},
        {"---\n---\n# nothing\n---\n~\n", ""},
        {"a: 1\n---\nb: 2\n...\n---\n- c\n", "{\"a\":1}\n{\"b\":2}\n[\"c\"]"},
        {"\xef\xbb\xbf"
         "a: 1\n",
         "{\"a\":1}"},
        {"a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}"},
        {"--- {a: 1, 'b': 010,}\n", "{\"a\":1,\"b\":8}"},
        {"a: \"\\u00e9\\U0001f600\\x41\\/\"\n", "{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80"
                                                "A/\"}"},
    };
    check_readings(texts, COUNT(texts));
}

static void text_that_begins_with_a_bracket_is_a_stream_of_json_texts(void **state)
{
    (void)state;
    static const struct reading texts[] = {
        {"{\"a\":1}", "{\"a\":1}"},
        {"\xef\xbb\xbf \n [1,\"yes\"]\n", "[1,\"yes\"]"},
        {"{\"a\":1}{\"b\":2}\n[3]", "{\"a\":1}\n{\"b\":2}\n[3]"},
        {"{\"a\":1}\n---\n{\"b\":2}\n---\n", "{\"a\":1}\n{\"b\":2}"},
        {"{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\xf0\x9f\x98\x80\"}"},
    };
    check_readings(texts, COUNT(texts));
}

/* --- refusals --- */

static void expect_refusal(struct sl_str text, const char *msg)
{
    struct sl_yaml_docs *docs = NULL;
    struct sl_err err = SL_ERR_INIT;
    if (sl_yaml_parse(text, &docs, &err) == 0) {
        sl_yaml_docs_free(docs);
        fail_msg("%.200s\nis not refused", text.p);
    }
    assert_null(docs);
    assert_int_equal(err.kind, SL_ERR_INVALID);
    if (strncmp(err.msg, msg, strlen(msg)) != 0) {
        fail_msg("%.200s\nis refused with: %s\nnot: %s", text.p, err.msg, msg);
    }
}

static void what_is_refused_says_line_column_and_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *msg;
    } refusals[] = {
        {"a: 1\nb:\n  c: 2\n  c: 3\n",
         "line 4, column 3: the key \"c\" is on line 3 already; remove one"},
        {"1: a\n\"1\": b\n", "line 2, column 1: the key \"1\" is on line 1 already; remove one"},
        {"a: .inf\n", "line 1, column 4: \".inf\" is not a number in JSON; quote it"},
        {"a:\n- -.INF\n", "line 2, column 3: \"-.INF\" is not a number in JSON"},
        {"a: .nan\n", "line 1, column 4: \".nan\" is not a number in JSON"},
        {"a: 18446744073709551616\n",
         "line 1, column 4: \"18446744073709551616\" does not fit 64 bits; quote it"},
        {"a: -9223372036854775809\n", "line 1, column 4: \"-9223372036854775809\" does not fit"},
        {"a: 0777777777777777777777777\n", "line 1, column 4: \"0777777777777777777777777\" does"},
        {"a: 08000000000000000000000\n", "line 1, column 4: \"08000000000000000000000\" does not"},
        {"? [a]\n: b\n", "line 1, column 3: a key cannot be a list or a mapping"},
        {"x:\n  {{ .Values.x }}: 1\n", "line 2, column 3: a key cannot be a list or a mapping"},
        {"~: b\n", "line 1, column 1: this key is not text; quote it"},
        {"1.0: b\n", "line 1, column 1: this key is not text; quote it"},
        {"\"a\\0b\": 1\n", "line 1, column 1: a key cannot contain the character \\0"},
        {"a: !secret b\n", "line 1, column 4: \"b\" has an unknown tag"},
        {"a: !!timestamp 2001-12-14\n", "line 1, column 4: \"2001-12-14\" has an unknown tag"},
        {"a: !!binary Zm9v\n", "line 1, column 4: \"Zm9v\" has the tag !!binary: write"},
        {"a: !!int x\n", "line 1, column 4: \"x\" is not an integer, as its tag says"},
        {"a: !!int 1.5\n", "line 1, column 4: \"1.5\" is not an integer, as its tag says"},
        {"a: !!bool 1\n", "line 1, column 4: \"1\" is not true or false, as its tag says"},
        {"a: !!null x\n", "line 1, column 4: \"x\" is not null, as its tag says"},
        {"a: !!float .inf\n", "line 1, column 4: \".inf\" is not a number in JSON"},
        {"a: !!map [b]\n", "line 1, column 4: a list cannot have the tag tag:yaml.org,2002:map"},
        {"a: !!set {b}\n", "line 1, column 4: a mapping cannot have the tag"},
        {"a: *x\n", "line 1, column 4: there is no anchor &x above *x in this document"},
        {"a: &x 1\n---\nb: *x\n", "line 3, column 4: there is no anchor &x above *x"},
        {"a: &x [*x]\n", "line 1, column 8: the value of &x contains itself; remove *x"},
        {"a: &x 1\n<<: *x\n", "line 2, column 5: a merge (<<) takes a mapping or a list"},
        {"<<: [{a: 1}, 2]\n", "line 1, column 14: a merge (<<) takes a mapping or a list"},
        {"a: 1\n<<: {a: 2}\n", "line 2, column 1: this merge would overwrite the key \"a\" above"},
        {"<<: {a: 1}\n<<: {b: 2}\n", "line 2, column 1: there is a merge (<<) above"},
        {"<<: {a: 1}\na: 2\na: 3\n", "line 3, column 1: the key \"a\" is on line 2 already"},
        {"a: 1\n\tb: 2\n", "line 2, column 1: "},
        {"a: @x\n", "line 1, column 4: found character that cannot start any token while"},
        {"a: b: c\n", "line 1, column 5: mapping values are not allowed in this context; quote"},
        {"a: 1\n b: 2\n", "line 2, column 3: mapping values are not allowed in this context"},
        {"a:\n  - 1\n - 2\n", "line 3, column 2: did not find expected key while parsing a block "
                              "mapping (from line 1); check the indentation"},
        {"a: \"x\nb: 1\n", "line 3, column 1: found unexpected end of stream while scanning a "
                           "quoted scalar (from line 1); close the quote"},
        {"a: [1\n", "line 2, column 1: did not find expected ',' or ']' while parsing a flow"},
        {"a: \xff\n", "line 1, column 4: invalid leading UTF-8 octet; save the text as UTF-8"},
        {"\xc3\xa9: \x01\n", "line 1, column 4: control characters are not allowed; remove it"},
        {"\xc3\xa9: @\n", "line 1, column 4: found character that cannot start any token"},
        {"\xff\xfe"
         "a",
         "line 1, column 1: invalid leading UTF-8 octet"},
        {"a: \"\\ud83d\\ude00\"\n", "line 1, column 7: found invalid Unicode character escape"},
    };
    for (size_t i = 0; i < COUNT(refusals); i++) {
        expect_refusal(sl_str_from(refusals[i].yaml), refusals[i].msg);
    }
    expect_refusal(SL_STR("a: b\0c\n"), "line 1, column 5: control characters are not allowed");
}

static void json_is_read_strictly_and_its_lines_are_those_of_the_whole_text(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *msg;
    } refusals[] = {
        {"[a]: b\n", "invalid JSON at line 1, column 2"},
        {"{\"a\": 1,}", "invalid JSON at line 1, column 9"},
        {"{a: 1}", "invalid JSON at line 1, column 2"},
        {"{\"a\": 1}\n\n {\"b\": 01}\n", "invalid JSON at line 3, column 8"},
        {"{\"a\": 1}\n{\"b\": 1,\n \"b\": 2}\n", "invalid JSON at line 3, column 2"},
        {"{\"a\": 1}\nb: 2\n", "invalid JSON at line 2, column 1"},
    };
    for (size_t i = 0; i < COUNT(refusals); i++) {
        expect_refusal(sl_str_from(refusals[i].json), refusals[i].msg);
    }
}

static void broken_json_says_how_to_have_it_read_as_yaml(void **state)
{
    (void)state;
    struct sl_yaml_docs *docs = NULL;
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_yaml_parse(SL_STR("{a: 1}"), &docs, &err), -1);
    assert_non_null(strstr(err.msg, "put --- before it to have it read as YAML"));
}

static void nesting_is_capped_before_it_costs_anything(void **state)
{
    (void)state;
    static const struct {
        const char *open, *inner, *close;
    } shapes[] = {{"[", "1", "]"}, {"{a: ", "1", "}"}, {"- ", "1", ""}, {"? ", "a", ""}};
    for (size_t i = 0; i < COUNT(shapes); i++) {
        for (size_t depth = SL_JSON_DEPTH; depth <= 200000; depth += 199999 - SL_JSON_DEPTH) {
            bool fits = depth == SL_JSON_DEPTH;
            SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(4 * SL_MIB);
            sl_buf_adds(&text, "---\n");
            for (size_t k = 0; k < depth; k++) {
                sl_buf_adds(&text, shapes[i].open);
            }
            sl_buf_adds(&text, shapes[i].inner);
            for (size_t k = 0; k < depth; k++) {
                sl_buf_adds(&text, shapes[i].close);
            }
            SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
            struct sl_err err = SL_ERR_INIT;
            int rc = sl_yaml_parse(sl_buf_str(&text), &docs, &err);
            if (shapes[i].open[0] == '?') { /* mappings as keys: refused either way */
                assert_int_equal(rc, -1);
                continue;
            }
            assert_int_equal(rc, fits ? 0 : -1);
            assert_true(fits || strstr(err.msg, "nested more than 128 deep") != NULL);
        }
    }
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
    sl_buf_adds(&text, "- &a0 []\n");
    for (int i = 1; i < SL_JSON_DEPTH; i++) {
        sl_buf_addf(&text, "- &a%d [*a%d]\n", i, i - 1);
    }
    expect_refusal(sl_buf_str(&text), "line 128, column 10: values are nested more than 128 deep");
}

static void a_bomb_of_aliases_is_refused_before_it_is_expanded(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
    sl_buf_adds(&text, "a0: &a0 lol\n");
    for (int i = 1; i < 60; i++) {
        sl_buf_addf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1,
                    i - 1);
    }
    expect_refusal(sl_buf_str(&text), "line 11, column 17: the text has more than 1000000 values");

    sl_buf_reset(&text);
    sl_buf_adds(&text, "- &big \"");
    for (size_t i = 0; i < 64 * SL_KIB; i++) {
        sl_buf_addc(&text, 'x');
    }
    sl_buf_adds(&text, "\"\n");
    for (size_t i = 0; i < 1000; i++) {
        sl_buf_adds(&text, "- *big\n");
    }
    expect_refusal(sl_buf_str(&text), "line 976, column 3: the text has more than 1000000 values");
}

/* --- places --- */

static void check_places(const char *text, size_t document, const char *const (*places)[2],
                         size_t count)
{
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_yaml_parse(sl_str_from(text), &docs, &err), 0);
    for (size_t i = 0; i < count; i++) {
        struct sl_yaml_mark mark = sl_yaml_locate(docs, document, places[i][0]);
        char found[32];
        (void)snprintf(found, sizeof found, "%u:%u", mark.line, mark.column);
        if (strcmp(found, places[i][1]) != 0) {
            fail_msg("%s is at %s, not %s", places[i][0], found, places[i][1]);
        }
    }
}

static void a_field_path_finds_its_key_or_the_nearest_one_above(void **state)
{
    (void)state;
    static const char text[] = "# first\n"
                               "skipped: true\n"
                               "---\n"
                               "kind: TrafficPolicy\n"
                               "metadata:\n"
                               "  annotations: {a: b, sluice.dev/held: c, \"x]\": {k: 1}}\n"
                               "spec:\n"
                               "  base: &base\n"
                               "    from: base\n"
                               "  loadBalancers:\n"
                               "  - name: edge\n"
                               "  - <<: *base\n"
                               "    name: slb\n"
                               "  - - 1\n"
                               "    - two: 2\n"
                               "  same: *base\n"
                               "  both: {<<: [{p: 1}, {p: 2, q: 3}]}\n"
                               "  0x10: hex\n";
    static const char *const places[][2] = {
        {"", "4:1"},
        {"kind", "4:1"},
        {"kind.deeper", "4:1"},
        {"metadata.annotations", "6:3"},
        {"metadata.annotations.a", "6:17"},
        {"metadata.annotations[sluice.dev/held]", "6:23"},
        {"metadata.annotations.sluice.dev/held", "6:3"},
        {"metadata.annotations[x]].k", "6:50"},
        {"metadata.annotations[x]].z", "6:43"},
        {"spec.loadBalancers", "10:3"},
        {"spec.loadBalancers[0]", "11:5"},
        {"spec.loadBalancers[0].name", "11:5"},
        {"spec.loadBalancers[1]", "12:5"},
        {"spec.loadBalancers[1].name", "13:5"},
        {"spec.loadBalancers[1].from", "9:5"},
        {"spec.loadBalancers[2][1].two", "15:7"},
        {"spec.loadBalancers[3].name", "10:3"},
        {"spec.loadBalancers.name", "10:3"},
        {"spec.same.from", "9:5"},
        {"spec.same.other", "16:3"},
        {"spec.both.p", "17:16"},
        {"spec.both.q", "17:30"},
        {"spec.16", "18:3"},
        {"spec.missing", "7:1"},
        {"missing", "4:1"},
        {"kin", "4:1"},
        {"spec[0]", "7:1"},
    };
    check_places(text, 1, places, COUNT(places));
}

static void a_field_path_is_found_in_json_too(void **state)
{
    (void)state;
    static const char text[] = "{\"skipped\": 1}\n"
                               "{\"kind\": \"Pod\", \"\xc3\xa9\": {\"\\u0061.b\": 1},\n"
                               "  \"list\": [1, {\"x\": null}]\n"
                               "}\n";
    static const char *const places[][2] = {
        {"", "2:1"},          {"kind", "2:2"},           {"kind.deeper", "2:2"},
        {"\xc3\xa9", "2:17"}, {"\xc3\xa9[a.b]", "2:23"}, {"list", "3:3"},
        {"list[0]", "3:12"},  {"list[1].x", "3:16"},     {"list[1].y", "3:15"},
        {"list[2]", "3:3"},   {"missing", "2:1"},
    };
    check_places(text, 1, places, COUNT(places));
}

static void what_sl_field_path_writes_is_found(void **state)
{
    (void)state;
    static const char *const keys[] = {"name", "a.b/c", "x]", "[0]", "0", "..", "a b", "true", ""};
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
    for (size_t i = 0; i < COUNT(keys); i++) {
        sl_buf_addf(&text, "\"%s\":\n- {}\n- \"%s\": 1\n", keys[i], keys[i]);
    }
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    assert_int_equal(sl_yaml_parse(sl_buf_str(&text), &docs, NULL), 0);
    for (unsigned i = 0; i < COUNT(keys); i++) {
        struct sl_field outer = SL_FIELD(NULL, keys[i]);
        struct sl_field element = SL_FIELD_AT(&outer, 1);
        struct sl_field inner = SL_FIELD(&element, keys[i]);
        assert_int_equal(sl_yaml_locate(docs, 0, sl_field_path(&arena, &outer)).line, 3 * i + 1);
        struct sl_yaml_mark mark = sl_yaml_locate(docs, 0, sl_field_path(&arena, &inner));
        assert_int_equal(mark.line, 3 * i + 3);
        assert_int_equal(mark.column, 3);
    }
}

static void a_document_that_is_not_there_has_no_place(void **state)
{
    (void)state;
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    assert_int_equal(sl_yaml_parse(SL_STR("a: 1"), &docs, NULL), 0);
    assert_int_equal(sl_yaml_locate(docs, 1, "a").line, 0);
    assert_null(sl_yaml_root(docs, 1));
}

/* --- writing --- */

static void expect_round_trip(const struct json_object *tree, const char *name)
{
    SL_AUTO(sl_buf) struct sl_buf yaml = SL_BUF_INIT(SL_MIB);
    struct sl_err err = SL_ERR_INIT;
    if (sl_yaml_write(tree, &yaml, &err) != 0) {
        fail_msg("%s is not written: %s", name, err.msg);
    }
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    if (sl_yaml_parse(sl_buf_str(&yaml), &docs, &err) != 0) {
        fail_msg("%s was written as\n%s\nwhich is refused: %s", name, yaml.data, err.msg);
    }
    if (sl_yaml_count(docs) != 1 || !sl_json_equal(sl_yaml_root(docs, 0), tree)) {
        fail_msg("%s was written as\n%s\nwhich reads as something else", name, yaml.data);
    }
}

static void what_is_written_is_block_yaml_with_quotes_where_needed(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *yaml;
    } writings[] = {
        {"{}", "{}\n"},
        {"[]", "[]\n"},
        {"5", "5\n"},
        {"\"x\"", "x\n"},
        {"{\"a\":{\"b\":[1,{\"c\":null,\"d\":[]}],\"e\":{}}}",
         "a:\n  b:\n  - 1\n  - c: null\n    d: []\n  e: {}\n"},
        {"[true,false,null,-1,18446744073709551615,1.5,1.0,0.1,1e100]",
         "- true\n- false\n- null\n- -1\n- 18446744073709551615\n- 1.5\n- 1.0\n- 0.1\n- 1e+100\n"},
        {"[\"true\",\"on\",\"n\",\"\",\"~\",\"1\",\"0x1\",\"1_0\",\"1e3\",\".inf\","
         "\"99999999999999999999\"]",
         "- \"true\"\n- \"on\"\n- \"n\"\n- \"\"\n- \"~\"\n- \"1\"\n- \"0x1\"\n- \"1_0\"\n- "
         "\"1e3\"\n"
         "- \".inf\"\n- \"99999999999999999999\"\n"},
        {"[\"1:30\",\"2001-12-14\",\"<<\",\"=\"]",
         "- \"1:30\"\n- \"2001-12-14\"\n- \"<<\"\n- \"=\"\n"},
        {"[\"a b\",\"10.0.0.1\",\"nginx:1.27\",\"a: b\",\"# x\",\"- x\",\"{x\",\" x\",\"it's\"]",
         "- a b\n- 10.0.0.1\n- nginx:1.27\n- 'a: b'\n- '# x'\n- '- x'\n- '{x'\n- ' x'\n- it's\n"},
        {"{\"yes\":1,\"a b\":2,\"a: b\":3,\"8\":4}", "\"yes\": 1\na b: 2\n'a: b': 3\n\"8\": 4\n"},
        {"{\"sh\":\"#!/bin/sh\\n  echo\\n\",\"no\\nend\":\"a\\nb\"}",
         "sh: |\n  #!/bin/sh\n    echo\n? |-\n  no\n  end\n: |-\n  a\n  b\n"},
        {"[\"a \\nb\",\"\\na\",\" a\\nb\",\"a\\n\\n\",\"a\\r\\nb\"]",
         "- \"a \\nb\"\n- \"\\na\"\n- \" a\\nb\"\n- \"a\\n\\n\"\n- \"a\\r\\nb\"\n"},
        {"[\"\\u0000\\u0001\\u007f\\u0085\\u2028\\ufeff\",\"\xc3\xa9\"]",
         "- \"\\0\\x01\\x7F\\N\\L\\uFEFF\"\n- \xc3\xa9\n"},
    };
    for (size_t i = 0; i < COUNT(writings); i++) {
        SL_AUTO(sl_json) struct json_object *tree = NULL;
        SL_AUTO(sl_buf) struct sl_buf yaml = SL_BUF_INIT(SL_MIB);
        assert_int_equal(sl_json_parse(sl_str_from(writings[i].json), &tree, NULL), 0);
        assert_int_equal(sl_yaml_write(tree, &yaml, NULL), 0);
        assert_string_equal(yaml.data, writings[i].yaml);
        expect_round_trip(tree, writings[i].json);
    }
}

static void a_long_line_is_not_folded(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
    for (int i = 0; i < 200; i++) {
        sl_buf_adds(&text, "word ");
    }
    sl_buf_adds(&text, "end");
    SL_AUTO(sl_json) struct json_object *tree = json_object_new_string(text.data);
    SL_AUTO(sl_buf) struct sl_buf yaml = SL_BUF_INIT(SL_MIB);
    assert_int_equal(sl_yaml_write(tree, &yaml, NULL), 0);
    assert_ptr_equal(strchr(yaml.data, '\n'), yaml.data + yaml.len - 1);
    expect_round_trip(tree, "a long line");
}

static void what_cannot_be_written_is_refused(void **state)
{
    (void)state;
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_buf) struct sl_buf yaml = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_json) struct json_object *no_utf8 = json_object_new_string("a\xff");
    assert_int_equal(sl_yaml_write(no_utf8, &yaml, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);

    SL_AUTO(sl_json) struct json_object *infinite = json_object_new_double(1e308 * 10);
    assert_int_equal(sl_yaml_write(infinite, &yaml, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);

    SL_AUTO(sl_json) struct json_object *deep = json_object_new_string("bottom");
    for (int i = 0; i < SL_JSON_DEPTH; i++) {
        struct json_object *array = json_object_new_array();
        json_object_array_add(array, sl_steal(&deep));
        deep = array;
    }
    expect_round_trip(deep, "the deepest tree");
    struct json_object *deeper = json_object_new_array();
    json_object_array_add(deeper, sl_steal(&deep));
    deep = deeper;
    assert_int_equal(sl_yaml_write(deep, &yaml, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);

    SL_AUTO(sl_buf) struct sl_buf small = SL_BUF_INIT(10);
    SL_AUTO(sl_json) struct json_object *large = json_object_new_string("more than ten bytes");
    assert_int_equal(sl_yaml_write(large, &small, &err), -1);
    assert_int_equal(err.kind, SL_ERR_INVALID);
    assert_non_null(strstr(err.msg, "larger than 10 bytes"));
}

static void every_fixture_reads_back_as_it_was(void **state)
{
    (void)state;
    DIR *directory = opendir(SL_FIXTURES "/admission");
    assert_non_null(directory);
    size_t count = 0;
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strstr(entry->d_name, ".json") == NULL) {
            continue;
        }
        char path[512];
        (void)snprintf(path, sizeof path, "%s/admission/%s", SL_FIXTURES, entry->d_name);
        SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
        assert_int_equal(sl_file_read(path, &text, NULL), 0);
        SL_AUTO(sl_json) struct json_object *tree = NULL;
        assert_int_equal(sl_json_parse(sl_buf_str(&text), &tree, NULL), 0);
        expect_round_trip(tree, entry->d_name);
        count++;
    }
    assert_int_equal(closedir(directory), 0);
    assert_true(count > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unquoted_scalar_has_the_type_that_kubernetes_gives_it),
        cmocka_unit_test(a_tag_sets_the_type),
        cmocka_unit_test(keys_are_text_integers_or_bools),
        cmocka_unit_test(anchors_and_merges_are_expanded),
        cmocka_unit_test(a_text_may_have_several_documents),
        cmocka_unit_test(text_that_begins_with_a_bracket_is_a_stream_of_json_texts),
        cmocka_unit_test(what_is_refused_says_line_column_and_what_to_do),
        cmocka_unit_test(json_is_read_strictly_and_its_lines_are_those_of_the_whole_text),
        cmocka_unit_test(broken_json_says_how_to_have_it_read_as_yaml),
        cmocka_unit_test(nesting_is_capped_before_it_costs_anything),
        cmocka_unit_test(a_bomb_of_aliases_is_refused_before_it_is_expanded),
        cmocka_unit_test(a_field_path_finds_its_key_or_the_nearest_one_above),
        cmocka_unit_test(a_field_path_is_found_in_json_too),
        cmocka_unit_test(what_sl_field_path_writes_is_found),
        cmocka_unit_test(a_document_that_is_not_there_has_no_place),
        cmocka_unit_test(what_is_written_is_block_yaml_with_quotes_where_needed),
        cmocka_unit_test(a_long_line_is_not_folded),
        cmocka_unit_test(what_cannot_be_written_is_refused),
        cmocka_unit_test(every_fixture_reads_back_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
