/* Label selectors (selector.h). A selector's document is described by tables like any other
 * (decode.h), which in turn offers selectors as one of its types. */
#include "codec/selector.h"

#include <stdlib.h>

#include <stddef.h>

#include "codec/decode.h"
#include "codec/names.h"

struct expression {
    struct sl_str key;
    int op; /* enum sl_operator */
    struct sl_list values;
};

struct document {
    struct json_object *labels;
    struct sl_list expressions;
};

static const char *const operator_names[] = {
    [SL_OP_IN] = "In",
    [SL_OP_NOT_IN] = "NotIn",
    [SL_OP_EXISTS] = "Exists",
    [SL_OP_DOES_NOT_EXIST] = "DoesNotExist",
    NULL,
};

static const struct sl_decode_row expression_rows[] = {
    {.key = "key",
     .type = SL_D_STRING,
     .at = offsetof(struct expression, key),
     .present = SL_DECODE_NO_PRESENT,
     .required = true,
     .check = sl_name_qualified,
     .doc = "The label's key."},
    {.key = "operator",
     .type = SL_D_ENUM,
     .at = offsetof(struct expression, op),
     .present = SL_DECODE_NO_PRESENT,
     .required = true,
     .names = operator_names,
     .doc = "How the label is compared with the values."},
    {.key = "values",
     .type = SL_D_STRINGS,
     .at = offsetof(struct expression, values),
     .present = SL_DECODE_NO_PRESENT,
     .max = SL_SELECTOR_MAX,
     .check = sl_name_label_value,
     .doc = "The values of In and NotIn; none for Exists and DoesNotExist."},
    {0},
};

static const struct sl_decode_row document_rows[] = {
    {.key = "matchLabels",
     .type = SL_D_ANY,
     .at = offsetof(struct document, labels),
     .present = SL_DECODE_NO_PRESENT,
     .doc = "Labels that must be there with these values."},
    {.key = "matchExpressions",
     .type = SL_D_LIST,
     .at = offsetof(struct document, expressions),
     .present = SL_DECODE_NO_PRESENT,
     .max = SL_SELECTOR_MAX / 2,
     .rows = expression_rows,
     .size = sizeof(struct expression),
     .doc = "Requirements that must all hold."},
    {0},
};

static void decode_label(const char *key, struct json_object *value, const struct sl_field *at,
                         struct sl_requirement *out, struct sl_problems *problems)
{
    const char *broken = sl_name_qualified(sl_str_from(key));
    if (broken != NULL) {
        sl_problem_add(problems, at, "the key %s", broken);
    }
    if (!json_object_is_type(value, json_type_string)) {
        sl_problem_add(problems, at, "must be a string, write its value in quotes");
        return;
    }
    struct sl_str text = {.p = json_object_get_string(value),
                          .n = (size_t)json_object_get_string_len(value)};
    broken = sl_name_label_value(text);
    if (broken != NULL) {
        sl_problem_add(problems, at, "%s, is %s", broken, sl_problem_quote(problems, text));
        return;
    }
    struct sl_str *values = sl_arena_zalloc(problems->arena, 1, sizeof *values);
    values[0] = sl_arena_str(problems->arena, text);
    *out = (struct sl_requirement){
        .key = sl_arena_str(problems->arena, sl_str_from(key)),
        .op = SL_OP_IN,
        .values = values,
        .value_count = 1,
    };
}

/* Fills as many requirements as the object has members. */
static void decode_labels(struct json_object *labels, const struct sl_field *at,
                          struct sl_requirement *out, struct sl_problems *problems)
{
    struct sl_field map = SL_FIELD(at, "matchLabels");
    json_object_object_foreach(labels, key, value)
    {
        struct sl_field member = SL_FIELD(&map, key);
        decode_label(key, value, &member, out++, problems);
    }
}

static void take_expressions(const struct sl_list *list, const struct sl_field *at,
                             struct sl_requirement *out, struct sl_problems *problems)
{
    const struct expression *expressions = list->items;
    struct sl_field field = SL_FIELD(at, "matchExpressions");
    for (size_t i = 0; i < list->count; i++) {
        const struct expression *expression = &expressions[i];
        struct sl_field element = SL_FIELD_AT(&field, i);
        struct sl_field values = SL_FIELD(&element, "values");
        bool wants_values = expression->op == SL_OP_IN || expression->op == SL_OP_NOT_IN;
        if (wants_values != (expression->values.count > 0)) {
            sl_problem_add(problems, &values, "must have %s for the operator %s",
                           wants_values ? "at least one value" : "no values",
                           operator_names[expression->op]);
        }
        out[i] = (struct sl_requirement){
            .key = expression->key,
            .op = (enum sl_operator)expression->op,
            .values = expression->values.items,
            .value_count = expression->values.count,
        };
    }
}

void sl_selector_decode(struct json_object *object, const struct sl_field *at,
                        struct sl_selector *ret_selector, struct sl_problems *problems)
{
    size_t problems_before = problems->count;
    struct document document = {0};
    sl_decode(object, document_rows, &document, at, problems);
    size_t label_count = 0;
    if (json_object_is_type(document.labels, json_type_object)) {
        label_count = (size_t)json_object_object_length(document.labels);
        if (label_count > SL_SELECTOR_MAX) {
            struct sl_field field = SL_FIELD(at, "matchLabels");
            sl_problem_add(problems, &field, "must have at most %d labels, has %zu",
                           SL_SELECTOR_MAX, label_count);
        }
    } else if (document.labels != NULL) {
        struct sl_field field = SL_FIELD(at, "matchLabels");
        sl_problem_add(problems, &field, "must be an object of labels and their values");
    }

    size_t count = label_count + document.expressions.count;
    struct sl_requirement *requirements =
        sl_arena_zalloc(problems->arena, count, sizeof *requirements);
    if (label_count > 0) {
        decode_labels(document.labels, at, requirements, problems);
    }
    /* What the operators want of the values is asked only of expressions that could be read. */
    if (problems->count == problems_before) {
        take_expressions(&document.expressions, at, requirements + label_count, problems);
    }
    if (problems->count == problems_before) {
        *ret_selector = (struct sl_selector){.requirements = requirements, .count = count};
    }
}

static int compare_key(const void *key, const void *label)
{
    return sl_str_cmp(*(const struct sl_str *)key, ((const struct sl_label *)label)->key);
}

static const struct sl_label *find_label(struct sl_labels labels, struct sl_str key)
{
    return labels.count == 0
               ? NULL
               : bsearch(&key, labels.items, labels.count, sizeof *labels.items, compare_key);
}

struct sl_str sl_labels_get(struct sl_labels labels, struct sl_str key)
{
    const struct sl_label *label = find_label(labels, key);
    return label == NULL ? (struct sl_str){0} : label->value;
}

static bool has_value(const struct sl_requirement *requirement, const struct sl_label *label)
{
    for (size_t i = 0; label != NULL && i < requirement->value_count; i++) {
        if (sl_str_eq(requirement->values[i], label->value)) {
            return true;
        }
    }
    return false;
}

static bool holds(const struct sl_requirement *requirement, struct sl_labels labels)
{
    const struct sl_label *label = find_label(labels, requirement->key);
    switch (requirement->op) {
    case SL_OP_IN:
        return has_value(requirement, label);
    case SL_OP_NOT_IN:
        return !has_value(requirement, label);
    case SL_OP_EXISTS:
        return label != NULL;
    case SL_OP_DOES_NOT_EXIST:
        return label == NULL;
    }
    return false;
}

bool sl_selector_matches(const struct sl_selector *selector, struct sl_labels labels)
{
    for (size_t i = 0; i < selector->count; i++) {
        if (!holds(&selector->requirements[i], labels)) {
            return false;
        }
    }
    return true;
}

static void write_values(const struct sl_requirement *requirement, struct sl_buf *out)
{
    for (size_t i = 0; i < requirement->value_count; i++) {
        sl_buf_addf(out, "%s%.*s", i == 0 ? "" : ",", SL_STR_FMT(requirement->values[i]));
    }
}

void sl_selector_write(const struct sl_selector *selector, struct sl_buf *out)
{
    static const struct {
        const char *before, *after, *end; /* around the key, and behind the values */
    } forms[] = {
        [SL_OP_IN] = {"", " in (", ")"},
        [SL_OP_NOT_IN] = {"", " notin (", ")"},
        [SL_OP_EXISTS] = {"", "", ""},
        [SL_OP_DOES_NOT_EXIST] = {"!", "", ""},
    };
    for (size_t i = 0; i < selector->count; i++) {
        const struct sl_requirement *requirement = &selector->requirements[i];
        sl_buf_addf(out, "%s%s%.*s%s", i == 0 ? "" : ",", forms[requirement->op].before,
                    SL_STR_FMT(requirement->key), forms[requirement->op].after);
        write_values(requirement, out);
        sl_buf_adds(out, forms[requirement->op].end);
    }
}
