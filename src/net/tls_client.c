/* Who may connect: the checks on a client's certificate after the handshake (tls_client.h).
 *
 * libmicrohttpd only asks for the certificate and GnuTLS only proves that the client has its key;
 * whether it is a client that we know is decided here.
 */
#include "net/tls_client.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/str.h"
#include "net/tls_files.h"

static int parse_peers(const gnutls_datum_t *peers, unsigned count, STACK_OF(X509) **ret_list,
                       struct sl_err *err)
{
    SL_AUTO(sl_x509_list) STACK_OF(X509) *list = sk_X509_new_null();
    for (unsigned i = 0; i < count; i++) {
        const unsigned char *der = peers[i].data;
        X509 *one = d2i_X509(NULL, &der, (long)peers[i].size);
        if (one == NULL) {
            ERR_clear_error();
            return sl_err_set(err, SL_ERR_DENIED, "the client's certificate cannot be read");
        }
        if (sk_X509_push(list, one) <= 0) {
            abort();
        }
    }
    *ret_list = sl_steal(&list);
    return 0;
}

static bool is_allowed(const ASN1_STRING *text, const char *const *names)
{
    struct sl_str have = {.p = (const char *)ASN1_STRING_get0_data(text),
                          .n = (size_t)ASN1_STRING_length(text)};
    for (; *names != NULL; names++) {
        if (sl_str_is(have, *names)) {
            return true;
        }
    }
    return false;
}

static bool common_name_allowed(const X509 *leaf, const char *const *names)
{
    const X509_NAME *subject = X509_get_subject_name(leaf);
    int last = -1; /* the last is the most specific, and what Go and curl take */
    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
        last = at;
    }
    return last >= 0 &&
           is_allowed(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)), names);
}

static bool dns_name_allowed(const X509 *leaf, const char *const *names)
{
    bool allowed = false;
    GENERAL_NAMES *list = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(list) && !allowed; i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(list, i);
        allowed = one->type == GEN_DNS && is_allowed(one->d.dNSName, names);
    }
    GENERAL_NAMES_free(list);
    return allowed;
}

int sl_tls_client_check(X509_STORE *trust, const char *const *names, const gnutls_datum_t *peers,
                        unsigned count, int64_t now, struct sl_err *err)
{
    if (peers == NULL || count == 0) {
        return sl_err_set(err, SL_ERR_DENIED,
                          "the client sent no certificate; the API server sends one that its "
                          "--admission-control-config-file names");
    }
    SL_AUTO(sl_x509_list) STACK_OF(X509) *chain = NULL;
    if (parse_peers(peers, count, &chain, err) < 0) {
        return -1;
    }
    X509 *leaf = sk_X509_value(chain, 0);
    struct sl_err reason = SL_ERR_INIT;
    if (sl_tls_check_chain(trust, leaf, chain, X509_PURPOSE_SSL_CLIENT, now, &reason) < 0) {
        return sl_err_set(err, SL_ERR_DENIED, "the client is not known: %s", reason.msg);
    }
    if (names != NULL && !common_name_allowed(leaf, names) && !dns_name_allowed(leaf, names)) {
        char subject[256];
        sl_tls_subject(leaf, subject, sizeof subject);
        return sl_err_set(err, SL_ERR_DENIED,
                          "the client %s is not allowed; its common name or one of its DNS names "
                          "must be among the configured client names",
                          subject);
    }
    return 0;
}
