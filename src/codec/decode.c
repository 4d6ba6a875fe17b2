/* Documents into structs (decode.h): walks a table's rows and hands each value to the function of
 * its type. What holds values is decoded here, single values in decode_scalar.c; decode_reference.c
 * prints the same tables. */
#include "codec/decode.h"

#include <inttypes.h>
#include <string.h>

#include "codec/decode_scalar.h"
#include "codec/json.h"
#include "codec/selector.h"

#define CLOSE_KEY 2U     /* edits between a key and what was probably meant */
#define COMPARE_KEYS 64U /* longer keys are not compared */

static void decode_selector(const struct sl_decode_place *place, struct json_object *value);
static void decode_object(const struct sl_decode_place *place, struct json_object *value);
static void decode_list(const struct sl_decode_place *place, struct json_object *value);
static void decode_strings(const struct sl_decode_place *place, struct json_object *value);
static void decode_any(const struct sl_decode_place *place, struct json_object *value);
static void decode_nothing(const struct sl_decode_place *place, struct json_object *value);

static struct json_object *bool_literal(const char *text);
static struct json_object *number_literal(const char *text);
static struct json_object *list_literal(const char *text);

static const struct type {
    void (*decode)(const struct sl_decode_place *place,
                   struct json_object *value);        /* value is not null */
    struct json_object *(*literal)(const char *text); /* of a default; NULL: it has none */
} types[] = {
    [SL_D_STRING] = {sl_decode_string, json_object_new_string},
    [SL_D_BOOL] = {sl_decode_bool, bool_literal},
    [SL_D_INT] = {sl_decode_int, number_literal},
    [SL_D_ENUM] = {sl_decode_enum, json_object_new_string},
    [SL_D_DURATION] = {sl_decode_duration, json_object_new_string},
    [SL_D_INTSTR] = {sl_decode_intstr, number_literal},
    [SL_D_SELECTOR] = {decode_selector, NULL},
    [SL_D_OBJECT] = {decode_object, NULL},
    [SL_D_LIST] = {decode_list, NULL},
    [SL_D_STRINGS] = {decode_strings, list_literal},
    [SL_D_ANY] = {decode_any, NULL},
    [SL_D_SKIP] = {decode_nothing, NULL},
};

/* --- containers --- */

static void decode_any(const struct sl_decode_place *place, struct json_object *value)
{
    *(struct json_object **)place->at = value;
}

static void decode_nothing(const struct sl_decode_place *place, struct json_object *value)
{
    (void)place;
    (void)value;
}

static void decode_selector(const struct sl_decode_place *place, struct json_object *value)
{
    sl_selector_decode(value, place->field, place->at, place->problems);
}

static void decode_object(const struct sl_decode_place *place, struct json_object *value)
{
    sl_decode(value, place->row->rows, place->at, place->field, place->problems);
}

/* Makes room for the elements of a list; false: not a list, or not as many as the rule wants. */
static bool take_list(const struct sl_decode_place *place, struct json_object *value, size_t size,
                      struct sl_list *out)
{
    if (!json_object_is_type(value, json_type_array)) {
        sl_decode_wrong_type(place, "a list", value);
        return false;
    }
    size_t count = json_object_array_length(value);
    const struct sl_decode_row *row = place->row;
    if (!sl_decode_in_range(row, (int64_t)count)) {
        if (row->max == INT64_MAX) {
            sl_problem_add(place->problems, place->field,
                           "must have at least %" PRId64 " element%s, has %zu", row->min,
                           row->min == 1 ? "" : "s", count);
        } else {
            sl_problem_add(place->problems, place->field,
                           "must have %" PRId64 " to %" PRId64 " elements, has %zu", row->min,
                           row->max, count);
        }
        return false;
    }
    out->items = sl_arena_zalloc(place->problems->arena, count, size);
    out->count = count;
    return true;
}

static void decode_list(const struct sl_decode_place *place, struct json_object *value)
{
    struct sl_list list = {0};
    if (!take_list(place, value, place->row->size, &list)) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct sl_field field = SL_FIELD_AT(place->field, i);
        struct sl_decode_place element = *place;
        element.field = &field;
        element.at = (char *)list.items + i * place->row->size;
        struct json_object *item = json_object_array_get_idx(value, i);
        if (item == NULL) {
            sl_decode_wrong_type(&element, "an object", item);
            continue;
        }
        decode_object(&element, item);
    }
    *(struct sl_list *)place->at = list;
}

static void decode_strings(const struct sl_decode_place *place, struct json_object *value)
{
    struct sl_list list = {0};
    if (!take_list(place, value, sizeof(struct sl_str), &list)) {
        return;
    }
    struct sl_str *items = list.items;
    for (size_t i = 0; i < list.count; i++) {
        struct sl_field field = SL_FIELD_AT(place->field, i);
        struct sl_decode_place element = *place;
        element.field = &field;
        element.at = &items[i];
        sl_decode_string(&element, json_object_array_get_idx(value, i));
    }
    *(struct sl_list *)place->at = list;
}

/* --- defaults --- */

static struct json_object *bool_literal(const char *text)
{
    return json_object_new_boolean(strcmp(text, "true") == 0);
}

static struct json_object *number_literal(const char *text)
{
    char *end = NULL;
    long long number = strtoll(text, &end, 10);
    return *end == '\0' ? json_object_new_int64(number) : json_object_new_string(text);
}

static struct json_object *list_literal(const char *text)
{
    struct json_object *list = NULL;
    /* a table that is wrong gives no default; the test that decodes its reference tells */
    return sl_json_parse(sl_str_from(text), &list, NULL) == 0 ? list : NULL;
}

/* A default goes the way of a value that was written, so that its row's rule holds for it too. */
static void decode_default(const struct sl_decode_place *place)
{
    const struct sl_decode_row *row = place->row;
    if (row->type == SL_D_OBJECT) {
        for (const struct sl_decode_row *member = row->rows; member->key != NULL; member++) {
            struct sl_field field = SL_FIELD(place->field, member->key);
            struct sl_decode_place at = {member, &field, (char *)place->at + member->at,
                                         place->problems};
            decode_default(&at);
        }
        return;
    }
    if (row->fallback != NULL) {
        SL_AUTO(sl_json) struct json_object *value = types[row->type].literal(row->fallback);
        types[row->type].decode(place, value);
    }
}

/* --- keys --- */

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance, one row of the matrix at a time. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t b_length = strlen(b);
    size_t row[COMPARE_KEYS + 1];
    if (strlen(a) > COMPARE_KEYS || b_length > COMPARE_KEYS) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_length; j++) {
            size_t replaced = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = smallest(replaced, row[j] + 1, row[j + 1] + 1);
        }
    }
    return row[b_length];
}

/* The known key that was probably meant, or NULL. */
static const char *closest_key(const char *key, const struct sl_decode_row *rows)
{
    const char *closest = NULL;
    size_t best = CLOSE_KEY + 1;
    for (const struct sl_decode_row *row = rows; row->key != NULL; row++) {
        size_t distance = edit_distance(key, row->key);
        /* Two edits make any key of two letters out of any other. */
        if (distance < best && distance < strlen(row->key)) {
            closest = row->key;
            best = distance;
        }
    }
    return closest;
}

static bool is_known(const char *key, const struct sl_decode_row *rows)
{
    const struct sl_decode_row *row = rows;
    while (row->key != NULL && strcmp(row->key, key) != 0) {
        row++;
    }
    return row->key != NULL;
}

static void report_unknown(const char *key, const struct sl_decode_row *rows,
                           const struct sl_field *at, struct sl_problems *problems)
{
    struct sl_field field = SL_FIELD(at, key);
    if (problems->count >= SL_PROBLEMS_MAX) {
        sl_problem_add(problems, &field, "unknown key"); /* only counted, so no more work for it */
        return;
    }
    const char *closest = closest_key(key, rows);
    if (closest != NULL) {
        sl_problem_add(problems, &field, "unknown key; did you mean \"%s\"?", closest);
        return;
    }
    if (rows[0].key == NULL) {
        sl_problem_add(problems, &field, "unknown key; nothing may stand here");
        return;
    }
    const char *known = rows[0].key;
    for (const struct sl_decode_row *row = rows + 1; row->key != NULL; row++) {
        known = sl_arena_printf(problems->arena, "%s, %s", known, row->key);
    }
    sl_problem_add(problems, &field, "unknown key; known here: %s", known);
}

void sl_decode(struct json_object *object, const struct sl_decode_row *rows, void *out,
               const struct sl_field *at, struct sl_problems *problems)
{
    if (object != NULL && !json_object_is_type(object, json_type_object)) {
        struct sl_decode_place document = {NULL, at, out, problems};
        sl_decode_wrong_type(&document, "an object", object);
        return;
    }
    for (const struct sl_decode_row *row = rows; row->key != NULL; row++) {
        struct sl_field field = SL_FIELD(at, row->key);
        struct sl_decode_place place = {row, &field, (char *)out + row->at, problems};
        struct json_object *value = NULL;
        if (json_object_object_get_ex(object, row->key, &value) && value != NULL) {
            if (row->present != SL_DECODE_NO_PRESENT) {
                *(bool *)((char *)out + row->present) = true;
            }
            types[row->type].decode(&place, value);
        } else if (row->required) {
            sl_problem_add(problems, &field, "is required");
        } else {
            decode_default(&place);
        }
    }
    if (object != NULL) {
        json_object_object_foreach(object, key, value)
        {
            (void)value;
            if (!is_known(key, rows)) {
                report_unknown(key, rows, at, problems);
            }
        }
    }
}
