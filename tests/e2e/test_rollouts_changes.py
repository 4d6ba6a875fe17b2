"""What happens to a run when something else happens: a mistake, a change of mind, a change of size."""

import re

import pytest
from rollouts import ROLLOUTS, Rolled, batches, confirmed, rollout
from workloads import GATE, GATED, container_id, image_of, pod_spec, uids

KINDS = ["Deployment", "StatefulSet", "DaemonSet"]
SCALED = ["Deployment", "StatefulSet"]
BROKEN = "absent"  # no node can pull it
WHY = re.compile(r"pod web-\S+: container podinfo: (ErrImagePull|ImagePullBackOff|CrashLoopBackOff)")
DEADLINE = 4  # progressDeadlineSeconds of a run that is to fail
SLOW = "slow-"  # an image that takes 3 s to pull, at the first time on a node


@pytest.fixture
def rolled(shop):
    """Makes a workload that is up, under a Rollout."""
    def make(kind, plan, count=3, pods=None, **spec):
        web = Rolled(shop, kind, count=count)
        return web.apply(pods=pods).come_up().plan(plan, **spec)

    return make


@pytest.fixture
def halfway(rolled):
    """The same with a run to version 2 that has stopped after its first pod."""
    def make(kind, count=3, **spec):
        web = rolled(kind, confirmed(1, "100%"), count, **spec)
        web.push("2")
        web.wait("WaitingForConfirmation", 0)
        assert web.versions() == {"1": count - 1, "2": 1}
        return web

    return make


def containers(pods):
    return {container_id(pod) for pod in pods}


# --- another template ---

@pytest.mark.parametrize("kind", KINDS)
def test_rolling_back_touches_only_what_has_moved(halfway, kind):
    web = halfway(kind)
    run = web.run()
    web.push("1")
    after = web.wait_healthy("1")
    assert web.run() != run
    assert uids(after) == uids(web.before)
    assert len(containers(after) - containers(web.before)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_version_starts_over_with_all_pods(halfway, kind):
    web = halfway(kind)
    run = web.run()
    web.push("3")
    web.namespace.wait_for(lambda: web.run() != run)
    web.confirm(0, run)  # what was said of another run means nothing
    status = web.wait("WaitingForConfirmation", 0)
    assert status["run"]["id"] != run
    assert web.versions().get("3") == 1
    web.namespace.stays(lambda: web.status()["currentBatch"] == 0)
    web.confirm(0)
    after = web.wait_healthy("3")
    assert uids(after) == uids(web.before)


@pytest.mark.parametrize("kind", KINDS)
def test_applying_the_manifest_again_does_not_lift_the_hold(halfway, kind):
    web = halfway(kind)
    run = web.run()
    web.apply(version="2")
    web.namespace.stays(lambda: web.is_held() and web.versions() == {"1": 2, "2": 1})
    assert web.run() == run
    web.apply()  # the old one: a rollback
    after = web.wait_healthy("1")
    assert uids(after) == uids(web.before)


def test_undo_is_a_rollback(halfway):
    web = halfway("StatefulSet")
    web.namespace.kubectl("rollout", "undo", "statefulset/web")
    assert uids(web.wait_healthy("1")) == uids(web.before)


# --- a mistake ---

@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_image_stops_the_run(rolled, kind):
    web = rolled(kind, batches(1, "100%", progressDeadlineSeconds=DEADLINE))
    web.push(BROKEN)
    status = web.wait("Failed", 0, rollingState="RolloutFailed")
    assert WHY.search(status["message"])
    assert web.is_held()
    assert web.versions() == {"1": 2, BROKEN: 1}
    web.push("2")
    assert uids(web.wait_healthy("2")) == uids(web.before)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_image_is_taken_back(rolled, kind):
    web = rolled(kind, batches(1, "100%", progressDeadlineSeconds=DEADLINE), onFailure="Rollback")
    web.push(BROKEN)
    status = web.wait("Failed", rollingState="RolloutFailed")
    assert status["run"]["stableRevision"] == status["run"]["updateRevision"]
    assert WHY.search(status["run"]["failure"])
    assert image_of(web.get()["spec"]["template"]) == "1"
    after = web.namespace.wait_ready("web", web.count)
    assert uids(after) == uids(web.before)
    assert web.versions() == {"1": 3}
    web.is_restored()
    web.push("2")
    web.wait_healthy("2")


@pytest.mark.parametrize("kind", KINDS)
def test_a_pod_that_was_broken_before_keeps_nobody_waiting(shop, kind):
    web = Rolled(shop, kind).apply(pods=pod_spec(**GATED))
    pods = shop.wait_for(lambda: len(web.pods()) == 3 and web.pods())
    for one in pods[1:]:
        shop.set_condition(one, GATE, "True")
    shop.wait_for(lambda: web.get()["status"].get("readyReplicas", web.get()["status"].get("numberReady")) == 2)
    web.plan(batches(1, "100%", progressDeadlineSeconds=30))
    web.push("2")
    shop.wait_for(lambda: web.versions() == {"2": 3})
    web.wait("Healthy", rollingState="RolloutSucceed")
    assert uids(web.pods()) == uids(pods)
    web.is_restored()


# --- another size ---

@pytest.mark.parametrize("kind", SCALED)
@pytest.mark.parametrize("count", [6, 2])
def test_scaling_in_the_middle_of_a_batch(rolled, kind, count):
    web = rolled(kind, confirmed(2, "100%"), 4)
    version = f"{SLOW}{kind.lower()}-{count}"
    web.push(version)
    web.namespace.wait_for(lambda: version in web.versions())
    web.namespace.kubectl("scale", f"{kind.lower()}/web", f"--replicas={count}")
    web.count = count
    if count > 2:  # else the first batch is all there is
        web.wait("WaitingForConfirmation", 0, replicas=count)
        web.namespace.wait_ready("web", count)
        assert web.versions() == {"1": count - 2, version: 2}
        web.confirm(0)
    web.wait_healthy(version)


@pytest.mark.parametrize("kind", SCALED)
def test_scaled_down_to_less_than_is_updated(rolled, kind):
    """The plan would not fit so few replicas, but it is not begun anew."""
    web = rolled(kind, confirmed(1, "50%", "100%"), 6)
    web.push("2")
    web.wait("WaitingForConfirmation", 0)
    web.confirm(0)
    web.wait("WaitingForConfirmation", 1)
    assert web.versions() == {"1": 2, "2": 4}
    web.count = 3
    web.namespace.kubectl("scale", f"{kind.lower()}/web", f"--replicas={web.count}")
    web.wait_healthy("2")


@pytest.mark.parametrize("kind", SCALED)
def test_a_workload_of_no_pods_is_rolled_at_once(rolled, kind):
    web = rolled(kind, batches("100%"), 0)
    web.push("2")
    web.namespace.wait_for(lambda: not web.is_held())
    web.wait_healthy("2")
    web.namespace.kubectl("scale", f"{kind.lower()}/web", "--replicas=2")
    web.namespace.wait_ready("web", 2)
    assert web.versions() == {"2": 2}
    web.wait("Healthy")


# --- a Rollout that comes late, and a workload that goes early ---

@pytest.mark.parametrize("kind", SCALED)
def test_a_workload_that_is_already_rolling_is_taken_over(shop, kind):
    """New pods that are not ready have stopped the stock controller half-way."""
    web = Rolled(shop, kind).apply(pods=pod_spec(**GATED))
    for one in shop.wait_for(lambda: len(web.pods()) == 3 and web.pods()):
        shop.set_condition(one, GATE, "True")
    web.come_up()
    web.push("2")
    new, = shop.wait_for(lambda: [pod for pod in web.pods() if image_of(pod) == "2"])
    web.plan(confirmed(1, "100%"))
    shop.wait_for(lambda: web.is_held())
    shop.set_condition(new, GATE, "True")
    web.wait("WaitingForConfirmation", 0)
    shop.wait_ready("web", 3)
    assert web.versions() == {"1": 2, "2": 1}
    web.confirm(0)
    assert new["metadata"]["uid"] in uids(web.wait_healthy("2"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_workload_that_goes_ends_its_run(halfway, kind):
    web = halfway(kind)
    web.namespace.kubectl("delete", kind.lower(), "web")
    status = web.wait("Degraded", rollingState="RolloutSucceed")
    assert "does not exist" in status["message"]
    web.apply(version="2")
    web.wait_healthy("2")


def test_of_two_rollouts_for_one_workload_one_does_nothing(rolled):
    web = rolled("StatefulSet", batches("100%"))
    second = rollout("StatefulSet", "web", batches(1, "100%"))
    second["metadata"]["name"] = "zweb"
    web.namespace.apply(second)
    web.namespace.wait_for(lambda: "Rollout web rolls StatefulSet" in web.namespace.get(
        ROLLOUTS, "zweb").get("status", {}).get("message", ""))
    web.push("2")
    web.wait_healthy("2")
    assert web.namespace.get(ROLLOUTS, "zweb")["status"]["phase"] == "Degraded"


def test_a_plan_that_does_not_fit_says_so_and_goes_on_when_it_does(rolled):
    web = rolled("StatefulSet", batches(2, 2))
    web.push("2")
    status = web.wait("Degraded", rollingState="VerifyingSpec")
    assert "the plan does not fit StatefulSet" in status["message"]
    web.namespace.stays(lambda: web.versions() == {"1": 3})
    web.change(rolloutPlan=batches(2, 1))
    assert uids(web.wait_healthy("2")) == uids(web.before)


# --- no webhook ---

@pytest.mark.parametrize("kind", KINDS)
def test_without_a_webhook_the_reconciler_holds_by_itself(unmanaged, kind):
    """The stock controller may be faster with a first pod. Then it is stopped."""
    web = Rolled(unmanaged, kind, count=3).apply().come_up().plan(confirmed(2, "100%"))
    web.push("2")
    web.wait("WaitingForConfirmation", 0)
    unmanaged.wait_ready("web", 3)
    assert web.versions() == {"1": 1, "2": 2}
    web.confirm(0)
    web.wait_healthy("2")


def test_an_undo_after_a_run_brings_no_old_settings_back(unmanaged):
    """kubectl takes the Deployment's annotations from the ReplicaSet too, where its controller copied them."""
    web = Rolled(unmanaged, "Deployment").apply().come_up().plan(batches("100%"))
    web.push("2")
    web.wait_healthy("2")
    chosen = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2, "maxUnavailable": 0}}
    unmanaged.patch("deployments", "web", {"spec": {"strategy": chosen}})
    unmanaged.kubectl("rollout", "undo", "deployment/web")
    web.wait_healthy("1")
    assert web.get()["spec"]["strategy"] == chosen
