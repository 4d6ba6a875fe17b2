/* A client of a scripted server, and its replies. */
#ifndef SL_TESTS_UNIT_KUBE_CLIENT_FIXTURE_H
#define SL_TESTS_UNIT_KUBE_CLIENT_FIXTURE_H

#include "scripted.h"

#include "kube/client.h"

#define BODY(length, text) "HTTP/1.1 200 OK\r\nContent-Length: " #length "\r\n\r\n" text

/* A client of 127.0.0.1:port, and the configuration that it borrows. */
struct fixture {
    char server[64];
    struct sl_kube_config config;
    struct sl_client *client;
};

static inline void open_client(struct fixture *fixture, uint16_t port, double qps, unsigned burst)
{
    (void)snprintf(fixture->server, sizeof fixture->server, "http://127.0.0.1:%u", port);
    fixture->config.server = fixture->server;
    const struct sl_client_options options = {
        .config = &fixture->config, .user_agent = "sluice/test", .qps = qps, .burst = burst};
    assert_int_equal(sl_client_open(&options, &fixture->client, NULL), 0);
}

/* Turns until a reply is there. */
static inline struct sl_reply take(struct sl_client *client)
{
    struct sl_reply reply = {0};
    int64_t until = sl_clock_mono() + 20 * SL_NS_PER_S;
    sl_client_turn(client, sl_clock_mono());
    while (!sl_client_take(client, &reply)) {
        assert_true(sl_clock_mono() < until);
        sl_client_wait(client, NULL, 0, until);
        sl_client_turn(client, sl_clock_mono());
    }
    return reply;
}

static inline struct sl_reply ask(struct sl_client *client, const struct sl_request *request)
{
    uint64_t id = sl_client_send(client, request, client, sl_clock_mono());
    struct sl_reply reply = take(client);
    assert_true(reply.id == id);
    assert_ptr_equal(reply.tag, client);
    assert_int_equal(reply.verb, request->verb);
    return reply;
}

#endif
