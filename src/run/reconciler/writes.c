/* The list of requests that are under way (writes.h). */
#include "run/reconciler/writes.h"

#include <stdlib.h>

#include "codec/jscan.h"

struct sl_writes {
    struct sl_client *client;
    struct sl_fleet *fleet;
    int64_t timeout;
    struct sl_write *first;
    size_t count;
};

struct sl_writes *sl_writes_open(struct sl_client *client, struct sl_fleet *fleet, int64_t timeout)
{
    struct sl_writes *writes = calloc(1, sizeof *writes);
    if (writes == NULL) {
        abort();
    }
    *writes = (struct sl_writes){.client = client, .fleet = fleet, .timeout = timeout};
    return writes;
}

struct sl_write *sl_write_new(struct sl_writes *writes, const struct sl_writer *writer,
                              void *target, struct sl_due *due, const struct sl_action_call *what,
                              const char *uid)
{
    struct sl_write *write = calloc(1, sizeof *write);
    if (write == NULL) {
        abort();
    }
    write->writes = writes;
    write->writer = writer;
    write->target = target;
    write->due = due;
    write->verb = what->call;
    write->group = sl_arena_str(&write->arena, what->group);
    write->resource = sl_arena_str(&write->arena, what->resource);
    write->ns = sl_arena_str(&write->arena, what->ns);
    write->name = sl_arena_str(&write->arena, what->name);
    write->uid = sl_arena_cstr(&write->arena, sl_str_from(uid));
    write->next = writes->first;
    if (write->next != NULL) {
        write->next->previous = write;
    }
    writes->first = write;
    writes->count++;
    due->under_way++;
    return write;
}

void sl_write_send(struct sl_write *write, const struct sl_action_call *what, int64_t now)
{
    static const enum sl_verb verbs[] = {
        [SL_CALL_CREATE] = SL_CREATE_OBJECT,
        [SL_CALL_PATCH] = SL_PATCH_OBJECT,
        [SL_CALL_DELETE] = SL_DELETE_OBJECT,
    };
    const struct sl_request request = {
        .verb = verbs[what->call],
        .resource = {what->group, what->version, what->resource},
        .ns = what->ns,
        .name = what->call == SL_CALL_CREATE ? (struct sl_str){0} : what->name,
        .subresource =
            what->subresource[0] == '\0' ? (struct sl_str){0} : sl_str_from(what->subresource),
        .body = sl_buf_str(&what->body),
        .content_type = what->content_type,
        .timeout = write->writes->timeout,
    };
    write->id = sl_client_send(write->writes->client, &request, write, now);
}

/* It is answered: releases it, and its target. */
static void done(struct sl_write *write)
{
    struct sl_writes *writes = write->writes;
    if (write->previous == NULL) {
        writes->first = write->next;
    } else {
        write->previous->next = write->next;
    }
    if (write->next != NULL) {
        write->next->previous = write->previous;
    }
    writes->count--;
    write->due->under_way--;
    sl_arena_cleanup(&write->arena);
    free(write);
}

void sl_writes_close(struct sl_writes *writes)
{
    if (writes == NULL) {
        return;
    }
    for (struct sl_write *write = writes->first, *next = NULL; write != NULL; write = next) {
        next = write->next;
        sl_client_cancel(writes->client, write->id);
        done(write);
    }
    free(writes);
}

/* --- answers --- */

struct kind_view {
    struct sl_jval kind;
};
static const struct sl_jrow kind_rows[] = {
    {.key = "kind", .at = offsetof(struct kind_view, kind)},
    {0},
};

/* A DELETE is answered with the object while it is still there, and with a Status when it is gone.
 */
static bool is_status(struct sl_str body)
{
    struct kind_view view = {.kind = {.type = SL_J_ABSENT}};
    return sl_jscan(body, kind_rows, &view, NULL, NULL) == 0 &&
           sl_str_is(view.kind.raw, "\"Status\"");
}

/* A path that the API server does not serve, just now or at all, says nothing of an object: only a
 * NotFound does. */
static void take_in(const struct sl_write *write, const struct sl_reply *reply)
{
    struct sl_str body = sl_buf_str(&reply->body);
    bool ok = reply->err.kind == SL_ERR_NONE;
    bool gone = ok ? write->verb == SL_CALL_DELETE && is_status(body)
                   : write->verb != SL_CALL_CREATE && sl_str_is(reply->reason, "NotFound");
    if (gone) {
        sl_fleet_forget(write->writes->fleet, write->group, write->resource, write->ns, write->name,
                        write->uid);
    } else if (ok) {
        sl_fleet_put(write->writes->fleet, write->group, write->resource, body);
    }
}

void sl_writes_reply(const struct sl_reply *reply, int64_t now, int64_t wall)
{
    struct sl_write *write = reply->tag;
    struct sl_due *due = write->due;
    take_in(write, reply);
    write->writer->answered(write->writer->ctx, write, &reply->err, now, wall);
    done(write);
    if (due->under_way == 0) {
        sl_due_settle(due, now);
    }
}

/* --- what is under way --- */

size_t sl_writes_under_way(const struct sl_writes *writes)
{
    return writes->count;
}

bool sl_writes_full(const struct sl_writes *writes)
{
    struct sl_client_stats stats;
    sl_client_stats(writes->client, &stats);
    return stats.queued >= SL_WRITES_QUEUED_MAX;
}

void sl_writes_leaving(const struct sl_writes *writes, const char *ns, struct sl_arena *arena,
                       struct sl_budget_view *view)
{
    const char **uids = sl_arena_alloc(arena, (writes->count + 1) * sizeof(const char *));
    size_t count = 0;
    for (const struct sl_write *write = writes->first; write != NULL; write = write->next) {
        if (write->begins && sl_str_is(write->ns, ns)) {
            uids[count++] = write->uid;
        }
    }
    for (size_t i = 0; view->left != NULL && count != view->leaving_count && i < view->budget_count;
         i++) {
        view->left[i] = SL_BUDGET_UNCOUNTED;
    }
    view->leaving = uids;
    view->leaving_count = count;
}
