/* What a server says, into the store of a cache: pages of a list, lines of a watch, and the answers
 * of our own writes. Part of the cache (cache.h), which does the requests; no I/O but one log line
 * for each object that cannot be read. One thread. */
#ifndef SL_KUBE_FEED_H
#define SL_KUBE_FEED_H

#include "kube/uids.h"
#include "kube/watch.h"

struct sl_feed_options {
    struct sl_str plural; /* of the resource, for the log; outlives the feed */
    int (*decode)(void *ctx, struct sl_str json, struct sl_record **ret_record, struct sl_err *err);
    struct sl_store_options store; /* its ctx is that of decode too */
};

/* Not opaque so that it can stand inside a cache. `version`, `continue_with` and `store` are for
 * reading, the rest is private. */
struct sl_feed {
    struct sl_feed_options options;
    struct sl_store *store;
    struct sl_uids *refused;               /* uids of objects that were logged */
    struct sl_arena scratch;               /* of one text */
    char version[SL_VERSION_MAX + 1];      /* all that happened until then is in the store; "": no
                                              list was complete yet */
    char list_version[SL_VERSION_MAX + 1]; /* of the list under way */
    char *continue_with;                   /* where the list goes on; NULL: at its beginning */
    uint64_t events, lists, refusals;
};

void sl_feed_open(struct sl_feed *feed, const struct sl_feed_options *options);
void sl_feed_close(struct sl_feed *feed);

/* To be called when the first page of a list is asked for: what comes from then on is newer. */
void sl_feed_list_begin(struct sl_feed *feed);
/* The next page; *ret_last: the list is complete. Errors: INVALID. */
SL_MUST_USE int sl_feed_page(struct sl_feed *feed, struct sl_str json, bool *ret_last,
                             struct sl_err *err);

/* One line of a watch. Errors: GONE: list again; TRANSIENT: the server ends the watch with another
 * error; INVALID: no event. */
SL_MUST_USE int sl_feed_line(struct sl_feed *feed, struct sl_str line, struct sl_err *err);

/* The answer of a write. Anything but an object is ignored. */
void sl_feed_put(struct sl_feed *feed, struct sl_str json);

#endif
