"""A kind that is described in the configuration alone, by where its partition is."""

import cloneset
import pytest
import sluice
from cloneset import CLONESETS, cloneset as manifest
from rollouts import HELD, ROLLOUTS, batches, rollout
from workloads import image_of, images, pod_spec

NAME = "web"


@pytest.fixture(scope="module")
def clonesets(cluster, policies):
    with (cloneset.asked_about(cluster, sluice.NAME),
          cloneset.allowed(cluster, sluice.SYSTEM, sluice.RECONCILER)):
        yield


@pytest.fixture
def mine(cluster, clonesets, account, process, shop, tmp_path):
    """The test's namespace with a controller of CloneSets, and a reconciler that knows them."""
    process.stop()
    reconciler = sluice.Reconciler(tmp_path, account, workloads=[cloneset.DESCRIPTION])
    controller = cloneset.Controller(cluster.kubeconfig, shop.name)
    reconciler.start()
    yield shop
    reconciler.stop()
    controller.stop()


def versions(namespace):
    return sorted(image_of(pod) for pod in namespace.pods(NAME))


def test_a_cloneset_rolls_by_its_partition(mine):
    mine.create(CLONESETS, manifest(NAME, 4, pod_spec()))
    mine.wait_ready(NAME, 4)
    plan = rollout("CloneSet", NAME, batches(1, "50%", "100%", needWaitingForConfirm=True))
    plan["spec"]["workloadRef"]["apiVersion"] = CLONESETS.api_version
    mine.apply(plan)

    def wait(**expected):
        """The status, once it has these."""
        def reached():
            found = mine.get(ROLLOUTS, NAME).get("status", {})
            return expected.items() <= found.items() and found

        return mine.wait_for(reached)

    def push(**options):
        return mine.patch(CLONESETS, NAME, {"spec": {"template": {"spec": {
            **pod_spec(), "containers": [{**pod_spec()["containers"][0], **images("2")["spec"]["containers"][0]}]}}}},
            kind="merge", **options)

    wait(phase="Healthy")
    mine.wait_for(lambda: HELD in push(dryRun="All")["metadata"].get("annotations", {}))
    push()
    for batch, updated in ((0, 1), (1, 3)):
        status = wait(phase="WaitingForConfirmation", currentBatch=batch)
        assert versions(mine) == ["1"] * (4 - updated) + ["2"] * updated
        mine.patch(ROLLOUTS, NAME, {"spec": {"confirm": {"run": status["run"]["id"], "batch": batch}}}, kind="merge")
    wait(phase="Healthy", rollingState="RolloutSucceed", currentBatch=2)
    assert versions(mine) == ["2"] * 4
    mine.wait_ready(NAME, 4)
    found = mine.get(CLONESETS, NAME)
    assert found["spec"]["updateStrategy"] == {"type": "ReCreate", "partition": 0}
    assert HELD not in found["metadata"].get("annotations", {})
