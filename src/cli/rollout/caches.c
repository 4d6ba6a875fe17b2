/* Caches that are turned together (caches.h). */
#include "cli/rollout/caches.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define FIRST_TIMEOUT (15 * SL_NS_PER_S)
#define LOOK_AGAIN (100 * SL_NS_PER_MS) /* whether all was read */

static void note_change(void *ctx, const struct sl_record *before, const struct sl_record *after)
{
    struct sl_caches *caches = ctx;
    (void)before;
    (void)after;
    caches->changed = true;
}

void sl_caches_close(struct sl_caches *caches)
{
    for (size_t i = 0; i < SL_CACHES_MAX; i++) {
        sl_cache_close(caches->items[i]);
        caches->items[i] = NULL;
    }
}

void sl_caches_add(struct sl_caches *caches, size_t index, const struct sl_resource *resource,
                   const char *ns, const char *selector, sl_caches_decode *decode,
                   void (*destroy)(struct sl_record *record))
{
    const struct sl_cache_options options = {
        .client = caches->cluster->client,
        .resource = *resource,
        .ns = sl_str_from(ns),
        .selector = sl_str_from(selector),
        .decode = decode,
        .destroy = destroy,
        .changed = note_change,
        .ctx = caches,
        .seed = (uint64_t)sl_clock_mono() ^ (uint64_t)getpid(),
    };
    caches->items[index] = sl_cache_open(&options);
}

bool sl_caches_wait(struct sl_caches *caches, int64_t soonest, int64_t until)
{
    struct pollfd output = {.fd = STDOUT_FILENO}; /* POLLERR and POLLHUP need not be asked for */
    struct sl_client *client = caches->cluster->client;
    for (;;) {
        int64_t now = sl_clock_mono();
        int64_t wake = INT64_MAX;
        sl_client_turn(client, now);
        for (size_t i = 0; i < SL_CACHES_MAX; i++) {
            if (caches->items[i] != NULL) {
                sl_cache_turn(caches->items[i], now);
                int64_t due = sl_cache_due(caches->items[i]);
                wake = due < wake ? due : wake;
            }
        }
        int64_t end = caches->changed ? soonest : until;
        if (now >= end) {
            return true;
        }
        sl_client_wait(client, &output, 1, end < wake ? end : wake);
        if (output.revents != 0) {
            return false;
        }
    }
}

static bool is_synced(const struct sl_caches *caches)
{
    for (size_t i = 0; i < SL_CACHES_MAX; i++) {
        if (caches->items[i] != NULL && !sl_cache_synced(caches->items[i])) {
            return false;
        }
    }
    return true;
}

int sl_caches_unread(struct sl_err *err)
{
    return sl_err_sys(err, EPIPE, "cannot write to standard output");
}

int sl_caches_settle(struct sl_caches *caches, struct sl_err *err)
{
    int64_t end = sl_clock_mono() + FIRST_TIMEOUT;
    while (!is_synced(caches)) {
        const char *wrong = sl_caches_error(caches);
        int64_t now = sl_clock_mono();
        if (wrong[0] != '\0' || now >= end) {
            return sl_err_set(err, SL_ERR_TRANSIENT, "%s",
                              wrong[0] != '\0' ? wrong : "the server does not answer");
        }
        caches->changed = false;
        if (!sl_caches_wait(caches, now, now + LOOK_AGAIN)) {
            return sl_caches_unread(err);
        }
    }
    return 0;
}

const char *sl_caches_error(const struct sl_caches *caches)
{
    for (size_t i = 0; i < SL_CACHES_MAX; i++) {
        const char *error = caches->items[i] == NULL ? "" : sl_cache_error(caches->items[i]);
        if (error[0] != '\0') {
            return error;
        }
    }
    return "";
}

struct gathered {
    const struct sl_record **items;
    size_t count, room;
};

static void gather_one(void *ctx, const struct sl_record *record)
{
    struct gathered *gathered = ctx;
    if (gathered->count < gathered->room) {
        gathered->items[gathered->count++] = record;
    }
}

const struct sl_record **sl_caches_records(const struct sl_caches *caches, size_t index,
                                           struct sl_arena *arena, size_t *ret_count)
{
    struct gathered gathered = {0};
    struct sl_cache_stats stats = {0};
    if (caches->items[index] != NULL) {
        sl_cache_stats(caches->items[index], &stats);
    }
    gathered.room = stats.objects;
    gathered.items = sl_arena_zalloc(arena, gathered.room + 1, sizeof(struct sl_record *));
    if (caches->items[index] != NULL) {
        sl_cache_each(caches->items[index], gather_one, &gathered);
    }
    *ret_count = gathered.count;
    return gathered.items;
}
