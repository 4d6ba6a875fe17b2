/* The targets of traffic (pods.h), in one array that is sorted by uid. */
#include "run/traffic/pods.h"

#include <stdlib.h>
#include <string.h>

struct sl_traffic_pods {
    struct sl_traffic_pod **items; /* by uid */
    size_t count, room;
    size_t waiting; /* for a budget: mostly none, and then a change concerns none */
};

static void pod_free(struct sl_traffic_pod *pod)
{
    free(pod->ns);
    free(pod->name);
    free(pod->uid);
    free(pod->policy);
    free(pod);
}

struct sl_traffic_pods *sl_traffic_pods_open(void)
{
    struct sl_traffic_pods *pods = calloc(1, sizeof *pods);
    if (pods == NULL) {
        abort();
    }
    return pods;
}

void sl_traffic_pods_close(struct sl_traffic_pods *pods)
{
    if (pods == NULL) {
        return;
    }
    for (size_t i = 0; i < pods->count; i++) {
        pod_free(pods->items[i]);
    }
    free(pods->items);
    free(pods);
}

size_t sl_traffic_pods_count(const struct sl_traffic_pods *pods)
{
    return pods->count;
}

struct sl_traffic_pod *sl_traffic_pods_at(const struct sl_traffic_pods *pods, size_t index)
{
    return pods->items[index];
}

/* The index of the first that is not before `uid`. */
static size_t lower_bound(const struct sl_traffic_pods *pods, const char *uid)
{
    size_t low = 0;
    size_t high = pods->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(pods->items[middle]->uid, uid) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct sl_traffic_pods *pods, size_t at, const char *uid)
{
    return at < pods->count && strcmp(pods->items[at]->uid, uid) == 0;
}

struct sl_traffic_pod *sl_traffic_pods_find(const struct sl_traffic_pods *pods, const char *uid)
{
    size_t at = lower_bound(pods, uid);
    return is_at(pods, at, uid) ? pods->items[at] : NULL;
}

static char *copy(const char *text)
{
    char *made = strdup(text);
    if (made == NULL) {
        abort();
    }
    return made;
}

static void insert(struct sl_traffic_pods *pods, size_t at, const struct sl_record *record)
{
    struct sl_traffic_pod *pod = calloc(1, sizeof *pod);
    if (pods->count == pods->room) {
        pods->room = pods->room == 0 ? 16 : 2 * pods->room;
        pods->items = reallocarray(pods->items, pods->room, sizeof(struct sl_traffic_pod *));
    }
    if (pod == NULL || pods->items == NULL) {
        abort();
    }
    pod->ns = copy(record->ns);
    pod->name = copy(record->name);
    pod->uid = copy(record->uid);
    pod->due = (struct sl_due)SL_DUE_INIT;
    memmove(&pods->items[at + 1], &pods->items[at],
            (pods->count - at) * sizeof(struct sl_traffic_pod *));
    pods->items[at] = pod;
    pods->count++;
}

void sl_traffic_pods_add(struct sl_traffic_pods *pods, const struct sl_record *pod)
{
    size_t at = lower_bound(pods, pod->uid);
    if (!is_at(pods, at, pod->uid)) {
        insert(pods, at, pod);
    }
    pods->items[at]->gone = false;
    pods->items[at]->due.dirty = true;
}

void sl_traffic_pods_gone(struct sl_traffic_pods *pods, const char *uid)
{
    struct sl_traffic_pod *pod = sl_traffic_pods_find(pods, uid);
    if (pod != NULL) {
        pod->gone = true;
    }
}

void sl_traffic_pods_budget_changed(struct sl_traffic_pods *pods, const char *ns)
{
    for (size_t i = 0; i < pods->count && pods->waiting > 0; i++) {
        if (pods->items[i]->waits && strcmp(pods->items[i]->ns, ns) == 0) {
            pods->items[i]->due.dirty = true;
        }
    }
}

void sl_traffic_pods_set_waits(struct sl_traffic_pods *pods, struct sl_traffic_pod *pod, bool waits)
{
    pods->waiting -= pod->waits;
    pods->waiting += waits;
    pod->waits = waits;
}

void sl_traffic_pods_runs_changed(struct sl_traffic_pods *pods, const char *ns)
{
    for (size_t i = 0; i < pods->count; i++) {
        if (pods->items[i]->by_run && strcmp(pods->items[i]->ns, ns) == 0) {
            pods->items[i]->due.dirty = true;
        }
    }
}

void sl_traffic_pods_sweep(struct sl_traffic_pods *pods,
                           void (*forget)(void *ctx, const struct sl_traffic_pod *pod), void *ctx)
{
    size_t kept = 0;
    for (size_t i = 0; i < pods->count; i++) {
        struct sl_traffic_pod *pod = pods->items[i];
        if (pod->gone && pod->due.under_way == 0) {
            forget(ctx, pod);
            sl_traffic_pods_set_waits(pods, pod, false);
            pod_free(pod);
        } else {
            pods->items[kept++] = pod;
        }
    }
    pods->count = kept;
}
