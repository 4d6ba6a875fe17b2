"""The decisions of a StatefulSet: which pod is made, removed or waited for next. No I/O, no clock.

Source: kube-controller-manager, pkg/controller/statefulset/stateful_set_control.go. The feature gate
MaxUnavailableStatefulSet is off in Kubernetes 1.36, so that one pod is updated at a time.
"""

import re
import typing

from ..objects import copy, dig, is_over, is_terminating
from . import revisions
from .pods import from_template, is_available, is_ready, phase, without_zeros
from .revisions import REVISION_LABEL

NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"
_NAME = re.compile(r"(.*)-([0-9]+)$")


class Action(typing.NamedTuple):
    verb: str  # create, delete or update
    pod: dict


def parent_of(pod):
    """The name of the StatefulSet that a pod is named after."""
    found = _NAME.match(pod["metadata"]["name"])
    return found[1] if found else ""


def ordinal_of(pod):
    found = _NAME.match(pod["metadata"]["name"])
    return int(found[2]) if found else -1


def revision_of(pod):
    return dig(pod, "metadata", "labels", REVISION_LABEL, default="")


def identity(pod):
    """The labels that say which pod of the set this is."""
    return {NAME_LABEL: pod["metadata"]["name"], INDEX_LABEL: str(ordinal_of(pod))}


def start_of(owner):
    return dig(owner, "spec", "ordinals", "start", default=0)


def partition_of(owner):
    """How many ordinals, from the first, are not updated; None where the strategy has no such number."""
    strategy = owner["spec"].get("updateStrategy") or {}
    if strategy.get("type") != "RollingUpdate":
        return None
    if strategy.get("rollingUpdate") is None:
        return dig(owner, "status", "currentReplicas", default=0)
    return strategy["rollingUpdate"].get("partition", 0)


def new_pod(owner, current, update, ordinal):
    """The pod of an ordinal, at the revision that the partition gives it."""
    partition = partition_of(owner)
    revision = current if partition is not None and ordinal < start_of(owner) + partition else update
    pod = from_template(revisions.template_of(revision), owner)
    name = f"{owner['metadata']['name']}-{ordinal}"
    pod["metadata"]["name"] = name
    labels = pod["metadata"].setdefault("labels", {})
    labels |= {REVISION_LABEL: revision["metadata"]["name"]} | identity(pod)
    pod["spec"]["hostname"] = name
    if owner["spec"].get("serviceName"):
        pod["spec"]["subdomain"] = owner["spec"]["serviceName"]
    claimed = {one["metadata"]["name"]: _claim_name(owner, one, ordinal)
               for one in owner["spec"].get("volumeClaimTemplates") or ()}
    if claimed:
        pod["spec"]["volumes"] = [
            *({"name": key, "persistentVolumeClaim": {"claimName": claim}} for key, claim in claimed.items()),
            *(one for one in pod["spec"].get("volumes") or () if one["name"] not in claimed)]
    return pod


def _claim_name(owner, template, ordinal):
    return f"{template['metadata']['name']}-{owner['metadata']['name']}-{ordinal}"


def claims(owner, pod):
    """The PersistentVolumeClaims that a pod needs."""
    labels = owner["spec"]["selector"].get("matchLabels") or {}
    for template in owner["spec"].get("volumeClaimTemplates") or ():
        made = {key: copy(value) for key, value in template.items() if key != "status"}
        made["metadata"] |= {"name": _claim_name(owner, template, ordinal_of(pod)),
                             "namespace": owner["metadata"]["namespace"],
                             "labels": {**(template["metadata"].get("labels") or {}), **labels}}
        yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **made}


def is_created(pod):
    return bool(phase(pod))


def plan(owner, current, update, pods, now):
    """([[Action]], status): batches of actions one after the other, and the status but for collisionCount.

    current, update: the ControllerRevisions of pods below and above the partition.
    """
    spec, start = owner["spec"], start_of(owner)
    wanted = range(start, start + spec["replicas"])
    there = {ordinal_of(pod): pod for pod in pods}
    replicas = [there.get(ordinal) or new_pod(owner, current, update, ordinal) for ordinal in wanted]
    others = [ordinal for ordinal in there if ordinal >= 0 and ordinal not in wanted]
    condemned = [there[ordinal] for ordinal in sorted(others, reverse=True)]
    if is_terminating(owner):
        return [], _complete(owner, _status(owner, current, update, pods, now))
    decide = _burst if spec.get("podManagementPolicy") == "Parallel" else _in_order
    batches, settled = decide(owner, replicas, condemned, now)
    status = _status(owner, current, update, replicas + condemned, now)
    if settled and (spec.get("updateStrategy") or {}).get("type") != "OnDelete":
        outdated = _next_outdated(owner, update, replicas, now)
        if outdated is not None:
            batches = [*batches, [Action("delete", outdated)]]
            # whatever the pod's revision is
            status["currentReplicas"] = max(status["currentReplicas"] - 1, 0)
    return [batch for batch in batches if batch], _complete(owner, status)


def _misnamed(pod):
    return dig(pod, "metadata", "labels", NAME_LABEL) != pod["metadata"]["name"]


def _in_order(owner, replicas, condemned, now):
    """One pod at a time, each waiting for those before it. → ([[Action]], whether updates may go on)"""
    delay, repairs = owner["spec"].get("minReadySeconds", 0), []
    for pod in replicas:
        if is_over(pod):
            return [repairs, [] if is_terminating(pod) else [Action("delete", pod)]], False
        if not is_created(pod):
            return [repairs, [Action("create", pod)]], False
        if is_terminating(pod) or not _is_running(pod) or not is_available(pod, delay, now):
            return [repairs], False
        if _misnamed(pod):
            repairs.append(Action("update", pod))
    unavailable = [pod for pod in replicas + condemned[::-1] if _is_unavailable(pod, delay, now)]
    for pod in condemned:
        fit = _is_running(pod) and is_available(pod, delay, now)
        if is_terminating(pod) or not fit and pod is not unavailable[0]:
            return [repairs], False
        return [repairs, [Action("delete", pod)]], False
    return [repairs], True


def _burst(_owner, replicas, condemned, _now):
    """All pods at once. → ([[Action]], True): updates go on at any time"""
    repairs = []
    for pod in replicas:
        if is_over(pod):
            repairs += [] if is_terminating(pod) else [Action("delete", pod)]
        elif not is_created(pod):
            repairs.append(Action("create", pod))
        elif _misnamed(pod):
            repairs.append(Action("update", pod))
    return [repairs, [Action("delete", pod) for pod in condemned if not is_terminating(pod)]], True


def _next_outdated(owner, update, replicas, now):
    """The pod to remove for its update: the last outdated one, once all after it are available, or None."""
    rolling = dig(owner, "spec", "updateStrategy", "rollingUpdate")
    delay = owner["spec"].get("minReadySeconds", 0)
    first = rolling.get("partition", 0) if rolling else 0
    for pod in reversed(replicas[first:]):
        if revision_of(pod) != update["metadata"]["name"] and not is_terminating(pod):
            return pod
        if _is_unavailable(pod, delay, now):
            return None
    return None


def _is_running(pod):
    return phase(pod) == "Running" and is_ready(pod)


def _is_unavailable(pod, delay, now):
    return is_terminating(pod) or not is_available(pod, delay, now)


def _status(owner, current, update, pods, now):
    delay = owner["spec"].get("minReadySeconds", 0)
    running = [pod for pod in pods if _is_running(pod)]
    alive = [revision_of(pod) for pod in pods if is_created(pod) and not is_terminating(pod)]
    names = current["metadata"]["name"], update["metadata"]["name"]
    status = {
        "observedGeneration": owner["metadata"]["generation"],
        "replicas": sum(map(is_created, pods)),
        "readyReplicas": len(running),
        "availableReplicas": sum(is_available(pod, delay, now) for pod in running),
        "currentReplicas": alive.count(names[0]),
        "updatedReplicas": alive.count(names[1]),
        "currentRevision": names[0],
        "updateRevision": names[1]}
    if conditions := dig(owner, "status", "conditions"):
        status["conditions"] = conditions
    return status


def _complete(owner, status):
    """Once all pods are new and ready, the update revision is the current one."""
    strategy, replicas = owner["spec"].get("updateStrategy") or {}, owner["spec"]["replicas"]
    if strategy.get("type") == "RollingUpdate" and all(
            status[field] == replicas for field in ("updatedReplicas", "readyReplicas", "replicas")):
        status |= {"currentReplicas": status["updatedReplicas"], "currentRevision": status["updateRevision"]}
    return without_zeros(status, ("replicas", "availableReplicas"))
