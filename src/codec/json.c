/* json-c behind a strict door (json.h): jscan checks the text, json-c builds the tree, and one walk
 * over both refuses what json-c would have changed in silence. */
#include "codec/json.h"

#include <limits.h>
#include <string.h>

#include "codec/jscan.h"
#include "codec/jscan_internal.h"

SL_AUTO_PTR(sl_tokener, struct json_tokener, json_tokener_free);

/* json-c asks for objects that it may change even where it only reads them. */
static struct json_object *as_mutable(const struct json_object *object)
{
    union {
        const struct json_object *in;
        struct json_object *out;
    } pointer = {.in = object};
    return pointer.out;
}

/* Builds the tree of a text that was checked and has no white space around it. */
static int build(struct sl_str text, struct json_object **ret_root, struct sl_err *err)
{
    if (text.n > INT_MAX) {
        return sl_err_set(err, SL_ERR_INVALID, "the JSON text is larger than %d bytes", INT_MAX);
    }
    SL_AUTO(sl_tokener)
    struct json_tokener *tokener = json_tokener_new_ex(SL_JSON_DEPTH + 2);
    if (tokener == NULL) {
        abort();
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *root = json_tokener_parse_ex(tokener, text.p, (int)text.n);
    if (json_tokener_get_error(tokener) == json_tokener_continue) {
        /* For json-c an outermost number goes on until a byte ends it: here the NUL. */
        root = json_tokener_parse_ex(tokener, "", 1);
    }
    enum json_tokener_error error = json_tokener_get_error(tokener);
    if (error != json_tokener_success) {
        return sl_err_set(err, SL_ERR_INVALID, "invalid JSON: %s", json_tokener_error_desc(error));
    }
    *ret_root = root;
    return 0;
}

static bool refuse(struct sl_jfault *fault, struct sl_jval at, const char *why)
{
    (void)sl_jscan_fault(fault, at.raw.p, why);
    return false;
}

/* Without leading zeros, a shorter number is a smaller one. */
static bool check_number(struct sl_jval number, struct sl_jfault *fault)
{
    struct sl_str digits = number.raw;
    struct sl_str most = SL_STR("18446744073709551615");
    if (*digits.p == '-') {
        digits = (struct sl_str){.p = digits.p + 1, .n = digits.n - 1};
        most = SL_STR("9223372036854775808");
    }
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9') {
            return true; /* a fraction or an exponent: no integer */
        }
    }
    if (digits.n > most.n || (digits.n == most.n && sl_str_cmp(digits, most) > 0)) {
        return refuse(fault, number, "an integer does not fit into 64 bits");
    }
    return true;
}

/* Why a member is not in the tree under its own name. */
static bool refuse_key(struct sl_jval key, struct sl_jfault *fault)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_str name = sl_jval_str(key, &arena);
    fault->member = sl_jstring_inside(key);
    return refuse(fault, key,
                  name.n > 0 && memchr(name.p, '\0', name.n) != NULL
                      ? "has the character \\u0000 in its name"
                      : "occurs twice");
}

/* json-c keeps members in the order of the text. It cuts a key at \u0000, and of two equal keys
 * only the first has an entry (with the last value): in both cases member and entry part right
 * there. */
static bool check_keys(struct sl_jval object, struct json_object *tree, struct sl_jfault *fault)
{
    const struct lh_entry *entry = json_object_get_object(tree)->head;
    struct sl_jiter it = sl_jiter(object);
    struct sl_jval key;
    struct sl_jval value;
    while (sl_jiter_next(&it, &key, &value)) {
        if (entry == NULL || !sl_jval_is(key, sl_str_from(lh_entry_k(entry)))) {
            return refuse_key(key, fault);
        }
        entry = entry->next;
    }
    return true;
}

static bool check_value(struct sl_jval value, struct json_object *tree, struct sl_jfault *fault);

static bool check_members(struct sl_jval object, struct json_object *tree, struct sl_jfault *fault)
{
    /* Only then is the tree of a member the tree of its value. */
    if (!check_keys(object, tree, fault)) {
        return false;
    }
    const struct lh_entry *entry = json_object_get_object(tree)->head;
    struct sl_jiter it = sl_jiter(object);
    struct sl_jval value;
    while (sl_jiter_next(&it, NULL, &value)) {
        if (!check_value(value, lh_entry_v(entry), fault)) {
            return false;
        }
        entry = entry->next;
    }
    return true;
}

static bool check_elements(struct sl_jval array, struct json_object *tree, struct sl_jfault *fault)
{
    struct sl_jiter it = sl_jiter(array);
    struct sl_jval value;
    for (size_t i = 0; sl_jiter_next(&it, NULL, &value); i++) {
        if (!check_value(value, json_object_array_get_idx(tree, i), fault)) {
            return false;
        }
    }
    return true;
}

static bool check_value(struct sl_jval value, struct json_object *tree, struct sl_jfault *fault)
{
    switch (value.type) {
    case SL_J_OBJECT:
        return check_members(value, tree, fault);
    case SL_J_ARRAY:
        return check_elements(value, tree, fault);
    case SL_J_NUMBER:
        return check_number(value, fault);
    case SL_J_ABSENT:
    case SL_J_NULL:
    case SL_J_BOOL:
    case SL_J_STRING:
        break;
    }
    return true;
}

int sl_json_parse(struct sl_str text, struct json_object **ret_root, struct sl_err *err)
{
    struct sl_jval root;
    struct sl_jfault fault = {0};
    SL_AUTO(sl_json) struct json_object *tree = NULL;
    if (sl_jscan(text, NULL, NULL, &root, err) != 0 || build(root.raw, &tree, err) != 0) {
        return -1;
    }
    if (!check_value(root, tree, &fault)) {
        return sl_jscan_report(&fault, text.p, err);
    }
    *ret_root = sl_steal(&tree);
    return 0;
}

void sl_json_write(const struct json_object *root, struct sl_buf *out)
{
    size_t length = 0;
    const char *text = json_object_to_json_string_length(
        as_mutable(root), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    if (text == NULL) {
        abort();
    }
    sl_buf_add(out, text, length);
}

bool sl_json_equal(const struct json_object *a, const struct json_object *b)
{
    return json_object_equal(as_mutable(a), as_mutable(b)) != 0;
}
