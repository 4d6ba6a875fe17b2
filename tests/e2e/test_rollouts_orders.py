"""What people tell a Rollout during a run, and what deleting it leaves."""

import pytest
from rollouts import Rolled, batches, confirmed
from workloads import GATE, GATED, image_of, pod_spec, uids

KINDS = ["Deployment", "StatefulSet", "DaemonSet"]
DEADLINE = 4


@pytest.fixture
def halfway(shop):
    """A workload with a run to version 2 that has stopped after its first pod."""
    def make(kind, **spec):
        web = Rolled(shop, kind).apply().come_up().plan(confirmed(1, 1, "100%"), **spec)
        web.push("2")
        web.wait("WaitingForConfirmation", 0)
        return web

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_promote_leaves_out_every_stop(halfway, kind):
    web = halfway(kind)
    web.order("Promote")
    web.was_in_place(web.wait_healthy("2"))


@pytest.mark.parametrize("kind", KINDS)
def test_abort_puts_the_stable_template_back(halfway, kind):
    web = halfway(kind)
    web.order("Abort")
    after = web.wait_healthy("1")
    assert image_of(web.get()["spec"]["template"]) == "1"
    assert uids(after) == uids(web.before)
    web.push("2")  # which is a new run, that the order does not mean
    web.wait("WaitingForConfirmation", 0)


def test_retry_goes_on_where_it_failed(shop):
    """The new pod is not ready in time. Once it is, the run goes on from its batch."""
    web = Rolled(shop, "StatefulSet").apply(pods=pod_spec(**GATED))
    for one in shop.wait_for(lambda: len(web.pods()) == 3 and web.pods()):
        shop.set_condition(one, GATE, "True")
    web.come_up().plan(batches(1, "100%", progressDeadlineSeconds=DEADLINE), update="Recreate")
    web.push("2")
    run = web.wait("Failed", 0, rollingState="RolloutFailed")["run"]["id"]

    def set_gates():
        for one in web.pods():
            shop.set_condition(one, GATE, "True")
        return True

    set_gates()
    shop.stays(lambda: web.status()["rollingState"] == "RolloutFailed" and web.versions() == {"1": 2, "2": 1})
    web.order("Retry")
    shop.wait_for(lambda: set_gates() and web.status()["phase"] == "Healthy")
    assert web.run() != run
    web.wait_healthy("2")


@pytest.mark.parametrize("kind", KINDS)
def test_paused_touches_no_further_pod(halfway, kind):
    web = halfway(kind)
    web.change(paused=True)
    web.confirm(0)
    status = web.wait("Paused", 0)
    assert "spec.paused" in status["message"]
    web.namespace.stays(lambda: web.versions() == {"1": 2, "2": 1})
    web.change(paused=False)
    web.wait("WaitingForConfirmation", 1)


def test_batch_partition_is_raised_step_by_step(shop):
    web = Rolled(shop, "StatefulSet").apply().come_up().plan(batches(1, 1, 1, batchPartition=0))
    web.push("2")
    for batch in (0, 1):
        status = web.wait("Paused", batch)
        assert f"batchPartition is {batch}" in status["message"]
        shop.stays(lambda: web.versions() == {"1": 2 - batch, "2": 1 + batch})
        web.change(rolloutPlan={"batchPartition": batch + 1})
    web.was_in_place(web.wait_healthy("2"))


# --- deleting the Rollout half-way ---

@pytest.mark.parametrize("kind", KINDS)
def test_freeze_leaves_all_as_it_is(halfway, kind):
    web = halfway(kind, deletionPolicy="Freeze")
    pods = uids(web.pods())
    web.gone()
    web.namespace.stays(lambda: web.is_held() and web.versions() == {"1": 2, "2": 1})
    assert uids(web.pods()) == pods


@pytest.mark.parametrize("kind", KINDS)
def test_promote_leaves_it_to_the_stock_controller(halfway, kind):
    web = halfway(kind, deletionPolicy="Promote")
    web.gone()
    assert not web.is_held()
    web.namespace.wait_for(lambda: web.versions() == {"2": 3})
    web.namespace.wait_ready("web", 3)
    web.kubectl_agrees(revisions=2)


@pytest.mark.parametrize("kind", KINDS)
def test_revert_takes_it_back(halfway, kind):
    web = halfway(kind, deletionPolicy="Revert")
    web.gone()
    assert not web.is_held()
    assert image_of(web.get()["spec"]["template"]) == "1"
    after = web.namespace.wait_ready("web", 3)
    assert web.versions() == {"1": 3}
    assert uids(after) == uids(web.before)
