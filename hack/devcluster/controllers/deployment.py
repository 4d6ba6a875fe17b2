"""Deployments: carries out what rollout.py decides, and writes what deployment_status.py says.

Source: kube-controller-manager, pkg/controller/deployment. Left out: the annotation
deprecated.deployment.rollback.to (`kubectl rollout undo` does not use it).
"""

import datetime

from ..errors import ApiError
from ..objects import condition, controller_of, copy, dig, is_over, is_terminating, key_of, owner_reference
from . import deployment_status, rollout
from .deployment_status import with_condition
from .pods import claim, short_hash
from .runtime import Controller

COMPONENT = "deployment-controller"
NAME_LIMIT = 253


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc)


class Deployments(Controller):
    watches = ("deployments", "replicasets", "pods")
    workers = 5

    def keys(self, resource, obj):
        if resource == "deployments":
            return [key_of(obj)]
        if resource == "replicasets":
            return self.owner_keys("Deployment", "deployments", obj)
        return self._pod_keys(obj)

    def _pod_keys(self, pod):
        """Only Recreate waits for pods themselves: for the last old one to be gone."""
        replica_set = next(iter(self.owner_keys("ReplicaSet", "replicasets", pod)), None)
        replica_set = replica_set and self.world.get("replicasets", *replica_set)
        keys = self.owner_keys("Deployment", "deployments", replica_set) if replica_set else ()
        found = [(key, self.world.get("deployments", *key)) for key in keys]
        return [key for key, one in found if one and one["spec"]["strategy"]["type"] == "Recreate"]

    async def reconcile(self, namespace, name):
        deployment = self.world.get("deployments", namespace, name)
        if deployment is None:
            return None
        related = self.world.related("replicasets", deployment)
        owned = await claim(self.world, "replicasets", deployment, related)
        if is_terminating(deployment):
            new, olds = rollout.split(deployment, owned)
            status = deployment_status.counted(deployment, new, olds, utc_now())
            return await self._write_status(deployment, status)
        deployment = await self._note_pause(deployment)
        deployment, new, olds = await self._sync_revision(deployment, owned)
        if deployment["spec"].get("paused") or rollout.was_scaled(deployment, [new, *olds] if new else olds):
            return await self._resize(deployment, new, olds)
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            return await self._recreate(deployment, new, olds)
        return await self._roll(deployment, new, olds)

    async def _resize(self, deployment, new, olds):
        for replica_set, wanted, forced in rollout.resize(deployment, new, olds):
            new, olds = _put(await self._scale(deployment, replica_set, wanted, forced), new, olds)
        if deployment["spec"].get("paused"):
            await self._clean_up(deployment, olds)
        await self._write_status(deployment, deployment_status.counted(deployment, new, olds, utc_now()))

    async def _roll(self, deployment, new, olds):
        if new is None:
            deployment, new = await self._create(deployment, olds)
        wanted = rollout.new_size(deployment, new, olds)
        if wanted != rollout.size(new):
            new = await self._scale(deployment, new, wanted)
        elif steps := rollout.shrink(deployment, new, olds):
            for old, wanted in steps:
                current = next(one for one in olds if one["metadata"]["uid"] == old["metadata"]["uid"])
                new, olds = _put(await self._scale(deployment, current, wanted), new, olds)
        elif deployment_status.is_complete(deployment, deployment.get("status") or {}):
            await self._clean_up(deployment, olds)
        return await self._write_progress(deployment, new, olds)

    async def _recreate(self, deployment, new, olds):
        if running := rollout.active(olds):
            for old in running:
                new, olds = _put(await self._scale(deployment, old, 0), new, olds)
        elif not self._has_old_pods(olds):
            if new is None:
                deployment, new = await self._create(deployment, olds)
            new = await self._scale(deployment, new, deployment["spec"]["replicas"])
            if deployment_status.is_complete(deployment, deployment.get("status") or {}):
                await self._clean_up(deployment, olds)
        return await self._write_progress(deployment, new, olds)

    def _has_old_pods(self, olds):
        return rollout.counts(olds, "replicas") > 0 or any(
            not is_over(pod) for old in olds for pod in self.world.owned("pods", old))

    async def _note_pause(self, deployment):
        """Pausing and resuming restart the clock of the progress deadline; what has failed stays failed."""
        progressing = condition(deployment, "Progressing") or {}
        paused = bool(deployment["spec"].get("paused"))
        if (not deployment_status.has_deadline(deployment)
                or progressing.get("reason") == "ProgressDeadlineExceeded"
                or paused == (progressing.get("reason") == "DeploymentPaused")):
            return deployment
        reason, verb = ("DeploymentPaused", "paused") if paused else ("DeploymentResumed", "resumed")
        return await self._write_condition(deployment, "Unknown", reason, f"Deployment is {verb}")

    async def _sync_revision(self, deployment, owned):
        """Gives the new ReplicaSet, where there is one, the highest revision. → (deployment, new, olds)"""
        new, olds = rollout.split(deployment, owned)
        if new is None:
            return deployment, new, olds
        revision = max((rollout.by_revision(one)[0] for one in olds), default=0) + 1
        current = new["metadata"].get("annotations") or {}
        wanted = rollout.new_annotations(deployment, current, revision)
        delay = deployment["spec"].get("minReadySeconds", 0)
        if wanted != current or delay != new["spec"].get("minReadySeconds", 0):
            new = copy(new)
            new["metadata"]["annotations"], new["spec"]["minReadySeconds"] = wanted, delay
            new = await self.world.replace("replicasets", new)
        message = f'Found new replica set "{new["metadata"]["name"]}"'
        if deployment_status.has_deadline(deployment) and condition(deployment, "Progressing") is None:
            deployment = await self._write_condition(deployment, "True", "FoundNewReplicaSet", message)
        return await self._write_revision(deployment, wanted.get(rollout.REVISION, "")), new, olds

    async def _create(self, deployment, olds):
        """Makes the ReplicaSet for the Deployment's template. → (deployment, new)"""
        wanted = self._new_replica_set(deployment, olds)
        name = wanted["metadata"]["name"]
        try:
            new = await self.world.create("replicasets", wanted)
        except ApiError as error:
            if error.reason == "AlreadyExists":
                await self._resolve_collision(deployment, wanted)
            else:
                message = f'Failed to create new replica set "{name}": {error.message}'
                self._event(deployment, "Warning", "ReplicaSetCreateError", message)
                await self._write_condition(deployment, "False", "ReplicaSetCreateError", message)
            raise
        if rollout.size(new):
            self._event(deployment, "Normal", "ScalingReplicaSet",
                        f"Scaled up replica set {name} from 0 to {rollout.size(new)}")
        deployment = await self._write_condition(deployment, "True", "NewReplicaSetCreated",
                                                 f'Created new replica set "{name}"')
        return await self._write_revision(deployment, rollout.annotation(new, rollout.REVISION)), new

    def _new_replica_set(self, deployment, olds):
        metadata, template = deployment["metadata"], copy(deployment["spec"]["template"])
        code = short_hash(template, dig(deployment, "status", "collisionCount"))
        template.setdefault("metadata", {}).setdefault("labels", {})[rollout.HASH_LABEL] = code
        selector = copy(deployment["spec"]["selector"])
        selector.setdefault("matchLabels", {})[rollout.HASH_LABEL] = code
        revision = max((rollout.by_revision(one)[0] for one in olds), default=0) + 1
        annotations = rollout.new_annotations(deployment, {}, revision) | rollout.size_annotations(deployment)
        return {
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": f"{metadata['name'][:NAME_LIMIT - len(code) - 1]}-{code}",
                         "namespace": metadata["namespace"], "labels": template["metadata"]["labels"],
                         "annotations": annotations, "ownerReferences": [owner_reference(deployment)]},
            "spec": {"replicas": rollout.new_size(deployment, None, olds), "selector": selector,
                     "template": template, "minReadySeconds": deployment["spec"].get("minReadySeconds", 0)}}

    async def _resolve_collision(self, deployment, wanted):
        """Takes in the ReplicaSet that has the name already, or has the next attempt use another name."""
        namespace, name = key_of(wanted)
        there = await self.world.client.get("replicasets", name, namespace)
        owner = controller_of(there)
        if owner and owner["uid"] == deployment["metadata"]["uid"] and rollout.split(deployment, [there])[0]:
            self.world.cache("replicasets").observe(there)
            return
        status = copy(deployment.get("status") or {})
        status["collisionCount"] = status.get("collisionCount", 0) + 1
        await self._write_status(deployment, status)

    async def _scale(self, deployment, replica_set, wanted, forced=False):
        """Resizes a ReplicaSet. → the ReplicaSet as it is then"""
        before, annotations = rollout.size(replica_set), rollout.size_annotations(deployment)
        remembered = annotations.items() <= (replica_set["metadata"].get("annotations") or {}).items()
        if before == wanted and (not forced or remembered):
            return replica_set
        changed = copy(replica_set)
        changed["spec"]["replicas"] = wanted
        changed["metadata"].setdefault("annotations", {}).update(annotations)
        changed = await self.world.replace("replicasets", changed)
        if before != wanted:
            direction, name = "up" if before < wanted else "down", changed["metadata"]["name"]
            self._event(deployment, "Normal", "ScalingReplicaSet",
                        f"Scaled {direction} replica set {name} from {before} to {wanted}")
        return changed

    async def _clean_up(self, deployment, olds):
        for old in rollout.surplus_history(deployment, olds):
            await self.world.delete("replicasets", old, propagation="Background")

    async def _write_progress(self, deployment, new, olds):
        """Writes the status; where nothing is new, when to look at the deadline."""
        now = utc_now()
        status = deployment_status.rolling(deployment, new, olds, now)
        if status == deployment.get("status"):
            return deployment_status.check_after(deployment, status, now)
        await self._write_status(deployment, status)
        return None

    async def _write_condition(self, deployment, value, reason, message):
        """Sets Progressing where there is a deadline. → the Deployment"""
        if not deployment_status.has_deadline(deployment):
            return deployment
        status = copy(deployment.get("status") or {})
        conditions = status.get("conditions") or []
        status["conditions"] = with_condition(conditions, "Progressing", value, reason, message, utc_now())
        return await self.world.replace("deployments", {**deployment, "status": status}, "status")

    async def _write_revision(self, deployment, revision):
        """Through the status: as a change of its own it would raise the generation."""
        if rollout.annotation(deployment, rollout.REVISION) == revision:
            return deployment
        changed = copy(deployment)
        changed["metadata"].setdefault("annotations", {})[rollout.REVISION] = revision
        return await self.world.replace("deployments", changed, "status")

    async def _write_status(self, deployment, status):
        if status != deployment.get("status"):
            await self.world.replace("deployments", {**deployment, "status": status}, "status")

    def _event(self, deployment, kind, reason, message):
        self.world.recorder.event(COMPONENT, deployment, kind, reason, message)


def _put(changed, new, olds):
    """(new, olds) with one of them in its newest version."""
    uid = changed["metadata"]["uid"]
    if new and new["metadata"]["uid"] == uid:
        return changed, olds
    return new, [changed if one["metadata"]["uid"] == uid else one for one in olds]
