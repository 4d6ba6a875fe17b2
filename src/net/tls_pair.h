/* Private to net: making one generation of serving material out of files.
 *
 * tls_store.c publishes what this makes. A pair is immutable once made; who holds a reference may
 * read all of it on any thread.
 */
#ifndef SL_NET_TLS_PAIR_H
#define SL_NET_TLS_PAIR_H

#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdatomic.h>

#include "net/tls_store_gnutls.h"

struct sl_tls_pair {
    atomic_uint references;
    gnutls_pcert_st *certificates; /* leaf first */
    unsigned count;
    gnutls_privkey_t key;
    X509_STORE *clients; /* anchors of client certificates; NULL: clients are not asked */
    unsigned char digest[SHA256_DIGEST_LENGTH]; /* of the bytes of all files */
    int64_t not_after;                          /* seconds since 1970, of the leaf */
    char serial[64];
};

/* Reads and checks the files and makes a pair with one reference. *ret_pair is NULL when the files
 * hold the same bytes as those of `served` (NULL: none). Errors as sl_tls_store_open(). */
SL_MUST_USE int sl_tls_pair_load(const char *directory, const char *client_ca, int64_t now,
                                 const struct sl_tls_pair *served, struct sl_tls_pair **ret_pair,
                                 struct sl_err *err);

SL_AUTO_PTR(sl_tls_pair, struct sl_tls_pair, sl_tls_pair_release);

#endif
