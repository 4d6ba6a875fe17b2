"""A run ends as it should whatever happens to the reconciler and to its way to the API server."""

import signal
import time

import pytest
import relay
import sluice
from devcluster.errors import ApiError
from rollouts import ROLLOUTS, Rolled, batches, confirmed
from workloads import image_of, uids

KINDS = ["Deployment", "StatefulSet", "DaemonSet"]
BROKEN, DEADLINE = "absent", 3
OUTAGE, DELAY = 30, 0.1  # seconds
MANY = 100_000
CUTS, BETWEEN = 10, 0.4  # seconds
FAULTS = "/devcluster/faults"
ELECTION = {"leaderElection": {"leaseDuration": "3s", "renewDeadline": "2s", "retryPeriod": "500ms"}}


def batch_states(*numbers):
    return {f"RollingInBatches/{state}/{number}" for number in numbers for state in (
        "BatchInitializing", "BatchInRolling", "BatchVerifying", "BatchFinalizing", "BatchReady")}


RUN = {"VerifyingSpec//0", "Initializing//0", *batch_states(0, 1), "Finalising//1", "RolloutSucceed//1"}


def killed_in_every_state(web, reconciler, change, last):
    """Makes a change, kills and starts the reconciler whenever the Rollout is in a state for the first time, up to
    the last one; the states."""
    seen = set()
    with web.states() as states:
        seen.add(next(states))
        change()
        for state in states:
            if state in seen:
                continue
            seen.add(state)
            reconciler.kill()
            reconciler.start()
            if state.startswith(last):
                return seen
    raise AssertionError(f"never {last}: {seen} {web.status()}")


# --- faults of the dev cluster ---

def can_fail(cluster):
    try:
        cluster.call("request", "GET", FAULTS)
    except ApiError:
        return False
    return True


@pytest.fixture
def faults(cluster):
    """Adds faults for the reconciler's requests; skips on another cluster."""
    if not can_fail(cluster):
        pytest.skip("this API server does not fail on demand")
    yield lambda **fault: cluster.call("request", "POST", FAULTS, fault)
    cluster.call("request", "DELETE", FAULTS)


@pytest.fixture
def slowly(cluster):
    """Where it can be had, each change of the reconciler's takes long enough to be killed in the middle of it."""
    slow = can_fail(cluster)
    if slow:
        cluster.call("request", "POST", FAULTS, {"user": sluice.ACCOUNT, "verb": "patch", "delaySeconds": DELAY,
                                                 "times": MANY})
    yield
    if slow:
        cluster.call("request", "DELETE", FAULTS)


# --- kill -9 ---

@pytest.mark.parametrize(("kind", "update"), [(kind, "InPlaceIfPossible") for kind in KINDS] + [
    ("Deployment", "Recreate")])
def test_killed_in_every_state_of_a_run(shop, reconciler, slowly, kind, update):
    web = Rolled(shop, kind).apply().come_up().plan(batches(1, "100%"), update=update)
    seen = killed_in_every_state(web, reconciler, lambda: web.push("2"), "RolloutSucceed//1")
    assert RUN <= seen
    after = web.wait_healthy("2")
    if update == "Recreate":
        web.was_recreated(after)
    else:
        web.was_in_place(after)
    web.kubectl_agrees(revisions=2)


@pytest.mark.parametrize("kind", KINDS)
def test_killed_in_every_state_of_a_failure(shop, reconciler, slowly, kind):
    web = Rolled(shop, kind).apply().come_up().plan(
        batches(1, "100%", progressDeadlineSeconds=DEADLINE), onFailure="Rollback")
    seen = killed_in_every_state(web, reconciler, lambda: web.push(BROKEN), "RolloutFailed")
    assert any(state.startswith("RolloutFailing") for state in seen)
    after = shop.wait_ready("web", 3)
    assert web.versions() == {"1": 3}
    assert uids(after) == uids(web.before)
    web.wait("Failed", rollingState="RolloutFailed")
    web.is_restored()


def test_killed_in_every_state_of_an_abort(shop, reconciler, slowly):
    web = Rolled(shop, "StatefulSet").apply().come_up().plan(confirmed(1, "100%"))
    web.push("2")
    web.wait("WaitingForConfirmation", 0)
    seen = killed_in_every_state(web, reconciler, lambda: web.order("Abort"), "RolloutSucceed")
    assert any(state.startswith("RolloutAbandoning") for state in seen)
    assert uids(web.wait_healthy("1")) == uids(web.before)


def test_killed_while_a_deletion_is_reverted(shop, reconciler, slowly):
    web = Rolled(shop, "StatefulSet").apply().come_up().plan(confirmed(1, "100%"), deletionPolicy="Revert")
    web.push("2")
    web.wait("WaitingForConfirmation", 0)
    killed_in_every_state(web, reconciler, lambda: shop.delete(ROLLOUTS, "web"), "RolloutDeleting")
    shop.wait_for(lambda: not shop.list(ROLLOUTS))
    assert not web.is_held()
    assert image_of(web.get()["spec"]["template"]) == "1"
    assert uids(shop.wait_ready("web", 3)) == uids(web.before)


# --- two replicas ---

@pytest.fixture
def replicas(process, account, tmp_path):
    """Two reconcilers that elect a leader."""
    process.stop()
    made = [sluice.Reconciler(tmp_path / name, account, "--leader-elect", **ELECTION) for name in "ab"]
    yield made
    for one in made:
        one.stop()


def test_leadership_moves_and_the_run_goes_on(shop, replicas):
    """By a kill, by a stop, and away from one that hangs: which does nothing more when it wakes up."""
    web = Rolled(shop, "Deployment")
    web.apply().come_up()
    first, second = replicas
    first.start()
    first.says("leading")
    second.start()
    web.plan(confirmed(1, 1, "100%"))
    web.push("2")
    web.wait("WaitingForConfirmation", 0)
    assert not second.has_said("leading")
    first.kill()
    web.confirm(0)
    web.wait("WaitingForConfirmation", 1)
    assert second.has_said("leading")
    first.start()
    second.stop()
    first.says("leading")
    second.start()
    first.signal(signal.SIGSTOP)
    web.confirm(1)
    web.was_in_place(web.wait_healthy("2"))
    assert second.has_said("leading")
    first.signal(signal.SIGCONT)
    assert first.wait() == 1  # to be started again as a candidate


# --- the API ---

@pytest.fixture
def all_kinds(shop):
    """A workload of each kind, up, and under a Rollout."""
    made = [Rolled(shop, kind, kind.lower()).apply() for kind in KINDS]
    for one in made:
        one.come_up().plan(batches(1, "100%"))
    return made


def all_are_rolled(webs):
    for web in webs:
        web.was_in_place(web.wait_healthy("2"))


@pytest.mark.parametrize("fault", [
    {"verb": "patch", "code": 409}, {"verb": "patch", "code": 429, "retryAfter": 1}, {"verb": "patch", "code": 500},
    {"verb": "create", "code": 500}, {"verb": "patch", "delaySeconds": 0.5}], ids=str)
def test_requests_that_fail(all_kinds, faults, fault):
    faults(user=sluice.ACCOUNT, times=15, **fault)
    for web in all_kinds:
        web.push("2")
    all_are_rolled(all_kinds)


@pytest.mark.parametrize("fault", ["cutWatches", "expireHistory"])
def test_watches_that_end_and_history_that_is_gone(all_kinds, faults, fault):
    """The webhook's watches end too: one that cannot see a hand-over cannot refuse the pods that it would have too many
    of, and a Deployment may lose a pod to one of them. It ends at the same revision and size all the same."""
    for web in all_kinds:
        web.push("2")
    for _ in range(CUTS):
        faults(**{"cutWatches": True, fault: True})
        time.sleep(BETWEEN)
    for web in all_kinds:
        after = web.wait_healthy("2")
        if web.kind != "Deployment":
            web.was_in_place(after)


def test_an_api_server_that_is_away_for_half_a_minute(all_kinds, process, account, tmp_path):
    process.stop()
    way = relay.Relay(account, tmp_path)
    other = sluice.Reconciler(tmp_path / "other", way.kubeconfig)
    other.start()
    try:
        for web in all_kinds:
            web.push("slow-outage")
            web.namespace.wait_for(lambda: "slow-outage" in web.versions())
        way.cut()
        time.sleep(OUTAGE)
        assert all(web.status()["rollingState"] == "RollingInBatches" for web in all_kinds)
        way.mend()
        for web in all_kinds:
            web.was_in_place(web.wait_healthy("slow-outage"))
    finally:
        other.stop()
        way.cut()
