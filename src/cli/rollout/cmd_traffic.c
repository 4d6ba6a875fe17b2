/* sluice rollout traffic: TrafficPolicies with their numbers, the pods of one, or one pod, once or
 * as they change.
 *
 *     caches.c (list and watch) → traffic_view.c (text) → painter.c (in place, or lines)
 */
#include "cli/rollout/objects.h"
#include "cli/rollout/painter.h"
#include "cli/rollout/traffic_view.h"
#include "core/names.h"

struct traffic_values {
    struct sl_cluster_values cluster;
    int form; /* enum sl_form */
    bool watch, all;
};

#define AT(field) .at = offsetof(struct traffic_values, field)

static const struct sl_option options[] = {
    {.name = "watch",
     .letter = 'w',
     .type = SL_O_FLAG,
     AT(watch),
     .help = "go on as it changes: in place on a terminal, else a\n"
             "line for each change; until interrupted"},
    {.name = "all-namespaces",
     .letter = 'A',
     .type = SL_O_FLAG,
     AT(all),
     .help = "the policies of every namespace"},
    {.name = "output",
     .letter = 'o',
     .type = SL_O_WORD,
     AT(form),
     .value = "FORM",
     .words = sl_forms,
     .fallback = SL_FORM_TEXT,
     .help = "text (the default); wide: with messages, addresses,\n"
             "nodes; json, yaml: the objects; name: one a line"},
    SL_CLUSTER_OPTIONS(offsetof(struct traffic_values, cluster)),
    {0},
};

/* --- what the name means --- */

enum subject { ALL, POLICY, POD };
enum part { POLICIES, PODS };

struct stage {
    enum subject subject;
    struct sl_str name;
    struct sl_arena arena;
    struct sl_caches caches;
    const struct traffic_values *values;
};

static void stage_cleanup(struct stage *stage)
{
    sl_caches_close(&stage->caches);
    sl_arena_cleanup(&stage->arena);
}

/* "pod/web-0" says what it is; a bare name is looked for. */
static bool says_kind(struct stage *stage)
{
    static const struct {
        const char *prefix;
        enum subject subject;
    } kinds[] = {
        {"pod", POD},
        {"pods", POD},
        {"policy", POLICY},
        {"trafficpolicy", POLICY},
        {"trafficpolicies", POLICY},
        {"trafficpolicy." SL_API_GROUP, POLICY},
        {"tpol", POLICY},
    };
    struct sl_str rest = stage->name;
    struct sl_str prefix = sl_str_cut(&rest, '/');
    for (size_t i = 0; rest.p != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (sl_str_is(prefix, kinds[i].prefix)) {
            stage->subject = kinds[i].subject;
            stage->name = rest;
            return true;
        }
    }
    return false;
}

/* Errors: NOT_FOUND, neither a policy nor a pod has that name. */
static int find_subject(struct stage *stage, struct sl_err *err)
{
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    if (stage->name.p == NULL || says_kind(stage)) {
        return 0;
    }
    stage->subject = POLICY;
    if (sl_cluster_get(stage->caches.cluster, &sl_traffic_policies, stage->name, &reply, err) ==
        0) {
        return 0;
    }
    if (err->kind != SL_ERR_NOT_FOUND) {
        return -1;
    }
    stage->subject = POD;
    if (sl_cluster_get(stage->caches.cluster, &sl_pods, stage->name, &reply, err) == 0) {
        return 0;
    }
    return err->kind != SL_ERR_NOT_FOUND
               ? -1
               : sl_err_set(err, SL_ERR_NOT_FOUND,
                            "neither a TrafficPolicy nor a pod of namespace %s is called %.*s",
                            stage->caches.cluster->ns, SL_STR_FMT(stage->name));
}

/* --- the objects --- */

static int decode_policy(void *ctx, struct sl_str json, struct sl_record **ret_record,
                         struct sl_err *err)
{
    (void)ctx;
    return sl_traffic_policy_record_decode(json, ret_record, err);
}

static int decode_pod(void *ctx, struct sl_str json, struct sl_record **ret_record,
                      struct sl_err *err)
{
    (void)ctx;
    return sl_pod_record_decode(json, ret_record, err);
}

static struct sl_str policy_of(const struct sl_pod_record *pod, struct sl_arena *arena)
{
    return sl_labels_get(sl_pod_labels(pod, arena), SL_STR(SL_LABEL_POLICY));
}

/* The label of the pod that is looked at, so that not all pods of its namespace are read. */
static int select_pod(struct stage *stage, const char **ret_selector, struct sl_err *err)
{
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    SL_AUTO(sl_record) struct sl_record *record = NULL;
    if (sl_cluster_get(stage->caches.cluster, &sl_pods, stage->name, &reply, err) < 0 ||
        sl_pod_record_decode(sl_buf_str(&reply.body), &record, err) < 0) {
        return -1;
    }
    struct sl_str policy = policy_of(sl_pod_of(record), &stage->arena);
    *ret_selector =
        policy.n == 0 ? NULL
                      : sl_arena_printf(&stage->arena, SL_LABEL_POLICY "=%.*s", SL_STR_FMT(policy));
    return 0;
}

static int open_stage(struct stage *stage, struct sl_err *err)
{
    const struct sl_cluster *cluster = stage->caches.cluster;
    const char *selector = NULL;
    if (find_subject(stage, err) < 0 ||
        (stage->subject == POD && select_pod(stage, &selector, err) < 0)) {
        return -1;
    }
    if (stage->subject == POLICY) {
        selector = sl_arena_printf(&stage->arena, SL_LABEL_POLICY "=%.*s", SL_STR_FMT(stage->name));
    }
    sl_caches_add(&stage->caches, POLICIES, &sl_traffic_policies,
                  stage->values->all ? NULL : cluster->ns, NULL, decode_policy,
                  sl_traffic_policy_record_free);
    if (stage->subject != ALL) {
        sl_caches_add(&stage->caches, PODS, &sl_pods, cluster->ns, selector, decode_pod, NULL);
    }
    return sl_caches_settle(&stage->caches, err);
}

static const struct sl_record *by_name(const struct sl_record *const *records, size_t count,
                                       struct sl_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (sl_str_is(name, records[i]->name)) {
            return records[i];
        }
    }
    return NULL;
}

/* What there is now. False: what is looked at is gone. */
static bool look(const struct stage *stage, struct sl_arena *arena, struct sl_traffic_view *view)
{
    struct sl_str policy = stage->subject == POLICY ? stage->name : (struct sl_str){0};
    *view = (struct sl_traffic_view){.all = stage->values->all};
    view->policies = sl_caches_records(&stage->caches, POLICIES, arena, &view->policy_count);
    view->pods = sl_caches_records(&stage->caches, PODS, arena, &view->pod_count);
    sl_traffic_view_sort(view);
    if (stage->subject == POD) {
        const struct sl_record *pod = by_name(view->pods, view->pod_count, stage->name);
        if (pod == NULL) {
            return false;
        }
        view->pod = sl_pod_of(pod);
        policy = policy_of(view->pod, arena);
    }
    if (policy.n > 0) {
        const struct sl_record *record = by_name(view->policies, view->policy_count, policy);
        view->policy = record == NULL ? NULL : sl_traffic_policy_of(record);
    }
    return stage->subject != POLICY || view->policy != NULL;
}

/* --- the output --- */

static int print_lines(const struct sl_painter *painter, const struct sl_buf *changes,
                       struct sl_err *err)
{
    struct sl_str rest = sl_buf_str(changes);
    while (rest.n > 0) {
        if (sl_painter_line(painter, sl_str_cut(&rest, '\n'), err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int paint(struct stage *stage, struct sl_painter *painter,
                 const struct sl_traffic_view *view, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf picture = SL_BUF_INIT(SL_PICTURE_MAX);
    sl_traffic_view_write(view, &painter->style, &picture);
    if (view->policy_count == 0 && stage->subject == ALL && !painter->in_place) {
        (void)fprintf(stderr, "No TrafficPolicies found%s%s.\n",
                      stage->values->all ? "" : " in namespace ",
                      stage->values->all ? "" : stage->caches.cluster->ns);
    }
    return sl_painter_picture(painter, &picture, sl_caches_error(&stage->caches), err);
}

/* What was said in the turn before, for the lines that changed. */
struct memory {
    struct sl_arena arenas[2];
    size_t current;
    struct sl_traffic_lines lines;
};

static void memory_cleanup(struct memory *memory)
{
    sl_arena_cleanup(&memory->arenas[0]);
    sl_arena_cleanup(&memory->arenas[1]);
}

static int say_changes(struct memory *memory, const struct sl_painter *painter,
                       const struct sl_traffic_view *view, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf changes = SL_BUF_INIT(SL_PICTURE_MAX);
    struct sl_traffic_lines before = memory->lines;
    memory->current = 1 - memory->current;
    sl_arena_reset(&memory->arenas[memory->current]);
    sl_traffic_view_lines(view, &memory->arenas[memory->current], &memory->lines);
    sl_traffic_view_changes(&before, &memory->lines, &changes);
    return print_lines(painter, &changes, err);
}

/* *ret_gone: what was looked at is not there any more. */
static int show(struct stage *stage, struct sl_painter *painter, bool *ret_gone, struct sl_err *err)
{
    SL_AUTO(memory) struct memory memory = {.current = 0};
    for (;;) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_traffic_view view;
        stage->caches.changed = false;
        *ret_gone = !look(stage, &arena, &view);
        if (*ret_gone) {
            return 0;
        }
        painter->style.now = sl_clock_wall();
        if (painter->lines ? say_changes(&memory, painter, &view, err) < 0
                           : paint(stage, painter, &view, err) < 0) {
            return -1;
        }
        if (!stage->values->watch) {
            return 0;
        }
        if (sl_painter_wait(painter, &stage->caches, err) < 0) {
            return -1;
        }
    }
}

static int show_stage(const struct sl_command *self, const struct traffic_values *values,
                      const struct sl_cluster *cluster, struct sl_str name)
{
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(stage)
    struct stage stage = {.name = name, .caches = {.cluster = cluster}, .values = values};
    struct sl_painter painter = sl_painter_open(values->watch, values->form == SL_FORM_WIDE);
    bool gone = false;
    if (open_stage(&stage, &err) < 0 || show(&stage, &painter, &gone, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    if (gone) {
        (void)sl_err_set(&err, SL_ERR_NOT_FOUND, "the %s %.*s is not there any more",
                         stage.subject == POD ? "pod" : "TrafficPolicy", SL_STR_FMT(stage.name));
        return sl_command_failed(self, &err, SL_EXIT_NO);
    }
    return SL_EXIT_YES;
}

/* The objects themselves, for programs. */
static int print_objects(const struct traffic_values *values, const struct sl_cluster *cluster,
                         struct sl_str name, struct sl_err *err)
{
    struct stage stage = {.name = name, .caches = {.cluster = cluster}, .values = values};
    enum sl_form form = (enum sl_form)values->form;
    if (name.p == NULL) {
        return sl_objects_print(cluster, &sl_traffic_policies, "trafficpolicy." SL_API_GROUP,
                                values->all ? NULL : cluster->ns, NULL, form, err);
    }
    if (find_subject(&stage, err) < 0) {
        return -1;
    }
    return stage.subject == POD
               ? sl_object_print(cluster, &sl_pods, "pod", stage.name.p, form, err)
               : sl_object_print(cluster, &sl_traffic_policies, "trafficpolicy." SL_API_GROUP,
                                 stage.name.p, form, err);
}

static int run_traffic(const struct sl_command *self, const void *values_,
                       struct sl_operands operands)
{
    const struct traffic_values *values = values_;
    struct sl_str name = sl_str_from(operands.count == 0 ? NULL : operands.items[0]);
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_cluster) struct sl_cluster cluster = {0};
    if (values->watch && !sl_form_is_picture(values->form)) {
        return sl_command_misused(self, "--watch shows text or wide, not %s",
                                  sl_forms[values->form]);
    }
    if (values->all && name.p != NULL) {
        return sl_command_misused(self, "a name is one of a namespace: give it with -n, not -A");
    }
    if (sl_cluster_open(&values->cluster, &cluster, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    if (sl_form_is_picture(values->form)) {
        return show_stage(self, values, &cluster, name);
    }
    return print_objects(values, &cluster, name, &err) < 0
               ? sl_command_failed(self, &err, SL_EXIT_BAD)
               : SL_EXIT_YES;
}

const struct sl_command sl_cmd_rollout_traffic = {
    .name = "rollout traffic",
    .alias = "traffic",
    .operands = "[POLICY|POD]",
    .max_operands = 1,
    .summary = "Show what TrafficPolicies have pods do: in service, draining, since when",
    .details = "\nWithout a name: the policies and their load balancers. With a policy's: its\n"
               "pods. With a pod's: what has it leave, which load balancers may have it, what\n"
               "it waits for. policy/NAME and pod/NAME tell those of one name apart. Exit\n"
               "status: 0 shown, 1 gone while watched, 2 bad usage or no answer.\n"
               "\nExample: sluice rollout traffic web -w\n",
    .options = options,
    .values_size = sizeof(struct traffic_values),
    .run = run_traffic,
};
