"""Sends a pod's status to the API server: only what has changed, one request at a time, the newest state each time."""

import asyncio
import logging

from ..client import FAILURES
from ..errors import ApiError
from . import podstatus

log = logging.getLogger("status")
FIRST_PAUSE, LAST_PAUSE = 0.2, 10.0  # seconds after a failure


class StatusWriter:
    """Of one pod. `status` is what is to be said; run() is its task."""

    def __init__(self, worker):
        self.worker = worker
        self.status = None
        self._changed = asyncio.Event()
        self._written = asyncio.Event()
        self._vain = None  # a patch that the server has taken and that left a difference: not sent again

    def say(self, status):
        """Has a status sent, if it differs from what the API server has."""
        self.status = status
        self._changed.set()
        self._written.clear()

    def check(self):
        """Has it sent again, if the API server has something else now."""
        if self.status is not None:
            self.say(self.status)

    async def flush(self):
        """Waits until the API server has what was said, or the pod is gone."""
        await self._written.wait()

    async def run(self):
        pause = FIRST_PAUSE
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._send()
                pause = FIRST_PAUSE
            except FAILURES as error:
                if isinstance(error, ApiError) and (error.code in (404, 409) or self.worker.gone):
                    self._written.set()  # deleted, or replaced by another of its name: nobody wants to know
                    continue
                log.warning("%s: %s; again in %.1f s", self.worker.title, str(error) or repr(error), pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LAST_PAUSE)
                self._changed.set()
                continue
            if not self._changed.is_set():
                self._written.set()

    async def _send(self):
        latest = self.worker.latest
        patch = podstatus.patch(latest, self.status)
        if patch is None or patch == self._vain or self.worker.gone:
            return
        metadata = latest["metadata"]
        answer = await self.worker.node.client.patch(
            "pods", metadata["name"], metadata["namespace"], patch, kind="strategic", subresource="status")
        self.worker.node.pods.observe(answer)
        self._vain = patch if podstatus.patch(answer, self.status) == patch else None
