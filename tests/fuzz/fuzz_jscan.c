/* jscan against json-c: both read the same bytes, and where they disagree it must be about one of
 * json-c's known leniencies. What jscan accepts is then walked value by value beside json-c's tree.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/jscan.h"
#include "codec/json.h"

#define WRITTEN_MAX (8 * SL_MIB)

static void require(bool holds, const char *what, struct sl_str about)
{
    if (!holds) {
        (void)fprintf(stderr, "%s: %.*s\n", what, SL_STR_FMT(about));
        abort();
    }
}

/* Every reason for which jscan refuses a text that json-c 0.16 takes in its strict mode. */
static const struct leniency {
    const char *reason;  /* how jscan's sentence begins */
    char before;         /* the byte before the refused place; 0: any */
    struct sl_str bytes; /* what may stand at the refused place; absent: anything */
} leniencies[] = {
    /* NaN and Infinity are values */
    {"expected a value", 0, SL_STR_INIT("NI")},
    {"expected a digit", '-', SL_STR_INIT("I")},
    /* digits may be missing on one side of the point, and zeros lead */
    {"expected a digit", '-', SL_STR_INIT(".")},
    {"expected a digit", '.', SL_STR_INIT("eE,]} \t\r\n\0")},
    {"unexpected end of the text", '.', {0}},
    {"a number must not begin with a zero", 0, SL_STR_INIT("0")},
    /* names may stand in single quotes, though values may not */
    {"expected the name of a member", 0, SL_STR_INIT("'")},
    /* the inside of a string is taken as it is, unless told to validate; a lone surrogate becomes
     * U+FFFD */
    {"a control character in a string", 0, {0}},
    {"invalid UTF-8", 0, {0}},
    {"a surrogate without the other half", 0, SL_STR_INIT("\\")},
    /* a NUL ends the text, whatever its length */
    {"expected the end of the text", 0, SL_STR_INIT("\0")},
    /* json.c asks for a little more depth than jscan has */
    {"nested too deeply", 0, SL_STR_INIT("[{")},
};

/* The byte that a sentence "… at line L, column C: …" speaks of, and what follows the colon. */
static size_t refused_at(struct sl_str text, const char *sentence, const char **ret_reason)
{
    char *after = NULL;
    size_t at = 0;
    require(strncmp(sentence, "invalid JSON at line ", 21) == 0, sentence, text);
    unsigned long line = strtoul(sentence + 21, &after, 10);
    require(strncmp(after, ", column ", 9) == 0, sentence, text);
    unsigned long column = strtoul(after + 9, &after, 10);
    require(strncmp(after, ": ", 2) == 0, sentence, text);
    for (; line > 1; at++) {
        require(at < text.n, sentence, text);
        line -= text.p[at] == '\n';
    }
    at += column - 1;
    require(at <= text.n, sentence, text);
    *ret_reason = after + 2;
    return at;
}

static bool is_known(struct sl_str text, size_t at, const char *reason)
{
    for (size_t i = 0; i < sizeof leniencies / sizeof leniencies[0]; i++) {
        const struct leniency *row = &leniencies[i];
        bool place = row->bytes.p == NULL ||
                     (at < text.n && memchr(row->bytes.p, text.p[at], row->bytes.n) != NULL);
        bool before = row->before == 0 || (at > 0 && text.p[at - 1] == row->before);
        if (place && before && strncmp(reason, row->reason, strlen(row->reason)) == 0) {
            return true;
        }
    }
    return false;
}

/* The tree as json-c alone makes it; false when it refuses the text. */
static bool json_c_reads(struct sl_str text, struct json_object **ret_root)
{
    struct json_tokener *tokener = json_tokener_new_ex(SL_JSON_DEPTH + 2);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *root = json_tokener_parse_ex(tokener, text.p, (int)text.n);
    if (json_tokener_get_error(tokener) == json_tokener_continue) {
        root = json_tokener_parse_ex(tokener, "", 1);
    }
    bool success = json_tokener_get_error(tokener) == json_tokener_success;
    json_tokener_free(tokener);
    *ret_root = root;
    return success;
}

static void check_against_json_c(struct sl_str text, bool accepted, const struct sl_err *err)
{
    SL_AUTO(sl_json) struct json_object *root = NULL;
    bool read = json_c_reads(text, &root);
    if (accepted) {
        require(read, "json-c refuses", text);
        return;
    }
    const char *reason = NULL;
    size_t at = refused_at(text, err->msg, &reason);
    if (read) {
        require(is_known(text, at, reason), err->msg, text);
    }
}

/* Walks `value` beside the tree that json-c made of the same text. */
static void check_value(struct sl_jval value, struct json_object *tree, struct sl_str outer)
{
    struct sl_jval again = {0};
    require(value.raw.p >= outer.p && value.raw.p + value.raw.n <= outer.p + outer.n,
            "a slice outside of its container", outer);
    require(sl_jscan(value.raw, NULL, NULL, &again, NULL) == 0 && again.type == value.type &&
                again.raw.n == value.raw.n && again.escaped == value.escaped,
            "a slice that does not scan", value.raw);
    static const enum sl_jtype types[] = {
        [json_type_null] = SL_J_NULL,     [json_type_boolean] = SL_J_BOOL,
        [json_type_double] = SL_J_NUMBER, [json_type_int] = SL_J_NUMBER,
        [json_type_object] = SL_J_OBJECT, [json_type_array] = SL_J_ARRAY,
        [json_type_string] = SL_J_STRING,
    };
    enum json_type type = json_object_get_type(tree);
    require(types[type] == value.type, "another type", value.raw);
    require(sl_jval_true(value) == (value.type == SL_J_BOOL && json_object_get_boolean(tree)),
            "another truth", value.raw);

    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    int64_t number = 0;
    bool small = type == json_type_int && (json_object_get_int64(tree) < INT64_MAX ||
                                           json_object_get_uint64(tree) == INT64_MAX);
    require(sl_jval_int(value, &number) == small &&
                (!small || number == json_object_get_int64(tree)),
            "another number", value.raw);
    if (type == json_type_string) {
        struct sl_str text = {.p = json_object_get_string(tree),
                              .n = (size_t)json_object_get_string_len(tree)};
        require(sl_str_eq(sl_jval_str(value, &arena), text) && sl_jval_is(value, text),
                "another string", value.raw);
    }
    size_t count = type == json_type_object  ? (size_t)json_object_object_length(tree)
                   : type == json_type_array ? json_object_array_length(tree)
                                             : 0;
    require(sl_jval_count(value) == count, "another count", value.raw);

    struct sl_jiter it = sl_jiter(value);
    struct sl_jval key;
    struct sl_jval inner;
    for (size_t i = 0; sl_jiter_next(&it, &key, &inner); i++) {
        struct json_object *branch = NULL;
        if (type == json_type_object) {
            struct sl_str name = sl_jval_str(key, &arena);
            require(json_object_object_get_ex(tree, sl_arena_cstr(&arena, name), &branch),
                    "a member that json-c does not have", key.raw);
            require(sl_jval_get(value, name).raw.p == inner.raw.p, "another member", key.raw);
        } else {
            branch = json_object_array_get_idx(tree, i);
        }
        check_value(inner, branch, value.raw);
    }
}

/* What is written is read back as the same, and written as the same. */
static void check_written(struct json_object *root)
{
    SL_AUTO(sl_buf) struct sl_buf first = SL_BUF_INIT(WRITTEN_MAX);
    SL_AUTO(sl_buf) struct sl_buf second = SL_BUF_INIT(WRITTEN_MAX);
    SL_AUTO(sl_json) struct json_object *again = NULL;
    struct sl_err err = SL_ERR_INIT;
    sl_json_write(root, &first);
    require(sl_json_parse(sl_buf_str(&first), &again, &err) == 0, err.msg, sl_buf_str(&first));
    sl_json_write(again, &second);
    require(sl_json_equal(root, again) && sl_str_eq(sl_buf_str(&first), sl_buf_str(&second)),
            "not written as it was read", sl_buf_str(&first));
}

struct rows {
    struct sl_jval a, b, inner_a;
};

static const struct sl_jrow inner_rows[] = {
    {.key = "a", .at = offsetof(struct rows, inner_a)},
    {0},
};

static const struct sl_jrow rows[] = {
    {.key = "a", .at = offsetof(struct rows, a)},
    {.key = "b", .at = offsetof(struct rows, b), .rows = inner_rows},
    {0},
};

/* A scan with rows and the rows of the checked value come to the same. */
static void check_rows(struct sl_str text, struct sl_jval root)
{
    struct rows scanned;
    struct rows walked;
    memset(&scanned, 0, sizeof scanned);
    memset(&walked, 0, sizeof walked);
    bool accepted = sl_jscan(text, rows, &scanned, NULL, NULL) == 0;
    require((sl_jval_scan(root, rows, &walked, NULL) == 0) == accepted, "rows differ", text);
    if (!accepted || root.type != SL_J_OBJECT) {
        return;
    }
    const struct sl_jval *expected[] = {&scanned.a, &scanned.b, &scanned.inner_a};
    const struct sl_jval *got[] = {&walked.a, &walked.b, &walked.inner_a};
    for (size_t i = 0; i < sizeof got / sizeof got[0]; i++) {
        require(got[i]->type == expected[i]->type && got[i]->raw.p == expected[i]->raw.p &&
                    got[i]->raw.n == expected[i]->raw.n,
                "rows differ", text);
    }
    require(sl_jval_get(root, SL_STR("a")).raw.p == scanned.a.raw.p, "get and rows differ", text);
}

/* Values that nobody checked are wrong, and must do no harm. */
static void check_unchecked(struct sl_str text)
{
    for (int type = SL_J_ABSENT; type <= SL_J_OBJECT; type++) {
        struct sl_jval value = {.raw = text, .type = (enum sl_jtype)type, .escaped = true};
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct rows filled;
        int64_t number = 0;
        if (sl_jval_scan(value, rows, &filled, NULL) != 0) {
            continue;
        }
        (void)sl_jval_count(value);
        (void)sl_jval_str(value, &arena);
        (void)sl_jval_is(value, SL_STR("a"));
        (void)sl_jval_int(value, &number);
        (void)sl_jval_get(value, SL_STR("a"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_str text = {.p = (const char *)data, .n = size};
    struct sl_jval root = {0};
    struct sl_jval first = {0};
    struct sl_str rest = text;
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_json) struct json_object *tree = NULL;
    bool accepted = sl_jscan(text, NULL, NULL, &root, &err) == 0;
    check_against_json_c(text, accepted, &err);
    check_unchecked(text);
    if (!accepted) {
        require(sl_json_parse(text, &tree, NULL) != 0, "parsed what jscan refuses", text);
        return 0;
    }
    require(sl_jscan_next(&rest, &first, NULL) == 0 && first.raw.p == root.raw.p &&
                first.raw.n == root.raw.n,
            "the first of a stream differs", text);
    require(sl_jscan_next(&rest, &first, NULL) == 0 && first.type == SL_J_ABSENT,
            "the stream does not end", text);
    check_rows(text, root);
    if (sl_json_parse(text, &tree, NULL) == 0) {
        check_value(root, tree, text);
        check_written(tree);
    }
    return 0;
}
