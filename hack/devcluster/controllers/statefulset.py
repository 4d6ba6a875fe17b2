"""StatefulSets: carries out what ordinals.py decides.

Source: kube-controller-manager, pkg/controller/statefulset. Left out: the claims' retention policy, and the
wait for claims of a deleted pod that are still being deleted.
"""

import time

from ..errors import ApiError
from ..objects import copy, is_terminating, key_of
from . import ordinals, revisions
from .pods import at_once, claim, next_check, slow_start
from .runtime import Controller

COMPONENT = "statefulset-controller"
HASH_LABEL = "controller.kubernetes.io/hash"


class StatefulSets(Controller):
    watches = ("statefulsets", "pods", "controllerrevisions", "persistentvolumeclaims")
    workers = 5

    def keys(self, resource, obj):
        if resource == "statefulsets":
            return [key_of(obj)]
        return self.owner_keys("StatefulSet", "statefulsets", obj) if resource == "pods" else []

    async def reconcile(self, namespace, name):
        owner = self.world.get("statefulsets", namespace, name)
        if owner is None:
            return None
        history = await claim(self.world, "controllerrevisions", owner,
                              self.world.related("controllerrevisions", owner))
        pods = await claim(self.world, "pods", owner, self.world.related("pods", owner),
                           lambda pod: ordinals.parent_of(pod) == name)
        current, update, collisions = await self._revisions(owner, sorted(history, key=revisions.by_number))
        now = time.time()
        batches, status = ordinals.plan(owner, current, update, pods, now)
        status["collisionCount"] = collisions
        failure = None
        try:
            await self._carry_out(owner, batches)
        except ApiError as error:
            failure = error
        if status != owner.get("status"):
            await self.world.replace("statefulsets", {**owner, "status": status}, "status")
        if failure:
            raise failure
        await self._truncate(owner, history, pods, current, update)
        delay = owner["spec"].get("minReadySeconds", 0)
        return next_check(pods, delay, now) if delay else None

    async def _revisions(self, owner, history):
        """(revision of pods not updated, revision of the template, collisions). history: the oldest first"""
        status = owner.get("status") or {}
        collisions, number = status.get("collisionCount", 0), revisions.next_number(history)
        equal = [one for one in history if revisions.matches(one, owner)]
        if not equal:
            update, collisions = await revisions.create(self.world, owner, number, collisions, HASH_LABEL)
        elif equal[-1] is history[-1]:
            update = equal[-1]
        else:
            update = await revisions.renumber(self.world, equal[-1], number)
        current = [one for one in history if one["metadata"]["name"] == status.get("currentRevision")]
        return (current or [update])[0], update, collisions

    async def _carry_out(self, owner, batches):
        """Does what was planned, one batch after the other; a failure ends it."""
        for batch in batches:
            creations = [action for action in batch if action.verb == "create"]
            others = [action for action in batch if action.verb != "create"]
            await at_once(others, lambda action: self._act(owner, action))
            await slow_start(creations, lambda action: self._act(owner, action))

    async def _act(self, owner, action):
        verb = action.verb.title()
        text = f"{verb} Pod {action.pod['metadata']['name']} in StatefulSet {owner['metadata']['name']}"
        try:
            await self._VERBS[action.verb](self, owner, action.pod)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                text = f"{text} failed error: {error.message}"
                self.world.recorder.event(COMPONENT, owner, "Warning", f"Failed{verb}", text)
            raise
        self.world.recorder.event(COMPONENT, owner, "Normal", f"Successful{verb}", f"{text} successful")

    async def _create(self, owner, pod):
        for wanted in ordinals.claims(owner, pod):
            if self.world.get("persistentvolumeclaims", *key_of(wanted)) is None:
                await self.world.create("persistentvolumeclaims", wanted)
                text = (f"Create Claim {wanted['metadata']['name']} Pod {pod['metadata']['name']} "
                        f"in StatefulSet {owner['metadata']['name']} success")
                self.world.recorder.event(COMPONENT, owner, "Normal", "SuccessfulCreate", text)
        await self.world.create("pods", pod)

    async def _delete(self, _owner, pod):
        await self.world.delete("pods", pod)

    async def _update(self, _owner, pod):
        changed = copy(pod)
        changed["metadata"].setdefault("labels", {}).update(ordinals.identity(pod))
        await self.world.replace("pods", changed)

    _VERBS = {"create": _create, "delete": _delete, "update": _update}

    async def _truncate(self, owner, history, pods, current, update):
        live = {current["metadata"]["name"], update["metadata"]["name"], *map(ordinals.revision_of, pods)}
        limit = owner["spec"].get("revisionHistoryLimit", 10)
        if is_terminating(owner):
            return
        for one in revisions.surplus(history, lambda one: one["metadata"]["name"] in live, limit):
            await self.world.delete("controllerrevisions", one)
