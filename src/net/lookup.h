/* The addresses of a host's name, looked up without holding up a loop: DNS may take many seconds,
 * and the C library's resolver blocks. A thread of its own asks it; the answer comes through a
 * descriptor. Who does not want it any more closes it, and the thread ends when the resolver does.
 *
 * Threads: one, apart from that. */
#ifndef SL_NET_LOOKUP_H
#define SL_NET_LOOKUP_H

#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

#define SL_LOOKUP_ADDRESSES 4

struct sl_addresses {
    struct sockaddr_storage items[SL_LOOKUP_ADDRESSES];
    size_t count;
};

/* Of a host that is an address itself, IPv4 or [IPv6]: at once. False: it is a name. */
bool sl_lookup_literal(struct sl_str host, struct sl_str port, struct sl_addresses *ret_addresses);

struct sl_lookup;

/* Errors: INVALID (too long for a name), TRANSIENT (no thread or descriptor is left). */
SL_MUST_USE int sl_lookup_open(struct sl_str host, struct sl_str port,
                               struct sl_lookup **ret_lookup, struct sl_err *err);
void sl_lookup_close(struct sl_lookup *lookup); /* NULL is fine */
SL_AUTO_PTR(sl_lookup, struct sl_lookup, sl_lookup_close);

int sl_lookup_fd(const struct sl_lookup *lookup); /* readable when it is answered */
bool sl_lookup_is_answered(const struct sl_lookup *lookup);
/* Once it is answered. Errors: NOT_FOUND (no such name), TRANSIENT. */
SL_MUST_USE int sl_lookup_take(struct sl_lookup *lookup, struct sl_addresses *ret_addresses,
                               struct sl_err *err);

#endif
