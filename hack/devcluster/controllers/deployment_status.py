"""What a Deployment says of itself: its counts, and the conditions Available, Progressing and ReplicaFailure.

Source: kube-controller-manager, pkg/controller/deployment: progress.go and calculateStatus of sync.go.
"""

from ..objects import condition, dig, seconds, timestamp
from .pods import without_zeros
from .rollout import count, counts, max_unavailable, sizes

FOREVER = 2147483647  # a progressDeadlineSeconds that stands for none
AVAILABLE = {True: ("True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
             False: ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")}


def has_deadline(deployment):
    return deployment["spec"].get("progressDeadlineSeconds", FOREVER) != FOREVER


def with_condition(conditions, kind, value, reason, message, now):
    """The conditions with one set; nothing changes while its value and reason stay. now: a datetime."""
    old = next((one for one in conditions if one["type"] == kind), None)
    if old and (old["status"], old.get("reason")) == (value, reason):
        return conditions
    at = timestamp(now)
    new = {"type": kind, "status": value, "lastUpdateTime": at, "lastTransitionTime": at, "reason": reason,
           "message": message}
    if old and old["status"] == value:
        new["lastTransitionTime"] = old["lastTransitionTime"]
    return [*without_condition(conditions, kind), new]


def without_condition(conditions, kind):
    return [one for one in conditions if one["type"] != kind]


def counted(deployment, new, olds, now):
    """The status by the ReplicaSets' own; of the conditions only Available is renewed."""
    everything = [*olds, new] if new else list(olds)
    available = counts(everything, "availableReplicas")
    old = deployment.get("status") or {}
    enough = available >= deployment["spec"]["replicas"] - max_unavailable(deployment)
    unknown = any(count(one, "observedGeneration") and dig(one, "status", "terminatingReplicas") is None
                  for one in everything)
    status = {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": counts(everything, "replicas"),
        "updatedReplicas": count(new, "replicas") if new else 0,
        "readyReplicas": counts(everything, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(sizes(everything) - available, 0),
        "terminatingReplicas": None if unknown else counts(everything, "terminatingReplicas"),
        "collisionCount": old.get("collisionCount"),
        "conditions": with_condition(old.get("conditions") or [], "Available", *AVAILABLE[enough], now)}
    status = without_zeros(status, ("terminatingReplicas", "collisionCount"))
    return {key: value for key, value in status.items() if value is not None}


def is_complete(deployment, status):
    """Whether all pods are new and available."""
    replicas = deployment["spec"]["replicas"]
    return (all(status.get(field, 0) == replicas
                for field in ("updatedReplicas", "replicas", "availableReplicas"))
            and status.get("observedGeneration", 0) >= deployment["metadata"]["generation"])


def has_progressed(old, new):
    """Whether a status is nearer to the end than the one before."""
    def outdated(status):
        return status.get("replicas", 0) - status.get("updatedReplicas", 0)

    return outdated(new) < outdated(old) or any(
        new.get(field, 0) > old.get(field, 0)
        for field in ("updatedReplicas", "readyReplicas", "availableReplicas"))


def _timed_out(deployment, progressing, now):
    if progressing is None or progressing.get("reason") == "NewReplicaSetAvailable":
        return False
    limit = seconds(progressing["lastUpdateTime"]) + deployment["spec"]["progressDeadlineSeconds"]
    return progressing.get("reason") == "ProgressDeadlineExceeded" or limit < now.timestamp()


def _progressing(deployment, new, status, now):
    """The conditions with Progressing as the rollout stands."""
    conditions, old = status["conditions"], condition(deployment, "Progressing")
    kind, subject = ("ReplicaSet", new) if new else ("Deployment", deployment)
    subject = f'{kind} "{subject["metadata"]["name"]}"'
    done = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if done and old and old.get("reason") == "NewReplicaSetAvailable":
        return conditions
    if is_complete(deployment, status):
        return with_condition(conditions, "Progressing", "True", "NewReplicaSetAvailable",
                              f"{subject} has successfully progressed.", now)
    if has_progressed(deployment.get("status") or {}, status):
        conditions = with_condition(without_condition(conditions, "Progressing"), "Progressing", "True",
                                    "ReplicaSetUpdated", f"{subject} is progressing.", now)
        if old and old["status"] == "True":  # every step renews lastUpdateTime, and that alone
            conditions[-1]["lastTransitionTime"] = old["lastTransitionTime"]
        return conditions
    if _timed_out(deployment, old, now):
        return with_condition(conditions, "Progressing", "False", "ProgressDeadlineExceeded",
                              f"{subject} has timed out progressing.", now)
    return conditions


def rolling(deployment, new, olds, now):
    """The whole status during a rollout."""
    status = counted(deployment, new, olds, now)
    if has_deadline(deployment):
        status["conditions"] = _progressing(deployment, new, status, now)
    else:
        status["conditions"] = without_condition(status["conditions"], "Progressing")
    failures = [found for one in ([new] if new else []) + olds if (found := condition(one, "ReplicaFailure"))]
    if failures:
        first = failures[0]
        status["conditions"] = with_condition(status["conditions"], "ReplicaFailure", first["status"],
                                              first["reason"], first["message"], now)
    else:
        status["conditions"] = without_condition(status["conditions"], "ReplicaFailure")
    return status


def check_after(deployment, status, now):
    """Seconds until a rollout that stands still is to be looked at again; None where that is not needed."""
    old = condition(deployment, "Progressing")
    if (not has_deadline(deployment) or old is None or is_complete(deployment, status)
            or old.get("reason") == "ProgressDeadlineExceeded"):
        return None
    left = seconds(old["lastUpdateTime"]) + deployment["spec"]["progressDeadlineSeconds"] - now.timestamp()
    return max(left, 0) + 0.1
