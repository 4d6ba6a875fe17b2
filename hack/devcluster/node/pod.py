"""One pod on its node: brings its containers to what its spec says, in the order the kubelet does it, until it ends.

A pod is worked on by one task, one step after another. While a step waits (a preStop hook before an in-place restart),
later changes of the pod wait too; only a deletion interrupts. Probes run beside it and change nothing but the status.
"""

import asyncio
import contextlib
import logging
import shutil
import time

from ..client import FAILURES, UNREACHABLE
from ..objects import dig, is_terminating, now, seconds
from . import podstatus, start
from .container import Container
from .hooks import stop
from .probes import KINDS, Prober
from .statuswriter import StatusWriter
from .termination import terminate
from .volumes import Volumes, VolumeError

log = logging.getLogger("pod")
VOLUME_RETRY = SANDBOX_RETRY = 2.0  # seconds until what could not be set up is tried again
VISIBLE = ("labels", "annotations")  # to a pod's own containers, as downward API volumes
DEADLINE = ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")


class PodWorker:
    """latest: the pod as the API has it. pod: the version that is being acted on."""

    def __init__(self, node, pod):
        metadata = pod["metadata"]
        self.node = node
        self.pod = self.latest = pod
        self.title = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        self.directory = node.directory / "pods" / f"{metadata['namespace']}_{metadata['name']}_{metadata['uid']}"
        self.address = ""  # until there is a sandbox
        self._kept = node.addresses.keep((pod.get("status") or {}).get("podIP"))  # before other pods take one
        self.containers = {}
        self.gone = False  # from the API
        self.failure = None  # (reason, message) when the pod has failed as a whole
        self.ended = False  # no container will run again
        self.cut = asyncio.Event()  # no time is left for hooks
        self.deleted = asyncio.Event()
        if is_terminating(pod):
            self.deleted.set()
        self.status = dict(pod.get("status") or {})
        self.writer = StatusWriter(self)
        self.volumes = Volumes(node, self.directory / "volumes", self._volumes_changed)
        self._probers = []
        self._wake = asyncio.Event()
        self._stale_volumes = False
        self._life = None

    # What others tell it.

    def update(self, pod):
        """The API has a newer version."""
        before, self.latest = self.latest, pod
        self.writer.check()
        if not is_terminating(pod):
            if any(before["metadata"].get(field) != pod["metadata"].get(field) for field in VISIBLE):
                self._stale_volumes = True
            if _concern(before) != _concern(pod):  # what we have said ourselves is no news
                self._wake.set()
            return
        self.deleted.set()
        grace = pod["metadata"].get("deletionGracePeriodSeconds", 0)
        if grace < before["metadata"].get("deletionGracePeriodSeconds", grace):
            asyncio.get_running_loop().call_later(max(grace, 1), self.kill_now)
        elif self._life is not None:
            self._life.cancel()

    def removed(self):
        """The API has it no more: a deletion without grace, or ours."""
        self.gone = True
        self.deleted.set()
        if self._life is not None:
            self._life.cancel()

    def probed(self, kind):
        """A probe has a new result."""
        self.publish()
        if kind != "readiness" or not self.deleted.is_set():
            self._wake.set()

    def _volumes_changed(self):
        self._stale_volumes = True
        self._wake.set()

    def event(self, kind, reason, message, container=None):
        field = ""
        if container is not None:
            field = f"spec.{'initContainers' if container.init else 'containers'}{{{container.name}}}"
        self.node.events.event("kubelet", self.pod, kind, reason, message, field)

    def running_for(self, container):
        """Seconds."""
        return int(time.time() - seconds(container.state["running"]["startedAt"]))

    @property
    def policy(self):
        return self.pod["spec"].get("restartPolicy", "Always")

    @property
    def grace(self):
        """Seconds that its containers have to end."""
        given = self.latest["metadata"].get("deletionGracePeriodSeconds")
        if given is None:
            return self.pod["spec"].get("terminationGracePeriodSeconds", 30)
        return max(given, 1)

    def publish(self):
        """Says how the pod is now; nothing while a postStart hook runs, which a kubelet's worker waits for as well."""
        if any(one.starting for one in self.containers.values()):
            return
        self.status = podstatus.generate(
            self.pod, self.status, self.containers.values(), at=now(), node_address=self.node.address,
            pod_address=self.address, sandbox=bool(self.address), ended=self.ended, why=self.failure)
        self.writer.say(self.status)

    def kill_now(self):
        self.cut.set()
        for container in self.containers.values():
            if container.process:
                container.process.kill()

    # Its life.

    async def run(self):
        """From its first sight to its end: whatever happens, no process is left."""
        writing = asyncio.create_task(self.writer.run())
        try:
            self._adopt()
            self._life = asyncio.create_task(self._live())
            if self.deleted.is_set():
                self._life.cancel()
            await asyncio.wait({self._life})
            if not self._life.cancelled() and self._life.exception():
                log.error("%s", self.title, exc_info=self._life.exception())
            await terminate(self)
        finally:
            writing.cancel()
            if self._life is not None:  # else it would start again what is killed here
                self._life.cancel()
            self.stop_probes(KINDS)
            self.kill_now()
            self.node.sources.forget(self.volumes.changed)
            self.node.addresses.release(self.address or self._kept)
        shutil.rmtree(self.directory, ignore_errors=True)

    async def _live(self):
        """Until no container is to run any more."""
        if self.status.get("phase") in podstatus.TERMINAL:
            return
        self.publish()
        await self._take_address()
        await self._set_up_volumes()
        self._start_probes()
        while not self.deleted.is_set():
            self._wake.clear()
            self._take_latest()
            self.publish()
            wait = await self._sync()
            if wait is None:
                return
            self.publish()
            self._trigger_probes()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(wait, self._active_left())):
                    await self._wake.wait()
            if self._active_left() <= 0:
                self.failure = DEADLINE
                return

    def _adopt(self):
        """Its containers, as they were left by an agent before this one."""
        spec = self.pod["spec"]
        for field, init in (("initContainers", True), ("containers", False)):
            said = {one["name"]: one for one in self.status.get(field[:-1] + "Statuses") or ()}
            for one in spec.get(field) or ():
                self.containers[one["name"]] = container = Container(one, init)
                if one["name"] in said:
                    container.adopt(said[one["name"]])
        if any(one.lost for one in self.containers.values()) and self.policy != "Never":
            for container in self.containers.values():
                if container.init and not container.sidecar:
                    container.forget()

    async def _take_address(self):
        if self.pod["spec"].get("hostNetwork"):
            self.address = self.node.address
        while not self.address:
            self.address = self._kept or self.node.addresses.take()
            if not self.address:
                self.event("Warning", "FailedCreatePodSandBox", "Failed to create pod sandbox: no IP addresses "
                           f"available in {self.node.addresses.network}")
                await asyncio.sleep(SANDBOX_RETRY)

    async def _set_up_volumes(self):
        while True:
            try:
                self.directory.mkdir(parents=True, exist_ok=True)
                await self.volumes.write(self.pod, self.address)
                return
            except VolumeError as error:
                self.event("Warning", "FailedMount", str(error))
            except UNREACHABLE as error:
                log.warning("%s: %s", self.title, error)
            await asyncio.sleep(VOLUME_RETRY)

    def _take_latest(self):
        self.pod = self.latest
        for field in ("initContainers", "containers"):
            for one in self.pod["spec"].get(field) or ():
                self.containers[one["name"]].spec = one

    def _active_left(self):
        """Seconds that activeDeadlineSeconds leaves."""
        limit = self.pod["spec"].get("activeDeadlineSeconds")
        return float("inf") if limit is None else limit - (time.time() - seconds(self.status["startTime"]))

    # One pass over its containers.

    async def _sync(self):
        """Seconds until the next pass is due, if nothing happens before; None when the pod has come to its end."""
        if self._stale_volumes:
            self._stale_volumes = False
            await self._refresh_volumes()
        mains = [one for one in self.containers.values() if not one.init]
        initialized, wait = await self._sync_inits(any(one.launched for one in mains))
        if not initialized:
            return wait
        for container in mains:
            if why := self._outdated(container):
                await self._stop(container, *why)
        due = [one for one in mains if not one.running and self._wanted(one)]
        if not due and not any(one.running for one in mains):
            return None
        return min([wait, *[await start.attempt(self, one) for one in due]])

    async def _refresh_volumes(self):
        try:
            await self.volumes.write(self.pod, self.address)
        except (VolumeError, *FAILURES) as error:
            log.warning("%s: %s", self.title, error)  # what is mounted stays

    async def _sync_inits(self, begun):
        """Init containers in their order: (whether the others may start, seconds until the next pass)."""
        wait = float("inf")
        for container in [one for one in self.containers.values() if one.init]:
            if not container.sidecar and (begun or container.exit_code == 0):
                continue
            if container.sidecar and (why := self._outdated(container)):
                await self._stop(container, *why)
            if not container.running:
                if not container.restarts(self.policy):
                    return False, None
                wait = min(wait, await start.attempt(self, container))
            if not begun and not (container.sidecar and container.started):
                return False, wait
        return True, wait

    def _wanted(self, container):
        """Whether one that does not run is to be started. An image changed while it ran restarts it regardless."""
        return container.restarts(self.policy) or container.replaced

    def _outdated(self, container):
        """Why a running container has to be ended: (message, grace), or None."""
        if not container.running:
            return None
        grace = self.pod["spec"].get("terminationGracePeriodSeconds", 30)
        if container.image != container.spec["image"]:
            container.replaced = True
            return f"Container {container.name} definition changed, will be restarted", grace
        for kind in ("liveness", "startup"):
            if container.results.get(kind) is False:
                message = f"Container {container.name} failed {kind} probe"
                if self.policy != "Never":
                    message += ", will be restarted"
                return message, dig(container.spec, kind + "Probe", "terminationGracePeriodSeconds", default=grace)
        return None

    async def _stop(self, container, message, grace):
        container.stopping = True
        try:
            await stop(self, container, message, grace)
        finally:
            container.stopping = False

    def exited(self, container, process, code):
        """A container's process has ended."""
        if container.process is not process:
            return
        container.end(code)
        if not container.stopping:
            self.publish()
            self._wake.set()

    # Probes.

    def _start_probes(self):
        for container in self.containers.values():
            for kind in KINDS:
                if kind + "Probe" in container.spec and (container.sidecar or not container.init):
                    self._probers.append(Prober(self, container, kind))

    def _trigger_probes(self):
        """A container that is not ready is asked again at each pass."""
        for prober in self._probers:
            if prober.kind == "readiness" and prober.container.started and not prober.container.ready:
                prober.trigger()

    def stop_probes(self, kinds):
        for prober in self._probers:
            if prober.kind in kinds:
                prober.task.cancel()


def _concern(pod):
    """What of a pod its worker acts on: as the kubelet, also the conditions that are readiness gates."""
    metadata = pod["metadata"]
    others = [(one["type"], one["status"]) for one in pod["status"].get("conditions") or ()
              if one["type"] not in podstatus.OWNED]
    return metadata.get("generation"), metadata.get("labels"), metadata.get("annotations"), others
