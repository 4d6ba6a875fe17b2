/* Pod templates as text (template.h, revision.h): the copies that a workload, its ReplicaSets and
 * its ControllerRevisions keep of one template differ in what this file takes away, and in nothing
 * else. Used by the decoders of all three. */
#include "core/records/template.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "core/records/revision.h"

/* Escaping again makes one byte (DEL) six at most. */
#define CANONICAL_MAX ((size_t)6 * SL_TEMPLATE_MAX)

struct member {
    struct sl_str key; /* unescaped */
    struct sl_jval name, value;
};

void sl_template_compact(struct sl_jval value, struct sl_buf *out)
{
    struct sl_str text = value.raw;
    size_t done = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '"') {
            quoted = !quoted;
        } else if (quoted && c == '\\') {
            i++;
        } else if (!quoted && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) {
            sl_buf_add(out, text.p + done, i - done);
            done = i + 1;
        }
    }
    sl_buf_add(out, text.p + done, text.n - done);
}

/* What is left out of a template, by where it stands. A table ends with a row without a key. */
struct strip {
    const char *key;
    const struct strip *inside; /* NULL: the member itself is left out */
};

static const struct strip label_strips[] = {{.key = "pod-template-hash"}, {0}};
static const struct strip metadata_strips[] = {{.key = "labels", .inside = label_strips}, {0}};
static const struct strip template_strips[] = {
    {.key = "$patch"},
    {.key = "metadata", .inside = metadata_strips},
    {0},
};

static const struct strip *find_strip(const struct strip *strips, struct sl_jval key)
{
    for (; strips->key != NULL; strips++) {
        if (sl_jval_is(key, sl_str_from(strips->key))) {
            return strips;
        }
    }
    return NULL;
}

static void write_stripped(struct sl_jval value, const struct strip *strips, struct sl_buf *out)
{
    struct sl_jiter it = sl_jiter(value);
    struct sl_jval key;
    struct sl_jval member;
    const char *separator = "";
    if (!it.object) {
        sl_template_compact(value, out);
        return;
    }
    sl_buf_addc(out, '{');
    while (sl_jiter_next(&it, &key, &member)) {
        const struct strip *strip = find_strip(strips, key);
        if (strip != NULL && strip->inside == NULL) {
            continue;
        }
        sl_buf_adds(out, separator);
        sl_buf_addstr(out, key.raw);
        sl_buf_addc(out, ':');
        if (strip != NULL) {
            write_stripped(member, strip->inside, out);
        } else {
            sl_template_compact(member, out);
        }
        separator = ",";
    }
    sl_buf_addc(out, '}');
}

void sl_template_strip(struct sl_jval template, struct sl_buf *out)
{
    write_stripped(template, template_strips, out);
}

static int compare_members(const void *a, const void *b)
{
    const struct member *left = a;
    const struct member *right = b;
    int order = sl_str_cmp(left->key, right->key);
    if (order != 0) {
        return order;
    }
    return (left->name.raw.p > right->name.raw.p) - (left->name.raw.p < right->name.raw.p);
}

static void canonical(struct sl_jval value, struct sl_arena *arena, struct sl_buf *out);

/* Whether a member's value says no more than its absence. */
static bool says_nothing(struct sl_str written)
{
    return sl_str_is(written, "null") || sl_str_is(written, "{}") || sl_str_is(written, "[]");
}

static void canonical_object(struct sl_jval object, struct sl_arena *arena, struct sl_buf *out)
{
    size_t count = sl_jval_count(object);
    struct member *members = sl_arena_zalloc(arena, count, sizeof *members);
    struct sl_jiter it = sl_jiter(object);
    for (size_t i = 0; i < count && sl_jiter_next(&it, &members[i].name, &members[i].value); i++) {
        members[i].key = sl_jval_str(members[i].name, arena);
    }
    if (count > 0) {
        qsort(members, count, sizeof *members, compare_members);
    }
    sl_buf_addc(out, '{');
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        size_t before = out->len;
        sl_buf_adds(out, first ? "" : ",");
        sl_buf_add_json_string(out, members[i].key);
        sl_buf_addc(out, ':');
        size_t start = out->len;
        canonical(members[i].value, arena, out);
        if (says_nothing((struct sl_str){.p = out->data + start, .n = out->len - start})) {
            out->len = before;
        } else {
            first = false;
        }
    }
    sl_buf_addc(out, '}');
}

static void canonical_array(struct sl_jval array, struct sl_arena *arena, struct sl_buf *out)
{
    struct sl_jiter it = sl_jiter(array);
    struct sl_jval element;
    const char *separator = "";
    sl_buf_addc(out, '[');
    while (sl_jiter_next(&it, NULL, &element)) {
        sl_buf_adds(out, separator);
        canonical(element, arena, out);
        separator = ",";
    }
    sl_buf_addc(out, ']');
}

static void canonical(struct sl_jval value, struct sl_arena *arena, struct sl_buf *out)
{
    switch (value.type) {
    case SL_J_OBJECT:
        canonical_object(value, arena, out);
        break;
    case SL_J_ARRAY:
        canonical_array(value, arena, out);
        break;
    case SL_J_STRING:
        sl_buf_add_json_string(out, sl_jval_str(value, arena));
        break;
    case SL_J_ABSENT:
    case SL_J_NULL:
    case SL_J_BOOL:
    case SL_J_NUMBER:
        sl_buf_addstr(out, value.raw);
        break;
    }
}

void sl_template_canonical(struct sl_jval value, struct sl_buf *out)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    canonical(value, &arena, out);
}

/* `template` has been stripped. */
static int hash_template(struct sl_jval template, char ret_id[static SL_TEMPLATE_ID_SIZE],
                         struct sl_err *err)
{
    static const char hex[] = "0123456789abcdef";
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(CANONICAL_MAX);
    unsigned char digest[EVP_MAX_MD_SIZE];
    sl_template_canonical(template, &text);
    if (sl_buf_check(&text, "the canonical pod template", err) < 0) {
        return -1;
    }
    if (EVP_Digest(text.data, text.len, digest, NULL, EVP_sha256(), NULL) != 1) {
        return sl_err_set(err, SL_ERR_INTERNAL, "the crypto library does not compute SHA-256");
    }
    for (size_t i = 0; i < SL_TEMPLATE_ID_SIZE - 1; i++) {
        ret_id[i] = hex[i % 2 == 0 ? digest[i / 2] >> 4 : digest[i / 2] & 15];
    }
    ret_id[SL_TEMPLATE_ID_SIZE - 1] = '\0';
    return 0;
}

int sl_template_read(struct sl_jval template, struct sl_arena *arena, const char **ret_text,
                     const char **ret_id, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_TEMPLATE_MAX);
    char id[SL_TEMPLATE_ID_SIZE];
    if (template.type != SL_J_OBJECT) {
        *ret_text = "";
        *ret_id = "";
        return 0;
    }
    sl_template_strip(template, &text);
    if (sl_buf_check(&text, "the pod template", err) < 0) {
        return -1;
    }
    struct sl_jval stripped = {.raw = sl_buf_str(&text), .type = SL_J_OBJECT};
    if (hash_template(stripped, id, err) < 0) {
        return -1;
    }
    *ret_text = sl_arena_cstr(arena, stripped.raw);
    *ret_id = sl_arena_cstr(arena, sl_str_from(id));
    return 0;
}

int sl_template_id(struct sl_str template, char ret_id[static SL_TEMPLATE_ID_SIZE],
                   struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_jval root;
    const char *text = NULL;
    const char *id = NULL;
    if (sl_jscan(template, NULL, NULL, &root, err) < 0 ||
        sl_template_read(root, &arena, &text, &id, err) < 0) {
        return -1;
    }
    if (id[0] == '\0') {
        return sl_err_set(err, SL_ERR_INVALID, "a pod template must be a JSON object");
    }
    memcpy(ret_id, id, SL_TEMPLATE_ID_SIZE);
    return 0;
}
