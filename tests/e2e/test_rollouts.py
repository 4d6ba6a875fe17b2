"""A run from its template to its end, for each native kind: what moves, when, and what is left of it."""

import dataclasses

import pytest
from devcluster.objects import is_true, seconds
from rollouts import Rolled, batches, confirmed
from workloads import image_of, uids

PAUSE = 3  # seconds


@dataclasses.dataclass
class Case:
    kind: str
    update: str = "InPlaceIfPossible"
    strategy: str = ""

    @property
    def name(self):
        return "-".join(filter(None, (self.kind, self.update, self.strategy))).lower()

    def plan(self):
        plan = confirmed(1, {"replicas": 1, "pause": {"duration": f"{PAUSE}s"}}, "100%")
        return plan | ({"rolloutStrategy": self.strategy} if self.strategy else {})


CASES = [
    Case("Deployment"), Case("StatefulSet"), Case("DaemonSet"),
    Case("Deployment", "Recreate", "IncreaseFirst"), Case("Deployment", "Recreate", "DecreaseFirst"),
    Case("StatefulSet", "Recreate"), Case("DaemonSet", "Recreate"),
]


@pytest.fixture(scope="module")
def begun(mall):
    """All of them at once: a run of each is at its first stop."""
    made = {case.name: Rolled(mall, case.kind, case.name) for case in CASES}
    for one in made.values():
        one.apply()
    for case in CASES:
        made[case.name].come_up().plan(case.plan(), update=case.update)
    for one in made.values():
        one.push("2")
    return made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_three_batches_with_confirmations_and_a_pause(begun, case):
    web = begun[case.name]
    for batch in (0, 1):
        status = web.wait("WaitingForConfirmation", batch)
        assert web.versions() == {"1": 2 - batch, "2": 1 + batch}
        assert [one["target"] for one in status["batches"]] == [1, 2, 3]
        assert "kubectl sluice confirm" in status["message"]
        web.confirm(batch)
    web.wait("Paused", 1)
    assert web.versions() == {"1": 1, "2": 2}
    after = web.wait_healthy("2")
    if case.update == "Recreate":
        web.was_recreated(after)
    else:
        web.was_in_place(after)
    done = web.status()["batches"]
    assert seconds(done[2]["startedAt"]) - seconds(done[1]["finishedAt"]) >= PAUSE
    web.kubectl_agrees(revisions=2)


@pytest.fixture(scope="module")
def budgeted(mall):
    """A workload of each case, one pod of which may be out of service at a time, all in one batch."""
    made = {}
    for case in CASES:
        plan = batches("100%", maxUnavailable=1) | ({"rolloutStrategy": case.strategy} if case.strategy else {})
        made[case.name] = Rolled(mall, case.kind, f"budget-{case.name}").apply().come_up().plan(
            plan, update=case.update)
    return made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_more_pods_are_out_of_service_than_may_be(budgeted, case):
    web = budgeted[case.name]
    web.push("2")
    fewest = web.count
    while web.versions() != {"2": web.count} or web.status()["phase"] != "Healthy":
        fewest = min(fewest, sum(is_true(pod, "Ready") for pod in web.pods()))
    web.wait_healthy("2")
    assert fewest >= (web.count if case.strategy == "IncreaseFirst" else web.count - 1)


@pytest.mark.parametrize("update", ["InPlaceIfPossible", "Recreate"])
def test_ordinals_that_begin_later(shop, update):
    """The partition counts from the first ordinal on: a pod that is lost comes back as its batch has it."""
    web = Rolled(shop, "StatefulSet").apply(ordinals={"start": 5}).come_up()
    web.plan(confirmed(1, "100%"), update=update)
    web.push("2")
    web.wait("WaitingForConfirmation", 0)
    lost = uids(web.pods())
    shop.delete("pods", "web-7")
    shop.wait_for(lambda: len(uids(web.pods()) - lost) == 1)
    shop.wait_ready("web", 3)
    assert {one["metadata"]["name"]: image_of(one) for one in web.pods()} == {
        "web-5": "1", "web-6": "1", "web-7": "2"}
    web.confirm(0)
    web.wait_healthy("2")
