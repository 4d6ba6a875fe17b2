/* One generation of serving material: read, judged with OpenSSL, handed to GnuTLS (tls_pair.h).
 *
 * GnuTLS never sees the files: it gets the DER that OpenSSL made of what it had parsed, so what was
 * checked is what is served, however differently the two libraries read PEM.
 */
#include "net/tls_pair.h"

#include <gnutls/x509.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#include "net/tls_files.h"

void sl_tls_pair_release(struct sl_tls_pair *pair)
{
    if (pair == NULL || atomic_fetch_sub(&pair->references, 1) > 1) {
        return;
    }
    for (unsigned i = 0; i < pair->count; i++) {
        gnutls_pcert_deinit(&pair->certificates[i]);
    }
    free(pair->certificates);
    if (pair->key != NULL) {
        gnutls_privkey_deinit(pair->key); /* wipes */
    }
    X509_STORE_free(pair->clients);
    free(pair);
}

void sl_tls_pair_get(const struct sl_tls_pair *pair, gnutls_pcert_st **ret_chain,
                     unsigned *ret_length, gnutls_privkey_t *ret_key)
{
    *ret_chain = pair->certificates;
    *ret_length = pair->count;
    *ret_key = pair->key;
}

static struct sl_tls_pair *new_pair(void)
{
    struct sl_tls_pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL) {
        abort();
    }
    atomic_init(&pair->references, 1);
    return pair;
}

static void digest_files(const struct sl_buf *const *files, size_t count,
                         unsigned char ret_digest[static SHA256_DIGEST_LENGTH])
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1) {
        abort();
    }
    for (size_t i = 0; i < count; i++) { /* with lengths: bytes cannot move between files unseen */
        (void)EVP_DigestUpdate(hash, &files[i]->len, sizeof files[i]->len);
        (void)EVP_DigestUpdate(hash, files[i]->data, files[i]->len);
    }
    (void)EVP_DigestFinal_ex(hash, ret_digest, NULL);
    EVP_MD_CTX_free(hash);
}

static int gnutls_refused(const char *path, int code, struct sl_err *err)
{
    return sl_err_set(err, SL_ERR_INVALID, "%s cannot be served (GnuTLS: %s); use another one",
                      path, gnutls_strerror(code));
}

static int add_chain(struct sl_tls_pair *pair, const STACK_OF(X509) *chain, const char *path,
                     struct sl_err *err)
{
    pair->certificates = calloc((size_t)sk_X509_num(chain), sizeof *pair->certificates);
    if (pair->certificates == NULL) {
        abort();
    }
    for (int i = 0; i < sk_X509_num(chain); i++) {
        unsigned char *bytes = NULL;
        int length = i2d_X509(sk_X509_value(chain, i), &bytes);
        if (length < 0) {
            abort();
        }
        gnutls_datum_t der = {.data = bytes, .size = (unsigned)length};
        int code =
            gnutls_pcert_import_x509_raw(&pair->certificates[i], &der, GNUTLS_X509_FMT_DER, 0);
        OPENSSL_free(bytes);
        if (code < 0) {
            return gnutls_refused(path, code, err);
        }
        pair->count++;
    }
    return 0;
}

static int import_key(gnutls_privkey_t key, const gnutls_datum_t *pkcs8)
{
    gnutls_x509_privkey_t parsed = NULL;
    int code = gnutls_x509_privkey_init(&parsed);
    if (code < 0) {
        return code;
    }
    code = gnutls_x509_privkey_import_pkcs8(parsed, pkcs8, GNUTLS_X509_FMT_DER, NULL,
                                            GNUTLS_PKCS_PLAIN);
    if (code >= 0) {
        code = gnutls_privkey_import_x509(key, parsed, GNUTLS_PRIVKEY_IMPORT_COPY);
    }
    gnutls_x509_privkey_deinit(parsed);
    return code;
}

static int add_key(struct sl_tls_pair *pair, const EVP_PKEY *key, const char *path,
                   struct sl_err *err)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    unsigned char *bytes = NULL;
    int length = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &bytes);
    PKCS8_PRIV_KEY_INFO_free(info); /* wipes */
    if (length < 0) {
        ERR_clear_error();
        return sl_err_set(err, SL_ERR_INVALID, "%s cannot be written as PKCS #8; use another key",
                          path);
    }
    gnutls_datum_t pkcs8 = {.data = bytes, .size = (unsigned)length};
    int code = gnutls_privkey_init(&pair->key);
    if (code >= 0) {
        code = import_key(pair->key, &pkcs8);
    }
    OPENSSL_clear_free(bytes, (size_t)length);
    return code < 0 ? gnutls_refused(path, code, err) : 0;
}

static void describe_leaf(struct sl_tls_pair *pair, const X509 *leaf)
{
    pair->not_after = sl_tls_seconds(X509_get0_notAfter(leaf));
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), NULL);
    char *hex = serial == NULL ? NULL : BN_bn2hex(serial);
    if (hex == NULL) {
        abort();
    }
    size_t length = strnlen(hex, sizeof pair->serial - 1);
    memcpy(pair->serial, hex, length);
    OPENSSL_free(hex);
    BN_free(serial);
}

static int build(const struct sl_tls_files *files, const STACK_OF(X509) *anchors, int64_t now,
                 struct sl_tls_pair *pair, struct sl_err *err)
{
    SL_AUTO(sl_x509_list) STACK_OF(X509) *chain = NULL;
    SL_AUTO(sl_pkey) EVP_PKEY *key = NULL;
    if (sl_tls_files_parse(files, &chain, &key, err) < 0) {
        return -1;
    }
    const X509 *leaf = sk_X509_value(chain, 0);
    if (sl_tls_check_dates(leaf, files->certificate_path, now, err) < 0 ||
        add_chain(pair, chain, files->certificate_path, err) < 0 ||
        add_key(pair, key, files->key_path, err) < 0) {
        return -1;
    }
    if (anchors != NULL) {
        pair->clients = sl_tls_trust(anchors);
    }
    describe_leaf(pair, leaf);
    return 0;
}

static int load_once(const char *directory, const char *client_ca, int64_t now,
                     const struct sl_tls_pair *served, struct sl_tls_pair **ret_pair,
                     struct sl_err *err)
{
    SL_AUTO(sl_tls_files) struct sl_tls_files files = {0};
    SL_AUTO(sl_buf) struct sl_buf anchor_bytes = SL_BUF_INIT(SL_TLS_FILE_MAX);
    SL_AUTO(sl_x509_list) STACK_OF(X509) *anchors = NULL;
    if (sl_tls_files_read(directory, &files, err) < 0) {
        return -1;
    }
    if (client_ca != NULL &&
        sl_tls_certificates_read(client_ca, &anchor_bytes, &anchors, err) < 0) {
        return -1;
    }
    SL_AUTO(sl_tls_pair) struct sl_tls_pair *pair = new_pair();
    digest_files((const struct sl_buf *const[]){&files.certificate, &files.key, &anchor_bytes}, 3,
                 pair->digest);
    if (served != NULL && CRYPTO_memcmp(served->digest, pair->digest, sizeof pair->digest) == 0) {
        *ret_pair = NULL;
        return 0;
    }
    if (build(&files, anchors, now, pair, err) < 0) {
        return -1;
    }
    *ret_pair = sl_steal(&pair);
    return 0;
}

int sl_tls_pair_load(const char *directory, const char *client_ca, int64_t now,
                     const struct sl_tls_pair *served, struct sl_tls_pair **ret_pair,
                     struct sl_err *err)
{
    /* What fails may be half written: between the two files of a plain directory, or in a
     * generation that the kubelet is just removing. */
    return load_once(directory, client_ca, now, served, ret_pair, NULL) == 0
               ? 0
               : load_once(directory, client_ca, now, served, ret_pair, err);
}
