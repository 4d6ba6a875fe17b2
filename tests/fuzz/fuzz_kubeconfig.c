/* Kubeconfigs: any two texts are refused with a sentence, or are a configuration whose texts the
 * system and libcurl may be given. A 0 byte ends the first file and begins the second. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kube/kubeconfig.h"

/* Header lines, URLs and paths are made of these. */
static void check_text(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            abort();
        }
    }
}

static void check_config(const struct sl_kube_config *config,
                         const struct sl_kubeconfig_files *files)
{
    const char *const texts[] = {config->server, config->ns,          config->token,
                                 config->user,   config->token_file,  config->password,
                                 config->proxy,  config->server_name, config->context,
                                 files->ca,      files->cert,         files->key};
    if (config->server == NULL || config->ns == NULL || config->context == NULL ||
        (config->user != NULL && config->token != NULL) ||
        (files->cert != NULL && config->cert.n > 0)) {
        abort();
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i] != config->context) { /* a name, for messages alone */
            check_text(texts[i]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_kubeconfig kubeconfig = {.count = 0};
    struct sl_kube_config config = {0};
    struct sl_kubeconfig_files files = {0};
    struct sl_err err = SL_ERR_INIT;
    struct sl_str rest = {.p = (const char *)data, .n = size};
    struct sl_str first = sl_str_cut(&rest, '\0');
    int rc = sl_kubeconfig_add(&kubeconfig, "dir/a", first, &err);
    if (rc == 0 && rest.p != NULL) {
        rc = sl_kubeconfig_add(&kubeconfig, "b", rest, &err);
    }
    if (rc == 0) {
        rc = sl_kubeconfig_choose(&kubeconfig, NULL, &config, &files, &err);
    }
    if (rc == 0) {
        check_config(&config, &files);
    } else if (err.kind != SL_ERR_INVALID || err.msg[0] == '\0') {
        abort();
    }
    sl_kubeconfig_cleanup(&kubeconfig);
    sl_kube_config_cleanup(&config);
    return 0;
}
