/* Certificates for a webhook without cert-manager: made and checked with OpenSSL.
 *
 * RFC 5280 for what is in them; what is accepted is what Go's crypto/tls, and so the API server,
 * accepts. Any thread, but one issue into one directory at a time.
 */
#ifndef SL_NET_CERTS_H
#define SL_NET_CERTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

/* Makes a CA (ECDSA P-256) and a leaf it signed for `dns_names` (DNS names; an IP address becomes
 * an IP SAN) and writes ca.crt, tls.crt (0644) and tls.key (0600) into `directory`, which is made
 * when it is missing. The CA's key is thrown away: a new issue is a new CA. Files already there are
 * replaced only when all of the new ones are written, each as a whole, tls.key first and tls.crt
 * last: what an issue that was cut short leaves is all of the old files, or a key that does not
 * match its certificate, which every load and check refuses. `days` is 1 to SL_CERTS_DAYS_MAX,
 * `now` is seconds since 1970. Errors: INVALID (a bad name, no name, bad days), the system's. */
#define SL_CERTS_DAYS_MAX 3650
SL_MUST_USE int sl_certs_issue(const char *const *dns_names, size_t count, const char *directory,
                               unsigned days, int64_t now, struct sl_err *err);

struct sl_certs_report {
    int64_t not_before, not_after; /* of the leaf, seconds since 1970 */
    char subject[256];
    char names[1024]; /* SANs, comma separated */
};

/* Checks tls.crt and tls.key in `directory` as an API server would see them: they parse, belong
 * together, are valid at `now`, chain to ca.crt when that is there, may serve TLS, and cover every
 * name in `dns_names` (a DNS name, an IP address, or "*." and a domain). Beyond what an API server
 * sees: tls.key must not be readable by every user, except in a mounted Secret (a directory with
 * `..data`), where the mode is the volume's. Errors: INVALID with the first thing that is wrong and
 * what to do; NOT_FOUND, DENIED (the file and the reason). */
SL_MUST_USE int sl_certs_check(const char *directory, const char *const *dns_names, size_t count,
                               int64_t now, struct sl_certs_report *ret_report, struct sl_err *err);

#endif
