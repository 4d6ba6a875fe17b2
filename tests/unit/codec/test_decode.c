/* Decoding by tables: values, defaults, what is said about wrong documents, and the reference. */
#include "codec/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "codec/intstr.h"
#include "codec/json.h"
#include "codec/names.h"
#include "codec/selector.h"

/* A document with every type in it. */
struct balancer {
    struct sl_str name;
    int64_t port;
};

struct drain {
    int64_t wait;
    int on_timeout;
};

struct probe {
    struct sl_str path;
    int64_t period;
};

struct policy {
    struct sl_str name;
    bool gate;
    int64_t replicas;
    int64_t unbounded;
    struct sl_intstr unavailable;
    struct sl_selector selector;
    struct drain drain;
    bool has_probe;
    struct probe probe;
    struct sl_list balancers;
    struct sl_list namespaces;
    bool has_extra;
    struct json_object *extra;
};

static const char *const on_timeout_names[] = {"Proceed", "Hold", NULL};

#define ROW(struct_, member_, key_, type_)                                                         \
    .key = (key_), .type = (type_), .at = offsetof(struct struct_, member_),                       \
    .present = SL_DECODE_NO_PRESENT

static const struct sl_decode_row balancer_rows[] = {
    {ROW(balancer, name, "name", SL_D_STRING), .required = true, .check = sl_name_dns_label,
     .doc = "The balancer's name."},
    {ROW(balancer, port, "port", SL_D_INT), .min = 1, .max = 65535, .fallback = "8080",
     .doc = "The port that pods serve on."},
    {0},
};

static const struct sl_decode_row drain_rows[] = {
    {ROW(drain, wait, "wait", SL_D_DURATION), .min = 0, .max = 3600 * SL_NS_PER_S, .fallback = "3s",
     .doc = "How long the pod keeps serving after it left the balancers"},
    {ROW(drain, on_timeout, "onTimeout", SL_D_ENUM), .names = on_timeout_names, .fallback = "Hold",
     .doc = "What happens at the deadline."},
    {0},
};

static const struct sl_decode_row probe_rows[] = {
    {ROW(probe, path, "path", SL_D_STRING), .required = true, .doc = "Where to ask."},
    {ROW(probe, period, "periodSeconds", SL_D_INT), .min = 1, .max = INT64_MAX, .fallback = "10",
     .doc = "How often. Seconds"},
    {0},
};

static const struct sl_decode_row policy_rows[] = {
    {ROW(policy, name, "name", SL_D_STRING), .fallback = "12", .doc = "A name."},
    {ROW(policy, gate, "readinessGate", SL_D_BOOL), .fallback = "true",
     .doc = "Whether pods get a readiness gate."},
    {ROW(policy, replicas, "replicas", SL_D_INT), .min = -1, .max = 9, .doc = "A count."},
    {ROW(policy, unbounded, "unbounded", SL_D_INT), .doc = "Any number."},
    {ROW(policy, unavailable, "maxUnavailable", SL_D_INTSTR), .min = 1, .max = 100,
     .fallback = "25%", .doc = "At most this many pods out of service at once."},
    {ROW(policy, selector, "selector", SL_D_SELECTOR), .doc = "The pods that are meant."},
    {ROW(policy, drain, "drain", SL_D_OBJECT), .rows = drain_rows, .doc = "Leaving traffic."},
    {.key = "probe",
     .type = SL_D_OBJECT,
     .at = offsetof(struct policy, probe),
     .present = offsetof(struct policy, has_probe),
     .rows = probe_rows,
     .doc = "A probe of our own."},
    {ROW(policy, balancers, "loadBalancers", SL_D_LIST), .min = 1, .max = 2, .rows = balancer_rows,
     .size = sizeof(struct balancer), .doc = "The balancers."},
    {ROW(policy, namespaces, "namespaces", SL_D_STRINGS), .min = 1, .max = INT64_MAX,
     .check = sl_name_dns_label, .doc = "Where it holds."},
    {.key = "extra",
     .type = SL_D_ANY,
     .at = offsetof(struct policy, extra),
     .present = offsetof(struct policy, has_extra),
     .doc = "Anything."},
    {.key = "status",
     .type = SL_D_SKIP,
     .present = SL_DECODE_NO_PRESENT,
     .doc = "Somebody else's."},
    {0},
};

static struct json_object *parse(const char *text)
{
    struct json_object *root = NULL;
    struct sl_err err = SL_ERR_INIT;
    if (sl_json_parse(sl_str_from(text), &root, &err) != 0) {
        fail_msg("%s: %s", text, err.msg);
    }
    return root;
}

static void absent_keys_get_their_defaults(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "{}",
        "null",
        "{\"drain\":{},\"readinessGate\":null,\"probe\":null,\"loadBalancers\":null}",
        "{\"drain\":{\"wait\":null}}",
    };
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        SL_AUTO(sl_json) struct json_object *object = parse(documents[i]);
        struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
        struct policy policy = {0};
        sl_decode(object, policy_rows, &policy, NULL, &problems);
        assert_int_equal(problems.count, 0);
        assert_true(sl_str_is(policy.name, "12"));
        assert_true(policy.gate);
        assert_true(policy.unavailable.percent && policy.unavailable.value == 25);
        assert_int_equal(policy.drain.wait, 3 * SL_NS_PER_S);
        assert_int_equal(policy.drain.on_timeout, 1);
        /* The defaults of an object that is absent, though its required key is absent too. */
        assert_false(policy.has_probe);
        assert_int_equal(policy.probe.period, 10);
        assert_null(policy.probe.path.p);
        assert_int_equal(policy.replicas, 0);
        assert_int_equal(policy.selector.count, 0);
        assert_null(policy.balancers.items);
        assert_false(policy.has_extra);
    }
}

static void every_type_is_decoded(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct json_object *object =
        parse("{\"name\":\"a\\u0000b\",\"readinessGate\":false,\"replicas\":-1,"
              "\"unbounded\":-9223372036854775808,"
              "\"maxUnavailable\":100,\"selector\":{\"matchLabels\":{\"app\":\"web\"}},"
              "\"drain\":{\"wait\":\"1h\",\"onTimeout\":\"Proceed\"},\"probe\":{\"path\":\"\"},"
              "\"loadBalancers\":[{\"name\":\"edge\",\"port\":65535},{\"name\":\"slb\"}],"
              "\"namespaces\":[\"shop\",\"cart\"],\"extra\":[1],\"status\":{\"x\":1}}");
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    struct policy policy = {0};
    sl_decode(object, policy_rows, &policy, NULL, &problems);
    assert_int_equal(problems.count, 0);
    assert_true(policy.has_extra);
    assert_string_equal(json_object_to_json_string(policy.extra), "[ 1 ]");
    json_object_put(object); /* all but `extra` is a copy */

    assert_true(sl_str_eq(policy.name, SL_STR("a\0b")));
    assert_false(policy.gate);
    assert_int_equal(policy.replicas, -1);
    assert_true(policy.unbounded == INT64_MIN);
    assert_true(!policy.unavailable.percent && policy.unavailable.value == 100);
    assert_int_equal(policy.selector.count, 1);
    assert_int_equal(policy.drain.wait, 3600 * SL_NS_PER_S);
    assert_int_equal(policy.drain.on_timeout, 0);
    assert_true(policy.has_probe);
    assert_true(policy.probe.path.p != NULL && policy.probe.path.n == 0);
    assert_int_equal(policy.balancers.count, 2);
    const struct balancer *balancers = policy.balancers.items;
    assert_true(sl_str_is(balancers[0].name, "edge"));
    assert_int_equal(balancers[0].port, 65535);
    assert_true(sl_str_is(balancers[1].name, "slb"));
    assert_int_equal(balancers[1].port, 8080);
    const struct sl_str *namespaces = policy.namespaces.items;
    assert_int_equal(policy.namespaces.count, 2);
    assert_true(sl_str_is(namespaces[1], "cart"));
}

static void wrong_documents_are_problems_with_their_path(void **state)
{
    (void)state;
    const struct {
        const char *document, *says;
    } rows[] = {
        {"[]", "must be an object, is a list"},
        {"{\"name\":5}", "name: must be a string, is a whole number"},
        {"{\"readinessGate\":\"true\"}", "readinessGate: must be true or false, is a string"},
        {"{\"replicas\":\"3\"}", "replicas: must be a whole number, is a string"},
        {"{\"replicas\":5.0}",
         "replicas: must be a whole number, is a number with a fraction or an exponent"},
        {"{\"replicas\":10}", "replicas: must be between -1 and 9, is 10"},
        {"{\"replicas\":-2}", "replicas: must be between -1 and 9, is -2"},
        {"{\"unbounded\":9223372036854775808}",
         "unbounded: must be at most 9223372036854775807, is 9223372036854775808"},
        {"{\"maxUnavailable\":0}", "maxUnavailable: must be between 1 and 100, is 0"},
        {"{\"maxUnavailable\":101}", "maxUnavailable: must be between 1 and 100, is 101"},
        {"{\"maxUnavailable\":\"101%\"}",
         "maxUnavailable: must be between 1% and 100%, is \"101%\""},
        {"{\"maxUnavailable\":\"3\"}",
         "maxUnavailable: must be a number without quotes, or a percentage, is \"3\""},
        {"{\"maxUnavailable\":\"x\"}",
         "maxUnavailable: must be a whole number or a percentage such as \"25%\", is \"x\""},
        {"{\"maxUnavailable\":true}",
         "maxUnavailable: must be a whole number or a percentage such as \"25%\", is a boolean"},
        {"{\"selector\":{\"matchLabels\":{\"app\":\"-\"}}}",
         "selector.matchLabels.app: must be empty or consist of letters, digits, '-', '_' and '.', "
         "and start and end with a letter or digit, is \"-\""},
        {"{\"drain\":\"x\"}", "drain: must be an object, is a string"},
        {"{\"drain\":{\"wait\":5}}",
         "drain.wait: must be a duration such as \"5m30s\", is a whole number"},
        {"{\"drain\":{\"wait\":\"5\"}}", "drain.wait: must be a duration such as \"5m30s\": a "
                                         "number needs a unit (ns, us, ms, s, m "
                                         "or h), is \"5\""},
        {"{\"drain\":{\"wait\":\"61m\"}}", "drain.wait: must be between 0s and 1h, is \"61m\""},
        {"{\"drain\":{\"onTimeout\":\"x\"}}",
         "drain.onTimeout: must be one of Proceed, Hold, is \"x\""},
        {"{\"drain\":{\"onTimeout\":1}}",
         "drain.onTimeout: must be one of Proceed, Hold, is a whole number"},
        {"{\"probe\":{}}", "probe.path: is required"},
        {"{\"probe\":{\"path\":null}}", "probe.path: is required"},
        {"{\"probe\":{\"path\":\"/\",\"periodSeconds\":0}}",
         "probe.periodSeconds: must be at least 1, is 0"},
        {"{\"loadBalancers\":{}}", "loadBalancers: must be a list, is an object"},
        {"{\"loadBalancers\":[]}", "loadBalancers: must have 1 to 2 elements, has 0"},
        {"{\"loadBalancers\":[1,2,3]}", "loadBalancers: must have 1 to 2 elements, has 3"},
        {"{\"loadBalancers\":[null,1]}",
         "loadBalancers[0]: must be an object, is null; loadBalancers[1]: must be an object, is a "
         "whole number"},
        {"{\"loadBalancers\":[{\"name\":\"a\"},{\"port\":0}]}",
         "loadBalancers[1].name: is required; loadBalancers[1].port: must be between 1 and 65535, "
         "is 0"},
        {"{\"namespaces\":[]}", "namespaces: must have at least 1 element, has 0"},
        {"{\"namespaces\":[\"a\",null,\"-\"]}",
         "namespaces[1]: must be a string, is null; namespaces[2]: must consist of lower case "
         "letters, digits and '-', and start and end with a letter or digit, is \"-\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        SL_AUTO(sl_json) struct json_object *object = parse(rows[i].document);
        struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
        struct policy policy = {0};
        sl_decode(object, policy_rows, &policy, NULL, &problems);
        sl_problems_write(&problems, &out);
        assert_string_equal(out.data, rows[i].says);
    }
}

static void a_value_with_a_problem_keeps_its_zero(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_json)
    struct json_object *object =
        parse("{\"name\":5,\"readinessGate\":1,\"replicas\":99,\"unbounded\":9223372036854775808,"
              "\"maxUnavailable\":\"x\",\"selector\":[],\"drain\":{\"wait\":\"x\",\"onTimeout\":"
              "\"x\"},\"loadBalancers\":[],\"namespaces\":[]}");
    static const struct policy zero;
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    static struct policy policy; /* static, so that its padding is zero too */
    sl_decode(object, policy_rows, &policy, NULL, &problems);
    assert_int_equal(problems.count, 10);
    policy.probe = zero.probe; /* the one that has defaults */
    assert_memory_equal(&policy, &zero, sizeof zero);
}

static void unknown_keys_are_explained(void **state)
{
    (void)state;
    const struct {
        const char *document, *says;
    } rows[] = {
        {"{\"replica\":1}", "replica: unknown key; did you mean \"replicas\"?"},
        {"{\"replicass\":null}", "replicass: unknown key; did you mean \"replicas\"?"},
        {"{\"readynessgate\":true}", "readynessgate: unknown key; did you mean \"readinessGate\"?"},
        {"{\"drain\":{\"waits\":\"1s\"}}", "drain.waits: unknown key; did you mean \"wait\"?"},
        {"{\"drain\":{\"wait-for-it\":1}}",
         "drain.wait-for-it: unknown key; known here: wait, onTimeout"},
        {"{\"drain\":{\"\":1}}", "drain[]: unknown key; known here: wait, onTimeout"},
        {"{\"drain\":{\"waitwaitwaitwaitwaitwaitwaitwaitwaitwaitwaitwaitwaitwaitwaitwaitwait\":1}}",
         "drain.waitwaitwaitwaitwaitwaitwaitwaitwaitwaitwaitwaitwaitwaitwaitwaitwait: unknown key; "
         "known here: wait, onTimeout"},
        {"{\"drain\":{\"a.b/c\":1,\"wai\":2}}",
         "drain[a.b/c]: unknown key; known here: wait, onTimeout; drain.wai: unknown key; did you "
         "mean \"wait\"?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        SL_AUTO(sl_json) struct json_object *object = parse(rows[i].document);
        struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
        struct policy policy = {0};
        sl_decode(object, policy_rows, &policy, NULL, &problems);
        sl_problems_write(&problems, &out);
        assert_string_equal(out.data, rows[i].says);
    }
}

static void two_letters_are_not_taken_for_any_other_two(void **state)
{
    (void)state;
    static const struct sl_decode_row rows[] = {
        {.key = "op", .type = SL_D_ANY, .present = SL_DECODE_NO_PRESENT, .doc = "An operation."},
        {0},
    };
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_json) struct json_object *object = parse("{\"id\":1}");
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    struct json_object *op = NULL;
    sl_decode(object, rows, &op, NULL, &problems);
    assert_string_equal(problems.items[0].text, "unknown key; known here: op");
}

static void where_nothing_may_stand_every_key_is_unknown(void **state)
{
    (void)state;
    static const struct sl_decode_row rows[] = {{0}};
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_json) struct json_object *object = parse("{\"id\":1}");
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    char nothing = 0;
    sl_decode(object, rows, &nothing, NULL, &problems);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.items[0].path, "id");
    assert_string_equal(problems.items[0].text, "unknown key; nothing may stand here");
}

static void a_list_of_strings_has_a_default_too(void **state)
{
    (void)state;
    static const struct sl_decode_row rows[] = {
        {.key = "namespaces",
         .type = SL_D_STRINGS,
         .present = SL_DECODE_NO_PRESENT,
         .fallback = "[\"a\", \"b\"]",
         .doc = "Some."},
        {0},
    };
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    struct sl_list list = {0};
    sl_decode(NULL, rows, &list, NULL, &problems);
    assert_int_equal(problems.count, 0);
    assert_int_equal(list.count, 2);
    assert_true(sl_str_is(((const struct sl_str *)list.items)[1], "b"));
    sl_decode_reference(rows, 0, &out);
    assert_string_equal(out.data, "# Some.\nnamespaces: [\"a\", \"b\"]\n");
}

static void many_unknown_keys_are_counted(void **state)
{
    (void)state;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_json) struct json_object *object = json_object_new_object();
    for (int i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "key%d", i);
        (void)json_object_object_add(object, key, NULL);
    }
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    struct drain drain = {0};
    sl_decode(object, drain_rows, &drain, NULL, &problems);
    assert_int_equal(problems.count, 1000);
}

static void the_reference_shows_docs_rules_and_defaults(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_MIB);
    sl_decode_reference(policy_rows, 2, &out);
    assert_string_equal(
        out.data, "  # A name.\n"
                  "  name: \"12\"\n"
                  "  # Whether pods get a readiness gate.\n"
                  "  readinessGate: true\n"
                  "  # A count. -1 to 9.\n"
                  "  #replicas: <number>\n"
                  "  # Any number.\n"
                  "  #unbounded: <number>\n"
                  "  # At most this many pods out of service at once. 1 to 100, or 0% to 100%.\n"
                  "  maxUnavailable: 25%\n"
                  "  # The pods that are meant.\n"
                  "  #selector: <label selector>\n"
                  "  # Leaving traffic.\n"
                  "  drain:\n"
                  "    # How long the pod keeps serving after it left the balancers, 0s to 1h.\n"
                  "    wait: 3s\n"
                  "    # What happens at the deadline. One of Proceed, Hold.\n"
                  "    onTimeout: Hold\n"
                  "  # A probe of our own.\n"
                  "  #probe:\n"
                  "  #  # Where to ask. Required.\n"
                  "  #  path: <string>\n"
                  "  #  # How often. Seconds, at least 1.\n"
                  "  #  periodSeconds: 10\n"
                  "  # The balancers. 1 to 2 elements.\n"
                  "  #loadBalancers:\n"
                  "  #  -\n"
                  "  #    # The balancer's name. Required.\n"
                  "  #    name: <string>\n"
                  "  #    # The port that pods serve on. 1 to 65535.\n"
                  "  #    port: 8080\n"
                  "  # Where it holds. At least 1 element.\n"
                  "  #namespaces: [<string>, …]\n"
                  "  # Anything.\n"
                  "  #extra: <any>\n"
                  "  # Somebody else's.\n"
                  "  #status: <any>\n");
}

static void long_docs_are_wrapped(void **state)
{
    (void)state;
    static const struct sl_decode_row rows[] = {
        {.key = "x",
         .type = SL_D_INT,
         .present = SL_DECODE_NO_PRESENT,
         .fallback = "1",
         .doc = "A sentence that goes on for so long that it does not fit in one line of any "
                "terminal that people had when they wrote sentences."},
        {0},
    };
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
    sl_decode_reference(rows, 0, &out);
    assert_string_equal(
        out.data,
        "# A sentence that goes on for so long that it does not fit in one line of any terminal\n"
        "# that people had when they wrote sentences.\n"
        "x: 1\n");
}

static void a_line_that_is_exactly_full_is_ended(void **state)
{
    (void)state;
    static const struct sl_decode_row rows[] = {
        {.key = "x",
         .type = SL_D_INT,
         .present = SL_DECODE_NO_PRESENT,
         .fallback = "1",
         .doc = "A sentence whose first line is ninety bytes long, no more, no less, to the last "
                "letters: and that goes on."},
        {0},
    };
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
    sl_decode_reference(rows, 0, &out);
    assert_string_equal(out.data, "# A sentence whose first line is ninety bytes long, no more, no "
                                  "less, to the last letters:\n"
                                  "# and that goes on.\n"
                                  "x: 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_keys_get_their_defaults),
        cmocka_unit_test(every_type_is_decoded),
        cmocka_unit_test(wrong_documents_are_problems_with_their_path),
        cmocka_unit_test(a_value_with_a_problem_keeps_its_zero),
        cmocka_unit_test(unknown_keys_are_explained),
        cmocka_unit_test(two_letters_are_not_taken_for_any_other_two),
        cmocka_unit_test(where_nothing_may_stand_every_key_is_unknown),
        cmocka_unit_test(a_list_of_strings_has_a_default_too),
        cmocka_unit_test(many_unknown_keys_are_counted),
        cmocka_unit_test(the_reference_shows_docs_rules_and_defaults),
        cmocka_unit_test(long_docs_are_wrapped),
        cmocka_unit_test(a_line_that_is_exactly_full_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
