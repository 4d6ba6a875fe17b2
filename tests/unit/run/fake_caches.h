/* Caches that a test fills itself: what kube/cache.h declares, without a server. A program that
 * includes this header links none of the real ones. */
#ifndef SL_TESTS_UNIT_RUN_FAKE_CACHES_H
#define SL_TESTS_UNIT_RUN_FAKE_CACHES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/cache.h"

#define FAKE_RECORDS 64
#define FAKE_CACHES 16

struct sl_cache {
    struct sl_cache_options options;
    struct sl_record *records[FAKE_RECORDS];
    size_t count;
    const struct sl_record *owned[FAKE_RECORDS]; /* of the last question */
    bool synced;
};

static struct {
    struct sl_cache *caches[FAKE_CACHES];
    size_t count;
    unsigned forgotten;
} fakes;

struct sl_cache *sl_cache_open(const struct sl_cache_options *options)
{
    struct sl_cache *cache = calloc(1, sizeof *cache);
    assert_non_null(cache);
    assert_true(fakes.count < FAKE_CACHES);
    cache->options = *options;
    fakes.caches[fakes.count++] = cache;
    return cache;
}

static void fake_release(const struct sl_cache *cache, struct sl_record *record)
{
    cache->options.destroy == NULL ? sl_record_free(record) : cache->options.destroy(record);
}

void sl_cache_close(struct sl_cache *cache)
{
    for (size_t i = 0; i < cache->count; i++) {
        fake_release(cache, cache->records[i]);
    }
    free(cache);
    fakes.count = 0;
}

static size_t fake_index(const struct sl_cache *cache, struct sl_str ns, struct sl_str name)
{
    size_t i = 0;
    while (i < cache->count &&
           !(sl_str_is(ns, cache->records[i]->ns) && sl_str_is(name, cache->records[i]->name))) {
        i++;
    }
    return i;
}

void sl_cache_put(struct sl_cache *cache, struct sl_str json)
{
    struct sl_err err = SL_ERR_INIT;
    struct sl_record *record = NULL;
    if (cache->options.decode(cache->options.ctx, json, &record, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    size_t at = fake_index(cache, sl_str_from(record->ns), sl_str_from(record->name));
    struct sl_record *before = at < cache->count ? cache->records[at] : NULL;
    assert_true(at < FAKE_RECORDS);
    cache->records[at] = record;
    cache->count += before == NULL;
    cache->options.changed(cache->options.ctx, before, record);
    fake_release(cache, before);
}

void sl_cache_forget(struct sl_cache *cache, struct sl_str ns, struct sl_str name, const char *uid)
{
    size_t at = fake_index(cache, ns, name);
    fakes.forgotten++;
    if (at < cache->count && strcmp(cache->records[at]->uid, uid) == 0) {
        struct sl_record *gone = cache->records[at];
        cache->records[at] = cache->records[--cache->count];
        cache->options.changed(cache->options.ctx, gone, NULL);
        fake_release(cache, gone);
    }
}

const struct sl_record *sl_cache_get(const struct sl_cache *cache, struct sl_str ns,
                                     struct sl_str name)
{
    size_t at = fake_index(cache, ns, name);
    return at < cache->count ? cache->records[at] : NULL;
}

size_t sl_cache_owned(const struct sl_cache *cache, const char *owner_uid,
                      const struct sl_record *const **ret_records)
{
    struct sl_cache *own = fakes.caches[0];
    size_t count = 0;
    for (size_t i = 0; i < fakes.count; i++) {
        own = fakes.caches[i] == cache ? fakes.caches[i] : own;
    }
    for (size_t i = 0; i < cache->count; i++) {
        if (strcmp(cache->records[i]->owner_uid, owner_uid) == 0) {
            own->owned[count++] = cache->records[i];
        }
    }
    *ret_records = own->owned;
    return count;
}

void sl_cache_each(const struct sl_cache *cache,
                   void (*visit)(void *ctx, const struct sl_record *record), void *ctx)
{
    for (size_t i = 0; i < cache->count; i++) {
        visit(ctx, cache->records[i]);
    }
}

void sl_cache_turn(struct sl_cache *cache, int64_t now)
{
    (void)cache;
    (void)now;
}

int64_t sl_cache_due(const struct sl_cache *cache)
{
    return cache->options.resource.plural.n == 4 ? 7 : INT64_MAX; /* "pods" */
}

bool sl_cache_synced(const struct sl_cache *cache)
{
    return cache->synced;
}

int64_t sl_cache_stale_since(const struct sl_cache *cache)
{
    (void)cache;
    return 5;
}

const char *sl_cache_error(const struct sl_cache *cache)
{
    (void)cache;
    return "away";
}

void sl_cache_stats(const struct sl_cache *cache, struct sl_cache_stats *ret_stats)
{
    *ret_stats = (struct sl_cache_stats){.objects = cache->count};
}

static struct sl_cache *fake_cache(const char *plural)
{
    for (size_t i = 0; i < fakes.count; i++) {
        if (sl_str_is(fakes.caches[i]->options.resource.plural, plural)) {
            return fakes.caches[i];
        }
    }
    fail_msg("no cache of %s", plural);
    return NULL;
}

/* An object is there, as a watch event brings it. */
static void fake_put(const char *plural, const char *json)
{
    sl_cache_put(fake_cache(plural), sl_str_from(json));
}

#endif
