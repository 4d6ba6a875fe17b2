"""Which node a pod may go to, and what is said when there is none: the scheduler's decisions, without I/O.

Source: the filters of kube-scheduler in their order (NodeUnschedulable, TaintToleration, NodeAffinity,
NodeResourcesFit). Not here: preemption, host ports, volumes, pod affinity and topology spread.
"""

import collections
import dataclasses
import functools
import json
import math

from ..objects import dig, quantity

NO_NODES = "no nodes available to schedule pods"
AFFINITY_CONFLICT = "pod affinity terms conflict"
_UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_NOT_HELPFUL = "Preemption is not helpful for scheduling"
_NO_VICTIMS = "No preemption victims found for incoming pod"


@functools.lru_cache(maxsize=4096)
def amount(resource, text):
    """A quantity as the scheduler counts it: whole units, of CPU whole thousandths, rounded up."""
    return math.ceil(quantity(text) * (1000 if resource == "cpu" else 1))


def _sum(container_requests):
    total = collections.Counter()
    for requests in container_requests:
        for resource, text in requests.items():
            total[resource] += amount(resource, text)
    return total


def requests_of(pod):
    """What a pod claims of a node, {resource: amount}.

    Containers and sidecars run together; an init container runs beside the sidecars started before it.
    """
    spec = pod["spec"]
    sidecars, peaks = collections.Counter(), []
    for container in spec.get("initContainers") or ():
        requests = _sum([dig(container, "resources", "requests", default={})])
        peaks.append(sidecars + requests)
        if container.get("restartPolicy") == "Always":
            sidecars += requests
    total = sidecars + _sum(dig(container, "resources", "requests", default={})
                            for container in spec["containers"])
    for peak in peaks:
        total |= peak
    for resource, text in dig(spec, "resources", "requests", default={}).items():
        total[resource] = amount(resource, text)
    return total + _sum([spec.get("overhead") or {}])


def tolerates(tolerations, taint):
    return any(_matches_taint(toleration, taint) for toleration in tolerations)


def _matches_taint(toleration, taint):
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def _compare(value, values, holds):
    try:
        return holds(int(value), int(values[0]))
    except (TypeError, ValueError):  # absent, or not a number
        return False


_OPERATORS = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, values: value is not None,
    "DoesNotExist": lambda value, values: value is None,
    "Gt": lambda value, values: _compare(value, values, int.__gt__),
    "Lt": lambda value, values: _compare(value, values, int.__lt__),
}


def matches_node(spec, node):
    """Whether a node is one that the pod's nodeSelector and required node affinity ask for.

    Takes a pod's spec, or a template's: the DaemonSet controller asks the same question.
    """
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    required = _required(spec)
    return required is None or any(_term_matches(term, labels, node["metadata"]["name"])
                                   for term in required.get("nodeSelectorTerms") or ())


def _required(spec):
    return dig(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")


def _term_matches(term, labels, name):
    tests = [(labels.get(one["key"]), one) for one in term.get("matchExpressions") or ()]
    tests += [({"metadata.name": name}.get(one["key"]), one) for one in term.get("matchFields") or ()]
    # a term that asks nothing selects nothing
    return bool(tests) and all(
        _OPERATORS[one["operator"]](value, one.get("values") or ()) for value, one in tests)


def named_nodes(spec):
    """The nodes that required affinity names by metadata.name, or None where it leaves that open."""
    names = set()
    for term in (_required(spec) or {}).get("nodeSelectorTerms") or ():
        sets = [set(one["values"]) for one in term.get("matchFields") or ()
                if one["key"] == "metadata.name" and one["operator"] == "In"]
        if not sets:
            return None
        names |= set.intersection(*sets)
    return names if _required(spec) else None


@dataclasses.dataclass(frozen=True)
class Shape:
    """What of a pod decides where it can run. Pods of one workload have one shape, decided together."""

    priority: int
    spec: dict = dataclasses.field(hash=False)
    requests: dict = dataclasses.field(hash=False)

    @staticmethod
    def key(pod):
        spec = pod["spec"]
        resources = [one.get("resources") for one in spec["containers"]]
        init = [(one.get("resources"), one.get("restartPolicy")) for one in spec.get("initContainers") or ()]
        return json.dumps([resources, init] + [spec.get(field) for field in (
            "priority", "nodeSelector", "affinity", "tolerations", "overhead", "resources")])

    @classmethod
    def of(cls, pod):
        return cls(pod["spec"].get("priority") or 0, pod["spec"], requests_of(pod))


class Room:
    """A node with what the pods on it claim, kept up to date as they come and go."""

    def __init__(self):
        self.node = None  # None: pods name a node that is not there
        self.allocatable = {}
        self.requested = collections.Counter()
        self.pods = 0

    @property
    def name(self):
        return self.node["metadata"]["name"]

    def set_node(self, node):
        self.node = node
        resources = dig(node, "status", "allocatable", default={}) if node else {}
        self.allocatable = {resource: amount(resource, text) for resource, text in resources.items()}

    def add(self, requests):
        self.requested.update(requests)
        self.pods += 1

    def remove(self, requests):
        self.requested.subtract(requests)
        self.pods -= 1


def _unschedulable(shape, room):
    tolerations = shape.spec.get("tolerations") or ()
    if room.node["spec"].get("unschedulable") and not tolerates(tolerations, _UNSCHEDULABLE):
        return ["node(s) were unschedulable"], False
    return [], True


def untolerated(spec, node, effects):
    """The taints of a node with one of these effects that a pod's spec does not tolerate."""
    return [taint for taint in node["spec"].get("taints") or ()
            if taint["effect"] in effects and not tolerates(spec.get("tolerations") or (), taint)]


def _tainted(shape, room):
    if untolerated(shape.spec, room.node, ("NoSchedule", "NoExecute")):
        return ["node(s) had untolerated taint(s)"], False
    return [], True


def _affinity(shape, room):
    if not matches_node(shape.spec, room.node):
        return ["node(s) didn't match Pod's node affinity/selector"], False
    return [], True


def _resources(shape, room):
    reasons, resolvable = [], True
    if room.pods + 1 > room.allocatable.get("pods", 0):
        reasons.append("Too many pods")
    for resource, wanted in shape.requests.items():
        capacity = room.allocatable.get(resource, 0)
        if wanted and wanted > capacity - room.requested[resource]:
            reasons.append(f"Insufficient {resource}")
            resolvable = resolvable and wanted <= capacity
    return reasons, resolvable


FILTERS = (_unschedulable, _tainted, _affinity, _resources)  # the first that objects is the one that is heard


def objections(shape, room):
    """(reasons why this node cannot run such a pod, whether the end of other pods could change that)."""
    for one in FILTERS:
        reasons, resolvable = one(shape, room)
        if reasons:
            return reasons, resolvable
    return [], True


def best(shape, rooms):
    """The node to take: one that no taint warns of, with the fewest pods; None where the pod fits on none."""
    names = named_nodes(shape.spec)
    fitting = [room for room in rooms
               if (names is None or room.name in names) and not objections(shape, room)[0]]
    return min(fitting, default=None, key=lambda room: (
        len(untolerated(shape.spec, room.node, ("PreferNoSchedule",))), room.pods, room.name))


def why_not(shape, rooms):
    """The sentence of PodScheduled=False for a pod that fits on no node."""
    if not rooms:
        return NO_NODES
    names = named_nodes(shape.spec)
    reasons, resolvable = collections.Counter(), 0
    for room in rooms:
        if names is not None and room.name not in names:
            reasons["node(s) didn't satisfy plugin(s) [NodeAffinity]"] += 1
            continue
        objected, could_change = objections(shape, room)
        reasons.update(objected)
        resolvable += could_change
    none = f"0/{len(rooms)} nodes are available:"
    filters = f"{AFFINITY_CONFLICT}." if names == set() else _histogram(reasons)
    preemption = _histogram({_NO_VICTIMS: resolvable, _NOT_HELPFUL: len(rooms) - resolvable})
    return f"{none} {filters} no new claims to deallocate, preemption: {none} {preemption}"


def _histogram(reasons):
    return ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items() if count)) + "."
