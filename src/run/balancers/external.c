/* A balancer that another controller drives: nothing is done here, and nothing is known. That its
 * finalizer is on the pod says that it has it (core/traffic/lifecycle.h). */
#include "run/balancers/kind.h"

static bool is_external(const struct sl_load_balancer *spec)
{
    return spec->has_external;
}

static void add_key(const struct sl_load_balancer *spec, struct sl_buf *out)
{
    sl_buf_addstr(out, spec->name);
}

const struct sl_balancer_kind sl_balancer_external = {
    .name = "external",
    .is = is_external,
    .key = add_key,
};
