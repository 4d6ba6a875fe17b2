/* A watch that says anything, in pieces of any size: framing, events, pages, pods and the store.
 *
 * The first byte says how the rest is cut into pieces; the rest goes to a cache twice, once as the
 * only page of its list and once as its watch. What the store tells of its changes has to come to
 * what is in it, and how a stream is cut must not matter. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/records/pod.h"
#include "kube/feed.h"

static void require(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "%s\n", what);
        abort();
    }
}

struct world {
    struct sl_feed feed;
    long objects; /* as the changes tell */
    size_t bytes;
    uint64_t lines; /* a digest of them */
};

static int decode(void *ctx, struct sl_str json, struct sl_record **ret_record, struct sl_err *err)
{
    (void)ctx;
    return sl_pod_record_decode(json, ret_record, err);
}

static void follow(void *ctx, const struct sl_record *before, const struct sl_record *after)
{
    struct world *world = ctx;
    require(before != NULL || after != NULL, "a change of nothing");
    require(before == NULL || after == NULL ||
                (strcmp(before->name, after->name) == 0 && strcmp(before->uid, after->uid) == 0),
            "a change into another object");
    world->objects += (after != NULL) - (before != NULL);
    world->bytes += (after == NULL ? 0 : after->bytes) - (before == NULL ? 0 : before->bytes);
}

struct count {
    const struct sl_store *store;
    size_t owned, all;
};

static void check_record(void *ctx, const struct sl_record *record)
{
    struct count *count = ctx;
    const struct sl_record *const *group = NULL;
    require(sl_store_get(count->store, sl_str_from(record->ns), sl_str_from(record->name)) ==
                record,
            "a record that is not found under its name");
    count->all++;
    size_t members = sl_store_owned(count->store, record->owner_uid, &group);
    bool found = record->owner_uid[0] == '\0';
    for (size_t i = 0; i < members; i++) {
        found = found || group[i] == record;
    }
    require(found, "a record that is not in its group");
}

static int take_line(void *ctx, struct sl_str line, struct sl_err *err)
{
    struct world *world = ctx;
    for (size_t i = 0; i < line.n; i++) {
        world->lines = (world->lines ^ (unsigned char)line.p[i]) * UINT64_C(0x100000001b3);
    }
    world->lines += 1;
    return sl_feed_line(&world->feed, line, err);
}

/* In pieces of `size` bytes. */
static int feed_stream(struct world *world, struct sl_str text, size_t size)
{
    struct sl_lines lines = {.rest = SL_BUF_INIT(4 * SL_KIB)};
    int result = 0;
    while (text.n > 0 && result == 0) {
        struct sl_str piece = {.p = text.p, .n = text.n < size ? text.n : size};
        result = sl_lines_feed(&lines, piece, take_line, world, NULL);
        text = (struct sl_str){.p = text.p + piece.n, .n = text.n - piece.n};
    }
    sl_lines_reset(&lines);
    return result;
}

static void open_world(struct world *world)
{
    *world = (struct world){0};
    sl_feed_open(&world->feed,
                 &(struct sl_feed_options){
                     .plural = SL_STR("pods"),
                     .decode = decode,
                     .store = {.destroy = sl_record_free, .changed = follow, .ctx = world}});
}

static void check_world(const struct world *world)
{
    struct count count = {.store = world->feed.store};
    sl_store_each(world->feed.store, check_record, &count);
    require(count.all == sl_store_count(world->feed.store), "another count");
    require((size_t)world->objects == count.all, "changes that do not add up");
    require(sl_store_bytes(world->feed.store) >= world->bytes, "bytes that do not add up");
    require(memchr(world->feed.version, '\0', sizeof world->feed.version) != NULL,
            "a version without an end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    sl_log_set_level(SL_LOG_ERROR);
    struct sl_str text = {.p = (const char *)data + 1, .n = size - 1};
    struct world cut;
    struct world whole;
    bool last = false;
    open_world(&cut);
    open_world(&whole);
    int result = feed_stream(&cut, text, 1 + (size_t)data[0]);
    require(feed_stream(&whole, text, SIZE_MAX) == result, "cut, a stream ends in another way");
    require(cut.lines == whole.lines && strcmp(cut.feed.version, whole.feed.version) == 0 &&
                sl_store_count(cut.feed.store) == sl_store_count(whole.feed.store),
            "cut, a stream says something else");
    check_world(&cut);
    check_world(&whole);

    sl_feed_list_begin(&whole.feed);
    (void)sl_feed_page(&whole.feed, text, &last, NULL);
    check_world(&whole);
    sl_feed_put(&whole.feed, text);
    check_world(&whole);
    sl_feed_close(&cut.feed);
    sl_feed_close(&whole.feed);
    return 0;
}
