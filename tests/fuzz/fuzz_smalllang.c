/* The small languages of policies and patches. The first byte of the input says which one the rest
 * is in; what is read must be written and read back as the same, what is refused must leave no
 * trace. */
#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/duration.h"
#include "codec/intstr.h"
#include "codec/json.h"
#include "codec/jsonpatch.h"
#include "codec/names.h"
#include "codec/problem.h"
#include "codec/selector.h"

#define CHECK(truth)                                                                               \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            __builtin_trap();                                                                      \
        }                                                                                          \
    } while (0)

/* NULL: null, or no JSON. */
static struct json_object *parse(struct sl_str text)
{
    struct json_object *root = NULL;
    return sl_json_parse(text, &root, NULL) == 0 ? root : NULL;
}

static const char *text_of(struct json_object *root, struct sl_arena *arena)
{
    return sl_arena_cstr(arena, sl_str_from(json_object_to_json_string(root)));
}

static void fuzz_intstr(struct sl_str text)
{
    struct sl_intstr value = {0};
    if (sl_intstr_parse(text, &value, NULL) != 0) {
        return;
    }
    for (int32_t total = 0; total < 12; total++) {
        int32_t down = sl_intstr_of(value, total, false);
        int32_t up = sl_intstr_of(value, total, true);
        CHECK(down >= 0 && up >= down && up - down <= 1);
    }
}

static void fuzz_duration(struct sl_str text)
{
    int64_t ns = 0;
    int64_t again = 0;
    if (sl_duration_parse(text, &ns, NULL) != 0) {
        return;
    }
    SL_AUTO(sl_buf) struct sl_buf written = SL_BUF_INIT(SL_KIB);
    sl_duration_write(ns, &written);
    CHECK(sl_duration_parse(sl_buf_str(&written), &again, NULL) == 0 && again == ns);
}

static int compare_labels(const void *a, const void *b)
{
    return sl_str_cmp(((const struct sl_label *)a)->key, ((const struct sl_label *)b)->key);
}

/* A selector, and after a line feed the labels "key=value,key=value". */
static void fuzz_selector(struct sl_str text)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    struct sl_str labels_text = text;
    SL_AUTO(sl_json) struct json_object *object = parse(sl_str_cut(&labels_text, '\n'));
    struct sl_label items[8];
    struct sl_labels labels = {.items = items};
    while (labels_text.p != NULL && labels.count < 8) {
        struct sl_str value = sl_str_cut(&labels_text, ',');
        struct sl_str key = sl_str_cut(&value, '=');
        items[labels.count++] = (struct sl_label){.key = key, .value = value};
    }
    qsort(items, labels.count, sizeof items[0], compare_labels);
    struct sl_selector selector = {0};
    sl_selector_decode(object, NULL, &selector, &problems);
    CHECK(problems.count == 0 || selector.count == 0);

    /* All requirements together hold when each of them does. */
    bool each = true;
    for (size_t i = 0; i < selector.count; i++) {
        struct sl_selector one = {.requirements = &selector.requirements[i], .count = 1};
        CHECK(sl_name_qualified(selector.requirements[i].key) == NULL);
        each = each && sl_selector_matches(&one, labels);
    }
    CHECK(sl_selector_matches(&selector, labels) == each);

    SL_AUTO(sl_buf) struct sl_buf said = SL_BUF_INIT(SL_MIB);
    sl_problems_write(&problems, &said);
}

static void fuzz_names(struct sl_str text)
{
    bool label = sl_name_dns_label(text) == NULL;
    bool subdomain = sl_name_dns_subdomain(text) == NULL;
    bool value = sl_name_label_value(text) == NULL;
    bool qualified = sl_name_qualified(text) == NULL;
    bool object = sl_name_object_as_label(text) == NULL;
    CHECK(!label || (subdomain && value && qualified && object));
    CHECK(object == (subdomain && value));
    CHECK(!value || text.n == 0 || qualified);
}

/* A patch, and after a line feed the document. */
static void fuzz_patch(struct sl_str text)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_str document = text;
    SL_AUTO(sl_json) struct json_object *patch = parse(sl_str_cut(&document, '\n'));
    SL_AUTO(sl_json) struct json_object *root = parse(document);
    const char *patch_before = text_of(patch, &arena);
    const char *before = text_of(root, &arena);
    if (sl_patch_apply(patch, &root, NULL) != 0) {
        CHECK(strcmp(before, text_of(root, &arena)) == 0);
    }
    CHECK(strcmp(patch_before, text_of(patch, &arena)) == 0);
}

/* What the builder escapes, the applier finds under the same key. */
static void fuzz_pointer(struct sl_str key)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_patch) struct sl_patch built = SL_PATCH_INIT;
    for (size_t i = 0; i < key.n;) {
        size_t length = sl_utf8_length(key.p + i, key.n - i);
        if (key.p[i] == '\0' || length == 0) {
            return; /* no key of a JSON document */
        }
        i += length;
    }
    const char *pointer = sl_pointer_add(&arena, "", key);
    struct sl_str text = {0};
    sl_patch_add(&built, pointer, SL_STR("[1]"));
    CHECK(sl_patch_finish(&built, &text, NULL) == 0);

    SL_AUTO(sl_json) struct json_object *patch = parse(text);
    SL_AUTO(sl_json) struct json_object *root = json_object_new_object();
    struct json_object *value = NULL;
    CHECK(sl_patch_apply(patch, &root, NULL) == 0);
    CHECK(json_object_object_get_ex(root, sl_arena_cstr(&arena, key), &value));
    CHECK(strcmp(json_object_to_json_string(value), "[ 1 ]") == 0);
}

static void (*const languages[])(struct sl_str text) = {
    fuzz_intstr, fuzz_duration, fuzz_selector, fuzz_names, fuzz_patch, fuzz_pointer,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        size_t which = data[0] % (sizeof languages / sizeof languages[0]);
        languages[which]((struct sl_str){.p = (const char *)data + 1, .n = size - 1});
    }
    return 0;
}
