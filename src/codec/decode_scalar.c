/* The scalar types of decode tables: each checks one value against its row and stores it, or says
 * what is wrong with it (decode_scalar.h). */
#include "codec/decode_scalar.h"

#include <inttypes.h>

#include "codec/duration.h"
#include "codec/intstr.h"

/* --- what is said about a wrong value --- */

void sl_decode_wrong_type(const struct sl_decode_place *place, const char *wanted,
                          struct json_object *value)
{
    static const char *const found[] = {
        [json_type_null] = "null",
        [json_type_boolean] = "a boolean",
        [json_type_double] = "a number with a fraction or an exponent",
        [json_type_int] = "a whole number",
        [json_type_object] = "an object",
        [json_type_array] = "a list",
        [json_type_string] = "a string",
    };
    sl_problem_add(place->problems, place->field, "must be %s, is %s", wanted,
                   found[json_object_get_type(value)]);
}

/* "must be between 0 and 3600, is 70000" */
static void wrong_value(const struct sl_decode_place *place, const char *rule, const char *is)
{
    sl_problem_add(place->problems, place->field, "%s, is %s", rule, is);
}

bool sl_decode_has_rule(const struct sl_decode_row *row)
{
    return row->min != 0 || row->max != 0;
}

bool sl_decode_in_range(const struct sl_decode_row *row, int64_t number)
{
    return !sl_decode_has_rule(row) || (number >= row->min && number <= row->max);
}

static const char *range_rule(const struct sl_decode_place *place, int64_t min, int64_t max)
{
    struct sl_arena *arena = place->problems->arena;
    if (max == INT64_MAX) {
        return sl_arena_printf(arena, "must be at least %" PRId64, min);
    }
    return sl_arena_printf(arena, "must be between %" PRId64 " and %" PRId64, min, max);
}

static struct sl_str text_of(struct json_object *string)
{
    return (struct sl_str){.p = json_object_get_string(string),
                           .n = (size_t)json_object_get_string_len(string)};
}

static const char *quoted(const struct sl_decode_place *place, struct json_object *string)
{
    return sl_problem_quote(place->problems, text_of(string));
}

/* --- scalars --- */

void sl_decode_string(const struct sl_decode_place *place, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string)) {
        sl_decode_wrong_type(place, "a string", value);
        return;
    }
    struct sl_str text = text_of(value);
    const char *broken = place->row->check == NULL ? NULL : place->row->check(text);
    if (broken != NULL) {
        wrong_value(place, broken, quoted(place, value));
        return;
    }
    *(struct sl_str *)place->at = sl_arena_str(place->problems->arena, text);
}

void sl_decode_bool(const struct sl_decode_place *place, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_boolean)) {
        sl_decode_wrong_type(place, "true or false", value);
        return;
    }
    *(bool *)place->at = json_object_get_boolean(value);
}

/* json-c gives INT64_MAX for what is beyond it. */
static bool fits_int64(struct json_object *number)
{
    return json_object_get_int64(number) < INT64_MAX ||
           json_object_get_uint64(number) == (uint64_t)INT64_MAX;
}

void sl_decode_int(const struct sl_decode_place *place, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_int)) {
        sl_decode_wrong_type(place, "a whole number", value);
        return;
    }
    int64_t number = json_object_get_int64(value);
    const struct sl_decode_row *row = place->row;
    if (!fits_int64(value)) {
        wrong_value(place, "must be at most 9223372036854775807", json_object_get_string(value));
    } else if (!sl_decode_in_range(row, number)) {
        wrong_value(place, range_rule(place, row->min, row->max), json_object_get_string(value));
    } else {
        *(int64_t *)place->at = number;
    }
}

static const char *enum_rule(const struct sl_decode_place *place)
{
    struct sl_arena *arena = place->problems->arena;
    const char *const *names = place->row->names;
    const char *rule = sl_arena_printf(arena, "one of %s", names[0]);
    for (size_t i = 1; names[i] != NULL; i++) {
        rule = sl_arena_printf(arena, "%s, %s", rule, names[i]);
    }
    return rule;
}

void sl_decode_enum(const struct sl_decode_place *place, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string)) {
        sl_decode_wrong_type(place, enum_rule(place), value);
        return;
    }
    for (int i = 0; place->row->names[i] != NULL; i++) {
        if (sl_str_is(text_of(value), place->row->names[i])) {
            *(int *)place->at = i;
            return;
        }
    }
    sl_problem_add(place->problems, place->field, "must be %s, is %s", enum_rule(place),
                   quoted(place, value));
}

static const char *duration_rule(const struct sl_decode_place *place)
{
    SL_AUTO(sl_buf) struct sl_buf rule = SL_BUF_INIT(SL_KIB);
    bool open = place->row->max == INT64_MAX;
    sl_buf_adds(&rule, open ? "must be at least " : "must be between ");
    sl_duration_write(place->row->min, &rule);
    if (!open) {
        sl_buf_adds(&rule, " and ");
        sl_duration_write(place->row->max, &rule);
    }
    return sl_arena_cstr(place->problems->arena, sl_buf_str(&rule));
}

void sl_decode_duration(const struct sl_decode_place *place, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string)) {
        sl_decode_wrong_type(place, "a duration such as \"5m30s\"", value);
        return;
    }
    struct sl_err err = SL_ERR_INIT;
    int64_t ns = 0;
    if (sl_duration_parse(text_of(value), &ns, &err) != 0) {
        wrong_value(place, err.msg, quoted(place, value));
    } else if (!sl_decode_in_range(place->row, ns)) {
        wrong_value(place, duration_rule(place), quoted(place, value));
    } else {
        *(int64_t *)place->at = ns;
    }
}

/* As Kubernetes: a number is a number, a string a percentage. */
void sl_decode_intstr(const struct sl_decode_place *place, struct json_object *value)
{
    static const char wanted[] = "a whole number or a percentage such as \"25%\"";
    if (json_object_is_type(value, json_type_int)) {
        int64_t min = sl_decode_has_rule(place->row) ? place->row->min : 0;
        int64_t max = sl_decode_has_rule(place->row) && place->row->max < INT32_MAX
                          ? place->row->max
                          : INT32_MAX;
        int64_t number = json_object_get_int64(value);
        if (number < min || number > max) {
            wrong_value(place, range_rule(place, min, max), json_object_get_string(value));
            return;
        }
        *(struct sl_intstr *)place->at = (struct sl_intstr){.value = (int32_t)number};
        return;
    }
    if (!json_object_is_type(value, json_type_string)) {
        sl_decode_wrong_type(place, wanted, value);
        return;
    }
    struct sl_err err = SL_ERR_INIT;
    struct sl_intstr parsed = {0};
    if (sl_intstr_parse(text_of(value), &parsed, &err) != 0) {
        wrong_value(place, err.msg, quoted(place, value));
    } else if (!parsed.percent) {
        wrong_value(place, "must be a number without quotes, or a percentage",
                    quoted(place, value));
    } else if (parsed.value > 100 || (parsed.value == 0 && place->row->min > 0)) {
        wrong_value(place,
                    place->row->min > 0 ? "must be between 1% and 100%"
                                        : "must be between 0% and 100%",
                    quoted(place, value));
    } else {
        *(struct sl_intstr *)place->at = parsed;
    }
}
