/* What the tests of records share: objects that a real API server sent, and records from JSON. */
#ifndef SL_TESTS_CORE_RECORDS_SUPPORT_H
#define SL_TESTS_CORE_RECORDS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "codec/jscan.h"
#include "codec/timestamp.h"
#include "core/records/record.h"

/* The body that tests/fixtures/api/NAME.json holds; its text is in `file`. */
static inline struct sl_jval fixture_body(const char *name, struct sl_buf *file)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_err err = SL_ERR_INIT;
    struct sl_jval root = {0};
    const char *path = sl_arena_printf(&arena, "%s/api/%s.json", SL_FIXTURES, name);
    if (sl_file_read(path, file, &err) < 0 ||
        sl_jscan(sl_buf_str(file), NULL, NULL, &root, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return sl_jval_get(sl_jval_get(root, SL_STR("response")), SL_STR("body"));
}

/* The item of that metadata.name in a list. */
static inline struct sl_str fixture_item(struct sl_jval list, const char *name)
{
    struct sl_jiter it = sl_jiter(sl_jval_get(list, SL_STR("items")));
    struct sl_jval item;
    while (sl_jiter_next(&it, NULL, &item)) {
        struct sl_jval metadata = sl_jval_get(item, SL_STR("metadata"));
        if (sl_jval_is(sl_jval_get(metadata, SL_STR("name")), sl_str_from(name))) {
            return item.raw;
        }
    }
    fail_msg("no item %s", name);
    return (struct sl_str){0};
}

static inline struct sl_record *decoded(sl_record_decode *decode, struct sl_str json)
{
    struct sl_err err = SL_ERR_INIT;
    struct sl_record *record = NULL;
    if (decode(json, &record, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return record;
}

static inline int64_t moment(const char *text)
{
    int64_t ns = 0;
    assert_true(sl_timestamp_parse(sl_str_from(text), &ns));
    return ns;
}

/* Texts that no decoder takes for an object. */
static inline void refuses_what_is_no_object(sl_record_decode *decode)
{
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"metadata\":{\"name\":\"x\"}}",
        "{\"metadata\":{\"uid\":\"x\"}}",
        "{\"metadata\":{\"name\":\"x\",\"uid\":7}}",
        "{\"metadata\":{\"name\":\"x\",\"uid\":\"u\"}",
        "{\"metadata\":{\"name\":\"x\",\"name\":\"y\",\"uid\":\"u\"}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sl_err err = SL_ERR_INIT;
        struct sl_record *record = NULL;
        if (decode(sl_str_from(texts[i]), &record, &err) == 0 || err.kind != SL_ERR_INVALID ||
            record != NULL) {
            fail_msg("accepted: %s", texts[i]);
        }
    }
}

#endif
