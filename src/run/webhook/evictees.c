/* Pods shared with the admission threads (evictees.h).
 *
 * There may be 10,000, so an entry has no key of its own, as in kube/store.c: uthash is given the
 * hash of namespace and name, and compares with the record itself. */
#include "run/webhook/evictees.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/records/evictee.h"

struct key {
    struct sl_str ns, name;
};

static int compare_key(const void *record, const void *key);
#define HASH_KEYCMP(held, wanted, length) compare_key(held, wanted)
#include <uthash.h>

struct entry {
    const struct sl_record *record; /* the cache's */
    struct sl_asked asked;
    UT_hash_handle hh; /* key: `record` */
};

struct sl_evictee_set {
    pthread_mutex_t mutex; /* guards all below, and the records that are pointed to */
    struct entry *entries;
};

static int compare_key(const void *record, const void *key)
{
    const struct sl_record *held = record;
    const struct key *wanted = key;
    return sl_str_is(wanted->name, held->name) && sl_str_is(wanted->ns, held->ns) ? 0 : 1;
}

/* FNV-1a. The byte in between keeps ("a", "bc") and ("ab", "c") apart. */
static unsigned hash_text(unsigned hash, struct sl_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        hash = (hash ^ (unsigned char)text.p[i]) * 16777619U;
    }
    return (hash ^ '/') * 16777619U;
}

static unsigned hash_key(const struct key *key)
{
    return hash_text(hash_text(2166136261U, key->ns), key->name);
}

static struct key key_of(const struct sl_record *record)
{
    return (struct key){.ns = sl_str_from(record->ns), .name = sl_str_from(record->name)};
}

struct sl_evictee_set *sl_evictee_set_open(void)
{
    struct sl_evictee_set *set = calloc(1, sizeof *set);
    if (set == NULL || pthread_mutex_init(&set->mutex, NULL) != 0) {
        abort();
    }
    return set;
}

/* NOLINTBEGIN(readability-function-size,clang-analyzer-unix.Malloc): what uthash's macros unfold to
 * is long, and the analyzer does not follow its list (2.3.0). */

void sl_evictee_set_close(struct sl_evictee_set *set)
{
    if (set == NULL) {
        return;
    }
    struct entry *entry = set->entries;
    HASH_CLEAR(hh, set->entries); /* the table alone; the entries keep their links */
    while (entry != NULL) {
        struct entry *next = entry->hh.next;
        free(entry);
        entry = next;
    }
    (void)pthread_mutex_destroy(&set->mutex);
    free(set);
}

static struct entry *find(const struct sl_evictee_set *set, struct key key)
{
    struct entry *entry = NULL;
    unsigned hash = hash_key(&key);
    HASH_FIND_BYHASHVALUE(hh, set->entries, &key, 0, hash, entry);
    return entry;
}

static void add(struct sl_evictee_set *set, const struct sl_record *record)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        abort();
    }
    entry->record = record;
    struct key key = key_of(record);
    unsigned hash = hash_key(&key);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, set->entries, entry->record, 0, hash, entry);
}

static void take_out(struct sl_evictee_set *set, struct entry *entry)
{
    HASH_DEL(set->entries, entry);
    free(entry);
}

/* NOLINTEND(readability-function-size,clang-analyzer-unix.Malloc) */

static void replace(struct entry *entry, const struct sl_record *record)
{
    const struct sl_evictee_record *evictee = sl_evictee_of(record);
    bool dated = evictee->since > 0 && evictee->deadline > 0;
    /* A reconciler that has no room in the budget takes it off, for whoever still asks to ask anew.
     */
    bool taken_off =
        evictee->op == SL_DRAIN_NONE && sl_evictee_of(entry->record)->op == SL_DRAIN_EVICT;
    entry->record = record;
    entry->hh.key = record;
    if (dated || taken_off) {
        entry->asked = (struct sl_asked){0};
    }
}

void sl_evictee_set_changed(struct sl_evictee_set *set, const struct sl_record *before,
                            const struct sl_record *after)
{
    (void)pthread_mutex_lock(&set->mutex);
    if (before == NULL) {
        add(set, after);
    } else {
        struct entry *entry = find(set, key_of(before));
        if (after == NULL) {
            take_out(set, entry);
        } else {
            replace(entry, after);
        }
    }
    (void)pthread_mutex_unlock(&set->mutex);
}

static struct sl_str copy(struct sl_arena *arena, const char *text)
{
    return sl_arena_str(arena, sl_str_from(text));
}

static void read_entry(const struct entry *entry, struct sl_arena *arena,
                       struct sl_evictee *ret_evictee)
{
    const struct sl_record *record = entry->record;
    const struct sl_evictee_record *evictee = sl_evictee_of(record);
    *ret_evictee = (struct sl_evictee){
        .uid = copy(arena, record->uid),
        .resource_version = copy(arena, record->resource_version),
        .policy = copy(arena, evictee->policy),
        .traffic = copy(arena, evictee->traffic),
        .op = evictee->op,
        .since = evictee->since,
        .deadline = evictee->deadline,
        .asked = entry->asked,
        .running = evictee->running,
        .deleted = record->deleted != 0,
    };
}

static bool find_pod(void *set_, struct sl_str ns, struct sl_str name, struct sl_arena *arena,
                     struct sl_evictee *ret_evictee)
{
    struct sl_evictee_set *set = set_;
    (void)pthread_mutex_lock(&set->mutex);
    const struct entry *entry = find(set, (struct key){.ns = ns, .name = name});
    if (entry != NULL) {
        read_entry(entry, arena, ret_evictee);
    }
    (void)pthread_mutex_unlock(&set->mutex);
    return entry != NULL;
}

struct sl_evictees sl_evictee_set_known(struct sl_evictee_set *set)
{
    return (struct sl_evictees){.find = find_pod, .pods = set};
}

/* A pod that was dated, or made anew, since it was looked up is left alone. */
static void note(struct entry *entry, struct sl_str uid, int64_t now)
{
    const struct sl_evictee_record *evictee = sl_evictee_of(entry->record);
    if (!sl_str_is(uid, entry->record->uid) || (evictee->since > 0 && evictee->deadline > 0)) {
        return;
    }
    entry->asked.first = sl_asked_since(&entry->asked, now);
    entry->asked.last = now;
}

void sl_evictee_set_asked(struct sl_evictee_set *set, const struct sl_drain_order *order,
                          int64_t now)
{
    (void)pthread_mutex_lock(&set->mutex);
    struct entry *entry = find(set, (struct key){.ns = order->ns, .name = order->name});
    if (entry != NULL) {
        note(entry, order->uid, now);
    }
    (void)pthread_mutex_unlock(&set->mutex);
}
