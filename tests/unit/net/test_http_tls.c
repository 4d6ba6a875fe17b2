/* The HTTP server over TLS: what a client sees of the question for its certificate, and what
 * becomes of one whose certificate is not allowed. */
#include "material.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/clock.h"
#include "net/certs.h"
#include "net/http_private.h"

static const char *const names[] = {"sluice.sluice-system.svc"};
static const char *const allowed[] = {"kube-apiserver", NULL};

static void greet(void *ctx, const struct sl_http_request *request,
                  struct sl_http_response *response)
{
    (void)ctx;
    (void)request;
    sl_buf_adds(&response->body, "hello");
}

/* A server whose clients must show a certificate of `ca`. */
static struct sl_http_server *start(const struct scratch *scratch, const struct signer *ca,
                                    struct sl_tls_store **ret_store)
{
    int64_t now = sl_clock_wall() / SL_NS_PER_S;
    assert_int_equal(sl_certs_issue(names, 1, scratch_path(scratch, "d"), 1, now, NULL), 0);
    material_write_certificate(scratch, "ca.crt", &ca->certificate, 1);
    const struct sl_tls_options tls = {.directory = scratch_path(scratch, "d"),
                                       .client_ca = scratch_path(scratch, "ca.crt"),
                                       .client_names = allowed};
    assert_int_equal(sl_tls_store_open(&tls, now, ret_store, NULL), 0);
    const struct sl_http_options options = {
        .address = "127.0.0.1",
        .threads = 2,
        .max_connections = 8,
        .max_body = SL_KIB,
        .max_in_flight = SL_KIB,
        .request_timeout_ns = 10 * SL_NS_PER_S,
        .idle_timeout_ns = 100 * SL_NS_PER_S,
        .tls = *ret_store,
        .handler = greet,
    };
    struct sl_http_server *server = NULL;
    assert_int_equal(sl_http_server_start(&options, &server, NULL), 0);
    return server;
}

static struct signer make_client(const char *name, const struct signer *ca)
{
    int64_t now = sl_clock_wall() / SL_NS_PER_S;
    const struct material spec = {.common_name = name,
                                  .usage = "clientAuth",
                                  .not_before = now - DAY,
                                  .not_after = now + DAY};
    return material_make(&spec, ca);
}

static struct signer make_ca(void)
{
    int64_t now = sl_clock_wall() / SL_NS_PER_S;
    const struct material spec = {
        .common_name = "ca", .is_ca = true, .not_before = now - DAY, .not_after = now + DAY};
    return material_make(&spec, NULL);
}

/* One client and what it was asked. */
struct client {
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
    int fd;
    unsigned times_asked;
    int names_named;
};

static int hear_question(gnutls_session_t session, const gnutls_datum_t *authorities,
                         int authorities_count, const gnutls_pk_algorithm_t *algorithms,
                         int algorithms_count, gnutls_pcert_st **ret_chain, unsigned *ret_length,
                         gnutls_privkey_t *ret_key)
{
    (void)authorities;
    (void)algorithms;
    (void)algorithms_count;
    (void)ret_chain;
    (void)ret_key;
    struct client *client = gnutls_session_get_ptr(session);
    client->times_asked++;
    client->names_named += authorities_count;
    *ret_length = 0;
    return 0;
}

static void show(struct client *client, const struct signer *signer)
{
    unsigned char *certificate = NULL;
    unsigned char *key = NULL;
    int certificate_length = i2d_X509(signer->certificate, &certificate);
    int key_length = i2d_PrivateKey(signer->key, &key);
    const gnutls_datum_t pair[] = {{certificate, (unsigned)certificate_length},
                                   {key, (unsigned)key_length}};
    assert_int_equal(gnutls_certificate_set_x509_key_mem(client->credentials, &pair[0], &pair[1],
                                                         GNUTLS_X509_FMT_DER),
                     0);
    OPENSSL_free(certificate);
    OPENSSL_free(key);
}

/* `signer` NULL: has no certificate, and listens to the question. */
static void client_open(struct client *client, const struct sl_http_server *server,
                        const char *priorities, const struct signer *signer)
{
    *client = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const struct timeval patience = {.tv_sec = 20};
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(sl_http_server_port(server)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_return_code(setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience),
                       errno);
    assert_return_code(connect(client->fd, (const struct sockaddr *)&address, sizeof address),
                       errno);
    assert_int_equal(gnutls_certificate_allocate_credentials(&client->credentials), 0);
    if (signer == NULL) {
        gnutls_certificate_set_retrieve_function2(client->credentials, hear_question);
    } else {
        show(client, signer);
    }
    assert_int_equal(gnutls_init(&client->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
    gnutls_session_set_ptr(client->session, client);
    assert_int_equal(gnutls_priority_set_direct(client->session, priorities, NULL), 0);
    assert_int_equal(
        gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->credentials), 0);
    gnutls_transport_set_int(client->session, client->fd);
    assert_int_equal(gnutls_handshake(client->session), 0);
}

static void client_cleanup(struct client *client)
{
    gnutls_deinit(client->session);
    gnutls_certificate_free_credentials(client->credentials);
    (void)close(client->fd);
}

/* One answer, until `last` or the end of the connection. */
static const char *ask(const struct client *client, const char *last)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    static char answer[4096];
    assert_int_equal(gnutls_record_send(client->session, request, sizeof request - 1),
                     sizeof request - 1);
    size_t length = 0;
    answer[0] = '\0';
    while (length < sizeof answer - 1 && strstr(answer, last) == NULL) {
        ssize_t got =
            gnutls_record_recv(client->session, answer + length, sizeof answer - 1 - length);
        if (got <= 0) {
            break;
        }
        length += (size_t)got;
        answer[length] = '\0';
    }
    return answer;
}

static bool has_ended(const struct client *client)
{
    char byte;
    return gnutls_record_recv(client->session, &byte, 1) <= 0;
}

static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                       "NORMAL:-VERS-ALL:+VERS-TLS1.3"};

static void a_client_is_asked_for_any_certificate_and_refused_without_one(void **state)
{
    const struct scratch *scratch = *state;
    SL_AUTO(signer) struct signer ca = make_ca();
    SL_AUTO(sl_tls_store) struct sl_tls_store *store = NULL;
    SL_AUTO(sl_http_server) struct sl_http_server *server = start(scratch, &ca, &store);
    for (size_t i = 0; i < 2; i++) {
        SL_AUTO(client) struct client client;
        client_open(&client, server, versions[i], NULL);
        const char *answer = ask(&client, "sent no certificate");
        assert_int_equal(client.times_asked, 1);
        assert_int_equal(client.names_named, 0); /* of CAs: a reloaded one is not known by name */
        assert_non_null(strstr(answer, "HTTP/1.1 403 "));
        assert_non_null(strstr(answer, "sent no certificate"));
        struct sl_http_stats stats;
        sl_http_server_stats(server, &stats);
        assert_int_equal(stats.sheds[SL_HTTP_SHED_CLIENT_CERT], i + 1);
    }
}

/* It shall come back with another certificate, which it can only on another connection. */
static void a_refused_client_is_answered_and_its_connection_closed(void **state)
{
    const struct scratch *scratch = *state;
    SL_AUTO(signer) struct signer ca = make_ca();
    SL_AUTO(signer) struct signer good = make_client(allowed[0], &ca);
    SL_AUTO(signer) struct signer bad = make_client("somebody", &ca);
    SL_AUTO(sl_tls_store) struct sl_tls_store *store = NULL;
    SL_AUTO(sl_http_server) struct sl_http_server *server = start(scratch, &ca, &store);
    for (size_t i = 0; i < 2; i++) {
        SL_AUTO(client) struct client refused;
        client_open(&refused, server, versions[i], &bad);
        const char *answer = ask(&refused, "not allowed: ");
        assert_non_null(strstr(answer, "HTTP/1.1 403 "));
        assert_non_null(strstr(answer, "Connection: close\r\n"));
        while (!has_ended(&refused)) {
        }

        SL_AUTO(client) struct client served;
        client_open(&served, server, versions[i], &good);
        for (int turn = 0; turn < 2; turn++) {
            answer = ask(&served, "hello");
            assert_non_null(strstr(answer, "HTTP/1.1 200 "));
            assert_null(strstr(answer, "Connection: close"));
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_is_asked_for_any_certificate_and_refused_without_one),
        TEST(a_refused_client_is_answered_and_its_connection_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
