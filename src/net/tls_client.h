/* Private to net: judging the certificate that a client sent. */
#ifndef SL_NET_TLS_CLIENT_H
#define SL_NET_TLS_CLIENT_H

#include <gnutls/gnutls.h>
#include <openssl/x509.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

/* `peers` is what the client sent in DER, leaf first; NULL with a count of 0: nothing. `names` ends
 * with NULL; NULL allows every name. Names are compared byte by byte with the leaf's last common
 * name and its DNS SANs. Errors: DENIED, as sl_tls_store_verify_client(). Any thread. */
SL_MUST_USE int sl_tls_client_check(X509_STORE *trust, const char *const *names,
                                    const gnutls_datum_t *peers, unsigned count, int64_t now,
                                    struct sl_err *err);

#endif
