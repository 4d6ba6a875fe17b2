"""PodDisruptionBudget status: how many pods may be evicted now; the eviction endpoint spends it."""

from ..errors import ApiError
from ..objects import (controller_of, dig, int_or_percent, is_terminating, is_true, key_of, now, seconds,
                       set_condition)
from ..resources import ROWS
from ..selector import selects
from .runtime import Controller

DELETION_TIMEOUT = 120  # seconds within which an evicted pod is expected to be deleted


class NoScale(Exception):
    """The number of pods that there should be cannot be told; the message becomes the condition's."""


def budget(pdb, pods, expected_scale):
    """(pods expected, pods that must be healthy). expected_scale() sums up the pods' controllers."""
    spec = pdb["spec"]
    if spec.get("maxUnavailable") is not None:
        expected = expected_scale()
        return expected, max(0, expected - int_or_percent(spec["maxUnavailable"], expected, round_up=True))
    minimum = spec.get("minAvailable")
    if minimum is None:
        return 0, 0
    if isinstance(minimum, int):
        return len(pods), minimum
    expected = expected_scale()
    return expected, int_or_percent(minimum, expected, round_up=True)


def disrupted(pdb, pods, at):
    """{name: time} of the evicted pods that are still to be deleted, and when the first is given up."""
    listed = dig(pdb, "status", "disruptedPods", default={})
    alive = {pod["metadata"]["name"] for pod in pods if not is_terminating(pod)}
    left = {name: time for name, time in listed.items()
            if name in alive and seconds(time) + DELETION_TIMEOUT >= at}
    return left, min((seconds(time) + DELETION_TIMEOUT for time in left.values()), default=None)


def status_of(pdb, pods, expected, desired, disrupted_pods):
    """The status of a budget, given its pods and what budget() and disrupted() say."""
    healthy = sum(1 for pod in pods if not is_terminating(pod)
                  and pod["metadata"]["name"] not in disrupted_pods and is_true(pod, "Ready"))
    allowed = max(0, healthy - desired) if expected > 0 else 0
    made = {"currentHealthy": healthy, "desiredHealthy": desired, "expectedPods": expected,
            "disruptionsAllowed": allowed, "observedGeneration": pdb["metadata"].get("generation", 0)}
    if disrupted_pods:
        made["disruptedPods"] = disrupted_pods
    reason = "SufficientPods" if allowed else "InsufficientPods"
    return {**made, "conditions": with_condition(pdb, made["observedGeneration"], bool(allowed), reason)}


def with_condition(pdb, generation, allowed, reason, message=""):
    """The conditions of a budget with DisruptionAllowed set."""
    status = {"conditions": [dict(one) for one in dig(pdb, "status", "conditions", default=())]}
    set_condition(status, "DisruptionAllowed", "True" if allowed else "False", reason, message,
                  observedGeneration=generation)
    return status["conditions"]


class Disruption(Controller):
    """The pods expected are what their controllers are scaled to: any kind with a /scale will do."""

    watches = ("poddisruptionbudgets", "pods", "deployments", "replicasets", "statefulsets",
               "replicationcontrollers")

    def keys(self, resource, obj):
        if resource == "poddisruptionbudgets":
            return [key_of(obj)]
        namespace = obj["metadata"]["namespace"]
        budgets = [one for one in self.world.cache("poddisruptionbudgets").objects.values()
                   if one["metadata"]["namespace"] == namespace]
        if resource == "pods":
            return [key_of(one) for one in budgets if selects(one["spec"].get("selector"), obj)]
        return [key_of(one) for one in budgets]  # a scale that changed

    async def reconcile(self, namespace, name):
        pdb = self.world.get("poddisruptionbudgets", namespace, name)
        if pdb is None:
            return None
        pods = [pod for pod in self.world.cache("pods").objects.values()
                if pod["metadata"]["namespace"] == namespace and selects(pdb["spec"].get("selector"), pod)]
        at, again = seconds(now()), None
        try:
            scale = await self._scale(pods) if _needs_scale(pdb) else 0
        except NoScale as error:
            generation = dig(pdb, "status", "observedGeneration", default=0)
            status = {**(pdb.get("status") or {}), "disruptionsAllowed": 0,
                      "conditions": with_condition(pdb, generation, False, "SyncFailed", str(error))}
        else:
            left, again = disrupted(pdb, pods, at)
            status = status_of(pdb, pods, *budget(pdb, pods, lambda: scale), left)
        if status != pdb.get("status"):
            await self.world.replace("poddisruptionbudgets", {**pdb, "status": status}, "status")
        return None if again is None else max(0.0, again - at) + 1

    async def _scale(self, pods):
        """The replicas of all the controllers of these pods. Pods without one do not count."""
        scales = {}
        for pod in pods:
            reference = controller_of(pod)
            if reference is not None and reference["uid"] not in scales:
                uid, replicas = await self._replicas(reference, pod)
                scales[reference["uid"]] = uid, replicas
        return sum(dict(scales.values()).values())

    async def _replicas(self, reference, pod):
        """(uid, replicas) of a pod's controller, or of the Deployment above it."""
        namespace = pod["metadata"]["namespace"]
        row = next((one for one in ROWS if (one.api_version, one.kind) == (
            reference["apiVersion"], reference["kind"]) and one in self.world.caches), None)
        owner = self.world.get(row, namespace, reference["name"]) if row else None
        if owner is None or owner["metadata"]["uid"] != reference["uid"]:
            return await self._scale_of(reference, pod, row)
        above = controller_of(owner)
        if row.kind == "ReplicaSet" and above is not None and above["kind"] == "Deployment":
            owner = self.world.get("deployments", namespace, above["name"])
            if owner is None or owner["metadata"]["uid"] != above["uid"]:
                raise NoScale(f'found no controllers for pod "{pod["metadata"]["name"]}"')
        return owner["metadata"]["uid"], dig(owner, "spec", "replicas", default=1)

    async def _scale_of(self, reference, pod, row):
        """The same by the scale subresource, whatever the kind is."""
        missing = NoScale(f'found no controllers for pod "{pod["metadata"]["name"]}"')
        if row is not None:  # one of the kinds that are watched: it is gone
            raise missing
        group, _, version = reference["apiVersion"].rpartition("/")
        prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
        listed = await self.world.client.request("GET", prefix)
        plural = next((one["name"] for one in listed["resources"]
                       if one["kind"] == reference["kind"] and "/" not in one["name"]), None)
        if plural is None:
            raise missing
        if not any(one["name"] == f"{plural}/scale" for one in listed["resources"]):
            qualified = f"{plural}.{group}" if group else plural
            raise NoScale(f"{qualified} does not implement the scale subresource")
        path = f"{prefix}/namespaces/{pod['metadata']['namespace']}/{plural}/{reference['name']}/scale"
        try:
            scale = await self.world.client.request("GET", path)
        except ApiError as error:
            if error.code != 404:
                raise
            raise missing from error
        return scale["metadata"]["uid"], dig(scale, "spec", "replicas", default=0)


def _needs_scale(pdb):
    spec = pdb["spec"]
    return spec.get("maxUnavailable") is not None or isinstance(spec.get("minAvailable"), str)
