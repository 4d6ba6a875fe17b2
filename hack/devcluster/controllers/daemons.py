"""The decisions of a DaemonSet: which node runs a pod, and which pods go and come next. No I/O, no clock.

Source: kube-controller-manager, pkg/controller/daemon, with its util/daemonset_util.go.
"""

import typing

from ..objects import copy, dig, int_or_percent, is_over, is_terminating
from .pods import is_available, is_ready, phase, without_zeros
from .revisions import REVISION_LABEL
from .scheduling import matches_node, untolerated

GENERATION_LABEL = "pod-template-generation"
GENERATION = "deprecated.daemonset.template.generation"
NO_EXECUTE = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
NO_SCHEDULE = ("node.kubernetes.io/disk-pressure", "node.kubernetes.io/memory-pressure",
               "node.kubernetes.io/pid-pressure", "node.kubernetes.io/unschedulable")
HOST_NETWORK = ("node.kubernetes.io/network-unavailable",)


class Changes(typing.NamedTuple):
    nodes: list  # names of those that get a pod
    pods: list  # those to delete


def with_tolerations(spec):
    """A pod's spec that stays on a node in trouble, as every pod of a DaemonSet does."""
    keys = [(key, "NoExecute") for key in NO_EXECUTE]
    keys += [(key, "NoSchedule") for key in NO_SCHEDULE + (HOST_NETWORK if spec.get("hostNetwork") else ())]
    added = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in keys]
    kept = [one for one in spec.get("tolerations") or () if one not in added]
    return {**spec, "tolerations": kept + added}


def template_for(owner, revision_hash):
    """The template of the pods made now."""
    template = copy(owner["spec"]["template"])
    labels = template.setdefault("metadata", {}).setdefault("labels", {})
    labels[REVISION_LABEL] = revision_hash
    if generation := dig(owner, "metadata", "annotations", GENERATION):
        labels[GENERATION_LABEL] = generation
    template["spec"] = with_tolerations(template["spec"])
    return template


def pinned(template, node_name):
    """A template whose pod only the named node can run."""
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node_name]}]}
    affinity = copy(dig(template, "spec", "affinity", default={}))
    required = {"nodeSelectorTerms": [term]}
    affinity.setdefault("nodeAffinity", {})["requiredDuringSchedulingIgnoredDuringExecution"] = required
    return {**template, "spec": {**template["spec"], "affinity": affinity}}


def node_of(pod):
    """The node that a pod runs on, or is pinned to; None where that is not to be seen."""
    if pod["spec"].get("nodeName"):
        return pod["spec"]["nodeName"]
    required = dig(pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    for term in (required or {}).get("nodeSelectorTerms") or ():
        for one in term.get("matchFields") or ():
            if (one["key"], one["operator"]) == ("metadata.name", "In"):
                return one["values"][0] if len(one["values"]) == 1 else None
    return None


def by_node(pods, *, all_of_them=False):
    """{node name: [pod]}, without those that are over and being deleted, which need nothing any more."""
    found = {}
    for pod in pods:
        name = node_of(pod)
        if name is not None and (all_of_them or not (is_over(pod) and is_terminating(pod))):
            found.setdefault(name, []).append(pod)
    return found


def should_run(owner, node):
    """(whether a pod is to be made on a node, whether one that is there may stay)"""
    spec = owner["spec"]["template"]["spec"]
    if spec.get("nodeName") not in (None, "", node["metadata"]["name"]) or not matches_node(spec, node):
        return False, False
    tolerant = with_tolerations(spec)
    if untolerated(tolerant, node, ("NoSchedule", "NoExecute")):
        return False, not untolerated(tolerant, node, ("NoExecute",))
    return True, True


def oldest_first(pods):
    def age(pod):
        return not pod["spec"].get("nodeName"), pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]

    return sorted(pods, key=age)


def is_updated(owner, pod, revision_hash):
    labels = pod["metadata"].get("labels") or {}
    generation = dig(owner, "metadata", "annotations", GENERATION)
    return (labels.get(REVISION_LABEL) == revision_hash
            or generation is not None and labels.get(GENERATION_LABEL) == generation)


def _rolling(owner, field, nodes):
    """maxSurge or maxUnavailable in nodes, rounded up."""
    strategy = owner["spec"].get("updateStrategy") or {}
    rolling = (strategy.get("rollingUpdate") or {}) if strategy.get("type") == "RollingUpdate" else {}
    return int_or_percent(rolling.get(field, 0), nodes, round_up=True)


def manage(owner, nodes, placed, revision_hash, now):
    """Changes so that every node that should has one pod, and no other has any.

    placed: of by_node(). Pods that failed or succeeded are among those to delete.
    """
    changes = Changes([], [])
    for node in nodes:
        name = node["metadata"]["name"]
        start, stay = should_run(owner, node)
        if start and name not in placed:
            changes.nodes.append(name)
        elif stay:
            _tidy(owner, name, start, placed.get(name, ()), revision_hash, now, changes)
        else:
            changes.pods.extend(pod for pod in placed.get(name, ()) if not is_terminating(pod))
    known = {node["metadata"]["name"] for node in nodes}
    for name in placed.keys() - known:  # nobody else removes what waits for a node that is gone
        changes.pods.extend(pod for pod in placed[name] if not pod["spec"].get("nodeName"))
    return changes


def _tidy(owner, name, start, pods, revision_hash, now, changes):
    """What is over goes; of several pods on a node one stays, or with a surge one old beside one new."""
    alive = [pod for pod in pods if not is_terminating(pod)]
    changes.pods.extend(pod for pod in alive if is_over(pod))
    running = oldest_first(pod for pod in alive if not is_over(pod))
    if not _rolling(owner, "maxSurge", 1):
        changes.pods.extend(running[1:])
        return
    if len(running) <= 1:
        if not running and start:
            changes.nodes.append(name)
        return
    new = [pod for pod in running if dig(pod, "metadata", "labels", REVISION_LABEL) == revision_hash]
    old = [pod for pod in running if pod not in new]
    changes.pods.extend(new[1:] + old[1:])
    delay = owner["spec"].get("minReadySeconds", 0)
    if new and old and (not is_ready(old[0]) or is_available(new[0], delay, now)):
        changes.pods.append(old[0])


def _pair(owner, pods, revision_hash):
    """(new, old) on a node, None where there is none; None where there are several of one kind."""
    new, old = [], []
    for pod in pods:
        if not is_terminating(pod):
            (new if is_updated(owner, pod, revision_hash) else old).append(pod)
    return None if len(new) > 1 or len(old) > 1 else ((new or [None])[0], (old or [None])[0])


def roll(owner, nodes, placed, revision_hash, now):
    """The changes that bring outdated pods nearer to their update."""
    wanted = [node["metadata"]["name"] for node in nodes if should_run(owner, node)[0]]
    surge, unavailable = (_rolling(owner, field, len(wanted)) for field in ("maxSurge", "maxUnavailable"))
    pairs = {name: _pair(owner, placed.get(name, ()), revision_hash) for name in sorted({*placed, *wanted})}
    if surge:
        return _surge(owner, pairs, set(wanted), surge, now)
    return Changes([], _replace(owner, pairs, unavailable or 1, now))


def _replace(owner, pairs, limit, now):
    """The outdated pods to delete: all that are not available, and as many others as the limit allows."""
    delay, down, broken, candidates = owner["spec"].get("minReadySeconds", 0), 0, [], []
    for pair in pairs.values():
        new, old = pair or (None, None)
        if (new is None) == (old is None):  # nothing, or too much: the rest of the work will see to it
            down += 1
        elif new is not None:
            down += not is_available(new, delay, now)
        elif not is_available(old, delay, now):
            down += 1
            broken.append(old)
        else:
            candidates.append(old)
    return broken + candidates[:max(limit - down, 0)]


def _surge(owner, pairs, wanted, limit, now):
    """New pods beside old ones, as many as the limit says; an old one goes once its new one is available."""
    delay = owner["spec"].get("minReadySeconds", 0)
    surging, available, changes, candidates, misplaced = 0, 0, Changes([], []), [], []
    for name, pair in pairs.items():
        if pair is None:
            surging += 1
            continue
        new, old = pair
        available += (old or new) is not None and is_available(old or new, delay, now)
        if old is None:
            continue
        if new is not None:
            if is_available(new, delay, now):
                changes.pods.append(old)
            else:
                surging += 1
        elif is_available(old, delay, now):
            (candidates if name in wanted else misplaced).append((name, old))
        elif name in wanted:
            changes.nodes.append(name)
        else:
            changes.pods.append(old)
    changes.pods.extend(old for _, old in misplaced[:max(available - len(wanted), 0)])
    changes.nodes.extend(name for name, _ in candidates[:max(limit - surging, 0)])
    return changes


def status_of(owner, nodes, placed, revision_hash, now):
    """The status to write."""
    old, delay = owner.get("status") or {}, owner["spec"].get("minReadySeconds", 0)
    wanted = [node["metadata"]["name"] for node in nodes if should_run(owner, node)[0]]
    others = {node["metadata"]["name"] for node in nodes}.difference(wanted)
    firsts = [oldest_first(placed[name])[0] for name in wanted if placed.get(name)]
    available = sum(is_available(pod, delay, now) for pod in firsts)
    status = {
        "observedGeneration": owner["metadata"]["generation"],
        "desiredNumberScheduled": len(wanted),
        "currentNumberScheduled": len(firsts),
        "numberMisscheduled": sum(1 for name in others if placed.get(name)),
        "numberReady": sum(map(is_ready, firsts)),
        "numberAvailable": available,
        "numberUnavailable": len(wanted) - available,
        "updatedNumberScheduled": sum(is_updated(owner, pod, revision_hash) for pod in firsts)}
    status |= {key: old[key] for key in ("collisionCount", "conditions") if key in old}
    return without_zeros(status, ("desiredNumberScheduled", "currentNumberScheduled", "numberMisscheduled",
                                  "numberReady"))


def remark(pod):
    """(type, reason, message) of the Event about a pod that is deleted as it is over; None for others."""
    metadata = pod["metadata"]
    subject = f"daemon pod {metadata['namespace']}/{metadata['name']} on node {node_of(pod)}"
    return {"Failed": ("Warning", "FailedDaemonPod", f"Found failed {subject}, will try to kill it"),
            "Succeeded": ("Normal", "SucceededDaemonPod",
                          f"Found succeeded {subject}, will try to delete it"),
            }.get(phase(pod))
