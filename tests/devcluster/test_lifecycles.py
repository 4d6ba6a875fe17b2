"""Decisions about nodes, namespaces, jobs and garbage, case by case."""

import pytest

from devcluster.controllers import garbage, job, namespace, nodelifecycle
from devcluster.objects import seconds
from devcluster.resources import find

AT = "2026-01-01T00:00:00Z"


def node(ready, *taints, **spec):
    return {"metadata": {"name": "n", "creationTimestamp": AT}, "spec": {"taints": list(taints), **spec},
            "status": {"conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": AT}]}}


def taint(name, effect):
    return {"key": f"node.kubernetes.io/{name}", "effect": effect, "timeAdded": AT}


OTHER = {"key": "mine", "effect": "NoSchedule"}


@pytest.mark.parametrize("of, expected", [
    (node("True", taint("not-ready", "NoSchedule"), OTHER), [OTHER]),
    (node("False"), [taint("not-ready", "NoSchedule"), taint("not-ready", "NoExecute")]),
    (node("Unknown", taint("not-ready", "NoExecute")),
     [taint("unreachable", "NoSchedule"), taint("unreachable", "NoExecute")]),
    (node("True", unschedulable=True), [taint("unschedulable", "NoSchedule")]),
    (node("True", taint("unschedulable", "NoSchedule")), []),
])
def test_taints_follow_conditions(of, expected):
    assert nodelifecycle.taints(of, AT) == expected


def test_a_silent_node_becomes_unknown():
    status = nodelifecycle.silent_status(node("True"), AT)
    assert [(one["type"], one["status"], one["reason"]) for one in status["conditions"][:2]] == [
        ("Ready", "Unknown", "NodeStatusUnknown"), ("MemoryPressure", "Unknown", "NodeStatusNeverUpdated")]


@pytest.mark.parametrize("tolerations, expected", [
    ([], 0.0),
    ([{"operator": "Exists"}], None),
    ([{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300}], 298),
    ([{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 0}], 0.0),
    ([{"operator": "Exists"}, {"operator": "Exists", "tolerationSeconds": 5}], 3),
    ([{"operator": "Exists", "tolerationSeconds": 1}], 0.0),
])
def test_patience_with_a_no_execute_taint(tolerations, expected):
    of = node("False", taint("not-ready", "NoExecute"))
    at = seconds(AT) + 2
    assert nodelifecycle.patience({"spec": {"tolerations": tolerations}}, of, at) == expected


def test_what_is_said_of_a_namespace_that_does_not_empty():
    held = {"metadata": {"finalizers": ["example.com/x"]}}
    found = namespace.findings({find("configmaps"): [held, held], find("deployments"): [{"metadata": {}}],
                                find("secrets"): []}, [], True)
    assert found["NamespaceContentRemaining"][1] == (
        "Some resources are remaining: configmaps. has 2 resource instances, "
        "deployments.apps has 1 resource instances")
    assert found["NamespaceFinalizersRemaining"][1] == (
        "Some content in the namespace has finalizers remaining: example.com/x in 2 resource instances")
    conditions = namespace.with_findings([], found)
    assert [one["status"] for one in conditions] == ["False", "False", "False", "True", "True"]
    assert namespace.with_findings(conditions, found) == conditions


def job_pod(phase, **more):
    return {"metadata": {"name": "p"}, "spec": {}, "status": {"phase": phase, **more}}


@pytest.mark.parametrize("spec, phases, expected, active", [
    ({"completions": 3, "parallelism": 2}, "", None, 2),
    ({"completions": 3, "parallelism": 2}, "SSR", None, 1),
    ({"completions": 3, "parallelism": 2}, "SSS", "Complete", 0),
    ({"parallelism": 2}, "SR", None, 1),
    ({"parallelism": 2}, "SS", "Complete", 0),
    ({"completions": 1, "backoffLimit": 1}, "F", None, 1),
    ({"completions": 1, "backoffLimit": 1}, "FF", "BackoffLimitExceeded", 1),
    ({"completions": 1, "suspend": True}, "", None, 0),
    ({"completions": 1, "activeDeadlineSeconds": 60}, "R", "DeadlineExceeded", 1),
])
def test_what_becomes_of_a_job(spec, phases, expected, active):
    names = {"S": "Succeeded", "F": "Failed", "R": "Running"}
    count = job.Count([job_pod(names[one]) for one in phases])
    of = {"spec": {"template": {"spec": {}}, **spec}, "status": {"startTime": AT}}
    assert job.verdict(of, count, seconds(AT) + 60) == expected
    assert job.wanted_active(of, count) == active


def thing(uid, *owners, block=False, **metadata):
    references = [{"kind": "ConfigMap", "name": owner, "uid": owner, "blockOwnerDeletion": block}
                  for owner in owners]
    own = {"name": uid, "uid": uid, "namespace": "d", "ownerReferences": references}
    return {"metadata": {**own, **metadata}}


def test_the_graph_knows_who_is_concerned():
    graph = garbage.Graph()
    owner, child, free = thing("a"), thing("b", "a", block=True), thing("c", "a")
    for one in (owner, child, free):
        graph.put(find("configmaps"), None, one)
    assert graph.owner(child, child["metadata"]["ownerReferences"][0]) is owner
    assert [one["metadata"]["name"] for one in graph.blocking("a")] == ["b"]
    assert graph.concerned(None, child) == {"b"}
    going = thing("a", deletionTimestamp=AT, finalizers=[garbage.FOREGROUND])
    graph.put(find("configmaps"), owner, going)
    assert graph.concerned(owner, going) == {"a", "b", "c"}
    graph.put(find("configmaps"), child, None)
    assert graph.concerned(child, None) == {"a"}
    assert graph.blocking("a") == []


def test_an_owner_elsewhere_is_no_owner():
    graph = garbage.Graph()
    graph.put(find("configmaps"), None, thing("a", namespace="elsewhere"))
    child = thing("b", "a")
    assert graph.owner(child, child["metadata"]["ownerReferences"][0]) is None
