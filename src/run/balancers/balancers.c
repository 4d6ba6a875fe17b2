/* The balancers of all policies (balancers.h): which there are, which members each is wanted to
 * have, and whose turn it is. What a balancer is told and says is its kind's (kind.h). */
#include "run/balancers/balancers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/file.h"
#include "run/balancers/kind.h"

#define TOLD_MAX (64 * SL_MIB) /* of uids, in one turn */

/* How long the members of a balancer that came later may take to be wanted: its policy's pods are
 * planned one after the other. */
#define SETTLES_IN (10 * SL_NS_PER_S)

/* The table of kinds. */
static const struct sl_balancer_kind *const kinds[] = {
    &sl_balancer_haproxy,
    &sl_balancer_external,
    &sl_balancer_webhook,
};

struct sl_balancers {
    struct sl_balancers_options options;
    struct sl_balancer **items; /* by namespace, policy, index: those that leave are last */
    size_t count, room;
    int epoll;
    bool complete;
    uint64_t opened; /* so far */
    uint64_t random;
    struct sl_buf told; /* uids of members that are another now, each with its NUL */
};

struct sl_balancers *sl_balancers_open(const struct sl_balancers_options *options)
{
    struct sl_balancers *balancers = calloc(1, sizeof *balancers);
    if (balancers == NULL) {
        abort();
    }
    balancers->options = *options;
    balancers->random = options->seed;
    balancers->told = (struct sl_buf)SL_BUF_INIT(TOLD_MAX);
    balancers->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (balancers->epoll < 0) {
        abort(); /* at the start: there is no descriptor left for anything */
    }
    return balancers;
}

void sl_balancers_close(struct sl_balancers *balancers)
{
    if (balancers == NULL) {
        return;
    }
    for (size_t i = 0; i < balancers->count; i++) {
        sl_balancer_close(balancers->items[i]);
    }
    free(balancers->items);
    sl_buf_cleanup(&balancers->told);
    sl_fd_cleanup(&balancers->epoll);
    free(balancers);
}

int sl_balancers_epoll(const struct sl_balancers *balancers)
{
    return balancers->epoll;
}

uint64_t *sl_balancers_random(struct sl_balancers *balancers)
{
    return &balancers->random;
}

const struct sl_balancer *sl_balancers_at(const struct sl_balancers *balancers, size_t index)
{
    return index < balancers->count ? balancers->items[index] : NULL;
}

/* --- which there are --- */

static int compare_place(struct sl_str ns_a, struct sl_str policy_a, const struct sl_balancer *b)
{
    int order = sl_str_cmp(ns_a, sl_str_from(b->ns));
    return order != 0 ? order : sl_str_cmp(policy_a, sl_str_from(b->policy));
}

static int compare(const void *a_, const void *b_)
{
    const struct sl_balancer *a = *(struct sl_balancer *const *)a_;
    const struct sl_balancer *b = *(struct sl_balancer *const *)b_;
    int order = compare_place(sl_str_from(a->ns), sl_str_from(a->policy), b);
    if (order != 0) {
        return order;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

/* The index of the first of a policy, or where it would be. */
static size_t lower_bound(const struct sl_balancers *balancers, struct sl_str ns,
                          struct sl_str policy)
{
    size_t low = 0;
    size_t high = balancers->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_place(ns, policy, balancers->items[middle]) > 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Those of a policy stand together, in the order of their indexes. */
static struct sl_balancer *find(const struct sl_balancers *balancers, struct sl_str ns,
                                struct sl_str policy, size_t index)
{
    size_t at = lower_bound(balancers, ns, policy) + index;
    bool found = at < balancers->count && balancers->items[at]->index == index &&
                 compare_place(ns, policy, balancers->items[at]) == 0;
    return found ? balancers->items[at] : NULL;
}

static void add(struct sl_balancers *balancers, struct sl_balancer *balancer)
{
    if (balancers->count == balancers->room) {
        balancers->room = balancers->room == 0 ? 16 : 2 * balancers->room;
        balancers->items =
            reallocarray(balancers->items, balancers->room, sizeof(struct sl_balancer *));
        if (balancers->items == NULL) {
            abort();
        }
    }
    balancers->items[balancers->count++] = balancer;
}

static void look(struct sl_balancer *balancer, int64_t now)
{
    balancer->idle = false;
    if (balancer->kind->wanted != NULL) {
        balancer->kind->wanted(balancer, now);
    }
}

static const struct sl_balancer_kind *kind_of(const struct sl_load_balancer *spec)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i]->is(spec)) {
            return kinds[i];
        }
    }
    return &sl_balancer_external; /* a valid policy has no such: nothing is done about it */
}

/* One of items[first] to items[end] that was there before, and is not taken by another index yet:
 * it keeps what it knows. */
static struct sl_balancer *find_same(const struct sl_balancers *balancers, size_t first, size_t end,
                                     const char *key)
{
    for (size_t i = first; i < end; i++) {
        struct sl_balancer *balancer = balancers->items[i];
        if (balancer->index == SL_BALANCER_LEAVING && strcmp(balancer->key, key) == 0) {
            return balancer;
        }
    }
    return NULL;
}

/* The balancer of a spec: one of items[first] to items[end], or a new one behind all of them. */
static struct sl_balancer *balancer_of(struct sl_balancers *balancers, size_t first, size_t end,
                                       struct sl_str ns, struct sl_str policy,
                                       const struct sl_load_balancer *spec, int64_t now)
{
    const struct sl_balancer_kind *kind = kind_of(spec);
    SL_AUTO(sl_free) char *key = sl_balancer_key(kind, spec);
    struct sl_balancer *balancer = find_same(balancers, first, end, key);
    if (balancer != NULL) {
        sl_balancer_respec(balancer, spec);
        return balancer;
    }
    balancer = sl_balancer_open(balancers, kind, ns, policy, spec);
    balancer->settles = balancers->complete ? now + SETTLES_IN : INT64_MIN;
    balancer->serial = ++balancers->opened;
    add(balancers, balancer);
    return balancer;
}

void sl_balancers_policy(struct sl_balancers *balancers, struct sl_str ns, struct sl_str name,
                         const struct sl_traffic_policy *policy, int64_t now)
{
    size_t first = lower_bound(balancers, ns, name);
    size_t end = first;
    for (; end < balancers->count && compare_place(ns, name, balancers->items[end]) == 0; end++) {
        struct sl_balancer *balancer = balancers->items[end];
        balancer->leaves =
            balancer->index == SL_BALANCER_LEAVING ? balancer->leaves : now + SL_BALANCER_LINGER;
        balancer->index = SL_BALANCER_LEAVING;
    }
    size_t count = policy == NULL ? 0 : policy->load_balancers.count;
    const struct sl_load_balancer *specs = policy == NULL ? NULL : policy->load_balancers.items;
    for (size_t i = 0; i < count; i++) {
        struct sl_balancer *balancer = balancer_of(balancers, first, end, ns, name, &specs[i], now);
        balancer->index = i;
        look(balancer, now);
    }
    for (size_t i = first; i < end; i++) {
        if (balancers->items[i]->index == SL_BALANCER_LEAVING) {
            sl_balancer_want_none(balancers->items[i], now);
            look(balancers->items[i], now);
        }
    }
    if (balancers->count > 0) {
        qsort(balancers->items, balancers->count, sizeof(struct sl_balancer *), compare);
    }
}

/* --- what is wanted --- */

void sl_balancers_want(struct sl_balancers *balancers, struct sl_str ns, struct sl_str policy,
                       size_t index, const struct sl_member_want *want, int64_t now)
{
    struct sl_balancer *balancer = find(balancers, ns, policy, index);
    if (balancer != NULL && balancer->kind->turn != NULL && sl_balancer_want(balancer, want, now)) {
        look(balancer, now);
    }
}

void sl_balancers_complete(struct sl_balancers *balancers)
{
    balancers->complete = true;
    for (size_t i = 0; i < balancers->count; i++) {
        balancers->items[i]->idle = false;
    }
}

void sl_balancers_forget(struct sl_balancers *balancers, const char *uid, int64_t now)
{
    const struct sl_member_want want = {
        .uid = uid, .pod = "", .address = "", .weight = SL_WEIGHT_GONE};
    for (size_t i = 0; i < balancers->count; i++) {
        if (sl_balancer_want(balancers->items[i], &want, now)) {
            look(balancers->items[i], now);
        }
    }
}

/* --- what is known --- */

void sl_balancers_member(const struct sl_balancers *balancers, struct sl_str ns,
                         struct sl_str policy, size_t index, const char *uid,
                         struct sl_member *ret_member)
{
    const struct sl_balancer *balancer = find(balancers, ns, policy, index);
    const struct sl_balancer_member *member =
        balancer == NULL ? NULL : sl_balancer_find(balancer, uid);
    *ret_member = (struct sl_member){.sessions = -1, .trouble = ""};
    if (member != NULL) {
        *ret_member = member->is;
        ret_member->leaving = member->weight != SL_WEIGHT_IN;
    }
}

/* The index-th of those that policies have. */
static const struct sl_balancer *nth(const struct sl_balancers *balancers, size_t index)
{
    for (size_t i = 0; i < balancers->count; i++) {
        if (balancers->items[i]->index != SL_BALANCER_LEAVING && index-- == 0) {
            return balancers->items[i];
        }
    }
    return NULL;
}

bool sl_balancers_health(const struct sl_balancers *balancers, size_t index,
                         struct sl_balancer_health *ret_health)
{
    const struct sl_balancer *balancer = nth(balancers, index);
    if (balancer == NULL) {
        return false;
    }
    *ret_health = (struct sl_balancer_health){
        .ns = balancer->ns,
        .policy = balancer->policy,
        .name = balancer->spec.name.p,
        .kind = balancer->kind->name,
        .answers = balancer->answers,
        .trouble = balancer->trouble == NULL ? "" : balancer->trouble,
        .since = balancer->since,
        .corrections = balancer->corrections,
        .sessions = balancer->kind->turn == NULL ? -1 : 0,
    };
    for (size_t i = 0; i < balancer->count; i++) {
        const struct sl_member *is = &balancer->members[i]->is;
        ret_health->members[is->state]++;
        if (is->state == SL_MEMBER_OUT && ret_health->sessions >= 0) {
            ret_health->sessions = is->sessions < 0 ? -1 : ret_health->sessions + is->sessions;
        }
    }
    return true;
}

/* --- turns --- */

int sl_balancers_fd(const struct sl_balancers *balancers)
{
    return balancers->epoll;
}

void sl_balancers_tell(struct sl_balancers *balancers, const char *uid)
{
    if (uid[0] != '\0') {
        sl_buf_add(&balancers->told, uid, strlen(uid) + 1);
    }
}

void sl_balancers_tell_corrected(struct sl_balancers *balancers, const struct sl_balancer *balancer,
                                 const char *note)
{
    if (balancers->options.corrected != NULL) {
        balancers->options.corrected(balancers->options.ctx, balancer->ns, balancer->policy, note);
    }
}

static int64_t due_of(const struct sl_balancer *balancer)
{
    int64_t due = balancer->kind->due == NULL ? INT64_MAX : balancer->kind->due(balancer);
    return balancer->index == SL_BALANCER_LEAVING && balancer->leaves < due ? balancer->leaves
                                                                            : due;
}

int64_t sl_balancers_due(const struct sl_balancers *balancers)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < balancers->count; i++) {
        int64_t its = due_of(balancers->items[i]);
        due = its < due ? its : due;
    }
    return due;
}

/* Gives up those that leave, and have nothing of ours any more or had their time. */
static void sweep(struct sl_balancers *balancers, int64_t now)
{
    size_t kept = 0;
    for (size_t i = 0; i < balancers->count; i++) {
        struct sl_balancer *balancer = balancers->items[i];
        bool done = balancer->kind->turn == NULL || (balancer->idle && balancer->count == 0) ||
                    now >= balancer->leaves;
        if (balancer->index == SL_BALANCER_LEAVING && done) {
            sl_balancer_close(balancer);
        } else {
            balancers->items[kept++] = balancer;
        }
    }
    balancers->count = kept;
}

/* At the end, when no list is being walked any more: whoever is told may want something else. */
static void tell(struct sl_balancers *balancers)
{
    struct sl_buf told = balancers->told;
    balancers->told = (struct sl_buf)SL_BUF_INIT(TOLD_MAX);
    for (size_t at = 0; at < told.len && balancers->options.changed != NULL;
         at += strlen(told.data + at) + 1) {
        balancers->options.changed(balancers->options.ctx, told.data + at);
    }
    sl_buf_cleanup(&told);
}

void sl_balancers_turn(struct sl_balancers *balancers, int64_t now, int64_t wall)
{
    struct epoll_event events[64];
    int count = epoll_wait(balancers->epoll, events, (int)(sizeof events / sizeof events[0]), 0);
    for (int i = 0; i < count; i++) {
        ((struct sl_balancer *)events[i].data.ptr)->woken = true;
    }
    for (size_t i = 0; i < balancers->count; i++) {
        struct sl_balancer *balancer = balancers->items[i];
        if (balancer->kind->turn != NULL && (balancer->woken || due_of(balancer) <= now)) {
            balancer->woken = false;
            balancer->complete = balancers->complete && now >= balancer->settles;
            balancer->kind->turn(balancer, now, wall);
        }
    }
    sweep(balancers, now);
    tell(balancers);
}
