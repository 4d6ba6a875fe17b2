/* Certificates that sl_certs_issue() would not make: of other keys, dates and usages, or broken. */
#ifndef SL_TESTS_UNIT_NET_MATERIAL_H
#define SL_TESTS_UNIT_NET_MATERIAL_H

#include "scratch.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define NOW INT64_C(1795262400) /* 2026-11-21T12:00:00Z */
#define DAY INT64_C(86400)

enum key_kind { KEY_EC, KEY_RSA, KEY_ED25519, KEY_RSA_WEAK };

struct material {
    const char *common_name;
    const char *alternative_names; /* x509v3_config(5) or NULL */
    const char *usage;             /* extended; NULL: none */
    enum key_kind kind;
    int64_t not_before, not_after; /* 0: a day around NOW */
    bool is_ca;
};

struct signer {
    X509 *certificate;
    EVP_PKEY *key;
};

static inline void signer_cleanup(struct signer *signer)
{
    X509_free(signer->certificate);
    EVP_PKEY_free(signer->key);
}

static inline EVP_PKEY *material_key(enum key_kind kind)
{
    EVP_PKEY *key = kind == KEY_EC        ? EVP_EC_gen("P-256")
                    : kind == KEY_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                          : EVP_RSA_gen(kind == KEY_RSA ? 2048U : 1024U);
    assert_non_null(key);
    return key;
}

static inline void material_extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(one);
    assert_int_equal(X509_add_ext(certificate, one, -1), 1);
    X509_EXTENSION_free(one);
}

/* `issuer` NULL: signs itself. */
static inline struct signer material_make(const struct material *spec, const struct signer *issuer)
{
    struct signer made = {.certificate = X509_new(), .key = material_key(spec->kind)};
    X509 *leaf = made.certificate;
    X509 *by = issuer == NULL ? leaf : issuer->certificate;
    int64_t not_before = spec->not_before == 0 ? NOW - DAY : spec->not_before;
    int64_t not_after = spec->not_after == 0 ? NOW + DAY : spec->not_after;
    assert_int_equal(X509_set_version(leaf, X509_VERSION_3), 1);
    static long serial;
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(leaf), ++serial), 1);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(leaf), (time_t)not_before));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(leaf), (time_t)not_after));
    assert_int_equal(X509_set_pubkey(leaf, made.key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(leaf), "CN", MBSTRING_UTF8,
                                                (const unsigned char *)spec->common_name, -1, -1,
                                                0),
                     1);
    assert_int_equal(X509_set_issuer_name(leaf, X509_get_subject_name(by)), 1);
    material_extend(leaf, by, NID_basic_constraints, spec->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    material_extend(leaf, by, NID_subject_key_identifier, "hash");
    if (issuer != NULL) { /* tells two CAs of one name apart, as every CA program does */
        material_extend(leaf, by, NID_authority_key_identifier, "keyid:always");
    }
    if (spec->alternative_names != NULL) {
        material_extend(leaf, by, NID_subject_alt_name, spec->alternative_names);
    }
    if (spec->usage != NULL) {
        material_extend(leaf, by, NID_ext_key_usage, spec->usage);
    }
    EVP_PKEY *sign_with = issuer == NULL ? made.key : issuer->key;
    const EVP_MD *hash = EVP_PKEY_get_base_id(sign_with) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    assert_int_not_equal(X509_sign(leaf, sign_with, hash), 0);
    return made;
}

static inline void material_write_certificate(const struct scratch *scratch, const char *relative,
                                              X509 *const *list, size_t count)
{
    FILE *file = fopen(scratch_path(scratch, relative), "we");
    assert_non_null(file);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(PEM_write_X509(file, list[i]), 1);
    }
    assert_int_equal(fclose(file), 0);
}

/* `passphrase` NULL: not encrypted. */
static inline void material_write_key(const struct scratch *scratch, const char *relative,
                                      const EVP_PKEY *key, const char *passphrase)
{
    FILE *file = fopen(scratch_path(scratch, relative), "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_PKCS8PrivateKey(
                         file, key, passphrase == NULL ? NULL : EVP_aes_128_cbc(), passphrase,
                         passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL),
                     1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(scratch_path(scratch, relative), 0600), 0);
}

/* tls.crt and tls.key in a directory that exists. */
static inline void material_write_pair(const struct scratch *scratch, const char *directory,
                                       const struct signer *pair)
{
    char name[SCRATCH_PATH_MAX];
    (void)snprintf(name, sizeof name, "%s/tls.crt", directory);
    material_write_certificate(scratch, name, &pair->certificate, 1);
    (void)snprintf(name, sizeof name, "%s/tls.key", directory);
    material_write_key(scratch, name, pair->key, NULL);
}

#endif
