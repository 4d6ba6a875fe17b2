/* Pods as an API server keeps them, for tests of traffic: what is written to them is stored, and
 * comes back as their next version. */
#ifndef SL_TESTS_UNIT_RUN_FAKE_PODS_H
#define SL_TESTS_UNIT_RUN_FAKE_PODS_H

#include "fake_caches.h"

#include "base/buf.h"
#include "codec/json.h"

#define FAKE_PODS 16

static struct fake_pod {
    char name[32], ns[16], policy[16], reason[16], message[256], changed[32], drain[512];
    unsigned version;
    bool gate, finalizer, deleted, unready;
    const char *annotations; /* besides: "\"key\":\"value\"" */
    const char *more_spec;   /* ",…" */
    const char *app;
} fake_pods[FAKE_PODS];
static size_t fake_pod_count;

static struct fake_pod *fake_pod(const char *name)
{
    size_t i = 0;
    while (i < fake_pod_count && strcmp(fake_pods[i].name, name) != 0) {
        i++;
    }
    if (i == fake_pod_count) {
        assert_true(fake_pod_count < FAKE_PODS);
        fake_pods[fake_pod_count++] = (struct fake_pod){.ns = "shop",
                                                        .changed = "2026-11-21T12:00:00Z",
                                                        .annotations = "",
                                                        .more_spec = "",
                                                        .app = "web"};
        (void)snprintf(fake_pods[i].name, sizeof fake_pods[i].name, "%s", name);
    }
    return &fake_pods[i];
}

/* Its uid is "uid-" and its name. The kubelet has Ready follow the gate at once. */
static void fake_pod_json(const struct fake_pod *pod, struct sl_buf *out)
{
    bool ready = pod->gate && !pod->unready;
    sl_buf_addf(out,
                "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"namespace\":\"%s\","
                "\"name\":\"%s\",\"uid\":\"uid-%s\",\"resourceVersion\":\"%u\",\"labels\":"
                "{\"app\":\"%s\"",
                pod->ns, pod->name, pod->name, pod->version, pod->app);
    if (pod->policy[0] != '\0') {
        sl_buf_addf(out, ",\"sluice.dev/traffic-policy\":\"%s\"", pod->policy);
    }
    sl_buf_addf(out, "},\"finalizers\":[%s],\"annotations\":{%s",
                pod->finalizer ? "\"slb.sluice.dev/edge\"" : "", pod->annotations);
    if (pod->drain[0] != '\0') {
        assert_string_equal(pod->annotations, "");
        sl_buf_adds(out, "\"sluice.dev/drain\":");
        sl_buf_add_json_string(out, sl_str_from(pod->drain));
    }
    sl_buf_addf(out,
                "}%s},\"spec\":{\"readinessGates\":[{\"conditionType\":"
                "\"sluice.dev/traffic-ready\"}],\"containers\":[{\"name\":\"web\",\"image\":"
                "\"web:1\"}]%s},\"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\","
                "\"conditions\":[{\"type\":\"ContainersReady\",\"status\":\"%s\"},"
                "{\"type\":\"Ready\",\"status\":\"%s\",\"lastTransitionTime\":"
                "\"%s\"}",
                pod->deleted ? ",\"deletionTimestamp\":\"2026-11-21T12:00:30Z\","
                               "\"deletionGracePeriodSeconds\":30"
                             : "",
                pod->more_spec, pod->unready ? "False" : "True", ready ? "True" : "False",
                pod->changed);
    if (pod->reason[0] != '\0') {
        sl_buf_addf(out,
                    ",{\"type\":\"sluice.dev/traffic-ready\",\"status\":\"%s\",\"reason\":\"%s\","
                    "\"lastTransitionTime\":\"%s\",\"message\":",
                    pod->gate ? "True" : "False", pod->reason, pod->changed);
        sl_buf_add_json_string(out, sl_str_from(pod->message));
        sl_buf_adds(out, "}");
    }
    sl_buf_adds(out,
                "],\"containerStatuses\":[{\"name\":\"web\",\"containerID\":\"c://1\",\"state\":"
                "{\"running\":{\"startedAt\":\"2026-11-21T12:00:00Z\"}}}]}}");
}

/* The next version of it, as a watch event brings it. */
static void fake_pod_put(struct fake_pod *pod)
{
    SL_AUTO(sl_buf) struct sl_buf json = SL_BUF_INIT(16 * SL_KIB);
    pod->version++;
    fake_pod_json(pod, &json);
    fake_put("pods", json.data);
}

/* --- writes --- */

static struct json_object *fake_member_of(struct json_object *object, const char *key)
{
    return object == NULL ? NULL : json_object_object_get(object, key);
}

static void fake_set(char *text, size_t size, struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    if (object != NULL && json_object_object_get_ex(object, key, &value)) {
        (void)snprintf(text, size, "%s", value == NULL ? "" : json_object_get_string(value));
    }
}

/* Stores a strategic merge patch, as far as traffic writes any. Its preconditions are checked. */
static void fake_pod_patch(struct fake_pod *pod, struct sl_str body)
{
    SL_AUTO(sl_json) struct json_object *patch = NULL;
    char version[16];
    assert_int_equal(sl_json_parse(body, &patch, NULL), 0);
    struct json_object *metadata = fake_member_of(patch, "metadata");
    struct json_object *conditions = fake_member_of(fake_member_of(patch, "status"), "conditions");
    (void)snprintf(version, sizeof version, "%u", pod->version);
    assert_string_equal(json_object_get_string(fake_member_of(metadata, "resourceVersion")),
                        version);
    assert_non_null(fake_member_of(metadata, "uid"));
    if (conditions != NULL) {
        struct json_object *condition = json_object_array_get_idx(conditions, 0);
        char status[8] = "";
        fake_set(status, sizeof status, condition, "status");
        fake_set(pod->reason, sizeof pod->reason, condition, "reason");
        fake_set(pod->message, sizeof pod->message, condition, "message");
        fake_set(pod->changed, sizeof pod->changed, condition, "lastTransitionTime");
        pod->gate = strcmp(status, "True") == 0;
    }
    fake_set(pod->policy, sizeof pod->policy, fake_member_of(metadata, "labels"),
             "sluice.dev/traffic-policy");
    fake_set(pod->drain, sizeof pod->drain, fake_member_of(metadata, "annotations"),
             "sluice.dev/drain");
    pod->finalizer = (pod->finalizer || fake_member_of(metadata, "finalizers") != NULL) &&
                     fake_member_of(metadata, "$deleteFromPrimitiveList/finalizers") == NULL;
    pod->version++;
}

#endif
