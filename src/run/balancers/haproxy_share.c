/* Balancers with the same servers (haproxy_look.h). */
#include <string.h>

#include "run/balancers/haproxy_look.h"

static bool has_slots(const struct sl_balancer *balancer)
{
    return balancer->spec.haproxy.server_template.n > 0;
}

/* Slots are those of whoever takes them. Servers of their own have the policy in their names; twice
 * in one policy, both want the same of them. */
static bool matters(const struct sl_balancer *balancer, const struct sl_balancer *other)
{
    if (balancer->index == SL_BALANCER_LEAVING) {
        return has_slots(balancer) || (strcmp(balancer->ns, other->ns) == 0 &&
                                       strcmp(balancer->policy, other->policy) == 0);
    }
    return has_slots(balancer) && other->serial < balancer->serial;
}

static bool may_share(const struct sl_balancer *balancer, const struct sl_balancer *other)
{
    const struct sl_haproxy *own = &balancer->spec.haproxy;
    const struct sl_haproxy *its = &other->spec.haproxy;
    return other != balancer && other->kind == balancer->kind &&
           other->index != SL_BALANCER_LEAVING && sl_str_eq(own->backend, its->backend) &&
           sl_str_eq(own->server_template, its->server_template) && matters(balancer, other);
}

enum sl_haproxy_share sl_haproxy_share_of(const struct sl_balancer *balancer,
                                          const struct sl_balancer **ret_other)
{
    const struct sl_haproxy_look *own = balancer->own;
    enum sl_haproxy_share found = SL_HAPROXY_ALONE;
    const struct sl_balancer *other = NULL;
    for (size_t i = 0; (other = sl_balancers_at(balancer->set, i)) != NULL; i++) {
        if (!may_share(balancer, other)) {
            continue;
        }
        const struct sl_haproxy_look *its = other->own;
        if (its->process == NULL && its->failures == 0) {
            found = SL_HAPROXY_NOT_KNOWN_YET;
        } else if (its->process != NULL && own->process != NULL &&
                   strcmp(its->process, own->process) == 0) {
            *ret_other = other;
            return SL_HAPROXY_SHARED;
        }
    }
    return found;
}
