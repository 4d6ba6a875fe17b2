/* What a candidate for a Lease does next, and what it reads and writes there. Part of lease.h; pure
 * functions.
 *
 * Source: k8s.io/client-go/tools/leaderelection, tryAcquireOrRenew(); coordination.k8s.io/v1. */
#ifndef SL_KUBE_ELECTION_H
#define SL_KUBE_ELECTION_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

/* A Lease as it was last seen. All zero: none was. */
struct sl_lease_record {
    struct sl_arena arena; /* holds the texts, which are never NULL once one was seen */
    bool exists;
    const char *holder;  /* "": nobody */
    const char *version; /* resourceVersion */
    const char *spec;    /* JSON, to see whether it changed */
    const char *acquired;
    int64_t duration; /* ns */
    int64_t transitions;
};
void sl_lease_record_cleanup(struct sl_lease_record *record);

/* Reads a Lease; *ret_changed: its spec is another than it was, or it was not there. Errors:
 * INVALID, and the record is as it was. */
SL_MUST_USE int sl_lease_record_read(struct sl_lease_record *record, struct sl_str json,
                                     bool *ret_changed, struct sl_err *err);

/* What is known when a step is chosen. An attempt is a write, or a read that a write may follow. */
struct sl_election {
    const struct sl_lease_record *lease;
    const char *identity;
    bool read;        /* in this attempt; else `lease` is of an earlier one */
    bool doubtful;    /* a write that was made from it failed */
    int64_t observed; /* when we saw it change */
};

enum sl_election_step {
    SL_ELECTION_WAIT, /* this attempt is over */
    SL_ELECTION_READ,
    SL_ELECTION_CREATE,
    SL_ELECTION_WRITE, /* take or renew it */
};
enum sl_election_step sl_election_next(const struct sl_election *election, int64_t now);

/* What an attempt writes. */
struct sl_lease_claim {
    const char *ns, *name;
    const char *identity; /* "": given up */
    int64_t duration;     /* ns, written as seconds, rounded up */
    int64_t wall;
};
/* Appends the JSON to create the Lease, or the merge patch of the one that was seen. */
void sl_lease_write_new(const struct sl_lease_claim *claim, struct sl_buf *out);
void sl_lease_write_patch(const struct sl_lease_claim *claim, const struct sl_lease_record *lease,
                          struct sl_buf *out);

#endif
