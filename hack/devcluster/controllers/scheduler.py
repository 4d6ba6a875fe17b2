"""The scheduler: binds each pending pod to a node, or says why it cannot.

Pods that ask for the same are one shape and are decided together, so that ten thousand pods that fit nowhere
cost one decision whenever something changes, and one status each.
"""

import asyncio
import collections
import heapq
import itertools

from ..client import FAILURES
from ..errors import ApiError
from ..objects import is_over, is_terminating, key_of, set_condition
from .runtime import Controller
from .scheduling import Room, Shape, best, requests_of, why_not

NAME = "default-scheduler"
PASS, REPORT = ("", "schedule"), ("", "report")
BINDINGS = 16  # requests under way at a time
REPORTS = 25  # refusals told a second, as kube-scheduler's 50 requests a second allow
BACKOFF = 1.0  # seconds after a binding that failed


def is_pending(pod):
    spec = pod["spec"]
    return (not spec.get("nodeName") and not spec.get("schedulingGates") and not is_over(pod)
            and not is_terminating(pod) and spec.get("schedulerName", NAME) == NAME)


class Waiting:
    """The pending pods of one shape."""

    def __init__(self, shape):
        self.shape = shape
        self.pods = {}  # key -> order of arrival
        self.message = ""  # why none of them fits, by the last attempt
        self.untold = {}  # keys of those whose status does not say it yet

    def refuse(self, message):
        if message != self.message:
            self.message, self.untold = message, dict.fromkeys(self.pods)


class Scheduler(Controller):
    def __init__(self, world):
        super().__init__(world)
        self._rooms = collections.defaultdict(Room)  # by node name
        self._placed = {}  # uid of a pod -> (node name, requests), from the moment we decide on it
        self._waiting = {}  # Shape.key -> Waiting
        self._arrivals = itertools.count()
        self._report_due = 0.0
        world.cache("nodes").listeners.append(self._node_changed)
        world.cache("pods").listeners.append(self._pod_changed)

    def _node_changed(self, old, new):
        room = self._rooms[(old or new)["metadata"]["name"]]
        before = old and (old["spec"], old["metadata"].get("labels"), room.allocatable)
        room.set_node(new)
        if before != (new and (new["spec"], new["metadata"].get("labels"), room.allocatable)):
            self.enqueue(PASS)

    def _pod_changed(self, old, new):
        if old is not None and (new is None or old["metadata"]["uid"] != new["metadata"]["uid"]):
            self._release(old)
        if old is not None and is_pending(old):
            key = Shape.key(old)
            if new is not None and is_pending(new) and Shape.key(new) == key:
                return
            self._drop(key, key_of(old))
        if new is None:
            return
        if is_pending(new):
            self._await(new)
        elif is_over(new):
            self._release(new)
        elif new["spec"].get("nodeName"):
            self._place(new, new["spec"]["nodeName"])

    def _await(self, pod):
        if pod["metadata"]["uid"] in self._placed:  # decided, being bound
            return
        key = Shape.key(pod)
        if key not in self._waiting:
            self._waiting[key] = Waiting(Shape.of(pod))
        self._waiting[key].pods[key_of(pod)] = next(self._arrivals)
        self._waiting[key].untold[key_of(pod)] = None
        self.enqueue(PASS)

    def _drop(self, shape_key, pod_key):
        waiting = self._waiting.get(shape_key)
        if waiting is None:
            return
        waiting.pods.pop(pod_key, None)
        waiting.untold.pop(pod_key, None)
        if not waiting.pods:
            del self._waiting[shape_key]

    def _place(self, pod, node):
        uid = pod["metadata"]["uid"]
        if uid not in self._placed or self._placed[uid][0] != node:
            self._release(pod)
            self._placed[uid] = node, requests_of(pod)
            self._rooms[node].add(self._placed[uid][1])

    def _release(self, pod):
        node, requests = self._placed.pop(pod["metadata"]["uid"], (None, None))
        if node is not None:
            self._rooms[node].remove(requests)
            self.enqueue(PASS)

    async def reconcile(self, _, name):
        if name == REPORT[1]:
            return await self._report()
        decided = self._decide()
        for start in range(0, len(decided), BINDINGS):
            await asyncio.gather(*(self._bind(pod, node) for pod, node in decided[start:start + BINDINGS]))
        return None

    def _decide(self):
        """Places what can be placed, by priority, then by arrival; notes why the rest cannot be.

        → [(pod, node)]
        """
        rooms = [room for room in self._rooms.values() if room.node is not None]
        queue = [(-waiting.shape.priority, next(iter(waiting.pods.values())), key)
                 for key, waiting in self._waiting.items()]
        heapq.heapify(queue)
        decided = []
        while queue:
            _, _, key = heapq.heappop(queue)
            waiting = self._waiting[key]
            room = best(waiting.shape, rooms)
            if room is None:
                waiting.refuse(why_not(waiting.shape, rooms))
                if waiting.untold:
                    self.enqueue(REPORT)
                continue
            pod_key = next(iter(waiting.pods))
            pod, node = self.world.get("pods", *pod_key), room.name
            self._drop(key, pod_key)
            self._place(pod, node)
            decided.append((pod, node))
            if waiting.pods:
                arrival = next(iter(waiting.pods.values()))
                heapq.heappush(queue, (-waiting.shape.priority, arrival, key))
        return decided

    async def _bind(self, pod, node):
        namespace, name = key_of(pod)
        binding = {"apiVersion": "v1", "kind": "Binding", "target": {"kind": "Node", "name": node},
                   "metadata": {"name": name, "namespace": namespace, "uid": pod["metadata"]["uid"]}}
        try:
            await self.world.client.create("pods", binding, namespace, name=name, subresource="binding")
        except FAILURES as error:
            self.log.info("%s/%s: %s", namespace, name, error)
            asyncio.get_running_loop().call_later(BACKOFF, self._unplace, pod)
            return
        message = f"Successfully assigned {namespace}/{name} to {node}"
        self.world.recorder.event(NAME, pod, "Normal", "Scheduled", message)

    def _unplace(self, pod):
        """Begins again with a pod that could not be bound, if it is there still and not bound after all."""
        current = self.world.get("pods", *key_of(pod))
        if current is None or current["metadata"]["uid"] != pod["metadata"]["uid"] or is_pending(current):
            self._release(pod)
        if current is not None and is_pending(current):
            self._await(current)

    async def _report(self):
        """Tells some refused pods why. Returns when to go on with more."""
        now = asyncio.get_running_loop().time()
        if now < self._report_due:
            return self._report_due - now
        self._report_due = now + 1.0
        untold = [(waiting, key) for waiting in self._waiting.values() if waiting.message
                  for key in itertools.islice(waiting.untold, REPORTS + 1)]
        for waiting, key in untold[:REPORTS]:
            waiting.untold.pop(key, None)
            if (pod := self.world.get("pods", *key)) is not None:
                await self._tell(pod, waiting.message)
        return 1.0 if untold[REPORTS:] else None

    async def _tell(self, pod, message):
        conditions = [dict(one) for one in pod["status"].get("conditions") or ()
                      if one["type"] == "PodScheduled"]
        if [(one["status"], one.get("message")) for one in conditions] == [("False", message)]:
            return
        status = {"conditions": conditions}
        set_condition(status, "PodScheduled", "False", "Unschedulable", message, lastProbeTime=None,
                      observedGeneration=pod["metadata"].get("generation", 0))
        patch = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        try:
            await self.world.patch("pods", pod, patch, kind="strategic", subresource="status")
        except ApiError as error:
            if error.code not in (404, 409):  # gone meanwhile, or another of that name
                raise
            return
        self.world.recorder.event(NAME, pod, "Warning", "FailedScheduling", message)
