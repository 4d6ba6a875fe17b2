"""The decisions of a Deployment: which ReplicaSet is its new one, and how large each shall be. No I/O.

Source: kube-controller-manager, pkg/controller/deployment: rolling.go, sync.go and util/deployment_util.go.
"""

from ..objects import dig, int_or_percent, is_terminating
from .pods import plain

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
HASH_LABEL = "pod-template-hash"
NOT_COPIED = {REVISION, HISTORY, DESIRED, MAXIMUM, "kubectl.kubernetes.io/last-applied-configuration",
              "deprecated.deployment.rollback.to"}
HISTORY_LIMIT = 2000  # characters of the revision-history annotation


def size(replica_set):
    return replica_set["spec"]["replicas"]


def sizes(replica_sets):
    return sum(map(size, replica_sets))


def count(replica_set, field):
    """A number of a ReplicaSet's status."""
    return dig(replica_set, "status", field, default=0)


def counts(replica_sets, field):
    return sum(count(one, field) for one in replica_sets)


def annotation(obj, name):
    return dig(obj, "metadata", "annotations", name)


def number(obj, name):
    """An annotation that is a number; None where it is absent or none."""
    text = annotation(obj, name) or ""
    return int(text) if text.isdecimal() else None


def by_age(replica_set):
    """A sort key: the oldest first."""
    return replica_set["metadata"].get("creationTimestamp", ""), replica_set["metadata"]["name"]


def by_revision(replica_set):
    return number(replica_set, REVISION) or 0, by_age(replica_set)


def active(replica_sets):
    return [one for one in replica_sets if size(one) > 0]


def without_hash(template):
    labels = dig(template, "metadata", "labels", default={})
    kept = {key: value for key, value in labels.items() if key != HASH_LABEL}
    return plain({**template, "metadata": {**(template.get("metadata") or {}), "labels": kept}})


def split(deployment, replica_sets):
    """(the ReplicaSet with the Deployment's template or None, all others), the oldest first."""
    wanted = without_hash(deployment["spec"]["template"])
    ordered = sorted(replica_sets, key=by_age)
    new = next((one for one in ordered if without_hash(one["spec"]["template"]) == wanted), None)
    return new, [one for one in ordered if one is not new]


def _limits(deployment):
    """(maxSurge, maxUnavailable) in pods. Both 0 would stop everything: then one may be unavailable."""
    strategy = deployment["spec"]["strategy"]
    if strategy["type"] != "RollingUpdate":
        return 0, 0
    rolling, replicas = strategy.get("rollingUpdate") or {}, deployment["spec"]["replicas"]
    surge = int_or_percent(rolling.get("maxSurge", 0), replicas, round_up=True)
    unavailable = int_or_percent(rolling.get("maxUnavailable", 0), replicas, round_up=False)
    return surge, unavailable if surge or unavailable else 1


def max_surge(deployment):
    return _limits(deployment)[0]


def max_unavailable(deployment):
    return min(_limits(deployment)[1], deployment["spec"]["replicas"])


def new_size(deployment, new, olds):
    """How large the new ReplicaSet shall be. new: None before it is created."""
    replicas, current = deployment["spec"]["replicas"], size(new) if new else 0
    if deployment["spec"]["strategy"]["type"] == "Recreate" or current >= replicas:
        return replicas
    room = replicas + max_surge(deployment) - current - sizes(olds)
    return current + min(max(room, 0), replicas - current)


def shrink(deployment, new, olds):
    """How far the old ReplicaSets may shrink now: [(ReplicaSet, new size)], in order.

    What is not available goes first and costs nothing; then what the available pods allow. New pods that are
    not available yet are not counted on.
    """
    olds = sorted(active(olds), key=by_age)
    least = deployment["spec"]["replicas"] - max_unavailable(deployment)
    spare = sizes(olds) + size(new) - least - (size(new) - count(new, "availableReplicas"))
    if not olds or spare <= 0:
        return []
    steps, left = [], {one["metadata"]["name"]: size(one) for one in olds}

    def take(old, most):
        taken = min(left[old["metadata"]["name"]], most)
        if taken > 0:
            left[old["metadata"]["name"]] -= taken
            steps.append((old, left[old["metadata"]["name"]]))
        return max(taken, 0)

    for old in olds:
        if spare > 0 and count(old, "availableReplicas") > size(old):
            return steps  # a status from before it shrank: nothing can be concluded from it
        spare -= take(old, min(spare, size(old) - count(old, "availableReplicas")))
    spare = counts([*olds, new], "availableReplicas") - least
    for old in olds:
        spare -= take(old, spare)
    return steps


def resize(deployment, new, olds):
    """The sizes after the Deployment's own size changed, or while it is paused: [(ReplicaSet, size, forced)].

    forced: the annotations that say how large the Deployment was are renewed even where the size stays.
    """
    replicas = deployment["spec"]["replicas"]
    everything = [*olds, new] if new else list(olds)
    running = active(everything)
    if not everything:
        return []
    if len(running) < 2:
        return [((running or [new or max(olds, key=by_age)])[0], replicas, False)]
    if new and _saturated(deployment, new):
        return [(old, 0, False) for old in active(olds)]
    if deployment["spec"]["strategy"]["type"] == "RollingUpdate":
        return [(one, wanted, True) for one, wanted in proportional(deployment, running)]
    return []


def _saturated(deployment, new):
    replicas = deployment["spec"]["replicas"]
    return size(new) == number(new, DESIRED) == count(new, "availableReplicas") == replicas


def proportional(deployment, running):
    """Spreads a change of size over the ReplicaSets that have pods, by their shares: [(ReplicaSet, size)]."""
    replicas = deployment["spec"]["replicas"]
    to_add = (replicas + max_surge(deployment) if replicas else 0) - sizes(running)
    ordered = sorted(running, key=by_age, reverse=to_add > 0)
    # the larger first; of equals the newer when growing, the older otherwise
    ordered.sort(key=size, reverse=True)
    added, result = 0, []
    for one in ordered:
        share = 0
        if to_add != added:
            bound = min if to_add > 0 else max
            share = bound(_share(deployment, one), to_add - added)
        result.append((one, size(one) + share))
        added += share
    if to_add:  # what rounding left goes to the largest
        result[0] = ordered[0], max(result[0][1] + to_add - added, 0)
    return result


def _share(deployment, replica_set):
    """By how much a ReplicaSet grows to keep its share of the Deployment."""
    replicas = deployment["spec"]["replicas"]
    if not replicas:
        return -size(replica_set)
    before = number(replica_set, MAXIMUM) or count(deployment, "replicas")
    if not before:
        return 0
    exact = size(replica_set) * (replicas + max_surge(deployment)) / before
    return int(exact + 0.5) - size(replica_set)


def was_scaled(deployment, replica_sets):
    """Whether the Deployment's size differs from what a running ReplicaSet remembers."""
    remembered = [number(one, DESIRED) for one in active(replica_sets)]
    return any(one is not None and one != deployment["spec"]["replicas"] for one in remembered)


def size_annotations(deployment):
    replicas = deployment["spec"]["replicas"]
    return {DESIRED: str(replicas), MAXIMUM: str(replicas + max_surge(deployment))}


def new_annotations(deployment, current, revision):
    """The new ReplicaSet's annotations: those it has, the Deployment's, and a revision above all others."""
    copied = dig(deployment, "metadata", "annotations", default={})
    wanted = current | {key: value for key, value in copied.items() if key not in NOT_COPIED}
    old = current.get(REVISION, "")
    if old and not old.isdecimal() or int(old or 0) >= revision:
        return wanted
    wanted[REVISION] = str(revision)
    if REVISION in current:
        history = [one for one in current.get(HISTORY, "").split(",") if one] + [old]
        while len(",".join(history)) > HISTORY_LIMIT:
            del history[0]
        wanted[HISTORY] = ",".join(history)
    return wanted


def surplus_history(deployment, olds):
    """The old ReplicaSets beyond the history limit that nothing runs in, to be deleted."""
    limit = deployment["spec"].get("revisionHistoryLimit")
    alive = sorted((one for one in olds if not is_terminating(one)), key=by_revision)
    if limit is None or limit == 2147483647:
        return []
    return [one for one in alive[:max(len(alive) - limit, 0)]
            if not size(one) and not count(one, "replicas")
            and one["metadata"]["generation"] <= count(one, "observedGeneration")]
