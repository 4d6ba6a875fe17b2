"""How many disruptions a budget allows."""

import pytest

from devcluster.controllers.disruption import budget, disrupted, status_of
from devcluster.objects import seconds

AT = "2026-01-01T00:00:00Z"


def pods(*ready):
    return [{"metadata": {"name": f"p{index}"}, "status": {"conditions": [
        {"type": "Ready", "status": str(one)}]}} for index, one in enumerate(ready)]


@pytest.mark.parametrize("spec, scale, expected", [
    ({"minAvailable": 2}, 9, (3, 2)),
    ({"minAvailable": "50%"}, 5, (5, 3)),
    ({"maxUnavailable": 1}, 5, (5, 4)),
    ({"maxUnavailable": "30%"}, 5, (5, 3)),
    ({"maxUnavailable": 9}, 5, (5, 0)),
    ({}, 5, (0, 0)),
])
def test_pods_expected_and_healthy_pods_wanted(spec, scale, expected):
    assert budget({"spec": spec}, pods(True, True, False), lambda: scale) == expected


@pytest.mark.parametrize("ready, expected, desired, allowed, reason", [
    ((True, True, True), 3, 2, 1, "SufficientPods"),
    ((True, True, False), 3, 2, 0, "InsufficientPods"),
    ((True, False, False), 3, 2, 0, "InsufficientPods"),
    ((True,), 0, 0, 0, "InsufficientPods"),
])
def test_disruptions_allowed(ready, expected, desired, allowed, reason):
    status = status_of({"metadata": {"generation": 4}}, pods(*ready), expected, desired, {})
    assert (status["disruptionsAllowed"], status["conditions"][0]["reason"]) == (allowed, reason)
    assert status["currentHealthy"] == sum(ready)
    assert status["observedGeneration"] == status["conditions"][0]["observedGeneration"] == 4
    assert "disruptedPods" not in status


def test_a_pod_that_is_being_deleted_is_not_healthy():
    going, staying = pods(True, True)
    going["metadata"]["deletionTimestamp"] = AT
    assert status_of({"metadata": {}}, [going, staying], 2, 1, {})["currentHealthy"] == 1


def test_a_budget_keeps_its_other_conditions_and_the_time_of_its_own():
    own = {"type": "DisruptionAllowed", "status": "True", "lastTransitionTime": AT, "reason": "SufficientPods"}
    pdb = {"metadata": {"generation": 2}, "status": {"conditions": [{"type": "Other", "status": "True"}, own]}}
    for desired, status, same in ((1, "True", True), (2, "False", False)):
        other, told = status_of(pdb, pods(True, True), 2, desired, {})["conditions"]
        assert other["type"] == "Other" and (told["status"], told["message"]) == (status, "")
        assert (told["lastTransitionTime"] == AT) is same


def test_an_evicted_pod_counts_as_gone_for_two_minutes():
    pdb = {"metadata": {}, "status": {"disruptedPods": {"p0": AT, "gone": AT}}}
    left, until = disrupted(pdb, pods(True, True), seconds(AT) + 60)
    assert (left, until) == ({"p0": AT}, seconds(AT) + 120)
    assert status_of(pdb, pods(True, True), 2, 1, left)["currentHealthy"] == 1
    assert disrupted(pdb, pods(True, True), seconds(AT) + 121) == ({}, None)
