"""EndpointSlices and Endpoints of Services with a selector: what tells load balancers where pods are."""

import collections

from ..objects import is_terminating, key_of, owner_reference
from . import slices
from .runtime import Controller

ENDPOINTS_MANAGED_BY = "endpoints.kubernetes.io/managed-by"
NODE_MISSING = 5.0  # seconds until a pod whose node is not known is looked at again


class Services:
    """Which services concern which pods, with an index of the pods that have an address."""

    def __init__(self, world):
        self.world = world
        self._addressed = collections.defaultdict(set)  # namespace -> keys of pods
        world.cache("pods").listeners.append(self._pod_changed)

    def _pod_changed(self, old, new):
        for pod, change in ((old, set.discard), (new, set.add)):
            if pod is not None and slices.addresses(pod):
                change(self._addressed[pod["metadata"]["namespace"]], key_of(pod))

    def of_pod(self, pod):
        """Keys of the services that select a pod with an address."""
        if not slices.addresses(pod):
            return []
        namespace, own = pod["metadata"]["namespace"], pod["metadata"].get("labels") or {}
        return [key_of(one) for one in self.world.cache("services").objects.values()
                if one["metadata"]["namespace"] == namespace and _selects(one, own)]

    def pods(self, service):
        """The pods with an address that a service selects, by name."""
        keys = self._addressed[service["metadata"]["namespace"]]
        found = [self.world.get("pods", *key) for key in sorted(keys)]
        return [pod for pod in found if _selects(service, pod["metadata"].get("labels") or {})]


def _selects(service, own):
    selector = service["spec"].get("selector")
    return bool(selector) and all(own.get(key) == value for key, value in selector.items())


class EndpointSlices(Controller):
    watches = ("services", "pods", "endpointslices")

    def __init__(self, world):
        self._services = Services(world)
        self._slices = collections.defaultdict(set)  # key of a service -> keys of its slices
        world.cache("endpointslices").listeners.append(self._slice_changed)
        world.cache("nodes")
        super().__init__(world)

    def _slice_changed(self, old, new):
        for one, change in ((old, set.discard), (new, set.add)):
            if one is not None and (key := _service_of(one)):
                change(self._slices[key], key_of(one))

    def keys(self, resource, obj):
        if resource == "services":
            return [key_of(obj)]
        if resource == "pods":
            return self._services.of_pod(obj)
        return [key for key in [_service_of(obj)] if key]

    async def reconcile(self, namespace, name):
        service = self.world.get("services", namespace, name)
        if service is None or not slices.has_endpoints(service) or is_terminating(service):
            return None
        pods = self._services.pods(service)
        nodes = {node_name: node for (_, node_name), node in self.world.cache("nodes").objects.items()}
        existing = [self.world.get("endpointslices", *key) for key in sorted(self._slices[namespace, name])]
        plan = slices.plan(service, pods, nodes, existing)
        for family, ports, endpoints in plan.create:
            if not await self._create(service, family, ports, endpoints):
                return None
        for one, endpoints in plan.update:
            metadata = {**one["metadata"], "labels": slices.labels(service)}
            await self.world.replace("endpointslices", {**one, "metadata": metadata, "endpoints": endpoints})
        for one in plan.delete:
            await self.world.delete("endpointslices", one)
        return NODE_MISSING if any(pod["spec"].get("nodeName") not in nodes for pod in pods) else None

    async def _create(self, service, family, ports, endpoints):
        """False where the namespace is on its way out and takes no more objects."""
        metadata = service["metadata"]
        made = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
                "metadata": {"generateName": metadata["name"] + "-", "namespace": metadata["namespace"],
                             "labels": slices.labels(service), "ownerReferences": [owner_reference(service)]},
                "ports": ports, "endpoints": endpoints}
        return await self.world.create_unless_ending("endpointslices", made) is not None


def _service_of(one):
    """The key of the service whose slice it is, of those that are ours."""
    own = one["metadata"].get("labels") or {}
    if own.get(slices.MANAGED_BY) != slices.MANAGER or not own.get(slices.SERVICE):
        return None
    return one["metadata"]["namespace"], own[slices.SERVICE]


class Endpoints(Controller):
    """The older form of the same, which older clients read."""

    watches = ("services", "pods", "endpoints")

    def __init__(self, world):
        self._services = Services(world)
        super().__init__(world)

    def keys(self, resource, obj):
        return self._services.of_pod(obj) if resource == "pods" else [key_of(obj)]

    async def reconcile(self, namespace, name):
        service = self.world.get("services", namespace, name)
        current = self.world.get("endpoints", namespace, name)
        if service is None:
            own = current and (current["metadata"].get("labels") or {}).get(ENDPOINTS_MANAGED_BY)
            if own:
                await self.world.delete("endpoints", current)
            return
        if not slices.has_endpoints(service):
            return
        own = dict(service["metadata"].get("labels") or {}) | {ENDPOINTS_MANAGED_BY: "endpoint-controller"}
        own |= {slices.HEADLESS: ""} if slices.is_headless(service) else {}
        subsets = slices.subsets(service, self._services.pods(service))
        if current is None:
            await self.world.create_unless_ending("endpoints", {
                "apiVersion": "v1", "kind": "Endpoints", "subsets": subsets,
                "metadata": {"name": name, "namespace": namespace, "labels": own}})
        elif (current.get("subsets") or [], current["metadata"].get("labels")) != (subsets, own):
            await self.world.replace("endpoints", {
                **current, "metadata": {**current["metadata"], "labels": own}, "subsets": subsets})
