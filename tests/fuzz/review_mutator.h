/* A mutator for fuzz_review.c that keeps an AdmissionReview readable: it changes one node of the
 * JSON tree, where changing bytes would mostly change syntax. The words are those that mutators
 * look for. */
#ifndef SL_TESTS_FUZZ_REVIEW_MUTATOR_H
#define SL_TESTS_FUZZ_REVIEW_MUTATOR_H

#include <stdint.h>
#include <string.h>

#include "codec/json.h"

#define MUTATOR_NODES_MAX 4096

/* A place in the tree: a member of an object, or an element of an array. */
struct mutator_node {
    struct json_object *parent;
    const char *key; /* NULL: */
    size_t index;
};

struct mutator_nodes {
    struct mutator_node items[MUTATOR_NODES_MAX];
    size_t count;
};

static const char *const mutator_values[] = {
    "null",
    "true",
    "false",
    "0",
    "-1",
    "3",
    "1000000000",
    "9223372036854775807",
    "1.5",
    "\"\"",
    "\"true\"",
    "\"InService\"",
    "\"True\"",
    "\"RollingUpdate\"",
    "\"OnDelete\"",
    "\"100%\"",
    "{}",
    "[]",
    "[{}]",
    "[null]",
    "{\"\":null}",
    "{\"a~1/b\":\"c\"}",
    "\"CREATE\"",
    "\"UPDATE\"",
    "\"DELETE\"",
    "\"pods\"",
    "\"eviction\"",
    "[\"All\"]",
    "\"u-evicted\"",
    "\"deployments\"",
    "\"statefulsets\"",
    "\"daemonsets\"",
    "\"clonesets\"",
    "\"rollouts\"",
    "\"trafficpolicies\"",
    "\"apps\"",
    "\"apps.kruise.io\"",
    "\"sluice.dev\"",
    "\"shop\"",
    "\"kube-system\"",
    "\"other\"",
    "\"productpage\"",
    "\"ratings\"",
    "\"agent\"",
    "\"Job\"",
    "\"ReplicaSet\"",
    "\"system:serviceaccount:sluice-system:sluice-reconciler\"",
    "\"{\\\"/spec/paused\\\":null}\"",
    "\"{\\\"/spec/paused\\\":false}\"",
    "\"{\\\"/spec/updateStrategy\\\":null}\"",
    "\"{\\\"/spec/updateStrategy\\\":{\\\"type\\\":\\\"OnDelete\\\"}}\"",
    "\"{\\\"/spec/updateStrategy/rollingUpdate/partition\\\":2}\"",
    "[\"slb.sluice.dev/edge\"]",
    "[{\"conditionType\":\"sluice.dev/traffic-ready\"}]",
    "[{\"type\":\"sluice.dev/traffic-ready\",\"status\":\"True\",\"reason\":\"InService\"}]",
    "{\"preStop\":{}}",
    "{\"preStop\":null}",
    "{\"app\":\"productpage\"}",
    "{\"app\":\"ratings\"}",
    "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":1}}",
    "{\"type\":\"RollingUpdate\",\"rollingUpdate\":null}",
};

static const char *const mutator_keys[] = {
    "sluice.dev/held",
    "sluice.dev/force",
    "sluice.dev/traffic-policy",
    "sluice.dev/rollout",
    "sluice.dev/upgrading",
    "annotations",
    "labels",
    "finalizers",
    "readinessGates",
    "lifecycle",
    "preStop",
    "paused",
    "updateStrategy",
    "rollingUpdate",
    "partition",
    "type",
    "hostNetwork",
    "terminationGracePeriodSeconds",
    "ownerReferences",
    "deletionTimestamp",
    "generateName",
    "name",
    "app",
    "template",
    "spec",
    "status",
    "conditions",
    "image",
    "replicas",
    "dryRun",
    "subResource",
    "metadata",
    "pod-template-hash",
    "kubernetes.io/config.mirror",
    "a/b~c",
};

static inline void mutator_collect(struct json_object *parent, struct mutator_nodes *nodes)
{
    if (json_object_is_type(parent, json_type_object)) {
        json_object_object_foreach(parent, key, child)
        {
            if (nodes->count < MUTATOR_NODES_MAX) {
                nodes->items[nodes->count++] = (struct mutator_node){.parent = parent, .key = key};
                mutator_collect(child, nodes);
            }
        }
    } else if (json_object_is_type(parent, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(parent); i++) {
            if (nodes->count < MUTATOR_NODES_MAX) {
                nodes->items[nodes->count++] = (struct mutator_node){.parent = parent, .index = i};
                mutator_collect(json_object_array_get_idx(parent, i), nodes);
            }
        }
    }
}

static inline struct json_object *mutator_get(const struct mutator_node *node)
{
    return node->key != NULL ? json_object_object_get(node->parent, node->key)
                             : json_object_array_get_idx(node->parent, node->index);
}

/* Takes over `value`. */
static inline void mutator_put(const struct mutator_node *node, struct json_object *value)
{
    if (node->key != NULL) {
        SL_AUTO(sl_buf) struct sl_buf key = SL_BUF_INIT(SL_MIB); /* json-c frees the old one */
        sl_buf_adds(&key, node->key);
        json_object_object_add(node->parent, key.data == NULL ? "" : key.data, value);
    } else {
        json_object_array_put_idx(node->parent, node->index, value);
    }
}

static inline struct json_object *mutator_value(unsigned *random)
{
    struct json_object *value = NULL;
    size_t count = sizeof mutator_values / sizeof mutator_values[0];
    const char *text = mutator_values[(size_t)rand_r(random) % count];
    return sl_json_parse(sl_str_from(text), &value, NULL) < 0 ? NULL : value;
}

static inline void mutator_remove(const struct mutator_node *node)
{
    if (node->key != NULL) {
        json_object_object_del(node->parent, node->key);
    } else {
        json_object_array_del_idx(node->parent, node->index, 1);
    }
}

static inline void mutator_copy(const struct mutator_node *from, const struct mutator_node *to)
{
    struct json_object *copy = NULL;
    struct json_object *value = mutator_get(from);
    if (value != NULL && json_object_deep_copy(value, &copy, NULL) < 0) {
        return;
    }
    mutator_put(to, copy);
}

/* Changes one node; `nodes` is not valid any more after it. */
static inline void mutate_tree(const struct mutator_nodes *nodes, unsigned *random)
{
    const struct mutator_node *node = &nodes->items[(size_t)rand_r(random) % nodes->count];
    struct json_object *target = mutator_get(node);
    switch (rand_r(random) % 5) {
    case 0:
        mutator_remove(node);
        break;
    case 1:
        mutator_copy(&nodes->items[(size_t)rand_r(random) % nodes->count], node);
        break;
    case 2:
        mutator_put(node, mutator_value(random));
        break;
    default: /* a new member, where the node can have one */
        if (json_object_is_type(target, json_type_object)) {
            size_t count = sizeof mutator_keys / sizeof mutator_keys[0];
            json_object_object_add(target, mutator_keys[(size_t)rand_r(random) % count],
                                   mutator_value(random));
        } else if (json_object_is_type(target, json_type_array)) {
            json_object_array_add(target, mutator_value(random));
        } else {
            mutator_put(node, mutator_value(random));
        }
    }
}

/* Returns the new size, or 0 when the bytes are no tree, or the result has no room. */
static inline size_t mutate_review(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static struct mutator_nodes nodes;
    SL_AUTO(sl_json) struct json_object *root = NULL;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(8 * SL_MIB);
    struct sl_str bytes = {.p = (const char *)data, .n = size};
    if (sl_json_parse(bytes, &root, NULL) < 0) {
        return 0;
    }
    unsigned random = seed;
    for (int rounds = 1 + rand_r(&random) % 3; rounds > 0; rounds--) {
        nodes.count = 0;
        mutator_collect(root, &nodes);
        if (nodes.count == 0) {
            return 0;
        }
        mutate_tree(&nodes, &random);
    }
    sl_json_write(root, &text);
    if (text.overflowed || text.len > max_size) {
        return 0;
    }
    memcpy(data, text.data, text.len);
    return text.len;
}

#endif
