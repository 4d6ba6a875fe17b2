/* The list of requests that are under way (writes.h). */
#include "run/writes.h"

#include <stdlib.h>

struct sl_write *sl_write_new(struct sl_writes *writes, struct sl_target *target, int action,
                              const struct sl_action_call *what, const char *uid)
{
    struct sl_write *write = calloc(1, sizeof *write);
    if (write == NULL) {
        abort();
    }
    write->target = target;
    write->action = action;
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
    target->under_way++;
    return write;
}

void sl_write_send(struct sl_writes *writes, struct sl_write *write,
                   const struct sl_action_call *what, int64_t now)
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
        .timeout = writes->timeout,
    };
    write->id = sl_client_send(writes->client, &request, write, now);
}

void sl_write_done(struct sl_writes *writes, struct sl_write *write)
{
    if (write->previous == NULL) {
        writes->first = write->next;
    } else {
        write->previous->next = write->next;
    }
    if (write->next != NULL) {
        write->next->previous = write->previous;
    }
    writes->count--;
    write->target->under_way--;
    sl_arena_cleanup(&write->arena);
    free(write);
}

void sl_writes_cancel(struct sl_writes *writes)
{
    for (struct sl_write *write = writes->first, *next = NULL; write != NULL; write = next) {
        next = write->next;
        sl_client_cancel(writes->client, write->id);
        sl_write_done(writes, write);
    }
}
