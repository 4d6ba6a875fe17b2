/* The store of a cache (store.h).
 *
 * There may be 10,000 entries, so an entry has no key of its own: uthash is given the hash of
 * namespace and name, and compares with the record itself.
 */
#include "kube/store.h"

#include <string.h>

#include "kube/groups.h"
#include "kube/uids.h"

struct key {
    struct sl_str ns, name;
};

static int compare_key(const void *record, const void *key);
#define HASH_KEYCMP(held, wanted, length) compare_key(held, wanted)
#include <uthash.h>

struct entry {
    struct sl_record *record;
    struct sl_group *group; /* NULL: it has no controller */
    uint32_t position;      /* in its group */
    bool seen, put;         /* since the list under way began: it was in it, it was taken in */
    UT_hash_handle hh;      /* key: `record` */
};

struct sl_store {
    struct sl_store_options options;
    struct entry *entries;
    struct sl_groups *groups;
    struct sl_uids *gone;
    bool rewound; /* the list under way is older than what came before it */
    size_t record_bytes;
};

static bool is_number(struct sl_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
    }
    return text.n > 0 && (text.p[0] != '0' || text.n == 1);
}

int sl_version_compare(struct sl_str a, struct sl_str b)
{
    int order = sl_str_cmp(a, b);
    if (order == 0) {
        return 0;
    }
    if (!is_number(a) || !is_number(b)) {
        return 1;
    }
    if (a.n != b.n) {
        return a.n < b.n ? -1 : 1; /* without leading zeros, the longer number is the larger one */
    }
    return order < 0 ? -1 : 1;
}

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

struct sl_store *sl_store_open(const struct sl_store_options *options)
{
    struct sl_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        abort();
    }
    store->options = *options;
    store->groups = sl_groups_open();
    store->gone = sl_uids_open(SL_STORE_GONE);
    return store;
}

/* NOLINTBEGIN(readability-function-size,clang-analyzer-unix.Malloc): what uthash's macros unfold to
 * is long, and the analyzer does not follow its list (2.3.0). */

void sl_store_close(struct sl_store *store)
{
    if (store == NULL) {
        return;
    }
    struct entry *entry = store->entries;
    HASH_CLEAR(hh, store->entries); /* the table alone; the entries keep their links */
    while (entry != NULL) {
        struct entry *next = entry->hh.next;
        store->options.destroy(entry->record);
        free(entry);
        entry = next;
    }
    sl_groups_close(store->groups);
    sl_uids_close(store->gone);
    free(store);
}

static struct entry *find(const struct sl_store *store, struct sl_str ns, struct sl_str name)
{
    struct entry *entry = NULL;
    struct key key = {.ns = ns, .name = name};
    unsigned hash = hash_key(&key);
    HASH_FIND_BYHASHVALUE(hh, store->entries, &key, 0, hash, entry);
    return entry;
}

static void link_entry(struct sl_store *store, struct entry *entry)
{
    struct key key = key_of(entry->record);
    unsigned hash = hash_key(&key);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, store->entries, entry->record, 0, hash, entry);
}

static void unlink_entry(struct sl_store *store, struct entry *entry)
{
    HASH_DEL(store->entries, entry);
}

size_t sl_store_count(const struct sl_store *store)
{
    return HASH_COUNT(store->entries);
}

size_t sl_store_bytes(const struct sl_store *store)
{
    return store->record_bytes + HASH_OVERHEAD(hh, store->entries) +
           sl_store_count(store) * (sizeof(struct entry) - sizeof(UT_hash_handle));
}

/* NOLINTEND(readability-function-size,clang-analyzer-unix.Malloc) */

static void leave_group(struct sl_store *store, struct entry *entry)
{
    if (entry->group == NULL) {
        return;
    }
    const struct sl_record *moved = sl_groups_remove(store->groups, entry->group, entry->position);
    if (moved != NULL) {
        struct key key = key_of(moved);
        find(store, key.ns, key.name)->position = entry->position;
    }
    entry->group = NULL;
}

static void join_group(struct sl_store *store, struct entry *entry)
{
    if (entry->record->owner_uid[0] != '\0') {
        entry->group = sl_groups_add(store->groups, entry->record, &entry->position);
    }
}

static void tell(struct sl_store *store, const struct sl_record *before,
                 const struct sl_record *after)
{
    if (store->options.changed != NULL) {
        store->options.changed(store->options.ctx, before, after);
    }
}

/* Takes the object out and tells so. */
static void take_out(struct sl_store *store, struct entry *entry)
{
    struct sl_record *record = entry->record;
    leave_group(store, entry);
    unlink_entry(store, entry);
    free(entry);
    store->record_bytes -= record->bytes;
    tell(store, record, NULL);
    store->options.destroy(record);
}

static void add(struct sl_store *store, struct sl_record *record)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        abort();
    }
    entry->record = record;
    entry->put = true;
    link_entry(store, entry);
    join_group(store, entry);
    store->record_bytes += record->bytes;
    tell(store, NULL, record);
}

static void replace(struct sl_store *store, struct entry *entry, struct sl_record *record)
{
    struct sl_record *before = entry->record;
    bool same_owner = strcmp(before->owner_uid, record->owner_uid) == 0;
    if (!same_owner) {
        leave_group(store, entry);
    }
    entry->record = record;
    entry->put = true;
    entry->hh.key = record;
    if (!same_owner) {
        join_group(store, entry);
    } else if (entry->group != NULL) {
        sl_groups_replace(entry->group, entry->position, record);
    }
    store->record_bytes += record->bytes - before->bytes;
    tell(store, before, record);
    store->options.destroy(before);
}

const struct sl_record *sl_store_get(const struct sl_store *store, struct sl_str ns,
                                     struct sl_str name)
{
    const struct entry *entry = find(store, ns, name);
    return entry == NULL ? NULL : entry->record;
}

size_t sl_store_owned(const struct sl_store *store, const char *owner_uid,
                      const struct sl_record *const **ret_records)
{
    return sl_groups_get(store->groups, owner_uid, ret_records);
}

void sl_store_each(const struct sl_store *store,
                   void (*visit)(void *ctx, const struct sl_record *record), void *ctx)
{
    for (const struct entry *entry = store->entries; entry != NULL; entry = entry->hh.next) {
        visit(ctx, entry->record);
    }
}

bool sl_store_wants(const struct sl_store *store, const struct sl_object_meta *meta)
{
    if (sl_uids_has(store->gone, meta->uid)) {
        return false;
    }
    const struct entry *entry = find(store, meta->ns, meta->name);
    if (entry == NULL) {
        return true;
    }
    int order = sl_version_compare(meta->version, sl_str_from(entry->record->resource_version));
    return order > 0 || (order < 0 && store->rewound);
}

void sl_store_put(struct sl_store *store, struct sl_record *record)
{
    struct key key = key_of(record);
    struct entry *entry = find(store, key.ns, key.name);
    if (entry != NULL && strcmp(entry->record->uid, record->uid) != 0) {
        (void)sl_uids_add(store->gone, sl_str_from(entry->record->uid));
        take_out(store, entry);
        entry = NULL;
    }
    if (entry == NULL) {
        add(store, record);
    } else {
        replace(store, entry, record);
    }
}

static struct entry *find_uid(const struct sl_store *store, const struct sl_object_meta *meta)
{
    struct entry *entry = find(store, meta->ns, meta->name);
    return entry != NULL && sl_str_is(meta->uid, entry->record->uid) ? entry : NULL;
}

void sl_store_delete(struct sl_store *store, struct sl_str ns, struct sl_str name,
                     struct sl_str uid)
{
    struct sl_object_meta meta = {.ns = ns, .name = name, .uid = uid};
    struct entry *entry = find_uid(store, &meta);
    (void)sl_uids_add(store->gone, uid);
    if (entry != NULL) {
        take_out(store, entry);
    }
}

void sl_store_drop(struct sl_store *store, const struct sl_object_meta *meta)
{
    struct entry *entry = find_uid(store, meta);
    if (entry != NULL) {
        take_out(store, entry);
    }
}

void sl_store_list_begin(struct sl_store *store)
{
    store->rewound = false;
    for (struct entry *entry = store->entries; entry != NULL; entry = entry->hh.next) {
        entry->seen = false;
        entry->put = false;
    }
}

void sl_store_list_rewound(struct sl_store *store)
{
    store->rewound = true;
    sl_uids_clear(store->gone);
}

void sl_store_list_saw(struct sl_store *store, const struct sl_object_meta *meta)
{
    struct entry *entry = find_uid(store, meta);
    if (entry != NULL) {
        entry->seen = true;
    }
}

/* Whether an object that the list does not have may be there all the same: our own write, or its
 * event, overtook the list. Where versions are no numbers, what came since the list began. */
static bool is_newer(const struct sl_store *store, const struct entry *entry, struct sl_str version)
{
    struct sl_str held = sl_str_from(entry->record->resource_version);
    return !store->rewound && sl_version_compare(held, version) > 0 &&
           (entry->put || sl_version_compare(version, held) < 0);
}

void sl_store_list_end(struct sl_store *store, struct sl_str version)
{
    struct entry *next = NULL;
    for (struct entry *entry = store->entries; entry != NULL; entry = next) {
        next = entry->hh.next;
        if (!entry->seen && !is_newer(store, entry, version)) {
            (void)sl_uids_add(store->gone, sl_str_from(entry->record->uid));
            take_out(store, entry);
        }
    }
    store->rewound = false;
}
