/* The cache of one resource (cache.h): listing → watching → backing off, over the store.
 *
 *     sl_cache_turn      starts what is due: a page of the list, or the watch
 *     data, done         (from sl_client_turn) fill the store and note how the request ended
 *     sl_cache_turn      settles that end: what comes next, and when
 *
 * Callbacks know no time: they only note, and the next turn decides.
 */
#include "kube/cache.h"

#include "kube/backoff.h"
#include "kube/feed.h"

#define PAGE_OBJECTS 250
#define BACKOFF_FIRST (800 * SL_NS_PER_MS)
#define BACKOFF_MOST (30 * SL_NS_PER_S)
#define WATCH_SECONDS 300 /* at least; up to twice as long, so that watches do not end together */
#define WATCH_SILENCE 60  /* seconds beyond that */
#define WATCH_PACE SL_NS_PER_S /* from the start of one watch to that of the next */
#define QUERY_MAX (64 * SL_KIB)

enum phase { BACKING_OFF, LISTING, WATCHING };

/* How the request that was under way ended. */
enum end {
    STILL_OPEN,
    PAGE_TAKEN,  /* there are more */
    LIST_TAKEN,  /* that was the last one */
    WATCH_ENDED, /* the server's timeout, most of all */
    EXPIRED,     /* 410: the version, or the page, is too old */
    FAILED,
};

struct sl_cache {
    struct sl_cache_options options; /* texts in `arena` */
    struct sl_arena arena;
    struct sl_feed feed;
    uint64_t random;

    enum phase phase;
    uint64_t request; /* under way; 0: none */
    bool list;        /* what is started next: a list, or a watch */
    bool list_anew;   /* from its first page */
    bool synced;
    int64_t due;     /* when it is started, where nothing is under way */
    int64_t started; /* the request under way, or the last one */
    unsigned failures;

    enum end end;
    struct sl_err err; /* of EXPIRED and FAILED; kind NONE: the last request did not fail */
    int64_t retry_after;

    bool heard;       /* the server, since the last turn */
    bool progressed;  /* an event came in this watch */
    int64_t heard_at; /* 0: before the first turn */

    struct sl_buf page;
    struct sl_lines lines;
    uint64_t watches, failed;
};

struct sl_cache *sl_cache_open(const struct sl_cache_options *options)
{
    struct sl_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        abort();
    }
    cache->options = *options;
    struct sl_str *texts[] = {
        &cache->options.resource.group,  &cache->options.resource.version,
        &cache->options.resource.plural, &cache->options.ns,
        &cache->options.selector,
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i]->p != NULL) {
            *texts[i] = sl_arena_str(&cache->arena, *texts[i]);
        }
    }
    if (cache->options.destroy == NULL) {
        cache->options.destroy = sl_record_free;
    }
    sl_feed_open(&cache->feed, &(struct sl_feed_options){
                                   .plural = cache->options.resource.plural,
                                   .decode = options->decode,
                                   .store = {.destroy = cache->options.destroy,
                                             .changed = options->changed,
                                             .ctx = options->ctx},
                               });
    cache->random = options->seed;
    cache->list = cache->list_anew = true;
    cache->page.cap = SL_CLIENT_BODY_MAX;
    cache->lines.rest.cap = SL_WATCH_LINE_MAX;
    return cache;
}

void sl_cache_close(struct sl_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    if (cache->request != 0) {
        sl_client_cancel(cache->options.client, cache->request);
    }
    sl_feed_close(&cache->feed);
    sl_buf_cleanup(&cache->page);
    sl_lines_reset(&cache->lines);
    sl_arena_cleanup(&cache->arena);
    free(cache);
}

/* --- what the client calls --- */

static void fail(struct sl_cache *cache)
{
    cache->end = cache->err.kind == SL_ERR_GONE ? EXPIRED : FAILED;
}

static void fail_with(struct sl_cache *cache, const struct sl_reply *reply)
{
    cache->err = reply->err;
    cache->retry_after = reply->retry_after;
    fail(cache);
}

static bool page_data(void *ctx, struct sl_str bytes)
{
    struct sl_cache *cache = ctx;
    cache->heard = true;
    sl_buf_addstr(&cache->page, bytes);
    return !cache->page.overflowed;
}

static int take_page(struct sl_cache *cache, struct sl_err *err)
{
    bool last = false;
    if (sl_buf_check(&cache->page, "a page of a list", err) != 0 ||
        sl_feed_page(&cache->feed, sl_buf_str(&cache->page), &last, err) != 0) {
        return -1;
    }
    cache->synced = cache->synced || last;
    cache->end = last ? LIST_TAKEN : PAGE_TAKEN;
    return 0;
}

static void page_done(void *ctx, const struct sl_reply *reply)
{
    struct sl_cache *cache = ctx;
    cache->request = 0;
    if (reply->err.kind != SL_ERR_NONE && !cache->page.overflowed) {
        fail_with(cache, reply);
    } else if (take_page(cache, &cache->err) != 0) {
        fail(cache);
    }
    /* The memory of a page serves the next one. */
    if (cache->end == PAGE_TAKEN) {
        sl_buf_reset(&cache->page);
    } else {
        sl_buf_cleanup(&cache->page);
    }
}

static int take_line(void *ctx, struct sl_str line, struct sl_err *err)
{
    struct sl_cache *cache = ctx;
    if (sl_feed_line(&cache->feed, line, err) != 0) {
        return -1;
    }
    cache->progressed = true;
    return 0;
}

static bool watch_data(void *ctx, struct sl_str bytes)
{
    struct sl_cache *cache = ctx;
    cache->heard = true;
    if (sl_lines_feed(&cache->lines, bytes, take_line, cache, &cache->err) != 0) {
        fail(cache);
        return false;
    }
    return true;
}

static void watch_done(void *ctx, const struct sl_reply *reply)
{
    struct sl_cache *cache = ctx;
    cache->request = 0;
    sl_lines_reset(&cache->lines); /* what has begun and did not end was cut */
    if (cache->end != STILL_OPEN) {
        return; /* cut by ourselves, and it is noted why */
    }
    if (reply->err.kind != SL_ERR_NONE) {
        fail_with(cache, reply);
        return;
    }
    cache->heard = true;
    cache->end = WATCH_ENDED;
}

/* --- turns --- */

static void add_query(struct sl_buf *query, const char *name, struct sl_str value)
{
    if (value.n > 0) {
        sl_buf_addf(query, "&%s=", name);
        sl_url_escape(value, query);
    }
}

static void start(struct sl_cache *cache, int64_t now)
{
    static const struct sl_stream streams[] = {
        [SL_LIST] = {.data = page_data, .done = page_done},
        [SL_WATCH] = {.data = watch_data, .done = watch_done},
    };
    SL_AUTO(sl_buf) struct sl_buf query = SL_BUF_INIT(QUERY_MAX);
    struct sl_request request = {
        .verb = cache->list ? SL_LIST : SL_WATCH,
        .resource = cache->options.resource,
        .ns = cache->options.ns,
    };
    if (cache->list) {
        cache->phase = LISTING;
        if (cache->list_anew) {
            sl_feed_list_begin(&cache->feed);
        }
        cache->list_anew = false;
        sl_buf_addf(&query, "limit=%d", PAGE_OBJECTS);
        add_query(&query, "continue", sl_str_from(cache->feed.continue_with));
    } else {
        int64_t seconds =
            WATCH_SECONDS + (int64_t)sl_random_below(&cache->random, WATCH_SECONDS + 1);
        cache->phase = WATCHING;
        cache->watches++;
        request.timeout = (seconds + WATCH_SILENCE) * SL_NS_PER_S;
        sl_buf_addf(&query, "allowWatchBookmarks=true&timeoutSeconds=%d", (int)seconds);
        add_query(&query, "resourceVersion", sl_str_from(cache->feed.version));
    }
    add_query(&query, "labelSelector", cache->options.selector);
    request.query = sl_buf_str(&query);
    struct sl_stream stream = streams[request.verb];
    stream.ctx = cache;
    cache->end = STILL_OPEN;
    cache->progressed = false;
    cache->retry_after = 0;
    cache->started = now;
    cache->request = sl_client_stream(cache->options.client, &request, &stream, now);
}

static void back_off(struct sl_cache *cache, int64_t now)
{
    cache->failures++;
    cache->phase = BACKING_OFF;
    int64_t delay = sl_backoff(cache->failures, BACKOFF_FIRST, BACKOFF_MOST, &cache->random);
    cache->due = now + (delay > cache->retry_after ? delay : cache->retry_after);
}

/* A server, or something before it, that ends every watch at once is a failure, not a pace. */
static void settle_watch(struct sl_cache *cache, int64_t now)
{
    if (cache->progressed || now - cache->started >= WATCH_PACE) {
        cache->failures = 0;
        cache->due = cache->started + WATCH_PACE;
        return;
    }
    (void)sl_err_set(&cache->err, SL_ERR_TRANSIENT, "the watch was ended as soon as it began");
    cache->failed++;
    back_off(cache, now);
}

static void settle_failure(struct sl_cache *cache, int64_t now)
{
    bool may_resume = cache->err.kind == SL_ERR_TRANSIENT || cache->err.kind == SL_ERR_DENIED;
    if (!may_resume) {
        cache->list = cache->list_anew =
            true; /* what makes it fail may be the very place to resume at */
    }
    if (cache->progressed) {
        cache->failures = 0;
    }
    cache->failed++;
    back_off(cache, now);
}

/* What the end of a request leads to. */
static void settle(struct sl_cache *cache, int64_t now)
{
    bool first_in_a_row = cache->failures == 0 || cache->progressed;
    switch (cache->end) {
    case PAGE_TAKEN:
        cache->due = now;
        break;
    case LIST_TAKEN:
        cache->list = false;
        cache->due = now;
        break;
    case WATCH_ENDED:
        settle_watch(cache, now);
        break;
    case EXPIRED:
        cache->list = cache->list_anew = true;
        settle_failure(cache, now);
        if (first_in_a_row) {
            cache->due = now;
        }
        break;
    case FAILED:
        settle_failure(cache, now);
        break;
    case STILL_OPEN:
        break;
    }
    cache->end = STILL_OPEN;
}

void sl_cache_turn(struct sl_cache *cache, int64_t now)
{
    if (cache->heard_at == 0 || cache->heard) {
        cache->heard_at = now;
    }
    if (cache->heard && cache->end != FAILED && cache->end != EXPIRED) {
        cache->err.kind = SL_ERR_NONE;
        cache->err.msg[0] = '\0';
    }
    cache->heard = false;
    if (cache->request != 0) {
        return;
    }
    settle(cache, now);
    if (now >= cache->due) {
        start(cache, now);
    }
}

int64_t sl_cache_due(const struct sl_cache *cache)
{
    if (cache->request != 0) {
        return INT64_MAX;
    }
    return cache->end != STILL_OPEN ? 0 : cache->due;
}

bool sl_cache_synced(const struct sl_cache *cache)
{
    return cache->synced;
}

int64_t sl_cache_stale_since(const struct sl_cache *cache)
{
    bool open = cache->phase == WATCHING && cache->err.kind == SL_ERR_NONE;
    return open ? 0 : cache->heard_at;
}

const char *sl_cache_error(const struct sl_cache *cache)
{
    return cache->err.msg;
}

/* --- reading --- */

const struct sl_record *sl_cache_get(const struct sl_cache *cache, struct sl_str ns,
                                     struct sl_str name)
{
    return sl_store_get(cache->feed.store, ns, name);
}

size_t sl_cache_owned(const struct sl_cache *cache, const char *owner_uid,
                      const struct sl_record *const **ret_records)
{
    return sl_store_owned(cache->feed.store, owner_uid, ret_records);
}

void sl_cache_each(const struct sl_cache *cache,
                   void (*visit)(void *ctx, const struct sl_record *record), void *ctx)
{
    sl_store_each(cache->feed.store, visit, ctx);
}

void sl_cache_stats(const struct sl_cache *cache, struct sl_cache_stats *ret_stats)
{
    *ret_stats = (struct sl_cache_stats){
        .objects = sl_store_count(cache->feed.store),
        .bytes = sl_store_bytes(cache->feed.store),
        .events = cache->feed.events,
        .lists = cache->feed.lists,
        .watches = cache->watches,
        .failures = cache->failed,
        .refused = cache->feed.refusals,
    };
}

void sl_cache_put(struct sl_cache *cache, struct sl_str json)
{
    sl_feed_put(&cache->feed, json);
}

void sl_cache_forget(struct sl_cache *cache, struct sl_str ns, struct sl_str name, const char *uid)
{
    sl_store_delete(cache->feed.store, ns, name, sl_str_from(uid));
}
