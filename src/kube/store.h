/* The store of a cache: records by namespace and name, and by the uid of their controller, with the
 * rules of what may replace what. No I/O.
 *
 * A version of an object is taken when it is newer than the one that is held. resourceVersions are
 * compared as numbers (KEP-5504); where one is no number, the one that arrives last is the newest.
 * What was deleted stays so: the last SL_STORE_GONE uids are remembered.
 *
 * Source: k8s.io/client-go/tools/cache (Store, DeltaFIFO's Replace). One thread.
 */
#ifndef SL_KUBE_STORE_H
#define SL_KUBE_STORE_H

#include "core/records/record.h"

#define SL_STORE_GONE 4096

/* -1, 0, 1 as `a` is older than, the same as or newer than `b`; 1 too when they differ and one is
 * no number. */
int sl_version_compare(struct sl_str a, struct sl_str b);

/* What tells objects and their versions apart. */
struct sl_object_meta {
    struct sl_str ns, name, uid, version;
};

struct sl_store_options {
    void (*destroy)(struct sl_record *record);
    /* As in cache.h; NULL: not wanted. */
    void (*changed)(void *ctx, const struct sl_record *before, const struct sl_record *after);
    void *ctx;
};
struct sl_store;

struct sl_store *sl_store_open(const struct sl_store_options *options);
void sl_store_close(struct sl_store *store); /* NULL is fine; tells nobody */

const struct sl_record *sl_store_get(const struct sl_store *store, struct sl_str ns,
                                     struct sl_str name);
size_t sl_store_owned(const struct sl_store *store, const char *owner_uid,
                      const struct sl_record *const **ret_records);
void sl_store_each(const struct sl_store *store,
                   void (*visit)(void *ctx, const struct sl_record *record), void *ctx);
size_t sl_store_count(const struct sl_store *store);
size_t sl_store_bytes(const struct sl_store *store); /* records and what holds them */

/* Whether that version would be taken: only then is it worth decoding. */
bool sl_store_wants(const struct sl_store *store, const struct sl_object_meta *meta);
/* Takes in a record that is wanted; it is the store's from now on. Another object of the same name
 * (another uid) counts as deleted first. */
void sl_store_put(struct sl_store *store, struct sl_record *record);
/* The object is deleted: it goes where it is held, and its uid is remembered. */
void sl_store_delete(struct sl_store *store, struct sl_str ns, struct sl_str name,
                     struct sl_str uid);
/* Nothing can be said of it any longer: it goes, but may come back. */
void sl_store_drop(struct sl_store *store, const struct sl_object_meta *meta);

/* A list: begin, then saw() for every object of it (put before where wanted), then end(): what was
 * not seen and is not newer than the list is deleted. A begin without an end is void. */
void sl_store_list_begin(struct sl_store *store);
void sl_store_list_saw(struct sl_store *store, const struct sl_object_meta *meta);
void sl_store_list_end(struct sl_store *store, struct sl_str version);
/* The server went back in time (a restored backup): from here to the end of this list its objects
 * replace any version, and deletions are forgotten. */
void sl_store_list_rewound(struct sl_store *store);

#endif
