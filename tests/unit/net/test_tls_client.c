/* tls_client: who may connect, without a handshake. */
#include "material.h"

#include "net/tls_client.h"
#include "net/tls_files.h"

static const char *const allowed[] = {"kube-apiserver", "api.example.org", NULL};

static const struct material known_ca = {.common_name = "ca", .is_ca = true};

/* What the CA signed, and what is said about it under the list of names above. */
static const struct {
    struct material spec;
    const char *words; /* NULL: may connect */
} clients[] = {
    {{.common_name = "kube-apiserver"}, NULL},
    {{.common_name = "kube-apiserver", .usage = "clientAuth"}, NULL},
    {{.common_name = "kube-apiserver", .usage = "serverAuth,clientAuth"}, NULL},
    {{.common_name = "kube-apiserver", .kind = KEY_RSA}, NULL},
    {{.common_name = "kube-apiserver", .kind = KEY_ED25519}, NULL},
    {{.common_name = "x", .alternative_names = "DNS:y,DNS:api.example.org"}, NULL},
    {{.common_name = "kube-apiserver", .usage = "serverAuth"}, "unsuitable certificate purpose"},
    {{.common_name = "kube-apiserver", .kind = KEY_RSA_WEAK}, "key too weak"},
    {{.common_name = "kube-apiserver", .not_before = NOW - 2 * DAY, .not_after = NOW - DAY},
     "certificate has expired"},
    {{.common_name = "kube-apiserver", .not_before = NOW + DAY, .not_after = NOW + 2 * DAY},
     "certificate is not yet valid"},
    {{.common_name = "kube-apiserver2"}, "CN=kube-apiserver2 is not allowed"},
    {{.common_name = "kube"}, "CN=kube is not allowed"},
    {{.common_name = "x", .alternative_names = "DNS:*.example.org"}, "CN=x is not allowed"},
    {{.common_name = "x", .alternative_names = "email:kube-apiserver"}, "CN=x is not allowed"},
};

static int judge(X509_STORE *trust, const char *const *names, X509 *const *list, unsigned count,
                 struct sl_err *err)
{
    gnutls_datum_t peers[4] = {{0}};
    for (unsigned i = 0; i < count; i++) {
        int length = i2d_X509(list[i], &peers[i].data);
        assert_true(length > 0);
        peers[i].size = (unsigned)length;
    }
    int result = sl_tls_client_check(trust, names, peers, count, NOW, err);
    for (unsigned i = 0; i < count; i++) {
        OPENSSL_free(peers[i].data);
    }
    return result;
}

static X509_STORE *trust_one(X509 *anchor)
{
    STACK_OF(X509) *list = sk_X509_new_null();
    assert_true(sk_X509_push(list, anchor) > 0);
    X509_STORE *trust = sl_tls_trust(list);
    sk_X509_free(list);
    return trust;
}

static void assert_denied(int result, const struct sl_err *err, const char *words)
{
    assert_int_equal(result, -1);
    assert_int_equal(err->kind, SL_ERR_DENIED);
    if (strstr(err->msg, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err->msg, words);
    }
}

static void a_client_needs_the_ca_the_dates_the_usage_and_a_name(void **state)
{
    (void)state;
    SL_AUTO(signer) struct signer ca = material_make(&known_ca, NULL);
    X509_STORE *trust = trust_one(ca.certificate);
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        SL_AUTO(signer) struct signer client = material_make(&clients[i].spec, &ca);
        struct sl_err err = SL_ERR_INIT;
        int result = judge(trust, allowed, &client.certificate, 1, &err);
        if (clients[i].words == NULL) {
            assert_string_equal(err.msg, "");
            assert_int_equal(result, 0);
        } else {
            assert_denied(result, &err, clients[i].words);
        }
    }
    X509_STORE_free(trust);
}

static void without_a_list_of_names_every_client_of_the_ca_may_connect(void **state)
{
    (void)state;
    SL_AUTO(signer) struct signer ca = material_make(&known_ca, NULL);
    SL_AUTO(signer)
    struct signer client = material_make(&(struct material){.common_name = "anybody"}, &ca);
    X509_STORE *trust = trust_one(ca.certificate);
    assert_int_equal(judge(trust, NULL, &client.certificate, 1, NULL), 0);
    const char *const nobody[] = {NULL};
    struct sl_err err = SL_ERR_INIT;
    assert_denied(judge(trust, nobody, &client.certificate, 1, &err), &err, "is not allowed");
    X509_STORE_free(trust);
}

static void a_client_of_another_ca_of_the_same_name_is_denied(void **state)
{
    (void)state;
    SL_AUTO(signer) struct signer ca = material_make(&known_ca, NULL);
    SL_AUTO(signer) struct signer impostor = material_make(&known_ca, NULL);
    SL_AUTO(signer) struct signer client = material_make(&clients[0].spec, &impostor);
    X509_STORE *trust = trust_one(ca.certificate);
    X509 *chain[] = {client.certificate, impostor.certificate};
    struct sl_err err = SL_ERR_INIT;
    assert_denied(judge(trust, allowed, chain, 2, &err), &err, "the client is not known");
    assert_denied(judge(trust, allowed, chain, 1, &err), &err, "the client is not known");
    X509_STORE_free(trust);
}

static void a_leaf_cannot_sign_a_client(void **state)
{
    (void)state;
    SL_AUTO(signer) struct signer ca = material_make(&known_ca, NULL);
    SL_AUTO(signer) struct signer leaf = material_make(&clients[0].spec, &ca);
    SL_AUTO(signer) struct signer client = material_make(&clients[0].spec, &leaf);
    X509_STORE *trust = trust_one(ca.certificate);
    X509 *chain[] = {client.certificate, leaf.certificate};
    struct sl_err err = SL_ERR_INIT;
    assert_denied(judge(trust, allowed, chain, 2, &err), &err, "the client is not known");
    X509_STORE_free(trust);
}

static void a_chain_through_what_the_client_sent_is_followed_to_an_anchor(void **state)
{
    (void)state;
    SL_AUTO(signer) struct signer ca = material_make(&known_ca, NULL);
    SL_AUTO(signer)
    struct signer middle =
        material_make(&(struct material){.common_name = "middle", .is_ca = true}, &ca);
    SL_AUTO(signer) struct signer client = material_make(&clients[0].spec, &middle);
    X509_STORE *root = trust_one(ca.certificate);
    X509_STORE *intermediate = trust_one(middle.certificate);
    X509 *chain[] = {client.certificate, middle.certificate};
    assert_int_equal(judge(root, allowed, chain, 2, NULL), 0);
    assert_int_equal(judge(root, allowed, chain, 1, NULL), -1);
    assert_int_equal(judge(intermediate, allowed, chain, 1, NULL), 0);
    X509_STORE_free(root);
    X509_STORE_free(intermediate);
}

static void no_certificate_and_garbage_are_denied(void **state)
{
    (void)state;
    SL_AUTO(signer) struct signer ca = material_make(&known_ca, NULL);
    X509_STORE *trust = trust_one(ca.certificate);
    struct sl_err err = SL_ERR_INIT;
    assert_denied(sl_tls_client_check(trust, allowed, NULL, 0, NOW, &err), &err,
                  "sent no certificate");
    unsigned char garbage[] = "0garbage";
    const gnutls_datum_t peer = {.data = garbage, .size = sizeof garbage};
    assert_denied(sl_tls_client_check(trust, allowed, &peer, 1, NOW, &err), &err, "cannot be read");
    X509_STORE_free(trust);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_needs_the_ca_the_dates_the_usage_and_a_name),
        cmocka_unit_test(without_a_list_of_names_every_client_of_the_ca_may_connect),
        cmocka_unit_test(a_client_of_another_ca_of_the_same_name_is_denied),
        cmocka_unit_test(a_leaf_cannot_sign_a_client),
        cmocka_unit_test(a_chain_through_what_the_client_sent_is_followed_to_an_anchor),
        cmocka_unit_test(no_certificate_and_garbage_are_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
