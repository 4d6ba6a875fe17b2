/* The events of late: those that wait to be sent, and those that were, so that the same again
 * becomes a series of the first. Part of events.h; no I/O. One thread. */
#ifndef SL_KUBE_SERIES_H
#define SL_KUBE_SERIES_H

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"

#define SL_SERIES_MAX 512                 /* the one that was seen longest ago goes first */
#define SL_SERIES_NS (360 * SL_NS_PER_S)  /* from one to the next of a series, at most */
#define SL_SERIES_PACE (30 * SL_NS_PER_S) /* from one request about it to the next */

struct sl_series_one {
    char *ns, *name;         /* of the Event */
    char *body;              /* JSON to create it; NULL: it was sent */
    uint64_t request;        /* under way; 0: none */
    int64_t requested;       /* the last request; before the first one: when it came */
    int64_t count, told;     /* seen, and of that told to the server */
    int64_t seen, seen_wall; /* the last time: monotonic, and since 1970 */
};

struct sl_series;

struct sl_series *sl_series_open(void);
void sl_series_close(struct sl_series *series); /* NULL is fine */

/* The event of that key if it was seen less than SL_SERIES_NS before `now`; NULL: it is a new one.
 * It becomes the last to be forgotten. */
struct sl_series_one *sl_series_again(struct sl_series *series, struct sl_str key, int64_t now);

/* A new one, zeroed, in place of the one of that key, or of the oldest without a request under way.
 * *ret_lost: that one had not been sent. */
struct sl_series_one *sl_series_add(struct sl_series *series, struct sl_str key, bool *ret_lost);
void sl_series_remove(struct sl_series *series, struct sl_series_one *one);

size_t sl_series_waiting(const struct sl_series *series); /* not sent yet */
/* The one that may be sent, or whose count may be told, first, and *ret_at when; NULL: none. */
struct sl_series_one *sl_series_next(const struct sl_series *series, int64_t *ret_at);
/* The one of that request, 0: any that has one; NULL: there is none. */
struct sl_series_one *sl_series_under_way(const struct sl_series *series, uint64_t request);

#endif
