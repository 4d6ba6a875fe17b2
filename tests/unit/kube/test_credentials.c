/* kube/credentials.c through the client: what stands in the Authorization header, and when a
 * token's file is read again. The time is made up; the file is a real one. */
#include "../net/scratch.h"

#include "kube/client_private.h"

static void expect(struct sl_credentials *credentials, int64_t now, const char *line)
{
    assert_int_equal(sl_credentials_refresh(credentials, now, NULL), 0);
    if (line == NULL) {
        assert_null(credentials->line);
    } else {
        assert_string_equal(credentials->line, line);
    }
}

static void each_way_has_its_header(void **state)
{
    (void)state;
    static const struct {
        struct sl_kube_config config;
        const char *line;
    } rows[] = {
        {{.server = "http://a"}, NULL},
        {{.token = "t0ken"}, "Authorization: Bearer t0ken"},
        {{.user = "me", .password = "p:w"}, "Authorization: Basic bWU6cDp3"},
        {{.user = "me"}, "Authorization: Basic bWU6"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_credentials credentials = {.config = &rows[i].config};
        expect(&credentials, 0, rows[i].line);
        expect(&credentials, 0, rows[i].line);
        sl_credentials_cleanup(&credentials);
        assert_null(credentials.line);
    }
}

static void a_token_s_file_is_read_again_when_it_changes(void **state)
{
    const struct scratch *scratch = *state;
    const struct sl_kube_config config = {.token_file = scratch_path(scratch, "token")};
    struct sl_credentials credentials = {.config = &config};
    int64_t now = 5 * SL_NS_PER_S;
    scratch_write(scratch, "token", " one\n");
    expect(&credentials, now, "Authorization: Bearer one");
    scratch_write(scratch, "token", "two"); /* another inode */
    expect(&credentials, now + SL_NS_PER_S - 1, "Authorization: Bearer one");
    expect(&credentials, now + SL_NS_PER_S, "Authorization: Bearer two");
    assert_int_equal(unlink(config.token_file), 0); /* for a moment: the last one stays */
    expect(&credentials, now + 2 * SL_NS_PER_S, "Authorization: Bearer two");
    expect(&credentials, now + 90 * SL_NS_PER_S, "Authorization: Bearer two");
    scratch_write(scratch, "token", "");
    expect(&credentials, now + 95 * SL_NS_PER_S, "Authorization: Bearer two");
    scratch_write(scratch, "token", "three");
    expect(&credentials, now + 97 * SL_NS_PER_S, "Authorization: Bearer three");
    sl_credentials_cleanup(&credentials);
}

static void a_file_that_was_never_read_leaves_the_token_or_is_an_error(void **state)
{
    const struct scratch *scratch = *state;
    static const struct {
        const char *text; /* NULL: there is no file */
        const char *words;
    } rows[] = {
        {NULL, "No such file"},
        {"", "holds no token"},
        {"se cret", "holds no token"},
        {"se\ncret\r\nX-Evil: 1", "holds no token"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sl_kube_config config = {.token_file = scratch_path(scratch, "token")};
        const struct sl_kube_config with_token = {.token_file = config.token_file, .token = "own"};
        struct sl_credentials credentials = {.config = &config};
        struct sl_credentials others = {.config = &with_token};
        struct sl_err err = SL_ERR_INIT;
        if (rows[i].text != NULL) {
            scratch_write(scratch, "token", rows[i].text);
        }
        assert_int_equal(sl_credentials_refresh(&credentials, 0, &err), -1);
        assert_non_null(strstr(err.msg, rows[i].words));
        assert_non_null(strstr(err.msg, config.token_file));
        assert_null(strstr(err.msg, "cret"));
        expect(&others, 0, "Authorization: Bearer own");
        sl_credentials_cleanup(&others);
    }
}

static void a_call_without_its_token_is_not_sent(void **state)
{
    const struct scratch *scratch = *state;
    const struct sl_kube_config config = {.server = "http://127.0.0.1:1",
                                          .token_file = scratch_path(scratch, "gone")};
    const struct sl_client_options options = {.config = &config, .user_agent = "sluice/test"};
    const struct sl_request request = {
        .verb = SL_GET, .resource = {.version = SL_STR("v1"), .plural = SL_STR("pods")}};
    struct sl_client *client = NULL;
    struct sl_reply reply = {0};
    assert_int_equal(sl_client_open(&options, &client, NULL), 0);
    uint64_t id = sl_client_send(client, &request, client, 0);
    sl_client_turn(client, 0);
    assert_true(sl_client_take(client, &reply));
    assert_true(reply.id == id && reply.tag == client);
    assert_int_equal(reply.status, 0);
    assert_int_equal(reply.err.kind, SL_ERR_TRANSIENT);
    assert_non_null(strstr(reply.err.msg, config.token_file));
    sl_reply_cleanup(&reply);
    sl_client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_has_its_header),
        cmocka_unit_test_setup_teardown(a_token_s_file_is_read_again_when_it_changes, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_was_never_read_leaves_the_token_or_is_an_error,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_call_without_its_token_is_not_sent, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
