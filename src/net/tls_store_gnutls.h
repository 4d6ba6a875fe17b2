/* Private to net: what the HTTP server needs of a certificate store to do GnuTLS handshakes.
 *
 * The store gives out pairs by reference: a connection holds the pair that its handshake uses, so a
 * reload never takes a key away from a handshake under way. All functions may be
 * called on any thread.
 */
#ifndef SL_NET_TLS_STORE_GNUTLS_H
#define SL_NET_TLS_STORE_GNUTLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/tls_store.h"

struct sl_tls_pair; /* one generation of certificate and key; immutable, counted */

/* The pair that is served now, with a reference for the caller. Never NULL. */
struct sl_tls_pair *sl_tls_store_acquire(struct sl_tls_store *store);

/* Gives a reference back; NULL is fine. The last one wipes the key. */
void sl_tls_pair_release(struct sl_tls_pair *pair);

/* What a gnutls_certificate_retrieve_function2 hands out: no parsing, no I/O. GnuTLS borrows it, so
 * the reference must be held until the handshake is over. */
void sl_tls_pair_get(const struct sl_tls_pair *pair, gnutls_pcert_st **ret_chain,
                     unsigned *ret_length, gnutls_privkey_t *ret_key);

/* Whether the store was opened with a client CA: fixed for its life. */
bool sl_tls_store_asks_client(const struct sl_tls_store *store);

/* Whether the client of a finished handshake may talk to us: its certificate chains to the client
 * CA in force now, is valid at `now` (seconds since 1970), may be a TLS client, and has an allowed
 * name. 0 at once when clients are not asked. Checks signatures: ask once for each connection.
 * Errors: DENIED with the reason. */
SL_MUST_USE int sl_tls_store_verify_client(struct sl_tls_store *store, gnutls_session_t session,
                                           int64_t now, struct sl_err *err);

#endif
