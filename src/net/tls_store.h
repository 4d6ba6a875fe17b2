/* The serving certificate and the client CA, as they are on disk right now.
 *
 * A store reads `tls.crt` and `tls.key` from a directory (and, when client certificates are asked
 * for, a file with CA certificates), checks that they belong together and are valid, and hands the
 * newest good pair to every new TLS handshake. A reload that fails keeps the pair that is there.
 * Checks are OpenSSL's; handshakes are GnuTLS's, since that is libmicrohttpd's TLS.
 *
 * Threads: sl_tls_store_reload() from one thread at a time; handshakes read on any thread. The pair
 * is an immutable snapshot with a reference count; its lock guards only the pointer.
 * Private keys are wiped from memory that is released, and never logged.
 */
#ifndef SL_NET_TLS_STORE_H
#define SL_NET_TLS_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct sl_tls_options {
    const char *directory; /* holds tls.crt (leaf first, then intermediates) and tls.key */
    const char *client_ca; /* file of PEM certificates; NULL: clients are not asked */
    /* allowed common or DNS names, ended by NULL; NULL: any name that the CA signed */
    const char *const *client_names;
};

struct sl_tls_info {
    int64_t not_after; /* seconds since 1970, of the leaf that is served */
    uint64_t reloads;  /* pairs taken into service after the first */
    uint64_t failures; /* reloads that failed */
    bool current;      /* what is served is what is on disk */
    char serial[64];   /* hex, of the leaf that is served: for the log */
};

struct sl_tls_store;

/* Loads the first pair. Errors: NOT_FOUND, DENIED (the file and the reason), INVALID (not PEM, key
 * and certificate do not belong together, expired or not yet valid at `now`, with the date). */
SL_MUST_USE int sl_tls_store_open(const struct sl_tls_options *options, int64_t now,
                                  struct sl_tls_store **ret_store, struct sl_err *err);
void sl_tls_store_close(struct sl_tls_store *store);
SL_AUTO_PTR(sl_tls_store, struct sl_tls_store, sl_tls_store_close);

/* Reads the files again when they changed. *ret_changed: a new pair is served. On an error the old
 * pair stays. `now` is seconds since 1970. */
SL_MUST_USE int sl_tls_store_reload(struct sl_tls_store *store, int64_t now, bool *ret_changed,
                                    struct sl_err *err);
void sl_tls_store_info(struct sl_tls_store *store, struct sl_tls_info *ret_info);

#endif
