/* Label selectors: what they match, and what is said about wrong ones. */
#include "codec/selector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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

#define KEY_IN(op, values)                                                                         \
    "{\"matchExpressions\":[{\"key\":\"tier\",\"operator\":\"" op "\"" values "}]}"

/* The pods that every selector is held against. */
static const struct sl_label web[] = {
    {SL_STR_INIT("app"), SL_STR_INIT("web")},
    {SL_STR_INIT("tier"), SL_STR_INIT("front")},
};
static const struct sl_label other_tier[] = {
    {SL_STR_INIT("app"), SL_STR_INIT("web")},
    {SL_STR_INIT("tier"), SL_STR_INIT("back")},
};
static const struct sl_label empty_tier[] = {
    {SL_STR_INIT("tier"), SL_STR_INIT("")},
};
static const struct sl_labels pods[] = {{web, 2}, {other_tier, 2}, {empty_tier, 1}, {NULL, 0}};
enum { WEB = 1, OTHER_TIER = 2, EMPTY_TIER = 4, BARE = 8, ALL = 15 };

static void selectors_match_as_in_kubernetes(void **state)
{
    (void)state;
    const struct {
        const char *selector;
        int matches;
    } rows[] = {
        {"{}", ALL},
        {"{\"matchLabels\":{}}", ALL},
        {"{\"matchLabels\":null,\"matchExpressions\":null}", ALL},
        {"{\"matchExpressions\":[]}", ALL},
        {"{\"matchLabels\":{\"app\":\"web\"}}", WEB | OTHER_TIER},
        {"{\"matchLabels\":{\"app\":\"web\",\"tier\":\"front\"}}", WEB},
        {"{\"matchLabels\":{\"app\":\"we\"}}", 0},
        {"{\"matchLabels\":{\"tier\":\"\"}}", EMPTY_TIER},
        {KEY_IN("In", ",\"values\":[\"front\"]"), WEB},
        {KEY_IN("In", ",\"values\":[\"back\",\"front\"]"), WEB | OTHER_TIER},
        {KEY_IN("In", ",\"values\":[\"\"]"), EMPTY_TIER},
        {KEY_IN("NotIn", ",\"values\":[\"front\"]"), OTHER_TIER | EMPTY_TIER | BARE},
        {KEY_IN("NotIn", ",\"values\":[\"front\",\"\"]"), OTHER_TIER | BARE},
        {KEY_IN("Exists", ""), WEB | OTHER_TIER | EMPTY_TIER},
        {KEY_IN("Exists", ",\"values\":[]"), WEB | OTHER_TIER | EMPTY_TIER},
        {KEY_IN("DoesNotExist", ",\"values\":null"), BARE},
        {"{\"matchLabels\":{\"app\":\"web\"},\"matchExpressions\":["
         "{\"key\":\"tier\",\"operator\":\"NotIn\",\"values\":[\"front\"]}]}",
         OTHER_TIER},
        {"{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"Exists\"},"
         "{\"key\":\"tier\",\"operator\":\"In\",\"values\":[\"front\"]}]}",
         WEB},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
        struct sl_selector selector = {0};
        struct json_object *object = parse(rows[i].selector);
        sl_selector_decode(object, NULL, &selector, &problems);
        json_object_put(object); /* the selector has copies of its texts */
        assert_int_equal(problems.count, 0);
        for (size_t pod = 0; pod < sizeof pods / sizeof pods[0]; pod++) {
            bool wanted = (rows[i].matches & (1 << pod)) != 0;
            if (sl_selector_matches(&selector, pods[pod]) != wanted) {
                fail_msg("%s: pod %zu", rows[i].selector, pod);
            }
        }
    }
}

static void wrong_selectors_are_problems_with_their_path(void **state)
{
    (void)state;
    const struct {
        const char *selector, *says;
    } rows[] = {
        {"[]", "spec.selector: must be an object, is a list"},
        {"{\"matchlabels\":{}}",
         "spec.selector.matchlabels: unknown key; did you mean \"matchLabels\"?"},
        {"{\"matchLabels\":[]}",
         "spec.selector.matchLabels: must be an object of labels and their values"},
        {"{\"matchLabels\":{\"app\":1}}",
         "spec.selector.matchLabels.app: must be a string, write its value in quotes"},
        {"{\"matchLabels\":{\"app\":null}}",
         "spec.selector.matchLabels.app: must be a string, write its value in quotes"},
        {"{\"matchLabels\":{\"x.io/app\":\"-\"}}",
         "spec.selector.matchLabels[x.io/app]: must be empty or consist of letters, digits, '-', "
         "'_' and '.', and start and end with a letter or digit, is \"-\""},
        {"{\"matchLabels\":{\"/app\":\"web\"}}",
         "spec.selector.matchLabels[/app]: the key must have a DNS subdomain before the '/', such "
         "as example.com/name"},
        {"{\"matchExpressions\":{}}",
         "spec.selector.matchExpressions: must be a list, is an object"},
        {"{\"matchExpressions\":[{\"operator\":\"Exists\"}]}",
         "spec.selector.matchExpressions[0].key: is required"},
        {"{\"matchExpressions\":[{\"key\":\"app\"}]}",
         "spec.selector.matchExpressions[0].operator: is required"},
        {KEY_IN("in", ",\"values\":[\"a\"]"),
         "spec.selector.matchExpressions[0].operator: must be one of In, NotIn, Exists, "
         "DoesNotExist, is \"in\""},
        {KEY_IN("In", ""), "spec.selector.matchExpressions[0].values: must have at least one value "
                           "for the operator In"},
        {KEY_IN("NotIn", ",\"values\":[]"),
         "spec.selector.matchExpressions[0].values: must have at least one value for the operator "
         "NotIn"},
        {KEY_IN("Exists", ",\"values\":[\"a\"]"),
         "spec.selector.matchExpressions[0].values: must have no values for the operator Exists"},
        {KEY_IN("DoesNotExist", ",\"values\":[\"a\"]"),
         "spec.selector.matchExpressions[0].values: must have no values for the operator "
         "DoesNotExist"},
        {KEY_IN("In", ",\"values\":[\"a\",2]"),
         "spec.selector.matchExpressions[0].values[1]: must be a string, is a whole number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        SL_AUTO(sl_json) struct json_object *object = parse(rows[i].selector);
        struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
        struct sl_field spec = SL_FIELD(NULL, "spec");
        struct sl_field at = SL_FIELD(&spec, "selector");
        struct sl_selector selector = {.count = 42};
        sl_selector_decode(object, &at, &selector, &problems);
        sl_problems_write(&problems, &out);
        assert_string_equal(out.data, rows[i].says);
        assert_int_equal(selector.count, 42); /* untouched */
    }
}

static void all_wrong_labels_are_reported_at_once(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_json)
    struct json_object *object =
        parse("{\"matchLabels\":{\"-\":\"-\",\"b\":\"-\"},\"matchExpressions\":[{}]}");
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    struct sl_selector selector = {0};
    sl_selector_decode(object, NULL, &selector, &problems);
    assert_int_equal(problems.count, 5);
}

static void a_label_is_found_by_its_whole_key(void **state)
{
    (void)state;
    assert_true(sl_str_is(sl_labels_get(pods[0], SL_STR("tier")), "front"));
    assert_null(sl_labels_get(pods[0], SL_STR("tie")).p);
    assert_non_null(sl_labels_get(pods[2], SL_STR("tier")).p);
    assert_null(sl_labels_get(pods[3], SL_STR("tier")).p);
}

static void selectors_are_written_as_a_query_takes_them(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"{}", ""},
        {"{\"matchLabels\":{\"app\":\"web\"}}", "app in (web)"},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"x\",\"y\"]},"
         "{\"key\":\"b\",\"operator\":\"Exists\"},{\"key\":\"c\",\"operator\":\"DoesNotExist\"}]}",
         "a notin (x,y),b,!c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        SL_AUTO(sl_json) struct json_object *object = parse(rows[i].json);
        struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
        struct sl_selector selector = {0};
        sl_selector_decode(object, NULL, &selector, &problems);
        sl_selector_write(&selector, &out);
        assert_true(sl_str_is(sl_buf_str(&out), rows[i].text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_match_as_in_kubernetes),
        cmocka_unit_test(wrong_selectors_are_problems_with_their_path),
        cmocka_unit_test(all_wrong_labels_are_reported_at_once),
        cmocka_unit_test(a_label_is_found_by_its_whole_key),
        cmocka_unit_test(selectors_are_written_as_a_query_takes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
