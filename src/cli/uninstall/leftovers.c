/* Load balancers that may have pods left (leftovers.h), in the order in which pods were found. */
#include "cli/uninstall/leftovers.h"

#include <string.h>

#include "cli/text.h"
#include "codec/json.h"
#include "core/traffic_policy.h"

#define PODS_MAX 20 /* names that are said of one load balancer */

struct sl_leftover {
    struct sl_leftover *next;
    struct sl_str ns, policy, name;
    const struct sl_load_balancer *balancer; /* NULL: no policy has it any more */
    struct sl_str pods[PODS_MAX];
    size_t count; /* of pods; names of the first PODS_MAX are kept */
};

struct sl_leftover_policy {
    struct sl_leftover_policy *next;
    struct sl_traffic_policy policy;
};

void sl_leftovers_cleanup(struct sl_leftovers *leftovers)
{
    sl_arena_cleanup(&leftovers->arena);
    *leftovers = (struct sl_leftovers){0};
}

int sl_leftovers_policy(struct sl_leftovers *leftovers, struct sl_str json, struct sl_err *err)
{
    SL_AUTO(sl_json) struct json_object *object = NULL;
    struct sl_problems problems = SL_PROBLEMS_INIT(&leftovers->arena);
    struct sl_leftover_policy *policy =
        sl_arena_zalloc(&leftovers->arena, 1, sizeof(struct sl_leftover_policy));
    if (sl_json_parse(json, &object, err) < 0) {
        return -1;
    }
    sl_traffic_policy_decode(object, &policy->policy, &problems);
    if (problems.count == 0) {
        policy->next = leftovers->policies;
        leftovers->policies = policy;
    }
    return 0;
}

static const struct sl_load_balancer *find_balancer(const struct sl_leftovers *leftovers,
                                                    const struct sl_leftover *leftover)
{
    for (const struct sl_leftover_policy *at = leftovers->policies; at != NULL; at = at->next) {
        const struct sl_traffic_policy *policy = &at->policy;
        const struct sl_load_balancer *balancers = policy->load_balancers.items;
        if (!sl_str_eq(policy->ns, leftover->ns) || !sl_str_eq(policy->name, leftover->policy)) {
            continue;
        }
        for (size_t i = 0; i < policy->load_balancers.count; i++) {
            if (sl_str_eq(balancers[i].name, leftover->name)) {
                return &balancers[i];
            }
        }
    }
    return NULL;
}

static struct sl_leftover *find(struct sl_leftovers *leftovers, struct sl_str ns,
                                struct sl_str policy, struct sl_str name)
{
    struct sl_leftover *at = leftovers->first;
    while (at != NULL &&
           !(sl_str_eq(at->ns, ns) && sl_str_eq(at->policy, policy) && sl_str_eq(at->name, name))) {
        at = at->next;
    }
    if (at != NULL) {
        return at;
    }
    at = sl_arena_zalloc(&leftovers->arena, 1, sizeof *at);
    at->ns = sl_arena_str(&leftovers->arena, ns);
    at->policy = sl_arena_str(&leftovers->arena, policy);
    at->name = sl_arena_str(&leftovers->arena, name);
    at->balancer = find_balancer(leftovers, at);
    if (leftovers->last == NULL) {
        leftovers->first = at;
    } else {
        leftovers->last->next = at;
    }
    leftovers->last = at;
    return at;
}

void sl_leftovers_pod(struct sl_leftovers *leftovers, struct sl_str ns, struct sl_str policy,
                      struct sl_str pod, const char *names)
{
    for (; names[0] != '\0'; names += strlen(names) + 1) {
        struct sl_leftover *leftover = find(leftovers, ns, policy, sl_str_from(names));
        if (leftover->count < PODS_MAX) {
            leftover->pods[leftover->count] = sl_arena_str(&leftovers->arena, pod);
        }
        leftover->count++;
    }
}

#define REMEDY_MAX ((size_t)8192) /* bytes: of an URL most of all */

/* What it is, and what to do there. */
static void add_remedy(const struct sl_leftover *leftover, struct sl_buf *out)
{
    const struct sl_load_balancer *balancer = leftover->balancer;
    if (balancer == NULL) {
        sl_buf_adds(out, "  no TrafficPolicy describes it any more: look at it yourself");
    } else if (balancer->has_haproxy && balancer->haproxy.server_template.n > 0) {
        const struct sl_haproxy *haproxy = &balancer->haproxy;
        sl_buf_addf(out,
                    "  HAProxy at %.*s: 'show servers state %.*s' has their addresses; 'set "
                    "server %.*s/%.*sN state maint' frees a slot",
                    SL_STR_FMT(haproxy->address), SL_STR_FMT(haproxy->backend),
                    SL_STR_FMT(haproxy->backend), SL_STR_FMT(haproxy->server_template));
    } else if (balancer->has_haproxy) {
        const struct sl_haproxy *haproxy = &balancer->haproxy;
        sl_buf_addf(out,
                    "  HAProxy at %.*s: 'set server %.*s/%.*s:%.*s:POD state maint', then 'del "
                    "server' of the same",
                    SL_STR_FMT(haproxy->address), SL_STR_FMT(haproxy->backend),
                    SL_STR_FMT(leftover->ns), SL_STR_FMT(leftover->policy));
    } else if (balancer->has_webhook) {
        sl_buf_addf(out, "  the adapter at %.*s was not told", SL_STR_FMT(balancer->webhook.url));
    } else {
        sl_buf_adds(out, "  another controller drives it: see that it still runs, or clean up "
                         "there");
    }
}

/* Addresses and URLs are whatever their policy's author wrote. */
static void write_remedy(const struct sl_leftover *leftover, struct sl_buf *out)
{
    SL_AUTO(sl_buf) struct sl_buf remedy = SL_BUF_INIT(REMEDY_MAX);
    add_remedy(leftover, &remedy);
    sl_text_add(out, sl_buf_str(&remedy));
    sl_buf_addc(out, '\n');
}

void sl_leftovers_write(const struct sl_leftovers *leftovers, struct sl_buf *out)
{
    for (const struct sl_leftover *at = leftovers->first; at != NULL; at = at->next) {
        sl_buf_addf(out, "load balancer %.*s of TrafficPolicy %.*s/%.*s may still have %zu %s:",
                    SL_STR_FMT(at->name), SL_STR_FMT(at->ns),
                    SL_STR_FMT(at->policy.n == 0 ? SL_STR("(not known)") : at->policy), at->count,
                    at->count == 1 ? "pod" : "pods");
        for (size_t i = 0; i < at->count && i < PODS_MAX; i++) {
            sl_buf_addf(out, " %.*s", SL_STR_FMT(at->pods[i]));
        }
        sl_buf_adds(out, at->count > PODS_MAX ? " …\n" : "\n");
        write_remedy(at, out);
    }
}
