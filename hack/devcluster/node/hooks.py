"""Ending a container: the preStop hook, its turn, SIGTERM, SIGKILL. And the hook after its start.

Source: the Kubernetes documentation, "Container Lifecycle Hooks" and "Termination of Pods".
"""

import asyncio
import logging
import signal

from . import actions

log = logging.getLogger("hooks")
LEAST = 2  # seconds between SIGTERM and SIGKILL, however long the hook took


async def run(worker, container, handler):
    """Runs a postStart or preStop handler; ActionError. Any answer to an httpGet will do, as to the kubelet."""
    if "exec" in handler:
        await actions.command(container, handler["exec"], worker.node.images, None)
    elif "httpGet" in handler:
        await actions.http_get(container, handler["httpGet"], worker.address, None, "lifecycle", any_status=True)
    elif "sleep" in handler:
        await asyncio.sleep(handler["sleep"]["seconds"])
    else:
        raise actions.ActionError(f"invalid handler: {sorted(handler)}")


async def stop(worker, container, message, grace, *, turn=None):
    """Ends a running container within `grace` seconds. turn: a future, awaited between hook and SIGTERM."""
    process = container.process
    loop = asyncio.get_running_loop()
    began = loop.time()
    worker.event("Normal", "Killing", message or f"Stopping container {container.name}", container)
    handler = (container.spec.get("lifecycle") or {}).get("preStop")
    if handler and grace > 0:
        await _before(worker, container, handler, grace)
    left = grace - int(loop.time() - began)
    if turn is not None and left > 0:
        await asyncio.wait({turn}, timeout=left)
        left = grace - int(loop.time() - began)
    process.signal(signal.SIGTERM)
    await asyncio.wait({process.exited}, timeout=max(left, LEAST))
    process.kill()
    await asyncio.wait({process.exited})  # awaited itself, it would be cancelled with us


async def _before(worker, container, handler, grace):
    """The preStop hook, for as long as it takes, the grace period lasts, or nobody cuts it short."""
    hook = asyncio.create_task(run(worker, container, handler))
    cut = asyncio.create_task(worker.cut.wait())
    try:
        await asyncio.wait({hook, cut}, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        if hook.done() and hook.exception():
            log.info("%s: preStop of %s: %s", worker.title, container.name, hook.exception())
            worker.event("Warning", "FailedPreStopHook", "PreStopHook failed", container)
    finally:
        cut.cancel()
        hook.cancel()
