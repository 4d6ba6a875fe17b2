"""ReplicaSets: as many pods as asked for, and which of them go first when there are too many.

Source: kube-controller-manager, pkg/controller/replicaset, and ActivePodsWithRanks of pkg/controller.
"""

import collections
import functools
import math
import time

from ..errors import ApiError
from ..objects import condition, controller_of, dig, is_over, is_terminating, key_of, now as stamp, seconds
from ..selector import matches, of_selector
from . import pods as pod_control
from .pods import is_active, is_available, is_ready, next_check, phase, ready_since
from .runtime import Controller

COMPONENT = "replicaset-controller"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
BURST = 500  # pods created or deleted by one reconciliation
PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


class ReplicaSets(Controller):
    watches = ("replicasets", "pods")
    workers = 5

    def keys(self, resource, obj):
        if resource == "replicasets":
            return [key_of(obj)]
        return self.owner_keys("ReplicaSet", "replicasets", obj)

    async def reconcile(self, namespace, name):
        replica_set = self.world.get("replicasets", namespace, name)
        if replica_set is None:
            return None
        related = self.world.related("pods", replica_set)
        active = await pod_control.claim(self.world, "pods", replica_set, filter(is_active, related))
        failure = None
        if not is_terminating(replica_set):
            try:
                await self._manage(replica_set, active)
            except ApiError as error:
                failure = error
        now = time.time()
        status = status_of(replica_set, active, terminating_of(replica_set, related), failure, now)
        if status != replica_set.get("status"):
            await self.world.replace("replicasets", {**replica_set, "status": status}, "status")
        if failure:
            raise failure
        delay = replica_set["spec"].get("minReadySeconds", 0)
        return next_check(active, delay, now) if delay else None

    async def _manage(self, replica_set, active):
        surplus = len(active) - replica_set["spec"]["replicas"]
        if surplus < 0:
            pod = pod_control.from_template(replica_set["spec"]["template"], replica_set)
            create = functools.partial(pod_control.create, self.world, COMPONENT, replica_set)
            await pod_control.slow_start([pod] * min(-surplus, BURST), create)
        elif surplus > 0:
            chosen = to_delete(active, self._neighbours(replica_set), min(surplus, BURST), time.time())
            delete = functools.partial(pod_control.delete, self.world, COMPONENT, replica_set)
            await pod_control.at_once(chosen, delete)

    def _neighbours(self, replica_set):
        """The pods of all ReplicaSets with the same owner."""
        owner = controller_of(replica_set)
        if owner is None:
            return []
        siblings = self.world.owned("replicasets", {"metadata": owner})
        return [pod for sibling in siblings for pod in self.world.owned("pods", sibling)]


def terminating_of(replica_set, pods):
    requirements = of_selector(replica_set["spec"]["selector"])
    return [pod for pod in pods if is_terminating(pod) and not is_over(pod) and controller_of(pod)
            and matches(requirements, pod["metadata"].get("labels"))]


def status_of(replica_set, active, terminating, failure, now):
    """The status to write. failure: why pods could not be created or deleted, or None."""
    spec, old = replica_set["spec"], replica_set.get("status") or {}
    labels = dig(spec, "template", "metadata", "labels", default={}).items()
    status = {
        "replicas": len(active),
        "fullyLabeledReplicas": sum(labels <= (pod["metadata"].get("labels") or {}).items()
                                    for pod in active),
        "readyReplicas": sum(map(is_ready, active)),
        "availableReplicas": sum(is_available(pod, spec.get("minReadySeconds", 0), now) for pod in active),
        "terminatingReplicas": len(terminating),
        "observedGeneration": replica_set["metadata"]["generation"],
        "conditions": [one for one in old.get("conditions") or ()
                       if failure or one["type"] != "ReplicaFailure"]}
    if failure and condition(replica_set, "ReplicaFailure") is None:
        reason = "FailedCreate" if len(active) < spec["replicas"] else "FailedDelete"
        status["conditions"].append({"type": "ReplicaFailure", "status": "True", "reason": reason,
                                     "lastTransitionTime": stamp(), "message": failure.message})
    return pod_control.without_zeros(status, ("replicas", "terminatingReplicas"))


def to_delete(active, neighbours, count, now):
    """The pods to delete first. neighbours: all pods of the workload, which tell what a node has twice."""
    if count >= len(active):
        return active
    crowd = collections.Counter(pod["spec"].get("nodeName", "") for pod in neighbours if is_active(pod))
    ranked = [(pod, crowd[pod["spec"].get("nodeName", "")]) for pod in active]
    ranked.sort(key=functools.cmp_to_key(functools.partial(_compare, now)))
    return [pod for pod, _ in ranked[:count]]


def _compare(now, one, other):
    """Below 0: `one` goes first. The first of the tests that sees a difference decides."""
    for test in TESTS:
        if difference := test(now, *one, *other):
            return difference
    return 0


def _unassigned(_now, one, _r1, other, _r2):
    return bool(one["spec"].get("nodeName")) - bool(other["spec"].get("nodeName"))


def _earlier_phase(_now, one, _r1, other, _r2):
    return PHASES.get(phase(one), 0) - PHASES.get(phase(other), 0)


def _not_ready(_now, one, _r1, other, _r2):
    return is_ready(one) - is_ready(other)


def _cheaper(_now, one, _r1, other, _r2):
    return _cost(one) - _cost(other)


def _more_crowded(_now, _one, rank, _other, other_rank):
    return other_rank - rank


def _ready_later(now, one, _r1, other, _r2):
    if not (is_ready(one) and is_ready(other)):
        return 0
    return _younger(now, one, ready_since(one), other, ready_since(other))


def _restarted_more(_now, one, _r1, other, _r2):
    ours, theirs = _restarts(one), _restarts(other)
    return (ours < theirs) - (ours > theirs)


def _created_later(now, one, _r1, other, _r2):
    return _younger(now, one, _created(one), other, _created(other))


# what goes first: LogarithmicScaleDown takes ages of the same power of two as equal, and then the uid decides
TESTS = (_unassigned, _earlier_phase, _not_ready, _cheaper, _more_crowded, _ready_later, _restarted_more,
         _created_later)


def _younger(now, one, since, other, other_since):
    if since == other_since:
        return 0
    if since is None or other_since is None:
        return -1 if since is None else 1
    difference = _power(now - since) - _power(now - other_since)
    return difference or (-1 if one["metadata"]["uid"] < other["metadata"]["uid"] else 1)


def _power(age):
    return int(math.log2(age * 1e9)) if age > 0 else -1


def _created(pod):
    return seconds(pod["metadata"]["creationTimestamp"])


def _cost(pod):
    """The deletion cost; one that is not a number counts as none."""
    text = dig(pod, "metadata", "annotations", DELETION_COST, default="0")
    return int(text) if text.removeprefix("-").isdecimal() else 0


def _restarts(pod):
    """(the most restarts of a container, the most of a sidecar)"""
    sidecars = {one["name"] for one in pod["spec"].get("initContainers") or ()
                if one.get("restartPolicy") == "Always"}
    status = pod.get("status") or {}
    return (max((one["restartCount"] for one in status.get("containerStatuses") or ()), default=0),
            max((one["restartCount"] for one in status.get("initContainerStatuses") or ()
                 if one["name"] in sidecars), default=0))
