/* Load balancers that a test plays itself: what run/balancers/balancers.h declares, with no
 * network. A program that includes this header links none of the real ones. */
#ifndef SL_TESTS_UNIT_RUN_FAKE_BALANCERS_H
#define SL_TESTS_UNIT_RUN_FAKE_BALANCERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "run/balancers/balancers.h"

#define FAKE_MEMBERS 32
#define FAKE_NOT_WANTED (-2)

static struct {
    struct sl_balancers_options options;
    bool open, complete;
    unsigned policies, policies_gone;
    struct fake_member {
        char uid[32];
        int weight; /* that is wanted */
        struct sl_member is;
        bool forgotten;
        unsigned forgets;
    } members[FAKE_MEMBERS]; /* of balancer 0 of any policy */
    size_t count;
    struct sl_balancer_health health;
} fake_balancers;

static struct fake_member *fake_member(const char *uid)
{
    size_t i = 0;
    while (i < fake_balancers.count && strcmp(fake_balancers.members[i].uid, uid) != 0) {
        i++;
    }
    if (i == fake_balancers.count) {
        assert_true(fake_balancers.count < FAKE_MEMBERS);
        fake_balancers.members[fake_balancers.count++] =
            (struct fake_member){.weight = FAKE_NOT_WANTED, .is = {.sessions = -1, .trouble = ""}};
        (void)snprintf(fake_balancers.members[i].uid, sizeof fake_balancers.members[i].uid, "%s",
                       uid);
    }
    return &fake_balancers.members[i];
}

/* What the balancer says of a pod from now on. */
static void fake_says(const char *uid, enum sl_member_state state, int64_t sessions)
{
    fake_member(uid)->is = (struct sl_member){.state = state, .sessions = sessions, .trouble = ""};
    fake_balancers.options.changed(fake_balancers.options.ctx, uid);
}

struct sl_balancers *sl_balancers_open(const struct sl_balancers_options *options)
{
    assert_false(fake_balancers.open);
    memset(&fake_balancers, 0, sizeof fake_balancers);
    fake_balancers.options = *options;
    fake_balancers.open = true;
    return (struct sl_balancers *)(void *)&fake_balancers;
}

void sl_balancers_close(struct sl_balancers *balancers)
{
    fake_balancers.open = balancers == NULL && fake_balancers.open;
}

void sl_balancers_policy(struct sl_balancers *balancers, struct sl_str ns, struct sl_str name,
                         const struct sl_traffic_policy *policy, int64_t now)
{
    (void)balancers;
    (void)ns;
    (void)name;
    (void)now;
    fake_balancers.policies += policy != NULL;
    fake_balancers.policies_gone += policy == NULL;
}

void sl_balancers_want(struct sl_balancers *balancers, struct sl_str ns, struct sl_str policy,
                       size_t index, const struct sl_member_want *want, int64_t now)
{
    (void)balancers;
    (void)ns;
    (void)policy;
    (void)now;
    if (index == 0) {
        fake_member(want->uid)->weight = want->weight;
        fake_member(want->uid)->forgotten = false;
    }
}

void sl_balancers_complete(struct sl_balancers *balancers)
{
    (void)balancers;
    assert_false(fake_balancers.complete); /* once */
    fake_balancers.complete = true;
}

void sl_balancers_forget(struct sl_balancers *balancers, const char *uid, int64_t now)
{
    (void)balancers;
    (void)now;
    fake_member(uid)->forgotten = true;
    fake_member(uid)->forgets++;
}

void sl_balancers_member(const struct sl_balancers *balancers, struct sl_str ns,
                         struct sl_str policy, size_t index, const char *uid,
                         struct sl_member *ret_member)
{
    (void)balancers;
    (void)ns;
    (void)policy;
    (void)index;
    *ret_member = fake_member(uid)->is;
}

bool sl_balancers_health(const struct sl_balancers *balancers, size_t index,
                         struct sl_balancer_health *ret_health)
{
    (void)balancers;
    *ret_health = fake_balancers.health;
    return index == 0 && fake_balancers.health.name != NULL;
}

int sl_balancers_fd(const struct sl_balancers *balancers)
{
    (void)balancers;
    return -1;
}

void sl_balancers_turn(struct sl_balancers *balancers, int64_t now, int64_t wall)
{
    (void)balancers;
    (void)now;
    (void)wall;
    assert_true(fake_balancers.open);
}

int64_t sl_balancers_due(const struct sl_balancers *balancers)
{
    (void)balancers;
    return INT64_MAX;
}

#endif
