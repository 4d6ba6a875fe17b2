/* Private to core/balancers: which server is whose. */
#ifndef SL_CORE_BALANCERS_HAPROXY_MATCH_H
#define SL_CORE_BALANCERS_HAPROXY_MATCH_H

#include "core/balancers/haproxy.h"

#define SL_HAPROXY_MAINT 0x63 /* by command, by another server, by name resolution */
#define SL_HAPROXY_DRAIN 0x18 /* by command, by another server */
#define SL_HAPROXY_OURS 0x09  /* those of both that a command sets and takes away */

struct sl_haproxy_matched {
    const struct sl_haproxy_server **of; /* one for each want; NULL: none */
    bool *taken;                         /* one for each server of the view */
    size_t slots;                        /* servers of the template there are */
};

void sl_haproxy_match(const struct sl_haproxy_side *side, const struct sl_haproxy_view *view,
                      const struct sl_haproxy_want *wants, size_t count, struct sl_arena *arena,
                      struct sl_haproxy_matched *ret_matched);

/* NAMESPACE:POLICY:POD, for a pod that has no place. */
const char *sl_haproxy_name(const struct sl_haproxy_side *side, const char *pod,
                            struct sl_arena *arena);
/* Whether a server of that name is the policy's, whoever it stands for. */
bool sl_haproxy_is_ours(const struct sl_haproxy_side *side, struct sl_str name);
bool sl_haproxy_is_at(const struct sl_haproxy_server *server, const char *address, int64_t port);

static inline bool sl_haproxy_in_maintenance(const struct sl_haproxy_server *server)
{
    return (server->admin & SL_HAPROXY_MAINT) != 0;
}

#endif
