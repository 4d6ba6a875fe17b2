/* How to reach a cluster: a kubeconfig, or what a pod finds in itself.
 *
 * Read: kubeconfig files (YAML or JSON, v1), several in $KUBECONFIG merged as client-go does (the
 * first that says something wins; relative paths are of the file that names them), contexts, files
 * and inline data for CA, client certificate and key, token, tokenFile, basic auth,
 * insecure-skip-tls-verify, tls-server-name, proxy-url. `exec`, `auth-provider` and impersonation
 * (`as`, …) are refused with a sentence that says what to use instead. In a pod:
 * KUBERNETES_SERVICE_HOST and _PORT, and the service account's token, ca.crt and namespace.
 *
 * Secrets stay in memory, are wiped when released (the YAML parser's own copies are not), and are
 * never part of an error's sentence.
 * Source: k8s.io/client-go/tools/clientcmd and rest.InClusterConfig. One thread.
 */
#ifndef SL_KUBE_CONFIG_H
#define SL_KUBE_CONFIG_H

#include "base/arena.h"
#include "base/err.h"

struct sl_kube_config {
    struct sl_arena arena;   /* holds every text below; wiped by the cleanup */
    const char *server;      /* "https://10.0.0.1:6443", no slash at the end */
    const char *ns;          /* of the context; "default" */
    struct sl_str ca;        /* PEM; absent: the system's */
    struct sl_str cert, key; /* PEM; absent: none */
    const char *token;       /* NULL: none */
    const char
        *token_file; /* NULL: none; before `token`; read again when it changes, or a minute old */
    const char *user, *password; /* basic auth; NULL: none */
    const char *server_name;     /* for SNI and verification; NULL: the host */
    const char *proxy;           /* NULL: none of the configuration's own */
    bool insecure;
    const char *context; /* name, for messages; "in-cluster" */
};

struct sl_kube_config_options {
    const char
        *kubeconfig;     /* --kubeconfig; NULL: $KUBECONFIG, in a pod the pod's, ~/.kube/config */
    const char *context; /* --context; NULL: current-context */
    const char
        *service_account; /* directory; NULL: /var/run/secrets/kubernetes.io/serviceaccount */
};

/* Errors: NOT_FOUND (no configuration anywhere: says where was looked), INVALID "FILE:LINE:COLUMN:
 * …" or what is missing, DENIED. The environment is read: KUBECONFIG, HOME, KUBERNETES_SERVICE_*.
 */
SL_MUST_USE int sl_kube_config_load(const struct sl_kube_config_options *options,
                                    struct sl_kube_config *ret_config, struct sl_err *err);
void sl_kube_config_cleanup(struct sl_kube_config *config);

#endif
