"""What is said of a pod: from its spec and its containers to the fields of PodStatus that are the kubelet's.

Pure: no clock (`at` is a parameter), no I/O. Source: the Kubernetes documentation, "Pod Lifecycle", and what
Kubernetes 1.36 was seen to answer. patch() is what brings a status at the API server to that.
"""

from ..objects import condition

OWNED = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
FIELDS = ("observedGeneration", "phase", "reason", "message", "hostIP", "hostIPs", "podIP", "podIPs", "startTime",
          "initContainerStatuses", "containerStatuses")
TERMINAL = ("Succeeded", "Failed")


def generate(pod, old, containers, *, at, node_address, pod_address=None, sandbox=True, ended=None, why=None):
    """The status. old: the one said before. ended: no container will run again. why: (reason, message) of a failure.

    pod_address is None until the pod has one.
    """
    inits = [one for one in containers if one.init]
    mains = [one for one in containers if not one.init]
    value = "Failed" if why else phase(pod, inits, mains, ended=ended)
    if old.get("phase") in TERMINAL:
        value = old["phase"]
    elif ended and value not in TERMINAL:
        value = "Failed"
    status = {"observedGeneration": pod["metadata"].get("generation", 0), "phase": value,
              "hostIP": node_address, "hostIPs": [{"ip": node_address}], "startTime": old.get("startTime") or at}
    if why or old.get("reason"):
        status["reason"], status["message"] = why or (old["reason"], old.get("message", ""))
    if pod_address:
        status["podIP"], status["podIPs"] = pod_address, [{"ip": pod_address}]
    status["conditions"] = _conditions(pod, old, inits, mains, value, sandbox and not ended, at)
    if inits:
        status["initContainerStatuses"] = [container_status(one, True) for one in inits]
    status["containerStatuses"] = [container_status(one, bool(inits))
                                   for one in sorted(mains, key=lambda one: one.name)]
    return status


def container_status(container, initializing):
    """ContainerStatus. initializing: its pod has init containers."""
    state = container.state or {"waiting": {"reason": "PodInitializing" if initializing else "ContainerCreating"}}
    status = {"name": container.name, "state": state, "lastState": container.last_state, "ready": container.ready,
              "restartCount": container.restart_count, "image": container.image or container.spec["image"],
              "imageID": container.image_id, "started": container.started}
    if container.created:
        status["containerID"] = container.container_id
        status["resources"] = container.spec.get("resources") or {}
    if mounts := [_mount(one) for one in container.spec.get("volumeMounts") or ()]:
        status["volumeMounts"] = mounts
    return status


def _mount(mount):
    status = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if mount.get("readOnly"):
        status |= {"readOnly": True, "recursiveReadOnly": "Disabled"}
    return status


def phase(pod, inits, mains, *, ended):
    policy = pod["spec"].get("restartPolicy", "Always")
    regular = [one for one in inits if not one.sidecar]
    begun = any(one.running for one in mains)
    if any(one.exit_code and not one.restarts(policy) for one in regular):
        return "Failed"
    if any(one.running or one.exit_code is None for one in regular):
        return "Pending"
    if not begun and any(one.running and not one.started for one in inits if one.sidecar):
        return "Pending"
    if any(not one.running and one.exit_code is None for one in mains):
        return "Pending"
    if begun or any(one.running for one in inits):
        return "Running"
    if not ended and any(one.restarts(policy) for one in mains):
        return "Running"
    return "Succeeded" if all(one.exit_code == 0 for one in mains) else "Failed"


def _conditions(pod, old, inits, mains, value, sandbox, at):
    """The kubelet's own, in its order."""
    containers_ready = _containers_ready(inits, mains, value)
    found = {
        "PodReadyToStartContainers": (sandbox, "", ""),
        "Initialized": _initialized(inits, mains, value),
        "Ready": _ready(pod, containers_ready),
        "ContainersReady": containers_ready,
        "PodScheduled": (True, "", ""),
    }
    conditions = []
    for kind, (true, reason, message) in found.items():
        before = condition({"status": old}, kind)
        new = {"type": kind, "observedGeneration": pod["metadata"].get("generation", 0),
               "status": "True" if true else "False", "lastProbeTime": None}
        same = before is not None and before["status"] == new["status"]
        new["lastTransitionTime"] = before["lastTransitionTime"] if same else at
        conditions.append(new | ({"reason": reason} if reason else {}) | ({"message": message} if message else {}))
    return conditions


def _containers_ready(inits, mains, value):
    """(whether, reason, message) of ContainersReady."""
    if value == "Succeeded":
        return False, "PodCompleted", ""
    if value == "Failed":
        return False, "PodFailed", ""
    unready = [one.name for one in inits if one.sidecar and not one.ready]
    unready += [one.name for one in mains if not one.ready]
    if unready:
        return False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    return True, "", ""


def _ready(pod, containers_ready):
    if not containers_ready[0]:
        return containers_ready
    messages = []
    for gate in pod["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        found = condition(pod, kind)
        if found is None:
            messages.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif found["status"] != "True":
            messages.append(f'the status of pod readiness gate "{kind}" is not "True", but {found["status"]}')
    if messages:
        return False, "ReadinessGatesNotReady", ", ".join(messages)
    return True, "", ""


def _initialized(inits, mains, value):
    if value == "Succeeded":
        return True, "PodCompleted", ""
    if any(one.created for one in mains):
        return True, "", ""
    incomplete = [one.name for one in inits if not (one.started if one.sidecar else one.ready)]
    if incomplete:
        return False, "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(incomplete)}]"
    return True, "", ""


def patch(pod, status):
    """The strategic merge patch from a pod's status to this one; None where it says the same already."""
    old = pod.get("status") or {}
    changes = {key: status.get(key) for key in FIELDS if status.get(key) != old.get(key)}
    conditions = []
    for new in status["conditions"]:
        before = condition(pod, new["type"])
        if before is not None:
            new = {key: None for key in before if key not in new} | new
        if before is None or any(value != before.get(key) for key, value in new.items()):
            conditions.append(new)
    if conditions:
        others = [one["type"] for one in old.get("conditions") or () if one["type"] not in OWNED]
        changes["$setElementOrder/conditions"] = [{"type": kind} for kind in (*others, *OWNED)]
        changes["conditions"] = conditions
    return {"metadata": {"uid": pod["metadata"]["uid"]}, "status": changes} if changes else None


def lost(container):
    """A container that a deleted pod never ran, or that was lost: said to have failed, for want of knowledge."""
    container.state = {"terminated": {
        "exitCode": 137, "reason": "ContainerStatusUnknown", "startedAt": None, "finishedAt": None,
        "message": "The container could not be located when the pod was terminated"}}
