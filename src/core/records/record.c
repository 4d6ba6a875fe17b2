/* What all decoders of records share (record.h, draft.h): metadata, single values, and the copy of
 * a draft into one piece of memory. */
#include "core/records/record.h"

#include <stddef.h>
#include <string.h>

#include "codec/timestamp.h"
#include "core/records/draft.h"

#define PROBLEM_MAX ((size_t)4096) /* bytes of what is said about a spec */
#define CENTURIES (INT64_MAX / 2)  /* a time that has not come, ns */

#define AT(field) .at = offsetof(struct sl_draft_metadata, field)

const struct sl_jrow sl_draft_metadata_rows[] = {
    {.key = "name", AT(name)},
    {.key = "namespace", AT(ns)},
    {.key = "uid", AT(uid)},
    {.key = "resourceVersion", AT(resource_version)},
    {.key = "generation", AT(generation)},
    {.key = "creationTimestamp", AT(created)},
    {.key = "deletionTimestamp", AT(deleted)},
    {.key = "deletionGracePeriodSeconds", AT(grace)},
    {.key = "labels", AT(labels)},
    {.key = "annotations", AT(annotations)},
    {.key = "ownerReferences", AT(owners)},
    {.key = "finalizers", AT(finalizers)},
    {.key = "managedFields", AT(managed)},
    {0},
};

void sl_record_free(struct sl_record *record)
{
    free(record);
}

const char *sl_draft_text(struct sl_jval value, struct sl_arena *arena)
{
    struct sl_str text = sl_jval_str(value, arena);
    return text.n == 0 ? "" : sl_arena_cstr(arena, text);
}

int64_t sl_draft_int(struct sl_jval value)
{
    int64_t number = 0;
    return sl_jval_int(value, &number) && number > 0 ? number : 0;
}

int32_t sl_draft_int32(struct sl_jval value, int32_t absent)
{
    int64_t number = -1;
    bool fits = sl_jval_int(value, &number) && number >= 0 && number <= INT32_MAX;
    return fits ? (int32_t)number : absent;
}

int64_t sl_draft_time(struct sl_jval value, struct sl_arena *arena)
{
    int64_t ns = 0;
    return sl_timestamp_parse(sl_jval_str(value, arena), &ns) ? ns : 0;
}

/* A grace period may be centuries, and its end no time: the object is being deleted all the same.
 */
static int64_t deleted_time(struct sl_jval value, struct sl_arena *arena)
{
    int64_t ns = sl_draft_time(value, arena);
    return ns == 0 && value.type == SL_J_STRING ? CENTURIES : ns;
}

struct sl_str sl_draft_mark(struct sl_jval marks, struct sl_str key, size_t max,
                            struct sl_arena *arena)
{
    struct sl_str text = sl_jval_str(sl_jval_get(marks, key), arena);
    return text.n > max ? (struct sl_str){0} : text;
}

int64_t sl_draft_number(struct sl_str text)
{
    return sl_draft_int((struct sl_jval){.raw = text, .type = SL_J_NUMBER});
}

const char *sl_draft_problem(const struct sl_problems *problems, struct sl_arena *arena)
{
    SL_AUTO(sl_buf) struct sl_buf said = SL_BUF_INIT(PROBLEM_MAX);
    sl_problems_write(problems, &said);
    /* The buffer stops before the first part that does not fit, which may be all of it. */
    return said.len == 0 ? "the spec is not valid" : sl_arena_cstr(arena, sl_buf_str(&said));
}

static const char *controller_of(struct sl_jval owners, struct sl_arena *arena)
{
    struct sl_jiter it = sl_jiter(owners);
    struct sl_jval owner;
    while (!it.object && sl_jiter_next(&it, NULL, &owner)) {
        if (sl_jval_true(sl_jval_get(owner, SL_STR("controller")))) {
            return sl_draft_text(sl_jval_get(owner, SL_STR("uid")), arena);
        }
    }
    return "";
}

int sl_draft_record(const struct sl_draft_metadata *metadata, struct sl_arena *arena,
                    struct sl_record *ret_record, struct sl_err *err)
{
    struct sl_record record = {
        .ns = sl_draft_text(metadata->ns, arena),
        .name = sl_draft_text(metadata->name, arena),
        .uid = sl_draft_text(metadata->uid, arena),
        .resource_version = sl_draft_text(metadata->resource_version, arena),
        .owner_uid = controller_of(metadata->owners, arena),
        .generation = sl_draft_int(metadata->generation),
        .created = sl_draft_time(metadata->created, arena),
        .deleted = deleted_time(metadata->deleted, arena),
    };
    if (record.name[0] == '\0' || record.uid[0] == '\0') {
        return sl_err_set(err, SL_ERR_INVALID, "not a stored object: it has no metadata.%s",
                          record.name[0] == '\0' ? "name" : "uid");
    }
    *ret_record = record;
    return 0;
}

/* The field of a record that a table of offsets names. */
static const char **text_at(void *record, size_t offset)
{
    return (const char **)(void *)((char *)record + offset);
}

struct sl_record *sl_draft_seal(const void *draft, size_t size, const size_t *texts,
                                size_t text_count)
{
    size_t total = size;
    for (size_t i = 0; i < text_count; i++) {
        const char *text;
        memcpy(&text, (const char *)draft + texts[i], sizeof text);
        total += text[0] == '\0' ? 0 : strlen(text) + 1;
    }
    struct sl_record *record = malloc(total);
    if (record == NULL) {
        abort();
    }
    memcpy(record, draft, size);
    char *end = (char *)record + size;
    for (size_t i = 0; i < text_count; i++) {
        const char **field = text_at(record, texts[i]);
        size_t length = strlen(*field);
        if (length == 0) {
            *field = ""; /* one for all records */
            continue;
        }
        memcpy(end, *field, length + 1);
        *field = end;
        end += length + 1;
    }
    record->bytes = total;
    return record;
}
