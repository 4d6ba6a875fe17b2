"""Refusals: the same objects are refused as by a real API server, in the same words."""

import pytest
import recorded
from devcluster import errors
from devcluster.apiserver.kinds import defaults, validation
from devcluster.objects import copy
from devcluster.resources import find

CASES = recorded.load("devcluster/refusals.json")


def complete(resource, obj):
    """An object as it is when the rules are asked."""
    obj = copy(obj)
    defaults.default(find(resource), obj)
    obj["metadata"] |= {"uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    validation.prepare_create(find(resource), obj)
    return obj


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_object_is_refused_in_the_words_of_a_real_server(case):
    assert refusal(find(case["resource"]), case["object"]) == case["message"]


def refusal(resource, obj):
    """The message with which a creation is refused; None where it is not."""
    try:
        obj = complete(resource, obj)
    except errors.ApiError as error:
        return error.message
    causes = validation.create(resource, obj)
    return errors.invalid(resource, obj["metadata"].get("name", ""), causes).message if causes else None


CONTAINER = {"name": "c", "image": "i:1"}
POD = {"metadata": {"name": "p", "namespace": "n"}, "spec": {
    "containers": [CONTAINER], "initContainers": [{"name": "i", "image": "i:1"}], "activeDeadlineSeconds": 9,
    "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
    "readinessGates": [{"conditionType": "sluice.dev/traffic-ready"}], "schedulingGates": [{"name": "a/b"}]}}
TEMPLATE = {"metadata": {"labels": {"a": "1"}}, "spec": {"containers": [CONTAINER]}}
WORKLOAD = {"metadata": {"name": "w", "namespace": "n"},
            "spec": {"selector": {"matchLabels": {"a": "1"}}, "template": TEMPLATE}}


def updated(resource, obj, **spec):
    """The causes against an update that sets fields of the spec; None takes one away."""
    old = complete(resource, obj)
    new = copy(old)
    new["spec"] = {key: value for key, value in {**new["spec"], **spec}.items() if value is not None}
    defaults.default(find(resource), new)
    validation.prepare_update(find(resource), new, old)
    return validation.update(find(resource), new, old)


@pytest.mark.parametrize("change", [
    {"containers": [{**CONTAINER, "image": "i:2"}]}, {"initContainers": [{"name": "i", "image": "i:2"}]},
    {"activeDeadlineSeconds": 3}, {"schedulingGates": []}, {"nodeSelector": {"a": "b"}},
    {"tolerations": [*POD["spec"]["tolerations"], {"key": "b", "operator": "Exists"}]},
    {"tolerations": [{**POD["spec"]["tolerations"][0], "tolerationSeconds": 7}]},
], ids=lambda change: next(iter(change)))
def test_fact_07_what_an_update_of_a_pod_may_change(change):
    assert updated("pods", POD, **change) == []


@pytest.mark.parametrize("change, field", [
    ({"readinessGates": [{"conditionType": "a.b/c"}]}, "spec"), ({"readinessGates": None}, "spec"),
    ({"restartPolicy": "Never"}, "spec"), ({"containers": [{**CONTAINER, "command": ["x"]}]}, "spec"),
    ({"containers": [CONTAINER, {"name": "d", "image": "i"}]}, "spec.containers"),
    ({"tolerations": []}, "spec.tolerations"), ({"activeDeadlineSeconds": 10}, "spec.activeDeadlineSeconds"),
    ({"schedulingGates": [{"name": "c/d"}]}, "spec.schedulingGates[0].name"),
    ({"terminationGracePeriodSeconds": 1}, "spec"),
], ids=lambda one: next(iter(one)) if isinstance(one, dict) else "")
def test_fact_07_what_an_update_of_a_pod_may_not_change(change, field):
    assert [cause[1] for cause in updated("pods", POD, **change)] == [field]


def test_fact_07_a_gate_cannot_be_changed_and_the_refusal_says_what_can():
    (reason, field, message), = updated("pods", POD, readinessGates=[{"conditionType": "a.b/c"}])
    assert (reason, field) == ("FieldValueForbidden", "spec")
    assert message.splitlines()[0] == (
        "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
        "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
        "previously negative)")
    assert '+   "conditionType": "a.b/c"' in message


@pytest.mark.parametrize("resources, messages", [
    ({"requests": {"cpu": "2"}, "limits": {"memory": "1Gi"}}, []),
    ({"requests": {"cpu": "2"}, "limits": {"example.com/gpu": "1"}},
     ["Forbidden: only cpu and memory resources are mutable"]),
    ({"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
     ['Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing']),
])
def test_fact_07_a_resize_changes_cpu_and_memory_only(resources, messages):
    pod = {"metadata": POD["metadata"], "spec": {"containers": [
        {**CONTAINER, "resources": {"requests": {"cpu": "1"}}}]}}
    old = complete("pods", pod)
    new = copy(old)
    new["spec"]["containers"][0]["resources"] = resources
    defaults.default(find("pods"), new)
    validation.prepare_update(find("pods"), new, old, "resize")
    assert [cause[2] for cause in validation.update(find("pods"), new, old, "resize")] == messages


def test_fact_07_no_finalizer_is_added_to_what_is_being_deleted():
    old = complete("pods", POD)
    old["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x.io/a", "x.io/b"]}
    new = copy(old)
    new["metadata"]["finalizers"] = ["x.io/a"]
    assert validation.update(find("pods"), new, old) == []
    new["metadata"]["finalizers"] = ["x.io/a", "x.io/c"]
    assert validation.update(find("pods"), new, old) == [errors.forbidden_field(
        "metadata.finalizers",
        "no new finalizers can be added if the object is being deleted, found new finalizers "
        '[]string{"x.io/c"}')]


@pytest.mark.parametrize("resource", ["deployments", "replicasets", "daemonsets"])
def test_a_selector_cannot_be_changed(resource):
    obj = copy(WORKLOAD)
    obj["spec"]["template"]["metadata"]["labels"]["b"] = "2"
    causes = updated(resource, obj, selector={"matchLabels": {"b": "2"}})
    assert causes == [("FieldValueInvalid", "spec.selector",
                       'Invalid value: {"matchLabels":{"b":"2"}}: field is immutable')]


def test_most_of_a_stateful_set_cannot_be_changed():
    assert updated("statefulsets", WORKLOAD, replicas=3, minReadySeconds=5,
                   updateStrategy={"type": "OnDelete"}) == []
    causes = updated("statefulsets", WORKLOAD, podManagementPolicy="Parallel")
    assert [cause[:2] for cause in causes] == [("FieldValueForbidden", "spec")]
    assert causes[0][2].startswith("Forbidden: updates to statefulset spec for fields other than ")


def test_the_uid_of_an_object_cannot_be_changed():
    old = complete("pods", POD)
    new = copy(old)
    new["metadata"]["uid"] = "2"
    validation.prepare_update(find("pods"), new, old)
    assert validation.update(find("pods"), new, old) == [
        errors.invalid_value("metadata.uid", "2", "field is immutable")]
