/* TrafficPolicy (sluice.dev/v1alpha1): how pods join and leave traffic. The decode table in
 * traffic_policy.c is the reference of its fields. */
#ifndef SL_CORE_TRAFFIC_POLICY_H
#define SL_CORE_TRAFFIC_POLICY_H

#include "codec/decode.h"
#include "codec/selector.h"

enum sl_on_timeout { SL_PROCEED, SL_HOLD };
enum sl_evictions { SL_EVICTIONS_DRAIN, SL_EVICTIONS_ALLOW };

struct sl_haproxy {
    struct sl_str address, backend;
    struct sl_str server_template; /* prefix of the servers that are slots for pods (web: web1,
                                      web2, …, as server-template makes them); absent: servers are
                                      added and deleted */
    int64_t port;
};

struct sl_balancer_webhook {
    struct sl_str url; /* http:// or https:// */
    int64_t port;      /* the pods' */
};

struct sl_load_balancer {
    struct sl_str name;
    bool has_haproxy, has_external, has_webhook;
    struct sl_haproxy haproxy;
    struct sl_balancer_webhook webhook;
};

struct sl_drain {
    int64_t wait, propagation, timeout; /* seconds */
    int on_timeout;                     /* enum sl_on_timeout */
};

struct sl_traffic_policy {
    struct sl_str ns, name;
    struct sl_selector selector;
    bool readiness_gate;
    int64_t pre_stop_sleep; /* seconds; 0: none is injected */
    struct sl_drain drain;
    int evictions;                 /* enum sl_evictions */
    struct sl_list load_balancers; /* of struct sl_load_balancer */
};

/* The fields of its spec. */
extern const struct sl_decode_row sl_traffic_policy_spec_rows[];

/* Decodes and validates a whole object. Text of the policy lives in the arena of `problems`; what
 * is wrong goes there (and the policy must not be used then). ns and name are those of its
 * metadata. */
void sl_traffic_policy_decode(struct json_object *object, struct sl_traffic_policy *ret_policy,
                              struct sl_problems *problems);

#endif
