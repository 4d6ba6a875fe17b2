"""Deletes pods that nobody else would: of nodes that are gone, and deleted ones that never had a node."""

import asyncio

from ..errors import ApiError
from ..objects import is_over, is_terminating, key_of, set_condition
from .runtime import Controller

QUARANTINE = 40.0  # seconds that a missing node has to come back


class PodCollector(Controller):
    watches = ("pods", "nodes")

    def __init__(self, world):
        self._missing = {}  # node name -> time of the loop at which its pods may go
        super().__init__(world)

    def keys(self, resource, obj):
        if resource == "pods":
            return [key_of(obj)] if self._is_stray(obj) else []
        name = obj["metadata"]["name"]
        if self.world.get("nodes", "", name) is not None:
            self._missing.pop(name, None)
            return []
        return [key_of(pod) for pod in self.world.cache("pods").objects.values()
                if pod["spec"].get("nodeName") == name]

    def _is_stray(self, pod):
        node = pod["spec"].get("nodeName")
        if node:
            return self.world.get("nodes", "", node) is None
        return is_terminating(pod)

    async def reconcile(self, namespace, name):
        pod = self.world.get("pods", namespace, name)
        if pod is None or not self._is_stray(pod):
            return None
        if node := pod["spec"].get("nodeName"):
            at = asyncio.get_running_loop().time()
            wait = self._missing.setdefault(node, at + QUARANTINE) - at
            if wait > 0:
                return wait
            if await self._exists(node):
                return QUARANTINE
        await self._fail(pod)
        await self.world.delete("pods", pod, grace=0)
        return None

    async def _exists(self, node):
        """Asks the server: what the cache does not know may have come this moment."""
        try:
            await self.world.client.get("nodes", node)
        except ApiError as error:
            if error.code != 404:
                raise
            return False
        return True

    async def _fail(self, pod):
        """Ends a pod that was running as far as anybody knows, so that its owner sees how."""
        if is_over(pod):
            return
        status = {"phase": "Failed"}
        if pod["spec"].get("nodeName"):
            set_condition(status, "DisruptionTarget", "True", "DeletionByPodGC",
                          "PodGC: node no longer exists",
                          observedGeneration=pod["metadata"].get("generation", 0))
        await self.world.patch("pods", pod, {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status},
                               kind="strategic", subresource="status")
