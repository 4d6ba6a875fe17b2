/* Names of our own kinds (metadata.h); the spec is decoded by traffic_policy.c and rollout.c. */
#include "core/metadata.h"

#include "codec/names.h"

static struct sl_str text_at(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string)) {
        return (struct sl_str){0};
    }
    return (struct sl_str){.p = json_object_get_string(value),
                           .n = (size_t)json_object_get_string_len(value)};
}

static void check(const struct sl_field *metadata, const char *key, struct sl_str value,
                  const char *rule, struct sl_problems *problems)
{
    struct sl_field at = SL_FIELD(metadata, key);
    if (rule != NULL) {
        sl_problem_add(problems, &at, "\"%.*s\" %s", SL_STR_FMT(value), rule);
    }
}

static void decode_names(struct json_object *object, struct sl_metadata *ret_metadata,
                         struct sl_problems *problems)
{
    struct sl_field at = SL_FIELD(NULL, "metadata");
    struct json_object *metadata = NULL;
    (void)json_object_object_get_ex(object, "metadata", &metadata);
    if (!json_object_is_type(metadata, json_type_object)) {
        sl_problem_add(problems, &at, "is required: it holds the name");
        return;
    }
    struct sl_str name = text_at(metadata, "name");
    struct sl_str ns = text_at(metadata, "namespace");
    if (name.n > 0) {
        /* the name becomes the value of a label on every pod */
        check(&at, "name", name, sl_name_object_as_label(name), problems);
    } else if (text_at(metadata, "generateName").n == 0) {
        struct sl_field key = SL_FIELD(&at, "name");
        sl_problem_add(problems, &key, "is required");
    }
    if (ns.n > 0) {
        check(&at, "namespace", ns, sl_name_dns_label(ns), problems);
    }
    ret_metadata->name = sl_arena_str(problems->arena, name);
    ret_metadata->ns = sl_arena_str(problems->arena, ns.n > 0 ? ns : SL_STR("default"));
}

bool sl_metadata_decode(struct json_object *object, const struct sl_decode_row *spec_rows,
                        struct sl_metadata *ret_metadata, void *ret_spec,
                        struct sl_problems *problems)
{
    const struct sl_decode_row rows[] = {
        {.key = "apiVersion", .type = SL_D_SKIP, .present = SL_DECODE_NO_PRESENT},
        {.key = "kind", .type = SL_D_SKIP, .present = SL_DECODE_NO_PRESENT},
        {.key = "metadata", .type = SL_D_SKIP, .present = SL_DECODE_NO_PRESENT},
        {.key = "spec",
         .type = SL_D_OBJECT,
         .present = SL_DECODE_NO_PRESENT,
         .required = true,
         .rows = spec_rows},
        {.key = "status", .type = SL_D_SKIP, .present = SL_DECODE_NO_PRESENT},
        {0},
    };
    struct json_object *spec = NULL;
    decode_names(object, ret_metadata, problems);
    sl_decode(object, rows, ret_spec, NULL, problems);
    return json_object_object_get_ex(object, "spec", &spec) &&
           json_object_is_type(spec, json_type_object);
}
