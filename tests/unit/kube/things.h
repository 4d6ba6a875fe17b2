/* Objects for the tests of the cache: a record that is nothing but what every record begins with,
 * and its JSON. A thing with the member "bad" cannot be decoded, one with "dull" is not wanted. */
#ifndef SL_TESTS_KUBE_THINGS_H
#define SL_TESTS_KUBE_THINGS_H

#include <string.h>

#include "base/buf.h"
#include "codec/jscan.h"
#include "core/records/record.h"

struct thing {
    struct sl_record record;
    struct sl_arena arena;
};

static inline struct sl_record *thing_make(const char *ns, const char *name, const char *uid,
                                           const char *version, const char *owner)
{
    struct thing *thing = calloc(1, sizeof *thing);
    if (thing == NULL) {
        abort();
    }
    thing->record = (struct sl_record){
        .ns = sl_arena_cstr(&thing->arena, sl_str_from(ns)),
        .name = sl_arena_cstr(&thing->arena, sl_str_from(name)),
        .uid = sl_arena_cstr(&thing->arena, sl_str_from(uid)),
        .resource_version = sl_arena_cstr(&thing->arena, sl_str_from(version)),
        .owner_uid = sl_arena_cstr(&thing->arena, sl_str_from(owner)),
        .bytes = 100,
    };
    return &thing->record;
}

static inline void thing_free(struct sl_record *record)
{
    struct thing *thing = (struct thing *)(void *)record;
    sl_arena_cleanup(&thing->arena);
    free(thing);
}

struct thing_values {
    struct sl_jval ns, name, uid, version, owner, bad, dull;
};

static inline const char *thing_text(struct sl_jval value, struct sl_arena *arena)
{
    struct sl_str text = sl_jval_str(value, arena);
    return text.p == NULL ? "" : sl_arena_cstr(arena, text);
}

static inline int thing_decode(void *ctx, struct sl_str json, struct sl_record **ret_record,
                               struct sl_err *err)
{
    static const struct sl_jrow meta_rows[] = {
        {.key = "namespace", .at = offsetof(struct thing_values, ns)},
        {.key = "name", .at = offsetof(struct thing_values, name)},
        {.key = "uid", .at = offsetof(struct thing_values, uid)},
        {.key = "resourceVersion", .at = offsetof(struct thing_values, version)},
        {0},
    };
    static const struct sl_jrow rows[] = {
        {.key = "metadata", .at = SL_JROW_NO_VALUE, .rows = meta_rows},
        {.key = "owner", .at = offsetof(struct thing_values, owner)},
        {.key = "bad", .at = offsetof(struct thing_values, bad)},
        {.key = "dull", .at = offsetof(struct thing_values, dull)},
        {0},
    };
    (void)ctx;
    struct thing_values values = {0};
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    if (sl_jscan(json, rows, &values, NULL, err) != 0) {
        return -1;
    }
    if (values.bad.type != SL_J_ABSENT) {
        return sl_err_set(err, SL_ERR_INVALID, "a bad thing");
    }
    if (values.dull.type != SL_J_ABSENT) {
        *ret_record = NULL;
        return 0;
    }
    *ret_record = thing_make(thing_text(values.ns, &arena), thing_text(values.name, &arena),
                             thing_text(values.uid, &arena), thing_text(values.version, &arena),
                             thing_text(values.owner, &arena));
    return 0;
}

/* What sl_cache_options.changed told, as text: "+a/web-0@5" "~a/web-0@5>6" "-a/web-0@6", each
 * followed by a space. */
static inline void thing_note(struct sl_buf *notes, const struct sl_record *before,
                              const struct sl_record *after)
{
    if (before == NULL) {
        sl_buf_addf(notes, "+%s/%s@%s ", after->ns, after->name, after->resource_version);
    } else if (after == NULL) {
        sl_buf_addf(notes, "-%s/%s@%s ", before->ns, before->name, before->resource_version);
    } else {
        sl_buf_addf(notes, "~%s/%s@%s>%s ", after->ns, after->name, before->resource_version,
                    after->resource_version);
    }
}

#endif
