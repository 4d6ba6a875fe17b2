/* TrafficPolicy: the table of its fields, and the rules that no single field can state
 * (traffic_policy.h). Read by the admission of policies, the policy files and the CLI alike. */
#include "core/traffic_policy.h"

#include <string.h>

#include "codec/names.h"
#include "core/metadata.h"
#include "core/names.h"

#define AT(type, field) .at = offsetof(struct type, field), .present = SL_DECODE_NO_PRESENT
#define AT_SELF .at = 0, .present = SL_DECODE_NO_PRESENT

#define SECONDS_MAX 3600
#define TIMEOUT_MAX 86400
#define BALANCERS_MAX 16
#define HAPROXY_NAME_MAX 128
#define HAPROXY_ADDRESS_MAX 270
#define URL_MAX 2048

static bool is_port(struct sl_str text)
{
    unsigned port = 0;
    if (text.n == 0 || text.n > 5) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        port = port * 10 + (unsigned)(text.p[i] - '0');
    }
    return port >= 1 && port <= 65535;
}

static bool has_blank(struct sl_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/* HOST, IPv4 or [IPv6]: whatever else is in a name can only be a mistake. */
static bool is_host(struct sl_str text)
{
    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']') {
        for (size_t i = 1; i + 1 < text.n; i++) {
            if (strchr("0123456789abcdefABCDEF:.", text.p[i]) == NULL) {
                return false;
            }
        }
        return true;
    }
    return sl_name_dns_subdomain(text) == NULL;
}

/* HOST:PORT; `port_needed` false: or HOST alone. */
static bool is_authority(struct sl_str text, bool port_needed)
{
    const char *colon = text.n == 0 ? NULL : memrchr(text.p, ':', text.n);
    if (colon == NULL || text.p[text.n - 1] == ']') { /* that colon is one of an IPv6 address */
        return !port_needed && is_host(text);
    }
    struct sl_str host = {.p = text.p, .n = (size_t)(colon - text.p)};
    struct sl_str port = {.p = colon + 1, .n = text.n - host.n - 1};
    return is_host(host) && is_port(port);
}

static const char *check_haproxy_address(struct sl_str text)
{
    static const char rule[] = "must be tcp://HOST:PORT or unix:///PATH of HAProxy's Runtime API";
    const struct sl_str tcp = SL_STR("tcp://");
    const struct sl_str unix_socket = SL_STR("unix:///");
    if (has_blank(text) || text.n > HAPROXY_ADDRESS_MAX) {
        return rule;
    }
    if (sl_str_starts(text, unix_socket)) {
        return text.n > unix_socket.n ? NULL : rule;
    }
    struct sl_str authority = {.p = text.p + tcp.n, .n = text.n - tcp.n};
    return sl_str_starts(text, tcp) && is_authority(authority, true) ? NULL : rule;
}

/* No credentials: whoever may read policies could read them. '@' is refused as no host has it. */
static const char *check_url(struct sl_str text)
{
    static const char rule[] =
        "must be http://HOST[:PORT][/PATH] or https://…, without credentials, spaces or '#'";
    static const struct sl_str schemes[] = {SL_STR_INIT("http://"), SL_STR_INIT("https://")};
    if (text.n > URL_MAX || has_blank(text) || memchr(text.p, '#', text.n) != NULL) {
        return rule;
    }
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (sl_str_starts(text, schemes[i])) {
            struct sl_str authority = {.p = text.p + schemes[i].n};
            while (authority.p + authority.n < text.p + text.n &&
                   strchr("/?", authority.p[authority.n]) == NULL) {
                authority.n++;
            }
            return is_authority(authority, false) ? NULL : rule;
        }
    }
    return rule;
}

/* The name is one word of a Runtime API command line: nothing in it may end the word or the
 * command. */
static const char *check_haproxy_name(struct sl_str text)
{
    if (text.n == 0 || text.n > HAPROXY_NAME_MAX || has_blank(text) ||
        memchr(text.p, ';', text.n) != NULL || memchr(text.p, '/', text.n) != NULL) {
        return "must be 1 to 128 characters without spaces, ';' or '/'";
    }
    return NULL;
}

static const char *const on_timeout_names[] = {"Proceed", "Hold", NULL};
static const char *const eviction_names[] = {"Drain", "Allow", NULL};

static const struct sl_decode_row pre_stop_rows[] = {
    {.key = "sleepSeconds",
     .type = SL_D_INT,
     AT_SELF,
     .max = SECONDS_MAX,
     .fallback = "5",
     .doc = "How long a container keeps serving after its pod was deleted, so that it can be taken "
            "out "
            "of the balancers. Seconds; 0 injects nothing."},
    {0},
};

static const struct sl_decode_row drain_rows[] = {
    {.key = "waitSeconds",
     .type = SL_D_INT,
     AT(sl_drain, wait),
     .max = SECONDS_MAX,
     .fallback = "3",
     .doc = "How long a drained pod is left alone where no balancer tells its sessions. Seconds."},
    {.key = "propagationSeconds",
     .type = SL_D_INT,
     AT(sl_drain, propagation),
     .max = SECONDS_MAX,
     .fallback = "2",
     .doc = "How long it takes until every proxy knows that the pod is not ready. Seconds."},
    {.key = "timeoutSeconds",
     .type = SL_D_INT,
     AT(sl_drain, timeout),
     .min = 1,
     .max = TIMEOUT_MAX,
     .fallback = "60",
     .doc = "After this long a drain is overdue and onTimeout decides. Seconds."},
    {.key = "onTimeout",
     .type = SL_D_ENUM,
     AT(sl_drain, on_timeout),
     .names = on_timeout_names,
     .fallback = "Proceed",
     .doc = "What an overdue drain does: go on with a warning, or hold the upgrade."},
    {0},
};

static const struct sl_decode_row haproxy_rows[] = {
    {.key = "address",
     .type = SL_D_STRING,
     AT(sl_haproxy, address),
     .required = true,
     .check = check_haproxy_address,
     .doc = "Where HAProxy's Runtime API listens: tcp://HOST:PORT or unix:///PATH."},
    {.key = "backend",
     .type = SL_D_STRING,
     AT(sl_haproxy, backend),
     .required = true,
     .check = check_haproxy_name,
     .doc = "The backend that the pods are servers of."},
    {.key = "port",
     .type = SL_D_INT,
     AT(sl_haproxy, port),
     .required = true,
     .min = 1,
     .max = 65535,
     .doc = "The pods' port that HAProxy connects to."},
    {.key = "serverTemplate",
     .type = SL_D_STRING,
     AT(sl_haproxy, server_template),
     .check = check_haproxy_name,
     .doc =
         "The prefix of the backend's server-template, whose servers are slots for pods; absent: "
         "servers are added and deleted."},
    {0},
};

static const struct sl_decode_row webhook_rows[] = {
    {.key = "url",
     .type = SL_D_STRING,
     AT(sl_balancer_webhook, url),
     .required = true,
     .check = check_url,
     .doc = "Where each change of a pod is posted, until the answer says that it is done."},
    {.key = "port",
     .type = SL_D_INT,
     AT(sl_balancer_webhook, port),
     .required = true,
     .min = 1,
     .max = 65535,
     .doc = "The pods' port, as it is told to the webhook."},
    {0},
};

static const struct sl_decode_row external_rows[] = {{0}};

static const struct sl_decode_row balancer_rows[] = {
    {.key = "name",
     .type = SL_D_STRING,
     AT(sl_load_balancer, name),
     .required = true,
     .check = sl_name_dns_label,
     .doc = "Names the balancer among those of the policy; its finalizer is slb.sluice.dev/NAME."},
    {.key = "haproxy",
     .type = SL_D_OBJECT,
     .at = offsetof(struct sl_load_balancer, haproxy),
     .present = offsetof(struct sl_load_balancer, has_haproxy),
     .rows = haproxy_rows,
     .doc = "An HAProxy that Sluice drives through its Runtime API."},
    {.key = "external",
     .type = SL_D_OBJECT,
     .at = 0,
     .present = offsetof(struct sl_load_balancer, has_external),
     .rows = external_rows,
     .doc = "A balancer whose own controller owns the finalizer and the weight."},
    {.key = "webhook",
     .type = SL_D_OBJECT,
     .at = offsetof(struct sl_load_balancer, webhook),
     .present = offsetof(struct sl_load_balancer, has_webhook),
     .rows = webhook_rows,
     .doc = "A balancer behind an adapter that Sluice tells of every pod over HTTP."},
    {0},
};

const struct sl_decode_row sl_traffic_policy_spec_rows[] = {
    {.key = "selector",
     .type = SL_D_SELECTOR,
     AT(sl_traffic_policy, selector),
     .required = true,
     .doc = "Which pods of the namespace: matchLabels and matchExpressions; {} is all of them."},
    {.key = "readinessGate",
     .type = SL_D_BOOL,
     AT(sl_traffic_policy, readiness_gate),
     .fallback = "true",
     .doc = "Whether pods get the readiness gate sluice.dev/traffic-ready."},
    {.key = "preStop",
     .type = SL_D_OBJECT,
     AT(sl_traffic_policy, pre_stop_sleep),
     .rows = pre_stop_rows,
     .doc = "Injected into each container that has no preStop of its own."},
    {.key = "drain",
     .type = SL_D_OBJECT,
     AT(sl_traffic_policy, drain),
     .rows = drain_rows,
     .doc = "How long leaving traffic may take."},
    {.key = "evictions",
     .type = SL_D_ENUM,
     AT(sl_traffic_policy, evictions),
     .names = eviction_names,
     .fallback = "Drain",
     .doc = "Whether an eviction waits until the pod is drained."},
    {.key = "loadBalancers",
     .type = SL_D_LIST,
     AT(sl_traffic_policy, load_balancers),
     .max = BALANCERS_MAX,
     .rows = balancer_rows,
     .size = sizeof(struct sl_load_balancer),
     .doc = "The balancers that pods join and leave; none: the readiness gate alone."},
    {0},
};

static void check_balancer(const struct sl_traffic_policy *policy, size_t index,
                           const struct sl_field *list, struct sl_problems *problems)
{
    const struct sl_load_balancer *balancers = policy->load_balancers.items;
    const struct sl_load_balancer *balancer = &balancers[index];
    struct sl_field at = SL_FIELD_AT(list, index);
    int kinds = balancer->has_haproxy + balancer->has_external + balancer->has_webhook;
    if (kinds != 1) {
        sl_problem_add(problems, &at, "must have exactly one of haproxy, external and webhook");
    }
    for (size_t i = 0; i < index; i++) {
        if (balancer->name.n > 0 && sl_str_eq(balancers[i].name, balancer->name)) {
            struct sl_field name = SL_FIELD(&at, "name");
            sl_problem_add(problems, &name,
                           "\"%.*s\" is also the name of loadBalancers[%zu]; names must differ",
                           SL_STR_FMT(balancer->name), i);
            return;
        }
    }
}

/* What Sluice sets on the pods that a policy matches must not decide whether it matches. */
static void check_selector(const struct sl_traffic_policy *policy, const struct sl_field *spec,
                           struct sl_problems *problems)
{
    struct sl_field at = SL_FIELD(spec, "selector");
    for (size_t i = 0; i < policy->selector.count; i++) {
        if (sl_str_starts(policy->selector.requirements[i].key, SL_STR(SL_API_GROUP "/"))) {
            sl_problem_add(problems, &at, "must not select by %.*s, which Sluice sets itself",
                           SL_STR_FMT(policy->selector.requirements[i].key));
        }
    }
}

void sl_traffic_policy_decode(struct json_object *object, struct sl_traffic_policy *ret_policy,
                              struct sl_problems *problems)
{
    struct sl_traffic_policy policy = {0};
    struct sl_metadata metadata = {0};
    (void)sl_metadata_decode(object, sl_traffic_policy_spec_rows, &metadata, &policy, problems);
    policy.ns = metadata.ns;
    policy.name = metadata.name;

    struct sl_field spec = SL_FIELD(NULL, "spec");
    struct sl_field drain = SL_FIELD(&spec, "drain");
    struct sl_field list = SL_FIELD(&spec, "loadBalancers");
    if (policy.drain.wait + policy.drain.propagation > policy.drain.timeout &&
        policy.drain.timeout > 0) {
        sl_problem_add(problems, &drain,
                       "waitSeconds + propagationSeconds (%lld) must not be more than "
                       "timeoutSeconds (%lld): every drain would be overdue",
                       (long long)policy.drain.wait + policy.drain.propagation,
                       (long long)policy.drain.timeout);
    }
    check_selector(&policy, &spec, problems);
    for (size_t i = 0; i < policy.load_balancers.count; i++) {
        check_balancer(&policy, i, &list, problems);
    }
    *ret_policy = policy;
}
