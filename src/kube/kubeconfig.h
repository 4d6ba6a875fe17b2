/* Private to kube: kubeconfig files as they are written, merged as client-go merges them.
 *
 * Added in the order of $KUBECONFIG. Of several files the first that says something wins: for
 * current-context, and for each cluster, user and context by its name as a whole. Unknown keys are
 * passed over, as client-go does. Source: k8s.io/client-go/tools/clientcmd, api/v1. One thread.
 */
#ifndef SL_KUBE_KUBECONFIG_H
#define SL_KUBE_KUBECONFIG_H

#include "codec/problem.h"
#include "codec/yaml.h"
#include "kube/config.h"

#define SL_KUBECONFIG_FILES_MAX 32

struct sl_kubeconfig {
    struct {
        char *path;
        struct sl_yaml_docs *docs;
        struct json_object *root; /* borrowed from `docs`; NULL: the file is empty */
    } files[SL_KUBECONFIG_FILES_MAX];
    size_t count;
};
void sl_kubeconfig_cleanup(struct sl_kubeconfig *kubeconfig);

/* What is named by its file and not there as data; absolute, or relative to where we are. */
struct sl_kubeconfig_files {
    const char *ca, *cert, *key; /* NULL: none, or data */
};

/* Errors: INVALID "FILE:LINE:COLUMN: …". */
SL_MUST_USE int sl_kubeconfig_add(struct sl_kubeconfig *kubeconfig, const char *path,
                                  struct sl_str text, struct sl_err *err);

/* "FILE:LINE:COLUMN: path: text", INVALID; always -1. */
int sl_kubeconfig_complain(const struct sl_kubeconfig *kubeconfig, size_t file,
                           const struct sl_field *at, const char *text, struct sl_err *err);

/* Reads what `context` (NULL: current-context) says into `config`, whose arena is filled even on
 * failure. Reads no file. Errors: INVALID. */
SL_MUST_USE int sl_kubeconfig_choose(const struct sl_kubeconfig *kubeconfig, const char *context,
                                     struct sl_kube_config *config,
                                     struct sl_kubeconfig_files *ret_files, struct sl_err *err);

#endif
