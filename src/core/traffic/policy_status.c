/* What a TrafficPolicy says of itself (policy_status.h): numbers of the loop to JSON text. It is
 * made every second for every policy that something happened to, and sent where it differs. */
#include "core/traffic/policy_status.h"

#include <inttypes.h>

#include "codec/jscan.h"
#include "codec/timestamp.h"

#define MESSAGE_MAX (16 * SL_KIB) /* bytes; the CRD takes 32,768 characters */

/* --- conditions --- */

enum truth { NO, YES, UNKNOWN };
static const char *const truths[] = {[NO] = "False", [YES] = "True", [UNKNOWN] = "Unknown"};

struct condition {
    const char *type;
    enum truth truth;
    const char *reason;
    struct sl_buf message;
};

static void condition_cleanup(struct condition *condition)
{
    sl_buf_cleanup(&condition->message);
}

struct condition_view {
    struct sl_jval type, status, changed;
};

static const struct sl_jrow condition_rows[] = {
    {.key = "type", .at = offsetof(struct condition_view, type)},
    {.key = "status", .at = offsetof(struct condition_view, status)},
    {.key = "lastTransitionTime", .at = offsetof(struct condition_view, changed)},
    {0},
};

struct status_view {
    struct sl_jval conditions;
};

static const struct sl_jrow status_rows[] = {
    {.key = "conditions", .at = offsetof(struct status_view, conditions)},
    {0},
};

/* Since when the condition is as it is: what is stored, or now. */
static int64_t since(const struct condition *condition, struct sl_str stored, int64_t now)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct status_view status = {0};
    struct sl_jval item;
    if (stored.p == NULL || sl_jscan(stored, status_rows, &status, NULL, NULL) < 0) {
        return now;
    }
    struct sl_jiter it = sl_jiter(status.conditions);
    while (!it.object && sl_jiter_next(&it, NULL, &item)) {
        struct condition_view view = {0};
        int64_t changed = 0;
        if (sl_jval_scan(item, condition_rows, &view, NULL) == 0 &&
            sl_jval_is(view.type, sl_str_from(condition->type)) &&
            sl_jval_is(view.status, sl_str_from(truths[condition->truth])) &&
            sl_timestamp_parse(sl_jval_str(view.changed, &arena), &changed)) {
            return changed;
        }
    }
    return now;
}

static void write_condition(const struct condition *condition, int64_t generation,
                            struct sl_str stored, int64_t now, struct sl_buf *out)
{
    char date[SL_TIMESTAMP_SIZE];
    sl_timestamp_write(since(condition, stored, now), date);
    sl_buf_addf(out,
                "{\"type\":\"%s\",\"status\":\"%s\",\"observedGeneration\":%" PRId64
                ",\"lastTransitionTime\":\"%s\",\"reason\":\"%s\",\"message\":",
                condition->type, truths[condition->truth], generation, date, condition->reason);
    sl_buf_add_json_string(out, sl_buf_str(&condition->message));
    sl_buf_addc(out, '}');
}

/* --- what they say --- */

static bool is_healthy(const struct sl_policy_balancer *balancer)
{
    return balancer->external || balancer->answers;
}

static bool was_asked(const struct sl_policy_balancer *balancer)
{
    return is_healthy(balancer) || balancer->trouble[0] != '\0';
}

static void judge_balancers(const struct sl_policy_counts *counts, struct condition *condition)
{
    size_t down = 0;
    size_t unasked = 0;
    condition->type = SL_CONDITION_BALANCERS_HEALTHY;
    for (size_t i = 0; i < counts->balancer_count; i++) {
        const struct sl_policy_balancer *balancer = &counts->balancers[i];
        unasked += was_asked(balancer) ? 0 : 1;
        if (was_asked(balancer) && !is_healthy(balancer)) {
            sl_buf_addf(&condition->message, "%s%s: %s", down == 0 ? "" : "; ", balancer->name,
                        balancer->trouble);
            down++;
        }
    }
    condition->truth = down > 0 ? NO : unasked > 0 ? UNKNOWN : YES;
    condition->reason = down > 0 ? "BalancerDown" : unasked > 0 ? "NotAskedYet" : "AllAnswer";
    if (counts->balancer_count == 0) {
        condition->reason = "NoBalancers";
        sl_buf_adds(&condition->message, "the policy has no load balancers");
    } else if (down == 0 && unasked > 0) {
        sl_buf_addf(&condition->message, "%zu of %zu load balancers were not asked yet", unasked,
                    counts->balancer_count);
    } else if (down == 0) {
        sl_buf_adds(&condition->message, "all load balancers do as they are told");
    }
}

static uint32_t joining(const struct sl_policy_counts *counts)
{
    return counts->pods[SL_TRAFFIC_NONE] + counts->pods[SL_TRAFFIC_JOINING];
}

static uint32_t total(const struct sl_policy_counts *counts)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < SL_TRAFFIC_STATES; i++) {
        sum += counts->pods[i];
    }
    return sum;
}

static void judge_ready(const struct sl_policy_counts *counts, const struct condition *balancers,
                        struct condition *condition)
{
    struct sl_buf *message = &condition->message;
    condition->type = SL_CONDITION_READY;
    if (counts->problem[0] != '\0') {
        condition->truth = NO;
        condition->reason = "InvalidSpec";
        sl_buf_adds(message, counts->problem);
        return;
    }
    condition->truth = balancers->truth;
    condition->reason = balancers->truth == YES ? "Ready" : balancers->reason;
    sl_buf_addf(message, "%u of %u pods in service", counts->pods[SL_TRAFFIC_IN_SERVICE],
                total(counts));
    if (balancers->truth != YES) {
        sl_buf_addf(message, "; %.*s", SL_STR_FMT(sl_buf_str(&balancers->message)));
    }
    if (counts->waiting > 0) {
        sl_buf_addf(message, "; %u %s for a PodDisruptionBudget", counts->waiting,
                    counts->waiting == 1 ? "waits" : "wait");
    }
    if (counts->held > 0) {
        condition->truth = NO;
        condition->reason = "DrainHeld";
        sl_buf_addf(message, "; %u %s past the deadline and held, since onTimeout is Hold",
                    counts->held, counts->held == 1 ? "drain is" : "drains are");
    }
}

/* --- the whole --- */

static void write_balancer(const struct sl_policy_balancer *balancer, struct sl_buf *out)
{
    SL_AUTO(sl_buf) struct sl_buf message = SL_BUF_INIT(MESSAGE_MAX);
    if (balancer->external) {
        sl_buf_adds(&message, "driven by another controller");
    } else if (!balancer->answers) {
        sl_buf_adds(&message, was_asked(balancer) ? balancer->trouble : "not asked yet");
    } else if (balancer->corrections > 0) {
        sl_buf_addf(&message, "%" PRIu64 " %s changed by somebody else and put right",
                    balancer->corrections,
                    balancer->corrections == 1 ? "member was" : "members were");
    }
    sl_buf_adds(out, "{\"name\":");
    sl_buf_add_json_string(out, sl_str_from(balancer->name));
    sl_buf_addf(out, ",\"healthy\":%s,\"message\":", is_healthy(balancer) ? "true" : "false");
    sl_buf_add_json_string(out, sl_buf_str(&message));
    sl_buf_addf(out, ",\"members\":{\"in\":%u,\"out\":%u,\"absent\":%u,\"unknown\":%u}}",
                balancer->members[SL_MEMBER_IN], balancer->members[SL_MEMBER_OUT],
                balancer->members[SL_MEMBER_ABSENT], balancer->members[SL_MEMBER_UNKNOWN]);
}

void sl_policy_status_write(const struct sl_policy_counts *counts, struct sl_str stored,
                            int64_t now, struct sl_buf *out)
{
    SL_AUTO(condition) struct condition balancers = {.message = SL_BUF_INIT(MESSAGE_MAX)};
    SL_AUTO(condition) struct condition ready = {.message = SL_BUF_INIT(MESSAGE_MAX)};
    judge_balancers(counts, &balancers);
    judge_ready(counts, &balancers, &ready);
    sl_buf_addf(out,
                "{\"observedGeneration\":%" PRId64 ",\"pods\":%u,\"joining\":%u,\"inService\":%u,"
                "\"draining\":%u,\"drained\":%u,\"upgrading\":%u,\"loadBalancers\":[",
                counts->observed_generation, total(counts), joining(counts),
                counts->pods[SL_TRAFFIC_IN_SERVICE], counts->pods[SL_TRAFFIC_DRAINING],
                counts->pods[SL_TRAFFIC_DRAINED], counts->pods[SL_TRAFFIC_UPGRADING]);
    for (size_t i = 0; i < counts->balancer_count; i++) {
        sl_buf_adds(out, i == 0 ? "" : ",");
        write_balancer(&counts->balancers[i], out);
    }
    sl_buf_adds(out, "],\"conditions\":[");
    write_condition(&balancers, counts->observed_generation, stored, now, out);
    sl_buf_addc(out, ',');
    write_condition(&ready, counts->observed_generation, stored, now, out);
    sl_buf_adds(out, "]}");
}

bool sl_policy_status_differs(struct sl_str stored, struct sl_str status)
{
    return stored.p == NULL || !sl_jscan_equal(stored, status);
}

void sl_policy_status_body(const struct sl_traffic_policy_record *policy, struct sl_str status,
                           struct sl_buf *out)
{
    /* A uid would be ignored here: of metadata, a status request has only its resourceVersion read.
     */
    sl_buf_adds(out, "{\"metadata\":{\"resourceVersion\":");
    sl_buf_add_json_string(out, sl_str_from(policy->record.resource_version));
    sl_buf_adds(out, "},\"status\":");
    sl_buf_addstr(out, status);
    sl_buf_addc(out, '}');
}
