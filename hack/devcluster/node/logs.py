"""The part of a kubelet's own API that serves `kubectl logs`: plain HTTP, on the node's loopback address alone."""

import asyncio
import collections

from aiohttp import web

CHUNK = 65536
FOLLOW_PERIOD = 0.2  # seconds between two looks at a log that is followed


class LogServer:
    """GET /containerLogs/NAMESPACE/POD/CONTAINER?tailLines=&limitBytes=&follow=&previous=, and GET /pods."""

    def __init__(self, node):
        self.node = node
        self.port = 0
        self._runner = None

    async def start(self):
        app = web.Application()
        app.router.add_get("/pods", self._pods)
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.node.address, 0, shutdown_timeout=0.1)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self):
        await self._runner.cleanup()

    async def _pods(self, request):
        return web.json_response({"kind": "PodList", "apiVersion": "v1", "metadata": {},
                                  "items": self.node.pods.values()})

    async def _logs(self, request):
        names = request.match_info
        worker = self.node.worker(names["namespace"], names["pod"])
        if worker is None:
            raise web.HTTPNotFound(text=f'pod "{names["pod"]}" does not exist')
        container = worker.containers.get(names["container"])
        if container is None:
            raise web.HTTPNotFound(text=f'container {names["container"]} is not valid for pod {names["pod"]}')
        previous = request.query.get("previous") == "true"
        number = container.attempts - 1 - previous
        path = worker.directory / container.name / f"{number}.log"
        if previous and not path.exists():
            raise web.HTTPBadRequest(text=f'previous terminated container "{container.name}" in pod '
                                          f'"{names["pod"]}" not found')
        if not path.exists():
            reason = container.state.get("waiting", {}).get("reason", "ContainerCreating")
            raise web.HTTPBadRequest(text=f'container "{container.name}" in pod "{names["pod"]}" is waiting to '
                                          f"start: {reason}")
        return await self._send(request, path, container, number)

    async def _send(self, request, path, container, number):
        query = request.query
        left = int(query.get("limitBytes") or 1 << 62)
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        with open(path, "rb") as file:
            if "tailLines" in query:
                _seek_tail(file, int(query["tailLines"]))
            while left > 0:
                running = container.running and container.attempts - 1 == number  # before the last read
                while left > 0 and (chunk := file.read(min(CHUNK, left))):
                    left -= len(chunk)
                    await response.write(chunk)
                if query.get("follow") != "true" or not running:
                    break
                await asyncio.sleep(FOLLOW_PERIOD)
        await response.write_eof()
        return response


def _seek_tail(file, count):
    """Leaves a file at the beginning of its last `count` lines."""
    starts = collections.deque([0], maxlen=count + 1)
    while file.readline():
        starts.append(file.tell())
    file.seek(starts[0] if count else file.tell())
