"""What kubectl get says about a pod: ready containers, a word for its state, restarts.

Source: the printers of kube-apiserver, whose special cases users have learnt to read.
"""

from ... import objects
from .ages import since

TERMINAL = ("Succeeded", "Failed")


def _finished(status):
    """When a container last ended before the present run; "" for never."""
    return objects.dig(status, "lastState", "terminated", "finishedAt", default="")


def _ended(terminated, prefix=""):
    """A word for how a container ended."""
    if terminated.get("reason"):
        return prefix + terminated["reason"]
    if terminated.get("signal"):
        return f"{prefix}Signal:{terminated['signal']}"
    return f"{prefix}ExitCode:{terminated.get('exitCode', 0)}"


class _Count:
    """Restarts, and the end of the latest of them."""

    def __init__(self):
        self.restarts, self.last = 0, ""

    def add(self, status):
        self.restarts += status.get("restartCount", 0)
        self.last = max(self.last, _finished(status))


def _sidecars(pod):
    return {one["name"] for one in pod["spec"].get("initContainers") or ()
            if one.get("restartPolicy") == "Always"}


def _initializing(pod, sidecars, all_inits, of_sidecars):
    """(word for an initialization that is not done, or None; sidecars that are ready)."""
    inits, ready = pod["spec"].get("initContainers") or (), 0
    for index, one in enumerate(pod.get("status", {}).get("initContainerStatuses") or ()):
        state = one.get("state") or {}
        all_inits.add(one)
        if one["name"] in sidecars:
            of_sidecars.add(one)
        terminated, waiting = state.get("terminated"), (state.get("waiting") or {}).get("reason", "")
        if terminated and not terminated.get("exitCode"):
            continue
        if one["name"] in sidecars and one.get("started"):
            ready += bool(one.get("ready"))
            continue
        if terminated:
            return _ended(terminated, "Init:"), ready
        if waiting not in ("", "PodInitializing"):
            return f"Init:{waiting}", ready
        return f"Init:{index}/{len(inits)}", ready
    return None, ready


def _running(pod, word, count):
    """(word for a pod whose containers are started, containers that are ready)."""
    ready, error = 0, ""
    for one in reversed(pod.get("status", {}).get("containerStatuses") or ()):
        state = one.get("state") or {}
        count.add(one)
        if (state.get("waiting") or {}).get("reason"):
            word = state["waiting"]["reason"]
        elif state.get("terminated"):
            word = _ended(state["terminated"])
            if state["terminated"].get("exitCode"):
                error = word
        elif one.get("ready") and "running" in state:
            ready += 1
    if word == "Completed":
        if ready and objects.is_true(pod, "Ready"):
            word = "Running"
        elif error:
            word = error
        elif ready:
            word = "NotReady"
    return word, ready


def _word(status):
    """What the pod as a whole says about itself."""
    gated = any(one["type"] == "PodScheduled" and one.get("reason") == "SchedulingGated"
                for one in status.get("conditions") or ())
    return "SchedulingGated" if gated else status.get("reason") or status.get("phase", "")


def state(pod):
    """(READY, STATUS, RESTARTS)"""
    status, sidecars = pod.get("status", {}), _sidecars(pod)
    count, of_sidecars = _Count(), _Count()
    word, ready = _initializing(pod, sidecars, count, of_sidecars)
    if word is None or objects.is_true(pod, "Initialized"):
        count = of_sidecars
        word, started = _running(pod, word or _word(status), count)
        ready += started
    if "deletionTimestamp" in pod["metadata"]:
        if status.get("reason") == "NodeLost":
            word = "Unknown"
        elif status.get("phase") not in TERMINAL:
            word = "Terminating"
    restarts = str(count.restarts)
    if count.restarts and count.last:
        restarts += f" ({since(count.last)} ago)"
    return f"{ready}/{len(pod['spec']['containers']) + len(sidecars)}", word, restarts


def gates(pod):
    """Readiness gates that are True, of all."""
    wanted = pod["spec"].get("readinessGates")
    if not wanted:
        return "<none>"
    return f"{sum(objects.is_true(pod, one['conditionType']) for one in wanted)}/{len(wanted)}"
