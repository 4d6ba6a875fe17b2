/* certs: what is issued passes OpenSSL's own checks and ours, and each thing that can be wrong is
 * told in a sentence. */
#include "material.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "net/certs.h"

#define SERVICE "sluice.sluice-system.svc"

static const char *const service[] = {SERVICE};

static void issue(const struct scratch *scratch, const char *directory, const char *const *names,
                  size_t count)
{
    struct sl_err err = SL_ERR_INIT;
    if (sl_certs_issue(names, count, scratch_path(scratch, directory), 30, NOW, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static struct sl_err check(const struct scratch *scratch, const char *directory, const char *name,
                           int64_t now)
{
    struct sl_certs_report report = {0};
    struct sl_err err = SL_ERR_INIT;
    int result = sl_certs_check(scratch_path(scratch, directory), &name, 1, now, &report, &err);
    assert_int_equal(result, err.kind == SL_ERR_NONE ? 0 : -1);
    return err;
}

static void assert_refused(struct sl_err err, const char *words)
{
    if (err.kind != SL_ERR_INVALID || strstr(err.msg, words) == NULL) {
        fail_msg("kind %d, \"%s\" does not say \"%s\"", (int)err.kind, err.msg, words);
    }
}

static X509 *read_certificate(const struct scratch *scratch, const char *relative)
{
    FILE *file = fopen(scratch_path(scratch, relative), "re");
    assert_non_null(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    assert_non_null(certificate);
    assert_int_equal(fclose(file), 0);
    return certificate;
}

static void what_is_issued_passes_the_check(void **state)
{
    const struct scratch *scratch = *state;
    const char *names[] = {SERVICE, "*.example.org", "10.0.0.1", "fd00::1", "localhost"};
    issue(scratch, "d", names, 5);
    struct sl_certs_report report = {0};
    struct sl_err err = SL_ERR_INIT;
    int result = sl_certs_check(scratch_path(scratch, "d"), names, 5, NOW, &report, &err);
    assert_string_equal(err.msg, "");
    assert_int_equal(result, 0);
    assert_string_equal(report.names, SERVICE ",*.example.org,10.0.0.1,fd00::1,localhost");
    assert_string_equal(report.subject, "CN=" SERVICE);
    assert_int_equal(report.not_before, NOW - 300);
    assert_int_equal(report.not_after, NOW + 30 * DAY);
}

/* Another program judges: the openssl command, with every strictness that it has. */
static void what_is_issued_passes_openssl_verify(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d", service, 1);
    char ca[SCRATCH_PATH_MAX * 2];
    char leaf[SCRATCH_PATH_MAX * 2];
    (void)snprintf(ca, sizeof ca, "%s", scratch_path(scratch, "d/ca.crt"));
    (void)snprintf(leaf, sizeof leaf, "%s", scratch_path(scratch, "d/tls.crt"));
    pid_t child = fork();
    if (child == 0) {
        (void)execlp("openssl", "openssl", "verify", "-x509_strict", "-purpose", "sslserver",
                     "-auth_level", "2", "-attime", "1795262400", "-verify_hostname", SERVICE,
                     "-CAfile", ca, leaf, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void the_ca_may_sign_only_leaves_and_the_leaf_may_only_serve(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d", service, 1);
    X509 *ca = read_certificate(scratch, "d/ca.crt");
    X509 *leaf = read_certificate(scratch, "d/tls.crt");
    assert_int_equal(X509_check_ca(ca), 1);
    assert_int_equal(X509_get_pathlen(ca), 0);
    assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_check_ca(leaf), 0);
    assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
    assert_int_equal(
        ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf), X509_get0_subject_key_id(ca)), 0);
    assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(leaf)), 16);
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(leaf), X509_get0_serialNumber(ca)),
                         0);
    int days = 0;
    int seconds = 0;
    assert_int_equal(
        ASN1_TIME_diff(&days, &seconds, X509_get0_notAfter(leaf), X509_get0_notAfter(ca)), 1);
    assert_true(days > 0 || seconds > 0);
    X509_free(ca);
    X509_free(leaf);
}

static void the_key_is_for_its_owner_alone_and_the_certificates_for_all(void **state)
{
    const struct scratch *scratch = *state;
    static const struct {
        const char *name;
        mode_t mode;
    } files[] = {{"d/tls.key", 0600}, {"d/tls.crt", 0644}, {"d/ca.crt", 0644}};
    mode_t before = umask(0);
    issue(scratch, "d", service, 1);
    (void)umask(before);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct stat info;
        assert_int_equal(stat(scratch_path(scratch, files[i].name), &info), 0);
        assert_int_equal(info.st_mode & 07777, files[i].mode);
    }
    struct stat info;
    assert_int_equal(stat(scratch_path(scratch, "d"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0755);
}

static void a_second_issue_replaces_all_of_the_first(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d", service, 1);
    X509 *first = read_certificate(scratch, "d/ca.crt");
    const char *others[] = {"other.example.org"};
    issue(scratch, "d", others, 1);
    X509 *second = read_certificate(scratch, "d/ca.crt");
    assert_int_not_equal(X509_cmp(first, second), 0);
    assert_int_equal(check(scratch, "d", "other.example.org", NOW).kind, SL_ERR_NONE);
    assert_refused(check(scratch, "d", SERVICE, NOW), "its names are other.example.org");
    X509_free(first);
    X509_free(second);
}

static unsigned count_files(const struct scratch *scratch, const char *directory)
{
    DIR *open = opendir(scratch_path(scratch, directory));
    assert_non_null(open);
    unsigned count = 0;
    for (const struct dirent *entry = NULL; (entry = readdir(open)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    assert_int_equal(closedir(open), 0);
    return count;
}

static int issue_again(const struct scratch *scratch, struct sl_err *err)
{
    static const char *const others[] = {"other.example.org"};
    return sl_certs_issue(others, 1, scratch_path(scratch, "d"), 30, NOW, err);
}

/* A limit on the size of files stands for a disk that is full: the key still fits, its certificate
 * does not. */
static void an_issue_that_cannot_be_written_leaves_all_of_the_old_files(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d", service, 1);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    const rlim_t sizes[] = {0, 100, 400};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const struct rlimit small = {.rlim_cur = sizes[i], .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        struct sl_err err = SL_ERR_INIT;
        int result = issue_again(scratch, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(result, -1);
        assert_int_equal(err.kind, SL_ERR_INTERNAL);
        assert_int_equal(check(scratch, "d", SERVICE, NOW).kind, SL_ERR_NONE);
        assert_int_equal(count_files(scratch, "d"), 3);
    }
    (void)signal(SIGXFSZ, SIG_DFL);
}

/* A directory in the place of a file stands for what stops an issue half way. */
static void an_issue_cut_short_is_told_by_the_pair_alone(void **state)
{
    (void)state;
    static const struct {
        const char *blocked;
        const char *words; /* NULL: the old files are all there */
    } rows[] = {
        {"d/tls.key", NULL},
        {"d/ca.crt", "tls.key is not the key of the first"},
        {"d/tls.crt", "tls.key is not the key of the first"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *fresh = NULL;
        assert_int_equal(scratch_setup(&fresh), 0);
        const struct scratch *scratch = fresh;
        issue(scratch, "d", service, 1);
        scratch_rename(scratch, rows[i].blocked, "aside");
        scratch_mkdir(scratch, rows[i].blocked);
        struct sl_err err = SL_ERR_INIT;
        assert_int_equal(issue_again(scratch, &err), -1);
        assert_non_null(strstr(err.msg, rows[i].blocked));
        scratch_remove(scratch_path(scratch, rows[i].blocked));
        scratch_rename(scratch, "aside", rows[i].blocked);
        assert_int_equal(count_files(scratch, "d"), 3);
        err = check(scratch, "d", SERVICE, NOW);
        if (rows[i].words == NULL) {
            assert_string_equal(err.msg, "");
        } else {
            assert_refused(err, rows[i].words);
            assert_int_equal(unlink(scratch_path(scratch, "d/ca.crt")), 0);
            assert_refused(check(scratch, "d", SERVICE, NOW), rows[i].words);
        }
        assert_int_equal(scratch_teardown(&fresh), 0);
    }
}

/* RFC 5280, 4.1.2.2: positive, at most 20 bytes. Ours are 16 and differ: no leading byte of 0,
 * which DER would shorten or, with the top bit, lengthen. */
static void serials_are_random_positive_and_of_one_length(void **state)
{
    const struct scratch *scratch = *state;
    for (int i = 0; i < 24; i++) {
        issue(scratch, "d", service, 1);
        static const char *const files[] = {"d/ca.crt", "d/tls.crt"};
        for (size_t j = 0; j < 2; j++) {
            X509 *certificate = read_certificate(scratch, files[j]);
            const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
            assert_int_equal(ASN1_STRING_length(serial), 16);
            assert_int_equal(ASN1_STRING_type(serial), V_ASN1_INTEGER);
            assert_int_equal(ASN1_STRING_get0_data(serial)[0] & 0xc0, 0x40);
            X509_free(certificate);
        }
    }
}

#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"

static void names_are_dns_names_or_addresses(void **state)
{
    const struct scratch *scratch = *state;
    static const struct {
        const char *name;
        bool is_good;
    } rows[] = {
        {"a", true},
        {LABEL_63 ".svc", true},
        {LABEL_63 "." LABEL_63 ".svc", true}, /* no longer fits a common name */
        {"*.a-b.svc", true},
        {"::1", true},
        {"4.svc", true},
        {"", false},
        {".", false},
        {"a.", false},
        {".a", false},
        {"a..b", false},
        {"*", false},
        {"*.", false},
        {"a.*.b", false},
        {"*a.b", false},
        {"-a", false},
        {"a-", false},
        {"a_b", false},
        {"a b", false},
        {"a,DNS:b", false},
        {"a:443", false},
        {"1.2.3.256", false},
        {"1.2.3", false},
        {LABEL_63 "x", false},
        {LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ".a", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_err err = SL_ERR_INIT;
        int result = sl_certs_issue(&rows[i].name, 1, scratch_path(scratch, "d"), 1, NOW, &err);
        if ((result == 0) != rows[i].is_good) {
            fail_msg("\"%s\": %d %s", rows[i].name, result, err.msg);
        }
        if (rows[i].is_good) {
            assert_int_equal(check(scratch, "d", rows[i].name, NOW).kind, SL_ERR_NONE);
        } else {
            assert_refused(err, rows[i].name);
            assert_refused(err, "labels of letters, digits and '-'");
        }
    }
}

static void a_request_that_makes_no_sense_touches_nothing(void **state)
{
    const struct scratch *scratch = *state;
    const char *directory = scratch_path(scratch, "d");
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_certs_issue(service, 0, directory, 1, NOW, &err), -1);
    assert_refused(err, "at least one DNS name");
    assert_int_equal(sl_certs_issue(service, 1, directory, 0, NOW, &err), -1);
    assert_refused(err, "1 to 3650 days");
    assert_int_equal(sl_certs_issue(service, 1, directory, 3651, NOW, &err), -1);
    assert_refused(err, "not 3651");
    assert_int_not_equal(access(directory, F_OK), 0);
    assert_int_equal(sl_certs_issue(service, 1, scratch_path(scratch, "no/d"), 1, NOW, &err), -1);
    assert_int_equal(err.kind, SL_ERR_NOT_FOUND);
}

static void dates_are_told(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d", service, 1);
    assert_int_equal(check(scratch, "d", SERVICE, NOW - 300).kind, SL_ERR_NONE);
    assert_int_equal(check(scratch, "d", SERVICE, NOW + 30 * DAY - 1).kind, SL_ERR_NONE);
    assert_refused(check(scratch, "d", SERVICE, NOW + 30 * DAY), "expired at 2026-12-21T12:00:00Z");
    assert_refused(check(scratch, "d", SERVICE, NOW - 301),
                   "is not valid before 2026-11-21T11:55:00Z");
}

static void a_key_of_another_issue_is_told(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d", service, 1);
    issue(scratch, "other", service, 1);
    scratch_rename(scratch, "other/tls.key", "d/tls.key");
    assert_refused(check(scratch, "d", SERVICE, NOW), "tls.key is not the key of the first");
}

static void a_ca_of_another_issue_is_told(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d", service, 1);
    issue(scratch, "other", service, 1);
    scratch_rename(scratch, "other/ca.crt", "d/ca.crt");
    assert_refused(check(scratch, "d", SERVICE, NOW), "does not chain to");
}

static void without_a_ca_file_the_pair_alone_is_judged(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d", service, 1);
    assert_int_equal(unlink(scratch_path(scratch, "d/ca.crt")), 0);
    assert_int_equal(check(scratch, "d", SERVICE, NOW).kind, SL_ERR_NONE);
    scratch_write(scratch, "d/ca.crt", "no certificate\n");
    assert_refused(check(scratch, "d", SERVICE, NOW), "ca.crt holds no certificate");
}

static void a_name_is_covered_by_a_wildcard_of_one_label(void **state)
{
    const struct scratch *scratch = *state;
    const char *names[] = {"*.example.org"};
    issue(scratch, "d", names, 1);
    assert_int_equal(check(scratch, "d", "a.example.org", NOW).kind, SL_ERR_NONE);
    assert_refused(check(scratch, "d", "a.b.example.org", NOW), "does not cover a.b.example.org");
    assert_refused(check(scratch, "d", "example.org", NOW), "does not cover example.org");
    assert_refused(check(scratch, "d", "*.other.org", NOW), "its names are *.example.org");
}

static void what_an_api_server_would_refuse_is_told(void **state)
{
    const struct scratch *scratch = *state;
    static const struct {
        struct material spec;
        const char *words; /* NULL: good */
    } rows[] = {
        {{.common_name = SERVICE, .alternative_names = "DNS:" SERVICE}, NULL},
        {{.common_name = SERVICE, .alternative_names = "DNS:" SERVICE, .kind = KEY_RSA}, NULL},
        {{.common_name = SERVICE, .alternative_names = "DNS:" SERVICE, .kind = KEY_ED25519}, NULL},
        {{.common_name = SERVICE}, "its names are none"},
        {{.common_name = SERVICE, .alternative_names = "DNS:" SERVICE, .usage = "clientAuth"},
         "lacks serverAuth"},
        {{.common_name = SERVICE, .alternative_names = "DNS:" SERVICE, .kind = KEY_RSA_WEAK},
         "key too weak"},
    };
    SL_AUTO(signer)
    struct signer ca = material_make(&(struct material){.common_name = "ca", .is_ca = true}, NULL);
    scratch_mkdir(scratch, "d");
    material_write_certificate(scratch, "d/ca.crt", &ca.certificate, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(signer) struct signer leaf = material_make(&rows[i].spec, &ca);
        material_write_pair(scratch, "d", &leaf);
        struct sl_err err = check(scratch, "d", SERVICE, NOW);
        if (rows[i].words == NULL) {
            assert_string_equal(err.msg, "");
        } else {
            assert_refused(err, rows[i].words);
        }
    }
}

static void intermediates_come_from_the_certificate_file(void **state)
{
    const struct scratch *scratch = *state;
    SL_AUTO(signer)
    struct signer ca = material_make(&(struct material){.common_name = "ca", .is_ca = true}, NULL);
    SL_AUTO(signer)
    struct signer middle =
        material_make(&(struct material){.common_name = "middle", .is_ca = true}, &ca);
    SL_AUTO(signer)
    struct signer leaf = material_make(
        &(struct material){.common_name = "x", .alternative_names = "DNS:" SERVICE}, &middle);
    scratch_mkdir(scratch, "d");
    material_write_certificate(scratch, "d/ca.crt", &ca.certificate, 1);
    material_write_pair(scratch, "d", &leaf);
    assert_refused(check(scratch, "d", SERVICE, NOW), "does not chain to");
    X509 *chain[] = {leaf.certificate, middle.certificate};
    material_write_certificate(scratch, "d/tls.crt", chain, 2);
    assert_int_equal(check(scratch, "d", SERVICE, NOW).kind, SL_ERR_NONE);
    X509 *reversed[] = {middle.certificate, leaf.certificate};
    material_write_certificate(scratch, "d/tls.crt", reversed, 2);
    assert_refused(check(scratch, "d", SERVICE, NOW), "the leaf first");
}

static void a_key_that_everybody_can_read_is_told_unless_it_is_a_mount(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d", service, 1);
    assert_int_equal(chmod(scratch_path(scratch, "d/tls.key"), 0644), 0);
    assert_refused(check(scratch, "d", SERVICE, NOW), "mode 0644");
    scratch_mkdir(scratch, "mount");
    scratch_rename(scratch, "d", "mount/..1");
    scratch_swap(scratch, "mount", "..1");
    assert_int_equal(check(scratch, "mount", SERVICE, NOW).kind, SL_ERR_NONE);
}

static void the_report_of_a_failed_check_is_untouched(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d", service, 1);
    struct sl_certs_report report = {.not_after = 7};
    assert_int_equal(
        sl_certs_check(scratch_path(scratch, "d"), service, 1, NOW + 31 * DAY, &report, NULL), -1);
    assert_int_equal(report.not_after, 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_issued_passes_the_check),
        TEST(what_is_issued_passes_openssl_verify),
        TEST(the_ca_may_sign_only_leaves_and_the_leaf_may_only_serve),
        TEST(the_key_is_for_its_owner_alone_and_the_certificates_for_all),
        TEST(a_second_issue_replaces_all_of_the_first),
        TEST(an_issue_that_cannot_be_written_leaves_all_of_the_old_files),
        cmocka_unit_test(an_issue_cut_short_is_told_by_the_pair_alone),
        TEST(serials_are_random_positive_and_of_one_length),
        TEST(names_are_dns_names_or_addresses),
        TEST(a_request_that_makes_no_sense_touches_nothing),
        TEST(dates_are_told),
        TEST(a_key_of_another_issue_is_told),
        TEST(a_ca_of_another_issue_is_told),
        TEST(without_a_ca_file_the_pair_alone_is_judged),
        TEST(a_name_is_covered_by_a_wildcard_of_one_label),
        TEST(what_an_api_server_would_refuse_is_told),
        TEST(intermediates_come_from_the_certificate_file),
        TEST(a_key_that_everybody_can_read_is_told_unless_it_is_a_mount),
        TEST(the_report_of_a_failed_check_is_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
