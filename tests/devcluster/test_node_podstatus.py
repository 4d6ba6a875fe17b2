"""What the node says of a pod, from the state of its containers."""

import pytest
from devcluster.node import podstatus
from devcluster.node.container import Container
from devcluster.objects import condition

AT, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z"
GATE = "example.com/go"


def pod(*, policy="Always", gates=(), conditions=(), **status):
    return {"metadata": {"name": "p", "namespace": "n", "uid": "u", "generation": 3},
            "spec": {"restartPolicy": policy, "readinessGates": [{"conditionType": kind} for kind in gates]},
            "status": {"conditions": list(conditions), **status}}


def container(state, name="c", *, init=False, last=None, results=None, **spec):
    """state: running, an exit code, or the reason of waiting."""
    made = Container({"name": name, "image": "i:1", **spec}, init)
    if state == "running":
        made.state = {"running": {"startedAt": AT}}
    elif isinstance(state, int):
        made.state = {"terminated": {"exitCode": state}}
    elif state:
        made.state = {"waiting": {"reason": state}}
    if last is not None:
        made.last_state = {"terminated": {"exitCode": last}}
    if state == "running" or isinstance(state, int) or last is not None:
        made.container_id = "devcluster://1"
    made.results = results or {}
    return made


def generate(of, *containers, old=None, at=AT, **more):
    return podstatus.generate(of, old or {}, containers, at=at, node_address="127.1.0.1", pod_address="127.1.1.2",
                              **more)


def init(state, **more):
    return container(state, "i", init=True, **more)


def sidecar(state, **more):
    return container(state, "s", init=True, restartPolicy="Always", **more)


PHASES = [
    ("Pending", "Always", [container(None)]),
    ("Pending", "Always", [init("running"), container(None)]),
    ("Pending", "Always", [init(0), container(None)]),
    ("Pending", "Always", [init("CrashLoopBackOff", last=1), container(None)]),
    ("Failed", "Never", [init(1), container(None)]),
    ("Pending", "Always", [container("ErrImagePull")]),
    ("Running", "Always", [container("running")]),
    ("Running", "Always", [container("ErrImagePull", last=0)]),
    ("Running", "Always", [container("CrashLoopBackOff", last=1)]),
    ("Running", "Always", [container(0)]),
    ("Pending", "Always", [sidecar("running", startupProbe={}), container(None)]),
    ("Running", "Always", [sidecar("running"), container("running")]),
    ("Succeeded", "Never", [container(0)]),
    ("Failed", "Never", [container(0), container(1, "d")]),
    ("Running", "OnFailure", [container(1)]),
    ("Succeeded", "OnFailure", [sidecar(0), container(0)]),
]


@pytest.mark.parametrize("expected, policy, containers", PHASES)
def test_the_phase_follows_from_the_containers(expected, policy, containers):
    assert generate(pod(policy=policy), *containers)["phase"] == expected


@pytest.mark.parametrize("code, expected", [(0, "Succeeded"), (137, "Failed")])
def test_a_pod_whose_containers_were_stopped_has_ended(code, expected):
    assert generate(pod(), container(code), ended=True)["phase"] == expected


def test_a_terminal_phase_stays():
    assert generate(pod(), container("running"), old={"phase": "Failed"})["phase"] == "Failed"


READY = [
    ([], [container("running")], ("True", None, None)),
    ([], [container("running", readinessProbe={}, results={"readiness": False}), container("running", "d")],
     ("False", "ContainersNotReady", "containers with unready status: [c]")),
    ([], [container("running", readinessProbe={}, results={"readiness": True})], ("True", None, None)),
    ([], [container("running", startupProbe={})],
     ("False", "ContainersNotReady", "containers with unready status: [c]")),
    ([], [sidecar("running", readinessProbe={}), container("running")],
     ("False", "ContainersNotReady", "containers with unready status: [s]")),
    ([], [container(0)], ("False", "ContainersNotReady", "containers with unready status: [c]")),
    ([GATE], [container("running")],
     ("False", "ReadinessGatesNotReady", f'corresponding condition of pod readiness gate "{GATE}" does not exist.')),
]


@pytest.mark.parametrize("gates, containers, expected", READY)
def test_ready_and_why_not(gates, containers, expected):
    ready = condition({"status": generate(pod(gates=gates), *containers)}, "Ready")
    assert (ready["status"], ready.get("reason"), ready.get("message")) == expected


@pytest.mark.parametrize("value, expected", [("True", "True"), ("False", "False")])
def test_a_gate_counts_by_its_condition(value, expected):
    of = pod(gates=[GATE], conditions=[{"type": GATE, "status": value}])
    ready = condition({"status": generate(of, container("running"))}, "Ready")
    assert ready["status"] == expected
    if value == "False":
        assert ready["message"] == f'the status of pod readiness gate "{GATE}" is not "True", but False'


def test_generation_is_observed_in_the_status_and_its_conditions():
    status = generate(pod(), container("running"))
    assert {status["observedGeneration"], *(one["observedGeneration"] for one in status["conditions"])} == {3}


def test_a_transition_time_moves_with_the_value_alone():
    first = generate(pod(), container("running"))
    second = generate(pod(), container(1), old=first, at=LATER)
    times = {one["type"]: one["lastTransitionTime"] for one in second["conditions"]}
    assert times["Ready"] == times["ContainersReady"] == LATER
    assert times["PodScheduled"] == times["Initialized"] == AT and second["startTime"] == AT


def test_a_patch_says_what_differs_and_takes_back_what_is_over():
    unready = generate(pod(), container("running", readinessProbe={}))
    ready = generate(pod(), container("running", readinessProbe={}, results={"readiness": True}), old=unready)
    unready["conditions"].insert(0, {"type": GATE, "status": "True"})
    patch = podstatus.patch(pod(**{**unready}), ready)
    assert set(patch["status"]) == {"conditions", "$setElementOrder/conditions", "containerStatuses"}
    changed = {one["type"]: one for one in patch["status"]["conditions"]}
    assert set(changed) == {"Ready", "ContainersReady"}
    assert changed["Ready"]["reason"] is None and changed["Ready"]["message"] is None
    assert [one["type"] for one in patch["status"]["$setElementOrder/conditions"]] == [GATE, *podstatus.OWNED]


def test_nothing_new_is_no_patch():
    status = generate(pod(), container("running"))
    assert podstatus.patch(pod(**status), status) is None
