"""DaemonSets: carries out what daemons.py decides.

Source: kube-controller-manager, pkg/controller/daemon. Left out: repairing duplicate revisions of one
template, which only controllers before 1.7 made.
"""

import time

from ..errors import ApiError
from ..objects import copy, is_terminating, key_of
from . import daemons, pods as pod_control, revisions
from .revisions import REVISION_LABEL
from .runtime import Controller

COMPONENT = "daemonset-controller"
# seconds between the deletions of failed pods on a node; doubled each time
FAILED_FIRST, FAILED_LAST = 1.0, 900.0
NOTHING = daemons.Changes([], [])


class DaemonSets(Controller):
    watches = ("daemonsets", "pods", "nodes", "controllerrevisions")
    workers = 2

    def __init__(self, world):
        super().__init__(world)
        # (uid, generation, node) -> (when a failed pod may be deleted again, the pause after that)
        self._failed = {}

    def keys(self, resource, obj):
        if resource == "daemonsets":
            return [key_of(obj)]
        return self.owner_keys("DaemonSet", "daemonsets", obj) if resource == "pods" else []

    def _changed(self, resource, old, new):
        """A node concerns all, but only when it is another to them: its status beats every few seconds."""
        if resource != "nodes":
            super()._changed(resource, old, new)
        elif _facts(old) != _facts(new):
            for key in self.world.cache("daemonsets").objects:
                self.enqueue(key)

    async def reconcile(self, namespace, name):
        owner = self.world.get("daemonsets", namespace, name)
        if owner is None or is_terminating(owner):
            return None
        related = self.world.related("controllerrevisions", owner)
        history = await pod_control.claim(self.world, "controllerrevisions", owner, related)
        owner, revision, older = await self._revision(owner, history)
        revision_hash = revision["metadata"]["labels"][REVISION_LABEL]
        again = failure = None
        try:
            again = await self._update(owner, revision_hash)
            await self._truncate(owner, older)
        except ApiError as error:
            failure = error
        await self._write_status(owner, revision_hash)
        if failure:
            raise failure
        waits = [wait for wait in (again, self._next_check(owner)) if wait is not None]
        return min(waits, default=None)

    async def _update(self, owner, revision_hash):
        """Brings pods and nodes together, then updates pods. → seconds until a failed pod may go, or None"""
        nodes, now = self.world.cache("nodes").values(), time.time()
        placed = daemons.by_node(await self._pods(owner))
        changes, again = self._pace(owner, daemons.manage(owner, nodes, placed, revision_hash, now), now)
        await self._carry_out(owner, revision_hash, changes)
        if (owner["spec"].get("updateStrategy") or {}).get("type") == "RollingUpdate" and changes == NOTHING:
            await self._carry_out(owner, revision_hash,
                                  daemons.roll(owner, nodes, placed, revision_hash, now))
        return again

    async def _pods(self, owner):
        return await pod_control.claim(self.world, "pods", owner, self.world.related("pods", owner))

    def _pace(self, owner, changes, now):
        """Leaves out failed pods of nodes where one was deleted just now: the next may be refused as well."""
        kept, waits = [], []
        for pod in changes.pods:
            if remark := daemons.remark(pod):
                key = owner["metadata"]["uid"], owner["metadata"]["generation"], daemons.node_of(pod)
                due, pause = self._failed.get(key, (0.0, FAILED_FIRST))
                if pod_control.phase(pod) == "Failed":
                    if now < due:
                        waits.append(due - now)
                        continue
                    self._failed[key] = now + pause, min(pause * 2, FAILED_LAST)
                self.world.recorder.event(COMPONENT, owner, *remark)
            kept.append(pod)
        return daemons.Changes(changes.nodes, kept), min(waits, default=None)

    async def _carry_out(self, owner, revision_hash, changes):
        template = daemons.template_for(owner, revision_hash)

        async def create(node_name):
            pod = pod_control.from_template(daemons.pinned(template, node_name), owner)
            await pod_control.create(self.world, COMPONENT, owner, pod)

        async def delete(pod):
            await pod_control.delete(self.world, COMPONENT, owner, pod)

        await pod_control.slow_start(changes.nodes, create)
        await pod_control.at_once(changes.pods, delete)

    async def _revision(self, owner, history):
        """(owner, the revision of its template, all others)"""
        equal = sorted((one for one in history if revisions.matches(one, owner)), key=revisions.by_number)
        older = [one for one in history if one not in equal]
        number = revisions.next_number(older)
        if not equal:
            collisions = (owner.get("status") or {}).get("collisionCount")
            revision, counted = await revisions.create(self.world, owner, number, collisions, REVISION_LABEL)
            if counted != collisions:
                status = {**(owner.get("status") or {}), "collisionCount": counted}
                owner = await self.world.replace("daemonsets", {**owner, "status": status}, "status")
            return owner, revision, older
        revision = equal[-1]
        if revision["revision"] < number:
            revision = await revisions.renumber(self.world, revision, number)
        return owner, revision, older

    async def _truncate(self, owner, older):
        live = {(pod["metadata"].get("labels") or {}).get(REVISION_LABEL)
                for pod in self.world.owned("pods", owner)}
        count, limit = len(older), owner["spec"].get("revisionHistoryLimit", 10)
        unused = revisions.surplus(
            older, lambda one: one["metadata"]["labels"].get(REVISION_LABEL) in live, 0)
        for one in unused[:max(count - limit, 0)]:
            await self.world.delete("controllerrevisions", one)

    async def _write_status(self, owner, revision_hash):
        nodes, placed = self.world.cache("nodes").values(), daemons.by_node(self.world.owned("pods", owner))
        status = daemons.status_of(owner, nodes, placed, revision_hash, time.time())
        if status != owner.get("status"):
            await self.world.replace("daemonsets", {**owner, "status": status}, "status")

    def _next_check(self, owner):
        delay = owner["spec"].get("minReadySeconds", 0)
        return pod_control.next_check(self.world.owned("pods", owner), delay, time.time()) if delay else None


def _facts(node):
    """What of a node decides whether it runs a pod."""
    return node and (copy(node["metadata"].get("labels")), node["spec"].get("taints"))
