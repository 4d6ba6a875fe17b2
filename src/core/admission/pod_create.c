/* Pod CREATE: what a pod that a TrafficPolicy matches is born with (DESIGN.md, "A pod's traffic
 * state", 1 and 5): the readiness gate, a finalizer for each balancer, labels, and a preStop sleep.
 * A Rollout that names the pod's workload gives its label, with or without a TrafficPolicy. */
#include "core/admission/mutators.h"
#include "core/admission/pod.h"
#include "core/names.h"

/* As SL_ANNOTATION_MIRROR is, on the mirror of a static pod: the kubelet owns that pod and would
 * not obey a gate or a finalizer on its mirror. */
#define SOURCE_ANNOTATION "kubernetes.io/config.source"

/* Why a pod gets nothing whatever matches it; NULL: it gets everything. */
static const char *exempt(struct sl_admission *work, const struct sl_pod *pod)
{
    struct sl_str source = sl_annotation(pod->annotations, SL_STR(SOURCE_ANNOTATION), &work->arena);
    if (sl_jval_get(pod->annotations, SL_STR(SL_ANNOTATION_MIRROR)).type != SL_J_ABSENT ||
        (source.n > 0 && !sl_str_is(source, "api")) || sl_str_is(pod->owner.kind, "Node")) {
        return "it is a static pod's mirror";
    }
    if (sl_pod_is_of_job(pod)) {
        return "it is a Job's pod: it runs to its end and serves no traffic";
    }
    return NULL;
}

static const struct sl_rollout *find_rollout(const struct sl_admission *work,
                                             const struct sl_pod *pod)
{
    struct sl_owner owner = sl_pod_workload(pod);
    return sl_snapshot_rollout(work->known.policies, work->review.ns, owner.group, owner.kind,
                               owner.name);
}

/* Either may be NULL. */
static void add_labels(struct sl_admission *work, const struct sl_traffic_policy *policy,
                       const struct sl_rollout *rollout)
{
    struct sl_map_entry labels[2];
    size_t count = 0;
    if (policy != NULL) {
        labels[count++] = (struct sl_map_entry){SL_STR(SL_LABEL_POLICY), policy->name};
    }
    if (rollout != NULL) {
        labels[count++] = (struct sl_map_entry){SL_STR(SL_LABEL_ROLLOUT), rollout->name};
    }
    sl_patch_map(work, "/metadata/labels", work->review.object.labels, labels, count);
}

static bool has_finalizer(const struct sl_pod *pod, struct sl_str finalizer)
{
    for (size_t i = 0; i < pod->finalizer_count; i++) {
        if (sl_str_eq(pod->finalizers[i], finalizer)) {
            return true;
        }
    }
    return false;
}

/* Appends to a list, or makes it with its first element. */
static void add_to_list(struct sl_admission *work, const char *list, bool *there,
                        struct sl_str element)
{
    struct sl_arena *arena = &work->arena;
    if (*there) {
        sl_patch_add(&work->patch, sl_arena_printf(arena, "%s/-", list), element);
        return;
    }
    sl_patch_add(&work->patch, list,
                 sl_str_from(sl_arena_printf(arena, "[%.*s]", SL_STR_FMT(element))));
    *there = true;
}

static void add_finalizers(struct sl_admission *work, const struct sl_pod *pod,
                           const struct sl_traffic_policy *policy)
{
    const struct sl_load_balancer *balancers = policy->load_balancers.items;
    bool there = pod->has_finalizers;
    for (size_t i = 0; i < policy->load_balancers.count; i++) {
        if (balancers[i].has_external) {
            continue; /* its own controller adds the finalizer once the pod is mounted */
        }
        struct sl_str finalizer = sl_str_from(sl_arena_printf(
            &work->arena, SL_FINALIZER_PREFIX "%.*s", SL_STR_FMT(balancers[i].name)));
        if (!has_finalizer(pod, finalizer)) {
            add_to_list(work, "/metadata/finalizers", &there,
                        sl_json_quote(&work->arena, finalizer));
        }
    }
}

static void add_gate(struct sl_admission *work, const struct sl_pod *pod,
                     const struct sl_traffic_policy *policy)
{
    bool there = pod->has_gates;
    if (policy->readiness_gate && !pod->has_our_gate) {
        add_to_list(work, "/spec/readinessGates", &there,
                    SL_STR("{\"conditionType\":\"" SL_GATE "\"}"));
    }
}

/* Whether this pod was here before: the API server asks again when a later webhook changed it, by a
 * container of its own, say. The grace period must not be raised a second time then. */
static bool raised_already(const struct sl_pod *pod, const struct sl_traffic_policy *policy)
{
    if (!sl_str_eq(sl_labels_get(pod->labels, SL_STR(SL_LABEL_POLICY)), policy->name)) {
        return false;
    }
    for (size_t i = 0; i < pod->containers.count; i++) {
        if (pod->containers.items[i].sleep == policy->pre_stop_sleep) {
            return true;
        }
    }
    return false;
}

/* Only main containers: the kubelet keeps sidecars (initContainers that restart) running until
 * these have ended, so they need no sleep of their own. */
static void add_pre_stop(struct sl_admission *work, const struct sl_pod *pod,
                         const struct sl_traffic_policy *policy)
{
    struct sl_arena *arena = &work->arena;
    long long seconds = policy->pre_stop_sleep;
    /* The kubelet takes a negative period for one second. */
    int64_t grace_period = pod->grace_period < 0 ? 1 : pod->grace_period;
    if (seconds == 0 || __builtin_add_overflow(grace_period, seconds, &grace_period)) {
        return;
    }
    const char *pre_stop = sl_arena_printf(arena, "{\"sleep\":{\"seconds\":%lld}}", seconds);
    bool injected = false;
    for (size_t i = 0; i < pod->containers.count; i++) {
        const struct sl_container *container = &pod->containers.items[i];
        if (container->has_pre_stop) {
            continue;
        }
        const char *lifecycle = sl_arena_printf(arena, "/spec/containers/%zu/lifecycle", i);
        if (container->has_lifecycle) {
            sl_patch_add(&work->patch, sl_arena_printf(arena, "%s/preStop", lifecycle),
                         sl_str_from(pre_stop));
        } else {
            sl_patch_add(&work->patch, lifecycle,
                         sl_str_from(sl_arena_printf(arena, "{\"preStop\":%s}", pre_stop)));
        }
        injected = true;
    }
    if (injected && !raised_already(pod, policy)) {
        /* the grace period runs during the preStop: the application keeps the time it had */
        sl_patch_add(&work->patch, "/spec/terminationGracePeriodSeconds",
                     sl_str_from(sl_arena_printf(arena, "%lld", (long long)grace_period)));
    }
}

/* The TrafficPolicy to apply, or NULL; warns where somebody may have expected another answer. */
static const struct sl_traffic_policy *find_policy(struct sl_admission *work,
                                                   const struct sl_pod *pod)
{
    const struct sl_traffic_policy *second = NULL;
    const struct sl_traffic_policy *policy =
        sl_snapshot_match(work->known.policies, work->review.ns, pod->labels, &second);
    if (policy == NULL) {
        return NULL;
    }
    if (pod->host_network) {
        sl_admission_warn(work,
                          "TrafficPolicy %.*s is not applied: the pod uses hostNetwork, so it "
                          "shares its node's address and cannot be drained by itself",
                          SL_STR_FMT(policy->name));
        work->decision.why = "it uses hostNetwork";
        return NULL;
    }
    if (second != NULL) {
        sl_admission_warn(work,
                          "TrafficPolicies %.*s and %.*s both match this pod; %.*s is applied, as "
                          "its name sorts first",
                          SL_STR_FMT(policy->name), SL_STR_FMT(second->name),
                          SL_STR_FMT(policy->name));
    }
    return policy;
}

static void say_what_matched(struct sl_admission *work, const struct sl_traffic_policy *policy,
                             const struct sl_rollout *rollout)
{
    const char *missing = work->patch.count == 0 ? " and nothing is missing" : "";
    if (policy != NULL) {
        work->decision.why = sl_arena_printf(&work->arena, "TrafficPolicy %.*s matches it%s",
                                             SL_STR_FMT(policy->name), missing);
    } else if (rollout != NULL) {
        work->decision.why = sl_arena_printf(&work->arena, "Rollout %.*s names its workload%s",
                                             SL_STR_FMT(rollout->name), missing);
    }
}

int sl_pod_create(struct sl_admission *work, struct sl_err *err)
{
    (void)err;
    struct sl_decision *decision = &work->decision;
    struct sl_pod pod;
    if (!sl_pod_view(&work->review.object, &work->arena, &pod, &decision->why)) {
        return 0;
    }
    decision->why = exempt(work, &pod);
    if (decision->why != NULL) {
        return 0;
    }
    decision->why =
        "no TrafficPolicy of its namespace matches its labels, and no Rollout names its "
        "workload";
    const struct sl_traffic_policy *policy = find_policy(work, &pod);
    const struct sl_rollout *rollout = find_rollout(work, &pod);
    add_labels(work, policy, rollout);
    if (policy != NULL) {
        add_finalizers(work, &pod, policy);
        add_gate(work, &pod, policy);
        add_pre_stop(work, &pod, policy);
    }
    say_what_matched(work, policy, rollout);
    return 0;
}
