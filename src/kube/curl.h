/* libcurl, loaded and initialised when the first client is opened (client.c), and never unloaded:
 * linked, it and the libraries that it needs would cost a role that makes no request some 2 MiB.
 *
 *     sl_curl.easy_setopt(easy, CURLOPT_URL, url)      is curl_easy_setopt(easy, CURLOPT_URL, url)
 *
 * curl's own checks of the options' types are macros around functions that are linked, and off: a
 * number is given as long (or curl_off_t), as the manual has it.
 *
 * Threads: any; the table does not change once sl_curl_load() succeeded.
 */
#ifndef SL_KUBE_CURL_H
#define SL_KUBE_CURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/cleanup.h"
#include "base/err.h"

/* What is used of it, without the "curl_". */
#define SL_CURL_FUNCTIONS(X)                                                                       \
    X(easy_cleanup)                                                                                \
    X(easy_getinfo)                                                                                \
    X(easy_init)                                                                                   \
    X(easy_setopt)                                                                                 \
    X(easy_strerror)                                                                               \
    X(free)                                                                                        \
    X(global_init)                                                                                 \
    X(global_sslset)                                                                               \
    X(multi_add_handle)                                                                            \
    X(multi_cleanup)                                                                               \
    X(multi_info_read)                                                                             \
    X(multi_init)                                                                                  \
    X(multi_perform)                                                                               \
    X(multi_poll)                                                                                  \
    X(multi_remove_handle)                                                                         \
    X(multi_setopt)                                                                                \
    X(multi_socket_action)                                                                         \
    X(slist_append)                                                                                \
    X(slist_free_all)                                                                              \
    X(url)                                                                                         \
    X(url_cleanup)                                                                                 \
    X(url_get)                                                                                     \
    X(url_set)                                                                                     \
    X(version_info)

struct sl_curl {
#define SL_CURL_POINTER(name) __typeof__(curl_##name) *(name);
    SL_CURL_FUNCTIONS(SL_CURL_POINTER)
#undef SL_CURL_POINTER
};
extern struct sl_curl sl_curl; /* NULLs before sl_curl_load() */

/* The first call fills `sl_curl`; all others have its result. Errors: INTERNAL, where libcurl is
 * missing, too old, or uses another TLS library than OpenSSL: certificates and keys are given to it
 * in memory, which not all take. */
SL_MUST_USE int sl_curl_load(struct sl_err *err);

#endif
