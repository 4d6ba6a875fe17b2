/* Makes a CA and a leaf for clusters without cert-manager (certs.h): `sluice certs issue`.
 *
 * The CA signs this one leaf and its key is never written: nobody can sign a second one.
 */
#include "net/certs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "net/tls_files.h"

#define SECONDS_A_DAY INT64_C(86400)
#define BACKDATED_SECONDS INT64_C(300) /* for API servers whose clock is behind ours */
#define SERIAL_BYTES 16
#define DNS_NAME_MAX 253
#define DNS_LABEL_MAX 63
#define COMMON_NAME_MAX 64 /* RFC 5280, ub-common-name */

struct extension {
    int nid;
    const char *value; /* OpenSSL's x509v3_config(5) */
};

static const struct extension ca_extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
    {NID_undef, NULL},
};

static const struct extension leaf_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
    {NID_undef, NULL},
};

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_label(struct sl_str label)
{
    if (label.n == 0 || label.n > DNS_LABEL_MAX || !is_alnum(label.p[0]) ||
        !is_alnum(label.p[label.n - 1])) {
        return false;
    }
    for (size_t i = 0; i < label.n; i++) {
        if (!is_alnum(label.p[i]) && label.p[i] != '-') {
            return false;
        }
    }
    return true;
}

static bool is_number(struct sl_str label)
{
    for (size_t i = 0; i < label.n; i++) {
        if (label.p[i] < '0' || label.p[i] > '9') {
            return false;
        }
    }
    return true;
}

/* RFC 1123, and a wildcard as RFC 6125 has it. A last label of digits is a mistyped IP address. */
static bool is_dns_name(const char *name)
{
    struct sl_str rest = sl_str_from(name);
    if (rest.n > DNS_NAME_MAX) {
        return false;
    }
    if (sl_str_starts(rest, SL_STR("*."))) {
        rest = sl_str_from(name + 2);
    }
    struct sl_str label = {0};
    while (rest.p != NULL) {
        label = sl_str_cut(&rest, '.');
        if (!is_label(label)) {
            return false;
        }
    }
    return !is_number(label);
}

static bool is_ip_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

static int check_request(const char *const *names, size_t count, unsigned days, struct sl_err *err)
{
    if (count == 0) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "no name for the certificate; give at least one DNS name, such as "
                          "sluice.sluice-system.svc");
    }
    if (days == 0 || days > SL_CERTS_DAYS_MAX) {
        return sl_err_set(err, SL_ERR_INVALID, "a certificate is valid for 1 to %d days, not %u",
                          SL_CERTS_DAYS_MAX, days);
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_ip_address(names[i]) && !is_dns_name(names[i])) {
            return sl_err_set(err, SL_ERR_INVALID,
                              "\"%.260s\" is no DNS name or IP address; a DNS name has labels of "
                              "letters, digits and '-' (1 to %d each, %d in all) joined by '.', "
                              "and may begin with \"*.\"",
                              names[i], DNS_LABEL_MAX, DNS_NAME_MAX);
        }
    }
    return 0;
}

static int library_failed(struct sl_err *err)
{
    return sl_err_set(err, SL_ERR_INTERNAL, "cannot make a certificate: OpenSSL says: %s",
                      sl_tls_library_reason());
}

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return false;
    }
    bytes[0] = (unsigned char)((bytes[0] & 0x7fU) | 0x40U); /* positive, and never short or 0 */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool set =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return set;
}

static bool set_common_name(X509 *certificate, const char *text)
{
    return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                      MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1;
}

static bool add_extensions(X509 *certificate, X509 *issuer, const struct extension *rows)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (; rows->value != NULL; rows++) {
        X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, &context, rows->nid, rows->value);
        bool added = one != NULL && X509_add_ext(certificate, one, -1) == 1;
        X509_EXTENSION_free(one);
        if (!added) {
            return false;
        }
    }
    return true;
}

static GENERAL_NAME *alternative_name(const char *text)
{
    bool is_ip = is_ip_address(text);
    ASN1_STRING *value = is_ip ? a2i_IPADDRESS(text) : ASN1_IA5STRING_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (value == NULL || name == NULL || (!is_ip && ASN1_STRING_set(value, text, -1) != 1)) {
        abort();
    }
    GENERAL_NAME_set0_value(name, is_ip ? GEN_IPADD : GEN_DNS, value);
    return name;
}

static bool add_alternative_names(X509 *certificate, const char *const *names, size_t count)
{
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    if (list == NULL) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        if (sk_GENERAL_NAME_push(list, alternative_name(names[i])) <= 0) {
            abort();
        }
    }
    bool added = X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, 0) == 1;
    GENERAL_NAMES_free(list);
    return added;
}

/* What both certificates have: version, serial, dates, key, subject. NULL when OpenSSL fails. */
static X509 *draft(EVP_PKEY *key, const char *common_name, int64_t not_before, int64_t not_after)
{
    SL_AUTO(sl_x509) X509 *certificate = X509_new();
    if (certificate == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        !set_serial(certificate) || X509_set_pubkey(certificate, key) != 1 ||
        ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before) == NULL ||
        ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after) == NULL ||
        !set_common_name(certificate, common_name)) {
        return NULL;
    }
    return sl_steal(&certificate);
}

static X509 *make_ca(EVP_PKEY *key, int64_t now, int64_t not_after)
{
    char date[SL_CLOCK_DATE_SIZE];
    char common_name[COMMON_NAME_MAX];
    sl_clock_date(now, date);
    (void)snprintf(common_name, sizeof common_name, "Sluice CA of %s", date);
    SL_AUTO(sl_x509) X509 *ca = draft(key, common_name, now - BACKDATED_SECONDS, not_after);
    if (ca == NULL || X509_set_issuer_name(ca, X509_get_subject_name(ca)) != 1 ||
        !add_extensions(ca, ca, ca_extensions) || X509_sign(ca, key, EVP_sha256()) == 0) {
        return NULL;
    }
    return sl_steal(&ca);
}

static X509 *make_leaf(EVP_PKEY *key, const char *const *names, size_t count, int64_t now,
                       int64_t not_after, X509 *ca, EVP_PKEY *ca_key)
{
    const char *common_name = strlen(names[0]) <= COMMON_NAME_MAX ? names[0] : "sluice";
    SL_AUTO(sl_x509) X509 *leaf = draft(key, common_name, now - BACKDATED_SECONDS, not_after);
    if (leaf == NULL || X509_set_issuer_name(leaf, X509_get_subject_name(ca)) != 1 ||
        !add_extensions(leaf, ca, leaf_extensions) || !add_alternative_names(leaf, names, count) ||
        X509_sign(leaf, ca_key, EVP_sha256()) == 0) {
        return NULL;
    }
    return sl_steal(&leaf);
}

static int prepare_bio(const char *directory, const char *name, BIO *text, unsigned mode,
                       struct sl_file_draft *ret_draft, struct sl_err *err)
{
    char path[PATH_MAX];
    if (sl_file_path(directory, name, path, err) < 0) {
        return -1;
    }
    char *bytes = NULL;
    long size = BIO_get_mem_data(text, &bytes);
    return sl_file_prepare(path, (struct sl_str){.p = bytes, .n = (size_t)size}, mode, ret_draft,
                           err);
}

static int prepare_certificate(const char *directory, const char *name, X509 *certificate,
                               struct sl_file_draft *ret_draft, struct sl_err *err)
{
    BIO *text = BIO_new(BIO_s_mem());
    int result = text == NULL || PEM_write_bio_X509(text, certificate) != 1
                     ? library_failed(err)
                     : prepare_bio(directory, name, text, 0644, ret_draft, err);
    BIO_free(text);
    return result;
}

static int prepare_key(const char *directory, EVP_PKEY *key, struct sl_file_draft *ret_draft,
                       struct sl_err *err)
{
    BIO *text = BIO_new(BIO_s_mem()); /* wipes what it grows out of and what it frees */
    int result = text == NULL || PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) != 1
                     ? library_failed(err)
                     : prepare_bio(directory, "tls.key", text, 0600, ret_draft, err);
    BIO_free(text);
    return result;
}

/* The key first and its certificate last: from the first step to the last the two do not match. */
static int write_files(const char *directory, X509 *ca, EVP_PKEY *key, X509 *leaf,
                       struct sl_err *err)
{
    SL_AUTO(sl_file_draft) struct sl_file_draft key_file = {.temporary = ""};
    SL_AUTO(sl_file_draft) struct sl_file_draft ca_file = {.temporary = ""};
    SL_AUTO(sl_file_draft) struct sl_file_draft leaf_file = {.temporary = ""};
    if (prepare_key(directory, key, &key_file, err) < 0 ||
        prepare_certificate(directory, "ca.crt", ca, &ca_file, err) < 0 ||
        prepare_certificate(directory, "tls.crt", leaf, &leaf_file, err) < 0) {
        return -1;
    }
    if (sl_file_publish(&key_file, err) < 0 || sl_file_publish(&ca_file, err) < 0 ||
        sl_file_publish(&leaf_file, err) < 0) {
        return -1;
    }
    return 0;
}

int sl_certs_issue(const char *const *dns_names, size_t count, const char *directory, unsigned days,
                   int64_t now, struct sl_err *err)
{
    if (check_request(dns_names, count, days, err) < 0) {
        return -1;
    }
    int64_t not_after = now + (int64_t)days * SECONDS_A_DAY;
    SL_AUTO(sl_pkey) EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    SL_AUTO(sl_pkey) EVP_PKEY *key = EVP_EC_gen("P-256");
    if (ca_key == NULL || key == NULL) {
        return library_failed(err);
    }
    SL_AUTO(sl_x509) X509 *ca = make_ca(ca_key, now, not_after + SECONDS_A_DAY);
    if (ca == NULL) {
        return library_failed(err);
    }
    SL_AUTO(sl_x509)
    X509 *leaf = make_leaf(key, dns_names, count, now, not_after, ca, ca_key);
    if (leaf == NULL) {
        return library_failed(err);
    }
    if (mkdir(directory, 0755) < 0 && errno != EEXIST) {
        return sl_err_sys(err, errno, "cannot make the directory %s", directory);
    }
    return write_files(directory, ca, key, leaf, err);
}
