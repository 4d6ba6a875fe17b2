"""Nodes that fall silent, and what follows: the Ready condition, taints, and the eviction of pods.

Source: the Kubernetes documentation, "Nodes" and "Taints and Tolerations" (taint-based evictions).
"""

import asyncio

from ..errors import ApiError
from ..objects import condition, copy, dig, is_terminating, is_true, key_of, now, seconds, set_condition
from .runtime import Controller
from .scheduling import tolerates

GRACE = 40.0  # seconds without a heartbeat
LEASES = "kube-node-lease"
CHECK = 5.0

# (taint, effect) → whether a node is to have it
_TAINTS = {
    ("node.kubernetes.io/not-ready", "NoSchedule"): lambda node: _ready(node) == "False",
    ("node.kubernetes.io/not-ready", "NoExecute"): lambda node: _ready(node) == "False",
    ("node.kubernetes.io/unreachable", "NoSchedule"): lambda node: _ready(node) == "Unknown",
    ("node.kubernetes.io/unreachable", "NoExecute"): lambda node: _ready(node) == "Unknown",
    ("node.kubernetes.io/memory-pressure", "NoSchedule"): lambda node: is_true(node, "MemoryPressure"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"): lambda node: is_true(node, "DiskPressure"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"): lambda node: is_true(node, "PIDPressure"),
    ("node.kubernetes.io/network-unavailable", "NoSchedule"):
        lambda node: is_true(node, "NetworkUnavailable"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"): lambda node: node["spec"].get("unschedulable"),
}
# what a silent node is said to have, with the kubelet's own conditions
_REPORTED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


def _ready(node):
    """Ready's status. A node that has said nothing yet is judged when its time is over."""
    found = condition(node, "Ready")
    return found["status"] if found else None


def taints(node, at):
    """The taints that a node is to have now: those of others, and ours as its conditions demand."""
    old = node["spec"].get("taints") or []
    if _ready(node) is None:
        return old
    kept = [one for one in old if (test := _TAINTS.get((one["key"], one["effect"]))) is None or test(node)]
    there = {(one["key"], one["effect"]) for one in kept}
    return kept + [{"key": key, "effect": effect, "timeAdded": at}
                   for (key, effect), test in _TAINTS.items() if test(node) and (key, effect) not in there]


def silent_status(node, at):
    """The status of a node from which nothing has been heard."""
    status = copy(node.get("status") or {})
    for kind in _REPORTED:
        old = condition(node, kind)
        if old is None:
            set_condition(status, kind, "Unknown", "NodeStatusNeverUpdated",
                          "Kubelet never posted node status.", at=at,
                          lastHeartbeatTime=node["metadata"]["creationTimestamp"])
        elif old["status"] != "Unknown":
            set_condition(status, kind, "Unknown", "NodeStatusUnknown",
                          "Kubelet stopped posting node status.", at=at,
                          lastHeartbeatTime=old.get("lastHeartbeatTime"))
    return status


def patience(pod, node, at):
    """Seconds for which a pod stays on its node in spite of NoExecute taints; None: for ever. at: since 1970."""
    executing = [one for one in node["spec"].get("taints") or () if one["effect"] == "NoExecute"]
    tolerations = pod["spec"].get("tolerations") or ()
    limits = []
    for taint in executing:
        used = [one for one in tolerations if tolerates([one], taint)]
        if not used:
            return 0.0
        limited = [one["tolerationSeconds"] for one in used if one.get("tolerationSeconds") is not None]
        if limited:
            since = seconds(taint["timeAdded"]) if taint.get("timeAdded") else at
            limits.append(since + max(0, min(limited)))
    return max(0.0, min(limits) - at) if limits else None


class NodeLifecycle(Controller):
    watches = ("nodes", "leases")

    def __init__(self, world):
        self._heard = {}  # node name -> (what it last said, loop time at which we saw that)
        world.cache("pods")
        super().__init__(world)

    def keys(self, resource, obj):
        if resource == "leases" and obj["metadata"]["namespace"] != LEASES:
            return []
        return [("", obj["metadata"]["name"])]

    def _silence(self, node):
        """Seconds since a node last gave a sign, by our own clock: those of nodes may differ."""
        name = node["metadata"]["name"]
        lease = self.world.get("leases", LEASES, name)
        sign = (dig(lease, "spec", "renewTime"), dig(condition(node, "Ready") or {}, "lastHeartbeatTime"))
        at = asyncio.get_running_loop().time()
        if self._heard.get(name, (None, 0))[0] != sign:
            self._heard[name] = sign, at
        return at - self._heard[name][1]

    async def reconcile(self, _, name):
        node = self.world.get("nodes", "", name)
        if node is None:
            self._heard.pop(name, None)
            return None
        silence = self._silence(node)
        if silence > GRACE and _ready(node) != "Unknown":
            node = await self.world.replace("nodes", {**node, "status": silent_status(node, now())}, "status")
        wanted = taints(node, now())
        if wanted != (node["spec"].get("taints") or []):
            await self.world.patch("nodes", node, {
                "metadata": {"resourceVersion": node["metadata"]["resourceVersion"]},
                "spec": {"taints": wanted}})
        if _ready(node) in ("False", "Unknown"):
            await self._mark_not_ready(name)
        return CHECK

    async def _mark_not_ready(self, name):
        """Takes the pods of a node that is not ready out of service: their kubelet may not be able to."""
        for pod in self.world.cache("pods").values():
            if pod["spec"].get("nodeName") == name and is_true(pod, "Ready"):
                status = {"conditions": [dict(condition(pod, "Ready"))]}
                set_condition(status, "Ready", "False", "NodeNotReady", lastProbeTime=None,
                              observedGeneration=pod["metadata"].get("generation", 0))
                patch = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
                await self.world.patch("pods", pod, patch, kind="strategic", subresource="status")


class TaintEviction(Controller):
    """Deletes pods from nodes whose NoExecute taints they do not tolerate, or no longer."""

    watches = ("pods", "nodes")

    def keys(self, resource, obj):
        if resource == "pods":
            return [key_of(obj)] if self._tainted(obj) else []
        if not any(one["effect"] == "NoExecute" for one in obj["spec"].get("taints") or ()):
            return []
        return [key_of(pod) for pod in self.world.cache("pods").objects.values()
                if pod["spec"].get("nodeName") == obj["metadata"]["name"]]

    def _tainted(self, pod):
        """The node of a pod, if it has a NoExecute taint."""
        node = self.world.get("nodes", "", pod["spec"].get("nodeName"))
        tainted = node and any(one["effect"] == "NoExecute" for one in node["spec"].get("taints") or ())
        return node if tainted else None

    async def reconcile(self, namespace, name):
        pod = self.world.get("pods", namespace, name)
        if pod is None or is_terminating(pod) or (node := self._tainted(pod)) is None:
            return None
        left = patience(pod, node, seconds(now()))
        if left is None or left > 0:
            return left
        status = {"conditions": []}
        set_condition(status, "DisruptionTarget", "True", "DeletionByTaintManager",
                      "Taint manager: deleting due to NoExecute taint",
                      observedGeneration=pod["metadata"].get("generation", 0))
        patch = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        try:
            await self.world.patch("pods", pod, patch, kind="strategic", subresource="status")
        except ApiError as error:
            if error.code != 404:
                raise
        await self.world.delete("pods", pod)
        return None
