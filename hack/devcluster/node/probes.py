"""Probes: one task for each probe of each container, asking at its period and counting the answers.

Source: the Kubernetes documentation, "Configure Liveness, Readiness and Startup Probes", and the order in which the
kubelet was read to do things: the first readiness probe at once, the others a period after the pod began.
"""

import asyncio
import contextlib

from . import actions

KINDS = ("startup", "readiness", "liveness")
SETTLE = 0.2  # seconds: a kubelet sees a container start some time later, so it has had time to listen
FIRST = {"readiness": False, "liveness": True, "startup": None}  # the result of a new container


class Prober:
    """One probe of one container, for as long as its pod lives."""

    def __init__(self, worker, container, kind):
        self.worker = worker
        self.container = container
        self.kind = kind
        self.spec = container.spec[kind + "Probe"]
        self.task = asyncio.create_task(self._run())
        self._trigger = asyncio.Event()
        self._of = None  # the container_id that the fields below are about
        self._last, self._run_length, self._held = None, 0, False

    def trigger(self):
        """Asks soon; the period begins anew."""
        asyncio.get_running_loop().call_later(SETTLE, self._trigger.set)

    async def _run(self):
        loop = asyncio.get_running_loop()
        period = self.spec.get("periodSeconds") or 10
        due = loop.time()
        while True:
            due = max(due + period, loop.time())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._trigger.wait()
                self._trigger.clear()
                due = loop.time()
            await self._probe()

    async def _probe(self):
        container = self.container
        if not container.created or container.starting:
            return
        if self._of != container.container_id:
            self._of = container.container_id
            self._last, self._run_length, self._held = None, 0, False
            container.results.setdefault(self.kind, FIRST[self.kind])
        if not container.running:
            self._conclude(False)
            return
        if self._held or not self._is_time():
            return
        of = self._of
        try:
            await self._ask()
            result = True
        except actions.ActionError as error:
            result = False
            self.worker.event("Warning", "Unhealthy", f"{self.kind.capitalize()} probe failed: {error}", container)
        if container.container_id == of and container.running:
            self._count(result)

    def _is_time(self):
        """Past initialDelaySeconds, and startup before the others."""
        if self.worker.running_for(self.container) < self.spec.get("initialDelaySeconds", 0):
            return False
        return self.container.started != (self.kind == "startup")

    def _count(self, result):
        self._run_length = self._run_length + 1 if result == self._last else 1
        self._last = result
        threshold = (self.spec.get("successThreshold") or 1) if result else (self.spec.get("failureThreshold") or 3)
        if self._run_length < threshold:
            return
        if self.kind == "startup" or (self.kind == "liveness" and not result):
            self._held, self._run_length = True, 0  # until there is a new container
        self._conclude(result)

    def _conclude(self, result):
        if self.container.results.get(self.kind) is not result:
            self.container.results[self.kind] = result
            self.worker.probed(self.kind)

    async def _ask(self):
        spec, timeout = self.spec, self.spec.get("timeoutSeconds") or 1
        if "httpGet" in spec:
            await actions.http_get(self.container, spec["httpGet"], self.worker.address, timeout, "probe")
        elif "tcpSocket" in spec:
            await actions.tcp_connect(self.container, spec["tcpSocket"], self.worker.address, timeout)
        elif "exec" in spec:
            await actions.command(self.container, spec["exec"], self.worker.node.images, timeout)
        else:
            raise actions.ActionError(f"no probe of this kind here: {sorted(spec)}")
