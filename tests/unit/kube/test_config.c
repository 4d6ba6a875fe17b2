/* kube/config.c and kubeconfig.c: where a configuration is found, what client-go would make of it,
 * and the sentences about what is wrong. */
#include "../net/scratch.h"

#include "kube/config.h"

#define CA_64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t" /* -----BEGIN CERTIFICATE----- */
#define CA "-----BEGIN CERTIFICATE-----"
#define KEY "-----BEGIN PRIVATE KEY-----"
#define KEY_64 "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t"

/* Every test has an environment without a configuration, in which HOME is the scratch. */
static int setup(void **state)
{
    assert_int_equal(scratch_setup(state), 0);
    const struct scratch *scratch = *state;
    (void)unsetenv("KUBECONFIG");
    (void)unsetenv("KUBERNETES_SERVICE_HOST");
    (void)unsetenv("KUBERNETES_SERVICE_PORT");
    (void)setenv("HOME", scratch->root, 1);
    return 0;
}

static struct sl_kube_config load(const char *kubeconfig, const char *context)
{
    const struct sl_kube_config_options options = {.kubeconfig = kubeconfig, .context = context};
    struct sl_kube_config config = {0};
    struct sl_err err = SL_ERR_INIT;
    if (sl_kube_config_load(&options, &config, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return config;
}

static struct sl_err refuse(const char *kubeconfig, const char *context)
{
    const struct sl_kube_config_options options = {.kubeconfig = kubeconfig, .context = context};
    struct sl_kube_config config = {0};
    struct sl_err err = SL_ERR_INIT;
    assert_int_equal(sl_kube_config_load(&options, &config, &err), -1);
    assert_null(config.server);
    return err;
}

static void every_key_of_a_context_is_read(void **state)
{
    const struct scratch *scratch = *state;
    scratch_write(scratch, "config",
                  "apiVersion: v1\n"
                  "kind: Config\n"
                  "preferences: {colors: true}\n"
                  "current-context: other\n"
                  "contexts:\n"
                  "- {name: other, context: {cluster: gone}}\n"
                  "- name: it\n"
                  "  context: {cluster: c, user: u, namespace: web, extensions: []}\n"
                  "clusters:\n"
                  "- name: c\n"
                  "  cluster: {server: 'https://10.0.0.1:6443/', tls-server-name: api,\n"
                  "            proxy-url: 'http://p:1', certificate-authority: ignored,\n"
                  "            certificate-authority-data: " CA_64 ", unknown: 1}\n"
                  "users:\n"
                  "- name: u\n"
                  "  user: {token: t0ken, tokenFile: /t, client-certificate-data: " CA_64 ",\n"
                  "         client-key-data: " KEY_64 "}\n");
    struct sl_kube_config config = load(scratch_path(scratch, "config"), "it");
    assert_string_equal(config.context, "it");
    assert_string_equal(config.server, "https://10.0.0.1:6443");
    assert_string_equal(config.server_name, "api");
    assert_string_equal(config.proxy, "http://p:1");
    assert_string_equal(config.ns, "web");
    assert_true(sl_str_is(config.ca, CA));
    assert_true(sl_str_is(config.cert, CA));
    assert_true(sl_str_is(config.key, KEY));
    assert_string_equal(config.token, "t0ken");
    assert_string_equal(config.token_file, "/t");
    assert_null(config.user);
    assert_false(config.insecure);
    sl_kube_config_cleanup(&config);
    assert_null(config.token);
}

static void what_is_not_said_has_a_default(void **state)
{
    const struct scratch *scratch = *state;
    static const struct {
        const char *cluster, *server;
    } rows[] = {
        {"{server: 'http://a:8080'}", "http://a:8080"},
        {"{server: 'a:8080'}", "http://a:8080"},
        {"{server: 'a:8080///', insecure-skip-tls-verify: true}", "https://a:8080"},
        {"{server: a, certificate-authority-data: " CA_64 "}", "https://a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
                       "clusters: [{name: c, cluster: %s}]\n",
                       rows[i].cluster);
        scratch_write(scratch, "config", text);
        struct sl_kube_config config = load(scratch_path(scratch, "config"), NULL);
        assert_string_equal(config.server, rows[i].server);
        assert_string_equal(config.ns, "default");
        assert_null(config.token);
        assert_null(config.proxy);
        assert_null(config.server_name);
        sl_kube_config_cleanup(&config);
    }
}

static void files_are_relative_to_the_one_that_names_them(void **state)
{
    const struct scratch *scratch = *state;
    (void)scratch_mkdir(scratch, "dir");
    scratch_write(scratch, "dir/ca.pem", CA);
    scratch_write(scratch, "dir/c.pem", CA "\n");
    scratch_write(scratch, "dir/k.pem", KEY);
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "{\"current-context\": \"x\", \"contexts\": [{\"name\": \"x\", \"context\": "
                   "{\"cluster\": \"c\", \"user\": \"u\"}}], \"clusters\": [{\"name\": \"c\", "
                   "\"cluster\": {\"server\": \"https://a\", \"certificate-authority\": "
                   "\"ca.pem\"}}], \"users\": [{\"name\": \"u\", \"user\": "
                   "{\"client-certificate\": \"%s\", \"client-key\": \"k.pem\", "
                   "\"tokenFile\": \"sub/token\"}}]}",
                   scratch_path(scratch, "dir/c.pem"));
    scratch_write(scratch, "dir/config", text);
    struct sl_kube_config config = load(scratch_path(scratch, "dir/config"), NULL);
    assert_true(sl_str_is(config.ca, CA));
    assert_true(sl_str_is(config.cert, CA "\n"));
    assert_true(sl_str_is(config.key, KEY));
    assert_string_equal(config.token_file, scratch_path(scratch, "dir/sub/token"));
    sl_kube_config_cleanup(&config);
}

static void of_several_files_the_first_that_says_something_wins(void **state)
{
    const struct scratch *scratch = *state;
    char list[4096];
    scratch_write(scratch, "a",
                  "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
                  "clusters: [{name: c, cluster: {server: 'https://first'}}]\n");
    scratch_write(scratch, "b",
                  "current-context: x\n"
                  "clusters: [{name: c, cluster: {server: 'https://second', "
                  "tls-server-name: never}}]\n"
                  "users: [{name: u, user: {username: me, password: secret}}]\n");
    scratch_write(scratch, "c", "current-context: never\n");
    scratch_write(scratch, "empty", "");
    (void)snprintf(list, sizeof list, ":%s:%s:%s/gone:%s:%s", scratch_path(scratch, "empty"),
                   scratch_path(scratch, "a"), scratch->root, scratch_path(scratch, "b"),
                   scratch_path(scratch, "c"));
    (void)setenv("KUBECONFIG", list, 1);
    struct sl_kube_config config = load(NULL, NULL);
    assert_string_equal(config.server, "https://first");
    assert_null(config.server_name);
    assert_string_equal(config.user, "me");
    assert_string_equal(config.password, "secret");
    sl_kube_config_cleanup(&config);
}

#define CONTEXT "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
#define CLUSTER "clusters: [{name: c, cluster: {server: 'https://a'}}]\n"

static void what_is_wrong_is_said_with_its_place(void **state)
{
    const struct scratch *scratch = *state;
    static const struct {
        const char *text, *msg; /* after the file's name */
    } rows[] = {
        {"a: [",
         ":2:1: did not find expected node content while parsing a flow node (from line 2); quote "
         "the text or check its indentation"},
        {"[]", ":1:1: must be a kubeconfig: an object"},
        {"apiVersion: v1\nkind: Pod\n", ":2:1: kind: must be Config: this is no kubeconfig"},
        {"users: {}\n", ":1:1: users: must be a list"},
        {"current-context: 7\n", ":1:1: current-context: must be text"},
        {CONTEXT, ":2:32: contexts[0].context.cluster: names what is not there"},
        {CONTEXT CLUSTER, ":2:44: contexts[0].context.user: names what is not there"},
        {"current-context: x\ncontexts: [{name: x}]\n",
         ":2:12: contexts[0].context.cluster: must be there"},
        {CONTEXT CLUSTER "users:\n- {name: u}\n- {name: u}\n",
         ":6:4: users[1].name: occurs twice in this list"},
        {CONTEXT CLUSTER "users:\n- {name: u, user: []}\n",
         ":5:13: users[0].user: must be an object"},
        {CONTEXT CLUSTER "users:\n- {name: u, user: {token: 12345}}\n",
         ":5:20: users[0].user.token: must be text"},
        {CONTEXT CLUSTER "users:\n- {name: u, user: {token: \"se\\ncret\"}}\n",
         ":5:20: users[0].user.token: must not hold control characters or line breaks"},
        {CONTEXT CLUSTER "users:\n- {name: u, user: {client-key-data: secret}}\n",
         ":5:20: users[0].user.client-key-data: must be base64, of at most 1 MiB"},
        {CONTEXT CLUSTER "users:\n- name: u\n  user:\n    exec: {command: x}\n",
         ":7:5: users[0].user.exec: signing in by a program is not supported: use a token (kubectl "
         "create token SERVICEACCOUNT) or a client certificate instead"},
        {CONTEXT CLUSTER "users:\n- name: u\n  user:\n    as: root\n",
         ":7:5: users[0].user.as: impersonation is not supported: use the credentials of that user "
         "instead"},
        {CONTEXT "clusters: [{name: c, cluster: {insecure-skip-tls-verify: yes please}}]\n",
         ":3:32: clusters[0].cluster.insecure-skip-tls-verify: must be true or false"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char expected[SL_ERR_MSG_MAX];
        scratch_write(scratch, "config", rows[i].text);
        (void)snprintf(expected, sizeof expected, "%s%s", scratch_path(scratch, "config"),
                       rows[i].msg);
        struct sl_err err = refuse(scratch_path(scratch, "config"), NULL);
        assert_int_equal(err.kind, SL_ERR_INVALID);
        assert_string_equal(err.msg, expected);
    }
}

static void what_does_not_fit_together_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    static const struct {
        const char *text, *msg;
    } rows[] = {
        {CLUSTER, "the kubeconfig has no current-context: choose one with --context"},
        {"current-context: z\n", "the kubeconfig has no context \"z\""},
        {CONTEXT "clusters: [{name: c}]\nusers: [{name: u}]\n",
         "context \"x\": its cluster has no server"},
        {CONTEXT "clusters: [{name: c, cluster: {server: a, insecure-skip-tls-verify: true, "
                 "certificate-authority: /x}}]\nusers: [{name: u}]\n",
         "context \"x\": certificate-authority and insecure-skip-tls-verify exclude one another"},
        {CONTEXT CLUSTER "users: [{name: u, user: {client-certificate: /x}}]\n",
         "context \"x\": its client-certificate has no client-key"},
        {CONTEXT CLUSTER "users: [{name: u, user: {client-key: /x}}]\n",
         "context \"x\": its client-key has no client-certificate"},
        {CONTEXT CLUSTER "users: [{name: u, user: {token: x, username: me}}]\n",
         "context \"x\": a token and a username exclude one another"},
        {CONTEXT CLUSTER "users: [{name: u, user: {client-certificate: /gone/c, client-key: k}}]\n",
         "client-certificate: cannot open /gone/c: No such file or directory"},
        {CONTEXT CLUSTER "users: [{name: u, user: {client-certificate-data: " KEY_64
                         ", client-key-data: " KEY_64 "}}]\n",
         "client-certificate: holds no PEM \"-----BEGIN CERTIFICATE-----\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        scratch_write(scratch, "config", rows[i].text);
        struct sl_err err = refuse(scratch_path(scratch, "config"), NULL);
        assert_string_equal(err.msg, rows[i].msg);
        assert_int_equal(err.kind, SL_ERR_INVALID);
    }
}

static void the_home_s_file_is_the_last_resort(void **state)
{
    const struct scratch *scratch = *state;
    struct sl_err err = refuse(NULL, NULL);
    assert_int_equal(err.kind, SL_ERR_NOT_FOUND);
    assert_string_equal(err.msg, "no cluster is configured: there is no ~/.kube/config, and this "
                                 "is no pod; name a file with --kubeconfig");
    (void)scratch_mkdir(scratch, ".kube");
    scratch_write(scratch, ".kube/config", CONTEXT CLUSTER "users: [{name: u}]\n");
    struct sl_kube_config config = load(NULL, NULL);
    assert_string_equal(config.server, "https://a");
    sl_kube_config_cleanup(&config);

    (void)setenv("KUBECONFIG", "/gone/a:/gone/b", 1); /* then it is not asked */
    err = refuse(NULL, NULL);
    assert_int_equal(err.kind, SL_ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "/gone/a:/gone/b"));
    err = refuse("/gone/c", NULL);
    assert_int_equal(err.kind, SL_ERR_NOT_FOUND);
    assert_string_equal(err.msg, "cannot open /gone/c: No such file or directory");
}

static void a_pod_uses_its_service_account(void **state)
{
    const struct scratch *scratch = *state;
    const struct sl_kube_config_options options = {.service_account = scratch->root};
    struct sl_kube_config config = {0};
    struct sl_err err = SL_ERR_INIT;
    (void)setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    (void)setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    assert_int_equal(sl_kube_config_load(&options, &config, &err), -1);
    assert_int_equal(err.kind, SL_ERR_DENIED); /* no token */
    scratch_write(scratch, "token", "t\n");
    scratch_write(scratch, "ca.crt", CA);
    scratch_write(scratch, "namespace", "sluice-system\n");
    assert_int_equal(sl_kube_config_load(&options, &config, &err), 0);
    assert_string_equal(config.context, "in-cluster");
    assert_string_equal(config.server, "https://[fd00::1]:443");
    assert_string_equal(config.ns, "sluice-system");
    assert_string_equal(config.token_file, scratch_path(scratch, "token"));
    assert_null(config.token);
    assert_true(sl_str_is(config.ca, CA));
    sl_kube_config_cleanup(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_key_of_a_context_is_read, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_said_has_a_default, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(files_are_relative_to_the_one_that_names_them, setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(of_several_files_the_first_that_says_something_wins, setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_said_with_its_place, setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_together_is_refused, setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(the_home_s_file_is_the_last_resort, setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_pod_uses_its_service_account, setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
