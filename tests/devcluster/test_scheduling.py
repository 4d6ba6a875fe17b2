"""Where a pod may run, and what is said when it may run nowhere."""

import pytest

from devcluster.controllers.scheduling import Room, Shape, best, requests_of, tolerates, why_not


def node(name, *, labels=None, taints=(), cpu="2", memory="4Gi", pods="10", **spec):
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": {"taints": list(taints), **spec},
            "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": pods}}}


def rooms(*nodes):
    made = []
    for one in nodes:
        made.append(Room())
        made[-1].set_node(one)
    return made


def container(cpu=None, **more):
    return {"name": "c", **({"resources": {"requests": {"cpu": cpu}}} if cpu else {}), **more}


def shape(cpu=None, **spec):
    return Shape.of({"spec": {"containers": [container(cpu)], **spec}})


def affinity(*terms):
    return {"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}}


def expression(operator, key="rank", *values):
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def field(operator, *values):
    return {"matchFields": [{"key": "metadata.name", "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize("init, main, expected", [
    ([], ["100m", "0.5"], 600),
    ([container("1")], ["100m"], 1000),
    ([container("50m")], ["100m"], 100),
    ([container("200m", restartPolicy="Always")], ["100m"], 300),
    ([container("200m", restartPolicy="Always"), container("1")], ["100m"], 1200),
    ([container("1"), container("200m", restartPolicy="Always")], ["100m"], 1000),
    ([], ["0.1m"], 1),
])
def test_requests_count_init_containers_and_sidecars(init, main, expected):
    pod = {"spec": {"initContainers": init, "containers": [container(cpu) for cpu in main]}}
    assert requests_of(pod)["cpu"] == expected


@pytest.mark.parametrize("toleration, tolerated", [
    ({"operator": "Exists"}, True),
    ({"key": "k", "operator": "Exists"}, True),
    ({"key": "k", "value": "v"}, True),
    ({"key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"}, True),
    ({"key": "k", "operator": "Equal", "value": "w"}, False),
    ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
    ({"key": "other", "operator": "Exists"}, False),
])
def test_tolerations(toleration, tolerated):
    assert tolerates([toleration], {"key": "k", "value": "v", "effect": "NoSchedule"}) is tolerated


@pytest.mark.parametrize("spec, names", [
    ({}, "abc"),
    ({"nodeSelector": {"rank": "5"}}, "b"),
    ({"affinity": affinity(expression("In", "rank", "5", "10"))}, "bc"),
    ({"affinity": affinity(expression("NotIn", "rank", "5"))}, "ac"),
    ({"affinity": affinity(expression("Exists"))}, "bc"),
    ({"affinity": affinity(expression("DoesNotExist"))}, "a"),
    ({"affinity": affinity(expression("Gt", "rank", "7"))}, "c"),
    ({"affinity": affinity(expression("Lt", "rank", "7"))}, "b"),
    ({"affinity": affinity(field("In", "c"))}, "c"),
    ({"affinity": affinity(field("NotIn", "c"))}, "ab"),
    ({"affinity": affinity(field("In", "a"), expression("Gt", "rank", "7"))}, "ac"),
    ({"affinity": affinity({**field("In", "b"), **expression("Gt", "rank", "7")})}, ""),
    ({"affinity": affinity({})}, ""),
    ({"nodeSelector": {"rank": "5"}, "affinity": affinity(field("In", "c"))}, ""),
])
def test_node_affinity(spec, names):
    nodes = [node("a"), node("b", labels={"rank": "5"}), node("c", labels={"rank": "10"})]
    assert "".join(one["metadata"]["name"] for one in nodes if best(shape(**spec), rooms(one))) == names


TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}
PREEMPTION = "no new claims to deallocate, preemption: 0/{n} nodes are available: {why}."
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"


@pytest.mark.parametrize("spec, nodes, message, preemption", [
    ({"cpu": "3"}, [node("a"), node("b", taints=[TAINT]), node("c", unschedulable=True)],
     "1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.",
     f"3 {NOT_HELPFUL}"),
    ({"nodeSelector": {"x": "y"}}, [node("a")], "1 node(s) didn't match Pod's node affinity/selector.",
     f"1 {NOT_HELPFUL}"),
    ({}, [node("a", pods="0")], "1 Too many pods.", f"1 {NO_VICTIMS}"),
    ({"affinity": affinity(field("In", "a"))}, [node("a", taints=[TAINT]), node("b")],
     "1 node(s) didn't satisfy plugin(s) [NodeAffinity], 1 node(s) had untolerated taint(s).",
     f"2 {NOT_HELPFUL}"),
    ({"affinity": affinity({"matchFields": [*field("In", "a")["matchFields"],
                                            *field("In", "b")["matchFields"]]})},
     [node("a"), node("b")], "pod affinity terms conflict.", f"2 {NOT_HELPFUL}"),
])
def test_what_is_said_of_a_pod_that_fits_nowhere(spec, nodes, message, preemption):
    assert best(shape(**spec), rooms(*nodes)) is None
    assert why_not(shape(**spec), rooms(*nodes)) == (
        f"0/{len(nodes)} nodes are available: {message} " + PREEMPTION.format(n=len(nodes), why=preemption))


def test_no_nodes_at_all():
    assert why_not(shape(), []) == "no nodes available to schedule pods"


def test_resources_are_taken_and_given_back():
    (room,) = rooms(node("a"))
    room.add(shape("1500m").requests)
    assert best(shape("600m"), [room]) is None
    assert "1 Insufficient cpu." in why_not(shape("600m"), [room])
    assert best(shape("500m"), [room]) is room
    room.remove(shape("1500m").requests)
    assert best(shape("2"), [room]) is room


def test_pods_go_where_the_fewest_are_and_no_taint_warns():
    warning = {"key": "k", "effect": "PreferNoSchedule"}
    warned, full, free = rooms(node("a", taints=[warning]), node("b"), node("c"))
    full.add({})
    assert best(shape(), [warned, full, free]) is free
    assert best(shape(), [warned, full]) is full
    assert best(shape(), [warned]) is warned
