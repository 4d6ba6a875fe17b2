/* Judges the files of a serving certificate (certs.h): `sluice certs check`.
 *
 * The checks are in the order in which fixing one makes the next meaningful.
 */
#include "net/certs.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "net/tls_files.h"

static void add_address(struct sl_buf *out, const ASN1_OCTET_STRING *address)
{
    char text[INET6_ADDRSTRLEN] = "?";
    int length = ASN1_STRING_length(address);
    if (length == 4 || length == 16) {
        (void)inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text,
                        sizeof text);
    }
    sl_buf_adds(out, text);
}

/* Printable bytes as they are, others as '?': whoever made the certificate chose them. */
static void add_dns_name(struct sl_buf *out, const ASN1_IA5STRING *name)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(name);
    for (int i = 0; i < ASN1_STRING_length(name); i++) {
        sl_buf_addc(out, bytes[i] > ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '?');
    }
}

/* The DNS names and addresses that the leaf is for, comma separated, as much of it as fits. */
static void list_names(const GENERAL_NAMES *names, char *ret_text, size_t size)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(size - 1);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
        if (one->type != GEN_DNS && one->type != GEN_IPADD) {
            continue;
        }
        size_t before = text.len;
        sl_buf_adds(&text, before == 0 ? "" : ",");
        if (one->type == GEN_DNS) {
            add_dns_name(&text, one->d.dNSName);
        } else {
            add_address(&text, one->d.iPAddress);
        }
        if (text.overflowed) {
            text.len = before;
            break;
        }
    }
    memcpy(ret_text, sl_buf_str(&text).p, text.len);
    ret_text[text.len] = '\0';
}

static bool has_wildcard(const GENERAL_NAMES *names, const char *wanted)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
        if (one->type == GEN_DNS && (size_t)ASN1_STRING_length(one->d.dNSName) == strlen(wanted) &&
            strncasecmp((const char *)ASN1_STRING_get0_data(one->d.dNSName), wanted,
                        strlen(wanted)) == 0) {
            return true;
        }
    }
    return false;
}

/* As Go's TLS client, and so the API server: SANs only, never the common name. */
static bool covers(X509 *leaf, const GENERAL_NAMES *names, const char *wanted)
{
    if (strncmp(wanted, "*.", 2) == 0) {
        return has_wildcard(names, wanted);
    }
    return X509_check_ip_asc(leaf, wanted, 0) == 1 ||
           X509_check_host(leaf, wanted, 0,
                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                           NULL) == 1;
}

static int check_names(X509 *leaf, const GENERAL_NAMES *names, const char *path,
                       const char *const *wanted, size_t count, struct sl_err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!covers(leaf, names, wanted[i])) {
            char have[512];
            list_names(names, have, sizeof have);
            return sl_err_set(err, SL_ERR_INVALID,
                              "%s does not cover %s; its names are %s; issue one that has it", path,
                              wanted[i], have[0] == '\0' ? "none" : have);
        }
    }
    return 0;
}

static int check_usage(X509 *leaf, const char *path, struct sl_err *err)
{
    if ((X509_get_extended_key_usage(leaf) & XKU_SSL_SERVER) == 0) { /* all bits when absent */
        return sl_err_set(err, SL_ERR_INVALID,
                          "%s may not serve TLS: its extended key usage lacks serverAuth; issue "
                          "one that has it",
                          path);
    }
    return 0;
}

/* ca.crt is what goes into the webhook configuration's caBundle; a certificate of a public CA has
 * none beside it. */
static int check_issuer(X509 *leaf, STACK_OF(X509) *chain, const char *directory, int64_t now,
                        struct sl_err *err)
{
    char path[PATH_MAX];
    if (sl_file_path(directory, "ca.crt", path, err) < 0) {
        return -1;
    }
    SL_AUTO(sl_x509_list) STACK_OF(X509) *anchors = NULL;
    struct sl_err reason = SL_ERR_INIT;
    if (sl_tls_certificates_read(path, NULL, &anchors, &reason) < 0) {
        return reason.kind == SL_ERR_NOT_FOUND ? 0 : sl_err_set(err, reason.kind, "%s", reason.msg);
    }
    X509_STORE *trust = sl_tls_trust(anchors);
    int result = sl_tls_check_chain(trust, leaf, chain, X509_PURPOSE_SSL_SERVER, now, err);
    X509_STORE_free(trust);
    if (result < 0) {
        return sl_err_wrap(err,
                           "the certificate in %s does not chain to %s; both must be of one "
                           "issue, with the intermediates in tls.crt",
                           directory, path);
    }
    return 0;
}

/* In a mounted Secret the mode is the volume's and the container is the wall: only files of an
 * ordinary directory are judged. */
static int check_key_mode(const struct sl_tls_files *files, struct sl_err *err)
{
    if (!files->is_generation && (files->key_mode & S_IROTH) != 0) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "%s can be read by every user (mode %04o); run chmod 600 %s",
                          files->key_path, files->key_mode, files->key_path);
    }
    return 0;
}

static struct sl_certs_report describe(const X509 *leaf, const GENERAL_NAMES *names)
{
    struct sl_certs_report report = {
        .not_before = sl_tls_seconds(X509_get0_notBefore(leaf)),
        .not_after = sl_tls_seconds(X509_get0_notAfter(leaf)),
    };
    sl_tls_subject(leaf, report.subject, sizeof report.subject);
    list_names(names, report.names, sizeof report.names);
    return report;
}

int sl_certs_check(const char *directory, const char *const *dns_names, size_t count, int64_t now,
                   struct sl_certs_report *ret_report, struct sl_err *err)
{
    SL_AUTO(sl_tls_files) struct sl_tls_files files = {0};
    SL_AUTO(sl_x509_list) STACK_OF(X509) *chain = NULL;
    SL_AUTO(sl_pkey) EVP_PKEY *key = NULL;
    if (sl_tls_files_read(directory, &files, err) < 0 ||
        sl_tls_files_parse(&files, &chain, &key, err) < 0) {
        return -1;
    }
    X509 *leaf = sk_X509_value(chain, 0);
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    const char *path = files.certificate_path;
    int result = sl_tls_check_dates(leaf, path, now, err) < 0 || check_usage(leaf, path, err) < 0 ||
                         check_names(leaf, names, path, dns_names, count, err) < 0 ||
                         check_issuer(leaf, chain, directory, now, err) < 0 ||
                         check_key_mode(&files, err) < 0
                     ? -1
                     : 0;
    if (result == 0) {
        *ret_report = describe(leaf, names);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return result;
}
