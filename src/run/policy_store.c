/* The snapshot in force (policy_store.h). */
#include "run/policy_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct sl_policies {
    atomic_uint references;
    int64_t loaded;
    struct sl_snapshot *snapshot;
};

struct sl_policy_store {
    pthread_mutex_t mutex;        /* guards in_force */
    struct sl_policies *in_force; /* the store's own reference */
};

/* With one reference. */
static struct sl_policies *wrap(struct sl_snapshot *snapshot, int64_t loaded)
{
    struct sl_policies *policies = malloc(sizeof *policies);
    if (policies == NULL) {
        abort();
    }
    *policies = (struct sl_policies){.loaded = loaded, .snapshot = snapshot};
    atomic_init(&policies->references, 1);
    return policies;
}

void sl_policies_release(struct sl_policies *policies)
{
    if (policies != NULL && atomic_fetch_sub(&policies->references, 1) == 1) {
        sl_snapshot_close(policies->snapshot);
        free(policies);
    }
}

const struct sl_snapshot *sl_policies_snapshot(const struct sl_policies *policies)
{
    return policies->snapshot;
}

struct sl_policy_store *sl_policy_store_open(void)
{
    struct sl_policy_store *store = calloc(1, sizeof *store);
    if (store == NULL || pthread_mutex_init(&store->mutex, NULL) != 0) {
        abort();
    }
    struct sl_snapshot *empty = sl_snapshot_open();
    sl_snapshot_seal(empty);
    store->in_force = wrap(empty, 0);
    return store;
}

void sl_policy_store_close(struct sl_policy_store *store)
{
    if (store == NULL) {
        return;
    }
    sl_policies_release(store->in_force);
    (void)pthread_mutex_destroy(&store->mutex);
    free(store);
}

struct sl_policies *sl_policy_store_acquire(struct sl_policy_store *store)
{
    (void)pthread_mutex_lock(&store->mutex);
    struct sl_policies *policies = store->in_force;
    atomic_fetch_add(&policies->references, 1);
    (void)pthread_mutex_unlock(&store->mutex);
    return policies;
}

void sl_policy_store_swap(struct sl_policy_store *store, struct sl_snapshot *snapshot, int64_t now)
{
    struct sl_policies *fresh = wrap(snapshot, now);
    (void)pthread_mutex_lock(&store->mutex);
    struct sl_policies *replaced = store->in_force;
    store->in_force = fresh;
    (void)pthread_mutex_unlock(&store->mutex);
    sl_policies_release(replaced); /* outside the lock: it may free a whole snapshot */
}

int64_t sl_policy_store_loaded(struct sl_policy_store *store)
{
    SL_AUTO(sl_policies) struct sl_policies *policies = sl_policy_store_acquire(store);
    return policies->loaded;
}
