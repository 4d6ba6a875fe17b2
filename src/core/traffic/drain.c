/* The annotation sluice.dev/drain (drain.h): read from a pod, written as text. */
#include "core/traffic/drain.h"

#include <stddef.h>
#include <string.h>

#include "codec/jscan.h"
#include "codec/timestamp.h"
#include "core/names.h"

const char *const sl_drain_op_names[] = {
    [SL_DRAIN_NONE] = "none",   [SL_DRAIN_UPGRADE] = "upgrade", [SL_DRAIN_DELETE] = "delete",
    [SL_DRAIN_EVICT] = "evict", [SL_DRAIN_OTHER] = "other",     [SL_DRAIN_OPS] = NULL,
};

struct drain_view {
    struct sl_jval op, id, since, deadline;
};

static const struct sl_jrow drain_rows[] = {
    {.key = "op", .at = offsetof(struct drain_view, op)},
    {.key = "id", .at = offsetof(struct drain_view, id)},
    {.key = "since", .at = offsetof(struct drain_view, since)},
    {.key = "deadline", .at = offsetof(struct drain_view, deadline)},
    {0},
};

static enum sl_drain_op op_of(struct sl_str text)
{
    if (text.n == 0) {
        return SL_DRAIN_NONE;
    }
    for (int op = SL_DRAIN_UPGRADE; op < SL_DRAIN_OTHER; op++) {
        if (sl_str_is(text, sl_drain_op_names[op])) {
            return (enum sl_drain_op)op;
        }
    }
    return SL_DRAIN_OTHER;
}

/* 0 for what is no time, and for what no annotation can have been written at. */
static int64_t time_of(struct sl_jval value, struct sl_arena *arena)
{
    int64_t ns = 0;
    return sl_timestamp_parse(sl_jval_str(value, arena), &ns) && ns > 0 ? ns : 0;
}

void sl_drain_read(const struct sl_pod_record *pod, struct sl_arena *arena,
                   struct sl_drain_mark *ret_mark)
{
    struct drain_view view = {0};
    *ret_mark = (struct sl_drain_mark){.id = SL_STR("")};
    if (pod->drain[0] == '\0' ||
        sl_jscan(sl_str_from(pod->drain), drain_rows, &view, NULL, NULL) < 0) {
        return;
    }
    struct sl_str op = sl_jval_str(view.op, arena);
    struct sl_str id = sl_jval_str(view.id, arena);
    if (op.n > 0) {
        *ret_mark = (struct sl_drain_mark){
            .op = op_of(op),
            .op_text = op,
            .id = id.n == 0 ? SL_STR("") : id,
            .since = time_of(view.since, arena),
            .deadline = time_of(view.deadline, arena),
        };
    }
}

static void write_time(const char *key, int64_t ns, struct sl_buf *out)
{
    char text[SL_TIMESTAMP_SIZE];
    if (ns != 0) {
        sl_timestamp_write_micro(ns, text);
        sl_buf_addf(out, ",\"%s\":\"%s\"", key, text);
    }
}

void sl_drain_write(const struct sl_drain_mark *mark, struct sl_buf *out)
{
    bool own_text = mark->op == SL_DRAIN_OTHER && mark->op_text.n > 0;
    sl_buf_adds(out, "{\"op\":");
    sl_buf_add_json_string(out,
                           own_text ? mark->op_text : sl_str_from(sl_drain_op_names[mark->op]));
    sl_buf_adds(out, ",\"id\":");
    sl_buf_add_json_string(out, mark->id);
    write_time("since", mark->since, out);
    write_time("deadline", mark->deadline, out);
    sl_buf_addc(out, '}');
}

bool sl_drain_has_begun(const struct sl_pod_record *pod, struct sl_arena *arena)
{
    static const char *const out_of_service[] = {
        SL_REASON_DRAINING,
        SL_REASON_DRAINED,
        SL_REASON_UPGRADING,
    };
    struct sl_drain_mark mark;
    if (pod->record.deleted != 0 || (pod->gate && strcmp(pod->traffic, SL_REASON_JOINING) == 0)) {
        return true;
    }
    for (size_t i = 0; i < sizeof out_of_service / sizeof out_of_service[0]; i++) {
        if (strcmp(pod->traffic, out_of_service[i]) == 0) {
            return true;
        }
    }
    sl_drain_read(pod, arena, &mark);
    return mark.op != SL_DRAIN_NONE && mark.since != 0 && mark.deadline != 0;
}
