/* The targets (targets.h), in one sorted array: those of a namespace stand together, and a change
 * concerns no other namespace. */
#include "run/reconciler/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sl_targets {
    struct sl_target **items; /* by namespace, then name */
    size_t count, room;
};

static void target_free(struct sl_target *target)
{
    free(target->ns);
    free(target->name);
    free(target->workload);
    free(target->owners);
    free(target->error);
    free(target);
}

static char *copy(const char *text)
{
    char *made = strdup(text);
    if (made == NULL) {
        abort();
    }
    return made;
}

static int compare(const struct sl_target *target, const char *ns, const char *name)
{
    int order = strcmp(target->ns, ns);
    return order != 0 ? order : strcmp(target->name, name);
}

/* The index of the first target that is not before ns/name. */
static size_t lower_bound(const struct sl_targets *targets, const char *ns, const char *name)
{
    size_t low = 0;
    size_t high = targets->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(targets->items[middle], ns, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct sl_target *insert(struct sl_targets *targets, size_t at, const char *ns,
                                const char *name)
{
    struct sl_target *target = calloc(1, sizeof *target);
    if (targets->count == targets->room) {
        targets->room = targets->room == 0 ? 16 : 2 * targets->room;
        targets->items = reallocarray(targets->items, targets->room, sizeof(struct sl_target *));
    }
    if (target == NULL || targets->items == NULL) {
        abort();
    }
    target->ns = copy(ns);
    target->name = copy(name);
    target->due = (struct sl_due)SL_DUE_INIT;
    memmove(&targets->items[at + 1], &targets->items[at],
            (targets->count - at) * sizeof(struct sl_target *));
    targets->items[at] = target;
    targets->count++;
    return target;
}

static struct sl_target *find_or_insert(struct sl_targets *targets, const char *ns,
                                        const char *name)
{
    size_t at = lower_bound(targets, ns, name);
    if (at < targets->count && compare(targets->items[at], ns, name) == 0) {
        return targets->items[at];
    }
    return insert(targets, at, ns, name);
}

void sl_targets_sweep(struct sl_targets *targets)
{
    size_t kept = 0;
    for (size_t i = 0; i < targets->count; i++) {
        struct sl_target *target = targets->items[i];
        if (target->gone && target->due.under_way == 0) {
            target_free(target);
        } else {
            targets->items[kept++] = target;
        }
    }
    targets->count = kept;
}

struct sl_targets *sl_targets_open(void)
{
    struct sl_targets *targets = calloc(1, sizeof *targets);
    if (targets == NULL) {
        abort();
    }
    return targets;
}

void sl_targets_close(struct sl_targets *targets)
{
    if (targets == NULL) {
        return;
    }
    for (size_t i = 0; i < targets->count; i++) {
        target_free(targets->items[i]);
    }
    free(targets->items);
    free(targets);
}

size_t sl_targets_count(const struct sl_targets *targets)
{
    return targets->count;
}

struct sl_target *sl_targets_at(const struct sl_targets *targets, size_t index)
{
    return targets->items[index];
}

void sl_targets_dirty_all(struct sl_targets *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        targets->items[i]->due.dirty = true;
    }
}

/* --- what a change leads to --- */

char *sl_target_workload(struct sl_str group, struct sl_str kind, struct sl_str name)
{
    char *key = NULL;
    if (asprintf(&key, "%.*s/%.*s/%.*s", SL_STR_FMT(group), SL_STR_FMT(kind), SL_STR_FMT(name)) <
        0) {
        abort();
    }
    return key;
}

static bool is_in(const struct sl_targets *targets, size_t index, const char *ns)
{
    return index < targets->count && strcmp(targets->items[index]->ns, ns) == 0;
}

void sl_targets_workload_changed(struct sl_targets *targets, const char *ns, const char *workload)
{
    for (size_t i = lower_bound(targets, ns, ""); is_in(targets, i, ns); i++) {
        struct sl_target *target = targets->items[i];
        if (target->workload != NULL && strcmp(target->workload, workload) == 0) {
            target->due.dirty = true;
        }
    }
}

void sl_targets_namespace_changed(struct sl_targets *targets, const char *ns)
{
    for (size_t i = lower_bound(targets, ns, ""); is_in(targets, i, ns); i++) {
        targets->items[i]->due.dirty = true;
    }
}

static bool owns(const struct sl_target *target, const char *uid)
{
    const char *at = target->owners == NULL ? "" : target->owners;
    while (at[0] != '\0' && strcmp(at, uid) != 0) {
        at += strlen(at) + 1;
    }
    return at[0] != '\0';
}

void sl_targets_owned_changed(struct sl_targets *targets, const char *ns, const char *owner_uid)
{
    if (owner_uid[0] == '\0') {
        return;
    }
    for (size_t i = lower_bound(targets, ns, ""); is_in(targets, i, ns); i++) {
        if (owns(targets->items[i], owner_uid)) {
            targets->items[i]->due.dirty = true;
        }
    }
}

void sl_target_set_owners(struct sl_target *target, struct sl_buf *uids)
{
    sl_buf_addc(uids, '\0');
    free(target->owners);
    target->owners = uids->overflowed ? NULL : sl_steal(&uids->data);
}

/* Others of the same workload may have become its rivals, or may have lost one. */
static void set_workload(struct sl_targets *targets, struct sl_target *target, char *workload)
{
    target->due.dirty = true;
    if (target->workload != NULL) {
        sl_targets_workload_changed(targets, target->ns, target->workload);
    }
    free(target->workload);
    target->workload = workload;
    if (workload != NULL) {
        sl_targets_workload_changed(targets, target->ns, workload);
    }
}

void sl_targets_rollout(struct sl_targets *targets, const char *ns, const char *name,
                        char *workload)
{
    struct sl_target *target = find_or_insert(targets, ns, name);
    target->gone = false;
    set_workload(targets, target, workload);
}

void sl_targets_rollout_gone(struct sl_targets *targets, const char *ns, const char *name)
{
    struct sl_target *target = find_or_insert(targets, ns, name);
    target->gone = true;
    set_workload(targets, target, NULL);
}

const char *sl_targets_rival(const struct sl_targets *targets, const struct sl_target *target)
{
    if (target->workload == NULL) {
        return NULL;
    }
    for (size_t i = lower_bound(targets, target->ns, ""); targets->items[i] != target; i++) {
        const struct sl_target *other = targets->items[i];
        if (other->workload != NULL && strcmp(other->workload, target->workload) == 0) {
            return other->name;
        }
    }
    return NULL;
}
