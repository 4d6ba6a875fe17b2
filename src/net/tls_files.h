/* Private to net: the PEM files of a serving certificate as OpenSSL objects.
 *
 * Shared by the store that serves a pair (tls_pair.c) and the command that only judges one
 * (cert_check.c), so that both say the same about the same files. Every error names the file and
 * what to do. Any thread.
 */
#ifndef SL_NET_TLS_FILES_H
#define SL_NET_TLS_FILES_H

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define SL_TLS_FILE_MAX (SL_KIB * 256) /* bytes of one file: a CA bundle of a distribution fits */

static inline void sl_x509_cleanup(X509 **owned)
{
    X509_free(*owned);
}

static inline void sl_x509_list_cleanup(STACK_OF(X509) **owned)
{
    sk_X509_pop_free(*owned, X509_free);
}

static inline void sl_pkey_cleanup(EVP_PKEY **owned)
{
    EVP_PKEY_free(*owned);
}

/* The two files as they were read, from one generation of the directory where it has generations
 * (a kubelet's `..data`). */
struct sl_tls_files {
    char certificate_path[PATH_MAX]; /* for sentences */
    char key_path[PATH_MAX];
    struct sl_buf certificate;
    struct sl_buf key;  /* secret */
    unsigned key_mode;  /* permission bits of tls.key */
    bool is_generation; /* the directory is a kubelet's mount: it has a `..data` */
};
void sl_tls_files_cleanup(struct sl_tls_files *files); /* wipes the key */

/* Errors: NOT_FOUND, DENIED, INTERNAL (the file and the system's reason), INVALID (no regular file,
 * too large). On failure there is nothing to release. */
SL_MUST_USE int sl_tls_files_read(const char *directory, struct sl_tls_files *ret_files,
                                  struct sl_err *err);

/* The certificates in `path`, at least one, in the order of the file. The bytes of the file are
 * appended to `bytes` unless that is NULL. Errors: as above, INVALID (not PEM). */
SL_MUST_USE int sl_tls_certificates_read(const char *path, struct sl_buf *bytes,
                                         STACK_OF(X509) **ret_list, struct sl_err *err);

/* Certificates (leaf first) and key of `files`, and that the two belong together. Does not judge
 * dates. Keys: RSA, ECDSA, Ed25519, with no passphrase. Errors: INVALID. */
SL_MUST_USE int sl_tls_files_parse(const struct sl_tls_files *files, STACK_OF(X509) **ret_chain,
                                   EVP_PKEY **ret_key, struct sl_err *err);

/* 0 when `now` (seconds since 1970) is within the certificate's validity; INVALID with the date. */
SL_MUST_USE int sl_tls_check_dates(const X509 *certificate, const char *path, int64_t now,
                                   struct sl_err *err);

/* A trust store of the certificates in `list`. As in the API server (Go's x509.CertPool), each of
 * them is an anchor, whether it is self-signed or not. Never NULL. */
X509_STORE *sl_tls_trust(const STACK_OF(X509) *list);

/* `purpose` is X509_PURPOSE_SSL_CLIENT or _SERVER. An extended key usage, where the certificate has
 * one, must include that; a certificate without one may do anything (RFC 5280, 4.2.1.12). Keys and
 * signatures below 112 bits of security are refused. `untrusted` may hold the leaf too.
 * Errors: INVALID, with the subject of the certificate that fails. */
SL_MUST_USE int sl_tls_check_chain(X509_STORE *trust, X509 *leaf, STACK_OF(X509) *untrusted,
                                   int purpose, int64_t now, struct sl_err *err);

/* The newest OpenSSL error of this thread in words that live for ever; empties its queue. */
const char *sl_tls_library_reason(void);

int64_t sl_tls_seconds(const ASN1_TIME *time); /* since 1970 */

/* RFC 4514, escaped: safe in a sentence whoever made the certificate. Cut to `size`. */
void sl_tls_subject(const X509 *certificate, char *ret_text, size_t size);

#endif
