/* The pictures of traffic (traffic_view.h). A policy's numbers are those of its status, which the
 * reconciler writes; where its pods are shown, they are counted. */
#include "cli/rollout/traffic_view.h"

#include <string.h>

#include "cli/rollout/traffic_words.h"
#include "cli/table.h"

/* --- policies --- */

static const char *number(int64_t count, bool known, struct sl_arena *arena)
{
    return known ? sl_arena_printf(arena, "%lld", (long long)count) : "";
}

/* A row whose first cell is shown with all namespaces alone, and the last two in a wide one. */
static void add_policy_row(struct sl_table *table, const struct sl_traffic_view *view, bool wide,
                           const char *const cells[12])
{
    const char *row[12];
    size_t count = 0;
    for (size_t i = 0; i < 12; i++) {
        bool shown = i == 0 ? view->all : i < 11 || wide;
        if (shown) {
            row[count++] = cells[i];
        }
    }
    table->columns = count;
    sl_table_row(table, row);
}

static void write_policies(const struct sl_traffic_view *view, const struct sl_view_style *style,
                           struct sl_arena *arena, struct sl_buf *out)
{
    SL_AUTO(sl_table) struct sl_table table = {.columns = 1, .colour = style->colour};
    add_policy_row(&table, view, style->wide,
                   (const char *const[]){"NAMESPACE", "NAME", "PODS", "JOINING", "IN-SERVICE",
                                         "DRAINING", "DRAINED", "UPGRADING", "BALANCERS", "READY",
                                         "AGE", "MESSAGE"});
    for (size_t i = 0; i < view->policy_count; i++) {
        const struct sl_traffic_policy_record *policy = sl_traffic_policy_of(view->policies[i]);
        struct sl_traffic_status status;
        sl_traffic_status_read(policy->status, arena, &status);
        bool known = status.known;
        add_policy_row(
            &table, view, style->wide,
            (const char *const[]){
                policy->record.ns, policy->record.name, number(status.pods, known, arena),
                number(status.states[SL_TRAFFIC_JOINING], known, arena),
                number(status.states[SL_TRAFFIC_IN_SERVICE], known, arena),
                number(status.states[SL_TRAFFIC_DRAINING], known, arena),
                number(status.states[SL_TRAFFIC_DRAINED], known, arena),
                number(status.states[SL_TRAFFIC_UPGRADING], known, arena),
                sl_traffic_balancers_word(&status, arena), status.ready,
                sl_traffic_age(style->now, policy->record.created, arena), status.message});
        sl_table_paint(&table, view->all ? 9 : 8, sl_traffic_ready_style(status.ready));
    }
    if (view->policy_count > 0) {
        sl_table_write(&table, out);
    }
}

/* --- one policy --- */

static void add_fact(struct sl_table *table, const char *label, const char *text,
                     enum sl_style style)
{
    sl_table_add(table, label, text);
    sl_table_paint(table, 1, style);
}

/* A deadline matters until the pod has left. */
static bool is_late(enum sl_traffic_state state, const struct sl_traffic_drain *drain, int64_t now)
{
    bool has_left = state == SL_TRAFFIC_DRAINED || state == SL_TRAFFIC_UPGRADING;
    return !has_left && drain->deadline < now;
}

/* "10: 8 InService, 2 Draining" */
static const char *count_pods(const struct sl_traffic_view *view, struct sl_arena *arena)
{
    size_t counts[SL_TRAFFIC_STATES] = {0};
    const char *text = sl_arena_printf(arena, "%zu", view->pod_count);
    for (size_t i = 0; i < view->pod_count; i++) {
        counts[sl_traffic_state_of(sl_pod_of(view->pods[i]))]++;
    }
    for (int state = 0; state < SL_TRAFFIC_STATES; state++) {
        if (counts[state] > 0) {
            text =
                sl_arena_printf(arena, "%s%s %zu %s", text, strchr(text, ':') == NULL ? ":" : ",",
                                counts[state], sl_traffic_state_word((enum sl_traffic_state)state));
        }
    }
    return text;
}

static void write_policy_head(const struct sl_traffic_view *view, const struct sl_view_style *style,
                              struct sl_arena *arena, struct sl_buf *out)
{
    const struct sl_traffic_policy_record *policy = view->policy;
    struct sl_traffic_status status;
    SL_AUTO(sl_table) struct sl_table table = {.columns = 2, .colour = style->colour};
    sl_traffic_status_read(policy->status, arena, &status);
    add_fact(&table,
             "Policy:", sl_arena_printf(arena, "%s/%s", policy->record.ns, policy->record.name),
             SL_BOLD);
    add_fact(&table, "Pods:", count_pods(view, arena), SL_PLAIN);
    for (size_t i = 0; i < status.balancer_count; i++) {
        const struct sl_traffic_status_balancer *balancer = &status.balancers[i];
        add_fact(&table, i == 0 ? "Balancers:" : "", sl_traffic_balancer_text(balancer, arena),
                 balancer->healthy ? SL_PLAIN : SL_RED);
    }
    if (policy->problem[0] != '\0') {
        add_fact(&table, "Problem:", policy->problem, SL_RED);
    }
    add_fact(&table, "Ready:",
             status.known ? sl_arena_printf(arena, "%s: %s", status.ready, status.message)
                          : "not known: no reconciler has seen the policy yet",
             sl_traffic_ready_style(status.ready));
    sl_table_write(&table, out);
}

static void write_pods(const struct sl_traffic_view *view, const struct sl_view_style *style,
                       struct sl_arena *arena, struct sl_buf *out)
{
    size_t columns = style->wide ? 9 : 7;
    SL_AUTO(sl_table) struct sl_table table = {.columns = columns, .colour = style->colour};
    sl_table_add(&table, "POD", "STATE", "SINCE", "OP", "DEADLINE", "BALANCERS",
                 style->wide ? "ADDRESS" : "MESSAGE", "NODE", "MESSAGE");
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct sl_pod_record *pod = sl_pod_of(view->pods[i]);
        enum sl_traffic_state state = sl_traffic_state_of(pod);
        struct sl_traffic_drain drain;
        sl_traffic_drain_read(pod, view->policy, arena, &drain);
        sl_table_add(
            &table, pod->record.name, sl_traffic_state_word(state),
            sl_traffic_age(style->now, pod->traffic_changed, arena), drain.op,
            sl_traffic_deadline(&drain, style->now, arena), sl_traffic_balancers(pod, arena),
            style->wide ? pod->address : pod->traffic_message, pod->node, pod->traffic_message);
        sl_table_paint(&table, 1, sl_traffic_state_style(state));
        sl_table_paint(&table, 4, is_late(state, &drain, style->now) ? SL_RED : SL_PLAIN);
    }
    if (view->pod_count > 0) {
        sl_buf_addc(out, '\n');
        sl_table_write(&table, out);
    }
}

/* --- one pod --- */

static const char *describe_drain(const struct sl_traffic_drain *drain, int64_t now,
                                  struct sl_arena *arena)
{
    const char *what = sl_arena_printf(arena, "%s%s%.*s", drain->op, drain->id.n > 0 ? " " : "",
                                       SL_STR_FMT(drain->id));
    if (drain->since == 0) {
        return sl_arena_printf(arena, "%s, asked for, not begun", what);
    }
    return sl_arena_printf(arena, "%s, began %s ago, deadline %s", what,
                           sl_traffic_age(now, drain->since, arena),
                           sl_traffic_deadline(drain, now, arena));
}

static void write_pod(const struct sl_traffic_view *view, const struct sl_view_style *style,
                      struct sl_arena *arena, struct sl_buf *out)
{
    const struct sl_pod_record *pod = view->pod;
    enum sl_traffic_state state = sl_traffic_state_of(pod);
    SL_AUTO(sl_table) struct sl_table table = {.columns = 2, .colour = style->colour};
    struct sl_traffic_drain drain;
    sl_traffic_drain_read(pod, view->policy, arena, &drain);
    add_fact(&table, "Pod:", sl_arena_printf(arena, "%s/%s", pod->record.ns, pod->record.name),
             SL_BOLD);
    add_fact(&table, "Policy:", view->policy == NULL ? "none" : view->policy->record.name,
             SL_PLAIN);
    add_fact(&table, "State:",
             pod->traffic_changed == 0
                 ? sl_traffic_state_word(state)
                 : sl_arena_printf(arena, "%s for %s", sl_traffic_state_word(state),
                                   sl_traffic_age(style->now, pod->traffic_changed, arena)),
             sl_traffic_state_style(state));
    add_fact(&table, "Gate:",
             !pod->gate           ? "none: it was created without"
             : pod->traffic_ready ? "True"
                                  : "False",
             SL_PLAIN);
    if (drain.op[0] != '\0') {
        add_fact(&table, "Drain:", describe_drain(&drain, style->now, arena),
                 is_late(state, &drain, style->now) ? SL_RED : SL_PLAIN);
    }
    add_fact(&table, "Balancers:", sl_traffic_balancers_of(pod, view->policy, arena), SL_PLAIN);
    if (pod->traffic_message[0] != '\0') {
        add_fact(&table, "Message:", pod->traffic_message, SL_PLAIN);
    }
    if (view->policy != NULL) {
        add_fact(&table, "Waits for:", sl_traffic_waits(pod, view->policy, &drain, arena),
                 SL_PLAIN);
    }
    if (style->wide) {
        add_fact(&table, "Address:", pod->address, SL_PLAIN);
        add_fact(&table, "Node:", pod->node, SL_PLAIN);
    }
    sl_table_write(&table, out);
}

/* --- the whole --- */

static int compare(const void *a_, const void *b_)
{
    const struct sl_record *a = *(const struct sl_record *const *)a_;
    const struct sl_record *b = *(const struct sl_record *const *)b_;
    int order = strcmp(a->ns, b->ns);
    return order != 0 ? order : strverscmp(a->name, b->name);
}

void sl_traffic_view_sort(struct sl_traffic_view *view)
{
    qsort(view->policies, view->policy_count, sizeof(struct sl_record *), compare);
    qsort(view->pods, view->pod_count, sizeof(struct sl_record *), compare);
}

void sl_traffic_view_write(const struct sl_traffic_view *view, const struct sl_view_style *style,
                           struct sl_buf *out)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    if (view->pod != NULL) {
        write_pod(view, style, &arena, out);
    } else if (view->policy != NULL) {
        write_policy_head(view, style, &arena, out);
        write_pods(view, style, &arena, out);
    } else {
        write_policies(view, style, &arena, out);
    }
}
