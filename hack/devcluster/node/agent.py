"""The agent: one process that plays several nodes, from one identity at one API server."""

import asyncio
import logging
import os
import shutil
import urllib.parse

from .images import Images
from .node import Node
from .sources import Sources

log = logging.getLogger("agent")


class Agent:
    """What its nodes share. options: as parsed by __main__."""

    def __init__(self, client, options):
        self.client = client
        self.directory = options.directory
        self.network = options.pod_network
        self.backoff = options.backoff
        self.capacity = {"cpu": options.cpu, "memory": options.memory, "pods": str(options.pods),
                         "ephemeral-storage": "100Gi"}
        binaries = {name: str(path) for name, path in (("podinfo", options.podinfo), ("sluice", options.sluice))
                    if path}
        self.images = Images(binaries)
        self.sources = Sources(client)
        server = urllib.parse.urlsplit(client.config.server)
        self.environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/",
                            "KUBERNETES_SERVICE_HOST": server.hostname,
                            "KUBERNETES_SERVICE_PORT": str(server.port or 443)}
        self.nodes = [Node(self, name, number) for number, name in enumerate(options.nodes, 1)]

    async def run(self):
        """Ends by being cancelled."""
        (self.directory / "pods").mkdir(parents=True, exist_ok=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.sources.run())
            for node in self.nodes:
                group.create_task(node.run())
            await self._clean()

    async def _clean(self):
        """Removes what an agent before this one left of pods that are gone."""
        for node in self.nodes:
            await node.pods.synced.wait()
        kept = {uid for node in self.nodes for uid in node.workers}
        for entry in (self.directory / "pods").iterdir():
            if entry.name.rpartition("_")[2] not in kept:
                shutil.rmtree(entry, ignore_errors=True)
