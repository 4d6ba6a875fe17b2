/* The packed labels and balancers of a pod (packed.h), written when it is decoded and read whenever
 * a selector is held against it. */
#include "core/records/packed.h"

#include <string.h>

#include "core/names.h"
#include "core/records/pod.h"

/* Keys that most pods have: packed as one byte each, their place here plus one. No key begins with
 * such a byte. */
static const struct sl_str known_keys[] = {
    SL_STR_INIT("controller-revision-hash"),
    SL_STR_INIT("pod-template-hash"),
    SL_STR_INIT("statefulset.kubernetes.io/pod-name"),
    SL_STR_INIT("apps.kubernetes.io/pod-index"),
    SL_STR_INIT("app.kubernetes.io/name"),
    SL_STR_INIT("app.kubernetes.io/instance"),
    SL_STR_INIT("app.kubernetes.io/component"),
    SL_STR_INIT("app.kubernetes.io/part-of"),
    SL_STR_INIT("app.kubernetes.io/version"),
    SL_STR_INIT("app.kubernetes.io/managed-by"),
    SL_STR_INIT("helm.sh/chart"),
    SL_STR_INIT(SL_LABEL_POLICY),
    SL_STR_INIT(SL_LABEL_ROLLOUT),
    SL_STR_INIT(SL_LABEL_BATCH),
};
#define KNOWN_KEYS (sizeof known_keys / sizeof known_keys[0])
static const char codes[] = "\1\2\3\4\5\6\7\10\11\12\13\14\15\16";
_Static_assert(sizeof codes == KNOWN_KEYS + 1, "a byte for each key");

static struct sl_str packed_key(struct sl_str key)
{
    for (size_t i = 0; i < KNOWN_KEYS; i++) {
        if (sl_str_eq(key, known_keys[i])) {
            return (struct sl_str){.p = codes + i, .n = 1};
        }
    }
    return key;
}

static struct sl_str unpacked_key(struct sl_str key)
{
    size_t code = (unsigned char)key.p[0];
    return code >= 1 && code <= KNOWN_KEYS ? known_keys[code - 1] : key;
}

static bool fits(struct sl_str text)
{
    return text.n <= SL_PACKED_TEXT_MAX && (text.n == 0 || memchr(text.p, '\0', text.n) == NULL);
}

static int compare_labels(const void *a, const void *b)
{
    return sl_str_cmp(((const struct sl_label *)a)->key, ((const struct sl_label *)b)->key);
}

/* Those that can be packed, in the order of their keys. */
static size_t read_labels(struct sl_jval labels, struct sl_arena *arena, struct sl_label *out)
{
    struct sl_jiter it = sl_jiter(labels);
    struct sl_jval key;
    struct sl_jval value;
    size_t count = 0;
    while (it.object && sl_jiter_next(&it, &key, &value)) {
        struct sl_label label = {.key = sl_jval_str(key, arena),
                                 .value = sl_jval_str(value, arena)};
        if (value.type == SL_J_STRING && label.key.n > 0 && (unsigned char)label.key.p[0] > ' ' &&
            fits(label.key) && fits(label.value)) {
            out[count++] = label;
        }
    }
    if (count > 1) {
        qsort(out, count, sizeof *out, compare_labels);
    }
    return count;
}

static char *put(char *end, struct sl_str text)
{
    if (text.n > 0) {
        memcpy(end, text.p, text.n);
    }
    end[text.n] = '\0';
    return end + text.n + 1;
}

static struct sl_packed packed(char *bytes, char *end)
{
    if (end == bytes) {
        return (struct sl_packed){.bytes = ""};
    }
    *end = '\0';
    return (struct sl_packed){.bytes = bytes, .size = (size_t)(end - bytes) + 1};
}

struct sl_packed sl_pack_labels(struct sl_jval labels, struct sl_arena *arena)
{
    struct sl_label *list = sl_arena_zalloc(arena, sl_jval_count(labels), sizeof *list);
    size_t count = read_labels(labels, arena, list);
    size_t total = 1;
    for (size_t i = 0; i < count; i++) {
        total += list[i].key.n + list[i].value.n + 2;
    }
    char *bytes = sl_arena_alloc(arena, total);
    char *end = bytes;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !sl_str_eq(list[i].key, list[i - 1].key)) {
            end = put(put(end, packed_key(list[i].key)), list[i].value);
        }
    }
    return packed(bytes, end);
}

struct sl_packed sl_pack_balancers(struct sl_jval finalizers, struct sl_arena *arena)
{
    const struct sl_str prefix = SL_STR(SL_FINALIZER_PREFIX);
    struct sl_jiter it = sl_jiter(finalizers);
    struct sl_jval element;
    /* A name is shorter than its element's text in quotes by more than its NUL. */
    char *bytes = sl_arena_alloc(arena, finalizers.raw.n + 1);
    char *end = bytes;
    while (!it.object && sl_jiter_next(&it, NULL, &element)) {
        struct sl_str name = sl_jval_str(element, arena);
        if (name.n > prefix.n && sl_str_starts(name, prefix) && fits(name)) {
            end = put(end, (struct sl_str){.p = name.p + prefix.n, .n = name.n - prefix.n});
        }
    }
    return packed(bytes, end);
}

/* Steps over one label; false at the end. */
static bool next_label(const char **labels, struct sl_label *ret_label)
{
    struct sl_str key = sl_str_from(*labels);
    if (key.n == 0) {
        return false;
    }
    struct sl_str value = sl_str_from(key.p + key.n + 1);
    *ret_label = (struct sl_label){.key = unpacked_key(key), .value = value};
    *labels = value.p + value.n + 1;
    return true;
}

const char *sl_packed_label(const char *labels, const char *key)
{
    struct sl_label label;
    while (next_label(&labels, &label)) {
        if (sl_str_is(label.key, key)) {
            return label.value.p;
        }
    }
    return "";
}

struct sl_labels sl_pod_labels(const struct sl_pod_record *pod, struct sl_arena *arena)
{
    struct sl_label label;
    const char *rest = pod->labels;
    size_t count = 0;
    while (next_label(&rest, &label)) {
        count++;
    }
    struct sl_label *items = sl_arena_alloc(arena, count * sizeof *items);
    rest = pod->labels;
    for (size_t i = 0; i < count && next_label(&rest, &label); i++) {
        items[i] = label;
    }
    return (struct sl_labels){.items = items, .count = count};
}
