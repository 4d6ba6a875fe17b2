"""Starting a container: backoff, image, environment, process, postStart hook; and what is said where one fails."""

import logging
import os
import time

from ..client import FAILURES
from . import environment, hooks
from .actions import ActionError
from .backoff import duration
from .images import PullError
from .process import Process

log = logging.getLogger("start")
RETRY = 5.0  # seconds until a container that could not be made is tried again
CANNOT_START = 128  # exit code of a container whose command cannot be executed
FOREVER = float("inf")


class StartError(Exception):
    """reason: of the waiting state. wait: seconds until the next attempt."""

    def __init__(self, reason, message, wait):
        super().__init__(message)
        self.reason, self.wait = reason, wait


async def attempt(worker, container):
    """Starts a container, or says why it waits. Seconds until it is to be tried again."""
    try:
        _wait_for_backoff(worker, container)
        await _pull(worker, container)
        try:
            await _run(worker, container)
        except OSError as error:  # of its directory: the disk is full, or not ours to write
            worker.event("Warning", "Failed", f"Error: {error}", container)
            raise StartError("CreateContainerError", str(error), RETRY) from None
    except StartError as error:
        container.wait(error.reason, str(error))
        return error.wait
    container.replaced = False
    return FOREVER


def _wait_for_backoff(worker, container):
    backoff = container.backoff(worker.node.backoff)
    if not container.ended:
        return
    left = backoff.remaining(container.ended)
    if left > 0:
        metadata = worker.pod["metadata"]
        worker.event("Warning", "BackOff",
                     f"Back-off restarting failed container {container.name} in pod {worker.title}", container)
        raise StartError("CrashLoopBackOff", f"back-off {duration(backoff.delay)} restarting failed "
                         f"container={container.name} pod={metadata['name']}_{metadata['namespace']}"
                         f"({metadata['uid']})", left)
    backoff.next()


async def _pull(worker, container):
    image = container.spec["image"]
    backoff, failure, failed = container.pulls.get(image, (None, None, 0.0))
    if backoff and (left := backoff.remaining(failed)) > 0:
        worker.event("Normal", "BackOff", f'Back-off pulling image "{image}"', container)
        raise StartError("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {failure}', left)
    try:
        began = time.monotonic()
        if await worker.node.images.pull(image):
            took = duration(round(time.monotonic() - began, 3))
            worker.event("Normal", "Pulled", f'Successfully pulled image "{image}" in {took} ({took} including '
                         "waiting). Image size: 0 bytes.", container)
        else:
            worker.event("Normal", "Pulled", f'Container image "{image}" already present on machine', container)
    except PullError as error:
        backoff = container.failed_pull(image, str(error), worker.node.backoff)
        worker.event("Normal", "Pulling", f'Pulling image "{image}"', container)
        worker.event("Warning", "Failed", f'Failed to pull image "{image}": {error}', container)
        worker.event("Warning", "Failed", "Error: ErrImagePull", container)
        raise StartError("ErrImagePull", str(error), min(RETRY, backoff.delay)) from None


async def _run(worker, container):
    """The process and its postStart hook."""
    node = worker.node
    root = worker.directory / container.name / "root"
    root.mkdir(parents=True, exist_ok=True)
    try:
        variables = await environment.build(node, worker.pod, container, address=worker.address, root=root)
    except (environment.ConfigError, *FAILURES) as error:
        worker.event("Warning", "Failed", f"Error: {error}", container)
        raise StartError("CreateContainerConfigError", str(error), RETRY) from None
    worker.volumes.link(worker.pod, container, root)
    worker.event("Normal", "Created", "Container created", container)
    process = _spawn(worker, container, variables, root)
    container.begin(process, variables)
    process.exited.add_done_callback(lambda future: worker.exited(container, process, future.result()))
    worker.event("Normal", "Started", "Container started", container)
    handler = (container.spec.get("lifecycle") or {}).get("postStart")
    if handler:
        await _after_start(worker, container, handler)


def _spawn(worker, container, variables, root):
    spec = container.spec
    variables["PWD"] = str(root / spec["workingDir"].lstrip("/")) if spec.get("workingDir") else str(root)
    os.makedirs(variables["PWD"], exist_ok=True)
    argv = worker.node.images.command(spec["image"], spec.get("command"), spec.get("args"))
    argv = [environment.expand(word, variables) for word in argv]
    path = worker.node.images.path(argv[0], variables["PATH"])
    try:
        if path is None:
            raise FileNotFoundError(f'exec: "{argv[0]}": executable file not found in $PATH')
        log_path = worker.directory / container.name / f"{container.attempts}.log"
        output = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            return Process([path, *argv[1:]], env=variables, cwd=variables["PWD"], output=output)
        finally:
            os.close(output)
    except OSError as error:
        message = f"failed to create containerd task: {error}"
        worker.event("Warning", "Failed", f"Error: {message}", container)
        container.begin(None, variables)
        container.end(CANNOT_START, "StartError", message)
        raise StartError("RunContainerError", message, 0.1) from None


async def _after_start(worker, container, handler):
    """The container counts as running only after its hook; one whose hook fails is ended."""
    container.starting = True
    try:
        await hooks.run(worker, container, handler)
    except ActionError as error:
        worker.event("Warning", "FailedPostStartHook", "PostStartHook failed", container)
        if container.process:
            grace = worker.pod["spec"].get("terminationGracePeriodSeconds", 30)
            await hooks.stop(worker, container, "FailedPostStartHook", grace)
        raise StartError("PostStartHookError", str(error), 0.1) from None
    finally:
        container.starting = False
