"""Which pods of a ReplicaSet go first, and what its status says."""

import datetime

import pytest

from devcluster.controllers.replicaset import DELETION_COST, status_of, terminating_of, to_delete
from devcluster.errors import ApiError
from devcluster.objects import timestamp


NOW = 1_800_000_000.0


def at(age):
    return timestamp(datetime.datetime.fromtimestamp(NOW - age, datetime.timezone.utc))


def pod(name, *, node="n1", phase="Running", ready=100, cost=None, restarts=0, age=200, **metadata):
    """ready: for how many seconds, None: not ready."""
    conditions = [] if ready is None else [
        {"type": "Ready", "status": "True", "lastTransitionTime": at(ready)}]
    return {"metadata": {"name": name, "uid": name, "creationTimestamp": at(age), "labels": {"app": "web"},
                         "annotations": {} if cost is None else {DELETION_COST: cost},
                         **metadata},
            "spec": {"nodeName": node, "containers": [{"name": "c"}]},
            "status": {"phase": phase, "conditions": conditions,
                       "containerStatuses": [{"name": "c", "restartCount": restarts}]}}


# the first named goes first; each differs in one thing, and in all that is asked later the other way round
RANKS = {
    "unassigned before assigned": (pod("b", node="", cost="9"),
                                   pod("a", phase="Pending", ready=None, cost="1")),
    "pending before running": (pod("b", phase="Pending", ready=None, cost="9"),
                               pod("a", ready=None, cost="1")),
    "not ready before ready": (pod("b", ready=None, cost="9"), pod("a", cost="1")),
    "cheaper before dearer": (pod("b", cost="-1", ready=900, age=900), pod("a", ready=1)),
    "a cost that is no number counts as 0": (pod("b", cost="-1"), pod("a", cost="1.5")),
    "ready later before ready earlier": (pod("b", ready=3, age=900), pod("a", ready=900, restarts=7)),
    "ready alike long: by uid": (pod("a", ready=101, age=900), pod("b", ready=99, restarts=7)),
    "more restarts before fewer": (pod("b", restarts=2, age=900), pod("a", restarts=1)),
    "younger before older": (pod("b", age=101), pod("a", age=901)),
    "of alike age: by uid": (pod("a", age=201), pod("b", age=199)),
}


@pytest.mark.parametrize("first, second", RANKS.values(), ids=RANKS)
def test_ranking(first, second):
    for order in ([first, second], [second, first]):
        assert to_delete(order, [], 1, NOW) == [first]


def test_pods_doubled_up_on_a_node_go_first():
    pods = [pod("a", node="n1", ready=1), pod("b", node="n2", ready=900)]
    sibling = pod("c", node="n2")
    assert to_delete(pods, [*pods, sibling], 1, NOW) == [pods[1]]


def test_fact_14_not_ready_pods_go_first_then_those_of_lower_cost():
    pods = [pod("a", cost="5"), pod("b"), pod("c", ready=None, cost="9"), pod("d", cost="-3")]
    assert [one["metadata"]["name"] for one in to_delete(pods, pods, 3, NOW)] == ["c", "d", "b"]


def replica_set(replicas=2, *, delay=0, status=None):
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {}}
    return {"metadata": {"generation": 3}, "status": status or {},
            "spec": {"replicas": replicas, "minReadySeconds": delay, "template": template,
                     "selector": {"matchLabels": {"app": "web"}}}}


def test_status_counts_what_is_ready_for_long_enough():
    pods = [pod("a", ready=10), pod("b", ready=4), pod("c", ready=None, labels={"app": "web", "x": "y"}),
            pod("d", ready=None, labels={"other": "one"})]
    assert status_of(replica_set(4, delay=5), pods, [], None, NOW) == {
        "replicas": 4, "fullyLabeledReplicas": 3, "readyReplicas": 2, "availableReplicas": 1,
        "terminatingReplicas": 0, "observedGeneration": 3}


def test_only_owned_pods_count_as_terminating():
    reference = [{"controller": True, "uid": "r"}]
    pods = [pod("a", deletionTimestamp=at(1), ownerReferences=reference), pod("b", ownerReferences=reference),
            pod("c", deletionTimestamp=at(1)),
            pod("d", deletionTimestamp=at(1), ownerReferences=reference, labels={}),
            pod("e", deletionTimestamp=at(1), ownerReferences=reference, phase="Failed")]
    assert terminating_of(replica_set(), pods) == pods[:1]


def test_a_refused_creation_is_a_condition_until_it_succeeds():
    refusal = ApiError("Forbidden", "pods is forbidden: not now")
    failed = status_of(replica_set(), [], [], refusal, NOW)
    (told,) = failed["conditions"]
    assert (told["type"], told["status"], told["reason"]) == ("ReplicaFailure", "True", "FailedCreate")
    assert told["message"] == refusal.message
    assert status_of(replica_set(status=failed), [], [], refusal, NOW + 9) == failed
    assert "conditions" not in status_of(replica_set(status=failed), [], [], None, NOW + 9)
