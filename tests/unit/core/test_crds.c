/* The CRDs say what the decode tables say: the same fields, required or not, with the same
 * defaults, bounds and words. A field that is added to one and not to the other fails here. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "core/rollout.h"
#include "core/traffic_policy.h"

static struct json_object *at(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

static bool lists(struct json_object *list, const char *text)
{
    size_t count = list == NULL ? 0 : json_object_array_length(list);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)), text) == 0) {
            return true;
        }
    }
    return false;
}

static void check_bounds(const struct sl_decode_row *row, struct json_object *schema)
{
    bool list = row->type == SL_D_LIST;
    struct json_object *low = at(schema, list ? "minItems" : "minimum");
    struct json_object *high = at(schema, list ? "maxItems" : "maximum");
    if ((row->type == SL_D_INT || row->type == SL_D_INTSTR || list) &&
        ((low != NULL && json_object_get_int64(low) != row->min) ||
         (low == NULL && row->min != 0) || high == NULL ||
         json_object_get_int64(high) != row->max)) {
        fail_msg("%s: %s..%s in the CRD, %" PRId64 "..%" PRId64 " in the table", row->key,
                 json_object_get_string(low), json_object_get_string(high), row->min, row->max);
    }
}

static void check_words(const struct sl_decode_row *row, struct json_object *schema)
{
    if (row->type != SL_D_ENUM) {
        return;
    }
    size_t count = 0;
    for (; row->names[count] != NULL; count++) {
        if (!lists(at(schema, "enum"), row->names[count])) {
            fail_msg("%s: the CRD lacks %s", row->key, row->names[count]);
        }
    }
    assert_int_equal(json_object_array_length(at(schema, "enum")), count);
}

static void check_default(const struct sl_decode_row *row, struct json_object *schema)
{
    struct json_object *value = at(schema, "default");
    if (row->type == SL_D_OBJECT) {
        return; /* an empty object stands for the defaults of its members */
    }
    if ((value == NULL) != (row->fallback == NULL) ||
        (value != NULL && strcmp(json_object_get_string(value), row->fallback) != 0)) {
        fail_msg("%s: the default is %s in the CRD, %s in the table", row->key,
                 json_object_get_string(value), row->fallback);
    }
}

static size_t row_count(const struct sl_decode_row *rows)
{
    size_t count = 0;
    while (rows[count].key != NULL) {
        count++;
    }
    return count;
}

static void check_rows(const struct sl_decode_row *rows, struct json_object *schema)
{
    struct json_object *properties = at(schema, "properties");
    size_t known = properties == NULL ? 0 : (size_t)json_object_object_length(properties);
    if (known != row_count(rows)) {
        fail_msg("%zu fields in the CRD, %zu in the table that begins with %s", known,
                 row_count(rows), rows[0].key);
    }
    for (const struct sl_decode_row *row = rows; row->key != NULL; row++) {
        struct json_object *field = at(properties, row->key);
        if (field == NULL) {
            fail_msg("%s is not in the CRD", row->key);
        }
        if (lists(at(schema, "required"), row->key) != row->required) {
            fail_msg("%s: required in one and not in the other", row->key);
        }
        check_bounds(row, field);
        check_words(row, field);
        check_default(row, field);
        if (row->rows != NULL) {
            check_rows(row->rows, row->type == SL_D_LIST ? at(field, "items") : field);
        }
    }
}

static void check_crd(const char *file, const struct sl_decode_row *rows)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_MIB);
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    struct sl_err err = SL_ERR_INIT;
    if (sl_file_read(file, &text, &err) < 0 || sl_yaml_parse(sl_buf_str(&text), &docs, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    struct json_object *versions = at(at(sl_yaml_root(docs, 0), "spec"), "versions");
    assert_int_equal(json_object_array_length(versions), 1);
    struct json_object *schema =
        at(at(json_object_array_get_idx(versions, 0), "schema"), "openAPIV3Schema");
    check_rows(rows, at(at(schema, "properties"), "spec"));
}

static void the_crds_have_the_fields_rules_and_defaults_of_the_tables(void **state)
{
    (void)state;
    check_crd(SL_MANIFESTS "/crds/trafficpolicies.yaml", sl_traffic_policy_spec_rows);
    check_crd(SL_MANIFESTS "/crds/rollouts.yaml", sl_rollout_spec_rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_crds_have_the_fields_rules_and_defaults_of_the_tables),
    };
    return cmocka_run_group_tests_name("crds", tests, NULL, NULL);
}
