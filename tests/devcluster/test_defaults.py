"""Defaults and preparation: a new object becomes what a real API server made of it."""

import pytest
import recorded
from devcluster.apiserver.kinds import defaults, prepare
from devcluster.objects import copy
from devcluster.resources import find

CASES = recorded.load("devcluster/defaults.json")
# what admission, allocation or a controller's finalizer adds, which are not defaults
ADDED = {
    "pods": ("spec.tolerations", "spec.priority", "spec.preemptionPolicy", "spec.serviceAccount",
             "spec.serviceAccountName"),
    "services": ("spec.clusterIP", "spec.clusterIPs", "spec.ipFamilies", "spec.ipFamilyPolicy"),
    "events": ("source", "firstTimestamp", "lastTimestamp", "eventTime", "reportingComponent",
               "reportingInstance"),
    "events.events.k8s.io": ("deprecatedSource", "deprecatedFirstTimestamp", "deprecatedLastTimestamp"),
    "persistentvolumeclaims": ("metadata.finalizers",),
    "persistentvolumes": ("metadata.finalizers", "status.lastPhaseTransitionTime"),
    "nodes": ("spec.taints",),
    "horizontalpodautoscalers": ("spec.metrics",),
    "roles": ("rules",),
    "customresourcedefinitions": ("status",),
}


def made(case):
    """The object of a case as it would be stored."""
    obj = copy(case["object"])
    resource = find(case["resource"])
    defaults.default(resource, obj)
    for key in ("uid", "creationTimestamp"):
        obj["metadata"][key] = case["result"]["metadata"][key]
    prepare.prepare_create(resource, obj)
    return obj


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['resource']}-{case['name']}")
def test_a_new_object_becomes_what_a_real_server_makes_of_it(case):
    added = ADDED.get(case["resource"], ())
    assert recorded.without(made(case), *added) == recorded.without(case["result"], *added)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['resource']}-{case['name']}")
def test_defaults_leave_a_complete_object_alone(case):
    obj = made(case)
    before = copy(obj)
    defaults.default(find(case["resource"]), obj)
    assert obj == before


@pytest.mark.parametrize("amount, canonical", [
    ("0.5", "500m"), ("1024Mi", "1Gi"), ("1000m", "1"), (2, "2"), ("1500M", "1500M"), ("0", "0"),
    ("1.5Gi", "1536Mi")])
def test_quantities_get_their_canonical_form(amount, canonical):
    resources = {"limits": {"memory": amount}}
    pod = {"metadata": {}, "spec": {"containers": [{"name": "c", "image": "i", "resources": resources}]}}
    defaults.default(find("pods"), pod)
    assert resources["limits"] == {"memory": canonical}


def deployment(**spec):
    return {"metadata": {"uid": "1", "generation": 3, "labels": {"a": "1"}, "creationTimestamp": "then"},
            "spec": {"replicas": 1, **spec}, "status": {"replicas": 1}}


def test_an_update_changes_the_generation_with_the_spec_only():
    resource = find("deployments")
    old, new = deployment(), deployment()
    new["status"] = {"replicas": 9}
    prepare.prepare_update(resource, new, old)
    assert new["metadata"]["generation"] == 3
    assert new["status"] == {"replicas": 1}
    new["spec"] = {"replicas": 2}
    prepare.prepare_update(resource, new, old)
    assert new["metadata"]["generation"] == 4


def test_an_update_of_the_status_leaves_the_spec():
    old, new = deployment(), deployment(replicas=7)
    new["status"] = {"replicas": 5}
    new["metadata"] = {"labels": {}, "annotations": {"b": "2"}}
    prepare.prepare_update(find("deployments"), new, old, "status")
    assert new["spec"] == {"replicas": 1}
    assert new["status"] == {"replicas": 5}
    assert new["metadata"] == {"uid": "1", "generation": 3, "labels": {"a": "1"}, "creationTimestamp": "then",
                               "annotations": {"b": "2"}}


def test_an_update_cannot_undo_a_deletion():
    old = deployment()
    old["metadata"] |= {"deletionTimestamp": "now", "deletionGracePeriodSeconds": 0}
    new = deployment()
    prepare.prepare_update(find("deployments"), new, old)
    assert new["metadata"]["deletionTimestamp"] == "now"


def test_a_resize_changes_nothing_but_resources():
    old = {"metadata": {"uid": "1"}, "spec": {"containers": [{"name": "c", "image": "a", "resources": {}}]},
           "status": {}}
    container = {"name": "c", "image": "b", "resources": {"limits": {"cpu": "1"}}}
    new = {"metadata": {}, "spec": {"containers": [container], "nodeName": "n"}}
    prepare.prepare_update(find("pods"), new, old, "resize")
    assert new["spec"] == {"containers": [{"name": "c", "image": "a", "resources": {"limits": {"cpu": "1"}}}]}
