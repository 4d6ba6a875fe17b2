/* What a LIST and a WATCH answer with: pages of a list, and lines that are one event each.
 *
 * Source: Kubernetes API concepts, "Efficient detection of changes"; metav1.ListMeta, WatchEvent.
 * Slices point into the text or the arena. No I/O.
 */
#ifndef SL_KUBE_WATCH_H
#define SL_KUBE_WATCH_H

#include "base/buf.h"
#include "codec/jscan.h"
#include "kube/store.h"

#define SL_VERSION_MAX 255 /* bytes of a resourceVersion; the server's have 20 at most */

/* --- lines of a stream that comes in pieces --- */

struct sl_lines {
    struct sl_buf rest; /* the line that has begun; its cap is the most of a line */
};
void sl_lines_reset(struct sl_lines *lines); /* forgets what has begun, and its memory */

/* Calls take() for every line that `bytes` end, without its newline; empty lines are skipped. A
 * line lives as long as the call. Stops when take() returns -1, and with INVALID at a line that is
 * too long. */
SL_MUST_USE int sl_lines_feed(struct sl_lines *lines, struct sl_str bytes,
                              int (*take)(void *ctx, struct sl_str line, struct sl_err *err),
                              void *ctx, struct sl_err *err);

/* --- objects --- */

/* Of an object's JSON. Errors: INVALID: no JSON, or metadata without name, uid or resourceVersion,
 * or with a NUL in them. */
SL_MUST_USE int sl_object_meta_scan(struct sl_str json, struct sl_arena *arena,
                                    struct sl_object_meta *ret_meta, struct sl_err *err);

struct sl_list_page {
    struct sl_str version;       /* metadata.resourceVersion */
    struct sl_str continue_with; /* metadata.continue; empty: this was the last page */
    struct sl_jval items;        /* absent or null: none */
};
SL_MUST_USE int sl_list_page_scan(struct sl_str json, struct sl_arena *arena,
                                  struct sl_list_page *ret_page, struct sl_err *err);

enum sl_watch_type {
    SL_WATCH_ADDED,
    SL_WATCH_MODIFIED,
    SL_WATCH_DELETED,
    SL_WATCH_BOOKMARK,
    SL_WATCH_ERROR,
};

struct sl_watch_event {
    enum sl_watch_type type;
    struct sl_str object;       /* JSON */
    struct sl_object_meta meta; /* of a BOOKMARK the version alone; of an ERROR nothing */
    int64_t code;               /* of an ERROR */
    struct sl_str message;      /* of an ERROR */
};
SL_MUST_USE int sl_watch_event_scan(struct sl_str line, struct sl_arena *arena,
                                    struct sl_watch_event *ret_event, struct sl_err *err);

#endif
