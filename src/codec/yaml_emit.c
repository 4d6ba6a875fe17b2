/* Writes JSON trees as block YAML through libyaml's emitter (yaml.h).
 *
 * The one decision made here is a string's style: libyaml knows which texts YAML's grammar lets
 * stand unquoted, and yaml_scalar.c which of those mean something else than a string.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "codec/jscan.h"
#include "codec/yaml.h"
#include "codec/yaml_scalar.h"

struct writer {
    yaml_emitter_t emitter;
    struct sl_buf *out;
};

static void writer_cleanup(struct writer *writer)
{
    yaml_emitter_delete(&writer->emitter);
}

static int on_output(void *data, unsigned char *bytes, size_t count)
{
    struct sl_buf *out = data;
    sl_buf_add(out, bytes, count);
    return out->overflowed ? 0 : 1;
}

/* Hands an event to the emitter, which owns it from then on. `made` is what its initialiser
 * returned: it fails for want of memory only, text having been checked. */
static int emit(struct writer *writer, yaml_event_t *event, int made, struct sl_err *err)
{
    if (made != 0 && yaml_emitter_emit(&writer->emitter, event) != 0) {
        return 0;
    }
    if (sl_buf_check(writer->out, "the YAML text", err) != 0) {
        return -1;
    }
    return sl_err_set(err, SL_ERR_INTERNAL, "cannot write YAML: %s",
                      made == 0 || writer->emitter.problem == NULL ? "no memory"
                                                                   : writer->emitter.problem);
}

static bool is_utf8(struct sl_str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t length = sl_utf8_length(text.p + i, text.n - i);
        if (length == 0) {
            return false;
        }
        i += length;
    }
    return true;
}

/* Strings to Kubernetes, but dates or base-60 numbers to other readers of YAML 1.1. */
static bool looks_odd(struct sl_str text)
{
    bool digits = strchr("+-0123456789", text.p[0]) != NULL;
    bool date = text.n > 5 && strspn(text.p, "0123456789") == 4 && text.p[4] == '-';
    return date || (digits && memchr(text.p, ':', text.n) != NULL) || sl_str_is(text, "<<") ||
           sl_str_is(text, "=");
}

/* Line breaks of which YAML's readers make '\n' or a space: only escapes keep them. */
static bool has_other_break(struct sl_str text)
{
    static const char *const breaks[] = {"\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
        if (memmem(text.p, text.n, breaks[i], strlen(breaks[i])) != NULL) {
            return true;
        }
    }
    return false;
}

/* A literal block loses nothing when the text begins with no white space, no line ends with any,
 * and it ends with at most one line break. */
static bool fits_literal(struct sl_str text)
{
    if (strchr(" \t\n", text.p[0]) != NULL || strchr(" \t", text.p[text.n - 1]) != NULL) {
        return false;
    }
    return memmem(text.p, text.n, " \n", 2) == NULL && memmem(text.p, text.n, "\t\n", 2) == NULL &&
           !sl_str_ends(text, SL_STR("\n\n"));
}

static yaml_scalar_style_t style_of(struct sl_str text)
{
    if (sl_yaml_plain(text).type != SL_YAML_STRING || looks_odd(text) || has_other_break(text)) {
        return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    }
    if (memchr(text.p, '\n', text.n) == NULL) {
        return YAML_PLAIN_SCALAR_STYLE;
    }
    return fits_literal(text) ? YAML_LITERAL_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
}

static int write_scalar(struct writer *writer, struct sl_str text, yaml_scalar_style_t style,
                        struct sl_err *err)
{
    yaml_event_t event;
    int made = yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text.p,
                                            (int)text.n, 1, 1, style);
    return emit(writer, &event, made, err);
}

static int write_string(struct writer *writer, struct sl_str text, struct sl_err *err)
{
    if (!is_utf8(text)) {
        return sl_err_set(err, SL_ERR_INVALID, "cannot write YAML: \"%.64s\" is not UTF-8", text.p);
    }
    return write_scalar(writer, text, style_of(text), err);
}

static int write_plain(struct writer *writer, const char *text, struct sl_err *err)
{
    return write_scalar(writer, sl_str_from(text), YAML_PLAIN_SCALAR_STYLE, err);
}

static int write_int(struct writer *writer, const struct json_object *value, struct sl_err *err)
{
    char text[24];
    int64_t number = json_object_get_int64(value);
    if (number < 0) {
        (void)snprintf(text, sizeof text, "%lld", (long long)number);
    } else {
        (void)snprintf(text, sizeof text, "%llu",
                       (unsigned long long)json_object_get_uint64(value));
    }
    return write_plain(writer, text, err);
}

static int write_double(struct writer *writer, const struct json_object *value, struct sl_err *err)
{
    char text[SL_YAML_FLOAT_TEXT];
    double number = json_object_get_double(value);
    if (!isfinite(number)) {
        return sl_err_set(err, SL_ERR_INVALID, "cannot write YAML: a number is not finite");
    }
    sl_yaml_float_text(number, text);
    return write_plain(writer, text, err);
}

static int write_value(struct writer *writer, struct json_object *value, unsigned depth,
                       struct sl_err *err);

static int write_array(struct writer *writer, const struct json_object *array, unsigned depth,
                       struct sl_err *err)
{
    yaml_event_t event;
    int made =
        yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE);
    if (emit(writer, &event, made, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        if (write_value(writer, json_object_array_get_idx(array, i), depth + 1, err) != 0) {
            return -1;
        }
    }
    made = yaml_sequence_end_event_initialize(&event);
    return emit(writer, &event, made, err);
}

static int write_object(struct writer *writer, const struct json_object *object, unsigned depth,
                        struct sl_err *err)
{
    yaml_event_t event;
    int made = yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
    if (emit(writer, &event, made, err) != 0) {
        return -1;
    }
    struct lh_entry *entry = NULL;
    lh_foreach(json_object_get_object(object), entry)
    {
        struct sl_str key = sl_str_from(lh_entry_k(entry));
        if (write_string(writer, key, err) != 0 ||
            write_value(writer, lh_entry_v(entry), depth + 1, err) != 0) {
            return -1;
        }
    }
    made = yaml_mapping_end_event_initialize(&event);
    return emit(writer, &event, made, err);
}

/* Recursion: at most SL_JSON_DEPTH, which no parsed tree is deeper than. */
static int write_value(struct writer *writer, struct json_object *value, unsigned depth,
                       struct sl_err *err)
{
    enum json_type type = json_object_get_type(value);
    if (depth > SL_JSON_DEPTH && (type == json_type_array || type == json_type_object)) {
        return sl_err_set(err, SL_ERR_INVALID, "cannot write YAML: nested more than %d deep",
                          SL_JSON_DEPTH);
    }
    switch (type) {
    case json_type_null:
        return write_plain(writer, "null", err);
    case json_type_boolean:
        return write_plain(writer, json_object_get_boolean(value) ? "true" : "false", err);
    case json_type_int:
        return write_int(writer, value, err);
    case json_type_double:
        return write_double(writer, value, err);
    case json_type_string:
        return write_string(writer,
                            (struct sl_str){.p = json_object_get_string(value),
                                            .n = (size_t)json_object_get_string_len(value)},
                            err);
    case json_type_array:
        return write_array(writer, value, depth, err);
    case json_type_object:
        return write_object(writer, value, depth, err);
    }
    return sl_err_set(err, SL_ERR_INTERNAL, "cannot write YAML: unknown type");
}

int sl_yaml_write(const struct json_object *root, struct sl_buf *out, struct sl_err *err)
{
    SL_AUTO(writer) struct writer writer = {.out = out};
    if (yaml_emitter_initialize(&writer.emitter) == 0) {
        return sl_err_set(err, SL_ERR_INTERNAL, "cannot write YAML: no memory");
    }
    yaml_emitter_set_output(&writer.emitter, on_output, out);
    yaml_emitter_set_unicode(&writer.emitter, 1);
    yaml_emitter_set_width(&writer.emitter, -1); /* lines are not folded */

    yaml_event_t event;
    int made = yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    if (emit(&writer, &event, made, err) != 0) {
        return -1;
    }
    made = yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
    if (emit(&writer, &event, made, err) != 0) {
        return -1;
    }
    /* json-c's getters of strings take no const, and change nothing. */
    const union {
        const struct json_object *given;
        struct json_object *value;
    } tree = {.given = root};
    if (write_value(&writer, tree.value, 1, err) != 0) {
        return -1;
    }
    made = yaml_document_end_event_initialize(&event, 1);
    if (emit(&writer, &event, made, err) != 0) {
        return -1;
    }
    made = yaml_stream_end_event_initialize(&event);
    return emit(&writer, &event, made, err);
}
