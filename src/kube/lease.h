/* Leader election by a Lease of coordination.k8s.io/v1, as client-go's leaderelection does it.
 *
 * A candidate reads the Lease every `retry`; takes it when nobody holds it, when the holder's
 * leaseDuration has passed since *we* last saw the Lease change (our own monotonic clock: the
 * other's timestamps are never compared with ours, so skewed clocks do no harm), or when it is
 * already ours. Every write demands the resourceVersion that was read. The holder renews every
 * `retry`; when it could not for `renew_deadline`, it is leader no more, before anybody else can
 * be. Released at exit: holderIdentity "", leaseDurationSeconds 1.
 *
 * Threads: the client's one.
 */
#ifndef SL_KUBE_LEASE_H
#define SL_KUBE_LEASE_H

#include "kube/client.h"

struct sl_lease_options {
    struct sl_client *client; /* borrowed */
    const char *ns, *name;
    const char *identity; /* unique: pod name and a random part; at most 128 bytes */
    int64_t duration, renew_deadline,
        retry;     /* ns: 15 s, 10 s, 2 s; duration > renew_deadline > 1.2 retry */
    uint64_t seed; /* of the jitter */
};
struct sl_lease;

struct sl_lease *sl_lease_open(const struct sl_lease_options *options);
void sl_lease_close(struct sl_lease *lease); /* does not release; NULL is fine */
SL_AUTO_PTR(sl_lease, struct sl_lease, sl_lease_close);

/* `now` sl_clock_mono(), `wall` sl_clock_wall() (for the timestamps that people read). */
void sl_lease_turn(struct sl_lease *lease, int64_t now, int64_t wall);
/* Takes a reply whose tag is the lease (its requests are tagged so). */
void sl_lease_reply(struct sl_lease *lease, const struct sl_reply *reply, int64_t now);
int64_t sl_lease_due(const struct sl_lease *lease);

/* Whether writes may be made at `now`. */
bool sl_lease_held(const struct sl_lease *lease, int64_t now);
const char *sl_lease_holder(const struct sl_lease *lease); /* "": nobody, or not known yet */

/* Gives it up at the end. True: a reply is to be waited for, and then this is to be called again
 * (what was under way comes first, then the write that gives it up). False: done, or it was not
 * ours. It is not held any more from the first call on, and turns do nothing. */
bool sl_lease_release(struct sl_lease *lease, int64_t now, int64_t wall);

#endif
