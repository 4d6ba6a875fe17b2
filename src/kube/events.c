/* The recorder of events (events.h): series.c holds what waits and what was told, this file makes
 * requests of it, a few at a time. */
#include "kube/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codec/timestamp.h"
#include "kube/series.h"

#define WAITING_MAX 256
#define UNDER_WAY_MAX 4
#define TEXT_MAX (64 * SL_KIB) /* of one Event */

/* What the API server allows, in bytes. */
#define NOTE_MAX 1024
#define WORD_MAX 128
#define NAME_MAX_BYTES 253
#define HEX_TIME_MAX 17 /* behind the object's name: ".18f6b3a1c2d4e5f6" */

struct sl_events {
    struct sl_events_options options; /* texts in `arena` */
    struct sl_arena arena;
    struct sl_series *series;
    size_t under_way;
    int64_t last_name; /* the time in the last name: no two are alike */
    uint64_t lost;
};

struct sl_events *sl_events_open(const struct sl_events_options *options)
{
    struct sl_events *events = calloc(1, sizeof *events);
    if (events == NULL) {
        abort();
    }
    events->options = (struct sl_events_options){
        .client = options->client,
        .controller = sl_arena_cstr(&events->arena, sl_str_from(options->controller)),
        .instance = sl_arena_cstr(&events->arena, sl_str_from(options->instance)),
    };
    events->series = sl_series_open();
    return events;
}

void sl_events_close(struct sl_events *events)
{
    if (events == NULL) {
        return;
    }
    struct sl_series_one *one = NULL;
    while ((one = sl_series_under_way(events->series, 0)) != NULL) {
        sl_client_cancel(events->options.client, one->request);
        one->request = 0;
    }
    sl_series_close(events->series);
    sl_arena_cleanup(&events->arena);
    free(events);
}

/* At most that many bytes, and no half of a character at the end. */
static struct sl_str cut(const char *text, size_t most)
{
    struct sl_str all = sl_str_from(text == NULL ? "" : text);
    if (all.n > most) {
        all.n = most;
        while (all.n > 0 && ((unsigned char)all.p[all.n] & 0xc0) == 0x80) {
            all.n--;
        }
    }
    return all;
}

/* Left out where it is empty. */
static void add_text(struct sl_buf *out, const char *key, struct sl_str text)
{
    if (text.n == 0) {
        return;
    }
    if (out->len > 0 && out->data[out->len - 1] != '{') {
        sl_buf_addc(out, ',');
    }
    sl_buf_addf(out, "\"%s\":\"", key);
    sl_buf_add_json(out, text);
    sl_buf_addc(out, '"');
}

static void add_time(struct sl_buf *out, const char *key, int64_t wall)
{
    char text[SL_TIMESTAMP_SIZE];
    sl_timestamp_write_micro(wall, text);
    add_text(out, key, sl_str_from(text));
}

static void add_regarding(struct sl_buf *out, const struct sl_event *event)
{
    sl_buf_adds(out, ",\"regarding\":{");
    add_text(out, "apiVersion", sl_str_from(event->api_version));
    add_text(out, "kind", sl_str_from(event->kind));
    add_text(out, "namespace", sl_str_from(event->ns));
    add_text(out, "name", sl_str_from(event->name));
    add_text(out, "uid", sl_str_from(event->uid));
    add_text(out, "resourceVersion", sl_str_from(event->resource_version));
    sl_buf_adds(out, "}");
}

static void write_new(const struct sl_events *events, const struct sl_event *event,
                      const struct sl_series_one *one, struct sl_buf *out)
{
    sl_buf_adds(out, "{\"apiVersion\":\"events.k8s.io/v1\",\"kind\":\"Event\",\"metadata\":{");
    add_text(out, "namespace", sl_str_from(one->ns));
    add_text(out, "name", sl_str_from(one->name));
    sl_buf_adds(out, "}");
    add_time(out, "eventTime", one->seen_wall);
    add_text(out, "type", event->warning ? SL_STR("Warning") : SL_STR("Normal"));
    add_text(out, "reason", cut(event->reason, WORD_MAX));
    add_text(out, "action", cut(event->action, WORD_MAX));
    add_text(out, "note", cut(event->note, NOTE_MAX));
    add_text(out, "reportingController", sl_str_from(events->options.controller));
    add_text(out, "reportingInstance", cut(events->options.instance, WORD_MAX));
    add_regarding(out, event);
    sl_buf_adds(out, "}");
}

/* What makes two events the same, each text with its NUL. */
static void write_key(const struct sl_event *event, struct sl_buf *out)
{
    const char *const texts[] = {
        event->api_version, event->kind,   event->ns,     event->name,
        event->uid,         event->reason, event->action, event->warning ? "!" : "",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = texts[i] == NULL ? "" : texts[i];
        sl_buf_add(out, text, strlen(text) + 1);
    }
}

static char *print_name(struct sl_events *events, const char *object, int64_t wall)
{
    struct sl_str prefix = cut(object, NAME_MAX_BYTES - HEX_TIME_MAX);
    char *name = NULL;
    events->last_name = wall > events->last_name ? wall : events->last_name + 1;
    if (asprintf(&name, "%.*s.%" PRIx64, SL_STR_FMT(prefix), (uint64_t)events->last_name) < 0) {
        abort();
    }
    return name;
}

static char *copy(const char *text)
{
    char *copied = strdup(text);
    if (copied == NULL) {
        abort();
    }
    return copied;
}

static void add_new(struct sl_events *events, const struct sl_event *event, struct sl_str key,
                    int64_t now, int64_t wall)
{
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(TEXT_MAX);
    if (sl_series_waiting(events->series) >= WAITING_MAX) {
        events->lost++;
        return;
    }
    bool lost = false;
    struct sl_series_one *one = sl_series_add(events->series, key, &lost);
    events->lost += lost ? 1 : 0;
    /* What is about a cluster-scoped object stands in "default". */
    one->ns = copy(event->ns == NULL || event->ns[0] == '\0' ? "default" : event->ns);
    one->name = print_name(events, event->name, wall);
    one->count = one->told = 1;
    one->requested = one->seen = now;
    one->seen_wall = wall;
    write_new(events, event, one, &body);
    if (body.overflowed) {
        events->lost++;
        sl_series_remove(events->series, one);
        return;
    }
    one->body = copy(body.data);
}

void sl_events_emit(struct sl_events *events, const struct sl_event *event, int64_t now,
                    int64_t wall)
{
    SL_AUTO(sl_buf) struct sl_buf key = SL_BUF_INIT(TEXT_MAX);
    write_key(event, &key);
    if (key.overflowed) {
        events->lost++;
        return;
    }
    struct sl_series_one *one = sl_series_again(events->series, sl_buf_str(&key), now);
    if (one == NULL) {
        add_new(events, event, sl_buf_str(&key), now, wall);
        return;
    }
    one->count++;
    one->seen = now;
    one->seen_wall = wall;
}

static void send_one(struct sl_events *events, struct sl_series_one *one, int64_t now)
{
    SL_AUTO(sl_buf) struct sl_buf patch = SL_BUF_INIT(SL_KIB);
    struct sl_request request = {
        .verb = SL_CREATE_OBJECT,
        .resource = {.group = SL_STR("events.k8s.io"),
                     .version = SL_STR("v1"),
                     .plural = SL_STR("events")},
        .ns = sl_str_from(one->ns),
        .body = sl_str_from(one->body),
    };
    if (one->body == NULL) {
        sl_buf_addf(&patch, "{\"series\":{\"count\":%" PRId64, one->count);
        add_time(&patch, "lastObservedTime", one->seen_wall);
        sl_buf_adds(&patch, "}}");
        one->told = one->count;
        request.verb = SL_PATCH_OBJECT;
        request.name = sl_str_from(one->name);
        request.content_type = "application/merge-patch+json";
        request.body = sl_buf_str(&patch);
    }
    one->requested = now;
    one->request = sl_client_send(events->options.client, &request, events, now);
    events->under_way++;
    free(one->body);
    one->body = NULL;
}

void sl_events_turn(struct sl_events *events, int64_t now, int64_t wall)
{
    (void)wall;
    while (sl_events_due(events) <= now) {
        int64_t at = 0;
        send_one(events, sl_series_next(events->series, &at), now);
    }
}

void sl_events_reply(struct sl_events *events, const struct sl_reply *reply, int64_t now)
{
    (void)now;
    struct sl_series_one *one = sl_series_under_way(events->series, reply->id);
    if (one == NULL) {
        return;
    }
    events->under_way--;
    one->request = 0;
    if (reply->err.kind == SL_ERR_NONE) {
        return;
    }
    events->lost++;
    /* Not written, or deleted since: the next of its kind is a first again. */
    if (reply->verb == SL_CREATE_OBJECT || reply->err.kind == SL_ERR_NOT_FOUND) {
        sl_series_remove(events->series, one);
    }
}

int64_t sl_events_due(const struct sl_events *events)
{
    int64_t at = 0;
    if (events->under_way >= UNDER_WAY_MAX || sl_series_next(events->series, &at) == NULL) {
        return INT64_MAX;
    }
    return at;
}

uint64_t sl_events_lost(const struct sl_events *events)
{
    return events->lost;
}
