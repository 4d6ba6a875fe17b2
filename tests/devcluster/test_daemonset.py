"""Where a DaemonSet runs, which of its pods go, and what its status says."""

import pytest

from devcluster.controllers import daemons

NOW = 1_800_000_000.0
READY = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]


def node(name, *taints, **labels):
    return {"metadata": {"name": name, "labels": labels}, "spec": {"taints": [
        {"key": key, "effect": effect} for key, effect in taints]}}


def owner(unavailable=1, surge=0, *, strategy="RollingUpdate", status=None, **spec):
    rolling = {"rollingUpdate": {"maxUnavailable": unavailable, "maxSurge": surge}}
    rolling = {} if strategy == "OnDelete" else rolling
    return {"metadata": {"name": "agent", "namespace": "shop", "generation": 1}, "status": status or {},
            "spec": {"template": {"metadata": {"labels": {"app": "agent"}}, "spec": spec},
                     "updateStrategy": {"type": strategy, **rolling}}}


def pod(on, at="new", *, ready=True, phase="Running", name=None, going=False, age=0):
    metadata = {"name": name or f"{at}-{on}", "namespace": "shop", "labels": {daemons.REVISION_LABEL: at},
                "creationTimestamp": f"2026-01-01T00:00:{50 - age:02}Z"}
    if going:
        metadata["deletionTimestamp"] = "2026-01-01T00:01:00Z"
    return {"metadata": metadata, "spec": {"nodeName": on},
            "status": {"phase": phase, "conditions": READY if ready else []}}


def names(changes):
    return sorted(changes.nodes), sorted(one["metadata"]["name"] for one in changes.pods)


RUNS = {  # the template's spec, the node's taints -> (make one, keep one)
    "anywhere": ({}, [], (True, True)),
    "not on a tainted node, but it may stay": ({}, [("x", "NoSchedule")], (False, True)),
    "nor stay where nothing may": ({}, [("x", "NoExecute")], (False, False)),
    "tolerated": ({"tolerations": [{"key": "x", "operator": "Exists"}]}, [("x", "NoExecute")], (True, True)),
    "on a cordoned node": ({}, [("node.kubernetes.io/unschedulable", "NoSchedule")], (True, True)),
    "on a node that is not ready": ({}, [("node.kubernetes.io/not-ready", "NoExecute")], (True, True)),
    "without a network only when it needs none": (
        {}, [("node.kubernetes.io/network-unavailable", "NoSchedule")], (False, True)),
    "and then": ({"hostNetwork": True}, [("node.kubernetes.io/network-unavailable", "NoSchedule")],
                 (True, True)),
    "not where its selector does not lead": ({"nodeSelector": {"disk": "ssd"}}, [], (False, False)),
    "where it does": ({"nodeSelector": {"zone": "a"}}, [], (True, True)),
    "not where its name does not lead": ({"nodeName": "n2"}, [], (False, False)),
}


@pytest.mark.parametrize("spec, taints, expected", RUNS.values(), ids=RUNS)
def test_where_it_runs(spec, taints, expected):
    assert daemons.should_run(owner(**spec), node("n1", *taints, zone="a")) == expected


MANAGED = {  # the owner, nodes, pods -> nodes that get a pod, pods that go
    "one for each node": (owner(), ["n1", "n2"], [pod("n1")], (["n2"], [])),
    "not while one is being deleted": (owner(), ["n1"], [pod("n1", going=True)], ([], [])),
    "unless there may be two": (owner(0, 1), ["n1"], [pod("n1", going=True)], (["n1"], [])),
    "the failed and the succeeded go": (
        owner(), ["n1", "n2"], [pod("n1", phase="Failed"), pod("n2", phase="Succeeded")],
        ([], ["new-n1", "new-n2"])),
    "of two the younger goes": (
        owner(), ["n1"], [pod("n1", name="a", age=1), pod("n1", name="b", age=2)], ([], ["a"])),
    "with a surge old and new may be": (owner(0, 1), ["n1"], [pod("n1", "old"), pod("n1", ready=False)],
                                        ([], [])),
    "until the new one is available": (owner(0, 1), ["n1"], [pod("n1", "old"), pod("n1")], ([], ["old-n1"])),
    "or the old one is not ready": (
        owner(0, 1), ["n1"], [pod("n1", "old", ready=False), pod("n1", ready=False)], ([], ["old-n1"])),
    "where it must not be": (owner(nodeName="n2"), ["n1", "n2"], [pod("n1"), pod("n2")], ([], ["new-n1"])),
}


@pytest.mark.parametrize("subject, nodes, pods, expected", MANAGED.values(), ids=MANAGED)
def test_one_pod_for_each_node(subject, nodes, pods, expected):
    changes = daemons.manage(subject, list(map(node, nodes)), daemons.by_node(pods), "new", NOW)
    assert names(changes) == expected


def test_a_pending_pod_of_a_node_that_is_gone_goes():
    template = daemons.pinned({"spec": {"affinity": {"nodeAffinity": {}}}}, "n9")
    waiting = {**pod(""), "spec": template["spec"]}
    assert daemons.node_of(waiting) == "n9"
    placed = daemons.by_node([waiting, pod("n8")])
    assert names(daemons.manage(owner(), [], placed, "new", NOW)) == ([], ["new-"])


OLDS = [pod(f"n{number}", "old") for number in (1, 2, 3)]
ROLLED = {  # the owner, pods on n1, n2, n3 -> nodes that get a pod, pods that go
    "one at a time": (owner(1), OLDS, ([], ["old-n1"])),
    "as many as may be": (owner(2), OLDS, ([], ["old-n1", "old-n2"])),
    "a share, rounded up": (owner("34%"), OLDS, ([], ["old-n1", "old-n2"])),
    "neither is one": (owner(0, 0), OLDS, ([], ["old-n1"])),
    "not while a new one is not available": (owner(1), [pod("n1", ready=False), *OLDS[1:]], ([], [])),
    "not while a node has none": (owner(1), OLDS[1:], ([], [])),
    "one that is not available costs nothing": (owner(1), [*OLDS[:2], pod("n3", "old", ready=False)],
                                                ([], ["old-n3"])),
    "a surge makes one beside": (owner(0, 1), OLDS, (["n1"], [])),
    "and waits for it": (owner(0, 1), [pod("n1", ready=False), *OLDS], ([], [])),
    "then the old one goes and the next comes": (owner(0, 1), [pod("n1"), *OLDS], (["n2"], ["old-n1"])),
    "an unavailable old one needs no room": (
        owner(0, 1), [*OLDS[:2], pod("n3", "old", ready=False)], (["n1", "n3"], [])),
}


@pytest.mark.parametrize("subject, pods, expected", ROLLED.values(), ids=ROLLED)
def test_rolling_update(subject, pods, expected):
    nodes = [node(f"n{number}") for number in (1, 2, 3)]
    assert names(daemons.roll(subject, nodes, daemons.by_node(pods), "new", NOW)) == expected


def test_fact_04_a_relabelled_pod_counts_as_updated():
    nodes = [node("n1"), node("n2"), node("n3"), node("n4", ("x", "NoExecute"))]
    pods = [pod("n1"), pod("n2", "old", ready=False), pod("n4")]
    assert daemons.status_of(owner(strategy="OnDelete"), nodes, daemons.by_node(pods), "new", NOW) == {
        "observedGeneration": 1, "desiredNumberScheduled": 3, "currentNumberScheduled": 2,
        "numberMisscheduled": 1, "numberReady": 1, "numberAvailable": 1, "numberUnavailable": 2,
        "updatedNumberScheduled": 1}


def test_a_pod_is_pinned_to_its_node_and_stays_there():
    subject = owner(tolerations=[{"key": "x", "operator": "Exists"}])
    made = daemons.pinned(daemons.template_for(subject, "abc"), "n1")
    assert made["metadata"]["labels"] == {"app": "agent", "controller-revision-hash": "abc"}
    assert [one["key"].rpartition("/")[2] for one in made["spec"]["tolerations"]] == [
        "x", "not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"]
    assert daemons.node_of({"spec": made["spec"]}) == "n1"
