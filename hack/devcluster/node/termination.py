"""The end of a pod: its containers stopped in their order, its last status, and the DELETE that lets it go.

Source: the Kubernetes documentation, "Termination of Pods" and "Sidecar Containers".
"""

import asyncio
import logging

from ..client import UNREACHABLE
from ..errors import ApiError
from . import podstatus
from .hooks import stop
from .probes import KINDS

log = logging.getLogger("termination")
PAUSE = 1.0  # seconds between two attempts to delete


async def terminate(worker):
    """Whatever the state of a pod, to its end. Waits until it is deleted, where it has only completed."""
    worker.pod = worker.latest
    worker.publish()
    worker.stop_probes(("liveness", "startup"))
    await _stop_all(worker)
    worker.stop_probes(KINDS)
    _settle(worker)
    worker.ended = True
    worker.publish()
    await worker.writer.flush()
    await worker.deleted.wait()
    if not worker.gone:
        worker.pod = worker.latest
        worker.publish()
        await worker.writer.flush()
        await _delete(worker)


async def _stop_all(worker):
    """All containers at once, but each sidecar waits for the other containers and for the sidecars after it."""
    running = [one for one in worker.containers.values() if one.running]
    loop = asyncio.get_running_loop()
    stopped = {one.name: loop.create_future() for one in running}

    async def end(container, before):
        try:
            turn = asyncio.gather(*(asyncio.shield(one) for one in before)) if before else None
            await stop(worker, container, "", worker.grace, turn=turn)
        finally:
            stopped[container.name].set_result(None)

    others = [stopped[one.name] for one in running if not one.init]
    tasks, later = [], []
    for container in reversed(running):
        waits = others + later if container.sidecar else []
        if container.sidecar:
            later = [stopped[container.name]]
        container.stopping = True
        tasks.append(asyncio.create_task(end(container, waits)))
    try:
        if tasks:
            await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _settle(worker):
    """No container is left waiting or running: each is said to have ended as its last one did, if there was one."""
    containers = list(worker.containers.values())
    inits = [one for one in containers if one.init]
    begun = [one for one in containers if one.created]
    initialized = all(one.exit_code == 0 or one.sidecar for one in inits) or any(not one.init for one in begun)
    for container in containers:
        if "terminated" in container.state:
            continue
        if "terminated" in container.last_state:
            container.state, container.last_state = container.last_state, {}
        elif container.created or (container is inits[0] if container.init else initialized):
            podstatus.lost(container)


async def _delete(worker):
    """The DELETE without grace that ends a pod's deletion. It is sent once: finalizers may keep the object."""
    metadata = worker.latest["metadata"]
    while not worker.gone:
        try:
            await worker.node.client.delete("pods", metadata["name"], metadata["namespace"], grace=0,
                                            uid=metadata["uid"])
            return
        except ApiError as error:
            if error.code in (404, 409):
                return
            log.warning("%s: %s", worker.title, error)
        except UNREACHABLE as error:
            log.warning("%s: %r", worker.title, error)
        await asyncio.sleep(PAUSE)
