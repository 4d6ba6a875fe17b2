/* YAML: any text is read or refused; what is read is written, and reads back as the same value; any
 * field path has a place. An input may begin with a field path that ends with a NUL. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "codec/yaml.h"

#define WRITTEN_MAX (8 * SL_MIB) /* aliases make much of little; more is not worth the time */

static void check_round_trip(struct json_object *root)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(WRITTEN_MAX);
    struct sl_err err = SL_ERR_INIT;
    if (sl_yaml_write(root, &text, &err) != 0) {
        /* JSON may hold 1e400, which YAML's readers take for a string or for .inf. */
        if (!text.overflowed && strstr(err.msg, "not finite") == NULL) {
            abort();
        }
        return;
    }
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    if (sl_yaml_parse(sl_buf_str(&text), &docs, &err) != 0 || sl_yaml_count(docs) != 1 ||
        !sl_json_equal(sl_yaml_root(docs, 0), root)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_str text = {.p = (const char *)data, .n = size};
    const char *path = "spec.loadBalancers[0].name";
    const char *end = size == 0 ? NULL : memchr(data, '\0', size);
    if (end != NULL) {
        path = text.p;
        text.n -= (size_t)(end + 1 - text.p);
        text.p = end + 1;
    }
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    struct sl_err err = SL_ERR_INIT;
    if (sl_yaml_parse(text, &docs, &err) != 0) {
        if (docs != NULL || err.kind != SL_ERR_INVALID || err.msg[0] == '\0') {
            abort();
        }
        return 0;
    }
    for (size_t i = 0; i < sl_yaml_count(docs); i++) {
        check_round_trip(sl_yaml_root(docs, i));
        if (sl_yaml_locate(docs, i, path).line == 0) {
            abort();
        }
    }
    return 0;
}
