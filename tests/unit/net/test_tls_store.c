/* tls_store: what it serves, seen by a GnuTLS client in a real handshake. */
#include "material.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "net/certs.h"
#include "net/tls_store_gnutls.h"

static const char *const names[] = {"sluice.sluice-system.svc"};
static const char *const clients[] = {"kube-apiserver", NULL};

static void issue(const struct scratch *scratch, const char *directory)
{
    struct sl_err err = SL_ERR_INIT;
    if (sl_certs_issue(names, 1, scratch_path(scratch, directory), 30, NOW, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static struct sl_tls_store *open_store(const struct scratch *scratch, const char *client_ca)
{
    const struct sl_tls_options options = {
        .directory = scratch_path(scratch, "d"),
        .client_ca = client_ca == NULL ? NULL : scratch_path(scratch, client_ca),
        .client_names = clients,
    };
    struct sl_tls_store *store = NULL;
    struct sl_err err = SL_ERR_INIT;
    if (sl_tls_store_open(&options, NOW, &store, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return store;
}

static bool reload(struct sl_tls_store *store)
{
    bool changed = false;
    struct sl_err err = SL_ERR_INIT;
    if (sl_tls_store_reload(store, NOW, &changed, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return changed;
}

/* One connection, as the server keeps it. */
struct connection {
    struct sl_tls_pair *held;
    gnutls_session_t server, client;
    gnutls_certificate_credentials_t server_credentials, client_credentials;
    int sockets[2];
};

static int retrieve(gnutls_session_t session, const gnutls_datum_t *authorities,
                    int authorities_count, const gnutls_pk_algorithm_t *algorithms,
                    int algorithms_count, gnutls_pcert_st **ret_chain, unsigned *ret_length,
                    gnutls_privkey_t *ret_key)
{
    (void)authorities;
    (void)authorities_count;
    (void)algorithms;
    (void)algorithms_count;
    const struct connection *connection = gnutls_session_get_ptr(session);
    sl_tls_pair_get(connection->held, ret_chain, ret_length, ret_key);
    return 0;
}

static void connection_open(struct connection *connection, struct sl_tls_store *store,
                            const char *priorities, const struct signer *client)
{
    *connection = (struct connection){.held = sl_tls_store_acquire(store)};
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, connection->sockets), 0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&connection->server_credentials), 0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&connection->client_credentials), 0);
    gnutls_certificate_set_retrieve_function2(connection->server_credentials, retrieve);
    assert_int_equal(gnutls_init(&connection->server, GNUTLS_SERVER | GNUTLS_NONBLOCK), 0);
    assert_int_equal(gnutls_init(&connection->client, GNUTLS_CLIENT | GNUTLS_NONBLOCK), 0);
    gnutls_session_set_ptr(connection->server, connection);
    if (sl_tls_store_asks_client(store)) {
        gnutls_certificate_server_set_request(connection->server, GNUTLS_CERT_REQUEST);
    }
    if (client != NULL) {
        unsigned char *certificate = NULL;
        unsigned char *key = NULL;
        int certificate_length = i2d_X509(client->certificate, &certificate);
        int key_length = i2d_PrivateKey(client->key, &key);
        const gnutls_datum_t pair[] = {{certificate, (unsigned)certificate_length},
                                       {key, (unsigned)key_length}};
        assert_int_equal(gnutls_certificate_set_x509_key_mem(connection->client_credentials,
                                                             &pair[0], &pair[1],
                                                             GNUTLS_X509_FMT_DER),
                         0);
        OPENSSL_free(certificate);
        OPENSSL_free(key);
    }
    gnutls_session_t both[] = {connection->server, connection->client};
    gnutls_certificate_credentials_t credentials[] = {connection->server_credentials,
                                                      connection->client_credentials};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(gnutls_priority_set_direct(both[i], priorities, NULL), 0);
        assert_int_equal(gnutls_credentials_set(both[i], GNUTLS_CRD_CERTIFICATE, credentials[i]),
                         0);
        gnutls_transport_set_int(both[i], connection->sockets[i]);
    }
}

static void connection_cleanup(struct connection *connection)
{
    gnutls_deinit(connection->server);
    gnutls_deinit(connection->client);
    gnutls_certificate_free_credentials(connection->server_credentials);
    gnutls_certificate_free_credentials(connection->client_credentials);
    sl_tls_pair_release(connection->held);
    (void)close(connection->sockets[0]);
    (void)close(connection->sockets[1]);
}

static void shake(struct connection *connection)
{
    int server = GNUTLS_E_AGAIN;
    int client = GNUTLS_E_AGAIN;
    for (int turn = 0; turn < 100 && (server != 0 || client != 0); turn++) {
        client = client == 0 ? 0 : gnutls_handshake(connection->client);
        server = server == 0 ? 0 : gnutls_handshake(connection->server);
        if ((client < 0 && gnutls_error_is_fatal(client)) ||
            (server < 0 && gnutls_error_is_fatal(server))) {
            fail_msg("server: %s, client: %s", gnutls_strerror(server), gnutls_strerror(client));
        }
    }
    assert_int_equal(server, 0);
    assert_int_equal(client, 0);
}

/* Whether the client got the certificates of the file, all of them and in its order. */
static bool got_file(const struct connection *connection, const struct scratch *scratch,
                     const char *relative)
{
    unsigned count = 0;
    const gnutls_datum_t *peers = gnutls_certificate_get_peers(connection->client, &count);
    FILE *file = fopen(scratch_path(scratch, relative), "re");
    assert_non_null(file);
    unsigned same = 0;
    unsigned length = 0;
    for (X509 *one = NULL; (one = PEM_read_X509(file, NULL, NULL, NULL)) != NULL; length++) {
        unsigned char *der = NULL;
        int size = i2d_X509(one, &der);
        same += length < count && peers[length].size == (unsigned)size &&
                memcmp(peers[length].data, der, (size_t)size) == 0;
        OPENSSL_free(der);
        X509_free(one);
    }
    assert_int_equal(fclose(file), 0);
    return same == length && length == count;
}

static bool serves(struct sl_tls_store *store, const struct scratch *scratch, const char *relative)
{
    SL_AUTO(connection) struct connection connection;
    connection_open(&connection, store, "NORMAL", NULL);
    shake(&connection);
    return got_file(&connection, scratch, relative);
}

static void each_kind_of_key_is_served_with_both_versions_of_tls(void **state)
{
    const struct scratch *scratch = *state;
    static const enum key_kind kinds[] = {KEY_EC, KEY_RSA, KEY_ED25519};
    static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                             "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
    scratch_mkdir(scratch, "d");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct material spec = {
            .common_name = "a", .alternative_names = "DNS:a", .kind = kinds[i]};
        SL_AUTO(signer) struct signer leaf = material_make(&spec, NULL);
        material_write_pair(scratch, "d", &leaf);
        SL_AUTO(sl_tls_store) struct sl_tls_store *store = open_store(scratch, NULL);
        for (size_t j = 0; j < 2; j++) {
            SL_AUTO(connection) struct connection connection;
            connection_open(&connection, store, priorities[j], NULL);
            shake(&connection);
            assert_true(got_file(&connection, scratch, "d/tls.crt"));
        }
    }
}

static void intermediates_are_served_after_the_leaf(void **state)
{
    const struct scratch *scratch = *state;
    SL_AUTO(signer)
    struct signer ca = material_make(&(struct material){.common_name = "ca", .is_ca = true}, NULL);
    SL_AUTO(signer)
    struct signer leaf = material_make(&(struct material){.common_name = "a"}, &ca);
    scratch_mkdir(scratch, "d");
    material_write_pair(scratch, "d", &leaf);
    X509 *chain[] = {leaf.certificate, ca.certificate};
    material_write_certificate(scratch, "d/tls.crt", chain, 2);
    SL_AUTO(sl_tls_store) struct sl_tls_store *store = open_store(scratch, NULL);
    assert_true(serves(store, scratch, "d/tls.crt"));
}

static void a_new_pair_is_served_and_an_unchanged_one_is_no_reload(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d");
    SL_AUTO(sl_tls_store) struct sl_tls_store *store = open_store(scratch, NULL);
    struct sl_tls_info first;
    sl_tls_store_info(store, &first);
    assert_int_equal(first.not_after, NOW + 30 * DAY);
    assert_int_equal(first.reloads, 0);
    assert_int_equal(strlen(first.serial), 32);
    assert_true(first.current);
    assert_false(reload(store));

    issue(scratch, "d");
    assert_true(reload(store));
    assert_false(reload(store));
    assert_true(serves(store, scratch, "d/tls.crt"));
    struct sl_tls_info second;
    sl_tls_store_info(store, &second);
    assert_int_equal(second.reloads, 1);
    assert_int_equal(second.failures, 0);
    assert_string_not_equal(second.serial, first.serial);
}

static void break_key(const struct scratch *scratch)
{
    issue(scratch, "other");
    scratch_rename(scratch, "other/tls.key", "d/tls.key");
}

static void break_certificate_text(const struct scratch *scratch)
{
    scratch_write(scratch, "d/tls.crt", "hello\n");
}

static void break_certificate_body(const struct scratch *scratch)
{
    scratch_write(scratch, "d/tls.crt",
                  "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n");
}

static void break_key_text(const struct scratch *scratch)
{
    scratch_write(scratch, "d/tls.key", "");
}

static void encrypt_key(const struct scratch *scratch)
{
    EVP_PKEY *key = material_key(KEY_EC);
    material_write_key(scratch, "d/tls.key", key, "secret");
    EVP_PKEY_free(key);
}

static void remove_key(const struct scratch *scratch)
{
    assert_int_equal(unlink(scratch_path(scratch, "d/tls.key")), 0);
}

static void remove_all(const struct scratch *scratch)
{
    scratch_remove(scratch_path(scratch, "d"));
}

static void make_key_a_directory(const struct scratch *scratch)
{
    remove_key(scratch);
    scratch_mkdir(scratch, "d/tls.key");
}

static void make_key_a_fifo(const struct scratch *scratch)
{
    remove_key(scratch);
    assert_int_equal(mkfifo(scratch_path(scratch, "d/tls.key"), 0600), 0);
}

static void make_certificate_huge(const struct scratch *scratch)
{
    assert_int_equal(truncate(scratch_path(scratch, "d/tls.crt"), 262145), 0);
}

static void let_it_expire(const struct scratch *scratch)
{
    const struct material spec = {
        .common_name = "a", .not_before = NOW - 2 * DAY, .not_after = NOW - DAY};
    SL_AUTO(signer) struct signer leaf = material_make(&spec, NULL);
    material_write_pair(scratch, "d", &leaf);
}

static void let_it_begin_tomorrow(const struct scratch *scratch)
{
    const struct material spec = {
        .common_name = "a", .not_before = NOW + DAY, .not_after = NOW + 2 * DAY};
    SL_AUTO(signer) struct signer leaf = material_make(&spec, NULL);
    material_write_pair(scratch, "d", &leaf);
}

static void break_client_ca(const struct scratch *scratch)
{
    scratch_write(scratch, "ca.crt", "hello\n");
}

static void remove_client_ca(const struct scratch *scratch)
{
    assert_int_equal(unlink(scratch_path(scratch, "ca.crt")), 0);
}

static const struct {
    void (*damage)(const struct scratch *);
    enum sl_err_kind kind;
    const char *words;
} damages[] = {
    {break_key, SL_ERR_INVALID, "tls.key is not the key of the first certificate in"},
    {break_certificate_text, SL_ERR_INVALID, "tls.crt holds no certificate"},
    {break_certificate_body, SL_ERR_INVALID, "tls.crt: certificate 1 cannot be read"},
    {break_key_text, SL_ERR_INVALID, "tls.key holds no private key"},
    {encrypt_key, SL_ERR_INVALID, "tls.key is encrypted with a passphrase"},
    {remove_key, SL_ERR_NOT_FOUND, "tls.key: No such file"},
    {remove_all, SL_ERR_NOT_FOUND, "cannot open the directory"},
    {make_key_a_directory, SL_ERR_INVALID, "tls.key is not a regular file"},
    {make_key_a_fifo, SL_ERR_INVALID, "tls.key is not a regular file"},
    {make_certificate_huge, SL_ERR_INVALID, "tls.crt is larger than 262144 bytes"},
    {let_it_expire, SL_ERR_INVALID, "tls.crt expired at 2026-11-20T12:00:00Z"},
    {let_it_begin_tomorrow, SL_ERR_INVALID, "tls.crt is not valid before 2026-11-22T12:00:00Z"},
    {break_client_ca, SL_ERR_INVALID, "ca.crt holds no certificate"},
    {remove_client_ca, SL_ERR_NOT_FOUND, "ca.crt: No such file"},
};

static void assert_fails(int result, const struct sl_err *err, size_t row)
{
    assert_int_equal(result, -1);
    if (err->kind != damages[row].kind || strstr(err->msg, damages[row].words) == NULL) {
        fail_msg("kind %d, \"%s\" does not say \"%s\"", (int)err->kind, err->msg,
                 damages[row].words);
    }
}

static void what_is_damaged_is_told_and_the_old_pair_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        void *fresh = NULL;
        assert_int_equal(scratch_setup(&fresh), 0);
        const struct scratch *scratch = fresh;
        issue(scratch, "d");
        scratch_rename(scratch, "d/ca.crt", "ca.crt");
        SL_AUTO(sl_tls_store) struct sl_tls_store *store = open_store(scratch, "ca.crt");
        SL_AUTO(sl_buf) struct sl_buf certificate = SL_BUF_INIT(SL_KIB * 16);
        assert_int_equal(sl_file_read(scratch_path(scratch, "d/tls.crt"), &certificate, NULL), 0);
        scratch_write(scratch, "good.crt", certificate.data);

        damages[i].damage(scratch);
        bool changed = true;
        struct sl_err err = SL_ERR_INIT;
        assert_fails(sl_tls_store_reload(store, NOW, &changed, &err), &err, i);
        assert_true(changed); /* untouched */
        struct sl_tls_info info;
        sl_tls_store_info(store, &info);
        assert_int_equal(info.failures, 1);
        assert_false(info.current);
        assert_true(serves(store, scratch, "good.crt"));

        struct sl_tls_store *second = NULL;
        const struct sl_tls_options options = {.directory = scratch_path(scratch, "d"),
                                               .client_ca = scratch_path(scratch, "ca.crt")};
        assert_fails(sl_tls_store_open(&options, NOW, &second, &err), &err, i);
        assert_null(second);
        assert_int_equal(scratch_teardown(&fresh), 0);
    }
}

static void files_that_are_as_served_again_are_current_again(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d");
    SL_AUTO(sl_tls_store) struct sl_tls_store *store = open_store(scratch, NULL);
    bool changed = false;
    scratch_rename(scratch, "d/tls.key", "aside");
    assert_int_equal(sl_tls_store_reload(store, NOW, &changed, NULL), -1);
    scratch_rename(scratch, "aside", "d/tls.key");
    assert_false(reload(store));
    struct sl_tls_info info;
    sl_tls_store_info(store, &info);
    assert_true(info.current);
}

static void make_mount(const struct scratch *scratch)
{
    scratch_mkdir(scratch, "d");
    issue(scratch, "d/..1");
    issue(scratch, "d/..2");
    scratch_link(scratch, "..data/tls.crt", "d/tls.crt");
    scratch_link(scratch, "..data/tls.key", "d/tls.key");
    scratch_link(scratch, "..1", "d/..data");
}

static void each_swap_of_the_data_link_is_taken(void **state)
{
    const struct scratch *scratch = *state;
    make_mount(scratch);
    SL_AUTO(sl_tls_store) struct sl_tls_store *store = open_store(scratch, NULL);
    assert_true(serves(store, scratch, "d/..1/tls.crt"));
    scratch_swap(scratch, "d", "..2");
    assert_true(reload(store));
    assert_true(serves(store, scratch, "d/..2/tls.crt"));
    scratch_swap(scratch, "d", "..1");
    assert_true(reload(store));
    assert_true(serves(store, scratch, "d/..1/tls.crt"));
}

/* The links of the files stand for what a reader of two paths sees around a swap. */
static void both_files_come_from_the_generation_that_the_data_link_names(void **state)
{
    const struct scratch *scratch = *state;
    make_mount(scratch);
    assert_int_equal(unlink(scratch_path(scratch, "d/tls.key")), 0);
    scratch_link(scratch, "..2/tls.key", "d/tls.key");
    SL_AUTO(sl_tls_store) struct sl_tls_store *store = open_store(scratch, NULL);
    assert_true(serves(store, scratch, "d/..1/tls.crt"));
}

struct busy {
    const struct scratch *scratch;
    struct sl_tls_store *store;
    atomic_bool done;
};

static void *keep_swapping(void *argument)
{
    struct busy *busy = argument;
    for (unsigned i = 0; !atomic_load(&busy->done); i++) {
        scratch_swap(busy->scratch, "d", i % 2 == 0 ? "..2" : "..1");
    }
    return NULL;
}

static void a_swap_between_the_two_files_never_tears_a_pair(void **state)
{
    const struct scratch *scratch = *state;
    make_mount(scratch);
    SL_AUTO(sl_tls_store) struct sl_tls_store *store = open_store(scratch, NULL);
    struct busy busy = {.scratch = scratch};
    pthread_t kubelet;
    assert_int_equal(pthread_create(&kubelet, NULL, keep_swapping, &busy), 0);
    int torn = 0;
    for (int i = 0; i < 500; i++) {
        bool changed = false;
        torn += sl_tls_store_reload(store, NOW, &changed, NULL) < 0;
    }
    atomic_store(&busy.done, true);
    assert_int_equal(pthread_join(kubelet, NULL), 0);
    assert_int_equal(torn, 0);
    struct sl_tls_info info;
    sl_tls_store_info(store, &info);
    assert_true(info.reloads > 0);
}

static void a_handshake_under_way_keeps_its_pair_through_reloads(void **state)
{
    const struct scratch *scratch = *state;
    make_mount(scratch);
    SL_AUTO(sl_tls_store) struct sl_tls_store *store = open_store(scratch, NULL);
    SL_AUTO(connection) struct connection connection;
    connection_open(&connection, store, "NORMAL", NULL);
    scratch_swap(scratch, "d", "..2");
    assert_true(reload(store));
    issue(scratch, "d/..2");
    assert_true(reload(store));
    shake(&connection);
    assert_true(got_file(&connection, scratch, "d/..1/tls.crt"));
}

static void a_pair_outlives_its_store(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d");
    struct sl_tls_store *store = open_store(scratch, NULL);
    SL_AUTO(connection) struct connection connection;
    connection_open(&connection, store, "NORMAL", NULL);
    sl_tls_store_close(store);
    shake(&connection);
    assert_true(got_file(&connection, scratch, "d/tls.crt"));
}

static void *keep_shaking(void *argument)
{
    struct busy *busy = argument;
    while (!atomic_load(&busy->done)) {
        SL_AUTO(connection) struct connection connection;
        connection_open(&connection, busy->store, "NORMAL", NULL);
        shake(&connection);
        if (sl_tls_store_verify_client(busy->store, connection.server, NOW, NULL) == 0) {
            return busy; /* no certificate was sent */
        }
    }
    return NULL;
}

static void handshakes_on_threads_go_on_while_pairs_are_replaced(void **state)
{
    const struct scratch *scratch = *state;
    make_mount(scratch);
    SL_AUTO(sl_tls_store) struct sl_tls_store *store = open_store(scratch, "d/..1/ca.crt");
    struct busy busy = {.scratch = scratch, .store = store};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, keep_shaking, &busy), 0);
    }
    for (int i = 0; i < 100; i++) {
        scratch_swap(scratch, "d", i % 2 == 0 ? "..2" : "..1");
        assert_true(reload(store));
    }
    atomic_store(&busy.done, true);
    for (size_t i = 0; i < 2; i++) {
        void *fault = &busy;
        assert_int_equal(pthread_join(threads[i], &fault), 0);
        assert_null(fault);
    }
}

static int verify(struct sl_tls_store *store, const struct signer *client, struct sl_err *err)
{
    SL_AUTO(connection) struct connection connection;
    connection_open(&connection, store, "NORMAL", client);
    shake(&connection);
    return sl_tls_store_verify_client(store, connection.server, NOW, err);
}

static void clients_are_judged_by_the_ca_in_force_now(void **state)
{
    const struct scratch *scratch = *state;
    const struct material ca_spec = {.common_name = "ca", .is_ca = true};
    SL_AUTO(signer) struct signer old_ca = material_make(&ca_spec, NULL);
    SL_AUTO(signer) struct signer new_ca = material_make(&ca_spec, NULL);
    const struct material spec = {.common_name = clients[0], .usage = "clientAuth"};
    SL_AUTO(signer) struct signer old_client = material_make(&spec, &old_ca);
    SL_AUTO(signer) struct signer new_client = material_make(&spec, &new_ca);
    issue(scratch, "d");
    material_write_certificate(scratch, "ca.crt", &old_ca.certificate, 1);
    SL_AUTO(sl_tls_store) struct sl_tls_store *store = open_store(scratch, "ca.crt");
    assert_true(sl_tls_store_asks_client(store));

    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(verify(store, NULL, &err), -1);
    assert_int_equal(err.kind, SL_ERR_DENIED);
    assert_non_null(strstr(err.msg, "sent no certificate"));
    assert_int_equal(verify(store, &old_client, NULL), 0);
    assert_int_equal(verify(store, &new_client, NULL), -1);

    X509 *both[] = {old_ca.certificate, new_ca.certificate};
    material_write_certificate(scratch, "ca.crt", both, 2);
    assert_true(reload(store));
    assert_int_equal(verify(store, &old_client, NULL), 0);
    assert_int_equal(verify(store, &new_client, NULL), 0);

    material_write_certificate(scratch, "ca.crt", &new_ca.certificate, 1);
    assert_true(reload(store));
    assert_int_equal(verify(store, &old_client, NULL), -1);
    assert_int_equal(verify(store, &new_client, NULL), 0);
}

static void without_a_client_ca_nobody_is_asked(void **state)
{
    const struct scratch *scratch = *state;
    issue(scratch, "d");
    SL_AUTO(sl_tls_store) struct sl_tls_store *store = open_store(scratch, NULL);
    assert_false(sl_tls_store_asks_client(store));
    assert_int_equal(verify(store, NULL, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_of_key_is_served_with_both_versions_of_tls),
        TEST(intermediates_are_served_after_the_leaf),
        TEST(a_new_pair_is_served_and_an_unchanged_one_is_no_reload),
        cmocka_unit_test(what_is_damaged_is_told_and_the_old_pair_stays),
        TEST(files_that_are_as_served_again_are_current_again),
        TEST(each_swap_of_the_data_link_is_taken),
        TEST(both_files_come_from_the_generation_that_the_data_link_names),
        TEST(a_swap_between_the_two_files_never_tears_a_pair),
        TEST(a_handshake_under_way_keeps_its_pair_through_reloads),
        TEST(a_pair_outlives_its_store),
        TEST(handshakes_on_threads_go_on_while_pairs_are_replaced),
        TEST(clients_are_judged_by_the_ca_in_force_now),
        TEST(without_a_client_ca_nobody_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
