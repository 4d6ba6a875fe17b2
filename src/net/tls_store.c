/* Publishes the newest good pair to handshakes (tls_store.h, tls_store_gnutls.h).
 *
 * The role's loop reloads; the server's threads read. Between them is one pointer to an immutable
 * pair: a reader takes a reference under the lock and is done with it.
 */
#include "net/tls_store.h"

#include <pthread.h>
#include <string.h>

#include "net/tls_client.h"
#include "net/tls_pair.h"

struct sl_tls_store {
    char *directory;
    char *client_ca;     /* NULL: clients are not asked */
    char **client_names; /* NULL-ended; NULL: any */

    pthread_mutex_t lock; /* guards what follows; held for a few instructions, no other inside it */
    struct sl_tls_pair *served;
    uint64_t reloads, failures;
    bool current;
};

static char *copy_text(const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);
    if (text != NULL && copy == NULL) {
        abort();
    }
    return copy;
}

static char **copy_names(const char *const *names)
{
    if (names == NULL) {
        return NULL;
    }
    size_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    char **copy = calloc(count + 1, sizeof *copy);
    if (copy == NULL) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        copy[i] = copy_text(names[i]);
    }
    return copy;
}

int sl_tls_store_open(const struct sl_tls_options *options, int64_t now,
                      struct sl_tls_store **ret_store, struct sl_err *err)
{
    struct sl_tls_pair *first = NULL;
    if (sl_tls_pair_load(options->directory, options->client_ca, now, NULL, &first, err) < 0) {
        return -1;
    }
    struct sl_tls_store *store = calloc(1, sizeof *store);
    if (store == NULL || pthread_mutex_init(&store->lock, NULL) != 0) {
        abort();
    }
    store->directory = copy_text(options->directory);
    store->client_ca = copy_text(options->client_ca);
    store->client_names = copy_names(options->client_names);
    store->served = first;
    store->current = true;
    *ret_store = store;
    return 0;
}

void sl_tls_store_close(struct sl_tls_store *store)
{
    if (store == NULL) {
        return;
    }
    sl_tls_pair_release(store->served);
    for (char **name = store->client_names; name != NULL && *name != NULL; name++) {
        free(*name);
    }
    free(store->client_names);
    free(store->client_ca);
    free(store->directory);
    (void)pthread_mutex_destroy(&store->lock);
    free(store);
}

int sl_tls_store_reload(struct sl_tls_store *store, int64_t now, bool *ret_changed,
                        struct sl_err *err)
{
    struct sl_tls_pair *fresh = NULL;
    /* `served` is read without the lock: only reloads write it, and there is one at a time */
    int result =
        sl_tls_pair_load(store->directory, store->client_ca, now, store->served, &fresh, err);
    struct sl_tls_pair *retired = NULL;
    (void)pthread_mutex_lock(&store->lock);
    store->current = result == 0;
    if (result < 0) {
        store->failures++;
    } else if (fresh != NULL) {
        retired = store->served;
        store->served = fresh;
        store->reloads++;
    }
    (void)pthread_mutex_unlock(&store->lock);
    sl_tls_pair_release(retired);
    if (result == 0) {
        *ret_changed = fresh != NULL;
    }
    return result;
}

void sl_tls_store_info(struct sl_tls_store *store, struct sl_tls_info *ret_info)
{
    (void)pthread_mutex_lock(&store->lock);
    struct sl_tls_info info = {
        .not_after = store->served->not_after,
        .reloads = store->reloads,
        .failures = store->failures,
        .current = store->current,
    };
    memcpy(info.serial, store->served->serial, sizeof info.serial);
    (void)pthread_mutex_unlock(&store->lock);
    *ret_info = info;
}

struct sl_tls_pair *sl_tls_store_acquire(struct sl_tls_store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    struct sl_tls_pair *pair = store->served;
    (void)atomic_fetch_add(&pair->references, 1);
    (void)pthread_mutex_unlock(&store->lock);
    return pair;
}

bool sl_tls_store_asks_client(const struct sl_tls_store *store)
{
    return store->client_ca != NULL;
}

int sl_tls_store_verify_client(struct sl_tls_store *store, gnutls_session_t session, int64_t now,
                               struct sl_err *err)
{
    if (!sl_tls_store_asks_client(store)) {
        return 0;
    }
    unsigned count = 0;
    const gnutls_datum_t *peers = gnutls_certificate_get_peers(session, &count);
    SL_AUTO(sl_tls_pair) struct sl_tls_pair *pair = sl_tls_store_acquire(store);
    const char *const *names = (const char *const *)store->client_names;
    return sl_tls_client_check(pair->clients, names, peers, count, now, err);
}
