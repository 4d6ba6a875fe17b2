/* What the tests of statuses share: the schema that a CRD in manifests/ declares. */
#ifndef SL_TESTS_CORE_CRD_SCHEMA_H
#define SL_TESTS_CORE_CRD_SCHEMA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "codec/json.h"
#include "codec/yaml.h"

static inline struct json_object *inside(struct json_object *schema, const char *key)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(schema, key, &value)) {
        fail_msg("the CRD lacks %s", key);
    }
    return value;
}

/* Every member of `object` stands in the schema, and every word of an enumeration. */
static inline void check_schema(struct json_object *object, struct json_object *schema)
{
    json_object_object_foreach(object, key, value)
    {
        struct json_object *member = inside(inside(schema, "properties"), key);
        struct json_object *words = NULL;
        bool found = !json_object_object_get_ex(member, "enum", &words);
        for (size_t i = 0; !found && i < json_object_array_length(words); i++) {
            found = json_object_equal(json_object_array_get_idx(words, i), value) != 0;
        }
        if (!found) {
            fail_msg("the CRD lacks the word %s", json_object_to_json_string(value));
        }
        if (json_object_is_type(value, json_type_object)) {
            check_schema(value, member);
        }
        for (size_t i = 0;
             json_object_is_type(value, json_type_array) && i < json_object_array_length(value);
             i++) {
            check_schema(json_object_array_get_idx(value, i), inside(member, "items"));
        }
    }
}

/* manifests/crds/PLURAL.yaml. */
static inline struct sl_yaml_docs *crd_of(const char *plural)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    SL_AUTO(sl_buf) struct sl_buf file = SL_BUF_INIT(SL_MIB);
    struct sl_yaml_docs *docs = NULL;
    struct sl_err err = SL_ERR_INIT;
    const char *path = sl_arena_printf(&arena, "%s/crds/%s.yaml", SL_MANIFESTS, plural);
    if (sl_file_read(path, &file, &err) < 0 || sl_yaml_parse(sl_buf_str(&file), &docs, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return docs;
}

/* The schema of its status. */
static inline struct json_object *crd_status(struct sl_yaml_docs *docs)
{
    struct json_object *versions = inside(inside(sl_yaml_root(docs, 0), "spec"), "versions");
    struct json_object *root =
        inside(inside(json_object_array_get_idx(versions, 0), "schema"), "openAPIV3Schema");
    return inside(inside(root, "properties"), "status");
}

#endif
