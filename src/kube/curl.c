/* Loading libcurl (curl.h). */
#include "kube/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define FILE_NAME "libcurl.so.4"
#define PACKAGE "the package libcurl4 of Debian"
#define VERSION_LEAST 0x075500 /* 7.85: CURLOPT_PROTOCOLS_STR */

struct sl_curl sl_curl;

/* Of the one attempt that a process makes. */
static pthread_once_t attempt = PTHREAD_ONCE_INIT;
static struct sl_err failure = SL_ERR_INIT;

static int find_functions(void *library, struct sl_err *err)
{
    static const struct {
        const char *name;
        size_t at;
    } rows[] = {
#define ROW(name) {"curl_" #name, offsetof(struct sl_curl, name)},
        SL_CURL_FUNCTIONS(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *found = dlsym(library, rows[i].name);
        if (found == NULL) {
            return sl_err_set(err, SL_ERR_INTERNAL,
                              FILE_NAME " has no %s: another one than that of " PACKAGE
                                        " was found",
                              rows[i].name);
        }
        memcpy((char *)&sl_curl + rows[i].at, &found, sizeof found);
    }
    return 0;
}

static int initialise(struct sl_err *err)
{
    const curl_version_info_data *info = sl_curl.version_info(CURLVERSION_NOW);
    if (info->version_num < VERSION_LEAST) {
        return sl_err_set(err, SL_ERR_INTERNAL, FILE_NAME " is version %s, but 7.85 is needed",
                          info->version);
    }
    /* Where libcurl was built with several, this chooses. */
    if (sl_curl.global_sslset(CURLSSLBACKEND_OPENSSL, NULL, NULL) != CURLSSLSET_OK) {
        return sl_err_set(err, SL_ERR_INTERNAL,
                          FILE_NAME " uses %s for TLS, but OpenSSL is needed: install " PACKAGE,
                          info->ssl_version == NULL ? "nothing" : info->ssl_version);
    }
    if (sl_curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return sl_err_set(err, SL_ERR_INTERNAL, "libcurl could not be initialised");
    }
    return 0;
}

static void load(void)
{
    void *library = dlopen(FILE_NAME, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        (void)sl_err_set(&failure, SL_ERR_INTERNAL,
                         "requests to the API server need libcurl, " PACKAGE ": %s", dlerror());
    } else if (find_functions(library, &failure) == 0) {
        (void)initialise(&failure);
    }
}

int sl_curl_load(struct sl_err *err)
{
    (void)pthread_once(&attempt, load);
    return failure.kind == SL_ERR_NONE ? 0 : sl_err_set(err, failure.kind, "%s", failure.msg);
}
