/* Texts into the store (feed.h). */
#include "kube/feed.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define REFUSED_KEPT 256 /* uids of objects that were logged as refused */

void sl_feed_open(struct sl_feed *feed, const struct sl_feed_options *options)
{
    *feed = (struct sl_feed){.options = *options};
    feed->store = sl_store_open(&options->store);
    feed->refused = sl_uids_open(REFUSED_KEPT);
}

void sl_feed_close(struct sl_feed *feed)
{
    sl_store_close(feed->store);
    sl_uids_close(feed->refused);
    free(feed->continue_with);
    sl_arena_cleanup(&feed->scratch);
}

static void set_version(char target[static SL_VERSION_MAX + 1], struct sl_str version)
{
    (void)snprintf(target, SL_VERSION_MAX + 1, "%.*s", SL_STR_FMT(version));
}

static void log_refused(struct sl_feed *feed, const struct sl_object_meta *meta,
                        const struct sl_err *err)
{
    feed->refusals++;
    if (sl_uids_add(feed->refused, meta->uid)) {
        sl_log(SL_LOG_WARN, "an object cannot be read and is left out",
               SL_LOG_TEXT("resource", feed->options.plural),
               SL_LOG_TEXT("ns", meta->ns.p == NULL ? SL_STR("") : meta->ns),
               SL_LOG_TEXT("name", meta->name), SL_LOG_CSTR("err", err->msg));
    }
}

/* The store finds a record by what is in it: that has to be what the object said. */
static bool is_of(const struct sl_record *record, const struct sl_object_meta *meta)
{
    return sl_str_is(meta->ns, record->ns) && sl_str_is(meta->name, record->name) &&
           sl_str_is(meta->uid, record->uid) && sl_str_is(meta->version, record->resource_version);
}

static void take_object(struct sl_feed *feed, const struct sl_object_meta *meta, struct sl_str json)
{
    if (!sl_store_wants(feed->store, meta)) {
        return;
    }
    struct sl_err err = SL_ERR_INIT;
    struct sl_record *record = NULL;
    if (feed->options.decode(feed->options.store.ctx, json, &record, &err) != 0) {
        log_refused(feed, meta, &err);
        sl_store_drop(feed->store, meta);
        return;
    }
    if (record == NULL) {
        sl_store_drop(feed->store, meta);
        return;
    }
    if (!is_of(record, meta)) {
        (void)sl_err_set(&err, SL_ERR_INVALID, "its metadata is larger than any that is valid");
        log_refused(feed, meta, &err);
        sl_store_drop(feed->store, meta);
        feed->options.store.destroy(record);
        return;
    }
    sl_store_put(feed->store, record);
}

static void take_list_version(struct sl_feed *feed, struct sl_str version)
{
    set_version(feed->list_version, version);
    if (feed->version[0] != '\0' && sl_version_compare(version, sl_str_from(feed->version)) < 0) {
        sl_store_list_rewound(feed->store);
    }
}

static void end_list(struct sl_feed *feed)
{
    sl_store_list_end(feed->store, sl_str_from(feed->list_version));
    (void)memcpy(feed->version, feed->list_version, sizeof feed->version);
    feed->lists++;
}

static int take_items(struct sl_feed *feed, struct sl_jval items, struct sl_err *err)
{
    struct sl_jiter it = sl_jiter(items);
    struct sl_jval item;
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    while (sl_jiter_next(&it, NULL, &item)) {
        struct sl_object_meta meta;
        sl_arena_reset(&arena);
        if (sl_object_meta_scan(item.raw, &arena, &meta, err) != 0) {
            return -1;
        }
        take_object(feed, &meta, item.raw);
        sl_store_list_saw(feed->store, &meta);
    }
    return 0;
}

static void set_continue(struct sl_feed *feed, struct sl_str token)
{
    free(feed->continue_with);
    feed->continue_with = NULL;
    if (token.n > 0) {
        feed->continue_with = strndup(token.p, token.n);
        if (feed->continue_with == NULL) {
            abort();
        }
    }
}

void sl_feed_list_begin(struct sl_feed *feed)
{
    set_continue(feed, (struct sl_str){0});
    sl_store_list_begin(feed->store);
}

int sl_feed_page(struct sl_feed *feed, struct sl_str json, bool *ret_last, struct sl_err *err)
{
    struct sl_list_page page;
    sl_arena_reset(&feed->scratch);
    if (sl_list_page_scan(json, &feed->scratch, &page, err) != 0) {
        return -1;
    }
    if (feed->continue_with == NULL) {
        take_list_version(feed, page.version);
    }
    if (take_items(feed, page.items, err) != 0) {
        return -1;
    }
    set_continue(feed, page.continue_with);
    *ret_last = page.continue_with.n == 0;
    if (*ret_last) {
        end_list(feed);
    }
    return 0;
}

int sl_feed_line(struct sl_feed *feed, struct sl_str line, struct sl_err *err)
{
    struct sl_watch_event event;
    sl_arena_reset(&feed->scratch);
    if (sl_watch_event_scan(line, &feed->scratch, &event, err) != 0) {
        return -1;
    }
    switch (event.type) {
    case SL_WATCH_ERROR:
        return sl_err_set(err, event.code == 410 ? SL_ERR_GONE : SL_ERR_TRANSIENT,
                          "the watch says: %.*s", SL_STR_FMT(event.message));
    case SL_WATCH_DELETED:
        sl_store_delete(feed->store, event.meta.ns, event.meta.name, event.meta.uid);
        break;
    case SL_WATCH_ADDED:
    case SL_WATCH_MODIFIED:
        take_object(feed, &event.meta, event.object);
        break;
    case SL_WATCH_BOOKMARK:
        break;
    }
    set_version(feed->version, event.meta.version);
    feed->events++;
    return 0;
}

void sl_feed_put(struct sl_feed *feed, struct sl_str json)
{
    struct sl_object_meta meta;
    sl_arena_reset(&feed->scratch);
    if (sl_object_meta_scan(json, &feed->scratch, &meta, NULL) != 0) {
        return; /* a Status, say; the watch tells what became of the object */
    }
    /* Not there, though all that happened until after that write is known: deleted meanwhile. */
    if (feed->version[0] != '\0' && sl_store_get(feed->store, meta.ns, meta.name) == NULL &&
        sl_version_compare(meta.version, sl_str_from(feed->version)) <= 0) {
        return;
    }
    take_object(feed, &meta, json);
}
