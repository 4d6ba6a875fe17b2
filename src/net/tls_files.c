/* Reads and parses the PEM files of a serving certificate (tls_files.h).
 *
 * The kubelet replaces a mounted Secret by renaming `..data` onto a link to a new directory.
 * Reading through a descriptor of the directory that `..data` names gives both files from one
 * generation, however often it is renamed meanwhile.
 */
#include "net/tls_files.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define CHAIN_DEPTH_MAX 8 /* intermediates that a chain may have */
#define SECURITY_LEVEL 2  /* OpenSSL's: 112 bits, RSA 2048 and SHA-224 at least */

/* Behind the text nothing was ever written, and what is not touched takes no memory: the room is
 * that of the largest file. */
static void wipe_buf(struct sl_buf *buf)
{
    if (buf->data != NULL) {
        OPENSSL_cleanse(buf->data, buf->len);
    }
    sl_buf_cleanup(buf);
}

void sl_tls_files_cleanup(struct sl_tls_files *files)
{
    sl_buf_cleanup(&files->certificate);
    wipe_buf(&files->key);
}

const char *sl_tls_library_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason == NULL ? "unknown reason" : reason;
}

/* Unlike sl_file_read() leaves no copy behind: no step buffer, and the room is reserved at once,
 * so that growing never frees a block with a piece of a key in it. */
static int read_at(int directory, const char *name, const char *path, struct sl_buf *out,
                   unsigned *ret_mode, struct sl_err *err)
{
    /* O_NONBLOCK: a FIFO must not hang the reload */
    SL_AUTO(sl_fd) int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return sl_err_sys(err, errno, "cannot open %s", path);
    }
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return sl_err_sys(err, errno, "cannot read %s", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return sl_err_set(err, SL_ERR_INVALID, "%s is not a regular file", path);
    }
    if (!sl_buf_reserve(out, out->cap - out->len)) {
        return sl_buf_check(out, path, err);
    }
    for (;;) {
        ssize_t got = read(fd, out->data + out->len, out->cap - out->len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return sl_err_sys(err, errno, "cannot read %s", path);
        }
        out->len += (size_t)got;
        out->data[out->len] = '\0';
        if (got == 0) {
            *ret_mode = (unsigned)info.st_mode & 07777U;
            return 0;
        }
        if (out->len == out->cap) {
            return sl_err_set(err, SL_ERR_INVALID, "%s is larger than %zu bytes", path,
                              out->cap - 1);
        }
    }
}

int sl_tls_files_read(const char *directory, struct sl_tls_files *ret_files, struct sl_err *err)
{
    SL_AUTO(sl_tls_files)
    struct sl_tls_files files = {
        .certificate = SL_BUF_INIT(SL_TLS_FILE_MAX + 1),
        .key = SL_BUF_INIT(SL_TLS_FILE_MAX + 1),
    };
    if (sl_file_path(directory, "tls.crt", files.certificate_path, err) < 0 ||
        sl_file_path(directory, "tls.key", files.key_path, err) < 0) {
        return -1;
    }
    SL_AUTO(sl_fd) int top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0) {
        return sl_err_sys(err, errno, "cannot open the directory %s", directory);
    }
    SL_AUTO(sl_fd) int generation = openat(top, "..data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    files.is_generation = generation >= 0;
    int from = files.is_generation ? generation : top;
    unsigned certificate_mode = 0;
    if (read_at(from, "tls.crt", files.certificate_path, &files.certificate, &certificate_mode,
                err) < 0 ||
        read_at(from, "tls.key", files.key_path, &files.key, &files.key_mode, err) < 0) {
        return -1;
    }
    *ret_files = files;
    files.certificate = (struct sl_buf){0}; /* moved: not ours to wipe */
    files.key = (struct sl_buf){0};
    return 0;
}

static int parse_certificates(struct sl_str pem, const char *path, STACK_OF(X509) **ret_list,
                              struct sl_err *err)
{
    BIO *text = BIO_new_mem_buf(pem.p, (int)pem.n);
    SL_AUTO(sl_x509_list) STACK_OF(X509) *list = sk_X509_new_null();
    if (text == NULL || list == NULL) {
        abort();
    }
    ERR_clear_error();
    for (X509 *one = PEM_read_bio_X509(text, NULL, NULL, NULL); one != NULL;
         one = PEM_read_bio_X509(text, NULL, NULL, NULL)) {
        if (sk_X509_push(list, one) <= 0) {
            abort();
        }
    }
    BIO_free(text);
    int count = sk_X509_num(list);
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    const char *reason = sl_tls_library_reason();
    if (!at_end) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "%s: certificate %d cannot be read (%s); write it again as PEM", path,
                          count + 1, reason);
    }
    if (count == 0) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "%s holds no certificate; it must be PEM, with lines that say "
                          "BEGIN CERTIFICATE",
                          path);
    }
    *ret_list = sl_steal(&list);
    return 0;
}

int sl_tls_certificates_read(const char *path, struct sl_buf *bytes, STACK_OF(X509) **ret_list,
                             struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf own = SL_BUF_INIT(SL_TLS_FILE_MAX + 1);
    unsigned mode = 0;
    if (read_at(AT_FDCWD, path, path, &own, &mode, err) < 0 ||
        parse_certificates(sl_buf_str(&own), path, ret_list, err) < 0) {
        return -1;
    }
    if (bytes != NULL) {
        sl_buf_addstr(bytes, sl_buf_str(&own));
    }
    return 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL's type */
static int refuse_passphrase(char *buffer, int size, int writing, void *asked)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static bool is_served_type(int type)
{
    static const int served[] = {EVP_PKEY_RSA, EVP_PKEY_EC, EVP_PKEY_ED25519};
    for (size_t i = 0; i < sizeof served / sizeof served[0]; i++) {
        if (served[i] == type) {
            return true;
        }
    }
    return false;
}

static int parse_key(struct sl_str pem, const char *path, EVP_PKEY **ret_key, struct sl_err *err)
{
    BIO *text = BIO_new_mem_buf(pem.p, (int)pem.n);
    if (text == NULL) {
        abort();
    }
    bool asked = false;
    ERR_clear_error();
    SL_AUTO(sl_pkey) EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, refuse_passphrase, &asked);
    BIO_free(text);
    const char *reason = sl_tls_library_reason();
    if (key == NULL && asked) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "%s is encrypted with a passphrase; write the key without one", path);
    }
    if (key == NULL) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "%s holds no private key that can be read (%s); it must be PEM", path,
                          reason);
    }
    if (!is_served_type(EVP_PKEY_get_base_id(key))) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "%s is a key of a kind that is not served; use RSA, ECDSA or Ed25519",
                          path);
    }
    *ret_key = sl_steal(&key);
    return 0;
}

int sl_tls_files_parse(const struct sl_tls_files *files, STACK_OF(X509) **ret_chain,
                       EVP_PKEY **ret_key, struct sl_err *err)
{
    SL_AUTO(sl_x509_list) STACK_OF(X509) *chain = NULL;
    SL_AUTO(sl_pkey) EVP_PKEY *key = NULL;
    if (parse_certificates(sl_buf_str(&files->certificate), files->certificate_path, &chain, err) <
            0 ||
        parse_key(sl_buf_str(&files->key), files->key_path, &key, err) < 0) {
        return -1;
    }
    if (X509_check_private_key(sk_X509_value(chain, 0), key) != 1) {
        ERR_clear_error();
        return sl_err_set(err, SL_ERR_INVALID,
                          "%s is not the key of the first certificate in %s; write both files "
                          "from one issue, the leaf first",
                          files->key_path, files->certificate_path);
    }
    *ret_chain = sl_steal(&chain);
    *ret_key = sl_steal(&key);
    return 0;
}

int64_t sl_tls_seconds(const ASN1_TIME *time)
{
    struct tm parts = {0};
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

int sl_tls_check_dates(const X509 *certificate, const char *path, int64_t now, struct sl_err *err)
{
    char date[SL_CLOCK_DATE_SIZE];
    int64_t not_before = sl_tls_seconds(X509_get0_notBefore(certificate));
    int64_t not_after = sl_tls_seconds(X509_get0_notAfter(certificate));
    if (now < not_before) {
        sl_clock_date(not_before, date);
        return sl_err_set(err, SL_ERR_INVALID,
                          "%s is not valid before %s; check this machine's clock", path, date);
    }
    if (now >= not_after) { /* as OpenSSL; RFC 5280 would still take the last second */
        sl_clock_date(not_after, date);
        return sl_err_set(err, SL_ERR_INVALID, "%s expired at %s; issue a new one", path, date);
    }
    return 0;
}

void sl_tls_subject(const X509 *certificate, char *ret_text, size_t size)
{
    BIO *text = BIO_new(BIO_s_mem());
    if (text == NULL) {
        abort();
    }
    (void)X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    int length = BIO_read(text, ret_text, (int)(size - 1));
    ret_text[length > 0 ? length : 0] = '\0';
    BIO_free(text);
}

X509_STORE *sl_tls_trust(const STACK_OF(X509) *list)
{
    X509_STORE *trust = X509_STORE_new();
    if (trust == NULL || X509_STORE_set_flags(trust, X509_V_FLAG_PARTIAL_CHAIN) != 1) {
        abort();
    }
    for (int i = 0; i < sk_X509_num(list); i++) {
        if (X509_STORE_add_cert(trust, sk_X509_value(list, i)) != 1) {
            abort();
        }
    }
    return trust;
}

int sl_tls_check_chain(X509_STORE *trust, X509 *leaf, STACK_OF(X509) *untrusted, int purpose,
                       int64_t now, struct sl_err *err)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    if (check == NULL || X509_STORE_CTX_init(check, trust, leaf, untrusted) != 1) {
        abort();
    }
    X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(check);
    X509_VERIFY_PARAM_set_depth(rules, CHAIN_DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(rules, SECURITY_LEVEL);
    X509_VERIFY_PARAM_set_time(rules, (time_t)now);
    bool good = X509_VERIFY_PARAM_set_purpose(rules, purpose) == 1 && X509_verify_cert(check) == 1;
    if (!good) {
        X509 *failed = X509_STORE_CTX_get_current_cert(check);
        char subject[256];
        sl_tls_subject(failed == NULL ? leaf : failed, subject, sizeof subject);
        (void)sl_err_set(err, SL_ERR_INVALID, "the certificate of %s fails: %s", subject,
                         X509_verify_cert_error_string(X509_STORE_CTX_get_error(check)));
    }
    X509_STORE_CTX_free(check);
    ERR_clear_error();
    return good ? 0 : -1;
}
