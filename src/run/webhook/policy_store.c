/* The snapshots in force (policy_store.h). */
#include "run/webhook/policy_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* One immutable snapshot of either sort: several sl_policies in a row share it while only the other
 * sort changes. */
struct shared {
    atomic_uint references;
    void *value;
    void (*close)(void *value);
};

struct sl_policies {
    atomic_uint references;
    int64_t loaded;
    struct shared *snapshot, *handovers;
};

struct sl_policy_store {
    pthread_mutex_t mutex;        /* guards in_force */
    struct sl_policies *in_force; /* the store's own reference */
};

static void close_snapshot(void *snapshot)
{
    sl_snapshot_close(snapshot);
}

static void close_handovers(void *handovers)
{
    sl_handovers_close(handovers);
}

/* With one reference. */
static struct shared *share(void *value, void (*close)(void *value))
{
    struct shared *shared = malloc(sizeof *shared);
    if (shared == NULL) {
        abort();
    }
    *shared = (struct shared){.value = value, .close = close};
    atomic_init(&shared->references, 1);
    return shared;
}

static struct shared *keep(struct shared *shared)
{
    atomic_fetch_add(&shared->references, 1);
    return shared;
}

static void drop(struct shared *shared)
{
    if (atomic_fetch_sub(&shared->references, 1) == 1) {
        shared->close(shared->value);
        free(shared);
    }
}

/* With one reference; takes over those of its parts. */
static struct sl_policies *wrap(struct shared *snapshot, int64_t loaded, struct shared *handovers)
{
    struct sl_policies *policies = malloc(sizeof *policies);
    if (policies == NULL) {
        abort();
    }
    *policies =
        (struct sl_policies){.loaded = loaded, .snapshot = snapshot, .handovers = handovers};
    atomic_init(&policies->references, 1);
    return policies;
}

void sl_policies_release(struct sl_policies *policies)
{
    if (policies != NULL && atomic_fetch_sub(&policies->references, 1) == 1) {
        drop(policies->snapshot);
        drop(policies->handovers);
        free(policies);
    }
}

const struct sl_snapshot *sl_policies_snapshot(const struct sl_policies *policies)
{
    return policies->snapshot->value;
}

const struct sl_handovers *sl_policies_handovers(const struct sl_policies *policies)
{
    return policies->handovers->value;
}

struct sl_policy_store *sl_policy_store_open(void)
{
    struct sl_policy_store *store = calloc(1, sizeof *store);
    if (store == NULL || pthread_mutex_init(&store->mutex, NULL) != 0) {
        abort();
    }
    struct sl_snapshot *empty = sl_snapshot_open();
    sl_snapshot_seal(empty);
    store->in_force =
        wrap(share(empty, close_snapshot), 0, share(sl_handovers_open(), close_handovers));
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

static void replace(struct sl_policy_store *store, struct sl_policies *fresh)
{
    (void)pthread_mutex_lock(&store->mutex);
    struct sl_policies *replaced = store->in_force;
    store->in_force = fresh;
    (void)pthread_mutex_unlock(&store->mutex);
    sl_policies_release(replaced); /* outside the lock: it may free a whole snapshot */
}

/* Only the one thread that swaps changes in_force, so it reads it without the lock. */
void sl_policy_store_swap(struct sl_policy_store *store, struct sl_snapshot *snapshot, int64_t now)
{
    replace(store, wrap(share(snapshot, close_snapshot), now, keep(store->in_force->handovers)));
}

void sl_policy_store_swap_handovers(struct sl_policy_store *store, struct sl_handovers *handovers)
{
    replace(store, wrap(keep(store->in_force->snapshot), store->in_force->loaded,
                        share(handovers, close_handovers)));
}

int64_t sl_policy_store_loaded(struct sl_policy_store *store)
{
    SL_AUTO(sl_policies) struct sl_policies *policies = sl_policy_store_acquire(store);
    return policies->loaded;
}
