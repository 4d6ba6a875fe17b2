/* Which pods load balancers may still have when their finalizers were taken off by force: what
 * `sluice uninstall` says at its end, since nothing else knows it from then on. Pure functions. */
#ifndef SL_CLI_UNINSTALL_LEFTOVERS_H
#define SL_CLI_UNINSTALL_LEFTOVERS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct sl_leftover; /* one load balancer of one policy, with its pods */
struct sl_leftover_policy;

/* Not opaque so that it can stand on the stack; all zero is empty. */
struct sl_leftovers {
    struct sl_arena arena; /* holds everything */
    struct sl_leftover *first, *last;
    struct sl_leftover_policy *policies;
};
void sl_leftovers_cleanup(struct sl_leftovers *leftovers);

/* A TrafficPolicy, whose load balancers are known by it. One that cannot be used is left out. All
 * of them come before the first pod. Errors: INVALID, it is no JSON. */
SL_MUST_USE int sl_leftovers_policy(struct sl_leftovers *leftovers, struct sl_str json,
                                    struct sl_err *err);

/* A pod that lost the finalizers of the load balancers `names` (each with its NUL, and a further
 * one at the end). `policy` is its label; may be absent. */
void sl_leftovers_pod(struct sl_leftovers *leftovers, struct sl_str ns, struct sl_str policy,
                      struct sl_str pod, const char *names);

/* Appends some lines for each load balancer that may have pods left, and what to do there. */
void sl_leftovers_write(const struct sl_leftovers *leftovers, struct sl_buf *out);

#endif
