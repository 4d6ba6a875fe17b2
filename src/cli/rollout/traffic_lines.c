/* Traffic as lines of a log (traffic_view.h): what each object is now, without anything that only
 * grows older, so that a line that is the same says that nothing changed. */
#include <string.h>

#include "cli/rollout/traffic_view.h"
#include "cli/rollout/traffic_words.h"

static struct sl_str line_of_policy(const struct sl_traffic_policy_record *policy,
                                    struct sl_arena *arena)
{
    struct sl_traffic_status status;
    sl_traffic_status_read(policy->status, arena, &status);
    return sl_str_from(sl_arena_printf(
        arena,
        "pods %lld, joining %lld, in service %lld, draining %lld, drained %lld, upgrading "
        "%lld%s%s; "
        "ready %s%s%s",
        (long long)status.pods, (long long)status.states[SL_TRAFFIC_JOINING],
        (long long)status.states[SL_TRAFFIC_IN_SERVICE],
        (long long)status.states[SL_TRAFFIC_DRAINING], (long long)status.states[SL_TRAFFIC_DRAINED],
        (long long)status.states[SL_TRAFFIC_UPGRADING], status.balancer_count > 0 ? "; " : "",
        sl_traffic_balancers_word(&status, arena), status.ready,
        status.message[0] == '\0' ? "" : ": ", status.message));
}

static struct sl_str line_of_pod(const struct sl_pod_record *pod,
                                 const struct sl_traffic_policy_record *policy,
                                 struct sl_arena *arena)
{
    struct sl_traffic_drain drain;
    const char *balancers = sl_traffic_balancers(pod, arena);
    sl_traffic_drain_read(pod, policy, arena, &drain);
    return sl_str_from(sl_arena_printf(
        arena, "%s%s%s%s%.*s%s%s%s%s", sl_traffic_state_word(sl_traffic_state_of(pod)),
        drain.op[0] == '\0' ? "" : ", ", drain.op, drain.id.n == 0 ? "" : " ", SL_STR_FMT(drain.id),
        balancers[0] == '\0' ? "" : ", balancers ", balancers,
        pod->traffic_message[0] == '\0' ? "" : ": ", pod->traffic_message));
}

static void add(struct sl_traffic_lines *lines, struct sl_arena *arena, const char *kind,
                const struct sl_record *record, struct sl_str text)
{
    lines->items[lines->count++] = (struct sl_traffic_line){
        .key = sl_str_from(sl_arena_printf(arena, "%s %s/%s", kind, record->ns, record->name)),
        .text = text,
    };
}

static int compare(const void *a_, const void *b_)
{
    const struct sl_traffic_line *a = a_;
    const struct sl_traffic_line *b = b_;
    return sl_str_cmp(a->key, b->key);
}

/* Where one policy is looked at, others are not said. */
static bool is_said(const struct sl_traffic_view *view, const struct sl_record *policy)
{
    return view->policy == NULL || policy == &view->policy->record;
}

void sl_traffic_view_lines(const struct sl_traffic_view *view, struct sl_arena *arena,
                           struct sl_traffic_lines *ret_lines)
{
    struct sl_traffic_lines lines = {
        .items = sl_arena_zalloc(arena, view->policy_count + view->pod_count + 1,
                                 sizeof(struct sl_traffic_line))};
    for (size_t i = 0; view->pod == NULL && i < view->policy_count; i++) {
        if (is_said(view, view->policies[i])) {
            add(&lines, arena, "trafficpolicy", view->policies[i],
                line_of_policy(sl_traffic_policy_of(view->policies[i]), arena));
        }
    }
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct sl_pod_record *pod = sl_pod_of(view->pods[i]);
        if (view->pod == NULL || pod == view->pod) {
            add(&lines, arena, "pod", &pod->record, line_of_pod(pod, view->policy, arena));
        }
    }
    qsort(lines.items, lines.count, sizeof *lines.items, compare);
    *ret_lines = lines;
}

static void write_line(struct sl_str key, struct sl_str text, struct sl_buf *out)
{
    sl_text_add(out, key);
    sl_buf_adds(out, ": ");
    sl_text_add(out, text);
    sl_buf_addc(out, '\n');
}

void sl_traffic_view_changes(const struct sl_traffic_lines *before,
                             const struct sl_traffic_lines *after, struct sl_buf *out)
{
    size_t i = 0;
    size_t j = 0;
    while (i < before->count || j < after->count) {
        int order = i == before->count  ? 1
                    : j == after->count ? -1
                                        : compare(&before->items[i], &after->items[j]);
        if (order < 0) {
            write_line(before->items[i].key, SL_STR("gone"), out);
        } else if (order > 0 || !sl_str_eq(before->items[i].text, after->items[j].text)) {
            write_line(after->items[j].key, after->items[j].text, out);
        }
        i += order <= 0 ? 1 : 0;
        j += order >= 0 ? 1 : 0;
    }
}
