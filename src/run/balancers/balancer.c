/* One load balancer of one policy: its members as they are wanted and as they were found (kind.h).
 * What its kind does is in the kind's own file. */
#include "run/balancers/kind.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

static char *copy(struct sl_str text)
{
    char *made = strndup(text.p == NULL ? "" : text.p, text.n);
    if (made == NULL) {
        abort();
    }
    return made;
}

/* --- its members --- */

static int compare(const struct sl_balancer_member *member, const char *uid, const char *pod)
{
    int order = strcmp(member->uid, uid);
    return order != 0 ? order : strcmp(member->pod, pod);
}

/* The index of the first that is not before uid/pod. */
static size_t lower_bound(const struct sl_balancer *balancer, const char *uid, const char *pod)
{
    size_t low = 0;
    size_t high = balancer->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(balancer->members[middle], uid, pod) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct sl_balancer_member *sl_balancer_find(const struct sl_balancer *balancer, const char *uid)
{
    size_t at = lower_bound(balancer, uid, "");
    bool found = at < balancer->count && strcmp(balancer->members[at]->uid, uid) == 0;
    return found ? balancer->members[at] : NULL;
}

static struct sl_balancer_member *insert(struct sl_balancer *balancer, const char *uid,
                                         struct sl_str pod)
{
    struct sl_balancer_member *member = calloc(1, sizeof *member);
    if (balancer->count == balancer->room) {
        balancer->room = balancer->room == 0 ? 16 : 2 * balancer->room;
        balancer->members =
            reallocarray(balancer->members, balancer->room, sizeof(struct sl_balancer_member *));
    }
    if (member == NULL || balancer->members == NULL) {
        abort();
    }
    member->uid = copy(sl_str_from(uid));
    member->pod = copy(pod);
    member->address = copy(SL_STR(""));
    member->is = (struct sl_member){.sessions = -1, .trouble = ""};
    size_t at = lower_bound(balancer, uid, member->pod);
    memmove(&balancer->members[at + 1], &balancer->members[at],
            (balancer->count - at) * sizeof(struct sl_balancer_member *));
    balancer->members[at] = member;
    balancer->count++;
    return member;
}

static void member_free(struct sl_balancer *balancer, struct sl_balancer_member *member)
{
    if (balancer->kind->dropped != NULL) {
        balancer->kind->dropped(balancer, member);
    }
    free(member->uid);
    free(member->pod);
    free(member->address);
    free(member->trouble);
    free(member->place);
    free(member);
}

void sl_balancer_drop(struct sl_balancer *balancer, struct sl_balancer_member *member)
{
    size_t at = lower_bound(balancer, member->uid, member->pod);
    sl_balancers_tell(balancer->set, member->uid);
    member_free(balancer, member);
    balancer->count--;
    memmove(&balancer->members[at], &balancer->members[at + 1],
            (balancer->count - at) * sizeof(struct sl_balancer_member *));
}

static void want_gone(struct sl_balancer_member *member, int64_t now)
{
    member->weight = SL_WEIGHT_GONE;
    member->gone_since = now;
    member->settled = false;
}

struct sl_balancer_member *sl_balancer_stray(struct sl_balancer *balancer, struct sl_str pod,
                                             int64_t now)
{
    for (size_t i = 0; i < balancer->count && balancer->members[i]->uid[0] == '\0'; i++) {
        if (sl_str_is(pod, balancer->members[i]->pod)) {
            return balancer->members[i]; /* it was seen before */
        }
    }
    struct sl_balancer_member *member = insert(balancer, "", pod);
    want_gone(member, now);
    return member;
}

void sl_balancer_want_none(struct sl_balancer *balancer, int64_t now)
{
    for (size_t i = 0; i < balancer->count; i++) {
        if (balancer->members[i]->weight != SL_WEIGHT_GONE) {
            want_gone(balancer->members[i], now);
        }
    }
}

/* What was found before it was told to serve says nothing of what it does since. */
static void doubt(struct sl_balancer_member *member)
{
    bool out = member->is.state == SL_MEMBER_OUT || member->is.state == SL_MEMBER_ABSENT;
    if (member->weight == SL_WEIGHT_IN && out) {
        member->is = (struct sl_member){.sessions = -1, .trouble = member->is.trouble};
    }
}

bool sl_balancer_want(struct sl_balancer *balancer, const struct sl_member_want *want, int64_t now)
{
    struct sl_balancer_member *member = sl_balancer_find(balancer, want->uid);
    if (want->weight == SL_WEIGHT_GONE) {
        if (member == NULL || member->weight == SL_WEIGHT_GONE) {
            return false; /* of one that is there all the same, the kind makes a stray */
        }
        doubt(member);
        want_gone(member, now);
        return true;
    }
    if (member == NULL) {
        member = insert(balancer, want->uid, sl_str_from(want->pod));
    } else if (member->weight == want->weight && strcmp(member->address, want->address) == 0) {
        return false;
    }
    if (strcmp(member->address, want->address) != 0) {
        free(member->address);
        member->address = copy(sl_str_from(want->address));
    }
    doubt(member);
    if (want->weight == SL_WEIGHT_IN && member->is.state == SL_MEMBER_IN) {
        member->is.state = SL_MEMBER_UNKNOWN; /* that was as something else, or on its way out */
    }
    member->weight = want->weight;
    member->settled = false;
    return true;
}

/* --- what is said of them --- */

static bool set_text(char **text, const char *to)
{
    const char *as_is = *text == NULL ? "" : *text;
    const char *wanted = to == NULL ? "" : to;
    if (strcmp(as_is, wanted) == 0) {
        return false;
    }
    free(*text);
    *text = copy(sl_str_from(wanted));
    return true;
}

bool sl_balancer_member_is(struct sl_balancer *balancer, struct sl_balancer_member *member,
                           enum sl_member_state state, int64_t sessions, const char *trouble,
                           int64_t wall)
{
    struct sl_member *is = &member->is;
    /* How busy one is that serves is nobody's business: it would be told of at every look. */
    bool changed = is->state != state || (state == SL_MEMBER_OUT && is->sessions != sessions);
    changed = set_text(&member->trouble, trouble) || changed;
    if (state != SL_MEMBER_OUT) {
        is->out_since = 0;
    } else if (is->state != SL_MEMBER_OUT) {
        is->out_since = wall;
    }
    is->state = state;
    is->sessions = sessions;
    is->trouble = member->trouble == NULL ? "" : member->trouble;
    if (changed) {
        sl_balancers_tell(balancer->set, member->uid);
    }
    return changed;
}

void sl_balancer_forget_all(struct sl_balancer *balancer, int64_t now, int64_t wall)
{
    for (size_t i = balancer->count; i > 0; i--) {
        struct sl_balancer_member *member = balancer->members[i - 1];
        if (sl_balancer_lingered(member, now)) {
            sl_balancer_drop(balancer, member);
        } else {
            (void)sl_balancer_member_is(balancer, member, SL_MEMBER_UNKNOWN, -1, balancer->trouble,
                                        wall);
        }
    }
}

void sl_balancer_answers(struct sl_balancer *balancer, const char *trouble, int64_t wall)
{
    bool answers = trouble == NULL || trouble[0] == '\0';
    if (balancer->since == 0 || balancer->answers != answers) {
        balancer->since = wall;
    }
    balancer->answers = answers;
    (void)set_text(&balancer->trouble, trouble);
}

void sl_balancer_corrected(struct sl_balancer *balancer, const char *note)
{
    balancer->corrections++;
    sl_balancers_tell_corrected(balancer->set, balancer, note);
}

void sl_balancer_watch(struct sl_balancer *balancer, int fd, uint32_t events)
{
    int epoll = sl_balancers_epoll(balancer->set);
    struct epoll_event event = {.events = events, .data.ptr = balancer};
    if (events == 0) {
        (void)epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
    } else if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) != 0) {
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

/* --- itself --- */

char *sl_balancer_key(const struct sl_balancer_kind *kind, const struct sl_load_balancer *spec)
{
    struct sl_buf key = SL_BUF_INIT(16 * SL_KIB);
    sl_buf_adds(&key, kind->name);
    sl_buf_addc(&key, ' ');
    kind->key(spec, &key);
    return key.data;
}

void sl_balancer_respec(struct sl_balancer *balancer, const struct sl_load_balancer *spec)
{
    struct sl_arena *arena = &balancer->arena;
    sl_arena_reset(arena);
    struct sl_load_balancer *own = &balancer->spec;
    *own = *spec;
    own->name = sl_arena_str(arena, spec->name);
    own->haproxy.address = sl_arena_str(arena, spec->haproxy.address);
    own->haproxy.backend = sl_arena_str(arena, spec->haproxy.backend);
    own->haproxy.server_template = sl_arena_str(arena, spec->haproxy.server_template);
    own->webhook.url = sl_arena_str(arena, spec->webhook.url);
}

struct sl_balancer *sl_balancer_open(struct sl_balancers *balancers,
                                     const struct sl_balancer_kind *kind, struct sl_str ns,
                                     struct sl_str policy, const struct sl_load_balancer *spec)
{
    struct sl_balancer *balancer = calloc(1, sizeof *balancer);
    if (balancer == NULL) {
        abort();
    }
    balancer->set = balancers;
    balancer->kind = kind;
    balancer->ns = copy(ns);
    balancer->policy = copy(policy);
    balancer->key = sl_balancer_key(kind, spec);
    balancer->random = sl_balancers_random(balancers);
    balancer->answers = true;
    sl_balancer_respec(balancer, spec);
    if (kind->open != NULL) {
        kind->open(balancer);
    }
    return balancer;
}

void sl_balancer_close(struct sl_balancer *balancer)
{
    if (balancer->kind->close != NULL) {
        balancer->kind->close(balancer);
    }
    for (size_t i = 0; i < balancer->count; i++) {
        member_free(balancer, balancer->members[i]);
    }
    free(balancer->members);
    free(balancer->key);
    free(balancer->trouble);
    free(balancer->ns);
    free(balancer->policy);
    sl_arena_cleanup(&balancer->arena);
    free(balancer);
}
