/* The API client over TLS: whom it trusts, what it shows, and under which name it asks. The server
 * is our own, HTTP/1.1 with GnuTLS. */
#include "../net/material.h"

#include "base/clock.h"
#include "kube/client.h"
#include "net/certs.h"
#include "net/http_server.h"
#include "net/tls_store.h"

static const char *const names[] = {"api.example"};
static const char *const allowed[] = {"sluice", NULL};

struct world {
    const struct scratch *scratch;
    struct sl_tls_store *store;
    struct sl_http_server *server;
    struct sl_buf ca, other_ca, cert, key, wrong_cert, wrong_key; /* PEM */
    char url[64];
};

static void greet(void *ctx, const struct sl_http_request *request,
                  struct sl_http_response *response)
{
    (void)ctx;
    sl_buf_addf(&response->body, "%.*s %.*s", SL_STR_FMT(request->path), SL_STR_FMT(request->body));
}

static struct sl_str slurp(const struct scratch *scratch, const char *relative, struct sl_buf *out)
{
    *out = (struct sl_buf)SL_BUF_INIT(SL_MIB);
    assert_int_equal(sl_file_read(scratch_path(scratch, relative), out, NULL), 0);
    return sl_buf_str(out);
}

/* A client certificate of `issuer` into `directory`. */
static void make_client(const struct scratch *scratch, const char *directory, const char *name,
                        const struct signer *issuer)
{
    int64_t now = sl_clock_wall() / SL_NS_PER_S;
    const struct material spec = {.common_name = name,
                                  .usage = "clientAuth",
                                  .not_before = now - DAY,
                                  .not_after = now + DAY};
    struct signer made = material_make(&spec, issuer);
    (void)scratch_mkdir(scratch, directory);
    material_write_pair(scratch, directory, &made);
    signer_cleanup(&made);
}

static void start(struct world *world, const struct scratch *scratch)
{
    int64_t now = sl_clock_wall() / SL_NS_PER_S;
    const struct material spec = {
        .common_name = "ca", .is_ca = true, .not_before = now - DAY, .not_after = now + DAY};
    struct signer ca = material_make(&spec, NULL);
    world->scratch = scratch;
    assert_int_equal(sl_certs_issue(names, 1, scratch_path(scratch, "server"), 1, now, NULL), 0);
    material_write_certificate(scratch, "clients.crt", &ca.certificate, 1);
    make_client(scratch, "client", "sluice", &ca);
    make_client(scratch, "wrong", "somebody", &ca);
    signer_cleanup(&ca);
    (void)slurp(scratch, "server/ca.crt", &world->ca);
    (void)slurp(scratch, "clients.crt", &world->other_ca);
    (void)slurp(scratch, "client/tls.crt", &world->cert);
    (void)slurp(scratch, "client/tls.key", &world->key);
    (void)slurp(scratch, "wrong/tls.crt", &world->wrong_cert);
    (void)slurp(scratch, "wrong/tls.key", &world->wrong_key);
    const struct sl_tls_options tls = {.directory = scratch_path(scratch, "server"),
                                       .client_ca = scratch_path(scratch, "clients.crt"),
                                       .client_names = allowed};
    assert_int_equal(sl_tls_store_open(&tls, now, &world->store, NULL), 0);
    const struct sl_http_options options = {
        .address = "127.0.0.1",
        .threads = 1,
        .max_connections = 16,
        .max_body = SL_KIB,
        .max_in_flight = SL_KIB,
        .request_timeout_ns = 10 * SL_NS_PER_S,
        .idle_timeout_ns = 100 * SL_NS_PER_S,
        .tls = world->store,
        .handler = greet,
    };
    assert_int_equal(sl_http_server_start(&options, &world->server, NULL), 0);
    (void)snprintf(world->url, sizeof world->url, "https://127.0.0.1:%u",
                   sl_http_server_port(world->server));
}

static void stop(struct world *world)
{
    struct sl_buf *const texts[] = {&world->ca,  &world->other_ca,   &world->cert,
                                    &world->key, &world->wrong_cert, &world->wrong_key};
    sl_http_server_stop(world->server);
    sl_tls_store_close(world->store);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        sl_buf_cleanup(texts[i]);
    }
}

/* One request; the sentence of its error, "" for none. */
static void ask(const struct sl_kube_config *config, char ret_text[static SL_ERR_MSG_MAX])
{
    const struct sl_client_options options = {.config = config, .user_agent = "sluice/test"};
    const struct sl_request request = {
        .verb = SL_PATCH_OBJECT,
        .resource = {.version = SL_STR("v1"), .plural = SL_STR("pods")},
        .ns = SL_STR("web"),
        .name = SL_STR("a"),
        .body = SL_STR("{}")};
    struct sl_client *client = NULL;
    struct sl_reply reply = {0};
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_client_open(&options, &client, NULL), 0);
    if (sl_client_call(client, &request, &reply, &err) == 0) {
        assert_true(sl_str_is(sl_buf_str(&reply.body), "/api/v1/namespaces/web/pods/a {}"));
        sl_reply_cleanup(&reply);
    }
    (void)snprintf(ret_text, SL_ERR_MSG_MAX, "%s", err.msg);
    sl_client_close(client);
}

static void both_sides_must_be_who_they_say(void **state)
{
    struct world world = {0};
    start(&world, *state);
    struct sl_str ca = sl_buf_str(&world.ca);
    struct sl_str cert = sl_buf_str(&world.cert);
    struct sl_str key = sl_buf_str(&world.key);
    const struct {
        struct sl_kube_config config;
        const char *words; /* in the error; NULL: there is none */
    } rows[] = {
        {{.ca = ca, .server_name = "api.example", .cert = cert, .key = key}, NULL},
        {{.insecure = true, .cert = cert, .key = key}, NULL},
        {{.ca = ca, .cert = cert, .key = key}, "target host name"},
        {{.ca = ca, .server_name = "other.example", .cert = cert, .key = key}, "target host name"},
        {{.server_name = "api.example", .cert = cert, .key = key}, "certificate problem"},
        {{.ca = sl_buf_str(&world.other_ca),
          .server_name = "api.example",
          .cert = cert,
          .key = key},
         "certificate problem"},
        {{.insecure = true}, "403"},
        {{.insecure = true,
          .cert = sl_buf_str(&world.wrong_cert),
          .key = sl_buf_str(&world.wrong_key)},
         "403"},
        {{.insecure = true, .cert = cert, .key = sl_buf_str(&world.wrong_key)}, "unable to set"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_kube_config config = rows[i].config;
        char text[SL_ERR_MSG_MAX];
        config.server = world.url;
        ask(&config, text);
        if (rows[i].words == NULL) {
            assert_string_equal(text, "");
        } else if (strstr(text, rows[i].words) == NULL) {
            fail_msg("row %zu: %s", i, text);
        }
    }
    stop(&world);
}

static void one_connection_carries_what_comes_one_after_the_other(void **state)
{
    struct world world = {0};
    struct sl_http_stats stats = {0};
    start(&world, *state);
    const struct sl_kube_config config = {.server = world.url,
                                          .server_name = "api.example",
                                          .ca = sl_buf_str(&world.ca),
                                          .cert = sl_buf_str(&world.cert),
                                          .key = sl_buf_str(&world.key)};
    const struct sl_client_options options = {.config = &config, .user_agent = "sluice/test"};
    const struct sl_request request = {
        .verb = SL_LIST, .resource = {.version = SL_STR("v1"), .plural = SL_STR("pods")}};
    struct sl_client *client = NULL;
    assert_int_equal(sl_client_open(&options, &client, NULL), 0);
    for (unsigned i = 0; i < 20; i++) {
        struct sl_reply reply = {0};
        assert_int_equal(sl_client_call(client, &request, &reply, NULL), 0);
        sl_reply_cleanup(&reply);
    }
    sl_http_server_stats(world.server, &stats);
    assert_int_equal(stats.connections, 1);
    sl_client_close(client);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_sides_must_be_who_they_say, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(one_connection_carries_what_comes_one_after_the_other,
                                        scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
