/* Where the configuration comes from (config.h): a named file, $KUBECONFIG, the pod we run in, or
 * the user's home; and the files that it names. The environment is read here and nowhere else. */
#include "kube/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "kube/kubeconfig.h"

#define KUBECONFIG_MAX (4 * SL_MIB)
#define PEM_MAX SL_MIB
#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

static void wipe(struct sl_buf *secret)
{
    if (secret->data != NULL) {
        explicit_bzero(secret->data, secret->allocated);
    }
    sl_buf_cleanup(secret);
}

void sl_kube_config_cleanup(struct sl_kube_config *config)
{
    sl_arena_wipe(&config->arena);
    *config = (struct sl_kube_config){0};
}

/* NULL: not set, or empty */
static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* --- files that are named --- */

/* What the file of a configuration lacks is wrong in the configuration: NOT_FOUND says that there
 * is none. */
static int read_named(const char *what, const char *path, struct sl_arena *arena,
                      struct sl_str *ret_text, struct sl_err *err)
{
    struct sl_buf bytes = SL_BUF_INIT(PEM_MAX);
    struct sl_err cause = SL_ERR_INIT;
    int rc = sl_file_read(path, &bytes, &cause);
    if (rc == 0) {
        *ret_text = sl_arena_str(arena, sl_buf_str(&bytes));
    } else {
        enum sl_err_kind kind = cause.kind == SL_ERR_DENIED ? SL_ERR_DENIED : SL_ERR_INVALID;
        (void)sl_err_set(err, kind, "%s: %s", what, cause.msg);
    }
    wipe(&bytes);
    return rc;
}

static int check_pem(const char *what, struct sl_str text, const char *word, struct sl_err *err)
{
    if (text.n > 0 && memmem(text.p, text.n, word, strlen(word)) == NULL) {
        return sl_err_set(err, SL_ERR_INVALID, "%s: holds no PEM \"%s\"", what, word);
    }
    return 0;
}

static int read_pems(const struct sl_kubeconfig_files *files, struct sl_kube_config *config,
                     struct sl_err *err)
{
    const struct {
        const char *what, *path, *word;
        struct sl_str *to;
    } rows[] = {
        {"certificate-authority", files->ca, "-----BEGIN CERTIFICATE-----", &config->ca},
        {"client-certificate", files->cert, "-----BEGIN CERTIFICATE-----", &config->cert},
        {"client-key", files->key, "PRIVATE KEY-----", &config->key},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].path != NULL &&
            read_named(rows[i].what, rows[i].path, &config->arena, rows[i].to, err) < 0) {
            return -1;
        }
        if (check_pem(rows[i].what, *rows[i].to, rows[i].word, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- kubeconfigs --- */

static int add_file(struct sl_kubeconfig *kubeconfig, const char *path, struct sl_err *err)
{
    struct sl_buf text = SL_BUF_INIT(KUBECONFIG_MAX);
    int rc = sl_file_read(path, &text, err);
    if (rc == 0) {
        rc = sl_kubeconfig_add(kubeconfig, path, sl_buf_str(&text), err);
    }
    wipe(&text);
    return rc;
}

/* The same, passing over one that is not there. */
static int add_if_there(struct sl_kubeconfig *kubeconfig, const char *path, struct sl_err *err)
{
    struct sl_err cause = SL_ERR_INIT;
    if (add_file(kubeconfig, path, &cause) == 0 || cause.kind == SL_ERR_NOT_FOUND) {
        return 0;
    }
    return sl_err_set(err, cause.kind, "%s", cause.msg);
}

/* Paths with colons between them. */
static int add_list(struct sl_kubeconfig *kubeconfig, const char *list, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_str rest = sl_str_from(list);
    while (rest.p != NULL) {
        struct sl_str path = sl_str_cut(&rest, ':');
        if (path.n > 0 && add_if_there(kubeconfig, sl_arena_cstr(&arena, path), err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int choose(const struct sl_kubeconfig *kubeconfig, const char *context,
                  struct sl_kube_config *config, struct sl_err *err)
{
    struct sl_kubeconfig_files files = {0};
    return sl_kubeconfig_choose(kubeconfig, context, config, &files, err) < 0
               ? -1
               : read_pems(&files, config, err);
}

/* --- in a pod --- */

static int read_pod(const char *directory, struct sl_kube_config *config, struct sl_err *err)
{
    struct sl_arena *arena = &config->arena;
    const char *host = environment("KUBERNETES_SERVICE_HOST");
    struct sl_kubeconfig_files files = {.ca = sl_arena_printf(arena, "%s/ca.crt", directory)};
    const char *ns_path = sl_arena_printf(arena, "%s/namespace", directory);
    struct sl_str ns = {0};
    config->context = "in-cluster";
    config->server =
        sl_arena_printf(arena, strchr(host, ':') != NULL ? "https://[%s]:%s" : "https://%s:%s",
                        host, environment("KUBERNETES_SERVICE_PORT"));
    config->token_file = sl_arena_printf(arena, "%s/token", directory);
    if (access(config->token_file, R_OK) != 0) {
        return sl_err_set(err, SL_ERR_DENIED,
                          "%s cannot be read: the pod needs its service account's token "
                          "(automountServiceAccountToken)",
                          config->token_file);
    }
    if (access(ns_path, F_OK) == 0 && read_named("namespace", ns_path, arena, &ns, err) < 0) {
        return -1;
    }
    ns.n = ns.p == NULL ? 0 : strcspn(ns.p, " \t\r\n");
    config->ns = ns.n == 0 ? "default" : sl_arena_cstr(arena, ns);
    return read_pems(&files, config, err);
}

/* --- the order --- */

static int load(const struct sl_kube_config_options *options, struct sl_kubeconfig *kubeconfig,
                struct sl_kube_config *config, struct sl_err *err)
{
    const char *list = environment("KUBECONFIG");
    const char *home = environment("HOME");
    if (options->kubeconfig != NULL) {
        return add_file(kubeconfig, options->kubeconfig, err) < 0
                   ? -1
                   : choose(kubeconfig, options->context, config, err);
    }
    if (list != NULL && add_list(kubeconfig, list, err) < 0) {
        return -1;
    }
    bool is_pod = environment("KUBERNETES_SERVICE_HOST") != NULL &&
                  environment("KUBERNETES_SERVICE_PORT") != NULL;
    if (kubeconfig->count == 0 && is_pod) {
        return read_pod(options->service_account == NULL ? SERVICE_ACCOUNT
                                                         : options->service_account,
                        config, err);
    }
    if (list == NULL && home != NULL) {
        const char *path = sl_arena_printf(&config->arena, "%s/.kube/config", home);
        if (add_if_there(kubeconfig, path, err) < 0) {
            return -1;
        }
    }
    if (kubeconfig->count == 0) {
        return sl_err_set(err, SL_ERR_NOT_FOUND,
                          "no cluster is configured: there is no %s%s, and this is no pod; name a "
                          "file with --kubeconfig",
                          list != NULL ? "file of $KUBECONFIG, " : "~/.kube/config",
                          list != NULL ? list : "");
    }
    return choose(kubeconfig, options->context, config, err);
}

int sl_kube_config_load(const struct sl_kube_config_options *options,
                        struct sl_kube_config *ret_config, struct sl_err *err)
{
    struct sl_kube_config config = {0};
    struct sl_kubeconfig kubeconfig = {.count = 0};
    int rc = load(options, &kubeconfig, &config, err);
    sl_kubeconfig_cleanup(&kubeconfig);
    if (rc < 0) {
        sl_kube_config_cleanup(&config);
        return -1;
    }
    *ret_config = config;
    return 0;
}
